/* SPDX-License-Identifier: MIT */
/* choice - see choice.h. */
#define _POSIX_C_SOURCE 200809L
#include "choice.h"

#include <time.h>

static int64_t day_now(void) { return (int64_t)time(NULL) / 86400; }

/* The header has passed. A message that is too old is remembered, so that TOP is asked for it only
 * once. Another one may be asked for by the next run. */
static unsigned judge_header(cmd_job *j, const char *key, size_t len, unsigned answer) {
    cmd_record *record = &j->file->record;
    int64_t date_s = cmd_headers_date(&j->header), day = date_s / 86400;
    /* a clock that was never set gives days before 1980 */
    int is_usable = date_s != INT64_MIN && day >= 3653 && day <= UINT16_MAX;
    if (is_usable && cmd_select_is_old(&j->options->selection, day, day_now())) {
        if (j->options->action == CMD_FETCH) cmd_record_note_old(record, key, len, (uint16_t)day);
        return cmd_job_skip(j, "older than --since");
    }
    if (j->header_matches) return answer;
    cmd_record_leave_out(record, key, len);
    return cmd_job_skip(j, "--match does not hold");
}

unsigned cmd_choice_by_header(cmd_job *j, popcl_stage stage, const cmd_entry *e, const char *key,
                              size_t len, unsigned answer) {
    const cmd_selection *s = &j->options->selection;
    if (!(answer & POPCL_FETCH) || !cmd_select_by_header(s)) return answer;
    if (cmd_record_state(e) == CMD_FAILED) return answer;
    uint16_t day = cmd_record_old_day(e);
    if (day && cmd_select_is_old(s, day, day_now())) return cmd_job_skip(j, "older than --since");
    if (stage == POPCL_STAGE_UID) return answer;
    if (stage == POPCL_STAGE_SIZE) return POPCL_HEADERS_FIRST | (answer & POPCL_DELETE);
    return judge_header(j, key, len, answer);
}

int cmd_choice_has(cmd_job *j, const popcl_msg *m) {
    return cmd_select_has(&j->options->selection, m, &j->found);
}

void cmd_choice_tell_missing(cmd_job *j, const popcl_diag *d) {
    const cmd_selection *s = &j->options->selection;
    if (!d->listing_reached || j->sessions > 1) return;
    for (size_t i = 0; i < s->ranges_len; i++) {
        if (s->ranges[i].first <= d->in_maildrop) continue;
        cmd_report_warning(j->report, "there is no message %lu: the maildrop holds %lu",
                           (unsigned long)s->ranges[i].first, (unsigned long)d->in_maildrop);
    }
    for (size_t i = 0; i < s->uids_len && d->listed == d->in_maildrop; i++) {
        if (!(j->found >> i & 1))
            cmd_report_warning(j->report, "no message has the UID %s", s->uids[i]);
    }
}
