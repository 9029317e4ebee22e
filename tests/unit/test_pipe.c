/* SPDX-License-Identifier: MIT */
/* test_pipe - the stores that hand messages on: a command for each message, with the fates of all
 * kinds of commands, and an open descriptor. Each call of the disk fails (odd_disk.h). */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

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
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "odd_disk.h"
#include "popcl_posix_pipe.h"
#include "results.h"
#include "stride.h"

static char top[64]; /* the directory of the test, and the commands' own */
static volatile sig_atomic_t stopped;

static int set_up(void **state) {
    (void)state;
    (void)signal(SIGTTIN, SIG_DFL); /* who starts the tests may ignore them */
    (void)signal(SIGTTOU, SIG_DFL);
    memcpy(top, "/tmp/popcl-test-XXXXXX", sizeof "/tmp/popcl-test-XXXXXX");
    assert_non_null(mkdtemp(top));
    assert_int_equal(chdir(top), 0);
    return setenv("TMPDIR", top, 1);
}

static void remove_entry(void *ctx, const char *name) {
    (void)ctx;
    (void)unlink(name);
}

static void clear_top(void) {
    int dir = open(".", O_RDONLY | O_DIRECTORY);
    (void)popcl_posix_disk.list(NULL, dir, remove_entry, NULL);
    close(dir);
}

static int begin_empty(void **state) {
    (void)state;
    clear_top();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    clear_top();
    assert_int_equal(chdir("/"), 0);
    return rmdir(top);
}

/* Returns the file's octets, "" if it is missing. */
static const char *text_of(const char *path) {
    static char text[1 << 16];
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static popcl_store_pipe *open_pipe_store(const char *command, uint32_t limit_ms, odd_disk *d) {
    popcl_store_pipe_config c = {
        .command = command, .output = STDERR_FILENO, .limit_ms = limit_ms, .stop = &stopped};
    return popcl_store_pipe_open(&c, d ? &odd_disk_calls : NULL, d);
}

static const char text[] = "Subject: x\n\none\ntwo\nthree\n";

static int give(const popcl_sink *sink, void *ctx, const char *p) {
    popcl_msg m = {.number = 1, .uid = "$(touch uid)"};
    int r = sink->begin(ctx, &m);
    if (r < 0) return r;
    r = sink->data(ctx, p, strlen(p));
    if (r >= 0) return sink->commit(ctx);
    sink->abort(ctx, POPCL_ERR_SINK);
    return r;
}

static int pass(popcl_store_pipe *s) { return give(&popcl_store_pipe_sink, s, text); }

/* ---- the fates ---- */

enum { LIMIT_MS = 300 };

static const struct fate {
    const char *command;
    popcl_pipe_fate fate;
    int number;
    int stops; /* 1 = no further message is taken, after this one already */
} fates[] = {
    {"cat > got", POPCL_PIPE_STORED, 0, 0},
    {"true", POPCL_PIPE_STORED, 0, 0},
    {"exec 0<&-; exit 0", POPCL_PIPE_STORED, 0, 0},
    {"head -n 1 > got", POPCL_PIPE_STORED, 0, 0},
    {"cat > got; sleep 60 > /dev/null 2>&1 &", POPCL_PIPE_STORED, 0, 0},
    {"false", POPCL_PIPE_EXITED, 1, 0},
    {"cat > got; exit 75", POPCL_PIPE_EXITED, 75, 0},
    {"exit 126", POPCL_PIPE_EXITED, 126, 1},
    {"./no-such-program", POPCL_PIPE_EXITED, 127, 1},
    {"kill -KILL $$", POPCL_PIPE_SIGNALLED, SIGKILL, 0},
    {"kill -TERM $$", POPCL_PIPE_SIGNALLED, SIGTERM, 0},
    {"cat > got; kill -s TTIN 0; exit 0", POPCL_PIPE_STOPPED, SIGTTIN, 0},
    {"kill -s TTOU 0", POPCL_PIPE_STOPPED, SIGTTOU, 0},
    {"(for i in 1 2 3 4 5 6 7 8 9; do sleep 0.2; kill -s CONT $$ || exit; done) & kill -s STOP $$",
     POPCL_PIPE_STORED, 0, 0},
    {"sleep 60", POPCL_PIPE_LATE, 0, 0},
    {"cat > got; trap '' TERM INT HUP; sleep 60 & wait", POPCL_PIPE_LATE, 0, 0},
    {"if", POPCL_PIPE_EXITED, 2, 0},
};

static void each_command_has_its_fate(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof fates / sizeof fates[0]; i++) {
        const struct fate *f = &fates[i];
        int number, files = open_files();
        uint32_t limit_ms = f->fate == POPCL_PIPE_LATE ? LIMIT_MS : 60000;
        popcl_store_pipe *s = open_pipe_store(f->command, limit_ms, NULL);
        assert_non_null(s);
        int r = pass(s);
        popcl_pipe_fate fate = popcl_store_pipe_fate(s, &number);
        if (fate != f->fate || (f->fate != POPCL_PIPE_LATE && number != f->number))
            fail_msg("%s: fate %d, number %d", f->command, fate, number);
        assert_int_equal(popcl_store_pipe_error(s, NULL), 0);
        if (f->fate == POPCL_PIPE_STORED) {
            assert_int_equal(r, 0);
            assert_int_equal(pass(s), 0);
        } else if (f->stops) {
            assert_int_equal(r, POPCL_SINK_STOP);
            assert_int_equal(pass(s), POPCL_SINK_STOP);
        } else { /* the second failure in a row ends it */
            assert_true(r < 0 && r != POPCL_SINK_STOP);
            assert_int_equal(pass(s), POPCL_SINK_STOP);
            assert_int_equal(pass(s), POPCL_SINK_STOP);
        }
        popcl_store_pipe_close(s);
        assert_int_equal(open_files(), files);
        clear_top();
    }
}

