/* SPDX-License-Identifier: MIT */
/* slots - see slots.h. */
#include "slots.h"

#include <string.h>

typedef struct head {
    uint32_t sequence, len, crc, spare; /* crc: of the bytes, then of the fields before it, in the
                                           core's byte order: the flash never leaves the board */
} head;
typedef char head_is_a_unit[sizeof(head) == FLASH_UNIT ? 1 : -1];

#define OCTETS_AT FLASH_UNIT

uint32_t slots_crc(uint32_t crc, const void *p, size_t n) {
    const unsigned char *at = p;
    crc = ~crc;
    while (n--) {
        crc ^= *at++;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0u);
    }
    return ~crc;
}

static int read_slot(const slots *s, unsigned slot, uint32_t at, void *p, size_t n) {
    return s->flash->read(s->ctx, slot, at, p, n);
}

/* ---- reading ---- */

enum content { ERASED, BROKEN, GOOD };

static int is_erased(const unsigned char *p, size_t n) {
    while (n && *p == 0xff)
        p++, n--;
    return n == 0;
}

static int crc_is_right(const slots *s, unsigned slot, const head *h) {
    unsigned char piece[FLASH_UNIT];
    uint32_t crc = 0;
    if (h->len > s->flash->slot_len - OCTETS_AT) return 0;
    for (uint32_t at = 0; at < h->len; at += (uint32_t)sizeof piece) {
        uint32_t n = h->len - at < sizeof piece ? h->len - at : (uint32_t)sizeof piece;
        if (read_slot(s, slot, OCTETS_AT + at, piece, n)) return 0;
        crc = slots_crc(crc, piece, n);
    }
    return slots_crc(crc, h, offsetof(head, crc)) == h->crc;
}

static enum content look(const slots *s, unsigned slot, head *h) {
    unsigned char start[2 * FLASH_UNIT]; /* the first bytes of a state that has any */
    if (read_slot(s, slot, 0, start, sizeof start)) return BROKEN;
    memcpy(h, start, sizeof *h);
    if (is_erased(start, sizeof start)) return ERASED;
    return crc_is_right(s, slot, h) ? GOOD : BROKEN;
}

slots_found slots_open(slots *s) {
    head h[2];
    const enum content c[2] = {look(s, 0, &h[0]), look(s, 1, &h[1])};
    s->len = s->at = s->sequence = 0;
    s->newest = 1;
    if (c[0] != GOOD && c[1] != GOOD)
        return c[0] == ERASED && c[1] == ERASED ? SLOTS_EMPTY : SLOTS_DAMAGED;
    /* The sequence may wrap. */
    s->newest = c[0] != GOOD || (c[1] == GOOD && (int32_t)(h[1].sequence - h[0].sequence) > 0);
    s->sequence = h[s->newest].sequence;
    s->len = h[s->newest].len;
    return c[!s->newest] == BROKEN ? SLOTS_ONE : SLOTS_WHOLE;
}

int slots_get(slots *s, void *p, size_t n) {
    if (n > s->len - s->at || read_slot(s, s->newest, OCTETS_AT + s->at, p, n)) return -1;
    s->at += (uint32_t)n;
    return 0;
}

/* ---- writing ---- */

static void program(slots *s, uint32_t at, const void *unit) {
    if (at + FLASH_UNIT > s->flash->slot_len ||
        s->flash->program(s->ctx, !s->newest, at, unit, FLASH_UNIT))
        s->failed = 1;
}

void slots_begin(slots *s) {
    s->put = s->crc = 0;
    s->failed = s->flash->erase(s->ctx, !s->newest) != 0;
}

void slots_put(slots *s, const void *p, size_t n) {
    const unsigned char *from = p;
    s->crc = slots_crc(s->crc, p, n);
    while (n-- && !s->failed) {
        s->unit[s->put++ % FLASH_UNIT] = *from++;
        if (s->put % FLASH_UNIT == 0) program(s, OCTETS_AT + s->put - FLASH_UNIT, s->unit);
    }
}

int slots_end(slots *s) {
    head h = {.sequence = s->sequence + 1, .len = s->put}, again;
    uint32_t last = s->put % FLASH_UNIT;
    h.crc = slots_crc(s->crc, &h, offsetof(head, crc));
    memset(s->unit + last, 0xff, FLASH_UNIT - last);
    if (last && !s->failed) program(s, OCTETS_AT + s->put - last, s->unit);
    if (!s->failed) program(s, 0, &h);
    if (s->failed || look(s, !s->newest, &again) != GOOD) return -1;
    s->newest = !s->newest;
    s->sequence = h.sequence;
    s->len = h.len;
    s->at = 0;
    return 0;
}
