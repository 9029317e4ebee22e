/* SPDX-License-Identifier: MIT */
/* store_stream - a popcl sink that writes whole messages to a descriptor: see popcl_posix_pipe.h.
 * A message whose connection breaks is never written, so a reader takes no part for a whole. */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>

#include "popcl_posix_pipe.h"
#include "store_spooled.h"

struct popcl_store_stream {
    pop_spooled spooled; /* first: its functions get the store as context */
    int fd;
};

static int stream_commit(void *ctx) {
    popcl_store_stream *s = ctx;
    const char *call;
    uint64_t written = 0;
    int r = pop_spooled_end(&s->spooled);
    if (r < 0) return r;
    r = pop_spool_copy(&s->spooled.spool, s->fd, &written, &call);
    if (r < 0) r = pop_spooled_break(&s->spooled, call);
    pop_spool_drop(&s->spooled.spool);
    return r;
}

const popcl_sink popcl_store_stream_sink = {
    .begin = pop_spooled_begin,
    .data = pop_spooled_data,
    .commit = stream_commit,
    .abort = pop_spooled_abort,
};

popcl_store_stream *popcl_store_stream_open(int fd, const char *line_end, const popcl_disk *disk,
                                            void *sys) {
    popcl_store_stream *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->fd = fd;
    s->spooled.spool.place.disk.calls = disk ? disk : &popcl_posix_disk;
    s->spooled.spool.place.disk.sys = sys;
    if (pop_spooled_open(&s->spooled, NULL, line_end) == 0) return s;
    int error = errno;
    popcl_store_stream_close(s);
    errno = error;
    return NULL;
}

int popcl_store_stream_error(const popcl_store_stream *s, const char **call) {
    if (call) *call = s->spooled.call;
    return s->spooled.error;
}

void popcl_store_stream_close(popcl_store_stream *s) {
    if (!s) return;
    pop_spooled_close(&s->spooled);
    free(s);
}
