/* SPDX-License-Identifier: MIT */
/* pin - see pin.h. */
#include "pin.h"

#include <string.h>

/* Returns the value of a character as a digit: its place in digits, or -1. */
static int value_of(char c, const char *digits) {
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Reads count digits of `bits` bits each. Bits beyond whole bytes must be zero. */
static int read_digits(const char *p, size_t count, unsigned bits, const char *digits,
                       unsigned char *to) {
    unsigned held = 0, held_bits = 0;
    for (size_t i = 0; i < count; i++) {
        int value = value_of(p[i], digits);
        if (value < 0) return -1;
        held = held << bits | (unsigned)value;
        held_bits += bits;
        if (held_bits < 8) continue;
        held_bits -= 8;
        *to++ = (unsigned char)(held >> held_bits);
        held &= (1u << held_bits) - 1;
    }
    return held ? -1 : 0;
}

static int read_hex(const char *p, size_t n, unsigned char pin[POPCL_PIN_LEN]) {
    char lower[2 * POPCL_PIN_LEN];
    if (n != sizeof lower) return -1;
    for (size_t i = 0; i < n; i++)
        lower[i] = (char)(p[i] >= 'A' && p[i] <= 'F' ? p[i] - 'A' + 'a' : p[i]);
    return read_digits(lower, n, 4, "0123456789abcdef", pin);
}

static int read_base64(const char *p, size_t n, unsigned char pin[POPCL_PIN_LEN]) {
    if (n != 44 || p[43] != '=') return -1; /* 32 bytes */
    return read_digits(p, 43, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
                       pin);
}

int tool_pin_read(const char *p, size_t n, unsigned char pin[POPCL_PIN_LEN]) {
    static const char hex[] = "sha256:", base64[] = "sha256//";
    if (n > sizeof hex - 1 && memcmp(p, hex, sizeof hex - 1) == 0)
        return read_hex(p + sizeof hex - 1, n - (sizeof hex - 1), pin);
    if (n > sizeof base64 - 1 && memcmp(p, base64, sizeof base64 - 1) == 0)
        return read_base64(p + sizeof base64 - 1, n - (sizeof base64 - 1), pin);
    return -1;
}

const char *tool_pin_text(const unsigned char pin[POPCL_PIN_LEN], char text[TOOL_PIN_TEXT]) {
    static const char hex[] = "0123456789abcdef", head[] = "sha256:";
    char *to = text + sizeof head - 1;
    memcpy(text, head, sizeof head);
    for (size_t i = 0; i < POPCL_PIN_LEN; i++) {
        *to++ = hex[pin[i] >> 4];
        *to++ = hex[pin[i] & 15];
    }
    *to = '\0';
    return text;
}
