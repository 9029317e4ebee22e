/* SPDX-License-Identifier: MIT */
/* The test kernel of examples/firmware, tried: one line on the console for each thing that must
 * hold, "ok NAME" or "FAILED NAME". The last thing that the program does is to overflow a stack,
 * which must end it; with DEEP_INTERRUPT=6 the first thing is to overflow that of interrupts. */
#include "kernel.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "eth.h"

#define NVIC_PEND(irq) (REGISTER(0xe000e200u, (irq) / 32u * 4u) = 1u << (irq) % 32u)

int main(void);

static kernel_task worker[3];
static uint32_t stacks[3][128];
static volatile uint32_t turns[3], order, ordered[3], registers_wrong, errno_wrong;
static kernel_sem nobody_gives, asked, answered, woken;
static kernel_mutex mutex, wanted;

static void tell(const char *name, int holds) {
    console_text(holds ? "ok " : "FAILED ");
    console_text(name);
    console_text("\n");
}

/* Counts, with a value of its own in every register that the compiler has, and in errno: another
 * task's would show. */
static void count(void *arg) {
    uint32_t me = (uint32_t)(uintptr_t)arg;
    uint32_t a = me, b = me + 10, c = me + 20, d = me + 30, e = me + 40, f = me + 50, g = me + 60;
    *kernel_errno() = (int)me + 1;
    for (;;) {
        __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g));
        if (a != me || b != me + 10 || c != me + 20 || d != me + 30 || e != me + 40 ||
            f != me + 50 || g != me + 60)
            registers_wrong = 1;
        if (*kernel_errno() != (int)me + 1) errno_wrong = 1;
        turns[me]++;
    }
}

static void answer(void *arg) {
    (void)arg;
    for (;;) {
        (void)kernel_take(&asked, KERNEL_FOREVER);
        ordered[order++ % 3] = 2;
        kernel_give(&answered);
    }
}

static void hold(void *arg) {
    (void)arg;
    (void)kernel_lock(&mutex, KERNEL_FOREVER);
    kernel_sleep(50);
    kernel_unlock(&mutex);
    for (;;)
        (void)kernel_take(&nobody_gives, KERNEL_FOREVER);
}

/* Holds what is wanted for a while, without rest. */
static void work(void *arg) {
    (void)arg;
    (void)kernel_lock(&wanted, KERNEL_FOREVER);
    uint32_t began = clock_ms();
    while (clock_ms() - began < 300) {}
    kernel_unlock(&wanted);
    for (;;)
        (void)kernel_take(&nobody_gives, KERNEL_FOREVER);
}

static void hog(void *arg) {
    (void)arg;
    for (;;)
        turns[2]++;
}

__attribute__((noinline)) static uint32_t deep(uint32_t n) {
    volatile uint32_t room[16];
    for (unsigned i = 0; i < 16; i++)
        room[i] = n;
    return n ? deep(n - 1) + room[n % 16] : room[0] + 1;
}

/* An interrupt that needs more than the stack of interrupts has. */
void eth_interrupt(void) { turns[0] = deep(DEEP_INTERRUPT); }

static void overflow(void *arg) {
    (void)arg;
    turns[0] = deep(9); /* beyond its stack, into the one below: the next switch sees it */
    for (;;)
        kernel_sleep(1);
}

int main(void) {
    clock_start();
    /* On a loaded machine the first ticks come before the kernel starts; here they always do. */
    while (clock_ms() < 3 * CLOCK_TICK_MS) {}
    kernel_start(3);

    NVIC_ENABLE((uint32_t)BOARD_ETH_IRQ);
    NVIC_PEND((uint32_t)BOARD_ETH_IRQ);
    kernel_sleep(20);
    tell("an interrupt comes", turns[0] != 0);
    turns[0] = 0;

    uint32_t began = clock_ms();
    tell("a semaphore that nobody gives is waited for as long as said",
         !kernel_take(&nobody_gives, 100) && clock_ms() - began >= 100);
    tell("without time it is not waited for", !kernel_take(&nobody_gives, 0));
    kernel_give(&woken);
    tell("what was given is taken at once", kernel_take(&woken, 0) && !kernel_take(&woken, 0));
    began = clock_ms();
    kernel_sleep(50);
    tell("sleep lasts", clock_ms() - began >= 50);

    kernel_add(&worker[0], "one", count, (void *)0, stacks[0], sizeof stacks[0], 1);
    kernel_add(&worker[1], "two", count, (void *)1, stacks[1], sizeof stacks[1], 1);
    began = clock_ms();
    while (clock_ms() - began < 100) {}
    tell("who is less urgent does not run", turns[0] == 0 && turns[1] == 0);
    kernel_sleep(500);
    tell("those of one priority take turns", turns[0] / 4 < turns[1] && turns[1] / 4 < turns[0]);
    tell("each has its own registers", !registers_wrong);
    tell("and its own errno", !errno_wrong && *kernel_errno() == 0);

    kernel_add(&worker[2], "answer", answer, NULL, stacks[2], sizeof stacks[2], 5);
    kernel_sleep(20);
    order = 0;
    kernel_give(&asked); /* it is more urgent, and runs before the next line */
    ordered[order++ % 3] = 3;
    tell("who is more urgent runs at once",
         ordered[0] == 2 && ordered[1] == 3 && kernel_take(&answered, 0));
    tell("the mark of a stack is where it was",
         kernel_stack_free(&worker[2]) > 64 &&
             kernel_stack_free(&worker[2]) < sizeof stacks[2] - 64);

    static kernel_task holder;
    static uint32_t holder_stack[128];
    kernel_add(&holder, "hold", hold, NULL, holder_stack, sizeof holder_stack, 2);
    kernel_sleep(20);
    began = clock_ms();
    tell("a mutex that is held is waited for as long as said", !kernel_lock(&mutex, 10));
    tell("and then until it is free",
         kernel_lock(&mutex, KERNEL_FOREVER) && clock_ms() - began >= 10);
    kernel_unlock(&mutex);

    static kernel_task slow, between;
    static uint32_t slow_stack[128], between_stack[128];
    kernel_add(&slow, "slow", work, NULL, slow_stack, sizeof slow_stack, 1);
    kernel_sleep(100);
    kernel_add(&between, "between", hog, NULL, between_stack, sizeof between_stack, 2);
    tell("who holds a mutex is as urgent as who waits for it",
         !kernel_lock(&wanted, 0) && kernel_lock(&wanted, 2000));
    uint32_t turns_then = turns[2];
    kernel_unlock(&wanted);
    kernel_sleep(20);
    tell("and no longer than that", turns[2] != turns_then && slow.priority == 1);

    static kernel_task deep_one;
    static uint32_t deep_stacks[2][96];
    kernel_add(&deep_one, "deep", overflow, NULL, deep_stacks[1], sizeof deep_stacks[1], 4);
    kernel_sleep(100);
    tell("an overflow ends the program", 0);
    return 1;
}
