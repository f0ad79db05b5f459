/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/room_timeline.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "matrix/client.h"

#define ROOMS "/_matrix/client/v3/rooms/"

/* {"types":["m.room.message"]}: Conduit gives the others all the same. */
#define ONLY_MESSAGES "%7B%22types%22%3A%5B%22m.room.message%22%5D%7D"

/* A server's word for where to go on; of homeservers it is a number. */
#define PAGE_TOKEN_LONGEST 1024

/* Before what is random in a transaction's id; both leave an even number of places. */
static const char of_ours[] = "registrar";
static const char of_secrets[] = "registrarsecret";

int
room_timeline_name(char transaction_id[ROOM_TIMELINE_TRANSACTION_SIZE], bool is_secret,
    struct error *error)
{
    const char *ours = is_secret ? of_secrets : of_ours;
    unsigned char bytes[(ROOM_TIMELINE_TRANSACTION_SIZE - sizeof(of_ours)) / 2];
    size_t count = (ROOM_TIMELINE_TRANSACTION_SIZE - 1 - strlen(ours)) / 2;

    if (random_bytes(bytes, count, error) != 0)
        return -1;
    memcpy(transaction_id, ours, strlen(ours));
    text_hex(transaction_id + strlen(ours), bytes, count);
    return 0;
}

bool
room_timeline_is_secret(const char *transaction_id)
{
    return transaction_id != NULL &&
           strncmp(transaction_id, of_secrets, strlen(of_secrets)) == 0;
}

static int
send_call(const struct room_timeline *timeline, struct call *call, struct answer *answer,
    struct error *error)
{
    call->bearer = timeline->bearer;
    call->retry = RETRY_SAFE;
    memcpy(call->secrets, timeline->secrets, sizeof(call->secrets));
    return call_send(timeline->matrix, call, answer, error);
}

/* What a refusal to speak comes to, with what can be done about it. */
static int
refused(const struct answer *answer, struct error *error)
{
    static const char what[] = "sending a command into the admin room";

    if (strcmp(answer->errcode, "M_USER_SUSPENDED") == 0)
        answer_refused_as(answer, ERROR_FORBIDDEN, what,
            "the administrator's account is suspended, so that it may not speak; another "
            "administrator has to end that",
            error);
    else
        answer_refused(answer, what, error);
    /* Who may not speak about one account may not about another. */
    error->ends_list = error->kind == ERROR_FORBIDDEN;
    return -1;
}

static int
take_event_id(const struct answer *answer, char **event_id, struct error *error)
{
    const char *given = answer_string(answer, "event_id",
        "sending a command into the admin room", error);

    if (given != NULL && strlen(given) > ROOM_TIMELINE_ID_LONGEST) {
        error_set(error, ERROR_PROTOCOL,
            "sending a command into the admin room: the server's answer has no usable "
            "\"event_id\"");
        given = NULL;
    }
    if (given == NULL) {
        error->maybe_done = true;
        return -1;
    }
    *event_id = memory_copy_string(given);
    if (*event_id != NULL)
        return 0;
    error->maybe_done = true;
    return error_no_memory(error);
}

