/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One conversation with the bot of an admin room: one command after the other, each
 * with its answer. The room itself is matrix/admin_room.h.
 */
#ifndef REGISTRAR_MATRIX_ADMIN_TALK_H
#define REGISTRAR_MATRIX_ADMIN_TALK_H

#include "base/error.h"
#include "base/list.h"
#include "matrix/admin_room.h"

struct admin_talk;

/* For admin_talk_end; NULL: memory. What it is given has to outlive it. */
struct admin_talk *admin_talk_begin(struct matrix *matrix, const struct session *administrator,
    const char *server_name, const struct admin_room_manner *manner, const char *room_id,
    struct error *error);

/* NULL is allowed. */
void admin_talk_end(struct admin_talk *talk);

/* admin_room_command. */
int admin_talk_command(struct admin_talk *talk, const struct admin_command *command,
    struct admin_reply *reply, struct list *warnings, struct error *error);

/* admin_room_leavings and admin_room_clear. */
int admin_talk_leavings(struct admin_talk *talk, const char *user_id,
    struct admin_reply *reply, struct error *error);
void admin_talk_clear(struct admin_talk *talk, struct list *warnings);

#endif
