/* SPDX-License-Identifier: MIT */
/* plan - see plan.h. An entry: number (4 bytes, low first), size (5), actions and state (1), length
 * of the UID (1), UID, NUL. A size of 2^40 - 1 means unknown. A larger size is stored as 2^40 - 2,
 * since sizes are advice only. */
#include "plan.h"

#include <string.h>

enum { AT_NUMBER = 0, AT_SIZE = 4, AT_STATE = 9, AT_UID_LEN = 10, AT_UID = 11 };
#define SIZE_OCTETS 5u
#define SIZE_NONE   (((uint64_t)1 << 8 * SIZE_OCTETS) - 1)

static uint64_t plan_get(const unsigned char *p, unsigned octets) {
    uint64_t value = 0;
    while (octets--)
        value = value << 8 | p[octets];
    return value;
}

static void plan_put(unsigned char *p, unsigned octets, uint64_t value) {
    for (unsigned i = 0; i < octets; i++, value >>= 8)
        p[i] = (unsigned char)value;
}

void popcl_plan_clear(popcl_plan *p) { p->used = p->low = p->next = p->wanted = p->due = 0; }

int popcl_plan_add(popcl_plan *p, const popcl_msg *m) {
    unsigned char *e = p->octets + p->used;
    if (p->len - p->used < POPCL_PLAN_ENTRY(m->uid_len)) return 0;
    plan_put(e + AT_NUMBER, 4, m->number);
    e[AT_STATE] = POPCL_ENTRY_NEW;
    e[AT_UID_LEN] = m->uid_len;
    memcpy(e + AT_UID, m->uid, m->uid_len);
    e[AT_UID + m->uid_len] = 0;
    popcl_plan_set_size(p, p->used, m->size);
    p->used += POPCL_PLAN_ENTRY(m->uid_len);
    if (p->most < p->used) p->most = p->used;
    return 1;
}

size_t popcl_plan_after(const popcl_plan *p, size_t at) {
    return at + POPCL_PLAN_ENTRY(p->octets[at + AT_UID_LEN]);
}

void popcl_plan_msg(const popcl_plan *p, size_t at, popcl_msg *m) {
    const unsigned char *e = p->octets + at;
    m->number = popcl_plan_number(p, at);
    m->size = popcl_plan_size(p, at);
    m->uid = (const char *)(e + AT_UID);
    m->uid_len = e[AT_UID_LEN];
    m->part = POPCL_WHOLE;
}

uint32_t popcl_plan_number(const popcl_plan *p, size_t at) {
    return (uint32_t)plan_get(p->octets + at + AT_NUMBER, 4);
}

uint64_t popcl_plan_size(const popcl_plan *p, size_t at) {
    uint64_t size = plan_get(p->octets + at + AT_SIZE, SIZE_OCTETS);
    return size == SIZE_NONE ? POPCL_SIZE_UNKNOWN : size;
}

enum popcl_entry_state popcl_plan_state(const popcl_plan *p, size_t at) {
    return (enum popcl_entry_state)(p->octets[at + AT_STATE] & 15);
}

unsigned popcl_plan_actions(const popcl_plan *p, size_t at) {
    return p->octets[at + AT_STATE] >> 4;
}

static int is_wanted(const popcl_plan *p, size_t at) {
    enum popcl_entry_state state = popcl_plan_state(p, at);
    return state >= POPCL_ENTRY_WANT_TOP && state <= POPCL_ENTRY_WANT_BODY;
}

void popcl_plan_enter(popcl_plan *p, size_t at, enum popcl_entry_state state, unsigned actions) {
    p->octets[at + AT_STATE] = (unsigned char)(actions << 4 | state);
    if (is_wanted(p, at) && at < p->wanted) p->wanted = at;
    if (state == POPCL_ENTRY_DUE && at < p->due) p->due = at;
    while (p->low < p->used && popcl_plan_state(p, p->low) == POPCL_ENTRY_OVER)
        p->low = popcl_plan_after(p, p->low);
}

void popcl_plan_set_size(popcl_plan *p, size_t at, uint64_t size) {
    if (size >= SIZE_NONE) size = size == POPCL_SIZE_UNKNOWN ? SIZE_NONE : SIZE_NONE - 1;
    plan_put(p->octets + at + AT_SIZE, SIZE_OCTETS, size);
}

size_t popcl_plan_wanted(popcl_plan *p) {
    while (p->wanted < p->next && !is_wanted(p, p->wanted))
        p->wanted = popcl_plan_after(p, p->wanted);
    return p->wanted;
}

size_t popcl_plan_due(popcl_plan *p) {
    while (p->due < p->next && popcl_plan_state(p, p->due) != POPCL_ENTRY_DUE)
        p->due = popcl_plan_after(p, p->due);
    return p->due;
}

size_t popcl_plan_find(const popcl_plan *p, enum popcl_entry_state state) {
    size_t at = p->low;
    while (at < p->next && popcl_plan_state(p, at) != state)
        at = popcl_plan_after(p, at);
    return at;
}

size_t popcl_plan_seek(const popcl_plan *p, size_t at, uint32_t number, int exact) {
    while (at < p->used &&
           (exact ? popcl_plan_number(p, at) != number : popcl_plan_number(p, at) < number))
        at = popcl_plan_after(p, at);
    return at;
}

int popcl_plan_uid_is_number(const popcl_msg *m) {
    uint64_t value = 0;
    for (unsigned i = 0; i < m->uid_len; i++) {
        unsigned digit = (unsigned char)m->uid[i] - (unsigned)'0';
        if (digit > 9 || value > UINT32_MAX) return 0;
        value = value * 10 + digit;
    }
    return value == m->number;
}
