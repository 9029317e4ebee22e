/* SPDX-License-Identifier: MIT */
/* main - the popcl command: one run from argv to the exit code. It checks everything that can be
 * checked before the connection. It gets the login, opens record, store and report, and has the
 * sessions run (connections.c). It turns the result into words and a code. */
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
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "accounts.h"
#include "connections.h"
#include "credentials.h"
#include "events.h"
#include "info.h"
#include "inputs.h"
#include "mechanism.h"
#include "options.h"
#include "optiontable.h"
#include "polling.h"
#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "recordfile.h"
#include "recordshow.h"
#include "report.h"
#include "sentences.h"
#include "store.h"
#include "system.h"
#include "tls.h"

/* All of a run. There is one at a time, static, so that it needs the same memory for any message
 * and mailbox, and leaves nothing on a stack. */
static struct run {
    cmd_options options;
    cmd_login login;
    char netrc_path[512]; /* of the default file */
    cmd_record_file file;
    cmd_report report;
    cmd_store store;
    int place_is_new; /* the directory or file of -o was not there before */
    char server[CMD_HOST_MAX + CMD_SCOPE_MAX + 18]; /* "host:port", human-readable */
    cmd_tls tls;
    cmd_connections connections;
    int more;         /* 1 = messages are left for another run */
    uint32_t delay_s; /* after the run: the rest of the server's delay between logins */
} run;

/* All runs of the process: of several accounts, or again and again. */
static struct runs {
    cmd_options options;   /* of the command line */
    cmd_accounts accounts; /* of --config */
    cmd_polling polling[CMD_ACCOUNTS_MAX];
    unsigned count;
    struct {
        dev_t device;
        ino_t number;
    } traces[CMD_ACCOUNTS_MAX]; /* the trace files that have a run of this process */
    size_t traces_len;
} runs;

/* ---- signals ---- */

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP};
/* the signal that asked for an orderly shutdown; popcl_posix_net looks at it */
static volatile sig_atomic_t stop;

/* The first signal asks for an orderly shutdown, the second ends the process at once. */
static void on_signal(int number) {
    if (stop) {
        cmd_credentials_abandon();
        _exit(CMD_EXIT_SIGNAL + number);
    }
    stop = number;
}

