/* SPDX-License-Identifier: MIT */
/* popcl_tls.h - TLS for a session: its trust, its algorithms and its memory. It is built on
 * BearSSL, and this header includes BearSSL's headers; popcl.h does not.
 *
 *     static popcl_tls_public_storage storage;   (the memory of one session: the profile's type)
 *     popcl_tls tls = {.profile = &popcl_tls_public, .storage = &storage,
 *                      .storage_len = sizeof storage, .trust = &ca_trust, .utc_s = now};
 *     config.security = POPCL_TLS; config.tls = &tls; config.seed = &seed;
 *
 * ca_trust is a table that popcl-ta made from a CA bundle.
 *
 * TLS 1.2 with ECDHE and an AEAD cipher, nothing else. There is no renegotiation, no compression,
 * no tickets, no SHA-1, and no RSA key below 2048 bits. docs/SECURITY.md has every rule. A profile
 * is linked only if the program names it, and so is resumption. */
#ifndef POPCL_TLS_H
#define POPCL_TLS_H

#include <bearssl.h>

#include "popcl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the record buffer ---- */

/* Bytes of popcl_config.iobuf for records with up to `fragment` octets of plain text: 512, 1024,
 * 2048, 4096 or 16384 (RFC 6066, 4). Any other value does not compile. The server is asked for
 * records with no more plain text than that; popcl_tls_get_diag reports its answer. With 16384
 * every server works. Below POPCL_IOBUF_SIZE(512) start refuses a session with TLS. The 29 bytes
 * more are a header, a nonce and a tag of AES-GCM.
 */
#define POPCL_IOBUF_SIZE(fragment)                                                                 \
    ((fragment) + 29u +                                                                            \
     0u * sizeof(char[(fragment) == 512 || (fragment) == 1024 || (fragment) == 2048 ||             \
                              (fragment) == 4096 || (fragment) == 16384                            \
                          ? 1                                                                      \
                          : -1]))

/* The least popcl_config.iobuf, in bytes, with which TLS can receive while it sends. The first
 * 16,709 bytes are for receiving, and up to 16,709 bytes after them are for sending.
 * popcl_config.window is of most use with such a buffer. A smaller buffer serves both directions in
 * turn, and at most 512 octets of commands are in flight. */
#define POPCL_IOBUF_DUPLEX (16384u + 325u + 29u + 1024u)

/* ---- trust ---- */

#define POPCL_PIN_LEN      32u  /* bytes: SHA-256 of a SubjectPublicKeyInfo (RFC 7469, 2.4) */
#define POPCL_OWN_CERT_LEN 32u  /* bytes of a certificate's hash in popcl_trust.own_certs */
#define POPCL_ANCHOR_NAME  8u   /* bytes of the hash of an anchor's name */
#define POPCL_ANCHOR_ROOM  600u /* the most bytes of an anchor's entry */
#define POPCL_PATH_ANY     255u /* in an entry's path length: no limit */

/* 2026-01-01, Unix seconds: the day of this release. A clock before this time counts as not set:
 * then no certificate is judged, and no session is kept or resumed. Each release sets it anew. It
 * is no date of the build, so that the same source gives the same program. */
#define POPCL_CLOCK_FLOOR_S 1767225600

/* Flags of an entry. CA: an authority, which signs certificates. Without this flag it is a server's
 * own certificate: direct trust. LIMITED: the anchor vouches only for the DNS domains that its
 * entry names, and for no address. */
#define POPCL_ANCHOR_CA      1u
#define POPCL_ANCHOR_LIMITED 2u

/* A trust anchor: the hash of its name, and its entry. popcl-ta and popcl_posix_trust_load write
 * entries. Numbers are big-endian:
 *
 *     at  bytes
 *      0  1      kind of the key: 1 RSA; 23, 24 or 25 the curve (P-256, P-384, P-521)
 *      1  1      flags: POPCL_ANCHOR_CA, POPCL_ANCHOR_LIMITED
 *      2  1      path length (RFC 5280, 4.2.1.9), 0 to 254, or POPCL_PATH_ANY
 *      3  1      bytes of the exponent of RSA, otherwise 0
 *      4  2      bytes of the modulus, or of the point
 *      6  2 2    the first and the last day of the certificate, in days since 1970; at most 65535.
 *                A chain is not judged by these days
 *     10  2      bytes of the names
 *     12         the modulus without leading zeros, or the point; the exponent; the names
 *
 * The names are the permitted bases of a limited anchor (RFC 5280, 4.2.1.10): dNSNames, each after
 * a byte with its length. An entry counts as absent if its kind is unknown, if it has other flags,
 * or if its lengths do not add up. */
