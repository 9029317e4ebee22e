/* SPDX-License-Identifier: MIT */
/* test_calls - the table of calls.def, row by row: each call in each state, each call inside each
 * callback of a sequence and of a job, and the callbacks that each call may call. [K15] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hand.h"
#include "server.h"

enum call {
#define CALL(name, states, trace, event, closed, job, back) DO_##name,
#include "calls.def"
    CALLS
};

enum query {
#define CALL(name, states, trace, event, closed, job, back)
#define QUERY(name) ASK_##name,
#include "calls.def"
    QUERIES
};

typedef struct row {
    const char *name, *states;
    char in_trace, in_event, in_closed, in_job;
    const char *back;
} row;

static const row rows[CALLS] = {
#define CALL(name, states, trace, event, closed, job, back)                                        \
    [DO_##name] = {#name, states, trace, event, closed, job, back},
#include "calls.def"
};

enum state {
    ZEROED,
    REFUSED,
    CONNECTING,
    GREETING,
    IDLE,
    IN_FLIGHT,
    LISTING,
    IN_A_BODY,
    PAUSED,
    SETTLING,
    OVER,
    WIPED,
    STATES
};

static const char *const state_names[STATES] = {
    [ZEROED] = "zeroed",     [REFUSED] = "refused",  [CONNECTING] = "connecting",
    [GREETING] = "greeting", [IDLE] = "idle",        [IN_FLIGHT] = "in flight",
    [LISTING] = "a listing", [IN_A_BODY] = "a body", [PAUSED] = "paused",
    [SETTLING] = "settling", [OVER] = "done",        [WIPED] = "wiped",
};

static hand h;
static sim_server server;

/* ---- the calls ---- */

static popcl_err returned;

static void acknowledge(enum call call) {
    size_t n = 0;
    if (call == DO_send_ack || call == DO_send_ack_more) {
        popcl_send_buf(h.s, &n);
        popcl_send_ack(h.s, call == DO_send_ack ? 1 : n + 1);
    } else {
        unsigned char *p = popcl_recv_buf(h.s, &n);
        if (n) *p = '-'; /* of an -ERR, or of a listing or a body */
        popcl_recv_ack(h.s, call == DO_recv_ack ? 1 : n + 1);
    }
}

static void make_call(enum call call) {
    uint16_t port;
    uint32_t limit_ms;
    popcl_command capa = {.verb = POPCL_CAPA};
    switch (call) {
    case DO_connect: (void)popcl_connect(h.s, 1, &port, &limit_ms); break;
    case DO_connected: popcl_connected(h.s, 1); break;
    case DO_connected_secured: popcl_connected_secured(h.s, 1, NULL); break;
    case DO_send_ack:
    case DO_send_ack_more:
    case DO_recv_ack:
    case DO_recv_ack_more: acknowledge(call); break;
    case DO_send_failed: popcl_send_failed(h.s); break;
    case DO_recv_eof: popcl_recv_eof(h.s); break;
    case DO_tick: popcl_tick(h.s, 1); break;
    case DO_resume: popcl_resume(h.s); break;
    case DO_stop:
    case DO_stop_at_once: popcl_stop(h.s); break;
    case DO_fail: popcl_fail(h.s, POPCL_ERR_NET, 5); break;
    case DO_wipe:
        if (h.s == &h.sequence)
            popcl_wipe(h.s);
        else
            popcl_fetch_wipe(&h.job);
        break;
    case DO_submit: returned = popcl_submit(h.s, &capa, 77); break;
    case CALLS: break;
    }
}

