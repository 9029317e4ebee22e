/* SPDX-License-Identifier: MIT */
/* blob - see popcl_blob.h: a signed set of anchors, pins and denied keys, read in place. The
 * signature covers the header. The header has the hash of the index, and each row for an anchor has
 * the digest of its entry. Numbers are big-endian:
 *
 *     header                  index                                     entries
 *     168 bytes  --hash-->    rows: anchors, pins, denied keys  --digest-->  in any order
 *
 * Flash lies between two calls, and it can change there. So find and key hash the whole index again
 * while they look, and use nothing of it if the hash differs. Rows are in the order of their first
 * 24 bytes, so that a set has one form, and no row comes twice. */
#include "popcl_blob.h"

#include <string.h>

#include "profile.h"

/* Places in the header. FEATURES are 4 bytes, and 8 that a newer form may use follow. */
enum {
    MAGIC_AT,
    LEN_AT = 4,
    SEQUENCE_AT = 8,
    FLOOR_AT = 12,
    MADE_AT = 16,
    STALE_AT = 24,
    SCOPE_AT = 32,
    ANCHORS_AT = 48,
    PINS_AT = 50,
    DENIED_AT = 52,
    ROW_LEN_AT = 54,
    KEY_AT = 55,
    RETIRED_AT = 56,
    FEATURES_AT = 60,
    INDEX_HASH_AT = 72,
    SIGNATURE_AT = 104
};
enum { FEATURES = 12, SCOPE = 16 };

/* A row for an anchor: hash of the name, digest of the entry, its place, its length, zeros. A row
 * for a pin: the key's hash, the first day, the last day. For a denied key: its hash, zeros. A
 * newer form may have more bytes at the end of each row. */
enum { ROW = 36, DIGEST_AT = 8, PLACE_AT = 24, ENTRY_LEN_AT = 28, FROM_AT = 32, UNTIL_AT = 34 };
enum { DIGEST = 16, ORDER = DIGEST_AT + DIGEST, ANCHOR_ZEROS_AT = 30, DENIED_ZEROS_AT = 32 };

#define PIECE      64u                   /* the most bytes that are read at once */
#define DAY        INT64_C(86400)        /* seconds */
#define FOR_EVER   65535u                /* as the last day of a pin */
#define LAST_UTC_S INT64_C(253402300799) /* 9999-12-31 */

static uint32_t blob_get(const unsigned char *p, unsigned n) {
    uint32_t v = 0;
    while (n--)
        v = v << 8 | *p++;
    return v;
}

static int64_t blob_get_time(const unsigned char *p) {
    return (int64_t)((uint64_t)blob_get(p, 4) << 32 | blob_get(p + 4, 4));
}

static int is_zeros(const unsigned char *p, unsigned n) {
    while (n && !*p)
        n--, p++;
    return n == 0;
}

static popcl_err blob_read(const popcl_blob *b, uint32_t at, unsigned char *p, size_t n) {
    while (n) {
        size_t piece = n < PIECE ? n : PIECE;
        if (b->read(b->ctx, at, p, piece)) return POPCL_ERR_BLOB_READ;
        at += (uint32_t)piece;
        p += piece;
        n -= piece;
    }
    return POPCL_OK;
}

/* Reads the entry of a row into `room`; NULL = nowhere. Compares it with its digest. */
static popcl_err read_entry(const popcl_blob *b, const unsigned char *row, unsigned char *room) {
    unsigned char piece[PIECE], hash[br_sha256_SIZE];
    uint32_t at = blob_get(row + PLACE_AT, 4), n = blob_get(row + ENTRY_LEN_AT, 2);
    br_sha256_context h;
    br_sha256_init(&h);
    for (uint32_t some; n; n -= some, at += some) {
        unsigned char *p = room ? room : piece;
        some = n < PIECE ? n : PIECE;
        popcl_err e = blob_read(b, at, p, some);
        if (e) return e;
        br_sha256_update(&h, p, some);
        if (room) room += some;
    }
    br_sha256_out(&h, hash);
    return memcmp(hash, row + DIGEST_AT, DIGEST) == 0 ? POPCL_OK : POPCL_ERR_BLOB_DAMAGED;
}

