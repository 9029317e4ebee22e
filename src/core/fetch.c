/* SPDX-License-Identifier: MIT */
/* fetch - the job of popcl_fetch.h: logs in, plans, retrieves, commits, deletes, quits. This file
 * has its phases, the events of its session, and its end. The session asks for the next command
 * (ready) and reports the outcome of each command (the other events).
 *
 *   WAIT_GREETING -> [SAY_STLS] -> ASK_CAPA -> [SAY_LANG] -> [SAY_UTF8] -> LOGIN -> ASK_STAT
 *     -> LIST_MESSAGES -> LIST_SIZES -> ASK_CAPA_AGAIN -> HANDLE_MESSAGES -> [PROBE] -> SAY_QUIT
 *           ^------------------ next pass ----------------------'
 *
 * The answer to a command leads to the next phase. If the server offers PIPELINING and the caller
 * gave a window, several commands are a flight: then sending a command leads to the next phase. The
 * flights are USER with PASS; STAT with UIDL, LIST and CAPA; all that concerns messages. A server
 * that loses a command of a flight shifts its replies, and a message would be stored as another
 * one. So STAT and UIDL come first, whose replies have a form of their own. Each body must have the
 * size that LIST gives. The last command before QUIT is a second STAT (PROBE). Its answer shows
 * that no reply is missing, and that none came twice. Before it no deletion is final.
 *
 * A failure that concerns one message is noted, and the job goes on. A failure that concerns the
 * job sets `stopping`, and the way to QUIT begins. A failure of the connection ends in on_closed().
 * In each case end_job() is the only end, and reports every fate that is still open. */
#include "fetch.h"

#include <string.h>

#include "../auth/auth.h"
#include "errors.h"
#include "plan.h"
#include "text.h"
#include "zero.h"

/* ---- failures and fates ---- */

void popcl_fetch_note(popcl_fetch *f, popcl_err e, uint32_t message) {
    if (f->result || e == POPCL_OK) return;
    f->result = (uint8_t)e;
    f->failed_message = message;
    f->failed_verb = (uint8_t)popcl_job_verb(f);
}

void popcl_fetch_give_up(popcl_fetch *f, popcl_err e) {
    popcl_fetch_note(f, e, 0);
    if (!f->stopping) f->stopping = (uint8_t)e;
}

void popcl_fetch_tell(popcl_fetch *f, size_t at, popcl_fate what, popcl_err why) {
    popcl_msg m;
    popcl_plan_msg(&f->plan, at, &m);
    if (why) {
        f->failed++;
        popcl_fetch_note(f, why, m.number);
    }
    if (f->cfg->fate) f->cfg->fate(f->cfg->ctx, &m, what, why);
}

unsigned popcl_fetch_decide(const popcl_fetch *f, const popcl_msg *m, popcl_stage stage) {
    return f->cfg->decide ? f->cfg->decide(f->cfg->ctx, m, stage) : POPCL_FETCH;
}

/* ---- the end ---- */

/* Reports a fate for each message that has none yet: the plan holds exactly these. The reason is
 * the one that ended the session, not an earlier failure of another message. A caller remembers
 * some reasons. */
static void tell_open_fates(popcl_fetch *f, popcl_err why) {
    for (size_t at = f->plan.low; at < f->plan.used; at = popcl_plan_after(&f->plan, at)) {
        enum popcl_entry_state state = popcl_plan_state(&f->plan, at);
        int left = state == POPCL_ENTRY_NEW && f->left; /* for a later session: no failure */
        if (state == POPCL_ENTRY_OVER || left) continue;
        popcl_fetch_tell(f, at,
                         state == POPCL_ENTRY_DUE || state == POPCL_ENTRY_DELE ? POPCL_NOT_MARKED
                                                                               : POPCL_NOT_STORED,
                         why);
    }
    popcl_plan_clear(&f->plan);
}

