# kitbench: one Makefile, no recursion into folders. `make help` lists the targets.
# Variables: FLAVOUR (native asan tsan fuzz win win64 mac-ARCH macos-ARCH) is a folder under build/; V=1 shows commands; CI=1 makes warnings errors.
ROOMS := cli tray job device backup journal policy host base # top to bottom, also the link order
uses_base    :=
uses_host    := base
uses_policy  := base
uses_journal := policy host base
uses_backup  := host base
uses_device  := host base
uses_job     := device backup journal policy host base
uses_tray    := job device journal policy host base
uses_cli     := tray job device backup journal policy host base

FLAVOUR ?= native
ifeq ($(origin CC),default)
CC := $(if $(filter win win64,$(FLAVOUR)),x86_64-w64-mingw32-gcc,$(if $(filter fuzz,$(FLAVOUR)),clang,cc))
endif
AR         ?= ar
PKG_CONFIG ?= pkg-config
linked_cross := $(filter win64 macos-%,$(FLAVOUR))
ifneq ($(linked_cross),)
# What packaging/windows/deps.sh or packaging/macos/deps.sh has built; libusbmuxd is packaging/standin, on kitbench's own usbmux client.
cross_prefix := $(or $(KITBENCH_CROSS_CACHE),$(HOME)/.cache/kitbench-cross)/$(FLAVOUR:macos-%=mac-%)
override PKG_CONFIG := PKG_CONFIG_LIBDIR='$(cross_prefix)/lib/pkgconfig' $(PKG_CONFIG)
endif
ifeq ($(FLAVOUR),win64)
AR           := x86_64-w64-mingw32-ar
endif
B          := build/$(FLAVOUR)
# Flavours that are only compiled: headers of libraries in $(B)/include, no pkg-config.
cross      := $(filter win mac-%,$(FLAVOUR))
OS         := $(if $(findstring mingw,$(shell $(CC) -dumpmachine 2>/dev/null || echo $(CC))),win32,posix)
X          := $(if $(filter win32,$(OS)),.exe)
# src/host/darwin needs Apple's headers: only on a Mac, and not for another system there.
FRAMEWORKS := $(if $(filter Darwin,$(if $(cross)$(linked_cross),,$(shell uname -s))),darwin,bare)
VERSION    := 0.1.0
RELEASED   := 2026-11-24

# What each room may link, beside the C library (design.md, section 3).
libs_base    := jansson
libs_host    :=
libs_policy  :=
libs_journal := sqlite3 libcrypto
libs_backup  := libplist-2.0 sqlite3 libcrypto
libs_device  := libimobiledevice-1.0 libusbmuxd-2.0 libplist-2.0 libssl libcrypto
libs_job     := libplist-2.0
libs_tray    := libuv
libs_cli     := libconfuse libutf8proc
libs_sim     := libplist-2.0 libssl libcrypto sqlite3 jansson
libs_tests   := check
test_libs_base := libplist-2.0 # what the guard lets pass is given to libplist
all_libs     := $(sort $(foreach r,$(ROOMS),$(libs_$(r))) $(libs_sim))

# Homebrew keeps these two out of pkg-config's sight. Not exported: $(shell) sees what is exported only from make 4.4 on.
ifneq ($(wildcard /opt/homebrew/opt /usr/local/opt/openssl@3),)
kegs := $(wildcard $(addsuffix /lib/pkgconfig,$(foreach k,openssl@3 sqlite,/opt/homebrew/opt/$(k) /usr/local/opt/$(k))))
override PKG_CONFIG := PKG_CONFIG_PATH='$(subst $() ,:,$(strip $(PKG_CONFIG_PATH) $(kegs)))' $(PKG_CONFIG)
endif

