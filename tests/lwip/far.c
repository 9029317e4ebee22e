/* SPDX-License-Identifier: MIT */
/* far - see far.h. Addresses: the client is 10.0.0.1 and 2001:db8::1, every server any address
 * beside. */
#include "far.h"

#include <lwip/dns.h>
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/sys.h>

#include <stdlib.h>
#include <string.h>

enum { LISTENS, SYN_SEEN, UP, GONE };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { UDP = 17, TCP = 6, AGAIN_MS = 1000 };
/* for how long a server that has nothing in flight waits for a window of a segment */
enum { OVERRIDE_MS = 200 };

static const u8_t client[FAR_FAMILIES][16] = {
    {10, 0, 0, 1}, {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const u8_t server[FAR_FAMILIES][16] = {
    {10, 0, 0, 2}, {0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
static const u8_t name_server[4] = {10, 0, 0, 53};

static u32_t get16(const u8_t *p) { return (u32_t)p[0] << 8 | p[1]; }
static u32_t get32(const u8_t *p) { return get16(p) << 16 | get16(p + 2); }
static void put16(u8_t *p, u32_t x) { p[0] = (u8_t)(x >> 8), p[1] = (u8_t)x; }
static void put32(u8_t *p, u32_t x) { put16(p, x >> 16), put16(p + 2, x); }

static u32_t sum(u32_t so_far, const u8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        so_far += i % 2 ? p[i] : (u32_t)p[i] << 8;
    return so_far;
}

static u32_t folded(u32_t s) {
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

static int lost(far_end *f) {
    f->random = f->random * 1103515245u + 12345u;
    return f->random / 65536u % 100u < f->lose_percent;
}

/* ---- packets to the client ---- */

/* A packet with its IP header; `from` NULL: the TCP server. The checksum of what is in it is at
 * checksum_at. */
static void send_ip(far_end *f, int family, const u8_t *from, int protocol, const u8_t *text,
                    size_t n, size_t checksum_at) {
    size_t address = family == FAR_V4 ? 4 : 16, header = family == FAR_V4 ? 20 : 40;
    if (lost(f)) return;
    if (f->queued == FAR_QUEUE || header + n > FAR_PACKET) abort();
    far_packet *p = &f->queue[(f->first + f->queued++) % FAR_QUEUE];
    u8_t *o = p->octets;
    memset(o, 0, header);
    memcpy(o + header, text, n);
    p->len = (u16_t)(header + n);
    p->said = f->said;
    p->due = sys_now() + f->line_ms;
    memcpy(o + header - 2 * address, from ? from : server[family], address);
    if (!from) o[header - address - 1] = f->reached;
    memcpy(o + header - address, client[family], address);
    if (family == FAR_V4) {
        o[0] = 0x45, o[8] = 64, o[9] = (u8_t)protocol;
        put16(o + 2, p->len);
        put16(o + 10, ~folded(sum(0, o, 20)));
    } else {
        o[0] = 0x60, o[6] = (u8_t)protocol, o[7] = 64;
        put16(o + 4, (u32_t)n);
    }
    put16(o + header + checksum_at, 0);
    put16(o + header + checksum_at,
          ~folded(sum((u32_t)protocol + (u32_t)n + sum(0, o + header - 2 * address, 2 * address),
                      o + header, n)));
}

static void send_tcp(far_end *f, int flags, u32_t seq, const u8_t *text, size_t n) {
    u8_t segment[FAR_PACKET] = {0};
    size_t header = flags & SYN ? (LWIP_WND_SCALE ? 28 : 24) : 20;
    u32_t window = f->window ? f->window : 4096;
    if (sys_now() - f->began_at < f->shut_ms) window = 0;
    put16(segment, f->port);
    put16(segment + 2, f->client_port);
    put32(segment + 4, seq);
    put32(segment + 8, f->rcv_nxt);
    segment[12] = (u8_t)(header / 4 << 4);
    segment[13] = (u8_t)flags;
    put16(segment + 14, window);
    if (flags & SYN) segment[20] = 2, segment[21] = 4, put16(segment + 22, 1460);
    /* its own window is not scaled */
    if (flags & SYN && LWIP_WND_SCALE) segment[24] = 1, segment[25] = segment[26] = 3;
    if (n) memcpy(segment + header, text, n);
    send_ip(f, f->family, NULL, TCP, segment, header + n, 16);
}

/* ---- the TCP server ---- */

static void cut(far_end *f) {
    f->cut_done = 1;
    if (f->cut == FAR_FIN || f->cut == FAR_FIN_APART || f->cut == FAR_FIN_AND_RESET) {
        if (!f->fin_sent) send_tcp(f, FIN | ACK, f->nxt++, NULL, 0);
        f->fin_sent = 1;
    }
    if (f->cut == FAR_RESET || f->cut == FAR_FIN_AND_RESET) send_tcp(f, RST | ACK, f->nxt, NULL, 0);
    if (f->cut == FAR_RESET || f->cut == FAR_FIN_AND_RESET || f->cut == FAR_VANISH) f->state = GONE;
}

/* Counts the time that has passed with the octets in flight as they are. */
static void count_flight(far_end *f) {
    if (f->state == UP && f->has_more) f->flight_ms[f->unacked_n] += sys_now() - f->changed_at;
    f->changed_at = sys_now();
}

/* Whether it waits for a wider window, of which n octets are left: the sender's part in the
 * avoidance of silly windows (RFC 9293, 3.8.6.2.1). */
static int waits(far_end *f, size_t n) {
    size_t whole = f->segment && f->segment < f->mss ? f->segment : f->mss;
    if (!f->line_ms || n >= whole || n * 2 >= f->wnd_max) return 0;
    if (f->unacked_n || sys_now() - f->changed_at < OVERRIDE_MS) return 1;
    f->cut_off += n != 0;
    return 0;
}

/* What the server says goes out as far as the window allows. */
static void say(far_end *f) {
    while (f->state == UP && !f->fin_sent && !f->cut_done) {
        u32_t in_flight = f->nxt - f->una;
        size_t n = f->wnd > in_flight ? f->wnd - in_flight : 0;
        f->is_waiting = waits(f, n);
        if (f->is_waiting) return;
        if (n > f->mss) n = f->mss;
        if (f->segment && n > f->segment) n = f->segment;
        if (n > FAR_UNACKED - f->unacked_n) n = FAR_UNACKED - f->unacked_n;
        if (f->queued > FAR_QUEUE / 2) return;
        if (f->cut_at && f->cut_at - 1 - f->said < n) n = f->cut_at - 1 - f->said;
        u8_t *to = f->unacked + f->unacked_n;
        if (n) {
            count_flight(f);
            n = f->give(f->ctx, to, n);
            f->has_more = n != 0;
        }
        int at_cut = f->cut_at && f->said + n + 1 == f->cut_at;
        if (n) {
            f->unacked_n += (u32_t)n;
            f->said += (u32_t)n;
            int with_fin = at_cut && f->cut == FAR_FIN;
            send_tcp(f, ACK | PSH | (with_fin ? FIN : 0), f->nxt, to, n);
            f->nxt += (u32_t)n + (with_fin ? 1 : 0);
            f->fin_sent = with_fin;
            f->timer_at = sys_now() + AGAIN_MS;
        }
        if (at_cut) {
            cut(f);
        } else if (!n) {
            if (f->over(f->ctx)) f->fin_sent = 1, send_tcp(f, FIN | ACK, f->nxt++, NULL, 0);
            return;
        }
    }
}

static void again(far_end *f) {
    size_t n = f->unacked_n < f->mss ? f->unacked_n : f->mss;
    f->timer_at = sys_now() + AGAIN_MS;
    if (f->state == SYN_SEEN) send_tcp(f, SYN | ACK, f->isn, NULL, 0);
    if (f->state != UP) return;
    if (n) send_tcp(f, ACK | PSH, f->una, f->unacked, n);
    if (n == f->unacked_n && f->fin_sent && f->una != f->nxt)
        send_tcp(f, FIN | ACK, f->nxt - 1, NULL, 0);
    /* how wide is the window by now? */
    if (!n && !f->fin_sent) send_tcp(f, ACK, f->una - 1, NULL, 0);
}

static void new_connection(far_end *f, int family, const u8_t *segment, u8_t number) {
    f->syns[family]++;
    f->reached = number;
    if (f->door[family] == FAR_SILENT) return;
    f->family = family;
    f->port = (u16_t)get16(segment + 2);
    f->client_port = (u16_t)get16(segment);
    f->rcv_nxt = get32(segment + 4) + 1;
    if (f->door[family] == FAR_REFUSES) {
        send_tcp(f, RST | ACK, 0, NULL, 0);
        return;
    }
    f->isn = get32(segment + 4) * 7 + 99;
    f->una = f->nxt = f->isn + 1;
    f->wnd_max = 0;
    f->has_more = f->is_waiting = 0;
    f->cut_off = 0;
    memset(f->flight_ms, 0, sizeof f->flight_ms);
    f->mss = 536;
    if (segment[12] >> 4 > 5 && segment[20] == 2) f->mss = (u16_t)get16(segment + 22);
    f->state = SYN_SEEN;
    f->unacked_n = 0;
    f->fin_sent = f->cut_done = f->reset_seen = f->fin_seen = 0;
    f->said = f->delivered = 0;
    f->began_at = sys_now();
    f->timer_at = sys_now() + AGAIN_MS;
    if (f->began) f->began(f->ctx);
    send_tcp(f, SYN | ACK, f->isn, NULL, 0);
}

static void acknowledged(far_end *f, u32_t ack, u32_t window) {
    u32_t n = ack - f->una;
    if (n > f->nxt - f->una) return; /* of the past */
    count_flight(f);
    f->wnd = window;
    if (window > f->wnd_max) f->wnd_max = window;
    f->una = ack;
    if (n > f->unacked_n) n = f->unacked_n; /* our FIN takes a number too */
    memmove(f->unacked, f->unacked + n, f->unacked_n - n);
    f->unacked_n -= n;
    if (n) f->timer_at = sys_now() + AGAIN_MS;
}

/* `number`: the last octet of the server's address. */
static void receive_tcp(far_end *f, int family, const u8_t *segment, size_t n, u8_t number) {
    size_t header = (size_t)(segment[12] >> 4) * 4;
    u32_t seq = get32(segment + 4), flags = segment[13];
    size_t text = n - header;
    if (flags & SYN) {
        if (f->state == LISTENS || f->state == GONE || f->client_port != get16(segment))
            new_connection(f, family, segment, number);
        else
            again(f);
        return;
    }
    /* of a connection that is forgotten: silence */
    if (f->state == LISTENS || f->state == GONE || f->client_port != get16(segment)) return;
    if (flags & RST) {
        f->reset_seen = 1;
        f->state = GONE;
        return;
    }
    if (f->state == SYN_SEEN && f->door[family] == FAR_LETS_IN_AND_RESETS) {
        send_tcp(f, RST | ACK, f->nxt, NULL, 0);
        f->state = GONE;
        return;
    }
    f->state = UP;
    acknowledged(f, get32(segment + 8),
                 get16(segment + 14) << (LWIP_WND_SCALE ? TCP_RCV_SCALE : 0));
    u32_t window = sys_now() - f->began_at < f->shut_ms ? 0 : f->window ? f->window : 4096;
    if (text > window + 1) f->bad++;
    if (text && seq == f->rcv_nxt && window) {
        f->rcv_nxt += (u32_t)text;
        f->take(f->ctx, segment + header, text);
    }
    if (flags & FIN && seq + text == f->rcv_nxt) {
        f->rcv_nxt++;
        f->fin_seen = 1;
    }
    say(f);
    if (text || flags & FIN) {
        if (f->state == UP) send_tcp(f, ACK, f->nxt, NULL, 0);
    }
}

/* ---- the name server ---- */

static void receive_question(far_end *f, const u8_t *datagram, size_t n) {
    const u8_t *question = datagram + 8;
    size_t at = 8 + 12, len = n - 8, named = 0;
    char name[300];
    while (at < n && datagram[at]) {
        size_t label = datagram[at];
        if (label > 63 || at + label >= n || named + label + 2 > sizeof name) {
            f->bad++;
            return;
        }
        if (named) name[named++] = '.';
        memcpy(name + named, datagram + at + 1, label);
        named += label;
        at += label + 1;
    }
    name[named] = 0;
    if (at + 5 != n || (get16(datagram + at + 1) != 1 && get16(datagram + at + 1) != 28)) {
        f->bad++;
        return;
    }
    int family = get16(datagram + at + 1) == 28 ? FAR_V6 : FAR_V4;
    memcpy(f->asked[family], name, named + 1);
    f->questions[family]++;
    if (f->name[family] == FAR_NO_NAME_SERVER || len > sizeof f->question[0]) return;
    memcpy(f->question[family], question, len);
    f->question_len[family] = (u16_t)len;
    f->question_port[family] = (u16_t)get16(datagram);
    f->question_number[family] = f->names_number ? f->names_number : 2;
    f->answer_waits[family] = 1;
    f->answer_at[family] = sys_now() + f->name_ms;
}

static void answer(far_end *f, int family) {
    /* name, type, class, no time to live, length */
    static const u8_t record[12] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};
    u8_t datagram[600] = {0};
    size_t n = f->question_len[family] + 8u, address = family == FAR_V4 ? 4 : 16;
    f->answer_waits[family] = 0;
    memcpy(datagram + 8, f->question[family], f->question_len[family]);
    datagram[8 + 2] |= 0x80;
    if (f->name[family] == FAR_KNOWN) {
        put16(datagram + 8 + 6, 1);
        memcpy(datagram + n, record, sizeof record);
        datagram[n + 3] = family == FAR_V4 ? 1 : 28;
        datagram[n + 11] = (u8_t)address;
        memcpy(datagram + n + 12, server[family], address);
        n += 12 + address;
        datagram[n - 1] = f->question_number[family];
    } else {
        datagram[8 + 3] |= 3;
    }
    put16(datagram, 53);
    put16(datagram + 2, f->question_port[family]);
    put16(datagram + 4, (u32_t)n);
    send_ip(f, FAR_V4, name_server, UDP, datagram, n, 6);
}

/* ---- the wire ---- */

static void receive(far_end *f, int family, struct pbuf *p) {
    static u8_t o[FAR_PACKET];
    size_t address = family == FAR_V4 ? 4 : 16, header = family == FAR_V4 ? 20 : 40, n = p->tot_len;
    if (n > sizeof o || n < header + 8) abort();
    pbuf_copy_partial(p, o, (u16_t)n, 0);
    u32_t protocol = family == FAR_V4 ? o[9] : o[6];
    if (lost(f) || (protocol != TCP && protocol != UDP)) return;
    if (folded(sum((u32_t)(protocol + n - header) + sum(0, o + header - 2 * address, 2 * address),
                   o + header, n - header)) != 0xffff)
        f->bad++;
    if (protocol == TCP)
        receive_tcp(f, family, o + header, n - header, o[header - 1]);
    else if (get16(o + header + 2) == 53)
        receive_question(f, o + header, n - header);
}

static err_t output4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to) {
    (void)to;
    receive(netif->state, FAR_V4, p);
    return ERR_OK;
}

#if LWIP_IPV6
static err_t output6(struct netif *netif, struct pbuf *p, const ip6_addr_t *to) {
    (void)to;
    receive(netif->state, FAR_V6, p);
    return ERR_OK;
}
#endif

static err_t init(struct netif *netif) {
    netif->name[0] = 'f', netif->name[1] = 'a';
    netif->mtu = 1500;
    netif->output = output4;
#if LWIP_IPV6
    netif->output_ip6 = output6;
#endif
    netif->flags = NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

void far_reset(far_end *f) {
    size_t kept = offsetof(far_end, netif);
    struct netif netif = f->netif;
    memset(f, 0, kept);
    memset((u8_t *)f + kept, 0, sizeof *f - kept);
    f->netif = netif;
    f->random = 1;
}

void far_plug(far_end *f) {
    ip4_addr_t a, mask, gateway;
    ip_addr_t names = IPADDR4_INIT_BYTES(10, 0, 0, 53);
    IP4_ADDR(&a, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 0, 2);
    netif_add(&f->netif, &a, &mask, &gateway, f, init, ip_input);
#if LWIP_IPV6
    ip6_addr_t a6;
    IP6_ADDR(&a6, PP_HTONL(0x20010db8), 0, 0, PP_HTONL(1));
    netif_ip6_addr_set(&f->netif, 1, &a6);
    netif_ip6_addr_set_state(&f->netif, 1, IP6_ADDR_PREFERRED);
#endif
    netif_set_default(&f->netif);
    netif_set_up(&f->netif);
    dns_setserver(0, &names);
}

void far_unplug(far_end *f) { netif_remove(&f->netif); }

unsigned far_deliver(far_end *f, unsigned most) {
    unsigned n = 0;
    for (int family = 0; family < FAR_FAMILIES; family++) {
        if (f->answer_waits[family] && (s32_t)(sys_now() - f->answer_at[family]) >= 0)
            answer(f, family);
    }
    if ((f->state == UP || f->state == SYN_SEEN) && (s32_t)(sys_now() - f->timer_at) >= 0) again(f);
    for (; n < most && f->queued && (s32_t)(sys_now() - f->queue[f->first].due) >= 0; n++) {
        far_packet *p = &f->queue[f->first];
        f->first = (f->first + 1) % FAR_QUEUE;
        f->queued--;
        struct pbuf *b = pbuf_alloc(PBUF_RAW, p->len, PBUF_POOL);
        if (!b) continue; /* as a driver does: the frame is lost */
        f->delivered = p->said;
        pbuf_take(b, p->octets, p->len);
        if (f->netif.input(b, &f->netif) != ERR_OK) pbuf_free(b);
    }
    say(f);
    return n;
}

u32_t far_next_ms(far_end *f) {
    u32_t next = UINT32_MAX, now = sys_now();
    if (f->queued) {
        u32_t due = f->queue[f->first].due;
        if ((s32_t)(now - due) >= 0) return 0;
        next = due - now;
    }
    for (int family = 0; family < FAR_FAMILIES; family++) {
        if (f->answer_waits[family] && f->answer_at[family] - now < next)
            next = f->answer_at[family] - now;
    }
    if ((f->state == UP || f->state == SYN_SEEN) && f->timer_at - now < next)
        next = f->timer_at - now;
    if (f->state == UP && f->is_waiting && !f->unacked_n) {
        u32_t left = f->changed_at + OVERRIDE_MS - now;
        next = left > OVERRIDE_MS ? 0 : left < next ? left : next;
    }
    return next;
}
