/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ansible/options.h over argument files: args/good and args/bad. A file is
 * {"description", "schema", "args", "expect" or "error", "warnings", "differs"};
 * in place of "error", "error_start" is how the text begins.
 * Schemas: "test" (unless said otherwise) and "element" are in option_fields.c,
 * matrix_user is the module's own. test_args.py holds the same files against ansible-core;
 * "differs" says why one is not meant to be as there.
 */
#include "support.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ansible/coerce.h"
#include "ansible/options.h"
#include "base/memory.h"
#include "modules/matrix_user.h"
#include "option_fields.h"

#define FOLDER "tests/unit/args"
#define CASES_MOST 300

/* Room for the structs of any schema: 1 KiB each. */
struct parsed {
    union {
        max_align_t alignment;
        char bytes[1024];
    } sets[OPTION_SETS_MOST];
};

#define INTO(parsed) {&(parsed)->sets[0], &(parsed)->sets[1], &(parsed)->sets[2]}

static const struct option_schema *
schema_of(const json_t *file)
{
    const char *name = json_string_value(json_object_get(file, "schema"));

    if (name == NULL)
        return &option_fields_schema;
    return strcmp(name, "element") == 0 ? &option_fields_element_schema : matrix_user_module.schema;
}

static json_t *
load(const char *path)
{
    json_error_t reason;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &reason);

    if (file == NULL)
        fail_msg("%s: %s", path, reason.text);
    assert_non_null(json_object_get(file, "args"));
    return file;
}

/* As expected, where a dictionary may have more than is expected of it, unless
 * it is to be empty. */
static bool
is_as_expected(const json_t *expected, const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;

    if (json_is_array(expected) && json_array_size(expected) == json_array_size(value)) {
        json_array_foreach(expected, i, member)
        {
            if (!is_as_expected(member, json_array_get(value, i)))
                return false;
        }
        return true;
    }
    if (!json_is_object(expected) || json_object_size(expected) == 0)
        return json_equal(expected, value);
    json_object_foreach((json_t *)(uintptr_t)expected, key, member)
    {
        if (!is_as_expected(member, json_object_get(value, key)))
            return false;
    }
    return true;
}

static bool
value_is_right(const json_t *file, const struct option *option, const void *into)
{
    const json_t *expected = json_object_get(json_object_get(file, "expect"), option->name);
    json_t *value = option_fields_to_json(option, into);
    bool right = expected == NULL || is_as_expected(expected, value);

    if (!right) {
        fprintf(stderr, "%s should be ", option->name);
        json_dumpf(expected, stderr, JSON_ENCODE_ANY);
        fputs(", is ", stderr);
        json_dumpf(value, stderr, JSON_ENCODE_ANY);
        fputs("\n", stderr);
    }
    json_decref(value);
    return right;
}

static void
assert_warnings(const json_t *file, const struct list *warnings)
{
    const json_t *expected = json_object_get(file, "warnings");

    assert_int_equal(warnings->count, json_array_size(expected));
    for (size_t i = 0; i < warnings->count; i++)
        assert_string_equal(warnings->items[i], json_string_value(json_array_get(expected, i)));
}

static void
good_file(void **state)
{
    json_t *file = load(*state);
    const struct option_schema *schema = schema_of(file);
    struct parsed parsed = {0};
    void *const into[] = INTO(&parsed);
    struct list warnings = {0};
    struct error error = {0};
    int result =
        options_parse(schema, json_object_get(file, "args"), into, &warnings, &error);
    size_t known = 0, wrong = 0;

    for (size_t i = 0; i < OPTION_SETS_MOST && schema->sets[i] != NULL; i++)
        for (size_t j = 0; result == 0 && j < schema->sets[i]->count; j++) {
            const struct option *option = &schema->sets[i]->options[j];

            known += json_object_get(json_object_get(file, "expect"), option->name) != NULL;
            wrong += !value_is_right(file, option, into[i]);
        }
    options_free(schema, into);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(result, 0);
    assert_int_equal(wrong, 0);
    /* A value expected of an option that is not there would prove nothing. */
    assert_int_equal(known, json_object_size(json_object_get(file, "expect")));
    assert_true(known > 0);
    assert_warnings(file, &warnings);
    list_free(&warnings);
    json_decref(file);
}

