/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stands in for backends/mas/api.c where that is not part of the program: its calls
 * and its description, with the token that is there, and nothing more. The real one
 * is taken where there is one.
 */
#include "backends/mas/api.h"

#include <string.h>

#include "backends/mas/state.h"
#include "base/text.h"

#define WEAK __attribute__((weak))

const struct mas_way api_way WEAK = {.authenticated_by = "mas_client_id", .lacks = ""};

WEAK int
api_call(struct backend *backend, struct call *call, struct answer *answer,
    struct error *error)
{
    struct call whole = *call;
    struct text path = {0};
    int result;

    memset(answer, 0, sizeof(*answer));
    text_append(&path, "/api/admin/v1");
    text_append(&path, call->path);
    whole.path = path.bytes;
    whole.bearer = &mas_state_of(backend)->token;
    result = path.failed ? error_no_memory(error)
                         : call_send(&mas_state_of(backend)->admin, &whole, answer, error);
    text_free(&path);
    return result;
}

WEAK int
api_has(struct backend *backend, const char *path, bool *has, struct error *error)
{
    struct mas_state *state = mas_state_of(backend);
    struct answer answer = {0};
    const char *name;
    json_t *value;

    *has = false;
    if (!state->paths_asked) {
        if (call_get(&state->admin, "/api/spec.json", NULL, &answer, error) != 0)
            return -1;
        text_append(&state->paths, "\n");
        json_object_foreach(json_object_get(answer.body, "paths"), name, value)
            text_append_format(&state->paths, "%s\n", name);
        answer_free(&answer);
        if (state->paths.failed)
            return error_no_memory(error);
        state->paths_asked = true;
    }
    *has = strstr(state->paths.bytes, path) != NULL;
    return 0;
}
