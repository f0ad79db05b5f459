/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All secrets are looked for in the text as it came, and what they cover is
 * marked; only then is it replaced. So neither the order of the secrets nor
 * what stands in their place can hide one.
 */
#include "base/redact.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static const char withheld[] = "(withheld: it repeats a secret)";

static int
hex_digit(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

/* The number that `digits` hexadecimal digits make, or -1. */
static long
hex_number(const char *text, size_t length, size_t digits)
{
    long number = 0;

    if (length < digits)
        return -1;
    for (size_t i = 0; i < digits; i++) {
        if (hex_digit(text[i]) < 0)
            return -1;
        number = number * 16 + hex_digit(text[i]);
    }
    return number;
}

/* Decodes the \uXXXX at text, a surrogate pair included. Returns its length in
 * the text, 0 when there is none; utf8 gets up to four bytes. */
static size_t
decode_unicode_escape(const char *text, size_t length, char utf8[4], size_t *utf8_length)
{
    long high = length > 2 ? hex_number(text + 2, length - 2, 4) : -1;
    long low = -1;
    unsigned long point;
    size_t used = 6;

    if (high < 0)
        return 0;
    if (high >= 0xd800 && high < 0xdc00 && length > 8 && text[6] == '\\' && text[7] == 'u')
        low = hex_number(text + 8, length - 8, 4);
    point = (unsigned long)high;
    if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((unsigned long)(high - 0xd800) << 10) + (unsigned long)(low - 0xdc00);
        used = 12;
    }
    *utf8_length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (*utf8_length == 1) {
        utf8[0] = (char)point;
        return used;
    }
    for (size_t i = *utf8_length - 1; i > 0; i--, point >>= 6)
        utf8[i] = (char)(0x80 | (point & 0x3f));
    utf8[0] = (char)((0xf00 >> *utf8_length & 0xff) | point);
    return used;
}

/*
 * Decodes one encoded character at text: %XX, a form's '+', or a JSON escape.
 * Returns its length in the text, 0 when there is none.
 */
static size_t
decode(const char *text, size_t length, char bytes[4], size_t *count)
{
    static const char escapes[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    const char *escape;
    long number;

    *count = 1;
    if (text[0] == '+') {
        bytes[0] = ' ';
        return 1;
    }
    if (text[0] == '%' && (number = hex_number(text + 1, length - 1, 2)) >= 0) {
        bytes[0] = (char)number;
        return 3;
    }
    if (text[0] != '\\' || length < 2)
        return 0;
    if (text[1] == 'u')
        return decode_unicode_escape(text, length, bytes, count);
    escape = memchr(escapes, text[1], strlen(escapes));
    if (escape == NULL)
        return 0;
    bytes[0] = meant[escape - escapes];
    return 2;
}

/*
 * How much of the text the secret covers, byte by byte as it is or encoded;
 * 0 when it does not begin here.
 */
static size_t
covered(const char *text, size_t length, const struct secret *secret)
{
    size_t at = 0;

    for (size_t i = 0; i < secret->length;) {
        char bytes[4];
        size_t count;
        size_t used = at < length ? decode(text + at, length - at, bytes, &count) : 0;

        if (used > 0 && count <= secret->length - i &&
            memcmp(bytes, secret->bytes + i, count) == 0) {
            i += count;
            at += used;
        } else if (at < length && text[at] == secret->bytes[i]) {
            i++;
            at++;
        } else {
            return 0;
        }
    }
    return at;
}

/* As it is: decoding would lead astray in a secret that has "%41" in it. */
static bool
begins_with(const char *text, size_t length, const char *what, size_t what_length)
{
    return what_length <= length && memcmp(text, what, what_length) == 0;
}

/* Marks every place the secret has in the text; true when there is one. */
static bool
mark(char *marks, const char *text, size_t length, const struct secret *secret)
{
    bool found = false;

    for (size_t i = 0; i < length; i++) {
        bool is_plain = begins_with(text + i, length - i, secret->bytes, secret->length);
        size_t plain = is_plain ? secret->length : 0;
        size_t encoded = covered(text + i, length - i, secret);
        size_t most = plain > encoded ? plain : encoded;

        memset(marks + i, 1, most);
        found |= most > 0;
    }
    return found;
}

static void
mark_string(char *marks, const char *text, const char *what, size_t length)
{
    size_t text_length = strlen(text);

    for (size_t i = 0; i < text_length; i++)
        if (begins_with(text + i, text_length - i, what, length))
            memset(marks + i, 1, length);
}

/*
 * Base64 shifts with the number of bytes in front, modulo three. The
 * characters that the neighbours' bits reach into are left out of the search.
 * -1: no memory.
 */
static int
mark_base64(char *marks, const char *text, const struct secret *secret, size_t shift)
{
    static const size_t foreign_characters[] = {0, 2, 3};
    size_t size = shift + secret->length;
    size_t skip = foreign_characters[shift];
    size_t whole = size * 8 / 6;
    unsigned char *plain;
    char *encoded;
    int result = -1;

    if (size > INT_MAX / 2 || whole <= skip)
        return 0;
    plain = memory_zeroed(1, size);
    encoded = memory_allocate(size / 3 * 4 + 8);
    if (plain == NULL || encoded == NULL)
        goto out;
    memcpy(plain + shift, secret->bytes, secret->length);
    EVP_EncodeBlock((unsigned char *)encoded, plain, (int)size);
    mark_string(marks, text, encoded + skip, whole - skip);
    for (size_t i = 0; i < whole; i++) /* the alphabet for URLs */
        encoded[i] = (char)(encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : encoded[i]);
    mark_string(marks, text, encoded + skip, whole - skip);
    result = 0;
out:
    memory_free(encoded);
    memory_free(plain);
    return result;
}

/* A copy of text with each marked stretch replaced; NULL: no memory. */
static char *
replace_marked(const char *text, const char *marks, size_t length)
{
    struct text result = {0};

    text_append(&result, "");
    for (size_t i = 0; i < length;) {
        size_t end = i;

        while (end < length && marks[end] == marks[i])
            end++;
        if (marks[i] != 0)
            text_append(&result, REDACTED);
        else
            text_append_bytes(&result, text + i, end - i);
        i = end;
    }
    if (result.failed)
        text_free(&result);
    return result.bytes;
}

char *
redact_text(const char *source, const struct redaction *redaction,
    enum redact_short short_secrets)
{
    size_t length = strlen(source);
    char *marks = memory_zeroed(length + 1, 1);
    char *short_marks = memory_zeroed(length + 1, 1);
    char *text = NULL;

    if (marks == NULL || short_marks == NULL)
        goto out;
    for (size_t i = 0; i < redaction->count; i++) {
        const struct secret *secret = redaction->secrets[i];

        if (secret == NULL || !secret_given(secret) || secret->length == 0)
            continue;
        if (secret->length < REDACT_SHORT) {
            if (short_secrets == REDACT_WITHHOLD_SHORT &&
                mark(short_marks, source, length, secret)) {
                text = memory_copy_string(withheld);
                goto out;
            }
            continue;
        }
        mark(marks, source, length, secret);
        for (size_t shift = 0; shift < 3; shift++)
            if (mark_base64(marks, source, secret, shift) != 0)
                goto out;
    }
    text = replace_marked(source, marks, length);
out:
    memory_free(short_marks);
    memory_free(marks);
    return text;
}
