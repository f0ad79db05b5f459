/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/ulid.h"

#include <string.h>

bool
ulid_read(char id[MAS_ID_SIZE], const char *text)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

    id[0] = '\0';
    if (text == NULL || strlen(text) != MAS_ID_SIZE - 1)
        return false;
    for (size_t i = 0; i < MAS_ID_SIZE - 1; i++) {
        char digit = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];

        /* 26 digits are 130 bits: the first one has room for three. */
        if (strchr(digits, digit) == NULL || (i == 0 && digit > '7')) {
            id[0] = '\0';
            return false;
        }
        id[i] = digit;
    }
    id[MAS_ID_SIZE - 1] = '\0';
    return true;
}
