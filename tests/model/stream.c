/* SPDX-License-Identifier: MIT */
/* stream - the server's octets as RFC 1939 reads them, one by one and without any haste: which
 * command each reply answers, what a body holds, and where the server breaks the protocol. */
#include <string.h>

#include "rules.h"

enum at { BETWEEN, STATUS, LINES, BODY, UNASKED, CLOSING, OVER };
enum dot { LINE_START, INSIDE, SEEN_CR, SEEN_DOT, SEEN_DOT_CR };

static const char *const verbs[] = {"",     "USER", "PASS", "APOP", "AUTH", "response",
                                    "CAPA", "STAT", "LIST", "UIDL", "RETR", "TOP",
                                    "DELE", "NOOP", "RSET", "QUIT", "UTF8", "LANG"};

const char *model_verb_name(model_verb v) { return verbs[v]; }

void model_read_command(const char *line, size_t n, model_command *c) {
    c->verb = M_VERBS;
    for (int v = M_USER; v < M_VERBS; v++) {
        size_t len = strlen(verbs[v]);
        if (n >= len && memcmp(line, verbs[v], len) == 0 && (n == len || line[len] == ' ')) {
            c->verb = (model_verb)v;
            line += len;
            n -= len;
            break;
        }
    }
    c->number = 0;
    for (size_t i = 1; i < n && line[i] >= '0' && line[i] <= '9'; i++)
        c->number = c->number * 10 + (uint32_t)(line[i] - '0');
    c->listing = c->verb == M_CAPA || ((c->verb == M_LIST || c->verb == M_UIDL) && !c->number);
}

static void wrong(model *m, const char *why) {
    m->doomed = m->wrong = 1;
    m->why = why;
    m->at = OVER;
    m->causes |= M_BY_SERVER;
}

static void doomed(model *m) {
    m->doomed = 1;
    m->causes |= M_BY_SERVER;
}

/* ---- fields [R9 R12 B32 B33 B43 B44 B47 B48] ---- */

/* Reads a number and a size or a UID. Returns 0 if the number is none, 2 if it is too large. */
static int fields(const char *p, size_t n, int uidl, model_line *l) {
    size_t i = 0, digits = 0;
    uint64_t value = 0;
    memset(l, 0, sizeof *l);
    l->size = MODEL_UNKNOWN;
    while (i < n && p[i] == ' ')
        i++;
    for (; i < n && p[i] != ' '; i++, digits++) {
        if (p[i] < '0' || p[i] > '9') return 0;
        value = value * 10 + (uint64_t)(p[i] - '0');
        if (value > UINT32_MAX) return 2;
    }
    if (!digits) return 0;
    l->number = (uint32_t)value;
    while (i < n && p[i] == ' ')
        i++;
    if (uidl) {
        while (n > i && p[n - 1] == ' ')
            n--;
        l->odd = n - i > MODEL_UID;
        for (size_t k = i; k < n; k++)
            l->odd |= p[k] < 0x21 || p[k] > 0x7e;
        if (l->odd || n == i) return 1;
        l->uid_len = (uint8_t)(n - i);
        memcpy(l->uid, p + i, n - i);
        return 1;
    }
    if (i == n) return 1;
    for (value = 0; i < n && p[i] != ' '; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        if (digit > 9 || value > (UINT64_MAX - 1 - digit) / 10) return 1;
        value = value * 10 + digit;
    }
    l->size = value;
    return 1;
}

/* A UID that is only the message's number [Q18]. */
static int is_number(const model_line *l) {
    uint64_t value = 0;
    for (unsigned i = 0; i < l->uid_len; i++) {
        if (l->uid[i] < '0' || l->uid[i] > '9' || value > UINT32_MAX) return 0;
        value = value * 10 + (uint64_t)(l->uid[i] - '0');
    }
    return value == l->number;
}

static model_line *new_line(model *m) {
    if (m->lines_n == MODEL_LINES) {
        m->beyond = 1;
        m->lines_n = 1;
    }
    return &m->lines[m->lines_n++];
}

/* ---- a status line [R2 R3 R14 R45] ---- */

/* Only these are answered by challenges [R70]. */
static int is_challenged(const model_command *c) {
    return c->verb == M_AUTH || c->verb == M_RESPONSE;
}

/* Which of them a line begins with; 0: none, as far as it goes. A last CR may be half of the
 * line's end: it is not looked at. */
static int status_of(const char *p, size_t n, int whole, int challenged) {
    static const char *const words[] = {"+OK", "-ERR", "+"};
    static const int statuses[] = {1, -1, 2};
    for (int i = 0; i < (challenged ? 3 : 2); i++) {
        size_t len = strlen(words[i]), some = n < len ? n : len;
        if (memcmp(p, words[i], some) != 0 || (whole && n < len)) continue;
        if (n > len && p[len] != ' ') continue;
        return statuses[i];
    }
    return 0;
}

