/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/account_options.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "accounts/email.h"
#include "base/memory.h"

/* An option is called as its field is. */
#define ROW_OF(type_of_struct, field, option_type)                                         \
    .name = #field, .type = option_type, .offset = offsetof(struct type_of_struct, field)
#define ROW(field, option_type) ROW_OF(account_options, field, option_type)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum state { STATE_PRESENT, STATE_DEACTIVATED, STATE_ABSENT };
enum mode { MODE_APPEND, MODE_EXACT };
enum initial_type { INITIAL_USER, INITIAL_BOT, INITIAL_SUPPORT, INITIAL_ADMIN };

static const char *const states[] = {"present", "deactivated", "absent", NULL};
/* In the order of the enums of ensure.h. */
static const char *const if_exists[] = {"update", "match", "fail", NULL};
static const char *const if_absent[] = {"create", "fail", NULL};
static const char *const update_password[] = {"on_create", "always", NULL};
static const char *const modes[] = {"append", "exact", NULL};
/* In the order of enum initial_type. */
static const char *const initial_types[] = {"user", "bot", "support", "admin", NULL};
static const char *const username_aliases[] = {"name", "user", NULL};

static const struct option external_id_options[] = {
    {ROW_OF(external_id_options, provider, OPTION_STRING), .required = true},
    {ROW_OF(external_id_options, id, OPTION_STRING), .required = true},
};

static const struct option_set external_id_option_set = {
    .options = external_id_options,
    .count = COUNT(external_id_options),
    .size = sizeof(struct external_id_options),
};

static const struct option ratelimit_options[] = {
    {ROW_OF(ratelimit_options, messages_per_second, OPTION_INTEGER), .least = 0,
        .most = INT_MAX},
    {ROW_OF(ratelimit_options, burst_count, OPTION_INTEGER), .least = 0, .most = INT_MAX},
};

static const struct option_rule ratelimit_rules[] = {
    {OPTION_RULE_TOGETHER, {"messages_per_second", "burst_count", NULL}},
};

static const struct option_set ratelimit_option_set = {
    .options = ratelimit_options,
    .count = COUNT(ratelimit_options),
    .size = sizeof(struct ratelimit_options),
    .rules = ratelimit_rules,
    .rule_count = COUNT(ratelimit_rules),
};

/* clang-format off */
#define ROWS(username_required)                                                            \
    {ROW(username, OPTION_STRING), .aliases = username_aliases,                            \
        .required = username_required},                                                    \
    {ROW(state, OPTION_CHOICE), .choices = states, .fallback = "present"},                 \
    {ROW(if_exists, OPTION_CHOICE), .choices = if_exists, .fallback = "update"},           \
    {ROW(if_absent, OPTION_CHOICE), .choices = if_absent, .fallback = "create"},           \
    {ROW(password, OPTION_SECRET)},                                                        \
    {ROW(update_password, OPTION_CHOICE), .choices = update_password,                      \
        .fallback = "on_create"},                                                          \
    {ROW(password_probe, OPTION_BOOLEAN), .fallback = "true"},                             \
    {ROW(generate_password, OPTION_BOOLEAN), .fallback = "false"},                         \
    {ROW(verify_login, OPTION_BOOLEAN), .fallback = "false"},                              \
    {ROW(logout_devices, OPTION_BOOLEAN), .fallback = "false"},                            \
    {ROW(skip_password_check, OPTION_BOOLEAN), .fallback = "false"},                       \
    {ROW(skip_homeserver_check, OPTION_BOOLEAN), .fallback = "false"},                     \
    {ROW(admin, OPTION_BOOLEAN)},                                                          \
    {ROW(user_type, OPTION_STRING)},                                                       \
    {ROW(initial_type, OPTION_CHOICE), .choices = initial_types},                          \
    {ROW(displayname, OPTION_STRING)},                                                     \
    {ROW(avatar_url, OPTION_STRING)},                                                      \
    {ROW(emails, OPTION_STRINGS)},                                                         \
    {ROW(emails_mode, OPTION_CHOICE), .choices = modes, .fallback = "append"},             \
    {ROW(external_ids, OPTION_DICTS), .dict = &external_id_option_set},                    \
    {ROW(external_ids_mode, OPTION_CHOICE), .choices = modes, .fallback = "append"},       \
    {ROW(ratelimit, OPTION_DICT), .dict = &ratelimit_option_set},                          \
    {ROW(locked, OPTION_BOOLEAN)},                                                         \
    {ROW(suspended, OPTION_BOOLEAN)},                                                      \
    {ROW(shadow_banned, OPTION_BOOLEAN)},                                                  \
    {ROW(reactivate, OPTION_BOOLEAN), .fallback = "false"},                                \
    {ROW(erase, OPTION_BOOLEAN), .fallback = "false"},
/* clang-format on */

static const struct option options[] = {ROWS(false)};
static const struct option element_options[] = {ROWS(true)};

/* What an account shall be at its beginning, or from now on. */
static const struct option_rule rules[] = {
    {OPTION_RULE_EXCLUSIVE, {"initial_type", "admin", NULL}},
    {OPTION_RULE_EXCLUSIVE, {"initial_type", "user_type", NULL}},
};

