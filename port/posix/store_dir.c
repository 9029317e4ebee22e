/* SPDX-License-Identifier: MIT */
/* store_dir - a popcl sink that keeps each message as a file of its own in one directory. It knows
 * no POP3: a message is a UID and octets. Names are made in store_names.c, and system calls in
 * file_calls.c.
 *
 * The life of a message, and the files after a kill at each point:
 *
 *     begin   ".popcl-<random>.tmp", 0600, locked   a temporary, which the next open removes: its
 *                                                   lock is free
 *     data    written in large pieces               the same
 *     commit  fsync the file                        the same
 *             link it to its final name             the whole message; a temporary that is another
 *                                                   name of it
 *             unlink the temporary                  the whole message
 *     sync    fsync the directory                   the whole message, and it survives the loss of
 *                                                   power
 *
 * A final name is never replaced: link fails if it exists. File systems without hard links (vfat)
 * get renameat2(RENAME_NOREPLACE). If that is missing too, an empty file of the name is made with
 * O_EXCL and replaced by rename. Only there can a kill between the two leave an empty file under a
 * final name. That file stays, and the message gets a further name in the next run. */
#define _POSIX_C_SOURCE 200809L

#include "popcl_posix_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bearssl.h>

#include "file_calls.h"
#include "popcl_seen.h"
#include "store_names.h"

enum {
    BUFFER = 65536,    /* bytes: spans are gathered into writes of this size */
    NAMES_FIRST = 64,  /* room for names given in this run, before its memory grows */
    NAME_TRIES = 9999, /* the most further names that are tried for one message */
    DEAD_S = 86400, /* seconds: without locks, a temporary that was not written for so long is left
                       over */
    TEMPORARY_TRIES = 100,
    PLACE_TRIES =
        3 /* how often another program may take a name between the look at it and the link */
};

struct popcl_store_dir {
    pop_disk disk;
    int dir;            /* the directory */
    int fd;             /* of the open message's temporary; -1 = no message is open */
    uid_t owner;        /* of this process, as the file system sees it */
    uid_t dir_owner;    /* of the directory */
    char temporary[32]; /* name of the temporary; "" once it has no name of its own any more */
    char base[POP_STORE_BASE_MAX + 1];    /* base of the open message's names */
    unsigned first;                       /* the first of those names to try: see compose_name */
    char hash[POP_STORE_HASH_DIGITS + 1]; /* hash of its octets; "" until needed */
    uint64_t size;                        /* its octets, with the buffered ones */
    int durable;                          /* its octets were synced */
    char name[POPCL_STORE_NAME_MAX + 1];  /* of the last committed message */
    popcl_seen given;                     /* final names of this run */
    size_t given_room;                    /* how many names have room in it */
    unsigned staged;                      /* messages committed since the last sync */
    int parent_synced, no_link, no_rename_new;
    int broken; /* a sync failed: nothing is accepted any more */
    int error;  /* of the message that failed, with the call and the name */
    const char *call;
    char failed[POPCL_STORE_NAME_MAX + 1];
    size_t buffered;
    unsigned char buffer[BUFFER];
};

/* ---- failures ---- */

/* Errors that may not concern the next message: it may be smaller. All others end the session, also
 * those that are not known here. Otherwise message after message would be loaded for nothing. */
static int ends_session(int error) {
    static const int harmless[] = {EFBIG};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (error == harmless[i]) return 0;
    return 1;
}

/* Keeps the first failure of a message, from errno, and returns the sink's result for it. */
static int store_fail(popcl_store_dir *s, const char *call, const char *name) {
    if (s->error == 0) {
        s->error = errno ? errno : EIO;
        s->call = call;
        (void)snprintf(s->failed, sizeof s->failed, "%s", name);
    }
    return ends_session(s->error) ? POPCL_SINK_STOP : -s->error;
}

static int store_refuse(popcl_store_dir *s, int error, const char *call) {
    errno = error;
    return store_fail(s, call, "");
}

