/* SPDX-License-Identifier: MIT */
/* fetch - what the four files of the fetch job share. fetch.c has the phases, the events and the
 * end; fetch_login.c logs in; fetch_list.c makes the plan; fetch_messages.c handles what is in it.
 * A job is written against popcl_command.h and owner.h, and knows neither framing nor transport.
 */
#ifndef POPCL_CORE_FETCH_H
#define POPCL_CORE_FETCH_H

#include "owner.h"
#include "popcl_fetch.h"

/* The phase says what the next command is, and what a reply answers. */
enum popcl_phase {
    POPCL_WAIT_GREETING,
    POPCL_SAY_STLS,
    POPCL_ASK_CAPA,
    POPCL_LOGIN,
    POPCL_ASK_STAT,
    POPCL_LIST_MESSAGES,
    POPCL_LIST_SIZES,
    POPCL_ASK_CAPA_AGAIN,
    POPCL_HANDLE_MESSAGES,
    POPCL_SAY_QUIT,
    POPCL_QUIT_ANSWERED
};

/* Where the body goes that is being received. */
enum popcl_open { POPCL_NO_BODY, POPCL_TO_SINK, POPCL_DRAINING };

#define POPCL_NO_TAG 0u

/* ---- fetch.c ---- */

/* The only writer of f->phase. */
void popcl_fetch_enter(popcl_fetch *f, enum popcl_phase next);

/* Remembers the first failure. */
void popcl_fetch_note(popcl_fetch *f, popcl_err e, uint32_t message);

/* The job cannot go on: no further message is begun, what is durable is deleted if that is due,
 * then QUIT. */
void popcl_fetch_give_up(popcl_fetch *f, popcl_err e);

/* What became of the entry at offset `at`. */
void popcl_fetch_tell(popcl_fetch *f, size_t at, popcl_fate what, popcl_err why);

/* The caller's word on a message. */
unsigned popcl_fetch_decide(const popcl_fetch *f, const popcl_msg *m, popcl_stage stage);

/* ---- fetch_login.c ---- */

/* Whether credentials and plan suit every mechanism that may be used. */
popcl_err popcl_login_check(const popcl_fetch_config *cfg, enum popcl_field *field);

/* Octets of a status line's text: of the greeting, for its timestamp, and of a refused login. */
void popcl_login_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n);

/* The next command of the login. Returns POPCL_PAUSED_SECRET if the secret is not ready. */
unsigned popcl_login_step(popcl_fetch *f);

/* The reply to it. Returns POPCL_LOGIN_GOES_ON if another step follows. */
unsigned popcl_login_answered(popcl_fetch *f, const popcl_reply *r);

/* Tells the secret of the end of its use, if a mechanism called it. */
void popcl_login_release(popcl_fetch *f);

/* ---- fetch_list.c ---- */

/* Begins a pass over the maildrop, from this message on. */
void popcl_list_begin(popcl_fetch *f, uint32_t from);

/* A line of UIDL or LIST, and the end of each. */
void popcl_list_line(popcl_fetch *f, const popcl_reply *line);
void popcl_list_answered(popcl_fetch *f, const popcl_reply *r);
void popcl_list_sizes_answered(popcl_fetch *f, const popcl_reply *r);

/* ---- fetch_messages.c ---- */

/* Sends what is next, or asks the sink to sync. Returns POPCL_PAUSED_SYNC if it asks for time. */
unsigned popcl_messages_step(popcl_fetch *f);

/* The events of a body, and the reply to a command for the entry at offset `at`. */
void popcl_messages_open(popcl_fetch *f, size_t at);
size_t popcl_messages_body(popcl_fetch *f, size_t at, const unsigned char *p, size_t n);
unsigned popcl_messages_answered(popcl_fetch *f, size_t at, const popcl_reply *r);

/* Makes what is staged durable, or all of it failed. Returns POPCL_PAUSED_SYNC if it has to be
 * asked again; end_staged gives up on it. */
unsigned popcl_messages_sync(popcl_fetch *f);
void popcl_messages_end_staged(popcl_fetch *f, popcl_err why);

/* Aborts the message that is with the sink; drain reads and drops the rest of it. */
void popcl_messages_abort(popcl_fetch *f, popcl_err why);
void popcl_messages_drain(popcl_fetch *f, size_t at, popcl_err why);

#endif
