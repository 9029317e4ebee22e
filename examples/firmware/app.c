/* SPDX-License-Identifier: MIT */
/* app - see app.h. No failure ends the polling: it is reported by its name and makes the pause
 * longer. A refused login makes the pause hours. A message that breaks the session comes after all
 * others from then on (order.h).
 *
 * No mail is lost by a reset. A message counts as stored, and is deleted, only after commit closed
 * its file and named it. The set of seen UIDs is saved every SAVE_EVERY messages and at the end of
 * a poll, if it changed. After a reset in between at most that many messages come a second time.
 *
 * Commands are sent ahead if the server offers that. The messages of such a session count as stored
 * once the session is over and no reply was missing. So its set is saved after the first SAVE_EVERY
 * messages and at its end. A reset in between makes all of them come again, one command at a time.
 *
 * So a poll that finds nothing writes nothing to the flash. One with n new messages erases at most
 * 1 + n / SAVE_EVERY slots, or two if it sends ahead. A line that breaks before a message came
 * erases one slot a day at most. A session of TLS erases four slots a day at most: the old session
 * goes, and the new one comes once it was resumed. An example is a poll an hour, each
 * with 50 messages. It erases each of the two slots twice an hour, or once if commands are sent
 * ahead. */
#include "app.h"

#include <string.h>

#include "ahead.h"
#include "backoff.h"
#include "board.h"
#include "clock.h"
#include "console.h"
#include "net.h"
#include "order.h"
#include "popcl_seen.h"
#include "popcl_tls.h"
#include "settings.h"
#include "slots.h"
#include "startup.h"
#include "trust.h"

#define JOINED(a, b) a##b
#define NAMED(a, b)  JOINED(a, b)
#define PROFILE_OF   NAMED(popcl_tls_, PROFILE)
#define STORAGE_OF   NAMED(PROFILE_OF, _storage)
#define TEXT_OF(a)   TEXT_OF_(a)
#define TEXT_OF_(a)  #a

#ifndef SEEN_UIDS
/* messages in the maildrop that it remembers; any beyond them come again each time */
#define SEEN_UIDS 96
#endif
#define SAVE_EVERY 16u
#define DAY_MS     86400000u
#define END_MS     500u /* a pause before the end: TCP closes the connection */
#define PIECE      7u   /* octets that a sink takes between its pauses */

#define REFUSALS_MAX 3u /* after so many polls in a row without UIDs, the server has none */
#define WINDOW       8u /* commands in flight */

static STORAGE_OF storage;
static unsigned char iobuf[POPCL_IOBUF_SIZE(RECORD)];
#ifdef PLAN_LEN
static unsigned char plan[PLAN_LEN]; /* the profile `pinned` has no free bytes of certificates */
#endif
static popcl_flight window[WINDOW];
static popcl_seed seed;
static popcl_fetch app_job;
static unsigned char seen_memory[POPCL_SEEN_SIZE(SEEN_UIDS)];

static struct {
    popcl_fetch_config config;
    popcl_tls tls;
    popcl_seen seen;
    order order;
    slots slots;
    uint32_t unsaved;        /* changes of the saved state that are not in the slots yet */
    uint32_t left;           /* bytes of the seen set that are still to be loaded */
    uint32_t poll, failures; /* polls so far; the last ones in a row that failed */
    uint8_t failed, refused; /* the last one failed; it always will with this login */
    uint8_t unreachable;     /* it had no connection */
    uint8_t refusals;        /* polls in a row that wanted UIDs and got none */
    uint8_t marked_became;   /* popcl_fate of the marked messages of this poll; otherwise STORED */
    uint8_t one_at_a_time;   /* polls that still send one command at a time (ahead.h) */
    uint8_t unsure_saved;    /* the slots show that this session sends ahead */
    uint32_t stored, delivered; /* messages and octets of this poll */
    uint32_t number, octets;    /* of the message that is open */
    uint32_t pauses;            /* how often the sink still takes nothing */
    int file;                   /* of the open message; -1 = no message is open */
    uint8_t paused;             /* it took nothing at the last call */
} app;

