/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing an account as an administrator. tuwunel's admin API deactivates accounts where
 * they are: in the room of the administrators, with their name and addresses; so what is
 * to go first goes first.
 */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_CHANGE_H
#define REGISTRAR_BACKENDS_TUWUNEL_CHANGE_H

#include "backends/backend.h"

/* See backend_type.update, with an administrator open. */
int change_make(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error);

/*
 * Ends the administrator that is open, which is the service account, as its owner could:
 * only so does it leave the room of the administrators, too. Errors: conflict (neither the
 * password of the shared secret nor that of the one before is its), ...
 */
int change_end_itself(struct backend *backend, struct observation *observed,
    struct error *error);

/* See backend_type.foresee. */
int change_foresee(struct account *after, const struct account *change,
    struct error *error);

#endif
