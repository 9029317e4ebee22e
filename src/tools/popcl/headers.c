/* SPDX-License-Identifier: MIT */
/* headers - see headers.h. */
#define _POSIX_C_SOURCE 200809L
#include "headers.h"

#include <string.h>
#include <strings.h>

#include "utc.h"

enum position { LINE_BEGINS, IN_FIELD, IN_BODY };

/* ---- conditions ---- */

int cmd_match_read(cmd_match *m, const char *argument) {
    size_t n = 0;
    while (argument[n] > ' ' && argument[n] < 0x7F && argument[n] != ':')
        n++;
    if (n == 0 || argument[n] != ':') return -1;
    m->name = argument;
    m->name_len = n;
    m->text = argument + n + 1 + strspn(argument + n + 1, " \t");
    return 0;
}

static size_t length_without_spaces(const char *text) {
    size_t n = strlen(text);
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    return n;
}

/* Returns whether a field with the name of n octets is meant. */
static int field_is(const char *field, size_t field_len, const char *name, size_t n) {
    size_t end = n;
    if (field_len <= n || strncasecmp(field, name, n) != 0) return 0;
    /* spaces before the colon: obsolete (RFC 5322, 4.5) */
    while (end < field_len && field[end] == ' ')
        end++;
    return end < field_len && field[end] == ':';
}

static int contains(const char *value, size_t len, const char *text) {
    size_t n = length_without_spaces(text);
    for (size_t at = 0; at + n <= len; at++) {
        if (strncasecmp(value + at, text, n) == 0) return 1;
    }
    return 0;
}

static void judge_field(cmd_headers *h, const char *value) {
    size_t len = h->len - (size_t)(value - h->field);
    for (size_t i = 0; i < h->matches_len; i++) {
        const cmd_match *m = &h->matches[i];
        if (!field_is(h->field, h->len, m->name, m->name_len)) continue;
        if (contains(value, len, m->text))
            h->holds |= UINT32_C(1) << i;
        else if (h->cut)
            h->unsure |= UINT32_C(1) << i;
    }
}

/* ---- the header ---- */

/* The field is complete: the next one, or the body, begins. */
static void end_field(cmd_headers *h) {
    const char *colon = h->len ? memchr(h->field, ':', h->len) : NULL;
    if (colon) {
        judge_field(h, colon + 1);
        if (!h->has_date && field_is(h->field, h->len, "Date", 4)) {
            h->has_date = 1;
            h->field[h->len] = '\0'; /* keep leaves room */
            if (!h->cut && !memchr(h->field, '\0', h->len))
                h->date_s = cmd_headers_read_date(colon + 1);
        }
    }
    h->len = 0;
    h->cut = 0;
}

static void keep(cmd_headers *h, char c) {
    if (h->len + 1 < sizeof h->field)
        h->field[h->len++] = c == '\t' ? ' ' : c;
    else
        h->cut = 1;
}

static void headers_octet(cmd_headers *h, char c) {
    if (c == '\n') { /* with a CR before it, or alone as some servers store it */
        if (h->at == LINE_BEGINS) {
            end_field(h);
            h->at = IN_BODY;
        } else {
            h->at = LINE_BEGINS;
        }
        return;
    }
    if (h->at == LINE_BEGINS && c != ' ' && c != '\t') end_field(h);
    h->at = IN_FIELD;
    keep(h, c);
}

void cmd_headers_begin(cmd_headers *h, const cmd_match *matches, size_t matches_len) {
    h->matches = matches;
    h->matches_len = matches_len;
    h->holds = h->unsure = 0;
    h->date_s = INT64_MIN;
    h->at = LINE_BEGINS;
    h->cr = h->cut = h->has_date = 0;
    h->len = 0;
}

void cmd_headers_data(cmd_headers *h, const void *p, size_t n) {
    const char *octets = p;
    for (size_t i = 0; i < n && h->at != IN_BODY; i++) {
        char c = octets[i];
        if (h->cr && c != '\n') headers_octet(h, '\r');
        h->cr = c == '\r';
        if (!h->cr) headers_octet(h, c);
    }
}

int cmd_headers_end(cmd_headers *h) {
    uint32_t all = h->matches_len ? UINT32_MAX >> (32 - h->matches_len) : 0;
    if (h->at != IN_BODY) { /* the server may keep back more of the header */
        end_field(h);
        return 1;
    }
    return ((h->holds | h->unsure) & all) == all;
}

