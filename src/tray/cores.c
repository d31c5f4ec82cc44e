/* How many processes can work at the same time. */
#include "kitbench/tray.h"
#include <uv.h>

int kb_tray_cores(void) {
    uv_cpu_info_t *list = NULL;
    int count = 0;
    if (uv_cpu_info(&list, &count) != 0) return 1;
    uv_free_cpu_info(list, count);
    return count > 0 ? count : 1;
}
