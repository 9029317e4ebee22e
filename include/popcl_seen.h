/* SPDX-License-Identifier: MIT */
/* popcl_seen.h - a set of UIDs in fixed memory: "already fetched", for a device that polls. For
 * each UID it keeps a keyed hash of 64 bits (SipHash-2-4) and five marks, never the UID itself.
 *
 * If two UIDs share a hash, the second one looks as if it was in the set. With n UIDs in the set,
 * this happens to one new UID with a probability of n / 2^64. For 10,000 UIDs and 10,000 new ones a
 * year that is once in 180 billion years.
 *
 * Some servers make UIDs from a header that the sender of the mail writes. A sender who knows the
 * key of the hash could choose UIDs that share a hash. So give a key of 16 bytes that others do not
 * know; it is saved with the set. Without a source of unpredictable bytes give any constant. Then
 * the probability above holds for chance alone, and not for UIDs that a sender chooses.
 *
 * A fetch job needs the set in three of its callbacks (popcl_fetch.h). decide answers POPCL_SKIP
 * for a UID that has the mark POPCL_SEEN_FETCHED. fate puts this mark for POPCL_STORED, and removes
 * the UID again for POPCL_NOT_MARKED with POPCL_ERR_BODY_EMPTY. listed calls popcl_seen_listed. If
 * popcl_diag.no_uids is 1, it does not do so for NULL: the listing does not show which messages are
 * gone. Save the set after the session.
 *
 * A set forgets a UID when the complete listings of two sessions in a row did not name it. No call
 * blocks or allocates. Only popcl_seen_save, _load and _each call back: these callbacks must not
 * use the set. A set belongs to one thread at a time. */
#ifndef POPCL_SEEN_H
#define POPCL_SEEN_H

#include "popcl_errors.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_SEEN_ENTRY 9u /* bytes for each UID */
/* bytes of memory for so many UIDs, and for slots that stay free: one for every 7 UIDs, and 2 more
 */
#define POPCL_SEEN_SIZE(uids) (((uids) + (uids) / 7u + 2u) * POPCL_SEEN_ENTRY)

/* Marks of a UID. At least one is set for every UID in the set. The caller gives OTHER a meaning.
 */
#define POPCL_SEEN_FETCHED 1u /* durable: do not fetch it again */
/* not fetched because of a limit of the caller, such as max_size: skip it until that limit changes
 */
#define POPCL_SEEN_REFUSED 2u
/* durable, and its deletion was wanted but is not confirmed. Answer POPCL_DELETE_UNFETCHED for it
 * only if LIST gives the size that the stored message has, and never because of a digest
 * (popcl_msg.uid). The set keeps no sizes */
#define POPCL_SEEN_DELETE_DUE 4u
#define POPCL_SEEN_OTHER      8u
/* The stored content may belong to another message. If popcl_diag.unsure is 1 when the callback
 * fate gets POPCL_STORED, set this mark together with POPCL_SEEN_FETCHED. popcl_seen_settle decides
 * about it at the session's end. Only sessions with a window (popcl_config.window) need it. */
#define POPCL_SEEN_UNSURE 64u
#define POPCL_SEEN_MARKS  79u /* all of them */

/* A set. Any field may be read; only note may be written. */
typedef struct popcl_seen {
    unsigned char *memory; /* the caller's, until the set is no longer used */
    size_t slots;          /* entries that fit, used or not */
    size_t used;           /* UIDs in the set */
    unsigned char listing; /* private; 1: a listing named UIDs, and its end has not come */
    unsigned char key[16]; /* set by init and load only */
    uint64_t note;         /* the caller's own number, saved, loaded and moved with the set */
} popcl_seen;

/* Makes an empty set, with note 0. `memory` has len bytes and any alignment, and is in use as long
 * as the set; POPCL_SEEN_SIZE gives the len for a number of UIDs. The key is copied. Returns
 * POPCL_OK, or ERR_ARGUMENT if memory or key is NULL, or if memory has room for less than two
 * entries. */
popcl_err popcl_seen_init(popcl_seen *s, void *memory, size_t len, const unsigned char key[16]);

