/* SPDX-License-Identifier: MIT */
/* scram - SASL SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677). A proof of the password crosses
 * the line, and the server proves that it knows the password too. POP3 has no data in +OK, so the
 * server's proof comes in a challenge of its own, which an empty response answers (RFC 5034, 4).
 *
 *     client first:  n,,n=USER,r=NONCE
 *     server first:  r=NONCE...,s=SALT,i=COUNT
 *     client last:   c=biws,r=NONCE...,p=PROOF
 *     server last:   v=PROOF
 *
 * The password is read before AUTH is sent, and kept as a key of HMAC. Thousands of hashes follow
 * the server's first message. They are computed in steps, one a tick. */
#include "scram.h"

#include <string.h>

#include "../core/owner.h"
#include "../core/seed.h"
#include "../core/zero.h"
#include "hmac.h"
#include "saslprep.h"

/* Iterations in one tick. On a Cortex-M3 they take half a million instructions, a fortieth of the
 * longest step of a TLS handshake. */
#define STEP 64u

/* A message of the client ends with the place of the nonce, which is the form's `extra`. */
static const char nonce_form[] = {',', POPCL_FORM_EXTRA};

/* The flag n means that the client does not bind the channel (RFC 5802, 6). popcl_auth.h has -PLUS
 * by name only, so a program that does not name one of them does not bind. The flag y means that
 * the client would bind, and that the server seems unable. A server that is able fails then:
 * somebody in between has taken -PLUS from its list. So y needs a program that names -PLUS, a hash
 * to bind to, and a list without -PLUS that came over TLS. */
static const char first_n[] = "n,," POPCL_SCRAM_FIRST_BARE;
static const char first_y[] = "y,," POPCL_SCRAM_FIRST_BARE;

typedef struct scram {
    popcl_scram base;
    char last[POPCL_SCRAM_LAST(4)];
} scram;

typedef char scram_fits[POPCL_PLAN_MIN_SCRAM >= POPCL_LOGIN_ROOM(sizeof(scram)) ? 1 : -1];

static const br_hash_class *scram_hash(const popcl_login *l) { return l->job->mech->hash; }

static size_t scram_hash_len(const br_hash_class *hash) {
    return hash->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

static size_t scram_least(size_t a, size_t b) { return a < b ? a : b; }

/* ---- base64 of bytes in memory ---- */

typedef struct scram_octets {
    const unsigned char *p;
    size_t n;
} scram_octets;

static popcl_err scram_read(void *ctx, size_t off, unsigned char *buf, size_t cap, size_t *n) {
    const scram_octets *o = ctx;
    *n = scram_least(o->n - scram_least(off, o->n), cap);
    memcpy(buf, o->p + off, *n);
    return POPCL_OK;
}

size_t popcl_scram_base64(char *to, const void *p, size_t n) {
    scram_octets o = {.p = p, .n = n};
    size_t whole = (n + 2) / 3 * 4, len = 0;
    while (len < whole) {
        int got = popcl_base64_get(scram_read, &o, len, to + len, whole - len);
        if (got <= 0) break;
        len += (size_t)got;
    }
    return len;
}

/* Decodes base64 of n octets. The bytes go to `into`, if it is given. Returns how many there are;
 * 0 = none, or it is no base64. */
static size_t scram_decode(const char *p, size_t n, br_hmac_context *into) {
    popcl_base64_reader r = {0};
    unsigned char byte;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (!popcl_base64_take(&r, (unsigned char)p[i], &byte)) continue;
        if (into) br_hmac_update(into, &byte, 1);
        len++;
    }
    return popcl_base64_is_whole(&r) ? len : 0;
}

/* ---- the begin: nonce, user name, password ---- */

popcl_err popcl_scram_nonce(unsigned char nonce[POPCL_NONCE_LEN], const popcl_seed *seed) {
    static const char label[] = "popcl SCRAM nonce";
    unsigned char hash[br_sha256_SIZE];
    br_sha256_context h;
    if (!popcl_seed_is_usable(seed)) return POPCL_ERR_SEED;
    br_sha256_init(&h);
    br_sha256_update(&h, label, sizeof label);
    br_sha256_update(&h, seed->bytes, sizeof seed->bytes);
    br_sha256_out(&h, hash);
    memcpy(nonce, hash, POPCL_NONCE_LEN);
    popcl_zero(&h, sizeof h);
    popcl_zero(hash, sizeof hash);
    return POPCL_OK;
}

