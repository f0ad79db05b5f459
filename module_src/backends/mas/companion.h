/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of an account the homeserver behind MAS has, and MAS has not: profile,
 * user type, suspension, rate limit, shadow ban. It is read and changed there, as
 * the user itself or as one of the homeserver's administrators, by a personal
 * session of MAS's that ends with the task.
 */
#ifndef REGISTRAR_BACKENDS_MAS_COMPANION_H
#define REGISTRAR_BACKENDS_MAS_COMPANION_H

#include "backends/backend.h"
#include "backends/mas/way.h"

#define COMPANION_FIELDS                                                                   \
    (ACCOUNT_BIT(ACCOUNT_USER_TYPE) | ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) |                   \
        ACCOUNT_BIT(ACCOUNT_AVATAR_URL) | ACCOUNT_BIT(ACCOUNT_RATELIMIT) |                 \
        ACCOUNT_BIT(ACCOUNT_SUSPENDED) | ACCOUNT_BIT(ACCOUNT_SHADOW_BANNED))

/* States in observed what can be seen of the fields in mask. */
int companion_look(struct backend *backend, const struct mas_user *user, unsigned mask,
    struct observation *observed, struct error *error);

/*
 * States in observed whether an account that is deactivated is erased as well, which
 * the homeserver alone tells, and only its administrators: where none can be had it is
 * not stated. Errors: those of personal_act and of asking the homeserver.
 */
int companion_look_erased(struct backend *backend, const struct mas_user *user,
    struct observation *observed, struct error *error);

/* Refuses (invalid) what could be made and never be seen again: the homeserver is not
 * known, so that the next run would fail. */
int companion_may_look(struct backend *backend, const struct account *wanted,
    struct error *error);

/* Refuses (unsupported, unauthorized) what this MAS, or what is given, is not enough
 * for; before anything is sent that changes something. */
int companion_may_update(struct backend *backend, const struct account *change,
    struct error *error);

/* Makes what change states of COMPANION_FIELDS. */
int companion_update(struct backend *backend, const struct mas_user *user,
    struct observation *observed, const struct account *change, struct error *error);

/* Revokes its session, also after a signal. */
void companion_close(struct backend *backend);

#endif
