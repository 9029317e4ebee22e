/* SPDX-License-Identifier: MIT */
/* far - the other end of lwIP's wire, in this process: a name server, and a TCP server that does to
 * a client whatever a test orders. Packets go in and out through a netif; what the server says and
 * hears goes through three functions. Loses nothing of itself, but sends again what lwIP had no
 * buffer for. Knows nothing of popcl. Times are those of sys_now. */
#ifndef TESTS_LWIP_FAR_H
#define TESTS_LWIP_FAR_H

#include <lwip/netif.h>

enum { FAR_V4, FAR_V6, FAR_FAMILIES };
enum { FAR_PACKET = 1500, FAR_QUEUE = 64, FAR_UNACKED = 8192 };

typedef enum far_name { FAR_KNOWN, FAR_UNKNOWN, FAR_NO_NAME_SERVER } far_name;
typedef enum far_door { FAR_OPEN, FAR_REFUSES, FAR_SILENT, FAR_LETS_IN_AND_RESETS } far_door;
/* What happens before a certain octet of what the server says. */
typedef enum far_cut {
    FAR_FIN,           /* the end, in the segment of the last octet */
    FAR_FIN_APART,     /* in a segment of its own */
    FAR_RESET,         /* right behind the last octet */
    FAR_FIN_AND_RESET, /* right behind each other */
    FAR_STALL,         /* nothing more, but acknowledgements */
    FAR_VANISH         /* nothing at all */
} far_cut;

typedef struct far_packet {
    u32_t said; /* octets, up to its end */
    u32_t due;  /* when it reaches the client */
    u16_t len;
    u8_t octets[FAR_PACKET];
} far_packet;

typedef struct far_end {
    /* orders */
    far_name name[FAR_FAMILIES];
    far_door door[FAR_FAMILIES];
    u32_t name_ms;     /* after so long it answers */
    u8_t names_number; /* with the address of this last octet; 0: 2 */
    u16_t segment;     /* octets of text in a segment at most; 0: what the client allows */
    u32_t cut_at;      /* before the n-th octet, 0: never */
    far_cut cut;
    u32_t shut_ms;      /* for so long from the connection on, its window is 0 */
    u16_t window;       /* its window; 0: 4096 */
    u32_t lose_percent; /* packets that get lost, of each direction */
    u32_t line_ms; /* a packet to the client takes so long, one from it no time. The server then
                    * sends no part of a segment that only the window cuts off, as real ones do */
    size_t (*give)(void *ctx, void *p,
                   size_t n); /* what the server says: up to n octets; 0: nothing now */
    void (*take)(void *ctx, const void *p, size_t n);
    int (*over)(void *ctx); /* it said all, and ends the connection */
    void (*began)(void *ctx);
    void *ctx;
    /* what is known */
    char asked[FAR_FAMILIES][300]; /* the last name that was asked for */
    unsigned questions[FAR_FAMILIES], syns[FAR_FAMILIES];
    u8_t reached; /* the last octet of the address that the newest SYN went to */
    unsigned
        bad; /* packets that no TCP of today may send: a wrong checksum, or outside of the window */
    int reset_seen, fin_seen; /* of the newest connection */
    u32_t said, delivered;    /* octets of the newest connection; those that lwIP was handed */
    /* how long so many octets were in flight while it had more to say */
    u32_t flight_ms[FAR_UNACKED + 1];
    unsigned cut_off; /* how often it sent such a part after all, since the window stayed narrow */
    /* private */
    struct netif netif;
    far_packet queue[FAR_QUEUE];
    unsigned first, queued;
    int answer_waits[FAR_FAMILIES];
    u32_t answer_at[FAR_FAMILIES];
    u8_t question[FAR_FAMILIES][400];
    u8_t question_number[FAR_FAMILIES];
    u16_t question_len[FAR_FAMILIES], question_port[FAR_FAMILIES];
    int family, state;
    u16_t port, client_port, mss;
    u32_t isn, una, nxt, wnd, rcv_nxt, began_at, timer_at;
    u8_t unacked[FAR_UNACKED];
    u32_t unacked_n;
    u32_t wnd_max, changed_at;
    int has_more, is_waiting;
    int fin_sent, cut_done;
    u32_t random;
} far_end;

/* The wire with its netif, up, with addresses of both families, and as lwIP's default; a zeroed
 * object. The name server is 10.0.0.53. */
void far_plug(far_end *f);
void far_unplug(far_end *f); /* the netif is removed */
void far_reset(far_end *f);  /* orders and counts as when new; connections are forgotten */

/* Hands up to `most` packets to lwIP. Returns how many. */
unsigned far_deliver(far_end *f, unsigned most);
/* Milliseconds until the far end does something by itself; 0: a packet waits. */
u32_t far_next_ms(far_end *f);

#endif
