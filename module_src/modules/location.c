/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/location.h"

#include <string.h>
#include <strings.h>

#include "ansible/reply.h"
#include "backends/capabilities.h"
#include "backends/discovery.h"
#include "base/stop.h"

static bool
has_backend(const struct location *location, const char *name)
{
    return strcmp(location->connection.backend, name) == 0;
}

static bool
has_mas(const struct location *location)
{
    return has_backend(location, capabilities_server_name(SERVER_MAS));
}

/* Whether the task is for MAS, as far as the options say. */
static bool
may_be_mas(const struct location *location)
{
    return has_backend(location, "auto") || has_mas(location);
}

/* Its database would be taken, were it MAS's. */
static bool
opens_mas(const struct location *location)
{
    const struct connection *connection = &location->connection;
    const struct found_database *database = &location->found.mas.database;

    return connection_opens_mas(connection) ||
           (connection->mas.command_container != NULL && database->is_there &&
               database->trouble.kind == ERROR_NONE);
}

/* Why there is nothing that opens MAS, if that is known; NULL: nothing was found. */
static const struct error *
trouble_of_mas(const struct found_mas *mas)
{
    if (mas->trouble.kind != ERROR_NONE)
        return &mas->trouble;
    return mas->client_trouble.kind != ERROR_NONE ? &mas->client_trouble : NULL;
}

/* Whose the accounts are that the homeserver has handed over. Where nothing opens MAS,
 * the homeserver refuses and says so. */
static int
take_delegate(struct location *location, struct error *error)
{
    const struct error *trouble = trouble_of_mas(&location->found.mas);
    bool opens = opens_mas(location);

    if (!opens && trouble != NULL) {
        *error = *trouble;
        return -1;
    }
    if (opens)
        location->connection.backend = capabilities_server_name(SERVER_MAS);
    return 0;
}

