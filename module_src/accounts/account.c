/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/account.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum field_type { FIELD_BOOL, FIELD_TEXT, FIELD_SET, FIELD_RATELIMIT, FIELD_SECRET };

/* How a set stands in a reply: as values alone, or with their keys. */
enum set_form { SET_OF_VALUES, SET_OF_PROVIDED };

/* All that the rest of this file knows about single fields. */
static const struct field {
    const char *name;
    const char *option;
    enum field_type type;
    size_t offset;
    const char *action;       /* for a value that is true or given */
    const char *clear_action; /* for one that is false or none */
    enum set_form form;
} fields[ACCOUNT_FIELDS] = {
    [ACCOUNT_DEACTIVATED] = {"deactivated", "state", FIELD_BOOL,
        offsetof(struct account, deactivated), "deactivate", "reactivate", 0},
    [ACCOUNT_ERASED] = {"erased", "erase", FIELD_BOOL, offsetof(struct account, erased),
        "erase", "unerase", 0},
    [ACCOUNT_ADMIN] = {"admin", "admin", FIELD_BOOL, offsetof(struct account, admin),
        "set admin", "unset admin", 0},
    [ACCOUNT_USER_TYPE] = {"user_type", "user_type", FIELD_TEXT,
        offsetof(struct account, user_type), "set user_type", "clear user_type", 0},
    [ACCOUNT_DISPLAYNAME] = {"displayname", "displayname", FIELD_TEXT,
        offsetof(struct account, displayname), "set displayname", "clear displayname", 0},
    [ACCOUNT_AVATAR_URL] = {"avatar_url", "avatar_url", FIELD_TEXT,
        offsetof(struct account, avatar_url), "set avatar_url", "clear avatar_url", 0},
    [ACCOUNT_EMAILS] = {"emails", "emails", FIELD_SET, offsetof(struct account, emails),
        "set emails", "clear emails", SET_OF_VALUES},
    [ACCOUNT_EXTERNAL_IDS] = {"external_ids", "external_ids", FIELD_SET,
        offsetof(struct account, external_ids), "set external_ids", "clear external_ids",
        SET_OF_PROVIDED},
    [ACCOUNT_RATELIMIT] = {"ratelimit", "ratelimit", FIELD_RATELIMIT,
        offsetof(struct account, ratelimit), "set ratelimit", "clear ratelimit", 0},
    [ACCOUNT_LOCKED] = {"locked", "locked", FIELD_BOOL, offsetof(struct account, locked),
        "lock", "unlock", 0},
    [ACCOUNT_SUSPENDED] = {"suspended", "suspended", FIELD_BOOL,
        offsetof(struct account, suspended), "suspend", "unsuspend", 0},
    [ACCOUNT_SHADOW_BANNED] = {"shadow_banned", "shadow_banned", FIELD_BOOL,
        offsetof(struct account, shadow_banned), "shadow-ban", "lift shadow-ban", 0},
    [ACCOUNT_PASSWORD] = {"password", "password", FIELD_SECRET,
        offsetof(struct account, password), "set password", "set password", 0},
};

static void *
value_of(struct account *account, enum account_field field)
{
    return (char *)account + fields[field].offset;
}

static const void *
seen_value(const struct account *account, enum account_field field)
{
    return (const char *)account + fields[field].offset;
}

static bool
bool_of(const struct account *account, enum account_field field)
{
    return *(const bool *)seen_value(account, field);
}

static const char *
text_of(const struct account *account, enum account_field field)
{
    return *(char *const *)seen_value(account, field);
}

const struct pairs *
account_set(const struct account *account, enum account_field field)
{
    return seen_value(account, field);
}

void
account_free(struct account *account)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++) {
        if (fields[field].type == FIELD_TEXT)
            memory_free(*(char **)value_of(account, (enum account_field)field));
        else if (fields[field].type == FIELD_SET)
            pairs_free(value_of(account, (enum account_field)field));
    }
    memory_free(account->user_id);
    memory_free(account->localpart);
    secret_free(&account->password);
    memset(account, 0, sizeof(*account));
}

bool
account_states(const struct account *account, enum account_field field)
{
    return (account->stated & ACCOUNT_BIT(field)) != 0;
}

bool
account_is(const struct account *account, enum account_field field)
{
    return account_states(account, field) && bool_of(account, field);
}

void
account_state_bool(struct account *account, enum account_field field, bool value)
{
    *(bool *)value_of(account, field) = value;
    account->stated |= ACCOUNT_BIT(field);
}

