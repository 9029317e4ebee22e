/* SPDX-License-Identifier: MIT */
/* test_posix_store - the directory store of port/posix on a real temporary directory, over a disk
 * whose calls can be logged, interrupted, cut short, failed and killed. Nothing here knows how the
 * store is written: names, files and calls are all that is looked at. */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "popcl_posix_store.h"
#include "results.h"

/* ---- a disk that misbehaves ---- */

/* One letter a call, in the log and in the sets of calls that fail. */
#define EVERY_CALL "doachwrfclnvui"
typedef struct disk {
    char log[4096];
    size_t logged;
    int calls;
    int fail_at;                /* the call that fails, counted from 1; 0: none */
    int for_ever;               /* and all after it */
    int error;                  /* how */
    const char *may_fail;       /* which calls can fail so; NULL: all */
    int kill_at;                /* SIGKILL instead of this call */
    int interrupts;             /* every other call is interrupted first */
    size_t piece;               /* write and pread move at most so many octets; 0: any */
    int no_link, no_rename_new; /* errno of a file system without them */
    const char *race; /* a file of this name appears right before a link or a rename to it */
    int turn;
} disk;

/* Whether this call is not to reach the real disk; errno is set then. */
static int trips(disk *d, char call) {
    if (d->interrupts && (d->turn ^= 1)) {
        errno = EINTR;
        return 1;
    }
    if (d->may_fail && !strchr(d->may_fail, call)) return 0;
    d->calls++;
    if (d->logged + 1 < sizeof d->log) d->log[d->logged++] = call;
    if (d->kill_at && d->calls == d->kill_at) raise(SIGKILL);
    if (d->fail_at == 0 || d->calls < d->fail_at || (d->calls > d->fail_at && !d->for_ever))
        return 0;
    errno = d->error;
    return 1;
}

static const popcl_disk *real(void) { return &popcl_posix_disk; }

static int t_mkdir(void *sys, const char *path, mode_t mode) {
    return trips(sys, 'd') ? -1 : real()->mkdir(NULL, path, mode);
}
static int t_openat(void *sys, int dir, const char *name, int flags, mode_t mode) {
    return trips(sys, 'o') ? -1 : real()->openat(NULL, dir, name, flags, mode);
}
static int t_fstat(void *sys, int fd, struct stat *st) {
    return trips(sys, 'a') ? -1 : real()->fstat(NULL, fd, st);
}
static int t_fchmod(void *sys, int fd, mode_t mode) {
    return trips(sys, 'h') ? -1 : real()->fchmod(NULL, fd, mode);
}
static int t_lock(void *sys, int fd) { return trips(sys, 'c') ? -1 : real()->lock(NULL, fd); }
static size_t cut(const disk *d, size_t n) { return d->piece && d->piece < n ? d->piece : n; }
static ssize_t t_write(void *sys, int fd, const void *p, size_t n) {
    return trips(sys, 'w') ? -1 : real()->write(NULL, fd, p, cut(sys, n));
}
static ssize_t t_pread(void *sys, int fd, void *p, size_t n, off_t at) {
    return trips(sys, 'r') ? -1 : real()->pread(NULL, fd, p, cut(sys, n), at);
}
static int t_fsync(void *sys, int fd) {
    struct stat st;
    char call = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'F' : 'f';
    disk *d = sys;
    int r = trips(sys, 'f');
    if (d->logged > 0 && d->log[d->logged - 1] == 'f') d->log[d->logged - 1] = call;
    return r ? -1 : 0; /* nothing here needs the real one, and it is slow */
}
static int t_close(void *sys, int fd) {
    int r = trips(sys, 'l'); /* also a close that fails has closed */
    int error = errno;
    real()->close(NULL, fd);
    errno = error;
    return r ? -1 : 0;
}
static void race(const disk *d, int dir, const char *to) {
    if (!d->race || strcmp(d->race, to) != 0) return;
    int fd = openat(dir, to, O_WRONLY | O_CREAT, 0600);
    if (fd < 0) return;
    (void)!write(fd, "another's", 9);
    close(fd);
}
static int t_linkat(void *sys, int dir, const char *from, const char *to) {
    disk *d = sys;
    if (trips(d, 'n')) return -1;
    race(d, dir, to);
    errno = d->no_link;
    return d->no_link ? -1 : real()->linkat(NULL, dir, from, to);
}
static int t_rename_new(void *sys, int dir, const char *from, const char *to) {
    disk *d = sys;
    if (trips(d, 'v')) return -1;
    race(d, dir, to);
    errno = d->no_rename_new;
    return d->no_rename_new ? -1 : real()->rename_new(NULL, dir, from, to);
}
static int t_rename_over(void *sys, int dir, const char *from, const char *to) {
    return trips(sys, 'V') ? -1 : real()->rename_over(NULL, dir, from, to);
}
static int t_unlinkat(void *sys, int dir, const char *name) {
    return trips(sys, 'u') ? -1 : real()->unlinkat(NULL, dir, name);
}
static int t_list(void *sys, int dir, void (*name)(void *ctx, const char *name), void *ctx) {
    return trips(sys, 'i') ? -1 : real()->list(NULL, dir, name, ctx);
}

