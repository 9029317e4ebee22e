/* SPDX-License-Identifier: MIT */
/* fetch_login - STLS, the choice of a mechanism, and its commands up to the maildrop. */
#include <string.h>

#include "../auth/auth.h"
#include "../auth/refusal.h"
#include "fetch.h"
#include "text.h"
#include "zero.h"

/* If no plan was given, the TLS storage has room for one after the handshake, which comes before
 * every login. */
static void adopt_spare_plan(popcl_fetch *f) {
    if (f->plan.octets) return;
    f->plan.octets = popcl_machine_spare(&f->session, &f->plan.len);
    memset(f->plan.octets, 0, POPCL_SCRATCH_MIN);
}

static size_t user_len(const popcl_config *s) {
    return s->user_len ? s->user_len : strlen(s->user);
}

static popcl_login login_of(popcl_fetch *f) {
    const popcl_config *s = &f->cfg->session;
    adopt_spare_plan(f);
    popcl_login l = {.user = s->user, .user_len = user_len(s), .secret = &f->cfg->secret};
    l.scratch = f->plan.octets + (8 - (uintptr_t)f->plan.octets % 8) % 8;
    return l;
}

/* Over TLS nobody reads the password: a digest gains nothing there, and some servers that offer
 * APOP refuse it always. So `auto` takes it in clear only. */
static int is_allowed(const popcl_fetch_config *cfg, const popcl_mech *m) {
    if (cfg->auth != POPCL_AUTH_AUTO) return (cfg->auth & m->bit) != 0;
    return !m->digest || cfg->session.security == POPCL_CLEAR;
}

popcl_err popcl_login_check(const popcl_fetch_config *cfg, enum popcl_field *field) {
    const popcl_secret *s = &cfg->secret;
    unsigned unknown = cfg->auth;
    size_t user = user_len(&cfg->session), least = POPCL_PLAN_MIN;
    size_t secret = s->octets ? popcl_secret_len(s) : 1;
    if (user == 0 || secret == 0 || popcl_has_line_end(cfg->session.user, user) ||
        (s->octets && popcl_has_line_end(s->octets, secret)))
        return POPCL_ERR_CREDENTIAL_OCTET;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        unknown &= ~(unsigned)m->bit;
        if (!is_allowed(cfg, m)) continue;
        if (user > m->user_max || (m->secret_max && secret > m->secret_max))
            return POPCL_ERR_COMMAND_LENGTH;
        if (m->greeting) least = POPCL_SCRATCH_MIN;
    }
    *field = POPCL_FIELD_AUTH;
    return unknown                              ? POPCL_ERR_ARGUMENT
           : cfg->plan && cfg->plan_len < least ? POPCL_ERR_PLAN_SMALL
                                                : POPCL_OK;
}

void popcl_login_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n) {
    if (f->phase == POPCL_LOGIN && popcl_last_reply(&f->session)->status == POPCL_STATUS_ERR)
        popcl_refusal_text(login_of(f).scratch, p, n);
    /* a greeting in clear is not believed */
    if (tag != POPCL_TAG_GREETING || f->cfg->session.security == POPCL_STLS) return;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        if (popcl_mechs[i]->greeting && is_allowed(f->cfg, popcl_mechs[i]))
            popcl_mechs[i]->greeting(login_of(f).scratch, p, n);
    }
}

/* The first mechanism of the table that is allowed and can be used; why not, if there is none. */
static popcl_err choose(popcl_fetch *f) {
    popcl_err why = POPCL_ERR_AUTH;
    for (uint8_t i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        if (!is_allowed(f->cfg, m)) continue;
        f->mechanism = (uint8_t)(i + 1);
        if (!m->usable || m->usable(login_of(f).scratch)) return POPCL_OK;
        f->mechanism = 0;
        why = m->unusable;
    }
    return why;
}

unsigned popcl_login_step(popcl_fetch *f) {
    popcl_login l = login_of(f);
    popcl_command command = {.verb = POPCL_VERBS};
    popcl_err e = f->mechanism ? POPCL_OK : choose(f);
    if (!e) {
        const popcl_mech *m = popcl_mechs[f->mechanism - 1];
        /* a digest is made of it here; a password is pulled by the session, which releases it */
        if (m->digest && !f->cfg->secret.octets) f->secret_used = 1;
        e = m->step(&l, f->auth_step, &command);
    }
    if (!e) e = popcl_machine_submit(&f->session, &command, POPCL_NO_TAG);
    /* the command is written: what it was made of is no longer needed, and its answer's words are
     */
    if (!e) memset(l.scratch, 0, sizeof(popcl_refusal));
    if (e == POPCL_ERR_SECRET_WAIT) return POPCL_PAUSED_SECRET;
    if (e && e != POPCL_ERR_WOULD_BLOCK) {
        popcl_fetch_give_up(f, e);
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    }
    return 0;
}

void popcl_login_release(popcl_fetch *f) {
    const popcl_secret *s = &f->cfg->secret;
    if (!f->secret_used) return;
    f->secret_used = 0;
    s->get(s->ctx, 0, NULL, 0);
}

void popcl_login_answered(popcl_fetch *f, const popcl_reply *r) {
    if (r->status != POPCL_STATUS_OK) {
        popcl_fetch_give_up(f, popcl_refusal_error(login_of(f).scratch, r,
                                                   f->cfg->session.security == POPCL_CLEAR,
                                                   popcl_mechs[f->mechanism - 1]->refused));
        popcl_fetch_enter(f, POPCL_SAY_QUIT);
    } else if (!popcl_machine_is_logged_in(&f->session)) {
        f->auth_step++;
        return;
    } else {
        popcl_fetch_enter(f, POPCL_ASK_STAT);
    }
    popcl_login_release(f);
    /* the login's state */
    popcl_zero(f->plan.octets, f->plan.len < POPCL_SCRATCH_MIN ? f->plan.len : POPCL_SCRATCH_MIN);
}
