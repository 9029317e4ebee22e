/* SPDX-License-Identifier: MIT */
/* eth_stellaris - the Ethernet controller of the lm3s6965. A received frame has two octets of
 * length before it and four of checksum after it. A frame to send has two octets of length before
 * it. These are lwIP's two octets of padding. */
#include "board.h"
#include "eth.h"

enum {
    MACIS = 0x00,
    MACIM = 0x04,
    MACRCTL = 0x08,
    MACTCTL = 0x0c,
    MACDATA = 0x10,
    MACIA0 = 0x14,
    MACIA1 = 0x18,
    MACTHR = 0x1c,
    MACMCTL = 0x20,
    MACMDV = 0x24,
    MACMRXD = 0x30,
    MACNP = 0x34,
    MACTR = 0x38
};
#define MAC(offset) REGISTER(BOARD_ETH, offset)

#define RECEIVED      1u    /* in MACIS and MACIM */
#define RCTL_RESET    0x10u /* empties the FIFO */
#define RCTL_RECEIVE  0x09u /* receives, and no frames with a wrong checksum */
#define RCTL_MULTI    0x02u
#define TCTL_TRANSMIT 0x17u       /* transmits, pads, adds the checksum, full duplex */
#define RCGC2_ETH     0x50000000u /* the clocks of MAC and PHY */
#define MCTL_START    1u
#define MCTL_REG(n)   ((n) << 3)
#define MDV_SLOW      9u /* the PHY's clock, a twentieth of the core's: 2.5 MHz at 50 MHz */
#define LENGTH        2u
#define CHECKSUM      4u

/* of the next frame; it has a length. 0 = it was given away */
static uint32_t first_word;
static uint32_t words_left; /* words of that frame after it */

void eth_start(unsigned char mac[6]) {
    REGISTER(0x400fe108u, 0) |= RCGC2_ETH;
    MAC(MACRCTL) = RCTL_RESET;
    MAC(MACIM) = 0;
    MAC(MACIS) = 0x7f;
    uint32_t low = MAC(MACIA0), high = MAC(MACIA1);
    for (unsigned i = 0; low && i < 6; i++) /* QEMU gives an address; on the chip it comes from the
                                               user registers, or is the one below */
        mac[i] = (unsigned char)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
    MAC(MACIA0) = mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24;
    MAC(MACIA1) = mac[4] | (uint32_t)mac[5] << 8;
    MAC(MACTHR) = 0x3f; /* sent when it is whole */
    MAC(MACTCTL) = TCTL_TRANSMIT;
    MAC(MACRCTL) = RCTL_RECEIVE | (LWIP_IPV6 ? RCTL_MULTI : 0);
}

/* QEMU has no model of a PHY: 0. */
uint32_t eth_phy_read(uint32_t which) {
    MAC(MACMDV) = MDV_SLOW;
    MAC(MACMCTL) = MCTL_REG(which) | MCTL_START;
    while (MAC(MACMCTL) & MCTL_START) {}
    return MAC(MACMRXD) & 0xffffu;
}

void eth_mask(void) { MAC(MACIM) = 0; }

void eth_unmask(void) {
    MAC(MACIS) = RECEIVED;
    MAC(MACIM) = RECEIVED;
}

int eth_any(void) { return MAC(MACNP) != 0; }

uint32_t eth_next(void) {
    if (!eth_any()) return 0;
    first_word = MAC(MACDATA);
    uint32_t len = first_word & 0xffffu;
    words_left = len < LENGTH + CHECKSUM ? 0 : (len + 3u) / 4u - 1;
    return words_left ? len - CHECKSUM : LENGTH;
}

void eth_read(uint32_t *words, uint32_t n) {
    if (n && first_word) {
        *words++ = first_word;
        first_word = 0;
        n--;
    }
    for (; n && words_left; n--, words_left--)
        *words++ = MAC(MACDATA);
}

void eth_skip(void) {
    for (; words_left; words_left--)
        (void)MAC(MACDATA);
}

void eth_send(struct pbuf *frame) {
    eth_words words = {.at = frame};
    while (MAC(MACTR) & 1u) {} /* the frame before is being sent: 1.2 ms at most */
    uint32_t n = (frame->tot_len + 3u) / 4u, first = eth_word(&words);
    MAC(MACDATA) = (first & 0xffff0000u) | (uint32_t)(frame->tot_len - ETH_PAD_SIZE - 14);
    while (--n)
        MAC(MACDATA) = eth_word(&words);
    MAC(MACTR) = 1;
}
