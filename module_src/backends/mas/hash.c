/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/hash.h"

#include <argon2.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backends/homeserver/password_hash.h"
#include "backends/mas/phc.h"
#include "base/memory.h"

/*
 * MAS's own are of 19 MiB and two passes, and of 600,000 iterations. More than that
 * comes from elsewhere, and without a bound from somebody who can write to the
 * database. The memory is about half of what the program may have (main.c), the
 * rest a few seconds of work.
 */
#define MEMORY_MOST_KIB (128L << 10)
#define WORK_MOST_KIB (4L << 20) /* memory times passes */
#define ITERATIONS_MOST 6000000L /* times the blocks of a hash */

/* The least that the crate password-hash takes for one (Output). */
#define HASH_LEAST 10

enum outcome {
    COMPUTED,
    MALFORMED,
    TOO_COSTLY,
    NO_MEMORY,
};

struct kind {
    const char *id;
    enum outcome (*compute)(const struct kind *kind, const struct phc *phc,
        const struct secret *password, const struct secret *pepper, unsigned char *hash);
    bool appends_pepper; /* to the password; else it goes in by itself */
    argon2_type argon2;
    const EVP_MD *(*digest)(void);
};

/* So that the memory is zeroed, and the tests can refuse it. */
static int
allocate_for_argon2(uint8_t **memory, size_t size)
{
    *memory = memory_allocate(size);
    return *memory == NULL ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

static void
free_for_argon2(uint8_t *memory, size_t size)
{
    (void)size;
    memory_free(memory);
}

/* One thread does the work of all lanes, so that no other has a secret on its stack. */
static enum outcome
compute_argon2(const struct kind *kind, const struct phc *phc,
    const struct secret *password, const struct secret *pepper, unsigned char *hash)
{
    const long *numbers = phc->numbers;
    argon2_context context = {
        .out = hash,
        .outlen = (uint32_t)phc->hash.length,
        .pwd = (uint8_t *)password->bytes,
        .pwdlen = (uint32_t)password->length,
        .salt = (uint8_t *)phc->salt.bytes,
        .saltlen = (uint32_t)phc->salt.length,
        .secret = pepper == NULL ? NULL : (uint8_t *)pepper->bytes,
        .secretlen = pepper == NULL ? 0 : (uint32_t)pepper->length,
        .ad = phc->data.length == 0 ? NULL : (uint8_t *)phc->data.bytes,
        .adlen = (uint32_t)phc->data.length,
        .t_cost = (uint32_t)numbers[PHC_PASSES],
        .m_cost = (uint32_t)numbers[PHC_MEMORY],
        .lanes = (uint32_t)numbers[PHC_LANES],
        .threads = 1,
        .version = (uint32_t)numbers[PHC_VERSION],
        .allocate_cbk = allocate_for_argon2,
        .free_cbk = free_for_argon2,
        .flags = ARGON2_DEFAULT_FLAGS,
    };

    if (numbers[PHC_VERSION] != ARGON2_VERSION_10 && numbers[PHC_VERSION] != ARGON2_VERSION_13)
        return MALFORMED;
    if (numbers[PHC_PASSES] < 1 || numbers[PHC_MEMORY] < 1 || numbers[PHC_LANES] < 1)
        return MALFORMED;
    if (numbers[PHC_MEMORY] > MEMORY_MOST_KIB ||
        numbers[PHC_PASSES] > WORK_MOST_KIB / numbers[PHC_MEMORY])
        return TOO_COSTLY;
    switch (argon2_ctx(&context, kind->argon2)) {
    case ARGON2_OK:
        return COMPUTED;
    case ARGON2_MEMORY_ALLOCATION_ERROR:
        return NO_MEMORY;
    default: /* a salt or a memory that is too small */
        return MALFORMED;
    }
}

static enum outcome
compute_pbkdf2(const struct kind *kind, const struct phc *phc,
    const struct secret *password, const struct secret *pepper, unsigned char *hash)
{
    const EVP_MD *digest = kind->digest();
    size_t length = phc->hash.length;
    long blocks = (long)(length - 1) / EVP_MD_get_size(digest) + 1;
    long iterations = phc->numbers[PHC_ITERATIONS];

    (void)pepper;
    if (iterations < 1)
        return MALFORMED;
    if (phc->numbers[PHC_LENGTH] >= 0 && phc->numbers[PHC_LENGTH] != (long)length)
        return MALFORMED;
    if (iterations > ITERATIONS_MOST / blocks)
        return TOO_COSTLY;
    if (PKCS5_PBKDF2_HMAC(password->bytes, (int)password->length, phc->salt.bytes,
            (int)phc->salt.length, (int)iterations, digest, (int)length, hash) != 1)
        return NO_MEMORY;
    return COMPUTED;
}

/* What the crates argon2 and pbkdf2 write, which MAS hashes with, but for SHA-1. */
static const struct kind kinds[] = {
    {.id = "argon2id", .compute = compute_argon2, .argon2 = Argon2_id},
    {.id = "argon2i", .compute = compute_argon2, .argon2 = Argon2_i},
    {.id = "argon2d", .compute = compute_argon2, .argon2 = Argon2_d},
    {.id = "pbkdf2-sha256", .compute = compute_pbkdf2, .appends_pepper = true,
        .digest = EVP_sha256},
    {.id = "pbkdf2-sha512", .compute = compute_pbkdf2, .appends_pepper = true,
        .digest = EVP_sha512},
};

/* NULL: it is of another kind, perhaps bcrypt's. */
static const struct kind *
find_kind(const char *hash, struct phc *phc)
{
    if (!phc_read(hash, phc) || phc->hash.length < HASH_LEAST)
        return NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(phc->id, kinds[i].id) == 0)
            return &kinds[i];
    return NULL;
}

