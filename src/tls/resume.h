/* SPDX-License-Identifier: MIT */
/* resume - sessions that are kept for the next job: what they are bound to, when they are offered,
 * when they are wiped. link_tls.c reaches it through the table that a caller names in
 * popcl_tls.resumption, so that who names none links none. */
#ifndef POPCL_TLS_RESUME_H
#define POPCL_TLS_RESUME_H

#include "../core/link.h"
#include "popcl_tls.h"

/* t->resume is not NULL in any of these. */
struct popcl_resumption {
    void (*open)(const popcl_config *cfg); /* a job begins: what does not belong to it is wiped */
    int (*offer)(const popcl_tls *t); /* a handshake begins: gives the engine what is kept. Returns
                                         0 if nothing is */
    void (*keep)(const popcl_tls *t); /* the login succeeded */
    void (*tell)(const popcl_tls *t,
                 popcl_tls_diag *d); /* after a handshake in which a session was offered: whether it
                                      * is a resumed one, and then what the first one told */
    void (*end)(const popcl_tls *t); /* the session is over, or wiped: what is in doubt is wiped.
                                        May come again */
};

#endif
