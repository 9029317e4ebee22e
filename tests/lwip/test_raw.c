/* SPDX-License-Identifier: MIT */
/* test_raw - sessions over lwIP's raw API in simulated time, by both faces of the port, against a
 * far end that answers, misbehaves and ends as it is told. Built twice: over lwIP's own pools, with
 * IPv4; and over the heap of a sanitizer, which sees what is used after lwIP freed it, with IPv6
 * too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <lwip/sys.h>

#include "client.h"

static client c;
static enum face face;
static uint8_t security;

static void begin(void) {
    client_init(&c);
    c.face = face;
    c.security = security;
}

static void end(const char *what, unsigned long at) {
    client_settle(&c);
    client_free(&c);
    if (c.fault[0])
        fail_msg("%s %lu (face %d, security %d): %s", what, at, (int)face, (int)security, c.fault);
}

/* Runs a test with each face, in clear and with TLS. */
static void everywhere(void (*test)(void)) {
    for (int f = 0; f < FACES; f++) {
        for (int s = 0; s < 2; s++) {
            face = (enum face)f;
            security = s ? POPCL_TLS : POPCL_CLEAR;
            test();
        }
    }
}

static void in_clear(void (*test)(void)) {
    security = POPCL_CLEAR;
    for (int f = 0; f < FACES; f++) {
        face = (enum face)f;
        test();
    }
}

/* ---- octets ---- */

/* However the octets are cut and come: the same mail, and at once. [A25] */
static void split(void) {
    static const uint16_t segments[] = {0, 1, 7, 200};
    for (unsigned s = 0; s < 4; s++) {
        for (unsigned burst = 0; burst < 2; burst++) {
            begin();
            c.far.segment = segments[s];
            c.burst = burst;
            assert_int_equal(client_session(&c), POPCL_OK);
            if (c.took_ms > 500) client_note(&c, "it took %u ms", (unsigned)c.took_ms);
            if (c.far.reset_seen || !c.far.fin_seen) client_note(&c, "the end is not a FIN");
            end("segments of", segments[s]);
        }
    }
}
static void octets_however_split(void **state) { (void)state, everywhere(split); }

/* A message many times as large as the window, through the smallest record buffer, into a store
 * that takes a few octets a turn: the window closes and opens, and nothing is lost. */
static void large(void) {
    static char text[100001];
    for (size_t i = 0; i < 100000; i++)
        text[i] = i % 50 == 48 ? '\r' : i % 50 == 49 ? '\n' : (char)('a' + i % 23);
    for (size_t take = 0; take <= 97; take += 97) {
        begin();
        c.server.count = 0;
        sim_server_add(&c.server, "large", text);
        c.take = take;
        assert_int_equal(client_session(&c), POPCL_OK);
        if (!take && c.took_ms > 500) client_note(&c, "it took %u ms", (unsigned)c.took_ms);
        end("taken a turn", take);
    }
}
static void window_closes_and_opens(void **state) { (void)state, everywhere(large); }

/* Octets that came and nobody wants are no reason for a reset. The
 * message is more than popcl drains behind its overall limit. */
static void unwanted(void) {
    static char text[2 * POPCL_DRAIN_MAX + TCP_WND];
    memset(text, 'a', sizeof text - 1);
    begin();
    c.server.count = 0;
    sim_server_add(&c.server, "large", text);
    c.take = 1;
    c.total_ms = 900;
    popcl_err result = client_session(&c);
    if (result != POPCL_ERR_TIMEOUT_TOTAL) client_note(&c, "%s", popcl_err_name(result));
    if (c.net.used == 0) client_note(&c, "%u octets were in the ring", (unsigned)c.net.used);
    client_idle(&c, 100);
    if (!c.far.fin_seen) client_note(&c, "the end is not a FIN");
    end("unwanted", 0);
}
static void unwanted_octets_are_no_reset(void **state) { (void)state, in_clear(unwanted); }

/* A store that takes long drives lwIP meanwhile: more comes, up to the window, the end of the
 * connection too. */
