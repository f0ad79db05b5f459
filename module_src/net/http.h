/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP to one origin: one connection that is kept alive, bounded in time and
 * size, no redirects, no decompression, nothing but http and https. What a
 * status means is for the callers; when to try again is for net/retry.h.
 */
#ifndef REGISTRAR_NET_HTTP_H
#define REGISTRAR_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/error.h"
#include "base/redact.h"
#include "base/secret.h"
#include "net/transport.h"

/* The largest body that is read when a request does not say otherwise. */
#define HTTP_REPLY_LIMIT ((size_t)1024 * 1024)

struct http; /* a client; one thread at a time */

/* A client for the origin in options, for http_close. NULL: invalid, memory. */
struct http *http_open(const struct http_options *options, struct error *error);

/* Closes the connection and frees. NULL is allowed. */
void http_close(struct http *http);

/*
 * Which server this is, for messages and to tell it from others:
 * scheme://host[:port], and where it is not simply there, the socket or the
 * container: "http://localhost (unix socket /run/synapse.sock)". Lives as long
 * as the client.
 */
const char *http_origin(const struct http *http);

/* How long one request may take, as the options say. */
long http_timeout_ms(const struct http *http);

/* The literal address of the route that was taken, "" for none, and whether it
 * was taken inside another network namespace. */
const char *http_route(const struct http *http, bool *in_namespace);

/* Basic authentication, sent as it is: not form-encoded first. */
struct http_basic {
    const char *name;
    const struct secret *password;
};

/* Takes a body piece by piece, however it is cut; false: no more of it. */
struct http_sink {
    bool (*take)(void *context, const char *bytes, size_t length);
    void *context;
};

struct http_request {
    const char *method;
    const char *path;            /* begins with '/', already percent-encoded */
    const struct secret *bearer; /* or NULL */
    const struct http_basic *basic; /* in place of bearer, or NULL */
    const char *body;            /* JSON text, or NULL */
    bool body_is_form;           /* it is application/x-www-form-urlencoded instead */
    size_t reply_limit;          /* bytes; 0: HTTP_REPLY_LIMIT */
    const struct http_sink *sink; /* of the body of a success, which then has no limit
                                     and is in no reply; or NULL */
};

struct http_reply {
    long status;
    char *body;               /* NUL-terminated; length bytes */
    size_t length;
    bool is_json, is_plain;   /* application/json, text/plain: as its Content-Type says */
    char server[64];          /* the Server header, printable ASCII, or "" */
    long long retry_after_ms; /* the Retry-After header, -1: none that makes sense */
    time_t date;              /* the Date header, 0: none */
    bool resent;              /* it went out twice, as a kept connection broke under it */
    bool refused;             /* after an error: nobody listens at that address */
};

/* How many secrets a client can learn; a further one takes the oldest's place. */
#define HTTP_LEARNED_MOST 8

/*
 * Keeps a copy of a secret that came up after the client was opened, so that no
 * text of the server's shows it from then on. -1: memory.
 */
int http_learn_secret(struct http *http, const struct secret *secret, struct error *error);

/*
 * Copies foreign text into a buffer of `size` bytes for showing, without the
 * client's secrets and without those in `more`, which may be NULL.
 */
int http_show(const struct http *http, char *buffer, size_t size, const char *text,
    const struct redaction *more, struct error *error);

/*
 * One request, one answer of any status. Errors: unreachable, forbidden (a unix
 * socket that may not be used, or that somebody else serves), tls, protocol
 * (too large, malformed), memory, the finder's. Where the request may have arrived although
 * no answer came, error->maybe_done is true. The reply is for http_reply_free,
 * also after an error.
 */
int http_exchange(struct http *http, const struct http_request *request,
    struct http_reply *reply, struct error *error);

void http_reply_free(struct http_reply *reply);

/* Milliseconds meant by a Retry-After value (RFC 9110, 10.2.3), seconds or a
 * date, seen at `now`; -1 when it makes no sense. */
long long http_parse_retry_after(const char *value, time_t now);

#endif
