/* SPDX-License-Identifier: MIT */
/* trust - see trust.h. */
#include "trust.h"

#include <string.h>

#include "clock.h"
#include "console.h"
#include "flash.h"
#include "letter.h"
#include "popcl_blob.h"
#include "settings.h"
#include "slots.h"
#include "startup.h"

#ifdef SIGNERS

#ifndef TRUST_RETIRED
#define TRUST_RETIRED 0u /* bits of keys of SIGNERS that sign no more: they leaked */
#endif

#include SIGNERS /* ca_signers and ca_signers_len, by popcl-ta keys */

enum in_use { SLOT_0, SLOT_1, COMPILED_IN, NOTHING };
enum step { IN_HEAD, IN_BODY, REFUSED };

/* A server may repeat a right header with a wrong rest. That must not wear the flash. */
#define ERASURES_MAX 16u /* in a day */
#define DAY_S        86400
#define DAY_MS       86400000u

/* A message that comes again fails its poll, and makes the pauses longer. So a flash that is
 * broken, or a set of the far future, must not cause that for ever. */
#define AGAIN_MAX 16u /* since the start, or since the newest set was installed */

/* The slots of the sets, and after them those of what is kept beside them. */
#define FILE_LEN (2 * FLASH_TRUST_SLOT + 2 * FLASH_STATE_SLOT)
static flash_area sets = {.slot_len = FLASH_TRUST_SLOT, .file_len = FILE_LEN};
static flash_area kept = {
    .base = 2 * FLASH_TRUST_SLOT, .slot_len = FLASH_STATE_SLOT, .file_len = FILE_LEN};
static const popcl_trust nothing;

/* The wear of both slots, in the last unit of the slot that was erased last. It is programmed right
 * after each erasure, so that it costs none itself. */
#define WEAR_AT (FLASH_TRUST_SLOT - FLASH_UNIT) /* also the most bytes of a set */
typedef struct wear {
    uint32_t total;       /* erasures of both slots, ever */
    uint32_t day, of_day; /* the newest day that was seen, since 1970; and erasures of it */
    uint32_t crc;         /* of the fields before it */
} wear;
typedef char wear_is_a_unit[sizeof(wear) == FLASH_UNIT ? 1 : -1];

static struct {
    const popcl_tls_profile *profile;
    popcl_blob blobs[2]; /* of the slots; zero = none that counts */
    uint8_t in_use;      /* enum in_use */
    uint32_t told_stale; /* the sequence that was reported as stale */
    wear wear;
    uint32_t day_ms; /* when this day of erasures began, if no clock shows another one */
    uint8_t again;   /* how often a set had to come again */
    slots slots;     /* of what is kept */
    struct limits {
        uint32_t floor, retired; /* the largest floor that was seen, and all retired keys */
    } kept, in_flash;            /* in_flash: those that both slots hold */
    int64_t utc_s;               /* the time of the poll; 0 = none yet */
    /* the set that comes */
    letter letter;
    uint8_t step;
    popcl_err refused;
    uint32_t put, len; /* bytes of it that came, and all of them */
    unsigned char head[POPCL_BLOB_HEAD], unit[FLASH_UNIT];
} trust;

static void report(const char *text, uint32_t n, const char *after) {
    console_text("trust: ");
    console_text(text);
    console_number(n);
    console_text(after);
}

static void report_refused(const char *text, popcl_err e) {
    console_text("trust: ");
    console_text(text);
    console_text(" refused, POPCL_");
    console_text(popcl_err_name(e));
    console_text("\n");
}

/* ---- the slots ---- */

static const unsigned slot_numbers[2] = {0, 1};

static int read_slot(void *ctx, uint32_t at, unsigned char *p, size_t n) {
    watchdog_feed();
    return flash_of_trust.read(&sets, *(const unsigned *)ctx, at, p, n);
}

