/* SPDX-License-Identifier: MIT */
/* popcl_auth.h - the login mechanisms. A program names the ones that it wants. Of the others it
 * links only USER/PASS, and APOP unless the build has POPCL_WITH_APOP 0:
 *
 *     static const popcl_mech *const mechs[] = {&popcl_mech_user, &popcl_mech_xoauth2, NULL};
 *     config.mechs = mechs;
 *
 * A job uses one mechanism only: after a refusal it never tries another one. popcl_fetch_config has
 * three settings for the choice: `mechs` (the mechanisms that are linked), `auth` (a set of bits),
 * and the secrets that it has. This header is a part of popcl_fetch.h. */
#ifndef POPCL_AUTH_H
#define POPCL_AUTH_H

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The mechanisms as bits, for popcl_fetch_config.auth. POPCL_AUTH_AUTO is no bit: popcl chooses.
 *
 * A mechanism can be chosen if it is in `mechs`, if its secret is given, and if it can be used with
 * this server. Of these, popcl takes the first in this order:
 * - over TLS: XOAUTH2, OAUTHBEARER, USER/PASS, PLAIN, LOGIN, SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5.
 *   Over TLS nobody can read the password on the way, and any server can check it. The last three
 *   fail on servers that keep passwords in another form.
 * - in clear text: SCRAM-SHA-256, SCRAM-SHA-1, CRAM-MD5, APOP (if the greeting has a usable
 *   timestamp), USER/PASS. Only USER/PASS sends the password itself.
 * First come the mechanisms that CAPA lists, and in clear text APOP. USER/PASS follows, even if it
 * is not listed. It counts as not listed if CAPA lists SCRAM, and neither PLAIN nor LOGIN.
 * Mechanisms of SASL that CAPA does not list come last.
 *
 * If `auth` has bits, popcl chooses among their mechanisms only. Three things are different then:
 * - over TLS, the two -PLUS come before USER/PASS;
 * - over TLS, APOP comes after all others;
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
/* A digest (MD5) of greeting and password crosses the line. Never with POPCL_STLS, since a greeting
 * in clear text is not believed. RFC 1939, 7. Not in a build with POPCL_WITH_APOP 0 */
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
 * User name and password must be the same after SASLprep (RFC 4013), else they give
 * POPCL_ERR_PASSWORD_FORM. popcl accepts octets 0x20 to 0x7e. It also accepts, in UTF-8, the
 * precomposed letters of Latin script up to U+017F, of Greek and of Cyrillic. Over TLS another
 * mechanism is taken instead (popcl_diag.skipped), in clear text none.
 *
 * The computation takes thousands of hashes. They are made in steps, one in each popcl_tick;
 * popcl_state has POPCL_COMPUTING until the last one. */
extern const popcl_mech popcl_mech_scram_sha_1, popcl_mech_scram_sha_256;
/* The same, bound to the certificate of the TLS session (tls-server-end-point of RFC 5929, 4). So
 * nobody can pass the login on, not even somebody with another certificate that is trusted. Never
 * in clear text. If the hash of the certificate is not known, POPCL_ERR_BINDING: the profile
 * `pinned` has none. */
extern const popcl_mech popcl_mech_scram_sha_1_plus, popcl_mech_scram_sha_256_plus;
/* AUTH XOAUTH2 and AUTH OAUTHBEARER: a token crosses the line instead of a password
 * (popcl_fetch_config.token), with the user name of session.user. Never in clear text. OAUTHBEARER:
 * RFC 7628. XOAUTH2 has no RFC: it is the form of Google and Microsoft. examples/token.c is a whole
 * program. */
extern const popcl_mech popcl_mech_xoauth2, popcl_mech_oauthbearer;

/* AUTH EXTERNAL: the server knows the client by the certificate that the transport has sent. Only
 * with POPCL_TLS_BELOW, and by name only; it needs no secret. session.user goes with it, as the
 * account that is wanted (RFC 4422, appendix A). */
extern const popcl_mech popcl_mech_external;

/* All mechanisms of this build, ended by NULL. For programs to which the flash does not matter. */
extern const popcl_mech *const popcl_mechs_all[];

/* Least plan (popcl_fetch_config.plan), in bytes, if one of these mechanisms may be used. Until the
 * listing the plan holds the state of the login. The largest one counts; docs/SIZING.md has a
 * table. USER/PASS needs POPCL_PLAN_MIN only. */
#define POPCL_PLAN_MIN_APOP       200u
#define POPCL_PLAN_MIN_SASL       160u /* PLAIN, LOGIN, XOAUTH2, OAUTHBEARER, EXTERNAL */
#define POPCL_PLAN_MIN_CRAM       600u
#define POPCL_PLAN_MIN_SCRAM      800u /* SCRAM-SHA-1, SCRAM-SHA-256 */
#define POPCL_PLAN_MIN_SCRAM_PLUS 920u /* the two -PLUS */

/* A salted password of SCRAM, kept by the caller for later sessions, in popcl_fetch_config.
 * Zeroed = none. It saves the computation of thousands of hashes. It is used only if user name,
 * password, mechanism's hash, salt and iterations are the same; otherwise popcl computes the key
 * again. popcl writes it once the server has proved that it knows the password, and zeroes it if
 * the server refuses the login. It is as secret as the password: it suffices for a login, and it
 * makes guesses of the password cheap. Its content is the same on every machine. */
typedef struct popcl_scram_key {
    /* private */
    uint8_t hash_len; /* 0: none */
    unsigned char binding[32], salted[32];
} popcl_scram_key;

#ifdef __cplusplus
}
#endif
#endif
