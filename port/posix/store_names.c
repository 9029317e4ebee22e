/* SPDX-License-Identifier: MIT */
/* store_names - see store_names.h. */
#define _POSIX_C_SOURCE 200809L
#include "store_names.h"

#include <stdlib.h>
#include <string.h>

#include "file_calls.h"

enum {
    CLEAN_MAX = 100, /* letters that stay of a UID that is hashed */
    NFS_DIGITS = 16  /* an NFS client's name for a removed file has at least so many */
};

#define TEMPORARY_HEAD ".popcl-"
#define TEMPORARY_TAIL ".tmp"

void pop_store_hash(const br_sha256_context *sha, char digits[POP_STORE_HASH_DIGITS + 1]) {
    unsigned char hash[br_sha256_SIZE];
    br_sha256_out(sha, hash);
    pop_hex(digits, hash, POP_STORE_HASH_DIGITS / 2);
}

/* ---- text: without printf, which would cost more than all else here ---- */

/* Digits of the largest number that name_add_number writes, and more. */
#define DIGITS_MAX (3 * sizeof(unsigned long))

typedef char
    every_name_fits[POP_STORE_BASE_MAX + sizeof "~-.eml" + POP_STORE_HASH_DIGITS + DIGITS_MAX <=
                            POPCL_STORE_NAME_MAX + 1
                        ? 1
                        : -1];

static char *add(char *to, const char *p, size_t n) {
    memcpy(to, p, n);
    return to + n;
}

static char *name_add_text(char *to, const char *text) { return add(to, text, strlen(text)); }

/* Writes a number in decimal. */
static char *name_add_number(char *to, unsigned long number) {
    char digits[DIGITS_MAX], *first = digits + sizeof digits;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    return add(to, first, (size_t)(digits + sizeof digits - first));
}

/* ---- messages ---- */

static int is_letter_or_digit(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Octets of a UID that stay as they are in a name. '~' is not one of them: it marks names with a
 * hash, so that the two kinds never meet. */
static int is_plain(unsigned char c) {
    return is_letter_or_digit(c) || (c && strchr("_.,=+@%-", c));
}

/* Names that DOS and Windows keep for devices, with any extension. */
static int is_device(const char *p, size_t n) {
    static const char devices[][4] = {"con", "prn", "aux", "nul"};
    static const char ports[][4] = {"com", "lpt"};
    size_t stem = 0;
    while (stem < n && stem < 5 && p[stem] != '.')
        stem++;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (stem == 3 && memcmp(p, devices[i], 3) == 0) return 1;
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        if (stem == 4 && memcmp(p, ports[i], 3) == 0 && p[3] >= '0' && p[3] <= '9') return 1;
    return 0;
}

/* Returns whether a UID, of one octet or more, is a good name as it is. */
static int is_good_name(const char *uid, size_t n) {
    if (n > POP_STORE_PLAIN_MAX || uid[n - 1] == '.' || is_device(uid, n)) return 0;
    if (!is_letter_or_digit((unsigned char)uid[0]) && uid[0] != '_') return 0;
    for (size_t i = 0; i < n; i++)
        if (!is_plain((unsigned char)uid[i])) return 0;
    return 1;
}

/* Makes a name of any UID: in lower case, with '_' for octets that cannot be in one, cut, and made
 * different by its hash. */
static char *clean_name(char *to, const char *uid, size_t n) {
    char clean[CLEAN_MAX + 1], hash[POP_STORE_HASH_DIGITS + 1];
    br_sha256_context sha;
    size_t len = 0;
    for (size_t i = 0; i < n && len < CLEAN_MAX; i++) {
        unsigned char c = (unsigned char)uid[i];
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c - 'A' + 'a');
        clean[len++] = is_plain(c) ? (char)c : '_';
    }
    if (!is_letter_or_digit((unsigned char)clean[0])) clean[0] = '_';
    br_sha256_init(&sha);
    br_sha256_update(&sha, uid, n);
    pop_store_hash(&sha, hash);
    if (is_device(clean, len)) to = add(to, "_", 1);
    to = add(to, clean, len);
    to = add(to, "~", 1);
    return add(to, hash, POP_STORE_HASH_DIGITS);
}

void pop_store_base(char base[POP_STORE_BASE_MAX + 1], const popcl_msg *m) {
    char *to = base;
    if (!m->uid || m->uid_len == 0)
        to = name_add_number(name_add_text(to, "message-"), m->number);
    else if (is_good_name(m->uid, m->uid_len))
        to = add(to, m->uid, m->uid_len);
    else
        to = clean_name(to, m->uid, m->uid_len);
    if (m->part == POPCL_HEADERS) to = name_add_text(to, "~head");
    *to = '\0';
}

void pop_store_maildir_base(char base[POP_STORE_BASE_MAX + 1], uint64_t seconds, unsigned long pid,
                            const char *random, unsigned long number, const char *host) {
    const char *end = base + POP_STORE_BASE_MAX - (sizeof "new/" - 1);
    char *to = name_add_number(base, (unsigned long)seconds);
    to = name_add_text(name_add_text(to, ".R"), random);
    to = name_add_number(name_add_text(to, "P"), pid);
    to = name_add_number(name_add_text(to, "Q"), number);
    to = name_add_text(to, ".");
    for (; *host && end - to >= (int)sizeof "\\000"; host++) {
        unsigned char c = (unsigned char)*host;
        if (is_letter_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_') {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        for (int shift = 6; shift >= 0; shift -= 3)
            *to++ = (char)('0' + (c >> shift & 7));
    }
    *to = '\0';
}

void pop_store_name(char name[POPCL_STORE_NAME_MAX + 1], const pop_store_layout *layout,
                    const char *base, const char *hash, unsigned k) {
    char *to = name_add_text(name_add_text(name, layout->final), base);
    if (k > 0) to = name_add_text(add(to, "~", 1), hash);
    if (k > 1) to = name_add_number(add(to, "-", 1), k);
    *name_add_text(to, layout->tail) = '\0';
}

/* ---- temporaries ---- */

int pop_store_temporary(char name[POP_STORE_TEMPORARY_MAX + 1], const char *directory,
                        uint64_t *number) {
    char digits[POP_RANDOM_DIGITS + 1];
    if (*number == 0) {
        if (pop_random_digits(digits)) return -1;
        *number = strtoull(digits, NULL, 16);
    }
    ++*number;
    unsigned char octets[POP_RANDOM_DIGITS / 2];
    uint64_t rest = *number;
    for (size_t i = sizeof octets; i-- > 0; rest >>= 8)
        octets[i] = (unsigned char)(rest & 0xFF);
    char *to = name_add_text(name_add_text(name, directory), TEMPORARY_HEAD);
    pop_hex(to, octets, sizeof octets);
    memcpy(to + POP_RANDOM_DIGITS, TEMPORARY_TAIL, sizeof TEMPORARY_TAIL);
    return 0;
}

int pop_store_is_temporary(const char *name) {
    size_t head = strlen(TEMPORARY_HEAD);
    return strncmp(name, TEMPORARY_HEAD, head) == 0 && pop_is_random(name + head, TEMPORARY_TAIL);
}

int pop_store_is_nfs_left(const char *name) {
    static const char head[] = ".nfs";
    size_t n = sizeof head - 1;
    if (strncmp(name, head, n) != 0) return 0;
    size_t digits = strspn(name + n, "0123456789abcdef");
    return digits >= NFS_DIGITS && name[n + digits] == '\0';
}
