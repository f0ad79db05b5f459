/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/discovery.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/backend.h"
#include "backends/mas/config_yaml.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "net/container.h"

/* Between two looks at a container that is still to come. */
#define PAUSE_MS 500

/* What is looked for: by its name, and what would say where it is. */
struct target {
    const char *what;
    const char *options;
};

static const struct target homeserver = {"homeserver", "url or container"};
static const struct target mas = {
    "Matrix Authentication Service", "mas_url or mas_container"};

/* One search over some sources. */
struct search {
    const struct target *target;
    const struct discovery_source *sources[SERVERS + 1]; /* up to NULL */
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
refuse_second(const struct search *search, struct error *error)
{
    return error_set(error, ERROR_INVALID,
        "this machine has more than one %s: that of %.400s and that of %.400s; say with %s "
        "which one is meant",
        search->target->what, found_place(search->found), search->unread,
        search->target->options);
}

/* Where a deployment is that could not be read to its end. */
static void
note_unread(struct search *search, const char *file)
{
    if (search->unread[0] == '\0')
        snprintf(search->unread, sizeof(search->unread), "%s", file);
}

/* Takes over what was found, unless that is nothing, or the second. */
static int
keep(struct search *search, struct found *one, bool absent, int result)
{
    if (result == 0 && !absent && search->found->is_there) {
        note_unread(search, found_place(one));
        absent = true;
    }
    if (result != 0 || absent) {
        found_free(one);
        return result;
    }
    one->is_there = true;
    *search->found = *one;
    return 0;
}

/* Whether the name of a container is one that the server has. */
static bool
is_name_of(const struct discovery_source *source, const char *container)
{
    for (size_t i = 0; source->containers[i] != NULL; i++)
        if (strcmp(source->containers[i], container) == 0)
            return true;
    return false;
}

/* A server whose container shows no configuration is still where its name says. */
static int
take_container(struct search *search, const struct discovery_source *source,
    const char *name, struct error *error)
{
    struct found one = {.server = source->server};
    bool absent = source->container_port == 0 || !is_name_of(source, name);
    int result = 0;

    if (!absent && (found_text(&one.container, error, "%s", name) != 0 ||
                       found_text(&one.url, error, "http://%s:%d", name,
                           source->container_port) != 0))
        result = -1;
    return keep(search, &one, absent, result);
}

/* Reads one configuration, and keeps it when there is one. */
static int
read_place(struct search *search, const struct discovery_source *source,
    const struct config_place *place, struct error *error)
{
    struct found one = {.server = source->server};
    int absent = 0;
    int result = source->read(place, &one, &absent, error);

    if (result == 0 && absent && place->container != NULL)
        return take_container(search, source, place->container, error);
    if (result == 0 && !absent && place->container != NULL)
        result = found_text(&one.container, error, "%s", place->container);
    if (result == 0 && !absent && one.files.failed)
        result = error_no_memory(error);
    if (result != 0 && one.files.count > 0)
        note_unread(search, one.files.items[0]);
    return keep(search, &one, absent != 0, result);
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

    return source->container_port != 0 && !config_place_reaches(&place, place.file)
               ? take_container(search, source, name, error)
               : read_place(search, source, &place, error);
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

/* Looks everywhere; what there is to say of that is the caller's. */
static int
search_machine(struct search *search, struct error *error)
{
    for (size_t i = 0; search->sources[i] != NULL; i++)
        if (search_source(search, search->sources[i], error) != 0)
            return -1;
    return 0;
}

static int
found_nothing(const struct search *search, struct error *error)
{
    char engines[400];

    if (search->looked_for.failed)
        return error_no_memory(error);
    engine_places(&search->engine, engines, sizeof(engines));
    return error_set(error, ERROR_INVALID,
        "nothing says where the homeserver is, and this machine has none that could be found "
        "(looked for: %s; container engines at %s); give url, unix_socket or container",
        search->looked_for.length > 0 ? search->looked_for.bytes : "nothing", engines);
}

/* Each of the files that it may have. One that is behind none of its mounts is only
 * missed when there is no other. */
static int
read_each(struct search *search, const char *name, const struct engine_container *container,
    struct error *error)
{
    for (size_t i = 0; search->sources[i] != NULL; i++) {
        const char *file = search->sources[i]->container_file;
        const struct config_place place = {.container = name, .mounts = container};
        bool is_hidden = file != NULL && !config_place_reaches(&place, file);
        struct error trouble = {0};

        note_place(search, "", file);
        if (read_in_container(search, search->sources[i], name, container, &trouble) != 0 &&
            (!is_hidden || ends_search(&trouble))) {
            *error = trouble;
            return -1;
        }
        if (trouble.kind != ERROR_NONE && search->trouble.kind == ERROR_NONE)
            search->trouble = trouble;
    }
    return 0;
}

static int
search_container(struct search *search, const char *name, struct error *error)
{
    struct engine_container container = {0};
    int result = container_inspect(&search->engine, name, &container, error);

    if (result == 0)
        result = read_each(search, name, &container, error);
    engine_container_free(&container);
    if (result != 0 || search->found->is_there)
        return result;
    if (search->trouble.kind != ERROR_NONE) {
        *error = search->trouble;
        return -1;
    }
    if (search->looked_for.failed)
        return error_no_memory(error);
    return error_set(error, ERROR_INVALID,
        "the container %s has no configuration of a %s that could be found (looked for: %s); "
        "give %s, and what opens the server",
        name, search->target->what, search->looked_for.bytes,
        search->target == &mas ? "mas_url" : "url");
}

static void
search_begin(struct search *search, const struct target *target,
    const struct discovery_options *options, struct found *found)
{
    *search = (struct search){.target = target, .engine = options->engine, .found = found};
    search->engine.own_only = true;
}

/* The one there is; of two, none. */
static int
conclude(const struct search *search, struct error *error)
{
    if (search->found->is_there)
        return search->unread[0] != '\0' ? refuse_second(search, error) : 0;
    if (search->trouble.kind == ERROR_NONE)
        return 0;
    *error = search->trouble;
    return -1;
}

static int
search_once(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    struct search search;
    size_t count = 0;
    int result;

    search_begin(&search, &homeserver, options, found);
    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (backend_types[i]->source != NULL)
            search.sources[count++] = backend_types[i]->source;
    result = options->container != NULL
                 ? search_container(&search, options->container, error)
                 : search_machine(&search, error);
    if (result == 0)
        result = conclude(&search, error);
    if (result == 0 && !found->is_there)
        result = found_nothing(&search, error);
    text_free(&search.looked_for);
    return result;
}

/* ---- Matrix Authentication Service --------------------------------------------------- */

/* A configuration of another homeserver's is none of ours. */
static int
check_homeserver(const struct found *found, const struct found *one, struct error *error)
{
    if (!one->is_there || one->server_name == NULL || found->server_name == NULL ||
        strcmp(one->server_name, found->server_name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "%.400s is the configuration of a Matrix Authentication Service for \"%.255s\", and "
        "the homeserver is \"%.255s\"; give mas_url",
        one->files.items[0], one->server_name, found->server_name);
}

/* What was found becomes a part of the homeserver's, which has its name from there
 * where nobody else knows it. */
static void
take_mas(struct found *found, struct found *one)
{
    if (found->server_name == NULL) {
        found->server_name = one->server_name;
        one->server_name = NULL;
    }
    found->mas = one->mas;
    found->mas.files = one->files;
    found->mas.container = one->container;
    one->mas = (struct found_mas){0};
    one->files = (struct list){0};
    one->container = NULL;
}

static int
search_mas_once(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    struct found one = {0};
    struct search search;
    int result;

    search_begin(&search, &mas, options, &one);
    search.sources[0] = &config_yaml_source;
    result = options->mas_container != NULL
                 ? search_container(&search, options->mas_container, error)
                 : search_machine(&search, error);
    if (result == 0)
        result = conclude(&search, error);
    if (result == 0)
        result = check_homeserver(found, &one, error);
    if (result == 0 && one.is_there)
        take_mas(found, &one);
    text_free(&search.looked_for);
    found_free(&one);
    return result;
}

/* Whether it is worth looking again before the end of the wait. */
static bool
waits(const struct error *failure, long long end)
{
    return failure->kind == ERROR_UNREACHABLE && stop_clock_ms() < end &&
           stop_sleep_ms(PAUSE_MS) == 0;
}

static int
search_mas(const struct discovery_options *options, long long end, struct found *found,
    struct error *error)
{
    struct error failure;

    do {
        failure = (struct error){0};
        if (search_mas_once(options, found, &failure) == 0)
            return 0;
    } while (options->waits_for_mas && waits(&failure, end));
    if (options->mas_container == NULL && !ends_search(&failure)) {
        found->mas.trouble = failure;
        return 0;
    }
    *error = failure;
    return -1;
}

int
discovery_find_mas(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    return search_mas(options, stop_clock_ms() + options->wait_timeout_ms, found, error);
}

int
discovery_run(const struct discovery_options *options, struct found *found,
    struct error *error)
{
    long long end = stop_clock_ms() + options->wait_timeout_ms;
    struct error failure;
    int result;

    memset(found, 0, sizeof(*found));
    do {
        found_free(found);
        failure = (struct error){0};
        result = search_once(options, found, &failure);
    } while (result != 0 && waits(&failure, end));
    if (result == 0 && found->is_delegated)
        result = search_mas(options, end, found, &failure);
    if (result == 0)
        return 0;
    found_free(found);
    *error = failure;
    return -1;
}
