/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is an administrator: whoever is joined to the admin room. Continuwuity puts an
 * account there on command, and of a name that does not exist, too, so that existence is
 * proven first. On Conduit it is invited, and has to join by itself.
 */
#ifndef REGISTRAR_BACKENDS_ROOM_ROLES_H
#define REGISTRAR_BACKENDS_ROOM_ROLES_H

#include "backends/backend.h"

/* Whether making an administrator takes the account itself. */
bool roles_take_itself(const struct backend *backend);

/* Makes it one; that it is one is fine. Errors: not_found, conflict (deactivated), those of
 * looking_open_own and of the room. */
int roles_grant(struct backend *backend, struct observation *observed, struct error *error);

/* Takes that away; that it is none is fine. Errors: policy (too little power), those of
 * roles_spare_last and of the room. */
int roles_withdraw(struct backend *backend, struct observation *observed,
    struct error *error);

/* Refuses (policy) to take away the last administrator beside the server's own user. */
int roles_spare_last(struct backend *backend, const struct observation *observed,
    struct error *error);

#endif
