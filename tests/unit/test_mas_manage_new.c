/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/manage.h: new users, and how mas-cli ends. */
#include "manage_trial.h"

#include <stdio.h>
#include <string.h>

TEST(a_user_is_made_in_one_command_that_asks_nothing)
{
    struct error error = {0};

    manage_want_password("Passw0rd");
    account_state_bool(&trial.wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(account_state_text(&trial.wanted, ACCOUNT_DISPLAYNAME, "Al B\xc3\xa4", &error), 0);
    manage_want_email("a@x.org");
    manage_want_email("-e@x.org");
    manage_create_well(&admin);
    assert_string_equal(trial.user.id, ID);
    assert_true(trial.user.admin);
    assert_true(trial.state.created_displayname);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"register-user\",\"--yes\",\"--admin\","
        "\"--password=Passw0rd\",\"--display-name=Al B\\u00E4\",\"--email=-e@x.org\","
        "\"--email=a@x.org\",\"--\",\"alice\"");
}

TEST(its_environment_keeps_its_errors_short)
{
    manage_create_well(&plain);
    assert_in("\"Env\":[\"RUST_BACKTRACE=0\"]", recorded_server_log(trial.server));
}

TEST(a_user_without_a_password_has_none_in_the_command)
{
    manage_create_well(&plain);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"register-user\",\"--yes\",\"--no-admin\",\"--\",\"alice\"");
    assert_int_equal(trial.warnings.count, 0);
    assert_false(trial.state.created_displayname);
}

TEST(a_configuration_that_was_found_is_named)
{
    trial.connection.mas.command_config = "/etc/mas/c.yaml";
    manage_create_well(&plain);
    assert_in("\"mas-cli\",\"--config=/etc/mas/c.yaml\",\"manage\",", manage_command());
}

TEST(no_value_is_taken_for_an_option)
{
    manage_want_name("--help");
    manage_want_password("--yes");
    manage_create_well(&plain);
    assert_string_equal(manage_command(),
        "\"mas-cli\",\"manage\",\"register-user\",\"--yes\",\"--no-admin\","
        "\"--password=--yes\",\"--\",\"--help\"");
}

TEST(a_weak_password_is_taken_where_that_is_asked_for)
{
    trial.backend.leeway.skip_password_check = true;
    manage_want_password("x");
    manage_create_well(&plain);
    assert_in("\"--password=x\",\"--ignore-password-complexity\",\"--\"", manage_command());
}

TEST(the_homeservers_check_cannot_be_skipped_here)
{
    struct error error;

    trial.backend.leeway.skip_homeserver_check = true;
    error = manage_create();
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("admin API", error.text);
    assert_string_equal(manage_command(), "");
}

TEST(a_password_in_the_arguments_is_told_with_what_to_do_about_it)
{
    manage_want_password("Passw0rd");
    manage_create_well(&plain);
    assert_int_equal(trial.warnings.count, 1);
    assert_true(manage_is_warned("stood in the arguments of mas-cli in the container mas"));
    assert_true(manage_is_warned("{name: adminapi}"));
    assert_true(manage_is_warned("policy.data.admin_clients"));
    assert_true(manage_is_warned("matrix_authentication_service_admin_api_enabled: true"));
    assert_true(manage_is_warned("matrix_authentication_service_config_clients_custom"));
    assert_true(manage_is_warned("matrix_authentication_service_configuration_extension_yaml"));
    assert_true(manage_is_warned("see docs/mas.md")); /* nothing of it was cut off */
}

TEST(a_name_that_is_there_is_not_asked_for_again)
{
    struct error error;

    trial.database.users[0] = &plain;
    error = manage_create();
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.creation, CREATION_NAME_TAKEN);
    assert_string_equal(manage_command(), "");
}

/* mas-cli gives it to both, and it moves on the homeserver. */
TEST(an_address_of_somebody_else_is_not_taken)
{
    struct error error, added = {0};

    trial.database.owner = OTHER;
    manage_want_email("a@x.org");
    error = manage_create();
    assert_kind(&error, ERROR_CONFLICT);
    assert_in(OTHER, error.text);
    assert_int_equal(manage_way.add_email(&trial.backend, &plain, "alice", "a@x.org", &added), -1);
    assert_kind(&added, ERROR_CONFLICT);
    assert_string_equal(manage_command(), "");
}

