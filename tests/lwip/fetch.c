/* fetch - fetches a maildrop over lwIP on a TAP device, as a board does: one main loop, small pools. Each message becomes a file. Settings are
 * words `name=value`:
 *     tap=DEVICE ip=A.B.C.D gw=A.B.C.D [ip6=ADDRESS] [dns=A.B.C.D] host=NAME port=N user=U pass=P out=DIR
 *     [ca=FILE name=CERTNAME] [face=polled|waited] [record=N] [lose=PERCENT swap=PERCENT seed=N] [pause=1] [dele=1]
 * Its last line says, in JSON, what came of it and how much of lwIP's pools was in use. Exit status 0: all was fetched, 1: not, 2: the
 * settings are wrong. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/memp.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "popcl_lwip_raw.h"
#include "popcl_posix_tls.h"
#include "tap.h"

static tap wire;
static popcl_lwip_raw net;
static popcl job;
static char **words;

u32_t sys_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static const char *setting(const char *name, const char *otherwise) {
    size_t n = strlen(name);
    for (char **word = words; *word; word++) {
        if (strncmp(*word, name, n) == 0 && (*word)[n] == '=') return *word + n + 1;
    }
    return otherwise;
}

static unsigned number(const char *name) {
    return (unsigned)strtoul(setting(name, "0"), NULL, 10);
}

/* ---- the store ---- */

static struct {
    FILE *file;
    unsigned stored;
    unsigned long octets;
    size_t room; /* octets that a slow store takes in this turn */
    int slow;
} store;

static int begin(void *ctx, const popcl_msg *m) {
    char path[600];
    (void)ctx;
    snprintf(path, sizeof path, "%s/%lu.eml", setting("out", "."), (unsigned long)m->number);
    store.file = fopen(path, "wb");
    return store.file ? 0 : -1;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (store.slow && n > store.room) n = store.room;
    store.room -= store.slow ? n : 0;
    store.octets += n;
    return fwrite(p, 1, n, store.file) == n ? (int)n : -1;
}

static int commit(void *ctx) {
    (void)ctx;
    store.stored++;
    return fclose(store.file) ? -1 : 0;
}

static void cut(void *ctx, popcl_err why) {
    (void)ctx, (void)why;
    fclose(store.file);
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)m, (void)stage;
    return number("dele") ? POPCL_FETCH | POPCL_DELETE : POPCL_FETCH;
}

/* ---- the main loop ---- */

/* One frame a turn: what waits in the meantime waits in the device. */
static int turn(void *ctx, uint32_t limit_ms) {
    (void)ctx;
    store.room = 300;
    if (tap_wait(&wire, limit_ms)) tap_take(&wire);
    sys_check_timeouts();
    return 0;
}

static popcl_err fetch(const popcl_config *config) {
    if (strcmp(setting("face", "polled"), "waited") == 0) return popcl_run(&job, config, &popcl_lwip_raw_net, &net);
    popcl_err e = popcl_lwip_raw_start(&net, &job, config);
    if (e) return e;
    while (popcl_lwip_raw_poll(&net)) turn(NULL, popcl_lwip_raw_sleep_ms(&net));
    return popcl_result(&job);
}

static void connect_wire(void) {
    ip4_addr_t ip, mask, gateway;
    ip_addr_t dns;
    IP4_ADDR(&mask, 255, 255, 255, 0);
    wire.lose_percent = number("lose");
    wire.swap_percent = number("swap");
    wire.seed = number("seed");
    if (!ip4addr_aton(setting("ip", ""), &ip) || !ip4addr_aton(setting("gw", ""), &gateway) ||
        tap_open(&wire, setting("tap", "tap0"), &ip, &mask, &gateway, ethernet_input)) {
        perror("fetch: the TAP device");
        exit(2);
    }
    if (ipaddr_aton(setting("dns", ""), &dns)) dns_setserver(0, &dns);
#if LWIP_IPV6
    ip6_addr_t ip6;
    netif_create_ip6_linklocal_address(&wire.netif, 1);
    if (ip6addr_aton(setting("ip6", ""), &ip6)) {
        netif_ip6_addr_set(&wire.netif, 1, &ip6);
        netif_ip6_addr_set_state(&wire.netif, 1, IP6_ADDR_PREFERRED);
    }
#endif
}

static void use_tls(popcl_config *config) {
    static popcl_posix_trust trust;
    static popcl_tls tls;
    static popcl_tls_public_storage storage;
    static unsigned char seed[POPCL_SEED_MIN];
    char why[POPCL_POSIX_WHY];
    if (popcl_posix_trust_load(&trust, setting("ca", ""), NULL, time(NULL), why, sizeof why) || popcl_posix_seed(seed, sizeof seed)) {
        fprintf(stderr, "fetch: %s\n", why);
        exit(2);
    }
    tls.profile = &popcl_tls_public;
    tls.storage = &storage;
    tls.storage_len = sizeof storage;
    tls.trust = &trust.trust;
    tls.utc_s = time(NULL);
    tls.name = setting("name", NULL);
    config->security = POPCL_TLS;
    config->tls = &tls;
    config->seed = seed;
    config->seed_len = sizeof seed;
}

int main(int argc, char **argv) {
    static unsigned char iobuf[POPCL_IOBUF_SIZE(16384)], plan[400];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    words = argv + (argc > 0);
    unsigned record = number("record");
    store.slow = number("pause") != 0;
    popcl_config config = {.host = setting("host", ""), .port = (uint16_t)number("port"), .user = setting("user", ""),
                           .secret = {.octets = setting("pass", "")}, .iobuf = iobuf, .plan = plan, .plan_len = sizeof plan,
                           .passes = UINT16_MAX, .sink = &sink, .decide = decide};
    config.iobuf_len = record == 16384 ? sizeof iobuf : record == 4096 ? POPCL_IOBUF_SIZE(4096) : POPCL_IOBUF_SIZE(512);
    if (*setting("ca", "")) use_tls(&config);
    lwip_init();
    connect_wire();
    net.step = turn;
    popcl_err e = fetch(&config);
    popcl_diag d;
    popcl_get_diag(&job, &d);
    popcl_wipe(&job);
    for (int i = 0; i < 100 && tcp_active_pcbs; i++) turn(NULL, 20); /* the last acknowledgements */
    const struct stats_mem *pool = lwip_stats.memp[MEMP_PBUF_POOL];
    printf("{\"result\": \"%s\", \"code\": %d, \"messages\": %u, \"octets\": %lu, ", popcl_err_name(e), d.net_code, store.stored, store.octets);
    printf("\"in\": %lu, \"out\": %lu, \"lost\": %lu, ", wire.taken, wire.sent, wire.lost);
    printf("\"swapped\": %lu, \"dropped\": %lu, ", wire.swapped, wire.dropped);
    printf("\"pbufs\": %lu, \"refused\": %lu, ", (unsigned long)pool->max, (unsigned long)pool->err);
    printf("\"heap\": %lu, \"heap_refused\": %lu, ", (unsigned long)lwip_stats.mem.max, (unsigned long)lwip_stats.mem.err);
    printf("\"left\": %d}\n", tcp_active_pcbs != NULL);
    tap_close(&wire);
    return e != POPCL_OK;
}
