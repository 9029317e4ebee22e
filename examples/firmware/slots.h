/* SPDX-License-Identifier: MIT */
/* slots - the state that has to survive a reset, in two slots of a flash memory. Each writing takes
 * the slot that does not have the newest state. So a loss of power at any moment leaves the old
 * state or the new one, whole. A writing erases one slot once: the caller decides how often.
 *
 *     A slot:   sequence, length, CRC-32 of the bytes and both | the bytes, filled up to whole
 * units
 *
 * The first unit is programmed last: without it the rest is nothing. */
#ifndef SLOTS_H
#define SLOTS_H

#include "flash.h"

typedef struct slots {
    const flash *flash;
    void *ctx; /* of flash */
    /* private */
    uint32_t sequence; /* of the newest */
    uint32_t len, at;  /* bytes of the newest, and of them those that were read */
    uint32_t put, crc; /* bytes that were put, and their CRC */
    uint8_t newest;    /* its slot; the other one is written next */
    uint8_t failed;    /* 1 = the flash failed during this writing */
    unsigned char unit[FLASH_UNIT];
} slots;

typedef enum slots_found {
    SLOTS_EMPTY,  /* nothing was ever written */
    SLOTS_WHOLE,  /* the newest can be read */
    SLOTS_ONE,    /* it can be read; the other slot is damaged, or its writing was cut off */
    SLOTS_DAMAGED /* there is a state, but none is whole */
} slots_found;

/* Looks for the newest. flash and ctx are set. If it is called again, reading starts again. */
slots_found slots_open(slots *s);
/* Reads the next n bytes of the newest. Returns 0, or -1: there are not so many, or the flash
 * failed. */
int slots_get(slots *s, void *p, size_t n);

/* Writes: begin, put as often as necessary, end. Only end reports success: 0. After -1 the newest
 * is the same as before. end reads all of it again. open comes first. */
void slots_begin(slots *s);
void slots_put(slots *s, const void *p, size_t n);
int slots_end(slots *s);

/* Returns the CRC-32 (IEEE 802.3) of p after the bytes that crc is of; 0 at first. */
uint32_t slots_crc(uint32_t crc, const void *p, size_t n);

#endif
