/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/derived_password.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

int
derived_password(struct secret *password, const struct secret *key, const char *label,
    const char *name, struct error *error)
{
    struct text message = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned char base64[4 * ((EVP_MAX_MD_SIZE + 2) / 3) + 1];
    unsigned int length = 0;
    int result = -1;

    text_append_bytes(&message, label, strlen(label) + 1); /* with its NUL */
    text_append(&message, name);
    if (message.failed) {
        error_no_memory(error);
        goto out;
    }
    if (key->length > INT_MAX ||
        HMAC(EVP_sha256(), key->bytes, (int)key->length,
            (const unsigned char *)message.bytes, message.length, digest, &length) == NULL) {
        error_set(error, ERROR_INTERNAL, "libcrypto cannot compute an HMAC-SHA256 here");
        goto out;
    }
    result = secret_set(password, (const char *)base64,
        (size_t)EVP_EncodeBlock(base64, digest, (int)length));
    if (result != 0)
        error_no_memory(error);
out:
    memory_wipe(digest, sizeof(digest));
    memory_wipe(base64, sizeof(base64));
    text_free(&message);
    return result;
}
