/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/logins.h"

#include <string.h>

#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"
#include "matrix/call.h"
#include "matrix/client.h"

int
logins_by_password(struct backend *backend, bool *on, struct error *error)
{
    struct state *state = state_of(backend);
    long status;

    if (state->passwords == PASSWORDS_NOT_ASKED) {
        if (client_password_flow(&backend->matrix, on, &status, error) != 0)
            return -1;
        state->passwords = *on ? PASSWORDS_ON : PASSWORDS_OFF;
    }
    *on = state->passwords == PASSWORDS_ON;
    return 0;
}

int
logins_look_whether_deactivated(struct backend *backend, struct observation *observed,
    struct error *error)
{
    const struct account *account = &observed->account;
    const char *name = account->user_id != NULL ? account->user_id : account->localpart;
    struct error failure = {0};
    enum states_login login;
    bool on;

    if (logins_by_password(backend, &on, error) != 0)
        return -1;
    if (!on)
        return 0;
    if (states_probe(backend, name, &login, &failure) == 0) {
        if (login == STATES_DEACTIVATED)
            account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, true);
        return 0;
    }
    if (failure.kind == ERROR_UNSUPPORTED)
        return 0;
    *error = failure;
    return -1;
}

int
logins_may_verify(struct backend *backend, struct error *error)
{
    bool on;

    if (logins_by_password(backend, &on, error) != 0)
        return -1;
    if (on)
        return 0;
    return error_set(error, ERROR_UNSUPPORTED,
        "verify_login: this server has password logins switched off in its "
        "configuration, so nobody can log in with one");
}

/* Some servers let a locked account log in, and refuse the session then. */
static int
use_session(struct backend *backend, const struct session *session, struct error *error)
{
    struct answer answer = {0};
    int result = call_get(&backend->matrix, "/_matrix/client/v3/account/whoami",
        &session->access_token, &answer, error);

    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "verify_login: using the session that was logged in",
            error);
    answer_free(&answer);
    return result;
}

int
logins_verify(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error)
{
    const char *name = account->user_id != NULL ? account->user_id : account->localpart;
    struct session session = {0};
    enum login_result login;
    bool failed;

    if (client_login(&backend->matrix, name, password, NULL, &session, &login, error) != 0)
        return -1;
    if (login == LOGIN_WRONG)
        return error_set(error, ERROR_UNAUTHORIZED,
            "verify_login: %s cannot log in with this password; an existing account keeps "
            "the one it has unless update_password is always",
            name);
    if (account->user_id != NULL && strcmp(session.user_id, account->user_id) != 0)
        error_set(error, ERROR_PROTOCOL,
            "verify_login: the server logs in another account than %s", name);
    else
        error->is_of_one = use_session(backend, &session, error) != 0;
    client_logout(&backend->matrix, &session, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out; a device called \"Registrar\" may be left", name);
    return error->kind == ERROR_NONE ? 0 : -1;
}
