# SPDX-License-Identifier: MIT
# quectel: port/quectel over a modem that a script plays.
PORT_SRC := tests/port/quectel/port.c port/quectel/net.c
PORT_CPPFLAGS := -Iport/quectel
