/* job - see job.h. */
#define _POSIX_C_SOURCE 200809L
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

/* ---- names in the state ---- */

#define KEY_MAX (7 + 2 * CMD_IDENTITY_OCTETS)

static cmd_named *find_named(const cmd_job *j, uint32_t number) {
    for (size_t i = j->named_len; i > 0; i--) {
        if (j->named[i - 1].number == number) return &j->named[i - 1];
    }
    return NULL;
}

/* Without memory the message stays nameless: it counts as new, now and next time. */
static cmd_named *add_named(cmd_job *j, uint32_t number) {
    if (j->named_len == j->named_room) {
        size_t room = j->named_room * 2 + 32;
        cmd_named *more = realloc(j->named, room * sizeof *more);
        if (!more) return NULL;
        j->named = more;
        j->named_room = room;
    }
    j->named[j->named_len].number = number;
    return &j->named[j->named_len++];
}

static void drop_named(cmd_job *j, uint32_t number) {
    cmd_named *n = find_named(j, number);
    if (n) *n = j->named[--j->named_len];
}

/* What a message is called in the state: its UID, or "header HEX", which no UID can be for its
 * space. Returns 0 where it has no name. */
static size_t key_of(const cmd_job *j, const popcl_msg *m, char hex[KEY_MAX + 1],
                     const char **key) {
    *key = m->uid;
    if (m->uid_len) return m->uid_len;
    const cmd_named *n = find_named(j, m->number);
    if (!n) return 0;
    (void)snprintf(hex, KEY_MAX + 1, "header ");
    for (size_t i = 0; i < CMD_IDENTITY_OCTETS; i++)
        (void)snprintf(hex + 7 + 2 * i, 3, "%02x", n->identity[i]);
    *key = hex;
    return KEY_MAX;
}

/* A header has passed: notes its identity, once a message. */
static void take_identity(cmd_job *j) {
    unsigned char identity[CMD_IDENTITY_OCTETS];
    int named = cmd_identity_end(&j->reading, identity);
    if (find_named(j, j->number)) return; /* TOP's counts: it is what the next run will see */
    j->identified++;
    cmd_named *n = named ? add_named(j, j->number) : NULL;
    if (n) memcpy(n->identity, identity, sizeof identity);
}

/* ---- decide ---- */

static int is_new(unsigned known) { return !(known & (CMD_KNOWN_FETCHED | CMD_KNOWN_REFUSED)); }

static void print_listed(cmd_job *j, const popcl_msg *m) {
    char line[128], size[24] = "?";
    if (j->options->limit && j->listed >= j->options->limit) return;
    j->listed++;
    if (m->size != POPCL_SIZE_UNKNOWN)
        (void)snprintf(size, sizeof size, "%llu", (unsigned long long)m->size);
    (void)snprintf(line, sizeof line, "%lu %s%s%s\n", (unsigned long)m->number, size,
                   m->uid_len ? " " : "", m->uid);
    cmd_report_print(j->report, line);
}

/* Whether a message whose UID is due is surely the one that was stored. A header tells (it is more
 * than a Message-ID), a UID with the size; while only the UID is known the question is left open.
 */
static int is_stored(const cmd_job *j, const popcl_msg *m, popcl_stage stage) {
    return m->uid_len == 0 || stage == POPCL_STAGE_UID ||
           cmd_state_is_sized(j->state, m->uid, m->uid_len, m->size);
}

/* What to do with a message of which all is known that will be known. */
static unsigned judge(cmd_job *j, const popcl_msg *m, popcl_stage stage, unsigned known) {
    const cmd_options *o = j->options;
    switch (o->action) {
    case CMD_CHECK:
        if (!is_new(known)) return POPCL_SKIP;
        /* asked again when the listing is complete: UIDs may turn out to be numbers only */
        if (stage == POPCL_STAGE_UID) return j->candidate++ ? POPCL_SKIP : POPCL_FETCH;
        j->fresh = 1;
        return POPCL_SKIP;
    case CMD_LIST:
        if (o->only_new && !is_new(known)) return POPCL_SKIP;
        if (stage == POPCL_STAGE_UID) return POPCL_FETCH; /* the size is still to come */
        print_listed(j, m);
        return POPCL_SKIP;
    default:
        if (o->delete &&(known & CMD_KNOWN_DUE) && is_stored(j, m, stage))
            return POPCL_DELETE_UNFETCHED;
        if (o->only_new && !is_new(known) && !(o->delete &&(known & CMD_KNOWN_DUE)))
            return POPCL_SKIP;
        return o->delete ? POPCL_FETCH | POPCL_DELETE : POPCL_FETCH;
    }
}

/* Whether the header decides, where there is no UID: it costs a TOP a message, so only if something
 * depends on it. */
