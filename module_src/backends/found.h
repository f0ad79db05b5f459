/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found of a homeserver on this machine, in its configuration. */
#ifndef REGISTRAR_BACKENDS_FOUND_H
#define REGISTRAR_BACKENDS_FOUND_H

#include <stdbool.h>

#include "backends/capabilities.h"
#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"

struct found {
    bool is_there;     /* a configuration was; all else is nothing without it */
    enum server server;
    struct list files; /* that were read, as they are called on this machine */
    char *container;   /* in which the server runs, or NULL */
    char *server_name;
    char *url;         /* of its own listener */
    char *unix_socket; /* that it listens on, on this machine; or NULL */
    char *address;     /* a literal one to connect to in place of url's host, or NULL */
    struct secret shared_secret; /* perhaps none */
    char *secret_from; /* where it stands: "homeserver.yaml, line 12", or NULL */
    struct error secret_trouble; /* why it could not be read, if so */
    bool is_delegated; /* another service has the accounts (MAS) */
};

/* Zeroes the secret and frees all. */
void found_free(struct found *found);

/* "-> *place", for found_free: a formatted string. -1: memory. */
int found_text(char **place, struct error *error, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
