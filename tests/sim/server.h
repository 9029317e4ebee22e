/* SPDX-License-Identifier: MIT */
/* server - a POP3 server in memory, which behaves (RFC 1939) or misbehaves on order. Octets go in
 * and out by calls; it knows no transport, no time and nothing of popcl. Marked messages are
 * removed when QUIT is received, and only then. */
#ifndef TESTS_SIM_SERVER_H
#define TESTS_SIM_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "scram_side.h"

#define SIM_MESSAGES 32u

typedef struct sim_message {
    char uid[72];
    const char *text; /* with CRLF, as it must arrive */
    int gone;         /* removed from the maildrop */
} sim_message;

typedef struct sim_server {
    /* the maildrop: kept between sessions */
    sim_message messages[SIM_MESSAGES];
    uint32_t count;
    uint32_t generated; /* so many messages instead, with UID and text made from their number (for
                           large maildrops) */
    const char *user, *password; /* the password is also the token */
    const char *sasl;     /* mechanisms in CAPA, with spaces between them; NULL: no AUTH. Known are
                             PLAIN,     LOGIN, CRAM-MD5, XOAUTH2 and OAUTHBEARER */
    const char *greeting; /* NULL: one without a timestamp */
    /* orders to misbehave: 0 is never, else the n-th */
    uint32_t refuse_command; /* is answered -ERR */
    uint32_t garble_octet;   /* of what it says: see garble */
    uint32_t cut_octet;      /* before it the connection ends */
    uint32_t stall_octet;    /* before it nothing more comes */
    /* how, with garble_by: a mask or an octet */
    enum garble { FLIP, REPLACE, DROP, DOUBLE } garble;
    unsigned char garble_by;
    uint32_t shift_command; /* shifts the replies of those after it: see shift */
    uint32_t end_behind;    /* 1: the connection ends with that command, 2: with the next one, ...
                             */
    /* LOSE: the command is lost. DROP_BURST: so is all that came with it. TWICE: it is answered
     * twice. DROP_BURSTS: in every session, only the first command of a burst is heard. */
    enum shift { LOSE, TWICE, DROP_BURST, DROP_BURSTS } shift;
    int no_uidl, no_capa, no_top;
    scram_side *scram; /* it takes AUTH SCRAM-SHA-256, and no password; NULL: neither */
    int capa_user;     /* CAPA names USER */
    int stls; /* it has STLS; in_tls is then set with its +OK, and whoever drives it has to shake
                 hands */
    /* of one session */
    uint32_t map[SIM_MESSAGES]; /* number - 1 -> message */
    uint8_t marked[SIM_MESSAGES];
    uint32_t numbers;
    int exchange; /* of SCRAM: the number of the response that has to come */
    int logged_in, user_named, over, quit_seen, in_tls;
    int sasl_step;   /* the line that comes answers a challenge: enum sasl_step in server.c */
    int odd_answer;  /* kept: the report of a refused token was answered in another way than the
                        mechanism's */
    char line[4096]; /* a response may be longer than a command */
    size_t line_n;
    char later[8192]; /* came while a listing is being said */
    size_t later_n;
    char *out; /* said and not yet taken */
    size_t out_n, out_room, out_at;
    uint32_t listing, listing_at; /* a listing that is being said: 'L' or 'U', and the number */
    uint32_t commands, said;      /* counts of this session */
    uint32_t commands_most;       /* the largest count of any session */
    int again;                    /* the listing comes a second time */
    int dropping;                 /* the rest of the burst is lost */
    uint32_t dele_seen;
    void (*on_dele)(void *ctx, uint32_t number,
                    const sim_message *m); /* every DELE that is accepted */
    void *ctx;
} sim_server;

void sim_server_init(sim_server *s);
void sim_server_add(sim_server *s, const char *uid, const char *text);
void sim_server_connect(sim_server *s); /* a new session: the greeting is ready */
void sim_server_take(sim_server *s, const void *p, size_t n);
/* Up to n octets of what it says; 0: nothing now. */
size_t sim_server_give(sim_server *s, void *p, size_t n);
int sim_server_ready(sim_server *s);           /* whether give would give */
int sim_server_closed(sim_server *s);          /* all was given, and it ended the connection */
uint32_t sim_server_left(const sim_server *s); /* messages in the maildrop */
void sim_server_free(sim_server *s);

#endif
