/* SPDX-License-Identifier: MIT */
/* machine - what the two files of the machine share: its states, and the functions by which
 * the pumps (pumps.c) move it. Nobody else includes this. */
#ifndef POPCL_CORE_MACHINE_H
#define POPCL_CORE_MACHINE_H

#include "owner.h"

/* Who may call: anybody; the events of a public owner; nobody (a trace or a secret is called); and
 * somebody did who may not. */
enum busy { NOT_BUSY, BUSY, LOCKED, MISUSED };

enum state {
    CLOSED, /* zeroed is closed */
    CONNECTING,
    SECURING,
    GREETING,
    IDLE,
    STATUS,
    LINES,
    BODY,
    HELD,
    UNASKED,
    ENDING,
    LEAVING
};

enum can { READ = 1, SEND = 2 };

/* idle: the result when nothing moved for idle_ms; 0: it depends on what waits. end: the same when
 * the peer ends the connection. No SEND where the server spoke unasked: nothing more goes to it,
 * least of all a password. */
typedef struct popcl_state_row {
    char name[11];
    uint8_t idle, end, can;
} popcl_state_row;

extern const popcl_state_row popcl_states[];

/* The session is over, and its owner wants no more time. */
static inline int popcl_is_done(const popcl *c) { return c->state == CLOSED && !c->pause; }

static inline int popcl_is_over(const popcl *c) {
    return c->state == CLOSED || c->state == LEAVING;
}

/* The oldest command in flight; the others follow it. */
static inline popcl_flight *popcl_oldest(popcl *c) {
    return c->window_len ? c->flight.many : &c->flight.one;
}

/* The only writer of c->state. */
void popcl_machine_enter(popcl *c, enum state next);

/* The session has its result, and the first one stays; leave ends it without a further one. */
void popcl_machine_finish(popcl *c, popcl_err result);
void popcl_machine_leave(popcl *c);

/* The owner's word on the result; it may ask for time. */
void popcl_machine_settle(popcl *c, popcl_end end);

/* Whether the session is over now that an event has returned, which may have ended it. */
int popcl_machine_is_over_now(popcl *c);

/* Takes what came and asks for commands, until something has to wait; unpause does that after a
 * pause. */
void popcl_machine_pump(popcl *c);
void popcl_machine_unpause(popcl *c);

/* A status line begins: the greeting's, or the reply's to the oldest command. */
void popcl_machine_begin_status(popcl *c);

/* Takes the next reply's place: that of the oldest command in flight, if there is one. */
void popcl_machine_await_next(popcl *c);

/* A piece of trace; its callback may call nothing. */
void popcl_machine_trace(popcl *c, popcl_trace kind, const void *p, size_t n);

/* Writes a command to p, or, with NULL, the next piece of the response that is being written. A
 * secret that is pulled may call back, and is released once the line is whole, unless it asked for
 * time. */
popcl_err popcl_machine_write(popcl *c, const popcl_command *command, unsigned char *p,
                              size_t room);

/* A secret that is pulled is told of the end of its use. */
void popcl_machine_release_secret(popcl *c);

#endif
