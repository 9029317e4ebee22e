/* SPDX-License-Identifier: MIT */
/* test_mbox - the mbox store on a real file, over a disk that misbehaves (odd_disk.h). The rules of
 * mboxrd undo its form. Each call fails, or is the last of a killed process; other programs have
 * locks, and append. */
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "odd_disk.h"
#include "popcl_posix_mbox.h"
#include "results.h"
#include "stride.h"

enum { ROOM = 1 << 17 };

/* ---- a file to work in ---- */

typedef struct place {
    char top[64], path[340], lock[350];
} place;

static void name_file(place *w, const char *name) {
    (void)snprintf(w->path, sizeof w->path, "%s/%s", w->top, name);
    (void)snprintf(w->lock, sizeof w->lock, "%s.lock", w->path);
}

static int set_up(void **state) {
    place *w = calloc(1, sizeof *w);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(w);
    (void)snprintf(w->top, sizeof w->top, "%.40s/popcl-test-XXXXXX",
                   tmp && *tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->top));
    name_file(w, "mbox");
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    place *w = *state;
    unlink(w->lock);
    unlink(w->path);
    int r = rmdir(w->top); /* nothing else may be left */
    free(w);
    return r;
}

static void write_file(const char *path, const char *text, size_t n, int how) {
    int fd = open(path, O_WRONLY | O_CREAT | how, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    close(fd);
}

static void set_file(const place *w, const char *text) {
    write_file(w->path, text, strlen(text), O_TRUNC);
}

/* Returns the file's octets, with a NUL after them. */
static const char *read_file(const place *w, size_t *n) {
    static char text[ROOM];
    int fd = open(w->path, O_RDONLY);
    ssize_t got = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    assert_true(got >= 0 && got < ROOM - 1);
    text[got] = '\0';
    if (n) *n = (size_t)got;
    return text;
}

/* ---- messages ---- */

/* d NULL: nothing fails. The real fsync is slow, and nothing here needs it. */
static popcl_store_mbox *open_store(const place *w, odd_disk *d, uint32_t lock_ms) {
    static odd_disk sound;
    popcl_store_mbox_config c = {.path = w->path, .line_end = "\n", .lock_ms = lock_ms};
    return popcl_store_mbox_open(&c, &odd_disk_calls, d ? d : &sound);
}

/* Gives a message in two pieces. */
static int stage(popcl_store_mbox *s, const char *p, size_t n, size_t cut) {
    popcl_msg m = {.number = 1, .uid = ""};
    int r = popcl_store_mbox_sink.begin(s, &m);
    if (r < 0) return r;
    if (cut) r = popcl_store_mbox_sink.data(s, p, cut);
    if (r >= 0 && n > cut) r = popcl_store_mbox_sink.data(s, p + cut, n - cut);
    if (r >= 0) return popcl_store_mbox_sink.commit(s);
    popcl_store_mbox_sink.abort(s, POPCL_ERR_SINK);
    return r;
}

static const char *const texts[] = {"Subject: one\n\nFrom here\n>From there\n", "Subject: two\n\n",
                                    "three\n>>From x\nFro\n",
                                    "Return-Path: <alice@example.org>\nSubject: four\n\nbody\n.\n"};
enum { TEXTS = sizeof texts / sizeof texts[0] };

/* Stores all texts as one group. Returns the result of sync, or the first failure before it. */
static int store_texts(popcl_store_mbox *s) {
    for (int i = 0; i < TEXTS; i++) {
        int r = stage(s, texts[i], strlen(texts[i]), strlen(texts[i]) / 2);
        if (r < 0) return r;
        assert_int_equal(r, POPCL_STAGED);
    }
    return popcl_store_mbox_sink.sync(s);
}

/* One run without any fault. */
static void run_clean(const place *w) {
    popcl_store_mbox *s = open_store(w, NULL, 0);
    assert_non_null(s);
    assert_int_equal(store_texts(s), 0);
    popcl_store_mbox_close(s);
}

/* Undoes the quoting of the message at *at, which is moved to the next one. Returns its length. */
static size_t undo(const char **at, char *to) {
    const char *p = *at, *line;
    size_t n = 0;
    assert_int_equal(strncmp(p, "From ", 5), 0);
    for (p = strchr(p, '\n') + 1; *p && strncmp(p, "From ", 5) != 0; p = line) {
        const char *lf = strchr(p, '\n');
        line = lf ? lf + 1 : p + strlen(p);
        size_t quotes = strspn(p, ">");
        if (quotes && strncmp(p + quotes, "From ", 5) == 0) p++;
        memcpy(to + n, p, (size_t)(line - p));
        n += (size_t)(line - p);
    }
    assert_true(n >= 1 && to[n - 1] == '\n'); /* the empty line after it */
    to[--n] = '\0';
    *at = p;
    return n;
}

/* Checks that p has all texts in order, and nothing else. */
static void assert_texts(const char *p) {
    char message[4096];
    for (int i = 0; i < TEXTS; i++) {
        (void)undo(&p, message);
        assert_string_equal(message, texts[i]);
    }
    assert_string_equal(p, "");
}

/* ---- the form ---- */

/* [mboxrd] Whatever the message, and wherever the spans are cut, it comes back exactly. */
static void every_message_comes_back(void **state) {
    static const char *const odd[] = {
        "From a\nFrom b\n\nFrom c\n>From d\n>>>From e\n",
        ">\n>>\n>F\n>From\n>From\n",
        "FFrom \nFrFrom \n From \nfrom \nFrom\tx\nFrom \n",
        "\n\n\n",
        "\r\nFrom \r\n\rFrom \n",
        "",
    };
    const place *w = *state;
    char message[4096];
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        size_t n = strlen(odd[i]);
        for (size_t cut = 0; cut <= n; cut++) {
            popcl_store_mbox *s = open_store(w, NULL, 0);
            assert_int_equal(stage(s, odd[i], n, cut), POPCL_STAGED);
            assert_int_equal(popcl_store_mbox_sink.sync(s), 0);
            popcl_store_mbox_close(s);
            const char *p = read_file(w, NULL);
            (void)undo(&p, message);
            assert_string_equal(message, odd[i]);
            assert_string_equal(p, "");
            unlink(w->path);
        }
    }
}

