/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include <limits.h>
#include <openssl/rand.h>

int
random_bytes(unsigned char *bytes, size_t length, struct error *error)
{
    if (length <= INT_MAX && RAND_bytes(bytes, (int)length) == 1)
        return 0;
    return error_set(error, ERROR_INTERNAL, "libcrypto has no random bytes");
}
