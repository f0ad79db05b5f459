/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/discovery.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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
    char unread[PATH_MAX];  /* a configuration that is there and was not read, or "" */
};

static void
note_place(struct search *search, const char *what, const char *name)
{
    text_append_format(&search->looked_for, "%s%s%s",
        search->looked_for.length > 0 ? ", " : "", what, name);
}

/* Two deployments on one machine: which is meant is not for us to guess. */
static int
refuse_second(const char *first, const char *second, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "this machine has more than one homeserver: that of %.400s and that of %.400s; say "
        "with url or container which one is meant",
        first, second);
}

/* Where a deployment is that could not be read to its end. */
static void
note_unread(struct search *search, const char *file)
{
    if (search->unread[0] == '\0')
        snprintf(search->unread, sizeof(search->unread), "%s", file);
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
    if (result != 0 && one.files.count > 0)
        note_unread(search, one.files.items[0]);
    if (result == 0 && !absent && search->found->is_there) {
        note_unread(search, one.files.items[0]);
        absent = 1;
    }
    if (result != 0 || absent) {
        found_free(&one);
        return result;
    }
    one.is_there = true;
    *search->found = one;
    return 0;
}

static int
read_in_container(struct search *search, const struct discovery_source *source,
    const char *name, const struct engine_container *container, struct error *error)
{
    const struct config_place place = {
        .file = source->container_file,
        .container = name,
        .mounts = container,
    };

    return read_place(search, source, &place, error);
}

/* A container that has to be there, and to run. */
static int
read_container(struct search *search, const struct discovery_source *source,
    const char *name, struct error *error)
{
    struct engine_container container = {0};
    int result = container_inspect(&search->engine, name, &container, error);

    if (result == 0)
        result = read_in_container(search, source, name, &container, error);
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
    if (result == 0 && answer == ENGINE_HAS_IT)
        result = container.running
                     ? read_in_container(search, source, name, &container, error)
                     : container_missing(name, container.status, error);
    engine_container_free(&container);
    return result;
}

/* Whether a file is there; that a folder above may not be entered is an error. */
static int
look_for(const char *path, bool *is_there, struct error *error)
{
    struct stat status;

    *is_there = stat(path, &status) == 0;
    if (*is_there || (errno != EACCES && errno != EPERM))
        return 0;
    return error_set(error, ERROR_INVALID,
        "cannot look for %s: %s; who runs this must be able to (become)", path,
        strerror(errno));
}

/* A file of this machine. One that is mounted into a container is read by way
 * of that, since what it says holds inside of it. */
static int
try_file(struct search *search, const struct discovery_source *source,
    const struct discovery_place *usual, struct error *error)
{
    const struct config_place place = {.file = usual->file, .folder = usual->folder};
    const char *known = search->found->container;
    bool is_there;

    note_place(search, "", usual->file);
    if (known != NULL && usual->container != NULL && strcmp(known, usual->container) == 0)
        return 0;
    if (look_for(usual->file, &is_there, error) != 0)
        return -1;
    if (!is_there)
        return 0;
    if ((usual->container == NULL
                ? read_place(search, source, &place, error)
                : read_container(search, source, usual->container, error)) == 0)
        return 0;
    note_unread(search, usual->file);
    return -1;
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
    if (search->found->is_there && search->unread[0] != '\0')
        return refuse_second(search->found->files.items[0], search->unread, error);
    if (search->found->is_there)
        return 0;
    if (search->trouble.kind != ERROR_NONE) {
        *error = search->trouble;
        return -1;
    }
    if (search->looked_for.failed)
        return error_no_memory(error);
    engine_places(&search->engine, engines, sizeof(engines));
    return error_set(error, ERROR_INVALID,
        "nothing says where the homeserver is, and this machine has none that could be found "
        "(looked for: %s; container engines at %s); give url, unix_socket or container",
        search->looked_for.length > 0 ? search->looked_for.bytes : "nothing", engines);
}

/* Each of the files that it may have. */
static int
read_each(struct search *search, const char *name, const struct engine_container *container,
    struct error *error)
{
    for (size_t i = 0; backend_types[i] != NULL; i++) {
        const struct discovery_source *source = backend_types[i]->source;

        if (source == NULL)
            continue;
        note_place(search, "", source->container_file);
        if (read_in_container(search, source, name, container, error) != 0)
            return -1;
    }
    return 0;
}

static int
search_container(struct search *search, struct error *error)
{
    const char *name = search->options->container;
    struct engine_container container = {0};
    int result = container_inspect(&search->engine, name, &container, error);

    if (result == 0)
        result = read_each(search, name, &container, error);
    engine_container_free(&container);
    if (result != 0)
        return -1;
    if (search->found->is_there && search->unread[0] != '\0')
        return refuse_second(search->found->files.items[0], search->unread, error);
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
