/* popcl_session.h - one POP3 session as a machine without I/O: commands go in by submit, each with
 * a tag of the caller's, and every command ends in exactly one done event with that tag. For
 * callers with a sequence of their own; who wants to fetch mail uses popcl.h, which is written
 * against this header alone.
 *
 * Words: a *reply* is a status line (`+OK` or `-ERR`) and, for some commands, lines or a body
 * behind it, up to a line with a single dot. A *body* is the text of RETR or TOP; *lines* are those
 * of LIST, UIDL and CAPA. A command is *in flight* from submit to its done event.
 *
 * Octets move in buf/ack pairs: ask for a buffer right before each use, move at most what it
 * offers, acknowledge what was moved, at once (octets that the transport took are acknowledged
 * before anything is received). n = 0 means "not now"; it never means end of file.
 *
 * The session keeps no line: replies are parsed as they stream. It copies no octet of a body. It
 * calls back through one table (popcl_session_events): recv_ack, send_ack, send_failed, recv_eof
 * and resume call all of it; tick, fail, release, and connected with TLS, call `closed` alone.
 * submit asks for the secret, and any of these may call trace. start, wipe and the queries call
 * nothing. Inside a callback only submit, fail and the queries may be called on the same session:
 * any other call is ignored and ends the session with POPCL_ERR_REENTRANT. One session belongs to
 * one thread at a time; two sessions share nothing. The struct needs the alignment of its type, the
 * record buffer none. */
#ifndef POPCL_SESSION_H
#define POPCL_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "popcl_config.h"
#include "popcl_errors.h"

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_UID_MAX 70 /* octets of a UID (RFC 1939, 7) */
/* A UID that breaks the rules (over 70 octets, with a space, 8-bit, a control character) gets a
 * name instead: this octet, which no real UID holds, and 32 lower-case hex digits, the first half
 * of SHA-256 over the UID. Spaces at its end do not count. */
#define POPCL_UID_DIGEST     0x7f
#define POPCL_UID_DIGEST_LEN 33
/* octets of a command line, CRLF included (RFC 2449, 4) */
#define POPCL_COMMAND_MAX 255
/* octets of a reply line, CRLF included (RFC 1939, 3) */
#define POPCL_LINE_MAX 512
/* least record buffer in clear text: one command out, 65 octets in */
#define POPCL_IOBUF_MIN    (POPCL_COMMAND_MAX + 65)
#define POPCL_MS_MAX       1073741824u /* largest time span, 2^30 ms: about 12 days */
#define POPCL_SIZE_UNKNOWN UINT64_MAX
#define POPCL_SEED_MIN     32 /* least random seed, in octets */

/* The state word: what the session can do now. POPCL_DONE stands alone. */
#define POPCL_SEND          0x01u /* send_buf has octets */
#define POPCL_RECV          0x02u /* recv_buf has room */
#define POPCL_PAUSED_SINK   0x04u /* the sink took less than offered, or commit said POPCL_AGAIN */
#define POPCL_PAUSED_SYNC   0x08u /* sync said POPCL_AGAIN */
#define POPCL_PAUSED_SECRET 0x10u /* the secret's callback said POPCL_AGAIN */
#define POPCL_PAUSED        (POPCL_PAUSED_SINK | POPCL_PAUSED_SYNC | POPCL_PAUSED_SECRET)
#define POPCL_DONE          0x80u /* over: nothing goes in or out any more */

/* What callbacks return besides their own values. */
#define POPCL_STAGED       1    /* commit: whole and kept, durable after the next sync */
#define POPCL_AGAIN        2    /* commit, sync: not ready, ask again after resume */
#define POPCL_SECRET_AGAIN (-2) /* a secret's get: not ready, ask again after resume */

