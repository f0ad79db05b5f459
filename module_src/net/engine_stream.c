/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/engine_stream.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* 1 and 2 are the command's own; 0 is its input, which nobody sends; 3 is how newer
 * Dockers tell a failure of their own (moby, api/pkg/stdcopy). */
#define STREAM_LAST 3

/* How much longer a byte becomes by the longest encoding: \u00XX. */
#define ENCODED_LONGEST 6

static bool
read_head(struct engine_stream *stream)
{
    const unsigned char *head = stream->head;

    stream->is_wrong = head[0] > STREAM_LAST || head[1] != 0 || head[2] != 0 || head[3] != 0;
    stream->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 | (uint32_t)head[6] << 8 |
                   (uint32_t)head[7];
    stream->head_length = 0;
    return !stream->is_wrong;
}

static void
keep(struct engine_stream *stream, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        stream->kept[stream->length % ENGINE_STREAM_KEPT] = bytes[i];
        stream->length++;
    }
}

bool
engine_stream_take(struct engine_stream *stream, const char *bytes, size_t length)
{
    while (length > 0 && !stream->is_wrong) {
        size_t taken = 1;

        if (stream->left > 0) {
            taken = length < stream->left ? length : stream->left;
            keep(stream, bytes, taken);
            stream->left -= (uint32_t)taken;
        } else {
            stream->head[stream->head_length++] = (unsigned char)bytes[0];
            if (stream->head_length == ENGINE_STREAM_HEAD && !read_head(stream))
                return false;
        }
        bytes += taken;
        length -= taken;
    }
    return !stream->is_wrong;
}

bool
engine_stream_is_whole(const struct engine_stream *stream)
{
    return !stream->is_wrong && stream->left == 0 && stream->head_length == 0;
}

/* What is kept, in its order, and with a space for each NUL: for memory_free. */
static char *
straighten(const struct engine_stream *stream)
{
    size_t length = stream->length < ENGINE_STREAM_KEPT ? stream->length : ENGINE_STREAM_KEPT;
    char *text = memory_allocate(length + 1);

    if (text == NULL)
        return NULL;
    for (size_t i = 0; i < length; i++) {
        char byte = stream->kept[(stream->length - length + i) % ENGINE_STREAM_KEPT];

        text[i] = byte == '\0' ? ' ' : byte;
    }
    text[length] = '\0';
    return text;
}

static size_t
longest_secret(const struct redaction *secrets)
{
    size_t longest = 0;

    for (size_t i = 0; i < secrets->count; i++)
        if (secrets->secrets[i] != NULL && secrets->secrets[i]->length > longest)
            longest = secrets->secrets[i]->length;
    return longest;
}

/*
 * Where more was said than is kept, a secret may have been cut in two at the start of
 * what is. Then only an end that has no secret in it, and is far from that start, is
 * shown.
 */
static bool
may_hold_a_part(const struct engine_stream *stream, const struct redaction *secrets,
    const char *text, const char *redacted, size_t shown)
{
    if (stream->length <= ENGINE_STREAM_KEPT)
        return false;
    return longest_secret(secrets) > (ENGINE_STREAM_KEPT - shown) / ENCODED_LONGEST ||
           strcmp(text, redacted) != 0;
}

/* Of the end of text, as much as fits; a character is not cut in two. */
static void
show_end(char *buffer, size_t size, const char *text)
{
    size_t length = strlen(text);
    const char *start = text;

    if (length >= size)
        start = text + length - (size - 1);
    while (start > text && ((unsigned char)*start & 0xc0) == 0x80)
        start++;
    start += strspn(start, " \r\n\t");
    text_show(buffer, size, start);
    for (length = strlen(buffer); length > 0 && buffer[length - 1] == ' ';)
        buffer[--length] = '\0';
}

int
engine_stream_show(const struct engine_stream *stream, const struct redaction *secrets,
    char *buffer, size_t size, struct error *error)
{
    static const struct redaction none = {0};
    const struct redaction *hidden = secrets == NULL ? &none : secrets;
    char *text = straighten(stream);
    char *redacted = text == NULL ? NULL : redact_text(text, hidden, REDACT_WITHHOLD_SHORT);

    buffer[0] = '\0';
    if (redacted != NULL && !may_hold_a_part(stream, hidden, text, redacted, size))
        show_end(buffer, size, redacted);
    memory_free(text);
    memory_free(redacted);
    return redacted == NULL ? error_no_memory(error) : 0;
}

void
engine_stream_wipe(struct engine_stream *stream)
{
    memory_wipe(stream, sizeof(*stream));
}
