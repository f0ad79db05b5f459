/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ensure/run.h"

#include <string.h>

#include "accounts/password.h"
#include "base/memory.h"

bool
run_has_administrator(const struct run *run)
{
    return run->backend->authority == AUTHORITY_ADMINISTRATOR;
}

const char *
run_name(const struct run *run)
{
    return run->wanted.user_id != NULL ? run->wanted.user_id : run->wanted.localpart;
}

int
run_needs_administrator(struct run *run, const char *what)
{
    return error_set(run->error, ERROR_UNAUTHORIZED, "%s of %s takes an administrator: give %s",
        what, run_name(run), run->type->administrator);
}

bool
run_may_become_administrator(const struct run *run)
{
    const struct connection *connection = run->backend->connection;

    if (run->backend->authority != AUTHORITY_NONE)
        return false;
    /* One who sees no more than anybody is of no use here; what it can do all the
     * same, the backend does by itself. */
    return connection->database != NULL ||
           (run->type->unseen == NULL && connection_may_administrate(connection));
}

int
run_check_server_name(struct run *run)
{
    const char *wanted = run->wish->id.server_name;
    const char *known = run->backend->server_name;

    if (wanted == NULL || known == NULL || strcmp(wanted, known) == 0)
        return 0;
    return error_set(run->error, ERROR_INVALID,
        "@%s:%s cannot be an account of this server, which is \"%s\"",
        run->wish->id.localpart, wanted, known);
}

int
run_look(struct run *run)
{
    unsigned mask = run->wanted.stated | ACCOUNT_BIT(ACCOUNT_DEACTIVATED);

    return run->type->lookup(run->backend, mask, &run->now, run->error);
}

/* The name that was found may be the first full one that is known. */
static int
take_user_id(struct run *run)
{
    struct account *known = &run->now.account;
    const char *server_name = run->backend->server_name;
    char *user_id;
    int result;

    if (known->user_id != NULL || server_name == NULL)
        return 0;
    user_id = user_id_format(run->wanted.localpart, server_name);
    if (user_id == NULL)
        return error_no_memory(run->error);
    result = account_name(known, user_id, run->wanted.localpart, run->error);
    if (result == 0)
        result = account_name(&run->wanted, user_id, run->wish->id.localpart, run->error);
    memory_free(user_id);
    return result;
}

int
run_become_administrator(struct run *run)
{
    if (run->type->become_administrator(run->backend, run->error) != 0)
        return -1;
    if (!run_has_administrator(run))
        return 0;
    if (run_check_server_name(run) != 0 || take_user_id(run) != 0)
        return -1;
    /* An answer about the password stays true. */
    return run_look(run);
}

/* An administrator asks about passwords without logins, if nothing else. */
static bool
spares_logins(const struct run *run)
{
    return run->avoid_logins && run->backend->authority == AUTHORITY_NONE &&
           connection_may_administrate(run->backend->connection);
}

/* A database costs neither a login nor an account, so where nothing else shows an
 * account whole, it is looked into whatever is wanted. */
static bool
reads_rows(const struct run *run)
{
    return run->type->unseen != NULL && run->backend->connection->database != NULL;
}

int
run_prepare(struct run *run)
{
    const struct wish *wish = run->wish;
    bool states_more = (run->wanted.stated & ~ACCOUNT_BIT(ACCOUNT_PASSWORD)) != 0 ||
                       wish->update_password == UPDATE_PASSWORD_ALWAYS ||
                       wish->if_absent == IF_ABSENT_FAIL;
    bool helps = run_may_become_administrator(run) &&
                 wish->if_exists == IF_EXISTS_UPDATE && states_more;
    struct error failure = {0};

    if (!(helps || reads_rows(run) || spares_logins(run)) ||
        run->type->become_administrator(run->backend, &failure) == 0)
        return 0;
    /* Where there can be none, it may still go without: as far as it goes. */
    if (failure.kind == ERROR_UNSUPPORTED)
        return 0;
    *run->error = failure;
    return -1;
}

static int
ask_backend(struct run *run)
{
    return run->type->ask_password(run->backend, &run->now, &run->wanted.password,
        &run->password_answer, run->why, run->error);
}

/* One login of the account's own. */
static int
ask_by_login(struct run *run)
{
    if (++*run->logins > ENSURE_LOGINS_MOST)
        return error_set(run->error, ERROR_UNAUTHORIZED,
            "%s exists, and without an administrator it takes a login to see more of it; as "
            "servers limit logins, one task spends %d at most: give %s",
            run_name(run), ENSURE_LOGINS_MOST, run->type->administrator);
    return ask_backend(run);
}

/*
 * Too many logins, by our own count or by the server's, are what an
 * administrator helps against, who asks without one.
 */
static int
ask(struct run *run)
{
    struct error failure = {0};
    struct error *error = run->error;
    int result;

    if (!run->type->asks_by_login(run->backend))
        return ask_backend(run);
    run->error = &failure;
    result = ask_by_login(run);
    run->error = error;
    if (result == 0)
        return 0;
    if (failure.kind == ERROR_RATE_LIMITED && run_may_become_administrator(run) &&
        run_become_administrator(run) == 0) {
        if (run_has_administrator(run) && run->now.presence == PRESENCE_PRESENT)
            return ask_backend(run);
        if (run->backend->authority == AUTHORITY_PREDICTED) {
            run->guessed = true;
            run->password_answer = PASSWORD_SAME;
            return 0;
        }
    }
    if (run->error->kind == ERROR_NONE)
        *run->error = failure;
    return -1;
}

int
run_ask_password(struct run *run)
{
    if (run->password_asked)
        return 0;
    if (ask(run) != 0)
        return -1;
    run->password_asked = true;
    return 0;
}

int
run_try_password(struct run *run)
{
    struct error failure = {0};
    struct error *error = run->error;
    int result;

    if (*run->logins >= ENSURE_LOGINS_MOST)
        return 0;
    run->error = &failure;
    result = run_ask_password(run);
    run->error = error;
    if (result == 0 || failure.kind == ERROR_RATE_LIMITED ||
        failure.kind == ERROR_UNSUPPORTED)
        return 0;
    *error = failure;
    return -1;
}

int
run_want_new(struct run *run)
{
    return account_copy(&run->wanted, &run->wish->initial, run->error);
}

void
run_want_existing(struct run *run)
{
    run->wanted.stated &= ~run->wish->initial.stated;
}

int
run_generate_password(struct run *run)
{
    struct secret password = {0};
    int result;

    if (!run->wish->generate_password || account_states(&run->wanted, ACCOUNT_PASSWORD))
        return 0;
    result = password_generate(&password, run->error);
    if (result == 0)
        result = account_state_password(&run->wanted, &password, run->error);
    secret_free(&password);
    return result;
}

int
run_hand_out_password(struct run *run)
{
    if (run->mode == ENSURE_PREDICT || !run->wish->generate_password ||
        !account_states(&run->wanted, ACCOUNT_PASSWORD))
        return 0;
    if (secret_copy(&run->outcome->generated_password, &run->wanted.password) != 0)
        return error_no_memory(run->error);
    return 0;
}

int
run_difference(struct run *run, struct account *change)
{
    if (account_difference(change, &run->wanted, &run->now.account, run->error) != 0)
        return -1;
    return account_copy_fields(change, &run->wanted,
        account_unobserved(&run->wanted, &run->now.account), run->error);
}

int
run_decide(struct run *run)
{
    return run->now.presence == PRESENCE_PRESENT ? run_existing(run) : run_absent(run);
}