/* Reads the password, and judges it at the same time. */
static popcl_err read_password(popcl_scram *x, const popcl_login *l) {
    popcl_saslprep judge = {0};
    popcl_err e =
        popcl_hmac_key(&x->key, scram_hash(l), popcl_login_secret(l), popcl_saslprep_take, &judge);
    if (!e && !popcl_saslprep_keeps(&judge)) e = POPCL_ERR_PASSWORD_FORM;
    popcl_zero(&judge, sizeof judge);
    return e;
}

popcl_err popcl_scram_begin(const popcl_login *l, const char *first, size_t first_len, char *last,
                            size_t last_len) {
    popcl_scram *x = l->scratch;
    popcl_saslprep user = {0};
    popcl_err e = read_password(x, l);
    popcl_saslprep_take(&user, popcl_login_user(l), strlen(popcl_login_user(l)));
    if (!e && !popcl_saslprep_keeps(&user)) e = POPCL_ERR_PASSWORD_FORM;
    if (e) return e; /* the secret's callback was called in any case, and will be released */
    popcl_scram_base64(x->nonce, l->job->nonce, sizeof x->nonce / 4 * 3);
    x->first = first;
    x->first_len = (uint8_t)first_len;
    x->last = last;
    memcpy(last + last_len, nonce_form, sizeof nonce_form);
    x->last_len = (uint8_t)(last_len + sizeof nonce_form);
    return POPCL_OK;
}

static int would_bind(const popcl_login *l) {
    unsigned char end_point[POPCL_END_POINT_MAX];
    unsigned plus = POPCL_SASL_SCRAM_SHA_1_PLUS | POPCL_SASL_SCRAM_SHA_256_PLUS;
    const popcl_caps *caps = popcl_login_caps(l);
    return l->job->cfg->auth & (POPCL_AUTH_SCRAM_SHA_1_PLUS | POPCL_AUTH_SCRAM_SHA_256_PLUS) &&
           caps && caps->sasl & l->job->mech->sasl && !(caps->sasl & plus) &&
           popcl_machine_end_point(&l->job->session, end_point);
}

static popcl_err scram_step(const popcl_login *l, unsigned n, popcl_command *c) {
    scram *x = l->scratch;
    if (n == 0) {
        int y = would_bind(l);
        memcpy(x->last, y ? "c=eSws" : "c=biws", 6);
        popcl_err e = popcl_scram_begin(l, y ? first_y : first_n, sizeof first_n - 1, x->last, 6);
        if (e) return e;
    }
    return popcl_scram_step(l, n, c);
}

/* ---- the salted password: RFC 5802, 2.2 (Hi) ---- */

/* Hashes all that a kept key depends on, with the password as the key. */
static void scram_bind(const popcl_login *l, popcl_scram *x) {
    static const char label[] = "popcl SCRAM key";
    br_hmac_context h;
    br_hmac_init(&h, &x->key, 0);
    br_hmac_update(&h, label, sizeof label);
    br_hmac_update(&h, popcl_login_user(l), strlen(popcl_login_user(l)) + 1);
    br_hmac_update(&h, x->message + 2 + x->nonce_len, x->facts_len);
    br_hmac_out(&h, x->binding);
    popcl_zero(&h, sizeof h);
}

/* Returns whether two strings of bytes are the same, in a time that does not depend on them. */
static int are_same(const unsigned char *a, const unsigned char *b, size_t n) {
    unsigned differ = 0;
    while (n--)
        differ |= *a++ ^ (unsigned)*b++;
    return differ == 0;
}

/* Takes the key that the caller keeps, if it is the right one. */
static int find_key(const popcl_login *l, popcl_scram *x) {
    const popcl_scram_key *kept = l->job->cfg->scram_key;
    size_t n = scram_hash_len(scram_hash(l));
    if (!kept) return 0;
    scram_bind(l, x);
    if (kept->hash_len != n || !are_same(x->binding, kept->binding, n)) return 0;
    memcpy(x->salted, kept->salted, n);
    return 1;
}

/* For the caller to keep: a server with the right proof has the same key. */
static void keep_key(const popcl_login *l, const popcl_scram *x) {
    popcl_scram_key *kept = l->job->cfg->scram_key;
    if (!kept) return;
    memcpy(kept->binding, x->binding, sizeof kept->binding);
    memcpy(kept->salted, x->salted, sizeof kept->salted);
    kept->hash_len = (uint8_t)scram_hash_len(scram_hash(l));
}

