/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/detect.h"

#include <string.h>
#include <strings.h>

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

/*
 * Synapse names itself in the Server header of every answer, whatever the
 * status, unless a reverse proxy replaces it; the federation's version
 * endpoint has the name of every server, but only where federation is served.
 * (/_synapse/admin/v1/server_version proves nothing: tuwunel serves it, too.)
 */
const struct backend_type *
detect_server(struct matrix *matrix, struct error *error)
{
    struct answer answer = {0};
    const struct backend_type *type = NULL;
    const char *name = NULL;
    char shown[64];

    if (call_get(matrix, "/_matrix/federation/v1/version", NULL, &answer, error) != 0)
        goto out;
    if (answer_ok(&answer))
        name = json_string_value(
            json_object_get(json_object_get(answer.body, "server"), "name"));
    if (name != NULL)
        type = type_of_product(name, strlen(name));
    else
        type = type_of_product(matrix->server_header, strcspn(matrix->server_header, "/ "));
    if (type != NULL)
        goto out;
    if (name != NULL) {
        text_show(shown, sizeof(shown), name);
        error_set(error, ERROR_UNSUPPORTED,
            "%s is %s, which this version of Registrar does not manage; it manages Synapse",
            http_origin(matrix->http), shown);
    } else {
        error_set(error, ERROR_UNSUPPORTED,
            "cannot tell which homeserver %s is: it does not say (a reverse proxy may hide "
            "it, or this is none); set backend, for instance backend: synapse",
            http_origin(matrix->http));
    }
out:
    answer_free(&answer);
    return type;
}

void
detect_version(struct backend *backend)
{
    const char *header = backend->matrix.server_header;
    size_t name = strcspn(header, "/");
    size_t length;

    if (type_of_product(header, name) != backend->type || header[name] != '/')
        return;
    header += name + 1;
    length = strspn(header, "0123456789abcdefghijklmnopqrstuvwxyz.+-");
    if (length > 0 && length < sizeof(backend->version))
        memcpy(backend->version, header, length);
}
