/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * net/engine_reply.h over replies as files: engine/good, in the shapes of the
 * engines that tests/support/engine_bodies.py names, and engine/bad, with one
 * hostile value each. A file is {"description", "body", "expect" or "error"}.
 */
#include "support.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "net/engine_reply.h"

#define FOLDER "tests/unit/engine"

static json_t *
load(const char *path)
{
    json_error_t reason;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &reason);

    if (file == NULL)
        fail_msg("%s: %s", path, reason.text);
    return file;
}

/* What was read, in the form of "expect". */
static json_t *
describe(const struct engine_container *container)
{
    json_t *addresses = json_array();
    json_t *mounts = json_array();

    for (size_t i = 0; i < container->addresses.count; i++)
        json_array_append_new(addresses, json_string(container->addresses.items[i]));
    for (size_t i = 0; i < container->mount_count; i++)
        json_array_append_new(mounts, json_pack("[s, s]", container->mounts[i].source,
                                          container->mounts[i].destination));
    return json_pack("{s:b, s:s, s:I, s:b, s:s, s:o, s:o}", "running", container->running,
        "status", container->status, "pid", (json_int_t)container->pid, "host_network",
        container->has_host_network, "shares_network_of", container->shares_network_of,
        "addresses", addresses, "mounts", mounts);
}

static void
assert_is_as_expected(const char *path)
{
    json_t *file = load(path);
    const json_t *expected = json_object_get(file, "expect");
    struct engine_container container = {0};
    struct error error = {0};
    json_t *got;

    if (engine_reply_read(json_object_get(file, "body"), &container, &error) != 0)
        fail_msg("%s: %s", path, error.text);
    got = describe(&container);
    if (!json_equal(got, expected)) {
        char *shown = json_dumps(got, JSON_INDENT(1));

        print_message("%s\n", shown);
        memory_free(shown);
        fail_msg("%s is read otherwise", path);
    }
    json_decref(got);
    engine_container_free(&container);
    json_decref(file);
}

/* In the words of the file and in no others, so that nothing is quoted. */
static void
assert_is_refused(const char *path)
{
    json_t *file = load(path);
    struct engine_container container = {0};
    struct error error = {0};

    if (engine_reply_read(json_object_get(file, "body"), &container, &error) == 0)
        fail_msg("%s is not refused", path);
    assert_kind(&error, ERROR_PROTOCOL);
    if (strcmp(error.text, json_string_value(json_object_get(file, "error"))) != 0)
        fail_msg("%s: %s", path, error.text);
    engine_container_free(&container);
    json_decref(file);
}

static void
for_each_file(const char *folder, void (*check)(const char *path))
{
    DIR *opened = opendir(folder);
    const struct dirent *entry;
    size_t files = 0;

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) {
        char path[400];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check(path);
        files++;
    }
    closedir(opened);
    assert_true(files > 20);
}

TEST(what_engines_answer_is_read)
{
    for_each_file(FOLDER "/good", assert_is_as_expected);
}

TEST(a_reply_with_a_hostile_value_is_refused_without_quoting_it)
{
    for_each_file(FOLDER "/bad", assert_is_refused);
}

static int
read_reply(void *context, struct error *error)
{
    struct engine_container container = {0};
    int result = engine_reply_read(context, &container, error);

    engine_container_free(&container);
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    json_t *file = load(FOLDER "/good/docker_bridge.json");

    fail_each_allocation(read_reply, json_object_get(file, "body"));
    json_decref(file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_engines_answer_is_read),
        cmocka_unit_test(a_reply_with_a_hostile_value_is_refused_without_quoting_it),
        cmocka_unit_test(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("net/engine_reply", tests, NULL, NULL);
}
