/* SPDX-License-Identifier: MIT */
/* test_options - the command line: options that are taken, and those that are refused before a file
 * is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mechanism.h"
#include "number.h"
#include "optionrules.h"
#include "options.h"
#include "optiontable.h"

static cmd_options o;

/* Parses "popcl" and the words of one string; the pieces of a word that holds a space are no test's
 * business. */
static int parse(const char *line) {
    static char text[2048];
    char *argv[64];
    int argc = 0;
    (void)snprintf(text, sizeof text, "popcl %s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    return cmd_options_parse(&o, argc, argv);
}

static void refused(const char *line) {
    if (parse(line) == 0) fail_msg("taken: %s", line);
    assert_true(o.error[0] && o.advice && o.advice[0]);
}

static void seed_interface_in_any_order(void **state) {
    static const char *const lines[] = {
        "host -p 1110 -d -n -a auth -o out",   "-a auth -o out -nd -p1110 host",
        "-ndp1110 -aauth -oout -- host",       "-n -d host:1110 -o out -a auth",
        "pop3://host:1110 -dn -a auth -o out", "-nd POP3://HOST.:1110/ -a auth -o out",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (parse(lines[i])) fail_msg("%s: %s", lines[i], o.error);
        assert_string_equal(o.host, "host");
        assert_string_equal(o.dial, "host");
        assert_int_equal(o.port, 1110);
        assert_true(o.delete &&o.only_new && !o.quiet && !o.verbose);
        assert_string_equal(o.auth_file, "auth");
        assert_string_equal(o.out_dir, "out");
        assert_int_equal(o.action, CMD_FETCH);
        assert_int_equal(o.security, POPCL_CLEAR);
    }
}

static void info_needs_no_login(void **state) {
    static const struct {
        const char *line;
        int port, security, stls_port;
    } rows[] = {
        {"--info host", 995, POPCL_TLS, 110},
        {"--info host -T", 995, POPCL_TLS, 0},
        {"--info host -S", 110, POPCL_STLS, 0},
        {"--info host -p 995", 995, POPCL_TLS, 0},
        {"--info host:1110", 1110, POPCL_TLS, 1110},
        {"--info host:110", 110, POPCL_STLS, 0},
        {"--info host -p 1995 -T", 1995, POPCL_TLS, 0},
        {"pop3s://host --info", 995, POPCL_TLS, 0},
        {"--info host -c f --now 2026-11-25", 995, POPCL_TLS, 110},
        {"--info host --tofu f", 995, POPCL_TLS, 110},
        {"--info host --pin sha256:"
         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         995, POPCL_TLS, 110},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (parse(rows[i].line)) fail_msg("%s: %s", rows[i].line, o.error);
        assert_int_equal(o.action, CMD_INFO);
        assert_int_equal(o.port, rows[i].port);
        assert_int_equal(o.security, rows[i].security);
        assert_int_equal(o.stls_port, rows[i].stls_port);
    }
    refused("--info");
    refused("--info host --list");
    refused("--info host --check");
    refused("--info host -d");
    refused("--info host --resume f");
    refused("--info host --record");
    refused("--info host --forget all");
    refused("--info host --delete-after 3");
}

static void first_use_is_for_tls_and_excludes_other_trust(void **state) {
    (void)state;
    assert_int_equal(parse("host -T -a a -o o --tofu f"), 0);
    assert_string_equal(o.tofu_file, "f");
    refused("host -a a -o o --tofu f");
    refused("host -T -a a -o o --tofu f -c c");
    refused("host -T -a a -o o --tofu f -C c");
    refused("host -T -a a -o o --tofu f --trace=f");
    refused("host -T -a a -o o --tofu f --state f");
    refused("host -T -a a -o o --tofu f --ta-blob b --ta-key k --ta-scope s");
    refused("host -T -a a -o o --tofu f --pin sha256:"
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
}

static void defaults(void **state) {
    (void)state;
    assert_int_equal(parse("mail.example -a a -o o"), 0);
    assert_int_equal(o.port, 110);
    assert_int_equal(o.idle_ms, 60000);
    assert_int_equal(o.connect_ms, 30000);
    assert_int_equal(o.total_ms, 86400000);
    assert_true(!o.only_new && !o.delete &&o.max_size == 0 && o.limit == 0 && !o.sync_each &&
                o.auth == POPCL_AUTH_AUTO);
    assert_int_equal(parse("mail.example -T -a a -o o"), 0);
    assert_int_equal(o.port, 995);
    assert_int_equal(parse("pop3s://mail.example -a a -o o"), 0);
    assert_int_equal(o.security, POPCL_TLS);
    assert_int_equal(o.port, 995);
    assert_int_equal(parse("mail.example -S -C certs -c file -a a -o o"), 0);
    assert_int_equal(o.port, 110);
    assert_string_equal(o.cert_dirs[0], "certs");
    assert_string_equal(o.cert_files[0], "file");
}

static void long_options(void **state) {
    (void)state;
    assert_int_equal(parse("h -a a -o o -v -4 --timeout 5 --connect-timeout=7 --max-time=9 --auth "
                           "apop --no-capa --limit=3 --max-size 2M --trace=t"),
                     0);
    assert_int_equal(o.idle_ms, 5000);
    assert_int_equal(o.connect_ms, 7000);
    assert_int_equal(o.total_ms, 9000);
    assert_int_equal(o.auth, POPCL_AUTH_APOP);
    assert_int_equal(o.limit, 3);
    assert_int_equal(o.max_size, 2 * 1024 * 1024);
    assert_int_equal(o.family, CMD_IPV4);
    assert_true(o.no_capa && o.verbose && o.trace);
    assert_string_equal(o.trace_file, "t");
    assert_int_equal(parse("h -a a --list --trace -6"), 0);
    assert_int_equal(o.action, CMD_LIST);
    assert_true(o.trace && !o.trace_file && o.family == CMD_IPV6);
    assert_int_equal(parse("h -a a --check -q"), 0);
    assert_int_equal(o.action, CMD_CHECK);
    assert_int_equal(parse("h -a a -o o --max-size 500000"), 0);
    assert_int_equal(o.max_size, 500000);
    assert_int_equal(parse("h -a a -o o --sync each"), 0);
    assert_int_equal(o.sync_each, 1);
    assert_int_equal(parse("h -a a -o o --sync=group"), 0);
    assert_int_equal(o.sync_each, 0);
    assert_int_equal(parse("--help -x"), 0);
    assert_int_equal(o.action, CMD_HELP);
    assert_int_equal(parse("-d -V"), 0);
    assert_int_equal(o.action, CMD_VERSION);
}

static void selection(void **state) {
    (void)state;
    assert_int_equal(parse("host -a a -o o --msg 1,3-5 --uidl x --uidl y --match From:a --match "
                           "Subject:b --since 30"),
                     0);
    assert_int_equal(o.selection.ranges_len, 2);
    assert_int_equal(o.selection.uids_len, 2);
    assert_int_equal(o.selection.matches_len, 2);
    assert_int_equal(o.selection.since_days, 30);
    refused("host -a a -o o --msg 0");
    refused("host -a a -o o --msg 1 --msg 2");
    refused("host -a a -o o --match From");
    refused("host -a a -o o --since 0");
    refused("host -a a -o o --since 36501");
    char line[1024] = "host -a a -o o";
    for (int i = 0; i < 16; i++)
        strcat(line, " --match A:b");
    assert_int_equal(parse(line), 0);
    refused(strcat(line, " --match A:b"));
}

static void looks(void **state) {
    static const char *const contradictions[] = {"--top 1 -d",
                                                 "--top 1 --list",
                                                 "--top 1 --check",
                                                 "--top 1 --dry-run",
                                                 "--list --dry-run",
                                                 "--check --dry-run",
                                                 "--top 1 --match A:b",
                                                 "--top 1 --since 3",
                                                 "--top 1 --json",
                                                 "--check --match A:b",
                                                 "--check --since 3",
                                                 "--list -d",
                                                 "--record --top 1",
                                                 "--record --dry-run",
                                                 "--record --json",
                                                 "--forget a --top 1",
                                                 "--forget a --dry-run",
                                                 "--forget a --json",
                                                 "--info --top 1",
                                                 "--info --dry-run",
                                                 "--info --json",
                                                 "--catch-up --list",
                                                 "--catch-up --check",
                                                 "--catch-up --top 1",
                                                 "--catch-up --dry-run",
                                                 "--catch-up -d",
                                                 "--catch-up --all",
                                                 "--catch-up --match A:b",
                                                 "--catch-up --since 3",
                                                 "--catch-up --limit 1",
                                                 "--catch-up --max-size 1",
                                                 "--catch-up --json",
                                                 "--catch-up --record",
                                                 "--catch-up --forget a",
                                                 "--catch-up --info",
                                                 "--catch-up --poll 60",
                                                 "--catch-up --keep-newest 1",
                                                 "--catch-up --delete-after 1",
                                                 "--json -o -",
                                                 "--top x",
                                                 "--top 65536",
                                                 "--top -1",
                                                 "--progress sometimes"};
    char line[128];
    (void)state;
    assert_int_equal(parse("host -a a --top 0"), 0);
    assert_int_equal(o.action, CMD_TOP);
    assert_int_equal(parse("host -a a --top 65535"), 0);
    assert_int_equal(o.top_lines, 65535);
    assert_int_equal(parse("host -a a --dry-run -d -n"), 0);
    assert_int_equal(o.action, CMD_DRY_RUN);
    assert_int_equal(parse("host -a a --catch-up --pipe cat"), 0);
    assert_int_equal(o.action, CMD_CATCH_UP);
    assert_true(o.records && o.only_new);
    assert_int_equal(parse("host -a a --list --json --match A:b"), 0);
    assert_true(o.json);
    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
        (void)snprintf(line, sizeof line, "host -a a %s", contradictions[i]);
        refused(line);
    }
    assert_int_equal(parse("host -a a -o o --progress plain"), 0);
    assert_int_equal(o.progress, CMD_PROGRESS_PLAIN);
    assert_int_equal(parse("host -a a -o o"), 0);
    assert_int_equal(o.progress, CMD_PROGRESS_AUTO);
}

static void languages(void **state) {
    (void)state;
    assert_int_equal(parse("h -a a -o o --utf8 --lang pt-BR"), 0);
    assert_true(o.utf8);
    assert_string_equal(o.lang, "pt-BR");
    assert_int_equal(parse("h -a a -o o --lang *"), 0);
    assert_int_equal(parse("h -a a -o o --lang="), -1);
    assert_int_equal(parse("h -a a -o o"), 0);
    assert_true(!o.utf8 && !o.lang);
}

static void mechanisms(void **state) {
    static const struct {
        const char *value, *name;
        unsigned auth;
        int is_digest;
    } rows[] = {{"auto", "", POPCL_AUTH_AUTO, 0},
                {"user", "USER/PASS", POPCL_AUTH_USER, 0},
                {"APOP", "APOP", POPCL_AUTH_APOP, 1},
                {"plain", "PLAIN", POPCL_AUTH_PLAIN, 0},
                {"login", "LOGIN", POPCL_AUTH_LOGIN, 0},
                {"CRAM-md5", "CRAM-MD5", POPCL_AUTH_CRAM_MD5, 1},
                {"scram-sha-1", "SCRAM-SHA-1", POPCL_AUTH_SCRAM_SHA_1, 1},
                {"scram-sha-256", "SCRAM-SHA-256", POPCL_AUTH_SCRAM_SHA_256, 1},
                {"scram-sha-1-plus", "SCRAM-SHA-1-PLUS", POPCL_AUTH_SCRAM_SHA_1_PLUS, 1},
                {"scram-sha-256-plus", "SCRAM-SHA-256-PLUS", POPCL_AUTH_SCRAM_SHA_256_PLUS, 1}};
    static const char *const tokens[] = {"xoauth2", "OAuthBearer"};
    char names[300], line[64];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o --auth %s", rows[i].value);
        assert_int_equal(parse(line), 0);
        assert_int_equal(o.auth, rows[i].auth);
        assert_string_equal(cmd_mechanism_of(o.auth)->name, rows[i].name);
        assert_int_equal(cmd_mechanism_of(o.auth)->is_digest, rows[i].is_digest);
    }
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(line, sizeof line, "h -T -u a --token-command t -o o --auth %s", tokens[i]);
        assert_int_equal(parse(line), 0);
        assert_int_equal(o.auth, i ? POPCL_AUTH_OAUTHBEARER : POPCL_AUTH_XOAUTH2);
        assert_true(cmd_mechanism_of(o.auth)->is_token);
    }
    assert_int_equal(parse("h -a a -o o --auth none"), -1);
    assert_string_equal(cmd_mechanism_of(0x4000)->value, "auto");
    assert_string_equal(
        cmd_mechanism_names(names, sizeof names),
        POPCL_WITH_APOP
            ? "USER/PASS, APOP, PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, "
              "SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-256-PLUS, XOAUTH2, OAUTHBEARER"
            : "USER/PASS, PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, "
              "SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-256-PLUS, XOAUTH2, OAUTHBEARER");
}

