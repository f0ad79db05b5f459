/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/text.h. */
#include "support.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* All code points for which Python 3's str.isspace() is true, which are those
 * that str.strip() takes away: every one of range(0x110000) was asked. */
static const unsigned python_space[] = {0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x1c, 0x1d, 0x1e,
    0x1f, 0x20, 0x85, 0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
    0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};

/* Writes a code point up to U+FFFF as UTF-8; returns its length. */
static size_t
encode(char *bytes, unsigned code_point)
{
    if (code_point < 0x80) {
        bytes[0] = (char)code_point;
        return 1;
    }
    if (code_point < 0x800) {
        bytes[0] = (char)(0xc0 | code_point >> 6);
        bytes[1] = (char)(0x80 | (code_point & 0x3f));
        return 2;
    }
    bytes[0] = (char)(0xe0 | code_point >> 12);
    bytes[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
    bytes[2] = (char)(0x80 | (code_point & 0x3f));
    return 3;
}

static bool
is_python_space(unsigned code_point)
{
    for (size_t i = 0; i < COUNT(python_space); i++)
        if (python_space[i] == code_point)
            return true;
    return false;
}

TEST(exactly_what_python_calls_white_space_is_stripped)
{
    for (unsigned code_point = 1; code_point <= 0xffff; code_point++) {
        char text[16];
        size_t space, length;
        const char *stripped;

        if (code_point >= 0xd800 && code_point <= 0xdfff)
            continue; /* no characters of their own */
        space = encode(text, code_point);
        text[space] = 'x';
        encode(text + space + 1, code_point);
        stripped = text_strip(text, 2 * space + 1, &length);
        if (is_python_space(code_point) != (stripped == text + space && length == 1))
            fail_msg("U+%04X is %sstripped", code_point, length == 1 ? "" : "not ");
    }
}

TEST(white_space_inside_stays_and_all_around_goes)
{
    static const struct {
        const char *given, *stripped;
    } table[] = {
        {"", ""},
        {" \n\t\xe2\x80\x83 ", ""},
        {"secret\n", "secret"},
        {"\r\n two words \r\n", "two words"},
        {"\xc2\xa0\xe3\x80\x80" "a\xe3\x80\x80" "b\xc2\x85", "a\xe3\x80\x80" "b"},
        {"\xe2\x80\x8b zero width stays", "\xe2\x80\x8b zero width stays"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        size_t length;
        const char *stripped = text_strip(table[i].given, strlen(table[i].given), &length);

        assert_int_equal(length, strlen(table[i].stripped));
        assert_memory_equal(stripped, table[i].stripped, length);
    }
}

TEST(stripping_reads_nothing_beyond_the_length)
{
    char *bytes = memory_copy("\xe3\x80", 2); /* two thirds of U+3000 */
    size_t length;

    assert_non_null(bytes);
    text_strip(bytes, 2, &length);
    assert_int_equal(length, 2);
    memory_free(bytes);
}

/* RFC 3986, 2.3: unreserved are ALPHA, DIGIT and - . _ ~ */
TEST(all_but_unreserved_bytes_are_percent_encoded)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

    for (int byte = 0; byte < 256; byte++) {
        const char one[] = {(char)byte};
        char expected[4] = {(char)byte, '\0', '\0', '\0'};
        struct text text = {0};

        if (byte == 0 || strchr(unreserved, byte) == NULL)
            snprintf(expected, sizeof(expected), "%%%02X", (unsigned)byte);
        text_append_percent(&text, one, 1);
        assert_string_equal(text.bytes, expected);
        text_free(&text);
    }
}

TEST(a_user_id_is_one_path_segment_when_percent_encoded)
{
    static const char user_id[] = "@a/b+c=\xc3\xa9:[::1]:8448";
    struct text text = {0};

    text_append_percent(&text, user_id, strlen(user_id));
    assert_string_equal(text.bytes, "%40a%2Fb%2Bc%3D%C3%A9%3A%5B%3A%3A1%5D%3A8448");
    text_free(&text);
}

TEST(a_text_grows_by_strings_bytes_and_formats)
{
    struct text text = {0};
    char many[500];

    memset(many, 'm', sizeof(many) - 1);
    many[sizeof(many) - 1] = '\0';
    text_append(&text, "");
    assert_string_equal(text.bytes, "");
    text_append(&text, "a");
    text_append_bytes(&text, "b\0c", 3);
    text_append_format(&text, "%d%s", 12, many);
    assert_false(text.failed);
    assert_int_equal(text.length, 1 + 3 + 2 + 499);
    assert_memory_equal(text.bytes, "ab\0c12m", 7);
    assert_int_equal(text.bytes[text.length], '\0');
    text_free(&text);
    assert_null(text.bytes);
    text_append(&text, "again");
    assert_string_equal(text.bytes, "again");
    text_free(&text);
}

TEST(a_text_that_failed_stays_failed_and_keeps_what_it_had)
{
    struct text text = {0};
    char many[500];

    memset(many, 'm', sizeof(many));
    text_append(&text, "kept");
    memory_fail_at(1);
    text_append_bytes(&text, many, sizeof(many));
    memory_fail_at(0);
    text_append(&text, "x");
    text_append_format(&text, "%d", 1);
    assert_true(text.failed);
    assert_string_equal(text.bytes, "kept");
    text_free(&text);
    assert_false(text.failed);
}

TEST(code_points_are_counted_not_bytes)
{
    assert_int_equal(text_code_points("", 0), 0);
    assert_int_equal(text_code_points("abc", 3), 3);
    assert_int_equal(text_code_points("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91x", 10), 4);
}

TEST(text_that_fits_is_shown_whole)
{
    char buffer[8];

    text_show(buffer, sizeof(buffer), "1234567");
    assert_string_equal(buffer, "1234567");
    text_show(buffer, sizeof(buffer), "");
    assert_string_equal(buffer, "");
}

TEST(text_that_does_not_fit_is_cut_with_dots)
{
    char buffer[8];

    text_show(buffer, sizeof(buffer), "12345678");
    assert_string_equal(buffer, "1234...");
}

TEST(shown_text_is_cut_between_characters)
{
    static const char source[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91z\xc3\xa9\xe2\x82\xac";

    for (size_t size = 8; size <= sizeof(source); size++) {
        char buffer[sizeof(source)];
        json_t *string;

        text_show(buffer, size, source);
        assert_true(strlen(buffer) < size);
        string = json_string(buffer);
        if (string == NULL)
            fail_msg("half a character is shown in %zu bytes", size);
        json_decref(string);
    }
}

TEST(control_characters_are_shown_as_spaces)
{
    char buffer[32];

    text_show(buffer, sizeof(buffer), "a\x1b[31m\r\n\tb\x7f" "c");
    assert_string_equal(buffer, "a [31m   b c");
}

/* Unicode, category Cc: U+0080 to U+009F are control characters, too. U+009B
 * starts a terminal's escape sequence as ESC [ does (ECMA-48, 8.3.16). */
TEST(control_characters_beyond_ascii_are_shown_as_spaces)
{
    char buffer[32];

    text_show(buffer, sizeof(buffer), "a\xc2\x9b" "31mb");
    assert_not_in("\xc2\x9b", buffer);
    text_show(buffer, sizeof(buffer), "\xc2\xa0\xc3\xa9");
    assert_string_equal(buffer, "\xc2\xa0\xc3\xa9");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_what_python_calls_white_space_is_stripped),
        cmocka_unit_test(white_space_inside_stays_and_all_around_goes),
        cmocka_unit_test(stripping_reads_nothing_beyond_the_length),
        cmocka_unit_test(all_but_unreserved_bytes_are_percent_encoded),
        cmocka_unit_test(a_user_id_is_one_path_segment_when_percent_encoded),
        cmocka_unit_test(a_text_grows_by_strings_bytes_and_formats),
        cmocka_unit_test(a_text_that_failed_stays_failed_and_keeps_what_it_had),
        cmocka_unit_test(code_points_are_counted_not_bytes),
        cmocka_unit_test(text_that_fits_is_shown_whole),
        cmocka_unit_test(text_that_does_not_fit_is_cut_with_dots),
        cmocka_unit_test(shown_text_is_cut_between_characters),
        cmocka_unit_test(control_characters_are_shown_as_spaces),
        cmocka_unit_test(control_characters_beyond_ascii_are_shown_as_spaces),
    };

    return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