typedef struct popcl_anchor {
    unsigned char name[POPCL_ANCHOR_NAME]; /* the first bytes of the SHA-256 of the certificate's
                                              subject, in DER with tag and length */
    const unsigned char *entry;            /* borrowed as the popcl_trust that has the anchor */
    uint16_t entry_len;                    /* bytes of entry */
} popcl_anchor;

#define POPCL_SET_LEN    32u /* bytes of popcl_trust.set */
#define POPCL_KEY_PINNED 1u  /* results of popcl_trust.key */
#define POPCL_KEY_DENIED 2u

/* The certificates and keys to trust. Constant, and borrowed until the handshake is over: popcl
 * reads them at start and in the handshake only. popcl-ta writes one as C; popcl_posix_trust_load
 * (src/host/popcl_posix_trust.h) makes one from PEM files.
 *
 * With anchors and pins, the server needs both: a chain to an anchor, and a key that is one of the
 * pins. With pins alone, the server's key must be one of the pins, and the certificate may have any
 * name. In this case only the server's own certificate is read. The dates of this certificate are
 * checked, except in the profile `pinned`. */
typedef struct popcl_trust popcl_trust;
struct popcl_trust {
    const popcl_anchor *anchors; /* in any order */
    size_t anchors_len;          /* number of anchors */
    /* Finds anchors in a place of your own. The table `anchors` is then not looked at. Called in
     * the handshake, with nth = 0, 1, ... for one name. Sets *entry and *len to the nth entry of
     * this name; *entry = NULL if there are no more. The entry may be in `room`. Elsewhere it stays
     * valid until the next call of find, or until the handshake is over. Any result except POPCL_OK
     * ends the handshake with that error, and no other anchor is taken instead. Return an error
     * after a read failure, or for damage. NULL = the table. */
    popcl_err (*find)(const popcl_trust *t, const unsigned char name[POPCL_ANCHOR_NAME],
                      unsigned nth, unsigned char room[POPCL_ANCHOR_ROOM],
                      const unsigned char **entry, size_t *len);
    /* Looks a key up in a place of your own. The keys of the table `pins` are pins too. Called in
     * the handshake for the server's key, and for the key of each certificate that may be an
     * issuer's. Keys of anchors are not looked up. pin: SHA-256 of the key's SubjectPublicKeyInfo.
     * utc_s: the time, Unix seconds; negative = days do not count, as in the profile `pinned`. *is
     * is 0 before the call. Sets POPCL_KEY_PINNED in *is if the key is a pin at that time, and
     * POPCL_KEY_DENIED if no certificate with this key may be trusted.
     *
     * If the server's key is denied, the handshake ends with POPCL_ERR_CERT_DENIED. A denied issuer
     * is passed over; if no other issuer leads to an anchor, the error is the same. Any result
     * except POPCL_OK ends the handshake with that error, as with find. NULL = the table `pins`
     * alone, and no denied keys. */
    popcl_err (*key)(const popcl_trust *t, const unsigned char pin[POPCL_PIN_LEN], int64_t utc_s,
                     unsigned *is);
    uint8_t key_pins; /* 1 = the function key knows pins: the server's key must be one of them, or
                         one of `pins` */
    /* A hash over all that find and key can find, POPCL_SET_LEN bytes, borrowed as the rest. A kept
     * session (popcl_resumable) is offered only with the same bytes. NULL = only `sequence` counts
     */
    const unsigned char *set;
    /* The number of this set of anchors. A kept session is offered only if its trust had the same
     * number. If find is used and `set` is NULL, give each set of anchors a number of its own:
     * popcl cannot see otherwise that they changed. popcl-ta gen --sequence sets it. */
    uint32_t sequence;
    int64_t clock_floor_s; /* Unix seconds: a time that has certainly passed. A clock before this
                              time or before POPCL_CLOCK_FLOOR_S counts as not set. popcl-ta writes
                              the newest notBefore of the anchors. 0 = only POPCL_CLOCK_FLOOR_S
                              counts */
    /* Pins of the server's own key; several, so that a key can be changed. */
    const unsigned char (*pins)[POPCL_PIN_LEN];
    size_t pins_len; /* number of pins */
    /* Hashes of those anchors that are servers' own certificates. They add no trust: the anchor
     * does. They have one effect: if such a certificate has no subjectAltName, its common name
     * counts as its host's name. Without a hash here no common name is read. An entry is the first
     * 32 bytes of the certificate's hash tls-server-end-point (RFC 5929, 4.1). */
    const unsigned char (*own_certs)[POPCL_OWN_CERT_LEN];
    size_t own_certs_len; /* number of own_certs */
};