static void tls_options(void **state) { /* [D28] */
    (void)state;
    assert_int_equal(parse("h -T -a a -o o"), 0);
    assert_true(o.now_s < 0 && o.pins_len == 0 && o.iobuf_len == 0 && o.fragment == 0 &&
                !o.ask_no_fragment && !*o.tls_name);
    assert_int_equal(parse("h -S -a a -o o --tls-name Mail.Example.ORG. --now "
                           "2026-11-25T12:00:00+01:00 --iobuf 541 --mfln 512"),
                     0);
    assert_string_equal(o.tls_name, "mail.example.org");
    assert_string_equal(o.host, "h");
    assert_int_equal(o.now_s, 1795604400);
    assert_int_equal(o.iobuf_len, 541);
    assert_int_equal(o.fragment, 512);
    assert_int_equal(parse("h -T -a a -o o --tls-name 0:0:0:0:0:0:0:1 --now 1970-01-01T00:00:00Z "
                           "--mfln none --iobuf=65536"),
                     0);
    assert_string_equal(o.tls_name, "::1");
    assert_int_equal(o.now_s, 0);
    assert_true(o.ask_no_fragment && o.fragment == 0);
    assert_int_equal(parse("h -T -a a -o o --tls-name 192.0.2.1 --mfln 4096 --iobuf 4125"), 0);
    assert_string_equal(o.tls_name, "192.0.2.1");
    assert_null(o.resume_file);
    assert_int_equal(parse("h -T -a a -o o --resume session --trace=trace"), 0);
    assert_string_equal(o.resume_file, "session");
    /* a small machine may read clear text too */
    assert_int_equal(parse("h -a a -o o --iobuf 541"), 0);
    assert_int_equal(parse("fe80::1%eth0 -T -a a -o o"), 0);
    assert_string_equal(o.host, "fe80::1");
}

