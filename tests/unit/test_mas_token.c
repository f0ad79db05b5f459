/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/token.h: one token a run, by the answers of MAS 1.22.0. */
#include "mas_api_trial.h"

#include <stdio.h>

#include "backends/mas/token.h"

#define SECRET "p+ss %:/x"
#define ASKED "grant_type=client_credentials&scope=urn%3Amas%3Aadmin"
#define IN_BODY "&client_id=" ID "&client_secret=p%2Bss%20%25%3A%2Fx"
/* base64 of "<ID>:p+ss %:/x", by Python's base64 */
#define BASIC                                                                              \
    "Authorization: Basic MDFNODRINEswWEZER0pGU0ZaMEFTRFQyQTE6cCtzcyAlOi94\r\n"

#define GIVEN(token, seconds)                                                              \
    JSON, "{\"access_token\":\"" token "\",\"token_type\":\"Bearer\",\"expires_in\":" seconds \
          ",\"scope\":\"urn:mas:admin\"}"
#define GIVES(token, seconds) {"POST " TOKEN, 200, GIVEN(token, seconds)}
#define GIVES_ONCE(token, seconds)                                                         \
    {"POST " TOKEN, RECORDED_ONCE + 200, GIVEN(token, seconds)}
#define NO_CLIENT                                                                          \
    JSON, "{\"error\":\"invalid_client\",\"error_description\":\"Client authentication "   \
          "failed.\"}"
#define REVOKED {"POST " REVOKE, 200, NULL, ""}

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
need_well(const char *token)
{
    struct error error = {0};

    token_need(&trial.backend, &error);
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(trial.state.token.bytes, token);
}

static void
need_badly(struct error *error, enum error_kind kind)
{
    assert_int_equal(token_need(&trial.backend, error), -1);
    assert_kind(error, kind);
    assert_false(secret_given(&trial.state.token));
    assert_not_in("p+ss", error->text);
    assert_not_in("p%2Bss", error->text);
    assert_not_in("cCtzcyAlOi94", error->text);
}

