/* SPDX-License-Identifier: MIT */
/* lwipopts.h - lwIP for the conformance suite: both ends of each connection are in one stack, so
 * that there are twice as many of all things as on a board. The window is a board's: what a port
 * does when it is full has to show. A build says NO_SYS by -D. */
#ifndef TESTS_PORT_LWIP_LWIPOPTS_H
#define TESTS_PORT_LWIP_LWIPOPTS_H

#define LWIP_IPV4            1
#define LWIP_IPV6            1
#define LWIP_NETCONN         !NO_SYS
#define LWIP_SOCKET          !NO_SYS
#define SYS_LIGHTWEIGHT_PROT !NO_SYS

#define LWIP_HAVE_LOOPIF        1
#define LWIP_NETIF_LOOPBACK     1
#define LWIP_LOOPBACK_MAX_PBUFS 64
#define LWIP_DNS                1
#define LWIP_DHCP               0
#define LWIP_UDP                1
#define LWIP_RAW                0
#define IPV6_FRAG_COPYHEADER    1 /* pointers of 64 bits */

#define MEM_ALIGNMENT        8
#define MEM_SIZE             (1024 * 1024)
#define MEMP_NUM_TCP_PCB     16
#define MEMP_NUM_UDP_PCB     8
#define MEMP_NUM_TCP_SEG     256
#define MEMP_NUM_PBUF        256
#define MEMP_NUM_SYS_TIMEOUT 20
#define PBUF_POOL_SIZE       128
#define PBUF_POOL_BUFSIZE    1524

#define TCP_MSS          536
#define TCP_WND          (8 * TCP_MSS)
#define TCP_SND_BUF      (4 * TCP_MSS)
#define TCP_SND_QUEUELEN 16

#if !NO_SYS
#define LWIP_ERRNO_STDINCLUDE
#define LWIP_COMPAT_SOCKETS                0 /* the C library has functions of these names */
#define LWIP_SOCKET_SELECT                 0
#define LWIP_TCPIP_CORE_LOCKING            1
#define LWIP_NETIF_LOOPBACK_MULTITHREADING 1
#define MEMP_NUM_NETCONN                   8
#define MEMP_NUM_NETBUF                    32
#define MEMP_NUM_TCPIP_MSG_INPKT           64
#define TCPIP_MBOX_SIZE                    64
#define DEFAULT_TCP_RECVMBOX_SIZE          64
#define DEFAULT_ACCEPTMBOX_SIZE            8
#endif

#define LWIP_HOOK_FILENAME "arch/hooks.h"

#endif
