/* SPDX-License-Identifier: MIT */
/* test_eth - what the firmware's drivers share (examples/firmware/eth.c), over a controller of this
 * file: a queue of frames that may never be empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eth.h"

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/stats.h>
#include <lwip/sys.h>

enum { FRAME = 60 + ETH_PAD_SIZE, ENDLESS = 1 << 20 };

static struct {
    uint32_t waiting;       /* frames in the controller */
    uint32_t comes_at_last; /* and so many more, just before it may interrupt again: it tells of
                               them no more */
    uint32_t looks, words_left;
    uint32_t phy_status; /* register 1 of the PHY */
    int masked;
} controller;

static struct netif netif;
static uint32_t given; /* frames that lwIP got */
static int refuses;

/* ---- the controller ---- */

void eth_start(unsigned char mac[6]) { (void)mac; }
void eth_mask(void) { controller.masked = 1; }
void eth_send(struct pbuf *frame) { (void)frame; }
int eth_any(void) { return controller.waiting != 0; }

uint32_t eth_phy_read(uint32_t which) { return which == 1 ? controller.phy_status : 0; }

void eth_unmask(void) {
    controller.waiting += controller.comes_at_last;
    controller.comes_at_last = 0;
    controller.masked = 0;
}

uint32_t eth_next(void) {
    if (++controller.looks > ENDLESS) fail_msg("it takes frames for ever");
    if (controller.waiting == 0) return 0;
    controller.words_left = (FRAME + 3) / 4;
    return FRAME;
}

void eth_read(uint32_t *words, uint32_t n) {
    assert_true(n <= controller.words_left);
    memset(words, (int)controller.waiting, n * sizeof *words);
    controller.words_left -= n;
}

void eth_skip(void) {
    controller.words_left = 0;
    controller.waiting--;
}

/* ---- lwIP ---- */

u32_t sys_now(void) { return 0; }

static err_t input(struct pbuf *p, struct netif *n) {
    (void)n;
    assert_int_equal(p->tot_len, FRAME);
    if (refuses) return ERR_MEM;
    given++;
    pbuf_free(p);
    return ERR_OK;
}

static void frames_come(uint32_t n) {
    memset(&controller, 0, sizeof controller);
    controller.waiting = n;
    netif.input = input;
    given = eth_dropped = 0;
    eth_interrupt();
}

/* As a main loop does. Returns how often eth_poll was called. */
static unsigned turns(void) {
    unsigned n = 0;
    for (; eth_waiting; n++) {
        assert_true(controller.masked);
        eth_poll(&netif);
    }
    assert_false(controller.masked);
    return n;
}

/* ---- tests ---- */

static void every_frame_is_given_once(void **state) {
    (void)state;
    for (uint32_t n = 1; n < 100; n++) {
        frames_come(n);
        (void)turns();
        assert_int_equal(given, n);
    }
}

/* Frames may come faster than they are taken: the rest of the program has its turn all the same,
 * the watchdog's too. */
static void a_flood_does_not_hold_the_main_loop(void **state) {
    (void)state;
    frames_come(ENDLESS);
    eth_poll(&netif);
    assert_in_range(given, 1, 100);
    assert_true(eth_waiting);
}

/* A frame that comes after the last look, and before the controller's word of it is cleared. */
static void a_frame_is_not_forgotten(void **state) {
    (void)state;
    frames_come(1);
    controller.comes_at_last = 1;
    (void)turns();
    assert_int_equal(given, 2);
}

static void without_a_buffer_a_frame_is_dropped(void **state) {
    struct pbuf *all[PBUF_POOL_SIZE];
    (void)state;
    for (unsigned i = 0; i < PBUF_POOL_SIZE; i++)
        assert_non_null(all[i] = pbuf_alloc(PBUF_RAW, 1, PBUF_POOL));
    frames_come(3);
    (void)turns();
    assert_int_equal(eth_dropped, 3);
    assert_int_equal(given, 0);
    for (unsigned i = 0; i < PBUF_POOL_SIZE; i++)
        pbuf_free(all[i]);
}

static void what_lwip_refuses_is_freed(void **state) {
    (void)state;
    refuses = 1;
    frames_come(10);
    (void)turns();
    refuses = 0;
    assert_int_equal(lwip_stats.memp[MEMP_PBUF_POOL]->used, 0);
    assert_int_equal(eth_dropped, 0);
}

/* Words of a frame in pieces of any length, empty ones too. */
static void words_are_put_together(void **state) {
    static unsigned char octets[23];
    (void)state;
    for (unsigned i = 0; i < sizeof octets; i++)
        octets[i] = (unsigned char)(i + 1);
    for (uint16_t cut = 0; cut <= sizeof octets; cut++) {
        struct pbuf last = {.payload = octets + cut, .len = (uint16_t)(sizeof octets - cut)};
        struct pbuf first = {
            .next = &last, .payload = octets, .len = cut, .tot_len = sizeof octets};
        eth_words words = {.at = &first};
        for (unsigned i = 0; i < 24; i += 4) {
            uint32_t word =
                (i + 1) | (i + 2) << 8 | (i + 3) << 16 | (i + 4 <= sizeof octets ? i + 4 : 0) << 24;
            assert_int_equal(eth_word(&words), word);
        }
        assert_int_equal(eth_word(&words), 0);
    }
}

/* Where no PHY tells, the cable counts as in: else a board without one would never poll. */
static void the_cable_is_in_unless_a_phy_says_no(void **state) {
    static const struct {
        uint32_t status;
        int has_link;
    } rows[] = {{0x782d, 1}, {0x7829, 0}, {0x7809, 0}, {0x0004, 1}, {0x0000, 1}, {0xffff, 1}};
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        controller.phy_status = rows[i].status;
        assert_int_equal(eth_has_link(), rows[i].has_link);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_given_once),
        cmocka_unit_test(a_flood_does_not_hold_the_main_loop),
        cmocka_unit_test(a_frame_is_not_forgotten),
        cmocka_unit_test(without_a_buffer_a_frame_is_dropped),
        cmocka_unit_test(what_lwip_refuses_is_freed),
        cmocka_unit_test(words_are_put_together),
        cmocka_unit_test(the_cable_is_in_unless_a_phy_says_no),
    };
    lwip_init();
    return cmocka_run_group_tests_name("eth", tests, NULL, NULL);
}
