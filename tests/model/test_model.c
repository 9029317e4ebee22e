/* SPDX-License-Identifier: MIT */
/* test_model - drives jobs and sessions with an owner of its own through everything at random, and
 * compares each step with the model (model.h): what the server says and how it breaks, how octets
 * are split, what the sink and all other callbacks answer, stops, failures and time.
 *
 *     test_model [SECONDS | --sessions N] [--seed S]     ten seconds from seed 1 on
 *     test_model --sessions 1 --seed S -v                one session, with its log; --quiet: no log
 *
 * The first difference ends the run: it prints the log, the seed, and what the model expected. One
 * session in TLS_EVERY has TLS.
 *
 * The model knows what a server said, not what it has. So the driver also compares the mail that
 * was stored and deleted with the mail of the server, which may lose one command of a flight, say
 * one reply twice, or drop the rest of a burst. */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "popcl_command.h"
#include "popcl_fetch.h"
#include "server.h"
#include "tls_client.h"
#include "tls_peer.h"

enum { STEPS = 20000, WINDOW = 256, TLS_EVERY = 150 };

static const char password[] = "s3cr3t-horse", user[] = "fred";

typedef struct world {
    chance c;
    int verbose;
    popcl_fetch job; /* or its session alone */
    popcl_fetch_config cfg;
    popcl_flight window[WINDOW];
    popcl_sink sink;
    /* the server's side */
    char response[MODEL_RESPONSE + 1];
    popcl_secret response_secret;
    /* TLS */
    int secure, broken;
    size_t sealed; /* of out, in the record that is on its way */
    popcl_tls tls;
    /* the caller */
    uint32_t now, sink_odd, rude;
    int keeps; /* nothing is deleted */
    int whole; /* all messages are fetched */
    int lazy;  /* the server answers only if nothing else comes */
    int in_call, done, eof_told, closed;
    popcl_err result;
    char sent[POPCL_COMMAND_MAX + 1];
    size_t sent_n;
    /* what became of its mail */
    uint64_t digest; /* of the message that is with the sink */
    uint32_t with_sink;
    int ahead; /* commands left ahead when the server went wrong */
    unsigned char wrong[SERVER_MAIL + 1], stored[SERVER_MAIL + 1], unfetched[SERVER_MAIL + 1];
    /* not cleared for a session */
    unsigned char iobuf[3000], plan[6000];
    server peer;
    popcl_tls_host_storage storage;
} world;

static model m;
static tls_peer peer;
static uint64_t skipped;

/* The log costs more than the session: only a session that is run again, because it differed, has
 * one. */
static void note(world *w, const char *format, ...) {
    va_list args;
    if (!w->verbose) return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void show(world *w, const char *what, const unsigned char *p, size_t n) {
    if (!w->verbose || !n) return;
    printf("%s \"", what);
    for (size_t i = 0; i < n; i++)
        printf(p[i] == '\r'                 ? "\\r"
               : p[i] == '\n'               ? "\\n"
               : p[i] < 0x20 || p[i] > 0x7e ? "\\%03o"
                                            : "%c",
               p[i]);
    puts("\"");
}

/* ---- octets ---- */

static void peer_takes(world *w, const unsigned char *p, size_t n) {
    show(w, "C:", p, n);
    model_leave(&m, p, n);
    server_takes(&w->peer, p, n);
}

/* The server answers some of the commands that it has. Returns 0 if there were none. */
static int serve(world *w, uint32_t most) {
    int before = w->peer.happened, any = 0;
    for (; most && w->peer.out_n < SERVER_OUT_MAX / 2 && server_serve(&w->peer); most--)
        any = 1;
    if (w->peer.happened != before) {
        static const char *const names[] = {"", "loses one command", "says one reply twice",
                                            "drops the rest of a burst"};
        note(w, "** the server %s", names[w->peer.happened]);
        w->ahead = m.ahead && m.commands_n - m.answer > 1;
    }
    return any;
}

/* ---- TLS ---- */

static void wire_takes(world *w, const unsigned char *p, size_t n) {
    unsigned char text[POPCL_COMMAND_MAX];
    if (!w->secure) {
        peer_takes(w, p, n);
        return;
    }
    for (size_t i = 0; !tls_peer_open(&peer) && i + sizeof user - 1 <= n; i++) {
        if (memcmp(p + i, user, sizeof user - 1) == 0)
            model_differs(&m, "the user name was sent in clear [I1]");
    }
    model_resumed(&m); /* half of a record is progress too */
    tls_peer_take(&peer, p, n);
    while ((n = tls_peer_hear(&peer, text, sizeof text)) > 0)
        peer_takes(w, text, n);
}

static void break_tls(world *w) {
    w->broken = 1;
    model_blame(&m, M_BY_TLS);
    switch (below(&w->c, 3)) {
    case 0: peer.corrupt = 1; break;
    case 1: tls_peer_clear(&peer, "+OK\r\n", 5); break;
    default: tls_peer_alert(&peer, TLS_FATAL, (int)below(&w->c, 120)); break;
    }
}

/* A piece of what the server says becomes a record. */
static void seal(world *w) {
    if (!tls_peer_open(&peer) || tls_peer_waiting(&peer) || w->peer.out_at == w->peer.out_n ||
        w->broken)
        return;
    size_t n = 1 + below(&w->c, 512);
    if (n > w->peer.out_n - w->peer.out_at) n = w->peer.out_n - w->peer.out_at;
    if (one_in(&w->c, 6)) tls_peer_record(&peer, TLS_DATA, "", 0);
    if (one_in(&w->c, w->peer.odd * 20)) break_tls(w);
    tls_peer_say(&peer, w->peer.out + w->peer.out_at, n);
    w->sealed = n;
}

static size_t wire_has(world *w) {
    if (w->secure) {
        seal(w);
        return tls_peer_waiting(&peer);
    }
    return w->peer.out_n - w->peer.out_at;
}

static void wire_gives(world *w, unsigned char *p, size_t n) {
    const unsigned char *said = w->peer.out + w->peer.out_at;
    if (!w->secure) {
        memcpy(p, said, n);
        show(w, "S:", said, n);
        model_hear(&m, said, n);
        server_said(&w->peer, n);
        return;
    }
    tls_peer_give(&peer, p, n);
    model_moved(&m);
    if (tls_peer_waiting(&peer) || !w->sealed) return;
    if (!w->broken) {
        show(w, "S:", said, w->sealed);
        model_hear(&m, said, w->sealed);
    }
    server_said(&w->peer, w->sealed);
    w->sealed = 0;
}

/* ---- callbacks of both owners ---- */

static void called(world *w, const char *which) {
    if (!w->in_call) model_differs(&m, "%s outside a call", which);
    if (w->done) model_differs(&m, "%s after DONE", which);
}

static void on_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    world *w = ctx;
    called(w, "trace");
    if (kind == POPCL_TRACE_STATE) note(w, "-- %.*s", (int)n, p);
    if (kind != POPCL_TRACE_SENT) return;
    if (n) {
        if (w->sent_n + n > sizeof w->sent) n = sizeof w->sent - w->sent_n;
        memcpy(w->sent + w->sent_n, p, n);
        w->sent_n += n;
        return;
    }
    note(w, "-> %.*s", (int)w->sent_n, w->sent);
    model_write(&m, w->sent, w->sent_n);
    w->sent_n = 0;
}

