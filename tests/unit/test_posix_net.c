/* SPDX-License-Identifier: MIT */
/* test_posix_net - the POSIX transport and its resolver against loopback listeners in this process.
 * Name service is played by a getaddrinfo of our own, for names that end in .test or .invalid: no
 * test asks a name server. Addresses in 127/8 are those of Linux's loopback. */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "popcl_posix.h"
#include "posix_internal.h"

/* more than any test needs: where it is the limit, something else must end the call */
#define LONG_MS  60000u
#define SHORT_MS 300u

/* ---- a name service ---- */

static int witness_fd = -1; /* open in this process, and not to be so where names are looked up */
static volatile sig_atomic_t stop_flag;

static void on_signal(int number) {
    (void)number;
    stop_flag = 1;
}

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static look_up_fn *real_look_up(void) {
    look_up_fn *f;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&f, &symbol, sizeof f); /* ISO C knows no cast between the two kinds of pointers */
    return f;
}

static const struct {
    const char *name;
    const char *address[2];
    int times;
} hosts[] = {
    {"one.test", {"127.0.0.1", NULL}, 1},
    {"clean.test", {"127.0.0.1", NULL}, 1},
    {"six.test", {"::1", NULL}, 1},
    {"many.test", {"127.0.0.1", NULL}, 40},
    {"first-dead.test", {"127.0.0.2", "127.0.0.1"}, 1},
    {"first-silent.test", {"127.0.0.3", "127.0.0.1"}, 1},
    {"last-refuses.test", {"127.0.0.3", "127.0.0.2"}, 1},
    {"all-silent.test", {"127.0.0.3", NULL}, 40},
};

/* The child that looks up names must be as a new process: signals as the system has them, nothing
 * of ours open. */
static int child_is_clean(void) {
    struct sigaction a;
    sigset_t blocked;
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int s = 1; s < 32; s++)
        if (sigismember(&blocked, s) || (sigaction(s, NULL, &a) == 0 && a.sa_handler != SIG_DFL))
            return 0;
    return fcntl(witness_fd, F_GETFD) < 0;
}

/* The families that were tried, in that order, and a machine that is short of sockets. */
static char tried[32];
static int sockets_left = -1; /* -1: enough */

int socket(int family, int type, int protocol) {
    int (*real)(int, int, int);
    void *symbol = dlsym(RTLD_NEXT, "socket");
    memcpy(&real, &symbol, sizeof real);
    size_t n = strlen(tried);
    if (n + 1 < sizeof tried) tried[n] = family == AF_INET6 ? '6' : '4';
    if (sockets_left == 0) {
        errno = ENOBUFS;
        return -1;
    }
    if (sockets_left > 0) sockets_left--;
    return real(family, type, protocol);
}

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai) {
    size_t n = strlen(name);
    if (req->ai_flags & AI_NUMERICHOST) return real_look_up()(name, service, req, pai);
    if (strcmp(name, "slow.test") == 0)
        for (;;)
            pause();
    if (strcmp(name, "crash.test") == 0) raise(SIGKILL);
    if (strcmp(name, "later.test") == 0) return EAI_AGAIN;
    if (strcmp(name, "refused.test") == 0) return EAI_FAIL;
    if (strcmp(name, "broken.test") == 0) {
        errno = ECONNREFUSED;
        return EAI_SYSTEM;
    }
    if (strcmp(name, "clean.test") == 0 && !child_is_clean()) return EAI_AGAIN;
    if (n > 8 && strcmp(name + n - 8, ".invalid") == 0) return EAI_NONAME;
    *pai = NULL;
    if (strncmp(name, "order-", 6) == 0) {
        struct addrinfo *one, numeric = *req;
        numeric.ai_flags |= AI_NUMERICHOST;
        for (size_t i = n; i-- > 6;)
            if (real_look_up()(name[i] == '6' ? "::1" : "127.0.0.1", service, &numeric, &one) == 0)
                one->ai_next = *pai, *pai = one;
        return 0;
    }
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        for (int k = 0; strcmp(hosts[i].name, name) == 0 && k < 2 * hosts[i].times; k++) {
            const char *address = hosts[i].address[1 - k % 2];
            struct addrinfo *one, *rest = *pai, numeric = *req;
            numeric.ai_flags |= AI_NUMERICHOST;
            if (address && real_look_up()(address, service, &numeric, &one) == 0)
                one->ai_next = rest, *pai = one;
        }
    return *pai ? 0 : EAI_NONAME;
}

