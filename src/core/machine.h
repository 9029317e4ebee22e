/* SPDX-License-Identifier: MIT */
/* machine - the parts that the two files of the state machine share: its states, and the functions
 * with which the pumps (pumps.c) move it. No other file includes this one. */
#ifndef POPCL_CORE_MACHINE_H
#define POPCL_CORE_MACHINE_H

#include "owner.h"

/* The calls that are allowed. NOT_BUSY: any call. BUSY: calls by the events of a public owner.
 * LOCKED: no call, since a trace or a secret is called. MISUSED: a call came that was not allowed.
 */
enum busy { NOT_BUSY, BUSY, LOCKED, MISUSED };

/* In this order: over up to LEAVING. All from SECURING on can read, and those up to HELD can send.
 * Nothing more goes to a server that spoke unasked, least of all a password. */
enum state {
    CLOSED,  /* a zeroed session is closed */
    LEAVING, /* can send, but not read */
    CONNECTING,
    SECURING,
    GREETING,
    IDLE,
    STATUS,
    LINES,
    BODY,
    HELD,
    UNASKED,
    ENDING
};

/* idle: the result if nothing moved for idle_ms; 0 = it depends on the kind of wait. end: the
 * result if the peer ends the connection; 0 = it depends on QUIT. */
typedef struct popcl_state_row {
    char name[11];
    uint8_t idle, end;
} popcl_state_row;

extern const popcl_state_row popcl_states[];

/* Returns whether the session is over, and its owner wants no more time. */
static inline int popcl_is_done(const popcl *c) {
    if (c->state != CLOSED) return 0;
    return !c->pause;
}

static inline int popcl_is_over(const popcl *c) { return c->state <= LEAVING; }

/* Returns whether octets may be sent. Before SECURING the link has no octets. */
static inline int popcl_may_send(const popcl *c) {
    return c->state != CLOSED && c->state <= HELD && !c->send_failed;
}

/* Return the oldest and the newest command in flight. If none is in flight, the oldest is the place
 * of the next one. */
const popcl_flight *popcl_machine_oldest(const popcl *c);
popcl_flight *popcl_machine_newest(const popcl *c);

/* Returns whether a part of the newest command, a response, is still to be written. The secret may
 * also be that of PASS, which waits to follow USER. */
int popcl_machine_is_writing(const popcl *c);

/* Returns whether the server has QUIT, or a part of it, and owes no other reply. */
static inline int popcl_awaits_quit(const popcl *c) {
    return c->quit_left && c->verb == POPCL_QUIT;
}

/* The only writer of c->state. */
void popcl_machine_enter(popcl *c, enum state next);

/* finish ends the session with a result; the first result stays. leave ends it without a further
 * result. */
void popcl_machine_finish(popcl *c, popcl_err result);
void popcl_machine_leave(popcl *c);

/* Asks the owner for the final result; the owner may ask for time. */
void popcl_machine_settle(popcl *c, popcl_end end);

/* Returns whether the session is over, after an event that may have ended it. */
int popcl_machine_is_over_now(popcl *c);

/* pump takes the octets that came and asks for commands, until something has to wait. unpause does
 * the same after a pause. */
void popcl_machine_pump(popcl *c);
void popcl_machine_unpause(popcl *c);

/* Begins a status line: of the greeting, or of the reply to the oldest command. */
void popcl_machine_begin_status(popcl *c);

/* Waits for the reply to the oldest command in flight. If no command is in flight, the session is
 * IDLE. */
void popcl_machine_await_next(popcl *c);

/* Gives a piece of trace to the callback, which may call nothing. */
void popcl_machine_trace(popcl *c, popcl_trace kind, const void *p, size_t n);

/* Writes a command to p. If command is NULL, writes the next piece of the response that is being
 * written. If a secret is pulled, its callback may be called. The secret is released once the line
 * is whole, unless it asked for time. */
popcl_err popcl_machine_write(popcl *c, const popcl_command *command, unsigned char *p,
                              size_t room);

/* Ends the use of the secret. If it is pulled, its callback is called with a NULL buffer. */
void popcl_machine_release_secret(popcl *c);

#endif
