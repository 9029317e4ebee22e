/* state - see state.h. A UID's marks are one of ten combinations; two tables say all that can
 * happen to them:
 *
 *     before the run   1 FETCHED   2 REFUSED   5 DUE (and fetched)   7 DUE, and named once by this
 *                                                                    run's listing
 *     in this run      9 stored    13 stored, DELE due    12 DELE taken    10 refused    8 failed:
 *                      one message of this UID at least
 *
 * The `8` (POPCL_SEEN_OTHER) is what parts this run from before it. A `4` alone is no UID's but
 * "UID OCTETS": the size of a message that is DUE, or may come to be. No UID holds a space. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bearssl.h>

#include "report.h"
#include "system.h"

enum marks {
    FETCHED = POPCL_SEEN_FETCHED,
    REFUSED = POPCL_SEEN_REFUSED,
    DUE = POPCL_SEEN_FETCHED | POPCL_SEEN_DELETE_DUE,
    DUE_NAMED = DUE | POPCL_SEEN_REFUSED,
    SIZE = POPCL_SEEN_DELETE_DUE,
    NOW = POPCL_SEEN_OTHER,
    NOW_FAILED = NOW,
    NOW_STORED = NOW | POPCL_SEEN_FETCHED,
    NOW_REFUSED = NOW | POPCL_SEEN_REFUSED,
    NOW_MARKED = NOW | POPCL_SEEN_DELETE_DUE,
    NOW_STORED_DUE = NOW | DUE
};

/* Marks and event -> marks. One failure among messages of the same UID outlives every success: all
 * are fetched again, none is deleted unfetched. What an earlier run stored stays stored when this
 * one fails to fetch it again. */
static const unsigned char after[CMD_EVENTS][POPCL_SEEN_MARKS + 1] = {
    [CMD_STORED] = {[0] = NOW_STORED,
                    [FETCHED] = NOW_STORED,
                    [REFUSED] = NOW_STORED,
                    [DUE] = DUE,
                    [DUE_NAMED] = DUE,
                    [NOW_FAILED] = NOW_FAILED,
                    [NOW_STORED] = NOW_STORED,
                    [NOW_REFUSED] = NOW_FAILED,
                    [NOW_MARKED] = NOW_MARKED,
                    [NOW_STORED_DUE] = NOW_STORED_DUE},
    [CMD_STORED_DUE] = {[0] = NOW_STORED_DUE,
                        [FETCHED] = NOW_STORED_DUE,
                        [REFUSED] = NOW_STORED_DUE,
                        [DUE] = NOW_STORED_DUE,
                        [DUE_NAMED] = NOW_STORED_DUE,
                        [NOW_FAILED] = NOW_FAILED,
                        [NOW_STORED] = NOW_STORED_DUE,
                        [NOW_REFUSED] = NOW_FAILED,
                        [NOW_MARKED] = NOW_MARKED,
                        [NOW_STORED_DUE] = NOW_STORED_DUE},
    [CMD_FAILED] = {[0] = NOW_FAILED,
                    [FETCHED] = FETCHED,
                    [REFUSED] = NOW_FAILED,
                    [DUE] = DUE,
                    [DUE_NAMED] = DUE,
                    [NOW_FAILED] = NOW_FAILED,
                    [NOW_STORED] = NOW_FAILED,
                    [NOW_REFUSED] = NOW_FAILED,
                    [NOW_MARKED] = NOW_FAILED,
                    [NOW_STORED_DUE] = NOW_FAILED},
    [CMD_REFUSED] = {[0] = NOW_REFUSED,
                     [FETCHED] = FETCHED,
                     [REFUSED] = NOW_REFUSED,
                     [DUE] = DUE,
                     [DUE_NAMED] = DUE,
                     [NOW_FAILED] = NOW_FAILED,
                     [NOW_STORED] = NOW_FAILED,
                     [NOW_REFUSED] = NOW_REFUSED,
                     [NOW_MARKED] = NOW_FAILED,
                     [NOW_STORED_DUE] = NOW_FAILED},
    [CMD_MARKED] = {[FETCHED] = FETCHED,
                    [REFUSED] = REFUSED,
                    [DUE] = NOW_MARKED,
                    [DUE_NAMED] = NOW_MARKED,
                    [NOW_FAILED] = NOW_FAILED,
                    [NOW_STORED] = NOW_STORED,
                    [NOW_REFUSED] = NOW_REFUSED,
                    [NOW_MARKED] = NOW_MARKED,
                    [NOW_STORED_DUE] = NOW_MARKED},
};

