/* SPDX-License-Identifier: MIT */
/* trust - the certificates and keys that the device trusts: the newest of two signed sets in flash
 * and the one that is compiled in. A new set comes as an attachment of a message (letter.h), or as
 * a file. docs/TRUST.md has the procedures for who signs it.
 *
 * A set that comes is judged by its signed header before a sector is erased. So nobody but the
 * signers can wear the flash, and a server that repeats their header not more than a few times a
 * day. That count is kept in the slot itself, and so it survives a restart. The set is written to
 * the slot that is not in use, and used once it was read again and is whole. After a loss of power
 * at any moment the old set is there, or the new one.
 *
 * The largest `floor`, and the keys that were ever retired, are kept beside the slots. So an old
 * set stays out also if the newer one is damaged. */
#ifndef TRUST_H
#define TRUST_H

#include "popcl_tls.h"

extern const popcl_trust ca_trust; /* compiled in; popcl-ta gen makes it */

#ifdef SIGNERS

/* Judges what is in flash, and reports it. `profile` is that of TLS. */
void trust_start(const popcl_tls_profile *profile);

/* Returns the trust for a session. It does not change in the handshake, since no message comes
 * before. It has neither anchors nor pins if nothing may be trusted. utc_s: the time, by which a
 * set that is stale is reported. */
const popcl_trust *trust_now(int64_t utc_s);

/* The poll ended with e. If the flash failed in it, the slots are judged again. */
void trust_concludes(popcl_err e);

/* A message: its begin, its octets, and its end. It is looked through for a set. is_whole: the
 * message was not cut off. trust_end returns nonzero if the message has to come again: the flash
 * failed, or the clock is before the day of the set. */
void trust_begin(void);
void trust_octets(const void *p, size_t n);
int trust_end(int is_whole);

#else
/* An image without signers trusts what is compiled in. */
static inline void trust_start(const popcl_tls_profile *profile) { (void)profile; }
static inline const popcl_trust *trust_now(int64_t utc_s) { return (void)utc_s, &ca_trust; }
static inline void trust_concludes(popcl_err e) { (void)e; }
static inline void trust_begin(void) {}
static inline void trust_octets(const void *p, size_t n) { (void)p, (void)n; }
static inline int trust_end(int is_whole) { return (void)is_whole, 0; }
#endif

#endif