static int
cannot_tell(enum password_answer *answer, char *why, const char *reason)
{
    *answer = PASSWORD_CANNOT_TELL;
    snprintf(why, PASSWORD_WHY_SIZE, "the hash that the database has for it %s", reason);
    return 0;
}

static int
compare(const struct kind *kind, const struct phc *phc, const struct secret *password,
    const struct secret *pepper, enum password_answer *answer, char *why,
    struct error *error)
{
    unsigned char hash[PHC_BYTES_MOST] = {0};
    enum outcome outcome = kind->compute(kind, phc, password, pepper, hash);
    bool is_same = outcome == COMPUTED &&
                   CRYPTO_memcmp(hash, phc->hash.bytes, phc->hash.length) == 0;

    memory_wipe(hash, sizeof(hash));
    switch (outcome) {
    case NO_MEMORY:
        return error_no_memory(error);
    case TOO_COSTLY:
        return cannot_tell(answer, why, "takes too long, or too much memory, to compare with");
    case MALFORMED:
        return cannot_tell(answer, why, "is malformed");
    case COMPUTED:
        break;
    }
    *answer = is_same ? PASSWORD_SAME : PASSWORD_DIFFERENT;
    return 0;
}

int
hash_compare(const char *hash, const struct secret *password,
    const struct mas_scheme *scheme, enum password_answer *answer, char *why,
    struct error *error)
{
    const struct secret *pepper = scheme != NULL && secret_given(&scheme->secret)
                                      ? &scheme->secret
                                      : NULL;
    bool is_normalized = scheme != NULL && scheme->unicode_normalization;
    struct secret seasoned = {0};
    struct phc phc;
    const struct kind *kind = hash == NULL ? NULL : find_kind(hash, &phc);
    bool appends = kind == NULL || kind->appends_pepper;
    int result = password_hash_season(&seasoned, password, is_normalized,
        appends ? pepper : NULL, error);

    /* libcrypto counts with int. */
    if (result == 0 && seasoned.length > INT_MAX)
        result = error_set(error, ERROR_INVALID, "the password is too long");
    if (result == 0 && kind == NULL)
        result = password_hash_compare(hash, &seasoned, answer, why, error);
    else if (result == 0)
        result = compare(kind, &phc, &seasoned, pepper, answer, why, error);
    secret_free(&seasoned);
    memory_wipe(&phc, sizeof(phc));
    memory_wipe_stack();
    return result;
}
