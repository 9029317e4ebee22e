/* SPDX-License-Identifier: MIT */
/* connections - see connections.h. */
#define _POSIX_C_SOURCE 200809L
#include "connections.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "popcl_net.h"
#include "sentences.h"
#include "system.h"

#define STOP_MS 5000u
/* of a group of messages that becomes durable at a time: more would hardly make it faster */
#define GROUP_OCTETS (4u << 20)
/* of a refused message that are read: cheaper than a new session */
#define DRAIN_OCTETS (64u << 20)

/* ---- the transport: the port's, with the address's %scope, and a limit to waiting after a signal
 * ---- */

typedef struct transport {
    popcl_posix_net net; /* first: the port's functions get a transport as context */
    const char *dial;
    cmd_report *report;
    const cmd_connections *run;
    cmd_job *job;
    const volatile sig_atomic_t *stop;
    int stopping, gains;
    uint32_t stop_ms; /* when a signal was first seen */
} transport;

static popcl_err dial(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    transport *t = ctx;
    (void)host; /* host names the account; the address to connect to may have a scope */
    popcl_err e = popcl_posix.open(&t->net, t->dial, port, limit_ms);
    if (e == POPCL_OK && t->net.socks_host)
        cmd_report_detail(t->report, "connected by the SOCKS server %s port %u", t->net.peer,
                          (unsigned)t->net.socks_port);
    else if (e == POPCL_OK)
        cmd_report_detail(t->report, "connected to %s port %u", t->net.peer, (unsigned)port);
    return e;
}

/* Returns whether an orderly shutdown has an effect: without QUIT no message is deleted (RFC 1939,
 * 6). */
static int gains_by_waiting(const transport *t) {
    popcl_diag d;
    popcl_fetch_get_diag(&t->run->fetch, &d);
    return t->run->options->delete &&(t->run->job.complete || d.marked);
}

/* After Ctrl-C a person must not wait for a stalled server, or without need. An orderly shutdown
 * with an effect has STOP_MS; then the connection is given up. */
static int32_t wait_or_give_up(void *ctx, unsigned want, uint32_t limit_ms) {
    transport *t = ctx;
    /* the progress of a server that stalls is shown too */
    uint32_t progress_ms = cmd_job_show_progress(t->job);
    if (limit_ms > progress_ms) limit_ms = progress_ms;
    if (*t->stop && !t->stopping) {
        t->stopping = 1;
        t->stop_ms = popcl_posix.now_ms(&t->net);
        t->gains = gains_by_waiting(t);
        if (t->gains)
            cmd_report_note(t->report, "finishing the message under way; again to stop at once");
    }
    if (t->stopping && !(want & (unsigned)POPCL_NET_STOP)) { /* the job knows of it */
        uint32_t passed = popcl_posix.now_ms(&t->net) - t->stop_ms;
        if (!t->gains || passed >= STOP_MS) return POPCL_NET_FAILED;
    }
    if (t->stopping && limit_ms > STOP_MS) limit_ms = STOP_MS;
    return popcl_posix.wait(&t->net, want, limit_ms);
}

/* ---- time ---- */

void cmd_connections_begin(cmd_connections *c, const cmd_options *options) {
    popcl_posix_net clock = {0};
    c->options = options;
    c->began_ms = popcl_posix.now_ms(&clock);
}

uint32_t cmd_connections_time_left(const cmd_connections *c) {
    popcl_posix_net clock = {0};
    uint32_t passed = popcl_posix.now_ms(&clock) - c->began_ms;
    return passed < c->options->total_ms ? c->options->total_ms - passed : 0;
}

/* ---- a session ---- */

/* Returns how many messages --limit leaves; 0 = no limit. */
static uint32_t limit_left(const cmd_connections *c) {
    const cmd_options *o = c->options;
    if (o->action != CMD_FETCH || !o->limit) return 0;
    return o->limit > c->job.stored ? o->limit - c->job.stored : 1;
}

