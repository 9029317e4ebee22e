/* fetch - the job of popcl.h: logs in, plans, retrieves, commits, deletes, quits. It is written
 * against popcl_session.h alone, and knows neither framing nor transport. The session asks it for
 * the next command (ready) and tells it what became of each (the other events).
 *
 *   WAIT_GREETING -> [SAY_STLS] -> ASK_CAPA -> LOGIN -> ASK_STAT
 *     -> LIST_MESSAGES -> LIST_SIZES -> ASK_CAPA_AGAIN -> HANDLE_MESSAGES -> SAY_QUIT
 *           ^------------------ next pass ----------------------'
 *
 * A failure that concerns one message is noted, and the job goes on; one that concerns the job sets
 * `stopping`, and the way to QUIT begins; one of the connection ends in closed(). Whatever the way,
 * finish() is the only end, and tells every fate that is still open. */
#include <string.h>

#include "../auth/auth.h"
#include "../auth/refusal.h"
#include "plan.h"
#include "text.h"
#include "zero.h"

enum phase {
    WAIT_GREETING,
    SAY_STLS,
    ASK_CAPA,
    LOGIN,
    ASK_STAT,
    LIST_MESSAGES,
    LIST_SIZES,
    ASK_CAPA_AGAIN,
    HANDLE_MESSAGES,
    SAY_QUIT,
    QUIT_ANSWERED
};
enum open { CLOSED, WITH_SINK, DRAINING }; /* where the body goes that is being received */

#define NO_TAG 0u

static uint32_t or_default(uint32_t given, uint32_t otherwise) { return given ? given : otherwise; }

/* The only writer of c->phase. */
static void enter(popcl *c, enum phase next) { c->phase = (uint8_t)next; }

/* ---- failures and fates ---- */

/* Remembers the first failure. */
static void note(popcl *c, popcl_err e, uint32_t message) {
    if (c->result || e == POPCL_OK) return;
    c->result = (uint8_t)e;
    c->failed_message = message;
    c->failed_verb = (uint8_t)popcl_session_verb(&c->session);
}

/* The job cannot go on: no further message is begun, what is durable is deleted if that is due,
 * then QUIT. */
static void stop_for(popcl *c, popcl_err e) {
    note(c, e, 0);
    if (!c->stopping) c->stopping = (uint8_t)e;
}

static void tell(popcl *c, const popcl_msg *m, popcl_fate what, popcl_err why) {
    if (why) {
        c->failed++;
        note(c, why, m ? m->number : 0);
    }
    if (c->cfg->fate) c->cfg->fate(c->cfg->ctx, m, what, why);
}

static void tell_entry(popcl *c, size_t at, popcl_fate what, popcl_err why) {
    popcl_msg m;
    popcl_plan_msg(&c->plan, at, &m);
    tell(c, &m, what, why);
}

static void not_stored(popcl *c, size_t at, popcl_err why) {
    tell_entry(c, at, POPCL_NOT_STORED, why);
    popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
}

static void due(popcl *c, size_t at) {
    c->due++;
    popcl_plan_enter(&c->plan, at, POPCL_ENTRY_DUE, 0);
}

/* An entry whose message was fetched whole has no use for POPCL_DELETE_UNFETCHED: the bit says that
 * the body was empty, although LIST gave it octets. Such a message is stored, and never deleted:
 * the next session may get what this one did not. */
#define EMPTY_BODY POPCL_DELETE_UNFETCHED

static void durable(popcl *c, size_t at) {
    unsigned actions = popcl_plan_actions(&c->plan, at);
    c->stored++;
    tell_entry(c, at, POPCL_STORED, POPCL_OK);
    if (actions & EMPTY_BODY) tell_entry(c, at, POPCL_NOT_MARKED, POPCL_ERR_BODY_EMPTY);
    if (actions & POPCL_DELETE && !(actions & EMPTY_BODY))
        due(c, at);
    else
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
}

/* A sink's negative answer: remembered, and obeyed if it wants the end of the session. */
static void sink_said(popcl *c, int answer) {
    if (answer >= 0) return;
    if (c->sink_code == 0) c->sink_code = (int16_t)(answer < INT16_MIN ? INT16_MIN : answer);
    if (answer == POPCL_SINK_STOP && !c->stopping) c->stopping = POPCL_ERR_SINK;
}

/* ---- sync ---- */

/* What is staged is durable, or has failed. None of it stands behind plan.next. */
static void end_staged(popcl *c, popcl_err why) {
    c->staged = c->staged_octets = 0;
    for (size_t at = c->plan.low; at < c->plan.next; at = popcl_plan_after(&c->plan, at)) {
        if (popcl_plan_state(&c->plan, at) != POPCL_ENTRY_STAGED) continue;
        if (why)
            not_stored(c, at, why);
        else
            durable(c, at);
    }
    note(c, why, 0);
}

/* Makes what is staged durable, or all of it failed. Returns POPCL_PAUSED_SYNC if it has to be
 * asked again. */
static unsigned sync_staged(popcl *c) {
    int answer = c->cfg->sink->sync(c->cfg->sink_ctx);
    if (answer == POPCL_AGAIN) return POPCL_PAUSED_SYNC;
    sink_said(c, answer);
    end_staged(c, answer == 0 ? POPCL_OK : POPCL_ERR_SYNC);
    return 0;
}

static int group_is_full(const popcl *c) {
    const popcl_config *cfg = c->cfg;
    return c->staged >= or_default(cfg->group_messages, POPCL_GROUP_MESSAGES) ||
           c->staged_octets >= or_default(cfg->group_octets, POPCL_GROUP_OCTETS);
}

/* ---- the end ---- */

static void release_secret(popcl *c) {
    const popcl_secret *s = &c->cfg->secret;
    if (!c->secret_used) return;
    c->secret_used = 0;
    s->get(s->ctx, 0, NULL, 0);
}

