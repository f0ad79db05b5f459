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

/* The type that alone answers at a path of its own, with whatever body. */
static const struct backend_type *
type_of_path(struct matrix *matrix, struct error *error)
{
    for (size_t i = 0; backend_types[i] != NULL; i++) {
        struct answer answer = {0};
        struct error failure = {0};
        bool found;

        if (backend_types[i]->own_path == NULL)
            continue;
        found = (call_get(matrix, backend_types[i]->own_path, NULL, &answer, &failure) == 0 &&
                    answer_ok(&answer)) ||
                (failure.kind == ERROR_PROTOCOL && failure.status == 200);
        answer_free(&answer);
        if (found)
            return backend_types[i];
        if (failure.kind == ERROR_MEMORY || failure.kind == ERROR_INTERRUPTED) {
            *error = failure;
            return NULL;
        }
    }
    return NULL;
}

static int
refuse_unknown(const struct matrix *matrix, const char *name, struct error *error)
{
    char shown[64];

    if (name == NULL)
        return error_set(error, ERROR_UNSUPPORTED,
            "cannot tell which homeserver %s is: it does not say (a reverse proxy may hide "
            "it, or this is none); set backend, for instance backend: synapse",
            http_origin(matrix->http));
    text_show(shown, sizeof(shown), name);
    return error_set(error, ERROR_UNSUPPORTED,
        "%s is %s, which this version of Registrar does not manage; it manages Synapse, "
        "Dendrite and Matrix Authentication Service",
        http_origin(matrix->http), shown);
}

/*
 * Synapse names itself in the Server header of every answer, whatever the
 * status, unless a reverse proxy replaces it; the federation's version
 * endpoint has the name of every server, but only where federation is served.
 * (/_synapse/admin/v1/server_version proves nothing: tuwunel serves it, too.)
 */
const struct backend_type *
detect_server(struct backend *backend, struct error *error)
{
    struct matrix *matrix = &backend->matrix;
    struct answer answer = {0};
    const struct backend_type *type = NULL;
    const json_t *server;
    const char *name = NULL;

    if (call_get(matrix, "/_matrix/federation/v1/version", NULL, &answer, error) != 0)
        goto out;
    server = answer_ok(&answer) ? json_object_get(answer.body, "server") : NULL;
    name = json_string_value(json_object_get(server, "name"));
    if (name != NULL)
        type = type_of_product(name, strlen(name));
    else
        type = type_of_product(matrix->server_header, strcspn(matrix->server_header, "/ "));
    if (type != NULL && json_is_string(json_object_get(server, "version")))
        take_version(backend, json_string_value(json_object_get(server, "version")));
    if (type == NULL && name == NULL)
        type = type_of_path(matrix, error);
    if (type == NULL)
        refuse_unknown(matrix, name, error);
out:
    answer_free(&answer);
    return type;
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
