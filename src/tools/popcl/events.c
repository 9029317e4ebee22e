/* SPDX-License-Identifier: MIT */
/* events - see events.h. */
#define _POSIX_C_SOURCE 200809L
#include "events.h"

#include <stdio.h>

#include "json.h"

static cmd_json events_begin(cmd_report *r, const char *type) {
    cmd_json j = {cmd_report_put, r};
    cmd_json_begin(&j, type);
    cmd_json_text(&j, "account", r->account);
    return j;
}

/* A reader gets each line as soon as it is complete. */
static void events_end(cmd_report *r, const cmd_json *j) {
    cmd_json_end(j);
    (void)cmd_report_flush(r);
}

static void add_message(const cmd_json *j, const popcl_msg *m) {
    cmd_json_number(j, "number", m->number);
    cmd_json_text(j, "uid", m->uid_len ? m->uid : NULL);
    if (m->size == POPCL_SIZE_UNKNOWN)
        cmd_json_null(j, "size");
    else
        cmd_json_number(j, "size", m->size);
}

void cmd_events_session(cmd_report *r, const cmd_options *o, const popcl_diag *d,
                        const popcl_tls_diag *tls, const char *mechanism,
                        const char *capabilities) {
    char version[16];
    static const char *const securities[] = {
        [POPCL_CLEAR] = "clear", [POPCL_TLS] = "tls", [POPCL_STLS] = "stls"};
    if (!r->json) return;
    cmd_json j = events_begin(r, "session");
    cmd_json_text(&j, "host", o->host);
    cmd_json_number(&j, "port", o->port);
    cmd_json_text(&j, "security", securities[o->security]);
    (void)snprintf(version, sizeof version, "1.%u", (tls->version & 0xffu) - 1u);
    cmd_json_text(&j, "tls_version", tls->suite ? version : NULL);
    cmd_json_text(&j, "tls_suite", tls->suite ? popcl_tls_suite_name(tls->suite) : NULL);
    cmd_json_text(&j, "mechanism", mechanism);
    cmd_json_words(&j, "capabilities", capabilities);
    cmd_json_number(&j, "messages", d->in_maildrop);
    cmd_json_number(&j, "octets", d->octets_in_maildrop);
    events_end(r, &j);
}

void cmd_events_message(cmd_report *r, const popcl_msg *m, const char *action, const char *reason) {
    if (!r->json) return;
    cmd_json j = events_begin(r, "message");
    add_message(&j, m);
    cmd_json_text(&j, "action", action);
    cmd_json_text(&j, "reason", reason);
    events_end(r, &j);
}

void cmd_events_fate(cmd_report *r, const popcl_msg *m, popcl_fate what, popcl_err why,
                     uint64_t octets, const char *file) {
    static const char *const fates[] = {
        [POPCL_STORED] = "stored",   [POPCL_NOT_STORED] = "not_stored",
        [POPCL_MARKED] = "marked",   [POPCL_NOT_MARKED] = "not_marked",
        [POPCL_DELETED] = "deleted", [POPCL_UNKNOWN] = "unknown",
        [POPCL_VOID] = "void"};
    if (!r->json) return;
    cmd_json j = events_begin(r, "fate");
    if (m) {
        add_message(&j, m);
    } else { /* of all messages that were marked */
        cmd_json_null(&j, "number");
        cmd_json_null(&j, "uid");
        cmd_json_null(&j, "size");
    }
    cmd_json_text(&j, "fate", fates[what]);
    if (what == POPCL_STORED)
        cmd_json_number(&j, "octets", octets);
    else
        cmd_json_null(&j, "octets");
    cmd_json_text(&j, "file", file);
    cmd_json_text(&j, "error", why ? cmd_report_error_name(why) : NULL);
    events_end(r, &j);
}

void cmd_events_summary(cmd_report *r, const cmd_options *o, const cmd_summary *s, int exit_code) {
    static const char *const actions[] = {[CMD_FETCH] = "fetch",
                                          [CMD_LIST] = "list",
                                          [CMD_CHECK] = "check",
                                          [CMD_DRY_RUN] = "dry-run"};
    if (!r->json) return;
    cmd_json j = events_begin(r, "summary");
    cmd_json_text(&j, "action",
                  o->action < sizeof actions / sizeof *actions ? actions[o->action] : NULL);
    cmd_json_number(&j, "exit_code", (uint64_t)exit_code);
    cmd_json_bool(&j, "listing_reached", s->listing_reached);
    cmd_json_number(&j, "stored", s->stored);
    cmd_json_number(&j, "deleted", s->deleted);
    cmd_json_number(&j, "deletions_unconfirmed", s->unconfirmed);
    cmd_json_number(&j, "larger_than_max_size", s->oversize);
    cmd_json_number(&j, "broken", s->left);
    cmd_json_number(&j, "listed", s->listed);
    cmd_json_bool(&j, "more", s->more);
    if (o->action == CMD_CHECK && s->listing_reached)
        cmd_json_bool(&j, "new", s->fresh);
    else
        cmd_json_null(&j, "new");
    events_end(r, &j);
}
