/* SPDX-License-Identifier: MIT */
/* run - the transcript runner: drives popcl through its pumps as the scripts say, in every way of
 * cutting octets and time, and compares the logs. Each case is run whole, octet by octet, and with
 * each turn of the server cut in two at every place (in long turns at a sample of places and around
 * every line end); with a transport that takes one octet at a time, and with the least record
 * buffer. Then the same inside of TLS, where it is the octets of the records that are cut: each cut
 * of a case goes on from a copy of one session after its handshake.
 *
 *     run [-q|-w] [-c CASE] [FILE...]   FILE: default tests/transcripts/[*].txt
 *         -q         the quick ways alone: no records are cut
 *         -w         only with windows of 2, 8 and 256 commands, and then also ahead (ahead.c)
 *         -c CASE    only the case of this name
 *
 * Prints TAP: a result for each case, with a diff if it failed. Exit code 0, 1 if a case failed, 2
 * for a malformed script. */
#define _POSIX_C_SOURCE 200809L
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#define CANARY_LEN   64u
#define CANARY       0x5c
#define LONG_TURN    600u /* octets; longer ones are cut at a sample of places */
#define LONG_SAMPLE  97u  /* places between those */
#define AHEAD_SAMPLE 5u
#define HUGE_TURN    40000u /* octets; of such only the ends are cut */
#define HUGE_EDGE    40u
#define RESUMES_MAX  200000 /* a pause that never ends is a fault of the script */

/* ---- the caller's buffers ---- */

static void block_make(block *b, size_t n, int exact, unsigned char fill) {
    size_t around = exact ? 0 : CANARY_LEN;
    b->all = malloc(n + 2 * around);
    if (!b->all) abort();
    memset(b->all, CANARY, n + 2 * around);
    b->p = b->all + around;
    b->n = n;
    b->exact = exact;
    memset(b->p, fill, n);
}

static void block_check(run *r, const block *b, const char *name) {
    for (size_t i = 0; !b->exact && i < CANARY_LEN; i++) {
        if (b->all[i] != CANARY || b->p[b->n + i] != CANARY)
            run_fault(r, "written outside %s", name);
    }
}

#define FILL 0xa5 /* what the caller's buffers hold before */

/* untouched: what was never written may still be there. */
static void block_check_zero(run *r, const block *b, const char *name, int untouched) {
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i] && !(untouched && b->p[i] == FILL)) {
            run_fault(r, "%s holds something after wipe", name);
            return;
        }
    }
}

static void run_wipe(run *r) {
    if (r->s->session)
        popcl_wipe(r->session);
    else
        job_wipe(r);
}

/* ---- the server and the transport ---- */

static unsigned state_of(run *r) {
    unsigned state = popcl_state(r->session);
    if ((state & POPCL_DONE) && state != POPCL_DONE)
        run_fault(r, "DONE does not stand alone: %#x", state);
    return state;
}

/* Ends pauses, unless the case wants them to last. */
static void settle(run *r) {
    int resumes = 0;
    while (!r->s->no_resume && (state_of(r) & POPCL_PAUSED)) {
        popcl_resume(r->session);
        if (++resumes > RESUMES_MAX) {
            run_fault(r, "paused for ever");
            return;
        }
    }
}

/* Offers p[0..n); returns how much was read. */
static size_t offer(run *r, const unsigned char *p, size_t n) {
    size_t done = 0;
    while (done < n && !r->fault[0]) {
        settle(r);
        if (state_of(r) == POPCL_DONE) return n; /* nobody listens any more */
        size_t room;
        unsigned char *buf = popcl_recv_buf(r->session, &room);
        if ((room > 0) != ((state_of(r) & POPCL_RECV) != 0))
            run_fault(r, "recv_buf and the state word differ");
        /* it has to answer before it reads on */
        if (room == 0 && r->in_tls && (r->s->tls || r->s->stls) && secure_listen(r)) continue;
        if (room == 0) break;
        size_t take = n - done < room ? n - done : room;
        memcpy(buf, p + done, take);
        done += take;
        popcl_recv_ack(r->session, take);
    }
    return done;
}

