/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a homeserver tells anybody about the state of an account, without an
 * administrator: by "register/available", and by what it says to a login.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_STATES_H
#define REGISTRAR_BACKENDS_HOMESERVER_STATES_H

#include "backends/backend.h"
#include "matrix/client.h"

/*
 * Sets observed->presence. A name that the server would not take is absent where it is
 * a matter of grammar (the caller has checked that by itself: servers in emergency mode
 * do not), and an error where it is reserved (policy: M_EXCLUSIVE, 403 M_FORBIDDEN).
 * Errors besides: those of call_send and answer_refused.
 */
int states_ask_whether_taken(struct backend *backend, struct observation *observed,
    struct error *error);

/* The same of a server that has accounts with names that it would not take (Dendrite):
 * whatever is neither "free" nor "taken" leaves it unknown. Errors: those of call_send. */
int states_guess_whether_taken(struct backend *backend, struct observation *observed,
    struct error *error);

/* What a login says of an account, whatever else it says. */
enum states_login {
    STATES_OPENED,      /* the password is the account's, and it was logged in */
    STATES_WRONG,       /* an active account, or none, with another password */
    STATES_ABSENT,      /* where the server tells that apart (continuwuity) */
    STATES_DEACTIVATED, /* whatever the password */
    STATES_LOCKED,      /* 401 M_USER_LOCKED */
    STATES_DISABLED,    /* logins of this account are switched off (continuwuity) */
};

/*
 * One login with a device id that is always the same (the dialect's), so that none piles
 * up; session, for client_logout, is filled with STATES_OPENED. Errors: policy (an
 * application service's), those of client_login.
 */
int states_log_in(struct backend *backend, const char *user, const struct secret *password,
    struct session *session, enum states_login *login, struct error *error);

/* The same with a password that nobody has, 32 random bytes in base64: it leaves no
 * trace, and tells the deactivated from the others. Errors besides: protocol (it was let
 * in). */
int states_probe(struct backend *backend, const char *user, enum states_login *login,
    struct error *error);

#endif
