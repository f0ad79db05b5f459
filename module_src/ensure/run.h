/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share while one wish is in hand. */
#ifndef REGISTRAR_ENSURE_RUN_H
#define REGISTRAR_ENSURE_RUN_H

#include "ensure/ensure.h"

/* One wish in hand. */
struct run {
    struct backend *backend;
    const struct backend_type *type;
    const struct wish *wish;
    enum ensure_mode mode;
    size_t *logins;        /* so far, of the whole list */
    bool avoid_logins;     /* the list has too many that would take one */
    struct account wanted; /* the wish with its names; while it is made, with what
                              is initial */
    struct observation now;
    bool password_asked;
    enum password_answer password_answer;
    char why[256]; /* it could not be told */
    bool guessed;  /* something could not be seen, and is predicted */
    struct outcome *outcome;
    struct error *error;
};

/* How an account is called in messages. */
const char *run_name(const struct run *run);

/* True while the backend acts as an administrator. */
bool run_has_administrator(const struct run *run);

/* Records that `what` of the account takes an administrator. Always -1. */
int run_needs_administrator(struct run *run, const char *what);

/*
 * True when there is no administrator yet, though one could be had. In check
 * mode one may have been predicted; that is not asked for again.
 */
bool run_may_become_administrator(const struct run *run);

/*
 * Becomes one, and looks at the account again with other eyes. What the
 * backend predicts instead (check mode) leaves everything as it was seen.
 */
int run_become_administrator(struct run *run);

/* Becomes one from the start where the wish is such that the next run, at the
 * latest, would need one. */
int run_prepare(struct run *run);

/* Refuses (invalid) a user id of another server. The server's own name may
 * become known only with an administrator's login. */
int run_check_server_name(struct run *run);

/* Looks at the account. */
int run_look(struct run *run);

/* Asks about the password once; later calls have the answer in the run. */
int run_ask_password(struct run *run);

/* As run_ask_password, for what is only to be predicted: that a login is not to
 * be had is no error, and there is no answer then. */
int run_try_password(struct run *run);

/* From here on it is wanted as a new account is to be. */
int run_want_new(struct run *run);

/* From here on it is wanted as one that is there already is to be. */
void run_want_existing(struct run *run);

/* Makes the password up that is due now, where the wish says so. */
int run_generate_password(struct run *run);

/* Hands out a password that was made up, once it was, or may have been, set. */
int run_hand_out_password(struct run *run);

/* What differs from the wish, and what could not be seen, which is thought to
 * differ. change is for account_free. */
int run_difference(struct run *run, struct account *change);

/* Goes on with what was seen. */
int run_decide(struct run *run);

/* The account is there: make it what is wanted, as far as the wish allows. */
int run_existing(struct run *run);

/* if_exists: match: the account has to have the password given. */
int run_require_match(struct run *run);

/* Nothing was seen: not there, or not to be seen by us. */
int run_absent(struct run *run);

#endif
