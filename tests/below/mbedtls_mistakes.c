/* SPDX-License-Identifier: MIT */
/* mbedtls_mistakes - examples/mbedtls.c with another way to verify the server than the one that it
 * has to have: the number in the environment's VERIFY. The transport must not vouch for it. */
#include <mbedtls/ssl.h>
#include <stdlib.h>

static int mistake(void) {
    const char *number = getenv("VERIFY");
    return number ? atoi(number) : MBEDTLS_SSL_VERIFY_UNSET;
}

#undef MBEDTLS_SSL_VERIFY_REQUIRED
#define MBEDTLS_SSL_VERIFY_REQUIRED mistake()
#include "../../examples/mbedtls.c"
