/* SPDX-License-Identifier: MIT */
/* mechanism - the login mechanisms, with their names in --auth, in a URL and in messages. It knows
 * no option besides. */
#ifndef POPCL_CMD_MECHANISM_H
#define POPCL_CMD_MECHANISM_H

#include <stddef.h>
#include <stdint.h>

/* A login mechanism, with its names in --auth and in messages. */
typedef struct cmd_mechanism {
    const char *value;  /* of --auth */
    const char *name;   /* in messages */
    uint16_t auth;      /* POPCL_AUTH_* */
    const char *url;    /* of ;AUTH= in a URL; NULL = as value, "" = no URL names it */
    uint8_t is_digest;  /* 1 = the password is not sent */
    uint8_t is_token;   /* 1 = a token takes the place of the password */
    uint8_t is_missing; /* 1 = this build does not have it */
} cmd_mechanism;

/* Returns the row of one POPCL_AUTH_*; for any other number the row of `auto`. */
const cmd_mechanism *cmd_mechanism_of(unsigned auth);

/* Writes the mechanisms that this build has: "USER/PASS, APOP". Returns buf. */
const char *cmd_mechanism_names(char *buf, size_t cap);

/* Returns the row with this value of --auth, NULL without one. Case is ignored. */
const cmd_mechanism *cmd_mechanism_called(const char *value);

/* The same with a value of ;AUTH= in a URL (RFC 2384, 3). */
const cmd_mechanism *cmd_mechanism_in_url(const char *value);

#endif
