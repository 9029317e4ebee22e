/* SPDX-License-Identifier: MIT */
/* field - the name of the setting that start refused. A program that does not ask for the name does
 * not link this file. */
#include <string.h>

#include "owner.h"

static const char fields[] = "\0config\0iobuf\0events\0security\0connect_ms\0idle_ms\0pause_"
                             "ms\0total_ms\0tls\0host\0user\0secret\0token\0mechs\0sink\0"
                             "plan\0auth\0uids\0lang\0";

const char *popcl_bad_field(const popcl *c) {
    const char *name = fields;
    for (unsigned n = c->field; n; n--)
        name += strlen(name) + 1;
    return name;
}
