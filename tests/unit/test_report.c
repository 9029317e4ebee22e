/* SPDX-License-Identifier: MIT */
/* test_report - what people get to see: errors in three parts, exit codes, nothing that a terminal
 * would obey, no password. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report.h"
#include "sentences.h"

static cmd_report r;
static int pipe_fds[2];
static char seen[16384];

static void begin(const char *secret) {
    assert_int_equal(pipe(pipe_fds), 0);
    cmd_report_init(&r, 0, 0, -1);
    r.err_fd = r.out_fd = r.trace_fd = pipe_fds[1];
    r.secret = secret;
    r.secret_len = strlen(secret);
}

/* Everything that was written, as a string. */
static const char *end(void) {
    size_t n = 0;
    cmd_report_end(&r);
    (void)close(pipe_fds[1]);
    for (ssize_t got; (got = read(pipe_fds[0], seen + n, sizeof seen - 1 - n)) > 0;)
        n += (size_t)got;
    (void)close(pipe_fds[0]);
    seen[n] = '\0';
    return seen;
}

static void exit_codes(void **state) { /* [L7] */
    static const struct {
        popcl_err e;
        int code;
    } rows[] = {
        {POPCL_OK, 0},
        {POPCL_MORE, 0},
        {POPCL_ERR_HOST, 64},
        {POPCL_ERR_NO_TLS, 64},
        {POPCL_ERR_RESOLVE, 68},
        {POPCL_ERR_RESOLVE_TIMEOUT, 75},
        {POPCL_ERR_CONNECT, 69},
        {POPCL_ERR_SYS_PERM, 69},
        {POPCL_ERR_SINK, 74},
        {POPCL_ERR_COMMIT, 74},
        {POPCL_ERR_SYNC, 74},
        {POPCL_ERR_TIMEOUT_CONNECT, 75},
        {POPCL_ERR_TIMEOUT_GREETING, 75},
        {POPCL_ERR_CLOSED, 75},
        {POPCL_ERR_SERVER_CLOSED, 75},
        {POPCL_ERR_IN_USE, 75},
        {POPCL_ERR_NO_UIDL, 75},
        {POPCL_ERR_COMMAND_REFUSED, 75},
        {POPCL_ERR_BODY_EMPTY, 75},
        {POPCL_ERR_CAPA, 75},
        {POPCL_ERR_LOGIN_DELAY, 75},
        {POPCL_ERR_SYS_TEMP, 75},
        {POPCL_ERR_RETR_REFUSED, 75},
        {POPCL_ERR_TOO_LARGE, 75},
        {POPCL_ERR_QUIT_UNKNOWN, 75},
        {POPCL_ERR_NOT_POP3, 76},
        {POPCL_ERR_UNASKED, 76},
        {POPCL_ERR_LINE_LENGTH, 76},
        {POPCL_ERR_GREETED_AGAIN, 76},
        {POPCL_ERR_AUTH, 77},
        {POPCL_ERR_LOGIN_NEEDS_TLS, 77},
        {POPCL_ERR_APOP_REFUSED, 77},
        {POPCL_ERR_NO_STAMP, 77},
        {POPCL_ERR_CREDENTIAL_OCTET, 78},
        {POPCL_ERR_COMMAND_LENGTH, 78},
        {POPCL_ERR_NO_TRUST, 64},
        {POPCL_ERR_CLOCK_NOT_SET, 79},
        {POPCL_ERR_CERT_UNTRUSTED, 79},
        {POPCL_ERR_CERT_NAME, 79},
        {POPCL_ERR_CERT_EXPIRED, 79},
        {POPCL_ERR_CERT_PIN, 79},
        {POPCL_ERR_CERT_UNCHECKED, 79},
        {POPCL_ERR_TIMEOUT_TLS, 80},
        {POPCL_ERR_TLS_NOT_TLS, 80},
        {POPCL_ERR_STLS_REFUSED, 80},
        {POPCL_ERR_STLS_SURPLUS, 80},
        {POPCL_ERR_TLS_RECORD_SIZE, 80},
        {POPCL_ERR_TLS_PROTOCOL, 80},
        {POPCL_ERR_STOPPED, 128},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (cmd_exit_code(rows[i].e) != rows[i].code)
            fail_msg("%s: %d, not %d", popcl_err_name(rows[i].e), cmd_exit_code(rows[i].e),
                     rows[i].code);
    }
}

