/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From options to what libpq is told, so that it asks nobody else. */
#ifndef REGISTRAR_DB_POSTGRES_PARAMETERS_H
#define REGISTRAR_DB_POSTGRES_PARAMETERS_H

#include "db/postgres.h"

#define POSTGRES_PARAMETERS_MOST 24

struct postgres_parameters {
    const char *keywords[POSTGRES_PARAMETERS_MOST + 1]; /* NULL-terminated */
    const char *values[POSTGRES_PARAMETERS_MOST + 1];
    size_t count;
    char *owned[POSTGRES_PARAMETERS_MOST];
    size_t owned_count;
    struct secret password; /* from the uri, so that it can be kept back */
};

/* For postgres_parameters_free in any case. Errors: invalid (a uri that is none,
 * or that says what it may not), memory. */
int postgres_parameters_make(struct postgres_parameters *parameters,
    const struct postgres_options *options, struct error *error);

void postgres_parameters_free(struct postgres_parameters *parameters);

/* "the database NAME at HOST as USER" for memory_free; NULL: memory. */
char *postgres_parameters_where(const struct postgres_parameters *parameters,
    struct error *error);

/* "-> *host, *port": what a uri connects to, the host for memory_free; NULL and 0 when it
 * names none. Errors: invalid, memory. */
int postgres_parameters_place(char **host, long *port, const struct secret *uri,
    struct error *error);

/* A PQnoticeProcessor that does nothing. */
void postgres_parameters_ignore(void *context, const char *message);

#endif
