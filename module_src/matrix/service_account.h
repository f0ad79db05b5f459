/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The account that Registrar keeps for itself where all it is given is the
 * registration shared secret. Its password follows from the secret, so that
 * nothing has to be remembered between runs. What is done with it is the
 * backends' business.
 */
#ifndef REGISTRAR_MATRIX_SERVICE_ACCOUNT_H
#define REGISTRAR_MATRIX_SERVICE_ACCOUNT_H

#include "base/error.h"
#include "base/secret.h"

/* What an administrator who finds the account is to read. */
#define SERVICE_ACCOUNT_DISPLAYNAME "Registrar service account"

/*
 * The account's password, for secret_free: HMAC-SHA256 with the shared secret
 * as the key over "registrar/v1", a NUL byte and the localpart, in base64
 * (RFC 4648, section 4). The server's name is not in it, since not every
 * listener tells it before a login. Errors: memory, internal.
 */
int service_account_password(struct secret *password, const struct secret *shared_secret,
    const char *localpart, struct error *error);

#endif