static void every_result_has_three_parts(void **state) {
    (void)state;
    for (int e = POPCL_MORE + 1; e < POPCL_ERR_COUNT_; e++) {
        popcl_diag d;
        memset(&d, 0, sizeof d);
        d.err = (popcl_err)e;
        d.verb = d.refused = "";
        begin("secret");
        cmd_report_result(&r, &d, "mail.example:110", "");
        const char *text = end();
        assert_non_null(strstr(text, "popcl: mail.example:110: "));
        assert_non_null(strstr(text, "\npopcl: likely cause: "));
        assert_non_null(strstr(text, "\npopcl: what to try: "));
    }
}

/* Words that a program's author knows, and no user of the command. */
static const char *library_word(const char *text) {
    static const char *const words[] = {"POPCL",   "popcl_", "sink",    "commit",        "callback",
                                        "caller",  "plan",   "profile", "configuration", "contract",
                                        "popcl.h", "submit", "_"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, words[i])) return words[i];
    return NULL;
}

/* A firmware engineer has no options, and a user of the command has no fields: each error speaks to
 * its reader. Every row is printed as the command prints it, with every number of the system that
 * changes it. */
static void no_word_of_the_library_reaches_a_user(void **state) {
    static const int numbers[] = {0,      EAGAIN, EMFILE, ENFILE,        ENOMEM,       ENOBUFS,
                                  EINVAL, ENOSPC, EDQUOT, ENETUNREACH,   EHOSTUNREACH, EROFS,
                                  EIO,    EFBIG,  ENOENT, EADDRNOTAVAIL, EACCES,       -3};
    (void)state;
    for (int e = POPCL_MORE + 1; e < POPCL_ERR_COUNT_; e++) {
        if (strstr(popcl_err_advice((popcl_err)e), " -") ||
            strstr(popcl_err_advice((popcl_err)e), "(-"))
            fail_msg("%s: an option: %s", popcl_err_name((popcl_err)e),
                     popcl_err_advice((popcl_err)e));
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
            popcl_diag d;
            memset(&d, 0, sizeof d);
            d.err = (popcl_err)e;
            d.net_code = numbers[n];
            d.verb = d.refused = "";
            begin("secret");
            r.disk_errno = numbers[n];
            cmd_report_result(&r, &d, "mail.example:110", "");
            const char *text = end();
            if (library_word(text))
                fail_msg("%s: `%s`: %s", popcl_err_name((popcl_err)e), library_word(text), text);
        }
        if (library_word(cmd_sentences_what((popcl_err)e)))
            fail_msg("%s: %s", popcl_err_name((popcl_err)e), cmd_sentences_what((popcl_err)e));
    }
}