static int open_file(const popcl_store_dir *s, const char *name, int flags) {
    return pop_file_open(&s->disk, s->dir, name, flags | O_NOFOLLOW, 0600);
}

static int store_flush(popcl_store_dir *s) {
    if (s->buffered > 0 && pop_file_write_all(&s->disk, s->fd, s->buffer, s->buffered) < 0)
        return store_fail(s, "write", s->temporary);
    s->buffered = 0;
    return 0;
}

/* Hashes the open message, read back from its temporary. Few messages need a hash, so no message is
 * hashed as it comes. The buffer is empty by now. */
static int hash_message(popcl_store_dir *s) {
    br_sha256_context sha;
    br_sha256_init(&sha);
    for (uint64_t at = 0; at < s->size;) {
        size_t n = s->size - at < BUFFER ? (size_t)(s->size - at) : (size_t)BUFFER;
        int r = pop_file_read_exactly(&s->disk, s->fd, s->buffer, n, at);
        if (r <= 0) {
            if (r == 0) errno = EIO; /* octets that were written are gone */
            return store_fail(s, "pread", s->temporary);
        }
        br_sha256_update(&sha, s->buffer, n);
        at += n;
    }
    pop_store_hash(&sha, s->hash);
    return 0;
}

/* ---- names ---- */

/* Makes the k-th name for the open message. Returns 0, or a failure: from the first further name
 * on, its content is hashed. */
static int compose_name(popcl_store_dir *s, unsigned k, char name[POPCL_STORE_NAME_MAX + 1]) {
    if (k > 0 && s->hash[0] == '\0') {
        int r = hash_message(s);
        if (r < 0) return r;
    }
    pop_store_name(name, s->base, s->hash, k);
    return 0;
}

/* Makes room for one more name given in this run. */
static int reserve_name(popcl_store_dir *s) {
    /* if somebody makes two names with one hash, the message gets a further name, and no other harm
     * comes of it */
    static const unsigned char any_key[16] = {0};
    if (s->given.used < s->given_room) return 0;
    size_t room = s->given_room ? 2 * s->given_room : NAMES_FIRST;
    void *memory = malloc(POPCL_SEEN_SIZE(room));
    popcl_seen larger;
    if (!memory) return store_refuse(s, ENOMEM, "malloc");
    if (popcl_seen_init(&larger, memory, POPCL_SEEN_SIZE(room), any_key) != POPCL_OK ||
        (s->given_room && popcl_seen_move(&larger, &s->given) != POPCL_OK)) {
        free(memory);
        return store_refuse(s, ENOMEM, "malloc");
    }
    free(s->given.memory);
    s->given = larger;
    s->given_room = room;
    return 0;
}

/* ---- the temporary ---- */

/* Closes and removes the temporary. Its lock is held until it has no name: another run must not
 * take it for one that a killed run left. */
static void store_drop(popcl_store_dir *s) {
    if (s->temporary[0]) (void)pop_file_remove(&s->disk, s->dir, s->temporary);
    if (s->fd >= 0) (void)pop_file_close(&s->disk, s->fd);
    s->fd = -1;
    s->temporary[0] = '\0';
    s->buffered = 0;
}

static int create_temporary(popcl_store_dir *s) {
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        struct stat st;
        if (pop_store_temporary(s->temporary)) return store_fail(s, "getrandom", "");
        s->fd = open_file(s, s->temporary, O_RDWR | O_CREAT | O_EXCL);
        if (s->fd < 0) {
            int r = errno == EEXIST ? 0 : store_fail(s, "open", s->temporary);
            s->temporary[0] = '\0'; /* the file with this name is not this run's */
            if (r < 0) return r;
            continue;
        }
        int held = pop_file_hold(&s->disk, s->fd, 0600, &st);
        if (held > 0) {
            s->owner = st.st_uid;
            return 0;
        }
        int r = held < 0 ? store_fail(s, "fstat", s->temporary) : 0;
        store_drop(s);
        if (r < 0) return r;
    }
    return store_refuse(s, EEXIST, "open");
}

