/* SPDX-License-Identifier: MIT */
/* job - see job.h. */
#define _POSIX_C_SOURCE 200809L
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "choice.h"
#include "events.h"
#include "file_calls.h"
#include "look.h"
#include "mechanism.h"
#include "sentences.h"
#include "system.h"

/* ---- names in the record ---- */

#define KEY_MAX (sizeof CMD_HEADER_NAME - 1 + 2 * CMD_IDENTITY_OCTETS)

static cmd_named *find_named(const cmd_job *j, uint32_t number) {
    for (size_t i = j->named_len; i > 0; i--) {
        if (j->named[i - 1].number == number) return &j->named[i - 1];
    }
    return NULL;
}

/* Without memory the message has no name: it counts as new, now and next time. */
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

/* Returns a message's name in the record: its UID, or a name of its header. Returns 0 if it has no
 * name. */
static size_t key_of(const cmd_job *j, const popcl_msg *m, char hex[KEY_MAX + 1],
                     const char **key) {
    *key = m->uid;
    if (m->uid_len) return m->uid_len;
    const cmd_named *n = find_named(j, m->number);
    if (!n) return 0;
    (void)snprintf(hex, KEY_MAX + 1, CMD_HEADER_NAME);
    pop_hex(hex + sizeof CMD_HEADER_NAME - 1, n->identity, CMD_IDENTITY_OCTETS);
    *key = hex;
    return KEY_MAX;
}

/* A header has passed: notes its identity, once for each message. */
static void take_identity(cmd_job *j) {
    unsigned char identity[CMD_IDENTITY_OCTETS];
    int named = cmd_identity_end(&j->reading, identity);
    if (find_named(j, j->number)) return; /* that of TOP counts: the next run will see it */
    j->identified++;
    cmd_named *n = named ? add_named(j, j->number) : NULL;
    if (n) memcpy(n->identity, identity, sizeof identity);
}

/* ---- decide ---- */

static int is_same_size(const cmd_entry *e, const popcl_msg *m) {
    return m->size != POPCL_SIZE_UNKNOWN && e->size == m->size;
}

/* Returns whether an earlier session stored this message. A UID is enough for that. A header needs
 * LIST's size too, and to be there once in the listing: a device may send the same header every
 * time. */
static int is_stored(cmd_state state, const cmd_entry *e, const popcl_msg *m) {
    if (state != CMD_STORED && state != CMD_DUE) return 0;
    if (m->uid_len) return 1;
    return !(e->live & CMD_LIVE_TWICE) && (is_same_size(e, m) || e->flags & CMD_ENTRY_TAKEN);
}

static int is_refused(const cmd_job *j, cmd_state state, const cmd_entry *e) {
    return state == CMD_REFUSED && j->options->max_size && j->options->max_size <= e->size;
}

static int is_new(const cmd_job *j, const popcl_msg *m, const cmd_entry *e) {
    cmd_state state = cmd_record_state(e);
    return state != CMD_PASSED && !is_stored(state, e, m) && !is_refused(j, state, e);
}

static int has_real_uid(const popcl_msg *m) { return m->uid_len && m->uid[0] != POPCL_UID_DIGEST; }

/* Returns whether a message may be deleted because an earlier session stored it. A server may give
 * a UID to another message once the old one is gone, or to two at once. So LIST's size must also be
 * that of the session that stored it. While only the UID is known the question is left open. */
static int may_delete_unfetched(const popcl_msg *m, popcl_stage stage, const cmd_entry *e) {
    if (cmd_record_state(e) != CMD_DUE || !has_real_uid(m)) return 0;
    return stage == POPCL_STAGE_UID || is_same_size(e, m);
}

static int deletes_stored(const cmd_options *o) { return o->delete_after || o->keep_newest; }

/* Returns whether a message is one of the N with the highest numbers. */
static int is_among_newest(const cmd_job *j, const popcl_msg *m) {
    popcl_diag d;
    popcl_fetch_get_diag(j->fetch, &d);
    return (uint64_t)m->number + j->options->keep_newest > d.in_maildrop;
}

/* Returns whether --delete-after and --keep-newest let a message go that an earlier run stored.
 * While only the UID is known the question is left open. */
