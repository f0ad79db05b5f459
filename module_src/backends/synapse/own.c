/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/own.h"

#include <stdio.h>
#include <string.h>

#include "backends/synapse/password.h"
#include "backends/synapse/state.h"
#include "backends/synapse/users.h"
#include "base/memory.h"

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

    client_logout(&backend->matrix, own, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out; a device called \"Registrar\" may be left",
            user_id == NULL ? "the account" : user_id);
    memory_free(user_id);
}

/* Sees the account as itself. An administrator sees all; to anybody else the
 * admin API says 403 M_FORBIDDEN, which is an answer as well. */
static int
look_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    struct error refusal = {0};
    enum profile_result profile;
    char *displayname = NULL;
    int result;

    if (users_lookup(&backend->matrix, &own->access_token, observed, &refusal) == 0)
        return 0;
    if (refusal.status != 403 || strcmp(refusal.errcode, "M_FORBIDDEN") != 0) {
        *error = refusal;
        return -1;
    }
    observed->presence = PRESENCE_PRESENT;
    account_state_admin(&observed->account, false);
    account_state_deactivated(&observed->account, false);
    result = client_profile(&backend->matrix, own->user_id, &own->access_token,
        &displayname, &profile, error);
    if (result == 0 && profile != PROFILE_HIDDEN)
        result = account_state_displayname(&observed->account, displayname, error);
    memory_free(displayname);
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
            password, &state->own, &login, error) != 0)
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
    return look_as_itself(backend, observed, error);
}

/* Looks whether the change is made by now; observed becomes what is seen. */
static bool
is_made(struct backend *backend, struct observation *observed, const struct account *change)
{
    const struct session *own = &state_of(backend)->own;
    struct error ignored = {0};
    struct account left = {0};
    enum profile_result profile;
    char *name = NULL;
    bool made = client_profile(&backend->matrix, own->user_id, &own->access_token, &name,
                    &profile, &ignored) == 0 &&
                profile != PROFILE_HIDDEN &&
                account_state_displayname(&observed->account, name, &ignored) == 0 &&
                account_difference(&left, change, &observed->account, &ignored) == 0 &&
                left.stated == 0;

    account_free(&left);
    memory_free(name);
    return made;
}

int
own_update(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    const char *displayname = change->displayname == NULL ? "" : change->displayname;
    struct error failure = {0};

    if (!account_states(change, ACCOUNT_DISPLAYNAME))
        return 0;
    if (client_set_displayname(&backend->matrix, &state_of(backend)->own, displayname,
            &failure) != 0) {
        /* As with an administrator (users.c): it may be stored all the same. */
        if (failure.kind != ERROR_RATE_LIMITED || !is_made(backend, observed, change)) {
            *error = failure;
            return -1;
        }
        users_warn_slow_rooms(backend, observed);
    }
    return account_state_displayname(&observed->account, change->displayname, error);
}
