/* SPDX-License-Identifier: MIT */
/* tofu - see popcl_tofu.h. It is a popcl_trust whose pins are looked up by a function: of the first
 * session it takes any key, and notes it. It joins trust and login, so it is the one file here that
 * knows a mechanism. */
#include <string.h>

#include "../auth/auth.h"
#include "popcl_tofu.h"

/* There are no anchors, so that only the server's own key is looked up, and no issuer's. */
static popcl_err tofu_key(const popcl_trust *trust, const unsigned char pin[POPCL_PIN_LEN],
                          int64_t utc_s, unsigned *is) {
    popcl_tofu *t = ((const popcl_tofu *)(const void *)trust)->self;
    (void)utc_s; /* a key has no days */
    if (!t->known) {
        memcpy(t->seen, pin, POPCL_PIN_LEN);
        t->has_seen = 1;
    }
    if (!t->known || memcmp(t->pin, pin, POPCL_PIN_LEN) == 0) *is = POPCL_KEY_PINNED;
    return POPCL_OK;
}

/* Returns those of the mechanisms that a first session may use. */
static unsigned hiding_mechanisms(const popcl_fetch_config *cfg) {
    unsigned bits = 0;
    for (const popcl_mech *const *m = cfg->mechs; m && *m; m++)
        bits |= (*m)->bit;
    return bits & POPCL_TOFU_AUTH & (cfg->auth ? cfg->auth : POPCL_TOFU_AUTH);
}

/* If no mechanism is left, there is no trust either: popcl_fetch_start then refuses the job. */
popcl_err popcl_tofu_begin(popcl_tofu *t, popcl_fetch_config *cfg) {
    const popcl_config *s = &cfg->session;
    int takes_all = t->known || t->password_to_unknown_server;
    unsigned bits = hiding_mechanisms(cfg);
    if (!t->store || !s->tls || s->tls->trust != &t->trust ||
        (s->security != POPCL_TLS && s->security != POPCL_STLS))
        return POPCL_ERR_ARGUMENT;
    t->self = t;
    t->has_seen = 0;
    t->trust.key = takes_all || bits ? tofu_key : NULL;
    t->trust.key_pins = t->trust.key != NULL;
    t->trust.set = t->pin; /* a kept TLS session is bound to the key */
    if (!t->trust.key) return POPCL_ERR_NO_MECHANISM;
    if (!takes_all) cfg->auth = (uint16_t)bits;
    return POPCL_OK;
}

int popcl_tofu_end(popcl_tofu *t, const popcl_diag *d) {
    if (t->known || !t->has_seen || !d->listing_reached) return 0;
    if (t->store(t->ctx, t->seen)) return -1;
    memcpy(t->pin, t->seen, POPCL_PIN_LEN);
    t->known = 1;
    return 1;
}
