/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/dendrite/dialect.h"

#include <string.h>

#include "backends/homeserver/own.h"
#include "backends/homeserver/register.h"
#include "backends/homeserver/state.h"
#include "matrix/client.h"

/* Dendrite tells of a nonce in words of its own, not in those of the
 * specification: {"message": "incorrect or expired nonce: ..."}. */
static bool
is_about_nonce(const struct answer *answer)
{
    const char *message = json_string_value(json_object_get(answer->body, "message"));

    return answer->status == 500 && message != NULL && strstr(message, "nonce") != NULL;
}

static enum registration_refusal
read_refusal(const struct answer *answer)
{
    if (is_about_nonce(answer))
        return REFUSAL_NONCE;
    if (answer->status == 403 && answer_says(answer, "bad mac"))
        return REFUSAL_SECRET;
    return answer_is(answer, 400, "M_USER_IN_USE") ? REFUSAL_TAKEN : REFUSAL_OTHER;
}

static int
refuse(const struct answer *answer, const char *what, struct error *error)
{
    if (is_about_nonce(answer))
        return answer_refused_as(answer, ERROR_SERVER, what,
            "it does not know the nonces that it gives: is there more than one Dendrite behind "
            "this address?",
            error);
    return answer_refused(answer, what, error);
}

/* The route is there only with a secret (dendrite: clientapi/routing/routing.go). */
static int
explain_missing(struct backend *backend, const struct answer *answer, struct error *error)
{
    error->status = answer->status;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    return error_set(error, ERROR_UNSUPPORTED,
        "%s has no registration with a shared secret (%ld at %s): set "
        "client_api.registration_shared_secret in dendrite.yaml and restart Dendrite; or a "
        "reverse proxy there does not pass that path on, and url must be Dendrite's own address",
        http_origin(backend->matrix.http), answer->status, REGISTER_PATH);
}

/* Dendrite checks the MAC before it looks at the name, which is one that no
 * server takes (dendrite: clientapi/routing/register.go). */
static bool
proves_secret(const struct answer *answer)
{
    return answer->status == 400 && strcmp(answer->errcode, "M_INVALID_USERNAME") == 0;
}

static int
build_reset(struct call *call, char **path, const char *user_id,
    const struct secret *password)
{
    *path = client_path("/_dendrite/admin/resetPassword/", user_id, "");
    call->method = "POST";
    call->path = *path;
    call->body = json_pack("{s:s%, s:b}", "password", password->bytes, password->length,
        "logout_devices", 0);
    return *path == NULL || call->body == NULL ? -1 : 0;
}

/* A token that nobody has is asked for: administrators are told that there is
 * none, others that they may not ask (dendrite: clientapi/routing/admin.go). */
int
dialect_ask_administrator(struct backend *backend, const struct secret *token,
    bool *is_administrator, struct error *error)
{
    struct answer answer = {0};
    int result = call_get(&backend->matrix,
        "/_dendrite/admin/registrationTokens/registrar-asks", token, &answer, error);

    if (result == 0 && answer_is(&answer, 403, "M_FORBIDDEN"))
        *is_administrator = false;
    else if (result == 0 && (answer_ok(&answer) || answer_is(&answer, 404, "M_NOT_FOUND")))
        *is_administrator = true;
    else if (result == 0)
        result = answer_refused(&answer, "asking whether this is an administrator", error);
    answer_free(&answer);
    return result;
}

/* Who could log in is not deactivated. */
static int
look_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    bool is_administrator;

    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, false);
    if (dialect_ask_administrator(backend, &own->access_token, &is_administrator, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, is_administrator);
    return own_look_at_profile(backend, observed, error);
}

const struct homeserver_dialect dialect_dendrite = {
    .read_refusal = read_refusal,
    .refuse = refuse,
    .secret_advice = "matrix-docker-ansible-deploy: systemctl restart matrix-dendrite, or a run "
                     "with --tags=restart-all",
    .explain_missing = explain_missing,
    .proves_secret = proves_secret,
    .build_reset = build_reset,
    .look_as_itself = look_as_itself,
};
