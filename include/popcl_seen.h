/* SPDX-License-Identifier: MIT */
/* popcl_seen.h - a set of UIDs in fixed memory: "already fetched", for a device that polls. It
 * keeps no UID but a keyed hash of 64 bits (SipHash-2-4) and four marks for each.
 *
 * A hash that two UIDs share would make the second look seen: with n UIDs in the set, one new UID
 * is taken for an old one with a probability of n / 2^64; for 10,000 UIDs and 10,000 new ones a
 * year that is once in 180 billion years. The key keeps it so against a sender who chooses UIDs:
 * give 16 octets that others do not know (they are saved with the set). Without a source of
 * unpredictable octets any constant works against chance, not against such a sender.
 *
 * A set forgets a UID when the complete listings of two sessions in a row did not name it: call
 * popcl_seen_listed from popcl_fetch_config.listed. No call blocks or allocates. Only save, load
 * and each call back. A set belongs to one thread at a time. */
#ifndef POPCL_SEEN_H
#define POPCL_SEEN_H

#include "popcl_errors.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POPCL_SEEN_ENTRY 9u /* octets a UID */
/* memory for so many UIDs: one slot in eight stays free */
#define POPCL_SEEN_SIZE(uids) (((uids) + (uids) / 7u + 2u) * POPCL_SEEN_ENTRY)

/* Marks of a UID: what the names say, or the caller's own use. At least one is set for every UID in
 * the set. */
#define POPCL_SEEN_FETCHED 1u /* durable: do not fetch it again */
/* not fetched, and not to be asked for again under the same limits */
#define POPCL_SEEN_REFUSED    2u
#define POPCL_SEEN_DELETE_DUE 4u /* durable, and its deletion was wanted but is not confirmed */
#define POPCL_SEEN_OTHER      8u
#define POPCL_SEEN_MARKS      15u

typedef struct popcl_seen {
    unsigned char *memory; /* the caller's, until the set is no longer used */
    size_t slots;          /* entries that fit, used or not */
    size_t used;           /* UIDs in the set */
    unsigned char listing; /* private; 1: a listing named UIDs, and its end has not come */
    unsigned char key[16]; /* set by init and load only */
    uint64_t note;         /* the caller's own number, saved, loaded and moved with the set */
} popcl_seen;

/* An empty set in the caller's memory, POPCL_SEEN_SIZE octets, any alignment, note 0. ERR_ARGUMENT
 * if that is less than two entries, or NULL. */
popcl_err popcl_seen_init(popcl_seen *s, void *memory, size_t len, const unsigned char key[16]);

/* The marks of a UID, 0 if it is not in the set. A UID is one octet or more of any value; one
 * without octets is never in a set. */
unsigned popcl_seen_get(const popcl_seen *s, const char *uid, size_t uid_len);

/* Sets the marks of a UID, adding it if needed; 0 takes it out. ERR_SEEN_FULL: no room,
 * ERR_ARGUMENT: no octets or unknown marks; then the set is unchanged. A UID that is put counts as
 * named by the current listing. */
popcl_err popcl_seen_put(popcl_seen *s, const char *uid, size_t uid_len, unsigned marks);

/* For popcl_fetch_config.listed: a message of the current listing (a UID not in the set, or without
 * octets, is ignored); NULL at the listing's complete end, which forgets what two listings in a row
 * did not name. Where no end comes, nothing is forgotten sooner for it. */
void popcl_seen_listed(popcl_seen *s, const char *uid, size_t uid_len);

/* Asks f once for every UID in the set: it gets the UID's marks and returns its new ones; 0 takes
 * the UID out. Neither its age nor the note changes. For what is true of all UIDs at once: the
 * deletions of a session were confirmed, say. */
void popcl_seen_each(popcl_seen *s, unsigned (*f)(void *ctx, unsigned marks), void *ctx);

#define POPCL_SEEN_SAVED(uids) (40u + (uids)*POPCL_SEEN_ENTRY) /* octets that save writes */

/* Writes the set through put, in pieces of up to 64 octets: version, number of entries, key, note,
 * entries, a checksum of 64 bits. put returns 0, or another value to end it, which is told as
 * ERR_SINK. The set is not changed. */
popcl_err popcl_seen_save(const popcl_seen *s, int (*put)(void *ctx, const void *p, size_t n),
                          void *ctx);

/* Reads what save wrote into a set that init made, and takes its key, note and entries. What
 * version 0.1.0 wrote has hashes of another kind: it is ERR_SEEN_DAMAGED. get fills p
 * with exactly n octets (up to 64) and returns 0, or another value where so many are not left;
 * behind the end it is asked for one octet more, which there must not be. ERR_SEEN_DAMAGED, or
 * ERR_SEEN_FULL (whole, but the memory has no room for all): then the set is empty, with the key
 * that it had. */
popcl_err popcl_seen_load(popcl_seen *s, int (*get)(void *ctx, void *p, size_t n), void *ctx);

/* Copies every entry of `from`, and the note, to `to`, an empty set with the same key and other
 * memory: how a program with a heap grows one. ERR_ARGUMENT if `to` is not that; ERR_SEEN_FULL if
 * it has no room for all. Then `to` is unchanged. */
popcl_err popcl_seen_move(popcl_seen *to, const popcl_seen *from);

#ifdef __cplusplus
}
#endif
#endif
