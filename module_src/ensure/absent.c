/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done about an account that nobody sees: it is created, mostly. */
#include "ensure/run.h"

/* What the account is by now, and of what is wanted that which was not seen. */
static int
note_what_became(struct run *run, struct error *error)
{
    struct account unseen = {0};
    int result = account_copy_fields(&unseen, &run->wanted,
        account_unobserved(&run->wanted, &run->now.account), error);

    account_free(&run->outcome->after);
    if (result == 0)
        result = account_apply(&run->outcome->after, &run->now.account, &unseen, error);
    account_free(&unseen);
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
    if (run_hand_out_password(run) != 0)
        return -1;
    return account_apply(&outcome->after, &run->now.account, &run->wanted, run->error);
}

/* What creating left to do: what the server could refuse when the account is
 * there already, and what its configuration made different. Without an
 * administrator nothing is: only what creates allows was begun. */
static int
finish_creation(struct run *run)
{
    struct account change = {0};
    struct account nothing = {0};
    int result;

    if (!run_has_administrator(run))
        return note_what_became(run, run->error);
    result = run_difference(run, &change);
    /* The account was made, and the answer to that was lost. */
    if (result == 0 && run->now.unfinished && account_states(&run->wanted, ACCOUNT_PASSWORD))
        result = account_state_password(&change, &run->wanted.password, run->error);
    if (result == 0 && change.stated != 0 &&
        (run->type->may_update(run->backend, &run->now, &change, run->error) != 0 ||
            run->type->update(run->backend, &run->now, &change, false, run->error) != 0)) {
        struct error memory = {0};

        account_free(&run->outcome->after);
        account_apply(&run->outcome->after, &run->now.account, &nothing, &memory);
        run->outcome->password_set &=
            !run->now.unfinished || error_hides_outcome(run->error);
        result = -1;
    }
    account_free(&change);
    return result;
}

/*
 * In check mode nothing may be created to see whether it is there. Where the
 * account is the caller's own, one login shows it; a limit on logins, or a
 * server without them, is no reason to predict nothing.
 */
static int
find_own(struct run *run, bool *found)
{
    *found = false;
    if (run->now.presence != PRESENCE_UNKNOWN || run_has_administrator(run) ||
        run->wish->generate_password || !account_states(&run->wanted, ACCOUNT_PASSWORD))
        return 0;
    if (run_try_password(run) != 0)
        return -1;
    *found = run->password_asked && run->password_answer == PASSWORD_SAME;
    return 0;
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
    if ((run->backend->authority != AUTHORITY_PREDICTED ||
            run->type->creates(run->backend, &run->wanted)) &&
        run->type->may_create(run->backend, &run->wanted, run->error) != 0)
        return -1;
    if (run->now.presence == PRESENCE_UNKNOWN) {
        run->outcome->guess = true;
        list_add(run->backend->warnings,
            "that %s does not exist yet is a guess: only an administrator can see all "
            "accounts",
            run_name(run));
    }
    account_state_bool(&run->now.account, ACCOUNT_DEACTIVATED, false);
    return note_creation(run);
}

/*
 * The reply to a creation was lost, or the server broke down over it, and the
 * account is there now. It was made by us, most likely: that is what looking
 * before it showed. With if_exists: match it has to prove it.
 */
static int
note_lost_creation(struct run *run)
{
    run->now.presence = PRESENCE_PRESENT;
    list_add(run->backend->warnings,
        "the server's reply to the creation of %s was lost, or told of a failure; the account "
        "is there now, so it counts as created",
        run_name(run));
    if (run->wish->if_exists == IF_EXISTS_MATCH && !run->now.unfinished &&
        run_require_match(run) != 0)
        return -1;
    return note_creation(run);
}

/*
 * Whether the account that is there after a lost reply can be the one that was
 * sent: a server makes what is initial with the account or not at all. (Synapse:
 * handlers/register.py, register_user.)
 */
static int
can_be_ours(struct run *run, bool *ours)
{
    struct account difference = {0};
    int result =
        account_difference(&difference, &run->wanted, &run->now.account, run->error);

    *ours = (difference.stated & run->wish->initial.stated) == 0;
    account_free(&difference);
    return result;
}

/* It cannot be told whether what is there is ours: it may be. */
static int
note_unsettled_creation(struct run *run)
{
    run->outcome->changed = true;
    run_hand_out_password(run);
    return -1;
}

/* Somebody else made it between our look and our request. */
static int
meet_somebody_elses(struct run *run)
{
    run->now.presence = PRESENCE_PRESENT;
    if (run->wish->generate_password)
        account_unstate_password(&run->wanted);
    return run_existing(run);
}

/* The account is there, by our creation or by one of which nobody knows. */
static int
conclude_creation(struct run *run, enum creation creation)
{
    bool ours = true;

    if (creation != CREATION_DONE && can_be_ours(run, &ours) != 0)
        return note_unsettled_creation(run);
    if (!ours)
        return meet_somebody_elses(run);
    if ((creation == CREATION_DONE ? note_creation(run) : note_lost_creation(run)) != 0)
        return -1;
    return finish_creation(run);
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
        *run->error = *lost;
        /* Unless it was seen not to be there, it may have been made. */
        if (failure.kind != ERROR_NONE || run->now.presence != PRESENCE_ABSENT)
            return note_unsettled_creation(run);
        return -1;
    }
    return conclude_creation(run, creation);
}

