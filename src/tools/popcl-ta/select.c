/* SPDX-License-Identifier: MIT */
/* select - see select.h. It only marks rows: none is ever moved or removed. */
#define _POSIX_C_SOURCE 200809L
#include "select.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blobform.h"
#include "family.h"

/* ---- patterns ---- */

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Reads 64 hexadecimal digits, with colons allowed between pairs. */
static int read_fingerprint(const char *text, unsigned char sha256[32]) {
    for (size_t i = 0; i < 32; i++) {
        if (i && *text == ':') text++;
        int high = hex_value(text[0]), low = high < 0 ? -1 : hex_value(text[1]);
        if (low < 0) return -1;
        sha256[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    return *text ? -1 : 0;
}

int ta_pattern_read(ta_pattern *p, const char *text) {
    static const struct {
        const char *head;
        ta_field field;
    } heads[] = {{"org=", TA_ORG}, {"cn=", TA_CN}, {"sha256=", TA_SHA256}};
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t n = strlen(heads[i].head);
        if (strncasecmp(text, heads[i].head, n) != 0) continue;
        p->field = heads[i].field;
        text += n;
        break;
    }
    p->text = text;
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789");
    /* a slip in a keyword, which as a text would select nothing */
    if (p->field == TA_ORG_OR_CN && word && text[word] == '=') return -1;
    if (p->field == TA_SHA256) return read_fingerprint(text, p->sha256);
    if (p->field == TA_ORG_OR_CN && read_fingerprint(text, p->sha256) == 0) p->field = TA_SHA256;
    return *text ? 0 : -1;
}

/* Makes room for one more row after `len` of them. Returns NULL: out of memory. */
static void *select_grow(void *rows, size_t len, size_t size) {
    if (len & (len - 1)) return rows; /* not full: the room is a power of two */
    return realloc(rows, (len ? 2 * len : 1) * size);
}

int ta_selection_add(ta_selection *s, const ta_pattern *p) {
    ta_pattern *grown = select_grow(s->patterns, s->len, sizeof *grown);
    if (!grown) return -1;
    s->patterns = grown;
    s->patterns[s->len++] = *p;
    return 0;
}

/* Reads "HEX,HEX,...", which is changed. Returns 0, 1: it is no family, or -1: out of memory. */
static int add_family(ta_selection *s, char *text, long line) {
    size_t before = s->kin_len;
    for (char *next; text; text = next) {
        ta_kin *grown = select_grow(s->kin, s->kin_len, sizeof *grown);
        if (!grown) return -1;
        s->kin = grown;
        next = strchr(text, ',');
        if (next) *next++ = '\0';
        text += strspn(text, " \t");
        text[strcspn(text, " \t")] = '\0';
        if (read_fingerprint(text, grown[s->kin_len].sha256)) return 1;
        grown[s->kin_len++].line = line;
    }
    return s->kin_len < before + 2;
}

long ta_selection_add_lines(ta_selection *s, char *text) {
    ta_pattern p;
    long number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        line += strspn(line, " \t\r");
        size_t n = strlen(line);
        while (n && strchr(" \t\r", line[n - 1]))
            line[--n] = '\0';
        if (!*line || *line == '#') continue;
        if (strncasecmp(line, "family=", 7) == 0) {
            int failed = add_family(s, line + 7, number);
            if (failed) return failed < 0 ? -1 : number;
            continue;
        }
        if (ta_pattern_read(&p, line)) return number;
        p.from_file = 1;
        if (ta_selection_add(s, &p)) return -1;
    }
    return 0;
}

void ta_selection_free(ta_selection *s) {
    free(s->patterns);
    free(s->kin);
    free(s->filter);
    memset(s, 0, sizeof *s);
}

/* ---- selecting ---- */

static int holds(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0) return 1;
    return 0;
}

static int matches(const ta_pattern *p, const pop_anchor *a) {
    switch (p->field) {
    case TA_SHA256: return memcmp(p->sha256, a->sha256, sizeof p->sha256) == 0;
    case TA_ORG: return holds(a->organization, p->text);
    case TA_CN: return holds(a->common_name, p->text);
    default: return holds(a->organization, p->text) || holds(a->common_name, p->text);
    }
}

int ta_is_certificate(const pop_anchor *a) {
    pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
    return a->organization &&
           (kind == POP_ANCHOR_KEPT || kind == POP_ANCHOR_REFUSED || kind == POP_ANCHOR_MERGED);
}

/* The patterns by the way in which they are looked up: fingerprints sorted, texts one by one. */
typedef struct lookup {
    ta_pattern **prints, **texts;
    size_t prints_len, texts_len;
} lookup;

