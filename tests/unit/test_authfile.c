/* SPDX-License-Identifier: MIT */
/* test_authfile - the file with user name and password: every shape of it that is read right, and
 * every one that is refused. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authfile.h"

static char dir[64], path[96];
static cmd_login a;
static const cmd_patience patience; /* zeroed: for ever */

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/popcl-auth-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    (void)snprintf(path, sizeof path, "%s/auth", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void write_file(const char *text, size_t n, mode_t mode) {
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int load(const char *text, size_t n) {
    write_file(text, n, 0600);
    return cmd_auth_load(&a, path, NULL, &patience);
}

#define LOAD(text) load(text, sizeof(text) - 1)

static void reads_as(int code, const char *user, const char *secret) {
    assert_int_equal(code, 0);
    assert_int_equal(a.user_len, strlen(user));
    assert_memory_equal(a.user, user, strlen(user));
    assert_int_equal(a.secret_len, strlen(secret));
    assert_memory_equal(a.secret, secret, strlen(secret));
}

static void reads_every_line_form(void **state) { /* [E11 E9] */
    (void)state;
    reads_as(LOAD("username = alice\npassword = secret\n"), "alice", "secret");
    reads_as(LOAD("password = secret\nusername = alice\n"), "alice", "secret");
    reads_as(LOAD("username = alice\npassword = secret"), "alice", "secret");
    reads_as(LOAD("username = alice\r\npassword = secret\r\n"), "alice", "secret");
    reads_as(LOAD("username = alice\r\npassword = secret\r"), "alice", "secret");
    reads_as(LOAD("\xEF\xBB\xBFusername = alice\r\npassword = secret\r\n\r\n"), "alice", "secret");
    reads_as(LOAD("username = al ice\npassword =  two = \t \n"), "al ice", " two = \t ");
    reads_as(LOAD("username = \xe4\xf6\npassword = p\xc3\xa4ss\n"), "\xe4\xf6", "p\xc3\xa4ss");
    reads_as(LOAD("username=alice\npassword=secret\n"), "alice", "secret");
    assert_false(a.readable);
}

/* What counts and is hardly seen is told, and taken as it is. */
static void spaces_at_the_ends_are_told(void **state) { /* [E9 E11] */
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"username = alice\npassword = secret\n", NULL},
        {"username = al ice\npassword = se\tcret\n", NULL},
        {"username\t= alice\npassword=secret\n", NULL},
        {"username = alice \npassword = secret\n", "the user name ends in"},
        {"username = alice\npassword = secret\t\r\n", "the password ends in"},
        {"username =\talice\npassword = secret\n", "the user name begins with"},
        {"username = alice\npassword =  secret\n", "the password begins with"},
        {"username = alice\npassword = \t", "the password begins with"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(load(rows[i].text, strlen(rows[i].text)), 0);
        assert_int_equal(a.odd != NULL, rows[i].says != NULL);
        if (a.odd) assert_non_null(strstr(a.odd, rows[i].says));
    }
}

static void config_error(int code, const char *word) {
    assert_int_equal(code, 78);
    if (!strstr(a.what, word)) fail_msg("\"%s\" lacks \"%s\"", a.what, word);
    assert_true(a.cause && a.cause[0] && a.advice && a.advice[0]);
    for (size_t i = 0; i < sizeof a.buf; i++)
        assert_int_equal(a.buf[i], 0);
}

static void refuses_other_text(void **state) { /* [E11 E8 E13] */
    (void)state;
    config_error(LOAD(""), "empty");
    config_error(LOAD("username = alice\n"), "no password");
    config_error(LOAD("password = hunter2\n"), "no user name");
    config_error(LOAD("username = alice\npassword = hunter2\npassword = hunter2\n"), "line 3");
    config_error(LOAD("username = alice\nusername = bob\npassword = hunter2\n"), "line 2");
    config_error(LOAD("username = alice\nhunter2\n"), "line 2");
    config_error(LOAD("username = alice\nhunter2 = x\n"), "line 2");
    config_error(LOAD("# hunter2 = x\nusername = alice\npassword = hunter2\n"), "line 1");
    config_error(LOAD("Username = alice\npassword = hunter2\n"), "line 1");
    config_error(LOAD("username =\npassword = hunter2\n"), "line 1");
    config_error(LOAD("username = alice\npassword = \n"), "line 2");
    config_error(LOAD("username = al\rice\npassword = hunter2\n"), "line 1");
    config_error(LOAD("username = alice\npassword = hunter2\0x\n"), "line 2");
    config_error(LOAD("username = alice\rpassword = hunter2\r"), "line 1");
    config_error(LOAD("\xff\xfeu\0s\0e\0r\0"), "line 1");
    assert_null(strstr(a.what, "hunter2"));
}

static void size_limit(void **state) { /* [E11] */
    static char text[CMD_AUTH_MAX + 1];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "username = alice\npassword = ", 28);
    assert_int_equal(load(text, CMD_AUTH_MAX), 0);
    assert_int_equal(a.secret_len, CMD_AUTH_MAX - 28);
    config_error(load(text, CMD_AUTH_MAX + 1), "4 KB");
}

