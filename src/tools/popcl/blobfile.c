/* SPDX-License-Identifier: MIT */
/* blobfile - see blobfile.h. */
#define _POSIX_C_SOURCE 200809L
#include "blobfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "system.h"
#include "utc.h"
#include "whole.h"

#define NOTHING_ELSE "; nothing else is trusted instead"

enum { BLOB_MAX = 64 * 1024 * 1024, KEYS_MAX = 65536 };

/* Reads a whole file. Returns 0; or prints the reason and returns an exit code. */
static int blob_read_file(const char *advice, const char *path, size_t max, unsigned char **octets,
                          size_t *len, cmd_report *r) {
    char what[512];
    int fd = tool_open(AT_FDCWD, path, O_RDONLY, 0);
    int error = fd < 0 ? errno : pop_read_whole(fd, KEYS_MAX, max, octets, len);
    if (fd >= 0) (void)close(fd);
    if (!error) return 0;
    (void)snprintf(what, sizeof what, "cannot read %s: %s", path,
                   error == EFBIG ? "it is too large" : cmd_error_text(error));
    cmd_report_error(r, what,
                     error == EFBIG ? "it is another file"
                                    : "its name is misspelt, or its mode forbids it",
                     advice);
    return error == ENOMEM ? CMD_EXIT_LATER : CMD_EXIT_NO_INPUT;
}

static int read_signers(cmd_blob *b, const cmd_options *o, cmd_report *r) {
    char what[512];
    unsigned char *text = NULL;
    size_t len = 0;
    unsigned long line = 0;
    int code = blob_read_file("correct --ta-key" NOTHING_ELSE, o->ta_key, KEYS_MAX, &text, &len, r);
    if (code) return code;
    const char *wrong = pop_signers_read(&b->signers, text, len, &line);
    pop_whole_free(text, len); /* it may be a private key, by mistake */
    if (!wrong) return 0;
    if (line)
        (void)snprintf(what, sizeof what, "%s, line %lu: %s", o->ta_key, line, wrong);
    else
        (void)snprintf(what, sizeof what, "%s: %s", o->ta_key, wrong);
    cmd_report_error(
        r, what, "it is not the file with the public keys of those who sign",
        "give --ta-key these keys, in PEM, in the order of their numbers" NOTHING_ELSE);
    return CMD_EXIT_CERT;
}

static int copy_piece(void *octets, uint32_t at, unsigned char *p, size_t n) {
    memcpy(p, (const unsigned char *)octets + at, n);
    return 0;
}

/* popcl-ta writes zeros until the set is signed. */
static int is_unsigned(const cmd_blob *b) {
    enum { SIGNATURE_AT = 104 };
    for (size_t i = SIGNATURE_AT; i < POPCL_BLOB_HEAD; i++)
        if (b->octets[i]) return 0;
    return 1;
}

static int not_taken(popcl_err e, const cmd_blob *b, const cmd_options *o, cmd_report *r) {
    static const struct {
        popcl_err e;
        int of_unsigned;
        const char *what, *cause, *advice;
    } rows[] = {
        {POPCL_ERR_BLOB_SIGNATURE, 1, "is not signed", "popcl-ta gen made it without a key",
         "have it signed: popcl-ta sign" NOTHING_ELSE},
        {POPCL_ERR_BLOB_DAMAGED, 0, "is damaged, or no signed set of trust",
         "it was cut or changed, or it is another file",
         "get it again from its maker" NOTHING_ELSE},
        {POPCL_ERR_BLOB_FEATURE, 0, "needs a newer popcl",
         "it has a feature that this version does not know",
         "install a newer popcl, or get a set without this feature" NOTHING_ELSE},
        {POPCL_ERR_BLOB_SCOPE, 0, "is for another product than --ta-scope",
         "the label is misspelt, or the set was made for something else",
         "give --ta-scope the label that popcl-ta gen --scope had" NOTHING_ELSE},
        {POPCL_ERR_BLOB_PROFILE, 0, "has no trust anchor that can be used",
         "its anchors have keys that are weak, or of kinds that popcl does not know",
         "get a set with other anchors, or a newer popcl" NOTHING_ELSE},
        {POPCL_ERR_BLOB_KEY, 0, "has no signer that is accepted",
         "--ta-key has no key with the signer's number, or the set retires this key",
         "give --ta-key all keys, in the order of their numbers" NOTHING_ELSE},
        {POPCL_ERR_BLOB_SIGNATURE, 0, "has a wrong signature",
         "it was changed after it was signed, or the key with its signer's number in --ta-key is "
         "another one",
         "get the set again from its maker, and compare the keys, and their order" NOTHING_ELSE},
        {POPCL_ERR_BLOB_OLD, 0, "is withdrawn", "its sequence is below the floor that it gives",
         "get a newer set" NOTHING_ELSE},
    };
    char what[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].e != e || (rows[i].of_unsigned && !is_unsigned(b))) continue;
        (void)snprintf(what, sizeof what, "%s %s", o->ta_blob, rows[i].what);
        cmd_report_error(r, what, rows[i].cause, rows[i].advice);
        return CMD_EXIT_CERT;
    }
    cmd_report_error(r, popcl_err_what(e), popcl_err_cause(e), popcl_err_advice(e));
    return cmd_exit_code(e);
}

static void show_blob(const cmd_blob *b, const cmd_options *o, int64_t utc_s, cmd_report *r) {
    const popcl_blob *set = &b->blob;
    char made[POP_UTC_TEXT], stale[POP_UTC_TEXT];
    pop_utc_text(set->made_s, made);
    pop_utc_text(set->stale_s, stale);
    cmd_report_detail(r, "signed set of trust: number %lu, of %s, signed with key %u",
                      (unsigned long)set->sequence, made, (unsigned)set->key);
    cmd_report_detail(r, "trust anchors: %u; pinned keys: %u; denied keys: %u",
                      (unsigned)set->anchors, (unsigned)set->pins, (unsigned)set->denied);
    if (set->stale_s && set->stale_s <= utc_s)
        cmd_report_warning(r, "%s should have a successor since %s: get a newer set", o->ta_blob,
                           stale);
}

int cmd_blob_open(cmd_blob *b, const cmd_options *o, int64_t utc_s, cmd_report *r) {
    size_t len = 0;
    int code = read_signers(b, o, r);
    if (!code)
        code = blob_read_file("correct --ta-blob" NOTHING_ELSE, o->ta_blob, BLOB_MAX, &b->octets,
                              &len, r);
    if (code) return code;
    b->policy.keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])b->signers.keys;
    b->policy.keys_len = b->signers.len;
    b->policy.scope = o->ta_scope;
    b->policy.profile = &popcl_tls_host;
    popcl_err e = popcl_blob_open(&b->blob, &b->policy, copy_piece, b->octets, (uint32_t)len);
    if (!e) e = popcl_blob_check(&b->blob);
    if (e) return not_taken(e, b, o, r);
    if (!b->blob.anchors && !b->blob.pins && !o->pins_len) {
        cmd_report_error(r, "the set of --ta-blob has neither trust anchors nor pins",
                         "it was made to deny keys only",
                         "give another set, or --pin too" NOTHING_ELSE);
        return CMD_EXIT_CERT;
    }
    show_blob(b, o, utc_s, r);
    return 0;
}

void cmd_blob_close(cmd_blob *b) {
    free(b->octets);
    memset(b, 0, sizeof *b);
}
