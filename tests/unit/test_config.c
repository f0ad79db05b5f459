/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/config.h: reading values, and that nothing is left. What is refused is in
 * test_config_limits.c, what YAML means in test_config_files.c. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "config_trial.h"

/* ---- Reading values --------------------------------------------------------------- */

TEST(what_is_not_given_leaves_the_result_as_it_was)
{
    struct config *config = config_trial_string("null_value:\n");
    const struct config_value *values[] = {NULL,
        config_get(config_root(config), "null_value"), config_get(config_root(config), "no")};
    struct error error = {0};

    assert_non_null(values[1]);
    assert_null(values[2]);
    for (size_t i = 0; i < COUNT(values); i++) {
        const char *text = "default";
        long long integer = 7;
        double real = 7.5;
        bool boolean = true;

        assert_int_equal(config_kind(values[i]), CONFIG_NULL);
        assert_int_equal(config_text(values[i], "x", &text, &error), 0);
        assert_int_equal(config_integer(values[i], "x", &integer, &error), 0);
        assert_int_equal(config_real(values[i], "x", &real, &error), 0);
        assert_int_equal(config_boolean(values[i], "x", &boolean, &error), 0);
        assert_string_equal(text, "default");
        assert_int_equal(integer, 7);
        assert_true(real > 7.4 && real < 7.6);
        assert_true(boolean);
        assert_int_equal(config_count(values[i]), 0);
        assert_null(config_get(values[i], "x"));
    }
    config_free(config);
}

