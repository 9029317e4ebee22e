/* link - the seam between a session and what carries it: clear text here, TLS where a build has it. A session knows a link by this table
 * alone, and a link knows no POP3. Four pairs: what came from the transport and what goes to it, and the same as the session sees it. */
#ifndef POPCL_CORE_LINK_H
#define POPCL_CORE_LINK_H

#include "popcl_session.h"

typedef struct popcl_link_ops {
    /* Towards the transport. */
    unsigned char *(*recv_buf)(const popcl_link *l, size_t *n);
    void (*recv_ack)(popcl_link *l, size_t n);
    const unsigned char *(*send_buf)(const popcl_link *l, size_t *n);
    void (*send_ack)(popcl_link *l, size_t n);
    /* Towards the session: octets that came (they stay where they are until they are taken), and room for octets to send. */
    const unsigned char *(*in)(const popcl_link *l, size_t *n);
    void (*in_ack)(popcl_link *l, size_t n);
    unsigned char *(*out)(popcl_link *l, size_t *n);
    void (*out_ack)(popcl_link *l, size_t n);
    /* Octets written by the session that may not have left yet; 0: all have. */
    size_t (*unsent)(const popcl_link *l);
} popcl_link_ops;

extern const popcl_link_ops popcl_link_clear;

/* A clear-text link over the caller's buffer, POPCL_IOBUF_MIN octets or more: the first POPCL_COMMAND_MAX are for sending. */
void popcl_link_open_clear(popcl_link *l, void *buf, size_t len);

#endif
