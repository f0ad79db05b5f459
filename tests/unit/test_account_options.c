/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/account_options.h and modules/connection_options.h: what the options
 * of a task come to mean. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "modules/account_options.h"
#include "modules/connection_options.h"
#include "option_fields.h"

static const struct option_schema account_schema = {
    .module = "matrix_user", .context = "", .sets = {&account_option_set}};
static const struct option_schema connection_schema = {
    .module = "matrix_user", .context = "", .sets = {&connection_option_set}};

/* Parses and applies an account's options; for wish_free. */
static int
wish_for(const char *arguments, struct wish *wish, struct error *error)
{
    json_t *parameters = option_fields_load(arguments);
    struct account_options options = {0};
    void *const into[] = {&options};
    struct list warnings = {0};
    int result;

    memset(wish, 0, sizeof(*wish));
    result = options_parse(&account_schema, parameters, into, &warnings, error);
    if (result == 0)
        result = account_options_apply(&options, wish, error);
    options_free(&account_schema, into);
    list_free(&warnings);
    json_decref(parameters);
    return result;
}

/* The account that is wanted, as replies show one, which is all that is stated. */
static void
assert_wanted(const char *arguments, const char *account)
{
    struct wish wish;
    struct error error = {0};
    int result = wish_for(arguments, &wish, &error);
    json_t *wanted = account_to_json(&wish.account, ~0u);
    json_t *expected = option_fields_load(account);
    bool equal = json_equal(wanted, expected);

    if (!equal)
        json_dumpf(wanted, stderr, 0);
    wish_free(&wish);
    json_decref(wanted);
    json_decref(expected);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(result, 0);
    if (!equal)
        fail_msg("%s does not want %s", arguments, account);
}

static void
assert_refused(const char *arguments, const char *part)
{
    struct wish wish;
    struct error error = {0};
    int result = wish_for(arguments, &wish, &error);

    wish_free(&wish);
    if (result == 0)
        fail_msg("%s was not refused", arguments);
    assert_kind(&error, ERROR_INVALID);
    assert_in(part, error.text);
}

TEST(what_is_not_given_is_not_stated)
{
    assert_wanted("{'username': 'a'}", "{}");
    assert_wanted("{'username': 'a', 'displayname': null, 'emails': null, 'locked': null,"
                  " 'ratelimit': null, 'external_ids': null, 'user_type': null}",
        "{}");
    assert_wanted("{'username': 'a', 'reactivate': false, 'erase': false}", "{}");
}

TEST(a_text_that_is_empty_clears)
{
    assert_wanted("{'username': 'a', 'displayname': 'A', 'avatar_url': 'mxc://x/y'}",
        "{'displayname': 'A', 'avatar_url': 'mxc://x/y'}");
    assert_wanted("{'username': 'a', 'displayname': '', 'avatar_url': ''}",
        "{'displayname': null, 'avatar_url': null}");
}

TEST(an_ordinary_user_has_no_type)
{
    assert_wanted("{'username': 'a', 'user_type': 'user'}", "{'user_type': null}");
    assert_wanted("{'username': 'a', 'user_type': ''}", "{'user_type': null}");
    assert_wanted("{'username': 'a', 'user_type': 'bot'}", "{'user_type': 'bot'}");
    assert_wanted("{'username': 'a', 'user_type': 'a-type-of-ours'}",
        "{'user_type': 'a-type-of-ours'}");
}

/* What a new account is, is no field of one that exists: plain users are not told
 * to have no type, as matrix-docker-ansible-deploy does not. */
