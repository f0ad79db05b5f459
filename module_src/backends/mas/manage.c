/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/manage.h"

#include <string.h>

#include "backends/mas/manage_address.h"
#include "backends/mas/manage_step.h"
#include "backends/mas/mas_cli.h"
#include "backends/mas/rows.h"
#include "backends/mas/state.h"
#include "base/stop.h"
#include "net/container.h"
#include "net/engine.h"

bool
manage_is_possible(const struct backend *backend)
{
    const struct connection *connection = backend->connection;

    return connection->mas.command_container != NULL && connection->database != NULL &&
           !backend->database_is_unusable && engine_is_there(&connection->engine);
}

static int
open_both(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    struct engine_options own = connection->engine;
    struct engine_container found = {0};
    int opened = rows_open(backend, error);

    if (opened < 0)
        return -1;
    if (opened == 0)
        return error_set(error, ERROR_UNAUTHORIZED,
            "without its admin API, MAS's accounts are read from its database, and that one does "
            "not open; give database, or what opens the admin API (mas_client_id, mas_token)");
    /* As for each command: it may be told a password. */
    own.own_only = true;
    opened = container_inspect(&own, connection->mas.command_container, &found, error);
    engine_container_free(&found);
    mas_state_of(backend)->has_displayname = opened == 0;
    return opened;
}

/* The database is the backend's, and a command ends by itself. */
static void
close_nothing(struct backend *backend)
{
    (void)backend;
}

static int
set_admin(struct backend *backend, struct mas_user *user, const char *localpart, bool admin,
    struct error *error)
{
    return manage_step_do(backend, admin ? MANAGE_STEP_PROMOTE : MANAGE_STEP_DEMOTE,
        localpart, user, error);
}

static int
set_locked(struct backend *backend, struct mas_user *user, const char *localpart,
    bool locked, struct error *error)
{
    return manage_step_do(backend, locked ? MANAGE_STEP_LOCK : MANAGE_STEP_UNLOCK,
        localpart, user, error);
}

/* It locks, too, which a deactivation by the admin API does not: so it is unlocked
 * once it is closed. */
static int
deactivate(struct backend *backend, struct mas_user *user, const char *localpart,
    bool erase, struct error *error)
{
    bool was_locked = user->locked;
    enum manage_sight sight;

    if (erase)
        return error_set(error, ERROR_UNSUPPORTED, "erase of %s: %s", localpart,
            manage_way.lacks);
    if (manage_step_begin(backend, MANAGE_STEP_DEACTIVATE, localpart, user, &sight, error) != 0)
        return -1;
    if (sight != MANAGE_SIGHT_DONE) {
        list_add(backend->warnings,
            "%s is locked, and its deactivation is left to MAS's worker, which has not done it "
            "yet; it stays locked, too, until locked: false is set",
            localpart);
        return 0;
    }
    if (was_locked)
        return 0;
    if (manage_step_do(backend, MANAGE_STEP_UNLOCK, localpart, user, error) != 0)
        return -1;
    if (user->deactivated)
        return 0;
    /* In MAS's tags before 0.20, unlocking does both. */
    return error_set(error, ERROR_UNSUPPORTED,
        "unlocking %s reactivated it, as it does in a MAS before 0.20; lock it (locked: true), "
        "or run a newer MAS",
        localpart);
}

static int
reactivate(struct backend *backend, struct mas_user *user, const char *localpart,
    struct error *error)
{
    enum manage_sight sight;

    if (manage_step_begin(backend, MANAGE_STEP_REACTIVATE, localpart, user, &sight, error) != 0)
        return -1;
    if (sight == MANAGE_SIGHT_NONE)
        return error_set(error, ERROR_INTERRUPTED,
            "stopped by %s before MAS's worker had reactivated %s, which it will do",
            stop_signal_name(stop_signal()), localpart);
    if (sight == MANAGE_SIGHT_NOT_DONE)
        return error_set(error, ERROR_NOT_READY,
            "the reactivation of %s is left to MAS's worker, which has not done it within %ld "
            "ms; it tries again by itself: is the homeserver up?",
            localpart, backend->connection->http.timeout_ms);
    if (user->locked)
        list_add(backend->warnings,
            "%s is active again, and still locked; locked: false unlocks it", localpart);
    return 0;
}

/* Whether a password is set; believed where a signal keeps it from being looked at. */
static int
check_password(struct backend *backend, const struct mas_user *user,
    const char *command, const char *localpart, struct error *error)
{
    struct error failure = {0};
    bool has = false;

    if (rows_has_password(backend, user, &has, &failure) != 0) {
        if (failure.kind == ERROR_INTERRUPTED)
            return 0;
        *error = failure;
        return -1;
    }
    return has ? 0 : manage_step_not_there(command, "password", localpart, error);
}

static int
set_password(struct backend *backend, const struct mas_user *user, const char *localpart,
    const struct secret *password, struct error *error)
{
    static const char command[] = "set-password";
    const char *option = backend->leeway.skip_password_check ? "--ignore-complexity" : NULL;

    if (manage_step_run(backend, command, option, localpart, password->bytes, password,
            error) != 0)
        return -1;
    return check_password(backend, user, command, localpart, error);
}

static int
end_sessions(struct backend *backend, const struct mas_user *user, const char *localpart,
    struct error *error)
{
    (void)user;
    return manage_step_run(backend, "kill-sessions", NULL, localpart, NULL, NULL, error);
}

