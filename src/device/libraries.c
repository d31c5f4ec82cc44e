/* What is linked, for doctor. libimobiledevice tells its version itself only since 1.4.0. */
#include "kitbench/device.h"

#include <libimobiledevice/libimobiledevice.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>

static char text[160];

static void text_make(void) {
#ifdef LIBIMOBILEDEVICE_API /* the header of 1.4.0 and later */
    const char *version = libimobiledevice_version();
#else
    const char *version = "1.3.0";
#endif
    snprintf(text, sizeof text, "libimobiledevice %s, OpenSSL %s", version, OpenSSL_version(OPENSSL_VERSION_STRING));
}

const char *kb_device_libraries(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, text_make);
    return text;
}
