/* SPDX-License-Identifier: MIT */
/* net - the port over the AT commands of a Quectel module. One command at a time is on the line,
 * and the state decides which answers may come. pump is the only function that reads the line. It
 * takes each octet where the state wants it: into a line of text, or into the buffer of received
 * data. Reports that nobody asked for may come between any two lines.
 *
 *     IDLE --command--> ANSWER --OK, ERROR--> IDLE
 *     ANSWER --+QIRD: n--> DATA --n octets--> ANSWER
 *     IDLE --QISEND--> PROMPT -->--> SENDING --SEND OK, SEND FAIL--> IDLE */
#include "popcl_quectel.h"

#include <string.h>

enum { IDLE, ANSWER, PROMPT, SENDING, DATA };                    /* state */
enum { PLAIN, SYNC, QUESTION, SEND, READ };                      /* command: the one under way */
enum { NONE, IS_OK, IS_ERROR };                                  /* final: the answer's last line */
enum outcome { CAME, LATE, STOPPED, GONE };                      /* of a wait inside of open */
enum { DNS_BUSY = 564, DNS_FAILED = 565, OPERATION_LATE = 569 }; /* numbers of the module */

#define LOOK_MS   250u   /* nothing wakes a sleep for a wish to stop */
#define ROOM_MS   10u    /* nor for room on the line */
#define SYNC_MS   1000u  /* until the first command is given again */
#define SILENT_MS 5000u  /* so long the first command is given again */
#define ANSWER_MS 20000u /* the modem answers each command that moves data within seconds */
#define RETRY_MS  100u   /* after SEND FAIL: its buffer is full */
#define POLL_MS   5000u  /* a report of data may be lost on the line: read without it */
#define CLOSE_MS  2000u
#define QUIET_MS  100u

static uint32_t quectel_now_ms(void *ctx) {
    const popcl_quectel *n = ctx;
    return n->line && n->line->now_ms ? n->line->now_ms(n->line_ctx) : 0;
}

static uint32_t time_left(popcl_quectel *n, uint32_t began_ms, uint32_t limit_ms) {
    uint32_t passed = quectel_now_ms(n) - began_ms;
    return passed < limit_ms ? limit_ms - passed : 0;
}

static uint32_t lesser(uint32_t a, uint32_t b) { return a < b ? a : b; }
static int is_stop_wanted(const popcl_quectel *n) { return n->stop && *n->stop; }

static void line_is_gone(popcl_quectel *n) {
    n->gone = n->broken = 1;
    n->code = POPCL_QUECTEL_LINE;
}

/* The connection is over. Data that is in the buffer is still given. */
static void break_off(popcl_quectel *n, int code) {
    if (!n->broken) n->code = code;
    n->broken = 1;
    n->state = IDLE;
    n->out_len = n->send_len = 0;
}

/* ---- commands ---- */

static char *order_text(char *to, const char *text) {
    size_t size = strlen(text);
    memcpy(to, text, size);
    return to + size;
}

