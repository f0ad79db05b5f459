/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making accounts by the admin room; where there is no administrator, by registering
 * (homeserver/joining.h).
 */
#ifndef REGISTRAR_BACKENDS_ROOM_MAKING_H
#define REGISTRAR_BACKENDS_ROOM_MAKING_H

#include "backends/backend.h"

/* See backend_type.vet: the server's own user is nobody's to manage; no administrator is
 * locked or suspended. Keeps what the lookup needs. */
int making_vet(struct backend *backend, const struct account *wanted, struct error *error);

/* See backend_type.creates and may_create. */
bool making_can(const struct backend *backend, const struct account *wanted);
int making_may(struct backend *backend, const struct account *wanted, struct error *error);

/*
 * See backend_type.create. An account without a password is not made: where none is
 * wanted, it gets one of the server's making, which is told to nobody and taken out of the
 * room's history. All but the password is left for update, for which the account's own
 * password is kept. That somebody is an administrator by that alone is a warning.
 */
int making_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

#endif
