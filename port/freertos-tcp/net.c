/* SPDX-License-Identifier: MIT */
/* net - popcl's transport over the sockets of FreeRTOS+TCP (popcl_freertos_tcp.h). These sockets
 * have no poll. A task waits for octets in a recv that leaves them in the socket. For room, and for
 * a connection, it looks every few milliseconds. */
#include "popcl_freertos_tcp.h"

#include <FreeRTOS.h>
#include <FreeRTOS_IP.h>
#include <FreeRTOS_Sockets.h>
#include <string.h>
#include <task.h>

typedef char tick_rate_divides_1000[1000 % configTICK_RATE_HZ ? -1 : 1];

#define MOVE_MAX 0x40000000u /* octets in one recv or send (popcl_net.h) */
#define LOOK_MS  10u
#define SLICE_MS 250u /* the stop flag is looked at as often */

enum { BY_PEER = 1, BROKEN = 2 };

typedef popcl_freertos_tcp_net tcp_net;

/* Also right across the wrap of the ticks, because ticks and milliseconds have 32 bits. */
static uint32_t tick_ms(void) {
    return (uint32_t)xTaskGetTickCount() * (1000u / configTICK_RATE_HZ);
}

static uint32_t ms_left(uint32_t began_ms, uint32_t limit_ms) {
    uint32_t passed = tick_ms() - began_ms;
    return passed < limit_ms ? limit_ms - passed : 0;
}

/* A wait of at least one tick, so that other tasks run. */
static TickType_t ticks_of(uint32_t ms) {
    TickType_t ticks = pdMS_TO_TICKS(ms);
    return ticks ? ticks : 1;
}

static int is_stopped(const tcp_net *n) { return n->stop && *n->stop; }

/* ---- opening ---- */

static void set_timeouts(Socket_t s, TickType_t recv_ticks) {
    const TickType_t none = 0;
    (void)FreeRTOS_setsockopt(s, 0, FREERTOS_SO_RCVTIMEO, &recv_ticks, sizeof recv_ticks);
    (void)FreeRTOS_setsockopt(s, 0, FREERTOS_SO_SNDTIMEO, &none, sizeof none);
}

/* FreeRTOS+TCP ends in the state CLOSED if the peer refused or did not answer for long. */
static popcl_err await_connection(tcp_net *n, uint32_t began_ms, uint32_t limit_ms) {
    for (;;) {
        if (FreeRTOS_issocketconnected(n->socket) > 0) return POPCL_OK;
        BaseType_t state = FreeRTOS_connstatus(n->socket);
        /* it was accepted, and ended since: recv reports that */
        if (state == (BaseType_t)eCLOSE_WAIT || FreeRTOS_recvcount(n->socket) > 0) return POPCL_OK;
        if (state == (BaseType_t)eCLOSED) {
            n->error = pdFREERTOS_ERRNO_ENOTCONN;
            return POPCL_ERR_CONNECT;
        }
        if (is_stopped(n)) return POPCL_ERR_STOPPED;
        if (ms_left(began_ms, limit_ms) == 0) {
            n->error = pdFREERTOS_ERRNO_ETIMEDOUT;
            return POPCL_ERR_TIMEOUT_CONNECT;
        }
        vTaskDelay(ticks_of(LOOK_MS));
    }
}

/* Without a time to wait, connect only begins. */
static popcl_err tcp_connect(tcp_net *n, uint32_t ip, uint16_t port, uint32_t began_ms,
                             uint32_t limit_ms) {
    struct freertos_sockaddr to;
    memset(&to, 0, sizeof to);
    to.sin_len = (uint8_t)sizeof to;
    to.sin_family = FREERTOS_AF_INET;
    to.sin_port = FreeRTOS_htons(port);
#if defined(ipFR_TCP_VERSION_MAJOR) && ipFR_TCP_VERSION_MAJOR >= 4
    to.sin_address.ulIP_IPv4 = ip;
#else
    to.sin_addr = ip;
#endif
    set_timeouts(n->socket, 0);
    BaseType_t e = FreeRTOS_connect(n->socket, &to, sizeof to);
    if (e == 0) return POPCL_OK;
    if (e == -pdFREERTOS_ERRNO_EWOULDBLOCK) return await_connection(n, began_ms, limit_ms);
    n->error = (int)-e;
    return e == -pdFREERTOS_ERRNO_ETIMEDOUT ? POPCL_ERR_TIMEOUT_CONNECT : POPCL_ERR_CONNECT;
}

static popcl_err tcp_open(void *ctx, const char *host, uint16_t port, uint32_t limit_ms) {
    tcp_net *n = ctx;
    uint32_t began_ms = tick_ms();
    n->socket = NULL;
    n->error = 0;
    n->end = 0;
    if (is_stopped(n)) return POPCL_ERR_STOPPED;
    uint32_t ip = FreeRTOS_gethostbyname(host); /* reads addresses too */
    if (ip == 0) {
        n->error = pdFREERTOS_ERRNO_ENOENT;
        return ms_left(began_ms, limit_ms) ? POPCL_ERR_RESOLVE : POPCL_ERR_RESOLVE_TIMEOUT;
    }
    Socket_t s = FreeRTOS_socket(FREERTOS_AF_INET, FREERTOS_SOCK_STREAM, FREERTOS_IPPROTO_TCP);
    if (s == FREERTOS_INVALID_SOCKET || s == NULL) {
        n->error = pdFREERTOS_ERRNO_ENOMEM;
        return POPCL_ERR_NET;
    }
    n->socket = s;
    popcl_err e = tcp_connect(n, ip, port, began_ms, limit_ms);
    if (e == POPCL_OK) return e;
    (void)FreeRTOS_closesocket(s);
    n->socket = NULL;
    return e;
}

