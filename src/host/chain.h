/* SPDX-License-Identifier: MIT */
/* chain - the certificates that a server sent, refused ones too. It judges them again with other
 * anchors, and finds the anchor that vouches for them. It has the judge of the profile `host`
 * (src/tls/collect.c), so that what is found here is what a session finds. Uses no heap. */
#ifndef POPCL_HOST_CHAIN_H
#define POPCL_HOST_CHAIN_H

#include "anchor.h"
#include "cert.h"

/* The certificates, in the order in which they came; the first one is the server's own. Zeroed =
 * none. The spans point into it, so it is not to be copied. */
typedef struct pop_chain {
    size_t len;                      /* certificates that are here */
    unsigned sent;                   /* that came: more than len if some found no room */
    pop_span certs[POPCL_COLLECTED]; /* in DER */
    uint8_t place[POPCL_COLLECTED];  /* of each among those that came; 1 is the first */
    size_t used;                     /* private, as is everything below */
    unsigned char octets[POPCL_COLLECTED_OCTETS];
    popcl_collector judge;
    char names[512];
} pop_chain;

/* Adds a certificate, n octets of DER. One that finds no room is counted in `sent` alone. */
void pop_chain_add(pop_chain *c, const unsigned char *der, size_t n);

/* Takes the certificates of a session with popcl_tls_host from its storage. Call it after the
 * session, and before it is wiped. In a resumed session the server sends none. */
void pop_chain_take(pop_chain *c, const popcl_tls_host_storage *s);

/* Judges the chain, as a session would. name: as popcl_tls.name, at most 255 bytes; NULL = a
 * name of the server's certificate. utc_s: Unix seconds. Returns POPCL_OK or an error of a
 * certificate. */
popcl_err pop_chain_judge(pop_chain *c, const popcl_trust *trust, const char *name, int64_t utc_s);

/* Returns the place in `a` of the anchor that a device should have for this chain; a->len = none of
 * them vouches for it. It asks for each usable anchor alone whether the chain is taken with it, for
 * a name of the server's certificate. Of those a self-issued authority comes first, then any
 * authority, then the server's own certificate, and the smallest of these. The time is utc_s, or
 * the nearest one at which the server's certificate is valid. So an expired chain has its anchor
 * too. `a` has details, and pop_anchors_merge was called. */
size_t pop_chain_anchor(pop_chain *c, const pop_anchors *a, int64_t utc_s);

/* Returns the names of the server's certificate, as popcl_tls.names; "" = it has none. The text is
 * valid until the next call. */
const char *pop_chain_names(pop_chain *c);

/* Finds the end of the path: follows issuers from the server's certificate by their names, as far
 * as they came. Returns the last certificate's place in `certs`. Its issuer is the anchor's name,
 * or that of a certificate that the server should have sent. The chain is not empty. */
size_t pop_chain_end(const pop_chain *c);

/* Writes the SHA-256 of the key of certificate i (RFC 7469, 2.4). Returns 0, or -1: it cannot be
 * read. */
int pop_chain_pin(const pop_chain *c, size_t i, unsigned char pin[POPCL_PIN_LEN]);

#endif