static int is_to_go(const cmd_job *j, const popcl_msg *m, popcl_stage stage, const cmd_entry *e) {
    const cmd_options *o = j->options;
    if (!deletes_stored(o) || !has_real_uid(m) || !e) return 0;
    if (stage == POPCL_STAGE_UID && e->size == CMD_SIZE_UNKNOWN)
        return cmd_record_state(e) == CMD_STORED; /* its size is still to be noted */
    if (o->delete_after && !cmd_record_is_old(&j->file->record, e, o->delete_after)) return 0;
    if (o->keep_newest && is_among_newest(j, m)) return 0;
    return cmd_record_may_go(e, stage == POPCL_STAGE_UID ? e->size : m->size);
}

unsigned cmd_job_skip(cmd_job *j, const char *why) {
    j->why = why;
    return POPCL_SKIP;
}

/* Returns whether an earlier run, with the same limit, read this message until the session
 * broke. */
static int is_given_up(const cmd_job *j, const cmd_entry *e) {
    return e && e->tries && is_refused(j, cmd_record_state(e), e);
}

/* Decides about a message when no more will be known of it. */
static unsigned job_judge(cmd_job *j, const popcl_msg *m, popcl_stage stage, const cmd_entry *e) {
    const cmd_options *o = j->options;
    switch (o->action) {
    case CMD_CHECK:
        if (!is_new(j, m, e)) return POPCL_SKIP;
        /* asked again when the listing is complete: UIDs may turn out to be numbers only */
        if (stage == POPCL_STAGE_UID) return j->candidate++ ? POPCL_SKIP : POPCL_FETCH;
        j->fresh = 1;
        return POPCL_SKIP;
    case CMD_LIST:
    case CMD_TOP: return o->only_new && !is_new(j, m, e) ? POPCL_SKIP : POPCL_FETCH;
    default: break;
    }
    int is_due = o->delete &&cmd_record_state(e) == CMD_DUE;
    if (is_due && may_delete_unfetched(m, stage, e)) {
        j->why = "stored by an earlier run";
        return POPCL_DELETE_UNFETCHED;
    }
    if (is_to_go(j, m, stage, e)) {
        j->why = "fetched before";
        return POPCL_DELETE_UNFETCHED;
    }
    if (is_given_up(j, e)) return cmd_job_skip(j, "larger than --max-size");
    if (o->only_new && !is_due && !is_new(j, m, e))
        return cmd_job_skip(j, is_refused(j, cmd_record_state(e), e) ? "larger than --max-size"
                               : cmd_record_state(e) == CMD_PASSED   ? "left out by --catch-up"
                                                                     : "fetched before");
    /* a run without -n fetches messages of earlier runs again, not its own */
    if (!is_due && e && e->live & CMD_LIVE_RUN && is_stored(cmd_record_state(e), e, m))
        return cmd_job_skip(j, "fetched before");
    /* the library refuses it, if this is no --dry-run */
    if (o->action == CMD_DRY_RUN && o->max_size && m->size != POPCL_SIZE_UNKNOWN &&
        m->size > o->max_size)
        return cmd_job_skip(j, "larger than --max-size");
    return o->delete ? POPCL_FETCH | POPCL_DELETE : POPCL_FETCH;
}

/* From now on only this message is asked for. */
static void go_alone(cmd_job *j, const cmd_entry *e) {
    j->alone = 1;
    j->alone_hash = e->hash;
    cmd_record_trying(&j->file->record, e->hash);
}

/* Returns the answer for a message that is wanted, in the order of the head of job.h. The listing
 * has ended when the first STAGE_SIZE comes; a header comes before other messages are known. */
static unsigned in_turn(cmd_job *j, const popcl_msg *m, popcl_stage stage, const cmd_entry *e,
                        unsigned answer) {
    if (!j->alone && cmd_record_is_deferred(e)) {
        if (stage == POPCL_STAGE_UID) return answer; /* asked again */
        const cmd_entry *first =
            m->uid_len && !j->others ? cmd_record_pick(&j->file->record) : NULL;
        if (!first) return POPCL_SKIP;
        go_alone(j, first);
    }
    return !j->alone || (e && e->hash == j->alone_hash) ? answer : POPCL_SKIP;
}

