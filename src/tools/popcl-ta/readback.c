/* SPDX-License-Identifier: MIT */
/* readback - see readback.h. */
#define _POSIX_C_SOURCE 200809L
#include "readback.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "number.h"
#include "sign.h"
#include "utc.h"
#include "whole.h"

/* ---- a file ---- */

static int begins(const char *text, const char *head) {
    return strncmp(text, head, strlen(head)) == 0;
}

/* Returns whether it is C source of gen: its first line shows that. */
static int is_generated(const char *text) {
    size_t prefix = begins(text, "/* ") ? strcspn(text + 3, " \n") : 0;
    return prefix > 0 && begins(text + 3 + prefix, " - trust ") && strstr(text, "popcl-ta");
}

int ta_back_read(ta_back *b, const char *path) {
    enum { GUESS = 65535 };
    struct stat st;
    int is_input = strcmp(path, "-") == 0;
    memset(b, 0, sizeof *b);
    if (!is_input && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return TA_DONE;
    /* a FIFO without a writer is empty, and is not waited for */
    int fd = is_input ? STDIN_FILENO : tool_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);
    if (fd >= 0 && !is_input) (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    int error =
        fd < 0 ? errno : pop_read_whole(fd, GUESS, POP_ANCHOR_FILE_MAX, &b->octets, &b->len);
    if (fd >= 0 && !is_input) (void)close(fd);
    if (error == ENOMEM) return ta_out_of_memory();
    if (error) {
        ta_say("cannot read %s: %s", path, ta_system_says(error));
        return TA_NO_INPUT;
    }
    if (b->len >= 4 && memcmp(b->octets, TA_BLOB_MAGIC, 4) == 0)
        b->kind = TA_BACK_BLOB;
    else if (is_generated((const char *)b->octets))
        b->kind = TA_BACK_C;
    return TA_DONE;
}

int ta_back_take(ta_back *b, const ta_set *s) {
    b->anchors = calloc(s->len + 1, sizeof *b->anchors);
    if (!b->anchors) return -1;
    for (size_t i = 0; i < s->len; i++) {
        ta_back_anchor *to = &b->anchors[b->anchors_len++];
        memcpy(to->name, s->anchors[i]->anchor.name, sizeof to->name);
        to->entry = s->anchors[i]->anchor.entry;
        to->entry_len = s->anchors[i]->anchor.entry_len;
        to->subject = s->anchors[i]->subject;
    }
    return 0;
}

void ta_back_free(ta_back *b) {
    pop_whole_free(b->octets, b->len + b->surplus); /* a key may be beside its certificate */
    free(b->anchors);
    free(b->pins.list);
    free(b->denied.list);
    free(b->own.list);
    free(b->memory);
    free(b->text);
    memset(b, 0, sizeof *b);
}

/* ---- a blob ---- */

static int read_copy(void *ctx, uint32_t at, unsigned char *p, size_t n) {
    memcpy(p, (const unsigned char *)ctx + at, n);
    return 0;
}

/* The library opens only a blob with a signature that it accepts, for a known product. So the
 * header gets another scope, and another signature by a key that everybody knows. All else is
 * judged as a device does it. */
static popcl_err judge_copy(unsigned char *copy, uint32_t len) {
    static const unsigned char number[32] = {[31] = 1};
    unsigned char keys[1][POPCL_BLOB_KEY_LEN];
    br_ec_public_key point;
    unsigned char secret[sizeof number];
    br_ec_private_key one = {BR_EC_secp256r1, secret, sizeof secret};
    popcl_blob blob;
    memcpy(secret, number, sizeof secret);
    if (br_ec_compute_pub(&br_ec_prime_i31, &point, keys[0], &one) != POPCL_BLOB_KEY_LEN)
        return POPCL_ERR_ARGUMENT;
    popcl_blob_policy policy = {
        .keys = (const unsigned char(*)[POPCL_BLOB_KEY_LEN])keys,
        .keys_len = 1,
        .scope = "",
        .profile = &popcl_tls_host,
    };
    if (len >= POPCL_BLOB_HEAD) {
        ta_blob_scope(copy + TA_BLOB_SCOPE_AT, "");
        copy[TA_BLOB_KEY_AT] = 0;
        memset(copy + TA_BLOB_RETIRED_AT, 0, 4);
        if (ta_sign_with_number(copy, number)) return POPCL_ERR_ARGUMENT;
    }
    popcl_err e = popcl_blob_open(&blob, &policy, read_copy, copy, len);
    if (!e) e = popcl_blob_check(&blob);
    return e == POPCL_ERR_BLOB_PROFILE ? POPCL_OK : e; /* it is whole: show.c has its anchors */
}

popcl_err ta_back_judge_as(const ta_back *b, const popcl_blob_policy *policy) {
    popcl_blob blob;
    popcl_err e = popcl_blob_open(&blob, policy, read_copy, b->octets, (uint32_t)b->len);
    return e ? e : popcl_blob_check(&blob);
}

/* The places of rows and entries were judged. */
static int take_rows(ta_back *b) {
    const unsigned char *p = b->octets, *row = p + POPCL_BLOB_HEAD;
    size_t row_len = p[TA_BLOB_ROW_LEN_AT];
    struct {
        ta_named_keys *keys;
        size_t count;
        int with_days;
    } parts[] = {{&b->pins, (size_t)ta_blob_get(p + TA_BLOB_PINS_AT, 2), 1},
                 {&b->denied, (size_t)ta_blob_get(p + TA_BLOB_DENIED_AT, 2), 0}};
    b->anchors_len = (size_t)ta_blob_get(p + TA_BLOB_ANCHORS_AT, 2);
    b->anchors = calloc(b->anchors_len + 1, sizeof *b->anchors);
    if (!b->anchors) return -1;
    for (size_t i = 0; i < b->anchors_len; i++, row += row_len) {
        memcpy(b->anchors[i].name, row, sizeof b->anchors[i].name);
        b->anchors[i].entry = p + ta_blob_get(row + TA_BLOB_ROW_OFFSET_AT, 4);
        b->anchors[i].entry_len = (size_t)ta_blob_get(row + TA_BLOB_ROW_ENTRY_LEN_AT, 2);
    }
    for (size_t part = 0; part < 2; part++) {
        ta_named_keys *keys = parts[part].keys;
        keys->list = calloc(parts[part].count + 1, sizeof *keys->list);
        if (!keys->list) return -1;
        for (; keys->len < parts[part].count; keys->len++, row += row_len) {
            ta_named_key *one = &keys->list[keys->len];
            memcpy(one->hash, row, sizeof one->hash);
            one->until = TA_DAY_MAX;
            if (!parts[part].with_days) continue;
            one->from = (uint16_t)ta_blob_get(row + TA_BLOB_ROW_FROM_AT, 2);
            one->until = (uint16_t)ta_blob_get(row + TA_BLOB_ROW_UNTIL_AT, 2);
        }
    }
    return 0;
}

const char *ta_back_judge_blob(ta_back *b) {
    static const char no_memory[] = "there is not enough memory for it";
    const unsigned char *p = b->octets;
    uint32_t len = b->len > UINT32_MAX ? UINT32_MAX : (uint32_t)b->len;
    unsigned char *copy = malloc(b->len + 1);
    if (!copy) return no_memory;
    memcpy(copy, b->octets, b->len);
    popcl_err e = judge_copy(copy, len);
    free(copy);
    if (e) return popcl_err_what(e);
    size_t end = (size_t)ta_blob_get(p + TA_BLOB_LEN_AT, 4);
    b->surplus = b->len - end;
    b->len = end;
    b->sequence = (uint32_t)ta_blob_get(p + TA_BLOB_SEQUENCE_AT, 4);
    b->floor = (uint32_t)ta_blob_get(p + TA_BLOB_FLOOR_AT, 4);
    b->retired = (uint32_t)ta_blob_get(p + TA_BLOB_RETIRED_AT, 4);
    b->made = (int64_t)ta_blob_get(p + TA_BLOB_MADE_AT, 8);
    b->stale = (int64_t)ta_blob_get(p + TA_BLOB_STALE_AT, 8);
    b->key_number = p[TA_BLOB_KEY_AT];
    for (size_t i = 0; i < TA_BLOB_SIGNATURE; i++)
        b->is_signed |= p[TA_BLOB_SIGNATURE_AT + i] != 0;
    return take_rows(b) ? no_memory : NULL;
}

/* ---- C source ---- */

/* The content of C source. Texts point into a copy of it, which is cut into lines. The lists grow
 * by one once the last one is complete. So all of it together takes a few times the memory of the
 * file, whatever is in the file. */
typedef struct source {
    ta_options options;
    ta_set set;
    pop_anchor first_expiry, newest;
    pop_anchor *anchors, *own; /* of anchors, and of hashes in own_certs */
    size_t len, own_len;       /* there is room up to the next power of 2 */
    size_t headed, named;      /* anchors whose comment was read, and whose name */
    unsigned char *entries;    /* those of all anchors, one after the other */
    size_t entries_len, entries_room;
    const char *header;
    /* the array that is read: the place of its octets */
    unsigned char *to;
    size_t to_len, to_room;
    uint16_t *count; /* of an entry */
    int no_memory;
    enum { IN_NOTHING, IN_ENTRY, IN_OWN, IN_PINS } where;
} source;

/* Returns a new member at the end of a list, zeroed; NULL = no memory is left. */
static pop_anchor *readback_add(source *s, pop_anchor **list, size_t *len) {
    if ((*len & (*len - 1)) == 0) { /* 0, or a power of 2: the list is full */
        pop_anchor *grown = realloc(*list, (*len ? 2 * *len : 1) * sizeof *grown);
        s->no_memory |= grown == NULL;
        if (!grown) return NULL;
        *list = grown;
    }
    return memset(&(*list)[(*len)++], 0, sizeof **list);
}

static int hex_digit(char c) {
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static int hex_octet(const char *text) {
    int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
    return low < 0 ? -1 : high << 4 | low;
}

/* Takes "0xNN" after spaces, commas and braces. Returns -1 if there is no more. */
static int next_octet(const char **at) {
    *at += strspn(*at, " ,{");
    if (!begins(*at, "0x")) return -1;
    int octet = hex_octet(*at + 2);
    *at += octet < 0 ? 0 : 4;
    return octet;
}

/* Takes "TIME, " and returns the text after it, or NULL. */
static char *back_time(char *text, int64_t *utc_s) {
    char *comma = strchr(text, ',');
    if (!comma || comma[1] != ' ') return NULL;
    *comma = '\0';
    return pop_utc_read(text, utc_s) ? NULL : comma + 2;
}

static int back_head(source *s, char *line) {
    uint64_t number = 0;
    if (begins(line, " * earliest expiry: "))
        return (s->first_expiry.subject = back_time(line + 20, &s->first_expiry.not_after)) ? 0
                                                                                            : -1;
    if (begins(line, " * newest notBefore: "))
        return (s->newest.subject = back_time(line + 21, &s->newest.not_before)) ? 0 : -1;
    if (begins(line, " * sequence: ")) {
        if (!tool_number_read(line + 13, UINT32_MAX, &number)) return -1;
        s->options.sequence = (uint32_t)number;
    }
    if (begins(line, "#include \"") && !begins(line + 10, "popcl_tls.h\"")) {
        s->header = line + 10;
        line[10 + strcspn(line + 10, "\"")] = '\0';
    }
    return 0;
}

/* The comment of an anchor: "N: SUBJECT", then "notAfter TIME, KEY, N octets", then "SHA-256 HEX".
 */
static int read_anchor_head(source *s, char *line) {
    pop_anchor *a = s->len ? &s->anchors[s->len - 1] : NULL;
    if (begins(line, "/* ") && line[3 + strspn(line + 3, "0123456789")] == ':') {
        a = s->headed == s->len ? readback_add(s, &s->anchors, &s->len) : NULL;
        if (!a) return -1;
        a->subject = strchr(line, ':') + 1;
        a->subject += *a->subject == ' ';
        return 0;
    }
    if (!a) return 0;
    if (begins(line, " *    notAfter ")) {
        char *key = back_time(line + 15, &a->not_after), *comma = key ? strchr(key, ',') : NULL;
        uint64_t size = 0;
        if (!comma || (size_t)(comma - key) >= sizeof a->key) return -1;
        memcpy(a->key, key, (size_t)(comma - key));
        if (!tool_number_read(comma + 2, UINT16_MAX, &size)) return -1;
        a->rank = (long)size;
    }
    for (size_t i = 0; begins(line, " *    SHA-256 ") && i < sizeof a->sha256; i++) {
        int octet = hex_octet(line + 14 + 2 * i);
        if (octet < 0) return -1;
        a->sha256[i] = (unsigned char)octet;
        s->headed = s->len;
    }
    return 0;
}

/* "static const unsigned char NAME[]SECTION = {": NAME decides what it is. */
static int begin_array(source *s, char *line) {
    static const char head[] = "static const unsigned char ";
    char *name = line + sizeof head - 1, *bracket = begins(line, head) ? strchr(name, '[') : NULL;
    char *end = bracket ? strstr(bracket, " = {") : NULL, *after;
    uint64_t number = 0;
    size_t prefix = strlen(s->options.prefix);
    s->where = IN_NOTHING;
    if (!end || strncmp(name, s->options.prefix, prefix) != 0) return 0;
    *end = '\0';
    name += prefix;
    after = bracket + 2;
    if (begins(name, "_entry_")) {
        if (!tool_number_read(name + 7, s->len, &number) || number >= s->len) return -1;
        s->where = IN_ENTRY;
        s->to = s->entries + s->entries_len;
        s->to_room = POPCL_ANCHOR_ROOM;
        s->anchors[number].anchor.entry = s->to;
        s->count = &s->anchors[number].anchor.entry_len;
        s->to_len = 0;
    } else {
        s->where = begins(name, "_own_certs") ? IN_OWN : IN_PINS;
        after = strchr(bracket + 1, ']') ? strchr(strchr(bracket + 1, ']') + 1, ']') : NULL;
        if (!after) return -1;
        after++;
        s->to = NULL;
        s->named = 0;
    }
    if (*after == ' ') s->options.section = after + 1;
    return 0;
}

/* "    {" begins a hash of own_certs or of pins. */
static int begin_hash(source *s) {
    pop_anchor *a;
    if (s->to && s->to_len < s->to_room) return -1; /* the hash before it is not whole */
    if (s->where == IN_OWN) {
        a = readback_add(s, &s->own, &s->own_len);
        if (!a) return -1;
        s->to = a->own_cert;
    } else {
        if (s->named == s->len) return -1;
        a = &s->anchors[s->named++];
        s->to = a->pin;
    }
    s->to_room = 32;
    s->to_len = 0;
    s->count = NULL;
    return 0;
}

static int read_octets(source *s, const char *line) {
    for (int octet; (octet = next_octet(&line)) >= 0;) {
        if (!s->to || s->to_len == s->to_room) return -1;
        if (s->where == IN_ENTRY && s->entries_len++ == s->entries_room) return -1;
        s->to[s->to_len++] = (unsigned char)octet;
        if (s->count) *s->count = (uint16_t)s->to_len;
    }
    return 0;
}

/* "    {{0x.., ...}, NAME, sizeof NAME}," */
static int read_name(source *s, const char *line) {
    if (s->named == s->len) return -1;
    popcl_anchor *a = &s->anchors[s->named++].anchor;
    for (size_t i = 0; i < sizeof a->name; i++) {
        int octet = next_octet(&line);
        if (octet < 0) return -1;
        a->name[i] = (unsigned char)octet;
    }
    return 0;
}

static int back_line(source *s, char *line) {
    if (begins(line, "static const ")) return begin_array(s, line);
    if (begins(line, "    {{")) return read_name(s, line);
    if (s->where == IN_OWN || s->where == IN_PINS)
        if (strcmp(line, "    {") == 0) return begin_hash(s);
    if (begins(line, "};")) s->where = IN_NOTHING;
    if (s->where != IN_NOTHING) return read_octets(s, line);
    return back_head(s, line) || read_anchor_head(s, line) ? -1 : 0;
}

/* Reads all lines. Returns 0, or the number of a line that cannot be read. */
static long read_lines(source *s, char *text) {
    long number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next) *next++ = '\0';
        if (number == 1) {
            char *end = strstr(line, "_trust - trust ");
            if (!end) return number;
            *end = '\0';
            s->options.prefix = line + 3;
            s->options.pins = begins(end + 15, "pins") ? 1 : 0;
        } else if (back_line(s, line)) {
            return number;
        }
    }
    for (size_t i = 0; !s->options.pins && i < s->len; i++)
        if (s->anchors[i].anchor.entry_len < 12) return number;
    return s->first_expiry.subject && s->newest.subject && s->len ? 0 : number;
}