/* Octets of a secret: borrowed, or pulled piece by piece. Zeroed: none. */
typedef struct popcl_secret {
    const char *octets; /* borrowed until the session is over, or NULL */
    size_t len;         /* of octets; 0: octets is a C string */
    /* Used where octets is NULL. Copies up to cap octets of the secret from offset off to buf.
     * Returns their number, 0 at its end, POPCL_SECRET_AGAIN to be asked again after resume (from
     * offset 0), another negative value for failure. May be called for any offset, more than once.
     * After the last use it is called with buf = NULL and cap = 0 to release what it holds: exactly
     * once if it was ever called, whatever the outcome was. */
    int (*get)(void *ctx, size_t off, char *buf, size_t cap);
    void *ctx;
} popcl_secret;

/* What carries a session. */
typedef enum popcl_security {
    POPCL_CLEAR, /* no TLS: user name, password and mail can be read and changed on the way */
    POPCL_TLS,   /* POP3S (RFC 8314, 3.2): the handshake comes before the greeting; port 995 */
    POPCL_STLS   /* clear text until STLS got +OK and the handshake followed (RFC 2595, 4) */
} popcl_security;

/* Profile, trust and memory of TLS: popcl_tls.h. */
typedef struct popcl_tls popcl_tls;

typedef enum popcl_verb {
    POPCL_USER,      /* text = name                              RFC 1939, 7 */
    POPCL_PASS,      /* secret                                   RFC 1939, 7 */
    POPCL_APOP,      /* text = name, secret = 32 hex digits      RFC 1939, 7 */
    POPCL_START_TLS, /* STLS; before login, once; the handshake follows, then the next ready event:
                        RFC 2595, 4 */
    POPCL_CAPA,      /* lines; before and after login            RFC 2449, 5 */
    POPCL_STAT,      /* reply.number, reply.size                 RFC 1939, 5 */
    POPCL_LIST,      /* lines, or with number a single reply     RFC 1939, 5 */
    POPCL_UIDL,      /* lines, or with number a single reply     RFC 1939, 7 */
    POPCL_RETR,      /* number; body                             RFC 1939, 5 */
    POPCL_TOP,       /* number, lines; body                      RFC 1939, 7 */
    POPCL_DELE,      /* number                                   RFC 1939, 5 */
    POPCL_NOOP,      /*                                          RFC 1939, 5 */
    POPCL_RSET,      /*                                          RFC 1939, 5 */
    POPCL_QUIT,      /* before login it deletes nothing          RFC 1939, 4 and 6 */
    POPCL_VERBS      /* how many; also "none" where a verb is told */
} popcl_verb;

typedef struct popcl_command {
    popcl_verb verb;
    uint32_t number;  /* message, from 1; 0: without (LIST, UIDL) */
    uint32_t lines;   /* TOP: body lines behind the header; 0: header and blank line */
    const char *text; /* USER, APOP: not NUL-terminated, borrowed during submit only */
    size_t text_len;
    const popcl_secret *secret; /* PASS, APOP: borrowed during submit only */
} popcl_command;

typedef enum popcl_status { POPCL_STATUS_NONE, POPCL_STATUS_OK, POPCL_STATUS_ERR } popcl_status;

/* Response codes (RFC 2449, 8; RFC 3206): a child that is not known counts as its parent, anything
 * else as none. */
typedef enum popcl_code {
    POPCL_CODE_NONE,
    POPCL_CODE_IN_USE,
    POPCL_CODE_LOGIN_DELAY,
    POPCL_CODE_SYS_TEMP,
    POPCL_CODE_SYS_PERM,
    POPCL_CODE_SYS, /* [SYS] or an unknown [SYS/...] */
    POPCL_CODE_AUTH
} popcl_code;

/* All that is kept of a reply. Number, size and UID are those of its newest line, in a single reply
 * of the status line. Code and text are those of the newest -ERR: what comes after it and succeeds
 * does not take away what people need to read (before the login is complete it does). Where a reply
 * before that is neither +OK nor -ERR, or its line breaks the rules, text is the line itself, from
 * its first octet. Valid during the event that brings it, and until the
 * next reply (popcl_session_reply). Text is untrusted: it may hold any octet but LF and NUL, and
 * may be cut. */
