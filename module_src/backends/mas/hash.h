/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a password is that of a hash, as MAS stores them: argon2id, bcrypt or
 * PBKDF2, in PHC's form or bcrypt's own. Each is done by a library. */
#ifndef REGISTRAR_BACKENDS_MAS_HASH_H
#define REGISTRAR_BACKENDS_MAS_HASH_H

#include "backends/backend.h"
#include "backends/mas/schemes.h"
#include "base/error.h"
#include "base/secret.h"

/*
 * scheme may be NULL: no pepper, no normalization. A hash of an unknown kind, or one
 * whose cost is beyond reason, is PASSWORD_CANNOT_TELL, and why
 * (PASSWORD_WHY_SIZE) says so. Errors: memory, invalid (no Unicode where it has
 * to be normalized).
 */
int hash_compare(const char *hash, const struct secret *password,
    const struct mas_scheme *scheme, enum password_answer *answer, char *why,
    struct error *error);

#endif
