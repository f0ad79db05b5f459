/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/user_json.h"

#include <string.h>

static const char email[] = "email";

/* Synapse has written these as 0 and 1, too; one it never set is null. */
static bool
read_bool(struct account *account, enum account_field field, const json_t *body)
{
    const json_t *member = json_object_get(body, account_field_name(field));

    if (json_is_integer(member))
        account_state_bool(account, field, json_integer_value(member) != 0);
    else if (json_is_boolean(member) || json_is_null(member))
        account_state_bool(account, field, json_is_true(member));
    else
        return false;
    return true;
}

/* 1: read, 0: it is something else, -1: no memory. */
static int
read_text(struct account *account, enum account_field field, const json_t *body,
    struct error *error)
{
    const json_t *member = json_object_get(body, account_field_name(field));

    if (member != NULL && !json_is_null(member) && !json_is_string(member))
        return 0;
    return account_state_text(account, field, json_string_value(member), error) == 0 ? 1 : -1;
}

/* As read_text: an array of objects of two strings each. Of threepids, those
 * of the medium "email" alone. */
static int
read_pairs(struct account *account, enum account_field field, const json_t *array,
    const char *key_name, const char *value_name, struct error *error)
{
    struct pairs pairs = {0};
    const json_t *element;
    size_t i;
    int result = json_is_array(array) ? 1 : 0;

    json_array_foreach(array, i, element)
    {
        const char *key = json_string_value(json_object_get(element, key_name));
        const char *value = json_string_value(json_object_get(element, value_name));

        if (key == NULL || value == NULL)
            result = 0;
        else if (result == 1 && (field != ACCOUNT_EMAILS || strcmp(key, email) == 0) &&
                 pairs_add(&pairs, key, value, error) != 0)
            result = -1;
    }
    if (result == 1 && account_state_set(account, field, &pairs, error) != 0)
        result = -1;
    pairs_free(&pairs);
    return result;
}

int
user_json_read_emails(struct account *account, const json_t *body, struct error *error)
{
    return read_pairs(account, ACCOUNT_EMAILS, json_object_get(body, "threepids"), "medium",
        "address", error);
}

/* As read_text: all but the name. */
static int
read_fields(struct account *account, const json_t *body, struct error *error)
{
    static const enum account_field bools[] = {ACCOUNT_ADMIN, ACCOUNT_DEACTIVATED,
        ACCOUNT_LOCKED, ACCOUNT_SHADOW_BANNED, ACCOUNT_ERASED};
    static const enum account_field texts[] = {ACCOUNT_DISPLAYNAME, ACCOUNT_AVATAR_URL,
        ACCOUNT_USER_TYPE};
    int result;

    for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++)
        if (!read_bool(account, bools[i], body))
            return 0;
    /* Synapse has it since 1.121; before, it is not stated. */
    if (json_object_get(body, account_field_name(ACCOUNT_SUSPENDED)) != NULL &&
        !read_bool(account, ACCOUNT_SUSPENDED, body))
        return 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        result = read_text(account, texts[i], body, error);
        if (result != 1)
            return result;
    }
    result = user_json_read_emails(account, body, error);
    if (result != 1)
        return result;
    return read_pairs(account, ACCOUNT_EXTERNAL_IDS, json_object_get(body, "external_ids"),
        "auth_provider", "external_id", error);
}

int
user_json_read(struct observation *observed, const json_t *body, struct error *error)
{
    const char *name = json_string_value(json_object_get(body, "name"));
    int result = 0;

    if (name != NULL && strcmp(name, observed->account.user_id) == 0)
        result = read_fields(&observed->account, body, error);
    if (result == 0)
        return error_set(error, ERROR_PROTOCOL,
            "looking at %s: the server's answer does not describe that account",
            observed->account.user_id);
    if (result < 0)
        return -1;
    observed->presence = PRESENCE_PRESENT;
    return 0;
}

/* Appends {key_name: pair's key, value_name: pair's value} of all pairs. */
static json_t *
append_pairs(json_t *array, const struct pairs *pairs, const char *key_name,
    const char *value_name)
{
    for (size_t i = 0; array != NULL && i < pairs->count; i++)
        if (json_array_append_new(array, json_pack("{s:s, s:s}", key_name,
                                             pairs->items[i].key, value_name,
                                             pairs->items[i].value)) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

/* The value of one field in a PUT; "" clears a text, null a type. */
static json_t *
field_value(const struct account *change, enum account_field field, const json_t *others)
{
    const char *avatar_url = change->avatar_url == NULL ? "" : change->avatar_url;
    const char *displayname = change->displayname == NULL ? "" : change->displayname;

    switch (field) {
    case ACCOUNT_ADMIN:
        return json_boolean(change->admin);
    case ACCOUNT_LOCKED:
        return json_boolean(change->locked);
    case ACCOUNT_USER_TYPE:
        return change->user_type == NULL ? json_null() : json_string(change->user_type);
    case ACCOUNT_DISPLAYNAME:
        return json_string(displayname);
    case ACCOUNT_AVATAR_URL:
        return json_string(avatar_url);
    case ACCOUNT_EMAILS:
        return append_pairs(others == NULL ? json_array() : json_copy((json_t *)(void *)others),
            &change->emails, "medium", "address");
    case ACCOUNT_EXTERNAL_IDS:
        return append_pairs(json_array(), &change->external_ids, "auth_provider",
            "external_id");
    case ACCOUNT_PASSWORD:
        return json_stringn(change->password.bytes, change->password.length);
    default:
        return NULL;
    }
}

json_t *
user_json_change(const struct account *change, const json_t *others, bool logout_devices)
{
    json_t *body = json_object();
    int result = body == NULL ? -1 : 0;

    for (int field = 0; result == 0 && field < ACCOUNT_FIELDS; field++) {
        enum account_field this_field = (enum account_field)field;
        const char *key = field == ACCOUNT_EMAILS ? "threepids"
                                                  : account_field_name(this_field);

        if ((USER_JSON_PUT_FIELDS & change->stated & (1u << field)) != 0)
            result = json_object_set_new(body, key, field_value(change, this_field, others));
    }
    if (result == 0 && account_states(change, ACCOUNT_PASSWORD))
        result = json_object_set_new(body, "logout_devices", json_boolean(logout_devices));
    if (result != 0) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

json_t *
user_json_other_threepids(const json_t *body)
{
    json_t *others = json_array();
    json_t *element;
    size_t i;

    json_array_foreach(json_object_get(body, "threepids"), i, element)
    {
        const char *medium = json_string_value(json_object_get(element, "medium"));

        if (medium != NULL && strcmp(medium, email) != 0 && others != NULL &&
            json_array_append(others, element) != 0) {
            json_decref(others);
            others = NULL;
        }
    }
    return others;
}