#define HEX    "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define BASE64 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=" /* the same octets */
#define ZEROS  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void pins(void **state) {
    (void)state;
    assert_int_equal(parse("pop3s://h -a a -o o --pin sha256:" HEX " --pin=sha256//" BASE64
                           " --pin sha256//" ZEROS ";sha256:" HEX),
                     0);
    assert_int_equal(o.pins_len, 4);
    for (size_t i = 0; i < POPCL_PIN_LEN; i++) {
        unsigned char octet = (unsigned char)(0x11 * (i % 16));
        assert_true(o.pins[0][i] == octet && o.pins[1][i] == octet && o.pins[2][i] == 0 &&
                    o.pins[3][i] == octet);
    }
}

static void pins_that_are_refused(void **state) {
    static const char *const bad[] = {
        "sha256:",
        "sha256//",
        "sha256",
        ";",
        "md5:" HEX,
        HEX,
        "sha256:" HEX "0",
        "sha256:0" HEX,
        "sha256:x0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "sha256:00:11",
        "sha256:" BASE64,
        "sha256//" HEX,
        "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v9=", /* bits after the last octet */
        "sha256//ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8",
        "sha256//ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7v8=",
        "sha256//" BASE64 ";",
        "sha256//" BASE64 ";;sha256//" BASE64,
        "sha256:" HEX ";x",
    };
    char line[1500];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "h -T -a a -o o --pin %s", bad[i]);
        refused(line);
    }
    (void)snprintf(line, sizeof line, "h -T -a a -o o");
    for (int i = 0; i < CMD_PINS_MAX; i++)
        strcat(line, " --pin sha256//" ZEROS);
    assert_int_equal(parse(line), 0);
    strcat(line, " --pin sha256//" ZEROS);
    refused(line);
    assert_non_null(strstr(o.error, "more than 16"));
}

static void tls_values_that_are_refused(void **state) { /* [L1 L2 D27 D28] */
    static const char *const bad[] = {
        "--tls-name .",
        "--tls-name a..b",
        "--tls-name -x",
        "--tls-name host:995",
        "--tls-name [::1]",
        "--tls-name fe80::1%eth0",
        "--tls-name ho/st",
        "--tls-name *.example.org",
        "--tls-name h --tls-name h",
        "--now now",
        "--now 2026-13-01T00:00:00Z",
        "--now 2026-02-29T00:00:00Z",
        "--now 2026-11-25T12:00:00",
        "--now 2026-11-25T24:00:00Z",
        "--now 1969-12-31T23:59:59Z",
        "--now 1795604400",
        "--iobuf 540",
        "--iobuf 0",
        "--iobuf -541",
        "--iobuf 65537",
        "--iobuf 4k",
        "--mfln 256",
        "--mfln 513",
        "--mfln 8192",
        "--mfln 0",
        "--mfln None",
        "--mfln 512 --mfln none",
        "--mfln 512 --iobuf 540",
        "--mfln 1024 --iobuf 1052", /* its records do not fit */
        "-c",
        "-C",
        "--ta-blob f",
        "--ta-blob f --ta-key k",
        "--ta-key k --ta-scope s",
        "--ta-blob f --ta-scope s",
        "--ta-blob f --ta-key k --ta-scope s -c g",
        "--ta-blob f --ta-key k --ta-scope s -C g",
        "--ta-blob f --ta-key k --ta-key k --ta-scope s",
        "--resume f --resume g",
        "--resume f --trace=f",
        "-T",
    };
    char line[400];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "h -T -a a -o o %s", bad[i]);
        refused(line);
    }
    refused("h -T -a a -o o --tls-name m\xc3\xbcller.example");
    assert_non_null(strstr(o.error, "xn--"));
    assert_int_equal(parse("h -T -a a -o o --mfln 1024 --iobuf 1053"), 0);
    assert_int_equal(parse("h -T -a a -o o --ta-blob f --ta-key k --ta-scope s"), 0);
    assert_string_equal(o.ta_blob, "f");
    assert_string_equal(o.ta_key, "k");
    assert_string_equal(o.ta_scope, "s");
}

static void tls_options_in_clear_text(void **state) { /* [L1] */
    static const char *const words[] = {"-c f",
                                        "-C d",
                                        "--ta-blob f --ta-key k --ta-scope s",
                                        ("--pin sha256:" HEX),
                                        "--tls-name h",
                                        "--now 2026-11-25T12:00:00Z",
                                        "--mfln none",
                                        "--resume f"};
    char line[400];
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o %s", words[i]);
        refused(line);
        assert_non_null(strstr(o.error, " is given without -T or -S"));
        (void)snprintf(line, sizeof line, "pop3://h -a a -o o %s", words[i]);
        refused(line);
        (void)snprintf(line, sizeof line, "h -a a -o o %s -S", words[i]);
        if (parse(line)) fail_msg("%s: %s", line, o.error);
    }
}

static void no_insecure_mode(void **state) { /* [D48] */
    (void)state;
    refused("h -T -a a -o o --insecure");
    assert_non_null(strstr(o.error, "--insecure"));
    assert_non_null(strstr(o.advice, "--pin"));
    refused("h -T -a a -o o --insecure=yes");
    assert_non_null(strstr(o.advice, "--tofu"));
    refused("h -a a -o o --insecure");
}

