/* SPDX-License-Identifier: MIT */
/* emit - see emit.h. The C output is const throughout, so that it stays in flash. Structs are
 * filled by place, and each member is there: C++11 has no other form, and no warning is left. */
#define _POSIX_C_SOURCE 200809L
#include "emit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "utc.h"

/* ---- the set ---- */

static int by_subject(const void *left, const void *right) {
    const pop_anchor *l = *(const pop_anchor *const *)left, *r = *(const pop_anchor *const *)right;
    int order = strcmp(l->subject, r->subject);
    return order ? order : memcmp(l->sha256, r->sha256, sizeof l->sha256);
}

int ta_set_make(ta_set *s, const pop_anchors *a, int pins) {
    enum { ROW = sizeof(pop_anchor *) };
    memset(s, 0, sizeof *s);
    s->anchors = malloc((a->len + 1) * ROW);
    s->own = malloc((a->len + 1) * ROW);
    if (!s->anchors || !s->own) return -1;
    for (size_t i = 0; i < a->len; i++) {
        const pop_anchor *one = &a->list[i];
        if (!pins && pop_anchor_is_own(one)) s->own[s->own_len++] = one;
        if (one->finding != POP_ANCHOR_USABLE) continue;
        s->anchors[s->len++] = one;
        s->octets += pins ? POPCL_PIN_LEN : pop_anchor_size(one);
    }
    qsort(s->anchors, s->len, ROW, by_subject);
    qsort(s->own, s->own_len, ROW, by_subject);
    /* in this order: of two equal dates the same one is named, for any order of input */
    for (size_t i = 0; i < s->len; i++) {
        const pop_anchor *one = s->anchors[i];
        if (!s->first_expiry || one->not_after < s->first_expiry->not_after) s->first_expiry = one;
        if (!s->newest || one->not_before > s->newest->not_before) s->newest = one;
    }
    return 0;
}

void ta_set_free(ta_set *s) {
    free(s->anchors);
    free(s->own);
    memset(s, 0, sizeof *s);
}

/* ---- pieces ---- */

/* Writes text inside a comment. Text that would end it, or make compilers warn, is escaped.
 * Subjects are printable ASCII already. */
static void put_comment(FILE *f, const char *text) {
    for (char before = 0; *text; before = *text++) {
        int ends = (before == '*' && *text == '/') || (before == '/' && *text == '*');
        if (ends || (before == '?' && *text == '?'))
            (void)fprintf(f, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            (void)fputc(*text, f);
    }
}

static void put_hex(FILE *f, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        (void)fprintf(f, "%02x", p[i]);
}

static void put_octets(FILE *f, const char *indent, const unsigned char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *before = i % 16 == 0 ? indent : " ";
        (void)fprintf(f, "%s0x%02X%s%s", before, p[i], i + 1 < n ? "," : "",
                      i % 16 == 15 && i + 1 < n ? "\n" : "");
    }
    (void)fputc('\n', f);
}

static void put_section(FILE *f, const ta_options *o) {
    if (o->section && o->section[0] == '.')
        (void)fprintf(f, " __attribute__((section(\"%s\")))", o->section);
    else if (o->section)
        (void)fprintf(f, " %s", o->section);
}

/* The head of every file: its kind, and its content. */
static void put_head(FILE *f, const ta_set *s, const ta_options *o) {
    char time[POP_UTC_TEXT];
    (void)fprintf(f,
                  "/* %s_trust - trust %s for popcl. Made by popcl-ta from certificates: to change "
                  "it, run that again.\n *\n",
                  o->prefix, o->pins ? "pins" : "anchors");
    (void)fprintf(f, " * %s: %zu, %zu octets on a 32-bit machine\n", o->pins ? "pins" : "anchors",
                  s->len, s->octets);
    pop_utc_text(s->first_expiry->not_after, time);
    (void)fprintf(f, " * earliest expiry: %s, ", time);
    put_comment(f, s->first_expiry->subject);
    pop_utc_text(s->newest->not_before, time);
    (void)fprintf(f, "\n * newest notBefore: %s, ", time);
    put_comment(f, s->newest->subject);
    (void)fputs("\n * A clock before the newest notBefore counts as not set.\n", f);
    (void)fprintf(f, " * sequence: %" PRIu32 " */\n", o->sequence);
}

