/* SPDX-License-Identifier: MIT */
/* names.h - Zephyr's names of what sockets need. Up to 4.3 types and families have the names of
 * POSIX. Since 4.4 they have a prefix, and the old names are there only in a compatibility mode.
 * The code of port/bsd has the names of POSIX: here each becomes one of Zephyr's. */
#ifndef POPCL_ZEPHYR_NAMES_H
#define POPCL_ZEPHYR_NAMES_H

#include <errno.h>

#include <zephyr/kernel.h>
#include <zephyr/net/net_ip.h>
#include <zephyr/net/socket.h>
#include <zephyr/sys/fdtable.h>

#ifdef NET_AF_INET
#define ZEPHYR_TYPE(name)     net_##name
#define ZEPHYR_CONSTANT(name) NET_##name
#ifndef socklen_t
#define socklen_t net_socklen_t
#endif
#else
#define ZEPHYR_TYPE(name)     name
#define ZEPHYR_CONSTANT(name) name
#endif

#ifdef ZVFS_O_NONBLOCK
#define ZEPHYR_SET_FLAGS   ZVFS_F_SETFL
#define ZEPHYR_NONBLOCKING ZVFS_O_NONBLOCK
#else /* before 4.0 */
#include <fcntl.h>
#define ZEPHYR_SET_FLAGS   F_SETFL
#define ZEPHYR_NONBLOCKING O_NONBLOCK
#endif

/* Options have a prefix in later versions only. */
#ifdef ZSOCK_SOL_SOCKET
#undef SOL_SOCKET
#define SOL_SOCKET ZSOCK_SOL_SOCKET
#endif
#ifdef ZSOCK_SO_ERROR
#undef SO_ERROR
#define SO_ERROR ZSOCK_SO_ERROR
#endif
#ifdef ZSOCK_TCP_NODELAY
#undef TCP_NODELAY
#define TCP_NODELAY ZSOCK_TCP_NODELAY
#endif
#ifdef ZSOCK_SOL_TLS
#undef SOL_TLS
#define SOL_TLS ZSOCK_SOL_TLS
#endif
#ifdef ZSOCK_TLS_SEC_TAG_LIST
#undef TLS_SEC_TAG_LIST
#define TLS_SEC_TAG_LIST ZSOCK_TLS_SEC_TAG_LIST
#endif
#ifdef ZSOCK_TLS_HOSTNAME
#undef TLS_HOSTNAME
#define TLS_HOSTNAME ZSOCK_TLS_HOSTNAME
#endif
#ifdef ZSOCK_TLS_PEER_VERIFY
#undef TLS_PEER_VERIFY
#define TLS_PEER_VERIFY ZSOCK_TLS_PEER_VERIFY
#endif

/* The POSIX layer of Zephyr, if a header brought it, has these names for the same things. */
#undef pollfd
#undef POLLIN
#undef POLLOUT
#undef POLLERR
#undef POLLHUP
#undef POLLNVAL
#undef MSG_NOSIGNAL
#define pollfd       zsock_pollfd
#define POLLIN       ZSOCK_POLLIN
#define POLLOUT      ZSOCK_POLLOUT
#define POLLERR      ZSOCK_POLLERR
#define POLLHUP      ZSOCK_POLLHUP
#define POLLNVAL     ZSOCK_POLLNVAL
#define MSG_NOSIGNAL 0 /* Zephyr has no SIGPIPE */

#endif