typedef struct popcl_reply {
    uint64_t size;    /* octets: STAT's sum, LIST's size; else, and where what stands there is no
                         number or does not fit, POPCL_SIZE_UNKNOWN */
    uint32_t number;  /* STAT's count, or the message of a LIST or UIDL line; else 0 */
    uint8_t status;   /* popcl_status */
    uint8_t code;     /* popcl_code */
    uint8_t uid_len;  /* 1 to 70; 0: none; 33 also for a UID's digest (POPCL_UID_DIGEST) */
    uint8_t text_len; /* octets of text that were kept, up to POPCL_TEXT_KEEP; 0 once a listing
                         needed the room */
    char text[(POPCL_TEXT_KEEP > POPCL_UID_MAX ? POPCL_TEXT_KEEP : POPCL_UID_MAX) +
              1]; /* NUL-terminated: what stands behind -ERR and its
                   * space; while uid_len is not 0, the UID */
} popcl_reply;

/* Capabilities, from the newest CAPA that was answered +OK (RFC 2449, 6): the list after login
 * replaces the one before it. */
#define POPCL_CAPA_TOP            0x0001u
#define POPCL_CAPA_USER           0x0002u
#define POPCL_CAPA_SASL           0x0004u
#define POPCL_CAPA_RESP_CODES     0x0008u
#define POPCL_CAPA_LOGIN_DELAY    0x0010u
#define POPCL_CAPA_PIPELINING     0x0020u
#define POPCL_CAPA_EXPIRE         0x0040u
#define POPCL_CAPA_UIDL           0x0080u
#define POPCL_CAPA_STLS           0x0100u /* RFC 2595, 4 */
#define POPCL_CAPA_AUTH_RESP_CODE 0x0200u /* RFC 3206, 6 */
#define POPCL_CAPA_UTF8           0x0400u /* RFC 6856, 2 */
#define POPCL_CAPA_LANG           0x0800u /* RFC 6856, 3 */
#define POPCL_EXPIRE_NEVER        UINT32_MAX
typedef struct popcl_caps {
    uint16_t tags;          /* POPCL_CAPA_* */
    uint16_t sasl;          /* bit n: the mechanism popcl_sasl_name(n) */
    uint32_t login_delay_s; /* seconds between logins; 0: not told */
    uint32_t expire_days; /* days that mail stays after retrieval, or POPCL_EXPIRE_NEVER; only with
                             POPCL_CAPA_EXPIRE */
} popcl_caps;

/* The name of capability bit n (0 to 15) or of SASL mechanism bit n (0 to 15); NULL where there is
 * none. */
const char *popcl_capa_name(unsigned n);
const char *popcl_sasl_name(unsigned n);

/* Whom a trace piece comes from. A line comes in one or more pieces and ends with an empty piece of
 * the same kind; a state comes in one piece, without an empty one. Secrets are replaced by "***"
 * before they get here; what a server says is not: a server that repeats a password repeats it
 * here. Escape before showing. */
typedef enum popcl_trace {
    POPCL_TRACE_SENT,     /* a command */
    POPCL_TRACE_RECEIVED, /* a reply line, or a line of a listing; bodies are not traced */
    POPCL_TRACE_STATE     /* the session's new state, a constant word */
} popcl_trace;

#define POPCL_TAG_GREETING UINT32_MAX /* the tag of the events that the greeting brings */

/* The session's callbacks. text may be NULL; the others are required. Where a value is returned, 0
 * goes on and POPCL_PAUSED_SINK, _SYNC or _SECRET pauses: nothing is read until
 * popcl_session_resume, and then the same event comes again. */