/* Headers and lines that are longer than every buffer. */
static void large_messages_come_back(void **state) {
    static char text[50000], message[ROOM];
    const place *w = *state;
    for (size_t lf = 1; lf < sizeof text; lf = lf * 3 + 1) {
        memset(text, 'x', sizeof text);
        for (size_t at = lf; at + 6 < sizeof text; at += lf)
            memcpy(text + at, "\nFrom ", 6);
        text[sizeof text - 2] = '\n';
        text[sizeof text - 1] = '\0';
        popcl_store_mbox *s = open_store(w, NULL, 0);
        assert_int_equal(stage(s, text, sizeof text - 1, lf), POPCL_STAGED);
        assert_int_equal(popcl_store_mbox_sink.sync(s), 0);
        popcl_store_mbox_close(s);
        const char *p = read_file(w, NULL);
        (void)undo(&p, message);
        assert_string_equal(message, text);
        unlink(w->path);
    }
}

static void the_first_line_has_the_sender(void **state) {
    static const struct {
        const char *head, *sender;
    } rows[] = {
        {"Return-Path: <alice@example.org>\n", "alice@example.org"},
        {"Subject: x\nreturn-path:bob@example.org  \r\n", "bob@example.org"},
        {"Return-Path: <>\n", "MAILER-DAEMON"},
        {"Return-Path: <a b@example.org>\n", "MAILER-DAEMON"},
        {"Return-Path: <\"a\nFrom \"@example.org>\n", "MAILER-DAEMON"},
        {"Return-Path: <alice@example.org\n", "MAILER-DAEMON"},
        {"Return-Path: \033[31m\n", "MAILER-DAEMON"},
        {"Return-Path:\n", "MAILER-DAEMON"},
        {"Subject: none\n\nReturn-Path: <alice@example.org>\n", "MAILER-DAEMON"},
        {"Return-Path: <alice@example.org>", "MAILER-DAEMON"},
    };
    const place *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sender[300], day[4], month[4], rest;
        int number, hour, minute, second, year;
        popcl_store_mbox *s = open_store(w, NULL, 0);
        assert_int_equal(stage(s, rows[i].head, strlen(rows[i].head), 3), POPCL_STAGED);
        assert_int_equal(popcl_store_mbox_sink.sync(s), 0);
        popcl_store_mbox_close(s);
        const char *p = read_file(w, NULL);
        int fields = sscanf(p, "From %299s %3s %3s %d %d:%d:%d %d%c", sender, day, month, &number,
                            &hour, &minute, &second, &year, &rest);
        assert_int_equal(fields, 9);
        assert_string_equal(sender, rows[i].sender);
        assert_int_equal(rest, '\n');
        assert_int_equal(strcspn(p, "\n"),
                         strlen("From  Thu Jan  1 00:00:00 1970") + strlen(sender));
        unlink(w->path);
    }
}

