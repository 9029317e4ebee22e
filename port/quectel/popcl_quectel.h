/* SPDX-License-Identifier: MIT */
/* popcl_quectel.h - a port over a cellular modem that has TCP inside: the AT commands of Quectel's
 * modules (EC2x, EG9x, BG9x), in buffer access mode. You give two functions for the serial line and
 * a clock. TLS is popcl's own, so the modem sees no mail.
 *
 *     static popcl_quectel net = {.line = &uart, .line_ctx = &uart1};
 *     popcl_run(&job.session, &popcl_quectel_net, &net);
 *
 * The modem is registered, and its PDP context is active (AT+QICSGP, AT+QIACT). While a connection
 * is open no other part of the program uses the line. Before and after that it may. Uses no heap.
 */
#ifndef POPCL_QUECTEL_H
#define POPCL_QUECTEL_H

#include "popcl_net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The serial line. All three are needed. */
typedef struct popcl_quectel_line {
    /* Waits for octets from the modem, for limit_ms at most; 0 = only looks. Returns 1 to n, the
     * number of octets in p, or 0 if none came, or a negative number if the line is gone. Waits in
     * here are at most 250 ms long: the device sleeps, and feeds its watchdog. */
    int32_t (*read)(void *line_ctx, void *p, size_t n, uint32_t limit_ms);
    /* Takes octets for the modem, and does not wait. Returns 1 to n, their number from the front.
     * Returns 0 if there is no room now, and a negative number if the line is gone. */
    int32_t (*write)(void *line_ctx, const void *p, size_t n);
    /* Returns milliseconds as popcl_net.now_ms wants them. */
    uint32_t (*now_ms)(void *line_ctx);
} popcl_quectel_line;

/* The port's own codes. The others are the numbers of the modem, 550 and more (AT+QIGETERROR). */
enum popcl_quectel_code {
    POPCL_QUECTEL_LINE = 1,  /* read or write reported that the line is gone */
    POPCL_QUECTEL_SILENT,    /* the modem did not answer a command */
    POPCL_QUECTEL_REFUSED,   /* it answered ERROR without a number, or with what is no answer */
    POPCL_QUECTEL_RESTARTED, /* it was switched off, or began anew */
    POPCL_QUECTEL_DETACHED   /* the network ended the PDP context */
};

enum {
    POPCL_QUECTEL_ROOM_IN = 1024, /* octets of one QIRD: the module gives 1500 at most */
    POPCL_QUECTEL_ROOM_OUT = 512, /* octets of one QISEND: the module takes 1460 at most */
    POPCL_QUECTEL_HOST_MAX = 150, /* octets of a name that the module looks up */
    POPCL_QUECTEL_ADDRESSES = 4   /* of a name, that are tried */
};

/* A connection, in the caller's memory. Zero it, and set line. It may be used for one job after the
 * other. */
typedef struct popcl_quectel {
    const popcl_quectel_line *line;
    void *line_ctx;
    uint8_t context;          /* the PDP context, 1 to 16; 0 = 1 */
    uint8_t socket;           /* connectID, 0 to 10; the port uses this one and the next */
    const volatile int *stop; /* NULL, or not 0 = an orderly shutdown is wanted (POPCL_NET_STOP). It
                                 is looked at 4 times a second, or after octets came */
    /* From here on private. net.c has the meaning of each. */
    uint32_t began_ms, read_ms, failed_ms;
    int code, found_code;
    uint8_t state, command, final, synced;
    uint8_t up, closing, gone, broken;
    uint8_t unread, closed, reads_last, ended, deaf, retries;
    uint8_t id, odd, open_answered, names_answered, names_expected, names;
    uint16_t left, in_from, in_to, out_len, send_len, text_len;
    const unsigned char *out;
    char text[64];
    char order[POPCL_QUECTEL_HOST_MAX + 50];
    char name[POPCL_QUECTEL_ADDRESSES][40];
    unsigned char in[POPCL_QUECTEL_ROOM_IN], send[POPCL_QUECTEL_ROOM_OUT];
} popcl_quectel;

/* For popcl_run, with a popcl_quectel as its context. Without a line, open returns POPCL_ERR_PORT.
 * Octets that send took go to the modem in the next calls of send, recv, wait and close.
 * close waits up to 2 s for the answer to a command that is under way, since the modem takes no
 * other before. It does not wait for the answer to AT+QICLOSE. */
extern const popcl_net popcl_quectel_net;

#ifdef __cplusplus
}
#endif
#endif
