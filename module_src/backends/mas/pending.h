/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is written down of a creation that takes more than one request, so that a
 * run that was cut off in between is finished by the next: in session_file, the
 * user's name and MAS's id of it, no secret. An entry is removed once the password
 * is set. One older than a day, or of a user who has had a session since, is none.
 *
 * From the beginning of a creation to its end the file is locked, so that another
 * run at the same time waits for it, instead of taking it for one that was cut off;
 * the kernel unlocks it for whoever was killed.
 */
#ifndef REGISTRAR_BACKENDS_MAS_PENDING_H
#define REGISTRAR_BACKENDS_MAS_PENDING_H

#include "backends/backend.h"
#include "backends/mas/way.h"

/*
 * Before the user is made, who was looked for right before: its password is still
 * to be set. Without a session_file, and in check mode, nothing is written by this
 * nor by what is below. Errors: those of session_file.h.
 */
int pending_begin(struct backend *backend, const char *localpart, struct error *error);

/* The user is there, made by this run; its id goes with the entry. */
int pending_made(struct backend *backend, const char *localpart,
    const struct mas_user *user, struct error *error);

/*
 * Whether a creation of this user's was cut off before its password was set, by another
 * run, or by this one, which lost the answer to it: this is known without a file, too.
 * MAS's admin API is asked where there is such a creation. Without that API only its
 * database tells. An entry that is over is removed.
 * Errors: those of session_file.h (conflict: another run does not end its own), and
 * of api_call; protocol.
 */
int pending_has(struct backend *backend, const char *localpart,
    const struct mas_user *user, bool *has, struct error *error);

/* Whether the user has ever had a session, by MAS's API: whoever had one has a password,
 * or another way in. */
int pending_has_had_session(struct backend *backend, const struct mas_user *user, bool *had,
    struct error *error);

/* Its password is set, or it was not made. */
int pending_end(struct backend *backend, const char *localpart, struct error *error);

/* Unlocks the file and closes it; an entry that was not ended stays. */
void pending_close(struct backend *backend);

#endif
