/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Creating an account by registering as anybody may: the way to the first account of
 * tuwunel, continuwuity and Conduit, where nobody can make another (what each makes of
 * it is in its dialect: first_account).
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

/* See backend_type.creates_openly: whether registration is open, or takes a token and
 * registration_token is given. Asked once a task. why is "" where it is possible. */
int joining_is_possible(struct backend *backend, bool *possible, char why[300],
    struct error *error);

/*
 * See backend_type.may_create and create. An account that became an administrator
 * though nobody asked for it is a warning; one that was to be and is not an error
 * (policy) after CREATION_DONE, that says what makes one. Whoever was to be one, and is,
 * is the backend's administrator from then on; any other session is logged out. A
 * registration whose reply was lost is settled by a login as the account. Errors besides:
 * invalid (no password), unauthorized (registration is closed, or its token another; a
 * field that takes an administrator), those of registration_make.
 */
int joining_may_create(struct backend *backend, const struct account *wanted,
    struct error *error);
int joining_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

#endif
