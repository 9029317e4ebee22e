/* SPDX-License-Identifier: MIT */
/* flash_file - see flash.h. The file is opened for each call and keeps its content if the program
 * ends in between. */
#include "flash.h"

#include <string.h>

#include "console.h"

#define PIECE 256u /* divides a slot */

static int put_erased(int file, uint32_t n) {
    unsigned char erased[PIECE];
    int result = 0;
    memset(erased, 0xff, sizeof erased);
    for (uint32_t done = 0; done < n && result == 0; done += PIECE)
        result = file_write(file, erased, PIECE);
    return result;
}

static int seek(const flash_area *a, int file, unsigned slot, uint32_t at) {
    return file_seek(file, a->base + slot * a->slot_len + at);
}

/* Opens the file at a place of a slot. A new file is erased flash. Returns -1 if it cannot be
 * made. */
static int open_at(const flash_area *a, unsigned slot, uint32_t at) {
    int file = file_open(a->file, FILE_UPDATE);
    if (file < 0) {
        file = file_open(a->file, FILE_WRITE);
        int result = file < 0 ? -1 : put_erased(file, a->file_len);
        if (file >= 0) result |= file_close(file);
        file = result ? -1 : file_open(a->file, FILE_UPDATE);
    }
    if (file < 0 || seek(a, file, slot, at) == 0) return file;
    (void)file_close(file);
    return -1;
}

static int file_program(void *ctx, unsigned slot, uint32_t at, const void *p, size_t n) {
    const unsigned char *from = p;
    unsigned char unit[FLASH_UNIT];
    int file = open_at(ctx, slot, at), result = file < 0 ? -1 : 0;
    for (uint32_t i = 0; i < n && result == 0; i += (uint32_t)sizeof unit) {
        if (seek(ctx, file, slot, at + i) || file_read(file, unit, sizeof unit) ||
            seek(ctx, file, slot, at + i)) {
            result = -1;
            break;
        }
        for (size_t k = 0; k < sizeof unit; k++)
            unit[k] &= from[i + k];
        result = file_write(file, unit, sizeof unit);
    }
    if (file >= 0) result |= file_close(file);
    return result;
}

static int file_erase(void *ctx, unsigned slot) {
    const flash_area *a = ctx;
    int file = open_at(a, slot, 0), result = file < 0 ? -1 : put_erased(file, a->slot_len);
    if (file >= 0) result |= file_close(file);
    return result;
}

static int file_read_at(void *ctx, unsigned slot, uint32_t at, void *p, size_t n) {
    int file = open_at(ctx, slot, at), result = file < 0 ? -1 : file_read(file, p, n);
    if (file >= 0) result |= file_close(file);
    return result;
}

const flash flash_of_state = {FLASH_STATE_SLOT, file_erase, file_program, file_read_at};
const flash flash_of_trust = {FLASH_TRUST_SLOT, file_erase, file_program, file_read_at};
