/* SPDX-License-Identifier: MIT */
/* report - see report.h. Every line for standard error goes through emit, which escapes: no caller
 * can forget it. The password is taken out of the server's words only. In the command's own
 * sentences a mask would show which word it is. */
#define _POSIX_C_SOURCE 200809L
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "json.h"
#include "sentences.h"
#include "system.h"

int cmd_exit_code(popcl_err e) {
    static const unsigned char codes[] = {
        [POPCL_CLASS_DONE] = CMD_EXIT_DONE,
        [POPCL_CLASS_USAGE] = CMD_EXIT_USAGE,
        [POPCL_CLASS_HOST] = CMD_EXIT_HOST,
        [POPCL_CLASS_UNAVAILABLE] = CMD_EXIT_UNAVAILABLE,
        [POPCL_CLASS_DISK] = CMD_EXIT_DISK,
        [POPCL_CLASS_LATER] = CMD_EXIT_LATER,
        [POPCL_CLASS_PROTOCOL] = CMD_EXIT_PROTOCOL,
        [POPCL_CLASS_LOGIN] = CMD_EXIT_LOGIN,
        [POPCL_CLASS_CONFIG] = CMD_EXIT_CONFIG,
        [POPCL_CLASS_CERT] = CMD_EXIT_CERT,
        [POPCL_CLASS_TLS] = CMD_EXIT_TLS,
        [POPCL_CLASS_STOPPED] = CMD_EXIT_SIGNAL,
    };
    return codes[popcl_err_class(e)];
}

void cmd_report_init(cmd_report *r, int quiet, int verbose, int trace_fd) {
    const char *term = cmd_environment("TERM");
    memset(r, 0, sizeof *r);
    r->out_fd = STDOUT_FILENO;
    r->err_fd = STDERR_FILENO;
    r->trace_fd = trace_fd;
    r->quiet = quiet;
    r->verbose = verbose;
    int can_erase = term && strcmp(term, "dumb") != 0 && isatty(r->err_fd);
    r->progress =
        !quiet && !verbose && trace_fd < 0 && can_erase ? CMD_PROGRESS_BAR : CMD_PROGRESS_NONE;
}

void cmd_report_choose_progress(cmd_report *r, cmd_progress_form form) {
    if (form != CMD_PROGRESS_AUTO && !r->quiet) r->progress = (int)form;
}

void cmd_report_limit(cmd_report *r, const volatile sig_atomic_t *stop, uint32_t total_ms) {
    r->patience.stop = stop;
    r->patience.end_ms = cmd_outlet_now_ms() + total_ms;
}

/* ---- writing ---- */

enum outlets { OUT, ERR, TRACE };

static cmd_outlet *outlet(cmd_report *r, enum outlets which) {
    const int fds[] = {[OUT] = r->out_fd, [ERR] = r->err_fd, [TRACE] = r->trace_fd};
    cmd_outlet *o = &r->outlets[which];
    if (o->patience && o->fd == fds[which]) return o;
    if (o->patience) cmd_outlet_close(o);
    cmd_outlet_open(o, fds[which], &r->patience);
    return o;
}

static void erase_progress(cmd_report *r) {
    if (r->drawn) (void)cmd_outlet_write(outlet(r, ERR), "\r\033[K", 4);
    r->drawn = 0;
}

typedef struct line {
    cmd_outlet *to;
    size_t len;
    char buf[1024];
} line;

static void report_add(line *l, const char *p, size_t n) {
    if (n > sizeof l->buf - l->len) {
        (void)cmd_outlet_write(l->to, l->buf, l->len);
        l->len = 0;
    }
    for (size_t i = 0; i < n; i++)
        l->buf[l->len++] = p[i]; /* n is below 128 */
}

/* Writes an octet as it is shown: \xNN if it is not printable ASCII. Returns its length. */
static size_t escape(char to[4], char octet) {
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)octet;
    if (c >= 0x20 && c <= 0x7E && c != '\\') {
        to[0] = octet;
        return 1;
    }
    to[0] = '\\';
    to[1] = c == '\\' ? '\\' : 'x';
    to[2] = hex[c >> 4];
    to[3] = hex[c & 15];
    return c == '\\' ? 2 : 4;
}