/* What the machine lacks is not told as the server's fault. */
static void what_the_systems_number_adds(void **state) {
    static const struct {
        popcl_err e;
        int number;
        const char *says;
    } rows[] = {
        {POPCL_ERR_NET, EAGAIN, "no process could be started to look up the server's name"},
        {POPCL_ERR_NET, EMFILE, "no socket could be opened"},
        {POPCL_ERR_NET, ECONNRESET, "the connection broke"},
        {POPCL_ERR_CONNECT, EINVAL, "the address is link-local"},
        {POPCL_ERR_CONNECT, ECONNREFUSED, "nothing listens there"},
        {POPCL_ERR_SINK, ENOSPC, "the disk is full"},
        {POPCL_ERR_SINK, EROFS, "the file system was mounted read-only"},
        {POPCL_ERR_SYNC, EIO, "the medium is failing"},
        {POPCL_ERR_SINK, 12345, "there is no space, no permission"},
        {POPCL_ERR_SINK, 0, "there is no space, no permission"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        popcl_diag d;
        memset(&d, 0, sizeof d);
        d.err = rows[i].e;
        d.verb = d.refused = "";
        begin("secret");
        if (popcl_err_class(d.err) == POPCL_CLASS_DISK)
            r.disk_errno = rows[i].number;
        else
            d.net_code = rows[i].number;
        cmd_report_result(&r, &d, "mail.example:110", "");
        assert_non_null(strstr(end(), rows[i].says));
    }
}

static void result_with_specifics(void **state) { /* [B11 E13] */
    popcl_diag d;
    (void)state;
    memset(&d, 0, sizeof d);
    d.err = POPCL_ERR_AUTH;
    d.verb = d.refused = "PASS";
    d.failed = 0;
    d.reply.status = POPCL_STATUS_ERR;
    (void)snprintf(d.reply.text, sizeof d.reply.text, "no \033[2J hunter2 \xe4");
    d.reply.text_len = (uint8_t)strlen(d.reply.text);
    begin("hunter2");
    cmd_report_result(&r, &d, "h:1", "");
    const char *text = end();
    assert_non_null(strstr(text, "PASS: \"no \\x1b[2J *** \\xe4\""));
    assert_null(strstr(text, "hunter2"));
    d.err = POPCL_ERR_CONNECT;
    d.verb = "RETR";
    d.net_code = ECONNREFUSED;
    begin("hunter2");
    cmd_report_result(&r, &d, "h:1", "");
    text = end();
    assert_non_null(strstr(text, strerror(ECONNREFUSED)));
    assert_null(strstr(text, "\\x1b")); /* what was said before is no part of it */
}

/* What the command knows besides, a certificate's names say: they come from a server too. */
static void result_with_something_special(void **state) {
    popcl_diag d;
    char names[512];
    (void)state;
    memset(&d, 0, sizeof d);
    d.err = POPCL_ERR_CERT_NAME;
    d.verb = d.refused = "";
    begin("hunter2");
    cmd_report_result(&r, &d, "h:995", "it is for a\033[2Jb");
    assert_non_null(strstr(
        end(),
        "popcl: h:995: the server's certificate is for another name: it is for a\\x1b[2Jb\n"));
    memset(names, 'n', sizeof names - 1);
    names[sizeof names - 1] = '\0';
    begin("hunter2");
    cmd_report_result(&r, &d, "h:995", names);
    assert_non_null(strstr(end(), names));
}

static void scrubbing(void **state) { /* [E13 L6] */
    static const struct {
        const char *text;
        int cut;
        const char *shown;
    } rows[] = {
        {"abc", 0, "***"},     {"xabcabcx", 0, "x******x"},
        {"ab", 0, "ab"},       {"xx ab", 1, "xx ***"},
        {"xx a", 1, "xx ***"}, {"aabc", 0, "a***"},
        {"ABC", 0, "ABC"},     {"", 1, ""},
        {"ababc", 1, "ab***"}, {"x abc", 1, "x ***"},
    };
    char out[64];
    (void)state;
    begin("abc");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cmd_report_scrub(&r, out, sizeof out, rows[i].text, strlen(rows[i].text), rows[i].cut);
        assert_string_equal(out, rows[i].shown);
    }
    cmd_report_scrub(&r, out, 4, "xxxxxabc", 8, 0);
    assert_string_equal(out, "xxx");
    (void)end();
}

/* [E13] SASL sends the password in base64, and some servers repeat the command that they refuse.
 * The password is at any place of a group of three. */
