/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse/users.h, through the backend: which requests a look, a
 * creation and a change are. Answers are as Synapse 1.163.2 gives them
 * (synapse/rest/admin/users.py). */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define GET_ALICE "GET " USERS ALICE " syt_admin\n"
#define PUT_ALICE "PUT " USERS ALICE " syt_admin "

static struct synapse_trial trial;
static struct observation observed;
static struct account change;

/* Everything but what is said of users. */
#define NOBODY_ELSE                                                                        \
    {"GET /_synapse/admin/v1/threepid/", 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"},     \
        {"GET /_synapse/admin/v1/auth_providers/", 404, NULL,                              \
            "{\"errcode\": \"M_NOT_FOUND\"}"}

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
change_text(enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&change, field, value, &error), 0);
}

static void
change_email(const char *address)
{
    struct pairs emails = {0};
    struct error error = {0};

    assert_int_equal(pairs_add(&emails, "email", address, &error), 0);
    assert_int_equal(account_state_set(&change, ACCOUNT_EMAILS, &emails, &error), 0);
    pairs_free(&emails);
}

static void
change_password(const char *password)
{
    const struct secret secret = secret_over(password);
    struct error error = {0};

    assert_int_equal(account_state_password(&change, &secret, &error), 0);
}

static int
update(struct error *error)
{
    return trial.backend->type->update(trial.backend, &observed, &change, false, error);
}

