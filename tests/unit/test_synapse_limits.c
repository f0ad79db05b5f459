/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse/users.h: Synapse stores a new name and then tells the
 * account's rooms, which has a limit per account (rc_message): 429 may come
 * after the work was done (1.163.2, synapse/handlers/profile.py). */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define GET_ALICE "GET " USERS ALICE " syt_admin\n"
#define PUT_ALICE "PUT " USERS ALICE " syt_admin "
#define LIMITED(wait_ms)                                                                   \
    {"PUT " USERS, RECORDED_ONCE + 429, NULL,                                              \
        "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": " #wait_ms "}"}

static struct synapse_trial trial;
static struct observation observed;
static struct account change;

/* Alice gets the name "New". */
static void
begin(const struct recorded_reply *replies)
{
    struct error error = {0};

    synapse_start_change(&trial, replies, &observed, &change);
    assert_int_equal(account_state_text(&change, ACCOUNT_DISPLAYNAME, "New", &error), 0);
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_end_change(&trial, &observed, &change);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
update(struct error *error)
{
    return trial.backend->type->update(trial.backend, &observed, &change, false, error);
}

TEST(a_name_that_was_stored_before_the_limit_is_not_sent_again)
{
    struct recorded_reply replies[] = {OPENING, LIMITED(1),
        {"GET " USERS, 200, NULL, synapse_user("{\"displayname\": \"New\"}")}, {0}};
    struct error error = {0};

    begin(replies);
    update(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(PUT_ALICE "{\"displayname\":\"New\"}\n" GET_ALICE);
    assert_string_equal(observed.account.displayname, "New");
    assert_int_equal(trial.warnings.count, 1);
    assert_in("@alice:x", trial.warnings.items[0]);
}

TEST(what_the_limit_left_undone_is_sent_by_itself)
{
    struct recorded_reply replies[] = {OPENING, LIMITED(1),
        {"GET " USERS, RECORDED_ONCE + 200, NULL,
            synapse_user("{\"displayname\": \"New\"}")},
        {"PUT " USERS, 200, NULL, synapse_user("{\"displayname\": \"New\", \"admin\": true}")},
        {0}};
    const struct secret password = secret_over("x");
    struct error error = {0};

    begin(replies);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    assert_int_equal(account_state_password(&change, &password, &error), 0);
    update(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(PUT_ALICE "{\"admin\":true,\"displayname\":\"New\",\"password\":\"x\","
                                   "\"logout_devices\":false}\n" GET_ALICE PUT_ALICE
                         "{\"admin\":true,\"password\":\"x\",\"logout_devices\":false}\n");
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
}

TEST(where_nothing_was_stored_the_limit_is_waited_for)
{
    struct recorded_reply replies[] = {OPENING, LIMITED(1),
        {"GET " USERS, 200, NULL, synapse_user("{}")},
        {"PUT " USERS, 200, NULL, synapse_user("{\"displayname\": \"New\"}")}, {0}};
    struct error error = {0};

    begin(replies);
    update(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(PUT_ALICE "{\"displayname\":\"New\"}\n" GET_ALICE PUT_ALICE
                                   "{\"displayname\":\"New\"}\n");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(a_limit_beyond_what_the_task_waits_is_an_error)
{
    struct recorded_reply replies[] = {OPENING, LIMITED(99000),
        {"GET " USERS, 200, NULL, synapse_user("{}")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(update(&error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    assert_int_equal(error.retry_after_ms, 99000);
    synapse_assert_asked(PUT_ALICE "{\"displayname\":\"New\"}\n" GET_ALICE);
}

/* Phone numbers are looked at once, and stay with both requests. */
TEST(addresses_that_the_limit_left_undone_keep_the_phone_numbers)
{
    struct recorded_reply replies[] = {OPENING, LIMITED(1),
        {"GET " USERS, 200, NULL,
            synapse_user("{\"displayname\": \"New\", \"threepids\":"
                         " [{\"medium\": \"msisdn\", \"address\": \"1\"}]}")},
        {"PUT " USERS, 200, NULL,
            synapse_user("{\"displayname\": \"New\", \"threepids\":"
                         " [{\"medium\": \"msisdn\", \"address\": \"1\"},"
                         " {\"medium\": \"email\", \"address\": \"a@x\"}]}")},
        {0}};
    struct pairs emails = {0};
    struct error error = {0};

    begin(replies);
    assert_int_equal(pairs_add(&emails, "email", "a@x", &error), 0);
    assert_int_equal(account_state_set(&change, ACCOUNT_EMAILS, &emails, &error), 0);
    pairs_free(&emails);
    update(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(GET_ALICE PUT_ALICE
        "{\"displayname\":\"New\",\"threepids\":[{\"medium\":\"msisdn\",\"address\":\"1\"},"
        "{\"medium\":\"email\",\"address\":\"a@x\"}]}\n" GET_ALICE PUT_ALICE
        "{\"threepids\":[{\"medium\":\"msisdn\",\"address\":\"1\"},"
        "{\"medium\":\"email\",\"address\":\"a@x\"}]}\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_name_that_was_stored_before_the_limit_is_not_sent_again),
        TRIAL(what_the_limit_left_undone_is_sent_by_itself),
        TRIAL(where_nothing_was_stored_the_limit_is_waited_for),
        TRIAL(a_limit_beyond_what_the_task_waits_is_an_error),
        TRIAL(addresses_that_the_limit_left_undone_keep_the_phone_numbers),
    };

    return cmocka_run_group_tests_name("synapse, limits", tests, synapse_serve,
        synapse_serve_no_more);
}
