/* SPDX-License-Identifier: MIT */
/* store - see store.h. One table has the library's functions for each kind. */
#define _POSIX_C_SOURCE 200809L
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "popcl_posix_mbox.h"
#include "popcl_posix_pipe.h"
#include "popcl_posix_store.h"

/* ---- the kinds ---- */

static const char *line_end_of(const cmd_options *o) { return o->crlf ? "\r\n" : "\n"; }

static void *dir_open(const cmd_store *s) {
    return popcl_store_dir_open(s->options->out_dir, NULL, NULL);
}

static void *maildir_open(const cmd_store *s) {
    return popcl_store_maildir_open(s->options->out_dir, NULL, NULL);
}

static int dir_error(const void *ctx, const char **call, const char **name) {
    return popcl_store_dir_error(ctx, call, name);
}

static const char *dir_name(const void *ctx) { return popcl_store_dir_name(ctx); }

static void dir_close(void *ctx) { popcl_store_dir_close(ctx); }

static void *mbox_open(const cmd_store *s) {
    popcl_store_mbox_config c = {.path = s->options->out_dir,
                                 .line_end = line_end_of(s->options),
                                 .lock_ms = s->options->idle_ms,
                                 .total_ms = s->left_ms,
                                 .stop = s->stop};
    return popcl_store_mbox_open(&c, NULL, NULL);
}

static int mbox_error(const void *ctx, const char **call, const char **name) {
    *name = "";
    return popcl_store_mbox_error(ctx, call);
}

static void mbox_close(void *ctx) { popcl_store_mbox_close(ctx); }

/* Standard output has the count alone, so the command has standard error for both. */
static void *pipe_open(const cmd_store *s) {
    popcl_store_pipe_config c = {.command = s->options->pipe_command,
                                 .output = STDERR_FILENO,
                                 .limit_ms = s->options->idle_ms,
                                 .total_ms = s->left_ms,
                                 .stop = s->stop};
    return popcl_store_pipe_open(&c, NULL, NULL);
}

static int pipe_error(const void *ctx, const char **call, const char **name) {
    *name = "";
    return popcl_store_pipe_error(ctx, call);
}

static void pipe_close(void *ctx) { popcl_store_pipe_close(ctx); }

static void *stream_open(const cmd_store *s) {
    const char *of_mbox = s->options->raw ? NULL : line_end_of(s->options);
    return popcl_store_stream_open(STDOUT_FILENO, of_mbox, NULL, NULL);
}

static int stream_error(const void *ctx, const char **call, const char **name) {
    *name = "";
    return popcl_store_stream_error(ctx, call);
}

static void stream_close(void *ctx) { popcl_store_stream_close(ctx); }

static const struct {
    void *(*open)(const cmd_store *s);
    const popcl_sink *sink;
    int (*error)(const void *ctx, const char **call, const char **name);
    const char *(*name)(const void *ctx); /* NULL = messages have no names */
    void (*close)(void *ctx);
    const char *place; /* NULL = that of -o */
} kinds[] = {
    [CMD_STORE_DIR] = {.open = dir_open,
                       .sink = &popcl_store_dir_sink,
                       .error = dir_error,
                       .name = dir_name,
                       .close = dir_close},
    [CMD_STORE_MAILDIR] = {.open = maildir_open,
                           .sink = &popcl_store_dir_sink,
                           .error = dir_error,
                           .name = dir_name,
                           .close = dir_close},
    [CMD_STORE_MBOX] = {.open = mbox_open,
                        .sink = &popcl_store_mbox_sink,
                        .error = mbox_error,
                        .close = mbox_close},
    [CMD_STORE_PIPE] = {.open = pipe_open,
                        .sink = &popcl_store_pipe_sink,
                        .error = pipe_error,
                        .close = pipe_close,
                        .place = "the command of --pipe"},
    [CMD_STORE_STREAM] = {.open = stream_open,
                          .sink = &popcl_store_stream_sink,
                          .error = stream_error,
                          .close = stream_close,
                          .place = "standard output"},
};

/* ---- open and close ---- */

int cmd_store_open(cmd_store *s, const cmd_options *o, uint32_t left_ms,
                   const volatile sig_atomic_t *stop) {
    s->options = o;
    s->left_ms = left_ms ? left_ms : 1;
    s->stop = stop;
    s->opened = kinds[o->store].open(s);
    if (!s->opened) return -1;
    s->sink = kinds[o->store].sink;
    s->ctx = s->opened;
    if (o->crlf) return 0;
    s->line_ends = (popcl_line_ends){.sink = s->sink, .ctx = s->ctx};
    s->sink = &popcl_line_ends_sink;
    s->ctx = &s->line_ends;
    return 0;
}

void cmd_store_close(cmd_store *s) {
    if (s->opened) kinds[s->options->store].close(s->opened);
    s->opened = NULL;
    s->sink = NULL;
}

int cmd_store_open_again(cmd_store *s) {
    cmd_store again = {.sink = NULL};
    if (!s->opened || s->options->store != CMD_STORE_DIR) return 0;
    if (cmd_store_open(&again, s->options, s->left_ms, s->stop) < 0) return -1;
    cmd_store_close(s);
    *s = again;
    if (s->sink == &popcl_line_ends_sink) s->ctx = &s->line_ends;
    return 0;
}

/* ---- facts ---- */

int cmd_store_error(const cmd_store *s, const char **call, const char **name) {
    int error = kinds[s->options->store].error(s->opened, call, name);
    if (!**name) *name = cmd_store_place(s->options);
    return error;
}