/* A failure, a success and a failure are not two in a row. */
static void only_failures_in_a_row_count(void **state) {
    (void)state;
    popcl_store_pipe *s = open_pipe_store("test -e good", 0, NULL);
    for (int i = 0; i < 3; i++) {
        (void)unlink("good");
        int r = pass(s);
        assert_true(r < 0 && r != POPCL_SINK_STOP);
        close(open("good", O_WRONLY | O_CREAT, 0600));
        assert_int_equal(pass(s), 0);
    }
    popcl_store_pipe_close(s);
}

/* The command gets the message, whole, from its beginning, and nothing else. */
static void the_command_gets_the_message_alone(void **state) {
    (void)state;
    int leak = open("/dev/null", O_RDWR); /* a descriptor without close-on-exec */
    int high = fcntl(leak, F_DUPFD, 900); /* a descriptor above the limit that holds now */
    struct rlimit before, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 64;
    assert_true(high >= 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    popcl_store_pipe *s = open_pipe_store(
        "cat > got && ls /proc/$$/fd > fds && echo \"$0 $# $PPID\" > names && test ! -t 0", 0,
        NULL);
    assert_int_equal(pass(s), 0);
    assert_string_equal(text_of("got"), text);
    const char *fds = text_of("fds");
    if (*fds) assert_null(strpbrk(fds, "456789"));
    assert_true(access("uid", F_OK) < 0);
    assert_int_equal(pass(s), 0); /* again from its beginning */
    assert_string_equal(text_of("got"), text);
    popcl_store_pipe_close(s);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(leak);
    close(high);
}

/* A command that is left in the background still reads its own message, not the next one. */
static void each_message_has_a_file_of_its_own(void **state) {
    (void)state;
    popcl_store_pipe *s = open_pipe_store("n=0; test -e n0 && n=1; : > n$n; exec 3<&0;"
                                          "{ sleep 0.3; cat <&3 > got$n; } > /dev/null &",
                                          0, NULL);
    assert_int_equal(pass(s), 0);
    assert_int_equal(give(&popcl_store_pipe_sink, s, "another\n"), 0);
    popcl_store_pipe_close(s);
    for (int i = 0; i < 100 && (!*text_of("got0") || !*text_of("got1")); i++)
        usleep(50000);
    assert_string_equal(text_of("got0"), text);
    assert_string_equal(text_of("got1"), "another\n");
}

/* A program that closed its standard descriptors gives their numbers to files. The command still
 * gets the message as its input, and its own output. */
static void standard_descriptors_of_a_program(void **state) {
    (void)state;
    for (int closed = 1; closed < 8; closed++) {
        clear_top();
        pid_t pid = fork();
        if (pid == 0) {
            for (int fd = 0; fd < 3; fd++)
                if (closed >> fd & 1) close(fd);
            popcl_store_pipe_config c = {.command = "cat; echo nobody reads this >&2; echo end"};
            c.output = open("got", O_WRONLY | O_CREAT, 0600);
            popcl_store_pipe *s = popcl_store_pipe_open(&c, NULL, NULL);
            int r = s ? pass(s) : -1;
            popcl_store_pipe_close(s);
            _exit(r != 0);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        const char *got = text_of("got");
        assert_memory_equal(got, text, strlen(text));
        got += strlen(text);
        /* where standard error is closed, the output may be it */
        if (closed < 4) assert_string_equal(got, "end\n");
        assert_non_null(strstr(got, "end\n"));
    }
}

/* A message that is cut, at any octet, starts nothing. */
static void a_cut_message_starts_nothing(void **state) {
    popcl_msg m = {.number = 1, .uid = ""};
    (void)state;
    popcl_store_pipe *s = open_pipe_store("cat > got", 0, NULL);
    for (size_t n = 0; n <= strlen(text); n++) {
        assert_int_equal(popcl_store_pipe_sink.begin(s, &m), 0);
        if (n) assert_int_equal(popcl_store_pipe_sink.data(s, text, n), n);
        popcl_store_pipe_sink.abort(s, POPCL_ERR_CLOSED);
        assert_true(access("got", F_OK) < 0);
    }
    assert_int_equal(give(&popcl_store_pipe_sink, s, "x\n"), 0);
    assert_string_equal(text_of("got"), "x\n");
    popcl_store_pipe_close(s);
}

/* All that a command started is killed with it. */
static void the_whole_group_is_killed(void **state) {
    (void)state;
    popcl_store_pipe *s = open_pipe_store("sh -c 'echo $$ > pid; sleep 60; :'; :", LIMIT_MS, NULL);
    int r = pass(s);
    assert_true(r < 0);
    pid_t pid = (pid_t)atol(text_of("pid"));
    assert_true(pid > 1);
    for (int i = 0; i < 100 && kill(pid, 0) == 0; i++)
        usleep(50000);
    assert_true(kill(pid, 0) < 0);
    popcl_store_pipe_close(s);
}

/* After a signal the command may end by itself. */
static void a_signal_lets_the_command_end(void **state) {
    (void)state;
    popcl_store_pipe *s = open_pipe_store("sleep 0.3; cat > got", 0, NULL);
    stopped = 1;
    assert_int_equal(pass(s), 0);
    stopped = 0;
    assert_string_equal(text_of("got"), text);
    popcl_store_pipe_close(s);
}

/* ---- faults ---- */

/* Whatever call fails: the message is stored and was given whole, or it is not. */
static void call_n_fails(void **state) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG, EINTR, EMFILE};
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        odd_disk clean = {.no_unnamed = kind ? EOPNOTSUPP : 0, .piece = 9};
        odd_disk d = clean;
        popcl_store_pipe *s = open_pipe_store("cat > got", 0, &d);
        assert_int_equal(pass(s), 0);
        popcl_store_pipe_close(s);
        int calls = d.calls;
        for (int at = 1; at <= calls; at += stride()) {
            for (size_t i = 0; i < 2 * sizeof errors / sizeof errors[0]; i++) {
                int files = open_files();
                clear_top();
                d = clean;
                d.fail_at = at;
                d.for_ever = i % 2;
                d.error = errors[i / 2];
                s = open_pipe_store("cat > got", 0, &d);
                int r = s ? pass(s) : -1;
                assert_string_equal(text_of("got"), r == 0 ? text : "");
                if (s && r < 0) assert_int_equal(popcl_store_pipe_error(s, NULL), d.error);
                if (s && r < 0 && d.error == ENOSPC) assert_int_equal(r, POPCL_SINK_STOP);
                popcl_store_pipe_close(s);
                assert_int_equal(open_files(), files);
            }
        }
    }
}

