# SPDX-License-Identifier: MIT
# quectel-noise: the same with a modem that speaks out of turn, and a line that gives few octets at a time.
PORT_SRC := tests/port/quectel/port.c port/quectel/net.c
PORT_CPPFLAGS := -Iport/quectel -DMODEM_NOISE
