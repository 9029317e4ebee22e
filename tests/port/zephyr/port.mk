# SPDX-License-Identifier: MIT
# zephyr: port/zephyr over stubs of Zephyr 3.7, over this machine's sockets.
PORT_SRC := tests/port/zephyr/port.c tests/port/zephyr/stubs.c tests/port/host_sockets/host.c port/zephyr/net.c
PORT_CPPFLAGS := -Itests/port/zephyr -Iport/zephyr -isystem tests/port/zephyr/stub -DCONFIG_NET_IPV4=1 -DCONFIG_NET_IPV6=1 -DCONFIG_DNS_RESOLVER=1
