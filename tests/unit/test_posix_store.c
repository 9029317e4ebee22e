/* SPDX-License-Identifier: MIT */
/* test_posix_store - the directory store of port/posix on a real temporary directory, over a disk
 * that misbehaves (odd_disk.h). Nothing here knows how the store is written: names, files and calls
 * are all that is looked at. */
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
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "odd_disk.h"
#include "popcl_posix_store.h"
#include "results.h"
#include "stride.h"

static const popcl_disk *real(void) { return &popcl_posix_disk; }

/* ---- a directory to work in ---- */

typedef struct place {
    char top[64]; /* removed at the end */
    char out[80]; /* the store's: made by the store */
} place;

static void path_in(const place *w, const char *name, char *path, size_t cap) {
    (void)snprintf(path, cap, "%s/%s", w->out, name);
}

static void make_file(const place *w, const char *name, const void *p, size_t n) {
    char path[512];
    path_in(w, name, path, sizeof path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    close(fd);
}

typedef struct entries {
    int count, temporaries;
    char name[64][256];
} entries;

static void note_entry(void *ctx, const char *name) {
    entries *e = ctx;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return;
    if (strncmp(name, ".popcl-", 7) == 0) {
        e->temporaries++;
        return;
    }
    if (e->count < 64) (void)snprintf(e->name[e->count], sizeof e->name[0], "%s", name);
    e->count++;
}

static entries entries_of(const char *path) {
    entries e = {0, 0, {{0}}};
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    if (dir < 0) return e;
    real()->list(NULL, dir, note_entry, &e);
    close(dir);
    return e;
}

static void remove_entry(void *ctx, const char *name) {
    const char *path = ctx;
    char full[400];
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return;
    (void)snprintf(full, sizeof full, "%s/%s", path, name);
    if (unlink(full) < 0) rmdir(full);
}

static void empty(const place *w) {
    char path[80];
    (void)snprintf(path, sizeof path, "%s", w->out);
    int dir = open(path, O_RDONLY | O_DIRECTORY);
    if (dir < 0) return;
    real()->list(NULL, dir, remove_entry, path);
    close(dir);
}

static int set_up(void **state) {
    place *w = calloc(1, sizeof *w);
    const char *tmp = getenv("TMPDIR");
    assert_non_null(w);
    (void)snprintf(w->top, sizeof w->top, "%.40s/popcl-test-XXXXXX",
                   tmp && *tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->top));
    (void)snprintf(w->out, sizeof w->out, "%s/out", w->top);
    *state = w;
    return 0;
}

static int tear_down(void **state) {
    place *w = *state;
    chmod(w->out, 0700);
    empty(w);
    remove_entry(w->top, "out");
    rmdir(w->top);
    free(w);
    return 0;
}

/* ---- a message ---- */

static popcl_msg message(uint32_t number, const char *uid, size_t uid_len) {
    popcl_msg m = {
        .size = 0, .number = number, .uid_len = (uint8_t)uid_len, .part = POPCL_WHOLE, .uid = uid};
    return m;
}

/* The whole life of one message. Returns what commit returned, or the first failure before it. */
static int store_msg(popcl_store_dir *s, const popcl_msg *m, const void *p, size_t n) {
    int r = popcl_store_dir_sink.begin(s, m);
    if (r < 0) return r;
    for (size_t at = 0; at < n;) {
        r = popcl_store_dir_sink.data(s, (const char *)p + at, n - at);
        if (r < 0) {
            popcl_store_dir_sink.abort(s, POPCL_ERR_SINK);
            return r;
        }
        at += (size_t)r;
    }
    return popcl_store_dir_sink.commit(s);
}

static int store(popcl_store_dir *s, const char *uid, const char *text) {
    popcl_msg m = message(1, uid, strlen(uid));
    return store_msg(s, &m, text, strlen(text));
}

static int make_durable(popcl_store_dir *s) { return popcl_store_dir_sink.sync(s); }

/* The same, durable at once. */
static void store_now(popcl_store_dir *s, const char *uid, const char *text) {
    assert_int_equal(store(s, uid, text), POPCL_STAGED);
    assert_int_equal(make_durable(s), 0);
}

/* A disk of each kind: how it gives names. */
#define KINDS 6
static odd_disk disk_of_kind(int kind) {
    static const odd_disk kinds[KINDS] = {
        {.open = 0},
        {.no_link_open = ENOENT},
        {.no_link_open = ENOENT, .no_proc = ENOENT},
        {.no_unnamed = EOPNOTSUPP},
        {.no_unnamed = EISDIR, .no_rename_new = ENOSYS},
        {.no_unnamed = EINVAL, .no_rename_new = EINVAL, .no_link = EPERM}};
    return kinds[kind];
}

/* One run that stores one text under one UID; its name. */
static const char *run_one(const place *w, const char *uid, const char *text) {
    static char name[256];
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    assert_non_null(s);
    store_now(s, uid, text);
    (void)snprintf(name, sizeof name, "%s", popcl_store_dir_name(s));
    popcl_store_dir_close(s);
    return name;
}

/* Whether the file of this name holds exactly these octets. */
static int holds(const place *w, const char *name, const void *p, size_t n) {
    char path[512];
    struct stat st;
    path_in(w, name, path, sizeof path);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return 0;
    int same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size == n;
    char *have = malloc(n + 1);
    same = same && have && read(fd, have, n) == (ssize_t)n && memcmp(have, p, n) == 0;
    free(have);
    close(fd);
    return same;
}

static void assert_text(const place *w, const char *name, const char *text) {
    if (!holds(w, name, text, strlen(text))) fail_msg("%s does not hold \"%s\"", name, text);
}

/* ---- names ---- */

