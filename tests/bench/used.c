/* SPDX-License-Identifier: MIT */
/* used - runs a command, and writes what it used into a file.
 *
 *     used [-s] [-u] FILE COMMAND [ARGUMENT...]
 *
 * The file gets status=N wall=S user=S system=S peak_kb=N calls=N. Times are of the command and of
 * the children that it waited for. peak_kb is VmHWM of the command alone, as it is right before its
 * end: ru_maxrss would also count the program that started it. -s counts the system calls of
 * the command and all its children, which takes time: the other figures are then worthless. Without
 * -s, calls is 0. With -u no file system has files without a name: openat with O_TMPFILE fails with
 * EOPNOTSUPP. Needs ptrace; -u needs seccomp. */
#define _GNU_SOURCE /* wait4, O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
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

/* From here on openat fails if it asks for a file without a name. The process needs no privilege
 * for that, and can get none any more. */
static void refuse_unnamed(void) {
    enum {
        NUMBER = offsetof(struct seccomp_data, nr),
        FLAGS = offsetof(struct seccomp_data, args[2])
    };
    const uint64_t one = 1;
    const unsigned low =
        *(const unsigned char *)&one ? 0 : 4; /* offset of the lower half of flags */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NUMBER),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FLAGS + low),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof code / sizeof code[0], code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0) {
        perror("used: seccomp");
        _exit(126);
    }
}

/* The command begins when the pipe is closed. */
static pid_t started(char **command, int unnamed, int *gate) {
    int ends[2];
    char octet;
    if (pipe(ends) < 0) die("used: pipe");
    pid_t pid = fork();
    if (pid < 0) die("used: fork");
    if (pid == 0) {
        close(ends[1]);
        (void)!read(ends[0], &octet, 1);
        close(ends[0]);
        if (!unnamed) refuse_unnamed();
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(ends[0]);
    *gate = ends[1];
    return pid;
}

int main(int argc, char **argv) {
    int counting = 0, unnamed = 1, runs = 0, status, gate;
    unsigned long stops = 0, kb = 0;
    struct rusage use;
    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        if (strcmp(argv[1], "-s") == 0)
            counting = 1;
        else if (strcmp(argv[1], "-u") == 0)
            unnamed = 0;
        else
            argc = 1;
    }
    if (argc < 3) {
        fputs("usage: used [-s] [-u] FILE COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    long options = PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
    if (counting)
        options |= PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
    pid_t child = started(argv + 2, unnamed, &gate), pid;
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
