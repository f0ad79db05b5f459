/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/text.h"
#include "net/http_head.h"
#include "net/setter.h"
#include "net/url.h"

struct http {
    const struct http_options *options;
    struct url url;
    struct transport transport;
    char *origin; /* http_origin */
    CURL *curl;
    struct secret learned[HTTP_LEARNED_MOST];
    size_t learned_count; /* ever; the newest ones are there */
};

/* What the callbacks of one exchange write to. */
struct exchange {
    CURL *curl;
    struct http_head head;
    struct http_reply *reply;
    const struct http_sink *sink;
    struct text body;
    size_t limit;
    size_t memory_failures; /* when it began */
    bool too_large;
    char reason[CURL_ERROR_SIZE];
};

static int
start_curl(struct error *error)
{
    CURLcode code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_allocate, memory_free,
        memory_resize, memory_copy_string, memory_zeroed);

    if (code != CURLE_OK)
        return error_set(error, ERROR_INTERNAL, "libcurl does not start: %s",
            curl_easy_strerror(code));
    return 0;
}

/* For memory_free; NULL: no memory. */
static char *
name_origin(const struct http *http)
{
    const struct http_options *options = http->options;
    struct text origin = {0};

    text_append(&origin, http->url.origin);
    if (options->unix_socket != NULL)
        text_append_format(&origin, " (unix socket %s)", options->unix_socket);
    else if (options->finder != NULL)
        text_append_format(&origin, " (%s)", options->finder->where);
    if (origin.failed)
        text_free(&origin);
    return origin.bytes;
}

struct http *
http_open(const struct http_options *options, struct error *error)
{
    struct http *http;

    if (start_curl(error) != 0)
        return NULL;
    http = memory_zeroed(1, sizeof(*http));
    if (http == NULL) {
        error_no_memory(error);
        goto err1;
    }
    http->options = options;
    if (url_parse(&http->url, options->url, error) != 0)
        goto err2;
    transport_init(&http->transport, options, &http->url);
    http->origin = name_origin(http);
    http->curl = curl_easy_init();
    if (http->origin == NULL || http->curl == NULL) {
        error_no_memory(error);
        goto err3;
    }
    return http;

err3:
    curl_easy_cleanup(http->curl);
    memory_free(http->origin);
    url_free(&http->url);
err2:
    memory_free(http);
err1:
    curl_global_cleanup();
    return NULL;
}

void
http_close(struct http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    transport_free(&http->transport);
    memory_free(http->origin);
    url_free(&http->url);
    for (size_t i = 0; i < HTTP_LEARNED_MOST; i++)
        secret_free(&http->learned[i]);
    memory_free(http);
    curl_global_cleanup();
}

const char *
http_origin(const struct http *http)
{
    return http->origin;
}

long
http_timeout_ms(const struct http *http)
{
    return http->options->timeout_ms;
}

const char *
http_route(const struct http *http, bool *in_namespace)
{
    const struct transport *transport = &http->transport;

    *in_namespace = transport->has_route && transport->route.network_namespace >= 0;
    return transport->has_route ? transport->route.address : "";
}

long long
http_parse_retry_after(const char *value, time_t now)
{
    char *end;
    long long seconds = strtoll(value, &end, 10);
    time_t date;

    if (end != value && *end == '\0')
        return seconds < 0 || seconds > INT32_MAX ? -1 : seconds * 1000;
    date = curl_getdate(value, NULL);
    if (date == -1 || now == 0)
        return -1;
    return date <= now ? 0 : (long long)(date - now) * 1000;
}

static bool
is_success(CURL *curl)
{
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status >= 200 && status < 300;
}

static size_t
take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;

    (void)size; /* libcurl documents it as always 1 */
    if (exchange->sink != NULL && is_success(exchange->curl))
        return exchange->sink->take(exchange->sink->context, bytes, count) ? count : 0;
    if (count > exchange->limit - exchange->body.length) {
        exchange->too_large = true;
        return 0;
    }
    text_append_bytes(&exchange->body, bytes, count);
    return exchange->body.failed ? 0 : count;
}

static size_t
take_header(char *line, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;

    (void)size; /* always 1 */
    exchange->too_large |= !http_head_take(&exchange->head, exchange->reply, line, count);
    return exchange->too_large ? 0 : count;
}

static CURLcode
set_request(CURL *curl, const struct http_request *request, struct curl_slist *headers,
    const char *url)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_URL, url);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_HTTPHEADER, headers);
    if (request->basic != NULL) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        SET(CURLOPT_USERNAME, request->basic->name);
        SET(CURLOPT_PASSWORD, request->basic->password->bytes);
    }
    if (request->bearer != NULL) {
        SET(CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        SET(CURLOPT_XOAUTH2_BEARER, request->bearer->bytes);
    }
    if (strcmp(request->method, "GET") == 0) {
        SET(CURLOPT_HTTPGET, 1L);
        return code;
    }
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_CUSTOMREQUEST, request->method);
    SET(CURLOPT_POSTFIELDSIZE_LARGE,
        (curl_off_t)(request->body == NULL ? 0 : strlen(request->body)));
    SET(CURLOPT_POSTFIELDS, request->body == NULL ? "" : request->body);
    return code;
}

