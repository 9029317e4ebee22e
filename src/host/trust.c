/* SPDX-License-Identifier: MIT */
/* trust - the trust store at run time (popcl_posix_trust.h). It reads and judges certificates by
 * anchor.h. It copies the remaining ones into one piece of memory, so that a long session uses no
 * more memory than it needs. */
#define _POSIX_C_SOURCE 200809L
#include "popcl_posix_trust.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif

#include "trust.h"
#include "utc.h"

/* ---- sentences ---- */

typedef struct reader {
    pop_anchors anchors;
    char *why;
    size_t why_len;
    int named; /* the caller gave their place. Then damaged certificates of a file are an error, and
                  common names of servers' own certificates count */
    int64_t floor_s; /* of the clock */
} reader;

static const char *trust_system_says(int error, char text[96]) {
    if (error == EFBIG) return "it is too large for certificates (more than 64 MB)";
    if (strerror_r(error, text, 96)) (void)snprintf(text, 96, "error %d", error);
    return text;
}

/* Writes why a path cannot be read; number is errno. */
static popcl_posix_trust_error say_unread(reader *r, popcl_posix_trust_error e, const char *path,
                                          int number) {
    char text[96];
    if (e == POPCL_POSIX_TRUST_MEMORY)
        (void)snprintf(r->why, r->why_len, "out of memory while reading %s", path);
    else
        (void)snprintf(r->why, r->why_len, "cannot read %s: %s", path,
                       trust_system_says(number, text));
    return e;
}

static popcl_posix_trust_error say_damaged(reader *r, const pop_anchor *one) {
    if (one->line)
        (void)snprintf(r->why, r->why_len, "%s, line %lu: %s", one->source, one->line,
                       pop_anchor_sentence(one->finding));
    else
        (void)snprintf(r->why, r->why_len, "%s: %s", one->source,
                       pop_anchor_sentence(one->finding));
    return POPCL_POSIX_TRUST_DAMAGED;
}

/* Nothing usable was found since the list had `since` findings. Writes why: the first that was
 * refused, otherwise the first that is no certificate. */
static popcl_posix_trust_error say_nothing(reader *r, size_t since, const char *where) {
    const pop_anchor *refused = NULL, *skipped = NULL;
    for (size_t i = r->anchors.len; i > since; i--) {
        const pop_anchor *one = &r->anchors.list[i - 1];
        pop_anchor_kind kind = pop_anchor_kind_of(one->finding);
        if (kind == POP_ANCHOR_REFUSED || kind == POP_ANCHOR_DAMAGED) refused = one;
        if (kind == POP_ANCHOR_SKIPPED) skipped = one;
    }
    char when[POP_UTC_TEXT] = "";
    int is_expired = refused && refused->finding == POP_ANCHOR_EXPIRED;
    if (is_expired) pop_utc_text(refused->not_after, when);
    if (refused)
        (void)snprintf(r->why, r->why_len,
                       "no certificate in %s can be trusted; of the first: %s%s%s", where,
                       pop_anchor_sentence(refused->finding), is_expired ? ", on " : "", when);
    else if (skipped)
        (void)snprintf(r->why, r->why_len, "there is no certificate in %s: %s", where,
                       pop_anchor_sentence(skipped->finding));
    else
        (void)snprintf(r->why, r->why_len, "there is no certificate in %s", where);
    return POPCL_POSIX_TRUST_NOTHING;
}

/* Each place that the caller names must give something. Nothing makes up for an unusable one. */
static popcl_posix_trust_error check_place(reader *r, popcl_posix_trust_error e, size_t since,
                                           const char *where) {
    int number = errno;
    if (e) return say_unread(r, e, where, number);
    for (size_t i = since; i < r->anchors.len; i++) {
        const pop_anchor *one = &r->anchors.list[i];
        if (one->finding == POP_ANCHOR_USABLE) return POPCL_POSIX_TRUST_OK;
        if (pop_anchor_kind_of(one->finding) == POP_ANCHOR_DAMAGED && !one->in_directory)
            return say_damaged(r, one);
    }
    return say_nothing(r, since, where);
}