/* Returns whether the server gives headers, as far as its CAPA shows. */
static int may_have_top(const cmd_job *j) {
    popcl_diag d;
    popcl_fetch_get_diag(j->fetch, &d);
    return !d.has_caps || d.caps.tags & POPCL_CAPA_TOP;
}

/* Returns whether the header decides for a message without UID. It costs a TOP for each message. So
 * it does only if something depends on it: a further session must know which messages the run
 * stored. */
static int header_decides(const cmd_job *j) {
    if (j->options->action == CMD_TOP) return 0; /* it would be printed first */
    if (j->options->action == CMD_CATCH_UP) return 0;
    if (j->options->only_new || j->options->action == CMD_CHECK) return 1;
    return (j->sessions > 1 || j->deferred_headers) && may_have_top(j);
}

static int is_avoided(const cmd_job *j, const popcl_msg *m) {
    for (uint32_t i = 0; i < j->avoided && i < CMD_AVOID_MAX; i++) {
        if (m->uid_len == 0 && j->avoid[i] == m->number) return 1;
    }
    return 0;
}

/* A session broke inside a message that has no name yet. */
static void avoid(cmd_job *j, uint32_t number) {
    if (j->avoided < CMD_AVOID_MAX) j->avoid[j->avoided] = number;
    j->avoided++;
    j->avoid_headers = header_decides(j);
}

static void tell_no_uids(cmd_job *j) {
    if (!j->told_no_uids)
        cmd_report_warning(j->report, "the server gives no UIDs: what is new is told by each "
                                      "message's header and size; after runs with UIDs "
                                      "messages may arrive a second time");
    j->told_no_uids = 1;
}

static void announce_now(cmd_job *j) {
    popcl_diag d;
    if (j->announced) return;
    popcl_fetch_get_diag(j->fetch, &d);
    cmd_job_announce(j, &d);
}

unsigned cmd_job_decide(void *job, const popcl_msg *m, popcl_stage stage) {
    cmd_job *j = job;
    cmd_record *record = &j->file->record;
    char hex[KEY_MAX + 1];
    const char *key;
    announce_now(j);
    if (!cmd_choice_has(j, m)) return POPCL_SKIP;
    if (j->options->action == CMD_CHECK && j->fresh) return POPCL_SKIP;
    if (is_avoided(j, m) && (j->avoid_headers || !header_decides(j))) return POPCL_SKIP;
    if (m->uid_len == 0 && stage != POPCL_STAGE_HEADERS && header_decides(j)) {
        tell_no_uids(j);
        return POPCL_HEADERS_FIRST;
    }
    size_t len = key_of(j, m, hex, &key);
    if (stage == POPCL_STAGE_HEADERS) cmd_record_listed(record, key, len);
    if (is_avoided(j, m)) { /* now it has a name, by which it comes last */
        cmd_record_note(record, key, len, CMD_ON_BROKEN, 0, 0);
        drop_named(j, m->number);
        return POPCL_SKIP;
    }
    const cmd_entry *e = cmd_record_find(record, key, len);
    j->why = NULL;
    unsigned answer = cmd_choice_by_header(j, stage, e, key, len, job_judge(j, m, stage, e));
    e = cmd_record_find(record, key, len); /* it may have moved */
    if (cmd_look_is(j) && !(answer & POPCL_HEADERS_FIRST))
        answer = cmd_look_answer(j, m, stage, answer);
    if (answer == POPCL_SKIP && !j->alone &&
        (is_given_up(j, e) || (j->options->only_new && is_refused(j, cmd_record_state(e), e))))
        j->oversize++; /* an earlier run refused it */
    if (answer != POPCL_SKIP && !cmd_look_is(j)) answer = in_turn(j, m, stage, e, answer);
    if (deletes_stored(j->options) && has_real_uid(m))
        cmd_record_start_age(record, key, len, m->size);
    if (answer == POPCL_SKIP && m->uid_len == 0) {
        cmd_record_see_size(record, key, len, m->size);
        drop_named(j, m->number);
    }
    return answer;
}

/* ---- listed and fate ---- */

