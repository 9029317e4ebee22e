/* SPDX-License-Identifier: MIT */
/* test_mbox_faults - whole sessions into an mbox, on a disk whose n-th call fails, once and for
 * ever. Or that call is the last before the process is killed or the power goes. The server deletes
 * nothing that a loss of power would take. The old octets of the file always stay. A clean session
 * afterwards has every message. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "disk.h"
#include "popcl_posix_mbox.h"
#include "server.h"

/* messages of a group: --sync each, some groups, one group */
static const uint32_t groups[] = {1, 2, 64};
#define GROUPS (sizeof groups / sizeof groups[0])

typedef struct mbox_plan {
    int no_unnamed, is_new; /* the spool has a name at first; the file is missing */
    uint32_t group;
} mbox_plan;
enum { PLANS = 2 * 2 * GROUPS };

typedef struct mbox_rig {
    sim_server server;
    sim_disk disk;
    popcl_fetch job;
    popcl_fetch_config cfg;
    unsigned char iobuf[512], plan[400];
    char fault[320];
    unsigned stored;
} mbox_rig;

static const char old[] = "From x Thu Jan  1 00:00:00 1970\nold\n\n";
static unsigned long runs;

static void rig_note(mbox_rig *r, const char *what, const char *which) {
    if (!r->fault[0]) snprintf(r->fault, sizeof r->fault, "%s: %s", what, which);
}

/* Returns whether the octets have the message, between its first line and the empty one. */
static int has_message(const unsigned char *p, size_t n, const char *text) {
    char wanted[128];
    int len = snprintf(wanted, sizeof wanted, "\n%s\n", text);
    for (size_t at = 0; p && at + (size_t)len <= n; at++)
        if (memcmp(p + at, wanted, (size_t)len) == 0) return 1;
    return 0;
}

/* [F17 I3] DELE only for mail that is on the disk whatever happens to the power now */
static void rig_on_dele(void *ctx, uint32_t number, const sim_message *m) {
    mbox_rig *r = ctx;
    (void)number;
    for (int k = 0; k < DISK_NAMES; k++) {
        size_t n = 0;
        const unsigned char *p = sim_disk_synced(&r->disk, k, &n);
        if (p && strcmp(r->disk.synced_names[k].name, "box") == 0 && has_message(p, n, m->text))
            return;
    }
    rig_note(r, "DELE of a message that is not on the disk", m->uid);
}

static unsigned rig_decide(void *ctx, const popcl_msg *m, popcl_stage stage) {
    (void)ctx, (void)m, (void)stage;
    return POPCL_FETCH | POPCL_DELETE;
}

static void rig_fate(void *ctx, const popcl_msg *m, popcl_fate what, popcl_err why) {
    mbox_rig *r = ctx;
    (void)why;
    if (!m || what != POPCL_STORED) return;
    r->stored++;
    rig_on_dele(ctx, m->number, &r->server.messages[r->server.map[m->number - 1]]);
}

/* Makes the file as an earlier delivery left it, durable. */
static void rig_set_old(mbox_rig *r) {
    const popcl_disk *d = &sim_disk_calls;
    int dir = d->openat(&r->disk, AT_FDCWD, ".", O_RDONLY, 0);
    int fd = d->openat(&r->disk, dir, "box", O_RDWR | O_CREAT, 0600);
    assert_int_equal(d->write(&r->disk, fd, old, strlen(old)), strlen(old));
    assert_int_equal(d->fsync(&r->disk, fd), 0);
    assert_int_equal(d->fsync(&r->disk, dir), 0);
    d->close(&r->disk, fd);
    d->close(&r->disk, dir);
    r->disk.calls = 0;
}

static void rig_begin(mbox_rig *r, const mbox_plan *p) {
    static const char *const texts[] = {"Subject: a\r\n\r\none\r\n", "two\r\n", "three\r\n",
                                        ".four\r\n", "five\r\n"};
    memset(r, 0, sizeof *r);
    sim_disk_init(&r->disk);
    r->disk.exists = r->disk.exists_synced = 1;
    r->disk.no_unnamed = p->no_unnamed;
    if (!p->is_new) rig_set_old(r);
    sim_server_init(&r->server);
    static const char *const uids[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++)
        sim_server_add(&r->server, uids[i], texts[i]);
    r->server.on_dele = rig_on_dele;
    r->server.ctx = r;
}

static void rig_configure(mbox_rig *r, const mbox_plan *p, popcl_store_mbox *store) {
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
    r->cfg.sink = &popcl_store_mbox_sink;
    r->cfg.sink_ctx = store;
    r->cfg.ctx = r;
    r->cfg.fate = rig_fate;
    r->cfg.decide = rig_decide;
}

