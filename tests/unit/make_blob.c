/* SPDX-License-Identifier: MIT */
/* make_blob - see make_blob.h. */
#include "make_blob.h"

#include <stdlib.h>
#include <string.h>

enum { INDEX_AT = 168, SIGNED = 104, ANCHORS_MAX = 16 };

static struct {
    br_ec_private_key secret[BLOB_SIGNERS];
    unsigned char octets[BLOB_SIGNERS][BR_EC_KBUF_PRIV_MAX_SIZE];
    unsigned char points[BLOB_SIGNERS][POPCL_BLOB_KEY_LEN];
    int are_made;
} signers;

static void make_signers(void) {
    if (signers.are_made) return;
    signers.are_made = 1;
    for (unsigned i = 0; i < BLOB_SIGNERS; i++) {
        char seed[] = "signer 0";
        br_hmac_drbg_context random;
        br_ec_public_key point;
        unsigned char room[BR_EC_KBUF_PUB_MAX_SIZE];
        seed[7] = (char)('0' + i);
        br_hmac_drbg_init(&random, &br_sha256_vtable, seed, sizeof seed);
        br_ec_keygen(&random.vtable, br_ec_get_default(), &signers.secret[i], signers.octets[i],
                     BR_EC_secp256r1);
        if (br_ec_compute_pub(br_ec_get_default(), &point, room, &signers.secret[i]) !=
            POPCL_BLOB_KEY_LEN)
            abort();
        memcpy(signers.points[i], room, POPCL_BLOB_KEY_LEN);
    }
}

static void sha256(unsigned char out[32], const char *first, const void *p, size_t n) {
    br_sha256_context h;
    br_sha256_init(&h);
    br_sha256_update(&h, first, strlen(first));
    br_sha256_update(&h, p, n);
    br_sha256_out(&h, out);
}

void blob_put(unsigned char *to, uint64_t v, unsigned n) {
    while (n--) {
        to[n] = (unsigned char)v;
        v >>= 8;
    }
}

static size_t number(const unsigned char *p, unsigned n) {
    size_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

void blob_sign(unsigned char *blob, unsigned signer) {
    unsigned char hash[32];
    make_signers();
    sha256(hash, "popcl-trust-blob", blob, SIGNED);
    if (br_ecdsa_i31_sign_raw(br_ec_get_default(), &br_sha256_vtable, hash, &signers.secret[signer],
                              blob + SIGNED) != 64)
        abort();
}

void blob_seal(unsigned char *blob, unsigned signer) {
    size_t rows = number(blob + 48, 2) + number(blob + 50, 2) + number(blob + 52, 2);
    sha256(blob + 72, "", blob + INDEX_AT, rows * blob[54]);
    blob_sign(blob, signer);
}

static int compare_rows(const void *a, const void *b) { return memcmp(a, b, 24); }

size_t blob_make(unsigned char *to, const blob_wish *w) {
    static unsigned char rows[ANCHORS_MAX][BLOB_ROW];
    unsigned row_len = w->row_len ? w->row_len : BLOB_ROW;
    size_t n = w->anchors_len + w->pins_len + w->denied_len, end = INDEX_AT + n * row_len;
    unsigned char hash[32], *row = to + INDEX_AT;
    if (w->anchors_len > ANCHORS_MAX) abort();
    memset(to, 0, INDEX_AT);
    memset(row, 0xee, n * row_len);
    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < w->anchors_len; i++) {
        const popcl_anchor *a = &w->anchors[i];
        sha256(hash, "", a->entry, a->entry_len);
        memcpy(rows[i], a->name, 8);
        memcpy(rows[i] + 8, hash, 16);
        blob_put(rows[i] + 24, end, 4);
        blob_put(rows[i] + 28, a->entry_len, 2);
        memcpy(to + end, a->entry, a->entry_len);
        end += a->entry_len;
    }
    qsort(rows, w->anchors_len, BLOB_ROW, compare_rows);
    for (size_t i = 0; i < w->anchors_len; i++, row += row_len)
        memcpy(row, rows[i], BLOB_ROW);
    for (size_t i = 0; i < w->pins_len; i++, row += row_len) {
        memcpy(row, w->pins[i].hash, 32);
        blob_put(row + 32, w->pins[i].from, 2);
        blob_put(row + 34, w->pins[i].until, 2);
    }
    for (size_t i = 0; i < w->denied_len; i++, row += row_len) {
        memcpy(row, w->denied[i], 32);
        memset(row + 32, 0, 4);
    }
    memcpy(to, "PTB1", 4);
    blob_put(to + 4, end, 4);
    blob_put(to + 8, w->sequence, 4);
    blob_put(to + 12, w->floor, 4);
    blob_put(to + 16, w->made_s, 8);
    blob_put(to + 24, w->stale_s, 8);
    sha256(hash, w->scope ? w->scope : BLOB_SCOPE, "", 0);
    memcpy(to + 32, hash, 16);
    blob_put(to + 48, w->anchors_len, 2);
    blob_put(to + 50, w->pins_len, 2);
    blob_put(to + 52, w->denied_len, 2);
    to[54] = (unsigned char)row_len;
    to[55] = (unsigned char)w->key;
    blob_put(to + 56, w->retired, 4);
    blob_seal(to, w->key % BLOB_SIGNERS);
    return end;
}

popcl_blob_policy blob_policy(void) {
    make_signers();
    return (popcl_blob_policy){
        .keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])signers.points,
        .keys_len = BLOB_SIGNERS,
        .scope = BLOB_SCOPE,
        .profile = &popcl_tls_host,
    };
}

int blob_place_read(void *ctx, uint32_t at, unsigned char *p, size_t n) {
    blob_place *place = ctx;
    if (n == 0 || n > 64 || at > place->len || n > place->len - at) abort();
    if (++place->calls == place->fails_at) return -1;
    memcpy(p, place->octets + at, n);
    if (place->changes_at && place->calls >= place->changes_at && place->change >= at &&
        place->change - at < n)
        p[place->change - at] ^= place->change_by;
    return 0;
}
