/* SPDX-License-Identifier: MIT */
/* userpass - USER and PASS (RFC 1939, 7): the password crosses the line as it is. */
#include <string.h>

#include "auth.h"

static popcl_err userpass_step(const popcl_login *l, unsigned n, popcl_command *c) {
    c->verb = n == 0 ? POPCL_USER : POPCL_PASS;
    c->text = popcl_login_user(l);
    c->text_len = strlen(c->text);
    c->secret = popcl_login_secret(l);
    return POPCL_OK;
}

const popcl_mech popcl_mech_user = {
    .bit = POPCL_AUTH_USER,
    .plan_min = POPCL_PLAN_MIN,
    .rank = POPCL_RANK(6, 5),
    .user_max = POPCL_COMMAND_MAX - sizeof "USER \r\n" + 1,
    .secret_max = POPCL_COMMAND_MAX - sizeof "PASS \r\n" + 1,
    .together = 1,
    .refused = POPCL_ERR_AUTH,
    .step = userpass_step,
};
