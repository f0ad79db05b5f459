/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options mas_*: where Matrix Authentication Service is, and what opens it. */
#ifndef REGISTRAR_MODULES_MAS_OPTIONS_H
#define REGISTRAR_MODULES_MAS_OPTIONS_H

#include "backends/connection.h"
#include "base/error.h"
#include "modules/connection_options.h"

/*
 * Fills mas, whose strings stay the options' and which must not move from then on;
 * reads the secret's file into options. Errors: invalid, memory.
 */
int mas_options_apply(struct connection_options *options, struct mas_connection *mas,
    struct error *error);

#endif
