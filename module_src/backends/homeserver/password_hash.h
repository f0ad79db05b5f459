/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hashes in which homeservers store passwords: bcrypt. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_PASSWORD_HASH_H
#define REGISTRAR_BACKENDS_HOMESERVER_PASSWORD_HASH_H

#include "backends/backend.h"

/*
 * Whether the password is the one of a stored hash, after which nobody knows
 * more than before. hash may be NULL or empty: the account has none. A kind of
 * hash that is not known here: PASSWORD_CANNOT_TELL, and why says so.
 */
int password_hash_compare(const char *hash, const struct secret *password,
    enum password_answer *answer, char *why, struct error *error);

#endif
