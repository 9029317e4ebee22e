/* SPDX-License-Identifier: MIT */
/* output - files that appear whole or not at all, and standard output. Knows nothing of
 * certificates. */
#ifndef POPCL_TA_OUTPUT_H
#define POPCL_TA_OUTPUT_H

#include <stddef.h>

#include "files.h"

/* One file that is to be written: filled by the caller, name NULL: standard output. */
typedef struct ta_file {
    const char *name;
    const char *text;
    size_t len;
    char *target; /* private, and so are these */
    int dir;      /* the target's */
    tool_new file;
} ta_file;

typedef enum ta_written { TA_WRITTEN, TA_CANNOT_CREATE, TA_CANNOT_WRITE } ta_written;

/* Writes all of them: each under a temporary name beside its target and synced, and only when all
 * are there do they get their names. On failure, and when a signal ends the program, the old files
 * stand unchanged and no temporary is left; what a kill leaves is removed by the next call. A
 * target that is no regular file (a device, a pipe), or the one that standard output goes to, is
 * written directly; a link is followed. After a failure errno tells why, and *which which. */
ta_written ta_write_files(ta_file *files, size_t count, const char **which);

#endif
