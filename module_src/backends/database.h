/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's database, where an operation has no better way. */
#ifndef REGISTRAR_BACKENDS_DATABASE_H
#define REGISTRAR_BACKENDS_DATABASE_H

#include "backends/backend.h"
#include "db/postgres.h"

/* The table by which a server's database is known. */
struct database_mark {
    const char *table;
    const char *not_beside; /* where this one stands, too, it is another product's; or NULL */
    const char *other;      /* one by which a wrong database is known, or NULL */
    const char *advice;     /* what a database that has it is: "is one of ..." */
};

/*
 * Begins to connect to a database that is given, while the server is asked something else.
 * That it fails shows when it is opened.
 */
void database_begin(struct backend *backend);

/*
 * Connects, unless that is done, and sees to it that exactly one schema has the
 * table, which is the search path from then on; the connection ends with the
 * backend. NULL: database (no such table, several, a read-only replica, what
 * postgres_open says), tls, ...
 */
struct postgres *database_open(struct backend *backend, const struct database_mark *mark,
    struct error *error);

/*
 * database_open, where doing without is possible: 1 when it is open, 0 when there
 * is none, or one that was only found and does not open (a warning says why),
 * -1 with an error for one that was given.
 */
int database_try(struct backend *backend, const struct database_mark *mark,
    struct error *error);

#endif