/* ---- the index ---- */

enum kind { ANCHOR, PIN, DENIED };

/* The index as it is read, row by row. */
typedef struct scan {
    const popcl_blob *b;
    popcl_err error;
    uint32_t rows; /* that were read */
    enum kind kind;
    br_sha256_context hash;
    unsigned char row[UINT8_MAX];
} scan;

static uint32_t blob_rows(const popcl_blob *b) {
    return (uint32_t)b->anchors + b->pins + b->denied;
}

static uint32_t index_end(const popcl_blob *b) {
    return POPCL_BLOB_HEAD + blob_rows(b) * b->row_len;
}

static void scan_begin(scan *s, const popcl_blob *b) {
    s->b = b;
    s->error = POPCL_OK;
    s->rows = 0;
    br_sha256_init(&s->hash);
}

/* Reads a row. Returns 0 if none is left, or after an error. */
static int scan_row(scan *s) {
    const popcl_blob *b = s->b;
    if (s->rows == blob_rows(b) || s->error) return 0;
    s->error = blob_read(b, POPCL_BLOB_HEAD + s->rows * b->row_len, s->row, b->row_len);
    if (s->error) return 0;
    br_sha256_update(&s->hash, s->row, b->row_len);
    s->kind = s->rows < b->anchors                       ? ANCHOR
              : s->rows < (uint32_t)b->anchors + b->pins ? PIN
                                                         : DENIED;
    s->rows++;
    return 1;
}

/* Returns whether all that was read is the index that the header names. */
static popcl_err scan_end(const scan *s) {
    unsigned char hash[br_sha256_SIZE];
    if (s->error) return s->error;
    br_sha256_out(&s->hash, hash);
    return memcmp(hash, s->b->index_hash, sizeof hash) == 0 ? POPCL_OK : POPCL_ERR_BLOB_DAMAGED;
}

/* Returns why a row cannot be used. */
static popcl_err judge_row(const scan *s) {
    const popcl_blob *b = s->b;
    const unsigned char *row = s->row;
    if (s->kind == PIN) return POPCL_OK;
    if (s->kind == DENIED)
        return is_zeros(row + DENIED_ZEROS_AT, ROW - DENIED_ZEROS_AT) ? POPCL_OK
                                                                      : POPCL_ERR_BLOB_FEATURE;
    uint32_t at = blob_get(row + PLACE_AT, 4), n = blob_get(row + ENTRY_LEN_AT, 2);
    if (at < index_end(b) || at > b->len || n > b->len - at || n > POPCL_ANCHOR_ROOM)
        return POPCL_ERR_BLOB_DAMAGED;
    return is_zeros(row + ANCHOR_ZEROS_AT, ROW - ANCHOR_ZEROS_AT) ? POPCL_OK
                                                                  : POPCL_ERR_BLOB_FEATURE;
}

/* Judges every row. A row of an index that is damaged proves nothing. */
static popcl_err judge_index(const popcl_blob *b) {
    scan s;
    unsigned char before[ORDER];
    popcl_err e = POPCL_OK;
    scan_begin(&s, b);
    while (scan_row(&s)) {
        if (!e) e = judge_row(&s);
        if (!e && s.kind == ANCHOR && s.rows > 1 && memcmp(before, s.row, ORDER) >= 0)
            e = POPCL_ERR_BLOB_DAMAGED;
        memcpy(before, s.row, ORDER);
    }
    popcl_err damage = scan_end(&s);
    return damage ? damage : e;
}

/* ---- popcl_trust ---- */

static const popcl_blob *blob_of(const popcl_trust *t) {
    return (const popcl_blob *)(const void *)t; /* its first member */
}

