/* SPDX-License-Identifier: MIT */
/* sys_arch.h - lwIP's threads on this machine: those of POSIX (tests/lwip/sys_arch.c). */
#ifndef TESTS_LWIP_ARCH_SYS_ARCH_H
#define TESTS_LWIP_ARCH_SYS_ARCH_H

#include <pthread.h>

typedef struct test_sem *sys_sem_t;
typedef struct test_mutex *sys_mutex_t;
typedef struct test_mbox *sys_mbox_t;
typedef pthread_t sys_thread_t;
typedef int sys_prot_t;

#define sys_sem_valid(s)         (*(s) != NULL)
#define sys_sem_set_invalid(s)   (*(s) = NULL)
#define sys_mutex_valid(m)       (*(m) != NULL)
#define sys_mutex_set_invalid(m) (*(m) = NULL)
#define sys_mbox_valid(m)        (*(m) != NULL)
#define sys_mbox_set_invalid(m)  (*(m) = NULL)

sys_sem_t *test_thread_sem(void);
void test_thread_sem_free(void);
#define LWIP_NETCONN_THREAD_SEM_GET()   test_thread_sem()
#define LWIP_NETCONN_THREAD_SEM_ALLOC() ((void)test_thread_sem())
#define LWIP_NETCONN_THREAD_SEM_FREE()  test_thread_sem_free()

/* For tests: semaphores that exist; and the n-th creation from now on fails, once (0: none). */
int test_semaphores(void);
void test_fail_semaphore(int n);

#endif
