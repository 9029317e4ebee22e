/* SPDX-License-Identifier: MIT */
/* popcl_config.h - compile-time settings of popcl. Each has a default, so a build need not set
 * any. Run-time settings are in the struct popcl_config (popcl.h).
 *
 * A build sets them in one of three ways:
 * - with -DNAME=value;
 * - in a header that POPCL_USER_CONFIG names: -DPOPCL_USER_CONFIG='"board_popcl.h"';
 * - in a header popcl_user_config.h in the include path, without any -D. This needs a compiler with
 *   __has_include, and counts only if POPCL_USER_CONFIG is not defined.
 *
 * The library and every program that uses it must have the same settings. Each value is an integer
 * that the preprocessor can compute. A value out of its range does not compile. */
#ifndef POPCL_CONFIG_H
#define POPCL_CONFIG_H

#ifdef POPCL_USER_CONFIG
#include POPCL_USER_CONFIG
#elif defined __has_include
#if __has_include("popcl_user_config.h")
#include "popcl_user_config.h"
#endif
#endif

/* The most bytes that are kept of a reply's human-readable text. More bytes are dropped. The
 * response code in front of the text counts too. 16 to 200, as a plain decimal number: a symbol's
 * name is made of it (POPCL_ABI, below). Text and UID share one room, which has 70 bytes for the
 * UID. So a value up to 70 costs no RAM. */
#ifndef POPCL_TEXT_KEEP
#define POPCL_TEXT_KEEP 70
#endif

/* Octets of the longest line of a CAPA reply or a UIDL listing, CRLF included; 512 to 65535. A
 * longer line is POPCL_ERR_LINE_LENGTH. RFC 2449, 4 allows 512. Servers with long lists of SASL
 * mechanisms exceed it, and so do UIDs that are made of a message's header. Costs no RAM: lines are
 * not kept. */
#ifndef POPCL_CAPA_LINE_MAX
#define POPCL_CAPA_LINE_MAX 2048
#endif

/* Octets of the longest reply to AUTH or to a response, CRLF included; 512 to 65535. A longer line
 * is POPCL_ERR_LINE_LENGTH. RFC 5034, 4 sets no limit for challenges. Costs no RAM: a challenge is
 * not kept. */
#ifndef POPCL_CHALLENGE_MAX
#define POPCL_CHALLENGE_MAX 8192
#endif

/* The most lines that a CAPA reply may have, 1 to 65535; more lines are POPCL_ERR_CAPA_LENGTH.
 * Costs no RAM. */
#ifndef POPCL_CAPA_LINES_MAX
#define POPCL_CAPA_LINES_MAX 128
#endif

/* The defaults for fields of popcl_config that are 0, in milliseconds, 1 to POPCL_MS_MAX. A server
 * may log out after 10 idle minutes (RFC 1939, 3). So the default for a pause is shorter; popcl
 * accepts longer ones. */
#ifndef POPCL_CONNECT_MS
#define POPCL_CONNECT_MS 30000
#endif
#ifndef POPCL_IDLE_MS
#define POPCL_IDLE_MS 60000
#endif
#ifndef POPCL_PAUSE_MS
#define POPCL_PAUSE_MS 300000
#endif
#ifndef POPCL_TOTAL_MS
#define POPCL_TOTAL_MS 3600000
#endif

/* The longest reserve for QUIT, in milliseconds, 1 to POPCL_MS_MAX. popcl_config.total_ms explains
 * the reserve. */
#ifndef POPCL_QUIT_MS
#define POPCL_QUIT_MS 10000
#endif

/* Milliseconds for which sync may return POPCL_AGAIN after an error ended the session, 0 to
 * POPCL_MS_MAX. A closed event that asks for time (popcl_command.h) has them too. */
#ifndef POPCL_SETTLE_MS
#define POPCL_SETTLE_MS 5000
#endif

/* The default if popcl_fetch_config.drain_max is 0: octets of an aborted message that are read and
 * dropped so that the session can go on. 0 to 2^32 - 1. */
#ifndef POPCL_DRAIN_MAX
#define POPCL_DRAIN_MAX 65536
#endif

/* The defaults if the group limits of popcl_fetch_config are 0: messages and octets staged before
 * sync is called. 1 to 2^32 - 1. */
#ifndef POPCL_GROUP_MESSAGES
#define POPCL_GROUP_MESSAGES 16
#endif
#ifndef POPCL_GROUP_OCTETS
#define POPCL_GROUP_OCTETS 1048576
#endif

/* Octets of messages that may be on their way at a time, if commands are sent ahead
 * (popcl_config.window). After a stop popcl reads and drops them;
 * popcl_fetch_config.drain_max limits each message, not their sum. A message that is larger than
 * this is asked for alone. A message of unknown size counts as an eighth of this. 8 to
 * 2^31 - 1. */
#ifndef POPCL_AHEAD_OCTETS
#define POPCL_AHEAD_OCTETS 1048576
#endif

