/* SPDX-License-Identifier: MIT */
/* bound - what receiving alone costs: a session with a loop of recv() that looks at nothing but the
 * end of what came. bound HOST PORT USER [BUFFER-OCTETS] HOST is an IPv4 address. The processor
 * time is for who started it to measure. It is no client: it trusts the server blindly, and must
 * not know popcl. The socket does not block, as popcl's does not: on a quiet machine a loop that
 * blocked in recv() took 1.7 times as long (why was not found), and would make a client look
 * cheaper than receiving. Even so it is a yardstick, and no proof of a least cost: on a busy
 * machine its rounds spread more than the difference to a client that only counts. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned char buffer[1048576];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int connected(const char *host, const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1 || fd < 0 ||
        connect(fd, (struct sockaddr *)&a, sizeof a) < 0)
        die("bound: connect");
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) die("bound: fcntl");
    return fd;
}

static size_t received(int fd, size_t room) {
    struct pollfd p = {fd, POLLIN, 0};
    ssize_t got;
    while ((got = recv(fd, buffer, room, 0)) < 0 && errno == EAGAIN)
        if (poll(&p, 1, -1) < 0) die("bound: poll");
    if (got <= 0) die("bound: recv");
    return (size_t)got;
}

/* Sends a command, "" for none, and receives until `end` has come at the end of what came. Returns
 * the octets. */
static unsigned long long exchange(int fd, size_t room, const char *command, const char *end) {
    unsigned long long octets = 0;
    size_t want = strlen(end), n = strlen(command), had = 0;
    char tail[8] = "";
    if (n && send(fd, command, n, MSG_NOSIGNAL) != (ssize_t)n) die("bound: send");
    do {
        size_t got = received(fd, room);
        size_t fresh = got < want ? got : want;
        size_t old = had < want - fresh ? had : want - fresh;
        memmove(tail, tail + had - old, old);
        memcpy(tail + old, buffer + got - fresh, fresh);
        had = old + fresh;
        octets += got;
    } while (had < want || memcmp(tail, end, want) != 0);
    return octets;
}

int main(int argc, char **argv) {
    char user[256];
    size_t room = argc > 4 ? strtoul(argv[4], NULL, 10) : 131072;
    if (argc < 4 || room == 0 || room > sizeof buffer || strlen(argv[3]) > 200) {
        fprintf(stderr, "usage: bound HOST PORT USER [BUFFER-OCTETS up to %zu]\n", sizeof buffer);
        return 64;
    }
    (void)snprintf(user, sizeof user, "USER %s\r\n", argv[3]);
    int fd = connected(argv[1], argv[2]);
    exchange(fd, room, "", "\r\n");
    exchange(fd, room, user, "\r\n");
    exchange(fd, room, "PASS secret\r\n", "\r\n");
    printf("octets=%llu\n", exchange(fd, room, "RETR 1\r\n", "\r\n.\r\n"));
    exchange(fd, room, "QUIT\r\n", "\r\n");
    close(fd);
    return 0;
}
