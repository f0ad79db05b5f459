/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What it means to act on accounts as the administrator that is open, or without one,
 * wherever the API of users.h is.
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_ACTING_H
#define REGISTRAR_BACKENDS_SYNAPSE_ACTING_H

#include "backends/backend.h"

/* users_lookup with the administrator's token. Who may not look is no administrator:
 * forbidden, which ends the list. */
int acting_lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error);

/* Refuses (unauthorized) the fields of the change that are not in able: they take an
 * administrator. */
int acting_require(const struct backend *backend, const struct account *change,
    unsigned able, struct error *error);

/* Forgets the session of the service account, where the change has ended that: by itself, or
 * by another administrator. Errors: those of administrator_forget. */
int acting_forget_ended(struct backend *backend, const struct account *change,
    struct error *error);

/* The change as it is made, which after is told: of whoever is to be forgotten, the service
 * account by itself, nothing is left. Borrowed of change. */
struct account acting_whole(const struct backend *backend, struct account *after,
    const struct account *change);

/* See homeserver_dialect.look_as_itself. */
int acting_look_as_itself(struct backend *backend, struct observation *observed,
    struct error *error);

/* What an account was refused as itself says nothing about other accounts. Returns
 * result. */
int acting_by_itself(int result, struct error *error);

#endif
