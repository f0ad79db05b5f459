/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the users of one task may not ask for together. */
#ifndef REGISTRAR_MODULES_TASK_RULES_H
#define REGISTRAR_MODULES_TASK_RULES_H

#include <stddef.h>

#include "backends/connection.h"
#include "base/error.h"
#include "ensure/ensure.h"

/*
 * Refuses, before anything is sent: a name, an e-mail address or an id
 * elsewhere that two of the wishes have (each would make the result depend on
 * the order of work), and more logins than servers let pass. Errors: invalid,
 * memory.
 */
int task_rules_check(const struct wish *wishes, size_t count,
    const struct connection *connection, struct error *error);

#endif
