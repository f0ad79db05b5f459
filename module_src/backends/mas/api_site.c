/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/api_site.h"

#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/pages.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "matrix/user_id.h"

static const char asking[] = "asking MAS for its settings";

/* The homeserver's name. That of another one's MAS would be changed by mistake. */
static int
take_server_name(struct backend *backend, const struct answer *answer, struct error *error)
{
    const char *name = json_string_value(json_object_get(answer->body, "server_name"));
    const char *stated = backend->connection->server_name;

    if (name == NULL || !user_id_server_name_is_valid(name))
        return pages_no_sense(asking, "server_name", error);
    if (stated == NULL)
        stated = backend->server_name;
    if (stated != NULL && strcmp(stated, name) != 0)
        return error_set(error, ERROR_INVALID,
            "the MAS at %s is that of \"%.255s\", and not of \"%.255s\"",
            http_origin(mas_state_of(backend)->admin.http), name, stated);
    if (backend->server_name != NULL)
        return 0;
    backend->server_name = memory_copy_string(name);
    return backend->server_name == NULL ? error_no_memory(error) : 0;
}

static void
take_passwords(struct mas_state *state, const struct answer *answer)
{
    const json_t *complexity = json_object_get(answer->body, "minimum_password_complexity");
    json_int_t score = json_integer_value(complexity);

    state->passwords_are_off =
        json_is_false(json_object_get(answer->body, "password_login_enabled"));
    state->password_complexity = score >= 1 && score <= 4 ? (long)score : 0;
}

/* "v1.22.0" as backend.h has it; what is none is none. */
static void
take_version(struct backend *backend, const struct answer *answer)
{
    const char *version = json_string_value(json_object_get(answer->body, "version"));

    if (version == NULL)
        return;
    version += version[0] == 'v' ? 1 : 0;
    if (strlen(version) < sizeof(backend->version) &&
        strspn(version, "0123456789abcdefghijklmnopqrstuvwxyz.-+") == strlen(version))
        memcpy(backend->version, version, strlen(version) + 1);
}

static int
get(struct backend *backend, const char *path, struct answer *answer, struct error *error)
{
    const struct call call = {.method = "GET", .path = path, .retry = RETRY_SAFE};

    if (api_try(backend, &call, answer, error) != 0)
        return -1;
    return answer_ok(answer) || api_refusal_is_missing(answer)
               ? 0
               : api_refusal_record(answer, asking, error);
}

/* Since 1.4.0. */
static int
look_at_version(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    int result = get(backend, "/version", &answer, error);

    if (result == 0 && answer_ok(&answer))
        take_version(backend, &answer);
    answer_free(&answer);
    return result;
}

/* One that does not tell its settings yet shows by something else that it is there
 * and takes the token. */
static int
prove_token(struct backend *backend, struct error *error)
{
    struct call call = {
        .method = "GET",
        .path = "/users?page%5Bfirst%5D=1",
        .retry = RETRY_SAFE,
    };
    struct answer answer = {0};
    int result = api_call(backend, &call, &answer, error);

    if (result == 0 && !answer_ok(&answer))
        result = api_refusal_record(&answer, asking, error);
    answer_free(&answer);
    return result;
}

/* Since 1.3.0. */
int
api_site_look(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    int result = get(backend, "/site-config", &answer, error);

    if (result == 0 && answer_ok(&answer)) {
        take_passwords(mas_state_of(backend), &answer);
        result = take_server_name(backend, &answer, error);
        if (result == 0)
            result = look_at_version(backend, error);
    } else if (result == 0) {
        result = prove_token(backend, error);
    }
    answer_free(&answer);
    return result;
}
