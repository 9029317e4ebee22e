/* SPDX-License-Identifier: MIT */
/* tap - see tap.h. */
#define _GNU_SOURCE
#include "tap.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>

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

static void deliver(tap *t, int way, const unsigned char *frame, size_t n) {
    if (way == OUT) {
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
    unsigned char frame[1600];
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
    return poll(&p, 1, limit_ms < 60000 ? (int)limit_ms : 60000) > 0;
}

int tap_take(tap *t) {
    unsigned char frame[1600];
    ssize_t n = read(t->fd, frame, sizeof frame);
    if (n <= 0) return 0;
    pass(t, IN, frame, (size_t)n);
    return 1;
}

void tap_close(tap *t) {
    netif_remove(&t->netif);
    close(t->fd);
}