static popcl_posix_trust_error add_file(reader *r, const char *path) {
    size_t since = r->anchors.len;
    return check_place(r, pop_anchors_read_file(&r->anchors, path), since, path);
}

static popcl_posix_trust_error add_dir(reader *r, const char *path) {
    size_t since = r->anchors.len;
    return check_place(r, pop_anchors_read_dir(&r->anchors, path), since, path);
}

/* ---- from judged certificates to a table ---- */

/* Returns the clock's floor: the earliest notBefore of the authorities. Before it none of them is
 * valid, so a clock that shows such a time is wrong. A server's own certificate shows nothing: its
 * dates are judged in the handshake.
 *
 * The floor must not depend on the clock that it is for. A floor from the authorities that are
 * valid by that clock is never above it. The newest notBefore of all would stop all mail once one
 * authority is added ahead of its time. A bundle is as old as its oldest root, so that
 * POPCL_CLOCK_FLOOR_S is the floor with it. */
static int64_t floor_of(const pop_anchors *a) {
    int64_t floor_s = INT64_MAX;
    for (size_t i = 0; i < a->len; i++)
        if (pop_anchor_is_authority(&a->list[i]) && a->list[i].not_before < floor_s)
            floor_s = a->list[i].not_before;
    return floor_s == INT64_MAX ? 0 : floor_s;
}

/* Leaves out an authority that is not valid yet, as one that has expired. If none is valid yet, the
 * clock is below the floor. Then all stay, and the job ends with POPCL_ERR_CLOCK_NOT_SET. */
static void drop_early(pop_anchors *a, int64_t floor_s) {
    for (size_t i = 0; a->utc_s >= 0 && a->utc_s >= floor_s && i < a->len; i++)
        if (pop_anchor_is_authority(&a->list[i]) && a->list[i].not_before > a->utc_s)
            a->list[i].finding = POP_ANCHOR_NOT_YET;
}

/* Memory has the anchors first, then the hashes of servers' own certificates, then the entries. */
static int make_table(popcl_posix_trust *t, const pop_anchors *a, int with_own) {
    size_t count = pop_anchors_count(a, POP_ANCHOR_KEPT), size = 0, own_len = 0;
    for (size_t i = 0; i < a->len; i++) {
        if (a->list[i].finding == POP_ANCHOR_USABLE) size += a->list[i].anchor.entry_len;
        own_len += with_own && pop_anchor_is_own(&a->list[i]);
    }
    popcl_anchor *table = malloc(count * sizeof *table + own_len * POPCL_OWN_CERT_LEN + size);
    if (!table) return -1;
    unsigned char(*own)[POPCL_OWN_CERT_LEN] = (void *)(table + count);
    unsigned char *octets = (unsigned char *)(own + own_len);
    t->memory = table;
    t->trust.anchors = table;
    t->trust.anchors_len = count;
    t->trust.own_certs = (const unsigned char(*)[POPCL_OWN_CERT_LEN])own;
    t->trust.own_certs_len = own_len;
    for (size_t i = 0; i < a->len; i++) {
        const pop_anchor *one = &a->list[i];
        if (with_own && pop_anchor_is_own(one)) memcpy(own++, one->own_cert, sizeof *own);
        if (one->finding != POP_ANCHOR_USABLE) continue;
        *table = one->anchor;
        table->entry = memcpy(octets, one->anchor.entry, one->anchor.entry_len);
        octets += one->anchor.entry_len;
        table++;
    }
    return 0;
}

/* Merges what was read, and leaves out authorities that are not valid yet. */
static popcl_posix_trust_error trust_settle(reader *r, popcl_posix_trust_error e,
                                            const char *where) {
    pop_anchors *a = &r->anchors;
    for (size_t i = 0; e == POPCL_POSIX_TRUST_OK && r->named && i < a->len; i++)
        if (pop_anchor_kind_of(a->list[i].finding) == POP_ANCHOR_DAMAGED &&
            !a->list[i].in_directory)
            e = say_damaged(r, &a->list[i]);
    if (e == POPCL_POSIX_TRUST_OK && pop_anchors_merge(a))
        e = say_unread(r, POPCL_POSIX_TRUST_MEMORY, where, ENOMEM);
    if (e == POPCL_POSIX_TRUST_OK) {
        r->floor_s = floor_of(a); /* before any is dropped: see there */
        drop_early(a, r->floor_s);
    }
    return e;
}

