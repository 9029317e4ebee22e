/* SPDX-License-Identifier: MIT */
/* test_recordfile - where the record of an account is, whether it is believed, and what survives.
 */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <bearssl.h>

#include "recordfile.h"
#include "recordform.h"
#include "results.h"

static char dir[64];
static cmd_record_file f;

static int make_dir(void **state) {
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/popcl-record-XXXXXX");
    if (!mkdtemp(dir)) return -1;
    return setenv("XDG_STATE_HOME", dir, 1);
}

static int remove_dir(void **state) {
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static int open_port(const char *user, uint16_t port, int writes) {
    int code = cmd_record_file_open(&f, user, strlen(user), "mail.example", port, dir, writes);
    return code ? code : cmd_record_file_load(&f);
}

static int open_for(const char *user) { return open_port(user, 110, 1); }

static cmd_state now(const char *uid) {
    return cmd_record_state(cmd_record_find(&f.record, uid, strlen(uid)));
}

static void note(const char *uid, cmd_event e) {
    cmd_record_note(&f.record, uid, strlen(uid), e, 10, 1);
}

/* Ends the run and begins the next one. */
static void next_run(const char *user) {
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(open_for(user), 0);
}

static void path_of(char out[1300], const char *suffix) {
    (void)snprintf(out, 1300, "%s/%s%s", f.path, f.name, suffix);
}

static unsigned files_in(const char *path) {
    unsigned n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(d);
    return n;
}

/* ---- what is kept ---- */

static void what_was_saved_is_there_for_its_account_alone(void **state) { /* [F21] */
    struct stat st;
    char file[1300];
    (void)state;
    (void)umask(0);
    assert_int_equal(open_for("a"), 0);
    note("u1", CMD_ON_STORED);
    next_run("a");
    assert_int_equal(now("u1"), CMD_STORED);
    path_of(file, "");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(f.path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(files_in(f.path), 1);
    cmd_record_file_close(&f);
    assert_int_equal(open_for("b"), 0);
    assert_int_equal(now("u1"), CMD_NEW);
    cmd_record_file_close(&f);
    assert_int_equal(open_port("a", 111, 1), 0);
    assert_int_equal(now("u1"), CMD_NEW);
    cmd_record_file_close(&f);
    assert_int_equal(open_port("a", 995, 1), 0); /* the same account with and without TLS */
    assert_int_equal(now("u1"), CMD_STORED);
    cmd_record_file_close(&f);
}

static void what_did_not_change_is_not_written(void **state) {
    struct stat before, after;
    char file[1300];
    (void)state;
    assert_int_equal(open_for("c"), 0);
    path_of(file, "");
    assert_int_equal(cmd_record_file_save(&f), 0);
    assert_int_equal(stat(file, &before), -1);
    note("u1", CMD_ON_STORED);
    next_run("c");
    assert_int_equal(stat(file, &before), 0);
    assert_int_equal(now("u1"), CMD_STORED);
    assert_int_equal(cmd_record_file_save(&f), 0);
    assert_int_equal(stat(file, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    cmd_record_file_close(&f);
}

static void grows_with_the_maildrop(void **state) {
    char uid[16];
    (void)state;
    assert_int_equal(open_for("d"), 0);
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(uid, sizeof uid, "%d", i);
        note(uid, CMD_ON_STORED);
    }
    next_run("d");
    for (int i = 0; i < 20000; i++) {
        (void)snprintf(uid, sizeof uid, "%d", i);
        assert_int_equal(now(uid), CMD_STORED);
    }
    cmd_record_file_close(&f);
}

/* How many messages of a killed run the next one knows. */
static unsigned kept_of(const char *user, unsigned messages, uint32_t ms_each) {
    char uid[16];
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (open_for(user)) _exit(1);
        for (unsigned i = 0; i < messages; i++) {
            (void)snprintf(uid, sizeof uid, "%u", i);
            note(uid, CMD_ON_STORED_DUE), note(uid, CMD_ON_MARKED);
            cmd_record_file_pass(&f, 1 + i * ms_each);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(open_for(user), 0);
    unsigned n = 0;
    for (unsigned i = 0; i < messages; i++) {
        (void)snprintf(uid, sizeof uid, "%u", i);
        cmd_state state = now(uid);
        assert_true(state == CMD_DUE || state == CMD_NEW);
        n += state == CMD_DUE;
    }
    cmd_record_file_close(&f);
    return n;
}

static void a_kill_costs_what_was_unsaved(void **state) { /* [G1] */
    (void)state;
    assert_int_equal(kept_of("k1", CMD_SAVE_MESSAGES - 1, 0), 0);
    assert_int_equal(kept_of("k2", CMD_SAVE_MESSAGES, 0), CMD_SAVE_MESSAGES);
    assert_int_equal(kept_of("k3", 3, CMD_SAVE_MS), 3);
    unsigned kept = kept_of("k4", 4000, 0); /* an eighth of them, once that is more */
    assert_in_range(kept, 4000 - 4000 / 8, 4000);
}

/* ---- damage ---- */

static void damaged_is_kept_aside(void **state) {
    char file[1300], aside[1300];
    (void)state;
    assert_int_equal(open_for("h"), 0);
    note("u", CMD_ON_STORED);
    next_run("h");
    path_of(file, "");
    path_of(aside, ".damaged");
    cmd_record_file_close(&f);
    int fd = open(file, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "x", 1), 1);
    (void)close(fd);
    assert_int_equal(open_for("h"), 0);
    assert_int_equal(f.damaged, 1);
    assert_int_equal(now("u"), CMD_NEW);
    assert_int_equal(access(aside, F_OK), 0);
    assert_int_equal(access(file, F_OK), -1);
    note("u", CMD_ON_STORED);
    next_run("h");
    assert_int_equal(f.damaged, 0);
    assert_int_equal(now("u"), CMD_STORED);
    cmd_record_file_close(&f);
    assert_int_equal(truncate(file, 20), 0);
    assert_int_equal(open_port("h", 110, 0), 0); /* --list only looks */
    assert_int_equal(f.damaged, 1);
    assert_int_equal(access(file, F_OK), 0);
    cmd_record_file_close(&f);
}

/* A count or a length that lies must not make room for what is not there. */
static void a_damaged_length_takes_no_memory(void **state) { /* [I-4] */
    char file[1300];
    (void)state;
    assert_int_equal(open_for("m"), 0);
    note("u", CMD_ON_STORED);
    next_run("m");
    path_of(file, "");
    cmd_record_file_close(&f);
    assert_int_equal(truncate(file, (off_t)1 << 30), 0);
    assert_int_equal(open_for("m"), 0);
    assert_int_equal(f.damaged, 1);
    assert_true(f.record.room < 1000);
    note("u", CMD_ON_STORED);
    next_run("m");
    assert_int_equal(now("u"), CMD_STORED);
    cmd_record_file_close(&f);
}

static void what_is_no_file_is_refused(void **state) { /* [F12] */
    char file[1300];
    (void)state;
    assert_int_equal(open_for("n"), 0);
    path_of(file, "");
    cmd_record_file_close(&f);
    assert_int_equal(symlink("/etc/hostname", file), 0);
    assert_int_equal(open_for("n"), 73);
    assert_true(f.failed_call && f.failed_errno);
    cmd_record_file_close(&f);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkfifo(file, 0600), 0);
    assert_int_equal(open_for("n"), 73);
    cmd_record_file_close(&f);
}

/* ---- what version 0.1.0 wrote ---- */

/* Writes one fetched UID as version 0.1.0 did. */
static void write_old(const char *file, const char *uid) {
    unsigned char octets[32 + 9 + br_sha256_SIZE] = "PSN1\0\0\0\1some sixteen oct";
    br_sha256_context sha;
    uint64_t hash = cmd_record_old_hash(octets + 8, uid, strlen(uid));
    for (int i = 7; i >= 0; i--, hash >>= 8)
        octets[32 + i] = (unsigned char)hash;
    octets[40] = 1;
    br_sha256_init(&sha);
    br_sha256_update(&sha, octets, 41);
    br_sha256_out(&sha, octets + 41);
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, octets, sizeof octets), (ssize_t)sizeof octets);
    (void)close(fd);
}