/* Writes "TOP UIDL PIPELINING ...", for the bits that name() knows. */
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
    popcl_tls_diag tls = {0};
    if (j->announced || !d->listing_reached) return;
    j->announced = 1;
    words(tags, sizeof tags, d->has_caps ? d->caps.tags : 0, popcl_capa_name);
    if (j->tls->tls.profile) popcl_tls_get_diag(&j->tls->tls, &tls);
    cmd_events_session(j->report, j->options, d, &tls, cmd_mechanism_of(d->mechanism)->name, tags);
    cmd_tls_announce(j->tls, j->report);
    if (d->has_caps) {
        words(sasl, sizeof sasl, d->caps.sasl, popcl_sasl_name);
        cmd_report_detail(j->report, "logged in with %s; the server offers %s%s%s",
                          cmd_mechanism_of(d->mechanism)->name,
                          *tags ? tags : "nothing beyond RFC 1939", *sasl ? "; SASL " : "", sasl);
    } else {
        cmd_report_detail(j->report, "logged in with %s", cmd_mechanism_of(d->mechanism)->name);
    }
    if (d->skipped)
        cmd_report_detail(j->report, "%s was not used: %s", cmd_mechanism_of(d->skipped)->name,
                          popcl_err_what(d->skipped_why));
    cmd_report_detail(j->report, "the maildrop holds %lu messages, %llu octets",
                      (unsigned long)d->in_maildrop, (unsigned long long)d->octets_in_maildrop);
}

/* Reports an odd line of UIDL. LIST's lines have sizes, and no UIDs. */
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

static void end_listing(cmd_job *j) {
    cmd_record_listed(&j->file->record, NULL, 0);
    j->listing_ended = 1;
}

void cmd_job_listed(void *job, const popcl_msg *m) {
    cmd_job *j = job;
    popcl_diag d;
    announce_now(j);
    if (!m) {
        popcl_fetch_get_diag(j->fetch, &d);
        /* a listing without UIDs does not show which are gone */
        if (!d.no_uids) end_listing(j);
        return;
    }
    tell_odd_uid(j, m);
    cmd_record_listed(&j->file->record, m->uid, m->uid_len);
    const cmd_entry *e = cmd_record_find(&j->file->record, m->uid, m->uid_len);
    if (!cmd_choice_has(j, m)) {
        cmd_record_leave_out(&j->file->record, m->uid, m->uid_len);
        return;
    }
    unsigned answer = cmd_choice_by_header(j, POPCL_STAGE_UID, e, m->uid, m->uid_len,
                                           job_judge(j, m, POPCL_STAGE_UID, e));
    if (answer & POPCL_FETCH) j->wanted++;
    if (!cmd_record_is_deferred(e) && answer != POPCL_SKIP) j->others++;
}

uint32_t cmd_job_show_progress(cmd_job *j) {
    popcl_diag d;
    cmd_progress p = {.messages = j->whole, .octets = j->whole_octets + j->octets};
    const cmd_options *o = j->options;
    uint32_t due_ms = o->action == CMD_FETCH ? cmd_report_progress_due(j->report) : UINT32_MAX;
    if (due_ms) return due_ms;
    popcl_fetch_get_diag(j->fetch, &d);
    if (!d.listing_reached) return UINT32_MAX;
    const cmd_selection *s = &o->selection;
    if (!o->only_new && !o->limit && !o->max_size && !cmd_select_few(s) &&
        !cmd_select_by_header(s)) {
        p.total = d.in_maildrop;
        p.total_octets = d.octets_in_maildrop;
    } else if (j->listing_ended && !cmd_select_by_header(s)) {
        /* STAT's octets are those of more messages */
        p.total = o->limit && o->limit < j->wanted ? o->limit : j->wanted;
    }
    cmd_report_progress(j->report, &p);
    return cmd_report_progress_due(j->report);
}

static void job_note(cmd_job *j, const popcl_msg *m, cmd_event event, uint64_t number) {
    char hex[KEY_MAX + 1];
    const char *key;
    size_t len = key_of(j, m, hex, &key);
    cmd_record_note(&j->file->record, key, len, event, number, j->file->record.today);
}

static void note_stored(cmd_job *j, const popcl_msg *m) {
    char hex[KEY_MAX + 1];
    const char *key;
    size_t len = key_of(j, m, hex, &key);
    const cmd_entry *e = cmd_record_find(&j->file->record, key, len);
    popcl_diag d;
    popcl_fetch_get_diag(j->fetch, &d);
    j->file->record.unsure = d.unsure;
    /* a further session of this run fetched it again: it is the same file */
    int counted = e && e->live & CMD_LIVE_RUN && !(e->live & CMD_LIVE_TOLD);
    if (!counted) j->stored++;
    job_note(j, m, j->options->delete ? CMD_ON_STORED_DUE : CMD_ON_STORED, m->size);
}

