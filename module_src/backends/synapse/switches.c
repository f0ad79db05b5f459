/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/switches.h"

#include <stdio.h>

#include "base/memory.h"
#include "matrix/client.h"

static const char users[] = "/_synapse/admin/v1/users/";
static const char override[] = "/override_ratelimit";

static int
read_ratelimit(struct observation *observed, const json_t *body, struct error *error)
{
    const json_t *speed = json_object_get(body, "messages_per_second");
    const json_t *burst = json_object_get(body, "burst_count");
    struct account_ratelimit limit = {0};

    if (speed != NULL || burst != NULL) {
        if (!json_is_integer(speed) || !json_is_integer(burst))
            return error_set(error, ERROR_PROTOCOL,
                "looking at the rate limit of %s: the server's answer is none",
                observed->account.user_id);
        limit.overridden = true;
        limit.messages_per_second = json_integer_value(speed);
        limit.burst_count = json_integer_value(burst);
    }
    account_state_ratelimit(&observed->account, limit);
    return 0;
}

int
switches_look(struct matrix *matrix, const struct secret *token,
    struct observation *observed, struct error *error)
{
    char *path = client_path(users, observed->account.user_id, override);
    struct answer answer = {0};
    int result = call_get(matrix, path, token, &answer, error);

    if (result == 0 && answer_ok(&answer))
        result = read_ratelimit(observed, answer.body, error);
    else if (result == 0)
        result = answer_refused(&answer, "looking at the account's rate limit", error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

/* What one of these requests is made of. */
struct request {
    const char *method;
    const char *before; /* the user id goes in between */
    const char *after;
    json_t *body;
};

static struct request
build_request(const struct account *change, enum account_field field)
{
    static const char shadow_ban[] = "/shadow_ban";
    const struct account_ratelimit *limit = &change->ratelimit;

    if (field == ACCOUNT_SUSPENDED)
        return (struct request){"PUT", "/_synapse/admin/v1/suspend/", "",
            json_pack("{s:b}", "suspend", (int)change->suspended)};
    if (field == ACCOUNT_SHADOW_BANNED)
        return (struct request){change->shadow_banned ? "POST" : "DELETE", users, shadow_ban,
            json_object()};
    if (limit->overridden)
        return (struct request){"POST", users, override,
            json_pack("{s:I, s:I}", "messages_per_second",
                (json_int_t)limit->messages_per_second, "burst_count",
                (json_int_t)limit->burst_count)};
    return (struct request){"DELETE", users, override, json_object()};
}

static int
switch_field(struct matrix *matrix, const struct secret *token, struct observation *observed,
    const struct account *change, enum account_field field, struct error *error)
{
    struct request request = build_request(change, field);
    char *path = client_path(request.before, observed->account.user_id, request.after);
    struct call call = {
        .method = request.method,
        .path = path,
        .bearer = token,
        .body = request.body,
        .retry = RETRY_SAFE, /* each says how it shall be, not what to change */
    };
    struct answer answer = {0};
    int result = -1;

    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else
        result = call_send(matrix, &call, &answer, error);
    if (result == 0 && !answer_ok(&answer)) {
        char what[64];

        snprintf(what, sizeof(what), "changing the account's %s", account_field_name(field));
        result = answer_refused(&answer, what, error);
    }
    if (result == 0 && field == ACCOUNT_RATELIMIT)
        account_state_ratelimit(&observed->account, change->ratelimit);
    else if (result == 0)
        account_state_bool(&observed->account, field,
            field == ACCOUNT_SUSPENDED ? change->suspended : change->shadow_banned);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

int
switches_update(struct matrix *matrix, const struct secret *token,
    struct observation *observed, const struct account *change, struct error *error)
{
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((change->stated & SWITCHES_FIELDS & (1u << field)) != 0 &&
            switch_field(matrix, token, observed, change, (enum account_field)field, error) != 0)
            return -1;
    return 0;
}