static popcl_err blob_find(const popcl_trust *t, const unsigned char *name, unsigned nth,
                           unsigned char *room, const unsigned char **entry, size_t *len) {
    const popcl_blob *b = blob_of(t);
    unsigned char row[ROW];
    unsigned found = 0;
    scan s;
    *entry = NULL;
    *len = 0;
    scan_begin(&s, b);
    while (scan_row(&s))
        if (s.kind == ANCHOR && memcmp(s.row, name, POPCL_ANCHOR_NAME) == 0 && found++ == nth)
            memcpy(row, s.row, sizeof row);
    popcl_err e = scan_end(&s);
    if (e || found <= nth) return e;
    e = read_entry(b, row, room);
    if (e) return e;
    *entry = room;
    *len = blob_get(row + ENTRY_LEN_AT, 2);
    return POPCL_OK;
}

static int is_day_of_pin(const unsigned char *row, int64_t utc_s) {
    uint32_t from = blob_get(row + FROM_AT, 2), until = blob_get(row + UNTIL_AT, 2);
    return utc_s < 0 ||
           (utc_s >= from * DAY && (until == FOR_EVER || utc_s < (until + INT64_C(1)) * DAY));
}

static popcl_err blob_key(const popcl_trust *t, const unsigned char *pin, int64_t utc_s,
                          unsigned *is) {
    scan s;
    scan_begin(&s, blob_of(t));
    while (scan_row(&s)) {
        if (s.kind == ANCHOR || memcmp(s.row, pin, POPCL_PIN_LEN) != 0) continue;
        if (s.kind == DENIED)
            *is |= POPCL_KEY_DENIED;
        else if (is_day_of_pin(s.row, utc_s))
            *is |= POPCL_KEY_PINNED;
    }
    return scan_end(&s);
}

/* ---- the header ---- */

/* Every key is looked at, so that a wrong one is noticed before the day on which it is needed. */
static int is_usable_policy(const popcl_blob_policy *p) {
    if (!p || !p->keys || !p->scope || !p->profile) return 0;
    size_t n = p->keys_len;
    if (n == 0 || n > POPCL_BLOB_KEYS_MAX) return 0;
    while (n && p->keys[n - 1][0] == 4) /* uncompressed: BearSSL takes no other */
        n--;
    return n == 0;
}

static void read_head(popcl_blob *b, const unsigned char *head) {
    b->len = blob_get(head + LEN_AT, 4);
    b->sequence = blob_get(head + SEQUENCE_AT, 4);
    b->floor = blob_get(head + FLOOR_AT, 4);
    b->made_s = blob_get_time(head + MADE_AT);
    b->stale_s = blob_get_time(head + STALE_AT);
    b->anchors = (uint16_t)blob_get(head + ANCHORS_AT, 2);
    b->pins = (uint16_t)blob_get(head + PINS_AT, 2);
    b->denied = (uint16_t)blob_get(head + DENIED_AT, 2);
    b->row_len = head[ROW_LEN_AT];
    b->key = head[KEY_AT];
    b->retired |= blob_get(head + RETIRED_AT, 4);
    memcpy(b->index_hash, head + INDEX_HASH_AT, sizeof b->index_hash);
}

static int is_time(int64_t utc_s) { return utc_s >= 0 && utc_s <= LAST_UTC_S; }

static int is_scope(const unsigned char *scope, const char *label) {
    unsigned char hash[br_sha256_SIZE];
    br_sha256_context h;
    br_sha256_init(&h);
    br_sha256_update(&h, label, strlen(label));
    br_sha256_out(&h, hash);
    return memcmp(hash, scope, SCOPE) == 0;
}

/* All but the signature, which costs most. */
static popcl_err judge_head(const popcl_blob *b, const popcl_blob_policy *policy,
                            const unsigned char *head, uint32_t len) {
    if (memcmp(head + MAGIC_AT, "PTB1", 4) != 0 || b->row_len < ROW) return POPCL_ERR_BLOB_DAMAGED;
    if (b->len > len || b->len < index_end(b)) return POPCL_ERR_BLOB_DAMAGED;
    if (!is_time(b->made_s) || !is_time(b->stale_s)) return POPCL_ERR_BLOB_DAMAGED;
    if (!is_zeros(head + FEATURES_AT, FEATURES)) return POPCL_ERR_BLOB_FEATURE;
    if (!is_scope(head + SCOPE_AT, policy->scope)) return POPCL_ERR_BLOB_SCOPE;
    if (b->key >= policy->keys_len || b->retired >> b->key & 1) return POPCL_ERR_BLOB_KEY;
    if (b->sequence < policy->floor || b->sequence < b->floor) return POPCL_ERR_BLOB_OLD;
    return POPCL_OK;
}

