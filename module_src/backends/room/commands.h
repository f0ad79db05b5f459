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
                              there is one at most */
    enum verdict verdict;
    enum error_kind kind;  /* with VERDICT_REFUSED */
    const char *advice;    /* the same; or NULL */
};

struct command_form {
    const char *words;     /* with "%s" for the user id: "users create-user %s"; NULL: the
                              server has no such command */
    bool takes_password;   /* behind the user id */
    bool logs_out;         /* it has an option for that (logout_words) */
    const char *before_password; /* or behind it: options, or NULL */
    const struct command_answer *answers; /* up to one without a text */
};

/* A server's, with a name and a version for messages. */
struct command_table {
    struct admin_room_manner manner;
    struct command_form forms[COMMANDS];
    const struct command_answer *common; /* failures that any command may meet */
};

extern const struct command_table commands_continuwuity;
extern const struct command_table commands_conduit;

/*
 * Whether a command line carries the password as it is: no white space of any script,
 * no control character, no backtick, not empty, and not too long for an event.
 */
bool commands_carry(const struct secret *password);

/* What came of a command. For commands_outcome_free. */
struct command_outcome {
    enum verdict verdict;
    struct secret password; /* that the answer told, or none */
};

void commands_outcome_free(struct command_outcome *outcome);

/*
 * Gives a command about the account, with its password or, where password is NULL and
 * the command takes one, one of the server's making. Errors: unsupported (the server
 * has no such command), those of admin_room_command; for an answer that is not known
 * or of VERDICT_REFUSED: the answer's kind, or protocol, with its text.
 */
int commands_give(struct backend *backend, enum command command, const char *user_id,
    const struct secret *password, bool logout_devices, struct command_outcome *outcome,
    struct error *error);

#endif
