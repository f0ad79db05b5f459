/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/user_reply.h"

#include "ansible/reply.h"

/* In place of a password in a diff. */
#define OLD_PASSWORD "(the old one)"
#define NEW_PASSWORD "(the new one)"

static const char *
user_id_of(const struct outcome *outcome)
{
    return outcome->after.user_id != NULL ? outcome->after.user_id
                                          : outcome->before.user_id;
}

static int
set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value);
}

static int
fill_entry(json_t *entry, const struct wish *wish, const struct outcome *outcome)
{
    const char *user_id = user_id_of(outcome);
    const struct secret *generated = &outcome->generated_password;
    /* One with capitals may exist exactly as it was written. */
    const char *localpart = outcome->after.localpart != NULL ? outcome->after.localpart
                                                             : wish->id.localpart;
    json_t *fields = account_to_json(&outcome->after, ~0u);
    int result = -1;

    if (fields == NULL || json_object_update(entry, fields) != 0 ||
        set(entry, "username", json_string(localpart)) != 0 ||
        set(entry, "changed", json_boolean(outcome->changed)) != 0 ||
        set(entry, "actions", reply_list(&outcome->actions)) != 0 ||
        set(entry, "password_set", json_boolean(outcome->password_set)) != 0)
        goto out;
    if (user_id != NULL && set(entry, "user_id", json_string(user_id)) != 0)
        goto out;
    if (secret_given(generated) &&
        set(entry, "generated_password",
            json_stringn(generated->bytes, generated->length)) != 0)
        goto out;
    if (!outcome->tried && set(entry, "tried", json_false()) != 0)
        goto out;
    if (outcome->guess && set(entry, "guess", json_true()) != 0)
        goto out;
    if (outcome->error.kind != ERROR_NONE && reply_add_error(entry, &outcome->error) != 0)
        goto out;
    result = 0;
out:
    json_decref(fields);
    return result;
}

json_t *
user_reply_entry(const struct wish *wish, const struct outcome *outcome)
{
    json_t *entry = json_object();

    if (entry != NULL && fill_entry(entry, wish, outcome) != 0) {
        json_decref(entry);
        entry = NULL;
    }
    return entry;
}

json_t *
user_reply_diff(const struct wish *wish, const struct outcome *outcome)
{
    const char *user_id = user_id_of(outcome);
    const char *header = user_id != NULL ? user_id : wish->id.localpart;
    json_t *before = account_to_json(&outcome->before, ~0u);
    json_t *after = account_to_json(&outcome->after, ~0u);

    if (outcome->password_set &&
        (set(after, "password", json_string(NEW_PASSWORD)) != 0 ||
            (!outcome->created && set(before, "password", json_string(OLD_PASSWORD)) != 0))) {
        json_decref(before);
        json_decref(after);
        return NULL;
    }
    return json_pack("{s:o, s:o, s:s, s:s}", "before", before, "after", after,
        "before_header", header, "after_header", header);
}

json_t *
user_reply_summary(const struct outcome *outcomes, size_t count)
{
    int created = 0, changed = 0, unchanged = 0, failed = 0;

    for (size_t i = 0; i < count; i++) {
        if (!outcomes[i].tried)
            continue;
        if (outcomes[i].error.kind != ERROR_NONE)
            failed++;
        else if (outcomes[i].created)
            created++;
        else if (outcomes[i].changed)
            changed++;
        else
            unchanged++;
    }
    return json_pack("{s:i, s:i, s:i, s:i}", "created", created, "changed", changed,
        "unchanged", unchanged, "failed", failed);
}
