/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding the room and who is in it. Talking to its bot is in admin_talk.c. */
#include "matrix/admin_room.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "matrix/admin_talk.h"
#include "matrix/room_timeline.h"
#include "matrix/user_id.h"

#define ROOMS "/_matrix/client/v3/rooms/"

/* Of Conduit and continuwuity alike (src/service/admin). */
#define ALIAS "admins"

struct admin_room {
    struct matrix *matrix;
    const struct session *administrator;
    const char *server_name;
    char *id;
    bool is_entered; /* by accepting an invitation */
    struct admin_talk *talk;
};

static const char finding[] = "finding the admin room";

/* *room_id becomes the room's, NULL: there is none, and *answer says so. Either is for
 * the caller to free. */
static int
find(struct matrix *matrix, const struct session *session, const char *server_name,
    char **room_id, struct answer *answer, struct error *error)
{
    struct text path = {0};
    const char *given = NULL;
    int result = -1;

    *room_id = NULL;
    text_append(&path, "/_matrix/client/v3/directory/room/");
    text_append_percent(&path, "#" ALIAS ":", strlen("#" ALIAS ":"));
    text_append_percent(&path, server_name, strlen(server_name));
    if (call_get(matrix, path.failed ? NULL : path.bytes, &session->access_token, answer,
            error) != 0)
        goto out;
    if (answer_is(answer, 404, "M_NOT_FOUND")) {
        result = 0;
    } else if (!answer_ok(answer)) {
        answer_refused(answer, finding, error);
    } else if ((given = answer_string(answer, "room_id", finding, error)) != NULL) {
        if (given[0] != '!' || strlen(given) > ROOM_TIMELINE_ID_LONGEST)
            error_set(error, ERROR_PROTOCOL,
                "%s: what the server calls a room_id is none", finding);
        else if ((*room_id = memory_copy_string(given)) == NULL)
            error_no_memory(error);
        else
            result = 0;
    }
out:
    text_free(&path);
    return result;
}

/* POST rooms/{id}/<deed>, for anybody; user_id goes into the body, if there is one. */
static int
post(struct matrix *matrix, const struct session *session, const char *room_id,
    const char *deed, const char *user_id, struct answer *answer, struct error *error)
{
    char after[16];
    char *path;
    struct call call = {
        .method = "POST",
        .bearer = &session->access_token,
        .body = user_id == NULL ? json_object() : json_pack("{s:s}", "user_id", user_id),
        .retry = RETRY_SAFE, /* each of them twice is as good as once */
    };
    int result = -1;

    snprintf(after, sizeof(after), "/%s", deed);
    call.path = path = client_path(ROOMS, room_id, after);
    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else
        result = call_send(matrix, &call, answer, error);
    json_decref(call.body);
    memory_free(path);
    return result;
}

/* Asks who is joined; an answer that is no success tells that who asks is not. */
static int
ask_members(struct matrix *matrix, const struct session *session, const char *room_id,
    struct answer *answer, struct error *error)
{
    char *path = client_path(ROOMS, room_id, "/joined_members");
    int result = call_get(matrix, path, &session->access_token, answer, error);

    memory_free(path);
    if (result != 0 || answer->status == 403)
        return result;
    if (!answer_ok(answer))
        return answer_refused(answer, "asking who is in the admin room", error);
    if (!json_is_object(json_object_get(answer->body, "joined")))
        return error_set(error, ERROR_PROTOCOL,
            "asking who is in the admin room: the server's answer has no usable \"joined\"");
    return 0;
}

static bool
is_member(const struct answer *answer, const char *user_id)
{
    return answer_ok(answer) &&
           json_object_get(json_object_get(answer->body, "joined"), user_id) != NULL;
}

