/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAS's users by its admin API; each is the operation of way.h. Their addresses and
 * links are in emails.h and links.h. */
#ifndef REGISTRAR_BACKENDS_MAS_API_USERS_H
#define REGISTRAR_BACKENDS_MAS_API_USERS_H

#include "backends/backend.h"
#include "backends/mas/way.h"

/* Errors: those of api_call; protocol. */
int api_users_find(struct backend *backend, const char *localpart, struct mas_user *user,
    bool *found, struct error *error);

int api_users_list_administrators(struct backend *backend, struct list *localparts,
    struct error *error);

/*
 * Makes the user, with displayname and avatar_url where this version takes them
 * (created_displayname and created_avatar_url of state.h); else they are left for the
 * homeserver. Who lost a race is told so
 * by *creation; user is filled when it is done or perhaps, and what is there then.
 * Errors: invalid, conflict (the homeserver gives the name away to nobody),
 * not_ready (the homeserver behind MAS is not up), those of api_call.
 */
int api_users_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct mas_user *user, struct error *error);

/* Errors: policy (too weak), unsupported (passwords are switched off), not_found,
 * those of api_call. */
int api_users_set_password(struct backend *backend, const struct mas_user *user,
    const char *localpart, const struct secret *password, struct error *error);

/* user becomes what it now is. Errors: unsupported (this version would do something
 * else besides), not_found, not_ready (as for create), server (it did not happen),
 * those of api_call. */
int api_users_set_admin(struct backend *backend, struct mas_user *user,
    const char *localpart, bool admin, struct error *error);
int api_users_set_locked(struct backend *backend, struct mas_user *user,
    const char *localpart, bool locked, struct error *error);
int api_users_deactivate(struct backend *backend, struct mas_user *user,
    const char *localpart, bool erase, struct error *error);
int api_users_reactivate(struct backend *backend, struct mas_user *user,
    const char *localpart, struct error *error);

#endif
