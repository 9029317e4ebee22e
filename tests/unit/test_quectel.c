/* SPDX-License-Identifier: MIT */
/* test_quectel - port/quectel against a line that is a script: the octets that it must write, and
 * what the modem writes then. The suite for ports has a whole modem; here are the octets on which
 * such a port fails. The clock moves in read alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "popcl_quectel.h"

static struct {
    const char *const *rows; /* in turn what must be written, and the answer; to NULL */
    const char *answer;      /* the rest that is to be read */
    size_t written, piece;   /* of the row; most octets of a read or write */
    uint32_t now_ms;
    int gone;
    size_t beyond; /* octets that were written after the last row */
} modem;

static int32_t line_read(void *line_ctx, void *p, size_t n, uint32_t limit_ms) {
    (void)line_ctx;
    if (modem.gone) return -1;
    size_t size = strlen(modem.answer);
    if (size == 0) modem.now_ms += limit_ms;
    if (n > modem.piece) n = modem.piece;
    if (size > n) size = n;
    memcpy(p, modem.answer, size);
    modem.answer += size;
    return (int32_t)size;
}

/* A write beyond the script is a command that nobody answers. */
static int32_t line_write(void *line_ctx, const void *p, size_t n) {
    (void)line_ctx;
    if (modem.gone) return -1;
    if (n > modem.piece) n = modem.piece;
    if (!modem.rows[0]) return modem.beyond += n, (int32_t)n;
    size_t left = strlen(modem.rows[0]) - modem.written;
    if (n > left) n = left;
    assert_memory_equal(modem.rows[0] + modem.written, p, n);
    modem.written += n;
    if (n == left) {
        /* Nothing is written before the answer was read, except for the blank of the prompt. */
        assert_string_equal(modem.answer + strspn(modem.answer, " "), "");
        modem.answer = modem.rows[1];
        modem.rows += 2;
        modem.written = 0;
    }
    return (int32_t)n;
}

static uint32_t line_now_ms(void *line_ctx) { return (void)line_ctx, modem.now_ms; }

static const popcl_quectel_line line = {
    .read = line_read, .write = line_write, .now_ms = line_now_ms};
static popcl_quectel net;

/* The commands of open before QIOPEN; echo is still on at first. */
#define PREPARED                                                                                   \
    "AT+QIGETERROR\r", "AT+QIGETERROR\r\r\n+QIGETERROR: 0,operate successfully\r\n\r\nOK\r\n",     \
        "ATE0\r", "ATE0\r\r\nOK\r\n", "AT+QISDE=0\r", "\r\nOK\r\n"
#define CLOSED  "AT+QICLOSE=1\r", "\r\nERROR\r\n"
#define ASKED   "AT+QIOPEN=1,1,\"TCP\",\"192.0.2.1\",110,0,0\r"
#define NOTHING "\r\n+QIRD: 0\r\n\r\nOK\r\n"
#define OPENED                                                                                     \
    PREPARED, CLOSED, ASKED, "\r\nOK\r\n\r\n+QIOPEN: 1,0\r\n", "AT+QIRD=1,1024\r", NOTHING

static void play(const char *const *rows, size_t piece) {
    memset(&modem, 0, sizeof modem);
    memset(&net, 0, sizeof net);
    modem.rows = rows;
    modem.answer = "";
    modem.piece = piece;
    modem.now_ms = UINT32_MAX - 100; /* it wraps soon */
    net.line = &line;
}

static popcl_err open_host(const char *host, uint32_t limit_ms) {
    return popcl_quectel_net.open(&net, host, 110, limit_ms);
}

static void begin_with(const char *const *rows, size_t piece) {
    char octet;
    play(rows, piece);
    assert_int_equal(open_host("192.0.2.1", 30000), POPCL_OK);
    assert_int_equal(popcl_quectel_net.wait(&net, POPCL_RECV, 100), 0);
    assert_int_equal(popcl_quectel_net.recv(&net, &octet, 1), POPCL_NET_AGAIN);
}

