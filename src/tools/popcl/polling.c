/* SPDX-License-Identifier: MIT */
/* polling - see polling.h. */
#define _POSIX_C_SOURCE 200809L
#include "polling.h"

#include <sys/select.h>
#include <time.h>

#include "outlet.h"
#include "report.h"

#define HOUR_MS 3600000u

void cmd_polling_after(cmd_polling *p, int code, uint32_t poll_ms, uint32_t delay_s,
                       uint64_t now_ms) {
    uint64_t most = poll_ms > HOUR_MS ? poll_ms : HOUR_MS, wait_ms = poll_ms;
    p->is_over = code == CMD_EXIT_LOGIN || code == CMD_EXIT_USAGE || code == CMD_EXIT_NO_INPUT ||
                 code == CMD_EXIT_CONFIG;
    p->failures = code == CMD_EXIT_DONE || code == CMD_EXIT_NOTHING_NEW ? 0 : p->failures + 1;
    for (uint32_t i = 0; i < p->failures && wait_ms < most; i++)
        wait_ms = wait_ms * 2 < most ? wait_ms * 2 : most;
    if (wait_ms < (uint64_t)delay_s * 1000) wait_ms = (uint64_t)delay_s * 1000;
    p->due_ms = now_ms + wait_ms;
}

void cmd_polling_sleep(uint64_t until_ms, const volatile sig_atomic_t *stop) {
    sigset_t all, before;
    (void)sigfillset(&all);
    /* between the look at the flag and the sleep no signal is lost */
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    for (uint64_t now = cmd_outlet_now_ms(); !*stop && now < until_ms; now = cmd_outlet_now_ms()) {
        uint64_t left = until_ms - now;
        struct timespec span = {(time_t)(left / 1000), (long)(left % 1000) * 1000000};
        (void)pselect(0, NULL, NULL, NULL, &span, &before);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Returns the place of a code in the order, the worst last. */
static unsigned badness(int code) {
    static const unsigned char order[] = {
        CMD_EXIT_NOTHING_NEW, CMD_EXIT_DONE,     CMD_EXIT_LATER, CMD_EXIT_UNAVAILABLE,
        CMD_EXIT_HOST,        CMD_EXIT_PROTOCOL, CMD_EXIT_TLS,   CMD_EXIT_NO_INPUT,
        CMD_EXIT_USAGE,       CMD_EXIT_CONFIG,   CMD_EXIT_LOGIN, CMD_EXIT_CREATE,
        CMD_EXIT_DISK,        CMD_EXIT_CERT};
    unsigned place = 0;
    while (place < sizeof order && order[place] != code)
        place++;
    return place;
}

int cmd_polling_worse(int a, int b) { return badness(b) > badness(a) ? b : a; }
