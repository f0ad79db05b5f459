/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/ulid.h. The first pair is of a running MAS 1.22, its API's and its
 * database's; the others are the ends of what 128 bits can be (ulid/spec).
 */
#include "support.h"

#include <string.h>

#include "backends/mas/ulid.h"

static const struct {
    const char *ulid;
    const char *uuid;
} pairs[] = {
    {"01M84H4K0XFDGJFSFZ0ASDT0ZZ", "01a20912-4c1d-7b61-27e5-ff02b2dd03ff"},
    {"00000000000000000000000000", "00000000-0000-0000-0000-000000000000"},
    {"00000000000000000000000001", "00000000-0000-0000-0000-000000000001"},
    {"7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "ffffffff-ffff-ffff-ffff-ffffffffffff"},
    {"40000000000000000000000000", "80000000-0000-0000-0000-000000000000"},
};

TEST(each_is_the_other)
{
    char ulid[MAS_ID_SIZE], uuid[ULID_UUID_SIZE];

    for (size_t i = 0; i < COUNT(pairs); i++) {
        assert_true(ulid_from_uuid(pairs[i].uuid, ulid));
        assert_string_equal(ulid, pairs[i].ulid);
        assert_true(ulid_to_uuid(pairs[i].ulid, uuid));
        assert_string_equal(uuid, pairs[i].uuid);
    }
}

TEST(letters_may_be_small_or_capital)
{
    char ulid[MAS_ID_SIZE], uuid[ULID_UUID_SIZE];

    assert_true(ulid_to_uuid("01m84h4k0xfdgjfsfz0asdt0zz", uuid));
    assert_string_equal(uuid, pairs[0].uuid);
    assert_true(ulid_from_uuid("01A20912-4C1D-7B61-27E5-FF02B2DD03FF", ulid));
    assert_string_equal(ulid, pairs[0].ulid);
}

TEST(no_ulid_is_refused)
{
    static const char *const none[] = {"", "0", "01M84H4K0XFDGJFSFZ0ASDT0Z",
        "01M84H4K0XFDGJFSFZ0ASDT0ZZZ", "80000000000000000000000000", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "01M84H4K0XFDGJFSFZ0ASDT0ZI", "01M84H4K0XFDGJFSFZ0ASDT0ZL", "01M84H4K0XFDGJFSFZ0ASDT0ZO",
        "01M84H4K0XFDGJFSFZ0ASDT0ZU", "01M84H4K0XFDGJFSFZ0ASDT0Z'", "I1M84H4K0XFDGJFSFZ0ASDT0ZZ"};
    char uuid[ULID_UUID_SIZE];

    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(ulid_to_uuid(none[i], uuid));
}

TEST(no_uuid_is_refused)
{
    static const char *const none[] = {"", "01a20912", "01a209124c1d7b6127e5ff02b2dd03ff",
        "01a20912-4c1d-7b61-27e5-ff02b2dd03f", "01a20912-4c1d-7b61-27e5-ff02b2dd03fff",
        "01a20912-4c1d-7b61-27e5-ff02b2dd03fg", "01a2091204c1d-7b61-27e5-ff02b2dd03ff",
        "01a2091-24c1d-7b61-27e5-ff02b2dd03ff", "01a20912-4c1d-7b61-27e5-ff02b2dd-3ff",
        "{1a20912-4c1d-7b61-27e5-ff02b2dd03f}"};
    char ulid[MAS_ID_SIZE];

    for (size_t i = 0; i < COUNT(none); i++)
        assert_false(ulid_from_uuid(none[i], ulid));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_the_other),
        cmocka_unit_test(letters_may_be_small_or_capital),
        cmocka_unit_test(no_ulid_is_refused),
        cmocka_unit_test(no_uuid_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
