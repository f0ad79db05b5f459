/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Registration as anybody may do it (specification: client-server API, "Account
 * registration"): with a registration token, or openly. On tuwunel, continuwuity and
 * Conduit the first account that is made so may become an administrator.
 */
#ifndef REGISTRAR_MATRIX_REGISTRATION_H
#define REGISTRAR_MATRIX_REGISTRATION_H

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "matrix/call.h"
#include "matrix/client.h"

/* What registering takes here and now. */
enum registration_gate {
    REGISTRATION_CLOSED, /* 403, or stages that no program can pass (captcha, e-mail) */
    REGISTRATION_OPEN,   /* m.login.dummy, alone or with nothing else */
    REGISTRATION_TOKEN,  /* m.login.registration_token */
};

/*
 * Asks without making anything (POST /register without auth). why, if not NULL, says
 * in the server's words why it is closed. Errors: those of call_send.
 */
int registration_ask(struct matrix *matrix, enum registration_gate *gate, char why[300],
    struct error *error);

enum registration_result {
    REGISTRATION_DONE,
    REGISTRATION_NAME_TAKEN,
    REGISTRATION_WRONG_TOKEN,
    REGISTRATION_REFUSED, /* closed, after all */
};

struct registration {
    const char *localpart;
    const struct secret *password;
    const struct secret *token; /* NULL: openly */
    bool without_session; /* inhibit_login */
    const char *device_id;
};

/*
 * Makes the account in one request. session, for client_logout, is logged in as it
 * unless without_session. Errors: invalid (the name), policy (a name that is reserved
 * or forbidden), rate_limited, those of call_send.
 */
int registration_make(struct matrix *matrix, const struct registration *registration,
    struct session *session, enum registration_result *result, struct error *error);

#endif
