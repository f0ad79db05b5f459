/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/standin.h"

#include <string.h>

#include "backends/room/state.h"
#include "base/memory.h"
#include "matrix/client.h"
#include "matrix/derived_password.h"

/* base64, to base64url without padding. */
static void
make_url_safe(struct secret *base64)
{
    while (base64->length > 0 && base64->bytes[base64->length - 1] == '=')
        base64->bytes[--base64->length] = '\0';
    for (char *at = base64->bytes; *at != '\0'; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
}

int
standin_password(struct secret *password, const struct secret *wanted, const char *user_id,
    struct error *error)
{
    if (derived_password_stretch(password, wanted, "registrar/v1 command", user_id, error) !=
        0)
        return -1;
    make_url_safe(password);
    return 0;
}

bool
standin_is_spared(const struct backend *backend, const struct secret *wanted)
{
    return room_state_of(backend)->server->carries_passwords && commands_carry(wanted);
}

static void
free_kept(struct kept_password *kept)
{
    memory_free(kept->localpart);
    secret_free(&kept->password);
    memset(kept, 0, sizeof(*kept));
}

static int
fill_kept(struct kept_password *kept, const char *localpart, const struct secret *password,
    struct error *error)
{
    memset(kept, 0, sizeof(*kept));
    kept->localpart = memory_copy_string(localpart);
    if (kept->localpart != NULL && secret_copy(&kept->password, password) == 0)
        return 0;
    free_kept(kept);
    return error_no_memory(error);
}

int
standin_keep(struct backend *backend, const struct account *wanted, struct error *error)
{
    struct room_state *state = room_state_of(backend);
    struct kept_password *grown;

    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return 0;
    grown = memory_resize(state->kept, (state->kept_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return error_no_memory(error);
    state->kept = grown;
    if (fill_kept(&grown[state->kept_count], wanted->localpart, &wanted->password, error) != 0)
        return -1;
    state->kept_count++;
    return 0;
}

const struct secret *
standin_wanted(const struct backend *backend, const struct account *observed)
{
    const struct room_state *state = room_state_of(backend);

    for (size_t i = 0; i < state->kept_count; i++)
        if (strcmp(state->kept[i].localpart, observed->localpart) == 0)
            return &state->kept[i].password;
    return NULL;
}

int
standin_kept(struct backend *backend, const struct account *observed, struct secret *password,
    struct error *error)
{
    const struct secret *wanted = standin_wanted(backend, observed);

    return wanted == NULL || standin_is_spared(backend, wanted)
               ? 0
               : standin_password(password, wanted, observed->user_id, error);
}

int
standin_note(struct backend *backend, const struct account *account,
    const struct secret *password, struct error *error)
{
    struct kept_password *sent = &room_state_of(backend)->sent;

    free_kept(sent);
    return fill_kept(sent, account->localpart, password, error);
}

int
standin_recall(struct backend *backend, const struct account *account, struct error *error)
{
    const struct kept_password *sent = &room_state_of(backend)->sent;
    struct secret *own = &state_of(backend)->own_password;

    if (sent->localpart == NULL || strcmp(sent->localpart, account->localpart) != 0 ||
        secret_given(own))
        return 0;
    return secret_copy(own, &sent->password) != 0 ? error_no_memory(error) : 0;
}

void
standin_forget(struct backend *backend)
{
    struct room_state *state = room_state_of(backend);

    for (size_t i = 0; i < state->kept_count; i++)
        free_kept(&state->kept[i]);
    memory_free(state->kept);
    state->kept = NULL;
    state->kept_count = 0;
    free_kept(&state->sent);
}

int
standin_change(struct backend *backend, const struct secret *from, const struct secret *to,
    bool logout_devices, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    struct call call = {
        .method = "POST",
        .path = "/_matrix/client/v3/account/password",
        .bearer = &own->access_token,
        .secrets = {from, to},
        .retry = RETRY_UNSENT, /* the second time, the first password is wrong */
    };
    struct answer answer = {0};
    int result = -1;

    call.body = json_pack("{s:s%, s:b, s:o*}", "new_password", to->bytes, to->length,
        "logout_devices", (int)logout_devices, "auth",
        client_password_auth(own->user_id, from));
    if (call.body == NULL || json_object_get(call.body, "auth") == NULL)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, &answer, error);
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "setting the password as the account itself", error);
    answer_free(&answer);
    json_decref(call.body);
    return result;
}
