/* SPDX-License-Identifier: MIT */
/* popcl_fetch.h - fetches mail: the header that most users read, with popcl.h.
 *
 * A *job* (popcl_fetch) owns a session that fetches, and perhaps deletes, messages of one maildrop.
 * The caller gives all memory: the job, the record buffer, the *plan*, and for TLS a storage
 * (popcl_tls.h). docs/SIZING.md has the bytes of all of it, and of the stack. The plan holds a
 * short entry for each message that is still to be handled, and no mail. It need not have room for
 * the whole maildrop. Messages stream into a *sink*. A message counts as fetched only after its
 * sink made it durable. It is deleted only after that, or if the program wants it deleted
 * unfetched.
 *
 *     popcl_fetch_start(&job, &config, 0);
 *     result = popcl_run(&job.session, &port, &connection);     or pump job.session as in popcl.h
 *     popcl_fetch_wipe(&job);
 *
 * popcl_submit is for sessions without a job (popcl_command.h). On a job's session it only returns
 * POPCL_ERR_STATE, in callbacks too, and the job goes on. Callbacks may call the queries of
 * popcl.h, popcl_fetch_get_diag and popcl_tls_get_diag. All other calls into the same job do not do
 * their work in a callback, and the job ends with POPCL_ERR_REENTRANT.
 *
 * The callbacks of a job are the trace, the secret, and the functions of the sink and of
 * popcl_fetch_config. In the handshake, recv_ack also runs those of TLS (popcl_command.h). In this
 * list, `secret (release)` is the last call of popcl_secret.get. popcl_lwip_raw is in port/lwip.
 * Which calls may call back:
 *     start, the queries, connect, submit       nothing
 *     connected, connected_secured,             trace
 *     popcl_lwip_raw_start
 *     send_ack, recv_ack, send_failed,          all callbacks
 *     recv_eof, resume, popcl_run,
 *     popcl_lwip_raw_poll
 *     tick, stop, fail                          trace, secret (release), sync, abort, fate
 *     wipe                                      secret (release), abort */
#ifndef POPCL_FETCH_H
#define POPCL_FETCH_H

#include "popcl.h"
#include "popcl_auth.h"

