/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strings that grow, and the few things done to text everywhere: stripping as
 * Python strips, percent-encoding, making foreign text fit to be shown.
 */
#ifndef REGISTRAR_BASE_TEXT_H
#define REGISTRAR_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * A growing string. Starts as all zeroes. A failed allocation is remembered
 * in `failed` and later appends do nothing, so that a caller checks once.
 */
struct text {
    char *bytes; /* NUL-terminated, or NULL while nothing was appended */
    size_t length;
    size_t capacity;
    bool failed;
};

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t length);
void text_append_format(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* Appends bytes percent-encoded as one path segment (RFC 3986: all but
 * unreserved characters are encoded). */
void text_append_percent(struct text *text, const char *bytes, size_t length);

/* Writes bytes in lower-case hexadecimal, 2 * length characters and a NUL. */
void text_hex(char *hex, const unsigned char *bytes, size_t length);

/* Zeroes and frees; the text is empty and usable afterwards. */
void text_free(struct text *text);

/*
 * What is left of bytes after Python's str.strip(), which is how Synapse
 * strips a secret file and a display name: Unicode white space goes, at both
 * ends. Returns the start inside bytes and writes the length.
 */
const char *text_strip(const char *bytes, size_t length, size_t *stripped_length);

/*
 * Length in bytes of the UTF-8 character at the start of bytes, 1 to 4, and
 * its code point; 0 when there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing cut off).
 */
size_t text_character(const char *bytes, size_t length, unsigned *code_point);

bool text_is_unicode(const char *bytes, size_t length);

/* Makes a string valid UTF-8 in place: other bytes become '?', a character
 * that was cut off at the end goes. */
void text_make_unicode(char *string);

/* How many Unicode code points valid UTF-8 has. */
size_t text_code_points(const char *bytes, size_t length);

/*
 * Copies foreign text into a buffer of `size` bytes for showing: what a
 * terminal would obey (control characters, other line ends, changes of
 * direction) becomes a space, what is not UTF-8 a question mark, and the copy
 * is cut at a character's boundary with "..." when it does not fit.
 */
void text_show(char *buffer, size_t size, const char *source);

#endif
