/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ulid.h"

#include <string.h>

#define LENGTH 26

bool
ulid_is_one(const char *text)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz";

    /* The first of them has three bits: 26 times five are two too many. */
    return strlen(text) == LENGTH && strspn(text, digits) == LENGTH && text[0] <= '7';
}
