/* SPDX-License-Identifier: MIT */
/* test_trust - the trust store at run time and the seed: files, directories of every make, and what
 * is an error instead of a smaller store. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/tls/entry.h"
#include "../../src/tls/profile.h"
#include "make_cert.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"
#include "results.h"
#include "utc.h"

#define NOW INT64_C(1795600000) /* November 2026 */

static char root[64], why[POPCL_POSIX_WHY];
static popcl_posix_trust t;

/* ---- a folder for each test ---- */

static int begin(void **state) {
    (void)state;
    (void)unsetenv("SSL_CERT_FILE");
    (void)unsetenv("SSL_CERT_DIR");
    (void)snprintf(root, sizeof root, "/tmp/popcl-trust-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int end(void **state) {
    char command[128];
    (void)state;
    popcl_posix_trust_free(&t);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command); /* NOLINT */
}

static const char *path(const char *name) {
    static char paths[4][160];
    static unsigned next;
    char *p = paths[next++ % 4];
    (void)snprintf(p, sizeof paths[0], "%s/%s", root, name);
    return p;
}

static void write_octets(const char *name, const void *p, size_t n) {
    FILE *f = fopen(path(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void write_text(const char *name, const char *text) {
    write_octets(name, text, strlen(text));
}

static void write_pem(const char *name, const cert_wish *w) {
    static char text[2 * CERT_MAX];
    write_octets(name, text, make_pem(text, w));
}

#define PEM(name_, ...) write_pem(name_, &(cert_wish){__VA_ARGS__})

static popcl_posix_trust_error load(const char *file, const char *dir) {
    popcl_posix_trust_free(&t);
    return popcl_posix_trust_load(&t, file, dir, NOW, why, sizeof why);
}

/* Loads, and holds what must hold of every store. */
static void loads(const char *file, const char *dir, size_t anchors) {
    if (load(file, dir)) fail_msg("%s", why);
    assert_string_equal(why, "");
    assert_int_equal(t.trust.anchors_len, anchors);
    assert_int_equal(t.trust.pins_len, 0);
    for (size_t i = 0; i < anchors; i++) {
        popcl_entry e;
        assert_true(popcl_entry_read(&e, t.trust.anchors[i].entry, t.trust.anchors[i].entry_len));
    }
}

static void fails(popcl_posix_trust_error e, const char *word) {
    if (!strstr(why, word)) fail_msg("\"%s\" lacks \"%s\"", why, word);
    assert_true(e != POPCL_POSIX_TRUST_OK);
    assert_null(t.memory);
    assert_int_equal(t.trust.anchors_len, 0);
}

#define FAILS(e, load_, word)                                                                      \
    do {                                                                                           \
        assert_int_equal(load_, POPCL_POSIX_TRUST_##e);                                            \
        fails(POPCL_POSIX_TRUST_##e, word);                                                        \
    } while (0)

/* ---- files ---- */

static void a_file_of_pem_or_der(void **state) { /* [H7] */
    unsigned char der[CERT_MAX];
    (void)state;
    PEM("one.pem", .name = "One", .path_len = 1, .not_before = "210101000000Z");
    loads(path("one.pem"), NULL, 1);
    assert_int_equal(t.found, 1);
    assert_int_equal(t.unusable, 0);
    assert_int_equal(t.trust.clock_floor_s, pop_utc(2021, 1, 1, 0, 0, 0));
    assert_int_equal(t.trust.anchors[0].entry_len, 12 + 256 + 3);
    assert_memory_equal(t.trust.anchors[0].entry, "\1\1\0\3\1\0", 6);
    write_octets("one.der", der, make_cert(der, &(cert_wish){.key = KEY_P384}));
    loads(path("one.der"), NULL, 1);
    assert_memory_equal(t.trust.anchors[0].entry, "\30\1\377\0\0\141", 6);
}

static void what_cannot_be_used_stays_out(void **state) { /* [H8 H10 H11 H12 H14] */
    static char text[12 * CERT_MAX];
    size_t n = 0;
    (void)state;
    n += make_pem(text + n, &(cert_wish){.name = "Good", .not_before = "220101000000Z"});
    n += make_pem(text + n, &(cert_wish){.name = "Good", .not_before = "220101000000Z"});
    n += make_pem(text + n, &(cert_wish){.name = "Good", .not_before = "200101000000Z"});
    n += make_pem(text + n, &(cert_wish){.name = "Expired",
                                         .not_before = "230101000000Z",
                                         .not_after = "240101000000Z"});
    n += make_pem(text + n,
                  &(cert_wish){.name = "Weak", .rsa_bits = 1024, .not_before = "240101000000Z"});
    n += make_pem(text + n, &(cert_wish){.name = "Other", .key = KEY_P256});
    write_octets("all.pem", text, n);
    loads(path("all.pem"), NULL, 2);
    assert_int_equal(t.found, 6);
    assert_int_equal(t.unusable, 2);
    /* the earliest of those that are in */
    assert_int_equal(t.trust.clock_floor_s, pop_utc(2020, 1, 1, 0, 0, 0));
    popcl_posix_trust_free(&t);
    /* unknown time: nothing has expired */
    assert_int_equal(popcl_posix_trust_load(&t, path("all.pem"), NULL, -1, why, sizeof why), 0);
    assert_int_equal(t.trust.anchors_len, 3);
}

static void what_is_not_valid_yet_stays_in(void **state) { /* [J1] */
    (void)state;
    PEM("future.pem", .not_before = "270101000000Z");
    loads(path("future.pem"), NULL, 1);
    assert_int_equal(t.trust.clock_floor_s, pop_utc(2027, 1, 1, 0, 0, 0));
}

/* One authority that was put there ahead of its time must not stop all mail, nor several. */
static void what_is_early_among_others_stays_out(void **state) {
    static char text[4 * CERT_MAX];
    size_t n = 0;
    (void)state;
    n += make_pem(text + n, &(cert_wish){.name = "Good", .not_before = "220101000000Z"});
    n += make_pem(text + n,
                  &(cert_wish){.name = "Early", .key = KEY_P256, .not_before = "270101000000Z"});
    n += make_pem(text + n,
                  &(cert_wish){.name = "Earlier", .key = KEY_P256, .not_before = "270201000000Z"});
    write_octets("early.pem", text, n);
    loads(path("early.pem"), NULL, 1);
    assert_int_equal(t.unusable, 2);
    assert_int_equal(t.trust.clock_floor_s, pop_utc(2022, 1, 1, 0, 0, 0));
    /* for a clock at 2000 all are early, and it is the clock that is wrong */
    popcl_posix_trust_free(&t);
    assert_int_equal(popcl_posix_trust_load(&t, path("early.pem"), NULL,
                                            pop_utc(2000, 1, 1, 0, 0, 0), why, sizeof why),
                     0);
    assert_int_equal(t.trust.anchors_len, 3);
    assert_int_equal(t.trust.clock_floor_s, pop_utc(2022, 1, 1, 0, 0, 0));
}

/* [J1] However many of a bundle's authorities had begun in 2014, a clock of 2014 is not set. */
static void a_clock_of_2014(void **state) {
    static char text[8 * CERT_MAX];
    static const char *const begins[] = {"980101000000Z", "000101000000Z", "060101000000Z",
                                         "100101000000Z", "150101000000Z", "200101000000Z"};
    popcl_tls tls = {.trust = &t.trust};
    char name[2] = "A";
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++, name[0]++)
        n += make_pem(text + n,
                      &(cert_wish){.name = name, .key = KEY_P256, .not_before = begins[i]});
    write_octets("bundle.pem", text, n);
    tls.utc_s = pop_utc(2014, 6, 1, 0, 0, 0);
    assert_int_equal(
        popcl_posix_trust_load(&t, path("bundle.pem"), NULL, tls.utc_s, why, sizeof why), 0);
    assert_int_equal(t.trust.anchors_len, 4);
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.utc_s = POPCL_CLOCK_FLOOR_S - 1;
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_ERR_CLOCK_NOT_SET);
    tls.utc_s = POPCL_CLOCK_FLOOR_S;
    assert_int_equal(popcl_x509_guard.check(&tls), POPCL_OK);
}

static size_t own(const char *file) {
    popcl_posix_trust_free(&t);
    assert_int_equal(popcl_posix_trust_load(&t, path(file), NULL, NOW, why, sizeof why), 0);
    return t.trust.own_certs_len;
}

/* The common name of a server's own certificate counts where the caller names the certificate. All
 * of one name and key are there, though they are one anchor. */
static void servers_own_certificates(void **state) { /* [D22 D50] */
    static char text[8 * CERT_MAX];
    unsigned char der[CERT_MAX], hash[32];
    br_sha256_context sha256;
    size_t n = 0;
    (void)state;
    n += make_pem(text + n, &(cert_wish){.name = "Some Root"});
    n += make_pem(text + n, &(cert_wish){.name = "a.example", .serial = 1});
    n += make_pem(text + n, &(cert_wish){.name = "a.example", .serial = 2});
    n += make_pem(text + n, &(cert_wish){.name = "a.example", .serial = 2});
    n += make_pem(text + n, &(cert_wish){.name = "b.example", .no_ca = 1, .key = KEY_P256});
    n += make_pem(text + n, &(cert_wish){.name = "c.example", .version = 1, .key = KEY_P384});
    n += make_pem(text + n,
                  &(cert_wish){.name = "d.example", .no_ca = 1, .not_after = "240101000000Z"});
    write_octets("own.pem", text, n);
    assert_int_equal(own("own.pem"), 4);
    assert_int_equal(t.trust.anchors_len, 4);
    br_sha256_init(&sha256);
    br_sha256_update(
        &sha256, der,
        make_cert(der, &(cert_wish){.name = "b.example", .no_ca = 1, .key = KEY_P256}));
    br_sha256_out(&sha256, hash);
    assert_memory_equal(t.trust.own_certs[2], hash, sizeof hash);
    PEM("root.pem", .name = "Some Root");
    assert_int_equal(own("root.pem"), 0);
    /* what the environment names, somebody has named; what the system has, nobody has */
    popcl_posix_trust_free(&t);
    (void)setenv("SSL_CERT_FILE", path("own.pem"), 1);
    assert_int_equal(popcl_posix_trust_system(&t, NOW, why, sizeof why), 0);
    assert_int_equal(t.trust.own_certs_len, 4);
    (void)unsetenv("SSL_CERT_FILE");
    popcl_posix_trust_free(&t);
    if (popcl_posix_trust_system(&t, NOW, why, sizeof why) == 0)
        assert_int_equal(t.trust.own_certs_len, 0);
}

/* A FIFO without a writer is empty; nobody waits for one. */
static void a_fifo_is_not_waited_for(void **state) {
    (void)state;
    assert_int_equal(mkfifo(path("fifo.pem"), 0600), 0);
    FAILS(NOTHING, load(path("fifo.pem"), NULL), "fifo.pem");
}

static void a_leaf_is_direct_trust(void **state) { /* [D50] */
    (void)state;
    PEM("leaf.pem", .no_ca = 1);
    loads(path("leaf.pem"), NULL, 1);
    assert_int_equal(t.trust.anchors[0].entry[1], 0);
}

static void a_file_that_is_none(void **state) { /* [H1 H2] */
    (void)state;
    FAILS(MISSING, load(path("nothing.pem"), NULL), "No such file");
    FAILS(MISSING, load(path("nothing/at/all"), NULL), path("nothing/at/all"));
    FAILS(UNREADABLE, load(root, NULL), "Is a directory");
    write_text("empty.pem", "");
    FAILS(NOTHING, load(path("empty.pem"), NULL), "there is no certificate in");
    write_text("text.pem", "hello\n");
    FAILS(NOTHING, load(path("text.pem"), NULL), "there is no certificate in");
    FAILS(UNREADABLE, load("/dev/zero", NULL), "too large");
    PEM("expired.pem", .not_after = "240101000000Z");
    FAILS(NOTHING, load(path("expired.pem"), NULL), "it has expired, on 2024-01-01T00:00:00Z");
}

static void a_key_alone_is_no_certificate(void **state) { /* [H6] */
    (void)state;
    write_text("key.pem", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
    FAILS(NOTHING, load(path("key.pem"), NULL), "there is no certificate in");
    assert_null(strstr(why, "secret"));
    write_text("trusted.pem",
               "-----BEGIN TRUSTED CERTIFICATE-----\nAAAA\n-----END TRUSTED CERTIFICATE-----\n");
    FAILS(NOTHING, load(path("trusted.pem"), NULL), "a TRUSTED CERTIFICATE is passed over");
}

/* One that is damaged beside a good one is an error all the same: half a store is none. */
static void a_damaged_file(void **state) { /* [H4 H5 H18] */
    static char text[4 * CERT_MAX];
    unsigned char der[CERT_MAX];
    (void)state;
    size_t n = make_pem(text, &(cert_wish){.name = "One"}),
           m = make_cert(der, &(cert_wish){.name = "Two"});
    size_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    char line[32];
    (void)snprintf(line, sizeof line, "line %zu: ", lines + 1);
    (void)make_block(text + n, der, m - 1, "CERTIFICATE");
    write_text("damaged.pem", text);
    FAILS(DAMAGED, load(path("damaged.pem"), NULL), line);
    (void)make_block(text + n, der, m, "CERTIFICATE");
    strstr(text + n, "-----END")[0] = '\0';
    write_text("cut.pem", text);
    FAILS(DAMAGED, load(path("cut.pem"), NULL), line);
    write_octets("cut.der", der, m - 1);
    FAILS(DAMAGED, load(path("cut.der"), NULL), "cut.der: ");
}

static void a_why_that_is_short(void **state) {
    char small[8];
    (void)state;
    memset(small, 'x', sizeof small);
    assert_int_equal(popcl_posix_trust_load(&t, path("nothing"), NULL, NOW, small, sizeof small),
                     POPCL_POSIX_TRUST_MISSING);
    assert_int_equal(strlen(small), sizeof small - 1);
    assert_int_equal(popcl_posix_trust_load(&t, path("nothing"), NULL, NOW, NULL, 0),
                     POPCL_POSIX_TRUST_MISSING);
}

/* ---- directories ---- */

static void ordinary_names(void **state) {
    (void)state;
    PEM("a.pem", .name = "A");
    PEM("b.crt", .name = "B");
    PEM("no extension", .name = "C");
    loads(NULL, root, 3);
}

static void hashed_names_and_links(void **state) {
    (void)state;
    PEM("0a1b2c3d.0", .name = "A");
    loads(NULL, root, 1);
    PEM("b.pem", .name = "B");
    assert_int_equal(symlink("b.pem", path("4e5f6071.0")), 0);
    assert_int_equal(symlink("nothing", path("deadbeef.0")), 0);
    assert_int_equal(symlink("deadbee0.0", path("deadbee0.0")), 0);
    assert_int_equal(link(path("b.pem"), path("b2.pem")), 0);
    loads(NULL, root, 2);
    assert_int_equal(t.found, 2); /* each file once, by whatever names it goes */
}

static void only_links(void **state) {
    (void)state;
    assert_int_equal(mkdir(path("store"), 0700), 0);
    PEM("a.pem", .name = "A");
    assert_int_equal(symlink("../a.pem", path("store/12345678.0")), 0);
    loads(NULL, path("store"), 1);
    assert_int_equal(symlink("store", path("link")), 0);
    loads(NULL, path("link"), 1);
}

static void odd_files_are_passed_over(void **state) {
    unsigned char der[CERT_MAX];
    (void)state;
    PEM("a.pem", .name = "A");
    assert_int_equal(mkdir(path("sub"), 0700), 0);
    PEM("sub/b.pem", .name = "B");
    assert_int_equal(mkfifo(path("fifo"), 0600), 0);
    write_text("README", "hello\n");
    write_text("empty", "");
    write_octets("cut.der", der, make_cert(der, &(cert_wish){.name = "C"}) - 1);
    write_text("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n");
    write_text("unreadable", "x");
    assert_int_equal(chmod(path("unreadable"), 0), 0);
    loads(NULL, root, 1);
    assert_int_equal(t.unusable, 1); /* the cut PEM: it claims to be a certificate */
}

static void a_directory_that_is_none(void **state) {
    (void)state;
    FAILS(MISSING, load(NULL, path("nothing")), "No such file");
    FAILS(NOTHING, load(NULL, root), "there is no certificate in");
    PEM("a.pem", .name = "A");
    FAILS(UNREADABLE, load(NULL, path("a.pem")), "Not a directory");
}

static void both(void **state) {
    (void)state;
    assert_int_equal(mkdir(path("store"), 0700), 0);
    PEM("file.pem", .name = "File");
    FAILS(NOTHING, load(path("file.pem"), path("store")), "there is no certificate in");
    PEM("store/a.pem", .name = "A", .not_after = "240101000000Z");
    FAILS(NOTHING, load(path("file.pem"), path("store")), "it has expired");
    PEM("store/b.pem", .name = "B");
    loads(path("file.pem"), path("store"), 2);
    FAILS(MISSING, load(path("nothing.pem"), path("store")), "nothing.pem");
}

/* ---- the system's ---- */

static void named_by_the_environment(void **state) {
    char dirs[400];
    (void)state;
    assert_int_equal(mkdir(path("store"), 0700), 0);
    PEM("file.pem", .name = "File");
    PEM("store/a.pem", .name = "A");
    (void)setenv("SSL_CERT_FILE", path("file.pem"), 1);
    assert_int_equal(popcl_posix_trust_system(&t, NOW, why, sizeof why), 0);
    assert_int_equal(t.trust.anchors_len, 1);
    popcl_posix_trust_free(&t);
    (void)snprintf(dirs, sizeof dirs, "%s:", path("store"));
    (void)setenv("SSL_CERT_DIR", dirs, 1);
    assert_int_equal(popcl_posix_trust_system(&t, NOW, why, sizeof why), 0);
    assert_int_equal(t.trust.anchors_len, 2);
    popcl_posix_trust_free(&t);
    (void)snprintf(dirs, sizeof dirs, "%s:%s", path("store"), path("nothing"));
    (void)setenv("SSL_CERT_DIR", dirs, 1); /* what was named and is not there is not made up for */
    FAILS(MISSING, popcl_posix_trust_system(&t, NOW, why, sizeof why), "nothing");
    (void)unsetenv("SSL_CERT_DIR");
    (void)setenv("SSL_CERT_FILE", path("nothing"), 1);
    FAILS(MISSING, popcl_posix_trust_system(&t, NOW, why, sizeof why), "nothing");
}

static void not_by_the_environment_of_a_stranger(void **state) {
    gid_t own = getegid();
    (void)state;
    /* as a setgid program runs */
    if (geteuid() != 0 || setegid(own + 1)) skip_test("only root can take another group");
    (void)setenv("SSL_CERT_FILE", path("nothing"), 1);
    popcl_posix_trust_error e = popcl_posix_trust_system(&t, NOW, why, sizeof why);
    assert_int_equal(setegid(own), 0);
    if (e) fails(e, "install"); /* a machine without any certificates */
}

static void the_usual_places(void **state) {
    (void)state;
    popcl_posix_trust_error e = popcl_posix_trust_system(&t, NOW, why, sizeof why);
    if (e == POPCL_POSIX_TRUST_OK)
        assert_true(t.trust.anchors_len > 0 && t.found >= t.trust.anchors_len);
    else
        fails(e, "install"); /* a machine without any */
}

/* ---- the seed ---- */

static void seeds_differ(void **state) { /* [J6] */
    unsigned char a[600] = {0}, b[600] = {0}, zero[600] = {0};
    (void)state;
    assert_int_equal(popcl_posix_seed(a, sizeof a), 0);
    assert_int_equal(popcl_posix_seed(b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
    for (size_t at = 0; at + 40 <= sizeof a; at += 40)
        assert_memory_not_equal(a + at, zero, 40);
    assert_int_equal(popcl_posix_seed(NULL, 0), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_file_of_pem_or_der),
        TEST(what_cannot_be_used_stays_out),
        TEST(what_is_not_valid_yet_stays_in),
        TEST(what_is_early_among_others_stays_out),
        TEST(a_clock_of_2014),
        TEST(servers_own_certificates),
        TEST(a_fifo_is_not_waited_for),
        TEST(a_leaf_is_direct_trust),
        TEST(a_file_that_is_none),
        TEST(a_key_alone_is_no_certificate),
        TEST(a_damaged_file),
        TEST(a_why_that_is_short),
        TEST(ordinary_names),
        TEST(hashed_names_and_links),
        TEST(only_links),
        TEST(odd_files_are_passed_over),
        TEST(a_directory_that_is_none),
        TEST(both),
        TEST(named_by_the_environment),
        TEST(not_by_the_environment_of_a_stranger),
        TEST(the_usual_places),
        TEST(seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
