/* SPDX-License-Identifier: MIT */
/* select - the messages that the command line selects: by number, by UID, by header and by age. It
 * is arguments and rules alone, and knows no session. */
#ifndef POPCL_CMD_SELECT_H
#define POPCL_CMD_SELECT_H

#include "headers.h"
#include "popcl_fetch.h"

#define CMD_RANGES_MAX 64u
#define CMD_UIDS_MAX   64u
#define CMD_DAYS_MAX   36500u

/* Zeroed = every message. Texts point into argv. */
typedef struct cmd_selection {
    struct {
        uint32_t first, last;
    } ranges[CMD_RANGES_MAX]; /* --msg */
    size_t ranges_len;
    const char *uids[CMD_UIDS_MAX]; /* --uidl */
    size_t uids_len;
    cmd_match matches[CMD_MATCHES_MAX]; /* --match */
    size_t matches_len;
    uint32_t since_days; /* 1 to CMD_DAYS_MAX; 0 = of any age */
} cmd_selection;

/* Reads "1,3-5,8-" and adds its ranges. Returns 0, or -1 if the list is damaged, has a 0, or has
 * too many ranges. */
int cmd_select_numbers(cmd_selection *s, const char *list);

/* Adds a UID, as --list prints it. Returns 0, or -1 if it cannot be a UID, or is one too many. */
int cmd_select_uid(cmd_selection *s, const char *uid);

/* Returns whether number and UID select a message. *found gets the bit of its UID. */
int cmd_select_has(const cmd_selection *s, const popcl_msg *m, uint64_t *found);

/* Returns whether number or UID are selected: then a few of the messages are wanted. */
int cmd_select_few(const cmd_selection *s);

/* Returns whether a header must be known. */
int cmd_select_by_header(const cmd_selection *s);

/* Returns whether a day, counted from 1970, is too long before today. */
int cmd_select_is_old(const cmd_selection *s, int64_t day, int64_t today);

#endif