typedef struct popcl_session_events {
    /* Octets of a status line behind the status and its space, as they stream; the line may still
     * turn out to be malformed. */
    void (*text)(void *ctx, uint32_t tag, const unsigned char *p, size_t n);
    /* One line of a listing was read. A CAPA reply brings none: see popcl_session_caps. A line that
     * names no message, number 0 or one above STAT's count, brings none either: see
     * popcl_session_passed_over. */
    void (*line)(void *ctx, uint32_t tag, const popcl_reply *line);
    /* A body follows: +OK to RETR or TOP. */
    void (*open)(void *ctx, uint32_t tag, const popcl_reply *reply);
    /* Octets of the body, dots unstuffed, CRLF kept, not beyond its end. The span is valid during
     * the call. Returns how many were taken, 0 to n; fewer than n pauses (POPCL_PAUSED_SINK), and
     * the rest is offered again after resume. */
    size_t (*body)(void *ctx, uint32_t tag, const unsigned char *p, size_t n);
    /* The reply is complete; for a greeting too. The command is no longer in flight once this
     * returned 0. */
    unsigned (*done)(void *ctx, uint32_t tag, const popcl_reply *reply);
    /* There is room for a command: submit the next one, or return 0 without. */
    unsigned (*ready)(void *ctx);
    /* The session is over, and this is its result. Called once; nothing comes afterwards. Commands
     * still in flight get no done event. */
    void (*closed)(void *ctx, popcl_err result);
} popcl_session_events;

/* Copied by start: may be changed or gone afterwards. All zero but iobuf and events is valid. */
typedef struct popcl_session_config {
    void *iobuf;          /* the record buffer: the caller's, used until wipe, wiped at the end; any
                             alignment */
    size_t iobuf_len;     /* POPCL_IOBUF_MIN or more; what is above serves reading */
    uint32_t connect_ms;  /* start to connected; 0: POPCL_CONNECT_MS; up to POPCL_MS_MAX, here and
                             below */
    uint32_t idle_ms;     /* without progress, also for the greeting, and for the whole of a TLS
                             handshake; 0: POPCL_IDLE_MS */
    uint32_t pause_ms;    /* in one pause; 0: POPCL_PAUSE_MS */
    uint32_t total_ms;    /* start to the end of the session; 0: POPCL_TOTAL_MS */
    uint8_t security;     /* popcl_security */
    const popcl_tls *tls; /* for POPCL_TLS and POPCL_STLS: borrowed until wipe, and its storage used
                             until then */
    const char *host;     /* with TLS: the server's name; checked and copied by start */
    uint16_t port; /* with popcl_tls.resume, as user: what a kept TLS session is bound to; 0: 110,
                      with POPCL_TLS 995. Read by start alone */
    const char *user; /* the account; NULL: none is told */
    size_t user_len;  /* 0: user is a C string */
    const void *seed; /* with TLS: at least POPCL_SEED_MIN unpredictable octets, new ones for each
                         session; read by start alone */
    size_t seed_len;
    const popcl_session_events *events;
    void *ctx;
    /* NULL, or called with what is said and done, for people. See popcl_trace. */
    void (*trace)(void *trace_ctx, popcl_trace kind, const char *p, size_t n);
    void *trace_ctx;
} popcl_session_config;

typedef struct popcl_session popcl_session;

/* Begins a session; the transport may still be connecting. Does not read *s: garbage is fine (an
 * open session is to be wiped first). ERR_ARGUMENT, ERR_IOBUF_SMALL, with TLS also ERR_NO_TLS,
 * ERR_TLS_STORAGE, ERR_SEED, ERR_NO_TRUST, ERR_HOST and ERR_CLOCK_*; else POPCL_OK, and the rest
 * comes by the closed event. */
popcl_err popcl_session_start(popcl_session *s, const popcl_session_config *cfg, uint32_t now_ms);

/* The transport is up: the connect timeout ends and the greeting's begins. */
void popcl_session_connected(popcl_session *s, uint32_t now_ms);

/* The state word; POPCL_DONE alone at the end. */
unsigned popcl_session_state(const popcl_session *s);

/* Octets to send, *n of them (0: none). Valid until the next call that is no query. ack: n of them
 * left, 1 to *n. */
const unsigned char *popcl_session_send_buf(const popcl_session *s, size_t *n);
void popcl_session_send_ack(popcl_session *s, size_t n);

/* Room for octets that came, *n of it (0: do not read now). ack: n octets were put there. Does at
 * most one buffer's work. */
unsigned char *popcl_session_recv_buf(const popcl_session *s, size_t *n);
void popcl_session_recv_ack(popcl_session *s, size_t n);