/* ---- peers ---- */

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_storage *a) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", port);
    assert_int_equal(real_look_up()(text, service, &hints, &list), 0);
    socklen_t len = list->ai_addrlen;
    memcpy(a, list->ai_addr, len);
    freeaddrinfo(list);
    return len;
}

/* A listener; *port 0: any, and which is told. -1 where this machine has no such address. */
static int listener(const char *text, uint16_t *port, int backlog) {
    struct sockaddr_storage a;
    const int on = 1;
    socklen_t len = address_of(text, *port, &a);
    int fd = socket(a.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, len) < 0) {
        close(fd);
        return -1;
    }
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                          : ((struct sockaddr_in *)&a)->sin_port);
    return fd;
}

/* A port where nobody listens: somebody just did. */
static uint16_t closed_port(void) {
    uint16_t port = 0;
    close(listener("127.0.0.1", &port, 1));
    return port;
}

#define FILLERS 64
typedef struct silent {
    int fd, filler[FILLERS];
} silent;

/* A peer that answers no connection: its queue is full, and further ones are dropped. Returns 0
 * where that cannot be had. */
static int be_silent(silent *s, const char *text, uint16_t *port) {
    struct sockaddr_storage a;
    int full = 0;
    s->fd = listener(text, port, 0);
    for (int i = 0; i < FILLERS; i++)
        s->filler[i] = -1;
    if (s->fd < 0) return 0;
    socklen_t len = address_of(text, *port, &a);
    for (int i = 0; i < FILLERS && !full; i++) {
        s->filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(s->filler[i], (struct sockaddr *)&a, len) == 0) continue;
        struct pollfd p = {s->filler[i], POLLOUT, 0};
        full = poll(&p, 1, 200) == 0;
    }
    return full;
}

static void end_silence(silent *s) {
    for (int i = 0; i < FILLERS; i++)
        if (s->filler[i] >= 0) close(s->filler[i]);
    if (s->fd >= 0) close(s->fd);
}

/* ---- what must not be left ---- */

static int files_before;

