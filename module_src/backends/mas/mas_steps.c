/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/mas_steps.h"

#include "backends/mas/companion.h"
#include "backends/mas/mas_rules.h"
#include "backends/mas/pending.h"
#include "backends/mas/state.h"

static const char admin_means[] =
    "admin of %s is MAS's own: with it, its owner may ask for the rights of an administrator "
    "when logging in to a tool that does so; it makes nobody an administrator for the clients "
    "that are logged in (docs/mas.md)";

static int
set_password(struct backend *backend, const char *localpart, const struct secret *password,
    struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);

    return state->way->set_password(backend, &state->user, localpart, password, error);
}

/* What MAS gives a new user, whatever is wanted. */
static int
observe_new(struct backend *backend, const struct account *wanted,
    struct observation *observed, struct error *error)
{
    static const struct pairs none = {0};
    struct mas_state *state = mas_state_of(backend);
    struct account *account = &observed->account;

    observed->presence = PRESENCE_PRESENT;
    account_state_bool(account, ACCOUNT_DEACTIVATED, state->user.deactivated);
    account_state_bool(account, ACCOUNT_ADMIN, state->user.admin);
    account_state_bool(account, ACCOUNT_LOCKED, state->user.locked);
    if (account_state_set(account, ACCOUNT_EMAILS, &none, error) != 0 ||
        account_state_set(account, ACCOUNT_EXTERNAL_IDS, &none, error) != 0)
        return -1;
    if (state->created_displayname && account_states(wanted, ACCOUNT_DISPLAYNAME) &&
        account_state_text(account, ACCOUNT_DISPLAYNAME, wanted->displayname, error) != 0)
        return -1;
    if (state->created_avatar_url && account_states(wanted, ACCOUNT_AVATAR_URL) &&
        account_state_text(account, ACCOUNT_AVATAR_URL, wanted->avatar_url, error) != 0)
        return -1;
    return 0;
}

/* The user is there: its password, whatever comes in between. */
static int
finish(struct backend *backend, const struct account *wanted, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    const char *localpart = wanted->localpart;
    struct error weak = {0};

    if (!account_states(wanted, ACCOUNT_PASSWORD) || state->way->sets_password_at_once)
        return 0;
    if (pending_made(backend, localpart, &state->user, error) != 0)
        return -1;
    if (set_password(backend, localpart, &wanted->password, &weak) == 0)
        return pending_end(backend, localpart, error);
    if (weak.kind != ERROR_POLICY) {
        *error = weak;
        return -1;
    }
    error->status = weak.status;
    return error_set(error, ERROR_POLICY,
        "%.800s; %s was made, and has no password yet: the next run with another one sets it%s",
        weak.text, localpart,
        backend->connection->session_file != NULL ? "" : ", with update_password: always");
}

/* Nobody but us has made it, it seems: then its password is still to be set, which is
 * why a login with it says nothing. */
static int
recognize(struct backend *backend, const char *localpart, enum creation *creation,
    struct error *error)
{
    bool ours;

    if (pending_has(backend, localpart, &mas_state_of(backend)->user, &ours, error) != 0)
        return -1;
    if (ours)
        *creation = CREATION_DONE;
    return 0;
}

int
mas_steps_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    bool has_password = account_states(wanted, ACCOUNT_PASSWORD);
    bool writes_ahead = has_password && !state->way->sets_password_at_once;
    struct error ignored = {0};
    int result;

    if (mas_rules_creation(backend, wanted, error) != 0)
        return -1;
    if (writes_ahead && pending_begin(backend, wanted->localpart, error) != 0)
        return -1;
    result = state->way->create(backend, wanted, creation, &state->user, error);
    if (writes_ahead && result == 0 && *creation == CREATION_PERHAPS)
        result = recognize(backend, wanted->localpart, creation, error);
    if (result != 0 || *creation != CREATION_DONE) {
        /* It is somebody else's, or nobody's; where it may be ours, the entry stays. */
        if (writes_ahead && (result == 0 ? *creation == CREATION_NAME_TAKEN
                                         : *creation != CREATION_DONE &&
                                               !error_hides_outcome(error)))
            pending_end(backend, wanted->localpart, &ignored);
        return result;
    }
    if (observe_new(backend, wanted, observed, error) != 0)
        return -1;
    if (state->user.admin)
        list_add(backend->warnings, admin_means, wanted->localpart);
    /* From here on even a signal lets the user under way be finished. */
    state->finishing = true;
    return finish(backend, wanted, error);
}

