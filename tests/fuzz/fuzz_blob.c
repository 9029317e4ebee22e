/* SPDX-License-Identifier: MIT */
/* fuzz_blob - signed sets of trust (H22-H25): any octets are read without a fault and not beyond
 * their end. What is taken, and what is found in it, is what a plain reading of the whole set
 * gives. A place that fails or changes never gives anything else.
 *
 * Input: flags (bit 0: the hash of the index is made right; bit 1: the signature counts as right;
 * bits 2-4: octets at the end of the place that are not the set's), the policy's floor and retired
 * keys (an octet each), the call at which the place fails (0: never), the call from which it
 * changes (0: never), the place of that octet (two) and its bits; then the set. The scope is
 * anything: the policy's label is not known, so that 16 octets are put there if bit 5 is set.
 * Seeds: run.py. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/profile.h"
#include "popcl_blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

#define NOW       INT64_C(1780272000)
#define TODAY     (NOW / 86400)
#define HEAD      8u /* octets of the input before the set */
#define LOOKED_AT 40u

typedef struct place {
    uint8_t *octets;
    size_t n;
    unsigned calls, fails_at, changes_at;
    size_t change;
    uint8_t by;
} place;

static int is_right;

static uint32_t any_signature(const br_ec_impl *impl, const void *hash, size_t hash_len,
                              const br_ec_public_key *key, const void *signature, size_t n) {
    MUST(impl == NULL && hash_len == 32 && n == 72 && key->qlen == 65 && key->q[0] == 4);
    MUST(memcmp(signature, "\x30\x46\x02\x21\0", 5) == 0 && hash);
    return (uint32_t)is_right;
}

static int read_place(void *ctx, uint32_t at, unsigned char *p, size_t n) {
    place *from = ctx;
    MUST(n > 0 && n <= 64 && at <= from->n && n <= from->n - at);
    if (++from->calls == from->fails_at) return -1;
    memcpy(p, from->octets + at, n);
    if (from->changes_at && from->calls >= from->changes_at && from->change >= at &&
        from->change - at < n)
        p[from->change - at] ^= from->by;
    return 0;
}

/* ---- the plain reading ---- */

static uint64_t number(const uint8_t *p, unsigned n) {
    uint64_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

static void sha256(uint8_t out[32], const void *p, size_t n) {
    br_sha256_context h;
    br_sha256_init(&h);
    br_sha256_update(&h, p, n);
    br_sha256_out(&h, out);
}

static int all_zero(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i]) return 0;
    return 1;
}

typedef struct view {
    const uint8_t *set, *index;
    size_t anchors, pins, denied, rows, row_len;
} view;

static view view_of(const uint8_t *set) {
    view v = {.set = set, .index = set + 168, .row_len = set[54]};
    v.anchors = (size_t)number(set + 48, 2);
    v.pins = (size_t)number(set + 50, 2);
    v.denied = (size_t)number(set + 52, 2);
    v.rows = v.anchors + v.pins + v.denied;
    return v;
}

static const uint8_t *row_of(const view *v, size_t i) { return v->index + i * v->row_len; }

static int is_set(const uint8_t *set, size_t n, const popcl_blob_policy *policy,
                  const char *label) {
    uint8_t hash[32];
    if (n < 168 || memcmp(set, "PTB1", 4) != 0) return 0;
    view v = view_of(set);
    uint64_t len = number(set + 4, 4), end = 168 + v.rows * v.row_len;
    uint64_t sequence = number(set + 8, 4), retired = number(set + 56, 4) | policy->retired;
    if (v.row_len < 36 || len > n || end > len || !all_zero(set + 60, 12)) return 0;
    if (number(set + 16, 4) > 58 || number(set + 24, 4) > 58) return 0;
    if (sequence < policy->floor || sequence < number(set + 12, 4)) return 0;
    if (set[55] >= policy->keys_len || retired >> set[55] & 1) return 0;
    sha256(hash, label, strlen(label));
    if (memcmp(hash, set + 32, 16) != 0 || !is_right) return 0;
    sha256(hash, v.index, v.rows * v.row_len);
    if (memcmp(hash, set + 72, 32) != 0) return 0;
    for (size_t i = 0; i < v.rows; i++) {
        const uint8_t *row = row_of(&v, i);
        if (i >= v.anchors + v.pins && !all_zero(row + 32, 4)) return 0;
        if (i >= v.anchors) continue;
        if (i && memcmp(row_of(&v, i - 1), row, 24) >= 0) return 0;
        uint64_t at = number(row + 24, 4), entry_len = number(row + 28, 2);
        if (at < end || at + entry_len > len || entry_len > 600 || !all_zero(row + 30, 6)) return 0;
    }
    return 1;
}

/* ---- what is found ---- */

static int is_place_error(popcl_err e) {
    return e == POPCL_ERR_BLOB_READ || e == POPCL_ERR_BLOB_DAMAGED;
}