static int is_safe_name(const char *name) {
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    char others[96];
    (void)snprintf(others, sizeof others, "%s.,=+@%%~-", first);
    size_t n = strlen(name);
    return n >= 1 && n <= 255 && strchr(first, name[0]) && strspn(name, others) == n;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static int equal_in_lower(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return lower(*a) == lower(*b);
}

#define LONG_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
static const struct {
    const char *uid;
    size_t len;       /* 0: a C string */
    const char *name; /* NULL: only safe, and unlike all others */
} ids[] = {
    {"whqtswo00wbw418f9t5jxywz", 0, "whqtswo00wbw418f9t5jxywz.eml"},
    {"1234.567@host,s=12+3%-x_", 0, "1234.567@host,s=12+3%-x_.eml"},
    {"_", 0, "_.eml"},
    {"x.eml", 0, "x.eml.eml"},
    {"../../x", 0, NULL},
    {"/etc/x", 0, NULL},
    {"..", 0, NULL},
    {".", 0, NULL},
    {"a/b", 0, NULL},
    {"a\\b", 0, NULL},
    {"a:b", 0, NULL},
    {"a_b", 0, "a_b.eml"},
    {"a\0b", 3, NULL},
    {"a\001b", 0, NULL},
    {"a\033[2Jb", 0, NULL},
    {"a\nb", 0, NULL},
    {"\303\244", 0, NULL},
    {"-rf", 0, NULL},
    {"~root", 0, NULL},
    {".hidden", 0, NULL},
    {"CON", 0, NULL},
    {"con", 0, NULL},
    {"con.x", 0, NULL},
    {"com1", 0, NULL},
    {"LPT9.txt", 0, NULL},
    {"com10", 0, "com10.eml"},
    {"dot.", 0, NULL},
    {"dot", 0, "dot.eml"},
    {"space ", 0, NULL},
    {"Abc", 0, NULL},
    {"abc", 0, "abc.eml"},
    {"ABC", 0, NULL},
    {LONG_A LONG_A LONG_A "12345678", 0, LONG_A LONG_A LONG_A "12345678.eml"},
    {LONG_A LONG_A LONG_A "123456789", 0, NULL},
    {LONG_A LONG_A LONG_A LONG_A, 255, NULL},
    {LONG_A LONG_A LONG_A LONG_A, 254, NULL},
};
#define IDS (sizeof ids / sizeof ids[0])

static int is_device_name(const char *name) {
    static const char *const devices[] = {"con", "prn", "aux", "nul", "com1", "lpt9"};
    char stem[256];
    (void)snprintf(stem, sizeof stem, "%.*s", (int)strcspn(name, "."), name);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (equal_in_lower(stem, devices[i])) return 1;
    return 0;
}

/* [F1 F2 F3 F4 F6 F7 B49] Every UID gets one file in the directory, with a name that is safe
 * everywhere. No two UIDs share a name. */
static void every_uid_gets_a_safe_name_of_its_own(void **state) {
    const place *w = *state;
    char names[IDS][256];
    for (int run = 0; run < 2; run++) { /* the second changes nothing */
        popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
        assert_non_null(s);
        for (size_t i = 0; i < IDS; i++) {
            popcl_msg m =
                message((uint32_t)i + 1, ids[i].uid, ids[i].len ? ids[i].len : strlen(ids[i].uid));
            assert_int_equal(store_msg(s, &m, &i, sizeof i), POPCL_STAGED);
            if (run == 0) (void)snprintf(names[i], sizeof names[i], "%s", popcl_store_dir_name(s));
            assert_string_equal(popcl_store_dir_name(s), names[i]);
            if (ids[i].name) assert_string_equal(names[i], ids[i].name);
            if (!is_safe_name(names[i]) || is_device_name(names[i]))
                fail_msg("unsafe: %s", names[i]);
            for (size_t j = 0; j < i; j++)
                if (equal_in_lower(names[i], names[j])) fail_msg("%s twice", names[i]);
        }
        assert_int_equal(make_durable(s), 0);
        popcl_store_dir_close(s);
        for (size_t i = 0; i < IDS; i++)
            assert_true(holds(w, names[i], &i, sizeof i));
        entries e = entries_of(w->out);
        assert_int_equal(e.count, (int)IDS);
        assert_int_equal(e.temporaries, 0);
    }
    assert_int_equal(entries_of(w->top).count, 1);
}

/* The names after a run over this mailbox: four messages with one UID, two of them with the same
 * octets. */
static void run_duplicates(const place *w, char names[4][256]) {
    static const char *const texts[4] = {"one", "two", "one", "one"};
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    assert_non_null(s);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(store(s, "same", texts[i]), POPCL_STAGED);
        (void)snprintf(names[i], 256, "%s", popcl_store_dir_name(s));
    }
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    for (int i = 0; i < 4; i++)
        assert_text(w, names[i], texts[i]);
}

/* [F8 B50] Duplicate UIDs in one listing are as many files, and a second run over them changes
 * nothing. */
static void messages_with_one_uid_are_as_many_files(void **state) {
    const place *w = *state;
    char first[4][256], second[4][256];
    run_duplicates(w, first);
    assert_string_equal(first[0], "same.eml");
    assert_int_equal(entries_of(w->out).count, 4);
    run_duplicates(w, second);
    for (int i = 0; i < 4; i++)
        assert_string_equal(first[i], second[i]);
    assert_int_equal(entries_of(w->out).count, 4);
}

/* [F8] Two accounts with the same UID into one directory, each twice: two files, whatever the
 * order. */
static void accounts_with_equal_uids_lose_nothing(void **state) {
    const place *w = *state;
    char further[256];
    assert_string_equal(run_one(w, "1", "of anna"), "1.eml");
    (void)snprintf(further, sizeof further, "%s", run_one(w, "1", "of bert"));
    assert_string_not_equal(further, "1.eml");
    assert_string_equal(run_one(w, "1", "of anna"), "1.eml");
    assert_string_equal(run_one(w, "1", "of bert"), further);
    assert_text(w, "1.eml", "of anna");
    assert_text(w, further, "of bert");
    assert_int_equal(entries_of(w->out).count, 2);
}

/* Without a UID the name comes from number and content; also for the empty message [B31]. */
static void without_uid_the_content_names_the_file(void **state) {
    const place *w = *state;
    char names[3][256];
    static const char *const texts[3] = {"first", "second", ""};
    for (int run = 0; run < 2; run++) {
        popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
        assert_non_null(s);
        for (uint32_t i = 0; i < 3; i++) {
            popcl_msg m = message(7, NULL, 0);
            assert_int_equal(store_msg(s, &m, texts[i], strlen(texts[i])), POPCL_STAGED);
            assert_int_equal(make_durable(s), 0);
            if (run == 0) (void)snprintf(names[i], 256, "%s", popcl_store_dir_name(s));
            assert_string_equal(popcl_store_dir_name(s), names[i]);
            assert_int_equal(strncmp(names[i], "message-7~", 10), 0);
            assert_text(w, names[i], texts[i]);
        }
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 3);
    }
}

/* Headers that were asked for alone do not take the name of the message. */
static void headers_do_not_stand_for_the_message(void **state) {
    const place *w = *state;
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    popcl_msg m = message(1, "id", 2);
    m.part = POPCL_HEADERS;
    assert_int_equal(store_msg(s, &m, "head", 4), POPCL_STAGED);
    assert_string_equal(popcl_store_dir_name(s), "id~head.eml");
    assert_int_equal(store(s, "id", "whole"), POPCL_STAGED);
    assert_string_equal(popcl_store_dir_name(s), "id.eml");
    popcl_store_dir_close(s);
}

/* More names than fit the first memory for them, twice. */
static void many_messages_keep_their_names(void **state) {
    const place *w = *state;
    for (int run = 0; run < 2; run++) {
        popcl_store_dir *s =
            popcl_store_dir_open(w->out, &odd_disk_calls, &(odd_disk){.may_fail = ""});
        for (int i = 0; i < 500; i++) {
            char uid[16], name[32];
            (void)snprintf(uid, sizeof uid, "u%d", i % 400); /* 100 come twice */
            (void)snprintf(name, sizeof name, "%s.eml", uid);
            assert_int_equal(store(s, uid, uid), POPCL_STAGED);
            assert_int_equal(strcmp(popcl_store_dir_name(s), name) == 0, i < 400);
        }
        assert_int_equal(make_durable(s), 0);
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 500);
    }
}

/* ---- what is there already ---- */