static int get_secret(void *ctx, size_t off, char *buf, size_t cap) {
    world *w = ctx;
    called(w, "secret");
    int fails = buf && one_in(&w->c, 60);
    note(w, "secret %s", !buf ? "released" : fails ? "fails" : "asked");
    model_secret(&m, !buf, fails);
    if (!buf) return 0;
    if (fails) return one_in(&w->c, 2) ? -9 : (int)cap + 1;
    if (one_in(&w->c, 6)) return POPCL_SECRET_AGAIN;
    size_t left = off < sizeof password - 1 ? sizeof password - 1 - off : 0;
    size_t n = left < cap ? left : cap;
    if (n > 1 && one_in(&w->c, 2)) n = 1 + below(&w->c, (uint32_t)n);
    memcpy(buf, password + off, n);
    return (int)n;
}

/* ---- callbacks of a job ---- */

/* A failure of the sink: the model's word for it, and *how as the sink says it. */
static model_answer fails(world *w, int *how) {
    uint32_t k = below(&w->c, 4);
    *how = k == 0 ? POPCL_SINK_STOP : k == 1 ? -7 : k == 2 ? -40000 : 99;
    return k == 0 ? M_STOP : M_FAILED;
}

static int sink_begin(void *ctx, const popcl_msg *x) {
    world *w = ctx;
    int how = 0;
    called(w, "begin");
    model_answer a = one_in(&w->c, w->sink_odd) ? fails(w, &how) : M_OK;
    note(w, "> begin %u part %u: %d", x->number, x->part, how);
    w->digest = 0;
    w->with_sink = x->part == POPCL_HEADERS || x->number > SERVER_MAIL ? 0 : x->number;
    model_begun(&m, x->number, x->uid, x->part == POPCL_HEADERS, a);
    return how;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    world *w = ctx;
    int how = 0;
    called(w, "data");
    model_answer a = one_in(&w->c, w->sink_odd * 3) ? fails(w, &how) : M_OK;
    size_t taken = a != M_OK ? 0 : one_in(&w->c, 6) ? below(&w->c, (uint32_t)n + 1) : n;
    show(w, "> data", p, n);
    note(w, ">      %lu taken, %d", (unsigned long)taken, how);
    model_data(&m, p, n, taken, a);
    w->digest = digest_of(w->digest, p, taken);
    return a == M_OK ? (int)taken : how == 99 ? (int)n + 1 : how;
}

static int sink_commit(void *ctx) {
    world *w = ctx;
    int how = 0;
    called(w, "commit");
    model_answer a = one_in(&w->c, w->sink_odd) ? fails(w, &how) : M_OK;
    if (a == M_OK && one_in(&w->c, 8)) a = M_AGAIN, how = POPCL_AGAIN;
    if (a == M_OK && one_in(&w->c, 2)) {
        how = POPCL_STAGED;
        a = w->sink.sync ? M_STAGED : M_FAILED; /* it cannot be made durable */
    }
    note(w, "> commit: %d", how);
    if (w->with_sink) w->wrong[w->with_sink] = w->digest != server_digest(&w->peer, w->with_sink);
    model_committed(&m, a);
    return how;
}