static int open_files(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static int set_up(void **state) {
    (void)state;
    files_before = open_files();
    stop_flag = 0;
    return 0;
}

/* [I-7] No descriptor and no process is left by any test. */
static int nothing_is_left(void **state) {
    (void)state;
    if (open_files() != files_before) return -1;
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : -1;
}

static popcl_err open_close(popcl_posix_net *n, const char *host, uint16_t port,
                            uint32_t limit_ms) {
    popcl_err r = popcl_posix.open(n, host, port, limit_ms);
    if (r == POPCL_OK) popcl_posix.close(n);
    return r;
}

static popcl_err resolve(const char *host, int family, pop_resolved *found) {
    return pop_resolve(host, 110, family, LONG_MS, NULL, found);
}

/* ---- connecting ---- */

static void literals_and_names_connect(void **state) {
    static const struct {
        const char *listen, *host, *peer;
        int family;
    } peers[] = {
        {"127.0.0.1", "127.0.0.1", "127.0.0.1", AF_UNSPEC},
        {"::1", "::1", "::1", AF_UNSPEC},
        {"127.0.0.1", "localhost", "127.0.0.1", AF_UNSPEC},
        {"::1", "LocalHost.", "::1", AF_UNSPEC},
        {"127.0.0.1", "localhost", "127.0.0.1", AF_INET},
        {"::1", "localhost", "::1", AF_INET6},
        {"127.0.0.1", "one.test", "127.0.0.1", AF_UNSPEC},
        {"::1", "six.test", "::1", AF_UNSPEC},
        {"127.0.0.1", "clean.test", "127.0.0.1", AF_UNSPEC},
    };
    struct rlimit before, low;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 64;
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        uint16_t port = 0;
        popcl_posix_net n = {.family = peers[i].family};
        int fd = listener(peers[i].listen, &port, 4);
        if (fd < 0) continue;                 /* a machine without IPv6 */
        witness_fd = fcntl(fd, F_DUPFD, 900); /* above the limit that holds now */
        assert_true(witness_fd >= 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
        assert_int_equal(open_close(&n, peers[i].host, port, LONG_MS), POPCL_OK);
        assert_string_equal(n.peer, peers[i].peer);
        assert_int_equal(popcl_posix.code(&n), 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        close(witness_fd);
        close(fd);
    }
}

static void sockets_are_set_up_as_promised(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4), on = 0;
    socklen_t len = sizeof on;
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(popcl_posix.open(&n, "127.0.0.1", port, LONG_MS), POPCL_OK);
    assert_true(fcntl(n.fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(n.fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(getsockopt(n.fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    assert_true(on);
    popcl_posix.close(&n);
    popcl_posix.close(&n); /* [K4] harmless */
    close(fd);
}

/* [A2] */
static void a_refused_connection_is_an_error(void **state) {
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(open_close(&n, "127.0.0.1", closed_port(), LONG_MS), POPCL_ERR_CONNECT);
    assert_int_equal(popcl_posix.code(&n), ECONNREFUSED);
    assert_string_equal(n.peer, "");
    assert_int_equal(open_close(&n, "localhost", closed_port(), LONG_MS), POPCL_ERR_CONNECT);
    assert_int_equal(popcl_posix.code(&n), ECONNREFUSED); /* also where IPv6 is not even there */
}

/* [A2 A4] */
static void the_next_address_follows_a_dead_one(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(open_close(&n, "first-dead.test", port, LONG_MS), POPCL_OK);
    assert_string_equal(n.peer, "127.0.0.1");
    assert_int_equal(popcl_posix.code(&n), 0);
    close(fd);
}

/* [A3 A4] A silent address uses up its share of the time, not that of the next one. */
static void silence_ends_at_its_share_of_the_deadline(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    popcl_posix_net n = {0};
    silent s;
    (void)state;
    if (be_silent(&s, "127.0.0.3", &port)) {
        assert_int_equal(open_close(&n, "127.0.0.3", port, SHORT_MS), POPCL_ERR_TIMEOUT_CONNECT);
        assert_int_equal(popcl_posix.code(&n), ETIMEDOUT);
        assert_int_equal(open_close(&n, "first-silent.test", port, 3000), POPCL_OK);
        assert_string_equal(n.peer, "127.0.0.1");
        assert_int_equal(open_close(&n, "last-refuses.test", port, 1000),
                         POPCL_ERR_TIMEOUT_CONNECT);
        assert_int_equal(popcl_posix.code(&n), ETIMEDOUT);
    }
    end_silence(&s);
    close(fd);
}

/* [A4] RFC 8305: the next address joins a silent one soon, not when that one's share of the time is
 * over. The limit is a minute, of which the old way waited half. */
static void a_silent_address_is_joined_by_the_next(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    popcl_posix_net n = {0};
    silent s;
    (void)state;
    if (be_silent(&s, "127.0.0.3", &port)) {
        uint32_t began = pop_clock_ms();
        assert_int_equal(open_close(&n, "first-silent.test", port, LONG_MS), POPCL_OK);
        assert_true(pop_clock_ms() - began < LONG_MS / 4);
        assert_string_equal(n.peer, "127.0.0.1");
        /* All are tried within the limit, and none is left behind. */
        memset(tried, 0, sizeof tried);
        assert_int_equal(open_close(&n, "all-silent.test", port, 10 * SHORT_MS),
                         POPCL_ERR_TIMEOUT_CONNECT);
        assert_int_equal(strlen(tried), POP_ADDRESSES_MAX);
        assert_int_equal(popcl_posix.code(&n), ETIMEDOUT);
        assert_int_equal(open_close(&n, "all-silent.test", port, 0), POPCL_ERR_RESOLVE_TIMEOUT);
        /* Short of sockets with one on its way: that one may still succeed. */
        sockets_left = 1;
        assert_int_equal(open_close(&n, "all-silent.test", port, SHORT_MS),
                         POPCL_ERR_TIMEOUT_CONNECT);
        sockets_left = 1;
        assert_int_equal(open_close(&n, "127.0.0.3", port, 0), POPCL_ERR_TIMEOUT_CONNECT);
        sockets_left = -1;
    }
    end_silence(&s);
    close(fd);
}

/* RFC 8305, 4: the resolver's first address, then the families by turns. */
static void families_take_turns(void **state) {
    static const char *const lists[][2] = {{"order-666444", "646464"},
                                           {"order-664", "646"},
                                           {"order-444", "444"},
                                           {"order-6", "6"},
                                           {"order-46644", "46464"}};
    uint16_t port = 0;
    int fd = listener("::1", &port, 1);
    (void)state;
    if (fd < 0) return; /* a machine without IPv6 */
    close(fd);          /* now nobody listens there: each address is tried */
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        popcl_posix_net n = {0};
        memset(tried, 0, sizeof tried);
        assert_int_equal(open_close(&n, lists[i][0], port, LONG_MS), POPCL_ERR_CONNECT);
        assert_string_equal(tried, lists[i][1]);
    }
}

/* [I-7] */
static void without_free_descriptors_open_fails_cleanly(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    struct rlimit before, none;
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    /* none; then one end of a pipe; then the pipe, and no more for the child */
    for (rlim_t spare = 0; spare < 3; spare++) {
        int lowest = dup(fd);
        none = before;
        none.rlim_cur = (rlim_t)lowest + spare;
        close(lowest);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        popcl_err by_name = open_close(&n, "one.test", port, LONG_MS);
        int code_by_name = popcl_posix.code(&n);
        popcl_err by_address = open_close(&n, "127.0.0.1", port, LONG_MS);
        int code_by_address = popcl_posix.code(&n);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(by_address, spare ? POPCL_OK : POPCL_ERR_NET);
        assert_int_equal(code_by_address, spare ? 0 : EMFILE);
        assert_int_equal(by_name, spare > 1 ? POPCL_OK : POPCL_ERR_NET);
        assert_int_equal(code_by_name, spare > 1 ? 0 : EMFILE);
    }
    close(fd);
}

/* ---- names ---- */

/* [A1 L13] */
static void an_unknown_name_is_not_found(void **state) {
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(open_close(&n, "nobody.invalid", 110, LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(popcl_posix.code(&n), EAI_NONAME < 0 ? EAI_NONAME : -EAI_NONAME);
    assert_int_equal(open_close(&n, "refused.test", 110, LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(open_close(&n, "fe80::1%no-such-if", 110, LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(open_close(&n, "1:2:3", 110, LONG_MS), POPCL_ERR_RESOLVE);
}

/* [A1 L13] No word of name servers that there is no such name: it may be had later. */
static void a_temporary_failure_is_none_of_the_name(void **state) {
    popcl_posix_net n = {0};
    (void)state;
    assert_int_equal(open_close(&n, "later.test", 110, LONG_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(popcl_posix.code(&n), EAI_AGAIN < 0 ? EAI_AGAIN : -EAI_AGAIN);
    assert_int_equal(open_close(&n, "broken.test", 110, LONG_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(popcl_posix.code(&n), ECONNREFUSED);
    assert_int_equal(open_close(&n, "crash.test", 110, LONG_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(popcl_err_class(POPCL_ERR_RESOLVE_TIMEOUT), POPCL_CLASS_LATER);
}

/* [L3] The scope of a link-local address is kept. */
static void literals_keep_their_scope(void **state) {
    pop_resolved found;
    (void)state;
    assert_int_equal(resolve("fe80::1%1", AF_UNSPEC, &found), POPCL_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.address[0].v6.sin6_scope_id, 1);
    assert_int_equal(ntohs(found.address[0].v6.sin6_port), 110);
}

static void families_are_filtered_and_addresses_bounded(void **state) {
    pop_resolved found;
    (void)state;
    assert_int_equal(resolve("127.0.0.1", AF_INET6, &found), POPCL_ERR_RESOLVE);
    assert_int_equal(resolve("::1", AF_INET, &found), POPCL_ERR_RESOLVE);
    assert_int_equal(resolve("one.test", AF_INET6, &found), POPCL_ERR_RESOLVE);
    assert_int_equal(resolve("localhost", AF_UNSPEC, &found), POPCL_OK);
    assert_int_equal(found.count, 2);
    assert_int_equal(found.address[0].any.sa_family, AF_INET6);
    assert_int_equal(resolve("many.test", AF_UNSPEC, &found), POPCL_OK);
    assert_int_equal(found.count, POP_ADDRESSES_MAX);
    assert_int_equal(ntohs(found.address[15].v4.sin_port), 110);
}

/* [A1] A name service that never answers: given up at the deadline, and its process is gone,
 * whatever the program does with SIGCHLD. */
static void a_slow_name_ends_at_the_deadline(void **state) {
    static const sighandler_t handlers[] = {SIG_DFL, SIG_IGN, on_signal};
    popcl_posix_net n = {0};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sigaction a, before;
        memset(&a, 0, sizeof a);
        a.sa_handler = handlers[i];
        assert_int_equal(sigaction(SIGCHLD, &a, &before), 0);
        popcl_err slow = open_close(&n, "slow.test", 110, SHORT_MS);
        popcl_err at_once = open_close(&n, "slow.test", 110, 0);
        popcl_err unknown = open_close(&n, "nobody.invalid", 110, LONG_MS);
        int left = waitpid(-1, NULL, WNOHANG);
        assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
        assert_int_equal(slow, POPCL_ERR_RESOLVE_TIMEOUT);
        assert_int_equal(at_once, POPCL_ERR_RESOLVE_TIMEOUT);
        assert_int_equal(unknown, POPCL_ERR_RESOLVE);
        assert_int_equal(left, -1);
    }
}

/* What this process has buffered for a file is written once, by this process. */
static void looking_up_flushes_no_output(void **state) {
    popcl_posix_net n = {0};
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    assert_int_equal(fputs("once", f) >= 0, 1);
    (void)open_close(&n, "nobody.invalid", 110, LONG_MS);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    assert_int_equal(ftell(f), 4);
    (void)fclose(f);
}

/* ---- the stop flag ---- */

static void signal_in(long ms, long then_every_ms) {
    struct sigaction a;
    struct itimerval t = {{then_every_ms / 1000, then_every_ms % 1000 * 1000},
                          {ms / 1000, ms % 1000 * 1000}};
    memset(&a, 0, sizeof a);
    a.sa_handler = on_signal;
    sigaction(SIGALRM, &a, NULL);
    setitimer(ITIMER_REAL, &t, NULL);
}

static void no_signal(void) {
    signal_in(0, 0);
    signal(SIGALRM, SIG_DFL);
}

static void the_stop_flag_ends_every_wait(void **state) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    popcl_posix_net n = {.stop = &stop_flag};
    silent s;
    (void)state;
    signal_in(100, 0);
    assert_int_equal(open_close(&n, "slow.test", 110, LONG_MS), POPCL_ERR_STOPPED);
    /* set before */
    assert_int_equal(open_close(&n, "127.0.0.1", port, LONG_MS), POPCL_ERR_STOPPED);
    stop_flag = 0;
    if (be_silent(&s, "127.0.0.3", &port)) {
        signal_in(100, 0);
        assert_int_equal(open_close(&n, "127.0.0.3", port, LONG_MS), POPCL_ERR_STOPPED);
    }
    end_silence(&s);
    stop_flag = 0;
    assert_int_equal(popcl_posix.open(&n, "127.0.0.1", port, LONG_MS), POPCL_OK);
    signal_in(100, 0);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV | POPCL_NET_STOP, LONG_MS), POPCL_NET_STOP);
    assert_int_equal(popcl_posix.wait(&n, POPCL_NET_STOP, LONG_MS), POPCL_NET_STOP);
    assert_int_equal(popcl_posix.wait(&n, POPCL_SEND | POPCL_NET_STOP, LONG_MS), POPCL_NET_STOP);
    /* the orderly end goes on */
    assert_int_equal(popcl_posix.wait(&n, POPCL_SEND, LONG_MS), POPCL_SEND);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, 20), 0);
    popcl_posix.close(&n);
    no_signal();
    close(fd);
}

/* ---- moving octets ---- */

/* A connection: n on one side, the returned descriptor on the other. */
static int connection(popcl_posix_net *n) {
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    memset(n, 0, sizeof *n);
    assert_int_equal(popcl_posix.open(n, "127.0.0.1", port, LONG_MS), POPCL_OK);
    int peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    close(fd);
    return peer;
}

/* [A17] */
static void waiting_and_the_end(void **state) {
    popcl_posix_net n;
    char p[16];
    int peer = connection(&n);
    (void)state;
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), POPCL_NET_AGAIN);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, 20), 0);
    assert_int_equal(popcl_posix.wait(&n, 0, 20), 0);
    assert_int_equal(popcl_posix.wait(&n, POPCL_SEND | POPCL_RECV, LONG_MS), POPCL_SEND);
    assert_int_equal(write(peer, "+OK\r\n", 5), 5);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, 3), 3);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), 2);
    assert_int_equal(popcl_posix.send(&n, "QUIT\r\n", 6), 6);
    close(peer);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV | POPCL_NET_STOP, LONG_MS), POPCL_RECV);
    for (int i = 0; i < 3; i++)
        assert_true(popcl_posix.recv(&n, p, sizeof p) <= 0);
    popcl_posix.close(&n);
}

static void an_end_is_an_end_for_ever(void **state) {
    popcl_posix_net n;
    char p[16];
    int peer = connection(&n);
    (void)state;
    assert_int_equal(write(peer, "bye", 3), 3);
    assert_int_equal(shutdown(peer, SHUT_WR), 0);
    assert_int_equal(shutdown(n.fd, SHUT_WR), 0); /* a hang-up, as poll calls it */
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(popcl_posix.wait(&n, POPCL_RECV | POPCL_NET_STOP, LONG_MS), POPCL_RECV);
        assert_int_equal(popcl_posix.recv(&n, p, sizeof p), POPCL_NET_EOF);
    }
    close(peer);
    popcl_posix.close(&n);
}

