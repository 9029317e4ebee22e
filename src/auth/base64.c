/* SPDX-License-Identifier: MIT */
/* base64 - see base64.h. */
#include "base64.h"

#include "../core/text.h"
#include "../core/zero.h"

enum { PIECE = 48 }; /* bytes that are encoded at once: whole groups of three */

/* Returns all ones if v > most, else zero. */
static unsigned if_above(unsigned v, unsigned most) { return 0u - ((most - v) >> 31); }

/* Returns the character of a number below 64: A-Z, a-z, 0-9, + and /. */
static char digit_of(unsigned v) {
    unsigned c = 'A' + v;
    c += if_above(v, 25) & ('a' - 'A' - 26u);
    c -= if_above(v, 51) & ('a' + 26u - '0');
    c -= if_above(v, 61) & ('0' + 10u - '+');
    c += if_above(v, 62) & ('/' - '+' - 1u);
    return (char)c;
}

/* Returns character k, 0 to 3, of a group. `have` of its bytes are given; the others are 0. */
static char character(const unsigned char group[3], unsigned k, size_t have) {
    unsigned bits = (unsigned)group[0] << 16 | (unsigned)group[1] << 8 | group[2];
    return k <= have ? digit_of(bits >> (18 - 6 * k) & 63u) : '=';
}

int popcl_base64_get(popcl_text_read read, void *ctx, size_t off, char *buf, size_t cap) {
    unsigned char piece[PIECE + 2] = {0};
    size_t n, len = 0;
    unsigned k = off & 3u;
    popcl_err e = read(ctx, (off >> 2) * 3, piece, PIECE, &n);
    piece[n] = piece[n + 1] = 0; /* the last group's padding */
    for (size_t at = 0; !e && at < n && len < cap; at += 3, k = 0) {
        for (; k < 4 && len < cap; k++)
            buf[len++] = character(piece + at, k, n - at);
    }
    popcl_zero(piece, sizeof piece);
    return e ? popcl_secret_failure(e) : (int)len;
}

/* Returns the number of a character; 64 = it has none. A challenge is no secret. */
static unsigned number_of(unsigned char c) {
    return c >= 'A' && c <= 'Z'   ? c - (unsigned)'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26u
           : c >= '0' && c <= '9' ? c - '0' + 52u
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : 64;
}

/* A padding character may only be the last one of a group, or the last two. */
int popcl_base64_take(popcl_base64_reader *r, unsigned char c, unsigned char *byte) {
    unsigned v = number_of(c), at = r->place;
    int pads = c == '=' && at >= 2;
    if (!pads && (v > 63 || r->padded)) r->bad = 1;
    if (r->bad) return 0;
    if (pads) r->padded = 1;
    r->bits = (uint16_t)((unsigned)r->bits << 6 | (v & 63));
    r->place = (at + 1) & 3;
    /* of the 6 bits of each character, 4, 2 and 0 are left after the second, third and fourth */
    if (at) *byte = (unsigned char)(r->bits >> (6 - 2 * at));
    return at && !pads;
}

int popcl_base64_is_whole(const popcl_base64_reader *r) { return !r->bad && r->place == 0; }
