/* SPDX-License-Identifier: MIT */
/* blob - see blob.h, and blobform.h for the places of the fields. */
#include "blob.h"

#include <stdlib.h>
#include <string.h>

#include "blobform.h"

/* ---- rows ---- */

/* The row of an anchor, until its place is known, and its entry. */
typedef struct anchor_row {
    unsigned char octets[TA_BLOB_ROW]; /* name, digest */
    const popcl_anchor *anchor;
} anchor_row;

static int by_octets(const void *left, const void *right) {
    return memcmp(left, right, TA_BLOB_ROW);
}

/* By hash, then by days. */
static int by_named_key(const void *left, const void *right) {
    const ta_named_key *l = left, *r = right;
    int order = memcmp(l->hash, r->hash, sizeof l->hash);
    if (order) return order;
    return l->from != r->from ? (l->from > r->from) - (l->from < r->from)
                              : (l->until > r->until) - (l->until < r->until);
}

static const char *sort_keys(ta_named_keys *keys) {
    if (keys->len) qsort(keys->list, keys->len, sizeof *keys->list, by_named_key);
    for (size_t i = 1; i < keys->len; i++)
        if (by_named_key(&keys->list[i - 1], &keys->list[i]) == 0)
            return "a pin or a denied key is given twice";
    return NULL;
}

/* Collects the pins: those that are given, and with --pins those of the certificates, which have
 * no days. */
static int collect_pins(ta_named_keys *pins, const ta_set *s, const ta_options *o) {
    pins->list = calloc(o->pinned.len + s->len + 1, sizeof *pins->list);
    if (!pins->list) return -1;
    if (o->pinned.len) memcpy(pins->list, o->pinned.list, o->pinned.len * sizeof *pins->list);
    pins->len = o->pinned.len;
    for (size_t i = 0; o->pins && i < s->len; i++) {
        ta_named_key *one = &pins->list[pins->len++];
        memcpy(one->hash, s->anchors[i]->pin, sizeof one->hash);
        one->until = TA_DAY_MAX;
    }
    return 0;
}

static int is_denied(const ta_named_keys *denied, const unsigned char hash[32]) {
    for (size_t from = 0, until = denied->len; from < until;) {
        size_t middle = from + (until - from) / 2;
        int order = memcmp(hash, denied->list[middle].hash, 32);
        if (order == 0) return 1;
        if (order < 0)
            until = middle;
        else
            from = middle + 1;
    }
    return 0;
}

static void put_keys(unsigned char *at, const ta_named_keys *keys, int with_days) {
    for (size_t i = 0; i < keys->len; i++, at += TA_BLOB_ROW) {
        memcpy(at, keys->list[i].hash, sizeof keys->list[i].hash);
        if (!with_days) continue;
        ta_blob_put(at + TA_BLOB_ROW_FROM_AT, keys->list[i].from, 2);
        ta_blob_put(at + TA_BLOB_ROW_UNTIL_AT, keys->list[i].until, 2);
    }
}

/* Makes the sorted rows of the anchors, and adds the octets of their entries. */
static anchor_row *make_anchors(const ta_set *s, size_t count, size_t *octets) {
    anchor_row *rows = calloc(count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < count; i++) {
        const popcl_anchor *a = &s->anchors[i]->anchor;
        rows[i].anchor = a;
        memcpy(rows[i].octets, a->name, sizeof a->name);
        ta_blob_digest(rows[i].octets + TA_BLOB_ROW_DIGEST_AT, a->entry, a->entry_len);
        *octets += a->entry_len;
    }
    if (rows && count) qsort(rows, count, sizeof *rows, by_octets);
    return rows;
}

/* ---- the whole ---- */

/* The content of a blob, besides the options. */
typedef struct content {
    anchor_row *anchors;
    size_t anchors_len, entries; /* entries: their octets */
    ta_named_keys pins, denied;
} content;