/* Iterations of SCRAM (RFC 5802, 5.1): the fewest that popcl accepts, and the default for
 * popcl_fetch_config.scram_iterations_max. 1 to 2^31 - 1; the first must not be above the
 * second. With few iterations, a false server can guess the password from the login at little cost.
 * With very many, a server keeps a small processor busy. RFC 7677, 4 names 4096 as the least. */
#ifndef POPCL_SCRAM_ITERATIONS_MIN
#define POPCL_SCRAM_ITERATIONS_MIN 4096
#endif
#ifndef POPCL_SCRAM_ITERATIONS_MAX
#define POPCL_SCRAM_ITERATIONS_MAX 100000
#endif

/* 1 compiles the APOP mechanism (RFC 1939, 7), and puts it into the default of
 * popcl_fetch_config.mechs; 0 leaves it out, and with it MD5. */
#ifndef POPCL_WITH_APOP
#define POPCL_WITH_APOP 1
#endif

/* 1 compiles popcl_fetch_config.utf8 and .lang (RFC 6856); 0 leaves them out, and a job sends
 * neither UTF8 nor LANG. popcl_submit sends both in every build. */
#ifndef POPCL_WITH_UTF8
#define POPCL_WITH_UTF8 1
#endif

#if POPCL_TEXT_KEEP < 16 || POPCL_TEXT_KEEP > 200
#error "POPCL_TEXT_KEEP is 16 to 200"
#endif
#if POPCL_CAPA_LINE_MAX < 512 || POPCL_CAPA_LINE_MAX > 65535
#error "POPCL_CAPA_LINE_MAX is 512 to 65535"
#endif
#if POPCL_CHALLENGE_MAX < 512 || POPCL_CHALLENGE_MAX > 65535
#error "POPCL_CHALLENGE_MAX is 512 to 65535"
#endif
#if POPCL_CAPA_LINES_MAX < 1 || POPCL_CAPA_LINES_MAX > 65535
#error "POPCL_CAPA_LINES_MAX is 1 to 65535"
#endif
#if POPCL_CONNECT_MS < 1 || POPCL_CONNECT_MS > 1073741824
#error "POPCL_CONNECT_MS is 1 to 2^30"
#endif
#if POPCL_IDLE_MS < 1 || POPCL_IDLE_MS > 1073741824
#error "POPCL_IDLE_MS is 1 to 2^30"
#endif
#if POPCL_PAUSE_MS < 1 || POPCL_PAUSE_MS > 1073741824
#error "POPCL_PAUSE_MS is 1 to 2^30"
#endif
#if POPCL_TOTAL_MS < 1 || POPCL_TOTAL_MS > 1073741824
#error "POPCL_TOTAL_MS is 1 to 2^30"
#endif
#if POPCL_QUIT_MS < 1 || POPCL_QUIT_MS > 1073741824
#error "POPCL_QUIT_MS is 1 to 2^30"
#endif
#if POPCL_SETTLE_MS < 0 || POPCL_SETTLE_MS > 1073741824
#error "POPCL_SETTLE_MS is 0 to 2^30"
#endif
#if POPCL_DRAIN_MAX < 0 || POPCL_DRAIN_MAX > 4294967295
#error "POPCL_DRAIN_MAX is 0 to 2^32 - 1"
#endif
#if POPCL_GROUP_MESSAGES < 1 || POPCL_GROUP_MESSAGES > 4294967295
#error "POPCL_GROUP_MESSAGES is 1 to 2^32 - 1"
#endif
#if POPCL_GROUP_OCTETS < 1 || POPCL_GROUP_OCTETS > 4294967295
#error "POPCL_GROUP_OCTETS is 1 to 2^32 - 1"
#endif
#if POPCL_AHEAD_OCTETS < 8 || POPCL_AHEAD_OCTETS > 2147483647
#error "POPCL_AHEAD_OCTETS is 8 to 2^31 - 1"
#endif
#if POPCL_SCRAM_ITERATIONS_MIN < 1 || POPCL_SCRAM_ITERATIONS_MIN > POPCL_SCRAM_ITERATIONS_MAX
#error "POPCL_SCRAM_ITERATIONS_MIN is 1 to POPCL_SCRAM_ITERATIONS_MAX"
#endif
#if POPCL_SCRAM_ITERATIONS_MAX < POPCL_SCRAM_ITERATIONS_MIN ||                                     \
    POPCL_SCRAM_ITERATIONS_MAX > 2147483647
#error "POPCL_SCRAM_ITERATIONS_MAX is POPCL_SCRAM_ITERATIONS_MIN to 2^31 - 1"
#endif

/* Makes the name of a function's symbol from `name` and the settings on which the size of public
 * structs depends: popcl_start_text70. popcl_start and popcl_fetch_start have such names. So a
 * program does not link with a library that has other settings, and the linker's message shows
 * them. */
#define POPCL_ABI(name)              POPCL_ABI_JOIN(name, POPCL_TEXT_KEEP)
#define POPCL_ABI_JOIN(name, keep)   POPCL_ABI_JOINED(name, keep)
#define POPCL_ABI_JOINED(name, keep) name##_text##keep

#endif
