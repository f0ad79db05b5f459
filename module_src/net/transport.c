/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SO_PEERCRED is Linux'. */
#define _GNU_SOURCE
#include "net/transport.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/namespace.h"
#include "net/setter.h"

void
transport_init(struct transport *transport, const struct http_options *options,
    const struct url *url)
{
    *transport = (struct transport){
        .options = options,
        .url = url,
        .route = {.network_namespace = -1},
        .socket = -1,
    };
}

void
transport_free(struct transport *transport)
{
    if (transport->route.network_namespace >= 0)
        close(transport->route.network_namespace);
    transport->route.network_namespace = -1;
}

void
transport_lose(struct transport *transport)
{
    transport_free(transport);
    transport->has_route = false;
}

int
transport_find(struct transport *transport, struct error *error)
{
    const struct http_options *options = transport->options;

    if (transport->has_route)
        return 0;
    if (options->finder != NULL) {
        if (options->finder->find(options->finder->context, transport->url,
                &transport->route, error) != 0)
            return -1;
        transport->has_route = true;
    } else if (options->address != NULL) {
        snprintf(transport->route.address, sizeof(transport->route.address), "%s",
            options->address);
        transport->has_route = true;
    }
    return 0;
}

static bool
is_folder(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static CURLcode
set_tls(CURL *curl, const struct http_options *options)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_SSL_VERIFYPEER, options->validate_certs ? 1L : 0L);
    SET(CURLOPT_SSL_VERIFYHOST, options->validate_certs ? 2L : 0L);
    if (options->ca_path != NULL && is_folder(options->ca_path)) {
        SET(CURLOPT_CAPATH, options->ca_path);
        SET(CURLOPT_CAINFO, NULL);
    } else if (options->ca_path != NULL) {
        SET(CURLOPT_CAINFO, options->ca_path);
        SET(CURLOPT_CAPATH, NULL);
    }
    if (options->client_cert != NULL)
        SET(CURLOPT_SSLCERT, options->client_cert);
    if (options->client_key != NULL)
        SET(CURLOPT_SSLKEY, options->client_key);
    return code;
}

static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transport *transport = context;

    (void)purpose; /* there are no others than for connecting */
    transport->socket = namespace_socket(transport->route.network_namespace,
        address->family, address->socktype, address->protocol);
    return transport->socket < 0 ? CURL_SOCKET_BAD : transport->socket;
}

/* After the connection stands, and before anything is sent over it: once for each
 * request, and for one that libcurl sends again once more. */
static int
before_request(void *context, char *address, char *own_address, int port, int own_port)
{
    struct transport *transport = context;
    struct ucred peer;
    socklen_t length = sizeof(peer);

    (void)address;
    (void)own_address;
    (void)port;
    (void)own_port;
    transport->requests++;
    if (!transport->options->own_peer_only)
        return CURL_PREREQFUNC_OK;
    if (getsockopt(transport->socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
        (peer.uid == 0 || peer.uid == geteuid()))
        return CURL_PREREQFUNC_OK;
    transport->peer_refused = true;
    return CURL_PREREQFUNC_ABORT;
}

static CURLcode
set_peer(CURL *curl, struct transport *transport)
{
    const struct http_options *options = transport->options;
    CURLcode code = CURLE_OK;

    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, transport);
    SET(CURLOPT_UNIX_SOCKET_PATH, options->unix_socket);
    SET(CURLOPT_PREREQFUNCTION, before_request);
    SET(CURLOPT_PREREQDATA, transport);
    if (!options->use_proxy || options->unix_socket != NULL || transport->has_route ||
        url_host_is_loopback(transport->url->host))
        SET(CURLOPT_PROXY, "");
    return code;
}

/* Any host of a URL, any port: there is one origin. */
static CURLcode
set_route(CURL *curl, const struct transport *transport, struct curl_slist **connect_to)
{
    const char *address = transport->route.address;
    char entry[ROUTE_ADDRESS_SIZE + 8];
    CURLcode code = CURLE_OK;

    *connect_to = NULL;
    if (!transport->has_route)
        return code;
    snprintf(entry, sizeof(entry), strchr(address, ':') != NULL ? "::[%s]:" : "::%s:",
        address);
    *connect_to = curl_slist_append(NULL, entry);
    if (*connect_to == NULL)
        return CURLE_OUT_OF_MEMORY;
    SET(CURLOPT_CONNECT_TO, *connect_to);
    return code;
}

CURLcode
transport_set(struct transport *transport, CURL *curl, struct curl_slist **connect_to)
{
    CURLcode code = set_route(curl, transport, connect_to);

    transport->peer_refused = false;
    transport->requests = 0;
    SET(CURLOPT_PROTOCOLS_STR, transport->url->scheme);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_TIMEOUT_MS, transport->options->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, transport->options->timeout_ms);
    SET(CURLOPT_USERAGENT, "registrar");
    /* A proxy's own headers say nothing about the homeserver. */
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (code == CURLE_OK)
        code = set_peer(curl, transport);
    return code == CURLE_OK ? set_tls(curl, transport->options) : code;
}
