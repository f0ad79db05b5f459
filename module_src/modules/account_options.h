/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options "whom": one account of matrix_user, alone or inside `users`. */
#ifndef REGISTRAR_MODULES_ACCOUNT_OPTIONS_H
#define REGISTRAR_MODULES_ACCOUNT_OPTIONS_H

#include "ansible/options.h"
#include "base/error.h"
#include "ensure/ensure.h"

struct account_options {
    char *username;
    int state;
    int if_exists;
    int if_absent;
    struct secret password;
    int update_password;
    struct option_boolean password_probe;
    struct option_boolean logout_devices;
    struct option_boolean admin;
    char *displayname;
    struct option_boolean reactivate;
};

/* Of the single user: `username` may be missing, `users` stands for it. */
extern const struct option_set account_option_set;

/* Of one element of `users`. */
extern const struct option_set account_element_option_set;

/* Fills wish, for wish_free, also after an error (invalid, memory). */
int account_options_apply(const struct account_options *options, struct wish *wish,
    struct error *error);

#endif
