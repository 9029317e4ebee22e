/* SPDX-License-Identifier: MIT */
/* FreeRTOS_Sockets.h - of FreeRTOS+TCP V4.2, with eIPTCPState_t of FreeRTOS_TCP_IP.h and the
 * functions of FreeRTOS_DNS.h; with STUB_TCP_V3 an address of V3.1. */
#ifndef STUB_FREERTOS_SOCKETS_H
#define STUB_FREERTOS_SOCKETS_H
#define FREERTOS_AF_INET      2
#define FREERTOS_SOCK_STREAM  1
#define FREERTOS_IPPROTO_TCP  6
#define FREERTOS_SO_RCVTIMEO  0
#define FREERTOS_SO_SNDTIMEO  1
#define FREERTOS_MSG_PEEK     4
#define FREERTOS_MSG_DONTWAIT 16
#define FREERTOS_SHUT_RDWR    2

typedef struct xSOCKET *Socket_t;
#define FREERTOS_INVALID_SOCKET ((Socket_t)~0UL)
typedef uint32_t socklen_t;

typedef enum eTCP_STATE {
    eCLOSED,
    eTCP_LISTEN,
    eCONNECT_SYN,
    eSYN_FIRST,
    eSYN_RECEIVED,
    eESTABLISHED,
    eFIN_WAIT_1,
    eFIN_WAIT_2,
    eCLOSE_WAIT,
    eCLOSING,
    eLAST_ACK,
    eTIME_WAIT
} eIPTCPState_t;

struct freertos_sockaddr {
    uint8_t sin_len;
    uint8_t sin_family;
    uint16_t sin_port;
#ifdef STUB_TCP_V3
    uint32_t sin_addr;
#else
    uint32_t sin_flowinfo;
    union {
        uint32_t ulIP_IPv4;
        uint8_t xIP_IPv6[16];
    } sin_address;
#endif
};

#define FreeRTOS_htons(value) ((uint16_t)((((value) >> 8) & 0xffu) | (((value)&0xffu) << 8)))

Socket_t FreeRTOS_socket(BaseType_t xDomain, BaseType_t xType, BaseType_t xProtocol);
BaseType_t FreeRTOS_setsockopt(Socket_t xSocket, int32_t lLevel, int32_t lOptionName,
                               const void *pvOptionValue, size_t uxOptionLength);
BaseType_t FreeRTOS_connect(Socket_t xClientSocket, const struct freertos_sockaddr *pxAddress,
                            socklen_t xAddressLength);
BaseType_t FreeRTOS_issocketconnected(Socket_t xSocket);
BaseType_t FreeRTOS_connstatus(Socket_t xSocket);
BaseType_t FreeRTOS_tx_space(Socket_t xSocket);
BaseType_t FreeRTOS_recvcount(Socket_t xSocket);
BaseType_t FreeRTOS_recv(Socket_t xSocket, void *pvBuffer, size_t uxBufferLength,
                         BaseType_t xFlags);
BaseType_t FreeRTOS_send(Socket_t xSocket, const void *pvBuffer, size_t uxDataLength,
                         BaseType_t xFlags);
BaseType_t FreeRTOS_shutdown(Socket_t xSocket, BaseType_t xHow);
BaseType_t FreeRTOS_closesocket(Socket_t xSocket);
uint32_t FreeRTOS_gethostbyname(const char *pcHostName);
#endif