static void put_header(unsigned char *p, const content *c, const ta_options *o) {
    memcpy(p, TA_BLOB_MAGIC, sizeof TA_BLOB_MAGIC - 1);
    ta_blob_put(p + TA_BLOB_SEQUENCE_AT, o->sequence, 4);
    ta_blob_put(p + TA_BLOB_FLOOR_AT, o->floor, 4);
    ta_blob_put(p + TA_BLOB_MADE_AT, (uint64_t)o->made, 8);
    ta_blob_put(p + TA_BLOB_STALE_AT, (uint64_t)o->stale, 8);
    ta_blob_scope(p + TA_BLOB_SCOPE_AT, o->scope);
    ta_blob_put(p + TA_BLOB_ANCHORS_AT, c->anchors_len, 2);
    ta_blob_put(p + TA_BLOB_PINS_AT, c->pins.len, 2);
    ta_blob_put(p + TA_BLOB_DENIED_AT, c->denied.len, 2);
    p[TA_BLOB_ROW_LEN_AT] = TA_BLOB_ROW;
    p[TA_BLOB_KEY_AT] = o->key_number;
    ta_blob_put(p + TA_BLOB_RETIRED_AT, o->retired, 4);
}

static const char *put_all(unsigned char **blob, size_t *len, const content *c,
                           const ta_options *o) {
    size_t rows = c->anchors_len + c->pins.len + c->denied.len, index = rows * TA_BLOB_ROW;
    size_t at = POPCL_BLOB_HEAD + index;
    *len = at + c->entries;
    if (*len > UINT32_MAX) return "it would be larger than 4 GB";
    unsigned char *p = calloc(1, *len);
    if (!p) return "out of memory";
    unsigned char *row = p + POPCL_BLOB_HEAD;
    put_header(p, c, o);
    ta_blob_put(p + TA_BLOB_LEN_AT, *len, 4);
    for (size_t i = 0; i < c->anchors_len; i++, row += TA_BLOB_ROW) {
        const popcl_anchor *a = c->anchors[i].anchor;
        memcpy(row, c->anchors[i].octets, TA_BLOB_ROW);
        ta_blob_put(row + TA_BLOB_ROW_OFFSET_AT, at, 4);
        ta_blob_put(row + TA_BLOB_ROW_ENTRY_LEN_AT, a->entry_len, 2);
        memcpy(p + at, a->entry, a->entry_len);
        at += a->entry_len;
    }
    put_keys(row, &c->pins, 1);
    put_keys(row + c->pins.len * TA_BLOB_ROW, &c->denied, 0);
    ta_blob_hash(p + TA_BLOB_INDEX_HASH_AT, p + POPCL_BLOB_HEAD, index);
    *blob = p;
    return NULL;
}

static const char *judge(content *c, const ta_set *s, const ta_options *o) {
    const char *wrong = sort_keys(&c->pins);
    if (!wrong) wrong = sort_keys(&c->denied);
    if (wrong) return wrong;
    if (c->anchors_len > TA_BLOB_ROWS_MAX || c->pins.len > TA_BLOB_ROWS_MAX ||
        c->denied.len > TA_BLOB_ROWS_MAX)
        return "it has room for 65535 anchors, pins and denied keys each";
    for (size_t i = 0; i < c->pins.len; i++)
        if (is_denied(&c->denied, c->pins.list[i].hash))
            return "a key is pinned and denied: give --deny or the pin";
    for (size_t i = 0; !o->pins && i < s->len; i++)
        if (is_denied(&c->denied, s->anchors[i]->pin))
            return "the key of an anchor is denied: leave the anchor out (--exclude)";
    return NULL;
}

const char *ta_blob_make(unsigned char **blob, size_t *len, const ta_set *s, const ta_options *o) {
    content c = {.anchors_len = o->pins ? 0 : s->len, .denied = o->denied};
    const char *wrong = "out of memory";
    *blob = NULL;
    c.anchors = make_anchors(s, c.anchors_len, &c.entries);
    if (c.anchors && collect_pins(&c.pins, s, o) == 0) wrong = judge(&c, s, o);
    if (!wrong) wrong = put_all(blob, len, &c, o);
    free(c.anchors);
    free(c.pins.list);
    return wrong;
}
