/* SPDX-License-Identifier: MIT */
/* resume - sessions that are kept for the next job: their binding, when they are offered, when they
 * are wiped. link_tls.c reaches this code through the table that a caller names in
 * popcl_tls.resumption. A program that does not name it does not link it. */
#ifndef POPCL_TLS_RESUME_H
#define POPCL_TLS_RESUME_H

#include "../core/link.h"
#include "popcl_tls.h"

/* t->resume is not NULL in any of these functions. */
struct popcl_resumption {
    /* A job begins: a session that does not belong to it is wiped. */
    void (*open)(const popcl_config *cfg);
    /* A handshake begins: gives the kept session to the engine. Returns 0 if no session is kept. */
    int (*offer)(const popcl_tls *t);
    /* The login succeeded: the session is kept. */
    void (*keep)(const popcl_tls *t);
    /* After a handshake in which a session was offered: writes to the diagnosis whether it was
     * resumed. If so, it also writes the facts of the first handshake. */
    void (*tell)(const popcl_tls *t, popcl_tls_diag *d);
    /* The session is over, or wiped: a kept session in doubt is wiped. May be called again. */
    void (*end)(const popcl_tls *t);
};

#endif
