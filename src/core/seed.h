/* SPDX-License-Identifier: MIT */
/* seed - the judgement of a random seed, for TLS and for SCRAM. */
#ifndef POPCL_CORE_SEED_H
#define POPCL_CORE_SEED_H

#include "popcl.h"

/* A seed with all octets equal comes from a generator that is stuck. */
static inline int popcl_seed_is_usable(const popcl_seed *seed) {
    for (size_t i = 1; seed && i < sizeof seed->bytes; i++) {
        if (seed->bytes[i] != seed->bytes[0]) return 1;
    }
    return 0;
}

#endif
