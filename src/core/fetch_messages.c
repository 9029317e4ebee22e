/* SPDX-License-Identifier: MIT */
/* fetch_messages - handles the messages of the plan: TOP and RETR into the sink, sync, DELE. */
#include <string.h>

#include "fetch.h"
#include "plan.h"

/* ---- fates ---- */

/* Reports the last fate of an entry. */
static void over(popcl_fetch *f, size_t at, popcl_fate what, popcl_err why) {
    popcl_fetch_tell(f, at, what, why);
    popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER);
}

static void not_stored(popcl_fetch *f, size_t at, popcl_err why) {
    over(f, at, POPCL_NOT_STORED, why);
}

static void due(popcl_fetch *f, size_t at) { popcl_plan_enter(&f->plan, at, POPCL_ENTRY_DUE); }

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
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER);
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
    f->actions |=
        (uint8_t)(actions & (POPCL_HEADERS_FIRST | POPCL_DELETE | POPCL_DELETE_UNFETCHED));
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
    } else if (actions & POPCL_DELETE_UNFETCHED && !(actions & POPCL_HEADERS_FIRST)) {
        next = POPCL_ENTRY_DUE;
    }
    popcl_plan_set_actions(&f->plan, at, deletes | (actions & POPCL_DELETE));
    popcl_plan_enter(&f->plan, at, next);
}

/* Looks at the next entry, now that its size is known. */
static void look_at_next(popcl_fetch *f) {
    size_t at = f->plan.next;
    f->plan.next = popcl_plan_after(&f->plan, at);
    /* LIST may have left it out */
    if (popcl_plan_state(&f->plan, at) != POPCL_ENTRY_OVER) follow(f, at, POPCL_STAGE_SIZE);
}

/* ---- commands ---- */

/* Sends a command for an entry. Returns whether it was sent. Replies that shifted once may do so
 * again, so another STAT has to follow. */
static int send_for(popcl_fetch *f, size_t at, popcl_verb verb, enum popcl_entry_state next) {
    popcl_command command = {.verb = verb,
                             .number = popcl_plan_number(&f->plan, at),
                             .lines = verb == POPCL_TOP ? f->cfg->top_lines : 0};
    unsigned before = popcl_job_in_flight(f);
    popcl_err e = popcl_machine_submit(&f->session, &command, (uint32_t)at);
    if (e == POPCL_ERR_WOULD_BLOCK) return 0;
    /* a reply of the listing may have come twice: then the first body is one too many */
    if (before || f->ahead || f->shifted) f->unsure |= POPCL_UNSURE_MESSAGES;
    popcl_plan_enter(&f->plan, at, next);
    if (e) popcl_machine_fail(&f->session, e);
    return 1;
}

/* Returns the octets that a body counts as, against POPCL_AHEAD_OCTETS. */
static uint32_t weight(const popcl_fetch *f, size_t at) {
    uint64_t size = popcl_plan_size(&f->plan, at);
    if (size == POPCL_SIZE_UNKNOWN) return POPCL_AHEAD_OCTETS / 8;
    return size < POPCL_AHEAD_OCTETS ? (uint32_t)size : POPCL_AHEAD_OCTETS;
}

/* Returns whether a body may be asked for now. Once there is no room for one more, the next ones
 * wait until some of the octets, or half of the window, is free. So commands leave many at a time,
 * and the line is never empty. */
static int may_ask(popcl_fetch *f, size_t at) {
    unsigned in_flight = popcl_job_in_flight(f);
    if (in_flight == 0) return 1;
    if (f->filled &&
        (f->asked_octets > POPCL_AHEAD_OCTETS / 32 * 31 || in_flight > f->session.window_len / 2u))
        return 0;
    f->filled = f->asked && f->asked_octets + weight(f, at) > POPCL_AHEAD_OCTETS;
    return !f->filled;
}

/* Asks for a header or a message. A header has no listed size, so it is asked for alone. A body
 * that is asked for ahead needs one: see agrees. */