/* Runs `store` in a process that dies at the at-th call of the disk. Returns 0 if there is no such
 * call. */
static int dies_at(int at, const odd_disk *clean, void (*store)(odd_disk *d)) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        odd_disk d = *clean;
        d.kill_at = at;
        store(&d);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void look_at_left(void *ctx, const char *name) {
    int *left = ctx;
    struct stat st;
    if (name[0] == '.' && name[1] != '\0' && strcmp(name, "..") != 0) {
        ++*left;
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_size, 0);
    }
}

/* Returns how many files of the store's own a kill left. Each of them is empty: a message never has
 * a name. */
static int left_files(void) {
    int left = 0, dir = open(".", O_RDONLY | O_DIRECTORY);
    assert_int_equal(popcl_posix_disk.list(NULL, dir, look_at_left, &left), 0);
    close(dir);
    return left;
}

static void pass_and_close(odd_disk *d) {
    popcl_store_pipe *s = open_pipe_store("cat >> got", 0, d);
    if (s) (void)pass(s);
    popcl_store_pipe_close(s);
}

static void stream_and_close(odd_disk *d) {
    int fd = open("got", O_WRONLY | O_CREAT | O_APPEND, 0600);
    popcl_store_stream *s = popcl_store_stream_open(fd, NULL, &odd_disk_calls, d);
    if (s) (void)give(&popcl_store_stream_sink, s, text);
    popcl_store_stream_close(s);
    close(fd);
}