static void wipe_plan(popcl_fetch *f) {
    popcl_login_release(f);
    size_t used = f->plan.most > f->login_room ? f->plan.most : f->login_room;
    if (f->plan.octets) popcl_zero(f->plan.octets, used < f->plan.len ? used : f->plan.len);
}

static void end_job(popcl_fetch *f, popcl_err session) {
    tell_open_fates(f, f->stopping ? (popcl_err)f->stopping : session);
    if (f->marked) {
        f->deletions = (uint8_t)(session == POPCL_OK    ? POPCL_DELETED
                                 : f->session.quit_left ? POPCL_UNKNOWN
                                                        : POPCL_VOID);
        if (f->cfg->fate) f->cfg->fate(f->cfg->ctx, NULL, (popcl_fate)f->deletions, POPCL_OK);
    }
    if (!f->result && (f->left || f->is_full)) f->result = POPCL_MORE;
    wipe_plan(f);
}

/* Returns whether the connection ended at a CAPA that could have been left out: during this CAPA,
 * or during USER after its refusal. */
static int broke_at_capa(const popcl_fetch *f, popcl_err result) {
    popcl_verb verb = popcl_job_verb(f);
    int stls = f->cfg->session.security == POPCL_STLS; /* then the first CAPA is needed */
    int at_capa = verb == POPCL_CAPA ? !stls || f->phase != POPCL_ASK_CAPA
                                     : !stls && f->capa_refused && verb == POPCL_USER;
    return at_capa && !f->cfg->no_capa && popcl_job_in_flight(f) &&
           (result == POPCL_ERR_CLOSED || result == POPCL_ERR_NET ||
            result == POPCL_ERR_TIMEOUT_REPLY);
}

/* Returns the number of the message whose body is being received, or was asked for; 0 = none. */
static uint32_t under_way(const popcl_fetch *f) {
    size_t at = popcl_plan_find(&f->plan, POPCL_ENTRY_ASKED, POPCL_ENTRY_ASKED);
    if (f->open) return f->msg.number;
    return at < f->plan.next ? popcl_plan_number(&f->plan, at) : 0;
}

/* The job cannot go on, but durable messages are still deleted. A body that is open is aborted, and
 * drained as long as there is time. */
static void stop_in_order(popcl_fetch *f, popcl_err why) {
    popcl_fetch_give_up(f, why);
    if (f->open == POPCL_TO_SINK)
        popcl_messages_drain(f, popcl_plan_seek(&f->plan, 0, f->msg.number, 1), why);
}

/* ---- events ---- */

static void on_text(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    popcl_login_text(ctx, tag, p, n);
}

static void on_line(void *ctx, uint32_t tag, const popcl_reply *line) {
    popcl_list_line(ctx, tag, line);
}

static void on_open(void *ctx, uint32_t tag, const popcl_reply *reply) {
    (void)reply;
    popcl_messages_open(ctx, tag);
}

static size_t on_body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    return popcl_messages_body(ctx, tag, p, n);
}

static void fetch_greeted(popcl_fetch *f) {
    const popcl_fetch_config *cfg = f->cfg;
    popcl_fetch_enter(f, cfg->session.security == POPCL_STLS ? POPCL_SAY_STLS
                         : popcl_login_needs_capa(cfg)       ? POPCL_ASK_CAPA
                                                             : POPCL_LOGIN);
}

/* Without TLS there is no login, for any reason of the server. After STLS, CAPA is always the first
 * command, and is sent alone. A second greeting is then seen inside CAPA's list, and never answers
 * USER or PASS. */
static void stls_answered(popcl_fetch *f, const popcl_reply *r) {
    if (r->status == POPCL_STATUS_OK) {
        popcl_fetch_enter(f, POPCL_ASK_CAPA);
    } else {
        popcl_fetch_give_up(f, POPCL_ERR_STLS_REFUSED);
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    }
}

/* CAPA may be one of a flight, whose phase has gone on. It may also come after the listing, if the
 * window had no room for it before. */
