/* SPDX-License-Identifier: MIT */
/* owner - the calls of a session that the fetch job needs beyond popcl_command.h. The job's
 * callbacks belong to the caller, who must not reach the session from inside them. So the job uses
 * calls of its own, and the public ones are refused inside its events. */
#ifndef POPCL_CORE_OWNER_H
#define POPCL_CORE_OWNER_H

#include "popcl_command.h"

/* Returns a setting, or its default if the setting is 0. */
static inline uint32_t popcl_or_default(uint32_t given, uint32_t otherwise) {
    return given ? given : otherwise;
}

/* The settings that start can refuse. field.c has their names, in this order. */
enum popcl_field {
    POPCL_FIELD_NONE,
    POPCL_FIELD_CONFIG,
    POPCL_FIELD_IOBUF,
    POPCL_FIELD_EVENTS,
    POPCL_FIELD_SECURITY,
    POPCL_FIELD_CONNECT_MS,
    POPCL_FIELD_IDLE_MS,
    POPCL_FIELD_PAUSE_MS,
    POPCL_FIELD_TOTAL_MS,
    POPCL_FIELD_TLS,
    POPCL_FIELD_HOST,
    POPCL_FIELD_USER,
    POPCL_FIELD_SECRET,
    POPCL_FIELD_TOKEN,
    POPCL_FIELD_MECHS,
    POPCL_FIELD_SINK,
    POPCL_FIELD_PLAN,
    POPCL_FIELD_AUTH,
    POPCL_FIELD_UIDS,
    POPCL_FIELD_LANG
};

/* As popcl_start, for an owner whose events use the calls below. */
popcl_err popcl_machine_start(popcl *c, const popcl_config *cfg, const popcl_events *events,
                              void *ctx, uint32_t now_ms);

/* Zeroes the session, which has not begun. Sets its result and, for POPCL_ERR_ARGUMENT, the field.
 */
popcl_err popcl_machine_refuse(popcl *c, popcl_err why, enum popcl_field field);

/* As popcl_submit and popcl_fail, inside an event. */
popcl_err popcl_machine_submit(popcl *c, const popcl_command *command, uint32_t tag);
void popcl_machine_fail(popcl *c, popcl_err why);

int popcl_machine_is_logged_in(const popcl *c);

/* The server has sent a challenge: only a response can follow. */
int popcl_machine_is_challenged(const popcl *c);

/* Returns *n bytes of the TLS storage that a session does not need after the handshake, aligned for
 * any type; NULL = none. The job may use them from the greeting (POP3S) or the first ready event
 * after STLS, until wipe. */
void *popcl_machine_spare(const popcl *c, size_t *n);

/* Copies the hash tls-server-end-point of the session's TLS (RFC 5929, 4.1) to hash. It is that of
 * popcl's own TLS after the handshake. With TLS below the session it is the one that the transport
 * gave. Returns its length in bytes; 0 = not known, or no TLS. */
size_t popcl_machine_end_point(const popcl *c, unsigned char hash[POPCL_END_POINT_MAX]);

/* Returns how many lines of all listings so far named no message. The number of such a line is 0,
 * or above STAT's count: the message may have come after STAT. A listing with more than 1,000 such
 * lines, and more than twice STAT's count, ends with POPCL_ERR_LISTING. */
uint32_t popcl_machine_passed_over(const popcl *c);

/* As popcl_wipe. Returns 0 if a callback called it; then nothing was wiped. */
int popcl_machine_wipe(popcl *c);

#endif
