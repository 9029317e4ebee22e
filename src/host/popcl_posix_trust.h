/* SPDX-License-Identifier: MIT */
/* popcl_posix_trust.h - the trust store of a program on POSIX: reads the anchors of TLS from files
 * of certificates at run time. It uses the heap.
 *
 *     popcl_posix_trust store;
 *     char why[POPCL_POSIX_WHY];
 *     if (popcl_posix_trust_load(&store, "ca.pem", NULL, utc_s, why, sizeof why)) ...say
 *         why and stop: nothing else is trusted instead...
 *     tls.trust = &store.trust;                                 until the job is wiped
 *     popcl_posix_trust_free(&store); */
#ifndef POPCL_POSIX_TRUST_H
#define POPCL_POSIX_TRUST_H

#include "popcl_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Anchors that were read from files. Filled by one of the two loaders and not to be copied; trust
 * is borrowed by the job. Its pins are the caller's to set. */
typedef struct popcl_posix_trust {
    popcl_trust trust;
    unsigned found;    /* certificates that were read, repeated ones included */
    unsigned unusable; /* of those, how many cannot be anchors: expired, weak, damaged, constrained,
                          ...; `popcl-ta list` says why */
    void *memory;      /* private */
} popcl_posix_trust;

typedef enum popcl_posix_trust_error {
    POPCL_POSIX_TRUST_OK = 0,
    POPCL_POSIX_TRUST_MISSING,    /* there is no such file or directory */
    POPCL_POSIX_TRUST_UNREADABLE, /* it cannot be read, or is a directory where a file is wanted, or
                                     the reverse */
    POPCL_POSIX_TRUST_DAMAGED,    /* a file holds a certificate that is cut or damaged */
    POPCL_POSIX_TRUST_NOTHING,    /* nothing in it can be an anchor */
    POPCL_POSIX_TRUST_MEMORY      /* out of memory */
} popcl_posix_trust_error;

/* octets that hold every sentence of the loaders but for very long paths */
#define POPCL_POSIX_WHY 512

/* Reads anchors from a file (PEM, one certificate or many, or DER) and/or the files of a directory;
 * NULL: not given. Both: the union. In the file each block must be whole. In a directory, names do
 * not matter (hash-named or not), links are followed, and what is no readable file with
 * certificates is passed over. Other kinds of PEM blocks (keys, CRLs) are passed over, and never
 * kept.
 *
 * Out stays, and counts as unusable, what BearSSL or popcl cannot judge a chain by: a CA with
 * constraints on names or policies, a key below RSA-2048 or of an unknown kind, ...
 * (src/host/anchor.h has the list), and what has expired at utc_s (Unix seconds; negative:
 * unknown, so that nothing has). Authorities that are not valid yet stay out, too. If none is valid
 * yet all stay in, and the job ends with POPCL_ERR_CLOCK_NOT_SET.
 *
 * A certificate that is no CA, or may not sign certificates, is trusted directly: as the server's
 * own, whose name and dates are checked all the same. If a server shows a certificate that was
 * read here, octet for octet, and it has no subjectAltName, its common name counts
 * (popcl_trust.own_certs).
 *
 * Returns 0, or an error with one sentence in why, without a full stop, and with nothing to free.
 */
popcl_posix_trust_error popcl_posix_trust_load(popcl_posix_trust *t, const char *file,
                                               const char *dir, int64_t utc_s, char *why,
                                               size_t why_len);

/* The same with the file and the directories that SSL_CERT_FILE and SSL_CERT_DIR (several, parted
 * by colons) name; where neither is set, with the first of the usual places that exists:
 * /etc/ssl/certs/ca-certificates.crt and its like on other systems. Damaged certificates are passed
 * over where the place is the system's own, and no common name counts there. An empty variable
 * counts as not set, and where the program runs with rights that its caller does not have (setuid,
 * setgid) neither counts. */
popcl_posix_trust_error popcl_posix_trust_system(popcl_posix_trust *t, int64_t utc_s, char *why,
                                                 size_t why_len);

/* Frees; t is zeroed. Harmless on a zeroed one, and again. */
void popcl_posix_trust_free(popcl_posix_trust *t);

#ifdef __cplusplus
}
#endif
#endif