/* [kill -9] The command had the whole message once, or never ran. A stream may break off in the
 * message, which is never recorded. */
static void killed_at_call_n(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        odd_disk clean = {.no_unnamed = kind % 2 ? EOPNOTSUPP : 0, .piece = 9};
        int at = 1, before = 0, after = 0;
        for (; clear_top(), dies_at(at, &clean, kind < 2 ? pass_and_close : stream_and_close);
             at++) {
            const char *got = text_of("got");
            size_t n = strlen(got);
            assert_memory_equal(got, text, n);
            if (kind < 2) assert_true(n == 0 || n == strlen(text));
            before += n == 0;
            after += n == strlen(text);
            assert_true(left_files() <= kind % 2);
        }
        assert_true(at > 5 && before > 3 && after > 0);
        assert_string_equal(text_of("got"), text);
    }
}

static void no_directory_for_the_file(void **state) {
    (void)state;
    setenv("TMPDIR", "/no/such/directory", 1);
    assert_null(open_pipe_store("cat", 0, NULL));
    assert_int_equal(errno, ENOENT);
    setenv("TMPDIR", top, 1);
}

/* ---- a descriptor ---- */

static void a_stream_gets_whole_messages(void **state) {
    popcl_msg m = {.number = 1, .uid = ""};
    (void)state;
    for (int is_mbox = 0; is_mbox < 2; is_mbox++) {
        int fd = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        popcl_store_stream *s = popcl_store_stream_open(fd, is_mbox ? "\n" : NULL, NULL, NULL);
        assert_int_equal(popcl_store_stream_sink.begin(s, &m), 0);
        assert_int_equal(popcl_store_stream_sink.data(s, "cut", 3), 3);
        popcl_store_stream_sink.abort(s, POPCL_ERR_CLOSED);
        assert_int_equal(give(&popcl_store_stream_sink, s, text), 0);
        const char *p = text_of("out");
        if (is_mbox) {
            assert_int_equal(strncmp(p, "From MAILER-DAEMON ", 19), 0);
            p = strchr(p, '\n') + 1;
        }
        assert_int_equal(strncmp(p, text, strlen(text)), 0);
        assert_string_equal(p + strlen(text), is_mbox ? "\n" : "");
        assert_int_equal(give(&popcl_store_stream_sink, s, "second\n"), 0);
        assert_non_null(strstr(text_of("out"), "second\n"));
        popcl_store_stream_close(s);
        close(fd);
    }
}

/* A reader that goes away ends it. */
static void a_stream_without_reader(void **state) {
    int ends[2];
    const char *call;
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    popcl_store_stream *s = popcl_store_stream_open(ends[1], "\n", NULL, NULL);
    assert_int_equal(give(&popcl_store_stream_sink, s, text), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_stream_error(s, &call), EPIPE);
    assert_string_equal(call, "write");
    assert_int_equal(give(&popcl_store_stream_sink, s, text), POPCL_SINK_STOP);
    popcl_store_stream_close(s);
    close(ends[1]);
}

#define EMPTY(test) cmocka_unit_test_setup(test, begin_empty)

int main(void) {
    const struct CMUnitTest tests[] = {
        EMPTY(each_command_has_its_fate),
        EMPTY(only_failures_in_a_row_count),
        EMPTY(the_command_gets_the_message_alone),
        EMPTY(each_message_has_a_file_of_its_own),
        EMPTY(standard_descriptors_of_a_program),
        EMPTY(a_cut_message_starts_nothing),
        EMPTY(the_whole_group_is_killed),
        EMPTY(a_signal_lets_the_command_end),
        EMPTY(call_n_fails),
        EMPTY(killed_at_call_n),
        EMPTY(no_directory_for_the_file),
        EMPTY(a_stream_gets_whole_messages),
        EMPTY(a_stream_without_reader),
    };
    return cmocka_run_group_tests_name("pipe", tests, set_up, tear_down);
}
