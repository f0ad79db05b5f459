/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contract between the loop over accounts and a server. A server is one
 * file or folder with one public const struct backend_type, listed in
 * backend.c. Operations return 0, or -1 with an error recorded; an answer
 * such as "absent" is not an error.
 *
 * A backend is used by one thread at a time.
 */
#ifndef REGISTRAR_BACKENDS_BACKEND_H
#define REGISTRAR_BACKENDS_BACKEND_H

#include <stdbool.h>

#include "accounts/account.h"
#include "backends/capabilities.h"
#include "backends/connection.h"
#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"
#include "db/postgres.h"
#include "matrix/call.h"

enum presence {
    PRESENCE_UNKNOWN, /* nothing was found, by somebody who may not see all */
    PRESENCE_ABSENT,
    PRESENCE_PRESENT,
};

/* What is, as far as it could be seen: fields not seen are not stated. */
struct observation {
    enum presence presence;
    struct account account;
    bool unfinished; /* it was made by a run of ours that was cut off before its
                        password was set */
    bool password_is_set; /* of a creation that an error ended: by it, whatever failed then */
    bool lacks_password; /* it has none, no other way in, and was never seen; perhaps
                            it is somebody else's, still in the making */
};

/* What a wish lets a server leave out. */
struct leeway {
    bool skip_password_check;   /* how strong a password is */
    bool skip_homeserver_check; /* whether the homeserver has the name already */
};

enum password_answer {
    PASSWORD_SAME,
    PASSWORD_DIFFERENT,
    PASSWORD_CANNOT_TELL,
};

/* Whether the server lets us act as one of its administrators. */
enum authority {
    AUTHORITY_NONE,
    AUTHORITY_PREDICTED, /* check mode: it would by then, having been told to */
    AUTHORITY_ADMINISTRATOR,
};

enum creation {
    CREATION_DONE,
    CREATION_NAME_TAKEN, /* by an account that lookup may not have shown */
    CREATION_PERHAPS,    /* taken, perhaps by a request of ours that had no reply */
};

/* Of the text that says why a password cannot be asked about. */
#define PASSWORD_WHY_SIZE 256

struct backend;
struct postgres;
struct discovery_source;
struct homeserver_dialect;

struct backend_type {
    enum server server;
    const char *product;       /* "Synapse", as the server calls itself */
    const char *own_path;      /* where it answers and no other server does, or NULL */
    const char *administrator; /* the options that make an administrator here */
    const char *creator;       /* the options with which accounts are created */
    /* What would show the fields that its API shows to no administrator, as "give
     * database"; NULL: it shows all. */
    const char *unseen;
    /* What spares a login a user where it is asked whether a password is that one
     * already, whatever opens the server; NULL: an administrator does. */
    const char *login_question;
    const struct discovery_source *source; /* its configuration, or NULL: cannot be found */
    const struct homeserver_dialect *dialect; /* of a homeserver (homeserver/dialect.h) */

    /* Makes sure that it can act (version, credentials). Reads only, but for
     * a login. */
    int (*open)(struct backend *backend, struct error *error);

    /* Whether the server takes the credential that it was opened with; changes
     * nothing. Errors: unauthorized, forbidden (no administrator's), ... */
    int (*check_credential)(struct backend *backend, struct error *error);

    /* Adds the user ids of the server's administrators who are active; takes
     * one. */
    int (*list_administrators)(struct backend *backend, struct list *user_ids,
        struct error *error);

    /* Refuses values that the server would refuse, before anything is sent. */
    int (*vet)(struct backend *backend, const struct account *wanted, struct error *error);

    /* Brings what is wanted into the server's own terms, so that it can be compared
     * with what is seen; NULL: they are everybody's. */
    int (*translate)(struct backend *backend, struct account *wanted, struct error *error);

    /* Sees to it that backend->authority is not AUTHORITY_NONE, or says why it
     * must stay so (unauthorized, unsupported, conflict, ...). It may take a
     * service account for that, which is then told in backend->actions; in
     * check mode none is made or touched. */
    int (*become_administrator)(struct backend *backend, struct error *error);

    /* Looks at one account: presence, and of the fields in mask (ACCOUNT_BITs)
     * those that can be seen. observed comes with its names filled. */
    int (*lookup)(struct backend *backend, unsigned mask, struct observation *observed,
        struct error *error);

    /* Whether ask_password would log the account of the newest lookup in, on a server
     * that limits logins. */
    bool (*asks_by_login)(const struct backend *backend);