/* Writes lead, the text with \xNN for each octet that is not printable ASCII, and a line end: in
 * one piece if it fits. */
static void emit(cmd_report *r, enum outlets which, const char *lead, const char *text, size_t n) {
    line l = {.to = outlet(r, which)};
    if (l.to->fd == r->err_fd) erase_progress(r);
    if (r->account) {
        report_add(&l, r->account, strlen(r->account));
        report_add(&l, ": ", 2);
    }
    report_add(&l, lead, strlen(lead));
    for (size_t i = 0; i < n; i++) {
        char shown[4];
        size_t len = escape(shown, text[i]);
        report_add(&l, shown, len);
    }
    report_add(&l, "\n", 1);
    (void)cmd_outlet_write(l.to, l.buf, l.len);
}

static void say(cmd_report *r, const char *lead, const char *format, va_list arguments) {
    char text[1536] = "";
    int n = vsnprintf(text, sizeof text, format, arguments);
    if (n > 0) emit(r, ERR, lead, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

const char *cmd_report_error_name(popcl_err e) {
    static char text[48];
    (void)snprintf(text, sizeof text, "POPCL_%s", popcl_err_name(e));
    return text;
}

/* An error of the command itself has no result of the library: e is POPCL_OK then. */
static void print_error(cmd_report *r, popcl_err e, const char *what, const char *cause,
                        const char *advice) {
    static const char *const classes[] = {
        [POPCL_CLASS_DONE] = "DONE",         [POPCL_CLASS_USAGE] = "USAGE",
        [POPCL_CLASS_HOST] = "HOST",         [POPCL_CLASS_UNAVAILABLE] = "UNAVAILABLE",
        [POPCL_CLASS_DISK] = "DISK",         [POPCL_CLASS_LATER] = "LATER",
        [POPCL_CLASS_PROTOCOL] = "PROTOCOL", [POPCL_CLASS_LOGIN] = "LOGIN",
        [POPCL_CLASS_CONFIG] = "CONFIG",     [POPCL_CLASS_CERT] = "CERT",
        [POPCL_CLASS_TLS] = "TLS",           [POPCL_CLASS_STOPPED] = "STOPPED",
    };
    const cmd_json j = {cmd_report_put, r};
    if (!r->json) return;
    cmd_json_begin(&j, "error");
    cmd_json_text(&j, "account", r->account);
    if (e) {
        cmd_json_number(&j, "code", (uint64_t)e);
        cmd_json_text(&j, "name", cmd_report_error_name(e));
        cmd_json_text(&j, "class", classes[popcl_err_class(e)]);
        cmd_json_number(&j, "exit_code", (uint64_t)cmd_exit_code(e));
    } else {
        cmd_json_null(&j, "code");
        cmd_json_null(&j, "name");
        cmd_json_null(&j, "class");
        cmd_json_null(&j, "exit_code");
    }
    cmd_json_text(&j, "what", what);
    cmd_json_text(&j, "cause", *cause ? cause : NULL);
    cmd_json_text(&j, "advice", *advice ? advice : NULL);
    cmd_json_end(&j);
    (void)cmd_report_flush(r);
}

static void emit_error(cmd_report *r, const char *what, const char *cause, const char *advice) {
    emit(r, ERR, "popcl: ", what, strlen(what));
    if (*cause) emit(r, ERR, "popcl: likely cause: ", cause, strlen(cause));
    if (*advice) emit(r, ERR, "popcl: what to try: ", advice, strlen(advice));
}

void cmd_report_error(cmd_report *r, const char *what, const char *cause, const char *advice) {
    print_error(r, POPCL_OK, what, cause, advice);
    emit_error(r, what, cause, advice);
}

void cmd_report_warning(cmd_report *r, const char *format, ...) {
    va_list arguments;
    if (r->quiet) return;
    va_start(arguments, format);
    say(r, "popcl: warning: ", format, arguments);
    va_end(arguments);
}

void cmd_report_note(cmd_report *r, const char *format, ...) {
    va_list arguments;
    if (r->quiet) return;
    va_start(arguments, format);
    say(r, "popcl: ", format, arguments);
    va_end(arguments);
}

void cmd_report_detail(cmd_report *r, const char *format, ...) {
    va_list arguments;
    if (!r->verbose) return;
    va_start(arguments, format);
    say(r, "popcl: ", format, arguments);
    va_end(arguments);
}

/* ---- the server's words ---- */

/* Returns how many octets at the start of text, of which n are left, are the secret. If the text is
 * cut, the beginning of the secret counts too. */
static size_t secret_at(const cmd_report *r, const char *text, size_t n, int cut) {
    if (r->secret_len == 0) return 0;
    if (n >= r->secret_len) return memcmp(text, r->secret, r->secret_len) == 0 ? r->secret_len : 0;
    return cut && memcmp(text, r->secret, n) == 0 ? n : 0;
}

/* Returns the value of a character of base64; -1 = it is another character. */
static int report_digit(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Returns byte k of what these characters of base64 encode. */
static unsigned char decoded(const char *p, size_t k) {
    const char *first = p + k / 3 * 4 + k % 3;
    unsigned bits = (unsigned)report_digit(first[0]) << 6 | (unsigned)report_digit(first[1]);
    return (unsigned char)(bits >> (4 - 2 * (k % 3)) & 0xFFu);
}

/* Returns whether n characters of base64 hold the secret, which may begin inside a group. If they
 * are cut, a beginning of the secret at their end counts too. */
static int holds_secret(const cmd_report *r, const char *p, size_t n, int cut) {
    size_t octets = n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
    for (size_t at = 0; at < octets; at++) {
        size_t same = 0;
        while (same < r->secret_len && at + same < octets &&
               decoded(p, at + same) == (unsigned char)r->secret[same])
            same++;
        if (same == r->secret_len || (cut && same && at + same == octets)) return 1;
    }
    return 0;
}

/* SASL sends the secret in base64, and some servers repeat the command that they refuse. Returns
 * how many octets at the start of text are base64 that holds the secret. Other characters of base64
 * may be right before it: so each of the first four may begin a group. */
static size_t base64_at(const cmd_report *r, const char *text, size_t n, int cut) {
    size_t len = 0;
    while (len < n && report_digit(text[len]) >= 0)
        len++;
    int is_cut = cut && len == n, holds = 0;
    for (size_t skip = 0; r->secret_len && skip < 4 && skip < len && !holds; skip++)
        holds = holds_secret(r, text + skip, len - skip, is_cut);
    while (holds && len < n && text[len] == '=')
        len++;
    return holds ? len : 0;
}

void cmd_report_scrub(const cmd_report *r, char *out, size_t cap, const char *text, size_t n,
                      int cut) {
    size_t len = 0;
    for (size_t i = 0; i < n && len + 1 < cap;) {
        int is_begin = i == 0 || report_digit(text[i - 1]) < 0;
        size_t masked = is_begin ? base64_at(r, text + i, n - i, cut) : 0;
        if (!masked) masked = secret_at(r, text + i, n - i, cut);
        if (masked == 0) {
            out[len++] = text[i++];
            continue;
        }
        for (int stars = 0; stars < 3 && len + 1 < cap; stars++)
            out[len++] = '*';
        i += masked;
    }
    out[len] = '\0';
}

/* If the trace cannot be written any more, that is reported once, and it is not tried again. */
static int is_trace_over(cmd_report *r) {
    int error = outlet(r, TRACE)->error;
    if (error && !r->trace_told && r->trace_fd != r->err_fd)
        cmd_report_warning(r, "the trace is not complete: %s", cmd_error_text(error));
    r->trace_told |= error != 0;
    return error != 0;
}

/* Keeps a piece of a line: a secret may cross pieces. */
static void report_collect(cmd_report *r, int is_reply, const char *p, size_t n) {
    char *into = is_reply ? r->line : r->sent;
    size_t *len = is_reply ? &r->line_len : &r->sent_len;
    size_t room = (is_reply ? sizeof r->line : sizeof r->sent) - *len;
    size_t taken = n < room ? n : room;
    memcpy(into + *len, p, taken);
    *len += taken;
    if (is_reply) r->line_cut |= taken < n;
}

void cmd_report_trace(void *report, popcl_trace kind, const char *p, size_t n) {
    static const char *const leads[] = {
        [POPCL_TRACE_SENT] = "C: ", [POPCL_TRACE_RECEIVED] = "S: ", [POPCL_TRACE_STATE] = "-- "};
    cmd_report *r = report;
    if (r->trace_fd < 0 || is_trace_over(r)) return;
    if (kind == POPCL_TRACE_STATE) { /* in one piece, and perhaps in the middle of a line */
        if (n) emit(r, TRACE, leads[kind], p, n);
        return;
    }
    int is_reply = kind == POPCL_TRACE_RECEIVED;
    if (n) {
        report_collect(r, is_reply, p, n);
    } else if (is_reply) {
        cmd_report_scrub(r, r->shown, sizeof r->shown, r->line, r->line_len, r->line_cut);
        emit(r, TRACE, leads[kind], r->shown, strlen(r->shown));
        r->line_len = 0;
        r->line_cut = 0;
    } else {
        emit(r, TRACE, leads[kind], r->sent, r->sent_len);
        r->sent_len = 0;
    }
}

/* ---- results ---- */

void cmd_report_result(cmd_report *r, const popcl_diag *d, const char *server,
                       const char *special) {
    cmd_sentences says;
    char what[1536], words[3 * POPCL_TEXT_KEEP + 1],
        message[32] = "", reply[3 * POPCL_TEXT_KEEP + 64] = "", code[160] = "";
    cmd_sentences_find(&says, d->err,
                       popcl_err_class(d->err) == POPCL_CLASS_DISK ? r->disk_errno : d->net_code);
    if (r->is_signed_trust) cmd_sentences_signed(&says, d->err);
    if (d->message)
        (void)snprintf(message, sizeof message, " (message %lu)", (unsigned long)d->message);
    const char *number = d->net_code ? cmd_error_text(d->net_code) : "";
    if (*number) (void)snprintf(code, sizeof code, ": %s", number);
    /* A server's words count if they answered this command, or nothing that was asked (its
     * greeting, its good-bye). */
    if (d->reply.text_len && d->failed <= 1 && (!*d->refused || strcmp(d->refused, d->verb) == 0)) {
        cmd_report_scrub(r, words, sizeof words, d->reply.text, d->reply.text_len,
                         d->reply.text_len == POPCL_TEXT_KEEP);
        (void)snprintf(reply, sizeof reply, "; the server said%s%s: \"%s\"",
                       *d->refused ? " to " : "", d->refused, words);
    } else if (popcl_err_class(d->err) == POPCL_CLASS_PROTOCOL && *d->verb) {
        (void)snprintf(reply, sizeof reply, "; the command was %s", d->verb);
    }
    (void)snprintf(what, sizeof what, "%s: %s%s%s%s%s%s", server, says.what, message, code,
                   *special ? ": " : "", special, reply);
    print_error(r, d->err, what, says.cause, says.advice);
    emit_error(r, what, says.cause, says.advice);
    if (d->failed > 1)
        cmd_report_note(r, "%lu messages failed in all; this is the first",
                        (unsigned long)d->failed);
}

/* ---- progress ---- */

enum { BAR_MS = 100, LINE_MS = 5000, USUAL_COLUMNS = 80 };

uint32_t cmd_report_progress_due(cmd_report *r) {
    if (r->progress == CMD_PROGRESS_NONE) return UINT32_MAX;
    uint64_t now = cmd_outlet_now_ms();
    uint32_t wait = r->progress == CMD_PROGRESS_PLAIN ? LINE_MS : BAR_MS;
    /* a run that is soon over needs no line in a log */
    if (!r->shown_ms && r->progress == CMD_PROGRESS_PLAIN) r->shown_ms = now;
    if (!r->shown_ms || now - r->shown_ms >= wait) return 0;
    return wait - (uint32_t)(now - r->shown_ms);
}

/* Returns the columns of the terminal as it is now: no signal is needed when it changes. */
static unsigned columns_of(int fd) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : USUAL_COLUMNS;
}

/* Returns whether the locale's characters are UTF-8. The first variable that is set counts (POSIX,
 * 8.2). */
static int has_utf8(void) {
    const char *locale = cmd_environment("LC_ALL");
    if (!locale) locale = cmd_environment("LC_CTYPE");
    if (!locale) locale = cmd_environment("LANG");
    const char *charset = locale ? strchr(locale, '.') : NULL;
    return charset &&
           (strncasecmp(charset, ".UTF-8", 6) == 0 || strncasecmp(charset, ".UTF8", 5) == 0);
}

void cmd_report_progress(cmd_report *r, cmd_progress *p) {
    char text[CMD_PROGRESS_TEXT], drawn[CMD_PROGRESS_TEXT + 8];
    if (r->progress == CMD_PROGRESS_NONE) return;
    r->shown_ms = cmd_outlet_now_ms();
    p->rate = cmd_rate_now(&r->rate, p->octets, r->shown_ms);
    if (r->progress == CMD_PROGRESS_PLAIN) {
        emit(r, ERR, "popcl: ", text, cmd_progress_plain(text, p));
        return;
    }
    (void)cmd_progress_bar(text, p, columns_of(r->err_fd), has_utf8());
    int n = snprintf(drawn, sizeof drawn, "\r%s\033[K", text);
    /* a stopped terminal must not stop the run for this */
    if (n > 0 && cmd_outlet_write_now(outlet(r, ERR), drawn, (size_t)n) > 0) r->drawn = 1;
}

/* ---- standard output ---- */

int cmd_report_flush(cmd_report *r) {
    if (r->out_len) erase_progress(r); /* it may be on the same terminal */
    cmd_outlet *out = outlet(r, OUT);
    if (r->out_len && !r->out_errno && cmd_outlet_write(out, r->out, r->out_len))
        r->out_errno = out->error;
    r->out_len = 0;
    return r->out_errno ? -1 : 0;
}

static void print_octets(cmd_report *r, const char *text, size_t n) {
    if (n > sizeof r->out - r->out_len) (void)cmd_report_flush(r);
    if (n > sizeof r->out) n = sizeof r->out;
    memcpy(r->out + r->out_len, text, n);
    r->out_len += n;
}

void cmd_report_print(cmd_report *r, const char *text) {
    if (!r->account || r->json) { /* an object of --json is a line as it is */
        print_octets(r, text, strlen(text));
        return;
    }
    while (*text) {
        size_t n = strcspn(text, "\n");
        if (!r->is_inside) {
            print_octets(r, r->account, strlen(r->account));
            print_octets(r, ": ", 2);
        }
        n += text[n] == '\n';
        print_octets(r, text, n);
        r->is_inside = text[n - 1] != '\n';
        text += n;
    }
}

void cmd_report_put(void *report, const char *text) { cmd_report_print(report, text); }

void cmd_report_line(cmd_report *r, const char *format, ...) {
    char text[1000] = "", shown[4 * sizeof text + 2];
    size_t n = 0;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (const char *p = text; *p; p++)
        n += escape(shown + n, *p);
    shown[n++] = '\n';
    shown[n] = '\0';
    cmd_report_print(r, shown);
}

void cmd_report_print_octets(cmd_report *r, const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        char text[5];
        if (r->had_cr && p[i] != '\n') cmd_report_print(r, "\\x0d");
        r->had_cr = p[i] == '\r';
        if (r->had_cr) continue;
        text[0] = p[i];
        text[p[i] == '\t' || p[i] == '\n' ? 1 : escape(text, p[i])] = '\0';
        cmd_report_print(r, text);
    }
}

void cmd_report_end(cmd_report *r) {
    (void)cmd_report_flush(r);
    erase_progress(r);
    /* a line whose end never came */
    if (r->line_len) cmd_report_trace(r, POPCL_TRACE_RECEIVED, "", 0);
    if (r->trace_fd >= 0) (void)is_trace_over(r);
    for (size_t i = 0; i < sizeof r->outlets / sizeof *r->outlets; i++)
        if (r->outlets[i].patience) cmd_outlet_close(&r->outlets[i]);
    cmd_wipe(r->line, sizeof r->line);
    cmd_wipe(r->shown, sizeof r->shown);
    cmd_wipe(r->out, sizeof r->out);
    r->secret = NULL;
    r->secret_len = 0;
}