static int sink_sync(void *ctx) {
    world *w = ctx;
    int how = 0;
    called(w, "sync");
    model_answer a = one_in(&w->c, w->sink_odd) ? fails(w, &how) : M_OK;
    if (a == M_OK && one_in(&w->c, 5)) a = M_AGAIN, how = POPCL_AGAIN;
    note(w, "> sync: %d", how);
    model_synced(&m, a);
    return how;
}

static void sink_abort(void *ctx, popcl_err why) {
    world *w = ctx;
    called(w, "abort");
    note(w, "> abort %s", popcl_err_name(why));
    model_aborted(&m, why == POPCL_ERR_BODY_SIZE);
}

static unsigned on_decide(void *ctx, const popcl_msg *x, popcl_stage stage) {
    static const unsigned answers[] = {POPCL_FETCH,
                                       POPCL_FETCH,
                                       POPCL_FETCH | POPCL_DELETE,
                                       POPCL_FETCH | POPCL_DELETE,
                                       POPCL_FETCH | POPCL_DELETE,
                                       POPCL_SKIP,
                                       POPCL_HEADERS_FIRST,
                                       POPCL_HEADERS_FIRST | POPCL_DELETE,
                                       POPCL_DELETE_UNFETCHED,
                                       POPCL_DELETE,
                                       POPCL_HEADERS_FIRST | POPCL_DELETE_UNFETCHED,
                                       POPCL_FETCH | POPCL_DELETE_UNFETCHED};
    world *w = ctx;
    called(w, "decide");
    /* headers come alone, so that they cut flights short */
    unsigned a = answers[below(&w->c, w->whole ? 5 : sizeof answers / sizeof *answers)];
    if (w->keeps) a &= ~(POPCL_DELETE | POPCL_DELETE_UNFETCHED);
    if (stage == POPCL_STAGE_UID) a = one_in(&w->c, 5) ? POPCL_SKIP : POPCL_FETCH;
    if (a == POPCL_DELETE_UNFETCHED && x->number <= SERVER_MAIL) w->unfetched[x->number] = 1;
    note(w, "> decide %u %s stage %d: %u", x->number, x->uid, (int)stage, a);
    model_decided(&m, x->number, x->uid, x->size,
                  stage == POPCL_STAGE_UID    ? M_AT_UID
                  : stage == POPCL_STAGE_SIZE ? M_AT_SIZE
                                              : M_AT_HEADERS,
                  (a & POPCL_FETCH ? M_FETCH : 0u) | (a & POPCL_HEADERS_FIRST ? M_HEADERS : 0u) |
                      (a & POPCL_DELETE ? M_DELETE : 0u) |
                      (a & POPCL_DELETE_UNFETCHED ? M_DELETE_UNFETCHED : 0u));
    return a;
}

static void on_listed(void *ctx, const popcl_msg *x) {
    called(ctx, "listed");
    note(ctx, "> listed %u %s", x ? x->number : 0, x ? x->uid : "");
    model_listed(&m, x ? x->number : 0, x ? x->uid : "", x ? x->size : 0);
}

static void on_fate(void *ctx, const popcl_msg *x, popcl_fate what, popcl_err why) {
    static const model_fate_kind kinds[] = {
        [POPCL_STORED] = M_STORED,   [POPCL_NOT_STORED] = M_NOT_STORED,
        [POPCL_MARKED] = M_MARKED,   [POPCL_NOT_MARKED] = M_NOT_MARKED,
        [POPCL_DELETED] = M_DELETED, [POPCL_UNKNOWN] = M_UNKNOWN_FATE,
        [POPCL_VOID] = M_VOID};
    called(ctx, "fate");
    note(ctx, "> fate %u: %d %s", x ? x->number : 0, (int)what, popcl_err_name(why));
    if ((what == POPCL_NOT_STORED || what == POPCL_NOT_MARKED) != (why != POPCL_OK))
        model_differs(&m, "fate %d with %s", (int)what, popcl_err_name(why));
    if (what == POPCL_STORED && x->number <= SERVER_MAIL) ((world *)ctx)->stored[x->number] = 1;
    model_fate(&m, x ? x->number : 0, x ? x->uid : "", kinds[what]);
}

/* ---- an owner of the driver's own ---- */

static size_t index_of(uint32_t tag) { return tag == POPCL_TAG_GREETING ? 0 : tag; }

/* A response of any length, or none; an initial one fits the line. */
static const popcl_secret *choose_response(world *w, popcl_verb verb) {
    size_t most = verb == POPCL_AUTH ? 200 : MODEL_RESPONSE;
    if (!popcl_can_submit(&w->job.session)) return NULL; /* the last one may be in use */
    size_t n = one_in(&w->c, 3) ? 0 : 1 + below(&w->c, one_in(&w->c, 2) ? 8 : (uint32_t)most);
    for (size_t i = 0; i < n; i++)
        w->response[i] = "ABCabc019+/="[below(&w->c, 12)];
    w->response[n] = 0;
    w->response_secret.octets = n ? w->response : NULL;
    m.response = w->response;
    return n ? &w->response_secret : NULL;
}

