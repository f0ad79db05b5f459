/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/list.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* Longer ones are cut: these are sentences for people. */
#define LONGEST 1024

void
list_add(struct list *list, const char *format, ...)
{
    char buffer[LONGEST];
    va_list arguments;
    char **items;
    char *copy;

    va_start(arguments, format);
    vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    text_make_unicode(buffer);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], buffer) == 0)
            return;
    items = memory_resize(list->items, (list->count + 1) * sizeof(*items));
    if (items != NULL)
        list->items = items;
    copy = memory_copy_string(buffer);
    if (items == NULL || copy == NULL) {
        memory_free(copy);
        list->failed = true;
        return;
    }
    list->items[list->count++] = copy;
}

void
list_add_all(struct list *list, const struct list *other)
{
    for (size_t i = 0; i < other->count; i++)
        list_add(list, "%s", other->items[i]);
    list->failed |= other->failed;
}

static int
compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void
list_sort(struct list *list)
{
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
}

void
list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        memory_free(list->items[i]);
    memory_free(list->items);
    memset(list, 0, sizeof(*list));
}
