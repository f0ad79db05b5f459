/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/engine.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/engine_reply.h"
#include "net/engine_talk.h"

#define NAME_LONGEST 255
#define SOCKETS 2
#define SOCKET_LONGEST 64

/* Where the engines of who we are listen. */
struct places {
    char sockets[SOCKETS][SOCKET_LONGEST];
};

static void
find_places(struct places *places)
{
    /* Of its distributions' units and, without root, of their installers. */
    static const char *const names[SOCKETS] = {"docker.sock", "podman/podman.sock"};
    long user = (long)geteuid();

    for (size_t i = 0; i < SOCKETS; i++)
        if (user == 0)
            snprintf(places->sockets[i], SOCKET_LONGEST, "/run/%s", names[i]);
        else
            snprintf(places->sockets[i], SOCKET_LONGEST, "/run/user/%ld/%s", user, names[i]);
}

void
engine_places(const struct engine_options *options, char *buffer, size_t size)
{
    struct places places;

    find_places(&places);
    if (options->socket != NULL)
        snprintf(buffer, size, "%s", options->socket);
    else
        snprintf(buffer, size, "%s or %s", places.sockets[0], places.sockets[1]);
}

/* As Docker (daemon/names) and Podman (libpod/define) have it. */
static int
check_name(const char *name, struct error *error)
{
    size_t length = strlen(name);
    bool valid = length > 0 && length <= NAME_LONGEST && isalnum((unsigned char)name[0]);

    for (size_t i = 0; valid && i < length; i++)
        valid = isalnum((unsigned char)name[i]) || strchr("_.-", name[i]) != NULL;
    if (valid)
        return 0;
    return error_set(error, ERROR_INVALID,
        "container is the name or the id of a container: letters, digits, and _ . - behind "
        "the first");
}

static int
take_reply(const struct engine_talk *talk, const struct http_reply *reply,
    struct engine_container *container, enum engine_answer *answer, struct error *error)
{
    struct error failure = {0};
    json_t *body = NULL;
    int result = engine_talk_read(reply, &body, error);

    if (result == 0 && reply->status == 404 &&
        json_is_string(json_object_get(body, "message"))) {
        *answer = ENGINE_HAS_NOT;
    } else if (result == 0 && reply->status != 200) {
        result = engine_talk_refused(talk, reply, body, error);
    } else if (result == 0 && engine_reply_read(body, container, &failure) != 0) {
        result = engine_talk_failed(talk, &failure, error);
    } else if (result == 0) {
        *answer = ENGINE_HAS_IT;
        snprintf(container->socket, sizeof(container->socket), "%s", talk->socket);
    }
    json_decref(body);
    return result;
}

static int
ask(const struct engine_options *options, const char *socket, const char *name,
    struct engine_container *container, enum engine_answer *answer, struct error *error)
{
    const struct engine_talk talk = {
        .socket = socket,
        .own_only = options->socket == NULL || options->own_only,
        .timeout_ms = options->timeout_ms,
    };
    struct http_request request = {.method = "GET"};
    struct http_reply reply = {0};
    struct text path = {0};
    int result = -1;

    text_append_format(&path, "/containers/%s/json", name);
    request.path = path.bytes;
    if (path.failed)
        error_no_memory(error);
    else if (engine_talk_send(&talk, &request, &reply, error) == 0)
        result = take_reply(&talk, &reply, container, answer, error);
    /* It was only asked; and the request that it was asked for has not gone out. */
    if (result != 0)
        error->maybe_done = false;
    http_reply_free(&reply);
    text_free(&path);
    return result;
}

static bool
is_there(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0;
}

bool
engine_is_there(const struct engine_options *options)
{
    struct places places;
    bool found = false;

    if (options->socket != NULL)
        return is_there(options->socket);
    find_places(&places);
    for (size_t i = 0; i < SOCKETS && !found; i++)
        found = is_there(places.sockets[i]);
    return found;
}

int
engine_inspect(const struct engine_options *options, const char *name,
    struct engine_container *container, enum engine_answer *answer, struct error *error)
{
    struct error first = {0};
    struct places places;

    memset(container, 0, sizeof(*container));
    *answer = ENGINE_NONE;
    if (check_name(name, error) != 0)
        return -1;
    if (options->socket != NULL)
        return ask(options, options->socket, name, container, answer, error);
    find_places(&places);
    for (size_t i = 0; i < SOCKETS && *answer != ENGINE_HAS_IT; i++) {
        struct error failure = {0};

        if (!is_there(places.sockets[i]) ||
            ask(options, places.sockets[i], name, container, answer, &failure) == 0)
            continue;
        /* What was taken from an answer that is no good is not the next one's. */
        engine_container_free(container);
        if (first.kind == ERROR_NONE)
            first = failure;
    }
    /* One engine's trouble is none where another has the container. */
    if (*answer == ENGINE_HAS_IT || first.kind == ERROR_NONE)
        return 0;
    *error = first;
    return -1;
}

void
engine_container_free(struct engine_container *container)
{
    for (size_t i = 0; i < container->mount_count; i++) {
        memory_free(container->mounts[i].source);
        memory_free(container->mounts[i].destination);
    }
    memory_free(container->mounts);
    memset(container, 0, sizeof(*container));
}
