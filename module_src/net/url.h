/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a base URL, and whether it may be one. */
#ifndef REGISTRAR_NET_URL_H
#define REGISTRAR_NET_URL_H

#include <stdbool.h>

#include "base/error.h"

struct url {
    char *scheme; /* http or https */
    char *host;   /* as in the URL; an IPv6 address keeps its brackets */
    long port;    /* the scheme's own where the URL has none */
    char *path;   /* without a slash at its end; "" for the root */
    char *origin; /* scheme://host[:port] */
    char *base;   /* origin and path: what a request's path is put behind */
};

/*
 * Fills url for url_free. -1: invalid (not http or https, no host, or with
 * credentials, a query or a fragment), memory.
 */
int url_parse(struct url *url, const char *text, struct error *error);

void url_free(struct url *url);

/* localhost, 127.0.0.0/8 or [::1], written as in a URL. */
bool url_host_is_loopback(const char *host);

#endif
