/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/pairs.h"

#include <string.h>

#include "base/memory.h"

int
pairs_compare(const struct pair *one, const struct pair *other)
{
    int by_key = strcmp(one->key, other->key);

    return by_key != 0 ? by_key : strcmp(one->value, other->value);
}

/* Where the pair is, or would have to stand. */
static size_t
find(const struct pairs *pairs, const char *key, const char *value, bool *found)
{
    const struct pair wanted = {(char *)key, (char *)value};
    size_t low = 0, high = pairs->count;

    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = pairs_compare(&pairs->items[middle], &wanted);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int
pairs_add(struct pairs *pairs, const char *key, const char *value, struct error *error)
{
    bool found;
    size_t at = find(pairs, key, value, &found);
    struct pair pair;
    struct pair *items;

    if (found)
        return 0;
    pair.key = memory_copy_string(key);
    pair.value = memory_copy_string(value);
    items = pair.key == NULL || pair.value == NULL
                ? NULL
                : memory_resize(pairs->items, (pairs->count + 1) * sizeof(*items));
    if (items == NULL) {
        memory_free(pair.key);
        memory_free(pair.value);
        return error_no_memory(error);
    }
    memmove(items + at + 1, items + at, (pairs->count - at) * sizeof(*items));
    items[at] = pair;
    pairs->items = items;
    pairs->count++;
    return 0;
}

int
pairs_add_all(struct pairs *pairs, const struct pairs *from, struct error *error)
{
    for (size_t i = 0; i < from->count; i++)
        if (pairs_add(pairs, from->items[i].key, from->items[i].value, error) != 0)
            return -1;
    return 0;
}

bool
pairs_have(const struct pairs *pairs, const char *key, const char *value)
{
    bool found;

    find(pairs, key, value, &found);
    return found;
}

bool
pairs_have_all(const struct pairs *pairs, const struct pairs *some)
{
    for (size_t i = 0; i < some->count; i++)
        if (!pairs_have(pairs, some->items[i].key, some->items[i].value))
            return false;
    return true;
}

void
pairs_free(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        memory_free(pairs->items[i].key);
        memory_free(pairs->items[i].value);
    }
    memory_free(pairs->items);
    memset(pairs, 0, sizeof(*pairs));
}
