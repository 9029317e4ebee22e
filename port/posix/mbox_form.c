/* SPDX-License-Identifier: MIT */
/* mbox_form - see mbox_form.h. The first line needs the header, so the beginning of the message is
 * kept until the header ends, or the room does. */
#define _POSIX_C_SOURCE 200809L
#include "mbox_form.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char from[] = "From ";
enum { FROM_LEN = sizeof from - 1, SENDER_MAX = 254 };

/* ---- the first line ---- */

/* Returns the length of the header's line at p without its line end. *next is the line after it, or
 * NULL if the line is not whole. */
static size_t head_line(const char *p, size_t n, const char **next) {
    const char *lf = memchr(p, '\n', n);
    size_t len = lf ? (size_t)(lf - p) : n;
    *next = lf ? lf + 1 : NULL;
    return lf && len && p[len - 1] == '\r' ? len - 1 : len;
}

/* Takes the address of `<address>`; an empty one is that of an error report. Anything odd is no
 * address: a space would make another line of it. */
static int read_sender(const char *p, size_t n, char sender[SENDER_MAX + 1]) {
    const char *open = memchr(p, '<', n);
    if (open) {
        n -= (size_t)(open + 1 - p);
        p = open + 1;
        const char *close = memchr(p, '>', n);
        n = close ? (size_t)(close - p) : 0;
    }
    if (n == 0 || n > SENDER_MAX) return -1;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= 0x20 || (unsigned char)p[i] > 0x7e) return -1;
    memcpy(sender, p, n);
    sender[n] = '\0';
    return 0;
}

/* Looks for the sender of the envelope in the header (RFC 5321, 4.4). */
static void find_sender(const pop_mbox_form *f, char sender[SENDER_MAX + 1]) {
    static const char field[] = "Return-Path:";
    const char *p = f->head, *end = f->head + f->head_len, *next;
    for (; p < end; p = next) {
        size_t n = head_line(p, (size_t)(end - p), &next);
        if (n == 0 || !next) break;
        if (n < sizeof field || strncasecmp(p, field, sizeof field - 1) != 0) continue;
        const char *value = p + sizeof field - 1;
        n -= sizeof field - 1;
        for (; n && (*value == ' ' || *value == '\t'); n--)
            value++;
        while (n && (value[n - 1] == ' ' || value[n - 1] == '\t'))
            n--;
        if (read_sender(value, n, sender) == 0) return;
        break;
    }
    memcpy(sender, "MAILER-DAEMON", sizeof "MAILER-DAEMON");
}

/* The date is as asctime writes it, in any locale. */
static int write_first_line(pop_mbox_form *f, const char **call) {
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    char sender[SENDER_MAX + 1], line[SENDER_MAX + 64];
    struct tm t;
    memset(&t, 0, sizeof t);
    t.tm_mday = 1;
    t.tm_year = 70;
    t.tm_wday = 4;
    (void)gmtime_r(&f->now, &t); /* on a failure: the beginning of time */
    find_sender(f, sender);
    int n = snprintf(line, sizeof line, "%s%s %s %s %2d %02d:%02d:%02d %d%s", from, sender,
                     days[t.tm_wday % 7], months[t.tm_mon % 12], t.tm_mday, t.tm_hour, t.tm_min,
                     t.tm_sec, 1900 + t.tm_year, f->line_end);
    return pop_spool_add(f->spool, line, n > 0 ? (size_t)n : 0, call);
}

/* ---- the lines ---- */

/* Writes the letters that were held: they begin no line of that kind. */
static int release_held(pop_mbox_form *f, const char **call) {
    unsigned held = f->held;
    f->held = 0;
    return held ? pop_spool_add(f->spool, from, held, call) : 0;
}

/* Looks at an octet at the start of a line. Returns 1 if it was taken, 0 if it is an ordinary one,
 * or -1. The further '>' comes after the others: the line is the same. */
static int take_start(pop_mbox_form *f, char c, const char **call) {
    if (c == from[f->held]) {
        if (++f->held < FROM_LEN) return 1;
        f->is_line_start = 0;
        if (pop_spool_add(f->spool, ">", 1, call) < 0 || release_held(f, call) < 0) return -1;
        return 1;
    }
    int is_quote = c == '>' && f->held == 0;
    if (release_held(f, call) < 0) return -1;
    f->is_line_start = is_quote;
    return 0;
}

static int write_lines(pop_mbox_form *f, const char *p, size_t n, const char **call) {
    while (n > 0) {
        int taken = f->is_line_start ? take_start(f, *p, call) : 0;
        if (taken < 0) return -1;
        size_t len = 1;
        if (!taken) {
            if (!f->is_line_start) {
                const char *lf = memchr(p, '\n', n);
                len = lf ? (size_t)(lf - p) + 1 : n;
                f->is_line_start = lf != NULL;
            }
            if (pop_spool_add(f->spool, p, len, call) < 0) return -1;
        }
        f->ends_with_lf = p[len - 1] == '\n';
        p += len;
        n -= len;
    }
    return 0;
}

/* ---- a message ---- */

void pop_mbox_begin(pop_mbox_form *f, time_t now) {
    f->now = now;
    f->is_line_start = f->ends_with_lf = 1;
    f->held = 0;
    f->has_head = 0;
    f->head_len = f->head_seen = 0;
}

static int form_end_head(pop_mbox_form *f, const char **call) {
    if (f->has_head) return 0;
    f->has_head = 1;
    if (write_first_line(f, call) < 0) return -1;
    return write_lines(f, f->head, f->head_len, call);
}

/* Returns whether the header has ended: after an empty line. No line is looked at twice. */
static int is_head_whole(pop_mbox_form *f) {
    const char *p = f->head + f->head_seen, *end = f->head + f->head_len, *next;
    for (; p < end; p = next) {
        size_t n = head_line(p, (size_t)(end - p), &next);
        if (!next) return 0;
        if (n == 0) return 1;
        f->head_seen = (size_t)(next - f->head);
    }
    return 0;
}

int pop_mbox_add(pop_mbox_form *f, const char *p, size_t n, const char **call) {
    if (!f->has_head) {
        size_t part = n < POP_MBOX_HEAD - f->head_len ? n : POP_MBOX_HEAD - f->head_len;
        memcpy(f->head + f->head_len, p, part);
        f->head_len += part;
        p += part;
        n -= part;
        int is_full = f->head_len == POP_MBOX_HEAD;
        if ((is_full || memchr(p - part, '\n', part)) && (is_full || is_head_whole(f)) &&
            form_end_head(f, call) < 0)
            return -1;
    }
    return n ? write_lines(f, p, n, call) : 0;
}

int pop_mbox_end(pop_mbox_form *f, const char **call) {
    size_t end_len = strlen(f->line_end);
    if (form_end_head(f, call) < 0 || release_held(f, call) < 0) return -1;
    if (!f->ends_with_lf && pop_spool_add(f->spool, f->line_end, end_len, call) < 0) return -1;
    return pop_spool_add(f->spool, f->line_end, end_len, call);
}
