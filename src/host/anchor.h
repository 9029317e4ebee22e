/* SPDX-License-Identifier: MIT */
/* anchor - certificates as trust anchors: reads them from octets (PEM or DER), and judges each.
 * popcl-ta, the trust store at run time and the tests have this one judge. Every fact in a
 * certificate is either carried in the anchor's entry (popcl_tls.h) or a reason to refuse it. The
 * key comes from BearSSL's own decoder. Uses the heap. */
#ifndef POPCL_HOST_ANCHOR_H
#define POPCL_HOST_ANCHOR_H

#include <bearssl.h>

#include "cert.h"
#include "popcl_posix_trust.h"

/* ---- findings ---- */

/* Kinds of findings. */
typedef enum pop_anchor_kind {
    POP_ANCHOR_KEPT,    /* an anchor */
    POP_ANCHOR_MERGED,  /* nothing new */
    POP_ANCHOR_REFUSED, /* a certificate that cannot be an anchor, or is not wanted as one */
    POP_ANCHOR_DAMAGED, /* no certificate can be read at this place */
    POP_ANCHOR_SKIPPED  /* it is not a certificate */
} pop_anchor_kind;

/* X(NAME, kind, "its name in counts", "a sentence") */
#define POP_ANCHOR_FINDINGS(X)                                                                     \
    X(USABLE, KEPT, "kept", "it is kept")                                                          \
    X(REPEATED, MERGED, "repeated", "the same certificate came before")                            \
    X(SAME_KEY, MERGED, "repeated",                                                                \
      "another certificate of this name and key is kept: it is the same anchor")                   \
    X(SAME_PIN, MERGED, "repeated", "another certificate of this key is kept: it is the same pin") \
    X(EXPIRED, REFUSED, "expired", "it has expired")                                               \
    X(NOT_YET, REFUSED, "not valid yet", "it is not valid yet, and most others are")               \
    X(EXPIRES_SOON, REFUSED, "expire too soon", "it expires sooner than --min-days allows")        \
    X(VERSION, REFUSED, "no authority",                                                            \
      "it is of X.509 version 1 or 2, and cannot say that it is an authority: BearSSL would "      \
      "never use it")                                                                              \
    X(NOT_CA, REFUSED, "no authority",                                                             \
      "it is no authority's certificate (its basicConstraints do not say CA)")                     \
    X(CERT_SIGN, REFUSED, "no authority", "its key usage does not allow it to sign certificates")  \
    X(SERVER_AUTH, REFUSED, "not for servers",                                                     \
      "its extended key usage does not include TLS servers")                                       \
    X(NAME_CONSTRAINTS, REFUSED, "constrained",                                                    \
      "it is limited to some names (nameConstraints), and that limit would be lost")               \
    X(POLICY_CONSTRAINTS, REFUSED, "constrained",                                                  \
      "it limits certificate policies, and that limit would be lost")                              \
    X(CRITICAL, REFUSED, "constrained",                                                            \
      "it has a critical extension that popcl does not know, and what it demands would be lost")   \
    X(RSA_SHORT, REFUSED, "weak key", "its RSA key is shorter than 2048 bits")                     \
    X(RSA_LONG, REFUSED, "unusable key",                                                           \
      "its RSA key is longer than 4096 bits, the most that BearSSL takes")                         \
    X(RSA_ODD, REFUSED, "unusable key",                                                            \
      "its RSA key has a modulus that does not fill its octets, or an exponent above 2^31 - 1")    \
    X(RSA_BAD, REFUSED, "weak key",                                                                \
      "its RSA key is broken: the modulus is even, or the exponent is even or 1")                  \
    X(EC_BAD, REFUSED, "weak key", "its EC key is broken: no point of its curve")                  \
    X(KEY_KIND, REFUSED, "unusable key",                                                           \
      "its key is of a kind that BearSSL does not have (RSA, P-256, P-384 and P-521 are)")         \
    X(NO_NAME, REFUSED, "unusable name", "its subject is empty")                                   \
    X(NAME_LONG, REFUSED, "unusable name", "its subject is longer than 1024 octets")               \
    X(UNWANTED, REFUSED, "not selected", "it is not selected")                                     \
    X(OVER_LIMIT, REFUSED, "over the limit", "it does not fit --max-certs or --max-bytes")         \
    X(BAD_DER, DAMAGED, "damaged", "it is no certificate, or a damaged one")                       \
    X(BAD_BASE64, DAMAGED, "damaged",                                                              \
      "here stands something else than base64, or it ends in the middle")                          \
    X(NO_END, DAMAGED, "damaged", "the block that begins here has no END line of its own")         \
    X(BAD_BEGIN, DAMAGED, "damaged", "this BEGIN line has no end")                                 \
    X(PRIVATE_KEY, SKIPPED, "other blocks",                                                        \
      "a key is passed over; it has no business in a file of certificates")                        \
    X(TRUSTED, SKIPPED, "other blocks",                                                            \
      "a TRUSTED CERTIFICATE is passed over: what it says about trust would be lost; convert it "  \
      "(openssl x509)")                                                                            \
    X(OTHER, SKIPPED, "other blocks", "a block of another kind is passed over")                    \
    X(ODD_FILE, SKIPPED, "other files", "a file that is no certificate is passed over")

#define POP_ANCHOR_ENUM(name, kind, counted, sentence) POP_ANCHOR_##name,
typedef enum pop_anchor_finding {
    POP_ANCHOR_FINDINGS(POP_ANCHOR_ENUM) POP_ANCHOR_FINDING_COUNT
} pop_anchor_finding;
#undef POP_ANCHOR_ENUM

