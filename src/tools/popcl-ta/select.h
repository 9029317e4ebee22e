/* SPDX-License-Identifier: MIT */
/* select - marks the wanted ones of the certificates that could be anchors. */
#ifndef POPCL_TA_SELECT_H
#define POPCL_TA_SELECT_H

#include <stddef.h>

#include "anchor.h"

typedef enum ta_field { TA_ORG_OR_CN, TA_ORG, TA_CN, TA_SHA256 } ta_field;
typedef enum ta_keys { TA_ANY_KEY, TA_RSA, TA_EC } ta_keys;

/* One pattern: a part of a name, with A-Z the same as a-z, or a fingerprint. */
typedef struct ta_pattern {
    ta_field field;
    int exclude;
    int from_file;    /* 1 = it is no error if it matches nothing */
    const char *text; /* borrowed */
    unsigned char sha256[32];
    size_t matched; /* set by ta_select: how many certificates matched */
} ta_pattern;

/* A member of a family line. */
typedef struct ta_kin {
    unsigned char sha256[32];
    long line; /* of the file: members of one family have the same */
} ta_kin;

/* Zeroed = everything. ta_selection_free frees it. */
typedef struct ta_selection {
    ta_pattern *patterns;
    size_t len;
    const char *filter_file; /* NULL = none */
    char *filter;            /* its text, which patterns point into */
    ta_kin *kin;             /* of family lines, in the order of lines */
    size_t kin_len;
    uint8_t siblings; /* 1 = others of a selected one's families are selected too: family.h */
    ta_keys keys;
    size_t max_certs, max_bytes; /* 0 = no limit */
    size_t blob_bytes; /* max_bytes is about a blob: its bytes without anchors. 0 = about a table */
} ta_selection;

/* Reads a pattern: `org=TEXT`, `cn=TEXT`, `sha256=HEX`, 64 hexadecimal digits (colons may separate
 * them), or TEXT, in organization or common name. Returns 0, or -1: it is no pattern. */
int ta_pattern_read(ta_pattern *p, const char *text);

/* Appends a pattern. Returns 0, or -1: out of memory. */
int ta_selection_add(ta_selection *s, const ta_pattern *p);

/* Adds the patterns of a file's text, which is changed and must end with NUL: one a line. Empty
 * lines and those that begin with # are skipped. `family=HEX,HEX,...` is no pattern, but a family
 * of certificates with these fingerprints. Returns 0, -1: out of memory, or the number of a
 * line without a pattern. */
long ta_selection_add_lines(ta_selection *s, char *text);

/* Returns whether a certificate could be read: everything else is reported for any selection. */
int ta_is_certificate(const pop_anchor *a);

/* Marks the unwanted rows as UNWANTED: to be called before pop_anchors_merge. Takes n log n
 * time for n certificates and fingerprints; each text is looked for in each certificate. Returns 0,
 * or -1: out of memory. */
int ta_select(ta_selection *s, pop_anchors *a);

/* Marks all certificates of one key but the one that is valid longest, for pins: to be called after
 * pop_anchors_merge. Returns 0, or -1: out of memory. */
int ta_merge_pins(pop_anchors *a);

/* Marks the rows over the limits: to be called after pop_anchors_merge. Those that an earlier
 * pattern selected stay first, then the smaller ones. Returns 0, or -1: out of memory. */
int ta_limit(const ta_selection *s, pop_anchors *a);

void ta_selection_free(ta_selection *s);

#endif