/* ---- profiles ---- */

/* The algorithms of TLS and the judge of certificates. Its content is private: src/tls/profile.h.
 */
typedef struct popcl_tls_profile popcl_tls_profile;

/* The profiles:
 * - public: servers with certificates of public CAs. RSA up to 4096 bits, P-256 (fast) and P-384;
 *   ChaCha20-Poly1305, AES-GCM.
 * - small: the same servers with least flash, but slower: one implementation for all curves.
 * - ecdsa: a private CA with P-256 keys alone. No RSA, ChaCha20-Poly1305 only.
 * - pinned: no CA at all: the server's key, P-256, is one of the pins. Neither name nor dates nor
 *   clock are looked at. It takes no anchors: with some, start returns ERR_ARGUMENT.
 * - host: for large machines. As `public`, and also P-521 and Curve25519, in the fastest
 *   implementations that the processor allows. AES-GCM comes first if the processor has
 *   instructions for it. */
extern const popcl_tls_profile popcl_tls_public, popcl_tls_small, popcl_tls_ecdsa, popcl_tls_pinned,
    popcl_tls_host;

/* ---- resumption: a later handshake with the same server, without its certificates and ECDHE ----
 */

/* A TLS session that can be resumed by its session ID (RFC 5246, 7.3), not by a ticket. The
 * caller's, one for each account; zeroed = no session. It holds no pointer and may be copied while
 * no job uses it. It is a secret: it holds the master secret of the TLS session. A reader of it can
 * read all that resumed sessions carry, and pretend to be the server. Give it as popcl_tls.resume,
 * and the job does the rest:
 *
 * - The session is offered only if these settings are as in the job that made it. In popcl_config:
 *   host, port, user, security, iobuf_len. In popcl_tls: name, profile, fragment, ask_no_fragment,
 *   and the content of trust (anchors, pins, own_certs, set, sequence), not its address.
 * - The session is offered for 24 hours after the handshake in which the certificate was checked.
 *   After the certificate's end, or with a clock before that handshake, the session is not offered.
 *   If a listed setting differs, or the times or the clock forbid the offer, start wipes the kept
 *   session.
 * - A new session is kept once the login has succeeded, and only then. Every error of TLS wipes the
 *   session. If a job offers a kept session and ends before its login has succeeded, the kept
 *   session is wiped too.
 * - If the server does not resume the session, the handshake is a full one, with every check. Then
 *   the new session takes the place of the old one.
 * - The clock has to be known, with `pinned` too. With a popcl_tls.utc_s before POPCL_CLOCK_FLOOR_S
 *   nothing is offered and nothing is kept.
 *
 * A resumed handshake checks no certificate: the verdict of the first handshake holds, for 24 hours
 * at most (docs/SECURITY.md). To forget a session, zero the object by popcl_resume_restore(r, NULL,
 * 0), and ignore its result, which is an error. */
typedef struct popcl_resumable {
    /* private */
    uint8_t state; /* 0: none */
    uint8_t id_len, end_point_len, fragment;
    uint16_t suite;
    int64_t made_s, not_after;
    unsigned char binding[32]; /* SHA-256 over the settings that it belongs to */
    unsigned char id[32], secret[48], end_point[64];
} popcl_resumable;

/* The code of resumption, which is linked if the program names it: popcl_tls.resumption. */
typedef struct popcl_resumption popcl_resumption;
extern const popcl_resumption popcl_tls_resumption;