static void contradictions_and_repetitions(void **state) { /* [L1] */
    static const char *const lines[] = {
        "h -a a -o o -T -S",
        "h -a a -o o -TS",
        "h -a a -o o -4 -6",
        "h -a a -o o -q -v",
        "h -a a -o o -n -n",
        "h -a a -a b -o o",
        "h -a a -o o -o p",
        "h -p 110 -p 110 -a a -o o",
        "h:110 -p 110 -a a -o o",
        "h -a a --list --check",
        "h -a a --list -d",
        "h -a a --check -d",
        "h -a a -o o -c f",
        "h -a a -o o -C d",
        "pop3s://h -S -a a -o o",
        "https://h -T -a a -o o",
        "h h -a a -o o",
        "h -a a -o o --limit 1 --limit 2",
        "h -a a -o o --timeout 1 --timeout=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        refused(lines[i]);
}

static void the_record(void **state) {
    static const char *const lines[] = {
        "h -a a -o o -d --delete-after 5",
        "h -a a -o o -d --keep-newest 5",
        "h -a a -o o --delete-after 0",
        "h -a a -o o --delete-after 36501",
        "h -a a -o o --delete-after -1",
        "h -a a -o o --delete-after 5d",
        "h -a a -o o --keep-newest 0",
        "h -a a -o o --keep-newest 4294967296",
        "h -a a --list --delete-after 5",
        "h -a a --check --keep-newest 5",
        "h -a a --record --delete-after 5",
        "h -a a --forget u --keep-newest 5",
        "h -a a --record --forget u",
        "h -a a --record --list",
        "h -a a --record --check",
        "h -a a --forget u --list",
        "h -a a --forget u --check",
        "h -a a --forget u --forget v",
        "h -a a --forget",
        "h -a a --record=1",
        "--record -u u",
        "h --record",
        "h --record --netrc",
        "h --forget u",
        "h -T -a a -o o --state f --resume f",
    };
    (void)state;
    assert_int_equal(parse("h -a a -o o --delete-after 36500 --keep-newest=4294967295 --state f"),
                     0);
    assert_int_equal(o.delete_after, 36500);
    assert_true(o.keep_newest == UINT32_MAX);
    assert_string_equal(o.state_file, "f");
    assert_true(o.records && !o.only_new);
    /* in clear text too: no secret is asked for */
    assert_int_equal(parse("h -u u --record -v"), 0);
    assert_true(o.action == CMD_SHOW_RECORD && !o.records && o.verbose);
    assert_int_equal(parse("pop3://u@h --forget all"), 0);
    assert_true(o.action == CMD_FORGET && o.records);
    assert_string_equal(o.forget, "all");
    assert_int_equal(parse("h -a a --forget u --state f"), 0);
    assert_int_equal(o.source, CMD_SOURCE_FILE);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(parse(i ? "h -a a --check" : "h -a a --list -n"), 0);
        assert_int_equal(o.records, 0);
    }
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        refused(lines[i]);
}

static void missing_and_unknown(void **state) {
    static const char *const lines[] = {
        "",
        "-a a -o o",
        "h",
        "h -a a",
        "h -o o",
        "h -a a -o",
        "h -o o -a",
        "h -a a -o o -x",
        "h -a a -o o --frobnicate",
        "h -a a -o o --no-capa=1",
        "h -a a -o o --limit",
        "h -a a -o o --",
        "h -a a -o o -- -n",
        "h -a a -o o --tim 5",
        "h -a a -o o --auth none-such",
        "h -a a -o o --trace=",
        "h -a a -o o --sync",
        "h -a a -o o --sync=all",
        "h -a a -o o --sync each --sync group",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (strcmp(lines[i], "h -a a -o o --") == 0)
            assert_int_equal(parse(lines[i]), 0);
        else
            refused(lines[i]);
    }
}

static void numbers_have_a_largest(void **state) {
    (void)state;
    assert_int_equal(tool_number("8", 8), 8);
    assert_int_equal(tool_number("9", 8), 0);
    assert_int_equal(tool_number("09", 8), 0);
    assert_int_equal(tool_number("255", 255), 255);
    assert_int_equal(tool_number("256", 255), 0);
    assert_true(tool_number("18446744073709551615", UINT64_MAX) == UINT64_MAX);
    assert_int_equal(tool_number("18446744073709551616", UINT64_MAX), 0);
}

static void numbers_are_strict(void **state) { /* [L2 L12] */
    static const char *const ports[] = {
        "0",    "65536", "-1",     "+110",    "110x",     "x",         "1e2",
        "0x6e", "=110",  "000995", "0000995", "00000995", "000009950", "99999999999999999999"};
    static const char *const numbers[] = {
        "0", "-1", "1.5", "5s", "00005", "00000005", "000000000005", "99999999999999999999"};
    static const char *const sizes[] = {
        "0",           "-1", "k", "1kk", "1T", "1.5M", "00005", "00005k", "18446744073709551616",
        "17179869184G"};
    char line[128];
    char *const empty[] = {"popcl", "h", "-p", "", "-a", "a", "-o", "o", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        (void)snprintf(line, sizeof line, "h -p %s -a a -o o", ports[i]);
        refused(line);
        (void)snprintf(line, sizeof line, "h:%s -a a -o o", ports[i]);
        refused(line);
        (void)snprintf(line, sizeof line, "[::1]:%s -a a -o o", ports[i]);
        refused(line);
        (void)snprintf(line, sizeof line, "pop3s://h:%s/ -a a -o o", ports[i]);
        refused(line);
    }
    refused("h: -a a -o o");
    assert_int_equal(cmd_options_parse(&o, 8, empty), -1);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o --timeout %s", numbers[i]);
        refused(line);
        (void)snprintf(line, sizeof line, "h -a a -o o --limit=%s", numbers[i]);
        refused(line);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o --max-size %s", sizes[i]);
        refused(line);
    }
    assert_int_equal(parse("h:65535 -a a -o o"), 0);
    assert_int_equal(o.port, 65535);
    assert_int_equal(parse("pop3s://h:00995/ -a a -o o --timeout 005"), 0);
    assert_int_equal(o.port, 995);
    assert_int_equal(o.idle_ms, 5000);
}

