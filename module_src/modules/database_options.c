/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/database_options.h"

#include <stddef.h>

/* An option is called as its field is. */
#define ROW(field, option_type)                                                            \
    .name = #field, .type = option_type, .offset = offsetof(struct database_options, field)

/* libpq's, in its own words. */
static const char *const modes[] = {"disable", "allow", "prefer", "require", "verify-ca",
    "verify-full", NULL};

/* Also as Ansible's modules for PostgreSQL spell them. */
static const char *const host_aliases[] = {"login_host", NULL};
static const char *const port_aliases[] = {"login_port", NULL};
static const char *const name_aliases[] = {"login_db", "db", NULL};
static const char *const user_aliases[] = {"login_user", NULL};
static const char *const password_aliases[] = {"login_password", NULL};
static const char *const sslmode_aliases[] = {"ssl_mode", NULL};
static const char *const ca_path_aliases[] = {"ca_cert", "ssl_rootcert", NULL};

static const struct option options[] = {
    {ROW(uri, OPTION_SECRET)},
    {ROW(host, OPTION_STRING), .aliases = host_aliases},
    {ROW(port, OPTION_INTEGER), .aliases = port_aliases, .least = 1, .most = 65535},
    {ROW(name, OPTION_STRING), .aliases = name_aliases},
    {ROW(user, OPTION_STRING), .aliases = user_aliases},
    {ROW(password, OPTION_SECRET), .aliases = password_aliases},
    {ROW(sslmode, OPTION_CHOICE), .aliases = sslmode_aliases, .choices = modes},
    {ROW(ca_path, OPTION_PATH), .aliases = ca_path_aliases},
    {ROW(connect_timeout, OPTION_INTEGER), .fallback = "10", .least = 1, .most = 3600},
    {ROW(use_libpq_environment, OPTION_BOOLEAN), .fallback = "false"},
    {ROW(run_as, OPTION_STRING)},
};

const struct option_set database_option_set = {
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .size = sizeof(struct database_options),
};

static const struct secret *
if_given(const struct secret *secret)
{
    return secret_given(secret) ? secret : NULL;
}

int
database_options_apply(const struct database_options *given, long timeout_ms,
    struct postgres_options *postgres, struct error *error)
{
    if (!secret_given(&given->uri) && given->host == NULL && given->name == NULL &&
        !given->use_libpq_environment.value)
        return error_set(error, ERROR_INVALID,
            "database says with uri, or with host and name, which database it is");
    *postgres = (struct postgres_options){
        .uri = if_given(&given->uri),
        .host = given->host,
        .port = given->port.value,
        .name = given->name,
        .user = given->user,
        .password = if_given(&given->password),
        .sslmode = given->sslmode == OPTION_NO_CHOICE ? NULL : modes[given->sslmode],
        .ca_path = given->ca_path,
        .connect_timeout_ms = given->connect_timeout.value * 1000,
        .statement_timeout_ms = timeout_ms,
        .use_environment = given->use_libpq_environment.value,
        .run_as = given->run_as,
    };
    return 0;
}
