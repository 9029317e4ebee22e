/* SPDX-License-Identifier: MIT */
/* link - the boundary between a session and its transport: clear text, or TLS if the build has it.
 * A session knows a link only through this table, and a link knows no POP3. There are four pairs of
 * calls. Two carry octets from and to the transport; two carry them to and from the session. */
#ifndef POPCL_CORE_LINK_H
#define POPCL_CORE_LINK_H

#include "popcl.h"

enum popcl_link_state {
    POPCL_LINK_UP,       /* octets pass */
    POPCL_LINK_SECURING, /* a handshake is under way */
    POPCL_LINK_ENDED,    /* orderly shutdown by the peer; earlier octets can still be taken */
    POPCL_LINK_FAILED    /* nothing passes any more; `why` has the reason */
};

typedef struct popcl_link_ops {
    /* Towards the transport. recv_ack returns 0 if these octets brought the session no further.
     * Then they do not move its deadline. */
    unsigned char *(*recv_buf)(const popcl_link *l, size_t *n);
    int (*recv_ack)(popcl_link *l, size_t n);
    const unsigned char *(*send_buf)(const popcl_link *l, size_t *n);
    void (*send_ack)(popcl_link *l, size_t n);
    /* Towards the session. `in` returns octets that came; they stay in place until they are taken.
     * `out` returns room for octets to send. If there is no room, octets must first be sent, or a
     * TLS record be complete. */
    const unsigned char *(*in)(const popcl_link *l, size_t *n);
    void (*in_ack)(popcl_link *l, size_t n);
    unsigned char *(*out)(const popcl_link *l, size_t *n);
    void (*out_ack)(popcl_link *l, size_t n);
    /* All that was written is to leave now, in as few records as can be. */
    void (*flush)(const popcl_link *l);
    /* Returns how many octets of the session perhaps were not sent yet; 0 = all were sent. */
    size_t (*unsent)(const popcl_link *l);
    /* The transport takes nothing any more. Octets that wait to be sent stay unsent, and must not
     * block reading. */
    void (*give_up_sending)(popcl_link *l);
    enum popcl_link_state (*state)(const popcl_link *l);
    popcl_err (*why)(const popcl_link *l); /* the error of a link that failed */
    /* Drops octets that were not taken, and begins the orderly shutdown, if the link has one.
     * Returns whether octets have to be sent for the shutdown. */
    int (*close)(popcl_link *l);
} popcl_link_ops;

extern const popcl_link_ops popcl_link_clear;

/* Opens a clear-text link over the caller's buffer of POPCL_IOBUF_MIN bytes or more. Its first
 * POPCL_COMMAND_MAX bytes or more are for sending. */
void popcl_link_open_clear(popcl_link *l, void *buf, size_t len);

/* TLS as the core sees it. A program without TLS does not link it, since only a profile leads to
 * it. */
typedef struct popcl_tls_layer {
    /* Checks all settings of TLS, and prepares the storage. Afterwards only cfg->tls is needed. */
    popcl_err (*open)(const popcl_config *cfg);
    /* Puts TLS between session and transport, over the link's buffer, and begins the handshake. */
    void (*secure)(popcl_link *l);
    void (*logged_in)(const popcl_tls *t); /* the login succeeded: the TLS session may be kept */
    void *(*spare)(const popcl_tls *t, size_t *n);                /* see popcl_machine_spare */
    size_t (*end_point)(const popcl_tls *t, unsigned char *hash); /* see popcl_machine_end_point */
    void (*forget)(const popcl_tls *t); /* the session is over: wipes its keys; keeps the diagnosis
                                           and the spare bytes */
    void (*wipe)(const popcl_tls *t);   /* wipes all that `open` prepared */
} popcl_tls_layer;

/* Returns the layer of t's profile; NULL = t is NULL or has no profile. popcl_tls begins with a
 * pointer to its profile, and a profile with a pointer to its layer. The core knows nothing else of
 * either. */
const popcl_tls_layer *popcl_tls_layer_of(const popcl_tls *t);

#endif