/* A port that is hardly meant causes a warning before anything connects. */
/* The place of the messages, and what it implies. */
static void stores(void **state) {
    static const struct {
        const char *line;
        uint8_t store, crlf, raw, only_new;
    } rows[] = {
        {"h -a a -o o", CMD_STORE_DIR, 1, 0, 0},
        {"h -a a -o o --format dir --eol lf", CMD_STORE_DIR, 0, 0, 0},
        {"h -a a -o o --format maildir", CMD_STORE_MAILDIR, 0, 0, 1},
        {"h -a a -o o --format maildir -n -d", CMD_STORE_MAILDIR, 0, 0, 1},
        {"h -a a -o o --format=mbox --eol=crlf", CMD_STORE_MBOX, 1, 0, 1},
        {"h -a a -o o --format mbox --all", CMD_STORE_MBOX, 0, 0, 0},
        {"h -a a --pipe cat", CMD_STORE_PIPE, 0, 0, 1},
        {"h -a a --pipe cat --all --eol crlf", CMD_STORE_PIPE, 1, 0, 0},
        {"h -a a -o -", CMD_STORE_STREAM, 1, 0, 0},
        {"h -a a -o - -n", CMD_STORE_STREAM, 1, 0, 1},
        {"h -a a -o - --limit 2 --eol lf", CMD_STORE_STREAM, 0, 0, 0},
        {"h -a a -o - --limit 1", CMD_STORE_STREAM, 1, 1, 0},
        {"h -a a -o - --limit 1 --format raw --eol lf", CMD_STORE_STREAM, 0, 1, 0},
        {"h -a a -o - --limit 1 --format mbox", CMD_STORE_STREAM, 1, 0, 0},
        {"h -a a -o ./-", CMD_STORE_DIR, 1, 0, 0},
        {"h -a a --list --format maildir", CMD_STORE_MAILDIR, 0, 0, 0},
    };
    static const char *const bad[] = {
        "h -a a -o - -d",
        "h -a a -o - --format dir",
        "h -a a -o - --format maildir",
        "h -a a -o - --format raw",
        "h -a a -o - --format raw --limit 2",
        "h -a a -o o --format raw --limit 1",
        "h -a a --format maildir",
        "h -a a -o o --pipe cat",
        "h -a a --pipe cat --format mbox",
        "h -a a -o o --format Maildir",
        "h -a a -o o --format mbox -n --all",
        "h -a a -o o --eol cr",
        "h -a a --pipe",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (parse(rows[i].line)) fail_msg("%s: %s", rows[i].line, o.error);
        if (o.store != rows[i].store || o.crlf != rows[i].crlf || o.raw != rows[i].raw ||
            o.only_new != rows[i].only_new)
            fail_msg("%s: store %d, crlf %d, raw %d, -n %d", rows[i].line, o.store, o.crlf, o.raw,
                     o.only_new);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i]);
    /* a command of nothing would succeed, and -d would delete everything */
    static const char *const nothing[] = {"", " \n", "# cat", " #\n\t# cat >> mail\n", ";#"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        char text[32], *const argv[] = {"popcl", "h", "-a", "a", "--pipe", text, NULL};
        (void)snprintf(text, sizeof text, "%s", nothing[i]);
        assert_int_equal(cmd_options_parse(&o, 6, argv), -1);
    }
    assert_int_equal(parse("h -a a --pipe #\ncat#"), 0);
}

static void ports_of_the_other_kind(void **state) {
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"h -p 995 -a a -o o", "port 995 is for POP3S"},
        {"h:995 -a a -o o", "port 995 is for POP3S"},
        {"pop3://h:995 -a a -o o", "port 995 is for POP3S"},
        {"h:995 -S -a a -o o", "port 995 is for POP3S"},
        {"h:110 -T -a a -o o", "port 110 begins in clear"},
        {"pop3s://h:110/ -a a -o o", "port 110 begins in clear"},
        {"h -T -a a -o o", NULL},
        {"h -T -p 995 -a a -o o", NULL},
        {"h -S -p 110 -a a -o o", NULL},
        {"h -p 110 -a a -o o", NULL},
        {"h -T -p 9950 -a a -o o", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(parse(rows[i].line), 0);
        assert_int_equal(o.doubt != NULL, rows[i].says != NULL);
        if (o.doubt) assert_non_null(strstr(o.doubt, rows[i].says));
    }
}

static void servers(void **state) { /* [L3 D28] */
    static const struct {
        const char *given, *host, *dial;
        uint16_t port;
    } good[] = {
        {"127.0.0.1", "127.0.0.1", "127.0.0.1", 110},
        {"127.0.0.1:99", "127.0.0.1", "127.0.0.1", 99},
        {"Mail.Example.ORG.", "mail.example.org", "mail.example.org", 110},
        {"::1", "::1", "::1", 110},
        {"0:0:0:0:0:0:0:1", "::1", "::1", 110},
        {"[::1]", "::1", "::1", 110},
        {"[2001:DB8::1]:99", "2001:db8::1", "2001:db8::1", 99},
        {"fe80::1%eth0", "fe80::1", "fe80::1%eth0", 110},
        {"[fe80::1%2]:99", "fe80::1", "fe80::1%2", 99},
        {"pop3://[::1]:99/", "::1", "::1", 99},
        {"xn--mller-kva.example", "xn--mller-kva.example", "xn--mller-kva.example", 110},
        {"under_score", "under_score", "under_score", 110},
    };
    char line[128];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(line, sizeof line, "-a a -o o %s", good[i].given);
        if (parse(line)) fail_msg("%s: %s", good[i].given, o.error);
        assert_string_equal(o.host, good[i].host);
        assert_string_equal(o.dial, good[i].dial);
        assert_int_equal(o.port, good[i].port);
    }
}

static void servers_that_are_refused(void **state) { /* [L3 D27 D28] */
    static const char *const bad[] = {
        ".",
        "..",
        ".host",
        "a..b",
        "-- -host",
        "host%eth0",
        "::1%",
        "fe80::1",
        "[febf::1]:995",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.00000000001",
        "12345678901",
        "::1%a/b",
        "::g",
        "[::1",
        "[::1]x",
        "[::1]99",
        "[host]",
        "1:2:3",
        "user@host",
        "pop3://host/inbox",
        "pop3://",
        "http://host",
        "ho/st",
        "host\x01",
        "host\r\n",
        "host\x7f",
    };
    char line[400], name[CMD_HOST_MAX + 2];
    char *const empty[] = {"popcl", "-a", "a", "-o", "o", "", NULL}, *const space[] = {
                                                                         "popcl", "-a", "a",
                                                                         "-o",    "o",  "ho st",
                                                                         NULL};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "-a a -o o %s", bad[i]);
        refused(line);
    }
    assert_int_equal(cmd_options_parse(&o, 6, empty), -1);
    assert_int_equal(cmd_options_parse(&o, 6, space), -1);
    refused("-a a -o o m\xc3\xbcller.example");
    assert_non_null(strstr(o.error, "xn--"));
    memset(name, 'a', sizeof name - 1); /* 256 octets */
    name[sizeof name - 1] = '\0';
    (void)snprintf(line, sizeof line, "-a a -o o %s", name);
    refused(line);
    (void)snprintf(line, sizeof line, "-a a -o o %s", name + 1);
    assert_int_equal(parse(line), 0);
}

