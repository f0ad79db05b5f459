/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/mas_logins.h. Answers are MAS 1.22's (crates/handlers/src/compat/). */
#include "support.h"

#include <string.h>

#include "backends/mas/mas_logins.h"
#include "companion_trial.h"

#define LOGGED_IN                                                                          \
    "{\"access_token\": \"mct_secret\", \"device_id\": \"REGISTRAR_PROBE\", "                   \
    "\"user_id\": \"@alice:x\"}"
#define WRONG                                                                              \
    "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Invalid username/password\"}"
#define LIMITED                                                                            \
    "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"error\": \"Too many login attempts\"}"
#define FLOWS                                                                              \
    "{\"flows\": [{\"type\": \"m.login.password\"}, {\"type\": \"m.login.sso\"}, "             \
    "{\"type\": \"m.login.token\"}]}"
#define LOGIN_BODY(device)                                                                 \
    "{\"type\":\"m.login.password\",\"identifier\":{\"type\":\"m.id.user\",\"user\":"           \
    "\"alice\"},\"password\":\"wonderland\",\"initial_device_display_name\":\"Registrar\","     \
    "\"device_id\":\"" device "\"}\n"
#define ASKED_LOGIN(device) "POST " LOGIN " - " LOGIN_BODY(device)
#define ASKED_LOGOUT "POST " LOGOUT " mct_secret\n"

static struct observation observed;
static struct secret password;

static int
begin(void **state)
{
    password = secret_over("wonderland");
    mas_pair_open(state);
    mas_pair_observe(&observed);
    return 0;
}

static int
finish(void **state)
{
    account_free(&observed.account);
    return mas_pair_close(state);
}

/* Says one thing to a login, and lets everybody log out. */
static void
say(int status, const char *body)
{
    struct recorded_reply mas[] = {
        {"POST " LOGIN, 0, NULL, NULL}, {"POST " LOGOUT, 200, NULL, "{}"}, {0}};

    mas[0].status = status;
    mas[0].body = body;
    mas_pair_say(mas, NULL);
}