static void capa_answered(popcl_fetch *f, const popcl_reply *r, enum popcl_phase phase) {
    if (r->status == POPCL_STATUS_OK)
        f->has_caps = 1;
    else
        f->capa_refused = 1; /* a server of RFC 1939 only (RFC 2449, 5) */
    int last = f->phase == POPCL_WAIT_LISTING && popcl_job_in_flight(f) == 1;
    if (f->phase != phase && !last) return;
    if (phase == POPCL_ASK_CAPA)
        popcl_utf8_enter(f, POPCL_SAY_LANG);
    else
        popcl_fetch_enter(f, f->pass ? POPCL_HANDLE_MESSAGES : POPCL_ASK_STAT);
}

static void stat_answered(popcl_fetch *f, const popcl_reply *r) {
    if (r->status != POPCL_STATUS_OK) {
        popcl_fetch_give_up(f, popcl_reply_error(r, POPCL_ERR_COMMAND_REFUSED));
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
        return;
    }
    f->listing_reached = 1;
    f->count = r->number;
    f->octets_in_maildrop = r->size;
    if (r->number == 0) {
        if (f->cfg->listed) f->cfg->listed(f->cfg->ctx, NULL);
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    } else if (!f->ahead) {
        popcl_list_begin(f, 1);
    }
}

/* STAT no longer counts messages that are marked (RFC 1939, 5), and some servers count mail that
 * came since. No other reply has two numbers, except of LIST. */
static void probe_answered(popcl_fetch *f, const popcl_reply *r) {
    if (r->status != POPCL_STATUS_OK || r->size == POPCL_SIZE_UNKNOWN ||
        r->number < f->count - f->marked) {
        f->shifted = 1;
        popcl_machine_fail(&f->session, POPCL_ERR_REPLIES);
        return;
    }
    f->unsure = f->doubt = 0;
    if (f->phase == POPCL_PROBE) popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
}

static unsigned on_done(void *ctx, uint32_t tag, const popcl_reply *r) {
    popcl_fetch *f = ctx;
    enum popcl_phase phase = (enum popcl_phase)popcl_phase_of(tag);
    switch (phase) {
    case POPCL_WAIT_GREETING: fetch_greeted(f); break;
    case POPCL_SAY_STLS: stls_answered(f, r); break;
    case POPCL_ASK_CAPA:
    case POPCL_ASK_CAPA_AGAIN: capa_answered(f, r, phase); break;
    case POPCL_SAY_LANG:
    case POPCL_SAY_UTF8: popcl_utf8_answered(f, r, phase); break;
    case POPCL_LOGIN: return popcl_login_answered(f, r);
    case POPCL_ASK_STAT: stat_answered(f, r); break;
    case POPCL_LIST_MESSAGES: popcl_list_answered(f, r); break;
    case POPCL_LIST_SIZES: popcl_list_sizes_answered(f, r); break;
    case POPCL_HANDLE_MESSAGES: return popcl_messages_answered(f, tag, r);
    case POPCL_PROBE: probe_answered(f, r); break;
    case POPCL_WAIT_LISTING:
    case POPCL_SAY_QUIT:
    case POPCL_QUIT_SAID:
    case POPCL_PHASES: break;
    }
    return 0;
}

/* Returns whether the job sends commands ahead: the caller gave a window, and the server offers it
 * (RFC 2449, 6.6). */
static int goes_ahead(const popcl_fetch *f) {
    return f->session.window_len > 1 && popcl_job_offers(f, POPCL_CAPA_PIPELINING);
}

