/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * That a secret of a configuration file is nowhere in this process once the
 * file was let go: all memory that it may write to is looked through, freed
 * blocks too, as a debugger would. Linux is meant (/proc).
 */
#include "support.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/memory.h"

#define PIECE ((size_t)1 << 20)

/* The secret, made when the test runs: written down it would be found here. */
static void
make_needle(char *needle, size_t length)
{
    for (size_t i = 0; i < length; i++)
        needle[i] = (char)('a' + (i * 7 + 3) % 26);
}

#define NEEDLE_LENGTH 40

static bool
is_needle(const char *bytes)
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
            found += is_needle(piece + i);
        memory_wipe(piece, sizeof(piece));
    }
    return found;
}

/* How often the secret is in what may be written to; the piece looked at is
 * not looked at itself. */
static size_t
count_needles(void)
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

/* By system calls alone: stdio keeps a copy. */
static int
file_with_the_secret(void)
{
    static const char before[] = "registration_shared_secret: \"";
    char needle[NEEDLE_LENGTH];
    int file = open(file_with("", 0), O_RDWR);

    assert_true(file >= 0);
    make_needle(needle, sizeof(needle));
    assert_int_equal(write(file, before, strlen(before)), strlen(before));
    assert_int_equal(write(file, needle, sizeof(needle)), sizeof(needle));
    assert_int_equal(write(file, "\"\n", 2), 2);
    memory_wipe(needle, sizeof(needle));
    return file;
}

TEST(a_secret_in_a_file_is_not_in_memory_once_the_file_was_let_go)
{
    struct error error = {0};
    struct config *config;
    const char *text = NULL;
    int file = file_with_the_secret();

    assert_int_equal(count_needles(), 0);
    config = config_read(file, "the.yaml", &error);
    assert_non_null(config);
    assert_int_equal(config_text(config_get(config_root(config), "registration_shared_secret"),
        "registration_shared_secret", &text, &error), 0);
    assert_true(is_needle(text));
    /* The one that was asked for, and no other: neither the child's answer nor
     * what jansson read it by. */
    assert_int_equal(count_needles(), 1);
    config_free(config);
    assert_int_equal(count_needles(), 0);
    close(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_in_a_file_is_not_in_memory_once_the_file_was_let_go),
    };

    /* There, memory without end is mapped, and blocks are kept when freed. */
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#endif
    use_program_memory();
    return cmocka_run_group_tests_name("base/config, wiping", tests, NULL, NULL);
}
