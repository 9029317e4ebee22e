/* SPDX-License-Identifier: MIT */
/* auth - the login mechanisms behind one table. A mechanism turns credentials into commands, one a
 * step; it sends nothing itself and knows neither session nor connection. What it must remember
 * between greeting and login stands in scratch, memory of the caller that is wiped after the login.
 */
#ifndef POPCL_AUTH_AUTH_H
#define POPCL_AUTH_AUTH_H

#include "popcl_command.h"
#include "popcl_fetch.h"

typedef struct popcl_login {
    const char *user;
    size_t user_len;
    const popcl_secret *secret;
    void *scratch; /* aligned for any type */
} popcl_login;

typedef struct popcl_mech {
    uint16_t bit;       /* POPCL_AUTH_* */
    uint8_t user_max;   /* octets of the longest user name that fits its command (RFC 2449, 4) */
    uint8_t secret_max; /* the same for the password; 0: any */
    uint8_t digest;     /* 1: the password does not cross the line */
    popcl_err refused;  /* what -ERR to it means where no response code says more */
    popcl_err unusable; /* why it cannot be used with this server */
    /* Octets of the greeting, as they stream, from its beginning to its end. NULL: looks at none.
     */
    void (*greeting)(void *scratch, const unsigned char *p, size_t n);
    /* Whether it can be used after that greeting. NULL: always. */
    int (*usable)(const void *scratch);
    /* The command of step 0, 1, ...; what it points to lies in login or scratch. POPCL_OK,
     * ERR_SECRET, ERR_SECRET_WAIT, ERR_CREDENTIAL_OCTET. The login is complete when the server
     * answers +OK to a command that logs in. */
    popcl_err (*step)(const popcl_login *l, unsigned step, popcl_command *c);
} popcl_mech;

/* In order of preference, ending with NULL. */
extern const popcl_mech *const popcl_mechs[];

/* Octets of scratch that any mechanism of the table needs at most, alignment included. */
#define POPCL_SCRATCH_MIN POPCL_PLAN_MIN_APOP

#endif
