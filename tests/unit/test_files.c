/* SPDX-License-Identifier: MIT */
/* test_files - the programs' own files [L8 L9 L10]: a reader sees the old file or the new one,
 * kills leave nothing that lasts, a lock ends with its process, and signals break nothing. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

/* ---- calls that are interrupted: every other one, while `interrupting` ---- */

static int interrupting, turn;

typedef void any_function(void);

static any_function *real(const char *name) {
    char large[32]; /* its name where files are large */
    any_function *f;
    (void)snprintf(large, sizeof large, "%s64", name);
    void *symbol = dlsym(RTLD_NEXT, sizeof(off_t) == 8 ? large : name);
    if (!symbol) symbol = dlsym(RTLD_NEXT, name);
    memcpy(&f, &symbol, sizeof f); /* ISO C knows no cast between the two kinds of pointers */
    return f;
}

static int is_interrupted(void) {
    errno = EINTR;
    return interrupting && (turn ^= 1);
}

#define INTERRUPTED(name, parameters, arguments)                                                   \
    int name parameters {                                                                          \
        if (is_interrupted()) return -1;                                                           \
        return ((int(*) parameters)real(#name))arguments;                                          \
    }
INTERRUPTED(fstat, (int fd, struct stat *st), (fd, st))
INTERRUPTED(fsync, (int fd), (fd))
INTERRUPTED(fchmod, (int fd, mode_t mode), (fd, mode))
INTERRUPTED(ftruncate, (int fd, off_t n), (fd, n))
INTERRUPTED(flock, (int fd, int how), (fd, how))
INTERRUPTED(mkdir, (const char *name, mode_t mode), (name, mode))
INTERRUPTED(faccessat, (int at, const char *name, int how, int flags), (at, name, how, flags))
INTERRUPTED(unlinkat, (int at, const char *name, int flags), (at, name, flags))
INTERRUPTED(renameat, (int at, const char *from, int to_at, const char *to), (at, from, to_at, to))

/* ---- a directory to work in ---- */

static char path[64];
static int dir;

static int make_directory(void **state) {
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/popcl-files-XXXXXX");
    if (!mkdtemp(path)) return -1;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir < 0 ? -1 : 0;
}

static int remove_directory(void **state) {
    DIR *d = opendir(path);
    (void)state;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (unlinkat(dir, e->d_name, 0)) (void)unlinkat(dir, e->d_name, AT_REMOVEDIR);
    }
    (void)closedir(d);
    (void)close(dir);
    return rmdir(path);
}

/* Names in the directory. */
static unsigned entries(void) {
    unsigned n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(d);
    return n;
}

static void make(const char *name, const char *text) {
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(tool_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(close(fd), 0);
}

static void assert_holds(const char *name, const char *text) {
    char got[256];
    int fd = tool_open(dir, name, O_RDONLY, 0);
    assert_true(fd >= 0);
    ssize_t n = tool_read_all(fd, got, sizeof got);
    (void)close(fd);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(got, text, strlen(text));
}

static int replace(const char *text) { return tool_replace(dir, "file", text, strlen(text)); }

/* ---- reading and writing ---- */

static void on_alarm(int number) { (void)number; }

/* Signals come all the time, and none of them is made to restart what it interrupts. */
static void rain_signals(int on) {
    struct sigaction act = {0};
    struct itimerval every = {{0, on ? 500 : 0}, {0, on ? 500 : 0}};
    act.sa_handler = on_alarm;
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
}

/* A pipe takes and gives in pieces, and each wait for it is interrupted. */
static void all_or_nothing(void **state) {
    enum { LEN = 3 * 65536 + 1 };
    static unsigned char sent[LEN], got[LEN + 1];
    int ends[2], status;
    (void)state;
    for (size_t i = 0; i < LEN; i++)
        sent[i] = (unsigned char)(i * 7 + i / 251);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        rain_signals(1);
        _exit(tool_write_all(ends[1], sent, LEN) ? 1 : 0);
    }
    (void)close(ends[1]);
    rain_signals(1);
    ssize_t n = tool_read_all(ends[0], got, sizeof got);
    rain_signals(0);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(n, LEN);
    assert_memory_equal(sent, got, LEN);
}

static void reads_no_more_than_there_is_room(void **state) {
    char got[4] = "...";
    (void)state;
    make("file", "12345");
    int fd = tool_open(dir, "file", O_RDONLY, 0);
    assert_int_equal(tool_read_all(fd, got, 3), 3);
    assert_string_equal(got, "123");
    assert_int_equal(tool_read_all(fd, got, 3), 2);
    assert_int_equal(tool_read_all(fd, got, 3), 0);
    (void)close(fd);
    assert_int_equal(tool_read_all(fd, got, 3), -1);
    assert_int_equal(errno, EBADF);
}

static void whose(void **state) {
    static const struct {
        mode_t mode;
        int mine;
    } rows[] = {{0600, 1}, {0644, 1}, {0700, 1}, {0755, 1}, {0620, 0}, {0602, 0}, {0777, 0}};
    struct stat st = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        st.st_mode = S_IFREG | rows[i].mode;
        st.st_uid = geteuid();
        assert_int_equal(tool_is_mine_alone(&st), rows[i].mine);
        st.st_uid = geteuid() + 1;
        assert_int_equal(tool_is_mine_alone(&st), 0);
    }
}

