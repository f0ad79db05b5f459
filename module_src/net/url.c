/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a base URL, and whether it may be one. libcurl parses it. */
#include "net/url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/loopback.h"
#include "base/memory.h"
#include "base/text.h"

/* One part as a string of our own, NULL when the URL has none. */
static char *
part(CURLU *parsed, CURLUPart which)
{
    char *value = NULL;
    char *copy;

    if (curl_url_get(parsed, which, &value, 0) != CURLUE_OK)
        return NULL;
    copy = memory_copy_string(value);
    curl_free(value);
    return copy;
}

static bool
has_part(CURLU *parsed, CURLUPart which)
{
    char *value = part(parsed, which);
    bool has = value != NULL;

    memory_free(value);
    return has;
}

bool
url_host_is_loopback(const char *host)
{
    return strcmp(host, "[::1]") == 0 || loopback_is(host);
}

/* libcurl lets no other than a number from 0 to 65535 pass. */
static long
port_of(CURLU *parsed)
{
    char *value = NULL;
    long port = 0;

    if (curl_url_get(parsed, CURLUPART_PORT, &value, CURLU_DEFAULT_PORT) == CURLUE_OK)
        port = strtol(value, NULL, 10);
    curl_free(value);
    return port;
}

static int
take_parts(struct url *url, CURLU *parsed, struct error *error)
{
    char *port = part(parsed, CURLUPART_PORT);
    struct text origin = {0};
    struct text base = {0};
    size_t length;
    int result = -1;

    url->scheme = part(parsed, CURLUPART_SCHEME);
    url->host = part(parsed, CURLUPART_HOST);
    url->path = part(parsed, CURLUPART_PATH);
    url->port = port_of(parsed);
    if (url->scheme == NULL || url->host == NULL || url->path == NULL) {
        error_no_memory(error);
        goto out;
    }
    for (length = strlen(url->path); length > 0 && url->path[length - 1] == '/';)
        url->path[--length] = '\0';
    text_append_format(&origin, "%s://%s", url->scheme, url->host);
    if (port != NULL)
        text_append_format(&origin, ":%s", port);
    if (!origin.failed)
        text_append_format(&base, "%s%s", origin.bytes, url->path);
    if (origin.failed || base.failed) {
        error_no_memory(error);
        goto out;
    }
    url->origin = origin.bytes;
    url->base = base.bytes;
    memset(&origin, 0, sizeof(origin));
    memset(&base, 0, sizeof(base));
    result = 0;
out:
    text_free(&base);
    text_free(&origin);
    memory_free(port);
    return result;
}

static int
parse(struct url *url, CURLU *parsed, const char *text, struct error *error)
{
    char *scheme = NULL;
    int result = -1;

    /* libcurl takes a name from the path where there is no host. */
    if (curl_url_set(parsed, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        strstr(text, ":///") != NULL)
        return error_set(error, ERROR_INVALID,
            "url is not a URL; it should look like http://127.0.0.1:8008");
    scheme = part(parsed, CURLUPART_SCHEME);
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        error_set(error, ERROR_INVALID, "url must begin with http:// or https://");
    else if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
        error_set(error, ERROR_INVALID,
            "url must not hold a user name or a password; credentials have options of "
            "their own");
    else if (has_part(parsed, CURLUPART_QUERY) || has_part(parsed, CURLUPART_FRAGMENT))
        error_set(error, ERROR_INVALID, "url must end before any ? or #");
    else
        result = take_parts(url, parsed, error);
    memory_free(scheme);
    return result;
}

int
url_parse(struct url *url, const char *text, struct error *error)
{
    size_t failures = memory_failures();
    struct error problem = {0};
    CURLU *parsed = curl_url();
    int result = -1;

    memset(url, 0, sizeof(*url));
    if (parsed != NULL)
        result = parse(url, parsed, text, &problem);
    curl_url_cleanup(parsed);
    /* A part that could not be copied looks like one that is not there. */
    if (memory_failures() != failures)
        result = error_no_memory(error);
    else if (result != 0)
        *error = problem;
    if (result != 0)
        url_free(url);
    return result;
}

void
url_free(struct url *url)
{
    memory_free(url->scheme);
    memory_free(url->host);
    memory_free(url->path);
    memory_free(url->origin);
    memory_free(url->base);
    memset(url, 0, sizeof(*url));
}
