/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/client.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "matrix/user_id.h"
#include "matrix/errcode.h"

char *
client_path(const char *before, const char *user_id, const char *after)
{
    struct text path = {0};

    text_append(&path, before);
    text_append_percent(&path, user_id, strlen(user_id));
    text_append(&path, after);
    if (path.failed)
        text_free(&path);
    return path.bytes;
}

json_t *
client_password_auth(const char *user, const struct secret *password)
{
    json_t *auth = json_pack("{s:s, s:{s:s, s:s}, s:s%}", "type", "m.login.password",
        "identifier", "type", "m.id.user", "user", user, "password", password->bytes,
        password->length);

    return auth;
}

/* Everything a login can answer but success and "wrong". */
static int
login_refused(const struct answer *answer, struct error *error)
{
    static const char what[] = "logging in";

    if (answer_is(answer, 404, "M_NOT_FOUND"))
        return answer_refused(answer, what, error);
    if (answer->status == 404 || answer->status == 405)
        return answer_refused_as(answer, ERROR_UNSUPPORTED, what,
            "this server has no password login (are its accounts with Matrix "
            "Authentication Service?); give an access_token",
            error);
    if (answer->status == 400 && answer->body != NULL)
        return answer_refused_as(answer, ERROR_UNSUPPORTED, what,
            "passwords cannot be used here; give an access_token", error);
    return answer_refused(answer, what, error);
}

/* Obeys a limit on logins, or says what would help where it cannot. */
static int
login_wait(struct matrix *matrix, const struct answer *answer, struct error *error)
{
    const char *advice = matrix->login_advice;
    const struct login_terms *terms = matrix->login_terms;
    bool told = answer->retry_after_ms > 0 || terms == NULL;
    struct error failure = {0};

    if (retry_wait(matrix->retry, http_origin(matrix->http),
            told ? answer->retry_after_ms : terms->wait_ms, &failure) == 0)
        return 0;
    if (failure.kind != ERROR_RATE_LIMITED) {
        *error = failure;
        return -1;
    }
    error->status = answer->status;
    error->retry_after_ms = told ? failure.retry_after_ms : 0;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    return error_set(error, ERROR_RATE_LIMITED,
        "the server allows no more logins for now and %s %lld s, which is more "
        "than is left of retry_timeout; wait that long, raise %s in the server's "
        "configuration%s%s",
        told ? "says to wait" : "does not say how long to wait: it may take",
        retry_seconds(failure.retry_after_ms),
        terms == NULL ? "rc_login" : terms->limit,
        advice == NULL ? "" : ", or ", advice == NULL ? "" : advice);
}

int
client_take_token(struct session *session, const struct answer *answer, const char *what,
    struct error *error)
{
    const char *token = answer_string(answer, "access_token", what, error);

    if (token == NULL)
        return -1;
    if (secret_set(&session->access_token, token, strlen(token)) != 0)
        return error_no_memory(error);
    if (!secret_is_token(&session->access_token)) {
        secret_free(&session->access_token);
        return error_set(error, ERROR_PROTOCOL,
            "%s: the server's access_token has characters that no token has", what);
    }
    session->is_ours = true;
    return 0;
}

static int
take_session(struct session *session, const struct answer *answer, struct error *error)
{
    static const char what[] = "logging in";
    const char *user_id;

    if (client_take_token(session, answer, what, error) != 0)
        return -1;
    user_id = answer_string(answer, "user_id", what, error);
    if (user_id == NULL)
        return -1;
    session->user_id = memory_copy_string(user_id);
    return session->user_id == NULL ? error_no_memory(error) : 0;
}

/* What a login sends; NULL: no memory. */
static json_t *
login_body(const char *user, const struct secret *password, const char *device_id)
{
    json_t *body = client_password_auth(user, password);

    if (body != NULL &&
        json_object_set_new(body, "initial_device_display_name",
            json_string("Registrar")) == 0 &&
        (device_id == NULL ||
            json_object_set_new(body, "device_id", json_string(device_id)) == 0))
        return body;
    json_decref(body);
    return NULL;
}

/* Of a password that may be right (continuwuity 26.7.3, of an account whose logins are
 * switched off). */
static const char not_let_in[] = "not permitted to log in";

static bool
is_wrong(const struct matrix *matrix, const struct answer *answer)
{
    if (!answer_is(answer, 403, "M_FORBIDDEN"))
        return false;
    return matrix->login_terms == NULL ? !answer_says(answer, not_let_in)
                                       : answer_says(answer, matrix->login_terms->wrong);
}

