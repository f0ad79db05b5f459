/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The API's way (backends/mas/api.h) opened and closed, and backends/mas/api_site.h, by
 * the answers of MAS 1.22.0 and of older ones. */
#include "mas_api_trial.h"

#include "backends/mas/api.h"
#include "base/memory.h"

#define CONFIG(more) "{\"server_name\":\"hs.test\"" more "}"
#define SETTINGS                                                                           \
    {"GET " API "/site-config", 200, JSON,                                                 \
        CONFIG(",\"password_login_enabled\":true,\"minimum_password_complexity\":3")}
#define VERSION {"GET " API "/version", 200, JSON, "{\"version\":\"v1.22.0\"}"}
#define PROOF "GET " API "/users?page%5Bfirst%5D=1"

static struct mas_api_trial trial;

static int
clean_up(void **state)
{
    (void)state;
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static void
open_badly(enum error_kind kind, struct error *error)
{
    assert_int_equal(api_way.open(&trial.backend, error), -1);
    assert_kind(error, kind);
}

static void
open_well(void)
{
    struct error error = {0};

    api_way.open(&trial.backend, &error);
    assert_kind(&error, ERROR_NONE);
}

TEST(opening_learns_name_version_and_passwords)
{
    static const struct recorded_reply replies[] = {SETTINGS, VERSION, {0}};

    mas_api_start(&trial, replies);
    open_well();
    mas_api_assert_asked(
        "GET " API "/site-config mpt_admin\nGET " API "/version mpt_admin\n");
    assert_string_equal(trial.backend.server_name, "hs.test");
    assert_string_equal(trial.backend.version, "1.22.0");
    assert_false(trial.state.passwords_are_off);
    assert_int_equal(trial.state.password_complexity, 3);
    assert_string_equal(trial.backend.authenticated_by, "mas_token");
}

TEST(opening_says_that_a_client_opened_it_and_closing_gives_its_token_back)
{
    static const struct recorded_reply replies[] = {
        {"POST " TOKEN, 200, JSON, "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\"}"},
        SETTINGS, VERSION, {"POST " REVOKE, 200, NULL, ""}, {0}};

    mas_api_start_with_client(&trial, "s3cret", replies);
    open_well();
    assert_string_equal(trial.backend.authenticated_by, "mas_client_id");
    mas_api_asked();
    api_way.close(&trial.backend);
    mas_api_assert_asked("POST " REVOKE " - token=mat_1\n");
}

TEST(passwords_that_are_off_and_odd_scores_are_read)
{
    static const struct {
        const char *body;
        bool off;
        long complexity;
    } table[] = {
        {CONFIG(",\"password_login_enabled\":false"), true, 0},
        {CONFIG(",\"password_login_enabled\":\"no\",\"minimum_password_complexity\":\"3\""),
            false, 0},
        {CONFIG(",\"minimum_password_complexity\":0"), false, 0},
        {CONFIG(",\"minimum_password_complexity\":4"), false, 4},
        {CONFIG(",\"minimum_password_complexity\":5"), false, 0},
        {CONFIG(",\"minimum_password_complexity\":-1"), false, 0},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET " API "/site-config", 200, JSON, table[i].body}, VERSION, {0}};

        mas_api_start(&trial, replies);
        open_well();
        assert_int_equal(trial.state.passwords_are_off, table[i].off);
        assert_int_equal(trial.state.password_complexity, table[i].complexity);
        mas_api_end(&trial);
    }
}

TEST(the_mas_of_another_homeserver_is_refused)
{
    static const struct recorded_reply replies[] = {SETTINGS, VERSION, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    trial.connection.server_name = "example.org";
    open_badly(ERROR_INVALID, &error);
    assert_in("hs.test", error.text);
    assert_in("example.org", error.text);
}

TEST(a_server_name_that_is_none_is_refused)
{
    static const char *const bodies[] = {"{}", "{\"server_name\":5}", "{\"server_name\":\"\"}",
        "{\"server_name\":\"a b\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {
            {"GET " API "/site-config", 200, JSON, bodies[i]}, VERSION, {0}};
        struct error error = {0};

        mas_api_start(&trial, replies);
        open_badly(ERROR_PROTOCOL, &error);
        mas_api_end(&trial);
    }
}

TEST(a_version_that_is_none_is_left_out)
{
    static const char *const bodies[] = {"{}", "{\"version\":5}",
        "{\"version\":\"v1.22.0 (evil\\n)\"}",
        "{\"version\":\"v1.22.0.1111111111111111111111111111111111\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {
            SETTINGS, {"GET " API "/version", 200, JSON, bodies[i]}, {0}};

        mas_api_start(&trial, replies);
        open_well();
        assert_string_equal(trial.backend.version, "");
        mas_api_end(&trial);
    }
}

/* 1.3.0 has settings and no version. */
TEST(one_without_a_version_opens)
{
    static const struct recorded_reply replies[] = {
        SETTINGS, {"GET " API "/version", NO_ROUTE}, {0}};

    mas_api_start(&trial, replies);
    open_well();
    assert_string_equal(trial.backend.version, "");
    assert_string_equal(trial.backend.server_name, "hs.test");
}

/* 1.0.0 has neither; its list of users shows that the token is taken. */
TEST(one_without_settings_proves_the_token)
{
    static const struct recorded_reply replies[] = {
        {PROOF, 200, JSON, LIST("")}, {"GET ", NO_ROUTE}, {0}};

    mas_api_start(&trial, replies);
    open_well();
    mas_api_assert_asked("GET " API "/site-config mpt_admin\n" PROOF " mpt_admin\n");
}

TEST(one_without_settings_refuses_a_wrong_token)
{
    static const struct recorded_reply replies[] = {
        {PROOF, 401, JSON, REFUSAL("Access token expired")}, {"GET ", NO_ROUTE}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    open_badly(ERROR_UNAUTHORIZED, &error);
}

TEST(an_api_that_is_switched_off_is_not_opened)
{
    static const struct recorded_reply replies[] = {{"GET ", NO_ROUTE}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    open_badly(ERROR_UNSUPPORTED, &error);
    assert_in("{name: adminapi}", error.text);
    mas_api_assert_asked("GET " API "/site-config mpt_admin\n" PROOF " mpt_admin\n"
                         "GET " API "/users -\n");
}

static int
open_it(void *context, struct error *error)
{
    int result = api_way.open(&trial.backend, error);

    (void)context;
    api_way.close(&trial.backend);
    memory_free(trial.backend.server_name);
    trial.backend.server_name = NULL;
    list_free(&trial.warnings);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {SETTINGS, VERSION, {0}};

    mas_api_start(&trial, replies);
    fail_each_allocation(open_it, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(opening_learns_name_version_and_passwords),
        TRIAL(opening_says_that_a_client_opened_it_and_closing_gives_its_token_back),
        TRIAL(passwords_that_are_off_and_odd_scores_are_read),
        TRIAL(the_mas_of_another_homeserver_is_refused),
        TRIAL(a_server_name_that_is_none_is_refused),
        TRIAL(a_version_that_is_none_is_left_out),
        TRIAL(one_without_a_version_opens),
        TRIAL(one_without_settings_proves_the_token),
        TRIAL(one_without_settings_refuses_a_wrong_token),
        TRIAL(an_api_that_is_switched_off_is_not_opened),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
