/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matrix/kept_session.h, and logging in with a device id (matrix/client.h). That
 * Synapse ends every session of a device that is logged out is shown by
 * synapse/rest/client/logout.py (1.163.2), and why an old session that still
 * works is never on the new one's device.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "matrix/kept_session.h"
#include "private_place.h"
#include "recorded_server.h"

#define WHOAMI "/_matrix/client/v3/account/whoami"
#define LOGIN "/_matrix/client/v3/login"
#define LOGOUT "/_matrix/client/v3/logout"
#define ADMIN_IS "{\"user_id\": \"@admin:example.org\"}"
#define LOGGED_IN                                                                             \
    "{\"user_id\": \"@admin:example.org\", \"access_token\": \"syt_new\", \"device_id\": \"X\"}"

static const struct recorded_reply usual[] = {{WHOAMI, 200, NULL, ADMIN_IS},
    {LOGIN, 200, NULL, LOGGED_IN}, {LOGOUT, 200, NULL, "{}"}, {0}};

/* What obtain is to do, and what it was asked. */
enum way { LOG_IN, TAKE_OLD, FIND_NONE, FAIL };
struct obtaining {
    enum way way;
    unsigned calls;
    char device_id[SESSION_DEVICE_SIZE]; /* "" for NULL */
    char old[64]; /* token, "" for NULL */
    bool spoil; /* storing fails afterwards */
};

static struct recorded_server *server;
static struct http *http;
static struct retry retry;
static struct matrix matrix;
static struct secret password, other_password;
static struct session_key key;
static struct obtaining obtaining;

static int
start(void **state)
{
    static struct http_options options;
    struct error error = {0};

    server = recorded_server_start(usual);
    options = (struct http_options){.url = recorded_server_url(server), .timeout_ms = 30000};
    http = http_open(&options, &error);
    matrix = (struct matrix){.http = http, .retry = &retry};
    password = secret_over("wonderland");
    other_password = secret_over("looking-glass");
    key = (struct session_key){http_origin(http), "admin", "example.org", &password};
    obtaining = (struct obtaining){0};
    return http == NULL ? 1 : place_make(state);
}

static int
stop(void **state)
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

static struct session_file *
open_file(void)
{
    struct list warnings = {0};
    struct error error = {0};
    struct session_file *file = session_file_open(place_path("file"), &warnings, &error);

    assert_kind(&error, ERROR_NONE);
    return file;
}

/* As another run leaves it, with this token made with this credential. */
static const char *
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

static int
open_session(struct session_file *file, struct session *session, struct error *error)
{
    return kept_session_open(&matrix, file, &key, 0, &source, session, error);
}

/* Opens it with a file that was read anew. */
static void
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

static void
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

static void
assert_log(const char *expected)
{
    assert_string_equal(recorded_server_log(server), expected);
}

/* What a later run with this credential would find. */
static void
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

/* Everything obtain's login sends, with the device id it was given. */
static const char *
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

static const char *
lines(const char *before, const char *between, const char *after)
{
    static char text[2048];

    snprintf(text, sizeof(text), "%s%s%s", before, between, after);
    return text;
}

/* ---- Without a file, and the first time ------------------------------------------ */

TEST(without_a_file_a_session_is_this_runs_own)
{
    struct session session;
    struct error error = {0};

    assert_int_equal(open_session(NULL, &session, &error), 0);
    assert_string_equal(session.access_token.bytes, "syt_new");
    assert_true(session.is_ours);
    assert_string_equal(obtaining.device_id, "");
    assert_string_equal(obtaining.old, "");
    assert_not_in("device_id", recorded_server_log(server));
    client_logout(&matrix, &session, NULL);
}

TEST(the_first_session_is_kept_and_is_not_ours_to_log_out)
{
    assert_opens("syt_new", false);
    assert_log(login_line());
    assert_int_equal(strlen(obtaining.device_id), SESSION_DEVICE_SIZE - 1);
    assert_string_equal(obtaining.old, "");
    assert_kept("syt_new", &password, SESSION_FOUND);
}

TEST(a_kept_session_that_works_is_used_without_a_login)
{
    keep("syt_kept", &password);
    assert_opens("syt_kept", false);
    assert_log("GET " WHOAMI " syt_kept\n");
    assert_int_equal(obtaining.calls, 0);
}

