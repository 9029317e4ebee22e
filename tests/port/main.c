/* SPDX-License-Identifier: MIT */
/* main - runs the cases of the conformance suite over one port, each in a process group of its own
 * under a watchdog, and prints the results as TAP.
 *
 *     check                    every case
 *     check CASE...            these cases; check -l lists them
 *     check --faults HEADER    the suite's own test: with every fault of faults.c the cases named
 *                              there must fail, every case must be named there, and every promise
 *                              must be in HEADER (popcl_net.h)
 *     -j first                 several at once, in no order */
#define _DEFAULT_SOURCE
#include "suite.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 10000, /* a call that must not block and did not return for so long hangs */
    SHORT_OF_PATIENCE_MS = 1000, /* where the hang is on purpose */
    CASE_MAX = 12,               /* times the patience: so long may a case take */
    WORKERS = 6,
    SAID_MAX = 8192
};

static const port_case *const all[] = {open_cases, recv_cases,  send_cases,
                                       wait_cases, close_cases, run_cases};
#define GROUPS (sizeof all / sizeof all[0])

static int at_once;

static const port_case *find(const char *name) {
    for (size_t g = 0; g < GROUPS; g++)
        for (const port_case *c = all[g]; c->name; c++)
            if (strcmp(c->name, name) == 0) return c;
    fprintf(stderr, "check: there is no case %s; check -l lists them\n", name);
    exit(64);
}

/* Memory that the process of a case shares with this one. */
static void share_watch(void) {
    watch = mmap(NULL, sizeof *watch, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (watch != MAP_FAILED) return;
    perror("check: mmap");
    exit(2);
}

/* ---- one case ---- */

/* The case's own process, which leads its group: a relay or a resolver that the port started ends
 * with it. */
static void live_through(const port_case *c, const fault *f, int report) {
    uint16_t open_port = 0, closed_port = 0;
    int ends[2];
    (void)setpgid(0, 0);
    (void)dup2(report, STDOUT_FILENO);
    (void)dup2(report, STDERR_FILENO);
    close(report);
    (void)signal(SIGPIPE, SIG_DFL);
    int listener = peer_bind(&open_port, 8), held = peer_bind(&closed_port, -1);
    if (listener < 0 || held < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        perror("check: no loopback sockets here");
        _exit(2);
    }
    pid_t other = fork();
    if (other == 0) {
        const peer p = {listener, ends[1]};
        close(ends[0]);
        alarm(300);
        c->server(&p);
        _exit(0);
    }
    close(ends[1]);
    close(listener);
    break_port(f);
    watch->in = "begin (of port_under_test.h)";
    if (port_tested.begin) port_tested.begin(open_port);
    watch->in = NULL;
    const test t = {new_conn(), open_port, closed_port, ends[0]};
    c->client(&t);
    peer_is_done(&t);
    fflush(stdout);
    _exit(other > 0 ? 0 : 2);
}

static int is_hanging(unsigned quiet_ms, unsigned total_ms, unsigned patience_ms) {
    uint32_t limit = watch->limit_ms < 2000 ? watch->limit_ms : 2000;
    if (watch->in && quiet_ms > patience_ms + LATE(limit)) return 1;
    return total_ms > (patience_ms == PATIENCE_MS ? CASE_MAX : 4u) * patience_ms;
}

static void tell_hang(char *said, size_t room, const char *in, const char *doing) {
    promise p = in && strcmp(in, "open") == 0   ? OPEN_CONNECTS
                : in && strcmp(in, "wait") == 0 ? WAITS
                : in                            ? NONE_BLOCKS
                                                : IN_ORDER;
    const char *likely =
        p == NONE_BLOCKS ? "the layer below was not told that it must not block"
        : in             ? "the limit is not looked at, or is in another unit"
        : doing          ? "octets stay behind in the port, or close does not end the connection"
                         : "wait returns at once all the time, and nothing moves";
    (void)snprintf(said, room,
                   "#   found:   %s%s\n#   promise: %s\n#   likely:  %s\n#   look at: %s\n",
                   in      ? in
                   : doing ? doing
                           : "the case comes to no end, though every call returns",
                   in ? " did not come back" : "", promises[p].sentence, likely,
                   in ? in : promises[p].look_at);
}

/* Waits for the case's end, and ends it where it hangs. Returns its status as waitpid has it, or -1
 * for a hang. */
static int attend(pid_t child, int report, char *said, unsigned patience_ms) {
    unsigned quiet_ms = 0, total_ms = 0;
    uint32_t calls = 0;
    size_t n = 0;
    int status;
    for (;;) {
        struct pollfd f = {report, POLLIN, 0};
        ssize_t got = poll(&f, 1, 10) > 0 ? read(report, said + n, SAID_MAX - 1 - n) : -1;
        if (got > 0) n += (size_t)got;
        said[n] = '\0';
        if (waitpid(child, &status, WNOHANG) == child) {
            while (n < SAID_MAX - 1 && poll(&f, 1, 0) > 0 &&
                   (got = read(report, said + n, SAID_MAX - 1 - n)) > 0)
                n += (size_t)got;
            said[n] = '\0';
            (void)kill(-child, SIGKILL); /* what the port left running */
            return status;
        }
        if (got > 0) continue;
        total_ms += got == 0 ? 0 : 10;
        if (got == 0) usleep(1000);
        quiet_ms = calls == watch->calls ? quiet_ms + 10 : 0;
        calls = watch->calls;
        if (!is_hanging(quiet_ms, total_ms, patience_ms)) continue;
        tell_hang(said + n, SAID_MAX - n, watch->in, watch->doing);
        (void)kill(-child, SIGKILL);
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        return -1;
    }
}

/* What a case said, each line as a comment: the port may have printed some of them. */
static void print_comments(const char *said) {
    while (*said) {
        int n = (int)strcspn(said, "\n");
        printf("%s%.*s\n", *said == '#' ? "" : "# ", n, said);
        said += n + (said[n] == '\n');
    }
}

/* Runs one case, broken by f (NULL: not), and prints what it found. Returns 1: it held. A result
 * has no number: processes that run at once have no common count. */
static int run_case(const port_case *c, const fault *f, unsigned patience_ms, int print) {
    static char said[SAID_MAX];
    int ends[2];
    memset(watch, 0, sizeof *watch);
    fflush(stdout);
    if (pipe(ends) != 0) return perror("check: pipe"), 0;
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        live_through(c, f, ends[1]);
    }
    (void)setpgid(child, child);
    close(ends[1]);
    int status = attend(child, ends[0], said, patience_ms);
    close(ends[0]);
    int held = status == 0;
    if (print) printf("%s - %s\n", held ? "ok" : "not ok", c->name);
    if (print && !held) print_comments(said);
    if (print && status > 0 && WIFSIGNALED(status))
        printf(
            "#   found:   the program was ended by signal %d in %s\n#   promise: %s\n#   likely:  "
            "%s\n#   look at: %s\n",
            WTERMSIG(status), watch->in ? watch->in : "no call",
            promises[WTERMSIG(status) == SIGPIPE ? IS_FAILED : CTX].sentence,
            WTERMSIG(status) == SIGPIPE
                ? "a send on a broken connection raises SIGPIPE: MSG_NOSIGNAL, SO_NOSIGPIPE"
                : "an assertion (its text stands above), or a pointer to what is gone already",
            watch->in ? watch->in : "what a callback or a thread of the port uses after close");
    fflush(stdout);
    return held;
}

