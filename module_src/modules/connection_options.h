/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options "where and how" that all modules share. */
#ifndef REGISTRAR_MODULES_CONNECTION_OPTIONS_H
#define REGISTRAR_MODULES_CONNECTION_OPTIONS_H

#include "ansible/options.h"
#include "backends/capabilities.h"
#include "backends/connection.h"
#include "base/error.h"
#include "db/postgres.h"

struct connection_options {
    int backend; /* index in connection_backends */
    char *url;
    char *unix_socket;
    char *container;
    char *container_socket;
    char *server_name;
    struct option_boolean validate_certs;
    char *ca_path;
    char *client_cert;
    char *client_key;
    struct option_boolean use_proxy;
    struct option_integer timeout;
    struct option_integer wait_timeout;
    struct option_integer retry_timeout;
    struct secret access_token;
    char *admin_username;
    struct secret admin_password;
    struct secret registration_shared_secret;
    char *registration_shared_secret_path;
    struct secret registration_shared_secret_previous;
    struct secret registration_token;
    struct secret emergency_password;
    char *service_account;
    char *session_file;
    char *mas_url;
    char *mas_admin_url;
    char *mas_container;
    char *mas_client_id;
    struct secret mas_client_secret;
    char *mas_client_secret_path;
    struct secret mas_token;
    struct option_dicts database; /* struct database_options */
    struct secret password_pepper;
    struct postgres_options postgres; /* what database comes to; no option */
};

extern const struct option_set connection_option_set;

/*
 * Fills connection, whose strings stay the options' and which must not move
 * from then on; reads the secret's file into options. Its url is NULL when
 * nothing says where the server is (modules/location.h). Errors: invalid,
 * memory.
 */
int connection_options_apply(struct connection_options *options,
    struct connection *connection, struct error *error);

/*
 * Refuses (unsupported) a credential that is given or found and that this server cannot
 * take: that of the option, or any with NULL. One that is left alone where it is of no
 * use, because it may be meant for the homeserver behind MAS, is not refused.
 */
int connection_options_vet(const struct connection *connection, enum server server,
    const char *option, struct error *error);

/* How a container engine is asked. */
struct engine_options connection_options_engine(const struct connection_options *options);

#endif