static void drives(void) {
    static const uint32_t cuts[] = {0, 200, 300};
    for (unsigned i = 0; i < 3; i++) {
        for (int how = FAR_FIN; how <= FAR_RESET; how++) {
            begin();
            c.drives = 1;
            c.far.segment = 20;
            c.burst = 1;
            c.far.cut_at = cuts[i] + (cuts[i] && security == POPCL_TLS ? 800 : 0);
            c.far.cut = (far_cut)how;
            popcl_err result = client_session(&c);
            if ((result == POPCL_OK) != (cuts[i] == 0))
                client_note(&c, "%s", popcl_err_name(result));
            end("cut before octet", cuts[i]);
        }
    }
}
static void store_drives_lwip(void **state) { (void)state, everywhere(drives); }

/* The server's window is smaller than a command, or closed for a while. */
static void narrow(void) {
    /* lwIP waits seconds before it sends a part */
    static const uint16_t windows[] = {30, 100, 300};
    for (unsigned w = 0; w < 3; w++) {
        begin();
        c.far.window = windows[w];
        popcl_err result = client_session(&c);
        if (result != POPCL_OK) client_note(&c, "%s", popcl_err_name(result));
        end("a window of", windows[w]);
    }
    begin();
    c.far.shut_ms = 20000;
    assert_int_equal(client_session(&c), POPCL_OK);
    if (c.took_ms < 15000) client_note(&c, "it took %u ms", (unsigned)c.took_ms);
    end("a window of", 0);
    begin();
    c.far.shut_ms = UINT32_MAX;
    c.idle_ms = 10000;
    assert_int_equal(client_session(&c),
                     security == POPCL_TLS ? POPCL_ERR_TIMEOUT_TLS : POPCL_ERR_TIMEOUT_REPLY);
    end("a window of", 0);
}
static void server_window_is_narrow_or_closed(void **state) { (void)state, everywhere(narrow); }

/* ---- ends ---- */

/* Where each message is complete, where QUIT is answered, and how much the server says at all,
 * octet by octet. */
static void measure(uint32_t *stored_at, uint32_t *success_at, uint32_t *said) {
    begin();
    c.far.segment = 1;
    c.burst = 1;
    assert_int_equal(client_session(&c), POPCL_OK);
    memcpy(stored_at, c.stored_at, sizeof c.stored_at);
    *success_at = c.success_at;
    *said = c.far.said;
    end("measured", 0);
}

/* The connection ends before the n-th octet, in every way. Whatever came before counts: what is
 * complete is stored, and behind the answer to QUIT it is success. Now with a turn a packet, now
 * with all of them in one turn, where the end is noted before an octet was looked at. */
static void ends_at(far_cut how, uint32_t at, const uint32_t *stored_at, uint32_t success_at) {
    unsigned whole = 0;
    while (whole < CLIENT_MESSAGES && stored_at[whole] < at)
        whole++;
    begin();
    c.far.segment = (uint16_t)(at % 3 ? 0 : 10);
    c.burst = at % 2;
    c.far.cut = how;
    c.far.cut_at = at;
    c.connect_ms = c.idle_ms = 10000;
    popcl_err result = client_session(&c);
    if (c.stored != whole)
        client_note(&c, "%u stored, and %u were complete: %s", c.stored, whole,
                    popcl_err_name(result));
    if ((result == POPCL_OK) != (at > success_at)) client_note(&c, "%s", popcl_err_name(result));
    if (how <= FAR_FIN_AND_RESET && c.took_ms > 1000)
        client_note(&c, "%s after %u ms", popcl_err_name(result), (unsigned)c.took_ms);
    if (how == FAR_RESET && result == POPCL_ERR_NET && c.diag.net_code != ERR_RST)
        client_note(&c, "code %d", c.diag.net_code);
    if (how >= FAR_STALL && result != POPCL_OK && c.connections)
        client_note(&c, "the connection to a silent server is kept");
    end("cut before octet", at);
}

