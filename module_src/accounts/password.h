/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords that nobody has to think of. */
#ifndef REGISTRAR_ACCOUNTS_PASSWORD_H
#define REGISTRAR_ACCOUNTS_PASSWORD_H

#include "base/error.h"
#include "base/secret.h"

/*
 * Makes a password up, for secret_free: 24 letters and digits from libcrypto's
 * generator, 142 bits of chance, which every server takes and no shell, URL or
 * YAML reads as something else. Errors: memory, internal (no random bytes).
 */
int password_generate(struct secret *password, struct error *error);

#endif