uint32_t device_random(void) {
    static uint32_t fallback;
    uint32_t r;
    if (console_entropy(&r, sizeof r) == 0) return r;
    /* lwIP goes on with guessable numbers, which TLS must not do */
    fallback = (fallback ^ clock_ms()) * 1664525u + 1013904223u;
    return fallback;
}

/* ---- a session of TLS that the next poll resumes, in an image with RESUME=1 ---- */

#ifdef RESUME
static popcl_resumable session;
static uint32_t session_crc;        /* of its form in the slots */
static uint32_t session_written_ms; /* when a session was written there, if session_written */
static uint8_t session_written, session_lasts; /* lasts: the server has resumed it */

static void wipe(unsigned char *p, size_t n) {
    for (volatile unsigned char *at = p; n;
         n--) /* a compiler would leave memset out: nothing reads these bytes */
        *at++ = 0;
}

/* Makes the session's part of the slots, and puts it there if `puts`. Returns its CRC. Many servers
 * forget a session as soon as it ends, or are several that do not share it. Then each poll has a
 * new session, which is not worth a write to a flash that wears out. So the part has zeros until
 * the server has resumed the session, and after a failure. */
static uint32_t session_form(int puts) {
    unsigned char blob[POPCL_RESUME_LEN] = {0};
    if (session_lasts) popcl_resume_save(&session, blob);
    uint32_t crc = slots_crc(0, blob, sizeof blob);
    if (puts) slots_put(&app.slots, blob, sizeof blob);
    wipe(blob, sizeof blob);
    return crc;
}

static void session_put(void) { (void)session_form(1); }

static void session_is_saved(void) {
    session_crc = session_form(0);
    session_written |= session_lasts;
    session_written_ms = clock_ms();
}

/* Returns whether the session alone is a reason to write: zeros at once, a session once a day. */
static int session_changed(void) {
    if (session_lasts && session_written && clock_ms() - session_written_ms < DAY_MS) return 0;
    return session_form(0) != session_crc;
}

static void session_load(void) {
    unsigned char blob[POPCL_RESUME_LEN];
    int whole = slots_get(&app.slots, blob, sizeof blob) == 0;
    /* otherwise the next handshake is a full one */
    session_lasts = popcl_resume_restore(&session, blob, whole ? sizeof blob : 0) == POPCL_OK;
    session_crc = session_form(0);
    wipe(blob, sizeof blob);
}

static void session_offer(void) {
    if (!set.resume) return;
    app.tls.resume = &session;
    app.tls.resumption = &popcl_tls_resumption;
}

static int session_was_resumed(int failed) {
    popcl_tls_diag d;
    if (!set.resume || app.config.session.security == POPCL_CLEAR) return 0;
    popcl_tls_get_diag(&app.tls, &d);
    /* otherwise no server answered, and the session before is still there */
    if (d.version) session_lasts = d.resumed && !failed;
    return d.resumed && !failed;
}
#else
static void session_put(void) {}
static void session_is_saved(void) {}
static void session_load(void) {}
static int session_changed(void) { return 0; }
static void session_offer(void) {}
static int session_was_resumed(int failed) { return (void)failed, 0; }
#endif

/* ---- saved state: the length of the seen set, the set, the session ---- */

/* The note of the set: the account of the UIDs, and above it one_at_a_time. */
#define ACCOUNT_BITS 48u
#define ACCOUNT      (((uint64_t)1 << ACCOUNT_BITS) - 1)

/* Identifies the account of the UIDs: those of another account have no meaning. */
static uint64_t account(void) {
    uint32_t crc = slots_crc(0, set.host, strlen(set.host) + 1);
    return slots_crc(crc, set.user, strlen(set.user) + 1) | (uint64_t)set.port << 32;
}

static int put_saved(void *ctx, const void *p, size_t n) {
    slots_put(ctx, p, n);
    return 0;
}

static int get_saved(void *ctx, void *p, size_t n) {
    if (n > app.left) return -1;
    app.left -= (uint32_t)n;
    return slots_get(ctx, p, n);
}

