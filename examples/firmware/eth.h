/* SPDX-License-Identifier: MIT */
/* eth - an Ethernet controller, polled: its interrupt masks itself and says that there is
 * something, the main loop reads it and lets it interrupt again. So an interrupt costs the same few
 * instructions whatever the network does, and lwIP runs in one place only. Of eth_stellaris.c and
 * eth_lan9118.c a board links one. */
#ifndef ETH_H
#define ETH_H

#include <stdint.h>

#include <lwip/netif.h>
#include <lwip/pbuf.h>

extern volatile uint8_t eth_waiting; /* set by the interrupt: call eth_poll */
extern uint32_t eth_dropped;         /* frames for which lwIP had no buffer; TCP sends them again */
extern uint32_t
    eth_hunger; /* for tests, with STATS: so many frames, but not the first, are to find none */

void eth_interrupt(void); /* the handler; calls eth_woken, which a kernel may define */
void eth_woken(void);

/* For netif_add: resets the controller, takes its address, and lets it interrupt. */
err_t eth_init(struct netif *netif);
/* Gives the frames that came to netif->input, so many at a time that a flood of them leaves the
 * rest of the program its turn: eth_waiting is then still set. */
void eth_poll(struct netif *netif);
/* Whether the cable is in; 1 where the controller cannot tell. */
int eth_has_link(void);

/* What the drivers write. */
void eth_start(
    unsigned char mac[6]); /* mac: in a likely one; out the controller's own, where it has one */
void eth_mask(void);       /* no interrupts */
void eth_unmask(void);     /* and forgets what they told of so far */
int eth_any(void);         /* 1: a frame is there */
uint32_t eth_next(void);   /* octets of the frame that is next, ETH_PAD_SIZE included; 0: none */
void eth_read(uint32_t *words, uint32_t n); /* its next n words */
void eth_skip(void);                        /* drops what is left of it; always called */
void eth_send(struct pbuf *frame);
uint32_t eth_phy_read(uint32_t which); /* a register of the PHY (IEEE 802.3, 22.2.4); 0: none */

/* The octets of a frame as words, from a chain of buffers of any alignment. Zeroed, but for `at`:
 * the frame. */
typedef struct eth_words {
    const struct pbuf *at;
    uint16_t offset;
} eth_words;
uint32_t eth_word(eth_words *w);

#endif
