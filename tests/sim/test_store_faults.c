/* SPDX-License-Identifier: MIT */
/* test_store_faults - whole sessions into a directory and into a Maildir, on a disk whose n-th call
 * fails, once and for ever. Or that call is the last before the process is killed or the power
 * goes. The server deletes nothing that a loss of power would take. No file under a final name is
 * ever partial, and none gets a final name before its octets are synced. A clean session afterwards
 * has every message and leaves no temporary. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "disk.h"
#include "server.h"

/* how this file system gives a new name, and how many files may be open */
enum way { UNNAMED, FEW_FILES, BY_PROC, NO_PROC, RENAMES, LINKS, NEITHER, WAYS };

/* messages of a group: --sync each, some groups, one group */
static const uint32_t groups[] = {1, 2, 64};
#define GROUPS (sizeof groups / sizeof groups[0])

typedef struct plan {
    enum way way;
    int is_maildir;
    int deletes;
    uint32_t group;
} plan;

typedef struct rig {
    sim_server server;
    sim_disk disk;
    popcl_fetch job;
    popcl_fetch_config cfg;
    unsigned char iobuf[512], plan[400];
    popcl_store_dir *store;
    char fault[320];
    unsigned stored;
} rig;

static unsigned long runs;

static void note(rig *r, const char *what, const char *which) {
    if (!r->fault[0]) snprintf(r->fault, sizeof r->fault, "%s: %s", what, which);
}

static int same(const unsigned char *p, size_t n, const char *text) {
    return p && n == strlen(text) && memcmp(p, text, n) == 0;
}

/* [F17 I3] DELE only for what is on the disk whatever happens to the power now */
static void on_dele(void *ctx, uint32_t number, const sim_message *m) {
    rig *r = ctx;
    size_t n = 0;
    (void)number;
    for (int k = 0; k < DISK_NAMES; k++) {
        const unsigned char *p = sim_disk_synced(&r->disk, k, &n);
        if (same(p, n, m->text)) return;
    }
    note(r, "DELE of a message that is not on the disk", m->uid);
}

static unsigned decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx;
    (void)m;
    (void)stage;
    return POPCL_FETCH | POPCL_DELETE;
}

static void fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    rig *r = ctx;
    (void)why;
    if (!m || what != POPCL_STORED) return;
    r->stored++;
    on_dele(ctx, m->number, &r->server.messages[r->server.map[m->number - 1]]);
}

static void rig_init(rig *r, const plan *p) {
    static const char *const uids[] = {"Mixed-Case", "same", "same", "../../etc/passwd", "empty"};
    static const char *const texts[] = {"Subject: a\r\n\r\none\r\n", "two\r\n", "three\r\n",
                                        ".four\r\n", ""};
    memset(r, 0, sizeof *r);
    sim_disk_init(&r->disk);
    if (p->way == FEW_FILES) r->disk.max_open = 4;
    r->disk.no_unnamed = p->way >= RENAMES;
    r->disk.no_link_open = p->way == BY_PROC || p->way == NO_PROC;
    r->disk.no_proc = p->way == NO_PROC;
    r->disk.no_rename_new = p->way >= LINKS;
    r->disk.no_links = p->way == NEITHER;
    sim_server_init(&r->server);
    for (int i = 0; i < 5; i++)
        sim_server_add(&r->server, uids[i], texts[i]);
    r->server.on_dele = on_dele;
    r->server.ctx = r;
}

static void configure(rig *r, const plan *p) {
    memset(&r->cfg, 0, sizeof r->cfg);
    r->cfg.session.host = "pop.example";
    r->cfg.session.user = "fred";
    r->cfg.secret.octets = "correct-horse";
    r->cfg.no_capa = 1;
    r->cfg.session.iobuf = r->iobuf;
    r->cfg.session.iobuf_len = sizeof r->iobuf;
    r->cfg.plan = r->plan;
    r->cfg.plan_len = sizeof r->plan;
    r->cfg.group_messages = p->group;
    r->cfg.sink = &popcl_store_dir_sink;
    r->cfg.sink_ctx = r->store;
    r->cfg.ctx = r;
    r->cfg.fate = fate;
    if (p->deletes) r->cfg.decide = decide;
}

static int move(rig *r) {
    size_t n;
    const unsigned char *out = popcl_send_buf(&r->job.session, &n);
    int moved = n > 0;
    if (n) {
        sim_server_take(&r->server, out, n);
        popcl_send_ack(&r->job.session, n);
    }
    unsigned char *in = popcl_recv_buf(&r->job.session, &n);
    n = n ? sim_server_give(&r->server, in, n) : 0;
    if (n) popcl_recv_ack(&r->job.session, n);
    return moved || n;
}

/* One session. Returns its result, POPCL_ERR_COUNT_ if all stopped in it, POPCL_ERR_SINK if the
 * store could not be opened. */
static popcl_err session(rig *r, const plan *p) {
    r->store = p->is_maildir ? popcl_store_maildir_open("out", &sim_disk_calls, &r->disk)
                             : popcl_store_dir_open("out", &sim_disk_calls, &r->disk);
    if (!r->store) return POPCL_ERR_SINK;
    configure(r, p);
    sim_server_connect(&r->server);
    popcl_fetch_start(&r->job, &r->cfg, 0);
    popcl_connected(&r->job.session, 0);
    for (int i = 0; i < 5000 && !r->disk.stopped && move(r); i++)
        continue;
    popcl_err result = r->disk.stopped ? POPCL_ERR_COUNT_ : popcl_result(&r->job.session);
    if (!r->disk.stopped && popcl_state(&r->job.session) != POPCL_DONE)
        note(r, "the session did not end", popcl_err_name(result));
    popcl_fetch_wipe(&r->job);
    popcl_store_dir_close(r->store);
    r->store = NULL;
    if (r->disk.named_early[0])
        note(r, "a name was given before its data was durable", r->disk.named_early);
    return result;
}