# pkg-config is asked once for each variable, and only when a recipe needs the answer.
once = $(eval $(1) := $(2))$($(1))
missing_libs  = $(strip $(foreach l,$(1),$(shell $(PKG_CONFIG) --exists $(l) 2>/dev/null || echo $(l))))
need          = $(if $(1),$(error This computer lacks: $(1). Run scripts/install-deps.sh, then make again))
libs_checked  = $(call once,libs_checked,$(call need,$(call missing_libs,$(all_libs))))
system_flags := $(if $(filter win32,$(OS)),-D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0A00 -Wno-deprecated-declarations)
ifneq ($(cross),)
system_flags += -isystem $(B)/include
lib_cflags   :=
test_cflags  :=
else
lib_cflags    = $(libs_checked)$(call once,lib_cflags,$$(shell $(PKG_CONFIG) --cflags $(all_libs)))
test_cflags   = $(call once,test_cflags,$$(shell $(PKG_CONFIG) --cflags $(libs_tests)))
endif
ifneq ($(filter macos-%,$(FLAVOUR)),)
test_cflags  := # programs only: there is no Check
endif
lib_ldlibs    = $(call once,lib_ldlibs,$$(shell $(PKG_CONFIG) --libs $(all_libs)) -lpthread -lm)
ifeq ($(OS),win32)
# Static libraries need each other in circles; what Windows itself gives comes last.
link_these    = -static -Wl,--start-group $(1) -Wl,--end-group -lbcrypt -lws2_32 -liphlpapi -ladvapi32 -lole32 -lntdll -lwinpthread
else
link_these    = $(1) $(if $(filter darwin,$(FRAMEWORKS)),-framework CoreFoundation -framework IOKit)
endif
sim_ldlibs    = $(call once,sim_ldlibs,$$(shell $(PKG_CONFIG) --libs $(libs_sim)) -lpthread -lm)

CFLAGS   ?= -O2 -g
CPPFLAGS ?=
LDFLAGS  ?=
flags     = -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -fstack-protector-strong \
            $(if $(CI),-Werror) $(flavour_$(FLAVOUR)) $(CFLAGS)
defines   = -Iinclude $(system_flags) -DKB_VERSION='"$(VERSION)"' -D_FILE_OFFSET_BITS=64
flavour_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
flavour_tsan := -fsanitize=thread
# zig sets NDEBUG; libplist 2.7 calls deprecated what 2.2 has nothing else for.
$(foreach a,mac-arm64 mac-x86_64 macos-arm64 macos-x86_64,$(eval flavour_$(a) := -UNDEBUG -Wno-deprecated-declarations))
flavour_fuzz := -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
Q         = $(if $(V),,@)
say       = @$(if $(V),:,printf '  %-7s %s\n' $(1) $(2))

