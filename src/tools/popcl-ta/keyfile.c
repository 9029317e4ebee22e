/* SPDX-License-Identifier: MIT */
/* keyfile - see keyfile.h. All memory of this file that held a private key is zeroed. */
#define _POSIX_C_SOURCE 200809L
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "pem.h"
#include "whole.h"

enum { FILE_MAX = 65536 };

#define EC_LABEL        "EC PRIVATE KEY"
#define PKCS8_LABEL     "PRIVATE KEY"
#define ENCRYPTED_LABEL "ENCRYPTED PRIVATE KEY"
#define PUBLIC_LABEL    "PUBLIC KEY"

static void keyfile_zero(void *p, size_t n) {
    volatile unsigned char *at = p;
    while (n--)
        *at++ = 0;
}

/* ---- files ---- */

typedef struct text {
    unsigned char *octets;
    size_t len;
} text;

static int read_file(text *t, const char *path) {
    int is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : tool_open(AT_FDCWD, path, O_RDONLY, 0);
    int error = fd < 0 ? errno : pop_read_whole(fd, FILE_MAX, FILE_MAX, &t->octets, &t->len);
    if (fd >= 0 && !is_input) (void)close(fd);
    if (!error) return TA_DONE;
    if (error == ENOMEM) return ta_out_of_memory();
    ta_say("cannot read %s: %s", path,
           error == EFBIG ? "it is too large for a file of keys" : ta_system_says(error));
    return TA_NO_INPUT;
}

static void forget_file(text *t) {
    if (t->octets) keyfile_zero(t->octets, t->len);
    free(t->octets);
}

static void forget_pem(pop_pem *pem) {
    if (pem->octets) keyfile_zero(pem->octets, pem->octets_room);
    pop_pem_done(pem);
}

static int bad_key(const char *path, unsigned long line, const char *why) {
    ta_say("%s:%lu: %s", path, line, why);
    return TA_BAD_DATA;
}

/* ---- public keys ---- */

static int is_public(const char *label) { return strcmp(label, PUBLIC_LABEL) == 0; }

/* BearSSL refuses to multiply a point that is not on its curve. */
static int is_point(const unsigned char *point) {
    static const unsigned char one[] = {1};
    unsigned char copy[POPCL_BLOB_KEY_LEN];
    memcpy(copy, point, sizeof copy);
    return copy[0] == 4 &&
           br_ec_prime_i31.mul(copy, sizeof copy, one, sizeof one, BR_EC_secp256r1) != 0;
}

/* The SubjectPublicKeyInfo of a key on P-256 (RFC 5480) has one form for each form of its point. */
static const char *judge_public(const unsigned char *p, size_t n) {
    static const unsigned char head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48,
                                         0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                         0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
    enum { IDS_AT = 2, IDS = 21 };
    if (n == sizeof head + POPCL_BLOB_KEY_LEN && memcmp(p, head, sizeof head) == 0)
        return is_point(p + sizeof head) ? NULL : "this key is no point of its curve";
    if (n > IDS_AT + IDS && memcmp(p + IDS_AT, head + IDS_AT, IDS) == 0)
        return "this key has a compressed or damaged point: convert it (openssl ec -pubin "
               "-conv_form uncompressed)";
    return "this key is not on the curve P-256: make one (openssl ecparam -genkey -noout -name "
           "prime256v1)";
}

static int add_public_key(ta_public_keys *keys, const char *path, const pop_pem *pem) {
    const char *wrong = judge_public(pem->octets, pem->octets_len);
    ta_public_key *one = &keys->list[keys->len];
    if (wrong) return bad_key(path, pem->line, wrong);
    if (keys->len == POPCL_BLOB_KEYS_MAX) return bad_key(path, pem->line, "there are over 32 keys");
    memcpy(one->point, pem->octets + pem->octets_len - sizeof one->point, sizeof one->point);
    for (size_t i = 0; i < keys->len; i++)
        if (memcmp(keys->list[i].point, one->point, sizeof one->point) == 0)
            return bad_key(path, pem->line, "this key is here twice");
    keys->len++;
    return TA_DONE;
}

/* Returns whether it is the label of a private key, of any kind. */
static int is_secret(const char *label) {
    size_t n = strlen(label), tail = sizeof PKCS8_LABEL - 1;
    return n >= tail && strcmp(label + n - tail, PKCS8_LABEL) == 0;
}