static const popcl_disk faulty = {.mkdir = t_mkdir,
                                  .openat = t_openat,
                                  .fstat = t_fstat,
                                  .fchmod = t_fchmod,
                                  .lock = t_lock,
                                  .write = t_write,
                                  .pread = t_pread,
                                  .fsync = t_fsync,
                                  .close = t_close,
                                  .linkat = t_linkat,
                                  .rename_new = t_rename_new,
                                  .rename_over = t_rename_over,
                                  .unlinkat = t_unlinkat,
                                  .list = t_list};

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

/* How many files this process has open: none may be left by anything. */
static int open_files(void) {
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
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

/* One run that stores one text under one UID; its name. */
static const char *run_one(const place *w, const char *uid, const char *text) {
    static char name[256];
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    assert_non_null(s);
    assert_int_equal(store(s, uid, text), POPCL_STAGED);
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
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

/* [F1 F2 F3 F4 F6 F7 B49] Whatever the UID: one file in the directory, with a name that is safe
 * everywhere, and each UID its own. */
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
            assert_true(holds(w, names[i], &i, sizeof i));
        }
        assert_int_equal(popcl_store_dir_sink.sync(s), 0);
        popcl_store_dir_close(s);
        entries e = entries_of(w->out);
        assert_int_equal(e.count, (int)IDS);
        assert_int_equal(e.temporaries, 0);
    }
    assert_int_equal(entries_of(w->top).count, 1);
}

/* What a run over this mailbox leaves: four messages with one UID, two of them with the same
 * octets. */
static void run_duplicates(const place *w, char names[4][256]) {
    static const char *const texts[4] = {"one", "two", "one", "one"};
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    assert_non_null(s);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(store(s, "same", texts[i]), POPCL_STAGED);
        (void)snprintf(names[i], 256, "%s", popcl_store_dir_name(s));
        assert_text(w, names[i], texts[i]);
    }
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
    popcl_store_dir_close(s);
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
        popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &(disk){.may_fail = ""});
        for (int i = 0; i < 500; i++) {
            char uid[16], name[32];
            (void)snprintf(uid, sizeof uid, "u%d", i % 400); /* 100 come twice */
            (void)snprintf(name, sizeof name, "%s.eml", uid);
            assert_int_equal(store(s, uid, uid), POPCL_STAGED);
            assert_int_equal(strcmp(popcl_store_dir_name(s), name) == 0, i < 400);
        }
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

/* [F20] A file that another program makes between the look and the link is not replaced, with and
 * without hard links. */
static void a_name_taken_in_between_is_not_replaced(void **state) {
    const place *w = *state;
    for (int way = 0; way < 2; way++) {
        disk d = {.may_fail = "", .race = "x.eml", .no_link = way ? EPERM : 0};
        popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
        assert_int_equal(store(s, "x", "ours"), POPCL_STAGED);
        assert_text(w, "x.eml", "another's");
        assert_text(w, popcl_store_dir_name(s), "ours");
        popcl_store_dir_close(s);
        assert_int_equal(entries_of(w->out).count, 2);
        empty(w);
    }
}

/* [F20] Two runs at a time in one directory: neither takes the other's temporary for an old one,
 * and none clobbers. */
