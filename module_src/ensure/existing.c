/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done about an account that is there. */
#include "ensure/run.h"

int
run_require_match(struct run *run)
{
    if (account_states(&run->now.account, ACCOUNT_DEACTIVATED) &&
        run->now.account.deactivated)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists and is deactivated; nothing was changed (if_exists: match)",
            run_name(run));
    if (run_ask_password(run) != 0)
        return -1;
    if (run->password_answer == PASSWORD_SAME)
        return 0;
    if (run->password_answer == PASSWORD_CANNOT_TELL)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists, and whether it is yours cannot be told: %s; nothing was changed "
            "(if_exists: match)",
            run_name(run), run->why);
    return error_set(run->error, ERROR_CONFLICT,
        "%s exists and has another password than the one given, so it may be somebody "
        "else's; nothing was changed (if_exists: match)",
        run_name(run));
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
        run_name(run));
}

/* Whether there is anything left to see or to change. */
static int
is_settled(struct run *run, bool *settled)
{
    struct account difference = {0};
    int result =
        account_difference(&difference, &run->wanted, &run->now.account, run->error);

    *settled = difference.stated == 0 &&
               account_unobserved(&run->wanted, &run->now.account) == 0;
    account_free(&difference);
    return result;
}

/* A field that nobody can see here. */
static int
refuse_unseen(struct run *run, enum account_field field)
{
    const char *option = account_field_option(field);
    const struct connection *connection = run->backend->connection;

    if (run->type->unseen != NULL)
        return error_set(run->error, ERROR_UNAUTHORIZED,
            "%s exists, and what its %s is nobody says here: %s", run_name(run), option,
            run->type->unseen);
    /* A database may do for an administrator, and shows less. */
    if (run_has_administrator(run) &&
        (connection->database == NULL || connection_may_administrate(connection)))
        return error_set(run->error, ERROR_UNSUPPORTED,
            "the server does not say what the %s of %s is, so this version of it cannot do "
            "what that option asks for",
            option, run_name(run));
    return error_set(run->error, ERROR_UNAUTHORIZED,
        "%s exists, and seeing and changing its %s takes an administrator: give %s%s",
        run_name(run), option, run->type->administrator,
        account_states(&run->wanted, ACCOUNT_PASSWORD) && connection->database == NULL
            ? " (the password given is not the account's, or it would have done)"
            : "");
}

/* Whether the account's own password shows more of it, and may change some of it:
 * where there is no administrator, or one who does not see it all, either. */
static bool
own_password_helps(const struct run *run)
{
    return account_states(&run->wanted, ACCOUNT_PASSWORD) &&
           (!run_has_administrator(run) ||
               (run->type->unseen != NULL &&
                   account_unobserved(&run->wanted, &run->now.account) != 0));
}

/* Sees to it that every wanted field is observed. */
static int
observe_all(struct run *run)
{
    unsigned missing;
    bool settled;

    if (is_settled(run, &settled) != 0)
        return -1;
    if (!settled && own_password_helps(run) &&
        (run->backend->authority == AUTHORITY_PREDICTED ? run_try_password(run)
                                                        : run_ask_password(run)) != 0)
        return -1;
    missing = account_unobserved(&run->wanted, &run->now.account);
    if (missing != 0 && run_may_become_administrator(run)) {
        if (run_become_administrator(run) != 0)
            return -1;
        missing = account_unobserved(&run->wanted, &run->now.account);
    }
    if (missing != 0 && run->type->unseen == NULL &&
        run->backend->authority == AUTHORITY_PREDICTED) {
        run->guessed = true;
        return 0;
    }
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((missing & (1u << field)) != 0)
            return refuse_unseen(run, (enum account_field)field);
    return 0;
}

/* Of a creation that was cut off, or of a reactivation, which took it away. */
static bool
has_no_password(const struct run *run, const struct account *change)
{
    return run->now.unfinished || run->now.lacks_password ||
           (account_states(change, ACCOUNT_DEACTIVATED) && !change->deactivated);
}

/* Whether a password is due: where there is none, and with `always` where it is not
 * the account's already. */
static int
password_is_due(struct run *run, const struct account *change, bool *due)
{
    *due = false;
    if (has_no_password(run, change) && run_generate_password(run) != 0)
        return -1;
    if (!account_states(&run->wanted, ACCOUNT_PASSWORD))
        return 0;
    if (has_no_password(run, change)) {
        *due = true;
        return 0;
    }
    if (run->wish->update_password != UPDATE_PASSWORD_ALWAYS)
        return 0;
    if (!run->wish->password_probe && !run->password_asked) {
        *due = true;
        return 0;
    }
    if (run->backend->authority == AUTHORITY_PREDICTED) {
        if (run_try_password(run) != 0)
            return -1;
        run->guessed |= !run->password_asked;
    } else if (run_ask_password(run) != 0) {
        return -1;
    }
    *due = !run->password_asked || run->password_answer != PASSWORD_SAME;
    if (run->password_asked && run->password_answer == PASSWORD_CANNOT_TELL)
        list_add(run->backend->warnings,
            "whether the password of %s is already the one given cannot be told (%s), so it "
            "is set each time",
            run_name(run), run->why);
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

    account_free(&run->outcome->before);
    return account_apply(&run->outcome->before, &run->now.account, &nothing, run->error);
}

