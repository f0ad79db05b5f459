/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse/guard.h and switches.h, and what the backend refuses before
 * a change. Answers are as Synapse 1.163.2 gives them
 * (synapse/rest/admin/users.py). */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define EMAIL "/_synapse/admin/v1/threepid/email/users/"
#define PROVIDERS "/_synapse/admin/v1/auth_providers/"
#define NOT_FOUND "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"User not found\"}"

static struct synapse_trial trial;
static struct observation observed;
static struct account change;

static void
begin(const struct recorded_reply *replies)
{
    synapse_start_change(&trial, replies, &observed, &change);
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_end_change(&trial, &observed, &change);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static void
add(struct account *account, enum account_field field, const char *key, const char *value)
{
    struct pairs pairs = {0};
    struct error error = {0};

    assert_int_equal(pairs_add_all(&pairs,
                         field == ACCOUNT_EMAILS ? &account->emails : &account->external_ids,
                         &error),
        0);
    assert_int_equal(pairs_add(&pairs, key, value, &error), 0);
    assert_int_equal(account_state_set(account, field, &pairs, &error), 0);
    pairs_free(&pairs);
}

static int
may_update(struct error *error)
{
    return trial.backend->type->may_update(trial.backend, &observed, &change, error);
}

/* Everything is asked about with one answer. */
static int
ask_guard(int status, const char *body, struct error *error)
{
    const struct recorded_reply replies[] = {{"GET /_synapse/admin/v1/", status, NULL, body},
        {0}};

    synapse_say(replies);
    return may_update(error);
}

static const struct recorded_reply opening[] = {OPENING, {0}};

TEST(what_belongs_to_nobody_may_be_given)
{
    struct error error = {0};

    begin(opening);
    add(&change, ACCOUNT_EMAILS, "email", "a+b/c@x");
    add(&change, ACCOUNT_EXTERNAL_IDS, "oidc-x", "1/7");
    assert_int_equal(ask_guard(404, NOT_FOUND, &error), 0);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("GET " EMAIL "a%2Bb%2Fc%40x syt_admin\n"
                         "GET " PROVIDERS "oidc-x/users/1%2F7 syt_admin\n");
}

TEST(what_belongs_to_the_account_itself_may_be_given_again)
{
    struct error error = {0};

    begin(opening);
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    assert_int_equal(ask_guard(200, "{\"user_id\": \"@alice:x\"}", &error), 0);
    assert_kind(&error, ERROR_NONE);
}

TEST(an_address_of_somebody_else_is_not_taken_away)
{
    struct error error = {0};

    begin(opening);
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    assert_int_equal(ask_guard(200, "{\"user_id\": \"@bob:x\"}", &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("e-mail address a@x", error.text);
    assert_in("@bob:x", error.text);
    assert_in("@alice:x", error.text);
}

TEST(an_external_id_of_somebody_else_is_not_taken_away)
{
    struct error error = {0};

    begin(opening);
    add(&change, ACCOUNT_EXTERNAL_IDS, "oidc", "17");
    assert_int_equal(ask_guard(200, "{\"user_id\": \"@Alice:x\"}", &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("external id 17", error.text);
    assert_in("@Alice:x", error.text);
}

/* The guard is no guard where its answer is not understood. */
TEST(an_answer_that_does_not_say_whose_it_is_lets_nothing_through)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {404, "<html>nginx</html>", ERROR_PROTOCOL},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\"}", ERROR_NOT_FOUND},
        {404, "{}", ERROR_NOT_FOUND},
        {200, "{}", ERROR_PROTOCOL},
        {200, "{\"user_id\": null}", ERROR_PROTOCOL},
        {200, "{\"user_id\": \"\"}", ERROR_PROTOCOL},
        {200, "[]", ERROR_PROTOCOL},
        {403, "{\"errcode\": \"M_FORBIDDEN\"}", ERROR_FORBIDDEN},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER},
        {RECORDED_LOST, "", ERROR_UNREACHABLE},
    };

    begin(opening);
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        if (ask_guard(table[i].status, table[i].body, &error) != -1)
            fail_msg("%d %s lets it through", table[i].status, table[i].body);
        if (table[i].kind != ERROR_NOT_FOUND) /* whatever kind such a server's is */
            assert_kind(&error, table[i].kind);
    }
}

TEST(what_the_account_has_already_is_not_asked_about)
{
    struct error error = {0};

    begin(opening);
    add(&observed.account, ACCOUNT_EMAILS, "email", "a@x");
    add(&observed.account, ACCOUNT_EXTERNAL_IDS, "oidc", "17");
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    add(&change, ACCOUNT_EMAILS, "email", "b@x");
    add(&change, ACCOUNT_EXTERNAL_IDS, "oidc", "17");
    add(&change, ACCOUNT_EXTERNAL_IDS, "saml", "17");
    assert_int_equal(ask_guard(404, NOT_FOUND, &error), 0);
    synapse_assert_asked("GET " EMAIL "b%40x syt_admin\n"
                         "GET " PROVIDERS "saml/users/17 syt_admin\n");
}

