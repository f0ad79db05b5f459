/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/found.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

void
found_free(struct found *found)
{
    list_free(&found->files);
    memory_free(found->container);
    memory_free(found->server_name);
    memory_free(found->url);
    memory_free(found->unix_socket);
    memory_free(found->address);
    memory_free(found->secret_from);
    secret_free(&found->shared_secret);
    memset(found, 0, sizeof(*found));
}

int
found_text(char **place, struct error *error, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    memory_free(*place);
    *place = length < 0 ? NULL : memory_allocate((size_t)length + 1);
    if (*place == NULL)
        return error_no_memory(error);
    va_start(arguments, format);
    vsnprintf(*place, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return 0;
}