/* The command of each phase that sends one without argument. UIDL may also be LIST. */
static const uint8_t verbs[POPCL_PHASES] = {
    [POPCL_WAIT_GREETING] = POPCL_VERBS, [POPCL_SAY_STLS] = POPCL_START_TLS,
    [POPCL_ASK_CAPA] = POPCL_CAPA,       [POPCL_SAY_LANG] = POPCL_LANG,
    [POPCL_SAY_UTF8] = POPCL_UTF8,       [POPCL_LOGIN] = POPCL_VERBS,
    [POPCL_ASK_STAT] = POPCL_STAT,       [POPCL_LIST_MESSAGES] = POPCL_UIDL,
    [POPCL_LIST_SIZES] = POPCL_LIST,     [POPCL_ASK_CAPA_AGAIN] = POPCL_CAPA,
    [POPCL_WAIT_LISTING] = POPCL_VERBS,  [POPCL_HANDLE_MESSAGES] = POPCL_VERBS,
    [POPCL_PROBE] = POPCL_STAT,          [POPCL_SAY_QUIT] = POPCL_QUIT,
    [POPCL_QUIT_SAID] = POPCL_VERBS,
};

/* Sends the command of the phase. If commands go ahead, the next one need not wait for the answer.
 */
static void fetch_send(popcl_fetch *f) {
    popcl_command command = {.verb = (popcl_verb)verbs[f->phase]};
    if (command.verb == POPCL_UIDL && f->by_number) command.verb = POPCL_LIST;
    if (command.verb == POPCL_LANG) popcl_utf8_language(f, &command);
    if (f->phase == POPCL_ASK_STAT) f->ahead = (uint8_t)goes_ahead(f);
    unsigned in_flight = popcl_job_in_flight(f);
    if (command.verb == POPCL_VERBS ||
        popcl_machine_submit(&f->session, &command, popcl_tag_of(f->phase)))
        return;
    if (in_flight && f->phase < POPCL_HANDLE_MESSAGES) f->unsure |= POPCL_UNSURE_EARLY;
    if (f->phase == POPCL_ASK_CAPA_AGAIN) f->capa_asked = 1;
    if (f->phase == POPCL_LIST_SIZES) f->sizes_asked = 1;
    if (f->phase == POPCL_SAY_QUIT)
        popcl_fetch_enter(f, POPCL_QUIT_SAID);
    else if (!f->ahead)
        return;
    else if (f->phase == POPCL_PROBE)
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    else if (f->phase == POPCL_ASK_STAT)
        popcl_list_begin(f, 1);
    else
        popcl_list_goes_ahead(f);
}

/* Returns whether the next command may leave although others are in flight. Deletions are final
 * once QUIT is answered. So with deletions, QUIT waits for all replies. It always waits for bodies:
 * Dovecot 2.3 drops the last 2 KB of one if QUIT is there already and the client reads slowly. */
static int may_send(const popcl_fetch *f) {
    if (!popcl_job_in_flight(f) || f->phase == POPCL_HANDLE_MESSAGES) return 1;
    if (f->phase == POPCL_LOGIN) return popcl_login_goes_ahead(f);
    return f->ahead && f->phase > POPCL_ASK_STAT &&
           !(f->phase == POPCL_SAY_QUIT && (popcl_job_deletes(f) || f->asked));
}

/* After a stop no listing is begun, and one that is in flight ends by itself. */
static unsigned fetch_step(popcl_fetch *f) {
    int lists = f->phase == POPCL_LIST_MESSAGES || f->phase == POPCL_LIST_SIZES;
    if (!may_send(f)) return 0;
    if (f->phase == POPCL_LOGIN) return popcl_login_step(f);
    if (f->phase == POPCL_HANDLE_MESSAGES) return popcl_messages_step(f);
    if (!lists || !f->stopping)
        fetch_send(f);
    else if (!popcl_job_in_flight(f))
        popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
    return 0;
}

/* Goes on until a command was sent, something has to wait, or nothing changes. */
static unsigned on_ready(void *ctx) {
    popcl_fetch *f = ctx;
    for (;;) {
        unsigned sent = popcl_job_in_flight(f), staged_before = f->staged;
        unsigned phase = f->phase, pass = f->pass;
        unsigned why = fetch_step(f);
        int moved = f->phase != phase || f->pass != pass || f->staged != staged_before;
        if (why || !moved || popcl_job_in_flight(f) != sent) return why;
    }
}

