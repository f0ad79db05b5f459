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
    REGISTRATION_OPEN,   /* m.login.dummy alone, or nothing at all */
    REGISTRATION_TOKEN,  /* m.login.registration_token */
};

#define REGISTRATION_WHY_SIZE 300

/*
 * Asks without making anything (POST /register without auth, which each of the three
 * answers with the stages that it takes; where it may do with one of two, the one
 * without a token is told). why, if not NULL, says why it is closed, in the server's
 * words or in ours. Errors: protocol (no homeserver's answer; it registers whoever
 * asks), those of call_send.
 */
int registration_ask(struct matrix *matrix, enum registration_gate *gate,
    char why[REGISTRATION_WHY_SIZE], struct error *error);

enum registration_result {
    REGISTRATION_DONE,
    REGISTRATION_NAME_TAKEN,
    REGISTRATION_PERHAPS,     /* refused, but the request went out twice: perhaps the first
                                 one made it, and took name and token */
    REGISTRATION_WRONG_TOKEN,
    REGISTRATION_REFUSED, /* closed, after all */
};

struct registration {
    const char *localpart;
    const struct secret *password;
    const struct secret *token; /* NULL: openly */
    bool without_session; /* inhibit_login */
    const char *device_id; /* of its session; NULL: one of the server's choice */
};

/*
 * Makes the account in one request. session, for client_logout, is logged in as it
 * unless without_session, and names it in any case. *result is told also with an error,
 * once the account was made. Errors: invalid (the name), policy (a name that is reserved
 * or forbidden), rate_limited, protocol (another account was made, or none that can be
 * told), those of call_send and answer_refused.
 */
int registration_make(struct matrix *matrix, const struct registration *registration,
    struct session *session, enum registration_result *result, struct error *error);

#endif
