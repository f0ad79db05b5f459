/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of Conduit 0.10.12 and what answers them (src/service/admin), as it was seen
 * running. */
#include "backends/room/commands_rows.h"

static const struct command_answer conduit_create[] = {
    SAYS("Created user with user_id: %s and password: ", VERDICT_DONE),
    SAYS("Userid %s already exists", VERDICT_TAKEN),
    REFUSES("is not allowed due to historical", ERROR_INVALID, NULL),
    ENDS,
};

/* It also brings a deactivated account back. */
static const struct command_answer conduit_reset[] = {
    SAYS("Successfully reset the password for user %s: ", VERDICT_DONE),
    SAYS("The specified user does not exist!", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer conduit_deactivate[] = {
    SAYS("User %s has been deactivated", VERDICT_DONE),
    SAYS("doesn't exist on this server", VERDICT_ABSENT),
    ENDS,
};

static const struct command_answer conduit_common[] = {
    REFUSES("The supplied username is not a valid username", ERROR_INVALID, NULL),
    REFUSES("The specified user is not from this server!", ERROR_INVALID, NULL),
    REFUSES("is not from this server", ERROR_INVALID, NULL),
    REFUSES("Encountered an error while handling the command:", ERROR_SERVER,
        "look into its log (journalctl -u, with its systemd unit)"),
    ENDS,
};

/* An account stays in its rooms unless that is asked for, unlike everywhere else. */
const struct command_table commands_conduit_table = {
    .manner = {.prefix = "@conduit:%s: ", .answers_relate = false, .msgtype = "m.text"},
    .failure = "Encountered an error while handling the command:",
    .forms =
        {
            [COMMAND_CREATE] = {.words = "create-user",
                .takes_password = true,
                .tells_password = true,
                .answers = conduit_create},
            [COMMAND_RESET] = {.words = "reset-password",
                .tells_password = true,
                .answers = conduit_reset},
            [COMMAND_REVIVE] = {.words = "reset-password",
                .tells_password = true,
                .answers = conduit_reset},
            [COMMAND_DEACTIVATE] = {.words = "deactivate-user --leave-rooms",
                .answers = conduit_deactivate},
        },
    .common = conduit_common,
};