/* [A13] What came before a reset is given first; then it is a failure with its number; and no
 * SIGPIPE. */
static void a_reset_comes_after_what_was_sent(void **state) {
    popcl_posix_net n;
    const struct linger reset = {1, 0};
    char p[16];
    int peer = connection(&n);
    int32_t r;
    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(write(peer, "+OK\r\n", 5), 5);
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    close(peer);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), 5);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), POPCL_NET_FAILED);
    assert_int_equal(popcl_posix.code(&n), ECONNRESET);
    r = popcl_posix.send(&n, "QUIT\r\n", 6);
    assert_int_equal(r, POPCL_NET_FAILED);
    assert_int_equal(popcl_posix.code(&n), EPIPE);
    /* never a wait for what cannot come */
    assert_true(popcl_posix.wait(&n, POPCL_SEND, LONG_MS) != 0);
    popcl_posix.close(&n);
}

#define BULK 200000u
static unsigned char octet_at(uint32_t i) { return (unsigned char)((i * 2654435761u) >> 24); }

/* Reads what the connection gives next, and checks it. Returns how far it came. */
static uint32_t read_checked(uint32_t at, const unsigned char *p, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        if (p[i] != octet_at(at + (uint32_t)i)) fail_msg("octet %u differs", at + (uint32_t)i);
    return n > 0 ? at + (uint32_t)n : at;
}

