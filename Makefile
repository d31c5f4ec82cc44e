# kitbench: one Makefile, no recursion into folders. `make help` lists the targets.
# Variables: FLAVOUR (native asan tsan fuzz win) is a folder under build/; V=1 shows commands; CI=1 makes warnings errors.
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

FLAVOUR ?= native
ifeq ($(origin CC),default)
CC := $(if $(filter win,$(FLAVOUR)),x86_64-w64-mingw32-gcc,$(if $(filter fuzz,$(FLAVOUR)),clang,cc))
endif
AR         ?= ar
PKG_CONFIG ?= pkg-config
B          := build/$(FLAVOUR)
OS         := $(if $(findstring mingw,$(CC)),win32,posix)
VERSION    := 0.1.0

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
all_libs     := $(sort $(foreach r,$(ROOMS),$(libs_$(r))) $(libs_sim))

# pkg-config is asked once for each variable, and only when a recipe needs the answer.
once = $(eval $(1) := $(2))$($(1))
missing_libs  = $(strip $(foreach l,$(1),$(shell $(PKG_CONFIG) --exists $(l) 2>/dev/null || echo $(l))))
need          = $(if $(1),$(error This computer lacks: $(1). Run scripts/install-deps.sh, then make again))
libs_checked  = $(call once,libs_checked,$(call need,$(call missing_libs,$(all_libs))))
ifeq ($(OS),win32)
system_flags := -isystem $(B)/include -D__USE_MINGW_ANSI_STDIO=1 -D_WIN32_WINNT=0x0A00
lib_cflags   :=
else
system_flags :=
lib_cflags    = $(libs_checked)$(call once,lib_cflags,$$(shell $(PKG_CONFIG) --cflags $(all_libs)))
endif
test_cflags   = $(call once,test_cflags,$$(shell $(PKG_CONFIG) --cflags $(libs_tests)))
lib_ldlibs    = $(call once,lib_ldlibs,$$(shell $(PKG_CONFIG) --libs $(all_libs)) -lpthread)
sim_ldlibs    = $(call once,sim_ldlibs,$$(shell $(PKG_CONFIG) --libs $(libs_sim)) -lpthread)
e2e_ldlibs    = $(call once,e2e_ldlibs,$$(shell $(PKG_CONFIG) --libs $(libs_tests)) -lpthread)

CFLAGS   ?= -O2 -g
CPPFLAGS ?=
LDFLAGS  ?=
flags     = -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -fstack-protector-strong \
            $(if $(CI),-Werror) $(flavour_$(FLAVOUR)) $(CFLAGS)
defines   = -Iinclude $(system_flags) -DKB_VERSION='"$(VERSION)"' -D_FILE_OFFSET_BITS=64
flavour_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
flavour_tsan := -fsanitize=thread
flavour_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
Q         = $(if $(V),,@)
say       = @$(if $(V),:,printf '  %-7s %s\n' $(1) $(2))

srcs    = $(wildcard src/$(1)/*.c) $(wildcard src/$(1)/$(OS)/*.c)
objs    = $(patsubst %.c,$(B)/%.o,$(1))
archive = $(B)/lib/$(1).a

.PHONY: all
all: build/kitbench build/phonesim

build/kitbench build/phonesim: build/%: $(B)/%
	$(Q)cp $< $@.tmp && mv $@.tmp $@

# A test sees the private headers of its room too.
test_defines = $(if $(filter tests/%,$(1)),$(test_cflags) $(addprefix -I,$(wildcard src/$(word 3,$(subst /, ,$(1))))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) -MMD -MP $(defines) $(call test_defines,$<) $(lib_cflags) $(flags) -c -o $@ $<

define archive_rule
$(call archive,$(1)): $(2)
	@mkdir -p $$(@D); rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
extra_base := $(B)/gen/ja.o
$(foreach r,$(ROOMS),$(eval $(call archive_rule,$(r),$(call objs,$(call srcs,$(r))) $(extra_$(r)))))
$(eval $(call archive_rule,sim,$(call objs,$(filter-out tests/sim/main.c,$(wildcard tests/sim/*.c)))))

$(B)/kitbench: $(B)/src/main.o $(foreach r,$(ROOMS),$(call archive,$(r)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(lib_ldlibs)

$(B)/phonesim: $(B)/tests/sim/main.o $(call archive,sim)
	$(call say,LINK,$@)
	$(Q)$(CC) $(flags) $(LDFLAGS) -o $@ $^ $(sim_ldlibs)

# Japanese is compiled in: one sorted table from all PO files, so that no gettext run-time is needed.
po_files := po/ja.po $(sort $(wildcard po/parts/*.po))
$(B)/gen/ja.c: $(po_files) scripts/po-to-c.sh po/parts
	@mkdir -p $(@D)
	$(Q)sh scripts/po-to-c.sh $(po_files) > $@.tmp && mv $@.tmp $@
$(B)/gen/ja.o: $(B)/gen/ja.c
	$(Q)$(CC) $(CPPFLAGS) $(defines) -Isrc/base $(flags) -c -o $@ $<
po/parts: ;

# ---- Tests -----------------------------------------------------------------------------------------------------------
# tests/unit/ROOM/test_*.c: each a program that links its room and what that room may use, so a wrong use fails here.
# Other .c files beside them are helpers that each of these programs gets.
uses_sim  :=
TESTED    := $(ROOMS) sim
unit_srcs = $(wildcard tests/unit/$(1)/test_*.c)
unit_bins = $(patsubst %.c,$(B)/%,$(call unit_srcs,$(1)))
helpers   = $(filter-out $(call unit_srcs,$(1)),$(wildcard tests/unit/$(1)/*.c))
define unit_rules
unit_libs_$(1) = $$(call once,unit_libs_$(1),$$$$(shell $(PKG_CONFIG) --libs $(libs_tests) $(sort $(libs_$(1)) $(foreach r,$(uses_$(1)),$(libs_$(r))))) -lpthread)
$(call unit_bins,$(1)): $(B)/tests/unit/$(1)/%: $(B)/tests/unit/$(1)/%.o $(call objs,$(call helpers,$(1))) $(call archive,$(1)) $(foreach r,$(uses_$(1)),$(call archive,$(r)))
	$$(Q)$$(CC) $$(flags) $$(LDFLAGS) -o $$@ $$^ $$(unit_libs_$(1))
.PHONY: unit-$(1)
unit-$(1): $(call unit_bins,$(1))
	@$$(under) sh scripts/run-tests.sh $$^
endef
$(foreach r,$(TESTED),$(eval $(call unit_rules,$(r))))
under = $(if $(filter tsan,$(FLAVOUR)),$(shell setarch -R true 2>/dev/null && echo setarch -R))

.PHONY: unit
unit: $(foreach r,$(TESTED),$(call unit_bins,$(r)))
	@$(under) sh scripts/run-tests.sh $^

.PHONY: clean
clean:
	rm -rf build
.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