/* One of each kind, and which of the readers take it. */
TEST(a_value_of_another_type_is_refused_by_name_and_line_and_never_quoted)
{
    static const struct {
        const char *yaml;
        bool is_text, is_boolean, is_integer, is_real;
    } cases[] = {
        {"12345", false, false, true, true},
        {"0777", false, false, true, true},
        {"1234567890123456789012", false, false, false, false},
        {"1.25", false, false, false, true},
        {".inf", false, false, false, false},
        {"yes", false, true, false, false},
        {"'yes'", true, false, false, false},
        {"\"12345\"", true, false, false, false},
        {"!!str 12345", true, false, false, false},
        {"1a", true, false, false, false},
        {"2001-12-14", false, false, false, false},
        {"[12345]", false, false, false, false},
        {"{12345: 1}", false, false, false, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error errors[4] = {{0}, {0}, {0}, {0}};
        const struct config_value *value;
        struct config *config;
        char yaml[100];
        const char *text;
        long long integer;
        double real;
        bool boolean;
        int results[4];

        snprintf(yaml, sizeof(yaml), "first: 1\n\nkey: %s\n", cases[i].yaml);
        config = config_trial_string(yaml);
        value = config_get(config_root(config), "key");
        results[0] = config_text(value, "the.name", &text, &errors[0]);
        results[1] = config_boolean(value, "the.name", &boolean, &errors[1]);
        results[2] = config_integer(value, "the.name", &integer, &errors[2]);
        results[3] = config_real(value, "the.name", &real, &errors[3]);
        assert_int_equal(results[0], cases[i].is_text ? 0 : -1);
        assert_int_equal(results[1], cases[i].is_boolean ? 0 : -1);
        assert_int_equal(results[2], cases[i].is_integer ? 0 : -1);
        assert_int_equal(results[3], cases[i].is_real ? 0 : -1);
        for (size_t j = 0; j < COUNT(errors); j++) {
            if (results[j] == 0)
                continue;
            assert_kind(&errors[j], ERROR_INVALID);
            assert_in("the.yaml, line 3: the.name is ", errors[j].text);
            assert_not_in("123", errors[j].text);
        }
        config_free(config);
    }
}

TEST(a_secret_without_quotes_that_is_a_number_gets_advice)
{
    struct config *config = config_trial_string("registration_shared_secret: 12345\n");
    struct error error = {0};
    const char *text = NULL;

    assert_int_equal(config_text(config_get(config_root(config), "registration_shared_secret"),
        "registration_shared_secret", &text, &error), -1);
    assert_string_equal(error.text, "the.yaml, line 1: registration_shared_secret is not a "
                                    "text in YAML; put it into quotes");
    assert_null(text);
    config_free(config);
}

TEST(an_error_about_syntax_names_no_value)
{
    struct error error = {0};

    assert_null(config_trial_read("secret: \"hunter2\n", 17, &error));
    assert_not_in("hunter", error.text);
    error_clear(&error);
    assert_null(config_trial_read("a: 1\nsecret: @hunter2\n", 22, &error));
    assert_not_in("hunter", error.text);
    assert_in("the.yaml, line 2: ", error.text);
    error_clear(&error);
    assert_null(config_trial_read("secret: !hunter2 x\n", 19, &error));
    assert_not_in("hunter", error.text);
    error_clear(&error);
    assert_null(config_trial_read("secret: *hunter2\n", 17, &error));
    assert_not_in("hunter", error.text);
}

TEST(values_know_their_lines)
{
    struct config *config = config_trial_string("a: 1\nb:\n  - x\n  -\n    y\nc: &z 5\nd: *z\n");
    const struct config_value *root = config_root(config);

    assert_int_equal(config_line(root), 1);
    assert_int_equal(config_line(config_get(root, "a")), 1);
    assert_int_equal(config_line(config_get(root, "b")), 3);
    assert_int_equal(config_line(config_item(config_get(root, "b"), 1)), 5);
    assert_int_equal(config_line(config_key(root, 2)), 6);
    assert_int_equal(config_line(config_get(root, "d")), 6);
    config_free(config);
}

TEST(a_key_is_found_only_when_it_is_that_text)
{
    struct config *config = config_trial_string("1: a\nyes: b\n\"2\": c\n");
    const struct config_value *root = config_root(config);

    assert_null(config_get(root, "1"));
    assert_null(config_get(root, "yes"));
    assert_non_null(config_get(root, "2"));
    assert_null(config_get(config_get(root, "2"), "c"));
    config_free(config);
}

TEST(what_the_caller_finds_wrong_is_said_with_file_and_line)
{
    struct config *config = config_trial_string("\na: 1\n");
    struct error error = {0};

    assert_int_equal(config_wrong(config_get(config_root(config), "a"), &error,
        "%s is no port", "listeners[0].port"), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_string_equal(error.text, "the.yaml, line 2: listeners[0].port is no port");
    config_free(config);
}

/* ---- What is left ------------------------------------------------------------------ */

static int
read_some(void *context, struct error *error)
{
    struct config *config;

    (void)context;
    config = config_trial_read("a: &a [1, two, 3.0, {b: c}]\nd: {<<: {e: f}, g: *a}\n", 51, error);
    config_free(config);
    return config == NULL ? -1 : 0;
}

TEST(each_failed_allocation_is_an_error_and_leaks_nothing)
{
    fail_each_allocation(read_some, NULL);
}

static int
read_wrong(void *context, struct error *error)
{
    (void)context;
    return config_trial_read("a: 1\nb: [\n", 10, error) == NULL ? -1 : 0;
}

TEST(each_failed_allocation_is_that_also_where_the_file_is_wrong)
{
    fail_each_allocation(read_wrong, NULL);
}

TEST(no_descriptor_and_no_process_is_left)
{
    int before = dup(0), after;

    close(before);
    for (int i = 0; i < 5; i++) {
        struct error error = {0};

        read_some(NULL, &error);
        read_wrong(NULL, &error);
    }
    after = dup(0);
    close(after);
    assert_int_equal(after, before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

TEST(freeing_nothing_is_allowed)
{
    config_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_leaves_the_result_as_it_was),
        cmocka_unit_test(a_value_of_another_type_is_refused_by_name_and_line_and_never_quoted),
        cmocka_unit_test(a_secret_without_quotes_that_is_a_number_gets_advice),
        cmocka_unit_test(an_error_about_syntax_names_no_value),
        cmocka_unit_test(values_know_their_lines),
        cmocka_unit_test(a_key_is_found_only_when_it_is_that_text),
        cmocka_unit_test(what_the_caller_finds_wrong_is_said_with_file_and_line),
        cmocka_unit_test(each_failed_allocation_is_an_error_and_leaks_nothing),
        cmocka_unit_test(each_failed_allocation_is_that_also_where_the_file_is_wrong),
        cmocka_unit_test(no_descriptor_and_no_process_is_left),
        cmocka_unit_test(freeing_nothing_is_allowed),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
