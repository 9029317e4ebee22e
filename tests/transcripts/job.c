/* SPDX-License-Identifier: MIT */
/* job - runs of popcl_fetch.h: a sink, a decide and the other callbacks that do what the script
 * says, log what they see, and hold popcl to its invariants: what is begun is ended once (I7), what
 * is deleted is durable (I3), what is told is true. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

void run_fault(run *r, const char *format, ...) {
    if (r->fault[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(r->fault, sizeof r->fault, format, args);
    va_end(args);
}

static const rule *rule_for(const run *r, enum rule_kind kind, uint32_t message, int stage) {
    const rule *found = NULL;
    for (size_t i = 0; i < r->s->rule_count; i++) {
        const rule *u = &r->s->rules[i];
        if (u->kind != kind || (u->number != EACH && u->number != message)) continue;
        if (kind == RULE_DECIDE && u->stage >= 0 && u->stage != stage) continue;
        found = u;
    }
    return found;
}

static unsigned char *known(run *r, uint32_t number) {
    if (number == 0 || number >= MESSAGES) {
        run_fault(r, "message number %" PRIu32 " out of range", number);
        number = 0;
    }
    return &r->known[number];
}

static const char *size_text(uint64_t size, char text[24]) {
    if (size == POPCL_SIZE_UNKNOWN)
        strcpy(text, "?");
    else
        snprintf(text, 24, "%" PRIu64, size);
    return text;
}

static void log_message(run *r, const char *what, const popcl_msg *m, const char *more) {
    char size[24];
    if (m->uid[m->uid_len] != 0 || strlen(m->uid) != m->uid_len)
        run_fault(r, "the UID is not terminated");
    log_line(&r->log, 0, "%s %" PRIu32 "%s\tuid=%s size=%s%s", what, m->number,
             m->part == POPCL_HEADERS ? " headers" : "", m->uid, size_text(m->size, size), more);
}

/* ---- the sink ---- */

static int sink_begin(void *ctx, const popcl_msg *m) {
    run *r = ctx;
    if (r->open) run_fault(r, "begin %" PRIu32 " while %" PRIu32 " is open", m->number, r->open);
    const rule *u = rule_for(r, RULE_BEGIN, m->number, 0);
    if (u && u->answer != 0) {
        log_line(&r->log, 0, "refuse %" PRIu32, m->number);
        r->trouble = 1;
        return u->answer;
    }
    log_message(r, "begin", m, "");
    r->open = m->number;
    r->part = m->part;
    r->offset = 0;
    r->commit_asked = 0;
    return 0;
}

/* A body reaches the sink without a copy: every span lies in the record buffer, but for the CR that
 * the decoder withheld. */
static void check_span(run *r, const unsigned char *p, size_t n) {
    const unsigned char *from = r->iobuf.p;
    int inside = p >= from && p + n <= from + r->iobuf.n;
    if (!inside && !(n == 1 && *p == '\r')) run_fault(r, "a span outside the record buffer");
    if (n == 0) run_fault(r, "an empty span");
}

static int sink_data(void *ctx, const void *p, size_t n) {
    run *r = ctx;
    if (!r->open) run_fault(r, "data without begin");
    check_span(r, p, n);
    if (r->s->take >= 0 && n > (size_t)r->s->take) n = (size_t)r->s->take;
    const rule *u = rule_for(r, RULE_DATA, r->open, 0);
    if (u && r->offset + n > u->at) {
        if (r->offset >= u->at) {
            r->trouble = 1;
            return u->answer;
        }
        n = u->at - r->offset;
    }
    log_data(&r->log, 0, p, n);
    r->offset += n;
    return (int)n;
}

/* An answer is logged; the same AGAIN twice in a row once only, for how often it is asked depends
 * on how time passes. */
static void log_answer(run *r, const char *call, int answer) {
    char again[24];
    const entry *last = r->log.count ? &r->log.entries[r->log.count - 1] : NULL;
    snprintf(again, sizeof again, "%s again", call);
    if (answer == POPCL_AGAIN && last && strcmp((const char *)last->p, again) == 0) return;
    if (answer == 0)
        log_line(&r->log, 0, "%s", call);
    else if (answer == POPCL_STAGED)
        log_line(&r->log, 0, "%s staged", call);
    else if (answer == POPCL_AGAIN)
        log_line(&r->log, 0, "%s again", call);
    else if (answer == POPCL_SINK_STOP)
        log_line(&r->log, 0, "%s stop", call);
    else
        log_line(&r->log, 0, "%s %d", call, answer);
}

