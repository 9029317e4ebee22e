/* SPDX-License-Identifier: MIT */
/* popcl.h - one POP3 session as a state machine without I/O. The caller moves bytes between the
 * session and a transport, and passes the time to it. popcl_run (popcl_net.h) does both for
 * programs that may block.
 *
 * A session has an *owner*, which sends its commands and gets its events. popcl_fetch.h is the
 * owner that fetches mail: most programs use it. popcl_command.h is for owners with a sequence of
 * commands of their own. A driver (popcl_run, the lwIP main loop, a superloop) uses this header
 * alone, and knows nothing of the owner. So any driver works with any owner.
 *
 *     start -> connected -> [ send_buf/ack | recv_buf/ack | recv_eof | tick | resume ]* ->
 *         state = POPCL_DONE -> result -> wipe
 *
 * Here and below, names of calls are without popcl_. start is popcl_fetch_start, or popcl_start
 * (popcl_command.h).
 *
 * The contract
 * - Bytes move in buf/ack pairs. Ask for a buffer right before each use, move at most what it
 *   offers, and acknowledge at once what was moved. Acknowledge sent bytes before you receive.
 *   An offer of 0 bytes means "not now"; it never means end of file.
 * - Time comes in by start, connect, connected, connected_secured and tick only. After progress the
 *   idle time begins again, but only at the next tick: so call tick after acks.
 * - A driver calls recv_eof or fail only after it has passed on every byte that the transport
 *   received. Otherwise a reset right after QUIT's +OK would turn success into a failure. recv_eof
 *   drops no byte: the session first handles the bytes that it already has.
 * - If the transport has no room now, send later: this is no failure. If it will never accept
 *   another byte, call send_failed. Then pass on the bytes that came, and call recv_eof or fail. A
 *   session with TLS and a record buffer below POPCL_IOBUF_DUPLEX bytes needs send_failed. Without
 *   it, such a session reads nothing while its own bytes wait to be sent.
 * - A session is *over* once it has its result. Before POPCL_DONE, TLS may still send its orderly
 *   shutdown, and the owner may ask for time (POPCL_PAUSED).
 * - After POPCL_DONE every input is ignored. The first result stays until start or wipe: a failure
 *   after success does not replace the success.
 * - A pause stops the idle timer. The limit of the pause and the overall deadline go on.
 * - One call of recv_ack handles at most the bytes that popcl_config.iobuf holds, with TLS one
 *   record. This bounds its time; the records of the handshake take longest (popcl_tls.breathe).
 * - resume and stop belong to the thread that calls tick. An interrupt or another thread sets a
 *   flag, and this thread makes the call.
 * - Two sessions share nothing. One session belongs to one thread at a time.
 * - A session that is zeroed or wiped, or whose start failed, is POPCL_DONE. Every call on it is
 *   harmless. The queries then give an empty reply and no capabilities.
 * - The *queries* are the functions that take a const popcl *. They change nothing. The trace,
 *   popcl_secret.get, the events and the callbacks of a job may call them, and so may a port.
 *   popcl_tls.breathe, popcl_trust.find and .key, and popcl_blob_read must not.
 *
 * This header does not include BearSSL. Each rule of an RFC is at the declaration that it concerns.
 * An *octet* is a byte on the wire. */
#ifndef POPCL_H
#define POPCL_H

#include <stddef.h>
#include <stdint.h>

#include "popcl_config.h"
#include "popcl_errors.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of these headers. */
#define POPCL_VERSION "0.1.0"
/* Returns the version of the library, a constant string. */
const char *popcl_version(void);

#define POPCL_UID_MAX 70 /* octets of a UID (RFC 1939, 7) */
/* Some UIDs break the rules: over 70 octets, with a space, 8-bit, or with a control character.
 * popcl puts a digest in the place of such a UID: the octet POPCL_UID_DIGEST, which no real UID
 * holds, and 32 lower-case hex digits. The digits are the first half of SHA-256 over the UID
 * without the spaces at its end. */