/* Receives all that comes, to the end or to silence. Returns the last result. */
static int32_t receive(char *text, size_t room) {
    size_t have = 0;
    int32_t got = 1;
    while (got > 0 || (got == POPCL_NET_AGAIN &&
                       popcl_quectel_net.wait(&net, POPCL_RECV, 1000) == POPCL_RECV)) {
        got = popcl_quectel_net.recv(&net, text + have, room - 1 - have);
        if (got > 0) have += (size_t)got;
    }
    text[have] = '\0';
    return got;
}

static void data_may_look_like_reports(void **state) {
    static const char *const rows[] = {
        OPENED,
        "AT+QIRD=1,1024\r",
        "\r\n+QIRD: 44\r\n"
        "\r\nOK\r\n+QIURC: \"closed\",1\r\nRDY\r\nERROR\r\n\r\n> \r\n"
        "\r\n\r\nOK\r\n",
        "AT+QIRD=1,1024\r",
        NOTHING,
        NULL};
    char text[100];
    (void)state;
    for (size_t piece = 1; piece < 70; piece++) {
        begin_with(rows, piece);
        modem.answer = "\r\n+QIURC: \"recv\",1\r\n";
        assert_int_equal(receive(text, sizeof text), POPCL_NET_AGAIN);
        assert_string_equal(text, "\r\nOK\r\n+QIURC: \"closed\",1\r\nRDY\r\nERROR\r\n\r\n> \r\n");
        assert_null(modem.rows[0]);
    }
}

static void reports_may_come_between_any_two_lines(void **state) {
    static const char *const rows[] = {
        OPENED,
        "AT+QISEND=1,4\r",
        "\r\n+QIURC: \"recv\",1\r\n\r\n> ",
        "NOOP",
        "\r\n+CREG: 1\r\n\r\n+QIURC: \"closed\",2\r\n\r\nSEND OK\r\n",
        "AT+QIRD=1,1024\r",
        "\r\n+QIURC: \"closed\",1\r\n\r\n+QIRD: 3\r\n+OK\r\n+QIURC: \"recv\",0\r\n\r\nOK\r\n",
        "AT+QIRD=1,1024\r",
        NOTHING,
        NULL};
    char text[100];
    (void)state;
    for (size_t piece = 1; piece < 70; piece++) {
        begin_with(rows, piece);
        assert_int_equal(popcl_quectel_net.send(&net, "NOOP", 4), 4);
        assert_int_equal(receive(text, sizeof text), POPCL_NET_EOF);
        assert_string_equal(text, "+OK");
        assert_int_equal(popcl_quectel_net.recv(&net, text, 1), POPCL_NET_EOF);
        assert_null(modem.rows[0]);
    }
}

static void a_full_buffer_is_tried_again_with_the_same_octets(void **state) {
    static const char *const rows[] = {OPENED,
                                       "AT+QISEND=1,4\r",
                                       "\r\n> ",
                                       "STAT",
                                       "\r\nSEND FAIL\r\n",
                                       "AT+QISEND=1,4\r",
                                       "\r\n> ",
                                       "STAT",
                                       "\r\nSEND OK\r\n",
                                       NULL};
    (void)state;
    begin_with(rows, 5);
    assert_int_equal(popcl_quectel_net.send(&net, "STAT", 4), 4);
    uint32_t before = modem.now_ms;
    assert_int_equal(popcl_quectel_net.send(&net, "QUIT", 4), POPCL_NET_AGAIN);
    assert_int_equal(popcl_quectel_net.wait(&net, POPCL_SEND, 5000), POPCL_SEND);
    assert_in_range(modem.now_ms - before, 100, 400);
    assert_null(modem.rows[0]);
}

static void a_refused_send_leaves_what_came(void **state) {
    static const char *const rows[] = {OPENED,
                                       "AT+QISEND=1,4\r",
                                       "\r\nERROR\r\n\r\n+QIURC: \"recv\",1\r\n",
                                       "AT+QIRD=1,1024\r",
                                       "\r\n+QIRD: 3\r\nbye\r\n\r\nOK\r\n",
                                       "AT+QIRD=1,1024\r",
                                       NOTHING,
                                       NULL};
    char text[100];
    (void)state;
    begin_with(rows, 64);
    (void)popcl_quectel_net.send(&net, "QUIT", 4);
    assert_int_equal(popcl_quectel_net.wait(&net, POPCL_SEND, 100), POPCL_SEND);
    assert_int_equal(popcl_quectel_net.send(&net, "QUIT", 4), POPCL_NET_FAILED);
    assert_int_equal(popcl_quectel_net.code(&net), POPCL_QUECTEL_REFUSED);
    assert_int_equal(receive(text, sizeof text), POPCL_NET_AGAIN);
    assert_string_equal(text, "bye");
}