static void
assert_refused(const char *code, enum error_kind kind, bool ends_list, const char *words)
{
    const struct recorded_reply replies[] = EXITS("0");
    struct recorded_reply these[5];
    char body[80];
    struct error error;

    memcpy(these, replies, sizeof(these));
    snprintf(body, sizeof(body), "{\"Running\":false,\"ExitCode\":%s}", code);
    these[3].body = body;
    manage_begin(NULL);
    recorded_server_say(trial.server, these);
    manage_want_password("Passw0rd");
    error = manage_create();
    assert_kind(&error, kind);
    assert_in("mas-cli manage register-user in the container mas ", error.text);
    assert_in(words, error.text);
    assert_in("Error: ********? no", error.text);
    assert_int_equal(error_ends_list(&error), ends_list);
    assert_true(manage_is_warned("stood in the arguments"));
    manage_end(NULL);
}

TEST(an_exit_status_is_told_with_the_last_words)
{
    assert_refused("1", ERROR_SERVER, false, "refused or failed (exit status 1: ");
    assert_refused("2", ERROR_UNSUPPORTED, false, "does not take these arguments");
    assert_refused("101", ERROR_SERVER, false, "broke down (exit status 101: ");
    assert_refused("125", ERROR_UNSUPPORTED, true, "is this MAS's container?");
    assert_refused("126", ERROR_UNSUPPORTED, true, "is this MAS's container?");
    assert_refused("127", ERROR_UNSUPPORTED, true, "is not there; is this MAS's container?");
    assert_refused("137", ERROR_SERVER, false, "was ended (exit status 137: ");
    manage_begin(NULL);
}

TEST(a_race_that_was_lost_is_a_name_that_is_taken)
{
    static const struct recorded_reply replies[] = EXITS("1");
    struct error error;

    recorded_server_say(trial.server, replies);
    trial.database.users[1] = &plain;
    error = manage_create();
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.creation, CREATION_NAME_TAKEN);
}

TEST(a_creation_whose_end_is_not_known_is_looked_for)
{
    static const struct recorded_reply replies[] = HANGS;
    struct error error;

    recorded_server_say(trial.server, replies);
    error = manage_create();
    assert_kind(&error, ERROR_SERVER);
    assert_in("has not ended within 400 ms", error.text);
    assert_true(error.maybe_done);
    manage_begin(NULL);
    recorded_server_say(trial.server, replies);
    trial.database.users[1] = &plain;
    error = manage_create();
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.creation, CREATION_PERHAPS);
    assert_true(manage_is_warned("although: mas-cli in the container mas has not ended"));
}

TEST(a_creation_that_is_not_in_the_database_is_none)
{
    struct error error = manage_create();

    assert_kind(&error, ERROR_DATABASE);
    assert_in("is database the one that this MAS uses?", error.text);
    manage_begin(NULL);
    trial.database.users[1] = &plain;
    trial.database.has_no_password = true;
    manage_want_password("Passw0rd");
    error = manage_create();
    assert_kind(&error, ERROR_DATABASE);
    assert_in("has no password of alice", error.text);
}

static int
create_once(void *context, struct error *error)
{
    int result;

    (void)context;
    trial.database.at = 0;
    trial.requests_before = recorded_server_requests(trial.server);
    trial.database.users[1] = &plain;
    result = manage_way.create(&trial.backend, &trial.wanted, &trial.creation, &trial.user, error);
    list_free(&trial.warnings);
    /* libcurl reports some failures of memory as others of the trial.connection. */
    if (result != 0 && error->kind == ERROR_UNREACHABLE)
        error->kind = ERROR_MEMORY;
    return result;
}

TEST(each_failed_allocation_is_an_error)
{
    manage_want_password("Passw0rd");
    manage_want_email("a@x.org");
    trial.connection.mas.command_config = "/config.yaml";
    fail_each_allocation(create_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_user_is_made_in_one_command_that_asks_nothing),
        TRIAL(its_environment_keeps_its_errors_short),
        TRIAL(a_user_without_a_password_has_none_in_the_command),
        TRIAL(a_configuration_that_was_found_is_named),
        TRIAL(no_value_is_taken_for_an_option),
        TRIAL(a_weak_password_is_taken_where_that_is_asked_for),
        TRIAL(the_homeservers_check_cannot_be_skipped_here),
        TRIAL(a_password_in_the_arguments_is_told_with_what_to_do_about_it),
        TRIAL(a_name_that_is_there_is_not_asked_for_again),
        TRIAL(an_address_of_somebody_else_is_not_taken),
        TRIAL(an_exit_status_is_told_with_the_last_words),
        TRIAL(a_race_that_was_lost_is_a_name_that_is_taken),
        TRIAL(a_creation_whose_end_is_not_known_is_looked_for),
        TRIAL(a_creation_that_is_not_in_the_database_is_none),
        TRIAL(each_failed_allocation_is_an_error),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("backends/mas/manage: new users", tests, manage_serve, manage_serve_no_more);
}