/* The transport takes nothing any more: what still waits has not left, nothing further is sent, and
 * what came before is still read. Then recv_eof or fail ends the session. */
void popcl_session_send_failed(popcl_session *s);

/* The peer ended the connection. Queued behind octets that were received and not yet taken. */
void popcl_session_recv_eof(popcl_session *s);

/* Time: any monotonic millisecond counter, it may wrap. A step backwards counts as none. Deadlines
 * are judged here only. */
void popcl_session_tick(popcl_session *s, uint32_t now_ms);

/* Milliseconds from start to the last tick; goes on when the session is over. */
uint32_t popcl_session_elapsed(const popcl_session *s);

/* Milliseconds from the last tick until the next one is needed, 0 to POPCL_MS_MAX. */
uint32_t popcl_session_next_deadline(const popcl_session *s);

/* Ends a pause. Harmless without one. */
void popcl_session_resume(popcl_session *s);

/* Sends a command; its events carry the tag. Everything is checked first, and on an error nothing
 * was sent: ERR_WOULD_BLOCK (the window or the send buffer is full), ERR_STATE (not allowed now:
 * before the greeting, before or after login, after QUIT), ERR_ARGUMENT_OCTET, ERR_COMMAND_LENGTH,
 * ERR_MESSAGE_NUMBER (0, or above STAT's count where that is known), ERR_SECRET, or
 * ERR_SECRET_WAIT: the secret is not ready, pause and submit again. Callable between greeting and
 * end, inside callbacks too. */
popcl_err popcl_session_submit(popcl_session *s, const popcl_command *c, uint32_t tag);

/* Whether a submit would be taken now. */
int popcl_session_can_submit(const popcl_session *s);

/* Commands in flight. */
unsigned popcl_session_in_flight(const popcl_session *s);

/* Whether QUIT, or a part of it, left: only then the server may have deleted anything. */
int popcl_session_quit_left(const popcl_session *s);

/* Ends the session at once with `why`; the first result wins. net_code is the port's own error
 * number, for the diagnosis. */
void popcl_session_fail(popcl_session *s, popcl_err why, int net_code);

popcl_err popcl_session_result(
    const popcl_session *s); /* POPCL_OK until it is over, and afterwards if QUIT got +OK */
int popcl_session_net_code(const popcl_session *s);
const popcl_reply *popcl_session_reply(const popcl_session *s); /* the newest status line */
popcl_verb
popcl_session_verb(const popcl_session *s); /* what the newest status line answered, or is awaited
                                               for; POPCL_VERBS: the greeting */
const popcl_caps *popcl_session_caps(const popcl_session *s);
const char *popcl_session_state_name(
    const popcl_session *s); /* a constant word: "greeting", "status", "message", ... */
const char *popcl_verb_name(popcl_verb v); /* "RETR"; "" for POPCL_VERBS */

/* The result that a reply of -ERR stands for: by its response code, else, and for [AUTH],
 * `otherwise` (RFC 2449, 8; RFC 3206). */
popcl_err popcl_reply_error(const popcl_reply *r, popcl_err otherwise);

/* Lines of all listings so far that named no message: number 0, or above STAT's count, as of one
 * that came after STAT. A listing with more than 1,000 of them, and more than twice STAT's count,
 * is POPCL_ERR_LISTING. */
uint32_t popcl_session_passed_over(const popcl_session *s);

/* What the newest -ERR answered, whose text popcl_session_reply has; POPCL_VERBS: the greeting,
 * nothing that was asked, or none. */
popcl_verb popcl_session_refused(const popcl_session *s);

/* For a layer above that calls its user back outside an event: between these two, as inside events,
 * calls on the session are refused. hold returns 0 where that is so already; release ends a session
 * on which such a call was made. */
int popcl_session_hold(popcl_session *s);
void popcl_session_release(popcl_session *s);

/* Octets of the TLS storage that a session does not need after the handshake, *n of them, aligned
 * for any type; NULL: there are none. Theirs who asks from the greeting (POP3S) or the first ready
 * event after STLS on, until wipe. */