static void submit(world *w) {
    static const popcl_verb before[] = {POPCL_USER, POPCL_PASS, POPCL_PASS, POPCL_CAPA,
                                        POPCL_APOP, POPCL_AUTH, POPCL_AUTH},
                            after[] = {POPCL_STAT, POPCL_LIST, POPCL_UIDL, POPCL_RETR, POPCL_RETR,
                                       POPCL_TOP,  POPCL_DELE, POPCL_NOOP, POPCL_RSET, POPCL_CAPA,
                                       POPCL_RETR, POPCL_NOOP, POPCL_DELE, POPCL_STAT};
    static const popcl_secret digest = {.octets = "0123456789abcdef0123456789abcdef"};
    popcl_verb verb = one_in(&w->c, 60)                  ? (popcl_verb)below(&w->c, POPCL_VERBS + 2)
                      : m.exchange && !one_in(&w->c, 20) ? POPCL_RESPONSE
                      : one_in(&w->c, 25)                ? POPCL_QUIT
                      : m.logged_in || one_in(&w->c, 40)
                          ? after[below(&w->c, sizeof after / sizeof *after)]
                          : before[below(&w->c, sizeof before / sizeof *before)];
    popcl_command c = {.verb = verb,
                       .number = below(&w->c, w->peer.count + 2),
                       .text = user,
                       .text_len = sizeof user - 1,
                       .secret = verb == POPCL_APOP ? &digest : &w->cfg.secret};
    if (verb == POPCL_AUTH || verb == POPCL_RESPONSE) c.secret = choose_response(w, verb);
    size_t written = m.commands_n;
    uint32_t number = verb == POPCL_LIST || verb == POPCL_UIDL || verb == POPCL_RETR ||
                              verb == POPCL_TOP || verb == POPCL_DELE
                          ? c.number
                          : 0;
    model_verb v = M_VERBS;
    model_command read;
    const char *name = popcl_verb_name(verb);
    model_read_command(name, strlen(name), &read);
    v = verb == POPCL_RESPONSE ? M_RESPONSE : read.verb;
    int allowed = v != M_VERBS && model_allows(&m, v, number);
    note(w, "submit %s %u", name, c.number);
    popcl_err e = popcl_submit(&w->job.session, &c, (uint32_t)written);
    note(w, "submit: %s", popcl_err_name(e));
    if ((e == POPCL_OK) != (m.commands_n > written))
        model_differs(&m, "submit of %s: %s", name, popcl_err_name(e));
    if (e == POPCL_OK && !allowed) model_differs(&m, "submit of %s was taken", name);
    if (e == POPCL_ERR_STATE && allowed && !m.inside)
        model_differs(&m, "submit of %s was refused", name);
    if (e == POPCL_ERR_MESSAGE_NUMBER && number && number <= m.count && !m.inside)
        model_differs(&m, "submit of %s %u was refused [R8]", name, number);
}

static void perhaps_submit(world *w) {
    m.inside = 1;
    if (one_in(&w->c, 4)) submit(w);
    m.inside = 0;
}

static void event_line(void *ctx, uint32_t tag, const popcl_reply *r) {
    called(ctx, "line");
    note(ctx, "> line %u: %u %s", tag, r->number, r->uid_len ? r->text : "");
    model_event_line(&m, index_of(tag), r->number, r->uid_len ? r->text : "", r->size);
    perhaps_submit(ctx);
}

static void event_open(void *ctx, uint32_t tag, const popcl_reply *r) {
    called(ctx, "open");
    note(ctx, "> open %u: %u", tag, r->status);
    model_event_open(&m, index_of(tag));
}

static size_t event_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    world *w = ctx;
    called(w, "body");
    size_t taken = one_in(&w->c, 6) ? below(&w->c, (uint32_t)n + 2) : n;
    show(w, "> body", p, n);
    note(w, "> body %u: %lu taken", tag, (unsigned long)taken);
    model_event_body(&m, index_of(tag), p, n, taken < n ? taken : n);
    perhaps_submit(w);
    return taken;
}

static unsigned event_done(void *ctx, uint32_t tag, const popcl_reply *r) {
    world *w = ctx;
    called(w, "done");
    int pauses = one_in(&w->c, 12);
    note(w, "> done %u: %u%s", tag, r->status, pauses ? ", pauses" : "");
    static const int statuses[] = {0, 1, -1, 2};
    model_event_done(&m, index_of(tag), statuses[r->status], r->number, r->uid_len ? r->text : "",
                     r->size, pauses);
    perhaps_submit(w);
    if (pauses) return POPCL_PAUSED_SINK;
    if (one_in(&w->c, 3)) {
        model_goes_on(&m, index_of(tag));
        return POPCL_LOGIN_GOES_ON;
    }
    return one_in(&w->c, 9) ? 0x40000000u : 0;
}

static unsigned event_ready(void *ctx) {
    world *w = ctx;
    called(w, "ready");
    if (!one_in(&w->c, 5)) submit(w);
    return one_in(&w->c, 40) ? POPCL_PAUSED_SYNC : 0;
}

static unsigned event_closed(void *ctx, popcl_err *result, popcl_end end) {
    world *w = ctx;
    called(w, "closed");
    note(w, "> closed %s %d", popcl_err_name(*result), (int)end);
    if (w->closed) model_differs(&m, "closed once more");
    if (end == POPCL_END_ASKS && one_in(&w->c, 4)) return POPCL_PAUSED_SYNC;
    w->closed = 1;
    return 0;
}

/* ---- results ---- */