/* Removes a temporary that a killed run left. */
static void sweep(void *ctx, const char *name) {
    popcl_store_dir *s = ctx;
    struct stat st;
    int nfs = pop_store_is_nfs_left(name);
    if (!nfs && !pop_store_is_temporary(name)) return;
    /* open for writing: a lock on NFS needs that */
    int fd = open_file(s, name, O_RDWR | O_NONBLOCK);
    if (fd < 0) return;
    int can_be_ours = pop_file_stat(&s->disk, fd, &st) == 0 && S_ISREG(st.st_mode) &&
                      (!nfs || ((st.st_mode & 07777) == 0600 && st.st_uid == geteuid()));
    if (can_be_ours && pop_file_is_left(&s->disk, fd, &st, DEAD_S))
        (void)pop_file_remove(&s->disk, s->dir, name);
    (void)pop_file_close(&s->disk, fd);
}

/* ---- the final name ---- */

typedef enum found { ABSENT, SAME, OTHER, FAILED } found;  /* the file under a name */
typedef enum placed { PLACED, EXISTS, NOT_PLACED } placed; /* the result of giving a name */

/* Returns whether an error of open means that the name has something unusable. It is a link (ELOOP,
 * EMLINK on some systems), a socket, a device, or another user's file. */
static int says_occupied(int error) {
    return error == ELOOP || error == EMLINK || error == EACCES || error == EPERM ||
           error == ENXIO || error == ENODEV || error == EISDIR || error == EOPNOTSUPP;
}

static found not_found_out(popcl_store_dir *s, const char *call, const char *name) {
    (void)store_fail(s, call, name);
    return FAILED;
}

/* Compares the open message, which is all in its temporary by now, with another file of the same
 * size. */
static found store_compare(popcl_store_dir *s, int fd, const char *name) {
    unsigned char *ours = s->buffer, *theirs = s->buffer + BUFFER / 2;
    for (uint64_t at = 0; at < s->size;) {
        size_t n = s->size - at < BUFFER / 2 ? (size_t)(s->size - at) : (size_t)BUFFER / 2;
        int r = pop_file_read_exactly(&s->disk, s->fd, ours, n, at);
        if (r == 0) errno = EIO;
        if (r <= 0) return not_found_out(s, "pread", s->temporary);
        r = pop_file_read_exactly(&s->disk, fd, theirs, n, at);
        if (r < 0) return not_found_out(s, "pread", name);
        if (r == 0 || memcmp(ours, theirs, n) != 0) return OTHER;
        at += n;
    }
    return SAME;
}

/* Returns whether a file may count as this run's copy of a message: another user could remove a
 * file of its own again. Root also stores for the directory's owner, who may get the files by chown
 * afterwards. */
static int is_ours(const popcl_store_dir *s, const struct stat *st) {
    return st->st_uid == s->owner || (s->owner == 0 && st->st_uid == s->dir_owner);
}

/* Looks at the file of a name. Only a regular file is read, and none is changed. */
static found look_at(popcl_store_dir *s, const char *name) {
    struct stat st;
    found f = OTHER;
    int fd = open_file(s, name, O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT) return ABSENT;
        if (says_occupied(errno)) return OTHER;
        return not_found_out(s, "open", name);
    }
    if (pop_file_stat(&s->disk, fd, &st) < 0)
        f = not_found_out(s, "fstat", name);
    else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == s->size && is_ours(s, &st))
        f = store_compare(s, fd, name);
    /* It counts as this message's copy from now on, and its writer may not have synced it. */
    if (f == SAME && pop_file_sync(&s->disk, fd) < 0) f = not_found_out(s, "fsync", name);
    (void)pop_file_close(&s->disk, fd);
    return f;
}

/* It is not repeated after a failure: the kernel reports a lost write once, and the next fsync
 * would report success. */
static int make_durable(popcl_store_dir *s) {
    if (!s->durable && pop_file_sync(&s->disk, s->fd) < 0)
        return store_fail(s, "fsync", s->temporary);
    s->durable = 1;
    return 0;
}

