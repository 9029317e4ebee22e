/* SPDX-License-Identifier: MIT */
/* console - what the firmware asks of the world outside the chip, all of it by ARM semihosting: a
 * console, files, the command line, the time, and random octets. A product puts its UART, its
 * flash, its clock and its generator here: none of QEMU's boards has the last two. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stddef.h>
#include <stdint.h>

void console_text(const char *text);
int console_octets(const void *p, size_t n); /* 0, or -1: not all of them */
void console_number(uint32_t n);
void console_hex(uint32_t n);

/* Ends the program with an exit status; where nobody answers, the watchdog resets the chip. */
void console_exit(int status) __attribute__((noreturn));

/* The settings of this run: up to n - 1 octets and a NUL. 0, or -1: there are none. */
int console_settings(char *p, size_t n);

/* The host's clock, Unix seconds; < 0: unknown. A board without a clock of its own asks an NTP
 * server, or a clock that a battery keeps. */
int64_t console_utc_s(void);

/* n unpredictable octets: the host's /dev/urandom, as QEMU's boards have no generator. 0, or -1:
 * there are none, p is not to be used. */
int console_entropy(void *p, size_t n);

/* Files of the host. */
enum file_mode { FILE_READ = 1, FILE_UPDATE = 3, FILE_WRITE = 5 }; /* "rb"; "rb+"; "wb" */
int file_open(const char *name, enum file_mode mode);              /* a handle, or -1 */
int file_read(int file, void *p, size_t n);                        /* 0, or -1: not all of it */
int file_write(int file, const void *p, size_t n);
int file_seek(int file, uint32_t at);
int file_close(int file);
int file_remove(const char *name);
int file_rename(const char *name, const char *to); /* replaces what has that name */

#endif
