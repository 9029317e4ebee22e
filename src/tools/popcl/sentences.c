/* SPDX-License-Identifier: MIT */
/* sentences - see sentences.h. */
#define _POSIX_C_SOURCE 200809L
#include "sentences.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "popcl_posix.h"

/* ---- the library's settings, and the command's names for them ---- */

/* No row begins like a later one. */
static const struct {
    const char *setting, *option;
} options[] = {
    {"popcl_config.trace", "--trace"},
    {"popcl_tls.utc_s", "--now"},
    {"popcl_tls.name", "--tls-name"},
    {"popcl_trust.anchors", "-c"},
    {"popcl_trust.pins", "--pin"},
    {"connect_ms", "--connect-timeout"},
    {"idle_ms", "--timeout"},
    {"total_ms", "--max-time"},
    {"max_size", "--max-size"},
    {"set no_capa", "give --no-capa"},
    {"no_capa", "--no-capa"},
    {"POPCL_UIDS_REQUIRED", "-n"},
    {"POPCL_AUTH_USER", "--auth user"},
    {"popcl_fetch_config.auth", "--auth"},
    {"popcl_config.iobuf", "--iobuf"},
    {"POPCL_TLS", "-T"},
    {"POPCL_STLS", "-S"},
};

/* Writes the sentence with options for settings; cut to fit, which no sentence needs. */
static void in_options(char *out, size_t size, const char *sentence) {
    size_t n = 0;
    while (*sentence && n + 1 < size) {
        size_t row = 0, rows = sizeof options / sizeof options[0];
        while (row < rows &&
               strncmp(sentence, options[row].setting, strlen(options[row].setting)) != 0)
            row++;
        if (row == rows) {
            out[n++] = *sentence++;
            continue;
        }
        int written = snprintf(out + n, size - n, "%s", options[row].option);
        n += written > 0 && (size_t)written < size - n ? (size_t)written : size - n - 1;
        sentence += strlen(options[row].setting);
    }
    out[n] = '\0';
}

/* ---- the command's own ---- */

#define OWN_FAULT                                                                                  \
    "popcl has a fault", "the command used its library in a way that is not allowed",              \
        "report this to the people who make popcl, with the output of --trace"

/* NULL = the library's sentence. */
typedef struct own {
    popcl_err e;
    const char *what, *cause, *advice;
} own;

