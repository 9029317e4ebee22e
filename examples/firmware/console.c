/* SPDX-License-Identifier: MIT */
/* console - see console.h. A call is a BKPT that the debugger, here QEMU, answers. Its number is in
 * r0, the address of its arguments in r1. */
#include "console.h"

#include <string.h>

enum call {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_SEEK = 0x0a,
    SYS_REMOVE = 0x0e,
    SYS_RENAME = 0x0f,
    SYS_TIME = 0x11,
    SYS_GET_CMDLINE = 0x15,
    SYS_EXIT_EXTENDED = 0x20
};
#define STOPPED_BY_APPLICATION 0x20026u

static int ask(enum call number, const void *arguments) {
    register int r0 __asm__("r0") = (int)number;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static int ask3(enum call number, uintptr_t a, uintptr_t b, uintptr_t c) {
    const uintptr_t arguments[] = {a, b, c};
    return ask(number, arguments);
}

/* ---- files ---- */

int file_open(const char *name, enum file_mode mode) {
    return ask3(SYS_OPEN, (uintptr_t)name, mode, strlen(name));
}
/* Both calls return how many bytes were not done. */
int file_read(int file, void *p, size_t n) {
    return ask3(SYS_READ, (uintptr_t)file, (uintptr_t)p, n) == 0 ? 0 : -1;
}
int file_write(int file, const void *p, size_t n) {
    return ask3(SYS_WRITE, (uintptr_t)file, (uintptr_t)p, n) == 0 ? 0 : -1;
}
int file_seek(int file, uint32_t at) {
    return ask3(SYS_SEEK, (uintptr_t)file, at, 0) == 0 ? 0 : -1;
}
int file_close(int file) { return ask3(SYS_CLOSE, (uintptr_t)file, 0, 0) == 0 ? 0 : -1; }
int file_remove(const char *name) {
    return ask3(SYS_REMOVE, (uintptr_t)name, strlen(name), 0) == 0 ? 0 : -1;
}
int file_rename(const char *name, const char *to) {
    const uintptr_t arguments[] = {(uintptr_t)name, strlen(name), (uintptr_t)to, strlen(to)};
    return ask(SYS_RENAME, arguments) == 0 ? 0 : -1;
}

/* ---- the console ---- */

int console_octets(const void *p, size_t n) {
    static int handle; /* ":tt", opened for writing, is standard output */
    if (!handle) handle = file_open(":tt", FILE_WRITE);
    return file_write(handle, p, n);
}

void console_text(const char *text) { (void)console_octets(text, strlen(text)); }

void console_number(uint32_t n) {
    char digits[10];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    (void)console_octets(digits + at, sizeof digits - at);
}

void console_hex(uint32_t n) {
    char digits[8];
    for (unsigned i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[n >> (28 - 4 * i) & 15];
    (void)console_octets(digits, sizeof digits);
}

/* ---- the rest ---- */

void console_exit(int status) {
    const uintptr_t arguments[] = {STOPPED_BY_APPLICATION, (uintptr_t)status};
    (void)ask(SYS_EXIT_EXTENDED, arguments);
    for (;;) {}
}

int console_settings(char *p, size_t n) {
    uintptr_t arguments[] = {(uintptr_t)p, n};
    return ask(SYS_GET_CMDLINE, arguments) == 0 ? 0 : -1;
}

int64_t console_utc_s(void) {
    int utc_s = ask(SYS_TIME, NULL);
    return utc_s == -1 ? -1 : (int64_t)(uint32_t)utc_s;
}

int console_entropy(void *p, size_t n) {
    int file = file_open("/dev/urandom", FILE_READ);
    if (file < 0) return -1;
    int result = file_read(file, p, n);
    (void)file_close(file);
    return result;
}
