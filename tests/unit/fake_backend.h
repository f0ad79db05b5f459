/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A server of the unit tests' own, a list in memory, and one run of
 * ensure_accounts against it. */
#ifndef REGISTRAR_TESTS_FAKE_BACKEND_H
#define REGISTRAR_TESTS_FAKE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/backend.h"
#include "ensure/ensure.h"

#define FAKE_ACCOUNTS 8

struct fake_account {
    char localpart[32];
    char displayname[32]; /* "": none */
    char user_type[32];   /* "": an ordinary user; only administrators see it */
    char password[32];
    bool admin, deactivated;
    bool locked; /* that no creation makes, so it is left for an update */
};

/* An operation that goes wrong, once. */
struct fake_fault {
    const char *operation; /* "create", or "become" of FAKE_SERVICE; NULL: none */
    const char *localpart;
    enum error_kind kind;
    long status;
    bool maybe_done;
    unsigned done; /* of an update, the ACCOUNT_BITs that were done before it;
                      of a creation, anything but 0: it was made */
};

/* The service account, which is not among the accounts. */
#define FAKE_SERVICE "service"

/* What is "become" with a database. */
#define FAKE_DATABASE "database"

struct fake {
    struct fake_account accounts[FAKE_ACCOUNTS];
    size_t count;
    bool cannot_tell;      /* about passwords */
    bool has_service;      /* the service account was made before */
    bool no_logins;        /* the server has no password logins */
    bool profiles;         /* everybody sees who is there, and the display name */
    bool blind;            /* as profiles, and an administrator sees no more: only the
                              database does, or the account itself. An administrator
                              sets passwords, the database all but display names */
    const char *shut;      /* who may register by themselves, of a server that says which
                              names are taken: "": everybody, else nobody, and this is why;
                              NULL: another server */
    bool promotes;         /* it makes an administrator of each new account */
    char own[32];          /* who is logged in as itself, "" : nobody */
    unsigned mask;         /* of the newest look */
    const char *itself;    /* the localpart of the caller, or NULL */
    const char *forbidden; /* may_create says no to this one */
    bool there_by_then;    /* of a name that is taken, a creation does not say by whom */
    const char *hidden_once; /* the first look at it comes too early to see it */
    struct fake_fault faults[4];
    char calls[1024]; /* "lookup alice, create alice, " */
    bool logged_out_devices;
};

/* A run: everything that ensure_accounts needs. */
struct trial {
    struct fake fake;
    struct connection connection;
    struct backend backend;
    struct list warnings;
    struct list actions; /* beside the accounts */
    struct wish wishes[FAKE_ACCOUNTS];
    struct outcome outcomes[FAKE_ACCOUNTS];
    size_t count;
    struct error error;
};

enum trial_credential {
    BY_ADMINISTRATOR,
    BY_SHARED_SECRET,   /* and no service account is allowed */
    BY_SERVICE_ACCOUNT, /* the shared secret, with which one can be made */
    BY_NOBODY,
};

/* The server is example.org and has @alice, with the password "right" and the
 * display name "Alice". */
void trial_start(struct trial *trial, enum trial_credential credential);

/* The server is blind from here on, and has a database or none. */
void trial_blind(struct trial *trial, bool has_database);

/* The server says which names are taken, and lets everybody register ("") or nobody. */
void trial_shut(struct trial *trial, const char *why);

/* One more account of the server's. */
struct fake_account *trial_account(struct trial *trial, const char *localpart);

/* One more wish, for an account with nothing stated; password may be NULL. */
struct wish *trial_wish(struct trial *trial, const char *name, const char *password);

/* State a field of what is wished for. */
void trial_want(struct wish *wish, enum account_field field, bool value);
void trial_want_text(struct wish *wish, enum account_field field, const char *value);

int trial_run(struct trial *trial, enum ensure_mode mode);

/* A run that is over is to be followed by another one, of a new task: the
 * server stays as it is, all else is as trial_start left it. */
void trial_repeat(struct trial *trial);

/* What a test looks at most: the first outcome's actions, "create, set admin". */
const char *trial_actions(const struct trial *trial);

/* The account as the server has it now, or NULL. */
struct fake_account *trial_find(struct trial *trial, const char *localpart);

void trial_end(struct trial *trial);

#endif
