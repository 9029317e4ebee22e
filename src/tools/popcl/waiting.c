/* SPDX-License-Identifier: MIT */
/* waiting - see waiting.h. A signal may set the stop flag right before poll begins, and then wakes
 * nothing. So no poll is longer than a slice. */
#define _POSIX_C_SOURCE 200809L
#include "waiting.h"

#include <errno.h>
#include <poll.h>

enum { WAIT_SLICE_MS = 200 };

cmd_waited cmd_wait_readable(int fd, uint32_t limit_ms, const cmd_patience *patience) {
    uint64_t began = cmd_outlet_now_ms();
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        uint64_t now = cmd_outlet_now_ms(), wait = WAIT_SLICE_MS;
        if (patience->stop && *patience->stop) return CMD_WAITED_STOPPED;
        if (patience->end_ms && now >= patience->end_ms) return CMD_WAITED_OVER;
        uint64_t passed = now - began;
        uint64_t left = limit_ms == UINT32_MAX ? wait : passed < limit_ms ? limit_ms - passed : 0;
        if (left < wait) wait = left;
        if (patience->end_ms && patience->end_ms - now < wait) wait = patience->end_ms - now;
        int n = poll(&p, 1, (int)wait);
        if (n > 0) return CMD_WAITED_READY;
        if (n < 0 && errno != EINTR && errno != EAGAIN) return CMD_WAITED_FAILED;
        if (n < 0 && !(patience->stop && *patience->stop)) return CMD_WAITED_LONG;
        if (left == 0) return CMD_WAITED_LONG;
    }
}
