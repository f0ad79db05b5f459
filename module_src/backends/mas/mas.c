/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/mas.h"

#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/companion.h"
#include "backends/mas/links.h"
#include "backends/mas/manage.h"
#include "backends/mas/mas_logins.h"
#include "backends/mas/mas_rules.h"
#include "backends/mas/mas_steps.h"
#include "backends/mas/pending.h"
#include "backends/mas/place.h"
#include "backends/mas/rows.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "matrix/user_id.h"

/* Its API before its command: that one is told passwords in its arguments. */
static int
choose_way(struct backend *backend, struct error *error)
{
    const struct connection *connection = backend->connection;
    struct mas_state *state = mas_state_of(backend);

    backend->authenticated_by = connection->database != NULL ? "database" : "password";
    if (connection_has_mas_credential(connection))
        state->way = &api_way;
    else if (manage_is_possible(backend))
        state->way = &manage_way;
    if (state->way == NULL)
        return 0;
    backend->authenticated_by = state->way->authenticated_by;
    if (state->way->open(backend, error) != 0)
        return -1;
    backend->authority = AUTHORITY_ADMINISTRATOR;
    return 0;
}

static int
open_mas(struct backend *backend, struct error *error)
{
    backend->state = memory_zeroed(1, sizeof(struct mas_state));
    if (backend->state == NULL)
        return error_no_memory(error);
    if (place_open(backend, error) != 0)
        return -1;
    return choose_way(backend, error);
}

static int
check_credential(struct backend *backend, struct error *error)
{
    struct mas_user user;
    bool found;

    if (mas_state_of(backend)->way == NULL)
        return error_set(error, ERROR_UNAUTHORIZED, "nothing opens MAS: give %s",
            backend->type->administrator);
    return mas_state_of(backend)->way->find(backend, "registrar", &user, &found, error);
}

static int
list_administrators(struct backend *backend, struct list *user_ids, struct error *error)
{
    const struct mas_way *way = mas_state_of(backend)->way;
    struct list localparts = {0};
    int result = way == NULL ? error_set(error, ERROR_UNAUTHORIZED, "listing them takes %s",
                                   backend->type->administrator)
                             : way->list_administrators(backend, &localparts, error);

    for (size_t i = 0; result == 0 && i < localparts.count; i++)
        list_add(user_ids, "@%s:%s", localparts.items[i],
            backend->server_name != NULL ? backend->server_name : "?");
    list_free(&localparts);
    return result;
}

/* There is nobody to become: what is given opens it, or nothing does. */
static int
become_administrator(struct backend *backend, struct error *error)
{
    int opened;

    if (backend->authority != AUTHORITY_NONE)
        return 0;
    opened = rows_open(backend, error);
    if (opened < 0)
        return -1;
    if (opened > 0)
        return 0; /* who sees, and may not change */
    return error_set(error, ERROR_UNAUTHORIZED, "that takes %s", backend->type->administrator);
}

/* Whoever may look looks: a way, or the database alone. */
static int
find(struct backend *backend, const char *localpart, bool *found, bool *looked,
    struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    int opened;

    *looked = true;
    memset(&state->user, 0, sizeof(state->user));
    if (state->way != NULL)
        return state->way->find(backend, localpart, &state->user, found, error);
    opened = rows_open(backend, error);
    if (opened > 0)
        return rows_find(backend, localpart, &state->user, found, error);
    *looked = false;
    return opened;
}

static int
look_at_sets(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    int (*emails)(struct backend *, const struct mas_user *, struct pairs *, struct error *) =
        state->way != NULL ? state->way->emails : rows_emails;
    int (*links)(struct backend *, const struct mas_user *, struct pairs *, struct error *) =
        state->way != NULL ? state->way->links : rows_links;
    struct pairs set = {0};
    int result = 0;

    if ((mask & ACCOUNT_BIT(ACCOUNT_EMAILS)) != 0) {
        result = emails(backend, &state->user, &set, error);
        if (result == 0)
            result = account_state_set(&observed->account, ACCOUNT_EMAILS, &set, error);
        pairs_free(&set);
    }
    if (result == 0 && (mask & ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS)) != 0 && links != NULL) {
        result = links(backend, &state->user, &set, error);
        if (result == 0)
            result = account_state_set(&observed->account, ACCOUNT_EXTERNAL_IDS, &set, error);
        pairs_free(&set);
    }
    return result;
}

