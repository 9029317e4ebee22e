/* SPDX-License-Identifier: MIT */
/* tap - see tap.h. */
#define _GNU_SOURCE
#include "tap.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/sys.h>

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { OUT, IN, PAD = ETH_PAD_SIZE };

static int chance(tap *t, unsigned percent) {
    t->seed = t->seed * 1103515245u + 12345u;
    return t->seed / 65536u % 100u < percent;
}

/* ---- a long line ---- */

static u32_t get16(const unsigned char *p) { return (u32_t)p[0] << 8 | p[1]; }
static u32_t get32(const unsigned char *p) { return get16(p) << 16 | get16(p + 2); }

/* Counts a frame at the server's end of the line: octets that it sends, or that are acknowledged.
 */
static void look(tap *t, int way, const unsigned char *frame, size_t n) {
    const unsigned char *ip = frame + 14, *tcp = ip + 20;
    if (n < 54 || get16(frame + 12) != 0x0800 || ip[0] != 0x45 || ip[9] != 6) return;
    u32_t flight = t->sent_to - t->acknowledged, now = sys_now();
    u32_t len = get16(ip + 2) - 20 - (u32_t)(tcp[12] >> 4) * 4, end = get32(tcp + 4) + len;
    if (t->counts && flight <= TAP_FLIGHT) t->flight_ms[flight] += now - t->changed_at;
    t->changed_at = now;
    if (way == OUT) {
        t->acknowledged = get32(tcp + 8);
    } else if (len && (!t->counts || (s32_t)(end - t->sent_to) > 0)) {
        t->sent_to = end;
        t->counts = 1;
    }
    if (tcp[13] & 7) t->counts = 0; /* a connection begins or ends */
}

/* Puts what came on the line. */
static void fill_line(tap *t) {
    while (t->on_line < TAP_LINE) {
        tap_frame *f = &t->line[(t->first + t->on_line) % TAP_LINE];
        ssize_t n = read(t->fd, f->octets, sizeof f->octets);
        if (n <= 0) return;
        f->n = (size_t)n;
        f->due = sys_now() + t->line_ms;
        t->on_line++;
        look(t, IN, f->octets, f->n);
    }
}

/* Milliseconds until the first frame is at the line's end. */
static u32_t left_on_line(const tap *t) {
    s32_t left = t->on_line ? (s32_t)(t->line[t->first].due - sys_now()) : (s32_t)0x7fffffff;
    return left > 0 ? (u32_t)left : 0;
}

/* ---- frames ---- */

static void deliver(tap *t, int way, const unsigned char *frame, size_t n) {
    if (way == OUT) {
        if (t->line_ms) look(t, OUT, frame, n);
        t->sent++;
        if (write(t->fd, frame, n) < 0) t->lost++; /* as a wire: nobody is told */
        return;
    }
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(n + PAD), PBUF_POOL);
    t->taken++;
    if (!p) {
        t->dropped++;
        return;
    }
    pbuf_take_at(p, frame, (u16_t)n, PAD);
    if (t->netif.input(p, &t->netif) != ERR_OK) pbuf_free(p);
}

/* A frame on its way, with what the shim does to it. */
static void pass(tap *t, int way, const unsigned char *frame, size_t n) {
    size_t behind = t->kept_len[way];
    t->kept_len[way] = 0;
    if (chance(t, t->lose_percent)) {
        t->lost++;
    } else if (!behind && chance(t, t->swap_percent)) {
        memcpy(t->kept[way], frame, n);
        t->kept_len[way] = n;
        t->swapped++;
    } else {
        deliver(t, way, frame, n);
    }
    if (behind) deliver(t, way, t->kept[way], behind);
}

static err_t output(struct netif *netif, struct pbuf *p) {
    unsigned char frame[TAP_FRAME];
    size_t n = p->tot_len;
    if (n > sizeof frame) return ERR_BUF;
    pbuf_copy_partial(p, frame, (u16_t)n, 0);
    pass(netif->state, OUT, frame + PAD, n - PAD);
    return ERR_OK;
}

static err_t init(struct netif *netif) {
    static const u8_t address[6] = {0x02, 0, 0, 0, 0, 0x42}; /* of local meaning */
    netif->name[0] = 't', netif->name[1] = 'p';
    netif->output = etharp_output;
#if LWIP_IPV6
    netif->output_ip6 = ethip6_output;
#endif
    netif->linkoutput = output;
    netif->mtu = 1500;
    netif->hwaddr_len = sizeof address;
    memcpy(netif->hwaddr, address, sizeof address);
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

int tap_open(tap *t, const char *device, const ip4_addr_t *ip, const ip4_addr_t *mask,
             const ip4_addr_t *gateway, netif_input_fn input) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    strncpy(request.ifr_name, device, sizeof request.ifr_name - 1);
    t->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    if (t->fd < 0) return -1;
    if (ioctl(t->fd, TUNSETIFF, &request) < 0) {
        close(t->fd);
        return -1;
    }
    netif_add(&t->netif, ip, mask, gateway, t, init, input);
    netif_set_default(&t->netif);
    netif_set_up(&t->netif);
    return 0;
}

int tap_wait(tap *t, u32_t limit_ms) {
    struct pollfd p = {t->fd, POLLIN, 0};
    u32_t began = sys_now(), passed = 0;
    if (limit_ms > 60000) limit_ms = 60000;
    if (!t->line_ms) return poll(&p, 1, (int)limit_ms) > 0;
    for (;;) {
        fill_line(t);
        u32_t nap = LWIP_MIN(left_on_line(t), limit_ms - passed);
        if (nap == 0) return left_on_line(t) == 0;
        (void)poll(&p, t->on_line < TAP_LINE, (int)nap);
        passed = LWIP_MIN(sys_now() - began, limit_ms);
    }
}

int tap_take(tap *t) {
    unsigned char frame[TAP_FRAME];
    if (t->line_ms) {
        const tap_frame *f = &t->line[t->first];
        if (left_on_line(t)) return 0;
        t->first = (t->first + 1) % TAP_LINE;
        t->on_line--;
        pass(t, IN, f->octets, f->n);
        return 1;
    }
    ssize_t n = read(t->fd, frame, sizeof frame);
    if (n <= 0) return 0;
    pass(t, IN, frame, (size_t)n);
    return 1;
}

void tap_close(tap *t) {
    netif_remove(&t->netif);
    close(t->fd);
}
