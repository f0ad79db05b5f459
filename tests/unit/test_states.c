/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/states.h, and what own.h makes of it: what "register/available"
 * and a login tell of an account.
 */
#include "family_trial.h"

#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/homeserver/own.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"

static struct family_trial trial;
static struct observation observed;
static enum password_answer answer;
static char why[PASSWORD_WHY_SIZE];

static void
begin(const struct recorded_reply *replies)
{
    family_start(&trial, replies);
    family_connect_well(&trial);
    family_observe_alice(&observed);
}

static void
begin_with(const char *path, int status, const char *body)
{
    const struct recorded_reply replies[] = {
        {path, status, NULL, body}, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
}

static int
clean_up(void **state)
{
    (void)state;
    family_close(&trial);
    account_free(&observed.account);
    memset(&observed, 0, sizeof(observed));
    why[0] = '\0';
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* What servers of the family say to a login: Conduit 0.10.12 repeats the code in its
 * words, and says the same of who is absent and of a wrong password. */
#define WRONG                                                                              \
    "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"M_FORBIDDEN: Wrong username or password.\"}"
#define ABSENT "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"This account does not exist.\"}"
#define DEACTIVATED "{\"errcode\": \"M_USER_DEACTIVATED\", \"error\": \"It is deactivated\"}"
#define LOCKED "{\"errcode\": \"M_USER_LOCKED\", \"error\": \"Locked\", \"soft_logout\": true}"
#define DISABLED                                                                           \
    "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"This account is not permitted to log in.\"}"
#define EXCLUSIVE "{\"errcode\": \"M_EXCLUSIVE\", \"error\": \"M_EXCLUSIVE: Reserved.\"}"

/* ---- Whether a name is taken ------------------------------------------------------------- */

static int
ask_name(struct error *error)
{
    return states_ask_whether_taken(&trial.backend, &observed, error);
}

TEST(a_name_is_taken_or_free_and_one_that_no_account_can_have_is_free)
{
    static const struct {
        int status;
        const char *body;
        enum presence presence;
    } table[] = {
        {200, "{\"available\": true}", PRESENCE_ABSENT},
        {400, "{\"errcode\": \"M_USER_IN_USE\"}", PRESENCE_PRESENT},
        {400, "{\"errcode\": \"M_INVALID_USERNAME\"}", PRESENCE_ABSENT},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin_with("GET " FAMILY_AVAILABLE "alice", table[i].status, table[i].body);
        assert_int_equal(ask_name(&error), 0);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(observed.presence, table[i].presence);
        family_assert_asked("GET " FAMILY_AVAILABLE "alice -\n");
        clean_up(NULL);
    }
}

TEST(a_name_that_is_reserved_or_forbidden_is_against_a_rule)
{
    static const struct {
        int status;
        const char *body, *words;
    } table[] = {
        {400, EXCLUSIVE, "in the namespace of an application service"},
        {403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Username is forbidden\"}",
            "forbids this name (forbidden_usernames)"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin_with("GET " FAMILY_AVAILABLE "alice", table[i].status, table[i].body);
        assert_int_equal(ask_name(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        assert_in(table[i].words, error.text);
        assert_in("the name alice", error.text);
        clean_up(NULL);
    }
}

/* Nothing may be made or changed under a name of which nobody knows. */
TEST(an_answer_that_is_none_of_these_is_an_error)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {404, "{\"errcode\": \"M_UNRECOGNIZED\"}", ERROR_UNSUPPORTED},
        {404, "<html>", ERROR_PROTOCOL},
        {400, "{\"errcode\": \"M_FORBIDDEN\"}", ERROR_FORBIDDEN},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER},
        {200, "[]", ERROR_PROTOCOL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin_with("GET " FAMILY_AVAILABLE, table[i].status, table[i].body);
        assert_int_equal(ask_name(&error), -1);
        assert_kind(&error, table[i].kind);
        assert_int_not_equal(observed.presence, PRESENCE_PRESENT);
        clean_up(NULL);
    }
}

TEST(a_name_is_asked_for_percent_encoded)
{
    struct error error = {0};

    begin_with("GET /", 200, "{\"available\": true}");
    account_free(&observed.account);
    assert_int_equal(account_name(&observed.account, NULL, "a/b=c+d&e", &error), 0);
    assert_int_equal(ask_name(&error), 0);
    family_assert_asked("GET " FAMILY_AVAILABLE "a%2Fb%3Dc%2Bd%26e -\n");
}

/* ---- What a login says ------------------------------------------------------------------- */

static const struct {
    int status;
    const char *body;
    enum states_login login;
} logins[] = {
    {200, "{\"user_id\": \"@alice:x\", \"access_token\": \"own\"}", STATES_OPENED},
    {403, WRONG, STATES_WRONG},
    {404, ABSENT, STATES_ABSENT},
    {403, DEACTIVATED, STATES_DEACTIVATED},
    {401, LOCKED, STATES_LOCKED},
    {403, DISABLED, STATES_DISABLED},
};

TEST(a_login_says_what_the_account_is)
{
    const struct secret password = secret_over("Passw0rd");

    for (size_t i = 0; i < COUNT(logins); i++) {
        struct session session = {0};
        enum states_login login;
        struct error error = {0};

        begin_with("POST " FAMILY_LOGIN, logins[i].status, logins[i].body);
        assert_int_equal(
            states_log_in(&trial.backend, "alice", &password, &session, &login, &error), 0);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(login, logins[i].login);
        assert_true(session.is_ours == (login == STATES_OPENED));
        family_assert_asked(
            "POST " FAMILY_LOGIN " - " FAMILY_LOGIN_BODY("alice", "Passw0rd") "\n");
        client_logout(&trial.backend.matrix, &session, NULL);
        clean_up(NULL);
    }
}

TEST(an_account_of_an_application_service_is_against_a_rule)
{
    const struct secret password = secret_over("Passw0rd");
    struct session session = {0};
    enum states_login login;
    struct error error = {0};

    begin_with("POST " FAMILY_LOGIN, 400, EXCLUSIVE);
    assert_int_equal(
        states_log_in(&trial.backend, "@_irc:x", &password, &session, &login, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("@_irc:x is in the namespace of an application service", error.text);
    assert_int_equal(error.status, 400);
}

/* continuwuity with OAuth alone (oauth.compatibility_mode). */
TEST(a_server_without_password_logins_is_not_one_without_the_account)
{
    const struct secret password = secret_over("Passw0rd");
    struct session session = {0};
    enum states_login login;
    struct error error = {0};

    begin_with("POST " FAMILY_LOGIN, 404, "{\"errcode\": \"M_UNRECOGNIZED\"}");
    assert_int_equal(
        states_log_in(&trial.backend, "alice", &password, &session, &login, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("no password login", error.text);
}

TEST(a_probe_tells_what_a_login_does_and_leaves_nothing)
{
    for (size_t i = 0; i < COUNT(logins); i++) {
        enum states_login login;
        struct error error = {0};

        if (logins[i].login == STATES_OPENED)
            continue;
        begin_with("POST " FAMILY_LOGIN, logins[i].status, logins[i].body);
        assert_int_equal(states_probe(&trial.backend, "alice", &login, &error), 0);
        assert_int_equal(login, logins[i].login);
        clean_up(NULL);
    }
}

/* 32 bytes are 44 characters. */
TEST(a_probes_password_is_long_and_another_each_time)
{
    static const char before[] = "\"password\":\"";
    char passwords[2][64];

    for (size_t i = 0; i < COUNT(passwords); i++) {
        enum states_login login;
        struct error error = {0};
        const char *log, *start;

        begin_with("POST " FAMILY_LOGIN, 403, WRONG);
        assert_int_equal(states_probe(&trial.backend, "alice", &login, &error), 0);
        log = family_asked();
        start = strstr(log, before);
        assert_non_null(start);
        start += strlen(before);
        assert_int_equal(strcspn(start, "\""), 44);
        snprintf(passwords[i], sizeof(passwords[i]), "%.44s", start);
        clean_up(NULL);
    }
    assert_string_not_equal(passwords[0], passwords[1]);
}

TEST(a_server_that_lets_a_probe_in_is_not_believed)
{
    static const struct recorded_reply replies[] = {FAMILY_LOGGED_IN, FAMILY_LOGGED_OUT, {0}};
    enum states_login login;
    struct error error = {0};

    begin(replies);
    assert_int_equal(states_probe(&trial.backend, "alice", &login, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("POST " FAMILY_LOGOUT " own\n", family_asked());
}

/* ---- Asking about a password --------------------------------------------------------------- */

static int
ask(struct error *error)
{
    const struct secret password = secret_over("Passw0rd");

    return own_ask(&trial.backend, &observed, &password, &answer, why, error);
}

TEST(what_lets_nobody_in_leaves_the_password_open)
{
    static const struct {
        int status;
        const char *body, *why;
        enum password_answer answer;
        unsigned stated;
    } table[] = {
        {403, WRONG, "", PASSWORD_DIFFERENT, 0},
        {404, ABSENT, "", PASSWORD_DIFFERENT, 0},
        {403, DEACTIVATED, "it is deactivated", PASSWORD_CANNOT_TELL,
            ACCOUNT_BIT(ACCOUNT_DEACTIVATED)},
        {401, LOCKED, "it is locked", PASSWORD_CANNOT_TELL, ACCOUNT_BIT(ACCOUNT_LOCKED)},
        {403, DISABLED, "its logins are switched off", PASSWORD_CANNOT_TELL, 0},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin_with("POST " FAMILY_LOGIN, table[i].status, table[i].body);
        assert_int_equal(ask(&error), 0);
        assert_kind(&error, ERROR_NONE);
        assert_int_equal(answer, table[i].answer);
        assert_in(table[i].why, why);
        assert_int_equal(observed.account.stated, table[i].stated);
        assert_int_equal(account_is(&observed.account, ACCOUNT_DEACTIVATED),
            (table[i].stated & ACCOUNT_BIT(ACCOUNT_DEACTIVATED)) != 0);
        assert_false(own_is_open(&trial.backend));
        clean_up(NULL);
    }
}

/* tuwunel 1.9.0 looks at the password first. */
TEST(where_only_the_right_password_is_told_of_a_lock_it_is_the_right_one)
{
    struct error error = {0};

    begin_with("POST " FAMILY_LOGIN, 401, LOCKED);
    trial.dialect.locks_behind_password = true;
    assert_int_equal(ask(&error), 0);
    assert_int_equal(answer, PASSWORD_SAME);
    assert_true(account_is(&observed.account, ACCOUNT_LOCKED));
    assert_false(own_is_open(&trial.backend));
}

TEST(the_right_password_opens_it_on_the_device_that_is_always_the_same)
{
    static const struct recorded_reply replies[] = {FAMILY_LOGGED_IN, FAMILY_LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(ask(&error), 0);
    assert_int_equal(answer, PASSWORD_SAME);
    assert_true(own_is_open(&trial.backend));
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    family_assert_asked(
        "POST " FAMILY_LOGIN " - " FAMILY_LOGIN_BODY("@alice:x", "Passw0rd") "\n");
    own_end(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT " own\n");
}

TEST(another_account_that_is_logged_in_proves_nothing)
{
    struct error error = {0};

    begin_with("POST " FAMILY_LOGIN, 200,
        "{\"user_id\": \"@bob:x\", \"access_token\": \"own\"}");
    assert_int_equal(ask(&error), 0);
    assert_int_equal(answer, PASSWORD_CANNOT_TELL);
    assert_in("another account", why);
}

/* Without such a device, nothing is read from a refusal but that it is one. */
TEST(other_homeservers_refuse_as_they_did)
{
    struct error error = {0};

    begin_with("POST " FAMILY_LOGIN, 403, DEACTIVATED);
    trial.dialect.login_device = NULL;
    assert_int_equal(ask(&error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_not_in("device_id", family_asked());
}

/* ---- Memory -------------------------------------------------------------------------------- */

/* libcurl leaves out a query that it has no memory for. */
static int
all_again(void *context, struct error *error)
{
    static const struct recorded_reply replies[] = {
        {"GET " FAMILY_REGISTER "/available", 400, NULL, EXCLUSIVE}, FAMILY_LOGGED_IN,
        FAMILY_LOGGED_OUT, {0}};
    enum states_login login;
    struct error expected = {0};
    int result;

    (void)context;
    family_start(&trial, replies);
    result = family_connect(&trial, error);
    if (result == 0)
        result = account_name(&observed.account, NULL, "alice", error);
    if (result == 0 && ask_name(&expected) == -1 && expected.kind != ERROR_POLICY) {
        *error = expected;
        result = -1;
    }
    if (result == 0)
        result = ask(error);
    if (result == 0) {
        memset(&expected, 0, sizeof(expected));
        if (states_probe(&trial.backend, "alice", &login, &expected) == -1 &&
            expected.kind != ERROR_PROTOCOL) {
            *error = expected;
            result = -1;
        }
    }
    clean_up(NULL);
    return family_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    fail_each_allocation(all_again, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_name_is_taken_or_free_and_one_that_no_account_can_have_is_free),
        TRIAL(a_name_that_is_reserved_or_forbidden_is_against_a_rule),
        TRIAL(an_answer_that_is_none_of_these_is_an_error),
        TRIAL(a_name_is_asked_for_percent_encoded),
        TRIAL(a_login_says_what_the_account_is),
        TRIAL(an_account_of_an_application_service_is_against_a_rule),
        TRIAL(a_server_without_password_logins_is_not_one_without_the_account),
        TRIAL(a_probe_tells_what_a_login_does_and_leaves_nothing),
        TRIAL(a_probes_password_is_long_and_another_each_time),
        TRIAL(a_server_that_lets_a_probe_in_is_not_believed),
        TRIAL(what_lets_nobody_in_leaves_the_password_open),
        TRIAL(where_only_the_right_password_is_told_of_a_lock_it_is_the_right_one),
        TRIAL(the_right_password_opens_it_on_the_device_that_is_always_the_same),
        TRIAL(another_account_that_is_logged_in_proves_nothing),
        TRIAL(other_homeservers_refuse_as_they_did),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
