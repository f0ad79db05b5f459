/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share while a server of the admin room is open. */
#ifndef REGISTRAR_BACKENDS_ROOM_STATE_H
#define REGISTRAR_BACKENDS_ROOM_STATE_H

#include "backends/homeserver/state.h"
#include "backends/room/commands.h"

/* Where the two servers differ beside their commands. */
struct room_server {
    const struct command_table *commands;
    /*
     * Looks at an account as an administrator: its presence, whether it is deactivated,
     * and of the fields in mask those that only this server has. What a login shows
     * besides, probe has as its password, or is not given.
     */
    int (*look)(struct backend *backend, unsigned mask, const struct secret *probe,
        struct observation *observed, struct error *error);
    /* Whether a password that is wanted may be in a command at all: where not every
     * administrator can take it out of the room's history again, it is not. */
    bool carries_passwords;
    bool may_refuse_logins; /* with passwords, all of them, by its configuration */
    /* Its next registration makes an administrator while the bot is alone in the room. */
    bool promotes_next;
    /* Its command makes accounts in the namespaces of application services, and nothing
     * but a login tells that a name is in one. */
    bool hides_namespaces;
};

/* A password of an account, for a lookup that may meet it half made. */
struct kept_password {
    char *localpart;
    struct secret password;
};

struct room_state {
    struct state shared; /* first: state_of() is of both */
    const struct room_server *server;
    struct kept_password *kept;
    size_t kept_count;
    struct list readable;      /* what a command left readable of a password, unless that is
                                  changed: warnings */
    bool logins_work; /* with passwords, as far as it was tried */
    struct kept_password sent; /* with the newest creation, of which the answer may be lost */
};

static inline struct room_state *
room_state_of(const struct backend *backend)
{
    return backend->state;
}

#endif