/* Another run may hold the lock for as long as a login takes. */
TEST(a_kept_session_that_works_needs_no_lock)
{
    struct session_file *holder;
    struct error error = {0};

    keep("syt_kept", &password);
    holder = open_file();
    assert_int_equal(session_file_lock(holder, 0, &error), 0);
    assert_opens("syt_kept", false);
    session_file_close(holder);
}

TEST(nobody_logs_in_while_another_run_has_the_lock)
{
    struct session_file *holder = open_file();
    struct error error = {0};

    assert_int_equal(session_file_lock(holder, 0, &error), 0);
    assert_fails(ERROR_CONFLICT);
    assert_int_equal(obtaining.calls, 0);
    session_file_close(holder);
}

/* ---- A token that is over ---------------------------------------------------------- */

TEST(a_token_that_is_over_is_replaced_on_the_same_device)
{
    char device_id[SESSION_DEVICE_SIZE];

    snprintf(device_id, sizeof(device_id), "%s", keep("syt_kept", &password));
    recorded_server_forget(server, "syt_kept");
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
    assert_string_equal(obtaining.old, "");
    assert_log(lines("GET " WHOAMI " syt_kept\n", login_line(), ""));
    assert_kept("syt_new", &password, SESSION_FOUND);
    recorded_server_forget(server, "syt_new");
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
}

TEST(what_another_run_logged_in_meanwhile_is_used)
{
    struct session_file *file;
    struct session session;
    struct error error = {0};

    keep("syt_kept", &password);
    file = open_file();
    keep("syt_fresh", &password);
    recorded_server_forget(server, "syt_kept");
    assert_int_equal(open_session(file, &session, &error), 0);
    assert_string_equal(session.access_token.bytes, "syt_fresh");
    assert_false(session.is_ours);
    assert_int_equal(obtaining.calls, 0);
    assert_log("GET " WHOAMI " syt_kept\nGET " WHOAMI " syt_fresh\n");
    client_logout(&matrix, &session, NULL);
    session_file_close(file);
}

TEST(a_token_that_is_somebody_elses_is_not_used)
{
    static const struct recorded_reply replies[] = {
        {WHOAMI, 200, NULL, "{\"user_id\": \"@root:example.org\"}"},
        {LOGIN, 200, NULL, LOGGED_IN}, {0}};

    keep("syt_kept", &password);
    recorded_server_say(server, replies);
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.old, "");
    assert_log(lines("GET " WHOAMI " syt_kept\n", login_line(), "")); /* no logout */
}

/* Specification, "Account locking" (401 M_USER_LOCKED); and what else is no
 * word on the token. */
TEST(a_refusal_that_is_not_about_the_token_is_no_reason_to_log_in)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {401, "{\"errcode\": \"M_USER_LOCKED\", \"soft_logout\": true}", ERROR_FORBIDDEN},
        {401, "{\"errcode\": \"M_MISSING_TOKEN\"}", ERROR_UNAUTHORIZED},
        {401, "<html>password?</html>", ERROR_UNAUTHORIZED},
        {403, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}", ERROR_UNAUTHORIZED},
        {403, "{\"errcode\": \"M_USER_DEACTIVATED\"}", ERROR_FORBIDDEN},
        {429, "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 5}",
            ERROR_RATE_LIMITED},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\"}", ERROR_UNSUPPORTED},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER},
        {502, "<html>nginx</html>", ERROR_NOT_READY},
        {200, "<html>hello</html>", ERROR_PROTOCOL},
        {200, "{}", ERROR_PROTOCOL},
    };
    char device_id[SESSION_DEVICE_SIZE];

    for (size_t i = 0; i < COUNT(table) * 2; i++) {
        const struct recorded_reply replies[] = {
            {WHOAMI, table[i / 2].status, NULL, table[i / 2].body}, {0}};

        snprintf(device_id, sizeof(device_id), "%s",
            keep("syt_kept", i % 2 == 0 ? &password : &other_password));
        recorded_server_say(server, replies);
        assert_fails(table[i / 2].kind);
        assert_kept("syt_kept", i % 2 == 0 ? &password : &other_password, SESSION_FOUND);
    }
    assert_int_equal(obtaining.calls, 0);
}

/* ---- Another credential ------------------------------------------------------------ */

