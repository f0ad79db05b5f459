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
    char password[32];
    bool admin, deactivated;
};

/* An operation that goes wrong, once. */
struct fake_fault {
    const char *operation; /* "create"; NULL: none */
    const char *localpart;
    enum error_kind kind;
    long status;
    bool maybe_done;
    unsigned done; /* of an update, the ACCOUNT_BITs that were done before it;
                      of a creation, anything but 0: it was made */
};

struct fake {
    struct fake_account accounts[FAKE_ACCOUNTS];
    size_t count;
    bool cannot_tell;      /* about passwords */
    const char *itself;    /* the localpart of the caller, or NULL */
    const char *forbidden; /* may_create says no to this one */
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
    struct wish wishes[FAKE_ACCOUNTS];
    struct outcome outcomes[FAKE_ACCOUNTS];
    size_t count;
    struct error error;
};

enum trial_credential { BY_ADMINISTRATOR, BY_SHARED_SECRET, BY_NOBODY };

/* The server is example.org and has @alice, with the password "right" and the
 * display name "Alice". */
void trial_start(struct trial *trial, enum trial_credential credential);

/* One more account of the server's. */
struct fake_account *trial_account(struct trial *trial, const char *localpart);

/* One more wish, for an account with nothing stated; password may be NULL. */
struct wish *trial_wish(struct trial *trial, const char *name, const char *password);

int trial_run(struct trial *trial, enum ensure_mode mode);

/* What a test looks at most: the first outcome's actions, "create, set admin". */
const char *trial_actions(const struct trial *trial);

/* The account as the server has it now, or NULL. */
struct fake_account *trial_find(struct trial *trial, const char *localpart);

void trial_end(struct trial *trial);

#endif
