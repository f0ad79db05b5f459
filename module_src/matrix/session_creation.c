/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/session_creation.h"

#include <string.h>

#include "matrix/session_entry.h"

/* A member is that string, or is not there where it is NULL. */
static bool
string_is(const json_t *entry, const char *name, const char *wanted)
{
    const char *value = session_entry_string(entry, name);

    if (wanted == NULL)
        return json_object_get(entry, name) == NULL;
    return value != NULL && strcmp(value, wanted) == 0;
}

static bool
is_of(const json_t *entry, const struct session_key *key)
{
    return string_is(entry, "origin", key->origin) &&
           string_is(entry, "server_name", key->server_name) &&
           string_is(entry, "localpart", key->localpart);
}

bool
session_creation_read(const json_t *entry, const struct session_key *key,
    struct session_creation *creation)
{
    const json_t *begun = json_object_get(entry, "begun");
    const char *id = session_entry_string(entry, "id");

    memset(creation, 0, sizeof(*creation));
    if (!is_of(entry, key) || !json_is_integer(begun) || json_integer_value(begun) < 0)
        return false;
    /* An id that is none must not pass for one that is not known yet. */
    if (json_object_get(entry, "id") != NULL &&
        (id == NULL || id[0] == '\0' || strlen(id) >= sizeof(creation->id)))
        return false;
    if (id != NULL)
        memcpy(creation->id, id, strlen(id) + 1);
    creation->begun_s = json_integer_value(begun);
    return true;
}

json_t *
session_creation_new(const struct session_key *key, const struct session_creation *creation)
{
    json_t *entry = session_entry_new(key);

    if (json_object_set_new(entry, "begun", json_integer(creation->begun_s)) == 0 &&
        (creation->id[0] == '\0' ||
            json_object_set_new(entry, "id", json_string(creation->id)) == 0))
        return entry;
    json_decref(entry);
    return NULL;
}

bool
session_creation_may_go(const json_t *entry, const struct session_key *key,
    long long oldest_s)
{
    const json_t *begun = json_object_get(entry, "begun");

    return is_of(entry, key) ||
           (json_is_integer(begun) && json_integer_value(begun) < oldest_s);
}