static void scrubbing_of_base64(void **state) {
    static const struct {
        const char *text;
        int cut;
        const char *shown;
    } rows[] = {
        {"-ERR AUTH PLAIN AGZyZWQAaHVudGVyMg== ?", 0, "-ERR AUTH PLAIN *** ?"},
        {"\"AGZyZWRhAGh1bnRlcjI=\"", 0, "\"***\""},
        {"AGZyZWRhYQBodW50ZXIy.", 0, "***."},
        {"aHVudGVyMg==", 0, "***"},
        {"aHVudGVyMg and hunter2", 0, "*** and ***"},
        {"AGZyZWQAaHVudGVyMQ==", 0, "AGZyZWQAaHVudGVyMQ=="}, /* another password */
        {"AUTH PLAIN AGZyZWQAaHVud", 1, "AUTH PLAIN ***"},
        {"AUTH PLAIN AGZyZWQAaHVud", 0, "AUTH PLAIN AGZyZWQAaHVud"},
        {"(xx/aHVudGVyMg==)", 0, "(***)"}, /* not at the begin of what looks like base64 */
        {"xaHVudGVyMg==", 0, "***"},
        {"the maildrop is locked", 0, "the maildrop is locked"},
    };
    char out[64];
    (void)state;
    begin("hunter2");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cmd_report_scrub(&r, out, sizeof out, rows[i].text, strlen(rows[i].text), rows[i].cut);
        assert_string_equal(out, rows[i].shown);
    }
    cmd_report_scrub(&r, out, 3, "aHVudGVyMg==", 12, 0);
    assert_string_equal(out, "**");
    (void)end();
}

static void trace_lines(void **state) { /* [L6 E13] */
    (void)state;
    begin("hunter2");
    cmd_report_trace(&r, POPCL_TRACE_STATE, "greeting", 8);
    cmd_report_trace(&r, POPCL_TRACE_SENT, "PASS ", 5);
    cmd_report_trace(&r, POPCL_TRACE_SENT, "***", 3);
    cmd_report_trace(&r, POPCL_TRACE_SENT, "", 0);
    /* the secret in two pieces, with a state between them */
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "-ERR hun", 8);
    cmd_report_trace(&r, POPCL_TRACE_STATE, "idle", 4);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "ter2\t\\\x7f\0", 8);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "", 0);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "cut", 3);
    assert_string_equal(end(),
                        "-- greeting\nC: PASS ***\n-- idle\nS: -ERR ***\\x09\\\\\\x7f\nS: cut\n");
}

/* [L6 E13] With commands in flight, one leaves while a reply has come in part. */
static void a_command_inside_a_traced_reply(void **state) {
    (void)state;
    begin("hunter2");
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "-ERR hunter2, hun", 17);
    cmd_report_trace(&r, POPCL_TRACE_SENT, "RETR 2", 6);
    cmd_report_trace(&r, POPCL_TRACE_SENT, "", 0);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "ter2", 4);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "", 0);
    assert_string_equal(end(), "C: RETR 2\nS: -ERR ***, ***\n");
}

static void a_traced_line_is_bounded(void **state) { /* [L6] */
    char piece[1000];
    (void)state;
    memset(piece, 'x', sizeof piece);
    begin("xy");
    for (int i = 0; i < 10; i++)
        cmd_report_trace(&r, POPCL_TRACE_RECEIVED, piece, sizeof piece);
    cmd_report_trace(&r, POPCL_TRACE_RECEIVED, "", 0);
    const char *text = end();
    assert_in_range(strlen(text), 1000, CMD_TRACE_LINE + 16);
    assert_non_null(strstr(text, "x***\n")); /* the cut end may be the secret's beginning */
}

static void lines_are_escaped_and_quiet_is_quiet(void **state) {
    (void)state;
    begin("x");
    cmd_report_warning(&r, "file %s", "a\nb\033");
    cmd_report_note(&r, "noted");
    cmd_report_detail(&r, "not said");
    r.quiet = 1;
    cmd_report_warning(&r, "not said");
    cmd_report_note(&r, "not said");
    cmd_report_error(&r, "what", "cause", "advice");
    assert_string_equal(end(), "popcl: warning: file a\\x0ab\\x1b\npopcl: noted\npopcl: "
                               "what\npopcl: likely cause: cause\npopcl: what to try: advice\n");
}