#ifdef __cplusplus
extern "C" {
#endif

/* bytes of the plan that one message takes */
#define POPCL_PLAN_ENTRY(uid_len) (12u + (uid_len))
/* least plan, in bytes: one entry. Many logins need more (popcl_auth.h). In clear text the default
 * login already does: POPCL_PLAN_MIN_APOP */
#define POPCL_PLAN_MIN POPCL_PLAN_ENTRY(POPCL_UID_MAX)

/* ---- messages ---- */

/* The part of a message that the sink gets. POPCL_WHOLE is all of it (RETR: RFC 1939, 5),
 * POPCL_HEADERS the header, its blank line, and popcl_fetch_config.top_lines lines of the body
 * (TOP: RFC 1939, 7). */
typedef enum popcl_part { POPCL_WHOLE, POPCL_HEADERS } popcl_part;

/* A message, as callbacks see it. Struct and strings are valid during the call. For a sink whose
 * begin returned 0, struct and strings stay valid until abort returns, or until commit returns a
 * value other than POPCL_AGAIN. */
typedef struct popcl_msg {
    uint64_t size;   /* octets by LIST; POPCL_SIZE_UNKNOWN = no LIST, or LIST gives no number.
                        A hint only: servers round and guess. If far fewer octets come, a sink may
                        warn its user */
    uint32_t number; /* in this session only (RFC 1939, 3) */
    uint8_t uid_len; /* bytes, 1 to 70; 0 = the server gave no UID, or UIDL was not sent */
    uint8_t part;    /* popcl_part: the part that the sink gets */
    const char *uid; /* stable across sessions, compares case-sensitively (RFC 1939, 7);
                        NUL-terminated, "" without UID. If it begins with POPCL_UID_DIGEST, it is
                        the digest of a UID that breaks the rules. Servers may give such a UID to
                        several messages. A program may skip a message because of a digest, but
                        must not answer DELETE_UNFETCHED because of one */
} popcl_msg;

/* The times at which popcl asks the callback popcl_fetch_config.decide about a message. decide
 * answers POPCL_SKIP, or a set of the other bits below. */
typedef enum popcl_stage {
    /* While the listing streams: number and UID are known. The size is known only if LIST makes the
     * plan (popcl_uids); with UIDL it is POPCL_SIZE_UNKNOWN. After SKIP the message takes no room
     * in the plan. Any other answer only puts the message into the plan: decide is asked about it
     * again at POPCL_STAGE_SIZE. If the plan has no room for the message, decide is asked again at
     * this stage in the next pass.
     *
     * If all UIDs are the messages' numbers, popcl drops the listing and sends LIST. Then decide is
     * asked again about each message that LIST names, without a UID. With POPCL_UIDS_REQUIRED the
     * job fails instead.
     *
     * If UIDs are unused, no sizes are wanted, and no commands are sent ahead (popcl_diag.ahead),
     * there is no listing. Then decide is not asked at this stage.
     *
     * For a filter by size set popcl_fetch_config.need_size, and begin decide with this line:
     *     if (stage == POPCL_STAGE_UID) return POPCL_FETCH; */
    POPCL_STAGE_UID,
    POPCL_STAGE_SIZE, /* right before RETR or TOP. The size is known too if it was asked for
                         (need_size, max_size), or if LIST made the plan */
    /* After the header's commit returned 0 or POPCL_STAGED. Answer SKIP, FETCH (the whole message
     * follows) with or without DELETE, or DELETE_UNFETCHED. The header gets no STORED, and does not
     * count for max_messages.
     *
     * After the answer DELETE_UNFETCHED, DELE does not wait for the sync of a header that is only
     * staged. If this sync fails, the message is deleted all the same. So if the header must be
     * durable before, return 0 from its commit. */
    POPCL_STAGE_HEADERS
} popcl_stage;
#define POPCL_SKIP  0u /* the message stays on the server as it is */
#define POPCL_FETCH 1u /* RETR: the whole message goes to the sink */
/* TOP: the part POPCL_HEADERS goes to the sink, and decide is asked again at POPCL_STAGE_HEADERS.
 * FETCH in the same answer then does nothing. Do not answer this bit at POPCL_STAGE_HEADERS: it
 * starts nothing there, and cancels POPCL_DELETE_UNFETCHED. */
#define POPCL_HEADERS_FIRST 2u
/* DELE as soon as the whole message was fetched and is durable. If the message is not fetched, this
 * bit does nothing. Together with HEADERS_FIRST, popcl keeps this bit for a FETCH at
 * POPCL_STAGE_HEADERS. Deletions become final with QUIT. With commands sent ahead, a job that
 * deletes sends QUIT only if it is sure of its replies (popcl_diag.unsure). */
#define POPCL_DELETE 4u
/* DELE without fetching: after QUIT the message is gone. For filters, and for messages that an
 * earlier run stored. Answer it alone: together with FETCH or HEADERS_FIRST it does nothing. */
#define POPCL_DELETE_UNFETCHED 8u

/* The outcomes for a message in the plan. Each message gets exactly one of STORED and NOT_STORED,
 * except in four cases, in which it gets neither:
 * - decide answered SKIP or DELETE_UNFETCHED;
 * - UIDs are required (POPCL_UIDS_REQUIRED), and all of them are the messages' numbers;
 * - LIST did not name the message (popcl_diag.passed_over);
 * - the message is left for a later session (POPCL_MORE).
 *
 * A message gets exactly one of MARKED and NOT_MARKED in three cases:
 * - after STORED, if its deletion is wanted;
 * - after STORED, if the server has lost the message (see below), even if no deletion is wanted;
 * - after the answer DELETE_UNFETCHED.
 *
 * If any message was MARKED, fate is called once at the end with msg = NULL. This call gives the
 * outcome for all MARKED messages. popcl_fetch_wipe calls no fate: after a wipe before POPCL_DONE,
 * the outcomes that are still open are never reported.
 *
 * If LIST gives a size above 0 and RETR brings no octet at all, the server has lost the message.
 * The message gets STORED, and then NOT_MARKED with POPCL_ERR_BODY_EMPTY, even if no deletion was
 * wanted. DELE is not sent, the message counts as failed, and that error becomes the job's result.
 * A caller that keeps UIDs should fetch the message again. */
typedef enum popcl_fate {
    POPCL_STORED,     /* the sink made it durable: commit 0, or the sync that covers it */
    POPCL_NOT_STORED, /* with the reason; it is still on the server */
    POPCL_MARKED,     /* the server answered +OK to DELE (RFC 1939, 5) */
    POPCL_NOT_MARKED, /* the server did not answer +OK to DELE, or DELE was not sent; with the
                         reason */
    POPCL_DELETED,    /* msg = NULL: QUIT got +OK, all marked messages are gone (RFC 1939, 6) */
    POPCL_UNKNOWN,    /* msg = NULL: QUIT got -ERR or no answer */
    POPCL_VOID /* msg = NULL: the session ended before QUIT: none was deleted (RFC 1939, 6) */
} popcl_fate;

/* ---- the sink ---- */

/* Values that a sink returns besides 0 and negative values. */
#define POPCL_STAGED 1 /* commit: whole and kept, durable after the next sync */
#define POPCL_AGAIN  2 /* commit, sync: not ready, ask again after resume */

/* The destination of messages. begin, data, commit and abort are required; sync may be NULL if
 * commit never returns POPCL_STAGED.
 *
 * A begin that returned 0 is followed by exactly one end of the message. The end is an abort, or a
 * commit that returns a value other than POPCL_AGAIN. After its end the sink gets no data, commit
 * or abort for the message.
 *
 * begin, data, commit and sync may return POPCL_SINK_STOP, for example for a full disk. Then this
 * message fails, and the session ends with an orderly shutdown. Any other negative value, and any
 * value that is undefined for the function, fails this message only: the session goes on. A failure
 * of sync fails all staged messages.
 *
 * The sink is in use until POPCL_DONE or popcl_fetch_wipe. A wipe before POPCL_DONE calls abort if
 * a message is open. So end the job first, and then close the store. After POPCL_DONE no callback
 * is called any more. */
#define POPCL_SINK_STOP (-32767)
typedef struct popcl_sink {
    /* Begins a message. Returns 0, or <0 to refuse it: then nothing follows for it. */
    int (*begin)(void *ctx, const popcl_msg *m);
    /* Takes the next n octets of the message, n up to INT_MAX. Dots are unstuffed. All else comes
     * unchanged: CRLF, a CR or LF alone, NUL, 8-bit octets, lines of any length. The span points
     * into the record buffer and is valid during the call. Returns the number of octets taken, 0 to
     * n. If that is less than n, the session pauses until resume. Then data gets the octets from
     * the first one that was not taken, in spans of any length. <0 = failed, and abort follows. */
    int (*data)(void *ctx, const void *p, size_t n);
    /* Ends a whole message. Returns 0 if it is durable, POPCL_STAGED if sync makes it durable, or
     * <0 if it failed. POPCL_AGAIN asks for time: commit is called again after resume, except if
     * abort comes before. */
    int (*commit)(void *ctx);
    /* Makes all staged messages durable. Returns 0, POPCL_AGAIN to ask for time, or <0: then no
     * staged message counts as durable, and the sink drops them all.
     *
     * Called if messages are staged, at these times:
     * - a group limit is reached, or no message of the plan is left to fetch;
     * - QUIT is next;
     * - an error ended the session.
     *
     * After POPCL_AGAIN sync is called again after each resume. popcl gives up, and all staged
     * messages count as failed, in two cases:
     * - an error ended the session, and POPCL_SETTLE_MS have passed since then;
     * - the session still runs, and half of its reserve for QUIT is used up
     *   (popcl_config.total_ms).
     *
     * After <0, or once popcl gave up, neither sync nor abort is called for these messages. The
     * same is true after popcl_fetch_wipe, and then they get no fate either. In all these cases
     * DELE was not sent for them, and the sink drops what it has of them. */
    int (*sync)(void *ctx);
    /* The message is cut: drop all that came of it. */
    void (*abort)(void *ctx, popcl_err why);
} popcl_sink;

/* ---- the job ---- */

/* The ways in which a job uses UIDs (RFC 1939, 7). A server has no UIDs if it refuses UIDL, or if
 * all its UIDs are the messages' numbers. */
typedef enum popcl_uids {
    POPCL_UIDS_OPTIONAL, /* UIDL makes the plan. If the server has no UIDs, LIST makes it, and uid
                            is "" */
    POPCL_UIDS_UNUSED,   /* UIDL is not sent. If sizes are wanted, or commands are sent ahead, LIST
                            makes the plan. Else messages are planned by number alone */
    POPCL_UIDS_REQUIRED  /* for a caller that knows this maildrop by UIDs. If the server has none,
                            nothing is fetched, and the result is POPCL_ERR_NO_UIDL: try again in a
                            later session */
} popcl_uids;

/* The job's settings; they may be in flash. popcl borrows them until wipe. It also borrows all that
 * they point to, strings such as session.host, session.user and lang included; only start reads
 * session.seed. Do not change them before wipe: it is undefined whether popcl uses the old value of
 * a field or the new one.
 *
 * These fields are required: session.host, session.user, session.iobuf, sink, and secret or token
 * (EXTERNAL needs neither).
 * POPCL_CLEAR and POPCL_TLS_BELOW also require plan. POPCL_TLS and POPCL_STLS also require
 * session.tls and session.seed. A job that may use SCRAM always requires session.seed. In every
 * other field zero is the default, with the meaning that its comment gives.
 */
typedef struct popcl_fetch_config {
    popcl_config session;   /* server, account, TLS, record buffer, deadlines, trace: popcl.h */
    const popcl_sink *sink; /* the destination of messages; borrowed until wipe */
    void *sink_ctx;         /* the ctx of its functions; in use as long as the sink (popcl_sink) */
    void *ctx;              /* of the callbacks below; each of these callbacks may be NULL */
    /* Chooses messages and their treatment: returns POPCL_SKIP, or a set of bits (popcl_stage).
     * Unknown bits are ignored. NULL = FETCH all. */
    unsigned (*decide)(void *ctx, const popcl_msg *m, popcl_stage stage);
    /* For a caller that prunes a set of UIDs (popcl_seen.h). Called for every message of the
     * session's first listing, even if the plan has no room for the message, and before decide. If
     * the listing was complete, a last call with m = NULL follows. A listing is complete if its
     * numbers ascend and it names as many messages as STAT counted. If the maildrop is empty, the
     * call with NULL is the only one.
     *
     * If all UIDs are the messages' numbers, no NULL follows this listing. Then LIST is sent, and
     * this callback gets every message again, without a UID. A call with NULL follows if the
     * listing of LIST is complete. During the call with NULL, popcl_diag.no_uids shows whether the
     * messages have UIDs.
     *
     * If UIDs are unused, no sizes are wanted, and no commands are sent ahead, there is no listing.
     * In this case a maildrop with messages brings no call. */
    void (*listed)(void *ctx, const popcl_msg *m);
    /* See popcl_fate. A program that keeps UIDs records them in this callback only. `why` is
     * POPCL_OK except with NOT_STORED and NOT_MARKED. */
    void (*fate)(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why);
    popcl_secret secret; /* the password, borrowed until wipe. Zeroed = no password: then a token is
                            required, or EXTERNAL in auth */
    popcl_secret token;  /* an OAuth 2.0 access token (RFC 6749, 1.4), for XOAUTH2 and OAUTHBEARER,
                            which have to be in mechs. Octets 0x21 to 0x7e, any number of them.
                            Borrowed until wipe. Never sent in clear text. After POPCL_ERR_TOKEN
                            get a new token, and start one further job. Zeroed = no token */
    const popcl_mech *const *mechs; /* the mechanisms that the job may use (popcl_auth.h), ended by
                                       NULL, in any order; borrowed until wipe. NULL = USER/PASS,
                                       and APOP if the build has it (POPCL_WITH_APOP) */
    uint16_t auth; /* POPCL_AUTH_* bits of the mechanisms that may be used. A bit whose mechanism is
                      not in mechs is ERR_ARGUMENT. 0 = POPCL_AUTH_AUTO */
    popcl_scram_key *scram_key; /* kept by the caller for later sessions; a secret. Borrowed until
                                   wipe, and final once popcl_diag.listing_reached is 1. NULL =
                                   the key is computed in each session */
    uint32_t scram_iterations_max; /* the most iterations of SCRAM that a server may ask for; more
                                      are POPCL_ERR_ITERATIONS. 0 = POPCL_SCRAM_ITERATIONS_MAX */
    /* lang and utf8 are for two commands before the login, LANG and UTF8. Each is sent if CAPA
     * lists it; a refusal is no failure. If either is set, CAPA is sent even if the login does not
     * need it. A build with POPCL_WITH_UTF8 0 sends neither command. */
    const char *lang; /* the language of the server's texts, a tag of RFC 5646 such as "de"; "*" =
                         the server's default. 1 to 248 octets without space. NULL = LANG is not
                         sent. RFC 6856, 3 */
    uint8_t utf8;     /* 1 = UTF8 is sent: messages may have UTF-8 in their headers. A message may
                         have another size than in a session without UTF8. RFC 6856, 2 */
    /* The memory of the plan, any alignment. Before the listing it holds the state of the login.
     * plan_len is POPCL_PLAN_MIN or more, and not below the least plan of any mechanism that the
     * job may use. popcl_auth.h has these numbers, and explains "may use". popcl wipes the part
     * that it used when the session is over, and in popcl_fetch_wipe.
     *
     * NULL = popcl uses a part of the TLS storage that is free after the handshake, some 2.3 KB.
     * The profile `pinned` has no such part: there NULL is ERR_PLAN_SMALL. */
    void *plan;
    size_t plan_len;   /* bytes of plan; not used if plan is NULL */
    uint64_t max_size; /* octets really received of one message; more aborts it. A message that is
                          larger by LIST is not fetched. In both cases the message gets NOT_STORED
                          with POPCL_ERR_TOO_LARGE, and counts as failed. To leave large messages
                          out without a failure, answer SKIP in decide. 0 = no limit */
    uint32_t max_messages; /* messages that this session may fetch, failed ones included; the rest
                              waits: POPCL_MORE. 0 = no limit */
    uint32_t drain_max; /* octets of an aborted message that are read so that the session can go on;
                         * 0 = POPCL_DRAIN_MAX. If more of the message is still to come, the session
                         * ends without QUIT. If deletions wait for QUIT, or messages are staged,
                         * drain_max is not used: the message is read until its end or the overall
                         * deadline */
    uint32_t group_messages,
        group_octets;  /* sync is called when so many messages, or so many octets of them, are
                        * staged; 0 = the defaults of popcl_config.h. A group of very many messages
                        * costs processor time. Before each command the job searches the entries of
                        * all staged messages, so a group of n messages costs n^2 / 2 steps */
    uint16_t passes;   /* the number of listings that a session may ask for, if the plan does not
                        * hold all messages; 0 counts as 1. The rest waits: POPCL_MORE. A caller
                        * that neither deletes nor keeps UIDs (popcl_seen.h) gets the same messages
                        * in each session, and never the rest */
    uint8_t uids;      /* popcl_uids; 0 = POPCL_UIDS_OPTIONAL */
    uint8_t need_size; /* 1 = sizes are wanted at POPCL_STAGE_SIZE; implied by max_size. Costs one
                          LIST a pass; if LIST is refused, nothing is fetched. The result is
                          then POPCL_ERR_COMMAND_REFUSED, or that of the response code */
    uint8_t no_capa;   /* 1 = CAPA is not sent, for servers that hang on it. With POPCL_STLS it is
                          still sent once, right after the handshake */
    /* Lines of the body that TOP gives with the header, for a preview: TOP n top_lines. 0 = the
     * header alone (RFC 1939, 7). */
    uint16_t top_lines;
} popcl_fetch_config;

/* The diagnosis to show, and counts. All of it is copied from the job. reply.text comes from the
 * server: escape it before you show it. */
typedef struct popcl_diag {
    /* The result: the first failure, of the session or of one message. Without a failure it is
     * POPCL_MORE if messages are left for a later session, else POPCL_OK. */
    popcl_err err;
    int net_code;         /* the port's error number; 0 = no number */
    int sink_code;        /* the first negative value that a sink gave; 0 = none. A value below
                             INT16_MIN is kept as INT16_MIN */
    const char *state;    /* the session's state: a constant word, "closed" at the end */
    const char *verb;     /* the command of the first failure; the last command if nothing failed. A
                             constant word, "" before the first command */
    popcl_reply reply;    /* the last reply, with code and text of the newest -ERR. If a malformed
                             reply ended the session before the login was complete, text is the line
                             of that reply */
    const char *refused;  /* the command whose reply brought reply.text, a constant word. "" = there
                             is no text, or the greeting or an unasked reply brought it */
    uint32_t message;     /* number of the message that the first failure concerns; 0 = none */
    uint32_t broken_at;   /* number of the message whose RETR or TOP was under way when the session
                             ended; 0 = none. Already set when the last fates are reported, so
                             `fate` can read it. Keep this message's UID, and fetch it last in the
                             next session, so that it does not block the others */
    uint32_t in_maildrop; /* messages by STAT */
    uint64_t octets_in_maildrop; /* by STAT */
    uint32_t listed;             /* messages that the first listing named; without a listing, all */
    uint32_t stored;             /* messages that became durable */
    uint32_t failed;             /* messages that should have been stored or deleted and were not */
    uint32_t marked;             /* deletions that the server answered with +OK */
    uint8_t listing_reached;     /* 1 = STAT was answered, the counts above are valid */
    uint8_t deletions;           /* popcl_fate: DELETED, UNKNOWN or VOID; 0 = none was marked */
    uint8_t quit_left;           /* 1 = at least one byte of QUIT was sent */
    uint8_t has_caps;            /* 1 = caps is valid */
    uint8_t utf8;                /* 1 = the server accepted UTF8 */
    uint16_t mechanism; /* POPCL_AUTH_* that was used, with success or without; 0 = none yet */
    uint16_t skipped; /* POPCL_AUTH_* of a mechanism that the settings allow, and that could not be
                         used; 0 = none */
    popcl_err skipped_why; /* the reason: POPCL_ERR_PASSWORD_FORM or POPCL_ERR_BINDING */
    uint8_t ahead;   /* 1 = after the login, commands were sent before earlier ones were answered */
    uint8_t unsure;  /* 1 = commands were sent ahead, and a reply to one of them may be missing.
                        Then the content that the session stored under a UID may belong to another
                        message. Fetch all messages of the session again, and delete none of them
                        unfetched. Give the next sessions no window. While the session runs, a 1 may
                        still become 0: the replies are still expected. A job that deletes sends
                        QUIT only once it is 0. So if it is 1 at the end, nothing was deleted
                        (POPCL_VOID) */
    uint8_t shifted; /* 1 = the server's replies did not match the commands, or a message did not
                        have its listed size. Give the next sessions no window */
    uint8_t no_uids; /* 1 = the job goes on without UIDs: UIDL was refused, all UIDs are the
                        messages' numbers, or the setting is POPCL_UIDS_UNUSED. 0 after
                        POPCL_ERR_NO_UIDL: that job did not go on */
    uint32_t passed_over; /* lines of listings whose number is 0 or above STAT's count: a message
                             may have come after STAT. Messages that UIDL names and LIST leaves out
                             count too. None of them is a failure */
    popcl_caps caps;      /* the newest list of CAPA, if has_caps is 1 */
    uint64_t received;    /* octets of messages that the sink took, dots unstuffed; also of messages
                             that failed */
} popcl_diag;

/* A job, in the caller's memory. It must not move between start and wipe. One thread at a time may
 * use it. */
typedef struct popcl_fetch popcl_fetch;

/* Begins a job: checks cfg and prepares *f. Nothing is sent yet. The old content of *f is not read,
 * so it need not be zeroed. Wipe an open job first, and do not call this from a callback of *f.
 * now_ms is the driver's clock. If popcl_run drives the job, it may have any value.
 *
 * Returns POPCL_OK, an error of class USAGE or CONFIG, POPCL_ERR_CLOCK_UNKNOWN, or
 * POPCL_ERR_CLOCK_NOT_SET. After an error the session is POPCL_DONE with that result. If the error
 * is POPCL_ERR_ARGUMENT, popcl_bad_field returns the name of the wrong field. */
#define popcl_fetch_start POPCL_ABI(popcl_fetch_start)
popcl_err popcl_fetch_start(popcl_fetch *f, const popcl_fetch_config *cfg, uint32_t now_ms);

/* Copies the result so far, counts and the last reply to *d, for a diagnosis. May be called at any
 * time between start and wipe. If start failed, err is its error, state is "closed", and the rest
 * is 0 or "". */
void popcl_fetch_get_diag(const popcl_fetch *f, popcl_diag *d);

/* Before POPCL_DONE, aborts an open message and releases the secret; staged messages are dropped
 * without a call (popcl_sink.sync). Then overwrites with zeros the job, the record buffer, the TLS
 * storage, and the part of the plan that popcl used. May be called twice. Needs a zeroed job, or
 * one for which start was called, also if start failed. */
void popcl_fetch_wipe(popcl_fetch *f);

/* ---- from here on private: declared so that the struct can be allocated, not to be touched ----
 */

#define POPCL_NONCE_LEN 18u

typedef struct popcl_plan {
    unsigned char *octets;
    size_t len, used;
    size_t most;        /* the largest `used` so far */
    size_t low;         /* offset of the first entry whose fate is open */
    size_t wanted, due; /* offsets: no entry before waits for RETR or TOP; for DELE */
    size_t next; /* offset of the first entry that was not looked at in this pass. While LIST brings
                    sizes: of the first entry without a size */
} popcl_plan;

struct popcl_fetch {
    uint8_t phase;       /* enum popcl_phase in fetch.h */
    uint8_t open;        /* enum popcl_open in fetch.h */
    uint8_t result;      /* popcl_err: the first failure */
    uint8_t failed_verb; /* popcl_verb: the command that it concerns */
    uint8_t stopping;    /* popcl_err: why no further message is begun; 0 = the job goes on */
    uint8_t closing;     /* the session is over */
    uint8_t auth_step;
    uint8_t secret_used; /* a mechanism called its callback, which has to be released */
    uint8_t listing_reached, has_caps, capa_refused, capa_asked;
    uint8_t by_number;   /* no message has a UID */
    uint8_t ahead;       /* commands are sent before the ones before them are answered */
    uint8_t unsure;      /* POPCL_UNSURE_*: so they were, and a reply may be missing */
    uint8_t doubt;       /* a body was not as long as listed: all replies come first, then STAT */
    uint8_t shifted;     /* the replies did not match the commands */
    uint8_t filled;      /* so much was asked for that the next command waits for a part of it */
    uint8_t line_ends;   /* enum line_ends in fetch_messages.c */
    uint8_t at_start;    /* no octet of the body came yet */
    uint8_t actions;     /* all that were wanted for some message, except POPCL_FETCH */
    uint8_t sizes_asked; /* LIST for all messages is in flight */
    uint8_t all_listed;  /* the first listing is complete, and `listed` does not know it yet */
    uint8_t named;       /* the first listing gave a UID that is not its message's number */
    uint8_t unordered;   /* the listing does not ascend */
    uint8_t is_full;     /* not all messages of the listing found room in the plan */
    uint8_t left;        /* max_messages was reached */
    uint8_t top_works;
    uint8_t deletions; /* popcl_fate: the outcome for all that were marked */
    uint8_t utf8;      /* UTF8 was accepted */
    int16_t sink_code;
    uint16_t asked;      /* bodies in flight */
    uint16_t pass;       /* 1 in the first */
    uint16_t allowed;    /* POPCL_AUTH_* bits of the mechanisms that may be used */
    uint16_t login_room; /* bytes of the plan that the login may use */
    const popcl_fetch_config *cfg;
    const popcl_mech *mech; /* of the login; NULL: none is chosen yet */
    popcl_plan plan;
    uint32_t staged, staged_octets;
    uint32_t asked_octets; /* of them, as far as a limit counts them */
    uint32_t count;        /* messages, by the first STAT */
    uint32_t lines;        /* of the body that is being received */
    uint32_t begun;        /* whole messages wanted or asked for, against max_messages */
    uint32_t from;        /* first number that this pass plans; if the plan is full, the next one */
    uint32_t last_number; /* of the listing's last line */
    uint32_t listed, stored, failed, marked;
    uint32_t failed_message;
    const struct popcl_choice *choice; /* NULL: USER/PASS is the only mechanism */
    popcl_msg msg;     /* the message that is with the sink; once the session is over, only its
                          number counts: that of popcl_diag.broken_at */
    uint64_t octets;   /* received of it; dropped of it, once it has failed */
    uint64_t received; /* of all */
    uint64_t octets_in_maildrop;
    uint16_t skipped;                     /* popcl_diag.skipped */
    uint8_t skipped_why;                  /* popcl_err */
    unsigned char nonce[POPCL_NONCE_LEN]; /* made of the seed, which may be wiped after start */
    popcl session;
};

#ifdef __cplusplus
}
#endif
#endif