static char *order_number(char *to, unsigned number) {
    char digits[5]; /* up to 65535 */
    size_t size = 0;
    do
        digits[size++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (size > 0)
        *to++ = digits[--size];
    return to;
}

/* Gives the command that order holds up to end. */
static void give_order(popcl_quectel *n, char *end, uint8_t command) {
    *end++ = '\r';
    n->out = (const unsigned char *)n->order;
    n->out_len = (uint16_t)(end - n->order);
    n->command = command;
    n->state = command == SEND ? PROMPT : ANSWER;
    n->final = NONE;
    n->began_ms = quectel_now_ms(n);
}

static void give_text(popcl_quectel *n, const char *text, uint8_t command) {
    give_order(n, order_text(n->order, text), command);
}

static void give_close(popcl_quectel *n) {
    give_order(n, order_number(order_text(n->order, "AT+QICLOSE="), n->id), PLAIN);
}

/* QISEND or QIRD: both have the connection and a number of octets. */
static void give_move(popcl_quectel *n, const char *text, unsigned octets, uint8_t command) {
    char *end = order_number(order_text(n->order, text), n->id);
    *end++ = ',';
    give_order(n, order_number(end, octets), command);
}

static void give_read(popcl_quectel *n) {
    n->unread = 0; /* a report that comes from here on counts */
    n->reads_last = n->closed;
    n->in_from = n->in_to = 0;
    n->read_ms = quectel_now_ms(n);
    give_move(n, "AT+QIRD=", POPCL_QUECTEL_ROOM_IN, READ);
}

static void write_to_line(popcl_quectel *n) {
    int32_t written = 1;
    while (n->out_len > 0 && written > 0 && !n->gone) {
        written = n->line->write(n->line_ctx, n->out, n->out_len);
        if (written < 0 || written > n->out_len) {
            line_is_gone(n);
            return;
        }
        if (written > 0) n->began_ms = quectel_now_ms(n); /* no answer comes before the end */
        n->out += written;
        n->out_len = (uint16_t)(n->out_len - written);
    }
}

/* Whether it is time for the next try to send. */
static int may_try_to_send(popcl_quectel *n) {
    return n->send_len > 0 && (!n->retries || time_left(n, n->failed_ms, RETRY_MS) == 0);
}

/* Begins what the connection needs, if the line is free. */
static void begin_next(popcl_quectel *n) {
    if (n->state != IDLE && time_left(n, n->began_ms, ANSWER_MS) == 0)
        break_off(n, POPCL_QUECTEL_SILENT);
    if (n->state != IDLE || !n->up || n->broken) return;
    if (may_try_to_send(n)) {
        give_move(n, "AT+QISEND=", n->send_len, SEND);
    } else if (n->in_from == n->in_to && !n->ended && !n->closing) {
        if (time_left(n, n->read_ms, POLL_MS) == 0) n->unread = 1;
        if (n->unread) give_read(n);
    }
}

/* ---- what the modem writes ---- */

/* Returns the rest of the line after these words, without blanks, or NULL. */
static const char *text_after(const char *line, const char *words) {
    size_t size = strlen(words);
    if (strncmp(line, words, size) != 0) return NULL;
    return line + size + strspn(line + size, " ");
}

/* Reads a number and the comma after it. Returns 0 without a number. */
static int take_number(const char **at, unsigned *number) {
    const char *p = *at;
    unsigned value = 0;
    while (*p >= '0' && *p <= '9' && value < 100000)
        value = value * 10 + (unsigned)(*p++ - '0');
    if (p == *at) return 0;
    *number = value;
    *at = *p == ',' ? p + 1 : p;
    return 1;
}

static int is_this_connection(const popcl_quectel *n, const char **at) {
    unsigned id;
    return take_number(at, &id) && id == n->id;
}

/* First a line with error, count and lifetime, then a line for each address. */
static void take_dns(popcl_quectel *n, const char *at) {
    unsigned error, count;
    if (n->command != QUESTION || n->final != IS_OK) return; /* of a question that was given up */
    if (*at != '"') {
        if (!take_number(&at, &error)) return;
        n->found_code = (int)error;
        n->names_expected = take_number(&at, &count) ? (uint8_t)lesser(count, 255) : 0;
        if (error || n->names_expected == 0) n->names_answered = 1;
        return;
    }
    size_t size = strcspn(++at, "\"");
    if (n->names < POPCL_QUECTEL_ADDRESSES && size < sizeof n->name[0]) {
        memcpy(n->name[n->names], at, size);
        n->name[n->names++][size] = '\0';
    }
    if (n->names_expected > 0 && --n->names_expected == 0) n->names_answered = 1;
}

static void take_report(popcl_quectel *n, const char *at) {
    const char *rest;
    if ((rest = text_after(at, "\"recv\",")) != NULL) {
        if (is_this_connection(n, &rest)) n->unread = 1;
    } else if ((rest = text_after(at, "\"closed\",")) != NULL) {
        if (is_this_connection(n, &rest)) n->closed = n->unread = 1;
    } else if ((rest = text_after(at, "\"pdpdeact\",")) != NULL) {
        unsigned context;
        if (take_number(&rest, &context) && context == (n->context ? n->context : 1u))
            break_off(n, POPCL_QUECTEL_DETACHED);
    } else if ((rest = text_after(at, "\"dnsgip\",")) != NULL) {
        take_dns(n, rest);
    }
}

/* The data of QIRD follows its line at once. An answer has one such line: after data, another is
 * the server's text, since a fault on the line changed the number of octets. */
static void take_read(popcl_quectel *n, const char *at) {
    unsigned octets;
    if (!take_number(&at, &octets) || octets > POPCL_QUECTEL_ROOM_IN || n->in_to > 0) {
        break_off(n, POPCL_QUECTEL_REFUSED);
        return;
    }
    n->left = (uint16_t)octets;
    if (octets > 0) {
        n->state = DATA;
        n->unread = 1; /* until a QIRD brings nothing */
    } else if (n->reads_last) {
        n->ended = 1;
    }
}

static void end_command(popcl_quectel *n, uint8_t final) {
    n->state = IDLE;
    n->final = final;
    if (n->command == READ && final == IS_ERROR) {
        if (n->closed)
            n->ended = 1; /* it keeps nothing of a connection that is over */
        else
            break_off(n, POPCL_QUECTEL_REFUSED);
    }
    if (n->command == SEND) {
        if (final == IS_ERROR) n->deaf = 1, n->code = POPCL_QUECTEL_REFUSED;
        n->send_len = n->out_len = 0;
        n->retries = 0;
    }
}

/* SEND FAIL is no failure of the connection. */
static void note_full(popcl_quectel *n) {
    n->state = IDLE;
    n->retries = 1;
    n->failed_ms = quectel_now_ms(n);
}

static int is_error(const char *line) {
    return strcmp(line, "ERROR") == 0 || text_after(line, "+CME ERROR:");
}

static int is_restart(const char *line) {
    return strcmp(line, "RDY") == 0 || strcmp(line, "POWERED DOWN") == 0 ||
           strcmp(line, "NORMAL POWER DOWN") == 0;
}

/* Answers to the command that is under way. Others are echoes, and reports of the network. */
static void take_modem_answer(popcl_quectel *n, const char *line) {
    const char *rest;
    unsigned number;
    if (n->state == IDLE) return;
    if (n->state == SENDING && strcmp(line, "SEND OK") == 0) {
        end_command(n, IS_OK);
    } else if (n->state == SENDING && strcmp(line, "SEND FAIL") == 0) {
        note_full(n);
    } else if (is_error(line)) {
        if (n->command != SYNC || n->synced) end_command(n, IS_ERROR);
    } else if (n->state == ANSWER && strcmp(line, "OK") == 0) {
        if (n->command != SYNC || n->synced) end_command(n, IS_OK);
    } else if (n->command == READ && (rest = text_after(line, "+QIRD:")) != NULL) {
        take_read(n, rest);
    } else if (n->command == SYNC && (rest = text_after(line, "+QIGETERROR:")) != NULL) {
        n->synced = 1;
        if (take_number(&rest, &number)) n->found_code = (int)number;
    }
}

static void take_modem_line(popcl_quectel *n) {
    const char *rest;
    unsigned number;
    n->text[n->text_len] = '\0';
    if ((rest = text_after(n->text, "+QIURC:")) != NULL) {
        take_report(n, rest);
    } else if ((rest = text_after(n->text, "+QIOPEN:")) != NULL) {
        if (!is_this_connection(n, &rest) || !take_number(&rest, &number)) return;
        n->found_code = (int)number;
        n->open_answered = 1;
    } else if (is_restart(n->text)) {
        break_off(n, POPCL_QUECTEL_RESTARTED);
    } else {
        take_modem_answer(n, n->text);
    }
}

static void take_octet(popcl_quectel *n, unsigned char octet) {
    if (n->state == DATA) {
        n->in[n->in_to++] = octet;
        if (--n->left == 0) n->state = ANSWER;
    } else if (octet == '\n') {
        if (n->text_len > 0) take_modem_line(n);
        n->text_len = 0;
    } else if (n->state == PROMPT && octet == '>' && n->text_len == 0) {
        n->out = n->send;
        n->out_len = n->send_len;
        n->state = SENDING;
    } else if (octet != '\r' && (octet != ' ' || n->text_len > 0) &&
               n->text_len < sizeof n->text - 1) {
        n->text[n->text_len++] = (char)octet;
    }
}

/* Writes, reads, and begins the next command, as far as that goes. Waits for the first octet only,
 * for limit_ms at most. */
static void pump(popcl_quectel *n, uint32_t limit_ms) {
    unsigned char octets[64];
    for (;;) {
        begin_next(n);
        write_to_line(n);
        if (n->gone) return;
        int32_t got = n->line->read(n->line_ctx, octets, sizeof octets,
                                    n->out_len > 0 ? lesser(limit_ms, ROOM_MS) : limit_ms);
        if (got < 0 || (size_t)got > sizeof octets) line_is_gone(n);
        if (got <= 0) return;
        for (int32_t i = 0; i < got; i++)
            take_octet(n, octets[i]);
        limit_ms = 0;
    }
}

/* ---- connecting ---- */

static enum outcome await(popcl_quectel *n, const uint8_t *flag, uint32_t began_ms,
                          uint32_t limit_ms) {
    for (;;) {
        uint32_t left = time_left(n, began_ms, limit_ms);
        if (*flag) return CAME;
        if (n->broken) return GONE;
        if (is_stop_wanted(n)) return STOPPED;
        if (left == 0) return LATE;
        pump(n, lesser(left, LOOK_MS));
    }
}

/* Gives AT+QIGETERROR until its own answer comes. An answer to an earlier command has no such line,
 * so from then on each OK belongs to the command before it. */
static enum outcome synchronise(popcl_quectel *n, uint32_t began_ms, uint32_t limit_ms) {
    uint32_t first_ms = quectel_now_ms(n);
    enum outcome r;
    int tries = 0;
    do {
        uint32_t left = time_left(n, began_ms, limit_ms);
        n->synced = 0;
        give_text(n, "AT+QIGETERROR", SYNC);
        r = await(n, &n->final, quectel_now_ms(n), lesser(left, SYNC_MS));
        tries++;
    } while (r == LATE && time_left(n, began_ms, limit_ms) > 0 &&
             time_left(n, first_ms, SILENT_MS) > 0);
    if (r == CAME && tries > 1) pump(n, QUIET_MS); /* to the others, which may come late */
    if (r == LATE && time_left(n, began_ms, limit_ms) > 0) {
        n->code = POPCL_QUECTEL_SILENT;
        return GONE;
    }
    return r;
}

/* After this the modem repeats neither commands nor data. Some firmware has no QISDE. */
static enum outcome silence_echo(popcl_quectel *n, uint32_t began_ms, uint32_t limit_ms) {
    give_text(n, "ATE0", PLAIN);
    enum outcome r = await(n, &n->final, began_ms, limit_ms);
    if (r != CAME) return r;
    give_text(n, "AT+QISDE=0", PLAIN);
    return await(n, &n->final, began_ms, limit_ms);
}

static popcl_err result_of_wait(enum outcome r, popcl_err late) {
    return r == LATE ? late : r == STOPPED ? POPCL_ERR_STOPPED : POPCL_ERR_NET;
}

static popcl_err result_of_lookup(int code) {
    return code == DNS_FAILED ? POPCL_ERR_RESOLVE : POPCL_ERR_RESOLVE_TIMEOUT;
}

/* The modem has no number for a question: a late answer to an earlier one is taken only after the
 * OK of this one. */
static popcl_err find_addresses(popcl_quectel *n, const char *host, uint32_t began_ms,
                                uint32_t limit_ms) {
    char *end = order_number(order_text(n->order, "AT+QIDNSGIP="), n->context ? n->context : 1u);
    end = order_text(order_text(order_text(end, ",\""), host), "\"");
    n->names = n->names_expected = n->names_answered = 0;
    n->found_code = 0;
    give_order(n, end, QUESTION);
    enum outcome r = await(n, &n->final, began_ms, limit_ms);
    if (r == CAME && n->final == IS_ERROR) {
        n->code = DNS_BUSY;
        return POPCL_ERR_RESOLVE_TIMEOUT;
    }
    if (r == CAME) r = await(n, &n->names_answered, began_ms, limit_ms);
    if (r != CAME) return result_of_wait(r, POPCL_ERR_RESOLVE_TIMEOUT);
    if (n->names > 0) return POPCL_OK;
    n->code = n->found_code ? n->found_code : DNS_FAILED;
    return result_of_lookup(n->code);
}

static popcl_err result_of_connect(int code) {
    static const uint16_t shortages[] = {553, 554, 556, 563, 568, 574}; /* memory, sockets, ports */
    if (code == OPERATION_LATE) return POPCL_ERR_TIMEOUT_CONNECT;
    for (size_t i = 0; i < sizeof shortages / sizeof shortages[0]; i++)
        if (code == shortages[i]) return POPCL_ERR_NET;
    return POPCL_ERR_CONNECT;
}

/* The answer to an attempt that was given up may come late, so the next one has another number. A
 * device that began anew may have left that number in use. */
static enum outcome take_socket(popcl_quectel *n, uint32_t began_ms, uint32_t limit_ms) {
    n->odd = !n->odd;
    n->id = (uint8_t)(n->socket + n->odd);
    give_close(n);
    return await(n, &n->final, began_ms, limit_ms);
}

static enum outcome ask_to_connect(popcl_quectel *n, const char *address, uint16_t port,
                                   uint32_t began_ms, uint32_t limit_ms) {
    enum outcome r = take_socket(n, began_ms, limit_ms);
    if (r != CAME) return r;
    char *end = order_number(order_text(n->order, "AT+QIOPEN="), n->context ? n->context : 1u);
    *end++ = ',';
    end = order_text(order_text(order_number(end, n->id), ",\"TCP\",\""), address);
    end = order_text(order_number(order_text(end, "\","), port),
                     ",0,0"); /* any local port; buffered */
    n->open_answered = 0;
    n->unread = n->closed = 0;
    give_order(n, end, PLAIN);
    r = await(n, &n->final, began_ms, limit_ms);
    if (r != CAME || n->final == IS_OK)
        return r != CAME ? r : await(n, &n->open_answered, began_ms, limit_ms);
    if (n->open_answered) return CAME;
    n->found_code = POPCL_QUECTEL_REFUSED;
    r = synchronise(n, began_ms, limit_ms); /* which also asks why */
    return r;
}

static popcl_err connect_to(popcl_quectel *n, const char *address, uint16_t port,
                            uint32_t limit_ms) {
    enum outcome r = ask_to_connect(n, address, port, quectel_now_ms(n), limit_ms);
    if (r == CAME && n->open_answered && n->found_code == 0) return POPCL_OK;
    if (r == CAME) n->code = n->found_code;
    if (r == LATE) n->code = OPERATION_LATE;
    if (r != GONE) { /* a socket that did not connect is in use too */
        give_close(n);
        pump(n, 0);
    }
    return r == CAME ? result_of_connect(n->code) : result_of_wait(r, POPCL_ERR_TIMEOUT_CONNECT);
}

static int is_address_text(const char *host) {
    return strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0';
}

/* The host is put into a command between quotation marks. */
static int can_be_named(const char *host) {
    size_t size = strlen(host);
    for (size_t i = 0; i < size; i++)
        if (host[i] <= ' ' || host[i] > '~' || host[i] == '"') return 0;
    return size > 0 && size <= POPCL_QUECTEL_HOST_MAX;
}

/* The most exact result counts: a timeout more than a refusal. */
static popcl_err try_addresses(popcl_quectel *n, const char *host, uint16_t port, uint32_t began_ms,
                               uint32_t limit_ms) {
    unsigned count = n->names ? n->names : 1u;
    popcl_err result = POPCL_ERR_CONNECT;
    for (unsigned i = 0; i < count; i++) {
        uint32_t share_ms = time_left(n, began_ms, limit_ms) / (count - i);
        popcl_err e = connect_to(n, n->names ? n->name[i] : host, port, share_ms);
        if (e == POPCL_OK || e == POPCL_ERR_STOPPED || e == POPCL_ERR_NET) return e;
        if (result != POPCL_ERR_TIMEOUT_CONNECT) result = e;
        if (i + 1 < count) {
            enum outcome r = synchronise(n, began_ms, limit_ms);
            if (r != CAME) return result_of_wait(r, POPCL_ERR_TIMEOUT_CONNECT);
        }
    }
    return result;
}

/* Nothing of the last connection stays. */
static void begin_anew(popcl_quectel *n) {
    n->up = n->closing = n->gone = n->broken = 0;
    n->unread = n->closed = n->reads_last = n->ended = n->deaf = n->retries = 0;
    n->in_from = n->in_to = n->out_len = n->send_len = n->text_len = n->left = 0;
    n->state = IDLE;
    n->code = n->names = 0;
}

static popcl_err open_within(popcl_quectel *n, const char *host, uint16_t port, uint32_t limit_ms) {
    uint32_t began_ms = quectel_now_ms(n);
    int is_address = is_address_text(host);
    pump(n, 0); /* reports since the last connection */
    n->broken = n->gone;
    enum outcome r = n->gone ? GONE : synchronise(n, began_ms, limit_ms);
    if (r == CAME) r = silence_echo(n, began_ms, limit_ms);
    if (r != CAME)
        return result_of_wait(r,
                              is_address ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_RESOLVE_TIMEOUT);
    popcl_err e = is_address ? POPCL_OK : find_addresses(n, host, began_ms, limit_ms);
    return e == POPCL_OK ? try_addresses(n, host, port, began_ms, limit_ms) : e;
}

static popcl_err quectel_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    popcl_quectel *n = ctx;
    if (!n->line || !n->line->read || !n->line->write || !n->line->now_ms) return POPCL_ERR_PORT;
    begin_anew(n);
    if (is_stop_wanted(n)) return POPCL_ERR_STOPPED;
    if (!can_be_named(host)) {
        n->code = DNS_FAILED;
        return POPCL_ERR_RESOLVE;
    }
    popcl_err e = open_within(n, host, port, limit_ms);
    if (e != POPCL_OK) return e;
    n->up = 1;
    n->code = 0;
    n->unread = 1; /* the greeting may have been reported before the answer to QIOPEN */
    return POPCL_OK;
}

