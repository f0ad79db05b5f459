/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/administrator.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"
#include "matrix/kept_session.h"
#include "matrix/user_id.h"

/* The server's name is the one in its administrator's user id. */
static int
take_server_name(struct backend *backend, struct error *error)
{
    const char *server_name =
        user_id_server_name(state_of(backend)->administrator.user_id);

    if (server_name == NULL || !user_id_server_name_is_valid(server_name))
        return error_set(error, ERROR_PROTOCOL,
            "the server says that the credential belongs to something that is no user id");
    memory_free(backend->server_name);
    backend->server_name = memory_copy_string(server_name);
    if (backend->server_name == NULL)
        return error_no_memory(error);
    backend->authority = AUTHORITY_ADMINISTRATOR;
    /* A kept session's token is no option's, so nobody else keeps it back. */
    if (http_learn_secret(backend->matrix.http,
            &state_of(backend)->administrator.access_token, error) != 0)
        return -1;
    return backend_check_server_name(backend, error);
}

static int
open_with_token(struct backend *backend, struct error *error)
{
    struct session *session = &state_of(backend)->administrator;
    struct error failure = {0};

    backend->authenticated_by = "access_token";
    if (secret_copy(&session->access_token, backend->connection->access_token) != 0)
        return error_no_memory(error);
    if (client_whoami(&backend->matrix, session, &failure) == 0)
        return 0;
    *error = failure;
    if (failure.kind == ERROR_UNAUTHORIZED)
        snprintf(error->text, sizeof(error->text), "access_token: %.1100s", failure.text);
    return -1;
}

static int
have_session_file(struct backend *backend, struct error *error)
{
    struct state *state = state_of(backend);
    const char *path = backend->connection->session_file;
    struct error failure = {0};

    if (path == NULL || state->session_file_is_open)
        return 0;
    state->session_file_is_open = true;
    state->session_file = session_file_open(path, backend->warnings, &failure);
    if (failure.kind == ERROR_NONE)
        return 0;
    *error = failure;
    error->ends_list = true;
    return -1;
}

/* Whose session is kept. The server's name is asked for first: the token of
 * one server is not sent to another at the same address. */
static int
make_key(struct backend *backend, struct session_key *key, const char *localpart,
    const struct secret *credential, struct error *error)
{
    if (state_of(backend)->session_file != NULL &&
        backend_learn_server_name(backend, error) != 0)
        return -1;
    *key = (struct session_key){
        .origin = http_origin(backend->matrix.http),
        .localpart = localpart,
        .server_name = backend->server_name,
        .credential = credential,
    };
    return 0;
}

/* How long others may take to log in before this run gives up waiting. */
static long long
lock_timeout_ms(const struct backend *backend)
{
    return 4LL * backend->connection->http.timeout_ms;
}

static int
log_in(void *context, const char *device_id, const struct session *old,
    struct session *session, struct error *error)
{
    struct backend *backend = context;
    const struct connection *connection = backend->connection;
    enum login_result login;

    (void)old;
    if (client_login(&backend->matrix, connection->admin_username,
            connection->admin_password, device_id, session, &login, error) != 0)
        return -1;
    if (login == LOGIN_DONE)
        return 0;
    error->status = 403;
    return error_set(error, ERROR_UNAUTHORIZED,
        "cannot log in as %s: admin_password is wrong, or there is no such account",
        connection->admin_username);
}

static int
open_with_password(struct backend *backend, struct error *error)
{
    const struct session_source source = {log_in, backend};
    const char *written = backend->connection->admin_username;
    struct state *state = state_of(backend);
    struct user_id user = {0};
    struct session_key key;
    int result;

    backend->authenticated_by = "admin_username";
    if (have_session_file(backend, error) != 0)
        return -1;
    if (state->session_file == NULL)
        return log_in(backend, NULL, NULL, &state->administrator, error);
    /* Written as a user id or not, it is one entry. */
    result = user_id_parse(&user, written, error);
    if (result == 0)
        result = make_key(backend, &key, user.localpart, backend->connection->admin_password,
            error);
    if (result == 0)
        result = kept_session_open(&backend->matrix, state->session_file, &key,
            lock_timeout_ms(backend), &source, &state->administrator, error);
    user_id_free(&user);
    return result;
}