static void old_files_of_both_ports_become_one_new_one(void **state) {
    char file[1300], second[1300];
    (void)state;
    assert_int_equal(cmd_record_file_open(&f, "o", 1, "mail.example", 995, dir, 1), 0);
    path_of(file, "");
    (void)snprintf(second, sizeof second, "%s/%s", f.path, f.second);
    cmd_record_file_close(&f);
    write_old(file, "by 110");
    write_old(second, "by 995");
    assert_int_equal(open_for("o"), 0);
    assert_int_equal(f.taken, 1);
    assert_int_equal(now("by 110"), CMD_STORED);
    note("u", CMD_ON_STORED);
    next_run("o"); /* before the other one was named */
    assert_int_equal(access(second, F_OK), -1);
    assert_int_equal(f.taken, 0);
    assert_int_equal(now("by 110"), CMD_STORED);
    assert_int_equal(now("by 995"), CMD_STORED);
    assert_int_equal(now("u"), CMD_STORED);
    cmd_record_file_close(&f);
}

static void a_run_that_only_reads_leaves_old_files(void **state) {
    char second[1300];
    (void)state;
    assert_int_equal(cmd_record_file_open(&f, "p", 1, "mail.example", 995, dir, 1), 0);
    (void)snprintf(second, sizeof second, "%s/%s", f.path, f.second);
    cmd_record_file_close(&f);
    write_old(second, "by 995");
    assert_int_equal(open_port("p", 995, 0), 0);
    assert_int_equal(now("by 995"), CMD_STORED);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(access(second, F_OK), 0);
}

