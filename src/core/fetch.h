/* SPDX-License-Identifier: MIT */
/* fetch - the interfaces between the six files of the fetch job. fetch.c has the phases, the
 * events and the end. fetch_utf8.c chooses languages before the login, and fetch_login.c logs in;
 * fetch_choice.c does so with more mechanisms than USER/PASS.
 * fetch_list.c makes the plan, and fetch_messages.c handles the messages of the plan. The job uses
 * popcl_command.h and owner.h, and knows neither framing nor transport. */
#ifndef POPCL_CORE_FETCH_H
#define POPCL_CORE_FETCH_H

#include "owner.h"
#include "popcl_fetch.h"

/* The phase determines the next command. The tag of a command is its phase, or the place of its
 * message in the plan: so a reply shows what it answers. */
enum popcl_phase {
    POPCL_WAIT_GREETING,
    POPCL_SAY_STLS,
    POPCL_ASK_CAPA,
    POPCL_SAY_LANG,
    POPCL_SAY_UTF8,
    POPCL_LOGIN,
    POPCL_ASK_STAT,
    POPCL_LIST_MESSAGES,
    POPCL_LIST_SIZES,
    POPCL_ASK_CAPA_AGAIN,
    POPCL_WAIT_LISTING, /* all commands of the listing are in flight */
    POPCL_HANDLE_MESSAGES,
    POPCL_PROBE, /* STAT: shows that no reply is missing, and that none came twice */
    POPCL_SAY_QUIT,
    POPCL_QUIT_SAID,
    POPCL_PHASES
};

/* Commands that were sent ahead: of the login or the listing; of messages. */
#define POPCL_UNSURE_EARLY    1u
#define POPCL_UNSURE_MESSAGES 2u

/* Tags of messages are offsets into the plan, which is never so long. */
static inline uint32_t popcl_tag_of(unsigned phase) { return UINT32_MAX - phase; }

static inline unsigned popcl_phase_of(uint32_t tag) {
    return UINT32_MAX - tag < POPCL_PHASES ? UINT32_MAX - tag : POPCL_HANDLE_MESSAGES;
}

/* As popcl_in_flight and popcl_last_verb; and whether the newest CAPA named these capabilities.
 * Inline, because a call takes more bytes than the access. */
static inline unsigned popcl_job_in_flight(const popcl_fetch *f) { return f->session.in_flight; }
static inline popcl_verb popcl_job_verb(const popcl_fetch *f) {
    return (popcl_verb)f->session.verb;
}
static inline int popcl_job_offers(const popcl_fetch *f, unsigned tags) {
    return (f->session.caps.tags & tags) == tags;
}

/* Returns whether DELE was wanted for a message. */
static inline int popcl_job_deletes(const popcl_fetch *f) {
    return f->actions & (POPCL_DELETE | POPCL_DELETE_UNFETCHED);
}

/* The destination of the body that is being received. */
enum popcl_open { POPCL_NO_BODY, POPCL_TO_SINK, POPCL_DRAINING };

/* ---- fetch.c ---- */

/* The only writer of f->phase. */
static inline void popcl_fetch_enter(popcl_fetch *f, enum popcl_phase next) {
    f->phase = (uint8_t)next;
}

/* Remembers the first failure. */
void popcl_fetch_note(popcl_fetch *f, popcl_err e, uint32_t message);

/* The job cannot go on. No further message is begun. Durable messages are deleted, if they are to
 * be deleted, and QUIT follows. */
void popcl_fetch_give_up(popcl_fetch *f, popcl_err e);

/* Reports the fate of the entry at offset `at` to the caller. */
void popcl_fetch_tell(popcl_fetch *f, size_t at, popcl_fate what, popcl_err why);

/* Returns the actions that the caller wants for a message. */
unsigned popcl_fetch_decide(const popcl_fetch *f, const popcl_msg *m, popcl_stage stage);

/* ---- fetch_login.c ---- */

/* Checks whether the settings allow a mechanism, and whether the plan suits each one that they
 * allow. Sets f->allowed, f->login_room and, if one of these mechanisms needs it, f->nonce. */
popcl_err popcl_login_check(popcl_fetch *f, const popcl_fetch_config *cfg, enum popcl_field *field);

