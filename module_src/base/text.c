/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static bool
reserve(struct text *text, size_t more)
{
    size_t wanted;
    char *grown;

    if (text->failed)
        return false;
    if (more > SIZE_MAX / 4 || text->length > SIZE_MAX / 4) {
        text->failed = true;
        return false;
    }
    wanted = text->length + more + 1;
    if (wanted <= text->capacity)
        return true;
    wanted = wanted < 64 ? 64 : wanted * 2;
    grown = memory_resize(text->bytes, wanted);
    if (grown == NULL) {
        text->failed = true;
        return false;
    }
    text->bytes = grown;
    text->capacity = wanted;
    return true;
}

void
text_append_bytes(struct text *text, const char *bytes, size_t length)
{
    if (!reserve(text, length))
        return;
    if (length > 0)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void
text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void
text_append_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        text->failed = true;
        return;
    }
    if (!reserve(text, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    text->length += (size_t)length;
}

static bool
is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' ||
           byte == '~';
}

void
text_append_percent(struct text *text, const char *bytes, size_t length)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        const char encoded[] = {'%', hex[byte >> 4], hex[byte & 15]};

        if (is_unreserved(byte))
            text_append_bytes(text, bytes + i, 1);
        else
            text_append_bytes(text, encoded, sizeof(encoded));
    }
}

void
text_free(struct text *text)
{
    memory_free(text->bytes);
    memset(text, 0, sizeof(*text));
}

/* What Python's str.isspace() accepts, as UTF-8. */
static const char *const white_space[] = {"\t", "\n", "\v", "\f", "\r", "\x1c", "\x1d",
    "\x1e", "\x1f", " ", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
    "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
    "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

/* Length of the white space at the start (or, from_end, the end); 0: none. */
static size_t
white_space_at(const char *bytes, size_t length, bool from_end)
{
    for (size_t i = 0; i < sizeof(white_space) / sizeof(white_space[0]); i++) {
        size_t size = strlen(white_space[i]);

        if (size <= length &&
            memcmp(from_end ? bytes + length - size : bytes, white_space[i], size) == 0)
            return size;
    }
    return 0;
}

const char *
text_strip(const char *bytes, size_t length, size_t *stripped_length)
{
    size_t space;

    while ((space = white_space_at(bytes, length, false)) > 0) {
        bytes += space;
        length -= space;
    }
    while ((space = white_space_at(bytes, length, true)) > 0)
        length -= space;
    *stripped_length = length;
    return bytes;
}

static bool
is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t
text_code_points(const char *bytes, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += !is_continuation(bytes[i]);
    return count;
}

void
text_show(char *buffer, size_t size, const char *source)
{
    static const char cut[] = "...";
    size_t length = strlen(source);
    bool too_long = length >= size;

    if (too_long) {
        length = size - sizeof(cut);
        while (length > 0 && is_continuation(source[length]))
            length--;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)source[i];

        buffer[i] = byte < 0x20 || byte == 0x7f ? ' ' : source[i];
    }
    memcpy(buffer + length, too_long ? cut : "", too_long ? sizeof(cut) : 1);
}