static void output_errors_are_noticed(void **state) {
    char line[] = "0123456789012345678901234567890123456789\n";
    (void)state;
    begin("x");
    for (int i = 0; i < 300; i++)
        cmd_report_print(&r, line);
    assert_int_equal(cmd_report_flush(&r), 0);
    assert_int_equal(strlen(end()), 300 * (sizeof line - 1));
    begin("x");
    r.out_fd = open("/dev/null", O_RDONLY); /* as a closed standard output is replaced */
    cmd_report_print(&r, line);
    assert_int_equal(cmd_report_flush(&r), -1);
    assert_int_equal(r.out_errno, EBADF);
    assert_int_equal(cmd_report_flush(&r), -1);
    (void)close(r.out_fd);
    (void)end();
}

/* [L11] A trace that ends before the session is told, once. */
static void a_trace_that_ends_is_told(void **state) {
    (void)state;
    begin("x");
    r.trace_fd = open("/dev/null", O_RDONLY);
    for (int i = 0; i < 5; i++)
        cmd_report_trace(&r, POPCL_TRACE_STATE, "idle", 4);
    (void)close(r.trace_fd);
    const char *text = end();
    assert_non_null(strstr(text, "popcl: warning: the trace is not complete: "));
    assert_null(strstr(strstr(text, "warning") + 1, "warning"));
}

/* Both may be one terminal: the count must not stand behind half a progress line. */
static void output_erases_the_progress(void **state) {
    (void)state;
    assert_int_equal(setenv("LC_ALL", "C", 1), 0);
    begin("x");
    r.progress = CMD_PROGRESS_BAR;
    cmd_progress p = {1, 2, 2048, 10240, 0};
    cmd_report_progress(&r, &p);
    cmd_report_print(&r, "2 messages downloaded.\n");
    assert_int_equal(cmd_report_flush(&r), 0);
    assert_string_equal(end(),
                        "\r[######                        ] 20%  1 of 2 messages  2.0 of 10.0 KB"
                        "\033[K\r\033[K2 messages downloaded.\n");
}

/* In a log each line is whole; a run that is soon over writes none. */
static void plain_progress_is_lines(void **state) {
    (void)state;
    begin("x");
    cmd_report_choose_progress(&r, CMD_PROGRESS_PLAIN);
    assert_int_not_equal(cmd_report_progress_due(&r), 0);
    assert_true(cmd_report_progress_due(&r) <= 5000);
    r.shown_ms -= 5000;
    assert_int_equal(cmd_report_progress_due(&r), 0);
    cmd_progress p = {1, 0, 2048, 0, 0};
    cmd_report_progress(&r, &p);
    assert_int_not_equal(cmd_report_progress_due(&r), 0);
    assert_string_equal(end(), "popcl: 1 messages, 2.0 KB\n");
}

static void quiet_has_no_progress(void **state) {
    (void)state;
    begin("x");
    r.quiet = 1;
    cmd_report_choose_progress(&r, CMD_PROGRESS_BAR);
    assert_int_equal(cmd_report_progress_due(&r), UINT32_MAX);
    cmd_progress p = {1, 0, 2048, 0, 0};
    cmd_report_progress(&r, &p);
    assert_string_equal(end(), "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_codes),
        cmocka_unit_test(every_result_has_three_parts),
        cmocka_unit_test(no_word_of_the_library_reaches_a_user),
        cmocka_unit_test(what_the_systems_number_adds),
        cmocka_unit_test(scrubbing),
        cmocka_unit_test(scrubbing_of_base64),
        cmocka_unit_test(result_with_specifics),
        cmocka_unit_test(result_with_something_special),
        cmocka_unit_test(trace_lines),
        cmocka_unit_test(a_command_inside_a_traced_reply),
        cmocka_unit_test(a_traced_line_is_bounded),
        cmocka_unit_test(output_errors_are_noticed),
        cmocka_unit_test(output_erases_the_progress),
        cmocka_unit_test(plain_progress_is_lines),
        cmocka_unit_test(quiet_has_no_progress),
        cmocka_unit_test(a_trace_that_ends_is_told),
        cmocka_unit_test(lines_are_escaped_and_quiet_is_quiet),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
