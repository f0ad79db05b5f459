/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db/postgres_parameters.h: what libpq is told, keyword by keyword (PostgreSQL,
 * part IV, "Parameter Key Words"), so that it asks nobody else. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "db/postgres_parameters.h"

#define NOTHING "/dev/null/none"

static const char *
told(const struct postgres_parameters *parameters, const char *keyword)
{
    const char *value = NULL;

    for (size_t i = 0; i < parameters->count; i++)
        if (strcmp(parameters->keywords[i], keyword) == 0) {
            assert_null(value); /* said once */
            value = parameters->values[i];
        }
    return value;
}

static void
assert_told(const struct postgres_parameters *parameters, const char *keyword, const char *value)
{
    const char *is = told(parameters, keyword);

    if (value == NULL ? is != NULL : is == NULL || strcmp(is, value) != 0)
        fail_msg("%s is %s, and not %s", keyword, is == NULL ? "not said" : is,
            value == NULL ? "unsaid" : value);
}

static struct postgres_parameters
made(const struct postgres_options *options)
{
    struct postgres_parameters parameters;
    struct error error = {0};

    assert_int_equal(postgres_parameters_make(&parameters, options, &error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_null(parameters.keywords[parameters.count]);
    return parameters;
}

static void
assert_refused(const struct postgres_options *options, const char *word, const char *secret)
{
    struct postgres_parameters parameters;
    struct error error = {0};

    assert_int_equal(postgres_parameters_make(&parameters, options, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_in(word, error.text);
    if (secret != NULL)
        assert_not_in(secret, error.text);
    postgres_parameters_free(&parameters);
}

TEST(every_option_has_its_keyword)
{
    struct secret password = secret_over("hunter2");
    struct postgres_options options = {.host = "db.example.test", .address = "192.0.2.1",
        .port = 6432, .name = "synapse", .user = "matrix", .password = &password,
        .sslmode = "verify-ca", .ca_path = "/ca.pem"};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "host", "db.example.test");
    assert_told(&parameters, "hostaddr", "192.0.2.1");
    assert_told(&parameters, "port", "6432");
    assert_told(&parameters, "dbname", "synapse");
    assert_told(&parameters, "user", "matrix");
    assert_told(&parameters, "password", "hunter2");
    assert_told(&parameters, "sslmode", "verify-ca");
    assert_told(&parameters, "sslrootcert", "/ca.pem");
    assert_told(&parameters, "application_name", "registrar");
    postgres_parameters_free(&parameters);
}

TEST(no_file_of_the_user_s_is_looked_at)
{
    struct postgres_options options = {.host = "/run/postgresql", .name = "synapse"};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "passfile", NOTHING);
    assert_told(&parameters, "sslcert", NOTHING);
    assert_told(&parameters, "sslkey", NOTHING);
    assert_told(&parameters, "sslcrl", NOTHING);
    assert_told(&parameters, "sslrootcert", NOTHING);
    assert_told(&parameters, "gssencmode", "disable");
    assert_told(&parameters, "service", NULL);
    postgres_parameters_free(&parameters);
}

TEST(no_variable_of_libpq_s_is_left_and_all_others_are)
{
    static const char *const variables[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE",
        "PGUSER", "PGPASSWORD", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR",
        "PGOPTIONS", "PGAPPNAME", "PGSSLMODE", "PGREQUIRESSL", "PGSSLROOTCERT", "PGSSLCERT",
        "PGSSLKEY", "PGSSLCRL", "PGREQUIREPEER", "PGGSSENCMODE", "PGKRBSRVNAME",
        "PGCONNECT_TIMEOUT", "PGCLIENTENCODING", "PGTARGETSESSIONATTRS", "PGDATESTYLE", "PGTZ",
        "PGGEQO", "PGLOCALEDIR", "PGCHANNELBINDING"};
    struct postgres_options options = {.host = "localhost", .name = "synapse"};
    struct postgres_parameters parameters;

    for (size_t i = 0; i < COUNT(variables); i++)
        setenv(variables[i], "/x", 1);
    setenv("APGHOST", "left", 1);
    setenv("pghost", "left", 1);
    options.use_environment = true;
    parameters = made(&options);
    postgres_parameters_free(&parameters);
    for (size_t i = 0; i < COUNT(variables); i++)
        assert_non_null(getenv(variables[i]));
    options.use_environment = false;
    parameters = made(&options);
    postgres_parameters_free(&parameters);
    for (size_t i = 0; i < COUNT(variables); i++)
        assert_null(getenv(variables[i]));
    assert_string_equal(getenv("APGHOST"), "left");
    assert_string_equal(getenv("pghost"), "left");
}

TEST(with_the_environment_only_what_is_stated_is_told)
{
    struct postgres_options options = {.use_environment = true, .name = "synapse"};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "dbname", "synapse");
    assert_told(&parameters, "application_name", "registrar");
    assert_int_equal(parameters.count, 2);
    postgres_parameters_free(&parameters);
}

TEST(tls_is_verified_but_for_this_machine)
{
    static const struct {
        const char *host, *address, *mode;
    } places[] = {
        {NULL, NULL, "prefer"},
        {"", NULL, "prefer"},
        {"/run/postgresql", NULL, "prefer"},
        {"localhost", NULL, "prefer"},
        {"LOCALHOST", NULL, "prefer"},
        {"127.0.0.1", NULL, "prefer"},
        {"127.9.9.9", NULL, "prefer"},
        {"::1", NULL, "prefer"},
        /* The engine of this machine says where its container is. */
        {"matrix-postgres", "172.18.0.3", "prefer"},
        {"db.example.test", NULL, "verify-full"},
        {"localhost.example.test", NULL, "verify-full"},
        {"127.0.0.1.example.test", NULL, "verify-full"},
        {"127.1", NULL, "verify-full"},
        {"128.0.0.1", NULL, "verify-full"},
        {"192.0.2.1", NULL, "verify-full"},
        {"::2", NULL, "verify-full"},
        {"::ffff:192.0.2.1", NULL, "verify-full"},
        /* An abstract socket is libpq's from 14 on, and no reason to trust. */
        {"@postgresql", NULL, "verify-full"},
    };

    for (size_t i = 0; i < COUNT(places); i++) {
        struct postgres_options options = {
            .host = places[i].host, .address = places[i].address, .name = "synapse"};
        struct postgres_parameters parameters = made(&options);

        assert_told(&parameters, "sslmode", places[i].mode);
        postgres_parameters_free(&parameters);
        options.sslmode = "require";
        parameters = made(&options);
        assert_told(&parameters, "sslmode", "require");
        assert_told(&parameters, "sslrootcert", NOTHING);
        postgres_parameters_free(&parameters);
    }
}

TEST(an_address_in_a_uri_is_no_reason_to_trust)
{
    struct secret uri = secret_over("postgresql://db.example.test/synapse?hostaddr=192.0.2.7");
    struct postgres_options options = {.uri = &uri};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "hostaddr", "192.0.2.7");
    assert_told(&parameters, "sslmode", "verify-full");
    postgres_parameters_free(&parameters);
}

