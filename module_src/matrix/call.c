/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "matrix/call.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/stop.h"
#include "base/text.h"
#include "matrix/errcode.h"

/* An errcode is shown and compared; anything that does not look like one,
 * an echoed secret for instance, is dropped. */
static void
take_errcode(struct answer *answer, const char *errcode)
{
    size_t length = errcode == NULL ? 0 : strlen(errcode);

    if (length == 0 || length >= sizeof(answer->errcode))
        return;
    for (size_t i = 0; i < length; i++)
        if (!isupper((unsigned char)errcode[i]) && !isdigit((unsigned char)errcode[i]) &&
            errcode[i] != '_' && errcode[i] != '.')
            return;
    memcpy(answer->errcode, errcode, length + 1);
}

static int
take_message(struct answer *answer, const struct call *call, const struct http *http,
    const char *message, struct error *error)
{
    const struct secret *secrets[CALL_SECRETS + 2];
    const struct redaction redaction = {.secrets = secrets, .count = CALL_SECRETS + 2};

    if (message == NULL)
        return 0;
    memcpy(secrets, call->secrets, sizeof(call->secrets));
    secrets[CALL_SECRETS] = call->bearer;
    secrets[CALL_SECRETS + 1] = call->basic != NULL ? call->basic->password : NULL;
    return http_show(http, answer->message, sizeof(answer->message), message, &redaction,
        error);
}

/* The JSON object of a reply, NULL when it is not one. -1: no memory. */
static int
load_object(json_t **body, const struct http_reply *reply, struct error *error)
{
    size_t failures = memory_failures();

    *body = json_loadb(reply->body, reply->length, 0, NULL);
    if (json_is_object(*body) && memory_failures() == failures)
        return 0;
    json_decref(*body);
    *body = NULL;
    /* jansson may leave out of a string what it had no memory for. */
    return memory_failures() == failures ? 0 : error_no_memory(error);
}

/*
 * What a refusal says in words: "error" of homeservers; of Matrix Authentication
 * Service the titles of its "errors", of which the first is what happened and the
 * others are why; its token endpoint's description (RFC 6749, 5.2); or plain text.
 */
static int
take_words(struct text *words, const struct answer *answer, const struct http_reply *reply)
{
    const json_t *errors = json_object_get(answer->body, "errors");
    const char *error = json_string_value(json_object_get(answer->body, "error"));
    const char *description =
        json_string_value(json_object_get(answer->body, "error_description"));

    if (answer->body == NULL && reply->is_plain && reply->body != NULL)
        text_append(words, reply->body);
    if (error != NULL)
        text_append(words, error);
    if (error != NULL && description != NULL)
        text_append_format(words, ": %s", description);
    for (size_t i = 0; error == NULL && i < json_array_size(errors); i++) {
        const char *title = json_string_value(json_object_get(json_array_get(errors, i), "title"));

        if (title != NULL)
            text_append_format(words, "%s%s", words->length > 0 ? ": " : "", title);
    }
    return words->failed ? -1 : 0;
}

static int
take_refusal(struct answer *answer, const struct call *call, const struct http_reply *reply,
    const struct http *http, struct error *error)
{
    struct text words = {0};
    int result;

    retry_is_rate_limit(reply, &answer->retry_after_ms);
    take_errcode(answer, json_string_value(json_object_get(answer->body, "errcode")));
    result = take_words(&words, answer, reply) != 0
                 ? error_no_memory(error)
                 : take_message(answer, call, http, words.bytes, error);
    text_free(&words);
    return result;
}

static int
take_reply(struct answer *answer, const struct call *call, const struct http_reply *reply,
    const struct http *http, struct error *error)
{
    answer->status = reply->status;
    answer->resent = reply->resent;
    answer->is_json = reply->is_json;
    if (load_object(&answer->body, reply, error) != 0)
        return -1;
    if (answer_ok(answer)) {
        if (answer->body != NULL || (call->may_be_empty && reply->length == 0))
            return 0;
        error->status = reply->status;
        error->maybe_done = call->retry != RETRY_SAFE;
        return error_set(error, ERROR_PROTOCOL,
            "%s answers %s %ld with something that is not a JSON object; is it a Matrix "
            "homeserver?",
            http_origin(http), call->method, reply->status);
    }
    return take_refusal(answer, call, reply, http, error);
}

int
call_send(struct matrix *matrix, const struct call *call, struct answer *answer,
    struct error *error)
{
    struct http_request request = {
        .method = call->method,
        .path = call->path,
        .bearer = call->bearer,
        .basic = call->basic,
        .body_is_form = call->form != NULL,
    };
    struct http_reply reply = {0};
    size_t failures = memory_failures();
    char *body = NULL;
    int result = -1;