/* ---- a connection that is up ---- */

static int32_t quectel_recv(void *ctx, void *p, size_t size) {
    popcl_quectel *n = ctx;
    if (!n->up) return POPCL_NET_FAILED;
    if (n->in_from == n->in_to) pump(n, 0);
    size_t held = (size_t)(n->in_to - n->in_from);
    if (held > 0) {
        if (size > held) size = held;
        memcpy(p, n->in + n->in_from, size);
        n->in_from = (uint16_t)(n->in_from + size);
        return (int32_t)size;
    }
    if (n->ended) return POPCL_NET_EOF;
    return n->broken ? POPCL_NET_FAILED : POPCL_NET_AGAIN;
}

/* Whether send has nothing to hope for. */
static int takes_no_more(const popcl_quectel *n) { return !n->up || n->deaf || n->broken; }

static int32_t quectel_send(void *ctx, const void *p, size_t size) {
    popcl_quectel *n = ctx;
    if (n->up && n->send_len > 0) pump(n, 0);
    if (takes_no_more(n)) return POPCL_NET_FAILED;
    if (n->send_len > 0) return POPCL_NET_AGAIN;
    if (size > sizeof n->send) size = sizeof n->send;
    memcpy(n->send, p, size);
    n->send_len = (uint16_t)size;
    pump(n, 0);
    return (int32_t)size;
}