#define POPCL_UID_DIGEST     0x7f
#define POPCL_UID_DIGEST_LEN 33
/* octets of a command line, CRLF included (RFC 2449, 4) */
#define POPCL_COMMAND_MAX 255
/* octets of a reply line, CRLF included (RFC 1939, 3) */
#define POPCL_LINE_MAX 512
/* least record buffer in clear text, in bytes: one command out, 65 octets in */
#define POPCL_IOBUF_MIN    (POPCL_COMMAND_MAX + 65)
#define POPCL_MS_MAX       1073741824u /* largest time span, 2^30 ms: about 12 days */
#define POPCL_SIZE_UNKNOWN UINT64_MAX  /* in place of a size in octets */

/* The state word: the next steps that are possible; 0 = no step is possible now. POPCL_SEND may
 * come together with a bit of POPCL_PAUSED, POPCL_RECV never does. POPCL_DONE comes alone. */
#define POPCL_SEND 0x01u /* send_buf has bytes */
#define POPCL_RECV 0x02u /* recv_buf has room */
#define POPCL_PAUSED_SINK                                                                          \
    0x04u /* the sink took fewer octets than it was offered, or its commit returned POPCL_AGAIN */
#define POPCL_PAUSED_SYNC   0x08u /* sync returned POPCL_AGAIN, or `closed` asks for time */
#define POPCL_PAUSED_SECRET 0x10u /* the secret's callback returned POPCL_SECRET_AGAIN */
#define POPCL_PAUSED        (POPCL_PAUSED_SINK | POPCL_PAUSED_SYNC | POPCL_PAUSED_SECRET)
/* The login computes (SCRAM): each popcl_tick does one step, and popcl_next_deadline returns 0.
 * Meanwhile nothing is received, and of the deadlines only total_ms counts. */
#define POPCL_COMPUTING 0x20u
#define POPCL_DONE      0x80u /* the end: the result is final, and every input is ignored */

/* The protection of a session. */
typedef enum popcl_security {
    POPCL_CLEAR,    /* no TLS: user name, password and mail can be read and changed on the way */
    POPCL_TLS,      /* POP3S (RFC 8314, 3.2): the handshake comes before the greeting; port 995 */
    POPCL_STLS,     /* clear text until STLS got +OK and the handshake followed (RFC 2595, 4). A job
                       sends STLS. An owner of your own submits POPCL_START_TLS: before it, all
                       other commands except CAPA and QUIT get ERR_STATE */
    POPCL_TLS_BELOW /* POP3S (RFC 8314, 3.2), and the transport does TLS: a modem, or a TLS library
                       of the system; port 995. Nothing is sent unless the transport vouches for the
                       server: popcl_connected_secured, or popcl_net.secured */
} popcl_security;

/* The channel binding tls-server-end-point of TLS below the session (RFC 5929, 4.1), for the login
 * mechanisms SCRAM-*-PLUS. It is a hash of the server's certificate in DER. The hash function is
 * the one of the certificate's signature; SHA-256 replaces MD5 and SHA-1. */
#define POPCL_END_POINT_MAX 64 /* bytes of the longest hash */
typedef struct popcl_end_point {
    uint8_t len; /* bytes of hash, 1 to POPCL_END_POINT_MAX; 0 or more than that = not known */
    unsigned char hash[POPCL_END_POINT_MAX];
} popcl_end_point;

/* Profile, trust and memory of TLS: popcl_tls.h. */
typedef struct popcl_tls popcl_tls;

/* The random seed of a session: unpredictable bytes, new ones for each session. */
typedef struct popcl_seed {
    unsigned char bytes[32];
} popcl_seed;

/* A secret, borrowed as a whole or pulled in pieces. Zeroed = no secret. */
typedef struct popcl_secret {
    const char *octets; /* the secret. A job borrows it until wipe; for popcl_submit see
                           popcl_command.secret. NULL = get is used */
    size_t len;         /* bytes at octets; 0 = octets is a C string */
    /* Used if octets is NULL. Copies up to cap bytes of the secret, from offset off, to buf.
     * Returns the number of bytes, 0 at the secret's end, or a negative value. POPCL_SECRET_AGAIN
     * asks for time, until resume. Any other negative value is a failure, and so is a value above
     * cap. popcl may ask for any offset, and more than once for the same one.
     *
     * After each command that used get, popcl makes exactly one last call of get. A job makes one
     * for its whole login. This call has buf = NULL and cap = 0, and comes whatever the outcome is.
     * In it get releases the memory that it holds; the return value is ignored. */
    int (*get)(void *ctx, size_t off, char *buf, size_t cap);
    void *ctx; /* of get */
} popcl_secret;
#define POPCL_SECRET_AGAIN (-2) /* get: not ready, ask again after resume */

