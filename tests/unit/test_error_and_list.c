/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base/error.h and base/list.h. */
#include "support.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/list.h"
#include "base/memory.h"

TEST(the_first_error_wins)
{
    struct error error = {0};

    assert_int_equal(error_set(&error, ERROR_CONFLICT, "%s is taken", "alice"), -1);
    assert_int_equal(error_set(&error, ERROR_SERVER, "logging out failed"), -1);
    assert_int_equal(error_no_memory(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_string_equal(error.text, "alice is taken");
}

TEST(a_cleared_error_takes_the_next_one)
{
    struct error error = {0};

    error_set(&error, ERROR_CONFLICT, "first");
    error.status = 409;
    error_clear(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(error.status, 0);
    error_no_memory(&error);
    assert_kind(&error, ERROR_MEMORY);
}

/* The words stand in the module's documentation, RETURN, error. */
TEST(every_kind_has_its_name_and_a_meaning)
{
    static const char *const names[ERROR_KINDS] = {"none", "unreachable", "tls", "not_ready",
        "unauthorized", "forbidden", "rate_limited", "not_found", "conflict", "invalid",
        "unsupported", "policy", "server", "protocol", "database", "memory", "internal",
        "interrupted"};

    for (int kind = 0; kind < ERROR_KINDS; kind++) {
        const char *meaning = error_kind_meaning((enum error_kind)kind);

        assert_string_equal(error_kind_name((enum error_kind)kind), names[kind]);
        assert_non_null(meaning);
        assert_true(strlen(meaning) > 10);
        for (int other = 0; other < kind; other++)
            assert_string_not_equal(meaning, error_kind_meaning((enum error_kind)other));
    }
}

/* A list goes on after what is one account's. */
static bool
ends_list(enum error_kind kind, long status)
{
    const struct error error = {.kind = kind, .status = status};

    return error_ends_list(&error);
}

TEST(what_every_later_account_would_meet_ends_a_list)
{
    assert_true(ends_list(ERROR_UNREACHABLE, 0));
    assert_true(ends_list(ERROR_TLS, 0));
    assert_true(ends_list(ERROR_DATABASE, 0));
    assert_true(ends_list(ERROR_MEMORY, 0));
    assert_true(ends_list(ERROR_INTERRUPTED, 0));
    assert_false(ends_list(ERROR_NONE, 0));
    assert_false(ends_list(ERROR_CONFLICT, 0));
    assert_false(ends_list(ERROR_NOT_FOUND, 404));
    assert_false(ends_list(ERROR_POLICY, 403));
    assert_false(ends_list(ERROR_INVALID, 400));
    assert_false(ends_list(ERROR_RATE_LIMITED, 429));
}

TEST(a_refused_credential_ends_a_list_and_a_missing_one_does_not)
{
    assert_true(ends_list(ERROR_UNAUTHORIZED, 401));
    assert_false(ends_list(ERROR_UNAUTHORIZED, 0));
}

/* A reply is JSON: half a character in it would make it none. */
TEST(an_error_that_is_too_long_is_still_unicode)
{
    char long_text[3000] = "";
    struct error error = {0};
    json_t *string;

    for (size_t i = 0; i < 1300; i++)
        strcat(long_text, "\xc3\xa9");
    for (size_t offset = 0; offset < 2; offset++) {
        error_clear(&error);
        error_set(&error, ERROR_SERVER, "%s%s", offset == 0 ? "" : "x", long_text);
        string = json_string(error.text);
        if (string == NULL)
            fail_msg("cut in the middle of a character after %zu bytes", strlen(error.text));
        json_decref(string);
    }
}

TEST(a_list_is_put_into_the_order_of_its_bytes)
{
    struct list list = {0};

    list_sort(&list);
    assert_int_equal(list.count, 0);
    list_add(&list, "@b:example.org");
    list_add(&list, "@a:example.org");
    list_add(&list, "@0-a:example.org");
    list_sort(&list);
    assert_string_equal(list.items[0], "@0-a:example.org");
    assert_string_equal(list.items[1], "@a:example.org");
    assert_string_equal(list.items[2], "@b:example.org");
    list_free(&list);
}

TEST(a_list_keeps_its_order_and_says_nothing_twice)
{
    struct list list = {0};

    list_add(&list, "set %s", "admin");
    list_add(&list, "deactivate");
    list_add(&list, "set admin");
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0], "set admin");
    assert_string_equal(list.items[1], "deactivate");
    assert_false(list.failed);
    list_free(&list);
    assert_int_equal(list.count, 0);
    list_add(&list, "again");
    assert_int_equal(list.count, 1);
    list_free(&list);
    list_free(&list);
}

TEST(a_list_entry_that_is_too_long_is_still_unicode)
{
    char long_text[3000] = "";
    struct list list = {0};
    bool unicode = true;

    for (size_t i = 0; i < 1300; i++)
        strcat(long_text, "\xc3\xa9");
    list_add(&list, "%s", long_text);
    list_add(&list, "x%s", long_text);
    assert_int_equal(list.count, 2);
    for (size_t i = 0; i < list.count; i++) {
        json_t *string = json_string(list.items[i]);

        unicode = unicode && string != NULL;
        json_decref(string);
    }
    list_free(&list);
    assert_true(unicode);
}

TEST(a_list_remembers_that_memory_was_short)
{
    for (size_t number = 1; number <= 2; number++) {
        struct list list = {0};

        list_add(&list, "one");
        memory_fail_at(number);
        list_add(&list, "two");
        memory_fail_at(0);
        assert_true(list.failed);
        assert_int_equal(list.count, 1);
        assert_string_equal(list.items[0], "one");
        list_free(&list);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_wins),
        cmocka_unit_test(a_cleared_error_takes_the_next_one),
        cmocka_unit_test(every_kind_has_its_name_and_a_meaning),
        cmocka_unit_test(what_every_later_account_would_meet_ends_a_list),
        cmocka_unit_test(a_refused_credential_ends_a_list_and_a_missing_one_does_not),
        cmocka_unit_test(an_error_that_is_too_long_is_still_unicode),
        cmocka_unit_test(a_list_keeps_its_order_and_says_nothing_twice),
        cmocka_unit_test(a_list_is_put_into_the_order_of_its_bytes),
        cmocka_unit_test(a_list_entry_that_is_too_long_is_still_unicode),
        cmocka_unit_test(a_list_remembers_that_memory_was_short),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/error, base/list", tests, NULL, NULL);
}
