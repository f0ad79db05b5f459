/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a homeserver is, how it is reached, and what opens it: the options
 * that all modules share, after they were read. Immutable from then on. */
#ifndef REGISTRAR_BACKENDS_CONNECTION_H
#define REGISTRAR_BACKENDS_CONNECTION_H

#include <stdbool.h>

#include "base/secret.h"
#include "backends/mas/schemes.h"
#include "db/postgres.h"
#include "net/container.h"
#include "net/http.h"

/* How one of MAS's listeners is reached. */
struct mas_reach {
    const char *unix_socket; /* what is connected to in place of the host, or NULL */
    const char *address;     /* the same: a literal one, or NULL */
    bool into_container;     /* the same: as the finder says */
    bool use_proxy;          /* as in http_options */
};

/* Matrix Authentication Service, where it has the accounts: what is said of it. */
struct mas_connection {
    const char *url;       /* its base (tokens and logins), or NULL: as the homeserver says */
    const char *admin_url; /* the base of its admin API, or NULL: url */
    struct mas_reach reach;       /* of url */
    struct mas_reach admin_reach; /* of admin_url */
    struct container container; /* in which it is, if it has a name */
    struct route_finder finder; /* of the way into it; find is NULL: there is no container */
    const char *client_id; /* or NULL */
    const struct secret *client_secret; /* with client_id */
    const struct secret *token; /* of a personal session, or NULL */
    bool sends_secret_in_body;  /* client_secret_post; else it is found out */
    const char *command_container; /* in which its own command is, or NULL: none */
    const char *command_config;    /* the configuration there that it is given, or NULL */
    const struct mas_schemes *schemes; /* as it was found, or NULL */
    const char *schemes_trouble; /* why they are not known, so that no hash can be compared,
                                    or NULL */
};

struct connection {
    const char *backend; /* a backend's name, or "auto" */
    const char *server_name; /* NULL: the server is asked */
    struct http_options http; /* its finder may be the one below; url is NULL where only
                                 MAS is known, and no homeserver */
    struct container container; /* in which the server is, if it has a name */
    struct route_finder finder; /* of the way into it */
    long long wait_timeout_ms;
    long long retry_timeout_ms;
    const struct secret *access_token;   /* credentials: each may be NULL */
    const char *admin_username;
    const struct secret *admin_password; /* with admin_username */
    const struct secret *shared_secret;
    const struct secret *shared_secret_previous; /* the one before it was changed */
    const struct secret *registration_token; /* with which anybody may register, or the first
                                                user (continuwuity) */
    const struct secret *emergency_password; /* of the server's own user (@conduit) */
    const char *service_account; /* its localpart; NULL: there shall be none */
    const char *session_file;    /* a path, or NULL: no session outlives the task */
    const struct postgres_options *database; /* the homeserver's, or NULL */
    bool database_is_found;       /* it was not given, so that it is no error of a task
                                     that can do without */
    const char *database_trouble; /* why one that could be of use was found and is none,
                                     or NULL */
    const char *database_container; /* whose name its host may be, or NULL */
    struct engine_options engine;   /* that knows the container */
    struct mas_connection mas;
    const struct secret *password_pepper;    /* of the hashes in it, or NULL */
};

/*
 * The way to the server is this unix socket; NULL: none. Synapse takes who asks
 * over one for a reverse proxy, and breaks down over a login that does not say
 * for whom (synapse/rest/client/login.py: getClientAddress().host).
 */
void connection_over_socket(struct connection *connection, const char *unix_socket);

/*
 * The way to the server is into a container, by its name or id. The connection
 * must stay where it is from then on.
 */
void connection_into_container(struct connection *connection, const char *name,
    const struct engine_options *engine);

/* The same for MAS, whose connection must stay where it is, too. */
void connection_mas_into_container(struct mas_connection *mas, const char *name,
    const struct engine_options *engine);

/* True when something is given that opens MAS's admin API. */
bool connection_has_mas_credential(const struct connection *connection);

/* True when there is something that opens MAS: its admin API, or its database with
 * its own command. */
bool connection_opens_mas(const struct connection *connection);

/* True when emergency_password is what opens the server, as the server's own user: nothing
 * that comes before it is given. */
bool connection_is_emergency(const struct connection *connection);

/* True when a credential of an administrator is given. */
bool connection_has_administrator(const struct connection *connection);

/* True when one could be had: given, or made with the shared secret. A database
 * is none, though it may do. */
bool connection_may_administrate(const struct connection *connection);

/* True when a credential that can create accounts is given. */
bool connection_can_create(const struct connection *connection);

#endif
