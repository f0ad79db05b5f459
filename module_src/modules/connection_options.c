/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/connection_options.h"

#include <stddef.h>
#include <string.h>

#include "backends/capabilities.h"
#include "matrix/secret_file.h"
#include "matrix/user_id.h"
#include "modules/database_options.h"
#include "modules/mas_options.h"

/* An option is called as its field is. */
#define ROW(field, option_type)                                                            \
    .name = #field, .type = option_type, .offset = offsetof(struct connection_options, field)

/* "auto", then the servers in the order of enum server. */
static const char *const backends[] = {"auto", "synapse", "dendrite", "mas", "tuwunel",
    "continuwuity", "conduit", NULL};

static const struct option options[] = {
    {ROW(backend, OPTION_CHOICE), .choices = backends, .fallback = "auto"},
    {ROW(url, OPTION_STRING)},
    {ROW(unix_socket, OPTION_PATH)},
    {ROW(container, OPTION_STRING)},
    {ROW(container_socket, OPTION_PATH)},
    {ROW(server_name, OPTION_STRING)},
    {ROW(validate_certs, OPTION_BOOLEAN), .fallback = "true"},
    {ROW(ca_path, OPTION_PATH)},
    {ROW(client_cert, OPTION_PATH)},
    {ROW(client_key, OPTION_PATH)},
    {ROW(use_proxy, OPTION_BOOLEAN), .fallback = "true"},
    {ROW(timeout, OPTION_INTEGER), .fallback = "30", .least = 1, .most = 3600},
    {ROW(wait_timeout, OPTION_INTEGER), .fallback = "0", .least = 0,
        .most = 86400},
    {ROW(retry_timeout, OPTION_INTEGER), .fallback = "60", .least = 0,
        .most = 86400},
    {ROW(access_token, OPTION_SECRET)},
    {ROW(admin_username, OPTION_STRING)},
    {ROW(admin_password, OPTION_SECRET)},
    {ROW(registration_shared_secret, OPTION_SECRET)},
    {ROW(registration_shared_secret_path, OPTION_PATH)},
    {ROW(registration_shared_secret_previous, OPTION_SECRET)},
    {ROW(registration_token, OPTION_SECRET)},
    {ROW(emergency_password, OPTION_SECRET)},
    {ROW(service_account, OPTION_STRING), .fallback = "registrar-service"},
    {ROW(session_file, OPTION_PATH)},
    {ROW(mas_url, OPTION_STRING)},
    {ROW(mas_admin_url, OPTION_STRING)},
    {ROW(mas_container, OPTION_STRING)},
    {ROW(mas_client_id, OPTION_STRING)},
    {ROW(mas_client_secret, OPTION_SECRET)},
    {ROW(mas_client_secret_path, OPTION_PATH)},
    {ROW(mas_token, OPTION_SECRET)},
    {ROW(database, OPTION_DICT), .dict = &database_option_set},
    {ROW(password_pepper, OPTION_SECRET)},
};

static const struct option_rule rules[] = {
    {OPTION_RULE_EXCLUSIVE,
        {"registration_shared_secret", "registration_shared_secret_path", NULL}},
    {OPTION_RULE_EXCLUSIVE, {"unix_socket", "container", NULL}},
    {OPTION_RULE_TOGETHER, {"admin_username", "admin_password", NULL}},
    {OPTION_RULE_EXCLUSIVE, {"mas_client_secret", "mas_client_secret_path", NULL}},
    {OPTION_RULE_EXCLUSIVE, {"mas_client_id", "mas_token", NULL}},
    {OPTION_RULE_NEEDS, {"mas_client_secret", "mas_client_id", NULL}},
    {OPTION_RULE_NEEDS, {"mas_client_secret_path", "mas_client_id", NULL}},
    {OPTION_RULE_NEEDS, {"client_key", "client_cert", NULL}},
};

const struct option_set connection_option_set = {
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
    .rules = rules,
    .rule_count = sizeof(rules) / sizeof(rules[0]),
};

static const struct secret *
if_given(const struct secret *secret)
{
    return secret_given(secret) ? secret : NULL;
}

/* An empty text says that there shall be none. */
static const char *
if_not_empty(const char *text)
{
    return text == NULL || *text == '\0' ? NULL : text;
}

/* It stands on the server of the task, under a name that never changes. */
static int
check_service_account(const char *service_account, struct error *error)
{
    struct user_id id = {0};
    struct error parsing = {0};
    bool bare;

    if (*service_account == '\0')
        return 0;
    if (user_id_parse(&id, service_account, &parsing) != 0)
        return parsing.kind == ERROR_MEMORY
                   ? error_no_memory(error)
                   : error_set(error, parsing.kind, "service_account: %.1100s", parsing.text);
    bare = strcmp(id.localpart, service_account) == 0;
    user_id_free(&id);
    if (bare)
        return 0;
    return error_set(error, ERROR_INVALID,
        "service_account is a localpart in lower case, such as registrar-service, without "
        "@ and without a server name");
}