static void urls(void **state) { /* [R92] */
    static const struct {
        const char *given, *user, *host, *typed;
        uint16_t port, auth;
        uint8_t security;
    } good[] = {
        {"pop://h", NULL, "h", "h", 110, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop://alice@h", "alice", "h", "h", 110, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"POP://alice@H.:99/", "alice", "h", "H.", 99, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop3s://alice@h", "alice", "h", "h", 995, POPCL_AUTH_AUTO, POPCL_TLS},
        {"pop3s://alice@h -T", "alice", "h", "h", 995, POPCL_AUTH_AUTO, POPCL_TLS},
        {"pop://alice@h -S", "alice", "h", "h", 110, POPCL_AUTH_AUTO, POPCL_STLS},
        {"pop://alice@h -T", "alice", "h", "h", 995, POPCL_AUTH_AUTO, POPCL_TLS},
        {"pop3://alice;AUTH=*@h", "alice", "h", "h", 110, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop://alice;auth=+apop@h", "alice", "h", "h", 110, POPCL_AUTH_APOP, POPCL_CLEAR},
        {"pop://alice;AUTH=PLAIN@h", "alice", "h", "h", 110, POPCL_AUTH_PLAIN, POPCL_CLEAR},
        {"pop://alice;AUTH=%2bAPOP@h", "alice", "h", "h", 110, POPCL_AUTH_APOP, POPCL_CLEAR},
        {"pop://;AUTH=+APOP@h", NULL, "h", "h", 110, POPCL_AUTH_APOP, POPCL_CLEAR},
        {"pop://;AUTH=*@h -u bob", "bob", "h", "h", 110, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop://a%40b%3Ac%3bd%2F%25%20%c3%A9@h", "a@b:c;d/% \xc3\xa9", "h", "h", 110,
         POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop://a&=~$-_.+!*'(),@h", "a&=~$-_.+!*'(),", "h", "h", 110, POPCL_AUTH_AUTO, POPCL_CLEAR},
        {"pop3s://alice@[0::1]:99/", "alice", "::1", "0::1", 99, POPCL_AUTH_AUTO, POPCL_TLS},
    };
    char line[200];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(line, sizeof line, "-a a -o o %s", good[i].given);
        if (parse(line)) fail_msg("%s: %s", good[i].given, o.error);
        assert_string_equal(o.host, good[i].host);
        assert_int_equal(o.typed_len, strlen(good[i].typed));
        assert_memory_equal(o.typed, good[i].typed, o.typed_len);
        assert_int_equal(o.port, good[i].port);
        assert_int_equal(o.auth, good[i].auth);
        assert_int_equal(o.security, good[i].security);
        assert_int_equal(o.user != NULL, good[i].user != NULL);
        if (o.user) assert_string_equal(o.user, good[i].user);
    }
}

static void urls_that_are_refused(void **state) { /* [R92 E8 E13] */
    static const struct {
        const char *given, *says;
    } bad[] = {
        {"pop://alice:hunter2@h", "has a password"},
        {"pop://alice:@h", "has a password"},
        {"pop://alice:hun@ter2@h", "has a password"},
        {"pop3s://alice:hunter2;AUTH=*@h", "has a password"},
        {"pop://alice;AUTH=hunter2@h", "names a mechanism"},
        {"pop://alice;AUTH=USER@h", "names a mechanism"},
        {"pop://alice;AUTH=APOP@h", "names a mechanism"},
        {"pop://alice;AUTH=auto@h", "names a mechanism"},
        {"pop://alice;AUTH=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@h", "too long"},
        {"pop://alice;AUTH=@h", "a parameter"},
        {"pop://alice;TYPE=a@h", "a parameter"},
        {"pop://alice;@h", "a parameter"},
        {"pop://@h", "is empty"},
        {"pop://al%00ice@h", "a NUL or a line end"},
        {"pop://al%0dice@h", "a NUL or a line end"},
        {"pop://al%0Aice@h", "a NUL or a line end"},
        {"pop://alice;AUTH=%0a@h", "a NUL or a line end"},
        {"pop://al%4@h", "without two"},
        {"pop://al%@h", "without two"},
        {"pop://al%4xice@h", "without two"},
        {"pop://al%x4ice@h", "without two"},
        {"pop://alice@example.org@h", "must encode"},
        {"pop://m\xc3\xbcller@h", "must encode"},
        {"pop://alice@h/inbox", "a path"},
        {"pop://alice@h?x", "a path"},
        {"pop://alice@h/?x", "a path"},
        {"pop://alice@h#x", "a path"},
        {"pop://alice@", "is empty"},
        {"pops://alice@h", "a scheme"},
        {"pop3s://alice@h -S", "exclude each other"},
        {"pop3s://alice@h -u alice", "the user name is given twice"},
        {"pop3s://alice;AUTH=*@h --auth user", "the mechanism is given twice"},
        {"pop3s://alice@h:995 -p 995", "the port is given twice"},
        {"alice@h", "has an @"},
    };
    char line[400], user[300];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "-a a -o o %s", bad[i].given);
        refused(line);
        if (!strstr(o.error, bad[i].says)) fail_msg("%s: %s", bad[i].given, o.error);
        assert_null(strstr(o.error, "hunter2"));
    }
    memset(user, 'a', CMD_USER_MAX);
    user[CMD_USER_MAX] = '\0';
    (void)snprintf(line, sizeof line, "-a a -o o pop://%s@h", user);
    assert_int_equal(parse(line), 0);
    (void)snprintf(line, sizeof line, "-a a -o o pop://%sa@h", user);
    refused(line);
    (void)snprintf(line, sizeof line, "-a a -o o -u %sa h", user);
    refused(line);
}

static void sources_of_the_password(void **state) { /* [L1] */
    static const struct {
        const char *line;
        uint8_t source;
    } good[] = {
        {"h -o o -a a", CMD_SOURCE_FILE},
        {"h -o o -a a -u alice", CMD_SOURCE_FILE},
        {"h -o o -T --netrc", CMD_SOURCE_NETRC},
        {"h -o o -S --netrc=file --user=alice", CMD_SOURCE_NETRC},
        {"h -o o -T -u alice --password-command pass", CMD_SOURCE_COMMAND},
        {"pop3s://alice@h -o o --password-command=pass", CMD_SOURCE_COMMAND},
        {"h -o o -T -u alice --token-command oama", CMD_SOURCE_TOKEN},
        {"pop3s://alice;AUTH=XOAUTH2@h -o o --token-command=oama", CMD_SOURCE_TOKEN},
        {"h -S -o o -u alice --token-command oama --auth oauthbearer", CMD_SOURCE_TOKEN},
        {"h -o o -T -ualice", CMD_SOURCE_PROMPT},
        {"pop3s://alice@h --check", CMD_SOURCE_PROMPT},
        {"h -o o -u alice --auth user", CMD_SOURCE_PROMPT},
        {"h -o o --netrc --auth user", CMD_SOURCE_NETRC},
        {"h -o o --netrc --auth apop", CMD_SOURCE_NETRC},
        {"pop://alice;AUTH=+APOP@h -o o --password-command pass", CMD_SOURCE_COMMAND},
    };
    static const char *const both[][2] = {
        {"h -T -o o -a a --netrc", "-a and --netrc exclude each other"},
        {"h -T -o o -a a -u b --password-command p",
         "-a and --password-command exclude each other"},
        {"h -T -o o -a a -u b --token-command p", "-a and --token-command exclude each other"},
        {"h -T -o o -u b --netrc --token-command p",
         "--netrc and --token-command exclude each other"},
        {"h -T -o o -u b --password-command p --token-command p",
         "--password-command and --token-command exclude each other"},
        {"h -T -o o -u b --netrc --password-command p",
         "--netrc and --password-command exclude each other"},
    };
    static const char *const bare[] = {"h -o o --netrc",
                                       "pop://alice@h -o o --netrc",
                                       "h -o o -u alice --password-command p",
                                       "h -o o -u alice",
                                       "h -o o -u alice --token-command p",
                                       "h -o o -u alice --token-command p --auth xoauth2",
                                       "pop://alice@h -o o",
                                       "pop://alice;AUTH=*@h -o o",
                                       "h -o o -u alice --auth auto",
                                       "h -o o -u alice --auth plain",
                                       "pop://alice;AUTH=PLAIN@h -o o"};
    static const char *const other[] = {"h -T -o o",
                                        "h -T -o o --password-command p",
                                        "h -T -o o --token-command p",
                                        "h -T -o o -u alice --token-command p --auth user",
                                        "h -T -o o -u alice --token-command p --auth plain",
                                        "h -T -o o -u alice --auth xoauth2",
                                        "h -T -o o -a a --auth oauthbearer",
                                        "pop3s://alice;AUTH=XOAUTH2@h -o o --netrc",
                                        "h -T -o o -u alice:secret",
                                        "h -T -o o -u",
                                        "h -T -o o -u alice -u bob",
                                        "h -T -o o --netrc=",
                                        "h -T -o o -u al\x0dice",
                                        "h -T -o o -u alice --password=x"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (parse(good[i].line)) fail_msg("%s: %s", good[i].line, o.error);
        assert_int_equal(o.source, good[i].source);
    }
    for (size_t i = 0; i < sizeof both / sizeof *both; i++) {
        refused(both[i][0]);
        assert_string_equal(o.error, both[i][1]);
    }
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++) {
        refused(bare[i]);
        if (!strstr(o.error, "neither -T nor -S")) fail_msg("%s: %s", bare[i], o.error);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        refused(other[i]);
}

