# SPDX-License-Identifier: MIT
# arduino: port/arduino over a Client on this machine's sockets, with stubs of Arduino's headers.
PORT_SRC := tests/port/arduino/port.cpp tests/adoption/arduino/client.cpp tests/port/host_sockets/host.c port/arduino/PopclClient.cpp
PORT_CPPFLAGS := -Iport/arduino -isystem tests/adoption/arduino/stub
PORT_LIBS := -lstdc++
