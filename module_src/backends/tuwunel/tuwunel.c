/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/tuwunel/tuwunel.h"

#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/family_toml.h"
#include "backends/homeserver/joining.h"
#include "backends/homeserver/itself.h"
#include "backends/homeserver/logins.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/guard.h"
#include "backends/synapse/inspection.h"
#include "backends/tuwunel/change.h"
#include "backends/tuwunel/dialect.h"
#include "backends/tuwunel/served.h"
#include "backends/tuwunel/tuwunel_creation.h"
#include "backends/tuwunel/tuwunel_rules.h"
#include "base/memory.h"
#include "base/stop.h"
#include "matrix/admin_room.h"
#include "matrix/profile.h"
#include "matrix/user_id.h"

static int
open_tuwunel(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;

    backend->state = memory_zeroed(1, sizeof(struct state));
    if (backend->state == NULL)
        return error_no_memory(error);
    if (served_check(backend, error) != 0)
        return -1;
    if (connection_has_administrator(connection))
        return administrator_open(backend, error);
    backend->authenticated_by = connection->shared_secret != NULL
                                    ? "registration_shared_secret"
                                : connection->registration_token != NULL
                                    ? "registration_token"
                                    : "password";
    return administrator_resume(backend, error);
}

/* Without an administrator: whether the name is taken, what a login says, and the public
 * profile. That a login does not call an account deactivated says little: of one of single
 * sign-on nothing is told (tuwunel 1.9.0: src/api/client/session/password.rs).
 * A name is lowered before it is looked for (tuwunel 1.9.0: src/api/client/register.rs), so
 * of one with capitals nothing would be learnt. */
static int
look_as_anybody(struct backend *backend, struct observation *observed, struct error *error)
{
    struct account *account = &observed->account;
    struct profile profile = {0};
    int result;

    observed->presence = PRESENCE_ABSENT;
    for (const char *at = account->localpart; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            return 0;
    result = states_ask_whether_taken(backend, observed, error);
    if (result == 0 && observed->presence == PRESENCE_PRESENT)
        result = logins_look_whether_deactivated(backend, observed, error);
    if (result != 0 || observed->presence != PRESENCE_PRESENT || account->user_id == NULL)
        return result;
    result = profile_get(&backend->matrix, account->user_id, NULL, &profile, error);
    if (result == 0 && profile.result == PROFILE_FOUND)
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    profile_free(&profile);
    return result;
}

/* A registration makes an account, and then an administrator of it: another run that logs
 * in as the service account may be in between (tuwunel 1.9.0:
 * src/api/client/admin/register.rs). */
#define GRANT_LOOKS 4
#define GRANT_POLL_MS 250

/* It makes none where there is no room of administrators to put it into, and says nothing
 * (src/service/admin/grant.rs). */
static int
look_as_administrator(struct backend *backend, struct observation *observed,
    struct error *error)
{
    for (int look = 1;; look++) {
        struct error failure = {0};

        if (acting_lookup(backend, state_of(backend)->mask, observed, &failure) == 0)
            return 0;
        *error = failure;
        if (failure.status != 403 || !state_of(backend)->is_service)
            return -1;
        if (look == GRANT_LOOKS)
            break;
        stop_sleep_ms(GRANT_POLL_MS); /* a signal is told by the next call */
        memset(error, 0, sizeof(*error));
    }
    error->kind = ERROR_NONE;
    return error_set(error, ERROR_FORBIDDEN,
        "%s, the service account, is no administrator of this server, though it was made as one: "
        "somebody has demoted it, or this tuwunel has no room of administrators "
        "(create_admin_room in its configuration)",
        state_of(backend)->administrator.user_id);
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    own_end(backend);
    /* tuwunel has no rate limit of an account's own (404 M_UNRECOGNIZED). */
    state_of(backend)->mask = mask & ~ACCOUNT_BIT(ACCOUNT_RATELIMIT);
    if (state_has_administrator(backend))
        return look_as_administrator(backend, observed, error);
    if (state_of(backend)->forgetting && service_is(backend, observed->account.localpart)) {
        /* It would have opened, were it there. */
        observed->presence = PRESENCE_ABSENT;
        return administrator_forget(backend, error);
    }
    return look_as_anybody(backend, observed, error);
}

/* It does, and tuwunel limits no logins. */
static bool
asks_by_login(const struct backend *backend)
{
    (void)backend;
    return false;
}

/* Nobody else is told: an administrator logs in as the account, too, and out again. */
static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    int result = own_ask(backend, observed, password, answer, why, error);

    if (state_has_administrator(backend))
        own_end(backend);
    return acting_by_itself(result, error);
}

