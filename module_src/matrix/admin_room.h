/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The room "#admins:<server name>" of continuwuity and Conduit, in which their bot
 * "@conduit:<server name>" obeys commands: finding it, getting into it, sending a
 * command and waiting for its own answer and no other's. What the commands are, and
 * what their answers mean, is not known here (backends/room/commands.h).
 *
 * Whoever is joined to the room is an administrator of the server.
 */
#ifndef REGISTRAR_MATRIX_ADMIN_ROOM_H
#define REGISTRAR_MATRIX_ADMIN_ROOM_H

#include <stdbool.h>

#include "base/error.h"
#include "base/list.h"
#include "base/secret.h"
#include "matrix/admin_reply.h"
#include "matrix/call.h"
#include "matrix/client.h"

/* The localpart of the bot, which is the server's own user. */
#define ADMIN_ROOM_BOT "conduit"

/* How a server's bot is talked to. */
struct admin_room_manner {
    const char *prefix;   /* before a command; "%s" in it, if any, is the server name:
                             "!admin ", "@conduit:%s: " */
    bool answers_relate;  /* an answer says which event it answers (m.in_reply_to); else
                             answers come in the order of the commands */
    const char *msgtype;  /* of an answer: "m.notice", "m.text" */
};

struct admin_room;

/* Whether an invitation is accepted, or nothing is changed (check mode). */
enum admin_room_entry { ADMIN_ROOM_JOIN, ADMIN_ROOM_LOOK };

/*
 * Finds the room and makes sure that the session's account is joined, for
 * admin_room_free. administrator, server_name and manner have to outlive it. Errors:
 * forbidden (the account is no administrator, as it is not in the room; with
 * ADMIN_ROOM_LOOK it may be invited, which nobody tells it), unsupported (the server has
 * no such room), those of call_send.
 */
int admin_room_open(struct matrix *matrix, const struct session *administrator,
    const char *server_name, const struct admin_room_manner *manner,
    enum admin_room_entry entry, struct admin_room **room, struct error *error);

/* NULL is allowed. */
void admin_room_free(struct admin_room *room);

/* Whether opening it accepted an invitation: a change of the server, to be told. */
bool admin_room_is_entered(const struct admin_room *room);

/* "!abc", of the room. Lives as long as it. */
const char *admin_room_id(const struct admin_room *room);

/* One command, in one line. */
struct admin_command {
    struct secret line; /* without the prefix; 4096 bytes at most */
    const char *user_id; /* whose account it is about */
    bool holds_secret;   /* it, or its answer, has a password: both events are redacted
                            when the answer is there, or does not come */
    bool stands;         /* but not before admin_room_clear, as what the answer says has to be
                            found again, should this run be cut off */
    const struct secret *secrets[CALL_SECRETS]; /* that an answer may echo */
    /* Whether a text is an answer to this command, where nothing else tells; it may be
     * of another command's about another user. NULL: any is. */
    bool (*fits)(const struct admin_command *command, const char *text);
};

/*
 * Sends a command and waits for its answer, for admin_reply_free also after an error;
 * for `timeout` (http_options) at most, or two seconds after a signal to stop. What
 * cannot be taken away again is a warning. An account that a command takes out of the
 * room does not see the answer.
 * Errors: those of call_send (with not_done, where it was never sent); not_ready (no
 * answer came: the bot may be dead, so that it ends a list; whether the command was
 * obeyed is not known, so that error_hides_outcome holds), protocol (an answer that is a
 * file, or not text), forbidden (the account may not speak there), invalid (it is not
 * one line), interrupted.
 */
int admin_room_command(struct admin_room *room, const struct admin_command *command,
    struct admin_reply *reply, struct list *warnings, struct error *error);

/*
 * Looks for what a run of this administrator's that was cut off left standing about an
 * account: commands and answers with a password, which admin_room_clear takes away. *reply,
 * for admin_reply_free, is the answer to the newest such command, or all zeroes. It takes a
 * third of a second where there is anything, so as not to come between a run and its answer.
 * Errors: those of call_send, protocol.
 */
int admin_room_leavings(struct admin_room *room, const char *user_id,
    struct admin_reply *reply, struct error *error);

/* Takes away what stands since the newest command (`stands`) or admin_room_leavings. What
 * cannot be taken away is a warning. */
void admin_room_clear(struct admin_room *room, struct list *warnings);

/* Adds the user ids of all who are joined, but for the bot. */
int admin_room_members(struct admin_room *room, struct list *user_ids, struct error *error);

/* Whether the account is joined. Asked anew each time. */
int admin_room_has(struct admin_room *room, const char *user_id, bool *joined,
    struct error *error);

/* Invites; that it is invited already is fine. Errors: forbidden, ... */
int admin_room_invite(struct admin_room *room, const char *user_id, struct error *error);

/* Takes out of the room, also who is only invited; that it is not there is fine. Errors:
 * forbidden (too little power; the last administrator), ... */
int admin_room_kick(struct admin_room *room, const char *user_id, struct error *error);

/* The session's account, which is invited, joins; or leaves. */
int admin_room_join_as(struct admin_room *room, const struct session *session,
    struct error *error);
int admin_room_leave_as(struct admin_room *room, const struct session *session,
    struct error *error);

/* "-> the room's id", for memory_free; NULL without an error where there is no such room.
 * Errors: protocol, those of call_send and of a refusal. */
int admin_room_find(struct matrix *matrix, const struct session *session,
    const char *server_name, char **room_id, struct error *error);

/*
 * Whether the session's account is joined to the room, with no administrator open: for
 * accounts that look at themselves. False also where there is no such room.
 */
int admin_room_has_me(struct matrix *matrix, const struct session *session,
    const char *server_name, bool *joined, struct error *error);

#endif
