/* SPDX-License-Identifier: MIT */
/* disk - a disk in memory under popcl_disk, with one directory, which may be a Maildir. Names in
 * its parts are "new/NAME" and "tmp/NAME". The disk remembers the work that was synced. It can fail
 * its n-th call, once or from then on. It can stop there, as a killed process or a machine without
 * power does, and then has just what such a disk has. As with real kernels, a sync that failed
 * loses what it should have written, and the next one claims success. */
#ifndef TESTS_SIM_DISK_H
#define TESTS_SIM_DISK_H

#include <stdint.h>

#include "popcl_posix_store.h"

enum { DISK_FILES = 64, DISK_NAMES = 64, DISK_OPEN = 16 };

/* The part of the work that was not synced and is still there after the stop. */
typedef enum disk_loss {
    KILLED,      /* all: the process died, the machine did not */
    ALL_LOST,    /* nothing */
    OCTETS_LOST, /* the names, with files that are empty or short: file systems order as they like
                  */
    NAMES_LOST   /* the octets, of files that have lost their new names */
} disk_loss;

typedef struct disk_file {
    unsigned char *octets, *synced;
    size_t n, synced_n;
    unsigned links, open;
    /* of a sync that failed: the octets since the last good one never reach the disk */
    size_t lost_from, lost_to;
} disk_file;

typedef struct disk_name {
    char name[256];
    int file; /* index, -1: free */
} disk_name;

typedef struct sim_disk {
    disk_file files[DISK_FILES];
    disk_name names[DISK_NAMES], synced_names[DISK_NAMES];
    struct {
        int used, file, locked; /* file: index, or one of the directories */
    } open[DISK_OPEN];
    int exists, exists_synced, names_lost;
    unsigned parts, parts_synced;          /* of a Maildir: bits of those that were made */
    int no_unnamed, no_link_open, no_proc; /* files without a name cannot be made; cannot get a
                                              name in one of two ways */
    int no_links, no_rename_new;           /* as on vfat, and on what is less than that */
    int max_open;                          /* descriptors, at most DISK_OPEN */
    char named_early[256]; /* the first name, without a dot at its start, that a file got before its
                              octets were synced; "": none */
    uint32_t calls, fail_at;
    int fail_with; /* an errno; 0: the device stops at that call */
    int for_ever;
    int stopped; /* no call has any effect any more: the driver must end the session */
} sim_disk;

extern const popcl_disk sim_disk_calls; /* for popcl_store_dir_open, with a sim_disk */

void sim_disk_init(sim_disk *d);
void sim_disk_restart(sim_disk *d, disk_loss loss);
void sim_disk_free(sim_disk *d);

/* The octets of the k-th name (0 to DISK_NAMES - 1), as after a loss of everything that was not
 * synced; NULL: none. */
const unsigned char *sim_disk_synced(const sim_disk *d, int k, size_t *n);
/* The same as it is now. */
const unsigned char *sim_disk_octets(const sim_disk *d, int k, const char **name, size_t *n);

#endif
