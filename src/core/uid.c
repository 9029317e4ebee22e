/* SPDX-License-Identifier: MIT */
/* uid - see uid.h. A UID has 1 to 70 octets from 0x21 to 0x7E (RFC 1939, 7). Some servers give
 * others: over 70 octets, with spaces, 8-bit. Such a UID gets a name of 33 bytes: 0x7F, which no
 * real UID holds, and 32 hex digits of SHA-256 over the UID. If the UID were cut instead, two
 * messages could have the same name. Spaces inside a UID count; spaces at its end do not.
 *
 * The octets are collected in r->text, like those of any UID. Once a UID is known to break the
 * rules, each 64 octets go into the state of SHA-256 (32 bytes), and are dropped. So the line is
 * not kept. */
#include "uid.h"

#include <string.h>

#include <bearssl.h>

#define BLOCK 64u /* bytes that SHA-256 takes at a time */

/* Sets h to SHA-256 over the blocks that were dropped. */
static void go_on(const popcl_reply_parser *x, br_sha256_context *h) {
    br_sha256_init(h);
    if (x->blocks) br_sha256_set_state(h, x->chain, (uint64_t)x->blocks * BLOCK);
}

static void take_block(popcl_reply_parser *x, popcl_reply *r) {
    br_sha256_context h;
    go_on(x, &h);
    br_sha256_update(&h, r->text, BLOCK);
    (void)br_sha256_state(&h, x->chain);
    x->blocks++;
    r->uid_len = (uint8_t)(r->uid_len - BLOCK);
    memmove(r->text, r->text + BLOCK, r->uid_len);
}

static void collect(popcl_reply_parser *x, popcl_reply *r, unsigned char c) {
    if (c <= 0x20 || c > 0x7e || r->uid_len == POPCL_UID_MAX) x->odd_uid = 1;
    if (x->odd_uid && r->uid_len >= BLOCK) take_block(x, r);
    r->text_len = 0; /* a text that was there is gone */
    r->text[r->uid_len++] = (char)c;
}

void popcl_uid_take(popcl_reply_parser *x, popcl_reply *r, const unsigned char *p, size_t n) {
    for (; n; n--, p++) {
        if (*p == ' ') {
            x->spaces++;
            continue;
        }
        for (; x->spaces; x->spaces--)
            collect(x, r, ' ');
        collect(x, r, *p);
    }
}

void popcl_uid_end(popcl_reply_parser *x, popcl_reply *r) {
    unsigned char digest[br_sha256_SIZE];
    br_sha256_context h;
    if (x->odd_uid) {
        go_on(x, &h);
        br_sha256_update(&h, r->text, r->uid_len);
        br_sha256_out(&h, digest);
        r->text[0] = POPCL_UID_DIGEST;
        r->uid_len = POPCL_UID_DIGEST_LEN;
        for (unsigned i = 1; i < POPCL_UID_DIGEST_LEN; i++) {
            unsigned octet = digest[(i - 1) / 2];
            r->text[i] = "0123456789abcdef"[i % 2 ? octet >> 4 : octet & 15];
        }
    }
    if (r->uid_len) r->text[r->uid_len] = 0;
}