/* What can be to blame for a result. */
static unsigned causes_of(popcl_err e) {
    switch (e) {
    case POPCL_ERR_NOT_POP3:
    case POPCL_ERR_STATUS:
    case POPCL_ERR_BARE_LF:
    case POPCL_ERR_NUL:
    case POPCL_ERR_LINE_LENGTH:
    case POPCL_ERR_UNASKED:
    case POPCL_ERR_NUMBER:
    case POPCL_ERR_NUMBER_RANGE:
    case POPCL_ERR_CAPA_LENGTH: return M_BY_SERVER;
    case POPCL_ERR_LISTING: return M_BY_SERVER | M_BY_LISTING;
    case POPCL_ERR_LISTING_ORDER: return M_BY_LISTING;
    case POPCL_ERR_CLOSED_GREETING:
    case POPCL_ERR_CLOSED:
    case POPCL_ERR_CLOSED_MESSAGE:
    case POPCL_ERR_SERVER_CLOSED: return M_BY_END;
    case POPCL_ERR_NET:
    case POPCL_ERR_PORT: return M_BY_CALLER;
    case POPCL_ERR_QUIT_UNKNOWN: return M_BY_END | M_BY_CALLER;
    case POPCL_ERR_CAPA: return M_BY_END | M_BY_CALLER | M_BY_TIME;
    case POPCL_ERR_TIMEOUT_CONNECT:
    case POPCL_ERR_TIMEOUT_GREETING:
    case POPCL_ERR_TIMEOUT_REPLY:
    case POPCL_ERR_TIMEOUT_MESSAGE:
    case POPCL_ERR_TIMEOUT_SEND:
    case POPCL_ERR_TIMEOUT_QUIT:
    case POPCL_ERR_TIMEOUT_PAUSE:
    case POPCL_ERR_TIMEOUT_TLS:
    case POPCL_ERR_TIMEOUT_TOTAL: return M_BY_TIME;
    case POPCL_ERR_COMMAND_REFUSED:
    case POPCL_ERR_GREETING_REFUSED:
    case POPCL_ERR_RETR_REFUSED:
    case POPCL_ERR_DELE_REFUSED:
    case POPCL_ERR_QUIT_REFUSED:
    case POPCL_ERR_NO_TOP: return M_BY_REFUSAL;
    case POPCL_ERR_IN_USE:
    case POPCL_ERR_LOGIN_DELAY:
    case POPCL_ERR_SYS_TEMP:
    case POPCL_ERR_SYS_PERM: return M_BY_REFUSAL | M_BY_SERVER; /* -ERR that nobody asked for */
    case POPCL_ERR_AUTH:
    case POPCL_ERR_APOP_REFUSED:
    case POPCL_ERR_LOGIN_NEEDS_TLS: return M_BY_LOGIN | M_BY_REFUSAL;
    case POPCL_ERR_NO_STAMP: return M_BY_LOGIN;
    case POPCL_ERR_SECRET: return M_BY_SECRET;
    case POPCL_ERR_SINK:
    case POPCL_ERR_COMMIT: return M_BY_SINK;
    case POPCL_ERR_SYNC: return M_BY_SINK | M_BY_TIME;
    case POPCL_ERR_TOO_LARGE: return M_BY_SIZE;
    case POPCL_ERR_NOT_DRAINED: return M_BY_DRAIN;
    case POPCL_ERR_BODY_EMPTY: return M_BY_EMPTY;
    case POPCL_ERR_NO_UIDL: return M_BY_NO_UID;
    case POPCL_ERR_BODY_SIZE:
    case POPCL_ERR_REPLIES: return M_BY_SHIFT;
    case POPCL_ERR_STOPPED: return M_BY_STOP;
    case POPCL_ERR_TLS_CLOSED: return M_BY_TLS | M_BY_END | M_BY_CALLER;
    default: return popcl_err_class(e) == POPCL_CLASS_TLS ? M_BY_TLS : 0;
    }
}

/* ---- the caller ---- */

#define CALL(w, call) ((w)->in_call = 1, (call), (w)->in_call = 0, check_state(w))

static int all_zero(const void *p, size_t n) {
    const unsigned char *q = p;
    while (n && !*q)
        q++, n--;
    return !n;
}

/* Replies that shifted are seen only where a command left ahead, and a server that breaks its
 * replies in any other way may say what it likes. */
static int is_true(const world *w) {
    return !w->peer.odd && (w->peer.happened != DOUBLES_ONE || w->ahead);
}

/* What was stored is the server's mail, and what it deletes was stored. */
static void check_mail(const world *w, const popcl_diag *d) {
    if (!m.cfg.job || !is_true(w)) return;
    for (uint32_t i = 1; i <= w->peer.count; i++) {
        int right = w->stored[i] && !w->wrong[i];
        if (w->stored[i] && w->wrong[i] && !d->unsure)
            model_differs(&m, "%u was stored, and is another message", (unsigned)i);
        if (w->peer.quit && w->peer.marked[i] && !right && !w->unfetched[i])
            model_differs(&m, "%u is lost: deleted, and not stored", (unsigned)i);
    }
}