/* Makes the set that gen would have had. Returns 0, or -1: out of memory. */
static int link_set(source *s) {
    s->set.anchors = calloc(s->len + 1, sizeof(const pop_anchor *));
    s->set.own = calloc(s->own_len + 1, sizeof(const pop_anchor *));
    if (!s->set.anchors || !s->set.own) return -1;
    s->set.first_expiry = &s->first_expiry;
    s->set.newest = &s->newest;
    for (size_t i = 0; i < s->len; i++) {
        pop_anchor *a = &s->anchors[i];
        a->is_own = a->rank > 0 && (size_t)a->rank != pop_anchor_size(a);
        s->set.octets += s->options.pins ? POPCL_PIN_LEN : pop_anchor_size(a);
        s->set.anchors[s->set.len++] = a;
    }
    for (size_t i = 0; i < s->own_len; i++)
        s->set.own[s->set.own_len++] = &s->own[i];
    return 0;
}

static unsigned clamped_day(int64_t utc_s) {
    int64_t day = utc_s / 86400;
    return day < 0 ? 0 : day > TA_DAY_MAX ? TA_DAY_MAX : (unsigned)day;
}

static unsigned first_day(const pop_anchor *a) {
    return (unsigned)ta_blob_get(a->anchor.entry + 6, 2);
}

