/* state - what earlier runs did, for one account, in a file: which UIDs were fetched, which were
 * refused for their size, which are stored but not surely deleted. It knows no POP3, no sink and no
 * way to tell people.
 *
 * What a run does to a UID is kept apart from what was known when it began, so that two messages
 * with one UID (or one header) in the same listing are both fetched, and a failure of either one
 * has both fetched again. The file holds marks of a run too, if that run was killed: loading turns
 * them into what is sure.
 *
 * The set is saved at the end of a run, and during it at most every CMD_STATE_SAVE_MS: a kill costs
 * at most the knowledge of that span, and its messages are then fetched a second time. Written to a
 * temporary file, synced, renamed, and the directory synced: a reader sees the old set or the new
 * one. Of two runs at one time the later save wins; what that forgets is fetched a second time. */
#ifndef POPCL_CMD_STATE_H
#define POPCL_CMD_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "popcl.h"
#include "popcl_seen.h"

#define CMD_STATE_SAVE_MS 10000u

/* What is known of a UID from before this run. */
#define CMD_KNOWN_FETCHED 1u /* stored durably */
/* larger than a limit that was not below the present one: not to be asked for */
#define CMD_KNOWN_REFUSED 2u
#define CMD_KNOWN_DUE     4u /* stored by a run with -d that got no word of its deletion */

/* What this run did to it. */
typedef enum cmd_event {
    CMD_STORED,
    CMD_STORED_DUE, /* stored, and to be deleted: a run with -d */
    CMD_FAILED,
    CMD_REFUSED, /* larger than the limit */
    CMD_MARKED,  /* the server took the DELE */
    CMD_EVENTS
} cmd_event;

typedef struct cmd_state {
    popcl_seen seen;
    uint64_t max_size; /* this run's limit; 0: none */
    int dir;           /* of the file; -1: nothing is read or kept */
    int writes;        /* 1: this run saves */
    int changed;       /* since the last save */
    int lost;          /* 1: there was no memory for a UID */
    int due;           /* 1: some UID is CMD_KNOWN_DUE */
    int damaged;       /* 1: the file was, and is kept aside as NAME.damaged; the set is empty */
    int failed_errno;  /* open or save failed: why, and */
    const char *failed_call; /* in what */
    uint32_t saved_ms;
    char name[33];   /* of the file */
    char path[1024]; /* of the directory, for people */
} cmd_state;

/* Finds the directory ($XDG_STATE_HOME/popcl, else $HOME/.local/state/popcl, else .popcl in
 * out_dir) and loads the account's file. writes: the directory is made if missing, mode 0700.
 * out_dir may be NULL. Returns 0, or the exit code 73 or 74, with failed_* set. An XDG_STATE_HOME
 * that cannot be used is an error, a HOME that cannot (a service's) is passed over. */
int cmd_state_open(cmd_state *s, const char *user, size_t user_len, const char *host, uint16_t port,
                   const char *out_dir, int writes);

/* CMD_KNOWN_* of a UID, or 0: as it was when the run began. */
unsigned cmd_state_known(const cmd_state *s, const char *uid, size_t len);

void cmd_state_note(cmd_state *s, const char *uid, size_t len, cmd_event event);

/* A UID says which message it is only while the server keeps to RFC 1939, 7: not to use it again,
 * nor twice. Before a message is deleted unfetched, on the word of an earlier run, its size is
 * asked as well. sized: this run gets a message of so many octets, to delete it; is_sized: an
 * earlier run did. A size is forgotten with a confirmed deletion, or after two listings: then the
 * message is fetched again. */
void cmd_state_sized(cmd_state *s, const char *uid, size_t len, uint64_t octets);
int cmd_state_is_sized(const cmd_state *s, const char *uid, size_t len, uint64_t octets);

/* Makes what is due fetched only: where a server cannot tell which message it is, the next run
 * fetches it again instead of ending like this. */
void cmd_state_forget_due(cmd_state *s);

/* See popcl_seen_listed. A UID that is named twice is no longer CMD_KNOWN_DUE. */
void cmd_state_listed(cmd_state *s, const char *uid, size_t len);

/* Saves if something changed and the last save is long enough ago. */
void cmd_state_pass(cmd_state *s, uint32_t now_ms);

/* The end of the session. confirmed: the server removed all that were marked. Saves; returns 0, or
 * the exit code 73 or 74. */
int cmd_state_end(cmd_state *s, int confirmed);

/* Frees. A zeroed state is fine. */
void cmd_state_close(cmd_state *s);

#endif
