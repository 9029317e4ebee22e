/* SPDX-License-Identifier: MIT */
/* kernel - see kernel.h. All tasks are in a ring. The next to run is the most urgent one that can,
 * and among equals the next in the ring. The switch is PendSV, which every interrupt comes before.
 * The saved registers are on the task's stack, below those that the core pushed. Interrupts are off
 * while the ring or a semaphore changes.
 *
 *     runs -> take, lock, sleep -> waits_for -> give, unlock, or the tick at wakes_at ->
 *         can run -> kernel_next -> runs */
#include "kernel.h"

#include "board.h"
#include "clock.h"
#include "console.h"

#define PAINT       0x6b72656eu
#define SCB_ICSR    REGISTER(0xe000ed04u, 0)
#define PENDSVSET   (1u << 28)
#define SCB_SHPR3   REGISTER(0xe000ed20u, 0)
#define PENDSV_LAST (0xffu << 16) /* after every other interrupt */

void kernel_switch(void);
uint32_t *kernel_next(uint32_t *sp);

static kernel_task first, idle;
static kernel_task *running; /* NULL until kernel_start: earlier ticks find no ring */
static uint32_t idle_stack[KERNEL_STACK_MIN / 4];
/* of interrupts, one inside the other; its lowest word is a guard */
static uint32_t handler_stack[128] __attribute__((aligned(8)));
static const char sleeping[] = "sleep";

/* ---- the switch ---- */

/* Saves r4 to r11 below the registers that the core pushed, asks for the next task, and restores
 * that task's own. For an M0+, whose instructions store r0 to r7 only. */
__attribute__((naked)) void kernel_switch(void) {
    __asm__ volatile(".syntax unified\n"
                     "mrs r0, psp\n"
                     "subs r0, #32\n"
                     "stmia r0!, {r4-r7}\n"
                     "mov r4, r8\n"
                     "mov r5, r9\n"
                     "mov r6, r10\n"
                     "mov r7, r11\n"
                     "stmia r0!, {r4-r7}\n"
                     "subs r0, #32\n"
                     "push {r3, lr}\n"
                     "bl kernel_next\n"
                     "adds r0, #16\n"
                     "ldmia r0!, {r4-r7}\n"
                     "mov r8, r4\n"
                     "mov r9, r5\n"
                     "mov r10, r6\n"
                     "mov r11, r7\n"
                     "msr psp, r0\n"
                     "subs r0, #32\n"
                     "ldmia r0!, {r4-r7}\n"
                     "pop {r3, pc}\n");
}

__attribute__((weak)) void kernel_overflowed(const char *task) {
    console_text(task ? "the stack of the task " : "the stack of interrupts");
    if (task) console_text(task);
    console_text(" overflowed\n");
    console_exit(3);
}

/* The stack of the first task has no guard: there is no memory below it. */
static int has_overflowed(const kernel_task *t) {
    return t->stack && (t->sp <= t->stack || *t->stack != PAINT);
}

__attribute__((used)) uint32_t *kernel_next(uint32_t *sp) {
    uint32_t before = kernel_protect();
    /* Before the ring is read: an overflow may have reached it. */
    if (*handler_stack != PAINT) kernel_overflowed(NULL);
    kernel_task *best = running->next, *t = best;
    running->sp = sp;
    if (has_overflowed(running)) kernel_overflowed(running->name);
    do {
        t = t->next;
        if (!t->waits_for && (best->waits_for || t->priority > best->priority)) best = t;
    } while (t != running);
    running = best;
    kernel_unprotect(before);
    return best->sp;
}

static void ask_for_switch(void) { SCB_ICSR = PENDSVSET; }

/* ---- tasks ---- */

static void join(kernel_task *t, unsigned priority) {
    t->priority = t->own_priority = (uint8_t)priority;
    t->next = running->next;
    running->next = t;
}

void kernel_add(kernel_task *t, const char *name, void (*run)(void *arg), void *arg,
                uint32_t *stack, uint32_t octets, unsigned priority) {
    uint32_t *top = (uint32_t *)(((uintptr_t)stack + octets) & ~(uintptr_t)7);
    for (uint32_t *p = stack; p < top; p++)
        *p = PAINT;
    /* As if the core had interrupted the task before its first instruction: r0 is its argument. */
    top -= 8;
    top[0] = (uint32_t)(uintptr_t)arg;
    top[5] = 0;
    top[6] = (uint32_t)(uintptr_t)run & ~1u;
    top[7] = 1u << 24; /* Thumb */
    *t = (kernel_task){.sp = top - 8, .name = name, .stack = stack, .octets = octets};
    uint32_t before = kernel_protect();
    join(t, priority);
    kernel_unprotect(before);
    ask_for_switch();
}

