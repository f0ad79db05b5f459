/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Creating an account by registering as anybody may: the way to the first account of
 * tuwunel, continuwuity and Conduit, where nobody can make another (facts of each in
 * its dialect: promotes_first, promotes_first_silently).
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_JOINING_H
#define REGISTRAR_BACKENDS_HOMESERVER_JOINING_H

#include "backends/backend.h"

/* The fields that it can make: with its own session before that ends. `admin` only
 * where the server promotes its first account by itself. */
#define JOINING_FIELDS                                                                     \
    (ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                          \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL) |               \
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED))

/* Whether there is a registration_token, or registration is open: asked once a task. */
int joining_is_possible(struct backend *backend, bool *possible, char why[300],
    struct error *error);

/* See backend_type.may_create and create. An account that became an administrator
 * though nobody asked for it is a warning; one that was to be and is not an error
 * (policy) after CREATION_DONE, that says what makes one. Its session is logged out. */
int joining_may_create(struct backend *backend, const struct account *wanted,
    struct error *error);
int joining_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

#endif
