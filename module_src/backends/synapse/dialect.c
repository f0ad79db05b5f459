/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/dialect.h"

#include <string.h>

#include "backends/homeserver/register.h"
#include "backends/synapse/acting.h"
#include "backends/synapse/refusal.h"
#include "backends/synapse/users.h"

static enum registration_refusal
read_refusal(const struct answer *answer)
{
    if (answer->status == 400 && answer_says(answer, "unrecognised nonce"))
        return REFUSAL_NONCE;
    if (answer->status == 403 && answer_says(answer, "HMAC incorrect"))
        return REFUSAL_SECRET;
    return answer_is(answer, 400, "M_USER_IN_USE") ? REFUSAL_TAKEN : REFUSAL_OTHER;
}

static int
refuse(const struct answer *answer, const char *what, struct error *error)
{
    if (answer->status == 400 && answer_says(answer, "not enabled"))
        return answer_refused_as(answer, ERROR_UNSUPPORTED, what,
            "set registration_shared_secret in the server's configuration and restart it, or "
            "give an administrator's credential",
            error);
    if (answer_is(answer, 429, "M_UNKNOWN"))
        return answer_refused_as(answer, ERROR_POLICY, what,
            "a module of the server refused this account", error);
    return refusal_record(answer, what, error);
}

/* Synapse checks the MAC before it looks at refresh_token, and refuses one that
 * is no boolean; the name is one that no server takes. */
static bool
proves_secret(const struct answer *answer)
{
    return answer->status == 400 && (answer_says(answer, "refresh_token") ||
                                        strcmp(answer->errcode, "M_INVALID_USERNAME") == 0);
}

/* Synapse asks MAS when it first has to tell, and breaks down while that does not
 * answer; without MAS it answers 404. */
static bool
names_delegate(const struct answer *answer)
{
    return answer->status == 500 ||
           (answer_ok(answer) && json_is_string(json_object_get(answer->body, "issuer")));
}

/* True when the homeserver says who has its accounts instead of itself. */
static bool
accounts_are_delegated(struct backend *backend)
{
    /* Stable since Synapse 1.136; before that under MSC2965's name. */
    static const char *const paths[] = {
        "/_matrix/client/v1/auth_metadata",
        "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
        "/_matrix/client/unstable/org.matrix.msc2965/auth_issuer",
    };
    bool delegated = false;

    for (size_t i = 0; !delegated && i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct answer answer = {0};
        struct error ignored = {0};

        delegated = call_get(&backend->matrix, paths[i], NULL, &answer, &ignored) == 0 &&
                    names_delegate(&answer);
        answer_free(&answer);
    }
    return delegated;
}

static int
explain_missing(struct backend *backend, const struct answer *answer, struct error *error)
{
    const char *origin = http_origin(backend->matrix.http);
    /* A proxy's own page has another name on it, or none. */
    bool is_synapse = strncmp(backend->matrix.server_header, "Synapse", 7) == 0;

    error->status = answer->status;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    backend->is_delegated = accounts_are_delegated(backend);
    if (backend->is_delegated)
        return error_set(error, ERROR_UNSUPPORTED,
            "%s has handed its accounts to Matrix Authentication Service (MAS): an account "
            "made in Synapse would be unknown there and nobody could log in to it, so "
            "nothing was done; MAS is managed in its place with mas_client_id and "
            "mas_client_secret (or mas_token), and backend: auto or mas",
            origin);
    if (is_synapse)
        return error_set(error, ERROR_UNSUPPORTED,
            "%s is a worker of Synapse, or a listener without the resource \"client\": it "
            "answers, but has no admin API (%ld at %s); set url to the main process's own "
            "address, for instance http://127.0.0.1:8008",
            origin, answer->status, REGISTER_PATH);
    return error_set(error, ERROR_UNSUPPORTED,
        "%s has no admin API (%ld at %s): the reverse proxy there does not pass it on to "
        "Synapse; run the module on the server itself, where the option container, or url with "
        "the main process's own address (for instance http://127.0.0.1:8008), leads past the "
        "proxy, or have it pass /_synapse/admin on (matrix-docker-ansible-deploy: "
        "matrix_synapse_container_labels_public_client_synapse_admin_api_enabled: true)",
        origin, answer->status, REGISTER_PATH);
}

const struct homeserver_dialect dialect_synapse = {
    .has_user_types = true,
    .registers_silently = true,
    .registers_any_device = true,
    .read_refusal = read_refusal,
    .refuse = refuse,
    .secret_advice = "matrix-docker-ansible-deploy: systemctl restart matrix-synapse, or a run "
                     "with --tags=restart-all",
    .explain_missing = explain_missing,
    .proves_secret = proves_secret,
    .build_reset = users_build_reset,
    .look_as_itself = acting_look_as_itself,
};