static void idle_run(void *arg) {
    (void)arg;
    for (;;)
        wait_for_interrupt();
}

void kernel_start(unsigned priority) {
    irq_off(); /* no tick may come between the ring and the stacks that it needs */
    running = &first;
    first.next = &first;
    first.name = "main";
    first.priority = first.own_priority = (uint8_t)priority;
    *handler_stack = PAINT;
    SCB_SHPR3 |= PENDSV_LAST;
    /* main's stack becomes a task's; interrupts get the other one. */
    __asm__ volatile(".syntax unified\n"
                     "mrs r0, msp\n"
                     "msr psp, r0\n"
                     "movs r0, #2\n"
                     "msr control, r0\n"
                     "isb\n"
                     "msr msp, %0\n"
                     :
                     : "r"(handler_stack + sizeof handler_stack / sizeof *handler_stack)
                     : "r0", "memory");
    kernel_add(&idle, "idle", idle_run, NULL, idle_stack, sizeof idle_stack, 0);
    irq_on();
}

uint32_t kernel_stack_free(const kernel_task *t) {
    uint32_t n = 0;
    while (n < t->octets / 4 && t->stack[n] == PAINT)
        n++;
    return 4 * n;
}

int *kernel_errno(void) { return &running->error; }

/* ---- waiting ---- */

/* The running task waits from the moment when interrupts are on again. Interrupts are off now. */
static void begin_to_wait(const void *what, uint32_t limit_ms) {
    running->waits_for = what;
    running->got = 0;
    running->timed = limit_ms != KERNEL_FOREVER;
    running->wakes_at = clock_ms() + limit_ms;
    ask_for_switch();
}

/* The switch comes here, as soon as interrupts are on again. */
static int end_of_wait(kernel_task *me, uint32_t before) {
    kernel_unprotect(before);
    __asm__ volatile("isb" : : : "memory");
    return me->got;
}

static void wake(kernel_task *t, uint8_t got) {
    t->waits_for = NULL;
    t->got = got;
    if (t->priority > running->priority || running->waits_for) ask_for_switch();
}

/* Returns the most urgent task that waits for this; among equals the next in turn; NULL = no
 * task. */
static kernel_task *waiter(const void *what) {
    kernel_task *best = NULL, *t = running;
    do {
        t = t->next;
        if (t->waits_for == what && (!best || t->priority > best->priority)) best = t;
    } while (t != running);
    return best;
}

void clock_ticked(void) {
    /* The clock runs before the kernel does, and a slow start is longer than a tick. */
    if (!running) return;
    uint32_t before = kernel_protect();
    kernel_task *t = running;
    do {
        t = t->next;
        if (t->waits_for && t->timed && (int32_t)(clock_ms() - t->wakes_at) >= 0) wake(t, 0);
    } while (t != running);
    ask_for_switch(); /* tasks of one priority take turns */
    kernel_unprotect(before);
}

/* ---- semaphores, mutexes, sleep ---- */

int kernel_take(kernel_sem *s, uint32_t limit_ms) {
    uint32_t before = kernel_protect();
    if (s->count == 0 && limit_ms) {
        begin_to_wait(s, limit_ms);
        return end_of_wait(running, before);
    }
    int got = s->count > 0;
    s->count -= (uint32_t)got;
    kernel_unprotect(before);
    return got;
}

void kernel_give(kernel_sem *s) {
    uint32_t before = kernel_protect();
    kernel_task *t = waiter(s);
    if (t)
        wake(t, 1);
    else
        s->count++;
    kernel_unprotect(before);
}

int kernel_lock(kernel_mutex *m, uint32_t limit_ms) {
    uint32_t before = kernel_protect();
    int got = !m->owner;
    if (got) m->owner = running;
    if (!got && limit_ms) {
        if (m->owner->priority < running->priority) m->owner->priority = running->priority;
        begin_to_wait(m, limit_ms);
        return end_of_wait(running, before);
    }
    kernel_unprotect(before);
    return got;
}

/* The task that waits for it is its next owner. */
void kernel_unlock(kernel_mutex *m) {
    uint32_t before = kernel_protect();
    running->priority = running->own_priority;
    m->owner = waiter(m);
    if (m->owner) wake(m->owner, 1);
    ask_for_switch();
    kernel_unprotect(before);
}

void kernel_sleep(uint32_t ms) {
    uint32_t before = kernel_protect();
    begin_to_wait(sleeping, ms);
    (void)end_of_wait(running, before);
}
