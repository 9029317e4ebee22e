/* SPDX-License-Identifier: MIT */
/* store_dir - a popcl sink that keeps each message as a file of its own in one directory. It knows
 * no POP3: a message is a UID and octets. Names are made in store_names.c, files in store_file.c,
 * and system calls in file_calls.c. A Maildir is such a directory too. Its names are in tmp/ and
 * new/, come from no UID, and never meet.
 *
 * A message is written into a file without a final name, and commit chooses that name. The message
 * then waits in its group, with its file open. Durable is made for the whole group at a time:
 *
 *     begin, data   write                                for each message
 *     commit        choose its name
 *     sync          begin to write the data to the disk  all files, in this order of steps
 *                   fsync
 *                   give the final name
 *                   close
 *                   fsync the directory of the names     once a group
 *
 * So a name always has durable data, and sync returns 0 only if the names are durable too. The
 * first step makes a group fast: ext4 then writes all files in one transaction of its journal.
 * Without it each fsync makes one (docs/DESIGN.md has the figures). If the files are in memory
 * alone, it is left out.
 *
 * A kill, or a loss of power, before a file has its name loses the file: the message is still on
 * the server. store_file.h has the files that may be left. */
#define _POSIX_C_SOURCE 200809L

#include "popcl_posix_store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bearssl.h>

#include "file_calls.h"
#include "popcl_seen.h"
#include "store_file.h"
#include "store_names.h"

enum {
    BUFFER = 32768,    /* bytes: spans are gathered into writes of this size */
    NAMES_FIRST = 64,  /* room for names given in this run, before its memory grows */
    NAME_TRIES = 9999, /* the most further names that are tried for one message */
    DEAD_S = 86400, /* seconds: without locks, a temporary that was not written for so long is left
                       over */
    LISTED_BITS = 131072, /* of the filter of names; 50,000 names set a third of them */
    LARGE = 1048576,      /* octets: such a message is synced at its commit */
    OPEN_SHARE = 4        /* a group has this part of the files that the process may open */
};

typedef struct message {
    pop_store_file file;
    char base[POP_STORE_BASE_MAX + 1];    /* base of its names */
    unsigned first;                       /* the first of those names to try: see compose_name */
    unsigned k;                           /* the one that was chosen */
    char hash[POP_STORE_HASH_DIGITS + 1]; /* hash of its octets; "" until needed */
    uint64_t size;                        /* its octets, with the buffered ones */
} message;

struct popcl_store_dir {
    pop_store_place place;
    uid_t dir_owner;
    int names_dir; /* the directory of the final names: place.dir, or new/ of a Maildir */
    char random[POP_RANDOM_DIGITS + 1], host[256]; /* in the names of a Maildir */
    unsigned long begun;                           /* messages of it */
    message open;                                  /* between begin and its end */
    message group[POPCL_STORE_GROUP];              /* committed, and not named yet */
    unsigned grouped, group_max;
    char name[POPCL_STORE_NAME_MAX + 1]; /* of the last committed message */
    popcl_seen given;                    /* final names of this run */
    size_t given_room;                   /* how many names have room in it */
    unsigned staged;                     /* messages committed since the last sync */
    int parent_synced, no_close_run;
    int in_memory; /* the file system has no disk */
    int broken;    /* a sync failed: nothing is accepted any more */
    int error;     /* of the message that failed, with the call and the name */
    const char *call;
    char failed[POPCL_STORE_NAME_MAX + 1];
    int all_listed;                        /* the directory could not be listed */
    unsigned char listed[LISTED_BITS / 8]; /* names of the directory when it was opened: see
                                              may_be_there */
    size_t buffered;
    unsigned char buffer[BUFFER];
};

static const pop_store_layout directory = {.temporary = "", .final = "", .tail = ".eml"};
static const pop_store_layout maildir = {.temporary = "tmp/", .final = "new/", .tail = ""};

static int is_maildir(const popcl_store_dir *s) { return s->place.layout == &maildir; }

/* ---- failures ---- */

