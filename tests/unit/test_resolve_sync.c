/* SPDX-License-Identifier: MIT */
/* test_resolve_sync - the resolver for systems without fork, which is linked here in place of
 * resolve.c. Name service is played by a getaddrinfo of our own: no test asks a name server. */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "posix_internal.h"

enum { LONG_MS = 60000, SHORT_MS = 20 };

static volatile sig_atomic_t stop_flag;
static unsigned asked; /* questions for a name server */
static pid_t asked_in;
static pop_resolved found;

typedef int look_up_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *service, const struct addrinfo *req,
                struct addrinfo **pai) {
    look_up_fn *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo numeric = *req;
    memcpy(&real, &symbol, sizeof real); /* ISO C knows no cast between the two kinds of pointers */
    if (req->ai_flags & AI_NUMERICHOST) return real(name, service, req, pai);
    asked++;
    asked_in = getpid();
    if (strcmp(name, "later.test") == 0) return EAI_AGAIN;
    if (strcmp(name, "unknown.test") == 0) return EAI_NONAME;
    if (strcmp(name, "stopped.test") == 0) stop_flag = 1;
    if (strcmp(name, "late.test") == 0) (void)usleep(2000u * SHORT_MS);
    if (strcmp(name, "broken.test") == 0) {
        errno = EMFILE;
        return EAI_SYSTEM;
    }
    numeric.ai_flags |= AI_NUMERICHOST;
    return real("127.0.0.1", service, &numeric, pai);
}

static int begin(void **state) {
    (void)state;
    stop_flag = 0;
    asked = 0;
    asked_in = 0;
    return 0;
}

static popcl_err resolve(const char *host, uint32_t limit_ms) {
    return pop_resolve(host, 110, AF_UNSPEC, limit_ms, &stop_flag, &found);
}

static void a_name_is_looked_up_in_this_process(void **state) {
    (void)state;
    assert_int_equal(resolve("peer.test", LONG_MS), POPCL_OK);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.address[0].v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(found.address[0].v4.sin_port, htons(110));
    assert_int_equal(asked, 1);
    assert_int_equal(asked_in, getpid());
}

static void addresses_and_localhost_ask_nobody(void **state) { /* however small the limit */
    static const char *const hosts[] = {"127.0.0.1", "::1", "localhost", "LocalHost."};
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        assert_int_equal(resolve(hosts[i], 0), POPCL_OK);
        assert_true(found.count > 0);
    }
    assert_int_equal(resolve("::1::2", LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(asked, 0);
}

static void what_name_servers_say(void **state) { /* [A1 L13] */
    (void)state;
    assert_int_equal(resolve("unknown.test", LONG_MS), POPCL_ERR_RESOLVE);
    assert_int_equal(resolve("later.test", LONG_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(resolve("broken.test", LONG_MS), POPCL_ERR_NET);
    assert_int_equal(found.error, EMFILE);
}

static void an_answer_after_the_limit_comes_too_late(void **state) { /* [A1] */
    (void)state;
    assert_int_equal(resolve("late.test", SHORT_MS), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(resolve("late.test", LONG_MS), POPCL_OK);
}

static void a_stop_is_seen_after_the_look_up(void **state) {
    (void)state;
    assert_int_equal(resolve("stopped.test", LONG_MS), POPCL_ERR_STOPPED);
    stop_flag = 0;
    assert_int_equal(pop_resolve("peer.test", 110, AF_UNSPEC, LONG_MS, NULL, &found), POPCL_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_name_is_looked_up_in_this_process, begin),
        cmocka_unit_test_setup(addresses_and_localhost_ask_nobody, begin),
        cmocka_unit_test_setup(what_name_servers_say, begin),
        cmocka_unit_test_setup(an_answer_after_the_limit_comes_too_late, begin),
        cmocka_unit_test_setup(a_stop_is_seen_after_the_look_up, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
