/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hashes in which homeservers store passwords: bcrypt. */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_PASSWORD_HASH_H
#define REGISTRAR_BACKENDS_HOMESERVER_PASSWORD_HASH_H

#include "backends/backend.h"

/*
 * Makes of a password what is hashed, for secret_free: in the form NFKC when
 * is_normalized, and the pepper (NULL: none) behind it. Errors: invalid (no Unicode,
 * where it is normalized), memory.
 */
int password_hash_season(struct secret *seasoned, const struct secret *password,
    bool is_normalized, const struct secret *pepper, struct error *error);

/*
 * Whether the password is the one of a stored hash, after which nobody knows
 * more than before. hash may be NULL or empty: the account has none. A kind of
 * hash that is not known here, and one that takes more than some seconds:
 * PASSWORD_CANNOT_TELL, and why says so.
 */
int password_hash_compare(const char *hash, const struct secret *password,
    enum password_answer *answer, char *why, struct error *error);

#endif