/* A stamp is a msg-id in angle brackets [R36 R37]; what is neither surely one nor surely none is
 * left open. */
static int stamp_of(const char *p, size_t n) {
    const char *from = memchr(p, '<', n), *to;
    if (!from || !memchr(p, '@', n) || !memchr(p, '>', n)) return 0;
    n -= (size_t)(from - p);
    to = memchr(from, '>', n);
    if (!to) return 2;
    int ats = 0, dots = 0;
    for (const char *q = from + 1; q < to; q++) {
        int letter = (*q >= 'a' && *q <= 'z') || (*q >= '0' && *q <= '9');
        ats += *q == '@';
        if (!letter && *q != '@' && *q != '.') return 2;
        if (!letter) {
            if (dots || q == from + 1 || q + 1 == to) return 2;
            dots = 1;
        } else {
            dots = 0;
        }
    }
    return ats == 1 ? 1 : 2;
}

static void reply_complete(model *m, model_command *c) {
    c->complete = 1;
    m->answer++;
    m->at = BETWEEN;
    if (c->status == 1 && (c->verb == M_PASS || c->verb == M_APOP || is_challenged(c)))
        m->logged_in = 1;
    if (is_challenged(c)) m->exchange = c->status == 2;
    if (c->verb == M_QUIT) {
        m->quit_ok = c->status > 0;
        m->at = OVER;
    }
    if (c->verb == M_GREETING && c->status < 0) m->at = OVER;
    if (c->verb == M_STAT && c->probe) model_probed(m, c);
    if (c->status >= 0) return;
    m->causes |= M_BY_REFUSAL;
    if (!c->number && !c->probe) m->refused |= 1u << c->verb;
}

static void status_line(model *m, model_command *c) {
    const char *p = m->raw;
    size_t n = m->raw_n - 2;
    int single = c->verb == M_STAT || ((c->verb == M_LIST || c->verb == M_UIDL) && !c->listing);
    c->status = status_of(p, n, 1, is_challenged(c));
    if (!c->status) {
        wrong(m, "neither +OK nor -ERR");
        return;
    }
    c->has_code = c->status < 0 && n > 5 && p[5] == '[';
    if (c->verb == M_GREETING) m->stamp = c->status > 0 ? stamp_of(p, n) : 0;
    if (c->status > 0 && single) {
        model_line *l = new_line(m);
        c->first = (size_t)(l - m->lines);
        c->last = c->first + 1;
        if (fields(p + 3, n - 3, c->verb == M_UIDL, l) != 1) {
            wrong(m, "no number where one is due");
            return;
        }
        c->value = l->number;
        c->size = l->size;
        /* marked messages keep their numbers [R8] */
        if (c->verb == M_STAT && m->count == UINT32_MAX) m->first_count = l->number;
        if (c->verb == M_STAT && (m->count == UINT32_MAX || l->number > m->count))
            m->count = l->number;
    }
    m->raw_n = 0;
    if (c->status > 0 && c->listing) {
        if (c->verb == M_CAPA) m->pipelining = m->with_user = m->with_stls = 0;
        c->first = c->last = m->lines_n;
        m->listing_lines = m->strays = 0;
        m->at = LINES;
    } else if (c->status > 0 && (c->verb == M_RETR || c->verb == M_TOP)) {
        c->body = c->end = m->body_n;
        m->dot = LINE_START;
        m->at = BODY;
    } else {
        reply_complete(m, c);
    }
}

/* ---- a listing [R11 R15 R42 B25 B38 B39] ---- */

/* Whether a line of CAPA begins with this word. */
static int names(const char *p, size_t n, const char *word) {
    size_t i = 0;
    while (i < n && p[i] == ' ')
        i++;
    while (i < n && p[i] != ' ' && *word && (p[i] & ~0x20) == *word)
        i++, word++;
    return !*word && (i == n || p[i] == ' ');
}

static void capability(model *m, const char *p, size_t n) {
    if (names(p, n, "PIPELINING")) m->pipelining = m->once_offered = 1;
    if (names(p, n, "USER")) m->with_user = 1;
    if (names(p, n, "STLS")) m->with_stls = 1;
}

