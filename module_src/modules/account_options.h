/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options "whom": one account of matrix_user, alone or inside `users`. */
#ifndef REGISTRAR_MODULES_ACCOUNT_OPTIONS_H
#define REGISTRAR_MODULES_ACCOUNT_OPTIONS_H

#include "ansible/options.h"
#include "base/error.h"
#include "ensure/ensure.h"

/* One of external_ids. */
struct external_id_options {
    char *provider;
    char *id;
};

struct ratelimit_options {
    struct option_integer messages_per_second;
    struct option_integer burst_count;
};

struct account_options {
    char *username;
    int state;
    int if_exists;
    int if_absent;
    struct secret password;
    int update_password;
    struct option_boolean password_probe;
    struct option_boolean generate_password;
    struct option_boolean verify_login;
    struct option_boolean logout_devices;
    struct option_boolean skip_password_check;
    struct option_boolean skip_homeserver_check;
    struct option_boolean admin;
    char *user_type;
    int initial_type; /* or OPTION_NO_CHOICE */
    char *displayname;
    char *avatar_url;
    struct option_strings emails;
    int emails_mode;
    struct option_dicts external_ids; /* struct external_id_options */
    int external_ids_mode;
    struct option_dicts ratelimit;    /* struct ratelimit_options */
    struct option_boolean locked;
    struct option_boolean suspended;
    struct option_boolean shadow_banned;
    struct option_boolean reactivate;
    struct option_boolean erase;
};

/* Of the single user: `username` may be missing, `users` stands for it. */
extern const struct option_set account_option_set;

/* Of one element of `users`. */
extern const struct option_set account_element_option_set;

/* Fills wish, for wish_free, also after an error (invalid, memory). */
int account_options_apply(const struct account_options *options, struct wish *wish,
    struct error *error);

#endif
