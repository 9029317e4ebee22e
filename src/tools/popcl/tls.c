/* SPDX-License-Identifier: MIT */
/* tls - see tls.h. */
#define _POSIX_C_SOURCE 200809L
#include "tls.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "popcl_posix.h"
#include "system.h"
#include "utc.h"

/* ---- trust ---- */

#ifdef POPCL_COMPILED_TRUST
extern const popcl_trust popcl_compiled_trust; /* made by popcl-ta: make CA_BUNDLE=file.pem */
#define COMPILED &popcl_compiled_trust
#else
#define COMPILED NULL
#endif

static const popcl_trust *const compiled = COMPILED;

size_t cmd_tls_compiled_anchors(void) { return compiled ? compiled->anchors_len : 0; }

static int not_loaded(cmd_report *r, popcl_posix_trust_error e, const char *why, int named) {
    static const struct {
        int code;
        const char *cause, *advice;
    } rows[] = {
        [POPCL_POSIX_TRUST_MISSING] = {CMD_EXIT_NO_INPUT,
                                       "its name is misspelt, or it was not made yet",
                                       "correct -c or -C; nothing else is trusted instead"},
        [POPCL_POSIX_TRUST_UNREADABLE] =
            {CMD_EXIT_NO_INPUT,
             "its mode, or that of a directory above it, forbids it, or it is of another kind",
             "give -c a file of certificates (PEM or DER), and -C a directory of them"},
        [POPCL_POSIX_TRUST_DAMAGED] = {CMD_EXIT_CERT, "it was cut, or changed by an editor",
                                       "get it again; nothing else is trusted instead"},
        [POPCL_POSIX_TRUST_NOTHING] = {CMD_EXIT_CERT,
                                       "it is another file, or what is in it has expired or is of "
                                       "a kind that popcl does not take",
                                       "give the certificate of the authority that vouches for the "
                                       "server (`popcl-ta list` tells what is in a "
                                       "file); nothing else is trusted instead"},
        [POPCL_POSIX_TRUST_MEMORY] =
            {CMD_EXIT_LATER, "this machine has too little, or the certificates are far too many",
             "give a smaller file with -c"},
    };
    if (named)
        cmd_report_error(r, why, rows[e].cause, rows[e].advice);
    else
        cmd_report_error(
            r, why,
            "the system's certificates are not installed, or SSL_CERT_FILE or SSL_CERT_DIR names "
            "something else",
            "install the package ca-certificates or its like, or give -c, -C or --pin");
    return rows[e].code;
}

/* The places of trust, in this order: the options, the compiled anchors, the environment, the
 * system. A pin without authorities in the options needs none. */
static int find_trust(cmd_tls *t, const cmd_options *o, cmd_report *r) {
    char why[POPCL_POSIX_WHY];
    popcl_posix_trust_error e = POPCL_POSIX_TRUST_OK;
    r->is_signed_trust = o->ta_blob != NULL;
    if (o->tofu_file) return cmd_tofu_open(&t->tofu, o, r);
    if (o->ta_blob) {
        t->tls.trust = &t->blob.blob.trust;
        return cmd_blob_open(&t->blob, o, t->tls.utc_s, r);
    }
    t->named = o->cert_files[0] || o->cert_dirs[0];
    if (!t->named && o->pins_len) return 0;
    if (!t->named && compiled) {
        t->trust = *compiled;
        return 0;
    }
    if (t->named)
        e = popcl_posix_trust_load_lists(&t->store, o->cert_files, o->cert_dirs, t->tls.utc_s, why,
                                         sizeof why);
    else
        e = popcl_posix_trust_system(&t->store, t->tls.utc_s, why, sizeof why);
    if (e) return not_loaded(r, e, why, t->named);
    t->trust = t->store.trust;
    cmd_report_detail(r, "certificates read: %u; of no use as trust anchors: %u", t->store.found,
                      t->store.unusable);
    return 0;
}

