/* main - the popcl command: one run from argv to the exit code. It checks all that can be checked
 * before the connection, wires options, auth file, state, store and report to one job of the
 * library, and turns the result into words and a code. What the session asks meanwhile stands in
 * job.c. */
#define _DEFAULT_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "authfile.h"
#include "job.h"
#include "options.h"
#include "popcl.h"
#include "popcl_net.h"
#include "popcl_posix.h"
#include "report.h"
#include "state.h"
#include "system.h"
#include "tls.h"

#define IOBUF_TLS    POPCL_IOBUF_SIZE(16384) /* each server's records fit */
#define PLAN_OCTETS  65536u
#define STOP_MS      5000u
#define DRAIN_OCTETS (64u << 20) /* of a refused message: cheaper than a new session */

/* All of a run: one, static, so that a message's size and a mailbox's cost no memory and nothing is
 * left on a stack. */
static struct run {
    cmd_options options;
    cmd_auth auth;
    cmd_state state;
    cmd_report report;
    cmd_job job;
    popcl popcl;
    popcl_store_dir *store;
    char server[CMD_HOST_MAX + CMD_SCOPE_MAX + 18]; /* "host:port", for people */
    cmd_tls tls;
    unsigned char iobuf[CMD_IOBUF_MAX], plan[PLAN_OCTETS];
} run;

/* ---- signals ---- */

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};
/* the signal that asked for an end in order; popcl_posix_net looks at it */
static volatile sig_atomic_t stop;

/* The first one ends the session in order, the second at once. */
static void on_signal(int number) {
    if (stop) _exit(CMD_EXIT_SIGNAL + number);
    stop = number;
}

