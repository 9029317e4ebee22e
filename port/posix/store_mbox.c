/* SPDX-License-Identifier: MIT */
/* store_mbox - a popcl sink that appends groups of messages to an mbox file. See
 * popcl_posix_mbox.h.
 *
 *     begin, data, commit    into the spool, in the form of an mbox   for each message
 *     sync                   take the locks                           once a group
 *                            append the spool
 *                            fsync
 *                            free the locks */
#define _POSIX_C_SOURCE 200809L
#include "popcl_posix_mbox.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "mbox_lock.h"
#include "process.h"
#include "store_spooled.h"

struct popcl_store_mbox {
    pop_spooled spooled; /* first: its functions get the store as context */
    popcl_store_mbox_config config;
    uint64_t opened_ms;
    pop_mbox_lock lock;
    char *names; /* memory of the directory's name and the lock's */
    int no_dot_lock;
    int name_synced; /* the directory has the file's name for good */
};

/* ---- append ---- */

/* Begins a new line, and leaves an empty one, after whatever is at the end of the file. */
static int write_joint(const popcl_store_mbox *s, int fd, uint64_t size, uint64_t *written,
                       const char **call) {
    const pop_disk *disk = &s->lock.disk;
    const char *line_end = s->config.line_end;
    char last[3] = "";
    size_t n = size < sizeof last ? (size_t)size : sizeof last;
    if (n == 0) return 0;
    *call = "pread";
    if (pop_file_read_exactly(disk, fd, last, n, size - n) < 0) return -1;
    const char *p = last + n;
    int lines = 0; /* line ends at the end */
    while (lines < 2 && p > last && p[-1] == '\n') {
        p--;
        if (p > last && p[-1] == '\r') p--;
        lines++;
    }
    *call = "write";
    for (; lines < 2; lines++)
        if (pop_file_append(disk, fd, line_end, strlen(line_end), written) < 0) return -1;
    return 0;
}

/* Cuts the file back to its size. If its size is not what this store wrote, another program has
 * written too, and nothing is cut. */
static void take_back(const popcl_store_mbox *s, int fd, uint64_t size, uint64_t written) {
    const pop_disk *disk = &s->lock.disk;
    struct stat st;
    if (written == 0 || pop_file_stat(disk, fd, &st) < 0) return;
    if ((uint64_t)st.st_size != size + written) return;
    if (pop_file_truncate(disk, fd, size) == 0) (void)pop_file_sync(disk, fd);
}

/* Syncs the directory once: this run may have made the file, or one that was killed. */
static int sync_name(popcl_store_mbox *s) {
    if (s->name_synced) return 0;
    if (pop_file_sync_directory(&s->lock.disk, s->lock.dir) < 0) return -1;
    s->name_synced = 1;
    return 0;
}

static int append_group(popcl_store_mbox *s, int fd, const char **call) {
    const pop_disk *disk = &s->lock.disk;
    struct stat st;
    uint64_t written = 0;
    *call = "fstat";
    if (pop_file_stat(disk, fd, &st) < 0) return -1;
    uint64_t size = (uint64_t)st.st_size;
    int r = write_joint(s, fd, size, &written, call);
    if (r == 0) r = pop_spool_copy(&s->spooled.spool, fd, &written, call);
    if (r == 0) {
        *call = "fsync";
        r = pop_file_sync(disk, fd) < 0 ? -1 : sync_name(s);
    }
    if (r == 0) return 0;
    int error = errno;
    take_back(s, fd, size, written);
    errno = error;
    return -1;
}

/* ---- the sink ---- */

static int mbox_commit(void *ctx) {
    popcl_store_mbox *s = ctx;
    int r = pop_spooled_end(&s->spooled);
    return r < 0 ? r : POPCL_STAGED;
}

/* Returns how long to wait for locks. */
static uint32_t wait_of(const popcl_store_mbox *s) {
    uint32_t total_ms = s->config.total_ms, wait_ms = s->config.lock_ms;
    if (!total_ms) return wait_ms;
    uint64_t passed = pop_process_now_ms() - s->opened_ms;
    uint32_t left = passed < total_ms ? total_ms - (uint32_t)passed : 0;
    return wait_ms < left ? wait_ms : left;
}

