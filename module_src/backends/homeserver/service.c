/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/service.h"

#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/logins.h"
#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/tidy.h"
#include "base/memory.h"
#include "matrix/profile.h"
#include "matrix/service_account.h"
#include "matrix/user_id.h"

/* What is known while a session is looked for. */
struct search {
    struct backend *backend;
    const char *localpart;
    const char *device_id;
    struct secret password;       /* that the shared secret gives */
    bool logins;                  /* the server has password logins */
    bool was_tried;               /* a login with the password was answered */
    struct error limit;           /* the server's limit on logins, if it was met */
    enum profile_result profile;  /* hidden: nobody says whether it is there */
    struct session *session;
    struct error *error;
};

bool
service_is(const struct backend *backend, const char *localpart)
{
    const struct connection *connection = backend->connection;

    return !connection_has_administrator(connection) && connection->shared_secret != NULL &&
           connection->service_account != NULL &&
           strcmp(connection->service_account, localpart) == 0;
}

/* The password that a shared secret gives the account, for secret_free; it is
 * shown nowhere from then on. */
static int
derive_password(struct search *search, const struct secret *shared_secret,
    struct secret *password)
{
    if (service_account_password(password, shared_secret, search->localpart,
            search->error) != 0)
        return -1;
    return http_learn_secret(search->backend->matrix.http, password, search->error);
}

static int
look_at_profile(struct search *search)
{
    struct profile profile = {0};
    char *user_id;
    int result;

    search->profile = PROFILE_HIDDEN;
    if (search->backend->server_name == NULL)
        return 0;
    user_id = user_id_format(search->localpart, search->backend->server_name);
    if (user_id == NULL)
        return error_no_memory(search->error);
    result = profile_get(&search->backend->matrix, user_id, NULL, &profile, search->error);
    search->profile = profile.result;
    /* Ours has a name. Older Synapses (1.103) show an erased account as an empty
     * profile, newer ones as none. */
    if (profile.result == PROFILE_FOUND && profile.displayname == NULL)
        search->profile = PROFILE_NONE;
    profile_free(&profile);
    memory_free(user_id);
    return result;
}

/* What the server calls our account has to be it. */
static int
check_user_id(struct search *search)
{
    const char *user_id = search->session->user_id;
    const char *known = search->backend->server_name;
    const char *named = user_id_server_name(user_id);

    if (user_id_has_localpart(user_id, search->localpart) && named != NULL &&
        (known == NULL || strcmp(known, named) == 0))
        return 0;
    return error_set(search->error, ERROR_PROTOCOL,
        "opening the service account %s: the server's answer names another account",
        search->localpart);
}

/* Where it was forgotten, servers whose refusals say what an account is say that. */
static bool
is_forgotten(const struct search *search, const struct error *failure)
{
    return search->backend->type->dialect->login_device != NULL && failure->status == 403 &&
           strcmp(failure->errcode, "M_USER_DEACTIVATED") == 0;
}

static int
log_in(struct search *search, const struct secret *password, bool *opened)
{
    enum login_result login = LOGIN_WRONG;
    struct error failure = {0};

    *opened = false;
    if (client_login(&search->backend->matrix, search->localpart, password,
            search->device_id, search->session, &login, &failure) != 0 &&
        !is_forgotten(search, &failure)) {
        *search->error = failure;
        return -1;
    }
    if (login == LOGIN_WRONG || failure.kind != ERROR_NONE)
        return 0;
    if (check_user_id(search) != 0)
        return -1;
    *opened = true;
    return 0;
}

/* What the account is made as. For account_free. */
static int
describe(struct search *search, struct account *account)
{
    const char *type = search->backend->type->dialect->has_user_types ? "support" : NULL;

    if (account_name(account, NULL, search->localpart, search->error) != 0 ||
        account_state_text(account, ACCOUNT_USER_TYPE, type, search->error) != 0 ||
        account_state_text(account, ACCOUNT_DISPLAYNAME, SERVICE_ACCOUNT_DISPLAYNAME,
            search->error) != 0)
        return -1;
    account_state_bool(account, ACCOUNT_ADMIN, true);
    return account_state_password(account, &search->password, search->error);
}

static void
note_creation(struct search *search)
{
    list_add(search->backend->actions, "create service account");
}

/* After two registrations of which nobody knows what became: a plain refusal of
 * the second says that the first was none, either. Where both were answered, so
 * does a look; else the server may be at it still. */
static bool
may_be_made(struct search *search, const struct error *second, bool unanswered)
{
    struct error *error = search->error;
    struct error ignored = {0};
    enum profile_result before = search->profile;
    bool absent;

    if (second->status >= 400 && second->status < 500)
        return false;
    if (unanswered)
        return true;
    search->error = &ignored;
    absent = look_at_profile(search) == 0 && search->profile == PROFILE_NONE;
    search->error = error;
    search->profile = before;
    return !absent;
}

