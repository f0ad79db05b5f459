/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/admin_reply.h"

#include <string.h>

#include "base/memory.h"

void
admin_reply_free(struct admin_reply *reply)
{
    secret_free(&reply->text);
    memory_free(reply->event_id);
    memset(reply, 0, sizeof(*reply));
}
