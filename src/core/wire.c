/* SPDX-License-Identifier: MIT */
/* wire - see wire.h for the states. The body's decoder looks for dots, not for line ends. All
 * octets between two dots are content, and base64 has no dots at all. So one memchr runs over most
 * of an attachment. */
#include "wire.h"

#include <string.h>

/* BOL is 0: popcl_wire_reset */
enum wire_at { BOL, MID, AFTER_CR, DOT, DOT_CR, CR_OWED };

static const unsigned char owed_cr[1] = {'\r'};

/* Returns how many octets of p come before the first CR, LF or NUL. */
static size_t plain_run(const unsigned char *p, size_t n) {
    size_t i = 0;
    while (i < n && p[i] != '\r' && p[i] != '\n' && p[i] != 0)
        i++;
    return i;
}

/* Returns how many octets of p[0..n), n > 0, come before the first dot at the start of a line. `at`
 * is the state before p: MID or AFTER_CR, or BOL if p[0] is no dot. So p[0] is never such a dot.
 * After a dot within a line, the rest of that line is passed over with all its dots. */
static size_t content_run(int at, const unsigned char *p, size_t n) {
    const unsigned char *end = p + n, *from = p + 1;
    for (;;) {
        const unsigned char *dot = memchr(from, '.', (size_t)(end - from));
        if (!dot) return n;
        if (dot[-1] == '\n' && (dot - p >= 2 ? dot[-2] == '\r' : at == AFTER_CR))
            return (size_t)(dot - p);
        from = memchr(dot, '\n', (size_t)(end - dot));
        if (!from) return n;
    }
}

/* Takes an octet of a line, which is not at its start any more, or begins a span with it. Returns
 * POPCL_WIRE_MORE if there is no event yet. */
static popcl_wire_event in_line(popcl_wire *w, const unsigned char *p, size_t n,
                                popcl_wire_piece *x) {
    unsigned char c = p[x->used];
    if (w->at == AFTER_CR && c != '\n') {
        w->at = CR_OWED;
        return POPCL_WIRE_MORE;
    }
    if (c == 0) return POPCL_WIRE_NUL;
    if (c == '\n' && w->at == MID) return POPCL_WIRE_LF;
    if (c == '\n' || c == '\r') {
        x->used++;
        w->at = c == '\n' ? BOL : AFTER_CR;
        return c == '\n' ? POPCL_WIRE_EOL : POPCL_WIRE_MORE;
    }
    x->span = p + x->used;
    x->span_n = plain_run(x->span, n - x->used);
    x->used += x->span_n;
    return POPCL_WIRE_SPAN;
}

popcl_wire_event popcl_wire_next(popcl_wire *w, popcl_wire_kind kind, const unsigned char *p,
                                 size_t n, popcl_wire_piece *x) {
    popcl_wire_event event = POPCL_WIRE_MORE;
    for (x->used = 0; event == POPCL_WIRE_MORE;) {
        if (w->at == CR_OWED) { /* a CR without an LF after it is content */
            if (kind != POPCL_WIRE_BODY) w->at = MID;
            x->span = owed_cr;
            x->span_n = 1;
            return POPCL_WIRE_SPAN;
        }
        if (x->used == n) break;
        unsigned char c = p[x->used];
        if (w->at == BOL && c == '.' && kind != POPCL_WIRE_STATUS) {
            w->at = DOT;
            x->used++;
        } else if (w->at == DOT && c == '\r') {
            w->at = DOT_CR;
            x->used++;
        } else if (w->at == DOT_CR && c == '\n') {
            x->used++;
            return POPCL_WIRE_END;
        } else if (w->at == DOT_CR) {
            w->at = CR_OWED;
        } else {
            if (w->at == DOT) w->at = MID;
            if (kind == POPCL_WIRE_BODY) {
                x->span = p + x->used;
                x->span_n = content_run(w->at, x->span, n - x->used);
                return POPCL_WIRE_SPAN;
            }
            if (w->at == BOL) w->at = MID;
            event = in_line(w, p, n, x);
        }
    }
    return event;
}

size_t popcl_wire_take(popcl_wire *w, const unsigned char *span, size_t n) {
    if (n == 0) return 0;
    int owed = w->at == CR_OWED;
    int after_cr = n >= 2 ? span[n - 2] == '\r' : w->at == AFTER_CR;
    unsigned char last = span[n - 1];
    w->at = last == '\r' ? AFTER_CR : last == '\n' && after_cr ? BOL : MID;
    return owed ? 0 : n;
}
