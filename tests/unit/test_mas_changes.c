/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api_users.h: changing users, by the answers of MAS 1.22.0 and of older
 * ones. */
#include "mas_api_trial.h"

#include <string.h>

#include "backends/mas/api.h"

#define OF_ALICE(endpoint) "POST " API "/users/" U "/" endpoint
#define OLD_SPEC                                                                           \
    {"GET " SPEC, 200, JSON, "{\"paths\":{\"/api/admin/v1/users/{id}/deactivate\":{}}}"}
#define NEW_SPEC                                                                           \
    {"GET " SPEC, 200, JSON, "{\"paths\":{\"/api/admin/v1/users/{id}/reactivate\":{}}}"}

static struct mas_api_trial trial;
static struct mas_user user;

static int
clean_up(void **state)
{
    (void)state;
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* A trial in which Alice was found. */
static void
begin(const struct recorded_reply *replies)
{
    mas_api_start(&trial, replies);
    user = (struct mas_user){.id = U};
}

TEST(a_change_says_what_the_user_now_is)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("set-admin"), 200, JSON, USER("alice", "null", "null", "true")},
        {OF_ALICE("lock"), 200, JSON, USER("alice", MOMENT, "null", "true")},
        {OF_ALICE("unlock"), 200, JSON, USER("alice", "null", "null", "true")},
        {OF_ALICE("deactivate"), 200, JSON, USER("alice", "null", MOMENT, "true")},
        {OF_ALICE("reactivate"), 200, JSON, ALICE}, {0}};
    struct error error = {0};

    begin(replies);
    strcpy(trial.backend.version, "1.22.0");
    assert_int_equal(api_way.set_admin(&trial.backend, &user, "alice", true, &error), 0);
    assert_true(user.admin);
    assert_int_equal(api_way.set_locked(&trial.backend, &user, "alice", true, &error), 0);
    assert_true(user.locked);
    assert_not_in("Content-Type", mas_api_request());
    assert_int_equal(api_way.set_locked(&trial.backend, &user, "alice", false, &error), 0);
    assert_false(user.locked);
    assert_int_equal(api_way.deactivate(&trial.backend, &user, "alice", false, &error), 0);
    assert_true(user.deactivated);
    assert_in("Content-Type: application/json\r\n", mas_api_request());
    assert_int_equal(api_way.reactivate(&trial.backend, &user, "alice", &error), 0);
    assert_false(user.deactivated);
    mas_api_assert_asked(OF_ALICE("set-admin") " mpt_admin {\"admin\":true}\n"
        OF_ALICE("lock") " mpt_admin\n" OF_ALICE("unlock") " mpt_admin\n"
        OF_ALICE("deactivate") " mpt_admin {\"skip_erase\":true}\n"
        OF_ALICE("reactivate") " mpt_admin\n");
}

TEST(erasing_is_asked_for)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("deactivate"), 200, JSON, USER("alice", "null", MOMENT, "false")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_true(api_way.erases);
    assert_int_equal(api_way.deactivate(&trial.backend, &user, "alice", true, &error), 0);
    mas_api_assert_asked(OF_ALICE("deactivate") " mpt_admin {\"skip_erase\":false}\n");
}

