/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ensure/ensure.h"

#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "ensure/run.h"

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

/*
 * Looks at the account. A name with capitals is the lower-case one, except
 * where an account of before that rule exists exactly so.
 */
static int
look_up(struct run *run)
{
    if (user_id_was_lowered(&run->wish->id)) {
        if (set_names(run, run->wish->id.as_written) != 0 || run_look(run) != 0)
            return -1;
        if (run->now.presence == PRESENCE_PRESENT)
            return 0;
        list_add(run->backend->warnings,
            "username \"%s\" has upper case, which user ids do not have; \"%s\" is meant",
            run->wish->id.as_written, run->wish->id.localpart);
        account_free(&run->now.account);
    }
    return set_names(run, run->wish->id.localpart) != 0 ? -1 : run_look(run);
}

/* Logs in at the end as the account's owner would. */
static int
verify_login(struct run *run)
{
    const struct account *account =
        run->outcome->after.localpart != NULL ? &run->outcome->after : &run->wanted;

    if (!run->wish->verify_login)
        return 0;
    if (run->mode == ENSURE_PREDICT) {
        list_add(run->backend->warnings,
            "verify_login is left out in check mode: nobody logged in as %s", run_name(run));
        return 0;
    }
    if (!account_states(&run->wanted, ACCOUNT_PASSWORD)) {
        list_add(run->backend->warnings,
            "verify_login is left out: %s exists, so no password was made up to log in with",
            run_name(run));
        return 0;
    }
    return run->type->verify_login(run->backend, account, &run->wanted.password, run->error);
}

static int
ensure_one(struct run *run)
{
    run->backend->leeway = run->wish->leeway;
    if (backend_learn_server_name(run->backend, run->error) != 0 ||
        run_check_server_name(run) != 0 ||
        account_name(&run->wanted, NULL, run->wish->id.localpart, run->error) != 0 ||
        account_copy(&run->wanted, &run->wish->account, run->error) != 0 ||
        (run->type->translate != NULL &&
            run->type->translate(run->backend, &run->wanted, run->error) != 0) ||
        run_prepare(run) != 0 || run_check_server_name(run) != 0 || look_up(run) != 0)
        return -1;
    return run_decide(run) != 0 ? -1 : verify_login(run);
}

/* An outcome of which nothing was seen still is somebody's. */
static int
name_outcome(const struct backend *backend, const struct wish *wish,
    struct outcome *outcome, struct error *error)
{
    const char *server_name =
        backend->server_name != NULL ? backend->server_name : wish->id.server_name;
    char *user_id = NULL;
    int result;

    if (outcome->after.localpart != NULL)
        return 0;
    if (server_name != NULL) {
        user_id = user_id_format(wish->id.localpart, server_name);
        if (user_id == NULL)
            return error_no_memory(error);
    }
    result = account_name(&outcome->after, user_id, wish->id.localpart, error);
    memory_free(user_id);
    return result;
}

/* Refuses logins where there cannot be any, or too many, before the beginning: the
 * fourth would be refused when three accounts are changed. */
static int
check_logins(struct backend *backend, const struct wish *wishes, size_t count,
    struct error *error)
{
    const struct backend_type *type = backend->type;
    size_t logins = ensure_own_logins(wishes, count);

    if (type->login_question != NULL && logins > ENSURE_LOGINS_MOST &&
        type->asks_by_login(backend))
        return error_set(error, ERROR_INVALID,
            "on %s, if_exists: match and update_password: always take a login a user, and it "
            "limits logins: at most %d users in one task can have them, here %zu do; %s",
            type->product, ENSURE_LOGINS_MOST, logins, type->login_question);
    for (size_t i = 0; i < count; i++)
        if (wishes[i].verify_login)
            return backend->type->may_verify_login(backend, error);
    return 0;
}

static int
grant_all(struct backend *backend, const struct wish *wishes, size_t count,
    enum ensure_mode mode, struct outcome *outcomes, struct error *error)
{
    bool avoid_logins = ensure_own_logins(wishes, count) > ENSURE_LOGINS_MOST;
    size_t logins = 0;

    for (size_t i = 0; i < count; i++) {
        struct outcome *outcome = &outcomes[i];
        struct run run = {
            .backend = backend,
            .type = backend->type,
            .wish = &wishes[i],
            .mode = mode,
            .logins = &logins,
            .avoid_logins = avoid_logins,
            .outcome = outcome,
            .error = &outcome->error,
        };
        int result;

        if (stop_signal() != 0)
            return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
                stop_signal_name(stop_signal()));
        outcome->tried = true;
        result = ensure_one(&run);
        account_free(&run.wanted);
        account_free(&run.now.account);
        if (outcome->actions.failed && result == 0)
            result = error_no_memory(&outcome->error);
        if (result != 0 && error_ends_list(&outcome->error)) {
            *error = outcome->error;
            return -1;
        }
    }
    return 0;
}

size_t
ensure_own_logins(const struct wish *wishes, size_t count)
{
    size_t logins = 0;

    for (size_t i = 0; i < count; i++)
        logins += wishes[i].if_exists == IF_EXISTS_MATCH ||
                  (wishes[i].update_password == UPDATE_PASSWORD_ALWAYS &&
                      wishes[i].password_probe);
    return logins;
}

int
ensure_accounts(struct backend *backend, const struct wish *wishes, size_t count,
    enum ensure_mode mode, struct outcome *outcomes, struct error *error)
{
    int result = check_logins(backend, wishes, count, error);

    if (result == 0)
        result = grant_all(backend, wishes, count, mode, outcomes, error);

    for (size_t i = 0; i < count; i++)
        if (name_outcome(backend, &wishes[i], &outcomes[i], error) != 0)
            result = -1;
    return result;
}
