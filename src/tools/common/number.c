/* SPDX-License-Identifier: MIT */
/* number - see number.h. */
#include "number.h"

#include <string.h>

enum { ZEROS_MAX = 3 };

static size_t digits_of(uint64_t n) {
    size_t digits = 1;
    for (; n >= 10; n /= 10)
        digits++;
    return digits;
}

const char *tool_number_read(const char *text, uint64_t max, uint64_t *value) {
    size_t digits = strspn(text, "0123456789"), zeros = strspn(text, "0");
    *value = 0;
    if (digits == 0 || digits > digits_of(max) || zeros > ZEROS_MAX) return NULL;
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (digit > max || *value > (max - digit) / 10) return NULL;
        *value = *value * 10 + digit;
    }
    return text + digits;
}

uint64_t tool_number(const char *text, uint64_t max) {
    uint64_t value = 0;
    const char *end = tool_number_read(text, max, &value);
    return end && *end == '\0' ? value : 0;
}
