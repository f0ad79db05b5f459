/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/passing.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/own.h"
#include "backends/room/looking.h"
#include "backends/room/seat.h"
#include "backends/room/standin.h"

static const struct command_form *
form_of(const struct backend *backend, enum command command)
{
    return &room_state_of(backend)->server->commands->forms[command];
}

bool
passing_same(const struct secret *one, const struct secret *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

int
passing_choose(struct backend *backend, enum command command,
    const struct account *account, const struct secret *wanted, struct secret *chosen,
    struct error *error)
{
    if (!form_of(backend, command)->takes_password)
        return 0;
    if (standin_is_spared(backend, wanted))
        return secret_copy(chosen, wanted) != 0 ? error_no_memory(error) : 0;
    if (standin_password(chosen, wanted, account->user_id, error) != 0)
        return -1;
    return http_learn_secret(backend->matrix.http, chosen, error);
}

/* The first step; outcome->password opens the account afterwards. */
static int
order(struct backend *backend, struct observation *observed, const struct passing *passing,
    struct command_outcome *outcome, struct error *error)
{
    struct secret chosen = {0};
    struct command_order reset = {
        .command = passing->revives ? COMMAND_REVIVE : COMMAND_RESET,
        .user_id = observed->account.user_id,
    };
    int result = passing_choose(backend, reset.command, &observed->account, passing->password,
        &chosen, error);

    if (result == 0) {
        reset.password = secret_given(&chosen) ? &chosen : NULL;
        /* In the second step, the other sessions are still there to be ended. */
        reset.is_passing =
            !secret_given(&chosen) || !passing_same(&chosen, passing->password);
        reset.logout_devices = passing->logout_devices && !reset.is_passing;
        reset.stands = !secret_given(&chosen);
        result = seat_order(backend, &reset, outcome, error);
        /* What is not understood is of no use to a later run. */
        if (result != 0 && error->kind == ERROR_PROTOCOL)
            seat_clear(backend, true);
    }
    if (result == 0)
        result = seat_judge(&reset, outcome->verdict, error);
    secret_free(&chosen);
    return result;
}

/* An answer that is empty proves nothing. */
static int
see_it_active(struct backend *backend, struct observation *observed, struct error *error)
{
    if (room_state_of(backend)->server->look(backend, 0, NULL, observed, error) != 0)
        return -1;
    if (observed->presence == PRESENCE_PRESENT &&
        !account_is(&observed->account, ACCOUNT_DEACTIVATED))
        return 0;
    return error_set(error, ERROR_PROTOCOL,
        "%s was to be brought back, the server's answer was that of success, and it is "
        "deactivated still",
        observed->account.user_id);
}

/* What the first step leaves where the second one fails: one that follows from the wanted
 * password, or one of the server's making, which stands in the room for the next run. */
static void
tell_rest(const struct backend *backend, const struct observation *observed,
    const struct passing *passing, struct error *error)
{
    bool is_told = !form_of(backend, passing->revives ? COMMAND_REVIVE : COMMAND_RESET)
                        ->takes_password;
    size_t length = strlen(error->text);

    snprintf(error->text + length, sizeof(error->text) - length,
        "; until this task is run again, %s has another password%s",
        observed->account.user_id,
        is_told ? ", which whoever is in the admin room can read there" : "");
}

/* The account may have it already: the answer alone was lost, or another run was faster. */
static int
change(struct backend *backend, const struct observation *observed,
    const struct passing *passing, const struct secret *now, struct error *error)
{
    struct error ignored = {0};

    if (looking_log_in(backend, observed, now, error) == 0 &&
        standin_change(backend, now, passing->password, passing->logout_devices, error) == 0)
        return secret_copy(&state_of(backend)->own_password, passing->password) != 0
                   ? error_no_memory(error)
                   : 0;
    return looking_log_in(backend, observed, passing->password, &ignored);
}

/* The second step. */
static int
exchange(struct backend *backend, const struct observation *observed,
    const struct passing *passing, const struct secret *now, struct error *error)
{
    struct error failure = {0};

    if (passing_same(now, passing->password)) {
        own_end(backend);
        return secret_copy(&state_of(backend)->own_password, now) != 0 ? error_no_memory(error)
                                                                       : 0;
    }
    for (int i = 0; i < LOOKING_TRIES; i++) {
        error_clear(&failure);
        if (change(backend, observed, passing, now, &failure) == 0)
            return 0;
        if (!looking_lost_session(&failure, i))
            break;
    }
    tell_rest(backend, observed, passing, &failure);
    failure.maybe_done = true; /* the first step was, and changed the password */
    *error = failure;
    return -1;
}

int
passing_set(struct backend *backend, struct observation *observed,
    const struct passing *passing, struct error *error)
{
    struct command_outcome outcome = {0};
    int result;

    /* The first step was made by a run before this one. */
    if (observed->unfinished && secret_given(&state_of(backend)->own_password)) {
        result = secret_copy(&outcome.password, &state_of(backend)->own_password) != 0
                     ? error_no_memory(error)
                     : 0;
    } else {
        own_end(backend);
        result = order(backend, observed, passing, &outcome, error);
        if (result == 0 && passing->revives &&
            !form_of(backend, COMMAND_REVIVE)->tells_password)
            result = see_it_active(backend, observed, error);
    }
    if (result == 0 && passing->revives)
        account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    if (result == 0)
        result = exchange(backend, observed, passing, &outcome.password, error);
    if (result == 0) {
        observed->unfinished = false;
        seat_forget_readable(backend);
        seat_clear(backend, true);
    }
    commands_outcome_free(&outcome);
    return result;
}