#define POPCL_RESUME_LEN 234u /* bytes of the form for flash and files */

/* Writes *r in a form that is the same on every machine: version, values, SHA-256 over both. The
 * form is as secret as the session itself: nobody else may read the place where it is kept. The
 * checksum detects damage, not tampering. May be called while no job uses *r. While a job uses *r,
 * it may be called once the login has succeeded, also from callbacks. The login of a fetch job has
 * succeeded if popcl_diag.listing_reached is 1. In a session without a job (popcl_command.h), the
 * login has succeeded at the first ready event after its +OK. An object without a session can be
 * saved too. If a job resumed the session, the form has the same bytes as before that job. So a
 * program that compares them need not write them again. */
void popcl_resume_save(const popcl_resumable *r, unsigned char blob[POPCL_RESUME_LEN]);

/* Reads a saved form of len bytes, while no job uses *r. Returns POPCL_OK. Returns
 * POPCL_ERR_RESUME_DAMAGED if the form is cut, changed, NULL, or of a version that this popcl does
 * not know. Then *r is zero. */
popcl_err popcl_resume_restore(popcl_resumable *r, const unsigned char *blob, size_t len);

/* ---- settings ---- */

/* The settings of TLS for one session. popcl borrows them until wipe, and all that they point to,
 * name included; trust until the handshake is over. Do not change them before. Required are
 * profile, storage, storage_len and trust; also utc_s, except with `pinned`. The rest may be zero.
 */
struct popcl_tls {
    const popcl_tls_profile *profile; /* one of the above */
    /* An object of the profile's storage type below, of the alignment of that type. popcl wipes the
     * keys of TLS when the session is over, and all of it in wipe. */
    void *storage;
    size_t storage_len;       /* bytes of storage: the size of that type, or more */
    const popcl_trust *trust; /* borrowed until the handshake is over */
    /* The time, Unix seconds. Negative or past the year 9999 = unknown: POPCL_ERR_CLOCK_UNKNOWN.
     * Before POPCL_CLOCK_FLOOR_S or popcl_trust.clock_floor_s: POPCL_ERR_CLOCK_NOT_SET. `pinned`
     * needs it for resumption only. */
    int64_t utc_s;
    const char *name;  /* the name or address that the certificate must have; NULL =
                          popcl_config.host. A name, but no address, is also sent to the server
                          (SNI: RFC 6066, 3) */
    uint16_t fragment; /* the server is asked for records of at most so many octets of plain text:
                          512, 1024, 2048 or 4096. 0 = as large as the record buffer allows */
    uint8_t ask_no_fragment; /* 1 = no fragment length is asked for, for servers that fail on
                                the extension */
    /* Called many times between the long steps of the handshake, from within recv_ack. Feed a
     * watchdog here, and do nothing else. docs/SIZING.md has the longest stretch between two
     * calls, in instructions. NULL = not called. */
    void (*breathe)(void *ctx);
    void *breathe_ctx; /* the ctx of breathe */
    /* Memory for a text: the names that the server's certificate has, for example
     * "mail.example.org, *.example.org, 192.0.2.1". They are there if the result is
     * POPCL_ERR_CERT_NAME or _NO_SAN, for a diagnosis. After any other handshake the text is "".
     * Without a handshake, and with `pinned`, it is not written, so write "" before start.
     * Cut to fit, printable ASCII only, NUL-terminated. NULL = the names are not wanted. */
    char *names;
    size_t names_len; /* bytes of names; not 0 if names is not NULL */
    /* The caller's object for resumption. At start it holds the TLS session of an earlier job, or
     * is zeroed. Once the login has succeeded, it holds the session of this job. popcl reads and
     * changes it from start to wipe. Set resumption = &popcl_tls_resumption too: without it,
     * start returns ERR_ARGUMENT. NULL = no resumption, whatever `resumption` is. */
    popcl_resumable *resume;
    const popcl_resumption *resumption;
};

/* The server's answer to the request for smaller records (RFC 6066, 4). */
typedef enum popcl_fragment {
    POPCL_FRAGMENT_UNKNOWN, /* the server did not answer yet, or no fragment length was asked for */
    POPCL_FRAGMENT_GRANTED, /* it will send no larger records */
    POPCL_FRAGMENT_IGNORED  /* it did not answer the extension: records of 16384 octets of text may
                               come */
} popcl_fragment;

