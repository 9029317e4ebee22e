/* SPDX-License-Identifier: MIT */
/* test_command_tls - what the command makes of its TLS options before a connection, and how it puts
 * into words what became of TLS. Needs no network. */
#define _POSIX_C_SOURCE 200809L
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

#include "results.h"
#include "tls.h"

/* An authority's certificate: P-256, signed by itself, from 2020 to 2120. Its key was thrown away.
 */
static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBdzCCAR6gAwIBAgIUU3ObQqq7ChodyL/qEfoy4CxzdsIwCgYIKoZIzj0EAwIw\n"
                                "GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjAwMTAxMDAwMDAwWhgPMjEy\n"
                                "MDAxMDEwMDAwMDBaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI\n"
                                "zj0CAQYIKoZIzj0DAQcDQgAEgZ/9C8cXwrHcov5hZbRMHPvQF5liG/GXBfBHz77k\n"
                                "FGsIQ7NjLaXoGzkw3WdgOO51Il4lq8E/8vG3TxNv9lNGHqNCMEAwDwYDVR0TAQH/\n"
                                "BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAgQwHQYDVR0OBBYEFC791cByyKZvBBdN7GFY\n"
                                "rNkK01iSMAoGCCqGSM49BAMCA0cAMEQCIC/mYG9gGnzR/NpO5wYLNVydRrlHed7J\n"
                                "MH5XZQSCAPLCAiAJIYI0+Tj1sR+lsSTgKwOwkujScSrkNDbbOnmLbAlhOw==\n"
                                "-----END CERTIFICATE-----\n";
enum { IN_2026 = 1795604400 };

static cmd_tls t;
static cmd_options o;
static cmd_report r;
static int pipe_fds[2];
static char seen[8192];
static char dir[] = "/tmp/popcl-command-tls-XXXXXX";

static int set_up(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return rmdir(dir);
}

