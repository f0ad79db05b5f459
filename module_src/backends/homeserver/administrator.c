/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/administrator.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/tidy.h"
#include "base/memory.h"
#include "base/stop.h"
#include "matrix/admin_room.h"
#include "matrix/kept_session.h"
#include "matrix/user_id.h"

/* What a server does when it starts goes on for a moment after it answers: continuwuity
 * makes the accounts of its configuration (admin_execute) half a second later, and the
 * passwords of more than one take their time. So long, and in such steps, the login of
 * one that is not there is tried again. */
#define STARTUP_WAIT_MS 5000
#define STARTUP_POLL_MS 500

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

int
administrator_take_over(struct backend *backend, struct session *session, struct error *error)
{
    state_of(backend)->administrator = *session;
    memset(session, 0, sizeof(*session));
    return take_server_name(backend, error);
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

/* Whether the account may only not be there yet; waits then. A signal is told by the
 * next call. */
static bool
wait_for_account(struct backend *backend, const struct error *failure, long long ends_ms)
{
    if (failure->status != 404 || strcmp(failure->errcode, "M_NOT_FOUND") != 0 ||
        stop_clock_ms() >= ends_ms)
        return false;
    return retry_pause(&backend->retry, STARTUP_POLL_MS) || stop_signal() != 0;
}

/* Why the administrator is not let in. */
static int
refuse_login(struct backend *backend, const struct error *failure, struct error *error)
{
    char wait[RETRY_WAIT_SIZE];

    *error = *failure;
    if (failure->kind != ERROR_NOT_FOUND)
        return -1;
    retry_tell_wait(wait, backend->retry.waited_ms);
    error->kind = ERROR_NONE;
    return error_set(error, ERROR_UNAUTHORIZED,
        "cannot log in as %s: the server has no such account; a server that is only starting "
        "may not have made it yet: set wait_timeout (seconds) then%s",
        backend->connection->admin_username, wait);
}

static int
log_in(void *context, const char *device_id, const struct session *old,
    struct session *session, struct error *error)
{
    struct backend *backend = context;
    const struct connection *connection = backend->connection;
    long long ends_ms = stop_clock_ms() + STARTUP_WAIT_MS;
    struct error failure = {0};
    enum login_result login;

    (void)old;
    while (client_login(&backend->matrix, connection->admin_username,
               connection->admin_password, device_id, session, &login, &failure) != 0) {
        if (!wait_for_account(backend, &failure, ends_ms))
            return refuse_login(backend, &failure, error);
        error_clear(&failure);
    }
    if (login == LOGIN_DONE)
        return 0;
    error->status = 403;
    return error_set(error, ERROR_UNAUTHORIZED,
        "cannot log in as %s: admin_password is wrong, or there is no such account",
        connection->admin_username);
}

/* A session of the server's own user would be kept, and never ended. Servers take its
 * name in capitals, too. */
static int
refuse_servers_own(const struct backend *backend, const char *written, struct error *error)
{
    const char *localpart = written[0] == '@' ? written + 1 : written;
    size_t length = strcspn(localpart, ":");

    if (backend->type->dialect->first_account == FIRST_IS_NOBODY ||
        length != strlen(ADMIN_ROOM_BOT) || strncasecmp(localpart, ADMIN_ROOM_BOT, length) != 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "admin_username: " ADMIN_ROOM_BOT " is the server's own user, and no administrator to "
        "work as; give its password as emergency_password");
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
    if (refuse_servers_own(backend, written, error) != 0 ||
        have_session_file(backend, error) != 0)
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

/* ---- The server's own user ---------------------------------------------------------- */

static int
refuse_emergency(const struct error *failure, struct error *error)
{
    bool is_unset = strcmp(failure->errcode, "M_USER_DEACTIVATED") == 0;

    if (failure->kind != ERROR_NONE && !is_unset) {
        *error = *failure;
        return -1;
    }
    error->status = 403;
    memcpy(error->errcode, failure->errcode, sizeof(error->errcode));
    return error_set(error, ERROR_UNAUTHORIZED,
        "cannot log in as @" ADMIN_ROOM_BOT " with emergency_password: %s; the server reads its "
        "configuration only when it starts, so restart it after setting it there",
        is_unset ? "the running server has none" : "the running server has another one");
}

static void
warn_emergency(struct backend *backend)
{
    const char *rest = backend->type->dialect->emergency_rest;

    list_add(backend->warnings,
        "emergency_password opened the server as its own user %s, which may do everything; "
        "unset it in the server's configuration, and restart the server, as soon as there is an "
        "administrator%s%s",
        state_of(backend)->administrator.user_id, rest == NULL ? "" : ". ",
        rest == NULL ? "" : rest);
}

/* Its session is never kept: who has its token is the server. On a device of its own, so
 * that another run is not logged out before its time. */
static int
open_with_emergency(struct backend *backend, struct error *error)
{
    struct state *state = state_of(backend);
    struct error failure = {0};
    enum login_result login = LOGIN_DONE;

    backend->authenticated_by = "emergency_password";
    if (client_login(&backend->matrix, ADMIN_ROOM_BOT, backend->connection->emergency_password,
            NULL, &state->administrator, &login, &failure) != 0 ||
        login == LOGIN_WRONG)
        return refuse_emergency(&failure, error);
    if (!user_id_has_localpart(state->administrator.user_id, ADMIN_ROOM_BOT))
        return error_set(error, ERROR_PROTOCOL,
            "logging in as @" ADMIN_ROOM_BOT ": the server's answer names another account");
    state->is_server_itself = true;
    warn_emergency(backend);
    return 0;
}

/* The server's own user is one without being a member that counts (tuwunel 1.9.0, Conduit
 * 0.10.12, seen running). */
void
administrator_warn_next(struct backend *backend, const struct list *administrators)
{
    if (!state_of(backend)->is_server_itself || administrators->count > 0)
        return;
    list_add(backend->warnings,
        "nobody but the server's own user is in the admin room, so %s makes the next account "
        "that is registered an administrator, whoever that is: make one with admin: true "
        "before registration is opened",
        backend->type->product);
}

int
administrator_open(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    int result;

    if (connection->access_token != NULL)
        result = open_with_token(backend, error);
    else if (connection->admin_username != NULL)
        result = open_with_password(backend, error);
    else
        result = open_with_emergency(backend, error);
    return result == 0 ? take_server_name(backend, error) : -1;
}

/* ---- The service account ------------------------------------------------------------ */

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
    tidy_rooms(backend);
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

/* What the server's own user was logged in with before, by us or by others, may work for
 * ever: unsetting its password does not end it on Conduit and tuwunel. */
static void
log_out_server(struct backend *backend)
{
    bool failed;

    client_logout_all(&backend->matrix, &state_of(backend)->administrator, &failed);
    if (failed)
        list_add(backend->warnings,
            "@" ADMIN_ROOM_BOT ", the server's own user, could not be logged out everywhere; an "
            "access token of it may go on working, also when emergency_password is unset, "
            "until a run with emergency_password logs it out");
}

static void
log_out(struct backend *backend)
{
    bool failed;

    client_logout(&backend->matrix, &state_of(backend)->administrator, &failed);
    if (failed)
        list_add(backend->warnings,
            "the administrator could not be logged out; a device called \"Registrar\" may "
            "be left");
}

void
administrator_close(struct backend *backend)
{
    struct state *state = state_of(backend);

    /* What others are logged in with ends only where something may be changed. */
    if (state->is_server_itself && !backend->predict)
        log_out_server(backend);
    else
        log_out(backend);
    state->is_server_itself = false;
    session_file_close(state->session_file);
    state->session_file = NULL;
}
