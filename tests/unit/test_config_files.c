/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * base/config.h over files of YAML: fixtures/yaml/good and fixtures/yaml/bad.
 * A good one has beside it what it is, as JSON; test_config.py gives all of
 * them to PyYAML, which is to find the same.
 */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/memory.h"

#define FOLDER "tests/unit/fixtures/yaml"

static struct config *
read_path(const char *path, struct error *error)
{
    struct config *config;
    int file = open(path, O_RDONLY);

    assert_true(file >= 0);
    config = config_read(file, path, error);
    assert_int_equal(close(file), 0);
    return config;
}

/* What the functions of the header say that a value is; as plain() does it in
 * test_config.py. */
static json_t *
plain(const struct config_value *value)
{
    struct error error = {0};
    long long integer;
    const char *text;
    double real;
    bool truth;
    json_t *list;

    switch (config_kind(value)) {
    case CONFIG_NULL:
        return json_null();
    case CONFIG_BOOLEAN:
        assert_int_equal(config_boolean(value, "it", &truth, &error), 0);
        return json_boolean(truth);
    case CONFIG_INTEGER:
        if (config_integer(value, "it", &integer, &error) != 0)
            return json_pack("{s:n}", "integer");
        return json_integer(integer);
    case CONFIG_REAL:
        if (config_real(value, "it", &real, &error) != 0)
            return json_pack("{s:n}", "real");
        return json_pack("{s:f}", "real", real);
    case CONFIG_TEXT:
        assert_int_equal(config_text(value, "it", &text, &error), 0);
        return json_string(text);
    case CONFIG_OTHER:
        return json_pack("{s:n}", "other");
    case CONFIG_SEQUENCE:
        list = json_array();
        for (size_t i = 0; i < config_count(value); i++)
            json_array_append_new(list, plain(config_item(value, i)));
        return list;
    default:
        list = json_array();
        for (size_t i = 0; i < config_count(value); i++)
            json_array_append_new(list, json_pack("[o, o]", plain(config_key(value, i)),
                plain(config_item(value, i))));
        return json_pack("{s:o}", "mapping", list);
    }
}

static void
assert_is_as_expected(const char *path)
{
    size_t stem = strlen(path) - strlen(".yaml");
    struct error error = {0};
    char expected_path[300];
    struct config *config = read_path(path, &error);
    json_t *expected, *got;

    snprintf(expected_path, sizeof(expected_path), "%.*s.json", (int)stem, path);
    expected = json_load_file(expected_path, JSON_DECODE_ANY, NULL);
    if (config == NULL || expected == NULL)
        fail_msg("%s: %s", config == NULL ? path : expected_path, error.text);
    got = plain(config_root(config));
    if (!json_equal(got, expected)) {
        char *shown = json_dumps(got, JSON_ENCODE_ANY | JSON_INDENT(1));

        print_message("%s\n", shown);
        memory_free(shown);
        fail_msg("%s is something else than PyYAML says", path);
    }
    json_decref(got);
    json_decref(expected);
    config_free(config);
}

static void
assert_is_refused(const char *path)
{
    struct error error = {0};
    struct config *config = read_path(path, &error);

    if (config != NULL)
        fail_msg("%s is not refused", path);
    assert_kind(&error, ERROR_INVALID);
    if (strncmp(error.text, path, strlen(path)) != 0 ||
        strncmp(error.text + strlen(path), ", line ", 7) != 0)
        fail_msg("%s: no file and line in: %s", path, error.text);
}

static void
for_each_file(const char *folder, void (*check)(const char *path))
{
    DIR *opened = opendir(folder);
    const struct dirent *entry;
    size_t files = 0;

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) {
        const char *ending = strrchr(entry->d_name, '.');
        char path[300];

        if (ending == NULL || strcmp(ending, ".yaml") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check(path);
        files++;
    }
    closedir(opened);
    assert_true(files > 10);
}

TEST(a_good_file_is_what_pyyaml_takes_it_for)
{
    for_each_file(FOLDER "/good", assert_is_as_expected);
}

TEST(a_bad_file_is_refused_with_its_path_and_line)
{
    for_each_file(FOLDER "/bad", assert_is_refused);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_what_pyyaml_takes_it_for),
        cmocka_unit_test(a_bad_file_is_refused_with_its_path_and_line),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("base/config over files", tests, NULL, NULL);
}
