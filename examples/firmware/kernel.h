/* SPDX-License-Identifier: MIT */
/* kernel - a small preemptive kernel, to run a program that is written for an RTOS. It has tasks
 * with priorities, of which equals take turns of a tick, and semaphores and mutexes with timeouts.
 * It is a test kernel: QEMU's boards bring no other, and a product has its own. It is for
 * Cortex-M0+, M3 and M33 without floating point. Tasks are for ever, and all memory is the
 * caller's. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_FOREVER UINT32_MAX /* as a limit_ms: without limit */

typedef struct kernel_task {
    uint32_t *sp; /* first: of a task that does not run. Private, as are the fields below */
    struct kernel_task *next;
    const char *name;
    uint32_t *stack; /* its lowest word is a guard */
    uint32_t octets;
    uint32_t wakes_at;
    const void *waits_for;          /* NULL = it can run */
    uint8_t priority, own_priority; /* now, and when it has no mutex that another task waits for */
    uint8_t timed, got;
    int error;
} kernel_task;

/* A semaphore; with {n} the first n takes do not wait. */
typedef struct kernel_sem {
    uint32_t count;
} kernel_sem;

/* A mutex; zeroed is free. Its owner has at least the priority of a task that waits for it, until
 * it unlocks this mutex or another one. Not for interrupts. Its owner must not lock it again. */
typedef struct kernel_mutex {
    kernel_task *owner;
} kernel_mutex;

/* Makes main the first task, with this priority (1 to 255; more is more urgent), on its present
 * stack. Interrupts get a stack of their own, and are on afterwards. Call it once, before the other
 * functions. The clock runs (clock_start). */
void kernel_start(unsigned priority);

/* Adds a task. The stack is the caller's, for ever: whole words, at least KERNEL_STACK_MIN bytes.
 * run never returns. */
#define KERNEL_STACK_MIN 192u
void kernel_add(kernel_task *t, const char *name, void (*run)(void *arg), void *arg,
                uint32_t *stack, uint32_t octets, unsigned priority);

/* Takes one, or waits for one. Returns 1, or 0 if there was none within limit_ms (to the next tick;
 * 0 = at once). Not from interrupts. */
int kernel_take(kernel_sem *s, uint32_t limit_ms);
/* Gives one: to the most urgent task that waits, among equals to the first. From interrupts too. */
void kernel_give(kernel_sem *s);

int kernel_lock(kernel_mutex *m, uint32_t limit_ms); /* as take */
void kernel_unlock(kernel_mutex *m);

void kernel_sleep(uint32_t ms);

/* Returns the address of the running task's errno. */
int *kernel_errno(void);

/* Returns the bytes of a task's stack that were never used; the running task's too. startup.h has
 * those of the first task. */
uint32_t kernel_stack_free(const kernel_task *t);

/* Turns interrupts off, and back to their state before. */
static inline uint32_t kernel_protect(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before) : : "memory");
    return before;
}
static inline void kernel_unprotect(uint32_t before) {
    __asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

/* The guard of a task's stack, or of the interrupts' stack (NULL), is gone. It is found before the
 * next task runs. Reports the task and ends the program; a program may define this function
 * itself. */
void kernel_overflowed(const char *task);

#endif
