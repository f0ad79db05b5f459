/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/dendrite.h"

#include <string.h>

#include "backends/dendrite/accounts.h"
#include "backends/dendrite/creation.h"
#include "backends/dendrite/credentials.h"
#include "backends/dendrite/dendrite_yaml.h"
#include "backends/dendrite/dialect.h"
#include "backends/dendrite/rules.h"
#include "backends/homeserver/administrator.h"
#include "backends/homeserver/logins.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/register.h"
#include "backends/homeserver/service.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"
#include "base/memory.h"
#include "matrix/profile.h"

/* The fields that a registration makes, with its own session before it ends. */
#define REGISTERED                                                                         \
    (ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                          \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL) |               \
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED))

static int
open_dendrite(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;

    backend->state = memory_zeroed(1, sizeof(struct state));
    if (backend->state == NULL)
        return error_no_memory(error);
    if (connection_has_administrator(connection))
        return administrator_open(backend, error);
    if (connection->shared_secret == NULL) {
        backend->authenticated_by = connection->database != NULL ? "database" : "password";
        return 0;
    }
    backend->authenticated_by = "registration_shared_secret";
    return register_probe(backend, error) == 0 ? administrator_resume(backend, error) : -1;
}

/* The database sees all and needs no account; without it, an administrator can
 * set passwords. */
static int
become_administrator(struct backend *backend, struct error *error)
{
    int opened = accounts_open(backend, error);

    if (opened != 0)
        return opened < 0 ? -1 : 0;
    return administrator_become(backend, error);
}

static int
look_at_profile(struct backend *backend, struct observation *observed, struct error *error)
{
    struct account *account = &observed->account;
    struct profile profile = {0};
    int result = 0;

    if (account->user_id == NULL)
        return 0;
    result = profile_get(&backend->matrix, account->user_id, NULL, &profile, error);
    if (result == 0 && profile.result == PROFILE_FOUND)
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    profile_free(&profile);
    return result;
}

/* Whose service account is deactivated by now has no use for its session. */
static int
look_into_rows(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct account *account = &observed->account;

    if (accounts_lookup(backend, observed, error) != 0)
        return -1;
    return state_of(backend)->forgetting && service_is(backend, account->localpart) &&
                   (observed->presence == PRESENCE_ABSENT ||
                       account_is(account, ACCOUNT_DEACTIVATED))
               ? administrator_forget(backend, error)
               : 0;
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    own_end(backend);
    state_of(backend)->mask = mask;
    if (accounts_are_open(backend))
        return look_into_rows(backend, observed, error);
    if (states_guess_whether_taken(backend, observed, error) != 0)
        return -1;
    return observed->presence == PRESENCE_PRESENT ? look_at_profile(backend, observed, error)
                                                  : 0;
}

/* What an account has to be logged in for: an administrator is not told whether
 * it is one, and may not change its profile. */
#define OF_ITSELF (ACCOUNT_BIT(ACCOUNT_ADMIN) | OWN_FIELDS)

static bool
asks_by_login(const struct backend *backend)
{
    const struct connection *connection = backend->connection;
    bool has_database = connection->database != NULL && !backend->database_is_unusable;

    return !has_database && ((state_of(backend)->mask & OF_ITSELF) != 0 ||
                                !state_has_administrator(backend));
}

/* The database's authority is none that the API knows. */
static int
have_administrator(struct backend *backend, struct error *error)
{
    enum authority authority = backend->authority;
    int result;

    if (state_has_administrator(backend))
        return 0;
    backend->authority = AUTHORITY_NONE;
    result = administrator_become(backend, error);
    if (authority != AUTHORITY_NONE)
        backend->authority = authority;
    return result;
}

/* As itself, if need be by a login with the password that was found to be its. */
static int
log_in_as_itself(struct backend *backend, struct observation *observed,
    struct error *error)
{
    struct secret password = {0};
    enum password_answer answer = PASSWORD_DIFFERENT;
    char why[PASSWORD_WHY_SIZE];
    int result;

    if (own_is_open(backend))
        return 0;
    if (secret_copy(&password, &state_of(backend)->own_password) != 0)
        return error_no_memory(error);
    result = own_ask(backend, observed, &password, &answer, why, error);
    secret_free(&password);
    if (result == 0 && answer != PASSWORD_SAME)
        result = error_set(error, ERROR_UNAUTHORIZED,
            "%s does not let itself in with the password that its hash is of",
            observed->account.user_id);
    return result;
}

static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    int result = accounts_open(backend, error);

    if (result < 0)
        return -1;
    if (result > 0) {
        /* The database may be open only now, and shows more than was seen so far. */
        result = accounts_lookup(backend, observed, error);
        if (result == 0)
            result = accounts_ask_password(backend, observed, password, answer, why, error);
        if (result == 0 && *answer == PASSWORD_SAME &&
            secret_copy(&state_of(backend)->own_password, password) != 0)
            result = error_no_memory(error);
        return result;
    }
    if (!asks_by_login(backend))
        return credentials_ask(backend, observed, password, answer, why, error);
    result = own_ask(backend, observed, password, answer, why, error);
    error->is_of_one = result != 0;
    return result;
}

static bool
creates(const struct backend *backend, const struct account *wanted)
{
    return backend->connection->shared_secret != NULL &&
           account_states(wanted, ACCOUNT_PASSWORD) && (wanted->stated & ~REGISTERED) == 0;
}

static int
may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    return rules_creation(backend, wanted, error) == 0 ? register_prove_secret(backend, error)
                                                       : -1;
}

