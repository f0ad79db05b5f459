/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/registration_token.h"

#include <string.h>

#include "base/text.h"

static const char asking[] = "asking about registration_token";

/* continuwuity 26.7.3: src/service/firstrun. */
static const char *
advice_of(const struct backend *backend)
{
    return backend->type != NULL && backend->type->server == SERVER_CONTINUWUITY
               ? "; while it has no account, it takes only the one that it writes to its log "
                 "whenever it starts"
               : "";
}

static int
judge(const struct backend *backend, const struct answer *answer, bool *told,
    struct error *error)
{
    const json_t *valid;

    *told = answer->status != 404 && answer->status != 405;
    if (!*told)
        return 0;
    /* tuwunel (src/api/client/register.rs): where there is no token at all. */
    if (answer_is(answer, 403, "M_FORBIDDEN"))
        return answer_refused_as(answer, ERROR_UNAUTHORIZED, asking,
            "the server takes no registration tokens: set one in its configuration", error);
    if (!answer_ok(answer))
        return answer_refused(answer, asking, error);
    valid = json_object_get(answer->body, "valid");
    if (json_is_true(valid))
        return 0;
    if (json_is_false(valid))
        return error_set(error, ERROR_UNAUTHORIZED,
            "%s says that registration_token is none of its tokens, or one that is used up%s",
            http_origin(backend->matrix.http), advice_of(backend));
    return error_set(error, ERROR_PROTOCOL, "%s: the server's answer has no usable \"valid\"",
        asking);
}

int
registration_token_check(struct backend *backend, bool *told, struct error *error)
{
    const struct secret *token = backend->connection->registration_token;
    struct text path = {0};
    struct answer answer = {0};
    int result;

    text_append(&path,
        "/_matrix/client/v1/register/m.login.registration_token/validity?token=");
    text_append_percent(&path, token->bytes, token->length);
    if (path.failed) {
        result = error_no_memory(error);
    } else {
        const struct call call = {
            .method = "GET",
            .path = path.bytes,
            .secrets = {token},
            .retry = RETRY_SAFE,
        };

        result = call_send(&backend->matrix, &call, &answer, error);
    }
    if (result == 0)
        result = judge(backend, &answer, told, error);
    answer_free(&answer);
    text_free(&path);
    return result;
}
