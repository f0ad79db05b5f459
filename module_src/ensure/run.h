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
    struct account wanted; /* the wish with its names */
    struct observation now;
    bool password_asked;
    enum password_answer password_answer;
    char why[256]; /* it could not be told */
    struct outcome *outcome;
    struct error *error;
};

/* How an account is called in messages. */
const char *run_name(const struct run *run);

/* True when an administrator's credential was given. */
bool run_has_administrator(const struct run *run);

/* Records that `what` of the account takes an administrator. Always -1. */
int run_needs_administrator(struct run *run, const char *what);

/* Asks about the password once; later calls have the answer in the run. */
int run_ask_password(struct run *run);

/* The account is there: make it what is wanted, as far as the wish allows. */
int run_existing(struct run *run);

/* if_exists: match: the account has to have the password given. */
int run_require_match(struct run *run);

/* Nothing was seen: not there, or not to be seen by us. */
int run_absent(struct run *run);

#endif