static int sink_commit(void *ctx) {
    run *r = ctx;
    if (!r->open) run_fault(r, "commit without begin");
    const rule *u = rule_for(r, RULE_COMMIT, r->open, 0);
    int answer = u ? u->answer : 0;
    if (u && r->commit_asked++ < u->again) answer = POPCL_AGAIN;
    log_answer(r, "commit", answer);
    if (answer == POPCL_AGAIN) return answer;
    if (answer == 0 && r->part == POPCL_WHOLE)
        *known(r, r->open) |= DURABLE;
    else if (answer == POPCL_STAGED)
        r->staged[r->staged_n++ % (MESSAGES / 64)] = r->part == POPCL_WHOLE ? r->open : 0;
    else if (answer != 0 && answer != POPCL_STAGED)
        r->trouble = 1;
    r->open = 0;
    return answer;
}

static int sink_sync(void *ctx) {
    run *r = ctx;
    int answer = r->sync_asked++ < r->s->sync_again ? POPCL_AGAIN : r->s->sync_answer;
    log_answer(r, "sync", answer);
    if (answer == POPCL_AGAIN) return answer;
    if (r->staged_n == 0) run_fault(r, "sync with nothing staged");
    for (size_t i = 0; answer == 0 && i < r->staged_n; i++) {
        if (r->staged[i]) *known(r, r->staged[i]) |= DURABLE;
    }
    if (answer != 0) r->trouble = 1;
    r->staged_n = 0;
    r->sync_asked = 0;
    return answer;
}

static void sink_abort(void *ctx, popcl_err why) {
    run *r = ctx;
    if (!r->open) run_fault(r, "abort without begin");
    if (why == POPCL_OK || why == POPCL_MORE) run_fault(r, "abort without a reason");
    log_line(&r->log, 0, "abort %s", popcl_err_name(why));
    r->open = 0;
    if (why != POPCL_ERR_BODY_SIZE) r->trouble = 1; /* it is fetched again */
}

/* ---- what to do, and what became of it ---- */

static unsigned job_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    static const char *const stages[] = {"uid", "size", "headers"};
    run *r = ctx;
    const rule *u = rule_for(r, RULE_DECIDE, m->number, (int)stage);
    unsigned answer = u ? (unsigned)u->answer : POPCL_FETCH;
    if (r->s->show & SHOW_DECIDE) {
        char what[32];
        snprintf(what, sizeof what, "decide %s", stages[stage]);
        log_message(r, what, m, "");
    }
    if (answer & POPCL_DELETE_UNFETCHED) *known(r, m->number) |= UNFETCHED;
    return answer;
}

static void job_listed(void *ctx, const popcl_msg *m) {
    run *r = ctx;
    if (m)
        log_message(r, "listed", m, "");
    else
        log_line(&r->log, 0, "listed end");
}

static void fate_of_one(run *r, uint32_t number, popcl_fate what) {
    unsigned char *k = known(r, number);
    int bit = what == POPCL_STORED       ? TOLD_STORED
              : what == POPCL_NOT_STORED ? TOLD_NOT_STORED
                                         : TOLD_MARK;
    if (*k & bit) run_fault(r, "fate of message %" PRIu32 " told twice", number);
    if ((bit & (TOLD_STORED | TOLD_NOT_STORED)) &&
        (*k & (TOLD_STORED | TOLD_NOT_STORED | TOLD_MARK))) {
        run_fault(r, "fate of message %" PRIu32 " told after another", number);
    }
    if (what == POPCL_STORED && !(*k & DURABLE))
        run_fault(r, "message %" PRIu32 " is told stored, and is not durable", number);
    if (what == POPCL_MARKED && !(*k & ASKED_DELE))
        run_fault(r, "message %" PRIu32 " is told marked without DELE", number);
    if (what == POPCL_NOT_STORED || what == POPCL_NOT_MARKED) r->trouble = 1;
    *k = (unsigned char)(*k | bit);
}

static void job_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    static const char *const fates[] = {"STORED",  "NOT_STORED", "MARKED", "NOT_MARKED",
                                        "DELETED", "UNKNOWN",    "VOID"};
    run *r = ctx;
    int negative = what == POPCL_NOT_STORED || what == POPCL_NOT_MARKED;
    if (negative == (why == POPCL_OK))
        run_fault(r, "fate %s with the reason %s", fates[what], popcl_err_name(why));
    if ((m == NULL) != (what >= POPCL_DELETED))
        run_fault(r, "fate %s for the wrong kind of message", fates[what]);
    else if (m)
        fate_of_one(r, m->number, what);
    if (what == POPCL_DELETED && !r->quit_ok)
        run_fault(r, "deletions are told done before QUIT got +OK");
    if (!(r->s->show & SHOW_FATE)) return;
    char reason[64] = "";
    if (negative) snprintf(reason, sizeof reason, " %s", popcl_err_name(why));
    if (m)
        log_line(&r->log, 0, "fate %" PRIu32 " %s%s\tuid=%s", m->number, fates[what], reason,
                 m->uid);
    else
        log_line(&r->log, 0, "fate all %s", fates[what]);
}

