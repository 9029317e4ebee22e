/* SPDX-License-Identifier: MIT */
/* prompt - see prompt.h. While nothing typed is shown, signals that stop or end a process by
 * default are caught. The terminal is given back first, and then the signal does its work. */
#define _POSIX_C_SOURCE 200809L
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "report.h"
#include "system.h"
#include "waiting.h"

#define OTHER_WAYS                                                                                 \
    "give -a FILE, --netrc, --password-command or --token-command; -a - reads standard input"

static struct {
    int fd;
    volatile sig_atomic_t is_changed; /* 1 = `before` is to be restored */
    struct termios before;
} screen = {.fd = -1};

/* Signals of job control, and one that a key of the terminal sends. INT, TERM and HUP set the run's
 * stop flag. */
static const int job_signals[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGQUIT, SIGCONT};
enum { JOB_SIGNALS = sizeof job_signals / sizeof *job_signals };

static volatile sig_atomic_t job_signal; /* the last one that came; 0 = none */
static struct sigaction job_before[JOB_SIGNALS];

static void on_job_signal(int number) {
    if (number != SIGCONT || !job_signal) job_signal = number;
}

static void catch_job_signals(void) {
    struct sigaction act;
    memset(&act, 0, sizeof act);
    (void)sigemptyset(&act.sa_mask);
    act.sa_handler = on_job_signal; /* without SA_RESTART: the wait has to end */
    job_signal = 0;
    for (int i = 0; i < JOB_SIGNALS; i++) {
        (void)sigaction(job_signals[i], NULL, &job_before[i]);
        if (job_before[i].sa_handler != SIG_IGN) (void)sigaction(job_signals[i], &act, NULL);
    }
}

static void release_job_signals(void) {
    for (int i = 0; i < JOB_SIGNALS; i++)
        (void)sigaction(job_signals[i], &job_before[i], NULL);
}

/* ---- the terminal ---- */

void cmd_prompt_abandon(void) {
    if (screen.is_changed) (void)tcsetattr(screen.fd, TCSANOW, &screen.before);
    screen.is_changed = 0;
}

/* A terminal that takes nothing, because Ctrl-S was pressed, must not block the run. */
static void put_on_screen(const char *text) {
    size_t n = strlen(text);
    while (n) {
        ssize_t done = write(screen.fd, text, n);
        if (done <= 0) return;
        text += done;
        n -= (size_t)done;
    }
}

/* Hides what is typed from now on, drops what was typed before, and asks. Returns -1 with errno if
 * the terminal does not allow that: then nothing is read from it. */
static int ask_hidden(const char *question) {
    struct termios hidden;
    if (tcgetattr(screen.fd, &screen.before)) return -1;
    hidden = screen.before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    hidden.c_lflag |= ICANON | ISIG;
    hidden.c_iflag |= ICRNL;
    screen.is_changed = 1;
    if (tcsetattr(screen.fd, TCSANOW, &hidden) || tcflush(screen.fd, TCIFLUSH)) {
        int error = errno;
        cmd_prompt_abandon();
        errno = error;
        return -1;
    }
    put_on_screen(question);
    return 0;
}

/* Lets a signal of job control do its work with the terminal as it was. Returns after the process
 * was continued. */
static void obey_job_signal(void) {
    int number = job_signal;
    cmd_prompt_abandon();
    release_job_signals();
    if (number != SIGCONT) {
        put_on_screen("\n");
        (void)raise(number);
    }
    catch_job_signals();
}

/* ---- the line ---- */

/* A job signal may come right before the wait, and then ends nothing. */
enum { PROMPT_ROOM = CMD_SECRET_MAX + 1, JOB_LOOK_MS = 200 };

/* Reads until the line's end. Returns what the last wait returned; *len gets the length of the
 * line. A read that a job signal interrupted is CMD_WAITED_LONG. */
static cmd_waited read_typed(cmd_login *l, size_t *len, const cmd_patience *patience) {
    for (;;) {
        if (job_signal) return CMD_WAITED_LONG;
        cmd_waited waited = cmd_wait_readable(screen.fd, JOB_LOOK_MS, patience);
        if (waited == CMD_WAITED_LONG) continue;
        if (waited != CMD_WAITED_READY) return waited;
        ssize_t n = read(screen.fd, l->buf + *len, PROMPT_ROOM - *len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return CMD_WAITED_FAILED;
        l->used = *len + (size_t)n;
        char *lf = memchr(l->buf + *len, '\n', (size_t)n);
        *len += lf ? (size_t)(lf - (l->buf + *len)) : (size_t)n;
        if (lf || n == 0 || *len == PROMPT_ROOM) return CMD_WAITED_READY;
    }
}

static cmd_waited ask_until_answered(cmd_login *l, size_t *len, const char *question,
                                     const cmd_patience *patience) {
    for (;;) {
        cmd_waited waited =
            ask_hidden(question) == 0 ? read_typed(l, len, patience) : CMD_WAITED_FAILED;
        if (patience->stop && *patience->stop) return CMD_WAITED_STOPPED;
        if (waited != CMD_WAITED_LONG && !(waited == CMD_WAITED_FAILED && job_signal))
            return waited;
        *len = 0; /* a person types all of it again */
        obey_job_signal();
    }
}

static int refuse_prompt(cmd_login *l, int code, const char *what, const char *cause) {
    return cmd_login_refuse(l, code, what, cause, OTHER_WAYS);
}

static int prompt_judge(cmd_login *l, size_t len, cmd_waited waited, const cmd_patience *patience) {
    switch (waited) {
    case CMD_WAITED_STOPPED: return CMD_EXIT_SIGNAL + (int)*patience->stop;
    case CMD_WAITED_OVER:
        return refuse_prompt(l, CMD_EXIT_CONFIG, "no password was typed in time",
                             "the time of --max-time is over");
    case CMD_WAITED_FAILED:
        return refuse_prompt(l, CMD_EXIT_CONFIG, "the password cannot be read from the terminal",
                             cmd_error_text(errno));
    default: return cmd_login_take_line(l, len, "the password", "type it, and press Enter");
    }
}

int cmd_prompt(cmd_login *l, const char *question, const cmd_patience *patience) {
    size_t len = 0;
    cmd_login_begin(l);
    do
        screen.fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    while (screen.fd < 0 && errno == EINTR);
    if (screen.fd < 0)
        return refuse_prompt(l, CMD_EXIT_USAGE, "the password is missing, and there is no terminal",
                             "the command runs from a timer, a service or a script");
    catch_job_signals();
    cmd_waited waited = ask_until_answered(l, &len, question, patience);
    int error = errno;
    cmd_prompt_abandon();
    put_on_screen("\n");
    release_job_signals();
    (void)close(screen.fd);
    screen.fd = -1;
    errno = error;
    int failed = prompt_judge(l, len, waited, patience);
    if (failed) cmd_login_wipe(l);
    return failed;
}
