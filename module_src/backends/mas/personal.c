/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/personal.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "base/stop.h"

/* How long one lives should its end get lost, and how much of that must be left for
 * it to be used once more. */
#define LIFE_S 60
#define LEFT_MS 15000

/* Without a device's scope no device appears. The policy of scopes is not applied to
 * personal sessions (MAS 1.22), and Synapse asks for both. */
static const char *const scopes[PERSONAL_KINDS] = {
    [PERSONAL_ITSELF] = "urn:matrix:client:api:*",
    [PERSONAL_ADMINISTRATOR] = "urn:synapse:admin:* urn:matrix:client:api:*",
};

struct personal {
    char id[MAS_ID_SIZE]; /* "": there is none */
    char actor[MAS_ID_SIZE];
    struct secret token;
    long long ends_ms; /* on stop_clock_ms */
};

struct personal_sessions {
    struct personal of[PERSONAL_KINDS];
};

int
personal_is_possible(struct backend *backend, bool *possible, struct error *error)
{
    *possible = false;
    if (mas_state_of(backend)->way != &api_way)
        return 0;
    return api_has(backend, "/api/admin/v1/personal-sessions", possible, error);
}

bool
personal_may_be(const struct mas_user *user)
{
    return !user->locked && !user->deactivated;
}

/* A ULID, which goes into paths: Crockford's base 32. */
static bool
take_id(char id[MAS_ID_SIZE], const json_t *object)
{
    const json_t *member = json_object_get(object, "id");
    const char *text = json_string_value(member);

    if (text == NULL || json_string_length(member) != MAS_ID_SIZE - 1 ||
        strspn(text, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != MAS_ID_SIZE - 1)
        return false;
    memcpy(id, text, MAS_ID_SIZE);
    return true;
}

/* Revokes it, whatever else is going on: it would live on for a minute. */
static void
end(struct backend *backend, struct personal *personal)
{
    char path[sizeof("/personal-sessions//revoke") + MAS_ID_SIZE];
    struct call call = {
        .method = "POST",
        .path = path,
        .secrets = {&personal->token},
        .retry = RETRY_SAFE, /* a second time is refused, and changes nothing */
        .cleaning_up = true,
    };
    struct answer answer = {0};
    struct error ignored = {0};

    if (personal->id[0] != '\0') {
        snprintf(path, sizeof(path), "/personal-sessions/%s/revoke", personal->id);
        /* 409: it is revoked already; 404: it is not there any more. */
        if (api_call(backend, &call, &answer, &ignored) != 0 ||
            (!answer_ok(&answer) && answer.status != 409 && answer.status != 404))
            list_add(backend->warnings,
                "a personal session called \"registrar\" could not be revoked at MAS; it ends "
                "by itself within a minute");
        answer_free(&answer);
    }
    secret_free(&personal->token);
    memset(personal, 0, sizeof(*personal));
}

/* Takes MAS's answer, "data" of it. */
static int
take(struct backend *backend, struct personal *personal, const json_t *data,
    struct error *error)
{
    const json_t *token =
        json_object_get(json_object_get(data, "attributes"), "access_token");

    if (take_id(personal->id, data) && json_is_string(token)) {
        if (secret_set(&personal->token, json_string_value(token),
                json_string_length(token)) != 0)
            return error_no_memory(error);
        if (secret_is_token(&personal->token))
            return http_learn_secret(backend->matrix.http, &personal->token, error);
    }
    return error_set(error, ERROR_PROTOCOL,
        "MAS's answer to the request for a personal session has no usable id and access_token");
}

/* *active is false where MAS says that the actor is not. */
static int
begin(struct backend *backend, enum personal_kind kind, const char *actor,
    struct personal *personal, bool *active, struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = "/personal-sessions",
        .body = json_pack("{s:s, s:s, s:s, s:i}", "actor_user_id", actor, "human_name",
            "registrar", "scope", scopes[kind], "expires_in", LIFE_S),
        .retry = RETRY_UNSENT,
    };
    struct answer answer = {0};
    struct error failure = {0};
    int result = -1;

    *active = true;
    personal->ends_ms = stop_clock_ms() + LIFE_S * 1000;
    if (call.body == NULL)
        error_no_memory(&failure);
    else if (api_call(backend, &call, &answer, &failure) != 0)
        failure.maybe_done = false; /* it changes no account, and ends by itself */
    else if (answer.status == 410)
        *active = false;
    else if (!answer_ok(&answer))
        answer_refused(&answer, "asking MAS for a personal session", &failure);
    else
        take(backend, personal, json_object_get(answer.body, "data"), &failure);
    if (failure.kind == ERROR_NONE)
        result = 0;
    else
        *error = failure;
    if (result != 0 || !*active)
        end(backend, personal);
    else
        snprintf(personal->actor, sizeof(personal->actor), "%s", actor);
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

/* ---- Whom to act as ------------------------------------------------------------- */

static bool
is_active_administrator(const json_t *user)
{
    const json_t *attributes = json_object_get(user, "attributes");

    return json_is_true(json_object_get(attributes, "admin")) &&
           json_is_null(json_object_get(attributes, "locked_at")) &&
           json_is_null(json_object_get(attributes, "deactivated_at"));
}

/* The first of MAS's active administrators; "": there is none. What MAS lists is
 * looked at: it ignores a filter that it does not know. */
static int
find_administrator(struct backend *backend, char id[MAS_ID_SIZE], struct error *error)
{
    struct call call = {
        .method = "GET",
        .path = "/users?filter%5Badmin%5D=true&filter%5Bstatus%5D=active",
        .retry = RETRY_SAFE,
    };
    struct answer answer = {0};
    int result = api_call(backend, &call, &answer, error);
    const json_t *user;
    size_t i;

    id[0] = '\0';
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "looking for an administrator of MAS", error);
    json_array_foreach(json_object_get(answer.body, "data"), i, user)
        if (id[0] == '\0' && is_active_administrator(user))
            take_id(id, user);
    answer_free(&answer);
    return result;
}

