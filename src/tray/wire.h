/*
 * What both ends of a worker's pipes agree on. Private to the tray room.
 *
 * Parent to worker: the request (one JSON line, with KB_KEY_MEMORY beside the request's own keys), then perhaps
 * "turn" and "cancel". Worker to parent: the lines of design.md, section 2, and internal ones that are not told:
 *   {"event":"deadline","seconds":N}            the next line comes within N seconds
 *   {"event":"key","key_hex"}                   what the password was derived to, for workers with the same backup
 *   {"event":"end","domain","code","text"}      what the job returned; always the last
 */
#ifndef KB_TRAY_WIRE_H
#define KB_TRAY_WIRE_H

#define KB_WORD_CANCEL      "cancel"
#define KB_WORD_TURN        "turn" /* a job that holds at ready may begin its transfer */
#define KB_SHARED_KEY_BYTES 64
#define KB_REQUEST_MAX      (1 << 20)
#define KB_LINE_MAX         (1 << 20)
#define KB_KEY_MEMORY       "memory_bytes"

/* How long the first line may take: starting the program, and a computer with 64 of them. */
#define KB_FIRST_DEADLINE_S 120
/* How long a worker may take to stop when it is told to: a transfer ends at the next message. */
#define KB_GRACE_S 15
#endif