/* Every file under a final name is a whole message; if names are taken with an empty file first,
 * it may be that [F18]. */
static void check_files(rig *r, int after_the_end) {
    for (int k = 0; k < DISK_NAMES; k++) {
        const char *name = "";
        size_t n = 0;
        const unsigned char *p = sim_disk_octets(&r->disk, k, &name, &n);
        int whole = 0;
        if (!p) continue;
        int is_temporary = name[0] == '.' || strncmp(name, "tmp/", 4) == 0;
        if (strncmp(name, "new/", 4) == 0) name += 4;
        if (is_temporary) {
            if (after_the_end) note(r, "a temporary is left", name);
            continue;
        }
        if (strchr(name, '/')) note(r, "a name with a slash", name);
        for (uint32_t i = 0; i < r->server.count; i++)
            whole |= same(p, n, r->server.messages[i].text);
        if (!whole) note(r, "a partial file under a final name", name);
    }
}

static void check_all_there(rig *r) {
    for (uint32_t i = 0; i < r->server.count; i++) {
        int found = 0;
        for (int k = 0; k < DISK_NAMES; k++) {
            const char *name;
            size_t n = 0;
            const unsigned char *p = sim_disk_octets(&r->disk, k, &name, &n);
            found |= same(p, n, r->server.messages[i].text);
        }
        if (!found) note(r, "a message is lost", r->server.messages[i].uid);
    }
}

static uint32_t calls_of_a_clean_session(const plan *p) {
    static rig r;
    rig_init(&r, p);
    popcl_err result = session(&r, p);
    uint32_t calls = r.disk.calls;
    check_files(&r, 1);
    check_all_there(&r);
    assert_string_equal(r.fault, "");
    assert_int_equal(result, POPCL_OK);
    assert_int_equal(r.stored, 5);
    sim_disk_free(&r.disk);
    sim_server_free(&r.server);
    return calls;
}

/* A session in which a call fails, what the disk then has, and a clean session after it. */
static void one(const plan *p, uint32_t at, int error, int for_ever, disk_loss loss) {
    static rig r;
    rig_init(&r, p);
    r.disk.fail_at = at;
    r.disk.fail_with = error;
    r.disk.for_ever = for_ever;
    popcl_err result = session(&r, p);
    if (result != POPCL_ERR_COUNT_ && popcl_err_class(result) == POPCL_CLASS_DONE && r.stored != 5)
        note(&r, "success, and not all is stored", "");
    sim_disk_restart(&r.disk, loss);
    check_files(&r, 0);
    result = session(&r, p);
    if (result != POPCL_OK) note(&r, "the clean session after it", popcl_err_name(result));
    if (p->deletes && sim_server_left(&r.server)) note(&r, "messages are left", "");
    check_files(&r, 1);
    check_all_there(&r);
    sim_disk_restart(&r.disk, ALL_LOST);
    check_all_there(&r); /* and it is all durable */
    sim_disk_free(&r.disk);
    sim_server_free(&r.server);
    runs++;
    if (r.fault[0])
        fail_msg("%s, way %d%s, groups of %lu, call %lu, error %d%s, loss %d: %s",
                 p->is_maildir ? "Maildir" : "directory", p->way, p->deletes ? ", deleting" : "",
                 (unsigned long)p->group, (unsigned long)at, error, for_ever ? " for ever" : "",
                 loss, r.fault);
}

static void every_call(int error, int for_ever, disk_loss loss) {
    for (unsigned i = 0; i < 2 * WAYS * 2 * GROUPS; i++) {
        plan p = {.is_maildir = i / 2 / GROUPS >= WAYS,
                  .way = (enum way)(i / 2 / GROUPS % WAYS),
                  .deletes = (int)(i / GROUPS % 2),
                  .group = groups[i % GROUPS]};
        uint32_t calls = calls_of_a_clean_session(&p);
        for (uint32_t at = 1; at <= calls; at++)
            one(&p, at, error, for_ever, loss);
    }
}

/* [F14 F15 F16] what was not synced is then lost as well: nothing may rest on it */
static void call_n_fails(void **state) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EFBIG, EINTR, ENOMEM, EMFILE};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        every_call(errors[i], 0, ALL_LOST);
        every_call(errors[i], 0, KILLED);
    }
}

/* [F14 F15] */
static void call_n_and_all_after_it_fail(void **state) {
    (void)state;
    every_call(ENOSPC, 1, ALL_LOST);
    every_call(EIO, 1, ALL_LOST);
    every_call(EIO, 1, KILLED);
}

/* [F18] */
static void killed_at_call_n(void **state) {
    (void)state;
    every_call(0, 0, KILLED);
}

/* [F17 F18 G1 G2 G3] */
static void power_lost_at_call_n(void **state) {
    (void)state;
    every_call(0, 0, ALL_LOST);
    every_call(0, 0, OCTETS_LOST);
    every_call(0, 0, NAMES_LOST);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(call_n_fails),
        cmocka_unit_test(call_n_and_all_after_it_fail),
        cmocka_unit_test(killed_at_call_n),
        cmocka_unit_test(power_lost_at_call_n),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("# %lu sessions on failing disks\n", runs);
    return failed;
}