/* The comment above an anchor. */
static void put_anchor_head(FILE *f, const pop_anchor *a, size_t number, int pins) {
    char time[POP_UTC_TEXT];
    (void)fprintf(f, "\n/* %zu: ", number);
    put_comment(f, a->subject);
    pop_utc_text(a->not_after, time);
    (void)fprintf(f, "\n *    notAfter %s, %s, %zu octets\n *    SHA-256 ", time, a->key,
                  pins ? (size_t)POPCL_PIN_LEN : pop_anchor_size(a));
    put_hex(f, a->sha256, sizeof a->sha256);
    (void)fputs(" */\n", f);
}

/* ---- C ---- */

static void put_anchor(FILE *f, const ta_options *o, const pop_anchor *a, size_t number) {
    put_anchor_head(f, a, number, 0);
    (void)fprintf(f, "static const unsigned char %s_entry_%zu[]", o->prefix, number);
    put_section(f, o);
    (void)fputs(" = {\n", f);
    put_octets(f, "    ", a->anchor.entry, a->anchor.entry_len);
    (void)fputs("};\n", f);
}

static void put_table(FILE *f, const ta_set *s, const ta_options *o) {
    (void)fprintf(f, "\nstatic const popcl_anchor %s_anchors[] = {\n", o->prefix);
    for (size_t i = 0; i < s->len; i++) {
        (void)fputs("    {{", f);
        for (size_t at = 0; at < POPCL_ANCHOR_NAME; at++)
            (void)fprintf(f, "%s0x%02X", at ? ", " : "", s->anchors[i]->anchor.name[at]);
        (void)fprintf(f, "}, %s_entry_%zu, sizeof %s_entry_%zu},\n", o->prefix, i, o->prefix, i);
    }
    (void)fputs("};\n", f);
}

static void put_own_certs(FILE *f, const ta_set *s, const ta_options *o) {
    if (!s->own_len) return;
    (void)fprintf(f,
                  "\n/* servers' own certificates whose common name counts */\n"
                  "static const unsigned char %s_own_certs[][POPCL_OWN_CERT_LEN]",
                  o->prefix);
    put_section(f, o);
    (void)fputs(" = {\n", f);
    for (size_t i = 0; i < s->own_len; i++) {
        (void)fputs("    {\n", f);
        put_octets(f, "        ", s->own[i]->own_cert, POPCL_OWN_CERT_LEN);
        (void)fputs("    },\n", f);
    }
    (void)fputs("};\n", f);
}

static void put_pins(FILE *f, const ta_set *s, const ta_options *o) {
    for (size_t i = 0; i < s->len; i++)
        put_anchor_head(f, s->anchors[i], i, 1);
    (void)fprintf(f, "\nstatic const unsigned char %s_pins[][POPCL_PIN_LEN]", o->prefix);
    put_section(f, o);
    (void)fputs(" = {\n", f);
    for (size_t i = 0; i < s->len; i++) {
        (void)fputs("    {\n", f);
        put_octets(f, "        ", s->anchors[i]->pin, POPCL_PIN_LEN);
        (void)fputs("    },\n", f);
    }
    (void)fputs("};\n", f);
}

/* Writes one list of a trust: its array and its length. */
static void put_list(FILE *f, const char *prefix, const char *name, size_t len) {
    if (len)
        (void)fprintf(f, "    %s_%s, %zu,\n", prefix, name, len);
    else
        (void)fprintf(f, "    0, 0, /* no %s */\n", name);
}