/* What is left of marks once their run is over; the first row where no word of the deletions came,
 * as after a kill. A UID whose deletion is confirmed stays FETCHED until the listings no longer
 * name it: a server that keeps it all the same is not asked for it again. Combinations that no run
 * makes are forgotten, or count as the less that they say. */
static const unsigned char settled[2][POPCL_SEEN_MARKS + 1] = {
    {[FETCHED] = FETCHED,
     [REFUSED] = REFUSED,
     [DUE] = DUE,
     [DUE_NAMED] = DUE,
     [SIZE] = SIZE,
     [NOW_STORED] = FETCHED,
     [NOW_REFUSED] = REFUSED,
     [NOW_MARKED] = DUE,
     [NOW_STORED_DUE] = DUE},
    {[FETCHED] = FETCHED,
     [REFUSED] = REFUSED,
     [DUE] = DUE,
     [DUE_NAMED] = DUE,
     [NOW_STORED] = FETCHED,
     [NOW_REFUSED] = REFUSED,
     [NOW_MARKED] = FETCHED,
     [NOW_STORED_DUE] = DUE},
};

/* ---- the set ---- */

typedef struct settling {
    int confirmed;
    int due, refused_before, refused_now; /* whether any was met */
} settling;

static unsigned settle(void *ctx, unsigned marks) {
    settling *t = ctx;
    unsigned left = settled[t->confirmed][marks & POPCL_SEEN_MARKS];
    t->due |= left == DUE;
    t->refused_before |= marks == REFUSED;
    t->refused_now |= marks == NOW_REFUSED;
    return left;
}

enum { FIRST_UIDS = 128 }; /* that fit before the memory for them grows */

/* Gives the set more room. Returns 0 where there is no memory. */
static int grow(cmd_state *s) {
    popcl_seen larger;
    size_t uids = s->seen.used * 2 + FIRST_UIDS;
    void *memory = malloc(POPCL_SEEN_SIZE(uids));
    if (!memory) return 0;
    if (popcl_seen_init(&larger, memory, POPCL_SEEN_SIZE(uids), s->seen.key) != POPCL_OK ||
        popcl_seen_move(&larger, &s->seen) != POPCL_OK) {
        free(memory);
        return 0;
    }
    free(s->seen.memory);
    s->seen = larger;
    return 1;
}

unsigned cmd_state_known(const cmd_state *s, const char *uid, size_t len) {
    unsigned marks = popcl_seen_get(&s->seen, uid, len);
    if (marks & NOW) return 0;
    if (marks == DUE || marks == DUE_NAMED) return CMD_KNOWN_FETCHED | CMD_KNOWN_DUE;
    if (marks == REFUSED) return s->max_size && s->max_size <= s->seen.note ? CMD_KNOWN_REFUSED : 0;
    return marks ? CMD_KNOWN_FETCHED : 0;
}

static void put_marks(cmd_state *s, const char *key, size_t len, unsigned marks) {
    s->changed = 1;
    if (popcl_seen_put(&s->seen, key, len, marks) == POPCL_OK) return;
    if (!grow(s) || popcl_seen_put(&s->seen, key, len, marks) != POPCL_OK) s->lost = 1;
}

void cmd_state_note(cmd_state *s, const char *uid, size_t len, cmd_event event) {
    unsigned marks = popcl_seen_get(&s->seen, uid, len);
    unsigned next = after[event][marks];
    if (len && next != marks) put_marks(s, uid, len, next);
}

/* "UID OCTETS" */
static size_t size_key(char key[POPCL_UID_MAX + 24], const char *uid, size_t len, uint64_t octets) {
    return (size_t)snprintf(key, POPCL_UID_MAX + 24, "%.*s %llu", (int)len, uid,
                            (unsigned long long)octets);
}

