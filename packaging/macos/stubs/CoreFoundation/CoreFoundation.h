/*
 * Just what src/host/darwin uses of CoreFoundation, declared as Apple's documentation describes it, so that the file is
 * compiled where there is no Mac. Not linked, not installed, and not used on a Mac.
 */
#ifndef KITBENCH_STUB_COREFOUNDATION_H
#define KITBENCH_STUB_COREFOUNDATION_H

#include <stdbool.h>
#include <stdint.h>

typedef unsigned char Boolean, UInt8;
typedef uint32_t CFStringEncoding;
typedef signed long CFIndex;
typedef CFIndex CFNumberType;
typedef const void *CFTypeRef;
typedef const struct __CFAllocator *CFAllocatorRef;
typedef const struct __CFString *CFStringRef;
typedef const struct __CFNumber *CFNumberRef;
typedef const struct __CFArray *CFArrayRef;
typedef const struct __CFURL *CFURLRef;
typedef struct __CFError *CFErrorRef;

enum { kCFNumberSInt64Type = 4, kCFStringEncodingUTF8 = 0x08000100 };
extern const CFStringRef kCFURLVolumeAvailableCapacityForImportantUsageKey;

void CFRelease(CFTypeRef cf);
CFURLRef CFURLCreateFromFileSystemRepresentation(CFAllocatorRef allocator, const UInt8 *buffer, CFIndex size,
                                                 Boolean is_directory);
Boolean CFURLCopyResourcePropertyForKey(CFURLRef url, CFStringRef key, void *value, CFErrorRef *error);
Boolean CFNumberGetValue(CFNumberRef number, CFNumberType type, void *value);
CFArrayRef CFLocaleCopyPreferredLanguages(void);
CFIndex CFArrayGetCount(CFArrayRef array);
const void *CFArrayGetValueAtIndex(CFArrayRef array, CFIndex index);
CFStringRef CFStringCreateWithCString(CFAllocatorRef allocator, const char *text, CFStringEncoding encoding);
Boolean CFStringGetCString(CFStringRef string, char *buffer, CFIndex size, CFStringEncoding encoding);
#endif
