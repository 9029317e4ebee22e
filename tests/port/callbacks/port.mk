# SPDX-License-Identifier: MIT
# callbacks: port/callbacks over a stack that is a thread for each connection, over this machine's sockets.
PORT_SRC := tests/port/callbacks/port.c port/callbacks/net.c
PORT_CPPFLAGS := -Iport/callbacks