static int
change_emails(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    const struct pairs *wanted = &change->emails;
    struct pairs had = {0};
    int result;

    if (!account_states(change, ACCOUNT_EMAILS))
        return 0;
    result = pairs_add_all(&had, &observed->account.emails, error);
    for (size_t i = 0; result == 0 && i < wanted->count; i++)
        if (!pairs_have(&had, wanted->items[i].key, wanted->items[i].value))
            result = state->way->add_email(backend, &state->user, change->localpart,
                wanted->items[i].value, error);
    for (size_t i = 0; result == 0 && i < had.count; i++)
        if (!pairs_have(wanted, had.items[i].key, had.items[i].value))
            result = state->way->remove_email(backend, &state->user, had.items[i].value, error);
    if (result == 0)
        result = account_state_set(&observed->account, ACCOUNT_EMAILS, wanted, error);
    pairs_free(&had);
    return result;
}

static int
change_links(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    const struct mas_state *state = mas_state_of(backend);
    const struct pairs *wanted = &change->external_ids;
    struct pairs had = {0};
    int result;

    if (!account_states(change, ACCOUNT_EXTERNAL_IDS))
        return 0;
    result = pairs_add_all(&had, &observed->account.external_ids, error);
    /* First away with the old: a provider may allow one link a user. */
    for (size_t i = 0; result == 0 && i < had.count; i++)
        if (!pairs_have(wanted, had.items[i].key, had.items[i].value))
            result = state->way->remove_link(backend, &state->user, had.items[i].key,
                had.items[i].value, error);
    for (size_t i = 0; result == 0 && i < wanted->count; i++)
        if (!pairs_have(&had, wanted->items[i].key, wanted->items[i].value))
            result = state->way->add_link(backend, &state->user, wanted->items[i].key,
                wanted->items[i].value, error);
    if (result == 0)
        result = account_state_set(&observed->account, ACCOUNT_EXTERNAL_IDS, wanted, error);
    pairs_free(&had);
    return result;
}

static int
change_password(struct backend *backend, const struct account *change, bool logout_devices,
    struct error *error)
{
    struct mas_state *state = mas_state_of(backend);

    if (!account_states(change, ACCOUNT_PASSWORD))
        return 0;
    /* First, so that it is not forgotten where the run is cut off: who sees the password
     * set already does nothing more. And again, for who came in meanwhile. */
    if ((logout_devices &&
            state->way->end_sessions(backend, &state->user, change->localpart, error) != 0) ||
        set_password(backend, change->localpart, &change->password, error) != 0 ||
        pending_end(backend, change->localpart, error) != 0)
        return -1;
    return logout_devices
               ? state->way->end_sessions(backend, &state->user, change->localpart, error)
               : 0;
}

static int
change_admin(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);

    if (!account_states(change, ACCOUNT_ADMIN))
        return 0;
    if (state->way->set_admin(backend, &state->user, change->localpart, change->admin, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, change->admin);
    if (change->admin)
        list_add(backend->warnings, admin_means, change->localpart);
    return 0;
}

static int
change_locked(struct backend *backend, struct observation *observed,
    const struct account *change, bool locked, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);

    if (!account_states(change, ACCOUNT_LOCKED) || change->locked != locked)
        return 0;
    if (state->way->set_locked(backend, &state->user, change->localpart, locked, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_LOCKED, locked);
    return 0;
}

static int
reactivate(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);

    if (!account_states(change, ACCOUNT_DEACTIVATED) || change->deactivated)
        return 0;
    if (state->way->reactivate(backend, &state->user, change->localpart, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    return 0;
}

/* Its addresses go with it, and with erasing its profile, for which who is deactivated
 * already can be deactivated again. */
static int
deactivate(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error)
{
    static const struct pairs none = {0};
    struct mas_state *state = mas_state_of(backend);

    bool erase = account_is(change, ACCOUNT_ERASED);

    if (!account_is(change, ACCOUNT_DEACTIVATED) && !erase)
        return 0;
    if (state->way->deactivate(backend, &state->user, change->localpart,
            erase, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, true);
    if (erase)
        account_state_bool(&observed->account, ACCOUNT_ERASED, true);
    return account_states(&observed->account, ACCOUNT_EMAILS)
               ? account_state_set(&observed->account, ACCOUNT_EMAILS, &none, error)
               : 0;
}

/* What needs the account to be there and open comes in the middle. */
int
mas_steps_update(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    bool has_companion_fields = (change->stated & COMPANION_FIELDS) != 0;
    int result = -1;

    if (reactivate(backend, observed, change, error) == 0 &&
        change_locked(backend, observed, change, false, error) == 0 &&
        change_password(backend, change, logout_devices, error) == 0 &&
        change_admin(backend, observed, change, error) == 0 &&
        change_emails(backend, observed, change, error) == 0 &&
        change_links(backend, observed, change, error) == 0 &&
        (!has_companion_fields ||
            companion_update(backend, &state->user, observed, change, error) == 0) &&
        change_locked(backend, observed, change, true, error) == 0 &&
        deactivate(backend, observed, change, error) == 0)
        result = 0;
    state->finishing = false;
    return result;
}