static void cut_everywhere(void) {
    uint32_t stored_at[CLIENT_MESSAGES], success_at, said;
    measure(stored_at, &success_at, &said);
    uint32_t step = security == POPCL_TLS ? 37 : 1;
    for (int how = FAR_FIN; how <= FAR_VANISH; how++) {
        for (uint32_t at = 1; at <= said; at += step)
            ends_at((far_cut)how, at, stored_at, success_at);
        ends_at((far_cut)how, success_at, stored_at, success_at);
        ends_at((far_cut)how, success_at + 1, stored_at, success_at);
        ends_at((far_cut)how, said + 1, stored_at, success_at);
    }
}
/* [A13 A26] */
static void end_or_reset_behind_data(void **state) { (void)state, everywhere(cut_everywhere); }

/* ---- calls that fail ---- */

static void fault_once(client_fault kind, uint32_t at, uint32_t ms, popcl_err must_be) {
    begin();
    c.fault_kind = kind;
    c.fault_at = at;
    c.fault_ms = ms;
    c.connect_ms = c.idle_ms = 20000;
    popcl_err result = client_session(&c);
    int at_once = kind == LINK_DOWN && result == POPCL_ERR_CONNECT &&
                  c.diag.net_code == ERR_RTE; /* there is no way, and that is known */
    if (must_be != POPCL_ERR_COUNT_ && result != must_be && !at_once)
        client_note(&c, "%s, code %d", popcl_err_name(result), c.diag.net_code);
    char what[80];
    snprintf(what, sizeof what, "fault %d for %u ms, at", (int)kind, (unsigned)ms);
    end(what, at);
}

static uint32_t calls_of_a_session(uint32_t *turns) {
    begin();
    assert_int_equal(client_session(&c), POPCL_OK);
    uint32_t calls = c.calls;
    if (turns) *turns = c.turns;
    end("measured", 0);
    return calls;
}

/* [A27 A28] An allocation that fails, or a function that is short of memory: once, for three
 * seconds, and for ever. What passes costs time and nothing else; what does not is an error within
 * the deadlines. Nothing stays behind. */
static void no_memory(void) {
    uint32_t calls = calls_of_a_session(NULL), step = security == POPCL_TLS ? 3 : 1;
    for (uint32_t at = 1 + (uint32_t)face; at <= calls; at += step) {
        fault_once(NO_MEMORY, at, 0, POPCL_OK);
        fault_once(NO_MEMORY, at, 3000, POPCL_OK);
        fault_once(NO_MEMORY, at, 400000, POPCL_ERR_COUNT_);
    }
}
static void no_memory_at_call_n(void **state) { (void)state, everywhere(no_memory); }

/* [A26 A28] Calls that fail for another reason: an end, never a leak. */
static void no_route(void) {
    uint32_t calls = calls_of_a_session(NULL), step = security == POPCL_TLS ? 3 : 1;
    for (uint32_t at = 1 + (uint32_t)face; at <= calls; at += step) {
        fault_once(NO_ROUTE, at, 0, POPCL_ERR_COUNT_);
        fault_once(NO_ROUTE, at, 400000, POPCL_ERR_COUNT_);
    }
}
static void other_failure_at_call_n(void **state) { (void)state, everywhere(no_route); }

/* [A26] The interface is removed, the link is down for a while or for good, the caller wants an
 * end: at every turn. */
static void turns(void) {
    uint32_t turns = 0;
    calls_of_a_session(&turns);
    for (uint32_t at = 1; at <= turns; at++) {
        fault_once(NETIF_REMOVED, at, 400000, POPCL_ERR_COUNT_);
        fault_once(LINK_DOWN, at, 4000, POPCL_OK);
        fault_once(LINK_DOWN, at, 400000, POPCL_ERR_COUNT_);
        fault_once(STOPPED, at, 400000, POPCL_ERR_COUNT_);
    }
}
static void interface_goes_at_turn_n(void **state) { (void)state, everywhere(turns); }

/* ---- names and addresses ---- */

static popcl_err with_host(const char *host) {
    begin();
    c.host = host;
    c.connect_ms = 10000;
    popcl_err result = client_session(&c);
    return result;
}

