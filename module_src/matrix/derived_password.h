/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords that follow from another secret, so that nothing has to be remembered between
 * runs. */
#ifndef REGISTRAR_MATRIX_DERIVED_PASSWORD_H
#define REGISTRAR_MATRIX_DERIVED_PASSWORD_H

#include "base/error.h"
#include "base/secret.h"

/*
 * For secret_free: HMAC-SHA256 with the key over the label, a NUL byte and the name, in
 * base64 (RFC 4648, section 4). The label says what for, and by which rule: no two uses
 * have the same. Errors: memory, internal.
 */
int derived_password_make(struct secret *password, const struct secret *key,
    const char *label, const char *name, struct error *error);

/* How often PBKDF2 goes round: some 25 ms of a processor. */
#define DERIVED_PASSWORD_ROUNDS 100000

/*
 * The same from a key that a person may have chosen, for a password that others may come to
 * see: PBKDF2-HMAC-SHA256 (RFC 8018) with what is hashed there as the salt, so that the key
 * is not guessed from it in no time.
 */
int derived_password_stretch(struct secret *password, const struct secret *key,
    const char *label, const char *name, struct error *error);

#endif