/* The members are in the order of popcl_trust. */
static void put_trust(FILE *f, const ta_set *s, const ta_options *o) {
    (void)fprintf(f, "const popcl_trust %s_trust = {\n", o->prefix);
    put_list(f, o->prefix, "anchors", o->pins ? 0 : s->len);
    (void)fputs("    0, /* no find */\n    0, 0, 0, /* no key, key_pins or set */\n", f);
    (void)fprintf(f, "    %" PRIu32 "u, /* sequence */\n", o->sequence);
    (void)fprintf(f, "    %" PRId64 ", /* clock_floor_s */\n", s->newest->not_before);
    put_list(f, o->prefix, "pins", o->pins ? s->len : 0);
    put_list(f, o->prefix, "own_certs", s->own_len);
    (void)fputs("};\n", f);
}

void ta_emit_c(FILE *f, const ta_set *s, const ta_options *o, const char *header) {
    const char *p = o->prefix;
    put_head(f, s, o);
    (void)fprintf(f, "#include \"%s\"\n", header ? header : "popcl_tls.h");
    if (o->pins) {
        put_pins(f, s, o);
    } else {
        for (size_t i = 0; i < s->len; i++)
            put_anchor(f, o, s->anchors[i], i);
        put_table(f, s, o);
        put_own_certs(f, s, o);
    }
    (void)fputc('\n', f);
    if (!header) (void)fprintf(f, "extern const popcl_trust %s_trust;\n", p);
    put_trust(f, s, o);
}

void ta_emit_h(FILE *f, const ta_options *o) {
    const char *p = o->prefix;
    (void)fprintf(f,
                  "/* %s_trust - trust %s for popcl. Made by popcl-ta. */\n#ifndef "
                  "POPCL_TA_%s_trust_H\n#define POPCL_TA_%s_trust_H\n\n",
                  p, o->pins ? "pins" : "anchors", p, p);
    (void)fprintf(f, "#include \"popcl_tls.h\"\n\nextern const popcl_trust %s_trust;\n\n#endif\n",
                  p);
}

/* ---- keys of signers ---- */

static void put_keys_declaration(FILE *f, const pop_signers *k, const ta_options *o) {
    (void)fprintf(f,
                  "#include \"popcl_blob.h\"\n\n"
                  "enum { %s_signers_len = %zu }; /* for popcl_blob_policy.keys_len */\n"
                  "extern const unsigned char %s_signers[%s_signers_len][POPCL_BLOB_KEY_LEN];\n",
                  o->prefix, k->len, o->prefix, o->prefix);
}

static void put_keys_head(FILE *f, const ta_options *o) {
    (void)fprintf(f,
                  "/* %s_signers - public keys of those who sign blobs, for "
                  "popcl_blob_policy.keys. Made by\n * popcl-ta keys. */\n",
                  o->prefix);
}

void ta_emit_keys(FILE *f, const pop_signers *k, const ta_options *o, const char *header) {
    put_keys_head(f, o);
    if (header)
        (void)fprintf(f, "#include \"%s\"\n", header);
    else
        put_keys_declaration(f, k, o);
    (void)fprintf(f, "\nconst unsigned char %s_signers[%s_signers_len][POPCL_BLOB_KEY_LEN]",
                  o->prefix, o->prefix);
    put_section(f, o);
    (void)fputs(" = {\n", f);
    for (size_t i = 0; i < k->len; i++) {
        (void)fprintf(f, "    {/* key %zu */\n", i);
        put_octets(f, "        ", k->keys[i], sizeof k->keys[i]);
        (void)fputs("    },\n", f);
    }
    (void)fputs("};\n", f);
}

void ta_emit_keys_h(FILE *f, const pop_signers *k, const ta_options *o) {
    put_keys_head(f, o);
    (void)fprintf(f, "#ifndef POPCL_TA_%s_signers_H\n#define POPCL_TA_%s_signers_H\n\n", o->prefix,
                  o->prefix);
    put_keys_declaration(f, k, o);
    (void)fputs("\n#endif\n", f);
}

