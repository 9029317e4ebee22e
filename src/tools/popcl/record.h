/* SPDX-License-Identifier: MIT */
/* record - the knowledge of runs about an account's messages: one state for each. It is memory and
 * rules alone: it knows no file, no clock and no session, and prints nothing.
 *
 *                 .------------- stored ------------.
 *                 |                                 v
 *     new -----stored-----------------------------> stored <--confirmed--.
 *      |  \----stored, deletion wanted--> due --DELE taken--> marked ----'
 *      |                                   ^------deletions void---'
 *      |-- over the size limit --> refused     asked for again if the limit is raised
 *      |-- not stored ----------> failed       fetched again
 *      |-- session broke inside-> last         fetched again, alone, after all others
 *      '-- --catch-up ----------> passed       counts as fetched, and is never deleted
 *     refused, failed, last, passed:  an event changes them as it changes a new message
 *     confirmed, or due and away from a complete listing:  later runs take a message of that name
 *                   for a new one: a server may give a UID again once its message is gone (RFC
 *                   1939, 7)
 *     stored --DELE taken--> marked:  deleted for its age or its place (--delete-after,
 *                   --keep-newest)
 *     every state:  forgotten (new) if two complete listings in a row did not name it
 *
 * A message has a name: its UID, or a name that the caller makes of its header if the server gives
 * no UID (CMD_HEADER_NAME). The record does not keep the name, but a keyed hash of 64 bits. A
 * stored message stays stored if a later run fails to fetch it again.
 *
 * Two messages of one listing may have one name. An event decides the state for later sessions.
 * Within its own session the name counts as new, so that each of them is fetched. If one of them
 * fails, both are fetched again. */
#ifndef POPCL_CMD_RECORD_H
#define POPCL_CMD_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define CMD_RECORD_KEY   16u /* bytes of a key */
#define CMD_OLD_KEYS     2u  /* records of version 0.1.0 that can be taken over at once */
#define CMD_LAST_NAME    70u
#define CMD_SIZE_UNKNOWN UINT64_MAX
#define CMD_HEADER_NAME  "header " /* starts a name that is no UID: a UID has no space */

typedef enum cmd_state {
    CMD_NEW, /* not in the record */
    CMD_STORED,
    CMD_DUE,     /* stored by a run with -d, and still to be deleted */
    CMD_MARKED,  /* due, and the server accepted the DELE; QUIT's answer is still to come */
    CMD_REFUSED, /* over the size limit */
    CMD_FAILED,
    CMD_LAST,   /* a session broke inside it */
    CMD_PASSED, /* never fetched, and not wanted: --catch-up */
    CMD_STATES
} cmd_state;

typedef enum cmd_event {
    CMD_ON_STORED,
    CMD_ON_STORED_DUE, /* stored, and to be deleted: a run with -d */
    CMD_ON_MARKED,     /* the server accepted the DELE */
    CMD_ON_REFUSED,    /* over the size limit */
    CMD_ON_FAILED,
    CMD_ON_BROKEN, /* the session broke inside it */
    CMD_ON_LEFT,   /* the session ended before it was tried */
    CMD_ON_TWICE,  /* one listing named it twice */
    CMD_ON_PASSED, /* it is to count as fetched: --catch-up */
    CMD_EVENTS
} cmd_event;

/* The facts that are kept of a message. Read only. */
typedef struct cmd_entry {
    uint64_t hash; /* of the name */
    uint64_t size; /* octets by LIST, when it was stored; of a refused one, the limit, or 0 if it
                      was refused for its age; or CMD_SIZE_UNKNOWN */
    uint16_t day;  /* when it was stored first, in days since 1970; of one that was refused for its
                      age, its Date; 0 = not known */
    uint8_t state; /* cmd_state, never CMD_NEW */
    uint8_t flags; /* CMD_ENTRY_* */
    uint8_t live;  /* CMD_LIVE_* */
    uint8_t tries; /* sessions that broke inside it, up to 255 */
} cmd_entry;

/* These are saved. */
#define CMD_ENTRY_MISSED    0x01u /* the last complete listing did not name it */
#define CMD_ENTRY_HEADER    0x02u /* its name is no UID */
#define CMD_ENTRY_TAKEN     0x04u /* taken over from version 0.1.0, which kept no sizes */
#define CMD_ENTRY_OLD       0x08u /* not yet taken over: the hash is by old key 0, */
#define CMD_ENTRY_OLD_OTHER 0x10u /* or, with this bit too, by old key 1 */
#define CMD_ENTRY_GONE                                                                             \
    0x20u /* it was stored, and then its deletion was confirmed, or it was due and away from a     \
             complete listing */