static popcl_blob_policy policy_from(uint32_t floor) {
    return (popcl_blob_policy){.keys = ca_signers,
                               .keys_len = ca_signers_len,
                               .scope = TRUST_SCOPE,
                               .floor = floor,
                               .retired = trust.kept.retired,
                               .profile = trust.profile};
}

static popcl_err open_slot(unsigned slot) {
    popcl_blob *b = &trust.blobs[slot];
    popcl_blob_policy policy = policy_from(trust.kept.floor);
    popcl_err e =
        popcl_blob_open(b, &policy, read_slot, (void *)(uintptr_t)&slot_numbers[slot], WEAR_AT);
    if (!e) e = popcl_blob_check(b);
    if (!e && !b->anchors && !b->pins) e = POPCL_ERR_NO_TRUST;
    if (e) memset(b, 0, sizeof *b);
    return e;
}

static int is_erased(unsigned slot) {
    unsigned char unit[FLASH_UNIT];
    int is = flash_of_trust.read(&sets, slot, 0, unit, sizeof unit) == 0;
    for (unsigned i = 0; i < sizeof unit; i++)
        is &= unit[i] == 0xff;
    return is;
}

/* Takes the wear of the newest erasure. A start leaves one erasure at least. So a device without a
 * clock that never runs for a day gets a new set all the same. */
static void read_wear(void) {
    for (unsigned slot = 0; slot < 2; slot++) {
        wear there;
        if (flash_of_trust.read(&sets, slot, WEAR_AT, (void *)&there, sizeof there) ||
            there.crc != slots_crc(0, &there, offsetof(wear, crc)) ||
            there.total < trust.wear.total)
            continue;
        trust.wear = there;
    }
    if (trust.wear.of_day >= ERASURES_MAX) trust.wear.of_day = ERASURES_MAX - 1;
    trust.day_ms = clock_ms();
}

/* Writes the limits into both slots, so that one damaged slot does not bring back older ones. */
static void write_limits(void) {
    int failed = 0;
    for (unsigned copy = 0; copy < 2; copy++) {
        slots_begin(&trust.slots);
        slots_put(&trust.slots, &trust.kept, sizeof trust.kept);
        failed |= slots_end(&trust.slots);
    }
    if (failed)
        report("floor ", trust.kept.floor, " not written\n");
    else
        trust.in_flash = trust.kept;
}

/* Takes the limits of the sets that are there. Those that the flash lacks are written, also if an
 * earlier start was cut off before that. */
static void learn(void) {
    for (unsigned slot = 0; slot < 2; slot++) {
        const popcl_blob *b = &trust.blobs[slot];
        if (b->floor > trust.kept.floor) trust.kept.floor = b->floor;
        trust.kept.retired |= b->retired;
    }
    if (memcmp(&trust.kept, &trust.in_flash, sizeof trust.kept) != 0) write_limits();
}

/* Returns whether a slot, intact or not, has these limits. */
static int has_limits(unsigned slot) {
    struct limits there;
    return flash_of_state.read(&kept, slot, FLASH_UNIT, &there, sizeof there) == 0 &&
           memcmp(&there, &trust.kept, sizeof there) == 0;
}

static void read_limits(void) {
    static const struct limits unknown = {UINT32_MAX, UINT32_MAX};
    slots_found found = slots_open(&trust.slots);
    if (found == SLOTS_ONE || found == SLOTS_WHOLE)
        (void)slots_get(&trust.slots, &trust.kept, sizeof trust.kept);
    trust.in_flash = trust.kept;
    if (found == SLOTS_EMPTY || (found == SLOTS_WHOLE && has_limits(0) && has_limits(1))) return;
    trust.in_flash = unknown; /* both slots are written again */
    if (found != SLOTS_WHOLE)
        report("a slot of the floor is damaged; it counts as ", trust.kept.floor, "\n");
}

static int counts(const popcl_blob *b) {
    return b->len && b->sequence >= trust.kept.floor && !(trust.kept.retired >> b->key & 1);
}

