/* Just what src/host/darwin uses of IOKit's power management; see ../../CoreFoundation/CoreFoundation.h. */
#ifndef KITBENCH_STUB_IOPMLIB_H
#define KITBENCH_STUB_IOPMLIB_H

#include <CoreFoundation/CoreFoundation.h>

typedef int IOReturn;
typedef uint32_t IOPMAssertionID, IOPMAssertionLevel;
enum { kIOReturnSuccess = 0, kIOPMNullAssertionID = 0, kIOPMAssertionLevelOn = 255 };
#define kIOPMAssertionTypePreventUserIdleSystemSleep ((CFStringRef) "PreventUserIdleSystemSleep")

IOReturn IOPMAssertionCreateWithName(CFStringRef type, IOPMAssertionLevel level, CFStringRef name, IOPMAssertionID *id);
IOReturn IOPMAssertionRelease(IOPMAssertionID id);
#endif