/* Not of who only looks: it would take a session at the homeserver. */
static bool
asks_whether_erased(unsigned mask)
{
    return mask != ~0u && (mask & ACCOUNT_BIT(ACCOUNT_ERASED)) != 0;
}

/* Who is not gone is not erased; of who is, MAS does not say it. */
static int
look_whether_erased(struct backend *backend, struct observation *observed,
    struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    struct account *account = &observed->account;

    if (!state->user.deactivated) {
        account_state_bool(account, ACCOUNT_ERASED, false);
        return 0;
    }
    if (companion_look_erased(backend, &state->user, observed, error) != 0)
        return -1;
    if (account_states(account, ACCOUNT_ERASED) || state->way == NULL || !state->way->erases)
        return 0;
    list_add(backend->warnings,
        "whether %s is erased, which is deactivated, MAS does not say, so it is told to erase it "
        "each time; the homeserver says it to Registrar where url is given, MAS is 1.5 or newer, "
        "and has an active administrator",
        account->localpart);
    account_state_bool(account, ACCOUNT_ERASED, false);
    return 0;
}

/*
 * In the database a user shows whose creation was cut off, also where nothing was written
 * down: without a password, without another way in, and never seen. MAS's own command
 * makes none of these.
 */
static int
look_for_password(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    struct pairs links = {0};
    bool has = false, had = false;
    int opened;
    int result;

    if (observed->unfinished || state->way != &api_way || backend->connection->database == NULL)
        return 0;
    opened = rows_open(backend, error);
    if (opened <= 0)
        return opened;
    result = rows_has_password(backend, &state->user, &has, error);
    if (result == 0 && !has)
        result = rows_links(backend, &state->user, &links, error);
    if (result == 0 && !has && links.count == 0) {
        result = pending_has_had_session(backend, &state->user, &had, error);
        observed->lacks_password = result == 0 && !had;
    }
    pairs_free(&links);
    return result;
}

static int
observe(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    struct account *account = &observed->account;

    observed->presence = PRESENCE_PRESENT;
    account_state_bool(account, ACCOUNT_DEACTIVATED, state->user.deactivated);
    account_state_bool(account, ACCOUNT_ADMIN, state->user.admin);
    account_state_bool(account, ACCOUNT_LOCKED, state->user.locked);
    if (pending_has(backend, account->localpart, &state->user, &observed->unfinished, error) != 0 ||
        look_for_password(backend, observed, error) != 0 ||
        look_at_sets(backend, mask, observed, error) != 0 ||
        (asks_whether_erased(mask) && look_whether_erased(backend, observed, error) != 0))
        return -1;
    return (mask & COMPANION_FIELDS) == 0
               ? 0
               : companion_look(backend, &state->user, mask, observed, error);
}

/*
 * MAS finds a name in any case. One that was asked for with capitals is there only if it
 * is spelt exactly so, or else the one without them is meant; of that, the homeserver's
 * account is called as MAS spells it.
 */
static int
take_spelling(struct backend *backend, struct account *account, bool *found,
    struct error *error)
{
    struct mas_user *user = &mas_state_of(backend)->user;
    const char *colon = account->user_id == NULL ? NULL : strchr(account->user_id, ':');
    char *user_id = NULL;
    int result;

