/* SPDX-License-Identifier: MIT */
/* sys_arch - what lwIP with threads asks of an operating system, on POSIX threads. A semaphore is a
 * count under a mutex with a condition variable; a mailbox is a ring under the same. */
#define _POSIX_C_SOURCE 200809L

#include <lwip/sys.h>

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { MBOX_MAX = 64 };

struct test_sem {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
};

struct test_mutex {
    pthread_mutex_t lock;
};

struct test_mbox {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned size, first, used;
    void *message[MBOX_MAX];
};

static pthread_mutex_t protection, counts = PTHREAD_MUTEX_INITIALIZER;
static int semaphores, fail_in;
static __thread sys_sem_t thread_sem;

/* ---- time ---- */

u32_t sys_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u32_t)((u64_t)t.tv_sec * 1000u + (u64_t)t.tv_nsec / 1000000u);
}

static void condition_init(pthread_cond_t *c) {
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

/* One wait, until `end` at most (NULL: for ever). 0 once it is over. */
static int wait_until(pthread_cond_t *c, pthread_mutex_t *lock, const struct timespec *end) {
    return end ? pthread_cond_timedwait(c, lock, end) != ETIMEDOUT
               : pthread_cond_wait(c, lock) == 0;
}

static const struct timespec *end_of(u32_t timeout_ms, struct timespec *end) {
    if (timeout_ms == 0) return NULL;
    clock_gettime(CLOCK_MONOTONIC, end);
    end->tv_sec += timeout_ms / 1000;
    end->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (end->tv_nsec >= 1000000000) end->tv_sec++, end->tv_nsec -= 1000000000;
    return end;
}

/* ---- semaphores ---- */

static int may_create(void) {
    pthread_mutex_lock(&counts);
    int fails = fail_in && --fail_in == 0;
    semaphores += !fails;
    pthread_mutex_unlock(&counts);
    return !fails;
}

int test_semaphores(void) {
    pthread_mutex_lock(&counts);
    int n = semaphores;
    pthread_mutex_unlock(&counts);
    return n;
}

void test_fail_semaphore(int n) {
    pthread_mutex_lock(&counts);
    fail_in = n;
    pthread_mutex_unlock(&counts);
}

err_t sys_sem_new(sys_sem_t *sem, u8_t count) {
    struct test_sem *s = may_create() ? malloc(sizeof *s) : NULL;
    *sem = s;
    if (!s) return ERR_MEM;
    s->count = count;
    pthread_mutex_init(&s->lock, NULL);
    condition_init(&s->changed);
    return ERR_OK;
}

void sys_sem_free(sys_sem_t *sem) {
    struct test_sem *s = *sem;
    pthread_mutex_lock(&s->lock); /* whoever signals it may still be inside */
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
    pthread_mutex_lock(&counts);
    semaphores--;
    pthread_mutex_unlock(&counts);
}

void sys_sem_signal(sys_sem_t *sem) {
    struct test_sem *s = *sem;
    pthread_mutex_lock(&s->lock);
    s->count++;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

u32_t sys_arch_sem_wait(sys_sem_t *sem, u32_t timeout_ms) {
    struct test_sem *s = *sem;
    struct timespec room;
    const struct timespec *end = end_of(timeout_ms, &room);
    u32_t began_at = sys_now();
    pthread_mutex_lock(&s->lock);
    while (s->count == 0 && wait_until(&s->changed, &s->lock, end)) {}
    int got = s->count > 0;
    s->count -= (unsigned)got;
    pthread_mutex_unlock(&s->lock);
    return got ? sys_now() - began_at : SYS_ARCH_TIMEOUT;
}

sys_sem_t *test_thread_sem(void) {
    if (!thread_sem) sys_sem_new(&thread_sem, 0);
    return &thread_sem;
}

void test_thread_sem_free(void) {
    if (thread_sem) sys_sem_free(&thread_sem);
    thread_sem = NULL;
}

/* ---- mutexes ---- */

err_t sys_mutex_new(sys_mutex_t *mutex) {
    struct test_mutex *m = malloc(sizeof *m);
    *mutex = m;
    if (!m) return ERR_MEM;
    pthread_mutex_init(&m->lock, NULL);
    return ERR_OK;
}

void sys_mutex_free(sys_mutex_t *mutex) {
    pthread_mutex_destroy(&(*mutex)->lock);
    free(*mutex);
}

void sys_mutex_lock(sys_mutex_t *mutex) { pthread_mutex_lock(&(*mutex)->lock); }
void sys_mutex_unlock(sys_mutex_t *mutex) { pthread_mutex_unlock(&(*mutex)->lock); }

/* ---- mailboxes ---- */

err_t sys_mbox_new(sys_mbox_t *mbox, int size) {
    struct test_mbox *m = calloc(1, sizeof *m);
    *mbox = m;
    if (!m) return ERR_MEM;
    if (size > MBOX_MAX) abort();
    m->size = size > 0 ? (unsigned)size : MBOX_MAX;
    pthread_mutex_init(&m->lock, NULL);
    condition_init(&m->changed);
    return ERR_OK;
}

void sys_mbox_free(sys_mbox_t *mbox) {
    pthread_mutex_destroy(&(*mbox)->lock);
    pthread_cond_destroy(&(*mbox)->changed);
    free(*mbox);
}

static err_t post(struct test_mbox *m, void *message, int waits) {
    pthread_mutex_lock(&m->lock);
    while (waits && m->used == m->size)
        pthread_cond_wait(&m->changed, &m->lock);
    int fits = m->used < m->size;
    if (fits) m->message[(m->first + m->used++) % m->size] = message;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    return fits ? ERR_OK : ERR_MEM;
}

void sys_mbox_post(sys_mbox_t *mbox, void *message) { (void)post(*mbox, message, 1); }
err_t sys_mbox_trypost(sys_mbox_t *mbox, void *message) { return post(*mbox, message, 0); }
err_t sys_mbox_trypost_fromisr(sys_mbox_t *mbox, void *message) { return post(*mbox, message, 0); }

static int take(struct test_mbox *m, void **message) {
    if (m->used == 0) return 0;
    if (message) *message = m->message[m->first];
    m->first = (m->first + 1) % m->size;
    m->used--;
    pthread_cond_broadcast(&m->changed);
    return 1;
}

u32_t sys_arch_mbox_fetch(sys_mbox_t *mbox, void **message, u32_t timeout_ms) {
    struct test_mbox *m = *mbox;
    struct timespec room;
    const struct timespec *end = end_of(timeout_ms, &room);
    u32_t began_at = sys_now();
    pthread_mutex_lock(&m->lock);
    while (m->used == 0 && wait_until(&m->changed, &m->lock, end)) {}
    int got = take(m, message);
    pthread_mutex_unlock(&m->lock);
    return got ? sys_now() - began_at : SYS_ARCH_TIMEOUT;
}

u32_t sys_arch_mbox_tryfetch(sys_mbox_t *mbox, void **message) {
    pthread_mutex_lock(&(*mbox)->lock);
    int got = take(*mbox, message);
    pthread_mutex_unlock(&(*mbox)->lock);
    return got ? 0 : SYS_MBOX_EMPTY;
}

/* ---- the rest ---- */

struct start {
    lwip_thread_fn function;
    void *arg;
};

static void *run(void *arg) {
    struct start s = *(struct start *)arg;
    free(arg);
    s.function(s.arg);
    return NULL;
}

sys_thread_t sys_thread_new(const char *name, lwip_thread_fn function, void *arg, int stack,
                            int priority) {
    pthread_t thread;
    struct start *s = malloc(sizeof *s);
    (void)name, (void)stack, (void)priority;
    if (!s) abort();
    s->function = function;
    s->arg = arg;
    if (pthread_create(&thread, NULL, run, s) != 0) abort();
    pthread_detach(thread);
    return thread;
}

sys_prot_t sys_arch_protect(void) { return pthread_mutex_lock(&protection); }
void sys_arch_unprotect(sys_prot_t p) { (void)p, pthread_mutex_unlock(&protection); }

void sys_init(void) {
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&protection, &a);
    pthread_mutexattr_destroy(&a);
}