static void errors_echo_no_value(void **state) { /* [E13] */
    static const char *const lines[] = {"h -a a -o o --password=s3cret",
                                        "h -a a -o o -s3cret",
                                        "h s3cret -a a -o o",
                                        "h -p s3cret -a a -o o",
                                        "h:s3cret -a a -o o",
                                        "h -T -a a -o o --pin s3cret",
                                        "h -T -a a -o o --tls-name s3cret/",
                                        "h -T -a a -o o --now s3cret",
                                        "h -T -a a -o o --iobuf s3cret",
                                        "h -T -a a -o o --mfln s3cret",
                                        "h -T -o o -u alice:s3cret",
                                        "pop3s://alice:s3cret@h -o o",
                                        "pop3s://alice;AUTH=s3cret@h -o o",
                                        "pop3s://alice%s3cret@h -o o",
                                        "pop3s://alice@h/s3cret -o o"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        refused(lines[i]);
        assert_null(strstr(o.error, "s3cret"));
        assert_null(strstr(o.error, "3cret"));
    }
}

static char help[20480];

static void collect(void *ctx, const char *text) {
    (void)ctx;
    strncat(help, text, sizeof help - strlen(help) - 1);
}

/* Returns the number of lines. */
static size_t get_help(int all) {
    size_t column = 0, lines = 0;
    help[0] = '\0';
    cmd_options_help(all, collect, NULL);
    assert_in_range(strlen(help), 1000, sizeof help - 2);
    for (const char *p = help; *p; p++) {
        lines += *p == '\n';
        column = *p == '\n' ? 0 : column + 1;
        assert_in_range(column, 0, 80);
    }
    assert_int_equal(column, 0);
    return lines;
}

static void help_fits_a_screen(void **state) {
    (void)state;
    assert_in_range(get_help(0), 20, 60);
    assert_non_null(strstr(help, "-a, --auth-file FILE"));
    assert_non_null(strstr(help, "--help=all"));
    assert_null(strstr(help, "--connect-timeout"));
    (void)get_help(1);
    assert_non_null(strstr(help, "Exit codes"));
}

/* The short help has the first line of a text, which must be enough by itself. */
static void each_option_has_its_place_in_the_help(void **state) {
    char name[40];
    (void)state;
    (void)get_help(1);
    for (int id = 0; id < CMD_OPTIONS; id++) {
        const cmd_option_row *row = &cmd_option_rows[id];
        const cmd_option_place *place = &cmd_option_places[id];
        if (!row->name) fail_msg("option %d has no long name", id);
        if (!place->group) fail_msg("--%s has no row in cmd_option_places", row->name);
        (void)snprintf(name, sizeof name, "--%s%s", row->name, row->shown);
        if (!strstr(help, name)) fail_msg("--help=all lacks %s", name);
        size_t n = strcspn(row->help, "\n");
        if (place->daily && row->help[n] && !strchr(".,;:", row->help[n - 1]))
            fail_msg("the first line of the help of --%s is no end of a clause", row->name);
    }
}

static void each_long_name_is_known(void **state) {
    static const struct {
        const char *line;
        cmd_option_id id;
    } rows[] = {{"h --auth-file a --output o", OPT_OUT},
                {"h -a a -o o --new", OPT_NEW},
                {"h -a a -o o --delete", OPT_DELETE},
                {"h -a a -o o --port=7", OPT_PORT},
                {"h -a a -o o --tls", OPT_TLS},
                {"h -a a -o o --stls", OPT_STLS},
                {"h -Ta a -o o --cert-file=f", OPT_CERT_FILE},
                {"h -Ta a -o o --cert-dir f", OPT_CERT_DIR},
                {"h -a a -o o --ipv4", OPT_IPV4},
                {"h -a a -o o --ipv6", OPT_IPV6},
                {"h -a a -o o --verbose", OPT_VERBOSE},
                {"h -a a -o o --quiet", OPT_QUIET}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (parse(rows[i].line)) fail_msg("%s: %s", rows[i].line, o.error);
        assert_true(cmd_option_has(&o, rows[i].id));
    }
}

static void an_unknown_option_has_its_nearest(void **state) { /* [E13] */
    static const struct {
        const char *word, *error, *nearest;
    } rows[] = {
        {"--timout=5", "there is no option --timout", "--timeout;"},
        {"--tiemout 5", "there is no option --tiemout", "--timeout;"},
        {"--time", "there is no option --time", "--timeout;"},
        {"--max-sise=1", "there is no option --max-sise", "--max-size;"},
        {"--Verbose", "there is no option --Verbose", "--verbose;"},
        {"--frobnicate", "there is no option --frobnicate", NULL},
        {"--x", "there is no option --x", NULL},
        /* these may be secrets in the wrong place */
        {"--hunter_2", "there is no such long option", NULL},
        {"--p\xc3\xa4ss", "there is no such long option", NULL},
        {"--timeout!", "there is no such long option", NULL},
        {"--=timeout", "there is no such long option", NULL},
        {"--abcdefghijklmnopqrstuvwxyz0123456", "there is no such long option", NULL},
        {"--abcdefghijklmnopqrstuvwxyz012345",
         "there is no option --abcdefghijklmnopqrstuvwxyz"
         "012345",
         NULL},
    };
    char line[128];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o %s", rows[i].word);
        refused(line);
        assert_string_equal(o.error, rows[i].error);
        if (rows[i].nearest)
            assert_non_null(strstr(o.advice, rows[i].nearest));
        else
            assert_null(strstr(o.advice, "nearest"));
    }
}

