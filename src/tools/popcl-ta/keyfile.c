/* SPDX-License-Identifier: MIT */
/* keyfile - see keyfile.h. All memory of this file that held a private key is zeroed. */
#define _POSIX_C_SOURCE 200809L
#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "pem.h"
#include "whole.h"

enum { FILE_MAX = 65536 };

#define EC_LABEL        "EC PRIVATE KEY"
#define PKCS8_LABEL     "PRIVATE KEY"
#define ENCRYPTED_LABEL "ENCRYPTED PRIVATE KEY"

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

#define GIVE_PUBLIC                                                                                \
    "give the public key of a signer, on P-256, in PEM (openssl pkey -in signer.pem -pubout)"
#define GIVE_PRIVATE                                                                               \
    "give a private key on P-256, its curve given by name, in PEM (openssl ecparam -genkey "       \
    "-noout -name prime256v1)"

/* `advice` counts if the sentence has none of its own, after ": ". */
static int bad_key(const char *path, unsigned long line, const char *why, const char *advice) {
    const char *own = strstr(why, ": ");
    int n = own ? (int)(own - why) : (int)strlen(why);
    if (line)
        ta_say("%s:%lu: %.*s", path, line, n, why);
    else
        ta_say("%s: %.*s", path, n, why);
    ta_say("what to try: %s", own ? own + 2 : advice);
    return TA_BAD_DATA;
}

/* ---- public keys ---- */

int ta_keyfile_publics(pop_signers *keys, const char *path) {
    text t = {NULL, 0};
    unsigned long line = 0;
    int code = read_file(&t, path);
    const char *wrong = code == TA_DONE ? pop_signers_read(keys, t.octets, t.len, &line) : NULL;
    if (wrong) code = bad_key(path, line, wrong, GIVE_PUBLIC);
    pop_whole_free(t.octets, t.len);
    return code;
}

/* ---- a private key ---- */

static int is_private(const char *label) {
    return strcmp(label, EC_LABEL) == 0 || strcmp(label, PKCS8_LABEL) == 0;
}

static const char no_signer[] =
    "this key is damaged, or of a kind that is not supported, or its curve is not given by name";

/* Names the kind of a key that is not on P-256, as far as the file has it. */
static const char *name_kind(ta_private_key *key, const pop_pem *pem) {
    pop_cert c;
    char kind[48];
    if (pop_cert_read_private(&c, pem->octets, pem->octets_len)) return no_signer;
    pop_cert_key_text(&c, kind, sizeof kind);
    if (strcmp(kind, "P-256") == 0 || strncmp(kind, "EC on", 5) == 0) return no_signer;
    pop_signer_kind_wrong(&c, key->wrong);
    return key->wrong;
}

/* Takes the number of a key that BearSSL's decoder has read. */
static const char *take_private(ta_private_key *key, const br_ec_private_key *k) {
    unsigned char room[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_public_key point;
    size_t n = k ? k->xlen : 0;
    const unsigned char *x = k ? k->x : NULL;
    if (!k || k->curve != BR_EC_secp256r1) return no_signer;
    for (; n > sizeof key->number && *x == 0; n--)
        x++;
    if (n > sizeof key->number) return "this key is damaged";
    memcpy(key->number + sizeof key->number - n, x, n);
    br_ec_private_key whole = {BR_EC_secp256r1, key->number, sizeof key->number};
    if (br_ec_compute_pub(&br_ec_prime_i31, &point, room, &whole) != POPCL_BLOB_KEY_LEN)
        return "this key is damaged";
    memcpy(key->point, room, POPCL_BLOB_KEY_LEN);
    return NULL;
}

static const char *decode_private(ta_private_key *key, const pop_pem *pem) {
    br_skey_decoder_context decoder;
    br_skey_decoder_init(&decoder);
    br_skey_decoder_push(&decoder, pem->octets, pem->octets_len);
    const char *wrong = br_skey_decoder_last_error(&decoder)
                            ? no_signer
                            : take_private(key, br_skey_decoder_get_ec(&decoder));
    keyfile_zero(&decoder, sizeof decoder);
    return wrong == no_signer ? name_kind(key, pem) : wrong;
}

/* Returns what is wrong with a block, or NULL: it is the key, or another kind of block. */
static const char *judge_block(ta_private_key *key, const pop_pem *pem, enum pop_pem_state state,
                               const text *t) {
    static const char encrypted[] = "this key is encrypted: decrypt it (openssl pkey), or keep it "
                                    "where it is and use --sign-with";
    if (strcmp(pem->label, ENCRYPTED_LABEL) == 0) return encrypted;
    if (t->octets && pop_signer_is_secret(pem->label) &&
        strstr((const char *)t->octets, "ENCRYPTED"))
        return encrypted;
    if (state != POP_PEM_WHOLE) return "this block is damaged";
    if (is_private(pem->label)) return decode_private(key, pem);
    if (pop_signer_is_secret(pem->label))
        return "this is no EC key, and blobs are signed with P-256";
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
        const char *wrong = found && pop_signer_is_secret(pem.label)
                                ? "this file has two private keys"
                                : judge_block(key, &pem, state, &t);
        if (wrong) code = bad_key(path, pem.line, wrong, GIVE_PRIVATE);
        found |= pop_signer_is_secret(pem.label);
    }
    if (code == TA_DONE && !found) {
        code = bad_key(path, 0, "there is no private key in it", GIVE_PRIVATE);
    }
    if (code != TA_DONE) keyfile_zero(key, sizeof *key);
    pop_pem_done(&pem);
    pop_whole_free(t.octets, t.len);
    return code;
}
