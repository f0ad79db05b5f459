/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MAS's token endpoint (RFC 6749, 4.4; measured on 1.22.0). It compares Basic
 * credentials as they are sent, so that they are not form-encoded first (2.3.1).
 * Each token is a session that MAS lists as active for ever, unless it is revoked.
 */
#include "backends/mas/token.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/state.h"
#include "base/stop.h"
#include "base/text.h"

/* A request that the token is good for when it is sent, is let through. */
#define SPARE_MS 5000

/* Seconds beyond which a token's life is as good as endless: a year. */
#define LIFE_LONGEST 31536000

#define ADMIN_SCOPE "urn:mas:admin"

static const char asking[] = "asking MAS for a token";

static const struct mas_connection *
given(const struct backend *backend)
{
    return &backend->connection->mas;
}

/*
 * Sends a form as the task's client. Whoever wants a token has looked for a signal,
 * or is cleaning up.
 */
static int
send_as_client(struct backend *backend, const char *path, const char *fields,
    const struct secret *token, bool in_body, struct answer *answer, struct error *error)
{
    const struct http_basic basic = {given(backend)->client_id, given(backend)->client_secret};
    struct text form = {0};
    struct call call = {
        .method = "POST",
        .path = path,
        .basic = in_body ? NULL : &basic,
        .secrets = {basic.password, token},
        .may_be_empty = token != NULL,
        .retry = RETRY_SAFE, /* at worst there is one more token, which ends by itself */
        .cleaning_up = true,
    };
    int result;

    text_append(&form, fields);
    if (token != NULL)
        text_append_percent(&form, token->bytes, token->length);
    if (in_body) {
        text_append(&form, "&client_id=");
        text_append_percent(&form, basic.name, strlen(basic.name));
        text_append(&form, "&client_secret=");
        text_append_percent(&form, basic.password->bytes, basic.password->length);
    }
    call.form = form.bytes;
    result = form.failed
                 ? error_no_memory(error)
                 : call_send(&mas_state_of(backend)->oauth, &call, answer, error);
    text_free(&form);
    return result;
}

static bool
has_code(const struct answer *answer, const char *code)
{
    const char *error = json_string_value(json_object_get(answer->body, "error"));

    return error != NULL && strcmp(error, code) == 0;
}

static int
refuse(const struct backend *backend, const struct answer *answer, struct error *error)
{
    char advice[500];

    if (has_code(answer, "invalid_client"))
        return answer_refused_as(answer, ERROR_UNAUTHORIZED, asking,
            "mas_client_id is no client of this MAS's, mas_client_secret is not its secret, or its "
            "client_auth_method is neither client_secret_basic nor client_secret_post (both were "
            "tried); clients stand under clients in MAS's configuration "
            "(matrix-docker-ansible-deploy: "
            "matrix_authentication_service_config_clients_custom), which it reads when it starts",
            error);
    if (has_code(answer, "invalid_scope")) {
        snprintf(advice, sizeof(advice),
            "this client may not use the admin API: add %.64s to policy.data.admin_clients in "
            "MAS's configuration (matrix-docker-ansible-deploy: in "
            "matrix_authentication_service_configuration_extension_yaml) and restart MAS",
            given(backend)->client_id);
        return answer_refused_as(answer, ERROR_FORBIDDEN, asking, advice, error);
    }
    if (answer->body == NULL && answer->status < 500)
        return answer_refused_as(answer, ERROR_PROTOCOL, asking,
            "MAS gives no tokens at this address: mas_url has to be its base, with the prefix if "
            "it has one, of a listener that has the resource oauth (http.listeners in its "
            "configuration); where its admin API is elsewhere, that is mas_admin_url",
            error);
    return answer_refused(answer, asking, error);
}

/* True when the scope of a token, words between spaces, has ours in it. */
static bool
has_scope(const char *scope)
{
    static const char wanted[] = ADMIN_SCOPE;

    while (*scope != '\0') {
        size_t length = strcspn(scope, " ");

        if (length == strlen(wanted) && memcmp(scope, wanted, length) == 0)
            return true;
        scope += length + strspn(scope + length, " ");
    }
    return false;
}

/* Until when it is good, on stop_clock_ms; 0: nobody says. */
static int
read_end(const struct answer *answer, long long asked_ms, long long *ends_ms,
    struct error *error)
{
    const json_t *life = json_object_get(answer->body, "expires_in");
    json_int_t seconds = json_integer_value(life);

    *ends_ms = 0;
    if (life == NULL)
        return 0;
    if (!json_is_integer(life) || seconds <= 0)
        return error_set(error, ERROR_PROTOCOL,
            "%s: the server's answer has no usable \"expires_in\"", asking);
    if (seconds < LIFE_LONGEST)
        *ends_ms = asked_ms + (long long)seconds * 1000;
    return 0;
}

