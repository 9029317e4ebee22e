/* SPDX-License-Identifier: MIT */
/* mechs - which mechanisms a build has, best first: a mechanism that does not show the password
 * comes before one that does. */
#include "auth.h"

const popcl_mech *const popcl_mechs[] = {
#if POPCL_WITH_APOP
    &popcl_mech_apop,
#endif
    &popcl_mech_userpass,
    NULL,
};
