/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option `database`: where the homeserver's PostgreSQL database is. */
#ifndef REGISTRAR_MODULES_DATABASE_OPTIONS_H
#define REGISTRAR_MODULES_DATABASE_OPTIONS_H

#include "ansible/options.h"
#include "base/error.h"
#include "db/postgres.h"

struct database_options {
    struct secret uri;
    char *host;
    struct option_integer port;
    char *name;
    char *user;
    struct secret password;
    int sslmode; /* index in libpq's modes, or OPTION_NO_CHOICE */
    char *ca_path;
    struct option_integer connect_timeout;
    struct option_boolean use_libpq_environment;
    char *run_as;
};

extern const struct option_set database_option_set;

/* Fills postgres, whose strings stay the options'. Errors: invalid. */
int database_options_apply(const struct database_options *options, long timeout_ms,
    struct postgres_options *postgres, struct error *error);

#endif
