/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/served.h"

#include <string.h>

#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "backends/tuwunel/dialect.h"

static const char users_api[] = "/_synapse/admin/v2/users";

/* A version as it is printed; nothing else is taken for one. */
static void
take_version(struct backend *backend, const char *text)
{
    size_t length = text == NULL ? 0 : strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz.+-");

    if (length == 0 || length >= sizeof(backend->version) || text[length] != '\0')
        return;
    memcpy(backend->version, text, length + 1);
}

/* A reverse proxy may not pass it on: then nobody says. */
static int
learn_version(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    struct error failure = {0};
    int result;

    if (backend->version[0] != '\0')
        return 0;
    result = call_get(&backend->matrix, SERVED_OWN_PATH, NULL, &answer, &failure);
    if (result == 0 && answer_ok(&answer))
        take_version(backend, json_string_value(json_object_get(answer.body, "version")));
    answer_free(&answer);
    if (result == 0 || failure.kind == ERROR_PROTOCOL)
        return 0;
    *error = failure;
    return -1;
}

static int
refuse_old(const struct backend *backend, const struct answer *answer, struct error *error)
{
    error->status = answer->status;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    return error_set(error, ERROR_UNSUPPORTED,
        "%s is %s%s and does not serve %s (%ld %s): tuwunel has that since " DIALECT_OLDEST
        ", which is the oldest version that Registrar manages; update it",
        http_origin(backend->matrix.http),
        backend->version[0] == '\0' ? "no tuwunel of now" : "tuwunel ", backend->version,
        users_api, answer->status, answer->errcode);
}

/* Who is nobody is told so (401) where the API is. */
static int
check_users_api(struct backend *backend, bool *reached, struct error *error)
{
    struct answer answer = {0};
    int result = call_get(&backend->matrix, users_api, NULL, &answer, error);

    *reached = result == 0 && answer_is(&answer, 401, "M_MISSING_TOKEN");
    if (result != 0 || *reached)
        goto out;
    if (answer_is(&answer, 404, "M_UNRECOGNIZED"))
        result = refuse_old(backend, &answer, error);
    else if (connection_has_administrator(backend->connection) ||
             backend->connection->shared_secret != NULL)
        result = dialect_tuwunel.explain_missing(backend, &answer, error);
out:
    answer_free(&answer);
    return result;
}

/* That there is no secret is told when there is nothing else to go on with. */
static int
check_registration(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    struct error failure = {0};

    if (register_probe(backend, &failure) == 0)
        return 0;
    if (failure.status == 400 && strcmp(failure.errcode, "M_UNKNOWN") == 0 &&
        (connection_has_administrator(connection) || connection->shared_secret == NULL))
        return 0;
    *error = failure;
    return -1;
}

int
served_check(struct backend *backend, struct error *error)
{
    bool reached;

    if (learn_version(backend, error) != 0 || check_users_api(backend, &reached, error) != 0)
        return -1;
    return reached ? check_registration(backend, error) : 0;
}