static void make_query(enum query query) {
    popcl_diag d;
    size_t n;
    switch (query) {
    case ASK_state: (void)popcl_state(h.s); break;
    case ASK_send_buf: (void)popcl_send_buf(h.s, &n); break;
    case ASK_recv_buf: (void)popcl_recv_buf(h.s, &n); break;
    case ASK_next_deadline: assert_true(popcl_next_deadline(h.s) <= POPCL_MS_MAX); break;
    case ASK_result: (void)popcl_result(h.s); break;
    case ASK_bad_field: assert_non_null(popcl_bad_field(h.s)); break;
    case ASK_can_submit: (void)popcl_can_submit(h.s); break;
    case ASK_in_flight: (void)popcl_in_flight(h.s); break;
    case ASK_last_reply: assert_non_null(popcl_last_reply(h.s)); break;
    case ASK_last_verb: (void)popcl_last_verb(h.s); break;
    case ASK_capabilities: assert_non_null(popcl_capabilities(h.s)); break;
    case ASK_net_code: (void)popcl_net_code(h.s); break;
    case ASK_state_name: assert_non_null(popcl_state_name(h.s)); break;
    case ASK_wants_secured: assert_int_equal(popcl_wants_secured(h.s), 0); break;
    case ASK_get_diag:
        if (h.s != &h.sequence) popcl_fetch_get_diag(&h.job, &d);
        break;
    case QUERIES: break;
    }
}

/* ---- each call in each state ---- */

static void reach(enum state state) {
    hand_init(&h, 1);
    if (state == ZEROED) return;
    if (state == REFUSED) h.cfg.session.iobuf_len = 10;
    if (state <= CONNECTING) {
        (void)popcl_start(h.s, &h.cfg.session, &h.events, &h, 0);
        return;
    }
    hand_sequence(&h);
    if (state == GREETING) return;
    hand_login(&h);
    switch (state) {
    case IN_FLIGHT:
        h.hold = 1;
        (void)hand_submit(&h, POPCL_NOOP, 0, 9);
        break;
    case LISTING:
        (void)hand_submit(&h, POPCL_LIST, 0, 9);
        hand_say(&h, "+OK\r\n1 100\r\n2 10");
        break;
    case IN_A_BODY:
        (void)hand_submit(&h, POPCL_RETR, 1, 9);
        hand_say(&h, "+OK\r\nab");
        break;
    case PAUSED:
        h.answer[IN_DONE] = POPCL_PAUSED_SINK;
        h.times[IN_DONE] = 1;
        (void)hand_submit(&h, POPCL_NOOP, 0, 9);
        hand_say(&h, "+OK\r\n");
        break;
    case SETTLING:
        h.answer[IN_CLOSED] = POPCL_PAUSED_SYNC;
        h.times[IN_CLOSED] = 1000;
        popcl_fail(h.s, POPCL_ERR_STOPPED, 0);
        break;
    case OVER: popcl_fail(h.s, POPCL_ERR_STOPPED, 0); break;
    case WIPED: popcl_wipe(h.s); break;
    default: break;
    }
}

/* All that an owner or a driver can see of a session. */
typedef struct view {
    unsigned state, in_flight, count[PLACES];
    popcl_err result;
    int net_code, can_submit;
    uint32_t deadline;
    const char *name;
    size_t waits, room;
} view;

static view look(void) {
    view v;
    memset(&v, 0, sizeof v);
    v.state = popcl_state(h.s);
    v.in_flight = popcl_in_flight(h.s);
    memcpy(v.count, h.count, sizeof v.count);
    v.result = popcl_result(h.s);
    v.net_code = popcl_net_code(h.s);
    v.can_submit = popcl_can_submit(h.s);
    v.deadline = popcl_next_deadline(h.s);
    v.name = popcl_state_name(h.s);
    (void)popcl_send_buf(h.s, &v.waits);
    (void)popcl_recv_buf(h.s, &v.room);
    return v;
}

static popcl_err error_of(char answer) {
    switch (answer) {
    case 'p': return POPCL_ERR_PORT;
    case 'n': return POPCL_ERR_NET;
    case 'g': return POPCL_ERR_CLOSED_GREETING;
    case 'c': return POPCL_ERR_CLOSED;
    case 'm': return POPCL_ERR_CLOSED_MESSAGE;
    case 's': return POPCL_ERR_STOPPED;
    case 'R': return POPCL_ERR_REENTRANT;
    default: return POPCL_OK;
    }
}

