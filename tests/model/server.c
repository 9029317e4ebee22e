/* SPDX-License-Identifier: MIT */
/* server - what a POP3 server says, at random: as a good one would, or in one of the ways in which
 * replies break. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "server.h"

static void say(server *s, const void *p, size_t n) {
    if (n > SERVER_OUT_MAX - s->out_n) n = SERVER_OUT_MAX - s->out_n;
    memcpy(s->out + s->out_n, p, n);
    s->out_n += n;
}

static void say_text(server *s, const char *format, ...) {
    char text[600];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    say(s, text, (size_t)n);
}

/* ---- its mail: the same each time that it is asked for ---- */

static chance chance_of(const server *s, uint32_t number, uint32_t what) {
    chance c = {.state = s->seed ^ ((uint64_t)number << 32 | what)};
    return c;
}

uint64_t digest_of(uint64_t before, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        before = (before ^ p[i]) * 0x100000001B3u + 1;
    return before;
}

/* Puts a message, or its header, into p without doubled dots. Returns the octets. */
static size_t make_body(const server *s, uint32_t number, int headers, unsigned char *p) {
    static const char *const pieces[] = {
        "\r\n",  "\r\n",           ".",    "..",   "\n", "\r",    "x", "hello", "\n.\r\n", "\r.\r",
        "\r.\n", "Subject: a\r\n", "\377", ".\r.", " .", "ab\rc", ".b"};
    chance c = chance_of(s, number, headers ? 1 : 2);
    size_t n = 0;
    if (s->sizes == ALL_EQUAL) {
        n = (size_t)sprintf((char *)p, "message %03u\r\n", (unsigned)number);
        for (uint32_t k = 1 + (uint32_t)(s->seed % 9); k; k--, n += 7)
            memcpy(p + n, "a line\n", 7), p[n + 5] = '\r';
        return n;
    }
    if (!one_in(&c, 4))
        n = (size_t)sprintf((char *)p, "%u%c", (unsigned)number, headers ? 'h' : 'm');
    for (uint32_t k = below(&c, one_in(&c, 5) ? 100 : headers ? 4 : 12); k; k--) {
        uint32_t which = below(&c, sizeof pieces / sizeof *pieces);
        size_t len = strlen(pieces[which]);
        memcpy(p + n, pieces[which], len);
        if (one_in(&c, 200)) p[n] = 0;
        n += len;
    }
    if (n && (n < 2 || memcmp(p + n - 2, "\r\n", 2) != 0)) memcpy(p + n, "\r\n", 2), n += 2;
    return n;
}

static void say_body(server *s, uint32_t number, int headers) {
    unsigned char body[2000];
    char last[2] = {'\r', '\n'};
    size_t n = make_body(s, number, headers, body);
    say_text(s, number % 2 ? "+OK\r\n" : "+OK here it is\r\n");
    for (size_t i = 0; i < n; i++) {
        if (body[i] == '.' && last[0] == '\r' && last[1] == '\n') say(s, ".", 1);
        say(s, body + i, 1);
        last[0] = last[1];
        last[1] = (char)body[i];
    }
    say(s, ".\r\n", 3);
}

uint64_t server_digest(server *s, uint32_t number) {
    unsigned char body[2000];
    return digest_of(0, body, make_body(s, number, 0, body));
}

/* Its size in LIST. */
static uint32_t size_of(const server *s, uint32_t number) {
    unsigned char body[2000];
    chance c = chance_of(s, number, 3);
    uint32_t n = (uint32_t)make_body(s, number, 0, body), lines = 0;
    for (uint32_t i = 0; i < n; i++)
        lines += body[i] == '\n';
    switch (s->sizes) {
    case WITHOUT_LAST_END: return n > 2 && one_in(&c, 2) ? n - 2 : n;
    case ONE_OCTET: return n - lines;
    case THREE_OCTETS: return n + lines;
    case LIES: return one_in(&c, 3) ? below(&c, 300) : n;
    case HUGE: return one_in(&c, 2) ? below(&c, 1500000) : n;
    default: return n;
    }
}

void server_uid(const server *s, uint32_t number, char uid[SERVER_UID]) {
    chance c = chance_of(s, number, 4);
    unsigned n = (unsigned)number;
    if (s->uids == 1)
        sprintf(uid, "%u", n);
    else if (s->uids == 2 && one_in(&c, 3))
        strcpy(uid, one_in(&c, 2) ? "" : " a b\351 ");
    else if (s->uids == 2 && one_in(&c, 3))
        sprintf(uid, "%0*u", (int)(68 + below(&c, 5)), n);
    else
        sprintf(uid, "uid%u%s", n, one_in(&c, 9) ? "-longer-than-others" : "");
}

/* ---- its replies ---- */