/* ---- a file of the user's choice ---- */

static int open_given(const char *user, uint16_t port, const char *file) {
    int code = cmd_record_file_open_given(&f, user, strlen(user), "mail.example", port, file, 1);
    return code ? code : cmd_record_file_load(&f);
}

static void a_given_file_is_of_one_account(void **state) {
    char file[96], lock[1300];
    (void)state;
    (void)snprintf(file, sizeof file, "%s/given", dir);
    assert_int_equal(open_given("v", 110, file), 0);
    note("u", CMD_ON_STORED);
    assert_int_equal(cmd_record_file_lock(&f, "a run", 0, NULL), TOOL_LOCKED);
    path_of(lock, ".lock");
    assert_int_equal(access(lock, F_OK), 0);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(access(lock, F_OK), -1);
    assert_int_equal(open_given("v", 995, file), 0); /* the same account */
    assert_int_equal(now("u"), CMD_STORED);
    assert_true(f.saved_at > 0);
    cmd_record_file_close(&f);
    assert_int_equal(open_for("v"), 0); /* its usual place has no file */
    assert_int_equal(now("u"), CMD_NEW);
    assert_int_equal(f.saved_at, 0);
    cmd_record_file_close(&f);
    static const struct {
        const char *user;
        uint16_t port;
    } others[] = {{"w", 110}, {"v", 1110}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(open_given(others[i].user, others[i].port, file), 78);
        assert_int_equal(f.foreign, 1);
        cmd_record_file_close(&f);
    }
    assert_int_equal(open_given("v", 110, file), 0);
    assert_int_equal(now("u"), CMD_STORED);
    cmd_record_file_close(&f);
}