static void quiet_may_come_twice(void **state) {
    (void)state;
    assert_int_equal(parse("h -a a -o o -q"), 0);
    assert_int_equal(o.quiet, 1);
    assert_int_equal(parse("h -a a -o o -qq"), 0);
    assert_int_equal(o.quiet, 2);
    assert_int_equal(parse("h -a a -o o --quiet -nq"), 0);
    assert_int_equal(o.quiet, 2);
    refused("h -a a -o o -qqq");
    refused("h -a a -o o -qqv");
}

static void certificates_may_be_in_many_files(void **state) {
    char line[400] = "h -T -a a -o o";
    (void)state;
    assert_int_equal(parse("h -T -a a -o o -c f -C d --cert-file=g -C e"), 0);
    assert_string_equal(o.cert_files[0], "f");
    assert_string_equal(o.cert_files[1], "g");
    assert_null(o.cert_files[2]);
    assert_string_equal(o.cert_dirs[1], "e");
    assert_null(o.cert_dirs[2]);
    for (int i = 0; i < CMD_CERTS_MAX; i++)
        strcat(line, " -c f");
    assert_int_equal(parse(line), 0);
    strcat(line, " -c f");
    refused(line);
}

static void ways_to_the_server(void **state) {
    static const char *const bad[] = {
        "--bind host",        "--bind 1.2.3",        "--bind 1.2.3.4.5", "--bind 1.2.3.4:5",
        "--bind ::1::",       "--bind 127.0.0.1 -6", "--bind ::1 -4",    "--bind 256.1.1.1",
        "--socks host",       "--socks host:",       "--socks :1080",    "--socks host:0",
        "--socks host:65536", "--socks ::1:1080",    "--socks [::1]",    "--socks [h]:1080",
        "--socks ho/st:1080", "--socks u@host:1080", "--socks a:b:1",    "--socks h:1 --socks h:1"};
    char line[128];
    (void)state;
    assert_int_equal(parse("h -a a -o o --bind 192.0.2.1 --socks Proxy.example.:9050"), 0);
    assert_string_equal(o.bind, "192.0.2.1");
    assert_int_equal(o.bind_family, CMD_IPV4);
    assert_string_equal(o.socks, "proxy.example");
    assert_int_equal(o.socks_port, 9050);
    assert_int_equal(parse("h -a a -o o --bind=fe80::1%eth0 -6 --socks [::1]:1"), 0);
    assert_string_equal(o.bind, "fe80::1%eth0");
    assert_string_equal(o.socks, "::1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "h -a a -o o %s", bad[i]);
        refused(line);
    }
}

static void options_of_all_accounts(void **state) {
    static const char *const bad[] = {"-o o",      "-a a", "-n",         "-T",          "--check",
                                      "--limit 1", "-p 1", "--bind ::1", "--socks h:1", "-c f"};
    char line[128];
    (void)state;
    assert_int_equal(parse("--config f"), 0);
    assert_string_equal(o.config, "f");
    assert_int_equal(o.names_len, 0);
    assert_int_equal(parse("work --config f home -q --timeout 3 --max-time 9 --connect-timeout 2 "
                           "--trace=t --poll 60"),
                     0);
    assert_int_equal(o.names_len, 2);
    assert_string_equal(o.names[1], "home");
    assert_int_equal(o.poll_ms, 60000);
    assert_true(cmd_option_goes_to_account(&o, OPT_QUIET));
    assert_false(cmd_option_goes_to_account(&o, OPT_VERBOSE));
    assert_true(cmd_option_goes_to_account(&o, OPT_POLL)); /* its rules are for each */
    assert_false(cmd_option_goes_to_account(&o, OPT_CONFIG));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(line, sizeof line, "--config f %s", bad[i]);
        refused(line);
        assert_non_null(strstr(o.error, " is given beside --config"));
    }
    refused("a b -a a -o o");
}

static void a_repeated_run_needs_its_password_again(void **state) {
    (void)state;
    assert_int_equal(parse("h -a a -o o --poll 5"), 0);
    assert_int_equal(o.poll_ms, 5000);
    assert_int_equal(parse("h -T --netrc -o o --poll=5"), 0);
    refused("h -T -u alice -o o --poll 5");
    refused("h -a - -o o --poll 5");
    refused("h -a /dev/fd/3 -o o --poll 5");
    refused("h -a /dev/stdin -o o --poll 5");
    refused("h -a a --check --poll 5");
    refused("h -a a -o o --poll 0");
}

static void completions(void **state) {
    static const char *const shells[] = {"bash", "zsh", "fish"};
    char line[64], name[40];
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(line, sizeof line, "--completion %s", shells[i]);
        assert_int_equal(parse(line), 0);
        assert_int_equal(o.action, CMD_COMPLETION);
        help[0] = '\0';
        cmd_options_completion(o.shell, collect, NULL);
        for (int id = 0; id < CMD_OPTIONS; id++) {
            (void)snprintf(name, sizeof name, "%s%s", i == 2 ? "-l " : "--",
                           cmd_option_rows[id].name);
            if (!strstr(help, name)) fail_msg("%s lacks %s", shells[i], name);
        }
    }
    refused("--completion tcsh");
    refused("--help=some");
    assert_int_equal(parse("--help=all"), 0);
    assert_true(o.help_all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_needs_no_login),
        cmocka_unit_test(first_use_is_for_tls_and_excludes_other_trust),
        cmocka_unit_test(seed_interface_in_any_order),
        cmocka_unit_test(defaults),
        cmocka_unit_test(long_options),
        cmocka_unit_test(mechanisms),
        cmocka_unit_test(languages),
        cmocka_unit_test(selection),
        cmocka_unit_test(looks),
        cmocka_unit_test(tls_options),
        cmocka_unit_test(pins),
        cmocka_unit_test(pins_that_are_refused),
        cmocka_unit_test(tls_values_that_are_refused),
        cmocka_unit_test(tls_options_in_clear_text),
        cmocka_unit_test(no_insecure_mode),
        cmocka_unit_test(contradictions_and_repetitions),
        cmocka_unit_test(the_record),
        cmocka_unit_test(missing_and_unknown),
        cmocka_unit_test(stores),
        cmocka_unit_test(ports_of_the_other_kind),
        cmocka_unit_test(numbers_have_a_largest),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(servers),
        cmocka_unit_test(servers_that_are_refused),
        cmocka_unit_test(urls),
        cmocka_unit_test(urls_that_are_refused),
        cmocka_unit_test(sources_of_the_password),
        cmocka_unit_test(errors_echo_no_value),
        cmocka_unit_test(help_fits_a_screen),
        cmocka_unit_test(each_option_has_its_place_in_the_help),
        cmocka_unit_test(each_long_name_is_known),
        cmocka_unit_test(an_unknown_option_has_its_nearest),
        cmocka_unit_test(quiet_may_come_twice),
        cmocka_unit_test(certificates_may_be_in_many_files),
        cmocka_unit_test(ways_to_the_server),
        cmocka_unit_test(options_of_all_accounts),
        cmocka_unit_test(a_repeated_run_needs_its_password_again),
        cmocka_unit_test(completions),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