/* [F12] A directory, links and a FIFO under the wanted name are neither followed nor replaced. */
static void what_is_no_file_is_left_alone(void **state) {
    const place *w = *state;
    char path[512], target[200];
    struct stat st;
    assert_int_equal(mkdir(w->out, 0700), 0);
    path_in(w, "dir.eml", path, sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
    path_in(w, "fifo.eml", path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)snprintf(target, sizeof target, "%s/target", w->top);
    path_in(w, "dangling.eml", path, sizeof path);
    assert_int_equal(symlink(target, path), 0);
    make_file(w, "same", "text", 4);
    path_in(w, "link.eml", path, sizeof path);
    assert_int_equal(symlink("same", path), 0);
    static const char *const uids[] = {"dir", "fifo", "dangling", "link"};
    for (int i = 0; i < 4; i++) {
        const char *name = run_one(w, uids[i], "text");
        assert_int_equal(strncmp(name, uids[i], strlen(uids[i])), 0);
        assert_int_equal(name[strlen(uids[i])], '~');
        assert_text(w, name, "text");
    }
    assert_int_equal(lstat(target, &st), -1);
    path_in(w, "dir.eml", path, sizeof path);
    assert_int_equal(entries_of(path).count, 0);
    assert_int_equal(entries_of(w->out).count, 9);
    path_in(w, "fifo.eml", path, sizeof path);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
}

/* [F20] A file that another program makes between the look and the name is not replaced, in any
 * way of giving names. The message gets a further name, which the store reports. */
static void a_name_taken_in_between_is_not_replaced(void **state) {
    const place *w = *state;
    for (int kind = 0; kind < KINDS - 1; kind++) {
        odd_disk d = disk_of_kind(kind);
        d.may_fail = "";
        d.race = "x.eml";
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        assert_int_equal(store(s, "w", "ours"), POPCL_STAGED);
        assert_int_equal(store(s, "x", "ours"), POPCL_STAGED);
        assert_string_equal(popcl_store_dir_name(s), "x.eml");
        assert_int_equal(make_durable(s), 0);
        assert_string_not_equal(popcl_store_dir_name(s), "x.eml");
        assert_text(w, "w.eml", "ours");
        assert_text(w, "x.eml", "another's");
        assert_text(w, popcl_store_dir_name(s), "ours");
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 3);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
    }
}

/* [F20] If the other program's file has the message's octets, it is the message, once it is
 * synced. */
static void a_name_taken_by_the_same_octets_is_the_message(void **state) {
    const place *w = *state;
    for (int kind = 0; kind < KINDS - 1; kind++) {
        odd_disk d = disk_of_kind(kind);
        d.race = "x.eml";
        d.race_text = "ours";
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        store_now(s, "x", "ours");
        assert_string_equal(popcl_store_dir_name(s), "x.eml");
        popcl_store_dir_close(s);
        const char *looked = strchr(d.log, 'r'); /* compared, then synced, after our own file */
        assert_non_null(looked);
        assert_non_null(strchr(looked, 'f'));
        assert_int_equal(entries_of(w->out).count, 1);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
    }
}

/* [F20] Equal messages of one UID, and a foreign file under a name that waits for its group. Each
 * message still gets a file of its own. */
static void a_name_taken_from_a_group_shifts_no_other(void **state) {
    const place *w = *state;
    char first[256], taken[256];
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    (void)snprintf(taken, sizeof taken, "%s", popcl_store_dir_name(s));
    for (int i = 0; i < 2; i++)
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    make_file(w, taken, "text of another", 15);
    (void)snprintf(first, sizeof first, "%s", popcl_store_dir_name(s));
    assert_int_equal(make_durable(s), 0);
    assert_string_equal(popcl_store_dir_name(s), first);
    popcl_store_dir_close(s);
    assert_text(w, taken, "text of another");
    entries e = entries_of(w->out);
    assert_int_equal(e.count, 5);
    int ours = 0;
    for (int i = 0; i < e.count; i++)
        ours += holds(w, e.name[i], "text", 4);
    assert_int_equal(ours, 4);
}

/* [F20] Two runs at a time in one directory: neither takes the other's temporary for an old one,
 * and none clobbers. */
static void two_runs_in_one_directory_keep_apart(void **state) {
    const place *w = *state;
    popcl_msg m = message(1, "id", 2);
    for (int kind = 0; kind < 4; kind++) {
        odd_disk d = disk_of_kind(kind);
        d.may_fail = "";
        popcl_store_dir *a = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        assert_int_equal(popcl_store_dir_sink.begin(a, &m), 0);
        assert_int_equal(popcl_store_dir_sink.data(a, "of a", 4), 4);
        popcl_store_dir *b = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        assert_int_equal(entries_of(w->out).temporaries, kind > 1);
        store_now(b, "id", "of b");
        assert_int_equal(popcl_store_dir_sink.commit(a), POPCL_STAGED);
        popcl_store_dir_close(popcl_store_dir_open(w->out, &odd_disk_calls, &d)); /* tidies */
        assert_int_equal(make_durable(a), 0);
        assert_text(w, "id.eml", "of b");
        assert_text(w, popcl_store_dir_name(a), "of a");
        assert_int_equal(store(a, "both", "same"), POPCL_STAGED);
        assert_int_equal(store(b, "both", "same"), POPCL_STAGED);
        assert_int_equal(make_durable(a), 0);
        assert_int_equal(make_durable(b), 0);
        popcl_store_dir_close(a);
        popcl_store_dir_close(b);
        entries e = entries_of(w->out);
        assert_int_equal(e.count, 3);
        assert_int_equal(e.temporaries, 0);
        empty(w);
    }
}

/* [F18] Only what a killed run of popcl left is removed: named as a temporary, a file, and not
 * locked. */
static void stale_temporaries_are_removed(void **state) {
    const place *w = *state;
    char path[512];
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, ".popcl-0123456789abcdef.tmp", "left", 4);
    make_file(w, ".popcl-0123456789abcdee.tmp", "live", 4);
    make_file(w, ".popcl-state.tmp", "state", 5);
    make_file(w, ".popcl-0123456789abcdeg.tmp", "not ours", 8);
    path_in(w, ".popcl-0123456789abcded.tmp", path, sizeof path);
    assert_int_equal(symlink("nowhere", path), 0);
    path_in(w, ".popcl-0123456789abcdec.tmp", path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
    path_in(w, ".popcl-0123456789abcdee.tmp", path, sizeof path);
    int live = open(path, O_RDWR);
    assert_int_equal(flock(live, LOCK_EX | LOCK_NB), 0);
    popcl_store_dir_close(popcl_store_dir_open(w->out, NULL, NULL));
    assert_int_equal(entries_of(w->out).temporaries, 5);
    path_in(w, ".popcl-0123456789abcdef.tmp", path, sizeof path);
    assert_int_equal(access(path, F_OK), -1);
    close(live);
    popcl_store_dir_close(popcl_store_dir_open(w->out, NULL, NULL));
    assert_int_equal(entries_of(w->out).temporaries, 4);
}

/* Files that an NFS client kept of removed ones, and did not remove before its machine died. Only
 * one that can be a message of ours and that nobody works on. */
static void what_nfs_left_is_removed(void **state) {
    const place *w = *state;
    char path[512];
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, ".nfs00000000012345670000000a", "left", 4);
    make_file(w, ".nfs00000000012345670000000b", "live", 4);
    make_file(w, ".nfs00000000012345670000000c", "public", 6);
    make_file(w, ".nfsrc", "a file of the user's", 20);
    make_file(w, ".nfs0000000001234567.bak", "too", 3);
    path_in(w, ".nfs00000000012345670000000c", path, sizeof path);
    assert_int_equal(chmod(path, 0644), 0);
    path_in(w, ".nfs00000000012345670000000b", path, sizeof path);
    int live = open(path, O_RDWR);
    assert_int_equal(flock(live, LOCK_EX | LOCK_NB), 0);
    popcl_store_dir_close(popcl_store_dir_open(w->out, NULL, NULL));
    close(live);
    assert_int_equal(entries_of(w->out).count, 4);
    path_in(w, ".nfs00000000012345670000000a", path, sizeof path);
    assert_int_equal(access(path, F_OK), -1);
}

