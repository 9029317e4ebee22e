/* SPDX-License-Identifier: MIT */
/* hostname - see hostname.h. */
#define _POSIX_C_SOURCE 200809L
#include "hostname.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int is_name_octet(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* An IPv4 address with leading zeros, or with too many digits in a number, has different meanings
 * on different systems: octal, or cut. */
static int is_odd_ipv4(const char *host) {
    if (host[strspn(host, "0123456789.")]) return 0;
    for (const char *p = host; *p; p += *p == '.') {
        size_t n = strspn(p, "0123456789");
        if ((n > 1 && *p == '0') || n > 10) return 1;
        p += n;
    }
    return 0;
}

const char *cmd_hostname_read(char *host, const char *p, size_t n) {
    if (n && p[n - 1] == '.') n--;
    if (n == 0) return "is empty";
    if (n > CMD_HOST_MAX) return "is longer than 255 octets";
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c > 127)
            return "holds octets above 127: give an international name in its xn-- form (A-label)";
        if (c >= 'A' && c <= 'Z') c = (unsigned char)(c - 'A' + 'a');
        if (c != '.' && !is_name_octet(c)) return "holds an octet that no name has";
        if (c == '.' && (i == 0 || p[i - 1] == '.' || i + 1 == n)) return "has an empty part";
        host[i] = (char)c;
    }
    host[n] = '\0';
    if (is_odd_ipv4(host)) return "holds a number with zeros before it, or with too many digits";
    return host[0] == '-' ? "begins with -" : NULL;
}

static int is_scope(const char *scope) {
    size_t n = strlen(scope);
    return n > 0 && n <= CMD_SCOPE_MAX &&
           strspn(scope, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") == n;
}

const char *cmd_hostname_read_ipv6(char *host, char *scope, const char *p, size_t n) {
    char text[INET6_ADDRSTRLEN + 1 + CMD_SCOPE_MAX + 1];
    struct in6_addr address;
    if (n >= sizeof text) return "is no IPv6 address";
    memcpy(text, p, n);
    text[n] = '\0';
    char *percent = strchr(text, '%');
    if (percent) *percent++ = '\0';
    if (percent && (!scope || !is_scope(percent))) return "has an unusable %scope";
    if (scope) (void)snprintf(scope, CMD_SCOPE_MAX + 1, "%s", percent ? percent : "");
    if (inet_pton(AF_INET6, text, &address) != 1) return "is no IPv6 address";
    return inet_ntop(AF_INET6, &address, host, CMD_HOST_MAX + 1) ? NULL : "is no IPv6 address";
}

int cmd_hostname_needs_scope(const char *host) {
    struct in6_addr address;
    return inet_pton(AF_INET6, host, &address) == 1 && IN6_IS_ADDR_LINKLOCAL(&address);
}