/* The server may refuse UIDL in so many runs before the account counts as one without UIDs. */
enum { REFUSALS_MAX = 3 };

/* Half a second of a host. */
enum { SCRAM_ITERATIONS_MAX = 1000000 };

/* A page of them takes memory only once it is used. */
static unsigned char plan[CMD_PLAN_OCTETS];
static popcl_flight window[CMD_WINDOW];

/* The one place where user name and secret go to the library. */
static void give_login(const cmd_connections *c, popcl_fetch_config *cfg) {
    const cmd_login *l = c->login;
    popcl_secret *secret = c->options->source == CMD_SOURCE_TOKEN ? &cfg->token : &cfg->secret;
    cfg->session.user = l->user;
    secret->octets = l->secret;
    secret->len = l->secret_len;
}

static popcl_fetch_config configure(cmd_connections *c, uint32_t total_ms) {
    const cmd_options *o = c->options;
    const cmd_record *record = &c->file->record;
    int few = cmd_select_few(&o->selection); /* LIST then goes with each RETR */
    int all = !few && (!o->only_new || !cmd_record_has_uids(record));
    popcl_fetch_config cfg;
    memset(&cfg, 0, sizeof cfg);
    cfg.session.host = o->host;
    cfg.session.port = o->port;
    cfg.session.security = o->security;
    cfg.mechs = popcl_mechs_all;
    cfg.auth = o->auth;
    give_login(c, &cfg);
    cfg.session.iobuf = c->iobuf;
    cfg.session.iobuf_len = o->iobuf_len                 ? o->iobuf_len
                            : o->security == POPCL_CLEAR ? sizeof c->iobuf
                                                         : CMD_IOBUF_TLS;
    if (o->security != POPCL_CLEAR) cfg.session.tls = &c->tls->tls;
    cfg.session.seed = &c->tls->seed;
    cfg.scram_iterations_max = SCRAM_ITERATIONS_MAX;
    cfg.plan = plan;
    cfg.plan_len = sizeof plan;
    c->had_window = !c->file->record.one_at_a_time;
    cfg.session.window = c->had_window ? window : NULL;
    cfg.session.window_len = CMD_WINDOW;
    cfg.session.connect_ms = o->connect_ms;
    cfg.session.idle_ms = o->idle_ms;
    cfg.session.total_ms = total_ms;
    cfg.max_size = o->action == CMD_FETCH ? o->max_size : 0;
    cfg.max_messages = limit_left(c);
    cfg.drain_max = DRAIN_OCTETS;
    cfg.passes = UINT16_MAX;
    cfg.group_messages = o->sync_each ? 1 : POPCL_STORE_GROUP;
    cfg.group_octets = GROUP_OCTETS;
    /* An unfetched deletion, an empty body and a header are judged by LIST's size. If all messages
     * are wanted, LIST can leave with UIDL. */
    cfg.need_size = o->action == CMD_LIST || o->action == CMD_DRY_RUN || o->delete ||
                    o->delete_after || o->keep_newest ||
                    (o->only_new && cmd_record_has_headers(record)) ||
                    (o->action == CMD_FETCH && (all || cmd_record_has_failed(record)));
    /* without UIDs all mail would come again under other names */
    if ((o->action == CMD_FETCH || o->only_new || o->action == CMD_CHECK) &&
        c->file->record.no_uidl < REFUSALS_MAX && cmd_record_has_uids(&c->file->record))
        cfg.uids = POPCL_UIDS_REQUIRED;
    /* without them no message can be chosen, or known again */
    if (o->selection.uids_len || o->action == CMD_CATCH_UP) cfg.uids = POPCL_UIDS_REQUIRED;
    cfg.top_lines = o->top_lines;
    cfg.no_capa = o->no_capa;
    cfg.utf8 = o->utf8;
    cfg.lang = o->lang;
    cfg.sink = &cmd_job_sink;
    cfg.sink_ctx = cfg.ctx = &c->job;
    cfg.decide = cmd_job_decide;
    cfg.listed = o->action == CMD_FETCH ? cmd_job_listed : NULL; /* a look forgets no message */
    cfg.fate = cmd_job_fate;
    if (c->report->trace_fd >= 0) cfg.session.trace = cmd_report_trace;
    cfg.session.trace_ctx = c->report;
    return cfg;
}

