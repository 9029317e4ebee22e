/* SPDX-License-Identifier: MIT */
/* NewMail - prints each new message of an account, by POP3S of an ESP32. UIDs are in RAM: after a
 * reset all mail comes again. There is room for 64: of a larger maildrop the rest comes each
 * time. */
#include <PopclClient.h>
#include <WiFi.h>
#include <WiFiClientSecure.h>
#include <popcl_fetch.h>
#include <popcl_seen.h>
#include <time.h>

#include "settings.h" /* SSID, WIFI_PASSWORD, HOST, PORT, USER, PASSWORD, AUTHORITY (PEM) */

#if defined(ESP32) && !defined(CONFIG_MBEDTLS_HAVE_TIME_DATE) && !defined(ACCEPT_EXPIRED_CERTIFICATES)
#error "The TLS of this core does not look at the dates of certificates. Build the core with CONFIG_MBEDTLS_HAVE_TIME_DATE, or define ACCEPT_EXPIRED_CERTIFICATES in settings.h"
#endif

static popcl_fetch job;
static popcl_seen seen;
static unsigned char iobuf[1024], plan[2048], uids[POPCL_SEEN_SIZE(64)];

static int begin(void *, const popcl_msg *m) {
    Serial.print("--- ");
    Serial.println(m->uid);
    return 0;
}
static int data(void *, const void *p, size_t n) {
    return (int)Serial.write((const uint8_t *)p, n);
}
static int commit(void *) { return 0; }
static void cut(void *, popcl_err) { Serial.println("--- cut"); }
static const popcl_sink sink = {begin, data, commit, NULL, cut};

static unsigned decide(void *, const popcl_msg *m, popcl_stage) {
    return popcl_seen_get(&seen, m->uid, m->uid_len) ? POPCL_SKIP : POPCL_FETCH;
}
static void listed(void *, const popcl_msg *m) {
    popcl_diag diag;
    popcl_fetch_get_diag(&job, &diag);
    if (m || !diag.no_uids) popcl_seen_listed(&seen, m ? m->uid : NULL, m ? m->uid_len : 0);
}
static void fate(void *, const popcl_msg *m, popcl_fate what, popcl_err) {
    if (what == POPCL_STORED) popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED);
}

void setup() {
    unsigned char key[16];
    Serial.begin(115200);
    WiFi.begin(SSID, WIFI_PASSWORD);
    while (WiFi.status() != WL_CONNECTED)
        delay(100);
    configTime(0, 0, "pool.ntp.org"); /* certificates have dates */
    while (time(NULL) < 1767225600)
        delay(100);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)esp_random();
    popcl_seen_init(&seen, uids, sizeof uids, key);
}

void loop() {
    static WiFiClientSecure wifi;
    static PopclClient net(wifi, PopclClient::CHECKS_CERTIFICATES);
    static popcl_fetch_config config;
    wifi.setCACert(AUTHORITY);
    config.session.host = HOST;
    config.session.port = PORT;
    config.session.security = POPCL_TLS_BELOW;
    config.session.user = USER;
    config.session.iobuf = iobuf;
    config.session.iobuf_len = sizeof iobuf;
    config.secret.octets = PASSWORD;
    config.plan = plan;
    config.plan_len = sizeof plan;
    config.decide = decide;
    config.listed = listed;
    config.fate = fate;
    config.sink = &sink;
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &PopclClient::port, &net);
    popcl_fetch_wipe(&job);
    Serial.println(e ? popcl_err_what(e) : "no more mail");
    delay(300000);
}