static void write_slot(void) {
    const uint32_t len = (uint32_t)POPCL_SEEN_SAVED(app.seen.used);
    app.seen.note = account() | (uint64_t)app.one_at_a_time << ACCOUNT_BITS;
    slots_begin(&app.slots);
    slots_put(&app.slots, &len, sizeof len);
    (void)popcl_seen_save(&app.seen, put_saved, &app.slots);
    session_put();
    if (slots_end(&app.slots)) {
        console_text("state: not written\n");
        return;
    }
    session_is_saved();
    app.unsaved = 0;
}

static void save(void) {
    if (!set.state) return;
    int twice = session_changed(); /* so that no slot keeps the old session's secret */
    if (twice || app.unsaved) write_slot();
    if (twice) write_slot();
}

static unsigned forget_due(void *ctx, unsigned marks) {
    (void)ctx;
    return marks & POPCL_SEEN_DELETE_DUE ? 0 : marks;
}

/* Returns NULL, or a text to report. In that case the unusable state counts as missing. */
static const char *load_saved(slots_found found) {
    if (found == SLOTS_EMPTY) return NULL;
    if (found == SLOTS_DAMAGED || slots_get(&app.slots, &app.left, sizeof app.left) ||
        popcl_seen_load(&app.seen, get_saved, &app.slots))
        return "state: damaged, counts as none\n";
    if ((app.seen.note & ACCOUNT) != account())
        return "state: of another account, counts as none\n";
    app.one_at_a_time = (uint8_t)(app.seen.note >> ACCOUNT_BITS);
    if (app.one_at_a_time > AHEAD_SHIFTED) app.one_at_a_time = AHEAD_SHIFTED;
    /* a reset ended a session that sent ahead */
    if (popcl_seen_settle(&app.seen, 0) && !app.one_at_a_time) app.one_at_a_time = AHEAD_BROKEN;
    popcl_seen_each(&app.seen, forget_due, NULL);
    session_load();
    return found == SLOTS_ONE ? "state: a slot is damaged or cut off, the other counts\n" : NULL;
}

static flash_area state_area = {.slot_len = FLASH_STATE_SLOT, .file_len = 2 * FLASH_STATE_SLOT};

static void load(void) {
    unsigned char key[16] = {0};
    /* without entropy the set is safe from chance, but not from a sender who chooses UIDs */
    (void)console_entropy(key, sizeof key);
    (void)popcl_seen_init(&app.seen, seen_memory, sizeof seen_memory, key);
    app.order.seen = &app.seen;
    if (!set.state) return;
    state_area.file = set.state;
    app.slots.flash = &flash_of_state;
    app.slots.ctx = &state_area;
    const char *wrong = load_saved(slots_open(&app.slots));
    if (wrong) console_text(wrong);
    if ((app.seen.note & ACCOUNT) != account())
        (void)popcl_seen_init(&app.seen, seen_memory, sizeof seen_memory, key);
}

/* ---- the choice of messages, and their fates ---- */

/* UID and size of the messages that are DELETE_DUE: the part that was put last. */
static uint32_t due[SEEN_UIDS];

static uint32_t uid_and_size(const popcl_msg *m) {
    uint32_t crc = slots_crc(0, m->uid, m->uid_len);
    return slots_crc(crc, &m->size, sizeof m->size);
}

static int is_as_it_was(const popcl_msg *m) {
    uint32_t crc = uid_and_size(m);
    unsigned at = 0;
    while (at < SEEN_UIDS && due[at] != crc)
        at++;
    return at < SEEN_UIDS && m->size != POPCL_SIZE_UNKNOWN;
}

static void remember_size(const popcl_msg *m) {
    static unsigned next;
    if (!is_as_it_was(m)) due[next++ % SEEN_UIDS] = uid_and_size(m);
}

/* FETCHED: not to be fetched again. DELETE_DUE: stored, and its DELE is refused or void.
 *
 * Only QUIT's answer shows that a message was deleted, and a server may give the UID of a deleted
 * message to the next one (RFC 1939, 7). If that answer did not come, or a reset came in between,
 * the message is forgotten and comes again. Otherwise a new message could be deleted unread. A
 * message with another size than before is forgotten too: it is another message. */
#define MARKED_NOW POPCL_SEEN_OTHER /* with DELETE_DUE: its DELE was answered in this session */

