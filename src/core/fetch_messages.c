/* SPDX-License-Identifier: MIT */
/* fetch_messages - handles the messages of the plan: TOP and RETR into the sink, sync, DELE. */
#include "fetch.h"
#include "plan.h"

/* ---- fates ---- */

static void not_stored(popcl_fetch *f, size_t at, popcl_err why) {
    popcl_fetch_tell(f, at, POPCL_NOT_STORED, why);
    popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER, 0);
}

static void due(popcl_fetch *f, size_t at) {
    f->due++;
    popcl_plan_enter(&f->plan, at, POPCL_ENTRY_DUE, 0);
}

/* An entry whose message was fetched whole does not need POPCL_DELETE_UNFETCHED. The bit then means
 * that the body was empty although LIST gave it a size. Such a message is stored, and never
 * deleted: the next session may get its content. */
#define EMPTY_BODY POPCL_DELETE_UNFETCHED

static void durable(popcl_fetch *f, size_t at) {
    unsigned actions = popcl_plan_actions(&f->plan, at);
    f->stored++;
    popcl_fetch_tell(f, at, POPCL_STORED, POPCL_OK);
    if (actions & EMPTY_BODY) popcl_fetch_tell(f, at, POPCL_NOT_MARKED, POPCL_ERR_BODY_EMPTY);
    if (actions & POPCL_DELETE && !(actions & EMPTY_BODY))
        due(f, at);
    else
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER, 0);
}

/* Keeps a sink's first negative answer. POPCL_SINK_STOP also stops the job. */
static void sink_said(popcl_fetch *f, int answer) {
    if (answer >= 0) return;
    if (f->sink_code == 0) f->sink_code = (int16_t)(answer < INT16_MIN ? INT16_MIN : answer);
    if (answer == POPCL_SINK_STOP && !f->stopping) f->stopping = POPCL_ERR_SINK;
}

/* ---- sync ---- */

/* No staged entry is after plan.next. */
void popcl_messages_end_staged(popcl_fetch *f, popcl_err why) {
    f->staged = f->staged_octets = 0;
    for (size_t at = f->plan.low; at < f->plan.next; at = popcl_plan_after(&f->plan, at)) {
        if (popcl_plan_state(&f->plan, at) != POPCL_ENTRY_STAGED) continue;
        if (why)
            not_stored(f, at, why);
        else
            durable(f, at);
    }
    popcl_fetch_note(f, why, 0);
}

/* Makes all staged messages durable, or fails for all of them. Returns POPCL_PAUSED_SYNC if it has
 * to be called again. */
unsigned popcl_messages_sync(popcl_fetch *f) {
    int answer = f->cfg->sink->sync(f->cfg->sink_ctx);
    if (answer == POPCL_AGAIN) return POPCL_PAUSED_SYNC;
    sink_said(f, answer);
    popcl_messages_end_staged(f, answer == 0 ? POPCL_OK : POPCL_ERR_SYNC);
    return 0;
}

static int group_is_full(const popcl_fetch *f) {
    const popcl_fetch_config *cfg = f->cfg;
    return f->staged >= popcl_or_default(cfg->group_messages, POPCL_GROUP_MESSAGES) ||
           f->staged_octets >= popcl_or_default(cfg->group_octets, POPCL_GROUP_OCTETS);
}

/* ---- messages ---- */

static int too_large(const popcl_fetch *f, const popcl_msg *m) {
    return f->cfg->max_size && m->size != POPCL_SIZE_UNKNOWN && m->size > f->cfg->max_size;
}

static int is_enough(const popcl_fetch *f) {
    return f->cfg->max_messages && f->begun >= f->cfg->max_messages;
}

/* Asks the caller for the actions of an entry, and follows them. Of these, only POPCL_DELETE is
 * kept: it waits until the message is stored. POPCL_DELETE_UNFETCHED counts only if no action
 * fetches. A message that is to be fetched is never deleted unless it was stored. */
static void follow(popcl_fetch *f, size_t at, popcl_stage stage) {
    popcl_msg m;
    enum popcl_entry_state next = POPCL_ENTRY_OVER;
    unsigned deletes = popcl_plan_actions(&f->plan, at) & POPCL_DELETE;
    popcl_plan_msg(&f->plan, at, &m);
    unsigned actions = popcl_fetch_decide(f, &m, stage);
    if (actions & POPCL_HEADERS_FIRST && stage == POPCL_STAGE_SIZE) {
        next = POPCL_ENTRY_WANT_TOP;
    } else if (actions & POPCL_FETCH) {
        if (is_enough(f)) {
            f->left = 1;
        } else if (too_large(f, &m)) {
            popcl_fetch_tell(f, at, POPCL_NOT_STORED, POPCL_ERR_TOO_LARGE);
        } else {
            f->begun++;
            next = POPCL_ENTRY_WANT_RETR;
        }
    } else if (actions & POPCL_DELETE_UNFETCHED) {
        f->due++;
        next = POPCL_ENTRY_DUE;
    }
    f->wanted += next == POPCL_ENTRY_WANT_TOP || next == POPCL_ENTRY_WANT_RETR;
    popcl_plan_enter(&f->plan, at, next, deletes | (actions & POPCL_DELETE));
}

