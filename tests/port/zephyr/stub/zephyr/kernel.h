/* SPDX-License-Identifier: MIT */
/* kernel.h - of Zephyr 3.7, include/zephyr/kernel.h: what the port and the sample call, with the
 * types of their parameters. tests/port/zephyr/stubs.c does it with this machine's means. */
#ifndef STUB_ZEPHYR_KERNEL_H
#define STUB_ZEPHYR_KERNEL_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct {
    int64_t ticks;
} k_timeout_t;
#define K_MSEC(ms)   ((k_timeout_t){(ms)})
#define K_SECONDS(s) K_MSEC((s)*1000)

struct k_sem {
    sem_t sem;
};
int k_sem_init(struct k_sem *sem, unsigned int initial_count, unsigned int limit);
int k_sem_take(struct k_sem *sem, k_timeout_t timeout);
void k_sem_give(struct k_sem *sem);

uint32_t k_uptime_get_32(void);
int32_t k_msleep(int32_t ms);
int32_t k_sleep(k_timeout_t timeout);

#endif
