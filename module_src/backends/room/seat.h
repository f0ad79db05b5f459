/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening and closing a server of the admin room, and its administrator's seat in that
 * room, which is entered when it is first needed.
 */
#ifndef REGISTRAR_BACKENDS_ROOM_SEAT_H
#define REGISTRAR_BACKENDS_ROOM_SEAT_H

#include "backends/backend.h"
#include "backends/room/state.h"

/* See backend_type.open and close; server has to outlive the backend. */
int seat_open(struct backend *backend, const struct room_server *server, struct error *error);
void seat_close(struct backend *backend);

/* "-> the room", in which the administrator is; it lives until the backend is closed. An
 * invitation is accepted but for check mode, and told as an action. Errors: those of
 * admin_room_open. */
int seat_take(struct backend *backend, struct admin_room **room, struct error *error);

/* Gives a command in the room: see commands_give. What the order leaves readable is kept,
 * and told with the next order or the close, unless seat_forget_readable says that the
 * password is another one by now. */
int seat_order(struct backend *backend, const struct command_order *order,
    struct command_outcome *outcome, struct error *error);
void seat_forget_readable(struct backend *backend);

/* A command without a password, of which the outcome has to be that it is so by now. */
int seat_command(struct backend *backend, enum command command, const char *user_id,
    struct error *error);

/* Takes what stands in the room away: see admin_room_clear. It is nothing to warn of where
 * the passwords in it are nobody's any more. */
void seat_clear(struct backend *backend, bool is_passing);

/* 0 where it is as was ordered by now. Errors: not_found, conflict. */
int seat_judge(const struct command_order *order, enum verdict verdict, struct error *error);

/* See backend_type.check_credential and list_administrators. */
int seat_check_credential(struct backend *backend, struct error *error);
int seat_list_administrators(struct backend *backend, struct list *user_ids,
    struct error *error);

#endif