TEST(a_uri_is_read_and_what_stands_beside_it_wins)
{
    struct secret uri =
        secret_over("postgresql://matrix:p%40ss%2Fw%3Ard%25@db.example.test:6432/syn%20apse"
                    "?sslmode=require&sslrootcert=%2Fca.pem&connect_timeout=3");
    struct postgres_options options = {.uri = &uri};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "host", "db.example.test");
    assert_told(&parameters, "port", "6432");
    assert_told(&parameters, "user", "matrix");
    assert_told(&parameters, "password", "p@ss/w:rd%");
    assert_told(&parameters, "dbname", "syn apse");
    assert_told(&parameters, "sslmode", "require");
    assert_told(&parameters, "sslrootcert", "/ca.pem");
    /* For what must not be told. */
    assert_string_equal(parameters.password.bytes, "p@ss/w:rd%");
    postgres_parameters_free(&parameters);

    options.host = "/run";
    options.port = 1;
    options.name = "other";
    options.user = "somebody";
    options.sslmode = "disable";
    parameters = made(&options);
    assert_told(&parameters, "host", "/run");
    assert_told(&parameters, "port", "1");
    assert_told(&parameters, "dbname", "other");
    assert_told(&parameters, "user", "somebody");
    assert_told(&parameters, "sslmode", "disable");
    assert_told(&parameters, "password", "p@ss/w:rd%");
    postgres_parameters_free(&parameters);
}