/* token is for secret_free, also after an error: it may have to be revoked. */
static int
read_token(const struct answer *answer, struct secret *token, struct error *error)
{
    const char *bytes = answer_string(answer, "access_token", asking, error);
    const char *type = bytes == NULL ? NULL : answer_string(answer, "token_type", asking, error);
    const json_t *scope = json_object_get(answer->body, "scope");

    if (type == NULL)
        return -1;
    if (secret_set(token, bytes, strlen(bytes)) != 0)
        return error_no_memory(error);
    if (!secret_is_token(token)) {
        secret_free(token);
        return error_set(error, ERROR_PROTOCOL,
            "%s: the server's token has characters in it that no token has", asking);
    }
    if (strcmp(type, "Bearer") != 0 && strcmp(type, "bearer") != 0)
        return error_set(error, ERROR_PROTOCOL, "%s: it is not a bearer token", asking);
    if (scope != NULL && (!json_is_string(scope) || !has_scope(json_string_value(scope))))
        return error_set(error, ERROR_FORBIDDEN,
            "%s: the one that was given does not have the scope " ADMIN_SCOPE
            ", which opens the admin API",
            asking);
    return 0;
}

/* From here on nobody shows it. */
static int
learn_token(struct mas_state *state, const struct secret *token, struct error *error)
{
    if (http_learn_secret(state->admin.http, token, error) != 0)
        return -1;
    if (state->oauth.http == NULL || state->oauth.http == state->admin.http)
        return 0;
    return http_learn_secret(state->oauth.http, token, error);
}

/* Where it does not work, the session is left; the warning says so. */
static void
revoke(struct backend *backend, const struct secret *token)
{
    const struct mas_state *state = mas_state_of(backend);
    struct answer answer = {0};
    struct error failure = {0};
    int result = send_as_client(backend, "/oauth2/revoke", "token=", token,
        state->sends_secret_in_body, &answer, &failure);

    if (result == 0 && !answer_ok(&answer))
        answer_refused(&answer, "revoking a token", &failure);
    if (failure.kind != ERROR_NONE)
        list_add(backend->warnings,
            "the token that was had from MAS could not be revoked, so that it ends by itself and "
            "its session stays listed: %s",
            failure.text);
    answer_free(&answer);
}

/*
 * Asks for a token as the client authenticates itself, which only the server's
 * configuration knows: the way that is known or usual, and after a refusal the
 * other one. The endpoint has no limit that this would count towards.
 */
static int
ask(struct backend *backend, struct answer *answer, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    bool in_body = state->sends_secret_in_body || given(backend)->sends_secret_in_body;

    for (int attempt = 0;; attempt++) {
        if (send_as_client(backend, "/oauth2/token",
                "grant_type=client_credentials&scope=urn%3Amas%3Aadmin", NULL, in_body, answer,
                error) != 0)
            return -1;
        if (answer_ok(answer)) {
            state->sends_secret_in_body = in_body;
            return 0;
        }
        if (attempt > 0 || !has_code(answer, "invalid_client"))
            return refuse(backend, answer, error);
        answer_free(answer);
        in_body = !in_body;
    }
}

/* Takes a new one; the one before, if any, is revoked. */
static int
obtain(struct backend *backend, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct secret token = {0};
    struct answer answer = {0};
    long long asked_ms = stop_clock_ms();
    long long ends_ms = 0;

    if (given(backend)->client_id == NULL || given(backend)->client_secret == NULL)
        return error_set(error, ERROR_UNAUTHORIZED,
            "MAS's admin API takes mas_client_id with mas_client_secret, or mas_token");
    if (ask(backend, &answer, error) != 0 || read_token(&answer, &token, error) != 0 ||
        read_end(&answer, asked_ms, &ends_ms, error) != 0 ||
        learn_token(state, &token, error) != 0) {
        answer_free(&answer);
        if (secret_given(&token))
            revoke(backend, &token);
        secret_free(&token);
        return -1;
    }
    answer_free(&answer);
    if (state->token_is_ours)
        revoke(backend, &state->token);
    secret_free(&state->token);
    state->token = token;
    state->token_ends_ms = ends_ms;
    state->token_is_ours = true;
    return 0;
}

/* The one that is given may not even be one that can be sent. */
static int
take_given(struct backend *backend, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);

    if (!secret_is_token(given(backend)->token))
        return error_set(error, ERROR_INVALID,
            "mas_token has characters in it that no token has");
    if (learn_token(state, given(backend)->token, error) != 0)
        return -1;
    if (secret_copy(&state->token, given(backend)->token) != 0)
        return error_no_memory(error);
    state->token_ends_ms = 0;
    state->token_is_ours = false;
    return 0;
}

int
token_need(struct backend *backend, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);

    if (secret_given(&state->token) &&
        (state->token_ends_ms == 0 || stop_clock_ms() + SPARE_MS < state->token_ends_ms))
        return 0;
    return given(backend)->token != NULL ? take_given(backend, error)
                                         : obtain(backend, error);
}

int
token_renew(struct backend *backend, struct error *error)
{
    if (given(backend)->token == NULL)
        return obtain(backend, error);
    if (error->kind == ERROR_NONE)
        error->status = 401;
    return error_set(error, ERROR_UNAUTHORIZED, "MAS says that mas_token is over; make a new one");
}

void
token_close(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    if (state->token_is_ours && secret_given(&state->token))
        revoke(backend, &state->token);
    secret_free(&state->token);
    state->token_ends_ms = 0;
    state->token_is_ours = false;
}
