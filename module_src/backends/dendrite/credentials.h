/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords on Dendrite: asking about them, and setting them as an administrator. */
#ifndef REGISTRAR_BACKENDS_DENDRITE_CREDENTIALS_H
#define REGISTRAR_BACKENDS_DENDRITE_CREDENTIALS_H

#include "backends/backend.h"

/* What Dendrite takes, in bytes (dendrite: internal/validate.go; bcrypt). */
#define CREDENTIALS_SHORTEST 8
#define CREDENTIALS_LONGEST 72

/* See backend_type.ask_password; takes an administrator's session. */
int credentials_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error);

/* Sets it, ending no session unless logout_devices. */
int credentials_reset(struct backend *backend, const char *user_id,
    const struct secret *password, bool logout_devices, struct error *error);

#endif