/* Before 0.20.0, the field was ignored, and unlocking reactivated. */
TEST(an_older_server_that_would_erase_is_not_asked_to_deactivate)
{
    static const struct recorded_reply replies[] = {OLD_SPEC, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(api_way.deactivate(&trial.backend, &user, "alice", false, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("0.20.0", error.text);
    assert_in("erase: true", error.text);
    mas_api_assert_asked("GET " SPEC " -\n");
}

TEST(one_that_keeps_the_data_without_telling_its_version_is_asked)
{
    static const struct recorded_reply replies[] = {NEW_SPEC,
        {OF_ALICE("deactivate"), 200, JSON, USER("alice", "null", MOMENT, "false")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(api_way.deactivate(&trial.backend, &user, "alice", false, &error), 0);
    mas_api_assert_asked(
        "GET " SPEC " -\n" OF_ALICE("deactivate") " mpt_admin {\"skip_erase\":true}\n");
}

TEST(an_older_server_that_would_reactivate_is_not_asked_to_unlock)
{
    static const struct recorded_reply replies[] = {
        OLD_SPEC, {OF_ALICE("unlock"), 200, JSON, ALICE}, {0}};
    struct error error = {0};

    begin(replies);
    user.locked = user.deactivated = true;
    assert_int_equal(api_way.set_locked(&trial.backend, &user, "alice", false, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("reactivate", error.text);
    mas_api_assert_asked("GET " SPEC " -\n");
    error_clear(&error);
    user.deactivated = false;
    assert_int_equal(api_way.set_locked(&trial.backend, &user, "alice", false, &error), 0);
}

TEST(reactivating_on_a_server_that_cannot_says_which_one_can)
{
    static const struct recorded_reply replies[] = {
        {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")},
        {OF_ALICE("reactivate"), NO_ROUTE}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(api_way.reactivate(&trial.backend, &user, "alice", &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("0.20.0", error.text);
}

TEST(a_change_that_did_not_happen_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("deactivate"), 200, JSON, ALICE}, {OF_ALICE("lock"), 200, JSON, ALICE},
        {OF_ALICE("set-admin"), 200, JSON, ALICE},
        {OF_ALICE("reactivate"), 200, JSON, USER("alice", "null", MOMENT, "false")}, {0}};

    for (int step = 0; step < 4; step++) {
        struct error error = {0};
        int result = -2;

        begin(replies);
        if (step == 0)
            result = api_way.deactivate(&trial.backend, &user, "alice", true, &error);
        else if (step == 1)
            result = api_way.set_locked(&trial.backend, &user, "alice", true, &error);
        else if (step == 2)
            result = api_way.set_admin(&trial.backend, &user, "alice", true, &error);
        else
            result = api_way.reactivate(&trial.backend, &user, "alice", &error);
        assert_int_equal(result, -1);
        assert_kind(&error, ERROR_SERVER);
        assert_in("alice", error.text);
        mas_api_end(&trial);
    }
}

TEST(an_answer_about_another_user_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("lock"), 200, JSON,
            "{\"data\":" USER_DATA(U2, "alice", MOMENT, "null", "false") "}"},
        {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(api_way.set_locked(&trial.backend, &user, "alice", true, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
}

#define AWAY                                                                               \
    ERRORS(TITLE("Failed to reactivate user in Synapse") ","                               \
        TITLE("error sending request for url (http://s:8008/)") ","                        \
        TITLE("Connection refused (os error 111)"))

TEST(a_homeserver_that_is_down_behind_it_is_waited_for)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("reactivate"), RECORDED_ONCE + 500, JSON, AWAY},
        {OF_ALICE("reactivate"), 200, JSON, ALICE}, {0}};
    struct error error = {0};

    begin(replies);
    retry_init(&trial.backend.retry, 1500, 0);
    assert_int_equal(api_way.reactivate(&trial.backend, &user, "alice", &error), 0);
    mas_api_assert_asked(
        OF_ALICE("reactivate") " mpt_admin\n" OF_ALICE("reactivate") " mpt_admin\n");
}

TEST(a_homeserver_that_stays_down_behind_it_is_told)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("reactivate"), 500, JSON, AWAY}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(api_way.reactivate(&trial.backend, &user, "alice", &error), -1);
    assert_kind(&error, ERROR_NOT_READY);
    assert_in("the homeserver behind it", error.text);
}

static int
change(void *context, struct error *error)
{
    int result = api_way.set_admin(&trial.backend, &user, "alice", true, error);

    (void)context;
    if (result == 0)
        result = api_way.deactivate(&trial.backend, &user, "alice", true, error);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {OF_ALICE("set-admin"), 200, JSON, USER("alice", "null", "null", "true")},
        {OF_ALICE("deactivate"), 200, JSON, USER("alice", "null", MOMENT, "true")}, {0}};

    begin(replies);
    fail_each_allocation(change, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_change_says_what_the_user_now_is),
        TRIAL(erasing_is_asked_for),
        TRIAL(an_older_server_that_would_erase_is_not_asked_to_deactivate),
        TRIAL(one_that_keeps_the_data_without_telling_its_version_is_asked),
        TRIAL(an_older_server_that_would_reactivate_is_not_asked_to_unlock),
        TRIAL(reactivating_on_a_server_that_cannot_says_which_one_can),
        TRIAL(a_change_that_did_not_happen_is_an_error),
        TRIAL(an_answer_about_another_user_is_an_error),
        TRIAL(a_homeserver_that_is_down_behind_it_is_waited_for),
        TRIAL(a_homeserver_that_stays_down_behind_it_is_told),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
