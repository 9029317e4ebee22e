/* SPDX-License-Identifier: MIT */
/* order - in which order messages are fetched, so that one message whose fetching always breaks
 * the session keeps no other from arriving. It stands on popcl.h and popcl_seen.h alone and may be
 * copied. Marks of the set hold what has to outlive a session:
 *
 *     other -> (the session broke in it) -> LAST -> (again) -> LAST and TRIED
 *                                             ^--- (all that are last are tried) ---'
 *
 * An other message comes first. A last one is fetched in a session that begins no other: when no
 * other is there, or the others are those that the session before had its try with. Of several,
 * each gets its turn before one gets a second. One that arrives loses its mark.
 *
 * Needs UIDs: without UIDL nothing can be marked. */
#ifndef ORDER_H
#define ORDER_H

#include "popcl_fetch.h"
#include "popcl_seen.h"

#define ORDER_LAST  POPCL_SEEN_OTHER   /* with neither FETCHED nor DELETE_DUE */
#define ORDER_TRIED POPCL_SEEN_REFUSED /* with ORDER_LAST */

typedef struct order {
    popcl_seen *seen; /* set by the caller; the rest zeroed at first, and private */
    uint32_t rest;    /* checksum of the others that a session before this one went through */
    uint32_t last, untried, others; /* messages of the listing */
    uint32_t listed, stored;        /* checksums: of the others of the listing, of the stored */
    uint32_t done;                  /* others that came to an end in this session */
    uint32_t asked;                 /* messages asked for that came to no end yet */
    uint8_t rest_known, chosen, last_only, broke;
} order;

/* A session begins. */
void order_begin(order *o);

/* From popcl_fetch_config.listed, for each message that is to be fetched sooner or later. */
void order_listed(order *o, const popcl_msg *m);

/* From decide at POPCL_STAGE_SIZE, where the message is to be fetched: 1: now, 0: answer SKIP. */
int order_is_now(order *o, const popcl_msg *m);

/* From fate, for POPCL_STORED and POPCL_NOT_STORED, before the caller sets marks of its own. over:
 * the job is POPCL_DONE. Returns 1 if the set changed. */
int order_fate(order *o, const popcl_msg *m, popcl_fate what, popcl_err why, int over);

/* From fate, for POPCL_NOT_MARKED with POPCL_ERR_BODY_EMPTY: what was stored is listed and wanted
 * again. */
void order_empty(order *o, const popcl_msg *m);

/* The session is over. again: the messages that it stored will be listed and wanted again. */
void order_end(order *o, int again);

/* Whether this session fetched nothing but messages that are last, and broke in one of them. */
int order_was_last(const order *o);

#endif