/* Returns whether a call failed because the file system cannot do it at all. For links that is
 * EPERM (link(2)), and EACCES if a policy forbids them. */
static int has_no_links(int error) {
    return error == EPERM || error == EACCES || error == ENOTSUP || error == EOPNOTSUPP ||
           error == ENOSYS || error == EINVAL;
}

static int has_no_rename_new(int error) {
    return error == EINVAL || error == ENOSYS || error == ENOTSUP || error == EOPNOTSUPP;
}

typedef int (*name_call)(void *sys, int dir, const char *from, const char *to);

/* Makes one of the calls that give the temporary its final name. errno has the reason for
 * NOT_PLACED. */
static placed try_name(popcl_store_dir *s, name_call call, const char *name) {
    int r;
    POP_AGAIN(r, call(s->disk.sys, s->dir, s->temporary, name));
    if (r == 0) return PLACED;
    return errno == EEXIST ? EXISTS : NOT_PLACED;
}

static placed not_placed(popcl_store_dir *s, const char *call, const char *name) {
    (void)store_fail(s, call, name);
    return NOT_PLACED;
}

/* Takes the name with an empty file of its own, and replaces that file. */
static placed place_over_own(popcl_store_dir *s, const char *name) {
    int fd = open_file(s, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0) return errno == EEXIST ? EXISTS : not_placed(s, "open", name);
    (void)pop_file_close(&s->disk, fd);
    if (try_name(s, s->disk.calls->rename_over, name) == PLACED) return PLACED;
    (void)not_placed(s, "rename", name);
    (void)pop_file_remove(&s->disk, s->dir, name);
    return NOT_PLACED;
}

/* Gives the temporary its final name, by the first way that this file system has. */
static placed store_place(popcl_store_dir *s, const char *name) {
    placed p;
    if (!s->no_link) {
        p = try_name(s, s->disk.calls->linkat, name);
        /* If the second name cannot be removed now, the next open removes it: the message itself is
         * in its place. */
        if (p == PLACED) (void)pop_file_remove(&s->disk, s->dir, s->temporary);
        if (p != NOT_PLACED) return p;
        if (!has_no_links(errno)) return not_placed(s, "link", name);
        s->no_link = 1;
    }
    if (!s->no_rename_new) {
        p = try_name(s, s->disk.calls->rename_new, name);
        if (p != NOT_PLACED) return p;
        if (!has_no_rename_new(errno)) return not_placed(s, "rename", name);
        s->no_rename_new = 1;
    }
    return place_over_own(s, name);
}

/* Tries to give the message this name. SAME = it has it, or a file with the same octets was there;
 * OTHER = the name is taken; FAILED. */
static found store_settle(popcl_store_dir *s, const char *name) {
    for (int i = 0; i < PLACE_TRIES; i++) {
        found f = look_at(s, name);
        if (f != ABSENT) return f;
        if (make_durable(s) < 0) return FAILED;
        switch (store_place(s, name)) {
        case PLACED: s->temporary[0] = '\0'; return SAME;
        case NOT_PLACED: return FAILED;
        case EXISTS: break; /* the name was taken since it was looked at */
        }
    }
    return OTHER;
}

/* Returns whether the k-th name is of no use for the open message in this run: the run gave it, or
 * found it taken. Returns 1, 0, or a failure. */
static int is_used(popcl_store_dir *s, unsigned k, char name[POPCL_STORE_NAME_MAX + 1]) {
    int r = compose_name(s, k, name);
    return r < 0 ? r : popcl_seen_get(&s->given, name, strlen(name)) != 0;
}

/* Finds the first k from 1 on whose name is not used. Used ones have no gap. The search doubles its
 * step and then halves it, so that many equal messages of one UID cost no more than as many
 * others. */
static int first_unused(popcl_store_dir *s, unsigned *k, char name[POPCL_STORE_NAME_MAX + 1]) {
    unsigned low = 0, high = 1; /* low is used, or 0; high is not */
    int r;
    while ((r = is_used(s, high, name)) > 0) {
        low = high;
        high *= 2;
    }
    while (r >= 0 && high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        r = is_used(s, middle, name);
        *(r > 0 ? &low : &high) = middle;
    }
    *k = high;
    return r < 0 ? r : compose_name(s, high, name);
}

