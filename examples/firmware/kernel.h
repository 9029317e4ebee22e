/* SPDX-License-Identifier: MIT */
/* kernel - a small preemptive kernel, to run a program that is written for an RTOS: tasks with
 * priorities, those of one priority in turns of a tick, semaphores and mutexes with timeouts. A
 * test kernel: it is here because the boards of QEMU bring none; a product has its own. For
 * Cortex-M0+, M3 and M33 without floating point. Tasks are for ever, and all memory is the
 * caller's. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_FOREVER UINT32_MAX /* as a limit_ms: without end */

typedef struct kernel_task {
    uint32_t *sp; /* first: of a task that does not run. From here on private */
    struct kernel_task *next;
    const char *name;
    uint32_t *stack; /* its lowest word is a guard */
    uint32_t octets;
    uint32_t wakes_at;
    const void *waits_for;          /* NULL: it can run */
    uint8_t priority, own_priority; /* now, and when it holds no mutex that another waits for */
    uint8_t timed, got;
    int error;
} kernel_task;

/* A semaphore; {n} is one that n takes find free. */
typedef struct kernel_sem {
    uint32_t count;
} kernel_sem;

/* A mutex; zeroed is free. Its owner has at least the priority of who waits for it, until it
 * unlocks this one or another that it holds. Not for interrupts, and its owner does not lock it
 * again. */
typedef struct kernel_mutex {
    kernel_task *owner;
} kernel_mutex;

/* Makes main the first task, with this priority (1 to 255; more is more urgent), on the stack that
 * it has. Interrupts get a stack of their own. Once, and before the others. Interrupts are on
 * afterwards. The clock runs (clock_start). */
void kernel_start(unsigned priority);

/* A task. The stack is the caller's, for ever: whole words, at least KERNEL_STACK_MIN octets. run
 * never returns. */
#define KERNEL_STACK_MIN 192u
void kernel_add(kernel_task *t, const char *name, void (*run)(void *arg), void *arg,
                uint32_t *stack, uint32_t octets, unsigned priority);

/* Takes one, or waits for one. Returns 1, or 0 after limit_ms (to the next tick; 0: at once)
 * without. Not from interrupts. */
int kernel_take(kernel_sem *s, uint32_t limit_ms);
/* Gives one: to the most urgent who waits, of these to the first. From interrupts too. */
void kernel_give(kernel_sem *s);

int kernel_lock(kernel_mutex *m, uint32_t limit_ms); /* as take */
void kernel_unlock(kernel_mutex *m);

void kernel_sleep(uint32_t ms);

/* The errno of the task that runs. */
int *kernel_errno(void);

/* Octets of a task's stack that were never used; of the one that runs, too. The first task's are
 * startup.h's. */
uint32_t kernel_stack_free(const kernel_task *t);

/* Interrupts off, and back to what they were. */
static inline uint32_t kernel_protect(void) {
    uint32_t before;
    __asm__ volatile("mrs %0, primask\n cpsid i" : "=r"(before) : : "memory");
    return before;
}
static inline void kernel_unprotect(uint32_t before) {
    __asm__ volatile("msr primask, %0" : : "r"(before) : "memory");
}

/* A task's guard is gone, or that of the interrupts' stack (NULL), found when the next task was
 * about to run: tells whose and ends the program; a program may define it itself. */
void kernel_overflowed(const char *task);

#endif