static const own owns[] = {
    {POPCL_ERR_ARGUMENT, OWN_FAULT},
    {POPCL_ERR_IOBUF_SMALL, OWN_FAULT},
    {POPCL_ERR_PLAN_SMALL, OWN_FAULT},
    {POPCL_ERR_NO_TLS, OWN_FAULT},
    {POPCL_ERR_NOT_SECURED, OWN_FAULT},
    {POPCL_ERR_TLS_STORAGE, OWN_FAULT},
    {POPCL_ERR_STATE, OWN_FAULT},
    {POPCL_ERR_REENTRANT, OWN_FAULT},
    {POPCL_ERR_ARGUMENT_OCTET, OWN_FAULT},
    {POPCL_ERR_MESSAGE_NUMBER, OWN_FAULT},
    {POPCL_ERR_WOULD_BLOCK, OWN_FAULT},
    {POPCL_ERR_SECRET, OWN_FAULT},
    {POPCL_ERR_SECRET_WAIT, OWN_FAULT},
    {POPCL_ERR_PORT, OWN_FAULT},
    {POPCL_ERR_TIMEOUT_PAUSE, OWN_FAULT},
    {POPCL_ERR_SEEN_FULL, OWN_FAULT},
    {POPCL_ERR_SEEN_DAMAGED, OWN_FAULT},
    {POPCL_ERR_SEED, "this machine gives no random bytes", "the random generator does not work",
     "check the system's log; neither TLS nor SCRAM is possible without random bytes"},
    {POPCL_ERR_NO_TRUST, NULL,
     "there is neither -c, -C nor --pin, and the system has no trusted authority",
     "give the server's authority with -c or -C, or the server's key with --pin"},
    {POPCL_ERR_CLOCK_UNKNOWN, NULL, "this machine's clock shows no year before 10000",
     "set the clock, or give the time (--now)"},
    {POPCL_ERR_ITERATIONS, NULL, "popcl computes 10 million at most",
     "allow another mechanism (--auth)"},
    {POPCL_ERR_CHALLENGE_LENGTH, NULL, "popcl keeps 320 octets of it", NULL},
    {POPCL_ERR_LISTING_ORDER, "the listing of the maildrop is out of order, and very long",
     "popcl keeps a part of such a listing, and finds the rest only if the numbers ascend",
     "run with --trace, and show the output to the server's operator"},
    {POPCL_ERR_TLS_ALGORITHMS, NULL,
     "popcl needs ECDHE with AES-GCM or ChaCha20; the server allows neither",
     "allow ECDHE with AES-GCM or ChaCha20 on the server"},
    {POPCL_ERR_CERT_UNTRUSTED, NULL, NULL,
     "popcl --info SERVER names the missing issuer; give the right or newer anchors (-c); for a "
     "self-signed certificate give the certificate itself, or its key's hash (--pin)"},
    {POPCL_ERR_CERT_CONSTRAINTS, NULL, NULL, "use a server or a CA without such constraints"},
    {POPCL_ERR_CERT_UNSUPPORTED, "a certificate uses an algorithm that popcl does not have", NULL,
     "have the certificate made with a P-256 or RSA-2048 key"},
    {POPCL_ERR_CERT_TOO_LARGE, NULL, "the certificate is above 32 KB, for which popcl has no room",
     NULL},
    {POPCL_ERR_BLOB_PROFILE, "the signed set of trust has no trust anchor that can be used",
     "its anchors have keys that are weak, or of kinds that popcl does not know",
     "get a set with other anchors, or a newer popcl"},
    {POPCL_ERR_SINK, NULL, "there is no space, no permission, or the medium is failing",
     "free some space or check the medium, then run again; the message is still on the server"},
    {POPCL_ERR_COMMIT, "a message could not be stored durably",
     "there is no space, no permission, or the medium is failing",
     "check the medium, then run again; the message is still on the server"},
    {POPCL_ERR_SYNC, "messages could not be stored durably",
     "there is no space, or the medium is failing",
     "check the medium, then run again; the messages are still on the server"},
    {POPCL_ERR_TIMEOUT_GREETING, NULL, NULL,
     "give -T if this port is for POP3S, as 995 is; or check the port, or allow more time "
     "(--timeout)"},
    {POPCL_ERR_COMMAND_REFUSED, NULL, NULL, "run again later; --trace shows the server's reply"},
    {POPCL_ERR_NO_UIDL, NULL, NULL,
     "run again later; after three such runs in a row popcl continues without UIDs, and all mail "
     "may arrive again. In place of --uidl give --msg"},
    {POPCL_ERR_AUTH, NULL, NULL,
     "check user name and password; large providers want an app password, or a token "
     "(--token-command); popcl did not try a second time"},
    {POPCL_ERR_NO_MECHANISM, NULL, NULL,
     "allow another one (--auth); without --auth, --trace shows the mechanisms that the server "
     "offers"},
    {POPCL_ERR_TOKEN, NULL, NULL,
     "run the command of --token-command in a shell: its token must be new, for this account and "
     "for POP3"},
    {POPCL_ERR_NO_TOP, NULL, NULL, "fetch whole messages, without -n, --match, --since and --top"},
    {POPCL_ERR_NOT_DRAINED, NULL, "the rest of the message would take too much time",
     "run again for the rest"},
    {POPCL_ERR_UTF8, NULL, NULL, "give --utf8, and run again; the mail is still on the server"},
    {POPCL_ERR_MECHANISM_NEEDS_TLS, NULL,
     "a token is never sent in clear text, where others could read it; channel binding needs TLS",
     "use -T or -S"},
    {POPCL_ERR_STOPPED, NULL, "a signal asked for an end", NULL},
};

