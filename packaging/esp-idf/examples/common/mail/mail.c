/* SPDX-License-Identifier: MIT */
/* mail - see mail.h. The set goes to NVS after a job that changed it: popcl_seen_save gives its
 * pieces, and the blob is written at once. */
#include "mail.h"

#include <stdio.h>
#include <string.h>

#include "esp_netif_sntp.h"
#include "esp_random.h"
#include "freertos/FreeRTOS.h"
#include "nvs.h"
#include "popcl_seen.h"

enum { MESSAGES = 200, SNTP_MS = 15000 };

static popcl_fetch job;
static popcl_seen seen;
static unsigned char uids[POPCL_SEEN_SIZE(MESSAGES)];
static int is_changed;

/* ---- the set ---- */

typedef struct blob {
    unsigned char octets[POPCL_SEEN_SAVED(MESSAGES)];
    size_t at, len;
} blob;

static int put_piece(void *ctx, const void *p, size_t n) {
    blob *b = ctx;
    if (n > sizeof b->octets - b->at) return -1;
    memcpy(b->octets + b->at, p, n);
    b->at += n;
    return 0;
}

static int get_piece(void *ctx, void *p, size_t n) {
    blob *b = ctx;
    if (n > b->len - b->at) return -1;
    memcpy(p, b->octets + b->at, n);
    b->at += n;
    return 0;
}

static void save_set(void) {
    static blob b;
    nvs_handle_t nvs;
    b.at = 0;
    if (popcl_seen_save(&seen, put_piece, &b) != POPCL_OK ||
        nvs_open("popcl", NVS_READWRITE, &nvs) != ESP_OK)
        return;
    if (nvs_set_blob(nvs, "seen", b.octets, b.at) == ESP_OK && nvs_commit(nvs) == ESP_OK)
        is_changed = 0;
    else
        printf("mail: the UIDs cannot be saved; after a reset mail comes again\n");
    nvs_close(nvs);
}

void mail_begin(void) {
    static blob b;
    unsigned char key[16];
    nvs_handle_t nvs;
    esp_fill_random(key, sizeof key);
    (void)popcl_seen_init(&seen, uids, sizeof uids, key);
    if (nvs_open("popcl", NVS_READONLY, &nvs) != ESP_OK) return;
    b.len = sizeof b.octets;
    if (nvs_get_blob(nvs, "seen", b.octets, &b.len) == ESP_OK &&
        popcl_seen_load(&seen, get_piece, &b) != POPCL_OK)
        printf("mail: the saved UIDs are damaged; mail comes again\n");
    nvs_close(nvs);
}

/* ---- the job ---- */

static int begin(void *ctx, const popcl_msg *m) {
    (void)ctx;
    printf("--- %lu %s\n", (unsigned long)m->number, m->uid);
    return 0;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    return fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}

static int commit(void *ctx) {
    (void)ctx;
    return fflush(stdout) == 0 ? 0 : -1;
}

static void cut(void *ctx, popcl_err why) {
    (void)ctx;
    printf("--- cut: %s\n", popcl_err_name(why));
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)stage;
    return popcl_seen_get(&seen, m->uid, m->uid_len) ? POPCL_SKIP : POPCL_FETCH;
}

static void listed(void *ctx, const popcl_msg *m) {
    popcl_diag diag;
    size_t before = seen.used;
    (void)ctx;
    popcl_fetch_get_diag(&job, &diag);
    if (m || !diag.no_uids) popcl_seen_listed(&seen, m ? m->uid : NULL, m ? m->uid_len : 0);
    is_changed |= seen.used != before;
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx, (void)why;
    if (what != POPCL_STORED) return;
    if (popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED) == POPCL_OK) is_changed = 1;
}

popcl_err mail_look(const popcl_config *session, const char *password, const popcl_net *port,
                    void *ctx) {
    static unsigned char plan[2048];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    popcl_fetch_config config = {.session = *session,
                                 .secret = {.octets = password},
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .max_messages = MESSAGES / 4,
                                 .uids = seen.used ? POPCL_UIDS_REQUIRED : POPCL_UIDS_OPTIONAL,
                                 .decide = decide,
                                 .listed = listed,
                                 .fate = fate,
                                 .sink = &sink};
    popcl_diag diag;
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, port, ctx);
    popcl_fetch_get_diag(&job, &diag);
    popcl_fetch_wipe(&job);
    if (is_changed) save_set();
    if (e && e != POPCL_MORE)
        printf("mail: %s: %s; %s (%d)\n", popcl_err_what(e), popcl_err_cause(e),
               popcl_err_advice(e), diag.net_code);
    else
        printf("mail: %lu new, %lu in the maildrop\n", (unsigned long)diag.stored,
               (unsigned long)diag.in_maildrop);
    return e;
}

int mail_set_clock(const char *server) {
    static int is_on;
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(server);
    if (!is_on && esp_netif_sntp_init(&config) != ESP_OK) return 0;
    is_on = 1;
    return esp_netif_sntp_sync_wait(pdMS_TO_TICKS(SNTP_MS)) == ESP_OK;
}
