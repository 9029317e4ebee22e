/* SPDX-License-Identifier: MIT */
/* stubs - FreeRTOS+TCP as far as port/freertos-tcp calls it, over this machine's sockets. As there,
 * recv reports each end by one number, and the state is another one after a reset. */
#define _GNU_SOURCE
#include <FreeRTOS.h>
#include <FreeRTOS_IP.h>
#include <FreeRTOS_Sockets.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <task.h>
#include <time.h>

#include "host_sockets/host.h"
#include "stubs.h"

struct xSOCKET {
    int fd;
    eIPTCPState_t state;
    TickType_t recv_ticks;
};

/* ---- kernel ---- */

static uint32_t shift_ms;

TickType_t xTaskGetTickCount(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (TickType_t)t.tv_sec * 1000u + (TickType_t)(t.tv_nsec / 1000000) + shift_ms;
}

void stub_clock_to(uint32_t ms) { shift_ms += ms - xTaskGetTickCount(); }

void vTaskDelay(const TickType_t xTicksToDelay) {
    const struct timespec span = {(time_t)(xTicksToDelay / 1000),
                                  (long)(xTicksToDelay % 1000) * 1000000};
    (void)nanosleep(&span, NULL);
}

/* ---- sockets ---- */

Socket_t FreeRTOS_socket(BaseType_t xDomain, BaseType_t xType, BaseType_t xProtocol) {
    if (xDomain != FREERTOS_AF_INET || xType != FREERTOS_SOCK_STREAM ||
        xProtocol != FREERTOS_IPPROTO_TCP)
        abort();
    Socket_t s = calloc(1, sizeof *s);
    int fd = host_socket(0, 0);
    if (!s || fd < 0) {
        free(s);
        return FREERTOS_INVALID_SOCKET;
    }
    s->fd = fd;
    return s;
}

BaseType_t FreeRTOS_setsockopt(Socket_t xSocket, int32_t lLevel, int32_t lOptionName,
                               const void *pvOptionValue, size_t uxOptionLength) {
    if (lLevel != 0 || uxOptionLength != sizeof(TickType_t)) return -pdFREERTOS_ERRNO_EINVAL;
    if (lOptionName == FREERTOS_SO_RCVTIMEO)
        memcpy(&xSocket->recv_ticks, pvOptionValue, uxOptionLength);
    return 0;
}

BaseType_t FreeRTOS_connect(Socket_t xClientSocket, const struct freertos_sockaddr *pxAddress,
                            socklen_t xAddressLength) {
    unsigned char address[4];
    if (xAddressLength != sizeof *pxAddress || xClientSocket->recv_ticks) abort();
#ifdef STUB_TCP_V3
    memcpy(address, &pxAddress->sin_addr, sizeof address);
#else
    memcpy(address, &pxAddress->sin_address.ulIP_IPv4, sizeof address);
#endif
    uint16_t port = FreeRTOS_htons(pxAddress->sin_port);
    if (host_connect(xClientSocket->fd, 0, address, port) == 0 || errno == EINPROGRESS) {
        xClientSocket->state = eCONNECT_SYN;
        return -pdFREERTOS_ERRNO_EWOULDBLOCK;
    }
    return -pdFREERTOS_ERRNO_EINVAL;
}

static void look(Socket_t s) {
    int came, error = 0;
    if (s->state != eCONNECT_SYN || host_poll(s->fd, HOST_OUT, 0, &came) != 1) return;
    (void)host_error(s->fd, &error);
    s->state = error ? eCLOSED : eESTABLISHED;
    if (!error) (void)host_set_no_delay(s->fd);
}

BaseType_t FreeRTOS_issocketconnected(Socket_t xSocket) {
    look(xSocket);
    return xSocket->state == eESTABLISHED;
}

BaseType_t FreeRTOS_connstatus(Socket_t xSocket) {
    look(xSocket);
    return (BaseType_t)xSocket->state;
}

BaseType_t FreeRTOS_tx_space(Socket_t xSocket) {
    int came;
    return host_poll(xSocket->fd, HOST_OUT, 0, &came) == 1 && came & HOST_OUT;
}

BaseType_t FreeRTOS_recvcount(Socket_t xSocket) {
    char octet;
    return host_recv(xSocket->fd, &octet, 1, 1) > 0;
}

/* Octets that came before the end are kept. */
BaseType_t FreeRTOS_recv(Socket_t xSocket, void *pvBuffer, size_t uxBufferLength,
                         BaseType_t xFlags) {
    int came, waits = !(xFlags & FREERTOS_MSG_DONTWAIT) && xSocket->recv_ticks;
    if (waits) (void)host_poll(xSocket->fd, HOST_IN, (int)xSocket->recv_ticks, &came);
    long got = host_recv(xSocket->fd, pvBuffer, uxBufferLength, xFlags & FREERTOS_MSG_PEEK);
    if (got > 0) return got;
    int is_open = xSocket->state == eESTABLISHED || xSocket->state == eFIN_WAIT_1;
    if (is_open && got < 0 && errno == EAGAIN) return 0;
    if (is_open) xSocket->state = got == 0 ? eCLOSE_WAIT : eCLOSED;
    return -pdFREERTOS_ERRNO_ENOTCONN;
}

BaseType_t FreeRTOS_send(Socket_t xSocket, const void *pvBuffer, size_t uxDataLength,
                         BaseType_t xFlags) {
    if (!(xFlags & FREERTOS_MSG_DONTWAIT)) abort();
    long sent = host_send(xSocket->fd, pvBuffer, uxDataLength);
    if (sent >= 0) return sent;
    return errno == EAGAIN ? -pdFREERTOS_ERRNO_ENOSPC : -pdFREERTOS_ERRNO_ENOTCONN;
}

BaseType_t FreeRTOS_shutdown(Socket_t xSocket, BaseType_t xHow) {
    if (xSocket->state != eESTABLISHED || xHow != FREERTOS_SHUT_RDWR)
        return -pdFREERTOS_ERRNO_ENOTCONN;
    xSocket->state = eFIN_WAIT_1;
    return host_shut(xSocket->fd) == 0 ? 0 : -pdFREERTOS_ERRNO_ENOTCONN;
}

BaseType_t FreeRTOS_closesocket(Socket_t xSocket) {
    (void)host_close(xSocket->fd);
    free(xSocket);
    return 1;
}

uint32_t FreeRTOS_gethostbyname(const char *pcHostName) {
    unsigned char found[2][4];
    uint32_t ip = 0;
    if (host_read_address(0, pcHostName, found[0]) == 1 || host_look_up(pcHostName, found) > 0)
        memcpy(&ip, found[0], sizeof ip);
    return ip;
}