int
account_state_text(struct account *account, enum account_field field, const char *value,
    struct error *error)
{
    char **text = value_of(account, field);
    size_t length = value == NULL ? 0 : strlen(value);
    char *copy = NULL;

    if (value != NULL && field == ACCOUNT_DISPLAYNAME)
        value = text_strip(value, length, &length);
    if (length > 0) {
        copy = memory_copy(value, length);
        if (copy == NULL)
            return error_no_memory(error);
    }
    memory_free(*text);
    *text = copy;
    account->stated |= ACCOUNT_BIT(field);
    return 0;
}

int
account_state_profile(struct account *account, const char *displayname,
    const char *avatar_url, struct error *error)
{
    if (account_state_text(account, ACCOUNT_DISPLAYNAME, displayname, error) != 0)
        return -1;
    return account_state_text(account, ACCOUNT_AVATAR_URL, avatar_url, error);
}

int
account_state_set(struct account *account, enum account_field field,
    const struct pairs *set, struct error *error)
{
    struct pairs copy = {.append = set->append};

    if (pairs_add_all(&copy, set, error) != 0) {
        pairs_free(&copy);
        return -1;
    }
    pairs_free(value_of(account, field));
    *(struct pairs *)value_of(account, field) = copy;
    account->stated |= ACCOUNT_BIT(field);
    return 0;
}

void
account_state_ratelimit(struct account *account, struct account_ratelimit ratelimit)
{
    account->ratelimit = ratelimit;
    account->stated |= ACCOUNT_BIT(ACCOUNT_RATELIMIT);
}

int
account_state_password(struct account *account, const struct secret *password,
    struct error *error)
{
    if (secret_copy(&account->password, password) != 0)
        return error_no_memory(error);
    account->stated |= ACCOUNT_BIT(ACCOUNT_PASSWORD);
    return 0;
}

void
account_unstate_password(struct account *account)
{
    secret_free(&account->password);
    account->stated &= ~ACCOUNT_BIT(ACCOUNT_PASSWORD);
}

int
account_name(struct account *account, const char *user_id, const char *localpart,
    struct error *error)
{
    char *new_user_id = user_id == NULL ? NULL : memory_copy_string(user_id);
    char *new_localpart = memory_copy_string(localpart);

    if (new_localpart == NULL || (user_id != NULL && new_user_id == NULL)) {
        memory_free(new_user_id);
        memory_free(new_localpart);
        return error_no_memory(error);
    }
    memory_free(account->user_id);
    memory_free(account->localpart);
    account->user_id = new_user_id;
    account->localpart = new_localpart;
    return 0;
}

unsigned
account_unobserved(const struct account *wanted, const struct account *observed)
{
    return wanted->stated & ~observed->stated & ~ACCOUNT_BIT(ACCOUNT_PASSWORD);
}

static bool
texts_differ(const char *one, const char *other)
{
    if (one == NULL || other == NULL)
        return one != other;
    return strcmp(one, other) != 0;
}

static bool
sets_differ(const struct pairs *wanted, const struct pairs *observed)
{
    return !pairs_have_all(observed, wanted) ||
           (!wanted->append && observed->count != wanted->count);
}

static bool
ratelimits_differ(const struct account_ratelimit *one, const struct account_ratelimit *other)
{
    return one->overridden != other->overridden ||
           one->messages_per_second != other->messages_per_second ||
           one->burst_count != other->burst_count;
}

static bool
differs(const struct account *wanted, const struct account *observed,
    enum account_field field)
{
    switch (fields[field].type) {
    case FIELD_BOOL:
        return bool_of(wanted, field) != bool_of(observed, field);
    case FIELD_TEXT:
        return texts_differ(text_of(wanted, field), text_of(observed, field));
    case FIELD_SET:
        return sets_differ(account_set(wanted, field), account_set(observed, field));
    case FIELD_RATELIMIT:
        return ratelimits_differ(&wanted->ratelimit, &observed->ratelimit);
    case FIELD_SECRET:
        break; /* nobody observes one */
    }
    return false;
}

/* A set that appends to one that is known is their union, and final. */
static int
copy_set(struct account *to, const struct pairs *set, enum account_field field,
    struct error *error)
{
    if (!set->append || !account_states(to, field))
        return account_state_set(to, field, set, error);
    return pairs_add_all(value_of(to, field), set, error);
}

