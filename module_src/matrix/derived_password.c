/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/derived_password.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define DIGEST_SIZE 32 /* of SHA-256 */

/* How a digest is made of the key and what is hashed with it; false: it cannot be. */
typedef bool derivation(const struct secret *key, const struct text *message,
    unsigned char digest[DIGEST_SIZE]);

static bool
authenticate(const struct secret *key, const struct text *message,
    unsigned char digest[DIGEST_SIZE])
{
    unsigned int length = DIGEST_SIZE;

    return HMAC(EVP_sha256(), key->bytes, (int)key->length,
               (const unsigned char *)message->bytes, message->length, digest,
               &length) != NULL;
}

static bool
stretch(const struct secret *key, const struct text *message,
    unsigned char digest[DIGEST_SIZE])
{
    return message->length <= INT_MAX &&
           PKCS5_PBKDF2_HMAC(key->bytes, (int)key->length,
               (const unsigned char *)message->bytes, (int)message->length,
               DERIVED_PASSWORD_ROUNDS, EVP_sha256(), DIGEST_SIZE, digest) == 1;
}

static int
derive(struct secret *password, const struct secret *key, const char *label,
    const char *name, derivation *way, struct error *error)
{
    struct text message = {0};
    unsigned char digest[DIGEST_SIZE];
    unsigned char base64[4 * ((DIGEST_SIZE + 2) / 3) + 1];
    int result = -1;

    text_append_bytes(&message, label, strlen(label) + 1); /* with its NUL */
    text_append(&message, name);
    if (message.failed) {
        error_no_memory(error);
    } else if (key->length > INT_MAX || !way(key, &message, digest)) {
        error_set(error, ERROR_INTERNAL, "libcrypto cannot compute an HMAC-SHA256 here");
    } else {
        result = secret_set(password, (const char *)base64,
            (size_t)EVP_EncodeBlock(base64, digest, DIGEST_SIZE));
        if (result != 0)
            error_no_memory(error);
    }
    memory_wipe(digest, sizeof(digest));
    memory_wipe(base64, sizeof(base64));
    text_free(&message);
    return result;
}

int
derived_password_make(struct secret *password, const struct secret *key,
    const char *label, const char *name, struct error *error)
{
    return derive(password, key, label, name, authenticate, error);
}

int
derived_password_stretch(struct secret *password, const struct secret *key,
    const char *label, const char *name, struct error *error)
{
    return derive(password, key, label, name, stretch, error);
}