/* A new line, and an empty one, come before the first line, whatever the file ends with. */
static void it_joins_whatever_is_there(void **state) {
    static const struct {
        const char *there, *joint;
    } rows[] = {{"", ""},      {"x", "\n\n"},   {"x\n", "\n"},
                {"x\n\n", ""}, {"x\r\n", "\n"}, {"x\r\n\r\n", ""},
                {"\n", "\n"},  {"\n\n\n", ""},  {"From cut", "\n\n"}};
    const place *w = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set_file(w, rows[i].there);
        run_clean(w);
        const char *p = read_file(w, NULL);
        size_t n = strlen(rows[i].there), joint = strlen(rows[i].joint);
        assert_memory_equal(p, rows[i].there, n);
        assert_memory_equal(p + n, rows[i].joint, joint);
        assert_texts(p + n + joint);
    }
}

/* A cut message leaves nothing, also if it was longer than the next one. */
static void cut_messages_leave_nothing(void **state) {
    static char large[40000];
    const place *w = *state;
    popcl_msg m = {.number = 1, .uid = ""};
    memset(large, 'y', sizeof large);
    popcl_store_mbox *s = open_store(w, NULL, 0);
    for (int i = 0; i < TEXTS; i++) {
        assert_int_equal(popcl_store_mbox_sink.begin(s, &m), 0);
        assert_int_equal(popcl_store_mbox_sink.data(s, large, sizeof large), sizeof large);
        popcl_store_mbox_sink.abort(s, POPCL_ERR_CLOSED);
        assert_int_equal(stage(s, texts[i], strlen(texts[i]), 0), POPCL_STAGED);
    }
    size_t n;
    (void)read_file(w, &n);
    assert_int_equal(n, 0); /* nothing is there before its time */
    assert_int_equal(popcl_store_mbox_sink.sync(s), 0);
    assert_int_equal(popcl_store_mbox_sink.sync(s), 0);
    popcl_store_mbox_close(s);
    assert_texts(read_file(w, NULL));
}

/* ---- locks ---- */

static void assert_held(const place *w, uint32_t lock_ms, const char *which) {
    const char *call;
    set_file(w, "before\n\n");
    popcl_store_mbox *s = open_store(w, NULL, lock_ms);
    assert_non_null(s);
    assert_int_equal(store_texts(s), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_mbox_error(s, &call), ETIMEDOUT);
    assert_string_equal(call, which);
    assert_true((popcl_store_mbox_held_s(s) >= 0) == (strcmp(which, "dot lock") == 0));
    assert_int_equal(popcl_store_mbox_sink.sync(s), POPCL_SINK_STOP);
    popcl_store_mbox_close(s);
    assert_string_equal(read_file(w, NULL), "before\n\n");
}

