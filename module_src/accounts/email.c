/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/email.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/memory.h"
#include "base/text.h"

/* The longest folding of one character has three (CaseFolding.txt). */
#define FOLDED_MOST 8

static void
append_character(struct text *text, utf8proc_int32_t character)
{
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(character, bytes);

    text_append_bytes(text, (const char *)bytes, (size_t)length);
}

/* As Python's str.casefold: the full folding, and no normal form. */
static void
append_folded(struct text *text, unsigned character)
{
    utf8proc_int32_t folded[FOLDED_MOST];
    int boundary = 0;
    utf8proc_ssize_t count = utf8proc_decompose_char((utf8proc_int32_t)character, folded,
        FOLDED_MOST, UTF8PROC_CASEFOLD, &boundary);

    for (utf8proc_ssize_t i = 0; i < count && i < FOLDED_MOST; i++)
        append_character(text, folded[i]);
}

/* As Python's str.lower, which for most capitals outside ASCII depends on the
 * version of Unicode, and for some on what stands beside them. */
static int
append_lower(struct text *text, unsigned character, const char **reason)
{
    utf8proc_int32_t lower = utf8proc_tolower((utf8proc_int32_t)character);

    *reason = "its domain has capitals outside ASCII; write it in lower case";
    if (character > 0x7f && lower != (utf8proc_int32_t)character)
        return -1;
    append_character(text, lower);
    return 0;
}

static bool
is_control(unsigned character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static int
append_canonical(struct text *text, const char *address, size_t length,
    const char **reason)
{
    const char *at = memchr(address, '@', length);
    unsigned character;
    size_t size;

    for (size_t i = 0; i < length; i += size) {
        size = text_character(address + i, length - i, &character);
        *reason = "it has a control character in it, or is not Unicode";
        if (size == 0 || is_control(character))
            return -1;
        if (address + i < at)
            append_folded(text, character);
        else if (append_lower(text, character, reason) != 0)
            return -1;
    }
    return 0;
}

static int
check_parts(const char *address, size_t length, const char **reason)
{
    const char *at = memchr(address, '@', length);

    *reason = "it has no @";
    if (at == NULL)
        return -1;
    *reason = "it has more than one @";
    if (memchr(at + 1, '@', length - (size_t)(at + 1 - address)) != NULL)
        return -1;
    *reason = "nothing stands before its @";
    if (at == address)
        return -1;
    *reason = "nothing stands behind its @";
    return at + 1 == address + length ? -1 : 0;
}

int
email_canonical(const char *written, char **canonical, const char **reason)
{
    struct text text = {0};
    size_t length;
    const char *address = text_strip(written, strlen(written), &length);
    int result = -1;

    *canonical = NULL;
    if (check_parts(address, length, reason) != 0 ||
        append_canonical(&text, address, length, reason) != 0)
        goto out;
    result = -2;
    if (text.failed)
        goto out;
    *reason = "it is longer than the 500 characters that servers take";
    result = -1;
    if (text_code_points(text.bytes, text.length) > EMAIL_LONGEST)
        goto out;
    *canonical = text.bytes;
    return 0;
out:
    text_free(&text);
    return result;
}