/* Accepts the invitation, if there is one; of administrators only. */
static int
join(struct matrix *matrix, const struct session *session, const char *room_id,
    const char *server_name, struct error *error)
{
    struct answer answer = {0};
    char what[100 + USER_ID_LONGEST], advice[300 + 2 * USER_ID_LONGEST];
    int result = post(matrix, session, room_id, "join", NULL, &answer, error);

    snprintf(what, sizeof(what), "entering the admin room as %.255s", session->user_id);
    snprintf(advice, sizeof(advice),
        "%.255s is no administrator of this server: it is neither in the room #" ALIAS
        ":%.255s nor invited; give the credential of somebody who is, or have it invited "
        "by one",
        session->user_id, server_name);
    if (result == 0 && answer_is(&answer, 403, "M_FORBIDDEN"))
        result = answer_refused_as(&answer, ERROR_FORBIDDEN, what, advice, error);
    else if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, what, error);
    if (result != 0)
        error->ends_list = error->ends_list || error->kind == ERROR_FORBIDDEN;
    answer_free(&answer);
    return result;
}

static int
refuse_to_join(const struct admin_room *room, struct error *error)
{
    error->ends_list = true;
    return error_set(error, ERROR_FORBIDDEN,
        "%.255s is not in the room #" ALIAS ":%.255s, and so no administrator of this server "
        "yet; a run that is not in check mode accepts an invitation to it, if there is one: run "
        "one, or give the credential of somebody who is in it",
        room->administrator->user_id, room->server_name);
}

/* Makes sure that the administrator is in the room. */
static int
enter(struct admin_room *room, enum admin_room_entry entry, struct error *error)
{
    const struct session *session = room->administrator;
    struct answer answer = {0};
    int result = ask_members(room->matrix, session, room->id, &answer, error);

    if (result == 0 && !is_member(&answer, session->user_id)) {
        room->is_entered = entry == ADMIN_ROOM_JOIN;
        result = room->is_entered
                     ? join(room->matrix, session, room->id, room->server_name, error)
                     : refuse_to_join(room, error);
    }
    answer_free(&answer);
    return result;
}

int
admin_room_open(struct matrix *matrix, const struct session *administrator,
    const char *server_name, const struct admin_room_manner *manner,
    enum admin_room_entry entry, struct admin_room **opened, struct error *error)
{
    struct admin_room *room = memory_zeroed(1, sizeof(*room));
    struct answer answer = {0};

    *opened = NULL;
    if (room == NULL)
        return error_no_memory(error);
    *room = (struct admin_room){
        .matrix = matrix,
        .administrator = administrator,
        .server_name = server_name,
    };
    if (find(matrix, administrator, server_name, &room->id, &answer, error) == 0 &&
        room->id == NULL) {
        char advice[300 + USER_ID_LONGEST];

        snprintf(advice, sizeof(advice),
            "there is no room #" ALIAS ":%.255s, in which this server takes commands; look "
            "whether server_name is right, and whether somebody has taken that alias away from "
            "the room",
            server_name);
        answer_refused_as(&answer, ERROR_UNSUPPORTED, finding, advice, error);
    }
    answer_free(&answer);
    if (room->id != NULL && enter(room, entry, error) == 0)
        room->talk = admin_talk_begin(matrix, administrator, server_name, manner, room->id,
            error);
    if (room->talk == NULL) {
        admin_room_free(room);
        return -1;
    }
    *opened = room;
    return 0;
}

void
admin_room_free(struct admin_room *room)
{
    if (room == NULL)
        return;
    admin_talk_end(room->talk);
    memory_free(room->id);
    memory_free(room);
}

bool
admin_room_is_entered(const struct admin_room *room)
{
    return room->is_entered;
}

const char *
admin_room_id(const struct admin_room *room)
{
    return room->id;
}

int
admin_room_command(struct admin_room *room, const struct admin_command *command,
    struct admin_reply *reply, struct list *warnings, struct error *error)
{
    return admin_talk_command(room->talk, command, reply, warnings, error);
}

int
admin_room_leavings(struct admin_room *room, const char *user_id, struct admin_reply *reply,
    struct error *error)
{
    return admin_talk_leavings(room->talk, user_id, reply, error);
}

void
admin_room_clear(struct admin_room *room, struct list *warnings)
{
    admin_talk_clear(room->talk, warnings);
}

/* ask_members of the administrator, who has to be in it still. */
static int
members(struct admin_room *room, struct answer *answer, struct error *error)
{
    if (ask_members(room->matrix, room->administrator, room->id, answer, error) != 0)
        return -1;
    return answer_ok(answer)
               ? 0
               : answer_refused(answer, "asking who is in the admin room", error);
}