/* What must hold between two calls. */
static void check_state(world *w) {
    popcl *s = &w->job.session;
    unsigned state = popcl_state(s);
    int over = (state & POPCL_DONE) != 0, leaving = strcmp(popcl_state_name(s), "leaving") == 0;
    if (state & POPCL_DONE && state != POPCL_DONE) model_differs(&m, "DONE with 0x%x", state);
    if (popcl_next_deadline(s) > POPCL_MS_MAX) model_differs(&m, "the next deadline is far away");
    popcl_diag d = {.quit_left = 0};
    if (m.cfg.job) popcl_fetch_get_diag(&w->job, &d);
    if (d.stored != m.stored || d.marked != m.marked)
        model_differs(&m, "counts %u %u, told %u %u", d.stored, d.marked, m.stored, m.marked);
    model_returned(&m, (state & POPCL_PAUSED) != 0, over || leaving || w->broken);
    if (m.cfg.job)
        model_told(&m,
                   (d.ahead ? M_AHEAD : 0u) | (d.unsure ? M_UNSURE : 0u) |
                       (d.shifted ? M_SHIFTED : 0u),
                   !(state & POPCL_PAUSED) && !over && !leaving);
    if (!over || w->done) return;
    check_mail(w, &d);
    w->done = 1;
    w->result = popcl_result(s);
    note(w, "= %s", popcl_err_name(w->result));
    if (d.unsure && (w->result == POPCL_OK || w->result == POPCL_MORE))
        model_differs(&m, "success, and `unsure` is 1");
    model_over(&m,
               w->result == POPCL_OK     ? 1
               : w->result == POPCL_MORE ? 2
                                         : 0,
               causes_of(w->result), d.quit_left);
    if (!m.cfg.job && !w->closed) model_differs(&m, "DONE, and closed has not come");
    if (!all_zero(w->cfg.session.iobuf, w->cfg.session.iobuf_len))
        model_differs(&m, "the record buffer was not wiped [I9]");
    if (m.cfg.job && !all_zero(w->cfg.plan, w->cfg.plan_len))
        model_differs(&m, "the plan was not wiped [I9]");
}

static void tick(world *w, uint32_t ms) {
    w->now += ms;
    note(w, "tick %u", ms);
    model_time(&m, w->now);
    CALL(w, popcl_tick(&w->job.session, w->now));
    if (!w->done && popcl_next_deadline(&w->job.session) == 0)
        model_differs(&m, "the next deadline stays 0");
    if (w->now - m.began > m.cfg.total_ms + POPCL_SETTLE_MS + 4000 && !w->done)
        model_differs(&m, "not over after %u ms [I5]", w->now - m.began);
}

static void send_some(world *w, size_t most) {
    size_t n;
    const unsigned char *p = popcl_send_buf(&w->job.session, &n);
    if (!n) return;
    if (n > most) n = most;
    wire_takes(w, p, n);
    CALL(w, popcl_send_ack(&w->job.session, n));
}

static int receive_some(world *w, size_t most) {
    size_t n, have = wire_has(w);
    unsigned char *p = popcl_recv_buf(&w->job.session, &n);
    if (!n) return 0;
    int waits = !w->lazy || !(popcl_state(&w->job.session) & POPCL_SEND);
    if (!have && waits && serve(w, 1 + below(&w->c, 40))) {
        have = wire_has(w);
        if (!have) return 1;
    }
    if (!have) {
        if ((!w->peer.closes && !w->broken) || w->eof_told) return 0;
        w->eof_told = 1;
        note(w, "eof");
        model_end_of_stream(&m);
        CALL(w, popcl_recv_eof(&w->job.session));
        return 1;
    }
    if (n > most) n = most;
    if (n > have) n = have;
    wire_gives(w, p, n);
    CALL(w, popcl_recv_ack(&w->job.session, n));
    return 1;
}

/* Stops, failures and ends that come from the caller. */
static void be_rude(world *w) {
    popcl *s = &w->job.session;
    switch (below(&w->c, 5)) {
    case 0:
    case 1:
        note(w, "stop");
        model_stopped(&m);
        CALL(w, popcl_stop(s));
        break;
    case 2:
        note(w, "fail");
        model_blame(&m, M_BY_CALLER);
        CALL(w, popcl_fail(s, POPCL_ERR_NET, 5));
        break;
    case 3:
        note(w, "send failed");
        m.mute = 1;
        CALL(w, popcl_send_failed(s));
        if (popcl_state(s) & POPCL_SEND) model_differs(&m, "SEND after send_failed");
        w->peer.closes = 1;
        break;
    default:
        note(w, "eof");
        w->eof_told = 1;
        model_end_of_stream(&m);
        CALL(w, popcl_recv_eof(s));
        break;
    }
}

