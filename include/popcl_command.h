/* SPDX-License-Identifier: MIT */
/* popcl_command.h - a session with commands of one's own. Commands go in by popcl_submit, each with
 * a tag of the owner's choice. Every command ends in one `done` event with that tag. The event
 * comes again after a pause that it requested. If the session is over before, no `done` comes. A
 * program that fetches mail needs popcl_fetch.h instead, which is written against this header.
 *
 * Words: a *reply* is a status line (`+OK` or `-ERR`). After some commands it goes on with lines or
 * with a body, which end with a line of a single dot. A *body* is the text of RETR or TOP; *lines*
 * are those of LIST, UIDL and CAPA. A command is *in flight* from submit to its `done` event.
 *
 * The session keeps no whole line, only a popcl_reply: replies are parsed as they stream. It copies
 * no octet of a body.
 *
 * The callbacks of a session are the events, the trace, and `get` of a secret. With commands of
 * your own, these calls run these callbacks:
 * - start, the queries and connect: nothing;
 * - connected and connected_secured: the trace, and the event `closed` if the session ends there;
 * - submit: the trace and secrets;
 * - send_ack, recv_ack, send_failed, recv_eof, resume, tick, stop and popcl_run: all callbacks;
 * - fail and wipe: the event `closed`, and `get` (to release a secret); fail also the trace.
 *
 * In the handshake, recv_ack also runs those of TLS: popcl_tls.breathe, popcl_trust.find and .key,
 * and popcl_blob_read. */
#ifndef POPCL_COMMAND_H
#define POPCL_COMMAND_H

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A command for popcl_submit. */
typedef struct popcl_command {
    popcl_verb verb; /* the command itself */
    /* A verb takes the fields that popcl_verb lists for it; the others are ignored. */
    uint32_t number;  /* message, from 1; 0 = without number (LIST, UIDL) */
    uint32_t lines;   /* TOP: body lines after the header; 0 = header and blank line */
    const char *text; /* USER, APOP, AUTH, LANG: not NUL-terminated, borrowed during submit only */
    size_t text_len;  /* bytes of text */
    /* PASS, APOP, AUTH, RESPONSE. popcl borrows this object and the octets that it points to:
     * - for PASS, APOP and AUTH: during submit;
     * - for RESPONSE: until its `done` event;
     * - for each of them, if submit returned ERR_SECRET_WAIT: until the last call of its get
     *   (popcl_secret). A later submit makes this call if it sends a command, this one or another.
     *   It also makes the call if it returns an error of its command's text or secret. Without such
     *   a submit, the call comes when the session ends. */
    const popcl_secret *secret;
} popcl_command;

#define POPCL_TAG_GREETING                                                                         \
    UINT32_MAX /* the tag of the events that the greeting brings; do not use it for a command */

/* The event `done` may return this bit if +OK answered an AUTH without initial response. Some
 * servers send this +OK in place of an empty challenge. With this bit +OK counts as an empty
 * challenge, and a RESPONSE may be submitted after the event. For any other reply the bit is
 * ignored. popcl also ignores the bit if the owner submitted a command inside this event, or during
 * a pause that the event requested. */
#define POPCL_LOGIN_GOES_ON 0x40u

/* How much time `closed` has. */
typedef enum popcl_end {
    POPCL_END_ASKS, /* it may ask for time: POPCL_PAUSED_SYNC */
    POPCL_END_LAST, /* POPCL_SETTLE_MS are over, or the session never was connected */
    POPCL_END_WIPED /* the session is wiped: abort and release, and do nothing else */
} popcl_end;

/* The events. `done` and `ready` are required; the others may be NULL. If `body` is NULL, the
 * octets of bodies are dropped.
 *
 * Each event may call the queries (popcl.h, and the functions at the end of this header) on its
 * session. Inside `closed` all other calls are ignored. The other events may also call popcl_submit
 * and popcl_fail. There popcl_fail only notes the error, and `closed` follows when the event has
 * returned. All other calls there do not do their work, and the session ends with
 * POPCL_ERR_REENTRANT.
 *
 * If an event that returns `unsigned` returns 0, the session goes on. If it returns
 * POPCL_PAUSED_SINK, _SYNC or _SECRET, the session pauses: nothing is read until popcl_resume, and
 * then the same event comes again. If `ready` returns POPCL_COMPUTING, it comes again in the next
 * popcl_tick. `done` may also return POPCL_LOGIN_GOES_ON. Other bits are ignored. */
