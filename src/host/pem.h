/* SPDX-License-Identifier: MIT */
/* pem - finds the blocks of a PEM text (RFC 7468), reports the line of each, and decodes those that
 * the caller wants. It is liberal about the text around base64. CR, LF and CRLF end lines, spaces
 * may lead and trail them, and lines have any width. A BOM, and comments between blocks, are passed
 * over. It is strict about base64 itself. It knows no certificate. */
#ifndef POPCL_HOST_PEM_H
#define POPCL_HOST_PEM_H

#include <stddef.h>

enum pop_pem_state {
    POP_PEM_END,    /* there is no further block */
    POP_PEM_WHOLE,  /* a block */
    POP_PEM_NO_END, /* a block without an END line, or with one for another label; line is where it
                       begins */
    POP_PEM_BAD_BASE64, /* a block with other characters in it; line is where they are */
    POP_PEM_BAD_BEGIN,  /* a damaged BEGIN line; line is where it is */
    POP_PEM_NO_MEMORY
};

#define POP_PEM_LABEL_MAX 64

/* One pass over a text. Begin with at and left, and everything else zero. pop_pem_done frees
 * octets. */
typedef struct pop_pem {
    const unsigned char *at;
    size_t left;
    unsigned long line_at; /* private: the number of the line before `at` */
    unsigned long line; /* the number of the line where the block begins, or where the damage is */
    char label[POP_PEM_LABEL_MAX + 1]; /* of the block; "" if it cannot be read; cut to fit */
    unsigned char *octets; /* decoded, octets_len of them; the next call overwrites them */
    size_t octets_len, octets_room;
} pop_pem;

/* Finds the next block. `want` returns nonzero if the octets of a block with this label are wanted;
 * other blocks are passed over. */
enum pop_pem_state pop_pem_next(pop_pem *p, int (*want)(const char *label));

/* Zeroes octets and frees them, and zeroes *p. */
void pop_pem_done(pop_pem *p);

#endif
