/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ensure/ensure.h"

#include <string.h>

#include "base/memory.h"
#include "base/stop.h"

/* One wish in hand. */
struct run {
    struct backend *backend;
    const struct backend_type *type;
    const struct wish *wish;
    enum ensure_mode mode;
    size_t *logins; /* so far, of the whole list */
    struct account wanted;
    struct observation now;
    bool password_asked;
    enum password_answer password_answer;
    char why[256]; /* it could not be told */
    struct outcome *outcome;
    struct error *error;
};

static bool
has_administrator(const struct run *run)
{
    return connection_has_administrator(run->backend->connection);
}

/* How an account is called in messages. */
static const char *
name_of(const struct run *run)
{
    return run->wanted.user_id != NULL ? run->wanted.user_id : run->wanted.localpart;
}

/* Gives the wanted account and the observation one localpart and, where the
 * server's name is known, one user id. */
static int
set_names(struct run *run, const char *localpart)
{
    const char *server_name = run->backend->server_name;
    char *user_id = NULL;
    int result = -1;

    if (server_name == NULL)
        server_name = run->wish->id.server_name;
    if (server_name != NULL) {
        user_id = user_id_format(localpart, server_name);
        if (user_id == NULL)
            return error_no_memory(run->error);
        if (strlen(user_id) > USER_ID_LONGEST) {
            error_set(run->error, ERROR_INVALID,
                "username \"%.60s...\" is too long: with \"%.100s\" behind it the user id has "
                "more than %d bytes",
                localpart, server_name, USER_ID_LONGEST);
            goto out;
        }
    }
    if (account_name(&run->wanted, user_id, localpart, run->error) == 0 &&
        account_name(&run->now.account, user_id, localpart, run->error) == 0)
        result = 0;
out:
    memory_free(user_id);
    return result;
}

static int
check_server_name(struct run *run)
{
    const char *wanted = run->wish->id.server_name;

    if (backend_learn_server_name(run->backend, run->error) != 0)
        return -1;
    if (wanted == NULL || run->backend->server_name == NULL ||
        strcmp(wanted, run->backend->server_name) == 0)
        return 0;
    return error_set(run->error, ERROR_INVALID,
        "@%s:%s cannot be an account of this server, which is \"%s\"",
        run->wish->id.localpart, wanted, run->backend->server_name);
}

static int
look(struct run *run)
{
    unsigned mask = run->wanted.stated | ACCOUNT_BIT(ACCOUNT_DEACTIVATED);

    return run->type->lookup(run->backend, mask, &run->now, run->error);
}

/*
 * Looks at the account. A name with capitals is the lower-case one, except
 * where an account of before that rule exists exactly so.
 */
static int
look_up(struct run *run)
{
    if (user_id_was_lowered(&run->wish->id)) {
        if (set_names(run, run->wish->id.as_written) != 0 || look(run) != 0)
            return -1;
        if (run->now.presence == PRESENCE_PRESENT)
            return 0;
        list_add(run->backend->warnings,
            "username \"%s\" has upper case, which user ids do not have; \"%s\" is meant",
            run->wish->id.as_written, run->wish->id.localpart);
        account_free(&run->now.account);
    }
    return set_names(run, run->wish->id.localpart) != 0 ? -1 : look(run);
}

static int
needs_administrator(struct run *run, const char *what)
{
    return error_set(run->error, ERROR_UNAUTHORIZED, "%s of %s takes an administrator: give %s",
        what, name_of(run), run->type->administrator);
}

/* Asks about the password once; later calls have the answer. */
static int
ask_password(struct run *run)
{
    if (run->password_asked)
        return 0;
    if (!has_administrator(run) && ++*run->logins > ENSURE_LOGINS_MOST)
        return needs_administrator(run,
            "without one each look takes a login, and servers limit those; the state");
    if (run->type->ask_password(run->backend, &run->now, &run->wanted.password,
            &run->password_answer, run->why, run->error) != 0)
        return -1;
    run->password_asked = true;
    return 0;
}

