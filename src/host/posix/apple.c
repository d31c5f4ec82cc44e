/* usbmuxd is a program of its own here: there is no service of Apple's to look for. */
#include "../system.h"

bool kb_host_apple_service(enum kb_apple_from *from, bool *runs) {
    *from = KB_APPLE_NOTHING;
    *runs = false;
    return false;
}