static int
add_email(struct backend *backend, const struct mas_user *user, const char *localpart,
    const char *email, struct error *error)
{
    struct error failure = {0};
    struct error unseen = {0};
    bool has_it;
    int ran, looked;

    /* A creation has given it already, perhaps. */
    if (manage_address_guard(backend, email, user->id, &has_it, error) != 0)
        return -1;
    if (has_it)
        return 0;
    ran = manage_step_run(backend, "add-email", NULL, localpart, email, NULL, &failure);
    if (ran != 0 && !failure.maybe_done) {
        *error = failure;
        return -1;
    }
    looked = manage_address_guard(backend, email, user->id, &has_it, &unseen);
    if (looked != 0 && (ran != 0 || unseen.kind != ERROR_INTERRUPTED)) {
        *error = ran != 0 ? failure : unseen;
        return -1;
    }
    if (looked == 0 && !has_it) {
        *error = failure; /* perhaps none: then this is one */
        return manage_step_not_there("add-email", "such address", localpart, error);
    }
    if (ran != 0)
        manage_step_tell(backend, &failure);
    list_add(backend->warnings,
        "an e-mail address of %s is in MAS, whose command does not tell the homeserver; it is "
        "told with the next change of the user that MAS passes on, or by mas-cli manage "
        "provision-all-users",
        localpart);
    return 0;
}

static void
describe_new(const struct backend *backend, const struct account *wanted,
    struct mas_cli *cli)
{
    mas_cli_add(cli, "register-user", NULL);
    /* Without it, it asks a terminal that is not there, for ever. */
    mas_cli_add(cli, "--yes", NULL);
    mas_cli_add(cli, account_is(wanted, ACCOUNT_ADMIN) ? "--admin" : "--no-admin", NULL);
    if (account_states(wanted, ACCOUNT_PASSWORD))
        mas_cli_add(cli, "--password=", wanted->password.bytes);
    if (backend->leeway.skip_password_check)
        mas_cli_add(cli, "--ignore-password-complexity", NULL);
    if (account_states(wanted, ACCOUNT_DISPLAYNAME) && wanted->displayname != NULL)
        mas_cli_add(cli, "--display-name=", wanted->displayname);
    for (size_t i = 0; i < wanted->emails.count; i++)
        mas_cli_add(cli, "--email=", wanted->emails.items[i].value);
    mas_cli_add(cli, "--", NULL);
    mas_cli_add(cli, "", wanted->localpart);
}

/* What mas-cli does not look at. *is_taken: there is a user of that name. */
static int
check_new(struct backend *backend, const struct account *wanted, bool *is_taken,
    struct error *error)
{
    const struct pairs *emails = &wanted->emails;
    struct mas_user other = {0};
    bool has_it;

    if (backend->leeway.skip_homeserver_check)
        return error_set(error, ERROR_UNSUPPORTED, "skip_homeserver_check for %s: %s",
            wanted->localpart, manage_way.lacks);
    if (rows_find(backend, wanted->localpart, &other, is_taken, error) != 0)
        return -1;
    for (size_t i = 0; !*is_taken && i < emails->count; i++)
        if (manage_address_guard(backend, emails->items[i].value, "", &has_it, error) != 0)
            return -1;
    return 0;
}

/* It has not said that it is done: somebody else's user, or ours all the same? */
static int
take_failure(struct backend *backend, const struct account *wanted,
    const struct error *failure, enum creation *creation, struct error *error)
{
    struct mas_user other = {0};
    struct error unseen = {0};
    bool found = false;

    if (rows_find(backend, wanted->localpart, &other, &found, &unseen) != 0 || !found) {
        *error = *failure;
        return -1;
    }
    *creation = failure->maybe_done ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
    if (failure->maybe_done)
        manage_step_tell(backend, failure);
    return 0;
}

static int
take_new(struct backend *backend, const struct account *wanted, struct mas_user *user,
    struct error *error)
{
    struct error failure = {0};
    bool found = false;

    if (rows_find(backend, wanted->localpart, user, &found, &failure) != 0) {
        memset(user, 0, sizeof(*user));
        user->admin = account_is(wanted, ACCOUNT_ADMIN);
        if (failure.kind == ERROR_INTERRUPTED)
            return 0;
        *error = failure;
        return -1;
    }
    if (!found)
        return manage_step_not_there("register-user", "user", wanted->localpart, error);
    return account_states(wanted, ACCOUNT_PASSWORD)
               ? check_password(backend, user, "register-user", wanted->localpart, error)
               : 0;
}

static int
create(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct mas_user *user, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct mas_cli cli = {0};
    struct error failure = {0};
    bool is_taken = false;

    memset(user, 0, sizeof(*user));
    state->created_displayname = false;
    state->created_avatar_url = false;
    if (check_new(backend, wanted, &is_taken, error) != 0)
        return -1;
    *creation = CREATION_NAME_TAKEN;
    if (is_taken)
        return 0;
    describe_new(backend, wanted, &cli);
    if (mas_cli_run(backend, &cli,
            account_states(wanted, ACCOUNT_PASSWORD) ? &wanted->password : NULL,
            &failure) != 0)
        return take_failure(backend, wanted, &failure, creation, error);
    *creation = CREATION_DONE;
    state->created_displayname =
        account_states(wanted, ACCOUNT_DISPLAYNAME) && wanted->displayname != NULL;
    return take_new(backend, wanted, user, error);
}

const struct mas_way manage_way = {
    .authenticated_by = "mas_container",
    .open = open_both,
    .find = rows_find,
    .emails = rows_emails,
    .links = rows_links,
    .list_administrators = rows_list_administrators,
    .sets_password_at_once = true,
    .create = create,
    .set_password = set_password,
    .end_sessions = end_sessions,
    .set_admin = set_admin,
    .set_locked = set_locked,
    .deactivate = deactivate,
    .reactivate = reactivate,
    .email_owner = manage_address_owner,
    .add_email = add_email,
    .lacks = "MAS's own command cannot do it; its admin API can, so switch that on (docs/mas.md)",
    .close = close_nothing,
};