/* if_exists: match. */
static int
require_match(struct run *run)
{
    if (account_states(&run->now.account, ACCOUNT_DEACTIVATED) &&
        run->now.account.deactivated)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists and is deactivated; nothing was changed (if_exists: match)",
            name_of(run));
    if (ask_password(run) != 0)
        return -1;
    if (run->password_answer == PASSWORD_SAME)
        return 0;
    if (run->password_answer == PASSWORD_CANNOT_TELL)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists, and whether it is yours cannot be told: %s; nothing was changed "
            "(if_exists: match)",
            name_of(run), run->why);
    return error_set(run->error, ERROR_CONFLICT,
        "%s exists and has another password than the one given, so it may be somebody "
        "else's; nothing was changed (if_exists: match)",
        name_of(run));
}

/* present on a deactivated account needs permission to bring it back. */
static int
require_active(struct run *run)
{
    if (!account_states(&run->now.account, ACCOUNT_DEACTIVATED) ||
        !run->now.account.deactivated || account_states(&run->wanted, ACCOUNT_DEACTIVATED))
        return 0;
    return error_set(run->error, ERROR_CONFLICT,
        "%s exists and is deactivated; nothing was changed. reactivate: true would bring it "
        "back",
        name_of(run));
}

/* Sees to it that every wanted field is observed. */
static int
observe_all(struct run *run)
{
    unsigned missing = account_unobserved(&run->wanted, &run->now.account);

    if (missing != 0 && !has_administrator(run) &&
        account_states(&run->wanted, ACCOUNT_PASSWORD) && !run->password_asked) {
        if (ask_password(run) != 0)
            return -1;
        missing = account_unobserved(&run->wanted, &run->now.account);
    }
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((missing & (1u << field)) != 0)
            return error_set(run->error, ERROR_UNAUTHORIZED,
                "%s exists, and seeing and changing its %s takes an administrator: give %s%s",
                name_of(run), account_field_name((enum account_field)field),
                run->type->administrator,
                account_states(&run->wanted, ACCOUNT_PASSWORD)
                    ? " (the password given is not the account's, or it would have done)"
                    : "");
    return 0;
}

/* Whether a password is due: after a reactivation, which took it away, and
 * with `always` where it is not the account's already. */
static int
password_is_due(struct run *run, const struct account *change, bool *due)
{
    *due = false;
    if (!account_states(&run->wanted, ACCOUNT_PASSWORD))
        return 0;
    if (account_states(change, ACCOUNT_DEACTIVATED) && !change->deactivated) {
        *due = true;
        return 0;
    }
    if (run->wish->update_password != UPDATE_PASSWORD_ALWAYS)
        return 0;
    if (!run->wish->password_probe && !run->password_asked) {
        *due = true;
        return 0;
    }
    if (ask_password(run) != 0)
        return -1;
    if (run->password_answer == PASSWORD_CANNOT_TELL)
        list_add(run->backend->warnings,
            "whether the password of %s is already the one given cannot be told (%s), so it "
            "is set each time",
            name_of(run), run->why);
    *due = run->password_answer != PASSWORD_SAME;
    return 0;
}

static void
note_actions(struct outcome *outcome, const struct account *change)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if (account_states(change, (enum account_field)field))
            list_add(&outcome->actions, "%s",
                account_action(change, (enum account_field)field));
    outcome->password_set |= account_states(change, ACCOUNT_PASSWORD);
}

static int
keep_before(struct run *run)
{
    struct account nothing = {0};

    return account_apply(&run->outcome->before, &run->now.account, &nothing, run->error);
}

/* After an update that failed: what became of the account? A server may have
 * made a part of the change, so it is looked at again. */
static int
note_failed_update(struct run *run)
{
    struct outcome *outcome = run->outcome;
    struct account difference = {0};
    struct account nothing = {0};
    struct error ignored = {0};
    bool seen = !error_ends_list(run->error->kind) &&
                run->type->lookup(run->backend, ~0u, &run->now, &ignored) == 0;
    struct error memory = {0};

    outcome->changed |= !seen && run->error->maybe_done;
    if (account_difference(&difference, &run->now.account, &outcome->before, &memory) != 0 ||
        account_apply(&outcome->after, &run->now.account, &nothing, &memory) != 0)
        outcome->changed = true;
    outcome->changed |= difference.stated != 0;
    account_free(&difference);
    return -1;
}

