/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explicit_bzero is not POSIX; glibc, musl and the BSDs have it. */
#define _DEFAULT_SOURCE

#include "base/memory.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Before each block stands its size; the union keeps the block aligned. */
union header {
    size_t size;
    max_align_t alignment;
};

static _Atomic size_t allocations;
static _Atomic size_t failing_allocation;
static _Atomic size_t failures;

static bool
refuses(void)
{
    size_t number = atomic_fetch_add(&allocations, 1) + 1;

    return number == atomic_load(&failing_allocation);
}

size_t
memory_failures(void)
{
    return atomic_load(&failures);
}

size_t
memory_fail_at(size_t nth)
{
    size_t seen = atomic_exchange(&allocations, 0);

    atomic_store(&failing_allocation, nth);
    return seen;
}

void
memory_wipe(void *bytes, size_t length)
{
    explicit_bzero(bytes, length);
}

/* Not part of its caller, whose own variables would come below the room. */
__attribute__((noinline)) void
memory_wipe_stack(void)
{
    char room[32768];

    memory_wipe(room, sizeof(room));
}

void *
memory_allocate(size_t size)
{
    union header *header = NULL;

    if (!refuses() && size <= SIZE_MAX - sizeof(*header))
        header = malloc(sizeof(*header) + size);
    if (header == NULL) {
        atomic_fetch_add(&failures, 1);
        return NULL;
    }
    header->size = size;
    return header + 1;
}

void *
memory_zeroed(size_t count, size_t size)
{
    void *block;

    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    block = memory_allocate(count * size);
    if (block != NULL)
        memset(block, 0, count * size);
    return block;
}

void *
memory_resize(void *block, size_t size)
{
    const union header *old;
    void *grown;

    if (block == NULL)
        return memory_allocate(size);
    old = (const union header *)block - 1;
    grown = memory_allocate(size);
    if (grown == NULL)
        return NULL;
    memcpy(grown, block, old->size < size ? old->size : size);
    memory_free(block);
    return grown;
}

char *
memory_copy(const void *bytes, size_t length)
{
    char *copy;

    if (length == SIZE_MAX)
        return NULL;
    copy = memory_allocate(length + 1);
    if (copy == NULL)
        return NULL;
    if (length > 0)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *
memory_copy_string(const char *string)
{
    return memory_copy(string, strlen(string));
}

void
memory_free(void *block)
{
    union header *header;

    if (block == NULL)
        return;
    header = (union header *)block - 1;
    memory_wipe(header, sizeof(*header) + header->size);
    free(header);
}