/* A close that fails is no failure: fsync has reported everything before. */
static int mbox_sync(void *ctx) {
    popcl_store_mbox *s = ctx;
    const char *call;
    if (s->spooled.broken) return POPCL_SINK_STOP;
    if (s->spooled.spool.whole == 0) return 0;
    int fd = pop_mbox_lock_take(&s->lock, wait_of(s), s->config.stop, &call);
    if (fd < 0) return pop_spooled_break(&s->spooled, call);
    int r = append_group(s, fd, &call);
    int error = errno;
    pop_mbox_lock_give(&s->lock);
    errno = error;
    if (r < 0) return pop_spooled_break(&s->spooled, call);
    if (s->spooled.is_open) { /* it cannot go on without its beginning */
        errno = EBUSY;
        (void)pop_spooled_fail(&s->spooled, "write");
    }
    pop_spool_drop(&s->spooled.spool);
    return 0;
}

const popcl_sink popcl_store_mbox_sink = {
    .begin = pop_spooled_begin,
    .data = pop_spooled_data,
    .commit = mbox_commit,
    .sync = mbox_sync,
    .abort = pop_spooled_abort,
};

/* ---- open and close ---- */

/* Splits the path into directory and name, and makes the name of the dot lock. */
static int split_path(popcl_store_mbox *s, const char **directory) {
    const char *path = s->config.path, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t dir_len = slash ? (size_t)(name - path) : 1, name_len = strlen(name);
    s->names = malloc(dir_len + 1 + name_len + sizeof ".lock");
    if (!s->names) return -1;
    memcpy(s->names, slash ? path : ".", dir_len);
    s->names[dir_len] = '\0';
    char *dot_name = s->names + dir_len + 1;
    memcpy(dot_name, name, name_len);
    memcpy(dot_name + name_len, ".lock", sizeof ".lock");
    *directory = s->names;
    s->lock.name = name;
    s->lock.dot_name = dot_name;
    return 0;
}

/* Proves that the file can be written. That another program has a lock now is no reason to wait. */
static int try_mbox(popcl_store_mbox *s, const char **call) {
    if (pop_mbox_lock_take(&s->lock, 0, NULL, call) < 0) return errno == ETIMEDOUT ? 0 : -1;
    s->no_dot_lock = s->lock.no_dot_lock;
    pop_mbox_lock_give(&s->lock);
    return 0;
}

static int mbox_prepare(popcl_store_mbox *s) {
    const char *directory, *call;
    if (split_path(s, &directory) < 0) return -1;
    s->lock.dir = pop_file_open(&s->lock.disk, AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0);
    if (s->lock.dir < 0 || try_mbox(s, &call) < 0) return -1;
    return pop_spooled_open(&s->spooled, directory, s->config.line_end);
}

popcl_store_mbox *popcl_store_mbox_open(const popcl_store_mbox_config *config,
                                        const popcl_disk *disk, void *sys) {
    popcl_store_mbox *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->config = *config;
    s->opened_ms = pop_process_now_ms();
    s->lock.disk.calls = disk ? disk : &popcl_posix_disk;
    s->lock.disk.sys = sys;
    s->lock.dir = s->lock.fd = -1;
    s->spooled.spool.place.disk = s->lock.disk;
    s->spooled.spool.place.dir = s->spooled.spool.file.fd = -1;
    if (mbox_prepare(s) == 0) return s;
    int error = errno;
    popcl_store_mbox_close(s);
    errno = error;
    return NULL;
}

int popcl_store_mbox_error(const popcl_store_mbox *s, const char **call) {
    if (call) *call = s->spooled.call;
    return s->spooled.error;
}

int64_t popcl_store_mbox_held_s(const popcl_store_mbox *s) { return s->lock.held_s; }

int popcl_store_mbox_has_replaced(const popcl_store_mbox *s) { return s->lock.has_replaced; }

int popcl_store_mbox_no_dot_lock(const popcl_store_mbox *s) { return s->no_dot_lock; }

void popcl_store_mbox_close(popcl_store_mbox *s) {
    if (!s) return;
    pop_spooled_close(&s->spooled);
    pop_mbox_lock_give(&s->lock);
    if (s->lock.dir >= 0) (void)pop_file_close(&s->lock.disk, s->lock.dir);
    free(s->names);
    free(s);
}
