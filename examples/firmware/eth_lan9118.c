/* SPDX-License-Identifier: MIT */
/* eth_lan9118 - the Ethernet controller of the MPS2 boards. It is set to put two octets before each
 * frame, which are lwIP's padding. Its PHY finds speed and duplex by itself. */
#include "board.h"
#include "eth.h"

enum {
    RX_DATA = 0x00,
    TX_DATA = 0x20,
    RX_STATUS = 0x40,
    TX_STATUS = 0x48,
    IRQ_CFG = 0x54,
    INT_STS = 0x58,
    INT_EN = 0x5c,
    BYTE_TEST = 0x64,
    FIFO_INT = 0x68,
    RX_CFG = 0x6c,
    TX_CFG = 0x70,
    HW_CFG = 0x74,
    RX_FIFO_INF = 0x7c,
    TX_FIFO_INF = 0x80,
    CSR_CMD = 0xa4,
    CSR_DATA = 0xa8,
    E2P_CMD = 0xb0
};
#define LAN(offset) REGISTER(BOARD_ETH, offset)

/* accessed through CSR_CMD and CSR_DATA */
enum { CSR_MAC_CR = 1, CSR_ADDRH = 2, CSR_ADDRL = 3, CSR_MII = 6, CSR_MII_DATA = 7 };
#define MII_BUSY   1u
#define MII_OWN    0x800u /* the PHY inside the controller */
#define MII_REG(n) ((n) << 6)
#define CSR_BUSY   0x80000000u
#define CSR_READ   0x40000000u
#define MAC_CR     0x0010000cu /* full duplex, transmits, receives; not promiscuous */
#define MAC_CR_ALL 0x00080000u /* all multicasts too */
#define SOFT_RESET 1u
#define FIFO_OF_5K 0x00150000u /* for frames to send; and the bit that must be one */
#define E2P_BUSY   0x80000000u
/* in INT_STS and INT_EN: more frames than FIFO_INT, which is 0 */
#define RX_FRAME 8u
#define IRQ_LINE 0x11u /* push-pull, active high */
#define IRQ_ON   0x100u
#define RX_ERROR 0x8000u /* in RX_STATUS */
#define CHECKSUM 4u

static uint32_t words_left;

static uint32_t csr_read(uint32_t which) {
    LAN(CSR_CMD) = CSR_BUSY | CSR_READ | which;
    while (LAN(CSR_CMD) & CSR_BUSY) {}
    return LAN(CSR_DATA);
}

static void csr_write(uint32_t which, uint32_t value) {
    LAN(CSR_DATA) = value;
    LAN(CSR_CMD) = CSR_BUSY | which;
    while (LAN(CSR_CMD) & CSR_BUSY) {}
}

void eth_start(unsigned char mac[6]) {
    while (LAN(BYTE_TEST) != 0x87654321u) {} /* it wakes up */
    LAN(HW_CFG) = SOFT_RESET;
    while (LAN(HW_CFG) & SOFT_RESET) {}
    LAN(HW_CFG) = FIFO_OF_5K;
    while (LAN(E2P_CMD) & E2P_BUSY) {} /* it reads its EEPROM */
    uint32_t low = csr_read(CSR_ADDRL), high = csr_read(CSR_ADDRH);
    for (unsigned i = 0; low != 0xffffffffu && i < 6; i++) /* from its EEPROM, if it has one */
        mac[i] = (unsigned char)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
    csr_write(CSR_ADDRL,
              mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
    csr_write(CSR_ADDRH, mac[4] | (uint32_t)mac[5] << 8);
    eth_mask();
    LAN(RX_CFG) = ETH_PAD_SIZE << 8;
    LAN(TX_CFG) = 2; /* on */
    LAN(FIFO_INT) = 0;
    LAN(INT_STS) = 0xffffffffu;
    LAN(INT_EN) = RX_FRAME;
    csr_write(CSR_MAC_CR, MAC_CR | (LWIP_IPV6 ? MAC_CR_ALL : 0));
}

uint32_t eth_phy_read(uint32_t which) {
    csr_write(CSR_MII, MII_OWN | MII_REG(which) | MII_BUSY);
    while (csr_read(CSR_MII) & MII_BUSY) {}
    return csr_read(CSR_MII_DATA) & 0xffffu;
}

void eth_mask(void) { LAN(IRQ_CFG) = IRQ_LINE; }

void eth_unmask(void) {
    LAN(INT_STS) = RX_FRAME;
    LAN(IRQ_CFG) = IRQ_LINE | IRQ_ON;
}

int eth_any(void) { return (LAN(RX_FIFO_INF) & 0x00ff0000u) != 0; }

uint32_t eth_next(void) {
    while (eth_any()) {
        uint32_t status = LAN(RX_STATUS), len = status >> 16 & 0x3fffu;
        words_left = (len + ETH_PAD_SIZE + 3u) / 4u;
        if (!(status & RX_ERROR) && len > CHECKSUM) return len + ETH_PAD_SIZE - CHECKSUM;
        eth_skip();
    }
    return 0;
}

void eth_read(uint32_t *words, uint32_t n) {
    for (; n && words_left; n--, words_left--)
        *words++ = LAN(RX_DATA);
}

void eth_skip(void) {
    for (; words_left; words_left--)
        (void)LAN(RX_DATA);
}

void eth_send(struct pbuf *frame) {
    eth_words words = {.at = frame};
    uint32_t len = frame->tot_len - (uint32_t)ETH_PAD_SIZE, n = (frame->tot_len + 3u) / 4u;
    while ((LAN(TX_FIFO_INF) & 0xffffu) < n * 4u + 16u) {} /* frames on their way make room */
    /* begins after the padding; the first and the last piece */
    LAN(TX_DATA) = (uint32_t)ETH_PAD_SIZE << 16 | 0x3000u | len;
    LAN(TX_DATA) = len;
    while (n--)
        LAN(TX_DATA) = eth_word(&words);
    while (LAN(TX_FIFO_INF) & 0x00ff0000u)
        (void)LAN(TX_STATUS);
}
