/* SPDX-License-Identifier: MIT */
/* blob - see popcl_blob.h: a signed set of anchors, pins and denied keys, read in place. The
 * signature covers the header. The header has the hash of the index, and each row for an anchor has
 * the digest of its entry. Numbers are big-endian:
 *
 *     header                  index                                     entries
 *     168 bytes  --hash-->    rows: anchors, pins, denied keys  --digest-->  in any order
 *
 * Flash can change between two calls. So find and key hash the whole index again while they look,
 * and use nothing of it if the hash differs. Rows are in the order of their first
 * 24 bytes, so that a set has one form, and no row comes twice. */
#include "popcl_blob.h"

#include <string.h>

#include "entry.h"
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

#define PIECE     64u    /* the most bytes that are read at once */
#define FOR_EVER  65535u /* as the last day of a pin */
#define LAST_HIGH 58u    /* the upper 32 bits of 9999-12-31 in Unix seconds */

static uint32_t get_16(const unsigned char *p) { return (uint32_t)p[0] << 8 | p[1]; }

static uint32_t get_32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get_time(const unsigned char *p) {
    return (int64_t)((uint64_t)get_32(p) << 32 | get_32(p + 4));
}

static int is_zeros(const unsigned char *p, const unsigned char *end) {
    while (p < end && !*p)
        p++;
    return p == end;
}

/* Reads bytes, and hashes them. */
static popcl_err blob_read(const popcl_blob *b, uint32_t at, unsigned char *p, size_t n,
                           br_sha256_context *hash) {
    while (n) {
        size_t piece = n < PIECE ? n : PIECE;
        if (b->read(b->ctx, at, p, piece)) return POPCL_ERR_BLOB_READ;
        br_sha256_update(hash, p, piece);
        at += (uint32_t)piece;
        p += piece;
        n -= piece;
    }
    return POPCL_OK;
}

/* Returns whether the hash begins with n bytes that are wanted. */
static popcl_err end_hash(const br_sha256_context *hash, const unsigned char *wanted, size_t n) {
    unsigned char digest[br_sha256_SIZE];
    br_sha256_out(hash, digest);
    return memcmp(digest, wanted, n) == 0 ? POPCL_OK : POPCL_ERR_BLOB_DAMAGED;
}

/* Reads the entry of a row, and compares it with its digest. */
static popcl_err read_entry(const popcl_blob *b, const unsigned char *row,
                            unsigned char room[POPCL_ANCHOR_ROOM]) {
    br_sha256_context hash;
    br_sha256_init(&hash);
    popcl_err e = blob_read(b, get_32(row + PLACE_AT), room, get_16(row + ENTRY_LEN_AT), &hash);
    return e ? e : end_hash(&hash, row + DIGEST_AT, DIGEST);
}

/* ---- the index ---- */

/* A search in the index; NULL = for nothing of this kind. */
typedef struct query {
    const unsigned char *name; /* of an anchor: the row of the nth one is copied */
    unsigned nth, found;
    unsigned char row[ROW];
    const unsigned char *pin; /* a key's hash */
    unsigned is;
    int64_t utc_s;
    unsigned char *room; /* for every entry, to compare it with its digest */
    unsigned usable;     /* of these entries: those that the profile can use */
} query;

static uint32_t index_end(const popcl_blob *b) {
    return POPCL_BLOB_HEAD + ((uint32_t)b->anchors + b->pins + b->denied) * b->row_len;
}

/* before: the first bytes of the row before it, if there is one. */
static popcl_err look_at_anchor(const popcl_blob *b, query *q, const unsigned char *row,
                                const unsigned char *before) {
    uint32_t at = get_32(row + PLACE_AT), n = get_16(row + ENTRY_LEN_AT);
    if (at < index_end(b) || at > b->len || n > b->len - at || n > POPCL_ANCHOR_ROOM ||
        (before && memcmp(before, row, ORDER) >= 0))
        return POPCL_ERR_BLOB_DAMAGED;
    if (q->name && memcmp(row, q->name, POPCL_ANCHOR_NAME) == 0 && q->found++ == q->nth)
        memcpy(q->row, row, ROW);
    if (!q->room) return POPCL_OK;
    popcl_err e = read_entry(b, row, q->room);
    popcl_entry anchor;
    if (!e && popcl_entry_read(&anchor, q->room, n))
        q->usable += popcl_tls_can_use(b->profile, &anchor.key) != 0;
    return e;
}

