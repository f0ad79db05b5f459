/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/inspection.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "base/text.h"
#include "matrix/user_id.h"

#define PAGE 100
/* Nobody has ten thousand administrators. */
#define PAGES_MOST 100

/* One page of accounts (Synapse: synapse/rest/admin/users.py, UsersRestServletV2). */
static int
get_page(struct backend *backend, const char *from, struct answer *answer,
    struct error *error)
{
    char path[160];

    snprintf(path, sizeof(path),
        "/_synapse/admin/v2/users?from=%s&limit=%d&admins=true&guests=false&deactivated=false",
        from, PAGE);
    return call_get(&backend->matrix, path,
        &state_of(backend)->administrator.access_token, answer, error);
}

static int
add_administrators(const json_t *users, struct list *user_ids, struct error *error)
{
    size_t i;
    json_t *user;

    char shown[USER_ID_LONGEST + 1];

    if (!json_is_array(users) || json_array_size(users) > PAGE)
        return error_set(error, ERROR_PROTOCOL,
            "listing the administrators: the server's answer has no usable \"users\"");
    json_array_foreach(users, i, user)
    {
        const json_t *admin = json_object_get(user, "admin");
        const char *name = json_string_value(json_object_get(user, "name"));

        /* Some versions write booleans as numbers here. */
        if (name == NULL || (!json_is_true(admin) && json_integer_value(admin) != 1))
            continue;
        text_show(shown, sizeof(shown), name);
        list_add(user_ids, "%s", shown);
    }
    return user_ids->failed ? error_no_memory(error) : 0;
}

/* True when number, in digits, is larger than other. */
static bool
is_beyond(const char *number, const char *other)
{
    size_t length = strlen(number), other_length = strlen(other);

    return length != other_length ? length > other_length : strcmp(number, other) > 0;
}

/* Where the next page begins, "" after the last: behind this one. */
static int
take_next(const json_t *token, char *from, size_t size, struct error *error)
{
    const char *text = json_string_value(token);

    if (token == NULL || json_is_null(token)) {
        from[0] = '\0';
        return 0;
    }
    if (text == NULL || strlen(text) >= size ||
        strspn(text, "0123456789") != strlen(text) || !is_beyond(text, from))
        return error_set(error, ERROR_PROTOCOL,
            "listing the administrators: the server's answer has no usable \"next_token\"");
    memcpy(from, text, strlen(text) + 1);
    return 0;
}

int
inspection_list_administrators(struct backend *backend, struct list *user_ids,
    struct error *error)
{
    char from[24] = "0";
    int result = 0;

    for (int page = 0; result == 0 && from[0] != '\0'; page++) {
        struct answer answer = {0};

        if (page == PAGES_MOST)
            return error_set(error, ERROR_PROTOCOL,
                "listing the administrators: the server's list does not end");
        result = get_page(backend, from, &answer, error);
        if (result == 0 && !answer_ok(&answer))
            result = answer_refused(&answer, "listing the administrators", error);
        if (result == 0)
            result = add_administrators(json_object_get(answer.body, "users"), user_ids,
                error);
        if (result == 0)
            result = take_next(json_object_get(answer.body, "next_token"), from,
                sizeof(from), error);
        answer_free(&answer);
    }
    return result;
}

int
inspection_check_credential(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    int result;

    /* Not a kept session of the service account, which may have been made before
     * the server got another secret. */
    if (!connection_has_administrator(backend->connection))
        return register_prove_secret(backend, error);
    result = get_page(backend, "0", &answer, error);
    if (result == 0 && answer.status == 403)
        result = answer_refused_as(&answer, ERROR_FORBIDDEN, "acting as an administrator",
            "it opens an account that is none", error);
    else if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "acting as an administrator", error);
    answer_free(&answer);
    return result;
}