/* ---- the secret, and the trace ---- */

enum { LATE = 600 }; /* where the secret fails or waits, if it is to */

/* Gives two octets a call, so that every join is tried. */
static int secret_get(void *ctx, size_t off, char *buf, size_t cap) {
    run *r = ctx;
    const octets *secret = &r->s->pass;
    if (!buf) {
        if (!r->secret_open) run_fault(r, "the secret is released twice, or was never asked for");
        r->secret_open = 0;
        return 0;
    }
    r->secret_open = 1;
    if (r->secret_asked++ < r->s->secret_again) return POPCL_SECRET_AGAIN;
    if (r->s->secret_get == 2 || (r->s->secret_get == 3 && off >= LATE)) return -1;
    if (off >= LATE && r->secret_waited++ < r->s->secret_waits) return POPCL_SECRET_AGAIN;
    size_t n = off < secret->n ? secret->n - off : 0;
    if (n > 2) n = 2;
    if (n > cap) n = cap;
    memcpy(buf, secret->p + off, n);
    return (int)n;
}

void run_secret(run *r) {
    if (r->s->secret_get) {
        r->secret.get = secret_get;
        r->secret.ctx = r;
    } else {
        r->secret.octets = (const char *)r->s->pass.p;
        r->secret.len = r->s->pass.n;
    }
}

/* What the script and the mode want of the session, whoever owns it. */
void run_config(run *r, popcl_config *cfg) {
    *cfg = r->s->cfg.session;
    cfg->iobuf = r->s->no_iobuf ? NULL : r->iobuf.p;
    cfg->iobuf_len = r->iobuf.n;
    cfg->trace = run_trace;
    cfg->trace_ctx = r;
    test_window_set(cfg, r->window);
    if (r->m->window) test_window_give(cfg, r->window, r->m->window);
    if (r->s->window >= 0 && !r->m->ahead) {
        cfg->window = r->s->window ? r->window : NULL;
        cfg->window_len = (uint16_t)r->s->window;
    }
    if (run_is_below(r)) cfg->security = POPCL_TLS_BELOW;
    if (r->m->security == POPCL_CLEAR) return;
    cfg->security = r->m->security;
    cfg->tls = &r->tls;
    cfg->seed = &tls_seed;
}

/* Joins the pieces of each kind, and looks for what must never be traced. */
void run_trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    static const char *const kinds[] = {"sent", "received", "state"};
    run *r = ctx;
    char *text = r->trace[kind];
    if (kind == POPCL_TRACE_STATE) { /* one piece, a constant word */
        int of_tls = strcmp(p, "securing") == 0 || strcmp(p, "leaving") == 0;
        if (of_tls && !r->s->tls && !r->s->stls) return; /* the case knows nothing of it */
        if (r->s->show & SHOW_TRACE) log_line(&r->log, 0, "trace state %.*s", (int)n, p);
        return;
    }
    size_t room = sizeof r->trace[kind] - 1 - r->trace_n[kind];
    if (n == 0) {
        if (r->s->show & SHOW_TRACE) log_line(&r->log, 0, "trace %s %s", kinds[kind], text);
        if (kind == POPCL_TRACE_SENT && strncmp(text, "PASS ", 5) == 0 &&
            strcmp(text, "PASS ***") != 0) {
            run_fault(r, "the trace shows the password");
        }
        r->trace_n[kind] = 0;
        text[0] = 0;
        return;
    }
    n = n < room ? n : room;
    memcpy(text + r->trace_n[kind], p, n);
    r->trace_n[kind] += n;
    text[r->trace_n[kind]] = 0;
}

/* ---- the job ---- */

size_t job_size(void) { return sizeof(popcl_fetch); }

static const char *optional(const octets *o) {
    return strcmp((const char *)o->p, "NULL") == 0 ? NULL : (const char *)o->p;
}

popcl_err job_start(run *r) {
    const script *s = r->s;
    static const popcl_sink sink = {.begin = sink_begin,
                                    .data = sink_data,
                                    .commit = sink_commit,
                                    .sync = sink_sync,
                                    .abort = sink_abort};
    r->sink = sink;
    if (s->no_sync) r->sink.sync = NULL;
    if (s->no_begin) r->sink.begin = NULL;
    r->cfg = s->cfg;
    if (r->m->ahead) r->cfg.no_capa = 0;
    run_config(r, &r->cfg.session);
    r->cfg.session.host = optional(&s->host);
    r->cfg.session.user = optional(&s->user);
    run_secret(r);
    if (s->all_mechs || s->cfg.auth & ~(POPCL_AUTH_USER | POPCL_AUTH_APOP)) {
        r->cfg.mechs = popcl_mechs_all;
        r->cfg.session.seed = s->no_seed ? NULL : &tls_seed;
    }
    r->cfg.lang = (const char *)s->lang.p;
    if (s->token) r->cfg.token = r->secret;
    if (s->token != 1) r->cfg.secret = r->secret;
    r->cfg.plan = r->plan.p;
    r->cfg.plan_len = r->plan.n;
    r->cfg.sink = s->no_sink ? NULL : &r->sink;
    r->cfg.sink_ctx = r->cfg.ctx = r;
    if (s->rule_count || (s->show & SHOW_DECIDE)) r->cfg.decide = job_decide;
    if (s->show & SHOW_LISTED) r->cfg.listed = job_listed;
    r->cfg.fate = job_fate;
    return popcl_fetch_start((popcl_fetch *)r->it.p, &r->cfg, r->now);
}