/* Returns the event of a failure, for later sessions. A session that is over reports a fate for
 * every message that it did not reach. Of those it tried only the one that it broke in. If a server
 * refuses a message and then closes, that message is the reason, not the one after it. */
static cmd_event event_of(const cmd_job *j, const popcl_msg *m, popcl_err why) {
    popcl_diag d;
    int is_over = popcl_state(&j->fetch->session) == POPCL_DONE;
    popcl_fetch_get_diag(j->fetch, &d);
    if (*j->stop || why == POPCL_ERR_STOPPED) return CMD_ON_LEFT;
    if (why == POPCL_ERR_TOO_LARGE) return CMD_ON_REFUSED;
    if (!is_over) return why == POPCL_ERR_TIMEOUT_TOTAL ? CMD_ON_BROKEN : CMD_ON_FAILED;
    if (m->number != d.broken_at) return CMD_ON_LEFT;
    return j->suspect.number && j->number != m->number ? CMD_ON_LEFT : CMD_ON_BROKEN;
}

/* The session broke inside a message, or for it. */
static void note_broken(cmd_job *j, const char *name, size_t len, uint32_t number, popcl_err why) {
    j->broken = why;
    if (len)
        cmd_record_note(&j->file->record, name, len, CMD_ON_BROKEN, 0, 0);
    else
        avoid(j, number);
}

static void suspect(cmd_job *j, uint32_t number, const char *name, size_t len) {
    j->suspect.number = number;
    j->suspect.len = len;
    memcpy(j->suspect.name, name, len);
}

/* Counts a failure by its kind, for main's sum. */
static void count_failure(cmd_job *j, const popcl_msg *m, popcl_err why, int tried) {
    j->oversize += why == POPCL_ERR_TOO_LARGE;
    if (why == POPCL_ERR_TOO_LARGE || j->other) return;
    j->other = why;
    j->other_message = tried ? m->number : 0;
}

static void job_not_stored(cmd_job *j, const popcl_msg *m, popcl_err why) {
    cmd_event event = event_of(j, m, why);
    char hex[KEY_MAX + 1];
    const char *key;
    size_t len = key_of(j, m, hex, &key);
    count_failure(j, m, why, event != CMD_ON_LEFT);
    j->untried += event == CMD_ON_LEFT;
    if (event != CMD_ON_LEFT)
        cmd_report_detail(j->report, "message %lu is left on the server: %s",
                          (unsigned long)m->number, cmd_sentences_what(why));
    if (event == CMD_ON_BROKEN) {
        note_broken(j, key, len, m->number, why);
        return;
    }
    job_note(j, m, event, j->options->max_size);
    if (event == CMD_ON_FAILED && popcl_err_class(why) != POPCL_CLASS_DISK)
        suspect(j, m->number, key, len);
}

/* --json */
static void tell_fate(cmd_job *j, const popcl_msg *m, popcl_fate what, popcl_err why) {
    const cmd_placed *place = NULL;
    if (!j->report->json) return;
    for (size_t i = 0; m && what == POPCL_STORED && i < POPCL_STORE_GROUP; i++) {
        if (j->placed[i].number == m->number) place = &j->placed[i];
    }
    cmd_events_fate(j->report, m, what, why, place ? place->octets : 0,
                    place && *place->name ? place->name : NULL);
}

void cmd_job_fate(void *job, const popcl_msg *m, popcl_fate what, popcl_err why) {
    cmd_job *j = job;
    tell_fate(j, m, what, why);
    if (!m) return; /* the end of all deletions, which the diagnosis has too */
    if (j->settled && j->settled != m->number) drop_named(j, j->settled);
    j->settled = 0;
    switch (what) {
    case POPCL_STORED: note_stored(j, m); break;
    case POPCL_NOT_STORED: job_not_stored(j, m, why); break;
    case POPCL_MARKED: job_note(j, m, CMD_ON_MARKED, 0); break;
    case POPCL_NOT_MARKED:
        count_failure(j, m, why, popcl_state(&j->fetch->session) != POPCL_DONE);
        if (why == POPCL_ERR_BODY_EMPTY) job_note(j, m, CMD_ON_FAILED, 0);
        break;
    default: break;
    }
    if (what != POPCL_STORED)
        drop_named(j, m->number);
    else if (!j->options->delete)
        j->settled = m->number; /* unless it was empty, which its next fate shows */
    cmd_record_file_pass(j->file, j->now_ms(j->clock));
    (void)cmd_job_show_progress(j);
}

