/* SPDX-License-Identifier: MIT */
/* sys_arch - the parts of an operating system that lwIP needs, over the test kernel (kernel.h; the
 * types are in arch/sys_arch.h). */
#include "clock.h"
#include "kernel.h"
#include "lwip/sys.h"

static uint32_t limit_of(u32_t timeout_ms) {
    return timeout_ms ? timeout_ms : KERNEL_FOREVER; /* lwIP's 0 means for ever */
}

u32_t sys_now(void) { return clock_ms(); }
void sys_init(void) {}
sys_prot_t sys_arch_protect(void) { return kernel_protect(); }
void sys_arch_unprotect(sys_prot_t pval) { kernel_unprotect(pval); }

/* ---- semaphores and mutexes ---- */

err_t sys_sem_new(sys_sem_t *s, u8_t count) {
    s->sem.count = count;
    s->valid = 1;
    return ERR_OK;
}

void sys_sem_free(sys_sem_t *s) { s->valid = 0; }
void sys_sem_signal(sys_sem_t *s) { kernel_give(&s->sem); }

u32_t sys_arch_sem_wait(sys_sem_t *s, u32_t timeout_ms) {
    uint32_t began_at = clock_ms();
    return kernel_take(&s->sem, limit_of(timeout_ms)) ? clock_ms() - began_at : SYS_ARCH_TIMEOUT;
}

err_t sys_mutex_new(sys_mutex_t *m) {
    m->owner = NULL;
    return ERR_OK;
}

void sys_mutex_free(sys_mutex_t *m) { (void)m; }
void sys_mutex_lock(sys_mutex_t *m) { (void)kernel_lock(m, KERNEL_FOREVER); }
void sys_mutex_unlock(sys_mutex_t *m) { kernel_unlock(m); }

/* ---- mailboxes: a ring, with a count of its messages and one of its free places ---- */

err_t sys_mbox_new(sys_mbox_t *m, int size) {
    if (size > (int)MBOX_MAX) return ERR_MEM;
    *m = (sys_mbox_t){.filled = {0}, .room = {MBOX_MAX}, .valid = 1};
    return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *m) { m->valid = 0; }

static err_t post(sys_mbox_t *m, void *msg, uint32_t limit_ms) {
    if (!kernel_take(&m->room, limit_ms)) return ERR_MEM;
    uint32_t before = kernel_protect();
    m->ring[m->end++ % MBOX_MAX] = msg;
    kernel_unprotect(before);
    kernel_give(&m->filled);
    return ERR_OK;
}

void sys_mbox_post(sys_mbox_t *m, void *msg) { (void)post(m, msg, KERNEL_FOREVER); }
err_t sys_mbox_trypost(sys_mbox_t *m, void *msg) { return post(m, msg, 0); }
err_t sys_mbox_trypost_fromisr(sys_mbox_t *m, void *msg) { return post(m, msg, 0); }

static int fetch(sys_mbox_t *m, void **msg, uint32_t limit_ms) {
    if (!kernel_take(&m->filled, limit_ms)) return 0;
    uint32_t before = kernel_protect();
    void *taken = m->ring[m->begin++ % MBOX_MAX];
    kernel_unprotect(before);
    if (msg) *msg = taken;
    kernel_give(&m->room);
    return 1;
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *m, void **msg, u32_t timeout_ms) {
    uint32_t began_at = clock_ms();
    return fetch(m, msg, limit_of(timeout_ms)) ? clock_ms() - began_at : SYS_ARCH_TIMEOUT;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *m, void **msg) {
    return fetch(m, msg, 0) ? 0 : SYS_MBOX_EMPTY;
}

/* ---- lwIP's thread, the only one that it starts ---- */

static uint32_t stack[TCPIP_THREAD_STACKSIZE / 4];
static kernel_task net_thread;

sys_thread_t sys_thread_new(const char *name, lwip_thread_fn thread, void *arg, int stacksize,
                            int prio) {
    (void)stacksize;
    kernel_add(&net_thread, name, thread, arg, stack, sizeof stack, (unsigned)prio);
    return &net_thread;
}

uint32_t sys_thread_stack_used(void) {
    return (uint32_t)sizeof stack - kernel_stack_free(&net_thread);
}
