/* SPDX-License-Identifier: MIT */
/* model - a session of POP3 as the RFCs and our rules want it, for a driver that compares a client
 * with it step by step. It knows no source and no header of the client: the rules come from
 * reference/protocol.md and reference/hazards.md, and each stands by its id where it is judged.
 *
 *     what went in                                  what came out, each judged at once
 *     model_hear, model_end_of_stream, model_time   model_write, model_leave (commands)
 *     the answers of callbacks                      model_listed ... model_fate (callbacks)
 *
 * stream.c reads the server's octets; commands.c and callbacks.c judge what comes out, and rules.c
 * what must have come out when a call returns. flights.c has the rules for commands that leave
 * ahead of replies. The first difference stays in `fault`. */
#ifndef TESTS_MODEL_H
#define TESTS_MODEL_H

#include <stddef.h>
#include <stdint.h>

enum {
    MODEL_COMMANDS = 1200,
    MODEL_LINES = 2400,
    MODEL_BODY = 80000,
    MODEL_MAIL = 400, /* the largest message number that is modelled */
    MODEL_UID = 70,
    MODEL_LINE = 512,       /* octets of a line, CRLF included [R1] */
    MODEL_LONG_LINE = 2048, /* of a line of CAPA or UIDL */
    MODEL_CHALLENGE = 8192, /* of a reply to AUTH or to a response [R74] */
    MODEL_ONE_WAY = 512,    /* of commands in flight, through one record buffer */
    MODEL_RESPONSE = 700    /* the longest that a driver gives */
};
#define MODEL_UNKNOWN UINT64_MAX /* a size */

typedef enum model_verb {
    M_GREETING,
    M_USER,
    M_PASS,
    M_APOP,
    M_AUTH,
    M_RESPONSE, /* to a challenge: a line without a verb (RFC 5034, 4) */
    M_CAPA,
    M_STAT,
    M_LIST,
    M_UIDL,
    M_RETR,
    M_TOP,
    M_DELE,
    M_NOOP,
    M_RSET,
    M_QUIT,
    M_UTF8,
    M_LANG,
    M_VERBS
} model_verb;

/* What can be to blame for a result: bits. */
enum {
    M_BY_SERVER = 1,     /* it breaks the protocol */
    M_BY_END = 2,        /* the connection ended */
    M_BY_TIME = 4,       /* a deadline passed */
    M_BY_REFUSAL = 8,    /* -ERR to a command */
    M_BY_LOGIN = 16,     /* -ERR to a login, or no way to log in */
    M_BY_SINK = 32,      /* an answer of the sink */
    M_BY_STOP = 64,      /* the caller stopped the session */
    M_BY_CALLER = 128,   /* the caller failed it */
    M_BY_SIZE = 256,     /* a message over max_size */
    M_BY_DRAIN = 512,    /* too much of a dropped message was left */
    M_BY_EMPTY = 1024,   /* a body without an octet, though LIST gave it some [Q19] */
    M_BY_NO_UID = 2048,  /* no UIDs, and they are needed [B46] */
    M_BY_LISTING = 4096, /* a listing that is out of order, or names a message twice [B40] */
    M_BY_SECRET = 8192,  /* the secret's callback failed */
    M_BY_TLS = 16384,    /* TLS was broken */
    M_BY_SHIFT = 32768   /* replies that do not match the commands, or bodies their sizes */
};

typedef enum model_fate_kind {
    M_STORED,
    M_NOT_STORED,
    M_MARKED,
    M_NOT_MARKED,
    M_DELETED, /* these three of all marked messages */
    M_UNKNOWN_FATE,
    M_VOID
} model_fate_kind;

/* What a sink answers. */
typedef enum model_answer {
    M_OK,
    M_STAGED,
    M_AGAIN,
    M_STOP, /* this message fails, and no further one is begun */
    M_FAILED
} model_answer;

/* What decide answers, bits. */
enum { M_FETCH = 1, M_HEADERS = 2, M_DELETE = 4, M_DELETE_UNFETCHED = 8 };
enum { M_AT_UID, M_AT_SIZE, M_AT_HEADERS };