/* What can be changed with what there is. */
static unsigned
changeable(const struct backend *backend)
{
    const struct connection *connection = backend->connection;

    return (accounts_are_open(backend) ? ACCOUNTS_CHANGED : 0) |
           (state_has_administrator(backend) || connection_may_administrate(connection)
                   ? ACCOUNT_BIT(ACCOUNT_PASSWORD)
                   : 0) |
           (own_is_open(backend) || secret_given(&state_of(backend)->own_password)
                   ? OWN_FIELDS
                   : 0);
}

static bool
updates(const struct backend *backend, const struct account *change)
{
    return (change->stated & ~changeable(backend)) == 0;
}

/* What each field takes here, in place of what there is. */
static const struct {
    enum account_field field;
    const char *takes;
} needs[] = {
    {ACCOUNT_ADMIN, "Dendrite has no API for it: give database"},
    {ACCOUNT_DEACTIVATED, "Dendrite has no API for it: give database"},
    {ACCOUNT_PASSWORD, "it takes an administrator: give access_token, admin_username and "
                       "admin_password, or registration_shared_secret with a service_account"},
    {ACCOUNT_DISPLAYNAME, "only the account itself can: give its own password"},
    {ACCOUNT_AVATAR_URL, "only the account itself can: give its own password"},
};

static int
may_update(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    unsigned beyond = change->stated & ~changeable(backend);

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if ((beyond & ACCOUNT_BIT(needs[i].field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED, "%s exists, and to change its %s, %s",
                observed->account.user_id != NULL ? observed->account.user_id
                                                  : observed->account.localpart,
                account_field_option(needs[i].field), needs[i].takes);
    /* Who sets it is foreseen, too. */
    return backend->predict && account_states(change, ACCOUNT_PASSWORD)
               ? have_administrator(backend, error)
               : 0;
}

/* Passwords are set by the API, which stores them as Dendrite wants them. */
static int
set_password(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    if (!account_states(change, ACCOUNT_PASSWORD))
        return 0;
    if (have_administrator(backend, error) != 0)
        return -1;
    return credentials_reset(backend, observed->account.user_id, &change->password,
        logout_devices, error);
}

/* Another administrator may end it, and its kept session with it. */
static int
end_account(struct backend *backend, struct observation *observed,
    const struct account *rows, struct error *error)
{
    const char *service_account = backend->connection->service_account;

    if (accounts_update(backend, observed, rows, error) != 0)
        return -1;
    return service_account != NULL && strcmp(observed->account.localpart, service_account) == 0
               ? administrator_forget(backend, error)
               : 0;
}

/* Deactivation comes last, for a deactivated account takes no more changes. */
static int
update(struct backend *backend, struct observation *observed, const struct account *change,
    bool logout_devices, struct error *error)
{
    struct account rows = {.stated = change->stated & ACCOUNTS_CHANGED,
        .deactivated = change->deactivated,
        .admin = change->admin};
    bool ends = account_is(change, ACCOUNT_DEACTIVATED);

    if (!ends && rows.stated != 0 && accounts_update(backend, observed, &rows, error) != 0)
        return -1;
    if (set_password(backend, observed, change, logout_devices, error) != 0)
        return -1;
    if ((change->stated & OWN_FIELDS) != 0 &&
        (log_in_as_itself(backend, observed, error) != 0 ||
            own_update(backend, observed, change, error) != 0))
        return -1;
    return ends ? end_account(backend, observed, &rows, error) : 0;
}

static int
foresee(const struct backend *backend, struct account *after, const struct account *change,
    struct error *error)
{
    (void)backend;
    (void)after;
    (void)change;
    (void)error;
    return 0;
}

static int
check_credential(struct backend *backend, struct error *error)
{
    bool is_administrator;

    if (!state_has_administrator(backend))
        return register_prove_secret(backend, error);
    if (dialect_ask_administrator(backend, &state_of(backend)->administrator.access_token,
            &is_administrator, error) != 0)
        return -1;
    if (is_administrator)
        return 0;
    return error_set(error, ERROR_FORBIDDEN, "%s is not an administrator of this server",
        state_of(backend)->administrator.user_id);
}

static int
list_administrators(struct backend *backend, struct list *user_ids, struct error *error)
{
    int opened = accounts_open(backend, error);

    if (opened < 0)
        return -1;
    if (opened == 0)
        return error_set(error, ERROR_UNSUPPORTED,
            "Dendrite has no API for it; with database they can be listed");
    return accounts_list_administrators(backend, user_ids, error);
}

static void
close_dendrite(struct backend *backend)
{
    struct state *state = state_of(backend);

    if (state == NULL)
        return;
    own_end(backend);
    administrator_close(backend);
    memory_free(state);
    backend->state = NULL;
}

const struct backend_type dendrite_backend = {
    .server = SERVER_DENDRITE,
    .product = "Dendrite",
    .own_path = "/_dendrite/monitor/up",
    .administrator = "access_token, or admin_username and admin_password, or database",
    .creator = "registration_shared_secret",
    .unseen = "Dendrite has no API for it: give database",
    .source = &dendrite_yaml_source,
    .dialect = &dialect_dendrite,
    .open = open_dendrite,
    .vet = rules_vet,
    .check_credential = check_credential,
    .list_administrators = list_administrators,
    .become_administrator = become_administrator,
    .lookup = lookup,
    .asks_by_login = asks_by_login,
    .ask_password = ask_password,
    .creates = creates,
    .may_create = may_create,
    .create = creation_make,
    .updates = updates,
    .may_update = may_update,
    .update = update,
    .foresee = foresee,
    .may_verify_login = logins_may_verify,
    .verify_login = logins_verify,
    .close = close_dendrite,
};