pop_anchor_kind pop_anchor_kind_of(pop_anchor_finding f);
const char *pop_anchor_counted_as(pop_anchor_finding f);
const char *pop_anchor_sentence(pop_anchor_finding f);

/* ---- one certificate, or another finding ---- */

#define POP_ANCHOR_NAME_MAX 1024 /* octets of a subject in DER */

typedef struct pop_anchor {
    uint8_t finding;               /* pop_anchor_finding */
    uint8_t path_len;              /* 0 to 254, or POPCL_PATH_ANY */
    uint8_t in_directory;          /* it is from a file of a directory that was read */
    popcl_anchor anchor;           /* zeroed if it cannot be one. Points into memory of its own */
    int64_t not_before, not_after; /* Unix seconds; 0 if there is no certificate */
    unsigned char sha256[32];      /* of the certificate: its fingerprint */
    uint8_t is_own; /* it has no subjectAltName, and its common name may be a host's. As a server's
                       own certificate it counts for that host */
    /* if is_own: as in popcl_trust.own_certs; otherwise zeroed */
    unsigned char own_cert[POPCL_OWN_CERT_LEN];
    const char *source; /* the place where it was found: borrowed from the reader's caller */
    unsigned long line; /* in source; 0 = source is DER */
    /* NULL unless pop_anchors.details is set. Texts are printable ASCII, except if noted. */
    char *subject;         /* or the label of a block that is no certificate */
    char *organization;    /* UTF-8, or any other octets; "" = the subject has no such part */
    char *common_name;     /* as organization */
    unsigned char pin[32]; /* SHA-256 of its SubjectPublicKeyInfo (RFC 7469, 2.4) */
    unsigned char subject_hash[32], issuer_hash[32]; /* SHA-256 of these names in DER */
    unsigned char *der;                              /* the certificate, der_len octets */
    size_t der_len;
    char key[32]; /* "RSA 2048", "P-256"; also if it cannot be used. Is there without details too */
    long rank;    /* 0; for the caller to use */
    void *memory; /* private */
} pop_anchor;

/* Returns how many bytes an anchor takes in the memory of a 32-bit machine. They are its
 * popcl_anchor, its entry, and its hash if is_own. */
size_t pop_anchor_size(const pop_anchor *a);

/* Returns whether it is an anchor, and an authority's. */
int pop_anchor_is_authority(const pop_anchor *a);

/* Writes the entry of an anchor with this key. flags are as in popcl_tls.h; c has the other facts:
 * path length, dates, permitted names. Returns its length, or 0: it does not fit. */
size_t pop_anchor_entry(unsigned char to[POPCL_ANCHOR_ROOM], const br_x509_pkey *k, unsigned flags,
                        const pop_cert *c);

/* Writes an anchor's name: the hash of a subject, n octets of DER. */
void pop_anchor_name(unsigned char name[POPCL_ANCHOR_NAME], const void *subject, size_t n);

/* ---- all of them ---- */

typedef struct pop_anchors {
    /* Settings: give them before the first read, and do not change them. */
    int64_t utc_s; /* Unix seconds. A certificate that has expired by then is refused; negative =
                      expiry is not looked at */
    int64_t min_s; /* seconds after utc_s: a certificate that expires within them is refused too */
    uint8_t allow_leaf;   /* 1 = a certificate that is no CA's is an anchor too, of direct trust
                             (flags 0), and is_own is found out */
    uint8_t details;      /* 1 = keep texts and octets of certificates */
    uint8_t in_directory; /* 1 = a file of DER that is no certificate is odd, not damaged. May
                             change between reads */
    /* The findings, in the order of reading. */
    pop_anchor *list;
    size_t len;
    size_t room; /* private, as are the two below: paths of files in directories */
    char **paths;
    size_t paths_len;
} pop_anchors;

#define POP_ANCHORS_MAX 500000 /* the most findings in one list: more count as out of memory */

/* Reads octets: as DER if they begin as DER, otherwise as PEM. Returns 0, or -1: out of memory. The
 * findings are in the list. The list is empty if there is neither a certificate nor a PEM block. */
int pop_anchors_read(pop_anchors *a, const char *source, const unsigned char *p, size_t n);

/* Reads a file, an open fd (a pipe, say), or the files of a directory. The files of a directory are
 * read in the order of their names, through links too. Each is read once, however many links it
 * has. Anything that is not a readable regular file is passed over.
 *
 * Returns OK, MISSING, UNREADABLE (also for more than POP_ANCHOR_FILE_MAX bytes: EFBIG) or MEMORY,
 * with errno set. The list has the findings. */
#define POP_ANCHOR_FILE_MAX (64L * 1024 * 1024)
popcl_posix_trust_error pop_anchors_read_file(pop_anchors *a, const char *path);
popcl_posix_trust_error pop_anchors_read_fd(pop_anchors *a, const char *source, int fd);
popcl_posix_trust_error pop_anchors_read_dir(pop_anchors *a, const char *path);

/* Merges certificates that are the same. Of equal octets the first certificate stays. Of anchors
 * with the same name, key and limits the one with the latest notAfter stays, with the longest path
 * of all of them. Takes n log n time. Returns 0, or -1: out of memory. */
int pop_anchors_merge(pop_anchors *a);

/* Returns whether popcl_trust.own_certs needs the hash of this one: it is an anchor, or another
 * certificate of its name and key is. */
int pop_anchor_is_own(const pop_anchor *a);

/* Returns the trust in one usable certificate alone. It borrows *a. */
popcl_trust pop_anchor_trust(const pop_anchor *a);

/* Returns how many were found of this kind. */
size_t pop_anchors_count(const pop_anchors *a, pop_anchor_kind kind);

void pop_anchors_free(pop_anchors *a);

#endif
