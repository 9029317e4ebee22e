/* text - see text.h. */
#include "text.h"

#include <string.h>

int popcl_has_line_end(const void *p, size_t n) {
    return memchr(p, '\r', n) || memchr(p, '\n', n) || memchr(p, 0, n);
}

size_t popcl_secret_len(const popcl_secret *s) {
    return !s->octets ? 0 : s->len ? s->len : strlen(s->octets);
}