int
admin_room_members(struct admin_room *room, struct list *user_ids, struct error *error)
{
    struct answer answer = {0};
    int result = members(room, &answer, error);
    json_t *joined = result == 0 ? json_object_get(answer.body, "joined") : NULL;
    char shown[USER_ID_LONGEST + 1];
    const char *user_id, *server_name;
    json_t *ignored;

    json_object_foreach(joined, user_id, ignored)
    {
        server_name = user_id_server_name(user_id);
        if (server_name == NULL || strlen(user_id) > USER_ID_LONGEST ||
            (user_id_has_localpart(user_id, ADMIN_ROOM_BOT) &&
                strcmp(server_name, room->server_name) == 0))
            continue;
        text_show(shown, sizeof(shown), user_id);
        list_add(user_ids, "%s", shown);
    }
    answer_free(&answer);
    if (result == 0 && user_ids->failed)
        result = error_no_memory(error);
    return result;
}

int
admin_room_has(struct admin_room *room, const char *user_id, bool *joined,
    struct error *error)
{
    struct answer answer = {0};
    int result = members(room, &answer, error);

    *joined = result == 0 && is_member(&answer, user_id);
    answer_free(&answer);
    return result;
}

int
admin_room_invite(struct admin_room *room, const char *user_id, struct error *error)
{
    static const char what[] = "inviting into the admin room";
    struct answer answer = {0};
    bool joined = false;
    int result =
        post(room->matrix, room->administrator, room->id, "invite", user_id, &answer, error);

    if (result == 0 && answer.status == 403) {
        struct error ignored = {0};

        /* Who is in it cannot be invited, and somebody else may have been faster. */
        admin_room_has(room, user_id, &joined, &ignored);
    }
    if (result == 0 && !answer_ok(&answer) && !joined)
        result = answer_refused(&answer, what, error);
    answer_free(&answer);
    return result;
}

/* Conduit 0.10.12 says so with 400 M_BAD_STATE, continuwuity 26.7 with 403 M_FORBIDDEN
 * (src/api/client/membership/kick.rs), and both in words. */
static bool
was_not_there(const struct answer *answer)
{
    return answer_is(answer, 400, "M_BAD_STATE") ||
           (answer_is(answer, 403, "M_FORBIDDEN") &&
               (answer_says(answer, "who is not in the room") ||
                   answer_says(answer, "who are not in the room")));
}

int
admin_room_kick(struct admin_room *room, const char *user_id, struct error *error)
{
    static const char what[] = "taking out of the admin room";
    struct answer answer = {0};
    int result =
        post(room->matrix, room->administrator, room->id, "kick", user_id, &answer, error);

    if (result == 0 && !answer_ok(&answer) && !was_not_there(&answer))
        result = answer_refused(&answer, what, error);
    answer_free(&answer);
    return result;
}

static int
move_as(struct admin_room *room, const struct session *session, const char *deed,
    const char *what, struct error *error)
{
    struct answer answer = {0};
    int result = post(room->matrix, session, room->id, deed, NULL, &answer, error);

    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, what, error);
    answer_free(&answer);
    return result;
}

int
admin_room_join_as(struct admin_room *room, const struct session *session,
    struct error *error)
{
    return move_as(room, session, "join", "entering the admin room", error);
}

int
admin_room_leave_as(struct admin_room *room, const struct session *session,
    struct error *error)
{
    return move_as(room, session, "leave", "leaving the admin room", error);
}

int
admin_room_find(struct matrix *matrix, const struct session *session,
    const char *server_name, char **room_id, struct error *error)
{
    struct answer answer = {0};
    int result = find(matrix, session, server_name, room_id, &answer, error);

    answer_free(&answer);
    return result;
}

int
admin_room_has_me(struct matrix *matrix, const struct session *session,
    const char *server_name, bool *joined, struct error *error)
{
    struct answer answer = {0};
    char *room_id;
    int result = admin_room_find(matrix, session, server_name, &room_id, error);

    *joined = false;
    if (room_id != NULL) {
        result = ask_members(matrix, session, room_id, &answer, error);
        *joined = result == 0 && is_member(&answer, session->user_id);
    }
    answer_free(&answer);
    memory_free(room_id);
    return result;
}
