/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which of Synapse's listeners to talk to, of those that homeserver.yaml has
 * (synapse/config/server.py: parse_listener_def).
 */
#ifndef REGISTRAR_BACKENDS_SYNAPSE_LISTENER_H
#define REGISTRAR_BACKENDS_SYNAPSE_LISTENER_H

#include "backends/config_place.h"
#include "backends/found.h"
#include "base/config.h"

/* What of the configuration says where it listens; each may be NULL. */
struct listener_settings {
    const struct config_value *listeners;
    const struct config_value *no_tls;
    const struct config_value *public_baseurl;
};

/*
 * Fills url, unix_socket and address of found, whose server_name is known, with
 * the best of the listeners that serve clients, and so the admin API: plain
 * HTTP before a unix socket before TLS. Credentials will go there, so that one
 * that is not on this machine, or in the container of place, is none. Errors:
 * invalid (malformed, or none of use), memory.
 */
int listener_choose(const struct listener_settings *settings,
    const struct config_place *place, const char *file, struct found *found,
    struct error *error);

#endif