/* Errors that perhaps do not concern the next message: it may be smaller. All others end the
 * session, also those that are not known here. Otherwise message after message would be loaded for
 * nothing. */
static int ends_session(int error) {
    static const int harmless[] = {EFBIG};
    for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
        if (error == harmless[i]) return 0;
    return 1;
}

/* Returns the sink's result for the failure that is kept. */
static int store_failed(const popcl_store_dir *s) {
    return s->broken || ends_session(s->error) ? POPCL_SINK_STOP : -s->error;
}

/* Keeps the first failure of a message, from errno, and returns the sink's result for it. */
static int store_fail(popcl_store_dir *s, const char *call, const char *name) {
    if (s->error == 0) {
        s->error = errno ? errno : EIO;
        s->call = call;
        (void)snprintf(s->failed, sizeof s->failed, "%s", name);
    }
    return store_failed(s);
}

static int store_refuse(popcl_store_dir *s, int error, const char *call) {
    errno = error;
    return store_fail(s, call, "");
}

static int open_file(const popcl_store_dir *s, const char *name, int flags) {
    return pop_file_open(&s->place.disk, s->place.dir, name, flags | O_NOFOLLOW, 0600);
}

static int write_out(popcl_store_dir *s, const void *p, size_t n) {
    if (pop_file_write_all(&s->place.disk, s->open.file.fd, p, n) == 0) return 0;
    return store_fail(s, "write", "");
}

static int store_flush(popcl_store_dir *s) {
    int r = s->buffered > 0 ? write_out(s, s->buffer, s->buffered) : 0;
    if (r == 0) s->buffered = 0;
    return r;
}

static int read_back(popcl_store_dir *s, const message *m, unsigned char *to, size_t n,
                     uint64_t at) {
    int r = pop_file_read_exactly(&s->place.disk, m->file.fd, to, n, at);
    if (r == 0) errno = EIO; /* octets that were written are gone */
    return r > 0 ? 0 : store_fail(s, "pread", "");
}

/* Hashes a message, read back from its file. Few messages need a hash, so no message is hashed as
 * it comes. The buffer is empty by now. */
static int hash_message(popcl_store_dir *s, message *m) {
    br_sha256_context sha;
    br_sha256_init(&sha);
    for (uint64_t at = 0; at < m->size;) {
        size_t n = m->size - at < BUFFER ? (size_t)(m->size - at) : (size_t)BUFFER;
        int r = read_back(s, m, s->buffer, n, at);
        if (r < 0) return r;
        br_sha256_update(&sha, s->buffer, n);
        at += n;
    }
    pop_store_hash(&sha, m->hash);
    return 0;
}

/* ---- names ---- */

/* Makes the k-th name for a message. Returns 0, or a failure: from the first further name on, its
 * content is hashed. */
