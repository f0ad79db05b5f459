/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/tuwunel: looking at accounts, as an administrator, as anybody, and as the account
 * itself. Statuses are tuwunel 1.9.0's: src/api/client/admin/users, src/api/client/session,
 * src/api/client/register.rs. */
#include <stdbool.h>
#include <string.h>

#include "tuwunel_trial.h"

#define LIST "/_synapse/admin/v2/users?from="
#define FLOWS {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.password\"}]}"}
#define NO_FLOWS {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.sso\"}]}"}
#define IN_USE {"GET " AVAILABLE, 400, NULL, REFUSED("M_USER_IN_USE", "User ID is not available.")}
#define WRONG {"POST " LOGIN, 403, NULL, REFUSED("M_FORBIDDEN", "Wrong username or password.")}
#define DEAD                                                                               \
    {"POST " LOGIN, 403, NULL, REFUSED("M_USER_DEACTIVATED", "The user has been deactivated")}
#define PROFILED {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"}
#define LOGGED_IN                                                                          \
    {"POST " LOGIN, 200, NULL,                                                             \
        "{\"user_id\": \"@alice:x\", \"access_token\": \"tok_alice\", \"device_id\": "     \
        "\"registrar\"}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}

static void
look(unsigned mask, enum error_kind kind)
{
    struct error error = {0};

    tuwunel.backend->type->lookup(tuwunel.backend, mask, &tuwunel_observed, &error);
    assert_kind(&error, kind);
}

/* Empty lists are left out, and so is what tuwunel does not have; a rate limit has no path
 * there. */
TEST(an_administrator_sees_an_account_whose_empty_lists_are_left_out)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"GET " ALICE, 200, NULL, tuwunel_user("\"suspended\": true")}, {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    look(~0u, ERROR_NONE);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_PRESENT);
    assert_true(account_states(&tuwunel_observed.account, ACCOUNT_EMAILS));
    assert_true(account_is(&tuwunel_observed.account, ACCOUNT_SUSPENDED));
    assert_false(account_states(&tuwunel_observed.account, ACCOUNT_RATELIMIT));
    synapse_assert_asked("GET " ALICE " syt_admin\n");
}

TEST(what_is_no_account_is_not_taken_for_one)
{
    static const char *const members[] = {"\"threepids\": {}", "\"admin\": \"(none)\"",
        "\"name\": \"@bob:x\"", "\"locked\": \"yes\""};

    for (size_t i = 0; i < COUNT(members); i++) {
        const struct recorded_reply replies[] = {TUWUNEL_OPENING,
            {"GET " ALICE, 200, NULL, tuwunel_user(members[i])}, {0}};

        tuwunel_start_with_token(replies);
        tuwunel_open();
        look(0, ERROR_PROTOCOL);
        tuwunel_end(NULL);
    }
}

TEST(who_is_no_administrator_is_told_so)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"GET " ALICE, 403, NULL, REFUSED("M_FORBIDDEN", "Only server administrators")}, {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    look(0, ERROR_FORBIDDEN);
}

/* ---- As anybody ---- */

TEST(a_name_that_is_free_is_nobodys)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED,
        {"GET " AVAILABLE, 200, NULL, "{\"available\": true}"}, {0}};

    tuwunel_start_with_nothing(replies);
    tuwunel_open();
    look(0, ERROR_NONE);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_ABSENT);
    synapse_assert_asked("GET " AVAILABLE "?username=alice -\n");
}

/* A login tells of a deactivated account what it is, whatever the password. */
TEST(a_login_with_nobodys_password_tells_the_deactivated)
{
    for (int dead = 0; dead < 2; dead++) {
        const struct recorded_reply dead_replies[] = {TUWUNEL_SERVED, IN_USE, FLOWS, DEAD,
            PROFILED, {0}};
        const struct recorded_reply live_replies[] = {TUWUNEL_SERVED, IN_USE, FLOWS, WRONG,
            PROFILED, {0}};

        tuwunel_start_with_nothing(dead ? dead_replies : live_replies);
        tuwunel_open();
        look(0, ERROR_NONE);
        assert_int_equal(tuwunel_observed.presence, PRESENCE_PRESENT);
        assert_string_equal(tuwunel_observed.account.displayname, "Al");
        /* Of an account of single sign-on, "wrong" is said as well. */
        assert_true(account_states(&tuwunel_observed.account, ACCOUNT_DEACTIVATED) ==
                    (dead == 1));
        assert_in("\"device_id\":\"registrar\"", synapse_asked());
        tuwunel_end(NULL);
    }
}

TEST(where_nobody_logs_in_with_a_password_no_login_is_tried)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, IN_USE, NO_FLOWS,
        PROFILED, {0}};

    tuwunel_start_with_nothing(replies);
    tuwunel_open();
    look(0, ERROR_NONE);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_PRESENT);
    assert_null(strstr(synapse_asked(), "POST "));
}

/* "register/available" lowers a name first, and would speak of another. */
TEST(of_a_name_with_capitals_nothing_is_asked)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, IN_USE, {0}};
    struct error error = {0};

    tuwunel_start_with_nothing(replies);
    tuwunel_open();
    assert_int_equal(account_name(&tuwunel_observed.account, "@Alice:x", "Alice", &error), 0);
    look(0, ERROR_NONE);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_ABSENT);
    synapse_assert_asked("");
}

/* ---- Whether a password is the account's ---- */