/* If nothing can be locked, the age decides. */
static void without_locks_old_temporaries_are_removed(void **state) {
    const place *w = *state;
    const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
    odd_disk d = {
        .may_fail = "c", .fail_at = 1, .for_ever = 1, .error = ENOLCK, .no_unnamed = ENOTSUP};
    char path[512];
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, ".popcl-0123456789abcdef.tmp", "left", 4);
    make_file(w, ".popcl-0123456789abcdee.tmp", "live", 4);
    path_in(w, ".popcl-0123456789abcdef.tmp", path, sizeof path);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    store_now(s, "x", "text");
    popcl_store_dir_close(s);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(entries_of(w->out).temporaries, 1);
    assert_text(w, "x.eml", "text");
}

/* ---- many messages of one UID ---- */

/* One run over so many messages with the same octets; how many system calls it made. */
static int run_many(const place *w, int messages, int one_uid) {
    odd_disk d = {0};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    for (int i = 0; i < messages; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof uid, "uid%d", one_uid ? 0 : i);
        assert_int_equal(store(s, uid, "text"), POPCL_STAGED);
    }
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    return d.calls;
}

/* [F8] Equal messages of one UID are as many files, and in a second run the same ones. Each costs a
 * few system calls more than another message does. A search on the disk from the first name on
 * would cost a call for each message before it. */
static void many_equal_messages_cost_no_more_than_others(void **state) {
    enum { MESSAGES = 1000 };
    const place *w = *state;
    int others = run_many(w, MESSAGES, 0);
    empty(w);
    int first = run_many(w, MESSAGES, 1);
    assert_int_equal(entries_of(w->out).count, MESSAGES);
    int again = run_many(w, MESSAGES, 1);
    assert_int_equal(entries_of(w->out).count, MESSAGES);
    if (first > 3 * others || again > 3 * others)
        fail_msg("equal messages: %d and %d system calls, others %d", first, again, others);
}

/* A name that holds the same hash, and other octets: passed over once, not at each message. */
static void a_foreign_file_in_the_row_is_passed_over(void **state) {
    const place *w = *state;
    char name[256], second[300];
    (void)run_one(w, "x", "text");
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    for (int i = 0; i < 2; i++)
        store_now(s, "x", "text");
    (void)snprintf(name, sizeof name, "%s", popcl_store_dir_name(s));
    popcl_store_dir_close(s);
    make_file(w, name, "foreign", 7);
    (void)snprintf(second, sizeof second, "%.*s-2.eml", (int)strlen(name) - 4, name);
    s = popcl_store_dir_open(w->out, NULL, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    assert_text(w, name, "foreign");
    assert_text(w, second, "text");
    assert_int_equal(entries_of(w->out).count, 5);
}

/* ---- permissions ---- */

/* Root stores for a user, and the files become that user's (cron, with chown): they are the
 * messages all the same. A third user's are not. */
static void root_keeps_files_of_the_directorys_owner(void **state) {
    const place *w = *state;
    char path[512];
    if (geteuid() != 0) skip_test("only root can give a folder away");
    assert_int_equal(mkdir(w->out, 0700), 0);
    assert_int_equal(chown(w->out, 12345, 12345), 0);
    path_in(w, run_one(w, "x", "text"), path, sizeof path);
    assert_int_equal(chown(path, 12345, 12345), 0);
    (void)run_one(w, "x", "text");
    assert_int_equal(entries_of(w->out).count, 1);
    assert_int_equal(chown(path, 12346, 12346), 0);
    (void)run_one(w, "x", "text");
    assert_int_equal(entries_of(w->out).count, 2);
}

/* [F21] 0600 under any umask; the directory 0700. */
static void files_are_0600_whatever_the_umask(void **state) {
    const place *w = *state;
    static const mode_t masks[] = {0, 077, 0177, 0777};
    struct stat st;
    char path[512];
    for (size_t i = 0; i < 8; i++) {
        char uid[8];
        (void)snprintf(uid, sizeof uid, "m%u", (unsigned)i);
        odd_disk d = disk_of_kind(i < 4 ? 0 : 3);
        d.may_fail = "";
        mode_t before = umask(masks[i % 4]);
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        int r = s ? store(s, uid, "x") : -1;
        if (r == POPCL_STAGED) r = make_durable(s);
        umask(before);
        assert_int_equal(r, 0);
        path_in(w, popcl_store_dir_name(s), path, sizeof path);
        popcl_store_dir_close(s);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    assert_int_equal(stat(w->out, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void assert_no_store(const char *path, odd_disk *d, int error) {
    int files = open_files();
    errno = 0;
    assert_null(popcl_store_dir_open(path, d ? &odd_disk_calls : NULL, d));
    assert_int_equal(errno, error);
    assert_int_equal(open_files(), files);
}

/* [F13] Missing parent, a file, read-only: refused at once, with the errno of the cause. */
static void a_place_that_takes_no_files_is_refused_at_once(void **state) {
    const place *w = *state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/no/out", w->top);
    assert_no_store(path, NULL, ENOENT);
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, "file", "x", 1);
    (void)snprintf(path, sizeof path, "%s/file", w->out);
    assert_no_store(path, NULL, ENOTDIR);
    assert_no_store(
        w->out, &(odd_disk){.may_fail = "ot", .fail_at = 2, .for_ever = 1, .error = EROFS}, EROFS);
    assert_no_store("/dev/null", NULL, ENOTDIR);
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(chmod(w->out, 0500), 0);
        assert_no_store(w->out, NULL, EACCES);
        assert_int_equal(chmod(w->out, 0700), 0);
    }
    assert_text(w, "file", "x");
}

/* ---- the order of calls ---- */

/* [F17] All files of a group are synced, then all get their names. The directory is synced after
 * that, by sync alone. Then the directory's own entry. */
static void durable_means_synced_in_order(void **state) {
    const place *w = *state;
    static const char *const logs[KINDS] = {"ssffOO", "ssffNN",    "ssffvv",
                                            "ssffvv", "ssffvnunu", "ssffvnolVolV"};
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk d = disk_of_kind(kind);
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        assert_int_equal(make_durable(s), 0);
        assert_null(strchr(d.log, 'F')); /* nothing staged */
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
        assert_int_equal(store(s, "y", "text"), POPCL_STAGED);
        assert_int_equal(entries_of(w->out).count, 0);
        assert_null(strpbrk(d.log, "Ffnv"));
        d.logged = 0;
        memset(d.log, 0, sizeof d.log);
        assert_int_equal(make_durable(s), 0);
        const char *rest = d.log + strlen(logs[kind]);
        assert_memory_equal(d.log, logs[kind], strlen(logs[kind]));
        /* two descriptors with a gap are closed one by one */
        if (strncmp(rest, "ll", 2) == 0) rest++;
        assert_string_equal(rest + 1, "FoFla");
        d.logged = 0;
        memset(d.log, 0, sizeof d.log);
        store_now(s, "z", "text");
        assert_non_null(strstr(d.log, "F"));
        assert_null(strstr(d.log, "Fo"));
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 3);
        empty(w);
    }
}

/* [F17] A file that was there already counts only once it is synced: another program may have
 * written it. */
static void a_kept_file_is_synced_too(void **state) {
    const place *w = *state;
    odd_disk d = {0};
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, "x.eml", "text", 4);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    memset(&d, 0, sizeof d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_non_null(strchr(d.log, 'f'));
    assert_null(strchr(d.log, 'n'));
    popcl_store_dir_close(s);
    d = (odd_disk){.may_fail = "f", .fail_at = 1, .error = EIO};
    s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_SINK_STOP);
    popcl_store_dir_close(s);
    assert_text(w, "x.eml", "text");
    assert_int_equal(entries_of(w->out).temporaries, 0);
}

