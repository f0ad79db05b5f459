/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run that was cut off left in an admin room: commands about an account, in which or
 * in whose answers a password stands, that were not taken away again. What that means for
 * the account is not known here (backends/room/looking.c).
 */
#ifndef REGISTRAR_MATRIX_ADMIN_LEAVINGS_H
#define REGISTRAR_MATRIX_ADMIN_LEAVINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/list.h"
#include "matrix/admin_reply.h"
#include "matrix/room_timeline.h"

/* How many pages are looked through. */
#define ADMIN_LEAVINGS_PAGES 2

/* How many events of one account are taken away at once. */
#define ADMIN_LEAVINGS_MOST 8

/* What is found by being shown the messages, the newest first. All zeroes but for the first
 * part. For admin_leavings_forget. */
struct admin_leavings {
    const char *administrator; /* whose commands count */
    const char *bot;
    const char *stem;          /* see admin_search.h */
    const char *user_id;       /* the account */
    bool answers_relate;

    bool has_command;          /* the newest one was shown */
    struct admin_reply reply;  /* its answer; all zeroes: none was shown */
    char *events[ADMIN_LEAVINGS_MOST]; /* to be taken away */
    size_t event_count;
    struct admin_reply told[ADMIN_LEAVINGS_MOST]; /* texts of the bot with a password of the
                                                     account, that no command claimed yet */
    char *answers[ADMIN_LEAVINGS_MOST]; /* what each is a reply to, or NULL */
    size_t told_count;
    bool has_any;              /* something of the kind was shown, about whomever */
    bool failed;               /* no memory */
};

/* A room_visitor; context is the leavings. */
bool admin_leavings_show(void *context, const struct room_message *message);

/* Forgets what was shown. */
void admin_leavings_forget(struct admin_leavings *leavings);

/* Events that are to be taken away. All zeroes before; for admin_leavings_free_standing. */
struct admin_standing {
    char *events[ADMIN_LEAVINGS_MOST];
    size_t count;
    char *about; /* whose password stands in them; NULL: there are none */
};

/* In place of what it had: a command and its answer, of which either may be NULL. What it has
 * no memory for stays, as after a run that was cut off. */
void admin_leavings_stand(struct admin_standing *standing, const char *user_id,
    const char *command, const char *answer);

void admin_leavings_free_standing(struct admin_standing *standing);

/* See admin_room_leavings and admin_room_clear. leavings->reply is the answer. */
int admin_leavings_find(struct admin_leavings *leavings, const struct room_timeline *timeline,
    struct admin_standing *standing, struct error *error);
void admin_leavings_clear(struct admin_standing *standing,
    const struct room_timeline *timeline, struct list *warnings);

#endif