/* A diagnosis of TLS, to show and for programs. */
typedef struct popcl_tls_diag {
    uint16_t version; /* 0x0303 = TLS 1.2; 0 = none yet */
    uint16_t suite;   /* the IANA number of the cipher suite; 0 = none yet */
    uint16_t curve; /* the IANA number of the ECDHE curve. 0 = not known yet, or the certificate was
                       refused, or a resumed session, which has no curve */
    uint16_t fragment_asked; /* octets, 512 to 4096; 0 = not asked for */
    uint8_t fragment;        /* popcl_fragment */
    uint8_t resumed; /* 1 = the session is a resumed one; not_after and end_point are those of its
                        first handshake */
    uint8_t cert;    /* place of the refused certificate in the chain that the server sent: 1 = the
                        server's own, 2 = the next. 0 = none was refused, or it is not known which,
                        as always with `pinned` */
    int64_t cert_time; /* Unix seconds: the time at which it expired (POPCL_ERR_CERT_EXPIRED) or
                          becomes valid (POPCL_ERR_CERT_NOT_YET); 0 = another result */
    /* The number of the alert that ended TLS (RFC 5246, 7.2), if error is 256 or more. If error
     * is 512 or more, popcl sent this alert, otherwise the server. */
    uint8_t alert;
    int error;           /* BearSSL's error number; 0 = no error */
    uint32_t record_len; /* bytes of the last record, header included, as its header announces them.
                            The record buffer has to hold them all. 0 = no record of TLS came */
    uint32_t iobuf_len;  /* bytes of the record buffer that receive, up to 16,709; 0 = TLS has not
                            begun */
    int64_t not_after;   /* Unix seconds: end of the server certificate's validity; 0 = not known */
    uint8_t end_point_len; /* bytes of end_point, the tls-server-end-point (RFC 5929, 4.1) of the
                              server's certificate; 0 = none */
    unsigned char end_point[64];
} popcl_tls_diag;

/* Copies the diagnosis to *d. Reads the storage, and *resume. May be called at any time after start
 * returned POPCL_OK. After wipe every field is 0. */
void popcl_tls_get_diag(const popcl_tls *t, popcl_tls_diag *d);

/* Returns the name of a cipher suite ("ECDHE-ECDSA-CHACHA20-POLY1305"), a constant string; "" for
 * one that popcl does not use. */
const char *popcl_tls_suite_name(uint16_t suite);

/* ---- from here to "storage" private: declared so that the storage can be allocated, not to be
 * touched ---- */

/* TLS state of a session, for link.c. The small fields come first, here and below: a Cortex-M
 * reaches them with instructions of 16 bits. */
typedef struct popcl_tls_session {
    const popcl_tls *tls;
    const br_x509_class *x509; /* BearSSL's view of the judge of certificates */
    const br_x509_class **judge;
    uint8_t curve;
    uint8_t fragment; /* popcl_fragment */
    uint8_t minor;    /* 0: no record of TLS came yet; else the minor version in the header of the
                         last one, plus 1 */
    uint8_t is_up;    /* the handshake is done */
    uint8_t offered;  /* a kept session was offered to the server */
    uint8_t may_keep; /* this session may still be kept: nothing forbade it so far */
    uint16_t hello_at, hello_end; /* place in the ServerHello, and its end */
    uint16_t extension_at;        /* place of its next extension */
    uint16_t extension; /* type of the present extension; once that was read, its length */
    uint16_t fragment_asked;
    uint16_t version,
        suite; /* set when the session is over and ssl is wiped, as error and curve are */
    int16_t error;
    uint32_t record_len; /* of the record that comes: its header's 5 and what they announce */
    uint32_t record_at;  /* octets of it that came */
    uint32_t iobuf_len;
    br_x509_pkey key;          /* of the server */
    br_ec_impl ec;             /* with the curves of the profile alone */
    br_ssl_client_context ssl; /* the last: the bytes after it are the judge's */
} popcl_tls_session;

