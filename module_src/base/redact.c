/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/redact.h"

#include <jansson.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char withheld[] = "(withheld: it repeats a secret)";

/* Replaces every `what` in *text, which is reallocated. -1: no memory. */
static int
replace(char **text, const char *what, size_t length)
{
    struct text result = {0};
    const char *rest = *text;
    const char *found;

    if (length == 0 || strstr(rest, what) == NULL)
        return 0;
    while ((found = strstr(rest, what)) != NULL) {
        text_append_bytes(&result, rest, (size_t)(found - rest));
        text_append(&result, REDACTED);
        rest = found + length;
    }
    text_append(&result, rest);
    if (result.failed) {
        text_free(&result);
        return -1;
    }
    memory_free(*text);
    *text = result.bytes;
    return 0;
}

static int
replace_percent(char **text, const struct secret *secret)
{
    struct text encoded = {0};
    int result = -1;

    text_append_percent(&encoded, secret->bytes, secret->length);
    if (encoded.failed || replace(text, encoded.bytes, encoded.length) != 0)
        goto out;
    for (size_t i = 0; i < encoded.length; i++)
        if (encoded.bytes[i] == '%')
            for (size_t j = i + 1; j <= i + 2; j++)
                if (encoded.bytes[j] >= 'A' && encoded.bytes[j] <= 'F')
                    encoded.bytes[j] = (char)(encoded.bytes[j] - 'A' + 'a');
    result = replace(text, encoded.bytes, encoded.length);
out:
    text_free(&encoded);
    return result;
}

static int
replace_json(char **text, const struct secret *secret, size_t flags)
{
    json_t *string = json_stringn(secret->bytes, secret->length);
    char *encoded = NULL;
    size_t length;
    int result = -1;

    if (string == NULL)
        goto out;
    encoded = json_dumps(string, JSON_ENCODE_ANY | flags);
    if (encoded == NULL)
        goto out;
    length = strlen(encoded);
    encoded[length - 1] = '\0'; /* the quotes around it are not the secret's */
    result = replace(text, encoded + 1, length - 2);
out:
    memory_free(encoded);
    json_decref(string);
    return result;
}

/*
 * Base64 shifts with the number of bytes in front, modulo three. The
 * characters that the neighbours' bits reach into are left out of the search.
 */
static int
replace_base64(char **text, const struct secret *secret, size_t shift)
{
    static const size_t foreign_characters[] = {0, 2, 3};
    size_t size = shift + secret->length;
    size_t whole = size * 8 / 6;
    unsigned char *plain = NULL;
    char *encoded = NULL;
    int result = -1;

    if (size > INT_MAX / 2 || whole <= foreign_characters[shift])
        return 0;
    plain = memory_zeroed(1, size);
    encoded = memory_allocate(size / 3 * 4 + 8);
    if (plain == NULL || encoded == NULL)
        goto out;
    memcpy(plain + shift, secret->bytes, secret->length);
    EVP_EncodeBlock((unsigned char *)encoded, plain, (int)size);
    encoded[whole] = '\0';
    result = replace(text, encoded + foreign_characters[shift],
        whole - foreign_characters[shift]);
    if (result != 0)
        goto out;
    for (size_t i = 0; i < whole; i++)
        encoded[i] = (char)(encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i]);
    result = replace(text, encoded + foreign_characters[shift],
        whole - foreign_characters[shift]);
out:
    memory_free(encoded);
    memory_free(plain);
    return result;
}

static int
replace_everywhere(char **text, const struct secret *secret)
{
    if (replace(text, secret->bytes, secret->length) != 0 ||
        replace_percent(text, secret) != 0 || replace_json(text, secret, 0) != 0 ||
        replace_json(text, secret, JSON_ENSURE_ASCII) != 0 ||
        replace_json(text, secret, JSON_ESCAPE_SLASH) != 0)
        return -1;
    for (size_t shift = 0; shift < 3; shift++)
        if (replace_base64(text, secret, shift) != 0)
            return -1;
    return 0;
}

char *
redact_text(const char *source, const struct redaction *redaction,
    enum redact_short short_secrets)
{
    char *text = memory_copy_string(source);

    for (size_t i = 0; text != NULL && i < redaction->count; i++) {
        const struct secret *secret = redaction->secrets[i];
        int result = 0;

        if (secret == NULL || !secret_given(secret) || secret->length == 0)
            continue;
        if (secret->length >= REDACT_SHORT) {
            result = replace_everywhere(&text, secret);
        } else if (short_secrets == REDACT_WITHHOLD_SHORT &&
                   strstr(text, secret->bytes) != NULL) {
            memory_free(text);
            text = memory_copy_string(withheld);
        }
        if (result != 0) {
            memory_free(text);
            text = NULL;
        }
    }
    return text;
}
