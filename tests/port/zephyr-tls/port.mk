# SPDX-License-Identifier: MIT
# zephyr-tls: secure sockets of port/zephyr, over stubs with Mbed TLS, with the relay over OpenSSL that does the server's side.
include tests/port/zephyr/port.mk
PORT_SRC := $(filter-out %/port.c,$(PORT_SRC)) $(wildcard tests/port/zephyr-tls/*.c) tests/port/mbedtls/relay.c
PORT_CPPFLAGS += -Itests/port/zephyr-tls -DCONFIG_POPCL_TLS_BELOW_DATES=1
PORT_LIBS := -lmbedtls -lmbedx509 -lmbedcrypto -lssl -lcrypto