/* Returns whether the comments fit the entries: dates, and of all anchors the earliest expiry and
 * the newest notBefore. Other subjects and fingerprints are in comments alone. */
static int comments_fit(const source *s) {
    const pop_anchor *first = &s->anchors[0];
    unsigned newest = 0;
    int is_known = 0;
    for (size_t i = 0; i < s->len; i++) {
        const pop_anchor *a = &s->anchors[i];
        if (a->not_after < first->not_after) first = a;
        if (s->options.pins) continue;
        if (clamped_day(a->not_after) != ta_blob_get(a->anchor.entry + 8, 2)) return 0;
        if (first_day(a) > newest) newest = first_day(a);
    }
    for (size_t i = 0; i < s->len; i++)
        is_known |= strcmp(s->anchors[i].subject, s->newest.subject) == 0 &&
                    (s->options.pins || first_day(&s->anchors[i]) == newest);
    return is_known && first->not_after == s->first_expiry.not_after &&
           strcmp(first->subject, s->first_expiry.subject) == 0 &&
           (s->options.pins || clamped_day(s->newest.not_before) == newest);
}

/* Writes the set again. Returns 0 if that gives the same text, the number of the line that differs,
 * or -1: out of memory. */
static long compare_source(const source *s, const ta_back *b) {
    char *again = NULL;
    size_t n = 0, i = 0;
    long line = 1;
    FILE *f = open_memstream(&again, &n);
    if (!f) return -1;
    ta_emit_c(f, &s->set, &s->options, s->header);
    if (fclose(f)) line = -1;
    for (; line > 0 && i < n && i < b->len && again[i] == (char)b->octets[i]; i++)
        line += again[i] == '\n';
    free(again);
    return line > 0 && i == n && i == b->len ? 0 : line;
}

