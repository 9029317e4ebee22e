/* SPDX-License-Identifier: MIT */
/* recordfile - the file with an account's record between runs: its place, whether it is believed,
 * and its lock, which one run at a time has. A reader finds the old file or the new one whole. It
 * knows no message and prints nothing; facts to report are in its fields.
 *
 *     open    finds the directory: $XDG_STATE_HOME/popcl, else $HOME/.local/state/popcl, else
 *             .popcl in the directory of the messages, else .popcl-UID there; or takes the one of
 *             --state
 *     lock    one run an account at a time
 *     load    the file, if it can be believed and is whole
 *     pass    saves in the middle of a run, from time to time
 *     save    saves at the end
 *     close
 *
 * A kill costs at most the messages that were stored since the last save: they are then fetched a
 * second time. */
#ifndef POPCL_CMD_RECORDFILE_H
#define POPCL_CMD_RECORDFILE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files.h"
#include "record.h"

#define CMD_SAVE_MS       10000u /* milliseconds after which a pass saves, */
#define CMD_SAVE_MESSAGES 64u    /* or so many unsaved messages, if they are an eighth of all */

#define CMD_RECORD_NAME_MAX 200u /* octets of a file's name; the temporary's is longer */

typedef struct cmd_record_file {
    cmd_record record;
    /* facts to report */
    const char *fell_back; /* the variable whose directory could not be used; NULL = none failed */
    int fell_back_errno;   /* why */
    int distrusted; /* 1 = path, or the file in it, is another user's, or others may write it: it is
                       not believed */
    int damaged;    /* 1 = the file was damaged, and is kept aside as NAME.damaged */
    int taken;      /* 1 = it has the form of version 0.1.0 */
    int foreign;    /* the file of --state: 1 = another account's record, 2 = no record at all */
    uint64_t saved_at;       /* when the file was written, in seconds since 1970; 0 = not there */
    int failed_errno;        /* after a call that returned an exit code: errno, */
    const char *failed_call; /* and the call */
    char path[1024];         /* of the directory */
    char name[CMD_RECORD_NAME_MAX + 1]; /* of the file */
    /* private */
    int is_given; /* 1 = it is the file of --state */
    uint64_t account;
    int dir; /* -1 = the record is neither read nor kept */
    int writes;
    uid_t owner; /* the user whose files count as this user's too, if this user is root */
    uint32_t saved_ms;
    tool_lock lock;
    char second[33]; /* the file of port 995, before 110 and 995 became one account; "" = no such
                        file */
    char lock_name[CMD_RECORD_NAME_MAX + 6];
} cmd_record_file;

/* Finds the directory and names the file: one for each user, host and port; 995 counts as 110.
 * writes: a missing directory is made, mode 0700. out_dir may be NULL. Returns 0, or exit code 73
 * or 74 with failed_* set. An XDG_STATE_HOME that cannot be used is an error; a HOME that cannot (a
 * service's) is passed over. */
int cmd_record_file_open(cmd_record_file *f, const char *user, size_t user_len, const char *host,
                         uint16_t port, const char *out_dir, int writes);

/* The same with a file of the user's choice, in a directory that exists. */
int cmd_record_file_open_given(cmd_record_file *f, const char *user, size_t user_len,
                               const char *host, uint16_t port, const char *file, int writes);

/* Takes the lock; waits at most wait_ms for another run. See tool_lock_take; f->lock has the
 * holder, or why there can be no lock. If nothing is kept, there is nothing to lock. */
tool_locked cmd_record_file_lock(cmd_record_file *f, const char *text, uint32_t wait_ms,
                                 const volatile sig_atomic_t *stop);

/* Returns 0, or an exit code with failed_* set. A given file that is foreign is 78, without
 * failed_*. */
int cmd_record_file_load(cmd_record_file *f);

/* Saves if it is time to. */
void cmd_record_file_pass(cmd_record_file *f, uint32_t now_ms);

/* Saves the changes. Returns 0, or an exit code with failed_* set. */
int cmd_record_file_save(cmd_record_file *f);

/* Frees, and gives the lock back. A zeroed object is fine. */
void cmd_record_file_close(cmd_record_file *f);

#endif