/* Makes `to` state a field as `from` does. */
static int
copy_field(struct account *to, const struct account *from, enum account_field field,
    struct error *error)
{
    switch (fields[field].type) {
    case FIELD_BOOL:
        account_state_bool(to, field, bool_of(from, field));
        return 0;
    case FIELD_TEXT:
        return account_state_text(to, field, text_of(from, field), error);
    case FIELD_SET:
        return copy_set(to, account_set(from, field), field, error);
    case FIELD_RATELIMIT:
        account_state_ratelimit(to, from->ratelimit);
        return 0;
    case FIELD_SECRET:
        return account_state_password(to, &from->password, error);
    }
    return error_set(error, ERROR_INTERNAL, "an account has no field %d", (int)field);
}

int
account_copy_fields(struct account *to, const struct account *from, unsigned mask,
    struct error *error)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((from->stated & mask & (1u << field)) != 0 &&
            copy_field(to, from, (enum account_field)field, error) != 0)
            return -1;
    return 0;
}

int
account_copy(struct account *to, const struct account *from, struct error *error)
{
    return account_copy_fields(to, from, ~0u, error);
}

int
account_difference(struct account *change, const struct account *wanted,
    const struct account *observed, struct error *error)
{
    unsigned comparable =
        wanted->stated & observed->stated & ~ACCOUNT_BIT(ACCOUNT_PASSWORD);
    unsigned different = 0;

    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((comparable & (1u << field)) != 0 &&
            differs(wanted, observed, (enum account_field)field))
            different |= 1u << field;
    if (account_name(change, observed->user_id, wanted->localpart, error) != 0)
        return -1;
    /* What is goes first, for the sets that append to it. */
    if (account_copy_fields(change, observed, different, error) != 0)
        return -1;
    return account_copy_fields(change, wanted, different, error);
}

int
account_apply(struct account *result, const struct account *observed,
    const struct account *change, struct error *error)
{
    unsigned visible = ~ACCOUNT_BIT(ACCOUNT_PASSWORD);

    if (account_name(result, observed->user_id, observed->localpart, error) != 0 ||
        account_copy_fields(result, observed, visible, error) != 0)
        return -1;
    return account_copy_fields(result, change, visible, error);
}

const char *
account_field_name(enum account_field field)
{
    return fields[field].name;
}

const char *
account_field_option(enum account_field field)
{
    return fields[field].option;
}

static bool
clears(const struct account *change, enum account_field field)
{
    switch (fields[field].type) {
    case FIELD_BOOL:
        return !bool_of(change, field);
    case FIELD_TEXT:
        return text_of(change, field) == NULL;
    case FIELD_SET:
        return account_set(change, field)->count == 0;
    case FIELD_RATELIMIT:
        return !change->ratelimit.overridden;
    case FIELD_SECRET:
        break;
    }
    return false;
}

const char *
account_action(const struct account *change, enum account_field field)
{
    return clears(change, field) ? fields[field].clear_action : fields[field].action;
}

static json_t *
set_to_json(const struct pairs *set, enum set_form form)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < set->count; i++) {
        const struct pair *pair = &set->items[i];
        json_t *value = form == SET_OF_VALUES ? json_string(pair->value)
                                              : json_pack("{s:s, s:s}", "provider", pair->key,
                                                    "id", pair->value);

        if (json_array_append_new(array, value) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static json_t *
field_to_json(const struct account *account, enum account_field field)
{
    const struct account_ratelimit *limit = &account->ratelimit;
    const char *text;

    switch (fields[field].type) {
    case FIELD_BOOL:
        return json_boolean(bool_of(account, field));
    case FIELD_TEXT:
        text = text_of(account, field);
        return text == NULL ? json_null() : json_string(text);
    case FIELD_SET:
        return set_to_json(account_set(account, field), fields[field].form);
    case FIELD_RATELIMIT:
        return limit->overridden
                   ? json_pack("{s:I, s:I}", "messages_per_second",
                         (json_int_t)limit->messages_per_second, "burst_count",
                         (json_int_t)limit->burst_count)
                   : json_object();
    case FIELD_SECRET:
        break;
    }
    return NULL;
}

json_t *
account_to_json(const struct account *account, unsigned mask)
{
    json_t *object = json_object();

    for (int field = 0; object != NULL && field < ACCOUNT_FIELDS; field++) {
        if ((account->stated & mask & (1u << field)) == 0 ||
            fields[field].type == FIELD_SECRET)
            continue;
        if (json_object_set_new(object, fields[field].name,
                field_to_json(account, (enum account_field)field)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}
