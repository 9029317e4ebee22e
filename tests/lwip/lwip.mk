# SPDX-License-Identifier: MIT
# lwip.mk - lwIP, the ports over it and their tests, for this machine. The top Makefile calls it with
#     LWIP      lwIP's source tree            B        where to build
#     COMPILE   compiler and flags            LINK     the same for linking
#     TESTS     -I of the tests       LIBS     what programs are linked with, libpopcl.a first
# A variant is lwIP with settings of its own, in a folder of its own: $(B)/lwip/VARIANT. A program belongs to one variant, and is built of one
# file of this folder, those that the variant names, and those that itself uses, everywhere or in this variant.

.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules
Q := $(if $(V),,@)

VARIANTS := raw raw6 board sockets sockets6
SETTINGS_raw := -DNO_SYS=1 -DBOARD_ROW=ROW_MPS2_AN385 -DSTATS=0
SOURCES_raw := port/lwip/raw.c
PROGRAMS_raw := test_raw test_flight test_eth fetch
SETTINGS_raw6 := -DNO_SYS=1 -DLWIP_IPV6=1 -DTEST_HEAP=1 -DLWIP_WND_SCALE=1 -DTCP_RCV_SCALE=1 -DTCP_WND=70000
SOURCES_raw6 := $(SOURCES_raw)
PROGRAMS_raw6 := test_raw fetch
# The window of examples/firmware with records of 4,096 octets; raw has that of records of 512.
SETTINGS_board := -DNO_SYS=1 -DTCP_MSS=1460 -DTCP_WND=2920 -DLWIP_TCP_TIMESTAMPS=1
LWIP_board := -fno-sanitize=shift # lwIP 2.1.3 reads the option of timestamps with a shift into the sign
SOURCES_board := $(SOURCES_raw)
PROGRAMS_board := test_flight fetch
USES_board_fetch := tests/lwip/fetch_raw.c
USES_test_flight := tests/unit/results.c tests/lwip/far.c tests/lwip/client.c
USES_test_raw := tests/unit/results.c tests/lwip/far.c tests/lwip/client.c
USES_fetch := tests/lwip/tap.c
USES_raw_fetch := tests/lwip/fetch_raw.c
USES_raw6_fetch := $(USES_raw_fetch)
USES_test_eth := tests/unit/results.c examples/firmware/eth.c
LINK_test_eth := -lcmocka
WRAPPED := memp_malloc_fn memp_free mem_malloc mem_free tcp_write tcp_output tcp_close tcp_connect dns_gethostbyname_addrtype
LINK_test_raw = $(LINK_test_flight)
LINK_test_flight := $(WRAPPED:%=-Wl,--wrap=%) -lcmocka

# With and without what lwIP leaves to the system: its lock or its mailbox, a semaphore of each call or of each thread.
SETTINGS_sockets := -DNO_SYS=0 -DLWIP_TCPIP_CORE_LOCKING=1
SOURCES_sockets := port/lwip/sockets.c tests/lwip/sys_arch.c
PROGRAMS_sockets := test_sockets fetch
SETTINGS_sockets6 := -DNO_SYS=0 -DLWIP_IPV6=1 -DTEST_HEAP=1 -DLWIP_TCPIP_CORE_LOCKING=0 -DLWIP_NETCONN_SEM_PER_THREAD=1
SOURCES_sockets6 := $(SOURCES_sockets)
PROGRAMS_sockets6 := test_sockets fetch
USES_test_sockets := tests/unit/results.c tests/lwip/far.c
USES_sockets_fetch := tests/lwip/fetch_sockets.c
USES_sockets6_fetch := $(USES_sockets_fetch)
LINK_test_sockets := -lcmocka

LWIP_C := $(patsubst $(LWIP)/src/%,%,$(wildcard $(addprefix $(LWIP)/src/,core/*.c core/ipv4/*.c core/ipv6/*.c api/*.c)) $(LWIP)/src/netif/ethernet.c)
INCLUDE := -Itests/lwip -Iport/lwip -isystem $(LWIP)/src/include $(TESTS)

all:

define variant
LIB_$(1) := $(B)/lwip/$(1)/liblwip.a
OBJ_$(1) := $(LWIP_C:%.c=$(B)/lwip/$(1)/lwip/%.o)
OWN_$(1) := $(SOURCES_$(1):%.c=$(B)/lwip/$(1)/own/%.o)

$(B)/lwip/$(1)/lwip/%.o: $(LWIP)/src/%.c tests/lwip/lwip.mk tests/lwip/lwipopts.h $(wildcard tests/lwip/arch/*.h)
	@mkdir -p $$(@D)
	$$(Q)$(COMPILE) -w $(SETTINGS_$(1)) $(LWIP_$(1)) $(INCLUDE) -c -o $$@ $$<
$(B)/lwip/$(1)/own/%.o: %.c tests/lwip/lwip.mk
	@mkdir -p $$(@D)
	$$(Q)$(COMPILE) $(SETTINGS_$(1)) $(INCLUDE) -MMD -MP -c -o $$@ $$<
$$(LIB_$(1)): $$(OBJ_$(1))
	@echo "  AR    $$@"
	@rm -f $$@
	$$(Q)$(AR) qcs $$@ $$^
all: $$(LIB_$(1)) $$(OWN_$(1)) $(PROGRAMS_$(1):%=$(B)/lwip/$(1)/%)
-include $(SOURCES_$(1):%.c=$(B)/lwip/$(1)/own/%.d)
endef

# A program ($(2)) of a variant ($(1)).
define program
$(B)/lwip/$(1)/$(2): $(patsubst %.c,$(B)/lwip/$(1)/own/%.o,tests/lwip/$(2).c $(USES_$(2)) $(USES_$(1)_$(2)) $(SOURCES_$(1))) $$(LIB_$(1)) $(filter-out -l%,$(filter %.a,$(LIBS)))
	@echo "  LD    $$@"
	$$(Q)$(LINK) -o $$@ $$(filter %.o,$$^) $$(LIB_$(1)) $(LIBS) $(LINK_$(2))
-include $(patsubst %.c,$(B)/lwip/$(1)/own/%.d,tests/lwip/$(2).c $(USES_$(2)) $(USES_$(1)_$(2)))
endef
$(foreach v,$(VARIANTS),$(eval $(call variant,$(v))))
$(foreach v,$(VARIANTS),$(foreach p,$(PROGRAMS_$(v)),$(eval $(call program,$(v),$(p)))))

.PHONY: all