static int header_decides(const cmd_job *j) {
    return j->options->only_new || j->options->action == CMD_CHECK ||
           (j->options->delete &&j->state->due);
}

unsigned cmd_job_decide(void *job, const popcl_msg *m, popcl_stage stage) {
    cmd_job *j = job;
    char hex[KEY_MAX + 1];
    const char *key;
    if (j->options->action == CMD_CHECK && j->fresh) return POPCL_SKIP;
    if (m->uid_len == 0 && stage != POPCL_STAGE_HEADERS && header_decides(j)) {
        if (!j->told_no_uids)
            cmd_report_warning(j->report, "the server gives no UIDs: what is new is told by each "
                                          "message's header; after runs with UIDs "
                                          "messages may arrive a second time");
        j->told_no_uids = 1;
        return POPCL_HEADERS_FIRST;
    }
    size_t len = key_of(j, m, hex, &key);
    if (stage == POPCL_STAGE_HEADERS) cmd_state_listed(j->state, key, len);
    unsigned answer = judge(j, m, stage, len ? cmd_state_known(j->state, key, len) : 0);
    if (answer == POPCL_SKIP && m->uid_len == 0) drop_named(j, m->number);
    return answer;
}

/* ---- listed and fate ---- */

/* "TOP UIDL PIPELINING ...", of the bits that name() knows. */
static void words(char *out, size_t cap, unsigned bits, const char *(*name)(unsigned n)) {
    size_t len = 0;
    out[0] = '\0';
    for (unsigned n = 0; n < 16; n++) {
        const char *word = bits >> n & 1 ? name(n) : NULL;
        if (!word || len + strlen(word) + 2 > cap) continue;
        len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? " " : "", word);
    }
}

void cmd_job_announce(cmd_job *j, const popcl_diag *d) {
    char tags[256], sasl[256];
    if (j->announced || !d->listing_reached) return;
    j->announced = 1;
    cmd_tls_announce(j->tls, j->report);
    if (d->has_caps) {
        words(tags, sizeof tags, d->caps.tags, popcl_capa_name);
        words(sasl, sizeof sasl, d->caps.sasl, popcl_sasl_name);
        cmd_report_detail(j->report, "logged in with %s; the server offers %s%s%s",
                          d->mechanism == POPCL_AUTH_APOP ? "APOP" : "USER/PASS",
                          *tags ? tags : "nothing beyond RFC 1939", *sasl ? "; SASL " : "", sasl);
    } else {
        cmd_report_detail(j->report, "logged in with %s",
                          d->mechanism == POPCL_AUTH_APOP ? "APOP" : "USER/PASS");
    }
    cmd_report_detail(j->report, "the maildrop holds %lu messages, %llu octets",
                      (unsigned long)d->in_maildrop, (unsigned long long)d->octets_in_maildrop);
}

/* What is odd in a line of UIDL. LIST's lines have sizes, and no UIDs. */
static void tell_odd_uid(cmd_job *j, const popcl_msg *m) {
    if (m->uid[0] == POPCL_UID_DIGEST)
        cmd_report_detail(j->report,
                          "message %lu: its UID breaks the rules (RFC 1939, 7); a digest of it "
                          "stands in its place",
                          (unsigned long)m->number);
    else if (m->uid_len == 0 && m->size == POPCL_SIZE_UNKNOWN)
        cmd_report_detail(j->report, "message %lu: the server gives it no UID",
                          (unsigned long)m->number);
}

void cmd_job_listed(void *job, const popcl_msg *m) {
    cmd_job *j = job;
    popcl_diag d;
    if (!m || !j->announced) {
        popcl_get_diag(j->popcl, &d);
        cmd_job_announce(j, &d);
    }
    if (m) {
        tell_odd_uid(j, m);
        cmd_state_listed(j->state, m->uid, m->uid_len);
    } else if (!d.no_uids) {
        cmd_state_listed(j->state, NULL, 0); /* a listing without UIDs says nothing of them */
    }
}

static void show_progress(cmd_job *j) {
    uint32_t now = j->now_ms(j->clock);
    popcl_diag d;
    if (!j->report->terminal || (j->drawn_ms && now - j->drawn_ms < 100)) return;
    j->drawn_ms = now ? now : 1;
    popcl_get_diag(j->popcl, &d);
    cmd_report_progress(j->report, j->stored, j->options->only_new ? 0 : d.in_maildrop,
                        j->stored_octets + j->octets);
}