/* A message that is synced at its commit, whatever comes after it. */
static int store_large(popcl_store_dir *s, const char *uid) {
    enum { LARGE = 2000000 };
    char *octets = calloc(1, LARGE);
    popcl_msg m = message(1, uid, strlen(uid));
    assert_non_null(octets);
    int r = store_msg(s, &m, octets, LARGE);
    free(octets);
    return r;
}

/* [F15] An fsync that failed is not asked again: the second answer would be a lie. No message of
 * the group gets a name. */
static void a_failed_fsync_is_final(void **state) {
    const place *w = *state;
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk d = disk_of_kind(kind);
        const char *call;
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        d.may_fail = "f";
        d.fail_at = 2;
        d.error = EIO;
        d.calls = 0;
        for (int i = 0; i < 3; i++)
            assert_int_equal(store(s, i == 0 ? "x" : "y", "text"), POPCL_STAGED);
        assert_int_equal(d.calls, 0);
        assert_int_equal(make_durable(s), POPCL_SINK_STOP);
        assert_int_equal(d.calls, 2);
        assert_int_equal(popcl_store_dir_error(s, &call, NULL), EIO);
        assert_string_equal(call, "fsync");
        assert_int_equal(make_durable(s), POPCL_SINK_STOP);
        assert_int_equal(store(s, "z", "text"), POPCL_SINK_STOP);
        assert_int_equal(d.calls, 2);
        assert_int_equal(entries_of(w->out).count + entries_of(w->out).temporaries, 0);
        popcl_store_dir_close(s);
    }
}

/* [F15] The same for the directory. */
static void a_failed_fsync_of_the_directory_is_final(void **state) {
    const place *w = *state;
    odd_disk d = {.may_fail = "f", .fail_at = 2, .error = EIO};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_int_equal(make_durable(s), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, NULL, NULL), EIO);
    assert_int_equal(make_durable(s), POPCL_SINK_STOP);
    assert_int_equal(store(s, "y", "text"), POPCL_SINK_STOP);
    assert_int_equal(d.calls, 2);
    popcl_store_dir_close(s);
    assert_text(w, "x.eml", "text");
}

/* [F16] Some file systems report only at fsync that a message is too large. It fails alone, and the
 * messages of its group stay. */
static void a_large_message_fails_alone(void **state) {
    const place *w = *state;
    odd_disk d = {.may_fail = "f", .fail_at = 1, .error = EFBIG};
    const char *call;
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    assert_int_equal(store(s, "before", "text"), POPCL_STAGED);
    assert_int_equal(store_large(s, "large"), -EFBIG);
    assert_int_equal(d.calls, 1);
    assert_int_equal(popcl_store_dir_error(s, &call, NULL), EFBIG);
    assert_string_equal(call, "fsync");
    store_now(s, "after", "text");
    assert_int_equal(popcl_store_dir_error(s, &call, NULL), 0);
    assert_string_equal(call, "");
    assert_int_equal(entries_of(w->out).count, 2);
    assert_int_equal(store_large(s, "large"), POPCL_STAGED); /* written anew, it may succeed */
    assert_string_equal(popcl_store_dir_name(s), "large.eml");
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    assert_int_equal(entries_of(w->out).count, 3);
}

/* ---- groups ---- */

static void store_many(popcl_store_dir *s, int messages) {
    for (int i = 0; i < messages; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof uid, "many%d", i);
        assert_int_equal(store(s, uid, uid), POPCL_STAGED);
    }
}

static void assert_many(const place *w, int messages) {
    for (int i = 0; i < messages; i++) {
        char uid[16], name[24];
        (void)snprintf(uid, sizeof uid, "many%d", i);
        (void)snprintf(name, sizeof name, "%s.eml", uid);
        assert_text(w, name, uid);
    }
    assert_int_equal(entries_of(w->out).temporaries, 0);
}

/* System calls for a message of a full group: open, write, start to sync, fsync, link; with a
 * temporary name also lock and fstat. For the group: closes, the directory's fsync and fstat. */
static void a_message_of_a_group_costs_few_calls(void **state) {
    const place *w = *state;
    static const int calls[KINDS] = {5, 5, 7, 7, 8, 9};
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk d = disk_of_kind(kind);
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        store_now(s, "first", "text");
        d.calls = 0;
        store_many(s, POPCL_STORE_GROUP);
        assert_int_equal(make_durable(s), 0);
        /* the descriptors may have gaps, and then need a close each */
        int most = (calls[kind] + (kind == KINDS - 1)) * POPCL_STORE_GROUP + 10;
        if (d.calls > most)
            fail_msg("kind %d: %d calls for %d messages", kind, d.calls, POPCL_STORE_GROUP);
        popcl_store_dir_close(s);
        assert_many(w, POPCL_STORE_GROUP);
        empty(w);
    }
}

/* A file system without a disk has nothing to start. fsync is called all the same. */
static void files_in_memory_have_no_start_of_a_sync(void **state) {
    const place *w = *state;
    static const int answers[] = {0, 1, -1};
    static const char *const starts[] = {"ssffO", "ffO", "ssffO"};
    for (int i = 0; i < 3; i++) {
        odd_disk d = {.in_memory = answers[i]};
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        store_many(s, 2);
        d.logged = 0;
        memset(d.log, 0, sizeof d.log);
        assert_int_equal(make_durable(s), 0);
        assert_memory_equal(d.log, starts[i], strlen(starts[i]));
        popcl_store_dir_close(s);
        assert_many(w, 2);
        empty(w);
    }
}

/* Short spans are gathered, and the pages of a file are written whole, except for the last one. */
static void spans_are_gathered_into_whole_pages(void **state) {
    const place *w = *state;
    enum { SPAN = 5000, SPANS = 300, LEAST = 32768 };
    static char octets[SPAN * SPANS + 1];
    odd_disk d = {0};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    popcl_msg m = message(1, "spans", 5);
    for (int i = 0; i < SPAN * SPANS; i++)
        octets[i] = (char)('a' + i % 23);
    assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
    for (int i = 0; i < SPANS; i++)
        assert_int_equal(popcl_store_dir_sink.data(s, octets + SPAN * i, SPAN), SPAN);
    assert_int_equal(popcl_store_dir_sink.commit(s), POPCL_STAGED);
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    assert_true(d.writes <= SPAN * SPANS / LEAST + 1);
    assert_int_equal(d.uneven, 1);
    assert_text(w, "spans.eml", octets);
}

/* A store that is asked to sync too late keeps no more files open than it promises. The messages
 * that it named early wait for sync all the same. */
