/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http_header.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

char *
http_header_value(const char *line, size_t length, const char *name)
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

void
http_header_show(char *buffer, size_t size, const char *value)
{
    size_t length = 0;

    for (; *value != '\0' && length + 1 < size; value++)
        if (*value >= 0x20 && *value <= 0x7e)
            buffer[length++] = *value;
    buffer[length] = '\0';
}