TEST(nothing_is_asked_where_nothing_is_given)
{
    const struct pairs nothing = {0};
    struct error error = {0};

    begin(opening);
    account_state_set(&change, ACCOUNT_EMAILS, &nothing, &error);
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    assert_int_equal(ask_guard(500, "{}", &error), 0);
    synapse_assert_asked("");
}

/* In check mode, too: may_update and may_create are all that is asked then. */
TEST(a_creation_in_check_mode_is_guarded)
{
    static const struct recorded_reply replies[] = {OPENING,
        {"GET " EMAIL, 200, NULL, "{\"user_id\": \"@bob:x\"}"}, {0}};
    struct error error = {0};

    begin(replies);
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    assert_int_equal(trial.backend->type->may_create(trial.backend, &change, &error), -1);
    assert_kind(&error, ERROR_CONFLICT);
}

TEST(a_creation_in_check_mode_asks_whether_the_name_is_free)
{
    static const struct recorded_reply replies[] = {OPENING,
        {"GET /_synapse/admin/v1/username_available", 400, NULL,
            "{\"errcode\": \"M_EXCLUSIVE\", \"error\": \"x\"}"}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(trial.backend->type->may_create(trial.backend, &change, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    synapse_assert_asked("GET /_synapse/admin/v1/username_available?username=alice syt_admin\n");
}

TEST(the_administrator_of_a_task_does_not_end_itself)
{
    static const struct {
        enum account_field field;
        bool value, refused;
    } table[] = {
        {ACCOUNT_ADMIN, false, true},
        {ACCOUNT_ADMIN, true, false},
        {ACCOUNT_DEACTIVATED, true, true},
        {ACCOUNT_LOCKED, true, true},
        {ACCOUNT_LOCKED, false, false},
        {ACCOUNT_SHADOW_BANNED, true, false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin(opening);
        assert_int_equal(account_name(&change, "@admin:x", "admin", &error), 0);
        account_state_bool(&change, table[i].field, table[i].value);
        assert_int_equal(may_update(&error), table[i].refused ? -1 : 0);
        assert_kind(&error, table[i].refused ? ERROR_POLICY : ERROR_NONE);
        synapse_assert_asked("");
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

TEST(somebody_elses_end_is_nobodys_business)
{
    struct error error = {0};

    begin(opening);
    account_state_bool(&change, ACCOUNT_ADMIN, false);
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    assert_int_equal(may_update(&error), 0);
}

TEST(no_password_is_set_where_the_server_has_no_password_logins)
{
    static const struct recorded_reply off[] = {OPENING,
        {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.sso\"}]}"}, {0}};
    const struct secret password = secret_over("x");
    struct error error = {0};

    begin(off);
    assert_int_equal(account_state_password(&change, &password, &error), 0);
    assert_int_equal(may_update(&error), -1);
    assert_kind(&error, ERROR_POLICY);
    synapse_assert_asked("GET " LOGIN " -\n");
}

/* ---- The fields with endpoints of their own ---- */

static int
look_at_limit(const char *body, struct error *error)
{
    struct recorded_reply replies[] = {{"GET " USERS, 200, NULL, synapse_user("{}")},
        {"GET " V1_USERS ALICE "/override_ratelimit", 200, NULL, body}, {0}};

    synapse_say(replies);
    return trial.backend->type->lookup(trial.backend, ACCOUNT_BIT(ACCOUNT_RATELIMIT),
        &observed, error);
}

TEST(a_rate_limit_is_none_or_two_numbers)
{
    static const struct {
        const char *body;
        struct account_ratelimit limit;
    } table[] = {
        {"{}", {false, 0, 0}},
        {"{\"messages_per_second\": 0, \"burst_count\": 0}", {true, 0, 0}},
        {"{\"messages_per_second\": 5, \"burst_count\": 10}", {true, 5, 10}},
    };

    begin(opening);
    for (size_t i = 0; i < COUNT(table); i++) {
        const struct account_ratelimit *limit = &observed.account.ratelimit;
        struct error error = {0};

        assert_int_equal(look_at_limit(table[i].body, &error), 0);
        assert_true(limit->overridden == table[i].limit.overridden);
        assert_int_equal(limit->messages_per_second, table[i].limit.messages_per_second);
        assert_int_equal(limit->burst_count, table[i].limit.burst_count);
    }
}

TEST(a_rate_limit_that_is_neither_is_no_answer)
{
    static const char *const bodies[] = {"{\"messages_per_second\": 5}", "{\"burst_count\": 5}",
        "{\"messages_per_second\": \"5\", \"burst_count\": 5}",
        "{\"messages_per_second\": 5, \"burst_count\": 5.5}",
        "{\"messages_per_second\": null, \"burst_count\": null}"};

    begin(opening);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct error error = {0};

        assert_int_equal(look_at_limit(bodies[i], &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
    }
}

/* One field, its request, and the field the other way. */
TEST(each_switch_has_its_request_for_either_way)
{
    static const char answer[] = "{}";
    static const struct recorded_reply replies[] = {{"/_synapse/", 200, NULL, answer}, {0}};
    static const struct {
        enum account_field field;
        bool on;
        struct account_ratelimit limit;
        const char *asked;
    } table[] = {
        {ACCOUNT_SUSPENDED, true, {0},
            "PUT /_synapse/admin/v1/suspend/" ALICE " syt_admin {\"suspend\":true}\n"},
        {ACCOUNT_SUSPENDED, false, {0},
            "PUT /_synapse/admin/v1/suspend/" ALICE " syt_admin {\"suspend\":false}\n"},
        {ACCOUNT_SHADOW_BANNED, true, {0}, "POST " V1_USERS ALICE "/shadow_ban syt_admin\n"},
        {ACCOUNT_SHADOW_BANNED, false, {0}, "DELETE " V1_USERS ALICE "/shadow_ban syt_admin\n"},
        {ACCOUNT_RATELIMIT, true, {true, 5, 10},
            "POST " V1_USERS ALICE "/override_ratelimit syt_admin "
            "{\"messages_per_second\":5,\"burst_count\":10}\n"},
        {ACCOUNT_RATELIMIT, true, {true, 0, 0},
            "POST " V1_USERS ALICE "/override_ratelimit syt_admin "
            "{\"messages_per_second\":0,\"burst_count\":0}\n"},
        {ACCOUNT_RATELIMIT, false, {0},
            "DELETE " V1_USERS ALICE "/override_ratelimit syt_admin\n"},
    };

    begin(opening);
    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        synapse_say(replies);
        change.stated = 0;
        if (table[i].field == ACCOUNT_RATELIMIT)
            account_state_ratelimit(&change, table[i].limit);
        else
            account_state_bool(&change, table[i].field, table[i].on);
        assert_int_equal(trial.backend->type->update(trial.backend, &observed, &change, false,
                             &error),
            0);
        synapse_assert_asked(table[i].asked);
        assert_true(account_states(&observed.account, table[i].field));
        if (table[i].field == ACCOUNT_RATELIMIT)
            assert_true(observed.account.ratelimit.overridden == table[i].on);
        else
            assert_true(account_is(&observed.account, table[i].field) == table[i].on);
    }
}

TEST(a_switch_that_is_refused_is_named_and_what_was_done_before_is_seen)
{
    static const struct recorded_reply replies[] = {
        {"PUT /_synapse/admin/v1/suspend/", 200, NULL, "{}"},
        {"POST " V1_USERS ALICE "/shadow_ban", 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}};
    struct error error = {0};

    begin(opening);
    synapse_say(replies);
    account_state_bool(&change, ACCOUNT_SUSPENDED, true);
    account_state_bool(&change, ACCOUNT_SHADOW_BANNED, true);
    assert_int_equal(
        trial.backend->type->update(trial.backend, &observed, &change, false, &error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("shadow_banned", error.text);
    assert_true(account_is(&observed.account, ACCOUNT_SUSPENDED));
    assert_false(account_states(&observed.account, ACCOUNT_SHADOW_BANNED));
}

static int
guard_once(void *context, struct error *error)
{
    (void)context;
    return synapse_or_no_memory(may_update(error), error);
}

/* No string here has 14, 30 ... letters: jansson 2.14 loses the closing quote of
 * such a one when it has no memory for it, and reads on behind the text. */
TEST(a_change_is_guarded_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {
        {"GET " EMAIL, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"},
        {"GET " PROVIDERS, 200, NULL, "{\"user_id\": \"@bob:x\"}"}, {0}};

    begin(opening);
    add(&change, ACCOUNT_EMAILS, "email", "a@x");
    add(&change, ACCOUNT_EXTERNAL_IDS, "oidc", "17");
    synapse_say(replies);
    fail_each_allocation(guard_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(what_belongs_to_nobody_may_be_given),
        TRIAL(what_belongs_to_the_account_itself_may_be_given_again),
        TRIAL(an_address_of_somebody_else_is_not_taken_away),
        TRIAL(an_external_id_of_somebody_else_is_not_taken_away),
        TRIAL(an_answer_that_does_not_say_whose_it_is_lets_nothing_through),
        TRIAL(what_the_account_has_already_is_not_asked_about),
        TRIAL(nothing_is_asked_where_nothing_is_given),
        TRIAL(a_creation_in_check_mode_is_guarded),
        TRIAL(a_creation_in_check_mode_asks_whether_the_name_is_free),
        TRIAL(the_administrator_of_a_task_does_not_end_itself),
        TRIAL(somebody_elses_end_is_nobodys_business),
        TRIAL(no_password_is_set_where_the_server_has_no_password_logins),
        TRIAL(a_rate_limit_is_none_or_two_numbers),
        TRIAL(a_rate_limit_that_is_neither_is_no_answer),
        TRIAL(each_switch_has_its_request_for_either_way),
        TRIAL(a_switch_that_is_refused_is_named_and_what_was_done_before_is_seen),
        TRIAL(a_change_is_guarded_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("synapse, guard and switches", tests, synapse_serve,
        synapse_serve_no_more);
}