/* ---- replacing ---- */

static void replaces(void **state) {
    struct stat st;
    (void)state;
    mode_t mask = umask(0777);
    assert_int_equal(replace("one"), 0);
    (void)umask(mask);
    assert_holds("file", "one");
    assert_int_equal(replace("two"), 0);
    assert_holds("file", "two");
    assert_int_equal(replace(""), 0);
    assert_holds("file", "");
    assert_int_equal(fstatat(dir, "file", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(entries(), 1);
}

/* A link is replaced, not followed; what it led to stays. A directory stays too, and is an error.
 */
static void follows_nothing(void **state) {
    (void)state;
    make("other", "other's");
    assert_int_equal(symlinkat("other", dir, "file"), 0);
    assert_int_equal(replace("mine"), 0);
    assert_holds("file", "mine");
    assert_holds("other", "other's");
    assert_int_equal(mkdirat(dir, "folder", 0700), 0);
    assert_int_equal(tool_replace(dir, "folder", "x", 1), -1);
    assert_int_equal(entries(), 3);
}

/* A name of 255 bytes leaves no room for more; the temporary's is cut. */
static void long_name(void **state) {
    char name[TOOL_NAME_MAX + 1];
    (void)state;
    memset(name, 'n', TOOL_NAME_MAX);
    name[TOOL_NAME_MAX] = '\0';
    assert_int_equal(tool_replace(dir, name, "long", 4), 0);
    assert_holds(name, "long");
    assert_int_equal(entries(), 1);
}

/* A disk that takes no more: the old file stays, and no half of the new one. */
static void full_disk(void **state) {
    int status;
    (void)state;
    assert_int_equal(replace("old"), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit four = {4, 4};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &four);
        _exit(replace("new and longer") == -1 && errno == EFBIG ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_holds("file", "old");
    assert_int_equal(entries(), 1);
}

/* Two files that change together: nothing changes before both are on the disk. */
static void together(void **state) {
    tool_new a, b;
    struct stat st;
    (void)state;
    make("a", "old a");
    make("b", "old b");
    assert_int_equal(tool_new_begin(&a, dir, "a", 0644), 0);
    assert_int_equal(tool_new_begin(&b, dir, "b", 0600), 0);
    assert_int_equal(tool_write_all(a.fd, "A", 1), 0);
    assert_int_equal(tool_new_sync(&a), 0);
    assert_holds("a", "old a");
    assert_int_equal(tool_new_put(&a), 0);
    tool_new_drop(&b);
    assert_holds("a", "A");
    assert_holds("b", "old b");
    assert_int_equal(fstatat(dir, "a", &st, 0), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(entries(), 2);
}

/* Signals all the time: every call is made again. */
static void interrupted(void **state) {
    char text[16];
    (void)state;
    rain_signals(1);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        if (replace(text)) break;
    }
    rain_signals(0);
    assert_holds("file", "199");
    assert_int_equal(entries(), 1);
}

/* Every call that can be interrupted is, once. */
static void every_call_interrupted(void **state) {
    char below[96];
    struct stat st;
    tool_lock l;
    (void)state;
    (void)snprintf(below, sizeof below, "%s/below", path);
    interrupting = 1;
    int replaced = replace("text"), made = tool_make_directory(below, 0700),
        again = tool_make_directory(below, 0700), can = tool_try_directory(dir),
        stood = tool_stat(dir, &st), locked = (int)tool_lock_take(&l, dir, "lock", "x", 0, NULL);
    tool_unlock(&l);
    interrupting = 0;
    assert_int_equal(replaced, 0);
    assert_int_equal(made, 0);
    assert_int_equal(again, 0);
    assert_int_equal(can, 0);
    assert_int_equal(stood, 0);
    assert_int_equal(locked, TOOL_LOCKED);
    assert_holds("file", "text");
    assert_int_equal(entries(), 2);
}

/* ---- what kills leave [L9] ---- */

/* A program that is killed while its temporary stands there. */
static void kill_one_at_work(void) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        tool_new f;
        if (tool_new_begin(&f, dir, "file", 0600) || tool_write_all(f.fd, "secret", 6)) _exit(1);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

static void left_is_removed(void **state) {
    (void)state;
    kill_one_at_work();
    kill_one_at_work();
    assert_int_equal(entries(), 2);
    tool_tidy(dir, "other");
    tool_tidy(dir, "fil");
    assert_int_equal(entries(), 2);
    tool_tidy(dir, "file");
    assert_int_equal(entries(), 0);
    kill_one_at_work();
    assert_int_equal(replace("whole"), 0);
    assert_int_equal(entries(), 1);
}

/* Another run's, however it is numbered, stays while that run lives: its replacing succeeds. */
static void live_is_left_alone(void **state) {
    tool_new f;
    (void)state;
    assert_int_equal(tool_new_begin(&f, dir, "file", 0600), 0);
    tool_tidy(dir, "file");
    assert_int_equal(replace("theirs"), 0);
    assert_int_equal(tool_write_all(f.fd, "ours", 4), 0);
    assert_int_equal(tool_new_put(&f), 0);
    assert_holds("file", "ours");
    assert_int_equal(entries(), 1);
}

/* What only looks like a temporary: a link, a directory, and names with more or less in them. */
static void others_names(void **state) {
    (void)state;
    make("precious", "x");
    make(".file.0123456789abcdef", "x");
    make(".file.0123456789abcdef.newer", "x");
    make(".file.0123456789abcdeX.new", "x");
    make("file.new.1", "x");
    assert_int_equal(symlinkat("precious", dir, ".file.0123456789abcdef.new"), 0);
    assert_int_equal(mkdirat(dir, ".file.fedcba9876543210.new", 0700), 0);
    tool_tidy(dir, "file");
    assert_int_equal(entries(), 7);
    assert_holds("precious", "x");
}

/* Kills at any moment: the file is one of those that were written, and the next run leaves nothing
 * else there. */
static void kills(void **state) {
    char text[600], got[600];
    int status;
    (void)state;
    for (int i = 0; i < 60; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            for (unsigned char c = 'a';; c = c == 'z' ? 'a' : (unsigned char)(c + 1)) {
                memset(text, c, sizeof text);
                if (tool_replace(dir, "file", text, sizeof text)) _exit(1);
            }
        }
        (void)usleep((useconds_t)(1000 + 137 * i));
        (void)kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        tool_tidy(dir, "file");
        assert_true(entries() <= 1);
        int fd = tool_open(dir, "file", O_RDONLY, 0);
        if (fd < 0) continue; /* killed before the first one was there */
        assert_int_equal(tool_read_all(fd, got, sizeof got), sizeof got);
        (void)close(fd);
        memset(text, got[0], sizeof text);
        assert_memory_equal(got, text, sizeof got);
    }
}

/* ---- the lock [L10] ---- */

static void one_holds_it(void **state) {
    tool_lock a, b;
    (void)state;
    assert_int_equal(tool_lock_take(&a, dir, "lock", "process 7", 0, NULL), TOOL_LOCKED);
    assert_int_equal(tool_lock_take(&b, dir, "lock", "process 8", 0, NULL), TOOL_LOCK_HELD);
    assert_string_equal(b.holder, "process 7");
    tool_unlock(&b);
    assert_int_equal(tool_lock_take(&b, dir, "lock", "process 8", 150, NULL), TOOL_LOCK_HELD);
    assert_int_equal(tool_lock_take(&b, dir, "else", "process 8", 0, NULL), TOOL_LOCKED);
    tool_unlock(&b);
    tool_unlock(&a);
    tool_unlock(&a);
    assert_int_equal(entries(), 0);
    assert_int_equal(tool_lock_take(&b, dir, "lock", "process 8", 0, NULL), TOOL_LOCKED);
    tool_unlock(&b);
}

/* The waiting ends when the holder does: by itself, or killed. */
static void waits_for_the_holder(void **state) {
    (void)state;
    for (int killed = 0; killed <= 1; killed++) {
        tool_lock l;
        int ready[2], status;
        char one;
        assert_int_equal(pipe(ready), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            if (tool_lock_take(&l, dir, "lock", "a child", 0, NULL) != TOOL_LOCKED) _exit(1);
            if (write(ready[1], "x", 1) != 1) _exit(1);
            (void)usleep(200000);
            if (killed) (void)raise(SIGKILL);
            tool_unlock(&l);
            _exit(0);
        }
        assert_int_equal(read(ready[0], &one, 1), 1);
        assert_int_equal(tool_lock_take(&l, dir, "lock", "me", 600000, NULL), TOOL_LOCKED);
        tool_unlock(&l);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WIFSIGNALED(status), killed);
        (void)close(ready[0]);
        (void)close(ready[1]);
    }
    assert_int_equal(entries(), 0);
}

static volatile sig_atomic_t stop;
static void on_stop(int number) { stop = number; }

static void stops_waiting(void **state) {
    struct sigaction act = {0};
    struct itimerval soon = {{0, 0}, {0, 20000}};
    tool_lock a, b;
    (void)state;
    act.sa_handler = on_stop;
    assert_int_equal(sigaction(SIGALRM, &act, NULL), 0);
    assert_int_equal(tool_lock_take(&a, dir, "lock", "a", 0, NULL), TOOL_LOCKED);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    assert_int_equal(tool_lock_take(&b, dir, "lock", "b", 600000, &stop), TOOL_LOCK_STOPPED);
    tool_unlock(&a);
}

/* Many at once, each of which removes the file when it is done: never two at a time. */
static void never_two(void **state) {
    enum { CHILDREN = 4, ROUNDS = 50 };
    pid_t children[CHILDREN];
    (void)state;
    make("count", "");
    for (int c = 0; c < CHILDREN; c++) {
        children[c] = fork();
        assert_true(children[c] >= 0);
        if (children[c]) continue;
        for (int i = 0; i < ROUNDS; i++) {
            tool_lock l;
            while (tool_lock_take(&l, dir, "lock", "child", 0, NULL) == TOOL_LOCK_HELD) {}
            if (!l.is_held) _exit(1);
            int alone = openat(dir, "alone", O_WRONLY | O_CREAT | O_EXCL, 0600);
            if (alone < 0 || unlinkat(dir, "alone", 0)) _exit(2);
            (void)close(alone);
            tool_unlock(&l);
        }
        _exit(0);
    }
    for (int c = 0; c < CHILDREN; c++) {
        int status;
        assert_int_equal(waitpid(children[c], &status, 0), children[c]);
        assert_int_equal(status, 0);
    }
}

static void damaged_is_put_aside(void **state) {
    char name[TOOL_NAME_MAX + 1] = "f", text[8] = "";
    (void)state;
    assert_int_equal(tool_replace(dir, "f", "old", 3), 0);
    assert_int_equal(tool_put_aside(dir, "f"), 0);
    assert_int_equal(faccessat(dir, "f", F_OK, 0), -1);
    int fd = tool_open(dir, "f.damaged", O_RDONLY, 0);
    assert_int_equal(tool_read_all(fd, text, sizeof text), 3);
    assert_memory_equal(text, "old", 3);
    (void)close(fd);
    assert_int_equal(tool_put_aside(dir, "f"), -1);
    assert_int_equal(errno, ENOENT);
    memset(name, 'n', TOOL_NAME_MAX); /* no room for more */
    assert_int_equal(tool_put_aside(dir, name), -1);
    assert_int_equal(errno, ENAMETOOLONG);
}

/* No file can be made or locked there: that is told apart from a lock that is held. */
static void no_lock_possible(void **state) {
    tool_lock l;
    (void)state;
    assert_int_equal(mkdirat(dir, "lock", 0700), 0);
    assert_int_equal(tool_lock_take(&l, dir, "lock", "x", 0, NULL), TOOL_LOCK_IMPOSSIBLE);
    assert_int_equal(l.error, EISDIR);
    assert_int_equal(symlinkat("nowhere", dir, "link"), 0);
    assert_int_equal(tool_lock_take(&l, dir, "link", "x", 0, NULL), TOOL_LOCK_IMPOSSIBLE);
    assert_int_equal(l.error, ELOOP);
    assert_int_equal(tool_lock_take(&l, dir, "no/lock", "x", 0, NULL), TOOL_LOCK_IMPOSSIBLE);
    assert_int_equal(l.error, ENOENT);
    tool_unlock(&l);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(all_or_nothing),
        CASE(reads_no_more_than_there_is_room),
        CASE(whose),
        CASE(replaces),
        CASE(follows_nothing),
        CASE(long_name),
        CASE(full_disk),
        CASE(together),
        CASE(interrupted),
        CASE(every_call_interrupted),
        CASE(left_is_removed),
        CASE(live_is_left_alone),
        CASE(others_names),
        CASE(kills),
        CASE(one_holds_it),
        CASE(waits_for_the_holder),
        CASE(stops_waiting),
        CASE(never_two),
        CASE(no_lock_possible),
        CASE(damaged_is_put_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