/* Whatever is still open gets its fate: the plan holds exactly what has none yet. The reason is
 * what ended the session, not what went wrong before with another message: a caller remembers some
 * reasons. */
static void tell_open_fates(popcl *c, popcl_err why) {
    for (size_t at = c->plan.low; at < c->plan.used; at = popcl_plan_after(&c->plan, at)) {
        enum popcl_entry_state state = popcl_plan_state(&c->plan, at);
        int left =
            state == POPCL_ENTRY_NEW && c->left; /* for a later session, which is no failure */
        if (state == POPCL_ENTRY_OVER || left) continue;
        tell_entry(c, at,
                   state == POPCL_ENTRY_DUE || state == POPCL_ENTRY_DELE ? POPCL_NOT_MARKED
                                                                         : POPCL_NOT_STORED,
                   why);
    }
    popcl_plan_clear(&c->plan);
}

static void finish(popcl *c) {
    popcl_err session = popcl_session_result(&c->session);
    if (c->over) return;
    c->over = 1;
    tell_open_fates(c, c->stopping ? (popcl_err)c->stopping : session);
    if (c->marked) {
        c->deletions = (uint8_t)(session == POPCL_OK                    ? POPCL_DELETED
                                 : popcl_session_quit_left(&c->session) ? POPCL_UNKNOWN
                                                                        : POPCL_VOID);
        if (c->cfg->fate) c->cfg->fate(c->cfg->ctx, NULL, (popcl_fate)c->deletions, POPCL_OK);
    }
    if (!c->result && (c->left || c->full_at)) c->result = POPCL_MORE;
    release_secret(c);
    if (c->plan.octets) popcl_zero(c->plan.octets, c->plan.len);
}

static void abort_open(popcl *c, popcl_err why) {
    if (c->open == WITH_SINK) c->cfg->sink->abort(c->cfg->sink_ctx, why);
    c->open = CLOSED;
}

/* Whether CAPA, which could have been left out, was what the connection ended on: in its place, or
 * behind its refusal. */
static int broke_at_capa(const popcl *c, popcl_err result) {
    popcl_verb verb = popcl_session_verb(&c->session);
    int stls = c->cfg->security == POPCL_STLS; /* the first one cannot be left out there */
    int at_capa = verb == POPCL_CAPA ? !stls || c->phase != ASK_CAPA
                                     : !stls && c->capa_refused && verb == POPCL_USER;
    return at_capa && !c->cfg->no_capa && popcl_session_in_flight(&c->session) &&
           (result == POPCL_ERR_CLOSED || result == POPCL_ERR_NET ||
            result == POPCL_ERR_TIMEOUT_REPLY);
}

/* The message whose body is being received, or was asked for; 0: there is none. */
static uint32_t under_way(const popcl *c) {
    size_t at = popcl_plan_find(&c->plan, POPCL_ENTRY_ASKED, POPCL_ENTRY_ASKED);
    if (c->open) return c->msg.number;
    return at < c->plan.next ? popcl_plan_number(&c->plan, at) : 0;
}

static void closed(void *ctx, popcl_err result) {
    popcl *c = ctx;
    if (broke_at_capa(c, result)) result = POPCL_ERR_CAPA;
    note(c, result, c->open == WITH_SINK ? c->msg.number : 0);
    c->msg.number = under_way(c);
    abort_open(c, result);
    c->since = popcl_session_elapsed(&c->session);
    /* what is stored counts as stored, whatever became of the session */
    c->settling = c->staged && sync_staged(c);
    if (!c->settling) finish(c);
}

/* ---- login ---- */

/* Where no plan was given, the TLS storage has room for one after the handshake, which a login is
 * always behind. */
static void adopt_spare_plan(popcl *c) {
    if (c->plan.octets) return;
    c->plan.octets = popcl_session_spare(&c->session, &c->plan.len);
    memset(c->plan.octets, 0, POPCL_SCRATCH_MIN);
}

static popcl_login login_of(popcl *c) {
    adopt_spare_plan(c);
    popcl_login l = {c->cfg->user, c->cfg->user_len ? c->cfg->user_len : strlen(c->cfg->user),
                     &c->cfg->secret, NULL};
    l.scratch = c->plan.octets + (8 - (uintptr_t)c->plan.octets % 8) % 8;
    return l;
}

/* Over TLS nobody reads the password: a digest gains nothing there, and some servers that offer
 * APOP refuse it always. So `auto` takes it in clear only. */
static int allowed(const popcl_config *cfg, const popcl_mech *m) {
    if (cfg->auth != POPCL_AUTH_AUTO) return (cfg->auth & m->bit) != 0;
    return !m->digest || cfg->security == POPCL_CLEAR;
}

static void text(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    popcl *c = ctx;
    if (c->phase == LOGIN && popcl_session_reply(&c->session)->status == POPCL_STATUS_ERR)
        popcl_refusal_text(login_of(c).scratch, p, n);
    /* a greeting in clear is not believed */
    if (tag != POPCL_TAG_GREETING || c->cfg->security == POPCL_STLS) return;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        if (popcl_mechs[i]->greeting && allowed(c->cfg, popcl_mechs[i]))
            popcl_mechs[i]->greeting(login_of(c).scratch, p, n);
    }
}

/* The first mechanism of the table that is allowed and can be used; why not, if there is none. */
static popcl_err choose_mechanism(popcl *c) {
    popcl_err why = POPCL_ERR_AUTH;
    for (uint8_t i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        if (!allowed(c->cfg, m)) continue;
        c->mechanism = (uint8_t)(i + 1);
        if (!m->usable || m->usable(login_of(c).scratch)) return POPCL_OK;
        c->mechanism = 0;
        why = m->unusable;
    }
    return why;
}

