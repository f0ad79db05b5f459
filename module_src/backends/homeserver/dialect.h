/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where homeservers differ that are alike in registering with a shared secret,
 * in logging in and in having administrators: one const table each.
 */
#ifndef REGISTRAR_BACKENDS_HOMESERVER_DIALECT_H
#define REGISTRAR_BACKENDS_HOMESERVER_DIALECT_H

#include "backends/backend.h"
#include "matrix/call.h"

struct users_manner;

/* What a refused registration is refused for. */
enum registration_refusal {
    REFUSAL_OTHER,
    REFUSAL_NONCE,  /* the server does not know it, or no more */
    REFUSAL_SECRET, /* the MAC is of another secret */
    REFUSAL_TAKEN,  /* there is an account of that name */
};

/* Whether a server makes its first account an administrator by itself. */
enum first_account {
    FIRST_IS_NOBODY,     /* it does not */
    FIRST_PROMOTED,      /* the first that registers as anybody may */
    FIRST_WITH_SESSION,  /* the same, if the registration makes a session (Conduit) */
};

struct homeserver_dialect {
    bool has_user_types;      /* a registration, and its MAC, may have one */
    bool registers_silently;  /* a registration can be asked to make no session */
    bool registers_any_device; /* its session is on the device that is asked for */
    bool checks_types_first; /* a member of a wrong type is refused before the MAC is
                                looked at */
    bool adds_to_names;      /* a display name that is registered gets something added */
    bool has_admin_room;     /* being joined to "#admins:<server name>" is what makes an
                                administrator */
    const struct users_manner *users; /* how it has the API of synapse/users.h; NULL: as
                                         Synapse */

    enum first_account first_account;
    /* The device of a login that asks something of an account, which is always the same
     * so that none piles up; its refusals say what the account is (states.h). NULL: a new
     * one each time, and all that a refusal says is that it is one. */
    const char *login_device;
    bool locks_behind_password; /* only the right password is told that it is locked */
    /* What goes on working when emergency_password is unset again, and the cure: a
     * sentence. NULL: nothing does. */
    const char *emergency_rest;

    /* What is said of a refusal; by its status and words. */
    enum registration_refusal (*read_refusal)(const struct answer *answer);

    /* Records a refusal of a registration that is none of the above. Always -1. */
    int (*refuse)(const struct answer *answer, const char *what, struct error *error);

    /* What to do about a secret that is not the server's: "restart it ...". */
    const char *secret_advice;

    /* Records why there is no registration with a shared secret. Always -1. */
    int (*explain_missing)(struct backend *backend, const struct answer *answer,
        struct error *error);

    /* Whether the answer to a registration that is to prove the secret, and to make
     * nothing, shows that the server took the MAC. */
    bool (*proves_secret)(const struct answer *answer);

    /* Fills method, path (for memory_free) and body (for json_decref) of an
     * administrator's call that sets a password and ends no session. -1: memory. */
    int (*build_reset)(struct call *call, char **path, const char *user_id,
        const struct secret *password);

    /* What the account that is logged in as itself can see of itself, its profile
     * and what an administrator would know. */
    int (*look_as_itself)(struct backend *backend, struct observation *observed,
        struct error *error);
};

#endif
