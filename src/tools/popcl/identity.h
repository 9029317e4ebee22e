/* SPDX-License-Identifier: MIT */
/* identity - what a message is told by where the server gives no UID: a hash made from its header
 * while that streams by. It keeps no line and needs the same memory for 10 MiB of header; it knows
 * no POP3.
 *
 * With a Message-ID, the identity is SHA-256 over the value of the first one that is not empty and
 * over all Received fields: one mail that came on two ways is two messages, and is fetched twice.
 * Without, it is SHA-256 over all fields but those that mail servers write into a stored message
 * themselves (mbox keeps flags there: Status, X-Status, X-UID, X-Keywords, Content-Length, Lines),
 * because these change from session to session.
 *
 * A message has no identity, and counts as new, where its header has no end (a server that cuts
 * TOP), or has none of Message-ID, Received and Date: a device may send such a header every time.
 */
#ifndef POPCL_CMD_IDENTITY_H
#define POPCL_CMD_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <bearssl.h>

#define CMD_IDENTITY_OCTETS 24u /* of the hash: cut, far above what collides by chance or work */

typedef struct cmd_identity {
    br_sha256_context named; /* Message-ID and Received */
    br_sha256_context whole; /* all but the server's own fields */
    char name[16];           /* of the field that begins: as much as tells it from the known ones */
    uint8_t name_len;
    uint8_t at;    /* enum position in identity.c */
    uint8_t field; /* enum field */
    uint8_t cr;    /* the last octet was a CR, still to be judged */
    uint8_t space; /* in the Message-ID: a space is due before the next octet */
    uint8_t value; /* this Message-ID has an octet that is no space */
    uint8_t has_id, has_field, has_time;
} cmd_identity;

void cmd_identity_begin(cmd_identity *i);

/* The next octets of the message; what comes behind the header is ignored. */
void cmd_identity_data(cmd_identity *i, const void *p, size_t n);

/* Ends it, at any place. Returns 0 if the message has no identity. */
int cmd_identity_end(cmd_identity *i, unsigned char out[CMD_IDENTITY_OCTETS]);

#endif
