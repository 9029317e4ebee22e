/* SPDX-License-Identifier: MIT */
/* test_netrc - the .netrc file: its grammar, the choice of an entry, and what is refused. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
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

#include "netrc.h"

static char dir[64], path[96];
static cmd_login l;

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/popcl-netrc-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    (void)snprintf(path, sizeof path, "%s/netrc", dir);
    return 0;
}

static int remove_dir(void **state) {
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static void write_netrc(const char *text, size_t n, mode_t mode) {
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static int find_in(const char *text, size_t n, const char *user) {
    write_netrc(text, n, 0600);
    return cmd_netrc_load(&l, path, "mail.example", 12, user);
}

#define FIND(text, user) find_in(text, sizeof(text) - 1, user)

static void finds(int code, const char *user, const char *secret) {
    if (code) fail_msg("%s", l.what);
    assert_string_equal(l.user, user);
    assert_int_equal(l.user_len, strlen(user));
    assert_string_equal(l.secret, secret);
    assert_int_equal(l.secret_len, strlen(secret));
}

static void refuses(int code, const char *word) {
    assert_int_equal(code, 78);
    if (!strstr(l.what, word)) fail_msg("\"%s\" lacks \"%s\"", l.what, word);
    assert_null(strstr(l.what, "hunter2"));
    assert_true(l.cause && l.cause[0] && l.advice && l.advice[0]);
    for (size_t i = 0; i < sizeof l.buf; i++)
        assert_int_equal(l.buf[i], 0);
}

#define ENTRY "machine mail.example login alice password hunter2"

static void reads_the_grammar(void **state) { /* [E9] */
    (void)state;
    finds(FIND(ENTRY, NULL), "alice", "hunter2");
    finds(FIND(ENTRY "\n", NULL), "alice", "hunter2");
    finds(FIND("machine\tmail.example\r\n\tlogin\r\n alice\r\n\tpassword hunter2\r\n", NULL),
          "alice", "hunter2");
    finds(FIND("machine mail.example password hunter2 account x login alice", NULL), "alice",
          "hunter2");
    finds(FIND("# machine mail.example login bob password x\n" ENTRY " # more\n", NULL), "alice",
          "hunter2");
    finds(FIND("machine MAIL.Example login alice password #hunter2", NULL), "alice", "#hunter2");
    finds(FIND("machine mail.example login alice password hun#ter2", NULL), "alice", "hun#ter2");
    finds(FIND("machine mail.example login \"al ice\" password \"hun\\\"t\\\\er\\2 \"", NULL),
          "al ice", "hun\"t\\er2 ");
    finds(FIND("machine mail.example login alice password \"a\\tb\"x", NULL), "alice", "a\tb");
    finds(FIND("machine mail.example login alice password hun\\ter\"2", NULL), "alice",
          "hun\\ter\"2");
    finds(FIND("machine mail.example port 995 login alice password hunter2", NULL), "alice",
          "hunter2");
    finds(FIND("machine mail.example login \xc3\xa9 password \xff", NULL), "\xc3\xa9", "\xff");
    /* a macro may have any text */
    finds(FIND("machine x login y password z\nmacdef init\n" ENTRY "1\n\"\n\n" ENTRY "\n", NULL),
          "alice", "hunter2");
    finds(FIND("macdef init\r\nmachine mail.example login b password c\r\n\r\n" ENTRY "\r\n", NULL),
          "alice", "hunter2");
    finds(FIND("machine mail.example login login password password", NULL), "login", "password");
}