static void step(world *w) {
    popcl *s = &w->job.session;
    unsigned state = popcl_state(s);
    if (!w->lazy && one_in(&w->c, 3)) serve(w, one_in(&w->c, 2) ? 1 : SERVER_IN_MAX);
    size_t most = one_in(&w->c, 3) ? 1 + below(&w->c, 8) : SERVER_OUT_MAX;
    if (one_in(&w->c, w->rude)) {
        be_rude(w);
    } else if (one_in(&w->c, 12)) {
        tick(w, one_in(&w->c, 40) ? below(&w->c, 2000) : below(&w->c, 3));
    } else if (state & POPCL_PAUSED && !one_in(&w->c, 4)) {
        if (one_in(&w->c, 20)) tick(w, popcl_next_deadline(s));
        if (w->done) return;
        note(w, "resume");
        model_resumed(&m);
        CALL(w, popcl_resume(s));
    } else if (state & POPCL_SEND && one_in(&w->c, 2)) {
        send_some(w, most);
    } else if (receive_some(w, most) || w->done) {
        return;
    } else if (popcl_state(s) & POPCL_SEND) {
        send_some(w, most);
    } else if (!m.cfg.job && !(state & POPCL_PAUSED) && m.commands[0].complete &&
               !one_in(&w->c, 3)) {
        w->in_call = 1;
        submit(w);
        w->in_call = 0;
        check_state(w);
    } else if (!(popcl_state(s) & POPCL_PAUSED)) {
        tick(w, popcl_next_deadline(s));
    }
}

/* Nothing of these may do anything any more [K4 K5]. */
static void call_in_vain(world *w) {
    popcl *s = &w->job.session;
    size_t n;
    w->in_call = 0;
    popcl_stop(s);
    popcl_fail(s, POPCL_ERR_NET, 5);
    popcl_tick(s, w->now + 1);
    popcl_resume(s);
    popcl_recv_eof(s);
    popcl_recv_ack(s, 1);
    popcl_send_ack(s, 1);
    popcl_recv_buf(s, &n);
    if (n || popcl_state(s) != POPCL_DONE || popcl_result(s) != w->result)
        model_differs(&m, "no longer DONE, or another result");
}

/* ---- a world ---- */

static void make_tls(world *w) {
    static const tls_peer_setup setup;
    popcl_config *s = &w->cfg.session;
    tls_peer_init(&peer, &setup);
    tls_client_init(&w->tls, TLS_HOST, &w->storage, sizeof w->storage);
    s->security = POPCL_TLS;
    s->tls = &w->tls;
    s->seed = &tls_seed;
}

static void make_config(world *w, int job) {
    popcl_fetch_config *cfg = &w->cfg;
    popcl_config *s = &cfg->session;
    s->iobuf = w->iobuf;
    s->iobuf_len = (w->secure ? POPCL_IOBUF_SIZE(512) : POPCL_IOBUF_MIN) +
                   (one_in(&w->c, 2) ? 0 : below(&w->c, 1500));
    s->host = "pop.example";
    s->user = user;
    s->idle_ms = 100 + below(&w->c, 3000);
    s->pause_ms = 100 + below(&w->c, 3000);
    s->connect_ms = 1000;
    s->total_ms = one_in(&w->c, 12) ? 500 + below(&w->c, 3000) : 1000000;
    s->trace = on_trace;
    s->trace_ctx = w;
    static const uint16_t windows[] = {0, 1, 2, 8, WINDOW};
    s->window_len = windows[below(&w->c, sizeof windows / sizeof *windows)];
    if (w->secure && one_in(&w->c, 2)) s->window_len = WINDOW;
    if (s->window_len) s->window = w->window;
    if (one_in(&w->c, 3)) {
        cfg->secret.get = get_secret;
        cfg->secret.ctx = w;
    } else {
        cfg->secret.octets = password;
    }
    if (w->secure) make_tls(w);
    if (!job) return;
    cfg->plan = w->plan;
    cfg->plan_len = one_in(&w->c, 3) ? POPCL_PLAN_MIN_APOP + below(&w->c, 300) : sizeof w->plan;
    cfg->auth = (uint16_t)(one_in(&w->c, 2) ? POPCL_AUTH_AUTO : below(&w->c, 4));
    if (one_in(&w->c, 4)) cfg->max_size = 1 + below(&w->c, 200);
    if (one_in(&w->c, 3)) cfg->max_messages = 1 + below(&w->c, 6);
    if (one_in(&w->c, 2)) cfg->drain_max = 1 + below(&w->c, 300);
    cfg->group_messages = one_in(&w->c, 2) ? 1 + below(&w->c, 4) : 16;
    cfg->group_octets = one_in(&w->c, 4) ? 1 + below(&w->c, 900) : 1000000;
    cfg->passes = (uint16_t)(one_in(&w->c, 2) ? 1 : 1 + below(&w->c, 8));
    cfg->uids = (uint8_t)(one_in(&w->c, 6)   ? POPCL_UIDS_UNUSED
                          : one_in(&w->c, 6) ? POPCL_UIDS_REQUIRED
                                             : POPCL_UIDS_OPTIONAL);
    cfg->need_size = (uint8_t)one_in(&w->c, 4);
    cfg->no_capa = (uint8_t)one_in(&w->c, 6);
    /* a plan without a listing is not modelled pass by pass */
    if (cfg->uids == POPCL_UIDS_UNUSED) cfg->plan_len = sizeof w->plan;
    w->sink.begin = sink_begin;
    w->sink.data = sink_data;
    w->sink.commit = sink_commit;
    w->sink.sync = one_in(&w->c, 6) ? NULL : sink_sync;
    w->sink.abort = sink_abort;
    cfg->sink = &w->sink;
    cfg->sink_ctx = cfg->ctx = w;
    cfg->decide = on_decide;
    cfg->listed = on_listed;
    cfg->fate = on_fate;
}

