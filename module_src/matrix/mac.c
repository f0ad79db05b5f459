/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/mac.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "base/text.h"

int
mac_compute(char mac[MAC_SIZE], const struct secret *shared_secret,
    const struct mac_subject *subject, struct error *error)
{
    struct text message = {0};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    int result = -1;

    text_append(&message, subject->nonce);
    text_append_bytes(&message, "", 1);
    text_append(&message, subject->username);
    text_append_bytes(&message, "", 1);
    text_append_bytes(&message, subject->password->bytes, subject->password->length);
    text_append_bytes(&message, "", 1);
    text_append(&message, subject->admin ? "admin" : "notadmin");
    if (subject->user_type != NULL) {
        text_append_bytes(&message, "", 1);
        text_append(&message, subject->user_type);
    }
    if (message.failed) {
        error_no_memory(error);
        goto out;
    }
    if (shared_secret->length > INT_MAX ||
        HMAC(EVP_sha1(), shared_secret->bytes, (int)shared_secret->length,
            (const unsigned char *)message.bytes, message.length, digest, &length) == NULL ||
        length * 2 + 1 != MAC_SIZE) {
        error_set(error, ERROR_INTERNAL, "libcrypto cannot compute an HMAC-SHA1 here");
        goto out;
    }
    text_hex(mac, digest, length);
    result = 0;
out:
    text_free(&message);
    return result;
}
