/* SPDX-License-Identifier: MIT */
/* waiting - waiting for a descriptor that may never have anything to read: at most until a
 * deadline, and only until the first signal. It reads nothing. */
#ifndef POPCL_CMD_WAITING_H
#define POPCL_CMD_WAITING_H

#include <stdint.h>

#include "outlet.h"

typedef enum cmd_waited {
    CMD_WAITED_READY,   /* a read will not block: there are octets, the end, or an error */
    CMD_WAITED_LONG,    /* limit_ms passed */
    CMD_WAITED_OVER,    /* the deadline of *patience passed */
    CMD_WAITED_STOPPED, /* *patience->stop is set */
    CMD_WAITED_FAILED   /* errno has the reason */
} cmd_waited;

/* Waits until fd can be read. fd -1 waits for the time alone. limit_ms: milliseconds, or UINT32_MAX
 * for no other limit than *patience. Ends early, with CMD_WAITED_LONG, after a signal that sets no
 * stop flag. */
cmd_waited cmd_wait_readable(int fd, uint32_t limit_ms, const cmd_patience *patience);

#endif
