/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changing accounts by the admin room, and what only an account itself can change. */
#ifndef REGISTRAR_BACKENDS_ROOM_CHANGING_H
#define REGISTRAR_BACKENDS_ROOM_CHANGING_H

#include "backends/backend.h"

/* See backend_type.updates and may_update. */
bool changing_can(const struct backend *backend, const struct account *change);
int changing_may(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error);

/* Refuses (unsupported) a change, or a creation, for which the account would have to log in
 * with its password, on a server that lets nobody. It is tried once a task, with a password
 * that nobody has. */
int changing_may_log_in(struct backend *backend, const struct account *change,
    struct error *error);

/*
 * See backend_type.update. A password that a command does not carry is set in two steps
 * (standin.h). Conduit makes one up for an account that is there, whatever is wanted: cut
 * off between the two steps, the account has one that nobody knows, and the error says so.
 */
int changing_make(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error);

/* See backend_type.foresee. */
int changing_foresee(const struct backend *backend, struct account *after,
    const struct account *change, struct error *error);

#endif