#define CMD_ENTRY_AWAY                                                                             \
    0x80u /* it was stored, and away from a complete listing. It may be another message now: it    \
             does not go for its age or its place */

#define CMD_ENTRY_UNSURE                                                                           \
    0x40u /* the session that stored it ended before it was known that no reply was missing. It    \
             may be another message, and counts as new */

/* These are not. */
#define CMD_LIVE_NAMED 0x01u /* this session's listing named it, or it had an event */
#define CMD_LIVE_TWICE 0x02u /* the listing named it more than once */
#define CMD_LIVE_TOLD  0x04u /* this session had an event for it */
#define CMD_LIVE_RUN   0x08u /* this run stored it, or deleted it */
#define CMD_LIVE_BROKE 0x10u /* a session of this run broke inside it */
#define CMD_LIVE_TRIED 0x20u /* this run tried it alone */
#define CMD_LIVE_OTHER 0x40u /* this session does not ask for it */

typedef struct cmd_record {
    cmd_entry *slots;  /* private: a table; state CMD_NEW = free */
    size_t room, used; /* slots of the table; entries */
    unsigned char key[CMD_RECORD_KEY];
    unsigned char old_keys[CMD_OLD_KEYS][CMD_RECORD_KEY];
    size_t old;      /* entries that are CMD_ENTRY_OLD */
    size_t unsaved;  /* messages stored, */
    int changed;     /* and 1 = anything changed, since the owner last set both to 0 */
    uint8_t no_uidl; /* runs in a row in which the server refused UIDL; the owner counts them */
    uint8_t one_at_a_time; /* runs that still send one command at a time; the owner counts them, up
                              to 127 */
    uint8_t told_expire;   /* the owner has reported EXPIRE 0 */
    uint16_t delay_s;      /* private: cmd_record_delay, at most an hour */
    uint32_t delayed_at;   /* private: the same */
    uint64_t account;      /* the owner sets it: a number of the account; 0 = not known */
    uint64_t doubted_at;   /* when a clock in doubt was seen first, in seconds since 1970; 0 = there
                              is no doubt */
    uint16_t seen_day;     /* the last day of a clock that was not in doubt; 0 = not known */
    uint16_t today;        /* the day of this run; 0 = not known, or the clock is in doubt */
    uint8_t unsure;        /* the owner sets it: a message stored now is CMD_ENTRY_UNSURE */
    uint8_t no_memory;     /* 1 = an entry could not be added */
    uint8_t last_len;      /* private: the name that was hashed last (0 = none yet), */
    char last_name[CMD_LAST_NAME];
    uint64_t last_hash; /* and its hash */
} cmd_record;

/* Makes an empty record. It takes no memory before the first entry. */
void cmd_record_init(cmd_record *r, const unsigned char key[CMD_RECORD_KEY]);

/* Frees its memory. A zeroed record is fine. */
void cmd_record_free(cmd_record *r);

/* Begins a run at `now`, in seconds since 1970, and sets today. The clock is in doubt if it is
 * before the last day of the record, or over 30 days after it. Then today stays 0 until a later run
 * sees the same doubt, at least a day after the first one. If one is before and the other after,
 * the later one is a first one again. A stored message without a day gets today. A day that is
 * still to come becomes today. */
void cmd_record_see_clock(cmd_record *r, uint64_t now);

/* Begins a session. */
void cmd_record_begin(cmd_record *r);

/* Returns the entry of a name, or NULL. Valid until the next call, except of state and deferred.
 * Takes over an entry of version 0.1.0. */
const cmd_entry *cmd_record_find(cmd_record *r, const char *name, size_t len);

/* Returns the state of an entry (NULL = no entry) in this session. It is CMD_NEW once the entry had
 * an event, if it is unsure, and if an earlier run deleted the message. It is CMD_DUE if an earlier
 * session marked it. */
cmd_state cmd_record_state(const cmd_entry *e);

/* Returns whether every other message comes before this one. */
int cmd_record_is_deferred(const cmd_entry *e);

/* Notes an event of a message. number: LIST's size; with CMD_ON_REFUSED the limit. A name of 0
 * octets is ignored. The only writer of a state. */