    /* Asks whether the password is the account's, leaving no trace. What the
     * way of asking shows besides is added to observed. why (PASSWORD_WHY_SIZE) says
     * why it cannot tell. */
    int (*ask_password)(struct backend *backend, struct observation *observed,
        const struct secret *password, enum password_answer *answer, char *why,
        struct error *error);

    /* Whether create would be let through, as far as that can be known without
     * doing it. For check mode; create checks again by itself. */
    int (*may_create)(struct backend *backend, const struct account *wanted,
        struct error *error);

    /* Whether accounts are created here without any credential, by registering as anybody
     * may; why says why not. NULL: they are not. */
    int (*creates_openly)(struct backend *backend, bool *possible, char why[300],
        struct error *error);

    /* Whether create and the update after it can make an account of all that
     * wanted says, with the authority there is now. */
    bool (*creates)(const struct backend *backend, const struct account *wanted);

    /* Makes the account, perhaps without fields that the server could refuse
     * when it is there already; observed becomes what now is, and what is left
     * is for update. */
    int (*create)(struct backend *backend, const struct account *wanted,
        enum creation *creation, struct observation *observed, struct error *error);

    /* Whether update can make this change, with the authority there is now. */
    bool (*updates)(const struct backend *backend, const struct account *change);

    /* Whether update would be let through. Asked right before each update, also
     * when it follows at once. */
    int (*may_update)(struct backend *backend, const struct observation *observed,
        const struct account *change, struct error *error);

    /* Applies a change, in an order that can be cut off anywhere and repeated;
     * observed becomes what now is, also when an error ends it midway. */
    int (*update)(struct backend *backend, struct observation *observed,
        const struct account *change, bool logout_devices, struct error *error);

    /* Completes a prediction: after is what the account would be by the change
     * alone, and the server does more by itself (a deactivation takes addresses
     * away). */
    int (*foresee)(const struct backend *backend, struct account *after,
        const struct account *change, struct error *error);

    /* Whether verify_login can be of use here at all. Asked before anything is
     * changed. */
    int (*may_verify_login)(struct backend *backend, struct error *error);

    /* Logs in as the account as its owner's client would, and out again.
     * Errors: unauthorized (the password does not open it), ... */
    int (*verify_login)(struct backend *backend, const struct account *account,
        const struct secret *password, struct error *error);

    /* Logs out what it logged in and frees what open made. */
    void (*close)(struct backend *backend);
};

struct backend {
    const struct backend_type *type;
    const struct connection *connection;
    struct retry retry;
    struct matrix matrix;         /* the homeserver; its http is NULL where only MAS is known */
    char *server_name;            /* NULL while nobody said it */
    bool server_name_asked;       /* the server was asked, once is enough */
    char version[32];             /* of the server, "" while unknown */
    const char *authenticated_by; /* the option that opened the server */
    struct list *warnings;        /* for whoever ran the task; the caller's */
    struct list *actions;         /* what was done beside the accounts; the caller's */
    bool predict;                 /* check mode: nothing is made or changed */
    enum authority authority;     /* of what is open now */
    struct leeway leeway;         /* of the wish in hand */
    bool restart_required;        /* the running server does not know a change yet */
    struct postgres *database_begun; /* it was begun to connect */
    long long database_begun_ms;     /* on stop_clock_ms */
    struct postgres *database;    /* connected to when it is first needed (database.h) */
    struct postgres_options database_options; /* as it was connected to */
    char database_address[ROUTE_ADDRESS_SIZE];
    bool database_is_unusable;    /* it was only found, and does not open */
    bool is_delegated;            /* another service has the accounts (MAS) */
    void *state;                  /* the type's own */
};

/* Where a backend tells what it has to tell, and how it is to work. */
struct backend_setting {
    struct list *warnings;
    struct list *actions;
    bool predict;
};

/*
 * Connects to the server of a connection, which must outlive the backend, as
 * must the setting's lists: finds out which it is when told "auto", and opens
 * it. For backend_close, also after an error, so that a login is undone; NULL
 * only without memory or with a URL that cannot be one.
 */
struct backend *backend_open(const struct connection *connection,
    const struct backend_setting *setting, struct error *error);

/* Closes, logging out what was logged in. NULL is allowed. */
void backend_close(struct backend *backend);

/*
 * Learns the server's name, unless it is known, from the server itself or
 * from the option; NULL in backend->server_name afterwards: nobody says.
 * Errors: invalid when the option says another name than the server.
 */
int backend_learn_server_name(struct backend *backend, struct error *error);

/*
 * Refuses (invalid) a server whose name, which is known, is not the one that
 * the option says.
 */
int backend_check_server_name(const struct backend *backend, struct error *error);

/* The types there are: a NULL-terminated table. */
extern const struct backend_type *const backend_types[];

#endif