static void a_group_has_a_largest_size(void **state) {
    const place *w = *state;
    odd_disk d = {.may_fail = "F"};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    int before = open_files();
    for (int i = 0; i < 5; i++) {
        store_many(s, POPCL_STORE_GROUP / 2);
        assert_true(open_files() - before <= POPCL_STORE_GROUP);
    }
    assert_null(strchr(d.log, 'F'));
    assert_int_equal(make_durable(s), 0);
    assert_int_equal(open_files(), before);
    popcl_store_dir_close(s);
    assert_many(w, POPCL_STORE_GROUP / 2);
    assert_int_equal(entries_of(w->out).count, 5 * POPCL_STORE_GROUP / 2);
}

/* A process with few descriptors has smaller groups, and leaves some to the program. */
static void few_descriptors_make_small_groups(void **state) {
    const place *w = *state;
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit few;
        if (getrlimit(RLIMIT_NOFILE, &few) < 0) _exit(1);
        few.rlim_cur = 40;
        if (setrlimit(RLIMIT_NOFILE, &few) < 0) _exit(2);
        popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
        if (!s) _exit(3);
        int before = open_files();
        store_many(s, 30);
        int used = open_files() - before;
        int r = make_durable(s);
        popcl_store_dir_close(s);
        _exit(r == 0 && used <= 10 ? 0 : 4);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_many(w, 30);
}

/* If the program has used up the descriptors, the group gives its own back, at each call that needs
 * one. The second run looks at files that are there. (A file system that has only rename_over needs
 * a descriptor to give a name: it is not tried here.) */
static void without_descriptors_the_group_ends_early(void **state) {
    const place *w = *state;
    for (int kind = 0; kind < KINDS - 1; kind++) {
        for (int most = 4; most < 8; most++) {
            for (int run = 0; run < 2; run++) {
                odd_disk d = disk_of_kind(kind);
                d.max_open = most;
                popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
                assert_non_null(s);
                store_many(s, 20);
                assert_int_equal(store(s, "other", "text"), POPCL_STAGED);
                assert_int_equal(make_durable(s), 0);
                popcl_store_dir_close(s);
                assert_int_equal(d.open, 0);
                assert_many(w, 20);
                assert_int_equal(entries_of(w->out).count, 21);
            }
            empty(w);
        }
    }
    /* it does not help if there is no group */
    odd_disk d = {.may_fail = ""};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    d.max_open = 1;
    assert_int_equal(store(s, "x", "text"), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, NULL, NULL), EMFILE);
    popcl_store_dir_close(s);
}

/* Messages that no sync made durable are gone with the store: nobody counts on them. */
static void a_group_that_is_not_synced_leaves_nothing(void **state) {
    const place *w = *state;
    int files = open_files();
    for (int kind = 0; kind < KINDS; kind++) {
        odd_disk d = disk_of_kind(kind);
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        store_many(s, 10);
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count + entries_of(w->out).temporaries, 0);
    }
    assert_int_equal(open_files(), files);
}

/* A sync while a message is open, which a program with a sink of its own around this one may ask
 * for. */
static void a_sync_leaves_the_open_message_alone(void **state) {
    const place *w = *state;
    odd_disk d = {.may_fail = "", .race = "x.eml", .race_text = "text"};
    popcl_msg m = message(1, "open", 4);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
    assert_int_equal(popcl_store_dir_sink.data(s, "one ", 4), 4);
    assert_int_equal(make_durable(s), 0); /* compares, in the buffer */
    assert_int_equal(popcl_store_dir_sink.data(s, "two", 3), 3);
    assert_int_equal(popcl_store_dir_sink.commit(s), POPCL_STAGED);
    assert_int_equal(make_durable(s), 0);
    popcl_store_dir_close(s);
    assert_text(w, "x.eml", "text");
    assert_text(w, "open.eml", "one two");
}

/* ---- every call fails ---- */

static const char *const session_texts[4] = {"first message\r\n", "second\r\n",
                                             "other of the same id\r\n", "second\r\n"};
static const char *const session_uids[4] = {"one", "two", "two", "two"};

/* A run over four messages, three of them with one UID. The last is staged alone, or each. Fills in
 * which of them count as durable, and where. */
static int run_session(const place *w, odd_disk *d, int each, char durable[4][256]) {
    int stopped = 0, from = 0;
    char staged[4][256] = {{0}};
    memset(durable, 0, 4 * sizeof durable[0]);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, d);
    if (!s) {
        assert_int_not_equal(errno, 0);
        return -1;
    }
    for (int i = 0; i < 4 && !stopped; i++) {
        int r = store(s, session_uids[i], session_texts[i]);
        assert_true(r < 0 || r == POPCL_STAGED);
        if (r == POPCL_STAGED)
            memcpy(staged[i], popcl_store_dir_name(s), strlen(popcl_store_dir_name(s)));
        else
            assert_int_not_equal(popcl_store_dir_error(s, NULL, NULL), 0);
        stopped = r == POPCL_SINK_STOP;
        if (i < 2 && !each) continue;
        r = popcl_store_dir_sink.sync(s);
        for (; from <= i; from++)
            if (r == 0) memcpy(durable[from], staged[from], sizeof staged[0]);
    }
    popcl_store_dir_close(s);
    return 0;
}