static void hosts(void) {
    static const struct {
        const char *host;
        popcl_err result;
        const char *asked; /* NULL: no name server */
    } rows[] =
    { {"pop.example", POPCL_OK, "pop.example"},
      {"pop.example.", POPCL_OK, "pop.example"},
      {"POP.Example.", POPCL_OK, "POP.Example"},
      {"10.0.0.2", POPCL_OK, NULL},
      {"10.2", POPCL_OK, NULL},
      {"0x0a000002", POPCL_OK, NULL},
      {"10.0.0.2 ", POPCL_ERR_HOST, NULL}, /* popcl_start's */
      {"10.0.0.2 pop.example", POPCL_ERR_HOST, NULL},
      {"10.0.0.2.", POPCL_OK, NULL},
      {"pop..example", POPCL_ERR_RESOLVE, NULL},
      {".pop", POPCL_ERR_RESOLVE, NULL},
      {".", POPCL_ERR_HOST, NULL},
      {"pop:110", POPCL_ERR_RESOLVE, NULL},
      {"pop%eth0", POPCL_ERR_HOST, NULL},
      {"[::1]", POPCL_ERR_RESOLVE, NULL},
      {"p\303\266p", POPCL_ERR_HOST, NULL},
      {"a23456789-123456789-123456789-123456789-123456789-123456789-123.example", POPCL_OK,
       "a23456789-123456789-123456789-123456789-123456789-123456789-123.example"},
      {"a23456789-123456789-123456789-123456789-123456789-123456789-1234.example",
       POPCL_ERR_RESOLVE, NULL},
      {"localhost", POPCL_ERR_RESOLVE,
       NULL}, /* there is no loopback interface here, and no name server is asked: RFC 6761, 6.3 */
      {"LocalHost.", POPCL_ERR_RESOLVE, NULL},
#if LWIP_IPV6
      {"2001:db8::2", POPCL_OK, NULL},
      {"2001:DB8:0:0:0:0:0:2", POPCL_OK, NULL},
      {"2001:db8::2 x", POPCL_ERR_HOST, NULL},
      {"2001:db8::2x", POPCL_ERR_RESOLVE, NULL},
      {"2001:db8::12345", POPCL_ERR_RESOLVE, NULL},
      {"2001:db8::1::2", POPCL_ERR_RESOLVE, NULL},
      {"2001:db8::2:", POPCL_ERR_RESOLVE, NULL},
      {":2001:db8::2", POPCL_ERR_RESOLVE, NULL},
      {"2001:db8:::2", POPCL_ERR_RESOLVE, NULL},
      {"2001:db8::10.0.0.2x", POPCL_ERR_RESOLVE, NULL},
#else
      {"2001:db8::2", POPCL_ERR_RESOLVE, NULL},
#endif
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        popcl_err result = with_host(rows[i].host);
        if (result != rows[i].result)
            client_note(&c, "%s gives %s", rows[i].host, popcl_err_name(result));
        unsigned asked = c.far.questions[FAR_V4] + c.far.questions[FAR_V6];
        if (!rows[i].asked != !asked) client_note(&c, "%s: %u questions", rows[i].host, asked);
        if (rows[i].asked && strcmp(c.far.asked[FAR_V4], rows[i].asked) != 0)
            client_note(&c, "asked for %s", c.far.asked[FAR_V4]);
        end(rows[i].host, i);
    }
}
static void hosts_of_every_kind(void **state) { (void)state, in_clear(hosts); }

