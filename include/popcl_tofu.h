/* SPDX-License-Identifier: MIT */
/* popcl_tofu.h - trust on first use, for a device and one server that no authority vouches for. The
 * first session accepts the key that the server shows, and a later one accepts that key alone. It
 * is linked only if the program names it.
 *
 *     static popcl_tofu first_use;
 *     first_use.known = read_from_flash(first_use.pin);           (a function of yours)
 *     first_use.store = write_to_flash;                           (likewise)
 *     tls.trust = &first_use.trust;
 *     if ((e = popcl_tofu_begin(&first_use, &config)) != POPCL_OK) return e;
 *     e = run the job of &config;
 *     popcl_fetch_get_diag(&fetch, &d);
 *     stored = popcl_tofu_end(&first_use, &d);
 *
 * It works with each profile, and with POPCL_TLS and POPCL_STLS. As with pins alone, the name in
 * the certificate is not checked, and its dates are checked except with `pinned`.
 *
 * Nobody checks the key of the first session. So that session uses SCRAM alone, except with
 * password_to_unknown_server. SCRAM hides the password, and the server has to prove that it knows
 * the password too. A key is stored only after the login has succeeded. An attacker may pass the
 * whole login on to the right server, and is not noticed. SCRAM-PLUS prevents that, except with
 * `pinned`: it binds the login to the server's certificate. */
#ifndef POPCL_TOFU_H
#define POPCL_TOFU_H

#include "popcl_fetch.h"
#include "popcl_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bits of popcl_fetch_config.auth that the first session may use. */
#define POPCL_TOFU_AUTH                                                                            \
    (POPCL_AUTH_SCRAM_SHA_1 | POPCL_AUTH_SCRAM_SHA_256 | POPCL_AUTH_SCRAM_SHA_1_PLUS |             \
     POPCL_AUTH_SCRAM_SHA_256_PLUS)

/* The trust of one server. The caller's; zero it first, and do not copy it. */
typedef struct popcl_tofu {
    popcl_trust trust; /* give it as popcl_tls.trust. begin writes it; the caller may set
                          clock_floor_s, which begin keeps */
    /* Settings. */
    uint8_t known; /* 1 = pin is the key that an earlier session stored */
    /* 1 = the first session may use every mechanism, also one that sends the password or the token
     * itself. The server that answers gets it. For a network that nobody else can reach. */
    uint8_t password_to_unknown_server;
    unsigned char pin[POPCL_PIN_LEN]; /* SHA-256 of the SubjectPublicKeyInfo (RFC 7469, 2.4) */
    /* Keeps the pin, at a place that nobody else can write. Returns 0, or another value: the pin is
     * not kept, and the next session is a first one again. Required. */
    int (*store)(void *ctx, const unsigned char pin[POPCL_PIN_LEN]);
    void *ctx;
    /* private */
    struct popcl_tofu *self;
    uint8_t has_seen;
    unsigned char seen[POPCL_PIN_LEN];
} popcl_tofu;

/* Prepares *t for one job of this configuration: call it right before each popcl_fetch_start. On
 * first use it also narrows cfg->auth to mechanisms of POPCL_TOFU_AUTH, except with
 * password_to_unknown_server. To allow the others once the key is known, set cfg->auth again.
 * Returns POPCL_OK, or an error with which cfg is unchanged and the job must not start:
 * - ERR_NO_MECHANISM: no mechanism is left. Name a SCRAM mechanism in cfg->mechs, and in cfg->auth
 *   if that is not 0.
 * - ERR_ARGUMENT: store is NULL, or cfg has no TLS of popcl with this trust. */
popcl_err popcl_tofu_begin(popcl_tofu *t, popcl_fetch_config *cfg);

/* Stores the key after a first session whose login succeeded, by one call of store; otherwise it
 * does nothing. d is the diagnosis of the job. It may be called before the job is over, from a
 * callback too. Returns 1 if a key was stored by this call, otherwise 0; -1 if store failed. */
int popcl_tofu_end(popcl_tofu *t, const popcl_diag *d);

#ifdef __cplusplus
}
#endif
#endif
