/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection to a PostgreSQL database, over libpq: statements with
 * parameters, bounded in time, with nothing taken from the environment unless
 * that is asked for. What is asked of which table is for the backends.
 */
#ifndef REGISTRAR_DB_POSTGRES_H
#define REGISTRAR_DB_POSTGRES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

/* Where and how; everything is the caller's and must outlive the connection. */
struct postgres_options {
    const struct secret *uri; /* postgresql://..., or NULL; what stands below wins */
    const char *host;         /* a name, an address, or a folder: its unix socket; or NULL */
    const char *address;      /* a literal address in place of looking host up, or NULL */
    long port;                /* 0: 5432 */
    const char *name;         /* of the database, or NULL: as the user */
    const char *user;         /* or NULL: as who runs this */
    const struct secret *password; /* or NULL */
    const char *sslmode; /* libpq's words, or NULL: verify-full, but prefer on this machine */
    const char *ca_path; /* a PEM file of authorities, or NULL: the system's */
    long connect_timeout_ms;
    long statement_timeout_ms; /* also how long to wait for a lock */
    bool use_environment; /* heed PG* variables, service files, ~/.pgpass, ~/.postgresql */
    const char *run_as;   /* a system user to connect as (peer authentication), or NULL */
};

struct postgres; /* a connection; one thread at a time */

/*
 * Connects, for postgres_close. With run_as, the effective user and group are
 * the other's for that time, so there may be no other threads. Unless
 * use_environment, variables PG* are taken out of the program's environment.
 * NULL: database (with what to do), tls, invalid (options that cannot be),
 * forbidden (run_as takes root), memory, interrupted.
 */
struct postgres *postgres_open(const struct postgres_options *options, struct error *error);

/*
 * postgres_open in two parts, between which the server does its own: in the first the
 * socket is opened, as run_as, and in the second the rest is waited for, for
 * connect_timeout_ms from then on. Errors as there; after one of the second, only
 * postgres_close will do.
 */
struct postgres *postgres_begin(const struct postgres_options *options, struct error *error);
int postgres_finish(struct postgres *postgres, struct error *error);

/* Closes and frees. NULL is allowed. */
void postgres_close(struct postgres *postgres);

/* "the database synapse at /run/postgresql", for messages; lives as long as it. */
const char *postgres_where(const struct postgres *postgres);

/* True for one that may be read and not written. */
bool postgres_is_replica(const struct postgres *postgres);

/* What a statement brought. */
struct postgres_rows {
    void *result; /* libpq's; NULL: no rows */
    size_t changed;
};

/*
 * Runs one statement; $1, $2 ... are values, text or NULL for null, never part
 * of the statement. rows is for postgres_rows_free, also after an error.
 * Errors: database (its words, and what they mean here), protocol (more than any
 * homeserver has), memory, interrupted; after the last three no other will do.
 * What is bounded is the sum of the rows; one alone, which libpq takes in whole before
 * it hands it out, by what memory the program may have (main.c).
 * maybe_done says that a change may have been made although it failed.
 */
int postgres_run(struct postgres *postgres, const char *statement,
    const char *const *values, size_t count, struct postgres_rows *rows,
    struct error *error);

void postgres_rows_free(struct postgres_rows *rows);

/* How many rows there are, and how many a change changed. */
size_t postgres_rows_count(const struct postgres_rows *rows);
size_t postgres_rows_changed(const struct postgres_rows *rows);

/* A value as text, which lives as long as rows; NULL for null. */
const char *postgres_rows_value(const struct postgres_rows *rows, size_t row, int column);

/* True for a boolean that is true and for a number that is not 0. */
bool postgres_rows_true(const struct postgres_rows *rows, size_t row, int column);

#endif
