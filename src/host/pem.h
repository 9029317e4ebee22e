/* SPDX-License-Identifier: MIT */
/* pem - finds the blocks of a PEM text (RFC 7468), tells in which line each stands, and decodes
 * those that are asked for. Liberal about what stands around base64 (CR, LF and CRLF end lines,
 * spaces may lead and trail them, lines have any width, a BOM and comments between blocks are
 * passed over) and strict about base64 itself. Knows no certificate. */
#ifndef POPCL_HOST_PEM_H
#define POPCL_HOST_PEM_H

#include <stddef.h>

enum pop_pem_state {
    POP_PEM_END,    /* there is no further block */
    POP_PEM_WHOLE,  /* a block */
    POP_PEM_NO_END, /* a block without an END line, or with one for another label; line tells where
                       it begins */
    POP_PEM_BAD_BASE64, /* a block with something else in it; line tells where */
    POP_PEM_BAD_BEGIN,  /* a BEGIN line that is none; line tells where */
    POP_PEM_NO_MEMORY
};

#define POP_PEM_LABEL_MAX 64

/* One pass over a text. Zeroed but for at and left is valid. octets is freed by pop_pem_done. */
typedef struct pop_pem {
    const unsigned char *at;
    size_t left;
    unsigned long line_at;             /* private: the number of the line before `at` */
    unsigned long line;                /* where the block begins, or what is wrong stands */
    char label[POP_PEM_LABEL_MAX + 1]; /* of the block, "" where it cannot be read; cut to fit */
    unsigned char *octets; /* decoded, octets_len of them; the next call overwrites them */
    size_t octets_len, octets_room;
} pop_pem;

/* The next block. want says whether the octets of a block with this label are to be decoded; those
 * of others are only passed over. */
enum pop_pem_state pop_pem_next(pop_pem *p, int (*want)(const char *label));

/* Frees. */
void pop_pem_done(pop_pem *p);

#endif
