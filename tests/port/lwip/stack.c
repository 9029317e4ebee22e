/* SPDX-License-Identifier: MIT */
/* stack - lwIP's side of the relay: the server at 127.0.0.1 and ::1, the name server, a netif whose
 * neighbours do not answer, and the clock. */
#include "stack.h"

#include <string.h>

#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/sys.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>

#include "relay.h"

typedef char window_fits[STACK_WINDOW >= TCP_WND ? 1 : -1];

/* ---- the server ---- */

static err_t came(void *ctx, struct tcp_pcb *pcb, struct pbuf *p, err_t err) {
    (void)pcb, (void)err;
    if (!p) return line_ended(ctx), ERR_OK;
    if (line_room(ctx) < p->tot_len) return ERR_MEM;
    for (struct pbuf *q = p; q; q = q->next)
        line_put(ctx, q->payload, q->len);
    pbuf_free(p);
    return ERR_OK;
}

static void broke(void *ctx, err_t err) {
    (void)err;
    line_broke(ctx);
}

static err_t accepted(void *ctx, struct tcp_pcb *pcb, err_t err) {
    (void)ctx;
    void *line = err == ERR_OK ? line_begin(pcb) : NULL;
    if (!line) return ERR_MEM;
    tcp_arg(pcb, line);
    tcp_recv(pcb, came);
    tcp_err(pcb, broke);
    tcp_nagle_disable(pcb);
    return ERR_OK;
}

size_t stack_room(void *pcb) {
    return tcp_sndqueuelen((struct tcp_pcb *)pcb) + 4 < TCP_SND_QUEUELEN
               ? tcp_sndbuf((struct tcp_pcb *)pcb)
               : 0;
}

void stack_write(void *pcb, const void *p, size_t n) {
    LWIP_ASSERT("the relay's write", tcp_write(pcb, p, (u16_t)n, TCP_WRITE_FLAG_COPY) == ERR_OK);
    (void)tcp_output(pcb);
}

void stack_took(void *pcb, size_t n) { tcp_recved(pcb, (u16_t)n); }
int stack_all_acked(void *pcb) { return tcp_sndqueuelen((struct tcp_pcb *)pcb) == 0; }
void stack_end(void *pcb) { (void)tcp_shutdown(pcb, 0, 1); }

static void forget(void *pcb) {
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
}

void stack_close(void *pcb) {
    forget(pcb);
    if (tcp_close(pcb) != ERR_OK) tcp_abort(pcb);
}

void stack_abort(void *pcb) {
    forget(pcb);
    tcp_abort(pcb);
}

static void listen_at(const ip_addr_t *address, uint16_t tcp_port) {
    struct tcp_pcb *pcb = tcp_new_ip_type(IP_GET_TYPE(address));
    LWIP_ASSERT("the relay's port", pcb && tcp_bind(pcb, address, tcp_port) == ERR_OK);
    tcp_accept(tcp_listen(pcb), accepted);
}

/* ---- the name server ---- */

static const struct {
    const char *name, *v4, *v6;
} hosts[] = {
    {RELAY_NAME, "127.0.0.1", NULL},
    {RELAY_DEAD_FIRST, "10.0.0.1", "::1"}, /* ours, and nobody listens there */
    {RELAY_SILENT_FIRST, RELAY_SILENT, "::1"},
};

/* "peer.test" of the question's labels. Returns where they end. */
static size_t name_of(const unsigned char *p, size_t n, char *to, size_t room) {
    size_t at = 12, out = 0;
    while (at < n && p[at]) {
        for (size_t i = 0; i < p[at] && out + 2 < room && at + 1 + i < n; i++)
            to[out++] = (char)p[at + 1 + i];
        at += p[at] + 1u;
        if (at < n && p[at] && out + 1 < room) to[out++] = '.';
    }
    to[out] = '\0';
    return at + 1;
}

static void asked(void *ctx, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                  u16_t port) {
    unsigned char m[512];
    char name[300];
    ip_addr_t address;
    size_t n = pbuf_copy_partial(p, m, sizeof m - 64, 0),
           end = name_of(m, n, name, sizeof name) + 4, len;
    (void)ctx;
    pbuf_free(p);
    if (strcmp(name, RELAY_SLOW) == 0 || end > n) return;
    int v6 = m[end - 3] == 28, found = 0;
    for (size_t i = 0; i < LWIP_ARRAYSIZE(hosts); i++) {
        const char *text = v6 ? hosts[i].v6 : hosts[i].v4;
        if (strcmp(name, hosts[i].name) == 0 && text) found = ipaddr_aton(text, &address);
    }
    m[2] = 0x81;
    m[3] = found ? 0x80 : 0x83; /* NXDOMAIN */
    m[7] = (unsigned char)found;
    memset(m + 8, 0, 4);
    len = end;
    if (found) {
        const unsigned char head[] = {0xC0, 12, 0, (unsigned char)(v6 ? 28 : 1), 0, 1, 0, 0,
                                      0,    1,  0, (unsigned char)(v6 ? 16 : 4)};
        memcpy(m + len, head, sizeof head);
        memcpy(m + len + sizeof head,
               v6 ? (const void *)ip_2_ip6(&address)->addr
                  : (const void *)&ip_2_ip4(&address)->addr,
               v6 ? 16 : 4);
        len += sizeof head + (v6 ? 16 : 4);
    }
    struct pbuf *answer = pbuf_alloc(PBUF_TRANSPORT, (u16_t)len, PBUF_RAM);
    if (!answer) return;
    (void)pbuf_take(answer, m, (u16_t)len);
    (void)udp_sendto(pcb, answer, from, port);
    pbuf_free(answer);
}

/* ---- the rest ---- */

static err_t dropped4(struct netif *netif, struct pbuf *p, const ip4_addr_t *to) {
    (void)netif, (void)p, (void)to;
    return ERR_OK;
}

static err_t silent_netif(struct netif *netif) {
    netif->name[0] = 's', netif->name[1] = 'l';
    netif->mtu = 1500;
    netif->output = dropped4;
    return ERR_OK;
}

void stack_start(uint16_t tcp_port) {
    static struct netif silent;
    ip4_addr_t own, mask;
    ip_addr_t server;
    IP4_ADDR(&own, 10, 0, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_add(&silent, &own, &mask, IP4_ADDR_ANY4, NULL, silent_netif, netif_input);
    netif_set_up(&silent);
    netif_set_link_up(&silent);
    (void)ipaddr_aton("::1", &server);
    listen_at(&server, tcp_port);
    (void)ipaddr_aton("127.0.0.1", &server);
    listen_at(&server, tcp_port);
    struct udp_pcb *names = udp_new();
    LWIP_ASSERT("the name server", names && udp_bind(names, &server, 53) == ERR_OK);
    udp_recv(names, asked, NULL);
    dns_setserver(0, &server);
}

#if NO_SYS
u32_t sys_now(void) { return clock_now(); }
void stack_clock_changed(void) { sys_restart_timeouts(); }
#else /* sys_arch.c has the clock, which cannot be set */
void stack_clock_changed(void) {}
#endif

int relay_others(void) {
    int n = 0;
    for (const struct tcp_pcb *p = tcp_active_pcbs; p; p = p->next)
        n += !line_is_of(p->callback_arg) && p->local_port != 0 && p->remote_port != 0;
    for (const struct tcp_pcb *p = tcp_bound_pcbs; p; p = p->next)
        n++;
    return n;
}