/* ---- all of them ---- */

static int check_port(void) {
    const popcl_net *n = port_tested.net;
    const char *lacks = !n           ? "net"
                        : !n->open   ? "net->open"
                        : !n->recv   ? "net->recv"
                        : !n->send   ? "net->send"
                        : !n->wait   ? "net->wait"
                        : !n->close  ? "net->close"
                        : !n->now_ms ? "net->now_ms"
                                     : NULL;
    if (!lacks && port_tested.ctx_size == 0) lacks = "ctx_size";
    if (lacks)
        fprintf(stderr, "check: port_tested has no %s (tests/port/port_under_test.h)\n", lacks);
    return lacks == NULL;
}

/* The n-th case; NULL behind the last. */
static const port_case *nth(size_t n) {
    for (size_t g = 0; g < GROUPS; g++)
        for (const port_case *c = all[g]; c->name; c++)
            if (n-- == 0) return c;
    return NULL;
}

static void try_case(size_t n, unsigned counts[2]) {
    const port_case *c = nth(n);
    const char *why = c->untried ? c->untried() : NULL;
    if (why) printf("ok - %s # SKIP %s\n", c->name, why);
    counts[why ? 0 : !run_case(c, NULL, PATIENCE_MS, 1)]++;
}

/* Prints the plan; returns the exit status. */
static int end(const unsigned counts[2]) {
    printf("1..%u\n", counts[0] + counts[1]);
    return counts[1] > 0;
}

static size_t count_cases(void) {
    size_t n = 0;
    while (nth(n))
        n++;
    return n;
}

