/* SPDX-License-Identifier: MIT */
/* name - see name.h. Addresses are those that inet_pton takes (RFC 4291, 2.2; four decimal numbers
 * without leading zeros). They are read by hand, since the library has no sockets. A name that only
 * resembles an address has a kind of its own, so that it can match no wildcard. */
#include "name.h"

#include <string.h>

static unsigned digit(char c) {
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10u : 16u;
}

/* Reads four numbers up to 255 that fill the string. Returns whether they do. */
static int ipv4(const char *s, unsigned char *to) {
    for (unsigned i = 0; i < 4; i++) {
        unsigned n = 0, len = 0;
        for (; digit(*s) < 10; s++, len++) {
            if (len && n == 0) return 0;
            n = n * 10 + digit(*s);
            if (n > 255) return 0;
        }
        if (len == 0 || *s++ != (i < 3 ? '.' : 0)) return 0;
        to[i] = (unsigned char)n;
    }
    return 1;
}

/* Reads up to eight groups, one gap, and an IPv4 address in place of the last two groups. Returns
 * whether they fill the string. */
static int ipv6(const char *s, unsigned char *to) {
    unsigned at = 0, gap = 17;
    memset(to, 0, 16);
    if (s[0] == ':') {
        if (s[1] != ':') return 0;
        s++;
    }
    while (*s) {
        if (*s == ':') { /* the second colon of two */
            if (gap != 17) return 0;
            gap = at;
            s++;
            continue;
        }
        if (at > 14) return 0;
        unsigned n = 0, len = 0;
        for (; digit(s[len]) < 16; len++)
            n = n << 4 | digit(s[len]);
        if (s[len] == '.') {
            if (at > 12 || !ipv4(s, to + at)) return 0;
            at += 4;
            break;
        }
        if (len == 0 || len > 4) return 0;
        to[at++] = (unsigned char)(n >> 8);
        to[at++] = (unsigned char)n;
        s += len;
        if (*s == ':') {
            if (*++s == 0) return 0;
        } else if (*s) {
            return 0;
        }
    }
    if (gap == 17) return at == 16;
    if (at > 14) return 0;
    memmove(to + 16 - (at - gap), to + gap, at - gap);
    memset(to + gap, 0, 16 - at);
    return 1;
}

/* Returns whether old resolvers read a label as a number: all digits, or 0x and hexadecimal digits
 * (inet_aton). */
static int is_number(const char *label, size_t n) {
    unsigned base = 10;
    if (n >= 2 && label[0] == '0' && (label[1] | 0x20) == 'x') {
        label += 2;
        n -= 2;
        base = 16;
    } else if (n == 0) {
        return 0;
    }
    while (n && digit(*label) < base)
        label++, n--;
    return n == 0;
}

enum popcl_name_kind popcl_name_kind(const char *name, unsigned char *address) {
    size_t n = strlen(name), start;
    if (ipv4(name, address)) return POPCL_NAME_IPV4;
    if (ipv6(name, address)) return POPCL_NAME_IPV6;
    if (n && name[n - 1] == '.') n--;
    for (start = n; start && name[start - 1] != '.'; start--) {}
    return is_number(name + start, n - start) || strchr(name, ':') ? POPCL_NAME_NUMBERS
                                                                   : POPCL_NAME_HOST;
}

unsigned popcl_name_lower(unsigned c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

int popcl_name_has(unsigned c) {
    unsigned letter = c | 0x20;
    return (letter >= 'a' && letter <= 'z') || (c >= '-' && c <= '9' && c != '/') || c == '_';
}

static int is_label(const char *label, size_t n) {
    if (n == 0 || n > 63 || label[0] == '-' || label[n - 1] == '-') return 0;
    for (; n; n--, label++)
        if (!popcl_name_has((unsigned char)*label)) return 0;
    return 1;
}

int popcl_name_is_host(const char *name) {
    const char *label = name, *dot;
    for (; (dot = strchr(label, '.')) != NULL; label = dot + 1)
        if (!is_label(label, (size_t)(dot - label))) return 0;
    size_t n = strlen(label);
    return is_label(label, n) && label + n - name <= 253;
}

int popcl_name_copy(char *to, const char *name) {
    unsigned char address[16];
    size_t n = strlen(name);
    if (n && name[n - 1] == '.' && popcl_name_kind(name, address) == POPCL_NAME_HOST) n--;
    if (n == 0 || n > 255) return 0;
    memcpy(to, name, n);
    to[n] = 0;
    return 1;
}
