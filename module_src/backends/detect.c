/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/detect.h"

#include <string.h>
#include <strings.h>

#include "backends/mas/metadata.h"
#include "base/text.h"

/* The type whose product name the first `length` bytes of name are. */
static const struct backend_type *
type_of_product(const char *name, size_t length)
{
    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (strlen(backend_types[i]->product) == length &&
            strncasecmp(backend_types[i]->product, name, length) == 0)
            return backend_types[i];
    return NULL;
}

static void
take_version(struct backend *backend, const char *text)
{
    size_t length = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz.+-");

    if (length > 0 && length < sizeof(backend->version)) {
        memcpy(backend->version, text, length);
        backend->version[length] = '\0';
    }
}

/* What answers, as far as it is known by now. */
struct finding {
    const struct backend_type *type;
    char name[64]; /* as it calls itself; "" while it has not said */
};

static void
take_name(struct finding *finding, const char *name)
{
    text_show(finding->name, sizeof(finding->name), name);
    finding->type = type_of_product(name, strlen(name));
}

/* {"name": ..., "version": ...}, which the servers have at several paths. */
static void
take_server(struct backend *backend, struct finding *finding, const json_t *server)
{
    const char *name = json_string_value(json_object_get(server, "name"));
    const char *version = json_string_value(json_object_get(server, "version"));

    if (name == NULL || *name == '\0')
        return;
    take_name(finding, name);
    if (finding->type != NULL && version != NULL)
        take_version(backend, version);
}

static bool
is_known(const struct finding *finding)
{
    return finding->type != NULL || finding->name[0] != '\0';
}

/* What ends the search; any other failure only says nothing. */
static int
go_on(const struct error *failure, struct error *error)
{
    if (failure->kind != ERROR_MEMORY && failure->kind != ERROR_INTERRUPTED)
        return 0;
    *error = *failure;
    return -1;
}

/*
 * Synapse names itself in the Server header of every answer, whatever the status,
 * unless a reverse proxy replaces it; the federation's version endpoint has the name of
 * every server, but only where federation is served. Otherwise tuwunel and continuwuity
 * answer 403, and Conduit 500 (src/api/server_server.rs), which is no breakdown.
 */
static int
ask_federation(struct backend *backend, struct finding *finding, struct error *error)
{
    struct matrix *matrix = &backend->matrix;
    struct answer answer = {0};
    int result =
        call_get(matrix, "/_matrix/federation/v1/version", NULL, &answer, error);

    if (result == 0 && answer_ok(&answer))
        take_server(backend, finding, json_object_get(answer.body, "server"));
    if (result == 0 && !is_known(finding))
        finding->type =
            type_of_product(matrix->server_header, strcspn(matrix->server_header, "/ "));
    answer_free(&answer);
    return result;
}

/* Where tuwunel says the same to clients (MSC4383; src/api/client/versions.rs). */
static int
ask_versions(struct backend *backend, struct finding *finding, struct error *error)
{
    struct answer answer = {0};
    struct error failure = {0};

    if (call_get(&backend->matrix, "/_matrix/client/versions", NULL, &answer, &failure) == 0 &&
        answer_ok(&answer))
        take_server(backend, finding, json_object_get(answer.body, "server"));
    answer_free(&answer);
    return go_on(&failure, error);
}

/* Asks at a path where one server alone answers: that of the type, with whatever body,
 * or one that says its name. */
static int
ask_path(struct backend *backend, const char *path, const struct backend_type *type,
    struct finding *finding, struct error *error)
{
    struct answer answer = {0};
    struct error failure = {0};
    int result = call_get(&backend->matrix, path, NULL, &answer, &failure);
    bool answers = result == 0 && answer_ok(&answer);

    if (answers)
        take_server(backend, finding, answer.body);
    if (type != NULL && finding->name[0] == '\0' &&
        (answers || (failure.kind == ERROR_PROTOCOL && failure.status == 200)))
        finding->type = type;
    answer_free(&answer);
    return go_on(&failure, error);
}

static int
ask_own_paths(struct backend *backend, struct finding *finding, struct error *error)
{
    for (size_t i = 0; backend_types[i] != NULL && !is_known(finding); i++)
        if (backend_types[i]->own_path != NULL &&
            ask_path(backend, backend_types[i]->own_path, backend_types[i], finding,
                error) != 0)
            return -1;
    /* The ancestor of two of them, of before its name was changed. */
    return is_known(finding) ? 0
                             : ask_path(backend, "/_conduwuit/server_version", NULL, finding,
                                   error);
}