/* The signature is r and s, 32 bytes each. The profile has a check of ECDSA for the form of X.509,
 * and BearSSL takes that with a zero before each number (RFC 3279, 2.2.3). */
static popcl_err check_head(const popcl_blob *b, const popcl_blob_policy *policy,
                            const unsigned char *head) {
    static const char domain[] = {'p', 'o', 'p', 'c', 'l', '-', 't', 'r',
                                  'u', 's', 't', '-', 'b', 'l', 'o', 'b'};
    enum { NUMBER = 32, R_AT = 5, S_AT = R_AT + NUMBER + 3, LEN = S_AT + NUMBER };
    static const unsigned char frame[R_AT] = {0x30, LEN - 2, 0x02, NUMBER + 1, 0};
    unsigned char hash[br_sha256_SIZE], signature[LEN];
    union {
        const unsigned char *given;
        unsigned char *octets;
    } point = {.given = policy->keys[b->key]}; /* BearSSL's type has no const, but it only reads */
    br_ec_public_key key = {
        .curve = BR_EC_secp256r1, .q = point.octets, .qlen = POPCL_BLOB_KEY_LEN};
    br_sha256_context h;
    br_sha256_init(&h);
    br_sha256_update(&h, domain, sizeof domain);
    br_sha256_update(&h, head, SIGNATURE_AT);
    br_sha256_out(&h, hash);
    memcpy(signature, frame, R_AT);
    memcpy(signature + R_AT, head + SIGNATURE_AT, NUMBER);
    memcpy(signature + S_AT - 3, frame + 2, 3);
    memcpy(signature + S_AT, head + SIGNATURE_AT + NUMBER, NUMBER);
    return policy->profile->ecdsa(policy->profile->ec, hash, sizeof hash, &key, signature, LEN) == 1
               ? POPCL_OK
               : POPCL_ERR_BLOB_SIGNATURE;
}

static popcl_err blob_open(popcl_blob *b, const popcl_blob_policy *policy, uint32_t len) {
    unsigned char head[POPCL_BLOB_HEAD];
    if (!is_usable_policy(policy) || !b->read) return POPCL_ERR_ARGUMENT;
    if (len < sizeof head) return POPCL_ERR_BLOB_DAMAGED;
    popcl_err e = blob_read(b, 0, head, sizeof head);
    if (e) return e;
    b->retired = policy->retired;
    read_head(b, head);
    e = judge_head(b, policy, head, len);
    if (!e) e = check_head(b, policy, head);
    return e ? e : judge_index(b);
}

popcl_err popcl_blob_open(popcl_blob *b, const popcl_blob_policy *policy, popcl_blob_read read,
                          void *ctx, uint32_t len) {
    memset(b, 0, sizeof *b);
    b->read = read;
    b->ctx = ctx;
    popcl_err e = blob_open(b, policy, len);
    if (e) {
        memset(b, 0, sizeof *b);
        return e;
    }
    /* pins without anchors decide alone, so that find must not be there */
    if (b->anchors) b->trust.find = blob_find;
    b->trust.key = blob_key;
    b->trust.key_pins = b->pins != 0;
    b->trust.set = b->index_hash;
    b->trust.sequence = b->sequence;
    b->trust.clock_floor_s = b->made_s;
    return POPCL_OK;
}

popcl_err popcl_blob_check(const popcl_blob *b) {
    scan s;
    scan_begin(&s, b);
    while (scan_row(&s)) {
        if (s.kind != ANCHOR) continue;
        popcl_err e = judge_row(&s);
        if (!e) e = read_entry(b, s.row, NULL);
        if (e) return e;
    }
    return scan_end(&s);
}