/* The text in "error" and no other, or one that begins as "error_start". */
static void
assert_wording(const json_t *file, const struct error *error)
{
    const char *whole = json_string_value(json_object_get(file, "error"));
    const char *begin = json_string_value(json_object_get(file, "error_start"));
    json_t *unicode = json_string(error->text);

    assert_kind(error, ERROR_INVALID);
    assert_not_in("hunter2", error->text);
    if (unicode == NULL)
        fail_msg("half a character is in \"%s\"", error->text);
    json_decref(unicode);
    if (begin == NULL)
        assert_string_equal(error->text, whole);
    else if (strncmp(error->text, begin, strlen(begin)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error->text, begin);
}

static void
bad_file(void **state)
{
    json_t *file = load(*state);
    const struct option_schema *schema = schema_of(file);
    struct parsed parsed = {0};
    void *const into[] = INTO(&parsed);
    struct list warnings = {0};
    struct error error = {0};
    int result =
        options_parse(schema, json_object_get(file, "args"), into, &warnings, &error);

    list_free(&warnings);
    options_free(schema, into);
    assert_wording(file, &error);
    assert_int_equal(result, -1);
    json_decref(file);
}

/* Allocations may fail on every argument file, the good and the bad ones. */
static int
parse_file(void *context, struct error *error)
{
    const json_t *file = context;
    const struct option_schema *schema = schema_of(file);
    struct parsed parsed = {0};
    void *const into[] = INTO(&parsed);
    struct list warnings = {0};
    int result =
        options_parse(schema, json_object_get(file, "args"), into, &warnings, error);

    list_free(&warnings);
    options_free(schema, into);
    return result;
}

static const char *const allocating[] = {FOLDER "/good/everything.json",
    FOLDER "/good/user-defaults.json", FOLDER "/good/alias-and-option.json",
    FOLDER "/good/secret-number.json", FOLDER "/bad/unknown-several.json",
    FOLDER "/bad/choice.json", FOLDER "/bad/secret-nul.json", FOLDER "/bad/together.json",
    FOLDER "/good/lines-text.json", FOLDER "/good/limit-pairs.json",
    FOLDER "/good/limit-json.json", FOLDER "/good/nested.json",
    FOLDER "/good/user-fields.json", FOLDER "/bad/lines-element-nul.json",
    FOLDER "/bad/limit-pairs.json", FOLDER "/bad/nested-unknown.json"};

TEST(options_without_memory_are_an_error)
{
    for (size_t i = 0; i < COUNT(allocating); i++) {
        json_t *file = load(allocating[i]);

        fail_each_allocation(parse_file, file);
        json_decref(file);
    }
}

static void
count_secret(const struct secret *secret, void *context)
{
    assert_true(secret_given(secret));
    ++*(size_t *)context;
}

TEST(only_given_secrets_are_visited)
{
    struct parsed parsed = {0};
    void *const into[] = INTO(&parsed);
    struct list warnings = {0};
    struct error error = {0};
    size_t secrets = 0;
    json_t *args = json_pack("{s:s, s:s, s:s, s:s, s:s}", "url", "http://h", "username", "a",
        "password", "p", "access_token", "t", "displayname", "d");

    assert_int_equal(
        options_parse(matrix_user_module.schema, args, into, &warnings, &error), 0);
    options_secrets(matrix_user_module.schema, into, count_secret, &secrets);
    assert_int_equal(secrets, 2);
    options_free(matrix_user_module.schema, into);
    json_decref(args);
}

TEST(secrets_of_dictionaries_are_visited_however_deep)
{
    struct parsed parsed = {0};
    void *const into[] = INTO(&parsed);
    struct list warnings = {0};
    struct error error = {0};
    size_t secrets = 0;
    json_t *args = json_pack("{s:s, s:s, s:[{s:s}, {s:s, s:[{s:s,s:s}, {s:s,s:s,s:s}]}]}",
        "must", "x", "token", "t", "items", "key", "a", "key", "b", "ids", "key", "c", "must",
        "d", "key", "e", "must", "f", "token", "u");

    assert_int_equal(options_parse(&option_fields_schema, args, into, &warnings, &error), 0);
    options_secrets(&option_fields_schema, into, count_secret, &secrets);
    assert_int_equal(secrets, 2);
    options_free(&option_fields_schema, into);
    options_free(&option_fields_schema, into); /* all zeroes by now */
    json_decref(args);
}

/* os.path.expandvars, then os.path.expanduser: as ansible-core's check_type_path. */
TEST(a_path_is_expanded_as_python_does)
{
    static const struct {
        const char *given, *expanded;
    } table[] = {
        {"~", "/home/x"},
        {"~/a", "/home/x/a"},
        {"a~", "a~"},
        {"/~/a", "/~/a"},
        {"~nobody-of-that-name/a", "~nobody-of-that-name/a"},
        {"$REGISTRAR_TEST/a", "value/a"},
        {"${REGISTRAR_TEST}a", "valuea"},
        {"a$REGISTRAR_TEST$REGISTRAR_TEST", "avaluevalue"},
        {"$REGISTRAR_UNSET/a", "$REGISTRAR_UNSET/a"},
        {"${REGISTRAR_UNSET}/a", "${REGISTRAR_UNSET}/a"},
        {"a$", "a$"},
        {"a$/b", "a$/b"},
        {"${", "${"},
        {"${}", "${}"},
        {"$$REGISTRAR_TEST", "$value"},
        {"$REGISTRAR_DOLLAR", "$REGISTRAR_TEST"},
        {"$REGISTRAR_TILDE/a", "/home/x/a"},
        {"", ""},
    };
    size_t wrong = 0;

    setenv("HOME", "/home/x", 1);
    setenv("REGISTRAR_TEST", "value", 1);
    setenv("REGISTRAR_DOLLAR", "$REGISTRAR_TEST", 1);
    setenv("REGISTRAR_TILDE", "~", 1);
    unsetenv("REGISTRAR_UNSET");
    for (size_t i = 0; i < COUNT(table); i++) {
        char *expanded = coerce_path(table[i].given);

        assert_non_null(expanded);
        if (strcmp(expanded, table[i].expanded) != 0) {
            print_error("%s became %s, not %s\n", table[i].given, expanded, table[i].expanded);
            wrong++;
        }
        memory_free(expanded);
    }
    assert_int_equal(wrong, 0);
}

static const char described[] =
    "{'must': {'type': 'str', 'required': true},"
    " 'text': {'type': 'str', 'aliases': ['words', 'phrase']},"
    " 'token': {'type': 'str', 'no_log': true},"
    " 'number': {'type': 'int', 'default': 7},"
    " 'colour': {'type': 'str', 'default': 'green', 'choices': ['red', 'green', 'blue']},"
    " 'lines': {'type': 'list', 'elements': 'str'},"
    " 'limit': {'type': 'dict', 'suboptions': {"
    "   'number': {'type': 'int'},"
    "   'text': {'type': 'str', 'aliases': ['words', 'phrase']},"
    "   'flag': {'type': 'bool'}},"
    "  'required_together': [['number', 'text']],"
    "  'mutually_exclusive': [['number', 'flag']]},"
    " 'items': {'type': 'list', 'elements': 'dict', 'suboptions': {"
    "   'key': {'type': 'str', 'required': true},"
    "   'flag': {'type': 'bool'},"
    "   'colour': {'type': 'str', 'default': 'green', 'choices': ['red', 'green', 'blue']},"
    "   'lines': {'type': 'list', 'elements': 'str'},"
    "   'ids': {'type': 'list', 'elements': 'dict', 'suboptions': {"
    "     'key': {'type': 'str', 'required': true},"
    "     'must': {'type': 'str', 'required': true},"
    "     'token': {'type': 'str', 'no_log': true},"
    "     'colour': {'type': 'str', 'default': 'green',"
    "       'choices': ['red', 'green', 'blue']}}}}}}";

TEST(the_description_has_what_the_table_has)
{
    json_t *description = options_describe(&option_fields_schema);
    json_t *expected = json_pack("{s:s, s:[[s,s]], s:[], s:[[s,s]], s:{s:[s,s]}}", "module",
        "test", "mutually_exclusive", "text", "items", "required_one_of", "required_together",
        "one", "other", "required_by", "first", "second", "third");
    json_t *options = json_incref(json_object_get(description, "options"));
    json_t *expected_options = option_fields_load(described);
    const char *name;
    json_t *option;

    assert_non_null(options);
    assert_int_equal(json_object_size(options), option_fields_schema.sets[0]->count);
    json_object_foreach(expected_options, name, option)
    {
        if (!json_equal(option, json_object_get(options, name)))
            fail_msg("%s is described in another way", name);
    }
    json_object_del(description, "options");
    assert_true(json_equal(description, expected));
    json_decref(options);
    json_decref(expected_options);
    json_decref(expected);
    json_decref(description);
}

static int
describe(void *context, struct error *error)
{
    json_t *description = options_describe(context);

    if (description == NULL)
        return error_no_memory(error);
    json_decref(description);
    return 0;
}

TEST(a_description_is_whole_or_there_is_none)
{
    fail_each_allocation(describe, (void *)(uintptr_t)&option_fields_schema);
}

static struct CMUnitTest tests[CASES_MOST];
static size_t test_count;

/* A test for each file of a folder, called by its description and its name. */
static void
add_files(const char *folder, CMUnitTestFunction function)
{
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    char path[512], name[512];

    if (directory == NULL) {
        fprintf(stderr, "%s: run this in the project's folder\n", folder);
        exit(2);
    }
    while ((entry = readdir(directory)) != NULL) {
        if (strstr(entry->d_name, ".json") == NULL || test_count + 10 > CASES_MOST)
            continue;
        snprintf(path, sizeof(path), "%s/%.200s", folder, entry->d_name);
        snprintf(name, sizeof(name), "%.400s", path + strlen(FOLDER "/"));
        tests[test_count++] = (struct CMUnitTest){
            strdup(name), function, NULL, NULL, strdup(path)};
    }
    closedir(directory);
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(options_without_memory_are_an_error),
        cmocka_unit_test(only_given_secrets_are_visited),
        cmocka_unit_test(secrets_of_dictionaries_are_visited_however_deep),
        cmocka_unit_test(a_path_is_expanded_as_python_does),
        cmocka_unit_test(the_description_has_what_the_table_has),
        cmocka_unit_test(a_description_is_whole_or_there_is_none),
    };
    size_t files;
    int failed;

    use_program_memory();
    add_files(FOLDER "/good", good_file);
    add_files(FOLDER "/bad", bad_file);
    files = test_count;
    for (size_t i = 0; i < COUNT(others); i++)
        tests[test_count++] = others[i];
    failed = _cmocka_run_group_tests("ansible/options", tests, test_count, NULL, NULL);
    for (size_t i = 0; i < files; i++) {
        free((char *)(uintptr_t)tests[i].name);
        free(tests[i].initial_state);
    }
    return failed;
}
