/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/metadata.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/url.h"

/* MAS has it beside what any such service has. */
#define KEY_OF_MAS "org.matrix.matrix-authentication-service.graphql_endpoint"

static const char token_path[] = "/oauth2/token";

/* The issuer may be another address by configuration; the endpoint is where it says. */
static int
derive_base(const struct answer *answer, const struct http *http, char **base,
    struct error *error)
{
    const char *endpoint =
        answer_string(answer, "token_endpoint", "asking who has the accounts", error);
    size_t length = endpoint == NULL ? 0 : strlen(endpoint);
    size_t ending = sizeof(token_path) - 1;
    struct error unusable = {0};
    struct url url;
    char *text;

    if (endpoint == NULL)
        return -1;
    if (length <= ending || strcmp(endpoint + length - ending, token_path) != 0)
        return error_set(error, ERROR_PROTOCOL,
            "%s names a token_endpoint of Matrix Authentication Service that does not end in "
            "%s; give mas_url",
            http_origin(http), token_path);
    text = memory_copy_string(endpoint);
    if (text == NULL)
        return error_no_memory(error);
    text[length - ending] = '\0';
    if (url_parse(&url, text, &unusable) == 0) {
        *base = url.base;
        url.base = NULL;
        url_free(&url);
    }
    memory_free(text);
    if (unusable.kind == ERROR_NONE)
        return 0;
    if (unusable.kind == ERROR_MEMORY)
        return error_no_memory(error);
    return error_set(error, ERROR_PROTOCOL,
        "%s names a token_endpoint of Matrix Authentication Service that is no address; give "
        "mas_url",
        http_origin(http));
}

static int
refuse(const struct answer *answer, struct error *error)
{
    if (answer->status == 500)
        return answer_refused_as(answer, ERROR_NOT_READY, "asking who has the accounts",
            "that is what Synapse says while it cannot reach Matrix Authentication Service: "
            "start that, and see in its log why it does not answer; or give mas_url",
            error);
    return answer_refused(answer, "asking who has the accounts", error);
}

/* *said: whether the answer says it, one way or the other. */
static int
take(const struct answer *answer, const struct http *http, enum metadata *metadata,
    char **base, bool *said, struct error *error)
{
    /* A server that does not know the path yet, and one without delegation. */
    *said = answer->status != 404 && answer->status != 405;
    if (!*said)
        return 0;
    if (!answer_ok(answer))
        return refuse(answer, error);
    *metadata = json_is_string(json_object_get(answer->body, KEY_OF_MAS)) ? METADATA_MAS
                                                                          : METADATA_OTHER;
    return *metadata == METADATA_MAS ? derive_base(answer, http, base, error) : 0;
}

int
metadata_ask(struct matrix *homeserver, enum metadata *metadata, char **base,
    struct error *error)
{
    static const char *const paths[] = {
        "/_matrix/client/v1/auth_metadata",
        "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata",
    };
    char *found = NULL;
    bool said = false;
    int result = 0;

    *metadata = METADATA_NONE;
    for (size_t i = 0; result == 0 && !said && i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct answer answer = {0};

        result = call_get(homeserver, paths[i], NULL, &answer, error);
        if (result == 0)
            result = take(&answer, homeserver->http, metadata, &found, &said, error);
        answer_free(&answer);
    }
    if (base != NULL)
        *base = found;
    else
        memory_free(found);
    return result;
}