srcs    = $(wildcard src/$(1)/*.c) $(wildcard src/$(1)/$(OS)/*.c) $(if $(filter posix,$(OS)),$(wildcard src/$(1)/$(FRAMEWORKS)/*.c))
objs    = $(patsubst %.c,$(B)/%.o,$(1))
archive = $(B)/lib/$(1).a

.PHONY: all
all: build/kitbench build/phonesim

build/kitbench build/phonesim: build/%: $(B)/%
	$(Q)cp $< $@.tmp && mv $@.tmp $@

# A test sees the private headers of its room too.
# ON_POSIX: whether links, signals and fork() can be tested; on Windows a few calls come from tests/win32.
on_windows   := -DON_POSIX=0 -include tests/win32/posix.h -Itests/win32 -Wno-format -Wno-format-extra-args -Wno-deprecated-declarations -Wno-unused-value
test_defines = $(if $(filter tests/%,$(1)),$(if $(filter win32,$(OS)),$(if $(filter-out tests/sim/%,$(1)),$(on_windows)),-DON_POSIX=1) $(test_cflags) $(addprefix -I,$(filter-out %.c,$(wildcard src/$(word 3,$(subst /, ,$(1)))))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP $(defines) $(call test_defines,$<) $(lib_cflags) $(flags) -c -o $@ $<

define archive_rule
$(call archive,$(1)): $(2)
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
extra_base := $(B)/gen/ja.o
$(foreach r,$(ROOMS),$(eval $(call archive_rule,$(r),$(call objs,$(call srcs,$(r))) $(extra_$(r)))))
$(eval $(call archive_rule,sim,$(call objs,$(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c tests/sim/$(OS)/*.c)))))

ifneq ($(linked_cross),)
standin := $(B)/lib/standin.a
$(eval $(call archive_rule,standin,$(call objs,$(wildcard packaging/standin/*.c))))
$(B)/packaging/standin/%.o: defines += -Isrc/device -DLIMD_GLUE_STATIC
$(B)/packaging/standin/%.o: flags += -Wno-missing-prototypes
endif

$(B)/kitbench$(X): $(B)/src/main.o $(foreach r,$(ROOMS),$(call archive,$(r))) $(standin)
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $(call link_these,$^ $(lib_ldlibs))

# Backup folders for tests, whole or damaged in one chosen way.
$(B)/backupgen$(X): $(call objs,$(wildcard tests/backupgen/*.c))
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $(call link_these,$^ $(sim_ldlibs))

# A second reader of backup folders, to compare with.
$(B)/bkread$(X): $(call objs,$(wildcard tests/bkread/*.c))
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $(call link_these,$^ $(sim_ldlibs))

# Random walks over a bench with a tray.
$(B)/walk: $(call objs,$(wildcard tests/walk/*.c))
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(sim_ldlibs)

# On Windows it stands on the host room, and its manifest makes every text UTF-8.
uses_sim := $(if $(X),host base)
$(B)/phonesim$(X): $(B)/tests/sim/main.o $(call archive,sim) $(if $(X),$(foreach r,$(uses_sim),$(call archive,$(r))) $(B)/tests/sim/win32/phonesim.res.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $(call link_these,$^ $(sim_ldlibs))
$(B)/tests/sim/win32/phonesim.res.o: tests/sim/win32/phonesim.rc tests/sim/win32/phonesim.manifest
	@mkdir -p $(@D)
	$(Q)$(CC:%gcc=%windres) -I$(<D) -o $@ $<

# Japanese is compiled in: one sorted table from all PO files, so that no gettext run-time is needed.
po_files := po/ja.po $(sort $(wildcard po/parts/*.po))
$(B)/gen/ja.c: $(po_files) scripts/po-to-c.sh $(wildcard po/parts)
	@mkdir -p $(@D)
	$(Q)sh scripts/po-to-c.sh $(po_files) > $@.tmp && mv $@.tmp $@
$(B)/gen/ja.o: $(B)/gen/ja.c
	$(Q)$(CC) $(CPPFLAGS) $(defines) -Isrc/base $(flags) -c -o $@ $<
po/parts: ;

# ---- Tests -----------------------------------------------------------------------------------------------------------
# tests/unit/ROOM/test_*.c: each a program that links its room and what that room may use, so a wrong use fails here.
# tests/unit/ROOM/win32: only there. Other .c files beside them are helpers that each of these programs gets.
TESTED    := $(ROOMS) sim
unit_srcs = $(wildcard tests/unit/$(1)/test_*.c tests/unit/$(1)/$(OS)/test_*.c)
unit_bins = $(patsubst %.c,$(B)/%$(X),$(call unit_srcs,$(1)))
helpers   = $(filter-out $(call unit_srcs,$(1)),$(wildcard tests/unit/$(1)/*.c)) $(helpers_$(1))
helpers_backup := $(filter-out tests/backupgen/program.c,$(wildcard tests/backupgen/*.c))
define unit_rules
unit_libs_$(1) = $$(call once,unit_libs_$(1),$$$$(shell $(PKG_CONFIG) --libs $(libs_tests) $(sort $(libs_$(1)) $(test_libs_$(1)) $(foreach r,$(uses_$(1)),$(libs_$(r))))) -lpthread -lm)
$(call unit_bins,$(1)): $(B)/tests/unit/$(1)/%$(X): $(B)/tests/unit/$(1)/%.o $(with_$(1)) $(call objs,$(call helpers,$(1))) $(call archive,$(1)) $(foreach r,$(uses_$(1)),$(call archive,$(r))) \
    $(if $(filter device,$(1) $(uses_$(1))),$(standin)) $(if $(filter win32,$(OS)),$(B)/tests/win32/posix.o)
	$$(Q)$$(CC) $$(flags) $$(LDFLAGS) -o $$@ $$(call link_these,$$^ $$(unit_libs_$(1)))
.PHONY: unit-$(1)
unit-$(1): $(call unit_bins,$(1))
	@$$(under) sh scripts/run-tests.sh $$^
endef
with_sim := $(B)/tests/sim/main.in-tests.o
$(foreach r,$(TESTED),$(eval $(call unit_rules,$(r))))
# phonesim's own main under another name: its parts belong together.
$(with_sim): tests/sim/main.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP $(defines) -Dmain=phonesim_main -Wno-missing-prototypes $(lib_cflags) $(flags) -Wno-missing-prototypes -c -o $@ $<
under = $(if $(filter tsan,$(FLAVOUR)),$(shell setarch -R true 2>/dev/null && echo setarch -R))

unit_all = $(foreach r,$(TESTED),$(call unit_bins,$(r)))
.PHONY: unit e2e test check tests-built
unit: $(unit_all)
	@$(under) sh scripts/run-tests.sh $^

# tests/e2e/*.sh, the real programs against the simulated bench. ONLY=part-of-a-name runs some of them.
runner := $(B)/tests/e2e/runner
$(runner): $(B)/tests/e2e/runner.o
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(check_ldlibs)
check_ldlibs = $(call once,check_ldlibs,$$(shell $(PKG_CONFIG) --libs $(libs_tests)) -lpthread -lm)
tests-built: all $(unit_all) $(runner) $(B)/backupgen $(B)/bkread $(B)/walk $(B)/hurried/kitbench
e2e: all $(runner) $(B)/backupgen $(B)/bkread $(B)/walk $(B)/hurried/kitbench
	@E2E_ONLY='$(ONLY)' sh scripts/run-tests.sh $(runner)
test: tests-built
	@sh scripts/run-tests.sh $(unit_all) $(runner)
.PHONY: walks
walks: all $(B)/walk $(B)/backupgen
	@dir=$$(mktemp -d) && cd $$dir && TOP='$(CURDIR)' SEED=$(or $(SEED),$$(date +%s)) ROUNDS=$(or $(ROUNDS),300) sh '$(CURDIR)/tests/e2e/tray-walks.sh'
check:
	@sh scripts/install-deps.sh build test
	@+$(MAKE) --no-print-directory test

# A kitbench whose clock runs faster: the same objects, all deadlines sooner. For silent devices in tests/torture.
HURRY := 8
$(B)/hurried/clock.o: src/host/$(OS)/clock.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP $(defines) -DKB_CLOCK_RATE=$(HURRY) $(lib_cflags) $(flags) -c -o $@ $<
$(B)/hurried/kitbench: $(B)/src/main.o $(B)/hurried/clock.o $(foreach r,$(ROOMS),$(call archive,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(lib_ldlibs)

# Every message of a backup and of a restore, with each of five faults: docs/reliability.md. TORTURE_EVERY=10 takes each tenth point.
.PHONY: torture
torture: all $(B)/hurried/kitbench
	@sh tests/torture/torture.sh docs/reliability.md

.PHONY: demo practice bench bench-tray bench-verify
demo:
	@sh scripts/install-deps.sh build
	@+$(MAKE) --no-print-directory all
	@sh scripts/demo.sh
practice: all
	@sh scripts/practice.sh
bench: all build/native/measure build/native/backupgen
	@bash tests/bench/bench.sh
	@+$(MAKE) --no-print-directory bench-verify bench-tray
bench-tray: all build/native/measure build/native/backupgen
	@bash -o pipefail -c 'bash tests/bench/tray.sh | tee build/bench-tray.md'
bench-verify: all build/native/measure build/native/backupgen
	@bash tests/bench/verify.sh
build/native/measure: tests/bench/measure.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(flags) -o $@ $<

# ---- Care ------------------------------------------------------------------------------------------------------------
our_c := $(sort $(wildcard src/*.c src/*/*.[ch] src/*/*/*.[ch] include/kitbench/*.h tests/sim/*.[ch] tests/sim/*/*.c tests/backupgen/*.[ch] tests/bkread/*.[ch] tests/walk/*.[ch] tests/unit/*/*.[ch] tests/unit/*/*/*.[ch] \
         tests/e2e/*.c tests/fuzz/*.c tests/bench/*.c tests/win32/*.[ch] tests/win32/*/*.h packaging/standin/*.c))
tidied := $(filter-out %.h,$(filter src/%,$(filter-out src/host/win32/% src/host/darwin/%,$(our_c))))
.PHONY: deps format lint lint-format lint-rooms lint-po lint-sh lint-cppcheck lint-tidy asan tsan fuzz fuzz-long win po help
deps:
	@sh scripts/install-deps.sh build test lint
format:
	clang-format -i $(our_c)
lint: lint-format lint-rooms lint-po lint-sh lint-cppcheck lint-tidy
	@echo "lint: nothing to say"
lint-format:
	@clang-format --dry-run -Werror $(our_c)
lint-rooms: $(foreach r,$(ROOMS),$(call archive,$(r)))
	@CC='$(CC)' FLAGS='-std=gnu11 $(defines) $(lib_cflags)' sh scripts/lint-rooms.sh $(B)
lint-po:
	@sh scripts/lint-po.sh
lint-sh:
	@shellcheck -S warning -e SC2034 -x -P SCRIPTDIR $(wildcard scripts/*.sh tests/bench/*.sh packaging/*.sh packaging/*/*.sh) .ci/run
	@shellcheck -S warning -e SC2034 -s sh -x -P SCRIPTDIR $(wildcard tests/e2e/*.sh tests/torture/*.sh)
# Switched off: what it claims of partly filled keys for bsearch(), and of conditions that other checkers understand.
lint-cppcheck:
	@cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability --inline-suppr --max-configs=4 -j2 \
	    --suppress=missingInclude --suppress=uninitvar --suppress=legacyUninitvar --suppress=uninitStructMember --suppress=nullPointerRedundantCheck \
	    --library=scripts/cppcheck.cfg -Iinclude src tests/sim
lint-tidy: build/compile_flags.txt
	@printf '%s\n' $(tidied) | xargs -P2 -n8 clang-tidy --quiet -p build 2>/dev/null
build/compile_flags.txt: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' -xc -std=gnu11 -I$(CURDIR)/include -I$(CURDIR)/src/base -D_FILE_OFFSET_BITS=64 '-DKB_VERSION="$(VERSION)"' $(lib_cflags) > $@

# Debian packages into build/deb (lintian has nothing to say); deb-test installs, runs and removes them in a clean root.
.PHONY: deb deb-test deb-twice
deb:
	@bash packaging/deb/build.sh
deb-twice:
	@bash packaging/deb/build.sh --twice
deb-test: deb
	@bash packaging/deb/test.sh

asan tsan:
	@+$(MAKE) --no-print-directory FLAVOUR=$@ unit

# Every target of tests/fuzz for its share of FUZZ_SECONDS; a crash is left in build/fuzz/ and becomes a corpus file. fuzz-long: each FUZZ_RUNS
# times, which takes hours on one core; FUZZ=csv is that one alone.
FUZZ_SECONDS ?= 60
FUZZ_RUNS    ?= 10000000
FUZZ         ?= *
fuzzers := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*.c))
chosen  := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_$(FUZZ).c))
fuzz: programs-to-fuzz
	@sh tests/fuzz/run.sh build/fuzz seconds $$(($(FUZZ_SECONDS) / $(words $(fuzzers)))) $(fuzzers)
fuzz-long: programs-to-fuzz
	@sh tests/fuzz/run.sh build/fuzz runs $(FUZZ_RUNS) $(chosen)
.PHONY: programs-to-fuzz
programs-to-fuzz:
	@+$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-built
ifeq ($(FLAVOUR),fuzz)
.PHONY: fuzz-built
fuzz-built: $(fuzzers)
$(fuzzers): build/fuzz/%: build/fuzz/tests/fuzz/%.o $(foreach r,$(ROOMS),$(call archive,$(r)))
	$(Q)$(CC) $(flags) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(lib_ldlibs)
endif

# Windows: every room is compiled with warnings as errors. Debian has no libuv for mingw, so the files that use it are left out.
win:
	@CC= sh scripts/native-headers.sh build/win/include
	@+$(MAKE) --no-print-directory FLAVOUR=win CC=x86_64-w64-mingw32-gcc CI=1 win-compiled
ifeq ($(FLAVOUR),win)
win_srcs    := src/main.c $(foreach r,$(ROOMS),$(call srcs,$(r)))
win_left    := $(shell grep -l '<uv\.h>' $(win_srcs) src/tray/*.h 2>/dev/null)
win_uv_srcs := $(if $(filter %.h,$(win_left)),$(shell grep -lE '"($(subst $() ,|,$(notdir $(filter %.h,$(win_left)))))"' $(win_srcs) 2>/dev/null))
.PHONY: win-compiled
win-compiled: $(call objs,$(filter-out $(win_left) $(win_uv_srcs),$(win_srcs))) $(B)/gen/ja.o
	@echo "win: $(words $^) files compile; left out because they need libuv: $(or $(sort $(filter %.c,$(win_left)) $(win_uv_srcs)),none)"
endif

# Windows: kitbench.exe and the unit tests of every room, linked with the libraries of packaging/windows/deps.sh.
.PHONY: win-programs
win-programs:
	@nice bash packaging/windows/deps.sh >/dev/null
	@+$(MAKE) --no-print-directory FLAVOUR=win64 CI=1 win64-built
ifeq ($(FLAVOUR),win64)
.PHONY: win64-built
win_tests := $(foreach r,$(ROOMS),$(call unit_bins,$(r)))
win64-built: $(B)/kitbench.exe $(B)/phonesim.exe $(win_tests)
	@echo "win-programs: kitbench.exe, phonesim.exe and $(words $(win_tests)) unit test programs are in $(B)"
endif
# They run in wine, against the native phonesim; and the installer is made, installed, run and uninstalled there.
.PHONY: win-check win-installer
win-check: all build/native/backupgen
	@sh scripts/install-deps.sh windows
	@+$(MAKE) --no-print-directory win-programs
	@bash scripts/win-check.sh
win-installer: win-programs
	@nice bash packaging/windows/installer.sh build/win64 $(VERSION) build/win64/dist
	@bash packaging/windows/installer-check.sh build/win64/dist $(VERSION)

# macOS: everything but the Linux-only bench is compiled for both architectures, warnings as errors, with zig from npm.
ZIG_TARGETS := mac-arm64=aarch64-macos.11.0 mac-x86_64=x86_64-macos.11.0
with_zig     = zig=$$(sh scripts/get-zig.sh) && $(MAKE) --no-print-directory CI=1 AR="$$zig ar" \
               CC="$$zig cc -target $(word 2,$(subst =, ,$(filter $(1)=%,$(ZIG_TARGETS))))"
mac_archs   := mac-arm64 mac-x86_64
.PHONY: mac $(mac_archs)
mac: $(mac_archs)
$(mac_archs): mac-%:
	@CC= sh scripts/native-headers.sh build/$@/include
	@+$(call with_zig,$@) FLAVOUR=$@ mac-compiled
ifneq ($(filter $(mac_archs),$(FLAVOUR)),)
.PHONY: mac-compiled
$(B)/src/host/darwin/%.o: CPPFLAGS += -isystem packaging/macos/stubs
mac-compiled: $(call objs,$(sort $(filter %.c,$(filter-out src/host/win32/% tests/sim/win32/% tests/bench/% tests/win32/% tests/unit/host/win32/% packaging/standin/%,$(our_c))) $(foreach r,$(TESTED),$(call unit_srcs,$(r))))) $(B)/gen/ja.o
	@echo "mac: $(words $^) files compile for $(FLAVOUR:mac-%=%)"
endif

# kitbench, phonesim and the tests' helpers, linked for both with the libraries of packaging/macos/deps.sh, then joined.
macos_archs := macos-arm64 macos-x86_64
.PHONY: mac-programs $(macos_archs)
mac-programs: $(macos_archs)
	@sh packaging/macos/join.sh build/macos
$(macos_archs): macos-%:
	@nice bash packaging/macos/deps.sh $* >/dev/null
	@+$(call with_zig,mac-$*) FLAVOUR=$@ macos-linked
ifneq ($(filter $(macos_archs),$(FLAVOUR)),)
.PHONY: macos-linked
macos-linked: $(addprefix $(B)/,kitbench phonesim backupgen bkread)
endif

# Takes new sentences up, and folds the rooms' own PO files into po/ja.po.
po:
	@sh scripts/update-po.sh

# ---- Manual pages and completions: the program writes them from its tables --------------------------------------------
manuals := $(addprefix $(B)/gen/,kitbench.1 ja/kitbench.1 kitbench.bash kitbench.zsh kitbench.fish)
.PHONY: manuals
manuals: $(manuals)
$(manuals): $(B)/kitbench Makefile
	@mkdir -p $(@D)
	$(Q)$(B)/kitbench describe $(describe_$(patsubst $(B)/gen/%,%,$@)) > $@.tmp && mv $@.tmp $@
describe_kitbench.1    := man en $(RELEASED)
describe_ja/kitbench.1 := man ja $(RELEASED)
describe_kitbench.bash := bash
describe_kitbench.zsh  := zsh
describe_kitbench.fish := fish

# ---- Installing: GNU's directory variables, DESTDIR ------------------------------------------------------------------
prefix      ?= /usr/local
exec_prefix ?= $(prefix)
bindir      ?= $(exec_prefix)/bin
datarootdir ?= $(prefix)/share
docdir      ?= $(datarootdir)/doc/kitbench
mandir      ?= $(datarootdir)/man
bashcompdir ?= $(datarootdir)/bash-completion/completions
zshcompdir  ?= $(datarootdir)/zsh/site-functions
fishcompdir ?= $(datarootdir)/fish/vendor_completions.d
INSTALL     ?= install
docs        := $(wildcard README.md README.ja.md ARCHITECTURE.md LICENSE docs/*.md)
# from:folder/name of everything that is not a program
practicedir := $(datarootdir)/kitbench
installed := $(foreach d,$(docs),$(d):$(docdir)/$(d)) $(foreach m,$(wildcard docs/*.1),$(m):$(mandir)/man1/$(notdir $(m))) \
             scripts/demo.sh:$(practicedir)/demo.sh $(foreach s,$(wildcard tests/sim/scenarios/*.json tests/sim/scenarios/*.conf),$(s):$(practicedir)/scenarios/$(notdir $(s))) \
             $(B)/gen/kitbench.1:$(mandir)/man1/kitbench.1 $(B)/gen/ja/kitbench.1:$(mandir)/ja/man1/kitbench.1 \
             $(B)/gen/kitbench.bash:$(bashcompdir)/kitbench $(B)/gen/kitbench.zsh:$(zshcompdir)/_kitbench \
             $(B)/gen/kitbench.fish:$(fishcompdir)/kitbench.fish
# The practice bench, told where its parts will be.
$(B)/gen/kitbench-practice: scripts/practice.sh FORCE
	@mkdir -p $(@D)
	$(Q)sed 's|@share@|$(practicedir)|' $< > $@.tmp && if cmp -s $@.tmp $@; then rm $@.tmp; else mv $@.tmp $@; fi
FORCE:
.PHONY: install uninstall clean FORCE
install: $(B)/kitbench $(B)/phonesim $(B)/gen/kitbench-practice $(manuals)
	$(INSTALL) -d "$(DESTDIR)$(bindir)"
	$(INSTALL) -m 755 $(B)/kitbench $(B)/phonesim $(B)/gen/kitbench-practice "$(DESTDIR)$(bindir)"
	$(Q)set -e; for i in $(installed); do from=$${i%%:*} to="$(DESTDIR)$${i#*:}"; $(INSTALL) -d "$${to%/*}"; \
	    if [ -x "$$from" ]; then $(INSTALL) -m 755 "$$from" "$$to"; else $(INSTALL) -m 644 "$$from" "$$to"; fi; done
uninstall:
	$(Q)for i in $(foreach p,kitbench phonesim kitbench-practice,$(bindir)/$(p)) $(foreach i,$(installed),$(lastword $(subst :, ,$(i)))); do \
	    rm -f "$(DESTDIR)$$i"; done
	-rmdir "$(DESTDIR)$(docdir)/docs" "$(DESTDIR)$(docdir)" "$(DESTDIR)$(practicedir)/scenarios" "$(DESTDIR)$(practicedir)"
clean:
	rm -rf build
help:
	@echo 'all (default)  build/kitbench and build/phonesim      check  installs what is missing, builds, runs every test'
	@echo 'demo           the whole story on the simulated bench  test   every test, without installing anything'
	@echo 'practice       a shell on the simulated bench          deb    Debian packages (Debian, Ubuntu)'
	@echo 'unit unit-ROOM unit tests     e2e  ONLY=name  end to end     bench  beside idevicebackup2'
	@echo 'torture        every message of a backup and a restore, with five faults (half an hour)'
	@echo 'bench-tray  1 to 64 devices at once     walks  SEED=n ROUNDS=n  random walks over a bench with a tray'
	@echo 'format lint asan tsan fuzz fuzz-long win win-programs win-check win-installer mac mac-programs po deps manuals install uninstall clean'
	@echo 'variables: CC CFLAGS LDFLAGS FLAVOUR=native|asan|tsan|fuzz|win V=1 CI=1 FUZZ_SECONDS=60 FUZZ_RUNS=10000000 FUZZ=csv prefix DESTDIR'

.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