void tell_caps(run *r, const popcl_caps *caps, void (*tell)(run *r, const char *line)) {
    char text[400] = "caps", names[400] = "sasl", line[40];
    for (unsigned i = 0; i < 16; i++) {
        const char *capa = popcl_capa_name(i), *mechanism = popcl_sasl_name(i);
        if (capa && (caps->tags >> i & 1)) strcat(strcat(text, " "), capa);
        if (mechanism && (caps->sasl >> i & 1)) strcat(strcat(names, " "), mechanism);
    }
    tell(r, text);
    tell(r, names);
    snprintf(line, sizeof line, "login_delay %" PRIu32, caps->login_delay_s);
    tell(r, line);
    if (!(caps->tags & POPCL_CAPA_EXPIRE))
        strcpy(line, "expire none");
    else if (caps->expire_days == POPCL_EXPIRE_NEVER)
        strcpy(line, "expire never");
    else
        snprintf(line, sizeof line, "expire %" PRIu32, caps->expire_days);
    tell(r, line);
}

static void tell_number(run *r, const char *key, uint64_t value,
                        void (*tell)(run *r, const char *line)) {
    char line[80];
    snprintf(line, sizeof line, "%s %" PRIu64, key, value);
    tell(r, line);
}

void job_diagnosis(run *r, void (*tell)(run *r, const char *line)) {
    popcl_diag d;
    char line[POPCL_TEXT_KEEP + 80];
    memset(&d, 0xa5, sizeof d);
    popcl_fetch_get_diag((const popcl_fetch *)r->it.p, &d);
    if (d.err != popcl_result(r->session)) run_fault(r, "result and diagnosis differ");
    if (d.reply.text_len > POPCL_TEXT_KEEP || d.reply.text[d.reply.text_len] != 0)
        run_fault(r, "the kept text is not terminated");
    tell_number(r, "message", d.message, tell);
    tell_number(r, "broken_at", d.broken_at, tell);
    tell_number(r, "quit_left", d.quit_left, tell);
    tell_number(r, "in_maildrop", d.in_maildrop, tell);
    tell_number(r, "octets", d.octets_in_maildrop, tell);
    tell_number(r, "listed", d.listed, tell);
    tell_number(r, "stored", d.stored, tell);
    tell_number(r, "failed", d.failed, tell);
    tell_number(r, "marked", d.marked, tell);
    tell_number(r, "listing_reached", d.listing_reached, tell);
    tell_number(r, "passed_over", d.passed_over, tell);
    tell_number(r, "no_uids", d.no_uids, tell);
    tell_number(r, "unsure", d.unsure, tell);
    tell_number(r, "shifted", d.shifted, tell);
    tell_number(r, "utf8", d.utf8, tell);
    tell_number(r, "received", d.received, tell);
    tell_number(r, "code", d.reply.code, tell);
    snprintf(line, sizeof line, "net_code %d", d.net_code);
    tell(r, line);
    snprintf(line, sizeof line, "sink_code %d", d.sink_code);
    tell(r, line);
    snprintf(line, sizeof line, "verb %s", d.verb);
    tell(r, line);
    snprintf(line, sizeof line, "text %s", d.reply.text);
    tell(r, line);
    snprintf(line, sizeof line, "mechanism %s",
             d.mechanism ? script_mechanism(d.mechanism) : "none");
    tell(r, line);
    snprintf(line, sizeof line, "skipped %s %s", d.skipped ? script_mechanism(d.skipped) : "none",
             popcl_err_name(d.skipped_why));
    tell(r, line);
    static const char *const deletions[] = {"none", "", "", "", "deleted", "unknown", "void"};
    snprintf(line, sizeof line, "deletions %s", d.deletions < 7 ? deletions[d.deletions] : "?");
    tell(r, line);
    if (r->m->security != POPCL_CLEAR) secure_diagnosis(r, tell);
    if (d.has_caps)
        tell_caps(r, &d.caps, tell);
    else
        tell(r, "caps none");
}

void job_wipe(run *r) { popcl_fetch_wipe((popcl_fetch *)r->it.p); }
