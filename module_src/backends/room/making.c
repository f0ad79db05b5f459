/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/making.h"

#include <string.h>

#include "backends/homeserver/joining.h"
#include "backends/homeserver/states.h"
#include "backends/room/changing.h"
#include "backends/room/looking.h"
#include "backends/room/passing.h"
#include "backends/room/seat.h"
#include "backends/room/standin.h"

int
making_vet(struct backend *backend, const struct account *wanted, struct error *error)
{
    if (strcmp(wanted->localpart, ADMIN_ROOM_BOT) == 0)
        return error_set(error, ERROR_POLICY,
            "@" ADMIN_ROOM_BOT " is the server's own user, which is not managed; choose "
            "another username");
    if (account_states(wanted, ACCOUNT_PASSWORD) && wanted->password.length == 0)
        return error_set(error, ERROR_POLICY,
            "the password of %s is empty, and would let everybody in", wanted->localpart);
    if (account_is(wanted, ACCOUNT_ADMIN) &&
        (account_is(wanted, ACCOUNT_LOCKED) || account_is(wanted, ACCOUNT_SUSPENDED)))
        return error_set(error, ERROR_POLICY,
            "%s cannot be an administrator and locked or suspended at once: the server "
            "refuses that",
            wanted->localpart);
    return standin_keep(backend, wanted, error);
}

/* An administrator is open, or is none there is to be had. */
bool
making_can(const struct backend *backend, const struct account *wanted)
{
    bool alone = !connection_may_administrate(backend->connection);

    if (state_has_administrator(backend))
        return true;
    return (alone || backend->connection->registration_token != NULL) &&
           account_states(wanted, ACCOUNT_PASSWORD) && (wanted->stated & ~JOINING_FIELDS) == 0;
}

/* Whom the server lets nobody log in as is not made (Conduit 0.10.12, seen running); it
 * says so whether there is such an account or not. */
static int
try_door(struct backend *backend, const struct account *wanted, struct error *error)
{
    const char *name = wanted->user_id != NULL ? wanted->user_id : wanted->localpart;
    enum states_login login;

    if (changing_may_log_in(backend, wanted, error) != 0)
        return -1;
    return room_state_of(backend)->server->hides_namespaces
               ? states_probe(backend, name, &login, error)
               : 0;
}

int
making_may(struct backend *backend, const struct account *wanted, struct error *error)
{
    struct admin_room *room;

    if (!state_has_administrator(backend))
        return joining_may_create(backend, wanted, error);
    return try_door(backend, wanted, error) != 0 ? -1 : seat_take(backend, &room, error);
}

/* Who was made an administrator before there was an account of that name is one now; and
 * continuwuity makes one of its first account, however that came. */
static int
look_at_new(struct backend *backend, const struct account *wanted,
    struct observation *observed, struct error *error)
{
    unsigned mask = wanted->stated &
                    (ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_SUSPENDED));

    if (looking_at_room(backend, observed, error) != 0)
        return -1;
    if (observed->account.admin && !account_states(wanted, ACCOUNT_ADMIN))
        list_add(backend->warnings,
            "%s is an administrator from the beginning: it is the first account of this "
            "server, or its name was put into the admin room before; say admin: false, unless "
            "that is meant",
            observed->account.user_id);
    return mask == 0 ? 0
                     : room_state_of(backend)->server->look(backend, mask, NULL, observed,
                           error);
}

/* The account is there, and now opens it. */
static int
take_new(struct backend *backend, const struct account *wanted, const struct secret *now,
    struct observation *observed, struct error *error)
{
    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    observed->unfinished = account_states(wanted, ACCOUNT_PASSWORD) &&
                           !passing_same(now, &wanted->password);
    observed->password_is_set = !observed->unfinished;
    if (secret_copy(&state_of(backend)->own_password, now) != 0)
        return error_no_memory(error);
    return look_at_new(backend, wanted, observed, error);
}

static int
order(struct backend *backend, const struct account *wanted,
    const struct observation *observed, struct command_outcome *outcome, struct error *error)
{
    struct secret chosen = {0};
    struct command_order creation = {
        .command = COMMAND_CREATE,
        .user_id = observed->account.user_id,
    };
    int result = 0;

    if (account_states(wanted, ACCOUNT_PASSWORD))
        result = passing_choose(backend, COMMAND_CREATE, &observed->account, &wanted->password,
            &chosen, error);
    if (result == 0 && secret_given(&chosen)) {
        creation.password = &chosen;
        creation.is_passing = !passing_same(&chosen, &wanted->password);
        result = standin_note(backend, &observed->account, &wanted->password, error);
    }
    if (result == 0)
        result = seat_order(backend, &creation, outcome, error);
    if (result == 0 && outcome->verdict != VERDICT_TAKEN)
        result = seat_judge(&creation, outcome->verdict, error);
    secret_free(&chosen);
    return result;
}

int
making_create(struct backend *backend, const struct account *wanted, enum creation *creation,
    struct observation *observed, struct error *error)
{
    struct command_outcome outcome = {0};
    int result;

    if (!state_has_administrator(backend))
        return joining_create(backend, wanted, creation, observed, error);
    *creation = CREATION_NAME_TAKEN; /* until it is known better */
    if (try_door(backend, wanted, error) != 0)
        return -1;
    result = order(backend, wanted, observed, &outcome, error);
    if (result == 0 && outcome.verdict != VERDICT_TAKEN) {
        *creation = CREATION_DONE;
        result = take_new(backend, wanted, &outcome.password, observed, error);
    }
    commands_outcome_free(&outcome);
    return result;
}
