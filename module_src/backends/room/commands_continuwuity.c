/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of continuwuity 26.7.3 and what answers them (src/admin/user), as it was seen
 * running. */
#include "backends/room/commands_rows.h"

#define NOT_AN_ADMINISTRATOR                                                               \
    REFUSES("Admin users cannot be ", ERROR_POLICY,                                        \
        "take the administrator's rights away first (admin: false)")

static const struct command_answer continuwuity_create[] = {
    SAYS("Created user %s with password ", VERDICT_DONE),
    SAYS("Username is not available.", VERDICT_TAKEN),
    REFUSES("contains disallowed characters or spaces", ERROR_INVALID, NULL),
    REFUSES("is not local to this server", ERROR_INVALID, NULL),
    REFUSES("Username is forbidden", ERROR_POLICY,
        "forbidden_usernames in the server's configuration has it"),
    REFUSES("Username is reserved by an appservice.", ERROR_POLICY,
        "choose a name outside of its namespaces"),
    REFUSES(" is not valid: ", ERROR_INVALID, NULL),
    ENDS,
};

static const struct command_answer continuwuity_reset[] = {
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The provided user does not exist.", VERDICT_ABSENT),
    SAYS("The provided user is a shadow or deactivated account.", VERDICT_DEACTIVATED),
    ENDS,
};

/* With that option an answer of success is empty. */
static const struct command_answer continuwuity_revive[] = {
    SAYS("", VERDICT_DONE),
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The provided user does not exist.", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer continuwuity_promote[] = {
    SAYS("%s has been granted admin privileges.", VERDICT_DONE),
    SAYS("User is already joined in the admin room", VERDICT_ALREADY),
    SAYS("User is already pending an invitation to the admin room", VERDICT_PENDING),
    ENDS,
};

static const struct command_answer continuwuity_demote[] = {
    SAYS("%s has left ", VERDICT_DONE),
    SAYS("is not joined in the room", VERDICT_ALREADY),
    REFUSES("Last admin cannot leave", ERROR_POLICY,
        "it is the last administrator: make another one first"),
    ENDS,
};

static const struct command_answer continuwuity_deactivate[] = {
    SAYS("User %s has been deactivated", VERDICT_DONE),
    SAYS("This account is deactivated.", VERDICT_ALREADY),
    ENDS,
};

static const struct command_answer continuwuity_lock[] = {
    SAYS("User %s has been locked.", VERDICT_DONE),
    NOT_AN_ADMINISTRATOR,
    ENDS,
};

static const struct command_answer continuwuity_unlock[] = {
    SAYS("User %s has been unlocked.", VERDICT_DONE),
    ENDS,
};

static const struct command_answer continuwuity_suspend[] = {
    SAYS("User %s has been suspended.", VERDICT_DONE),
    NOT_AN_ADMINISTRATOR,
    ENDS,
};

static const struct command_answer continuwuity_unsuspend[] = {
    SAYS("User %s has been unsuspended.", VERDICT_DONE),
    ENDS,
};

static const struct command_answer continuwuity_common[] = {
    SAYS("This account does not exist.", VERDICT_ABSENT),
    SAYS("This account is deactivated.", VERDICT_DEACTIVATED),
    REFUSES("for the server account.", ERROR_POLICY, "it is the server's own account"),
    REFUSES("the server service account.", ERROR_POLICY, "it is the server's own account"),
    REFUSES("does not belong to our server.", ERROR_INVALID, NULL),
    REFUSES("The supplied username is not a valid username", ERROR_INVALID, NULL),
    REFUSES("This command can only be used in the admin room.", ERROR_POLICY, NULL),
    REFUSES("error: unrecognized subcommand", ERROR_UNSUPPORTED,
        "this version of continuwuity has no such command; 26.7 has it"),
    REFUSES("Panic occurred while processing command:", ERROR_SERVER,
        "look into its log (journalctl -u, with its systemd unit)"),
    ENDS,
};

const struct command_table commands_continuwuity_table = {
    .manner = {.prefix = "!admin ", .answers_relate = true, .msgtype = "m.notice"},
    .failure = "Command failed with error:",
    .quotes_passwords = true,
    .forms =
        {
            [COMMAND_CREATE] = {.words = "users create-user",
                .takes_password = true,
                .tells_password = true,
                .answers = continuwuity_create},
            [COMMAND_RESET] = {.words = "users reset-password",
                .logout_option = "--logout",
                .takes_password = true,
                .tells_password = true,
                .answers = continuwuity_reset},
            [COMMAND_REVIVE] = {.words = "users reset-password --convert-to-local-account",
                .takes_password = true,
                .answers = continuwuity_revive},
            [COMMAND_PROMOTE] = {.words = "users make-user-admin",
                .answers = continuwuity_promote},
            [COMMAND_DEMOTE] = {.words = "users force-leave-room",
                .names_room = true,
                .answers = continuwuity_demote},
            [COMMAND_DEACTIVATE] = {.words = "users deactivate",
                .answers = continuwuity_deactivate},
            [COMMAND_LOCK] = {.words = "users lock", .answers = continuwuity_lock},
            [COMMAND_UNLOCK] = {.words = "users unlock", .answers = continuwuity_unlock},
            [COMMAND_SUSPEND] = {.words = "users suspend", .answers = continuwuity_suspend},
            [COMMAND_UNSUSPEND] = {.words = "users unsuspend",
                .answers = continuwuity_unsuspend},
        },
    .common = continuwuity_common,
};