static const char *odd_answer(char answer, const view *before) {
    view after = look();
    int same = memcmp(before, &after, sizeof after) == 0, over = after.state == POPCL_DONE;
    popcl_err ends = error_of(answer);
    if (answer == '-') return same ? NULL : "it is not ignored";
    if (answer == '+') return over ? "it ends the session" : same ? "it does nothing" : NULL;
    if (answer == '0')
        return over && after.result == POPCL_ERR_STATE ? NULL : "the session is not zeroed";
    if (answer == 'S' || answer == 'W') {
        popcl_err wanted = answer == 'S' ? POPCL_ERR_STATE : POPCL_ERR_WOULD_BLOCK;
        return returned != wanted ? popcl_err_name(returned) : same ? NULL : "it is not ignored";
    }
    if (!ends) return "the table has an answer that is none";
    if (!over) return "the session goes on";
    return after.result == ends ? NULL : popcl_err_name(after.result);
}

/* What works without a trace at once: a tick of no time, the port's question for a host, and the
 * news of a transport that failed or ended, while nothing waits or all does. */
static int is_unseen(enum call call, enum state state) {
    return call == DO_tick || call == DO_connect || call == DO_send_failed ||
           (call == DO_recv_eof && state == PAUSED);
}

/* [K3 K15] */
static void each_call_in_each_state(void **unused) {
    (void)unused;
    for (int call = 0; call < CALLS; call++) {
        assert_int_equal(strlen(rows[call].states), STATES);
        for (int state = 0; state < STATES; state++) {
            reach((enum state)state);
            if (call == DO_stop_at_once) h.events.stop = NULL;
            view before = look();
            returned = POPCL_OK;
            make_call((enum call)call);
            char answer = rows[call].states[state];
            int unseen = answer == '+' && is_unseen((enum call)call, (enum state)state);
            const char *odd = unseen ? NULL : odd_answer(answer, &before);
            if (unseen && popcl_state(h.s) == POPCL_DONE) odd = "it ends the session";
            if (odd) fail_msg("%s, %s: %s", rows[call].name, state_names[state], odd);
            if (h.count[IN_CLOSED] > 1 && state != SETTLING)
                fail_msg("%s, %s: closed twice", rows[call].name, state_names[state]);
            hand_end(&h);
        }
    }
}

static void each_query_in_each_state(void **unused) {
    static hand before;
    (void)unused;
    for (int query = 0; query < QUERIES; query++) {
        for (int state = 0; state < STATES; state++) {
            reach((enum state)state);
            before = h;
            make_query((enum query)query);
            assert_memory_equal(&before, &h, sizeof h);
            hand_end(&h);
        }
    }
}

/* ---- each call inside each callback ---- */

static enum call inside_call;
static enum query inside_query; /* QUERIES: a call instead */
static enum place inside_place;
static int armed, failed_before; /* the first result stays */
static unsigned step, window;

static void here(hand *of, enum place place) {
    if (!armed || place != inside_place) return;
    /* the greeting's text comes before a command is allowed */
    if (place == IN_TEXT && inside_call == DO_submit && !of->count[IN_DONE]) return;
    armed = 0;
    failed_before = of->count[IN_ABORT] != 0;
    returned = POPCL_OK;
    if (inside_query < QUERIES)
        make_query(inside_query);
    else
        make_call(inside_call);
}

/* A sequence that has all events. */
static void next_command(hand *of, enum place place) {
    static const popcl_verb verbs[] = {POPCL_USER, POPCL_PASS, POPCL_STAT,
                                       POPCL_LIST, POPCL_RETR, POPCL_QUIT};
    here(of, place);
    if (place != IN_READY || popcl_in_flight(of->s) || step == sizeof verbs / sizeof *verbs) return;
    if (hand_submit(of, verbs[step], verbs[step] == POPCL_RETR, step + 1) == POPCL_OK) step++;
}

