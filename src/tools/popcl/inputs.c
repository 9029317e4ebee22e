/* SPDX-License-Identifier: MIT */
/* inputs - see inputs.h. */
#define _POSIX_C_SOURCE 200809L
#include "inputs.h"

static int inputs_is_same(const char *path, const struct stat *file) {
    struct stat st;
    return path && stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

int cmd_inputs_have(const cmd_options *o, const struct stat *file) {
    for (const char *const *name = o->cert_files; *name; name++)
        if (inputs_is_same(*name, file)) return 1;
    return inputs_is_same(o->auth_file, file) || inputs_is_same(o->netrc_file, file) ||
           inputs_is_same(o->state_file, file) || inputs_is_same(o->tofu_file, file) ||
           inputs_is_same(o->ta_blob, file) || inputs_is_same(o->ta_key, file) ||
           inputs_is_same(o->config, file);
}