static void listing_line(model *m, model_command *c) {
    const char *p = m->raw;
    size_t n = m->raw_n - 2;
    if (n == 1 && *p == '.') {
        reply_complete(m, c);
        return;
    }
    if (n && *p == '.') p++, n--;
    m->listing_lines++;
    m->raw_n = 0;
    if (c->verb == M_CAPA) {
        capability(m, p, n);
        if (m->listing_lines > 128) wrong(m, "CAPA without an end [B62]");
        return;
    }
    model_line l;
    int read = fields(p, n, c->verb == M_UIDL, &l);
    if (read == 0 || (read == 2 && m->count == UINT32_MAX)) {
        wrong(m, "a line of a listing without a number");
        return;
    }
    int stray = read == 2 || l.number == 0 || l.number > m->count;
    m->strays += (size_t)stray;
    if (m->listing_lines - m->strays > m->count) {
        wrong(m, "more lines than messages");
        return;
    }
    if (stray) return;
    if ((l.uid_len || l.odd) && !is_number(&l)) c->named = 1;
    /* a client may refuse a listing that is out of order, or names a message twice [B40] */
    if (m->answer == m->planner && c->last > c->first && l.number <= m->lines[c->last - 1].number) {
        m->unordered = m->gave_up = 1;
        m->causes |= M_BY_LISTING;
    }
    *new_line(m) = l;
    c->last = m->lines_n;
}

/* ---- a body [R15 to R23, B15 to B31] ---- */

static void content(model *m, model_command *c, unsigned char octet) {
    if (m->body_n == MODEL_BODY) {
        m->beyond = 1;
        m->body_n = 0;
        return;
    }
    m->body[m->body_n++] = octet;
    c->end = m->body_n;
}

static void body_octet(model *m, model_command *c, unsigned char octet) {
    switch (m->dot) {
    case LINE_START:
        if (octet == '.') {
            m->dot = SEEN_DOT;
            return;
        }
        break;
    case SEEN_DOT:
        if (octet == '\r') {
            m->dot = SEEN_DOT_CR;
            return;
        }
        content(m, c, octet); /* the dot is gone [R16]; not even a second one starts a line */
        m->dot = INSIDE;
        return;
    case SEEN_DOT_CR:
        if (octet == '\n') {
            reply_complete(m, c);
            return;
        }
        content(m, c, '\r');
        m->dot = SEEN_CR;
        break;
    default: break;
    }
    content(m, c, octet);
    m->dot = octet == '\r' ? SEEN_CR : octet == '\n' && m->dot == SEEN_CR ? LINE_START : INSIDE;
}

/* ---- octets ---- */

/* An octet of a line. Returns 1 when the line is complete. */
static int line_octet(model *m, unsigned char octet, size_t limit) {
    if (m->raw_n == limit) {
        wrong(m, "a line that is too long [R1 B7]");
        return 0;
    }
    m->raw[m->raw_n++] = (char)octet;
    if (octet == 0) wrong(m, "NUL in a line [B9]");
    if (octet != '\n') return 0;
    if (m->raw_n >= 2 && m->raw[m->raw_n - 2] == '\r') return 1;
    wrong(m, "a bare LF [B13]");
    return 0;
}

/* Nothing that left before these octets came can have caused them [B28]. */
static void speaks_unasked(model *m) {
    doomed(m);
    m->at = UNASKED;
}

static void unasked_octet(model *m, unsigned char octet) {
    int whole = line_octet(m, octet, MODEL_LINE);
    size_t n = m->raw_n - (whole ? 2u : octet == '\r');
    if (m->wrong || (n == 0 && !whole)) return;
    if (status_of(m->raw, n, whole, 0) >= 0)
        wrong(m, "octets that nobody asked for");
    else if (whole)
        m->at = CLOSING;
}

static void hear_octet(model *m, unsigned char octet) {
    model_command *c = &m->commands[m->answer];
    if (m->at == BETWEEN) {
        m->raw_n = 0;
        if (m->answer == m->commands_n || c->out < c->len)
            speaks_unasked(m);
        else
            m->at = STATUS;
    }
    switch ((enum at)m->at) {
    case STATUS:
        if (line_octet(m, octet, is_challenged(c) ? MODEL_CHALLENGE : MODEL_LINE))
            status_line(m, c);
        else if (!m->wrong && !status_of(m->raw, m->raw_n - (octet == '\r'), 0, is_challenged(c)))
            doomed(m);
        break;
    case LINES:
        if (line_octet(m, octet, c->verb == M_LIST ? MODEL_LINE : MODEL_LONG_LINE))
            listing_line(m, c);
        break;
    case BODY: body_octet(m, c, octet); break;
    case UNASKED: unasked_octet(m, octet); break;
    case CLOSING: wrong(m, "octets after -ERR that nobody asked for"); break;
    default: break;
    }
}

void model_hear(model *m, const unsigned char *p, size_t n) {
    model_moved(m);
    for (size_t i = 0; i < n; i++)
        hear_octet(m, p[i]);
}
