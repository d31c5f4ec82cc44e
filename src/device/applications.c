/* The list of apps that the device installs by itself after a restore (protocol.md 3.7.3). */
#include "ritual.h"

#define FOLDER    "/iTunesRestore"
#define FILE_NAME FOLDER "/RestoreApplications.plist"
enum { PIECE = 64 * 1024 };

static afc_error_t write_all(afc_client_t afc, uint64_t handle, const char *bytes, size_t size) {
    while (size > 0) {
        uint32_t part = size < PIECE ? (uint32_t)size : PIECE, written = 0;
        afc_error_t error = afc_file_write(afc, handle, bytes, part, &written);

        if (error != AFC_E_SUCCESS) return error;
        if (written == 0) return AFC_E_IO_ERROR;
        bytes += written;
        size -= written < size ? written : size;
    }
    return AFC_E_SUCCESS;
}

static afc_error_t write_file(afc_client_t afc, const char *bytes, size_t size) {
    uint64_t handle = 0;
    afc_error_t error = afc_make_directory(afc, FOLDER);

    if (error != AFC_E_SUCCESS && error != AFC_E_OBJECT_EXISTS) return error;
    error = afc_file_open(afc, FILE_NAME, AFC_FOPEN_WR, &handle);
    if (error != AFC_E_SUCCESS) return error;
    error = write_all(afc, handle, bytes, size);
    afc_error_t closed = afc_file_close(afc, handle);
    return error != AFC_E_SUCCESS ? error : closed;
}

/* Nothing has been changed on the device yet, so a failure stops the restore: its apps would be missing afterwards. */
struct kb_result kb_applications_write(struct kb_ritual *ritual, const struct kb_transfer_options *options) {
    if (!options->applications || options->applications_size == 0) return kb_ok();
    afc_error_t error = ritual->afc ? write_file(ritual->afc, options->applications, options->applications_size)
                                    : AFC_E_SERVICE_NOT_CONNECTED;
    ritual->apps_written = ritual->afc != NULL;
    if (error == AFC_E_SUCCESS) return kb_ok();
    return kb_fail(KB_SERVICE, error,
                   _("The list of apps cannot be put onto the device (AFC error %d). Unlock it, then try again"),
                   (int)error);
}

void kb_applications_remove(struct kb_ritual *ritual) {
    if (ritual->apps_written) afc_remove_path(ritual->afc, FILE_NAME);
    ritual->apps_written = false;
}