/* change is not empty and allowed: make it so, or say that it would be. */
static int
apply_change(struct run *run, const struct account *change)
{
    if (run->mode == ENSURE_APPLY &&
        run->type->update(run->backend, &run->now, change, run->wish->logout_devices,
            run->error) != 0)
        return note_failed_update(run);
    run->outcome->changed = true;
    note_actions(run->outcome, change);
    return account_apply(&run->outcome->after, &run->now.account, change, run->error);
}

static int
existing(struct run *run)
{
    struct account change = {0};
    bool password_due;
    int result = -1;

    if (keep_before(run) != 0)
        return -1;
    if (run->wish->if_exists == IF_EXISTS_FAIL)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists already; nothing was changed (if_exists: fail)", name_of(run));
    if (run->wish->if_exists == IF_EXISTS_MATCH && require_match(run) != 0)
        return -1;
    if (require_active(run) != 0 || observe_all(run) != 0)
        return -1;
    if (run->now.account.user_id != NULL && run->wanted.user_id == NULL &&
        account_name(&run->wanted, run->now.account.user_id, run->now.account.localpart,
            run->error) != 0)
        return -1;
    account_free(&run->outcome->before);
    if (keep_before(run) != 0 ||
        account_difference(&change, &run->wanted, &run->now.account, run->error) != 0 ||
        password_is_due(run, &change, &password_due) != 0)
        goto out;
    if (password_due &&
        account_state_password(&change, &run->wanted.password, run->error) != 0)
        goto out;
    if (change.stated == 0)
        result = account_apply(&run->outcome->after, &run->now.account, &change, run->error);
    else if (run->type->may_update(run->backend, &run->now, &change, run->error) == 0)
        result = apply_change(run, &change);
out:
    account_free(&change);
    return result;
}

static int
note_creation(struct run *run)
{
    struct outcome *outcome = run->outcome;

    outcome->changed = true;
    outcome->created = true;
    outcome->password_set = account_states(&run->wanted, ACCOUNT_PASSWORD);
    list_add(&outcome->actions, "create");
    account_free(&outcome->after);
    return account_apply(&outcome->after, &run->now.account, &run->wanted, run->error);
}

static int
predict_creation(struct run *run)
{
    if (run->type->may_create(run->backend, &run->wanted, run->error) != 0)
        return -1;
    if (run->now.presence == PRESENCE_UNKNOWN) {
        run->outcome->guess = true;
        list_add(run->backend->warnings,
            "that %s does not exist yet is a guess: only an administrator can see all "
            "accounts",
            name_of(run));
    }
    account_state_deactivated(&run->now.account, false);
    return note_creation(run);
}

/*
 * The reply to a creation was lost. What is there now was made by us, most
 * likely: that is what looking before it showed. With if_exists: match it has
 * to prove it.
 */
static int
settle_lost_creation(struct run *run, const struct error *lost)
{
    enum creation creation = CREATION_DONE;
    struct error failure = {0};
    int result = run->type->lookup(run->backend, ~0u, &run->now, &failure);

    if (result == 0 && run->now.presence == PRESENCE_UNKNOWN)
        result = run->type->create(run->backend, &run->wanted, &creation, &run->now,
            &failure);
    else if (result == 0 && run->now.presence == PRESENCE_PRESENT)
        creation = CREATION_NAME_TAKEN;
    else
        result = -1;
    if (result != 0) {
        run->outcome->changed = true; /* it may have been; nobody knows */
        *run->error = *lost;
        return -1;
    }
    if (creation == CREATION_NAME_TAKEN) {
        run->now.presence = PRESENCE_PRESENT;
        list_add(run->backend->warnings,
            "the server's reply to the creation of %s was lost; the account is there now, so "
            "it counts as created",
            name_of(run));
        if (run->wish->if_exists == IF_EXISTS_MATCH && require_match(run) != 0)
            return -1;
    }
    return note_creation(run);
}