/* A slip in the command line must not cost the user a file. */
static void a_given_file_that_is_no_record_stays(void **state) {
    static const char text[] = "username = somebody\npassword = secret\n";
    char file[96], aside[128], kept[sizeof text];
    (void)state;
    (void)snprintf(file, sizeof file, "%s/no-record", dir);
    (void)snprintf(aside, sizeof aside, "%s.damaged", file);
    int fd = open(file, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, text, sizeof text), (ssize_t)sizeof text);
    assert_int_equal(open_given("v", 110, file), 78);
    assert_int_equal(f.foreign, 2);
    cmd_record_file_close(&f);
    assert_int_equal(pread(fd, kept, sizeof kept, 0), (ssize_t)sizeof text);
    assert_memory_equal(kept, text, sizeof text);
    assert_int_equal(access(aside, F_OK), -1);
    /* one that was a record, and is damaged, is put aside as everywhere */
    assert_int_equal(pwrite(fd, "PRC2", 4, 0), 4);
    (void)close(fd);
    assert_int_equal(open_given("v", 110, file), 0);
    assert_int_equal(f.damaged, 1);
    cmd_record_file_close(&f);
    assert_int_equal(access(aside, F_OK), 0);
}

static void a_given_file_needs_a_directory_and_a_name(void **state) {
    char path[300], longest[CMD_RECORD_NAME_MAX + 2];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/missing/given", dir);
    assert_int_equal(open_given("v", 110, path), 73);
    assert_true(f.failed_errno == ENOENT && f.failed_call);
    cmd_record_file_close(&f);
    static const char *const names[] = {"", ".", ".."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        assert_int_equal(open_given("v", 110, path), 73);
        cmd_record_file_close(&f);
    }
    memset(longest, 'n', sizeof longest);
    for (size_t len = CMD_RECORD_NAME_MAX; len <= CMD_RECORD_NAME_MAX + 1; len++) {
        (void)snprintf(path, sizeof path, "%s/%.*s", dir, (int)len, longest);
        assert_int_equal(open_given("v", 110, path), len > CMD_RECORD_NAME_MAX ? 73 : 0);
        if (len > CMD_RECORD_NAME_MAX) continue;
        note("u", CMD_ON_STORED);
        assert_int_equal(cmd_record_file_save(&f), 0);
        cmd_record_file_close(&f);
        assert_int_equal(access(path, F_OK), 0);
    }
    cmd_record_file_close(&f);
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(open_given("v", 110, "here"), 0);
    note("u", CMD_ON_STORED);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(access("here", F_OK), 0);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(cmd_record_file_open_given(&f, "v", 1, "mail.example", 110, "/here", 0), 0);
    assert_string_equal(f.path, "/");
    assert_string_equal(f.name, "here");
    cmd_record_file_close(&f);
}

static void a_given_file_of_others_is_not_believed(void **state) { /* [L8] */
    char file[96];
    struct stat st;
    (void)state;
    (void)snprintf(file, sizeof file, "%s/shared", dir);
    assert_int_equal(open_given("v", 110, file), 0);
    note("u", CMD_ON_STORED_DUE);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(chmod(file, 0620), 0);
    assert_int_equal(open_given("v", 110, file), 0);
    assert_int_equal(f.distrusted, 1);
    assert_int_equal(now("u"), CMD_NEW);
    cmd_record_file_close(&f);
}

/* ---- where it is ---- */

