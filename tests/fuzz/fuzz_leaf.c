/* SPDX-License-Identifier: MIT */
/* fuzz_leaf - one certificate through the streaming reader: any octets are read without a fault,
 * within the reader's own memory and the room for names; what it takes as a certificate another
 * reader (src/host/cert.h) takes too, and finds the same.
 *
 * Input: flags (bit 0: it is the server's own; bit 1: an address is looked for; bit 2: its
 * signature is kept; bit 3: it comes octet by octet), then the certificate. Seeds:
 * tests/x509check/run.py --seeds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/tls/leaf.h"
#include "cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define MUST(holds)                                                                                \
    do {                                                                                           \
        if (!(holds)) abort();                                                                     \
    } while (0)

static int has(uint32_t facts, enum leaf_fact fact) { return facts >> fact & 1; }

static void compare(uint32_t facts, const popcl_leaf *r, const uint8_t *p, size_t n) {
    pop_cert c;
    MUST(pop_cert_read(&c, p, n) == 0);
    MUST((c.version == 3) == has(facts, LEAF_V3));
    MUST((has(facts, LEAF_NOT_YET) ? c.not_before : c.not_after) == r->time);
    MUST(((c.flags & POP_CERT_CA) != 0) == has(facts, LEAF_CA));
    MUST(!(c.flags & POP_CERT_NO_SERVER_AUTH) || has(facts, LEAF_PURPOSE));
    if (!has(facts, LEAF_WEAK_KEY) && !has(facts, LEAF_ODD_KEY) && c.rsa_bits)
        MUST(c.rsa_bits >= 2048 && c.rsa_bits <= 4096 && c.rsa_bits % 8 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) {
    if (n == 0) return 0;
    size_t room = n % 70;
    char *names = malloc(room + 1);
    popcl_leaf *r = malloc(sizeof *r);
    popcl_key *key = calloc(1, sizeof *key);
    unsigned char *signature = malloc(POPCL_SIGNATURE_MAX);
    MUST(r && names && key && signature);
    names[room] = 42;
    popcl_tls tls = {.utc_s = INT64_C(1780272000), .names = names, .names_len = room};
    memset(r, 0, sizeof *r);
    r->tls = &tls;
    if (p[0] & 2) {
        static const unsigned char address[16] = {192, 0, 2, 1};
        memcpy(r->address, address, sizeof address);
        r->host = "192.0.2.1";
        r->address_len = 4;
    } else {
        r->host = "mail.example.org";
    }
    if (room) names[0] = 0;
    r->key = key;
    r->signature = p[0] & 4 ? signature : NULL;
    popcl_leaf_begin(r, (uint32_t)(n - 1), p[0] & 1);
    for (size_t i = 1; i < n;) {
        size_t taken = popcl_leaf_take(r, p + i, p[0] & 8 ? 1 : n - i);
        MUST(taken && taken <= n - i);
        i += taken;
    }
    uint32_t facts = popcl_leaf_end(r);
    MUST(names[room] == 42 && (!room || memchr(names, 0, room)));
    for (const char *c = names; room && *c; c++)
        MUST(*c >= 0x20 && *c < 0x7f);
    MUST(has(facts, LEAF_READ) || has(facts, LEAF_MALFORMED));
    if (!has(facts, LEAF_MALFORMED)) compare(facts, r, p + 1, n - 1);
    free(signature);
    free(key);
    free(r);
    free(names);
    return 0;
}