static int run_named(char **names) {
    unsigned counts[2] = {0, 0};
    for (; *names; names++)
        counts[!run_case(find(*names), NULL, PATIENCE_MS, 1)]++;
    return end(counts);
}

/* ---- the suite's own test ---- */

static int fault_is_seen(const fault *f, const char *name) {
    const port_case *c = find(name);
    if (c->untried && c->untried())
        return printf("not ok - %s: %s is not tried with this port\n", f->name, name), 0;
    int seen = !run_case(c, f, SHORT_OF_PATIENCE_MS, 0);
    printf("%s - %s is seen by %s\n", seen ? "ok" : "not ok", f->name, name);
    return seen;
}

static size_t count_faults(void) {
    size_t n = 0;
    while (faults[n].name)
        n++;
    return n;
}

/* Runs the cases that these words name, each of which must fail. Returns how many did. */
static unsigned each_word(const char *words, const fault *f, unsigned *failed) {
    char copy[512], *rest = copy;
    unsigned held = 0;
    (void)snprintf(copy, sizeof copy, "%s", words);
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        if (fault_is_seen(f, word))
            held++;
        else
            ++*failed;
    }
    return held;
}

static int has_word(const char *words, const char *word) {
    size_t n = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += n)
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) return 1;
    return 0;
}

static unsigned cases_without_fault(void) {
    unsigned without = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        for (const port_case *c = all[g]; c->name; c++) {
            int named = 0;
            for (const fault *f = faults; f->name; f++)
                named |= has_word(f->red, c->name);
            if (!named) printf("not ok - there is a fault that %s sees\n", c->name), without++;
        }
    }
    return without;
}

/* A file's text, with each run of blanks, line ends and comment stars as one blank. */
static char *text_of(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20), *to = text;
    if (!file || !text) return perror(path), exit(66), NULL;
    for (int c; (c = getc(file)) != EOF && to < text + (1 << 20) - 1;) {
        if (c == '\n' || c == '*' || c == '\t') c = ' ';
        if (c != ' ' || (to > text && to[-1] != ' ')) *to++ = (char)c;
    }
    (void)fclose(file);
    return text;
}

static unsigned promises_not_in(const char *path) {
    char *text = text_of(path);
    unsigned missing = 0;
    for (size_t i = 0; i < PROMISES; i++)
        if (!strstr(text, promises[i].sentence))
            printf("not ok - %s has: %s\n", path, promises[i].sentence), missing++;
    free(text);
    return missing;
}

static void try_fault(size_t n, unsigned counts[2]) {
    counts[0] += each_word(faults[n].red, &faults[n], &counts[1]);
}

/* Tries each of n, several at once, each by a process of its own: most of the time a case waits.
 * counts gets what held and what did not. */
static void try_many(size_t n, void (*one)(size_t, unsigned counts[2]), size_t workers,
                     unsigned counts[2]) {
    unsigned(*each)[2] = mmap(NULL, sizeof(unsigned[WORKERS][2]), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (each == MAP_FAILED) perror("check: mmap"), exit(2);
    fflush(stdout);
    for (size_t w = 0; w < workers; w++) {
        if (fork() != 0) continue;
        share_watch();
        for (size_t i = w; i < n; i += workers)
            one(i, each[w]);
        exit(0);
    }
    for (size_t w = 0; w < workers; w++) {
        int status;
        if (wait(&status) < 0 || status != 0) counts[1]++;
    }
    for (size_t w = 0; w < workers; w++)
        counts[0] += each[w][0], counts[1] += each[w][1];
}

/* In order and one after the other where a person looks on. */
static int run_all(void) {
    unsigned counts[2] = {0, 0};
    try_many(count_cases(), try_case, at_once ? WORKERS : 1, counts);
    return end(counts);
}

static int run_faults(const char *header) {
    unsigned counts[2] = {0, promises_not_in(header) + cases_without_fault()};
    try_many(count_faults(), try_fault, WORKERS, counts);
    return end(counts);
}

int main(int argc, char **argv) {
    argv++;
    if (*argv && strcmp(*argv, "-j") == 0) at_once = 1, argv++;
    share_watch();
    if (argc < 1 || !check_port()) return 64;
    if (*argv && strcmp(*argv, "-l") == 0) {
        for (size_t g = 0; g < GROUPS; g++)
            for (const port_case *c = all[g]; c->name; c++)
                puts(c->name);
        return 0;
    }
    if (*argv && strcmp(*argv, "--faults") == 0 && argv[1]) return run_faults(argv[1]);
    return *argv ? run_named(argv) : run_all();
}
