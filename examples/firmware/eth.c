/* SPDX-License-Identifier: MIT */
/* eth - see eth.h: the code that all controllers share. ETH_PAD_SIZE is 2, so that words of the
 * controller are words of a buffer, and an IP header is aligned. */
#include "eth.h"

#include <string.h>

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/sys.h>

#include "board.h"

#define FRAMES_AT_ONCE 8u

volatile uint8_t eth_waiting;
uint32_t eth_dropped;

__attribute__((weak)) void eth_woken(void) {}

void eth_interrupt(void) {
    eth_mask();
    eth_waiting = 1;
    eth_woken();
}

#if STATS
#define BEFORE_HUNGER 20u  /* frames, after which a handshake is under way */
#define BURST_MS      100u /* a host that waits for an answer sends later than this */

uint32_t eth_hunger;

/* For tests: while eth_hunger bursts of frames come, all buffers are taken here. How many frames a
 * burst has depends on the machine; each burst costs TCP one timeout. */
static void starve(void) {
    static struct pbuf *held[PBUF_POOL_SIZE];
    static uint32_t frames, bursts, last_ms;
    if (!eth_hunger || frames++ < BEFORE_HUNGER) return;
    const uint32_t now_ms = sys_now();
    if (bursts == 0 || now_ms - last_ms >= BURST_MS) bursts++;
    last_ms = now_ms;
    const int over = bursts > eth_hunger;
    for (unsigned i = 0; i < PBUF_POOL_SIZE; i++) {
        if (over && held[i])
            (void)pbuf_free(held[i]);
        else if (!over && !held[i])
            held[i] = pbuf_alloc(PBUF_RAW, 1, PBUF_POOL);
    }
    if (over) eth_hunger = 0;
}
#else
static void starve(void) {}
#endif

/* Returns the next frame in buffers of lwIP; NULL = no frame, or no buffer for it. */
static struct pbuf *take(uint32_t len) {
    starve();
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, (uint16_t)len, PBUF_POOL);
    for (struct pbuf *p = frame; p; p = p->next)
        /* the room of a buffer of the pool is whole words, and all buffers except the last are
         * full */
        eth_read(p->payload, (p->len + 3u) / 4u);
    eth_skip();
    if (!frame) eth_dropped++;
    return frame;
}

/* This code reports a frame that is left, or that came before the controller may interrupt
 * again. */
static void let_interrupt(void) {
    eth_unmask();
    if (eth_any()) eth_interrupt();
}

void eth_poll(struct netif *netif) {
    uint32_t len;
    eth_waiting = 0;
    for (unsigned i = 0; i < FRAMES_AT_ONCE && (len = eth_next()) != 0; i++) {
        struct pbuf *frame = take(len);
        if (frame && netif->input(frame, netif) != ERR_OK) pbuf_free(frame);
    }
    let_interrupt();
}

#define PHY_STATUS 1u
#define PHY_LINK   4u      /* a bit of it; also 0 once after a loss that is over */
#define PHY_ABSENT 0xffffu /* no PHY drives the bus */

/* A PHY lists its abilities in its status: with all zeros there is no PHY. */
int eth_has_link(void) {
    uint32_t status = eth_phy_read(PHY_STATUS);
    return status == 0 || status == PHY_ABSENT || (status & PHY_LINK) != 0;
}

uint32_t eth_word(eth_words *w) {
    uint32_t word = 0;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        while (w->at && w->offset == w->at->len) {
            w->at = w->at->next;
            w->offset = 0;
        }
        if (!w->at) break;
        word |= (uint32_t)((const unsigned char *)w->at->payload)[w->offset++] << shift;
    }
    return word;
}

static err_t output(struct netif *netif, struct pbuf *frame) {
    (void)netif;
    eth_send(frame);
    return ERR_OK;
}

err_t eth_init(struct netif *netif) {
    static const unsigned char own[6] = {0x02, 'p', 'o', 'p', 'c', 'l'}; /* locally administered */
    memcpy(netif->hwaddr, own, sizeof own);
    netif->hwaddr_len = sizeof own;
    netif->mtu = 1500;
    netif->flags =
        NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->linkoutput = output;
    netif->output = etharp_output;
#if LWIP_IPV6
    netif->output_ip6 = ethip6_output;
    netif->flags |= NETIF_FLAG_MLD6;
#endif
    eth_start(netif->hwaddr);
    NVIC_ENABLE((uint32_t)BOARD_ETH_IRQ);
    let_interrupt();
    return ERR_OK;
}