/* Notes that the name is used, in the room that begin made for the message, or in further room. */
static int note_used(popcl_store_dir *s, const char *name) {
    int r = reserve_name(s);
    if (r == 0) (void)popcl_seen_put(&s->given, name, strlen(name), POPCL_SEEN_FETCHED);
    return r;
}

/* Finds the open message's final name and gives it. A name that this run gave before is not looked
 * at: two messages with one UID are two files, even with the same octets. A name with the hash of
 * the content that was found taken is not looked at again. The name without a hash may be free for
 * another content. */
static int settle_message(popcl_store_dir *s) {
    char name[POPCL_STORE_NAME_MAX + 1];
    unsigned k = 0;
    int r = store_flush(s);
    if (r == 0) r = s->first == 0 ? is_used(s, 0, name) : 1;
    if (r > 0) r = first_unused(s, &k, name);
    for (unsigned tries = 0; r >= 0 && tries < NAME_TRIES; tries++) {
        found f = store_settle(s, name);
        if (f == FAILED) return ends_session(s->error) ? POPCL_SINK_STOP : -s->error;
        if (f == SAME || k > 0) r = note_used(s, name);
        if (r < 0) return r;
        if (f == SAME) {
            memcpy(s->name, name, sizeof s->name);
            return 0;
        }
        if (k == 0)
            r = first_unused(s, &k, name);
        else
            r = compose_name(s, ++k, name);
    }
    return r < 0 ? r : store_refuse(s, EEXIST, "link");
}

/* ---- the sink ---- */

static int store_begin(void *ctx, const popcl_msg *m) {
    popcl_store_dir *s = ctx;
    if (s->broken) return POPCL_SINK_STOP;
    if (s->fd >= 0) return -EBUSY;
    s->error = 0;
    s->call = "";
    s->failed[0] = '\0';
    s->size = 0;
    s->durable = 0;
    s->hash[0] = '\0';
    pop_store_base(s->base, m);
    /* tomorrow a number may be another message's (RFC 1939, 3): the content differs */
    s->first = m->uid && m->uid_len ? 0 : 1;
    int r = reserve_name(s);
    return r < 0 ? r : create_temporary(s);
}

static int store_data(void *ctx, const void *p, size_t n) {
    popcl_store_dir *s = ctx;
    if (s->fd < 0) return store_refuse(s, EBADF, "write");
    if (s->error) return ends_session(s->error) ? POPCL_SINK_STOP : -s->error;
    if (n > INT_MAX) n = INT_MAX;
    if (n > BUFFER - s->buffered) {
        int r = store_flush(s);
        if (r < 0) return r;
    }
    if (n > BUFFER / 2 && s->buffered == 0) {
        if (pop_file_write_all(&s->disk, s->fd, p, n) < 0)
            return store_fail(s, "write", s->temporary);
    } else {
        memcpy(s->buffer + s->buffered, p, n);
        s->buffered += n;
    }
    s->size += n;
    return (int)n;
}

static int store_commit(void *ctx) {
    popcl_store_dir *s = ctx;
    if (s->fd < 0) return store_refuse(s, EBADF, "write");
    if (s->broken) {
        store_drop(s);
        return POPCL_SINK_STOP;
    }
    int r = s->error ? store_fail(s, s->call, s->failed) : settle_message(s);
    if (r == 0 && s->temporary[0]) { /* a file with these octets was there already */
        (void)pop_file_remove(&s->disk, s->dir, s->temporary);
        s->temporary[0] = '\0';
    }
    if (r == 0) {
        int fd = s->fd;
        s->fd = -1;
        /* A whole file stays even if this fails: another run may count on it by now. This run only
         * does not claim it. */
        if (pop_file_close(&s->disk, fd) < 0) r = store_fail(s, "close", s->name);
    }
    store_drop(s);
    if (r < 0) return r;
    s->staged++;
    return POPCL_STAGED;
}