static transport transport_of(cmd_connections *c) {
    static const int families[] = {
        [CMD_ANY_FAMILY] = AF_UNSPEC, [CMD_IPV4] = AF_INET, [CMD_IPV6] = AF_INET6};
    transport t = {
        .dial = c->options->dial, .report = c->report, .run = c, .job = &c->job, .stop = c->stop};
    t.net.family = families[c->options->family];
    t.net.stop = c->stop;
    if (*c->options->bind) t.net.local_address = c->options->bind;
    if (*c->options->socks) t.net.socks_host = c->options->socks;
    t.net.socks_port = c->options->socks_port;
    if (c->options->security != POPCL_CLEAR) {
        t.net.ahead = c->ahead;
        t.net.ahead_len = sizeof c->ahead;
    }
    return t;
}

/* An account that is known by UIDs waits a few runs for them, not for ever. */
static void count_refusals(cmd_connections *c, const popcl_diag *d) {
    cmd_record *record = &c->file->record;
    uint8_t before = record->no_uidl;
    if (d->err == POPCL_ERR_NO_UIDL && record->no_uidl < UINT8_MAX && cmd_record_has_uids(record))
        record->no_uidl++;
    else if (d->listed && !d->no_uids)
        record->no_uidl = 0;
    if (record->no_uidl != before) record->changed = 1;
}

/* Runs that send one command at a time: after replies that did not match, and after a session that
 * broke before all replies came. */
enum { ONE_AT_A_TIME_SHIFTED = 64, ONE_AT_A_TIME_BROKEN = 4 };

/* Returns whether the server hung up at a CAPA that was only sent to learn of PIPELINING. */
static int capa_was_too_much(const cmd_connections *c, const popcl_diag *d) {
    return c->had_window && d->err == POPCL_ERR_CAPA && c->options->auth != POPCL_AUTH_AUTO;
}

/* The next session cannot lose a reply. Until then nothing that this one stored is sure. */
static void go_one_at_a_time(cmd_connections *c, const popcl_diag *d) {
    cmd_record *record = &c->file->record;
    uint8_t runs = d->shifted || capa_was_too_much(c, d) ? ONE_AT_A_TIME_SHIFTED
                   : d->unsure                           ? ONE_AT_A_TIME_BROKEN
                                                         : 0;
    if (runs <= record->one_at_a_time) return;
    record->one_at_a_time = runs;
    record->changed = 1;
}

/* Runs one session. *d reports how it went, and special the facts that only TLS knows. */
static void run_session(cmd_connections *c, const cmd_entry *alone, uint32_t total_ms,
                        popcl_diag *d, char *special, size_t special_len) {
    popcl_net net = popcl_posix;
    transport t = transport_of(c);
    net.open = dial;
    net.wait = wait_or_give_up;
    c->job.options = c->options;
    c->job.report = c->report;
    c->job.file = c->file;
    c->job.store = c->store;
    c->job.fetch = &c->fetch;
    c->job.tls = c->tls;
    c->job.stop = c->stop;
    c->job.now_ms = net.now_ms;
    c->job.clock = &t;
    cmd_job_begin(&c->job, alone);
    popcl_fetch_config cfg = configure(c, total_ms);
    (void)popcl_fetch_start(&c->fetch, &cfg, 0);
    (void)popcl_run(&c->fetch.session, &net, &t);
    popcl_fetch_get_diag(&c->fetch, d);
    cmd_tls_explain(c->tls, d->err, c->report, special, special_len);
    cmd_job_end(&c->job, d);
    count_refusals(c, d);
    go_one_at_a_time(c, d);
    popcl_fetch_wipe(&c->fetch);
}