static void begin_hashes(const popcl_login *l, popcl_scram *x) {
    static const unsigned char one[4] = {0, 0, 0, 1};
    size_t n = scram_hash_len(scram_hash(l)), salt_at = 2u + x->nonce_len + 3;
    br_hmac_context h;
    x->left = 0;
    if (find_key(l, x)) return;
    br_hmac_init(&h, &x->key, 0);
    scram_decode(x->message + salt_at, x->salt_len, &h);
    br_hmac_update(&h, one, sizeof one);
    br_hmac_out(&h, x->u);
    memcpy(x->salted, x->u, n);
    x->left = x->iterations - 1;
    popcl_zero(&h, sizeof h);
}

static void go_on_hashing(const popcl_login *l, popcl_scram *x) {
    size_t n = scram_hash_len(scram_hash(l));
    br_hmac_context h;
    for (unsigned i = 0; i < STEP && x->left; i++, x->left--) {
        br_hmac_init(&h, &x->key, 0);
        br_hmac_update(&h, x->u, n);
        br_hmac_out(&h, x->u);
        for (size_t k = 0; k < n; k++)
            x->salted[k] ^= x->u[k];
    }
    popcl_zero(&h, sizeof h);
}

/* ---- the proofs: RFC 5802, 3 ---- */

static void add_form(popcl_scram *x, br_hmac_context *h, const char *form, size_t len,
                     const char *extra, size_t extra_len) {
    unsigned char piece[32];
    size_t n;
    x->sasl.extra = extra;
    x->sasl.extra_len = (uint16_t)extra_len;
    popcl_sasl_form(&x->sasl, form, len);
    for (size_t off = 0;; off += n) {
        if (popcl_sasl_text(&x->sasl, off, piece, sizeof piece, &n) || n == 0) return;
        br_hmac_update(h, piece, n);
    }
}

/* Writes HMAC of AuthMessage with a key of the hash's length. AuthMessage has the first messages of
 * both sides, and the last one of the client without its proof. */
static void scram_sign(popcl_scram *x, const br_hash_class *hash, const unsigned char *with,
                       unsigned char *out) {
    br_hmac_key_context key;
    br_hmac_context h;
    br_hmac_key_init(&key, hash, with, scram_hash_len(hash));
    br_hmac_init(&h, &key, 0);
    add_form(x, &h, POPCL_SCRAM_FIRST_BARE, sizeof POPCL_SCRAM_FIRST_BARE - 1, x->nonce,
             sizeof x->nonce);
    br_hmac_update(&h, ",", 1);
    br_hmac_update(&h, x->message, x->message_len);
    br_hmac_update(&h, ",", 1);
    add_form(x, &h, x->last, x->last_len, x->message, 2u + x->nonce_len);
    br_hmac_out(&h, out);
    popcl_zero(&key, sizeof key);
    popcl_zero(&h, sizeof h);
}

/* Writes HMAC of a name, with the salted password as the key. */
static void scram_key(const popcl_scram *x, const br_hash_class *hash, const char *name,
                      unsigned char *out) {
    br_hmac_key_context key;
    br_hmac_context h;
    br_hmac_key_init(&key, hash, x->salted, scram_hash_len(hash));
    br_hmac_init(&h, &key, 0);
    br_hmac_update(&h, name, strlen(name));
    br_hmac_out(&h, out);
    popcl_zero(&key, sizeof key);
    popcl_zero(&h, sizeof h);
}

static void scram_prove(popcl_scram *x, const br_hash_class *hash) {
    unsigned char key[POPCL_SCRAM_HASH_MAX], proof[POPCL_SCRAM_HASH_MAX];
    br_hash_compat_context h;
    size_t n = scram_hash_len(hash);
    scram_key(x, hash, "Client Key", key);
    hash->init(&h.vtable);
    hash->update(&h.vtable, key, n);
    hash->out(&h.vtable, proof); /* the stored key */
    scram_sign(x, hash, proof, proof);
    for (size_t i = 0; i < n; i++)
        proof[i] ^= key[i];
    scram_key(x, hash, "Server Key", key);
    scram_sign(x, hash, key, x->u);
    memcpy(x->last + x->last_len, ",p=", 3);
    size_t len = x->last_len + 3u;
    len += popcl_scram_base64(x->last + len, proof, n);
    x->sasl.extra = x->message;
    x->sasl.extra_len = (uint16_t)(2u + x->nonce_len);
    popcl_sasl_form(&x->sasl, x->last, len);
    popcl_zero(&h, sizeof h);
    popcl_zero(key, sizeof key);
    popcl_zero(proof, sizeof proof);
}

