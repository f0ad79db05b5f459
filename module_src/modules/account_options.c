/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/account_options.h"

#include <stddef.h>
#include <string.h>

/* An option is called as its field is. */
#define ROW(field, option_type)                                                            \
    .name = #field, .type = option_type, .offset = offsetof(struct account_options, field)

enum state { STATE_PRESENT, STATE_DEACTIVATED, STATE_ABSENT };

static const char *const states[] = {"present", "deactivated", "absent", NULL};
/* In the order of the enums of ensure.h. */
static const char *const if_exists[] = {"update", "match", "fail", NULL};
static const char *const if_absent[] = {"create", "fail", NULL};
static const char *const update_password[] = {"on_create", "always", NULL};
static const char *const username_aliases[] = {"name", "user", NULL};

/* clang-format off */
#define ROWS(username_required)                                                            \
    {ROW(username, OPTION_STRING), .aliases = username_aliases,              \
        .required = username_required},                                                    \
    {ROW(state, OPTION_CHOICE), .choices = states, .fallback = "present"},      \
    {ROW(if_exists, OPTION_CHOICE), .choices = if_exists,                   \
        .fallback = "update"},                                                             \
    {ROW(if_absent, OPTION_CHOICE), .choices = if_absent,                   \
        .fallback = "create"},                                                             \
    {ROW(password, OPTION_SECRET)},                                          \
    {ROW(update_password, OPTION_CHOICE), .choices = update_password, \
        .fallback = "on_create"},                                                          \
    {ROW(password_probe, OPTION_BOOLEAN), .fallback = "true"},         \
    {ROW(logout_devices, OPTION_BOOLEAN), .fallback = "false"},        \
    {ROW(admin, OPTION_BOOLEAN)},                                               \
    {ROW(displayname, OPTION_STRING)},                                    \
    {ROW(reactivate, OPTION_BOOLEAN), .fallback = "false"},
/* clang-format on */

static const struct option options[] = {ROWS(false)};
static const struct option element_options[] = {ROWS(true)};

const struct option_set account_option_set = {
    .options = options,
    .count = sizeof(options) / sizeof(options[0]),
};

const struct option_set account_element_option_set = {
    .options = element_options,
    .count = sizeof(element_options) / sizeof(element_options[0]),
};

/* What cannot be meant together. */
static int
check(const struct account_options *given, struct error *error)
{
    bool deactivated = given->state != STATE_PRESENT;
    bool has_password = secret_given(&given->password);

    if (deactivated && (has_password || given->admin.given || given->displayname != NULL ||
                           given->reactivate.value))
        return error_set(error, ERROR_INVALID,
            "state: %s of %.80s goes alone: password, admin, displayname and reactivate are "
            "for accounts that are present",
            states[given->state], given->username);
    if (deactivated && given->if_exists != IF_EXISTS_UPDATE)
        return error_set(error, ERROR_INVALID,
            "state: %s of %.80s and if_exists: %s contradict each other",
            states[given->state], given->username, if_exists[given->if_exists]);
    if (given->if_exists == IF_EXISTS_MATCH && !has_password)
        return error_set(error, ERROR_INVALID,
            "if_exists: match of %.80s needs a password: it shows whose the account is",
            given->username);
    if (given->update_password == UPDATE_PASSWORD_ALWAYS && !has_password)
        return error_set(error, ERROR_INVALID,
            "update_password: always of %.80s needs a password", given->username);
    if (given->if_exists == IF_EXISTS_FAIL && given->if_absent == IF_ABSENT_FAIL)
        return error_set(error, ERROR_INVALID,
            "if_exists: fail and if_absent: fail of %.80s leave nothing to do",
            given->username);
    return 0;
}

int
account_options_apply(const struct account_options *given, struct wish *wish,
    struct error *error)
{
    memset(wish, 0, sizeof(*wish));
    if (user_id_parse(&wish->id, given->username, error) != 0 || check(given, error) != 0)
        return -1;
    wish->if_exists = (enum if_exists)given->if_exists;
    wish->if_absent = (enum if_absent)given->if_absent;
    wish->update_password = (enum update_password)given->update_password;
    wish->password_probe = given->password_probe.value;
    wish->logout_devices = given->logout_devices.value;
    if (given->state != STATE_PRESENT)
        account_state_deactivated(&wish->account, true);
    else if (given->reactivate.value)
        account_state_deactivated(&wish->account, false);
    if (given->admin.given)
        account_state_admin(&wish->account, given->admin.value);
    if (given->displayname != NULL &&
        account_state_displayname(&wish->account, given->displayname, error) != 0)
        return -1;
    if (secret_given(&given->password) &&
        account_state_password(&wish->account, &given->password, error) != 0)
        return -1;
    return 0;
}
