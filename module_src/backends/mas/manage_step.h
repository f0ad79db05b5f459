/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One of mas-cli's commands about a user, and what MAS's database has then. */
#ifndef REGISTRAR_BACKENDS_MAS_MANAGE_STEP_H
#define REGISTRAR_BACKENDS_MAS_MANAGE_STEP_H

#include "backends/backend.h"
#include "backends/mas/way.h"

enum manage_step {
    MANAGE_STEP_PROMOTE,
    MANAGE_STEP_DEMOTE,
    MANAGE_STEP_LOCK,
    MANAGE_STEP_UNLOCK,     /* does not reactivate */
    MANAGE_STEP_DEACTIVATE, /* and locks; by MAS's worker, which is told at once */
    MANAGE_STEP_REACTIVATE, /* does not unlock; by the worker */
};

enum manage_sight {
    MANAGE_SIGHT_DONE,
    MANAGE_SIGHT_NOT_DONE,
    MANAGE_SIGHT_NONE, /* a signal asked to stop, so that it could not be looked at */
};

/*
 * Runs a command, and looks until the database has what it does; the worker has the
 * time of one request for it. Then *user is the user as it is; without a look, its exit status is
 * believed. Errors: those of mas_cli_run and rows_find. A command whose end is not known
 * is no error where the database has it: a warning says so.
 */
int manage_step_begin(struct backend *backend, enum manage_step name, const char *localpart,
    struct mas_user *user, enum manage_sight *sight, struct error *error);

/* The same, where what is not there is an error (database). */
int manage_step_do(struct backend *backend, enum manage_step name, const char *localpart,
    struct mas_user *user, struct error *error);

/* Runs "manage COMMAND [OPTION] -- LOCALPART [VALUE]"; as mas_cli_run. */
int manage_step_run(struct backend *backend, const char *command, const char *option,
    const char *localpart, const char *value, const struct secret *password,
    struct error *error);

/* Warns that what was asked for is there, although the command failed. */
void manage_step_tell(struct backend *backend, const struct error *failure);

/* Records that it is not there, although the command did not fail. Always -1. */
int manage_step_not_there(const char *command, const char *what, const char *localpart,
    struct error *error);

#endif