static void where_it_is(void **state) {
    char home[96], xdg[96], want[160];
    (void)state;
    (void)snprintf(home, sizeof home, "%s/home", dir);
    (void)snprintf(xdg, sizeof xdg, "%s/new/xdg", dir);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(setenv("HOME", home, 1), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", xdg, 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/popcl", xdg);
    assert_string_equal(f.path, want);
    assert_null(f.fell_back);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("XDG_STATE_HOME", "relative", 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/.local/state/popcl", home);
    assert_string_equal(f.path, want);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
    assert_int_equal(open_for("j"), 0);
    (void)snprintf(want, sizeof want, "%s/.popcl", dir);
    assert_string_equal(f.path, want);
    assert_string_equal(f.fell_back, "HOME"); /* and that is reported */
    assert_true(f.fell_back_errno);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("XDG_STATE_HOME", "/dev/null", 1), 0);
    assert_int_equal(open_for("j"), 73);
    assert_true(f.failed_call && f.failed_errno);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

/* HOME is there and cannot be written (a service's): a run that only reads must look where one that
 * writes wrote. */
static void what_a_run_wrote_is_found_by_one_that_reads(void **state) {
    char home[96];
    (void)state;
    (void)snprintf(home, sizeof home, "%s/bare", dir);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
    assert_int_equal(open_for("l"), 0);
    note("u", CMD_ON_STORED);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("HOME", home, 1), 0);
    assert_int_equal(open_port("l", 110, 0), 0);
    assert_int_equal(now("u"), CMD_STORED);
    cmd_record_file_close(&f);
    assert_int_equal(rmdir(home), 0); /* nothing was made in it */
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

/* ---- whom it belongs to ---- */

static void a_file_that_others_may_write_is_not_believed(void **state) { /* [L8] */
    static const mode_t modes[] = {0620, 0602, 0622};
    char file[1300];
    struct stat st;
    (void)state;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(open_for("q"), 0);
        note("u", CMD_ON_STORED_DUE);
        next_run("q");
        path_of(file, "");
        assert_int_equal(now("u"), CMD_DUE);
        cmd_record_file_close(&f);
        assert_int_equal(chmod(file, modes[i]), 0);
        assert_int_equal(open_for("q"), 0);
        assert_int_equal(f.distrusted, 1);
        assert_int_equal(now("u"), CMD_NEW);
        note("u", CMD_ON_STORED);
        next_run("q"); /* its own is in its place now */
        assert_int_equal(f.distrusted, 0);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(unlink(file), 0);
        cmd_record_file_close(&f);
    }
}

