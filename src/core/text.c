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

/* A value of our own for get: a secret that is made of another one has a line end in it, or is
 * empty. */
#define BAD_OCTET (INT16_MIN - 1)

int popcl_secret_failure(popcl_err e) {
    return e == POPCL_ERR_SECRET_WAIT        ? POPCL_SECRET_AGAIN
           : e == POPCL_ERR_CREDENTIAL_OCTET ? BAD_OCTET
                                             : -1;
}

popcl_err popcl_secret_read(const popcl_secret *s, size_t off, void *buf, size_t cap, size_t *n) {
    *n = 0;
    if (s->octets) {
        size_t len = popcl_secret_len(s), left = off < len ? len - off : 0;
        *n = left < cap ? left : cap;
        if (*n) memcpy(buf, s->octets + off, *n);
    } else {
        int got = s->get(s->ctx, off, buf, cap);
        if (got == POPCL_SECRET_AGAIN) return POPCL_ERR_SECRET_WAIT;
        if (got == BAD_OCTET) return POPCL_ERR_CREDENTIAL_OCTET;
        if (got < 0 || (size_t)got > cap) return POPCL_ERR_SECRET;
        *n = (size_t)got;
    }
    return popcl_has_line_end(buf, *n) ? POPCL_ERR_CREDENTIAL_OCTET : POPCL_OK;
}
