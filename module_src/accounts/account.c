/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "accounts/account.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum field_type { FIELD_BOOL, FIELD_TEXT, FIELD_SECRET };

/* All that the rest of this file knows about single fields. */
static const struct field {
    const char *name;
    enum field_type type;
    size_t offset;
    const char *action;       /* for a value that is true or given */
    const char *clear_action; /* for one that is false or none */
} fields[ACCOUNT_FIELDS] = {
    [ACCOUNT_DEACTIVATED] = {"deactivated", FIELD_BOOL,
        offsetof(struct account, deactivated), "deactivate", "reactivate"},
    [ACCOUNT_ADMIN] = {"admin", FIELD_BOOL, offsetof(struct account, admin), "set admin",
        "unset admin"},
    [ACCOUNT_DISPLAYNAME] = {"displayname", FIELD_TEXT,
        offsetof(struct account, displayname), "set displayname", "clear displayname"},
    [ACCOUNT_PASSWORD] = {"password", FIELD_SECRET, offsetof(struct account, password),
        "set password", "set password"},
};

static const void *
value_of(const struct account *account, enum account_field field)
{
    return (const char *)account + fields[field].offset;
}

static bool
bool_of(const struct account *account, enum account_field field)
{
    return *(const bool *)value_of(account, field);
}

static const char *
text_of(const struct account *account, enum account_field field)
{
    return *(char *const *)value_of(account, field);
}

void
account_free(struct account *account)
{
    memory_free(account->user_id);
    memory_free(account->localpart);
    memory_free(account->displayname);
    secret_free(&account->password);
    memset(account, 0, sizeof(*account));
}

bool
account_states(const struct account *account, enum account_field field)
{
    return (account->stated & ACCOUNT_BIT(field)) != 0;
}

void
account_state_admin(struct account *account, bool admin)
{
    account->admin = admin;
    account->stated |= ACCOUNT_BIT(ACCOUNT_ADMIN);
}

void
account_state_deactivated(struct account *account, bool deactivated)
{
    account->deactivated = deactivated;
    account->stated |= ACCOUNT_BIT(ACCOUNT_DEACTIVATED);
}

int
account_state_displayname(struct account *account, const char *displayname,
    struct error *error)
{
    size_t length = 0;
    const char *stripped =
        displayname == NULL ? NULL : text_strip(displayname, strlen(displayname), &length);
    char *copy = NULL;

    if (length > 0) {
        copy = memory_copy(stripped, length);
        if (copy == NULL)
            return error_no_memory(error);
    }
    memory_free(account->displayname);
    account->displayname = copy;
    account->stated |= ACCOUNT_BIT(ACCOUNT_DISPLAYNAME);
    return 0;
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
differs(const struct account *one, const struct account *other, enum account_field field)
{
    const char *text, *other_text;

    switch (fields[field].type) {
    case FIELD_BOOL:
        return bool_of(one, field) != bool_of(other, field);
    case FIELD_TEXT:
        text = text_of(one, field);
        other_text = text_of(other, field);
        if (text == NULL || other_text == NULL)
            return text != other_text;
        return strcmp(text, other_text) != 0;
    case FIELD_SECRET:
        break; /* nobody observes one */
    }
    return false;
}

/* Makes `to` state a field as `from` does. */
static int
copy_field(struct account *to, const struct account *from, enum account_field field,
    struct error *error)
{
    switch (field) {
    case ACCOUNT_DEACTIVATED:
        account_state_deactivated(to, from->deactivated);
        return 0;
    case ACCOUNT_ADMIN:
        account_state_admin(to, from->admin);
        return 0;
    case ACCOUNT_DISPLAYNAME:
        return account_state_displayname(to, from->displayname, error);
    case ACCOUNT_PASSWORD:
        return account_state_password(to, &from->password, error);
    case ACCOUNT_FIELDS:
        break;
    }
    return error_set(error, ERROR_INTERNAL, "an account has no field %d", (int)field);
}

static int
copy_fields(struct account *to, const struct account *from, unsigned mask,
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
    return copy_fields(to, from, ~0u, error);
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
    return copy_fields(change, wanted, different, error);
}

int
account_apply(struct account *result, const struct account *observed,
    const struct account *change, struct error *error)
{
    unsigned visible = ~ACCOUNT_BIT(ACCOUNT_PASSWORD);

    if (account_name(result, observed->user_id, observed->localpart, error) != 0 ||
        copy_fields(result, observed, visible, error) != 0)
        return -1;
    return copy_fields(result, change, visible, error);
}

const char *
account_field_name(enum account_field field)
{
    return fields[field].name;
}

const char *
account_action(const struct account *change, enum account_field field)
{
    bool clears = (fields[field].type == FIELD_BOOL && !bool_of(change, field)) ||
                  (fields[field].type == FIELD_TEXT && text_of(change, field) == NULL);

    return clears ? fields[field].clear_action : fields[field].action;
}

static json_t *
field_to_json(const struct account *account, enum account_field field)
{
    const char *text;

    if (fields[field].type == FIELD_BOOL)
        return json_boolean(bool_of(account, field));
    text = text_of(account, field);
    return text == NULL ? json_null() : json_string(text);
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