TEST(an_initial_type_is_wanted_of_a_new_account_alone)
{
    static const struct {
        const char *arguments;
        const char *initial;
    } table[] = {
        {"{'username': 'a'}", "{}"},
        {"{'username': 'a', 'initial_type': null}", "{}"},
        {"{'username': 'a', 'initial_type': 'user'}", "{'admin': false}"},
        {"{'username': 'a', 'initial_type': 'bot'}", "{'admin': false, 'user_type': 'bot'}"},
        {"{'username': 'a', 'initial_type': 'support'}",
            "{'admin': false, 'user_type': 'support'}"},
        {"{'username': 'a', 'initial_type': 'admin'}", "{'admin': true}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct wish wish;
        struct error error = {0};
        json_t *initial, *expected = option_fields_load(table[i].initial);

        assert_int_equal(wish_for(table[i].arguments, &wish, &error), 0);
        assert_int_equal(wish.account.stated, 0);
        initial = account_to_json(&wish.initial, ~0u);
        if (!json_equal(initial, expected))
            fail_msg("%s does not begin as %s", table[i].arguments, table[i].initial);
        json_decref(initial);
        json_decref(expected);
        wish_free(&wish);
    }
}

TEST(a_boolean_states_true_or_false)
{
    assert_wanted("{'username': 'a', 'admin': true, 'locked': true, 'suspended': true,"
                  " 'shadow_banned': true}",
        "{'admin': true, 'locked': true, 'suspended': true, 'shadow_banned': true}");
    assert_wanted("{'username': 'a', 'admin': false, 'locked': false, 'suspended': false,"
                  " 'shadow_banned': false}",
        "{'admin': false, 'locked': false, 'suspended': false, 'shadow_banned': false}");
}

TEST(e_mail_addresses_are_wanted_as_they_are_stored)
{
    assert_wanted("{'username': 'a', 'emails': [' Alice@Example.ORG ', 'b@x.org']}",
        "{'emails': ['alice@example.org', 'b@x.org']}");
    assert_wanted("{'username': 'a', 'emails': 'a@x.org, A@x.org,a@X.ORG'}",
        "{'emails': ['a@x.org']}");
}

TEST(an_id_elsewhere_has_a_provider_and_is_taken_as_it_is)
{
    assert_wanted("{'username': 'a', 'external_ids': [{'provider': 'P', 'id': 'I'},"
                  " {'provider': 'P', 'id': 'i'}, {'provider': 'P', 'id': 'I'}]}",
        "{'external_ids': [{'provider': 'P', 'id': 'I'}, {'provider': 'P', 'id': 'i'}]}");
    assert_refused("{'username': 'a', 'external_ids': [{'provider': '', 'id': 'i'}]}",
        "empty provider or id");
    assert_refused("{'username': 'a', 'external_ids': [{'provider': 'p', 'id': ''}]}",
        "empty provider or id");
}

TEST(a_set_appends_unless_it_is_to_be_exact)
{
    static const struct {
        const char *arguments;
        unsigned stated;
        bool emails_append, external_ids_append;
    } table[] = {
        {"{'username': 'a', 'emails': ['a@x.org'], 'external_ids': ['provider=p,id=i']}",
            ACCOUNT_BIT(ACCOUNT_EMAILS) | ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS), true, true},
        {"{'username': 'a', 'emails': ['a@x.org'], 'emails_mode': 'exact',"
         " 'external_ids': ['provider=p,id=i'], 'external_ids_mode': 'exact'}",
            ACCOUNT_BIT(ACCOUNT_EMAILS) | ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS), false, false},
        {"{'username': 'a', 'emails': [], 'external_ids': []}", 0, false, false},
        {"{'username': 'a', 'emails': [], 'emails_mode': 'exact', 'external_ids': []}",
            ACCOUNT_BIT(ACCOUNT_EMAILS), false, false},
        {"{'username': 'a', 'emails': [], 'external_ids_mode': 'exact',"
         " 'external_ids': []}",
            ACCOUNT_BIT(ACCOUNT_EXTERNAL_IDS), false, false},
        {"{'username': 'a', 'emails_mode': 'exact', 'external_ids_mode': 'exact'}", 0, false,
            false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct wish wish;
        struct error error = {0};

        assert_int_equal(wish_for(table[i].arguments, &wish, &error), 0);
        assert_int_equal(wish.account.stated, table[i].stated);
        assert_int_equal(wish.account.emails.append, table[i].emails_append);
        assert_int_equal(wish.account.external_ids.append, table[i].external_ids_append);
        wish_free(&wish);
    }
}

