/* SPDX-License-Identifier: MIT */
/* count - prints how many messages wait and how large they are, and fetches none:
 * count HOST PORT USER PASSWORD-FILE. A sequence of commands of one's own (popcl_command.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "popcl_command.h"
#include "popcl_posix.h"

static popcl session;
static popcl_secret password;
static popcl_config config;
static const popcl_verb sequence[] = {POPCL_USER, POPCL_PASS, POPCL_STAT, POPCL_QUIT};

static unsigned ready(void *next) {
    uint32_t at = (*(uint32_t *)next)++;
    popcl_command command = {sequence[at], .text = config.user, .text_len = strlen(config.user),
                             .secret = &password};
    popcl_err e = popcl_submit(&session, &command, at);
    if (e) popcl_fail(&session, e, 0);
    return 0;
}

static unsigned done(void *next, uint32_t tag, const popcl_reply *r) {
    if (tag == POPCL_TAG_GREETING) return (void)next, 0;
    if (r->status != POPCL_STATUS_OK)
        popcl_fail(&session,
                   popcl_reply_error(r, tag < 2 ? POPCL_ERR_AUTH : POPCL_ERR_COMMAND_REFUSED), 0);
    else if (sequence[tag] == POPCL_STAT)
        printf("%lu messages, %llu octets\n", (unsigned long)r->number,
               (unsigned long long)r->size);
    return 0;
}

int main(int argc, char **argv) {
    static const popcl_events events = {.ready = ready, .done = done};
    static unsigned char iobuf[1024];
    static char octets[256];
    uint32_t next = 0;
    popcl_posix_net net = {0};
    FILE *f = argc == 5 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", octets) != 1)
        return fprintf(stderr, "usage: count HOST PORT USER PASSWORD-FILE\n"), 64;
    config = (popcl_config){.host = argv[1],
                            .port = (uint16_t)atoi(argv[2]),
                            .user = argv[3],
                            .iobuf = iobuf,
                            .iobuf_len = sizeof iobuf};
    password.octets = octets;
    popcl_start(&session, &config, &events, &next, 0);
    popcl_err e = popcl_run(&session, &popcl_posix, &net);
    if (e) fprintf(stderr, "count: %s; %s\n", popcl_err_what(e), popcl_err_advice(e));
    popcl_wipe(&session);
    return fclose(f) || e;
}
