/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/memory.h and base/secret.h. */
#include "support.h"

#include <string.h>

#include "base/memory.h"

/* A size that no compiler can see through, so that none warns of it. */
static volatile size_t largest = SIZE_MAX;

TEST(every_block_is_aligned_for_any_type)
{
    void *blocks[64];

    for (size_t size = 0; size < COUNT(blocks); size++) {
        blocks[size] = memory_allocate(size);
        assert_non_null(blocks[size]);
        assert_int_equal((uintptr_t)blocks[size] % _Alignof(max_align_t), 0);
        memset(blocks[size], 0xa5, size);
    }
    for (size_t size = 0; size < COUNT(blocks); size++)
        memory_free(blocks[size]);
}

TEST(blocks_of_no_bytes_are_unique)
{
    void *one = memory_allocate(0);
    void *other = memory_allocate(0);

    assert_non_null(one);
    assert_non_null(other);
    assert_ptr_not_equal(one, other);
    memory_free(one);
    memory_free(other);
}

TEST(a_size_that_overflows_is_refused)
{
    assert_null(memory_allocate(largest));
    assert_null(memory_allocate(largest - 1));
    assert_null(memory_zeroed(largest / 2, 3));
    assert_null(memory_zeroed(3, largest / 2));
    assert_null(memory_copy("", largest));
}

TEST(a_zeroed_block_is_zeroed)
{
    unsigned char *block = memory_zeroed(100, 3);

    assert_non_null(block);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(block[i], 0);
    memory_free(block);
    block = memory_zeroed(0, 0);
    assert_non_null(block);
    memory_free(block);
}

TEST(resizing_keeps_what_fits)
{
    char *block = memory_resize(NULL, 6);

    assert_non_null(block);
    memcpy(block, "secret", 6);
    block = memory_resize(block, 5000);
    assert_non_null(block);
    assert_memory_equal(block, "secret", 6);
    block = memory_resize(block, 3);
    assert_non_null(block);
    assert_memory_equal(block, "sec", 3);
    memory_free(block);
}

TEST(resizing_without_memory_leaves_the_block_alone)
{
    char *block = memory_copy_string("secret");

    assert_non_null(block);
    memory_fail_at(1);
    assert_null(memory_resize(block, 5000));
    memory_fail_at(0);
    assert_null(memory_resize(block, largest));
    assert_string_equal(block, "secret");
    memory_free(block);
}

TEST(the_nth_allocation_fails_and_no_other)
{
    void *block;

    memory_fail_at(2);
    block = memory_allocate(1);
    assert_non_null(block);
    memory_free(block);
    assert_null(memory_allocate(1));
    block = memory_allocate(1);
    assert_non_null(block);
    memory_free(block);
    assert_int_equal(memory_fail_at(0), 3);
}

TEST(a_copy_ends_with_a_nul_wherever_it_was_cut)
{
    char *copy = memory_copy("password", 4);

    assert_non_null(copy);
    assert_string_equal(copy, "pass");
    memory_free(copy);
    copy = memory_copy(NULL, 0);
    assert_non_null(copy);
    assert_string_equal(copy, "");
    memory_free(copy);
    memory_free(NULL);
}

TEST(wiping_leaves_only_zeroes)
{
    char bytes[] = "hunter2";

    memory_wipe(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

TEST(a_secret_is_not_given_until_it_is_set_even_to_nothing)
{
    struct secret secret = {0};

    assert_false(secret_given(&secret));
    assert_int_equal(secret_set(&secret, "", 0), 0);
    assert_true(secret_given(&secret));
    assert_int_equal(secret.length, 0);
    secret_free(&secret);
    assert_false(secret_given(&secret));
    secret_free(&secret);
}

TEST(a_secret_keeps_every_byte_and_a_nul_behind_them)
{
    struct secret secret = {0};
    struct secret copy = {0};

    assert_int_equal(secret_set(&secret, "a\0b", 3), 0);
    assert_int_equal(secret_copy(&copy, &secret), 0);
    assert_int_equal(copy.length, 3);
    assert_memory_equal(copy.bytes, "a\0b", 4);
    assert_ptr_not_equal(copy.bytes, secret.bytes);
    secret_free(&secret);
    assert_int_equal(secret_copy(&copy, &secret), 0);
    assert_false(secret_given(&copy));
    assert_null(copy.bytes);
}

TEST(a_secret_can_be_set_from_its_own_bytes)
{
    struct secret secret = {0};

    assert_int_equal(secret_set(&secret, "password", 8), 0);
    assert_int_equal(secret_set(&secret, secret.bytes, 4), 0);
    assert_string_equal(secret.bytes, "pass");
    assert_int_equal(secret_copy(&secret, &secret), 0);
    assert_string_equal(secret.bytes, "pass");
    secret_free(&secret);
}

TEST(a_secret_that_cannot_be_copied_stays_what_it_was)
{
    struct secret secret = {0};

    assert_int_equal(secret_set(&secret, "old", 3), 0);
    memory_fail_at(1);
    assert_int_equal(secret_set(&secret, "new", 3), -1);
    memory_fail_at(0);
    assert_string_equal(secret.bytes, "old");
    secret_free(&secret);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_block_is_aligned_for_any_type),
        cmocka_unit_test(blocks_of_no_bytes_are_unique),
        cmocka_unit_test(a_size_that_overflows_is_refused),
        cmocka_unit_test(a_zeroed_block_is_zeroed),
        cmocka_unit_test(resizing_keeps_what_fits),
        cmocka_unit_test(resizing_without_memory_leaves_the_block_alone),
        cmocka_unit_test(the_nth_allocation_fails_and_no_other),
        cmocka_unit_test(a_copy_ends_with_a_nul_wherever_it_was_cut),
        cmocka_unit_test(wiping_leaves_only_zeroes),
        cmocka_unit_test(a_secret_is_not_given_until_it_is_set_even_to_nothing),
        cmocka_unit_test(a_secret_keeps_every_byte_and_a_nul_behind_them),
        cmocka_unit_test(a_secret_can_be_set_from_its_own_bytes),
        cmocka_unit_test(a_secret_that_cannot_be_copied_stays_what_it_was),
    };

    return cmocka_run_group_tests_name("base/memory, base/secret", tests, NULL, NULL);
}
