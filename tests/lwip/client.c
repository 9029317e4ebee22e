/* SPDX-License-Identifier: MIT */
/* client - see client.h. */
#include "client.h"

#include <lwip/dns.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TURNS_MAX 100000u /* a session that needs more of them spins */

static client *now_running;             /* whom failing calls concern */
static uint32_t clock_ms = 4294900000u; /* wraps before long */
static long live;                       /* allocations that were not freed yet */
static int in_pool; /* inside of memp: with TEST_HEAP its octets come from mem */

u32_t sys_now(void) { return clock_ms; }

void client_note(client *c, const char *format, ...) {
    if (c->fault[0]) return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->fault, sizeof c->fault, format, args);
    va_end(args);
}

/* ---- calls that fail ---- */

static int in_time(client *c, uint32_t count) {
    if (c->fault_at && count == c->fault_at) {
        c->faulting = 1;
        c->fault_until = clock_ms + c->fault_ms;
        return 1;
    }
    if (c->faulting && (int32_t)(c->fault_until - clock_ms) > 0) return 1;
    c->faulting = 0;
    return 0;
}

static int fails(void) {
    client *c = now_running;
    if (!c) return 0;
    c->calls++;
    return (c->fault_kind == NO_MEMORY || c->fault_kind == NO_ROUTE) && in_time(c, c->calls);
}

static err_t how(err_t by_route) {
    return now_running->fault_kind == NO_ROUTE ? by_route : ERR_MEM;
}

/* lwIP's functions under the linker's --wrap. */
void *__real_memp_malloc_fn(memp_t type, const char *file, const int line);
void *__wrap_memp_malloc_fn(memp_t type, const char *file, const int line);
void __real_memp_free(memp_t type, void *p);
void __wrap_memp_free(memp_t type, void *p);
void *__real_mem_malloc(mem_size_t n);
void *__wrap_mem_malloc(mem_size_t n);
void __real_mem_free(void *p);
void __wrap_mem_free(void *p);
err_t __real_tcp_write(struct tcp_pcb *pcb, const void *p, u16_t n, u8_t flags);
err_t __wrap_tcp_write(struct tcp_pcb *pcb, const void *p, u16_t n, u8_t flags);
err_t __real_tcp_output(struct tcp_pcb *pcb);
err_t __wrap_tcp_output(struct tcp_pcb *pcb);
err_t __real_tcp_close(struct tcp_pcb *pcb);
err_t __wrap_tcp_close(struct tcp_pcb *pcb);
err_t __real_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *to, u16_t port,
                         tcp_connected_fn connected);
err_t __wrap_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *to, u16_t port,
                         tcp_connected_fn connected);
err_t __real_dns_gethostbyname_addrtype(const char *name, ip_addr_t *to, dns_found_callback found,
                                        void *ctx, u8_t type);
err_t __wrap_dns_gethostbyname_addrtype(const char *name, ip_addr_t *to, dns_found_callback found,
                                        void *ctx, u8_t type);

/* A timer that cannot be had is an error of lwipopts.h, which lwIP asserts. */
void *__wrap_memp_malloc_fn(memp_t type, const char *file, const int line) {
    if (type != MEMP_SYS_TIMEOUT && fails()) return NULL;
    in_pool++;
    void *p = __real_memp_malloc_fn(type, file, line);
    in_pool--;
    live += p && type != MEMP_SYS_TIMEOUT;
    return p;
}

void __wrap_memp_free(memp_t type, void *p) {
    live -= p && type != MEMP_SYS_TIMEOUT;
    in_pool++;
    __real_memp_free(type, p);
    in_pool--;
}

void *__wrap_mem_malloc(mem_size_t n) {
    if (!in_pool && fails()) return NULL;
    void *p = __real_mem_malloc(n);
    live += p && !in_pool;
    return p;
}

void __wrap_mem_free(void *p) {
    live -= p && !in_pool;
    __real_mem_free(p);
}