/* No file under a final name but whole messages; each durable one there; nothing open. */
static void assert_whole(const place *w, char durable[4][256], int allow_empty) {
    entries e = entries_of(w->out);
    for (int i = 0; i < e.count; i++) {
        int whole = 0;
        for (int j = 0; j < 4; j++)
            whole |= holds(w, e.name[i], session_texts[j], strlen(session_texts[j]));
        if (!whole && !(allow_empty && holds(w, e.name[i], "", 0)))
            fail_msg("%s is no message", e.name[i]);
    }
    for (int i = 0; i < 4; i++) {
        if (!durable[i][0]) continue;
        assert_text(w, durable[i], session_texts[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(durable[i], durable[j]);
    }
}

/* The kinds of disk, and for each the calls without those that remove a temporary: then it must be
 * removed. */
typedef struct variant {
    int kind;
    const char *may_fail;
} variant;
static const variant variants[] = {
    {0, NULL},       {1, NULL},       {2, NULL},     {3, NULL},      {4, NULL},       {5, NULL},
    {0, "otwfslLO"}, {1, "otwfslLN"}, {3, "owflsv"}, {4, "owflsvn"}, {5, "owflsvnV"},
};
#define VARIANTS (sizeof variants / sizeof variants[0])

static void fail_every_call(const place *w, const variant *v, int error, int how) {
    char durable[4][256];
    int files = open_files(), for_ever = how & 1, each = how >> 1;
    for (int n = 1;; n += stride()) {
        odd_disk d = disk_of_kind(v->kind);
        d.fail_at = n;
        d.for_ever = for_ever;
        d.error = error;
        d.may_fail = v->may_fail;
        int may_be_empty = v->kind == KINDS - 1 && !v->may_fail;
        (void)run_session(w, &d, each, durable);
        assert_int_equal(open_files(), files);
        assert_whole(w, durable, may_be_empty);
        if (v->may_fail) assert_int_equal(entries_of(w->out).temporaries, 0);
        /* A second run, on a sound disk, has everything, and leaves no temporary. */
        odd_disk sound = disk_of_kind(v->kind);
        assert_int_equal(run_session(w, &sound, each, durable), 0);
        for (int i = 0; i < 4; i++)
            assert_int_not_equal(durable[i][0], 0);
        assert_whole(w, durable, may_be_empty);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
        if (d.calls < n) break;
        assert_true(n < 1000);
    }
}

/* [F14 F15 F16 I-7] Call n fails, once and for ever, for every n. Each message that is claimed is
 * there, each file is whole, and nothing is left over. */
static void every_call_may_fail(void **state) {
    static const int errors[] = {ENOSPC, EFBIG, EIO, EDQUOT, EMFILE, EACCES, EEXIST};
    for (size_t v = 0; v < VARIANTS; v++)
        for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++)
            for (int how = 0; how < 4; how++)
                if (e == 0 || (how < 2 && (v == 0 || e == 1)))
                    fail_every_call(*state, &variants[v], errors[e], how);
}

/* [F14 F16 G13] A message that is too large fails alone; every other failure ends the session,
 * known or not. */
static void full_disks_end_the_session_and_large_messages_do_not(void **state) {
    const place *w = *state;
    static const struct {
        int error, result;
    } expected[] = {{ENOSPC, POPCL_SINK_STOP}, {EDQUOT, POPCL_SINK_STOP},
                    {EROFS, POPCL_SINK_STOP},  {EIO, POPCL_SINK_STOP},
                    {ENOENT, POPCL_SINK_STOP}, {EACCES, POPCL_SINK_STOP},
                    {EMFILE, POPCL_SINK_STOP}, {ESTALE, POPCL_SINK_STOP},
                    {12345, POPCL_SINK_STOP},  {EFBIG, -EFBIG}};
    static const struct {
        const char *letter, *name;
        int kind, at_sync;
    } calls[] = {{"w", "write", 0, 0}, {"t", "open", 0, 0},   {"o", "open", 3, 0},
                 {"f", "fsync", 0, 1}, {"O", "link", 0, 1},   {"N", "link", 1, 1},
                 {"n", "link", 4, 1},  {"v", "rename", 3, 1}, {"V", "rename", 5, 1},
                 {"l", "close", 0, 1}};
    for (size_t e = 0; e < sizeof expected / sizeof expected[0]; e++)
        for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
            /* a name that is refused with EACCES is given in another way */
            if (expected[e].error == EACCES && strchr("Onv", *calls[c].letter)) continue;
            if (expected[e].error == ENOENT && *calls[c].letter == 'O') continue;
            odd_disk d = disk_of_kind(calls[c].kind);
            const char *call;
            d.may_fail = "";
            d.fail_at = 1;
            d.error = expected[e].error;
            popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
            assert_non_null(s);
            d.may_fail = calls[c].letter;
            d.calls = 0;
            int r = store(s, "x", "text");
            assert_int_equal(r, calls[c].at_sync ? POPCL_STAGED : expected[e].result);
            if (calls[c].at_sync) assert_int_equal(make_durable(s), POPCL_SINK_STOP);
            assert_int_equal(popcl_store_dir_error(s, &call, NULL), expected[e].error);
            assert_string_equal(call, calls[c].name);
            popcl_store_dir_close(s);
            assert_int_equal(entries_of(w->out).temporaries, 0);
            empty(w);
        }
}

/* A process that changes its user loses one way to name a file, and still has the other. */
static void a_file_is_named_in_the_other_way(void **state) {
    const place *w = *state;
    odd_disk d = {.may_fail = "", .fail_at = 1, .error = ENOENT};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    store_now(s, "x", "text");
    d.may_fail = "O";
    d.calls = 0;
    d.logged = 0;
    memset(d.log, 0, sizeof d.log);
    assert_int_equal(store(s, "y", "text"), POPCL_STAGED);
    assert_int_equal(store(s, "z", "text"), POPCL_STAGED);
    assert_int_equal(make_durable(s), 0);
    assert_int_equal(d.calls, 1); /* it is not tried again */
    popcl_store_dir_close(s);
    assert_text(w, "y.eml", "text");
    assert_int_equal(entries_of(w->out).count, 3);
}

/* [G13] The directory is removed between two messages, or below some that are staged. Nothing of it
 * counts as stored, and nothing more is taken. */
static void a_directory_that_vanishes_ends_the_session(void **state) {
    const place *w = *state;
    for (int how = 0; how < 2 * KINDS; how++) {
        odd_disk d = disk_of_kind(how / 2);
        int staged = how % 2;
        d.may_fail = "";
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        store_now(s, "x", "text");
        if (staged) assert_int_equal(store(s, "y", "text"), POPCL_STAGED);
        empty(w);
        assert_int_equal(rmdir(w->out), 0);
        int r = store(s, "z", "text");
        /* on some file systems a file without a name can still be made in it */
        assert_true(r == POPCL_SINK_STOP || (r == POPCL_STAGED && how / 2 == 0));
        if (r < 0) assert_int_equal(popcl_store_dir_error(s, NULL, NULL), ENOENT);
        assert_int_equal(make_durable(s), staged || r == POPCL_STAGED ? POPCL_SINK_STOP : 0);
        assert_int_equal(popcl_store_dir_error(s, NULL, NULL), ENOENT);
        popcl_store_dir_close(s);
    }
    /* right before the sync of the directory */
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    store_many(s, POPCL_STORE_GROUP);
    empty(w);
    assert_int_equal(rmdir(w->out), 0);
    assert_int_equal(make_durable(s), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, NULL, NULL), ENOENT);
    popcl_store_dir_close(s);
}

/* [G13] The same with a directory that may not be written any more. Root may write anywhere, and is
 * somebody else meanwhile. A staged message cannot get its name, and does not count. */
static void a_directory_that_is_closed_ends_the_session(void **state) {
    const place *w = *state;
    uid_t before = geteuid();
    for (int staged = 0; staged < 2; staged++) {
        popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
        store_now(s, "x", "text");
        if (staged) assert_int_equal(store(s, "y", "text"), POPCL_STAGED);
        assert_int_equal(chmod(w->out, 0500), 0);
        if (before == 0) assert_int_equal(seteuid(12345), 0);
        int closed = staged ? make_durable(s) : store(s, "y", "text");
        int error = popcl_store_dir_error(s, NULL, NULL);
        assert_int_equal(seteuid(before), 0);
        assert_int_equal(closed, POPCL_SINK_STOP);
        assert_int_equal(error, EACCES);
        popcl_store_dir_close(s);
        assert_int_equal(chmod(w->out, 0700), 0);
        assert_text(w, "x.eml", "text");
    }
}

/* [F18] Killed at every call, on every kind of file system: only whole messages under final names,
 * and the next run completes and cleans up. Files without names leave nothing, except while the
 * store is opened. */
static void killed_at_every_call(void **state) {
    const place *w = *state;
    for (int how = 0; how < 2 * KINDS; how++) {
        int kind = how / 2, each = how % 2;
        odd_disk d = disk_of_kind(kind);
        popcl_store_dir_close(popcl_store_dir_open(w->out, &odd_disk_calls, &d));
        int opening = d.calls;
        for (int n = 1;; n += stride()) {
            char durable[4][256];
            int status = 0;
            pid_t child = fork();
            if (child == 0) {
                d = disk_of_kind(kind);
                d.kill_at = n;
                (void)run_session(w, &d, each, durable);
                _exit(0);
            }
            assert_true(child > 0);
            assert_int_equal(waitpid(child, &status, 0), child);
            memset(durable, 0, sizeof durable);
            assert_whole(w, durable, kind == KINDS - 1);
            if (kind == 0 && n > opening) assert_int_equal(entries_of(w->out).temporaries, 0);
            odd_disk sound = disk_of_kind(kind);
            assert_int_equal(run_session(w, &sound, each, durable), 0);
            for (int i = 0; i < 4; i++)
                assert_int_not_equal(durable[i][0], 0);
            assert_int_equal(entries_of(w->out).temporaries, 0);
            empty(w);
            if (WIFEXITED(status)) break;
            assert_true(n < 1000);
        }
    }
}

