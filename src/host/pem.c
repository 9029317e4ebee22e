/* SPDX-License-Identifier: MIT */
/* pem - see pem.h. Base64 is decoded here and not by BearSSL's decoder. That one wants every line
 * to have whole groups of four, and it does not report the place of an error. It also takes 50
 * times as long: a tenth of a second for a system's store. */
#include "pem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "whole.h"

typedef struct text {
    const char *p;
    size_t n;
} text;

static int is_space(char c) { return c == ' ' || c == '\t' || c == '\f' || c == '\v'; }

/* Takes a line, without its end and the spaces around it. Returns 0 after the last one. */
static int next_line(pop_pem *p, text *line) {
    const unsigned char *from = p->at;
    size_t n = 0;
    if (p->line_at == 0 && p->left >= 3 && memcmp(p->at, "\xEF\xBB\xBF", 3) == 0) {
        p->at += 3;
        p->left -= 3;
        from = p->at;
    }
    if (p->left == 0) return 0;
    while (n < p->left && from[n] != '\n' && from[n] != '\r')
        n++;
    size_t end = n < p->left ? 1 : 0;
    if (end && from[n] == '\r' && n + 1 < p->left && from[n + 1] == '\n') end = 2;
    p->at += n + end;
    p->left -= n + end;
    p->line_at++;
    line->p = (const char *)from;
    line->n = n;
    while (line->n && is_space(line->p[0])) {
        line->p++;
        line->n--;
    }
    while (line->n && is_space(line->p[line->n - 1]))
        line->n--;
    return 1;
}

/* Reads a line such as "-----BEGIN LABEL-----". Returns 1 with the label, 0 if the line begins
 * otherwise, -1 if it only begins so. */
static int banner(text line, const char *head, text *label) {
    size_t n = strlen(head);
    if (line.n < n || memcmp(line.p, head, n) != 0) return 0;
    label->p = line.p + n;
    label->n = line.n - n;
    if (label->n < 5 || memcmp(label->p + label->n - 5, "-----", 5) != 0) return -1;
    label->n -= 5;
    return label->n && !memchr(label->p, '\0', label->n) ? 1 : -1;
}

static int banner_begin(text line, text *label) { return banner(line, "-----BEGIN ", label); }

static int banner_end(text line, text *label) { return banner(line, "-----END ", label); }

/* ---- base64 ---- */

/* Returns the value of a character of base64; 64 for "=", 65 for others. */
static unsigned pem_value_of(char c) {
    if (c >= 'A' && c <= 'Z') return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z') return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 64 : 65;
}

/* Makes room for the octets of n more characters. Up to three characters of an earlier line may
 * become octets with the first of them. */
static int pem_grow(pop_pem *p, size_t n) {
    size_t need = p->octets_len + n + 3;
    if (need <= p->octets_room) return 0;
    size_t room = need < 4096 ? 4096 : 2 * need;
    unsigned char *grown = malloc(room); /* realloc would leave octets of a key */
    if (!grown) return -1;
    if (p->octets_len) memcpy(grown, p->octets, p->octets_len);
    pop_whole_free(p->octets, p->octets_room);
    p->octets = grown;
    p->octets_room = room;
    return 0;
}

/* A group of four characters that fills across lines. */
typedef struct group {
    uint32_t bits;
    unsigned count, padding;
    int closed; /* the last group was padded: no other may follow */
} group;

/* Adds the octets of a whole group. Bits that padding cuts off are 0 (RFC 4648, 3.5). */
static int end_group(pop_pem *p, group *g) {
    unsigned octets = 3 - g->padding;
    if (g->padding > 2 || (g->bits & ((1u << 8 * g->padding) - 1))) return -1;
    for (unsigned i = 0; i < octets; i++)
        p->octets[p->octets_len++] = (unsigned char)(g->bits >> (16 - 8 * i));
    g->closed = g->padding != 0;
    g->bits = 0;
    g->count = g->padding = 0;
    return 0;
}

/* Decodes a line, for which there is room. */
static int decode_line(pop_pem *p, text line, group *g) {
    for (size_t i = 0; i < line.n; i++) {
        if (is_space(line.p[i])) continue;
        unsigned v = pem_value_of(line.p[i]);
        if (v > 64 || g->closed || (v < 64 && g->padding)) return -1;
        g->padding += v == 64;
        g->bits = g->bits << 6 | (v & 63);
        if (++g->count == 4 && end_group(p, g)) return -1;
    }
    return 0;
}

/* ---- blocks ---- */

/* Reads on to the END line of the label. If another block begins before it, that BEGIN line is left
 * for the next call. */
static enum pop_pem_state read_block(pop_pem *p, text begun, int decode) {
    enum pop_pem_state state = POP_PEM_WHOLE;
    group g = {0};
    text line, label;
    p->octets_len = 0;
    for (;;) {
        const unsigned char *at = p->at;
        size_t left = p->left;
        if (!next_line(p, &line)) return POP_PEM_NO_END;
        if (banner_begin(line, &label)) {
            p->at = at;
            p->left = left;
            p->line_at--;
            return POP_PEM_NO_END;
        }
        int end = banner_end(line, &label);
        if (end && (end < 0 || label.n != begun.n || memcmp(label.p, begun.p, begun.n) != 0))
            return POP_PEM_NO_END;
        if (!decode || state != POP_PEM_WHOLE) {
            if (end) return state;
            continue;
        }
        if (end && g.count == 0) return state;
        if (!end && pem_grow(p, line.n)) return POP_PEM_NO_MEMORY;
        if (!end && decode_line(p, line, &g) == 0) continue;
        state = POP_PEM_BAD_BASE64;
        p->line = p->line_at;
        if (end) return state;
    }
}

enum pop_pem_state pop_pem_next(pop_pem *p, int (*want)(const char *label)) {
    text line, label;
    while (next_line(p, &line)) {
        int found = banner_begin(line, &label);
        if (!found) continue;
        p->line = p->line_at;
        p->label[0] = '\0';
        if (found < 0) return POP_PEM_BAD_BEGIN;
        size_t n = label.n < POP_PEM_LABEL_MAX ? label.n : POP_PEM_LABEL_MAX;
        memcpy(p->label, label.p, n);
        p->label[n] = '\0';
        return read_block(p, label, n == label.n && want(p->label));
    }
    return POP_PEM_END;
}

void pop_pem_done(pop_pem *p) {
    pop_whole_free(p->octets, p->octets_room);
    memset(p, 0, sizeof *p);
}