    memset(answer, 0, sizeof(*answer));
    if (!call->cleaning_up && stop_signal() != 0)
        return error_set(error, ERROR_INTERRUPTED, "stopped by %s",
            stop_signal_name(stop_signal()));
    if (call->body != NULL) {
        body = json_dumps(call->body, JSON_COMPACT | JSON_ENSURE_ASCII);
        /* jansson leaves out a key that it has no memory for. */
        if (body == NULL || memory_failures() != failures) {
            memory_free(body);
            return error_no_memory(error);
        }
    }
    request.body = call->form != NULL ? call->form : body;
    if (retry_exchange(matrix->retry, matrix->http, &request, call->retry, call->report_429,
            &reply, error) != 0)
        goto out;
    memcpy(matrix->server_header, reply.server, sizeof(matrix->server_header));
    matrix->server_date = reply.date;
    answer->waited_ms = matrix->retry->waited_ms;
    result = take_reply(answer, call, &reply, matrix->http, error);
out:
    memory_free(body);
    http_reply_free(&reply);
    return result;
}

int
call_get(struct matrix *matrix, const char *path, const struct secret *bearer,
    struct answer *answer, struct error *error)
{
    struct call call = {
        .method = "GET",
        .path = path,
        .bearer = bearer,
        .retry = RETRY_SAFE,
    };

    memset(answer, 0, sizeof(*answer));
    if (path == NULL)
        return error_no_memory(error);
    return call_send(matrix, &call, answer, error);
}

void
answer_free(struct answer *answer)
{
    json_decref(answer->body);
    memset(answer, 0, sizeof(*answer));
}

bool
answer_ok(const struct answer *answer)
{
    return answer->status >= 200 && answer->status < 300;
}

bool
answer_is(const struct answer *answer, long status, const char *errcode)
{
    return answer->status == status && strcmp(answer->errcode, errcode) == 0;
}

bool
answer_says(const struct answer *answer, const char *words)
{
    const char *message = json_string_value(json_object_get(answer->body, "error"));

    return message != NULL && strstr(message, words) != NULL;
}

int
answer_refused_as(const struct answer *answer, enum error_kind kind, const char *what,
    const char *advice, struct error *error)
{
    if (error->kind != ERROR_NONE)
        return -1;
    error->status = answer->status;
    error->retry_after_ms = answer->retry_after_ms;
    memcpy(error->errcode, answer->errcode, sizeof(error->errcode));
    return error_set(error, kind, "%s: the server answers %ld%s%s%s%s%s%s%s", what,
        answer->status, answer->errcode[0] != '\0' ? " " : "", answer->errcode,
        answer->message[0] != '\0' ? " (" : "", answer->message,
        answer->message[0] != '\0' ? ")" : "", advice[0] != '\0' ? "; " : "", advice);
}

/* What to do about a refusal that nobody knows more about; "": its words do. */
static const char *
advice_about(const struct answer *answer)
{
    if (answer->body == NULL)
        return "that answer is not a homeserver's; is there a reverse proxy in between that "
               "does not pass this path on?";
    if (answer->status == 500)
        return "it is up and broke down over this: its database may be away, or its disk full; "
               "look into its log (journalctl -u, with its systemd unit)";
    return "";
}

int
answer_refused(const struct answer *answer, const char *what, struct error *error)
{
    bool not_matrix = answer->body == NULL;
    char wait[RETRY_WAIT_SIZE];
    char advice[300];

    /* Of the homeserver's answers, only a 500 is one that was waited for. */
    retry_tell_wait(wait, answer->status == 500 ? answer->waited_ms : 0);
    snprintf(advice, sizeof(advice), "%s%s", advice_about(answer), wait);
    return answer_refused_as(answer,
        not_matrix && answer->status < 500 ? ERROR_PROTOCOL
                                           : errcode_kind(answer->status, answer->errcode),
        what, advice, error);
}

const char *
answer_string(const struct answer *answer, const char *key, const char *what,
    struct error *error)
{
    json_t *member = json_object_get(answer->body, key);

    if (json_is_string(member) && json_string_length(member) > 0 &&
        strlen(json_string_value(member)) == json_string_length(member))
        return json_string_value(member);
    error_set(error, ERROR_PROTOCOL, "%s: the server's answer has no usable \"%s\"", what,
        key);
    return NULL;
}
