/* test_state - what the command remembers between runs, and by what name where the server gives
 * none. */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "identity.h"
#include "state.h"

static char dir[64];
static cmd_state s;

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/popcl-state-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    return setenv("XDG_STATE_HOME", dir, 1);
}

static int remove_dir(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static int open_for(const char *user) {
    return cmd_state_open(&s, user, strlen(user), "mail.example", 110, dir, 1);
}

static unsigned known(const char *uid) { return cmd_state_known(&s, uid, strlen(uid)); }

static void note(const char *uid, cmd_event e) { cmd_state_note(&s, uid, strlen(uid), e); }

/* Ends the run and begins the next one. */
static void next_run(const char *user, int confirmed) {
    assert_int_equal(cmd_state_end(&s, confirmed), 0);
    cmd_state_close(&s);
    assert_int_equal(open_for(user), 0);
}

static void path_of(char out[1100], const char *suffix) {
    (void)snprintf(out, 1100, "%s/%s%s", s.path, s.name, suffix);
}

#define FETCHED CMD_KNOWN_FETCHED
#define DUE     (CMD_KNOWN_FETCHED | CMD_KNOWN_DUE)

static void stored_counts_from_the_next_run_on(void **state) {
    struct stat st;
    char file[1100];
    (void)state;
    assert_int_equal(open_for("a"), 0);
    note("u1", CMD_STORED);
    note("u2", CMD_FAILED);
    assert_int_equal(known("u1"), 0); /* a second u1 of this listing is fetched too */
    next_run("a", 0);
    assert_int_equal(known("u1"), FETCHED);
    assert_int_equal(known("u2"), 0);
    assert_int_equal(known("U1"), 0);
    path_of(file, "");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(s.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    cmd_state_close(&s);
    assert_int_equal(open_for("b"), 0); /* another account */
    assert_int_equal(known("u1"), 0);
    cmd_state_close(&s);
    assert_int_equal(cmd_state_open(&s, "a", 1, "mail.example", 111, dir, 1), 0);
    assert_int_equal(known("u1"), 0);
    cmd_state_close(&s);
}

static void one_failure_among_equal_uids_has_all_fetched_again(void **state) {
    (void)state;
    assert_int_equal(open_for("c"), 0);
    note("x", CMD_STORED), note("x", CMD_FAILED);
    note("y", CMD_FAILED), note("y", CMD_STORED);
    note("z", CMD_STORED_DUE), note("z", CMD_MARKED), note("z", CMD_FAILED);
    note("w", CMD_STORED), note("w", CMD_STORED);
    next_run("c", 0);
    assert_int_equal(known("x"), 0);
    assert_int_equal(known("y"), 0);
    assert_int_equal(known("z"), 0); /* never deleted unfetched */
    assert_int_equal(known("w"), FETCHED);
    note("w", CMD_FAILED); /* fetched again without -n, and failed */
    next_run("c", 0);
    assert_int_equal(known("w"), FETCHED);
    cmd_state_close(&s);
}

static void deletion_is_due_until_confirmed(void **state) {
    (void)state;
    assert_int_equal(open_for("d"), 0);
    note("marked", CMD_STORED_DUE), note("marked", CMD_MARKED);
    note("refused", CMD_STORED_DUE);
    assert_int_equal(s.due, 0);
    next_run("d", 0); /* no word of QUIT */
    assert_int_equal(s.due, 1);
    assert_int_equal(known("marked"), DUE);
    assert_int_equal(known("refused"), DUE);
    note("refused", CMD_STORED); /* a run without -d fetches it again: still due */
    note("marked", CMD_MARKED);
    assert_int_equal(known("marked"), 0);
    next_run("d", 1);
    assert_int_equal(known("marked"), FETCHED);
    assert_int_equal(known("refused"), DUE);
    note("refused", CMD_MARKED);
    next_run("d", 1);
    assert_int_equal(known("refused"), FETCHED);
    assert_int_equal(s.due, 0);
    cmd_state_close(&s);
}

static void refused_until_the_limit_is_raised(void **state) {
    (void)state;
    assert_int_equal(open_for("e"), 0);
    s.max_size = 1000;
    note("big", CMD_REFUSED);
    next_run("e", 0);
    assert_int_equal(known("big"), 0); /* no limit: asked for */
    s.max_size = 1000;
    assert_int_equal(known("big"), CMD_KNOWN_REFUSED);
    s.max_size = 500;
    assert_int_equal(known("big"), CMD_KNOWN_REFUSED);
    s.max_size = 2000;
    assert_int_equal(known("big"), 0);
    note("big", CMD_REFUSED);
    next_run("e", 0);
    s.max_size = 2000;
    assert_int_equal(known("big"), CMD_KNOWN_REFUSED);
    note("huge", CMD_REFUSED);
    s.max_size = 3000;
    note("more", CMD_REFUSED);
    next_run("e", 0);
    s.max_size = 3000;
    /* the note is the smallest limit: asked once more, never forgotten */
    assert_int_equal(known("more"), 0);
    s.max_size = 2000;
    assert_int_equal(known("big"), CMD_KNOWN_REFUSED);
    note("big", CMD_STORED), note("huge", CMD_STORED), note("more", CMD_STORED);
    next_run("e", 0);
    assert_int_equal(known("big"), FETCHED);
    assert_int_equal(s.seen.note, 0);
    cmd_state_close(&s);
}

static void forgotten_after_two_whole_listings(void **state) {
    (void)state;
    assert_int_equal(open_for("f"), 0);
    note("stays", CMD_STORED), note("goes", CMD_STORED);
    next_run("f", 0);
    for (int run = 0; run < 2; run++) {
        cmd_state_listed(&s, "stays", 5);
        assert_int_equal(known("goes"), FETCHED);
        cmd_state_listed(&s, NULL, 0);
        next_run("f", 0);
    }
    assert_int_equal(known("stays"), FETCHED);
    assert_int_equal(known("goes"), 0);
    cmd_state_listed(&s, "other", 5); /* cut listings forget nothing */
    next_run("f", 0);
    cmd_state_listed(&s, "other", 5);
    next_run("f", 0);
    assert_int_equal(known("stays"), FETCHED);
    cmd_state_close(&s);
}

static void grows_with_the_maildrop(void **state) {
    char uid[16];
    (void)state;
    assert_int_equal(open_for("g"), 0);
    assert_true(s.seen.slots * POPCL_SEEN_ENTRY < 4096);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(uid, sizeof uid, "%d", i);
        note(uid, CMD_STORED);
    }
    assert_int_equal(s.lost, 0);
    next_run("g", 0);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(uid, sizeof uid, "%d", i);
        assert_int_equal(known(uid), FETCHED);
    }
    cmd_state_close(&s);
}

