/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Setting the password of an account that is there: by the room's command, and where that
 * does not carry it, as the account itself. */
#ifndef REGISTRAR_BACKENDS_ROOM_PASSING_H
#define REGISTRAR_BACKENDS_ROOM_PASSING_H

#include "backends/backend.h"
#include "backends/room/commands.h"

struct passing {
    const struct secret *password;
    bool revives; /* a deactivated account, which is active then */
    bool logout_devices;
};

/*
 * Sets it. Afterwards the account is open, or state.own_password opens it. Errors:
 * not_found, conflict, those of commands_give and of standin_change; where the second step
 * fails, with what that leaves.
 */
int passing_set(struct backend *backend, struct observation *observed,
    const struct passing *passing, struct error *error);

/*
 * "-> the password that a command is to have" for secret_free: the wanted one, where the
 * command carries it, or what stands in for it; "not given" where the command takes none.
 */
int passing_choose(struct backend *backend, enum command command,
    const struct account *account, const struct secret *wanted, struct secret *chosen,
    struct error *error);

/* Whether they are the same. */
bool passing_same(const struct secret *one, const struct secret *other);

#endif
