/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "found_trial.h"

#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/synapse/homeserver_yaml.h"
#include "private_place.h"

struct found found;

int
found_make(void **state)
{
    return place_make(state) != 0 || mkdir(place_path("conf.d"), 0700) != 0;
}

int
found_remove(void **state)
{
    found_free(&found);
    return place_remove(state);
}

static void
assert_tells_no_secret(const struct error *error)
{
    const char *const texts[] = {found.container, found.server_name, found.url,
        found.unix_socket, found.address, found.secret_from, found.secret_trouble.text,
        error->text};

    for (size_t i = 0; i < COUNT(texts); i++)
        if (texts[i] != NULL)
            assert_not_in(SECRET, texts[i]);
}

static int
read_place(const struct config_place *place, struct error *error)
{
    int absent = 0;
    int result;

    found_free(&found);
    result = homeserver_yaml_source.read(place, &found, &absent, error);
    assert_int_equal(result == 0, error->kind == ERROR_NONE);
    assert_tells_no_secret(error);
    return result == 0 && absent ? 1 : result;
}

int
found_read(struct error *error)
{
    char file[300], folder[300];
    const struct config_place place = {.file = file, .folder = folder};

    snprintf(file, sizeof(file), "%s", place_path("homeserver.yaml"));
    snprintf(folder, sizeof(folder), "%s", place_path("conf.d"));
    return read_place(&place, error);
}

int
found_try(const char *yaml, struct error *error)
{
    place_write("homeserver.yaml", yaml, 0600);
    return found_read(error);
}

int
found_try_inside(const char *yaml, struct error *error)
{
    char source[300], destination[] = "/data";
    struct engine_mount mount = {.source = source, .destination = destination};
    const struct engine_container container = {.mounts = &mount, .mount_count = 1};
    const struct config_place place = {
        .file = "/data/homeserver.yaml", .container = "synapse", .mounts = &container};

    snprintf(source, sizeof(source), "%s", place_path(""));
    place_write("homeserver.yaml", yaml, 0600);
    return read_place(&place, error);
}

void
found_well(const char *yaml)
{
    struct error error = {0};

    if (found_try(yaml, &error) != 0)
        fail_msg("%s\n%s", yaml, error.text);
}

void
found_refused(const char *yaml, unsigned line, const char *words)
{
    char start[400];
    struct error error = {0};

    if (found_try(yaml, &error) == 0)
        fail_msg("not refused: %s", yaml);
    assert_kind(&error, ERROR_INVALID);
    if (line == 0)
        snprintf(start, sizeof(start), "%s", place_path("homeserver.yaml"));
    else
        snprintf(start, sizeof(start), "%s, line %u: ", place_path("homeserver.yaml"), line);
    if (strncmp(error.text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", error.text, start);
    assert_in(words, error.text);
}

const char *
found_with(const char *lines)
{
    static char yaml[3000];

    snprintf(yaml, sizeof(yaml), "%s" NAME LISTENERS, lines);
    return yaml;
}