/* And is not quoted: a password may have come into the wrong option. */
TEST(what_is_no_address_is_refused_with_the_reason)
{
    assert_refused("{'username': 'a', 'emails': ['a@x.org', 'alice']}",
        "number 2 of the emails of a is no e-mail address that servers take: it has no @");
    assert_refused("{'username': 'a', 'emails': 'a@x.org b@x.org'}", "more than one @");
    assert_refused("{'username': 'a', 'emails': 'a@x.org,'}", "number 2 of");
    assert_refused("{'username': 'a', 'emails': ['x@M\u00dcNCHEN.de']}", "lower case");
}

TEST(an_empty_rate_limit_clears_and_a_rate_of_nothing_is_none)
{
    struct wish wish;
    struct error error = {0};

    assert_wanted("{'username': 'a', 'ratelimit': {}}", "{'ratelimit': {}}");
    assert_wanted("{'username': 'a', 'ratelimit': '{}'}", "{'ratelimit': {}}");
    assert_wanted(
        "{'username': 'a', 'ratelimit': {'messages_per_second': 0, 'burst_count': 0}}",
        "{'ratelimit': {'messages_per_second': 0, 'burst_count': 0}}");
    assert_wanted("{'username': 'a', 'ratelimit': 'messages_per_second=5,burst_count=10'}",
        "{'ratelimit': {'messages_per_second': 5, 'burst_count': 10}}");
    assert_int_equal(wish_for("{'username': 'a', 'ratelimit': {}}", &wish, &error), 0);
    assert_false(wish.account.ratelimit.overridden);
    wish_free(&wish);
    assert_refused(
        "{'username': 'a', 'ratelimit': {'messages_per_second': null, 'burst_count': null}}",
        "ratelimit of a needs");
}

TEST(deactivating_goes_alone_or_with_erasing)
{
    static const char *const others[] = {"'password': 'p'", "'generate_password': true",
        "'verify_login': true", "'admin': false", "'user_type': ''", "'displayname': ''",
        "'initial_type': 'user'",
        "'avatar_url': ''", "'emails': 'a@x.org'", "'external_ids': ['provider=p,id=i']",
        "'ratelimit': {}", "'locked': true", "'suspended': false", "'shadow_banned': false",
        "'reactivate': true"};

    assert_wanted("{'username': 'a', 'state': 'deactivated'}", "{'deactivated': true}");
    assert_wanted("{'username': 'a', 'state': 'absent', 'erase': true}",
        "{'deactivated': true, 'erased': true}");
    assert_wanted("{'username': 'a', 'state': 'deactivated', 'erase': false, 'emails': [],"
                  " 'reactivate': false, 'generate_password': false}",
        "{'deactivated': true}");
    for (size_t i = 0; i < COUNT(others); i++) {
        char arguments[256], name[64];

        snprintf(arguments, sizeof(arguments),
            "{'username': 'a', 'state': 'deactivated', %s}", others[i]);
        snprintf(name, sizeof(name), "erase: %.*s is for", (int)strcspn(others[i] + 1, "'"),
            others[i] + 1);
        assert_refused(arguments, name);
    }
}

TEST(only_what_is_deactivated_is_erased)
{
    assert_refused("{'username': 'a', 'erase': true}", "needs state: deactivated");
    assert_refused("{'username': 'a', 'erase': true, 'reactivate': true}",
        "needs state: deactivated");
}

TEST(reactivating_is_wanted_as_an_account_that_is_not_deactivated)
{
    assert_wanted("{'username': 'a', 'reactivate': true}", "{'deactivated': false}");
}

TEST(a_password_is_stated_or_made_up)
{
    struct wish wish;
    struct error error = {0};

    assert_int_equal(wish_for("{'username': 'a', 'generate_password': true,"
                              " 'verify_login': true}",
                         &wish, &error),
        0);
    assert_true(wish.generate_password);
    assert_true(wish.verify_login);
    assert_false(account_states(&wish.account, ACCOUNT_PASSWORD));
    wish_free(&wish);
    assert_int_equal(wish_for("{'username': 'a', 'generate_password': false, 'password': 'p',"
                              " 'verify_login': true}",
                         &wish, &error),
        0);
    assert_false(wish.generate_password);
    assert_true(account_states(&wish.account, ACCOUNT_PASSWORD));
    wish_free(&wish);
    assert_refused("{'username': 'a', 'generate_password': true, 'password': 'p'}",
        "exclude each other");
    assert_refused("{'username': 'a', 'generate_password': true,"
                   " 'update_password': 'always'}",
        "another one in every run");
    assert_refused("{'username': 'a', 'generate_password': true, 'if_exists': 'match'}",
        "whose the account is");
    assert_refused("{'username': 'a', 'if_exists': 'match'}", "needs a password");
    assert_refused("{'username': 'a', 'update_password': 'always'}", "needs a password");
    assert_refused("{'username': 'a', 'verify_login': true}", "verify_login needs a password");
}