/* A registration whose answer was lost is sent again: it makes the account, or
 * finds the name taken, and then a login tells whether by the first one. */
static int
send_registration(struct search *search, const struct account *account,
    enum creation *creation)
{
    bool lost = false, unanswered = false;
    struct error failure;
    int result;

    for (int attempt = 0; attempt < 2; attempt++) {
        memset(&failure, 0, sizeof(failure));
        *creation = CREATION_NAME_TAKEN;
        result = register_session(search->backend, account, search->device_id,
            search->session, creation, &failure);
        if (result == 0 || !error_hides_outcome(&failure))
            break;
        lost = true;
        unanswered |= failure.maybe_done;
    }
    if (*creation == CREATION_DONE ||
        (lost && result != 0 && may_be_made(search, &failure, unanswered)))
        note_creation(search);
    if (lost && *creation == CREATION_NAME_TAKEN)
        *creation = CREATION_PERHAPS;
    if (result != 0)
        *search->error = failure;
    return result;
}

/* The session of the registration is on a device that others would share; one on
 * a device of our own takes its place. */
static int
change_session(struct search *search)
{
    bool opened;

    client_logout(&search->backend->matrix, search->session, NULL);
    if (log_in(search, &search->password, &opened) != 0)
        return -1;
    if (opened)
        return 0;
    return error_set(search->error, ERROR_PROTOCOL,
        "the server has made the service account %s, and does not let it in with the password "
        "that it was made with",
        search->localpart);
}

static int
make(struct search *search, enum creation *creation)
{
    struct account account = {0};
    int result = describe(search, &account);

    if (result == 0)
        result = send_registration(search, &account, creation);
    account_free(&account);
    if (result != 0 || *creation != CREATION_DONE)
        return result;
    if (check_user_id(search) != 0)
        return -1;
    tidy_name(search->backend, search->session);
    return search->backend->type->dialect->registers_any_device ? 0 : change_session(search);
}

/* Gives the account that session opens the password of the shared secret. */
static int
set_password(struct search *search, const struct session *session)
{
    struct call call = {
        .bearer = &session->access_token,
        .secrets = {&search->password},
        .retry = RETRY_SAFE,
    };
    struct answer answer = {0};
    struct error failure = {0};
    char *path = NULL;
    int result = -1;

    if (search->backend->type->dialect->build_reset(&call, &path, session->user_id,
            &search->password) != 0)
        error_no_memory(&failure);
    else
        result = call_send(&search->backend->matrix, &call, &answer, &failure);
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer,
            "giving the service account the password of the new shared secret", &failure);
    if (result != 0)
        *search->error = failure;
    if (result == 0 || error_hides_outcome(&failure))
        list_add(search->backend->actions, "update service account");
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

/* Goes on with the old session's token, which stays whose it is. */
static int
take_over(struct search *search, const struct session *old)
{
    struct session *session = search->session;

    session->user_id = memory_copy_string(old->user_id);
    if (session->user_id == NULL ||
        secret_copy(&session->access_token, &old->access_token) != 0)
        return error_no_memory(search->error);
    return 0;
}

/* The shared secret was changed, and a session made with the old one works. */
static int
renew_with_session(struct search *search, const struct session *old)
{
    if (search->logins && set_password(search, old) != 0)
        return -1;
    return take_over(search, old);
}

/* The same with the old secret itself. */
static int
renew_with_previous(struct search *search, bool *opened)
{
    const struct secret *previous = search->backend->connection->shared_secret_previous;
    struct secret password = {0};
    int result;

    *opened = false;
    if (previous == NULL || !search->logins)
        return 0;
    result = derive_password(search, previous, &password);
    if (result == 0)
        result = log_in(search, &password, opened);
    if (result == 0 && *opened && search->backend->predict) {
        client_logout(&search->backend->matrix, search->session, NULL);
        list_add(search->backend->actions, "update service account");
    } else if (result == 0 && *opened) {
        result = set_password(search, search->session);
    }
    secret_free(&password);
    return result;
}

static int
refuse(struct search *search)
{
    const char *localpart = search->localpart;

    if (!search->logins)
        return error_set(search->error, ERROR_CONFLICT,
            "there is an account %s, and no session of it is kept in session_file, which is the "
            "only way into it as the server has no password logins. If it is Registrar's, "
            "an administrator can deactivate it; set service_account to another name, or give "
            "an administrator's credential",
            localpart);
    return error_set(search->error, ERROR_CONFLICT,
        "there is an account %s, and the password that registration_shared_secret gives "
        "Registrar's service account does not open it, so it was not touched. If the secret "
        "was changed, give the old one once as registration_shared_secret_previous. If "
        "the account was forgotten (deactivated), or is somebody else's, set "
        "service_account to another name, or give an administrator's credential",
        localpart);
}

