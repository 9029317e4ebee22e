/* SPDX-License-Identifier: MIT */
/* lamp - is there new mail? Downloads none of it:
 *
 *     lamp HOST PORT USER PASSWORD-FILE STATE-FILE [off]
 *
 * Prints "on" if the maildrop has a message that was not there when somebody last pressed the
 * button (the word off), else "off". A device does this every few minutes. STATE-FILE takes the
 * place of its flash: it keeps 9 bytes for each message. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"
#include "popcl_seen.h"

#define MESSAGES 200 /* in the maildrop, at most */

static popcl_seen seen;
static unsigned long unknown;
static int pressed, full;

static void listed(void *ctx, const popcl_msg *m) {
    (void)ctx;
    popcl_seen_listed(&seen, m ? m->uid : NULL, m ? m->uid_len : 0);
    if (!m || popcl_seen_get(&seen, m->uid, m->uid_len)) return;
    unknown++;
    if (pressed) full |= popcl_seen_put(&seen, m->uid, m->uid_len, POPCL_SEEN_OTHER) != POPCL_OK;
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    return (void)ctx, (void)m, (void)stage, POPCL_SKIP; /* takes no room in the plan */
}

/* Never called, since nothing is fetched. */
static int begin(void *ctx, const popcl_msg *m) { return (void)ctx, (void)m, POPCL_SINK_STOP; }
static int data(void *ctx, const void *p, size_t n) { return (void)ctx, (void)p, (void)n, -1; }
static int commit(void *ctx) { return (void)ctx, -1; }
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

static int put(void *ctx, const void *p, size_t n) { return fwrite(p, 1, n, ctx) != n; }
static int get(void *ctx, void *p, size_t n) { return fread(p, 1, n, ctx) != n; }

/* Replaces the file as a whole: a power failure leaves the old one or the new one. */
static int save(const char *name) {
    char part[512];
    if (snprintf(part, sizeof part, "%s.new", name) >= (int)sizeof part) return -1;
    FILE *f = fopen(part, "wb");
    if (!f) return -1;
    int failed = popcl_seen_save(&seen, put, f) != POPCL_OK;
    failed |= fflush(f) != 0 || fsync(fileno(f)) != 0; /* before it gets the name */
    failed |= fclose(f) != 0;
    return failed ? -1 : rename(part, name);
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[POPCL_IOBUF_MIN], plan[256];
    static unsigned char memory[POPCL_SEEN_SIZE(MESSAGES)], key[16];
    static char password[256];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    FILE *f = argc == 6 || (argc == 7 && !strcmp(argv[6], "off")) ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1 || popcl_posix_seed(key, sizeof key))
        return fprintf(stderr, "usage: lamp HOST PORT USER PASSWORD-FILE STATE-FILE [off]\n"), 64;
    fclose(f);
    pressed = argc == 7;
    popcl_seen_init(&seen, memory, sizeof memory, key);
    if ((f = fopen(argv[5], "rb"))) {
        if (popcl_seen_load(&seen, get, f)) fprintf(stderr, "lamp: %s is damaged\n", argv[5]);
        fclose(f);
    }
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .user = argv[3],
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .decide = decide,
                                 .listed = listed,
                                 .uids = POPCL_UIDS_REQUIRED,
                                 .sink = &sink};
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &(popcl_posix_net){0});
    popcl_fetch_wipe(&job);
    if (e) return fprintf(stderr, "lamp: %s; %s\n", popcl_err_what(e), popcl_err_advice(e)), 1;
    if (full) return fprintf(stderr, "lamp: more than %d messages\n", MESSAGES), 1;
    if (save(argv[5])) return perror(argv[5]), 74;
    puts(unknown && !pressed ? "on" : "off");
    return 0;
}
