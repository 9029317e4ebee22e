/* SPDX-License-Identifier: MIT */
/* fetch - the program whose linked size docs/SIZING.md and docs/size.html show: fetches mail with
 * USER/PASS over POP3S, STLS or clear text, with the one TLS profile that -DPROFILE names, as a
 * firmware does it. It is linked and measured: the transport, the device and its trust are
 * elsewhere. What is named here is what is linked. These macros add to it or change it:
 *
 *     CLEAR_ONLY         no TLS of popcl
 *     BELOW              with CLEAR_ONLY: the transport does TLS
 *     BUFFER=n, PLAN=n   bytes of the record buffer, and of the plan; 0 = TLS lends the plan
 *     WINDOW=n           commands that may be in flight
 *     RESUME=n           the TLS sessions of so many accounts are kept, one of them in flash too
 *     SEEN=n             so many UIDs are remembered, as by a device that polls
 *     MECHS=list         the mechanisms: &popcl_mech_plain,&popcl_mech_login,
 *     AUTH=bits          those of them that may be used
 *     NAME, WHAT, CAUSE, ADVICE    the result is shown by these columns of text
 */
#include "popcl_fetch.h"
#include "popcl_seen.h"
#include "popcl_tls.h"

#ifndef PROFILE
#define PROFILE public
#endif
#define JOINED(a, b) a##b
#define NAMED(a, b)  JOINED(a, b)
#define PROFILE_OF   NAMED(popcl_tls_, PROFILE)
#define STORAGE_OF   NAMED(PROFILE_OF, _storage)
#ifndef BUFFER
#define BUFFER POPCL_IOBUF_SIZE(512)
#endif
#ifndef PLAN
#define PLAN POPCL_PLAN_MIN
#endif

/* The device. */
uint32_t device_now_ms(void);
int64_t device_utc_s(void);
int device_seed(unsigned char *seed, size_t n);
int device_send(const unsigned char *p, size_t n);
int device_recv(unsigned char *p, size_t n);
void device_watchdog(void *ctx);
void device_result(popcl_err e);
void device_show(const char *text);
extern const popcl_sink device_sink;
extern const popcl_trust device_trust;
extern const char device_host[], device_user[], device_password[];
void device_load(unsigned char *p, size_t n);
void device_store(const unsigned char *p, size_t n);
extern const uint8_t
    device_security; /* popcl_security, of the device's settings: all three are linked */

static popcl_fetch job;
#ifdef SEEN
static unsigned char memory[POPCL_SEEN_SIZE(SEEN)];
static popcl_seen seen;

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)stage;
    return popcl_seen_get(&seen, m->uid, m->uid_len) ? POPCL_SKIP : POPCL_FETCH;
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx, (void)why;
    if (what == POPCL_STORED) (void)popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_FETCHED);
}
#endif
#ifndef CLEAR_ONLY
static STORAGE_OF storage;
#endif
#ifdef RESUME
static popcl_resumable kept[RESUME];
#endif
static unsigned char iobuf[BUFFER];
#if PLAN
static unsigned char plan[PLAN];
#endif
#ifdef WINDOW
static popcl_flight window[WINDOW];
#endif
static popcl_seed seed;
#ifdef MECHS
static const popcl_mech *const mechs[] = {MECHS NULL};
#endif

/* At most one send and one receive; < 0: the transport is gone. */
static void turn(void) {
    size_t n;
    const unsigned char *out = popcl_send_buf(&job.session, &n);
    int moved = n ? device_send(out, n) : 0;
    if (moved > 0)
        popcl_send_ack(&job.session, (size_t)moved);
    else if (moved < 0)
        popcl_fail(&job.session, POPCL_ERR_NET, 0);
    unsigned char *in = popcl_recv_buf(&job.session, &n);
    moved = n ? device_recv(in, n) : 0;
    if (moved > 0)
        popcl_recv_ack(&job.session, (size_t)moved);
    else if (moved < 0)
        popcl_recv_eof(&job.session);
    if (popcl_state(&job.session) & POPCL_PAUSED) popcl_resume(&job.session);
    popcl_tick(&job.session, device_now_ms());
}

int main(void) {
#ifdef SEEN
    (void)popcl_seen_init(&seen, memory, sizeof memory, seed.bytes);
#endif
#ifndef CLEAR_ONLY
    popcl_tls tls = {.profile = &PROFILE_OF,
                     .storage = &storage,
                     .storage_len = sizeof storage,
                     .trust = &device_trust,
                     .utc_s = device_utc_s(),
                     .breathe = device_watchdog};
#endif
#ifdef RESUME
    unsigned char blob[POPCL_RESUME_LEN];
    device_load(blob, sizeof blob);
    (void)popcl_resume_restore(&kept[0], blob, sizeof blob); /* damaged is none */
    tls.resume = &kept[0];
    tls.resumption = &popcl_tls_resumption;
#endif
    popcl_fetch_config config = {
        .session.host = device_host,
#ifdef SEEN
        .decide = decide,
        .fate = fate,
#endif
#ifdef BELOW
        .session.security = POPCL_TLS_BELOW,
#endif
#ifndef CLEAR_ONLY
        .session.security = device_security,
        .session.tls = &tls,
#endif
#ifdef WINDOW
        .session.window = window,
        .session.window_len = WINDOW,
#endif
#ifdef MECHS
        .mechs = mechs,
        .token = {.octets = device_password},
#endif
#ifdef AUTH
        .auth = AUTH,
#endif
        .session.user = device_user,
        .secret = {.octets = device_password},
        .session.iobuf = iobuf,
        .session.iobuf_len = sizeof iobuf,
#if PLAN
        .plan = plan,
        .plan_len = sizeof plan,
#endif
        .sink = &device_sink,
        .session.seed = &seed
    };
    if (device_seed(seed.bytes, sizeof seed.bytes) == 0 &&
        popcl_fetch_start(&job, &config, device_now_ms()) == POPCL_OK) {
        popcl_connected(&job.session, device_now_ms());
        while (!(popcl_state(&job.session) & POPCL_DONE))
            turn();
    }
    popcl_err result = popcl_result(&job.session);
    device_result(result);
#ifdef NAME
    device_show(popcl_err_name(result));
#endif
#ifdef WHAT
    device_show(popcl_err_what(result));
#endif
#ifdef CAUSE
    device_show(popcl_err_cause(result));
#endif
#ifdef ADVICE
    device_show(popcl_err_advice(result));
#endif
    popcl_fetch_wipe(&job);
#ifdef RESUME
    popcl_resume_save(&kept[0], blob);
    device_store(blob, sizeof blob);
#endif
    return 0;
}