/* Returns whether CAPA is to be sent before the login. */
int popcl_login_needs_capa(const popcl_fetch_config *cfg);

/* Takes octets of a status line's text: of the greeting, of a challenge, or of a refused login. */
void popcl_login_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n);

/* Returns whether the next command of the login need not wait for the answer to the last one. */
int popcl_login_goes_ahead(const popcl_fetch *f);

/* Sends the next command of the login. Returns POPCL_PAUSED_SECRET if the secret is not ready, or
 * POPCL_COMPUTING if the mechanism needs more ticks. */
unsigned popcl_login_step(popcl_fetch *f);

/* Judges the reply to a command of the login. Returns POPCL_LOGIN_GOES_ON if another step follows.
 */
unsigned popcl_login_answered(popcl_fetch *f, const popcl_reply *r);

/* scratch returns the mechanism's memory in the plan. clear wipes it, and all that the login has
 * there. */
void *popcl_login_scratch(popcl_fetch *f);
void popcl_login_clear(popcl_fetch *f);

/* Releases the secret, if a mechanism called its callback. */
void popcl_login_release(popcl_fetch *f);

/* ---- fetch_utf8.c ---- */

#if POPCL_WITH_UTF8
/* Returns whether a command of this file is wanted. */
int popcl_utf8_is_wanted(const popcl_fetch_config *cfg);

/* Returns whether the language cannot be sent. */
int popcl_utf8_is_bad(const popcl_fetch_config *cfg);

/* Enters this phase, or the next one before the login that is wanted and offered, or the login. */
void popcl_utf8_enter(popcl_fetch *f, enum popcl_phase phase);

/* Fills in the argument of LANG. */
void popcl_utf8_language(const popcl_fetch *f, popcl_command *command);

/* Takes the reply to LANG or UTF8. */
void popcl_utf8_answered(popcl_fetch *f, const popcl_reply *r, enum popcl_phase phase);
#else
#define popcl_utf8_is_bad(cfg)           0
#define popcl_utf8_is_wanted(cfg)        0
#define popcl_utf8_enter(f, phase)       popcl_fetch_enter(f, POPCL_LOGIN)
#define popcl_utf8_language(f, command)  ((void)0)
#define popcl_utf8_answered(f, r, phase) ((void)0)
#endif

/* ---- fetch_list.c ---- */

/* Begins a pass over the maildrop, from message number `from` on. */
void popcl_list_begin(popcl_fetch *f, uint32_t from);

/* Returns whether CAPA is to be sent a second time. */
int popcl_list_needs_capa(const popcl_fetch *f);

/* The next command, once UIDL or LIST was sent, if it need not wait for the answer. */
void popcl_list_goes_ahead(popcl_fetch *f);

/* Take a line of UIDL or LIST, and the end of each. */
void popcl_list_line(popcl_fetch *f, uint32_t tag, const popcl_reply *line);
void popcl_list_answered(popcl_fetch *f, const popcl_reply *r);
void popcl_list_sizes_answered(popcl_fetch *f, const popcl_reply *r);

/* ---- fetch_messages.c ---- */

/* Sends the next command, or asks the sink to sync. Returns POPCL_PAUSED_SYNC if the sink asks for
 * time. */
unsigned popcl_messages_step(popcl_fetch *f);

/* Take the events of a body, and the reply to a command for the entry at offset `at`. */
void popcl_messages_open(popcl_fetch *f, size_t at);
size_t popcl_messages_body(popcl_fetch *f, size_t at, const unsigned char *p, size_t n);
unsigned popcl_messages_answered(popcl_fetch *f, size_t at, const popcl_reply *r);

/* sync makes all staged messages durable, or fails for all of them. It returns POPCL_PAUSED_SYNC if
 * it has to be called again. end_staged ends them without a sync: durable if why is POPCL_OK, else
 * failed. */
unsigned popcl_messages_sync(popcl_fetch *f);
void popcl_messages_end_staged(popcl_fetch *f, popcl_err why);

/* abort ends a message that the sink is receiving. drain does the same, and the rest of the body is
 * then dropped as it comes. */
void popcl_messages_abort(popcl_fetch *f, popcl_err why);
void popcl_messages_drain(popcl_fetch *f, size_t at, popcl_err why);

#endif