void cmd_record_note(cmd_record *r, const char *name, size_t len, cmd_event event, uint64_t number,
                     uint16_t day);

/* Notes that a message is too old to be fetched: its Date has this day. An earlier version takes it
 * for one that a lower size limit refused, and so for a new one. */
void cmd_record_note_old(cmd_record *r, const char *name, size_t len, uint16_t day);

/* Returns the day of a message that was too old, in days since 1970; 0 = the entry is another one,
 * or NULL. */
uint16_t cmd_record_old_day(const cmd_entry *e);

/* The session does not ask for this message, even if it is deferred. */
void cmd_record_leave_out(cmd_record *r, const char *name, size_t len);

/* Notes a message that was refused for its size, and then broke the session. It stays refused, and
 * comes last in this run; its tries are for the next runs. Returns 0 if it is not refused. */
int cmd_record_defer(cmd_record *r, const char *name, size_t len);

/* Notes a message of this session's listing. NULL is the listing's complete end: names that two
 * complete listings in a row did not have are forgotten. A listing without names has no such
 * end. */
void cmd_record_listed(cmd_record *r, const char *name, size_t len);

/* Gives an entry of version 0.1.0 without a size the one that LIST has now. */
void cmd_record_see_size(cmd_record *r, const char *name, size_t len, uint64_t size);

/* The same for a stored message with a UID, if the listing has that UID once so far. Its age counts
 * from today. */
void cmd_record_start_age(cmd_record *r, const char *name, size_t len, uint64_t size);

/* Returns whether a message with LIST's size `size` may be deleted unfetched for its age or its
 * place. An earlier session stored it, LIST's size is the same, and nothing makes it doubtful. */
int cmd_record_may_go(const cmd_entry *e, uint64_t size);

/* Returns whether a message was stored `days` or more ago. No message was, if the clock is in
 * doubt. */
int cmd_record_is_old(const cmd_record *r, const cmd_entry *e, unsigned days);

/* Forgets a message; name NULL: all messages. Returns the number of entries that were there. */
size_t cmd_record_forget(cmd_record *r, const char *name, size_t len);

/* Walks over all entries, in no order: begin with *at = 0. Returns NULL at the end. */
const cmd_entry *cmd_record_next(const cmd_record *r, size_t *at);

/* Returns a deferred message that this session's listing named and that this run has not yet tried
 * alone. It is the one with the fewest tries; NULL = no message is left. */
const cmd_entry *cmd_record_pick(const cmd_record *r);

/* Returns how many messages of this session's listing broke a session, and are not stored yet. */
size_t cmd_record_left(const cmd_record *r);

/* The message of this hash is tried alone. */
void cmd_record_trying(cmd_record *r, uint64_t hash);

/* The end of the session's deletions: confirmed by QUIT's +OK, or void since QUIT was never sent.
 * Without a call they stay CMD_MARKED. */
void cmd_record_confirm(cmd_record *r, int confirmed);

/* No reply of the session is missing: the messages that it stored are sure. */
void cmd_record_is_sure(cmd_record *r);

/* The server refused a login at `now`, in seconds since 1970, and wants delay_s between logins; an
 * hour counts at most. 0 = it takes logins again, or gave no time. */
void cmd_record_delay(cmd_record *r, uint32_t delay_s, uint64_t now);

/* Returns the seconds until the server may take a login; 0 = now. A clock that was set back makes
 * no run wait. */
uint32_t cmd_record_delay_left(const cmd_record *r, uint64_t now);

/* Returns whether it knows messages by UIDs. */
int cmd_record_has_uids(const cmd_record *r);
/* Returns whether it knows a message by its header, which is a proof only with LIST's size. */
int cmd_record_has_headers(const cmd_record *r);
/* Returns whether a message is to be fetched again: it may have come empty. */
int cmd_record_has_failed(const cmd_record *r);
/* Returns whether a message without UID is deferred. */
int cmd_record_has_deferred_headers(const cmd_record *r);

/* Adds an entry as it was saved. If there is one with the same hash and key, the state that fetches
 * more and deletes less stays. Returns 0 if there is no memory. */
int cmd_record_put(cmd_record *r, const cmd_entry *e);

/* Returns the hash of a name under an old key: SHA-256 over key and name, cut. */
uint64_t cmd_record_old_hash(const unsigned char key[CMD_RECORD_KEY], const char *name, size_t len);

#endif
