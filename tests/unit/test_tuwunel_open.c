/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/tuwunel/served.h: what a server is recognised by, and what is refused at once;
 * tuwunel_rules.h. Statuses and codes are tuwunel 1.9.0's (src/api/router.rs,
 * src/api/client/admin/get_nonce.rs). */
#include <string.h>

#include "tuwunel_trial.h"

TEST(a_token_opens_it_after_a_look_at_what_is_served)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, {0}};
    struct error error = {0};

    tuwunel_start_with_token(replies);
    synapse_open(&tuwunel, &error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("GET " OWN_VERSION " -\nGET /_synapse/admin/v2/users -\nGET " REGISTER
                         " -\nGET " WHOAMI " syt_admin\n");
    assert_string_equal(tuwunel.backend->version, "1.9.0");
    assert_string_equal(tuwunel.backend->authenticated_by, "access_token");
}

static enum error_kind
open_refused(const struct recorded_reply *replies, const char *part, const char *other)
{
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    assert_int_equal(synapse_open(&tuwunel, &error), -1);
    assert_in(part, error.text);
    assert_in(other, error.text);
    return error.kind;
}

/* 1.7.0 to 1.8.0 have the registration alone. */
TEST(a_version_without_the_admin_api_is_refused_with_the_version_that_has_it)
{
    static const struct recorded_reply replies[] = {
        {"GET " OWN_VERSION, 200, NULL, "{\"name\": \"Tuwunel\", \"version\": \"1.8.0\"}"},
        {"GET /_synapse/admin/v2/users", 404, NULL, UNRECOGNIZED},
        {"GET " REGISTER, 200, NULL, "{\"nonce\": \"abcd\"}"}, {0}};

    assert_int_equal(open_refused(replies, "tuwunel 1.8.0", "1.8.1"), ERROR_UNSUPPORTED);
    assert_null(strstr(synapse_asked(), REGISTER));
}

TEST(what_has_not_even_tuwunels_own_path_is_refused_as_none)
{
    static const struct recorded_reply replies[] = {
        {"GET " OWN_VERSION, 404, NULL, UNRECOGNIZED},
        {"GET /_synapse/admin/v2/users", 404, NULL, UNRECOGNIZED}, {0}};

    assert_int_equal(open_refused(replies, "no tuwunel", "1.8.1"), ERROR_UNSUPPORTED);
}

TEST(a_version_that_is_none_is_not_taken_for_one)
{
    static const char *const bodies[] = {"{\"version\": \"1.9.0 <b>\"}", "{\"version\": 5}",
        "{}", "{\"version\": \"\"}", "<html>",
        "{\"version\": \"1.9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {
            {"GET " OWN_VERSION, 200, NULL, bodies[i]}, TUWUNEL_OPENING, {0}};

        tuwunel_start_with_token(replies);
        tuwunel_open();
        assert_string_equal(tuwunel.backend->version, "");
        tuwunel_end(NULL);
    }
}