/* The same settings in the model's words. */
static void make_model(world *w, int job) {
    const popcl_fetch_config *cfg = &w->cfg;
    int auto_ = cfg->auth == POPCL_AUTH_AUTO,
        both = cfg->auth == (POPCL_AUTH_USER | POPCL_AUTH_APOP);
    model_config c = {
        .job = job,
        .window = cfg->session.window_len,
        .ahead_octets = POPCL_AHEAD_OCTETS,
        .one_way = w->secure && cfg->session.iobuf_len < POPCL_IOBUF_DUPLEX,
        .user = user,
        .secret = password,
        .may_user = auto_ || cfg->auth & POPCL_AUTH_USER,
        .may_apop = auto_ || both ? !w->secure : (cfg->auth & POPCL_AUTH_APOP) != 0,
        .capa_first = (auto_ || both) && !cfg->no_capa,
        .no_capa = cfg->no_capa,
        .no_uid = cfg->uids == POPCL_UIDS_UNUSED,
        .need_uid = cfg->uids == POPCL_UIDS_REQUIRED,
        .sizes = cfg->need_size || cfg->max_size,
        .max_size = cfg->max_size,
        .max_messages = cfg->max_messages,
        .drain_max = cfg->drain_max ? cfg->drain_max : POPCL_DRAIN_MAX,
        .group_messages = cfg->group_messages,
        .group_octets = cfg->group_octets,
        .passes = cfg->passes,
        .plan_len = cfg->plan_len,
        .idle_ms = cfg->session.idle_ms,
        .pause_ms = cfg->session.pause_ms,
        .connect_ms = cfg->session.connect_ms,
        .total_ms = cfg->session.total_ms,
        .tls = w->secure,
    };
    model_begin_session(&m, &c, w->now);
}

static void make_world(world *w, uint64_t seed, int verbose) {
    memset(w, 0, offsetof(world, iobuf)); /* the large arrays come last */
    w->c.state = seed * 2654435761u + 1;
    w->verbose = verbose;
    w->now = one_in(&w->c, 2) ? UINT32_MAX - 100 : 5;
    w->secure = one_in(&w->c, TLS_EVERY);
    w->sink_odd = one_in(&w->c, 2) ? 0 : 4 + below(&w->c, 20);
    w->rude = one_in(&w->c, 3) ? 10 + below(&w->c, 200) : 0;
    w->keeps = one_in(&w->c, 3);
    w->lazy = one_in(&w->c, 3);
    w->whole = one_in(&w->c, 3);
    server_begin(&w->peer, ~w->c.state, w->secure && one_in(&w->c, 2));
}

/* Returns 0 if the session differs from the model. */
static int session(uint64_t seed, int verbose) {
    static world w;
    static const popcl_events events = {.line = event_line,
                                        .open = event_open,
                                        .body = event_body,
                                        .done = event_done,
                                        .ready = event_ready,
                                        .closed = event_closed};
    make_world(&w, seed, verbose);
    int job = !one_in(&w.c, 4);
    make_config(&w, job);
    make_model(&w, job);
    popcl_err e = job ? popcl_fetch_start(&w.job, &w.cfg, w.now)
                      : popcl_start(&w.job.session, &w.cfg.session, &events, &w, w.now);
    if (e) model_differs(&m, "start: %s", popcl_err_name(e));
    if (!e) CALL(&w, popcl_connected(&w.job.session, w.now));
    for (unsigned i = 0; i < STEPS && !w.done && !m.fault[0] && !m.beyond; i++)
        step(&w);
    while (!w.done && !m.fault[0] && !m.beyond)
        tick(&w, popcl_next_deadline(&w.job.session));
    if (w.done && !m.fault[0]) call_in_vain(&w);
    w.in_call = 1;
    w.done = 0;
    if (m.beyond) m.fault[0] = 0, skipped++;
    if (job)
        popcl_fetch_wipe(&w.job);
    else
        popcl_wipe(&w.job.session);
    return m.beyond || !m.fault[0];
}

/* ---- the run ---- */

static double seconds_now(void) { return (double)clock() / CLOCKS_PER_SEC; }

int main(int argc, char **argv) {
    double limit = 10, began = seconds_now();
    uint64_t seed = 1, most = UINT64_MAX, n = 0;
    int verbose = 0, quiet = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0)
            verbose = 1;
        else if (strcmp(argv[i], "--quiet") == 0)
            quiet = 1;
        else if (strcmp(argv[i], "--sessions") == 0 && i + 1 < argc)
            most = strtoull(argv[++i], NULL, 10), limit = 1e9;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 10);
        else
            limit = strtod(argv[i], NULL);
    }
    while (n < most && seconds_now() - began < limit) {
        int same = session(seed + n, verbose);
        n++;
        if (same) continue;
        char fault[sizeof m.fault];
        memcpy(fault, m.fault, sizeof fault);
        if (!verbose && !quiet) session(seed + n - 1, 1);
        printf("not ok 1 - sessions against the model\n# seed %llu differs: %s\n1..1\n",
               (unsigned long long)(seed + n - 1), fault);
        return 1;
    }
    printf("ok 1 - sessions against the model\n"
           "# %llu sessions from seed %llu, %.0f a second, %llu too large for the model\n1..1\n",
           (unsigned long long)n, (unsigned long long)seed,
           (double)n / (seconds_now() - began + 1e-9), (unsigned long long)skipped);
    return 0;
}
