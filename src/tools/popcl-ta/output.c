/* SPDX-License-Identifier: MIT */
/* output - see output.h. Files under way are noted for the signal handler, which only gives them
 * up. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 2 };
static const tool_new *volatile begun[FILES_MAX]; /* for the signal handler */

static void output_on_signal(int number) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (begun[i]) tool_new_drop(begun[i]);
    _exit(128 + number);
}

static void clean_up_on_signals(void) {
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGXCPU, SIGXFSZ};
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = output_on_signal;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
}

/* ---- one file ---- */

static int write_directly(const ta_file *f, ta_written *result) {
    int fd = f->name ? tool_open(AT_FDCWD, f->name, O_WRONLY, 0) : STDOUT_FILENO;
    *result = TA_CANNOT_CREATE;
    if (fd < 0) return -1;
    *result = TA_CANNOT_WRITE;
    int failed = tool_write_all(fd, f->text, f->len);
    if (f->name && close(fd) && !failed) failed = -1;
    if (!failed) *result = TA_WRITTEN;
    return failed;
}

/* Opens the target's directory. Returns the target's name in it, or NULL and errno. */
static const char *open_dir(ta_file *f) {
    char *slash = strrchr(f->target, '/');
    const char *dir = !slash ? "." : slash == f->target ? "/" : f->target;
    if (slash) *slash = '\0'; /* of "/name" nothing is left */
    f->dir = tool_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
    return f->dir < 0 ? NULL : slash ? slash + 1 : f->target;
}

/* Makes the temporary, with the mode that the target has or would get. */
static int create(ta_file *f, size_t slot, mode_t mode) {
    const char *name = open_dir(f);
    if (!name) return -1;
    tool_tidy(f->dir, name);
    memset(&f->file, 0, sizeof f->file);
    f->file.fd = -1;
    begun[slot] = &f->file; /* noted before the file exists: no signal may come between */
    if (tool_new_begin(&f->file, f->dir, name, mode) == 0) return 0;
    begun[slot] = NULL;
    return -1;
}

static ta_written prepare(ta_file *f, size_t slot) {
    struct stat st;
    mode_t mask = umask(0);
    (void)umask(mask);
    int exists = stat(f->name, &st) == 0;
    errno = EISDIR;
    if (exists && S_ISDIR(st.st_mode)) return TA_CANNOT_CREATE;
    errno = ENOENT;
    /* a link that leads nowhere would be replaced */
    if (!exists && lstat(f->name, &st) == 0) return TA_CANNOT_CREATE;
    f->target = exists ? realpath(f->name, NULL) : strdup(f->name);
    if (!f->target) return TA_CANNOT_CREATE;
    if (create(f, slot, exists ? st.st_mode & 0777 : 0666 & ~mask)) return TA_CANNOT_CREATE;
    if (tool_write_all(f->file.fd, f->text, f->len) || tool_new_sync(&f->file))
        return TA_CANNOT_WRITE;
    return TA_WRITTEN;
}

static void drop(ta_file *f, size_t slot) {
    int error = errno;
    if (begun[slot]) tool_new_drop(&f->file);
    begun[slot] = NULL;
    if (f->dir >= 0) (void)close(f->dir);
    free(f->target);
    f->target = NULL;
    errno = error;
}

/* ---- all of them ---- */

/* Returns whether it has to be written in its place: a device, a pipe, or the file of standard
 * output, under any name. */
static int is_special(ta_file *f) {
    struct stat st, out;
    if (!f->name || stat(f->name, &st)) return !f->name;
    if (fstat(STDOUT_FILENO, &out) == 0 && st.st_dev == out.st_dev && st.st_ino == out.st_ino)
        f->name = NULL;
    return !f->name || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

ta_written ta_write_files(ta_file *files, size_t count, const char **which) {
    ta_written result = TA_WRITTEN;
    clean_up_on_signals();
    for (size_t i = 0; i < count; i++)
        files[i].dir = -1;
    for (size_t i = 0; i < count && result == TA_WRITTEN; i++) {
        *which = files[i].name ? files[i].name : "standard output";
        if (is_special(&files[i]))
            (void)write_directly(&files[i], &result);
        else
            result = prepare(&files[i], i);
    }
    for (size_t i = 0; i < count && result == TA_WRITTEN; i++) {
        if (!begun[i]) continue;
        *which = files[i].name;
        if (tool_new_put(&files[i].file)) result = TA_CANNOT_WRITE;
        begun[i] = NULL;
    }
    for (size_t i = 0; i < count; i++)
        drop(&files[i], i);
    return result;
}
