/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running "mas-cli manage ..." in MAS's container (MAS 1.22, crates/cli/src/commands/
 * manage.rs). What it says is shown to people and never read: its exit status
 * tells whether it did it.
 */
#ifndef REGISTRAR_BACKENDS_MAS_MAS_CLI_H
#define REGISTRAR_BACKENDS_MAS_MAS_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/backend.h"
#include "base/error.h"
#include "base/secret.h"

/* The arguments of one command, from its name on; each is a copy, zeroed when freed.
 * Starts as all zeroes; a failed allocation is remembered. */
struct mas_cli {
    char **words;
    size_t count;
    bool failed;
};

/* Adds "PREFIX" and behind it value, which may be NULL, as one word: what a value begins
 * with cannot make an option of it ("--email=" and an address; what stands alone comes
 * behind a "--"). */
void mas_cli_add(struct mas_cli *cli, const char *prefix, const char *value);

/*
 * Runs it, in the container of the connection and within the time of one request, and
 * frees its words. password is the one among them, or NULL; that it stood there is told
 * in the warnings. Errors: those of engine_exec_run; server (it refused or broke down),
 * unsupported (it is none there, or does not know what is asked of it). error->maybe_done
 * as in engine_exec.h: whether it was done is to be looked at.
 */
int mas_cli_run(struct backend *backend, struct mas_cli *cli, const struct secret *password,
    struct error *error);

#endif
