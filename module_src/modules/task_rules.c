/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "modules/task_rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static int
compare_localparts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static int
refuse_same_name(const struct wish *wishes, size_t count, struct error *error)
{
    const char **names = memory_zeroed(count + 1, sizeof(*names));
    int result = 0;

    if (names == NULL)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++)
        names[i] = wishes[i].id.localpart;
    qsort(names, count, sizeof(*names), compare_localparts);
    for (size_t i = 1; result == 0 && i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            result = error_set(error, ERROR_INVALID, "users has \"%.80s\" more than once",
                names[i]);
    memory_free((void *)names);
    return result;
}

/* That a user is to have an address, or an id elsewhere. */
struct claim {
    const struct pair *pair;
    const char *localpart;
};

static const struct pairs *
claimed(const struct wish *wish, enum account_field field)
{
    return account_set(&wish->account, field);
}

/* By the pair and then by the user, so that the message does not depend on qsort. */
static int
compare_claims(const void *one, const void *other)
{
    const struct claim *a = one;
    const struct claim *b = other;
    int order = pairs_compare(a->pair, b->pair);

    return order != 0 ? order : strcmp(a->localpart, b->localpart);
}

static int
refuse_claim(const struct claim *one, const struct claim *other, enum account_field field,
    struct error *error)
{
    char key[80], value[160];

    text_show(key, sizeof(key), one->pair->key);
    text_show(value, sizeof(value), one->pair->value);
    if (field == ACCOUNT_EMAILS)
        return error_set(error, ERROR_INVALID,
            "emails of both %.80s and %.80s have \"%s\"; an address belongs to one account",
            one->localpart, other->localpart, value);
    return error_set(error, ERROR_INVALID,
        "external_ids of both %.80s and %.80s have the id \"%s\" of \"%s\"; it belongs to one "
        "account",
        one->localpart, other->localpart, value, key);
}

/* Whoever comes second would be refused by the server, or take it away. */
static int
refuse_same_claim(const struct wish *wishes, size_t count, enum account_field field,
    struct error *error)
{
    struct claim *claims;
    size_t claim_count = 0;
    int result = 0;

    for (size_t i = 0; i < count; i++)
        claim_count += claimed(&wishes[i], field)->count;
    if (claim_count == 0)
        return 0;
    claims = memory_zeroed(claim_count, sizeof(*claims));
    if (claims == NULL)
        return error_no_memory(error);
    claim_count = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < claimed(&wishes[i], field)->count; j++)
            claims[claim_count++] = (struct claim){
                &claimed(&wishes[i], field)->items[j], wishes[i].id.localpart};
    qsort(claims, claim_count, sizeof(*claims), compare_claims);
    for (size_t i = 1; result == 0 && i < claim_count; i++)
        if (pairs_compare(claims[i - 1].pair, claims[i].pair) == 0)
            result = refuse_claim(&claims[i - 1], &claims[i], field, error);
    memory_free(claims);
    return result;
}

/* Servers limit logins, so a list may not cost one a user. */
static int
refuse_many_logins(const struct wish *wishes, size_t count,
    const struct connection *connection, struct error *error)
{
    size_t logins = ensure_own_logins(wishes, count);
    size_t verified = 0;

    for (size_t i = 0; i < count; i++)
        verified += wishes[i].verify_login;
    if (verified > ENSURE_LOGINS_MOST)
        return error_set(error, ERROR_INVALID,
            "verify_login takes a login a user, and servers limit logins: at most %d users in "
            "one task can have it, here %zu do",
            ENSURE_LOGINS_MOST, verified);
    /* What opens MAS does not spare them, which is told once it is known to be one. */
    if (connection_may_administrate(connection) || connection->database != NULL ||
        connection_opens_mas(connection) || logins <= ENSURE_LOGINS_MOST)
        return 0;
    return error_set(error, ERROR_INVALID,
        "without an administrator (access_token, admin_username and admin_password, or "
        "registration_shared_secret with a service_account) and without database, if_exists: "
        "match and update_password: always take a login a user, and servers limit logins: at "
        "most %d users in one task can have them, here %zu do",
        ENSURE_LOGINS_MOST, logins);
}

int
task_rules_check(const struct wish *wishes, size_t count,
    const struct connection *connection, struct error *error)
{
    if (refuse_same_name(wishes, count, error) != 0 ||
        refuse_same_claim(wishes, count, ACCOUNT_EMAILS, error) != 0 ||
        refuse_same_claim(wishes, count, ACCOUNT_EXTERNAL_IDS, error) != 0)
        return -1;
    return refuse_many_logins(wishes, count, connection, error);
}
