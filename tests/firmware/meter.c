/* SPDX-License-Identifier: MIT */
/* meter - a plugin of QEMU's: counts every instruction that the emulated processor runs, by module,
 * and how deep its stack gets. It changes nothing of the firmware and takes no time of its own, as
 * the firmware sees it. figures.py writes what it has to know, from the linked image: range LOW
 * HIGH N     code from LOW up to HIGH (hexadecimal) belongs to module N stack LOW HIGH       where
 * the stack is phases LOW N         a store to the n-th of N octets from LOW on begins phase n;
 * before that it is phase 0 turn ADDRESS         a turn of the main loop begins work ADDRESS the
 * turn that runs this is no idle one What it says at the end of each phase, a line in the file that
 * out= names: the phase, its deepest stack, its turns and how many of them were idle, and for each
 * module its instructions, and those of idle turns. QEMU gives no header of its plugin interface to
 * Debian's packages: the few functions that are used are declared here (version 1 of the
 * interface). */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- QEMU's side ---- */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint32_t memory_info;
enum { NO_REGISTERS = 0, ADD_U64 = 0, WRITES = 2, OCTET = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*translated)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t n);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation,
                                                void *to, uint64_t what);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*called)(unsigned, void *), int flags,
                                            void *user);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
                                      void (*called)(unsigned, memory_info, uint64_t, void *),
                                      int flags, int which, void *user);
_Bool qemu_plugin_mem_is_store(memory_info info);
unsigned qemu_plugin_mem_size_shift(memory_info info);
void qemu_plugin_register_atexit_cb(plugin_id id, void (*called)(plugin_id, void *), void *user);

/* What QEMU looks for. */
#define EXPORT __attribute__((visibility("default")))
extern EXPORT int qemu_plugin_version;
EXPORT int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* ---- what figures.py says ---- */

enum { RANGES = 4096, POINTS = 64, MODULES = 16 };
enum kind { TURN, WORK };

static struct {
    uint32_t low, high;
    unsigned module;
} ranges[RANGES];
static size_t ranges_len;

static struct {
    uint32_t address;
    enum kind kind;
} points[POINTS];
static size_t points_len;

static uint32_t stack_low, stack_high, phases_low, phases_len;
static FILE *out;

static int read_range(uint32_t low, uint32_t high, unsigned module) {
    /* they come in order */
    if (ranges_len == RANGES || module >= MODULES ||
        (ranges_len && ranges[ranges_len - 1].high > low))
        return -1;
    ranges[ranges_len].low = low;
    ranges[ranges_len].high = high;
    ranges[ranges_len++].module = module;
    return 0;
}

static int read_point(uint32_t address, enum kind kind) {
    if (points_len == POINTS) return -1;
    points[points_len].address = address;
    points[points_len++].kind = kind;
    return 0;
}

static int read_line(const char *line) {
    uint32_t a, b;
    unsigned n;
    if (sscanf(line, "range %" SCNx32 " %" SCNx32 " %u", &a, &b, &n) == 3)
        return read_range(a, b, n);
    if (sscanf(line, "stack %" SCNx32 " %" SCNx32, &a, &b) == 2)
        return stack_low = a, stack_high = b, 0;
    if (sscanf(line, "phases %" SCNx32 " %" SCNu32, &a, &b) == 2)
        return phases_low = a, phases_len = b, 0;
    if (sscanf(line, "turn %" SCNx32, &a) == 1) return read_point(a, TURN);
    if (sscanf(line, "work %" SCNx32, &a) == 1) return read_point(a, WORK);
    return -1;
}

static int read_file(const char *path) {
    char line[128];
    FILE *f = fopen(path, "r");
    int bad = !f;
    while (!bad && fgets(line, sizeof line, f))
        bad = read_line(line);
    if (bad) fprintf(stderr, "meter: %s: %s\n", path, f ? line : "cannot be opened");
    if (f) fclose(f);
    return bad ? -1 : 0;
}

/* The last module is for code in no range. */
static unsigned module_of(uint32_t address) {
    size_t from = 0, to = ranges_len;
    while (from < to) {
        size_t at = (from + to) / 2;
        if (ranges[at].high <= address)
            from = at + 1;
        else
            to = at;
    }
    return from < ranges_len && ranges[from].low <= address ? ranges[from].module : MODULES - 1;
}

/* ---- while it runs ---- */

static uint64_t counts[MODULES], at_phase[MODULES], at_turn[MODULES], idle[MODULES];
static unsigned turns, idle_turns, phase;
static int worked = 1;
static uint32_t deepest;

static void phase_ends(void) {
    fprintf(out, "%u %" PRIu32 " %u %u", phase, stack_high - deepest, turns, idle_turns);
    for (size_t i = 0; i < MODULES; i++) {
        fprintf(out, " %" PRIu64 " %" PRIu64, counts[i] - at_phase[i], idle[i]);
        at_phase[i] = counts[i];
        idle[i] = 0;
    }
    fputc('\n', out);
    turns = idle_turns = 0;
    deepest = stack_high;
}

/* A turn in which a phase begins is none of the idle. */
static void turn_begins(void) {
    turns++;
    idle_turns += !worked;
    for (size_t i = 0; i < MODULES; i++) {
        if (!worked) idle[i] += counts[i] - at_turn[i];
        at_turn[i] = counts[i];
    }
    worked = 0;
}

static void reached(unsigned cpu, void *point) {
    (void)cpu;
    if (points[(size_t)(uintptr_t)point].kind == TURN)
        turn_begins();
    else
        worked = 1;
}

static void stored(unsigned cpu, memory_info info, uint64_t address, void *user) {
    (void)cpu, (void)user;
    if (!qemu_plugin_mem_is_store(info)) return; /* QEMU 7.2 asks about some reads too */
    if (address >= stack_low && address < deepest) deepest = (uint32_t)address;
    /* words: .bss is cleared */
    if (address < phases_low || address >= phases_low + phases_len ||
        qemu_plugin_mem_size_shift(info) != OCTET)
        return;
    worked = 1;
    if (phase == address - phases_low) return;
    phase_ends();
    phase = (unsigned)(address - phases_low);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(insn);
        for (size_t n = 0; n < points_len; n++)
            if (points[n].address == address)
                qemu_plugin_register_vcpu_insn_exec_cb(insn, reached, NO_REGISTERS,
                                                       (void *)(uintptr_t)n);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &counts[module_of(address)], 1);
        if (stack_high) qemu_plugin_register_vcpu_mem_cb(insn, stored, NO_REGISTERS, WRITES, NULL);
    }
}

static void ended(plugin_id id, void *user) {
    (void)id, (void)user;
    phase_ends();
    fclose(out);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    const char *image = NULL, *to = NULL;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "image=", 6)) image = argv[i] + 6;
        if (!strncmp(argv[i], "out=", 4)) to = argv[i] + 4;
    }
    if (!image || !to || read_file(image)) return -1;
    out = fopen(to, "w");
    if (!out) return -1;
    deepest = stack_high;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, ended, NULL);
    return 0;
}
