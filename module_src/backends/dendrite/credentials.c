/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question is a change of password that can never be made: the new one is
 * longer than any that a server stores, so that no change of its rules could
 * let it through. Dendrite looks at the old one first (dendrite:
 * clientapi/routing/password.go): 403 M_FORBIDDEN after a wrong one, 400 after
 * the right one. It must never be empty: an empty one would be set, as the
 * password of whoever asks.
 */
#include "backends/dendrite/credentials.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"

#define IMPOSSIBLE 600

static const char changing[] = "/_matrix/client/v3/account/password";

/* dendrite: internal/validate.go, ValidatePassword and PasswordResponse. A 400 with
 * another word would be about something else. */
static bool
is_about_the_new_one(const struct answer *answer)
{
    return answer_is(answer, 400, "M_BAD_JSON") || answer_is(answer, 400, "M_WEAK_PASSWORD");
}

int
credentials_ask(struct backend *backend, const struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    char impossible[IMPOSSIBLE + 1];
    struct call call = {
        .method = "POST",
        .path = changing,
        .bearer = &state_of(backend)->administrator.access_token,
        .secrets = {password},
        .retry = RETRY_SAFE,
    };
    struct answer reply = {0};
    int result = -1;

    memset(impossible, 'x', IMPOSSIBLE);
    impossible[IMPOSSIBLE] = '\0';
    call.body = json_pack("{s:s, s:b, s:o*}", "new_password", impossible, "logout_devices", 0,
        "auth", client_password_auth(observed->account.user_id, password));
    if (call.body == NULL || json_object_get(call.body, "auth") == NULL)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, &reply, error);
    if (result == 0 && answer_is(&reply, 403, "M_FORBIDDEN"))
        *answer = PASSWORD_DIFFERENT;
    else if (result == 0 && is_about_the_new_one(&reply))
        *answer = PASSWORD_SAME;
    else if (result == 0) {
        *answer = PASSWORD_CANNOT_TELL;
        snprintf(why, PASSWORD_WHY_SIZE, "the server answers %ld when it is asked",
            reply.status);
    }
    answer_free(&reply);
    json_decref(call.body);
    return result;
}

int
credentials_reset(struct backend *backend, const char *user_id,
    const struct secret *password, bool logout_devices, struct error *error)
{
    struct call call = {
        .bearer = &state_of(backend)->administrator.access_token,
        .secrets = {password},
        .retry = RETRY_SAFE,
    };
    struct answer answer = {0};
    char *path = NULL;
    int result = -1;

    if (backend->type->dialect->build_reset(&call, &path, user_id, password) != 0 ||
        json_object_set_new(call.body, "logout_devices", json_boolean(logout_devices)) != 0)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, &answer, error);
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "setting the password", error);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}