popcl_err popcl_scram_respond(const popcl_login *l, unsigned number) {
    popcl_scram *x = l->scratch;
    if (number == 0) {
        x->sasl.extra = x->nonce;
        x->sasl.extra_len = sizeof x->nonce;
        popcl_sasl_form(&x->sasl, x->first, x->first_len);
    } else if (number == 1) {
        scram_prove(x, scram_hash(l));
    } else {
        popcl_sasl_form(&x->sasl, NULL, 0);
    }
    return POPCL_OK;
}

popcl_err popcl_scram_step(const popcl_login *l, unsigned n, popcl_command *c) {
    popcl_scram *x = l->scratch;
    if (x->left) {
        go_on_hashing(l, x);
        if (x->left) return POPCL_MORE;
    }
    return popcl_sasl_step(l, n, c);
}

/* ---- the server's messages ---- */

/* A bare AUTH is answered by an empty challenge, or by some text of the server's. */
void popcl_scram_challenge(void *scratch, unsigned n, const unsigned char *p, size_t len) {
    popcl_scram *x = scratch;
    if (x->step != n) {
        memset(&x->reader, 0, sizeof x->reader);
        x->message_len = x->is_long = 0;
        x->step = (uint8_t)n;
    }
    for (size_t i = 0; i < len && !x->sasl.bare; i++) {
        unsigned char octet;
        if (!popcl_base64_take(&x->reader, p[i], &octet)) continue;
        if (x->message_len < sizeof x->message)
            x->message[x->message_len++] = (char)octet;
        else
            x->is_long = 1;
    }
}

/* Returns the length of the attribute's value at this place of the message; 0 = another attribute
 * is there, or none, or the value is empty. */
static size_t value_at(const popcl_scram *x, size_t at, char name) {
    if (at + 2 > x->message_len || x->message[at] != name || x->message[at + 1] != '=') return 0;
    const char *p = x->message + at;
    const char *end = memchr(p, ',', x->message_len - at);
    return (end ? (size_t)(end - p) : x->message_len - at) - 2;
}

/* Some servers report a failure before their last message, too. */
static popcl_err scram_refusal(const popcl_login *l, const popcl_scram *x) {
    static const char word[] = "channel-binding";
    size_t n = value_at(x, 0, 'e');
    for (size_t i = 2; i + sizeof word - 1 <= n + 2; i++)
        if (memcmp(x->message + i, word, sizeof word - 1) == 0) return POPCL_ERR_BINDING;
    return n ? l->job->mech->refused : POPCL_ERR_CHALLENGE;
}

/* The server's nonce has to begin with the client's, and to be longer (RFC 5802, 5.1: r). */
static int extends_nonce(const popcl_scram *x) {
    const char *nonce = x->message + 2;
    if (x->nonce_len <= sizeof x->nonce || memcmp(nonce, x->nonce, sizeof x->nonce) != 0) return 0;
    for (size_t i = 0; i < x->nonce_len; i++)
        if (nonce[i] < 0x21 || nonce[i] > 0x7e) return 0;
    return 1;
}

/* Returns a number without sign or leading zeros; 0 = this is no number. One that does not fit is
 * UINT32_MAX. */
static uint32_t scram_number(const char *p, size_t n) {
    uint32_t v = 0;
    if (n == 0 || *p == '0') return 0;
    for (; n; n--, p++) {
        unsigned digit = (unsigned char)*p - (unsigned)'0';
        if (digit > 9) return 0;
        v = v > (UINT32_MAX - 9) / 10 ? UINT32_MAX : v * 10 + digit;
    }
    return v;
}

/* The message begins with a nonce, a salt and a number of iterations. Others may follow them. A
 * message that begins with `m` needs something that this client does not know (RFC 5802, 5.1). */
