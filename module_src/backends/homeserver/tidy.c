/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/tidy.h"

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"
#include "matrix/admin_room.h"
#include "matrix/profile.h"
#include "matrix/rooms.h"
#include "matrix/service_account.h"
#include "matrix/user_id.h"

static int
leave_rooms(struct backend *backend, const struct session *session, bool *left,
    struct error *error)
{
    char *kept = NULL;
    int result;

    *left = true;
    if (!backend->type->dialect->has_admin_room)
        return rooms_leave_all(&backend->matrix, session, NULL, left, error);
    result = admin_room_find(&backend->matrix, session, user_id_server_name(session->user_id),
        &kept, error);
    if (result == 0 && kept != NULL)
        result = rooms_leave_all(&backend->matrix, session, kept, left, error);
    memory_free(kept);
    return result;
}

void
tidy_rooms(struct backend *backend)
{
    const struct session *session = &state_of(backend)->administrator;
    struct error ignored = {0};
    bool left;

    if (backend->predict || state_of(backend)->forgetting)
        return;
    if (leave_rooms(backend, session, &left, &ignored) != 0 || !left)
        list_add(backend->warnings,
            "%s could not leave all the rooms that the server put it into (auto_join_rooms); "
            "the next run tries again",
            session->user_id);
}

void
tidy_name(struct backend *backend, const struct session *session)
{
    struct error ignored = {0};

    if (backend->type->dialect->adds_to_names)
        profile_set(&backend->matrix, session, "displayname", SERVICE_ACCOUNT_DISPLAYNAME,
            &ignored);
}
