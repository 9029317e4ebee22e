/* SPDX-License-Identifier: MIT */
/* askcmd - see askcmd.h. The command's process group is in the background of the terminal. A
 * command that asks a person there is stopped by the kernel; it then gets the terminal, and goes
 * on. */
#define _POSIX_C_SOURCE 200809L
#include "askcmd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "process.h"
#include "report.h"
#include "system.h"
#include "waiting.h"

enum {
    LOOK_MS = 50,   /* between two looks whether the command waits for the terminal */
    NAP_MAX_MS = 20 /* the longest of the naps until it has ended */
};

#define ITS_OWN "run it in a shell: it must print the secret in its first line, and exit with 0"

/* One run of the command. */
typedef struct asked {
    cmd_login *login;
    const char *whole;
    const cmd_patience *patience;
    pop_process process;
    int fd;    /* the reading end of the pipe */
    int error; /* errno of a reading that failed */
    int is_line_whole;
    size_t len;       /* octets of the first line in buf */
    int terminal;     /* -1, or the terminal that was given to it */
    int had_terminal; /* 1 = the keys of a person went to it */
    pid_t foreground; /* the group that had the terminal before */
} asked;

void cmd_ask_abandon(void) { pop_process_abandon(); }

/* ---- the terminal ---- */

/* A background group that calls tcsetpgrp is stopped, unless it ignores the signal. */
static int set_foreground(int terminal, pid_t group) {
    struct sigaction ignore, before;
    memset(&ignore, 0, sizeof ignore);
    (void)sigemptyset(&ignore.sa_mask);
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGTTOU, &ignore, &before);
    int failed = tcsetpgrp(terminal, group);
    (void)sigaction(SIGTTOU, &before, NULL);
    return failed;
}

/* Gives a stopped command the terminal, if that is this process's to give. A command that was
 * stopped by a person goes on: nobody else could continue it. */
static void let_continue(asked *a) {
    if (a->terminal < 0) {
        int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        pid_t group = fd >= 0 ? tcgetpgrp(fd) : -1;
        if (fd >= 0 && group == getpgrp() && set_foreground(fd, a->process.pid) == 0) {
            a->terminal = fd;
            a->had_terminal = 1;
            a->foreground = group;
        } else if (fd >= 0) {
            (void)close(fd);
        }
    }
    if (a->terminal < 0) return; /* this process is in the background too: perhaps not for long */
    a->process.stopped_by = 0;
    (void)kill(-a->process.pid, SIGCONT);
}

static void take_terminal_back(asked *a) {
    if (a->terminal < 0) return;
    (void)set_foreground(a->terminal, a->foreground);
    (void)close(a->terminal);
    a->terminal = -1;
}

/* ---- its life ---- */

/* Looks whether it has ended. If it was stopped, it is continued. */
static void look(asked *a) {
    pop_process_look(&a->process);
    if (a->process.stopped_by && !a->process.has_ended) let_continue(a);
}

/* Neither end of the pipe may be inherited by a process that another exec starts. */
static int open_pipe(int ends[2]) {
    if (pipe(ends)) return -1;
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0)
        return 0;
    (void)close(ends[0]);
    (void)close(ends[1]);
    return -1;
}

static int ask_begin(asked *a, const char *command) {
    int ends[2];
    if (open_pipe(ends)) return -1;
    int r = pop_process_start(&a->process, command, -1, ends[1]);
    int error = errno;
    (void)close(ends[1]);
    if (r < 0) (void)close(ends[0]);
    errno = error;
    a->fd = ends[0];
    return r;
}

/* After a failure, also if it has ended, what is left of its group is killed. */
static void ask_end(asked *a, int failed) {
    pop_process_end(&a->process, failed);
    (void)close(a->fd);
    take_terminal_back(a);
}

/* ---- its output ---- */

/* Room for the longest line with a CR, and one octet more to see that it is longer. */
enum { LINE_ROOM = CMD_SECRET_MAX + 2 };

static ssize_t read_line_part(asked *a) {
    char *at = a->login->buf + a->len;
    ssize_t n = read(a->fd, at, LINE_ROOM - a->len);
    if (n <= 0) return n;
    char *lf = memchr(at, '\n', (size_t)n);
    a->login->used = a->len + (size_t)n;
    a->len += lf ? (size_t)(lf - at) : (size_t)n;
    a->is_line_whole = lf != NULL;
    return n;
}