/* What was not read while the machine was paused comes first. */
void run_deliver(run *r, const unsigned char *p, size_t n) {
    if (r->backlog.n) {
        size_t done = offer(r, r->backlog.p, r->backlog.n);
        memmove(r->backlog.p, r->backlog.p + done, r->backlog.n - done);
        r->backlog.n -= done;
    }
    size_t done = r->backlog.n ? 0 : offer(r, p, n);
    if (done == n) return;
    if (!(state_of(r) & POPCL_PAUSED)) run_fault(r, "neither reads nor pauses");
    r->backlog.p = realloc(r->backlog.p, r->backlog.n + n - done);
    if (!r->backlog.p) abort();
    memcpy(r->backlog.p + r->backlog.n, p + done, n - done);
    r->backlog.n += n - done;
}

/* A turn of the server's reaches the client, in the pieces that the mode wants. */
static void arrive(run *r, const octets *o) {
    size_t piece = r->m->each ? 1 : o->n;
    if (r->m->turn == r->turn) r->turn_octets = o->n;
    if (!r->m->each && r->m->at && r->m->turn == r->turn && r->m->at < o->n) piece = r->m->at;
    for (size_t at = 0; at < o->n && !r->fault[0]; at += piece) {
        if (at > 0 && !r->m->each) piece = o->n - at;
        run_deliver(r, o->p + at, piece);
    }
    settle(r);
    r->turn++;
}

void run_server_says(run *r, const octets *text) {
    if (r->quit_sent && text->n >= 3 && memcmp(text->p, "+OK", 3) == 0) r->quit_ok = 1;
    if (r->m->security == POPCL_TLS && !r->in_tls)
        secure_swallow(r); /* a server without TLS */
    else if (r->in_tls && (r->s->tls || r->s->stls))
        secure_listen(r); /* an alert, it may be */
    octets records = r->in_tls ? secure_records(text) : (octets){NULL, 0};
    arrive(r, r->in_tls ? &records : text);
    free(records.p);
    /* to close_notify, where the case knows nothing of it */
    if (r->in_tls && r->quit_ok && !r->s->tls && !r->s->stls) secure_listen(r);
}

/* No message is deleted that is not durable, but for those that are deleted unfetched [I3]. */
static void check_command(run *r) {
    unsigned long number;
    if (sscanf(r->line, "DELE %lu", &number) == 1 && number < MESSAGES && !r->s->session) {
        if (!(r->known[number] & (DURABLE | UNFETCHED)))
            run_fault(r, "DELE %lu, and it is not durable", number);
        r->known[number] |= ASKED_DELE;
    }
    if (strcmp(r->line, "QUIT") == 0) r->quit_sent = 1;
}

/* Up to the end of a line of what the machine sends; the last octets are acknowledged when the line
 * was looked at. Returns how many octets that are, 0 if there is no whole line. */
static size_t take_clear_line(run *r) {
    while (!r->fault[0]) {
        settle(r);
        size_t n;
        const unsigned char *p = popcl_send_buf(r->session, &n);
        if ((n > 0) != ((state_of(r) & POPCL_SEND) != 0))
            run_fault(r, "send_buf and the state word differ");
        if (n == 0) return 0;
        const unsigned char *end = memchr(p, '\n', n);
        size_t take = r->m->send_one ? 1 : end ? (size_t)(end - p) + 1 : n;
        if (r->line_n + take >= sizeof r->line) break;
        memcpy(r->line + r->line_n, p, take);
        r->line_n += take;
        if (r->m->security != POPCL_CLEAR) secure_note_clear(r, p, take);
        if (p[take - 1] == '\n') return take;
        popcl_send_ack(r->session, take);
    }
    return 0;
}

static size_t take_secure_line(run *r) {
    unsigned char octet;
    while (settle(r), r->line_n < sizeof r->line - 1 && secure_take_octet(r, &octet)) {
        r->line[r->line_n++] = (char)octet;
        if (octet == '\n') return 1;
    }
    return 0;
}

/* The session computes, a step a tick, without waiting for anything. */
static void compute(run *r) {
    while (state_of(r) & POPCL_COMPUTING) {
        if (popcl_next_deadline(r->session)) run_fault(r, "it computes, and wants no tick at once");
        popcl_tick(r->session, r->now);
    }
}

