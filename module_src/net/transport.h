/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How bytes get to a server: TLS, proxies, unix sockets, routes; as settings of
 * libcurl. What is said over it is for net/http.h.
 */
#ifndef REGISTRAR_NET_TRANSPORT_H
#define REGISTRAR_NET_TRANSPORT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/redact.h"
#include "net/route.h"
#include "net/url.h"

/* Where and how; everything is the caller's and must outlive the client. */
struct http_options {
    const char *url;         /* http(s)://host[:port][/path] */
    const char *unix_socket; /* what is connected to in place of url's host, or NULL */
    const char *address;     /* the same: a literal IPv4 or IPv6 address, or NULL */
    const struct route_finder *finder; /* the same: who knows the address, or NULL */
    bool own_peer_only; /* unix_socket must be served by root or by who we are */
    bool forwarded; /* say in headers that the loopback asks, as a reverse proxy
                       does for its clients */
    bool validate_certs;
    const char *ca_path;     /* a PEM file or a folder of them, or NULL */
    const char *client_cert; /* PEM file, or NULL */
    const char *client_key;  /* PEM file, or NULL: it is in client_cert */
    bool use_proxy;          /* heed http_proxy and its kin; only for url's own host,
                                and never for the loopback */
    long timeout_ms;         /* for one request, from connecting to the last byte */
    const struct redaction *secrets; /* never to be shown, or NULL */
};

/* The connection of one client. */
struct transport {
    const struct http_options *options;
    const struct url *url;
    struct route route;
    bool has_route;    /* route is what the options' address or finder say */
    int socket;        /* the newest one that was opened, libcurl's own */
    int requests;      /* how often the newest one went out, or was about to */
    bool peer_refused; /* somebody else served the unix socket; nothing was sent */
};

void transport_init(struct transport *transport, const struct http_options *options,
    const struct url *url);

/* Closes what a route holds. */
void transport_free(struct transport *transport);

/* Knows the way from here on, unless it was known. Errors: the finder's. */
int transport_find(struct transport *transport, struct error *error);

/* Forgets the way that a finder showed. */
void transport_lose(struct transport *transport);

/* Sets all of it on a handle. *connect_to is to be freed after the transfer. */
CURLcode transport_set(struct transport *transport, CURL *curl,
    struct curl_slist **connect_to);

#endif
