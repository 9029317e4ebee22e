/* SPDX-License-Identifier: MIT */
/* fetch_choice - the part of a login that USER and PASS alone do not need. It chooses a mechanism,
 * gives it the texts that it reads, and cancels a dialog. A program links this file if it names
 * another mechanism. */
#include "../auth/auth.h"
#include "fetch.h"

/* Returns whether USER and PASS may be used by what CAPA reports. Dovecot lists USER even if it has
 * SCRAM alone, and then refuses each password. A server that takes passwords lists PLAIN too. */
static int is_user_listed(const popcl_caps *caps) {
    unsigned scram = POPCL_SASL_SCRAM_SHA_1 | POPCL_SASL_SCRAM_SHA_256;
    return caps->tags & POPCL_CAPA_USER &&
           (!(caps->sasl & scram) || caps->sasl & (POPCL_SASL_PLAIN | POPCL_SASL_LOGIN));
}

/* Returns the place of the job's mechanism in the order of choice: the least one is taken. The
 * mechanisms that CAPA lists come first. Some servers take USER although they do not list it. CAPA
 * never lists APOP. */
static unsigned place_of(const popcl_login *l) {
    const popcl_mech *m = l->job->mech;
    const popcl_caps *caps = popcl_login_caps(l);
    unsigned rank = m->rank[l->job->cfg->session.security] & ~POPCL_RANK_BY_NAME;
    if (m->sasl) return caps && caps->sasl & m->sasl ? rank : rank + 0x40;
    int is_left_out = m->bit == POPCL_AUTH_USER && caps && !is_user_listed(caps);
    return is_left_out ? rank + 0x20 : rank;
}

static void skip(popcl_fetch *f, popcl_err why) {
    f->skipped = f->mech->bit;
    f->skipped_why = (uint8_t)why;
}

/* Chooses among the mechanisms that are allowed and can be used. If no mechanism is left, returns
 * the reason. */
static popcl_err choose(popcl_fetch *f) {
    popcl_err why = f->skipped ? (popcl_err)f->skipped_why : POPCL_ERR_NO_MECHANISM;
    popcl_login l = {.job = f, .scratch = popcl_login_scratch(f)};
    const popcl_mech *best = NULL;
    unsigned least = UINT32_MAX;
    for (const popcl_mech *const *m = popcl_mechs_of(f->cfg); *m; m++) {
        if (!(f->allowed & (*m)->bit)) continue;
        f->mech = *m;
        if (f->mech->usable && !f->mech->usable(&l)) {
            why = f->mech->unusable;
            if (why == POPCL_ERR_BINDING) skip(f, why);
        } else if (place_of(&l) < least) {
            least = place_of(&l);
            best = f->mech;
        }
    }
    f->mech = best;
    if (!best) return why;
    if (!best->greeting) popcl_login_clear(f); /* the greeting may have left the state of APOP */
    return POPCL_OK;
}

/* Over TLS a password that SCRAM cannot use may be sent by another mechanism: nobody can read it on
 * the way. In clear text that would show it, although SCRAM was allowed in order to hide it.
 * Returns whether another mechanism is to be chosen. Nothing of the login was sent yet. */
static int steps_down(popcl_fetch *f, popcl_err e) {
    if (e != POPCL_ERR_PASSWORD_FORM || f->cfg->session.security == POPCL_CLEAR) return 0;
    for (const popcl_mech *const *m = popcl_mechs_of(f->cfg); *m; m++)
        if ((*m)->hash) f->allowed &= (uint16_t) ~(*m)->bit;
    popcl_login_release(f);
    popcl_login_clear(f);
    skip(f, e);
    f->mech = NULL;
    return 1;
}

/* A login that failed at a challenge is cancelled (RFC 5034, 4). */
static popcl_err choice_next(popcl_fetch *f, popcl_command *command) {
    static const popcl_secret cancel = {.octets = "*", .len = 1};
    popcl_err e;
    do {
        e = f->mech ? POPCL_OK : choose(f);
        if (e) return e;
        if (f->stopping) {
            command->verb = POPCL_RESPONSE;
            command->secret = &cancel;
            return POPCL_OK;
        }
        popcl_login l = {.job = f, .scratch = popcl_login_scratch(f)};
        /* the mechanism reads the secret here; otherwise the session pulls and releases it */
        if (f->mech->reads && !popcl_login_secret(&l)->octets) f->secret_used = 1;
        e = f->mech->step(&l, f->auth_step + popcl_job_in_flight(f), command);
    } while (steps_down(f, e));
    return e;
}

static void choice_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n) {
    if (f->phase == POPCL_LOGIN && f->session.reply.status == POPCL_STATUS_CHALLENGE &&
        f->mech->challenge)
        f->mech->challenge(popcl_login_scratch(f), f->auth_step, p, n);
    /* a greeting before STLS is not believed */
    if (tag != POPCL_TAG_GREETING || f->cfg->session.security == POPCL_STLS) return;
    for (const popcl_mech *const *m = popcl_mechs_of(f->cfg); *m; m++)
        if ((*m)->greeting && f->allowed & (*m)->bit) (*m)->greeting(popcl_login_scratch(f), p, n);
}

const popcl_choice popcl_login_choice = {.next = choice_next, .text = choice_text};
