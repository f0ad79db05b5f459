/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question is a request that needs the account's password and can never
 * succeed: adding an address with a validation session that does not exist.
 * Synapse checks the password first (synapse/rest/client/account.py,
 * ThreepidAddRestServlet), so the refusal tells: 400 M_THREEPID_AUTH_FAILED
 * after a right one, 401 M_FORBIDDEN after a wrong one.
 *
 * Where addresses may not be changed (enable_3pid_changes: false) that answers
 * 400 M_FORBIDDEN before it looks at any password, and the deletion of a device that does not exist is asked instead. With
 * ui_auth.session_timeout it answers 200 to anything from a fresh token, so a
 * deliberately wrong password goes first, once a run, from a token just as
 * fresh.
 */
#include "backends/synapse/password.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backends/homeserver/logins.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

/* How long a token on a user's behalf lives should its logout get lost. */
#define TOKEN_LIFE_MS 60000

static const char add_path[] = "/_matrix/client/v3/account/3pid/add";
static const char delete_path[] = "/_matrix/client/v3/devices/REGISTRAR_NO_SUCH_DEVICE";

/* The server's own time: ours may differ by more than a token lives. */
static long long
server_time_ms(const struct backend *backend)
{
    time_t now =
        backend->matrix.server_date != 0 ? backend->matrix.server_date : time(NULL);

    return (long long)now * 1000;
}

/* A token on the user's behalf, for client_logout. */
static int
log_in_as(struct backend *backend, const char *user_id, struct session *session,
    struct error *error)
{
    static const char what[] = "asking for a token on the user's behalf";
    char *path = client_path("/_synapse/admin/v1/users/", user_id, "/login");
    struct call call = {
        .method = "POST",
        .path = path,
        .bearer = &state_of(backend)->administrator.access_token,
        .body = json_pack("{s:I}", "valid_until_ms",
            (json_int_t)(server_time_ms(backend) + TOKEN_LIFE_MS)),
        .retry = RETRY_UNSENT,
    };
    struct answer answer = {0};
    int result = -1;

    memset(session, 0, sizeof(*session));
    if (path == NULL || call.body == NULL) {
        error_no_memory(error);
        goto out;
    }
    if (call_send(&backend->matrix, &call, &answer, error) != 0)
        goto out;
    if (!answer_ok(&answer)) {
        answer_refused(&answer, what, error);
        goto out;
    }
    result = client_take_token(session, &answer, what, error);
out:
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

/* Sends a request that wants m.login.password of user_id. */
static int
send_with_password(struct backend *backend, const char *method, const char *path,
    const struct secret *token, const char *user_id, const struct secret *password,
    struct answer *answer, struct error *error)
{
    struct call call = {
        .method = method,
        .path = path,
        .bearer = token,
        .body = json_pack("{s:s, s:s, s:o*}", "sid", "registrar-asks", "client_secret",
            "registrar", "auth", client_password_auth(user_id, password)),
        .secrets = {password},
        .retry = RETRY_SAFE,
    };
    int result = -1;

    if (call.body == NULL || json_object_get(call.body, "auth") == NULL)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, answer, error);
    json_decref(call.body);
    return result;
}

/* Whether a fresh token of this run is asked for a password at all. */
static int
try_wrong_password(struct backend *backend, const struct secret *token,
    struct error *error)
{
    struct state *state = state_of(backend);
    struct secret wrong = {0};
    struct answer answer = {0};
    unsigned char random[16];
    char text[2 * sizeof(random) + 1];
    int result = -1;

    if (random_bytes(random, sizeof(random), error) != 0)
        return -1;
    text_hex(text, random, sizeof(random));
    if (secret_set(&wrong, text, strlen(text)) != 0)
        error_no_memory(error);
    else
        result = send_with_password(backend, "DELETE", delete_path, token,
            state->administrator.user_id, &wrong, &answer, error);
    if (result == 0)
        state->deletion_tells =
            answer_is(&answer, 401, "M_FORBIDDEN") ? DELETION_TELLS : DELETION_TELLS_NOT;
    answer_free(&answer);
    secret_free(&wrong);
    return result;
}

static int
cannot_tell(enum password_answer *answer, char *why, const char *reason)
{
    *answer = PASSWORD_CANNOT_TELL;
    snprintf(why, PASSWORD_WHY_SIZE, "%s", reason);
    return 0;
}

static int
ask_by_deletion(struct backend *backend, const struct secret *token, const char *user_id,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct state *state = state_of(backend);
    struct answer reply = {0};
    int result;

    if (state->deletion_tells == DELETION_NOT_TRIED &&
        try_wrong_password(backend, token, error) != 0)
        return -1;
    if (state->deletion_tells == DELETION_TELLS_NOT)
        return cannot_tell(answer, why,
            "this server lets nobody change addresses (enable_3pid_changes) and does not ask "
            "a fresh session for its password (ui_auth.session_timeout)");
    result = send_with_password(backend, "DELETE", delete_path, token, user_id, password,
        &reply, error);
    if (result == 0 && answer_ok(&reply))
        *answer = PASSWORD_SAME;
    else if (result == 0 && answer_is(&reply, 401, "M_FORBIDDEN"))
        *answer = PASSWORD_DIFFERENT;
    else if (result == 0)
        cannot_tell(answer, why, "the server does not answer the question");
    answer_free(&reply);
    return result;
}

static int
ask(struct backend *backend, const struct secret *token, const char *user_id,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct answer reply = {0};
    int result = send_with_password(backend, "POST", add_path, token, user_id, password,
        &reply, error);

    if (result != 0)
        goto out;
    if (answer_is(&reply, 400, "M_THREEPID_AUTH_FAILED"))
        *answer = PASSWORD_SAME;
    else if (answer_is(&reply, 401, "M_FORBIDDEN"))
        *answer = PASSWORD_DIFFERENT;
    else if (answer_is(&reply, 401, "M_USER_LOCKED") ||
             answer_is(&reply, 401, "ORG_MATRIX_MSC3939_USER_LOCKED"))
        cannot_tell(answer, why, "the account is locked");
    else if (reply.status == 403 || answer_is(&reply, 400, "M_FORBIDDEN"))
        result = ask_by_deletion(backend, token, user_id, password, answer, why, error);
    else if (reply.status == 401)
        cannot_tell(answer, why, "this server does not take passwords from its accounts");
    else
        cannot_tell(answer, why, "the server does not answer the question");
out:
    answer_free(&reply);
    return result;
}

int
password_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    const struct session *administrator = &state_of(backend)->administrator;
    const char *user_id = observed->account.user_id;
    struct session behalf;
    bool logout_failed;
    int result;

    /* Synapse gives nobody a token on their own behalf; they have one. */
    if (strcmp(user_id, administrator->user_id) == 0)
        return ask(backend, &administrator->access_token, user_id, password, answer, why,
            error);
    if (log_in_as(backend, user_id, &behalf, error) != 0)
        return -1;
    result = ask(backend, &behalf.access_token, user_id, password, answer, why, error);
    client_logout(&backend->matrix, &behalf, &logout_failed);
    if (logout_failed)
        list_add(backend->warnings,
            "a token on behalf of %s could not be logged out; it ends by itself within a "
            "minute",
            user_id);
    return result;
}

int
password_may_be_set(struct backend *backend, struct error *error)
{
    bool on;

    if (logins_by_password(backend, &on, error) != 0)
        return -1;
    if (on)
        return 0;
    return error_set(error, ERROR_POLICY,
        "this server has password logins switched off (password_config in its "
        "configuration), and lets nobody set a password then");
}
