/* SPDX-License-Identifier: MIT */
/* saslprep - see saslprep.h. tests/unit/saslprep.py compares the ranges with the Unicode data of
 * Python. */
#include "saslprep.h"

/* The first and the last character of each range beyond ASCII. Letters that are left out are
 * compatibility characters (U+0132, U+0149, U+017F), or not in Unicode 3.2 (U+04CF, U+04F6). */
static const uint16_t ranges[][2] = {
    {0x00c0, 0x0131}, {0x0134, 0x013e}, {0x0141, 0x0148}, {0x014a, 0x017e}, {0x0386, 0x0386},
    {0x0388, 0x038a}, {0x038c, 0x038c}, {0x038e, 0x03a1}, {0x03a3, 0x03ce}, {0x03d7, 0x03ef},
    {0x03f3, 0x03f3}, {0x0400, 0x0481}, {0x048a, 0x04ce}, {0x04d0, 0x04f5}, {0x04f8, 0x04f9},
};

static int is_kept(unsigned code) {
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (code >= ranges[i][0] && code <= ranges[i][1]) return 1;
    return 0;
}

/* All characters of the ranges have two octets (RFC 3629, 3). */
void popcl_saslprep_take(void *judge, const void *p, size_t n) {
    popcl_saslprep *x = judge;
    const unsigned char *octet = p;
    for (; n; n--, octet++) {
        unsigned is_lead = (*octet & 0xe0u) == 0xc0, is_rest = (*octet & 0xc0u) == 0x80;
        if (x->lead) {
            if (!is_rest || !is_kept(x->lead | (*octet & 0x3fu))) x->bad = 1;
            x->lead = 0;
        } else if (is_lead) {
            x->lead = (uint16_t)((*octet & 0x1fu) << 6);
            if (!x->lead) x->bad = 1; /* it would be a longer form of another character */
        } else if (*octet < 0x20 || *octet > 0x7e) {
            x->bad = 1;
        }
    }
}

int popcl_saslprep_keeps(const popcl_saslprep *x) { return !x->bad && !x->lead; }