TEST(an_old_session_helps_and_is_logged_out_when_it_was_replaced)
{
    char device_id[SESSION_DEVICE_SIZE];

    snprintf(device_id, sizeof(device_id), "%s", keep("syt_kept", &other_password));
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.old, "syt_kept");
    assert_string_not_equal(obtaining.device_id, device_id);
    assert_log(lines("GET " WHOAMI " syt_kept\n", login_line(), "POST " LOGOUT " syt_kept\n"));
    assert_kept("syt_new", &password, SESSION_FOUND);
    /* The new device is the entry's from now on. */
    snprintf(device_id, sizeof(device_id), "%s", obtaining.device_id);
    recorded_server_forget(server, "syt_new");
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
}

TEST(an_old_session_that_goes_on_is_kept_with_the_new_credential)
{
    char device_id[SESSION_DEVICE_SIZE];

    snprintf(device_id, sizeof(device_id), "%s", keep("syt_kept", &other_password));
    obtaining.way = TAKE_OLD;
    assert_opens("syt_kept", false);
    assert_log("GET " WHOAMI " syt_kept\n");
    assert_kept("syt_kept", &password, SESSION_FOUND);
    obtaining.way = LOG_IN;
    recorded_server_forget(server, "syt_kept");
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
}

TEST(an_old_session_that_is_over_is_no_help_and_its_device_is_taken_over)
{
    char device_id[SESSION_DEVICE_SIZE];

    snprintf(device_id, sizeof(device_id), "%s", keep("syt_kept", &other_password));
    recorded_server_forget(server, "syt_kept");
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.old, "");
    assert_string_equal(obtaining.device_id, device_id);
    assert_log(lines("GET " WHOAMI " syt_kept\n", login_line(), ""));
}

/* A login whose answer was lost may have gone through. */
TEST(a_login_that_failed_is_tried_again_with_its_device)
{
    char device_id[SESSION_DEVICE_SIZE];

    keep("syt_kept", &other_password);
    obtaining.way = FAIL;
    assert_fails(ERROR_POLICY);
    snprintf(device_id, sizeof(device_id), "%s", obtaining.device_id);
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
    assert_log("GET " WHOAMI " syt_kept\n"); /* and no logout */
    obtaining.way = LOG_IN;
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
}

TEST(the_first_login_that_failed_is_tried_again_with_its_device)
{
    char device_id[SESSION_DEVICE_SIZE];

    obtaining.way = FAIL;
    assert_fails(ERROR_POLICY);
    snprintf(device_id, sizeof(device_id), "%s", obtaining.device_id);
    obtaining.way = LOG_IN;
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.device_id, device_id);
}

/* ---- Nothing to be had, nothing to be stored ------------------------------------------ */

