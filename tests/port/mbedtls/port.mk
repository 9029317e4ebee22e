# SPDX-License-Identifier: MIT
# mbedtls: port/mbedtls over port/posix, with a relay over OpenSSL that does the server's side of TLS.
PORT_SRC := $(wildcard $(PORT_DIR)/*.c) port/mbedtls/net.c
PORT_LIBS := -lmbedtls -lmbedx509 -lmbedcrypto -lssl -lcrypto
