/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of MAS's listeners to talk to (MAS: crates/config/src/sections/http.rs). */
#ifndef REGISTRAR_BACKENDS_MAS_LISTENERS_H
#define REGISTRAR_BACKENDS_MAS_LISTENERS_H

#include "backends/config_place.h"
#include "backends/found.h"
#include "base/config.h"

/*
 * Fills oauth, admin and public_base of found from the section "http", which may be
 * NULL: MAS has its defaults then. The client's secret will go there, so that a
 * listener that is neither on this machine nor in the container of place is none;
 * neither is one that expects the PROXY protocol, nor a socket that MAS is handed.
 * That there is none of use is no error. Errors: invalid, memory.
 */
int listeners_choose(const struct config_value *http, const struct config_place *place,
    struct found_mas *found, struct error *error);

#endif
