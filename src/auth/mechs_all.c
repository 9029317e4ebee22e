/* SPDX-License-Identifier: MIT */
/* mechs_all - the table of all mechanisms. No other file names it: a program that does not use it
 * links only the mechanisms that it names. */
#include "auth.h"

const popcl_mech *const popcl_mechs_all[] = {
    &popcl_mech_user,
#if POPCL_WITH_APOP
    &popcl_mech_apop,
#endif
    &popcl_mech_plain,
    &popcl_mech_login,
    &popcl_mech_cram_md5,
    &popcl_mech_scram_sha_1,
    &popcl_mech_scram_sha_256,
    &popcl_mech_scram_sha_1_plus,
    &popcl_mech_scram_sha_256_plus,
    &popcl_mech_xoauth2,
    &popcl_mech_oauthbearer,
    &popcl_mech_external,
    NULL,
};