static void send_wanted(popcl_fetch *f, size_t at) {
    enum popcl_entry_state state = popcl_plan_state(&f->plan, at);
    int no_size = popcl_plan_size(&f->plan, at) == POPCL_SIZE_UNKNOWN;
    if (state == POPCL_ENTRY_WANT_TOP) {
        if (!popcl_job_in_flight(f)) (void)send_for(f, at, POPCL_TOP, POPCL_ENTRY_ASKED);
        return;
    }
    if (!may_ask(f, at)) return;
    if (f->ahead && no_size && state == POPCL_ENTRY_WANT_RETR) {
        (void)send_for(f, at, POPCL_LIST, POPCL_ENTRY_WANT_BODY);
    } else if (send_for(f, at, POPCL_RETR, POPCL_ENTRY_ASKED)) {
        f->asked++;
        f->asked_octets += weight(f, at);
        f->filled = popcl_job_in_flight(f) == f->session.window_len;
    }
}

static int more_to_look_at(const popcl_fetch *f) {
    return !f->stopping && !f->left && f->plan.next < f->plan.used;
}

static int more_to_list(const popcl_fetch *f) {
    return f->is_full && !f->stopping && !f->left &&
           f->pass < (f->cfg->passes ? f->cfg->passes : 1);
}

/* Nothing more is to be sent for a message now. The second STAT need not wait for the last bodies,
 * unless they can lead to further commands. */
static unsigned finish_messages(popcl_fetch *f) {
    unsigned in_flight = popcl_job_in_flight(f);
    if (f->asked && (f->actions || more_to_list(f))) return 0;
    if (f->staged && !f->asked) return popcl_messages_sync(f);
    if (more_to_list(f)) {
        if (!in_flight) popcl_list_begin(f, f->from);
    } else {
        popcl_fetch_enter(f, f->unsure & POPCL_UNSURE_MESSAGES ? POPCL_PROBE : POPCL_SAY_QUIT);
    }
    return 0;
}

/* Does the next step with the messages of the plan. Durable messages are deleted first, so that
 * their entries are done with. */
unsigned popcl_messages_step(popcl_fetch *f) {
    if (popcl_job_in_flight(f) && (!f->ahead || popcl_job_verb(f) == POPCL_TOP)) return 0;
    if (f->doubt) {
        popcl_fetch_enter(f, POPCL_PROBE);
        return 0;
    }
    for (;;) {
        size_t due = popcl_plan_due(&f->plan), wanted = popcl_plan_wanted(&f->plan);
        if (due < f->plan.next) {
            (void)send_for(f, due, POPCL_DELE, POPCL_ENTRY_DELE);
            return 0;
        }
        if (f->staged && !f->open && group_is_full(f)) return popcl_messages_sync(f);
        if (wanted < f->plan.next && !f->stopping) {
            send_wanted(f, wanted);
            return 0;
        }
        if (!more_to_look_at(f) || group_is_full(f)) return finish_messages(f);
        look_at_next(f);
    }
}

/* ---- the end of a body before its time ---- */

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
    return f->marked || f->staged ||
           popcl_plan_find(&f->plan, POPCL_ENTRY_DUE, POPCL_ENTRY_DELE) < f->plan.next;
}

/* Counts n octets that were dropped. The rest of an aborted message must be read before anything
 * else can be sent. If no deletion waits for QUIT, at most drain_max octets are read. Otherwise the
 * overall deadline decides. */
static void drained(popcl_fetch *f, size_t n) {
    uint32_t most = popcl_or_default(f->cfg->drain_max, POPCL_DRAIN_MAX);
    f->octets += n;
    if (f->octets > most && !f->doubt && !quit_matters(f))
        popcl_machine_fail(&f->session, POPCL_ERR_NOT_DRAINED);
}

/* ---- bodies that were asked for ahead ---- */

/* How a server counts the line ends of a message in its size. */
enum line_ends { NOT_KNOWN, TWO_OCTETS, ONE_OCTET, THREE_OCTETS };