/* ---- the next session ---- */

enum next { END, OTHERS, ALONE, FRESH_TOKEN };

/* Returns the last part of the run's time, which a session keeps for its QUIT: too little for
 * another session. */
static uint32_t quit_reserve(const cmd_options *o) {
    return o->total_ms / 4 < POPCL_QUIT_MS ? o->total_ms / 4 : POPCL_QUIT_MS;
}

/* After a connection that broke inside a message, every other message can still be fetched. After
 * one whose end voided deletions, they can still be made. After a session that sent QUIT, nothing
 * is left to do. After a break of the protocol or of TLS there is no further connection: the next
 * run fetches every other message first. But if commands were sent ahead, the server may be one
 * that loses them: then a connection follows that sends one at a time. */
static enum next what_next(const cmd_connections *c, const popcl_diag *d) {
    const cmd_options *o = c->options;
    if (*c->stop || c->job.sessions + (c->is_renewed ? 1u : 0u) >= CMD_CONNECTIONS ||
        cmd_connections_time_left(c) <= quit_reserve(o))
        return END;
    if (d->err == POPCL_ERR_TOKEN && c->renew && !c->is_renewed) return FRESH_TOKEN;
    int is_over = popcl_err_class(d->err) == POPCL_CLASS_DISK || d->err == POPCL_ERR_STOPPED ||
                  (o->limit && c->job.stored >= o->limit);
    if (is_over) return END;
    if (capa_was_too_much(c, d) || d->unsure || d->shifted) return OTHERS;
    if (o->action != CMD_FETCH || !d->listing_reached) return END;
    if (c->job.broken && popcl_err_class(c->job.broken) != POPCL_CLASS_LATER) return END;
    if (c->job.broken && !c->job.alone) return OTHERS;
    if (!c->job.broken && !d->quit_left)
        return d->deletions == POPCL_VOID && popcl_err_class(d->err) == POPCL_CLASS_LATER ? OTHERS
                                                                                          : END;
    return cmd_record_pick(&c->file->record) ? ALONE : END;
}

/* A token may have expired since it was made, so a run gets a second one, and never a third. Then
 * the session of the refused one does not count: nothing was done in it. Returns 1; or 0 if there
 * is no fresh token, and the refusal is the result. */
static int get_fresh_token(cmd_connections *c, popcl_diag *d) {
    cmd_report_detail(c->report, "the server refuses the token; getting a fresh one");
    c->is_renewed = 1;
    if (c->renew(c->renew_ctx) == 0) {
        c->job.sessions--;
        return 1;
    }
    /* the server may have repeated the token, which the report does not know any more */
    cmd_wipe(&d->reply, sizeof d->reply);
    if (*c->stop) d->err = POPCL_ERR_STOPPED;
    return 0;
}

/* ---- the sum ---- */

static int is_failure(const popcl_diag *d) {
    return popcl_err_class(d->err) != POPCL_CLASS_DONE && d->err != POPCL_ERR_TOO_LARGE;
}

int cmd_connections_is_quit(const popcl_diag *d) {
    int is_quit = d->err == POPCL_ERR_QUIT_UNKNOWN || d->err == POPCL_ERR_QUIT_REFUSED ||
                  d->err == POPCL_ERR_TIMEOUT_QUIT ||
                  (d->err == POPCL_ERR_TIMEOUT_TOTAL && strcmp(d->verb, "QUIT") == 0);
    return is_quit && d->quit_left && !d->failed;
}

/* Returns whether a further session that did not reach its messages left everything as it was.
 * Errors of certificates do not count: an attacker may be in between now. */
static int may_wait(const popcl_diag *d) {
    popcl_class class = popcl_err_class(d->err);
    if (d->err == POPCL_ERR_NO_TOP) return 1;
    return !d->listing_reached && (class == POPCL_CLASS_LATER || class == POPCL_CLASS_LOGIN ||
                                   class == POPCL_CLASS_UNAVAILABLE || class == POPCL_CLASS_HOST);
}

