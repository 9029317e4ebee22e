/* SPDX-License-Identifier: MIT */
/* test_shift - a server that offers PIPELINING, and loses a command, answers one twice, or drops
 * the rest of a burst. It does so at every command of a session. The connection ends soon after, or
 * it does not. The windows are 2, 8 and 8,192. From then on replies answer other commands. Whatever
 * happens, no message may be deleted that is not in the store under its own UID. The next session
 * has no such fault, and brings all that is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "world.h"

enum { WINDOW_MAX = 8192, SESSIONS_MAX = 6 };

static popcl_flight window[WINDOW_MAX];
static unsigned long runs, sessions;

/* ---- maildrops ---- */

typedef struct maildrop {
    const char *name;
    int like_replies; /* such a body is never believed if it was asked for ahead */
    const char *texts[9];
} maildrop;

static const maildrop maildrops[] = {
    {"all sizes differ",
     0,
     {"Subject: one\r\n\r\nbody\r\n", "Subject: two\r\n\r\n.\r\n..\r\n.x\r\n", "",
      "Subject: longer\r\n\r\n01234567890123456789012345678901234567890123456789\r\nx\r\n", "\r\n",
      "Subject: three\r\n\r\nbody of three\r\n", "S: x\r\n"}},
    {"all sizes are equal",
     0,
     {"Subject: a\r\n\r\nbody\r\n", "Subject: b\r\n\r\nbody\r\n", "Subject: c\r\n\r\nbody\r\n",
      "Subject: d\r\n\r\nbody\r\n", "Subject: e\r\n\r\nbody\r\n", "Subject: f\r\n\r\nbody\r\n",
      "Subject: g\r\n\r\nbody\r\n", "Subject: h\r\n\r\nbody\r\n"}},
    {"sizes come in pairs, and texts look like replies",
     1,
     {"+OK 1\r\n\r\n", "+OK 2\r\n\r\n", "+OK 7 77\r\n+OK\r\n", "-ERR 5 55\r\n+OK\r\n", "+OK a\r\n",
      "+OK b\r\n", "2 b\r\n", "1 a\r\n"}},
    {"many equal ones, which are asked for with their sizes", 0, {"a\r\n"}},
};
enum { MAILDROPS = sizeof maildrops / sizeof maildrops[0] };

static void fill(world *w, const maildrop *m) {
    static char many[20][4];
    char uid[8];
    w->server.count = 0;
    for (size_t i = 0; m->texts[1] && m->texts[i]; i++) {
        (void)snprintf(uid, sizeof uid, "%c-%u", (char)('a' + i), (unsigned)i + 1);
        sim_server_add(&w->server, uid, m->texts[i]);
    }
    for (unsigned i = 0; !m->texts[1] && i < 20; i++) {
        (void)snprintf(uid, sizeof uid, "u%u", 20 - i);
        (void)snprintf(many[i], sizeof many[i], "%c\r\n", (char)('a' + i));
        sim_server_add(&w->server, uid, many[i]);
    }
}

/* ---- cases ---- */

typedef struct shift_case {
    enum session_kind kind;
    int remembers, staging, need_size, capa_user;
    uint16_t window;
    int drips;
    const maildrop *maildrop;
    enum shift shift;
    uint32_t at, end_behind;
} shift_case;

static void begin(world *w, const shift_case *c) {
    world_init(w, c->kind, c->staging);
    fill(w, c->maildrop);
    w->ahead = window;
    w->ahead_len = c->window;
    w->drips = c->drips;
    w->remembers = c->remembers;
    w->need_size = c->need_size;
    w->server.capa_user = c->capa_user;
    w->compares = 1;
    w->may_shift = c->maildrop->like_replies ? 2 : 1;
    w->server.shift = c->shift;
    w->server.shift_command = c->at;
    w->server.end_behind = c->end_behind;
}

/* No session deletes what is not stored, and what is deleted has its own UID. */
static void check_deleted(world *w) {
    const sim_server *s = &w->server;
    for (uint32_t i = 0; i < s->count; i++) {
        const sim_message *m = &s->messages[i];
        if (m->gone && !world_is_durable(w, NULL, m->text))
            world_note(w, "%s is deleted, and lost", m->uid);
        if (m->gone && !world_is_durable(w, m->uid, m->text))
            world_note(w, "%s is deleted, and stored under another UID", m->uid);
        if (m->gone && w->kind != DELETE_FETCHED) world_note(w, "%s is deleted", m->uid);
    }
    sessions++;
}

