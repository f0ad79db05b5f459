/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/engine_talk.h"

#include "base/memory.h"
#include "base/text.h"

int
engine_talk_failed(const struct engine_talk *talk, const struct error *failure,
    struct error *error)
{
    error->status = failure->status;
    error->maybe_done = failure->maybe_done;
    return error_set(error, failure->kind, "the container engine's API at %s: %.900s",
        talk->socket, failure->text);
}

int
engine_talk_send(const struct engine_talk *talk, const struct http_request *request,
    struct http_reply *reply, struct error *error)
{
    const struct http_options options = {
        .url = "http://localhost",
        .unix_socket = talk->socket,
        .own_peer_only = talk->own_only,
        .timeout_ms = talk->timeout_ms,
        .secrets = talk->secrets,
    };
    struct error failure = {0};
    struct http *http;
    int result;

    *reply = (struct http_reply){0};
    http = http_open(&options, error);
    if (http == NULL)
        return -1;
    result = http_exchange(http, request, reply, &failure);
    http_close(http);
    return result == 0 ? 0 : engine_talk_failed(talk, &failure, error);
}

int
engine_talk_read(const struct http_reply *reply, json_t **body, struct error *error)
{
    size_t failures = memory_failures();

    *body = json_loadb(reply->body, reply->length, 0, NULL);
    return memory_failures() == failures ? 0 : error_no_memory(error);
}

int
engine_talk_refused(const struct engine_talk *talk, const struct http_reply *reply,
    const json_t *body, struct error *error)
{
    static const struct redaction none = {0};
    const char *words = json_string_value(json_object_get(body, "message"));
    char shown[300] = "";
    char *redacted;

    if (words != NULL) {
        redacted = redact_text(words, talk->secrets == NULL ? &none : talk->secrets,
            REDACT_WITHHOLD_SHORT);
        if (redacted == NULL)
            return error_no_memory(error);
        text_show(shown, sizeof(shown), redacted);
        memory_free(redacted);
    }
    error->status = reply->status;
    return error_set(error, words == NULL ? ERROR_PROTOCOL : ERROR_SERVER,
        "the container engine's API at %s answers %ld%s%s%s", talk->socket, reply->status,
        words == NULL ? "; is it one?" : " (", shown, words == NULL ? "" : ")");
}
