/* SPDX-License-Identifier: MIT */
/* select - see select.h. It only marks rows: none is ever moved or removed. */
#define _POSIX_C_SOURCE 200809L
#include "select.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "blobform.h"

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

int ta_selection_add(ta_selection *s, const ta_pattern *p) {
    if ((s->len & (s->len - 1)) == 0) { /* 0, or a power of two: full */
        size_t room = s->len ? 2 * s->len : 1;
        ta_pattern *grown = realloc(s->patterns, room * sizeof *grown);
        if (!grown) return -1;
        s->patterns = grown;
    }
    s->patterns[s->len++] = *p;
    return 0;
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
        if (ta_pattern_read(&p, line)) return number;
        p.from_file = 1;
        if (ta_selection_add(s, &p)) return -1;
    }
    return 0;
}

void ta_selection_free(ta_selection *s) {
    free(s->patterns);
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

/* Certificates as far as they could be read. Everything else is reported for any selection. */
static int is_certificate(const pop_anchor *a) {
    pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
    return a->organization &&
           (kind == POP_ANCHOR_KEPT || kind == POP_ANCHOR_REFUSED || kind == POP_ANCHOR_MERGED);
}

/* Returns the number of the first pattern that selects it, from 0; -1 = no pattern does. Counts the
 * matches of every pattern. */
static long rank_of(ta_selection *s, const pop_anchor *a) {
    long first = -1;
    for (size_t i = 0; i < s->len; i++) {
        if (s->patterns[i].exclude || !matches(&s->patterns[i], a)) continue;
        s->patterns[i].matched++;
        if (first < 0) first = (long)i;
    }
    return first;
}

static int is_excluded(ta_selection *s, const pop_anchor *a) {
    int excluded = 0;
    for (size_t i = 0; i < s->len; i++) {
        if (!s->patterns[i].exclude || !matches(&s->patterns[i], a)) continue;
        s->patterns[i].matched++;
        excluded = 1;
    }
    return excluded;
}

static int has_key(const ta_selection *s, const pop_anchor *a) {
    int is_rsa = strncmp(a->key, "RSA", 3) == 0;
    return s->keys == TA_ANY_KEY || (s->keys == TA_RSA) == is_rsa;
}

/* By organization; of one organization, the selected ones first, by rank. */
static int by_organization(const void *left, const void *right) {
    const pop_anchor *l = *(pop_anchor *const *)left, *r = *(pop_anchor *const *)right;
    int order = strcasecmp(l->organization, r->organization);
    if (order) return order;
    if ((l->rank < 0) != (r->rank < 0)) return l->rank < 0 ? 1 : -1;
    return (l->rank > r->rank) - (l->rank < r->rank);
}

/* Gives each unselected certificate the least rank of a selected one of its organization. Takes
 * n log n time. Returns 0, or -1: out of memory. */
static int add_siblings(pop_anchors *a) {
    enum { ROW = sizeof(pop_anchor *) };
    size_t count = 0;
    pop_anchor **order = malloc((a->len + 1) * ROW);
    if (!order) return -1;
    for (size_t i = 0; i < a->len; i++)
        if (is_certificate(&a->list[i]) && *a->list[i].organization) order[count++] = &a->list[i];
    qsort(order, count, ROW, by_organization);
    for (size_t i = 1; i < count; i++)
        if (order[i]->rank < 0 &&
            strcasecmp(order[i]->organization, order[i - 1]->organization) == 0)
            order[i]->rank = order[i - 1]->rank;
    free(order);
    return 0;
}

int ta_select(ta_selection *s, pop_anchors *a) {
    int any = 1; /* without a pattern everything is selected */
    for (size_t i = 0; i < s->len; i++)
        any &= s->patterns[i].exclude;
    for (size_t i = 0; i < a->len; i++)
        if (is_certificate(&a->list[i])) a->list[i].rank = any ? 0 : rank_of(s, &a->list[i]);
    if (s->siblings && add_siblings(a)) return -1;
    for (size_t i = 0; i < a->len; i++) {
        pop_anchor *one = &a->list[i];
        if (!is_certificate(one)) continue;
        if (is_excluded(s, one) || one->rank < 0 || !has_key(s, one))
            one->finding = POP_ANCHOR_UNWANTED;
    }
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
        size_t n =
            s->blob_bytes ? (size_t)TA_BLOB_ROW + order[i]->anchor.entry_len : pop_anchor_size(order[i]);
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