/* Returns what is to be done with a message, in this session or in a later one. */
static unsigned wish(const popcl_msg *m) {
    unsigned marks = set.new ? popcl_seen_get(&app.seen, m->uid, m->uid_len) : 0;
    if (marks & (POPCL_SEEN_FETCHED | POPCL_SEEN_UNSURE)) return POPCL_SKIP;
    if (marks & POPCL_SEEN_DELETE_DUE && set.delete) return POPCL_DELETE_UNFETCHED;
    return set.delete ? POPCL_FETCH | POPCL_DELETE : POPCL_FETCH;
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx;
    unsigned action = wish(m);
    /* the UID breaks the rules, and its digest is no proof */
    int is_sure = m->uid[0] != POPCL_UID_DIGEST && is_as_it_was(m);
    if (action == POPCL_DELETE_UNFETCHED && stage == POPCL_STAGE_SIZE && !is_sure) {
        (void)popcl_seen_put(&app.seen, m->uid, m->uid_len, 0);
        return POPCL_FETCH | POPCL_DELETE;
    }
    if (action & POPCL_FETCH && stage == POPCL_STAGE_SIZE && !order_is_now(&app.order, m))
        return POPCL_SKIP;
    return action;
}

static void listed(void *ctx, const popcl_msg *m) {
    (void)ctx;
    size_t before = app.seen.used;
    popcl_diag d;
    if (!m) popcl_fetch_get_diag(&app_job, &d);
    if (!m && d.no_uids) return; /* a listing without UIDs does not show which are gone */
    popcl_seen_listed(&app.seen, m ? m->uid : NULL, m ? m->uid_len : 0);
    if (app.seen.used != before) app.unsaved++;
    if (m && wish(m) & POPCL_FETCH) order_listed(&app.order, m);
}

/* Saves after every SAVE_EVERY messages. Those of a session that sends ahead would not count after
 * a reset. So one of these writings is enough: it shows that such a session did not end. */
static void save_at_times(int unsure) {
    if (++app.unsaved % SAVE_EVERY != 0 || (unsure && app.unsure_saved)) return;
    save();
    app.unsure_saved = unsure && app.unsaved == 0;
}

static void note(const popcl_msg *m, unsigned marks) {
    if (!set.new || m->uid_len == 0) return;
    if (popcl_seen_put(&app.seen, m->uid, m->uid_len, marks)) {
        console_text("state: full\n");
        if (marks & POPCL_SEEN_FETCHED) order_empty(&app.order, m); /* it comes again */
        return;
    }
    if (marks & POPCL_SEEN_DELETE_DUE) remember_size(m);
    if (marks & POPCL_SEEN_FETCHED) save_at_times((marks & POPCL_SEEN_UNSURE) != 0);
}

/* If commands were sent ahead, the message may be another one than its UID shows, until the session
 * ends well. */
static void note_stored(const popcl_msg *m) {
    popcl_diag d;
    popcl_fetch_get_diag(&app_job, &d);
    note(m, (set.delete ? POPCL_SEEN_DELETE_DUE : POPCL_SEEN_FETCHED) |
                (d.unsure ? POPCL_SEEN_UNSURE : 0));
}

static void note_marked(const popcl_msg *m) {
    unsigned unsure = popcl_seen_get(&app.seen, m->uid, m->uid_len) & POPCL_SEEN_UNSURE;
    note(m, POPCL_SEEN_DELETE_DUE | MARKED_NOW | unsure);
}

static int is_marked(unsigned marks) { return marks & POPCL_SEEN_DELETE_DUE && marks & MARKED_NOW; }

static unsigned forget_marked(void *ctx, unsigned marks) {
    (void)ctx;
    return is_marked(marks) ? 0 : marks;
}

static unsigned keep_marked(void *ctx, unsigned marks) {
    (void)ctx;
    return is_marked(marks) ? marks & ~MARKED_NOW : marks;
}

/* A message that came without an octet is fetched again: the server lost it, or cannot read it
 * today. The notes of its STORED are undone. */
