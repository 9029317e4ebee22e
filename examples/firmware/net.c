/* SPDX-License-Identifier: MIT */
/* net - see net.h. */
#include "net.h"

#include <string.h>

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/prot/dhcp.h>
#include <lwip/stats.h>

#include "clock.h"
#include "console.h"
#include "eth.h"
#include "settings.h"
#include "startup.h"

#define LOOK_MS 200u /* from one look at the PHY to the next */

static struct netif netif;

struct netif *net_if(void) {
    return &netif;
}

/* "A.B.C.D/LEN". */
static void set_address(void) {
    char text[20];
    ip4_addr_t address = {0}, mask, gateway = {0};
    const char *slash = strchr(set.ip, '/');
    uint32_t bits = slash ? settings_number(slash + 1) : 24;
    size_t len = slash ? (size_t)(slash - set.ip) : strlen(set.ip);
    if (len >= sizeof text) len = sizeof text - 1;
    memcpy(text, set.ip, len);
    text[len] = '\0';
    ip4_addr_set_u32(&mask, bits == 0 ? 0 : lwip_htonl(0xffffffffu << (32 - bits % 32) % 32));
    if (set.gw) (void)ip4addr_aton(set.gw, &gateway);
    (void)ip4addr_aton(text, &address);
    netif_set_addr(&netif, &address, &mask, &gateway);
}

void net_start(netif_input_fn input) {
    ip_addr_t dns;
    (void)netif_add(&netif, NULL, NULL, NULL, NULL, eth_init, input);
    netif_set_default(&netif);
#if LWIP_IPV6
    netif_create_ip6_linklocal_address(&netif, 1);
    netif.ip6_autoconfig_enabled = 1; /* as netif_set_ip6_autoconfig_enabled does */
#endif
    netif_set_up(&netif);
    if (set.ip)
        set_address();
    else
        (void)dhcp_start(&netif);
#if STATS
    eth_hunger = set.starve;
#endif
    if (set.dns && ipaddr_aton(set.dns, &dns)) dns_setserver(0, &dns);
}

static void tell_address(void) {
    mark(PHASE_ADDRESS);
    console_text("address ");
    uint32_t address = ip4_addr_get_u32(netif_ip4_addr(&netif));
    for (unsigned i = 0; i < 4; i++) {
        if (i) console_text(".");
        console_number(address >> 8 * i & 255u);
    }
    console_text("\n");
}

#if LWIP_IPV6
/* Returns whether a router gave an address that no other host has. */
static int has_ipv6(void) {
    static uint8_t told;
    if (!ip6_addr_ispreferred(netif_ip6_addr_state(&netif, 1))) return 0;
    if (!told) {
        console_text("address ");
        console_text(ip6addr_ntoa(netif_ip6_addr(&netif, 1)));
        console_text("\n");
    }
    told = 1;
    return 1;
}
#else
static int has_ipv6(void) { return 0; }
#endif

void net_look(void) {
    static uint32_t looked;
    if (clock_ms() - looked < LOOK_MS) return;
    looked = clock_ms();
    int has_link = eth_has_link();
    if (has_link == netif_is_link_up(&netif)) return;
    console_text(has_link ? "link up\n" : "link down\n");
    if (has_link)
        netif_set_link_up(&netif);
    else
        netif_set_link_down(&netif);
}

void net_doubt(void) { dhcp_network_changed(&netif); }

/* Returns whether DHCP asks if its former address is good here. */
static int is_rebooting(void) {
    const struct dhcp *dhcp = netif_dhcp_data(&netif);
    return dhcp && dhcp->state == DHCP_STATE_REBOOTING;
}

int net_is_up(void) {
    static uint32_t told;
    if (!netif_is_link_up(&netif)) return 0;
    uint32_t address = ip4_addr_get_u32(netif_ip4_addr(&netif));
    if (address && address != told) tell_address();
    told = address;
    return has_ipv6() || (address != 0 && !is_rebooting());
}

void net_report(void) {
    uint32_t pcbs = 0;
#if STATS
    console_text("pbufs ");
    console_number(lwip_stats.memp[MEMP_PBUF_POOL]->max);
    console_text(" of ");
    console_number(PBUF_POOL_SIZE);
    console_text(" max, ");
    console_number(lwip_stats.memp[MEMP_PBUF_POOL]->used);
    console_text(" now, heap max ");
    console_number(lwip_stats.mem.max);
    console_text(", ");
    console_number(lwip_stats.mem.used);
    console_text(" now, ");
#endif
    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        pcbs++;
    for (const struct tcp_pcb *p = tcp_bound_pcbs; p; p = p->next)
        pcbs++;
    console_text("pcbs ");
    console_number(pcbs);
    console_text(", dropped ");
    console_number(eth_dropped);
}