/* The public key of a certificate, for element.c. */
typedef struct popcl_key {
    uint8_t kind;              /* BR_KEYTYPE_RSA or BR_KEYTYPE_EC; 0: another */
    uint8_t curve;             /* of a point: BR_EC_secp256r1 and the like */
    uint8_t e_len;             /* octets of e */
    uint16_t len;              /* octets of the modulus or of the point */
    unsigned char e[4];        /* the exponent of RSA */
    unsigned char octets[512]; /* the modulus of RSA, or the point */
} popcl_key;

#define POPCL_SIGNATURE_MAX 512u /* octets: RSA of 4096 bits */

/* State of a certificate while it streams by, for leaf.c, element.c and constraints.c. */
/* elements inside each other that are looked into; deeper ones are passed over */
#define POPCL_LEAF_DEPTH    10
#define POPCL_SUBJECT_PARTS 6  /* parts of the server's subject that are kept */
#define POPCL_CERTIFIED     96 /* octets for names of the server's certificate */
#define POPCL_HASH_BEGIN    2166136261u
typedef struct popcl_leaf {
    const popcl_tls *tls;
    /* of the certificate */
    uint8_t state, depth;
    uint8_t tag, last; /* of the element: its tag and its newest octet */
    uint8_t act;       /* that follows at its end */
    uint8_t more;      /* octets of a long length to come */
    uint8_t extension, critical;
    uint8_t at;                      /* octets of the host that a name has so far */
    uint8_t is_wild;                 /* that name begins with a star */
    uint8_t param, alg_param;        /* the tags of oid's parameters, and of alg's; 0: none */
    uint8_t curve;                   /* BearSSL's number of the curve among those; 0: none */
    uint8_t cn;                      /* the subject's common name, see element.c */
    uint8_t is_first;                /* it is the server's own */
    uint8_t path_len;                /* most issuers below it, or POPCL_PATH_ANY */
    uint8_t row[POPCL_LEAF_DEPTH];   /* place of each open element in the grammar */
    unsigned char value[16];         /* the first octets of a short element */
    uint16_t len, body;              /* octets of the element, and of them those to come */
    uint16_t oid;                    /* the newest object identifier */
    uint16_t alg;                    /* the signature's */
    uint16_t signature_len;          /* octets of the signature */
    uint16_t left[POPCL_LEAF_DEPTH]; /* octets to come in it */
    uint32_t facts;                  /* leaf.h */
    int64_t time;                    /* notBefore, then notAfter if notBefore has come */
    uint32_t seen;                   /* extensions that came, by their place in a table */
    uint32_t others[2]; /* the first and the newest of the extensions that have no place in a table,
                           by a hash */
    /* of its name constraints, see constraints.c */
    uint8_t are_excluded, subject_below, base_from, base_len, mask, is_bad;
    uint16_t limited; /* kinds of names that a list has bases of */
    /* of the chain */
    const char *host; /* the name that is looked for, or the address as text */
    popcl_key *key;   /* of the certificate */
    unsigned char *signature;
    unsigned char address[16];
    uint8_t address_len; /* 4 or 16: it is an address; 0: a name */
    uint16_t names_at;   /* bytes written to tls->names */
    /* the names of the server's certificate, see constraints.c */
    uint8_t host_marks, adding, certified_len, subject_parts;
    uint16_t kinds, lost; /* kinds of names that it has, and those that found no room */
    uint32_t subject_hash, subject[POPCL_SUBJECT_PARTS];
    unsigned char certified[POPCL_CERTIFIED];
} popcl_leaf;

#define POPCL_NAME_HASH 16 /* octets that are kept of the SHA-256 of a name */

/* State of a chain, for guard.c. The tip is the last certificate of the path so far: the next one
 * has to be its issuer's. */