static void other_kinds_of_file(void **state) { /* [E11] */
    (void)state;
    (void)unlink(path);
    assert_int_equal(cmd_auth_load(&a, path, NULL, &patience), 66);
    assert_int_equal(cmd_auth_load(&a, "", NULL, &patience), 66);
    config_error(cmd_auth_load(&a, dir, NULL, &patience), "ordinary");
    config_error(cmd_auth_load(&a, "/dev/zero", NULL, &patience), "ordinary");
    assert_int_equal(mkfifo(path, 0600), 0);
    config_error(cmd_auth_load(&a, path, NULL, &patience), "ordinary"); /* and does not hang */
    (void)unlink(path);
    assert_int_equal(symlink("missing", path), 0);
    assert_int_equal(cmd_auth_load(&a, path, NULL, &patience), 66);
}

/* With a user name from elsewhere the file needs no line for it, and may not contradict it. */
static void with_a_user_name(void **state) { /* [E11 E13] */
    (void)state;
    write_file("password = hunter2\n", 19, 0600);
    reads_as(cmd_auth_load(&a, path, "alice", &patience), "alice", "hunter2");
    write_file("username = alice\npassword = hunter2\n", 36, 0600);
    reads_as(cmd_auth_load(&a, path, "alice", &patience), "alice", "hunter2");
    assert_int_equal(cmd_auth_load(&a, path, "bob", &patience), 64);
    assert_null(strstr(a.what, "hunter2"));
    assert_null(strstr(a.what, "alice"));
    for (size_t i = 0; i < sizeof a.buf; i++)
        assert_int_equal(a.buf[i], 0);
    write_file("username = alice\n", 17, 0600);
    config_error(cmd_auth_load(&a, path, "alice", &patience), "no password");
}

/* Loads what a pipe gives, by its number. */
static int load_pipe(const char *text, size_t n, int stays_open, const cmd_patience *p) {
    int ends[2];
    char name[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, n), n);
    if (!stays_open) (void)close(ends[1]);
    (void)snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    int code = cmd_auth_load(&a, name, NULL, p);
    (void)close(ends[0]);
    if (stays_open) (void)close(ends[1]);
    return code;
}

static void open_descriptors(void **state) { /* [E11] */
    static volatile sig_atomic_t stop;
    static char text[CMD_AUTH_MAX + 1];
    cmd_patience soon = {NULL, cmd_outlet_now_ms() + 100}, stopped = {&stop, 0};
    (void)state;
    reads_as(load_pipe("username = alice\npassword = secret\n", 35, 0, &patience), "alice",
             "secret");
    config_error(load_pipe("", 0, 0, &patience), "empty");
    config_error(load_pipe("username = alice\npassword = secret\n", 35, 1, &soon), "does not end");
    memset(text, 'x', sizeof text);
    config_error(load_pipe(text, sizeof text, 1, &patience), "4 KB");
    stop = SIGINT;
    assert_int_equal(load_pipe("username = alice\n", 17, 1, &stopped), 128 + SIGINT);
    assert_int_equal(cmd_auth_load(&a, "/dev/fd/987654", NULL, &patience), 66);
    int fd = open(dir, O_RDONLY);
    (void)snprintf(text, sizeof text, "/dev/fd/%d", fd);
    config_error(cmd_auth_load(&a, text, NULL, &patience), "ordinary");
    (void)close(fd);
    /* a file that is open is judged as one by its path */
    write_file("username = alice\npassword = secret\n", 35, 0622);
    fd = open(path, O_RDONLY);
    (void)snprintf(text, sizeof text, "/dev/fd/%d", fd);
    config_error(cmd_auth_load(&a, text, NULL, &patience), "others may write");
    (void)close(fd);
}

static void who_else_may_touch_it(void **state) { /* [E12] */
    static const char text[] = "username = alice\npassword = hunter2\n";
    (void)state;
    write_file(text, sizeof text - 1, 0644);
    assert_int_equal(cmd_auth_load(&a, path, NULL, &patience), 0);
    assert_true(a.readable);
    write_file(text, sizeof text - 1, 0640);
    assert_int_equal(cmd_auth_load(&a, path, NULL, &patience), 0);
    assert_true(a.readable);
    write_file(text, sizeof text - 1, 0602);
    config_error(cmd_auth_load(&a, path, NULL, &patience), "others may write");
    write_file(text, sizeof text - 1, 0660);
    config_error(cmd_auth_load(&a, path, NULL, &patience), "others may write");
    write_file(text, sizeof text - 1, 0600);
    if (geteuid() != 0) return; /* only root can give a file away */
    assert_int_equal(chown(path, 4242, (gid_t)-1), 0);
    config_error(cmd_auth_load(&a, path, NULL, &patience), "another user");
}

static void wiped(void **state) { /* [E13] */
    (void)state;
    assert_int_equal(LOAD("username = alice\npassword = hunter2\n"), 0);
    cmd_login_wipe(&a);
    for (size_t i = 0; i < sizeof a.buf; i++)
        assert_int_equal(a.buf[i], 0);
    assert_int_equal(a.secret_len, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_line_form),
        cmocka_unit_test(spaces_at_the_ends_are_told),
        cmocka_unit_test(refuses_other_text),
        cmocka_unit_test(size_limit),
        cmocka_unit_test(other_kinds_of_file),
        cmocka_unit_test(with_a_user_name),
        cmocka_unit_test(open_descriptors),
        cmocka_unit_test(who_else_may_touch_it),
        cmocka_unit_test(wiped),
    };
    return cmocka_run_group_tests_name("authfile", tests, make_dir, remove_dir);
}
