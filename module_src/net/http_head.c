/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http_head.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

/* All headers of one reply together; libcurl limits a single one itself. */
#define HEADERS_LIMIT ((size_t)128 * 1024)

/* The value of a header line when it has this name, stripped; else NULL. */
static char *
header_value(const char *line, size_t length, const char *name)
{
    size_t name_length = strlen(name);
    const char *value;
    size_t value_length;

    if (length <= name_length || strncasecmp(line, name, name_length) != 0 ||
        line[name_length] != ':')
        return NULL;
    value = text_strip(line + name_length + 1, length - name_length - 1, &value_length);
    return memory_copy(value, value_length);
}

static void
copy_printable(char *buffer, size_t size, const char *source)
{
    size_t length = 0;

    for (; *source != '\0' && length + 1 < size; source++)
        if (*source >= 0x20 && *source <= 0x7e)
            buffer[length++] = *source;
    buffer[length] = '\0';
}

bool
http_head_take(struct http_head *head, struct http_reply *reply, const char *line,
    size_t length)
{
    char *value;

    head->bytes += length;
    if (head->bytes > HEADERS_LIMIT)
        return false;
    if ((value = header_value(line, length, "Server")) != NULL) {
        copy_printable(reply->server, sizeof(reply->server), value);
    } else if ((value = header_value(line, length, "Content-Type")) != NULL) {
        reply->is_json = strncasecmp(value, "application/json", 16) == 0;
        reply->is_plain = strncasecmp(value, "text/plain", 10) == 0;
    } else if ((value = header_value(line, length, "Date")) != NULL) {
        time_t date = curl_getdate(value, NULL);

        reply->date = date == -1 ? 0 : date;
    } else if ((value = header_value(line, length, "Retry-After")) != NULL) {
        reply->retry_after_ms = http_parse_retry_after(value, time(NULL));
    } else if (head->location == NULL &&
               (value = header_value(line, length, "Location")) != NULL) {
        head->location = value;
        value = NULL;
    }
    memory_free(value);
    return true;
}
