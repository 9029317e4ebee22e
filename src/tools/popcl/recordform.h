/* SPDX-License-Identifier: MIT */
/* recordform - the bytes of a saved record, and of one that version 0.1.0 saved. It knows no file:
 * bytes go and come by callbacks.
 *
 *     "PRC2"   entries (4)   key (16)   old key 0 (16)   old key 1 (16)   no_uidl (1)
 *     one_at_a_time (7 bits), told_expire (1 bit, the high one)   delay_s (2)   delayed_at (4)
 *     an entry: hash (8)   size (6; all ones: unknown)   day (2)   state (1)   flags (1)
 *               tries (1)
 *     one more entry, the first, if account or clock is known: account (8)   doubted_at (6)
 *               seen_day (2)   "stored"   flags that no message has   0 (1)
 *     SipHash-2-4 over all before, under a key of zeros (8)
 *
 * An earlier program takes the entry of account and clock for a message that is gone, and forgets
 * it. Numbers are big-endian. The checksum detects damage, not tampering: a file is believed for
 * its place (recordfile.h). */
#ifndef POPCL_CMD_RECORDFORM_H
#define POPCL_CMD_RECORDFORM_H

#include "record.h"

/* Bytes of a record; account and clock count as one entry. */
#define CMD_SAVED_LEN(entries) (72u + (uint64_t)(entries)*19u)

#define CMD_PIECE_MAX 1216u

/* Writes the record through put, in pieces of CMD_PIECE_MAX bytes at most. put returns 0, or
 * another value, which ends it and is returned. */
int cmd_record_save(const cmd_record *r, int (*put)(void *ctx, const void *p, size_t n), void *ctx);

typedef enum cmd_loaded {
    CMD_LOADED,
    CMD_LOADED_OLD,  /* it has the form of version 0.1.0 */
    CMD_DAMAGED,     /* the record is unchanged */
    CMD_NO_RECORD,   /* the same, and the first bytes are not those of a record */
    CMD_LOAD_NO_ROOM /* there is no memory; the record is unchanged */
} cmd_loaded;

/* Reads a saved record of len bytes, and no byte after it. One of this version must come into an
 * empty record, which gets its key. One of version 0.1.0 is added to the record. get fills p with
 * exactly n bytes and returns 0, or another value if it cannot. Memory is bounded by the bytes that
 * get gives. */
cmd_loaded cmd_record_load(cmd_record *r, uint64_t len, int (*get)(void *ctx, void *p, size_t n),
                           void *ctx);

#endif