static int compose_name(popcl_store_dir *s, message *m, unsigned k,
                        char name[POPCL_STORE_NAME_MAX + 1]) {
    if (k > 0 && m->hash[0] == '\0') {
        int r = hash_message(s, m);
        if (r < 0) return r;
    }
    pop_store_name(name, s->place.layout, m->base, m->hash, k);
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

/* Returns whether the k-th name is of no use for a message in this run: the run gave it, or found
 * it taken. Returns 1, 0, or a failure. */
static int is_used(popcl_store_dir *s, message *m, unsigned k,
                   char name[POPCL_STORE_NAME_MAX + 1]) {
    int r = compose_name(s, m, k, name);
    return r < 0 ? r : popcl_seen_get(&s->given, name, strlen(name)) != 0;
}

/* Finds the first k from 1 on whose name is not used. Used ones have no gap. The search doubles its
 * step and then halves it, so that many equal messages of one UID cost no more than as many
 * others. */
static int first_unused(popcl_store_dir *s, message *m, char name[POPCL_STORE_NAME_MAX + 1]) {
    unsigned low = 0, high = 1; /* low is used, or 0; high is not */
    int r;
    while ((r = is_used(s, m, high, name)) > 0) {
        low = high;
        high *= 2;
    }
    while (r >= 0 && high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        r = is_used(s, m, middle, name);
        *(r > 0 ? &low : &high) = middle;
    }
    m->k = high;
    return r < 0 ? r : compose_name(s, m, high, name);
}

/* Notes that the name is used, in the room that begin made for the message, or in further room. */
static int note_used(popcl_store_dir *s, const char *name) {
    int r = reserve_name(s);
    if (r == 0) (void)popcl_seen_put(&s->given, name, strlen(name), POPCL_SEEN_FETCHED);
    return r;
}

/* ---- the directory's entries ---- */

/* Returns a name's place in the filter (FNV-1a). */
static uint32_t listed_bit(const char *name) {
    uint32_t x = 2166136261u;
    for (const char *p = name; *p; p++)
        x = (x ^ (unsigned char)*p) * 16777619u;
    return (x ^ x >> 16) % LISTED_BITS;
}

/* Returns whether the directory may have had this name when it was opened. Only then is it worth a
 * system call to look. The answer 0 may be wrong: another program took the name since, or the file
 * system ignores case. Then the name is found taken when it is given. */
static int may_be_there(const popcl_store_dir *s, const char *name) {
    uint32_t bit = listed_bit(name);
    return s->all_listed || (s->listed[bit / 8] >> bit % 8 & 1);
}

/* Notes a name, and removes a temporary that a killed run left. */
static void take_entry(void *ctx, const char *entry) {
    popcl_store_dir *s = ctx;
    char name[POPCL_STORE_NAME_MAX + sizeof "tmp/"];
    (void)snprintf(name, sizeof name, "%s%s", s->place.layout->temporary, entry);
    const pop_disk *disk = &s->place.disk;
    uint32_t bit = listed_bit(name);
    struct stat st;
    s->listed[bit / 8] |= (unsigned char)(1u << bit % 8);
    int nfs = pop_store_is_nfs_left(entry);
    if (!nfs && !pop_store_is_temporary(entry)) return;
    /* open for writing: a lock on NFS needs that */
    int fd = open_file(s, name, O_RDWR | O_NONBLOCK);
    if (fd < 0) return;
    int can_be_ours = pop_file_stat(disk, fd, &st) == 0 && S_ISREG(st.st_mode) &&
                      (!nfs || ((st.st_mode & 07777) == 0600 && st.st_uid == geteuid()));
    if (can_be_ours && pop_file_is_left(disk, fd, &st, DEAD_S))
        (void)pop_file_remove(disk, s->place.dir, name);
    (void)pop_file_close(disk, fd);
}

/* ---- files that are there ---- */

typedef enum found { ABSENT, SAME, OTHER, FAILED } found; /* the file under a name */

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

/* Compares a message, which is all in its file by now, with another file of the same size. */
static found store_compare(popcl_store_dir *s, const message *m, int fd, const char *name) {
    unsigned char *ours = s->buffer, *theirs = s->buffer + BUFFER / 2;
    for (uint64_t at = 0; at < m->size;) {
        size_t n = m->size - at < BUFFER / 2 ? (size_t)(m->size - at) : (size_t)BUFFER / 2;
        if (read_back(s, m, ours, n, at) < 0) return FAILED;
        int r = pop_file_read_exactly(&s->place.disk, fd, theirs, n, at);
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
    uid_t owner = s->place.owner;
    return st->st_uid == owner || (owner == 0 && st->st_uid == s->dir_owner);
}

/* Looks at the file of a name. Only a regular file is read, and none is changed. */
static found look_at(popcl_store_dir *s, const message *m, const char *name) {
    const pop_disk *disk = &s->place.disk;
    struct stat st;
    found f = OTHER;
    int fd = open_file(s, name, O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
        if (errno == ENOENT) return ABSENT;
        if (says_occupied(errno)) return OTHER;
        return not_found_out(s, "open", name);
    }
    if (pop_file_stat(disk, fd, &st) < 0)
        f = not_found_out(s, "fstat", name);
    else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == m->size && is_ours(s, &st))
        f = store_compare(s, m, fd, name);
    /* It counts as this message's copy from now on, and its writer perhaps did not sync it. */
    if (f == SAME && pop_file_sync(disk, fd) < 0) f = not_found_out(s, "fsync", name);
    (void)pop_file_close(disk, fd);
    return f;
}

/* ---- the group ---- */

static int make_durable(popcl_store_dir *s, message *m) {
    const char *call;
    if (pop_store_file_sync(&s->place, &m->file, &call) == 0) return 0;
    return store_fail(s, call, "");
}

/* Gives a message the name that was chosen. If it was taken since, the file there may have the same
 * octets; if not, the message gets a further name. */
static int name_message(popcl_store_dir *s, message *m) {
    char name[POPCL_STORE_NAME_MAX + 1];
    int r = compose_name(s, m, m->k, name);
    int is_last = r == 0 && strcmp(name, s->name) == 0;
    for (unsigned tries = 0; r == 0 && tries < NAME_TRIES; tries++) {
        const char *call;
        pop_store_placed placed = pop_store_file_name(&s->place, &m->file, name, &call);
        if (placed == POP_NOT_PLACED) return store_fail(s, call, name);
        found f = placed == POP_PLACED ? SAME : look_at(s, m, name);
        if (f == FAILED) return POPCL_SINK_STOP;
        if (f == SAME) {
            if (is_last) memcpy(s->name, name, sizeof s->name);
            return 0;
        }
        if (f == ABSENT && tries == 0) continue; /* it is free again */
        r = first_unused(s, m, name);
        if (r == 0) r = note_used(s, name);
    }
    return r < 0 ? r : store_refuse(s, EEXIST, "link");
}

/* Closes the descriptors of the group's files from..to, which have no gap. Returns 0, or -1. */
static int close_run(popcl_store_dir *s, unsigned from, unsigned to) {
    const pop_disk *disk = &s->place.disk;
    int r = 0;
    if (from < to && !s->no_close_run) {
        if (pop_file_close_run(disk, s->group[from].file.fd, s->group[to].file.fd) == 0) return 0;
        s->no_close_run = 1;
    }
    for (; from <= to; from++)
        if (pop_file_close(disk, s->group[from].file.fd) < 0) r = -1;
    return r;
}

/* Ends the group, and drops its files that got no name. A lock is held until its file has no
 * temporary name. A whole file stays even if close fails: another run may count on it by now. This
 * run only does not claim it. */
static int close_group(popcl_store_dir *s) {
    int r = 0;
    for (unsigned i = 0; i < s->grouped; i++)
        if (s->group[i].file.temporary[0])
            (void)pop_file_remove(&s->place.disk, s->place.dir, s->group[i].file.temporary);
    for (unsigned from = 0, to; from < s->grouped; from = to + 1) {
        to = from;
        while (to + 1 < s->grouped && s->group[to + 1].file.fd == s->group[to].file.fd + 1)
            to++;
        if (close_run(s, from, to) < 0) r = -1;
    }
    s->grouped = 0;
    return r < 0 ? store_fail(s, "close", "") : 0;
}

/* Syncs and names all files of the group. After a failure none of its messages is claimed, and the
 * store is broken. */
static int settle_group(popcl_store_dir *s) {
    int before = s->error, r = 0;
    s->error = 0; /* this failure is reported, even if a message failed before */
    for (unsigned i = 0; s->grouped > 1 && !s->in_memory && i < s->grouped; i++)
        if (!s->group[i].file.durable) pop_file_start_sync(&s->place.disk, s->group[i].file.fd);
    for (unsigned i = 0; r == 0 && i < s->grouped; i++)
        r = make_durable(s, &s->group[i]);
    for (unsigned i = 0; r == 0 && i < s->grouped; i++)
        r = name_message(s, &s->group[i]);
    int closed = close_group(s);
    if (r == 0) r = closed;
    if (r == 0) {
        s->error = before;
        return 0;
    }
    s->broken = 1;
    return POPCL_SINK_STOP;
}

/* Returns whether to try once more to open a file, after this error. If there are no more
 * descriptors, those of the group are given back, and from now on a group has fewer. */
static int make_room(popcl_store_dir *s, int error) {
    if ((error != EMFILE && error != ENFILE) || s->grouped == 0) return 0;
    s->group_max = s->grouped > 1 ? s->grouped / 2 : 1;
    s->error = 0;
    return settle_group(s) == 0;
}

/* ---- commit ---- */

/* Chooses the open message's final name. A name that this run gave before is not looked at: two
 * messages with one UID are two files, even with the same octets. A name with the hash of the
 * content that was found taken is not looked at again. The name without a hash may be free for
 * another content. Returns ABSENT, SAME if the file there has the same octets, or FAILED. */
static found choose_name(popcl_store_dir *s, message *m, char name[POPCL_STORE_NAME_MAX + 1]) {
    int r = m->first == 0 ? is_used(s, m, 0, name) : 1;
    m->k = 0;
    if (r > 0) r = first_unused(s, m, name);
    for (unsigned tries = 0; r >= 0 && tries < NAME_TRIES; tries++) {
        found f = may_be_there(s, name) ? look_at(s, m, name) : ABSENT;
        if (f == FAILED && make_room(s, s->error)) f = look_at(s, m, name);
        if (f != OTHER) return f;
        if (m->k > 0) r = note_used(s, name);
        if (r >= 0) r = first_unused(s, m, name);
    }
    if (r >= 0) (void)store_refuse(s, EEXIST, "link");
    return FAILED;
}

/* Adds the open message to the group. If a file with its octets was there, it needs none of its
 * own. A large message is synced alone, because some file systems report only then that it
 * is too large. The other messages of the group have to stay. */
static int stage_message(popcl_store_dir *s) {
    message *m = &s->open;
    char name[POPCL_STORE_NAME_MAX + 1];
    int r = store_flush(s);
    if (r < 0) return r;
    found f = choose_name(s, m, name);
    if (f == FAILED) return store_failed(s);
    if (f == ABSENT && m->size >= LARGE) r = make_durable(s, m);
    if (r == 0) r = note_used(s, name);
    if (r < 0) return r;
    memcpy(s->name, name, sizeof s->name);
    if (f == SAME) {
        pop_store_file_drop(&s->place, &m->file);
        return 0;
    }
    s->group[s->grouped++] = *m;
    m->file.fd = -1;
    m->file.temporary[0] = '\0';
    return s->grouped < s->group_max ? 0 : settle_group(s);
}

/* ---- the sink ---- */

/* Drops the open message. */
static void store_drop(popcl_store_dir *s) {
    pop_store_file_drop(&s->place, &s->open.file);
    s->buffered = 0;
}

/* Returns whether the directory was removed: the files that were staged in it are gone. errno is
 * then ENOENT. */
static int is_removed(const popcl_store_dir *s) {
    struct stat st;
    if (pop_file_stat(&s->place.disk, s->names_dir, &st) < 0 || st.st_nlink > 0) return 0;
    errno = ENOENT;
    return 1;
}

static int store_create(popcl_store_dir *s) {
    const char *call;
    pop_store_file *f = &s->open.file;
    if (pop_store_file_create(&s->place, f, &call) == 0) return 0;
    if (make_room(s, errno) && pop_store_file_create(&s->place, f, &call) == 0) return 0;
    int error = errno;
    if (!is_removed(s)) errno = error; /* O_TMPFILE has other errors for it */
    return store_fail(s, call, "");
}

static int store_begin(void *ctx, const popcl_msg *m) {
    popcl_store_dir *s = ctx;
    if (s->broken) return POPCL_SINK_STOP;
    if (s->open.file.fd >= 0) return -EBUSY;
    s->error = 0;
    s->call = "";
    s->failed[0] = '\0';
    s->open.size = 0;
    s->open.hash[0] = '\0';
    if (is_maildir(s))
        pop_store_maildir_base(s->open.base, (uint64_t)time(NULL), (unsigned long)getpid(),
                               s->random, ++s->begun, s->host);
    else
        pop_store_base(s->open.base, m);
    /* tomorrow a number may be another message's (RFC 1939, 3): the content differs */
    s->open.first = is_maildir(s) || (m->uid && m->uid_len) ? 0 : 1;
    int r = reserve_name(s);
    return r < 0 ? r : store_create(s);
}

/* Writes a large span from its place, and gathers smaller ones. A write that is gathered fills the
 * buffer, so that it begins and ends with a page of the file: half a page costs more. */
static int store_data(void *ctx, const void *p, size_t n) {
    popcl_store_dir *s = ctx;
    if (s->open.file.fd < 0) return store_refuse(s, EBADF, "write");
    if (s->error) return store_failed(s);
    if (n > INT_MAX) n = INT_MAX;
    const unsigned char *from = p;
    for (size_t left = n, part; left > 0; from += part, left -= part) {
        int r = 0;
        part = left < BUFFER - s->buffered ? left : BUFFER - s->buffered;
        if (s->buffered == 0 && left > BUFFER / 2) {
            part = left;
            r = write_out(s, from, part);
        } else {
            memcpy(s->buffer + s->buffered, from, part);
            s->buffered += part;
            if (s->buffered == BUFFER) r = store_flush(s);
        }
        if (r < 0) return r;
    }
    s->open.size += n;
    return (int)n;
}

static int store_commit(void *ctx) {
    popcl_store_dir *s = ctx;
    if (s->open.file.fd < 0) return store_refuse(s, EBADF, "write");
    int r = s->broken ? POPCL_SINK_STOP : s->error ? store_failed(s) : stage_message(s);
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
    if (is_maildir(s) && pop_file_sync_directory(&s->place.disk, s->place.dir) < 0) return -1;
    int fd = open_file(s, "..", O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno != EACCES && errno != EPERM) return -1;
    int r = fd < 0 ? 0 : pop_file_sync_directory(&s->place.disk, fd);
    int error = errno;
    if (fd >= 0) (void)pop_file_close(&s->place.disk, fd);
    s->parent_synced = r == 0 || error == EROFS;
    errno = error;
    return s->parent_synced ? 0 : -1;
}

static int store_sync(void *ctx) {
    popcl_store_dir *s = ctx;
    if (s->broken) return POPCL_SINK_STOP;
    if (s->staged == 0) return 0;
    /* a name that is taken needs the buffer */
    if (s->open.file.fd >= 0 && !s->error) (void)store_flush(s);
    s->buffered = 0;
    if (settle_group(s) < 0) return POPCL_SINK_STOP;
    if (pop_file_sync_directory(&s->place.disk, s->names_dir) < 0 || sync_parent(s) < 0 ||
        is_removed(s)) {
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

static int open_directory(const popcl_store_dir *s, int from, const char *path) {
    return pop_file_open(&s->place.disk, from, path, O_RDONLY | O_DIRECTORY, 0);
}

/* Opens a directory, which is made if it is missing. */
static int make_directory(const popcl_store_dir *s, const char *path) {
    int fd = open_directory(s, AT_FDCWD, path);
    if (fd >= 0 || errno != ENOENT) return fd;
    if (pop_file_make_directory(&s->place.disk, path, 0700) < 0) return -1;
    return open_directory(s, AT_FDCWD, path);
}

/* A group must not take descriptors that the program needs. */
static unsigned largest_group(void) {
    long files = sysconf(_SC_OPEN_MAX); /* -1: there is no limit */
    if (files < 0 || files / OPEN_SHARE >= POPCL_STORE_GROUP) return POPCL_STORE_GROUP;
    return files < OPEN_SHARE ? 1 : (unsigned)(files / OPEN_SHARE);
}

/* ---- a Maildir ---- */

static void count_entry(void *ctx, const char *name) {
    int *others = ctx;
    *others += strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, "tmp") != 0 &&
               strcmp(name, "new") != 0 && strcmp(name, "cur") != 0;
}

/* Makes tmp, new and cur. If new is missing and other things are there, this is no Maildir, and
 * stays as it is: errno is ENOTEMPTY. */
static int make_maildir(const popcl_store_dir *s, const char *path) {
    static const char *const parts[] = {"tmp", "new", "cur"};
    const pop_disk *disk = &s->place.disk;
    int others = 0, r = 0, fd = open_directory(s, s->place.dir, "new");
    if (fd >= 0) (void)pop_file_close(disk, fd);
    if (fd < 0 && errno != ENOENT) return -1;
    if (fd < 0 && disk->calls->list(disk->sys, s->place.dir, count_entry, &others) < 0) return -1;
    if (others > 0) {
        errno = ENOTEMPTY;
        return -1;
    }
    size_t room = strlen(path) + sizeof "/tmp";
    char *part = malloc(room);
    if (!part) return -1;
    for (size_t i = 0; r == 0 && i < sizeof parts / sizeof parts[0]; i++) {
        (void)snprintf(part, room, "%s/%s", path, parts[i]);
        r = pop_file_make_directory(disk, part, 0700);
    }
    int error = errno;
    free(part);
    errno = error;
    return r;
}

/* Prepares the names of a Maildir, and removes what killed runs left in tmp. new may be large, and
 * is not read. */
static int open_maildir(popcl_store_dir *s, const char *path) {
    const pop_disk *disk = &s->place.disk;
    if (make_maildir(s, path) < 0 || pop_random_digits(s->random)) return -1;
    if (gethostname(s->host, sizeof s->host - 1) < 0 || !s->host[0])
        memcpy(s->host, "localhost", sizeof "localhost");
    s->names_dir = open_directory(s, s->place.dir, "new");
    int temporaries = open_directory(s, s->place.dir, "tmp");
    if (s->names_dir < 0 || temporaries < 0) {
        int error = errno;
        if (temporaries >= 0) (void)pop_file_close(disk, temporaries);
        errno = error;
        return -1;
    }
    (void)disk->calls->list(disk->sys, temporaries, take_entry, s);
    (void)pop_file_close(disk, temporaries);
    return 0;
}

/* Opens the directory, which is made if it is missing. Proves that files can be made in it. */
static int store_prepare(popcl_store_dir *s, const char *path) {
    const pop_disk *disk = &s->place.disk;
    s->place.dir = make_directory(s, path);
    if (s->place.dir < 0) return -1;
    struct stat st;
    s->dir_owner = pop_file_stat(disk, s->place.dir, &st) == 0 ? st.st_uid : 0;
    s->in_memory = pop_file_in_memory(disk, s->place.dir);
    if (is_maildir(s)) {
        if (open_maildir(s, path) < 0) return -1;
    } else {
        s->names_dir = s->place.dir;
        /* a file that cannot be removed now does no harm */
        s->all_listed = disk->calls->list(disk->sys, s->place.dir, take_entry, s) < 0;
    }
    if (pop_store_file_try(&s->place, &s->call) < 0) return -1;
    if (reserve_name(s) < 0) {
        errno = s->error;
        return -1;
    }
    return 0;
}

static popcl_store_dir *open_layout(const pop_store_layout *layout, const char *path,
                                    const popcl_disk *disk, void *sys) {
    popcl_store_dir *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->place.disk.calls = disk ? disk : &popcl_posix_disk;
    s->place.disk.sys = sys;
    s->place.layout = layout;
    s->place.dir = s->names_dir = -1;
    s->open.file.fd = -1;
    s->group_max = largest_group();
    s->call = "";
    if (store_prepare(s, path) == 0) return s;
    int error = errno;
    popcl_store_dir_close(s);
    errno = error;
    return NULL;
}

popcl_store_dir *popcl_store_dir_open(const char *path, const popcl_disk *disk, void *sys) {
    return open_layout(&directory, path, disk, sys);
}

popcl_store_dir *popcl_store_maildir_open(const char *path, const popcl_disk *disk, void *sys) {
    return open_layout(&maildir, path, disk, sys);
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
    (void)close_group(s);
    if (s->names_dir >= 0 && s->names_dir != s->place.dir)
        (void)pop_file_close(&s->place.disk, s->names_dir);
    if (s->place.dir >= 0) (void)pop_file_close(&s->place.disk, s->place.dir);
    free(s->given.memory);
    free(s);
}