/* Takes one command line from the machine, and logs it. Returns 0 if there is none. */
int run_take_command(run *r) {
    compute(r);
    int secure = r->in_tls || r->m->security == POPCL_TLS;
    size_t taken = secure ? take_secure_line(r) : take_clear_line(r);
    if (r->line_n > POPCL_COMMAND_MAX && popcl_last_verb(r->session) != POPCL_RESPONSE)
        run_fault(r, "a command over 255 octets");
    else if (taken == 0 && r->line_n && state_of(r) != POPCL_DONE)
        run_fault(r, "half a command");
    if (r->fault[0] || taken == 0) return 0;
    if (r->line_n < 2 || r->line[r->line_n - 2] != '\r') run_fault(r, "a command without CR");
    r->line[r->line_n < 2 ? 0 : r->line_n - 2] = 0;
    log_line(&r->log, 0, "C: %s", r->line);
    check_command(r);
    r->line_n = 0;
    if (!secure) popcl_send_ack(r->session, taken);
    return 1;
}

/* ---- time ---- */

static void pass_time(run *r, uint32_t ms) {
    int standing = 0;
    if (!r->m->small_ticks) {
        popcl_tick(r->session, r->now); /* what moved before counts from now */
        r->now += ms;
        popcl_tick(r->session, r->now);
        return;
    }
    for (uint32_t passed = 0; passed < ms && standing < 100;) {
        popcl_tick(r->session, r->now);
        uint32_t next = popcl_next_deadline(r->session);
        if (next > POPCL_MS_MAX) run_fault(r, "a deadline beyond 2^30 ms");
        standing = next == 0 ? standing + 1 : 0;
        if (next > ms - passed) next = ms - passed;
        passed += next;
        r->now += next;
    }
    if (standing) run_fault(r, "time stands still: the next deadline is always now");
    popcl_tick(r->session, r->now);
}

/* ---- one run ---- */

static void come_up(run *r) {
    if (run_is_below(r))
        popcl_connected_secured(r->session, r->now, NULL);
    else
        popcl_connected(r->session, r->now);
}

static void act(run *r, const step *t) {
    if (r->backlog.n) run_deliver(r, (const unsigned char *)"", 0);
    switch (t->action) {
    case DO_EOF: popcl_recv_eof(r->session); break;
    case DO_STOP: popcl_stop(r->session); break;
    case DO_FAIL: popcl_fail(r->session, t->err, t->code); break;
    case DO_CONNECTED:
        come_up(r);
        r->connected = 1;
        break;
    case DO_RESUME: popcl_resume(r->session); break;
    case DO_WIPE:
        run_wipe(r);
        r->wiped = 1;
        return;
    default: break;
    }
    if (r->backlog.n) run_deliver(r, (const unsigned char *)"", 0); /* it may be read now */
}

/* Behind STLS the job always says CAPA first. Where the case has none there, it is answered here.
 */
static void refuse_capa(run *r) {
    static const octets err = {(unsigned char *)"-ERR\r\n", 6};
    if (!run_take_command(r) || strcmp(r->line, "CAPA") != 0) run_fault(r, "CAPA did not come");
    log_drop(&r->log); /* CAPA */
    octets records = secure_records(&err);
    arrive(r, &records);
    free(records.p);
}

/* STLS in front of a case that knows nothing of it: its greeting comes in clear, the rest inside of
 * TLS. */
static void start_tls(run *r) {
    static octets ok = {(unsigned char *)"+OK\r\n", 5};
    if (!run_take_command(r) || strcmp(r->line, "STLS") != 0) run_fault(r, "STLS did not come");
    log_drop(&r->log); /* STLS */
    arrive(r, &ok);
    secure_handshake(r);
    unsigned auth = r->s->cfg.auth;
    int is_one = auth && !(auth & (auth - 1)) && !r->s->cfg.utf8 && !r->s->lang.p;
    if (r->s->cfg.no_capa || is_one) refuse_capa(r);
}

static void tls_step(run *r, const step *t) {
    octets o = secure_step(r, &t->text);
    if (o.n) arrive(r, &o);
    free(o.p);
}

void run_play_step(run *r, const step *t) {
    switch (t->kind) {
    case STEP_SERVER: run_server_says(r, &t->text); break;
    case STEP_COMMAND:
        if (!run_take_command(r))
            run_fault(r, "line %d: this command did not come", t->line);
        else if (strcmp(r->line, (const char *)t->text.p) != 0)
            run_fault(r, "line %d: another command came", t->line);
        break;
    case STEP_TIME:
        pass_time(r, t->ms);
        if (r->backlog.n) run_deliver(r, (const unsigned char *)"", 0); /* a pause may have ended */
        break;
    case STEP_SUBMIT: session_submit(r, (const char *)t->text.p); break;
    case STEP_TLS: tls_step(r, t); break;
    default: act(r, t);
    }
}

