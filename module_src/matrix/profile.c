/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/profile.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static int
take_text(char **text, const json_t *body, const char *key, struct error *error)
{
    const char *value = json_string_value(json_object_get(body, key));

    if (value == NULL)
        return 0;
    *text = memory_copy_string(value);
    return *text == NULL ? error_no_memory(error) : 0;
}

int
profile_get(struct matrix *matrix, const char *user_id, const struct secret *token,
    struct profile *profile, struct error *error)
{
    char *path = client_path("/_matrix/client/v3/profile/", user_id, "");
    struct answer answer = {0};
    int result;

    memset(profile, 0, sizeof(*profile));
    profile->result = PROFILE_HIDDEN;
    result = call_get(matrix, path, token, &answer, error);
    if (result == 0 && answer.status == 404) {
        profile->result = PROFILE_NONE;
    } else if (result == 0 && answer_ok(&answer)) {
        profile->result = PROFILE_FOUND;
        if (take_text(&profile->displayname, answer.body, "displayname", error) != 0 ||
            take_text(&profile->avatar_url, answer.body, "avatar_url", error) != 0)
            result = -1;
    }
    answer_free(&answer);
    memory_free(path);
    return result;
}

void
profile_free(struct profile *profile)
{
    memory_free(profile->displayname);
    memory_free(profile->avatar_url);
    memset(profile, 0, sizeof(*profile));
}

int
profile_set(struct matrix *matrix, const struct session *session, const char *key,
    const char *value, struct error *error)
{
    char after[32], what[48];
    char *path;
    struct call call = {
        .method = "PUT",
        .bearer = &session->access_token,
        .body = json_pack("{s:s}", key, value),
        .retry = RETRY_SAFE, /* storing the same text again changes nothing */
    };
    struct answer answer = {0};
    int result = -1;

    snprintf(after, sizeof(after), "/%s", key);
    snprintf(what, sizeof(what), "setting the %s", key);
    call.path = path = client_path("/_matrix/client/v3/profile/", session->user_id, after);
    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else if (call_send(matrix, &call, &answer, error) == 0)
        result = answer_ok(&answer) ? 0 : answer_refused(&answer, what, error);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}
