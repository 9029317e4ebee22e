# SPDX-License-Identifier: MIT
# lwip.mk - what the two ports over lwIP share: its source, its settings for the suite, and the relay to the peer.
LWIP := $(shell sh tests/source.sh lwip $(B))
ifeq ($(LWIP),)
$(error lwIP's source cannot be had: LWIP_SRC=dir names an unpacked tree)
endif
PORT_CPPFLAGS := -Itests/port/lwip -Itests/lwip -Iport/lwip -isystem $(LWIP)/src/include
PORT_OTHERS_SRC := $(wildcard $(addprefix $(LWIP)/src/,core/*.c core/ipv4/*.c core/ipv6/*.c api/*.c) $(LWIP)/src/netif/ethernet.c)
PORT_SRC := $(PORT_DIR)/port.c tests/port/lwip/relay.c tests/port/lwip/stack.c
