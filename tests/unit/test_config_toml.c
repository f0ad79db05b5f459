/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/config.h over TOML (https://toml.io/en/v1.0.0), which a child process reads. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/config_parse.h"
#include "base/memory.h"

#define SECRET "S3cr3t"

static struct config *
read_bytes(const char *bytes, size_t length, struct error *error)
{
    int file = open(file_with(bytes, length), O_RDONLY | O_CLOEXEC);
    struct config *config;

    assert_true(file >= 0);
    config = config_read_toml(file, "the.toml", error);
    close(file);
    assert_int_equal(config == NULL, error->kind != ERROR_NONE);
    return config;
}

static struct config *
read_well(const char *toml)
{
    struct error error = {0};
    struct config *config = read_bytes(toml, strlen(toml), &error);

    if (config == NULL)
        fail_msg("%s\n%s", toml, error.text);
    return config;
}

TEST(tables_of_all_spellings_are_mappings_with_their_lines)
{
    struct config *config = read_well("# a server\n"
                                      "[global]\n"
                                      "name = \"example.org\"\n"
                                      "tls.certs = '/c'\n"
                                      "\n"
                                      "[global.well_known]\n"
                                      "client = \"\"\"two\n"
                                      "lines\"\"\"\n"
                                      "inline = {a = 1, \"b c\" = [true, 2.5]}\n");
    const struct config_value *global = config_get(config_root(config), "global");
    const struct config_value *inside = config_get(global, "well_known");
    const struct config_value *list = config_get(config_get(inside, "inline"), "b c");
    struct error error = {0};
    const char *text = NULL;
    long long number = 0;
    double real = 0;
    bool truth = false;

    assert_int_equal(config_kind(global), CONFIG_MAPPING);
    assert_int_equal(config_text(config_get(global, "name"), "name", &text, &error), 0);
    assert_string_equal(text, "example.org");
    assert_int_equal(config_line(config_get(global, "name")), 3);
    assert_int_equal(
        config_text(config_get(config_get(global, "tls"), "certs"), "c", &text, &error), 0);
    assert_string_equal(text, "/c");
    assert_int_equal(config_text(config_get(inside, "client"), "client", &text, &error), 0);
    assert_string_equal(text, "two\nlines");
    assert_int_equal(
        config_integer(config_get(config_get(inside, "inline"), "a"), "a", &number, &error), 0);
    assert_int_equal(number, 1);
    assert_int_equal(config_count(list), 2);
    assert_int_equal(config_boolean(config_item(list, 0), "b", &truth, &error), 0);
    assert_true(truth);
    assert_int_equal(config_real(config_item(list, 1), "r", &real, &error), 0);
    assert_true(real > 2.4 && real < 2.6);
    config_free(config);
}

TEST(a_text_is_what_its_escapes_say_and_a_quote_and_a_backslash_survive)
{
    struct config *config =
        read_well("a = \"q\\\" b\\\\ t\\t \\u00e4 \xc3\xa4\"\nb = 'q\" b\\n'\n");
    const struct config_value *root = config_root(config);
    struct error error = {0};
    const char *text = NULL;

    assert_int_equal(config_text(config_get(root, "a"), "a", &text, &error), 0);
    assert_string_equal(text, "q\" b\\ t\t \xc3\xa4 \xc3\xa4");
    assert_int_equal(config_text(config_get(root, "b"), "b", &text, &error), 0);
    assert_string_equal(text, "q\" b\\n");
    config_free(config);
}

/* toml++ 3.3 takes the letter for what cannot come there. */
TEST(a_letter_that_is_none_of_ascii_may_stand_behind_a_line_that_goes_on)
{
    struct config *config = read_well("a = \"\"\"x \\\n   \u00e4\"\"\" # \u00e4\n");
    struct error error = {0};
    const char *text = NULL;

    assert_int_equal(config_text(config_get(config_root(config), "a"), "a", &text, &error), 0);
    assert_string_equal(text, "x \u00e4");
    config_free(config);
    assert_null(read_bytes("\u00e4 = 1\n", 7, &error));
    assert_in("the.toml, line 1: this is not TOML", error.text);
}

TEST(what_has_another_type_is_refused_in_the_words_of_toml)
{
    struct config *config = read_well("[global]\nsecret = 12345678\nday = 2026-01-01\nbig = inf\n");
    const struct config_value *global = config_get(config_root(config), "global");
    struct error error = {0};
    const char *text = NULL;
    double real;

    assert_int_equal(config_text(config_get(global, "secret"), "secret", &text, &error), -1);
    assert_string_equal(error.text,
        "the.toml, line 2: secret is not a text in TOML; put it into quotes");
    assert_int_equal(config_kind(config_get(global, "day")), CONFIG_OTHER);
    error = (struct error){0};
    assert_int_equal(config_real(config_get(global, "big"), "big", &real, &error), -1);
    config_free(config);
}

TEST(an_empty_file_is_an_empty_mapping)
{
    struct config *config = read_well("\n# nothing\n");

    assert_int_equal(config_kind(config_root(config)), CONFIG_MAPPING);
    assert_int_equal(config_count(config_root(config)), 0);
    config_free(config);
}

TEST(what_is_no_toml_is_refused_with_its_line_and_without_what_stands_there)
{
    static const struct {
        const char *toml, *words;
    } cases[] = {
        {"a = 1\nsecret = " SECRET "\n", "the.toml, line 2: this is not TOML"},
        {"a = 1\na = 2\n", "line 2"},
        {"[global\n", "the.toml, line 1"},
        {"secret = \"" SECRET, "the.toml, line 1"},
        {"secret = \"" SECRET "\xff\"\n", "the.toml"},
        {"secret: " SECRET "\n", "the.toml, line 1"},
        {"a = 99999999999999999999\n", "the.toml, line 1"},
        {"secret = \"" SECRET "\\u0000\"\n", "the.toml, line 1: a text has a NUL in it"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};

        if (read_bytes(cases[i].toml, strlen(cases[i].toml), &error) != NULL)
            fail_msg("taken: %s", cases[i].toml);
        assert_kind(&error, ERROR_INVALID);
        assert_in(cases[i].words, error.text);
        assert_not_in(SECRET, error.text);
    }
}

/* `count` times the text. */
static char *
repeated(const char *text, size_t count, size_t *length)
{
    size_t one = strlen(text);
    char *bytes = malloc(one * count + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * one, text, one);
    *length = one * count;
    bytes[*length] = '\0';
    return bytes;
}

static void
assert_too_much(const char *text, size_t count)
{
    struct error error = {0};
    size_t length;
    char *bytes = repeated(text, count, &length);

    assert_null(read_bytes(bytes, length, &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in("the.toml", error.text);
    free(bytes);
}

TEST(what_is_nested_without_end_ends_the_child_and_not_the_program)
{
    assert_too_much("[", 1000000);
    assert_too_much("a=[", 100);
    assert_too_much("a={a=", 100000);
    assert_too_much("a.", 500000); /* a key that never ends */
}

TEST(a_key_of_half_a_million_dots_is_refused)
{
    struct error error = {0};
    size_t length;
    char *bytes = repeated("a.", 500000, &length);

    memcpy(bytes + length - 4, "=1\n", 3);
    assert_null(read_bytes(bytes, length - 1, &error));
    assert_kind(&error, ERROR_INVALID);
    free(bytes);
}

TEST(more_values_than_a_configuration_has_are_refused)
{
    char *bytes = malloc(CONFIG_BYTES_LIMIT + 2);
    struct error error = {0};
    size_t length = 0;

    assert_non_null(bytes);
    for (int i = 0; i < CONFIG_VALUES_LIMIT; i++)
        length += (size_t)sprintf(bytes + length, "a%d = %d\n", i, i);
    assert_null(read_bytes(bytes, length, &error));
    assert_in("too many values", error.text);
    memset(bytes, '#', CONFIG_BYTES_LIMIT + 1);
    error = (struct error){0};
    assert_null(read_bytes(bytes, CONFIG_BYTES_LIMIT + 1, &error));
    assert_in("larger than", error.text);
    free(bytes);
}

static int
parse(void *context, struct error *error)
{
    static const char toml[] = "[global]\nname = \"example.org\"\nlist = [1, {a = 'b'}]\n"
                               "[global.tls]\ncerts = \"/a/path/of/some/length/to/be/kept\"\n";
    struct text json = {0};
    int result = config_parse_toml(toml, sizeof(toml) - 1, &json);

    (void)context;
    if (result != 0)
        error_no_memory(error);
    else
        assert_in("example.org", json.bytes);
    text_free(&json);
    return result;
}

TEST(each_failed_allocation_of_ours_is_told_and_none_leaks)
{
    fail_each_allocation(parse, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_all_spellings_are_mappings_with_their_lines),
        cmocka_unit_test(a_text_is_what_its_escapes_say_and_a_quote_and_a_backslash_survive),
        cmocka_unit_test(a_letter_that_is_none_of_ascii_may_stand_behind_a_line_that_goes_on),
        cmocka_unit_test(what_has_another_type_is_refused_in_the_words_of_toml),
        cmocka_unit_test(an_empty_file_is_an_empty_mapping),
        cmocka_unit_test(what_is_no_toml_is_refused_with_its_line_and_without_what_stands_there),
        cmocka_unit_test(what_is_nested_without_end_ends_the_child_and_not_the_program),
        cmocka_unit_test(a_key_of_half_a_million_dots_is_refused),
        cmocka_unit_test(more_values_than_a_configuration_has_are_refused),
        cmocka_unit_test(each_failed_allocation_of_ours_is_told_and_none_leaks),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/config, TOML", tests, NULL, NULL);
}