err_t __wrap_tcp_write(struct tcp_pcb *pcb, const void *p, u16_t n, u8_t flags) {
    return fails() ? how(ERR_CONN) : __real_tcp_write(pcb, p, n, flags);
}

err_t __wrap_tcp_output(struct tcp_pcb *pcb) {
    return fails() ? how(ERR_RTE) : __real_tcp_output(pcb);
}

err_t __wrap_tcp_close(struct tcp_pcb *pcb) { return fails() ? ERR_MEM : __real_tcp_close(pcb); }

err_t __wrap_tcp_connect(struct tcp_pcb *pcb, const ip_addr_t *to, u16_t port,
                         tcp_connected_fn connected) {
    return fails() ? how(ERR_RTE) : __real_tcp_connect(pcb, to, port, connected);
}

err_t __wrap_dns_gethostbyname_addrtype(const char *name, ip_addr_t *to, dns_found_callback found,
                                        void *ctx, u8_t type) {
    return fails() ? how(ERR_VAL) : __real_dns_gethostbyname_addrtype(name, to, found, ctx, type);
}

/* ---- the server behind the wire ---- */

static void began(void *ctx) {
    static const tls_peer_setup setup;
    client *c = ctx;
    sim_server_connect(&c->server);
    c->in_tls = c->security == POPCL_TLS;
    if (c->in_tls) tls_peer_init(&c->peer, &setup);
}

/* With records of a test's size it has as much ready as a segment can hold. */
static void seal(client *c) {
    unsigned char text[4096];
    size_t n = 1;
    while (n && c->in_tls && tls_peer_open(&c->peer) &&
           tls_peer_waiting(&c->peer) < (c->record ? TCP_MSS : 1)) {
        n = sim_server_give(&c->server, text, c->record ? c->record : 200);
        if (n) tls_peer_say(&c->peer, text, n);
    }
}

static size_t give(void *ctx, void *p, size_t n) {
    client *c = ctx;
    seal(c);
    if (sim_server_closed(&c->server) && !(c->in_tls && tls_peer_waiting(&c->peer)) &&
        !c->success_at) {
        c->success_at = c->far.said;
        /* close_notify, which nobody waits for */
        if (c->in_tls) tls_peer_alert(&c->peer, TLS_WARNING, 0);
    }
    return c->in_tls ? tls_peer_give(&c->peer, p, n) : sim_server_give(&c->server, p, n);
}

static int over(void *ctx) {
    client *c = ctx;
    return sim_server_closed(&c->server) && !(c->in_tls && tls_peer_waiting(&c->peer));
}

static void take(void *ctx, const void *p, size_t n) {
    client *c = ctx;
    unsigned char text[200];
    if (!c->in_tls) {
        sim_server_take(&c->server, p, n);
        return;
    }
    tls_peer_take(&c->peer, p, n);
    while ((n = tls_peer_hear(&c->peer, text, sizeof text)) > 0)
        sim_server_take(&c->server, text, n);
}

/* ---- the store ---- */

static int sink_begin(void *ctx, const popcl_msg *m) {
    client *c = ctx;
    (void)m;
    if (c->open) client_note(c, "a message begins inside another");
    c->open = 1;
    c->n = 0;
    c->begun++;
    return 0;
}

static int sink_data(void *ctx, const void *p, size_t n) {
    client *c = ctx;
    if (!c->open) client_note(c, "data without begin");
    if (c->take && n > c->room) n = c->room;
    if (c->n + n > sizeof c->message) return -1;
    memcpy(c->message + c->n, p, n);
    c->n += n;
    c->room -= c->take ? n : 0;
    if (c->drives) client_turn(c, 0);
    clock_ms += c->work_ms;
    return (int)n;
}

static int sink_commit(void *ctx) {
    client *c = ctx;
    const char *text = c->server.messages[c->stored].text;
    if (!c->open || c->n != strlen(text) || memcmp(c->message, text, c->n) != 0)
        client_note(c, "message %u is not what was sent", c->stored + 1);
    if (c->stored < CLIENT_MESSAGES) c->stored_at[c->stored] = c->far.delivered;
    c->stored++;
    c->open = 0;
    return 0;
}

