/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ansible/module_call.h. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ansible/module_call.h"
#include "base/memory.h"

static int
read_bytes(const char *bytes, size_t length, struct module_call *call, struct error *error)
{
    return module_call_read(call, file_with(bytes, length), error);
}

static void
assert_refused(const char *bytes, size_t length)
{
    struct module_call call;
    struct error error = {0};
    int result = read_bytes(bytes, length, &call, &error);

    module_call_free(&call);
    if (result == 0)
        fail_msg("%.60s is taken", bytes);
    assert_kind(&error, ERROR_INVALID);
    assert_not_in("hunter2", error.text);
    assert_not_in("-1", error.text);
}

TEST(parameters_are_read_with_ansibles_own_keys)
{
    static const char bytes[] = "{\"url\": \"http://h\", \"_ansible_check_mode\": true, "
                                "\"_ansible_diff\": false, \"n\": 5}";
    struct module_call call;
    struct error error = {0};

    assert_int_equal(read_bytes(bytes, sizeof(bytes) - 1, &call, &error), 0);
    assert_true(call.check_mode);
    assert_false(call.diff);
    assert_string_equal(json_string_value(json_object_get(call.parameters, "url")),
        "http://h");
    assert_int_equal(json_integer_value(json_object_get(call.parameters, "n")), 5);
    module_call_free(&call);
    module_call_free(&call);
}

/* ansible-core (plugins/action/__init__.py) sends booleans; somebody else may
 * send nothing. */
TEST(neither_check_mode_nor_diff_is_on_unless_it_says_so)
{
    struct module_call call;
    struct error error = {0};

    assert_int_equal(read_bytes("{}", 2, &call, &error), 0);
    assert_false(call.check_mode);
    assert_false(call.diff);
    module_call_free(&call);
}

/* jansson, JSON_ALLOW_NUL: such a document is refused as a whole unless NULs are allowed;
 * options.h then refuses the one value, by its name. */
TEST(a_nul_inside_a_text_is_left_for_the_option_to_refuse)
{
    static const char bytes[] = "{\"a\": \"x\\u0000y\"}";
    struct module_call call;
    struct error error = {0};

    assert_int_equal(read_bytes(bytes, sizeof(bytes) - 1, &call, &error), 0);
    assert_int_equal(json_string_length(json_object_get(call.parameters, "a")), 3);
    module_call_free(&call);
}

