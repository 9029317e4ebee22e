/* SPDX-License-Identifier: MIT */
/* look - see look.h. */
#define _POSIX_C_SOURCE 200809L
#include "look.h"

#include <stdio.h>

#include "events.h"

int cmd_look_is(const cmd_job *j) {
    return j->options->action != CMD_FETCH && j->options->action != CMD_CHECK;
}

static void print_message(cmd_job *j, const popcl_msg *m, const char *action, const char *reason) {
    char line[192], size[24] = "?";
    if (j->report->json) {
        cmd_events_message(j->report, m, action, reason);
        return;
    }
    if (m->size != POPCL_SIZE_UNKNOWN)
        (void)snprintf(size, sizeof size, "%llu", (unsigned long long)m->size);
    int digest = m->uid[0] == POPCL_UID_DIGEST; /* an octet that no terminal should get */
    (void)snprintf(line, sizeof line, "%s%s%lu %s%s%s%s%s%s%s\n", action ? action : "",
                   action ? " " : "", (unsigned long)m->number, size, m->uid_len ? " " : "",
                   digest ? "\\x7f" : "", m->uid + digest, reason ? " (" : "", reason ? reason : "",
                   reason ? ")" : "");
    cmd_report_print(j->report, line);
}

/* Returns whether --limit lets one more message be printed, and counts it. */
static int is_within_limit(cmd_job *j) {
    if (j->options->limit && j->listed >= j->options->limit) return 0;
    j->listed++;
    return 1;
}

/* --dry-run: prints what a run would do. */
static void print_plan(cmd_job *j, const popcl_msg *m, unsigned answer) {
    const char *reason = answer & POPCL_FETCH ? NULL : j->why;
    if (answer & POPCL_FETCH && !is_within_limit(j)) {
        answer = POPCL_SKIP;
        reason = "over --limit";
    }
    print_message(j, m,
                  answer == POPCL_SKIP               ? "skip"
                  : answer == POPCL_DELETE_UNFETCHED ? "delete"
                  : answer & POPCL_DELETE            ? "fetch+delete"
                                                     : "fetch",
                  reason);
}

/* --catch-up: without a UID the next run could not recognize the message, and it stays new. */
static void pass_over(cmd_job *j, const popcl_msg *m) {
    cmd_record_note(&j->file->record, m->uid, m->uid_len, CMD_ON_PASSED, CMD_SIZE_UNKNOWN, 0);
    j->listed += m->uid_len > 0;
}

unsigned cmd_look_answer(cmd_job *j, const popcl_msg *m, popcl_stage stage, unsigned answer) {
    int is_wanted = answer != POPCL_SKIP;
    if (stage == POPCL_STAGE_UID) /* the size will come later */
        return is_wanted || j->options->action == CMD_DRY_RUN ? POPCL_FETCH : POPCL_SKIP;
    switch (j->options->action) {
    case CMD_TOP:
        return is_wanted && stage == POPCL_STAGE_SIZE && is_within_limit(j) ? POPCL_HEADERS_FIRST
                                                                            : POPCL_SKIP;
    case CMD_DRY_RUN: print_plan(j, m, answer); return POPCL_SKIP;
    case CMD_CATCH_UP:
        if (is_wanted) pass_over(j, m);
        return POPCL_SKIP;
    default:
        if (is_wanted && is_within_limit(j)) print_message(j, m, NULL, NULL);
        return POPCL_SKIP;
    }
}

void cmd_look_separate(cmd_job *j, const popcl_msg *m) {
    char line[128];
    int digest = m->uid[0] == POPCL_UID_DIGEST;
    (void)snprintf(line, sizeof line, "==> %lu%s%s%s\n", (unsigned long)m->number,
                   m->uid_len ? " " : "", digest ? "\\x7f" : "", m->uid + digest);
    cmd_report_print(j->report, line);
}
