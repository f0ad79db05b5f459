/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/place.h"

#include <string.h>
#include <strings.h>

#include "backends/mas/metadata.h"
#include "backends/mas/state.h"
#include "base/memory.h"
#include "base/text.h"
#include "net/url.h"

/* What to do about an address that is of no use from here. */
#define ADVICE                                                                             \
    "give mas_url, the address of Matrix Authentication Service as this machine reaches it " \
    "(http://127.0.0.1:8080, for instance, or with mas_container the one inside of it)"

/* Whether the homeserver's URL leads straight to its host: of a container or a socket
 * it says nothing about this machine. */
static bool
is_direct(const struct http_options *http)
{
    return http->unix_socket == NULL && http->address == NULL && http->finder == NULL;
}

const char *
place_distrust(const struct http_options *http, const struct url *given, const struct url *named)
{
    bool is_https = strcmp(named->scheme, "https") == 0;

    if (!is_https && strcmp(given->scheme, "https") == 0)
        return "which is not protected, as the homeserver's own address is";
    if (is_direct(http) && strcasecmp(given->host, named->host) == 0)
        return NULL;
    if (!is_https)
        return "which is not protected, and not on the host that url names";
    return http->validate_certs ? NULL
                                : "whose certificate would not be checked (validate_certs), "
                                  "and which is not on the host that url names";
}

/* Credentials go to a place that only the homeserver names by these rules alone. */
static int
check_trust(const struct backend *backend, const char *base, struct error *error)
{
    const struct http_options *http = &backend->connection->http;
    struct url given, named;
    char shown[300];
    const char *why;

    if (url_parse(&given, http->url, error) != 0)
        return -1;
    if (url_parse(&named, base, error) != 0) {
        url_free(&given);
        return -1;
    }
    why = place_distrust(http, &given, &named);
    url_free(&given);
    url_free(&named);
    if (why == NULL)
        return 0;
    text_show(shown, sizeof(shown), base);
    return error_set(error, ERROR_INVALID,
        "%s says that Matrix Authentication Service is at %s, %s; no secret is sent there; "
        "%s",
        http_origin(backend->matrix.http), shown, why, ADVICE);
}

/* As the homeserver says, to everybody. */
static int
discover(struct backend *backend, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    enum metadata metadata;

    if (backend->matrix.http == NULL)
        return error_set(error, ERROR_INVALID,
            "nothing says where Matrix Authentication Service is; give mas_url, or url, the "
            "homeserver's address");
    if (metadata_ask(&backend->matrix, &metadata, &state->base, error) != 0)
        return -1;
    if (metadata == METADATA_NONE)
        return error_set(error, ERROR_INVALID,
            "%s does not say that its accounts are with Matrix Authentication Service (404 "
            "at /_matrix/client/v1/auth_metadata); if they are, give mas_url; otherwise "
            "backend is not mas",
            http_origin(backend->matrix.http));
    if (metadata == METADATA_OTHER)
        return error_set(error, ERROR_UNSUPPORTED,
            "%s has handed its accounts to a service that is not Matrix Authentication "
            "Service, which Registrar does not manage",
            http_origin(backend->matrix.http));
    return check_trust(backend, state->base, error);
}

static int
refuse_named(const struct backend *backend, const struct error *failure, struct error *error)
{
    char shown[300];

    error->status = failure->status;
    text_show(shown, sizeof(shown), mas_state_of(backend)->base);
    return error_set(error, failure->kind,
        "%s says that Matrix Authentication Service is at %s, which does not answer as such "
        "from here: %.500s; %s",
        http_origin(backend->matrix.http), shown, failure->text, ADVICE);
}

/* That it is there, and is what it is said to be: a public address may not be reachable
 * from the server's own network, or be another server's there. */
static int
try_named(struct backend *backend, struct error *error)
{
    static const char path[] = "/.well-known/openid-configuration";
    struct mas_state *state = mas_state_of(backend);
    struct answer answer = {0};
    struct error failure = {0};
    int result = call_get(&state->oauth, path, NULL, &answer, &failure);

    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "asking what it is", &failure);
    if (result == 0 && answer_string(&answer, "token_endpoint", "asking what it is",
                           &failure) == NULL)
        result = -1;
    answer_free(&answer);
    if (result == 0)
        return 0;
    if (failure.kind != ERROR_MEMORY && failure.kind != ERROR_INTERRUPTED)
        return refuse_named(backend, &failure, error);
    *error = failure;
    return -1;
}

/* What holds for the homeserver's client, but for the way. */
static struct http_options
options_for(const struct connection *connection, const char *url,
    const struct mas_reach *reach)
{
    struct http_options options = connection->http;

    options.url = url;
    options.unix_socket = reach->unix_socket;
    options.address = reach->address;
    options.finder = reach->into_container ? &connection->mas.finder : NULL;
    options.forwarded = false;
    options.use_proxy = reach->use_proxy;
    return options;
}

static int
open_client(struct backend *backend, struct matrix *client, const struct http_options *options,
    struct error *error)
{
    client->http = http_open(options, error);
    client->retry = &backend->retry;
    return client->http == NULL ? -1 : 0;
}

static bool
is_same_text(const char *one, const char *other)
{
    return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* One client, and one connection, does for both. */
static bool
is_same(const struct http_options *one, const struct http_options *other)
{
    return is_same_text(one->url, other->url) &&
           is_same_text(one->unix_socket, other->unix_socket) &&
           is_same_text(one->address, other->address) && one->finder == other->finder;
}

static int
open_admin(struct backend *backend, struct error *error)
{
    const struct mas_connection *mas = &backend->connection->mas;
    struct mas_state *state = mas_state_of(backend);

    state->admin_options = mas->admin_url == NULL ? state->oauth_options
                                                  : options_for(backend->connection,
                                                        mas->admin_url, &mas->admin_reach);
    if (!is_same(&state->admin_options, &state->oauth_options))
        return open_client(backend, &state->admin, &state->admin_options, error);
    state->admin = state->oauth;
    return 0;
}

int
place_open(struct backend *backend, struct error *error)
{
    const struct mas_connection *mas = &backend->connection->mas;
    const struct mas_reach straight = {.use_proxy = mas->reach.use_proxy};
    struct mas_state *state = mas_state_of(backend);

    if (mas->url == NULL && discover(backend, error) != 0)
        return -1;
    state->oauth_options =
        mas->url != NULL ? options_for(backend->connection, mas->url, &mas->reach)
                         : options_for(backend->connection, state->base, &straight);
    if (open_client(backend, &state->oauth, &state->oauth_options, error) != 0 ||
        (mas->url == NULL && try_named(backend, error) != 0))
        return -1;
    return open_admin(backend, error);
}

void
place_close(struct backend *backend)
{
    struct mas_state *state = mas_state_of(backend);

    if (state->admin.http != state->oauth.http)
        http_close(state->admin.http);
    http_close(state->oauth.http);
    state->admin.http = NULL;
    state->oauth.http = NULL;
    memory_free(state->base);
    state->base = NULL;
}