/* The account is there and our password does not open it. */
static int
renew(struct search *search, const struct session *old)
{
    bool opened;

    if (search->backend->predict &&
        register_prove_secret(search->backend, search->error) != 0)
        return -1;
    if (old != NULL && search->backend->predict) {
        if (search->logins)
            list_add(search->backend->actions, "update service account");
        return 0;
    }
    if (old != NULL)
        return renew_with_session(search, old);
    if (renew_with_previous(search, &opened) != 0)
        return -1;
    return opened ? 0 : refuse(search);
}

/* A login that the server's limit forbids leaves open whether there is such an
 * account; making it, which has no such limit, will tell. */
static int
try_login(struct search *search, bool *opened)
{
    struct error failure = {0};
    struct error *error = search->error;
    int result;

    search->error = &failure;
    result = log_in(search, &search->password, opened);
    search->error = error;
    search->was_tried = result == 0;
    if (result == 0)
        return 0;
    if (failure.kind == ERROR_RATE_LIMITED && search->profile != PROFILE_FOUND &&
        !search->backend->predict) {
        search->limit = failure;
        return 0;
    }
    *error = failure;
    return -1;
}

/* Nothing opened yet: make it, or find that the name is taken. */
static int
make_or_renew(struct search *search, const struct session *old)
{
    bool opened = false;
    enum creation creation;

    if (search->backend->predict) {
        if (search->profile == PROFILE_FOUND || old != NULL)
            return renew(search, old);
        if (register_prove_secret(search->backend, search->error) != 0)
            return -1;
        note_creation(search);
        return 0;
    }
    if (make(search, &creation) != 0)
        return -1;
    if (creation == CREATION_DONE)
        return 0;
    if (search->limit.kind != ERROR_NONE) {
        *search->error = search->limit;
        return -1;
    }
    if (search->logins && (!search->was_tried || creation == CREATION_PERHAPS) &&
        log_in(search, &search->password, &opened) != 0)
        return -1;
    if (opened && creation == CREATION_PERHAPS)
        note_creation(search);
    return opened ? 0 : renew(search, old);
}

/*
 * The account is to be forgotten: whatever opens it will do, and no password is
 * set any more. That nothing does is an answer only when the secret is the
 * server's own.
 */
static int
open_to_forget(struct search *search, const struct session *old)
{
    const struct secret *previous = search->backend->connection->shared_secret_previous;
    struct secret password = {0};
    bool opened = false;
    int result;

    if (register_prove_secret(search->backend, search->error) != 0)
        return -1;
    if (old != NULL)
        return take_over(search, old);
    if (previous != NULL && search->logins) {
        result = derive_password(search, previous, &password);
        if (result == 0)
            result = log_in(search, &password, &opened);
        secret_free(&password);
        if (result != 0 || opened)
            return result;
    }
    if (search->profile == PROFILE_FOUND)
        return refuse(search);
    if (search->profile == PROFILE_HIDDEN)
        list_add(search->backend->warnings,
            "that %s is not there, or deactivated, is a guess: the server does not show "
            "profiles here; what is certain is that it does not open with the password that the "
            "shared secret gives it",
            search->localpart);
    return 0;
}

static int
look_for_session(struct search *search, const struct session *old)
{
    struct state *state = state_of(search->backend);
    bool opened = false;

    if (logins_by_password(search->backend, &search->logins, search->error) != 0)
        return -1;
    if (!search->logins && state->session_file == NULL && !state->forgetting)
        return error_set(search->error, ERROR_UNSUPPORTED,
            "this takes an administrator, and a service account would be of no use: the "
            "server has no password logins, and there is no session_file to keep its "
            "session in; set session_file, or give %s",
            search->backend->type->administrator);
    if (look_at_profile(search) != 0)
        return -1;
    if (search->logins && search->profile != PROFILE_NONE && try_login(search, &opened) != 0)
        return -1;
    if (opened)
        return 0;
    return state->forgetting ? open_to_forget(search, old) : make_or_renew(search, old);
}

int
service_obtain(void *context, const char *device_id, const struct session *old,
    struct session *session, struct error *error)
{
    struct backend *backend = context;
    struct search search = {
        .backend = backend,
        .localpart = backend->connection->service_account,
        .device_id = device_id,
        .session = session,
        .error = error,
    };
    int result =
        derive_password(&search, backend->connection->shared_secret, &search.password);

    memset(session, 0, sizeof(*session));
    if (result == 0)
        result = look_for_session(&search, old);
    if (result != 0)
        client_logout(&backend->matrix, session, NULL);
    secret_free(&search.password);
    return result;
}
