/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How MAS's accounts are seen and changed: by its admin API (api.h), or where
 * that is not switched on by its database and its own command in its container
 * (manage.h). The order of the steps is for mas.c; each one here is one step.
 *
 * Operations return 0, or -1 with an error recorded. Where one is NULL, this way
 * cannot do it, and lacks says what can.
 */
#ifndef REGISTRAR_BACKENDS_MAS_WAY_H
#define REGISTRAR_BACKENDS_MAS_WAY_H

#include <stdbool.h>

#include "accounts/account.h"
#include "backends/backend.h"
#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"

/* A ULID in its canonical form, upper case, with its NUL. */
#define MAS_ID_SIZE 27

/* The longest name that an account of a homeserver can have, with its NUL. */
#define MAS_NAME_SIZE 256

/* A user as MAS has it. */
struct mas_user {
    char id[MAS_ID_SIZE]; /* "": none */
    char name[MAS_NAME_SIZE]; /* as MAS spells it, which may be in another case */
    bool admin;
    bool locked;
    bool deactivated;
    bool knows_password; /* whether has_password means something: only rows tell */
    bool has_password;
};

struct mas_way {
    const char *authenticated_by; /* the option that stands for it: "mas_client_id" */

    /* Makes sure that it can act. Reads only, but for a token. */
    int (*open)(struct backend *backend, struct error *error);

    /* *found is false when there is none; name is as MAS has it, which compares
     * names without regard to case. */
    int (*find)(struct backend *backend, const char *localpart, struct mas_user *user,
        bool *found, struct error *error);

    /* Adds the user's addresses, in canonical form, and ids elsewhere ("provider's
     * id", subject). */
    int (*emails)(struct backend *backend, const struct mas_user *user, struct pairs *emails,
        struct error *error);
    int (*links)(struct backend *backend, const struct mas_user *user, struct pairs *links,
        struct error *error);

    /* Adds the localparts of administrators who are active. */
    int (*list_administrators)(struct backend *backend, struct list *localparts,
        struct error *error);

    /* Refuses what this version cannot do, or would do otherwise; user is NULL for one
     * that is not there yet. NULL: there is nothing of that kind. */
    int (*allow)(struct backend *backend, const struct mas_user *user,
        const struct account *change, struct error *error);

    /* Learns what a creation takes (state.h: has_displayname); NULL: it is known. */
    int (*learn)(struct backend *backend, struct error *error);
    bool creates_avatar_url; /* where has_displayname */

    /* Makes the user, without a password unless sets_password_at_once. */
    bool sets_password_at_once;
    int (*create)(struct backend *backend, const struct account *wanted,
        enum creation *creation, struct mas_user *user, struct error *error);

    int (*set_password)(struct backend *backend, const struct mas_user *user,
        const char *localpart, const struct secret *password, struct error *error);
    /* Ends all that are there, however they began. */
    int (*end_sessions)(struct backend *backend, const struct mas_user *user,
        const char *localpart, struct error *error);
    int (*set_admin)(struct backend *backend, struct mas_user *user, const char *localpart,
        bool admin, struct error *error);
    int (*set_locked)(struct backend *backend, struct mas_user *user, const char *localpart,
        bool locked, struct error *error);
    bool erases;
    int (*deactivate)(struct backend *backend, struct mas_user *user, const char *localpart,
        bool erase, struct error *error);
    int (*reactivate)(struct backend *backend, struct mas_user *user, const char *localpart,
        struct error *error);

    /* *owner: who has the address, "" for nobody. */
    int (*email_owner)(struct backend *backend, const char *email, char owner[MAS_ID_SIZE],
        struct error *error);
    int (*add_email)(struct backend *backend, const struct mas_user *user,
        const char *localpart, const char *email, struct error *error);
    int (*remove_email)(struct backend *backend, const struct mas_user *user,
        const char *email, struct error *error);

    int (*add_link)(struct backend *backend, const struct mas_user *user,
        const char *provider, const char *subject, struct error *error);
    int (*remove_link)(struct backend *backend, const struct mas_user *user,
        const char *provider, const char *subject, struct error *error);

    const char *lacks; /* "MAS's admin API can: see docs/mas.md", for what is NULL */

    void (*close)(struct backend *backend);
};

#endif
