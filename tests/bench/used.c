/* SPDX-License-Identifier: MIT */
/* used - runs a command, and writes what it used into a file.
 *
 *     used [-s] FILE COMMAND [ARGUMENT...]
 *
 * The file gets status=N wall=S user=S system=S peak_kb=N calls=N. Times are of the command and of
 * the children that it waited for. peak_kb is VmHWM of the command alone, as it is right before its
 * end: ru_maxrss would also count the program that started it. -s counts the system calls of
 * the command and all its children, which takes time: the other figures are then worthless. Without
 * -s, calls is 0. Needs ptrace. */
#define _GNU_SOURCE /* wait4 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds(const struct timeval *t) {
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static unsigned long peak_kb(pid_t pid) {
    char line[128];
    unsigned long kb = 0;
    (void)snprintf(line, sizeof line, "/proc/%ld/status", (long)pid);
    FILE *f = fopen(line, "r");
    if (!f) return 0;
    while (kb == 0 && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lu", &kb) != 1) kb = 0;
    fclose(f);
    return kb;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void go_on(int counting, pid_t pid, int deliver) {
    void *number = (void *)(intptr_t)deliver;
    long done = counting ? ptrace(PTRACE_SYSCALL, pid, NULL, number)
                         : ptrace(PTRACE_CONT, pid, NULL, number);
    if (done < 0 && errno != ESRCH) die("used: ptrace");
}

/* The command begins when the pipe is closed. */
static pid_t started(char **command, int *gate) {
    int ends[2];
    char octet;
    if (pipe(ends) < 0) die("used: pipe");
    pid_t pid = fork();
    if (pid < 0) die("used: fork");
    if (pid == 0) {
        close(ends[1]);
        (void)!read(ends[0], &octet, 1);
        close(ends[0]);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(ends[0]);
    *gate = ends[1];
    return pid;
}

int main(int argc, char **argv) {
    int counting = argc > 1 && strcmp(argv[1], "-s") == 0, runs = 0, status, gate;
    unsigned long stops = 0, kb = 0;
    struct rusage use;
    argv += counting;
    if (argc - counting < 3) {
        fputs("usage: used [-s] FILE COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    long options = PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
    if (counting)
        options |= PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    pid_t child = started(argv + 2, &gate), pid;
    if (ptrace(PTRACE_SEIZE, child, NULL, (void *)options) < 0) die("used: ptrace");
    if (counting && ptrace(PTRACE_INTERRUPT, child, NULL, NULL) < 0) die("used: ptrace");
    double began = now();
    close(gate);
    while ((pid = wait4(-1, &status, __WALL, &use)) > 0) {
        if (WIFSTOPPED(status)) {
            int event = status >> 16, signal = WSTOPSIG(status);
            if (event == PTRACE_EVENT_EXIT && pid == child) kb = peak_kb(pid);
            stops += signal == SYSCALL_STOP;
            if (event == PTRACE_EVENT_EXEC && pid == child && !runs) {
                runs = 1;
                stops = 1; /* the first call is execve */
            }
            go_on(counting, pid, event || signal == SYSCALL_STOP ? 0 : signal);
        } else if (pid == child) {
            break;
        }
    }
    if (pid < 0) die("used: wait4");
    double wall = now() - began;
    FILE *f = fopen(argv[1], "w");
    if (!f) die(argv[1]);
    fprintf(f, "status=%d wall=%.6f user=%.6f system=%.6f peak_kb=%lu calls=%lu\n",
            WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), wall,
            seconds(&use.ru_utime), seconds(&use.ru_stime), kb, (stops + 1) / 2);
    return fclose(f) != 0;
}