static void two_runs_in_one_directory_keep_apart(void **state) {
    const place *w = *state;
    popcl_msg m = message(1, "id", 2);
    popcl_store_dir *a = popcl_store_dir_open(w->out, NULL, NULL);
    assert_int_equal(popcl_store_dir_sink.begin(a, &m), 0);
    assert_int_equal(popcl_store_dir_sink.data(a, "of a", 4), 4);
    popcl_store_dir *b = popcl_store_dir_open(w->out, NULL, NULL);
    assert_int_equal(entries_of(w->out).temporaries, 1);
    assert_int_equal(store(b, "id", "of b"), POPCL_STAGED);
    assert_int_equal(popcl_store_dir_sink.commit(a), POPCL_STAGED);
    assert_text(w, "id.eml", "of b");
    assert_text(w, popcl_store_dir_name(a), "of a");
    assert_int_equal(store(a, "both", "same"), POPCL_STAGED);
    assert_int_equal(store(b, "both", "same"), POPCL_STAGED);
    popcl_store_dir_close(a);
    popcl_store_dir_close(b);
    entries e = entries_of(w->out);
    assert_int_equal(e.count, 3);
    assert_int_equal(e.temporaries, 0);
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

/* What an NFS client kept of a removed file, and did not remove before its machine died. Only one
 * that can be a message of ours and that nobody works on. */
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

/* Where nothing can be locked, the age tells what is left. */
static void without_locks_old_temporaries_are_removed(void **state) {
    const place *w = *state;
    const struct timespec long_ago[2] = {{1000000000, 0}, {1000000000, 0}};
    disk d = {.may_fail = "c", .fail_at = 1, .for_ever = 1, .error = ENOLCK};
    char path[512];
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, ".popcl-0123456789abcdef.tmp", "left", 4);
    make_file(w, ".popcl-0123456789abcdee.tmp", "live", 4);
    path_in(w, ".popcl-0123456789abcdef.tmp", path, sizeof path);
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    popcl_store_dir_close(s);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(entries_of(w->out).temporaries, 1);
    assert_text(w, "x.eml", "text");
}

/* ---- many messages of one UID ---- */

/* One run over so many messages with the same octets; how many system calls it made. */
static int run_many(const place *w, int messages, int one_uid) {
    disk d = {0};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
    for (int i = 0; i < messages; i++) {
        char uid[16];
        (void)snprintf(uid, sizeof uid, "uid%d", one_uid ? 0 : i);
        assert_int_equal(store(s, uid, "text"), POPCL_STAGED);
    }
    popcl_store_dir_close(s);
    return d.calls;
}

/* [F8] Equal messages of one UID are as many files, and in a second run the same ones. Each costs a
 * few system calls more than another message does: a search on the disk from the first name on
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
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    (void)snprintf(name, sizeof name, "%s", popcl_store_dir_name(s));
    popcl_store_dir_close(s);
    make_file(w, name, "foreign", 7);
    (void)snprintf(second, sizeof second, "%.*s-2.eml", (int)strlen(name) - 4, name);
    s = popcl_store_dir_open(w->out, NULL, NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
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
    for (size_t i = 0; i < 4; i++) {
        char uid[8];
        (void)snprintf(uid, sizeof uid, "m%u", (unsigned)i);
        mode_t before = umask(masks[i]);
        popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
        int r = s ? store(s, uid, "x") : -1;
        umask(before);
        assert_int_equal(r, POPCL_STAGED);
        path_in(w, popcl_store_dir_name(s), path, sizeof path);
        popcl_store_dir_close(s);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    assert_int_equal(stat(w->out, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void assert_no_store(const char *path, disk *d, int error) {
    int files = open_files();
    errno = 0;
    assert_null(popcl_store_dir_open(path, d ? &faulty : NULL, d));
    assert_int_equal(errno, error);
    assert_int_equal(open_files(), files);
}

/* [F13] Missing parent, a file, read-only: refused at once, with the errno that tells why. */
static void a_place_that_takes_no_files_is_refused_at_once(void **state) {
    const place *w = *state;
    char path[200];
    (void)snprintf(path, sizeof path, "%s/no/out", w->top);
    assert_no_store(path, NULL, ENOENT);
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, "file", "x", 1);
    (void)snprintf(path, sizeof path, "%s/file", w->out);
    assert_no_store(path, NULL, ENOTDIR);
    assert_no_store(w->out, &(disk){.may_fail = "o", .fail_at = 2, .for_ever = 1, .error = EROFS},
                    EROFS);
    assert_no_store("/dev/null", NULL, ENOTDIR);
    if (geteuid() != 0) { /* root may write anywhere */
        assert_int_equal(chmod(w->out, 0500), 0);
        assert_no_store(w->out, NULL, EACCES);
        assert_int_equal(chmod(w->out, 0700), 0);
    }
    assert_text(w, "file", "x");
}