static void chooses_an_entry(void **state) {
    static const char several[] = "machine other.example login alice password 1\n"
                                  "machine mail.example login alice\n"
                                  "machine mail.example login bob password 2\n"
                                  "machine mail.example login carol password 3\n"
                                  "default login dave password 4\n"
                                  "machine mail.example password 5\n";
    (void)state;
    finds(find_in(several, sizeof several - 1, NULL), "bob", "2");
    finds(find_in(several, sizeof several - 1, "bob"), "bob", "2");
    finds(find_in(several, sizeof several - 1, "carol"), "carol", "3");
    /* an entry without a login is for each user */
    finds(find_in(several, sizeof several - 1, "erin"), "erin", "5");
    refuses(FIND("machine mail.example password hunter2", NULL), "no login");
    refuses(FIND(ENTRY, "Alice"), "no entry for the machine mail.example with this user name");
    refuses(FIND("machine mail.example login alice", NULL),
            "no password for the machine mail.example");
    refuses(FIND("machine mail.example.org login alice password hunter2", NULL),
            "no entry for the machine mail.example");
    refuses(FIND("machine example login alice password hunter2", NULL), "no entry");
    refuses(FIND("default login alice password hunter2", NULL), "no entry");
    refuses(FIND("machine x default login alice password hunter2", NULL), "no entry");
    refuses(FIND("machine mail.example default login alice password hunter2", NULL), "no password");
    refuses(FIND("", NULL), "no entry");
}

static void refuses_damage(void **state) { /* [E8 E13] */
    (void)state;
    refuses(FIND("machine x\nlogin", NULL), "line 2 of the netrc file ends in a keyword");
    refuses(FIND("\nmachine", NULL), "ends in a keyword");
    refuses(FIND("machine mail.example login alice password", NULL), "ends in a keyword");
    refuses(FIND("machine x password \"hunter2\nlogin \"a\"", NULL), "line 1 of the netrc file");
    refuses(FIND("machine mail.example login alice password \"hunter2", NULL), "a quote");
    refuses(FIND("machine mail.example login alice password \"hunter2\\", NULL), "a quote");
    refuses(FIND("machine mail.example login alice password \"\"", NULL), "empty");
    refuses(FIND("machine mail.example login \"\" password hunter2", NULL), "an empty name");
    refuses(FIND("machine mail.example login alice password \"hunter2\\n\"", NULL), "a line end");
    refuses(FIND("machine mail.example login \"a\\r\" password hunter2", NULL), "a line end");
    refuses(FIND("machine mail.example login alice password hunter\0002", NULL), "a NUL");
}

static void kinds_and_modes(void **state) { /* [E11 E12] */
    static char text[CMD_LOGIN_MAX + 1];
    (void)state;
    (void)unlink(path);
    assert_int_equal(cmd_netrc_load(&l, path, "h", 1, NULL), 66);
    refuses(cmd_netrc_load(&l, dir, "h", 1, NULL), "ordinary");
    assert_int_equal(mkfifo(path, 0600), 0);
    refuses(cmd_netrc_load(&l, path, "h", 1, NULL), "ordinary"); /* and does not hang */
    memset(text, '\n', sizeof text);
    memcpy(text + CMD_LOGIN_MAX - sizeof ENTRY, ENTRY, sizeof ENTRY - 1);
    finds(find_in(text, CMD_LOGIN_MAX, NULL), "alice", "hunter2");
    refuses(find_in(text, CMD_LOGIN_MAX + 1, NULL), "64 KB");
    write_netrc(ENTRY, sizeof ENTRY - 1, 0644);
    finds(cmd_netrc_load(&l, path, "mail.example", 12, NULL), "alice", "hunter2");
    assert_true(l.readable);
    for (mode_t mode = 0602; mode <= 0620; mode += 016) {
        write_netrc(ENTRY, sizeof ENTRY - 1, mode);
        refuses(cmd_netrc_load(&l, path, "mail.example", 12, NULL), "others may write");
    }
    if (geteuid() != 0) return;
    write_netrc(ENTRY, sizeof ENTRY - 1, 0600);
    assert_int_equal(chown(path, 12345, 12345), 0);
    refuses(cmd_netrc_load(&l, path, "mail.example", 12, NULL), "another user");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_grammar),
        cmocka_unit_test(chooses_an_entry),
        cmocka_unit_test(refuses_damage),
        cmocka_unit_test(kinds_and_modes),
    };
    return cmocka_run_group_tests_name("netrc", tests, make_dir, remove_dir);
}