typedef struct model_config {
    int job; /* else the owner is one of the driver's own, and rules.c knows the events alone */
    unsigned window;
    uint32_t ahead_octets; /* of bodies that may be on their way */
    int one_way;           /* nothing is received while a command waits to leave */
    const char *user, *secret;
    int may_user, may_apop; /* mechanisms */
    int capa_first, no_capa;
    int no_uid, need_uid, sizes;
    uint64_t max_size;
    uint32_t max_messages, drain_max, group_messages, group_octets, passes;
    size_t plan_len;
    uint32_t idle_ms, pause_ms, connect_ms, total_ms;
    int tls;
} model_config;

/* A command, from its writing to its whole reply; the first is the greeting. */
typedef struct model_command {
    model_verb verb;
    uint32_t number;
    int listing;                   /* its reply has lines */
    char line[MODEL_RESPONSE + 3]; /* with CRLF */
    size_t len, out;               /* out: octets that left */
    int status;                    /* 0: none yet, 1: +OK, -1: -ERR, 2: a challenge */
    int blank;                     /* AUTH without an initial response */
    int has_code;                  /* -ERR [ */
    int complete;
    uint32_t value;     /* STAT, LIST n, UIDL n */
    uint64_t size;      /* the same */
    size_t body, end;   /* of the body's octets that are known, in model.body */
    size_t first, last; /* of its lines, in model.lines */
    int named;          /* one has a UID that is not the message's number [Q18] */
    /* the client's side */
    int opened, done; /* it told of the body; and of the end */
    size_t got;       /* octets that the client handed on */
    size_t told;      /* lines */
    int dropped;      /* the rest of the body is dropped */
    int again;        /* it is not believed: the message is asked for once more */
    int probe;        /* the STAT behind all messages */
} model_command;

typedef struct model_line {
    uint32_t number;
    uint64_t size;
    int odd; /* the UID breaks the rules [B48] */
    uint8_t uid_len;
    char uid[MODEL_UID + 1];
} model_line;

/* A message by its number: what was decided, and what became of it. */
typedef struct model_mail {
    int asked, skipped; /* decide was asked at M_AT_UID in this pass; and answered nothing */
    int looked_at;      /* it was asked at M_AT_SIZE */
    int top_wanted, wanted, delete_wanted, unfetched;
    int top_sent, retr_sent;
    size_t list;               /* command of its LIST */
    int headers, headers_seen; /* committed; decide was asked at M_AT_HEADERS */
    int staged, durable, empty;
    int failed; /* it cannot be stored any more, for a reason of its own */
    int stored, not_stored, marked, not_marked;
    size_t dele; /* command of its DELE */
} model_mail;

typedef struct model {
    model_config cfg;
    char fault[300];
    int beyond; /* something was larger than is modelled: the session counts for nothing */
    /* stream.c: what came */
    int at;        /* enum at in stream.c */
    size_t answer; /* the command that is answered next */
    char raw[MODEL_CHALLENGE + 1];
    size_t raw_n;
    int dot;           /* enum dot in stream.c */
    int doomed, wrong; /* the server broke the protocol: it may, or must, have ended the session */
    const char *why;
    int ended;            /* the stream is at its end */
    int exchange;         /* a challenge waits for its response */
    const char *response; /* the driver's: in base64 or not */
    int logged_in, pipelining, once_offered, quit_ok;
    int with_user, with_stls;    /* by the newest CAPA */
    unsigned refused;            /* bits of verbs; of LIST: the whole one */
    int stamp;                   /* 0: no, 1: yes, 2: it could be read both ways */
    uint32_t count, first_count; /* by all STAT, and by the first */
    size_t listing_lines, strays;
    unsigned char body[MODEL_BODY];
    size_t body_n;
    model_line lines[MODEL_LINES];
    size_t lines_n;
    model_command commands[MODEL_COMMANDS];
    size_t commands_n, leaving;
    /* flights.c: commands that left ahead of replies, as indices; 0: none */
    int ahead;        /* bodies are asked for ahead, and each must have its size */
    int was_ahead;    /* so it was at STAT */
    int behind;       /* a command after the login left behind another one */
    size_t early;     /* the last one of the login or the listing that did */
    size_t risky;     /* the last one for a message in a session that sends ahead, or came after a
                         doubt */
    size_t last_mail; /* the last one for a message */
    size_t probe_ok;  /* the last probe that shows that no reply is missing */
    int probe_bad;    /* one shows that a reply is missing, or came twice */
    int body_bad;     /* so does a body that begins like a reply */
    size_t doubt;     /* the last one for a message when a body did not have its size */
    int line_ends;    /* octets that the server counts for one; 0: not known yet */
    /* what it makes of that */
    unsigned causes;
    int gave_up;  /* it may go to QUIT without the rest */
    int stopping; /* it has to: no further message is begun */
    int over, quit_written;
    size_t cursor;         /* the command whose effects come next */
    size_t planner, sizer; /* the listing that plans, and LIST for the sizes; 0: none */
    size_t told;           /* of the planner's lines */
    int by_number, unordered, restarted;
    unsigned pass, capas[2];  /* before and after login */
    size_t planned;           /* octets of the plan */
    uint32_t plan_full, from; /* the first message that this pass has no room for; and had */
    int complete_told;
    size_t open; /* the command whose message is with the sink; 0: none */
    int committing, aborting, syncing;
    uint32_t staged, begun, retrs;
    uint64_t staged_octets;
    uint32_t stored, marked, fates_all;
    model_fate_kind fate_all;
    int secret_used, secret_released;
    int failed, more; /* the result has to say so */
    int inside;       /* an event of an owner of one's own: what came later is not read yet */
    int mute;         /* the transport takes nothing any more */
    uint32_t now, began, moved, based;
    int moved_since;
    model_mail mail[MODEL_MAIL + 1];
} model;

