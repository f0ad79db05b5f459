/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/creation.h"

#include "backends/dendrite/rules.h"
#include "backends/homeserver/register.h"
#include "matrix/client.h"
#include "matrix/profile.h"

/* Of each registration (dendrite: clientapi/routing/register.go). */
#define REGISTRATION_DEVICE "shared_secret_registration"

/* The profile goes with the session of the registration, which is the only one
 * that may set it. */
static int
set_profile(struct backend *backend, const struct account *wanted,
    const struct session *session, struct observation *observed, struct error *error)
{
    static const enum account_field fields[] = {ACCOUNT_DISPLAYNAME, ACCOUNT_AVATAR_URL};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *value =
            fields[i] == ACCOUNT_DISPLAYNAME ? wanted->displayname : wanted->avatar_url;

        if (!account_states(wanted, fields[i]))
            continue;
        if (profile_set(&backend->matrix, session, account_field_name(fields[i]),
                value == NULL ? "" : value, error) != 0 ||
            account_state_text(&observed->account, fields[i], value, error) != 0)
            return -1;
    }
    return 0;
}

/* What a registration makes by itself. */
static int
observe_new(struct observation *observed, const struct account *wanted,
    const struct session *session, struct error *error)
{
    struct account *account = &observed->account;

    observed->presence = PRESENCE_PRESENT;
    if (account_name(account, session->user_id, wanted->localpart, error) != 0)
        return -1;
    account_state_bool(account, ACCOUNT_DEACTIVATED, false);
    account_state_bool(account, ACCOUNT_ADMIN, account_is(wanted, ACCOUNT_ADMIN));
    return account_state_text(account, ACCOUNT_DISPLAYNAME, wanted->localpart, error);
}

/*
 * The reply to a registration may be lost, and the account made all the same, with
 * a session of which nobody knows the token. A login on that session's device takes
 * its place, if the account is ours. *creation: perhaps, or taken if it is not.
 */
static bool
recover_session(struct backend *backend, const struct account *wanted,
    struct session *session, enum creation *creation)
{
    struct error failure = {0};
    enum login_result login;

    if (client_login(&backend->matrix, wanted->localpart, &wanted->password,
            REGISTRATION_DEVICE, session, &login, &failure) != 0) {
        list_add(backend->warnings,
            "the reply to the registration of %s was lost; if the account was made, its device "
            "\"" REGISTRATION_DEVICE "\" is left",
            wanted->localpart);
        return false;
    }
    *creation = login == LOGIN_DONE ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
    return login == LOGIN_DONE;
}

/* The session of the new account. 1: there is none, and nothing more to be done. */
static int
obtain_session(struct backend *backend, const struct account *wanted,
    struct session *session, enum creation *creation, struct error *error)
{
    struct error failure = {0};
    int result = register_session(backend, wanted, NULL, session, creation, &failure);

    if (result == 0 && *creation == CREATION_PERHAPS)
        return recover_session(backend, wanted, session, creation) ? 0 : 1;
    if (result == 0)
        return *creation == CREATION_DONE ? 0 : 1;
    if (*creation != CREATION_DONE && error_hides_outcome(&failure) &&
        recover_session(backend, wanted, session, creation))
        return 0;
    *error = failure;
    return -1;
}

int
creation_make(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    struct session session = {0};
    bool failed = false;
    int result;

    *creation = CREATION_NAME_TAKEN; /* until it is known better */
    if (rules_creation(backend, wanted, error) != 0 ||
        (result = obtain_session(backend, wanted, &session, creation, error)) < 0)
        return -1;
    if (result > 0)
        return 0;
    result = observe_new(observed, wanted, &session, error);
    if (result == 0)
        result = set_profile(backend, wanted, &session, observed, error);
    client_logout(&backend->matrix, &session, &failed);
    if (failed)
        list_add(backend->warnings,
            "the session that Dendrite makes with each new account could not be ended; the "
            "device \"" REGISTRATION_DEVICE "\" of %s is left",
            wanted->localpart);
    return result;
}
