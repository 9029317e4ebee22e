/* SPDX-License-Identifier: MIT */
/* tofu - see tofu.h. The file is one line: `popcl-tofu-1 HOST sha256:HEX`. */
#define _POSIX_C_SOURCE 200809L
#include "tofu.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "pin.h"
#include "system.h"

#define HEAD      "popcl-tofu-1 "
#define TOFU_LINE (sizeof HEAD + CMD_HOST_MAX + TOOL_PIN_TEXT + 2)

static int tofu_refuse(const cmd_options *o, cmd_report *r, int code, const char *why,
                       const char *cause, const char *advice) {
    char what[1200];
    (void)snprintf(what, sizeof what, "the file of --tofu, %s, %s", o->tofu_file, why);
    cmd_report_error(r, what, cause, advice);
    return code;
}

/* Reads "HOST sha256:HEX\n". Returns the host's length, or 0: the text is another one. */
static size_t tofu_read_line(const char *text, size_t n, unsigned char pin[POPCL_PIN_LEN]) {
    const char *blank = memchr(text, ' ', n);
    if (!n || text[n - 1] != '\n' || !blank) return 0;
    const char *hash = blank + 1;
    size_t hash_len = (size_t)(text + n - 1 - hash);
    return tool_pin_read(hash, hash_len, pin) ? 0 : (size_t)(blank - text);
}

static int tofu_read(cmd_tofu *t, const cmd_options *o, cmd_report *r, int fd) {
    char text[TOFU_LINE + 1];
    struct stat st;
    static const char again[] =
        "look at it; if you removed it, popcl --info with --tofu would store the server's key anew";
    ssize_t n = tool_stat(fd, &st) ? -1 : tool_read_all(fd, text, sizeof text);
    if (n < 0)
        return tofu_refuse(o, r, CMD_EXIT_CERT, "cannot be read", cmd_error_text(errno), again);
    if (!S_ISREG(st.st_mode) || !tool_is_mine_alone(&st))
        return tofu_refuse(o, r, CMD_EXIT_CERT, "is not believed",
                           "it is no ordinary file, it belongs to another user, or its mode lets "
                           "others write it",
                           "use a file of your own, mode 600, and look whether it was changed");
    size_t head = sizeof HEAD - 1, host = 0;
    if ((size_t)n > head && (size_t)n < sizeof text && memcmp(text, HEAD, head) == 0)
        host = tofu_read_line(text + head, (size_t)n - head, t->pin[0]);
    if (!host)
        return tofu_refuse(o, r, CMD_EXIT_CERT, n ? "is damaged" : "is empty",
                           "it was cut, or changed by an editor, or it is another file", again);
    if (host != strlen(o->host) || memcmp(text + head, o->host, host) != 0)
        return tofu_refuse(
            o, r, CMD_EXIT_CERT, "has the key of another server",
            "it was made for another host name",
            "give the server by the name that it was made for, or a file of its own");
    return 0;
}

int cmd_tofu_open(cmd_tofu *t, const cmd_options *o, cmd_report *r) {
    const char *name = NULL;
    int is_info = o->action == CMD_INFO;
    int fd = tool_open(AT_FDCWD, o->tofu_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd >= 0) {
        int code = tofu_read(t, o, r, fd);
        (void)close(fd);
        return code;
    }
    if (errno != ENOENT)
        return tofu_refuse(o, r, CMD_EXIT_CERT, "cannot be opened",
                           errno == ELOOP ? "it is a link" : cmd_error_text(errno),
                           "give a file of your own");
    if (!is_info)
        return tofu_refuse(o, r, CMD_EXIT_CERT, "does not exist",
                           "the server's key was not stored yet, or the file was removed",
                           "run popcl --info SERVER --tofu FILE once, and compare the fingerprint "
                           "with the one that the server's owner knows");
    int dir = tool_open_parent(o->tofu_file, &name);
    int failed = dir < 0 || tool_try_directory(dir), error = errno;
    if (dir >= 0) (void)close(dir);
    t->is_new = 1;
    return failed ? tofu_refuse(o, r, CMD_EXIT_CREATE, "cannot be created", cmd_error_text(error),
                                "give a file in a directory that exists and that you may write")
                  : 0;
}

int cmd_tofu_store(const cmd_tofu *t, const cmd_options *o, cmd_report *r) {
    char text[TOFU_LINE], pin[TOOL_PIN_TEXT];
    const char *name = NULL;
    int n = snprintf(text, sizeof text, HEAD "%s %s\n", o->host, tool_pin_text(t->pin[0], pin));
    int dir = tool_open_parent(o->tofu_file, &name);
    int failed = dir < 0 || tool_replace(dir, name, text, (size_t)n), error = errno;
    if (dir >= 0) (void)close(dir);
    return failed ? tofu_refuse(o, r, CMD_EXIT_CREATE, "cannot be written", cmd_error_text(error),
                                "check its directory and its disk; no key is stored")
                  : 0;
}