/* Starts a process that has a lock for so many milliseconds. Returns once it has it. */
static pid_t hold(const place *w, int is_dot, unsigned ms) {
    int ends[2];
    char c;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000L};
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(is_dot ? w->lock : w->path, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || (!is_dot && fcntl(fd, F_SETLK, &whole) < 0)) _exit(1);
        if (write(ends[1], "", 1) != 1) _exit(1);
        nanosleep(&t, NULL);
        if (is_dot) unlink(w->lock);
        _exit(0);
    }
    assert_int_equal(read(ends[0], &c, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return pid;
}

static void locks_of_others_are_waited_for(void **state) {
    const place *w = *state;
    for (int is_dot = 0; is_dot < 2; is_dot++) {
        pid_t pid = hold(w, is_dot, 100);
        popcl_store_mbox *s = open_store(w, NULL, 60000);
        assert_int_equal(store_texts(s), 0);
        popcl_store_mbox_close(s);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_texts(read_file(w, NULL));
        unlink(w->path);
    }
}

static void locks_of_others_are_never_taken(void **state) {
    const place *w = *state;
    pid_t pid = hold(w, 0, 60000);
    assert_held(w, 20, "lock");
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    write_file(w->lock, "1\n", 2, O_EXCL);
    assert_held(w, 20, "dot lock");
    assert_int_equal(access(w->lock, F_OK), 0);
    assert_int_equal(unlink(w->lock), 0);
    set_file(w, "");
    run_clean(w);
    assert_true(access(w->lock, F_OK) < 0);
    assert_texts(read_file(w, NULL));
}

/* Writes the dot lock of a run of popcl with this process number, on this host or on another. */
static void leave_dot_lock(const place *w, long pid, const char *other_host) {
    char host[64] = "", text[128];
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    int n = snprintf(text, sizeof text, "%ld\npopcl on %s\n", pid, other_host ? other_host : host);
    write_file(w->lock, text, (size_t)n, O_EXCL);
}

/* A process number that nobody has any more. */
static long gone(void) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return (long)pid;
}

/* A run that was killed in the append leaves both locks; that of fcntl ends with it. */
static void dot_lock_of_a_killed_run_is_removed(void **state) {
    const place *w = *state;
    leave_dot_lock(w, gone(), NULL);
    popcl_store_mbox *s = open_store(w, NULL, 0);
    assert_int_equal(popcl_store_mbox_has_replaced(s), 1);
    assert_int_equal(store_texts(s), 0);
    popcl_store_mbox_close(s);
    assert_texts(read_file(w, NULL));
    assert_true(access(w->lock, F_OK) < 0);
}

static void dot_lock_of_a_living_run_is_kept(void **state) {
    const place *w = *state;
    odd_disk no_fcntl = {.lock_error = ENOLCK};
    leave_dot_lock(w, (long)getpid(), NULL);
    assert_held(w, 20, "dot lock");
    assert_int_equal(unlink(w->lock), 0);
    leave_dot_lock(w, gone(), "another.example");
    assert_held(w, 20, "dot lock");
    assert_int_equal(unlink(w->lock), 0);
    /* without the lock of fcntl nothing proves that its owner has ended */
    leave_dot_lock(w, gone(), NULL);
    popcl_store_mbox *s = open_store(w, &no_fcntl, 0);
    assert_int_equal(store_texts(s), POPCL_SINK_STOP);
    popcl_store_mbox_close(s);
    assert_int_equal(access(w->lock, F_OK), 0);
    assert_int_equal(unlink(w->lock), 0);
}

