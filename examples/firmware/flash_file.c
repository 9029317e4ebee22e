/* SPDX-License-Identifier: MIT */
/* flash_file - see flash.h. The file is opened for each call and keeps its content if the program
 * ends in between. */
#include "flash.h"

#include <string.h>

#include "console.h"

/* Opens the file, with both slots erased if it did not exist. -1 = it cannot be made. */
static int open_file(const char *name) {
    int file = file_open(name, FILE_UPDATE);
    if (file >= 0) return file;
    file = file_open(name, FILE_WRITE);
    if (file < 0) return -1;
    unsigned char erased[FLASH_UNIT];
    memset(erased, 0xff, sizeof erased);
    int result = 0;
    for (uint32_t at = 0; at < 2 * FLASH_FILE_SLOT; at += sizeof erased)
        result |= file_write(file, erased, sizeof erased);
    (void)file_close(file);
    return result ? -1 : file_open(name, FILE_UPDATE);
}

static int file_program(void *ctx, unsigned slot, uint32_t at, const void *p, size_t n) {
    int file = open_file(ctx), result = file < 0 ? -1 : 0;
    for (size_t i = 0; i < n && result == 0; i += FLASH_UNIT) {
        unsigned char unit[FLASH_UNIT];
        uint32_t place = slot * FLASH_FILE_SLOT + at + (uint32_t)i;
        if (file_seek(file, place) || file_read(file, unit, sizeof unit) ||
            file_seek(file, place)) {
            result = -1;
            break;
        }
        for (size_t k = 0; k < FLASH_UNIT; k++)
            unit[k] &= ((const unsigned char *)p)[i + k];
        result = file_write(file, unit, sizeof unit);
    }
    if (file >= 0) result |= file_close(file);
    return result;
}

static int file_erase(void *ctx, unsigned slot) {
    unsigned char erased[FLASH_UNIT];
    memset(erased, 0xff, sizeof erased);
    int file = open_file(ctx), result = file < 0 ? -1 : file_seek(file, slot * FLASH_FILE_SLOT);
    for (uint32_t at = 0; at < FLASH_FILE_SLOT && result == 0; at += sizeof erased)
        result = file_write(file, erased, sizeof erased);
    if (file >= 0) result |= file_close(file);
    return result;
}

static int file_read_at(void *ctx, unsigned slot, uint32_t at, void *p, size_t n) {
    int file = open_file(ctx),
        result = file < 0 ? -1 : file_seek(file, slot * FLASH_FILE_SLOT + at);
    if (result == 0) result = file_read(file, p, n);
    if (file >= 0) result |= file_close(file);
    return result;
}

const flash flash_file = {FLASH_FILE_SLOT, file_erase, file_program, file_read_at};
