/* memory - memcpy and memset by words where they can: the C library's, made for size, go octet by octet. For images that keep TLS sessions: of a
 * resumed handshake copying and clearing were an eighth. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WORD sizeof(uint32_t)
/* What the compiler may read and write as a word, whatever lies there. */
typedef uint32_t __attribute__((may_alias)) word;

/* The words that are read may lie anywhere: a Cortex-M3 reads them so, and for a Cortex-M0+ the compiler reads octets. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    unsigned char *d = to;
    const unsigned char *s = from;
    for (; n && (uintptr_t)d & (WORD - 1); n--)
        *d++ = *s++;
    for (; n >= WORD; n -= WORD, d += WORD, s += WORD)
        __builtin_memcpy(__builtin_assume_aligned(d, WORD), s, WORD);
    for (; n; n--)
        *d++ = *s++;
    return to;
}

void *memset(void *to, int c, size_t n) {
    unsigned char *d = to;
    const uint32_t four = (unsigned char)c * 0x01010101u;
    for (; n && (uintptr_t)d & (WORD - 1); n--)
        *d++ = (unsigned char)c;
    for (; n >= WORD; n -= WORD, d += WORD)
        *(word *)(void *)d = four;
    for (; n; n--)
        *d++ = (unsigned char)c;
    return to;
}
