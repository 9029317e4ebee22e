# SPDX-License-Identifier: MIT
# posix-ahead: port/posix with memory to read ahead.
PORT_SRC := tests/port/posix/port.c
PORT_CPPFLAGS := -DPOSIX_AHEAD
