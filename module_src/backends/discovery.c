/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/discovery.h"

#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/backend.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/container.h"

/* Between two looks at a container that is still to come. */
#define PAUSE_MS 500

/* One search over the sources of all backends. */
struct search {
    const struct discovery_options *options;
    struct engine_options engine; /* files are read by its word: it must be ours */
    struct found *found;
    struct error trouble;   /* the first; it counts when nothing is found */
    struct text looked_for; /* "/etc/..., container matrix-synapse" */
};

static void
note_place(struct search *search, const char *what, const char *name)
{
    text_append_format(&search->looked_for, "%s%s%s",
        search->looked_for.length > 0 ? ", " : "", what, name);
}

/* Two deployments on one machine: which is meant is not for us to guess. */
static int
refuse_second(const struct found *first, const struct found *second, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "this machine has more than one homeserver: that of %s and that of %s; say with url or "
        "container which one is meant",
        first->files.items[0], second->files.items[0]);
}

/* Reads one configuration, and keeps it when there is one. */
static int
read_place(struct search *search, const struct discovery_source *source,
    const struct config_place *place, struct error *error)
{
    struct found one = {.server = source->server};
    int absent = 0;
    int result = source->read(place, &one, &absent, error);

    if (result == 0 && !absent && place->container != NULL)
        result = found_text(&one.container, error, "%s", place->container);
    if (result == 0 && !absent && one.files.failed)
        result = error_no_memory(error);
    if (result == 0 && !absent && search->found->is_there)
        result = refuse_second(search->found, &one, error);
    if (result != 0 || absent) {
        found_free(&one);
        return result;
    }
    one.is_there = true;
    *search->found = one;
    return 0;
}

/* A container that has to be there, and to run. */
static int
read_in_container(struct search *search, const struct discovery_source *source,
    const char *name, const char *file, struct error *error)
{
    struct engine_container container = {0};
    const struct config_place place = {
        .file = file,
        .container = name,
        .mounts = &container,
    };
    int result = container_inspect(&search->engine, name, &container, error);

    if (result == 0)
        result = read_place(search, source, &place, error);
    engine_container_free(&container);
    return result;
}

/* A container that may be there. */
static int
try_container(struct search *search, const struct discovery_source *source,
    const char *name, struct error *error)
{
    struct engine_container container = {0};
    enum engine_answer answer;
    int result;

    note_place(search, "container ", name);
    result = engine_inspect(&search->engine, name, &container, &answer, error);
    engine_container_free(&container);
    if (result != 0 || answer != ENGINE_HAS_IT)
        return result;
    return read_in_container(search, source, name, source->container_file, error);
}

static bool
is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

/* A file of this machine. One that is mounted into a container is read by way
 * of that, since what it says holds inside of it. */
static int
try_file(struct search *search, const struct discovery_source *source,
    const struct discovery_place *usual, struct error *error)
{
    const struct config_place place = {.file = usual->file, .folder = usual->folder};
    const char *known = search->found->container;

    note_place(search, "", usual->file);
    if (usual->container == NULL)
        return read_place(search, source, &place, error);
    if (!is_there(usual->file) || (known != NULL && strcmp(known, usual->container) == 0))
        return 0;
    return read_in_container(search, source, usual->container, source->container_file,
        error);
}

/* What ends a search at once: no other place would be better. */
static bool
ends_search(const struct error *trouble)
{
    return trouble->kind == ERROR_MEMORY || trouble->kind == ERROR_INTERRUPTED;
}

/* One step of the search; its trouble counts only when nothing is found. */
static int
go_on(struct search *search, const struct error *trouble, struct error *error)
{
    if (ends_search(trouble)) {
        *error = *trouble;
        return -1;
    }
    if (trouble->kind != ERROR_NONE && search->trouble.kind == ERROR_NONE)
        search->trouble = *trouble;
    return 0;
}

static int
search_source(struct search *search, const struct discovery_source *source,
    struct error *error)
{
    for (size_t i = 0; source->containers[i] != NULL; i++) {
        struct error trouble = {0};

        try_container(search, source, source->containers[i], &trouble);
        if (go_on(search, &trouble, error) != 0)
            return -1;
    }
    for (size_t i = 0; source->places[i].file != NULL; i++) {
        struct error trouble = {0};

        try_file(search, source, &source->places[i], &trouble);
        if (go_on(search, &trouble, error) != 0)
            return -1;
    }
    return 0;
}

static int
search_machine(struct search *search, struct error *error)
{
    char engines[400];

    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (backend_types[i]->source != NULL &&
            search_source(search, backend_types[i]->source, error) != 0)
            return -1;
    if (search->trouble.kind != ERROR_NONE) {
        *error = search->trouble;
        return -1;
    }
    if (search->found->is_there)
        return 0;
    if (search->looked_for.failed)
        return error_no_memory(error);
    engine_places(&search->engine, engines, sizeof(engines));
    return error_set(error, ERROR_INVALID,
        "nothing says where the homeserver is, and this machine has none that could be found "
        "(looked for: %s; container engines at %s); give url, unix_socket or container",
        search->looked_for.length > 0 ? search->looked_for.bytes : "nothing", engines);
}

static int
search_container(struct search *search, struct error *error)
{
    const char *name = search->options->container;

    for (size_t i = 0; backend_types[i] != NULL; i++) {
        const struct discovery_source *source = backend_types[i]->source;

        if (source == NULL)
            continue;
        note_place(search, "", source->container_file);
        if (read_in_container(search, source, name, source->container_file, error) != 0)
            return -1;
    }
    if (search->found->is_there)
        return 0;
    if (search->looked_for.failed)
        return error_no_memory(error);
    return error_set(error, ERROR_INVALID,
        "the container %s has no configuration of a homeserver that could be found (looked "
        "for: %s); give url, and what opens the server",
        name, search->looked_for.bytes);
}

static int
search_once(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    struct search search = {.options = options, .engine = options->engine, .found = found};
    int result;

    search.engine.own_only = true;
    result = options->container != NULL ? search_container(&search, error)
                                        : search_machine(&search, error);
    text_free(&search.looked_for);
    return result;
}

int
discovery_run(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    long long end = stop_clock_ms() + options->wait_timeout_ms;

    memset(found, 0, sizeof(*found));
    for (;;) {
        struct error failure = {0};

        if (search_once(options, found, &failure) == 0)
            return 0;
        found_free(found);
        if (failure.kind != ERROR_UNREACHABLE || stop_clock_ms() >= end ||
            stop_sleep_ms(PAUSE_MS) != 0) {
            *error = failure;
            return -1;
        }
    }
}