/* ---- the order of calls ---- */

static int position(const char *log, char call) {
    const char *p = strrchr(log, call);
    return p ? (int)(p - log) : -1;
}

/* [F17] File synced, then linked; the directory synced after that, and only sync says so. Then the
 * directory's own entry. */
static void durable_means_synced_in_order(void **state) {
    const place *w = *state;
    disk d = {0};
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
    assert_null(strchr(d.log, 'F')); /* nothing staged */
    memset(&d, 0, sizeof d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_null(strchr(d.log, 'F'));
    assert_true(position(d.log, 'w') < position(d.log, 'f'));
    assert_true(position(d.log, 'f') < position(d.log, 'n'));
    assert_true(position(d.log, 'n') < position(d.log, 'u'));
    /* the lock is held until the temporary is gone */
    assert_true(position(d.log, 'u') < position(d.log, 'l'));
    memset(&d, 0, sizeof d);
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
    assert_string_equal(d.log, "FoFla");
    memset(&d, 0, sizeof d);
    assert_int_equal(store(s, "y", "text"), POPCL_STAGED);
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
    assert_non_null(strstr(d.log, "F"));
    assert_null(strstr(d.log, "Fo"));
    popcl_store_dir_close(s);
}

/* [F17] A file that was there already counts only once it is synced: who knows who wrote it. */
static void a_kept_file_is_synced_too(void **state) {
    const place *w = *state;
    disk d = {0};
    assert_int_equal(mkdir(w->out, 0700), 0);
    make_file(w, "x.eml", "text", 4);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
    memset(&d, 0, sizeof d);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_non_null(strchr(d.log, 'f'));
    assert_null(strchr(d.log, 'n'));
    popcl_store_dir_close(s);
    d = (disk){.may_fail = "f", .fail_at = 1, .error = EIO};
    s = popcl_store_dir_open(w->out, &faulty, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_SINK_STOP);
    popcl_store_dir_close(s);
    assert_text(w, "x.eml", "text");
    assert_int_equal(entries_of(w->out).temporaries, 0);
}

/* [F15] An fsync that failed is not asked again: the second answer would be a lie. */
static void a_failed_fsync_is_final(void **state) {
    const place *w = *state;
    disk d = {.may_fail = "f", .fail_at = 1, .error = EIO};
    const char *call, *name;
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
    assert_int_equal(store(s, "x", "text"), POPCL_SINK_STOP);
    assert_int_equal(d.calls, 1);
    assert_int_equal(popcl_store_dir_error(s, &call, &name), EIO);
    assert_string_equal(call, "fsync");
    assert_int_equal(entries_of(w->out).count + entries_of(w->out).temporaries, 0);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED); /* written anew, it may succeed */
    assert_int_equal(popcl_store_dir_error(s, &call, &name), 0);
    assert_string_equal(call, "");
    d.calls = 0; /* now the directory's */
    assert_int_equal(popcl_store_dir_sink.sync(s), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, NULL, NULL), EIO);
    assert_int_equal(popcl_store_dir_sink.sync(s), POPCL_SINK_STOP);
    assert_int_equal(store(s, "y", "text"), POPCL_SINK_STOP);
    assert_int_equal(d.calls, 1);
    popcl_store_dir_close(s);
}

/* ---- every call fails ---- */

static const char *const session_texts[4] = {"first message\r\n", "second\r\n",
                                             "other of the same id\r\n", "second\r\n"};
static const char *const session_uids[4] = {"one", "two", "two", "two"};

/* A run over four messages, three of them with one UID, the last staged alone. Fills in which of
 * them count as durable, and where. */