static void damaged_is_kept_aside(void **state) {
    char file[1100], aside[1100];
    (void)state;
    assert_int_equal(open_for("h"), 0);
    note("u", CMD_STORED);
    next_run("h", 0);
    path_of(file, "");
    path_of(aside, ".damaged");
    cmd_state_close(&s);
    int fd = open(file, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
    assert_int_equal(open_for("h"), 0);
    assert_int_equal(s.damaged, 1);
    assert_int_equal(known("u"), 0);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(access(file, F_OK), -1);
    note("u", CMD_STORED);
    next_run("h", 0);
    assert_int_equal(s.damaged, 0);
    assert_int_equal(known("u"), FETCHED);
    cmd_state_close(&s);
    assert_int_equal(truncate(file, 20), 0);
    /* --list only looks */
    assert_int_equal(cmd_state_open(&s, "h", 1, "mail.example", 110, NULL, 0), 0);
    assert_int_equal(s.damaged, 1);
    assert_int_equal(access(file, F_OK), 0);
    cmd_state_close(&s);
}

/* A run that is killed right behind a save in its middle. */
static void a_killed_run_left_what_is_sure(void **state) {
    int status;
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        if (open_for("i")) _exit(1);
        note("kept", CMD_STORED), note("due", CMD_STORED_DUE), note("due", CMD_MARKED),
            note("cut", CMD_FAILED);
        cmd_state_pass(&s, 1);
        cmd_state_pass(&s, 1 + CMD_STATE_SAVE_MS);
        _exit(s.changed);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(open_for("i"), 0);
    assert_int_equal(known("kept"), FETCHED);
    assert_int_equal(known("due"), DUE);
    assert_int_equal(known("cut"), 0);
    cmd_state_close(&s);
}

static void where_it_lies(void **state) {
    char home[96], xdg[96], want[160];
    (void)state;
    (void)snprintf(home, sizeof home, "%s/home", dir);
    (void)snprintf(xdg, sizeof xdg, "%s/new/xdg", dir);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(setenv("HOME", home, 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", xdg, 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/popcl", xdg);
    assert_string_equal(s.path, want);
    cmd_state_close(&s);
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/.local/state/popcl", home);
    assert_string_equal(s.path, want);
    cmd_state_close(&s);
    assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/.popcl", dir);
    assert_string_equal(s.path, want);
    cmd_state_close(&s);
    assert_int_equal(setenv("XDG_STATE_HOME", "/dev/null", 1), 0);
    assert_int_equal(open_for("j"), 73);
    assert_true(s.failed_call && s.failed_errno);
    cmd_state_close(&s);
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

/* HOME is there and cannot be written (a service's): who only looks later must look where a run
 * wrote. */
static void who_looks_finds_what_a_run_wrote(void **state) {
    char home[96];
    (void)state;
    (void)snprintf(home, sizeof home, "%s/bare", dir);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
    assert_int_equal(open_for("l"), 0);
    note("u", CMD_STORED);
    assert_int_equal(cmd_state_end(&s, 0), 0);
    cmd_state_close(&s);
    assert_int_equal(setenv("HOME", home, 1), 0);
    assert_int_equal(cmd_state_open(&s, "l", 1, "mail.example", 110, dir, 0), 0);
    assert_int_equal(known("u"), FETCHED);
    cmd_state_close(&s);
    assert_int_equal(rmdir(home), 0); /* nothing was made in it */
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

/* A count or a length that lies must not make room for what is not there. */
static void a_damaged_length_takes_no_memory(void **state) {
    char file[1100];
    (void)state;
    assert_int_equal(open_for("m"), 0);
    note("u", CMD_STORED);
    next_run("m", 0);
    path_of(file, "");
    cmd_state_close(&s);
    assert_int_equal(truncate(file, (off_t)1 << 30), 0);
    assert_int_equal(open_for("m"), 0);
    assert_int_equal(s.damaged, 1);
    assert_in_range(s.seen.slots, 2, 1000);
    note("u", CMD_STORED);
    next_run("m", 0);
    assert_int_equal(known("u"), FETCHED);
    cmd_state_close(&s);
}

static void a_link_is_not_followed(void **state) {
    char file[1100];
    (void)state;
    assert_int_equal(open_for("k"), 0);
    path_of(file, "");
    cmd_state_close(&s);
    assert_int_equal(symlink("/etc/hostname", file), 0);
    assert_int_equal(open_for("k"), 73);
    cmd_state_close(&s);
}

/* ---- identities ---- */

/* Of a message, given in pieces of n octets. */
static int identity_of(const char *text, size_t len, size_t n,
                       unsigned char out[CMD_IDENTITY_OCTETS]) {
    cmd_identity i;
    cmd_identity_begin(&i);
    for (size_t at = 0; at < len; at += n)
        cmd_identity_data(&i, text + at, len - at < n ? len - at : n);
    return cmd_identity_end(&i, out);
}

static int same(const char *a, const char *b) {
    unsigned char first[CMD_IDENTITY_OCTETS], second[CMD_IDENTITY_OCTETS],
        piece[CMD_IDENTITY_OCTETS];
    assert_int_equal(identity_of(a, strlen(a), 4096, first), 1);
    assert_int_equal(identity_of(b, strlen(b), 4096, second), 1);
    for (size_t n = 1; n < 7; n++) {
        assert_int_equal(identity_of(a, strlen(a), n, piece), 1);
        assert_memory_equal(piece, first, sizeof piece);
    }
    return memcmp(first, second, sizeof first) == 0;
}

static void identity_by_message_id(void **state) { /* [F10] */
    (void)state;
    assert_true(same("Message-ID: <1@x>\r\nSubject: a\r\n\r\nbody",
                     "message-id:\t<1@x> \r\nSubject: b\r\nStatus: RO\r\n\r\nother"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "Message-ID: <2@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "Message-ID: <1@x\r\n\r\n"));
    /* folded */
    assert_true(same("Message-ID:\r\n <1@x>\r\n\r\n", "Message-ID: <1@x>\r\n\r\n"));
    assert_true(same("Message-ID: <1@x>\r\n \r\n\r\n", "Message-ID: <1@x>\r\n\r\n"));
    /* repeated: the first that is not empty */
    assert_true(same("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
                     "Message-ID: <1@x>\r\nMessage-ID: <3@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n\r\n",
                      "Message-ID: <2@x>\r\nMessage-ID: <1@x>\r\n\r\n"));
    assert_false(same("Message-ID:\r\nMessage-ID: <1@x>\r\n\r\n",
                      "Message-ID:\r\nMessage-ID: <2@x>\r\n\r\n"));
    /* the same mail on two ways */
    assert_false(same("Received: by a\r\nMessage-ID: <1@x>\r\n\r\n",
                      "Received: by b\r\nMessage-ID: <1@x>\r\n\r\n"));
    assert_true(same("Received: by\r\n\ta\r\nMessage-ID: <1@x>\r\n\r\n",
                     "Received: by a\r\nMessage-ID: <1@x>\r\n\r\n"));
    /* only in the body */
    assert_false(same("Subject: a\r\n\r\nMessage-ID: <1@x>\r\n", "Message-ID: <1@x>\r\n\r\n"));
    assert_false(same("Message-ID: <1@x>\r\n\r\n", "X-Message-ID: <1@x>\r\n\r\n"));
}

static void identity_without_message_id(void **state) { /* [F10] */
    unsigned char out[CMD_IDENTITY_OCTETS];
    static const char own[] = "Status: RO\r\nX-UID: 5\r\n folded\r\nLines: 9\r\nContent-Length: "
                              "8\r\nX-Keywords: k\r\nX-Status: A\r\n\r\nbody";
    (void)state;
    assert_true(same("Subject: a\r\n\r\nbody",
                     "Status: O\r\nSubject: a\r\nX-UID: 7\r\n more\r\n\r\nother"));
    assert_false(same("Subject: a\r\n\r\n", "Subject: b\r\n\r\n"));
    assert_false(same("Subject: a\r\nTo: b\r\n\r\n", "Subject: a\r\n\r\nTo: b\r\n"));
    assert_false(same("Subject: a\r\nTo: b\r\n\r\n", "Subject: a To: b\r\n\r\n"));
    assert_true(same("garbage without colon\r\n\r\n", "garbage without colon\r\n\r\nx"));
    assert_int_equal(identity_of("\r\nbody\r\n", 8, 9, out), 0);
    assert_int_equal(identity_of("", 0, 1, out), 0);
    assert_int_equal(identity_of(own, sizeof own - 1, 3, out), 0);
}

static void identity_of_a_long_header(void **state) { /* [F11] */
    unsigned char first[CMD_IDENTITY_OCTETS], second[CMD_IDENTITY_OCTETS];
    char line[1024];
    cmd_identity i;
    (void)state;
    cmd_identity_begin(&i);
    memset(line, 'x', sizeof line);
    cmd_identity_data(&i, "X-Long: ", 8);
    for (int n = 0; n <= 10 * 1024; n++) {
        line[sizeof line - 2] = n % 3 ? 'x' : '\r';
        line[sizeof line - 1] = n % 3 ? 'x' : '\n';
        cmd_identity_data(&i, line, sizeof line);
    }
    cmd_identity_data(&i, "\r\nMessage-ID: <1@x>\r\n\r\n", 23);
    assert_int_equal(cmd_identity_end(&i, first), 1);
    assert_int_equal(identity_of("Message-ID: <1@x>\r\n\r\n", 21, 99, second), 1);
    assert_memory_equal(first, second, sizeof first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_counts_from_the_next_run_on),
        cmocka_unit_test(one_failure_among_equal_uids_has_all_fetched_again),
        cmocka_unit_test(deletion_is_due_until_confirmed),
        cmocka_unit_test(refused_until_the_limit_is_raised),
        cmocka_unit_test(forgotten_after_two_whole_listings),
        cmocka_unit_test(grows_with_the_maildrop),
        cmocka_unit_test(damaged_is_kept_aside),
        cmocka_unit_test(a_killed_run_left_what_is_sure),
        cmocka_unit_test(where_it_lies),
        cmocka_unit_test(who_looks_finds_what_a_run_wrote),
        cmocka_unit_test(a_damaged_length_takes_no_memory),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(identity_by_message_id),
        cmocka_unit_test(identity_without_message_id),
        cmocka_unit_test(identity_of_a_long_header),
    };
    return cmocka_run_group_tests_name("state", tests, make_dir, remove_dir);
}