static void take_result(cmd_connections *c, const popcl_diag *d, const char *special) {
    c->diag = *d;
    memcpy(c->special, special, sizeof c->special);
}

/* Counts how many are left. A session whose listing was cut did not see each of them. The same
 * holds if it got UIDs and the session before did not, or the reverse. */
static void count_left(cmd_connections *c, const popcl_diag *d) {
    uint32_t left = (uint32_t)cmd_record_left(&c->file->record) + c->job.avoided;
    int saw_all = c->job.listing_ended && (c->job.sessions == 1 || c->no_uids == d->no_uids);
    if (!d->listing_reached) return;
    if (saw_all || left > c->left) c->left = left;
    c->no_uids = d->no_uids;
}

/* Returns whether the failure of a message that was tried alone is more exact than the present
 * result. */
static int says_more(const cmd_connections *c, const popcl_diag *d) {
    if (!is_failure(d)) return 0;
    return !is_failure(&c->diag) || (cmd_connections_is_quit(&c->diag) && d->failed);
}

/* A session that asks for every message makes up for work that earlier ones did not do. */
static void connections_add(cmd_connections *c, const popcl_diag *d, const char *special) {
    int is_first = c->job.sessions == 1;
    uint32_t open = d->deletions == POPCL_DELETED ? 0 : d->marked;
    c->stored = c->job.stored;
    if (d->deletions == POPCL_DELETED) c->deleted += d->marked;
    if (!is_first && may_wait(d)) {
        cmd_report_detail(c->report,
                          "a further connection failed: %s; the rest is left for the "
                          "next run",
                          cmd_sentences_what(d->err));
        return;
    }
    c->unconfirmed = c->job.alone ? c->unconfirmed + open : open;
    c->listing_reached |= d->listing_reached;
    count_left(c, d);
    if (c->job.broken && !c->broken.err) c->broken = *d;
    if (is_first || !c->job.alone || d->err == POPCL_ERR_STOPPED || says_more(c, d))
        take_result(c, d, special);
}

/* While a message is left, the run has not succeeded. */
static void connections_settle(cmd_connections *c) {
    if (!c->left || is_failure(&c->diag)) return;
    if (c->broken.err) {
        c->diag = c->broken;
        c->diag.failed = c->left;
    } else if (c->diag.err != POPCL_MORE) {
        c->diag.err = POPCL_ERR_CLOSED_MESSAGE; /* it broke in an earlier run */
        c->diag.failed = c->left;
    }
    c->special[0] = '\0';
}

void cmd_connections_run(cmd_connections *c) {
    popcl_posix_net clock = {0};
    char special[sizeof c->special];
    enum next next = OTHERS;
    popcl_diag d;
    cmd_record *record = &c->file->record;
    uint8_t slow_runs = record->one_at_a_time;
    for (;;) {
        const cmd_entry *alone = next == ALONE ? cmd_record_pick(&c->file->record) : NULL;
        uint32_t left = cmd_connections_time_left(c);
        run_session(c, alone, left ? left : 1, &d, special, sizeof special);
        next = what_next(c, &d);
        if (next == FRESH_TOKEN && get_fresh_token(c, &d)) {
            cmd_tls_begin_again(c->tls);
            continue;
        }
        connections_add(c, &d, special);
        cmd_record_file_pass(c->file, popcl_posix.now_ms(&clock));
        if (next == END || next == FRESH_TOKEN || cmd_store_open_again(c->store) < 0) break;
        cmd_report_detail(c->report, next == ALONE ? "connecting again, for one message alone: a "
                                                     "session broke inside it"
                                                   : "connecting again, for what the end of the "
                                                     "connection left undone");
        cmd_tls_begin_again(c->tls);
    }
    if (slow_runs && record->one_at_a_time == slow_runs) {
        record->one_at_a_time--;
        record->changed = 1;
    }
    cmd_wipe(&d, sizeof d); /* a server may have repeated the password in its text */
    connections_settle(c);
}
