/* SPDX-License-Identifier: MIT */
/* popcl_auth.h - the login mechanisms. popcl_fetch.h includes this header.
 *
 * A program names the mechanisms that a job may use, and links these. USER/PASS is always linked,
 * and APOP too unless the build has POPCL_WITH_APOP 0.
 *
 *     static const popcl_mech *const mechs[] = {&popcl_mech_user, &popcl_mech_xoauth2, NULL};
 *     config.mechs = mechs;
 *
 * A job uses one mechanism only: after a refusal it never tries another one. Three settings of
 * popcl_fetch_config decide which one:
 * - `mechs`, the mechanisms that the program names;
 * - `auth`, a set of bits that leaves some of them out;
 * - `secret` (the password) and `token`: each mechanism needs one of them. Only EXTERNAL needs
 *   neither. */
#ifndef POPCL_AUTH_H
#define POPCL_AUTH_H

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The mechanisms as bits, for popcl_fetch_config.auth. POPCL_AUTH_AUTO is no bit: popcl chooses.
 *
 * A mechanism can be chosen if it is in `mechs`, and if the password or token that it needs is
 * given. APOP also needs a usable timestamp in the greeting. The two SCRAM-*-PLUS also need the
 * hash of the server's certificate. These mechanisms form groups, and popcl takes one of the first
 * group that is not empty:
 * 1. the mechanisms that CAPA lists. USER/PASS is also here if CAPA was not answered. In clear text
 *    APOP is always here;
 * 2. USER/PASS, if CAPA was answered and does not list USER. USER/PASS is also here if CAPA lists
 *    USER and SCRAM, but neither PLAIN nor LOGIN: such a server refuses every password;
 * 3. APOP over TLS, if `auth` has its bit;
 * 4. the SASL mechanisms that CAPA does not list.
 *
 * Inside a group popcl takes the first mechanism of this order:
 * - over TLS: XOAUTH2, OAUTHBEARER, USER/PASS, PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5.
 *   The mechanisms that send the password come first: TLS hides it on the way, and every server can
 *   check it. SCRAM and CRAM-MD5 need a server that keeps the password in their form.
 * - in clear text: SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, APOP, USER/PASS. Only USER/PASS sends the
 *   password itself.
 *
 * If `auth` has bits, popcl chooses among their mechanisms only. The order then has more:
 * - over TLS, SCRAM-SHA-256-PLUS, SCRAM-SHA-1-PLUS and EXTERNAL come right before USER/PASS, and
 *   APOP is group 3;
 * - in clear text, PLAIN and LOGIN come after USER/PASS. */
#define POPCL_AUTH_AUTO               0u
#define POPCL_AUTH_USER               0x0001u
#define POPCL_AUTH_APOP               0x0002u
#define POPCL_AUTH_PLAIN              0x0004u
#define POPCL_AUTH_LOGIN              0x0008u
#define POPCL_AUTH_CRAM_MD5           0x0010u
#define POPCL_AUTH_SCRAM_SHA_1        0x0020u
#define POPCL_AUTH_SCRAM_SHA_256      0x0040u
#define POPCL_AUTH_SCRAM_SHA_1_PLUS   0x0080u
#define POPCL_AUTH_SCRAM_SHA_256_PLUS 0x0100u
#define POPCL_AUTH_XOAUTH2            0x0200u
#define POPCL_AUTH_OAUTHBEARER        0x0400u
#define POPCL_AUTH_EXTERNAL           0x0800u

/* A mechanism. Its content is private: src/auth/auth.h. */
typedef struct popcl_mech popcl_mech;

/* USER and PASS: the password itself crosses the line (RFC 1939, 7). */
extern const popcl_mech popcl_mech_user;
/* APOP: a digest (MD5) of greeting and password crosses the line (RFC 1939, 7). POPCL_STLS never
 * uses it: its greeting came in clear text, and somebody may have changed it on the way. A build
 * with POPCL_WITH_APOP 0 does not have it. */
extern const popcl_mech popcl_mech_apop;
/* AUTH PLAIN and AUTH LOGIN: the password itself crosses the line, in base64 (RFC 5034, RFC 4616;
 * LOGIN has no RFC). */
extern const popcl_mech popcl_mech_plain, popcl_mech_login;
/* AUTH CRAM-MD5: a digest of the server's challenge and the password crosses the line (RFC 2195).
 */
