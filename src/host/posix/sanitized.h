/* Whether a sanitizer is in this build: they reserve terabytes of addresses, and look into their own process. */
#ifndef KITBENCH_HOST_POSIX_SANITIZED_H
#define KITBENCH_HOST_POSIX_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#endif