static void
update_well(const char *asked)
{
    struct error error = {0};

    update(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(asked);
}

static void
assert_created(int status, const char *body, enum creation expected)
{
    struct recorded_reply replies[] = {OPENING, {"PUT " USERS, status, NULL, body}, {0}};
    enum creation creation = (enum creation)-1;
    struct error error = {0};

    synapse_say(replies);
    trial.backend->type->create(trial.backend, &change, &creation, &observed, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, expected);
}

static void
assert_creation_refused(int status, const char *body, enum error_kind kind)
{
    struct recorded_reply replies[] = {OPENING, {"PUT " USERS, status, NULL, body}, {0}};
    enum creation creation;
    struct error error = {0};

    synapse_say(replies);
    assert_int_equal(trial.backend->type->create(trial.backend, &change, &creation, &observed,
                         &error),
        -1);
    assert_kind(&error, kind);
}

static const struct recorded_reply opening[] = {OPENING, {0}};

TEST(a_look_asks_for_the_rate_limit_only_where_it_counts)
{
    struct recorded_reply replies[] = {OPENING,
        {"GET " USERS ALICE, 200, NULL, synapse_user("{}")},
        {"GET " V1_USERS ALICE "/override_ratelimit", 200, NULL, "{}"}, {0}};
    struct error error = {0};

    begin(replies);
    trial.backend->type->lookup(trial.backend, ACCOUNT_BIT(ACCOUNT_EMAILS), &observed, &error);
    synapse_assert_asked(GET_ALICE);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_false(account_states(&observed.account, ACCOUNT_RATELIMIT));
    trial.backend->type->lookup(trial.backend, ACCOUNT_BIT(ACCOUNT_RATELIMIT), &observed,
        &error);
    synapse_assert_asked(
        GET_ALICE "GET " V1_USERS ALICE "/override_ratelimit syt_admin\n");
    assert_true(account_states(&observed.account, ACCOUNT_RATELIMIT));
    assert_kind(&error, ERROR_NONE);
}

TEST(a_look_at_who_is_not_there_asks_for_no_rate_limit)
{
    static const struct recorded_reply replies[] = {OPENING,
        {"GET " USERS ALICE, 404, NULL,
            "{\"errcode\": \"M_NOT_FOUND\", \"error\": \"User not found\"}"}, {0}};
    struct error error = {0};

    begin(replies);
    trial.backend->type->lookup(trial.backend, ~0u, &observed, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(observed.presence, PRESENCE_ABSENT);
    synapse_assert_asked(GET_ALICE);
}

TEST(a_404_of_somebody_else_is_not_taken_for_absence)
{
    static const struct recorded_reply replies[] = {OPENING,
        {"GET " USERS ALICE, 404, NULL, "<html>nginx</html>"}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(trial.backend->type->lookup(trial.backend, 0, &observed, &error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
}

TEST(a_creation_carries_what_cannot_be_refused_afterwards)
{
    begin(opening);
    change_password("x");
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    change_text(ACCOUNT_DISPLAYNAME, "Alice");
    change_text(ACCOUNT_USER_TYPE, "bot");
    change_text(ACCOUNT_AVATAR_URL, "mxc://x/1");
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    account_state_bool(&change, ACCOUNT_SHADOW_BANNED, true);
    assert_created(201, synapse_user("{\"admin\": true, \"user_type\": \"bot\"}"),
        CREATION_DONE);
    synapse_assert_asked(PUT_ALICE
        "{\"admin\":true,\"user_type\":\"bot\",\"displayname\":\"Alice\",\"password\":\"x\","
        "\"logout_devices\":false,\"avatar_url\":null}\n");
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
    assert_true(account_states(&observed.account, ACCOUNT_LOCKED)); /* what is left is seen */
    assert_false(observed.account.locked);
}

TEST(a_creation_answers_made_or_there_by_then_or_taken)
{
    begin(opening);
    assert_created(201, synapse_user("{}"), CREATION_DONE);
    assert_created(200, synapse_user("{}"), CREATION_PERHAPS);
    assert_created(400, "{\"errcode\": \"M_USER_IN_USE\", \"error\": \"Taken\"}",
        CREATION_NAME_TAKEN);
}

TEST(a_creation_that_is_refused_says_why)
{
    begin(opening);
    assert_creation_refused(400, "{\"errcode\": \"M_EXCLUSIVE\", \"error\": \"x\"}",
        ERROR_POLICY);
    assert_creation_refused(400, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid user type\"}",
        ERROR_INVALID);
    assert_creation_refused(400, "{\"errcode\": \"M_INVALID_USERNAME\", \"error\": \"x\"}",
        ERROR_INVALID);
    assert_creation_refused(500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER);
    assert_creation_refused(201, synapse_user("{\"name\": \"@bob:x\"}"), ERROR_PROTOCOL);
    assert_creation_refused(201, "{}", ERROR_PROTOCOL);
}

TEST(a_creation_with_an_address_asks_first_whose_it_is)
{
    struct recorded_reply replies[] = {OPENING, NOBODY_ELSE,
        {"PUT " USERS, 201, NULL,
            synapse_user("{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"}]}")},
        {0}};
    enum creation creation;
    struct error error = {0};

    begin(replies);
    change_email("a@x");
    trial.backend->type->create(trial.backend, &change, &creation, &observed, &error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("GET /_synapse/admin/v1/threepid/email/users/a%40x syt_admin\n"
        PUT_ALICE "{\"threepids\":[{\"medium\":\"email\",\"address\":\"a@x\"}],"
                  "\"displayname\":null}\n");
}

/* synapse/handlers/register.py: they are for guests. */
TEST(a_name_of_digits_is_refused_before_anything_is_asked)
{
    enum creation creation;
    struct error error = {0};

    begin(opening);
    assert_int_equal(account_name(&change, "@123:x", "123", &error), 0);
    assert_int_equal(trial.backend->type->create(trial.backend, &change, &creation, &observed,
                         &error),
        -1);
    assert_kind(&error, ERROR_INVALID);
    synapse_assert_asked("");
}

TEST(a_change_is_one_put_of_what_differs)
{
    struct recorded_reply replies[] = {OPENING,
        {"PUT " USERS, 200, NULL,
            synapse_user("{\"admin\": true, \"user_type\": null, \"avatar_url\": \"mxc://x/1\","
                         " \"locked\": true}")}, {0}};

    begin(replies);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    change_text(ACCOUNT_USER_TYPE, NULL);
    change_text(ACCOUNT_AVATAR_URL, "mxc://x/1");
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    update_well(PUT_ALICE "{\"admin\":true,\"user_type\":null,\"avatar_url\":\"mxc://x/1\","
                          "\"locked\":true}\n");
    assert_true(account_is(&observed.account, ACCOUNT_LOCKED));
}

#define PHONE_AND "{\"medium\": \"msisdn\", \"address\": \"1\", \"added_at\": 7}, "

TEST(a_change_of_addresses_keeps_the_phone_numbers)
{
    struct recorded_reply replies[] = {OPENING,
        {"GET " USERS, 200, NULL,
            synapse_user("{\"threepids\": [" PHONE_AND
                         "{\"medium\": \"email\", \"address\": \"old@x\"}]}")},
        {"PUT " USERS, 200, NULL,
            synapse_user("{\"threepids\": [" PHONE_AND
                         "{\"medium\": \"email\", \"address\": \"new@x\"}]}")},
        {0}};

    begin(replies);
    change_email("new@x");
    update_well(GET_ALICE PUT_ALICE
        "{\"threepids\":[{\"medium\":\"msisdn\",\"address\":\"1\",\"added_at\":7},"
        "{\"medium\":\"email\",\"address\":\"new@x\"}]}\n");
}

/* Taking them away because they could not be read would be worse than nothing. */
TEST(addresses_are_not_changed_where_the_phone_numbers_cannot_be_seen)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {{404, "{\"errcode\": \"M_NOT_FOUND\"}"}, {500, "{}"}, {200, "{}"},
        {200, "{\"threepids\": 5}"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {OPENING,
            {"GET " USERS, table[i].status, NULL, table[i].body},
            {"PUT " USERS, 200, NULL, "{}"}, {0}};
        struct error error = {0};

        begin(replies);
        change_email("new@x");
        assert_int_equal(update(&error), -1);
        synapse_assert_asked(GET_ALICE);
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

/* Deactivating takes the password, so bringing back takes the new one along. */
TEST(an_account_is_brought_back_first_and_then_changed)
{
    struct recorded_reply replies[] = {OPENING,
        {"PUT " USERS, 200, NULL, synapse_user("{\"displayname\": \"Al\"}")},
        {"PUT /_synapse/admin/v1/suspend/" ALICE, 200, NULL, "{}"},
        {"POST " V1_USERS ALICE "/shadow_ban", 200, NULL, "{}"},
        {"DELETE " V1_USERS ALICE "/override_ratelimit", 200, NULL, "{}"}, {0}};
    const char *asked;

    begin(replies);
    account_state_bool(&change, ACCOUNT_DEACTIVATED, false);
    change_password("x");
    change_text(ACCOUNT_DISPLAYNAME, "Al");
    account_state_bool(&change, ACCOUNT_SUSPENDED, true);
    account_state_bool(&change, ACCOUNT_SHADOW_BANNED, true);
    account_state_ratelimit(&change, (struct account_ratelimit){0});
    {
        struct error error = {0};

        assert_int_equal(update(&error), 0);
    }
    asked = synapse_asked();
    assert_ptr_equal(strstr(asked, PUT_ALICE
                         "{\"deactivated\":false,\"password\":\"x\",\"logout_devices\":false}\n"
                         PUT_ALICE "{\"displayname\":\"Al\"}\n"),
        asked);
    assert_in("PUT /_synapse/admin/v1/suspend/" ALICE " syt_admin {\"suspend\":true}\n", asked);
    assert_in("POST " V1_USERS ALICE "/shadow_ban syt_admin\n", asked);
    assert_in("DELETE " V1_USERS ALICE "/override_ratelimit syt_admin\n", asked);
    assert_true(account_is(&observed.account, ACCOUNT_SHADOW_BANNED));
}

TEST(a_deactivation_is_a_request_of_its_own)
{
    struct recorded_reply replies[] = {OPENING,
        {"PUT " USERS, 200, NULL, synapse_user("{\"deactivated\": true}")}, {0}};

    begin(replies);
    account_state_bool(&change, ACCOUNT_DEACTIVATED, true);
    update_well(PUT_ALICE "{\"deactivated\":true}\n");
    assert_true(account_is(&observed.account, ACCOUNT_DEACTIVATED));
}

/* POST v1/deactivate does both; a PUT cannot erase. */
TEST(an_erasure_deactivates_as_well_and_is_looked_at)
{
    struct recorded_reply replies[] = {OPENING,
        {"POST /_synapse/admin/v1/deactivate/", 200, NULL,
            "{\"id_server_unbind_result\": \"success\"}"},
        {"GET " USERS, 200, NULL,
            synapse_user("{\"deactivated\": true, \"erased\": true, \"displayname\": null}")},
        {0}};

    begin(replies);
    account_state_bool(&change, ACCOUNT_DEACTIVATED, true);
    account_state_bool(&change, ACCOUNT_ERASED, true);
    update_well("POST /_synapse/admin/v1/deactivate/" ALICE " syt_admin {\"erase\":true}\n"
                GET_ALICE);
    assert_true(account_is(&observed.account, ACCOUNT_ERASED));
    assert_null(observed.account.displayname);
}

TEST(an_erasure_that_is_refused_is_an_error)
{
    static const struct recorded_reply replies[] = {OPENING,
        {"POST /_synapse/admin/v1/deactivate/", 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"},
        {0}};
    struct error error = {0};

    begin(replies);
    account_state_bool(&change, ACCOUNT_ERASED, true);
    assert_int_equal(update(&error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_false(account_states(&observed.account, ACCOUNT_ERASED));
}

static void
assert_refused(int status, const char *body, enum error_kind kind, const char *advice)
{
    const struct recorded_reply replies[] = {OPENING, {"PUT " USERS, status, NULL, body}, {0}};
    struct error error = {0};

    synapse_say(replies);
    assert_int_equal(update(&error), -1);
    assert_kind(&error, kind);
    assert_int_equal(error.status, status);
    assert_in(advice, error.text);
}

TEST(a_change_that_is_refused_says_what_to_do)
{
    struct pairs ids = {0};
    struct error error = {0};

    begin(opening);
    change_text(ACCOUNT_AVATAR_URL, "mxc://x/1");
    assert_refused(403, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"This avatar is not allowed\"}",
        ERROR_POLICY, "avatar_url");
    assert_refused(400, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid user type\"}",
        ERROR_INVALID, "extra_user_types");
    assert_refused(500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER, "500");
    assert_int_equal(pairs_add(&ids, "o", "1", &error), 0);
    assert_int_equal(account_state_set(&change, ACCOUNT_EXTERNAL_IDS, &ids, &error), 0);
    assert_refused(409, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"External id in use\"}",
        ERROR_CONFLICT, "external_ids");
    pairs_free(&ids);
}

TEST(a_change_that_the_server_says_it_made_and_did_not_is_an_error)
{
    struct recorded_reply replies[] = {OPENING,
        {"PUT " USERS, 200, NULL, synapse_user("{}")}, {0}};
    struct error error = {0};

    begin(replies);
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    assert_int_equal(update(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("locked", error.text);
}

static int
update_once(void *context, struct error *error)
{
    int result;

    synapse_say(context);
    result = update(error);
    return synapse_or_no_memory(result, error);
}

TEST(a_change_is_made_or_memory_was_short)
{
    struct recorded_reply replies[] = {OPENING,
        {"GET " USERS, 200, NULL, synapse_user("{\"threepids\": []}")},
        {"PUT " USERS, 200, NULL,
            synapse_user("{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"}]}")},
        {"PUT /_synapse/admin/v1/suspend/", 200, NULL, "{}"}, {0}};

    begin(replies);
    change_email("a@x");
    change_password("x");
    account_state_bool(&change, ACCOUNT_DEACTIVATED, false);
    account_state_bool(&change, ACCOUNT_SUSPENDED, true);
    fail_each_allocation(update_once, replies);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_look_asks_for_the_rate_limit_only_where_it_counts),
        TRIAL(a_look_at_who_is_not_there_asks_for_no_rate_limit),
        TRIAL(a_404_of_somebody_else_is_not_taken_for_absence),
        TRIAL(a_creation_carries_what_cannot_be_refused_afterwards),
        TRIAL(a_creation_answers_made_or_there_by_then_or_taken),
        TRIAL(a_creation_that_is_refused_says_why),
        TRIAL(a_creation_with_an_address_asks_first_whose_it_is),
        TRIAL(a_name_of_digits_is_refused_before_anything_is_asked),
        TRIAL(a_change_is_one_put_of_what_differs),
        TRIAL(a_change_of_addresses_keeps_the_phone_numbers),
        TRIAL(addresses_are_not_changed_where_the_phone_numbers_cannot_be_seen),
        TRIAL(an_account_is_brought_back_first_and_then_changed),
        TRIAL(a_deactivation_is_a_request_of_its_own),
        TRIAL(an_erasure_deactivates_as_well_and_is_looked_at),
        TRIAL(an_erasure_that_is_refused_is_an_error),
        TRIAL(a_change_that_is_refused_says_what_to_do),
        TRIAL(a_change_that_the_server_says_it_made_and_did_not_is_an_error),
        TRIAL(a_change_is_made_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("synapse, users", tests, synapse_serve,
        synapse_serve_no_more);
}