TEST(where_there_is_none_to_be_had_nothing_is_left_behind)
{
    struct session_file *file = open_file();
    struct session session;
    struct error error = {0};

    obtaining.way = FIND_NONE;
    assert_int_equal(open_session(file, &session, &error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_false(secret_given(&session.access_token));
    session_file_close(file);
    assert_false(place_has("file"));
}

TEST(where_there_is_none_to_be_had_what_is_kept_stays)
{
    struct session_file *file;
    struct session session;
    struct error error = {0};

    keep("syt_kept", &other_password);
    obtaining.way = FIND_NONE;
    file = open_file();
    assert_int_equal(open_session(file, &session, &error), 0);
    assert_false(secret_given(&session.access_token));
    session_file_close(file);
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
    assert_log("GET " WHOAMI " syt_kept\n");
}

TEST(a_session_that_cannot_be_stored_is_logged_out)
{
    obtaining.spoil = true;
    assert_fails(ERROR_INVALID);
    assert_log(lines(login_line(), "POST " LOGOUT " syt_new\n", ""));
}

TEST(an_old_session_that_cannot_be_stored_anew_is_not_logged_out)
{
    keep("syt_kept", &other_password);
    obtaining.way = TAKE_OLD;
    obtaining.spoil = true;
    assert_fails(ERROR_INVALID);
    assert_log("GET " WHOAMI " syt_kept\n");
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
}

TEST(a_new_session_that_cannot_be_stored_leaves_the_old_one_alone)
{
    keep("syt_kept", &other_password);
    obtaining.spoil = true;
    /* The device was written before that, the session cannot be. */
    assert_fails(ERROR_INVALID);
    assert_log(lines("GET " WHOAMI " syt_kept\n", login_line(), "POST " LOGOUT " syt_new\n"));
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
}

TEST(a_device_that_cannot_be_written_down_is_not_logged_in)
{
    assert_int_equal(mkdir(place_path("file.new"), 0700), 0);
    assert_fails(ERROR_INVALID);
    assert_int_equal(obtaining.calls, 0);
    assert_log("");
}

TEST(another_accounts_session_is_not_kept_and_is_the_callers_to_log_out)
{
    key.server_name = "example.com"; /* that is what a wrong option says */
    assert_opens("syt_new", true);
    assert_kept(NULL, &password, SESSION_NONE);
}

/* ---- Messages ------------------------------------------------------------------------ */

TEST(a_limit_on_logins_is_told_with_what_would_help)
{
    static const struct recorded_reply replies[] = {
        {LOGIN, 429, NULL, "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 61000}"},
        {0}};
    static const char *const advice[] = {NULL, "set session_file, which keeps the session"};

    recorded_server_say(server, replies);
    for (size_t i = 0; i < COUNT(advice); i++) {
        struct session session;
        enum login_result login;
        struct error error = {0};

        matrix.login_advice = advice[i];
        assert_int_equal(
            client_login(&matrix, "admin", &password, NULL, &session, &login, &error), -1);
        assert_kind(&error, ERROR_RATE_LIMITED);
        assert_int_equal(error.retry_after_ms, 61000);
        assert_in(" 61 s", error.text);
        assert_in("rc_login in the server's configuration", error.text);
        if (advice[i] != NULL)
            assert_in(", or set session_file, which keeps the session", error.text);
        else
            assert_not_in(", or ", error.text);
    }
}

/* ---- Without memory -------------------------------------------------------------------- */

static int
open_first(void *context, struct error *error)
{
    struct list warnings = {0};
    struct session_file *file;
    struct session session = {0};
    int result = -1;

    (void)context;
    unlink(place_path("file"));
    file = session_file_open(place_path("file"), &warnings, error);
    if (file != NULL)
        result = open_session(file, &session, error);
    /* libcurl calls some of its own failed allocations a lost connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    session.is_ours = false;
    client_logout(&matrix, &session, NULL);
    session_file_close(file);
    return result;
}

TEST(without_memory_no_session_is_opened)
{
    fail_each_allocation(open_first, NULL);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(without_a_file_a_session_is_this_runs_own),
        SERVED(the_first_session_is_kept_and_is_not_ours_to_log_out),
        SERVED(a_kept_session_that_works_is_used_without_a_login),
        SERVED(a_kept_session_that_works_needs_no_lock),
        SERVED(nobody_logs_in_while_another_run_has_the_lock),
        SERVED(a_token_that_is_over_is_replaced_on_the_same_device),
        SERVED(what_another_run_logged_in_meanwhile_is_used),
        SERVED(a_token_that_is_somebody_elses_is_not_used),
        SERVED(a_refusal_that_is_not_about_the_token_is_no_reason_to_log_in),
        SERVED(an_old_session_helps_and_is_logged_out_when_it_was_replaced),
        SERVED(an_old_session_that_goes_on_is_kept_with_the_new_credential),
        SERVED(an_old_session_that_is_over_is_no_help_and_its_device_is_taken_over),
        SERVED(a_login_that_failed_is_tried_again_with_its_device),
        SERVED(the_first_login_that_failed_is_tried_again_with_its_device),
        SERVED(where_there_is_none_to_be_had_nothing_is_left_behind),
        SERVED(where_there_is_none_to_be_had_what_is_kept_stays),
        SERVED(a_session_that_cannot_be_stored_is_logged_out),
        SERVED(an_old_session_that_cannot_be_stored_anew_is_not_logged_out),
        SERVED(a_new_session_that_cannot_be_stored_leaves_the_old_one_alone),
        SERVED(a_device_that_cannot_be_written_down_is_not_logged_in),
        SERVED(another_accounts_session_is_not_kept_and_is_the_callers_to_log_out),
        SERVED(a_limit_on_logins_is_told_with_what_would_help),
        SERVED(without_memory_no_session_is_opened),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("kept session", tests, NULL, NULL);
}
