/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An admin room for tests: a server that says what a test wrote down, and the events of
 * the room in the form in which Conduit 0.10.12 and continuwuity 26.7.3 give them
 * (src/api/client_server/message.rs, src/api/client/message.rs).
 */
#ifndef REGISTRAR_TESTS_ADMIN_TRIAL_H
#define REGISTRAR_TESTS_ADMIN_TRIAL_H

#include "matrix/admin_room.h"
#include "recorded_server.h"

/* As servers of room version 12 make them, without a domain. */
#define ROOM "!a/b"
#define AT_ROOM "/_matrix/client/v3/rooms/%21a%2Fb"
#define MESSAGES AT_ROOM "/messages?dir=b&limit=12&filter=" \
                         "%7B%22types%22%3A%5B%22m.room.message%22%5D%7D"

/* Rows of a table: the room is found, and our account is in it. */
#define ROOM_IS_THERE                                                                      \
    {"GET /_matrix/client/v3/directory/room/%23admins%3Ax", 200, NULL,                     \
        "{\"room_id\": \"" ROOM "\", \"servers\": [\"x\"]}"}
#define WE_ARE_IN                                                                          \
    {"GET " AT_ROOM "/joined_members", 200, NULL,                                          \
        "{\"joined\": {\"@a:x\": {\"display_name\": null}, \"@conduit:x\": {}}}"}
#define SENT                                                                               \
    {"PUT " AT_ROOM "/send/m.room.message/registrar", 200, NULL, "{\"event_id\": \"$E\"}"}

/* One event in a page: sender, event id, what "content" has. */
#define EVENT(sender, event_id, content)                                                   \
    "{\"type\": \"m.room.message\", \"sender\": \"" sender "\", \"event_id\": \"" event_id    \
    "\", \"origin_server_ts\": 1700000000000, \"content\": {" content "}}"
#define TEXT(msgtype, body) "\"msgtype\": \"" msgtype "\", \"body\": \"" body "\""
#define REPLY_TO(event_id)                                                                 \
    ", \"m.relates_to\": {\"m.in_reply_to\": {\"event_id\": \"" event_id "\"}}"
/* A page begins as it would at the end of the room: jansson 2.14 reads on behind a string
 * of 14 letters, as "m.room.message" is one, when it has no memory for it; but not where
 * a longer one came before. */
#define START "{\"start\": \"18446744073709551615\", "
#define PAGE(events) START "\"end\": \"1\", \"chunk\": [" events "]}"
#define LAST_PAGE(events) START "\"chunk\": [" events "]}"

#define OURS(body) EVENT("@a:x", "$E", TEXT("m.text", body))
#define ANSWERED                                                                           \
    {"GET " MESSAGES, 200, NULL,                                                           \
        PAGE(EVENT("@conduit:x", "$A", TEXT("m.notice", "Done.") REPLY_TO("$E")) ","       \
             OURS("!admin users lock n"))}
#define SILENT {"GET " MESSAGES, 200, NULL, PAGE(OURS("!admin users lock n"))}
#define TAKEN_AWAY {"PUT " AT_ROOM "/redact/", 200, NULL, "{\"event_id\": \"$R\"}"}

/* The manners of the two. */
extern const struct admin_room_manner admin_of_continuwuity, admin_of_conduit;

/* There between the group's fixtures. */
extern struct admin_trial {
    struct recorded_server *server;
    struct http_options options;
    struct matrix matrix;
    struct session session; /* of @a:x, with "tok_a" */
} admin_trial;

int admin_start(void **state);
int admin_stop(void **state);

/* Says these from here on, and forgets what was asked. */
void admin_say(const struct recorded_reply *replies);

/* A room of a server that has just said ROOM_IS_THERE and WE_ARE_IN. */
struct admin_room *admin_opened(const struct admin_room_manner *manner);

/* What came of the newest command. */
extern struct admin_told {
    struct admin_reply reply;
    struct list warnings;
    struct error error;
} admin_told;

/* A teardown: forgets it. */
int admin_forget(void **state);

/* Gives a command in a room that is opened for it. */
int admin_give(const struct admin_room_manner *manner, const struct admin_command *command,
    const struct recorded_reply *replies);

/* The same, but the answer is waited for only briefly. */
int admin_give_briefly(const struct admin_room_manner *manner,
    const struct admin_command *command, const struct recorded_reply *replies);

/* A command about @n:x; and one with the password "open-sesame". */
struct admin_command admin_command_over(const char *line);
struct admin_command admin_secret_command(void);

/* What was asked since the last call, and how often something is in a text. */
const char *admin_asked(void);
size_t admin_count_of(const char *part, const char *text);

/* libcurl calls some of its own failed allocations a lost connection. */
int admin_or_no_memory(int result, struct error *error);

#endif
