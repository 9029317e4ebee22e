/* SPDX-License-Identifier: MIT */
/* tap - a TAP device of this machine as an Ethernet netif of lwIP, with a shim that loses and
 * reorders frames in both directions, as a seed says, or makes the line long and looks at what is
 * in flight on it. For one thread: tap_take hands over a frame. */
#ifndef TESTS_LWIP_TAP_H
#define TESTS_LWIP_TAP_H

#include <lwip/netif.h>

enum { TAP_LINE = 64, TAP_FLIGHT = 8192, TAP_FRAME = 1600 };

typedef struct tap_frame {
    u32_t due;
    size_t n;
    unsigned char octets[TAP_FRAME];
} tap_frame;

typedef struct tap {
    unsigned lose_percent, swap_percent; /* frames that are lost; that come behind the next one */
    u32_t seed;
    u32_t line_ms; /* a frame to lwIP takes so long, one from it no time */
    unsigned long taken, sent, lost, swapped, dropped; /* frames; dropped: lwIP had no pbuf */
    /* how long so many octets of TCP were in flight, from the first on: sent, and not acknowledged.
     * IPv4; one connection at a time */
    u32_t flight_ms[TAP_FLIGHT + 1];
    /* private */
    int fd;
    struct netif netif;
    tap_frame line[TAP_LINE];
    unsigned first, on_line;
    u32_t sent_to, acknowledged, changed_at;
    int counts;
    unsigned char kept[2]
                      [TAP_FRAME]; /* of each direction: the frame that comes behind the next one */
    size_t kept_len[2];
} tap;

/* Opens the device, and adds and ups its netif, as lwIP's default. Returns 0, or -1: errno. `input`
 * as of netif_add. */
int tap_open(tap *t, const char *device, const ip4_addr_t *ip, const ip4_addr_t *mask,
             const ip4_addr_t *gateway, netif_input_fn input);

/* Waits up to so long for a frame. Returns 1 if there is one. */
int tap_wait(tap *t, u32_t limit_ms);

/* Hands a frame to lwIP, if there is one. Returns 1 if there was. */
int tap_take(tap *t);

void tap_close(tap *t);

#endif
