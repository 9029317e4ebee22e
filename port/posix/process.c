/* SPDX-License-Identifier: MIT */
/* process - see process.h. */
#define _POSIX_C_SOURCE 200809L
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descriptors.h"

static volatile sig_atomic_t running; /* the process group; 0 = no command runs */
static struct sigaction child_before; /* of SIGCHLD, while it runs */

void pop_process_abandon(void) {
    if (running > 0) (void)kill(-(pid_t)running, SIGKILL);
}

/* ---- the child ---- */

/* Standard descriptors that the program closed are given to whatever it opens next. */
static int above_standard(int fd) {
    return fd > STDERR_FILENO ? fd : fcntl(fd, F_DUPFD, STDERR_FILENO + 1);
}

/* Returns -1 on failure. */
static int give_descriptors(int in, int out) {
    int lends_errors = in == STDERR_FILENO; /* the program has no standard error */
    int nothing = in < 0 || lends_errors ? above_standard(open("/dev/null", O_RDWR)) : in;
    in = above_standard(in < 0 ? nothing : in);
    out = above_standard(out);
    if (nothing < 0 || in < 0 || out < 0) return -1;
    if (lends_errors && dup2(nothing, STDERR_FILENO) < 0) return -1;
    if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) return -1;
    pop_close_above(STDERR_FILENO);
    return 0;
}

/* Ends by _exit, since buffers and exit handlers are the parent's. */
static void become_command(const char *command, int in, int out, const sigset_t *signals) {
    struct sigaction by_default;
    (void)setpgid(0, 0);
    memset(&by_default, 0, sizeof by_default);
    (void)sigemptyset(&by_default.sa_mask);
    by_default.sa_handler = SIG_DFL;
    /* a program may ignore these two; exec keeps that, and resets only handlers */
    (void)sigaction(SIGPIPE, &by_default, NULL);
    (void)sigaction(SIGXFSZ, &by_default, NULL);
    if (give_descriptors(in, out)) _exit(POP_PROCESS_NOT_RUN);
    (void)sigprocmask(SIG_SETMASK, signals, NULL);
    (void)execl("/bin/sh", "sh", "-c", "--", command, (char *)NULL);
    _exit(POP_PROCESS_NOT_FOUND);
}

/* ---- the parent ---- */

int pop_process_start(pop_process *p, const char *command, int in, int out) {
    struct sigaction wanted;
    sigset_t all, signals;
    memset(p, 0, sizeof *p);
    /* if the caller left SIGCHLD ignored, there would be no exit status */
    memset(&wanted, 0, sizeof wanted);
    (void)sigemptyset(&wanted.sa_mask);
    wanted.sa_handler = SIG_DFL;
    (void)sigaction(SIGCHLD, &wanted, &child_before);
    /* a handler that ends the program finds the command in `running`, or none was started */
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &signals);
    p->pid = fork();
    if (p->pid == 0) become_command(command, in, out, &signals);
    int error = errno;
    if (p->pid > 0) {
        (void)setpgid(p->pid, p->pid); /* the child does it too: the first of both is in time */
        running = (sig_atomic_t)p->pid;
    }
    (void)sigprocmask(SIG_SETMASK, &signals, NULL);
    if (p->pid < 0) {
        (void)sigaction(SIGCHLD, &child_before, NULL);
        errno = error;
        return -1;
    }
    return 0;
}

void pop_process_look(pop_process *p) {
    siginfo_t info;
    if (p->has_ended) return;
    info.si_pid = 0;
    if (waitid(P_PID, (id_t)p->pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == p->pid)
        p->stopped_by = info.si_status;
    info.si_pid = 0;
    int r = waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    if (r == 0 && info.si_pid == p->pid) {
        p->has_ended = 1;
        p->is_killed = info.si_code != CLD_EXITED;
        p->status = info.si_status;
    }
}

void pop_process_end(pop_process *p, int kills) {
    pid_t r;
    if (kills) (void)kill(-p->pid, SIGKILL);
    running = 0;
    do
        r = waitpid(p->pid, NULL, 0);
    while (r < 0 && errno == EINTR);
    (void)sigaction(SIGCHLD, &child_before, NULL);
}

uint64_t pop_process_now_ms(void) {
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void pop_process_nap(uint32_t ms) {
    struct timespec t = {(time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000L};
    (void)nanosleep(&t, NULL);
}
