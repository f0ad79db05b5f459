/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The calls, and which endpoints the server has; what the calls are for stands in
 * api_users.c, api_sessions.c, emails.c and links.c. */
#include "backends/mas/api.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api_refusal.h"
#include "backends/mas/api_sessions.h"
#include "backends/mas/api_site.h"
#include "backends/mas/api_users.h"
#include "backends/mas/api_versions.h"
#include "backends/mas/emails.h"
#include "backends/mas/links.h"
#include "backends/mas/state.h"
#include "backends/mas/token.h"
#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"

#define PREFIX "/api/admin/v1"

/* Longer than any path of an endpoint (spec.json of 1.22.0: 60). */
#define PATH_LONGEST 200

static const char describing[] = "asking MAS what its admin API has";

const char *
api_title(const struct answer *answer)
{
    const json_t *errors = json_object_get(answer->body, "errors");
    const char *title =
        json_string_value(json_object_get(json_array_get(errors, 0), "title"));

    return title == NULL ? "" : title;
}

bool
api_says(const struct answer *answer, const char *words)
{
    const json_t *errors = json_object_get(answer->body, "errors");

    for (size_t i = 0; i < json_array_size(errors); i++) {
        const char *title =
            json_string_value(json_object_get(json_array_get(errors, i), "title"));

        if (title != NULL && strstr(title, words) != NULL)
            return true;
    }
    return false;
}

/*
 * Sends it with the token; one that the server says is over is renewed once. A
 * refusal of the token is an error, all else is an answer.
 */
static int
send_with_token(struct backend *backend, const struct call *call, struct answer *answer,
    struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct call with_token = *call;

    with_token.bearer = &state->token;
    with_token.cleaning_up = call->cleaning_up || state->finishing;
    for (int attempt = 0;; attempt++) {
        memset(answer, 0, sizeof(*answer));
        /* After a signal there is no use for a token: call_send says why. */
        if ((with_token.cleaning_up || stop_signal() == 0) && token_need(backend, error) != 0)
            return -1;
        if (call_send(&state->admin, &with_token, answer, error) != 0)
            return -1;
        if (answer->status != 401)
            return 0;
        if (attempt > 0 || !state->token_is_ours || !api_refusal_is_old_token(answer))
            return api_refusal_record_token(backend, answer, error);
        answer_free(answer);
        if (token_renew(backend, error) != 0)
            return -1;
    }
}

/* The call with its whole path, for memory_free. -1: memory. */
static int
complete(struct call *whole, char **path, const struct call *call, struct error *error)
{
    struct text text = {0};

    *whole = *call;
    text_append(&text, PREFIX);
    text_append(&text, call->path);
    if (text.failed) {
        text_free(&text);
        return error_no_memory(error);
    }
    whole->path = *path = text.bytes;
    return 0;
}

int
api_try(struct backend *backend, const struct call *call, struct answer *answer,
    struct error *error)
{
    struct call whole;
    char *path = NULL;
    int result;

    memset(answer, 0, sizeof(*answer));
    if (call->path == NULL)
        return error_no_memory(error);
    result = complete(&whole, &path, call, error);
    if (result == 0)
        result = send_with_token(backend, &whole, answer, error);
    memory_free(path);
    return result;
}

int
api_call(struct backend *backend, struct call *call, struct answer *answer,
    struct error *error)
{
    int result = api_try(backend, call, answer, error);

    return result == 0 && api_refusal_is_missing(answer)
               ? api_refusal_record_missing(backend, call, answer, error)
               : result;
}

static int
delete_one(struct backend *backend, const char *where, const char *id, const char *what,
    struct error *error)
{
    struct text path = {0};
    struct call call = {.method = "DELETE", .may_be_empty = true, .retry = RETRY_SAFE};
    struct answer answer = {0};
    int result;

