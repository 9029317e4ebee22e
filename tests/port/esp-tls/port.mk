# SPDX-License-Identifier: MIT
# esp-tls: port/esp-tls over stubs of ESP-IDF 5.3 with Mbed TLS, with lwIP's own headers, and the relay over OpenSSL that does the server's side.
LWIP := $(shell sh tests/source.sh lwip $(B))
ifeq ($(LWIP),)
$(error lwIP's source cannot be had: LWIP_SRC=dir names an unpacked tree)
endif
PORT_SRC := $(wildcard tests/port/esp-tls/*.c) tests/port/zephyr-tls/secure.c tests/port/host_sockets/host.c tests/port/mbedtls/relay.c port/esp-tls/net.c
PORT_CPPFLAGS := -Itests/port/zephyr -Itests/port/zephyr-tls -Iport/esp-tls -isystem tests/adoption/esp_idf/stub -Itests/port/lwip -Itests/lwip \
    -isystem $(LWIP)/src/include -DNO_SYS=0 -DLWIP_TIMEVAL_PRIVATE=0 -DSSIZE_MAX=LONG_MAX -DCONFIG_MBEDTLS_HAVE_TIME_DATE=1
PORT_LIBS := -lmbedtls -lmbedx509 -lmbedcrypto -lssl -lcrypto