/* The name is taken by an account that was not seen, or was not there yet. */
static int
meet_taken_name(struct run *run)
{
    if (run_has_administrator(run) && run_look(run) != 0)
        return -1;
    if (run_has_administrator(run) && run->now.presence != PRESENCE_PRESENT)
        return error_set(run->error, ERROR_CONFLICT,
            "the server says that %s is taken, though no account has exactly this name; is "
            "there one in upper case?",
            run_name(run));
    return meet_somebody_elses(run);
}

/* It was there by the time of the creation. Whether by a request of ours that
 * went out twice, is shown to an administrator by the password. */
static int
meet_there_by_then(struct run *run)
{
    if (run_has_administrator(run) && account_states(&run->wanted, ACCOUNT_PASSWORD)) {
        if (run_try_password(run) != 0)
            return note_unsettled_creation(run);
        if (run->password_asked && run->password_answer == PASSWORD_DIFFERENT)
            return meet_taken_name(run);
    }
    return conclude_creation(run, CREATION_PERHAPS);
}

static int
make(struct run *run)
{
    enum creation creation = CREATION_NAME_TAKEN;
    struct error failure = {0};

    if (run->type->create(run->backend, &run->wanted, &creation, &run->now, &failure) != 0) {
        if (creation != CREATION_DONE && error_hides_outcome(&failure))
            return settle_lost_creation(run, &failure);
        *run->error = failure;
        /* It was made, and what the server said of it made no sense, or a later step
         * of it failed. */
        if (creation == CREATION_DONE) {
            struct error memory = {0};

            note_creation(run);
            note_what_became(run, &memory);
            run->outcome->password_set &=
                run->now.password_is_set || error_hides_outcome(&failure);
        }
        return -1;
    }
    if (creation == CREATION_NAME_TAKEN)
        return meet_taken_name(run);
    return creation == CREATION_DONE ? conclude_creation(run, creation)
                                     : meet_there_by_then(run);
}

static int
create(struct run *run)
{
    if (run_want_new(run) != 0 || run_generate_password(run) != 0)
        return -1;
    if (!run->type->creates(run->backend, &run->wanted) &&
        run_may_become_administrator(run)) {
        if (run_become_administrator(run) != 0)
            return -1;
        if (run_has_administrator(run))
            return run_decide(run);
    }
    if (run->mode == ENSURE_PREDICT)
        return predict_creation(run);
    return make(run);
}

/* A server that lets people register by themselves says whether the name is free. */
static int
refuse_creation(struct run *run, const char *why)
{
    return error_set(run->error, ERROR_UNAUTHORIZED,
        "there is no account %s, and to create one Registrar needs %s (without it, only an open "
        "registration would do: %s)",
        run_name(run), run->type->creator, why);
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
        "no such account, and to create one Registrar needs %s",
        run_name(run), run->type->creator);
}

/* Whether an account can be created here, and what is done if not. */
static int
create_or_claim(struct run *run)
{
    char why[300] = "";
    bool possible =
        run_has_administrator(run) || connection_can_create(run->backend->connection);
    bool asks = !possible && run->type->creates_openly != NULL;

    if (asks && run->type->creates_openly(run->backend, &possible, why, run->error) != 0)
        return -1;
    if (possible)
        return create(run);
    return asks && run->now.presence == PRESENCE_ABSENT ? refuse_creation(run, why)
                                                        : claim(run);
}

/* What nobody can see is predicted to be as it was seen: not there. */
static int
guess_absence(struct run *run)
{
    run->outcome->guess = true;
    list_add(run->backend->warnings,
        "that %s does not exist is a guess: the administrator that would see it is there "
        "only when this is really run",
        run_name(run));
    return 0;
}

int
run_absent(struct run *run)
{
    bool wants_deactivated = account_is(&run->wanted, ACCOUNT_DEACTIVATED);
    bool has_to_be_seen = wants_deactivated || run->wish->if_absent == IF_ABSENT_FAIL;
    bool predicted = run->backend->authority == AUTHORITY_PREDICTED;

    /* Who wants it changed thinks that it is there, and without the server's
     * name there was nothing to look at. */
    if (predicted && run->now.account.user_id == NULL && has_to_be_seen)
        return run_existing(run);
    if (run->now.presence == PRESENCE_UNKNOWN && has_to_be_seen &&
        run_may_become_administrator(run)) {
        if (run_become_administrator(run) != 0)
            return -1;
        if (run->backend->authority != AUTHORITY_NONE)
            return run_decide(run);
    }
    if (run->now.presence == PRESENCE_UNKNOWN && has_to_be_seen && !predicted)
        return run_needs_administrator(run,
            wants_deactivated ? "deactivation" : "any change");
    if (run->wish->if_absent == IF_ABSENT_FAIL)
        return error_set(run->error, ERROR_NOT_FOUND,
            "there is no account %s%s; nothing was changed (if_absent: fail)", run_name(run),
            run->now.presence == PRESENCE_UNKNOWN
                ? " that could be seen without the administrator a real run would have"
                : "");
    if (wants_deactivated)
        return run->now.presence == PRESENCE_UNKNOWN ? guess_absence(run) : 0;
    return create_or_claim(run);
}