/* ---- moving octets ---- */

/* Notes how the connection ended. FreeRTOS+TCP reports both kinds by one number: after a reset the
 * state is CLOSED. */
static void note_end(tcp_net *n) {
    if (n->end) return;
    n->end = FreeRTOS_connstatus(n->socket) == (BaseType_t)eCLOSED ? BROKEN : BY_PEER;
    if (n->end == BROKEN) n->error = pdFREERTOS_ERRNO_ENOTCONN;
}

static int32_t tcp_recv(void *ctx, void *p, size_t len) {
    tcp_net *n = ctx;
    BaseType_t got =
        FreeRTOS_recv(n->socket, p, len < MOVE_MAX ? len : MOVE_MAX, FREERTOS_MSG_DONTWAIT);
    if (got > 0) return (int32_t)got;
    if (got == 0 || got == -pdFREERTOS_ERRNO_EWOULDBLOCK) return POPCL_NET_AGAIN;
    if (got != -pdFREERTOS_ERRNO_ENOTCONN) {
        n->error = (int)-got;
        return POPCL_NET_FAILED;
    }
    note_end(n);
    return n->end == BROKEN ? POPCL_NET_FAILED : POPCL_NET_EOF;
}

static int32_t tcp_send(void *ctx, const void *p, size_t len) {
    tcp_net *n = ctx;
    BaseType_t sent =
        FreeRTOS_send(n->socket, p, len < MOVE_MAX ? len : MOVE_MAX, FREERTOS_MSG_DONTWAIT);
    if (sent > 0) return (int32_t)sent;
    if (sent == 0 || sent == -pdFREERTOS_ERRNO_ENOSPC || sent == -pdFREERTOS_ERRNO_EWOULDBLOCK)
        return POPCL_NET_AGAIN;
    n->error = (int)-sent;
    return POPCL_NET_FAILED;
}

/* Waits for octets or an end. Returns POPCL_RECV if one came. */
static unsigned await_octets(const tcp_net *n, uint32_t limit_ms) {
    char octet;
    if (limit_ms) set_timeouts(n->socket, ticks_of(limit_ms));
    BaseType_t got =
        FreeRTOS_recv(n->socket, &octet, 1,
                      limit_ms ? FREERTOS_MSG_PEEK : FREERTOS_MSG_PEEK | FREERTOS_MSG_DONTWAIT);
    return got == 0 || got == -pdFREERTOS_ERRNO_EWOULDBLOCK ? 0 : POPCL_RECV;
}

/* A send to a connection that ended fails at once: that is no wait. */
static unsigned has_room(const tcp_net *n) {
    return FreeRTOS_tx_space(n->socket) != 0 || FreeRTOS_issocketconnected(n->socket) <= 0
               ? POPCL_SEND
               : 0;
}

static int32_t tcp_wait(void *ctx, unsigned want, uint32_t limit_ms) {
    tcp_net *n = ctx;
    uint32_t began_ms = tick_ms(), nap = want & POPCL_SEND ? LOOK_MS : SLICE_MS;
    for (;;) {
        if (want & (unsigned)POPCL_NET_STOP && is_stopped(n)) return POPCL_NET_STOP;
        unsigned can = want & POPCL_SEND ? has_room(n) : 0;
        uint32_t left = ms_left(began_ms, limit_ms);
        uint32_t piece = can ? 0 : left < nap ? left : nap;
        if (want & POPCL_RECV)
            can |= await_octets(n, piece);
        else if (piece)
            vTaskDelay(ticks_of(piece));
        if (can || left == 0) return (int32_t)can;
    }
}

/* A socket that is closed is forgotten, with the octets that the peer does not have. So the end is
 * sent first, and its answer is awaited a while. */
static void tcp_close(void *ctx) {
    tcp_net *n = ctx;
    char dropped[32];
    uint32_t began_ms = tick_ms();
    if (!n->socket) return;
    if (FreeRTOS_shutdown(n->socket, FREERTOS_SHUT_RDWR) == 0) {
        set_timeouts(n->socket, ticks_of(LOOK_MS));
        while (FreeRTOS_recv(n->socket, dropped, sizeof dropped, 0) >= 0 &&
               ms_left(began_ms, POPCL_FREERTOS_TCP_CLOSE_MS)) {}
    }
    (void)FreeRTOS_closesocket(n->socket);
    n->socket = NULL;
}

static uint32_t tcp_now_ms(void *ctx) {
    (void)ctx;
    return tick_ms();
}

static int tcp_code(void *ctx) {
    const tcp_net *n = ctx;
    return n->error;
}

const popcl_net popcl_freertos_tcp = {
    .open = tcp_open,
    .recv = tcp_recv,
    .send = tcp_send,
    .wait = tcp_wait,
    .close = tcp_close,
    .now_ms = tcp_now_ms,
    .code = tcp_code,
};