/* A job of which the first message is staged, and the second one fails. */
static void first_message_alone(hand *of, enum place place) {
    here(of, place);
    if (place == IN_COMMIT) of->answer[IN_DATA] = -1, of->times[IN_DATA] = 1;
}

static int move(void) {
    char octets[400];
    size_t n, room;
    const unsigned char *p = popcl_send_buf(h.s, &n);
    size_t sent = n;
    if (n) {
        sim_server_take(&server, p, n);
        hand_send_all(&h);
    }
    (void)popcl_recv_buf(h.s, &room);
    if (room > sizeof octets) room = sizeof octets;
    n = room ? sim_server_give(&server, octets, room) : 0;
    if (n) hand_say_n(&h, octets, n);
    return sent || n;
}

static void converse(int job) {
    sim_server_init(&server);
    sim_server_add(&server, "a", "one\r\n");
    sim_server_add(&server, "b", "two\r\n");
    sim_server_connect(&server);
    hand_init(&h, window);
    h.hold = 1;
    h.cfg.session.total_ms = 40000;
    h.cfg.group_messages = 1;
    h.inside = job ? first_message_alone : next_command;
    if (inside_call == DO_stop_at_once && inside_query == QUERIES) h.events.stop = NULL;
    step = 0;
    armed = 1;
    if (job) {
        h.answer[IN_COMMIT] = POPCL_STAGED;
        h.times[IN_COMMIT] = 1;
        hand_job(&h);
    } else {
        hand_sequence(&h);
    }
    for (int i = 0; i < 1000 && popcl_state(h.s) != POPCL_DONE && move(); i++) {
        if (job || step < 3 || h.count[IN_LATE]) continue;
        if (h.events.stop) popcl_stop(h.s);
        if (popcl_state(h.s) != POPCL_DONE) popcl_tick(h.s, 31000);
    }
    if (popcl_state(h.s) != POPCL_DONE) popcl_fail(h.s, POPCL_ERR_NET, 0);
}

static void end_of_talk(void) {
    hand_end(&h);
    sim_server_free(&server);
}

/* What the conversation comes to if nothing goes wrong. */
static char seen_without[sizeof h.seen];
static popcl_err result_without[2] = {POPCL_OK, POPCL_ERR_SINK};

static char answer_inside(const row *r, enum place place, int job) {
    if (inside_query < QUERIES) return '-';
    if (job) return r->in_job;
    if (place <= IN_RELEASE) return r->in_trace;
    return place == IN_CLOSED ? r->in_closed : r->in_event;
}

static const char *odd_talk(char answer, int job) {
    popcl_err result = popcl_result(h.s), ends = error_of(answer);
    if (armed) return "it was not reached";
    if (popcl_state(h.s) != POPCL_DONE) return "the session goes on";
    if (!job && h.count[IN_CLOSED] != 1) return "closed comes not once";
    if (job && h.count[IN_BEGIN] != h.count[IN_COMMIT] + h.count[IN_ABORT])
        return "a message has no end";
    if (h.count[IN_GET] && h.count[IN_RELEASE] != 1) return "the secret is not released once";
    if (ends) {
        if (answer == 'R' && inside_call == DO_submit && returned != POPCL_ERR_REENTRANT)
            return "submit returns something else";
        return result == (failed_before ? POPCL_ERR_SINK : ends) ? NULL : popcl_err_name(result);
    }
    if (answer == 'S' && returned != POPCL_ERR_STATE) return popcl_err_name(returned);
    if (answer == '+' && returned != POPCL_OK && returned != POPCL_ERR_WOULD_BLOCK)
        return popcl_err_name(returned);
    if (answer == '+' && returned == POPCL_OK)
        return strstr(h.seen, "done 77 ") ? NULL : "no reply";
    if (result != result_without[job]) return popcl_err_name(result);
    return strcmp(h.seen, seen_without) ? "something else was seen" : NULL;
}

