/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing list of strings: warnings, actions. */
#ifndef REGISTRAR_BASE_LIST_H
#define REGISTRAR_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Starts as all zeroes. A failed allocation is remembered in `failed`. */
struct list {
    char **items;
    size_t count;
    bool failed;
};

/* Appends a formatted string, unless the same one is in the list already. */
void list_add(struct list *list, const char *format, ...) PRINTF_LIKE(2, 3);

/* Appends all strings of another list; that it had no memory counts for this one, too. */
void list_add_all(struct list *list, const struct list *other);

/* Puts the strings into the order of their bytes. */
void list_sort(struct list *list);

/* Frees the strings; the list is empty and usable afterwards. */
void list_free(struct list *list);

#endif