int cmd_tls_open(cmd_tls *t, const cmd_options *o, cmd_report *r) {
    /* zeroed if there is no seed; start refuses that */
    (void)popcl_posix_seed(&t->seed, sizeof t->seed);
    t->options = o;
    if (o->security == POPCL_CLEAR) return 0;
    t->tls.profile = &popcl_tls_host;
    t->tls.storage = &t->storage;
    t->tls.storage_len = sizeof t->storage;
    t->tls.trust = &t->trust;
    t->tls.utc_s = o->now_s >= 0 ? o->now_s : (int64_t)time(NULL);
    t->tls.name = *o->tls_name ? o->tls_name : NULL;
    t->tls.fragment = o->fragment;
    t->tls.ask_no_fragment = o->ask_no_fragment;
    t->tls.names = t->names;
    t->tls.names_len = sizeof t->names;
    int code = find_trust(t, o, r);
    if (code) return code;
    if ((code = cmd_resume_open(&t->resume, o, r)) != 0) return code;
    if (o->resume_file) {
        t->tls.resume = &t->resume.kept;
        t->tls.resumption = &popcl_tls_resumption;
    }
    popcl_trust *trust = o->ta_blob ? &t->blob.blob.trust : &t->trust;
    trust->pins = (const unsigned char(*)[POPCL_PIN_LEN])o->pins;
    trust->pins_len = o->pins_len;
    if (o->tofu_file) {
        trust->pins = (const unsigned char(*)[POPCL_PIN_LEN])t->tofu.pin;
        trust->pins_len = 1;
    }
    if (!o->ta_blob)
        cmd_report_detail(r, "trust anchors: %lu; pinned keys: %lu",
                          (unsigned long)t->trust.anchors_len, (unsigned long)t->trust.pins_len);
    if (t->trust.own_certs_len)
        cmd_report_detail(r, "servers' own certificates whose common name counts: %lu",
                          (unsigned long)t->trust.own_certs_len);
    if (!(o->ta_blob ? t->blob.blob.anchors : t->trust.anchors_len))
        cmd_report_detail(r, "the pinned key alone decides: no name is demanded");
    return 0;
}

void cmd_tls_begin_again(cmd_tls *t) {
    memset(&t->seed, 0, sizeof t->seed);
    (void)popcl_posix_seed(&t->seed, sizeof t->seed); /* see cmd_tls_open */
}

/* ---- the result ---- */

const char *cmd_tls_alert_name(unsigned alert) {
    static const struct {
        unsigned char number;
        const char *name;
    } names[] = {
        {0, "close_notify"},
        {10, "unexpected_message"},
        {20, "bad_record_mac"},
        {21, "decryption_failed"},
        {22, "record_overflow"},
        {30, "decompression_failure"},
        {40, "handshake_failure"},
        {41, "no_certificate"},
        {42, "bad_certificate"},
        {43, "unsupported_certificate"},
        {44, "certificate_revoked"},
        {45, "certificate_expired"},
        {46, "certificate_unknown"},
        {47, "illegal_parameter"},
        {48, "unknown_ca"},
        {49, "access_denied"},
        {50, "decode_error"},
        {51, "decrypt_error"},
        {52, "too_many_cids_requested"},
        {60, "export_restriction"},
        {70, "protocol_version"},
        {71, "insufficient_security"},
        {80, "internal_error"},
        {86, "inappropriate_fallback"},
        {90, "user_canceled"},
        {100, "no_renegotiation"},
        {109, "missing_extension"},
        {110, "unsupported_extension"},
        {111, "certificate_unobtainable"},
        {112, "unrecognized_name"},
        {113, "bad_certificate_status_response"},
        {114, "bad_certificate_hash_value"},
        {115, "unknown_psk_identity"},
        {116, "certificate_required"},
        {120, "no_application_protocol"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].number == alert) return names[i].name;
    }
    return "";
}

const char *cmd_tls_curve_name(unsigned curve) {
    static const char *const names[] = {
        [23] = ", P-256", [24] = ", P-384", [25] = ", P-521", [29] = ", X25519"};
    return curve < sizeof names / sizeof *names && names[curve] ? names[curve] : "";
}

/* Names the anchor that vouches for the server. It is looked for only if somebody reads that. */
static void tls_tell_anchor(cmd_tls *t, cmd_report *r) {
    if (!r->verbose || t->options->ta_blob || !t->trust.anchors_len) return;
    pop_chain_take(&t->chain, &t->storage);
    const pop_anchor *a = cmd_anchors_find(&t->anchors, t->options, &t->chain, t->tls.utc_s);
    if (a && compiled && !t->named) /* it is in the system's store too, which has its name */
        cmd_report_detail(r, "the anchor that vouches: %s", a->subject);
    else if (a)
        cmd_report_detail(r, "the anchor that vouches: %s, of %s", a->subject, t->anchors.where);
}

void cmd_tls_announce(cmd_tls *t, cmd_report *r) {
    static const char *const answers[] = {[POPCL_FRAGMENT_UNKNOWN] = "unknown",
                                          [POPCL_FRAGMENT_GRANTED] = "granted",
                                          [POPCL_FRAGMENT_IGNORED] =
                                              "ignored, larger ones may come"};
    char until[POP_UTC_TEXT];
    popcl_tls_diag d;
    if (!t->tls.profile || t->announced) return;
    popcl_tls_get_diag(&t->tls, &d);
    if (!d.suite) return;
    t->announced = 1;
    cmd_report_detail(r, "TLS 1.%u, %s%s%s", (d.version & 0xffu) - 1u,
                      popcl_tls_suite_name(d.suite), cmd_tls_curve_name(d.curve),
                      d.resumed ? ", resumed" : "");
    if (d.fragment_asked)
        cmd_report_detail(r, "records of at most %u octets were asked for: %s",
                          (unsigned)d.fragment_asked, answers[d.fragment]);
    else
        cmd_report_detail(r, "no record size was asked for: records of 16384 octets may come");
    if (!d.not_after) return;
    pop_utc_text(d.not_after, until);
    cmd_report_detail(r, "the server's certificate is valid until %s", until);
    if (!d.resumed) tls_tell_anchor(t, r);
}