/* After an update that failed: what became of the account? A server may have
 * made a part of the change, so it is looked at again. A password cannot be
 * looked at: where it may have been set, it counts as set. */
static int
note_failed_update(struct run *run, const struct account *change)
{
    struct outcome *outcome = run->outcome;
    struct account difference = {0};
    struct account nothing = {0};
    struct error ignored = {0};
    bool seen = !error_ends_list(run->error) &&
                run->type->lookup(run->backend, ~0u, &run->now, &ignored) == 0;
    struct error memory = {0};

    if (account_states(change, ACCOUNT_PASSWORD) && run_hand_out_password(run) != 0)
        return -1;
    outcome->changed |= error_hides_outcome(run->error) &&
                        (!seen || account_states(change, ACCOUNT_PASSWORD));
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
        return note_failed_update(run, change);
    run->outcome->changed = true;
    note_actions(run->outcome, change);
    if (account_states(change, ACCOUNT_PASSWORD) && run_hand_out_password(run) != 0)
        return -1;
    if (account_apply(&run->outcome->after, &run->now.account, change, run->error) != 0)
        return -1;
    return run->mode == ENSURE_PREDICT
               ? run->type->foresee(run->backend, &run->outcome->after, change, run->error)
               : 0;
}

/* What has to change. */
static int
plan(struct run *run, struct account *change)
{
    bool password_due;

    if (run_difference(run, change) != 0 ||
        password_is_due(run, change, &password_due) != 0)
        return -1;
    return password_due ? account_state_password(change, &run->wanted.password, run->error)
                        : 0;
}

static void
note_guess(struct run *run)
{
    if (!run->guessed)
        return;
    run->outcome->guess = true;
    list_add(run->backend->warnings,
        "what would change of %s is a guess: the administrator that would see it is there "
        "only when this is really run",
        run_name(run));
}

/* Some servers let only the account itself change some of it. */
static bool
own_password_may_do(const struct run *run)
{
    return account_states(&run->wanted, ACCOUNT_PASSWORD) && !run->password_asked &&
           run->backend->authority != AUTHORITY_PREDICTED;
}

/* Makes the change, as an administrator where it takes one. */
static int
carry_out(struct run *run, struct account *change)
{
    bool able = run->type->updates(run->backend, change);

    if (!able && own_password_may_do(run)) {
        if (run_ask_password(run) != 0)
            return -1;
        able = run->type->updates(run->backend, change);
    }
    if (!able && run_may_become_administrator(run)) {
        if (run_become_administrator(run) != 0)
            return -1;
        if (run_has_administrator(run))
            return run_decide(run); /* who sees more may see less to do */
    }
    note_guess(run);
    if ((able || run->backend->authority != AUTHORITY_PREDICTED) &&
        run->type->may_update(run->backend, &run->now, change, run->error) != 0)
        return -1;
    return apply_change(run, change);
}

/* Whether the wish lets an account that is there be touched at all. One that a run
 * of ours did not finish is still being made. */
static int
require_permission(struct run *run)
{
    if (run->now.unfinished)
        return require_active(run);
    if (run->wish->if_exists == IF_EXISTS_FAIL)
        return error_set(run->error, ERROR_CONFLICT,
            "%s exists already; nothing was changed (if_exists: fail)", run_name(run));
    if (run->wish->if_exists == IF_EXISTS_MATCH && run_require_match(run) != 0)
        return -1;
    return require_active(run);
}

int
run_existing(struct run *run)
{
    struct account change = {0};
    int result = -1;

    run_want_existing(run);
    if (keep_before(run) != 0 || require_permission(run) != 0 || observe_all(run) != 0)
        return -1;
    if (run->now.account.user_id != NULL && run->wanted.user_id == NULL &&
        account_name(&run->wanted, run->now.account.user_id, run->now.account.localpart,
            run->error) != 0)
        return -1;
    if (keep_before(run) != 0 || plan(run, &change) != 0)
        goto out;
    if (change.stated != 0)
        result = carry_out(run, &change);
    else
        result = account_apply(&run->outcome->after, &run->now.account, &change, run->error);
out:
    account_free(&change);
    return result;
}