static void say_listing(server *s, int uidl) {
    say_text(s, "+OK\r\n");
    for (uint32_t i = 1; i <= s->count; i++) {
        if (one_in(&s->c, s->odd * 3)) continue;
        if (one_in(&s->c, 40)) say_text(s, "%u 7\r\n", one_in(&s->c, 2) ? s->count + 1 : 0);
        if (uidl) {
            char uid[SERVER_UID];
            server_uid(s, i, uid);
            say_text(s, *uid ? "%u %s\r\n" : "%u\r\n", (unsigned)i, uid);
        } else if (one_in(&s->c, 30)) {
            say_text(s, "%u -1\r\n", i);
        } else {
            say_text(s, one_in(&s->c, 9) ? "  %u  %u x\r\n" : "%u %u\r\n", i, size_of(s, i));
        }
    }
    say(s, ".\r\n", 3);
}

static void insert(server *s, size_t at, const char *p, size_t n) {
    if (s->out_n + n > SERVER_OUT_MAX) return;
    memmove(s->out + at + n, s->out + at, s->out_n - at);
    memcpy(s->out + at, p, n);
    s->out_n += n;
}

/* Breaks what was said from `at` on. */
static void spoil(server *s, size_t at) {
    static const char *const extra[] = {"+OK\r\n",
                                        "-ERR\r\n",
                                        ".\r\n",
                                        "\r\n",
                                        "\n",
                                        "\r",
                                        "\r\n.\r\n",
                                        "-ERR [SYS/TEMP] x\r\n",
                                        "+OK 3 300\r\n",
                                        "1 1\r\n",
                                        "+ \r\n",
                                        "-ERR [IN-USE] y\r\n",
                                        "-ERR a\r\n-ERR b\r\n",
                                        "3 uid\r\n",
                                        ".",
                                        "+OK \r\n.\r\n"};
    size_t n = s->out_n - at, i = at + below(&s->c, (uint32_t)(n ? n : 1));
    switch (below(&s->c, 9)) {
    case 0:
        if (n) s->out[i] = (unsigned char)below(&s->c, 256);
        break;
    case 1:
        s->out_n = i;
        s->closes |= one_in(&s->c, 2);
        break;
    case 2:
    case 3: {
        const char *e = extra[below(&s->c, sizeof extra / sizeof *extra)];
        insert(s, one_in(&s->c, 2) ? i : s->out_n, e, strlen(e));
        s->closes |= one_in(&s->c, 4);
        break;
    }
    case 4:
    case 5:
        s->out_n = at;
        say_text(s, "-ERR %s\r\n",
                 one_in(&s->c, 3)   ? "[SYS/TEMP] later"
                 : one_in(&s->c, 2) ? "no"
                                    : "[AUTH]");
        break;
    case 6: /* a long line */
        for (uint32_t k = below(&s->c, 700); k; k--)
            insert(s, i, one_in(&s->c, 300) ? "\r\n" : "yy", 2);
        break;
    case 7: /* a line is lost */ s->out_n = at; break;
    default: /* two octets change places */
        if (n > 1) {
            unsigned char *p = s->out + at + below(&s->c, (uint32_t)n - 1), t = p[0];
            p[0] = p[1];
            p[1] = t;
        }
        break;
    }
}

void server_begin(server *s, uint64_t seed, int many) {
    memset(s, 0, offsetof(server, in));
    s->c.state = seed;
    s->seed = seed * 2 + 1;
    s->odd = one_in(&s->c, 2) ? 0 : 3 + below(&s->c, 30);
    s->count = one_in(&s->c, 12) ? 0 : 1 + below(&s->c, one_in(&s->c, 25) ? SERVER_MAIL : 9);
    s->uids = (int)below(&s->c, 6);
    s->capa = !one_in(&s->c, 6);
    s->apop = one_in(&s->c, 3);
    s->uidl = !one_in(&s->c, 6);
    s->top = !one_in(&s->c, 6);
    s->pipelining = one_in(&s->c, 2);
    s->late = one_in(&s->c, 4);
    s->user = !one_in(&s->c, 3);
    s->stls = one_in(&s->c, 3);
    s->sizes = one_in(&s->c, 2) ? EXACT : (int)below(&s->c, SIZES);
    if (!s->odd && one_in(&s->c, 2)) {
        s->trouble = (int)below(&s->c, TROUBLES);
        s->until = below(&s->c, 8 + 2 * s->count);
    }
    if (many) {
        s->count = 100 + below(&s->c, SERVER_MAIL - 100);
        s->capa = s->pipelining = 1;
    }
    say_text(s, s->apop ? "+OK <1.2@host.example> hi\r\n" : "+OK hi\r\n");
    if (one_in(&s->c, s->odd * 4)) spoil(s, 0);
}

static void say_capa(server *s) {
    say_text(s, "+OK\r\n%s%s%s%s%sSASL PLAIN\r\n.\r\n", s->top ? "TOP\r\n" : "",
             !s->pipelining || (s->late && !s->logged_in) ? ""
             : one_in(&s->c, 3)                           ? " pipelining x\r\n"
                                                          : "PIPELINING\r\n",
             s->uidl ? "UIDL\r\n" : "", s->user ? "USER\r\n" : "", s->stls ? "STLS\r\n" : "");
}