/* ---- what a session keeps of replies ---- */

/* The commands. The comment of each lists first the fields of popcl_command that it takes. Then
 * come the parts of its reply besides the status line. */
typedef enum popcl_verb {
    POPCL_USER,      /* text = name                              RFC 1939, 7 */
    POPCL_PASS,      /* secret                                   RFC 1939, 7 */
    POPCL_APOP,      /* text = name, secret = 32 hex digits      RFC 1939, 7 */
    POPCL_AUTH,      /* text = SASL mechanism; secret = initial response in base64, "=" for an empty
                        one, NULL = none                         RFC 5034, 4 */
    POPCL_RESPONSE,  /* the line that answers a challenge. secret = base64, "*" to cancel, NULL =
                        empty. Of any length: written in pieces  RFC 5034, 4 */
    POPCL_START_TLS, /* STLS: only in a session with POPCL_STLS, before the login, and not again
                        after its +OK. After that +OK the handshake follows, then the next `ready`.
                        After the handshake send CAPA. Until CAPA is answered, a login command
                        gets ERR_STATE. Some servers wrongly greet again after STLS, and that
                        greeting would pass for the login's +OK. RFC 2595, 4 */
    POPCL_CAPA,      /* popcl_capabilities has the list; before and after login. RFC 2449, 5 */
    POPCL_STAT,      /* brings reply.number and reply.size       RFC 1939, 5 */
    POPCL_LIST,      /* number, or 0: then it brings lines       RFC 1939, 5 */
    POPCL_UIDL,      /* number, or 0: then it brings lines       RFC 1939, 7 */
    POPCL_RETR,      /* number; brings a body                    RFC 1939, 5 */
    POPCL_TOP,       /* number, lines; brings a body             RFC 1939, 7 */
    POPCL_DELE,      /* number                                   RFC 1939, 5 */
    POPCL_NOOP,      /*                                          RFC 1939, 5 */
    POPCL_RSET,      /*                                          RFC 1939, 5 */
    POPCL_QUIT,      /* before login it deletes nothing          RFC 1939, 4 and 6 */
    POPCL_UTF8,      /* before login, and not before STLS        RFC 6856, 2 */
    POPCL_LANG,      /* text = language of the reply texts, such as "de"; "*" = the default one.
                        RFC 6856, 3 */
    POPCL_VERBS      /* the number of verbs; as a value: no verb */
} popcl_verb;
/* Returns the verb as text, "RETR" for example; "" for POPCL_VERBS. */
const char *popcl_verb_name(popcl_verb v);

/* The status of a reply (RFC 1939, 3). */
typedef enum popcl_status {
    POPCL_STATUS_NONE,     /* no reply yet */
    POPCL_STATUS_OK,       /* +OK */
    POPCL_STATUS_ERR,      /* -ERR */
    POPCL_STATUS_CHALLENGE /* `+` and a challenge: only to AUTH and RESPONSE (RFC 5034, 4) */
} popcl_status;

/* Response codes (RFC 2449, 8; RFC 3206; RFC 6856, 5). They have levels: an unknown [SYS/X] counts
 * as [SYS]. A code whose first level is unknown is POPCL_CODE_NONE. */
typedef enum popcl_code {
    POPCL_CODE_NONE,
    POPCL_CODE_IN_USE,      /* another session has the maildrop (RFC 2449, 8.1.2) */
    POPCL_CODE_LOGIN_DELAY, /* the last login was too short a time ago (RFC 2449, 8.1.1) */
    POPCL_CODE_SYS_TEMP,    /* the server has a temporary problem (RFC 3206, 4) */
    POPCL_CODE_SYS_PERM,    /* a person has to look at the server or the account (RFC 3206, 4) */
    POPCL_CODE_SYS,         /* [SYS] or an unknown [SYS/...] */
    POPCL_CODE_AUTH,        /* the credentials are wrong (RFC 3206, 5) */
    POPCL_CODE_UTF8         /* the message has UTF-8 in its headers, and needs UTF8 (RFC 6856, 5) */
} popcl_code;

