/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mas_config_trial.h"

#include "support.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/config_yaml.h"
#include "private_place.h"

struct found mas_found;

int
mas_remove(void **state)
{
    found_free(&mas_found);
    return place_remove(state);
}

static int
read_place(const struct config_place *place, struct error *error)
{
    int absent = 0;
    int result;

    found_free(&mas_found);
    result = config_yaml_source.read(place, &mas_found, &absent, error);
    assert_int_equal(result == 0, error->kind == ERROR_NONE);
    assert_not_in(SECRET, error->text);
    assert_not_in(SECRET, mas_found.mas.client_trouble.text);
    assert_not_in(SECRET, mas_found.mas.database.trouble.text);
    assert_not_in(SECRET, mas_found.mas.schemes_trouble.text);
    return result == 0 && absent ? 1 : result;
}

int
mas_read_here(struct error *error)
{
    char file[300];
    const struct config_place place = {.file = file};

    snprintf(file, sizeof(file), "%s", place_path("config.yaml"));
    return read_place(&place, error);
}

const struct found_mas *
mas_well(const char *yaml)
{
    struct error error = {0};

    place_write("config.yaml", yaml, 0600);
    if (mas_read_here(&error) != 0)
        fail_msg("%s\n%s", yaml, error.text);
    return &mas_found.mas;
}

int
mas_read_inside(const char *destination, struct error *error)
{
    char source[300], mounted[100];
    struct engine_mount mount = {.source = source, .destination = mounted};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/config.yaml", .container = "mas", .mounts = &container};
    bool is_file = strcmp(destination, "/config.yaml") == 0;

    snprintf(source, sizeof(source), "%s", place_path(is_file ? "config.yaml" : ""));
    snprintf(mounted, sizeof(mounted), "%s", destination);
    return read_place(&place, error);
}

const struct found_mas *
mas_well_inside(const char *yaml)
{
    struct error error = {0};

    place_write("config.yaml", yaml, 0600);
    if (mas_read_inside("/data", &error) != 0)
        fail_msg("%s\n%s", yaml, error.text);
    return &mas_found.mas;
}

void
mas_refused(const char *yaml, unsigned line, const char *words)
{
    char start[400];
    struct error error = {0};

    place_write("config.yaml", yaml, 0600);
    if (mas_read_here(&error) == 0)
        fail_msg("not refused: %s", yaml);
    assert_kind(&error, ERROR_INVALID);
    snprintf(start, sizeof(start), "%s, line %u: ", place_path("config.yaml"), line);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error.text, start);
    assert_in(words, error.text);
}

void
mas_assert_text(const char *expected, const char *text)
{
    if (expected == NULL)
        assert_null(text);
    else if (text == NULL)
        fail_msg("there is no %s", expected);
    else
        assert_string_equal(expected, text);
}