extern const popcl_mech popcl_mech_cram_md5;
/* AUTH SCRAM-SHA-1 and AUTH SCRAM-SHA-256: a proof of the password crosses the line. The server has
 * to prove that it knows the password too, else the login fails with POPCL_ERR_SERVER_PROOF
 * (RFC 5802, RFC 7677). Both need session.seed, in clear text too.
 *
 * popcl does not do SASLprep (RFC 4013), so it accepts only characters that SASLprep would not
 * change. They are the octets 0x20 to 0x7e and, in UTF-8, the precomposed letters of Latin script
 * up to U+017E, of Greek and of Cyrillic. A user name or a password with others is
 * POPCL_ERR_PASSWORD_FORM. In clear text this error ends the login. Over TLS popcl takes a
 * mechanism other than SCRAM, if there is one (popcl_diag.skipped).
 *
 * The computation takes thousands of hashes. They are made in steps, one in each popcl_tick;
 * popcl_state has POPCL_COMPUTING until the last one. */
extern const popcl_mech popcl_mech_scram_sha_1, popcl_mech_scram_sha_256;
/* AUTH SCRAM-SHA-1-PLUS and AUTH SCRAM-SHA-256-PLUS: the same, and the proof is for one certificate
 * of the server only (tls-server-end-point, RFC 5929, 4). So somebody in between cannot use the
 * login at the real server, even with a certificate that the client trusts. Never in clear text.
 * Without the certificate's hash, as always with the profile `pinned`, popcl leaves both out
 * (popcl_diag.skipped). If no other mechanism is left, the job fails with POPCL_ERR_BINDING. */
extern const popcl_mech popcl_mech_scram_sha_1_plus, popcl_mech_scram_sha_256_plus;
/* AUTH XOAUTH2 and AUTH OAUTHBEARER: a token crosses the line instead of a password
 * (popcl_fetch_config.token), with the user name of session.user. Never in clear text. OAUTHBEARER:
 * RFC 7628. XOAUTH2 has no RFC: it is the form of Google and Microsoft. examples/token.c is a whole
 * program. */
extern const popcl_mech popcl_mech_xoauth2, popcl_mech_oauthbearer;

/* AUTH EXTERNAL: the server knows the client by the certificate that the transport has sent
 * (RFC 4422, appendix A). It needs POPCL_TLS_BELOW, and its bit in `auth`; it needs no secret.
 * popcl sends session.user with it, as the account that is wanted. */
extern const popcl_mech popcl_mech_external;

/* All mechanisms of this build, ended by NULL: a value for popcl_fetch_config.mechs. It links all
 * of them, so it costs the most flash. */
extern const popcl_mech *const popcl_mechs_all[];

/* Least plan (popcl_fetch_config.plan_len), in bytes, for a job that may use one of these
 * mechanisms. Until the listing the plan holds the state of the login. If a job may use several,
 * the largest number counts. USER/PASS needs POPCL_PLAN_MIN only. docs/SIZING.md has a table.
 *
 * A job may use a mechanism that is in `mechs`, whose password or token is given, and whose bit is
 * in `auth`. If `auth` is 0, it may use those that the two orders above name: APOP in clear text
 * only. So without `mechs` and `auth`, TLS needs POPCL_PLAN_MIN. Clear text needs
 * POPCL_PLAN_MIN_APOP, except in a build without APOP. */
#define POPCL_PLAN_MIN_APOP       200u
#define POPCL_PLAN_MIN_SASL       160u /* PLAIN, LOGIN, XOAUTH2, OAUTHBEARER, EXTERNAL */
#define POPCL_PLAN_MIN_CRAM       600u
#define POPCL_PLAN_MIN_SCRAM      800u /* SCRAM-SHA-1, SCRAM-SHA-256 */
#define POPCL_PLAN_MIN_SCRAM_PLUS 920u /* the two -PLUS */

/* A salted password of SCRAM (RFC 5802, 3), for popcl_fetch_config.scram_key. The caller keeps it
 * for later sessions, which then need not compute thousands of hashes. Zeroed = none. popcl uses it
 * only if user name, password, hash, salt and iterations are the same; otherwise it computes the
 * key again. popcl writes the key once the server has proved that it knows the password, and zeroes
 * it if the server refuses the login. The key is as secret as the password: it suffices for a
 * login, and it makes guesses of the password cheap. Its content is the same on every machine. */
typedef struct popcl_scram_key {
    /* private */
    uint8_t hash_len; /* 0: none */
    unsigned char binding[32], salted[32];
} popcl_scram_key;

#ifdef __cplusplus
}
#endif
#endif