/* All that a session keeps of a reply. Valid during the event that brings it, and until the next
 * reply. Number, size and UID are those of the reply's newest line. In a reply without lines, they
 * are those of the status line.
 *
 * Code and text are those of the newest -ERR: each -ERR replaces both. Until the login is complete,
 * they are also removed by each other reply; only the reply to QUIT leaves them. Once the login is
 * complete, other replies leave them too. A UID and the +OK to CAPA always remove the text, but not
 * the code.
 *
 * A reply is malformed if it is neither +OK nor -ERR, or if its line breaks the rules. If a command
 * gets such a reply before the login is complete, text is this line from its first octet. Text is
 * untrusted: it may hold any octet except LF and NUL, and may be cut. */
typedef struct popcl_reply {
    uint64_t size;    /* octets: STAT's sum or LIST's size. POPCL_SIZE_UNKNOWN = a size that is
                         no number or above 64 bits, or a reply of another kind */
    uint32_t number;  /* STAT's count, or the message of a LIST or UIDL line; 0 in other replies.
                         Anything that is no number ends the session with ERR_NUMBER. A number above
                         32 bits ends it with ERR_NUMBER_RANGE, except in a listing after STAT:
                         popcl passes over such a line */
    uint8_t status;   /* popcl_status */
    uint8_t code;     /* popcl_code */
    uint8_t uid_len;  /* bytes, 1 to 70; 0 = no UID. A UID of 33 bytes is a digest only if its first
                         byte is POPCL_UID_DIGEST */
    uint8_t text_len; /* bytes of text that were kept, up to POPCL_TEXT_KEEP. UIDs and capabilities
                         use the same room, so a reply that brings them clears the text */
    /* NUL-terminated: the text after -ERR and its space, the response code included; or a malformed
     * line. While uid_len is not 0, the UID */
    char text[(POPCL_TEXT_KEEP > POPCL_UID_MAX ? POPCL_TEXT_KEEP : POPCL_UID_MAX) + 1];
} popcl_reply;

/* Capabilities, from the newest CAPA that was answered +OK (RFC 2449, 6). A server may list others
 * after the login: send CAPA again to get them. The TLS handshake of STLS drops the list and the
 * kept reply. */
#define POPCL_CAPA_TOP                0x0001u
#define POPCL_CAPA_USER               0x0002u
#define POPCL_CAPA_SASL               0x0004u
#define POPCL_CAPA_RESP_CODES         0x0008u
#define POPCL_CAPA_LOGIN_DELAY        0x0010u
#define POPCL_CAPA_PIPELINING         0x0020u
#define POPCL_CAPA_EXPIRE             0x0040u
#define POPCL_CAPA_UIDL               0x0080u
#define POPCL_CAPA_STLS               0x0100u /* RFC 2595, 4 */
#define POPCL_CAPA_AUTH_RESP_CODE     0x0200u /* RFC 3206, 6 */
#define POPCL_CAPA_UTF8               0x0400u /* RFC 6856, 2 */
#define POPCL_CAPA_LANG               0x0800u /* RFC 6856, 3 */
#define POPCL_SASL_PLAIN              0x0001u
#define POPCL_SASL_LOGIN              0x0002u
#define POPCL_SASL_CRAM_MD5           0x0004u
#define POPCL_SASL_SCRAM_SHA_1        0x0008u
#define POPCL_SASL_SCRAM_SHA_256      0x0010u
#define POPCL_SASL_SCRAM_SHA_1_PLUS   0x0020u
#define POPCL_SASL_SCRAM_SHA_256_PLUS 0x0040u
#define POPCL_SASL_XOAUTH2            0x0080u
#define POPCL_SASL_OAUTHBEARER        0x0100u
#define POPCL_SASL_EXTERNAL           0x0400u
#define POPCL_EXPIRE_NEVER            UINT32_MAX /* EXPIRE NEVER: the server never deletes mail */
typedef struct popcl_caps {
    uint16_t tags;          /* POPCL_CAPA_* */
    uint16_t sasl;          /* bit n: the mechanism popcl_sasl_name(n); POPCL_SASL_* */
    uint32_t login_delay_s; /* seconds between logins; 0 = the server names no delay */
    uint32_t expire_days; /* days that mail stays after retrieval, or POPCL_EXPIRE_NEVER; only with
                             POPCL_CAPA_EXPIRE */
} popcl_caps;