TEST(a_file_that_is_missing_is_told)
{
    struct module_call call;
    struct error error = {0};

    assert_int_equal(module_call_read(&call, "/nonexistent/arguments", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    module_call_free(&call);
    error_clear(&error);
    assert_int_equal(module_call_read(&call, "/tmp", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    module_call_free(&call);
}

TEST(what_is_not_one_json_object_is_refused_and_never_quoted)
{
    static const char *const table[] = {"", " ", "hunter2", "{\"password\": \"hunter2\"",
        "{\"password\": hunter2}", "{\"password\": \"hunter2\"} x",
        "{\"password\": \"hunter2\"}{}", "\xef\xbb\xbf{}", "{'password': 'hunter2'}",
        "{\"hunter2\": NaN}", "{\"hunter2\": Infinity}", "{\"hunter2\": -Infinity}",
        "{\"hunter2\": 9223372036854775808}", "{\"hunter2\": -9223372036854775809}",
        "{\"hunter2\": 1e999}", "{\"password\": \"hunter2\\ud800\"}",
        "{\"password\": \"hunter2\\udc00\"}", "{\"password\": \"hunter2\\ud800\\u0041\"}",
        "{\"password\": \"hunter2\xff\"}", "{\"password\": \"hunter2\xed\xa0\x80\"}",
        "{\"password\": \"hunter2\n\"}", "{\"hunter2\\u0000\": 1}", "{\"a\": 01}",
        "{\"password\": \"hunter2\",}", "{\"a\": 0x10, \"b\": \"hunter2\"}"};

    for (size_t i = 0; i < COUNT(table); i++)
        assert_refused(table[i], strlen(table[i]));
    assert_refused("{}\0", 3);
    assert_refused("\0", 1);
}

/* json.dumps of something else is valid JSON, so there is no line to name. */
TEST(json_that_is_no_object_is_refused_without_a_made_up_place)
{
    static const char *const table[] = {"[\"hunter2\"]", "[]"};

    for (size_t i = 0; i < COUNT(table); i++)
        assert_refused(table[i], strlen(table[i]));
}

TEST(the_largest_integers_are_taken)
{
    static const char bytes[] = "{\"a\": 9223372036854775807, \"b\": -9223372036854775808}";
    struct module_call call;
    struct error error = {0};

    assert_int_equal(read_bytes(bytes, sizeof(bytes) - 1, &call, &error), 0);
    module_call_free(&call);
}

static char *
nested(size_t depth)
{
    char *text = memory_zeroed(1, 2 * depth + 16);

    assert_non_null(text);
    strcpy(text, "{\"a\": ");
    memset(text + 6, '[', depth);
    memset(text + 6 + depth, ']', depth);
    text[6 + 2 * depth] = '}';
    return text;
}

TEST(parameters_that_are_too_deep_are_refused)
{
    char *text = nested(100000);

    assert_refused(text, strlen(text));
    memory_free(text);
}

TEST(parameters_that_are_too_large_are_refused)
{
    struct module_call call;
    struct error error = {0};
    const char *path = file_with("{}", 2);

    /* Full of holes: it takes no room on the disk. */
    assert_int_equal(truncate(path, (off_t)MODULE_ARGUMENTS_LIMIT + 1), 0);
    assert_int_equal(module_call_read(&call, path, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("32 MiB", error.text);
    module_call_free(&call);
}

TEST(the_module_is_the_last_part_of_its_name)
{
    static const struct {
        const char *name, *program, *expected;
    } table[] = {
        {"matrix_user", "/x/other", "matrix_user"},
        {"registrar.matrix.matrix_user", "/x/other", "matrix_user"},
        {"ansible.legacy.matrix_user", "/x/other", "matrix_user"},
        {NULL, "matrix_user", "matrix_user"},
        {NULL, "/home/u/.ansible/tmp/a-1/matrix_user", "matrix_user"},
        {NULL, "/home/u/.ansible/tmp/a-1/AnsiballZ_matrix_user", "matrix_user"},
        {NULL, "AnsiballZ_matrix_user", "matrix_user"},
        {NULL, "./AnsiballZ_x/matrix_user", "matrix_user"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct module_call call = {.parameters = json_object()};

        if (table[i].name != NULL)
            json_object_set_new(call.parameters, "_ansible_module_name",
                json_string(table[i].name));
        assert_string_equal(module_call_name(&call, table[i].program), table[i].expected);
        module_call_free(&call);
    }
}

TEST(a_module_name_that_is_no_text_is_none)
{
    struct module_call call = {.parameters = json_pack("{s:i}", "_ansible_module_name", 5)};

    assert_string_equal(module_call_name(&call, "/x/matrix_user"), "matrix_user");
    module_call_free(&call);
}

static int
read_call(void *context, struct error *error)
{
    struct module_call call;
    int result = module_call_read(&call, context, error);

    module_call_free(&call);
    return result;
}

TEST(a_call_without_memory_to_read_it_is_an_error_of_ours)
{
    static const char bytes[] = "{\"url\": \"http://h\", \"users\": [{\"name\": \"a\", "
                                "\"password\": \"hunter2\\n\"}, [1.5, true, null]]}";

    fail_each_allocation(read_call,
        (void *)(uintptr_t)file_with(bytes, sizeof(bytes) - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_read_with_ansibles_own_keys),
        cmocka_unit_test(neither_check_mode_nor_diff_is_on_unless_it_says_so),
        cmocka_unit_test(a_nul_inside_a_text_is_left_for_the_option_to_refuse),
        cmocka_unit_test(a_file_that_is_missing_is_told),
        cmocka_unit_test(what_is_not_one_json_object_is_refused_and_never_quoted),
        cmocka_unit_test(json_that_is_no_object_is_refused_without_a_made_up_place),
        cmocka_unit_test(the_largest_integers_are_taken),
        cmocka_unit_test(parameters_that_are_too_deep_are_refused),
        cmocka_unit_test(parameters_that_are_too_large_are_refused),
        cmocka_unit_test(the_module_is_the_last_part_of_its_name),
        cmocka_unit_test(a_module_name_that_is_no_text_is_none),
        cmocka_unit_test(a_call_without_memory_to_read_it_is_an_error_of_ours),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ansible/module_call", tests, NULL, NULL);
}
