/* SPDX-License-Identifier: MIT */
/* sys_arch - lwIP's semaphores, mutexes and mailboxes are those of the test kernel. They are in
 * lwIP's own variables, and take no memory elsewhere. */
#ifndef ARCH_SYS_ARCH_H
#define ARCH_SYS_ARCH_H

#include "kernel.h"

typedef struct sys_sem_t {
    kernel_sem sem;
    uint8_t valid;
} sys_sem_t;
#define sys_sem_valid(s)       ((s)->valid)
#define sys_sem_set_invalid(s) ((s)->valid = 0)

typedef kernel_mutex sys_mutex_t;
#define sys_mutex_valid(m)       1
#define sys_mutex_set_invalid(m) (void)(m)

/* messages: segments that wait for the task, and requests of the task and the interrupt to lwIP's
 * thread. A power of two */
#define MBOX_MAX 8u
typedef struct sys_mbox_t {
    kernel_sem filled, room;
    void *ring[MBOX_MAX];
    uint8_t begin, end, valid;
} sys_mbox_t;
#define sys_mbox_valid(m)       ((m)->valid)
#define sys_mbox_set_invalid(m) ((m)->valid = 0)

typedef kernel_task *sys_thread_t;
typedef uint32_t sys_prot_t;

uint32_t sys_thread_stack_used(void); /* bytes of the stack of lwIP's thread, at most so far; its
                                         size is TCPIP_THREAD_STACKSIZE */

#endif
