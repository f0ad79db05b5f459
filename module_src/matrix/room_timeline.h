/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is said in an admin room (specification: client-server API, "Getting events for a
 * room" and "Sending events to a room"): reading it back, saying something, and taking
 * it away again. Who answers whom is not known here (matrix/admin_search.h).
 *
 * It is read with GET /messages, and never with /sync: Conduit 0.10 and continuwuity
 * 26.7 give every joined room whatever the filter of a /sync says, and take the
 * messages to the token's device off the queue with it (src/api/client/sync/v3/mod.rs),
 * which the administrator's own client would then never see.
 */
#ifndef REGISTRAR_MATRIX_ROOM_TIMELINE_H
#define REGISTRAR_MATRIX_ROOM_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/secret.h"
#include "matrix/call.h"

/* The longest identifier of a room or an event, in bytes (specification: appendices). */
#define ROOM_TIMELINE_ID_LONGEST 255

/* An event has 64 KiB at most, and so many of them fit into an answer (net/http.h). */
#define ROOM_TIMELINE_PAGE 12

/* As whom, and where. Immutable. */
struct room_timeline {
    struct matrix *matrix;
    const struct secret *bearer;
    const char *room_id;
    const struct secret *const *secrets; /* CALL_SECRETS of them, that an answer may echo */
};

/* A message (m.room.message); it lives as long as the visit. */
struct room_message {
    const char *event_id;
    const char *sender;
    const char *msgtype; /* NULL, as is the body: it was redacted */
    const char *body;
    const char *answers; /* the event that it is a reply to, or NULL */
    const char *transaction_id; /* that it was sent with by this token, or NULL */
    long long sent_ms;   /* as its server says, since 1970; 0: unknown */
};

/* False: that was enough. */
typedef bool (*room_visitor)(void *context, const struct room_message *message);

/*
 * Visits the room's messages, the newest first, until the visitor has enough, the room
 * begins, or so many pages were read. What is no message, or a malformed one, is left
 * out. It goes on after a signal to stop. Errors: those of call_send,
 * those of a refusal, protocol.
 */
int room_timeline_back(const struct room_timeline *timeline, unsigned pages_most,
    room_visitor visit, void *context, struct error *error);

/* Visits the messages of one page, as a server has them in "chunk". False: the visitor has
 * enough. */
bool room_timeline_visit(const json_t *chunk, room_visitor visit, void *context);

/*
 * What room_timeline_name writes: an id that no other transaction has. Of one that says a
 * secret, or is answered with one, it says so: a later run knows it again by that, where it
 * was not taken away (room_timeline_is_secret; NULL is none).
 */
#define ROOM_TIMELINE_TRANSACTION_SIZE 42
int room_timeline_name(char transaction_id[ROOM_TIMELINE_TRANSACTION_SIZE], bool is_secret,
    struct error *error);
bool room_timeline_is_secret(const char *transaction_id);

/*
 * Says it as m.text. A server does what has the same transaction id only once, so that
 * it may be sent again. *event_id is for memory_free. Errors: those of call_send and of
 * a refusal, protocol; error_hides_outcome tells whether it may have been said.
 */
int room_timeline_say(const struct room_timeline *timeline, const struct secret *body,
    const char *transaction_id, char **event_id, struct error *error);

/* Redacts an event, also after a signal to stop. Errors: those of call_send and of a
 * refusal. */
int room_timeline_redact(const struct room_timeline *timeline, const char *event_id,
    struct error *error);

#endif
