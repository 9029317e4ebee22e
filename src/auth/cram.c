/* SPDX-License-Identifier: MIT */
/* cram - SASL CRAM-MD5 (RFC 2195): HMAC-MD5 of the server's challenge crosses the line, with the
 * password as its key. The key is prepared before AUTH is sent. So the challenge goes straight into
 * MD5 and is not kept, and may have any length. */
#include <bearssl.h>
#include <string.h>

#include "../core/zero.h"
#include "base64.h"
#include "hmac.h"
#include "sasl.h"

typedef struct cram {
    popcl_sasl sasl;
    popcl_base64_reader reader; /* of the challenge */
    br_hmac_context hmac;       /* fed with the challenge so far */
    char hex[32];
} cram;

typedef char cram_fits[POPCL_PLAN_MIN_CRAM >= POPCL_LOGIN_ROOM(sizeof(cram)) ? 1 : -1];

static popcl_err cram_step(const popcl_login *l, unsigned n, popcl_command *c) {
    cram *x = l->scratch;
    if (n == 0) {
        br_hmac_key_context key;
        popcl_err e = popcl_hmac_key(&key, &br_md5_vtable, popcl_login_secret(l), NULL, NULL);
        if (!e) br_hmac_init(&x->hmac, &key, 0);
        popcl_zero(&key, sizeof key);
        if (e) return e;
    }
    return popcl_sasl_step(l, n, c);
}

static void cram_challenge(void *scratch, unsigned n, const unsigned char *p, size_t len) {
    cram *x = scratch;
    (void)n;
    for (size_t i = 0; i < len; i++) {
        unsigned char octet;
        if (popcl_base64_take(&x->reader, p[i], &octet)) br_hmac_update(&x->hmac, &octet, 1);
    }
}

static popcl_err cram_respond(const popcl_login *l, unsigned number) {
    static const char form[] = {POPCL_FORM_USER, ' ', POPCL_FORM_EXTRA};
    cram *x = l->scratch;
    unsigned char digest[16];
    (void)number; /* there is one response */
    br_hmac_out(&x->hmac, digest);
    popcl_hex(x->hex, digest, sizeof digest);
    popcl_zero(digest, sizeof digest);
    x->sasl.extra = x->hex;
    x->sasl.extra_len = sizeof x->hex;
    popcl_sasl_form(&x->sasl, form, sizeof form);
    return POPCL_OK;
}

static popcl_err cram_answered(const popcl_login *l, unsigned n, const popcl_reply *r) {
    cram *x = l->scratch;
    int is_challenge = r->status == POPCL_STATUS_CHALLENGE;
    if (is_challenge && n == 0 && !popcl_base64_is_whole(&x->reader)) return POPCL_ERR_CHALLENGE;
    return popcl_sasl_answered(l, n, r);
}

const popcl_mech popcl_mech_cram_md5 = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_CRAM_MD5,
    .sasl = POPCL_SASL_CRAM_MD5,
    .plan_min = POPCL_PLAN_MIN_CRAM,
    .rank = POPCL_RANK(11, 3),
    .reads = 1,
    .responses = 1,
    .refused = POPCL_ERR_DIGEST_REFUSED,
    .step = cram_step,
    .challenge = cram_challenge,
    .answered = cram_answered,
    .respond = cram_respond,
};
