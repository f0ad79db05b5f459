/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GET and PUT /_synapse/admin/v2/users/<user id>, POST v1/deactivate (Synapse:
 * synapse/rest/admin/users.py, UserRestServletV2, DeactivateAccountRestServlet).
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_USERS_H
#define REGISTRAR_BACKENDS_SYNAPSE_USERS_H

#include "backends/backend.h"

/* The fields that users_create makes. The others could be refused when the
 * account is there already, so they are updates. */
#define USERS_CREATED_FIELDS                                                               \
    (ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                          \
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_USER_TYPE) |                \
        ACCOUNT_BIT(ACCOUNT_EMAILS))

/*
 * Where a server that has this API differs from Synapse: one const table, in its
 * homeserver_dialect.
 */
struct users_manner {
    /* Adds to the JSON of an account what the server leaves out; NULL: nothing. -1:
     * memory. */
    int (*complete)(json_t *body);
    /* The body of a PUT that makes the account (USERS_CREATED_FIELDS), for json_decref;
     * NULL: memory. */
    json_t *(*creation_body)(const struct account *wanted);
    bool never_says_created; /* 200 where Synapse says 201 */
    bool has_only_emails;    /* there are no threepids of other media to be kept */
    /* Records why a change was refused. Always -1. */
    int (*refuse)(const struct answer *answer, const struct account *change,
        struct error *error);
};

/* Looks at observed->account.user_id with an administrator's token; the fields
 * of mask that take a request of their own are looked at, too. */
int users_lookup(struct backend *backend, const struct secret *token, unsigned mask,
    struct observation *observed, struct error *error);

/* Whether the server would take the account's name (username_available). */
int users_may_create(struct backend *backend, const struct account *wanted,
    struct error *error);

/*
 * Makes an account; that the name is free was looked up before. A name that is
 * taken all the same (in other case, say) is an answer. So is an account that is
 * there by then: it keeps its password, rights and type, and at most gets the
 * display name, and with one the addresses, that are wanted. observed becomes
 * what now is.
 */
int users_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error);

/*
 * What PUTs can change (USER_JSON_PUT_FIELDS, and no others in change), as many of
 * them as rate limits ask for, with an administrator's token. observed, which has
 * its names, becomes what the server says; change is used up.
 */
int users_put(struct backend *backend, const struct secret *token,
    struct observation *observed, struct account *change, bool logout_devices,
    struct error *error);

/* Applies a change, see backend_type.update. */
int users_update(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error);

/* See homeserver_dialect.build_reset. */
int users_build_reset(struct call *call, char **path, const char *user_id,
    const struct secret *password);

/* See backend_type.foresee: synapse/handlers/deactivate_account.py. */
int users_foresee(struct account *after, const struct account *change, struct error *error);

#endif
