/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The MAC that proves knowledge of a homeserver's registration shared secret
 * (Synapse: docs/admin_api/register_api.md; Dendrite checks the same one).
 */
#ifndef REGISTRAR_MATRIX_MAC_H
#define REGISTRAR_MATRIX_MAC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"

/* A MAC in lower-case hexadecimal, with its NUL. */
#define MAC_SIZE (2 * 20 + 1)

struct mac_subject {
    const char *nonce;
    const char *username; /* as it will be sent */
    const struct secret *password;
    bool admin;
    const char *user_type; /* NULL: none, and none in the MAC */
};

/*
 * HMAC-SHA1 over nonce, username, password, "admin" or "notadmin" and, where
 * there is one, the user type, with NUL bytes in between.
 */
int mac_compute(char mac[MAC_SIZE], const struct secret *shared_secret,
    const struct mac_subject *subject, struct error *error);

#endif