int
room_timeline_say(const struct room_timeline *timeline, const struct secret *body,
    const char *transaction_id, char **event_id, struct error *error)
{
    char after[32 + ROOM_TIMELINE_TRANSACTION_SIZE];
    char *path;
    struct call call = {.method = "PUT"};
    struct answer answer = {0};
    int result = -1;

    snprintf(after, sizeof(after), "/send/m.room.message/%s", transaction_id);
    call.path = path = client_path(ROOMS, timeline->room_id, after);
    call.body = json_pack("{s:s, s:s%}", "msgtype", "m.text", "body", body->bytes,
        body->length);
    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else if (send_call(timeline, &call, &answer, error) == 0)
        result = answer_ok(&answer) ? take_event_id(&answer, event_id, error)
                                    : refused(&answer, error);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

int
room_timeline_redact(const struct room_timeline *timeline, const char *event_id,
    struct error *error)
{
    char transaction_id[ROOM_TIMELINE_TRANSACTION_SIZE];
    struct text path = {0};
    struct call call = {.method = "PUT", .body = json_object(), .cleaning_up = true};
    struct answer answer = {0};
    int result = -1;

    if (room_timeline_name(transaction_id, false, error) != 0)
        goto out;
    text_append(&path, ROOMS);
    text_append_percent(&path, timeline->room_id, strlen(timeline->room_id));
    text_append(&path, "/redact/");
    text_append_percent(&path, event_id, strlen(event_id));
    text_append_format(&path, "/%s", transaction_id);
    call.path = path.bytes;
    if (path.failed || call.body == NULL)
        error_no_memory(error);
    else if (send_call(timeline, &call, &answer, error) == 0)
        result = answer_ok(&answer) ? 0 : answer_refused(&answer, "redacting it", error);
out:
    answer_free(&answer);
    json_decref(call.body);
    text_free(&path);
    return result;
}

/* A member that is a string; NULL: there is none. */
static const char *
member(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Reads an event; false: it is no message. */
static bool
read_message(struct room_message *message, const json_t *event)
{
    const json_t *content = json_object_get(event, "content");
    const json_t *relation = json_object_get(content, "m.relates_to");
    const char *type = member(event, "type");

    *message = (struct room_message){
        .event_id = member(event, "event_id"),
        .sender = member(event, "sender"),
        .msgtype = member(content, "msgtype"),
        .body = member(content, "body"),
        .answers = member(json_object_get(relation, "m.in_reply_to"), "event_id"),
        .transaction_id = member(json_object_get(event, "unsigned"), "transaction_id"),
        .sent_ms = json_integer_value(json_object_get(event, "origin_server_ts")),
    };
    return type != NULL && strcmp(type, "m.room.message") == 0 &&
           json_object_get(event, "state_key") == NULL && message->event_id != NULL &&
           strlen(message->event_id) <= ROOM_TIMELINE_ID_LONGEST &&
           message->sender != NULL && (message->msgtype == NULL) == (message->body == NULL);
}

/* The path of a page; NULL: no memory. */
static char *
page_path(const struct room_timeline *timeline, const char *from)
{
    struct text path = {0};

    text_append(&path, ROOMS);
    text_append_percent(&path, timeline->room_id, strlen(timeline->room_id));
    text_append_format(&path, "/messages?dir=b&limit=%d", ROOM_TIMELINE_PAGE);
    text_append(&path, "&filter=" ONLY_MESSAGES);
    if (from != NULL) {
        text_append(&path, "&from=");
        text_append_percent(&path, from, strlen(from));
    }
    if (path.failed)
        text_free(&path);
    return path.bytes;
}

bool
room_timeline_visit(const json_t *chunk, room_visitor visit, void *context)
{
    for (size_t i = 0; i < json_array_size(chunk); i++) {
        struct room_message message;

        if (read_message(&message, json_array_get(chunk, i)) && !visit(context, &message))
            return false;
    }
    return true;
}

/* Visits one page; *from becomes where the next one begins, NULL: there is none. */
static int
visit_page(const struct answer *answer, char **from, room_visitor visit, void *context,
    struct error *error)
{
    const json_t *chunk = json_object_get(answer->body, "chunk");
    const char *end = member(answer->body, "end");
    bool more;

    if (!json_is_array(chunk))
        return error_set(error, ERROR_PROTOCOL,
            "reading the admin room: the server's answer has no usable \"chunk\"");
    more = room_timeline_visit(chunk, visit, context);
    if (!more || json_array_size(chunk) == 0 ||
        (end != NULL && strlen(end) > PAGE_TOKEN_LONGEST))
        end = NULL;
    memory_free(*from);
    *from = end == NULL ? NULL : memory_copy_string(end);
    return end != NULL && *from == NULL ? error_no_memory(error) : 0;
}

/* Reads and visits one page, the newest one for a *from of NULL. */
static int
read_page(const struct room_timeline *timeline, char **from, room_visitor visit,
    void *context, struct error *error)
{
    char *path = page_path(timeline, *from);
    struct call call = {.method = "GET", .path = path, .cleaning_up = true};
    struct answer answer = {0};
    size_t failures = memory_failures();
    int result = -1;

    if (path == NULL)
        error_no_memory(error);
    else
        result = send_call(timeline, &call, &answer, error);
    /* libcurl leaves out the query that it has no memory for (7.88). */
    if (result == 0 && memory_failures() != failures)
        result = error_no_memory(error);
    if (result == 0)
        result = answer_ok(&answer) ? visit_page(&answer, from, visit, context, error)
                                    : answer_refused(&answer, "reading the admin room", error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

int
room_timeline_back(const struct room_timeline *timeline, unsigned pages_most,
    room_visitor visit, void *context, struct error *error)
{
    char *from = NULL;
    int result = 0;

    for (unsigned page = 0; result == 0 && page < pages_most && (page == 0 || from != NULL);
         page++)
        result = read_page(timeline, &from, visit, context, error);
    memory_free(from);
    return result;
}