/* [A14 A16] Small buffers and a signal every millisecond: short sends, waits, interrupts; every
 * octet arrives once and in order. */
static void nothing_is_lost_or_doubled(void **state) {
    popcl_posix_net n;
    int peer = connection(&n), small = 4096;
    unsigned char out[8192], in[4096];
    uint32_t sent = 0, arrived = 0, waits = 0;
    (void)state;
    setsockopt(n.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    signal_in(1, 1);
    while (arrived < BULK) {
        size_t want = BULK - sent < sizeof out ? BULK - sent : sizeof out;
        for (size_t i = 0; i < want; i++)
            out[i] = octet_at(sent + (uint32_t)i);
        int32_t r = want ? popcl_posix.send(&n, out, want) : POPCL_NET_AGAIN;
        assert_true(r > 0 || r == POPCL_NET_AGAIN);
        if (r > 0) sent += (uint32_t)r;
        if (r > 0 && (size_t)r == want) continue;
        waits += popcl_posix.wait(&n, POPCL_SEND, 1) == 0;
        arrived = read_checked(arrived, in, (int32_t)read(peer, in, sizeof in));
    }
    for (sent = arrived = 0; arrived < BULK;) { /* and the other way */
        size_t want = BULK - sent < sizeof out ? BULK - sent : sizeof out;
        for (size_t i = 0; i < want; i++)
            out[i] = octet_at(sent + (uint32_t)i);
        ssize_t w = want ? write(peer, out, want) : 0;
        if (w > 0) sent += (uint32_t)w;
        if (popcl_posix.wait(&n, POPCL_RECV, 1) != POPCL_RECV) continue;
        arrived = read_checked(arrived, in, popcl_posix.recv(&n, in, sizeof in));
    }
    no_signal();
    assert_true(waits > 0);
    close(peer);
    popcl_posix.close(&n);
}

/* ---- reading ahead ---- */

enum { AHEAD = 1000, HEAD = 5, SAID = 9000 };
static unsigned char ahead[AHEAD];

/* A connection with memory to read ahead, where SAID octets wait. */
static int connection_ahead(popcl_posix_net *n) {
    unsigned char p[SAID];
    int peer = connection(n), waiting = 0;
    n->ahead = ahead;
    n->ahead_len = sizeof ahead;
    for (uint32_t i = 0; i < SAID; i++)
        p[i] = octet_at(i);
    assert_int_equal(write(peer, p, sizeof p), SAID);
    while (ioctl(n->fd, FIONREAD, &waiting) == 0 && waiting < SAID)
        (void)poll(NULL, 0, 1);
    return peer;
}

/* Receives n octets with one call, and checks them. Returns how many wait in the system then. */
static int receive_some(popcl_posix_net *n, uint32_t *at, size_t many) {
    unsigned char p[SAID];
    int waiting = -1;
    int32_t got = popcl_posix.recv(n, p, many);
    assert_int_equal(got, many);
    *at = read_checked(*at, p, got);
    assert_int_equal(ioctl(n->fd, FIONREAD, &waiting), 0);
    return waiting;
}

/* One system call serves many small ones. Octets that were read ahead can be waited for, and come
 * before the end. */
static void small_reads_are_served_together(void **state) {
    popcl_posix_net n;
    unsigned char p[SAID];
    uint32_t at = 0;
    int peer = connection_ahead(&n), rest = SAID - HEAD - AHEAD;
    (void)state;
    assert_int_equal(receive_some(&n, &at, HEAD), rest);
    while (at + 40 <= AHEAD) {
        assert_int_equal(receive_some(&n, &at, 40), rest);
        assert_int_equal(receive_some(&n, &at, HEAD), rest);
    }
    while (at < SAID)
        at = read_checked(at, p, popcl_posix.recv(&n, p, 300));
    assert_int_equal(popcl_posix.recv(&n, p, HEAD), POPCL_NET_AGAIN);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, 1), 0);
    assert_int_equal(write(peer, "headbody", 8), 8);
    close(peer);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, 4), 4);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), 4);
    assert_memory_equal(p, "body", 4);
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), POPCL_NET_EOF);
    popcl_posix.close(&n);
}

