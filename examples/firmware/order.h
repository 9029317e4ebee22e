/* SPDX-License-Identifier: MIT */
/* order - the order in which messages are fetched: one that always breaks the session keeps no
 * other from arriving. It uses only popcl.h and popcl_seen.h, and may be copied. Marks of the set
 * hold the facts that have to outlive a session:
 *
 *     other -> (the session broke in it) -> LAST -> (again) -> LAST and TRIED
 *                                             ^--- (all that are last are tried) ---'
 *
 * An "other" message comes first. A "last" one is fetched in a session that begins no other. That
 * is when there is no other, or the session before has already tried the same others. Of several,
 * each gets its turn before one gets a second. A last message that arrives loses its mark.
 *
 * It needs UIDs: without UIDL no message can be marked. */
#ifndef ORDER_H
#define ORDER_H

#include "popcl_fetch.h"
#include "popcl_seen.h"

#define ORDER_LAST  POPCL_SEEN_OTHER   /* with neither FETCHED nor DELETE_DUE */
#define ORDER_TRIED POPCL_SEEN_REFUSED /* with ORDER_LAST */

typedef struct order {
    popcl_seen *seen; /* the caller sets it; the rest is zeroed at first, and private */
    uint32_t rest;    /* checksum of the others that an earlier session went through */
    uint32_t last, untried, others; /* messages of the listing */
    uint32_t listed, stored;        /* checksums: of the others in the listing, of those stored */
    uint32_t done;                  /* others that came to an end in this session */
    uint32_t asked;                 /* messages asked for that came to no end yet */
    uint8_t rest_known, chosen, last_only, broke;
} order;

/* Begins a session. */
void order_begin(order *o);

/* Call it from popcl_fetch_config.listed, for each message that is to be fetched at some time. */
void order_listed(order *o, const popcl_msg *m);

/* Call it from decide at POPCL_STAGE_SIZE, if the message is to be fetched. Returns 1 = now, 0 =
 * answer SKIP. */
int order_is_now(order *o, const popcl_msg *m);

/* Call it from fate, for POPCL_STORED and POPCL_NOT_STORED, before you set marks of your own. over:
 * the job is POPCL_DONE. Returns 1 if the set changed. */
int order_fate(order *o, const popcl_msg *m, popcl_fate what, popcl_err why, int over);

/* Call it from fate, for POPCL_NOT_MARKED with POPCL_ERR_BODY_EMPTY: the message that was stored is
 * listed and wanted again. */
void order_empty(order *o, const popcl_msg *m);

/* Ends a session. again: the messages that it stored will be listed and wanted again. */
void order_end(order *o, int again);

/* Returns whether this session fetched only messages that are last, and broke in one of them. */
int order_was_last(const order *o);

#endif