void model_begin_session(model *m, const model_config *cfg, uint32_t now);
#ifdef __GNUC__
__attribute__((format(printf, 2, 3)))
#endif
void model_differs(model *m, const char *format, ...);

/* ---- stream.c ---- */

/* Octets of the server that were given to the client. */
void model_hear(model *m, const unsigned char *p, size_t n);
const char *model_verb_name(model_verb v);
/* Splits a line of a command. */
void model_read_command(const char *line, size_t n, model_command *c);

/* ---- what went in ---- */

void model_end_of_stream(model *m);
void model_time(model *m, uint32_t now);
void model_moved(model *m); /* octets moved */
void model_resumed(model *m);
void model_stopped(model *m);
void model_blame(model *m, unsigned cause);

/* ---- what came out ---- */

/* A command was written: its line without CRLF, with *** for what is secret. */
void model_write(model *m, const char *line, size_t n);
/* Octets of commands left. */
void model_leave(model *m, const unsigned char *p, size_t n);

/* The callbacks of a job. number = 0: without a message. */
void model_listed(model *m, uint32_t number, const char *uid, uint64_t size);
void model_decided(model *m, uint32_t number, const char *uid, uint64_t size, int stage,
                   unsigned answer);
void model_begun(model *m, uint32_t number, const char *uid, int headers, model_answer answer);
void model_data(model *m, const unsigned char *p, size_t n, size_t taken, model_answer answer);
void model_committed(model *m, model_answer answer);
void model_synced(model *m, model_answer answer);
/* sized: for a size that is not the listed one. */
void model_aborted(model *m, int sized);
void model_fate(model *m, uint32_t number, const char *uid, model_fate_kind what);
void model_secret(model *m, int released, int failed);

/* The events of an owner of one's own; tag: the number of the command, from 1, 0 the greeting. */
void model_event_line(model *m, size_t tag, uint32_t number, const char *uid, uint64_t size);
void model_event_open(model *m, size_t tag);
void model_event_body(model *m, size_t tag, const unsigned char *p, size_t n, size_t taken);
void model_event_done(model *m, size_t tag, int status, uint32_t number, const char *uid,
                      uint64_t size, int pauses);
/* The owner took +OK to that AUTH for a challenge [R75]. */
void model_goes_on(model *m, size_t tag);
/* Whether a command may be submitted now. */
int model_allows(const model *m, model_verb verb, uint32_t number);

/* What a job tells of its flights: bits. settled: all that was heard has had its effect. */
enum { M_AHEAD = 1, M_UNSURE = 2, M_SHIFTED = 4 };
void model_told(model *m, unsigned bits, int settled);

/* A call returned: paused, or over, or all that was heard has had its effect. */
void model_returned(model *m, int paused, int over);
/* The session is over with this result: 1: success, 2: success but for what is left, 0: a failure
 * that one of `causes` explains. */
void model_over(model *m, int success, unsigned causes, int quit_left);

#endif