/* Octets that are waiting nowhere but here count like any others, beside sending and the stop
 * flag. */
static void what_was_read_ahead_can_be_waited_for(void **state) {
    popcl_posix_net n;
    char p[16];
    int peer = connection(&n);
    (void)state;
    n.ahead = ahead;
    n.ahead_len = sizeof ahead;
    n.stop = &stop_flag;
    assert_int_equal(write(peer, "headbody", 8), 8);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.recv(&n, p, 4), 4);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV | POPCL_SEND, LONG_MS),
                     POPCL_RECV | POPCL_SEND);
    assert_int_equal(popcl_posix.wait(&n, POPCL_SEND, LONG_MS), POPCL_SEND);
    assert_int_equal(popcl_posix.wait(&n, 0, 1), 0);
    stop_flag = 1;
    assert_int_equal(popcl_posix.wait(&n, POPCL_RECV | POPCL_NET_STOP, LONG_MS), POPCL_NET_STOP);
    stop_flag = 0;
    assert_int_equal(popcl_posix.recv(&n, p, sizeof p), 4);
    close(peer);
    popcl_posix.close(&n);
}

/* [C1] Nothing is read ahead before a head was asked for: in clear text, before the handshake of
 * STLS, all octets stay in the system. */
static void nothing_is_read_ahead_before_a_head(void **state) {
    popcl_posix_net n;
    uint32_t at = 0;
    int peer = connection_ahead(&n);
    (void)state;
    assert_int_equal(receive_some(&n, &at, 285), SAID - 285);
    assert_int_equal(receive_some(&n, &at, 5000), SAID - 5285);
    assert_int_equal(receive_some(&n, &at, 65), SAID - 5350);
    close(peer);
    popcl_posix.close(&n);
}

