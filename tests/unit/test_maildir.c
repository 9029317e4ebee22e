/* SPDX-License-Identifier: MIT */
/* test_maildir - the Maildir of port/posix on a real directory, over a disk that misbehaves
 * (odd_disk.h). Each call fails, or is the last of a killed process. How messages are written is
 * the directory's: see test_posix_store.c. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "odd_disk.h"
#include "popcl_posix_store.h"
#include "results.h"
#include "store_names.h"
#include "stride.h"

static char top[64], box[80];

static int set_up(void **state) {
    (void)state;
    memcpy(top, "/tmp/popcl-test-XXXXXX", sizeof "/tmp/popcl-test-XXXXXX");
    assert_non_null(mkdtemp(top));
    (void)snprintf(box, sizeof box, "%s/box", top);
    return 0;
}

/* ---- what is in a directory ---- */

typedef struct names {
    int n;
    char name[32][256];
} names;

static void keep_name(void *ctx, const char *name) {
    names *all = ctx;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return;
    assert_true(all->n < 32);
    (void)snprintf(all->name[all->n++], 256, "%s", name);
}

static const names *names_in(const char *part) {
    static names all;
    char path[128];
    all.n = 0;
    (void)snprintf(path, sizeof path, "%s/%s", box, part);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    if (dir < 0) return &all;
    (void)popcl_posix_disk.list(NULL, dir, keep_name, &all);
    close(dir);
    return &all;
}

static void path_of(char path[512], const char *part, const char *name) {
    (void)snprintf(path, 512, "%s/%s/%s", box, part, name);
}

static void empty_box(void) {
    static const char *const parts[] = {"tmp", "new", "cur", "."};
    char path[512];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const names *all = names_in(parts[i]);
        for (int k = 0; k < all->n; k++) {
            path_of(path, parts[i], all->name[k]);
            if (unlink(path) < 0) (void)rmdir(path);
        }
    }
    (void)rmdir(box);
}

static int tear_down(void **state) {
    (void)state;
    empty_box();
    return rmdir(top);
}

/* Returns how many files in new have exactly this text. */
static int copies_of(const char *text) {
    const names *all = names_in("new");
    int copies = 0;
    for (int i = 0; i < all->n; i++) {
        char path[512], have[256];
        path_of(path, "new", all->name[i]);
        int fd = open(path, O_RDONLY);
        ssize_t n = read(fd, have, sizeof have);
        copies += n == (ssize_t)strlen(text) && memcmp(have, text, (size_t)n) == 0;
        close(fd);
    }
    return copies;
}

/* ---- messages ---- */

static const char *const texts[] = {"one\n", "two\n", "one\n", ""};
enum { TEXTS = sizeof texts / sizeof texts[0] };

/* Stores all texts, under one UID, as one group. */
static int store_texts(popcl_store_dir *s) {
    popcl_msg m = {.number = 1, .uid = "same", .uid_len = 4};
    for (int i = 0; i < TEXTS; i++) {
        int r = popcl_store_dir_sink.begin(s, &m);
        if (r < 0) return r;
        size_t n = strlen(texts[i]);
        if (n) r = popcl_store_dir_sink.data(s, texts[i], n);
        if (r < 0) {
            popcl_store_dir_sink.abort(s, POPCL_ERR_SINK);
            return r;
        }
        r = popcl_store_dir_sink.commit(s);
        if (r != POPCL_STAGED) return r;
    }
    return popcl_store_dir_sink.sync(s);
}

/* d NULL: nothing fails. The real fsync is slow, and nothing here needs it. */
static int run(odd_disk *d) {
    odd_disk sound = {.fail_at = 0};
    popcl_store_dir *s = popcl_store_maildir_open(box, &odd_disk_calls, d ? d : &sound);
    int r = s ? store_texts(s) : -1;
    popcl_store_dir_close(s);
    return r;
}

static odd_disk disk_of_kind(int kind) {
    static const odd_disk kinds[] = {
        {.open = 0},
        {.no_link_open = ENOENT},
        {.no_unnamed = EOPNOTSUPP},
        {.no_unnamed = EISDIR, .no_rename_new = ENOSYS},
        {.no_unnamed = EINVAL, .no_rename_new = EINVAL, .no_link = EPERM}};
    return kinds[kind];
}
enum { KINDS = 5 };

/* ---- tests ---- */

/* Every copy is a file of its own, and nothing is left in tmp. */
static void each_message_is_a_file_in_new(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk d = disk_of_kind(kind);
        assert_int_equal(run(&d), 0);
        assert_int_equal(run(&d), 0);
        assert_int_equal(d.open, 0);
        assert_int_equal(names_in("new")->n, 2 * TEXTS);
        assert_int_equal(copies_of("one\n"), 4);
        assert_int_equal(copies_of(""), 2);
        assert_int_equal(names_in("tmp")->n, 0);
        assert_int_equal(names_in("cur")->n, 0);
        assert_int_equal(names_in(".")->n, 3);
        empty_box();
    }
}

/* The last name is that of the file. */
static void the_name_is_told(void **state) {
    char path[512];
    (void)state;
    popcl_store_dir *s = popcl_store_maildir_open(box, NULL, NULL);
    assert_int_equal(store_texts(s), 0);
    (void)snprintf(path, sizeof path, "%s/%s", box, popcl_store_dir_name(s));
    assert_int_equal(access(path, F_OK), 0);
    popcl_store_dir_close(s);
}