static void
assert_answer(enum password_answer expected, const char *part)
{
    char why[PASSWORD_WHY_SIZE] = "";
    enum password_answer answer = PASSWORD_DIFFERENT;
    struct error error = {0};

    mas_logins_ask(&pair.backend, &observed, &password, &answer, why, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(answer, expected);
    assert_in(part, why);
}

static void
assert_ask_fails(enum error_kind kind, const char *part)
{
    char why[PASSWORD_WHY_SIZE] = "";
    enum password_answer answer;
    struct error error = {0};

    assert_int_equal(
        mas_logins_ask(&pair.backend, &observed, &password, &answer, why, &error), -1);
    assert_kind(&error, kind);
    assert_in(part, error.text);
    assert_in("database", error.text);
    assert_in("password_probe: false", error.text);
    assert_not_in("wonderland", error.text);
    assert_not_in("access_token", error.text);
}

TEST(a_right_password_logs_in_and_out_again)
{
    say(200, LOGGED_IN);
    assert_answer(PASSWORD_SAME, "");
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_PROBE") ASKED_LOGOUT);
    assert_homeserver_asked("");
    assert_int_equal(pair.warnings.count, 0);
}

/* So does a user who has none, or is none. */
TEST(a_wrong_password_is_another_one)
{
    say(403, WRONG);
    assert_answer(PASSWORD_DIFFERENT, "");
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_PROBE"));
}

/* Both come after the password was right, and a later version may say more. */
TEST(what_a_policy_refuses_cannot_be_told)
{
    static const char *const bodies[] = {
        "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Login denied by the policy enforced by "
        "this service\"}",
        "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"You have reached your hard device limit. "
        "Please visit your account page to sign some out.\"}",
        "{\"errcode\": \"M_FORBIDDEN\"}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        say(403, bodies[i]);
        assert_answer(PASSWORD_CANNOT_TELL, "policy");
    }
}

/* Right or wrong, the answer is the same. */
TEST(a_locked_users_password_cannot_be_told)
{
    say(401, "{\"errcode\": \"M_USER_LOCKED\", \"error\": \"User account has been locked\"}");
    assert_answer(PASSWORD_CANNOT_TELL, "locked");
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_PROBE"));
    account_state_bool(&observed.account, ACCOUNT_LOCKED, true);
    assert_answer(PASSWORD_CANNOT_TELL, "locked");
    assert_mas_asked("");
}

TEST(a_deactivated_users_password_is_not_asked_for)
{
    say(403, WRONG);
    account_state_bool(&observed.account, ACCOUNT_DEACTIVATED, true);
    assert_answer(PASSWORD_CANNOT_TELL, "deactivated");
    assert_mas_asked("");
}

TEST(somebody_elses_session_tells_nothing_and_is_ended)
{
    say(200, "{\"access_token\": \"mct_secret\", \"user_id\": \"@alice:elsewhere\"}");
    assert_answer(PASSWORD_CANNOT_TELL, "another account");
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_PROBE") ASKED_LOGOUT);
}

/* The budget of the trial is 0.1 s, the limit's own pace 20 s. */
TEST(a_limit_on_logins_is_an_error_that_says_how_to_do_without)
{
    say(429, LIMITED);
    assert_ask_fails(ERROR_RATE_LIMITED, "rate_limiting.login");
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_PROBE"));
}

TEST(a_limit_that_names_no_wait_tells_none)
{
    char why[PASSWORD_WHY_SIZE];
    enum password_answer answer;
    struct error error = {0};

    say(429, LIMITED);
    mas_logins_ask(&pair.backend, &observed, &password, &answer, why, &error);
    assert_int_equal(error.retry_after_ms, 0);
    assert_int_equal(error.status, 429);
    assert_string_equal(error.errcode, "M_LIMIT_EXCEEDED");
    assert_in("does not say how long to wait: it may take 20 s", error.text);
}

TEST(passwords_that_are_switched_off_are_an_error)
{
    say(400, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid login type\"}");
    assert_ask_fails(ERROR_UNSUPPORTED, "passwords.enabled");
}

TEST(a_mas_without_logins_is_an_error)
{
    say(404, "<html></html>");
    assert_ask_fails(ERROR_UNSUPPORTED, "\"compat\"");
    say(405, "");
    assert_ask_fails(ERROR_UNSUPPORTED, "\"compat\"");
}

TEST(a_homeserver_that_is_away_behind_mas_is_an_error_that_says_so)
{
    say(500, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Internal server error\"}");
    assert_ask_fails(ERROR_SERVER, "the homeserver behind it is away");
}

TEST(a_login_that_is_none_is_an_error)
{
    static const char *const bodies[] = {"{}", "{\"access_token\": 5}",
        "{\"access_token\": \"mct_secret\"}", "{\"access_token\": \"a b\", \"user_id\": \"@a:x\"}",
        "{\"access_token\": \"mct_secret\", \"user_id\": 5}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        char why[PASSWORD_WHY_SIZE];
        enum password_answer answer;
        struct error error = {0};

        say(200, bodies[i]);
        assert_int_equal(
            mas_logins_ask(&pair.backend, &observed, &password, &answer, why, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        assert_not_in("mct_secret", error.text);
        assert_not_in("wonderland", error.text);
    }
}

TEST(a_session_that_cannot_be_ended_is_told)
{
    static const struct recorded_reply mas[] = {{"POST " LOGIN, 200, NULL, LOGGED_IN},
        {"POST " LOGOUT, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}};

    mas_pair_say(mas, NULL);
    assert_answer(PASSWORD_SAME, "");
    assert_warned("REGISTRAR_PROBE");
    assert_not_warned("mct_secret");
}

/* ---- verify_login ------------------------------------------------------------------ */

static int
may_verify(int status, const char *body, struct error *error)
{
    struct recorded_reply mas[] = {{"GET " LOGIN, 0, NULL, NULL}, {0}};

    mas[0].status = status;
    mas[0].body = body;
    mas_pair_say(mas, NULL);
    memset(error, 0, sizeof(*error));
    return mas_logins_may_verify(&pair.backend, error);
}

TEST(logins_can_be_verified_where_mas_serves_them)
{
    struct error error;

    assert_int_equal(may_verify(200, FLOWS, &error), 0);
    assert_mas_asked("GET " LOGIN " -\n");
    assert_int_equal(may_verify(200, "{\"flows\": [{\"type\": \"m.login.sso\"}]}", &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("verify_login: MAS lets nobody log in with a password", error.text);
    assert_int_equal(may_verify(200, "{\"flows\": {\"type\": 5}}", &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_int_equal(may_verify(404, "<html></html>", &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("\"compat\"", error.text);
    assert_int_equal(may_verify(418, "{}", &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_int_equal(may_verify(200, "hello", &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
}

static int
verify(struct error *error)
{
    memset(error, 0, sizeof(*error));
    return mas_logins_verify(&pair.backend, &observed.account, &password, error);
}

TEST(a_login_is_verified_at_mas_and_used_at_the_homeserver)
{
    static const struct recorded_reply mas[] = {{"POST " LOGIN, 200, NULL, LOGGED_IN},
        {"POST " LOGOUT, 200, NULL, "{}"}, {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@alice:x\"}"}, {0}};
    struct error error;

    mas_pair_say(mas, homeserver);
    assert_int_equal(verify(&error), 0);
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_VERIFY") ASKED_LOGOUT);
    assert_homeserver_asked("GET " WHOAMI " mct_secret\n");
    pair.connection.http.url = NULL;
    assert_int_equal(verify(&error), 0);
    assert_homeserver_asked("");
}

TEST(a_password_that_does_not_open_the_account_fails_verification)
{
    struct error error;

    say(403, WRONG);
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_false(error_ends_list(&error));
    assert_in("update_password is always", error.text);
}

TEST(a_session_that_the_homeserver_refuses_fails_verification)
{
    static const struct recorded_reply mas[] = {{"POST " LOGIN, 200, NULL, LOGGED_IN},
        {"POST " LOGOUT, 200, NULL, "{}"}, {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " WHOAMI, 401, NULL,
            "{\"errcode\": \"M_UNKNOWN_TOKEN\", \"error\": \"mct_secret\"}"},
        {0}};
    struct error error;

    mas_pair_say(mas, homeserver);
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_false(error_ends_list(&error));
    assert_not_in("mct_secret", error.text);
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_VERIFY") ASKED_LOGOUT);
}

TEST(somebody_elses_login_and_a_limit_fail_verification)
{
    struct error error;

    say(200, "{\"access_token\": \"mct_secret\", \"user_id\": \"@bob:x\"}");
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_mas_asked(ASKED_LOGIN("REGISTRAR_VERIFY") ASKED_LOGOUT);
    say(429, LIMITED);
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_in("verify_login: false", error.text);
    say(401, "{\"errcode\": \"M_USER_LOCKED\", \"error\": \"User account has been locked\"}");
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
}

/* ---- Memory ------------------------------------------------------------------------- */

static int
ask_with_little(void *context, struct error *error)
{
    char why[PASSWORD_WHY_SIZE];
    enum password_answer answer = PASSWORD_DIFFERENT;
    int result = mas_logins_ask(&pair.backend, &observed, &password, &answer, why, error);

    (void)context;
    if (result == 0 && answer != PASSWORD_SAME)
        result = error_set(error, ERROR_INTERNAL, "it is the same");
    return mas_pair_or_no_memory(result, error);
}

TEST(a_password_is_told_or_memory_was_short)
{
    say(200, LOGGED_IN);
    fail_each_allocation(ask_with_little, NULL);
}

static int
verify_with_little(void *context, struct error *error)
{
    int result = mas_logins_may_verify(&pair.backend, error);

    (void)context;
    if (result == 0)
        result = mas_logins_verify(&pair.backend, &observed.account, &password, error);
    return mas_pair_or_no_memory(result, error);
}

TEST(a_login_is_verified_or_memory_was_short)
{
    static const struct recorded_reply mas[] = {{"GET " LOGIN, 200, NULL, FLOWS},
        {"POST " LOGIN, 200, NULL, LOGGED_IN}, {"POST " LOGOUT, 200, NULL, "{}"}, {0}};
    static const struct recorded_reply homeserver[] = {{"GET " WHOAMI, 200, NULL, "{}"}, {0}};

    mas_pair_say(mas, homeserver);
    fail_each_allocation(verify_with_little, NULL);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        CASE(a_right_password_logs_in_and_out_again),
        CASE(a_wrong_password_is_another_one),
        CASE(what_a_policy_refuses_cannot_be_told),
        CASE(a_locked_users_password_cannot_be_told),
        CASE(a_deactivated_users_password_is_not_asked_for),
        CASE(somebody_elses_session_tells_nothing_and_is_ended),
        CASE(a_limit_on_logins_is_an_error_that_says_how_to_do_without),
        CASE(a_limit_that_names_no_wait_tells_none),
        CASE(passwords_that_are_switched_off_are_an_error),
        CASE(a_mas_without_logins_is_an_error),
        CASE(a_homeserver_that_is_away_behind_mas_is_an_error_that_says_so),
        CASE(a_login_that_is_none_is_an_error),
        CASE(a_session_that_cannot_be_ended_is_told),
        CASE(logins_can_be_verified_where_mas_serves_them),
        CASE(a_login_is_verified_at_mas_and_used_at_the_homeserver),
        CASE(a_password_that_does_not_open_the_account_fails_verification),
        CASE(a_session_that_the_homeserver_refuses_fails_verification),
        CASE(somebody_elses_login_and_a_limit_fail_verification),
        CASE(a_password_is_told_or_memory_was_short),
        CASE(a_login_is_verified_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("logins at MAS", tests, mas_pair_serve,
        mas_pair_serve_no_more);
}