    if (strcmp(user->name, account->localpart) == 0)
        return 0;
    if (strpbrk(account->localpart, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL) {
        memset(user, 0, sizeof(*user));
        *found = false;
        return 0;
    }
    list_add(backend->warnings, "MAS spells the name of %s as \"%s\", and takes both for the same",
        account->localpart, user->name);
    if (colon != NULL && (user_id = user_id_format(user->name, colon + 1)) == NULL)
        return error_no_memory(error);
    result = account_name(account, user_id, user->name, error);
    memory_free(user_id);
    return result;
}

static int
lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    bool found = false, looked = false;

    mas_state_of(backend)->finishing = false;
    observed->unfinished = false;
    observed->lacks_password = false;
    if (find(backend, observed->account.localpart, &found, &looked, error) != 0)
        return -1;
    if (looked && found && take_spelling(backend, &observed->account, &found, error) != 0)
        return -1;
    if (looked && found)
        return observe(backend, mask, observed, error);
    observed->presence = looked ? PRESENCE_ABSENT : PRESENCE_UNKNOWN;
    return 0;
}

static bool
asks_by_login(const struct backend *backend)
{
    return backend->connection->database == NULL || backend->database_is_unusable;
}

static int
ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    int opened = rows_open(backend, error);

    if (opened < 0)
        return -1;
    if (opened > 0)
        return rows_ask_password(backend, &mas_state_of(backend)->user, password, answer, why,
            error);
    return mas_logins_ask(backend, observed, password, answer, why, error);
}

/* MAS knows a provider by its id, people by its name. */
static int
translate(struct backend *backend, struct account *wanted, struct error *error)
{
    const struct pairs *named = &wanted->external_ids;
    const struct mas_way *way = mas_state_of(backend)->way;
    struct pairs known = {.append = named->append};
    char id[MAS_ID_SIZE];
    int result = 0;

    if (!account_states(wanted, ACCOUNT_EXTERNAL_IDS) || way == NULL || way->add_link == NULL)
        return 0;
    for (size_t i = 0; result == 0 && i < named->count; i++) {
        result = links_provider(backend, named->items[i].key, id, error);
        if (result == 0)
            result = pairs_add(&known, id, named->items[i].value, error);
    }
    if (result == 0)
        result = account_state_set(wanted, ACCOUNT_EXTERNAL_IDS, &known, error);
    pairs_free(&known);
    return result;
}

static bool
has_way(const struct backend *backend, const struct account *account)
{
    (void)account;
    return mas_state_of(backend)->way != NULL;
}

static int
foresee(const struct backend *backend, struct account *after, const struct account *change,
    struct error *error)
{
    static const struct pairs none = {0};

    (void)backend;
    if (!account_is(change, ACCOUNT_DEACTIVATED))
        return 0;
    if (account_states(after, ACCOUNT_EMAILS) &&
        account_state_set(after, ACCOUNT_EMAILS, &none, error) != 0)
        return -1;
    return 0;
}

static void
close_mas(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    if (state == NULL)
        return;
    companion_close(backend);
    pending_close(backend);
    if (state->way != NULL)
        state->way->close(backend);
    place_close(backend);
    memory_free(state);
    backend->state = NULL;
}

#define OPENS                                                                              \
    "mas_client_id and mas_client_secret (or its _path), or mas_token; or MAS's container "  \
    "and database"

const struct backend_type mas_backend = {
    .server = SERVER_MAS,
    .product = "Matrix Authentication Service",
    .administrator = OPENS,
    .creator = OPENS,
    .login_question = "give MAS's database, which has the hashes, or password_probe: false",
    .open = open_mas,
    .vet = mas_rules_vet,
    .check_credential = check_credential,
    .list_administrators = list_administrators,
    .translate = translate,
    .become_administrator = become_administrator,
    .lookup = lookup,
    .asks_by_login = asks_by_login,
    .ask_password = ask_password,
    .creates = has_way,
    .may_create = mas_rules_creation,
    .create = mas_steps_create,
    .updates = has_way,
    .may_update = mas_rules_change,
    .update = mas_steps_update,
    .foresee = foresee,
    .may_verify_login = mas_logins_may_verify,
    .verify_login = mas_logins_verify,
    .close = close_mas,
};