/* MAS compares the credentials as they are sent. */
TEST(a_client_authenticates_itself_without_encoding_its_secret_first)
{
    static const struct recorded_reply replies[] = {GIVES("mat_1", "300"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    assert_in(BASIC, mas_api_request());
    assert_in("Content-Type: application/x-www-form-urlencoded\r\n", mas_api_request());
    mas_api_assert_asked("POST " TOKEN " - " ASKED "\n");
    assert_true(trial.state.token_is_ours);
    assert_false(trial.state.sends_secret_in_body);
}

TEST(a_client_that_has_to_say_its_secret_in_the_body_is_understood)
{
    static const struct recorded_reply replies[] = {
        {"POST " TOKEN, RECORDED_ONCE + 401, NO_CLIENT}, GIVES("mat_1", "300"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    assert_not_in("Authorization", mas_api_request());
    mas_api_assert_asked("POST " TOKEN " - " ASKED "\nPOST " TOKEN " - " ASKED IN_BODY "\n");
    token_close(&trial.backend);
    mas_api_assert_asked("POST " REVOKE " - token=mat_1" IN_BODY "\n");
    need_well("mat_1");
    mas_api_assert_asked("POST " TOKEN " - " ASKED IN_BODY "\n");
}

TEST(a_configuration_that_says_how_spares_the_first_try)
{
    static const struct recorded_reply replies[] = {GIVES("mat_1", "300"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    trial.connection.mas.sends_secret_in_body = true;
    need_well("mat_1");
    mas_api_assert_asked("POST " TOKEN " - " ASKED IN_BODY "\n");
}

TEST(a_wrong_client_is_told_where_its_secret_stands)
{
    static const struct recorded_reply replies[] = {{"POST " TOKEN, 401, NO_CLIENT}, {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_badly(&error, ERROR_UNAUTHORIZED);
    mas_api_assert_asked("POST " TOKEN " - " ASKED "\nPOST " TOKEN " - " ASKED IN_BODY "\n");
    assert_int_equal(error.status, 401);
    assert_true(error_ends_list(&error));
    assert_in("Client authentication failed.", error.text);
    assert_in("mas_client_secret", error.text);
    assert_in("matrix_authentication_service_config_clients_custom", error.text);
}

TEST(a_client_that_may_not_administrate_is_told_where_to_list_it)
{
    static const struct recorded_reply replies[] = {
        {"POST " TOKEN, 403, JSON,
            "{\"error\":\"invalid_scope\",\"error_description\":\"scope 'urn:mas:admin' not "
            "allowed\"}"},
        {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_badly(&error, ERROR_FORBIDDEN);
    mas_api_assert_asked("POST " TOKEN " - " ASKED "\n");
    assert_in("add " ID " to policy.data.admin_clients", error.text);
    assert_in("matrix_authentication_service_configuration_extension_yaml", error.text);
}

TEST(an_address_without_a_token_endpoint_is_told_what_it_has_to_be)
{
    static const struct recorded_reply replies[] = {{"POST " TOKEN, NO_ROUTE}, {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_badly(&error, ERROR_PROTOCOL);
    assert_in("mas_url", error.text);
    assert_in("mas_admin_url", error.text);
}

TEST(a_refusal_that_echoes_the_secret_is_shown_without_it)
{
    static const struct recorded_reply replies[] = {
        {"POST " TOKEN, 400, JSON,
            "{\"error\":\"invalid_request\",\"error_description\":\"got p+ss %:/x and "
            "p%2Bss%20%25%3A%2Fx\"}"},
        {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_badly(&error, ERROR_INVALID);
    assert_in("invalid_request: got ******** and ********", error.text);
}

TEST(without_a_credential_it_says_which_there_are)
{
    static const struct recorded_reply replies[] = {{0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    trial.connection.mas.client_id = NULL;
    need_badly(&error, ERROR_UNAUTHORIZED);
    assert_in("mas_client_id with mas_client_secret, or mas_token", error.text);
    mas_api_assert_asked("");
}

TEST(a_token_is_had_once)
{
    static const struct recorded_reply replies[] = {GIVES("mat_1", "300"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    mas_api_asked();
    need_well("mat_1");
    mas_api_assert_asked("");
}

TEST(a_token_without_an_end_is_kept)
{
    static const struct recorded_reply replies[] = {
        {"POST " TOKEN, 200, JSON, "{\"access_token\":\"mat_1\",\"token_type\":\"bearer\"}"},
        REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    assert_int_equal(trial.state.token_ends_ms, 0);
    mas_api_asked();
    need_well("mat_1");
    mas_api_assert_asked("");
}

TEST(a_token_that_is_about_to_end_is_renewed_and_revoked)
{
    static const struct recorded_reply replies[] = {
        GIVES_ONCE("mat_1", "5"), GIVES("mat_2", "300"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    mas_api_asked();
    need_well("mat_2");
    mas_api_assert_asked("POST " TOKEN " - " ASKED "\nPOST " REVOKE " - token=mat_1\n");
}

TEST(the_one_before_is_kept_for_its_revocation_when_there_is_no_new_one)
{
    static const struct recorded_reply replies[] = {GIVES_ONCE("mat_1", "5"),
        {"POST " TOKEN, 401, NO_CLIENT}, REVOKED, {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    assert_int_equal(token_need(&trial.backend, &error), -1);
    mas_api_asked();
    token_close(&trial.backend);
    mas_api_assert_asked("POST " REVOKE " - token=mat_1\n");
    assert_in(BASIC, mas_api_request());
}

TEST(a_token_that_was_given_is_neither_asked_for_nor_revoked)
{
    static const struct recorded_reply replies[] = {{0}};

    mas_api_start(&trial, replies);
    need_well("mpt_admin");
    assert_false(trial.state.token_is_ours);
    token_close(&trial.backend);
    assert_false(secret_given(&trial.state.token));
    mas_api_assert_asked("");
}

TEST(a_token_that_was_given_cannot_smuggle_in_a_header)
{
    static const struct recorded_reply replies[] = {{0}};
    const struct secret token = secret_over("mpt_1\r\nX-Evil: 1");
    struct error error = {0};

    mas_api_start(&trial, replies);
    trial.connection.mas.token = &token;
    need_badly(&error, ERROR_INVALID);
    assert_not_in("Evil", error.text);
}

TEST(a_token_that_was_given_cannot_be_renewed)
{
    static const struct recorded_reply replies[] = {{0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    need_well("mpt_admin");
    assert_int_equal(token_renew(&trial.backend, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_true(error_ends_list(&error));
    mas_api_assert_asked("");
}

TEST(an_answer_that_makes_no_sense_is_no_token)
{
    static const char *const bodies[] = {
        "{}",
        "{\"access_token\":5,\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"mat_1\"}",
        "{\"access_token\":\"mat 1\",\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"mat_1\\r\\nX-Evil: 1\",\"token_type\":\"Bearer\"}",
        "{\"access_token\":\"mat_1\",\"token_type\":\"mac\"}",
        "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\",\"expires_in\":\"300\"}",
        "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\",\"expires_in\":0}",
        "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\",\"expires_in\":-1}",
        "[]",
        "",
    };

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {
            {"POST " TOKEN, 200, JSON, bodies[i]}, REVOKED, {0}};
        struct error error = {0};

        mas_api_start_with_client(&trial, SECRET, replies);
        need_badly(&error, ERROR_PROTOCOL);
        mas_api_end(&trial);
    }
}

/* Asked without a scope, MAS gives a token that opens nothing, and says no scope. */
TEST(a_token_without_the_scope_is_revoked_at_once)
{
    static const char *const scopes[] = {
        "\"openid\"", "\"\"", "\"urn:mas:administrator\"", "5"};

    for (size_t i = 0; i < COUNT(scopes); i++) {
        char body[200];
        const struct recorded_reply replies[] = {
            {"POST " TOKEN, 200, JSON, body}, REVOKED, {0}};
        struct error error = {0};

        snprintf(body, sizeof(body),
            "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\",\"scope\":%s}", scopes[i]);
        mas_api_start_with_client(&trial, SECRET, replies);
        need_badly(&error, ERROR_FORBIDDEN);
        mas_api_assert_asked("POST " TOKEN " - " ASKED "\nPOST " REVOKE " - token=mat_1\n");
        mas_api_end(&trial);
    }
}

TEST(a_life_beyond_reason_is_as_good_as_endless)
{
    static const struct recorded_reply replies[] = {
        GIVES("mat_1", "9223372036854775807"), REVOKED, {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_1");
    assert_int_equal(trial.state.token_ends_ms, 0);
}

TEST(a_token_that_cannot_be_revoked_is_told)
{
    static const struct recorded_reply replies[] = {GIVES("mat_secret", "300"),
        {"POST " REVOKE, 401, JSON,
            "{\"error\":\"unauthorized_client\",\"error_description\":\"not mat_secret's\"}"},
        {0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    need_well("mat_secret");
    token_close(&trial.backend);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("could not be revoked", trial.warnings.items[0]);
    assert_in("401", trial.warnings.items[0]);
    assert_not_in("mat_secret", trial.warnings.items[0]);
}

TEST(closing_without_a_token_asks_nothing)
{
    static const struct recorded_reply replies[] = {{0}};

    mas_api_start_with_client(&trial, SECRET, replies);
    token_close(&trial.backend);
    mas_api_assert_asked("");
    assert_int_equal(trial.warnings.count, 0);
}

static int
have_and_close(void *context, struct error *error)
{
    int result;

    (void)context;
    mas_api_say((const struct recorded_reply[]){
        GIVES_ONCE("mat_1", "5"), GIVES("mat_2", "300"), REVOKED, {0}});
    result = token_need(&trial.backend, error);
    if (result == 0)
        result = token_need(&trial.backend, error);
    token_close(&trial.backend);
    list_free(&trial.warnings);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply nothing[] = {{0}};

    mas_api_start_with_client(&trial, SECRET, nothing);
    fail_each_allocation(have_and_close, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_client_authenticates_itself_without_encoding_its_secret_first),
        TRIAL(a_client_that_has_to_say_its_secret_in_the_body_is_understood),
        TRIAL(a_configuration_that_says_how_spares_the_first_try),
        TRIAL(a_wrong_client_is_told_where_its_secret_stands),
        TRIAL(a_client_that_may_not_administrate_is_told_where_to_list_it),
        TRIAL(an_address_without_a_token_endpoint_is_told_what_it_has_to_be),
        TRIAL(a_refusal_that_echoes_the_secret_is_shown_without_it),
        TRIAL(without_a_credential_it_says_which_there_are),
        TRIAL(a_token_is_had_once),
        TRIAL(a_token_without_an_end_is_kept),
        TRIAL(a_token_that_is_about_to_end_is_renewed_and_revoked),
        TRIAL(the_one_before_is_kept_for_its_revocation_when_there_is_no_new_one),
        TRIAL(a_token_that_was_given_is_neither_asked_for_nor_revoked),
        TRIAL(a_token_that_was_given_cannot_smuggle_in_a_header),
        TRIAL(a_token_that_was_given_cannot_be_renewed),
        TRIAL(an_answer_that_makes_no_sense_is_no_token),
        TRIAL(a_token_without_the_scope_is_revoked_at_once),
        TRIAL(a_life_beyond_reason_is_as_good_as_endless),
        TRIAL(a_token_that_cannot_be_revoked_is_told),
        TRIAL(closing_without_a_token_asks_nothing),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
