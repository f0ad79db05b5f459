/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/api_refusal.h"

#include <stdio.h>
#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/state.h"
#include "matrix/errcode.h"

#define SECRETS_ADVICE                                                                     \
    "the homeserver behind MAS refused it: matrix.secret in MAS's configuration and "      \
    "matrix_authentication_service.secret in the homeserver's have to be the same"

/* By status and words among the titles (MAS 1.22.0, crates/handlers/src/admin). */
static const struct {
    long status;
    const char *words;
    enum error_kind kind;
    const char *advice;
} refusals[] = {
    {400, "Username is not valid", ERROR_INVALID,
        "MAS takes names of at most 255 of the characters a-z 0-9 = _ - . / + that do not "
        "begin with _"},
    {400, "Password is too weak", ERROR_POLICY,
        "choose a better one, or set skip_password_check: true for this user; what is good "
        "enough is passwords.minimum_complexity in MAS's configuration "
        "(matrix-docker-ansible-deploy: "
        "matrix_authentication_service_config_passwords_minimum_complexity)"},
    {403, "Password auth is disabled", ERROR_UNSUPPORTED,
        "leave password out, or set passwords.enabled: true in MAS's configuration "
        "(matrix-docker-ansible-deploy: "
        "matrix_authentication_service_config_passwords_enabled) and restart it"},
    {409, "Username is reserved by the homeserver", ERROR_CONFLICT,
        "the homeserver behind MAS does not give this name away: it has an account of this "
        "name that MAS does not know, the name is an application service's, or it is all "
        "digits; where MAS shall take over an account that is there, set "
        "skip_homeserver_check: true"},
    {500, "M_INVALID_USERNAME", ERROR_INVALID,
        "the homeserver behind MAS takes no such name"},
    {400, "is not valid", ERROR_INVALID, "MAS takes no such address"},
    {409, "already in use", ERROR_CONFLICT, "another user of MAS has this address"},
    {409, "is already linked to a user", ERROR_CONFLICT,
        "another user of MAS has this id at the provider"},
    {404, "Provider ID", ERROR_NOT_FOUND,
        "MAS has no such provider; its providers stand under upstream_oauth2.providers in its "
        "configuration (matrix-docker-ansible-deploy: "
        "matrix_authentication_service_config_upstream_oauth2_providers)"},
    {404, "User ID", ERROR_NOT_FOUND, "the user was there a moment ago"},
    {400, "authorization header", ERROR_PROTOCOL,
        "a token was sent with it; is there a reverse proxy in between that takes the "
        "Authorization header away?"},
    {500, "HTTP status client error (400", ERROR_INVALID,
        "the homeserver behind MAS does not take this"},
    {500, "HTTP status client error (401", ERROR_SERVER, SECRETS_ADVICE},
    {500, "HTTP status client error (403", ERROR_SERVER, SECRETS_ADVICE},
    {500, "HTTP status client error (404", ERROR_SERVER,
        "the homeserver behind MAS does not have what MAS asks it for: is it set up for MAS, and "
        "new enough for this one, or does matrix.endpoint in MAS's configuration lead "
        "elsewhere?"},
};

/* Of the token, in 401. */
static const struct {
    const char *title;
    bool is_old; /* another one would do */
    enum error_kind kind;
    const char *advice;
} token_refusals[] = {
    {"Access token expired", true, ERROR_UNAUTHORIZED, "mas_token is over; make a new one"},
    {"Access token revoked", true, ERROR_UNAUTHORIZED,
        "mas_token was revoked; make a new one"},
    {"Unknown access token", true, ERROR_UNAUTHORIZED,
        "mas_token is none of this MAS's; make one here"},
    {"Invalid type of access token", false, ERROR_UNAUTHORIZED,
        "mas_token is not a whole token of MAS's, which begin with mpt_ or mat_"},
    {"User locked", false, ERROR_FORBIDDEN,
        "the user whose mas_token it is, is locked; unlock it, or give another one's"},
    {"Missing urn:mas:admin scope", false, ERROR_FORBIDDEN,
        "the token does not have the scope urn:mas:admin: give a mas_token that was made with "
        "it, or a mas_client_id that stands in policy.data.admin_clients of MAS's "
        "configuration"},
};

