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
text_hex(char *hex, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < length; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
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

size_t
text_character(const char *bytes, size_t length, unsigned *code_point)
{
    /* By the number of bytes: the marks of the first, and the least value. */
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = length > 0 ? (unsigned char)bytes[0] : 0x80;
    size_t size = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (size == 0 || size > length || first > 0xf4)
        return 0;
    *code_point = first ^ marks[size];
    for (size_t i = 1; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];

        if ((byte & 0xc0) != 0x80)
            return 0;
        *code_point = *code_point << 6 | (byte & 0x3f);
    }
    if (*code_point < least[size] || *code_point > 0x10ffff ||
        (*code_point >= 0xd800 && *code_point <= 0xdfff))
        return 0;
    return size;
}

bool
text_is_unicode(const char *bytes, size_t length)
{
    unsigned code_point;
    size_t size;

    for (; length > 0; bytes += size, length -= size)
        if ((size = text_character(bytes, length, &code_point)) == 0)
            return false;
    return true;
}

/* How many bytes a first byte promises, when the string ends before them. */
static bool
is_cut_off(const char *bytes, size_t length)
{
    unsigned char first = (unsigned char)bytes[0];
    size_t promised = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (length >= promised)
        return false;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)bytes[i] & 0xc0) != 0x80)
            return false;
    return true;
}

void
text_make_unicode(char *string)
{
    size_t length = strlen(string);
    unsigned code_point;
    size_t size;

    for (size_t i = 0; i < length; i += size) {
        size = text_character(string + i, length - i, &code_point);
        if (size > 0)
            continue;
        size = 1;
        if (is_cut_off(string + i, length - i)) {
            string[i] = '\0';
            return;
        }
        string[i] = '?';
    }
}

size_t
text_code_points(const char *bytes, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)bytes[i] & 0xc0) != 0x80;
    return count;
}

static bool
obeyed_by_terminals(unsigned code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           code_point == 0x061c || code_point == 0x200e || code_point == 0x200f ||
           (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

void
text_show(char *buffer, size_t size, const char *source)
{
    static const char cut[] = "...";
    size_t left = strlen(source);
    size_t length = 0;
    size_t room_for_cut = 0; /* where "..." would go */

    while (left > 0) {
        unsigned code_point = 0;
        size_t step = text_character(source, left, &code_point);
        bool shown = step > 0 && !obeyed_by_terminals(code_point);
        size_t width = shown ? step : 1;

        if (length + sizeof(cut) <= size)
            room_for_cut = length;
        if (length + width >= size) {
            memcpy(buffer + room_for_cut, cut, sizeof(cut));
            return;
        }
        if (shown)
            memcpy(buffer + length, source, step);
        else
            buffer[length] = step == 0 ? '?' : ' ';
        length += width;
        source += step == 0 ? 1 : step;
        left -= step == 0 ? 1 : step;
    }
    buffer[length] = '\0';
}