/* Each ends the connection, in place of an answer; data that is in the port is still given. */
static void a_connection_that_breaks(void **state) {
    static const struct {
        const char *answer;
        int code;
    } ends[] = {{"\r\n+QIURC: \"pdpdeact\",1\r\n", POPCL_QUECTEL_DETACHED},
                {"\r\nRDY\r\n", POPCL_QUECTEL_RESTARTED},
                {"\r\nERROR\r\n", POPCL_QUECTEL_REFUSED},
                {"\r\n+QIRD: 1025\r\n", POPCL_QUECTEL_REFUSED},
                {"\r\n+QIRD: x\r\n", POPCL_QUECTEL_REFUSED},
                {"\r\n+QIRD: 3\r\nabc\r\n+QIRD: 1024\r\n", POPCL_QUECTEL_REFUSED},
                {"\r\n+QIRD: 7\r\nabc", POPCL_QUECTEL_SILENT},
                {"\r\n+QIR", POPCL_QUECTEL_SILENT},
                {"", POPCL_QUECTEL_SILENT}};
    const char *rows[] = {
        OPENED, "AT+QIRD=1,1024\r", "\r\n+QIRD: 3\r\n+OK\r\n\r\nOK\r\n", "AT+QIRD=1,1024\r", NULL,
        NULL};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char text[100];
        uint32_t before;
        rows[sizeof rows / sizeof rows[0] - 2] = ends[i].answer;
        begin_with(rows, 64);
        modem.answer = "\r\n+QIURC: \"recv\",1\r\n";
        before = modem.now_ms;
        while (popcl_quectel_net.wait(&net, POPCL_RECV, 1000) >= 0 &&
               modem.now_ms - before < 60000 && !net.broken)
            (void)popcl_quectel_net.recv(&net, text, 3);
        assert_int_equal(receive(text, sizeof text), POPCL_NET_FAILED);
        assert_int_equal(popcl_quectel_net.code(&net), ends[i].code);
        assert_int_equal(popcl_quectel_net.send(&net, "x", 1), POPCL_NET_FAILED);
        before = modem.now_ms;
        popcl_quectel_net.close(&net);
        assert_in_range(modem.now_ms - before, 0, 2100);
    }
}

static void a_line_that_is_gone(void **state) {
    static const char *const rows[] = {OPENED, NULL};
    char octet;
    (void)state;
    begin_with(rows, 64);
    modem.gone = 1;
    assert_int_equal(popcl_quectel_net.recv(&net, &octet, 1), POPCL_NET_FAILED);
    assert_int_equal(popcl_quectel_net.code(&net), POPCL_QUECTEL_LINE);
    assert_int_equal(popcl_quectel_net.wait(&net, 0, 1000), POPCL_NET_FAILED);
    popcl_quectel_net.close(&net);
    assert_int_equal(open_host("192.0.2.1", 1000), POPCL_ERR_NET);
}

/* One that answered nothing: not one that is slow, and no name. */
static void a_modem_that_is_off(void **state) {
    static const char *const rows[] = {NULL};
    (void)state;
    play(rows, 64);
    uint32_t before = modem.now_ms;
    assert_int_equal(open_host("192.0.2.1", 30000), POPCL_ERR_NET);
    assert_int_equal(popcl_quectel_net.code(&net), POPCL_QUECTEL_SILENT);
    assert_in_range(modem.now_ms - before, 5000, 7000);
    before = modem.now_ms;
    assert_int_equal(open_host("192.0.2.1", 300), POPCL_ERR_TIMEOUT_CONNECT);
    assert_int_equal(open_host("mail.example", 300), POPCL_ERR_RESOLVE_TIMEOUT);
    assert_in_range(modem.now_ms - before, 600, 700);
}

