/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loop that makes accounts what they are wanted to be: look, subtract,
 * apply; in check mode it stops before applying. It knows no server and no
 * Ansible.
 */
#ifndef REGISTRAR_ENSURE_ENSURE_H
#define REGISTRAR_ENSURE_ENSURE_H

#include <stdbool.h>
#include <stddef.h>

#include "accounts/account.h"
#include "backends/backend.h"
#include "base/error.h"
#include "base/list.h"
#include "matrix/user_id.h"

enum if_exists { IF_EXISTS_UPDATE, IF_EXISTS_MATCH, IF_EXISTS_FAIL };
enum if_absent { IF_ABSENT_CREATE, IF_ABSENT_FAIL };
enum update_password { UPDATE_PASSWORD_ON_CREATE, UPDATE_PASSWORD_ALWAYS };

/* One account as a task wants it. */
struct wish {
    struct user_id id;
    struct account account; /* deactivated is stated when it is wanted true, or
                               when it may be turned off (reactivate) */
    struct account initial; /* what it is besides when it is made here. One that is
                               there is neither asked for it nor made so. It states
                               nothing that `account` states */
    enum if_exists if_exists;
    enum if_absent if_absent;
    enum update_password update_password;
    bool password_probe;
    bool logout_devices;
    struct leeway leeway;
    bool generate_password; /* make one up where one is due */
    bool verify_login;      /* log in with it in the end, and out again */
};

void wish_free(struct wish *wish);

/* What became of a wish, or what would. */
struct outcome {
    bool tried;            /* a list may end before its turn came */
    bool changed;          /* something was done, or would be */
    bool created;
    bool guess;            /* in check mode: could not be known for certain */
    bool password_set;
    struct list actions;   /* in the order of account_field, after "create" */
    struct secret generated_password; /* the one that was made up and set, if any */
    struct account before; /* what was seen; nothing stated: it was not there */
    struct account after;
    struct error error;
};

void outcome_free(struct outcome *outcome);

enum ensure_mode { ENSURE_PREDICT, ENSURE_APPLY };

/* How many accounts in one run may be logged in just to see whether they are
 * the caller's: servers limit logins, Synapse to five. */
#define ENSURE_LOGINS_MOST 3

/* How many wishes take a login of the account's own, where there is no
 * administrator. */
size_t ensure_own_logins(const struct wish *wishes, size_t count);

/*
 * Grants the wishes one after the other; outcomes has room for count. An error
 * that is one account's is in its outcome. Returns -1 with an error recorded
 * only for what ends the whole list; what was done until then stands in the
 * outcomes.
 */
int ensure_accounts(struct backend *backend, const struct wish *wishes, size_t count,
    enum ensure_mode mode, struct outcome *outcomes, struct error *error);

#endif