static int
refuse_actor(enum personal_kind kind, struct error *error)
{
    return error_set(error, ERROR_UNAUTHORIZED,
        "what the homeserver has of an account that is locked or deactivated takes %s",
        kind == PERSONAL_ITSELF
            ? "an active one"
            : "an active administrator of MAS to act as, and there is none: make one "
              "(admin: true), or unlock the account first");
}

/* As the user in hand, who is at it anyway; else as an administrator. */
static int
begin_as_somebody(struct backend *backend, enum personal_kind kind,
    const struct mas_user *user, struct personal *personal, struct error *error)
{
    char administrator[MAS_ID_SIZE];
    bool active = personal_may_be(user);

    if (active && begin(backend, kind, user->id, personal, &active, error) != 0)
        return -1;
    if (active)
        return 0;
    if (kind == PERSONAL_ITSELF)
        return refuse_actor(kind, error);
    if (find_administrator(backend, administrator, error) != 0)
        return -1;
    if (administrator[0] != '\0' &&
        begin(backend, kind, administrator, personal, &active, error) != 0)
        return -1;
    return administrator[0] != '\0' && active ? 0 : refuse_actor(kind, error);
}

bool
personal_lacks_actor(const struct error *error)
{
    return error->kind == ERROR_UNAUTHORIZED && error->status == 0;
}

/* ---- Using them ------------------------------------------------------------------- */

static int
need(struct backend *backend, enum personal_kind kind, const struct mas_user *user,
    struct personal *personal, struct error *error)
{
    if (personal->id[0] != '\0' && personal->ends_ms - stop_clock_ms() > LEFT_MS &&
        (kind == PERSONAL_ADMINISTRATOR || strcmp(personal->actor, user->id) == 0))
        return 0;
    end(backend, personal);
    return begin_as_somebody(backend, kind, user, personal, error);
}

static bool
is_refused(const struct error *failure)
{
    return failure->kind == ERROR_UNAUTHORIZED &&
           strcmp(failure->errcode, "M_UNKNOWN_TOKEN") == 0;
}

int
personal_act(struct backend *backend, enum personal_kind kind, const struct mas_user *user,
    int (*errand)(void *context, const struct secret *token, struct error *error),
    void *context, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct error failure = {0};
    struct personal *personal;

    if (state->personal == NULL)
        state->personal = memory_zeroed(1, sizeof(*state->personal));
    if (state->personal == NULL)
        return error_no_memory(error);
    personal = &state->personal->of[kind];
    for (int attempt = 0; attempt < 2; attempt++) {
        error_clear(&failure);
        if (need(backend, kind, user, personal, error) != 0)
            return -1;
        if (errand(context, &personal->token, &failure) == 0)
            return 0;
        if (!is_refused(&failure))
            break;
        end(backend, personal); /* it is over, or its actor is locked by now */
    }
    *error = failure;
    error->is_of_one = kind == PERSONAL_ITSELF;
    return -1;
}

void
personal_close(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    if (state == NULL || state->personal == NULL)
        return;
    for (size_t i = 0; i < PERSONAL_KINDS; i++)
        end(backend, &state->personal->of[i]);
    memory_free(state->personal);
    state->personal = NULL;
}