/* Never because handshakes fail: an attacker can cause that. */
static void choose(void) {
    uint32_t newest = ca_trust.sequence;
    trust.in_use = ca_trust.sequence >= trust.kept.floor ? COMPILED_IN : NOTHING;
    for (unsigned slot = 0; slot < 2; slot++) {
        const popcl_blob *b = &trust.blobs[slot];
        if (!counts(b) || (trust.in_use != NOTHING && b->sequence <= newest)) continue;
        newest = b->sequence;
        trust.in_use = (uint8_t)slot;
    }
    if (trust.in_use == NOTHING)
        report("nothing is left from sequence ", trust.kept.floor, " on\n");
    else
        report("sequence ", newest, trust.in_use == COMPILED_IN ? ", compiled in\n" : "\n");
}

static void judge(void) {
    memset(trust.blobs, 0, sizeof trust.blobs);
    for (unsigned slot = 0; slot < 2; slot++) {
        popcl_err e = is_erased(slot) ? POPCL_OK : open_slot(slot);
        if (e) report_refused(slot ? "slot 1" : "slot 0", e);
    }
    learn();
    choose();
}

/* ---- a set that comes ---- */

static void refuse(popcl_err e) {
    trust.step = REFUSED;
    trust.refused = e;
}

static unsigned spare(void) { return trust.in_use == SLOT_0; }

static void program(void) {
    uint32_t at = (trust.put - 1) / FLASH_UNIT * FLASH_UNIT;
    if (flash_of_trust.program(&sets, spare(), at, trust.unit, FLASH_UNIT)) refuse(POPCL_ERR_SINK);
}

static void put_body(unsigned char octet) {
    if (trust.step == REFUSED) return;
    trust.unit[trust.put++ % FLASH_UNIT] = octet;
    if (trust.put % FLASH_UNIT == 0) program();
}

/* All that there is so far is the head. */
static int read_head(void *ctx, uint32_t at, unsigned char *p, size_t n) {
    (void)ctx;
    memcpy(p, trust.head + at, n);
    return 0;
}

static int has_clock(void) { return trust.utc_s >= POPCL_CLOCK_FLOOR_S; }

/* Another day begins by the clock, or without a clock after so much time since the start. A clock
 * that goes back begins none. */
static int may_erase(void) {
    uint32_t today = has_clock() ? (uint32_t)(trust.utc_s / DAY_S) : 0;
    if (today > trust.wear.day || clock_ms() - trust.day_ms >= DAY_MS) {
        if (today > trust.wear.day) trust.wear.day = today;
        trust.day_ms = clock_ms();
        trust.wear.of_day = 0;
    }
    return trust.wear.of_day < ERASURES_MAX;
}

static int erase(void) {
    trust.wear.total++;
    trust.wear.of_day++;
    trust.wear.crc = slots_crc(0, &trust.wear, offsetof(wear, crc));
    return flash_of_trust.erase(&sets, spare()) ||
           flash_of_trust.program(&sets, spare(), WEAR_AT, &trust.wear, sizeof trust.wear);
}

/* Returns why a set is not taken whose head is this one. It has to be signed, for this product and
 * its profile, and newer than the set in use. */
static popcl_err fault_of_head(popcl_blob *b) {
    uint32_t now = trust.in_use == NOTHING       ? 0
                   : trust.in_use == COMPILED_IN ? ca_trust.sequence
                                                 : trust.blobs[trust.in_use].sequence;
    uint32_t floor = now < trust.kept.floor ? trust.kept.floor : now + 1;
    popcl_blob_policy policy = policy_from(floor ? floor : UINT32_MAX);
    popcl_err e = popcl_blob_judge_head(b, &policy, read_head, NULL, WEAR_AT);
    if (e) return e;
    if (!b->anchors && !b->pins) return POPCL_ERR_NO_TRUST;
    /* With this set the clock would count as not set. Its message comes again. */
    if (has_clock() && b->made_s > trust.utc_s) return POPCL_ERR_CLOCK_NOT_SET;
    return may_erase() ? POPCL_OK : POPCL_ERR_SINK;
}