/* Of something large only the next head is read ahead: the rest is not copied. */
static void a_large_record_is_not_copied(void **state) {
    popcl_posix_net n;
    uint32_t at = 0;
    int peer = connection_ahead(&n);
    (void)state;
    (void)receive_some(&n, &at, HEAD);
    (void)receive_some(&n, &at, AHEAD); /* to the end of what was read ahead */
    assert_int_equal(receive_some(&n, &at, 5000), SAID - HEAD - AHEAD - 5000 - 64);
    assert_int_equal(receive_some(&n, &at, HEAD), SAID - HEAD - AHEAD - 5000 - 64);
    close(peer);
    popcl_posix.close(&n);
}

/* Octets of one connection never count for the next one. */
static void a_new_connection_begins_with_its_own_octets(void **state) {
    popcl_posix_net n;
    char p[16];
    uint16_t port = 0;
    int fd = listener("127.0.0.1", &port, 4);
    (void)state;
    memset(&n, 0, sizeof n);
    n.ahead = ahead;
    n.ahead_len = sizeof ahead;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(popcl_posix.open(&n, "127.0.0.1", port, LONG_MS), POPCL_OK);
        int peer = accept(fd, NULL, NULL);
        assert_int_equal(write(peer, i ? "second" : "first and more", i ? 6 : 14), i ? 6 : 14);
        assert_int_equal(popcl_posix.wait(&n, POPCL_RECV, LONG_MS), POPCL_RECV);
        assert_int_equal(popcl_posix.recv(&n, p, 5), 5);
        assert_memory_equal(p, i ? "secon" : "first", 5);
        popcl_posix.close(&n);
        close(peer);
    }
    close(fd);
}

