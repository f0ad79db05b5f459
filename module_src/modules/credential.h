/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The credentials that a connection may have, each by itself. */
#ifndef REGISTRAR_MODULES_CREDENTIAL_H
#define REGISTRAR_MODULES_CREDENTIAL_H

#include <stdbool.h>

#include "backends/backend.h"

enum credential {
    CREDENTIAL_ACCESS_TOKEN,
    CREDENTIAL_ADMIN_USERNAME,
    CREDENTIAL_SHARED_SECRET,
    CREDENTIAL_MAS_CLIENT,
    CREDENTIAL_MAS_TOKEN,
    CREDENTIAL_REGISTRATION_TOKEN,
    CREDENTIAL_EMERGENCY_PASSWORD,
    CREDENTIAL_DATABASE,
    CREDENTIALS /* how many there are; not a credential */
};

/* "access_token": the option that it is, or that stands for it. */
const char *credential_option(enum credential which);

bool credential_is_given(const struct connection *connection, enum credential which);

/* The connection with that credential alone, or with none for CREDENTIALS; the database,
 * which may list the administrators, is in each. */
struct connection credential_alone(const struct connection *connection,
    enum credential which);

/*
 * Whether the credential does what it is for, of a backend that was opened with it
 * alone; *told is false where the server says so to nobody who changes nothing. Errors:
 * those of backend_type.check_credential.
 */
int credential_prove(struct backend *backend, enum credential which, bool *told,
    struct error *error);

#endif
