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

static void say_body(server *s, uint32_t number, int headers) {
    static const char *const pieces[] = {
        "\r\n",  "\r\n",           ".",    "..",   "\n", "\r",    "x", "hello", "\n.\r\n", "\r.\r",
        "\r.\n", "Subject: a\r\n", "\377", ".\r.", " .", "ab\rc", ".b"};
    char last[2] = {'\r', '\n'};
    say_text(s, number % 2 ? "+OK\r\n" : "+OK here it is\r\n");
    for (uint32_t k = below(&s->c, one_in(&s->c, 5) ? 100 : headers ? 4 : 12); k; k--) {
        uint32_t which = below(&s->c, sizeof pieces / sizeof *pieces);
        int nul = one_in(&s->c, 200);
        const char *p = nul ? "\0" : pieces[which];
        size_t n = nul ? 1 : strlen(p);
        for (size_t i = 0; i < n; i++) {
            if (p[i] == '.' && last[0] == '\r' && last[1] == '\n') say(s, ".", 1);
            say(s, p + i, 1);
            last[0] = last[1];
            last[1] = p[i];
        }
    }
    if (last[0] != '\r' || last[1] != '\n') say(s, "\r\n", 2);
    say(s, ".\r\n", 3);
}

static void say_uid(server *s, uint32_t i) {
    if (s->uids == 1)
        say_text(s, "%u %u\r\n", i, i);
    else if (s->uids == 2 && one_in(&s->c, 3))
        say_text(s, one_in(&s->c, 2) ? "%u\r\n" : "%u  a b\351 \r\n", i);
    else if (s->uids == 2 && one_in(&s->c, 3))
        say_text(s, "%u %0*u\r\n", i, (int)(68 + below(&s->c, 5)), i);
    else
        say_text(s, "%u uid%u%s\r\n", i, i, one_in(&s->c, 9) ? "-longer-than-others" : "");
}

static void say_listing(server *s, int uidl) {
    say_text(s, "+OK\r\n");
    for (uint32_t i = 1; i <= s->count; i++) {
        if (one_in(&s->c, s->odd * 3)) continue;
        if (one_in(&s->c, 40)) say_text(s, "%u 7\r\n", one_in(&s->c, 2) ? s->count + 1 : 0);
        if (uidl)
            say_uid(s, i);
        else if (one_in(&s->c, 30))
            say_text(s, "%u -1\r\n", i);
        else
            say_text(s, one_in(&s->c, 9) ? "  %u  %u x\r\n" : "%u %u\r\n", i, below(&s->c, 300));
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

void server_begin(server *s, uint64_t seed) {
    memset(s, 0, offsetof(server, out));
    s->c.state = seed;
    s->odd = one_in(&s->c, 2) ? 0 : 3 + below(&s->c, 30);
    s->count = one_in(&s->c, 12) ? 0 : 1 + below(&s->c, 9);
    s->uids = (int)below(&s->c, 6);
    s->capa = !one_in(&s->c, 6);
    s->apop = one_in(&s->c, 3);
    s->uidl = !one_in(&s->c, 6);
    s->top = !one_in(&s->c, 6);
    s->pipelining = one_in(&s->c, 2);
    say_text(s, s->apop ? "+OK <1.2@host.example> hi\r\n" : "+OK hi\r\n");
    if (one_in(&s->c, s->odd * 4)) spoil(s, 0);
}

void server_answer(server *s, const char *line, size_t n) {
    model_command c;
    size_t at = s->out_n;
    model_read_command(line, n, &c);
    switch (c.verb) {
    case M_CAPA:
        if (s->capa)
            say_text(s, "+OK\r\n%s%s%sSASL PLAIN\r\n.\r\n", s->top ? "TOP\r\n" : "",
                     s->pipelining ? one_in(&s->c, 3) ? " pipelining x\r\n" : "PIPELINING\r\n" : "",
                     s->uidl ? "UIDL\r\n" : "");
        else
            say_text(s, "-ERR what\r\n");
        break;
    case M_STAT: say_text(s, "+OK %u %u\r\n", s->count, s->count * 100); break;
    case M_UIDL:
    case M_LIST:
        if (c.verb == M_UIDL && !s->uidl)
            say_text(s, "-ERR what\r\n");
        else if (c.number)
            say_text(s, "+OK %u %u\r\n", c.number, c.number + 40);
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
        if (s->exchange && one_in(&s->c, 3)) {
            say_text(s, "+ more\r\n");
            break;
        }
        /* fall through */
    case M_DELE: say_text(s, one_in(&s->c, 12) ? "-ERR locked\r\n" : "+OK\r\n"); break;
    case M_QUIT:
        say_text(s, one_in(&s->c, 10) ? "-ERR some not deleted\r\n" : "+OK bye\r\n");
        s->closes = 1;
        break;
    default: say_text(s, one_in(&s->c, 60) ? "-ERR no\r\n" : "+OK\r\n"); break;
    }
    if (one_in(&s->c, s->odd)) spoil(s, at);
}

void server_said(server *s, size_t n) {
    s->out_at += n;
    if (s->out_at == s->out_n) s->out_at = s->out_n = 0;
}