int
client_login(struct matrix *matrix, const char *user, const struct secret *password,
    const char *device_id, struct session *session, enum login_result *login,
    struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = "/_matrix/client/v3/login",
        .body = login_body(user, password, device_id),
        .secrets = {password},
        .retry = RETRY_UNSENT,
        .report_429 = true,
    };
    struct answer answer = {0};
    int result = -1;

    memset(session, 0, sizeof(*session));
    if (call.body == NULL)
        return error_no_memory(error);
    while ((result = call_send(matrix, &call, &answer, error)) == 0 &&
           answer_is(&answer, 429, "M_LIMIT_EXCEEDED")) {
        if (login_wait(matrix, &answer, error) != 0) {
            result = -1;
            goto out;
        }
        answer_free(&answer);
    }
    if (result != 0)
        goto out;
    *login = is_wrong(matrix, &answer) ? LOGIN_WRONG : LOGIN_DONE;
    if (answer_ok(&answer))
        result = take_session(session, &answer, error);
    else if (*login != LOGIN_WRONG)
        result = login_refused(&answer, error);
    if (result != 0)
        client_logout(matrix, session, NULL);
out:
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

static void
end_session(struct matrix *matrix, const char *path, struct session *session, bool *failed)
{
    struct call call = {
        .method = "POST",
        .path = path,
        .bearer = &session->access_token,
        .body = json_object(),
        .retry = RETRY_SAFE, /* a second logout of a token harms nothing */
        .cleaning_up = true,
    };
    struct answer answer = {0};
    struct error ignored = {0};
    bool done = true;

    if (session->is_ours && secret_given(&session->access_token))
        done = call_send(matrix, &call, &answer, &ignored) == 0 &&
               (answer_ok(&answer) || answer_is(&answer, 401, "M_UNKNOWN_TOKEN"));
    if (failed != NULL)
        *failed = !done;
    answer_free(&answer);
    json_decref(call.body);
    secret_free(&session->access_token);
    memory_free(session->user_id);
    memset(session, 0, sizeof(*session));
}

void
client_logout(struct matrix *matrix, struct session *session, bool *failed)
{
    end_session(matrix, "/_matrix/client/v3/logout", session, failed);
}

void
client_logout_all(struct matrix *matrix, struct session *session, bool *failed)
{
    end_session(matrix, "/_matrix/client/v3/logout/all", session, failed);
}

int
client_password_flow(struct matrix *matrix, bool *offered, long *status, struct error *error)
{
    struct answer answer = {0};
    const json_t *flow;
    size_t i;

    if (call_get(matrix, "/_matrix/client/v3/login", NULL, &answer, error) != 0)
        return -1;
    *offered = false;
    *status = answer.status;
    json_array_foreach(json_object_get(answer.body, "flows"), i, flow)
    {
        const char *type = json_string_value(json_object_get(flow, "type"));

        if (type != NULL && strcmp(type, "m.login.password") == 0)
            *offered = true;
    }
    answer_free(&answer);
    return 0;
}

int
client_whoami(struct matrix *matrix, struct session *session, struct error *error)
{
    static const char what[] = "asking whose the access token is";
    struct answer answer = {0};
    const char *user_id;
    int result = -1;

    if (call_get(matrix, "/_matrix/client/v3/account/whoami", &session->access_token,
            &answer, error) != 0)
        goto out;
    if (!answer_ok(&answer)) {
        /* A locked account's token is refused with 401, too, and is not wrong. */
        if (errcode_kind(answer.status, answer.errcode) == ERROR_UNAUTHORIZED)
            answer_refused_as(&answer, ERROR_UNAUTHORIZED, what,
                "it is wrong, or it has been logged out", error);
        else
            answer_refused(&answer, what, error);
        goto out;
    }
    user_id = answer_string(&answer, "user_id", what, error);
    if (user_id == NULL)
        goto out;
    session->user_id = memory_copy_string(user_id);
    result = session->user_id == NULL ? error_no_memory(error) : 0;
out:
    answer_free(&answer);
    return result;
}

int
client_server_name(struct matrix *matrix, char **server_name, struct error *error)
{
    struct answer answer = {0};
    const char *name;
    int result = call_get(matrix, "/_matrix/key/v2/server", NULL, &answer, error);

    *server_name = NULL;
    name = result == 0 && answer_ok(&answer)
               ? json_string_value(json_object_get(answer.body, "server_name"))
               : NULL;
    /* One that no user id could have is as good as none. */
    if (name != NULL && user_id_server_name_is_valid(name) &&
        strlen(name) < USER_ID_LONGEST) {
        *server_name = memory_copy_string(name);
        if (*server_name == NULL)
            result = error_no_memory(error);
    }
    answer_free(&answer);
    return result;
}