/* Looks at the next entry, now that its size is known. */
static void look_at_next(popcl_fetch *f) {
    size_t at = f->plan.next;
    f->plan.next = popcl_plan_after(&f->plan, at);
    /* LIST may have left it out */
    if (popcl_plan_state(&f->plan, at) != POPCL_ENTRY_OVER) follow(f, at, POPCL_STAGE_SIZE);
}

static void send_for(popcl_fetch *f, size_t at, popcl_verb verb, enum popcl_entry_state next) {
    popcl_command command = {.verb = verb, .number = popcl_plan_number(&f->plan, at)};
    popcl_err e = popcl_machine_submit(&f->session, &command, (uint32_t)at);
    if (e == POPCL_ERR_WOULD_BLOCK) return;
    if (verb == POPCL_DELE)
        f->due--;
    else
        f->wanted--;
    popcl_plan_enter(&f->plan, at, next, popcl_plan_actions(&f->plan, at));
    if (e) popcl_machine_fail(&f->session, e);
}

static void send_wanted(popcl_fetch *f) {
    size_t at = popcl_plan_find(&f->plan, POPCL_ENTRY_WANT_TOP, POPCL_ENTRY_WANT_RETR);
    int top = popcl_plan_state(&f->plan, at) == POPCL_ENTRY_WANT_TOP;
    send_for(f, at, top ? POPCL_TOP : POPCL_RETR, POPCL_ENTRY_ASKED);
}

static int more_to_look_at(const popcl_fetch *f) {
    return !f->stopping && !f->left && f->plan.next < f->plan.used;
}

/* Does the next step with the messages of the plan. Durable messages are deleted first, so that
 * their entries are done with. */
unsigned popcl_messages_step(popcl_fetch *f) {
    while (!f->due && !(f->wanted && !f->stopping) && more_to_look_at(f) && !group_is_full(f))
        look_at_next(f);
    if (f->due) {
        send_for(f, popcl_plan_find(&f->plan, POPCL_ENTRY_DUE, POPCL_ENTRY_DUE), POPCL_DELE,
                 POPCL_ENTRY_DELE);
    } else if (f->staged && !f->open && group_is_full(f)) {
        return popcl_messages_sync(f);
    } else if (f->wanted && !f->stopping) {
        send_wanted(f);
    } else if (popcl_in_flight(&f->session)) {
        return 0;
    } else if (f->staged) {
        return popcl_messages_sync(f);
    } else if (f->is_full && !f->stopping && !f->left &&
               f->pass < (f->cfg->passes ? f->cfg->passes : 1)) {
        popcl_list_begin(f, f->from);
    } else {
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    }
    return 0;
}

/* ---- bodies ---- */

void popcl_messages_abort(popcl_fetch *f, popcl_err why) {
    if (f->open == POPCL_TO_SINK) f->cfg->sink->abort(f->cfg->sink_ctx, why);
    f->open = POPCL_NO_BODY;
}

void popcl_messages_drain(popcl_fetch *f, size_t at, popcl_err why) {
    popcl_messages_abort(f, why);
    f->open = POPCL_DRAINING;
    f->octets = 0;
    not_stored(f, at, why);
}

/* Returns whether deletions wait for QUIT: marked, in flight, or due after a sync. */
static int quit_matters(const popcl_fetch *f) {
    return f->marked || f->due || f->staged ||
           popcl_plan_find(&f->plan, POPCL_ENTRY_DELE, POPCL_ENTRY_DELE) < f->plan.next;
}

/* Counts n octets that were dropped. The rest of an aborted message must be read before anything
 * else can be sent. If no deletion waits for QUIT, at most drain_max octets are read. Otherwise the
 * overall deadline decides. */
static void drained(popcl_fetch *f, size_t n) {
    f->octets += n;
    if (f->octets > popcl_or_default(f->cfg->drain_max, POPCL_DRAIN_MAX) && !quit_matters(f))
        popcl_machine_fail(&f->session, POPCL_ERR_NOT_DRAINED);
}

