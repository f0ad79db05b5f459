/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done about an account that nobody sees: it is created, mostly. */
#include "ensure/run.h"

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

/*
 * In check mode nothing may be created to see whether it is there. Where the
 * account is the caller's own, one login shows it; a limit on logins, or a
 * server without them, is no reason to predict nothing.
 */
static int
find_own(struct run *run, bool *found)
{
    struct error failure = {0};
    struct error *error = run->error;
    int result;

    *found = false;
    if (run->now.presence != PRESENCE_UNKNOWN || run_has_administrator(run) ||
        !account_states(&run->wanted, ACCOUNT_PASSWORD) ||
        *run->logins >= ENSURE_LOGINS_MOST)
        return 0;
    run->error = &failure;
    result = run_ask_password(run);
    run->error = error;
    *found = result == 0 && run->password_answer == PASSWORD_SAME;
    if (result == 0 || failure.kind == ERROR_RATE_LIMITED ||
        failure.kind == ERROR_UNSUPPORTED)
        return 0;
    *error = failure;
    return -1;
}

static int
predict_creation(struct run *run)
{
    bool found;

    if (find_own(run, &found) != 0)
        return -1;
    if (found) {
        run->now.presence = PRESENCE_PRESENT;
        return run_existing(run);
    }
    if (run->type->may_create(run->backend, &run->wanted, run->error) != 0)
        return -1;
    if (run->now.presence == PRESENCE_UNKNOWN) {
        run->outcome->guess = true;
        list_add(run->backend->warnings,
            "that %s does not exist yet is a guess: only an administrator can see all "
            "accounts",
            run_name(run));
    }
    account_state_deactivated(&run->now.account, false);
    return note_creation(run);
}

/*
 * The reply to a creation was lost, and the account is there now. It was made
 * by us, most likely: that is what looking before it showed. With if_exists:
 * match it has to prove it.
 */
static int
note_lost_creation(struct run *run)
{
    run->now.presence = PRESENCE_PRESENT;
    list_add(run->backend->warnings,
        "the server's reply to the creation of %s was lost; the account is there now, so it "
        "counts as created",
        run_name(run));
    if (run->wish->if_exists == IF_EXISTS_MATCH && run_require_match(run) != 0)
        return -1;
    return note_creation(run);
}

/* The reply to a creation was lost: look, or try again where nobody may look. */
static int
settle_lost_creation(struct run *run, const struct error *lost)
{
    enum creation creation = CREATION_PERHAPS;
    struct error failure = {0};
    int result = run->type->lookup(run->backend, ~0u, &run->now, &failure);

    if (result == 0 && run->now.presence == PRESENCE_UNKNOWN)
        result = run->type->create(run->backend, &run->wanted, &creation, &run->now,
            &failure);
    else if (run->now.presence != PRESENCE_PRESENT)
        result = -1;
    if (result != 0) {
        /* Unless it was seen not to be there, it may have been made. */
        run->outcome->changed =
            failure.kind != ERROR_NONE || run->now.presence != PRESENCE_ABSENT;
        *run->error = *lost;
        return -1;
    }
    return creation == CREATION_DONE ? note_creation(run) : note_lost_creation(run);
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
    if (creation == CREATION_PERHAPS)
        return note_lost_creation(run);
    run->now.presence = PRESENCE_PRESENT;
    if (run_has_administrator(run))
        return error_set(run->error, ERROR_CONFLICT,
            "the server says that %s is taken, though no account has exactly this name; is "
            "there one in upper case?",
            run_name(run));
    return run_existing(run);
}

/*
 * Nobody here may create or see accounts; all there is is the account's own
 * password, and one login says whether that is enough.
 */
static int
claim(struct run *run)
{
    if (!account_states(&run->wanted, ACCOUNT_PASSWORD)) {
        /* The backend says best what is missing. */
        if (run->type->may_create(run->backend, &run->wanted, run->error) != 0)
            return -1;
        return run_needs_administrator(run, "the creation");
    }
    if (run_ask_password(run) != 0)
        return -1;
    if (run->password_answer == PASSWORD_SAME) {
        run->now.presence = PRESENCE_PRESENT;
        return run_existing(run);
    }
    return error_set(run->error, ERROR_UNAUTHORIZED,
        "cannot log in as %s with the password given: it is not the account's, or there is "
        "no such account, and to create one Registrar needs registration_shared_secret or "
        "%s",
        run_name(run), run->type->administrator);
}

int
run_absent(struct run *run)
{
    bool wants_deactivated = account_states(&run->wanted, ACCOUNT_DEACTIVATED) &&
                             run->wanted.deactivated;

    if (run->now.presence == PRESENCE_UNKNOWN &&
        (wants_deactivated || run->wish->if_absent == IF_ABSENT_FAIL))
        return run_needs_administrator(run,
            wants_deactivated ? "deactivation" : "any change");
    if (run->wish->if_absent == IF_ABSENT_FAIL)
        return error_set(run->error, ERROR_NOT_FOUND,
            "there is no account %s; nothing was changed (if_absent: fail)", run_name(run));
    if (wants_deactivated)
        return 0;
    return connection_can_create(run->backend->connection) ? create(run) : claim(run);
}
