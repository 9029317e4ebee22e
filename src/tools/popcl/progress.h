/* SPDX-License-Identifier: MIT */
/* progress - the text of the progress of a run, for a terminal of any width and for a log. It is
 * arithmetic and text alone: it knows no terminal, no clock and no session, and prints nothing.
 *
 * The bar is a line of at most as many columns as the terminal has. A narrow terminal gets fewer
 * parts, the most useful ones first: percent, messages, octets, time left, rate, the bar itself.
 * There is no colour in it, so that NO_COLOR needs no rule. */
#ifndef POPCL_CMD_PROGRESS_H
#define POPCL_CMD_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that hold each text, with its NUL. */
#define CMD_PROGRESS_TEXT 320u
#define CMD_BAR_COLUMNS   30u /* most columns of the bar itself */

/* The choice of --progress. */
typedef enum cmd_progress_form {
    CMD_PROGRESS_AUTO, /* a bar on a terminal, else nothing */
    CMD_PROGRESS_BAR,
    CMD_PROGRESS_PLAIN, /* a line from time to time */
    CMD_PROGRESS_NONE
} cmd_progress_form;

/* The state of a run. A total of 0 is not known. */
typedef struct cmd_progress {
    uint32_t messages, total;      /* messages that came whole; of all */
    uint64_t octets, total_octets; /* octets that came, with those of a message under way */
    uint64_t rate;                 /* octets in a second: cmd_rate_now; 0 = not known */
} cmd_progress;

/* The rate of the last seconds: between two and one span of time. Zeroed = no octet yet. */
typedef struct cmd_rate {
    uint64_t at_ms[2], octets[2]; /* private: two points; the second one is the later */
    int points;                   /* private */
} cmd_rate;

#define CMD_RATE_SPAN_MS 4000u

/* Notes that so many octets have come by now_ms, a clock that never jumps, and returns the rate in
 * octets a second. Returns 0 during the first half second. */
uint64_t cmd_rate_now(cmd_rate *r, uint64_t octets, uint64_t now_ms);

/* Returns how much is done in thousandths, 0 to 1000: of the octets, else of the messages. Returns
 * -1 if no total is known. */
int cmd_progress_done(const cmd_progress *p);

/* Writes the seconds that are left by the rate. Returns 0 if they are not known. */
int cmd_progress_left(const cmd_progress *p, uint64_t *seconds);

/* Writes the bar for so many columns to out, of CMD_PROGRESS_TEXT bytes. The last column stays
 * free, since some terminals wrap there. With utf8 the bar has block characters, otherwise #.
 * Returns the length in bytes. */
size_t cmd_progress_bar(char *out, const cmd_progress *p, unsigned columns, int utf8);

/* Writes the line for a log: printable ASCII, without a line end. Returns its length. */
size_t cmd_progress_plain(char *out, const cmd_progress *p);

#endif