static enum password_answer
ask(enum error_kind kind)
{
    const struct secret password = secret_over("x");
    enum password_answer answer = (enum password_answer)-1;
    char why[PASSWORD_WHY_SIZE] = "";
    struct error error = {0};

    tuwunel.backend->type->ask_password(tuwunel.backend, &tuwunel_observed, &password, &answer,
        why, &error);
    assert_kind(&error, kind);
    return answer;
}

/* On a device that is always the same; who asks is seen by the administrator. */
TEST(an_administrator_asks_by_a_login_that_is_ended_at_once)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, LOGGED_IN, LOGGED_OUT,
        {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    assert_int_equal(ask(ERROR_NONE), PASSWORD_SAME);
    synapse_assert_asked(
        "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"
        "\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"x\","
        "\"initial_device_display_name\":\"Registrar\",\"device_id\":\"registrar\"}\n"
        "POST " LOGOUT " tok_alice\n");
    assert_false(tuwunel.backend->type->asks_by_login(tuwunel.backend)); /* no limit on them */
}

/* A locked account is told so after its right password alone. */
TEST(what_a_login_is_refused_for_answers)
{
    static const struct {
        int status;
        const char *body;
        enum password_answer answer;
    } table[] = {
        {403, REFUSED("M_FORBIDDEN", "Wrong username or password."), PASSWORD_DIFFERENT},
        {401,
            "{\"errcode\": \"M_USER_LOCKED\", \"error\": \"M_USER_LOCKED: This account has been "
            "locked.\", \"soft_logout\": true}",
            PASSWORD_SAME},
        {403, REFUSED("M_USER_DEACTIVATED", "The user has been deactivated"),
            PASSWORD_CANNOT_TELL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {TUWUNEL_OPENING,
            {"POST " LOGIN, table[i].status, NULL, table[i].body}, {0}};

        tuwunel_start_with_token(replies);
        tuwunel_open();
        assert_int_equal(ask(ERROR_NONE), table[i].answer);
        tuwunel_end(NULL);
    }
}

TEST(who_is_logged_in_as_itself_may_change_its_profile_and_no_more)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, LOGGED_IN,
        {"GET " ALICE, 403, NULL, REFUSED("M_FORBIDDEN", "Only server administrators")},
        PROFILED, LOGGED_OUT, {0}};
    struct error error = {0};

    tuwunel_start_with_nothing(replies);
    tuwunel_open();
    assert_int_equal(ask(ERROR_NONE), PASSWORD_SAME);
    assert_false(tuwunel_observed.account.admin);
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Ally");
    assert_true(tuwunel.backend->type->updates(tuwunel.backend, &tuwunel_wanted));
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_false(tuwunel.backend->type->updates(tuwunel.backend, &tuwunel_wanted));
    tuwunel.backend->type->may_update(tuwunel.backend, &tuwunel_observed, &tuwunel_wanted,
        &error);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("admin", error.text);
    assert_in("access_token", error.text);
}

/* ---- Who the administrators are ---- */

/* "next_token" is null on the last page; the server's own user is one where it may log in. */
TEST(the_administrators_are_listed_without_the_servers_own_user)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"GET " LIST "0&", 200, NULL,
            "{\"users\": [{\"name\": \"@admin:x\", \"admin\": true}, {\"name\": \"@conduit:x\","
            " \"admin\": true}], \"total\": 3, \"next_token\": \"2\"}"},
        {"GET " LIST "2&", 200, NULL,
            "{\"users\": [{\"name\": \"@bob:x\", \"admin\": true}], \"total\": 3,"
            " \"next_token\": null}"},
        {0}};
    struct list user_ids = {0};
    struct error error = {0};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    tuwunel.backend->type->list_administrators(tuwunel.backend, &user_ids, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(user_ids.count, 2);
    assert_string_equal(user_ids.items[0], "@admin:x");
    assert_string_equal(user_ids.items[1], "@bob:x");
    list_free(&user_ids);
}

/* ---- Memory ---- */

static int
look_once(void *context, struct error *error)
{
    (void)context;
    return synapse_or_no_memory(tuwunel.backend->type->lookup(tuwunel.backend, 0,
                                    &tuwunel_observed, error),
        error);
}

TEST(an_account_is_looked_at_or_memory_was_short)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"GET " ALICE, 200, NULL, tuwunel_user("")}, {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    fail_each_allocation(look_once, NULL);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_PRESENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TUWUNEL_TRIAL(an_administrator_sees_an_account_whose_empty_lists_are_left_out),
        cmocka_unit_test(what_is_no_account_is_not_taken_for_one),
        TUWUNEL_TRIAL(who_is_no_administrator_is_told_so),
        TUWUNEL_TRIAL(a_name_that_is_free_is_nobodys),
        cmocka_unit_test(a_login_with_nobodys_password_tells_the_deactivated),
        TUWUNEL_TRIAL(where_nobody_logs_in_with_a_password_no_login_is_tried),
        TUWUNEL_TRIAL(of_a_name_with_capitals_nothing_is_asked),
        TUWUNEL_TRIAL(an_administrator_asks_by_a_login_that_is_ended_at_once),
        cmocka_unit_test(what_a_login_is_refused_for_answers),
        TUWUNEL_TRIAL(who_is_logged_in_as_itself_may_change_its_profile_and_no_more),
        TUWUNEL_TRIAL(the_administrators_are_listed_without_the_servers_own_user),
        TUWUNEL_TRIAL(an_account_is_looked_at_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("tuwunel, looking", tests, synapse_serve,
        synapse_serve_no_more);
}
