/* SPDX-License-Identifier: MIT */
/* resume - the file of --resume: a session of TLS between two runs. It is as secret as the
 * password, and of less value. In doubt it is removed. A run that cannot read or write it fetches
 * mail all the same. It knows no session and no TLS. */
#ifndef POPCL_CMD_RESUME_H
#define POPCL_CMD_RESUME_H

#include "options.h"
#include "popcl_tls.h"
#include "report.h"

typedef struct cmd_resume {
    popcl_resumable kept; /* for popcl_tls.resume */
    /* private */
    const char *path,
        *name; /* path as given; NULL = without --resume. name: the part after its last slash */
    int dir;
    int is_there;                         /* 1 = there is a file, with */
    unsigned char blob[POPCL_RESUME_LEN]; /* these bytes in it */
} cmd_resume;

/* Reads the file. Returns 0 also if there is no file or it is damaged. A damaged one is reported
 * and put aside as FILE.damaged. Otherwise prints the reason and returns an exit code. It is 66 or
 * 78 if the file cannot or must not be used (its kind, owner or mode), 73 if none can be
 * created. */
int cmd_resume_open(cmd_resume *s, const cmd_options *o, cmd_report *r);

/* After the session. succeeded: the kept session may be written. A file with other bytes, or
 * without a session any more, is replaced or removed. Failures are warnings. */
void cmd_resume_end(cmd_resume *s, int succeeded, cmd_report *r);

/* Wipes it. A zeroed one is fine. */
void cmd_resume_close(cmd_resume *s);

#endif
