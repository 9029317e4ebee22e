/* SPDX-License-Identifier: MIT */
/* inputs - see inputs.h. */
#define _POSIX_C_SOURCE 200809L
#include "inputs.h"

static int inputs_is_same(const char *path, const struct stat *file) {
    struct stat st;
    return path && stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

int cmd_inputs_have(const cmd_options *o, const char *own, const struct stat *file) {
    const char *const paths[] = {
        o->auth_file, o->netrc_file,  o->state_file,
        o->tofu_file, o->ta_blob,     o->ta_key,
        o->config,    o->resume_file, o->store == CMD_STORE_MBOX ? o->out_dir : NULL};
    for (const char *const *name = o->cert_files; *name; name++)
        if (inputs_is_same(*name, file)) return 1;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] != own && inputs_is_same(paths[i], file)) return 1;
    return 0;
}
