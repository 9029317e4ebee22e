/* SPDX-License-Identifier: MIT */
/* eth - an Ethernet controller, polled. Its interrupt masks itself and reports that there is work;
 * the main loop does the work and unmasks the interrupt. So an interrupt costs the same few
 * instructions for any traffic, and lwIP runs in one place only. A board links either
 * eth_stellaris.c or eth_lan9118.c. */
#ifndef ETH_H
#define ETH_H

#include <stdint.h>

#include <lwip/netif.h>
#include <lwip/pbuf.h>

extern volatile uint8_t eth_waiting; /* set by the interrupt: call eth_poll */
extern uint32_t eth_dropped;         /* frames for which lwIP had no buffer; TCP sends them again */
extern uint32_t
    eth_hunger; /* for tests, with STATS: so many bursts, after the first frames, find no buffer */

void eth_interrupt(void); /* the handler; calls eth_woken, which a kernel may define */
void eth_woken(void);

/* For netif_add: resets the controller, takes its address, and lets it interrupt. */
err_t eth_init(struct netif *netif);
/* Gives the frames that came to netif->input. It gives so many at a time that a flood of frames
 * leaves the rest of the program its turn: eth_waiting is then still set. */
void eth_poll(struct netif *netif);
/* Returns whether the cable is in; 1 if the controller cannot know. */
int eth_has_link(void);

/* The functions of a driver. */
void eth_start(
    unsigned char mac[6]); /* mac: in a likely address; out the controller's own, if it has one */
void eth_mask(void);       /* turns interrupts off */
void eth_unmask(void);     /* turns them on, and forgets those so far */
int eth_any(void);         /* 1 = a frame is there */
uint32_t eth_next(void);   /* bytes of the next frame, with ETH_PAD_SIZE; 0 = no frame */
void eth_read(uint32_t *words, uint32_t n); /* reads its next n words */
void eth_skip(void);                        /* drops the rest of it; always called */
void eth_send(struct pbuf *frame);
uint32_t eth_phy_read(uint32_t which); /* a register of the PHY (IEEE 802.3, 22.2.4); 0 = no PHY */

/* The octets of a frame as words, from a chain of buffers of any alignment. Begin with everything
 * zero except `at`: the frame. */
typedef struct eth_words {
    const struct pbuf *at;
    uint16_t offset;
} eth_words;
uint32_t eth_word(eth_words *w);

#endif