static void forget_empty(const popcl_msg *m) {
    order_empty(&app.order, m);
    note(m, 0);
    app.unsaved++;
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx;
    if (what == POPCL_STORED || what == POPCL_NOT_STORED)
        app.unsaved += (uint32_t)order_fate(&app.order, m, what, why,
                                            popcl_state(&app_job.session) == POPCL_DONE);
    switch (what) {
    case POPCL_STORED:
        app.stored++;
        note_stored(m);
        break;
    case POPCL_MARKED: note_marked(m); break;
    case POPCL_NOT_MARKED:
        if (why == POPCL_ERR_BODY_EMPTY) forget_empty(m);
        break;
    case POPCL_DELETED:
    case POPCL_UNKNOWN: popcl_seen_each(&app.seen, forget_marked, NULL); break;
    case POPCL_VOID: popcl_seen_each(&app.seen, keep_marked, NULL); break;
    default: break;
    }
    if (!m) app.marked_became = (uint8_t)what;
}

/* ---- the sink ---- */

/* A whole message has the name POLL-NUMBER.eml. If there is such a file from before a reset, it is
 * POLL-NUMBER.2.eml, and so on. */
#define PATH_LEN 160u
#define NAME_LEN 40u /* for a slash, the longest name and a NUL */

static char *append(char *at, const char *text) {
    while (*text)
        *at++ = *text++;
    *at = '\0';
    return at;
}

static char *append_number(char *at, uint32_t n) {
    char digits[11], *first = digits + sizeof digits - 1;
    *first = '\0';
    do
        *--first = (char)('0' + n % 10);
    while (n /= 10);
    return append(at, first);
}

static void incoming_path(char path[PATH_LEN]) { (void)append(append(path, set.out), "/incoming"); }

static int is_there(const char *path) {
    int file = file_open(path, FILE_READ);
    return file >= 0 && (file_close(file), 1);
}

/* Gives the incoming message its name. Returns 0, or -1. */
static int name_incoming(void) {
    char incoming[PATH_LEN], path[PATH_LEN];
    uint32_t again = 1;
    do {
        char *at = append_number(append(append(path, set.out), "/"), app.poll);
        at = append_number(append(at, "-"), app.number);
        if (again > 1) at = append_number(append(at, "."), again);
        (void)append(at, ".eml");
        again++;
    } while (is_there(path));
    incoming_path(incoming);
    return file_rename(incoming, path);
}

static int begin(void *ctx, const popcl_msg *m) {
    char path[PATH_LEN];
    (void)ctx;
    app.octets = 0;
    app.number = m->number;
    app.file = -1;
    trust_begin();
    if (!set.out) return 0;
    if (strlen(set.out) > PATH_LEN - NAME_LEN) return POPCL_SINK_STOP;
    incoming_path(path);
    app.file = file_open(path, FILE_WRITE);
    return app.file < 0 ? POPCL_SINK_STOP : 0;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (app.pauses) {
        app.paused = !app.paused;
        if (app.paused) return app.pauses--, 0;
        if (n > PIECE) n = PIECE;
    }
    if (app.file < 0 ? console_octets(p, n) : file_write(app.file, p, n)) return POPCL_SINK_STOP;
    trust_octets(p, n);
    app.octets += (uint32_t)n;
    return (int)n;
}

static void drop_incoming(void) {
    char path[PATH_LEN];
    if (app.file < 0) return;
    (void)file_close(app.file);
    incoming_path(path);
    (void)file_remove(path);
    app.file = -1;
}

static int commit(void *ctx) {
    (void)ctx;
    if (trust_end(1)) {
        drop_incoming();
        return -1;
    }
    int file = app.file;
    app.file = -1;
    if (file >= 0 && (file_close(file) || name_incoming())) return POPCL_SINK_STOP;
    app.delivered += app.octets;
    return 0;
}

static void cut(void *ctx, popcl_err why) {
    (void)ctx, (void)why;
    (void)trust_end(0);
    drop_incoming();
}

static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};

/* ---- a poll ---- */

static void breathe(void *ctx) {
    (void)ctx;
    watchdog_feed();
}