static void sink_abort(void *ctx, popcl_err why) {
    client *c = ctx;
    (void)why;
    if (!c->open) client_note(c, "abort without begin");
    c->open = 0;
    c->aborted++;
}

static const popcl_sink sink = {
    .begin = sink_begin, .data = sink_data, .commit = sink_commit, .abort = sink_abort};

/* ---- the main loop ---- */

/* Everything but popcl: frames, timers, what goes wrong at this turn, and sleep, for as long as
 * nothing comes. Returns 1 if the caller is to stop. */
int client_turn(client *c, uint32_t limit_ms) {
    int stop = 0;
    c->room = c->take;
    if (++c->turns > TURNS_MAX) client_note(c, "it spins");
    if (c->fault_kind > NO_ROUTE && in_time(c, c->turns)) {
        if (c->fault_kind == NETIF_REMOVED && c->turns == c->fault_at) far_unplug(&c->far);
        if (c->fault_kind == LINK_DOWN) netif_set_link_down(&c->far.netif);
        stop = c->fault_kind == STOPPED;
    } else if (c->fault_kind == LINK_DOWN) {
        netif_set_link_up(&c->far.netif);
    }
    if (c->drive) {
        clock_ms += drive_skips_ms(c->drive);
        stop |= drive_wants_stop(c->drive);
    }
    if (!netif_default || !netif_is_link_up(netif_default)) c->far.queued = 0;
    if (far_deliver(&c->far, c->burst ? c->burst : FAR_QUEUE)) limit_ms = 0;
    uint32_t next = far_next_ms(&c->far);
    if (limit_ms && next) clock_ms += limit_ms < next ? limit_ms : next;
    sys_check_timeouts();
    return stop;
}

static int step(void *ctx, uint32_t limit_ms) {
    client *c = ctx;
    if (limit_ms > sys_timeouts_sleeptime()) client_note(c, "step may sleep longer than lwIP");
    return client_turn(c, limit_ms);
}

void client_idle(client *c, uint32_t ms) {
    uint32_t began_at = clock_ms;
    while (clock_ms - began_at < ms)
        client_turn(c, sys_timeouts_sleeptime() < 1000 ? sys_timeouts_sleeptime() + 1 : 1000);
    c->turns = 0;
}

void client_settle(client *c) {
    static long at_rest;
    for (uint32_t ms = 0;
         ms < 900000 && (tcp_active_pcbs || tcp_tw_pcbs || popcl_lwip_raw_busy(&c->net));
         ms += 10000)
        client_idle(c, 10000);
    if (tcp_active_pcbs || tcp_tw_pcbs) client_note(c, "a connection is left");
    if (live != at_rest) client_note(c, "%ld allocations are left", live - at_rest);
    if (popcl_lwip_raw_busy(&c->net)) client_note(c, "the object is busy at the end");
    at_rest = live;
}

void client_configure(client *c) {
    popcl_fetch_config cfg = {.session.host = c->host,
                              .session.user = "fred",
                              .secret = {.octets = "correct-horse"},
                              .auth = POPCL_AUTH_USER,
                              .session.iobuf = c->iobuf,
                              .session.iobuf_len = POPCL_IOBUF_SIZE(c->record ? c->record : 512),
                              .plan = c->plan,
                              .plan_len = sizeof c->plan,
                              .session.security = c->security,
                              .passes = 20,
                              .sink = &sink,
                              .sink_ctx = c,
                              .session.connect_ms = c->connect_ms,
                              .session.idle_ms = c->idle_ms,
                              .session.total_ms = c->total_ms};
    c->cfg = cfg;
    if (c->security == POPCL_CLEAR) return;
    tls_client_init(&c->tls, TLS_PUBLIC, &c->storage, sizeof c->storage);
    c->cfg.session.tls = &c->tls;
    c->cfg.session.seed = &tls_seed;
}