static popcl_err take_first(const popcl_login *l, popcl_scram *x) {
    uint32_t most = popcl_or_default(l->job->cfg->scram_iterations_max, POPCL_SCRAM_ITERATIONS_MAX);
    x->nonce_len = (uint16_t)value_at(x, 0, 'r');
    if (!x->nonce_len) return scram_refusal(l, x);
    size_t salt_at = 2u + x->nonce_len + 1;
    x->salt_len = (uint16_t)value_at(x, salt_at, 's');
    size_t count_at = salt_at + 2 + x->salt_len + 1, count_len = value_at(x, count_at, 'i');
    if (!extends_nonce(x) || !x->salt_len || !count_len ||
        !scram_decode(x->message + salt_at + 2, x->salt_len, NULL))
        return POPCL_ERR_CHALLENGE;
    x->facts_len = (uint16_t)(count_at + 2 + count_len - 2 - x->nonce_len);
    x->iterations = scram_number(x->message + count_at + 2, count_len);
    if (!x->iterations) return POPCL_ERR_CHALLENGE;
    if (x->iterations < POPCL_SCRAM_ITERATIONS_MIN) return POPCL_ERR_ITERATIONS_FEW;
    if (x->iterations > most) return POPCL_ERR_ITERATIONS;
    begin_hashes(l, x);
    return POPCL_OK;
}

static popcl_err take_last(const popcl_login *l, popcl_scram *x) {
    size_t n = scram_hash_len(scram_hash(l)), len = 0, v = value_at(x, 0, 'v');
    unsigned char proof[POPCL_SCRAM_HASH_MAX], octet;
    popcl_base64_reader r = {0};
    if (!v) {
        popcl_err e = scram_refusal(l, x);
        return e == POPCL_ERR_CHALLENGE ? POPCL_ERR_SERVER_PROOF : e;
    }
    for (size_t i = 0; i < v; i++) {
        if (!popcl_base64_take(&r, (unsigned char)x->message[2 + i], &octet)) continue;
        if (len < n) proof[len] = octet;
        len++;
    }
    if (len != n || !popcl_base64_is_whole(&r) || !are_same(proof, x->u, n))
        return POPCL_ERR_SERVER_PROOF;
    x->is_proven = 1;
    keep_key(l, x);
    return POPCL_OK;
}

/* Takes the challenge that follows response `number`. If it is empty, `message` still has the first
 * one, which begins with a nonce and so is no proof. */
static popcl_err take_challenge(const popcl_login *l, popcl_scram *x, unsigned number) {
    if (number > 1) return POPCL_OK; /* popcl_sasl_answered refuses it */
    if (x->is_long) return POPCL_ERR_CHALLENGE_LENGTH;
    if (!popcl_base64_is_whole(&x->reader)) return POPCL_ERR_CHALLENGE;
    return number == 0 ? take_first(l, x) : take_last(l, x);
}

/* A +OK without the server's proof is not believed (RFC 5802, 5). */
popcl_err popcl_scram_answered(const popcl_login *l, unsigned n, const popcl_reply *r) {
    popcl_scram *x = l->scratch;
    popcl_err e = POPCL_OK;
    if (!x->sasl.bare && r->status == POPCL_STATUS_CHALLENGE)
        e = take_challenge(l, x, x->sasl.next);
    if (!x->sasl.bare && r->status == POPCL_STATUS_OK && !x->is_proven) e = POPCL_ERR_SERVER_PROOF;
    int has_proof = !x->sasl.bare && x->sasl.next > 0;
    if (!e) e = popcl_sasl_answered(l, n, r);
    if (e && e != POPCL_MORE && has_proof && l->job->cfg->scram_key)
        popcl_zero(l->job->cfg->scram_key, sizeof *l->job->cfg->scram_key);
    return e;
}

const popcl_mech popcl_mech_scram_sha_1 = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_SCRAM_SHA_1,
    .sasl = POPCL_SASL_SCRAM_SHA_1,
    .plan_min = POPCL_PLAN_MIN_SCRAM,
    .rank = POPCL_RANK(10, 2),
    .hash = &br_sha1_vtable,
    .step = scram_step,
    POPCL_SCRAM_COMMON,
};

const popcl_mech popcl_mech_scram_sha_256 = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_SCRAM_SHA_256,
    .sasl = POPCL_SASL_SCRAM_SHA_256,
    .plan_min = POPCL_PLAN_MIN_SCRAM,
    .rank = POPCL_RANK(9, 1),
    .hash = &br_sha256_vtable,
    .step = scram_step,
    POPCL_SCRAM_COMMON,
};
