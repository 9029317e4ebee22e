/* SPDX-License-Identifier: MIT */
/* plan - see plan.h. An entry: number (4 bytes, low first), size (5), actions and state (1), length
 * of the UID (1), UID, NUL. A size of 2^40 - 1 means unknown. A larger size is stored as 2^40 - 2,
 * since sizes are advice only. */
#include "plan.h"

#include <string.h>

enum { AT_NUMBER = 0, AT_SIZE = 4, AT_SIZE_TOP = 8, AT_STATE = 9, AT_UID_LEN = 10, AT_UID = 11 };
#define SIZE_NONE (((uint64_t)1 << 40) - 1)

/* A compiler makes one access of the four. */
static uint32_t plan_get(const unsigned char *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void plan_put(unsigned char *p, uint32_t value) {
    p[0] = (unsigned char)value;
    p[1] = (unsigned char)(value >> 8);
    p[2] = (unsigned char)(value >> 16);
    p[3] = (unsigned char)(value >> 24);
}

void popcl_plan_clear(popcl_plan *p) { p->used = p->low = p->next = p->wanted = p->due = 0; }

int popcl_plan_add(popcl_plan *p, const popcl_msg *m) {
    unsigned char *e = p->octets + p->used;
    if (p->len - p->used < POPCL_PLAN_ENTRY(m->uid_len)) return 0;
    plan_put(e + AT_NUMBER, m->number);
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
    return plan_get(p->octets + at + AT_NUMBER);
}

uint64_t popcl_plan_size(const popcl_plan *p, size_t at) {
    const unsigned char *e = p->octets + at;
    uint64_t size = (uint64_t)e[AT_SIZE_TOP] << 32 | plan_get(e + AT_SIZE);
    return size == SIZE_NONE ? POPCL_SIZE_UNKNOWN : size;
}

enum popcl_entry_state popcl_plan_state(const popcl_plan *p, size_t at) {
    return (enum popcl_entry_state)(p->octets[at + AT_STATE] & 15);
}

unsigned popcl_plan_actions(const popcl_plan *p, size_t at) {
    return p->octets[at + AT_STATE] >> 4;
}

void popcl_plan_set_actions(popcl_plan *p, size_t at, unsigned actions) {
    p->octets[at + AT_STATE] = (unsigned char)(actions << 4 | popcl_plan_state(p, at));
}

void popcl_plan_enter(popcl_plan *p, size_t at, enum popcl_entry_state state) {
    p->octets[at + AT_STATE] = (unsigned char)((p->octets[at + AT_STATE] & ~15u) | state);
    if (state <= POPCL_ENTRY_WANT_BODY && at < p->wanted) p->wanted = at;
    if (state == POPCL_ENTRY_DUE && at < p->due) p->due = at;
    while (p->low < p->used && popcl_plan_state(p, p->low) == POPCL_ENTRY_OVER)
        p->low = popcl_plan_after(p, p->low);
}

void popcl_plan_set_size(popcl_plan *p, size_t at, uint64_t size) {
    if (size >= SIZE_NONE) size = size == POPCL_SIZE_UNKNOWN ? SIZE_NONE : SIZE_NONE - 1;
    p->octets[at + AT_SIZE_TOP] = (unsigned char)(size >> 32);
    plan_put(p->octets + at + AT_SIZE, (uint32_t)size);
}

static size_t first_in(const popcl_plan *p, size_t at, enum popcl_entry_state from,
                       enum popcl_entry_state to) {
    while (at < p->next && (popcl_plan_state(p, at) < from || popcl_plan_state(p, at) > to))
        at = popcl_plan_after(p, at);
    return at;
}

size_t popcl_plan_wanted(popcl_plan *p) {
    return p->wanted = first_in(p, p->wanted, POPCL_ENTRY_WANT_TOP, POPCL_ENTRY_WANT_BODY);
}

size_t popcl_plan_due(popcl_plan *p) {
    return p->due = first_in(p, p->due, POPCL_ENTRY_DUE, POPCL_ENTRY_DUE);
}

size_t popcl_plan_find(const popcl_plan *p, enum popcl_entry_state from,
                       enum popcl_entry_state to) {
    return first_in(p, p->low, from, to);
}

size_t popcl_plan_seek(const popcl_plan *p, size_t at, uint32_t number, int exact) {
    while (at < p->used &&
           (exact ? popcl_plan_number(p, at) != number : popcl_plan_number(p, at) < number))
        at = popcl_plan_after(p, at);
    return at;
}

int popcl_plan_uid_is_number(const popcl_msg *m) {
    uint32_t value = 0;
    for (unsigned i = 0; i < m->uid_len; i++) {
        unsigned digit = (unsigned char)m->uid[i] - (unsigned)'0';
        uint32_t next = value * 10 + digit;
        if (digit > 9 || value > UINT32_MAX / 10 || next < value) return 0;
        value = next;
    }
    return value == m->number;
}
