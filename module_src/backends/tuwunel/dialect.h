/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How tuwunel differs from Synapse, whose admin API it has. */
#ifndef REGISTRAR_BACKENDS_TUWUNEL_DIALECT_H
#define REGISTRAR_BACKENDS_TUWUNEL_DIALECT_H

#include "backends/homeserver/dialect.h"

/* The oldest version that has the admin API for users. */
#define DIALECT_OLDEST "1.8.1"

extern const struct homeserver_dialect dialect_tuwunel;

#endif
