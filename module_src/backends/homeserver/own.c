/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/own.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
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

int
own_ask(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct state *state = state_of(backend);
    const char *known = observed->account.user_id;
    enum login_result login;

    own_end(backend);
    if (client_login(&backend->matrix, known == NULL ? observed->account.localpart : known,
            password, NULL, &state->own, &login, error) != 0)
        return -1;
    if (login == LOGIN_WRONG) {
        *answer = PASSWORD_DIFFERENT;
        return 0;
    }
    if (known != NULL && strcmp(known, state->own.user_id) != 0) {
        *answer = PASSWORD_CANNOT_TELL;
        snprintf(why, PASSWORD_WHY_SIZE, "the server logs in another account by that name");
        return 0;
    }
    *answer = PASSWORD_SAME;
    if (known == NULL) {
        char *localpart = memory_copy_string(observed->account.localpart);
        int result = localpart == NULL ? error_no_memory(error)
                                       : account_name(&observed->account,
                                             state->own.user_id, localpart, error);

        memory_free(localpart);
        if (result != 0)
            return -1;
    }
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