static void begin(int verbose, int trace) {
    assert_int_equal(pipe(pipe_fds), 0);
    cmd_report_init(&r, 0, verbose, trace ? pipe_fds[1] : -1);
    r.err_fd = r.out_fd = pipe_fds[1];
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

/* Options of a run with TLS, at a time that the test knows. */
static void options(void) {
    cmd_tls_close(&t);
    memset(&t, 0, sizeof t);
    memset(&o, 0, sizeof o);
    o.security = POPCL_TLS;
    o.now_s = IN_2026;
}

static int opens(void) {
    begin(1, 0);
    int code = cmd_tls_open(&t, &o, &r);
    (void)end();
    return code;
}

/* A file of the test's folder with this text; the caller unlinks it. */
static const char *file(const char *text) {
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/f", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    return path;
}

/* ---- before a connection ---- */

static void clear_text_needs_nothing(void **state) {
    (void)state;
    options();
    o.security = POPCL_CLEAR;
    assert_int_equal(opens(), 0);
    assert_null(t.tls.profile);
    assert_string_equal(seen, "");
}

static void a_file_is_trusted_and_nothing_else(void **state) {
    (void)state;
    options();
    o.cert_files[0] = file(authority);
    o.iobuf_len = 541;
    o.fragment = 512;
    (void)snprintf(o.tls_name, sizeof o.tls_name, "mail.example.org");
    assert_int_equal(opens(), 0);
    assert_int_equal(unlink(o.cert_files[0]), 0);
    assert_int_equal(t.tls.trust->anchors_len, 1);
    assert_int_equal(t.tls.trust->pins_len, 0);
    assert_int_equal(t.tls.utc_s, IN_2026);
    assert_int_equal(t.tls.fragment, 512);
    assert_string_equal(t.tls.name, "mail.example.org");
    assert_non_null(strstr(seen, "trust anchors: 1; pinned keys: 0"));
}

static void the_clock_tells_where_no_time_is_given(void **state) {
    (void)state;
    options();
    o.cert_files[0] = file(authority);
    o.now_s = -1;
    assert_int_equal(opens(), 0);
    assert_int_equal(unlink(o.cert_files[0]), 0);
    assert_true(t.tls.utc_s > IN_2026 - 365 * 86400);
    assert_null(t.tls.name);
}

/* An unusable -c or -C is an error, whatever the system has. */
static void files_that_are_refused(void **state) { /* [H1 H2 H4] */
    static const struct {
        const char *text;
        int code;
        const char *says;
    } rows[] = {
        {"", CMD_EXIT_CERT, "there is no certificate in"},
        {"127.0.0.1 localhost\n", CMD_EXIT_CERT, "there is no certificate in"},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n", CMD_EXIT_CERT, "line 1"},
        {"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", CMD_EXIT_CERT, "line"},
        {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", CMD_EXIT_CERT,
         "damaged"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        options();
        o.cert_files[0] = file(rows[i].text);
        assert_int_equal(opens(), rows[i].code);
        if (!strstr(seen, rows[i].says)) fail_msg("%s: %s", rows[i].says, seen);
        assert_non_null(strstr(seen, "\npopcl: likely cause: "));
        assert_non_null(strstr(seen, "nothing else is trusted instead\n"));
        assert_int_equal(unlink(o.cert_files[0]), 0);
        assert_int_equal(t.trust.anchors_len, 0);
    }
    options();
    o.cert_dirs[0] = dir; /* empty */
    assert_int_equal(opens(), CMD_EXIT_CERT);
    options();
    o.cert_files[0] = file(authority);
    o.now_s = INT64_C(7258118400); /* 2200 */
    assert_int_equal(opens(), CMD_EXIT_CERT);
    assert_non_null(strstr(seen, "expired"));
    assert_int_equal(unlink(o.cert_files[0]), 0);
}

static void files_that_cannot_be_read(void **state) {
    (void)state;
    options();
    o.cert_files[0] = "/nowhere/ca.pem";
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    assert_non_null(strstr(seen, "/nowhere/ca.pem"));
    options();
    o.cert_dirs[0] = "/nowhere";
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    options();
    o.cert_files[0] = dir;
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    options();
    o.cert_dirs[0] = file(authority);
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    o.cert_dirs[0] = NULL;
    assert_int_equal(unlink(file("")), 0);
}

/* One of -c and -C that is of no use is not made up for by the other. */
static void both_must_be_usable(void **state) {
    (void)state;
    options();
    o.cert_files[0] = file(authority);
    o.cert_dirs[0] = "/nowhere";
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    options();
    o.cert_files[0] = "/nowhere/ca.pem";
    o.cert_dirs[0] = dir;
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    options();
    o.cert_files[0] = file(authority);
    o.cert_dirs[0] = dir; /* where that file is now */
    assert_int_equal(opens(), 0);
    assert_int_equal(t.trust.anchors_len, 1);
    assert_int_equal(unlink(o.cert_files[0]), 0);
}

static void pins_alone_need_no_authority(void **state) {
    (void)state;
    options();
    assert_int_equal(setenv("SSL_CERT_FILE", "/nowhere/ca.pem", 1), 0);
    o.pins_len = 2;
    memset(o.pins, 7, sizeof o.pins);
    assert_int_equal(opens(), 0);
    assert_int_equal(t.tls.trust->anchors_len, 0);
    assert_int_equal(t.tls.trust->pins_len, 2);
    assert_memory_equal(t.tls.trust->pins[1], o.pins[1], POPCL_PIN_LEN);
    o.cert_files[0] = file(authority); /* both must hold */
    assert_int_equal(opens(), 0);
    assert_int_equal(t.tls.trust->anchors_len, 1);
    assert_int_equal(t.tls.trust->pins_len, 2);
    assert_int_equal(unlink(o.cert_files[0]), 0);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

static void the_environment_comes_before_the_system(void **state) {
    (void)state;
    if (cmd_tls_compiled_anchors()) skip_test("anchors compiled in come before both");
    options();
    assert_int_equal(setenv("SSL_CERT_FILE", file(authority), 1), 0);
    assert_int_equal(setenv("SSL_CERT_DIR", "", 1), 0);
    assert_int_equal(opens(), 0);
    assert_int_equal(t.trust.anchors_len, 1);
    assert_int_equal(unlink(file("")), 0);
    options();
    assert_int_equal(opens(), CMD_EXIT_NO_INPUT);
    assert_non_null(strstr(seen, "SSL_CERT_FILE"));
    assert_non_null(strstr(seen, "--pin"));
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    assert_int_equal(unsetenv("SSL_CERT_DIR"), 0);
}

static void each_run_has_a_seed_of_its_own(void **state) { /* [J7] */
    popcl_seed first;
    (void)state;
    for (int i = 0; i < 2; i++) {
        options();
        o.pins_len = 1;
        assert_int_equal(opens(), 0);
        if (i == 0) first = t.seed;
    }
    assert_memory_not_equal(&first, &t.seed, sizeof first);
    cmd_tls_close(&t);
    for (size_t i = 0; i < sizeof t.seed; i++)
        assert_int_equal(t.seed.bytes[i], 0);
}

/* ---- after the session ---- */

/* A session that is over, as popcl_tls_get_diag sees it. */
static popcl_tls_session *over(int error) {
    options();
    o.pins_len = 1;
    assert_int_equal(opens(), 0);
    t.storage.session.error = (int16_t)error;
    return &t.storage.session;
}

static const char *explained(popcl_err e) {
    static char text[600];
    cmd_tls_explain(&t, e, &r, text, sizeof text);
    return text;
}

static void names_of_another_certificate(void **state) {
    (void)state;
    (void)over(56);
    (void)snprintf(t.names, sizeof t.names, "mail.example.org, *.example.net");
    begin(0, 0);
    assert_string_equal(explained(POPCL_ERR_CERT_NAME),
                        "it is for mail.example.org, *.example.net");
    assert_string_equal(explained(POPCL_ERR_CERT_EXPIRED), "");
    t.names[0] = '\0';
    assert_string_equal(explained(POPCL_ERR_CERT_NO_SAN), "");
    assert_string_equal(end(), ""); /* BearSSL's number is no matter of people */
}

static void a_record_that_does_not_fit(void **state) { /* [D43] */
    (void)state;
    popcl_tls_session *s = over(6);
    s->record_len = 16408;
    s->minor = 4; /* TLS 1.2 */
    s->iobuf_len = 541;
    begin(0, 0);
    assert_string_equal(explained(POPCL_ERR_TLS_RECORD_SIZE),
                        "the record needs 16408 octets, the buffer has 541");
    (void)end();
}

static void alerts_have_names(void **state) {
    static const struct {
        int error;
        popcl_err e;
        const char *text;
    } rows[] = {
        {256 + 40, POPCL_ERR_TLS_ALGORITHMS, "its alert is 40 handshake_failure"},
        {256 + 70, POPCL_ERR_TLS_VERSION, "its alert is 70 protocol_version"},
        {256 + 116, POPCL_ERR_TLS_ALERT, "its alert is 116 certificate_required"},
        {256 + 0, POPCL_ERR_TLS_ALERT, "its alert is 0 close_notify"},
        {256 + 255, POPCL_ERR_TLS_ALERT, "its alert is 255"},
        {512 + 42, POPCL_ERR_TLS_PROTOCOL, ""}, /* our own */
        {256 + 80, POPCL_ERR_TIMEOUT_TOTAL, ""},
        {7, POPCL_ERR_TLS_PROTOCOL, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)over(rows[i].error);
        begin(0, 0);
        assert_string_equal(explained(rows[i].e), rows[i].text);
        (void)end();
    }
}

static void details_are_for_who_asks(void **state) {
    static const struct {
        uint16_t asked;
        uint8_t fragment;
        const char *line;
    } rows[] = {
        {512, POPCL_FRAGMENT_GRANTED,
         "popcl: records of at most 512 octets were asked for: granted\n"},
        {4096, POPCL_FRAGMENT_IGNORED,
         "popcl: records of at most 4096 octets were asked for: ignored, larger ones may come\n"},
        {1024, POPCL_FRAGMENT_UNKNOWN,
         "popcl: records of at most 1024 octets were asked for: unknown\n"},
        {0, POPCL_FRAGMENT_UNKNOWN, "popcl: no record size was asked for"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        popcl_tls_session *s = over(62);
        s->version = 0x0303;
        s->suite = 0xCCA9;
        s->curve = 29;
        s->fragment_asked = rows[i].asked;
        s->fragment = rows[i].fragment;
        begin(1, 1);
        (void)explained(POPCL_ERR_CERT_UNTRUSTED);
        cmd_tls_announce(&t, &r); /* once is enough */
        const char *text = end();
        assert_int_equal(
            strncmp(text, "popcl: TLS 1.2, ECDHE-ECDSA-CHACHA20-POLY1305, X25519\n", 54), 0);
        if (!strstr(text, rows[i].line)) fail_msg("%s: %s", rows[i].line, text);
        assert_non_null(strstr(text, "\npopcl: BearSSL error 62\n"));
        assert_null(strstr(strstr(text, "TLS 1.2") + 1, "TLS 1.2"));
    }
    (void)over(62);
    begin(0, 1);
    (void)explained(POPCL_ERR_CERT_UNTRUSTED);
    assert_string_equal(end(), "-- BearSSL error 62\n");
}

static void certificates_that_could_not_be_used_are_told(void **state) {
    (void)state;
    options();
    o.cert_files[0] = file(authority);
    assert_int_equal(opens(), 0);
    t.store.found = 3;
    t.store.unusable = 2;
    begin(0, 0);
    assert_string_equal(explained(POPCL_ERR_CERT_UNTRUSTED),
                        "2 of the 3 certificates given cannot be trusted");
    assert_string_equal(explained(POPCL_ERR_CERT_EXPIRED), "");
    (void)end();
    assert_int_equal(unlink(o.cert_files[0]), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clear_text_needs_nothing),
        cmocka_unit_test(a_file_is_trusted_and_nothing_else),
        cmocka_unit_test(the_clock_tells_where_no_time_is_given),
        cmocka_unit_test(files_that_are_refused),
        cmocka_unit_test(files_that_cannot_be_read),
        cmocka_unit_test(both_must_be_usable),
        cmocka_unit_test(pins_alone_need_no_authority),
        cmocka_unit_test(the_environment_comes_before_the_system),
        cmocka_unit_test(each_run_has_a_seed_of_its_own),
        cmocka_unit_test(names_of_another_certificate),
        cmocka_unit_test(a_record_that_does_not_fit),
        cmocka_unit_test(alerts_have_names),
        cmocka_unit_test(details_are_for_who_asks),
        cmocka_unit_test(certificates_that_could_not_be_used_are_told),
    };
    return cmocka_run_group_tests_name("command_tls", tests, set_up, tear_down);
}