/* Every anchor of the name of a row. */
static void check_name(const popcl_blob *b, const view *v, size_t which, int may_fail) {
    uint8_t hash[32], *room = malloc(POPCL_ANCHOR_ROOM);
    const unsigned char *entry, *name = row_of(v, which);
    unsigned nth = 0;
    size_t len;
    MUST(room);
    for (size_t i = 0; i <= v->anchors && nth < LOOKED_AT; i++) {
        if (i < v->anchors && memcmp(row_of(v, i), name, 8) != 0) continue;
        popcl_err e = b->trust.find(&b->trust, name, nth++, room, &entry, &len);
        MUST(e == POPCL_OK || is_place_error(e));
        if (i == v->anchors) {
            MUST(entry == NULL && (e == POPCL_OK || may_fail));
            break;
        }
        const uint8_t *row = row_of(v, i), *want = v->set + number(row + 24, 4);
        size_t n = (size_t)number(row + 28, 2);
        sha256(hash, want, n);
        int is_whole = memcmp(hash, row + 8, 16) == 0;
        MUST(may_fail || (e == POPCL_OK) == is_whole);
        MUST((entry != NULL) == (e == POPCL_OK));
        /* a medium that changes octets may make a damaged entry whole */
        if (entry && !may_fail) MUST(is_whole && len == n && memcmp(entry, want, n) == 0);
        if (entry) MUST(len <= POPCL_ANCHOR_ROOM);
    }
    free(room);
}

static void check_key(const popcl_blob *b, const view *v, size_t which, int may_fail) {
    const uint8_t *key = row_of(v, which);
    unsigned is = 0, want = 0, at_any_time = 0;
    for (size_t i = v->anchors; i < v->rows; i++) {
        const uint8_t *row = row_of(v, i);
        int64_t from = (int64_t)number(row + 32, 2), until = (int64_t)number(row + 34, 2);
        if (memcmp(row, key, 32) != 0) continue;
        int is_denied = i >= v->anchors + v->pins;
        at_any_time |= is_denied ? POPCL_KEY_DENIED : POPCL_KEY_PINNED;
        if (is_denied || (from <= TODAY && (TODAY <= until || until == 65535)))
            want |= is_denied ? POPCL_KEY_DENIED : POPCL_KEY_PINNED;
    }
    popcl_err e = b->trust.key(&b->trust, key, NOW, &is);
    MUST(e == POPCL_OK ? is == want : may_fail && is_place_error(e));
    is = 0;
    e = b->trust.key(&b->trust, key, -1, &is);
    MUST(e == POPCL_OK ? is == at_any_time : may_fail && is_place_error(e));
}

static void check_open_set(popcl_blob *b, const uint8_t *set, int may_fail) {
    view v = view_of(set);
    MUST(b->anchors == v.anchors && b->pins == v.pins && b->denied == v.denied);
    MUST((b->trust.find != NULL) == (v.anchors != 0) && b->trust.key);
    MUST(b->trust.key_pins == (v.pins != 0) && memcmp(b->trust.set, set + 72, 32) == 0);
    int is_whole = 1;
    for (size_t i = 0; i < v.anchors; i++) {
        uint8_t hash[32];
        sha256(hash, set + number(row_of(&v, i) + 24, 4), (size_t)number(row_of(&v, i) + 28, 2));
        is_whole &= memcmp(hash, row_of(&v, i) + 8, 16) == 0;
    }
    popcl_err e = popcl_blob_check(b);
    /* the profile of this test can use no anchor */
    int is_read = e == POPCL_OK || e == POPCL_ERR_BLOB_PROFILE;
    MUST(is_read ? (e == POPCL_OK) == (v.anchors == 0) : is_place_error(e));
    MUST(may_fail || is_read == is_whole);
    for (size_t i = 0; i < v.rows && i < LOOKED_AT; i++) {
        if (i < v.anchors) check_name(b, &v, i, may_fail);
        check_key(b, &v, i, may_fail);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    static const popcl_blob zero;
    static const unsigned char keys[2][POPCL_BLOB_KEY_LEN] = {{4}, {4}};
    static const char label[] = "a product";
    const popcl_tls_profile profile = {.ecdsa = any_signature, .path_max = 1};
    if (n < HEAD) return 0;
    unsigned flags = p[0], after = flags >> 2 & 7;
    popcl_blob_policy policy = {.keys = keys,
                                .keys_len = 2,
                                .scope = label,
                                .floor = p[1],
                                .retired = p[2],
                                .profile = &profile};
    place from = {.fails_at = p[3],
                  .changes_at = p[4],
                  .change = (size_t)number(p + 5, 2),
                  .by = p[7],
                  .n = n - HEAD + after};
    uint8_t *set = from.octets = malloc(from.n + 1); /* its edges are seen */
    MUST(set);
    memcpy(set, p + HEAD, n - HEAD);
    memset(set + (n - HEAD), 0xa5, after);
    is_right = (int)(flags >> 1 & 1);
    if (from.n >= 168) {
        view v = view_of(set);
        uint8_t hash[32];
        sha256(hash, label, strlen(label));
        if (flags & 32) memcpy(set + 32, hash, 16);
        if (flags & 1 && 168 + v.rows * v.row_len <= from.n)
            sha256(set + 72, v.index, v.rows * v.row_len);
    }
    popcl_blob b;
    int is_taken = is_set(set, from.n, &policy, label), may_fail = from.fails_at || from.changes_at;
    popcl_err e = popcl_blob_open(&b, &policy, read_place, &from, (uint32_t)from.n);
    MUST(e == POPCL_OK || (e >= POPCL_ERR_BLOB_READ && e <= POPCL_ERR_BLOB_OLD));
    if (!may_fail) MUST((e == POPCL_OK) == is_taken);
    if (e) MUST(memcmp(&b, &zero, sizeof b) == 0);
    /* only the signature makes a change of the header known, and here it always is right */
    if (e == POPCL_OK && is_taken && memcmp(b.index_hash, set + 72, 32) == 0 &&
        b.len == number(set + 4, 4) && b.row_len == set[54] && b.anchors == number(set + 48, 2) &&
        b.pins == number(set + 50, 2) && b.denied == number(set + 52, 2))
        check_open_set(&b, set, may_fail);
    free(set);
    return 0;
}