static unsigned login(popcl *c) {
    popcl_login l = login_of(c);
    popcl_command command = {POPCL_QUIT, 0, 0, NULL, 0, NULL};
    popcl_err e = c->mechanism ? POPCL_OK : choose_mechanism(c);
    if (!e) {
        const popcl_mech *m = popcl_mechs[c->mechanism - 1];
        e = m->step(&l, c->auth_step, &command);
        /* its callback was called, or is by submit */
        if (!c->cfg->secret.octets && command.verb != POPCL_USER) c->secret_used = 1;
    }
    if (!e) e = popcl_session_submit(&c->session, &command, NO_TAG);
    /* the command is written: what it was made of is no longer needed, and its answer's words are
     */
    if (!e) memset(l.scratch, 0, sizeof(popcl_refusal));
    if (e == POPCL_ERR_SECRET_WAIT) return POPCL_PAUSED_SECRET;
    if (e && e != POPCL_ERR_WOULD_BLOCK) {
        stop_for(c, e);
        enter(c, SAY_QUIT);
    }
    return 0;
}

/* The capabilities matter before the login only where the mechanism is to be chosen. */
static void begin_login(popcl *c) {
    enter(c, c->cfg->security == POPCL_STLS                        ? SAY_STLS
             : c->cfg->auth == POPCL_AUTH_AUTO && !c->cfg->no_capa ? ASK_CAPA
                                                                   : LOGIN);
}

/* Without TLS there is no login, whatever the server's reason is. Behind STLS CAPA always comes
 * first, and alone: a second greeting is then seen inside its list, and never answers USER or PASS.
 */
static void stls_answered(popcl *c, const popcl_reply *r) {
    if (r->status == POPCL_STATUS_OK) {
        enter(c, ASK_CAPA);
    } else {
        stop_for(c, POPCL_ERR_STLS_REFUSED);
        enter(c, SAY_QUIT);
    }
}

static void login_answered(popcl *c, const popcl_reply *r) {
    popcl_verb verb = popcl_session_verb(&c->session);
    if (r->status != POPCL_STATUS_OK) {
        stop_for(c, popcl_refusal_error(login_of(c).scratch, r, c->cfg->security == POPCL_CLEAR,
                                        popcl_mechs[c->mechanism - 1]->refused));
        enter(c, SAY_QUIT);
    } else if (verb == POPCL_USER) {
        c->auth_step++;
        return;
    } else {
        enter(c, ASK_STAT);
    }
    release_secret(c);
    /* the login's state */
    popcl_zero(c->plan.octets, c->plan.len < POPCL_SCRATCH_MIN ? c->plan.len : POPCL_SCRATCH_MIN);
}

/* ---- the plan ---- */

static int uses_uidl(const popcl *c) { return !c->by_number; }

static int wants_sizes(const popcl *c) { return c->cfg->need_size || c->cfg->max_size; }

static unsigned decide(popcl *c, const popcl_msg *m, popcl_stage stage) {
    return c->cfg->decide ? c->cfg->decide(c->cfg->ctx, m, stage) : POPCL_FETCH;
}

/* Whether a line may be planned at all: what was handled in an earlier pass is not, nor what comes
 * behind a full plan. */
static int in_this_pass(popcl *c, uint32_t number) {
    if (number <= c->last_number) c->unordered = 1;
    c->last_number = number;
    if (c->unordered && (c->full_at || c->from > 1)) stop_for(c, POPCL_ERR_LISTING_ORDER);
    return !c->stopping && number >= c->from && !c->full_at;
}

/* A message of the listing: asks whether it is wanted, and gives it an entry. */
static void plan_message(popcl *c, const popcl_msg *m) {
    if (c->pass == 1) {
        c->listed++;
        if (m->uid_len && !popcl_plan_uid_is_number(m)) c->named = 1;
        if (c->cfg->listed) c->cfg->listed(c->cfg->ctx, m);
    }
    if (!in_this_pass(c, m->number)) return;
    if (c->unordered && popcl_plan_seek(&c->plan, 0, m->number, 1) < c->plan.used) {
        stop_for(c, POPCL_ERR_LISTING);
        return;
    }
    if (decide(c, m, POPCL_STAGE_UID) == POPCL_SKIP) return;
    if (popcl_plan_add(&c->plan, m)) return;
    c->full_at = m->number;
    if (c->unordered) stop_for(c, POPCL_ERR_LISTING_ORDER);
}

/* Where UIDL made the entries: LIST named this one too. */
#define IN_LIST POPCL_FETCH

/* A line of LIST for entries that UIDL made. Both listings ascend as a rule: then the search goes
 * on where the last one ended. */
static void size_message(popcl *c, const popcl_reply *line) {
    if (line->number <= c->last_number) c->unordered = 1;
    c->last_number = line->number;
    size_t at = popcl_plan_seek(&c->plan, c->unordered ? 0 : c->sized, line->number, c->unordered);
    if (!c->unordered) c->sized = at;
    if (at == c->plan.used || popcl_plan_number(&c->plan, at) != line->number) return;
    popcl_plan_set_size(&c->plan, at, line->size);
    popcl_plan_enter(&c->plan, at, POPCL_ENTRY_NEW, IN_LIST);
}

static void line(void *ctx, uint32_t tag, const popcl_reply *r) {
    popcl *c = ctx;
    (void)tag;
    if (c->phase == LIST_SIZES) {
        size_message(c, r);
        return;
    }
    popcl_msg m = {r->size, r->number, r->uid_len, POPCL_WHOLE, r->uid_len ? r->text : ""};
    plan_message(c, &m);
}

/* A list of capabilities is asked for a second time where the first one mattered, since it may
 * differ after the login (RFC 2449, 5), and where commands could be sent ahead. */
