/* SPDX-License-Identifier: MIT */
/* popcl_posix_trust.h - the trust store of a program on POSIX: reads the anchors of TLS from files
 * of certificates at run time. It uses the heap.
 *
 *     popcl_posix_trust store;
 *     char why[POPCL_POSIX_WHY];
 *     if (popcl_posix_trust_load(&store, "ca.pem", NULL, utc_s, why, sizeof why))
 *         return failed(why);                    (a function of yours: there is nothing to trust)
 *     tls.trust = &store.trust;                  (until the job is wiped)
 *     popcl_posix_trust_free(&store); */
#ifndef POPCL_POSIX_TRUST_H
#define POPCL_POSIX_TRUST_H

#include "popcl_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Anchors that were read from files, in the caller's memory. One of the two loaders fills it; do
 * not copy it. A job borrows the member trust. The caller may set trust.pins and trust.pins_len. */
typedef struct popcl_posix_trust {
    popcl_trust trust;
    unsigned found;    /* certificates that were read, repeated ones included */
    unsigned unusable; /* of those, the number that cannot be anchors: expired, weak, damaged,
                          constrained, ...; `popcl-ta list` prints why */
    void *memory;      /* private */
} popcl_posix_trust;

/* The results of the loaders. */
typedef enum popcl_posix_trust_error {
    POPCL_POSIX_TRUST_OK = 0,
    POPCL_POSIX_TRUST_MISSING,    /* there is no such file or directory */
    POPCL_POSIX_TRUST_UNREADABLE, /* it cannot be read, or is a directory where a file is wanted, or
                                     the reverse */
    POPCL_POSIX_TRUST_DAMAGED,    /* a file holds a certificate that is cut or damaged */
    POPCL_POSIX_TRUST_NOTHING,    /* nothing in it can be an anchor */
    POPCL_POSIX_TRUST_MEMORY      /* out of memory */
} popcl_posix_trust_error;

/* bytes that hold every sentence of the loaders, except with very long paths */
#define POPCL_POSIX_WHY 512

/* Reads anchors from a file (PEM, one certificate or many, or DER), from the files of a directory,
 * or from both; NULL = not given. Each place that is given must have an anchor, and one must be
 * given: else POPCL_POSIX_TRUST_NOTHING. In the file each block must be whole: a damaged one is an
 * error. In a directory names do not matter (hash-named or not), and links are followed. In a
 * directory, files that cannot be read or have no certificate are passed over, and so are damaged
 * certificates. PEM blocks of other kinds (keys, CRLs) are passed over in both, and never kept.
 *
 * A certificate is left out, and counts as unusable, if BearSSL or popcl cannot judge a chain by
 * it. Examples are a CA with constraints on policies, and a key below RSA-2048 or of an unknown
 * kind; src/host/anchor.h has the list. A CA that is limited to some DNS names vouches only for
 * those; any other constraint on names makes it unusable. Certificates that have expired at utc_s
 * are left out, too. utc_s is the time in Unix seconds; negative = unknown: then no certificate
 * counts as expired. Authorities that are not valid yet are left out, too. But if no authority at
 * all is valid yet, the clock must be wrong. In this case all of them are kept, and the job ends
 * with POPCL_ERR_CLOCK_NOT_SET: trust.clock_floor_s is the earliest begin of an authority.
 *
 * A certificate that is no CA, or must not sign certificates, is trusted directly, as the server's
 * own. Its name and dates are still checked. If such a certificate has no subjectAltName, its
 * common name counts, but only for a server that sends exactly this certificate
 * (popcl_trust.own_certs).
 *
 * Returns POPCL_POSIX_TRUST_OK, or an error. After an error `why` holds one sentence without a full
 * stop, cut to why_len bytes, and there is nothing to free. With why_len 0 `why` may be NULL. */
popcl_posix_trust_error popcl_posix_trust_load(popcl_posix_trust *t, const char *file,
                                               const char *dir, int64_t utc_s, char *why,
                                               size_t why_len);

/* The same with several files and several directories: two lists that end with NULL, either of
 * which may be empty. */
popcl_posix_trust_error popcl_posix_trust_load_lists(popcl_posix_trust *t, const char *const *files,
                                                     const char *const *dirs, int64_t utc_s,
                                                     char *why, size_t why_len);

/* The same with the file of SSL_CERT_FILE and the directories of SSL_CERT_DIR, separated by colons.
 * If neither is set, it reads the first of the system's usual places that can be read and is not
 * empty. Examples are /etc/ssl/certs/ca-certificates.crt and /etc/ssl/cert.pem. In such a place
 * damaged certificates are passed over, and no common name counts. An empty variable counts as not
 * set. If the program has rights that its caller does not have (setuid, setgid), neither variable
 * counts. */
popcl_posix_trust_error popcl_posix_trust_system(popcl_posix_trust *t, int64_t utc_s, char *why,
                                                 size_t why_len);

/* Frees the anchors and zeroes *t. Harmless on a zeroed one. */
void popcl_posix_trust_free(popcl_posix_trust *t);

#ifdef __cplusplus
}
#endif
#endif
