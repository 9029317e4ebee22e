/* SPDX-License-Identifier: MIT */
/* text - see text.h. */
#include "text.h"

#include <string.h>

int popcl_has_line_end(const void *p, size_t n) {
    return memchr(p, '\r', n) || memchr(p, '\n', n) || memchr(p, 0, n);
}

int popcl_is_host(const char *host) {
    size_t n = strlen(host);
    if (n == 0 || n > 255 || strcmp(host, ".") == 0) return 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)host[i];
        if (ch <= 0x20 || ch >= 0x7f || ch == '%') return 0;
    }
    return 1;
}

size_t popcl_secret_len(const popcl_secret *s) {
    return !s->octets ? 0 : s->len ? s->len : strlen(s->octets);
}
