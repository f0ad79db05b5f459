/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/password_hash.h"

#include <crypt.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

/* bcrypt looks at no more of a password. */
#define SIGNIFICANT 72

static bool
is_bcrypt(const char *hash)
{
    return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' &&
           strchr("aby", hash[2]) != NULL && hash[3] == '$';
}

/* As long for each hash, whatever is in it. */
static bool
is_equal(const char *one, const char *other, size_t length)
{
    unsigned char difference = 0;

    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)(one[i] ^ other[i]);
    return difference == 0;
}

int
password_hash_compare(const char *hash, const struct secret *password,
    enum password_answer *answer, char *why, struct error *error)
{
    struct crypt_data *work;
    char cut[SIGNIFICANT + 1];
    size_t length = password->length < SIGNIFICANT ? password->length : SIGNIFICANT;
    const char *hashed;

    *answer = PASSWORD_DIFFERENT;
    if (hash == NULL || *hash == '\0')
        return 0;
    if (!is_bcrypt(hash)) {
        *answer = PASSWORD_CANNOT_TELL;
        snprintf(why, PASSWORD_WHY_SIZE, "the database has a hash of an unknown kind for it");
        return 0;
    }
    work = memory_zeroed(1, sizeof(*work));
    if (work == NULL)
        return error_no_memory(error);
    memcpy(cut, password->bytes, length);
    cut[length] = '\0';
    hashed = crypt_r(cut, hash, work);
    if (hashed != NULL && strlen(hashed) == strlen(hash) &&
        is_equal(hashed, hash, strlen(hash)))
        *answer = PASSWORD_SAME;
    memory_wipe(cut, sizeof(cut));
    memory_free(work);
    return 0;
}