const char *cmd_store_name(const cmd_store *s) {
    const char *(*name)(const void *ctx) = kinds[s->options->store].name;
    return name ? name(s->opened) : cmd_store_place(s->options);
}

const char *cmd_store_place(const cmd_options *o) {
    const char *place = kinds[o->store].place;
    return place ? place : o->out_dir;
}

int cmd_store_has_replaced(const cmd_store *s) {
    return s->options->store == CMD_STORE_MBOX && popcl_store_mbox_has_replaced(s->opened);
}

int cmd_store_no_dot_lock(const cmd_store *s) {
    return s->options->store == CMD_STORE_MBOX ? popcl_store_mbox_no_dot_lock(s->opened) : 0;
}

/* ---- words ---- */

/* Of a command that stored nothing: its fate, the cause, and the first advice. */
static const struct pipe_words {
    const char *what; /* with the place of a number, or without */
    const char *cause, *advice;
} pipe_words[] = {
    [POPCL_PIPE_EXITED] = {"failed with exit code %d", "its own message, if it has one, is above",
                           ""},
    [POPCL_PIPE_SIGNALLED] = {"was ended by signal %d", "it crashed, or something killed it", ""},
    [POPCL_PIPE_STOPPED] = {"was killed after signal %d stopped it",
                            "it wants to read or set the terminal, which it must not",
                            "leave the terminal out of it; "},
    [POPCL_PIPE_LATE] = {"did not end in time, and was killed",
                         "it waits for something, or has too much to do",
                         "raise --timeout or --max-time, or "},
};

static int pipe_refused(const cmd_store *s, cmd_store_refusal *r) {
    int number;
    popcl_pipe_fate fate = popcl_store_pipe_fate(s->opened, &number);
    if (fate == POPCL_PIPE_STORED || fate == POPCL_PIPE_NOT_RUN) return 0;
    const struct pipe_words *w = &pipe_words[fate];
    int is_exit = fate == POPCL_PIPE_EXITED;
    r->of_message = 1;
    r->cause = is_exit && number == 127   ? "a program in it was not found"
               : is_exit && number == 126 ? "a program in it cannot be run"
                                          : w->cause;
    int n = snprintf(r->what, sizeof r->what, "the command of --pipe ");
    (void)snprintf(r->what + n, sizeof r->what - (size_t)n, w->what, number);
    (void)snprintf(r->advice, sizeof r->advice,
                   "%srun it in a shell with a message as its input: it must exit with 0; the "
                   "message is still on the server, and comes again",
                   w->advice);
    return 1;
}

static int mbox_refused(const cmd_store *s, cmd_store_refusal *r) {
    const char *call, *path = s->options->out_dir;
    if (popcl_store_mbox_error(s->opened, &call) != ETIMEDOUT) return 0;
    int64_t held_s = popcl_store_mbox_held_s(s->opened);
    r->of_message = 0;
    if (strcmp(call, "dot lock") != 0) {
        (void)snprintf(r->what, sizeof r->what, "%.200s is locked by another program", path);
        r->cause = "a mail program or a delivery uses it";
        (void)snprintf(r->advice, sizeof r->advice, "end that program, or run again later");
        return 1;
    }
    char age[48] = "";
    if (held_s >= 0) (void)snprintf(age, sizeof age, ", and %lld seconds old", (long long)held_s);
    (void)snprintf(r->what, sizeof r->what, "%.190s is locked: its lock file is there%s", path,
                   age);
    r->cause = "another program writes to it, or was killed and left the lock file";
    (void)snprintf(r->advice, sizeof r->advice,
                   "run again later; if no program uses it any more: rm '%.200s.lock'", path);
    return 1;
}

int cmd_store_refused(const cmd_store *s, cmd_store_refusal *r) {
    if (s->options->store == CMD_STORE_PIPE) return pipe_refused(s, r);
    return s->options->store == CMD_STORE_MBOX ? mbox_refused(s, r) : 0;
}

/* Rows of one kind of store, and an errno; 0 = any other. */
static const struct {
    uint8_t store;
    int error;
    const char *cause, *advice;
} open_words[] = {
    {CMD_STORE_MAILDIR, ENOTEMPTY, "other things are in it, and no directory new: it is no Maildir",
     "give a Maildir, an empty directory or a new name; or leave --format out"},
    {CMD_STORE_MBOX, EISDIR, "it is a directory, perhaps a Maildir",
     "give -o a file; for a Maildir --format maildir"},
    {CMD_STORE_MBOX, EINVAL, "it is a device or a pipe", "give -o a file; -o - is standard output"},
    {CMD_STORE_MBOX, ENOENT, "its directory is missing", "make the directory, then run again"},
    {CMD_STORE_MBOX, EACCES, "the file, or its directory, cannot be written by this user",
     "correct owner and mode, or give -o another file"},
    {CMD_STORE_PIPE, 0, "a message is kept in a temporary file, and none can be made",
     "set TMPDIR to a directory that you may write, with some free space"},
    {CMD_STORE_STREAM, 0, "a message is kept in a temporary file, and none can be made",
     "set TMPDIR to a directory that you may write, with some free space"},
};

const char *cmd_store_open_cause(const cmd_options *o, int error, const char **advice) {
    for (size_t i = 0; i < sizeof open_words / sizeof *open_words; i++) {
        if (open_words[i].store != o->store) continue;
        if (open_words[i].error && open_words[i].error != error) continue;
        *advice = open_words[i].advice;
        return open_words[i].cause;
    }
    return NULL;
}
