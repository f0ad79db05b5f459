/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What base/config.h refuses: what is too much, and what is no YAML at all. */
#include "support.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/text.h"
#include "config_trial.h"

static void
assert_refused(const char *bytes, size_t length, const char *text)
{
    struct error error = {0};

    assert_null(config_trial_read(bytes, length, &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in(text, error.text);
}

static void
assert_string_refused(const char *yaml, const char *text)
{
    assert_refused(yaml, strlen(yaml), text);
}

/* `count` times the same; NULL-safe as struct text is. */
static void
append_times(struct text *text, const char *part, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append(text, part);
}

/* ---- Limits -------------------------------------------------------------------- */

TEST(a_file_of_a_mib_is_read_and_no_larger_one)
{
    struct text text = {0};
    struct error error = {0};
    const char *value = NULL;
    struct config *config;

    text_append(&text, "a: ");
    append_times(&text, "x", CONFIG_BYTES_LIMIT - 3);
    config = config_trial_read(text.bytes, text.length, &error);
    assert_non_null(config);
    assert_int_equal(config_text(config_get(config_root(config), "a"), "a", &value, &error), 0);
    assert_int_equal(strlen(value), CONFIG_BYTES_LIMIT - 3);
    config_free(config);
    text_append(&text, "\n");
    assert_refused(text.bytes, text.length, "the.yaml: it is larger than 1024 KiB");
    text_free(&text);
}

/* Each byte of it is six in the child's answer: the worst there is. */
TEST(a_text_of_nothing_but_escapes_is_read_whole)
{
    struct text text = {0};
    struct error error = {0};
    const char *value = NULL;
    struct config *config;

    text_append(&text, "a: \"");
    append_times(&text, "\\e", 500000);
    text_append(&text, "\"\n");
    config = config_trial_read(text.bytes, text.length, &error);
    assert_non_null(config);
    assert_int_equal(config_text(config_get(config_root(config), "a"), "a", &value, &error), 0);
    assert_int_equal(strspn(value, "\033"), 500000);
    config_free(config);
    text_free(&text);
}

static void
assert_depth(size_t depth, bool is_fine)
{
    struct text text = {0};
    struct error error = {0};
    struct config *config;

    append_times(&text, "[", depth);
    append_times(&text, "]", depth);
    config = config_trial_read(text.bytes, text.length, &error);
    if (is_fine)
        assert_non_null(config);
    else
        assert_in("the.yaml, line 1: values are nested too deeply", error.text);
    config_free(config);
    text_free(&text);
}

TEST(the_depth_of_values_has_a_limit)
{
    assert_depth(CONFIG_DEPTH_LIMIT, true);
    assert_depth(CONFIG_DEPTH_LIMIT + 1, false);
    assert_depth(500000, false);
}

TEST(aliases_do_not_get_deeper_than_that)
{
    struct text text = {0};

    text_append(&text, "- &a0 [x]\n");
    for (int i = 1; i < CONFIG_DEPTH_LIMIT; i++)
        text_append_format(&text, "- &a%d [*a%d]\n", i, i - 1);
    assert_string_refused(text.bytes, "values are nested too deeply");
    text_free(&text);
}

static void
assert_count(size_t items, bool is_fine)
{
    struct text text = {0};
    struct error error = {0};
    struct config *config;

    append_times(&text, "-\n", items);
    config = config_trial_read(text.bytes, text.length, &error);
    if (is_fine)
        assert_int_equal(config_count(config_root(config)), items);
    else
        assert_in("too many values", error.text);
    config_free(config);
    text_free(&text);
}

TEST(the_number_of_values_has_a_limit)
{
    assert_count(CONFIG_VALUES_LIMIT - 1, true); /* the list itself is one */
    assert_count(CONFIG_VALUES_LIMIT, false);
    assert_count(500000, false);
}

TEST(a_billion_laughs_are_not_laughed)
{
    assert_string_refused(
        "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
        "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n"
        "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\n"
        "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n"
        "g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\n",
        "too many values");
}

TEST(a_billion_merges_are_not_made)
{
    struct text text = {0};

    for (int i = 0; i < 200; i++)
        text_append_format(&text, "%sk%d: 1", i == 0 ? "- &m {" : ", ", i);
    text_append(&text, "}\n- <<: [*m");
    append_times(&text, ", *m", 5000);
    text_append(&text, "]\n");
    assert_string_refused(text.bytes, "too many values");
    text_free(&text);
}

TEST(a_long_text_is_not_multiplied_without_end)
{
    struct text text = {0};

    text_append(&text, "- &a ");
    append_times(&text, "x", 500000);
    append_times(&text, "\n- *a", 15000);
    assert_string_refused(text.bytes, "too many values");
    text_free(&text);
}

TEST(a_value_that_has_itself_in_it_is_refused)
{
    assert_string_refused("a: 1\nb: &b [*b]\n",
        "the.yaml, line 2: an alias stands inside what it names");
    assert_string_refused("a: &a {b: {c: *a}}\n", "stands inside what it names");
    assert_string_refused("a: &a\n  <<: *a\n", "stands inside what it names");
    assert_string_refused("&a [*a]\n", "stands inside what it names");
}

/* ---- What is no YAML ------------------------------------------------------------- */

TEST(what_is_not_unicode_is_refused_with_its_line)
{
    assert_string_refused("a: 1\nb: gr\xfc\xdf" "e\n", "the.yaml, line 2: ");
    assert_string_refused("a: \xed\xa0\x80\n", "the.yaml, line 1: ");
    assert_string_refused("a: \xc0\x80\n", "the.yaml, line 1: ");
    assert_string_refused("a: \"\\uD800\"\n", "the.yaml, line 1: ");
    assert_string_refused("a: \xe2\x82", "the.yaml, line 1: ");
}

TEST(utf_16_with_its_mark_is_read)
{
    static const char yaml[] = "\xff\xfe" "a\0:\0 \0\xe9\0\n";
    struct error error = {0};
    struct config *config = config_trial_read(yaml, sizeof(yaml), &error);
    const char *value = NULL;

    assert_non_null(config);
    assert_int_equal(config_text(config_get(config_root(config), "a"), "a", &value, &error), 0);
    assert_string_equal(value, "\xc3\xa9");
    config_free(config);
}

TEST(a_nul_is_refused_in_the_file_and_as_an_escape)
{
    assert_refused("a: x\0y\n", 7, "the.yaml, line 1: ");
    assert_string_refused("a: 1\nb: \"x\\0y\"\n", "the.yaml, line 2: a text has a NUL in it");
    assert_string_refused("a: 1\n\"x\\0y\": 2\n", "the.yaml, line 2: a text has a NUL in it");
}

TEST(tags_that_no_configuration_has_are_refused)
{
    assert_string_refused("a: !!binary aGk=\n", "a tag that is not known");
    assert_string_refused("a: !!set {b, c}\n", "a tag that is not known");
    assert_string_refused("a: !!omap [b: 1]\n", "a tag that is not known");
    assert_string_refused("a: !!pairs [b: 1]\n", "a tag that is not known");
}

/* A generator with a fixed start, so that a failure can be seen again. */
TEST(noise_is_refused_or_read_and_never_crashes)
{
    static const char marks[] = "-: \n[]{}&*a!|>'\"%#?,<=~0";
    unsigned long long random = 88172645463325252ULL;

    for (int round = 0; round < 40; round++) {
        struct error error = {0};
        char noise[3000];
        struct config *config;

        for (size_t i = 0; i < sizeof(noise); i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            /* Half of them of what YAML is made of. */
            noise[i] = round % 2 == 0 ? (char)random : marks[random % strlen(marks)];
        }
        config = config_trial_read(noise, sizeof(noise), &error);
        if (config == NULL)
            assert_kind(&error, ERROR_INVALID);
        config_free(config);
    }
}

TEST(a_file_cut_off_anywhere_is_refused_or_read)
{
    static const char yaml[] = "a: &x {b: [1, \"two\", 'three'], c: |\n  text\n  }\n"
                               "d:\n  <<: *x\n  e: !!int \"5\"\n";

    for (size_t length = 0; length < sizeof(yaml) - 1; length++) {
        struct error error = {0};
        struct config *config = config_trial_read(yaml, length, &error);

        if (config == NULL)
            assert_kind(&error, ERROR_INVALID);
        config_free(config);
    }
}

TEST(only_a_regular_file_is_read)
{
    struct error error = {0};
    int ends[2];
    int folder = open("/", O_RDONLY);
    int zero = open("/dev/zero", O_RDONLY);

    assert_int_equal(pipe(ends), 0);
    assert_null(config_read(ends[0], "the.yaml", &error));
    assert_kind(&error, ERROR_INVALID);
    assert_string_equal(error.text, "the.yaml is no regular file");
    error_clear(&error);
    assert_null(config_read(folder, "the.yaml", &error));
    assert_string_equal(error.text, "the.yaml is no regular file");
    error_clear(&error);
    assert_null(config_read(zero, "the.yaml", &error));
    assert_string_equal(error.text, "the.yaml is no regular file");
    close(ends[0]);
    close(ends[1]);
    close(folder);
    close(zero);
}

TEST(a_descriptor_that_cannot_be_read_is_an_error)
{
    struct error error = {0};
    int file = open(file_with("a: 1\n", 5), O_WRONLY);

    assert_null(config_read(file, "the.yaml", &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in("the.yaml: it cannot be read: ", error.text);
    close(file);
    error_clear(&error);
    assert_null(config_read(file, "the.yaml", &error));
    assert_kind(&error, ERROR_INVALID);
    assert_in("the.yaml cannot be read: ", error.text);
}

TEST(the_place_of_the_descriptor_does_not_matter_and_stays)
{
    struct error error = {0};
    int file = open(file_with("a: 1\n", 5), O_RDONLY);
    struct config *config;

    assert_int_equal(lseek(file, 3, SEEK_SET), 3);
    config = config_read(file, "the.yaml", &error);
    assert_non_null(config);
    assert_int_equal(config_kind(config_root(config)), CONFIG_MAPPING);
    assert_int_equal(lseek(file, 0, SEEK_CUR), 3);
    config_free(config);
    close(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_a_mib_is_read_and_no_larger_one),
        cmocka_unit_test(a_text_of_nothing_but_escapes_is_read_whole),
        cmocka_unit_test(the_depth_of_values_has_a_limit),
        cmocka_unit_test(aliases_do_not_get_deeper_than_that),
        cmocka_unit_test(the_number_of_values_has_a_limit),
        cmocka_unit_test(a_billion_laughs_are_not_laughed),
        cmocka_unit_test(a_billion_merges_are_not_made),
        cmocka_unit_test(a_long_text_is_not_multiplied_without_end),
        cmocka_unit_test(a_value_that_has_itself_in_it_is_refused),
        cmocka_unit_test(what_is_not_unicode_is_refused_with_its_line),
        cmocka_unit_test(utf_16_with_its_mark_is_read),
        cmocka_unit_test(a_nul_is_refused_in_the_file_and_as_an_escape),
        cmocka_unit_test(tags_that_no_configuration_has_are_refused),
        cmocka_unit_test(noise_is_refused_or_read_and_never_crashes),
        cmocka_unit_test(a_file_cut_off_anywhere_is_refused_or_read),
        cmocka_unit_test(only_a_regular_file_is_read),
        cmocka_unit_test(a_descriptor_that_cannot_be_read_is_an_error),
        cmocka_unit_test(the_place_of_the_descriptor_does_not_matter_and_stays),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/config, limits", tests, NULL, NULL);
}
