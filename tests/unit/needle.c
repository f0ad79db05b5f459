/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "needle.h"

#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/memory.h"

#define PIECE ((size_t)1 << 20)

void
needle_make(char needle[NEEDLE_LENGTH])
{
    for (size_t i = 0; i < NEEDLE_LENGTH; i++)
        needle[i] = (char)('a' + (i * 7 + 3) % 26);
}

bool
needle_is(const char *bytes)
{
    for (size_t i = 0; i < NEEDLE_LENGTH; i++)
        if (bytes[i] != (char)('a' + (i * 7 + 3) % 26))
            return false;
    return true;
}

static char piece[PIECE + NEEDLE_LENGTH];

static size_t
count_in(int memory, unsigned long long start, unsigned long long end)
{
    size_t found = 0;

    for (unsigned long long at = start; at < end; at += PIECE) {
        size_t size = end - at < sizeof(piece) ? (size_t)(end - at) : sizeof(piece);
        ssize_t got = pread(memory, piece, size, (off_t)at);

        for (ssize_t i = 0; i + NEEDLE_LENGTH <= got && i < (ssize_t)PIECE; i++)
            found += needle_is(piece + i);
        memory_wipe(piece, sizeof(piece));
    }
    return found;
}

/* The piece looked at is not looked at itself. */
size_t
needle_count(void)
{
    int memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long long start, end, own = (unsigned long long)(uintptr_t)piece;
    size_t found = 0, regions = 0;
    char line[500], rights[8];

    assert_true(memory >= 0);
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%llx-%llx %7s", &start, &end, rights) != 3 || rights[1] != 'w')
            continue;
        regions++;
        if (own < start || own >= end) {
            found += count_in(memory, start, end);
            continue;
        }
        found += count_in(memory, start, own);
        found += count_in(memory, own + sizeof(piece), end);
    }
    assert_true(regions > 2);
    fclose(maps);
    close(memory);
    return found;
}
