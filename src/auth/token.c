/* SPDX-License-Identifier: MIT */
/* token - SASL XOAUTH2 and OAUTHBEARER (RFC 7628): a token crosses the line instead of a password.
 * It is sent as it is, so neither is used in clear text. XOAUTH2 has no RFC: it is the form of
 * Google and Microsoft. Its response is never sent with AUTH, because Office 365 refuses that. Both
 * forms use the octet 1 as a separator. */
#include <string.h>

#include "sasl.h"

#define SEPARATOR '\1'

typedef char token_fits[POPCL_PLAN_MIN_SASL >= POPCL_LOGIN_ROOM(sizeof(popcl_sasl)) ? 1 : -1];

static const char xoauth2_form[] = "user=\2\1auth=Bearer \5\1\1";
static const char bearer_form[] = "n,a=\3,\1auth=Bearer \5\1\1"; /* RFC 7628, 3.1 */

static popcl_err token_respond(const popcl_login *l, const char *form, size_t len) {
    if (strchr(popcl_login_user(l), SEPARATOR)) return POPCL_ERR_CREDENTIAL_OCTET;
    popcl_sasl_form(l->scratch, form, len);
    return POPCL_OK;
}

/* The second response answers a challenge that reports a failure. It is an empty line. */
static popcl_err xoauth2_respond(const popcl_login *l, unsigned number) {
    if (number == 0) return token_respond(l, xoauth2_form, sizeof xoauth2_form - 1);
    popcl_sasl_form(l->scratch, NULL, 0);
    return POPCL_OK;
}

/* The same, but it is one octet 1 (RFC 7628, 3.2.3). */
static popcl_err bearer_respond(const popcl_login *l, unsigned number) {
    return number == 0 ? token_respond(l, bearer_form, sizeof bearer_form - 1)
                       : token_respond(l, "\1", 1);
}

const popcl_mech popcl_mech_xoauth2 = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_XOAUTH2,
    .sasl = POPCL_SASL_XOAUTH2,
    .plan_min = POPCL_PLAN_MIN_SASL,
    .rank = POPCL_RANK(1, POPCL_RANK_NEVER),
    .token = 1,
    .responses = 1,
    .refused = POPCL_ERR_TOKEN,
    .step = popcl_sasl_step,
    .answered = popcl_sasl_answered,
    .respond = xoauth2_respond,
};

const popcl_mech popcl_mech_oauthbearer = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_OAUTHBEARER,
    .sasl = POPCL_SASL_OAUTHBEARER,
    .plan_min = POPCL_PLAN_MIN_SASL,
    .rank = POPCL_RANK(2, POPCL_RANK_NEVER),
    .token = 1,
    .initial = 1,
    .responses = 1,
    .refused = POPCL_ERR_TOKEN,
    .step = popcl_sasl_step,
    .answered = popcl_sasl_answered,
    .respond = bearer_respond,
};
