/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * matrix/kept_session.h: how sessions end when their credential has changed or
 * they cannot be stored. Synapse ends every session of a device when one of
 * them is logged out (1.163.2, synapse/rest/client/logout.py), so an old one
 * that still works is never on the new one's device.
 */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kept_trial.h"
#include "quick_fingerprint.h"

/* ---- Another credential ------------------------------------------------------------ */

TEST(an_old_session_helps_and_is_logged_out_when_it_was_replaced)
{
    char device_id[SESSION_DEVICE_SIZE];

    snprintf(device_id, sizeof(device_id), "%s", keep("syt_kept", &other_password));
    assert_opens("syt_new", false);
    assert_string_equal(obtaining.old, "syt_kept");
    assert_string_not_equal(obtaining.device_id, device_id);
    assert_log("GET " WHOAMI " syt_kept\n", login_line(), "POST " LOGOUT " syt_kept\n");
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
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
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
    assert_log("GET " WHOAMI " syt_kept\n", login_line(), "");
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
    assert_log("GET " WHOAMI " syt_kept\n", "", ""); /* and no logout */
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
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
}

TEST(a_session_that_cannot_be_stored_is_logged_out)
{
    obtaining.spoil = true;
    assert_fails(ERROR_INVALID);
    assert_log(login_line(), "POST " LOGOUT " syt_new\n", "");
}

TEST(an_old_session_that_cannot_be_stored_anew_is_not_logged_out)
{
    keep("syt_kept", &other_password);
    obtaining.way = TAKE_OLD;
    obtaining.spoil = true;
    assert_fails(ERROR_INVALID);
    assert_log("GET " WHOAMI " syt_kept\n", "", "");
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
}

TEST(a_new_session_that_cannot_be_stored_leaves_the_old_one_alone)
{
    keep("syt_kept", &other_password);
    obtaining.spoil = true;
    /* The device was written before that, the session cannot be. */
    assert_fails(ERROR_INVALID);
    assert_log("GET " WHOAMI " syt_kept\n", login_line(), "POST " LOGOUT " syt_new\n");
    assert_kept("syt_kept", &other_password, SESSION_FOUND);
}

TEST(a_device_that_cannot_be_written_down_is_not_logged_in)
{
    assert_int_equal(mkdir(place_path("file.new"), 0700), 0);
    assert_fails(ERROR_INVALID);
    assert_int_equal(obtaining.calls, 0);
    assert_log("", "", "");
}

TEST(another_accounts_session_is_not_kept_and_is_the_callers_to_log_out)
{
    key.server_name = "example.com"; /* that is what a wrong option says */
    assert_opens("syt_new", true);
    assert_kept(NULL, &password, SESSION_NONE);
}

/* ---- Without memory -------------------------------------------------------------------- */

/* context: what is in the file before, NULL for no file. */
static int
open_anew(void *context, struct error *error)
{
    struct list warnings = {0};
    struct session_file *file;
    struct session session = {0};
    int result = -1;

    unlink(place_path("file"));
    if (context != NULL)
        place_write("file", context, 0600);
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

TEST(without_memory_no_first_session_is_opened)
{
    fail_each_allocation(open_anew, NULL);
}

TEST(without_memory_no_session_is_used)
{
    char text[2048];

    keep("syt_kept", &password);
    snprintf(text, sizeof(text), "%s", place_read("file"));
    fail_each_allocation(open_anew, text);
    assert_int_equal(obtaining.calls, 0);
}

TEST(without_memory_no_session_is_replaced)
{
    char text[2048];

    keep("syt_kept", &other_password);
    snprintf(text, sizeof(text), "%s", place_read("file"));
    fail_each_allocation(open_anew, text);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, kept_trial_start, kept_trial_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
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
        SERVED(without_memory_no_first_session_is_opened),
        SERVED(without_memory_no_session_is_used),
        SERVED(without_memory_no_session_is_replaced),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("ends of kept sessions", tests, NULL, NULL);
}