static const own *own_of(popcl_err e) {
    static const own none = {POPCL_OK, NULL, NULL, NULL};
    for (size_t i = 0; i < sizeof owns / sizeof *owns; i++)
        if (owns[i].e == e) return &owns[i];
    return &none;
}

/* ---- the facts of the system's number ---- */

/* Of a network's error. A lack of this machine is not the network's fault. */
static const struct {
    popcl_err e;
    int error;
    const char *what, *cause, *advice;
} numbered[] = {
    {POPCL_ERR_NET, EAGAIN, "no process could be started to look up the server's name",
     "this user, container or machine may have no more processes (ulimit -u, pids limit)",
     "end other programs or raise the limit, then run again; an address needs no look-up"},
    {POPCL_ERR_NET, EMFILE, "no socket could be opened", "too many files are open (ulimit -n)",
     "raise the limit, then run again"},
    {POPCL_ERR_NET, ENFILE, "no socket could be opened",
     "all programs of this machine together have too many files open",
     "end other programs, then run again"},
    {POPCL_ERR_NET, ENOMEM, "this machine has too little memory", "other programs use the memory",
     "end other programs, then run again"},
    {POPCL_ERR_NET, ENOBUFS, "this machine has too little memory for a connection",
     "many connections are open", "end other programs, then run again"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_BIND, "no connection can be made from the address of --bind",
     "it is none of this machine's addresses", "correct --bind; `ip address` lists the addresses"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS_DOWN, "no connection to the SOCKS server",
     "it does not run, or it has another address or port",
     "check --socks; Tor usually listens on 127.0.0.1:9050"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS_LOGIN, "the SOCKS server wants a login",
     "it is not open to all, and popcl has no login for it", "use a SOCKS server without a login"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS_BROKEN,
     "the SOCKS server does not answer as SOCKS 5 does",
     "another service listens there, or it broke off", "check host and port of --socks"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 1, "the SOCKS server cannot connect",
     "it gives no reason; with Tor, no way to the server was found",
     "run again later; look at the SOCKS server's log"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 2, "the SOCKS server does not allow the connection",
     "its rules forbid this server or this port", "check its rules, and the server's port"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 3, "the SOCKS server has no way to the server",
     "its network does not lead there", "run again later; check the server's name"},
    {POPCL_ERR_RESOLVE, POPCL_POSIX_SOCKS + 4, "the SOCKS server does not find the server",
     "the name is misspelt, or the SOCKS server's network does not lead there",
     "check the name; the SOCKS server looks it up, and not this machine"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 5, "the server refused the SOCKS server's connection",
     "nothing listens there, or a firewall refuses the connection", "check server and port"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 6, "the SOCKS server got no answer from the server",
     "the server is down, or the network is slow", "run again later"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 7, "the SOCKS server makes no connections",
     "it is for other uses than connections to servers", "use another SOCKS server"},
    {POPCL_ERR_CONNECT, POPCL_POSIX_SOCKS + 8, "the SOCKS server takes no such address",
     "it knows no names, or no IPv6", "give the server's name, or its IPv4 address"},
    {POPCL_ERR_CONNECT, EINVAL, NULL, "the address is link-local, but has no interface",
     "give the interface: fe80::1%eth0"},
    {POPCL_ERR_CONNECT, ENETUNREACH, NULL,
     "this machine has no network, or no address of this kind", "check the network; try -4 or -6"},
    {POPCL_ERR_CONNECT, EHOSTUNREACH, NULL, "there is no route to the server's network",
     "check the network, and the server's name; try -4 or -6"},
    {POPCL_ERR_CONNECT, EADDRNOTAVAIL, NULL,
     "this machine has no address of that kind, or all its local ports are in use",
     "check the network; try -4 or -6"},
};