void popcl_messages_open(popcl_fetch *f, size_t at) {
    f->octets = 0;
    popcl_plan_msg(&f->plan, at, &f->msg);
    f->msg.part = popcl_last_verb(&f->session) == POPCL_TOP ? POPCL_HEADERS : POPCL_WHOLE;
    if (f->msg.part == POPCL_HEADERS) f->top_works = 1;
    if (f->stopping) {
        popcl_messages_drain(f, at, (popcl_err)f->stopping);
        return;
    }
    int answer = f->cfg->sink->begin(f->cfg->sink_ctx, &f->msg);
    f->open = answer == 0 ? POPCL_TO_SINK : POPCL_NO_BODY;
    if (answer == 0) return;
    sink_said(f, answer);
    popcl_messages_drain(f, at, POPCL_ERR_SINK);
}

/* Offers octets to the sink. Returns how many the sink took. If the sink failed, returns 0, and all
 * of the octets are to be dropped. */
static size_t give(popcl_fetch *f, size_t at, const unsigned char *p, size_t n) {
    int answer = f->cfg->sink->data(f->cfg->sink_ctx, p, n);
    if (answer >= 0 && (size_t)answer <= n) {
        f->octets += (unsigned)answer;
        f->received += (unsigned)answer;
        return (size_t)answer;
    }
    sink_said(f, answer);
    popcl_messages_drain(f, at, POPCL_ERR_SINK);
    return 0;
}

size_t popcl_messages_body(popcl_fetch *f, size_t at, const unsigned char *p, size_t n) {
    size_t taken = 0;
    if (f->open == POPCL_TO_SINK) {
        size_t room = n;
        if (f->cfg->max_size && n > f->cfg->max_size - f->octets)
            room = (size_t)(f->cfg->max_size - f->octets);
        if (room) taken = give(f, at, p, room);
        if (f->open == POPCL_TO_SINK && taken == room && room < n)
            popcl_messages_drain(f, at, POPCL_ERR_TOO_LARGE);
    }
    if (f->open != POPCL_DRAINING) return taken;
    drained(f, n - taken);
    return n;
}

static void staged(popcl_fetch *f, size_t at) {
    f->staged++;
    f->staged_octets = f->octets > UINT32_MAX - f->staged_octets
                           ? UINT32_MAX
                           : f->staged_octets + (uint32_t)f->octets;
    if (f->msg.part == POPCL_HEADERS)
        follow(f, at, POPCL_STAGE_HEADERS);
    else
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_STAGED, popcl_plan_actions(&f->plan, at));
}

/* The whole body was received: the sink's answer decides. */
static unsigned commit(popcl_fetch *f, size_t at) {
    int answer = f->cfg->sink->commit(f->cfg->sink_ctx);
    if (answer == POPCL_AGAIN) return POPCL_PAUSED_SINK;
    f->open = POPCL_NO_BODY;
    if (f->msg.part == POPCL_WHOLE && f->octets == 0 && f->msg.size &&
        f->msg.size != POPCL_SIZE_UNKNOWN)
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_ASKED,
                         popcl_plan_actions(&f->plan, at) | EMPTY_BODY);
    if (answer == POPCL_STAGED && f->cfg->sink->sync) {
        staged(f, at);
    } else if (answer != 0) {
        sink_said(f, answer);
        not_stored(f, at, POPCL_ERR_COMMIT);
    } else if (f->msg.part == POPCL_HEADERS) {
        follow(f, at, POPCL_STAGE_HEADERS);
    } else {
        durable(f, at);
    }
    return 0;
}

static unsigned body_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    int top = popcl_last_verb(&f->session) == POPCL_TOP;
    int top_known =
        f->top_works || (f->has_caps && popcl_capabilities(&f->session)->tags & POPCL_CAPA_TOP);
    if (r->status != POPCL_STATUS_OK) {
        popcl_err why =
            popcl_reply_error(r, top && !top_known ? POPCL_ERR_NO_TOP : POPCL_ERR_RETR_REFUSED);
        not_stored(f, at, why);
        /* TOP would be refused for every other message too (RFC 1939, 7: it is optional) */
        if (why == POPCL_ERR_NO_TOP) popcl_fetch_give_up(f, why);
    } else if (f->open == POPCL_DRAINING) {
        f->open = POPCL_NO_BODY;
    } else {
        return commit(f, at);
    }
    return 0;
}

static void dele_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    int ok = r->status == POPCL_STATUS_OK;
    if (ok) f->marked++;
    popcl_fetch_tell(f, at, ok ? POPCL_MARKED : POPCL_NOT_MARKED,
                     ok ? POPCL_OK : popcl_reply_error(r, POPCL_ERR_DELE_REFUSED));
    popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER, 0);
}

unsigned popcl_messages_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    if (popcl_plan_state(&f->plan, at) != POPCL_ENTRY_DELE) return body_answered(f, at, r);
    dele_answered(f, at, r);
    return 0;
}
