/* SPDX-License-Identifier: MIT */
/* output - files that appear whole or not at all, and standard output. It knows nothing of
 * certificates. */
#ifndef POPCL_TA_OUTPUT_H
#define POPCL_TA_OUTPUT_H

#include <stddef.h>

#include "files.h"

/* One file to write, filled by the caller; name NULL = standard output. */
typedef struct ta_file {
    const char *name;
    const char *text;
    size_t len;
    char *target; /* private, as are the fields below */
    int dir;      /* of the target */
    tool_new file;
} ta_file;

typedef enum ta_written { TA_WRITTEN, TA_CANNOT_CREATE, TA_CANNOT_WRITE } ta_written;

/* Writes all of them. Each is written under a temporary name beside its target and synced; only
 * after that all get their names. After a failure, and if a signal ends the program, the old files
 * are unchanged and no temporary is left. The next call removes temporaries that a kill left.
 *
 * A target that is no regular file (a device, a pipe), or the one that standard output goes to, is
 * written directly. A link is followed. After a failure errno has the reason, and *which the
 * file. */
ta_written ta_write_files(ta_file *files, size_t count, const char **which);

#endif
