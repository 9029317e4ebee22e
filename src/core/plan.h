/* SPDX-License-Identifier: MIT */
/* plan - the messages that are still to be handled, in memory of the caller. An entry has 12 bytes
 * and its UID. Entries are packed, at any alignment. The plan knows the content of an entry, not
 * its use.
 *
 *   NEW -> WANT_TOP | WANT_RETR [-> WANT_BODY] -> ASKED -> STAGED -> DUE -> DELE -> OVER
 *   each state can also lead straight to OVER, and ASKED back to WANT_RETR
 */
#ifndef POPCL_CORE_PLAN_H
#define POPCL_CORE_PLAN_H

#include "popcl_fetch.h"

enum popcl_entry_state {
    POPCL_ENTRY_NEW,       /* `decide` is to be called with the size */
    POPCL_ENTRY_WANT_TOP,  /* TOP is to be sent */
    POPCL_ENTRY_WANT_RETR, /* RETR is to be sent */
    POPCL_ENTRY_WANT_BODY, /* the same; LIST was sent for this message */
    POPCL_ENTRY_ASKED,     /* TOP or RETR is in flight */
    POPCL_ENTRY_STAGED,    /* stored, and durable after the next sync */
    POPCL_ENTRY_DUE,       /* DELE is to be sent */
    POPCL_ENTRY_DELE,      /* DELE is in flight */
    POPCL_ENTRY_OVER
};

/* Forgets all entries. */
void popcl_plan_clear(popcl_plan *p);

/* Adds a NEW entry. Returns 0 if there is no room. */
int popcl_plan_add(popcl_plan *p, const popcl_msg *m);

/* Entries by offset: 0 is the first, popcl_plan_after the next, p->used the end. */
size_t popcl_plan_after(const popcl_plan *p, size_t at);
void popcl_plan_msg(const popcl_plan *p, size_t at,
                    popcl_msg *m); /* part is POPCL_WHOLE; uid points into the plan */
uint32_t popcl_plan_number(const popcl_plan *p, size_t at);
uint64_t popcl_plan_size(const popcl_plan *p, size_t at);
enum popcl_entry_state popcl_plan_state(const popcl_plan *p, size_t at);
unsigned popcl_plan_actions(const popcl_plan *p, size_t at); /* POPCL_FETCH and so on */

void popcl_plan_set_actions(popcl_plan *p, size_t at, unsigned actions);

/* The only writer of an entry's state. Keeps the marks of the plan: low, wanted and due. */
void popcl_plan_enter(popcl_plan *p, size_t at, enum popcl_entry_state state);
void popcl_plan_set_size(popcl_plan *p, size_t at, uint64_t size);

/* Return the first entry that waits for TOP or RETR; that waits for DELE; that is in one of the
 * states `from` to `to`. p->next = none. No entry after p->next is in any of these states. */
size_t popcl_plan_wanted(popcl_plan *p);
size_t popcl_plan_due(popcl_plan *p);
size_t popcl_plan_find(const popcl_plan *p, enum popcl_entry_state from, enum popcl_entry_state to);

/* Returns the first entry from offset `at` on with a number of at least (exact: of just) `number`;
 * p->used = none. */
size_t popcl_plan_seek(const popcl_plan *p, size_t at, uint32_t number, int exact);

/* Returns whether a UID is just the message's number. Another message may have this number in the
 * next session. */
int popcl_plan_uid_is_number(const popcl_msg *m);

#endif