/* The answer to a command of the last connection is not the answer to the first of this one. */
static void a_late_answer(void **state) {
    static const char *const rows[] = {"AT+QIGETERROR\r",
                                       "\r\nOK\r\n\r\nERROR\r\n",
                                       "AT+QIGETERROR\r",
                                       "\r\nERROR\r\n\r\n+QIGETERROR: 0,x\r\n\r\nOK\r\n",
                                       "ATE0\r",
                                       "\r\nOK\r\n",
                                       "AT+QISDE=0\r",
                                       "\r\nERROR\r\n",
                                       CLOSED,
                                       ASKED,
                                       "\r\nOK\r\n\r\n+QIOPEN: 0,566\r\n\r\n+QIOPEN: 1,0\r\n",
                                       NULL};
    (void)state;
    play(rows, 64);
    assert_int_equal(open_host("192.0.2.1", 30000), POPCL_OK);
}

static void what_a_failed_open_returns(void **state) {
    static const struct {
        const char *answer;
        popcl_err result;
        int code;
    } ends[] = {
        {"\r\nOK\r\n\r\n+QIOPEN: 1,566\r\n", POPCL_ERR_CONNECT, 566},
        {"\r\nOK\r\n\r\n+QIOPEN: 1,569\r\n", POPCL_ERR_TIMEOUT_CONNECT, 569},
        {"\r\nOK\r\n\r\n+QIOPEN: 1,553\r\n", POPCL_ERR_NET, 553},
        {"\r\nOK\r\n\r\n+QIOPEN: 1,561\r\n", POPCL_ERR_CONNECT, 561},
        {"\r\n+QIOPEN: 1,563\r\n\r\nERROR\r\n", POPCL_ERR_NET, 563},
        {"\r\nOK\r\n\r\nRDY\r\n", POPCL_ERR_NET, POPCL_QUECTEL_RESTARTED},
        {"\r\nOK\r\n", POPCL_ERR_TIMEOUT_CONNECT, 569},
    };
    const char *rows[] = {PREPARED, CLOSED, ASKED, NULL, "AT+QICLOSE=1\r", "\r\nOK\r\n", NULL};
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        rows[9] = ends[i].answer;
        play(rows, 64);
        assert_int_equal(open_host("192.0.2.1", 8000), ends[i].result);
        assert_int_equal(popcl_quectel_net.code(&net), ends[i].code);
    }
}

/* ERROR has no number: it is asked for. */
static void why_there_is_no_socket(void **state) {
    static const char *const rows[] = {PREPARED,
                                       CLOSED,
                                       ASKED,
                                       "\r\nERROR\r\n",
                                       "AT+QIGETERROR\r",
                                       "\r\n+QIGETERROR: 573,APN not configured\r\n\r\nOK\r\n",
                                       NULL};
    (void)state;
    play(rows, 64);
    assert_int_equal(open_host("192.0.2.1", 8000), POPCL_ERR_CONNECT);
    assert_int_equal(popcl_quectel_net.code(&net), 573);
}