static void play(run *r) {
    const script *s = r->s;
    int of_tls = s->tls || s->stls; /* else the case knows nothing of TLS, and gets it from here */
    for (size_t i = 0; i < s->step_count && !r->fault[0] && !r->wiped; i++) {
        if (r->m->security == POPCL_TLS && !of_tls && !r->in_tls && r->connected)
            secure_handshake(r);
        run_play_step(r, &s->steps[i]);
        if (r->m->security == POPCL_STLS && !of_tls && i == 0) start_tls(r);
    }
    while (!r->fault[0] && !r->wiped && run_take_command(r))
        continue; /* what comes unexpectedly is in the log now */
    if (r->m->security != POPCL_CLEAR) secure_check_clear(r);
}

/* After the end nothing that comes in has any effect. */
static void check_done(run *r) {
    size_t n, before = r->log.count;
    popcl_err result = popcl_result(r->session);
    if (popcl_send_buf(r->session, &n), n) run_fault(r, "something to send after the end");
    if (popcl_recv_buf(r->session, &n), n) run_fault(r, "something to receive after the end");
    popcl_recv_ack(r->session, 1);
    popcl_send_ack(r->session, 1);
    popcl_recv_eof(r->session);
    popcl_resume(r->session);
    popcl_stop(r->session);
    popcl_fail(r->session, POPCL_ERR_NET, 5);
    popcl_connected(r->session, r->now);
    popcl_tick(r->session, r->now + 1000000000u);
    if (r->log.count != before) run_fault(r, "an event after the end");
    if (popcl_result(r->session) != result) run_fault(r, "the result changed after the end");
    if (state_of(r) != POPCL_DONE) run_fault(r, "it came back after the end");
}

/* The session succeeds only if QUIT got +OK [I4], and no failure is hidden behind success [I8]. */
static void check_result(run *r) {
    popcl_err result = popcl_result(r->session);
    int success = popcl_err_class(result) == POPCL_CLASS_DONE;
    if (success && !r->quit_ok) run_fault(r, "%s without +OK to QUIT", popcl_err_name(result));
    if (success && r->trouble && !r->s->session)
        run_fault(r, "%s although something failed", popcl_err_name(result));
    if (r->open && !r->s->session)
        run_fault(r, "message %lu was neither committed nor aborted", (unsigned long)r->open);
}

static size_t check_hits;
static const char *check_text;
static char check_actual[300];

static void check_line(run *r, const char *line) {
    size_t key = strcspn(check_text, " ");
    (void)r;
    if (strncmp(line, check_text, key) == 0 && (line[key] == ' ' || line[key] == 0))
        snprintf(check_actual, sizeof check_actual, "%s", line);
    if (strcmp(line, check_text) == 0) check_hits++;
}

static void check_diagnosis(run *r) {
    for (size_t i = 0; i < r->s->check_count; i++) {
        check_text = (const char *)r->s->checks[i].p;
        if (r->m->ahead && !ahead_compares(r, check_text)) continue;
        check_hits = 0;
        check_actual[0] = 0;
        if (r->s->session)
            session_diagnosis(r, check_line);
        else
            job_diagnosis(r, check_line);
        if (!check_hits) run_fault(r, "? %s: it is `%.100s`", check_text, check_actual);
    }
}

static void finish(run *r) {
    if (!r->wiped) {
        if (state_of(r) == POPCL_DONE) {
            if (!r->s->session)
                log_line(&r->log, 0, "result %s", popcl_err_name(popcl_result(r->session)));
            check_diagnosis(r);
            check_result(r);
            check_done(r);
        } else {
            log_line(&r->log, 0, "not done");
        }
        run_wipe(r);
    }
    if (r->secret_open) run_fault(r, "the secret was not released");
    if (r->open && !r->s->session)
        run_fault(r, "message %lu was left open by wipe", (unsigned long)r->open);
    block_check_zero(r, &r->it, "the struct", 0);
    if (!r->refused) {
        block_check_zero(r, &r->iobuf, "the record buffer", 0);
        if (!r->s->session) block_check_zero(r, &r->plan, "the plan", 1);
        if (r->m->security != POPCL_CLEAR) block_check_zero(r, &r->storage, "the TLS storage", 0);
    }
    run_wipe(r);
    block_check(r, &r->it, "the struct");
    block_check(r, &r->iobuf, "the record buffer");
    block_check(r, &r->plan, "the plan");
    block_check(r, &r->storage, "the TLS storage");
}

