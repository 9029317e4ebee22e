/* SPDX-License-Identifier: MIT */
/* scram_side - see scram_side.h. */
#include "scram_side.h"

#include <stdio.h>
#include <string.h>

#define SALT "salt of sixteen."

void scram_side_digest(const br_hash_class *hash, const void *p, size_t n, unsigned char *out) {
    br_hash_compat_context h;
    hash->init(&h.vtable);
    hash->update(&h.vtable, p, n);
    hash->out(&h.vtable, out);
}

static void mac(const br_hash_class *hash, const void *key, size_t key_len, const void *p, size_t n,
                unsigned char *out) {
    br_hmac_key_context k;
    br_hmac_context h;
    br_hmac_key_init(&k, hash, key, key_len);
    br_hmac_init(&h, &k, 0);
    br_hmac_update(&h, p, n);
    br_hmac_out(&h, out);
}

void scram_side_init(scram_side *s, const br_hash_class *hash, size_t len, uint32_t iterations,
                     const char *password) {
    unsigned char u[32], block[sizeof SALT + 3] = SALT;
    memset(s, 0, sizeof *s);
    s->hash = hash;
    s->len = len;
    s->iterations = iterations;
    memcpy(block + sizeof SALT - 1, "\0\0\0\1", 4);
    mac(hash, password, strlen(password), block, sizeof block, u);
    memcpy(s->salted, u, len);
    for (uint32_t i = 1; i < iterations; i++) {
        mac(hash, password, strlen(password), u, len, u);
        for (size_t k = 0; k < len; k++)
            s->salted[k] ^= u[k];
    }
    mac(hash, s->salted, len, "Client Key", 10, s->client_key);
    mac(hash, s->salted, len, "Server Key", 10, s->server_key);
}

static void to_base64(const void *p, size_t n, char *out) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *o = p;
    for (; n; n -= n < 3 ? n : 3, o += 3) {
        unsigned v = (unsigned)o[0] << 16 | (n > 1 ? (unsigned)o[1] << 8 : 0) | (n > 2 ? o[2] : 0);
        *out++ = digits[v >> 18];
        *out++ = digits[v >> 12 & 63];
        *out++ = n > 1 ? digits[v >> 6 & 63] : '=';
        *out++ = n > 2 ? digits[v & 63] : '=';
    }
    *out = 0;
}

/* Returns the number of bytes. */
static size_t from_base64(const char *text, unsigned char *out) {
    unsigned v = 0, bits = 0;
    size_t n = 0;
    for (; *text && *text != '=' && *text != '\r'; text++) {
        unsigned c = (unsigned char)*text;
        unsigned digit = c >= 'a'   ? c - 'a' + 26
                         : c >= 'A' ? c - 'A'
                         : c == '+' ? 62
                         : c == '/' ? 63
                                    : c - '0' + 52;
        v = v << 6 | digit;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out[n++] = (unsigned char)(v >> bits);
    }
    out[n] = 0;
    return n;
}

void scram_side_challenge(const char *text, char *line) {
    strcpy(line, "+ ");
    to_base64(text, strlen(text), line + 2);
}

int scram_side_first(scram_side *s, const char *response, char *line) {
    unsigned char text[400];
    char salt[40];
    if (strlen(response) > 500) return 0;
    from_base64(response, text);
    char *bare = strstr((char *)text, ",n="), *nonce = bare ? strstr(bare, ",r=") : NULL;
    if (!nonce || strlen(nonce) > 100) return 0;
    bare++;
    snprintf(s->bare, sizeof s->bare, "%s", bare);
    snprintf(s->header, sizeof s->header, "%.*s", (int)(bare - (char *)text), (char *)text);
    to_base64(SALT, sizeof SALT - 1, salt);
    snprintf(s->first, sizeof s->first, "r=%sserver's,s=%s,i=%lu", nonce + 3, salt,
             (unsigned long)s->iterations);
    scram_side_challenge(s->first, line);
    return 1;
}

int scram_side_last(const scram_side *s, const char *response, char *line) {
    char text[500], all[1200], proof[60] = "v=";
    unsigned char stored[32], signature[32], given[64], binding[128], key[32];
    if (strlen(response) > sizeof text) return 0;
    from_base64(response, (unsigned char *)text);
    char *p = strstr(text, ",p=");
    if (!p || strlen(p) > 60) return 0;
    *p = 0;
    if (from_base64(p + 3, given) != s->len) return 0;
    /* the binding: the header, and then the hash */
    size_t header = strlen(s->header), n;
    *strchr(strcpy(all, text), ',') = 0;
    if (strchr(all, '=') != all + 1) return 0;
    n = from_base64(all + 2, binding);
    if (n != header + s->wants_n || memcmp(binding, s->header, header) != 0 ||
        memcmp(binding + header, s->wants_binding, s->wants_n) != 0)
        return 0;
    snprintf(all, sizeof all, "%s,%s,%s", s->bare, s->first, text);
    scram_side_digest(s->hash, s->client_key, s->len, stored);
    mac(s->hash, stored, s->len, all, strlen(all), signature);
    for (size_t i = 0; i < s->len; i++)
        key[i] = signature[i] ^ s->client_key[i];
    if (memcmp(key, given, s->len) != 0) return 0;
    mac(s->hash, s->server_key, s->len, all, strlen(all), signature);
    to_base64(signature, s->len, proof + 2);
    scram_side_challenge(proof, line);
    return 1;
}