/* Return the name of capability bit n (0 to 15), or of SASL mechanism bit n (0 to 15). NULL = the
 * bit has no name. */
const char *popcl_capa_name(unsigned n);
const char *popcl_sasl_name(unsigned n);

/* The kinds of a piece of trace. A line comes in one or more pieces. After them comes an empty
 * piece of the same kind: n = 0, and p is not NULL. If the session ends inside a line, the empty
 * piece is missing. A state comes in one piece, and no empty piece follows.
 *
 * A piece is the n bytes from p on, and is valid during the call. It is not NUL-terminated. It has
 * no NUL in it, and no CRLF at its end. In sent commands "***" replaces each secret. Text of the
 * server is unchanged: it may hold a password that the server repeats. Escape it before you show
 * it. */
typedef enum popcl_trace {
    POPCL_TRACE_SENT,     /* a command */
    POPCL_TRACE_RECEIVED, /* a reply line, or a line of a listing; bodies are not traced */
    POPCL_TRACE_STATE     /* the session's new state, a constant word */
} popcl_trace;

/* A command in flight. An array of them is the window of popcl_config. Private except its size. */
typedef struct popcl_flight {
    uint32_t tag;
    uint8_t verb;
    uint8_t shape;   /* of its reply */
    uint16_t octets; /* of its line; wraps if a response is long */
} popcl_flight;

/* ---- settings ---- */

/* The settings of a session; they may be in flash. popcl borrows them until wipe. It also borrows
 * all that they point to, strings such as host and user included; for seed see there. Do not change
 * them before wipe: it is undefined whether popcl uses the old value of a field or the new one.
 *
 * iobuf is required. POPCL_TLS and POPCL_STLS also require host, tls and seed, and popcl_run
 * requires host. In every other field zero is the default, with the meaning that its comment gives.
 */
typedef struct popcl_config {
    const char *host;     /* name or address of the server; with TLS the certificate must be for it,
                             or for popcl_tls.name. 1 to 255 bytes, 0x21 to 0x7e except %. A dot at
                             its end is allowed. A fetch job and TLS check this: ERR_HOST */
    uint16_t port;        /* 0 = 110, with POPCL_TLS and POPCL_TLS_BELOW 995 */
    uint8_t security;     /* popcl_security. A session with POPCL_STLS sends no login in clear text:
                             a job fails if STLS is refused */
    uint16_t window_len;  /* commands that window has room for, 0 to 65535. 0 = window is not used;
                             1 sends nothing ahead, as 0 */
    const char *user;     /* the account, without CR or LF. A fetch job sends it octet for octet.
                             Without a job it is not sent. A kept TLS session (popcl_tls.resume) is
                             for this user alone. NULL = no user name */
    const popcl_tls *tls; /* for POPCL_TLS and POPCL_STLS; borrowed until wipe, and its storage is
                             used until then: popcl_tls.h. With POPCL_TLS_BELOW it has to be NULL:
                             the transport does TLS, and popcl cannot apply this trust */
    const popcl_seed *seed; /* for POPCL_TLS, POPCL_STLS, and a job that may use SCRAM: they do not
                               start without it. Only start reads it: it may be wiped afterwards */
    void *iobuf;            /* the record buffer, any alignment; used until wipe. Wiped before
                               POPCL_DONE, and by wipe */
    size_t iobuf_len; /* bytes: POPCL_IOBUF_MIN or more, with tls POPCL_IOBUF_SIZE(512) or more.
                         A larger buffer receives more at once, with tls up to 16,709 bytes. Without
                         tls a sixteenth of it, 255 bytes to 16 KB, is for sending. With tls
                         a buffer of POPCL_IOBUF_DUPLEX bytes or more has room for both directions,
                         a smaller one for one direction at a time (popcl_tls.h) */
    /* Each of the next four is at most POPCL_MS_MAX. The session's time begins with popcl_connect.
     * Without a call of popcl_connect, it begins with start. */
    uint32_t connect_ms; /* ms from the begin of the session's time to popcl_connected. With
                            POPCL_TLS_BELOW it ends with popcl_connected_secured: the transport's
                            handshake counts too. 0 = POPCL_CONNECT_MS */
    uint32_t idle_ms;  /* ms without progress while the greeting or a reply is awaited. Progress is
                          a byte of a command that was sent, or a received byte. A TLS handshake
                          has this time once, as a whole. If no command is in flight, only total_ms
                          counts. 0 = POPCL_IDLE_MS */
    uint32_t pause_ms; /* ms of one pause; 0 = POPCL_PAUSE_MS */
    uint32_t total_ms; /* ms from the begin of the session's time to its end; 0 = POPCL_TOTAL_MS.
                          The last part of this time is the reserve for QUIT: a quarter of total_ms,
                          or POPCL_QUIT_MS if that is less. In the reserve a fetch job aborts the
                          open message, begins no other, deletes stored ones and sends QUIT */
    popcl_flight *window; /* room for window_len commands that may be in flight at once if the
                             server offers PIPELINING (RFC 2449, 6.6); used until wipe. NULL = one
                             at a time. Some servers lose commands that are sent ahead. A fetch job
                             sets popcl_diag.unsure until the replies prove that each command
                             arrived. An owner of your own must detect lost commands itself */
    /* Called with commands, replies and states, human-readable: popcl_trace. NULL = no trace. */
    void (*trace)(void *trace_ctx, popcl_trace kind, const char *p, size_t n);
    void *trace_ctx; /* of trace */
} popcl_config;

