/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/roles.h"

#include <string.h>

#include "backends/homeserver/own.h"
#include "backends/room/looking.h"
#include "backends/room/seat.h"

bool
roles_take_itself(const struct backend *backend)
{
    return room_state_of(backend)->server->commands->forms[COMMAND_PROMOTE].words == NULL;
}

/* ---- By a command (continuwuity) ----------------------------------------------------- */

/* Both have to say so: what makes a name free makes its next owner an administrator. */
static int
prove_existence(struct backend *backend, const struct observation *observed,
    struct error *error)
{
    const struct account *account = &observed->account;
    struct observation seen = {0};
    bool exists = false;
    int result = account_name(&seen.account, account->user_id, account->localpart, error);

    if (result == 0)
        result = states_ask_whether_taken(backend, &seen, error);
    if (result == 0 && seen.presence == PRESENCE_PRESENT) {
        result = room_state_of(backend)->server->look(backend, 0, NULL, &seen, error);
        exists = seen.presence == PRESENCE_PRESENT;
    }
    if (result == 0 && !exists)
        result = error_set(error, ERROR_NOT_FOUND,
            "%s does not exist, and is not made an administrator: whoever got that name later "
            "would be one",
            account->user_id);
    else if (result == 0 && account_is(&seen.account, ACCOUNT_DEACTIVATED))
        result = error_set(error, ERROR_CONFLICT,
            "%s is deactivated, and is not made an administrator", account->user_id);
    account_free(&seen.account);
    return result;
}

/* An invitation that was not taken up stands in the way. */
static int
order_promotion(struct backend *backend, const char *user_id, struct error *error)
{
    const struct command_order order = {.command = COMMAND_PROMOTE, .user_id = user_id};
    struct command_outcome outcome;
    struct admin_room *room;
    enum verdict verdict;

    if (seat_order(backend, &order, &outcome, error) != 0)
        return -1;
    verdict = outcome.verdict;
    commands_outcome_free(&outcome);
    if (verdict == VERDICT_PENDING) {
        if (seat_take(backend, &room, error) != 0 ||
            admin_room_kick(room, user_id, error) != 0 ||
            seat_order(backend, &order, &outcome, error) != 0)
            return -1;
        verdict = outcome.verdict;
        commands_outcome_free(&outcome);
    }
    return seat_judge(&order, verdict, error);
}

/* ---- By an invitation (Conduit) ------------------------------------------------------ */

static int
invite(struct backend *backend, struct observation *observed, struct error *error)
{
    struct admin_room *room;

    /* An invitation stays valid: whoever cannot come in is not invited. */
    if (looking_open_own(backend, observed, error) != 0 ||
        seat_take(backend, &room, error) != 0 ||
        admin_room_invite(room, observed->account.user_id, error) != 0)
        return -1;
    return admin_room_join_as(room, &state_of(backend)->own, error);
}

/* Conduit gives its first administrator a power level of 100, the others none. Who has too
 * little to take another out may still be let out by itself. */
static int
take_out(struct backend *backend, struct observation *observed, struct error *error)
{
    const char *user_id = observed->account.user_id;
    struct error failure = {0};
    struct admin_room *room;

    if (seat_take(backend, &room, error) != 0)
        return -1;
    if (admin_room_kick(room, user_id, &failure) == 0)
        return 0;
    if (failure.kind != ERROR_FORBIDDEN) {
        *error = failure;
        return -1;
    }
    if (looking_may_open_own(backend))
        return looking_open_own(backend, observed, error) != 0
                   ? -1
                   : admin_room_leave_as(room, &state_of(backend)->own, error);
    error->status = failure.status;
    memcpy(error->errcode, failure.errcode, sizeof(error->errcode));
    return error_set(error, ERROR_POLICY,
        "%s may not take %s out of the admin room: its power level there is not higher than "
        "that one's (the first administrator of Conduit has 100, later ones have 0); give the "
        "credential of the first one, emergency_password, or the password of %s itself",
        state_of(backend)->administrator.user_id, user_id, user_id);
}

/* ---- Both ---------------------------------------------------------------------------- */

int
roles_grant(struct backend *backend, struct observation *observed, struct error *error)
{
    const char *user_id = observed->account.user_id;

    if (roles_take_itself(backend)) {
        if (invite(backend, observed, error) != 0)
            return -1;
    } else if (prove_existence(backend, observed, error) != 0 ||
               order_promotion(backend, user_id, error) != 0) {
        return -1;
    }
    account_state_bool(&observed->account, ACCOUNT_ADMIN, true);
    return 0;
}

int
roles_withdraw(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct room_server *server = room_state_of(backend)->server;
    const char *user_id = observed->account.user_id;
    int result = roles_spare_last(backend, observed, error);

    if (result == 0)
        result = server->commands->forms[COMMAND_DEMOTE].words != NULL
                     ? seat_command(backend, COMMAND_DEMOTE, user_id, error)
                     : take_out(backend, observed, error);
    if (result == 0)
        account_state_bool(&observed->account, ACCOUNT_ADMIN, false);
    return result;
}

int
roles_spare_last(struct backend *backend, const struct observation *observed,
    struct error *error)
{
    const char *user_id = observed->account.user_id;
    struct list members = {0};
    struct admin_room *room;
    int result = seat_take(backend, &room, error);

    if (result == 0)
        result = admin_room_members(room, &members, error);
    if (result == 0 && members.count == 1 && strcmp(members.items[0], user_id) == 0)
        result = error_set(error, ERROR_POLICY,
            "%s is the last administrator of this server, which it does not let go; make "
            "another account one first (admin: true)",
            user_id);
    list_free(&members);
    return result;
}
