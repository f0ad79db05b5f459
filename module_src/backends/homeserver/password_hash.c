/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/password_hash.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"

/* bcrypt looks at no more of a password. */
#define SIGNIFICANT 72
/* Each one more takes twice as long; this one takes about 4 s. The highest there is,
 * which a hostile database would have, takes a day. */
#define COST_MOST 16
#define COST_HIGHEST 31

static bool
is_bcrypt(const char *hash)
{
    return strlen(hash) == 60 && hash[0] == '$' && hash[1] == '2' &&
           strchr("aby", hash[2]) != NULL && hash[3] == '$';
}

static bool
is_too_costly(const char *hash)
{
    int cost = (hash[4] - '0') * 10 + (hash[5] - '0');

    return cost > COST_MOST && cost <= COST_HIGHEST;
}

#define NFKC (UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE)

/* In memory of our own: utf8proc_map, which does the same, leaves copies in its. */
static int
normalize(struct secret *normal, const struct secret *password, struct error *error)
{
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)password->bytes;
    utf8proc_ssize_t size = (utf8proc_ssize_t)password->length;
    utf8proc_ssize_t length = utf8proc_decompose(bytes, size, NULL, 0, NFKC);
    utf8proc_int32_t *characters;
    int result = -1;

    if (length < 0)
        return error_set(error, ERROR_INVALID, "the password is not Unicode");
    characters = memory_zeroed((size_t)length + 1, sizeof(*characters));
    if (characters == NULL)
        return error_no_memory(error);
    if (utf8proc_decompose(bytes, size, characters, length, NFKC) == length)
        length = utf8proc_reencode(characters, length, NFKC); /* where it stands */
    if (length >= 0)
        result = secret_set(normal, (const char *)characters, (size_t)length);
    memory_free(characters);
    return result == 0 ? 0 : error_no_memory(error);
}

static int
append(struct secret *seasoned, const struct secret *pepper, struct error *error)
{
    size_t length = seasoned->length + pepper->length;
    char *whole = memory_allocate(length + 1);
    int result = -1;

    if (whole != NULL) {
        memcpy(whole, seasoned->bytes, seasoned->length);
        memcpy(whole + seasoned->length, pepper->bytes, pepper->length);
        result = secret_set(seasoned, whole, length);
        memory_free(whole);
    }
    return result == 0 ? 0 : error_no_memory(error);
}

int
password_hash_season(struct secret *seasoned, const struct secret *password,
    bool is_normalized, const struct secret *pepper, struct error *error)
{
    int result = 0;

    if (is_normalized)
        result = normalize(seasoned, password, error);
    else if (secret_copy(seasoned, password) != 0)
        result = error_no_memory(error);
    if (result == 0 && pepper != NULL && secret_given(pepper))
        result = append(seasoned, pepper, error);
    return result;
}

static int
cannot_tell(enum password_answer *answer, char *why, const char *reason)
{
    *answer = PASSWORD_CANNOT_TELL;
    snprintf(why, PASSWORD_WHY_SIZE, "%s", reason);
    return 0;
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
    if (!is_bcrypt(hash))
        return cannot_tell(answer, why, "the database has a hash of an unknown kind for it");
    if (is_too_costly(hash))
        return cannot_tell(answer, why,
            "the hash that the database has for it takes too long to compare with");
    /* crypt_r would end there, and servers do not. */
    if (memchr(password->bytes, '\0', length) != NULL)
        return cannot_tell(answer, why, "it has a NUL byte in it");
    work = memory_zeroed(1, sizeof(*work));
    if (work == NULL)
        return error_no_memory(error);
    memcpy(cut, password->bytes, length);
    cut[length] = '\0';
    hashed = crypt_r(cut, hash, work);
    if (hashed != NULL && strlen(hashed) == strlen(hash) &&
        CRYPTO_memcmp(hashed, hash, strlen(hash)) == 0)
        *answer = PASSWORD_SAME;
    memory_wipe(cut, sizeof(cut));
    memory_free(work);
    return 0;
}
