/* SPDX-License-Identifier: MIT */
/* sign - see sign.h. A command gets the octets to be signed through a pipe that has room for all of
 * them. So neither side waits for the other. */
#define _POSIX_C_SOURCE 200809L
#include "sign.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blobform.h"
#include "file_calls.h"
#include "files.h"

enum { DOMAIN = sizeof TA_BLOB_DOMAIN - 1, SIGNED = DOMAIN + TA_BLOB_SIGNATURE_AT };

extern char **environ;

/* ---- what is signed ---- */

static void put_signed(unsigned char out[SIGNED], const unsigned char *blob) {
    memcpy(out, TA_BLOB_DOMAIN, DOMAIN);
    memcpy(out + DOMAIN, blob, TA_BLOB_SIGNATURE_AT);
}

static void hash_signed(unsigned char hash[br_sha256_SIZE], const unsigned char *blob) {
    unsigned char octets[SIGNED];
    br_sha256_context sha;
    put_signed(octets, blob);
    br_sha256_init(&sha);
    br_sha256_update(&sha, octets, sizeof octets);
    br_sha256_out(&sha, hash);
}

int ta_is_signed_by(const unsigned char *blob, const unsigned char key[POPCL_BLOB_KEY_LEN]) {
    unsigned char hash[br_sha256_SIZE];
    unsigned char copy[POPCL_BLOB_KEY_LEN]; /* BearSSL's type has no const */
    br_ec_public_key point = {BR_EC_secp256r1, copy, sizeof copy};
    memcpy(copy, key, sizeof copy);
    hash_signed(hash, blob);
    return br_ecdsa_i31_vrfy_raw(&br_ec_prime_i31, hash, sizeof hash, &point,
                                 blob + TA_BLOB_SIGNATURE_AT, TA_BLOB_SIGNATURE) == 1;
}

int ta_sign_with_number(unsigned char *blob, const unsigned char number[32]) {
    unsigned char hash[br_sha256_SIZE], copy[32];
    br_ec_private_key key = {BR_EC_secp256r1, copy, sizeof copy};
    memcpy(copy, number, sizeof copy);
    hash_signed(hash, blob);
    size_t n = br_ecdsa_i31_sign_raw(&br_ec_prime_i31, &br_sha256_vtable, hash, &key,
                                     blob + TA_BLOB_SIGNATURE_AT);
    for (volatile unsigned char *at = copy; at < copy + sizeof copy; at++)
        *at = 0;
    return n == TA_BLOB_SIGNATURE ? 0 : -1;
}

/* ---- with a key ---- */

/* blob NULL = the public key alone is wanted. */
static int sign_with_key(unsigned char *blob, const ta_options *o,
                         unsigned char signer[POPCL_BLOB_KEY_LEN]) {
    ta_private_key key;
    int code = ta_keyfile_private(&key, o->key_file);
    if (code != TA_DONE) return code;
    if (blob && ta_sign_with_number(blob, key.number)) {
        ta_say("the key in %s cannot sign: its number is not of the curve", o->key_file);
        code = TA_BAD_DATA;
    }
    memcpy(signer, key.point, sizeof key.point);
    for (volatile unsigned char *at = key.number; at < key.number + sizeof key.number; at++)
        *at = 0;
    return code;
}

/* ---- with a command ---- */

/* Starts the shell with the command, its standard input and output being these two. Returns an
 * errno. */