/* A sync that asks for time has the first half of the reserve. The deletions of all other messages
 * need the second half. */
static int on_late(void *ctx, int half_over) {
    popcl_fetch *f = ctx;
    unsigned staged_before = f->staged;
    if (!f->listing_reached || f->phase >= POPCL_SAY_QUIT) return 0;
    stop_in_order(f, POPCL_ERR_TIMEOUT_TOTAL);
    if (half_over && popcl_state(&f->session) & POPCL_PAUSED_SYNC)
        popcl_messages_end_staged(f, POPCL_ERR_SYNC);
    return (staged_before && !f->staged) || f->open == POPCL_DRAINING;
}

static int on_stop(void *ctx) {
    popcl_fetch *f = ctx;
    if (f->listing_reached)
        stop_in_order(f, POPCL_ERR_STOPPED);
    else
        popcl_machine_fail(&f->session, POPCL_ERR_STOPPED);
    return f->open == POPCL_DRAINING;
}

/* A stored message counts as stored, however the session ended. So the sink may ask for time here.
 */
static unsigned on_closed(void *ctx, popcl_err *result, popcl_end end) {
    popcl_fetch *f = ctx;
    unsigned why = 0;
    if (end == POPCL_END_WIPED) {
        popcl_messages_abort(f, *result);
        wipe_plan(f);
        return 0;
    }
    if (!f->closing) {
        f->closing = 1;
        if (*result == POPCL_OK) f->unsure &= (uint8_t)~POPCL_UNSURE_EARLY;
        /* a reply that is in no form of its command, and may be that to another one */
        if (f->unsure && POPCL_ERR_IS_PROTOCOL(*result)) f->shifted = 1;
        popcl_err noted = broke_at_capa(f, *result) ? POPCL_ERR_CAPA : *result;
        popcl_fetch_note(f, noted, f->open == POPCL_TO_SINK ? f->msg.number : 0);
        f->msg.number = under_way(f);
        popcl_messages_abort(f, noted);
    }
    if (end == POPCL_END_LAST)
        popcl_messages_end_staged(f, POPCL_ERR_SYNC);
    else if (f->staged)
        why = popcl_messages_sync(f);
    if (why) return why;
    end_job(f, *result);
    *result = (popcl_err)f->result;
    return 0;
}

static const popcl_events events = {
    .text = on_text,
    .line = on_line,
    .open = on_open,
    .body = on_body,
    .done = on_done,
    .ready = on_ready,
    .late = on_late,
    .stop = on_stop,
    .closed = on_closed,
};

/* ---- the interface ---- */

/* Returns whether a secret is given, or none is needed. */
static int has_secret(const popcl_fetch_config *cfg) {
    return cfg->secret.octets || cfg->secret.get || cfg->token.octets || cfg->token.get ||
           cfg->auth & POPCL_AUTH_EXTERNAL;
}

static int has_tls_storage(const popcl_fetch_config *cfg) {
    return cfg->session.security != POPCL_CLEAR && cfg->session.security != POPCL_TLS_BELOW;
}

static popcl_err fetch_check(popcl_fetch *f, const popcl_fetch_config *cfg,
                             enum popcl_field *field) {
    const popcl_sink *sink = cfg->sink;
    *field = !cfg->session.host                        ? POPCL_FIELD_HOST
             : !cfg->session.user                      ? POPCL_FIELD_USER
             : !has_secret(cfg)                        ? POPCL_FIELD_SECRET
             : !cfg->session.iobuf                     ? POPCL_FIELD_IOBUF
             : cfg->session.security > POPCL_TLS_BELOW ? POPCL_FIELD_SECURITY
             : !sink || !sink->begin || !sink->data || !sink->commit || !sink->abort
                 ? POPCL_FIELD_SINK
             : !cfg->plan && !has_tls_storage(cfg) ? POPCL_FIELD_PLAN
             : cfg->uids > POPCL_UIDS_REQUIRED     ? POPCL_FIELD_UIDS
             : popcl_utf8_is_bad(cfg)              ? POPCL_FIELD_LANG
                                                   : POPCL_FIELD_NONE;
    if (*field) return POPCL_ERR_ARGUMENT;
    return popcl_is_host(cfg->session.host) ? popcl_login_check(f, cfg, field) : POPCL_ERR_HOST;
}