typedef struct popcl_events {
    /* Octets of a status line after the status and its space, as they stream: a challenge, or
     * human-readable text. A challenge is in base64, and popcl does not decode it. One line may
     * come in several calls. The line may still turn out to be malformed. */
    void (*text)(void *ctx, uint32_t tag, const unsigned char *p, size_t n);
    /* One line of a listing was read. A CAPA reply brings no line event;
     * popcl_capabilities has its content. If a line has number 0, or a number above STAT's count,
     * popcl sends no line event. */
    void (*line)(void *ctx, uint32_t tag, const popcl_reply *line);
    /* A body follows: +OK to RETR or TOP. */
    void (*open)(void *ctx, uint32_t tag, const popcl_reply *reply);
    /* Octets of the body, dots unstuffed. The line of a single dot that ends the body does not
     * come. All else comes unchanged: CRLF, a CR or LF alone, NUL, 8-bit octets, lines of any
     * length. The span is valid during the call. Returns the number of octets taken, 0 to n; more
     * counts as n. If that is less than n, the session pauses (POPCL_PAUSED_SINK), and the rest is
     * offered again after resume. */
    size_t (*body)(void *ctx, uint32_t tag, const unsigned char *p, size_t n);
    /* A reply is complete, or the greeting is. The command is no longer in flight once this
     * returned without a pause. After a challenge (POPCL_STATUS_CHALLENGE) only a RESPONSE may be
     * submitted. An owner that has a reason to refuse the +OK to its login calls popcl_fail
     * here; then no TLS session is kept. */
    unsigned (*done)(void *ctx, uint32_t tag, const popcl_reply *reply);
    /* There is room for a command: submit the next one, if you have one. Then return 0. The event
     * comes again after later input or output, not after a time. To send later, call popcl_submit
     * outside of it. */
    unsigned (*ready)(void *ctx);
    /* The reserve for QUIT has begun (popcl_config.total_ms). Called in each tick of the reserve,
     * from the greeting until QUIT is submitted, but not in a TLS handshake. half_over is nonzero
     * once half of the reserve is over. Returns nonzero to end a pause. */
    int (*late)(void *ctx, int half_over);
    /* popcl_stop was called. Returns nonzero to end a pause. NULL = the session ends at once with
     * POPCL_ERR_STOPPED. */
    int (*stop)(void *ctx);
    /* The session is over, and nothing goes in or out any more. *result may be changed: it becomes
     * the result of the session. Commands still in flight get no done event. Returns 0; with
     * POPCL_END_ASKS it may return a pause (POPCL_PAUSED_SYNC). After a pause, `closed` comes
     * again: with POPCL_END_ASKS after each resume, and with POPCL_END_LAST once POPCL_SETTLE_MS
     * are over. Inside `closed` every call is ignored, except the queries. */
    unsigned (*closed)(void *ctx, popcl_err *result, popcl_end end);
} popcl_events;

/* Begins a session; the transport may still be connecting. Does not read *c: garbage is fine, but
 * an open session is to be wiped first. cfg and events are borrowed until wipe. Returns POPCL_OK or
 * an error. After POPCL_OK the event `closed` brings the result. After an error no event comes, and
 * the session is POPCL_DONE with that result. The errors are ERR_ARGUMENT and ERR_IOBUF_SMALL. With
 * TLS they are also ERR_NO_TLS, ERR_TLS_STORAGE, ERR_SEED, ERR_NO_TRUST, ERR_HOST and ERR_CLOCK_*.
 */
#define popcl_start POPCL_ABI(popcl_start)
popcl_err popcl_start(popcl *c, const popcl_config *cfg, const popcl_events *events, void *ctx,
                      uint32_t now_ms);

/* Sends a command; its events carry the tag. May be called between greeting and end, inside events
 * too. Returns POPCL_OK. On an error nothing was sent:
 * - ERR_WOULD_BLOCK: the window or the send buffer is full.
 * - ERR_STATE: the verb is not in popcl_verb, or is not allowed now. That is before the greeting,
 *   after QUIT, and on the wrong side of the login or of STLS. On a job's session every submit
 *   returns this, and has no other effect.
 * - ERR_ARGUMENT_OCTET: text is empty, or holds CR, LF or NUL; or a required secret is missing.
 * - ERR_CREDENTIAL_OCTET: the secret is empty, or holds CR, LF or NUL.
 * - ERR_COMMAND_LENGTH: the line would exceed POPCL_COMMAND_MAX.
 * - ERR_MESSAGE_NUMBER: 0, or above STAT's count if that is known.
 * - ERR_SECRET: the secret's callback failed.
 * - ERR_SECRET_WAIT: the secret is not ready. Submit again later. Inside an event, return
 *   POPCL_PAUSED_SECRET, and submit again when the event comes again.
 * - ERR_REENTRANT: called from a trace or a secret. The session ends with this error, too.
 *
 * A long RESPONSE is written in pieces, after submit has returned. If its secret fails then, the
 * session ends with ERR_SECRET or ERR_CREDENTIAL_OCTET. */
popcl_err popcl_submit(popcl *c, const popcl_command *command, uint32_t tag);

/* Returns nonzero if there is room for a short command. A submit may still return ERR_STATE or
 * ERR_WOULD_BLOCK. */
int popcl_can_submit(const popcl *c);

/* Returns the number of commands in flight. */
unsigned popcl_in_flight(const popcl *c);

/* popcl_last_reply returns all that is kept of the newest reply (popcl_reply). The object is a part
 * of the session, valid until wipe, and changes with the next reply. popcl_last_verb returns the
 * verb of the oldest command in flight. If no command is in flight, popcl_last_verb returns the
 * verb of the command that was answered last; POPCL_VERBS is the greeting. In a session that did
 * not start, it has no meaning. */
const popcl_reply *popcl_last_reply(const popcl *c);
popcl_verb popcl_last_verb(const popcl *c);

/* Returns the capabilities of the newest CAPA; all 0 before. The object is a part of the session,
 * valid until wipe. */
const popcl_caps *popcl_capabilities(const popcl *c);

/* Returns the port's number for the failure that ended the session; 0 = no number. */
int popcl_net_code(const popcl *c);

/* Returns the session's state, a constant word:
 * - "connecting", then "securing" in a TLS handshake, and "greeting";
 * - "idle", or "status" if a reply is awaited;
 * - "listing" or "message" inside such a reply, and "held" in a pause after a reply;
 * - "unasked", then "ending", after octets that no command asked for;
 * - "leaving" while TLS is closed, then "closed". */
const char *popcl_state_name(const popcl *c);

/* Returns the result that the response code of an -ERR means (RFC 2449, 8; RFC 3206). If the reply
 * has no code, or the code is [AUTH], returns `otherwise`. Call it only if r->status is
 * POPCL_STATUS_ERR: in another reply the code is that of an earlier one. */
popcl_err popcl_reply_error(const popcl_reply *r, popcl_err otherwise);

#ifdef __cplusplus
}
#endif
#endif