static CURLcode
set_callbacks(CURL *curl, struct exchange *exchange)
{
    CURLcode code = CURLE_OK;

    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, exchange);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, exchange);
    SET(CURLOPT_ERRORBUFFER, exchange->reason);
    return code;
}

/* Which kind a failed exchange is; anything not named is unreachable. */
static const struct {
    CURLcode code;
    enum error_kind kind;
} failures[] = {
    {CURLE_SSL_CONNECT_ERROR, ERROR_TLS},
    {CURLE_SSL_CERTPROBLEM, ERROR_TLS},
    {CURLE_SSL_CIPHER, ERROR_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, ERROR_TLS},
    {CURLE_SSL_CACERT_BADFILE, ERROR_TLS},
    {CURLE_SSL_ISSUER_ERROR, ERROR_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, ERROR_TLS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERROR_TLS},
    {CURLE_WEIRD_SERVER_REPLY, ERROR_PROTOCOL},
    {CURLE_UNSUPPORTED_PROTOCOL, ERROR_PROTOCOL},
    {CURLE_BAD_CONTENT_ENCODING, ERROR_PROTOCOL},
};

int
http_learn_secret(struct http *http, const struct secret *secret, struct error *error)
{
    struct secret *place = &http->learned[http->learned_count % HTTP_LEARNED_MOST];

    secret_free(place);
    if (secret_copy(place, secret) != 0)
        return error_no_memory(error);
    http->learned_count++;
    return 0;
}

int
http_show(const struct http *http, char *buffer, size_t size, const char *text,
    const struct redaction *more, struct error *error)
{
    static const struct redaction none = {0};
    const struct redaction *ours = http->options->secrets;
    const struct redaction *both[2];
    struct redaction all = {0};
    const struct secret **secrets;
    char *redacted = NULL;

    both[0] = ours == NULL ? &none : ours;
    both[1] = more == NULL ? &none : more;
    secrets = memory_zeroed(both[0]->count + both[1]->count + HTTP_LEARNED_MOST,
        sizeof(*secrets));
    if (secrets != NULL) {
        /* All at once: a secret that begins another must not uncover its end. */
        for (size_t i = 0; i < 2; i++)
            for (size_t j = 0; j < both[i]->count; j++)
                secrets[all.count++] = both[i]->secrets[j];
        for (size_t i = 0; i < HTTP_LEARNED_MOST; i++)
            secrets[all.count++] = &http->learned[i];
        all.secrets = secrets;
        redacted = redact_text(text, &all, REDACT_WITHHOLD_SHORT);
    }
    memory_free((void *)secrets);
    if (redacted == NULL)
        return error_no_memory(error);
    text_show(buffer, size, redacted);
    memory_free(redacted);
    return 0;
}

static int
report_failure(struct http *http, const struct exchange *exchange, CURLcode code,
    struct error *error)
{
    enum error_kind kind = ERROR_UNREACHABLE;
    bool is_local = http->options->unix_socket != NULL;
    long sent = 0, cause = 0;
    char reason[CURL_ERROR_SIZE];

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
        if (failures[i].code == code)
            kind = failures[i].kind;
    curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &sent);
    error->maybe_done = sent > 0;
    curl_easy_getinfo(http->curl, CURLINFO_OS_ERRNO, &cause);
    exchange->reply->refused = code == CURLE_COULDNT_CONNECT &&
                               (cause == ECONNREFUSED || (is_local && cause == ENOENT));
    if (kind == ERROR_UNREACHABLE)
        transport_lose(&http->transport);
    if (http->transport.peer_refused)
        return error_set(error, ERROR_FORBIDDEN,
            "%s is served by another user than root or the one that this runs as, so "
            "nothing was sent to it",
            http->origin);
    if (memory_failures() != exchange->memory_failures)
        return error_no_memory(error);
    /* libcurl calls a header line over its own limit "out of memory". */
    if (exchange->too_large || code == CURLE_OUT_OF_MEMORY)
        return error_set(error, ERROR_PROTOCOL,
            "%s sent more than a homeserver's answer can be (a body of over %zu bytes, or endless "
            "headers); is it one?",
            http->origin, exchange->limit);
    if (http_show(http, reason, sizeof(reason),
            exchange->reason[0] != '\0' ? exchange->reason : curl_easy_strerror(code), NULL,
            error) != 0)
        return -1;
    /* Of a Unix socket, libcurl speaks as if it were a port. */
    if (is_local && code == CURLE_COULDNT_CONNECT && cause != 0)
        return error_set(error, cause == EACCES ? ERROR_FORBIDDEN : kind,
            "no answer from %s: %s", http->origin, strerror((int)cause));
    if (code == CURLE_OPERATION_TIMEDOUT)
        return error_set(error, kind, "%s did not answer within %ld ms (%s)",
            http->origin, http->options->timeout_ms, reason);
    if (kind == ERROR_TLS)
        return error_set(error, kind,
            "no trusted TLS connection to %s: %s; give ca_path when a private authority "
            "signed its certificate",
            http->origin, reason);
    return error_set(error, kind, "no answer from %s: %s", http->origin, reason);
}

