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
int derived_password(struct secret *password, const struct secret *key, const char *label,
    const char *name, struct error *error);

#endif
