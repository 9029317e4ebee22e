/* SPDX-License-Identifier: MIT */
/* fetch_list - from UIDL and LIST to the plan, one pass after the other. */
#include "fetch.h"
#include "plan.h"

#define FEW 8u /* messages, for which LIST is sent one by one */

static int uses_uidl(const popcl_fetch *f) { return !f->by_number; }

static int wants_sizes(const popcl_fetch *f) { return f->cfg->need_size || f->cfg->max_size; }

/* Returns whether a message may be planned in this pass. A message of an earlier pass is not, nor
 * is one that comes after the plan was full. */
static int is_in_this_pass(popcl_fetch *f, uint32_t number) {
    if (f->unordered && (f->is_full || f->from > 1))
        popcl_fetch_give_up(f, POPCL_ERR_LISTING_ORDER);
    return !f->stopping && number >= f->from && !f->is_full;
}

/* The next pass begins with this message. */
static void plan_is_full(popcl_fetch *f, uint32_t number) {
    f->is_full = 1;
    f->from = number;
}

/* Takes a message of the listing: asks whether it is wanted, and gives it an entry if so. */
static void plan_message(popcl_fetch *f, const popcl_msg *m) {
    if (f->pass == 1) {
        f->listed++;
        if (m->uid_len && !popcl_plan_uid_is_number(m)) f->named = 1;
        if (f->cfg->listed) f->cfg->listed(f->cfg->ctx, m);
    }
    if (!is_in_this_pass(f, m->number)) return;
    if (f->unordered && popcl_plan_seek(&f->plan, 0, m->number, 1) < f->plan.used) {
        popcl_fetch_give_up(f, POPCL_ERR_LISTING);
        return;
    }
    if (popcl_fetch_decide(f, m, POPCL_STAGE_UID) == POPCL_SKIP) return;
    if (popcl_plan_add(&f->plan, m)) return;
    plan_is_full(f, m->number);
    if (f->unordered) popcl_fetch_give_up(f, POPCL_ERR_LISTING_ORDER);
}

/* Action bit of an entry that UIDL made: LIST named the message too. */
#define IN_LIST POPCL_FETCH

/* Takes a line of LIST for entries that UIDL made. Both listings ascend as a rule. Each search then
 * goes on at the end of the last one: at plan.next, until the listing ends. */
static void size_message(popcl_fetch *f, const popcl_reply *line) {
    size_t at =
        popcl_plan_seek(&f->plan, f->unordered ? 0 : f->plan.next, line->number, f->unordered);
    if (!f->unordered) f->plan.next = at;
    if (at == f->plan.used || popcl_plan_number(&f->plan, at) != line->number) return;
    popcl_plan_set_size(&f->plan, at, line->size);
    popcl_plan_set_actions(&f->plan, at, IN_LIST);
}

/* Returns whether the listing no longer counts: STAT was refused, or counts no message. */
static int is_off(const popcl_fetch *f) { return f->phase >= POPCL_SAY_QUIT; }

void popcl_list_line(popcl_fetch *f, uint32_t tag, const popcl_reply *line) {
    popcl_msg m = {.size = line->size,
                   .number = line->number,
                   .uid_len = line->uid_len,
                   .part = POPCL_WHOLE,
                   .uid = line->uid_len ? line->text : ""};
    if (is_off(f)) return;
    if (m.number <= f->last_number) f->unordered = 1;
    f->last_number = m.number;
    if (popcl_phase_of(tag) == POPCL_LIST_SIZES && uses_uidl(f))
        size_message(f, line);
    else
        plan_message(f, &m);
}

/* CAPA is sent a second time if the first one was answered: the list may differ after the login
 * (RFC 2449, 5). It is also sent if commands could be sent ahead. */
int popcl_list_needs_capa(const popcl_fetch *f) {
    return !f->capa_asked && !f->capa_refused && !f->cfg->no_capa &&
           (f->has_caps || f->session.window_len > 1);
}

/* LIST goes with UIDL only if the caller wants sizes: most messages may be old ones. */
void popcl_list_goes_ahead(popcl_fetch *f) {
    int sizes = f->phase == POPCL_LIST_MESSAGES && wants_sizes(f) && uses_uidl(f);
    int capa = f->phase != POPCL_ASK_CAPA_AGAIN && popcl_list_needs_capa(f);
    popcl_fetch_enter(f, sizes  ? POPCL_LIST_SIZES
                         : capa ? POPCL_ASK_CAPA_AGAIN
                                : POPCL_WAIT_LISTING);
}

static void tell_all_listed(popcl_fetch *f) {
    if (f->all_listed && f->cfg->listed) f->cfg->listed(f->cfg->ctx, NULL);
    f->all_listed = 0;
}