static void a_name(void **state) {
    static const char *const asked = "AT+QIDNSGIP=1,\"mail.example\"\r";
    const char *found[] = {PREPARED,
                           asked,
                           "\r\nOK\r\n\r\n+QIURC: \"dnsgip\",0,2,600\r\n"
                           "\r\n+QIURC: \"dnsgip\",\"192.0.2.9\"\r\n"
                           "\r\n+QIURC: \"dnsgip\",\"192.0.2.1\"\r\n",
                           "AT+QICLOSE=1\r",
                           "\r\nERROR\r\n",
                           "AT+QIOPEN=1,1,\"TCP\",\"192.0.2.9\",110,0,0\r",
                           "\r\nOK\r\n\r\n+QIOPEN: 1,566\r\n",
                           "AT+QICLOSE=1\r",
                           "\r\nOK\r\n",
                           "AT+QIGETERROR\r",
                           "\r\n+QIGETERROR: 566,x\r\n\r\nOK\r\n",
                           "AT+QICLOSE=0\r",
                           "\r\nERROR\r\n",
                           "AT+QIOPEN=1,0,\"TCP\",\"192.0.2.1\",110,0,0\r",
                           "\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n",
                           NULL};
    const char *failed[] = {PREPARED, asked, NULL, NULL};
    (void)state;
    play(found, 64);
    assert_int_equal(open_host("mail.example", 8000), POPCL_OK);
    assert_int_equal(popcl_quectel_net.code(&net), 0);
    static const struct {
        const char *answer;
        popcl_err result;
    } ends[] = {{"\r\nOK\r\n\r\n+QIURC: \"dnsgip\",565\r\n", POPCL_ERR_RESOLVE},
                {"\r\nOK\r\n\r\n+QIURC: \"dnsgip\",0,0,0\r\n", POPCL_ERR_RESOLVE},
                {"\r\nOK\r\n\r\n+QIURC: \"dnsgip\",564\r\n", POPCL_ERR_RESOLVE_TIMEOUT},
                {"\r\nERROR\r\n", POPCL_ERR_RESOLVE_TIMEOUT},
                {"\r\nOK\r\n", POPCL_ERR_RESOLVE_TIMEOUT}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        failed[7] = ends[i].answer;
        play(failed, 64);
        assert_int_equal(open_host("mail.example", 8000), ends[i].result);
    }
}

/* Nothing of a host becomes a command. */
static void a_host_that_is_no_name(void **state) {
    static const char *const rows[] = {NULL};
    char longest[POPCL_QUECTEL_HOST_MAX + 2];
    const char *const hosts[] = {"", "a\",1\rAT+QPOWD", "a b", "m\303\244il.example", longest};
    (void)state;
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        play(rows, 64);
        assert_int_equal(open_host(hosts[i], 1000), POPCL_ERR_RESOLVE);
        assert_int_equal(modem.beyond, 0);
    }
}

/* A report of data that was lost on the line: after some time it is read for anyway. */
static void a_lost_report(void **state) {
    static const char *const rows[] = {OPENED, "AT+QIRD=1,1024\r",
                                       "\r\n+QIRD: 3\r\n+OK\r\n\r\nOK\r\n", NULL};
    char text[4] = {0};
    (void)state;
    begin_with(rows, 64);
    uint32_t before = modem.now_ms;
    assert_int_equal(popcl_quectel_net.wait(&net, POPCL_RECV, 20000), POPCL_RECV);
    assert_in_range(modem.now_ms - before, 4000, 6000);
    assert_int_equal(popcl_quectel_net.recv(&net, text, 3), 3);
    assert_string_equal(text, "+OK");
}

/* close gives what send took, and only then ends the connection. */
static void close_sends_first(void **state) {
    static const char *const rows[] = {
        OPENED,           "AT+QISEND=1,6\r", "\r\n> ", "QUIT\r\n", "\r\nSEND OK\r\n",
        "AT+QICLOSE=1\r", "\r\nOK\r\n",      NULL};
    (void)state;
    begin_with(rows, 3);
    assert_int_equal(popcl_quectel_net.send(&net, "QUIT\r\n", 6), 6);
    popcl_quectel_net.close(&net);
    assert_null(modem.rows[0]);
    popcl_quectel_net.close(&net);
    assert_int_equal(modem.beyond, 0);
}

static void no_line(void **state) {
    (void)state;
    memset(&net, 0, sizeof net);
    assert_int_equal(open_host("192.0.2.1", 1000), POPCL_ERR_PORT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_may_look_like_reports),
        cmocka_unit_test(reports_may_come_between_any_two_lines),
        cmocka_unit_test(a_full_buffer_is_tried_again_with_the_same_octets),
        cmocka_unit_test(a_refused_send_leaves_what_came),
        cmocka_unit_test(a_connection_that_breaks),
        cmocka_unit_test(a_line_that_is_gone),
        cmocka_unit_test(a_modem_that_is_off),
        cmocka_unit_test(a_late_answer),
        cmocka_unit_test(what_a_failed_open_returns),
        cmocka_unit_test(why_there_is_no_socket),
        cmocka_unit_test(a_name),
        cmocka_unit_test(a_host_that_is_no_name),
        cmocka_unit_test(a_lost_report),
        cmocka_unit_test(close_sends_first),
        cmocka_unit_test(no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