/* A script that gives a size of its own means it. */
static size_t iobuf_len(const script *s, const mode *m) {
    int usual = s->iobuf_len == 1024;
    if (m->least && s->iobuf_len > (long)POPCL_IOBUF_MIN) return POPCL_IOBUF_MIN;
    if (m->security == POPCL_CLEAR || s->iobuf_len < (long)POPCL_IOBUF_MIN)
        return (size_t)s->iobuf_len;
    return usual || !(s->tls || s->stls) ? m->iobuf : (size_t)s->iobuf_len;
}

static void run_begin(run *r, const script *s, const mode *m) {
    memset(r, 0, sizeof *r);
    r->s = s;
    r->m = m;
    r->now = m->clock;
    block_make(&r->it, s->session ? session_size() : job_size(), m->exact, FILL); /* [K12] */
    block_make(&r->iobuf, iobuf_len(s, m), m->exact, FILL);
    block_make(&r->plan, (size_t)s->plan_len, m->exact, FILL);
    block_make(&r->storage,
               m->security == POPCL_CLEAR ? 0 : tls_storage_len((enum tls_profile)m->profile),
               m->exact, FILL);
    if (m->security != POPCL_CLEAR) secure_begin(r);
    r->session = s->session ? (popcl *)r->it.p : &((popcl_fetch *)r->it.p)->session;
    popcl_err e = s->session ? session_start(r) : job_start(r);
    r->refused = e != POPCL_OK;
    if ((e == POPCL_OK) == (state_of(r) == POPCL_DONE))
        run_fault(r, "start returned %s, the state does not say so", popcl_err_name(e));
    if (e != popcl_result(r->session))
        run_fault(r, "start returned %s, the result is another", popcl_err_name(e));
    if (!s->unconnected) come_up(r);
    r->connected = !s->unconnected;
}

static void run_end(run *r) {
    free(r->it.all);
    free(r->iobuf.all);
    free(r->plan.all);
    free(r->storage.all);
    free(r->backlog.p);
    log_clear(&r->log);
}

/* ---- all runs of a case ---- */

static unsigned long passed, failed, runs;
static struct {
    unsigned long runs, several, compared; /* in how many of them several commands were in flight */
} went_ahead;

static void note_ahead(size_t most, const run *r) {
    went_ahead.runs++;
    went_ahead.several += most > 1;
    went_ahead.compared += most > 1 && ahead_compares(r, NULL);
}

static void show_difference(const run *r, const event_log *expected, const event_log *actual,
                            long at) {
    const script *s = r->s;
    const mode *m = r->m;
    printf("not ok %lu - %s\n# %s:%d (%s", passed + failed + 1, s->name, s->file, s->line, m->name);
    if (m->security != POPCL_CLEAR) printf(", %s", tls_profile_name((enum tls_profile)m->profile));
    if (m->window) printf(", window %u", m->window);
    if (m->at) printf(" %lu at octet %lu", (unsigned long)m->turn + 1, (unsigned long)m->at);
    printf(")%s%s\n", r->fault[0] ? ": " : "", r->fault);
    if (at >= 0) log_show(expected, actual, at);
}

static int judge(run *r) {
    const script *s = r->s;
    const mode *m = r->m;
    runs++;
    event_log expected = {0}, actual = {0};
    long at =
        m->ahead ? ahead_judge(r, &expected, &actual) : log_difference(&s->expected, &r->log, 0);
    int differs = at >= 0 || r->fault[0];
    if (differs)
        show_difference(r, m->ahead ? &expected : &s->expected, m->ahead ? &actual : &r->log, at);
    log_clear(&expected);
    log_clear(&actual);
    return differs;
}

/* Returns 0 if the run went as expected. */
static int try_mode(const script *s, const mode *m, run *r) {
    run_begin(r, s, m);
    if (m->ahead)
        note_ahead(ahead_play(r), r);
    else
        play(r);
    finish(r);
    int differs = judge(r);
    run_end(r);
    return differs;
}

