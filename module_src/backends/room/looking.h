/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Seeing accounts of a server of the admin room: as its administrator, as anybody, and as
 * the account itself. */
#ifndef REGISTRAR_BACKENDS_ROOM_LOOKING_H
#define REGISTRAR_BACKENDS_ROOM_LOOKING_H

#include "backends/backend.h"
#include "backends/homeserver/states.h"

/*
 * See backend_type.lookup. An account with capitals in its name is never there: Conduit
 * lowers every name, and continuwuity's commands do, so that they would be about another.
 */
int looking_lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error);

/* See backend_type.asks_by_login and ask_password. None of these servers limits logins, so
 * that an administrator's are not counted. */
bool looking_asks_by_login(const struct backend *backend);
int looking_ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* See homeserver_dialect.look_as_itself. */
int looking_as_itself(struct backend *backend, struct observation *observed,
    struct error *error);

/*
 * Logs in with a password that is not the account's, unless it was left half made (then
 * observed->unfinished, and it is kept for a login to come), and out again. probe may be
 * NULL: with one that nobody has. Errors: those of states_log_in.
 */
int looking_probe(struct backend *backend, const struct secret *probe,
    struct observation *observed, enum states_login *login, struct error *error);

/* Whether the account is joined to the admin room, for the administrator. */
int looking_at_room(struct backend *backend, struct observation *observed,
    struct error *error);

/* Logs the account in hand in as itself, in place of how it was before, and keeps what it
 * did that with. Errors: unauthorized (it is not let in), those of states_log_in. */
int looking_log_in(struct backend *backend, const struct observation *observed,
    const struct secret *password, struct error *error);

/* Sees to it that it is, with the password that is known to open it. Errors besides:
 * unauthorized (none is known). */
int looking_open_own(struct backend *backend, const struct observation *observed,
    struct error *error);

/* The same, in place of a session that another run for the same account has ended: by its
 * login, as there is one device for all of them. */
int looking_open_again(struct backend *backend, const struct observation *observed,
    struct error *error);

/* Whether that may be why a try has failed, the first being number 0, and there is one
 * more; waits for a little while then. */
#define LOOKING_TRIES 5
bool looking_lost_session(const struct error *failure, int try);

/* Whether looking_open_own could do that. */
bool looking_may_open_own(const struct backend *backend);

#endif