/* mas_secret is set: the routes of registration are gone, those of users are not. */
TEST(with_mas_it_is_refused_whatever_is_given)
{
    static const struct recorded_reply replies[] = {
        {"GET " REGISTER, 404, NULL, UNRECOGNIZED}, TUWUNEL_OPENING, {0}};
    struct error error = {0};

    assert_int_equal(open_refused(replies, "Matrix Authentication Service", "mas_secret"),
        ERROR_UNSUPPORTED);
    tuwunel_end(NULL);
    tuwunel_start_with_token(replies);
    assert_int_equal(synapse_open(&tuwunel, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
}

/* A proxy's own pages are none of the server's. */
TEST(behind_a_proxy_that_does_not_pass_the_admin_api_on_the_cure_is_told)
{
    static const struct recorded_reply replies[] = {
        {"GET " OWN_VERSION, 404, NULL, "404 page not found"},
        {"GET /_synapse/admin", 404, NULL, "404 page not found"}, {0}};

    assert_int_equal(open_refused(replies, "reverse proxy",
                         "matrix_tuwunel_container_labels_public_client_synapse_admin_api_enabled"),
        ERROR_UNSUPPORTED);
}

TEST(who_gives_nothing_that_takes_the_admin_api_may_be_behind_that_proxy)
{
    static const struct recorded_reply replies[] = {
        {"GET /_synapse/admin", 404, NULL, "404 page not found"}, {0}};

    tuwunel_start_with_nothing(replies);
    tuwunel_open();
    assert_string_equal(tuwunel.backend->authenticated_by, "password");
}

static const struct recorded_reply secretless[] = {
    {"GET " REGISTER, 400, NULL,
        REFUSED("M_UNKNOWN", "Shared-secret registration is not enabled")},
    TUWUNEL_OPENING, {0}};

TEST(that_the_server_has_no_secret_names_what_to_set)
{
    assert_int_equal(open_refused(secretless, "TUWUNEL_REGISTRATION_SHARED_SECRET",
                         "matrix_tuwunel_environment_variables_extension"),
        ERROR_UNSUPPORTED);
}

TEST(that_the_server_has_no_secret_is_fine_with_an_administrator)
{
    tuwunel_start_with_both(secretless);
    tuwunel_open();
    assert_int_equal(tuwunel.backend->authority, AUTHORITY_ADMINISTRATOR);
}

/* ---- What is refused of an account ---- */

static enum error_kind
vet(const char *part)
{
    struct error error = {0};
    int result = tuwunel.backend->type->vet(tuwunel.backend, &tuwunel_wanted, &error);

    assert_int_equal(result, error.kind == ERROR_NONE ? 0 : -1);
    assert_in(part, error.text);
    return error.kind;
}

/* A registration takes 512 bytes (src/api/client/admin/register.rs, check_field); "*" is
 * stored as "no password" (src/service/users/mod.rs). */
TEST(passwords_that_tuwunel_means_something_else_by_are_refused)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, {0}};
    const struct secret with_nul = {(char[]){'a', '\0', 'b', '\0'}, 3};
    char longest[514];
    struct error error = {0};

    memset(longest, 'x', sizeof(longest));
    longest[512] = '\0';
    tuwunel_start_with_secret(replies);
    tuwunel_open();
    assert_int_equal(vet(""), ERROR_NONE);
    tuwunel_want_password("*");
    assert_int_equal(vet("\"*\""), ERROR_INVALID);
    tuwunel_want_password("**");
    assert_int_equal(vet(""), ERROR_NONE);
    tuwunel_want_password("");
    assert_int_equal(vet("empty"), ERROR_INVALID);
    tuwunel_want_password(longest);
    assert_int_equal(vet(""), ERROR_NONE);
    longest[512] = 'x';
    longest[513] = '\0';
    tuwunel_want_password(longest);
    assert_int_equal(vet("512"), ERROR_INVALID);
    assert_int_equal(account_state_password(&tuwunel_wanted, &with_nul, &error), 0);
    assert_int_equal(vet("NUL"), ERROR_INVALID);
    synapse_assert_asked("");
}

TEST(the_servers_own_user_is_never_a_target)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, {0}};
    struct error error = {0};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    assert_int_equal(account_name(&tuwunel_wanted, "@conduit:x", "conduit", &error), 0);
    account_state_bool(&tuwunel_wanted, ACCOUNT_DEACTIVATED, true);
    assert_int_equal(vet("server's own user"), ERROR_POLICY);
    assert_int_equal(account_name(&tuwunel_wanted, "@conduit2:x", "conduit2", &error), 0);
    assert_int_equal(vet(""), ERROR_NONE);
}

TEST(the_service_account_can_only_be_ended)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, {0}};
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    assert_int_equal(account_name(&tuwunel_wanted, "@svc:x", "svc", &error), 0);
    assert_int_equal(vet("service_account"), ERROR_POLICY);
    account_state_bool(&tuwunel_wanted, ACCOUNT_DEACTIVATED, true);
    assert_int_equal(vet(""), ERROR_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TUWUNEL_TRIAL(a_token_opens_it_after_a_look_at_what_is_served),
        TUWUNEL_TRIAL(a_version_without_the_admin_api_is_refused_with_the_version_that_has_it),
        TUWUNEL_TRIAL(what_has_not_even_tuwunels_own_path_is_refused_as_none),
        cmocka_unit_test(a_version_that_is_none_is_not_taken_for_one),
        TUWUNEL_TRIAL(with_mas_it_is_refused_whatever_is_given),
        TUWUNEL_TRIAL(behind_a_proxy_that_does_not_pass_the_admin_api_on_the_cure_is_told),
        TUWUNEL_TRIAL(who_gives_nothing_that_takes_the_admin_api_may_be_behind_that_proxy),
        TUWUNEL_TRIAL(that_the_server_has_no_secret_names_what_to_set),
        TUWUNEL_TRIAL(that_the_server_has_no_secret_is_fine_with_an_administrator),
        TUWUNEL_TRIAL(passwords_that_tuwunel_means_something_else_by_are_refused),
        TUWUNEL_TRIAL(the_servers_own_user_is_never_a_target),
        TUWUNEL_TRIAL(the_service_account_can_only_be_ended),
    };

    return cmocka_run_group_tests_name("tuwunel, opening", tests, synapse_serve,
        synapse_serve_no_more);
}