int64_t cmd_headers_date(const cmd_headers *h) { return h->date_s; }

/* ---- dates ---- */

/* Returns the text after spaces and comments (CFWS); a comment may hold comments. NULL = one has no
 * end. */
static const char *skip_comments(const char *p) {
    unsigned depth = 0;
    for (; *p; p++) {
        if (depth && *p == '\\' && p[1])
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && depth)
            depth--;
        else if (!depth && *p != ' ' && *p != '\t')
            break;
    }
    return depth ? NULL : p;
}

/* Reads a number of least to most digits, and the comments after it. Returns NULL without one. */
static const char *date_digits(const char *p, int least, int most, unsigned *value) {
    int n = 0;
    *value = 0;
    while (n < most && p[n] >= '0' && p[n] <= '9')
        *value = *value * 10 + (unsigned)(p[n++] - '0');
    if (n < least || (p[n] >= '0' && p[n] <= '9')) return NULL;
    return skip_comments(p + n);
}

/* Reads one of the words, each of three letters. Returns the text after it and its comments. */
static const char *date_word(const char *p, const char *words, unsigned *index) {
    size_t letters = 0;
    while ((p[letters] | 0x20) >= 'a' && (p[letters] | 0x20) <= 'z')
        letters++;
    if (letters != 3) return NULL;
    for (*index = 0; words[*index * 3]; ++*index) {
        if (strncasecmp(p, words + *index * 3, 3) == 0) return skip_comments(p + 3);
    }
    return NULL;
}

static const char *read_character(const char *p, char c) {
    return p && *p == c ? skip_comments(p + 1) : NULL;
}

/* Reads +0130, or an obsolete name. Names of one letter, and others, say nothing: they count as
 * +0000 (RFC 5322, 4.3). */
static const char *read_zone(const char *p, int64_t *offset_s) {
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                 {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};
    unsigned v;
    size_t n = 0;
    *offset_s = 0;
    if (*p == '+' || *p == '-') {
        const char *end = date_digits(p + 1, 4, 4, &v);
        if (!end || v % 100 > 59) return NULL;
        *offset_s = (int64_t)(v / 100) * 3600 + (int64_t)(v % 100) * 60;
        if (*p == '-') *offset_s = -*offset_s;
        return end;
    }
    while ((p[n] | 0x20) >= 'a' && (p[n] | 0x20) <= 'z')
        n++;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        if (n == 3 && strncasecmp(p, zones[i].name, 3) == 0)
            *offset_s = (int64_t)zones[i].hours * 3600;
    }
    return n ? skip_comments(p + n) : NULL;
}

/* Reads 14:05 or 14:05:30. */
static const char *read_time(const char *p, unsigned *hour, unsigned *minute, unsigned *second) {
    p = date_digits(p, 1, 2, hour);
    p = read_character(p, ':');
    if (p) p = date_digits(p, 2, 2, minute);
    *second = 0;
    if (!p || *p != ':') return p;
    p = read_character(p, ':');
    return p ? date_digits(p, 2, 2, second) : NULL;
}

/* A year of two digits is one from 1950 to 2049, and one of three counts from 1900 (RFC 5322,
 * 4.3). */
static const char *read_year(const char *p, unsigned *year) {
    size_t n = strspn(p, "0123456789");
    p = date_digits(p, 2, 4, year);
    if (n == 2) *year += *year < 50 ? 2000 : 1900;
    if (n == 3) *year += 1900;
    return p;
}

int64_t cmd_headers_read_date(const char *text) {
    unsigned name, day, month, year, hour, minute, second;
    int64_t offset_s;
    const char *p = skip_comments(text);
    if (p && (*p < '0' || *p > '9')) {
        p = date_word(p, "MonTueWedThuFriSatSun", &name);
        p = read_character(p, ',');
    }
    if (p) p = date_digits(p, 1, 2, &day);
    if (p) p = date_word(p, "JanFebMarAprMayJunJulAugSepOctNovDec", &month);
    if (p) p = read_year(p, &year);
    if (p) p = read_time(p, &hour, &minute, &second);
    if (p) p = read_zone(p, &offset_s);
    if (!p || *p) return INT64_MIN;
    int64_t utc_s = pop_utc(year, month + 1, day, hour, minute, second);
    return utc_s == INT64_MIN ? utc_s : utc_s - offset_s;
}