/* [A16] Every other call interrupted, and octets that move one by one: the same files. */
static void interrupts_and_short_writes_change_nothing(void **state) {
    const place *w = *state;
    char durable[4][256];
    for (size_t piece = 1; piece < 4; piece++) {
        odd_disk d = {.interrupts = 1, .piece = piece};
        for (int run = 0; run < 2; run++) {
            assert_int_equal(run_session(w, &d, 0, durable), 0);
            for (int i = 0; i < 4; i++)
                assert_int_not_equal(durable[i][0], 0);
            assert_whole(w, durable, 0);
        }
        assert_int_equal(entries_of(w->out).count, 4);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
    }
    /* An interrupt that never ends is a failure, not an endless loop. */
    odd_disk d = {.fail_at = 1, .for_ever = 1, .error = EINTR};
    assert_int_equal(run_session(w, &d, 0, durable), -1);
    d = (odd_disk){.may_fail = "w", .fail_at = 1, .for_ever = 1, .error = EINTR};
    assert_int_equal(run_session(w, &d, 0, durable), 0);
    assert_int_equal(durable[0][0], 0);
}

/* ---- octets ---- */

static void fill(unsigned char *p, size_t n) {
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (unsigned char)(x >> 24);
    }
}

/* [F22 B10 B11] Any octets, in spans of any size. The file equals them, the calls to write are few,
 * and a second run finds it equal. */
static void any_spans_make_the_same_file(void **state) {
    const place *w = *state;
    static const size_t spans[] = {1,     100,   1460,  16384,  32768,  32769,
                                   65535, 65536, 65537, 200000, 1000000};
    const size_t size = 1000000;
    unsigned char *octets = malloc(size);
    assert_non_null(octets);
    fill(octets, size);
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        odd_disk d = {.may_fail = "w"};
        popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
        popcl_msg m = message(1, "big", 3);
        assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
        for (size_t at = 0; at < size;) {
            size_t n = size - at < spans[i] ? size - at : spans[i];
            assert_int_equal(popcl_store_dir_sink.data(s, octets + at, n), (int)n);
            at += n;
        }
        assert_int_equal(popcl_store_dir_sink.commit(s), POPCL_STAGED);
        assert_int_equal(make_durable(s), 0);
        assert_true(d.calls <= 62); /* half a buffer or more each */
        assert_true(holds(w, "big.eml", octets, size));
        octets[size - 1] ^= 1; /* differs in its last octet only: a further file */
        assert_int_equal(store_msg(s, &m, octets, size), POPCL_STAGED);
        assert_int_equal(make_durable(s), 0);
        assert_true(holds(w, popcl_store_dir_name(s), octets, size));
        octets[size - 1] ^= 1;
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 2);
    }
    free(octets);
}

/* [I7] abort and close with an open message leave nothing, and calls out of order are refused. */
static void aborted_messages_leave_nothing(void **state) {
    const place *w = *state;
    int files = open_files();
    popcl_msg m = message(1, "x", 1);
    odd_disk d = disk_of_kind(3);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &odd_disk_calls, &d);
    assert_string_equal(popcl_store_dir_name(s), "");
    assert_true(popcl_store_dir_sink.data(s, "x", 1) < 0);
    assert_true(popcl_store_dir_sink.commit(s) < 0);
    assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
    assert_int_equal(entries_of(w->out).temporaries, 1);
    assert_true(popcl_store_dir_sink.begin(s, &m) < 0);
    popcl_store_dir_sink.abort(s, POPCL_ERR_CLOSED_MESSAGE);
    popcl_store_dir_sink.abort(s, POPCL_ERR_CLOSED_MESSAGE);
    assert_int_equal(entries_of(w->out).temporaries, 0);
    assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
    assert_int_equal(popcl_store_dir_sink.data(s, "x", 1), 1);
    popcl_store_dir_close(s);
    popcl_store_dir_close(NULL);
    entries e = entries_of(w->out);
    assert_int_equal(e.count + e.temporaries, 0);
    assert_int_equal(open_files(), files);
}

#define IN_A_PLACE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_A_PLACE(every_uid_gets_a_safe_name_of_its_own),
        IN_A_PLACE(messages_with_one_uid_are_as_many_files),
        IN_A_PLACE(accounts_with_equal_uids_lose_nothing),
        IN_A_PLACE(without_uid_the_content_names_the_file),
        IN_A_PLACE(headers_do_not_stand_for_the_message),
        IN_A_PLACE(many_messages_keep_their_names),
        IN_A_PLACE(what_is_no_file_is_left_alone),
        IN_A_PLACE(a_name_taken_in_between_is_not_replaced),
        IN_A_PLACE(a_name_taken_by_the_same_octets_is_the_message),
        IN_A_PLACE(a_name_taken_from_a_group_shifts_no_other),
        IN_A_PLACE(two_runs_in_one_directory_keep_apart),
        IN_A_PLACE(stale_temporaries_are_removed),
        IN_A_PLACE(what_nfs_left_is_removed),
        IN_A_PLACE(without_locks_old_temporaries_are_removed),
        IN_A_PLACE(many_equal_messages_cost_no_more_than_others),
        IN_A_PLACE(a_foreign_file_in_the_row_is_passed_over),
        IN_A_PLACE(root_keeps_files_of_the_directorys_owner),
        IN_A_PLACE(files_are_0600_whatever_the_umask),
        IN_A_PLACE(a_place_that_takes_no_files_is_refused_at_once),
        IN_A_PLACE(durable_means_synced_in_order),
        IN_A_PLACE(a_kept_file_is_synced_too),
        IN_A_PLACE(a_failed_fsync_is_final),
        IN_A_PLACE(a_failed_fsync_of_the_directory_is_final),
        IN_A_PLACE(a_large_message_fails_alone),
        IN_A_PLACE(a_message_of_a_group_costs_few_calls),
        IN_A_PLACE(files_in_memory_have_no_start_of_a_sync),
        IN_A_PLACE(spans_are_gathered_into_whole_pages),
        IN_A_PLACE(a_group_has_a_largest_size),
        IN_A_PLACE(few_descriptors_make_small_groups),
        IN_A_PLACE(without_descriptors_the_group_ends_early),
        IN_A_PLACE(a_group_that_is_not_synced_leaves_nothing),
        IN_A_PLACE(a_sync_leaves_the_open_message_alone),
        IN_A_PLACE(every_call_may_fail),
        IN_A_PLACE(full_disks_end_the_session_and_large_messages_do_not),
        IN_A_PLACE(a_file_is_named_in_the_other_way),
        IN_A_PLACE(a_directory_that_vanishes_ends_the_session),
        IN_A_PLACE(a_directory_that_is_closed_ends_the_session),
        IN_A_PLACE(killed_at_every_call),
        IN_A_PLACE(interrupts_and_short_writes_change_nothing),
        IN_A_PLACE(any_spans_make_the_same_file),
        IN_A_PLACE(aborted_messages_leave_nothing),
    };
    return cmocka_run_group_tests_name("posix store", tests, NULL, NULL);
}
