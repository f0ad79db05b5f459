/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Being another system user for a moment, as peer authentication wants it. The
 * effective user and group only; there may be no other threads meanwhile. */
#ifndef REGISTRAR_DB_RUN_AS_H
#define REGISTRAR_DB_RUN_AS_H

#include <sys/types.h>

#include "base/error.h"

/* Who we were. */
struct run_as {
    uid_t user;
    gid_t group;
};

/* Becomes the user of that name. Errors: invalid (there is none), forbidden (it
 * takes root). */
int run_as_begin(struct run_as *before, const char *name, struct error *error);

/* Becomes who we were again. -1: internal. */
int run_as_end(const struct run_as *before, struct error *error);

#endif