    text_append(&path, where);
    text_append(&path, id);
    call.path = path.failed ? NULL : path.bytes;
    result = api_call(backend, &call, &answer, error);
    if (result == 0 && !answer_ok(&answer) && answer.status != 404)
        result = api_refusal_record(&answer, what, error);
    answer_free(&answer);
    text_free(&path);
    return result;
}

int
api_delete(struct backend *backend, const char *where, const struct list *ids,
    const char *what, struct error *error)
{
    for (size_t i = 0; i < ids->count; i++)
        if (delete_one(backend, where, ids->items[i], what, error) != 0)
            return -1;
    return 0;
}

/* The names that the API's description has for its endpoints. -1: memory. */
static int
take_paths(struct text *paths, const json_t *description, struct error *error)
{
    json_t *described = json_object_get(description, "paths");
    json_t *value;
    const char *path;

    text_append(paths, "\n");
    json_object_foreach(described, path, value)
    {
        if (path[0] == '/' && strlen(path) <= PATH_LONGEST && strchr(path, '\n') == NULL)
            text_append_format(paths, "%s\n", path);
    }
    return paths->failed ? error_no_memory(error) : 0;
}

static bool
creates_with(const json_t *description, const char *property)
{
    static const char *const way[] = {
        "components", "schemas", "AddUserRequest", "properties"};

    for (size_t i = 0; i < sizeof(way) / sizeof(way[0]); i++)
        description = json_object_get(description, way[i]);
    return json_object_get(description, property) != NULL;
}

int
api_describe(struct backend *backend, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct answer answer = {0};
    int result = 0;

    if (state->paths_asked)
        return 0;
    result = call_get(&state->admin, "/api/spec.json", NULL, &answer, error);
    if (result == 0 && answer_ok(&answer)) {
        result = take_paths(&state->paths, answer.body, error);
        state->has_displayname = creates_with(answer.body, "displayname");
    } else if (result == 0 && api_refusal_is_missing(&answer)) {
        list_add(backend->warnings,
            "MAS does not show what its admin API has (%s/api/spec.json answers %ld), so "
            "that only what every version has is used; is there a reverse proxy in between "
            "that does not pass this path on?",
            http_origin(state->admin.http), answer.status);
    } else if (result == 0) {
        result = api_refusal_record(&answer, describing, error);
    }
    if (result == 0)
        state->paths_asked = true;
    else
        text_free(&state->paths);
    answer_free(&answer);
    return result;
}

int
api_has(struct backend *backend, const char *path, bool *has, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    struct text line = {0};
    int result = api_describe(backend, error);

    *has = false;
    if (result != 0)
        return -1;
    text_append_format(&line, "\n%s\n", path);
    if (line.failed)
        result = error_no_memory(error);
    else if (state->paths.bytes != NULL)
        *has = strstr(state->paths.bytes, line.bytes) != NULL;
    text_free(&line);
    return result;
}

static int
open_way(struct backend *backend, struct error *error)
{
    if (api_site_look(backend, error) != 0)
        return -1;
    backend->authenticated_by =
        mas_state_of(backend)->token_is_ours ? "mas_client_id" : "mas_token";
    return 0;
}

static void
close_way(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    token_close(backend);
    links_forget(backend);
    text_free(&state->paths);
    state->paths_asked = false;
}

const struct mas_way api_way = {
    .authenticated_by = "mas_client_id",
    .open = open_way,
    .find = api_users_find,
    .emails = emails_list,
    .links = links_list,
    .list_administrators = api_users_list_administrators,
    .allow = api_versions_allow,
    .learn = api_describe,
    .creates_avatar_url = true,
    .create = api_users_create,
    .set_password = api_users_set_password,
    .end_sessions = api_sessions_end,
    .set_admin = api_users_set_admin,
    .set_locked = api_users_set_locked,
    .erases = true,
    .deactivate = api_users_deactivate,
    .reactivate = api_users_reactivate,
    .email_owner = emails_owner,
    .add_email = emails_add,
    .remove_email = emails_remove,
    .add_link = links_add,
    .remove_link = links_remove,
    .lacks = "",
    .close = close_way,
};