static void inside(int job, enum place place, int call, int query) {
    inside_call = (enum call)call;
    inside_query = (enum query)query;
    inside_place = place;
    converse(job);
    const row *r = &rows[call];
    const char *odd = odd_talk(answer_inside(r, place, job), job);
    if (odd)
        fail_msg("%s %d inside %s, job %d: %s", query < QUERIES ? "query" : r->name, query,
                 hand_place_names[place], job, odd);
    end_of_talk();
}

static void inside_all_of(int job, enum place from, enum place to) {
    inside_query = QUERIES;
    inside_call = CALLS;
    inside_place = PLACES;
    converse(job);
    memcpy(seen_without, h.seen, sizeof seen_without);
    assert_int_equal(popcl_result(h.s), result_without[job]);
    end_of_talk();
    for (int place = 0; place < PLACES; place++) {
        if (place > IN_RELEASE && (place < (int)from || place > (int)to)) continue;
        for (int call = 0; call < CALLS; call++) {
            /* without a stop event there is none to be inside of */
            if (call == DO_stop_at_once && (job || place == IN_STOP)) continue;
            inside(job, (enum place)place, call, QUERIES);
        }
        for (int query = 0; query < QUERIES; query++)
            inside(job, (enum place)place, 0, query);
    }
}

static void inside_everything(int job, enum place from, enum place to) {
    static const unsigned windows[] = {1, 2, HAND_WINDOW, HAND_WINDOW_MAX};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        window = windows[i];
        inside_all_of(job, from, to);
    }
}

/* [K2 K15] */
static void each_call_in_each_callback_of_a_sequence(void **unused) {
    (void)unused;
    inside_everything(0, IN_TEXT, IN_CLOSED);
}

/* [K2 K15] */
static void each_call_in_each_callback_of_a_job(void **unused) {
    (void)unused;
    inside_everything(1, IN_BEGIN, IN_FATE);
}

/* [K2 K15] closed comes again while a session settles, and for the last time when it is wiped: the
 * same calls are ignored there. */
static void each_call_in_a_closed_that_comes_again(void **unused) {
    (void)unused;
    inside_query = QUERIES;
    inside_place = IN_CLOSED;
    for (int call = 0; call < CALLS; call++) {
        for (int wiped = 0; wiped < 2; wiped++) {
            reach(wiped ? IN_A_BODY : SETTLING);
            inside_call = (enum call)call;
            armed = 1;
            h.inside = here;
            unsigned closed = h.count[IN_CLOSED];
            if (wiped)
                popcl_wipe(h.s);
            else
                popcl_resume(h.s);
            assert_int_equal(armed, 0);
            assert_int_equal(h.count[IN_CLOSED], closed + 1);
            assert_int_equal(returned, call == DO_submit ? POPCL_ERR_STATE : POPCL_OK);
            popcl_err wanted = wiped ? POPCL_ERR_STATE : POPCL_ERR_STOPPED;
            if (popcl_result(h.s) != wanted ||
                popcl_state(h.s) != (wiped ? POPCL_DONE : POPCL_PAUSED_SYNC))
                fail_msg("%s, wiped %d: %s", rows[call].name, wiped,
                         popcl_err_name(popcl_result(h.s)));
            assert_int_equal(popcl_net_code(h.s), 0);
            hand_end(&h);
        }
    }
}

