/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found of a homeserver on this machine, in its configuration. */
#ifndef REGISTRAR_BACKENDS_FOUND_H
#define REGISTRAR_BACKENDS_FOUND_H

#include <stdbool.h>

#include "backends/capabilities.h"
#include "backends/config_place.h"
#include "backends/mas/schemes.h"
#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"

/* The database that the configuration names. */
struct found_database {
    bool is_there;
    struct secret uri;  /* all of it, or none; what stands below wins */
    char *host;         /* as postgres_options has it, or NULL */
    bool may_be_container; /* host is a name that only containers may know */
    long port;          /* 0: not said */
    char *name;
    char *user;
    struct secret password;
    char *sslmode;
    char *ca_path;
    struct error trouble; /* why it could not be read, if so */
};

/* One of a server's listeners, as it is reached from this machine. */
struct found_listener {
    char *url;         /* with its path prefix; NULL: there is none that can be reached */
    char *unix_socket; /* that it listens on, on this machine; or NULL */
    char *address;     /* a literal one to connect to in place of url's host, or NULL */
};

/* Matrix Authentication Service, of its own configuration. */
struct found_mas {
    bool is_there;
    struct list files;
    char *container;   /* in which it runs, or NULL */
    char *config;      /* its configuration as it is called there, or NULL */
    struct found_listener oauth; /* has its tokens, and its logins if one has both */
    struct found_listener admin; /* has its admin API; the same as oauth where it can be */
    char *public_base; /* as its users see it, or NULL */
    char *client_id;   /* of a client that may use the admin API, or NULL */
    struct secret client_secret;
    bool sends_secret_in_body;   /* client_secret_post */
    struct error client_trouble; /* why its secret could not be read, if so */
    struct found_database database;
    struct mas_schemes schemes;   /* how it hashes passwords */
    struct error schemes_trouble; /* why they could not be read, if so */
    struct error trouble; /* why a configuration that may be its own is not used */
};

struct found {
    bool is_there;     /* a configuration was, or its container; all else is nothing without
                          it */
    enum server server;
    struct list files; /* that were read, as they are called on this machine */
    char *container;   /* in which the server runs, or NULL */
    char *server_name; /* or NULL: it does not say */
    char *url;         /* of its own listener */
    char *unix_socket; /* that it listens on, on this machine; or NULL */
    char *address;     /* a literal one to connect to in place of url's host, or NULL */
    struct secret shared_secret; /* perhaps none */
    char *secret_from; /* where it stands: "homeserver.yaml, line 12", or NULL */
    struct secret registration_token; /* perhaps none, as the next */
    struct secret emergency_password;
    struct error secret_trouble; /* why one of the three could not be read, if so */
    bool is_delegated; /* another service has the accounts (MAS) */
    struct found_database database;
    struct found_mas mas; /* where is_delegated */
};

/* What messages call it: its first file, or its container where none was read. */
const char *found_place(const struct found *found);

/*
 * Takes over the host of a database as the configuration at place has it: a name,
 * an address, or the folder of a socket, which is one inside the container where
 * it is in one; NULL: libpq's own folder. Errors: those of config_place_path;
 * invalid (the loopback or the own folder of a container, where this machine may
 * have another database, which is not to be told this one's password).
 */
int found_take_host(struct found_database *database, const struct config_place *place,
    const char *host, struct error *error);

/*
 * Takes over a database's URI, and the host and port that it names; host is what its
 * reader takes where it names none, or NULL: libpq's own folder. Errors besides:
 * those of postgres_parameters_place.
 */
int found_take_uri(struct found_database *database, const struct config_place *place,
    const char *uri, const char *host, struct error *error);

/* Zeroes the secrets and frees all. */
void found_free(struct found *found);

/* Calls visit with the place of each secret there may be, for redaction. */
void found_secrets(const struct found *found,
    void (*visit)(const struct secret *secret, void *context), void *context);

/* "-> *place", for found_free: a formatted string. -1: memory. */
int found_text(char **place, struct error *error, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