/* The rest may hold secrets too: other fields of a password manager's entry. */
static ssize_t read_and_forget(const asked *a) {
    char rest[512];
    ssize_t n = read(a->fd, rest, sizeof rest);
    cmd_wipe(rest, sizeof rest);
    return n;
}

/* Reads until the output ends. It has also ended if the command has, and another process that it
 * left has the pipe. */
static cmd_waited read_output(asked *a) {
    for (;;) {
        look(a);
        cmd_waited waited =
            cmd_wait_readable(a->fd, a->process.has_ended ? 0 : LOOK_MS, a->patience);
        if (waited == CMD_WAITED_LONG && a->process.has_ended) return CMD_WAITED_READY;
        if (waited == CMD_WAITED_LONG) continue;
        a->error = errno;
        if (waited != CMD_WAITED_READY) return waited;
        ssize_t n = a->is_line_whole ? read_and_forget(a) : read_line_part(a);
        if (n < 0 && errno == EINTR) continue;
        a->error = errno;
        if (n < 0) return CMD_WAITED_FAILED;
        if (n == 0 || (!a->is_line_whole && a->len == LINE_ROOM)) return CMD_WAITED_READY;
    }
}

static cmd_waited await_end(asked *a) {
    for (uint32_t nap = 1;; nap = nap < NAP_MAX_MS ? 2 * nap : nap) {
        look(a);
        if (a->process.has_ended) return CMD_WAITED_READY;
        cmd_waited waited = cmd_wait_readable(-1, nap, a->patience);
        if (waited != CMD_WAITED_LONG) return waited;
    }
}

/* ---- the verdict ---- */

static int refuse_command(const asked *a, const char *what, const char *cause, const char *advice) {
    return cmd_login_refuse(a->login, CMD_EXIT_CONFIG, what, cause, advice);
}

/* The command was ended before it ended by itself. */
static int judge_wait(const asked *a, cmd_waited waited) {
    if (waited == CMD_WAITED_STOPPED) return CMD_EXIT_SIGNAL + (int)*a->patience->stop;
    if (waited == CMD_WAITED_OVER)
        return refuse_command(a, "the command did not end in time, and was killed",
                              "it waits for something: its standard input is empty",
                              "run it in a shell, or raise --timeout");
    return refuse_command(a, "the command's output cannot be read", cmd_error_text(a->error),
                          "run it again");
}

static int judge_status(const asked *a) {
    char what[80];
    if (a->process.is_killed) {
        /* Ctrl-C, while the command had the terminal */
        if (a->had_terminal && a->process.status == SIGINT) return CMD_EXIT_SIGNAL + SIGINT;
        (void)snprintf(what, sizeof what, "the command was ended by signal %d", a->process.status);
        return refuse_command(a, what, "it crashed, or something killed it", ITS_OWN);
    }
    int code = a->process.status;
    (void)snprintf(what, sizeof what, "the command failed with exit code %d", code);
    return refuse_command(a, what,
                          code == POP_PROCESS_NOT_FOUND ? "a program in it was not found"
                          : code == POP_PROCESS_NOT_RUN
                              ? "a program in it cannot be run"
                              : "its own message, if it has one, is above",
                          ITS_OWN);
}

/* `waited`: how reading and waiting ended. The line is judged only if the command succeeded. */
static int ask_judge(asked *a, cmd_waited waited) {
    if (waited != CMD_WAITED_READY) return judge_wait(a, waited);
    if (a->process.has_ended && (a->process.is_killed || a->process.status)) return judge_status(a);
    return cmd_login_take_line(a->login, a->len, a->whole, ITS_OWN);
}

int cmd_ask_command(cmd_login *l, const char *command, const char *whole,
                    const cmd_patience *patience) {
    asked a = {.login = l, .whole = whole, .patience = patience, .terminal = -1};
    cmd_login_wipe(l);
    if (ask_begin(&a, command))
        return refuse_command(&a, "the command cannot be started", cmd_error_text(errno),
                              "end other programs or raise the limits (ulimit -u, -n)");
    cmd_waited waited = read_output(&a);
    int is_too_long = !a.is_line_whole && a.len == LINE_ROOM;
    if (waited == CMD_WAITED_READY && !is_too_long) waited = await_end(&a);
    int failed = ask_judge(&a, waited);
    ask_end(&a, failed);
    if (failed) cmd_login_wipe(l);
    return failed;
}
