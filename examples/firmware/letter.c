/* SPDX-License-Identifier: MIT */
/* letter - see letter.h. */
#include "letter.h"

/* Of the base64 of "PTB1" and of a length below 256 MB, the characters that never change. */
static const char begin[] = "UFRCMQ";
#define BEGIN_LEN (sizeof begin - 1)

enum step { TEXT, OTHER_LINE, BLOB, OVER };

static int value_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static void decode(letter *l, unsigned char c, void (*put)(unsigned char octet)) {
    int value = value_of(c);
    if (c == '\r' || c == '\n') return;
    if (value < 0) {
        l->step = OVER; /* padding, or the end of the part */
        return;
    }
    l->bits = l->bits << 6 | (unsigned)value;
    l->held = (uint8_t)(l->held + 6);
    if (l->held < 8) return;
    l->held = (uint8_t)(l->held - 8);
    put((unsigned char)(l->bits >> l->held));
}

/* The first line of a part comes after an empty one. */
static void look(letter *l, unsigned char c, void (*put)(unsigned char octet)) {
    if (c == '\r') return;
    if (c == '\n') {
        l->after_empty = l->step == TEXT && l->at == 0;
        l->step = TEXT;
        l->at = 0;
    } else if (l->step == OTHER_LINE || !l->after_empty || c != (unsigned char)begin[l->at]) {
        l->step = OTHER_LINE;
    } else if (++l->at == BEGIN_LEN) {
        l->step = BLOB;
        for (unsigned i = 0; i < BEGIN_LEN; i++)
            decode(l, (unsigned char)begin[i], put);
    }
}

void letter_feed(letter *l, const void *p, size_t n, void (*put)(unsigned char octet)) {
    const unsigned char *octets = p;
    for (size_t i = 0; i < n && l->step != OVER; i++)
        (l->step == BLOB ? decode : look)(l, octets[i], put);
}

int letter_has_blob(const letter *l) { return l->step == BLOB || l->step == OVER; }
