@echo off
rem The practice bench: phonesim with a few devices, and a command line in which kitbench sees them instead of real ones. What
rem scripts/practice.sh is elsewhere.
rem usage: kitbench-practice [--scenario FILE.json] [COMMAND [ARG...]]    runs COMMAND (a command line) and ends with its status
rem Nothing of the practice gets into the real journal or store: KITBENCH_HOME is a folder of its own, kept until the next practice.
setlocal
chcp 65001 >nul
set "here=%~dp0"
set "share=%~dp0practice\"
set "scenario=%~dp0practice\demo.json"
if not defined KITBENCH_PRACTICE set "KITBENCH_PRACTICE=%TEMP%\kitbench-practice"

rem LANG, as for kitbench itself; else what the user has chosen in Windows.
set "language=%LANG%"
if not defined LANG for /f "tokens=3" %%a in ('reg query "HKCU\Control Panel\International" /v LocaleName') do set "language=%%a"
if /i "%language:~0,2%"=="ja" (set "language=ja") else set "language=en"

if "%~1"=="--scenario" (
    set "scenario=%~f2"
    shift
    shift
)
set command=
:words
if "%~1"=="" goto all_words
set command=%command% %1
shift
goto words
:all_words

if exist "%KITBENCH_PRACTICE%" rd /s /q "%KITBENCH_PRACTICE%"
md "%KITBENCH_PRACTICE%"
copy /y "%share%demo.conf" "%KITBENCH_PRACTICE%\kitbench.conf" >nul
set "KITBENCH_HOME=%KITBENCH_PRACTICE%"
set "PATH=%here%;%PATH%"
set "PROMPT=[practice] $P$G"
if not defined command (
    cd /d "%USERPROFILE%"
    set command=cmd /k type "%share%%language%.txt"
)
"%here%phonesim.exe" --scenario "%scenario%" --listen 127.0.0.1:0 --control 127.0.0.1:0 -- %command%
