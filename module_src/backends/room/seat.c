/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/seat.h"

#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/joining.h"
#include "backends/homeserver/own.h"
#include "backends/room/standin.h"
#include "base/memory.h"

int
seat_open(struct backend *backend, const struct room_server *server, struct error *error)
{
    const struct connection *connection = backend->connection;
    struct room_state *state = memory_zeroed(1, sizeof(*state));

    if (state == NULL)
        return error_no_memory(error);
    state->server = server;
    backend->state = state;
    if (connection_has_administrator(connection))
        return administrator_open(backend, error);
    backend->authenticated_by =
        connection->registration_token != NULL ? "registration_token" : "password";
    return 0;
}

/* Who registers next while nobody but the bot is in the room becomes an administrator. */
static void
warn_promotion(struct backend *backend)
{
    struct state *state = state_of(backend);
    struct list members = {0};
    struct error ignored = {0};

    if (state->room == NULL || !state->is_server_itself ||
        !room_state_of(backend)->server->promotes_next)
        return;
    if (admin_room_members(state->room, &members, &ignored) == 0)
        administrator_warn_next(backend, &members);
    list_free(&members);
}

static void
tell_readable(struct backend *backend)
{
    list_add_all(backend->warnings, &room_state_of(backend)->readable);
    seat_forget_readable(backend);
}

void
seat_forget_readable(struct backend *backend)
{
    list_free(&room_state_of(backend)->readable);
}

void
seat_close(struct backend *backend)
{
    struct room_state *state = room_state_of(backend);

    if (state == NULL)
        return;
    own_end(backend);
    tell_readable(backend);
    warn_promotion(backend);
    admin_room_free(state->shared.room);
    state->shared.room = NULL;
    administrator_close(backend);
    standin_forget(backend);
    memory_free(state);
    backend->state = NULL;
}

static int
enter(struct backend *backend, struct room_state *state, struct error *error)
{
    if (admin_room_open(&backend->matrix, &state->shared.administrator, backend->server_name,
            &state->server->commands->manner,
            backend->predict ? ADMIN_ROOM_LOOK : ADMIN_ROOM_JOIN, &state->shared.room,
            error) != 0)
        return -1;
    if (admin_room_is_entered(state->shared.room))
        list_add(backend->actions, "join the admin room");
    return 0;
}

int
seat_take(struct backend *backend, struct admin_room **room, struct error *error)
{
    struct room_state *state = room_state_of(backend);

    if (state->shared.room == NULL && enter(backend, state, error) != 0)
        return -1;
    *room = state->shared.room;
    return 0;
}

int
seat_order(struct backend *backend, const struct command_order *order,
    struct command_outcome *outcome, struct error *error)
{
    struct room_state *state = room_state_of(backend);
    struct admin_room *room;

    memset(outcome, 0, sizeof(*outcome));
    tell_readable(backend);
    if (seat_take(backend, &room, error) != 0 ||
        commands_give(backend, state->server->commands, room, order, outcome, error) != 0)
        return -1;
    state->readable = outcome->readable;
    outcome->readable = (struct list){0};
    return 0;
}

void
seat_clear(struct backend *backend, bool is_passing)
{
    struct list untold = {0};

    if (state_of(backend)->room != NULL)
        admin_room_clear(state_of(backend)->room, is_passing ? &untold : backend->warnings);
    list_free(&untold);
}

/* What is wrong with an account that a command does not fit. */
static const struct {
    enum verdict verdict;
    enum error_kind kind;
    const char *what;
} misfits[] = {
    {VERDICT_TAKEN, ERROR_CONFLICT, "exists already"},
    {VERDICT_ABSENT, ERROR_NOT_FOUND, "does not exist, or does no more"},
    {VERDICT_DEACTIVATED, ERROR_CONFLICT,
        "is deactivated, or is an application service's account without a password"},
    {VERDICT_PENDING, ERROR_CONFLICT,
        "is invited into the admin room already, which should have been taken back"},
};

int
seat_judge(const struct command_order *order, enum verdict verdict, struct error *error)
{
    for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++)
        if (misfits[i].verdict == verdict)
            return error_set(error, misfits[i].kind,
                "%s: the server says in the admin room that it %s", order->user_id,
                misfits[i].what);
    return 0;
}

int
seat_command(struct backend *backend, enum command command, const char *user_id,
    struct error *error)
{
    const struct command_order order = {.command = command, .user_id = user_id};
    struct command_outcome outcome;
    int result = seat_order(backend, &order, &outcome, error);

    if (result == 0)
        result = seat_judge(&order, outcome.verdict, error);
    commands_outcome_free(&outcome);
    return result;
}

/* Whoever can be in the room is an administrator; else there is what creates accounts. */
int
seat_check_credential(struct backend *backend, struct error *error)
{
    struct admin_room *room;
    char why[JOINING_WHY_SIZE];
    bool possible;

    if (state_has_administrator(backend))
        return seat_take(backend, &room, error);
    if (joining_is_possible(backend, &possible, why, error) != 0)
        return -1;
    if (possible)
        return 0;
    return error_set(error, ERROR_UNAUTHORIZED,
        "%s opens %s here, and nobody may register (%s): give %s",
        backend->connection->registration_token != NULL ? "registration_token does not"
                                                        : "nothing that",
        backend->type->product, why, backend->type->administrator);
}

int
seat_list_administrators(struct backend *backend, struct list *user_ids, struct error *error)
{
    struct admin_room *room;

    return seat_take(backend, &room, error) != 0 ? -1
                                                 : admin_room_members(room, user_ids, error);
}
