/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few calls of the client-server API that accounts need, as every
 * homeserver answers them: logging in and out, who am I.
 */
#ifndef REGISTRAR_MATRIX_CLIENT_H
#define REGISTRAR_MATRIX_CLIENT_H

#include <stdbool.h>

#include "base/error.h"
#include "base/secret.h"
#include "matrix/call.h"

/* An access token and whose it is. */
struct session {
    struct secret access_token;
    char *user_id;
    bool is_ours; /* we logged it in, so we log it out */
};

enum login_result {
    LOGIN_DONE,
    LOGIN_WRONG, /* no such account, or not its password: most servers do not say which */
};

/*
 * m.login.password with device_id, or with a new device for NULL. On
 * LOGIN_DONE the session is for client_logout. Errors: rate_limited (logins
 * have a limit of their own), unsupported (no password login here), forbidden
 * (locked, deactivated, not let in), not_found (404 M_NOT_FOUND, of a server that
 * says so), what call_send says.
 */
int client_login(struct matrix *matrix, const char *user, const struct secret *password,
    const char *device_id, struct session *session, enum login_result *login,
    struct error *error);

/*
 * Ends the session when it is ours, and frees it in any case. That a logout
 * fails changes nothing that was asked for: it is told through `failed`, which
 * may be NULL.
 */
void client_logout(struct matrix *matrix, struct session *session, bool *failed);

/* The same for all the sessions of its account, whoever logged them in. */
void client_logout_all(struct matrix *matrix, struct session *session, bool *failed);

/*
 * Takes the access_token of an answer into the session, which is ours from
 * then on. Errors: protocol (none, or one that no header can hold), memory.
 */
int client_take_token(struct session *session, const struct answer *answer,
    const char *what, struct error *error);

/*
 * Whether GET /login offers m.login.password; *status is the answer's, of which
 * one that is no success offers nothing. Errors: those of call_send.
 */
int client_password_flow(struct matrix *matrix, bool *offered, long *status,
    struct error *error);

/* Fills user_id of a session that has a token. Errors: unauthorized, ... */
int client_whoami(struct matrix *matrix, struct session *session, struct error *error);

/*
 * The server name the homeserver signs as, for memory_free; NULL without an
 * error when it does not say (a listener for clients only).
 */
int client_server_name(struct matrix *matrix, char **server_name, struct error *error);

/* "<before><user id, percent-encoded><after>" for memory_free, or NULL. */
char *client_path(const char *before, const char *user_id, const char *after);

/* The auth dictionary for "m.login.password", or NULL: no memory. */
json_t *client_password_auth(const char *user, const struct secret *password);

#endif