void cmd_state_sized(cmd_state *s, const char *uid, size_t len, uint64_t octets) {
    char key[POPCL_UID_MAX + 24];
    put_marks(s, key, size_key(key, uid, len, octets), SIZE);
}

int cmd_state_is_sized(const cmd_state *s, const char *uid, size_t len, uint64_t octets) {
    char key[POPCL_UID_MAX + 24];
    return popcl_seen_get(&s->seen, key, size_key(key, uid, len, octets)) == SIZE;
}

static unsigned due_is_fetched(void *ctx, unsigned marks) {
    (void)ctx;
    return marks == DUE || marks == DUE_NAMED ? FETCHED : marks;
}

void cmd_state_forget_due(cmd_state *s) {
    popcl_seen_each(&s->seen, due_is_fetched, NULL);
    s->changed = 1;
}

void cmd_state_listed(cmd_state *s, const char *uid, size_t len) {
    if (uid && len == 0) return;
    popcl_seen_listed(&s->seen, uid, len);
    if (!uid) s->changed = 1;
    unsigned marks = uid && s->due ? popcl_seen_get(&s->seen, uid, len) : 0;
    if (marks == DUE) put_marks(s, uid, len, DUE_NAMED);
    if (marks == DUE_NAMED) put_marks(s, uid, len, NOW_FAILED);
}

/* ---- the directory ---- */

static int failed(cmd_state *s, const char *call, int code) {
    s->failed_errno = errno ? errno : EIO;
    s->failed_call = call;
    return code;
}

/* Makes path and what is missing above it, 0700 as the XDG Base Directory Specification asks.
 * Returns 0, or -1 and errno. */
static int make_path(char *path) {
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash) *slash = '\0';
        int made = mkdir(path, 0700) == 0 || errno == EEXIST;
        if (slash) *slash = '/';
        if (!made) return -1;
        if (!slash) return 0;
    }
}

/* Opens one candidate, PREFIX/REST, with further flags of open. Returns 0, or -1 and errno. */
static int open_at(cmd_state *s, const char *prefix, const char *rest, int flags) {
    int n = snprintf(s->path, sizeof s->path, "%s/%s", prefix, rest);
    if (n < 0 || (size_t)n >= sizeof s->path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (s->writes && make_path(s->path)) return -1;
    s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    /* who only reads has an empty set then */
    if (s->dir < 0) return !s->writes && errno == ENOENT ? 0 : -1;
    if (!s->writes || faccessat(s->dir, ".", W_OK | X_OK, 0) == 0) return 0;
    int why = errno;
    (void)close(s->dir);
    s->dir = -1;
    errno = why;
    return -1;
}

static int find_dir(cmd_state *s, const char *out_dir) {
    const char *xdg = cmd_environment("XDG_STATE_HOME"), *home = cmd_environment("HOME");
    struct stat st;
    if (xdg && xdg[0] == '/') /* relative: ignored, as XDG asks */
        return open_at(s, xdg, "popcl", 0) ? failed(s, "opening the directory", CMD_EXIT_CREATE)
                                           : 0;
    if (home && home[0] == '/' && stat(home, &st) == 0 && S_ISDIR(st.st_mode) &&
        open_at(s, home, ".local/state/popcl", 0) == 0 && s->dir >= 0)
        return 0;
    /* else who only reads finds what a run put there because HOME was not writable */
    if (!out_dir) return 0;
    /* The directory of messages may be shared: a link there may be another user's. */
    return open_at(s, out_dir, ".popcl", O_NOFOLLOW)
               ? failed(s, "opening the directory", CMD_EXIT_CREATE)
               : 0;
}

/* The file's name: users, hosts and ports hold octets that no file name may. */
static void name_file(cmd_state *s, const char *user, size_t user_len, const char *host,
                      uint16_t port) {
    unsigned char digest[br_sha256_SIZE];
    char number[8];
    br_sha256_context sha;
    (void)snprintf(number, sizeof number, "%u", (unsigned)port);
    br_sha256_init(&sha);
    br_sha256_update(&sha, user, user_len);
    br_sha256_update(&sha, "", 1);
    br_sha256_update(&sha, host, strlen(host) + 1);
    br_sha256_update(&sha, number, strlen(number));
    br_sha256_out(&sha, digest);
    for (size_t i = 0; i < (sizeof s->name - 1) / 2; i++)
        (void)snprintf(s->name + 2 * i, 3, "%02x", digest[i]);
}

/* Removes temporary files of this account whose process is gone: a kill during a save left them. */
static void tidy(const cmd_state *s) {
    int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    size_t n = strlen(s->name);
    if (!d) {
        if (fd >= 0) (void)close(fd);
        return;
    }
    for (struct dirent *e = readdir(d); e; e = readdir(d)) {
        if (strncmp(e->d_name, s->name, n) != 0 || strncmp(e->d_name + n, ".new.", 5) != 0)
            continue;
        long pid = strtol(e->d_name + n + 5, NULL, 10);
        if (pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH) (void)unlinkat(s->dir, e->d_name, 0);
    }
    (void)closedir(d);
}

/* ---- loading ---- */

typedef struct reader {
    int fd;
    size_t from, to;
    int error;
    unsigned char buf[2048];
} reader;

static int get(void *ctx, void *p, size_t n) {
    reader *f = ctx;
    unsigned char *out = p;
    while (n) {
        if (f->from == f->to) {
            ssize_t got = read(f->fd, f->buf, sizeof f->buf);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) f->error = errno;
            if (got <= 0) return -1;
            f->from = 0;
            f->to = (size_t)got;
        }
        *out++ = f->buf[f->from++];
        n--;
    }
    return 0;
}