/* Whether a long turn is cut here: around line ends and dots, and at a sample of other places. */
static int worth_cutting(const octets *o, size_t at) {
    if (at <= HUGE_EDGE || o->n - at <= HUGE_EDGE) return 1;
    if (o->n > HUGE_TURN) return at % (o->n / 50) == 0;
    if (o->n <= LONG_TURN || at % LONG_SAMPLE == 0) return 1;
    return memchr(o->p + at - 2, '\n', 4) != NULL && (o->n < 4 * LONG_TURN || at % 7 < 4);
}

static int try_cuts(const script *s, mode *m, run *r) {
    m->turn = 0;
    for (size_t i = 0; i < s->step_count; i++) {
        const step *t = &s->steps[i];
        if (t->kind != STEP_SERVER) continue;
        for (m->at = 1; m->at < t->text.n; m->at++) {
            if (!worth_cutting(&t->text, m->at)) continue;
            m->exact = m->at & 1;
            if (try_mode(s, m, r)) return 1;
        }
        m->turn++;
    }
    return 0;
}

/* ---- cuts of records ---- */

/* A copy of all memory of a run; it is put back where it was. */
typedef struct snapshot {
    run r;
    unsigned char *octets[4];
} snapshot;

static block *block_of(run *r, int i) {
    block *const blocks[] = {&r->it, &r->iobuf, &r->plan, &r->storage};
    return blocks[i];
}

static void snapshot_take(snapshot *at, run *r) {
    at->r = *r;
    for (int i = 0; i < 4; i++) {
        const block *b = block_of(r, i);
        at->octets[i] = malloc(b->n + 1);
        if (!at->octets[i]) abort();
        memcpy(at->octets[i], b->p, b->n);
    }
    secure_save();
}

static void snapshot_back(const snapshot *at, run *r) {
    free(r->backlog.p);
    log_clear(&r->log);
    *r = at->r;
    for (int i = 0; i < 4; i++)
        memcpy(block_of(r, i)->p, at->octets[i], block_of(r, i)->n);
    secure_restore();
}

static void snapshot_free(snapshot *at) {
    for (int i = 0; i < 4; i++)
        free(at->octets[i]);
}

/* Short turns are cut everywhere; long ones near their ends and at a sample of other places. */
static int worth_cutting_records(size_t n, size_t at) {
    if (n <= LONG_TURN || at <= HUGE_EDGE || n - at <= HUGE_EDGE) return 1;
    return n > HUGE_TURN ? at % (n / 50) == 0 : at % LONG_SAMPLE == 0;
}

/* Every turn, from the session's state after the handshake on. */
static int cut_from(const snapshot *after, mode *m, run *r) {
    for (m->turn = after->r.turn;; m->turn++) {
        size_t n = 2;
        for (m->at = 1; m->at < n; m->at++) {
            if (!worth_cutting_records(n, m->at)) continue;
            snapshot_back(after, r);
            r->turn_octets = 0;
            play(r);
            finish(r);
            if (judge(r)) return 1;
            if (m->at == 1) n = r->turn_octets;
        }
        if (n == 0) return 0;
    }
}

static int try_record_cuts(const script *s, mode *m, run *r) {
    static snapshot after;
    m->at = m->turn = 0;
    run_begin(r, s, m);
    if (r->connected && state_of(r) != POPCL_DONE && s->step_count) secure_handshake(r);
    int differs = 0;
    /* what is in the log already would not be in the snapshot */
    if (r->log.count == 0 && !r->fault[0]) {
        snapshot_take(&after, r);
        differs = cut_from(&after, m, r);
        snapshot_free(&after);
    }
    run_end(r);
    return differs;
}

/* ---- cases ---- */

static int quick, wide;
static const char *only; /* the name of the one case that is run; NULL: all */

/* Whether a case that knows nothing of TLS can have STLS in front: its first words are a plain
 * greeting. */
static int takes_stls(const script *s) {
    const step *t = s->steps;
    if (s->session || s->unconnected || s->show & SHOW_TRACE || s->step_count == 0 ||
        t->kind != STEP_SERVER)
        return 0;
    const char *text = (const char *)t->text.p, *end = strchr(text, '\n');
    return (strncmp(text, "+OK\r\n", 5) == 0 || strncmp(text, "+OK ", 4) == 0) &&
           end == text + t->text.n - 1 && end[-1] == '\r' && t->text.n <= POPCL_LINE_MAX &&
           !strchr(text, '<');
}