/* ---- the session ---- */

void cmd_job_begin(cmd_job *j, const cmd_entry *alone) {
    j->sessions++;
    j->broken = POPCL_OK;
    j->alone = j->candidate = j->listing_ended = 0;
    j->others = j->identified = j->complete = 0;
    j->wanted = j->whole;
    if (!alone) {
        j->oversize = j->untried = j->other_message = 0;
        j->other = POPCL_OK;
    }
    j->number = j->settled = j->suspect.number = 0;
    memset(j->placed, 0, sizeof j->placed); /* numbers are those of one session */
    if (alone) go_alone(j, alone);
    cmd_record_begin(&j->file->record);
    j->file->record.unsure = 0;
    j->deferred_headers = cmd_record_has_deferred_headers(&j->file->record);
}

/* A message whose fate was known before the session broke. If it was too large, or could not be
 * stored, its rest was read and dropped. */
static void note_late_break(cmd_job *j, const popcl_diag *d) {
    if (j->broken || *j->stop || !d->listing_reached || d->quit_left) return;
    if (d->broken_at && d->broken_at == j->number) {
        j->broken = d->err;
        if (!cmd_record_defer(&j->file->record, j->uid, j->uid_len))
            note_broken(j, j->uid, j->uid_len, j->number, d->err);
    } else if (j->suspect.number) {
        note_broken(j, j->suspect.name, j->suspect.len, j->suspect.number, d->err);
    }
}

static void end_deletions(cmd_job *j, const popcl_diag *d) {
    if (d->deletions == POPCL_DELETED || d->deletions == POPCL_VOID)
        cmd_record_confirm(&j->file->record, d->deletions == POPCL_DELETED);
}

/* A server that wants time between logins, and has refused one for that, is left alone for that
 * time (RFC 2449, 6.5). */
static void note_delay(cmd_job *j, const popcl_diag *d) {
    cmd_record *record = &j->file->record;
    int refused = d->err == POPCL_ERR_LOGIN_DELAY;
    if (refused || (d->listing_reached && record->delay_s))
        cmd_record_delay(record, refused ? d->caps.login_delay_s : 0, (uint64_t)time(NULL));
}

void cmd_job_end(cmd_job *j, const popcl_diag *d) {
    cmd_job_announce(j, d);
    cmd_choice_tell_missing(j, d);
    note_delay(j, d);
    note_late_break(j, d);
    end_deletions(j, d);
    if (!d->unsure) cmd_record_is_sure(&j->file->record);
    /* Only now: many servers announce it only after the login, and are asked again right before the
     * first message (RFC 2449, 6.7). */
    cmd_record *record = &j->file->record;
    if ((d->caps.tags & POPCL_CAPA_EXPIRE) && d->caps.expire_days == 0 && !record->told_expire &&
        !j->options->delete &&j->options->action == CMD_FETCH) {
        record->told_expire = 1;
        record->changed = 1;
        cmd_report_warning(
            j->report,
            "the server may delete messages once they are fetched (EXPIRE 0), also without -d");
    }
    if (deletes_stored(j->options) && d->listing_reached && d->no_uids && !j->told_none_deleted) {
        j->told_none_deleted = 1;
        cmd_report_warning(j->report, "the server gives no UIDs: nothing is deleted by "
                                      "--delete-after or --keep-newest");
    }
    if (d->passed_over)
        cmd_report_detail(j->report,
                          "%lu lines of the server's listings name no message of this session, and "
                          "were passed over",
                          (unsigned long)d->passed_over);
    /* Without UIDs the headers are the listing, which was whole if all were seen. */
    if (d->listing_reached && d->no_uids && j->identified >= d->in_maildrop) end_listing(j);
    free(j->named);
    j->named = NULL;
    j->named_len = j->named_room = 0;
}

/* ---- the sink: headers to the identity, whole messages to the store ---- */

