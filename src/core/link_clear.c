/* SPDX-License-Identifier: MIT */
/* link_clear - the link without TLS. The front of the buffer holds command lines that wait to be
 * sent: one command in a small buffer, a sixteenth of a large one. The rest holds received octets.
 * Octets that were sent are overwritten at once, because one of the lines holds the password. */
#include <string.h>

#include "link.h"
#include "zero.h"

#define MAX_LEN ((size_t)1 << 30) /* no span is longer: a sink counts in int */
#define MAX_OUT ((size_t)1 << 14)

static size_t out_len(const popcl_link *l) {
    size_t part = l->len / 16;
    return part < POPCL_COMMAND_MAX ? POPCL_COMMAND_MAX : part < MAX_OUT ? part : MAX_OUT;
}

/* Reading waits until all received octets were taken. A span that is not accepted stays in place,
 * and the TCP window closes. */
static unsigned char *clear_recv_buf(const popcl_link *l, size_t *n) {
    *n = l->in_from == l->in_to ? l->len - out_len(l) : 0;
    return *n ? l->buf + out_len(l) : NULL;
}

static int clear_recv_ack(popcl_link *l, size_t n) {
    l->in_from = out_len(l);
    l->in_to = out_len(l) + n;
    return 1;
}

static const unsigned char *clear_send_buf(const popcl_link *l, size_t *n) {
    *n = (size_t)(l->out_to - l->out_from);
    return *n ? l->buf + l->out_from : NULL;
}

static void clear_send_ack(popcl_link *l, size_t n) {
    popcl_zero(l->buf + l->out_from, n);
    l->out_from = (uint16_t)(l->out_from + n);
    if (l->out_from == l->out_to) l->out_from = l->out_to = 0;
}

static const unsigned char *clear_in(const popcl_link *l, size_t *n) {
    *n = l->in_to - l->in_from;
    return l->buf + l->in_from;
}

static void clear_in_ack(popcl_link *l, size_t n) { l->in_from += n; }

static unsigned char *clear_out(const popcl_link *l, size_t *n) {
    *n = out_len(l) - l->out_to;
    return l->buf + l->out_to;
}

static void clear_out_ack(popcl_link *l, size_t n) { l->out_to = (uint16_t)(l->out_to + n); }

static void clear_flush(const popcl_link *l) { (void)l; }

static size_t clear_unsent(const popcl_link *l) { return (size_t)(l->out_to - l->out_from); }

static void clear_give_up_sending(popcl_link *l) { (void)l; /* each direction has its bytes */ }

static enum popcl_link_state clear_state(const popcl_link *l) {
    (void)l;
    return POPCL_LINK_UP;
}

static popcl_err clear_why(const popcl_link *l) {
    (void)l;
    return POPCL_OK;
}

static int clear_close(popcl_link *l) {
    (void)l;
    return 0;
}

const popcl_link_ops popcl_link_clear = {
    .recv_buf = clear_recv_buf,
    .recv_ack = clear_recv_ack,
    .send_buf = clear_send_buf,
    .send_ack = clear_send_ack,
    .in = clear_in,
    .in_ack = clear_in_ack,
    .out = clear_out,
    .out_ack = clear_out_ack,
    .flush = clear_flush,
    .unsent = clear_unsent,
    .give_up_sending = clear_give_up_sending,
    .state = clear_state,
    .why = clear_why,
    .close = clear_close,
};

void popcl_link_open_clear(popcl_link *l, void *buf, size_t len) {
    l->ops = &popcl_link_clear;
    l->buf = buf;
    l->len = len < MAX_LEN ? len : MAX_LEN;
    l->in_from = l->in_to = out_len(l);
    l->out_from = l->out_to = 0;
    l->one_way = 0;
}

const popcl_tls_layer *popcl_tls_layer_of(const popcl_tls *t) {
    const popcl_tls_layer *const *profile = NULL;
    /* all pointers to structures have one representation (C99, 6.2.5), and the profile begins with
     * its layer */
    if (t) memcpy(&profile, t, sizeof profile);
    return profile ? *profile : NULL;
}
