/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/rooms.h"

#include <string.h>

#include "base/memory.h"

/* Each room takes a request, so a list that never ends must. */
#define ROOMS_MOST 100
/* Specification: appendices, "Room IDs"; in bytes. */
#define ROOM_ID_LONGEST 255

static int
leave(struct matrix *matrix, const struct session *session, const char *room_id,
    bool *left, struct error *error)
{
    char *path = client_path("/_matrix/client/v3/rooms/", room_id, "/leave");
    struct call call = {
        .method = "POST",
        .path = path,
        .bearer = &session->access_token,
        .body = json_object(),
        .retry = RETRY_SAFE, /* leaving twice is leaving once */
    };
    struct answer answer = {0};
    int result = -1;

    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else
        result = call_send(matrix, &call, &answer, error);
    *left = *left && answer_ok(&answer);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

int
rooms_leave_all(struct matrix *matrix, const struct session *session, const char *kept,
    bool *left, struct error *error)
{
    struct answer answer = {0};
    const json_t *rooms;
    bool listed;
    int result = call_get(matrix, "/_matrix/client/v3/joined_rooms", &session->access_token,
        &answer, error);

    rooms = json_object_get(answer.body, "joined_rooms");
    listed = result == 0 && answer_ok(&answer) && json_is_array(rooms) &&
             json_array_size(rooms) <= ROOMS_MOST;
    *left = listed;
    for (size_t i = 0; result == 0 && listed && i < json_array_size(rooms); i++) {
        const json_t *room = json_array_get(rooms, i);

        if (json_is_string(room) && kept != NULL && strcmp(json_string_value(room), kept) == 0)
            continue;
        if (json_is_string(room) && json_string_length(room) <= ROOM_ID_LONGEST)
            result = leave(matrix, session, json_string_value(room), left, error);
        else
            *left = false;
    }
    answer_free(&answer);
    return result;
}