/* Otherwise the secret may be found together with the address. */
static bool
says_where(const struct connection_options *given)
{
    return given->url != NULL || given->unix_socket != NULL;
}

/* What one option alone cannot show. */
static int
check(const struct connection_options *given, struct error *error)
{
    if (given->server_name != NULL && !user_id_server_name_is_valid(given->server_name))
        return error_set(error, ERROR_INVALID,
            "server_name is the part behind the colon of user ids, such as example.org, not "
            "a URL");
    if (secret_given(&given->access_token) && !secret_is_token(&given->access_token))
        return error_set(error, ERROR_INVALID,
            "access_token has characters that no token has (white space, a line end?)");
    if (secret_given(&given->registration_shared_secret_previous) &&
        !secret_given(&given->registration_shared_secret) &&
        given->registration_shared_secret_path == NULL && says_where(given))
        return error_set(error, ERROR_INVALID,
            "registration_shared_secret_previous is what registration_shared_secret was "
            "before; it needs that or registration_shared_secret_path beside it");
    return check_service_account(given->service_account, error);
}

/* In place of a homeserver's, where nothing is said of one: what MAS alone can do. */
static void
prefer_mas(const struct connection_options *given, struct connection *connection)
{
    bool is_auto = strcmp(connection->backend, "auto") == 0;

    if (is_auto && given->mas_url != NULL && !says_where(given) && given->container == NULL)
        connection->backend = capabilities_server_name(SERVER_MAS);
}

int
connection_options_apply(struct connection_options *given, struct connection *connection,
    struct error *error)
{
    const char *url_of_a_socket;

    if (check(given, error) != 0)
        return -1;
    if (given->registration_shared_secret_path != NULL &&
        secret_file_read(&given->registration_shared_secret,
            given->registration_shared_secret_path, "registration_shared_secret_path",
            error) != 0)
        return -1;
    url_of_a_socket = given->unix_socket != NULL ? "http://localhost" : NULL;
    *connection = (struct connection){
        .backend = backends[given->backend],
        .server_name = given->server_name,
        .http =
            {
                .url = given->url != NULL ? given->url : url_of_a_socket,
                .validate_certs = given->validate_certs.value,
                .ca_path = given->ca_path,
                .client_cert = given->client_cert,
                .client_key = given->client_key,
                .use_proxy = given->use_proxy.value,
                .timeout_ms = given->timeout.value * 1000,
            },
        .wait_timeout_ms = given->wait_timeout.value * 1000LL,
        .retry_timeout_ms = given->retry_timeout.value * 1000LL,
        .access_token = if_given(&given->access_token),
        .admin_username = given->admin_username,
        .admin_password = if_given(&given->admin_password),
        .shared_secret = if_given(&given->registration_shared_secret),
        .shared_secret_previous = if_given(&given->registration_shared_secret_previous),
        .registration_token = if_given(&given->registration_token),
        .emergency_password = if_given(&given->emergency_password),
        .service_account = if_not_empty(given->service_account),
        .session_file = if_not_empty(given->session_file),
        .password_pepper = if_given(&given->password_pepper),
    };
    if (given->database.count > 0) {
        if (database_options_apply(given->database.items, given->timeout.value * 1000,
                &given->postgres, error) != 0)
            return -1;
        connection->database = &given->postgres;
    }
    connection_over_socket(connection, given->unix_socket);
    if (given->container != NULL) {
        const struct engine_options engine = connection_options_engine(given);

        connection_into_container(connection, given->container, &engine);
    }
    connection->engine = connection_options_engine(given);
    prefer_mas(given, connection);
    return mas_options_apply(given, &connection->mas, error);
}

/* The credentials that a server is refused for, and those that only make no difference. */
static const struct {
    const char *option;
    size_t field;      /* in struct connection, a pointer */
    unsigned harmless; /* SERVER_BITs */
} demands[] = {
    {"registration_shared_secret", offsetof(struct connection, shared_secret),
        SERVER_BIT(SERVER_MAS)},
    {"registration_token", offsetof(struct connection, registration_token), 0},
    {"emergency_password", offsetof(struct connection, emergency_password), 0},
    {"database", offsetof(struct connection, database), 0},
};

int
connection_options_vet(const struct connection *connection, enum server server,
    const char *option, struct error *error)
{
    for (size_t i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
        const void *given;

        memcpy(&given, (const char *)connection + demands[i].field, sizeof(given));
        if (given != NULL && (option == NULL || strcmp(option, demands[i].option) == 0) &&
            (demands[i].harmless & SERVER_BIT(server)) == 0 &&
            capabilities_require(capabilities_table, capabilities_count, server,
                demands[i].option, error) != 0)
            return -1;
    }
    return 0;
}

struct engine_options
connection_options_engine(const struct connection_options *given)
{
    return (struct engine_options){
        .socket = given->container_socket,
        .timeout_ms = given->timeout.value * 1000,
    };
}
