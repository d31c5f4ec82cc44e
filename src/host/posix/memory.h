/* A bound on memory where the kernel keeps none. Private to src/host/posix. */
#ifndef KITBENCH_HOST_POSIX_MEMORY_H
#define KITBENCH_HOST_POSIX_MEMORY_H

#include <stdint.h>

/* Memory that this process has in use; -1 when the system does not tell. */
int64_t kb_memory_used(void);
/* From now on a thread looks at kb_memory_used() and aborts the process when it is more than bytes. */
void kb_memory_watch(int64_t bytes);
#endif