/* Returns whether the line end that a server may add counts as much as all lines of the body. */
static int is_short(const popcl_fetch *f) { return f->lines <= sizeof "\r\n" - 1; }

/* Returns whether a body has so many octets more than its size that they are at most a line end.
 * Servers add one that a stored message lacks, and do not list it. */
static int is_line_end(uint64_t more) { return more <= sizeof "\r\n" - 1; }

/* Returns whether the body has the listed size. Some servers count a line end as one octet, or once
 * more. The first body shows which, and the others must be alike. */
static int agrees(popcl_fetch *f) {
    uint64_t size = f->msg.size;
    if (size == POPCL_SIZE_UNKNOWN) return 0;
    uint64_t more = f->octets - size; /* modulo 2^64 */
    enum line_ends ends = is_line_end(more)              ? TWO_OCTETS
                          : is_line_end(more - f->lines) ? ONE_OCTET
                          : is_line_end(more + f->lines) ? THREE_OCTETS
                                                         : NOT_KNOWN;
    if (ends == NOT_KNOWN) return 0;
    if (is_short(f)) return 1; /* too short to show it */
    if (f->line_ends == NOT_KNOWN) f->line_ends = (uint8_t)ends;
    return f->line_ends == ends;
}

static void count_lines(popcl_fetch *f, const unsigned char *p, size_t n) {
    const unsigned char *end = p + n;
    /* once sizes are known to be those on the wire, more lines decide nothing */
    while ((f->line_ends != TWO_OCTETS || is_short(f)) &&
           (p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        f->lines++;
    }
}

/* A body is not as long as listed: it may be another message. Nothing that was asked for ahead is
 * believed any more. Once all replies came, the session goes on with one command at a time. */
static void disagree(popcl_fetch *f) {
    f->ahead = 0;
    f->doubt = f->shifted = 1;
    popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
    popcl_messages_abort(f, POPCL_ERR_BODY_SIZE);
}

/* ---- bodies ---- */

void popcl_messages_open(popcl_fetch *f, size_t at) {
    f->octets = 0;
    f->lines = 0;
    f->at_start = 1;
    popcl_plan_msg(&f->plan, at, &f->msg);
    f->msg.part = popcl_job_verb(f) == POPCL_TOP ? POPCL_HEADERS : POPCL_WHOLE;
    if (f->msg.part == POPCL_HEADERS) f->top_works = 1;
    if (f->doubt) {
        f->open = POPCL_DRAINING;
        return;
    }
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
        if (f->ahead) count_lines(f, p, (size_t)answer);
        f->octets += (unsigned)answer;
        f->received += (unsigned)answer;
        return (size_t)answer;
    }
    sink_said(f, answer);
    popcl_messages_drain(f, at, POPCL_ERR_SINK);
    return 0;
}

/* The body is longer than max_size. Its listed size was not; a header has none. */
static void too_long(popcl_fetch *f, size_t at) {
    if (!f->ahead || f->msg.part == POPCL_HEADERS) {
        popcl_messages_drain(f, at, POPCL_ERR_TOO_LARGE);
        return;
    }
    disagree(f);
    f->octets = 0;
    f->open = POPCL_DRAINING;
}

/* A body begins like a reply, as no message does. A reply to another command came twice, and this
 * RETR uses it up together with its own. Replies match again from here on, and the last STAT does
 * not show that earlier bodies may be those of other messages. */
static int is_reply(popcl_fetch *f, unsigned char first) {
    int starts = f->at_start && first == '+' && f->msg.part == POPCL_WHOLE;
    f->at_start = 0;
    if (!starts || !(f->ahead || f->doubt)) return 0;
    f->shifted = 1;
    popcl_machine_fail(&f->session, POPCL_ERR_REPLIES);
    return 1;
}

