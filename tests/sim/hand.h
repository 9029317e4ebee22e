/* SPDX-License-Identifier: MIT */
/* hand - a session driven by hand: a test says what the server says, and reads what left and what
 * the callbacks saw. The owner is a sequence of commands or a fetch job. A test chooses what each
 * callback returns, and may act inside each of them. */
#ifndef TESTS_SIM_HAND_H
#define TESTS_SIM_HAND_H

#include "popcl_command.h"
#include "popcl_fetch.h"

/* The callbacks: of the settings, of a sequence, of a job. */
enum place {
    IN_TRACE,
    IN_GET,
    IN_RELEASE,
    IN_TEXT,
    IN_LINE,
    IN_OPEN,
    IN_BODY,
    IN_DONE,
    IN_READY,
    IN_LATE,
    IN_STOP,
    IN_CLOSED,
    IN_BEGIN,
    IN_DATA,
    IN_COMMIT,
    IN_SYNC,
    IN_ABORT,
    IN_DECIDE,
    IN_LISTED,
    IN_FATE,
    PLACES
};
extern const char *const hand_place_names[PLACES];

enum { HAND_WINDOW = 8, HAND_WINDOW_MAX = 256 };

typedef struct hand hand;
struct hand {
    popcl *s; /* that is driven: `sequence`, or the job's */
    popcl sequence;
    popcl_fetch job;
    popcl_fetch_config cfg; /* a sequence uses cfg.session alone */
    popcl_events events;
    popcl_sink sink;
    popcl_flight window[HAND_WINDOW_MAX];
    unsigned char iobuf[POPCL_IOBUF_MIN + 700], plan[1024];
    /* orders */
    int answer[PLACES];     /* what a callback returns, */
    unsigned times[PLACES]; /* so many times; then what goes on */
    size_t extra;           /* body: returns so much more than it was offered */
    popcl_err closed_as;    /* what closed makes of the result, if change is set */
    int change;
    unsigned actions, header_actions; /* of decide; after HEADERS */
    int asks;                         /* decide begins with FETCH at POPCL_STAGE_UID */
    void (*inside)(hand *h, enum place place);
    const char *password; /* of the secret that is pulled */
    int hold;             /* nothing is sent by itself */
    int quiet;            /* bodies are not noted */
    /* what came of it */
    unsigned count[PLACES];
    char sent[4000];  /* all that left */
    char seen[16000]; /* events and fates, one a line; of a closed that comes again, the first */
    int last_end;     /* popcl_end of the newest closed */
    int whole;        /* listed told the end of a complete listing */
};

/* All at rest, for a session in clear with this window (1: none). Then a test may change settings
 * and orders. */
void hand_init(hand *h, unsigned window);

/* Starts the owner, which waits for its transport. */
void hand_start(hand *h, int job);

/* The same, and the transport is up. */
void hand_sequence(hand *h);
void hand_job(hand *h);

/* The server says this; then all that waits is sent. A test fails if there is no room to read. */
void hand_say(hand *h, const char *text);
void hand_say_n(hand *h, const void *p, size_t n);

/* Takes up to n octets of what waits to be sent. */
void hand_send(hand *h, size_t n);
void hand_send_all(hand *h);

/* Submits; the text is "fred", the secret is pulled. */
popcl_err hand_submit(hand *h, popcl_verb verb, uint32_t number, uint32_t tag);

/* Up to the maildrop: USER and PASS, and with a window CAPA. A sequence has the tags 1, 2 and 3. */
void hand_login(hand *h);

/* A job up to its messages: so many, and their UIDs a, b, c, ... */
void hand_list(hand *h, unsigned messages);

/* The answers to RETR, and to the LIST in front of it if there is a window. */
void hand_message(hand *h, uint32_t number, const char *text);

void hand_end(hand *h);

#endif
