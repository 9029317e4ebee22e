/* SPDX-License-Identifier: MIT */
/* resume - see resume.h. The file is replaced by rename, so that a reader sees the old one or the
 * new one. Any number of runs at one time are safe, and the last one's session stays. */
#define _POSIX_C_SOURCE 200809L
#include "resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "inputs.h"
#include "system.h"

static int resume_refuse(const cmd_resume *s, cmd_report *r, int code, const char *why,
                         const char *cause, const char *advice) {
    char what[1200];
    (void)snprintf(what, sizeof what, "the file of --resume, %s, %s", s->path, why);
    cmd_report_error(r, what, cause, advice);
    return code;
}

/* ---- reading ---- */

/* Judges the kind of file, its owner, and the rights of others. */
static int resume_judge(const cmd_resume *s, const cmd_options *o, cmd_report *r,
                        const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        return resume_refuse(s, r, CMD_EXIT_CONFIG, "is no ordinary file",
                             "it is a link, a directory, a FIFO or a device",
                             "give a name of its own");
    if (cmd_inputs_have(o, o->resume_file, st))
        return resume_refuse(s, r, CMD_EXIT_CONFIG, "is that of another option",
                             "it would be overwritten", "give a name of its own");
    if (st->st_uid != geteuid())
        return resume_refuse(s, r, CMD_EXIT_CONFIG, "belongs to another user",
                             "its owner can read and change it at any time",
                             "use a file of your own, mode 600");
    if (st->st_mode & (S_IRWXG | S_IRWXO))
        return resume_refuse(s, r, CMD_EXIT_CONFIG, "is open to others",
                             "its mode lets group or others read or write it",
                             "remove it: with the session in it, mail can be read");
    return 0;
}

static void resume_put_aside(cmd_resume *s, cmd_report *r) {
    int moved = tool_put_aside(s->dir, s->name) == 0;
    if (moved) s->is_there = 0;
    cmd_report_warning(r,
                       "the file of --resume, %s, is damaged%s: it counts as none, and the "
                       "handshake is a full one",
                       s->path, moved ? " and kept as .damaged" : "");
}

static int resume_load(cmd_resume *s, const cmd_options *o, cmd_report *r, int fd) {
    unsigned char octets[POPCL_RESUME_LEN + 1];
    struct stat st;
    if (tool_stat(fd, &st))
        return resume_refuse(s, r, CMD_EXIT_NO_INPUT, "cannot be looked at", cmd_error_text(errno),
                             "look at its medium");
    int code = resume_judge(s, o, r, &st);
    if (code) return code;
    ssize_t n = tool_read_all(fd, octets, sizeof octets);
    if (n < 0) {
        code = resume_refuse(s, r, CMD_EXIT_NO_INPUT, "cannot be read", cmd_error_text(errno),
                             "look at its medium");
        cmd_wipe(octets, sizeof octets);
        return code;
    }
    s->is_there = 1;
    /* mktemp makes an empty one */
    if (n && popcl_resume_restore(&s->kept, octets, (size_t)n) != POPCL_OK) resume_put_aside(s, r);
    popcl_resume_save(&s->kept, s->blob);
    cmd_wipe(octets, sizeof octets);
    return 0;
}

int cmd_resume_open(cmd_resume *s, const cmd_options *o, cmd_report *r) {
    if (!o->resume_file) return 0;
    s->path = o->resume_file;
    s->dir = tool_open_parent(s->path, &s->name);
    if (s->dir < 0 || tool_try_directory(s->dir))
        return resume_refuse(s, r, CMD_EXIT_CREATE, "cannot be created", cmd_error_text(errno),
                             "give a file in a directory that exists and that you may write");
    /* a temporary of a run that was killed while it wrote is as secret as the file */
    tool_tidy(s->dir, s->name);
    int fd = tool_open(s->dir, s->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0 && errno == ENOENT) return 0;
    if (fd < 0)
        return resume_refuse(
            s, r, errno == ELOOP || errno == ENXIO ? CMD_EXIT_CONFIG : CMD_EXIT_NO_INPUT,
            "cannot be opened", errno == ELOOP ? "it is a link" : cmd_error_text(errno),
            "give a file of your own, or the name of one that does not exist yet");
    int code = resume_load(s, o, r, fd);
    (void)close(fd);
    return code;
}

/* ---- writing ---- */

void cmd_resume_end(cmd_resume *s, int succeeded, cmd_report *r) {
    static const popcl_resumable nothing;
    unsigned char none[POPCL_RESUME_LEN], now[POPCL_RESUME_LEN];
    if (!s->path) return;
    popcl_resume_save(&nothing, none);
    popcl_resume_save(&s->kept, now);
    int is_kept = memcmp(now, none, sizeof now) != 0,
        is_new = !s->is_there || memcmp(now, s->blob, sizeof now) != 0;
    if (is_kept && is_new && succeeded) {
        if (tool_replace(s->dir, s->name, now, sizeof now))
            cmd_report_warning(r, "the TLS session cannot be kept in %s: %s", s->path,
                               cmd_error_text(errno));
        else
            cmd_report_detail(r, "the TLS session is kept in %s", s->path);
    } else if (s->is_there && (is_new || !is_kept)) {
        if (unlinkat(s->dir, s->name, 0) && errno != ENOENT)
            cmd_report_warning(r, "%s cannot be removed: %s", s->path, cmd_error_text(errno));
    }
    cmd_wipe(now, sizeof now);
}

void cmd_resume_close(cmd_resume *s) {
    if (s->path && s->dir >= 0) (void)close(s->dir);
    cmd_wipe(s, sizeof *s);
}