/* If one lock cannot be, the other is enough; without both nothing is written. */
static void one_lock_is_enough(void **state) {
    place *w = *state;
    odd_disk d = {.lock_error = ENOLCK};
    popcl_store_mbox *s = open_store(w, &d, 0);
    assert_non_null(s);
    assert_int_equal(popcl_store_mbox_no_dot_lock(s), 0);
    assert_int_equal(store_texts(s), 0);
    popcl_store_mbox_close(s);
    assert_texts(read_file(w, NULL));
    unlink(w->path);
    char name[252]; /* with ".lock" it is too long */
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    name_file(w, name);
    s = open_store(w, NULL, 0);
    assert_non_null(s);
    assert_int_equal(popcl_store_mbox_no_dot_lock(s), ENAMETOOLONG);
    assert_int_equal(store_texts(s), 0);
    popcl_store_mbox_close(s);
    assert_texts(read_file(w, NULL));
    d = (odd_disk){.lock_error = ENOLCK};
    assert_null(open_store(w, &d, 0));
    assert_int_equal(errno, ENOLCK);
}

/* Several processes at once: every message is there, whole. */
static void many_at_once(void **state) {
    enum { PROCESSES = 4, GROUPS = 10 };
    const place *w = *state;
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        if ((pids[i] = fork()) != 0) continue;
        popcl_store_mbox *s = open_store(w, NULL, 60000);
        for (int g = 0; s && g < GROUPS; g++)
            if (store_texts(s) != 0) _exit(1);
        popcl_store_mbox_close(s);
        _exit(s ? 0 : 1);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    const char *p = read_file(w, NULL);
    char message[4096];
    for (int i = 0; i < PROCESSES * GROUPS * TEXTS; i++) {
        (void)undo(&p, message);
        assert_string_equal(message, texts[i % TEXTS]);
    }
    assert_string_equal(p, "");
}

/* ---- faults ---- */

static const char before[] = "From x Thu Jan  1 00:00:00 1970\nold\n\n";

/* Returns the number of calls of a run without faults. */
static int calls_of_a_run(const place *w, odd_disk d) {
    set_file(w, before);
    popcl_store_mbox *s = open_store(w, &d, 0);
    assert_non_null(s);
    assert_int_equal(store_texts(s), 0);
    popcl_store_mbox_close(s);
    return d.calls;
}

/* Removes a temporary whose removal failed for ever. */
static void remove_temporary(void *ctx, const char *name) {
    const int *dir = ctx;
    if (strncmp(name, ".popcl-", 7) == 0) unlinkat(*dir, name, 0);
}

static void tidy(const place *w) {
    int dir = open(w->top, O_RDONLY | O_DIRECTORY);
    (void)popcl_posix_disk.list(NULL, dir, remove_temporary, &dir);
    close(dir);
}

/* A run in which a call fails, and one without faults after it. */
static void fail_one(const place *w, odd_disk d) {
    size_t n, old = strlen(before);
    int files = open_files();
    set_file(w, before);
    popcl_store_mbox *s = open_store(w, &d, 0);
    int r = s ? store_texts(s) : -1;
    if (s && r < 0) assert_true(popcl_store_mbox_error(s, NULL) != 0);
    popcl_store_mbox_close(s);
    assert_int_equal(open_files(), files);
    const char *p = read_file(w, &n);
    assert_memory_equal(p, before, old); /* the old octets are never touched */
    if (r == 0) assert_texts(p + old);
    if (r < 0 && !d.for_ever && n != old) /* only if the cut itself was what failed */
        fail_msg("call %d, error %d: %zu octets are left; %s", d.fail_at, d.error, n - old, d.log);
    unlink(w->lock); /* its removal may have failed */
    if (d.for_ever) tidy(w);
    run_clean(w);
    p = read_file(w, &n);
    assert_memory_equal(p, before, old);
    const char *last = p + n;
    for (int i = 0; i < TEXTS; last--) /* the texts are the last ones */
        i += last > p && strncmp(last, "From ", 5) == 0 && last[-1] == '\n';
    assert_texts(last + 1);
}

