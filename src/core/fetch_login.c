/* SPDX-License-Identifier: MIT */
/* fetch_login - the commands of the login until it succeeds or fails. With more mechanisms than
 * USER and PASS, fetch_choice.c makes them. */
#include <string.h>

#include "../auth/auth.h"
#include "fetch.h"
#include "text.h"
#include "zero.h"

/* ---- the state of the login, in the plan ---- */

void popcl_login_clear(popcl_fetch *f) {
    size_t n = f->plan.len < f->login_room ? f->plan.len : f->login_room;
    popcl_zero(f->plan.octets, n);
}

/* If no plan was given, takes one from the TLS storage. The storage has room after the handshake,
 * which comes before every login. */
static void adopt_spare_plan(popcl_fetch *f) {
    if (f->plan.octets) return;
    f->plan.octets = popcl_machine_spare(&f->session, &f->plan.len);
    popcl_login_clear(f);
}

/* Returns the popcl_refusal, which is first in the plan, aligned to 8 bytes. The mechanism's
 * scratch follows. */
static popcl_refusal *refusal_of(popcl_fetch *f) {
    adopt_spare_plan(f);
    return (popcl_refusal *)(void *)(f->plan.octets + (8 - (uintptr_t)f->plan.octets % 8) % 8);
}

void *popcl_login_scratch(popcl_fetch *f) { return refusal_of(f) + 1; }

/* ---- the settings ---- */

/* Checks whether user name and secret can be sent with this mechanism. */
static popcl_err check_credentials(const popcl_fetch_config *cfg, const popcl_mech *m) {
    const popcl_secret *s = popcl_mech_secret(m, cfg);
    const char *user = cfg->session.user;
    size_t user_len = strlen(user), len = popcl_secret_len(s);
    size_t user_max = m->user_max ? m->user_max : UINT16_MAX; /* popcl_sasl.user_len */
    if (user_len == 0 || popcl_has_line_end(user, user_len) ||
        (s->octets && (len == 0 || popcl_has_line_end(s->octets, len))))
        return POPCL_ERR_CREDENTIAL_OCTET;
    return user_len > user_max || (m->secret_max && len > m->secret_max) ? POPCL_ERR_COMMAND_LENGTH
                                                                         : POPCL_OK;
}

/* Allows a mechanism for the login, if user name and secret can be sent with it. */
static popcl_err allow(popcl_fetch *f, const popcl_fetch_config *cfg, const popcl_mech *m) {
    popcl_err e = check_credentials(cfg, m);
    if (e) return e;
    f->allowed |= m->bit;
    if (m->plan_min > f->login_room) f->login_room = m->plan_min;
    return m->nonce ? m->nonce(f->nonce, cfg->session.seed) : POPCL_OK;
}

popcl_err popcl_login_check(popcl_fetch *f, const popcl_fetch_config *cfg,
                            enum popcl_field *field) {
    unsigned unknown = cfg->auth;
    popcl_err e = POPCL_ERR_ARGUMENT;
    *field = POPCL_FIELD_MECHS;
    f->login_room = POPCL_PLAN_MIN;
    for (const popcl_mech *const *all = popcl_mechs_of(cfg); *all; all++) {
        const popcl_mech *m = *all;
        const popcl_secret *s = popcl_mech_secret(m, cfg);
        unsigned rank = m->rank[cfg->session.security];
        unknown &= ~(unsigned)m->bit;
        if (m->choice) f->choice = m->choice;
        if (cfg->auth ? !(cfg->auth & m->bit) : rank >= POPCL_RANK_BY_NAME) continue;
        if (!m->no_secret && !s->octets && !s->get) {
            /* perhaps the secret is in the field of the other kind */
            if (cfg->mechs) *field = m->token ? POPCL_FIELD_TOKEN : POPCL_FIELD_SECRET;
        } else if (rank == POPCL_RANK_NEVER) {
            if (!f->allowed) e = POPCL_ERR_MECHANISM_NEEDS_TLS;
        } else {
            e = allow(f, cfg, m);
            if (e) return e;
        }
    }
    if (unknown) {
        *field = POPCL_FIELD_AUTH;
        return POPCL_ERR_ARGUMENT;
    }
    return !e && cfg->plan && cfg->plan_len < f->login_room ? POPCL_ERR_PLAN_SMALL : e;
}

/* CAPA is asked before the login if the choice depends on it, or a command before the login. */
int popcl_login_needs_capa(const popcl_fetch_config *cfg) {
    int is_one = cfg->auth && !(cfg->auth & (cfg->auth - 1u));
    return !cfg->no_capa && (!is_one || popcl_utf8_is_wanted(cfg));
}

void popcl_login_text(popcl_fetch *f, uint32_t tag, const unsigned char *p, size_t n) {
    if (f->phase == POPCL_LOGIN && f->session.reply.status == POPCL_STATUS_ERR)
        popcl_refusal_text(refusal_of(f), p, n);
    else if (f->choice)
        f->choice->text(f, tag, p, n);
}

/* ---- the commands ---- */

/* If the server waits for a response, the next command is a cancel, else QUIT. */
static void login_failed(popcl_fetch *f, popcl_err e) {
    popcl_fetch_give_up(f, e);
    if (!popcl_machine_is_challenged(&f->session)) popcl_fetch_enter(f, POPCL_SAY_QUIT);
}

/* USER/PASS, if no other mechanism is linked, needs no choice. */
static popcl_err next_command(popcl_fetch *f, popcl_command *command) {
    popcl_login l = {.job = f, .scratch = popcl_login_scratch(f)};
    if (f->choice) return f->choice->next(f, command);
    f->mech = *popcl_mechs_of(f->cfg);
    return f->mech->step(&l, f->auth_step + popcl_job_in_flight(f), command);
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
    return works && f->mech && f->mech->together && !f->auth_step && popcl_job_in_flight(f) == 1 &&
           f->session.window_len > 1 && !f->stopping;
}

unsigned popcl_login_step(popcl_fetch *f) {
    popcl_err e = login_send(f);
    if (e == POPCL_ERR_SECRET_WAIT) return POPCL_PAUSED_SECRET;
    if (e == POPCL_MORE) return POPCL_COMPUTING;
    if (e == POPCL_OK || e == POPCL_ERR_WOULD_BLOCK) return 0;
    login_failed(f, e);
    if (f->phase == POPCL_LOGIN) login_send(f);
    return 0;
}

void popcl_login_release(popcl_fetch *f) {
    const popcl_secret *s = f->mech ? popcl_mech_secret(f->mech, f->cfg) : NULL;
    if (!f->secret_used || !s) return;
    f->secret_used = 0;
    s->get(s->ctx, 0, NULL, 0);
}

/* Returns the meaning of the reply to a step. POPCL_OK: the login is complete. POPCL_MORE: another
 * step follows. Other: the reason of the failure. */
static popcl_err verdict(popcl_fetch *f, const popcl_reply *r) {
    const popcl_mech *m = f->mech;
    popcl_login l = {.job = f, .scratch = popcl_login_scratch(f)};
    popcl_err e = m->answered ? m->answered(&l, f->auth_step, r) : m->refused;
    if (r->status == POPCL_STATUS_ERR)
        return popcl_refusal_error(refusal_of(f), r, f->cfg->session.security == POPCL_CLEAR,
                                   popcl_job_offers(f, POPCL_CAPA_AUTH_RESP_CODE), e);
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
    popcl_login_clear(f);
    return 0;
}
