/* SPDX-License-Identifier: MIT */
/* mechs - the mechanisms of a job whose program names none: USER/PASS, and APOP if the build has
 * it. */
#include "auth.h"

const popcl_mech *const popcl_mechs_default[] = {
    &popcl_mech_user,
#if POPCL_WITH_APOP
    &popcl_mech_apop,
#endif
    NULL,
};
