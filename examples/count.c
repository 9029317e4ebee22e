/* SPDX-License-Identifier: MIT */
/* count HOST PORT USER < PASSWORD-FILE - prints how many messages wait, by commands of its own. */
#include "popcl_command.h"
#include "popcl_posix.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static const popcl_verb sequence[] = {POPCL_USER, POPCL_PASS, POPCL_STAT, POPCL_QUIT};
static popcl_command command;
static uint32_t next; /* place in sequence, which is also the command's tag */

static unsigned ready(void *session) {
    command.verb = sequence[next];
    popcl_err e = popcl_submit(session, &command, next++);
    if (e) popcl_fail(session, e, 0);
    return 0;
}
static unsigned done(void *session, uint32_t tag, const popcl_reply *r) {
    popcl_err refused = popcl_reply_error(r, POPCL_ERR_AUTH);
    if (r->status != POPCL_STATUS_OK && tag < 3)
        popcl_fail(session, refused, 0);
    else if (tag == 2)
        printf("%u messages\n", (unsigned)r->number);
    return 0;
}
int main(int argc, char **argv) {
    static char iobuf[1024], line[256];
    static popcl session;
    if (argc != 4 || scanf("%255[^\r\n]", line) != 1) return fputs("see count.c\n", stderr), 64;
    command.text = argv[3], command.text_len = strlen(argv[3]);
    command.secret = &(popcl_secret){.octets = line};
    popcl_config config = {.host = argv[1], .port = (uint16_t)atoi(argv[2]), .iobuf = iobuf};
    config.iobuf_len = sizeof iobuf;
    popcl_start(&session, &config, &(popcl_events){.ready = ready, .done = done}, &session, 0);
    popcl_err e = popcl_run(&session, &popcl_posix, &(popcl_posix_net){0});
    if (e) fprintf(stderr, "count: %s; %s\n", popcl_err_what(e), popcl_err_advice(e));
    popcl_wipe(&session);
    return e != POPCL_OK;
}