static int
create(struct run *run)
{
    enum creation creation = CREATION_DONE;
    struct error failure = {0};

    if (run->mode == ENSURE_PREDICT)
        return predict_creation(run);
    if (run->type->create(run->backend, &run->wanted, &creation, &run->now, &failure) != 0) {
        if (failure.maybe_done)
            return settle_lost_creation(run, &failure);
        *run->error = failure;
        return -1;
    }
    if (creation == CREATION_DONE)
        return note_creation(run);
    run->now.presence = PRESENCE_PRESENT;
    if (has_administrator(run))
        return error_set(run->error, ERROR_CONFLICT,
            "the server says that %s is taken, though no account has exactly this name; is "
            "there one in upper case?",
            name_of(run));
    return existing(run);
}

/*
 * Nobody here may create or see accounts; all there is is the account's own
 * password, and one login says whether that is enough.
 */
static int
claim(struct run *run)
{
    if (!account_states(&run->wanted, ACCOUNT_PASSWORD))
        return needs_administrator(run, "the creation");
    if (ask_password(run) != 0)
        return -1;
    if (run->password_answer == PASSWORD_SAME) {
        run->now.presence = PRESENCE_PRESENT;
        return existing(run);
    }
    return error_set(run->error, ERROR_UNAUTHORIZED,
        "cannot log in as %s with the password given: it is not the account's, or there is "
        "no such account, and to create one Registrar needs registration_shared_secret or "
        "%s",
        name_of(run), run->type->administrator);
}

/* Nothing was seen: not there, or not to be seen by us. */
static int
absent(struct run *run)
{
    bool wants_deactivated = account_states(&run->wanted, ACCOUNT_DEACTIVATED) &&
                             run->wanted.deactivated;

    if (run->now.presence == PRESENCE_UNKNOWN &&
        (wants_deactivated || run->wish->if_absent == IF_ABSENT_FAIL))
        return needs_administrator(run,
            wants_deactivated ? "deactivation" : "any change");
    if (run->wish->if_absent == IF_ABSENT_FAIL)
        return error_set(run->error, ERROR_NOT_FOUND,
            "there is no account %s; nothing was changed (if_absent: fail)", name_of(run));
    if (wants_deactivated)
        return 0;
    return connection_can_create(run->backend->connection) ? create(run) : claim(run);
}

static int
ensure_one(struct run *run)
{
    if (check_server_name(run) != 0 ||
        account_name(&run->wanted, NULL, run->wish->id.localpart, run->error) != 0 ||
        account_copy(&run->wanted, &run->wish->account, run->error) != 0 ||
        look_up(run) != 0)
        return -1;
    return run->now.presence == PRESENCE_PRESENT ? existing(run) : absent(run);
}

int
ensure_accounts(struct backend *backend, const struct wish *wishes, size_t count,
    enum ensure_mode mode, struct outcome *outcomes, struct error *error)
{
    size_t logins = 0;

    for (size_t i = 0; i < count; i++) {
        struct outcome *outcome = &outcomes[i];
        struct run run = {
            .backend = backend,
            .type = backend->type,
            .wish = &wishes[i],
            .mode = mode,
            .logins = &logins,
            .outcome = outcome,
            .error = &outcome->error,
        };
        int result;

        if (stop_signal() != 0)
            return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
                stop_signal_name(stop_signal()));
        outcome->tried = true;
        result = ensure_one(&run);
        if (outcome->after.localpart == NULL && run.wanted.localpart != NULL &&
            account_name(&outcome->after, run.wanted.user_id, run.wanted.localpart,
                run.error) != 0)
            result = -1;
        account_free(&run.wanted);
        account_free(&run.now.account);
        if (outcome->actions.failed && result == 0)
            result = error_no_memory(&outcome->error);
        if (result != 0 && error_ends_list(outcome->error.kind)) {
            *error = outcome->error;
            return -1;
        }
    }
    return 0;
}
