/* backoff - how long a device waits until it tries again. */
#ifndef BACKOFF_H
#define BACKOFF_H

#include <stdint.h>

/* every_ms, doubled for each of so many failures in a row, six times or to a day at most, and up to
 * 1/8 more or less as `random` says, so that a thousand devices that fail together do not come back
 * together. UINT32_MAX, 49 days, where it would be more. */
uint32_t backoff_ms(uint32_t every_ms, uint32_t failures, uint32_t random);

#endif
