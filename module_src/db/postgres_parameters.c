/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "db/postgres_parameters.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loopback.h"
#include "base/memory.h"
#include "base/text.h"

extern char **environ; /* POSIX has no header for it */

/* A file that cannot be: libpq takes it for one that is missing. */
static const char nothing[] = "/dev/null/none";

/* What a uri may say; the rest would have other files and variables looked at. */
static const char *const allowed[] = {"host", "hostaddr", "port", "dbname", "user",
    "password", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout",
    "application_name"};

/* Where distributions have the authorities that they trust. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

void
postgres_parameters_ignore(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static const char *
value_of(const struct postgres_parameters *parameters, const char *keyword)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->keywords[i], keyword) == 0)
            return parameters->values[i];
    return NULL;
}

/* Sets a keyword, in place of what it was; NULL leaves it. */
static void
set(struct postgres_parameters *parameters, const char *keyword, const char *value)
{
    size_t i = 0;

    if (value == NULL)
        return;
    while (i < parameters->count && strcmp(parameters->keywords[i], keyword) != 0)
        i++;
    parameters->keywords[i] = keyword;
    parameters->values[i] = value;
    if (i == parameters->count)
        parameters->count++;
}

/* A copy that goes with the parameters. */
static const char *
own(struct postgres_parameters *parameters, const char *value, struct error *error)
{
    char *copy = memory_copy_string(value);

    if (copy == NULL) {
        error_no_memory(error);
        return NULL;
    }
    parameters->owned[parameters->owned_count++] = copy;
    return copy;
}

static const char *
allowed_keyword(const char *keyword)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (strcmp(allowed[i], keyword) == 0)
            return allowed[i];
    return NULL;
}

static int
take_option(struct postgres_parameters *parameters, const PQconninfoOption *option,
    struct error *error)
{
    const char *keyword = allowed_keyword(option->keyword);
    const char *copy;

    if (option->val == NULL)
        return 0;
    if (keyword == NULL)
        return error_set(error, ERROR_INVALID,
            "database: uri may not say %s; what it may say is host, port, database, user, "
            "password and how TLS is used",
            option->keyword);
    copy = own(parameters, option->val, error);
    if (copy == NULL)
        return -1;
    set(parameters, keyword, copy);
    if (strcmp(keyword, "password") == 0 &&
        secret_set(&parameters->password, copy, strlen(copy)) != 0)
        return error_no_memory(error);
    return 0;
}

/* libpq's own message quotes what is wrong, perhaps a password. */
static int
take_uri(struct postgres_parameters *parameters, const char *uri, struct error *error)
{
    PQconninfoOption *options;
    char *message = NULL;
    int result = 0;

    if (strncmp(uri, "postgres://", 11) != 0 && strncmp(uri, "postgresql://", 13) != 0)
        return error_set(error, ERROR_INVALID,
            "database: uri begins with postgresql://, as in postgresql://user@host/name");
    options = PQconninfoParse(uri, &message);
    if (message != NULL)
        memory_wipe(message, strlen(message));
    PQfreemem(message);
    if (options == NULL)
        return error_set(error, ERROR_INVALID,
            "database: uri is none that libpq can read; special characters in a password "
            "are written as %%40 and the like");
    for (size_t i = 0; options[i].keyword != NULL; i++) {
        if (result == 0)
            result = take_option(parameters, &options[i], error);
        if (options[i].val != NULL)
            memory_wipe(options[i].val, strlen(options[i].val));
    }
    PQconninfoFree(options);
    return result;
}

static int
take_options(struct postgres_parameters *parameters, const struct postgres_options *options,
    struct error *error)
{
    char port[24];

    set(parameters, "host", options->host);
    set(parameters, "hostaddr", options->address);
    set(parameters, "dbname", options->name);
    set(parameters, "user", options->user);
    set(parameters, "sslmode", options->sslmode);
    set(parameters, "sslrootcert", options->ca_path);
    if (options->password != NULL)
        set(parameters, "password", options->password->bytes);
    if (options->port > 0) {
        const char *copy;

        snprintf(port, sizeof(port), "%ld", options->port);
        copy = own(parameters, port, error);
        if (copy == NULL)
            return -1;
        set(parameters, "port", copy);
    }
    return 0;
}

/* A socket, the loopback, or an address that somebody else vouches for. */
static bool
is_on_this_machine(const struct postgres_parameters *parameters,
    const struct postgres_options *options)
{
    const char *host = value_of(parameters, "host");
    const char *address = value_of(parameters, "hostaddr");

    if (options->address != NULL || (host == NULL && address == NULL))
        return true;
    if (host != NULL && (host[0] == '/' || host[0] == '\0'))
        return true;
    return loopback_is(address != NULL ? address : host);
}