static int has_huge_turn(const script *s) {
    for (size_t i = 0; i < s->step_count; i++) {
        if (s->steps[i].text.n > HUGE_TURN) return 1;
    }
    return 0;
}

static int clear_modes(const script *s, run *r) {
    static const mode modes[] = {
        {.exact = 1, .name = "whole"},
        {.name = "whole, with canaries", .small_ticks = 1, .clock = 4294960000u},
        {.each = 1, .exact = 1, .small_ticks = 1, .name = "octet by octet"},
        {.send_one = 1, .name = "sending one octet at a time"},
        {.each = 1, .send_one = 1, .name = "one octet at a time both ways"},
        {.least = 1, .exact = 1, .name = "least record buffer"},
    };
    mode cut = {.name = "cut in turn", .clock = 1000};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (try_mode(s, &modes[i], r)) return 1;
    }
    return try_cuts(s, &cut, r);
}

enum {
    LEAST = POPCL_IOBUF_SIZE(512),
    USUAL = POPCL_IOBUF_SIZE(1024),
    MOST = POPCL_IOBUF_SIZE(16384)
};

static int secure_modes(const script *s, run *r) {
    static const mode modes[] = {
        {.security = POPCL_TLS, .iobuf = MOST, .exact = 1, .name = "POP3S whole"},
        {.security = POPCL_TLS,
         .iobuf = LEAST,
         .each = 1,
         .small_ticks = 1,
         .clock = 4294960000u,
         .name = "POP3S octet by octet"},
        {.security = POPCL_TLS,
         .iobuf = LEAST,
         .fragment = 1,
         .empty = 1,
         .send_one = 1,
         .exact = 1,
         .name = "POP3S in records of one octet"},
        {.security = POPCL_STLS, .iobuf = USUAL, .handshake_records = 16384, .name = "STLS"},
    };
    static const mode below[] = {
        {.below = 1, .exact = 1, .name = "TLS below, whole"},
        {.below = 1, .each = 1, .send_one = 1, .least = 1, .name = "TLS below, octet by octet"},
    };
    mode cut = {.security = POPCL_TLS,
                .iobuf = LEAST,
                .exact = 1,
                .clock = 1000,
                .name = "POP3S cut in turn"};
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        if (try_mode(s, &below[i], r)) return 1;
    }
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (modes[i].security == POPCL_STLS && !takes_stls(s)) continue;
        if (modes[i].fragment && (s->one_record || has_huge_turn(s))) continue;
        if (try_mode(s, &modes[i], r)) return 1;
    }
    return quick ? 0 : try_record_cuts(s, &cut, r);
}

/* A case about TLS: with every profile, or the one that it names; in all ways with the fast one.
 * With a window: in one way, with the first profile. */
static int tls_modes(const script *s, unsigned window, run *r) {
    mode ways[] = {
        {.iobuf = MOST, .exact = 1, .name = "whole"},
        {.iobuf = USUAL, .each = 1, .small_ticks = 1, .name = "octet by octet"},
        {.iobuf = LEAST, .send_one = 1, .name = "least record buffer"},
    };
    for (int profile = 0; profile < TLS_PROFILES; profile++) {
        if (s->profile >= 0 ? s->profile != profile : profile == TLS_PINNED && s->certificate)
            continue;
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
            ways[i].security = s->stls ? POPCL_STLS : POPCL_TLS;
            ways[i].profile = (uint8_t)profile;
            ways[i].window = window;
            if (try_mode(s, &ways[i], r)) return 1;
            if (window) return 0;
            if (s->whole || quick || (s->profile < 0 && profile != TLS_HOST)) break;
        }
    }
    return 0;
}

/* Every turn that comes, cut in two: after its first octet, and at a sample of places that differs
 * from case to case. */
static int try_cuts_ahead(const script *s, mode *m, run *r) {
    for (m->turn = 0;; m->turn++) {
        size_t n = 2;
        for (m->at = 1; m->at < n; m->at++) {
            if (m->at > 1 && (m->at + passed) % AHEAD_SAMPLE) continue;
            if (!worth_cutting_records(n, m->at)) continue;
            m->exact = m->at & 1;
            if (try_mode(s, m, r)) return 1;
            if (m->at == 1) n = r->turn_octets;
        }
        if (n == 0) return 0;
    }
}

