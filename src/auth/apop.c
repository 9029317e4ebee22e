/* SPDX-License-Identifier: MIT */
/* apop - APOP (RFC 1939, 7): the MD5 of the greeting's timestamp and the password crosses the line
 * instead of the password. The timestamp is a msg-id (RFC 5322, 3.6.4) and may be anywhere in the
 * greeting. It goes straight into MD5 and is not kept. Anything that is no msg-id is refused. A
 * server that chooses other octets can learn the password from answers to chosen prefixes
 * (CVE-2007-1558).
 *
 *   OUTSIDE --'<'--> LEFT_START <-> LEFT --'@'--> RIGHT_FIRST
 *   RIGHT_FIRST --> RIGHT <-> RIGHT_DOT;  RIGHT --'>'--> FOUND
 *   RIGHT_FIRST --'['--> LITERAL --']'--> LITERAL_END --'>'--> FOUND
 *   '<' always leads to LEFT_START, any other octet to OUTSIDE
 */
#include "../core/text.h"
#include "../core/zero.h"
#include "auth.h"

#if POPCL_WITH_APOP
#include <string.h>

#include "hmac.h"

enum stamp {
    OUTSIDE,
    LEFT_START,
    LEFT,
    RIGHT_FIRST,
    RIGHT,
    RIGHT_DOT,
    LITERAL,
    LITERAL_END,
    FOUND
};

typedef struct apop {
    br_md5_context md5; /* fed with the timestamp so far */
    popcl_secret digest;
    char hex[32];
    uint8_t at; /* enum stamp */
} apop;

typedef char apop_fits_scratch[POPCL_PLAN_MIN_APOP >= POPCL_LOGIN_ROOM(sizeof(apop)) ? 1 : -1];

static int is_atext(unsigned char c) {
    static const char others[] = "!#$%&'*+-/=?^_`{|}~";
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr(others, c));
}

static int is_dtext(unsigned char c) {
    return c >= 0x21 && c <= 0x7e && c != '[' && c != '\\' && c != ']';
}

static enum stamp apop_next(enum stamp at, unsigned char c) {
    switch (at) {
    case LEFT_START: return is_atext(c) ? LEFT : OUTSIDE;
    case LEFT: return is_atext(c) ? LEFT : c == '.' ? LEFT_START : c == '@' ? RIGHT_FIRST : OUTSIDE;
    case RIGHT_FIRST: return is_atext(c) ? RIGHT : c == '[' ? LITERAL : OUTSIDE;
    case RIGHT: return is_atext(c) ? RIGHT : c == '.' ? RIGHT_DOT : c == '>' ? FOUND : OUTSIDE;
    case RIGHT_DOT: return is_atext(c) ? RIGHT : OUTSIDE;
    case LITERAL: return is_dtext(c) ? LITERAL : c == ']' ? LITERAL_END : OUTSIDE;
    case LITERAL_END: return c == '>' ? FOUND : OUTSIDE;
    default: return at;
    }
}

static void greeting(void *scratch, const unsigned char *p, size_t n) {
    apop *a = scratch;
    for (size_t i = 0; i < n && a->at != FOUND; i++) {
        if (p[i] == '<') {
            br_md5_init(&a->md5);
            a->at = LEFT_START;
        } else {
            a->at = (uint8_t)apop_next((enum stamp)a->at, p[i]);
        }
        if (a->at != OUTSIDE) br_md5_update(&a->md5, p + i, 1);
    }
}

static int usable(const popcl_login *l) { return ((const apop *)l->scratch)->at == FOUND; }

/* Feeds the password to md5, in pieces. */
static popcl_err feed_secret(br_md5_context *md5, const popcl_secret *s) {
    char piece[32];
    popcl_err e = POPCL_OK;
    size_t n = 1;
    for (size_t off = 0; n && !e; off += n) {
        e = popcl_secret_read(s, off, piece, sizeof piece, &n);
        if (!e && off + n == 0) e = POPCL_ERR_CREDENTIAL_OCTET;
        if (!e) br_md5_update(md5, piece, n);
    }
    popcl_zero(piece, sizeof piece);
    return e;
}

static popcl_err apop_step(const popcl_login *l, unsigned n, popcl_command *c) {
    apop *a = l->scratch;
    unsigned char digest[16];
    (void)n;                     /* there is one step */
    br_md5_context md5 = a->md5; /* a copy: the password may have to be read again */
    popcl_err e = feed_secret(&md5, popcl_login_secret(l));
    br_md5_out(&md5, digest);
    popcl_hex(a->hex, digest, sizeof digest);
    popcl_zero(&md5, sizeof md5);
    popcl_zero(digest, sizeof digest);
    a->digest.octets = a->hex;
    a->digest.len = sizeof a->hex;
    c->verb = POPCL_APOP;
    c->text = popcl_login_user(l);
    c->text_len = strlen(c->text);
    c->secret = &a->digest;
    return e;
}

const popcl_mech popcl_mech_apop = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_APOP,
    .plan_min = POPCL_PLAN_MIN_APOP,
    /* over TLS after USER, even if CAPA does not list USER: fetch_choice.c adds 0x20 for that */
    .rank = POPCL_RANK(POPCL_RANK_BY_NAME | 0x2c, 4),
    .user_max = POPCL_COMMAND_MAX - 33 - sizeof "APOP \r\n" + 1,
    .reads = 1,
    .refused = POPCL_ERR_APOP_REFUSED,
    .unusable = POPCL_ERR_NO_STAMP,
    .greeting = greeting,
    .usable = usable,
    .step = apop_step,
};
#endif
