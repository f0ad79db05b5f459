/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules/database_options.h: what the option `database` comes to mean. How it
 * is spelled is in args/. */
#include "support.h"

#include <string.h>

#include "modules/database_options.h"

static int
apply(const struct database_options *given, struct postgres_options *postgres,
    struct error *error)
{
    return database_options_apply(given, 20000, postgres, error);
}

static const struct database_options nothing = {
    .sslmode = OPTION_NO_CHOICE, .connect_timeout = {.value = 10}};

TEST(it_has_to_say_which_database_it_is)
{
    struct database_options given = nothing;
    struct postgres_options postgres;
    struct error error = {0};

    given.user = (char[]){"synapse"};
    given.password = secret_over("hunter2");
    assert_int_equal(apply(&given, &postgres, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in("uri", error.text);
    assert_in("host", error.text);
    assert_not_in("hunter2", error.text);
}

TEST(one_of_four_says_so)
{
    struct database_options by_uri = nothing, by_host = nothing, by_name = nothing;
    struct database_options by_environment = nothing;
    const struct database_options *const all[] = {&by_uri, &by_host, &by_name, &by_environment};

    by_uri.uri = secret_over("postgresql:///synapse");
    by_host.host = (char[]){"/run/postgresql"};
    by_name.name = (char[]){"synapse"};
    by_environment.use_libpq_environment.value = true;
    for (size_t i = 0; i < COUNT(all); i++) {
        struct postgres_options postgres;
        struct error error = {0};

        assert_int_equal(apply(all[i], &postgres, &error), 0);
        assert_kind(&error, ERROR_NONE);
    }
}

TEST(what_is_given_is_passed_on_and_seconds_are_milliseconds)
{
    struct database_options given = nothing;
    struct postgres_options postgres;
    struct error error = {0};

    given.host = (char[]){"h"};
    given.port.value = 6432;
    given.user = (char[]){"u"};
    given.password = secret_over("");
    given.sslmode = 3;
    given.ca_path = (char[]){"/ca.pem"};
    given.connect_timeout.value = 7;
    given.run_as = (char[]){"postgres"};
    assert_int_equal(apply(&given, &postgres, &error), 0);
    assert_null(postgres.uri);
    assert_string_equal(postgres.host, "h");
    assert_null(postgres.address);
    assert_int_equal(postgres.port, 6432);
    assert_null(postgres.name);
    assert_string_equal(postgres.user, "u");
    /* Empty is given. */
    assert_ptr_equal(postgres.password, &given.password);
    assert_string_equal(postgres.sslmode, "require");
    assert_string_equal(postgres.ca_path, "/ca.pem");
    assert_int_equal(postgres.connect_timeout_ms, 7000);
    assert_int_equal(postgres.statement_timeout_ms, 20000);
    assert_false(postgres.use_environment);
    assert_string_equal(postgres.run_as, "postgres");
}

TEST(what_is_not_given_is_left_to_the_connection)
{
    struct database_options given = nothing;
    struct postgres_options postgres;
    struct error error = {0};

    given.name = (char[]){"synapse"};
    assert_int_equal(apply(&given, &postgres, &error), 0);
    assert_null(postgres.host);
    assert_int_equal(postgres.port, 0);
    assert_null(postgres.password);
    assert_null(postgres.sslmode);
    assert_null(postgres.run_as);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_has_to_say_which_database_it_is),
        cmocka_unit_test(one_of_four_says_so),
        cmocka_unit_test(what_is_given_is_passed_on_and_seconds_are_milliseconds),
        cmocka_unit_test(what_is_not_given_is_left_to_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