/* scheme://host[:port] of where a redirect leads; what is behind it may hold
 * anything, so it is not shown. */
static void
report_redirect(const struct http *http, const struct exchange *exchange,
    struct error *error)
{
    struct error unreadable = {0};
    char origin[300];
    struct url to;

    if (exchange->head.location == NULL ||
        url_parse(&to, exchange->head.location, &unreadable) != 0) {
        error_set(error, ERROR_PROTOCOL,
            "%s redirects elsewhere; redirects are not followed, so url must name the "
            "homeserver itself",
            http->origin);
    } else {
        if (http_show(http, origin, sizeof(origin), to.origin, NULL, error) == 0)
            error_set(error, ERROR_PROTOCOL,
                "%s redirects to %s; redirects are not followed, so that credentials go "
                "nowhere else: set url to where the homeserver itself answers",
                http->origin, origin);
        url_free(&to);
    }
    error->status = exchange->reply->status;
}

/* For curl_slist_free_all; NULL: no memory. */
static struct curl_slist *
list_headers(const struct http_options *options, const struct http_request *request)
{
    /* Expect: 100-continue would cost a round trip or a second. */
    const char *const lines[] = {
        "Expect:",
        /* libcurl would say that an empty body is a form. */
        request->body == NULL   ? "Content-Type:"
        : request->body_is_form ? "Content-Type: application/x-www-form-urlencoded"
                                : "Content-Type: application/json",
        options->forwarded ? "X-Forwarded-For: 127.0.0.1" : NULL,
        options->forwarded ? "X-Forwarded-Proto: http" : NULL,
    };
    struct curl_slist *headers = NULL;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct curl_slist *longer;

        if (lines[i] == NULL)
            continue;
        longer = curl_slist_append(headers, lines[i]);
        if (longer == NULL) {
            curl_slist_free_all(headers);
            return NULL;
        }
        headers = longer;
    }
    return headers;
}

static int
perform(struct http *http, const struct http_request *request, struct exchange *exchange,
    struct error *error)
{
    struct text url = {0};
    struct curl_slist *headers = NULL;
    struct curl_slist *connect_to = NULL;
    CURLcode code = CURLE_OUT_OF_MEMORY;
    int result = -1;

    text_append(&url, http->url.base);
    text_append(&url, request->path);
    headers = list_headers(http->options, request);
    if (url.failed || headers == NULL)
        goto out;
    curl_easy_reset(http->curl); /* keeps the connection */
    if ((code = transport_set(&http->transport, http->curl, &connect_to)) != CURLE_OK ||
        (code = set_callbacks(http->curl, exchange)) != CURLE_OK ||
        (code = set_request(http->curl, request, headers, url.bytes)) != CURLE_OK)
        goto out;
    code = curl_easy_perform(http->curl);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &exchange->reply->status);
    exchange->reply->resent = http->transport.requests > 1;
out:
    if (code != CURLE_OK)
        report_failure(http, exchange, code, error);
    else if (exchange->reply->status >= 300 && exchange->reply->status < 400)
        report_redirect(http, exchange, error);
    else
        result = 0;
    curl_slist_free_all(connect_to);
    curl_slist_free_all(headers);
    text_free(&url);
    return result;
}

int
http_exchange(struct http *http, const struct http_request *request,
    struct http_reply *reply, struct error *error)
{
    struct exchange exchange = {
        .curl = http->curl,
        .reply = reply,
        .sink = request->sink,
        .limit = request->reply_limit == 0 ? HTTP_REPLY_LIMIT : request->reply_limit,
        .memory_failures = memory_failures(),
    };
    int result;

    *reply = (struct http_reply){.retry_after_ms = -1};
    result = transport_find(&http->transport, error);
    if (result == 0)
        result = perform(http, request, &exchange, error);
    if (result == 0)
        text_append(&exchange.body, ""); /* an empty body is a string, too */
    if (result == 0 && exchange.body.failed)
        result = error_no_memory(error);
    reply->body = exchange.body.bytes;
    reply->length = exchange.body.length;
    memory_free(exchange.head.location);
    return result;
}

void
http_reply_free(struct http_reply *reply)
{
    memory_free(reply->body);
    memset(reply, 0, sizeof(*reply));
}
