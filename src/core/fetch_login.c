/* SPDX-License-Identifier: MIT */
/* fetch_login - the choice of a mechanism, and its commands until the login succeeds or fails. */
#include <string.h>

#include "../auth/auth.h"
#include "fetch.h"
#include "text.h"
#include "zero.h"

/* If no plan was given, takes one from the TLS storage. The storage has room after the handshake,
 * which comes before every login. */
static void adopt_spare_plan(popcl_fetch *f) {
    if (f->plan.octets) return;
    f->plan.octets = popcl_machine_spare(&f->session, &f->plan.len);
    memset(f->plan.octets, 0, POPCL_SCRATCH_MIN);
}

/* Returns the popcl_refusal, which is first in the plan, aligned to 8 bytes. The mechanism's
 * scratch follows. */
static popcl_refusal *refusal_of(popcl_fetch *f) {
    adopt_spare_plan(f);
    return (popcl_refusal *)(void *)(f->plan.octets + (8 - (uintptr_t)f->plan.octets % 8) % 8);
}

static popcl_login login_of(popcl_fetch *f) {
    const popcl_config *s = &f->cfg->session;
    popcl_login l = {.user = s->user, .user_len = strlen(s->user), .secret = &f->cfg->secret};
    l.caps = f->has_caps ? popcl_capabilities(&f->session) : NULL;
    l.scratch = refusal_of(f) + 1;
    return l;
}

/* Over TLS nobody can read the password on the way. A digest gains nothing there, and some servers
 * that offer APOP always refuse it. So POPCL_AUTH_AUTO takes a digest in clear text only. */
static int is_allowed(const popcl_fetch_config *cfg, const popcl_mech *m) {
    if (cfg->auth != POPCL_AUTH_AUTO) return (cfg->auth & m->bit) != 0;
    return !m->digest || cfg->session.security == POPCL_CLEAR;
}

popcl_err popcl_login_check(const popcl_fetch_config *cfg, enum popcl_field *field) {
    const popcl_secret *s = &cfg->secret;
    unsigned unknown = cfg->auth;
    size_t user = strlen(cfg->session.user), least = POPCL_PLAN_MIN;
    size_t secret = s->octets ? popcl_secret_len(s) : 1;
    if (user == 0 || secret == 0 || popcl_has_line_end(cfg->session.user, user) ||
        (s->octets && popcl_has_line_end(s->octets, secret)))
        return POPCL_ERR_CREDENTIAL_OCTET;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        unknown &= ~(unsigned)m->bit;
        if (!is_allowed(cfg, m)) continue;
        if ((m->user_max && user > m->user_max) || (m->secret_max && secret > m->secret_max))
            return POPCL_ERR_COMMAND_LENGTH;
        if (POPCL_LOGIN_ROOM(m->scratch) > POPCL_PLAN_MIN) least = POPCL_SCRATCH_MIN;
    }
    *field = POPCL_FIELD_AUTH;
    return unknown                              ? POPCL_ERR_ARGUMENT
           : cfg->plan && cfg->plan_len < least ? POPCL_ERR_PLAN_SMALL
                                                : POPCL_OK;
}

void popcl_login_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n) {
    unsigned status = f->session.reply.status;
    if (f->phase == POPCL_LOGIN && status == POPCL_STATUS_ERR)
        popcl_refusal_text(refusal_of(f), p, n);
    if (f->phase == POPCL_LOGIN && status == POPCL_STATUS_CHALLENGE) {
        const popcl_mech *m = popcl_mechs[f->mechanism - 1];
        if (m->challenge) m->challenge(login_of(f).scratch, f->auth_step, p, n);
    }
    /* a greeting before STLS is not believed */
    if (tag != POPCL_TAG_GREETING || f->cfg->session.security == POPCL_STLS) return;
    for (unsigned i = 0; popcl_mechs[i]; i++) {
        if (popcl_mechs[i]->greeting && is_allowed(f->cfg, popcl_mechs[i]))
            popcl_mechs[i]->greeting(login_of(f).scratch, p, n);
    }
}

/* Chooses the first mechanism of the table that is allowed and can be used. If there is no such
 * mechanism, returns the reason. */
static popcl_err choose(popcl_fetch *f) {
    popcl_err why = POPCL_ERR_AUTH;
    for (uint8_t i = 0; popcl_mechs[i]; i++) {
        const popcl_mech *m = popcl_mechs[i];
        if (!is_allowed(f->cfg, m)) continue;
        f->mechanism = (uint8_t)(i + 1);
        popcl_login l = login_of(f);
        if (!m->usable || m->usable(&l)) return POPCL_OK;
        f->mechanism = 0;
        why = m->unusable;
    }
    return why;
}

/* If the server waits for a response, the next command is a cancel, else QUIT. */
static void login_failed(popcl_fetch *f, popcl_err e) {
    popcl_fetch_give_up(f, e);
    if (!popcl_machine_is_challenged(&f->session)) popcl_fetch_enter(f, POPCL_SAY_QUIT);
}