/* If no plan was given, the TLS storage holds it. Checks that there is room. */
static popcl_err check_spare(popcl_fetch *f) {
    size_t n;
    if (f->cfg->plan) return POPCL_OK;
    popcl_machine_spare(&f->session, &n);
    if (n >= f->login_room) return POPCL_OK;
    popcl_wipe(&f->session);
    f->cfg = NULL;
    return popcl_machine_refuse(&f->session, POPCL_ERR_PLAN_SMALL, POPCL_FIELD_NONE);
}

#define PLAN_MAX ((size_t)UINT32_MAX - POPCL_PHASES)

popcl_err popcl_fetch_start(popcl_fetch *f, const popcl_fetch_config *cfg, uint32_t now_ms) {
    enum popcl_field field = POPCL_FIELD_CONFIG;
    memset(f, 0, sizeof *f);
    popcl_err e = cfg ? fetch_check(f, cfg, &field) : POPCL_ERR_ARGUMENT;
    if (e) return popcl_machine_refuse(&f->session, e, field);
    e = popcl_machine_start(&f->session, &cfg->session, &events, f, now_ms);
    if (e) return e;
    f->cfg = cfg;
    e = check_spare(f);
    if (e) return e;
    f->plan.octets = cfg->plan;
    f->plan.len =
        cfg->plan_len < PLAN_MAX ? cfg->plan_len : PLAN_MAX; /* tags are offsets into it */
    if (cfg->plan)
        memset(cfg->plan, 0, cfg->plan_len < f->login_room ? cfg->plan_len : f->login_room);
    f->by_number = cfg->uids == POPCL_UIDS_UNUSED;
    return POPCL_OK;
}

void popcl_fetch_get_diag(const popcl_fetch *f, popcl_diag *d) {
    const popcl *s = &f->session;
    memset(d, 0, sizeof *d);
    d->err = f->result ? (popcl_err)f->result : popcl_result(s);
    d->net_code = popcl_net_code(s);
    d->sink_code = f->sink_code;
    d->state = popcl_state_name(s);
    d->verb = d->refused = "";
    d->reply = s->reply;
    if (f->cfg) {
        d->verb = popcl_verb_name(f->result && f->result != POPCL_MORE ? (popcl_verb)f->failed_verb
                                                                       : (popcl_verb)s->verb);
        if (s->reply.text_len) d->refused = popcl_verb_name((popcl_verb)s->err_verb);
    }
    d->message = f->failed_message;
    d->broken_at = f->closing ? f->msg.number : 0;
    d->quit_left = s->quit_left != 0;
    d->in_maildrop = f->listing_reached ? s->count : 0;
    d->octets_in_maildrop = f->octets_in_maildrop;
    d->listed = f->listed;
    d->stored = f->stored;
    d->failed = f->failed;
    d->marked = f->marked;
    d->listing_reached = f->listing_reached;
    d->deletions = f->deletions;
    d->has_caps = f->has_caps;
    d->utf8 = f->utf8;
    if (f->mech) d->mechanism = f->mech->bit;
    d->skipped = f->skipped;
    d->skipped_why = (popcl_err)f->skipped_why;
    d->caps = s->caps;
    d->received = f->received;
    d->passed_over = popcl_machine_passed_over(s);
    d->no_uids = f->by_number;
    d->ahead = f->ahead || f->shifted;
    d->unsure = f->unsure != 0;
    d->shifted = f->shifted;
}

void popcl_fetch_wipe(popcl_fetch *f) {
    if (popcl_machine_wipe(&f->session)) popcl_zero(f, sizeof *f);
}
