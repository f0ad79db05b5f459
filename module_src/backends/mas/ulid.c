/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/ulid.h"

#include <stddef.h>
#include <string.h>

#define LETTERS (MAS_ID_SIZE - 1)

/* Crockford's base 32: no I, L, O and U. */
static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
static const char base16[] = "0123456789abcdef";

/* Where the dashes of a uuid stand. */
static bool
is_dash(size_t at)
{
    return at == 8 || at == 13 || at == 18 || at == 23;
}

/* -1: it is no digit of the base. */
static int
digit_of(const char *base, char letter)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    const char *from = base == base32 ? small : capitals;
    const char *to = base == base32 ? capitals : small;
    const char *other = letter == '\0' ? NULL : strchr(from, letter);
    const char *place;

    if (letter == '\0')
        return -1;
    place = strchr(base, other != NULL ? to[other - from] : letter);
    return place == NULL ? -1 : (int)(place - base);
}

bool
ulid_from_uuid(const char *uuid, char ulid[MAS_ID_SIZE])
{
    /* 130 bits are written, of which the first two are none. */
    unsigned bits = 0, count = 2;
    size_t letters = 0;

    if (strnlen(uuid, ULID_UUID_SIZE) != ULID_UUID_SIZE - 1)
        return false;
    for (size_t i = 0; i < ULID_UUID_SIZE - 1; i++) {
        int digit = digit_of(base16, uuid[i]);

        if (is_dash(i) && uuid[i] == '-')
            continue;
        if (digit < 0 || is_dash(i))
            return false;
        bits = bits << 4 | (unsigned)digit;
        count += 4;
        if (count < 5)
            continue;
        count -= 5;
        ulid[letters++] = base32[bits >> count];
        bits &= (1u << count) - 1;
    }
    ulid[letters] = '\0';
    return true;
}

bool
ulid_to_uuid(const char *ulid, char uuid[ULID_UUID_SIZE])
{
    unsigned bits = 0, count = 0;
    size_t at = 0;

    if (strnlen(ulid, MAS_ID_SIZE) != LETTERS || digit_of(base32, ulid[0]) > 7)
        return false;
    for (size_t i = 0; i < LETTERS; i++) {
        int digit = digit_of(base32, ulid[i]);

        if (digit < 0)
            return false;
        bits = bits << 5 | (unsigned)digit;
        count += i == 0 ? 3 : 5;
        while (count >= 4) {
            count -= 4;
            if (is_dash(at))
                uuid[at++] = '-';
            uuid[at++] = base16[bits >> count];
            bits &= (1u << count) - 1;
        }
    }
    uuid[at] = '\0';
    return true;
}

bool
ulid_read(char id[MAS_ID_SIZE], const char *text)
{
    id[0] = '\0';
    /* 26 digits are 130 bits: the first one has room for three. */
    if (text == NULL || strnlen(text, MAS_ID_SIZE) != LETTERS || digit_of(base32, text[0]) > 7)
        return false;
    for (size_t i = 0; i < LETTERS; i++) {
        int digit = digit_of(base32, text[i]);

        if (digit < 0) {
            id[0] = '\0';
            return false;
        }
        id[i] = base32[digit];
    }
    id[LETTERS] = '\0';
    return true;
}