int ta_keyfile_publics(ta_public_keys *keys, const char *path) {
    text t = {NULL, 0};
    size_t before = keys->len;
    enum pop_pem_state state;
    int code = read_file(&t, path);
    pop_pem pem = {.at = t.octets, .left = t.len};
    while (code == TA_DONE && (state = pop_pem_next(&pem, is_public)) != POP_PEM_END) {
        if (state == POP_PEM_NO_MEMORY)
            code = ta_out_of_memory();
        else if (is_secret(pem.label))
            code = bad_key(path, pem.line,
                           "this is a private key: give its public key (openssl pkey -pubout)");
        else if (state != POP_PEM_WHOLE)
            code = bad_key(path, pem.line, "this block is damaged");
        else if (is_public(pem.label))
            code = add_public_key(keys, path, &pem);
    }
    if (code == TA_DONE && keys->len == before) {
        ta_say("there is no public key in %s: make one with openssl pkey -pubout", path);
        code = TA_BAD_DATA;
    }
    forget_pem(&pem);
    forget_file(&t);
    return code;
}

/* ---- a private key ---- */

static int is_private(const char *label) {
    return strcmp(label, EC_LABEL) == 0 || strcmp(label, PKCS8_LABEL) == 0;
}

/* Takes the number of a key that BearSSL's decoder has read. */
static const char *take_private(ta_private_key *key, const br_ec_private_key *k) {
    unsigned char room[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key point;
    size_t n = k ? k->xlen : 0;
    const unsigned char *x = k ? k->x : NULL;
    if (!k) return "this is no EC key: blobs are signed with P-256";
    if (k->curve != BR_EC_secp256r1) return "this key is not on the curve P-256";
    for (; n > sizeof key->number && *x == 0; n--)
        x++;
    if (n > sizeof key->number) return "this key is damaged";
    memcpy(key->number + sizeof key->number - n, x, n);
    br_ec_private_key whole = {BR_EC_secp256r1, key->number, sizeof key->number};
    if (br_ec_compute_pub(&br_ec_prime_i31, &point, room, &whole) != POPCL_BLOB_KEY_LEN)
        return "this key is damaged";
    memcpy(key->public_key.point, room, POPCL_BLOB_KEY_LEN);
    return NULL;
}

static const char *decode_private(ta_private_key *key, const pop_pem *pem) {
    br_skey_decoder_context decoder;
    br_skey_decoder_init(&decoder);
    br_skey_decoder_push(&decoder, pem->octets, pem->octets_len);
    const char *wrong = br_skey_decoder_last_error(&decoder)
                            ? "this key is damaged, or of a kind that is not supported: blobs are "
                              "signed with P-256, its curve given by name"
                            : take_private(key, br_skey_decoder_get_ec(&decoder));
    keyfile_zero(&decoder, sizeof decoder);
    return wrong;
}

/* Returns what is wrong with a block, or NULL: it is the key, or another kind of block. */
static const char *judge_block(ta_private_key *key, const pop_pem *pem, enum pop_pem_state state,
                               const text *t) {
    static const char encrypted[] = "this key is encrypted: decrypt it (openssl pkey), or keep it "
                                    "where it is and use --sign-with";
    if (strcmp(pem->label, ENCRYPTED_LABEL) == 0) return encrypted;
    if (is_secret(pem->label) && strstr((const char *)t->octets, "ENCRYPTED")) return encrypted;
    if (state != POP_PEM_WHOLE) return "this block is damaged";
    if (is_private(pem->label)) return decode_private(key, pem);
    if (is_secret(pem->label)) return "this is no EC key: blobs are signed with P-256";
    return NULL;
}

int ta_keyfile_private(ta_private_key *key, const char *path) {
    text t = {NULL, 0};
    int found = 0;
    enum pop_pem_state state;
    int code = read_file(&t, path);
    pop_pem pem = {.at = t.octets, .left = t.len};
    memset(key, 0, sizeof *key);
    while (code == TA_DONE && (state = pop_pem_next(&pem, is_private)) != POP_PEM_END) {
        if (state == POP_PEM_NO_MEMORY) {
            code = ta_out_of_memory();
            continue;
        }
        const char *wrong = found && is_secret(pem.label) ? "this file has two private keys"
                                                          : judge_block(key, &pem, state, &t);
        if (wrong) code = bad_key(path, pem.line, wrong);
        found |= is_secret(pem.label);
    }
    if (code == TA_DONE && !found) {
        ta_say("there is no private key in %s: it must be PEM, of P-256", path);
        code = TA_BAD_DATA;
    }
    if (code != TA_DONE) keyfile_zero(key, sizeof *key);
    forget_pem(&pem);
    forget_file(&t);
    return code;
}