void cmd_job_fate(void *job, const popcl_msg *m, popcl_fate what, popcl_err why) {
    cmd_job *j = job;
    char hex[KEY_MAX + 1];
    const char *key;
    if (!m) return; /* the end of all deletions: the diagnosis tells it too */
    size_t len = key_of(j, m, hex, &key);
    switch (what) {
    case POPCL_STORED:
        j->stored++;
        cmd_state_note(j->state, key, len, j->options->delete ? CMD_STORED_DUE : CMD_STORED);
        break;
    case POPCL_NOT_STORED:
        cmd_report_detail(j->report, "message %lu is left on the server: %s",
                          (unsigned long)m->number, popcl_err_what(why));
        cmd_state_note(j->state, key, len, why == POPCL_ERR_TOO_LARGE ? CMD_REFUSED : CMD_FAILED);
        break;
    case POPCL_MARKED: cmd_state_note(j->state, key, len, CMD_MARKED); break;
    default: break;
    }
    if (what != POPCL_STORED || !j->options->delete) drop_named(j, m->number);
    cmd_state_pass(j->state, j->now_ms(j->clock));
    show_progress(j);
}

void cmd_job_end(cmd_job *j, const popcl_diag *d) {
    cmd_job_announce(j, d);
    /* Only now: many servers say it after the login only, and are asked again right before the
     * first message (RFC 2449, 6.7). */
    if ((d->caps.tags & POPCL_CAPA_EXPIRE) && d->caps.expire_days == 0 &&
        !j->options->delete &&j->options->action == CMD_FETCH)
        cmd_report_warning(
            j->report,
            "the server may delete messages once they are fetched (EXPIRE 0), also without -d");
    if (d->passed_over)
        cmd_report_detail(j->report,
                          "%lu lines of the server's listings name no message of this session, and "
                          "were passed over",
                          (unsigned long)d->passed_over);
    /* Without UIDs the headers were the listing: it was whole if all were seen. */
    if (d->listing_reached && d->no_uids && j->identified >= d->in_maildrop)
        cmd_state_listed(j->state, NULL, 0);
    free(j->named);
    j->named = NULL;
    j->named_len = j->named_room = 0;
}

/* ---- the sink: headers to the identity, whole messages to the store ---- */

/* Keeps the store's first failure in words, while it still knows them. */
static int store_result(cmd_job *j, int result) {
    const char *call = "", *name = "";
    if (result >= 0 || j->disk[0]) return result;
    int error = popcl_store_dir_error(j->store, &call, &name);
    if (error)
        (void)snprintf(j->disk, sizeof j->disk, "%s of %s: %s", call,
                       name && *name ? name : j->options->out_dir, cmd_error_text(error));
    return result;
}

static int begin(void *ctx, const popcl_msg *m) {
    cmd_job *j = ctx;
    j->part = (popcl_part)m->part;
    j->number = m->number;
    j->message = m;
    j->octets = 0;
    j->without_uid = m->uid_len == 0;
    if (j->without_uid) cmd_identity_begin(&j->reading);
    if (j->part == POPCL_HEADERS) return 0;
    return store_result(j, popcl_store_dir_sink.begin(j->store, m));
}

static int data(void *ctx, const void *p, size_t n) {
    cmd_job *j = ctx;
    int taken = (int)n; /* n is up to INT_MAX (popcl.h) */
    if (j->part == POPCL_WHOLE) taken = store_result(j, popcl_store_dir_sink.data(j->store, p, n));
    if (taken <= 0) return taken;
    if (j->without_uid) cmd_identity_data(&j->reading, p, (size_t)taken);
    j->octets += (uint64_t)taken;
    if (j->part == POPCL_WHOLE) show_progress(j);
    return taken;
}

static int commit(void *ctx) {
    cmd_job *j = ctx;
    int result = 0;
    if (j->part == POPCL_WHOLE) result = store_result(j, popcl_store_dir_sink.commit(j->store));
    if (result != 0 && result != POPCL_STAGED) return result;
    if (j->without_uid) take_identity(j);
    if (j->part == POPCL_HEADERS) return result;
    if (j->options->delete &&j->message->uid_len)
        cmd_state_sized(j->state, j->message->uid, j->message->uid_len, j->octets);
    cmd_report_detail(j->report, "message %lu: %llu octets, %s", (unsigned long)j->number,
                      (unsigned long long)j->octets, popcl_store_dir_name(j->store));
    if (j->message->size != POPCL_SIZE_UNKNOWN && j->octets < j->message->size / 2)
        cmd_report_detail(j->report, "message %lu: the server's listing says %llu octets",
                          (unsigned long)j->number, (unsigned long long)j->message->size);
    j->stored_octets += j->octets;
    j->octets = 0;
    return result;
}

static int sync_store(void *ctx) {
    cmd_job *j = ctx;
    return store_result(j, popcl_store_dir_sink.sync(j->store));
}

static void abort_message(void *ctx, popcl_err why) {
    cmd_job *j = ctx;
    if (j->part == POPCL_WHOLE) popcl_store_dir_sink.abort(j->store, why);
    j->octets = 0;
}

const popcl_sink cmd_job_sink = {begin, data, commit, sync_store, abort_message};