static void call_n_fails(void **state) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EINTR, EACCES, EMFILE};
    static const odd_disk disks[] = {{.no_unnamed = 0}, {.no_unnamed = EOPNOTSUPP}, {.piece = 7}};
    const place *w = *state;
    for (size_t k = 0; k < sizeof disks / sizeof disks[0]; k++) {
        int calls = calls_of_a_run(w, disks[k]);
        for (int at = 1; at <= calls; at += stride()) {
            for (size_t i = 0; i < 2 * sizeof errors / sizeof errors[0]; i++) {
                odd_disk d = disks[k];
                d.fail_at = at;
                d.error = errors[i / 2];
                d.for_ever = i % 2;
                fail_one(w, d);
            }
        }
    }
}

static void interrupted_calls_are_repeated(void **state) {
    const place *w = *state;
    for (size_t piece = 0; piece < 9; piece += 4) {
        odd_disk d = {.interrupts = 1, .piece = piece};
        popcl_store_mbox *s = open_store(w, &d, 0);
        assert_int_equal(store_texts(s), 0);
        popcl_store_mbox_close(s);
        assert_texts(read_file(w, NULL));
        unlink(w->path);
    }
}

/* [kill -9] The part that is there stays, what another program appends after it stays too, and the
 * next run has every message. */
static void killed_at_each_call(const place *w, odd_disk slow) {
    static const char others[] = "another program's\n";
    int calls = calls_of_a_run(w, slow), parts = 0, replaced = 0;
    for (int at = 1; at <= calls; at += stride()) {
        static char left[ROOM];
        int status;
        size_t n;
        set_file(w, before);
        pid_t pid = fork();
        if (pid == 0) {
            odd_disk d = slow;
            d.kill_at = at;
            popcl_store_mbox *s = open_store(w, &d, 0);
            if (s) (void)store_texts(s);
            popcl_store_mbox_close(s);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status)) fail_msg("call %d of %d was not reached", at, calls);
        memcpy(left, read_file(w, &n), ROOM);
        assert_memory_equal(left, before, strlen(before));
        parts += n > strlen(before);
        write_file(w->path, others, strlen(others), O_APPEND);
        memcpy(left + n, others, strlen(others));
        n += strlen(others);
        struct stat lock;
        int is_left = stat(w->lock, &lock) == 0;
        if (is_left && lock.st_size == 0 && slow.no_unnamed) { /* a person removes it */
            const char *call;
            popcl_store_mbox *s = open_store(w, NULL, 0);
            assert_int_equal(store_texts(s), POPCL_SINK_STOP);
            assert_int_equal(popcl_store_mbox_error(s, &call), ETIMEDOUT);
            assert_string_equal(call, "dot lock");
            popcl_store_mbox_close(s);
            unlink(w->lock);
        } else if (is_left) {
            popcl_store_mbox *s = open_store(w, NULL, 0);
            assert_int_equal(popcl_store_mbox_has_replaced(s), 1);
            popcl_store_mbox_close(s);
            replaced++;
        }
        run_clean(w);
        const char *p = read_file(w, NULL);
        assert_memory_equal(p, left, n);
        assert_int_equal(p[n], '\n'); /* an empty line before the first line */
        assert_texts(p + n + 1);
    }
    if (stride() > 1) return;
    assert_true(parts > 10);
    assert_true(replaced > parts);
}

/* If no file can be without a name, a kill between the dot lock and its text is not made up for. */
static void killed_at_call_n(void **state) {
    const place *w = *state;
    killed_at_each_call(w, (odd_disk){.piece = 50});
    killed_at_each_call(w, (odd_disk){.piece = 50, .no_unnamed = EOPNOTSUPP});
    tidy(w);
}

/* Another program that knows no locks: then nothing is cut. */
static const char *intruded;
static int intruding_fsync(void *sys, int fd) {
    (void)sys, (void)fd;
    if (intruded) write_file(intruded, "intruder\n", 9, O_APPEND);
    intruded = NULL; /* once */
    errno = EIO;
    return -1;
}

