/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one reply of a container engine that is read, checked piece by piece. */
#ifndef REGISTRAR_NET_ENGINE_REPLY_H
#define REGISTRAR_NET_ENGINE_REPLY_H

#include <jansson.h>

#include "net/engine.h"

/* The most mounts that a container may have here. */
#define ENGINE_REPLY_MOUNTS_MOST 256

/*
 * Fills container, which is all zeroes and is for engine_container_free in any
 * case, from the body of a 200. Errors: protocol
 * (what of it is wrong, without quoting it), memory.
 */
int engine_reply_read(const json_t *body, struct engine_container *container,
    struct error *error);

#endif