void *popcl_session_spare(const popcl_session *s, size_t *n);

/* Overwrites the session, its record buffer and its TLS storage with zeros. Needs a started or
 * zeroed session; may be called twice. */
void popcl_session_wipe(popcl_session *s);

/* ---- from here on private: declared so that the struct can be allocated, not to be touched ----
 */

/* Bytes stand first, then words, then what is large: small offsets make short instructions on ARM.
 */

typedef struct popcl_wire {
    uint8_t at; /* enum wire_at in wire.c */
} popcl_wire;

typedef struct popcl_reply_parser {
    uint16_t octets;         /* of the current line, CRLF included */
    uint8_t column;          /* octets of a status that were parsed */
    uint8_t form;            /* what the line's fields are */
    uint8_t field;           /* where in its fields the line is */
    uint8_t bad;             /* popcl_err of the first unusable field */
    uint8_t word_len;        /* octets of the word of a CAPA line that were collected */
    uint8_t tag;             /* bit of the CAPA line's tag */
    uint8_t words;           /* of a CAPA line so far */
    uint8_t code;            /* where in a response code the line is */
    uint8_t keep;            /* the whole status line is kept while it comes, for people */
    uint8_t odd_uid;         /* the UID breaks the rules: a digest becomes its name */
    uint16_t spaces;         /* that belong to the UID if more of it follows */
    uint16_t blocks;         /* of 64 octets of the UID that are digested, into */
    unsigned char chain[32]; /* a state of SHA-256 */
} popcl_reply_parser;

typedef struct popcl_flight {
    uint32_t tag;
    uint8_t verb;
    uint8_t argument; /* whether it had a message number: LIST and UIDL are then single */
    uint8_t octets;   /* of its line */
} popcl_flight;

struct popcl_link_ops;
typedef struct popcl_link {
    const struct popcl_link_ops *ops;
    const popcl_tls *tls; /* NULL in a session without */
    unsigned char *buf;
    size_t len;
    size_t in_from, in_to;     /* received and not yet taken */
    uint16_t out_from, out_to; /* written and not yet sent */
} popcl_link;

struct popcl_session {
    uint8_t state;           /* enum state in session.c */
    uint8_t phase;           /* POPCL_IN_AUTHORIZATION or _TRANSACTION; 0: no command may be sent */
    uint8_t result;          /* popcl_err */
    uint8_t pause;           /* POPCL_PAUSED_* */
    uint8_t verb;            /* of the newest status line */
    uint8_t head, in_flight; /* the ring of commands in flight */
    uint8_t eof;             /* the peer ended the connection */
    uint8_t busy;            /* enum busy in session.c */
    uint8_t moved;           /* progress since the last tick */
    uint8_t quit_left;       /* QUIT, or a part of it, was sent */
    uint8_t taken;           /* something was taken since the last pause began */
    uint8_t security;        /* popcl_security */
    uint8_t send_failed;     /* the transport takes nothing any more */
    popcl_wire wire;
    uint8_t err_verb;     /* what the newest -ERR answered */
    uint8_t greets_again; /* after STLS, until the first reply is complete: what comes may be a
                             greeting */
    popcl_reply_parser parser;
    const popcl_session_events *events;
    void *ctx;
    void (*trace)(void *trace_ctx, popcl_trace kind, const char *p, size_t n);
    void *trace_ctx;
    popcl_link link;
    uint32_t count;       /* STAT's: no message is above it; UINT32_MAX: not known */
    uint32_t lines;       /* of a listing so far, of which */
    uint32_t stray;       /* named no message; and */
    uint32_t passed_over; /* so many did in all listings before */
    uint32_t now, began,
        since; /* times: of the last tick, of start, of the last progress or of the pause's begin */
    uint32_t connect_ms, idle_ms, pause_ms, total_ms;
    uint32_t flight_octets; /* of all command lines in flight */
    int net_code;
    popcl_caps caps;
    popcl_flight flight[POPCL_WINDOW];
    popcl_reply reply;
};

#ifdef __cplusplus
}
#endif
#endif