static void a_directory_beside_the_mail_that_others_may_write_is_not_believed(void **state) {
    char path[96], own[160];
    (void)state;
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
    assert_int_equal(open_for("r"), 0);
    note("u", CMD_ON_STORED_DUE);
    next_run("r");
    assert_int_equal(now("u"), CMD_DUE);
    cmd_record_file_close(&f);
    (void)snprintf(path, sizeof path, "%s/.popcl", dir);
    (void)snprintf(own, sizeof own, "%s/.popcl-%lu", dir, (unsigned long)geteuid());
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(open_for("r"), 0); /* it gets one of its own name */
    assert_int_equal(now("u"), CMD_NEW);
    assert_string_equal(f.path, own);
    assert_int_equal(f.distrusted, 0);
    cmd_record_file_close(&f);
    assert_int_equal(chmod(own, 0777), 0);
    assert_int_equal(open_for("r"), 0); /* neither: the run goes on without */
    assert_int_equal(f.distrusted, 1);
    assert_string_equal(f.path, path);
    note("u", CMD_ON_STORED);
    assert_int_equal(cmd_record_file_save(&f), 0);
    cmd_record_file_close(&f);
    assert_int_equal(chmod(path, 0700), 0);
    assert_int_equal(open_for("r"), 0);
    assert_int_equal(now("u"), CMD_DUE);
    cmd_record_file_close(&f);
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

static void another_users_is_not_believed(void **state) { /* [L8] */
    char path[96], file[1300];
    (void)state;
    if (geteuid() != 0) skip_test("only root can give a file away");
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(open_for("s"), 0);
    note("u", CMD_ON_STORED_DUE);
    next_run("s");
    path_of(file, "");
    cmd_record_file_close(&f);
    (void)snprintf(path, sizeof path, "%s/.popcl", dir);
    assert_int_equal(chown(file, 12345, 12345), 0);
    assert_int_equal(open_for("s"), 0);
    assert_int_equal(f.distrusted, 1);
    assert_int_equal(now("u"), CMD_NEW);
    cmd_record_file_close(&f);
    assert_int_equal(chown(path, 12345, 12345), 0);
    assert_int_equal(open_for("s"), 0);
    assert_int_equal(now("u"), CMD_NEW);
    cmd_record_file_close(&f);
    /* for root the owner of the mail's directory counts too: cron gives the mail to its user */
    assert_int_equal(chown(dir, 12345, 12345), 0);
    assert_int_equal(open_for("s"), 0);
    assert_string_equal(f.path, path);
    assert_int_equal(now("u"), CMD_DUE);
    cmd_record_file_close(&f);
    assert_int_equal(chown(dir, 0, 0), 0);
    assert_int_equal(chown(path, 0, 0), 0);
    assert_int_equal(setenv("XDG_STATE_HOME", dir, 1), 0);
}

/* ---- one run an account ---- */

static void one_run_an_account_at_a_time(void **state) { /* [L10] */
    char text[8];
    int ready[2], go[2], status;
    (void)state;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t child = fork();
    if (child == 0) {
        if (open_port("t", 995, 1)) _exit(1);
        if (cmd_record_file_lock(&f, "the first", 0, NULL) != TOOL_LOCKED) _exit(2);
        if (write(ready[1], "r", 1) != 1 || read(go[0], text, 1) != 1) _exit(3);
        cmd_record_file_close(&f);
        _exit(0);
    }
    assert_int_equal(read(ready[0], text, 1), 1);
    assert_int_equal(open_for("t"), 0);
    assert_int_equal(cmd_record_file_lock(&f, "the second", 0, NULL), TOOL_LOCK_HELD);
    assert_string_equal(f.lock.holder, "the first");
    cmd_record_file_close(&f);
    assert_int_equal(open_port("t", 110, 0), 0); /* a run that only reads takes none */
    assert_int_equal(cmd_record_file_lock(&f, "a reader", 0, NULL), TOOL_LOCKED);
    cmd_record_file_close(&f);
    assert_int_equal(open_port("t", 111, 1), 0); /* another account */
    assert_int_equal(cmd_record_file_lock(&f, "another", 0, NULL), TOOL_LOCKED);
    cmd_record_file_close(&f);
    assert_int_equal(open_for("t"), 0);
    assert_int_equal(write(go[1], "g", 1), 1);
    assert_int_equal(cmd_record_file_lock(&f, "the second", 60000, NULL), TOOL_LOCKED);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    char lock[1300];
    path_of(lock, ".lock");
    assert_int_equal(access(lock, F_OK), 0);
    cmd_record_file_close(&f);
    assert_int_equal(access(lock, F_OK), -1);
    (void)close(ready[0]), (void)close(ready[1]), (void)close(go[0]), (void)close(go[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_there_for_its_account_alone),
        cmocka_unit_test(what_did_not_change_is_not_written),
        cmocka_unit_test(grows_with_the_maildrop),
        cmocka_unit_test(a_kill_costs_what_was_unsaved),
        cmocka_unit_test(damaged_is_kept_aside),
        cmocka_unit_test(a_damaged_length_takes_no_memory),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(old_files_of_both_ports_become_one_new_one),
        cmocka_unit_test(a_run_that_only_reads_leaves_old_files),
        cmocka_unit_test(a_given_file_is_of_one_account),
        cmocka_unit_test(a_given_file_that_is_no_record_stays),
        cmocka_unit_test(a_given_file_needs_a_directory_and_a_name),
        cmocka_unit_test(a_given_file_of_others_is_not_believed),
        cmocka_unit_test(where_it_is),
        cmocka_unit_test(what_a_run_wrote_is_found_by_one_that_reads),
        cmocka_unit_test(a_file_that_others_may_write_is_not_believed),
        cmocka_unit_test(a_directory_beside_the_mail_that_others_may_write_is_not_believed),
        cmocka_unit_test(another_users_is_not_believed),
        cmocka_unit_test(one_run_an_account_at_a_time),
    };
    return cmocka_run_group_tests_name("recordfile", tests, make_dir, remove_dir);
}