static void judge_head(void) {
    popcl_blob b;
    popcl_err e = fault_of_head(&b);
    if (e) {
        refuse(e);
        return;
    }
    memset(&trust.blobs[spare()], 0, sizeof trust.blobs[0]);
    trust.step = IN_BODY;
    trust.len = b.len;
    trust.put = 0;
    if (erase()) refuse(POPCL_ERR_SINK);
    for (unsigned i = 0; i < POPCL_BLOB_HEAD; i++)
        put_body(trust.head[i]);
}

static void put_octet(unsigned char octet) {
    if (trust.step == IN_BODY && trust.put < trust.len) put_body(octet);
    if (trust.step != IN_HEAD) return;
    trust.head[trust.put++] = octet;
    if (trust.put == POPCL_BLOB_HEAD) judge_head();
}

/* Returns whether the set has to come again: the fault is not its own. */
static int install(void) {
    unsigned slot = spare(), last = trust.put % FLASH_UNIT;
    if (trust.step == IN_HEAD || (trust.step == IN_BODY && trust.put < trust.len))
        refuse(POPCL_ERR_BLOB_DAMAGED);
    if (trust.step == IN_BODY && last) {
        memset(trust.unit + last, 0xff, FLASH_UNIT - last);
        program();
    }
    popcl_err e = trust.step == REFUSED ? trust.refused : open_slot(slot);
    if (e) {
        report_refused("a new set", e);
        int is_own =
            e != POPCL_ERR_SINK && e != POPCL_ERR_BLOB_READ && e != POPCL_ERR_CLOCK_NOT_SET;
        return !is_own && trust.again < AGAIN_MAX && ++trust.again;
    }
    trust.again = 0;
    learn();
    choose();
    return 0;
}

/* A set that comes as a file of the host: as from a service technician's computer. */
static void take_file(const char *name) {
    unsigned char octet;
    int file = file_open(name, FILE_READ);
    if (file < 0) {
        console_text("trust: the file of renew= cannot be read\n");
        return;
    }
    trust_begin();
    while (file_read(file, &octet, 1) == 0)
        put_octet(octet);
    (void)file_close(file);
    (void)install();
}

/* ---- what the poller calls ---- */

void trust_start(const popcl_tls_profile *profile) {
    trust.profile = profile;
    trust.in_use = COMPILED_IN;
    if (!set.trust) {
        console_text("trust: no flash for newer sets (trust=FILE)\n");
        return;
    }
    sets.file = kept.file = set.trust;
    trust.slots.flash = &flash_of_state;
    trust.slots.ctx = &kept;
    read_limits();
    trust.kept.retired |= TRUST_RETIRED;
    read_wear();
    judge();
    if (set.renew) take_file(set.renew);
}

const popcl_trust *trust_now(int64_t utc_s) {
    trust.utc_s = utc_s;
    if (trust.in_use == COMPILED_IN) return &ca_trust;
    if (trust.in_use == NOTHING) return &nothing;
    const popcl_blob *b = &trust.blobs[trust.in_use];
    if (b->stale_s && utc_s >= b->stale_s && trust.told_stale != b->sequence) {
        report("sequence ", b->sequence, " needs a successor\n");
        trust.told_stale = b->sequence;
    }
    return &b->trust;
}

void trust_concludes(popcl_err e) {
    if (e == POPCL_ERR_BLOB_READ || e == POPCL_ERR_BLOB_DAMAGED) judge();
}

void trust_begin(void) {
    memset(&trust.letter, 0, sizeof trust.letter);
    trust.step = IN_HEAD;
    trust.put = 0;
}

void trust_octets(const void *p, size_t n) {
    if (set.trust) letter_feed(&trust.letter, p, n, put_octet);
}

int trust_end(int is_whole) { return is_whole && letter_has_blob(&trust.letter) && install(); }
#endif
