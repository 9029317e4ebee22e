/* SPDX-License-Identifier: MIT */
/* mechs - the mechanisms of a build, best first. A mechanism that does not show the password comes
 * before one that does. POPCL_AUTH_AUTO takes the first that can be used: after USER/PASS, which
 * always can, a mechanism is used by name only. */
#include "auth.h"

/* Each is defined in the file of its name. No other file names a mechanism, so only this file
 * changes when one is added. */
extern const popcl_mech popcl_mech_apop, popcl_mech_userpass, popcl_mech_plain;

const popcl_mech *const popcl_mechs[] = {
#if POPCL_WITH_APOP
    &popcl_mech_apop,
#endif
    &popcl_mech_userpass,
#if POPCL_WITH_PLAIN
    &popcl_mech_plain,
#endif
    NULL,
};