size_t popcl_messages_body(popcl_fetch *f, size_t at, const unsigned char *p, size_t n) {
    size_t taken = 0;
    if (is_reply(f, *p)) return n;
    if (f->open == POPCL_TO_SINK) {
        size_t room = n;
        if (f->cfg->max_size && n > f->cfg->max_size - f->octets)
            room = (size_t)(f->cfg->max_size - f->octets);
        if (room) taken = give(f, at, p, room);
        if (f->open == POPCL_TO_SINK && taken == room && room < n) too_long(f, at);
    }
    if (f->open != POPCL_DRAINING) return taken;
    drained(f, n - taken);
    return n;
}

static void staged(popcl_fetch *f, size_t at) {
    uint64_t octets = f->staged_octets + f->octets;
    f->staged++;
    f->staged_octets = octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
    if (f->msg.part == POPCL_HEADERS)
        follow(f, at, POPCL_STAGE_HEADERS);
    else
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_STAGED);
}

/* The whole body was received: the sink's answer decides. */
static unsigned commit(popcl_fetch *f, size_t at) {
    int answer = f->cfg->sink->commit(f->cfg->sink_ctx);
    if (answer == POPCL_AGAIN) return POPCL_PAUSED_SINK;
    f->open = POPCL_NO_BODY;
    if (f->msg.part == POPCL_WHOLE && f->octets == 0 && f->msg.size &&
        f->msg.size != POPCL_SIZE_UNKNOWN)
        popcl_plan_set_actions(&f->plan, at, popcl_plan_actions(&f->plan, at) | EMPTY_BODY);
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
    int top = popcl_job_verb(f) == POPCL_TOP;
    int top_known = f->top_works || popcl_job_offers(f, POPCL_CAPA_TOP);
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

/* The reply to RETR or TOP is complete. After a pause it comes again, and the entry may already be
 * staged. */
static unsigned asked_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    int top = popcl_job_verb(f) == POPCL_TOP;
    int checked = f->ahead && !top && f->open == POPCL_TO_SINK && r->status == POPCL_STATUS_OK;
    uint32_t counted = top ? 0 : weight(f, at);
    unsigned why = 0;
    if (checked && !agrees(f)) disagree(f);
    if (f->doubt && !top) {
        f->open = POPCL_NO_BODY;
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_WANT_RETR); /* to be asked for again, alone */
    } else {
        why = body_answered(f, at, r);
    }
    if (why) return why;
    f->asked_octets -= counted;
    if (!top) f->asked--;
    return 0;
}

/* LIST with a number, in front of the RETR. Without a size the body will not agree. */
static void size_answered(popcl_fetch *f, size_t at, const popcl_reply *r, int asked) {
    uint32_t before = weight(f, at);
    if (r->status != POPCL_STATUS_OK || r->number != popcl_plan_number(&f->plan, at)) return;
    popcl_plan_set_size(&f->plan, at, r->size);
    if (asked) f->asked_octets += weight(f, at) - before;
}

static void dele_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    int ok = r->status == POPCL_STATUS_OK;
    if (ok) f->marked++;
    over(f, at, ok ? POPCL_MARKED : POPCL_NOT_MARKED,
         ok ? POPCL_OK : popcl_reply_error(r, POPCL_ERR_DELE_REFUSED));
}

/* A group is synced as soon as it is full, and the last one before the session ends. Bodies that
 * were asked for ahead leave no other time for it. */
unsigned popcl_messages_answered(popcl_fetch *f, size_t at, const popcl_reply *r) {
    enum popcl_entry_state state = popcl_plan_state(&f->plan, at);
    unsigned why = 0;
    if (popcl_job_verb(f) == POPCL_LIST)
        size_answered(f, at, r, state == POPCL_ENTRY_ASKED);
    else if (state == POPCL_ENTRY_DELE)
        dele_answered(f, at, r);
    else if (state == POPCL_ENTRY_ASKED || f->open == POPCL_DRAINING)
        why = asked_answered(f, at, r);
    int is_last = f->phase > POPCL_HANDLE_MESSAGES && !f->asked;
    if (!why && f->ahead && f->staged && (is_last || group_is_full(f)))
        why = popcl_messages_sync(f);
    return why;
}
