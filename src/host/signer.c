/* SPDX-License-Identifier: MIT */
/* signer - see signer.h. */
#include "signer.h"

#include <stdio.h>
#include <string.h>

#include "pem.h"

#define LABEL  "PUBLIC KEY"
#define SECRET "PRIVATE KEY"

static int is_public(const char *label) { return strcmp(label, LABEL) == 0; }

int pop_signer_is_secret(const char *label) {
    size_t n = strlen(label), tail = sizeof SECRET - 1;
    return n >= tail && strcmp(label + n - tail, SECRET) == 0;
}

/* BearSSL refuses to multiply a point that is not on its curve. */
static int is_point(const unsigned char *point) {
    static const unsigned char one[] = {1};
    unsigned char copy[POPCL_BLOB_KEY_LEN];
    memcpy(copy, point, sizeof copy);
    return copy[0] == 4 &&
           br_ec_prime_i31.mul(copy, sizeof copy, one, sizeof one, BR_EC_secp256r1) != 0;
}

void pop_signer_kind_wrong(const pop_cert *c, char text[POP_SIGNER_WRONG]) {
    char kind[48];
    pop_cert_key_text(c, kind, sizeof kind);
    (void)snprintf(text, POP_SIGNER_WRONG,
                   "this key is %s, and trust is signed with P-256: make one (openssl ecparam "
                   "-genkey -noout -name prime256v1)",
                   kind);
}

/* The SubjectPublicKeyInfo of a key on P-256 (RFC 5480) has one form for each form of its point. */
static const char *judge_public(pop_signers *s, const unsigned char *p, size_t n) {
    pop_cert c;
    static const unsigned char head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                         0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                         0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    enum { IDS_AT = 2, IDS = 21 };
    if (n == sizeof head + POPCL_BLOB_KEY_LEN && memcmp(p, head, sizeof head) == 0)
        return is_point(p + sizeof head) ? NULL : "this key is no point of its curve";
    if (n > IDS_AT + IDS && memcmp(p + IDS_AT, head + IDS_AT, IDS) == 0)
        return "this key has a compressed or damaged point: convert it (openssl ec -pubin "
               "-conv_form uncompressed)";
    if (pop_cert_read_public(&c, p, n)) return "this key is damaged";
    pop_signer_kind_wrong(&c, s->wrong);
    return s->wrong;
}

static const char *add_signer(pop_signers *s, const pop_pem *pem) {
    const char *wrong = judge_public(s, pem->octets, pem->octets_len);
    if (wrong) return wrong;
    const unsigned char *point = pem->octets + pem->octets_len - POPCL_BLOB_KEY_LEN;
    for (size_t i = 0; i < s->len; i++)
        if (memcmp(s->keys[i], point, POPCL_BLOB_KEY_LEN) == 0) return "this key is here twice";
    if (s->len == POPCL_BLOB_KEYS_MAX) return "there are over 32 keys";
    memcpy(s->keys[s->len++], point, POPCL_BLOB_KEY_LEN);
    return NULL;
}

const char *pop_signers_read(pop_signers *s, const unsigned char *p, size_t n,
                             unsigned long *line) {
    size_t before = s->len;
    enum pop_pem_state state;
    const char *wrong = NULL;
    pop_pem pem = {.at = p, .left = n};
    while (!wrong && (state = pop_pem_next(&pem, is_public)) != POP_PEM_END) {
        if (state == POP_PEM_NO_MEMORY)
            wrong = "there is not enough memory for it";
        else if (pop_signer_is_secret(pem.label))
            wrong = "this is a private key: give its public key (openssl pkey -pubout)";
        else if (state != POP_PEM_WHOLE)
            wrong = "this block is damaged";
        else if (is_public(pem.label))
            wrong = add_signer(s, &pem);
    }
    *line = pem.line;
    pop_pem_done(&pem);
    if (wrong || s->len > before) return wrong;
    *line = 0;
    return "there is no public key in it: openssl pkey -pubout makes one of a private key";
}
