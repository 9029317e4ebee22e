/* SPDX-License-Identifier: MIT */
/* scram_dialogue - drives a SCRAM mechanism without a session: texts go in and come out as the RFCs
 * print them. */
#ifndef TESTS_SCRAM_DIALOGUE_H
#define TESTS_SCRAM_DIALOGUE_H

#include <stdint.h>
#include <string.h>

#include "scram.h"

typedef struct dialogue {
    popcl_fetch_config cfg;
    popcl_fetch job;
    popcl_login login;
    unsigned step, ticks; /* ticks: of the last command */
    char sent[1024];      /* the last response; "" = an empty one */
    uint64_t scratch[128];
} dialogue;

static size_t unbase64(const char *text, unsigned char *to) {
    popcl_base64_reader r = {0};
    size_t len = 0;
    for (; *text; text++)
        len += (size_t)popcl_base64_take(&r, (unsigned char)*text, to + len);
    return popcl_base64_is_whole(&r) ? len : 0;
}

static void dialogue_begin(dialogue *d, const popcl_mech *m, const char *user, const char *password,
                           const char *nonce) {
    popcl_fetch_config cfg = d->cfg;
    memset(d, 0, sizeof *d);
    d->cfg = cfg;
    d->cfg.session.user = user;
    d->cfg.secret.octets = password;
    d->job.cfg = &d->cfg;
    d->job.mech = m;
    d->login.job = &d->job;
    d->login.scratch = d->scratch;
    unbase64(nonce, d->job.nonce);
}

/* Makes the next command, in as many ticks as it takes. Its response is decoded. */
static popcl_err dialogue_send(dialogue *d) {
    popcl_command c = {.verb = POPCL_VERBS};
    popcl_err e;
    for (d->ticks = 0; (e = d->job.mech->step(&d->login, d->step, &c)) == POPCL_MORE;)
        d->ticks++;
    if (e) return e;
    char text[1400];
    size_t len = 0;
    while (c.secret && len < sizeof text - 1) {
        int n = c.secret->get(c.secret->ctx, len, text + len, 7); /* every join is tried */
        if (n <= 0) break;
        len += (size_t)n;
    }
    text[len] = 0;
    d->sent[unbase64(text, (unsigned char *)d->sent)] = 0;
    return POPCL_OK;
}

/* Takes the server's reply; text = NULL: there is none. */
static popcl_err dialogue_take(dialogue *d, unsigned status, const char *text) {
    char coded[1400];
    popcl_reply r;
    memset(&r, 0, sizeof r);
    r.status = (uint8_t)status;
    size_t n = text ? popcl_scram_base64(coded, text, strlen(text)) : 0;
    if (n) d->job.mech->challenge(d->scratch, d->step, (const unsigned char *)coded, n);
    popcl_err e = d->job.mech->answered(&d->login, d->step, &r);
    if (e == POPCL_MORE) d->step++;
    return e;
}

static popcl_err dialogue_challenge(dialogue *d, const char *text) {
    return dialogue_take(d, POPCL_STATUS_CHALLENGE, text);
}

#endif
