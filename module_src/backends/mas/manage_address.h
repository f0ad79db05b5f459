/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What MAS's own command does not look at in an address: whether it is one, and whose
 * it is. An address that is none makes each later provisioning of its user fail, and
 * with it locking; one that two users have moves on the homeserver to the newest.
 */
#ifndef REGISTRAR_BACKENDS_MAS_MANAGE_ADDRESS_H
#define REGISTRAR_BACKENDS_MAS_MANAGE_ADDRESS_H

#include <stdbool.h>

#include "backends/backend.h"
#include "backends/mas/way.h"

/* mas_way.email_owner. Errors: invalid (it is none), those of rows_email_owner. */
int manage_address_owner(struct backend *backend, const char *email,
    char owner[MAS_ID_SIZE], struct error *error);

/* Refuses (conflict) an address of another user than id. *has_it: it is this one's
 * already. Errors besides: as above. */
int manage_address_guard(struct backend *backend, const char *email, const char *id,
    bool *has_it, struct error *error);

#endif
