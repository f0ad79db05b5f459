/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/mas_logins.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/state.h"
#include "matrix/call.h"
#include "matrix/client.h"

/* A login on a device that is there takes it over (MAS 1.22). */
static const char probe_device[] = "REGISTRAR_PROBE";
static const char verify_device[] = "REGISTRAR_VERIFY";

/*
 * Of a MAS that allowed three, one in twenty seconds is allowed by default; its 429
 * does not say so. A policy, or a limit on devices, is 403 as a wrong password is,
 * and comes after a right one (MAS 1.22, crates/handlers/src/compat/login.rs).
 */
static const struct login_terms terms = {
    .limit = "rate_limiting.login",
    .wait_ms = 20000,
    .wrong = "Invalid username/password",
};

/* What a login is for, and how to do without. */
struct purpose {
    const char *name;
    const char *instead;
    const char *device_id;
};

static const struct purpose to_ask = {
    .name = "asking whether this is the password already",
    .instead = "give MAS's database, which takes no login, or set password_probe: false",
    .device_id = probe_device,
};
static const struct purpose to_verify = {
    .name = "verify_login",
    .instead = "set verify_login: false",
    .device_id = verify_device,
};

static const char not_served[] = "MAS serves no logins with a password at this address: add "
                                 "the resource \"compat\" to one of its listeners";

/* What a refusal of a login says about this MAS, and what to change. */
static const struct refusal {
    long status;
    enum error_kind kind;
    const char *text;
} refusals[] = {
    {400, ERROR_UNSUPPORTED,
        "MAS lets nobody log in with a password: set passwords.enabled in its configuration"},
    {404, ERROR_UNSUPPORTED, not_served},
    {405, ERROR_UNSUPPORTED, not_served},
    {500, ERROR_SERVER,
        "MAS breaks down over a login (500), as it does while the homeserver behind it is "
        "away: look after that"},
};

/* Records a refusal by its status; failure is what it is where nobody knows more, or
 * NULL. */
static void
explain(const struct purpose *purpose, long status, const struct error *failure,
    struct error *error)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (refusals[i].status != status)
            continue;
        error->status = status;
        if (failure != NULL)
            memcpy(error->errcode, failure->errcode, sizeof(error->errcode));
        error_set(error, refusals[i].kind, "%s: %s, or %s", purpose->name, refusals[i].text,
            purpose->instead);
    }
    if (failure != NULL && error->kind == ERROR_NONE)
        *error = *failure;
}

static int
log_in(struct backend *backend, const struct purpose *purpose, const char *localpart,
    const struct secret *password, struct session *session, enum login_result *login,
    struct error *failure)
{
    struct matrix *matrix = &mas_state_of(backend)->oauth;

    matrix->login_advice = purpose->instead;
    matrix->login_terms = &terms;
    return client_login(matrix, localpart, password, purpose->device_id, session, login,
        failure);
}

static void
log_out(struct backend *backend, const struct purpose *purpose, const char *localpart,
    struct session *session)
{
    bool failed;

    client_logout(&mas_state_of(backend)->oauth, session, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out at MAS; a device called \"%s\" may be left", localpart,
            purpose->device_id);
}

/* ---- Asking ------------------------------------------------------------------------ */

static int
cannot_tell(enum password_answer *answer, char *why, const char *reason)
{
    *answer = PASSWORD_CANNOT_TELL;
    snprintf(why, PASSWORD_WHY_SIZE, "%s", reason);
    return 0;
}

static bool
is_somebody_else(const struct session *session, const char *user_id)
{
    return user_id != NULL && strcmp(session->user_id, user_id) != 0;
}

int
mas_logins_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    static const char locked[] = "the account is locked";
    const struct account *account = &observed->account;
    struct session session = {0};
    struct error failure = {0};
    enum login_result login;

    if (account_is(account, ACCOUNT_LOCKED))
        return cannot_tell(answer, why, locked);
    if (account_is(account, ACCOUNT_DEACTIVATED))
        return cannot_tell(answer, why, "the account is deactivated");
    if (log_in(backend, &to_ask, account->localpart, password, &session, &login, &failure) !=
        0) {
        if (strcmp(failure.errcode, "M_USER_LOCKED") == 0)
            return cannot_tell(answer, why, locked);
        if (failure.status == 403)
            return cannot_tell(answer, why,
                "MAS lets the account log in no more: a policy of its, or a limit on devices");
        explain(&to_ask, failure.status, &failure, error);
        error->is_of_one = true;
        return -1;
    }
    *answer = login == LOGIN_WRONG ? PASSWORD_DIFFERENT : PASSWORD_SAME;
    if (login == LOGIN_DONE && is_somebody_else(&session, account->user_id))
        cannot_tell(answer, why, "MAS logs in another account by that name");
    log_out(backend, &to_ask, account->localpart, &session);
    return 0;
}

/* ---- Verifying --------------------------------------------------------------------- */

int
mas_logins_may_verify(struct backend *backend, struct error *error)
{
    struct matrix *matrix = &mas_state_of(backend)->oauth;
    bool offered;
    long status;

    if (client_password_flow(matrix, &offered, &status, error) != 0)
        return -1;
    if (offered)
        return 0;
    /* What it serves, but without passwords, is what a login would get 400 for. */
    if (status >= 200 && status < 300)
        status = 400;
    explain(&to_verify, status, NULL, error);
    if (error->kind == ERROR_NONE) {
        error->status = status;
        error_set(error, ERROR_PROTOCOL,
            "verify_login: %s answers %ld when it is asked how to log in; is it MAS? If not, "
            "%s",
            http_origin(matrix->http), status, to_verify.instead);
    }
    return -1;
}

/* That the homeserver takes a session of MAS's is what a login is for. */
static int
use_session(struct backend *backend, const struct session *session, struct error *error)
{
    struct answer answer = {0};
    int result;

    if (backend->matrix.http == NULL || backend->connection->http.url == NULL)
        return 0;
    result = call_get(&backend->matrix, "/_matrix/client/v3/account/whoami",
        &session->access_token, &answer, error);
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer,
            "verify_login: using the session that was logged in at the homeserver", error);
    answer_free(&answer);
    return result;
}

int
mas_logins_verify(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error)
{
    const char *name = account->user_id != NULL ? account->user_id : account->localpart;
    struct session session = {0};
    struct error failure = {0};
    enum login_result login;
    int result;

    if (log_in(backend, &to_verify, account->localpart, password, &session, &login,
            &failure) != 0) {
        explain(&to_verify, failure.status, &failure, error);
        error->is_of_one = true;
        return -1;
    }
    if (login == LOGIN_WRONG)
        return error_set(error, ERROR_UNAUTHORIZED,
            "verify_login: %s cannot log in with this password; an existing account keeps "
            "the one it has unless update_password is always",
            name);
    if (is_somebody_else(&session, account->user_id))
        result = error_set(error, ERROR_PROTOCOL,
            "verify_login: MAS logs in another account than %s", name);
    else
        result = use_session(backend, &session, error);
    error->is_of_one = result != 0;
    log_out(backend, &to_verify, account->localpart, &session);
    return result;
}