static int by_print(const void *left, const void *right) {
    const ta_pattern *l = *(ta_pattern *const *)left, *r = *(ta_pattern *const *)right;
    return memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

static int lookup_make(lookup *k, const ta_selection *s) {
    enum { ROW = sizeof(ta_pattern *) };
    k->prints = calloc(s->len + 1, ROW);
    k->texts = calloc(s->len + 1, ROW);
    if (!k->prints || !k->texts) return -1;
    for (size_t i = 0; i < s->len; i++) {
        ta_pattern *p = &s->patterns[i];
        if (p->field == TA_SHA256)
            k->prints[k->prints_len++] = p;
        else
            k->texts[k->texts_len++] = p;
    }
    qsort(k->prints, k->prints_len, ROW, by_print);
    return 0;
}

/* Returns the place of the first fingerprint that is not before that of the certificate. */
static size_t first_print(const lookup *k, const pop_anchor *a) {
    size_t from = 0;
    for (size_t count = k->prints_len; count;) {
        size_t half = count / 2;
        int is_before = memcmp(k->prints[from + half]->sha256, a->sha256, sizeof a->sha256) < 0;
        from += is_before ? half + 1 : 0;
        count = is_before ? count - half - 1 : half;
    }
    return from;
}

/* A pattern has met a certificate: it counts that, and changes the rank or excludes. */
static void meet(const ta_selection *s, ta_pattern *p, pop_anchor *a, int *excluded) {
    long number = (long)(p - s->patterns);
    p->matched++;
    if (p->exclude)
        *excluded = 1;
    else if (a->rank < 0 || number < a->rank)
        a->rank = number;
}

/* Gives the certificate the number of the first pattern that selects it, from 0; -1 = no pattern
 * does. Returns whether a pattern excludes it. */
static int meet_all(const ta_selection *s, const lookup *k, pop_anchor *a) {
    int excluded = 0;
    for (size_t i = 0; i < k->texts_len; i++)
        if (matches(k->texts[i], a)) meet(s, k->texts[i], a, &excluded);
    for (size_t i = first_print(k, a); i < k->prints_len && matches(k->prints[i], a); i++)
        meet(s, k->prints[i], a, &excluded);
    return excluded;
}

static int is_of_kind(const ta_selection *s, const pop_anchor *a) {
    int is_rsa = strncmp(a->key, "RSA", 3) == 0;
    return s->keys == TA_ANY_KEY || (s->keys == TA_RSA) == is_rsa;
}

/* `excluded` has a byte for each row. */
static int select_with(const ta_selection *s, pop_anchors *a, unsigned char *excluded) {
    int all = 1; /* without a pattern everything is selected */
    lookup k = {0};
    int failed = lookup_make(&k, s);
    for (size_t i = 0; i < s->len; i++)
        all &= s->patterns[i].exclude;
    for (size_t i = 0; !failed && i < a->len; i++) {
        if (!ta_is_certificate(&a->list[i])) continue;
        a->list[i].rank = all ? 0 : -1;
        excluded[i] = meet_all(s, &k, &a->list[i]) != 0;
    }
    free(k.prints);
    free(k.texts);
    if (failed || (s->siblings && ta_family_spread(s, a))) return -1;
    for (size_t i = 0; i < a->len; i++) {
        pop_anchor *one = &a->list[i];
        if (ta_is_certificate(one) && (excluded[i] || one->rank < 0 || !is_of_kind(s, one)))
            one->finding = POP_ANCHOR_UNWANTED;
    }
    return 0;
}

int ta_select(ta_selection *s, pop_anchors *a) {
    unsigned char *excluded = calloc(a->len + 1, 1);
    int failed = excluded ? select_with(s, a, excluded) : -1;
    free(excluded);
    return failed;
}

/* ---- pins ---- */

static int by_pin(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    int order = memcmp(l->pin, r->pin, sizeof l->pin);
    if (order) return order;
    if (l->not_after != r->not_after) return l->not_after > r->not_after ? -1 : 1;
    return memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

int ta_merge_pins(pop_anchors *a) {
    enum { ROW = sizeof(pop_anchor *) };
    size_t count = 0;
    pop_anchor **order = malloc((a->len + 1) * ROW);
    if (!order) return -1;
    for (size_t i = 0; i < a->len; i++)
        if (a->list[i].finding == POP_ANCHOR_USABLE) order[count++] = &a->list[i];
    qsort(order, count, ROW, by_pin);
    for (size_t i = 1; i < count; i++)
        if (memcmp(order[i]->pin, order[i - 1]->pin, sizeof order[i]->pin) == 0)
            order[i]->finding = POP_ANCHOR_SAME_PIN;
    free(order);
    return 0;
}

/* ---- limits ---- */

static int by_preference(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    size_t l_size = pop_anchor_size(l), r_size = pop_anchor_size(r);
    if (l->rank != r->rank) return l->rank < r->rank ? -1 : 1;
    if (l_size != r_size) return l_size < r_size ? -1 : 1;
    return memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

int ta_limit(const ta_selection *s, pop_anchors *a) {
    enum { ROW = sizeof(pop_anchor *) };
    size_t count = 0, kept = 0, octets = s->blob_bytes;
    pop_anchor **order = malloc((a->len + 1) * ROW);
    if (!order) return -1;
    for (size_t i = 0; i < a->len; i++)
        if (a->list[i].finding == POP_ANCHOR_USABLE) order[count++] = &a->list[i];
    qsort(order, count, ROW, by_preference);
    for (size_t i = 0; i < count; i++) {
        size_t n = s->blob_bytes ? (size_t)TA_BLOB_ROW + order[i]->anchor.entry_len
                                 : pop_anchor_size(order[i]);
        if ((s->max_certs && kept == s->max_certs) ||
            (s->max_bytes && (octets > s->max_bytes || n > s->max_bytes - octets))) {
            order[i]->finding = POP_ANCHOR_OVER_LIMIT;
            continue;
        }
        kept++;
        octets += n;
    }
    free(order);
    return 0;
}
