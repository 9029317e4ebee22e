# SPDX-License-Identifier: MIT
include tests/port/lwip/lwip.mk
PORT_CPPFLAGS += -DNO_SYS=1
PORT_SRC += port/lwip/raw.c