static void planned(popcl *c) {
    int depends = c->has_caps || POPCL_WINDOW > 1;
    if (c->plan.used && !c->stopping && !c->capa_asked && !c->capa_refused && !c->cfg->no_capa &&
        depends)
        enter(c, ASK_CAPA_AGAIN);
    else
        enter(c, HANDLE_MESSAGES);
}

/* Messages are numbered without gaps when a session begins (RFC 1939, 3): no listing is needed to
 * know their numbers. */
static void plan_by_number(popcl *c) {
    popcl_msg m = {POPCL_SIZE_UNKNOWN, c->from, 0, POPCL_WHOLE, ""};
    for (; m.number <= c->in_maildrop && m.number && !c->full_at; m.number++) {
        if (!popcl_plan_add(&c->plan, &m)) c->full_at = m.number;
    }
    c->listed = c->in_maildrop;
    planned(c);
}

static void begin_pass(popcl *c, uint32_t from) {
    popcl_plan_clear(&c->plan);
    c->pass++;
    c->from = from;
    c->full_at = c->last_number = 0;
    c->unordered = 0;
    c->sized = 0;
    if (c->cfg->no_uid && !wants_sizes(c))
        plan_by_number(c);
    else
        enter(c, LIST_MESSAGES);
}

/* The server has no UIDs: LIST makes the plan, and no message has one. That is decided by the first
 * listing alone. A server that gave UIDs before, in this session or by the caller's word, cannot do
 * without all at once: whoever fell back for it would fetch all mail a second time. */
static void without_uids(popcl *c) {
    popcl_plan_clear(&c->plan);
    if (c->cfg->need_uid || c->pass > 1) {
        stop_for(c, POPCL_ERR_NO_UIDL);
        enter(c, HANDLE_MESSAGES);
        return;
    }
    c->by_number = 1;
    c->pass = 0;
    c->listed = 0;
    begin_pass(c, 1);
}

static void listing_done(popcl *c) {
    if (uses_uidl(c) && c->pass == 1 && c->listed && !c->named && !c->stopping) {
        without_uids(c);
        return;
    }
    if (c->pass == 1 && !c->unordered && c->listed == c->in_maildrop && c->cfg->listed)
        c->cfg->listed(c->cfg->ctx, NULL);
    c->last_number = 0;
    if (c->plan.used && !c->stopping && wants_sizes(c) && uses_uidl(c))
        enter(c, LIST_SIZES);
    else
        planned(c);
}

/* A UIDL that is refused without a reason is one that the server does not know (RFC 1939, 7: it is
 * optional). With a reason it is a failure like any other. */
static void listing_answered(popcl *c, const popcl_reply *r) {
    popcl_err refused = popcl_reply_error(r, POPCL_OK);
    if (r->status == POPCL_STATUS_OK) {
        listing_done(c);
    } else if (uses_uidl(c) && !refused) {
        without_uids(c);
    } else {
        stop_for(c, refused ? refused : POPCL_ERR_COMMAND_REFUSED);
        enter(c, HANDLE_MESSAGES);
    }
}

/* What UIDL named and LIST did not is passed over, as a line that names no message. */
static void sizes_answered(popcl *c, const popcl_reply *r) {
    if (r->status != POPCL_STATUS_OK) stop_for(c, popcl_reply_error(r, POPCL_ERR_COMMAND_REFUSED));
    for (size_t at = 0; !c->stopping && at < c->plan.used; at = popcl_plan_after(&c->plan, at)) {
        if (popcl_plan_actions(&c->plan, at) & IN_LIST) continue;
        c->passed_over++;
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
    }
    planned(c);
}

static void stat_answered(popcl *c, const popcl_reply *r) {
    if (r->status != POPCL_STATUS_OK) {
        stop_for(c, popcl_reply_error(r, POPCL_ERR_COMMAND_REFUSED));
        enter(c, SAY_QUIT);
        return;
    }
    c->listing_reached = 1;
    c->in_maildrop = r->number;
    c->octets_in_maildrop = r->size;
    if (r->number) {
        begin_pass(c, 1);
    } else {
        if (c->cfg->listed) c->cfg->listed(c->cfg->ctx, NULL);
        enter(c, SAY_QUIT);
    }
}

/* ---- messages ---- */

static int too_large(const popcl *c, const popcl_msg *m) {
    return c->cfg->max_size && m->size != POPCL_SIZE_UNKNOWN && m->size > c->cfg->max_size;
}

static void want(popcl *c, size_t at, enum popcl_entry_state state, unsigned actions) {
    popcl_msg m;
    popcl_plan_msg(&c->plan, at, &m);
    if (state == POPCL_ENTRY_WANT_RETR && too_large(c, &m)) {
        not_stored(c, at, POPCL_ERR_TOO_LARGE);
        return;
    }
    c->wanted++;
    popcl_plan_enter(&c->plan, at, state, actions);
}

/* The next entry that was not looked at: asks what to do with it, now that all is known.
 * DELETE_UNFETCHED counts only alone: a set that fetches as well never deletes what was not stored.
 */
static void look_at_next(popcl *c) {
    popcl_msg m;
    size_t at = c->plan.next;
    if (popcl_plan_state(&c->plan, at) == POPCL_ENTRY_OVER) { /* LIST did not name it */
        c->plan.next = popcl_plan_after(&c->plan, at);
        return;
    }
    popcl_plan_msg(&c->plan, at, &m);
    unsigned actions = decide(c, &m, POPCL_STAGE_SIZE);
    unsigned fetches = actions & (POPCL_FETCH | POPCL_HEADERS_FIRST);
    if (actions & POPCL_FETCH && !(actions & POPCL_HEADERS_FIRST) && c->cfg->max_messages &&
        c->begun + c->wanted >= c->cfg->max_messages) {
        c->left = 1;
        return;
    }
    c->plan.next = popcl_plan_after(&c->plan, at);
    actions &=
        POPCL_FETCH | POPCL_HEADERS_FIRST | POPCL_DELETE | (fetches ? 0 : POPCL_DELETE_UNFETCHED);
    if (actions & POPCL_HEADERS_FIRST)
        want(c, at, POPCL_ENTRY_WANT_TOP, actions);
    else if (actions & POPCL_FETCH)
        want(c, at, POPCL_ENTRY_WANT_RETR, actions);
    else if (actions & POPCL_DELETE_UNFETCHED)
        due(c, at);
    else
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
}