/* A session, in the caller's memory. It must not move between start and wipe. */
typedef struct popcl popcl;

/* ---- the pumps: the calls of a driver, the same for every owner ---- */

/* Begins the session's time: a driver calls it when it begins to connect. Time before this call
 * does not count, so start may get any now_ms. *port becomes the port. *limit_ms becomes the time
 * for name resolution and connecting, which is the smaller one of connect_ms and total_ms. If the
 * session is over, *port and *limit_ms become 0. Neither may be NULL. Returns the host, or NULL if
 * no host was given or the session is over. Each call before popcl_connected begins the session's
 * time anew; a later call does not change it. A program that connects by itself need not call it.
 */
const char *popcl_connect(popcl *c, uint32_t now_ms, uint16_t *port, uint32_t *limit_ms);

/* The transport is up. The connect timeout ends, and the idle timeout begins: for the greeting, or
 * with POPCL_TLS for the handshake. With POPCL_TLS_BELOW the session ends with
 * POPCL_ERR_NOT_SECURED: this call does not vouch for TLS. In a session only the first call of
 * popcl_connected or popcl_connected_secured has an effect. */
void popcl_connected(popcl *c, uint32_t now_ms);

/* As popcl_connected, for a session with POPCL_TLS_BELOW: the transport is up, and its TLS
 * handshake is complete. With this call the driver promises that it checked the server's
 * certificate (RFC 7817, 3). The certificate has to be valid now, and for the host of the session.
 * It has to lead to a trusted authority or to a known key. popcl cannot check that. end_point is
 * borrowed until the session is over; NULL = not known.
 *
 * With another security setting this call does what popcl_connected does, and end_point is not
 * used. POPCL_CLEAR keeps the rules of clear text. POPCL_TLS does TLS of its own inside that of the
 * transport. */
void popcl_connected_secured(popcl *c, uint32_t now_ms, const popcl_end_point *end_point);

/* Returns 1 if the session has POPCL_TLS_BELOW, else 0; also 0 for a session that did not start. A
 * driver whose transport has no TLS asks this before it connects, and ends such a session with
 * POPCL_ERR_NOT_SECURED. */
int popcl_wants_secured(const popcl *c);

/* Returns the state word; POPCL_DONE alone at the end. */
unsigned popcl_state(const popcl *c);

/* send_buf returns bytes to send, *n of them; 0 = nothing to send now. The bytes are valid until
 * the next call that changes the session. send_ack: n of these bytes were sent. If n is 0, or
 * there is nothing to send, send_ack does nothing. If send_buf offers bytes and n is larger, the
 * session ends with POPCL_ERR_PORT. */
const unsigned char *popcl_send_buf(const popcl *c, size_t *n);
void popcl_send_ack(popcl *c, size_t n);

/* recv_buf returns room for received bytes, *n of it; 0 = do not read now. The room is valid until
 * the next call that changes the session. recv_ack: n bytes were put there. 0 does nothing. If n is
 * more than recv_buf offers, the session ends with POPCL_ERR_PORT, also if recv_buf offers 0. */