/* A listing that another reply follows is believed once that one came in its own form. */
static void planned(popcl_fetch *f) {
    tell_all_listed(f);
    f->unsure &= (uint8_t)~POPCL_UNSURE_EARLY;
    if (f->plan.used && !f->stopping && popcl_list_needs_capa(f))
        popcl_fetch_enter(f, POPCL_ASK_CAPA_AGAIN);
    else
        popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
}

/* Messages are numbered without gaps when a session begins (RFC 1939, 3): no listing is needed to
 * know their numbers. */
static void plan_by_number(popcl_fetch *f) {
    popcl_msg m = {.size = POPCL_SIZE_UNKNOWN, .number = f->from, .part = POPCL_WHOLE, .uid = ""};
    for (; m.number <= f->session.count && m.number && !f->is_full; m.number++) {
        if (!popcl_plan_add(&f->plan, &m)) plan_is_full(f, m.number);
    }
    f->listed = f->session.count;
    planned(f);
}

void popcl_list_begin(popcl_fetch *f, uint32_t from) {
    popcl_plan_clear(&f->plan);
    f->pass++;
    f->from = from;
    f->last_number = 0;
    f->is_full = f->unordered = 0;
    if (f->cfg->uids == POPCL_UIDS_UNUSED && !wants_sizes(f) && !f->ahead)
        plan_by_number(f);
    else
        popcl_fetch_enter(f, f->sizes_asked ? POPCL_WAIT_LISTING : POPCL_LIST_MESSAGES);
}

/* The server has no UIDs: LIST makes the plan, and no message has a UID. Only the first listing
 * decides this. LIST may have left with UIDL. If the server gave UIDs before, in this session or
 * according to the caller (POPCL_UIDS_REQUIRED), the job stops. Without UIDs it would fetch all
 * mail a second time. */
static void without_uids(popcl_fetch *f) {
    popcl_plan_clear(&f->plan);
    if (f->cfg->uids == POPCL_UIDS_REQUIRED || f->pass > 1) {
        popcl_fetch_give_up(f, POPCL_ERR_NO_UIDL);
        popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
        return;
    }
    f->by_number = 1;
    f->pass = 0;
    f->listed = 0;
    popcl_list_begin(f, 1);
}

/* Returns whether LIST is still to be sent for all messages of the plan. A body that is asked for
 * ahead must have its listed size. If few of the messages are planned, LIST goes with each RETR. */
static int needs_all_sizes(const popcl_fetch *f) {
    size_t planned = 0;
    if (!uses_uidl(f) || f->stopping || !f->plan.used) return 0;
    if (wants_sizes(f) || !f->ahead) return wants_sizes(f);
    for (size_t at = 0; at < f->plan.used; at = popcl_plan_after(&f->plan, at))
        planned++;
    return planned > FEW && planned > f->listed / 4;
}

static void listing_done(popcl_fetch *f) {
    if (uses_uidl(f) && f->pass == 1 && f->listed && !f->named && !f->stopping) {
        without_uids(f);
        return;
    }
    f->all_listed = f->pass == 1 && !f->unordered && f->listed == f->session.count;
    f->last_number = 0;
    if (f->sizes_asked) return; /* LIST left with UIDL */
    tell_all_listed(f);
    if (needs_all_sizes(f))
        popcl_fetch_enter(f, POPCL_LIST_SIZES);
    else
        planned(f);
}

/* If a server refuses UIDL without a reason (a response code), it does not know UIDL (RFC 1939, 7:
 * it is optional). A refusal with a reason is a failure like any other. */
void popcl_list_answered(popcl_fetch *f, const popcl_reply *r) {
    popcl_err refused = popcl_reply_error(r, POPCL_OK);
    if (is_off(f)) return;
    if (r->status == POPCL_STATUS_OK) {
        listing_done(f);
    } else if (uses_uidl(f) && !refused && !f->stopping) {
        without_uids(f);
    } else {
        popcl_fetch_give_up(f, refused ? refused : POPCL_ERR_COMMAND_REFUSED);
        popcl_fetch_enter(f, POPCL_HANDLE_MESSAGES);
    }
}

/* A message that UIDL named and LIST did not is passed over, and counted like a line that names no
 * message. */
void popcl_list_sizes_answered(popcl_fetch *f, const popcl_reply *r) {
    f->sizes_asked = 0;
    if (is_off(f)) return;
    if (!uses_uidl(f)) { /* UIDL, which left with it, brought no UIDs */
        popcl_list_answered(f, r);
        return;
    }
    if (r->status != POPCL_STATUS_OK)
        popcl_fetch_give_up(f, popcl_reply_error(r, POPCL_ERR_COMMAND_REFUSED));
    f->plan.next = 0;
    for (size_t at = 0; !f->stopping && at < f->plan.used; at = popcl_plan_after(&f->plan, at)) {
        if (popcl_plan_actions(&f->plan, at) & IN_LIST) continue;
        f->session.passed_over++;
        popcl_plan_enter(&f->plan, at, POPCL_ENTRY_OVER);
    }
    planned(f);
}
