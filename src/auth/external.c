/* SPDX-License-Identifier: MIT */
/* external - SASL EXTERNAL (RFC 4422, appendix A): the server knows the client by its certificate.
 * Only a transport that does TLS can have one (POPCL_TLS_BELOW). The response is the user name. */
#include "sasl.h"

static popcl_err external_respond(const popcl_login *l, unsigned number) {
    static const char form[] = {POPCL_FORM_USER};
    (void)number; /* there is one response */
    popcl_sasl_form(l->scratch, form, sizeof form);
    return POPCL_OK;
}

const popcl_mech popcl_mech_external = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_EXTERNAL,
    .sasl = POPCL_SASL_EXTERNAL,
    .plan_min = POPCL_PLAN_MIN_SASL,
    .rank = {[POPCL_TLS_BELOW] = POPCL_RANK_BY_NAME | 5},
    .no_secret = 1,
    .initial = 1,
    .responses = 1,
    .refused = POPCL_ERR_AUTH,
    .step = popcl_sasl_step,
    .answered = popcl_sasl_answered,
    .respond = external_respond,
};
