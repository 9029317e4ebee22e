/* SPDX-License-Identifier: MIT */
/* tls_client - see tls_client.h. */
#include "tls_client.h"

#include <string.h>

#include "pki.h"

const popcl_seed tls_seed = {{0x3a, 0x91, 0x07, 0xee, 0x5c, 0x22, 0xb8, 0x6f, 0x14, 0xd3, 0x80,
                              0x4b, 0xf9, 0x65, 0x0a, 0xc7, 0x9e, 0x31, 0xdd, 0x48, 0x76, 0x02,
                              0xab, 0x5f, 0xc0, 0x19, 0xe4, 0x8d, 0x33, 0x6a, 0xf2, 0x57}};

static const struct {
    const char *name;
    const popcl_tls_profile *profile;
    size_t storage_len;
} profiles[TLS_PROFILES] = {
    [TLS_HOST] = {"host", &popcl_tls_host, sizeof(popcl_tls_host_storage)},
    [TLS_PUBLIC] = {"public", &popcl_tls_public, sizeof(popcl_tls_public_storage)},
    [TLS_SMALL] = {"small", &popcl_tls_small, sizeof(popcl_tls_small_storage)},
    [TLS_ECDSA] = {"ecdsa", &popcl_tls_ecdsa, sizeof(popcl_tls_ecdsa_storage)},
    [TLS_PINNED] = {"pinned", &popcl_tls_pinned, sizeof(popcl_tls_pinned_storage)},
};

const char *tls_profile_name(enum tls_profile profile) { return profiles[profile].name; }

size_t tls_storage_len(enum tls_profile profile) { return profiles[profile].storage_len; }

void tls_client_init(popcl_tls *t, enum tls_profile profile, void *storage, size_t storage_len) {
    static popcl_trust authority, key;
    static unsigned char pins[2][POPCL_PIN_LEN]; /* another key's stands first */
    authority.anchors = pki_anchor();
    authority.anchors_len = 1;
    authority.clock_floor_s = PKI_AUTHORITY_SINCE;
    memcpy(pins[1], pki_pin(), POPCL_PIN_LEN);
    key.pins = (const unsigned char(*)[POPCL_PIN_LEN])pins;
    key.pins_len = 2;
    memset(t, 0, sizeof *t);
    t->profile = profiles[profile].profile;
    t->storage = storage;
    t->storage_len = storage_len;
    t->trust = profile == TLS_PINNED ? &key : &authority;
    t->utc_s = profile == TLS_PINNED ? -1 : PKI_NOW;
}