/* Registering as anybody may makes as much as registering with the secret. */
static bool
creates(const struct backend *backend, const struct account *wanted)
{
    return state_has_administrator(backend) ||
           (account_states(wanted, ACCOUNT_PASSWORD) &&
               (wanted->stated & ~JOINING_FIELDS) == 0);
}

/* What can be changed without an administrator: by the account in hand itself. */
static unsigned
changed_without(const struct backend *backend)
{
    return own_is_open(backend) ? OWN_FIELDS : 0;
}

static bool
updates(const struct backend *backend, const struct account *change)
{
    return state_has_administrator(backend) ||
           (change->stated & ~changed_without(backend)) == 0;
}

/* What would end the administrator this task works as: a locked one is refused
 * everywhere, and a suspended one may not even talk. */
#define ENDINGS                                                                            \
    (ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_LOCKED) |                      \
        ACCOUNT_BIT(ACCOUNT_SUSPENDED))

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    if (!state_has_administrator(backend))
        return acting_require(backend, change, changed_without(backend), error);
    if (itself_spare(backend, change, ENDINGS, error) != 0)
        return -1;
    return guard_change(backend, &observed->account, change, error);
}

static int
update(struct backend *backend, struct observation *observed, const struct account *change,
    bool logout_devices, struct error *error)
{
    int result;

    if (!state_has_administrator(backend))
        return acting_by_itself(own_update(backend, observed, change, error), error);
    result = state_of(backend)->forgetting && itself_is(backend, change)
                 ? change_end_itself(backend, observed, error)
                 : change_make(backend, observed, change, logout_devices, error);
    if (result != 0)
        return -1;
    return acting_forget_ended(backend, change, error);
}

static int
foresee(const struct backend *backend, struct account *after, const struct account *change,
    struct error *error)
{
    const struct account whole = acting_whole(backend, after, change);

    return change_foresee(after, &whole, error);
}

/* The server's own user is one of them where it may log in. */
static int
list_administrators(struct backend *backend, struct list *user_ids, struct error *error)
{
    struct list all = {0};
    int result = inspection_list_administrators(backend, &all, error);

    for (size_t i = 0; result == 0 && i < all.count; i++)
        if (!user_id_has_localpart(all.items[i], ADMIN_ROOM_BOT))
            list_add(user_ids, "%s", all.items[i]);
    list_free(&all);
    return result == 0 && user_ids->failed ? error_no_memory(error) : result;
}

/* That it cannot be told is no reason to fail what was done. */
static void
warn_promotion(struct backend *backend)
{
    struct list administrators = {0};
    struct error ignored = {0};

    if (state_of(backend)->is_server_itself &&
        list_administrators(backend, &administrators, &ignored) == 0)
        administrator_warn_next(backend, &administrators);
    list_free(&administrators);
}

static void
close_tuwunel(struct backend *backend)
{
    struct state *state = state_of(backend);

    if (state == NULL)
        return;
    own_end(backend);
    warn_promotion(backend);
    administrator_close(backend);
    memory_free(state);
    backend->state = NULL;
}

const struct backend_type tuwunel_backend = {
    .server = SERVER_TUWUNEL,
    .product = "Tuwunel",
    .own_path = SERVED_OWN_PATH,
    .source = &family_toml_tuwunel,
    .administrator = "access_token, or admin_username and admin_password, or "
                     "emergency_password",
    .creator = "registration_shared_secret (matrix-docker-ansible-deploy: "
               "TUWUNEL_REGISTRATION_SHARED_SECRET in "
               "matrix_tuwunel_environment_variables_extension), registration_token, "
               "access_token, or admin_username and admin_password",
    .dialect = &dialect_tuwunel,
    .open = open_tuwunel,
    .vet = tuwunel_rules_vet,
    .check_credential = inspection_check_credential,
    .list_administrators = list_administrators,
    .become_administrator = administrator_become,
    .lookup = lookup,
    .asks_by_login = asks_by_login,
    .ask_password = ask_password,
    .creates_openly = joining_is_possible,
    .creates = creates,
    .may_create = tuwunel_creation_may,
    .create = tuwunel_creation_make,
    .updates = updates,
    .may_update = may_update,
    .update = update,
    .foresee = foresee,
    .may_verify_login = logins_may_verify,
    .verify_login = logins_verify,
    .close = close_tuwunel,
};
