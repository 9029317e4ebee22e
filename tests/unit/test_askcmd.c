/* SPDX-License-Identifier: MIT */
/* test_askcmd - a command that is asked for a secret: its line, its failures, its end in time, and
 * that nothing of it is left. Also the line's rules of login.h. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "askcmd.h"

static cmd_login l;
static volatile sig_atomic_t stop;
static const cmd_patience patience = {&stop, 0};

static int ask(const char *command) {
    return cmd_ask_command(&l, command, "the password", &patience);
}

static void nothing_is_left(void) {
    errno = 0;
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void gives(const char *command, const char *secret) {
    if (ask(command)) fail_msg("%s: %s", command, l.what);
    assert_int_equal(l.secret_len, strlen(secret));
    assert_string_equal(l.secret, secret);
    nothing_is_left();
}

static void refuses(int code, const char *word) {
    assert_int_equal(code, 78);
    if (!strstr(l.what, word)) fail_msg("\"%s\" lacks \"%s\"", l.what, word);
    assert_true(l.cause && l.cause[0] && l.advice && l.advice[0]);
    assert_null(strstr(l.what, "hunter2"));
    for (size_t i = 0; i < sizeof l.buf; i++)
        assert_int_equal(l.buf[i], 0);
    nothing_is_left();
}

static void takes_the_first_line(void **state) { /* [E9] */
    (void)state;
    gives("echo hunter2", "hunter2");
    gives("printf hunter2", "hunter2");
    gives("printf 'hunter2\\r\\nuser: alice\\n'", "hunter2");
    gives("printf ' hunter2 \\n'", " hunter2 ");
    assert_non_null(l.odd);
    gives("printf h; sleep 0.1; printf 'unter2\\n'; sleep 0.1; echo more", "hunter2");
    gives("echo hunter2; head -c 300000 /dev/zero", "hunter2"); /* more than a pipe holds */
    gives("printf '\\303\\251\\377\\n'", "\303\251\377");
    gives("-x 2>/dev/null || echo hunter2", "hunter2");
    /* a process that goes on, and has the pipe, does not count */
    gives("sleep 3 & echo hunter2", "hunter2");
}

static void limits_of_the_line(void **state) { /* [E8] */
    (void)state;
    assert_int_equal(ask("head -c 16384 /dev/zero | tr '\\0' x; echo"), 0);
    assert_int_equal(l.secret_len, CMD_SECRET_MAX);
    assert_int_equal(ask("head -c 16384 /dev/zero | tr '\\0' x; printf '\\r\\n'"), 0);
    assert_int_equal(l.secret_len, CMD_SECRET_MAX);
    refuses(ask("head -c 16385 /dev/zero | tr '\\0' x"), "longer than 16 KB");
    refuses(ask("head -c 16385 /dev/zero | tr '\\0' x; echo"), "longer than 16 KB");
    refuses(ask("yes | tr -d '\\n'"), "longer than 16 KB"); /* is killed: it never ends */
    refuses(ask(":"), "is empty");
    refuses(ask("echo; echo hunter2"), "is empty");
    refuses(ask("printf '\\r\\nhunter2\\n'"), "is empty");
    refuses(ask("printf 'hun\\0ter2\\n'"), "a NUL or a CR");
    refuses(ask("printf 'hun\\rter2\\n'"), "a NUL or a CR");
}

static void failures(void **state) { /* [E13] */
    (void)state;
    refuses(ask("echo hunter2; exit 3"), "exit code 3");
    refuses(ask("echo hunter2; no-such-program-at-all 2>/dev/null"), "exit code 127");
    refuses(ask("echo hunter2; kill -9 $$"), "signal 9");
    refuses(ask("(echo hunter2; sleep 0.2) & sleep 0.1; exit 1"), "exit code 1");
}

/* A process of its own that holds a lock as long as it lives: a pipe that it inherited would be
 * closed. */
static void is_killed_in_time(void **state) {
    static const char *const lines[] = {"sleep 100",
                                        "echo hunter2; sleep 100",
                                        "trap '' TERM HUP INT; sleep 100 & sleep 100",
                                        "exec >&-; sleep 100",
                                        "while :; do echo hunter2; done",
                                        "kill -STOP $$"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        cmd_patience soon = {&stop, cmd_outlet_now_ms() + 200};
        refuses(cmd_ask_command(&l, lines[i], "the password", &soon), "did not end in time");
    }
}

static void a_signal_ends_it(void **state) {
    (void)state;
    stop = SIGTERM;
    assert_int_equal(ask("sleep 100"), 128 + SIGTERM);
    stop = 0;
    nothing_is_left();
}

/* Standard input is empty, and no descriptor of this process is there. SIGPIPE works again. */
static void its_surroundings(void **state) {
    char command[200];
    int fd = open("/dev/null", O_RDONLY), high = fcntl(fd, F_DUPFD, 200);
    (void)state;
    assert_true(fd > 2 && high >= 200);
    gives("cat; echo hunter2", "hunter2");
    (void)snprintf(
        command, sizeof command,
        "for d in %d %d; do if (: <&$d) 2>/dev/null; then echo open; fi; done; echo none", fd,
        high);
    gives(command, "none");
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    gives("yes | head -n 1", "y");
    gives("sh -c 'kill -PIPE $$; echo ignored'; echo works", "works");
    (void)signal(SIGPIPE, before);
    before = signal(SIGCHLD, SIG_IGN); /* as a careless parent leaves it */
    refuses(ask("exit 5"), "exit code 5");
    assert_true(signal(SIGCHLD, before) == SIG_IGN);
    gives("[ $(ps -o pgid= -p $$) = $$ ] && echo leads || echo follows", "leads");
    (void)close(fd);
    (void)close(high);
}

static void it_can_be_asked_again(void **state) {
    (void)state;
    gives("echo a-long-first-secret", "a-long-first-secret");
    gives("echo b", "b");
    cmd_login_wipe(&l);
    for (size_t i = 0; i < sizeof l.buf; i++)
        assert_int_equal(l.buf[i], 0);
    cmd_ask_abandon(); /* without a command it does nothing */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_first_line),
        cmocka_unit_test(limits_of_the_line),
        cmocka_unit_test(failures),
        cmocka_unit_test(is_killed_in_time),
        cmocka_unit_test(a_signal_ends_it),
        cmocka_unit_test(its_surroundings),
        cmocka_unit_test(it_can_be_asked_again),
    };
    return cmocka_run_group_tests_name("askcmd", tests, NULL, NULL);
}
