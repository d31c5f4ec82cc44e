/*
 * The calls into Apple's frameworks, all of them: CoreFoundation for purgeable space and the language, IOKit for the
 * power assertion. Compiled on a Mac; elsewhere only checked against declarations (packaging/macos/stubs).
 */
#include "../posix/frameworks.h"

#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/pwr_mgt/IOPMLib.h>
#include <string.h>

int64_t kb_framework_free(const char *path) {
    int64_t bytes = -1;
    CFNumberRef number = NULL;
    CFURLRef url = CFURLCreateFromFileSystemRepresentation(NULL, (const UInt8 *)path, (CFIndex)strlen(path), true);
    if (!url) return -1;
    if (CFURLCopyResourcePropertyForKey(url, kCFURLVolumeAvailableCapacityForImportantUsageKey, &number, NULL) &&
        number) {
        if (!CFNumberGetValue(number, kCFNumberSInt64Type, &bytes)) bytes = -1;
        CFRelease(number);
    }
    CFRelease(url);
    return bytes > 0 ? bytes : -1; /* disks that keep nothing purgeable answer 0 */
}

bool kb_framework_language(char *out, size_t room) {
    CFArrayRef languages = CFLocaleCopyPreferredLanguages();
    bool known = languages && CFArrayGetCount(languages) > 0 &&
                 CFStringGetCString((CFStringRef)CFArrayGetValueAtIndex(languages, 0), out, (CFIndex)room,
                                    kCFStringEncodingUTF8);
    if (languages) CFRelease(languages);
    return known;
}

uint32_t kb_framework_awake(const char *why) {
    IOPMAssertionID id = kIOPMNullAssertionID;
    CFStringRef reason = CFStringCreateWithCString(NULL, why, kCFStringEncodingUTF8);
    if (!reason) return 0;
    if (IOPMAssertionCreateWithName(kIOPMAssertionTypePreventUserIdleSystemSleep, kIOPMAssertionLevelOn, reason, &id) !=
        kIOReturnSuccess)
        id = kIOPMNullAssertionID;
    CFRelease(reason);
    return id;
}

void kb_framework_sleep(uint32_t id) { IOPMAssertionRelease(id); }