TEST(contradictions_of_what_is_and_is_not_there_are_refused)
{
    assert_refused("{'username': 'a', 'if_exists': 'fail', 'if_absent': 'fail'}",
        "leave nothing to do");
    assert_refused("{'username': 'a', 'state': 'absent', 'if_exists': 'fail'}",
        "state: absent of a and if_exists: fail");
}

static int
make_wish(void *context, struct error *error)
{
    struct wish wish;
    int result = account_options_apply(context, &wish, error);

    wish_free(&wish);
    return result;
}

TEST(without_memory_there_is_no_wish)
{
    json_t *parameters = option_fields_load(
        "{'username': '@Alice:x', 'password': 'p', 'displayname': 'A', 'user_type': 'bot',"
        " 'avatar_url': 'mxc://x/y', 'emails': ['a@x.org', 'b@x.org'], 'emails_mode':"
        " 'exact', 'external_ids': [{'provider': 'p', 'id': 'i'}, {'provider': 'p', 'id':"
        " 'j'}], 'ratelimit': {'messages_per_second': 1, 'burst_count': 2}}");
    struct account_options options = {0};
    void *const into[] = {&options};
    struct list warnings = {0};
    struct error error = {0};

    assert_int_equal(options_parse(&account_schema, parameters, into, &warnings, &error), 0);
    fail_each_allocation(make_wish, &options);
    options_free(&account_schema, into);
    json_decref(parameters);
    parameters = option_fields_load("{'username': 'a', 'initial_type': 'bot'}");
    memset(&options, 0, sizeof(options));
    assert_int_equal(options_parse(&account_schema, parameters, into, &warnings, &error), 0);
    fail_each_allocation(make_wish, &options);
    options_free(&account_schema, into);
    json_decref(parameters);
}

/* The connection's fields point into the options, which are for options_free. */
static int
connect_with(const char *arguments, struct connection_options *options,
    struct connection *connection, struct error *error)
{
    json_t *parameters = option_fields_load(arguments);
    void *const into[] = {options};
    struct list warnings = {0};
    int result;

    memset(options, 0, sizeof(*options));
    result = options_parse(&connection_schema, parameters, into, &warnings, error);
    if (result == 0)
        result = connection_options_apply(options, connection, error);
    list_free(&warnings);
    json_decref(parameters);
    return result;
}

static void
assert_no_connection(const char *arguments, const char *part)
{
    struct connection_options options;
    void *const into[] = {&options};
    struct connection connection;
    struct error error = {0};
    int result = connect_with(arguments, &options, &connection, &error);

    options_free(&connection_schema, into);
    if (result == 0)
        fail_msg("%s was not refused", arguments);
    assert_kind(&error, ERROR_INVALID);
    assert_in(part, error.text);
}

TEST(there_is_a_service_account_unless_it_is_forbidden)
{
    struct connection_options options;
    void *const into[] = {&options};
    struct connection connection;
    struct error error = {0};

    assert_int_equal(connect_with("{'url': 'http://h'}", &options, &connection, &error), 0);
    assert_string_equal(connection.service_account, "registrar-service");
    assert_null(connection.session_file);
    assert_null(connection.shared_secret_previous);
    options_free(&connection_schema, into);
    assert_int_equal(connect_with("{'url': 'http://h', 'service_account': '',"
                                  " 'session_file': ''}",
                         &options, &connection, &error),
        0);
    assert_null(connection.service_account);
    assert_null(connection.session_file);
    options_free(&connection_schema, into);
    assert_int_equal(connect_with("{'url': 'http://h', 'service_account': 'helper_2',"
                                  " 'session_file': '/s', 'registration_shared_secret': 'n',"
                                  " 'registration_shared_secret_previous': 'o'}",
                         &options, &connection, &error),
        0);
    assert_string_equal(connection.service_account, "helper_2");
    assert_string_equal(connection.session_file, "/s");
    assert_string_equal(connection.shared_secret->bytes, "n");
    assert_string_equal(connection.shared_secret_previous->bytes, "o");
    options_free(&connection_schema, into);
}