/* Syncs the directory's own entry, once a run: this run may have made the directory, or one that
 * was killed before this point. A parent that cannot be opened for reading cannot be synced. Then
 * its file system alone is responsible. */
static int sync_parent(popcl_store_dir *s) {
    if (s->parent_synced) return 0;
    int fd = open_file(s, "..", O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno != EACCES && errno != EPERM) return -1;
    int r = fd < 0 ? 0 : pop_file_sync_directory(&s->disk, fd);
    int error = errno;
    if (fd >= 0) (void)pop_file_close(&s->disk, fd);
    s->parent_synced = r == 0 || error == EROFS;
    errno = error;
    return s->parent_synced ? 0 : -1;
}

/* Returns whether the directory was removed: the files that were staged in it are gone. */
static int is_removed(const popcl_store_dir *s) {
    struct stat st;
    if (pop_file_stat(&s->disk, s->dir, &st) < 0 || st.st_nlink > 0) return 0;
    errno = ENOENT;
    return 1;
}

static int store_sync(void *ctx) {
    popcl_store_dir *s = ctx;
    if (s->broken) return POPCL_SINK_STOP;
    if (s->staged == 0) return 0;
    if (pop_file_sync_directory(&s->disk, s->dir) < 0 || sync_parent(s) < 0 || is_removed(s)) {
        s->error = 0; /* this failure is reported, even if a message failed before */
        (void)store_fail(s, "fsync", ".");
        /* at a second try the kernel would report success for entries that it lost */
        s->broken = 1;
        return POPCL_SINK_STOP;
    }
    s->staged = 0;
    return 0;
}

static void store_abort(void *ctx, popcl_err why) {
    popcl_store_dir *s = ctx;
    (void)why;
    store_drop(s);
}

const popcl_sink popcl_store_dir_sink = {
    .begin = store_begin,
    .data = store_data,
    .commit = store_commit,
    .sync = store_sync,
    .abort = store_abort,
};

/* ---- open and close ---- */

static int open_directory(const popcl_store_dir *s, const char *path) {
    return pop_file_open(&s->disk, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
}

/* Opens the directory, which is made if it is missing. Proves that files can be made in it:
 * permission bits alone do not show that. */
static int store_prepare(popcl_store_dir *s, const char *path) {
    s->dir = open_directory(s, path);
    if (s->dir < 0 && errno == ENOENT) {
        if (pop_file_make_directory(&s->disk, path, 0700) < 0) return -1;
        s->dir = open_directory(s, path);
    }
    if (s->dir < 0) return -1;
    struct stat st;
    s->dir_owner = pop_file_stat(&s->disk, s->dir, &st) == 0 ? st.st_uid : 0;
    (void)s->disk.calls->list(s->disk.sys, s->dir, sweep,
                              s); /* a file that cannot be removed now does no harm */
    if (create_temporary(s) < 0 || reserve_name(s) < 0) {
        errno = s->error;
        return -1;
    }
    store_drop(s);
    return 0;
}

popcl_store_dir *popcl_store_dir_open(const char *path, const popcl_disk *disk, void *sys) {
    popcl_store_dir *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->disk.calls = disk ? disk : &popcl_posix_disk;
    s->disk.sys = sys;
    s->dir = -1;
    s->fd = -1;
    s->call = "";
    if (store_prepare(s, path) == 0) return s;
    int error = errno;
    popcl_store_dir_close(s);
    errno = error;
    return NULL;
}

int popcl_store_dir_error(const popcl_store_dir *s, const char **call, const char **name) {
    if (call) *call = s->call;
    if (name) *name = s->failed;
    return s->error;
}

const char *popcl_store_dir_name(const popcl_store_dir *s) { return s->name; }

void popcl_store_dir_close(popcl_store_dir *s) {
    if (!s) return;
    store_drop(s);
    if (s->dir >= 0) (void)pop_file_close(&s->disk, s->dir);
    free(s->given.memory);
    free(s);
}
