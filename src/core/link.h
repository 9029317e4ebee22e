/* SPDX-License-Identifier: MIT */
/* link - the seam between a session and what carries it: clear text here, TLS where a build has it.
 * A session knows a link by this table alone, and a link knows no POP3. Four pairs: what came from
 * the transport and what goes to it, and the same as the session sees it. */
#ifndef POPCL_CORE_LINK_H
#define POPCL_CORE_LINK_H

#include "popcl.h"

enum popcl_link_state {
    POPCL_LINK_UP,       /* octets pass */
    POPCL_LINK_SECURING, /* a handshake is under way */
    POPCL_LINK_ENDED,    /* the peer ended TLS in order; what came before can still be taken */
    POPCL_LINK_FAILED    /* nothing passes any more: see why */
};

typedef struct popcl_link_ops {
    /* Towards the transport. recv_ack returns 0 if these octets brought the session no further:
     * they do not move its deadline. */
    unsigned char *(*recv_buf)(const popcl_link *l, size_t *n);
    int (*recv_ack)(popcl_link *l, size_t n);
    const unsigned char *(*send_buf)(const popcl_link *l, size_t *n);
    void (*send_ack)(popcl_link *l, size_t n);
    /* Towards the session: octets that came (they stay where they are until they are taken), and
     * room for octets to send. */
    const unsigned char *(*in)(const popcl_link *l, size_t *n);
    void (*in_ack)(popcl_link *l, size_t n);
    unsigned char *(*out)(const popcl_link *l,
                          size_t *n); /* no room: something has to leave, or to come whole, first */
    void (*out_ack)(popcl_link *l, size_t n);
    /* Octets written by the session that may not have left yet; 0: all have. */
    size_t (*unsent)(const popcl_link *l);
    /* The transport takes nothing any more: what waits to be sent must not keep what comes from
     * being read. It stays unsent. */
    void (*give_up_sending)(popcl_link *l);
    enum popcl_link_state (*state)(const popcl_link *l);
    popcl_err (*why)(const popcl_link *l); /* of a link that failed */
    /* Drops what was not taken, and says the end to the peer where the link has words for it.
     * Returns whether octets are to be sent for it. */
    int (*close)(popcl_link *l);
} popcl_link_ops;

extern const popcl_link_ops popcl_link_clear;

/* A clear-text link over the caller's buffer, POPCL_IOBUF_MIN octets or more: the first
 * POPCL_COMMAND_MAX are for sending. */
void popcl_link_open_clear(popcl_link *l, void *buf, size_t len);

/* TLS as the core sees it. A session without TLS links none of it, since only a profile leads here.
 */
typedef struct popcl_tls_layer {
    /* Checks everything, and prepares the storage. Of cfg nothing but tls is needed afterwards. */
    popcl_err (*open)(const popcl_config *cfg);
    /* Puts TLS below the session, over the link's buffer, and begins the handshake. */
    void (*secure)(popcl_link *l);
    void (*logged_in)(
        const popcl_tls *t); /* both sides have proven who they are: the session may be kept */
    void *(*spare)(const popcl_tls *t, size_t *n); /* see popcl_machine_spare */
    void (*forget)(const popcl_tls *t); /* the session is over: wipes its keys, and keeps what
                                           diagnoses need, and the spare octets */
    void (*wipe)(const popcl_tls *t);   /* all that open prepared */
} popcl_tls_layer;

/* The layer of a profile. popcl_tls begins with a pointer to its profile, and a profile with one to
 * its layer: the core knows no more of both. */
const popcl_tls_layer *popcl_tls_layer_of(const popcl_tls *t);

#endif