TEST(a_uri_may_not_name_what_would_be_read_or_obeyed)
{
    static const char *const keywords[] = {"service", "passfile", "options", "requirepeer",
        "sslcrl", "sslpassword", "krbsrvname", "gssencmode", "target_session_attrs",
        "client_encoding", "replication", "channel_binding", "keepalives"};
    char text[200];

    for (size_t i = 0; i < COUNT(keywords); i++) {
        struct secret uri;
        struct postgres_options options = {.uri = &uri};

        snprintf(text, sizeof(text), "postgresql://h/n?%s=s3cret", keywords[i]);
        uri = secret_over(text);
        assert_refused(&options, keywords[i], "s3cret");
        /* Nor where the rest of the environment has its say. */
        options.use_environment = true;
        assert_refused(&options, keywords[i], "s3cret");
    }
}

TEST(what_is_no_uri_is_refused_without_a_word_of_it)
{
    static const char *const wrong[] = {"", "s3cret", "host=h password=s3cret",
        "mysql://u:s3cret@h/n", "postgresql:/u:s3cret@h/n", "postgresql://u:s3cret%zz@h/n",
        "postgresql://u:s3cret%00@h/n", "postgresql://u:s3cret@[::1/n",
        "postgresql://u@h/n?s3cret=1", "postgresql://u@h/n?sslmode=s3cret=1",
        "POSTGRESQL://u:s3cret@h/n"};

    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct secret uri = secret_over(wrong[i]);
        struct postgres_options options = {.uri = &uri};

        assert_refused(&options, "uri", "s3cret");
    }
}

TEST(one_server_is_meant)
{
    struct secret uri = secret_over("postgresql://one,other/n");
    struct postgres_options by_uri = {.uri = &uri};
    struct postgres_options by_host = {.host = "one,other"};

    assert_refused(&by_uri, "one server", NULL);
    assert_refused(&by_host, "one server", NULL);
}

TEST(who_is_run_as_is_the_user_unless_one_is_stated)
{
    struct postgres_options options = {.host = "/run", .run_as = "postgres"};
    struct postgres_parameters parameters = made(&options);

    assert_told(&parameters, "user", "postgres");
    postgres_parameters_free(&parameters);
    options.user = "synapse";
    parameters = made(&options);
    assert_told(&parameters, "user", "synapse");
    postgres_parameters_free(&parameters);
}

TEST(where_it_is_is_told_without_the_password_and_on_one_line)
{
    struct secret password = secret_over("hunter2");
    struct postgres_options options = {.host = "h\x1b[2J\nx", .name = "syn\x07", .user = "u",
        .password = &password};
    struct postgres_parameters parameters = made(&options);
    struct error error = {0};
    char *where = postgres_parameters_where(&parameters, &error);

    assert_non_null(where);
    assert_in("the database syn", where);
    assert_in("(as u)", where);
    assert_not_in("hunter2", where);
    assert_not_in("\x1b", where);
    assert_not_in("\n", where);
    memory_free(where);
    postgres_parameters_free(&parameters);
}

static int
make_and_tell(void *context, struct error *error)
{
    struct secret uri = secret_over("postgresql://u:p%40@h:1/n?sslmode=require");
    struct postgres_options options = {.uri = &uri, .port = 5};
    struct postgres_parameters parameters;
    char *where = NULL;
    int result = postgres_parameters_make(&parameters, &options, error);

    (void)context;
    if (result == 0) {
        where = postgres_parameters_where(&parameters, error);
        result = where == NULL ? -1 : 0;
    }
    memory_free(where);
    postgres_parameters_free(&parameters);
    return result;
}

TEST(memory_that_is_short_is_an_error)
{
    fail_each_allocation(make_and_tell, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_has_its_keyword),
        cmocka_unit_test(no_file_of_the_user_s_is_looked_at),
        cmocka_unit_test(no_variable_of_libpq_s_is_left_and_all_others_are),
        cmocka_unit_test(with_the_environment_only_what_is_stated_is_told),
        cmocka_unit_test(tls_is_verified_but_for_this_machine),
        cmocka_unit_test(an_address_in_a_uri_is_no_reason_to_trust),
        cmocka_unit_test(a_uri_is_read_and_what_stands_beside_it_wins),
        cmocka_unit_test(a_uri_may_not_name_what_would_be_read_or_obeyed),
        cmocka_unit_test(what_is_no_uri_is_refused_without_a_word_of_it),
        cmocka_unit_test(one_server_is_meant),
        cmocka_unit_test(who_is_run_as_is_the_user_unless_one_is_stated),
        cmocka_unit_test(where_it_is_is_told_without_the_password_and_on_one_line),
        cmocka_unit_test(memory_that_is_short_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
