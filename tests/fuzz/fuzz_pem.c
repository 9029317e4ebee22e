/* SPDX-License-Identifier: MIT */
/* fuzz_pem - files of certificates (H4-H18): any octets are read without a fault, what becomes an
 * anchor keeps to the limits, and reads as the same anchor when it is written as PEM again. Seeds:
 * tests/x509check/run.py --seeds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/entry.h"
#include "../../src/tls/key.h"
#include "anchor.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

static void check_anchor(const pop_anchor *one) {
    popcl_entry e;
    MUST(popcl_entry_read(&e, one->anchor.entry, one->anchor.entry_len));
    MUST(popcl_key_fault(&e.key) == KEY_SOUND);
    MUST(e.path_len == one->path_len &&
         pop_anchor_is_authority(one) == !!(e.flags & POPCL_ANCHOR_CA));
    MUST(one->not_after >= 0 && pop_anchor_size(one) > one->anchor.entry_len);
    for (const char *c = one->subject; *c; c++)
        MUST(*c >= 0x20 && *c < 0x7F);
}

static void check_again(const pop_anchor *one, const pop_anchors *how) {
    pop_anchors again = {.utc_s = how->utc_s, .allow_leaf = how->allow_leaf, .details = 1};
    size_t n = br_pem_encode(NULL, one->der, one->der_len, "CERTIFICATE", BR_PEM_CRLF);
    char *text = malloc(n + 1);
    MUST(text);
    (void)br_pem_encode(text, one->der, one->der_len, "CERTIFICATE", BR_PEM_CRLF);
    MUST(pop_anchors_read(&again, "again", (const unsigned char *)text, n) == 0);
    MUST(again.len == 1 && again.list[0].finding == POP_ANCHOR_USABLE && again.list[0].line == 1);
    MUST(memcmp(again.list[0].sha256, one->sha256, sizeof one->sha256) == 0);
    MUST(again.list[0].anchor.entry_len == one->anchor.entry_len &&
         memcmp(again.list[0].anchor.entry, one->anchor.entry, one->anchor.entry_len) == 0 &&
         pop_anchor_size(&again.list[0]) == pop_anchor_size(one));
    pop_anchors_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    pop_anchors a = {.utc_s = INT64_C(1795600000),
                     .details = 1,
                     .allow_leaf = (uint8_t)(n & 1),
                     .in_directory = (uint8_t)(n >> 1 & 1)};
    MUST(pop_anchors_read(&a, "input", p, n) == 0);
    for (size_t i = 0; i < a.len; i++) {
        if (a.list[i].finding != POP_ANCHOR_USABLE) continue;
        check_anchor(&a.list[i]);
        check_again(&a.list[i], &a);
    }
    MUST(pop_anchors_merge(&a) == 0);
    size_t kept = 0;
    for (size_t i = 0; i < a.len; i++)
        kept += a.list[i].finding == POP_ANCHOR_USABLE;
    MUST(kept == pop_anchors_count(&a, POP_ANCHOR_KEPT));
    pop_anchors_free(&a);
    return 0;
}
