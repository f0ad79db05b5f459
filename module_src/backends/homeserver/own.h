/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account's own password as a credential: one login says whether the
 * account is the caller's, whether it is an administrator, and what it looks
 * like. The session is kept while the account is in hand.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_OWN_H
#define REGISTRAR_BACKENDS_HOMESERVER_OWN_H

#include "backends/backend.h"

/*
 * See backend_type.ask_password; ends in a session when the answer is yes, but for an
 * account that is locked (dialect: locks_behind_password).
 */
int own_ask(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* True while the account in hand is logged in as itself. */
bool own_is_open(const struct backend *backend);

/* The fields that an account may set of itself. */
#define OWN_FIELDS                                                                         \
    (ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL))

/* Sets these of the account's fields as itself. */
int own_update(struct backend *backend, struct observation *observed,
    const struct account *change, struct error *error);

/* Warns that a name or an avatar is stored, but not told to all rooms yet. */
void own_warn_slow_rooms(struct backend *backend, const struct observation *observed);

/* The profile of the account in hand, as it sees it. */
int own_look_at_profile(struct backend *backend, struct observation *observed,
    struct error *error);

/* Logs the account in hand out. */
void own_end(struct backend *backend);

#endif