static void catch_signals(void) {
    struct sigaction act, old;
    memset(&act, 0, sizeof act);
    (void)sigemptyset(&act.sa_mask);
    act.sa_handler = on_signal; /* without SA_RESTART: a wait has to return */
    for (size_t i = 0; i < sizeof end_signals / sizeof *end_signals; i++) {
        /* ignored by nohup, or by a shell for the background */
        if (sigaction(end_signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN) continue;
        (void)sigaction(end_signals[i], &act, NULL);
    }
    act.sa_handler = SIG_IGN;
    /* a reader of standard output that went away is an error (74), and must not kill the process */
    (void)sigaction(SIGPIPE, &act, NULL);
    /* the same for a message over the file size limit (EFBIG) */
    (void)sigaction(SIGXFSZ, &act, NULL);
}

/* ---- the process ---- */

/* A closed standard descriptor would become the socket or a message's file, and the count would be
 * written there. */
static void fill_standard_fds(void) {
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(CMD_EXIT_DISK); /* 1 is opened read-only: writing fails and is reported */
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

/* Tables double as they grow. With glibc the old one then goes back to the system. */
static void keep_heap_small(void) {
#ifdef __GLIBC__
    (void)mallopt(M_MMAP_THRESHOLD, 16384);
#endif
}

static const char *plural(size_t n) { return n == 1 ? "message" : "messages"; }

/* ---- before the connection ---- */

static int finish_output(struct run *r) {
    if (cmd_report_flush(&r->report) == 0) return CMD_EXIT_DONE;
    if (stop && r->report.out_errno == ETIMEDOUT) return CMD_EXIT_SIGNAL + (int)stop;
    char what[160];
    (void)snprintf(what, sizeof what, "standard output cannot be written: %s",
                   cmd_error_text(r->report.out_errno));
    cmd_report_error(&r->report, what,
                     r->report.out_errno == ETIMEDOUT
                         ? "its reader takes nothing any more"
                         : "it is closed, its disk is full, or its reader went away",
                     "look at where standard output goes");
    return CMD_EXIT_DISK;
}

static int show_version(struct run *r) {
    char text[768], logins[256];
    (void)snprintf(
        text, sizeof text,
        "popcl %s\nTLS: POP3S and STLS, TLS 1.2 by BearSSL\ntrust anchors compiled in: %lu\nlogin: "
        "%s\n"
        "octets of memory: job %lu, TLS %lu, record buffer %lu, with TLS %lu, plan %lu\n",
        popcl_version(), (unsigned long)cmd_tls_compiled_anchors(),
        cmd_mechanism_names(logins, sizeof logins), (unsigned long)sizeof(popcl_fetch),
        (unsigned long)sizeof(popcl_tls_host_storage), (unsigned long)CMD_IOBUF_MAX,
        (unsigned long)CMD_IOBUF_TLS, (unsigned long)CMD_PLAN_OCTETS);
    cmd_report_print(&r->report, text);
    return finish_output(r);
}

/* Returns whether the trace file has a run of this process already, which the next one must not
 * remove. Notes it. */
static int is_traced(const struct stat *st) {
    for (size_t i = 0; i < runs.traces_len; i++)
        if (runs.traces[i].device == st->st_dev && runs.traces[i].number == st->st_ino) return 1;
    if (runs.traces_len == CMD_ACCOUNTS_MAX) return 1;
    runs.traces[runs.traces_len].device = st->st_dev;
    runs.traces[runs.traces_len++].number = st->st_ino;
    return 0;
}

/* Returns the descriptor, -1 without trace, or -2 after an error. A session's text is as private as
 * mail: the mode is 0600, and no link is followed. */
static int open_trace(struct run *r) {
    char what[512];
    struct stat st;
    const char *path = r->options.trace_file;
    if (!r->options.trace) return -1;
    if (!path) return STDERR_FILENO;
    int fd = tool_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0600);
    int bad = fd < 0 || tool_stat(fd, &st);
    if (!bad && cmd_inputs_have(&r->options, NULL, &st)) {
        bad = 1; /* the trace would empty it */
        errno = EEXIST;
    }
    /* a file of another user is refused here */
    if (!bad && S_ISREG(st.st_mode))
        bad = fchmod(fd, 0600) ||
              (is_traced(&st) ? lseek(fd, 0, SEEK_END) < 0 : ftruncate(fd, 0) != 0);
    if (!bad) return fd;
    const cmd_disk_words *words = cmd_sentences_medium(errno);
    (void)snprintf(what, sizeof what, "the trace file %s cannot be created: %s", path,
                   cmd_error_text(errno));
    if (fd >= 0) (void)close(fd);
    cmd_report_error(&r->report, what,
                     words ? words->cause
                           : "its directory is missing or not writable, or it is a link, another "
                             "user's, or the file of another option",
                     words ? words->advice : "give another name");
    return -2;
}

static int begin_trace(struct run *r) {
    int trace = open_trace(r);
    if (trace == -2) return CMD_EXIT_CREATE;
    r->report.trace_fd = trace;
    if (trace >= 0 && r->options.progress == CMD_PROGRESS_AUTO)
        r->report.progress = CMD_PROGRESS_NONE;
    return 0;
}

/* Makes the login the one that the report keeps secret. */
static void use_login(struct run *r, const char *source) {
    r->report.secret = r->login.secret;
    r->report.secret_len = r->login.secret_len;
    if (r->login.readable)
        cmd_report_warning(&r->report, "others can read the password in %s; run: chmod 600 %s",
                           source, source);
    if (r->login.odd) cmd_report_warning(&r->report, "%s: %s", source, r->login.odd);
}

static int get_login(struct run *r, cmd_source_name *name) {
    uint32_t left = cmd_connections_time_left(&r->connections);
    return cmd_credentials_get(&r->login, &r->options, left, &stop, name);
}

/* A signal needs no error. */
static int load_login(struct run *r) {
    char what[1200];
    cmd_source_name name = {.text = ""};
    int code = get_login(r, &name);
    if (code >= CMD_EXIT_SIGNAL) return code;
    if (code == 0) {
        use_login(r, name.text);
        return 0;
    }
    (void)snprintf(what, sizeof what, "%s: %s", name.text, r->login.what);
    cmd_report_error(&r->report, what, r->login.cause, r->login.advice);
    return code;
}

/* The refusal of the first token is the error; this one comes as a warning. */
static int renew_token(void *ctx) {
    struct run *r = ctx;
    cmd_source_name name = {.text = ""};
    r->report.secret_len = 0; /* its memory gets the fresh one */
    int code = get_login(r, &name);
    if (code == 0)
        use_login(r, name.text);
    else if (code < CMD_EXIT_SIGNAL)
        cmd_report_warning(&r->report, "there is no fresh token: %s: %s", name.text, r->login.what);
    return code;
}

/* In /var/mail only some programs may make files, and so dot locks. */
static void tell_dot_lock(struct run *r) {
    int error = cmd_store_no_dot_lock(&r->store);
    if (cmd_store_has_replaced(&r->store))
        cmd_report_note(&r->report,
                        "%s.lock was left by a run of popcl that was killed, and is removed",
                        r->options.out_dir);
    if (error)
        cmd_report_note(&r->report, "%s.lock cannot be made (%s): %s is locked with fcntl alone",
                        r->options.out_dir, cmd_error_text(error), r->options.out_dir);
}

/* Mail would be appended to a file with a password, or the record would replace the mail. */
static int is_other_file(const cmd_options *o) {
    struct stat st;
    return o->store == CMD_STORE_MBOX && stat(o->out_dir, &st) == 0 &&
           cmd_inputs_have(o, o->out_dir, &st);
}

static int open_store(struct run *r) {
    char what[512];
    if (r->options.action != CMD_FETCH) return 0;
    const cmd_options *o = &r->options;
    if (is_other_file(o)) {
        (void)snprintf(what, sizeof what, "messages cannot be stored in %s", o->out_dir);
        cmd_report_error(&r->report, what, "it is the file of another option",
                         "give -o a file of its own");
        return CMD_EXIT_CREATE;
    }
    int is_directory = o->store == CMD_STORE_DIR || o->store == CMD_STORE_MAILDIR;
    int has_path = is_directory || o->store == CMD_STORE_MBOX;
    uint32_t left = cmd_connections_time_left(&r->connections);
    r->place_is_new = has_path && access(o->out_dir, F_OK) != 0 && errno == ENOENT;
    if (cmd_store_open(&r->store, o, left, &stop) == 0 &&
        (!is_directory || access(o->out_dir, W_OK | X_OK) == 0)) {
        tell_dot_lock(r);
        return 0;
    }
    int error = errno;
    (void)snprintf(what, sizeof what, "messages cannot be stored in %s: %s", cmd_store_place(o),
                   cmd_error_text(error));
    const char *advice = "give -o a directory that you may write",
               *cause = "it is a file, it is not writable, or the directory above it is missing";
    const cmd_disk_words *words = cmd_sentences_disk(error);
    const char *special = cmd_store_open_cause(o, error, &advice);
    if (!special && words) advice = words->advice;
    cmd_report_error(&r->report, what, special ? special : words ? words->cause : cause, advice);
    return CMD_EXIT_CREATE;
}

static int record_is_foreign(struct run *r, int code) {
    char what[1400];
    int is_record = r->file.foreign == 1;
    (void)snprintf(what, sizeof what, "the file of --state, %s/%s, is %s", r->file.path,
                   r->file.name, is_record ? "the record of another account" : "no record");
    cmd_report_error(&r->report, what,
                     is_record ? "another server, user or port wrote it: equal UIDs are not equal "
                                 "messages there"
                               : "it is a file of another kind, and was not changed",
                     is_record ? "give each account a file of its own"
                               : "give --state a name that is free, or the record of this account");
    return code;
}

static int record_failed(struct run *r, int code) {
    char what[1400];
    if (r->file.foreign) return record_is_foreign(r, code);
    (void)snprintf(what, sizeof what, "the record of fetched messages, %s/%s: %s failed: %s",
                   r->file.path, r->file.name, r->file.failed_call,
                   cmd_error_text(r->file.failed_errno));
    const cmd_disk_words *words = cmd_sentences_medium(r->file.failed_errno);
    int odd = r->file.failed_errno == ELOOP || r->file.failed_errno == EINVAL;
    cmd_report_error(&r->report, what,
                     words ? words->cause
                     : odd ? "a link, a directory or something else stands in the file's place"
                           : "the directory is not writable, or its disk is full or failing",
                     r->options.state_file
                         ? "correct that, or give --state another file; without the record, "
                           "messages may arrive a second time"
                         : "correct that, or set XDG_STATE_HOME to another directory; without the "
                           "record, messages may arrive a second time");
    return code;
}

/* Takes the record's lock, and reports the other run that it waits for. */
static tool_locked take_lock(struct run *r) {
    char text[128], host[64] = "";
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(text, sizeof text, "popcl, process %ld on %s", (long)getpid(), host);
    tool_locked locked = cmd_record_file_lock(&r->file, text, 0, &stop);
    if (locked != TOOL_LOCK_HELD) return locked;
    cmd_report_note(&r->report, "waiting for another run of this account: %s", r->file.lock.holder);
    uint32_t left = cmd_connections_time_left(&r->connections);
    return cmd_record_file_lock(&r->file, text,
                                r->options.idle_ms < left ? r->options.idle_ms : left, &stop);
}

/* Lets one run an account work at a time. If the record cannot be locked, as on some network file
 * systems, it is used all the same. Returns 0, or an exit code. */
static int lock_record(struct run *r) {
    char special[192];
    popcl_diag d = {.err = POPCL_ERR_IN_USE, .verb = "", .refused = ""};
    switch (take_lock(r)) {
    case TOOL_LOCKED: return 0;
    case TOOL_LOCK_IMPOSSIBLE:
        cmd_report_detail(&r->report, "the record of fetched messages cannot be locked: %s",
                          cmd_error_text(r->file.lock.error));
        return 0;
    case TOOL_LOCK_STOPPED: return CMD_EXIT_SIGNAL + (int)stop;
    default: break;
    }
    (void)snprintf(special, sizeof special, "another run has its record of fetched messages: %s",
                   *r->file.lock.holder ? r->file.lock.holder : "it does not say which");
    cmd_report_result(&r->report, &d, r->server, special);
    return CMD_EXIT_LATER;
}

/* Reports where the record is, and what is special about it. */
static void tell_record(struct run *r) {
    cmd_record_file *f = &r->file;
    if (f->fell_back && f->dir >= 0)
        cmd_report_note(&r->report,
                        "the record of fetched messages is in %s: the directory of %s cannot be "
                        "used (%s)",
                        f->path, f->fell_back, cmd_error_text(f->fell_back_errno));
    if (f->dir < 0 && r->options.records && r->options.store != CMD_STORE_DIR &&
        r->options.action != CMD_CATCH_UP)
        cmd_report_warning(&r->report,
                           "there is no place for the record of fetched messages, so each run "
                           "stores every message again: set HOME or XDG_STATE_HOME, or give "
                           "--state FILE");
    if (f->dir >= 0)
        cmd_report_detail(&r->report, "the record of fetched messages is %s/%s%s", f->path, f->name,
                          f->taken ? ", as an earlier version wrote it" : "");
    if (f->distrusted)
        cmd_report_warning(&r->report,
                           "the record of fetched messages in %s is not believed: it belongs to "
                           "another user, or others may write it; messages may arrive a second "
                           "time, none is lost",
                           f->path);
    if (f->damaged)
        cmd_report_warning(&r->report,
                           "the record of fetched messages is damaged%s%s/%s%s: messages may "
                           "arrive a second time, none is lost",
                           f->writes ? " and kept as " : ": ", f->path, f->name,
                           f->writes ? ".damaged" : "");
}

/* Returns 0, or an exit code: the server refused a login for coming too soon, and this one would be
 * too soon as well. */
static int judge_delay(struct run *r) {
    char special[96];
    popcl_diag d = {.err = POPCL_ERR_LOGIN_DELAY, .verb = "", .refused = ""};
    uint32_t left_s = cmd_record_delay_left(&r->file.record, (uint64_t)time(NULL));
    if (!left_s) return 0;
    (void)snprintf(special, sizeof special,
                   "its delay between logins lasts for another %lu s; popcl did not connect",
                   (unsigned long)left_s);
    cmd_report_result(&r->report, &d, r->server, special);
    return CMD_EXIT_LATER;
}

static int find_record(struct run *r) {
    const cmd_options *o = &r->options;
    const cmd_login *l = &r->login;
    /* a file beside the mail would be a folder in a Maildir, and cannot be in an mbox */
    const char *beside = o->store == CMD_STORE_DIR ? o->out_dir : NULL;
    if (o->state_file)
        return cmd_record_file_open_given(&r->file, l->user, l->user_len, o->host, o->port,
                                          o->state_file, o->records);
    return cmd_record_file_open(&r->file, l->user, l->user_len, o->host, o->port, beside,
                                o->records);
}

/* --catch-up writes nothing but the record. */
static int no_place(struct run *r) {
    cmd_report_error(&r->report, "there is no place for the record of fetched messages",
                     "HOME and XDG_STATE_HOME are not set, or their directories cannot be made",
                     "set HOME or XDG_STATE_HOME, or give --state FILE; popcl did not connect");
    return CMD_EXIT_CREATE;
}

static int load_record(struct run *r) {
    int code = find_record(r);
    if (code) return record_failed(r, code);
    if ((code = lock_record(r)) != 0) return code;
    if ((code = cmd_record_file_load(&r->file)) != 0) return record_failed(r, code);
    tell_record(r);
    if (r->options.action == CMD_CATCH_UP && r->file.dir < 0) return no_place(r);
    return 0;
}

static int open_record(struct run *r) {
    time_t now = time(NULL);
    int code = load_record(r);
    if (code) return code;
    cmd_record_see_clock(&r->file.record, now < 0 ? 0 : (uint64_t)now);
    if (r->options.delete_after && !r->file.record.today)
        cmd_report_warning(&r->report,
                           "the clock is in doubt: it is before the record's newest day, or over "
                           "30 days after its last save. --delete-after deletes nothing before a "
                           "run that comes at least a day later");
    return judge_delay(r);
}

/* --record and --forget: the account's record, without a connection. */
static int tend_record(struct run *r) {
    const cmd_options *o = &r->options;
    char line[64];
    int code = o->user ? 0 : load_login(r);
    if (code) return code;
    if (o->user) r->login.user = o->user, r->login.user_len = strlen(o->user);
    if ((code = load_record(r)) != 0) return code;
    if (o->action == CMD_SHOW_RECORD) {
        cmd_record_show(&r->file, o->verbose, cmd_report_put, &r->report);
        return finish_output(r);
    }
    int is_all = strcmp(o->forget, "all") == 0;
    size_t n = cmd_record_forget(&r->file.record, is_all ? NULL : o->forget, strlen(o->forget));
    if (!is_all && n == 0) {
        cmd_report_note(&r->report, "the record has no message with this UID");
        return CMD_EXIT_NOTHING_NEW;
    }
    if ((code = cmd_record_file_save(&r->file)) != 0) return record_failed(r, code);
    (void)snprintf(line, sizeof line, "%lu %s forgotten.\n", (unsigned long)n, plural(n));
    cmd_report_print(&r->report, line);
    return finish_output(r);
}

static void warn_of_clear_text(struct run *r) {
    cmd_report_warning(&r->report, "no encryption: %s can be read by others on the way to %s",
                       cmd_mechanism_of(r->options.auth)->is_digest
                           ? "user name and mail"
                           : "user name, password and mail",
                       r->server);
}

/* ---- after it ---- */

static void print_count(struct run *r, uint32_t stored) {
    char line[64];
    (void)snprintf(line, sizeof line, "%lu %s%s downloaded.\n", (unsigned long)stored,
                   r->options.only_new ? "new " : "", plural(stored));
    if (r->options.json || r->options.store == CMD_STORE_STREAM) { /* standard output has others */
        line[strlen(line) - 1] = '\0';
        cmd_report_note(&r->report, "%s", line);
        return;
    }
    cmd_report_print(&r->report, line);
}

/* --catch-up */
static void print_passed(struct run *r) {
    char line[64];
    uint32_t n = r->connections.job.listed;
    (void)snprintf(line, sizeof line, "%lu %s as fetched from now on.\n", (unsigned long)n,
                   n == 1 ? "message counts" : "messages count");
    cmd_report_print(&r->report, line);
}

/* -q is for cron, which mails whatever is printed. */
static int is_count_quiet(const struct run *r, int code) {
    if (r->options.quiet == 0) return 0;
    return r->connections.stored == 0 || (r->options.quiet > 1 && code == CMD_EXIT_DONE);
}

/* The last line of --json, also of a run that did not connect. Returns the exit code. */
static int end_json(struct run *r, const cmd_options *o, int code) {
    const cmd_connections *c = &r->connections;
    const cmd_summary s = {.stored = c->stored,
                           .deleted = c->deleted,
                           .unconfirmed = c->unconfirmed,
                           .oversize = c->job.oversize,
                           .left = c->left,
                           .listed = c->job.listed,
                           .listing_reached = c->listing_reached,
                           .more = r->more,
                           .fresh = c->job.fresh};
    if (r->report.out_errno) return code; /* it was reported */
    cmd_events_summary(&r->report, o, &s, code);
    return code == CMD_EXIT_DONE ? finish_output(r) : code;
}

/* Returns whether the only failure is the answer to QUIT. Nothing depends on that answer if nothing
 * was marked. */
static int only_quit_failed(const struct run *r, const popcl_diag *d) {
    return cmd_connections_is_quit(d) && !r->connections.unconfirmed && !r->connections.left;
}

/* Returns the result without messages that --max-size left out on purpose, which is no failure. The
 * library keeps the first of all failures: if it is such a message, another one may have come after
 * it. */
static popcl_diag real_result(const cmd_connections *c) {
    popcl_diag d = c->diag;
    d.failed = d.failed > c->job.untried ? d.failed - c->job.untried : 0;
    if (d.err != POPCL_ERR_TOO_LARGE) return d;
    d.failed = d.failed > c->job.oversize ? d.failed - c->job.oversize : 0;
    d.err = c->job.other                    ? c->job.other
            : c->unconfirmed && d.quit_left ? POPCL_ERR_QUIT_UNKNOWN
            : !d.quit_left                  ? POPCL_ERR_CLOSED
                                            : POPCL_OK;
    d.message = c->job.other_message;
    return d;
}

/* Returns whether the place of the messages is new and stays empty because all mail is old.
 * Somebody who begins with another store does not expect that. */
static int is_place_empty(const struct run *r, const popcl_diag *d) {
    static const cmd_option_id choices[] = {OPT_MSG, OPT_UIDL, OPT_MATCH, OPT_SINCE, OPT_MAX_SIZE};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (cmd_option_has(&r->options, choices[i])) return 0;
    return r->place_is_new && r->options.only_new && d->err == POPCL_OK && d->in_maildrop &&
           r->connections.stored == 0;
}

/* Notes on a run, beside the count. */
static void tell_sums(struct run *r, const popcl_diag *d) {
    const cmd_connections *c = &r->connections;
    if (c->job.oversize)
        cmd_report_note(&r->report, "%lu %s larger than --max-size, and left on the server",
                        (unsigned long)c->job.oversize,
                        c->job.oversize == 1 ? "message is" : "messages are");
    if (d->err == POPCL_MORE)
        cmd_report_note(&r->report, "messages are left on the server for another run%s",
                        r->options.limit ? " (--limit)" : "");
    if (is_place_empty(r, d))
        cmd_report_note(&r->report,
                        "note: %s is new and stays empty: the record has the mail of the "
                        "server from an earlier run; %s",
                        r->options.out_dir,
                        cmd_option_has(&r->options, OPT_NEW) ? "without -n it comes again"
                                                             : "--all fetches it again");
    if (c->deleted)
        cmd_report_note(&r->report, "%lu %s deleted from the server", (unsigned long)c->deleted,
                        plural(c->deleted));
    if (c->unconfirmed)
        cmd_report_note(&r->report, "%lu %s not confirmed; the next run with %s sees to that",
                        (unsigned long)c->unconfirmed,
                        c->unconfirmed == 1 ? "deletion is" : "deletions are",
                        r->options.delete ? "-d" : "the same options");
}

/* Another program did not take a message: it is tried again in the next run. */
static int tell_refusal(struct run *r, const popcl_diag *d) {
    const cmd_store_refusal *refusal = &r->connections.job.refusal;
    char what[320], message[32] = "";
    if (refusal->of_message && d->message)
        (void)snprintf(message, sizeof message, "message %lu: ", (unsigned long)d->message);
    (void)snprintf(what, sizeof what, "%s%s", message, refusal->what);
    cmd_report_error(&r->report, what, refusal->cause, refusal->advice);
    if (d->failed > 1)
        cmd_report_note(&r->report, "%lu messages failed in all; %s", (unsigned long)d->failed,
                        refusal->of_message ? "this is the first" : "all are on the server still");
    return CMD_EXIT_LATER;
}

/* Reports how the run ended; returns its exit code. */
static int tell_result(struct run *r, const popcl_diag *d) {
    const cmd_options *o = &r->options;
    const cmd_connections *c = &r->connections;
    int done = popcl_err_class(d->err) == POPCL_CLASS_DONE;
    if (d->listing_reached && d->listed < d->in_maildrop && done)
        cmd_report_warning(&r->report, "the server counts %lu messages and lists %lu of them",
                           (unsigned long)d->in_maildrop, (unsigned long)d->listed);
    tell_sums(r, d);
    if (only_quit_failed(r, d)) {
        cmd_report_detail(&r->report, "%s; nothing depended on it", cmd_sentences_what(d->err));
        done = 1;
    }
    if (done) return o->action == CMD_CHECK && !c->job.fresh ? CMD_EXIT_NOTHING_NEW : CMD_EXIT_DONE;
    if (d->err == POPCL_ERR_STOPPED && stop) {
        cmd_report_note(&r->report, "%s: stopped by a signal; run again for the rest", r->server);
        return CMD_EXIT_SIGNAL + (int)stop;
    }
    if (popcl_err_class(d->err) == POPCL_CLASS_DISK && c->job.refusal.what[0])
        return tell_refusal(r, d);
    cmd_report_result(&r->report, d, r->server,
                      popcl_err_class(d->err) == POPCL_CLASS_DISK ? c->job.disk : c->special);
    if (c->job.untried)
        cmd_report_note(&r->report, "%lu more %s not tried: run again for the rest",
                        (unsigned long)c->job.untried,
                        c->job.untried == 1 ? "message was" : "messages were");
    return cmd_exit_code(d->err);
}

/* The first of these failures counts: that of the sessions, of the record, of standard output. */
static int run_finish(struct run *r) {
    popcl_diag d = real_result(&r->connections);
    int code = tell_result(r, &d);
    r->more = d.err == POPCL_MORE;
    cmd_wipe(&d, sizeof d); /* a server may have repeated the password in its text */
    int record_code = cmd_record_file_save(&r->file);
    if (record_code) {
        (void)record_failed(r, record_code);
        if (code == CMD_EXIT_DONE) code = record_code;
    }
    if (r->options.action == CMD_FETCH && r->connections.listing_reached &&
        !is_count_quiet(r, code))
        print_count(r, r->connections.stored);
    if (r->options.action == CMD_CATCH_UP && code == CMD_EXIT_DONE && !r->options.quiet)
        print_passed(r);
    int output_code = finish_output(r);
    return code == CMD_EXIT_DONE ? output_code : code;
}

static int run_connections(struct run *r) {
    cmd_connections *c = &r->connections;
    c->login = &r->login;
    c->renew = r->options.source == CMD_SOURCE_TOKEN ? renew_token : NULL;
    c->renew_ctx = r;
    c->tls = &r->tls;
    c->report = &r->report;
    c->file = &r->file;
    c->store = &r->store;
    c->stop = &stop;
    cmd_connections_run(c);
    popcl_err result = real_result(c).err;
    cmd_tls_end(&r->tls, popcl_err_class(result) == POPCL_CLASS_DONE, &r->report);
    int code = run_finish(r);
    /* a server may have repeated the password in its text */
    cmd_wipe(&c->diag, sizeof c->diag);
    cmd_wipe(&c->broken, sizeof c->broken);
    return code;
}

/* --info: there is no login, no store and no record. */
static int run_info(struct run *r) {
    int code = begin_trace(r);
    if (code) return code;
    code = cmd_info(&r->options, &r->tls, &r->report, &stop,
                    cmd_connections_time_left(&r->connections));
    int output_code = finish_output(r);
    return code == CMD_EXIT_DONE ? output_code : code;
}

/* Does everything that the options ask for, once they are read. */
static int run_perform(struct run *r) {
    const cmd_options *o = &r->options;
    int code;
    cmd_credentials_find_netrc(&r->options, r->netrc_path, sizeof r->netrc_path);
    (void)snprintf(r->server, sizeof r->server, strchr(o->host, ':') ? "[%s]:%u" : "%s:%u", o->dial,
                   (unsigned)o->port);
    cmd_report_limit(&r->report, &stop, o->total_ms);
    /* --max-time is the run's, with the time of waiting */
    cmd_connections_begin(&r->connections, o);
    if (o->action == CMD_SHOW_RECORD || o->action == CMD_FORGET) {
        catch_signals(); /* it may wait for the login, and for another run */
        return tend_record(r);
    }
    if (o->doubt) cmd_report_warning(&r->report, "%s", o->doubt);
    if ((code = cmd_tls_open(&r->tls, o, &r->report)) != 0) return code;
    catch_signals(); /* before the login and the record's lock: the run may wait there */
    if (o->action == CMD_INFO) return run_info(r);
    if ((code = load_login(r)) != 0) return code;
    if ((code = open_store(r)) != 0 || (code = open_record(r)) != 0) return code;
    if ((code = begin_trace(r)) != 0) return code;
    if (o->security == POPCL_CLEAR) warn_of_clear_text(r);
    return run_connections(r);
}

static void clean_up(struct run *r) {
    cmd_report_end(&r->report);
    if (r->report.trace_fd > STDERR_FILENO) (void)close(r->report.trace_fd);
    cmd_store_close(&r->store);
    cmd_record_file_close(&r->file);
    cmd_tls_close(&r->tls);
    cmd_login_wipe(&r->login);
}

static void begin_report(struct run *r, const cmd_options *o) {
    cmd_report_init(&r->report, o->quiet, o->verbose, -1);
    r->report.json = o->json;
    cmd_report_choose_progress(&r->report, (cmd_progress_form)o->progress);
}

/* One whole run, from its arguments to its exit code. It leaves nothing open and no secret. */
static int run_whole(int argc, char *const argv[], const char *account) {
    struct run *r = &run;
    int code = CMD_EXIT_USAGE;
    if (runs.count++) cmd_wipe(r, sizeof *r);
    int bad = cmd_options_parse(&r->options, argc, argv);
    r->options.config = runs.options.config; /* no run writes into it */
    begin_report(r, &r->options);
    r->report.account = account;
    if (bad)
        cmd_report_error(&r->report, r->options.error, "", r->options.advice);
    else
        code = run_perform(r);
    code = end_json(r, &r->options, code);
    r->delay_s = cmd_record_delay_left(&r->file.record, (uint64_t)time(NULL));
    clean_up(r);
    return code;
}

/* Returns the account whose run is due next; count = there is no further run. */
static size_t next_account(size_t count) {
    size_t next = count;
    for (size_t i = 0; i < count; i++) {
        if (runs.polling[i].is_over) continue;
        if (next == count || runs.polling[i].due_ms < runs.polling[next].due_ms) next = i;
    }
    return next;
}

/* Runs each account once, or with --poll again and again. Without --config the command line is the
 * only account. Returns the worst code of all; after a signal that ends the sleep, its code. */
static int run_all(int argc, char *const argv[]) {
    const cmd_options *o = &runs.options;
    cmd_accounts *a = &runs.accounts;
    size_t count = o->config ? a->len : 1, next;
    int worst = CMD_EXIT_NOTHING_NEW;
    for (size_t i = 0; i < count; i++)
        runs.polling[i].is_over = o->config && !a->list[i].is_wanted;
    while ((next = next_account(count)) < count) {
        cmd_polling *p = &runs.polling[next];
        cmd_account *account = &a->list[next];
        cmd_polling_sleep(p->due_ms, &stop);
        if (stop) return CMD_EXIT_SIGNAL + (int)stop;
        int code = o->config ? run_whole(account->argc, account->argv, account->name)
                             : run_whole(argc, argv, NULL);
        cmd_polling_after(p, code, o->poll_ms, run.delay_s, cmd_outlet_now_ms());
        p->is_over |= o->poll_ms == 0;
        if (p->is_over) worst = cmd_polling_worse(worst, code);
    }
    return worst;
}

/* Returns -1 if there are runs, or an exit code. */
static int read_accounts(struct run *r) {
    int failed =
        runs.options.config ? cmd_accounts_read(&runs.accounts, &runs.options, &r->report) : 0;
    return failed ? failed : -1;
}

/* Ends the process before the first run: after an error, or with a text that was asked for. Returns
 * its exit code, or -1 if there are runs. */
static int before_runs(struct run *r, int bad) {
    const cmd_options *o = &runs.options;
    if (bad) {
        cmd_report_error(&r->report, o->error, "", o->advice);
        return end_json(r, o, CMD_EXIT_USAGE);
    }
    if (o->action == CMD_VERSION) return show_version(r);
    if (o->action == CMD_HELP)
        cmd_options_help(o->help_all, cmd_report_put, &r->report);
    else if (o->action == CMD_COMPLETION)
        cmd_options_completion(o->shell, cmd_report_put, &r->report);
    else
        return read_accounts(r);
    return finish_output(r);
}

int main(int argc, char *argv[]) {
    struct run *r = &run;
    /* The caller's umask may take away the owner's own rights. Files that are made here must be of
     * use to the next run. */
    (void)umask(077);
    fill_standard_fds();
    forbid_core();
    keep_heap_small();
    int bad = cmd_options_parse(&runs.options, argc, argv);
    begin_report(r, &runs.options);
    int code = before_runs(r, bad);
    if (code < 0) return run_all(argc, argv);
    clean_up(r);
    return code;
}
