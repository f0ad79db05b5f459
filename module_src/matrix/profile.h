/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What everybody may see of an account, and what it may say of itself
 * (specification: client-server API, "Profiles"). */
#ifndef REGISTRAR_MATRIX_PROFILE_H
#define REGISTRAR_MATRIX_PROFILE_H

#include "base/error.h"
#include "base/secret.h"
#include "matrix/call.h"
#include "matrix/client.h"

/* What a profile says about an account. */
enum profile_result {
    PROFILE_FOUND,  /* the account exists */
    PROFILE_NONE,   /* no account, or one without a name and an avatar */
    PROFILE_HIDDEN, /* the asker may not see it */
};

struct profile {
    enum profile_result result;
    char *displayname; /* NULL: none; both only with PROFILE_FOUND */
    char *avatar_url;
};

/* Asks with a token, or as anybody with NULL. For profile_free, also after an
 * error. */
int profile_get(struct matrix *matrix, const char *user_id, const struct secret *token,
    struct profile *profile, struct error *error);

void profile_free(struct profile *profile);

/* Sets "displayname" or "avatar_url" of one's own; "" clears it. */
int profile_set(struct matrix *matrix, const struct session *session, const char *key,
    const char *value, struct error *error);

#endif
