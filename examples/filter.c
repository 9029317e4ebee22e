/* SPDX-License-Identifier: MIT */
/* filter - a device that obeys the mail of one sender. It reads each header with TOP, fetches the
 * mail of that sender alone, deletes it when it has obeyed, and leaves all other mail alone:
 *
 *     filter HOST PORT USER PASSWORD-FILE SENDER
 *
 * An order is the first line of the text, such as "lamp on". All memory is fixed, and what does not
 * fit is not obeyed. Anybody can write any From. So give the device an account whose provider
 * refuses forged senders, or use signatures as examples/firmware/letter.h does. An order may come
 * twice, if QUIT is lost: orders set a state, and do not change it by a step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "popcl_fetch.h"
#include "popcl_posix.h"

static const char *const orders[] = {"lamp on", "lamp off", "door closed"};

/* A line of the message, as it streams by. Longer ones are cut, and `cut` remembers that. */
static struct {
    char text[128];
    size_t len;
    int cut, in_body, has_order;
    char from[128]; /* the From of the header, unfolded */
    size_t from_len;
    int froms, in_from;
} mail;
static char order[sizeof mail.text];
static const char *sender;

/* Whether a From has one address, and it is the sender's. One of an unusual form never is. */
static int is_from_sender(const char *from) {
    const char *angle = strchr(from, '<'), *at = strchr(from, '@');
    size_t n = strlen(sender);
    from += strspn(from, " \t");
    if (!at || (angle && at < angle)) return 0; /* none, or a name that looks like one */
    if (!angle) return !strcasecmp(from, sender);
    return !strncasecmp(angle + 1, sender, n) && !strcmp(angle + 1 + n, ">");
}

static void end_line(void) {
    mail.text[mail.len] = '\0';
    int goes_on = mail.text[0] == ' ' || mail.text[0] == '\t'; /* a folded field: RFC 5322, 2.2.3 */
    size_t room = sizeof mail.from - mail.from_len - 1;
    if (mail.in_body && !mail.has_order) {
        mail.has_order = 1;
        if (!mail.cut) memcpy(order, mail.text, mail.len + 1);
    } else if (!mail.in_body && mail.len == 0) {
        mail.in_body = 1;
    } else if (!mail.in_body) {
        if (!goes_on) mail.in_from = !strncasecmp(mail.text, "From:", 5);
        mail.froms += mail.in_from && !goes_on;
        if (mail.in_from && (mail.cut || mail.len > room))
            mail.froms = 2; /* as if there were two */
        if (mail.in_from && mail.froms == 1) {
            size_t name = goes_on ? 0 : 5;
            memcpy(mail.from + mail.from_len, mail.text + name, mail.len - name + 1);
            mail.from_len += mail.len - name;
        }
    }
    mail.len = 0;
    mail.cut = 0;
}

static int begin(void *ctx, const popcl_msg *m) {
    (void)ctx, (void)m;
    memset(&mail, 0, sizeof mail);
    order[0] = '\0';
    return 0;
}

static int data(void *ctx, const void *p, size_t n) {
    (void)ctx;
    for (const char *c = p, *end = c + n; c < end; c++) {
        if (*c == '\n')
            end_line();
        else if (mail.len + 1 == sizeof mail.text || *c == '\0')
            mail.cut = 1;
        else if (*c != '\r')
            mail.text[mail.len++] = *c;
    }
    return (int)n;
}

static int commit(void *ctx) { return (void)ctx, 0; } /* fate obeys: then it is not only a header */
static void cut(void *ctx, popcl_err why) { (void)ctx, (void)why; }

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)m;
    if (stage != POPCL_STAGE_HEADERS) return POPCL_HEADERS_FIRST | POPCL_DELETE;
    return mail.froms == 1 && is_from_sender(mail.from) ? POPCL_FETCH : POPCL_SKIP;
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    (void)ctx, (void)why;
    if (what != POPCL_STORED || mail.froms != 1 || !is_from_sender(mail.from)) return;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        if (!strcmp(order, orders[i])) printf("message %lu: %s\n", (unsigned long)m->number, order);
}

int main(int argc, char **argv) {
    static popcl_fetch job;
    static unsigned char iobuf[512], plan[1024];
    static char password[256];
    static const popcl_sink sink = {.begin = begin, .data = data, .commit = commit, .abort = cut};
    FILE *f = argc == 6 && strchr(argv[5], '@') ? fopen(argv[4], "r") : NULL;
    if (!f || fscanf(f, "%255[^\r\n]", password) != 1)
        return fprintf(stderr, "usage: filter HOST PORT USER PASSWORD-FILE SENDER\n"), 64;
    fclose(f);
    sender = argv[5];
    popcl_fetch_config config = {.session = {.host = argv[1],
                                             .port = (uint16_t)atoi(argv[2]),
                                             .user = argv[3],
                                             .iobuf = iobuf,
                                             .iobuf_len = sizeof iobuf},
                                 .secret = {.octets = password},
                                 .plan = plan,
                                 .plan_len = sizeof plan,
                                 .passes = UINT16_MAX,
                                 .decide = decide,
                                 .fate = fate,
                                 .sink = &sink};
    popcl_fetch_start(&job, &config, 0);
    popcl_err e = popcl_run(&job.session, &popcl_posix, &(popcl_posix_net){0});
    if (e) fprintf(stderr, "filter: %s; %s\n", popcl_err_what(e), popcl_err_advice(e));
    popcl_fetch_wipe(&job);
    return e && e != POPCL_MORE;
}
