/* SPDX-License-Identifier: MIT */
/* mechs - which mechanisms a build has, best first: a mechanism that does not show the password
 * comes before one that does. */
#include "auth.h"

/* Each is defined in the file of its name. Nobody else names one, so that this file alone changes
 * with a further one. */
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
