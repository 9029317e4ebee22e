/* SPDX-License-Identifier: MIT */
/* plain - SASL PLAIN (RFC 4616) and LOGIN by AUTH (RFC 5034): user name and password cross the line
 * in base64, which hides nothing. LOGIN has no RFC: the server asks for the user name, then for the
 * password. The texts of its two challenges differ between servers and are not read. */
#include "sasl.h"

typedef char plain_fits[POPCL_PLAN_MIN_SASL >= POPCL_LOGIN_ROOM(sizeof(popcl_sasl)) ? 1 : -1];

/* an empty authorization identity, then user name and password (RFC 4616, 2) */
static const char plain_form[] = {0, POPCL_FORM_USER, 0, POPCL_FORM_SECRET};
static const char login_forms[] = {POPCL_FORM_USER, POPCL_FORM_SECRET};

static popcl_err plain_respond(const popcl_login *l, unsigned number) {
    (void)number; /* there is one response */
    popcl_sasl_form(l->scratch, plain_form, sizeof plain_form);
    return POPCL_OK;
}

static popcl_err login_respond(const popcl_login *l, unsigned number) {
    popcl_sasl_form(l->scratch, login_forms + number, 1);
    return POPCL_OK;
}

const popcl_mech popcl_mech_plain = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_PLAIN,
    .sasl = POPCL_SASL_PLAIN,
    .plan_min = POPCL_PLAN_MIN_SASL,
    .rank = POPCL_RANK(7, POPCL_RANK_BY_NAME | 6),
    .user_max = 255, /* RFC 4616, 2 */
    .initial = 1,
    .responses = 1,
    .refused = POPCL_ERR_AUTH,
    .step = popcl_sasl_step,
    .answered = popcl_sasl_answered,
    .respond = plain_respond,
};

const popcl_mech popcl_mech_login = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_LOGIN,
    .sasl = POPCL_SASL_LOGIN,
    .plan_min = POPCL_PLAN_MIN_SASL,
    .rank = POPCL_RANK(8, POPCL_RANK_BY_NAME | 7),
    .responses = 2,
    .refused = POPCL_ERR_AUTH,
    .step = popcl_sasl_step,
    .answered = popcl_sasl_answered,
    .respond = login_respond,
};
