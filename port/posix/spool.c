/* SPDX-License-Identifier: MIT */
/* spool - see spool.h. */
#define _POSIX_C_SOURCE 200809L
#include "spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static int spool_fail(const char **call, const char *which) {
    *call = which;
    return -1;
}

/* Makes the file. If the file system cannot make one without a name, its name is removed at
 * once. */
static int spool_create(pop_spool *s, const char **call) {
    if (pop_store_file_create(&s->place, &s->file, call) < 0) {
        if (s->place.no_unnamed) return -1;
        s->place.no_unnamed = 1;
        if (pop_store_file_create(&s->place, &s->file, call) < 0) return -1;
    }
    if (s->file.temporary[0]) {
        if (pop_file_remove(&s->place.disk, s->place.dir, s->file.temporary) < 0) {
            int error = errno;
            pop_spool_drop(s);
            errno = error;
            return spool_fail(call, "unlink");
        }
        s->file.temporary[0] = '\0';
    }
    s->whole = s->end = 0;
    return 0;
}

static int try_directory(pop_spool *s, const char *path, const char **call) {
    s->place.no_unnamed = 0;
    s->place.dir = pop_file_open(&s->place.disk, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (s->place.dir < 0) return spool_fail(call, "open");
    if (spool_create(s, call) == 0) return 0;
    int error = errno;
    pop_spool_close(s);
    errno = error;
    return -1;
}

int pop_spool_open(pop_spool *s, const char *directory, const char **call) {
    static const pop_store_layout layout = {.temporary = "", .final = "", .tail = ""};
    s->place.layout = &layout;
    s->place.dir = s->file.fd = -1;
    if (directory && try_directory(s, directory, call) == 0) return 0;
    const char *temporary = getenv("TMPDIR");
    return try_directory(s, temporary && *temporary ? temporary : "/tmp", call);
}

int pop_spool_begin(pop_spool *s, const char **call) {
    pop_spool_back(s);
    return s->file.fd >= 0 ? 0 : spool_create(s, call);
}

static int spool_flush(pop_spool *s, const char **call) {
    if (pop_file_write_at(&s->place.disk, s->file.fd, s->buffer, s->buffered, s->end) < 0)
        return spool_fail(call, "write");
    s->end += s->buffered;
    s->buffered = 0;
    return 0;
}

int pop_spool_add(pop_spool *s, const void *p, size_t n, const char **call) {
    const unsigned char *from = p;
    for (size_t part; n > 0; from += part, n -= part) {
        part = n < POP_SPOOL_BUFFER - s->buffered ? n : POP_SPOOL_BUFFER - s->buffered;
        memcpy(s->buffer + s->buffered, from, part);
        s->buffered += part;
        if (s->buffered == POP_SPOOL_BUFFER && spool_flush(s, call) < 0) return -1;
    }
    return 0;
}

int pop_spool_keep(pop_spool *s, const char **call) {
    if (spool_flush(s, call) < 0) return -1;
    s->whole = s->end;
    return 0;
}

void pop_spool_back(pop_spool *s) {
    s->end = s->whole;
    s->buffered = 0;
}

/* The buffer is empty: no message is open that was not dropped. */
int pop_spool_copy(pop_spool *s, int fd, uint64_t *written, const char **call) {
    const pop_disk *disk = &s->place.disk;
    for (uint64_t at = 0; at < s->whole;) {
        size_t n = s->whole - at < POP_SPOOL_BUFFER ? (size_t)(s->whole - at) : POP_SPOOL_BUFFER;
        int r = pop_file_read_exactly(disk, s->file.fd, s->buffer, n, at);
        if (r == 0) errno = EIO; /* octets that were written are gone */
        if (r <= 0) return spool_fail(call, "pread");
        if (pop_file_append(disk, fd, s->buffer, n, written) < 0) return spool_fail(call, "write");
        at += n;
    }
    return 0;
}

void pop_spool_drop(pop_spool *s) {
    pop_store_file_drop(&s->place, &s->file);
    s->whole = s->end = 0;
    s->buffered = 0;
}

void pop_spool_close(pop_spool *s) {
    pop_spool_drop(s);
    if (s->place.dir >= 0) (void)pop_file_close(&s->place.disk, s->place.dir);
    s->place.dir = -1;
}
