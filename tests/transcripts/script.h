/* SPDX-License-Identifier: MIT */
/* script - reads transcript files into cases. Knows what a transcript looks like, and of popcl only
 * the names of errors and settings.
 *
 * A file holds cases. Each opens with its name and the ids that it tests, has settings, then the
 * dialogue. `##` is a comment; one line of it above a case says what its name cannot:
 *
 *     # retr-dot-stuffed [R16 R18 B22]
 *     no_uid
 *     S: +OK ready             the server's line; the runner adds CRLF
 *     S- +OK                   the same without an end of line
 *     S* 1000 abc              "abc" a thousand times, without an end of line
 *     S*1000: {n} uid-{n:4}    a thousand lines, as S: has them: `1 uid-0001` to `1000 uid-1000`
 *     C: USER fred             this command must come now, whole and exact
 *     C* 1000 abc              the same, with "abc" a thousand times
 *     > begin 1                this event must come, here in order
 *     > data "a\r\n"           octets for the sink; adjacent ones count as one
 *     > data* 1000 "abc"
 *     @ 61s                    time passes (ms, s)
 *     ! eof                    eof | reset | stop | fail NAME CODE | resume | wipe | connected
 *     < RETR 1                 in a `session` case: submits a command
 *     T: alert 40              in a `tls` or `stls` case: what happens below the text, see there
 *     ? stored 1               after the end: the diagnosis must hold this
 *
 * In a counted line {n} is the line's number from 1, and {n:4} the same in four digits or more,
 * with zeros in front.
 *
 * Escapes in texts: \r \n \t \\ \" and \xNN. Adjacent S lines are one turn: its octets come in one,
 * and are split everywhere. What the server says is held back until the commands before it came;
 * what follows an S line without a C between was not asked for.
 *
 * Every case is run in clear and, with the same dialogue, inside of TLS (POP3S, and STLS where it
 * begins with a plain greeting), and over a transport that vouches for TLS of its own. `clear`
 * keeps it to clear text, `below` to such a transport, and `one_record` lets a turn come in one
 * record only: with one buffer for both ways, what a next record holds is read after the command
 * that is ready to be sent. `tls` and `stls` are for cases about TLS itself, whose dialogue says
 * where it is; `whole` runs such a case in one way only. What S and C say is clear text before `T:
 * handshake` and inside of TLS after it. What the server does there:
 *
 *     T: handshake             both sides shake hands, as far as they go along
 *     T: handshake-until 90    the same, but no more than 90 octets of the server's arrive
 *     T: close_notify          T: alert 40 (a fatal one)          T: warnings 1000 (so many alerts
 *                                                                 of warning level)
 *     T: records 1             from here on octets of text a record at most
 *     T: empty 3               so many empty records              T: zeros 16385 (one record of so
 *                                                                 many zeros)
 *     T: record 22 \x00\x00     one record of this type            T: corrupt (the next record has
 *                                                                  one bit wrong)
 *     T: clear -ERR\r\n        octets past TLS
 *     T: hello_requests 5      so many requests to shake hands again
 *     T: notified 1            the client has sent close_notify (0: it has not)        T: alerted
 *                              100 (or this alert)
 *
 * and with the settings certificate, suite, version, ignores_fragment, handshake_records; the
 * client's are profile, tls_name and utc.
 *
 * `> fate`, `> listed`, `> decide` and `> trace` come only after `show` of that word.
 *
 * `window 8` gives room for eight commands in flight, and `window 0` for one. A case without it
 * must hold for each WINDOW of the environment.
 *
 * `C- COUNT TEXT` is a part of the next command: the text so many times.
 *
 * The settings are the table in script.c, and `auth`, `pass*`, `show`, `decide` and `sink` there.
 * `login COUNT OCTETS` stands for the dialogue up to STAT's answer. What differs from
 * popcl_config's zeros: user fred, password secret, and CAPA is not sent (`no_capa 0` where it is).
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include <stdint.h>

#include "log.h"
#include "popcl_fetch.h"

typedef struct octets {
    unsigned char *p; /* NUL-terminated */
    size_t n;
} octets;

enum step_kind { STEP_SERVER, STEP_COMMAND, STEP_TIME, STEP_ACTION, STEP_SUBMIT, STEP_TLS };
enum action { DO_EOF, DO_RESET, DO_STOP, DO_FAIL, DO_RESUME, DO_WIPE, DO_CONNECTED };

typedef struct step {
    enum step_kind kind;
    enum action action;
    int line, code;
    uint32_t ms;
    popcl_err err;
    octets text;
} step;

#define EACH UINT32_MAX /* a rule for every message */
enum rule_kind { RULE_DECIDE, RULE_BEGIN, RULE_DATA, RULE_COMMIT };

/* What a callback answers. Later rules win. */
typedef struct rule {
    enum rule_kind kind;
    uint32_t number;
    int stage; /* of decide; -1: each */
    size_t at; /* of data: the octet that fails */
    int again; /* of commit: so often POPCL_AGAIN first */
    int answer;
} rule;

enum show { SHOW_FATE = 1, SHOW_LISTED = 2, SHOW_DECIDE = 4, SHOW_TRACE = 8, SHOW_TEXT = 16 };

typedef struct script {
    const char *file;
    char name[160]; /* with ids */
    int line;
    popcl_fetch_config cfg; /* what of it a script can set: the rest is the runner's */
    octets user, pass, host;
    long no_seed;
    long all_mechs; /* the job has all mechanisms; else those of its default */
    octets lang;
    octets begun; /* of the next command, by `C-` */
    long session, unconnected, no_resume, no_sync, no_iobuf, no_sink, no_begin;
    long iobuf_len, plan_len;
    long window;       /* commands in flight; -1: as the environment says */
    long take;         /* most octets that data takes a call; -1: all */
    long secret_again; /* so often the secret's callback asks for time */
    long goes_on;
    long token;        /* 1: `pass` is a token, and there is no password; 2: it is both */
    long secret_get;   /* 1: the secret comes from the callback; 2: which fails; 3: at octet 600 */
    long secret_waits; /* 1: it asks for time once, at octet 600 */
    int sync_again, sync_answer;
    /* TLS: 0 in those of the server's is what a good one has */
    long tls, stls, clear, below, whole, one_record;
    long certificate; /* pki_kind */
    long suite, version, ignores_fragment, handshake_records;
    long profile; /* enum tls_profile; -1: all that fit */
    long utc;
    octets tls_name;
    unsigned show;
    rule *rules;
    size_t rule_count;
    step *steps;
    size_t step_count;
    event_log expected;
    octets *checks;
    size_t check_count;
} script;

/* Reads a file, calls run for each case. Returns how many cases there were; a malformed line is
 * told and ends the program with 2. */
size_t script_read(const char *file, void (*run)(const script *s));

/* The word of `auth` for this set of POPCL_AUTH_*. */
const char *script_mechanism(unsigned bits);

#endif
