/* SPDX-License-Identifier: MIT */
/* recordfile - the file that holds an account's record between runs: where it is, whether it is
 * believed, that one run at a time has it, and that a reader finds the old one or the new one
 * whole. It knows no message and no way to say anything; what is worth saying stands in its fields.
 *
 *     open    finds the directory: $XDG_STATE_HOME/popcl, else $HOME/.local/state/popcl, else
 *             .popcl in the directory of the messages, else .popcl-UID there
 *     lock    one run an account at a time
 *     load    the file, if it can be believed and is whole
 *     pass    saves in the middle of a run, from time to time
 *     save    saves at the end
 *     close
 *
 * A kill costs at most what was stored since the last save: those messages are then fetched a
 * second time. */
#ifndef POPCL_CMD_RECORDFILE_H
#define POPCL_CMD_RECORDFILE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files.h"
#include "record.h"

#define CMD_SAVE_MS       10000u /* a pass saves after so long, */
#define CMD_SAVE_MESSAGES 64u    /* or once so many messages are unsaved, and an eighth of all */

typedef struct cmd_record_file {
    cmd_record record;
    /* to be said */
    const char *fell_back; /* the variable whose directory could not be used; NULL: none */
    int fell_back_errno;   /* why */
    int distrusted;        /* 1: path, or the file in it, is another user's, or others may write it:
                              it is not believed */
    int damaged;           /* 1: the file was, and is kept aside as NAME.damaged */
    int taken;             /* 1: it has the form of version 0.1.0 */
    int failed_errno;      /* a call returned an exit code: why, and */
    const char *failed_call; /* in what */
    char path[1024];         /* of the directory */
    char name[33];           /* of the file */
    /* private */
    int dir; /* -1: nothing is read or kept */
    int writes;
    uid_t owner; /* whose files count as this user's too, where this user is root */
    uint32_t saved_ms;
    tool_lock lock;
    char second[33]; /* the file of port 995, before 110 and 995 became one account; "": none */
    char lock_name[40];
} cmd_record_file;

/* Finds the directory and names the file: one for each user, host and port, where 995 counts as
 * 110. writes: a missing directory is made, mode 0700. out_dir may be NULL. Returns 0, or exit code
 * 73 or 74 with failed_* set. An XDG_STATE_HOME that cannot be used is an error; a HOME that cannot
 * (a service's) is passed over. */
int cmd_record_file_open(cmd_record_file *f, const char *user, size_t user_len, const char *host,
                         uint16_t port, const char *out_dir, int writes);

/* Takes the lock; waits at most wait_ms for another run. See tool_lock_take; f->lock says who has
 * it, or why it cannot be. Where nothing is kept there is nothing to lock. */
tool_locked cmd_record_file_lock(cmd_record_file *f, const char *text, uint32_t wait_ms,
                                 const volatile sig_atomic_t *stop);

/* Returns 0, or an exit code with failed_* set. */
int cmd_record_file_load(cmd_record_file *f);

/* Saves if it is time to. */
void cmd_record_file_pass(cmd_record_file *f, uint32_t now_ms);

/* Saves what changed. Returns 0, or an exit code with failed_* set. */
int cmd_record_file_save(cmd_record_file *f);

/* Frees, and gives the lock back. A zeroed object is fine. */
void cmd_record_file_close(cmd_record_file *f);

#endif