typedef struct popcl_guard {
    const br_x509_class *vtable;
    uint8_t checks; /* of signatures, in all chains */
    uint8_t unread; /* popcl_err: why an anchor could not be read, in any chain */
    uint8_t result; /* popcl_err: the verdict; before it, why the newest issuer was not taken */
    uint8_t step;
    uint8_t is_tip;      /* the certificate that streams by is the tip */
    uint8_t head_len;    /* octets of that part; more than there is room for: too many */
    uint8_t hash;        /* BearSSL's number of the hash of its signature; 0: none */
    uint8_t signed_hash; /* the same of the tip's */
    uint8_t is_rsa;      /* the tip is signed by RSA */
    uint8_t pinned;      /* the server's key is one of the pinned ones */
    uint8_t certs;       /* that were begun */
    uint8_t path;        /* certificates of the path */
    uint8_t below;       /* its issuers that count for a path length */
    uint8_t fault_cert;  /* place of the certificate that `result` is about */
    uint8_t tip_cert;    /* place of the tip */
    uint8_t end_point_len;
    uint16_t signature_len; /* octets of the tip's */
    int64_t fault_time, not_after;
    unsigned char end_point[64]; /* tls-server-end-point */
    popcl_leaf leaf;
    br_x509_pkey pkey;                                               /* a view of a key */
    unsigned char subject[POPCL_NAME_HASH], issuer[POPCL_NAME_HASH]; /* of the certificate */
    unsigned char wanted[POPCL_NAME_HASH];                           /* the tip's issuer */
    unsigned char digest[64];                     /* over the part of the tip that is signed */
    br_hash_compat_context tbs;                   /* the same, of the certificate */
    br_sha256_context name;                       /* over its issuer, subject and key, in turn */
    unsigned char signature[POPCL_SIGNATURE_MAX]; /* of the tip */
    popcl_key server;                             /* the server's */
    union {
        popcl_key key; /* of an issuer */
        struct {       /* before its key comes, and in certificate 0 */
            unsigned char head[64];
            br_hash_compat_context end_point;
        } first;
        unsigned char room[POPCL_ANCHOR_ROOM]; /* after a certificate: popcl_trust.find's */
    } issuing;
} popcl_guard;

#define POPCL_COLLECTED        32u    /* most certificates of a server that are kept */
#define POPCL_COLLECTED_OCTETS 32768u /* and their octets */

/* A certificate that was kept, for collect.c. */
typedef struct popcl_collected {
    uint32_t at, len, announced; /* its octets; their number if all had come */
    uint8_t place;               /* among those that the server sent, 1 is the first */
    uint8_t is_issuer;           /* it may be another certificate's issuer */
    unsigned char subject[POPCL_NAME_HASH], issuer[POPCL_NAME_HASH];
} popcl_collected;

/* State of a chain that is kept whole, for collect.c. */
typedef struct popcl_collector {
    const br_x509_class *vtable;
    uint8_t certs;
    uint8_t sent;    /* with those that were not kept; 255: that or more */
    uint8_t is_kept; /* the certificate at hand is */
    uint8_t lost;    /* popcl_err: why the server's own was not; 0: it was, or none came */
    uint32_t used;   /* octets */
    popcl_guard guard;
    popcl_collected cert[POPCL_COLLECTED];
    unsigned char octets[POPCL_COLLECTED_OCTETS];
} popcl_collector;

/* State of certificate 0, for pin.c. */
typedef struct popcl_pin {
    const br_x509_class *vtable;
    const popcl_tls *tls;
    br_x509_pkey key;
    uint32_t len, pass; /* of the element at hand; octets of it that are still to be passed by */
    uint8_t step, tag, at, more; /* see pin.c */
    uint8_t behind;              /* the first certificate is over */
    uint8_t judged;              /* its key is a pinned one */
    uint8_t result;              /* popcl_err */
    unsigned char point[65];     /* of the server's key */
} popcl_pin;

/* ---- storage: types for the caller's objects, one object for each session that runs at the same
 * time. Their members are private ---- */

/* The storage of the profiles public, small and ecdsa. */
typedef struct popcl_tls_x509_storage {
    popcl_tls_session session;
    popcl_guard guard;
} popcl_tls_public_storage, popcl_tls_small_storage, popcl_tls_ecdsa_storage;

/* The storage of the profile host. */
typedef struct popcl_tls_host_storage {
    popcl_tls_session session;
    popcl_collector collector;
} popcl_tls_host_storage;

/* The storage of the profile pinned. */
typedef struct popcl_tls_pinned_storage {
    popcl_tls_session session;
    popcl_pin pin;
} popcl_tls_pinned_storage;

#ifdef __cplusplus
}
#endif
#endif
