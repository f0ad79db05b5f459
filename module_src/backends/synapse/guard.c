/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/guard.h"

#include <string.h>

#include "backends/homeserver/state.h"
#include "base/memory.h"
#include "base/text.h"

/* A kind of thing that only one account can have, and who has it:
 * GET <before><key, unless it is in before><between><value> says. */
struct property {
    enum account_field field;
    const char *before;
    bool has_key;
    const char *between;
    const char *called; /* with the value behind it */
};

static const struct property properties[] = {
    {ACCOUNT_EMAILS, "/_synapse/admin/v1/threepid/email/users/", false, "",
        "the e-mail address"},
    {ACCOUNT_EXTERNAL_IDS, "/_synapse/admin/v1/auth_providers/", true, "/users/",
        "the external id"},
};

static int
ask(struct backend *backend, const struct property *property, const struct pair *pair,
    struct answer *answer, struct error *error)
{
    struct text path = {0};
    int result;

    text_append(&path, property->before);
    if (property->has_key)
        text_append_percent(&path, pair->key, strlen(pair->key));
    text_append(&path, property->between);
    text_append_percent(&path, pair->value, strlen(pair->value));
    result = path.failed
                 ? error_no_memory(error)
                 : call_get(&backend->matrix, path.bytes,
                       &state_of(backend)->administrator.access_token, answer, error);
    text_free(&path);
    return result;
}

static int
check(struct backend *backend, const struct property *property, const struct pair *pair,
    const struct account *change, struct error *error)
{
    const char *subject = change->user_id != NULL ? change->user_id : change->localpart;
    struct answer answer = {0};
    const char *owner;
    char shown[160], shown_owner[256];
    int result = ask(backend, property, pair, &answer, error);

    if (result != 0 || answer_is(&answer, 404, "M_NOT_FOUND"))
        goto out;
    if (!answer_ok(&answer)) {
        result = answer_refused(&answer, "asking whose an address or an external id is", error);
        goto out;
    }
    owner = answer_string(&answer, "user_id", "asking whose it is", error);
    result = owner == NULL ? -1 : 0;
    if (owner == NULL || strcmp(owner, subject) == 0)
        goto out;
    text_show(shown, sizeof(shown), pair->value);
    if (http_show(backend->matrix.http, shown_owner, sizeof(shown_owner), owner, NULL, error) !=
        0) {
        result = -1;
        goto out;
    }
    result = error_set(error, ERROR_CONFLICT,
        "%s %s belongs to %s, and is not taken from there to be given to %s; remove it "
        "there first",
        property->called, shown, shown_owner, subject);
out:
    answer_free(&answer);
    return result;
}

int
guard_change(struct backend *backend, const struct account *observed,
    const struct account *change, struct error *error)
{
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        const struct property *property = &properties[i];
        const struct pairs *wanted = account_set(change, property->field);
        const struct pairs *had = account_set(observed, property->field);

        if (!account_states(change, property->field))
            continue;
        for (size_t j = 0; j < wanted->count; j++) {
            const struct pair *pair = &wanted->items[j];

            if (!pairs_have(had, pair->key, pair->value) &&
                check(backend, property, pair, change, error) != 0)
                return -1;
        }
    }
    return 0;
}