static int is_day_of_pin(const unsigned char *row, int64_t utc_s) {
    /* a day has 128 * 675 seconds: a division of 64 bits would cost a function of its own */
    uint32_t day = (uint32_t)(utc_s >> 7) / 675, until = get_16(row + UNTIL_AT);
    return utc_s < 0 || (day >= get_16(row + FROM_AT) && (day <= until || until == FOR_EVER));
}

static void look_at_key(query *q, const unsigned char *row, int is_pin) {
    if (!q->pin || memcmp(row, q->pin, POPCL_PIN_LEN) != 0) return;
    if (!is_pin)
        q->is |= POPCL_KEY_DENIED;
    else if (is_day_of_pin(row, q->utc_s))
        q->is |= POPCL_KEY_PINNED;
}

/* Reads the index, judges each of its rows, and looks for what is wanted. If the index is damaged,
 * its rows prove nothing. */
static popcl_err read_index(const popcl_blob *b, query *q) {
    unsigned char row[UINT8_MAX], before[ORDER] = {0};
    uint32_t end = index_end(b), i = 0;
    popcl_err e, fault = POPCL_OK;
    br_sha256_context hash;
    br_sha256_init(&hash);
    for (uint32_t at = POPCL_BLOB_HEAD; at < end; at += b->row_len, i++) {
        int is_anchor = i < b->anchors, is_pin = i < (uint32_t)b->anchors + b->pins;
        unsigned zeros_at = is_anchor ? ANCHOR_ZEROS_AT : is_pin ? ROW : DENIED_ZEROS_AT;
        e = blob_read(b, at, row, b->row_len, &hash);
        if (!e && !is_zeros(row + zeros_at, row + ROW))
            e = POPCL_ERR_BLOB_FEATURE;
        else if (!e && is_anchor)
            e = look_at_anchor(b, q, row, i ? before : NULL);
        else if (!e)
            look_at_key(q, row, is_pin);
        if (e == POPCL_ERR_BLOB_READ) return e;
        if (!fault) fault = e;
        memcpy(before, row, ORDER);
    }
    e = end_hash(&hash, b->index_hash, sizeof b->index_hash);
    return e ? e : fault;
}

/* ---- popcl_trust ---- */

static const popcl_blob *blob_of(const popcl_trust *t) {
    return (const popcl_blob *)(const void *)t; /* its first member */
}

static popcl_err blob_find(const popcl_trust *t, const unsigned char *name, unsigned nth,
                           unsigned char *room, const unsigned char **entry, size_t *len) {
    query q = {.name = name, .nth = nth};
    popcl_err e = read_index(blob_of(t), &q);
    *entry = NULL;
    *len = get_16(q.row + ENTRY_LEN_AT);
    if (e || q.found <= nth) return e;
    e = read_entry(blob_of(t), q.row, room);
    if (!e) *entry = room;
    return e;
}

static popcl_err blob_key(const popcl_trust *t, const unsigned char *pin, int64_t utc_s,
                          unsigned *is) {
    query q = {.pin = pin, .utc_s = utc_s};
    popcl_err e = read_index(blob_of(t), &q);
    *is = q.is;
    return e;
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
    b->len = get_32(head + LEN_AT);
    b->sequence = get_32(head + SEQUENCE_AT);
    b->floor = get_32(head + FLOOR_AT);
    b->made_s = get_time(head + MADE_AT);
    b->stale_s = get_time(head + STALE_AT);
    b->anchors = (uint16_t)get_16(head + ANCHORS_AT);
    b->pins = (uint16_t)get_16(head + PINS_AT);
    b->denied = (uint16_t)get_16(head + DENIED_AT);
    b->row_len = head[ROW_LEN_AT];
    b->key = head[KEY_AT];
    b->retired |= get_32(head + RETIRED_AT) & ~((uint32_t)-2 << (b->key & 31));
    memcpy(b->index_hash, head + INDEX_HASH_AT, sizeof b->index_hash);
}

/* Returns whether a time is one of the years up to 9999, some days more or less. */
static int is_time(int64_t utc_s) { return (uint32_t)((uint64_t)utc_s >> 32) <= LAST_HIGH; }

static popcl_err check_scope(const unsigned char *scope, const char *label) {
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, label, strlen(label));
    return end_hash(&hash, scope, SCOPE);
}