/* For measurements: the phases of a session. */
static void trace(void *ctx, popcl_trace kind, const char *p, size_t n) {
    (void)ctx, (void)n;
    if (kind != POPCL_TRACE_STATE) return;
    if (strcmp(p, "securing") == 0) mark(PHASE_HANDSHAKE);
    if (strcmp(p, "greeting") == 0 || strcmp(p, "idle") == 0) mark(PHASE_SESSION);
    if (strcmp(p, "message") == 0) mark(PHASE_BODY);
}

static const popcl_seed *entropy(void) {
    int fails = set.seed &&
                (strcmp(set.seed, "none") == 0 || (strcmp(set.seed, "once") == 0 && app.poll > 1));
    int failed = fails ? -1 : console_entropy(seed.bytes, sizeof seed.bytes);
    return failed ? NULL : &seed; /* popcl refuses to begin without a seed */
}

/* Returns 1 if all mail would come again in a poll without UIDs. */
static uint8_t knows_uids(void) {
    return set.new &&app.seen.used != 0 && app.refusals < REFUSALS_MAX;
}

static int64_t utc_s(void) {
    if (!set.utc) return console_utc_s();
    if (strcmp(set.utc, "unknown") == 0) return -1;
    return (int64_t)settings_number(set.utc) + clock_s();
}

static uint8_t security(void) {
    if (strcmp(set.security, "clear") == 0) return POPCL_CLEAR;
    return strcmp(set.security, "stls") == 0 ? POPCL_STLS : POPCL_TLS;
}

static void tell_number(const char *before, uint32_t n, const char *after) {
    console_text(before);
    console_number(n);
    console_text(after);
}

static void end(int status) {
    tell_number("end: stack ", stack_deepest(), "");
    tell_number(" of ", stack_size(), ", ");
    net_report();
    console_text("\n");
    for (unsigned phase = 0; phase < PHASES; phase++)
        if (phase_stack(phase))
            tell_number("phase ", phase, ""), tell_number(": stack ", phase_stack(phase), "\n");
    console_exit(status);
}

popcl *app_begin(uint32_t connect_ms) {
    if (set.polls && app.poll >= set.polls) end(app.failed);
    app.poll++;
    while (set.hang == app.poll) {}
    app.stored = app.delivered = 0;
    app.unsure_saved = 0;
    app.marked_became = POPCL_STORED;
    app.file = -1;
    order_begin(&app.order);
    app.tls = (popcl_tls){.profile = &PROFILE_OF,
                          .storage = &storage,
                          .storage_len = sizeof storage,
                          .trust = trust_now(utc_s()),
                          .utc_s = utc_s(),
                          .name = set.name,
                          .breathe = breathe};
    app.config =
        (popcl_fetch_config){.session = {.host = set.host,
                                         .port = (uint16_t)set.port,
                                         .security = security(),
                                         .user = set.user,
                                         .connect_ms = connect_ms,
                                         .idle_ms = set.idle,
                                         .tls = &app.tls,
                                         .seed = entropy(),
                                         .window = app.one_at_a_time ? NULL : window,
                                         .window_len = WINDOW,
                                         .iobuf = iobuf,
                                         .iobuf_len = sizeof iobuf,
                                         .trace = trace},
                             .secret = {.octets = set.pass},
                             .auth = POPCL_AUTH_USER,
                             .passes = UINT16_MAX,
                             .need_size = set.delete != 0,
                             .uids = knows_uids() ? POPCL_UIDS_REQUIRED : POPCL_UIDS_OPTIONAL,
                             .sink = &sink,
                             .decide = decide,
                             .listed = listed,
                             .fate = fate};
#ifdef PLAN_LEN
    app.config.plan = plan;
    app.config.plan_len = sizeof plan;
#else
    if (app.config.session.security == POPCL_CLEAR) { /* without TLS its storage is free */
        app.config.plan = &storage;
        app.config.plan_len = sizeof storage;
    }
#endif
    session_offer();
    mark(PHASE_CONNECT);
    (void)popcl_fetch_start(&app_job, &app.config, 0);
    return &app_job.session;
}

/* Returns whether the messages that this poll stored will be wanted again. They are neither
 * remembered nor known to be gone. */