static void no_name(void) {
    begin();
    c.far.name[FAR_V4] = c.far.name[FAR_V6] = FAR_UNKNOWN;
    assert_int_equal(client_session(&c), POPCL_ERR_RESOLVE);
    end("unknown", 0);
    begin(); /* lwIP gives up first */
    c.far.name[FAR_V4] = c.far.name[FAR_V6] = FAR_NO_NAME_SERVER;
    c.connect_ms = 60000;
    assert_int_equal(client_session(&c), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_int_equal(c.diag.net_code, ERR_TIMEOUT);
    end("silent", 0);
    begin(); /* the deadline comes first */
    c.far.name[FAR_V4] = c.far.name[FAR_V6] = FAR_NO_NAME_SERVER;
    c.connect_ms = 2000;
    assert_int_equal(client_session(&c), POPCL_ERR_RESOLVE_TIMEOUT);
    if (c.took_ms < 2000 || c.took_ms > 2100) client_note(&c, "it took %u ms", (unsigned)c.took_ms);
    end("silent", 0);
}
static void names_that_are_not_found(void **state) { (void)state, in_clear(no_name); }

/* An answer that comes after the job gave up: while nothing runs; while the object serves another
 * job, connects, or wants to ask as well. The address in it is never taken. */
static void late(void) {
    static const char *const next[] = {NULL, "10.0.0.2", "pop.example", "other.example"};
    for (int answer = FAR_KNOWN; answer <= FAR_NO_NAME_SERVER; answer++) {
        for (unsigned i = 0; i < 8; i++) {
            begin();
            c.far.name[FAR_V4] = c.far.name[FAR_V6] = (far_name)answer;
            c.far.name_ms = 3000;
            c.far.names_number = 9;
            c.connect_ms = 1000;
            assert_int_equal(client_session(&c), POPCL_ERR_RESOLVE_TIMEOUT);
            if (!popcl_lwip_raw_busy(&c.net))
                client_note(&c, "an answer is still to come, and it is not busy");
            c.host = next[i % 4];
            c.connect_ms = 60000;
            c.far.name_ms = 0;
            c.far.names_number = 2;
            c.far.name[FAR_V4] = FAR_KNOWN;
            c.far.door[FAR_V4] = c.far.door[FAR_V6] = i < 4 ? FAR_OPEN : FAR_SILENT;
            popcl_err result = c.host ? client_session(&c) : POPCL_OK;
            popcl_err wanted = i < 4 ? POPCL_OK : POPCL_ERR_TIMEOUT_CONNECT;
            if (c.host && result != wanted)
                client_note(&c, "the next job, to %s: %s", c.host, popcl_err_name(result));
            if (c.host && c.far.reached != 2) client_note(&c, "connected to %u", c.far.reached);
            if (i == 5 && c.took_ms > 30000) client_note(&c, "another address was tried");
            end("late answer", (unsigned long)answer * 10 + i);
        }
    }
}
static void late_answers(void **state) { (void)state, in_clear(late); }

static void doors(void) {
    begin();
    c.host = "10.0.0.2";
    c.far.door[FAR_V4] = FAR_REFUSES;
    assert_int_equal(client_session(&c), POPCL_ERR_CONNECT);
    assert_int_equal(c.diag.net_code, ERR_RST);
    if (c.took_ms > 100) client_note(&c, "it took %u ms", (unsigned)c.took_ms);
    end("refused", 0);
    /* the deadline comes first; lwIP gives up first */
    for (uint32_t ms = 2000; ms <= 60000; ms += 58000) {
        begin();
        c.host = "10.0.0.2";
        c.connect_ms = ms;
        c.far.door[FAR_V4] = FAR_SILENT;
        assert_int_equal(client_session(&c), POPCL_ERR_TIMEOUT_CONNECT);
        if (c.took_ms > ms + 100 || (ms == 2000 && c.took_ms < 2000))
            client_note(&c, "it took %u ms", (unsigned)c.took_ms);
        end("silent", ms);
    }
    begin();
    c.host = "10.0.0.2";
    c.total_ms = 5000;
    c.far.door[FAR_V4] = FAR_SILENT;
    assert_int_equal(client_session(&c), POPCL_ERR_TIMEOUT_CONNECT);
    end("total", 0);
    begin();
    c.host = "10.0.0.2";
    c.far.door[FAR_V4] = FAR_LETS_IN_AND_RESETS;
    assert_int_equal(client_session(&c), POPCL_ERR_NET);
    end("let in and reset", 0);
}
static void ports_that_are_closed(void **state) { (void)state, in_clear(doors); }

#if POPCL_LWIP_FAMILIES == 2
/* IPv4 first, as LWIP_DNS_ADDRTYPE_DEFAULT says. */
static void families(void) {
    static const struct {
        far_name name4, name6;
        far_door door4, door6;
        popcl_err result;
        uint32_t from_ms, to_ms; /* how long it takes, of 10,000 */
    } rows[] = {
        {FAR_KNOWN, FAR_KNOWN, FAR_OPEN, FAR_OPEN, POPCL_OK, 0, 100},
        {FAR_KNOWN, FAR_KNOWN, FAR_REFUSES, FAR_OPEN, POPCL_OK, 0, 100},
        {FAR_KNOWN, FAR_KNOWN, FAR_SILENT, FAR_OPEN, POPCL_OK, 5000, 6100},
        {FAR_UNKNOWN, FAR_KNOWN, FAR_OPEN, FAR_OPEN, POPCL_OK, 0, 100},
        {FAR_NO_NAME_SERVER, FAR_KNOWN, FAR_OPEN, FAR_OPEN, POPCL_OK, 5000, 6100},
        {FAR_KNOWN, FAR_KNOWN, FAR_REFUSES, FAR_REFUSES, POPCL_ERR_CONNECT, 0, 100},
        {FAR_KNOWN, FAR_KNOWN, FAR_REFUSES, FAR_SILENT, POPCL_ERR_TIMEOUT_CONNECT, 10000, 10100},
        {FAR_KNOWN, FAR_KNOWN, FAR_SILENT, FAR_REFUSES, POPCL_ERR_TIMEOUT_CONNECT, 5000, 6100},
        {FAR_KNOWN, FAR_KNOWN, FAR_SILENT, FAR_SILENT, POPCL_ERR_TIMEOUT_CONNECT, 10000, 10100},
        {FAR_KNOWN, FAR_UNKNOWN, FAR_SILENT, FAR_OPEN, POPCL_ERR_TIMEOUT_CONNECT, 10000, 10100},
        {FAR_KNOWN, FAR_UNKNOWN, FAR_REFUSES, FAR_OPEN, POPCL_ERR_CONNECT, 0, 100},
        {FAR_UNKNOWN, FAR_UNKNOWN, FAR_OPEN, FAR_OPEN, POPCL_ERR_RESOLVE, 0, 100},
        {FAR_UNKNOWN, FAR_KNOWN, FAR_OPEN, FAR_REFUSES, POPCL_ERR_CONNECT, 0, 100},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin();
        c.connect_ms = 10000;
        c.far.name[FAR_V4] = rows[i].name4, c.far.name[FAR_V6] = rows[i].name6;
        c.far.door[FAR_V4] = rows[i].door4, c.far.door[FAR_V6] = rows[i].door6;
        popcl_err result = client_session(&c);
        if (result != rows[i].result) client_note(&c, "%s", popcl_err_name(result));
        if (c.took_ms < rows[i].from_ms || c.took_ms > rows[i].to_ms)
            client_note(&c, "it took %u ms", (unsigned)c.took_ms);
        end("row", i);
    }
}
static void both_families(void **state) { (void)state, in_clear(families); }
#endif

/* ---- owners ---- */

/* A job and a sequence of commands, in whatever they can ask of the main loop: drive.h. */
static void owners(void) {
    static drive d;
    for (int job = 0; job < 2; job++) {
        for (int what = 0; what < DRIVES; what++) {
            begin();
            client_drive(&c, &d, (enum drive_what)what, job);
            end(job ? "a job" : "a sequence", (unsigned long)what);
        }
    }
}
static void both_owners(void **state) { (void)state, in_clear(owners); }

/* ---- the object ---- */

static void step_is_missing(void **state) {
    (void)state;
    face = WAITED;
    security = POPCL_CLEAR;
    begin();
    c.net.step = NULL;
    assert_int_equal(client_session(&c), POPCL_ERR_PORT);
    c.net.step = NULL;
    client_free(&c);
    assert_string_equal(c.fault, "");
}

/* A job that is left half way, by a second one on the same object: its connection is given up, and
 * nothing of it stays. */
static void left_half_way(void **state) {
    (void)state;
    face = POLLED;
    for (unsigned polls = 0; polls < 40; polls++) {
        security = polls % 2 ? POPCL_TLS : POPCL_CLEAR;
        begin();
        client_configure(&c);
        popcl_fetch_start(&c.job, &c.cfg, 0);
        assert_int_equal(popcl_lwip_raw_start(&c.net, &c.job.session), POPCL_OK);
        for (unsigned i = 0; i < polls && popcl_lwip_raw_poll(&c.net); i++)
            client_turn(&c, popcl_lwip_raw_sleep_ms(&c.net));
        if (c.open) popcl_fail(&c.job.session, POPCL_ERR_STOPPED, 0);
        popcl_fetch_wipe(&c.job);
        assert_int_equal(client_session(&c), POPCL_OK);
        end("polls", polls);
    }
}

/* A configuration that popcl refuses leaves nothing to poll. */
static void refused_at_start(void **state) {
    (void)state;
    face = POLLED;
    security = POPCL_CLEAR;
    begin();
    client_configure(&c);
    c.cfg.session.iobuf_len = 10;
    popcl_fetch_start(&c.job, &c.cfg, 0);
    assert_int_not_equal(popcl_lwip_raw_start(&c.net, &c.job.session), POPCL_OK);
    assert_int_equal(popcl_lwip_raw_poll(&c.net), 0);
    assert_int_equal(popcl_lwip_raw_busy(&c.net), 0);
    assert_true(popcl_lwip_raw_sleep_ms(&c.net) > 0);
    end("refused", 0);
}

static void count_states(void *ctx, popcl_trace kind, const char *p, size_t n) {
    (void)p, (void)n;
    assert_int_equal(kind, POPCL_TRACE_STATE);
    ++*(int *)ctx;
}

/* [T1] Sessions that need TLS of the transport, which lwIP does not have: no packet leaves. The
 * trace reports the end, from start already (popcl_fetch.h: which calls may call back). */
static void tls_below_is_refused(void **state) {
    (void)state;
    for (int f = 0; f < FACES; f++) {
        int traced = 0;
        face = (enum face)f;
        security = POPCL_CLEAR;
        begin();
        client_configure(&c);
        c.cfg.session.security = POPCL_TLS_BELOW;
        c.cfg.session.trace = count_states;
        c.cfg.session.trace_ctx = &traced;
        popcl_fetch_start(&c.job, &c.cfg, 0);
        popcl_err e = face == POLLED ? popcl_lwip_raw_start(&c.net, &c.job.session)
                                     : popcl_run(&c.job.session, &popcl_lwip_raw_net, &c.net);
        assert_int_equal(e, POPCL_ERR_NOT_SECURED);
        assert_int_equal(traced, 1);
        assert_int_equal(popcl_lwip_raw_poll(&c.net), 0);
        assert_int_equal(popcl_lwip_raw_busy(&c.net), 0);
        popcl_fetch_wipe(&c.job);
        assert_int_equal(c.server.commands, 0);
        assert_null(c.net.pcb);
        end("refused", (unsigned)face);
    }
}

/* Three hundred sessions on one object: what lwIP holds does not grow. */
static void many(void) {
    begin();
    for (unsigned i = 0; i < 300 && !c.fault[0]; i++) {
        if (client_session(&c) != POPCL_OK) client_note(&c, "session %u", i);
    }
    end("sessions", 300);
}
static void three_hundred_sessions(void **state) { (void)state, in_clear(many); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_however_split),
        cmocka_unit_test(tls_below_is_refused),
        cmocka_unit_test(window_closes_and_opens),
        cmocka_unit_test(unwanted_octets_are_no_reset),
        cmocka_unit_test(store_drives_lwip),
        cmocka_unit_test(server_window_is_narrow_or_closed),
        cmocka_unit_test(end_or_reset_behind_data),
        cmocka_unit_test(no_memory_at_call_n),
        cmocka_unit_test(other_failure_at_call_n),
        cmocka_unit_test(interface_goes_at_turn_n),
        cmocka_unit_test(hosts_of_every_kind),
        cmocka_unit_test(names_that_are_not_found),
        cmocka_unit_test(late_answers),
        cmocka_unit_test(ports_that_are_closed),
#if POPCL_LWIP_FAMILIES == 2
        cmocka_unit_test(both_families),
#endif
        cmocka_unit_test(both_owners),
        cmocka_unit_test(step_is_missing),
        cmocka_unit_test(left_half_way),
        cmocka_unit_test(refused_at_start),
        cmocka_unit_test(three_hundred_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