static void check_case(const shift_case *c, const world *w) {
    static const char *const kinds[] = {"keep", "delete", "new-only"};
    static const char *const shifts[] = {"is lost", "is answered twice", "is lost with its burst",
                                         "is the last that is heard of a burst"};
    runs++;
    if (w->fault[0])
        fail_msg("%s%s%s%s%s, window %u%s, %s: command %lu %s, end %lu behind: %s",
                 c->staging ? "staging " : "", kinds[c->kind], c->remembers ? ", remembers" : "",
                 c->need_size ? ", LIST" : "", c->capa_user ? ", USER with PASS" : "", c->window,
                 c->drips ? ", octet by octet" : "", c->maildrop->name, (unsigned long)c->at,
                 shifts[c->shift], (unsigned long)c->end_behind, w->fault);
}

static uint32_t commands_of_a_clean_session(const shift_case *c) {
    static world w;
    begin(&w, c);
    w.server.shift_command = 0;
    popcl_err result = world_session(&w);
    int like_replies = c->maildrop->like_replies;
    if (result != POPCL_OK && !(like_replies && result == POPCL_ERR_REPLIES))
        world_note(&w, "clean: %s", popcl_err_name(result));
    if ((w.diag.unsure || w.diag.shifted) != like_replies)
        world_note(&w, "a clean session is unsure, or one that cannot be sure is");
    if (!w.diag.ahead) world_note(&w, "nothing is sent ahead");
    check_deleted(&w);
    world_free(&w);
    check_case(c, &w);
    return w.server.commands_most;
}

static void one_shift(const shift_case *c) {
    static world w;
    begin(&w, c);
    world_session(&w);
    check_deleted(&w);
    w.server.shift_command = w.server.end_behind = 0;
    w.server.shift = LOSE;
    world_recover(&w);
    check_deleted(&w);
    world_free(&w);
    check_case(c, &w);
}

static void at_every_command(shift_case *c) {
    uint32_t commands = commands_of_a_clean_session(c);
    for (int shift = LOSE; shift <= DROP_BURST; shift++) {
        for (c->at = 1; c->at <= commands; c->at++) {
            c->shift = (enum shift)shift;
            for (c->end_behind = 0; c->end_behind <= (c->drips ? 0u : 3u); c->end_behind++)
                one_shift(c);
        }
    }
    c->at = c->end_behind = 0;
    c->shift = LOSE;
}

/* Calls f with every kind of session, way to keep mail, and maildrop. */
static void in_every_session(void (*f)(shift_case *c), uint16_t window_len, int drips) {
    for (unsigned n = 0; n < 16; n++) {
        int kind = (int)(n & 3);
        for (size_t m = 0; m < MAILDROPS; m++) {
            shift_case c = {.kind = kind == KINDS ? DELETE_FETCHED : (enum session_kind)kind,
                            .remembers = kind == KINDS,
                            .staging = n >> 2 & 1,
                            .capa_user = n >> 2 & 1,
                            .need_size = n >> 3 & 1,
                            .window = window_len,
                            .drips = drips,
                            .maildrop = &maildrops[m]};
            f(&c);
        }
    }
}

static void replies_shift_in_a_window_of_2(void **state) {
    (void)state;
    in_every_session(at_every_command, 2, 0);
}

static void replies_shift_in_a_window_of_8(void **state) {
    (void)state;
    in_every_session(at_every_command, 8, 0);
}

static void replies_shift_in_a_window_of_8192(void **state) {
    (void)state;
    in_every_session(at_every_command, WINDOW_MAX, 0);
}

/* A reply that came twice is then not seen before the next commands leave, and costs the most. */
static void replies_shift_octet_by_octet(void **state) {
    (void)state;
    in_every_session(at_every_command, 8, 1);
}

/* A server that hears only the first command of what comes at once, in every session: the second
 * session brings all. */
static void drop_every_burst(shift_case *c) {
    static world w;
    int n = 0;
    c->shift = DROP_BURSTS;
    begin(&w, c);
    popcl_err result;
    do {
        result = world_session(&w);
        check_deleted(&w);
    } while (result != POPCL_OK && ++n < SESSIONS_MAX);
    if (n > 1) world_note(&w, "%d sessions, the last with %s", n + 1, popcl_err_name(result));
    for (uint32_t i = 0; i < w.server.count; i++) {
        const sim_message *m = &w.server.messages[i];
        if (!world_is_durable(&w, m->uid, m->text)) world_note(&w, "%s is missing", m->uid);
    }
    world_free(&w);
    check_case(c, &w);
}

static void every_burst_is_dropped(void **state) {
    static const uint16_t lens[] = {2, 8, WINDOW_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++)
        in_every_session(drop_every_burst, lens[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_shift_in_a_window_of_2),
        cmocka_unit_test(replies_shift_in_a_window_of_8),
        cmocka_unit_test(replies_shift_in_a_window_of_8192),
        cmocka_unit_test(replies_shift_octet_by_octet),
        cmocka_unit_test(every_burst_is_dropped),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %lu servers, %lu sessions\n", runs, sessions);
    return failed;
}
