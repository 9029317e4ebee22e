/* SPDX-License-Identifier: MIT */
/* flash - the functions of a flash memory: two slots of whole sectors, in which erase sets all bits
 * and program only clears some. slots.c keeps a small state in two, trust.c signed trust. */
#ifndef FLASH_H
#define FLASH_H

#include <stddef.h>
#include <stdint.h>

/* bytes that program takes at once, at a multiple of them, once between two erases: enough for
 * every flash with ECC */
#define FLASH_UNIT 16u

typedef struct flash {
    uint32_t slot_len; /* bytes of a slot, a multiple of FLASH_UNIT */
    /* slot is 0 or 1; each returns 0, or -1. n of program is a multiple of FLASH_UNIT. */
    int (*erase)(void *ctx, unsigned slot);
    int (*program)(void *ctx, unsigned slot, uint32_t at, const void *p, size_t n);
    int (*read)(void *ctx, unsigned slot, uint32_t at, void *p, size_t n);
} flash;

/* flash_file.c: a file of the host that behaves like this. QEMU has no flash controller for these
 * boards: a product writes these three functions for its own. The context is a flash_area. */
typedef struct flash_area {
    const char *file;
    uint32_t base; /* place of slot 0 in the file */
    uint32_t slot_len;
    uint32_t file_len; /* bytes of the whole file */
} flash_area;
#define FLASH_STATE_SLOT 2048u
#define FLASH_TRUST_SLOT 65536u    /* room for all authorities that browsers trust */
extern const flash flash_of_state; /* slots of FLASH_STATE_SLOT bytes */
extern const flash flash_of_trust; /* slots of FLASH_TRUST_SLOT bytes */

#endif
