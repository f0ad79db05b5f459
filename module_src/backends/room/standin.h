/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A password that no command carries, or that is not to stay in the room's history, or
 * that the server wants to make up itself, takes two steps: the command sets another one,
 * then the account sets its own as its owner would. In between stands one that follows
 * from the wanted, so that a run which was cut off is known by the next.
 */
#ifndef REGISTRAR_BACKENDS_ROOM_STANDIN_H
#define REGISTRAR_BACKENDS_ROOM_STANDIN_H

#include "backends/backend.h"

/*
 * The password that stands in for the wanted one, for secret_free: what
 * derived_password_stretch makes of that, with "registrar/v1 command" and the user id, in
 * base64url without padding (RFC 4648, section 5). Members of the admin room may see it.
 * Errors: memory, internal.
 */
int standin_password(struct secret *password, const struct secret *wanted,
    const char *user_id, struct error *error);

/* Whether a command to this server carries the password. */
bool standin_is_spared(const struct backend *backend, const struct secret *wanted);

/* Keeps the password that is wanted of an account for the lookup to come. -1: memory. */
int standin_keep(struct backend *backend, const struct account *wanted, struct error *error);

/* The one that was kept, or NULL. */
const struct secret *standin_wanted(const struct backend *backend,
    const struct account *observed);

/* Its stand-in, for secret_free; "not given" where none was kept, or commands carry it. */
int standin_kept(struct backend *backend, const struct account *observed,
    struct secret *password, struct error *error);

/* Notes the password that is wanted of an account that is now to be made: where the answer
 * is lost, or another run was faster, the next lookup of it takes that for what opens it,
 * to be tried, unless it finds it half made. -1: memory. */
int standin_note(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error);
int standin_recall(struct backend *backend, const struct account *account,
    struct error *error);

/* Frees what was kept and noted. */
void standin_forget(struct backend *backend);

/*
 * Changes the password of the account in hand as itself (POST account/password), from the
 * one that opened it; it goes on being open. Errors: those of answer_refused.
 */
int standin_change(struct backend *backend, const struct secret *from,
    const struct secret *to, bool logout_devices, struct error *error);

#endif
