/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whom a homeserver has handed its accounts to, as it says to everybody (Matrix
 * specification 1.15, client-server API, "Server metadata discovery"; before that
 * MSC2965). */
#ifndef REGISTRAR_BACKENDS_MAS_METADATA_H
#define REGISTRAR_BACKENDS_MAS_METADATA_H

#include "base/error.h"
#include "matrix/call.h"

enum metadata {
    METADATA_NONE,  /* to nobody */
    METADATA_MAS,   /* to Matrix Authentication Service */
    METADATA_OTHER, /* to another service */
};

/*
 * Asks the homeserver. With METADATA_MAS, *base is where MAS's users reach it, with its
 * path prefix and no slash at the end, for memory_free; NULL otherwise. base may be
 * NULL. Errors: not_ready (Synapse asks MAS once, when it first needs to, and answers
 * 500 while that fails); protocol; those of call_get.
 */
int metadata_ask(struct matrix *homeserver, enum metadata *metadata, char **base,
    struct error *error);

#endif