const struct option_set account_option_set = {
    .options = options,
    .count = COUNT(options),
    .size = sizeof(struct account_options),
    .rules = rules,
    .rule_count = COUNT(rules),
};

const struct option_set account_element_option_set = {
    .options = element_options,
    .count = COUNT(element_options),
    .size = sizeof(struct account_options),
    .rules = rules,
    .rule_count = COUNT(rules),
};

/* What is stated that only an account can have that is present; NULL: nothing. */
static const char *
needs_presence(const struct account_options *given, const struct account *account)
{
    unsigned stated = account->stated & ~ACCOUNT_BIT(ACCOUNT_DEACTIVATED) &
                      ~ACCOUNT_BIT(ACCOUNT_ERASED);

    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((stated & (1u << field)) != 0)
            return account_field_option((enum account_field)field);
    if (given->initial_type != OPTION_NO_CHOICE)
        return "initial_type";
    if (given->generate_password.value)
        return "generate_password";
    if (given->verify_login.value)
        return "verify_login";
    return given->reactivate.value ? "reactivate" : NULL;
}

/* Erasing goes with deactivating, and nothing else does. */
static int
check_deactivated(const struct account_options *given, const struct account *account,
    struct error *error)
{
    const char *besides = needs_presence(given, account);

    if (given->state == STATE_PRESENT && given->erase.value)
        return error_set(error, ERROR_INVALID,
            "erase of %.80s needs state: deactivated; an account that is present cannot be "
            "erased",
            given->username);
    if (given->state == STATE_PRESENT)
        return 0;
    if (besides != NULL)
        return error_set(error, ERROR_INVALID,
            "state: %s of %.80s goes alone, or with erase: %s is for accounts that are "
            "present",
            states[given->state], given->username, besides);
    if (given->if_exists != IF_EXISTS_UPDATE)
        return error_set(error, ERROR_INVALID,
            "state: %s of %.80s and if_exists: %s contradict each other",
            states[given->state], given->username, if_exists[given->if_exists]);
    return 0;
}

/* What takes a password, and which. */
static int
check_password(const struct account_options *given, struct error *error)
{
    bool known = secret_given(&given->password);
    bool generated = given->generate_password.value;
    bool always = given->update_password == UPDATE_PASSWORD_ALWAYS;
    bool match = given->if_exists == IF_EXISTS_MATCH;
    const struct {
        bool wrong;
        const char *says;
    } checks[] = {
        {known && generated, "password and generate_password exclude each other"},
        {generated && always, "update_password: always takes a password that is stated, not "
                              "generate_password, which would make another one in every run"},
        {generated && match, "if_exists: match takes a password that is stated, not "
                             "generate_password: it shows whose the account is"},
        {match && !known, "if_exists: match needs a password: it shows whose the account is"},
        {always && !known, "update_password: always needs a password"},
        {given->verify_login.value && !known && !generated,
            "verify_login needs a password, or generate_password"},
    };

    for (size_t i = 0; i < COUNT(checks); i++)
        if (checks[i].wrong)
            return error_set(error, ERROR_INVALID, "%.80s: %s", given->username,
                checks[i].says);
    return 0;
}

/* What cannot be meant together. */
static int
check(const struct account_options *given, const struct account *account,
    struct error *error)
{
    if (check_deactivated(given, account, error) != 0 || check_password(given, error) != 0)
        return -1;
    if (given->if_exists == IF_EXISTS_FAIL && given->if_absent == IF_ABSENT_FAIL)
        return error_set(error, ERROR_INVALID,
            "if_exists: fail and if_absent: fail of %.80s leave nothing to do",
            given->username);
    return 0;
}

/* What is no address is not quoted: it may be a secret in the wrong place. */
static int
add_email(struct pairs *emails, const struct account_options *given, size_t i,
    struct error *error)
{
    const char *reason;
    char *canonical;
    int result = email_canonical(given->emails.items[i], &canonical, &reason);

    if (result == -2)
        return error_no_memory(error);
    if (result != 0)
        return error_set(error, ERROR_INVALID,
            "number %zu of the emails of %.80s is no e-mail address that servers take: %s",
            i + 1, given->username, reason);
    result = pairs_add(emails, "email", canonical, error);
    memory_free(canonical);
    return result;
}

/* An empty set that is to be appended asks for nothing. */
static int
state_set(struct account *account, enum account_field field, struct pairs *set, int mode,
    struct error *error)
{
    set->append = mode == MODE_APPEND;
    if (set->append && set->count == 0)
        return 0;
    return account_state_set(account, field, set, error);
}

static int
state_emails(const struct account_options *given, struct account *account,
    struct error *error)
{
    struct pairs emails = {0};
    int result = 0;

    if (!given->emails.given)
        return 0;
    for (size_t i = 0; result == 0 && i < given->emails.count; i++)
        result = add_email(&emails, given, i, error);
    if (result == 0)
        result = state_set(account, ACCOUNT_EMAILS, &emails, given->emails_mode, error);
    pairs_free(&emails);
    return result;
}