static void polled(client *c, popcl *session) {
    if (popcl_lwip_raw_start(&c->net, session)) return;
    while (popcl_lwip_raw_poll(&c->net)) {
        if (client_turn(c, popcl_lwip_raw_sleep_ms(&c->net))) popcl_stop(session);
        if (c->turns > TURNS_MAX + 10) break;
    }
    if (popcl_lwip_raw_poll(&c->net)) client_note(c, "it is done, and poll goes on");
}

static void pump(client *c, popcl *session) {
    if (c->face == POLLED)
        polled(c, session);
    else
        popcl_run(session, &popcl_lwip_raw_net, &c->net);
}

static void check_end(client *c, popcl_err result) {
    if (popcl_state(&c->job.session) != POPCL_DONE) client_note(c, "it returned and is not done");
    if (c->open || c->begun != c->stored + c->aborted) client_note(c, "a message has no end");
    if (result == POPCL_OK && (c->stored != c->server.count || !c->server.quit_seen))
        client_note(c, "OK, and %u were stored", c->stored);
    if (c->far.bad) client_note(c, "lwIP sent %u packets that are wrong", c->far.bad);
    if (c->net.pcb) client_note(c, "the object has a pcb after the end");
    if (c->took_ms > c->total_ms + POPCL_SETTLE_MS + 1000)
        client_note(c, "it took %lu ms", (unsigned long)c->took_ms);
}

popcl_err client_session(client *c) {
    uint32_t began_at = clock_ms;
    c->calls = c->turns = 0;
    c->stored = c->begun = c->aborted = 0;
    c->faulting = c->open = 0;
    c->success_at = 0;
    memset(&c->job, 0xa5, sizeof c->job);
    client_configure(c);
    now_running = c;
    if (popcl_fetch_start(&c->job, &c->cfg, c->face == POLLED ? sys_now() : 0) == POPCL_OK)
        pump(c, &c->job.session);
    now_running = NULL;
    c->faulting = 0;
    if (c->fault_kind == LINK_DOWN) netif_set_link_up(&c->far.netif);
    if (!netif_default) far_plug(&c->far);
    c->took_ms = clock_ms - began_at;
    popcl_err result = popcl_result(&c->job.session);
    popcl_fetch_get_diag(&c->job, &c->diag);
    c->connections = 0;
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        c->connections++;
    check_end(c, result);
    popcl_fetch_wipe(&c->job);
    c->fault_at = 0;
    return result;
}

void client_drive(client *c, drive *d, enum drive_what what, int job) {
    uint32_t began_at = clock_ms;
    drive_init(d, what, job, 1, &c->server);
    c->drive = d;
    if (what == DRIVE_NO_CONNECTION) c->far.door[FAR_V4] = c->far.door[FAR_V6] = FAR_REFUSES;
    pump(c, d->h.s);
    c->drive = NULL;
    const char *odd = drive_end(d, clock_ms - began_at);
    if (odd) client_note(c, "%s", odd);
    if (c->net.pcb) client_note(c, "the object has a pcb after the end");
}

void client_init(client *c) {
    static int begun;
    memset(c, 0, sizeof *c);
    if (!begun) lwip_init();
    begun = 1;
    far_plug(&c->far);
    far_reset(&c->far);
    c->far.give = give;
    c->far.take = take;
    c->far.over = over;
    c->far.began = began;
    c->far.ctx = c;
    c->host = "pop.example";
    c->total_ms = 300000;
    c->net.step = step;
    c->net.step_ctx = c;
    sim_server_init(&c->server);
    sim_server_add(&c->server, "a-1", "Subject: one\r\n\r\nbody\r\n");
    sim_server_add(&c->server, "b-2", "Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n");
    sim_server_add(&c->server, "c-3", "");
    sim_server_add(
        &c->server, "d-4",
        "Subject: "
        "longer\r\n\r\n0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    sim_server_add(&c->server, "e-5", "\r\n");
}

void client_free(client *c) {
    far_unplug(&c->far);
    sim_server_free(&c->server);
    tls_peer_free(&c->peer);
}