/* All but the signature, which costs most. */
static popcl_err judge_head(const popcl_blob *b, const popcl_blob_policy *policy,
                            const unsigned char *head, uint32_t len) {
    if (memcmp(head + MAGIC_AT, "PTB1", 4) != 0 || b->row_len < ROW) return POPCL_ERR_BLOB_DAMAGED;
    if (b->len > len || b->len < index_end(b)) return POPCL_ERR_BLOB_DAMAGED;
    if (!is_time(b->made_s) || !is_time(b->stale_s)) return POPCL_ERR_BLOB_DAMAGED;
    if (!is_zeros(head + FEATURES_AT, head + FEATURES_AT + FEATURES)) return POPCL_ERR_BLOB_FEATURE;
    if (check_scope(head + SCOPE_AT, policy->scope)) return POPCL_ERR_BLOB_SCOPE;
    if (b->anchors && !b->profile->path_max) return POPCL_ERR_BLOB_PROFILE;
    if (b->key >= policy->keys_len || b->retired >> b->key & 1) return POPCL_ERR_BLOB_KEY;
    if (b->sequence < policy->floor || b->sequence < b->floor) return POPCL_ERR_BLOB_OLD;
    return POPCL_OK;
}

/* The signature is r and s, 32 bytes each. The profile has a check of ECDSA for the form of X.509,
 * and BearSSL takes that with a zero before each number (RFC 3279, 2.2.3). The frame is written
 * around the numbers, over the end of the header: `head` has FRAME bytes more at its end. */
enum { NUMBER = 32, FRAME = 3, S_AT = SIGNATURE_AT + NUMBER };

static popcl_err check_signature_of(const popcl_blob *b, const popcl_blob_policy *policy,
                                    unsigned char *head) {
    static const unsigned char frame[] = {0x30, 4 + 2 * (NUMBER + 1), 0x02, NUMBER + 1, 0};
    unsigned char digest[br_sha256_SIZE], *signature = head + SIGNATURE_AT - sizeof frame;
    union {
        const unsigned char *given;
        unsigned char *octets;
    } point = {.given = policy->keys[b->key]}; /* BearSSL's type has no const */
    br_ec_public_key key = {
        .curve = BR_EC_secp256r1, .q = point.octets, .qlen = POPCL_BLOB_KEY_LEN};
    br_sha256_context hash;
    br_sha256_init(&hash);
    br_sha256_update(&hash, "popcl-trust-blob", 16);
    br_sha256_update(&hash, head, SIGNATURE_AT);
    br_sha256_out(&hash, digest);
    memmove(head + S_AT + FRAME, head + S_AT, NUMBER);
    memcpy(signature, frame, sizeof frame);
    memcpy(head + S_AT, frame + sizeof frame - FRAME, FRAME);
    return policy->profile->ecdsa(policy->profile->ec, digest, sizeof digest, &key, signature,
                                  sizeof frame + FRAME + 2 * NUMBER) == 1
               ? POPCL_OK
               : POPCL_ERR_BLOB_SIGNATURE;
}

static popcl_err open_head(popcl_blob *b, const popcl_blob_policy *policy, uint32_t len) {
    unsigned char head[POPCL_BLOB_HEAD + FRAME];
    br_sha256_context hash;
    if (!is_usable_policy(policy) || !b->read) return POPCL_ERR_ARGUMENT;
    if (len < POPCL_BLOB_HEAD) return POPCL_ERR_BLOB_DAMAGED;
    br_sha256_init(&hash);
    popcl_err e = blob_read(b, 0, head, POPCL_BLOB_HEAD, &hash);
    if (e) return e;
    b->retired = policy->retired;
    b->profile = policy->profile;
    read_head(b, head);
    e = judge_head(b, policy, head, len);
    return e ? e : check_signature_of(b, policy, head);
}

popcl_err popcl_blob_judge_head(popcl_blob *b, const popcl_blob_policy *policy,
                                popcl_blob_read read, void *ctx, uint32_t len) {
    memset(b, 0, sizeof *b);
    b->read = read;
    b->ctx = ctx;
    popcl_err e = open_head(b, policy, len);
    if (e) memset(b, 0, sizeof *b);
    return e;
}

popcl_err popcl_blob_open(popcl_blob *b, const popcl_blob_policy *policy, popcl_blob_read read,
                          void *ctx, uint32_t len) {
    query q = {0};
    popcl_err e = popcl_blob_judge_head(b, policy, read, ctx, len);
    if (e) return e;
    e = read_index(b, &q);
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
    unsigned char room[POPCL_ANCHOR_ROOM];
    query q = {.room = room};
    popcl_err e = read_index(b, &q);
    return !e && b->anchors && !q.usable ? POPCL_ERR_BLOB_PROFILE : e;
}