static int rig_move(mbox_rig *r) {
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
static popcl_err rig_session(mbox_rig *r, const mbox_plan *p) {
    popcl_store_mbox_config c = {.path = "box", .line_end = "\n"};
    popcl_store_mbox *store = popcl_store_mbox_open(&c, &sim_disk_calls, &r->disk);
    if (!store) return POPCL_ERR_SINK;
    rig_configure(r, p, store);
    sim_server_connect(&r->server);
    popcl_fetch_start(&r->job, &r->cfg, 0);
    popcl_connected(&r->job.session, 0);
    for (int i = 0; i < 5000 && !r->disk.stopped && rig_move(r); i++)
        continue;
    popcl_err result = r->disk.stopped ? POPCL_ERR_COUNT_ : popcl_result(&r->job.session);
    popcl_fetch_wipe(&r->job);
    popcl_store_mbox_close(store);
    return result;
}

static const unsigned char *rig_file(const mbox_rig *r, size_t *n) {
    for (int k = 0; k < DISK_NAMES; k++) {
        const char *name = "";
        const unsigned char *p = sim_disk_octets(&r->disk, k, &name, n);
        if (p && strcmp(name, "box") == 0) return p;
    }
    *n = 0;
    return NULL;
}

static void rig_check_old(mbox_rig *r, const mbox_plan *p) {
    size_t n;
    const unsigned char *have = rig_file(r, &n);
    if (!p->is_new && (n < strlen(old) || memcmp(have, old, strlen(old)) != 0))
        rig_note(r, "old octets are gone", "");
}

static void rig_check_all(mbox_rig *r) {
    size_t n;
    const unsigned char *have = rig_file(r, &n);
    for (uint32_t i = 0; i < r->server.count; i++)
        if (!has_message(have, n, r->server.messages[i].text))
            rig_note(r, "a message is lost", r->server.messages[i].uid);
}

static void rig_end(mbox_rig *r) {
    sim_disk_free(&r->disk);
    sim_server_free(&r->server);
}

static uint32_t clean_calls(const mbox_plan *p) {
    static mbox_rig r;
    rig_begin(&r, p);
    popcl_err result = rig_session(&r, p);
    uint32_t calls = r.disk.calls;
    rig_check_all(&r);
    assert_string_equal(r.fault, "");
    assert_int_equal(result, POPCL_OK);
    assert_int_equal(r.stored, 5);
    rig_end(&r);
    return calls;
}

/* A person removes a dot lock that is left over. */
static void remove_left_lock(mbox_rig *r) {
    int dir = sim_disk_calls.openat(&r->disk, AT_FDCWD, ".", O_RDONLY, 0);
    (void)sim_disk_calls.unlinkat(&r->disk, dir, "box.lock");
    sim_disk_calls.close(&r->disk, dir);
}

/* A session in which a call fails, what the disk then has, and a clean session after it. */
static void fault_at(const mbox_plan *p, uint32_t at, int error, int for_ever, disk_loss loss) {
    static mbox_rig r;
    rig_begin(&r, p);
    r.disk.fail_at = at;
    r.disk.fail_with = error;
    r.disk.for_ever = for_ever;
    popcl_err result = rig_session(&r, p);
    if (result != POPCL_ERR_COUNT_ && popcl_err_class(result) == POPCL_CLASS_DONE && r.stored != 5)
        rig_note(&r, "success, and not all is stored", "");
    sim_disk_restart(&r.disk, loss);
    rig_check_old(&r, p);
    remove_left_lock(&r);
    result = rig_session(&r, p);
    if (result != POPCL_OK) rig_note(&r, "the clean session after it", popcl_err_name(result));
    if (sim_server_left(&r.server)) rig_note(&r, "messages are left", "");
    rig_check_old(&r, p);
    rig_check_all(&r);
    sim_disk_restart(&r.disk, ALL_LOST);
    rig_check_all(&r); /* and it is all durable */
    rig_end(&r);
    runs++;
    if (r.fault[0])
        fail_msg("%s%s, groups of %lu, call %lu, error %d%s, loss %d: %s",
                 p->no_unnamed ? "named spool" : "spool", p->is_new ? ", new file" : "",
                 (unsigned long)p->group, (unsigned long)at, error, for_ever ? " for ever" : "",
                 loss, r.fault);
}

static void each_call(int error, int for_ever, disk_loss loss) {
    for (unsigned i = 0; i < PLANS; i++) {
        mbox_plan p = {
            .no_unnamed = (int)(i % 2), .is_new = (int)(i / 2 % 2), .group = groups[i / 4]};
        uint32_t calls = clean_calls(&p);
        for (uint32_t at = 1; at <= calls; at++)
            fault_at(&p, at, error, for_ever, loss);
    }
}

/* [F14 F15 F16] octets that were not synced are then lost as well: nothing may rest on them */
static void call_n_fails(void **state) {
    static const int errors[] = {ENOSPC, EIO, EDQUOT, EINTR, EMFILE};
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        each_call(errors[i], 0, ALL_LOST);
        each_call(errors[i], 0, KILLED);
    }
}

/* [F14 F15] */
static void call_n_and_all_after_it_fail(void **state) {
    (void)state;
    each_call(ENOSPC, 1, ALL_LOST);
    each_call(EIO, 1, KILLED);
}

/* [F18] */
static void killed_at_call_n(void **state) {
    (void)state;
    each_call(0, 0, KILLED);
}

/* [F17 F18 G1 G2 G3] */
static void power_lost_at_call_n(void **state) {
    (void)state;
    each_call(0, 0, ALL_LOST);
    each_call(0, 0, OCTETS_LOST);
    each_call(0, 0, NAMES_LOST);
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
