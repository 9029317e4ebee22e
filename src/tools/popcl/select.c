/* SPDX-License-Identifier: MIT */
/* select - see select.h. */
#include "select.h"

#include <string.h>

#include "number.h"

#define DIGEST_SHOWN "\\x7f" /* --list shows POPCL_UID_DIGEST so */

int cmd_select_numbers(cmd_selection *s, const char *list) {
    for (const char *p = list;; p++) {
        uint64_t first = 0, last;
        p = tool_number_read(p, UINT32_MAX, &first);
        if (!p || first == 0 || s->ranges_len == CMD_RANGES_MAX) return -1;
        last = first;
        if (*p == '-') {
            p++;
            last = UINT32_MAX;
            if (*p && *p != ',') p = tool_number_read(p, UINT32_MAX, &last);
            if (!p || last < first) return -1;
        }
        s->ranges[s->ranges_len].first = (uint32_t)first;
        s->ranges[s->ranges_len++].last = (uint32_t)last;
        if (!*p) return 0;
        if (*p != ',') return -1;
    }
}

/* Returns the UID of a digest as the library has it, without the octet that marks it; NULL = it is
 * no digest. */
static const char *digest_of(const char *uid) {
    size_t n = sizeof DIGEST_SHOWN - 1;
    return strncmp(uid, DIGEST_SHOWN, n) == 0 ? uid + n : NULL;
}

int cmd_select_uid(cmd_selection *s, const char *uid) {
    const char *digest = digest_of(uid);
    size_t n = digest ? strlen(digest) + 1 : strlen(uid);
    if (n == 0 || n > POPCL_UID_MAX || s->uids_len == CMD_UIDS_MAX) return -1;
    for (const char *p = uid; *p; p++) {
        if (*p < 0x21 || *p > 0x7E) return -1;
    }
    s->uids[s->uids_len++] = uid;
    return 0;
}

static int is_uid(const popcl_msg *m, const char *uid) {
    const char *digest = digest_of(uid);
    if (!m->uid_len) return 0;
    if (digest) return m->uid[0] == POPCL_UID_DIGEST && strcmp(m->uid + 1, digest) == 0;
    return strcmp(m->uid, uid) == 0;
}

int cmd_select_has(const cmd_selection *s, const popcl_msg *m, uint64_t *found) {
    int has = s->ranges_len == 0;
    for (size_t i = 0; i < s->ranges_len && !has; i++)
        has = m->number >= s->ranges[i].first && m->number <= s->ranges[i].last;
    int named = s->uids_len == 0;
    for (size_t i = 0; i < s->uids_len; i++) {
        if (!is_uid(m, s->uids[i])) continue;
        *found |= UINT64_C(1) << i;
        named = 1;
    }
    return has && named;
}

int cmd_select_few(const cmd_selection *s) { return s->ranges_len || s->uids_len; }

int cmd_select_by_header(const cmd_selection *s) { return s->matches_len || s->since_days; }

int cmd_select_is_old(const cmd_selection *s, int64_t day, int64_t today) {
    return s->since_days && day < today - (int64_t)s->since_days;
}
