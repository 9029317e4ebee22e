# SPDX-License-Identifier: MIT
include tests/port/lwip/lwip.mk
PORT_CPPFLAGS += -DNO_SYS=0
PORT_SRC += port/lwip/sockets.c tests/lwip/sys_arch.c