int
administrator_open(struct backend *backend, struct error *error)
{
    int result = backend->connection->access_token != NULL
                     ? open_with_token(backend, error)
                     : open_with_password(backend, error);

    return result == 0 ? take_server_name(backend, error) : -1;
}

/* What is known of the service account's session file entry. */
static int
make_service_key(struct backend *backend, struct session_key *key, struct error *error)
{
    return make_key(backend, key, backend->connection->service_account,
        backend->connection->shared_secret, error);
}

/* The administrator is the service account, if a session of it was had. */
static int
take_service(struct backend *backend, struct error *error)
{
    struct state *state = state_of(backend);

    if (state->administrator.user_id == NULL)
        return 0;
    state->is_service = true;
    if (take_server_name(backend, error) != 0)
        return -1;
    service_leave_rooms(backend);
    return 0;
}

int
administrator_resume(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    struct state *state = state_of(backend);
    struct session_key key;

    if (connection->shared_secret == NULL || connection->service_account == NULL ||
        connection->session_file == NULL || !session_file_is_there(connection->session_file))
        return 0;
    if (have_session_file(backend, error) != 0)
        return -1;
    if (state->session_file == NULL || session_file_is_empty(state->session_file))
        return 0;
    if (make_service_key(backend, &key, error) != 0 ||
        kept_session_resume(&backend->matrix, state->session_file, &key,
            &state->administrator, error) != 0)
        return -1;
    return take_service(backend, error);
}

/* Opens the service account wherever a session of it is to be had. */
static int
open_service(struct backend *backend, struct error *error)
{
    const struct session_source source = {service_obtain, backend};
    struct state *state = state_of(backend);
    struct session_key key;

    if (have_session_file(backend, error) != 0 ||
        backend_learn_server_name(backend, error) != 0 ||
        make_service_key(backend, &key, error) != 0 ||
        kept_session_open(&backend->matrix, state->session_file, &key,
            lock_timeout_ms(backend), &source, &state->administrator, error) != 0)
        return -1;
    return take_service(backend, error);
}

int
administrator_become(struct backend *backend, struct error *error)
{
    struct error failure = {0};

    if (backend->authority != AUTHORITY_NONE)
        return 0;
    if (!connection_may_administrate(backend->connection))
        return error_set(error, ERROR_UNAUTHORIZED, "this takes an administrator: give %s%s",
            backend->type->administrator,
            backend->connection->shared_secret != NULL
                ? ", or allow a service_account"
                : "");
    if (open_service(backend, &failure) != 0) {
        *error = failure;
        /* Whoever else needs an administrator would fare the same. */
        error->ends_list = error->kind != ERROR_UNSUPPORTED;
        return -1;
    }
    if (backend->authority == AUTHORITY_NONE && !state_of(backend)->forgetting)
        backend->authority = AUTHORITY_PREDICTED;
    return 0;
}

int
administrator_forget(struct backend *backend, struct error *error)
{
    struct state *state = state_of(backend);
    struct session_key key;
    int result;

    if (have_session_file(backend, error) != 0)
        return -1;
    if (state->session_file == NULL || backend->predict)
        return 0;
    if (make_service_key(backend, &key, error) != 0 ||
        session_file_lock(state->session_file, lock_timeout_ms(backend), error) != 0)
        return -1;
    result = session_file_remove(state->session_file, &key, error);
    session_file_unlock(state->session_file);
    return result;
}

void
administrator_close(struct backend *backend)
{
    struct state *state = state_of(backend);
    bool failed;

    client_logout(&backend->matrix, &state->administrator, &failed);
    if (failed)
        list_add(backend->warnings,
            "the administrator could not be logged out; a device called \"Registrar\" may "
            "be left");
    session_file_close(state->session_file);
    state->session_file = NULL;
}