static void
set_tls(struct postgres_parameters *parameters, const struct postgres_options *options)
{
    const char *mode = value_of(parameters, "sslmode");

    if (mode == NULL) {
        mode = is_on_this_machine(parameters, options) ? "prefer" : "verify-full";
        set(parameters, "sslmode", mode);
    }
    if (value_of(parameters, "sslrootcert") != NULL)
        return;
    set(parameters, "sslrootcert", nothing);
    for (size_t i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
        if (strncmp(mode, "verify", 6) == 0 && access(bundles[i], R_OK) == 0) {
            set(parameters, "sslrootcert", bundles[i]);
            return;
        }
}

/* libpq takes what nobody says from variables and from files of the user's. */
static void
shut_out_environment(struct postgres_parameters *parameters)
{
    static const char *const files[] = {"passfile", "sslcert", "sslkey", "sslcrl"};

    for (size_t i = 0; environ != NULL && environ[i] != NULL;) {
        char name[64];
        size_t length = strcspn(environ[i], "=");

        if (strncmp(environ[i], "PG", 2) == 0 && length < sizeof(name)) {
            memcpy(name, environ[i], length);
            name[length] = '\0';
            if (unsetenv(name) == 0)
                continue; /* the next one stands here now */
        }
        i++;
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (value_of(parameters, files[i]) == NULL)
            set(parameters, files[i], nothing);
    set(parameters, "gssencmode", "disable");
}

int
postgres_parameters_make(struct postgres_parameters *parameters,
    const struct postgres_options *options, struct error *error)
{
    memset(parameters, 0, sizeof(*parameters));
    if (options->uri != NULL && take_uri(parameters, options->uri->bytes, error) != 0)
        return -1;
    if (take_options(parameters, options, error) != 0)
        return -1;
    if (value_of(parameters, "host") != NULL && strchr(value_of(parameters, "host"), ',') != NULL)
        return error_set(error, ERROR_INVALID,
            "database: host names one server; say which of them is the primary");
    /* A user id without an entry in passwd has no name, which libpq asks for. */
    if (!options->use_environment && value_of(parameters, "user") == NULL &&
        options->run_as != NULL)
        set(parameters, "user", options->run_as);
    if (!options->use_environment) {
        set_tls(parameters, options);
        shut_out_environment(parameters);
    }
    set(parameters, "application_name", "registrar");
    return 0;
}

void
postgres_parameters_free(struct postgres_parameters *parameters)
{
    for (size_t i = 0; i < parameters->owned_count; i++)
        memory_free(parameters->owned[i]);
    secret_free(&parameters->password);
    memset(parameters, 0, sizeof(*parameters));
}

/* One number, or 0: of several, or of anything else. */
static long
port_of(const struct postgres_parameters *parameters)
{
    const char *text = value_of(parameters, "port");
    char *end = NULL;
    long port = text == NULL ? 0 : strtol(text, &end, 10);

    return port > 0 && port <= 65535 && *end == '\0' ? port : 0;
}

int
postgres_parameters_place(char **host, long *port, const struct secret *uri,
    struct error *error)
{
    struct postgres_parameters parameters = {0};
    const char *named;
    int result = take_uri(&parameters, uri->bytes, error);

    *host = NULL;
    *port = result == 0 ? port_of(&parameters) : 0;
    named = result == 0 ? value_of(&parameters, "hostaddr") : NULL;
    if (result == 0 && named == NULL)
        named = value_of(&parameters, "host");
    if (named != NULL && *named != '\0') {
        *host = memory_copy_string(named);
        if (*host == NULL)
            result = error_no_memory(error);
    }
    postgres_parameters_free(&parameters);
    return result;
}

char *
postgres_parameters_where(const struct postgres_parameters *parameters, struct error *error)
{
    const char *name = value_of(parameters, "dbname");
    const char *host = value_of(parameters, "host");
    const char *user = value_of(parameters, "user");
    struct text where = {0};
    char shown[120];

    text_append(&where, "the database");
    if (name != NULL) {
        text_show(shown, sizeof(shown), name);
        text_append_format(&where, " %s", shown);
    }
    if (host == NULL)
        host = value_of(parameters, "hostaddr");
    if (host != NULL) {
        text_show(shown, sizeof(shown), host);
        text_append_format(&where, " at %s", shown);
    }
    if (user != NULL) {
        text_show(shown, sizeof(shown), user);
        text_append_format(&where, " (as %s)", shown);
    }
    if (where.failed) {
        text_free(&where);
        error_no_memory(error);
    }
    return where.bytes;
}