static int run_session(const place *w, disk *d, char durable[4][256]) {
    int stopped = 0, from = 0;
    char staged[4][256] = {{0}};
    memset(durable, 0, 4 * sizeof durable[0]);
    popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, d);
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
        if (i < 2) continue;
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

typedef struct variant {
    int no_link, no_rename_new;
    const char *may_fail;
} variant;
static const variant variants[] = {
    {0, 0, NULL},          {EPERM, 0, NULL},           {EOPNOTSUPP, EINVAL, NULL},
    {0, 0, "owfln"}, /* the temporary can be removed: it must be */
    {ENOSYS, 0, "owflnv"}, {EPERM, ENOSYS, "owflnvV"},
};
#define VARIANTS (sizeof variants / sizeof variants[0])

static void fail_every_call(const place *w, const variant *v, int error, int for_ever) {
    char durable[4][256];
    int files = open_files();
    for (int n = 1;; n++) {
        disk d = {.fail_at = n, .for_ever = for_ever, .error = error, .may_fail = v->may_fail};
        d.no_link = v->no_link;
        d.no_rename_new = v->no_rename_new;
        (void)run_session(w, &d, durable);
        assert_int_equal(open_files(), files);
        assert_whole(w, durable, v->no_rename_new && !v->may_fail);
        if (v->may_fail) assert_int_equal(entries_of(w->out).temporaries, 0);
        /* A second run, on a sound disk, has everything, and leaves no temporary. */
        disk sound = {.no_link = v->no_link, .no_rename_new = v->no_rename_new};
        assert_int_equal(run_session(w, &sound, durable), 0);
        for (int i = 0; i < 4; i++)
            assert_int_not_equal(durable[i][0], 0);
        assert_whole(w, durable, v->no_rename_new && !v->may_fail);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
        if (d.calls < n) break;
        assert_true(n < 1000);
    }
}

/* [F14 F15 F16 I-7] Call n fails, once and for ever, for every n: what is claimed is there, what is
 * there is whole, nothing is left over. */
static void every_call_may_fail(void **state) {
    static const int errors[] = {ENOSPC, EFBIG, EIO, EDQUOT, EMFILE, EACCES, EEXIST};
    for (size_t v = 0; v < VARIANTS; v++)
        for (size_t e = 0; e < sizeof errors / sizeof errors[0]; e++)
            for (int for_ever = 0; for_ever < 2; for_ever++)
                if (v == 0 || e < 2) fail_every_call(*state, &variants[v], errors[e], for_ever);
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
    } calls[] = {{"w", "write"}, {"f", "fsync"}, {"n", "link"}, {"l", "close"}, {"o", "open"}};
    for (size_t e = 0; e < sizeof expected / sizeof expected[0]; e++)
        for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
            /* a link that is refused with EACCES is made in another way */
            if (expected[e].error == EACCES && *calls[c].letter == 'n') continue;
            disk d = {.may_fail = "", .fail_at = 1, .error = expected[e].error};
            const char *call;
            popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
            assert_non_null(s);
            d.may_fail = calls[c].letter;
            assert_int_equal(store(s, "x", "text"), expected[e].result);
            assert_int_equal(popcl_store_dir_error(s, &call, NULL), expected[e].error);
            assert_string_equal(call, calls[c].name);
            popcl_store_dir_close(s);
            assert_int_equal(entries_of(w->out).temporaries, 0);
            empty(w);
        }
}

/* [G13] The directory is removed between two messages, or below one that is staged. Nothing of it
 * counts as stored, and nothing more is taken. */
static void a_directory_that_vanishes_ends_the_session(void **state) {
    const place *w = *state;
    const char *call, *name;
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    empty(w);
    assert_int_equal(rmdir(w->out), 0);
    assert_int_equal(store(s, "y", "text"), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, &call, &name), ENOENT);
    assert_int_equal(popcl_store_dir_sink.sync(s), POPCL_SINK_STOP);
    assert_int_equal(popcl_store_dir_error(s, NULL, NULL), ENOENT);
    popcl_store_dir_close(s);
}

/* [G13] The same with a directory that may not be written any more. Root may write anywhere, and is
 * somebody else meanwhile. */
