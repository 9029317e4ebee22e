/* SPDX-License-Identifier: MIT */
/* console - the firmware's calls to the world outside the chip, by ARM semihosting. They are for a
 * console, files, the command line, the time, and random bytes. A product has its UART, its flash,
 * its clock and its generator here: QEMU's boards have neither of the last two. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>
#include <stdint.h>

void console_text(const char *text);
int console_octets(const void *p, size_t n); /* 0, or -1: not all of them were written */
void console_number(uint32_t n);
void console_hex(uint32_t n);

/* Ends the program with an exit status. If no debugger answers, the watchdog resets the chip. */
void console_exit(int status) __attribute__((noreturn));

/* Reads the settings of this run: up to n - 1 bytes and a NUL. Returns 0, or -1: there are no
 * settings. */
int console_settings(char *p, size_t n);

/* Returns the host's clock, Unix seconds; < 0 = unknown. A board without a clock of its own asks an
 * NTP server, or a clock with a battery. */
int64_t console_utc_s(void);

/* Writes n unpredictable bytes: from the host's /dev/urandom, as QEMU's boards have no generator.
 * Returns 0, or -1: it failed, and p must not be used. */
int console_entropy(void *p, size_t n);

/* Files of the host. */
enum file_mode { FILE_READ = 1, FILE_UPDATE = 3, FILE_WRITE = 5 }; /* "rb"; "rb+"; "wb" */
int file_open(const char *name, enum file_mode mode);              /* a handle, or -1 */
int file_read(int file, void *p, size_t n);                        /* 0, or -1: not all was read */
int file_write(int file, const void *p, size_t n);
int file_seek(int file, uint32_t at);
int file_close(int file);
int file_remove(const char *name);
int file_rename(const char *name, const char *to); /* replaces a file of that name */

#endif
