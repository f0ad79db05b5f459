/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the bot of an admin room said (matrix/admin_room.h). */
#ifndef REGISTRAR_MATRIX_ADMIN_REPLY_H
#define REGISTRAR_MATRIX_ADMIN_REPLY_H

#include "base/secret.h"

/* All zeroes before and after. */
struct admin_reply {
    struct secret text; /* the whole of it; it may have a password in it */
    char *event_id;     /* of it */
};

void admin_reply_free(struct admin_reply *reply);

#endif