/* As the case has it, with room for so many commands. */
static int try_window(const script *s, unsigned window, run *r) {
    const mode whole = {.window = window, .exact = 1, .name = "whole"},
               each = {.window = window, .each = 1, .name = "octet by octet"};
    if (s->window >= 0) return 0; /* it has a window of its own */
    if (s->tls || s->stls) return tls_modes(s, window, r);
    return try_mode(s, &whole, r) || (!has_huge_turn(s) && try_mode(s, &each, r));
}

/* With a server that offers PIPELINING. The session of a `session` case sends what the script
 * submits, and a case about TLS has its records in one order. */
static int try_ahead(const script *s, unsigned window, int in_all_ways, run *r) {
    mode ways[] = {
        {.exact = 1, .name = "ahead"},
        {.each = 1, .send_one = 1, .small_ticks = 1, .name = "ahead, octet by octet"},
        {.least = 1, .clock = 4294960000u, .name = "ahead, least record buffer"},
        {.security = POPCL_TLS, .iobuf = LEAST, .exact = 1, .name = "ahead, POP3S"},
    };
    mode cut = {.window = window, .ahead = 1, .clock = 1000, .name = "ahead, cut in turn"};
    if (s->session || s->tls || s->stls) return 0;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        ways[i].window = window;
        ways[i].ahead = 1;
        if (ways[i].security != POPCL_CLEAR && (s->clear || s->below || !in_all_ways)) continue;
        if (ways[i].each && has_huge_turn(s)) continue;
        if (try_mode(s, &ways[i], r)) return 1;
    }
    return in_all_ways && !has_huge_turn(s) && try_cuts_ahead(s, &cut, r);
}

static int wide_modes(const script *s, run *r) {
    enum { FEW = 2, SEVERAL = 8 };
    static const unsigned windows[] = {FEW, SEVERAL, TEST_WINDOW_MAX};
    for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
        if (try_window(s, windows[w], r)) return 1;
        if (try_ahead(s, windows[w], windows[w] == SEVERAL, r)) return 1;
    }
    return 0;
}

static int is_wanted(const script *s) {
    size_t n = strcspn(s->name, " ");
    return !only || (strlen(only) == n && memcmp(only, s->name, n) == 0);
}

static void run_case(const script *s) {
    static run r;
    if (!is_wanted(s)) return;
    int of_tls = s->tls || s->stls;
    int differs = wide ? wide_modes(s, &r) : of_tls ? tls_modes(s, 0, &r) : clear_modes(s, &r);
    if (!differs && !wide && !of_tls && !s->clear && !s->below) differs = secure_modes(s, &r);
    if (differs)
        failed++;
    else
        printf("ok %lu - %s\n", ++passed + failed, s->name);
}

/* A server that offers PIPELINING is of use only to a job that goes ahead. */
static void judge_ahead(void) {
    enum { ENOUGH_CASES = 100 }; /* a few may all be about the greeting */
    int most = went_ahead.compared > went_ahead.runs / 2;
    printf(
        "# %lu runs ahead: several commands were in flight in %lu; in %lu of these each event is "
        "compared\n",
        went_ahead.runs, went_ahead.several, went_ahead.compared);
    if (passed + failed < ENOUGH_CASES) return;
    printf("%sok %lu - most runs with PIPELINING use it\n", most ? "" : "not ",
           passed + failed + 1);
    passed += most != 0;
    failed += !most;
}

int main(int argc, char **argv) {
    glob_t found = {0};
    int status = 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* if it dies, the results show where */
    for (int option; (option = getopt(argc, argv, "qwc:")) != -1;) {
        if (option == '?') return 2;
        if (option == 'q') quick = 1;
        if (option == 'w') wide = 1;
        if (option == 'c') only = optarg;
    }
    if (optind == argc && glob("tests/transcripts/*.txt", 0, NULL, &found) != 0) {
        fprintf(stderr, "no transcripts: run it from the project's top folder, or name files\n");
        return 2;
    }
    for (int i = optind; i < argc; i++)
        script_read(argv[i], run_case);
    for (size_t i = 0; i < found.gl_pathc; i++)
        script_read(found.gl_pathv[i], run_case);
    if (optind == argc) globfree(&found);
    if (only && passed + failed == 0) {
        fprintf(stderr, "no case is called %s\n", only);
        status = 2;
    }
    secure_end();
    if (wide) judge_ahead();
    if (failed) status = 1;
    printf("# %lu runs of %lu cases\n1..%lu\n", runs, passed + failed, passed + failed);
    return status;
}