unsigned char *popcl_recv_buf(const popcl *c, size_t *n);
void popcl_recv_ack(popcl *c, size_t n);

/* Sending has failed for good: the transport will never accept another byte. Do not call this if it
 * only has no room now. Bytes that wait are not sent, and bytes that came are still read.
 * Afterwards recv_eof or fail ends the session. */
void popcl_send_failed(popcl *c);

/* The peer ended the connection. The session first handles all bytes that it received before. */
void popcl_recv_eof(popcl *c);

/* Passes the time, by any monotonic counter of milliseconds. Deadlines are judged here only. The
 * counter may wrap after 2^32 - 1 only: any other wrap counts as a step back.
 *
 * For clocks with faults: a step back of a second or less stops the session's time until the
 * counter is at its old value again. A larger step back counts as no time, and the session's time
 * goes on from the new value. The same is true for a step forward of more than POPCL_MS_MAX. */
void popcl_tick(popcl *c, uint32_t now_ms);

/* Ends a pause: the callback that asked for time is asked again. Harmless without a pause. */
void popcl_resume(popcl *c);

/* Returns the milliseconds until a tick is needed, 0 to POPCL_MS_MAX; 0 = call popcl_tick with the
 * present time now. The milliseconds count from the newest time that was given to start, connect,
 * connected, connected_secured or tick. After POPCL_DONE returns POPCL_MS_MAX. */
uint32_t popcl_next_deadline(const popcl *c);

/* Asks the owner for an orderly shutdown; drive the session on until POPCL_DONE. Call it from the
 * thread that drives the session, and not from a callback: there it ends the session with
 * POPCL_ERR_REENTRANT. With popcl_run use POPCL_NET_STOP instead (popcl_net.h). One call is enough,
 * and counts until the session is over. It has no effect on a session that is started later.
 *
 * A fetch job aborts the open message. It still deletes the messages that are stored, if they are
 * to be deleted. Then it sends QUIT. If nothing is deleted or staged, it leaves QUIT out after a
 * long open message (popcl_fetch_config.drain_max). The job's result is POPCL_ERR_STOPPED, or an
 * earlier failure.
 *
 * A fetch job whose STAT is not yet answered with +OK ends at once. So does a session whose owner
 * has no stop event. */
void popcl_stop(popcl *c);

/* Ends the session at once, for example because the transport failed. If the session has no result
 * yet, its result becomes `why`, with these exceptions:
 * - ERR_NET becomes ERR_QUIT_UNKNOWN while QUIT waits for its reply, and ERR_TLS_CLOSED in the TLS
 *   handshake. Before the login it becomes ERR_STATUS if a malformed reply has begun;
 * - POPCL_OK, POPCL_MORE and a value without a row in popcl_errors.h become ERR_ARGUMENT.
 *
 * The owner may still change the result (popcl_result). net_code is the port's own error number,
 * for the diagnosis.
 *
 * No byte goes in or out any more. If the state is POPCL_DONE, nothing is left to do. If it has a
 * bit of POPCL_PAUSED, the owner asked for time: a job does so if its sync returned POPCL_AGAIN.
 * Then call tick and resume until POPCL_DONE, which comes after POPCL_SETTLE_MS at the latest. */
void popcl_fail(popcl *c, popcl_err why, int net_code);

/* Returns POPCL_OK until the session is over, and its result afterwards. The result is final once
 * the state is POPCL_DONE. The owner may have changed it: a fetch job replaces it by its own
 * (popcl_diag.err). A zeroed or wiped session has POPCL_ERR_STATE. */
popcl_err popcl_result(const popcl *c);

/* Returns the name of the wrong field, a constant word, if start returned POPCL_ERR_ARGUMENT; else
 * "". */
const char *popcl_bad_field(const popcl *c);

/* Overwrites the session, its record buffer and its TLS storage with zeros. If the session is not
 * POPCL_DONE, its owner first aborts and releases all that it holds. Needs a zeroed session, or one
 * for which start was called, also if start failed. May be called twice. For a fetch job call
 * popcl_fetch_wipe instead: it does this too. */
void popcl_wipe(popcl *c);

/* ---- from here on private: declared so that the struct can be allocated, not to be touched ----
 */

/* Bytes come first, then words, then what is large: small offsets make short instructions on ARM.
 */