static void send_for(popcl *c, size_t at, popcl_verb verb, enum popcl_entry_state next) {
    popcl_command command = {verb, popcl_plan_number(&c->plan, at), 0, NULL, 0, NULL};
    popcl_err e = popcl_session_submit(&c->session, &command, (uint32_t)at);
    if (e == POPCL_ERR_WOULD_BLOCK) return;
    if (verb == POPCL_DELE)
        c->due--;
    else
        c->wanted--;
    if (verb == POPCL_RETR) c->begun++;
    popcl_plan_enter(&c->plan, at, next, popcl_plan_actions(&c->plan, at));
    if (e) popcl_session_fail(&c->session, e, 0);
}

static void send_wanted(popcl *c) {
    size_t at = popcl_plan_find(&c->plan, POPCL_ENTRY_WANT_TOP, POPCL_ENTRY_WANT_RETR);
    int top = popcl_plan_state(&c->plan, at) == POPCL_ENTRY_WANT_TOP;
    send_for(c, at, top ? POPCL_TOP : POPCL_RETR, POPCL_ENTRY_ASKED);
}

static int more_to_look_at(const popcl *c) {
    return !c->stopping && !c->left && c->plan.next < c->plan.used;
}

/* The next step with the messages of the plan: what is durable is deleted first, so that its entry
 * is done with. */
static unsigned handle_messages(popcl *c) {
    while (!c->due && !(c->wanted && !c->stopping) && more_to_look_at(c) && !group_is_full(c))
        look_at_next(c);
    if (c->due) {
        send_for(c, popcl_plan_find(&c->plan, POPCL_ENTRY_DUE, POPCL_ENTRY_DUE), POPCL_DELE,
                 POPCL_ENTRY_DELE);
    } else if (c->staged && !c->open && group_is_full(c)) {
        return sync_staged(c);
    } else if (c->wanted && !c->stopping) {
        send_wanted(c);
    } else if (popcl_session_in_flight(&c->session)) {
        return 0;
    } else if (c->staged) {
        return sync_staged(c);
    } else if (c->full_at && !c->stopping && !c->left &&
               c->pass < (c->cfg->passes ? c->cfg->passes : 1)) {
        begin_pass(c, c->full_at);
    } else {
        enter(c, SAY_QUIT);
    }
    return 0;
}

/* ---- bodies ---- */

/* The open message fails: what is still to come of it is read and dropped. */
static void drain(popcl *c, size_t at, popcl_err why) {
    abort_open(c, why);
    c->open = DRAINING;
    c->drained = 0;
    not_stored(c, at, why);
}

/* What an abort leaves behind must be read before anything else can be said. Where nothing waits
 * for QUIT that is not worth more than drain_max; where deletions do, the overall deadline decides.
 */
static void drained(popcl *c, size_t n) {
    c->drained = n > UINT32_MAX - c->drained ? UINT32_MAX : c->drained + (uint32_t)n;
    if (c->drained > or_default(c->cfg->drain_max, POPCL_DRAIN_MAX) && !c->marked && !c->due &&
        !c->staged)
        popcl_session_fail(&c->session, POPCL_ERR_NOT_DRAINED, 0);
}

static void opened(void *ctx, uint32_t tag, const popcl_reply *reply) {
    popcl *c = ctx;
    (void)reply;
    c->octets = 0;
    popcl_plan_msg(&c->plan, tag, &c->msg);
    c->msg.part = popcl_session_verb(&c->session) == POPCL_TOP ? POPCL_HEADERS : POPCL_WHOLE;
    if (c->msg.part == POPCL_HEADERS) c->top_works = 1;
    if (c->stopping) {
        drain(c, tag, (popcl_err)c->stopping);
        return;
    }
    int answer = c->cfg->sink->begin(c->cfg->sink_ctx, &c->msg);
    c->open = answer == 0 ? WITH_SINK : CLOSED;
    if (answer == 0) return;
    sink_said(c, answer);
    drain(c, tag, POPCL_ERR_SINK);
}

/* Offers octets to the sink; returns how many it took, 0 if it failed: then all of them are to be
 * dropped. */
static size_t give(popcl *c, uint32_t tag, const unsigned char *p, size_t n) {
    int answer = c->cfg->sink->data(c->cfg->sink_ctx, p, n);
    if (answer >= 0 && (size_t)answer <= n) {
        c->octets += (unsigned)answer;
        c->received += (unsigned)answer;
        return (size_t)answer;
    }
    sink_said(c, answer);
    drain(c, tag, POPCL_ERR_SINK);
    return 0;
}

static size_t body(void *ctx, uint32_t tag, const unsigned char *p, size_t n) {
    popcl *c = ctx;
    size_t taken = 0;
    if (c->open == WITH_SINK) {
        size_t room = n;
        if (c->cfg->max_size && n > c->cfg->max_size - c->octets)
            room = (size_t)(c->cfg->max_size - c->octets);
        if (room) taken = give(c, tag, p, room);
        if (c->open == WITH_SINK && taken == room && room < n) drain(c, tag, POPCL_ERR_TOO_LARGE);
    }
    if (c->open != DRAINING) return taken;
    drained(c, n - taken);
    return n;
}

