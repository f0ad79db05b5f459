/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/service_account.h"

#include "matrix/derived_password.h"

int
service_account_password(struct secret *password, const struct secret *shared_secret,
    const char *localpart, struct error *error)
{
    /* The "v1" lets a later rule stand beside this one. */
    return derived_password(password, shared_secret, "registrar/v1", localpart, error);
}