static void nothing_of_others_is_cut(void **state) {
    const place *w = *state;
    popcl_disk calls = popcl_posix_disk;
    popcl_store_mbox_config c = {.path = w->path, .line_end = "\n"};
    size_t n;
    calls.fsync = intruding_fsync;
    intruded = w->path;
    set_file(w, before);
    popcl_store_mbox *s = popcl_store_mbox_open(&c, &calls, NULL);
    assert_int_equal(store_texts(s), POPCL_SINK_STOP);
    popcl_store_mbox_close(s);
    const char *p = read_file(w, &n);
    assert_memory_equal(p, before, strlen(before));
    assert_string_equal(p + n - 9, "intruder\n");
}

/* Another program puts a new file in the place of the mbox while this one takes its locks. */
static struct {
    const place *w;
    char backup[360]; /* "" = the old file goes */
    int at;           /* the call of openat for the mbox after which it does so */
} replacing;

static int replacing_openat(void *sys, int dir, const char *name, int flags, mode_t mode) {
    int fd = popcl_posix_disk.openat(sys, dir, name, flags, mode);
    if (strcmp(name, "mbox") == 0 && replacing.at-- == 0) {
        char fresh[360];
        (void)snprintf(fresh, sizeof fresh, "%s.new", replacing.w->path);
        if (*replacing.backup) assert_int_equal(link(replacing.w->path, replacing.backup), 0);
        write_file(fresh, before, strlen(before), O_EXCL);
        assert_int_equal(rename(fresh, replacing.w->path), 0);
    }
    return fd;
}

static void a_replaced_mbox_gets_the_mail(void **state) {
    const place *w = *state;
    popcl_disk calls = popcl_posix_disk;
    popcl_store_mbox_config c = {.path = w->path, .line_end = "\n", .lock_ms = 1000};
    calls.openat = replacing_openat;
    replacing.w = w;
    for (int has_backup = 0; has_backup < 2; has_backup++) {
        if (has_backup) (void)snprintf(replacing.backup, sizeof replacing.backup, "%s~", w->path);
        replacing.at = 1; /* the first is that of the open */
        set_file(w, "");
        popcl_store_mbox *s = popcl_store_mbox_open(&c, &calls, NULL);
        assert_int_equal(store_texts(s), 0);
        popcl_store_mbox_close(s);
        const char *p = read_file(w, NULL);
        assert_memory_equal(p, before, strlen(before));
        assert_texts(p + strlen(before));
    }
    assert_int_equal(unlink(replacing.backup), 0);
}

/* ---- what cannot be an mbox ---- */

static void others_are_refused(void **state) {
    place *w = *state;
    int files = open_files();
    assert_int_equal(mkdir(w->path, 0700), 0);
    assert_null(open_store(w, NULL, 0));
    assert_int_equal(errno, EISDIR);
    rmdir(w->path);
    assert_int_equal(mkfifo(w->path, 0600), 0);
    assert_null(open_store(w, NULL, 0));
    assert_int_equal(errno, EINVAL);
    unlink(w->path);
    name_file(w, "missing/mbox");
    assert_null(open_store(w, NULL, 0));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(open_files(), files);
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(every_message_comes_back),
        IN_A_PLACE(large_messages_come_back),
        IN_A_PLACE(the_first_line_has_the_sender),
        IN_A_PLACE(it_joins_whatever_is_there),
        IN_A_PLACE(cut_messages_leave_nothing),
        IN_A_PLACE(locks_of_others_are_waited_for),
        IN_A_PLACE(locks_of_others_are_never_taken),
        IN_A_PLACE(dot_lock_of_a_killed_run_is_removed),
        IN_A_PLACE(dot_lock_of_a_living_run_is_kept),
        IN_A_PLACE(one_lock_is_enough),
        IN_A_PLACE(many_at_once),
        IN_A_PLACE(call_n_fails),
        IN_A_PLACE(interrupted_calls_are_repeated),
        IN_A_PLACE(killed_at_call_n),
        IN_A_PLACE(nothing_of_others_is_cut),
        IN_A_PLACE(a_replaced_mbox_gets_the_mail),
        IN_A_PLACE(others_are_refused),
    };
    return cmocka_run_group_tests_name("mbox", tests, NULL, NULL);
}