static void a_directory_that_is_closed_ends_the_session(void **state) {
    const place *w = *state;
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
    uid_t before = geteuid();
    assert_int_equal(store(s, "x", "text"), POPCL_STAGED);
    assert_int_equal(chmod(w->out, 0500), 0);
    if (before == 0) assert_int_equal(seteuid(12345), 0);
    int closed = store(s, "y", "text"), error = popcl_store_dir_error(s, NULL, NULL);
    assert_int_equal(seteuid(before), 0);
    assert_int_equal(closed, POPCL_SINK_STOP);
    assert_int_equal(error, EACCES);
    assert_int_equal(popcl_store_dir_sink.sync(s), 0);
    popcl_store_dir_close(s);
    assert_text(w, "x.eml", "text");
}

/* [F18] Killed at every call, on every kind of file system: only whole messages under final names,
 * and the next run completes and cleans up. */
static void killed_at_every_call(void **state) {
    const place *w = *state;
    for (size_t v = 0; v < 3; v++) {
        for (int n = 1;; n++) {
            char durable[4][256];
            int status = 0;
            pid_t child = fork();
            if (child == 0) {
                disk d = {.kill_at = n,
                          .no_link = variants[v].no_link,
                          .no_rename_new = variants[v].no_rename_new};
                (void)run_session(w, &d, durable);
                _exit(0);
            }
            assert_true(child > 0);
            assert_int_equal(waitpid(child, &status, 0), child);
            memset(durable, 0, sizeof durable);
            assert_whole(w, durable, variants[v].no_rename_new);
            disk sound = {0};
            assert_int_equal(run_session(w, &sound, durable), 0);
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
        disk d = {.interrupts = 1, .piece = piece};
        for (int run = 0; run < 2; run++) {
            assert_int_equal(run_session(w, &d, durable), 0);
            for (int i = 0; i < 4; i++)
                assert_int_not_equal(durable[i][0], 0);
            assert_whole(w, durable, 0);
        }
        assert_int_equal(entries_of(w->out).count, 4);
        assert_int_equal(entries_of(w->out).temporaries, 0);
        empty(w);
    }
    /* An interrupt that never ends is a failure, not an endless loop. */
    disk d = {.fail_at = 1, .for_ever = 1, .error = EINTR};
    assert_int_equal(run_session(w, &d, durable), -1);
    d = (disk){.may_fail = "w", .fail_at = 1, .for_ever = 1, .error = EINTR};
    assert_int_equal(run_session(w, &d, durable), 0);
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

/* [F22 B10 B11] Any octets, in spans of any size: the file equals them, the calls to write are few,
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
        disk d = {.may_fail = "w"};
        popcl_store_dir *s = popcl_store_dir_open(w->out, &faulty, &d);
        popcl_msg m = message(1, "big", 3);
        assert_int_equal(popcl_store_dir_sink.begin(s, &m), 0);
        for (size_t at = 0; at < size;) {
            size_t n = size - at < spans[i] ? size - at : spans[i];
            assert_int_equal(popcl_store_dir_sink.data(s, octets + at, n), (int)n);
            at += n;
        }
        assert_int_equal(popcl_store_dir_sink.commit(s), POPCL_STAGED);
        assert_true(d.calls <= 31); /* half a buffer or more each */
        assert_true(holds(w, "big.eml", octets, size));
        octets[size - 1] ^= 1; /* differs in its last octet only: a further file */
        assert_int_equal(store_msg(s, &m, octets, size), POPCL_STAGED);
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
    popcl_store_dir *s = popcl_store_dir_open(w->out, NULL, NULL);
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
        IN_A_PLACE(every_call_may_fail),
        IN_A_PLACE(full_disks_end_the_session_and_large_messages_do_not),
        IN_A_PLACE(a_directory_that_vanishes_ends_the_session),
        IN_A_PLACE(a_directory_that_is_closed_ends_the_session),
        IN_A_PLACE(killed_at_every_call),
        IN_A_PLACE(interrupts_and_short_writes_change_nothing),
        IN_A_PLACE(any_spans_make_the_same_file),
        IN_A_PLACE(aborted_messages_leave_nothing),
    };
    return cmocka_run_group_tests_name("posix store", tests, NULL, NULL);
}
