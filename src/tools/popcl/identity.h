/* SPDX-License-Identifier: MIT */
/* identity - names a message if the server gives no UID: by a hash of its header, made as the
 * header streams by. It keeps no line and needs the same memory for 10 MiB of header; it knows no
 * POP3.
 *
 * With a Message-ID, the identity is SHA-256 over the value of the first one that is not empty and
 * over all Received fields. One mail that came on two ways is two messages, and is fetched twice.
 * Without a Message-ID, it is SHA-256 over all fields except those that mail servers write into a
 * stored message. mbox keeps flags there: Status, X-Status, X-UID, X-Keywords, Content-Length,
 * Lines. They change from session to session.
 *
 * A message has no identity, and counts as new, in two cases. Its header has no end (a server that
 * cuts TOP), or it has none of Message-ID, Received and Date. A device may send such a header every
 * time. */
#ifndef POPCL_CMD_IDENTITY_H
#define POPCL_CMD_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <bearssl.h>

#define CMD_IDENTITY_OCTETS 24u /* of the hash: cut, too long to collide by chance or work */

typedef struct cmd_identity {
    br_sha256_context named; /* Message-ID and Received */
    br_sha256_context whole; /* all fields except the server's own */
    char name[16];           /* of the field that begins: enough to know the known ones */
    uint8_t name_len;
    uint8_t at;    /* enum position in identity.c */
    uint8_t field; /* enum field */
    uint8_t cr;    /* the last octet was a CR, which is not judged yet */
    uint8_t space; /* in the Message-ID: a space is due before the next octet */
    uint8_t value; /* this Message-ID has an octet that is no space */
    uint8_t has_id, has_field, has_time;
} cmd_identity;

void cmd_identity_begin(cmd_identity *i);

/* Takes the next octets of the message; octets after the header are ignored. */
void cmd_identity_data(cmd_identity *i, const void *p, size_t n);

/* Ends the header, at any place. Returns 0 if the message has no identity. */
int cmd_identity_end(cmd_identity *i, unsigned char out[CMD_IDENTITY_OCTETS]);

#endif
