/* SPDX-License-Identifier: MIT */
/* report - everything that the command prints. Errors in three parts, warnings, notes, progress and
 * the trace go to standard error, the count and listings to standard output. It decides which text
 * is fit to be shown. Control and 8-bit octets are escaped, and the password is taken out of a
 * server's words. A descriptor that takes nothing more is given up for good at the end of the run's
 * time, or at the first signal. It knows no network and no store. */
#ifndef POPCL_CMD_REPORT_H
#define POPCL_CMD_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "outlet.h"
#include "popcl_fetch.h"
#include "progress.h"

/* Octets of one traced line that are shown; the rest is cut. */
#define CMD_TRACE_LINE     2048
#define CMD_TRACE_SENT_MAX (POPCL_COMMAND_MAX + sizeof "***")

enum cmd_exit {
    CMD_EXIT_DONE = 0,
    CMD_EXIT_NOTHING_NEW = 1,
    CMD_EXIT_USAGE = 64,
    CMD_EXIT_NO_INPUT = 66,
    CMD_EXIT_HOST = 68,
    CMD_EXIT_UNAVAILABLE = 69,
    CMD_EXIT_CREATE = 73,
    CMD_EXIT_DISK = 74,
    CMD_EXIT_LATER = 75,
    CMD_EXIT_PROTOCOL = 76,
    CMD_EXIT_LOGIN = 77,
    CMD_EXIT_CONFIG = 78,
    CMD_EXIT_CERT = 79,
    CMD_EXIT_TLS = 80,
    CMD_EXIT_SIGNAL = 128 /* plus the signal's number */
};

/* Returns the exit code of a result; for POPCL_CLASS_STOPPED the caller adds the signal's
 * number. */
int cmd_exit_code(popcl_err e);

typedef struct cmd_report {
    int out_fd, err_fd, trace_fd; /* trace_fd -1 = no trace */
    cmd_patience patience;        /* how long each of them may take nothing; zeroed = for ever */
    int disk_errno;               /* of the store's first failure; 0 = no failure, or not known */
    int quiet, verbose;
    int is_signed_trust; /* 1 = of the set of --ta-blob: no advice names another place of trust */
    int json;            /* 1 = errors are lines of --json too */
    int progress;        /* cmd_progress_form of err_fd, never CMD_PROGRESS_AUTO */
    int drawn;           /* private: a bar is on the screen */
    uint64_t shown_ms;   /* private: when progress was shown last; 0 = not yet */
    cmd_rate rate;       /* private: of the progress */
    int out_errno; /* the first failure of out_fd; 0 = no failure. ETIMEDOUT: it took nothing */
    const char *account; /* NULL, or the name that each line begins with: of --config */
    const char *secret;  /* borrowed: the text that no output may have */
    size_t secret_len;
    cmd_outlet outlets[3];              /* private: of the descriptors */
    size_t out_len, line_len, sent_len; /* private: of the buffers below */
    int line_cut, trace_told;
    int had_cr;    /* private: the last octet that was to be printed was a CR */
    int is_inside; /* private: of a line of standard output */
    char out[4096];
    char line[CMD_TRACE_LINE];     /* of the server's */
    char sent[CMD_TRACE_SENT_MAX]; /* a command, which may leave while a reply has come in part */
    char shown[3 * CMD_TRACE_LINE + 1]; /* the line, scrubbed */
} cmd_report;

/* Prints nothing yet. Progress is a bar if err_fd is a terminal that can erase a line, unless
 * quiet, verbose or trace is set. Otherwise nothing is shown. */
void cmd_report_init(cmd_report *r, int quiet, int verbose, int trace_fd);

/* Shows progress in this form on any err_fd. CMD_PROGRESS_AUTO leaves what init chose, and so does
 * quiet. */
void cmd_report_choose_progress(cmd_report *r, cmd_progress_form form);

/* The run may last total_ms from now on, and ends earlier once *stop is not 0. */
void cmd_report_limit(cmd_report *r, const volatile sig_atomic_t *stop, uint32_t total_ms);

/* Writes the rest, and wipes the buffers. */
void cmd_report_end(cmd_report *r);

/* Prints the three parts of an error; cause and advice may be "". All strings may have any octets:
 * they are escaped. */
void cmd_report_error(cmd_report *r, const char *what, const char *cause, const char *advice);

/* One line of the kind in its name. Quiet drops warning and note; only verbose prints detail. */
void cmd_report_warning(cmd_report *r, const char *format, ...);
void cmd_report_note(cmd_report *r, const char *format, ...);
void cmd_report_detail(cmd_report *r, const char *format, ...);

/* Copies text that a server gave to out (cap bytes, NUL-terminated), with *** for each occurrence
 * of the secret, and for base64 that holds it. If the text is cut, a beginning of the secret at its
 * end is replaced too. */
void cmd_report_scrub(const cmd_report *r, char *out, size_t cap, const char *text, size_t n,
                      int cut);

/* Prints a result of the library in three parts, with its special facts: server, message, the
 * port's error, the server's own words. */
void cmd_report_result(cmd_report *r, const popcl_diag *d, const char *server, const char *special);

/* Returns the milliseconds until progress is due: a bar ten times a second, a line every 5 seconds.
 * 0 = now, UINT32_MAX = never. */
uint32_t cmd_report_progress_due(cmd_report *r);

/* Shows the progress in the form of r->progress. Fills in p->rate. A bar is as wide as the terminal
 * is now. */
void cmd_report_progress(cmd_report *r, cmd_progress *p);

/* Returns "POPCL_ERR_..." of a result, valid until the next call. */
const char *cmd_report_error_name(popcl_err e);

/* Prints octets of a message: TAB and line ends as they are, other control characters and 8-bit
 * octets escaped. CRLF becomes LF. */
void cmd_report_print_octets(cmd_report *r, const char *p, size_t n);

/* Standard output, buffered; flush returns 0, or -1 once a write failed. */
void cmd_report_print(cmd_report *r, const char *text);
/* The same, for a callback that gets a cmd_report as its context. */
void cmd_report_put(void *report, const char *text);
/* Prints one line of standard output, escaped as on standard error. */
void cmd_report_line(cmd_report *r, const char *format, ...);
int cmd_report_flush(cmd_report *r);

/* For popcl_config.trace, with a cmd_report as its context. */
void cmd_report_trace(void *report, popcl_trace kind, const char *p, size_t n);

#endif