static const cmd_disk_words disk_words[] = {
    {ENOSPC, "the disk is full", "free some space, then run again"},
    {EDQUOT, "the quota of disk space is used up", "delete some files, then run again"},
    {EROFS, "the file system was mounted read-only, or became read-only after a fault",
     "give a directory on another file system, or check the system's log"},
    {EPIPE, "the program that reads the pipe has ended",
     "look at where the output goes; the mail is still on the server"},
    {EIO, "the medium is failing", "check the system's log and the medium, then run again"},
    {EFBIG, "a file cannot be that large here (ulimit -f, or the file system's limit)",
     "raise the limit or use another file system; --max-size leaves such messages out"},
    {ENOENT, "the directory was removed, or its parent is missing",
     "make the directory, then run again"},
    {ESTALE, "the directory was removed on its server", "make the directory, then run again"},
    {EACCES, "the directory cannot be written by this user",
     "correct its owner and mode, or give another one"},
    {EPERM, "the directory cannot be written by this user",
     "correct its owner, mode and attributes, or give another one"},
    {ENOTDIR, "a file has this name, or is in the path", "give a directory that you may write"},
    {EEXIST, "something else has this name", "give a directory that you may write"},
    {ELOOP, "the links in the path lead in a circle", "give a directory that you may write"},
    {ENAMETOOLONG, "the name is too long for the file system", "give a shorter name"},
    {EMFILE, "too many files are open (ulimit -n)", "raise the limit, then run again"},
    {ENFILE, "all programs of this machine together have too many files open",
     "end other programs, then run again"},
    {ENOMEM, "this machine has too little memory", "end other programs, then run again"},
};

const cmd_disk_words *cmd_sentences_medium(int error) {
    int is_medium = error == ENOSPC || error == EDQUOT || error == EROFS || error == EIO;
    return is_medium ? cmd_sentences_disk(error) : NULL;
}

const cmd_disk_words *cmd_sentences_disk(int error) {
    for (size_t i = 0; i < sizeof disk_words / sizeof *disk_words; i++)
        if (disk_words[i].error == error) return &disk_words[i];
    return NULL;
}

/* ---- all of it ---- */

const char *cmd_sentences_what(popcl_err e) {
    const own *o = own_of(e);
    return o->what ? o->what : popcl_err_what(e);
}

void cmd_sentences_find(cmd_sentences *s, popcl_err e, int error) {
    const own *o = own_of(e);
    const char *cause = o->cause ? o->cause : popcl_err_cause(e),
               *advice = o->advice ? o->advice : popcl_err_advice(e);
    s->what = cmd_sentences_what(e);
    for (size_t i = 0; error && i < sizeof numbered / sizeof *numbered; i++) {
        if (numbered[i].e != e || numbered[i].error != error) continue;
        if (numbered[i].what) s->what = numbered[i].what;
        cause = numbered[i].cause;
        advice = numbered[i].advice;
    }
    const cmd_disk_words *disk =
        popcl_err_class(e) == POPCL_CLASS_DISK ? cmd_sentences_disk(error) : NULL;
    in_options(s->cause, sizeof s->cause, disk ? disk->cause : cause);
    in_options(s->advice, sizeof s->advice, disk ? disk->advice : advice);
}

/* ---- with a signed set ---- */

/* Nothing else is trusted beside the set, so -c is no advice. */
static const own of_set[] = {
    {POPCL_ERR_CERT_UNTRUSTED, NULL, NULL,
     "get a newer set for --ta-blob from its maker, with the server's authority, or with the "
     "server's key as a pin"},
    {POPCL_ERR_CERT_NO_SAN, NULL, NULL,
     "get a certificate with a subjectAltName, or a set for --ta-blob that has the server's key as "
     "a pin, and no anchors"},
};

void cmd_sentences_signed(cmd_sentences *s, popcl_err e) {
    for (size_t i = 0; i < sizeof of_set / sizeof *of_set; i++)
        if (of_set[i].e == e) in_options(s->advice, sizeof s->advice, of_set[i].advice);
}