/* ---- PEM ---- */

int ta_emit_pem(FILE *f, const ta_set *s) {
    for (size_t i = 0; i < s->len; i++) {
        const pop_anchor *a = s->anchors[i];
        size_t n = br_pem_encode(NULL, a->der, a->der_len, "CERTIFICATE", BR_PEM_LINE64);
        char *text = malloc(n + 1);
        if (!text) return -1;
        (void)br_pem_encode(text, a->der, a->der_len, "CERTIFICATE", BR_PEM_LINE64);
        (void)fprintf(f, "%s%s\n%s", i ? "\n" : "", a->subject, text);
        free(text);
    }
    return 0;
}

/* ---- the listing ---- */

/* Writes the permitted names of an anchor that is limited to them. */
static void put_limits(FILE *f, const popcl_anchor *a) {
    const unsigned char *end = a->entry + a->entry_len,
                        *names = end - (a->entry[10] << 8 | a->entry[11]);
    for (const char *before = ", only for"; names < end; names += 1 + *names, before = " or")
        (void)fprintf(f, "%s %.*s", before, (int)*names, (const char *)names + 1);
}

/* Writes who issued a certificate that does not sign itself. */
static void put_issuer(FILE *f, const pop_anchor *a) {
    char text[512];
    pop_cert c;
    if (memcmp(a->subject_hash, a->issuer_hash, sizeof a->subject_hash) == 0 || !a->der ||
        pop_cert_read(&c, a->der, a->der_len))
        return;
    pop_cert_name_text(c.issuer, text, sizeof text);
    (void)fprintf(f, "\n    issuer  %s", text);
}

/* Writes how to trust a certificate that is no authority's. */
static void put_pinning(FILE *f, const pop_anchor *a) {
    if (a->finding != POP_ANCHOR_NOT_CA &&
        (a->finding != POP_ANCHOR_USABLE || pop_anchor_is_authority(a)))
        return;
    (void)fputs("    to pin  popcl --pin sha256:", f);
    put_hex(f, a->pin, sizeof a->pin);
    (void)fputs("; for a device: popcl-ta gen --pins\n", f);
}

void ta_emit_row(FILE *f, const pop_anchor *a) {
    char from[POP_UTC_TEXT], until[POP_UTC_TEXT];
    pop_anchor_kind kind = pop_anchor_kind_of(a->finding);
    (void)fprintf(f, "%s\n", a->subject ? a->subject : "?");
    if (kind == POP_ANCHOR_DAMAGED || kind == POP_ANCHOR_SKIPPED) {
        (void)fprintf(f, "    %s\n", pop_anchor_sentence(a->finding));
        return;
    }
    pop_utc_text(a->not_before, from);
    pop_utc_text(a->not_after, until);
    (void)fprintf(f, "    %s, %.10s to %.10s", a->key, from, until);
    if (kind == POP_ANCHOR_KEPT) (void)fprintf(f, ", %zu octets", pop_anchor_size(a));
    if (a->path_len != POPCL_PATH_ANY) (void)fprintf(f, ", path length %u", (unsigned)a->path_len);
    if (kind == POP_ANCHOR_KEPT) put_limits(f, &a->anchor);
    put_issuer(f, a);
    (void)fputs("\n    SHA-256 ", f);
    put_hex(f, a->sha256, sizeof a->sha256);
    (void)fputs("\n    pin     ", f);
    put_hex(f, a->pin, sizeof a->pin);
    if (kind == POP_ANCHOR_KEPT)
        (void)fprintf(f, "\n    usable%s\n",
                      pop_anchor_is_authority(a) ? "" : ": trusted directly");
    else
        (void)fprintf(f, "\n    %s: %s\n", kind == POP_ANCHOR_MERGED ? "merged" : "refused",
                      pop_anchor_sentence(a->finding));
    put_pinning(f, a);
}
