/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matrix/kept_session.h: when a kept session is used, and when a new one is had
 * in its place. What a changed credential and failures do to it is in
 * test_kept_session_ends.c. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "kept_trial.h"
#include "quick_fingerprint.h"

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
    assert_log(login_line(), "", "");
    assert_int_equal(strlen(obtaining.device_id), SESSION_DEVICE_SIZE - 1);
    assert_string_equal(obtaining.old, "");
    assert_kept("syt_new", &password, SESSION_FOUND);
}

TEST(a_kept_session_that_works_is_used_without_a_login)
{
    keep("syt_kept", &password);
    assert_opens("syt_kept", false);
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
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
    assert_log("GET " WHOAMI " syt_kept\n", login_line(), "");
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
    assert_log("GET " WHOAMI " syt_kept\nGET " WHOAMI " syt_fresh\n", "", "");
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
    assert_log("GET " WHOAMI " syt_kept\n", login_line(), ""); /* no logout */
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

/* ---- Resuming ---------------------------------------------------------------------- */

/* Asks with the file read anew, while another run has the lock. */
static void
assert_resumes(const char *token, enum error_kind kind)
{
    struct session_file *holder = open_file(), *file = open_file();
    struct session session;
    struct error error = {0};

    assert_int_equal(session_file_lock(holder, 0, &error), 0);
    kept_session_resume(&matrix, file, &key, &session, &error);
    assert_kind(&error, kind);
    assert_true(secret_given(&session.access_token) == (token != NULL));
    assert_true((session.user_id != NULL) == (token != NULL));
    if (token != NULL)
        assert_string_equal(session.access_token.bytes, token);
    assert_false(session.is_ours);
    client_logout(&matrix, &session, NULL);
    session_file_close(file);
    session_file_close(holder);
}

TEST(a_kept_session_that_works_is_resumed)
{
    keep("syt_kept", &password);
    assert_resumes("syt_kept", ERROR_NONE);
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
}

TEST(where_no_kept_session_works_none_is_resumed)
{
    assert_resumes(NULL, ERROR_NONE);
    assert_log("", "", "");
    keep("syt_kept", &password);
    recorded_server_forget(server, "syt_kept");
    assert_resumes(NULL, ERROR_NONE);
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
    assert_kept("syt_kept", &password, SESSION_FOUND);
}

/* Whoever changed the credential finds out when a session is needed. */
TEST(a_session_of_another_credential_is_not_resumed)
{
    keep("syt_kept", &other_password);
    assert_resumes(NULL, ERROR_NONE);
    assert_log("", "", "");
}

TEST(a_refusal_that_is_not_about_the_token_is_an_error_of_resuming)
{
    static const struct recorded_reply replies[] = {
        {WHOAMI, 401, NULL, "{\"errcode\": \"M_USER_LOCKED\"}"}, {0}};

    keep("syt_kept", &password);
    recorded_server_say(server, replies);
    assert_resumes(NULL, ERROR_FORBIDDEN);
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

#define SERVED(name) cmocka_unit_test_setup_teardown(name, kept_trial_start, kept_trial_stop)

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
        SERVED(a_kept_session_that_works_is_resumed),
        SERVED(where_no_kept_session_works_none_is_resumed),
        SERVED(a_session_of_another_credential_is_not_resumed),
        SERVED(a_refusal_that_is_not_about_the_token_is_an_error_of_resuming),
        SERVED(a_limit_on_logins_is_told_with_what_would_help),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("kept session", tests, NULL, NULL);
}