/* What came when (MAS's tags; crates/handlers/src/admin/v1/mod.rs). The first row
 * that fits counts. */
static const struct {
    const char *method; /* or NULL: any */
    const char *start, *end;
    const char *since;
} endpoints[] = {
    {"GET", "/user-emails", "", "0.14.0"},
    {NULL, "/user-emails", "", "0.15.0"},
    {"GET", "/upstream-oauth-links", "", "0.14.0"},
    {NULL, "/upstream-oauth-links", "", "0.15.0"},
    {NULL, "/user-registration-tokens", "", "0.17.0"},
    {NULL, "/users/", "/reactivate", "0.20.0"},
    {NULL, "/site-config", "", "1.3.0"},
    {NULL, "/upstream-oauth-providers", "", "1.3.0"},
    {NULL, "/version", "", "1.4.0"},
    {NULL, "/", "/finish", "1.4.0"},
    {NULL, "/personal-sessions", "", "1.5.0"},
    {NULL, "/", "", "0.10.0"},
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

/* What to do about one that no row knows. */
static const char *
default_advice(const struct answer *answer)
{
    if (answer->status == 500)
        return "it is up and broke down over this; look into MAS's log (journalctl -u, with its "
               "systemd unit)";
    if (answer->body != NULL)
        return "";
    return answer->message[0] != '\0'
               ? "this MAS takes such a request in another form than Registrar knows it"
               : "that answer is not one of MAS's admin API; is there a reverse proxy in "
                 "between that does not pass this path on?";
}

static int
record_homeserver(const struct answer *answer, const char *what, struct error *error)
{
    bool is_first = error->kind == ERROR_NONE;
    char wait[RETRY_WAIT_SIZE];
    char advice[400];

    retry_tell_wait(wait, answer->waited_ms);
    snprintf(advice, sizeof(advice),
        "MAS is up, and the homeserver behind it (matrix.endpoint in MAS's configuration) does "
        "not answer it, or not yet; look what has become of its systemd unit (systemctl "
        "status) and into its log (journalctl -u)%s",
        wait);
    answer_refused_as(answer, ERROR_NOT_READY, what, advice, error);
    if (is_first)
        error->not_done = true;
    return -1;
}

int
api_refusal_record(const struct answer *answer, const char *what, struct error *error)
{
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        if (answer->status == refusals[i].status && api_says(answer, refusals[i].words))
            return answer_refused_as(answer, refusals[i].kind, what, refusals[i].advice,
                error);
    if (api_refusal_is_homeservers(answer))
        return record_homeserver(answer, what, error);
    return answer_refused_as(answer,
        answer->body == NULL && answer->status < 500 ? ERROR_PROTOCOL
                                                     : errcode_kind(answer->status, ""),
        what, default_advice(answer), error);
}

bool
api_refusal_is_homeservers(const struct answer *answer)
{
    if (answer->status != 500)
        return false;
    /* The words of reqwest, MAS's HTTP client. */
    return api_says(answer, "error sending request") ||
           api_says(answer, "HTTP status server error") ||
           (api_says(answer, "Failed to ") && api_says(answer, "Synapse") &&
               !api_says(answer, "Unexpected HTTP response") &&
               !api_says(answer, "HTTP status client error"));
}

bool
api_refusal_is_old_token(const struct answer *answer)
{
    for (size_t i = 0; answer->status == 401 && i < COUNT_OF(token_refusals); i++)
        if (strcmp(api_title(answer), token_refusals[i].title) == 0)
            return token_refusals[i].is_old;
    return false;
}

int
api_refusal_record_token(const struct backend *backend, const struct answer *answer,
    struct error *error)
{
    static const char what[] = "asking MAS's admin API";
    /* Its further titles have a checksum of the token in them. */
    struct answer quiet = *answer;

    for (size_t i = 0; i < COUNT_OF(token_refusals); i++) {
        if (strcmp(api_title(answer), token_refusals[i].title) != 0)
            continue;
        snprintf(quiet.message, sizeof(quiet.message), "%s", token_refusals[i].title);
        return answer_refused_as(&quiet, token_refusals[i].kind, what,
            token_refusals[i].kind == ERROR_UNAUTHORIZED && mas_state_of(backend)->token_is_ours
                ? "it refuses a token that it has just given"
                : token_refusals[i].advice,
            error);
    }
    return answer_refused_as(answer, ERROR_UNAUTHORIZED, what,
        answer->body == NULL ? "that answer is not one of MAS's; does a reverse proxy in between "
                               "ask for a password of its own?"
                             : "",
        error);
}

bool
api_refusal_is_missing(const struct answer *answer)
{
    return (answer->status == 404 && !answer->is_json) || answer->status == 405;
}

static bool
ends_with(const char *text, size_t length, const char *end)
{
    size_t end_length = strlen(end);

    return length >= end_length && memcmp(text + length - end_length, end, end_length) == 0;
}

/* The version that has it. */
static const char *
since(const struct call *call, size_t path_length)
{
    size_t row = 0;

    while (row + 1 < COUNT_OF(endpoints) &&
           ((endpoints[row].method != NULL && strcmp(endpoints[row].method, call->method) != 0) ||
               strncmp(call->path, endpoints[row].start, strlen(endpoints[row].start)) != 0 ||
               !ends_with(call->path, path_length, endpoints[row].end)))
        row++;
    return endpoints[row].since;
}

static int
record_off(const struct answer *answer, struct error *error)
{
    bool is_first = error->kind == ERROR_NONE;

    answer_refused_as(answer, ERROR_UNSUPPORTED, "looking for MAS's admin API",
        "it is not switched on, or not at this address: add {name: adminapi} to the resources "
        "of one of http.listeners in MAS's configuration (matrix-docker-ansible-deploy: "
        "matrix_authentication_service_admin_api_enabled: true) and restart MAS; give "
        "mas_admin_url where it has a listener of its own, with the prefix if that has one",
        error);
    if (is_first)
        error->ends_list = true;
    return -1;
}

static int
record_lacking(const struct backend *backend, const struct call *call,
    const struct answer *answer, struct error *error)
{
    size_t path_length = strcspn(call->path, "?");
    bool has_slash = strstr(call->path, "%2F") != NULL;
    char advice[400];

    snprintf(advice, sizeof(advice),
        "this MAS%s%s does not have %s %.*s, which came with version %s%s",
        backend->version[0] != '\0' ? " " : "", backend->version, call->method,
        path_length > 100 ? 100 : (int)path_length, call->path, since(call, path_length),
        has_slash ? "; or does a reverse proxy in between refuse the %2F in it?" : "");
    return answer_refused_as(answer, ERROR_UNSUPPORTED, "asking MAS's admin API", advice,
        error);
}

int
api_refusal_record_missing(struct backend *backend, const struct call *call,
    const struct answer *answer, struct error *error)
{
    /* Unknown paths are 404 before any token is looked at; this one is 400 where the
     * API is on. */
    const struct call probe = {
        .method = "GET",
        .path = "/api/admin/v1/users",
        .retry = RETRY_SAFE,
        .cleaning_up = call->cleaning_up,
    };
    struct answer probed = {0};
    int result = call_send(&mas_state_of(backend)->admin, &probe, &probed, error);

    if (result == 0 && api_refusal_is_missing(&probed))
        record_off(&probed, error);
    else if (result == 0)
        record_lacking(backend, call, answer, error);
    answer_free(&probed);
    return -1;
}