static void say_status(server *s, uint32_t odds, const char *ok, const char *err) {
    say_text(s, "%s\r\n", one_in(&s->c, odds) ? err : ok);
}

static void answer(server *s, const char *line, size_t n) {
    model_command c;
    model_read_command(line, n, &c);
    uint32_t number = c.number <= s->count ? c.number : 0;
    switch (c.verb) {
    case M_CAPA:
        if (s->capa)
            say_capa(s);
        else
            say_text(s, "-ERR what\r\n");
        break;
    case M_STAT: {
        uint32_t left = s->count;
        for (uint32_t i = 1; i <= s->count; i++)
            left -= s->marked[i];
        say_text(s, one_in(&s->c, 9) ? "+OK %u %u octets\r\n" : "+OK %u %u\r\n", (unsigned)left,
                 (unsigned)left * 100);
        break;
    }
    case M_UIDL:
    case M_LIST:
        if (c.verb == M_UIDL && !s->uidl)
            say_text(s, "-ERR what\r\n");
        else if (c.number)
            say_text(s, one_in(&s->c, 30) ? "-ERR no\r\n" : "+OK %u %u\r\n", (unsigned)c.number,
                     (unsigned)(number ? size_of(s, number) : 40));
        else
            say_listing(s, c.verb == M_UIDL);
        break;
    case M_RETR:
    case M_TOP:
        if (c.verb == M_TOP ? s->top && !one_in(&s->c, 30) : !one_in(&s->c, 20))
            say_body(s, c.number, c.verb == M_TOP);
        else
            say_text(s, "-ERR what\r\n");
        break;
    case M_AUTH:
        say_text(s, one_in(&s->c, s->odd) ? "- no\r\n"
                    : one_in(&s->c, 5)    ? "-ERR no\r\n"
                    : one_in(&s->c, 4)    ? "+OK\r\n"
                    : one_in(&s->c, 3)    ? "+\r\n"
                    : one_in(&s->c, 2)    ? "+ \r\n"
                                          : "+ Y2hhbGxlbmdl\r\n");
        s->exchange = 1;
        break;
    case M_VERBS:
        if (s->exchange && one_in(&s->c, 3))
            say_text(s, "+ more\r\n");
        else
            say_status(s, 12, "+OK", "-ERR locked");
        s->logged_in = 1;
        break;
    case M_DELE:
        if (one_in(&s->c, 12)) {
            say_text(s, "-ERR locked\r\n");
        } else {
            say_text(s, "+OK\r\n");
            s->marked[number] = number > 0;
        }
        break;
    case M_QUIT:
        if (!one_in(&s->c, 10)) s->quit = 1;
        say_text(s, s->quit ? "+OK bye\r\n" : "-ERR some not deleted\r\n");
        s->closes = 1;
        break;
    case M_RSET:
        memset(s->marked, 0, sizeof s->marked);
        /* fall through */
    default:
        say_status(s, 60, "+OK", "-ERR no");
        if (c.verb == M_PASS || c.verb == M_APOP) s->logged_in = 1;
        break;
    }
}

/* ---- its input ---- */

void server_takes(server *s, const unsigned char *p, size_t n) {
    if (n > SERVER_IN_MAX - s->in_n) n = SERVER_IN_MAX - s->in_n;
    memcpy(s->in + s->in_n, p, n);
    s->in_n += n;
}

static void forget(server *s, size_t n) {
    s->in_n -= n;
    memmove(s->in, s->in + n, s->in_n);
}

int server_serve(server *s) {
    const char *end = memchr(s->in, '\n', s->in_n);
    size_t at = s->out_n, n = end ? (size_t)(end - s->in) + 1 : 0;
    if (!end) return 0;
    int trouble = s->trouble && s->until-- == 0 ? s->trouble : NOTHING;
    if (trouble) {
        s->happened = trouble;
        s->trouble = NOTHING;
        s->closes |= one_in(&s->c, 6);
    }
    if (trouble == DROPS_BURST) {
        s->in_n = 0;
    } else if (trouble != LOSES_ONE) {
        answer(s, s->in, n - 1 - (n > 1));
        forget(s, n);
        if (trouble == DOUBLES_ONE && s->out_n - at <= SERVER_OUT_MAX - s->out_n) {
            memcpy(s->out + s->out_n, s->out + at, s->out_n - at);
            s->out_n += s->out_n - at;
        }
        if (one_in(&s->c, s->odd)) spoil(s, at);
    } else {
        forget(s, n);
    }
    return 1;
}

void server_said(server *s, size_t n) {
    s->out_at += n;
    if (s->out_at == s->out_n) s->out_at = s->out_n = 0;
}