static void the_clock_runs(void **state) {
    popcl_posix_net n = {0};
    (void)state;
    uint32_t before = popcl_posix.now_ms(&n);
    assert_int_equal(popcl_posix.wait(&n, 0, 30), 0);
    assert_true(popcl_posix.now_ms(&n) - before >= 30);
}

#define LEAVES_NOTHING(f) cmocka_unit_test_setup_teardown(f, set_up, nothing_is_left)

int main(void) {
    const struct CMUnitTest tests[] = {
        LEAVES_NOTHING(literals_and_names_connect),
        LEAVES_NOTHING(sockets_are_set_up_as_promised),
        LEAVES_NOTHING(a_refused_connection_is_an_error),
        LEAVES_NOTHING(the_next_address_follows_a_dead_one),
        LEAVES_NOTHING(silence_ends_at_its_share_of_the_deadline),
        LEAVES_NOTHING(a_silent_address_is_joined_by_the_next),
        LEAVES_NOTHING(families_take_turns),
        LEAVES_NOTHING(without_free_descriptors_open_fails_cleanly),
        LEAVES_NOTHING(an_unknown_name_is_not_found),
        LEAVES_NOTHING(a_temporary_failure_is_none_of_the_name),
        LEAVES_NOTHING(literals_keep_their_scope),
        LEAVES_NOTHING(families_are_filtered_and_addresses_bounded),
        LEAVES_NOTHING(a_slow_name_ends_at_the_deadline),
        LEAVES_NOTHING(looking_up_flushes_no_output),
        LEAVES_NOTHING(the_stop_flag_ends_every_wait),
        LEAVES_NOTHING(waiting_and_the_end),
        LEAVES_NOTHING(an_end_is_an_end_for_ever),
        LEAVES_NOTHING(a_reset_comes_after_what_was_sent),
        LEAVES_NOTHING(nothing_is_lost_or_doubled),
        LEAVES_NOTHING(small_reads_are_served_together),
        LEAVES_NOTHING(what_was_read_ahead_can_be_waited_for),
        LEAVES_NOTHING(nothing_is_read_ahead_before_a_head),
        LEAVES_NOTHING(a_large_record_is_not_copied),
        LEAVES_NOTHING(a_new_connection_begins_with_its_own_octets),
        LEAVES_NOTHING(the_clock_runs),
    };
    return cmocka_run_group_tests_name("posix net", tests, NULL, NULL);
}
