/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/logins.h"

#include <string.h>

#include "backends/homeserver/state.h"
#include "matrix/call.h"

/* Whether GET /login offers m.login.password. */
static int
ask_for_flows(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    const json_t *flow;
    size_t i;

    if (call_get(&backend->matrix, "/_matrix/client/v3/login", NULL, &answer, error) != 0)
        return -1;
    state_of(backend)->passwords = PASSWORDS_OFF;
    json_array_foreach(json_object_get(answer.body, "flows"), i, flow)
    {
        const char *type = json_string_value(json_object_get(flow, "type"));

        if (type != NULL && strcmp(type, "m.login.password") == 0)
            state_of(backend)->passwords = PASSWORDS_ON;
    }
    answer_free(&answer);
    return 0;
}

int
logins_by_password(struct backend *backend, bool *on, struct error *error)
{
    if (state_of(backend)->passwords == PASSWORDS_NOT_ASKED &&
        ask_for_flows(backend, error) != 0)
        return -1;
    *on = state_of(backend)->passwords == PASSWORDS_ON;
    return 0;
}