/* Returns 0 where the system gives no random octets. */
static int random_key(unsigned char key[16]) {
    reader f = {.fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)};
    if (f.fd < 0) return 0;
    ssize_t n = read(f.fd, key, 16);
    (void)close(f.fd);
    return n == 16;
}

/* An empty set with room for so many UIDs. */
static int begin_set(cmd_state *s, size_t uids) {
    unsigned char key[16];
    size_t len = POPCL_SEEN_SIZE(uids);
    errno = 0;
    if (!random_key(key)) return failed(s, "getting random octets", CMD_EXIT_DISK);
    void *memory = malloc(len);
    if (!memory || popcl_seen_init(&s->seen, memory, len, key) != POPCL_OK) {
        free(memory);
        errno = ENOMEM;
        return failed(s, "making room", CMD_EXIT_DISK);
    }
    return 0;
}

/* Keeps a damaged file, for who wants to look at it. */
static int put_aside(cmd_state *s) {
    char aside[sizeof s->name + 16];
    (void)snprintf(aside, sizeof aside, "%s.damaged", s->name);
    s->damaged = 1;
    if (s->writes && renameat(s->dir, s->name, s->dir, aside))
        return failed(s, "putting the damaged file aside", CMD_EXIT_CREATE);
    return 0;
}

/* Reads the file from its beginning into a new set with room for so many UIDs. Returns 0 with *e
 * set, or an exit code. */
static int load_set(cmd_state *s, int fd, size_t uids, popcl_err *e) {
    reader f = {.fd = fd};
    free(s->seen.memory);
    s->seen.memory = NULL;
    int code = begin_set(s, uids);
    if (code) return code;
    if (lseek(fd, 0, SEEK_SET)) return failed(s, "reading", CMD_EXIT_DISK);
    *e = popcl_seen_load(&s->seen, get, &f);
    errno = f.error;
    return f.error ? failed(s, "reading", CMD_EXIT_DISK) : 0;
}

static int load(cmd_state *s, int fd) {
    struct stat st;
    settling t = {0};
    popcl_err e = POPCL_OK;
    if (fstat(fd, &st)) return failed(s, "fstat", CMD_EXIT_DISK);
    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return failed(s, "opening, as it is no ordinary file,", CMD_EXIT_CREATE);
    }
    /* Room is made for a file that proved to be whole: the length of a damaged one must not cost
     * memory. */
    int code = load_set(s, fd, FIRST_UIDS, &e);
    size_t uids = (size_t)st.st_size / POPCL_SEEN_ENTRY;
    if (code == 0 && e == POPCL_ERR_SEEN_FULL)
        code = load_set(s, fd, uids + uids / 4 + FIRST_UIDS, &e);
    if (code) return code;
    if (e != POPCL_OK) return put_aside(s);
    popcl_seen_each(&s->seen, settle, &t);
    s->due = t.due;
    return 0;
}