/* Copies what is needed later. Entries move to memory of the set. */
static int take_source(ta_back *b, source *s) {
    ta_named_keys *lists[] = {&b->pins, &b->own};
    if (s->options.pins) s->set.len = 0;
    if (ta_back_take(b, &s->set)) return -1;
    for (size_t i = 0; i < 2; i++) {
        lists[i]->list = calloc(s->len + s->own_len + 1, sizeof *lists[i]->list);
        if (!lists[i]->list) return -1;
    }
    for (size_t i = 0; s->options.pins && i < s->len; i++) {
        memcpy(b->pins.list[i].hash, s->anchors[i].pin, 32);
        b->pins.list[i].until = TA_DAY_MAX;
        b->pins.len++;
    }
    for (size_t i = 0; i < s->own_len; i++)
        memcpy(b->own.list[b->own.len++].hash, s->own[i].own_cert, 32);
    b->sequence = s->options.sequence;
    b->made = s->newest.not_before;
    b->memory = s->entries;
    s->entries = NULL;
    return 0;
}

long ta_back_read_c(ta_back *b) {
    source s;
    long line = -1;
    memset(&s, 0, sizeof s);
    b->text = strdup((const char *)b->octets);
    s.entries_room = b->len / 4; /* an octet has four characters or more: 0xNN */
    s.entries = malloc(s.entries_room + 1);
    if (b->text && s.entries) {
        line = read_lines(&s, b->text);
        if (s.no_memory || (line == 0 && link_set(&s))) line = -1;
        if (line == 0) line = compare_source(&s, b);
        if (line == 0 && !comments_fit(&s)) line = 1;
        if (line == 0) line = -take_source(b, &s) ? -1 : 0;
    }
    free(s.anchors);
    free(s.own);
    free(s.entries);
    ta_set_free(&s.set);
    return line;
}