static int
state_external_ids(const struct account_options *given, struct account *account,
    struct error *error)
{
    const struct external_id_options *ids = given->external_ids.items;
    struct pairs set = {0};
    int result = 0;

    if (!given->external_ids.given)
        return 0;
    for (size_t i = 0; result == 0 && i < given->external_ids.count; i++)
        if (*ids[i].provider == '\0' || *ids[i].id == '\0')
            result = error_set(error, ERROR_INVALID,
                "external_ids of %.80s has an empty provider or id", given->username);
        else
            result = pairs_add(&set, ids[i].provider, ids[i].id, error);
    if (result == 0)
        result = state_set(account, ACCOUNT_EXTERNAL_IDS, &set, given->external_ids_mode,
            error);
    pairs_free(&set);
    return result;
}

static int
state_ratelimit(const struct account_options *given, struct account *account,
    struct error *error)
{
    const struct ratelimit_options *limit = given->ratelimit.items;
    struct account_ratelimit wanted = {0};

    if (!given->ratelimit.given)
        return 0;
    if (given->ratelimit.count > 0) {
        /* The rule lets both be null; whether that means none is not clear. */
        if (!limit->messages_per_second.given)
            return error_set(error, ERROR_INVALID,
                "ratelimit of %.80s needs messages_per_second and burst_count, or has to be "
                "{}, which removes it",
                given->username);
        wanted = (struct account_ratelimit){.overridden = true,
            .messages_per_second = limit->messages_per_second.value,
            .burst_count = limit->burst_count.value};
    }
    account_state_ratelimit(account, wanted);
    return 0;
}

static void
state_booleans(const struct account_options *given, struct account *account)
{
    const struct {
        enum account_field field;
        struct option_boolean option;
    } table[] = {
        {ACCOUNT_ADMIN, given->admin},
        {ACCOUNT_LOCKED, given->locked},
        {ACCOUNT_SUSPENDED, given->suspended},
        {ACCOUNT_SHADOW_BANNED, given->shadow_banned},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].option.given)
            account_state_bool(account, table[i].field, table[i].option.value);
    if (given->state != STATE_PRESENT)
        account_state_bool(account, ACCOUNT_DEACTIVATED, true);
    else if (given->reactivate.value)
        account_state_bool(account, ACCOUNT_DEACTIVATED, false);
    if (given->erase.value)
        account_state_bool(account, ACCOUNT_ERASED, true);
}

static int
state_texts(const struct account_options *given, struct account *account,
    struct error *error)
{
    /* Of all types of users, the ordinary one is that which has no name. */
    bool ordinary = given->user_type != NULL && strcmp(given->user_type, "user") == 0;
    const struct {
        enum account_field field;
        const char *value;
    } table[] = {
        {ACCOUNT_USER_TYPE, ordinary ? "" : given->user_type},
        {ACCOUNT_DISPLAYNAME, given->displayname},
        {ACCOUNT_AVATAR_URL, given->avatar_url},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        if (table[i].value != NULL &&
            account_state_text(account, table[i].field, table[i].value, error) != 0)
            return -1;
    return 0;
}

/* The types are those of matrix-docker-ansible-deploy. Of a plain user no type
 * is stated, so that the server's configuration may give it one. */
static int
state_initial(const struct account_options *given, struct account *initial,
    struct error *error)
{
    int type = given->initial_type;

    if (type == OPTION_NO_CHOICE)
        return 0;
    account_state_bool(initial, ACCOUNT_ADMIN, type == INITIAL_ADMIN);
    if (type != INITIAL_BOT && type != INITIAL_SUPPORT)
        return 0;
    return account_state_text(initial, ACCOUNT_USER_TYPE, initial_types[type], error);
}

int
account_options_apply(const struct account_options *given, struct wish *wish,
    struct error *error)
{
    struct account *account = &wish->account;

    memset(wish, 0, sizeof(*wish));
    if (user_id_parse(&wish->id, given->username, error) != 0)
        return -1;
    wish->if_exists = (enum if_exists)given->if_exists;
    wish->if_absent = (enum if_absent)given->if_absent;
    wish->update_password = (enum update_password)given->update_password;
    wish->password_probe = given->password_probe.value;
    wish->logout_devices = given->logout_devices.value;
    wish->leeway = (struct leeway){
        .skip_password_check = given->skip_password_check.value,
        .skip_homeserver_check = given->skip_homeserver_check.value,
    };
    wish->generate_password = given->generate_password.value;
    wish->verify_login = given->verify_login.value;
    state_booleans(given, account);
    if (state_texts(given, account, error) != 0 ||
        state_initial(given, &wish->initial, error) != 0 ||
        state_emails(given, account, error) != 0 ||
        state_external_ids(given, account, error) != 0 ||
        state_ratelimit(given, account, error) != 0)
        return -1;
    if (secret_given(&given->password) &&
        account_state_password(account, &given->password, error) != 0)
        return -1;
    return check(given, account, error);
}