static int start(pid_t *child, const char *command, int in, int out) {
    static char shell[] = "/bin/sh", option[] = "-c";
    union {
        const char *given;
        char *text;
    } word = {.given = command}; /* posix_spawn's type has no const */
    char *words[] = {shell, option, word.text, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (!error) error = posix_spawn(child, shell, &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Makes a pipe whose ends are neither standard input nor output, nor kept by a command. */
static int make_pipe(int ends[2]) {
    if (pipe(ends)) return errno;
    for (int i = 0; i < 2; i++) {
        int moved = fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
        (void)close(ends[i]);
        ends[i] = moved;
    }
    return ends[0] < 0 || ends[1] < 0 ? EMFILE : 0;
}

static void close_end(int *end) {
    if (*end >= 0) (void)close(*end);
    *end = -1;
}

/* Runs the command. Returns the octets that it wrote, with its status, or -1 with *error. */
static ssize_t run_command(const char *command, const unsigned char signed_[SIGNED],
                           unsigned char *out, size_t room, int *status, int *error) {
    int to[2] = {-1, -1}, from[2] = {-1, -1};
    ssize_t n = -1;
    pid_t child = 0, ended = 0;
    *error = make_pipe(to);
    if (!*error) *error = make_pipe(from);
    if (!*error && tool_write_all(to[1], signed_, SIGNED)) *error = errno;
    close_end(&to[1]);
    if (!*error) *error = start(&child, command, to[0], from[1]);
    close_end(&to[0]);
    close_end(&from[1]);
    if (!*error) {
        n = tool_read_all(from[0], out, room);
        if (n < 0) *error = errno;
    }
    close_end(&from[0]); /* a command that still writes ends */
    if (child > 0) POP_AGAIN(ended, waitpid(child, status, 0));
    if (!*error && ended < 0) *error = errno;
    return *error ? -1 : n;
}

static int sign_with_command(unsigned char *blob, const ta_options *o) {
    enum { ROOM = 256 }; /* DER of two numbers of 32 octets takes 72 at most */
    unsigned char message[SIGNED], der[ROOM], *to = blob + TA_BLOB_SIGNATURE_AT;
    int status = 0, error = 0;
    put_signed(message, blob);
    ssize_t n = run_command(o->sign_with, message, der, sizeof der, &status, &error);
    if (error) {
        ta_say("cannot run the command of --sign-with: %s", ta_system_says(error));
        return TA_UNAVAILABLE;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status)) {
        ta_say("the command of --sign-with failed, with %s %d: its own report is above",
               WIFEXITED(status) ? "exit code" : "signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        return TA_UNAVAILABLE;
    }
    size_t raw = n < ROOM ? br_ecdsa_asn1_to_raw(der, (size_t)n) : 0;
    if (raw == 0 || raw % 2 || raw > TA_BLOB_SIGNATURE) {
        ta_say("the command of --sign-with wrote %zd octets that are no ECDSA signature in DER, as "
               "openssl dgst -sha256 -sign writes it",
               n);
        return TA_BAD_DATA;
    }
    size_t half = raw / 2, whole = TA_BLOB_SIGNATURE / 2;
    memset(to, 0, TA_BLOB_SIGNATURE);
    memcpy(to + whole - half, der, half);
    memcpy(to + 2 * whole - half, der + half, half);
    return TA_DONE;
}

/* ---- both ---- */

/* Reads the one key of --public, if it was given. */
static int read_public(pop_signers *publics, const ta_options *o) {
    int code = o->publics_len ? ta_keyfile_publics(publics, o->publics[0]) : TA_DONE;
    if (code != TA_DONE || publics->len <= 1) return code;
    ta_say("%s has %zu keys: give the one of the signer", o->publics[0], publics->len);
    return TA_BAD_DATA;
}

int ta_check_signature(const unsigned char *blob, const ta_options *o, const char *path) {
    pop_signers publics = {.len = 0};
    unsigned char signer[POPCL_BLOB_KEY_LEN] = {0};
    int code = read_public(&publics, o);
    if (code == TA_DONE && o->key_file) code = sign_with_key(NULL, o, signer);
    if (code != TA_DONE || (!publics.len && !o->key_file)) return code;
    if (publics.len && o->key_file && memcmp(signer, publics.keys[0], sizeof signer) != 0) {
        ta_say("the key in %s is not that of %s", o->publics[0], o->key_file);
        return TA_BAD_DATA;
    }
    if (ta_is_signed_by(blob, publics.len ? publics.keys[0] : signer)) return TA_DONE;
    ta_say("%s is not signed by the key in %s; all else is the same", path,
           publics.len ? o->publics[0] : o->key_file);
    return TA_DIFFERS;
}

int ta_sign(unsigned char *blob, const ta_options *o) {
    pop_signers publics = {.len = 0};
    unsigned char signer[POPCL_BLOB_KEY_LEN] = {0};
    if (!o->key_file && !o->sign_with) return TA_DONE;
    int code = read_public(&publics, o);
    if (code == TA_DONE)
        code = o->key_file ? sign_with_key(blob, o, signer) : sign_with_command(blob, o);
    if (code != TA_DONE) return code;
    if (ta_is_signed_by(blob, publics.len ? publics.keys[0] : signer)) return TA_DONE;
    ta_say("the signature is not by the key in %s: is it the public key of the signer, and was "
           "SHA-256 used?",
           publics.len ? o->publics[0] : o->key_file);
    return TA_BAD_DATA;
}
