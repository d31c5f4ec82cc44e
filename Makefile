# kitbench: one Makefile, no recursion. Targets: all check demo bench test lint format asan tsan fuzz win install clean.
# Variables: FLAVOUR (native asan tsan win) is a folder under build/; V=1 shows commands; CI=1 makes warnings errors.
ROOMS := cli tray job device backup journal policy host base # top to bottom, also the link order
uses_base    :=
uses_host    := base
uses_policy  := base
uses_journal := policy host base
uses_backup  := host base
uses_device  := host base
uses_job     := device backup journal policy host base
uses_tray    := job device journal policy host base
uses_cli     := tray job device backup journal policy host base

CC      ?= cc
AR      ?= ar
FLAVOUR ?= native
B       := build/$(FLAVOUR)
OS      := $(if $(findstring mingw,$(CC)),win32,posix)
VERSION := 0.1.0

# What each room may link, beside the C library (design.md, section 3).
libs_base    := jansson
libs_host    :=
libs_policy  :=
libs_journal := sqlite3 libcrypto
libs_backup  := libplist-2.0 sqlite3 libcrypto
libs_device  := libimobiledevice-1.0 libusbmuxd-2.0 libplist-2.0 libssl libcrypto
libs_job     := libplist-2.0
libs_tray    := libuv
libs_cli     := libconfuse libutf8proc
libs_sim     := libplist-2.0 libssl libcrypto sqlite3 jansson
libs_tests   := check
pkg = $(if $(strip $(1)),$(shell pkg-config $(2) $(sort $(1))))

CFLAGS   ?= -O2 -g
CPPFLAGS ?=
LDFLAGS  ?=
flags     = -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -fstack-protector-strong \
            $(if $(CI),-Werror) $(flavour_$(FLAVOUR)) $(CFLAGS)
defines   = -Iinclude -I$(B)/gen -DKB_VERSION='"$(VERSION)"' -D_FILE_OFFSET_BITS=64
flavour_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
flavour_tsan := -fsanitize=thread
all_libs  = $(foreach r,$(ROOMS),$(libs_$(r)))
Q         = $(if $(V),,@)

srcs    = $(wildcard src/$(1)/*.c) $(wildcard src/$(1)/$(OS)/*.c)
objs    = $(patsubst %.c,$(B)/%.o,$(1))
archive = $(B)/lib/$(1).a

.PHONY: all
all: build/kitbench build/phonesim

build/kitbench build/phonesim: build/%: $(B)/%
	$(Q)cp $< $@.tmp && mv $@.tmp $@

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP $(defines) $(call pkg,$(all_libs) $(libs_sim) $(libs_tests),--cflags) $(flags) -c -o $@ $<

define room_rules
$(call archive,$(1)): $(call objs,$(call srcs,$(1))) $(extra_$(1))
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
extra_base := $(B)/gen/ja.o
$(foreach r,$(ROOMS),$(eval $(call room_rules,$(r))))

$(B)/kitbench: $(B)/src/main.o $(foreach r,$(ROOMS),$(call archive,$(r)))
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(call pkg,$(all_libs),--libs) -lpthread

$(B)/phonesim: $(call objs,$(wildcard tests/sim/*.c))
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(call pkg,$(libs_sim),--libs) -lpthread

# Japanese is compiled in from po/ja.po: sorted pairs, no gettext run-time needed.
$(B)/gen/ja.c: po/ja.po scripts/po-to-c.sh
	@mkdir -p $(@D)
	$(Q)sh scripts/po-to-c.sh po/ja.po > $@.tmp && mv $@.tmp $@
$(B)/gen/ja.o: $(B)/gen/ja.c
	$(Q)$(CC) $(CPPFLAGS) $(defines) $(flags) -c -o $@ $<

# Unit tests: tests/unit/ROOM/test_*.c, each a program that links its room and what that room may use.
unit_srcs = $(wildcard tests/unit/$(1)/test_*.c)
define unit_rules
$(B)/tests/unit/$(1)/%: $(B)/tests/unit/$(1)/%.o $(call archive,$(1)) $(foreach r,$(uses_$(1)),$(call archive,$(r)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(flags) $$(LDFLAGS) -o $$@ $$^ $$(call pkg,$(libs_tests) $(libs_$(1)) $(foreach r,$(uses_$(1)),$(libs_$(r))),--libs) -lpthread
.PHONY: unit-$(1)
unit-$(1): $(patsubst %.c,$(B)/%,$(call unit_srcs,$(1)))
	@for t in $$^; do $$$$t || exit 1; done
endef
$(foreach r,$(ROOMS),$(eval $(call unit_rules,$(r))))
.PHONY: unit
unit: $(addprefix unit-,$(ROOMS))

.PHONY: clean
clean:
	rm -rf build
.SECONDARY:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