static void catch_signals(void) {
    struct sigaction act, old;
    memset(&act, 0, sizeof act);
    (void)sigemptyset(&act.sa_mask);
    act.sa_handler = on_signal; /* without SA_RESTART: a wait is to return */
    for (size_t i = 0; i < sizeof end_signals / sizeof *end_signals; i++) {
        /* nohup, or a shell's background */
        if (sigaction(end_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue;
        (void)sigaction(end_signals[i], &act, NULL);
    }
    act.sa_handler = SIG_IGN;
    /* a reader of our output that went away is an error (74), not our death */
    (void)sigaction(SIGPIPE, &act, NULL);
    (void)sigaction(SIGXFSZ, &act, NULL); /* so is a message over the file size limit (EFBIG) */
}

/* ---- the process ---- */

/* A closed standard descriptor would become the socket or a message's file, and the count would be
 * written there. */
static void fill_standard_fds(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(CMD_EXIT_DISK); /* 1 read-only: writing fails and is told */
    }
}

/* The password must not reach a core file. */
static void forbid_core(void) {
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

/* ---- the transport: the port's, with the address's %scope, and an end to the patience after a
 * signal ---- */

typedef struct transport {
    popcl_posix_net net; /* first: the port's functions get a transport as their context */
    const char *dial;
    cmd_report *report;
    int stopping;
    uint32_t stop_ms; /* when a signal was first seen */
} transport;

static popcl_err dial(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    transport *t = ctx;
    (void)host; /* as it names the account; what to connect to may have a scope */
    popcl_err e = popcl_posix.open(&t->net, t->dial, port, limit_ms);
    if (e == POPCL_OK)
        cmd_report_detail(t->report, "connected to %s port %u", t->net.peer, (unsigned)port);
    return e;
}

/* Who pressed Ctrl-C does not wait for a stalled server: an end in order has so long, then the
 * connection is given up. */
static int32_t wait_or_give_up(void *ctx, unsigned want, uint32_t limit_ms) {
    transport *t = ctx;
    if (stop) {
        uint32_t now = popcl_posix.now_ms(&t->net);
        if (!t->stopping) t->stop_ms = now;
        t->stopping = 1;
        if (now - t->stop_ms >= STOP_MS) return POPCL_NET_FAILED;
        if (limit_ms > STOP_MS) limit_ms = STOP_MS;
    }
    return popcl_posix.wait(&t->net, want, limit_ms);
}

/* ---- before the connection ---- */

static void print_piece(void *report, const char *text) { cmd_report_print(report, text); }

static int finish_output(struct run *r) {
    if (cmd_report_flush(&r->report) == 0) return CMD_EXIT_DONE;
    char what[160];
    (void)snprintf(what, sizeof what, "standard output cannot be written: %s",
                   cmd_error_text(r->report.out_errno));
    cmd_report_error(&r->report, what, "it is closed, its disk is full, or its reader went away",
                     "look at where standard output goes");
    return CMD_EXIT_DISK;
}

static int show_version(struct run *r) {
    char text[512];
    (void)snprintf(
        text, sizeof text,
        "popcl %s\nTLS: POP3S and STLS, TLS 1.2 by BearSSL\ntrust anchors compiled in: %lu\nlogin: "
        "USER/PASS%s\n"
        "octets of memory: job %lu, TLS %lu, record buffer %lu, with TLS %lu, plan %lu\n",
        popcl_version(), (unsigned long)cmd_tls_compiled_anchors(), POPCL_WITH_APOP ? ", APOP" : "",
        (unsigned long)sizeof(popcl), (unsigned long)sizeof(popcl_tls_host_storage),
        (unsigned long)CMD_IOBUF_MAX, (unsigned long)IOBUF_TLS, (unsigned long)PLAN_OCTETS);
    cmd_report_print(&r->report, text);
    return finish_output(r);
}

/* Whether a path leads to this file. */
static int is_file(const char *path, const struct stat *file) {
    struct stat st;
    return path && stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Returns the descriptor, -1 without trace, or -2 after an error. Text of a session is as private
 * as mail: 0600, and no link followed. */
static int open_trace(struct run *r) {
    char what[512];
    struct stat st;
    const char *path = r->options.trace_file;
    if (!r->options.trace) return -1;
    if (!path) return STDERR_FILENO;
    int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    int bad = fd < 0 || fstat(fd, &st);
    if (!bad && (is_file(r->options.auth_file, &st) || is_file(r->options.cert_file, &st) ||
                 is_file(r->options.resume_file, &st))) {
        bad = 1; /* it would be emptied */
        errno = EEXIST;
    }
    /* others' files are refused here */
    if (!bad && S_ISREG(st.st_mode)) bad = fchmod(fd, 0600) || ftruncate(fd, 0);
    if (!bad) return fd;
    (void)snprintf(what, sizeof what, "the trace file %s cannot be created: %s", path,
                   cmd_error_text(errno));
    if (fd >= 0) (void)close(fd);
    cmd_report_error(&r->report, what,
                     "its directory is missing or not writable, or it is a link, another user's, "
                     "or the file of -a, -c or --resume",
                     "give another name");
    return -2;
}

static int load_auth(struct run *r) {
    char what[512];
    int code = cmd_auth_load(&r->auth, r->options.auth_file);
    if (code) {
        (void)snprintf(what, sizeof what, "%s: %s", r->options.auth_file, r->auth.what);
        cmd_report_error(&r->report, what, r->auth.cause, r->auth.advice);
        return code;
    }
    r->report.secret = r->auth.secret;
    r->report.secret_len = r->auth.secret_len;
    if (r->auth.readable)
        cmd_report_warning(&r->report, "others can read the password in %s; run: chmod 600 %s",
                           r->options.auth_file, r->options.auth_file);
    return 0;
}

static int open_store(struct run *r) {
    char what[512];
    if (r->options.action != CMD_FETCH) return 0;
    r->store = popcl_store_dir_open(r->options.out_dir, NULL, NULL);
    if (r->store && access(r->options.out_dir, W_OK | X_OK) == 0) return 0;
    (void)snprintf(what, sizeof what, "messages cannot be stored in %s: %s", r->options.out_dir,
                   cmd_error_text(errno));
    cmd_report_error(&r->report, what,
                     "it is a file, it is not writable, or the directory above it is missing",
                     "give -o a directory that you may write");
    return CMD_EXIT_CREATE;
}

static int state_failed(struct run *r, int code) {
    char what[1400];
    (void)snprintf(what, sizeof what, "the record of fetched messages, %s/%s: %s failed: %s",
                   r->state.path, r->state.name, r->state.failed_call,
                   cmd_error_text(r->state.failed_errno));
    cmd_report_error(&r->report, what,
                     "the directory is not writable, or its disk is full or failing",
                     "correct that, or set XDG_STATE_HOME to another directory; without the "
                     "record, messages may arrive a second time");
    return code;
}

static int open_state(struct run *r) {
    const cmd_options *o = &r->options;
    int code = cmd_state_open(&r->state, r->auth.user, r->auth.user_len, o->host, o->port,
                              o->out_dir, o->action == CMD_FETCH);
    if (code) return state_failed(r, code);
    r->state.max_size = o->max_size;
    if (r->state.damaged)
        cmd_report_warning(&r->report,
                           "the record of fetched messages is damaged%s%s/%s%s: messages may "
                           "arrive a second time, none is lost",
                           r->state.writes ? " and kept as " : ": ", r->state.path, r->state.name,
                           r->state.writes ? ".damaged" : "");
    return 0;
}

/* ---- the session ---- */

static popcl_config configure(struct run *r) {
    const cmd_options *o = &r->options;
    popcl_config cfg;
    memset(&cfg, 0, sizeof cfg);
    cfg.host = o->host;
    cfg.port = o->port;
    cfg.security = o->security;
    cfg.auth = o->auth;
    cfg.user = r->auth.user;
    cfg.user_len = r->auth.user_len;
    cfg.secret.octets = r->auth.secret;
    cfg.secret.len = r->auth.secret_len;
    cfg.iobuf = r->iobuf;
    cfg.iobuf_len = o->iobuf_len                 ? o->iobuf_len
                    : o->security == POPCL_CLEAR ? sizeof r->iobuf
                                                 : IOBUF_TLS;
    if (o->security != POPCL_CLEAR) cfg.tls = &r->tls.tls;
    cfg.seed = r->tls.seed;
    cfg.seed_len = sizeof r->tls.seed;
    cfg.plan = r->plan;
    cfg.plan_len = sizeof r->plan;
    cfg.connect_ms = o->connect_ms;
    cfg.idle_ms = o->idle_ms;
    cfg.total_ms = o->total_ms;
    cfg.max_size = o->action == CMD_FETCH ? o->max_size : 0;
    cfg.max_messages = o->action == CMD_FETCH ? o->limit : 0;
    cfg.drain_max = DRAIN_OCTETS;
    cfg.passes = UINT16_MAX;
    cfg.need_size = o->action == CMD_LIST || (o->delete &&r->state.due); /* see cmd_state_sized */
    cfg.no_capa = o->no_capa;
    cfg.sink = &cmd_job_sink;
    cfg.sink_ctx = cfg.ctx = &r->job;
    cfg.decide = cmd_job_decide;
    cfg.listed =
        o->action == CMD_FETCH ? cmd_job_listed : NULL; /* to look is no session that forgets */
    cfg.fate = cmd_job_fate;
    if (r->report.trace_fd >= 0) cfg.trace = cmd_report_trace;
    cfg.trace_ctx = &r->report;
    return cfg;
}

static void warn_of_clear_text(struct run *r) {
    cmd_report_warning(&r->report, "no encryption: %s can be read by others on the way to %s",
                       r->options.auth == POPCL_AUTH_APOP ? "user name and mail"
                                                          : "user name, password and mail",
                       r->server);
}

/* Runs the job; *d tells how it went, and special what only TLS knows of it. */
static void run_session(struct run *r, popcl_diag *d, char *special, size_t special_len) {
    static const int families[] = {
        [CMD_ANY_FAMILY] = AF_UNSPEC, [CMD_IPV4] = AF_INET, [CMD_IPV6] = AF_INET6};
    popcl_net net = popcl_posix;
    transport t = {.dial = r->options.dial, .report = &r->report};
    net.open = dial;
    net.wait = wait_or_give_up;
    t.net.family = families[r->options.family];
    t.net.stop = &stop;
    r->job.options = &r->options;
    r->job.report = &r->report;
    r->job.state = &r->state;
    r->job.store = r->store;
    r->job.popcl = &r->popcl;
    r->job.tls = &r->tls;
    r->job.now_ms = net.now_ms;
    r->job.clock = &t;
    popcl_config cfg = configure(r);
    (void)popcl_run(&r->popcl, &cfg, &net, &t);
    popcl_get_diag(&r->popcl, d);
    cmd_tls_explain(&r->tls, d->err, &r->report, special, special_len);
    popcl_wipe(&r->popcl);
    cmd_tls_end(&r->tls, popcl_err_class(d->err) == POPCL_CLASS_DONE, &r->report);
}

/* ---- after it ---- */

static void print_count(struct run *r, uint32_t stored) {
    char line[64];
    (void)snprintf(line, sizeof line, "%lu %s%s downloaded.\n", (unsigned long)stored,
                   r->options.only_new ? "new " : "", stored == 1 ? "message" : "messages");
    cmd_report_print(&r->report, line);
}

/* Says how the session ended; returns its exit code. */
static int tell_result(struct run *r, const popcl_diag *d, const char *special) {
    const cmd_options *o = &r->options;
    if (d->listing_reached && d->listed < d->in_maildrop &&
        popcl_err_class(d->err) == POPCL_CLASS_DONE)
        cmd_report_warning(&r->report, "the server counts %lu messages and lists %lu of them",
                           (unsigned long)d->in_maildrop, (unsigned long)d->listed);
    if (d->err == POPCL_MORE)
        cmd_report_note(&r->report, "messages are left on the server for another run%s",
                        o->limit ? " (--limit)" : "");
    if (d->deletions == POPCL_DELETED)
        cmd_report_detail(&r->report, "%lu messages deleted", (unsigned long)d->marked);
    else if (d->marked)
        cmd_report_note(&r->report,
                        "%lu deletions are not confirmed; the next run with -d sees to them",
                        (unsigned long)d->marked);
    if (popcl_err_class(d->err) == POPCL_CLASS_DONE)
        return o->action == CMD_CHECK && !r->job.fresh ? CMD_EXIT_NOTHING_NEW : CMD_EXIT_DONE;
    if (d->err == POPCL_ERR_STOPPED && stop) {
        cmd_report_note(&r->report, "%s: stopped by a signal; run again for the rest", r->server);
        return CMD_EXIT_SIGNAL + (int)stop;
    }
    cmd_report_result(&r->report, d, r->server,
                      popcl_err_class(d->err) == POPCL_CLASS_DISK ? r->job.disk : special);
    return cmd_exit_code(d->err);
}

/* The session's own failure counts; else that of the record; else that of standard output. */
static int finish(struct run *r, const popcl_diag *d, const char *special) {
    cmd_job_end(&r->job, d);
    int code = tell_result(r, d, special);
    if (d->err == POPCL_ERR_NO_TOP && !r->options.only_new) cmd_state_forget_due(&r->state);
    int state_code = cmd_state_end(&r->state, d->deletions == POPCL_DELETED);
    if (state_code) {
        (void)state_failed(r, state_code);
        if (code == CMD_EXIT_DONE) code = state_code;
    }
    if (r->options.action == CMD_FETCH && d->listing_reached) print_count(r, d->stored);
    int output_code = finish_output(r);
    return code == CMD_EXIT_DONE ? output_code : code;
}

/* Everything that the options ask for, once they are read. */
static int perform(struct run *r) {
    popcl_diag d;
    const cmd_options *o = &r->options;
    char special[600];
    int code;
    (void)snprintf(r->server, sizeof r->server, strchr(o->host, ':') ? "[%s]:%u" : "%s:%u", o->dial,
                   (unsigned)o->port);
    if ((code = load_auth(r)) != 0 || (code = cmd_tls_open(&r->tls, o, &r->report)) != 0)
        return code;
    if ((code = open_store(r)) != 0 || (code = open_state(r)) != 0) return code;
    int trace = open_trace(r);
    if (trace == -2) return CMD_EXIT_CREATE;
    r->report.trace_fd = trace;
    if (trace >= 0) r->report.terminal = 0;
    if (o->security == POPCL_CLEAR) warn_of_clear_text(r);
    catch_signals();
    run_session(r, &d, special, sizeof special);
    code = finish(r, &d, special);
    cmd_wipe(&d, sizeof d); /* a server may have repeated the password in what it said */
    return code;
}

static void clean_up(struct run *r) {
    cmd_report_end(&r->report);
    if (r->report.trace_fd > STDERR_FILENO) (void)close(r->report.trace_fd);
    popcl_store_dir_close(r->store);
    cmd_state_close(&r->state);
    cmd_tls_close(&r->tls);
    cmd_auth_wipe(&r->auth);
}

int main(int argc, char *argv[]) {
    struct run *r = &run;
    int code;
    /* the caller's may take the owner's own rights: what is made here must be of use to the next
     * run */
    (void)umask(077);
    fill_standard_fds();
    forbid_core();
    int bad = cmd_options_parse(&r->options, argc, argv);
    cmd_report_init(&r->report, r->options.quiet, r->options.verbose, -1);
    if (bad) {
        cmd_report_error(&r->report, r->options.error, "", r->options.advice);
        code = CMD_EXIT_USAGE;
    } else if (r->options.action == CMD_HELP) {
        cmd_options_help(print_piece, &r->report);
        code = finish_output(r);
    } else if (r->options.action == CMD_VERSION) {
        code = show_version(r);
    } else {
        code = perform(r);
    }
    clean_up(r);
    return code;
}