static void headers_durable(popcl *c, size_t at) {
    popcl_msg m;
    unsigned before = popcl_plan_actions(&c->plan, at);
    popcl_plan_msg(&c->plan, at, &m);
    unsigned actions = decide(c, &m, POPCL_STAGE_HEADERS);
    if (actions & POPCL_FETCH && c->cfg->max_messages &&
        c->begun + c->wanted >= c->cfg->max_messages) {
        c->left = 1;
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
    } else if (actions & POPCL_FETCH) {
        want(c, at, POPCL_ENTRY_WANT_RETR, POPCL_FETCH | ((actions | before) & POPCL_DELETE));
    } else if (actions & POPCL_DELETE_UNFETCHED) {
        due(c, at);
    } else {
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
    }
}

static void staged(popcl *c, size_t at) {
    c->staged++;
    c->staged_octets = c->octets > UINT32_MAX - c->staged_octets
                           ? UINT32_MAX
                           : c->staged_octets + (uint32_t)c->octets;
    if (c->msg.part == POPCL_HEADERS)
        headers_durable(c, at);
    else
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_STAGED, popcl_plan_actions(&c->plan, at));
}

/* The whole body was received: the sink's word decides. */
static unsigned commit(popcl *c, size_t at) {
    int answer = c->cfg->sink->commit(c->cfg->sink_ctx);
    if (answer == POPCL_AGAIN) return POPCL_PAUSED_SINK;
    c->open = CLOSED;
    if (c->msg.part == POPCL_WHOLE && c->octets == 0 && c->msg.size &&
        c->msg.size != POPCL_SIZE_UNKNOWN)
        popcl_plan_enter(&c->plan, at, POPCL_ENTRY_ASKED,
                         popcl_plan_actions(&c->plan, at) | EMPTY_BODY);
    if (answer == POPCL_STAGED && c->cfg->sink->sync) {
        staged(c, at);
    } else if (answer != 0) {
        sink_said(c, answer);
        not_stored(c, at, POPCL_ERR_COMMIT);
    } else if (c->msg.part == POPCL_HEADERS) {
        headers_durable(c, at);
    } else {
        durable(c, at);
    }
    return 0;
}

static unsigned body_answered(popcl *c, size_t at, const popcl_reply *r) {
    int top = popcl_session_verb(&c->session) == POPCL_TOP;
    int top_known =
        c->top_works || (c->has_caps && popcl_session_caps(&c->session)->tags & POPCL_CAPA_TOP);
    if (r->status != POPCL_STATUS_OK) {
        popcl_err why =
            popcl_reply_error(r, top && !top_known ? POPCL_ERR_NO_TOP : POPCL_ERR_RETR_REFUSED);
        not_stored(c, at, why);
        /* it would be refused for every other message too (RFC 1939, 7: optional) */
        if (why == POPCL_ERR_NO_TOP) stop_for(c, why);
    } else if (c->open == DRAINING) {
        c->open = CLOSED;
    } else {
        return commit(c, at);
    }
    return 0;
}

static void dele_answered(popcl *c, size_t at, const popcl_reply *r) {
    int ok = r->status == POPCL_STATUS_OK;
    if (ok) c->marked++;
    tell_entry(c, at, ok ? POPCL_MARKED : POPCL_NOT_MARKED,
               ok ? POPCL_OK : popcl_reply_error(r, POPCL_ERR_DELE_REFUSED));
    popcl_plan_enter(&c->plan, at, POPCL_ENTRY_OVER, 0);
}

/* ---- events ---- */

static void capa_answered(popcl *c, const popcl_reply *r) {
    if (r->status == POPCL_STATUS_OK)
        c->has_caps = 1;
    else
        c->capa_refused = 1; /* RFC 1939 only (RFC 2449, 5) */
    enter(c, c->phase == ASK_CAPA ? LOGIN : HANDLE_MESSAGES);
}

static unsigned done(void *ctx, uint32_t tag, const popcl_reply *r) {
    popcl *c = ctx;
    if (tag == POPCL_TAG_GREETING) {
        begin_login(c);
        return 0;
    }
    switch (popcl_session_verb(&c->session)) {
    case POPCL_START_TLS: stls_answered(c, r); break;
    case POPCL_CAPA: capa_answered(c, r); break;
    case POPCL_USER:
    case POPCL_PASS:
    case POPCL_APOP: login_answered(c, r); break;
    case POPCL_STAT: stat_answered(c, r); break;
    case POPCL_UIDL:
    case POPCL_LIST:
        if (c->phase == LIST_SIZES)
            sizes_answered(c, r);
        else
            listing_answered(c, r);
        break;
    case POPCL_RETR:
    case POPCL_TOP: return body_answered(c, tag, r);
    case POPCL_DELE: dele_answered(c, tag, r); break;
    default: enter(c, QUIT_ANSWERED); break; /* closed() follows */
    }
    return 0;
}

static unsigned send(popcl *c, popcl_verb verb) {
    popcl_command command = {verb, 0, 0, NULL, 0, NULL};
    popcl_err e = popcl_session_submit(&c->session, &command, NO_TAG);
    if (!e && c->phase == ASK_CAPA_AGAIN) c->capa_asked = 1;
    return 0;
}

static unsigned step(popcl *c) {
    if (c->phase != HANDLE_MESSAGES && popcl_session_in_flight(&c->session)) return 0;
    switch ((enum phase)c->phase) {
    case SAY_STLS: return send(c, POPCL_START_TLS);
    case ASK_CAPA:
    case ASK_CAPA_AGAIN: return send(c, POPCL_CAPA);
    case LOGIN: return login(c);
    case ASK_STAT: return send(c, POPCL_STAT);
    case LIST_MESSAGES: return send(c, c->by_number ? POPCL_LIST : POPCL_UIDL);
    case LIST_SIZES: return send(c, POPCL_LIST);
    case HANDLE_MESSAGES: return handle_messages(c);
    case SAY_QUIT: return send(c, POPCL_QUIT);
    default: return 0;
    }
}