/* BearSSL's own number has a meaning only in its source. */
static void tell_number(const popcl_tls_diag *d, cmd_report *r) {
    char text[48];
    if (!d->error) return;
    (void)snprintf(text, sizeof text, "BearSSL error %d", d->error);
    if (r->verbose)
        cmd_report_detail(r, "%s", text);
    else
        cmd_report_trace(r, POPCL_TRACE_STATE, text, strlen(text));
}

static void tell_clock(const cmd_tls *t, char *text, size_t cap) {
    char now[POP_UTC_TEXT], made[POP_UTC_TEXT];
    pop_utc_text(t->tls.utc_s, now);
    pop_utc_text(t->blob.blob.made_s, made);
    if (t->tls.utc_s < t->blob.blob.made_s)
        (void)snprintf(text, cap, "it shows %s, and the set of --ta-blob was made on %s", now,
                       made);
    else
        (void)snprintf(text, cap, "it shows %s", now);
}

/* Writes which certificate it is, and since or until when. Writes "" if the sentence of the error
 * has that, or nothing more is known. */
static void tell_certificate(const popcl_tls_diag *d, popcl_err e, char *text, size_t cap) {
    char which[64] = "the server's own", when[POP_UTC_TEXT];
    if (!d->cert || e == POPCL_ERR_CERT_PIN || e == POPCL_ERR_CERT_UNCHECKED ||
        popcl_err_class(e) != POPCL_CLASS_CERT)
        return;
    if (d->cert > 1)
        (void)snprintf(which, sizeof which, "number %u of those that the server sent",
                       (unsigned)d->cert);
    pop_utc_text(d->cert_time, when);
    if (e == POPCL_ERR_CERT_EXPIRED)
        (void)snprintf(text, cap, "%s, on %s", which, when);
    else if (e == POPCL_ERR_CERT_NOT_YET)
        (void)snprintf(text, cap, "%s, before %s", which, when);
    else if (e == POPCL_ERR_CERT_UNTRUSTED)
        (void)snprintf(text, cap, "%s is the last of its chain", which);
    else
        (void)snprintf(text, cap, "%s", which);
}

void cmd_tls_explain(cmd_tls *t, popcl_err e, cmd_report *r, char *text, size_t cap) {
    popcl_tls_diag d;
    text[0] = '\0';
    if (!t->tls.profile) return;
    popcl_tls_get_diag(&t->tls, &d);
    cmd_tls_announce(t, r);
    tell_number(&d, r);
    if (e == POPCL_ERR_CERT_NAME || e == POPCL_ERR_CERT_NO_SAN)
        (void)snprintf(text, cap, "%s%s", *t->names ? "it is for " : "", t->names);
    else if (e == POPCL_ERR_CERT_PIN && t->options->tofu_file)
        (void)snprintf(text, cap,
                       "it is not the key in %s; if the server's owner changed the key, remove "
                       "that file, and run --info with --tofu again",
                       t->options->tofu_file);
    else if (e == POPCL_ERR_TLS_RECORD_SIZE)
        (void)snprintf(text, cap, "the record needs %lu octets, the buffer has %lu",
                       (unsigned long)d.record_len, (unsigned long)d.iobuf_len);
    else if (e == POPCL_ERR_CERT_UNTRUSTED && t->named && t->store.unusable)
        (void)snprintf(text, cap, "%u of the %u certificates given cannot be trusted",
                       t->store.unusable, t->store.found);
    else if (e == POPCL_ERR_CLOCK_NOT_SET)
        tell_clock(t, text, cap);
    else if (d.cert)
        tell_certificate(&d, e, text, cap);
    else if (d.error >= BR_ERR_RECV_FATAL_ALERT && d.error < BR_ERR_SEND_FATAL_ALERT &&
             popcl_err_class(e) == POPCL_CLASS_TLS)
        (void)snprintf(text, cap, "its alert is %u%s%s", (unsigned)d.alert,
                       *cmd_tls_alert_name(d.alert) ? " " : "", cmd_tls_alert_name(d.alert));
}

void cmd_tls_end(cmd_tls *t, int succeeded, cmd_report *r) {
    cmd_resume_end(&t->resume, succeeded, r);
}

void cmd_tls_close(cmd_tls *t) {
    cmd_resume_close(&t->resume);
    popcl_posix_trust_free(&t->store);
    cmd_anchors_close(&t->anchors);
    cmd_blob_close(&t->blob);
    cmd_wipe(&t->seed, sizeof t->seed);
}
