/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/own.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"
#include "base/memory.h"
#include "matrix/profile.h"

bool
own_is_open(const struct backend *backend)
{
    return state_of(backend)->own.user_id != NULL;
}

void
own_end(struct backend *backend)
{
    struct session *own = &state_of(backend)->own;
    char *user_id = own->user_id == NULL ? NULL : memory_copy_string(own->user_id);
    bool failed;

    secret_free(&state_of(backend)->own_password);
    client_logout(&backend->matrix, own, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out; a device called \"Registrar\" may be left",
            user_id == NULL ? "the account" : user_id);
    memory_free(user_id);
}

int
own_look_at_profile(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    struct account *account = &observed->account;
    struct profile profile = {0};
    int result =
        profile_get(&backend->matrix, own->user_id, &own->access_token, &profile, error);

    if (result == 0 && profile.result != PROFILE_HIDDEN)
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    profile_free(&profile);
    return result;
}

/* Whose session it is has to be who was asked about. */
static int
take_name(struct backend *backend, struct observation *observed, struct error *error)
{
    char *localpart = memory_copy_string(observed->account.localpart);
    int result = localpart == NULL ? error_no_memory(error)
                                   : account_name(&observed->account,
                                         state_of(backend)->own.user_id, localpart, error);

    memory_free(localpart);
    return result;
}

/* What an account is that did not let us in, and why that leaves its password open;
 * NULL: it does not. */
static const char *
read_closed_door(const struct homeserver_dialect *dialect, enum states_login login,
    struct account *account)
{
    switch (login) {
    case STATES_DEACTIVATED:
        account_state_bool(account, ACCOUNT_DEACTIVATED, true);
        return "it is deactivated, and no password opens it";
    case STATES_LOCKED:
        account_state_bool(account, ACCOUNT_LOCKED, true);
        return dialect->locks_behind_password ? NULL : "it is locked, and no password opens it";
    case STATES_DISABLED:
        return "its logins are switched off, so that no password opens it";
    default:
        return NULL;
    }
}

/* A login of a server that says why it lets nobody in. 1: it is answered by that. */
static int
ask_state(struct backend *backend, struct observation *observed, const char *user,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct error failure = {0};
    enum states_login login = STATES_WRONG;
    const char *reason;

    if (states_log_in(backend, user, password, &state_of(backend)->own, &login, &failure) != 0) {
        if (failure.kind != ERROR_UNSUPPORTED) {
            *error = failure;
            return -1;
        }
        reason = "this server has password logins switched off";
    } else if (login == STATES_OPENED) {
        return 0;
    } else {
        reason = read_closed_door(backend->type->dialect, login, &observed->account);
    }
    *answer = login == STATES_LOCKED ? PASSWORD_SAME : PASSWORD_DIFFERENT;
    if (reason != NULL) {
        *answer = PASSWORD_CANNOT_TELL;
        snprintf(why, PASSWORD_WHY_SIZE, "%s", reason);
    }
    return 1;
}

/* The same of one that does not. */
static int
ask_login(struct backend *backend, const char *user, const struct secret *password,
    enum password_answer *answer, struct error *error)
{
    enum login_result login;

    if (client_login(&backend->matrix, user, password, NULL, &state_of(backend)->own, &login,
            error) != 0)
        return -1;
    *answer = PASSWORD_DIFFERENT;
    return login == LOGIN_WRONG;
}

int
own_ask(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    const char *known = observed->account.user_id;
    const char *user = known == NULL ? observed->account.localpart : known;
    int result;

    own_end(backend);
    result = backend->type->dialect->login_device != NULL
                 ? ask_state(backend, observed, user, password, answer, why, error)
                 : ask_login(backend, user, password, answer, error);
    if (result != 0)
        return result < 0 ? -1 : 0;
    if (known != NULL && strcmp(known, state_of(backend)->own.user_id) != 0) {
        *answer = PASSWORD_CANNOT_TELL;
        snprintf(why, PASSWORD_WHY_SIZE, "the server logs in another account by that name");
        return 0;
    }
    *answer = PASSWORD_SAME;
    if (known == NULL && take_name(backend, observed, error) != 0)
        return -1;
    return backend->type->dialect->look_as_itself(backend, observed, error);
}

void
own_warn_slow_rooms(struct backend *backend, const struct observation *observed)
{
    list_add(backend->warnings,
        "the profile of %s is stored; the server limits how fast it tells the rooms, some "
        "may show the old one for a while",
        observed->account.user_id);
}

/* Looks whether the field is as it shall be by now; observed becomes what is
 * seen. */
static bool
is_made(struct backend *backend, struct observation *observed, const struct account *change,
    enum account_field field)
{
    struct error ignored = {0};
    struct account left = {0};
    bool made = own_look_at_profile(backend, observed, &ignored) == 0 &&
                account_states(&observed->account, field) &&
                account_difference(&left, change, &observed->account, &ignored) == 0 &&
                !account_states(&left, field);

    account_free(&left);
    return made;
}

static int
set_text(struct backend *backend, struct observation *observed, const struct account *change,
    enum account_field field, const char *value, struct error *error)
{
    struct error failure = {0};

    if (!account_states(change, field))
        return 0;
    if (profile_set(&backend->matrix, &state_of(backend)->own, account_field_name(field),
            value == NULL ? "" : value, &failure) != 0) {
        /* As with an administrator (users.c): it may be stored all the same. */
        if (failure.kind != ERROR_RATE_LIMITED || !is_made(backend, observed, change, field)) {
            *error = failure;
            return -1;
        }
        own_warn_slow_rooms(backend, observed);
    }
    return account_state_text(&observed->account, field, value, error);
}

int
own_update(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    if (set_text(backend, observed, change, ACCOUNT_DISPLAYNAME, change->displayname,
            error) != 0)
        return -1;
    return set_text(backend, observed, change, ACCOUNT_AVATAR_URL, change->avatar_url, error);
}
