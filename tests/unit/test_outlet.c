/* SPDX-License-Identifier: MIT */
/* test_outlet - writing to what takes nothing [L11]: a pipe that nobody reads, a terminal that is
 * stopped, a socket. A write ends with the run's time or at the first signal; and what takes
 * something gets all. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "outlet.h"

static volatile sig_atomic_t stop;
static cmd_patience patience;
static cmd_outlet outlet;
static char text[300000]; /* more than any of them holds */

static void on_alarm(int number) { stop = number; }

/* The flag is set once in so many milliseconds. */
static void stop_in(long ms) {
    struct sigaction act = {0};
    struct itimerval t = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
    act.sa_handler = on_alarm;
    stop = 0;
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &t, NULL), 0);
}

static void begin(int fd) {
    (void)signal(SIGPIPE, SIG_IGN);
    memset(&patience, 0, sizeof patience);
    memset(text, 'x', sizeof text);
    patience.stop = &stop;
    stop = 0;
    cmd_outlet_open(&outlet, fd, &patience);
}

/* Whatever fd is: it takes a part, and the rest is given up: at the end of the time, at once after
 * that, and at a signal. Its flags stay, since others share them. */
static void takes_nothing(int fd) {
    for (int by_signal = 0; by_signal <= 1; by_signal++) {
        int flags = fcntl(fd, F_GETFL);
        begin(fd);
        if (by_signal)
            stop_in(50);
        else
            patience.end_ms = cmd_outlet_now_ms() + 50;
        assert_int_equal(cmd_outlet_write(&outlet, text, sizeof text), -1);
        assert_int_equal(outlet.error, ETIMEDOUT);
        assert_int_equal(cmd_outlet_write(&outlet, "x", 1), -1);
        assert_int_equal(cmd_outlet_write_now(&outlet, "x", 1), 0);
        cmd_outlet_close(&outlet);
        assert_int_equal(fcntl(fd, F_GETFL), flags);
    }
    begin(fd); /* progress waits for nothing, even with all the time there is */
    assert_int_equal(cmd_outlet_write_now(&outlet, "x", 1), 0);
    assert_int_equal(outlet.error, 0);
    cmd_outlet_close(&outlet);
}

static void a_pipe_that_nobody_reads(void **state) {
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    takes_nothing(ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void a_socket_that_nobody_reads(void **state) {
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    takes_nothing(ends[1]);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A terminal: one that nobody reads, and one where Ctrl-S was pressed. */
static void a_terminal_that_takes_nothing(void **state) {
    (void)state;
    for (int stopped = 0; stopped <= 1; stopped++) {
        int master = posix_openpt(O_RDWR | O_NOCTTY);
        if (master < 0 || grantpt(master) || unlockpt(master)) {
            if (master >= 0) (void)close(master);
            return; /* no terminals here */
        }
        int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
        assert_true(slave >= 0);
        if (stopped) assert_int_equal(tcflow(slave, TCOOFF), 0);
        takes_nothing(slave);
        if (stopped) assert_int_equal(tcflow(slave, TCOON), 0);
        (void)close(slave);
        (void)close(master);
    }
}

/* Where a second writer fills the pipe between the look and the write. */
static void without_a_file_of_its_own(void **state) {
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    begin(ends[1]);
    cmd_outlet_close(&outlet);
    patience.end_ms = cmd_outlet_now_ms() + 50;
    assert_int_equal(cmd_outlet_write(&outlet, text, sizeof text), -1);
    assert_int_equal(outlet.error, ETIMEDOUT);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A reader that takes its time gets all, and signals that ask for nothing change nothing. */
static void a_slow_reader_gets_all(void **state) {
    int ends[2], status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        size_t n = 0;
        char some[5000];
        (void)close(ends[1]);
        for (ssize_t got; (got = read(ends[0], some, sizeof some)) > 0; n += (size_t)got)
            (void)usleep(500);
        _exit(n == sizeof text ? 0 : 1);
    }
    begin(ends[1]);
    patience.stop = NULL;
    stop_in(5);
    assert_int_equal(cmd_outlet_write(&outlet, text, sizeof text), 0);
    cmd_outlet_close(&outlet);
    (void)close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(ends[0]);
}

static void failures_have_their_number(void **state) {
    int ends[2], full = open("/dev/full", O_WRONLY), read_only = open("/dev/null", O_RDONLY);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    begin(ends[1]);
    assert_int_equal(cmd_outlet_write(&outlet, "x", 1), -1);
    assert_int_equal(outlet.error, EPIPE);
    cmd_outlet_close(&outlet);
    begin(read_only);
    assert_int_equal(cmd_outlet_write(&outlet, "x", 1), -1);
    assert_int_equal(outlet.error, EBADF);
    cmd_outlet_close(&outlet);
    if (full >= 0) {
        begin(full);
        assert_int_equal(cmd_outlet_write(&outlet, "x", 1), -1);
        assert_int_equal(outlet.error, ENOSPC);
        cmd_outlet_close(&outlet);
    }
    begin(-1);
    assert_int_equal(cmd_outlet_write(&outlet, "x", 1), 0);
    (void)close(full);
    (void)close(read_only);
    (void)close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_that_nobody_reads),
        cmocka_unit_test(a_socket_that_nobody_reads),
        cmocka_unit_test(a_terminal_that_takes_nothing),
        cmocka_unit_test(without_a_file_of_its_own),
        cmocka_unit_test(a_slow_reader_gets_all),
        cmocka_unit_test(failures_have_their_number),
    };
    return cmocka_run_group_tests_name("outlet", tests, NULL, NULL);
}
