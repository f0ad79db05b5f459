/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands of the admin room, a table a server: their words, and the texts that
 * answer them. An answer that no table knows is an error with the text in it, redacted.
 */
#ifndef REGISTRAR_BACKENDS_ROOM_COMMANDS_H
#define REGISTRAR_BACKENDS_ROOM_COMMANDS_H

#include <stdbool.h>

#include "backends/backend.h"
#include "matrix/admin_room.h"

enum command {
    COMMAND_CREATE,
    COMMAND_RESET,      /* the password, of an active account */
    COMMAND_REVIVE,     /* the password of a deactivated account, which is active then */
    COMMAND_PROMOTE,
    COMMAND_DEMOTE,
    COMMAND_DEACTIVATE,
    COMMAND_LOCK,
    COMMAND_UNLOCK,
    COMMAND_SUSPEND,
    COMMAND_UNSUSPEND,
    COMMANDS
};

/* What an answer comes to. */
enum verdict {
    VERDICT_DONE,
    VERDICT_ALREADY,  /* it was so before */
    VERDICT_TAKEN,    /* there is an account of that name */
    VERDICT_ABSENT,   /* there is none */
    VERDICT_DEACTIVATED,
    VERDICT_PENDING,  /* it is invited already, and has to be taken out first */
    VERDICT_REFUSED,  /* for a reason that it says: an administrator, the last one, ... */
};

/* One text that a command is answered with. */
struct command_answer {
    const char *text;      /* searched for in the answer; "%s" is the user id, of which
                              there is one at most; "": the answer is empty */
    enum verdict verdict;
    enum error_kind kind;  /* with VERDICT_REFUSED */
    const char *advice;    /* the same; or NULL */
};

struct command_form {
    const char *words;     /* "users create-user": before the user id; NULL: the server has
                              no such command */
    const char *logout_option; /* that also ends the account's sessions; NULL: there is none */
    bool names_room;       /* the admin room's alias stands behind the user id */
    bool takes_password;   /* one may stand behind the user id */
    bool tells_password;   /* it stands behind the text of success, to the end of the line */
    const struct command_answer *answers; /* up to one without a text */
};

/* A server's. */
struct command_table {
    struct admin_room_manner manner;
    const char *failure;   /* stands in an answer that tells of no success, or NULL */
    bool quotes_passwords; /* one that is told stands between backticks */
    struct command_form forms[COMMANDS];
    const struct command_answer *common; /* that any command may meet */
};

extern const struct command_table commands_continuwuity;
extern const struct command_table commands_conduit;

/* The longest password that a command carries, in bytes. */
#define COMMANDS_PASSWORD_LONGEST 512

/*
 * Whether a command line carries the password as it is: no white space of any script,
 * no control character, no backtick, not empty, and not too long.
 */
bool commands_carry(const struct secret *password);

/* What is to be done. */
struct command_order {
    enum command command;
    const char *user_id;
    const struct secret *password; /* or NULL: none, or one of the server's making */
    bool logout_devices;           /* where the command has an option for it */
    bool is_passing;               /* the password that it sets is to be changed right behind
                                      it: one that stays readable is nobody's then */
    bool stands;                   /* see admin_command */
};

/* What came of a command. For commands_outcome_free. */
struct command_outcome {
    enum verdict verdict;
    struct secret password; /* the account's by now: as it was told, or else as it was given */
    struct list readable;   /* what stays readable in the room, where the order is passing:
                               warnings for as long as the password is not changed */
};

void commands_outcome_free(struct command_outcome *outcome);

/*
 * Gives a command in the room. What stays readable of a password is a warning, unless it is
 * in the outcome. Errors: unsupported (the server has no such command),
 * those of admin_room_command; for an answer of VERDICT_REFUSED its kind, for one that
 * is not known protocol, both with its text.
 */
int commands_give(struct backend *backend, const struct command_table *table,
    struct admin_room *room, const struct command_order *order,
    struct command_outcome *outcome, struct error *error);

/*
 * The password that an answer tells of the account, for secret_free; "not given" where it
 * tells none. Errors: memory, protocol.
 */
int commands_read_password(struct backend *backend, const struct command_table *table,
    const char *user_id, const char *answer, struct secret *password, struct error *error);

#endif
