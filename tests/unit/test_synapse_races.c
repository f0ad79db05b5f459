/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse/users.h: a creation that meets an account, which one PUT would
 * otherwise change. Refusals are those of synapse/handlers/profile.py. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define GET_ALICE "GET " USERS ALICE " syt_admin\n"
#define PUT_ALICE "PUT " USERS ALICE " syt_admin "
#define REFUSED(field)                                                                     \
    {"PUT " USERS, 400, NULL,                                                              \
        "{\"errcode\": \"M_INVALID_PARAM\", \"error\": \"'" field "' must be a string\"}"}

static struct synapse_trial trial;
static struct observation observed;
static struct account change;

static int
clean_up(void **state)
{
    (void)state;
    synapse_end_change(&trial, &observed, &change);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* Creates an administrator, also called "Al" or not. */
static enum creation
create(const struct recorded_reply *replies, const char *displayname, enum error_kind kind)
{
    const struct secret password = secret_over("x");
    enum creation creation = CREATION_NAME_TAKEN;
    struct error error = {0};

    synapse_start_change(&trial, replies, &observed, &change);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    assert_int_equal(account_state_password(&change, &password, &error), 0);
    if (displayname != NULL)
        assert_int_equal(
            account_state_text(&change, ACCOUNT_DISPLAYNAME, displayname, &error), 0);
    trial.backend->type->create(trial.backend, &change, &creation, &observed, &error);
    assert_kind(&error, kind);
    return creation;
}

TEST(a_creation_stops_at_the_display_name_of_an_account_and_looks)
{
    const struct recorded_reply replies[] = {OPENING, REFUSED("displayname"),
        {"GET " USERS, 200, NULL, synapse_user("{\"admin\": false}")}, {0}};

    assert_int_equal(create(replies, NULL, ERROR_NONE), CREATION_PERHAPS);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_true(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_false(observed.account.admin);
    synapse_assert_asked(PUT_ALICE "{\"admin\":true,\"password\":\"x\","
                                   "\"logout_devices\":false,\"displayname\":null}\n"
                                   GET_ALICE);
}

TEST(a_creation_with_a_display_name_stops_at_the_avatar)
{
    const struct recorded_reply replies[] = {OPENING, REFUSED("avatar_url"),
        {"GET " USERS, 200, NULL, synapse_user("{}")}, {0}};

    assert_int_equal(create(replies, "Al", ERROR_NONE), CREATION_PERHAPS);
    synapse_assert_asked(PUT_ALICE "{\"admin\":true,\"displayname\":\"Al\","
                                   "\"password\":\"x\",\"logout_devices\":false,"
                                   "\"avatar_url\":null}\n" GET_ALICE);
}

TEST(a_creation_that_met_nobody_after_all_is_the_servers_refusal)
{
    const struct recorded_reply replies[] = {OPENING, REFUSED("displayname"),
        {"GET " USERS, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}, {0}};

    create(replies, NULL, ERROR_INVALID);
}

TEST(another_parameter_that_is_refused_is_no_account)
{
    const struct recorded_reply replies[] = {OPENING,
        {"PUT " USERS, 400, NULL, "{\"errcode\": \"M_INVALID_PARAM\", \"error\": \"x\"}"},
        {0}};

    create(replies, NULL, ERROR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_creation_stops_at_the_display_name_of_an_account_and_looks),
        TRIAL(a_creation_with_a_display_name_stops_at_the_avatar),
        TRIAL(a_creation_that_met_nobody_after_all_is_the_servers_refusal),
        TRIAL(another_parameter_that_is_refused_is_no_account),
    };

    return cmocka_run_group_tests_name("synapse, races", tests, synapse_serve,
        synapse_serve_no_more);
}