static unsigned can_move(const popcl_quectel *n) {
    unsigned can = 0;
    if (n->in_from < n->in_to || n->ended || n->broken || !n->up) can |= POPCL_RECV;
    if (takes_no_more(n) || n->send_len == 0) can |= POPCL_SEND;
    return can;
}

static int32_t quectel_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    popcl_quectel *n = ctx;
    uint32_t began_ms = quectel_now_ms(n), left = 0;
    do {
        if ((want & (unsigned)POPCL_NET_STOP) && is_stop_wanted(n)) return POPCL_NET_STOP;
        unsigned can = can_move(n) & want & (POPCL_RECV | POPCL_SEND);
        if (can) return (int32_t)can;
        if (n->gone) return POPCL_NET_FAILED; /* read does not sleep any more */
        uint32_t slice = n->retries ? RETRY_MS : LOOK_MS;
        left = time_left(n, began_ms, limit_ms);
        pump(n, lesser(left, slice));
    } while (left > 0);
    return (int32_t)(can_move(n) & want & (POPCL_RECV | POPCL_SEND));
}

/* The modem takes no command before it answered the last one, and QICLOSE after QISEND only. */
static void quectel_close(void *ctx) {
    popcl_quectel *n = ctx;
    uint32_t began_ms = quectel_now_ms(n);
    if (!n->up) return;
    n->closing = 1;
    while ((n->state != IDLE || n->send_len > 0) && !n->broken &&
           time_left(n, began_ms, CLOSE_MS) > 0)
        pump(n, ROOM_MS);
    n->up = 0;
    if (n->gone) return;
    give_close(n);
    do
        pump(n, 0);
    while (n->out_len > 0 && !n->gone && time_left(n, began_ms, CLOSE_MS) > 0);
}

static int quectel_code(void *ctx) {
    const popcl_quectel *n = ctx;
    return n->code;
}

const popcl_net popcl_quectel_net = {
    .open = quectel_open,
    .recv = quectel_recv,
    .send = quectel_send,
    .wait = quectel_wait,
    .close = quectel_close,
    .now_ms = quectel_now_ms,
    .code = quectel_code,
};