/* Conduit has no path of its own, but a greeting (src/main.rs). */
static int
ask_greeting(struct backend *backend, struct finding *finding, struct error *error)
{
    static const char greeting[] = "Hello from Conduit!";
    const struct http_request request = {.method = "GET", .path = "/"};
    struct http_reply reply = {0};
    struct error failure = {0};

    if (retry_exchange(backend->matrix.retry, backend->matrix.http, &request, RETRY_SAFE, false,
            &reply, &failure) == 0 &&
        reply.status == 200 && reply.body != NULL && strcmp(reply.body, greeting) == 0)
        take_name(finding, "Conduit");
    http_reply_free(&reply);
    return go_on(&failure, error);
}

/* The steps, the cheapest and surest first: Synapse and Dendrite, and whoever serves
 * federation, take one request. /_synapse/admin/v1/server_version is none of them:
 * tuwunel has it, too. */
static int (*const steps[])(struct backend *backend, struct finding *finding,
    struct error *error) = {ask_federation, ask_versions, ask_own_paths, ask_greeting};

/* What is to be done about servers that are known, and not managed. */
static const struct {
    const char *name;
    const char *advice;
} unmanaged[] = {
    {"conduwuit", "Nobody maintains it any more: move to continuwuity, its successor"},
};

/* "Synapse, Dendrite and Conduit" */
static void
name_managed(struct text *managed)
{
    for (size_t i = 0; backend_types[i] != NULL; i++)
        text_append_format(managed, "%s%s",
            i == 0                         ? ""
            : backend_types[i + 1] == NULL ? " and "
                                           : ", ",
            backend_types[i]->product);
}

/* Always -1. */
static int
refuse_unknown(const struct matrix *matrix, const char *name, struct error *error)
{
    struct text managed = {0};
    const char *advice = NULL;
    int result;

    if (*name == '\0')
        return error_set(error, ERROR_UNSUPPORTED,
            "cannot tell which homeserver %s is: it does not say (a reverse proxy may hide "
            "it, or this is none); set backend, for instance backend: synapse",
            http_origin(matrix->http));
    for (size_t i = 0; i < sizeof(unmanaged) / sizeof(unmanaged[0]); i++)
        if (strcasecmp(unmanaged[i].name, name) == 0)
            advice = unmanaged[i].advice;
    name_managed(&managed);
    result = managed.failed
                 ? error_no_memory(error)
                 : error_set(error, ERROR_UNSUPPORTED,
                       "%s is %s, which this version of Registrar does not manage%s%s; it "
                       "manages %s",
                       http_origin(matrix->http), name, advice == NULL ? "" : ". ",
                       advice == NULL ? "" : advice, managed.bytes);
    text_free(&managed);
    return result;
}

const struct backend_type *
detect_server(struct backend *backend, struct error *error)
{
    struct finding finding = {0};

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !is_known(&finding); i++)
        if (steps[i](backend, &finding, error) != 0)
            return NULL;
    if (finding.type == NULL)
        refuse_unknown(&backend->matrix, finding.name, error);
    return finding.type;
}

const struct backend_type *
detect_delegate(struct backend *backend, const struct backend_type *type,
    struct error *error)
{
    const char *known = backend->connection->mas.url;
    struct error failure = {0};
    enum metadata metadata;
    int result = metadata_ask(&backend->matrix, &metadata, NULL, &failure);
    /* Only a homeserver that has a delegate breaks down over that, and where the delegate
     * is need not be learnt from it. */
    bool is_down = failure.kind == ERROR_NOT_READY && failure.status == 500 && known != NULL;

    if (result != 0 && !is_down) {
        *error = failure;
        return NULL;
    }
    if (result == 0 && metadata != METADATA_MAS)
        return type;
    for (size_t i = 0; backend_types[i] != NULL; i++)
        if (backend_types[i]->server == SERVER_MAS) {
            backend->version[0] = '\0';
            backend->is_delegated = true;
            return backend_types[i];
        }
    return type;
}

void
detect_version(struct backend *backend)
{
    const char *header = backend->matrix.server_header;
    size_t name = strcspn(header, "/");

    if (type_of_product(header, name) == backend->type && header[name] == '/')
        take_version(backend, header + name + 1);
}
