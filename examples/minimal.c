/* SPDX-License-Identifier: MIT */
/* minimal - fetches every message of a maildrop to standard output:  minimal HOST PORT USER
 * PASSWORD-FILE */
#include <stdio.h>
#include <stdlib.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"

static int begin(void *ctx, const popcl_msg *m) {
    return (void)ctx, printf("--- %lu %s\n", (unsigned long)m->number, m->uid) < 0 ? -1 : 0;
}
static int data(void *ctx, const void *p, size_t n) {
    return (void)ctx, fwrite(p, 1, n, stdout) == n ? (int)n : -1;
}
static int commit(void *ctx) { return (void)ctx, fflush(stdout) ? -1 : 0; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why, puts("--- cut"); }

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[4096], plan[4096]; /* all the memory it uses */
    static char password[256];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    FILE *f = argc == 5 ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: minimal HOST PORT USER PASSWORD-FILE\n"), 64;
    fclose(f);
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .user = argv[3],
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .passes = UINT16_MAX,
                                 .sink = &sink};
    popcl_posix_net net = {0};
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &net);
    if (e)
        fprintf(stderr, "minimal: %s: %s; %s\n", popcl_err_what(e), popcl_err_cause(e),
                popcl_err_advice(e));
    popcl_fetch_wipe(&job);
    return e && e != POPCL_MORE;
}
