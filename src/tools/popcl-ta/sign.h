/* SPDX-License-Identifier: MIT */
/* sign - the signature of a blob: made with a key or by a command, and checked. */
#ifndef POPCL_TA_SIGN_H
#define POPCL_TA_SIGN_H

#include "keyfile.h"
#include "options.h"

/* Signs a blob in memory, whose header is complete: with --key (the same octets each time, RFC
 * 6979) or --sign-with. The signature is checked with the key of --public, if given, before it is
 * put into the blob. Without a signer it does nothing. Returns TA_DONE, or what was reported. */
int ta_sign(unsigned char *blob, const ta_options *o);

/* Checks the signature of a blob of --verify, whose header is there, with the key of --public, else
 * with the public key of --key. Without either it does nothing. No command is run. path: the blob,
 * for messages. Returns TA_DONE, or what was reported: TA_DIFFERS if the key does not fit. */
int ta_check_signature(const unsigned char *blob, const ta_options *o, const char *path);

/* Puts a signature into a blob. Returns -1 if the number is not of the curve. */
int ta_sign_with_number(unsigned char *blob, const unsigned char number[32]);

/* Returns whether the signature of a blob, whose header is there, is by this key. */
int ta_is_signed_by(const unsigned char *blob, const unsigned char key[POPCL_BLOB_KEY_LEN]);

#endif
