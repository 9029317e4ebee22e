# SPDX-License-Identifier: MIT
# freertos-tcp: port/freertos-tcp over stubs of FreeRTOS+TCP V4.2, over this machine's sockets.
PORT_SRC := tests/port/freertos-tcp/port.c tests/port/freertos-tcp/stubs.c tests/port/host_sockets/host.c port/freertos-tcp/net.c
PORT_CPPFLAGS := -Itests/port/freertos-tcp -Iport/freertos-tcp -isystem tests/port/freertos-tcp/stub
