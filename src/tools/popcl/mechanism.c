/* SPDX-License-Identifier: MIT */
/* mechanism - see mechanism.h. */
#define _POSIX_C_SOURCE 200809L
#include "mechanism.h"

#include <stdio.h>
#include <strings.h>

#include "popcl_fetch.h"

/* The first row is the one for every other number. */
static const cmd_mechanism mechanisms[] = {
    {.value = "auto", .name = "", .auth = POPCL_AUTH_AUTO, .url = "*"},
    {.value = "user", .name = "USER/PASS", .auth = POPCL_AUTH_USER, .url = ""},
    {.value = "apop",
     .name = "APOP",
     .auth = POPCL_AUTH_APOP,
     .url = "+APOP",
     .is_digest = 1,
     .is_missing = !POPCL_WITH_APOP},
    {.value = "plain", .name = "PLAIN", .auth = POPCL_AUTH_PLAIN},
    {.value = "login", .name = "LOGIN", .auth = POPCL_AUTH_LOGIN},
    {.value = "cram-md5", .name = "CRAM-MD5", .auth = POPCL_AUTH_CRAM_MD5, .is_digest = 1},
    {.value = "scram-sha-1", .name = "SCRAM-SHA-1", .auth = POPCL_AUTH_SCRAM_SHA_1, .is_digest = 1},
    {.value = "scram-sha-256",
     .name = "SCRAM-SHA-256",
     .auth = POPCL_AUTH_SCRAM_SHA_256,
     .is_digest = 1},
    {.value = "scram-sha-1-plus",
     .name = "SCRAM-SHA-1-PLUS",
     .auth = POPCL_AUTH_SCRAM_SHA_1_PLUS,
     .is_digest = 1},
    {.value = "scram-sha-256-plus",
     .name = "SCRAM-SHA-256-PLUS",
     .auth = POPCL_AUTH_SCRAM_SHA_256_PLUS,
     .is_digest = 1},
    {.value = "xoauth2", .name = "XOAUTH2", .auth = POPCL_AUTH_XOAUTH2, .is_token = 1},
    {.value = "oauthbearer", .name = "OAUTHBEARER", .auth = POPCL_AUTH_OAUTHBEARER, .is_token = 1},
};
#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

const cmd_mechanism *cmd_mechanism_of(unsigned auth) {
    for (size_t i = 0; i < MECHANISMS; i++)
        if (mechanisms[i].auth == auth) return &mechanisms[i];
    return mechanisms;
}

const char *cmd_mechanism_names(char *buf, size_t cap) {
    size_t len = 0;
    buf[0] = '\0';
    for (size_t i = 1; i < MECHANISMS && len < cap; i++)
        if (!mechanisms[i].is_missing)
            len +=
                (size_t)snprintf(buf + len, cap - len, "%s%s", len ? ", " : "", mechanisms[i].name);
    return buf;
}

const cmd_mechanism *cmd_mechanism_called(const char *value) {
    for (size_t i = 0; i < MECHANISMS; i++)
        if (strcasecmp(value, mechanisms[i].value) == 0) return &mechanisms[i];
    return NULL;
}

const cmd_mechanism *cmd_mechanism_in_url(const char *value) {
    for (size_t i = 0; i < MECHANISMS; i++) {
        const cmd_mechanism *m = &mechanisms[i];
        if (strcasecmp(value, m->url ? m->url : m->value) == 0) return m;
    }
    return NULL;
}