/* Goes on until a command was sent, something has to wait, or nothing changes. */
static unsigned ready(void *ctx) {
    popcl *c = ctx;
    for (;;) {
        unsigned sent = popcl_session_in_flight(&c->session), staged_before = c->staged;
        unsigned phase = c->phase, pass = c->pass;
        unsigned why = step(c);
        int moved = c->phase != phase || c->pass != pass || c->staged != staged_before;
        if (why || !moved || c->over || popcl_session_in_flight(&c->session) != sent) return why;
    }
}

static const popcl_session_events events = {text, line, opened, body, done, ready, closed};

/* ---- the interface ---- */

const char *popcl_version(void) { return POPCL_VERSION; }

/* Whether credentials and plan suit every mechanism that may be used. */
static popcl_err check_login(const popcl_config *cfg) {
    const popcl_secret *s = &cfg->secret;
    unsigned unknown = cfg->auth;
    size_t user = cfg->user_len ? cfg->user_len : strlen(cfg->user), least = POPCL_PLAN_MIN;
    size_t secret = s->octets ? popcl_secret_len(s) : 1;
    if (user == 0 || secret == 0 || popcl_has_line_end(cfg->user, user) ||
        (s->octets && popcl_has_line_end(s->octets, secret)))
        return POPCL_ERR_CREDENTIAL_OCTET;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        unknown &= ~(unsigned)m->bit;
        if (!allowed(cfg, m)) continue;
        if (user > m->user_max || (m->secret_max && secret > m->secret_max))
            return POPCL_ERR_COMMAND_LENGTH;
        if (m->greeting) least = POPCL_SCRATCH_MIN;
    }
    return unknown                              ? POPCL_ERR_ARGUMENT
           : cfg->plan && cfg->plan_len < least ? POPCL_ERR_PLAN_SMALL
                                                : POPCL_OK;
}

static popcl_err check(const popcl_config *cfg) {
    const popcl_sink *sink = cfg->sink;
    if (!cfg->host || !cfg->user || (!cfg->secret.octets && !cfg->secret.get))
        return POPCL_ERR_ARGUMENT;
    if (!sink || !sink->begin || !sink->data || !sink->commit || !sink->abort ||
        cfg->security > POPCL_STLS)
        return POPCL_ERR_ARGUMENT;
    if (!cfg->plan && cfg->security == POPCL_CLEAR) return POPCL_ERR_ARGUMENT;
    return popcl_is_host(cfg->host) ? check_login(cfg) : POPCL_ERR_HOST;
}

/* Whether the TLS storage can hold the plan, since none was given. */
static popcl_err check_spare(popcl *c) {
    size_t n;
    popcl_session_spare(&c->session, &n);
    if (n >= POPCL_SCRATCH_MIN) return POPCL_OK;
    popcl_session_wipe(&c->session);
    return POPCL_ERR_PLAN_SMALL;
}

popcl_err popcl_start(popcl *c, const popcl_config *cfg, uint32_t now_ms) {
    memset(c, 0, sizeof *c);
    c->over = 1;
    popcl_err e = cfg ? check(cfg) : POPCL_ERR_ARGUMENT;
    if (!e) {
        popcl_session_config s = {cfg->iobuf,    cfg->iobuf_len, cfg->connect_ms, cfg->idle_ms,
                                  cfg->pause_ms, cfg->total_ms,  cfg->security,   cfg->tls,
                                  cfg->host,     cfg->port,      cfg->user,       cfg->user_len,
                                  cfg->seed,     cfg->seed_len,  &events,         c,
                                  cfg->trace,    cfg->trace_ctx};
        e = popcl_session_start(&c->session, &s, now_ms);
        if (!e && !cfg->plan) e = check_spare(c);
    }
    c->result = (uint8_t)e;
    if (e) return e;
    c->over = 0;
    c->cfg = cfg;
    c->plan.octets = cfg->plan;
    c->plan.len =
        cfg->plan_len < UINT32_MAX ? cfg->plan_len : UINT32_MAX - 1; /* tags are offsets into it */
    if (cfg->plan)
        memset(cfg->plan, 0, cfg->plan_len < POPCL_SCRATCH_MIN ? cfg->plan_len : POPCL_SCRATCH_MIN);
    c->by_number = cfg->no_uid != 0;
    return POPCL_OK;
}

void popcl_connected(popcl *c, uint32_t now_ms) { popcl_session_connected(&c->session, now_ms); }

unsigned popcl_state(const popcl *c) {
    if (c->over || !c->cfg) return POPCL_DONE;
    return c->settling ? POPCL_PAUSED_SYNC : popcl_session_state(&c->session);
}

const unsigned char *popcl_send_buf(const popcl *c, size_t *n) {
    return popcl_session_send_buf(&c->session, n);
}

void popcl_send_ack(popcl *c, size_t n) { popcl_session_send_ack(&c->session, n); }

unsigned char *popcl_recv_buf(const popcl *c, size_t *n) {
    return popcl_session_recv_buf(&c->session, n);
}

void popcl_recv_ack(popcl *c, size_t n) { popcl_session_recv_ack(&c->session, n); }

void popcl_send_failed(popcl *c) { popcl_session_send_failed(&c->session); }

void popcl_recv_eof(popcl *c) { popcl_session_recv_eof(&c->session); }

/* The session is over, and the sink still owes an answer for what is staged. */
static void settle(popcl *c) {
    int too_late = popcl_session_elapsed(&c->session) - c->since >= POPCL_SETTLE_MS;
    if (too_late) end_staged(c, POPCL_ERR_SYNC);
    c->settling = !too_late && sync_staged(c);
    if (!c->settling) finish(c);
}

static uint32_t total_ms(const popcl *c) { return or_default(c->cfg->total_ms, POPCL_TOTAL_MS); }