/* The options' backend, or the one whose configuration it is. */
static int
take_backend(struct location *location, struct error *error)
{
    const char *name = capabilities_server_name(location->found.server);
    const char **backend = &location->connection.backend;

    if (location->found.is_delegated && may_be_mas(location) &&
        take_delegate(location, error) != 0)
        return -1;
    if (location->found.is_delegated && has_mas(location))
        return 0;
    if (strcmp(*backend, "auto") == 0)
        *backend = name;
    if (strcmp(*backend, name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "backend says %s, but the configuration that was found, %s, is one of %s; give url",
        *backend, found_place(&location->found), name);
}

static int
take_server_name(struct location *location, struct error *error)
{
    const struct found *found = &location->found;
    const char **given = &location->connection.server_name;

    if (*given == NULL)
        *given = found->server_name;
    if (*given == NULL || found->server_name == NULL || strcmp(*given, found->server_name) == 0)
        return 0;
    return error_set(error, ERROR_INVALID,
        "server_name says \"%s\", but %s is the configuration of \"%.255s\"; give %s", *given,
        found->is_there ? found_place(found) : found->mas.files.items[0],
        found->server_name, found->is_there ? "url" : "mas_url");
}

static void
take_address(struct location *location, const struct connection_options *options)
{
    struct connection *connection = &location->connection;
    const struct found *found = &location->found;
    const struct engine_options engine = connection_options_engine(options);

    connection->http.url = found->url;
    connection_over_socket(connection, found->unix_socket);
    connection->http.address = found->address;
    connection->http.finder = NULL;
    /* It is on this machine, whichever of its addresses it listens at. */
    connection->http.use_proxy = false;
    if (found->container != NULL && found->unix_socket == NULL)
        connection_into_container(connection, found->container, &engine);
}

static void
take_database(struct location *location, const struct connection_options *options,
    const struct found_database *found)
{
    struct connection *connection = &location->connection;

    if (connection->database != NULL)
        return;
    if (found->trouble.kind != ERROR_NONE)
        connection->database_trouble = found->trouble.text;
    if (found->trouble.kind != ERROR_NONE || !found->is_there)
        return;
    location->database = (struct postgres_options){
        .uri = secret_given(&found->uri) ? &found->uri : NULL,
        .host = found->host,
        .port = found->port,
        .name = found->name,
        .user = found->user,
        .password = secret_given(&found->password) ? &found->password : NULL,
        .sslmode = found->sslmode,
        .ca_path = found->ca_path,
        .connect_timeout_ms = 10000,
        .statement_timeout_ms = options->timeout.value * 1000,
    };
    connection->database = &location->database;
    connection->database_is_found = true;
    connection->database_container = found->may_be_container ? found->host : NULL;
}

/* Dendrite can do little without it; Synapse needs it where nothing else opens it. MAS
 * has its own, which is of use beside every credential. */
static void
take_its_database(struct location *location, const struct connection_options *options)
{
    if (has_mas(location))
        take_database(location, options, &location->found.mas.database);
    else if (location->found.server == SERVER_DENDRITE ||
             !connection_can_create(&location->connection))
        take_database(location, options, &location->found.database);
}

/* ---- Matrix Authentication Service --------------------------------------------------- */

static struct mas_reach
reach_of(const struct found_listener *listener, bool is_inside)
{
    return (struct mas_reach){
        .unix_socket = listener->unix_socket,
        .address = listener->address,
        .into_container = is_inside && listener->unix_socket == NULL,
    };
}

/* An address that is given stands for both. */
static void
take_mas_address(struct location *location, const struct connection_options *options)
{
    struct mas_connection *mas = &location->connection.mas;
    const struct found_mas *found = &location->found.mas;
    const struct engine_options engine = connection_options_engine(options);
    bool is_inside = found->container != NULL;

    if (is_inside && options->mas_container == NULL)
        connection_mas_into_container(mas, found->container, &engine);
    if (mas->url != NULL || found->oauth.url == NULL)
        return;
    mas->url = found->oauth.url;
    mas->reach = reach_of(&found->oauth, is_inside);
    if (mas->admin_url != NULL || found->admin.url == NULL)
        return;
    mas->admin_url = found->admin.url;
    mas->admin_reach = reach_of(&found->admin, is_inside);
}

/* A client is of no use where the API is not switched on. */
static void
take_mas_client(struct location *location)
{
    struct mas_connection *mas = &location->connection.mas;
    const struct found_mas *found = &location->found.mas;
    bool is_its = mas->client_id != NULL && found->client_id != NULL &&
                  strcasecmp(mas->client_id, found->client_id) == 0;

    if (is_its)
        mas->sends_secret_in_body = found->sends_secret_in_body;
    if (connection_has_mas_credential(&location->connection) ||
        !secret_given(&found->client_secret) ||
        (found->admin.url == NULL && mas->admin_url == NULL))
        return;
    mas->client_id = found->client_id;
    mas->client_secret = &found->client_secret;
    mas->sends_secret_in_body = found->sends_secret_in_body;
}

static void
take_mas(struct location *location, const struct connection_options *options)
{
    struct mas_connection *mas = &location->connection.mas;
    const struct found_mas *found = &location->found.mas;

    if (!found->is_there)
        return;
    take_mas_address(location, options);
    take_mas_client(location);
    mas->command_container = found->container;
    mas->command_config = found->config;
    mas->schemes = found->schemes.count > 0 ? &found->schemes : NULL;
    if (found->schemes_trouble.kind != ERROR_NONE)
        mas->schemes_trouble = found->schemes_trouble.text;
}

/* A credential that is given is the one that is meant. */
static int
take_credential(struct location *location, struct error *error)
{
    struct connection *connection = &location->connection;
    const struct found *found = &location->found;

    bool finds_one = secret_given(&found->shared_secret) ||
                     secret_given(&found->registration_token) ||
                     secret_given(&found->emergency_password);

    if (connection_can_create(connection) || connection->registration_token != NULL ||
        connection->emergency_password != NULL || has_mas(location))
        return 0;
    if (!finds_one && found->secret_trouble.kind != ERROR_NONE) {
        *error = found->secret_trouble;
        return -1;
    }
    if (secret_given(&found->shared_secret))
        connection->shared_secret = &found->shared_secret;
    if (secret_given(&found->registration_token))
        connection->registration_token = &found->registration_token;
    /* It opens the server's own user, which is not logged in without need. */
    if (secret_given(&found->emergency_password) && connection->shared_secret == NULL)
        connection->emergency_password = &found->emergency_password;
    return 0;
}

/* What was waited for a container is not waited for its server once more. */
static void
spend_wait(struct connection *connection, long long waited_ms)
{
    connection->wait_timeout_ms -= waited_ms < connection->wait_timeout_ms
                                       ? waited_ms
                                       : connection->wait_timeout_ms;
}

/* Without a homeserver's configuration: MAS's own, if a container is named for it. */
static int
find_mas_alone(struct location *location, const struct connection_options *options,
    const struct discovery_options *discovery, struct error *error)
{
    if (options->mas_container == NULL || options->mas_url != NULL || !may_be_mas(location))
        return 0;
    if (discovery_find_mas(discovery, &location->found, error) != 0 ||
        take_server_name(location, error) != 0)
        return -1;
    take_mas(location, options);
    /* Until the homeserver is asked, it is not known to have handed its accounts over. */
    if (has_mas(location) || opens_mas(location))
        take_database(location, options, &location->found.mas.database);
    return 0;
}

/* Whether MAS is said to be somewhere, and no homeserver is. */
static bool
is_mas_alone(const struct location *location, const struct connection_options *options)
{
    return has_mas(location) && options->mas_url != NULL && options->container == NULL;
}

static int
find_homeserver(struct location *location, const struct connection_options *options,
    const struct discovery_options *discovery, struct error *error)
{
    struct error failure = {0};

    if (discovery_run(discovery, &location->found, &failure) == 0) {
        take_mas(location, options);
        if (take_backend(location, error) != 0 || take_server_name(location, error) != 0 ||
            take_credential(location, error) != 0)
            return -1;
        take_address(location, options);
        take_its_database(location, options);
        return 0;
    }
    /* MAS may be on a machine of its own, and can do much without the other. */
    if (failure.kind == ERROR_INVALID && has_mas(location) && options->mas_container != NULL &&
        options->container == NULL)
        return find_mas_alone(location, options, discovery, error);
    *error = failure;
    return -1;
}

int
location_find(struct connection_options *options, struct location *location,
    struct error *error)
{
    struct discovery_options discovery = {
        .container = options->container,
        .mas_container = options->mas_container,
        .engine = connection_options_engine(options),
        .wait_timeout_ms = options->wait_timeout.value * 1000LL,
    };
    long long began = stop_clock_ms();
    int result;

    memset(location, 0, sizeof(*location));
    if (connection_options_apply(options, &location->connection, error) != 0)
        return -1;
    /* Who knows the way, or does not want to go there, has nothing to wait for. */
    discovery.waits_for_mas = options->mas_url == NULL && may_be_mas(location);
    result = location->connection.http.url != NULL || is_mas_alone(location, options)
                 ? find_mas_alone(location, options, &discovery, error)
                 : find_homeserver(location, options, &discovery, error);
    spend_wait(&location->connection, stop_clock_ms() - began);
    return result;
}

void
location_free(struct location *location)
{
    found_free(&location->found);
    memset(location, 0, sizeof(*location));
}

/* ---- What is told of it -------------------------------------------------------------- */

static const char *
words_of(const struct error *trouble)
{
    return trouble->kind != ERROR_NONE ? trouble->text : NULL;
}

/* NULL: it is not spoken of, as no other server has one. */
static json_t *
if_there(const struct secret *secret)
{
    return secret_given(secret) ? json_true() : NULL;
}

static json_t *
describe_homeserver(const struct found *found)
{
    return json_pack("{s:s, s:o, s:s*, s:s*, s:s, s:s*, s:s*, s:b, s:s*, s:s*, s:o*, s:o*, "
                     "s:b, s:b, s:s*}",
        "backend", capabilities_server_name(found->server), "files",
        reply_list(&found->files), "container", found->container, "server_name",
        found->server_name, "url", found->url, "unix_socket", found->unix_socket, "address",
        found->address, "registration_shared_secret", secret_given(&found->shared_secret),
        "registration_shared_secret_from", found->secret_from,
        "registration_shared_secret_problem", words_of(&found->secret_trouble),
        "registration_token", if_there(&found->registration_token), "emergency_password",
        if_there(&found->emergency_password), "mas",
        found->is_delegated, "database", found->database.is_there, "database_problem",
        words_of(&found->database.trouble));
}

static json_t *
describe_mas(const struct found_mas *mas)
{
    if (!mas->is_there)
        return json_pack("{s:s*}", "problem", words_of(&mas->trouble));
    return json_pack(
        "{s:o, s:s*, s:s*, s:s*, s:s*, s:b, s:s*, s:s*, s:s*, s:b, s:s*, s:s*}", "files",
        reply_list(&mas->files), "container", mas->container, "url", mas->oauth.url,
        "unix_socket", mas->oauth.unix_socket, "public_url", mas->public_base, "admin_api",
        mas->admin.url != NULL, "admin_url", mas->admin.url, "client_id", mas->client_id,
        "client_problem", words_of(&mas->client_trouble), "database", mas->database.is_there,
        "database_problem", words_of(&mas->database.trouble), "passwords_problem",
        words_of(&mas->schemes_trouble));
}

bool
location_is_found(const struct found *found)
{
    return found->is_there || found->mas.is_there;
}

json_t *
location_describe(const struct found *found)
{
    bool has_mas_to_tell = found->mas.is_there || found->mas.trouble.kind != ERROR_NONE;
    json_t *told = found->is_there ? describe_homeserver(found) : json_object();

    if (has_mas_to_tell && told != NULL &&
        json_object_set_new(told, "mas_configuration", describe_mas(&found->mas)) != 0) {
        json_decref(told);
        return NULL;
    }
    return told;
}
