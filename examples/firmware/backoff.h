/* SPDX-License-Identifier: MIT */
/* backoff - how long a device waits until it tries again. */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

#include "popcl_errors.h"

#define BACKOFF_REFUSED_MS 3600000u /* an hour */

/* Returns the interval that backoff_ms begins with: every_ms. It is BACKOFF_REFUSED_MS if that is
 * more and the login was refused, or cannot be sent as it is stored. Waiting does not mend such a
 * login, and servers lock an account after a few attempts. */
uint32_t backoff_base_ms(uint32_t every_ms, popcl_class what);

/* Returns every_ms, doubled for each failure in a row, six times or to a day at most. It is up to
 * 1/8 more or less, by `random`, so that a thousand devices that fail together do not return
 * together. Returns UINT32_MAX, 49 days, if it would be more. */
uint32_t backoff_ms(uint32_t every_ms, uint32_t failures, uint32_t random);

#endif