/* The last part of that, kept for QUIT. */
static uint32_t reserve_ms(const popcl *c) {
    return total_ms(c) / 4 < POPCL_QUIT_MS ? total_ms(c) / 4 : POPCL_QUIT_MS;
}

/* The job cannot go on, and what is durable is still deleted: a body that is open is aborted, and
 * drained for as long as there is time. */
static void stop_in_order(popcl *c, popcl_err why) {
    stop_for(c, why);
    if (c->open == WITH_SINK) drain(c, popcl_plan_seek(&c->plan, 0, c->msg.number, 1), why);
}

/* Nobody waits any more for a sink that lost its message. */
static void end_pause_of_drained(popcl *c) {
    if (c->open == DRAINING) popcl_session_resume(&c->session);
}

/* So much of the reserve is left. Half of it is for a sync that asks for time: the deletions of all
 * other messages need the rest. */
static void wind_up(popcl *c, uint32_t left) {
    stop_in_order(c, POPCL_ERR_TIMEOUT_TOTAL);
    if (left <= reserve_ms(c) / 2 && popcl_session_state(&c->session) & POPCL_PAUSED_SYNC)
        end_staged(c, POPCL_ERR_SYNC);
}

void popcl_tick(popcl *c, uint32_t now_ms) {
    if (popcl_state(c) == POPCL_DONE) return;
    popcl_session_tick(&c->session, now_ms);
    if (!popcl_session_hold(&c->session)) return;
    uint32_t staged_before = c->staged, left = total_ms(c) - popcl_session_elapsed(&c->session);
    if (c->settling)
        settle(c);
    else if (c->listing_reached && !c->over && c->phase < SAY_QUIT && left <= reserve_ms(c))
        wind_up(c, left);
    popcl_session_release(&c->session);
    if (staged_before && !c->staged) popcl_session_resume(&c->session);
    end_pause_of_drained(c);
}

void popcl_resume(popcl *c) {
    if (!c->settling) {
        popcl_session_resume(&c->session);
    } else if (popcl_session_hold(&c->session)) {
        settle(c);
        popcl_session_release(&c->session);
    }
}

uint32_t popcl_next_deadline(const popcl *c) {
    if (popcl_state(c) == POPCL_DONE) return POPCL_MS_MAX;
    uint32_t passed = popcl_session_elapsed(&c->session) - (c->settling ? c->since : 0);
    uint32_t mine = c->settling ? POPCL_SETTLE_MS : total_ms(c) - reserve_ms(c);
    if (!c->settling && c->staged && passed >= mine) mine = total_ms(c) - reserve_ms(c) / 2;
    uint32_t session = popcl_session_next_deadline(&c->session),
             left = passed < mine ? mine - passed : 0;
    if (c->settling) return left;
    /* what has passed was judged by the last tick */
    return left && left < session ? left : session;
}

void popcl_stop(popcl *c) {
    if (c->over || c->settling || c->phase == QUIT_ANSWERED || !popcl_session_hold(&c->session))
        return;
    if (c->listing_reached)
        stop_in_order(c, POPCL_ERR_STOPPED);
    else
        popcl_session_fail(&c->session, POPCL_ERR_STOPPED, 0);
    popcl_session_release(&c->session);
    end_pause_of_drained(c);
}

void popcl_fail(popcl *c, popcl_err why, int net_code) {
    if (c->over || c->settling || !popcl_session_hold(&c->session)) return;
    popcl_session_fail(&c->session, why, net_code);
    popcl_session_release(&c->session);
}

popcl_err popcl_result(const popcl *c) {
    return c->cfg || c->result ? (popcl_err)c->result : POPCL_ERR_STATE;
}

void popcl_get_diag(const popcl *c, popcl_diag *d) {
    memset(d, 0, sizeof *d);
    d->err = popcl_result(c);
    d->net_code = popcl_session_net_code(&c->session);
    d->sink_code = c->sink_code;
    d->state = popcl_session_state_name(&c->session);
    d->verb = c->cfg ? popcl_verb_name(popcl_session_verb(&c->session)) : "";
    d->reply = *popcl_session_reply(&c->session);
    d->refused = c->cfg ? popcl_verb_name(popcl_session_refused(&c->session)) : "";
    if (c->cfg && c->result && c->result != POPCL_MORE)
        d->verb = popcl_verb_name((popcl_verb)c->failed_verb);
    d->message = c->failed_message;
    d->broken_at = popcl_session_state(&c->session) == POPCL_DONE ? c->msg.number : 0;
    d->quit_left = popcl_session_quit_left(&c->session) != 0;
    d->in_maildrop = c->in_maildrop;
    d->octets_in_maildrop = c->octets_in_maildrop;
    d->listed = c->listed;
    d->stored = c->stored;
    d->failed = c->failed;
    d->marked = c->marked;
    d->listing_reached = c->listing_reached;
    d->deletions = c->deletions;
    d->has_caps = c->has_caps;
    if (c->mechanism) d->mechanism = popcl_mechs[c->mechanism - 1]->bit;
    d->caps = *popcl_session_caps(&c->session);
    d->received = c->received;
    d->passed_over = c->passed_over + popcl_session_passed_over(&c->session);
    d->no_uids = c->by_number;
}

void popcl_wipe(popcl *c) {
    if (!popcl_session_hold(&c->session)) return;
    if (c->cfg && !c->over) {
        abort_open(c, POPCL_ERR_STOPPED);
        release_secret(c);
        if (c->plan.octets) popcl_zero(c->plan.octets, c->plan.len);
    }
    c->over =
        1; /* a callback that called back ends the session, and must not begin the end again */
    c->staged = 0;
    popcl_session_release(&c->session);
    popcl_session_wipe(&c->session);
    popcl_zero(c, sizeof *c);
}
