/* SPDX-License-Identifier: MIT */
/* fetch - fetches a maildrop over lwIP on a TAP device, as a board does: small pools, and a main
 * loop or a task (fetch.h). Each message becomes a file. Settings are words `name=value`:
 *     tap=DEVICE ip=A.B.C.D gw=A.B.C.D [ip6=ADDRESS] [dns=A.B.C.D] host=NAME port=N user=U
 *         pass=P out=DIR
 *     [ca=FILE name=CERTNAME] [face=polled|waited] [record=N] [lose=PERCENT swap=PERCENT
 *         seed=N] [line=MS] [pause=1] [dele=1]
 * Its last line says, in JSON, what came of it and how much of lwIP's pools was in use. Exit status
 * 0: all was fetched, 1: not, 2: the settings are wrong. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lwip/dns.h>
#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>

#include "fetch.h"
#include "popcl_posix.h"
#include "popcl_posix_trust.h"

tap fetch_wire;
static char **words;

const char *fetch_setting(const char *name, const char *otherwise) {
    size_t n = strlen(name);
    for (char **word = words; *word; word++) {
        if (strncmp(*word, name, n) == 0 && (*word)[n] == '=') return *word + n + 1;
    }
    return otherwise;
}

static unsigned number(const char *name) {
    return (unsigned)strtoul(fetch_setting(name, "0"), NULL, 10);
}

/* ---- the store ---- */

static struct {
    FILE *file;
    unsigned stored;
    unsigned long octets;
    unsigned asked;
    int slow;
} store;

static int begin(void *ctx, const popcl_msg *m) {
    char path[600];
    (void)ctx;
    snprintf(path, sizeof path, "%s/%lu.eml", fetch_setting("out", "."), (unsigned long)m->number);
    store.file = fopen(path, "wb");
    return store.file ? 0 : -1;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    if (store.slow && ++store.asked % 4 == 0) return 0;
    if (store.slow && n > 300) n = 300;
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

/* ---- in lwIP ---- */

static void plug(void) {
    ip4_addr_t ip, mask, gateway;
    ip_addr_t dns;
    IP4_ADDR(&mask, 255, 255, 255, 0);
    fetch_wire.lose_percent = number("lose");
    fetch_wire.swap_percent = number("swap");
    fetch_wire.seed = number("seed");
    fetch_wire.line_ms = number("line");
    if (!ip4addr_aton(fetch_setting("ip", ""), &ip) ||
        !ip4addr_aton(fetch_setting("gw", ""), &gateway) ||
        tap_open(&fetch_wire, fetch_setting("tap", "tap0"), &ip, &mask, &gateway, fetch_input)) {
        perror("fetch: the TAP device");
        exit(2);
    }
    if (ipaddr_aton(fetch_setting("dns", ""), &dns)) dns_setserver(0, &dns);
#if LWIP_IPV6
    ip6_addr_t ip6;
    netif_create_ip6_linklocal_address(&fetch_wire.netif, 1);
    if (ip6addr_aton(fetch_setting("ip6", ""), &ip6)) {
        netif_ip6_addr_set(&fetch_wire.netif, 1, &ip6);
        netif_ip6_addr_set_state(&fetch_wire.netif, 1, IP6_ADDR_PREFERRED);
    }
#endif
}

/* The octets that were in flight, or more, for so much of the time. */
static unsigned in_flight(u32_t ms) {
    u32_t above = 0;
    unsigned n = TAP_FLIGHT + 1;
    while (n && above < ms)
        above += fetch_wire.flight_ms[--n];
    return n;
}

static void conclude(void) {
    u32_t all = 0;
    for (unsigned n = 0; n <= TAP_FLIGHT; n++)
        all += fetch_wire.flight_ms[n];
    printf("\"flight_most\": %u, \"flight_median\": %u, ", in_flight(1), in_flight(all / 2));
    printf("\"window\": %lu, ", (unsigned long)TCP_WND);
    const struct stats_mem *pool = lwip_stats.memp[MEMP_PBUF_POOL];
    printf("\"in\": %lu, \"out\": %lu, \"lost\": %lu, ", fetch_wire.taken, fetch_wire.sent,
           fetch_wire.lost);
    printf("\"swapped\": %lu, \"dropped\": %lu, ", fetch_wire.swapped, fetch_wire.dropped);
    printf("\"pbufs\": %lu, \"refused\": %lu, ", (unsigned long)pool->max,
           (unsigned long)pool->err);
    printf("\"heap\": %lu, \"heap_refused\": %lu, ", (unsigned long)lwip_stats.mem.max,
           (unsigned long)lwip_stats.mem.err);
    printf("\"left\": %d}\n", tcp_active_pcbs != NULL);
    tap_close(&fetch_wire);
}

/* ---- the job ---- */

static void use_tls(popcl_fetch_config *config) {
    static popcl_posix_trust trust;
    static popcl_tls tls;
    static popcl_tls_public_storage storage;
    static popcl_seed seed;
    char why[POPCL_POSIX_WHY];
    if (popcl_posix_trust_load(&trust, fetch_setting("ca", ""), NULL, time(NULL), why,
                               sizeof why) ||
        popcl_posix_seed(&seed, sizeof seed)) {
        fprintf(stderr, "fetch: %s\n", why);
        exit(2);
    }
    tls.profile = &popcl_tls_public;
    tls.storage = &storage;
    tls.storage_len = sizeof storage;
    tls.trust = &trust.trust;
    tls.utc_s = time(NULL);
    tls.name = fetch_setting("name", NULL);
    config->session.security = POPCL_TLS;
    config->session.tls = &tls;
    config->session.seed = &seed;
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[POPCL_IOBUF_SIZE(16384)], plan[400];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    words = argv + (argc > 0);
    unsigned record = number("record");
    store.slow = number("pause") != 0;
    popcl_fetch_config config = {.session.host = fetch_setting("host", ""),
                                 .session.port = (uint16_t)number("port"),
                                 .session.user = fetch_setting("user", ""),
                                 .secret = {.octets = fetch_setting("pass", "")},
                                 .session.iobuf = iobuf,
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .passes = UINT16_MAX,
                                 .sink = &sink,
                                 .decide = decide};
    config.session.iobuf_len = record == 16384  ? sizeof iobuf
                               : record == 4096 ? POPCL_IOBUF_SIZE(4096)
                                                : POPCL_IOBUF_SIZE(512);
    if (*fetch_setting("ca", "")) use_tls(&config);
    fetch_start(plug);
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = fetch_run(&job.session);
    popcl_diag d;
    popcl_fetch_get_diag(&job, &d);
    popcl_fetch_wipe(&job);
    printf("{\"result\": \"%s\", \"code\": %d, \"messages\": %u, \"octets\": %lu, ",
           popcl_err_name(e), d.net_code, store.stored, store.octets);
    fetch_end(conclude);
    return e != POPCL_OK;
}