/* The end of every loader. Frees everything that was read. */
static popcl_posix_trust_error trust_finish(reader *r, popcl_posix_trust *t,
                                            popcl_posix_trust_error e, const char *where) {
    pop_anchors *a = &r->anchors;
    e = trust_settle(r, e, where);
    if (e == POPCL_POSIX_TRUST_OK) {
        size_t skipped = pop_anchors_count(a, POP_ANCHOR_SKIPPED);
        t->trust.clock_floor_s = r->floor_s;
        t->found = (unsigned)(a->len - skipped);
        t->unusable = (unsigned)(pop_anchors_count(a, POP_ANCHOR_REFUSED) +
                                 pop_anchors_count(a, POP_ANCHOR_DAMAGED));
        if (pop_anchors_count(a, POP_ANCHOR_KEPT) == 0)
            e = say_nothing(r, 0, where);
        else if (make_table(t, a, r->named))
            e = say_unread(r, POPCL_POSIX_TRUST_MEMORY, where, ENOMEM);
    }
    pop_anchors_free(a);
    if (e != POPCL_POSIX_TRUST_OK) popcl_posix_trust_free(t);
    return e;
}

static void trust_begin(reader *r, int64_t utc_s, char *why, size_t why_len) {
    static char nowhere[1];
    memset(r, 0, sizeof *r);
    r->anchors.utc_s = utc_s;
    r->anchors.allow_leaf = 1;
    r->why = why_len ? why : nowhere;
    r->why_len = why_len ? why_len : sizeof nowhere;
    r->why[0] = '\0';
}

/* ---- files that the caller names ---- */

static popcl_posix_trust_error read_places(reader *r, const char *const *files,
                                           const char *const *dirs) {
    popcl_posix_trust_error e = POPCL_POSIX_TRUST_OK;
    r->named = 1;
    for (; *files && !e; files++)
        e = add_file(r, *files);
    for (; *dirs && !e; dirs++)
        e = add_dir(r, *dirs);
    return e;
}

popcl_posix_trust_error popcl_posix_trust_load_lists(popcl_posix_trust *t, const char *const *files,
                                                     const char *const *dirs, int64_t utc_s,
                                                     char *why, size_t why_len) {
    reader r;
    const char *first = *files ? *files : *dirs;
    trust_begin(&r, utc_s, why, why_len);
    memset(t, 0, sizeof *t);
    popcl_posix_trust_error e = read_places(&r, files, dirs);
    return trust_finish(&r, t, e, first ? first : "nothing");
}

popcl_posix_trust_error popcl_posix_trust_load(popcl_posix_trust *t, const char *file,
                                               const char *dir, int64_t utc_s, char *why,
                                               size_t why_len) {
    const char *const files[] = {file, NULL}, *const dirs[] = {dir, NULL};
    return popcl_posix_trust_load_lists(t, files, dirs, utc_s, why, why_len);
}

/* ---- the system's ---- */

/* Debian, Fedora, SUSE, Alpine and OpenBSD, FreeBSD, NetBSD. A bundle comes before the directory
 * that it was made from: it is one file to read. */
static const char *const usual_files[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                          "/etc/pki/tls/certs/ca-bundle.crt",
                                          "/etc/ssl/ca-bundle.pem",
                                          "/etc/ssl/cert.pem",
                                          "/usr/local/etc/ssl/cert.pem",
                                          "/usr/local/share/certs/ca-root-nss.crt",
                                          "/etc/openssl/certs/ca-certificates.crt"};
static const char *const usual_dirs[] = {"/etc/ssl/certs", "/etc/pki/tls/certs",
                                         "/etc/openssl/certs", "/usr/share/certs/trusted"};