static void others_are_refused(void **state) {
    char path[512];
    (void)state;
    int files = open_files();
    assert_int_equal(mkdir(box, 0700), 0);
    path_of(path, ".", "letter.eml");
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_null(popcl_store_maildir_open(box, NULL, NULL));
    assert_int_equal(errno, ENOTEMPTY);
    assert_int_equal(names_in(".")->n, 1); /* it stays as it was */
    path_of(path, ".", "new");
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_null(popcl_store_maildir_open(box, NULL, NULL));
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* a Maildir with more in it */
    assert_int_equal(run(NULL), 0);
    empty_box();
    assert_int_equal(mkdir(box, 0700), 0); /* empty, or one that a kill left half made */
    path_of(path, ".", "tmp");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(run(NULL), 0);
    assert_int_equal(open_files(), files);
}

/* A temporary of a killed run goes; those of other programs, and messages, stay. */
static void only_left_temporaries_are_removed(void **state) {
    static const char *const stay[] = {"1700000000.R1P1.host", ".popcl-x.tmp"};
    char path[512];
    (void)state;
    assert_int_equal(run(NULL), 0);
    for (size_t i = 0; i < 2; i++) {
        path_of(path, "tmp", stay[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    path_of(path, "tmp", ".popcl-0123456789abcdef.tmp");
    close(open(path, O_WRONLY | O_CREAT, 0600));
    path_of(path, "new", ".popcl-0123456789abcdef.tmp");
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_int_equal(run(NULL), 0);
    assert_int_equal(names_in("tmp")->n, 2);
    assert_int_equal(names_in("new")->n, 2 * TEXTS + 1);
}

static void call_n_fails(void **state) {
    static const int errors[] = {ENOSPC, EINTR, EMFILE};
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk clean = disk_of_kind(kind);
        assert_int_equal(run(&clean), 0);
        empty_box();
        for (int at = 1; at <= clean.calls; at += stride()) {
            for (size_t i = 0; i < 2 * sizeof errors / sizeof errors[0]; i++) {
                odd_disk d = disk_of_kind(kind);
                int files = open_files();
                d.fail_at = at;
                d.error = errors[i / 2];
                d.for_ever = i % 2;
                int r = run(&d);
                assert_int_equal(open_files(), files);
                int whole = copies_of("one\n") + copies_of("two\n") + copies_of("");
                int found = names_in("new")->n;
                if (r == 0 && whole != TEXTS) fail_msg("kind %d, call %d: %d", kind, at, whole);
                /* only where a name is taken with an empty file, a kill can leave one */
                if (whole != found) fail_msg("kind %d, call %d: a part", kind, at);
                assert_int_equal(run(NULL), 0);
                assert_true(copies_of("one\n") >= 2 && copies_of("two\n") >= 1);
                assert_int_equal(names_in("tmp")->n, 0);
                empty_box();
            }
        }
    }
}

/* A kill before the record is written costs a second copy at most, and no message. */
static void killed_at_call_n(void **state) {
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk clean = disk_of_kind(kind);
        assert_int_equal(run(&clean), 0);
        empty_box();
        for (int at = 1; at <= clean.calls; at += stride()) {
            int status;
            pid_t pid = fork();
            if (pid == 0) {
                odd_disk d = disk_of_kind(kind);
                d.kill_at = at;
                (void)run(&d);
                _exit(0);
            }
            assert_int_equal(waitpid(pid, &status, 0), pid);
            assert_true(WIFSIGNALED(status));
            assert_int_equal(run(NULL), 0);
            assert_in_range(copies_of("one\n"), 2, 4);
            assert_in_range(copies_of("two\n"), 1, 2);
            assert_int_equal(copies_of("one\n") + copies_of("two\n") + copies_of(""),
                             names_in("new")->n);
            assert_int_equal(names_in("tmp")->n, 0);
            empty_box();
        }
    }
}

/* Names from any host are file names, without the octets that the format keeps for itself. */
static void hosts_are_escaped(void **state) {
    static const struct {
        const char *host, *end;
    } rows[] = {{"mail.Example-1.org", ".mail.Example-1.org"},
                {"a/b:c", ".a\\057b\\072c"},
                {"x y\n\303", ".x\\040y\\012\\303"}};
    char base[POP_STORE_BASE_MAX + 1], name[POPCL_STORE_NAME_MAX + 1], host[300];
    static const pop_store_layout layout = {.temporary = "tmp/", .final = "new/", .tail = ""};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pop_store_maildir_base(base, 1700000000, 42, "0123456789abcdef", 7, rows[i].host);
        pop_store_name(name, &layout, base, "", 0);
        assert_int_equal(strncmp(name, "new/1700000000.R0123456789abcdefP42Q7", 37), 0);
        assert_string_equal(name + 37, rows[i].end);
    }
    for (int n = 0; n < 299; n++) {
        memset(host, n % 2 ? '/' : 'h', sizeof host);
        host[n] = '\0';
        pop_store_maildir_base(base, UINT64_MAX, (unsigned long)-1, "0123456789abcdef",
                               (unsigned long)-1, host);
        pop_store_name(name, &layout, base, "0123456789abcdef", (unsigned)-1);
        assert_true(strlen(name) <= POPCL_STORE_NAME_MAX);
        assert_true(strchr(name + 4, '/') == NULL);
    }
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(each_message_is_a_file_in_new),
        IN_A_PLACE(the_name_is_told),
        IN_A_PLACE(others_are_refused),
        IN_A_PLACE(only_left_temporaries_are_removed),
        IN_A_PLACE(call_n_fails),
        IN_A_PLACE(killed_at_call_n),
        cmocka_unit_test(hosts_are_escaped),
    };
    return cmocka_run_group_tests_name("maildir", tests, NULL, NULL);
}
