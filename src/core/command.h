/* SPDX-License-Identifier: MIT */
/* command - writes a verb and its arguments as a checked command line. Its table has, for each
 * verb, the form of the reply and the states in which it may be sent. It knows no connection. */
#ifndef POPCL_CORE_COMMAND_H
#define POPCL_CORE_COMMAND_H

#include "popcl_command.h"

#define POPCL_IN_AUTHORIZATION 1u /* states of RFC 1939, 3, as bits */
#define POPCL_IN_TRANSACTION   2u
/* In clear text, before STLS: only CAPA, STLS and QUIT may be sent. */
#define POPCL_BEFORE_TLS 4u
/* The server has sent a challenge: only a response may follow (RFC 5034, 4). */
#define POPCL_IN_EXCHANGE 8u

/* The second is that of an AUTH without initial response: +OK may be an empty challenge. */
enum popcl_reply_shape { POPCL_SINGLE, POPCL_SINGLE_OR_CHALLENGE, POPCL_LINES, POPCL_BODY };

typedef struct popcl_verb_row {
    char name[5];
    uint8_t states;    /* in which it may be sent: the bits above */
    uint8_t arguments; /* enum arguments, in command.c */
    uint8_t form;      /* enum popcl_form of the status line, or of the listing's lines */
    uint8_t shape;     /* enum popcl_reply_shape */
    uint8_t logs_in;   /* +OK to it opens the maildrop */
} popcl_verb_row;

extern const popcl_verb_row popcl_verbs[POPCL_VERBS];

/* A line that was written. */
typedef struct popcl_line {
    size_t len;                    /* octets, CRLF included */
    size_t secret_from, secret_to; /* offsets: the part of it that must not be shown. Without a
                                      secret, both are before the CRLF */
    uint8_t read_secret;           /* 1 = the secret was read, even if the line failed */
    uint8_t goes_on;               /* 1 = more of the secret follows; there is no CRLF yet */
} popcl_line;

/* octets of the longest line without text or secret */
#define POPCL_COMMAND_SHORT (sizeof "UIDL 4294967295 4294967295\r\n" - 1)

/* Returns how many octets the line may have at most. */
size_t popcl_command_room(const popcl_command *c);

/* Returns the message's number if the verb takes one, else 0. */
uint32_t popcl_command_number(const popcl_command *c);

/* Returns the secret if the verb takes one and the command has one, else NULL. */
const popcl_secret *popcl_command_secret(const popcl_command *c);

enum popcl_reply_shape popcl_command_shape(const popcl_command *c);

/* Writes the line with its CRLF to buf. buf has room for `room` bytes: popcl_command_room or more.
 * Of a RESPONSE that does not fit, the first piece is written, and goes_on is 1. Returns POPCL_OK,
 * ERR_ARGUMENT_OCTET, ERR_CREDENTIAL_OCTET, ERR_COMMAND_LENGTH, ERR_MESSAGE_NUMBER, ERR_SECRET or
 * ERR_SECRET_WAIT. After an error nothing of a secret is left in buf. */
popcl_err popcl_command_write(const popcl_command *c, unsigned char *buf, size_t room,
                              popcl_line *written);

/* Writes the next piece of a RESPONSE: its secret from offset off on, and CRLF after the secret's
 * end. */
popcl_err popcl_response_write(const popcl_secret *s, size_t off, unsigned char *buf, size_t room,
                               popcl_line *written);

#endif
