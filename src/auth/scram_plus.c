/* SPDX-License-Identifier: MIT */
/* scram_plus - SASL SCRAM-SHA-1-PLUS and SCRAM-SHA-256-PLUS: SCRAM with channel binding (RFC 5802,
 * 6). The proof also covers the hash of the certificate that the client saw (tls-server-end-point
 * of RFC 5929, 4). So somebody in between, with another certificate that the client trusts, cannot
 * pass the login on. */
#include "scram.h"

#include <string.h>

#include "../core/owner.h"

/* the GS2 header and the hash, in base64 */
#define BINDING ((sizeof gs2 - 1 + POPCL_END_POINT_MAX + 2) / 3 * 4)

static const char gs2[] = "p=tls-server-end-point,,";
static const char first[] = "p=tls-server-end-point,," POPCL_SCRAM_FIRST_BARE;

typedef struct scram_plus {
    popcl_scram base;
    char last[POPCL_SCRAM_LAST(BINDING)];
} scram_plus;

typedef char plus_fits[POPCL_PLAN_MIN_SCRAM_PLUS >= POPCL_LOGIN_ROOM(sizeof(scram_plus)) ? 1 : -1];

static int plus_usable(const popcl_login *l) {
    unsigned char end_point[POPCL_END_POINT_MAX];
    return popcl_machine_end_point(&l->job->session, end_point) != 0;
}

static popcl_err plus_step(const popcl_login *l, unsigned n, popcl_command *c) {
    scram_plus *x = l->scratch;
    if (n == 0) {
        unsigned char binding[sizeof gs2 - 1 + POPCL_END_POINT_MAX];
        memcpy(binding, gs2, sizeof gs2 - 1);
        size_t len = popcl_machine_end_point(&l->job->session, binding + sizeof gs2 - 1);
        memcpy(x->last, "c=", 2);
        len = popcl_scram_base64(x->last + 2, binding, sizeof gs2 - 1 + len);
        popcl_err e = popcl_scram_begin(l, first, sizeof first - 1, x->last, 2 + len);
        if (e) return e;
    }
    return popcl_scram_step(l, n, c);
}

const popcl_mech popcl_mech_scram_sha_1_plus = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_SCRAM_SHA_1_PLUS,
    .sasl = POPCL_SASL_SCRAM_SHA_1_PLUS,
    .plan_min = POPCL_PLAN_MIN_SCRAM_PLUS,
    .rank = POPCL_RANK(POPCL_RANK_BY_NAME | 4, POPCL_RANK_NEVER),
    .unusable = POPCL_ERR_BINDING,
    .hash = &br_sha1_vtable,
    .usable = plus_usable,
    .step = plus_step,
    POPCL_SCRAM_COMMON,
};

const popcl_mech popcl_mech_scram_sha_256_plus = {
    .choice = &popcl_login_choice,
    .bit = POPCL_AUTH_SCRAM_SHA_256_PLUS,
    .sasl = POPCL_SASL_SCRAM_SHA_256_PLUS,
    .plan_min = POPCL_PLAN_MIN_SCRAM_PLUS,
    .rank = POPCL_RANK(POPCL_RANK_BY_NAME | 3, POPCL_RANK_NEVER),
    .unusable = POPCL_ERR_BINDING,
    .hash = &br_sha256_vtable,
    .usable = plus_usable,
    .step = plus_step,
    POPCL_SCRAM_COMMON,
};
