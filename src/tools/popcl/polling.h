/* SPDX-License-Identifier: MIT */
/* polling - the time of the next run, and the exit code of several runs. It connects nothing and
 * prints nothing. */
#ifndef POPCL_CMD_POLLING_H
#define POPCL_CMD_POLLING_H

#include <signal.h>
#include <stdint.h>

/* The runs of one account. Zeroed: the first one is due. */
typedef struct cmd_polling {
    uint64_t due_ms;   /* of cmd_outlet_now_ms */
    uint32_t failures; /* in a row */
    int is_over;       /* 1 = no further run */
} cmd_polling;

/* After a run with this exit code. The next one is due in poll_ms. Each failure doubles the time,
 * up to an hour or poll_ms if that is longer. delay_s is the rest of the server's delay between
 * logins. After a refused login (77) there is no further run: too many of them may lock the
 * account. Nor is there one after 64, 66 or 78, which a person has to correct. */
void cmd_polling_after(cmd_polling *p, int code, uint32_t poll_ms, uint32_t delay_s,
                       uint64_t now_ms);

/* Sleeps until that time of cmd_outlet_now_ms, or until *stop is not 0. A signal that comes before
 * the sleep ends it too. */
void cmd_polling_sleep(uint64_t until_ms, const volatile sig_atomic_t *stop);

/* Returns the worse of two exit codes: a signal, then 79, 74, 73, 77, 78, 64, 66, 80, 76, 68, 69,
 * 75, 0 and 1. */
int cmd_polling_worse(int a, int b);

#endif