/* Returns the marks of a UID, 0 if it is not in the set. A UID is one byte or more of any value; a
 * UID without bytes is never in a set. */
unsigned popcl_seen_get(const popcl_seen *s, const char *uid, size_t uid_len);

/* Sets the marks of a UID, and adds the UID if needed; 0 removes it. A UID that is put counts as
 * named by the current listing. Returns POPCL_OK, ERR_SEEN_FULL if there is no room, ERR_ARGUMENT
 * if the UID has no bytes or the marks are unknown. After an error the set is unchanged. */
popcl_err popcl_seen_put(popcl_seen *s, const char *uid, size_t uid_len, unsigned marks);

/* For popcl_fetch_config.listed, with the UID of m, or NULL if m is NULL: names a UID of the
 * current listing. A UID that is not in the set, or without bytes, is ignored. NULL is the end of a
 * complete listing: it removes the UIDs that two complete listings in a row did not name. Pass on
 * no NULL if popcl_diag.no_uids is 1.
 *
 * A listing whose NULL never comes is not complete: it removes no UID. The UIDs that it named may
 * stay in the set for one complete listing longer. */
void popcl_seen_listed(popcl_seen *s, const char *uid, size_t uid_len);

/* Calls f once for every UID in the set. f gets the UID's marks and returns its new ones; 0 removes
 * the UID, and unknown bits are ignored. Only marks change: not the note, nor a UID's count of
 * listings that did not name it. For a change to all UIDs at once, for example after the deletions
 * of a session were confirmed. */
void popcl_seen_each(popcl_seen *s, unsigned (*f)(void *ctx, unsigned marks), void *ctx);

/* Decides about every UID with POPCL_SEEN_UNSURE. If sure is 1, the UID loses this mark and keeps
 * the others. If sure is 0, the UID is removed, so that its message is fetched again. Call it after
 * each job, with sure = !popcl_diag.unsure. Call it with 0 after load: a set that was saved inside
 * a session may have such UIDs if a reset ended that session. Returns how many UIDs had the mark.
 * If there were any after load, give the next session no window. Without a window no UID is unsure,
 * so each session makes progress even if the power fails again. */
size_t popcl_seen_settle(popcl_seen *s, int sure);

#define POPCL_SEEN_SAVED(uids) (40u + (uids)*POPCL_SEEN_ENTRY) /* bytes that save writes */

/* Writes the set through put, in pieces of up to 64 bytes: version, number of entries, key, note,
 * entries, a checksum of 64 bits. put returns 0, or another value to end it: then save returns
 * ERR_SINK, otherwise POPCL_OK. The set is not changed. */
popcl_err popcl_seen_save(const popcl_seen *s, int (*put)(void *ctx, const void *p, size_t n),
                          void *ctx);

/* Reads a saved set into a set that init made, and takes its key, note and entries. get fills p
 * with exactly n bytes (up to 64) and returns 0, or another value if it cannot. After the last
 * byte, get is asked for one more. If get has one, the result is ERR_SEEN_DAMAGED.
 *
 * Returns POPCL_OK; ERR_SEEN_DAMAGED; or ERR_SEEN_FULL if the saved set is whole but the memory has
 * no room for all of it. After an error the set is empty: note is 0, and the key is still the one
 * that it had before. A set that was saved with hashes of another kind, before 0.1.0 was released,
 * is ERR_SEEN_DAMAGED. So is a read of the medium that failed: then load again, because with an
 * empty set all mail is fetched again. */
popcl_err popcl_seen_load(popcl_seen *s, int (*get)(void *ctx, void *p, size_t n), void *ctx);

/* Copies all entries and the note from one set to another. A program with a heap can enlarge a set
 * in this way. `to` is an empty set with the same key and other memory; if not, returns
 * ERR_ARGUMENT. Returns ERR_SEEN_FULL if it has no room for all. After an error `to` is unchanged.
 */
popcl_err popcl_seen_move(popcl_seen *to, const popcl_seen *from);

#ifdef __cplusplus
}
#endif
#endif