/* Makes the command of the next step. A login that failed at a challenge is cancelled (RFC 5034,
 * 4). */
static popcl_err next_command(popcl_fetch *f, popcl_command *command) {
    static const popcl_secret cancel = {.octets = "*", .len = 1};
    popcl_err e = f->mechanism ? POPCL_OK : choose(f);
    popcl_login l = login_of(f);
    if (e) return e;
    if (f->stopping) {
        command->verb = POPCL_RESPONSE;
        command->secret = &cancel;
        return POPCL_OK;
    }
    const popcl_mech *m = popcl_mechs[f->mechanism - 1];
    /* a digest is made from the secret here; the session pulls and releases a password */
    if (m->digest && !f->cfg->secret.octets) f->secret_used = 1;
    return m->step(&l, f->auth_step + popcl_job_in_flight(f), command);
}

static popcl_err login_send(popcl_fetch *f) {
    popcl_command command = {.verb = POPCL_VERBS};
    popcl_err e = next_command(f, &command);
    unsigned in_flight = popcl_job_in_flight(f);
    if (!e) e = popcl_machine_submit(&f->session, &command, popcl_tag_of(POPCL_LOGIN));
    if (!e && in_flight) f->unsure |= POPCL_UNSURE_EARLY;
    return e;
}

/* PASS may leave with USER. Some servers refuse USER in clear text, so that no password follows.
 * So in clear text, PASS waits unless CAPA shows that USER works and that there is no STLS. */
int popcl_login_goes_ahead(const popcl_fetch *f) {
    int works = f->cfg->session.security != POPCL_CLEAR ||
                (popcl_job_offers(f, POPCL_CAPA_USER) && !popcl_job_offers(f, POPCL_CAPA_STLS));
    return works && f->mechanism && popcl_mechs[f->mechanism - 1]->together && !f->auth_step &&
           popcl_job_in_flight(f) == 1 && f->session.window_len > 1 && !f->stopping;
}

unsigned popcl_login_step(popcl_fetch *f) {
    popcl_err e = login_send(f);
    if (e == POPCL_ERR_SECRET_WAIT) return POPCL_PAUSED_SECRET;
    if (e == POPCL_OK || e == POPCL_ERR_WOULD_BLOCK) return 0;
    login_failed(f, e);
    if (f->phase == POPCL_LOGIN) login_send(f);
    return 0;
}

void popcl_login_release(popcl_fetch *f) {
    const popcl_secret *s = &f->cfg->secret;
    if (!f->secret_used) return;
    f->secret_used = 0;
    s->get(s->ctx, 0, NULL, 0);
}

/* Returns the meaning of the reply to a step. POPCL_OK: the login is complete. POPCL_MORE: another
 * step follows. Other: the reason of the failure. */
static popcl_err verdict(popcl_fetch *f, const popcl_reply *r) {
    const popcl_mech *m = popcl_mechs[f->mechanism - 1];
    popcl_login l = login_of(f);
    popcl_err e = m->answered ? m->answered(&l, f->auth_step, r) : m->refused;
    if (r->status == POPCL_STATUS_ERR)
        return popcl_refusal_error(refusal_of(f), r, f->cfg->session.security == POPCL_CLEAR, e);
    if (m->answered) return e;
    return popcl_machine_is_logged_in(&f->session) ? POPCL_OK : POPCL_MORE;
}

/* Returns whether CAPA comes before STAT: some servers offer PIPELINING only after the login. */
static int needs_early_capa(const popcl_fetch *f) {
    return f->session.window_len > 1 && !popcl_job_offers(f, POPCL_CAPA_PIPELINING) &&
           popcl_list_needs_capa(f);
}

unsigned popcl_login_answered(popcl_fetch *f, const popcl_reply *r) {
    if (popcl_job_verb(f) == POPCL_PASS) f->unsure = 0;
    if (f->phase != POPCL_LOGIN)
        return 0; /* it failed before: USER was refused, and PASS had left */
    popcl_err e = f->stopping ? (popcl_err)f->stopping : verdict(f, r);
    if (e == POPCL_MORE) {
        f->auth_step++;
        return POPCL_LOGIN_GOES_ON;
    }
    /* the reply is a +OK that is not believed, or another challenge after the cancel */
    if (e && (f->stopping || r->status == POPCL_STATUS_OK) && r->status != POPCL_STATUS_ERR)
        popcl_machine_fail(&f->session, e);
    if (e)
        login_failed(f, e);
    else
        popcl_fetch_enter(f, needs_early_capa(f) ? POPCL_ASK_CAPA_AGAIN : POPCL_ASK_STAT);
    if (f->phase == POPCL_LOGIN) return 0;
    popcl_login_release(f);
    /* wipes the login's state */
    popcl_zero(f->plan.octets, f->plan.len < POPCL_SCRATCH_MIN ? f->plan.len : POPCL_SCRATCH_MIN);
    return 0;
}