/* [K2] A secret that is released by the end or by wipe. */
static void each_call_in_a_release_at_the_end(void **unused) {
    (void)unused;
    inside_query = QUERIES;
    inside_place = IN_RELEASE;
    for (int call = 0; call < CALLS; call++) {
        for (int wiped = 0; wiped < 2; wiped++) {
            hand_init(&h, 1);
            hand_sequence(&h);
            hand_say(&h, "+OK\r\n");
            (void)hand_submit(&h, POPCL_USER, 0, 1);
            hand_say(&h, "+OK\r\n");
            h.answer[IN_GET] = POPCL_SECRET_AGAIN;
            h.times[IN_GET] = 1;
            assert_int_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_ERR_SECRET_WAIT);
            inside_call = (enum call)call;
            armed = 1;
            h.inside = here;
            if (wiped)
                popcl_wipe(h.s);
            else
                popcl_recv_eof(h.s);
            assert_int_equal(armed, 0);
            assert_int_equal(popcl_state(h.s), POPCL_DONE);
            assert_int_equal(popcl_result(h.s), wiped ? POPCL_ERR_STATE : POPCL_ERR_CLOSED);
            assert_int_equal(h.count[IN_RELEASE], 1);
            assert_int_equal(h.count[IN_CLOSED], 1);
            hand_end(&h);
        }
    }
}

/* [K2] The release that a second secret causes misuses the session: that is not forgotten. */
static void misuse_before_a_second_secret_counts(void **unused) {
    popcl_secret borrowed = {.octets = "x"};
    popcl_command pass = {.verb = POPCL_PASS, .secret = &borrowed};
    (void)unused;
    hand_init(&h, 1);
    hand_sequence(&h);
    hand_say(&h, "+OK\r\n");
    (void)hand_submit(&h, POPCL_USER, 0, 1);
    hand_say(&h, "+OK\r\n");
    h.answer[IN_GET] = POPCL_SECRET_AGAIN;
    h.times[IN_GET] = 1;
    assert_int_equal(hand_submit(&h, POPCL_PASS, 0, 2), POPCL_ERR_SECRET_WAIT);
    inside_query = QUERIES;
    inside_call = DO_tick;
    inside_place = IN_RELEASE;
    armed = 1;
    h.inside = here;
    assert_int_equal(popcl_submit(h.s, &pass, 3), POPCL_ERR_REENTRANT);
    assert_int_equal(popcl_result(h.s), POPCL_ERR_REENTRANT);
    assert_int_equal(h.iobuf[0], 0);
    hand_end(&h);
}

/* A submit that fails because its secret misused the session leaves no password, not even until the
 * event that submitted it returns. */
static void pass_that_misuses(hand *of, enum place place) {
    here(of, place);
    if (place != IN_READY || popcl_in_flight(of->s) || step == 2) return;
    popcl_err e = hand_submit(of, step ? POPCL_PASS : POPCL_USER, 0, step + 1);
    if (step++ == 0) return;
    assert_int_equal(e, POPCL_ERR_REENTRANT);
    for (size_t i = 0; i + 7 <= sizeof of->iobuf; i++)
        assert_memory_not_equal(of->iobuf + i, "correct", 7);
}

static void a_misuse_inside_a_secret_leaves_no_password(void **unused) {
    (void)unused;
    for (int place = IN_GET; place <= IN_RELEASE; place++) {
        hand_init(&h, 1);
        h.hold = 1;
        h.inside = pass_that_misuses;
        step = 0;
        armed = 0;
        inside_query = QUERIES;
        inside_call = DO_wipe;
        inside_place = (enum place)place;
        hand_sequence(&h);
        hand_say(&h, "+OK\r\n");
        hand_send_all(&h);
        armed = 1;
        hand_say(&h, "+OK\r\n");
        assert_int_equal(step, 2);
        assert_int_equal(popcl_result(h.s), POPCL_ERR_REENTRANT);
        hand_end(&h);
    }
}

/* ---- what each call calls back ---- */

static enum call during; /* CALLS: none */
static unsigned char called[CALLS][PLACES];

static void remember(hand *of, enum place place) {
    if (place == IN_COMMIT) of->answer[place] = of->count[place] % 2 ? POPCL_AGAIN : POPCL_STAGED;
    if (during == CALLS) fail_msg("%s is called by a query or by start", hand_place_names[place]);
    called[during][place] = 1;
}

static int is_listed(enum call call, enum place place) {
    char names[120];
    (void)snprintf(names, sizeof names, "%s", rows[call].back);
    for (char *word = strtok(names, " "); word; word = strtok(NULL, " ")) {
        if (strcmp(word, hand_place_names[place]) == 0) return 1;
    }
    return 0;
}

