/* SPDX-License-Identifier: MIT */
/* slots - what has to survive a reset, in two slots of a flash memory: each writing takes the slot
 * that does not hold the newest, so that a loss of power at any moment leaves the old or the new,
 * whole. A writing erases one slot once: how often that happens is the caller's.
 *
 * A slot:   sequence, length, CRC-32 of the octets and both | the octets, filled up to whole units
 * The first unit is programmed last: without it the rest is nothing. */
#ifndef SLOTS_H
#define SLOTS_H

#include "flash.h"

typedef struct slots {
    const flash *flash;
    void *ctx; /* of flash */
    /* private */
    uint32_t sequence; /* of the newest */
    uint32_t len, at;  /* octets of the newest, and of them those that were read */
    uint32_t put, crc; /* octets that were put, and their CRC */
    uint8_t newest;    /* its slot; the other one is written next */
    uint8_t failed;    /* the flash, during this writing */
    unsigned char unit[FLASH_UNIT];
} slots;

typedef enum slots_found {
    SLOTS_EMPTY,  /* nothing was ever written */
    SLOTS_WHOLE,  /* the newest can be read */
    SLOTS_ONE,    /* it can be read; the other slot is damaged, or its writing was cut off */
    SLOTS_DAMAGED /* something is there, and nothing whole */
} slots_found;

/* Looks for the newest. flash and ctx are set. Callable again: it then reads from the start. */
slots_found slots_open(slots *s);
/* The next n octets of the newest. 0, or -1: there are not so many, or the flash failed. */
int slots_get(slots *s, void *p, size_t n);

/* Writes: begin, put as often as need be, end. Only end says whether it succeeded: 0, or -1, and
 * then the newest is what it was. It reads all of it again. Open comes first. */
void slots_begin(slots *s);
void slots_put(slots *s, const void *p, size_t n);
int slots_end(slots *s);

/* CRC-32 (IEEE 802.3) of p behind what crc is of; 0 at first. */
uint32_t slots_crc(uint32_t crc, const void *p, size_t n);

#endif