TEST(the_service_account_is_a_bare_localpart_in_lower_case)
{
    assert_no_connection("{'url': 'http://h', 'service_account': 'Registrar'}", "lower case");
    assert_no_connection("{'url': 'http://h', 'service_account': '@registrar'}", "without @");
    assert_no_connection("{'url': 'http://h', 'service_account': '@registrar:x.org'}",
        "without a server name");
    assert_no_connection("{'url': 'http://h', 'service_account': 'r\u00e9gistrar'}",
        "service_account: ");
    assert_no_connection("{'url': 'http://h', 'service_account': ' '}", "service_account: ");
}

TEST(a_previous_secret_needs_the_one_of_now)
{
    struct connection_options options;
    void *const into[] = {&options};
    struct connection connection;
    struct error error = {0};
    char arguments[256];

    assert_no_connection("{'url': 'http://h', 'registration_shared_secret_previous': 'o'}",
        "registration_shared_secret_previous is what");
    assert_no_connection("{'url': 'http://h', 'registration_shared_secret_previous': 'o',"
                         " 'access_token': 't'}",
        "registration_shared_secret_previous is what");
    snprintf(arguments, sizeof(arguments),
        "{'url': 'http://h', 'registration_shared_secret_previous': 'o',"
        " 'registration_shared_secret_path': '%s'}",
        file_with("n\n", 2));
    assert_int_equal(connect_with(arguments, &options, &connection, &error), 0);
    assert_string_equal(connection.shared_secret->bytes, "n");
    options_free(&connection_schema, into);
}

static int
make_connection(void *context, struct error *error)
{
    struct connection connection;

    return connection_options_apply(context, &connection, error);
}

TEST(without_memory_there_is_no_connection)
{
    struct connection_options options;
    void *const into[] = {&options};
    struct connection connection;
    struct error error = {0};

    assert_int_equal(connect_with("{'url': 'http://h'}", &options, &connection, &error), 0);
    fail_each_allocation(make_connection, &options);
    options_free(&connection_schema, into);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_is_not_stated),
        cmocka_unit_test(a_text_that_is_empty_clears),
        cmocka_unit_test(an_ordinary_user_has_no_type),
        cmocka_unit_test(an_initial_type_is_wanted_of_a_new_account_alone),
        cmocka_unit_test(a_boolean_states_true_or_false),
        cmocka_unit_test(e_mail_addresses_are_wanted_as_they_are_stored),
        cmocka_unit_test(an_id_elsewhere_has_a_provider_and_is_taken_as_it_is),
        cmocka_unit_test(a_set_appends_unless_it_is_to_be_exact),
        cmocka_unit_test(what_is_no_address_is_refused_with_the_reason),
        cmocka_unit_test(an_empty_rate_limit_clears_and_a_rate_of_nothing_is_none),
        cmocka_unit_test(deactivating_goes_alone_or_with_erasing),
        cmocka_unit_test(only_what_is_deactivated_is_erased),
        cmocka_unit_test(reactivating_is_wanted_as_an_account_that_is_not_deactivated),
        cmocka_unit_test(a_password_is_stated_or_made_up),
        cmocka_unit_test(contradictions_of_what_is_and_is_not_there_are_refused),
        cmocka_unit_test(without_memory_there_is_no_wish),
        cmocka_unit_test(there_is_a_service_account_unless_it_is_forbidden),
        cmocka_unit_test(the_service_account_is_a_bare_localpart_in_lower_case),
        cmocka_unit_test(a_previous_secret_needs_the_one_of_now),
        cmocka_unit_test(without_memory_there_is_no_connection),
    };

    use_program_memory();
    return cmocka_run_group_tests_name("modules/options", tests, NULL, NULL);
}