/* One turn of a job, each call told apart. Every message is staged when its commit is asked for the
 * second time. */
static int told_turn(void) {
    char octets[9];
    size_t n, sent, room;
    if (popcl_state(h.s) & POPCL_PAUSED) {
        during = DO_resume;
        popcl_resume(h.s);
        during = CALLS;
        return 1;
    }
    const unsigned char *p = popcl_send_buf(h.s, &sent);
    if (sent) {
        sim_server_take(&server, p, sent);
        during = DO_send_ack;
        hand_send_all(&h);
    }
    (void)popcl_recv_buf(h.s, &room);
    n = room ? sim_server_give(&server, octets, sizeof octets) : 0;
    during = DO_recv_ack;
    if (n) hand_say_n(&h, octets, n);
    during = CALLS;
    return sent || n;
}

static void told_job(unsigned turns, enum call call, uint32_t now_ms) {
    sim_server_init(&server);
    sim_server_add(&server, "a", "one\r\n");
    sim_server_add(&server, "b", "a longer one, in some pieces\r\n");
    sim_server_add(&server, "c", "three\r\n");
    sim_server_connect(&server);
    hand_init(&h, 1);
    h.hold = 1;
    h.inside = remember;
    h.cfg.session.total_ms = 40000;
    h.cfg.group_messages = 2;
    h.actions = POPCL_FETCH | POPCL_DELETE;
    h.times[IN_COMMIT] = 100;
    h.answer[IN_GET] = POPCL_SECRET_AGAIN;
    h.times[IN_GET] = 2;
    during = DO_connected;
    hand_job(&h);
    for (unsigned i = 0; i < turns && told_turn(); i++)
        continue;
    during = call;
    if (call == DO_tick)
        popcl_tick(h.s, now_ms);
    else if (call < CALLS)
        make_call(call);
    during = CALLS;
    for (int query = 0; query < QUERIES; query++)
        make_query((enum query)query);
    for (unsigned i = 0; i < 1000 && popcl_state(h.s) != POPCL_DONE && told_turn(); i++)
        continue;
    during = DO_wipe;
    popcl_fetch_wipe(&h.job);
    sim_server_free(&server);
}

static void each_call_calls_back_what_is_listed(void **unused) {
    /* lists that are short enough to be wrong by a word too many */
    static const enum call whole[] = {DO_connected, DO_fail, DO_stop, DO_tick, DO_wipe};
    (void)unused;
    memset(called, 0, sizeof called);
    for (int call = 0; call <= CALLS; call++) {
        for (unsigned turns = 0; turns < 60; turns++) {
            told_job(turns, (enum call)call, 31000);              /* the reserve for QUIT */
            if (call == DO_tick) told_job(turns, DO_tick, 41000); /* and after it */
        }
    }
    for (int call = 0; call < CALLS; call++) {
        for (int place = 0; place < PLACES; place++) {
            if (called[call][place] && !is_listed((enum call)call, (enum place)place))
                fail_msg("%s calls %s", rows[call].name, hand_place_names[place]);
        }
    }
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        for (int place = 0; place < PLACES; place++) {
            if (is_listed(whole[i], (enum place)place) && !called[whole[i]][place])
                fail_msg("%s never calls %s", rows[whole[i]].name, hand_place_names[place]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_in_each_state),
        cmocka_unit_test(each_query_in_each_state),
        cmocka_unit_test(each_call_in_each_callback_of_a_sequence),
        cmocka_unit_test(each_call_in_each_callback_of_a_job),
        cmocka_unit_test(each_call_in_a_closed_that_comes_again),
        cmocka_unit_test(each_call_in_a_release_at_the_end),
        cmocka_unit_test(misuse_before_a_second_secret_counts),
        cmocka_unit_test(a_misuse_inside_a_secret_leaves_no_password),
        cmocka_unit_test(each_call_calls_back_what_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