/* Returns whether the program runs with rights that its caller does not have: setuid, setgid, or
 * capabilities of its file. */
static int has_lent_rights(void) {
#ifdef __linux__
    if (getauxval(AT_SECURE)) return 1;
#endif
    return getuid() != geteuid() || getgid() != getegid();
}

/* A program with such rights must not let its caller choose what it trusts. */
static const char *environment(const char *name) {
    /* NOLINT(concurrency-mt-unsafe): unsafe only beside setenv */
    const char *value = has_lent_rights() ? NULL : getenv(name);
    return value && *value ? value : NULL;
}

/* Reads each of several directories, separated by colons. */
static popcl_posix_trust_error read_dirs(reader *r, const char *dirs) {
    popcl_posix_trust_error e = POPCL_POSIX_TRUST_OK;
    char *copied = strdup(dirs);
    if (!copied) return say_unread(r, POPCL_POSIX_TRUST_MEMORY, dirs, ENOMEM);
    for (char *dir = copied, *next; dir && !e; dir = next) {
        next = strchr(dir, ':');
        if (next) *next++ = '\0';
        if (*dir) e = add_dir(r, dir);
    }
    free(copied);
    return e;
}

static popcl_posix_trust_error read_named(reader *r, const char *file, const char *dirs) {
    popcl_posix_trust_error e = POPCL_POSIX_TRUST_OK;
    r->named = 1;
    if (file) e = add_file(r, file);
    return e || !dirs ? e : read_dirs(r, dirs);
}

static popcl_posix_trust_error read_usual(reader *r, const char **where) {
    for (size_t i = 0; i < sizeof usual_files / sizeof *usual_files; i++) {
        *where = usual_files[i];
        if (pop_anchors_read_file(&r->anchors, *where) == POPCL_POSIX_TRUST_OK && r->anchors.len)
            return POPCL_POSIX_TRUST_OK;
    }
    for (size_t i = 0; i < sizeof usual_dirs / sizeof *usual_dirs; i++) {
        *where = usual_dirs[i];
        if (pop_anchors_read_dir(&r->anchors, *where) == POPCL_POSIX_TRUST_OK && r->anchors.len)
            return POPCL_POSIX_TRUST_OK;
    }
    *where = "the system's certificates";
    (void)snprintf(r->why, r->why_len,
                   "this system has no certificates in any of the usual places: install "
                   "ca-certificates or its like");
    return POPCL_POSIX_TRUST_MISSING;
}

static popcl_posix_trust_error read_system(reader *r, const char **where) {
    const char *file = environment("SSL_CERT_FILE"), *dirs = environment("SSL_CERT_DIR");
    *where = file ? file : dirs;
    return *where ? read_named(r, file, dirs) : read_usual(r, where);
}

popcl_posix_trust_error popcl_posix_trust_system(popcl_posix_trust *t, int64_t utc_s, char *why,
                                                 size_t why_len) {
    const char *where = NULL;
    reader r;
    trust_begin(&r, utc_s, why, why_len);
    memset(t, 0, sizeof *t);
    popcl_posix_trust_error e = read_system(&r, &where);
    return trust_finish(&r, t, e, where);
}

void popcl_posix_trust_free(popcl_posix_trust *t) {
    free(t->memory);
    memset(t, 0, sizeof *t);
}

/* ---- the certificates themselves ---- */

popcl_posix_trust_error pop_trust_read(pop_anchors *a, const char *const *files,
                                       const char *const *dirs, int64_t utc_s, const char **where,
                                       char *why, size_t why_len) {
    reader r;
    trust_begin(&r, utc_s, why, why_len);
    r.anchors.details = 1;
    *where = *files ? *files : *dirs;
    popcl_posix_trust_error e = *where ? read_places(&r, files, dirs) : read_system(&r, where);
    e = trust_settle(&r, e, *where);
    if (e == POPCL_POSIX_TRUST_OK)
        *a = r.anchors;
    else
        pop_anchors_free(&r.anchors);
    return e;
}
