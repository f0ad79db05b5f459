/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kept_trial.h"

#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"

static const struct recorded_reply usual[] = {{WHOAMI, 200, NULL, ADMIN_IS},
    {LOGIN, 200, NULL, LOGGED_IN}, {LOGOUT, 200, NULL, "{}"}, {0}};

struct recorded_server *server;
static struct http *http;
static struct retry retry;
struct matrix matrix;
struct obtaining obtaining;

int
kept_trial_start(void **state)
{
    static struct http_options options;
    struct error error = {0};

    server = recorded_server_start(usual);
    options = (struct http_options){.url = recorded_server_url(server), .timeout_ms = 30000};
    http = http_open(&options, &error);
    matrix = (struct matrix){.http = http, .retry = &retry};
    obtaining = (struct obtaining){0};
    if (http == NULL || trial_make(state) != 0)
        return 1;
    key.origin = http_origin(http);
    return 0;
}

int
kept_trial_stop(void **state)
{
    http_close(http);
    recorded_server_stop(server);
    return place_remove(state);
}

static int
take_old(const struct session *old, struct session *session, struct error *error)
{
    session->user_id = memory_copy_string(old->user_id);
    if (session->user_id != NULL &&
        secret_copy(&session->access_token, &old->access_token) == 0)
        return 0;
    client_logout(&matrix, session, NULL);
    return error_no_memory(error);
}

static int
obtain(void *context, const char *device_id, const struct session *old,
    struct session *session, struct error *error)
{
    enum login_result login;
    int result = 0;

    (void)context;
    obtaining.calls++;
    snprintf(obtaining.device_id, sizeof(obtaining.device_id), "%s",
        device_id == NULL ? "" : device_id);
    snprintf(obtaining.old, sizeof(obtaining.old), "%s",
        old == NULL ? "" : old->access_token.bytes);
    if (obtaining.way == LOG_IN)
        result = client_login(&matrix, "admin", &password, device_id, session, &login, error);
    else if (obtaining.way == TAKE_OLD)
        result = take_old(old, session, error);
    else if (obtaining.way == FAIL)
        result = error_set(error, ERROR_POLICY, "obtaining failed");
    if (obtaining.spoil)
        assert_int_equal(mkdir(place_path("file.new"), 0700), 0);
    return result;
}

static const struct session_source source = {.obtain = obtain};

const char *
keep(const char *token, const struct secret *credential)
{
    static char device_id[SESSION_DEVICE_SIZE];
    struct session_file *file = open_file();
    struct session_key other = key;
    struct session session = {.access_token = secret_over(token),
        .user_id = (char[]){"@admin:example.org"}};
    struct error error = {0};

    other.credential = credential;
    session_file_lock(file, 0, &error);
    session_file_device(file, &other, DEVICE_OF_ENTRY, device_id, &error);
    session_file_store(file, &other, &session, device_id, &error);
    session_file_close(file);
    assert_kind(&error, ERROR_NONE);
    return device_id;
}

int
open_session(struct session_file *file, struct session *session, struct error *error)
{
    return kept_session_open(&matrix, file, &key, 0, &source, session, error);
}

void
assert_opens(const char *token, bool is_ours)
{
    struct session_file *file = open_file();
    struct session session;
    struct error error = {0};

    open_session(file, &session, &error);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(session.access_token.bytes, token);
    assert_string_equal(session.user_id, "@admin:example.org");
    assert_true(session.is_ours == is_ours);
    session.is_ours = false;
    client_logout(&matrix, &session, NULL);
    session_file_close(file);
}

void
assert_fails(enum error_kind kind)
{
    struct session_file *file = open_file();
    struct session session;
    struct error error = {0};

    assert_int_equal(open_session(file, &session, &error), -1);
    assert_kind(&error, kind);
    assert_false(secret_given(&session.access_token));
    assert_null(session.user_id);
    session_file_close(file);
}

void
assert_log(const char *first, const char *second, const char *third)
{
    char expected[2048];

    snprintf(expected, sizeof(expected), "%s%s%s", first, second, third);
    assert_string_equal(recorded_server_log(server), expected);
}

void
assert_kept(const char *token, const struct secret *credential, enum session_found expected)
{
    struct session_file *file = open_file();
    struct session_key other = key;
    struct session session = {0};
    enum session_found found;
    struct error error = {0};

    other.credential = credential;
    session_file_find(file, &other, &session, &found, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(found, expected);
    if (found != SESSION_NONE)
        assert_string_equal(session.access_token.bytes, token);
    client_logout(&matrix, &session, NULL);
    session_file_close(file);
}

const char *
login_line(void)
{
    static char line[512];

    snprintf(line, sizeof(line),
        "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"
        "\"m.id.user\",\"user\":\"admin\"},\"password\":\"wonderland\","
        "\"initial_device_display_name\":\"Registrar\",\"device_id\":\"%s\"}\n",
        obtaining.device_id);
    return line;
}