typedef struct popcl_wire {
    uint8_t at; /* enum wire_at in wire.c */
} popcl_wire;

typedef struct popcl_reply_parser {
    uint16_t octets;         /* of the current line, CRLF included */
    uint8_t column;          /* octets of a status that were parsed */
    uint8_t form;            /* the kinds of the line's fields */
    uint8_t field;           /* place of the line in its fields */
    uint8_t bad;             /* popcl_err of the first unusable field */
    uint8_t words;           /* of a CAPA line so far */
    uint8_t code;            /* place of the line in a response code */
    uint8_t keep;            /* the whole status line is kept while it comes, to be shown */
    uint8_t odd_uid;         /* the UID breaks the rules: a digest becomes its name */
    uint16_t tag;            /* bit of the CAPA line's tag */
    uint16_t spaces;         /* that belong to the UID if more of it follows */
    uint16_t blocks;         /* number of blocks of 64 octets of the UID that are in chain */
    unsigned char chain[32]; /* state of SHA-256 over the UID so far */
} popcl_reply_parser;

struct popcl_link_ops;
typedef struct popcl_link {
    const struct popcl_link_ops *ops;
    const popcl_tls *tls; /* NULL in a session without */
    unsigned char *buf;
    size_t len;
    size_t in_from, in_to;     /* received and not yet taken */
    uint16_t out_from, out_to; /* written and not yet sent */
    uint8_t one_way; /* 1 = while octets wait to be sent, none can be received: one record buffer
                        for both directions */
} popcl_link;

struct popcl {
    uint8_t state;       /* enum state in machine.c */
    uint8_t phase;       /* POPCL_IN_AUTHORIZATION or _TRANSACTION; 0: no command may be sent */
    uint8_t result;      /* popcl_err */
    uint8_t pause;       /* POPCL_PAUSED_* */
    uint8_t verb;        /* of the newest status line; POPCL_VERBS: the greeting */
    uint8_t eof;         /* the peer ended the connection */
    uint8_t busy;        /* enum busy in machine.c */
    uint8_t moved;       /* progress since the last tick */
    uint8_t quit_left;   /* QUIT, or a part of it, was sent */
    uint8_t taken;       /* 0 = a pause has just ended, and brought no progress so far */
    uint8_t send_failed; /* the transport accepts no more bytes */
    popcl_wire wire;
    uint8_t err_verb;     /* the command that the newest -ERR answered */
    uint8_t greets_again; /* after STLS, until the first reply is complete: a greeting may
                             come */
    uint8_t failing;      /* popcl_err: the owner ended the session inside an event */
    uint8_t public_owner; /* its events may call popcl_submit and popcl_fail */
    uint8_t field;        /* the setting that is wrong, of enum popcl_field */
    uint8_t secured;      /* the transport vouched for its TLS */
    uint16_t window_len;
    uint16_t first;      /* place of the oldest command in the window, which is a ring */
    uint16_t in_flight;  /* commands in flight */
    uint16_t answerable; /* of these, the commands that were sent before the received octets came */
    uint16_t octets_in_flight; /* of their lines; wraps after a long response, which is alone */
    const struct popcl_events *events;
    void *ctx;
    const popcl_config *cfg;
    const popcl_end_point *end_point; /* of TLS below the session; NULL = not known, or no such TLS
                                       */
    const popcl_secret *secret; /* in use; a callback of it has to be released. If a command is in
                                   flight, a part of the secret is still to be written */
    popcl_link link;
    uint32_t count;       /* the largest that STAT gave: no message is above it; UINT32_MAX: none */
    uint32_t lines;       /* lines of this listing so far */
    uint32_t stray;       /* of these, the lines that named no message */
    uint32_t passed_over; /* such lines of all listings before, and messages that LIST left out */
    uint32_t clock;       /* the caller's, at the last tick */
    uint32_t passed;      /* ms from start to the last tick */
    uint32_t until;       /* ms from start to the end of the present wait, if `moved` is 0 */
    size_t written;       /* bytes of the secret that is written in pieces */
    int net_code;
    union {
        popcl_flight one;   /* the one command in flight, if window_len is 0 */
        popcl_flight *many; /* the window */
    } flight;
    popcl_reply_parser parser;
    popcl_caps caps;
    popcl_reply reply;
};

#ifdef __cplusplus
}
#endif
#endif
