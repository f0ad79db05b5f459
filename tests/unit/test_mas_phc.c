/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/mas/phc.h, after the PHC string format (P-H-C/phc-string-format) and its base
 * 64 without padding, with RFC 4648's values (section 10).
 */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/phc.h"

#define HASH "Zm9vYmFyZm9vYmFy"

static struct phc phc;

TEST(a_string_is_taken_apart)
{
    assert_true(phc_read("$argon2id$v=19$m=19456,t=2,p=1,data=Zm9v$Zm9vYg$" HASH, &phc));
    assert_string_equal(phc.id, "argon2id");
    assert_int_equal(phc.numbers[PHC_VERSION], 19);
    assert_int_equal(phc.numbers[PHC_MEMORY], 19456);
    assert_int_equal(phc.numbers[PHC_PASSES], 2);
    assert_int_equal(phc.numbers[PHC_LANES], 1);
    assert_int_equal(phc.numbers[PHC_ITERATIONS], -1);
    assert_int_equal(phc.numbers[PHC_LENGTH], -1);
    assert_int_equal(phc.data.length, 3);
    assert_memory_equal(phc.data.bytes, "foo", 3);
    assert_int_equal(phc.salt.length, 4);
    assert_memory_equal(phc.salt.bytes, "foob", 4);
    assert_int_equal(phc.hash.length, 12);
    assert_memory_equal(phc.hash.bytes, "foobarfoobar", 12);
}

TEST(a_string_without_parameters_has_none)
{
    assert_true(phc_read("$x$Zm8$" HASH, &phc));
    for (size_t i = 0; i < PHC_NUMBERS; i++)
        assert_int_equal(phc.numbers[i], -1);
    assert_int_equal(phc.data.length, 0);
    assert_int_equal(phc.salt.length, 2);
}

TEST(each_length_of_base_64_is_read)
{
    static const char *const written[] = {"Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"};
    char text[100];

    for (size_t i = 0; i < COUNT(written); i++) {
        snprintf(text, sizeof(text), "$x$%s$" HASH, written[i]);
        assert_true(phc_read(text, &phc));
        assert_int_equal(phc.salt.length, i + 1);
        assert_memory_equal(phc.salt.bytes, "foobar", i + 1);
    }
    assert_true(phc_read("$x$+/+/$" HASH, &phc));
    assert_memory_equal(phc.salt.bytes, "\xfb\xff\xbf", 3);
}

TEST(base_64_of_another_form_is_refused)
{
    static const char *const written[] = {
        "", "Z", "Zh", "Zm9", "Zm9vY", "Zg==", "Zm8=", "Zm9v\n", "Z m8", "Zm-_", "Zm9vYm!y",
        "Zm\xc3\xa9v"};
    char text[100];

    for (size_t i = 0; i < COUNT(written); i++) {
        snprintf(text, sizeof(text), "$x$%s$" HASH, written[i]);
        assert_false(phc_read(text, &phc));
        snprintf(text, sizeof(text), "$x$Zm9v$%s", written[i]);
        assert_false(phc_read(text, &phc));
    }
}

TEST(a_parameter_of_another_form_is_refused)
{
    static const char *const written[] = {
        "m=", "m=01", "m=-1", "m=+1", "m= 1", "m=1 ", "m=0x1", "m=1e3", "m=4294967296",
        "m=99999999999", "m=18446744073709551617", "m=1,m=1", "m=1,,t=1", ",m=1", "=1", "m==1",
        "mm=1", "M=1", "keyid=Zm9v", "data=", "data=Zg==", "data=Zm9v,data=Zm9v", "m=1;t=2"};
    char text[200];

    for (size_t i = 0; i < COUNT(written); i++) {
        snprintf(text, sizeof(text), "$x$%s$Zm9v$" HASH, written[i]);
        assert_false(phc_read(text, &phc));
    }
    assert_true(phc_read("$x$m=4294967295$Zm9v$" HASH, &phc));
    assert_int_equal(phc.numbers[PHC_MEMORY], 4294967295L);
    assert_true(phc_read("$x$m=0$Zm9v$" HASH, &phc));
    assert_int_equal(phc.numbers[PHC_MEMORY], 0);
}

TEST(what_is_cut_off_or_too_much_is_refused)
{
    const char *whole = "$argon2id$v=19$m=19456,t=2,p=1$Zm9vYg$" HASH;
    char text[700];

    for (size_t length = 0; length < strlen(whole) - strlen(HASH) + 1; length++) {
        snprintf(text, sizeof(text), "%.*s", (int)length, whole);
        assert_false(phc_read(text, &phc));
    }
    snprintf(text, sizeof(text), "%s$", whole);
    assert_false(phc_read(text, &phc));
    snprintf(text, sizeof(text), "x%s", whole);
    assert_false(phc_read(text, &phc));
    assert_false(phc_read("$abcdefghijklmnopqrstuvwxyz0123456$Zm9v$" HASH, &phc));
    assert_false(phc_read("$$Zm9v$" HASH, &phc));
}

TEST(more_bytes_than_there_is_room_for_are_refused)
{
    char text[1200] = "$x$Zm9v$";
    size_t length = strlen(text);

    for (size_t i = 0; i < 64 / 3; i++, length += 4)
        memcpy(text + length, "Zm9v", 5);
    memcpy(text + length, "Zg", 3);
    assert_true(phc_read(text, &phc));
    assert_int_equal(phc.hash.length, 64);
    memcpy(text + length, "Zm8", 4);
    assert_false(phc_read(text, &phc));
    for (; length < 1100; length += 4)
        memcpy(text + length, "Zm9v", 5);
    assert_false(phc_read(text, &phc));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_is_taken_apart),
        cmocka_unit_test(a_string_without_parameters_has_none),
        cmocka_unit_test(each_length_of_base_64_is_read),
        cmocka_unit_test(base_64_of_another_form_is_refused),
        cmocka_unit_test(a_parameter_of_another_form_is_refused),
        cmocka_unit_test(what_is_cut_off_or_too_much_is_refused),
        cmocka_unit_test(more_bytes_than_there_is_room_for_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