int cmd_state_open(cmd_state *s, const char *user, size_t user_len, const char *host, uint16_t port,
                   const char *out_dir, int writes) {
    memset(s, 0, sizeof *s);
    s->dir = -1;
    s->writes = writes;
    name_file(s, user, user_len, host, port);
    int code = find_dir(s, out_dir);
    if (code) return code;
    if (s->dir < 0) return begin_set(s, FIRST_UIDS);
    if (writes) tidy(s);
    int fd = openat(s->dir, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? begin_set(s, FIRST_UIDS) : failed(s, "opening", CMD_EXIT_CREATE);
    code = load(s, fd);
    (void)close(fd);
    return code;
}

/* ---- saving ---- */

typedef struct writer {
    int fd;
    size_t len;
    unsigned char buf[2048];
} writer;

static int flush(writer *f) {
    for (size_t at = 0; at < f->len;) {
        ssize_t done = write(f->fd, f->buf + at, f->len - at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return -1;
        at += (size_t)done;
    }
    f->len = 0;
    return 0;
}

static int put(void *ctx, const void *p, size_t n) {
    writer *f = ctx;
    if (n > sizeof f->buf - f->len && flush(f)) return -1;
    memcpy(f->buf + f->len, p, n);
    f->len += n;
    return 0;
}

/* Returns 0, or an exit code with failed_* set. */
static int save(cmd_state *s) {
    char temporary[sizeof s->name + 32];
    writer f = {0};
    (void)snprintf(temporary, sizeof temporary, "%s.new.%ld", s->name, (long)getpid());
    (void)unlinkat(s->dir, temporary, 0);
    f.fd = openat(s->dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (f.fd < 0) return failed(s, "creating", CMD_EXIT_CREATE);
    int bad = popcl_seen_save(&s->seen, put, &f) != POPCL_OK || flush(&f) || fsync(f.fd);
    int why = errno;
    if (close(f.fd) && !bad) {
        bad = 1;
        why = errno;
    }
    if (!bad && renameat(s->dir, temporary, s->dir, s->name)) {
        bad = 1;
        why = errno;
    }
    errno = why;
    if (bad) {
        int code = failed(s, "writing", CMD_EXIT_DISK);
        (void)unlinkat(s->dir, temporary, 0);
        return code;
    }
    /* EINVAL: a file system that cannot */
    if (fsync(s->dir) && errno != EINVAL) return failed(s, "syncing the directory", CMD_EXIT_DISK);
    s->changed = 0;
    return 0;
}

void cmd_state_pass(cmd_state *s, uint32_t now_ms) {
    if (!s->writes || s->dir < 0 || !s->changed) return;
    if (s->saved_ms == 0) s->saved_ms = now_ms ? now_ms : 1;
    if (now_ms - s->saved_ms < CMD_STATE_SAVE_MS) return;
    s->saved_ms = now_ms ? now_ms : 1;
    (void)save(s); /* a failure is told when the end fails too */
}

int cmd_state_end(cmd_state *s, int confirmed) {
    settling t = {.confirmed = confirmed != 0};
    if (!s->writes || s->dir < 0 || !s->changed) return 0;
    popcl_seen_each(&s->seen, settle, &t);
    /* The note is one for all that were refused: the smallest limit under which any of them was. */
    if (t.refused_now)
        s->seen.note = t.refused_before && s->seen.note && s->seen.note < s->max_size ? s->seen.note
                                                                                      : s->max_size;
    else if (!t.refused_before)
        s->seen.note = 0;
    int code = save(s);
    if (code || !s->lost) return code;
    errno = ENOMEM;
    return failed(s, "making room", CMD_EXIT_DISK);
}

void cmd_state_close(cmd_state *s) {
    free(s->seen.memory);
    if (s->dir >= 0 && s->name[0]) (void)close(s->dir);
    memset(s, 0, sizeof *s);
    s->dir = -1;
}
