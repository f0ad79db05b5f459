/* SPDX-License-Identifier: GPL-3.0-or-later */
/* That a secret of a configuration file is nowhere in this process once the
 * file was let go. */
#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/memory.h"
#include "needle.h"

/* By system calls alone: stdio keeps a copy. */
static int
file_with_the_secret(void)
{
    static const char before[] = "registration_shared_secret: \"";
    char needle[NEEDLE_LENGTH];
    int file = open(file_with("", 0), O_RDWR);

    assert_true(file >= 0);
    needle_make(needle);
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

    assert_int_equal(needle_count(), 0);
    config = config_read(file, "the.yaml", &error);
    assert_non_null(config);
    assert_int_equal(config_text(config_get(config_root(config), "registration_shared_secret"),
        "registration_shared_secret", &text, &error), 0);
    assert_true(needle_is(text));
    /* The one that was asked for, and no other: neither the child's answer nor
     * what jansson read it by. */
    assert_int_equal(needle_count(), 1);
    config_free(config);
    assert_int_equal(needle_count(), 0);
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
