/* output - see output.h. Temporaries that exist are noted where the signal handler finds them; it
 * does nothing but unlink them. */
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE   700 /* realpath */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 2 };
static char *volatile temporaries[FILES_MAX]; /* for the signal handler */

static void on_signal(int number) {
    for (size_t i = 0; i < FILES_MAX; i++)
        if (temporaries[i]) (void)unlink(temporaries[i]);
    _exit(128 + number);
}

static void clean_up_on_signals(void) {
    static const int numbers[] = {SIGHUP, SIGINT, SIGTERM, SIGXCPU, SIGXFSZ};
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
}

static int write_all(int fd, const char *p, size_t n) {
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done == 0) errno = EIO;
        if (done <= 0) return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* ---- one file ---- */

static int write_directly(const ta_file *f, ta_written *result) {
    int fd = f->name ? open(f->name, O_WRONLY | O_CLOEXEC | O_NOCTTY) : STDOUT_FILENO;
    *result = TA_CANNOT_CREATE;
    if (fd < 0) return -1;
    *result = TA_CANNOT_WRITE;
    int failed = write_all(fd, f->text, f->len);
    if (f->name && close(fd) && !failed) failed = -1;
    if (!failed) *result = TA_WRITTEN;
    return failed;
}

/* "DIR/.NAME.XXXXXX" beside the target; of a NAME that leaves no room for more, its beginning. */
static char *temporary_name(const char *target) {
    enum { NAME_SHOWN = 200 };
    const char *slash = strrchr(target, '/');
    size_t dir = slash ? (size_t)(slash + 1 - target) : 0, n = strlen(target);
    char *name = malloc(n + sizeof "..XXXXXX");
    if (!name) return NULL;
    (void)snprintf(name, n + sizeof "..XXXXXX", "%.*s.%.*s.XXXXXX", (int)dir, target, NAME_SHOWN,
                   target + dir);
    return name;
}

/* Makes the temporary, with the mode that the target has or would get. */
static int create(ta_file *f, size_t slot, mode_t mode) {
    f->temporary = temporary_name(f->target);
    if (!f->temporary) return -1;
    temporaries[slot] = f->temporary; /* before it exists: no signal may come between */
    int fd = mkstemp(f->temporary);
    if (fd >= 0) {
        (void)fchmod(fd, mode);
        return fd;
    }
    temporaries[slot] = NULL;
    free(f->temporary);
    f->temporary = NULL;
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
    int fd = create(f, slot, exists ? st.st_mode & 0777 : 0666 & ~mask);
    if (fd < 0) return TA_CANNOT_CREATE;
    if (write_all(fd, f->text, f->len) || fsync(fd)) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return TA_CANNOT_WRITE;
    }
    return close(fd) ? TA_CANNOT_WRITE : TA_WRITTEN;
}

static void drop(ta_file *f, size_t slot) {
    int error = errno;
    if (f->temporary) (void)unlink(f->temporary);
    temporaries[slot] = NULL;
    free(f->temporary);
    free(f->target);
    f->temporary = f->target = NULL;
    errno = error;
}

/* ---- all of them ---- */

/* Whether it has to be written where it is: a device, a pipe, or what standard output goes to, by
 * whatever name. */
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
    for (size_t i = 0; i < count && result == TA_WRITTEN; i++) {
        *which = files[i].name ? files[i].name : "standard output";
        if (is_special(&files[i]))
            (void)write_directly(&files[i], &result);
        else
            result = prepare(&files[i], i);
    }
    for (size_t i = 0; i < count && result == TA_WRITTEN; i++) {
        if (!files[i].temporary) continue;
        *which = files[i].name;
        if (rename(files[i].temporary, files[i].target)) {
            result = TA_CANNOT_WRITE;
            continue;
        }
        temporaries[i] = NULL;
        free(files[i].temporary);
        files[i].temporary = NULL;
    }
    for (size_t i = 0; i < count; i++)
        drop(&files[i], i);
    return result;
}