static int comes_again(const popcl_diag *d) {
    if (set.new) return d->unsure || app.marked_became == POPCL_UNKNOWN;
    return !set.delete || app.marked_became != POPCL_DELETED;
}

/* If a server that gave UIDs stops doing so, the device waits a few polls for them, then does
 * without. In those polls no message comes a second time. */
static void count_refusals(const popcl_diag *d) {
    if (d->err == POPCL_ERR_NO_UIDL)
        app.refusals++;
    else if (d->listed && !d->no_uids)
        app.refusals = 0;
}

/* Returns whether a larger one_at_a_time is a reason to write: once a day. A line that often breaks
 * must not wear the flash. */
static int is_worth_a_write(void) {
    static uint32_t written_ms;
    static uint8_t written;
    if (written && clock_ms() - written_ms < DAY_MS) return 0;
    written = 1;
    written_ms = clock_ms();
    return 1;
}

/* If no reply was missing, the messages of the session are those of their UIDs. Otherwise they come
 * again, one command at a time. The count to zero is no reason to write. */
static void settle(const popcl_diag *d) {
    uint8_t before = app.one_at_a_time;
    uint32_t settled = (uint32_t)popcl_seen_settle(&app.seen, !d->unsure);
    if (!d->unsure || app.unsure_saved)
        app.unsaved += settled; /* else the flash has none of them */
    app.one_at_a_time = ahead_next(before, d);
    if (app.one_at_a_time > before && is_worth_a_write()) app.unsaved++;
}

/* A message that always breaks its session fails a poll in which all others have arrived. New mail
 * need not wait longer for it. */
static uint32_t pause_after(popcl_err e, int failed) {
    const uint32_t every = backoff_base_ms(set.every, popcl_err_class(e));
    const int refused = every != set.every;
    if (!failed || refused != app.refused || order_was_last(&app.order)) app.failures = 0;
    app.failed = (uint8_t)failed;
    app.unreachable = e == POPCL_ERR_CONNECT || e == POPCL_ERR_TIMEOUT_CONNECT ||
                      popcl_err_class(e) == POPCL_CLASS_HOST;
    app.refused = (uint8_t)refused;
    uint32_t wait = backoff_ms(every, app.failures, device_random());
    app.failures += (uint32_t)failed;
    return wait;
}

int app_was_unreachable(void) { return app.unreachable; }

uint32_t app_conclude(void) {
    popcl_diag d;
    popcl_fetch_get_diag(&app_job, &d);
    popcl_err e = d.err;
    int failed = e != POPCL_OK && e != POPCL_MORE, resumed = session_was_resumed(failed);
    count_refusals(&d);
    settle(&d);
    trust_concludes(e);
    order_end(&app.order, comes_again(&d));
    popcl_fetch_wipe(&app_job);
    memset(&seed, 0, sizeof seed);
    mark(PHASE_STATE);
    save();
    uint32_t wait = pause_after(e, failed);
    tell_number("poll ", app.poll, "");
    if (failed) {
        console_text(": failed, POPCL_");
        console_text(popcl_err_name(e));
        tell_number(", next in ", wait, " ms\n");
    } else {
        tell_number(": ok, ", app.stored, " messages, ");
        tell_number("", app.delivered, resumed ? " octets, resumed\n" : " octets\n");
    }
    mark(PHASE_IDLE);
    return set.polls && app.poll >= set.polls ? END_MS : wait;
}

void app_start(const char *net) {
    const char *wrong = settings_read();
#ifndef RESUME
    if (!wrong && set.resume) wrong = "resume, for which this image is not built (RESUME=1)";
#endif
    console_text("popcl on " BOARD_NAME ", ");
    console_text(net);
    tell_number(", " TEXT_OF(PROFILE) ", ", RECORD, "\n");
    if (wrong || !set.host || !set.user || !set.pass) {
        console_text("settings: ");
        console_text(wrong ? wrong : "host, user and pass are needed");
        console_text("\n");
        console_exit(2);
    }
    if (set.up) clock_was_up(set.up);
    if (set.hurry) clock_hurry(set.hurry);
    app.pauses = set.pause;
    load();
    trust_start(&PROFILE_OF);
    watchdog_start();
}