/* Keeps the store's first failure in words, while the store still knows it. */
static int store_result(cmd_job *j, int result) {
    const char *call = "", *name = "";
    if (result >= 0 || j->disk[0] || j->refusal.what[0]) return result;
    if (cmd_store_refused(j->store, &j->refusal)) return result;
    int error = cmd_store_error(j->store, &call, &name);
    j->report->disk_errno = error;
    if (error)
        (void)snprintf(j->disk, sizeof j->disk, "%s of %s: %s", call, name, cmd_error_text(error));
    return result;
}

/* --json: keeps file and octets of a message until its fate is known. */
static void note_place(cmd_job *j) {
    if (!j->report->json) return;
    cmd_placed *p = &j->placed[j->places++ % POPCL_STORE_GROUP];
    const char *name = j->options->store == CMD_STORE_PIPE ? NULL : cmd_store_name(j->store);
    p->number = j->number;
    p->octets = j->octets;
    (void)snprintf(p->name, sizeof p->name, "%s", name ? name : "");
}

static int job_begin(void *ctx, const popcl_msg *m) {
    cmd_job *j = ctx;
    j->part = (popcl_part)m->part;
    j->number = m->number;
    j->message = m;
    j->octets = 0;
    j->without_uid = m->uid_len == 0;
    j->uid_len = m->uid_len;
    memcpy(j->uid, m->uid, m->uid_len);
    if (j->without_uid) cmd_identity_begin(&j->reading);
    if (j->part == POPCL_HEADERS) {
        const cmd_selection *s = &j->options->selection;
        cmd_headers_begin(&j->header, s->matches, s->matches_len);
        if (j->options->action == CMD_TOP) cmd_look_separate(j, m);
        return 0;
    }
    return store_result(j, j->store->sink->begin(j->store->ctx, m));
}

static int job_data(void *ctx, const void *p, size_t n) {
    cmd_job *j = ctx;
    int taken = (int)n; /* n is up to INT_MAX (popcl_fetch.h) */
    if (j->part == POPCL_WHOLE) taken = store_result(j, j->store->sink->data(j->store->ctx, p, n));
    if (taken <= 0) return taken;
    if (j->without_uid) cmd_identity_data(&j->reading, p, (size_t)taken);
    if (j->part == POPCL_HEADERS) {
        cmd_headers_data(&j->header, p, (size_t)taken);
        if (j->options->action == CMD_TOP) cmd_report_print_octets(j->report, p, (size_t)taken);
    }
    j->octets += (uint64_t)taken;
    if (j->part == POPCL_WHOLE) (void)cmd_job_show_progress(j);
    return taken;
}

static int job_commit(void *ctx) {
    cmd_job *j = ctx;
    int result = 0;
    if (j->part == POPCL_WHOLE) result = store_result(j, j->store->sink->commit(j->store->ctx));
    if (result != 0 && result != POPCL_STAGED) return result;
    j->suspect.number = 0; /* the session went on after the refusal */
    if (j->without_uid) take_identity(j);
    if (j->part == POPCL_HEADERS) {
        j->header_matches = cmd_headers_end(&j->header);
        return result;
    }
    note_place(j);
    cmd_report_detail(j->report, "message %lu: %llu octets, %s", (unsigned long)j->number,
                      (unsigned long long)j->octets, cmd_store_name(j->store));
    if (j->message->size != POPCL_SIZE_UNKNOWN && j->octets < j->message->size / 2)
        cmd_report_detail(j->report, "message %lu: the server's listing says %llu octets",
                          (unsigned long)j->number, (unsigned long long)j->message->size);
    j->whole_octets += j->octets;
    j->whole++;
    j->complete++;
    j->octets = 0;
    return result;
}

static int sync_store(void *ctx) {
    cmd_job *j = ctx;
    return store_result(j, j->store->sink->sync(j->store->ctx));
}

static void abort_message(void *ctx, popcl_err why) {
    cmd_job *j = ctx;
    if (j->part == POPCL_WHOLE) j->store->sink->abort(j->store->ctx, why);
    j->octets = 0;
}

const popcl_sink cmd_job_sink = {
    .begin = job_begin,
    .data = job_data,
    .commit = job_commit,
    .sync = sync_store,
    .abort = abort_message,
};
