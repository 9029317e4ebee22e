/* SPDX-License-Identifier: MIT */
/* pin - a pin in its human-readable form: the SHA-256 of a server's SubjectPublicKeyInfo (RFC 7469,
 * 2.4). */
#ifndef POPCL_TOOL_PIN_H
#define POPCL_TOOL_PIN_H

#include <stddef.h>

#include "popcl_tls.h"

/* Reads n bytes at p: `sha256:` and 64 hexadecimal digits, or in curl's form `sha256//` and base64.
 * Returns 0, or -1. */
int tool_pin_read(const char *p, size_t n, unsigned char pin[POPCL_PIN_LEN]);

/* Writes it as `sha256:` and hexadecimal digits. Returns text. */
#define TOOL_PIN_TEXT (sizeof "sha256:" + 2 * POPCL_PIN_LEN)
const char *tool_pin_text(const unsigned char pin[POPCL_PIN_LEN], char text[TOOL_PIN_TEXT]);

#endif
