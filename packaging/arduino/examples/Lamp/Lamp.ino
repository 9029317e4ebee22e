/* SPDX-License-Identifier: MIT */
/* Lamp - a lamp is on while there is mail. No message is fetched. In clear text, for a server on a
 * network of your own: NewMail has TLS. */
#include <PopclClient.h>
#include <WiFi.h>
#include <popcl_fetch.h>

#include "settings.h" /* SSID, WIFI_PASSWORD, HOST, PORT, USER, PASSWORD */

static const int LAMP = 2;

static int never(void *, const popcl_msg *) { return -1; }
static int nothing(void *, const void *, size_t) { return -1; }
static int no(void *) { return -1; }
static void none(void *, popcl_err) {}
static const popcl_sink sink = {never, nothing, no, NULL, none};
static unsigned skip(void *, const popcl_msg *, popcl_stage) { return POPCL_SKIP; }

void setup() {
    Serial.begin(115200);
    pinMode(LAMP, OUTPUT);
    WiFi.begin(SSID, WIFI_PASSWORD);
    while (WiFi.status() != WL_CONNECTED)
        delay(100);
}

void loop() {
    static WiFiClient wifi;
    static PopclClient net(wifi);
    static popcl_fetch job;
    static unsigned char iobuf[512], plan[256];
    static popcl_fetch_config config;
    popcl_diag diag;
    config.session.host = HOST;
    config.session.port = PORT;
    config.session.user = USER;
    config.session.iobuf = iobuf;
    config.session.iobuf_len = sizeof iobuf;
    config.secret.octets = PASSWORD;
    config.plan = plan;
    config.plan_len = sizeof plan;
    config.uids = POPCL_UIDS_UNUSED;
    config.decide = skip;
    config.sink = &sink;
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &PopclClient::port, &net);
    popcl_fetch_get_diag(&job, &diag);
    popcl_fetch_wipe(&job);
    if (diag.listing_reached) digitalWrite(LAMP, diag.in_maildrop ? HIGH : LOW);
    if (e) Serial.println(popcl_err_what(e));
    delay(60000);
}
