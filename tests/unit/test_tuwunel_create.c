/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/tuwunel/tuwunel_creation.h. Statuses and codes are tuwunel 1.9.0's:
 * src/api/client/admin/register.rs, users/create_or_modify.rs, users/username_available.rs. */
#include <stdbool.h>
#include <string.h>

#include "tuwunel_trial.h"

/* From Python's hmac with the key "shared" over "abcd", "alice", "x" and "notadmin" or
 * "admin", and over "abcd", "!registrar", "unused", "notadmin", with NULs in between. */
#define MAC_PLAIN "8d1261c2b9941bc60ada05ffa9967bf24f400f80"
#define MAC_ADMIN "a6c4236abc65fde93346fe0fb7062cea2f71120e"
#define MAC_PROOF "014df0e83c2596e40c29b96f15fc9511b4bb4d64"

#define REGISTERED                                                                         \
    {"POST " REGISTER, 200, NULL, "{\"user_id\": \"@alice:x\", \"home_server\": \"x\"}"}
#define REGISTERED_SESSION                                                                 \
    {"POST " REGISTER, 200, NULL,                                                          \
        "{\"user_id\": \"@alice:x\", \"home_server\": \"x\", \"access_token\": \"tok_alice\"," \
        " \"device_id\": \"registrar\"}"}
#define TAKEN                                                                              \
    {"POST " REGISTER, 400, NULL, REFUSED("M_USER_IN_USE", "User ID is not available")}
#define NO_ADMINISTRATOR                                                                   \
    {"GET " ALICE, 403, NULL,                                                              \
        REFUSED("M_FORBIDDEN", "Only server administrators can use this endpoint")}
#define NAMED_BY_SERVER {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al <3\"}"}
#define NAME_SET {"PUT " PROFILE, 200, NULL, "{}"}
#define LOGGED_IN                                                                          \
    {"POST " LOGIN, 200, NULL,                                                             \
        "{\"user_id\": \"@alice:x\", \"access_token\": \"tok_again\", \"device_id\": "     \
        "\"registrar\"}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}

static int
create(enum creation *creation, struct error *error)
{
    *creation = (enum creation)-1;
    return tuwunel.backend->type->create(tuwunel.backend, &tuwunel_wanted, creation,
        &tuwunel_observed, error);
}

static enum creation
create_well(void)
{
    enum creation creation;
    struct error error = {0};

    create(&creation, &error);
    assert_kind(&error, ERROR_NONE);
    return creation;
}

static int
may_create(struct error *error)
{
    return tuwunel.backend->type->may_create(tuwunel.backend, &tuwunel_wanted, error);
}

/* ---- With an administrator ---- */

/* A registration alone gives push rules and default rooms; and a name that is not the one
 * that was asked for (src/service/users/register.rs). */
TEST(with_an_administrator_the_secret_registers_and_a_look_shows_what_became)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE, REGISTERED,
        {"GET " ALICE, 200, NULL,
            tuwunel_user("\"displayname\": \"Al <3\", \"admin\": true")},
        {0}};

    tuwunel_start_with_both(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(create_well(), CREATION_DONE);
    synapse_assert_asked("GET " NAME_AVAILABLE "?username=alice syt_admin\n"
                         "POST " REGISTER " - {\"nonce\":\"abcd\",\"username\":\"alice\","
                         "\"password\":\"x\",\"admin\":true,\"mac\":\"" MAC_ADMIN "\","
                         "\"displayname\":\"Al\",\"inhibit_login\":true}\n"
                         "GET " ALICE " syt_admin\n");
    assert_string_equal(tuwunel_observed.account.displayname, "Al <3");
    assert_true(account_is(&tuwunel_observed.account, ACCOUNT_ADMIN));
}

/* Without a room of administrators 200 is said all the same (src/service/admin/grant.rs). */
TEST(an_administrator_that_was_not_made_one_is_seen_as_none)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE, REGISTERED,
        {"GET " ALICE, 200, NULL, tuwunel_user("\"admin\": false")}, {0}};

    tuwunel_start_with_both(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(create_well(), CREATION_DONE);
    assert_true(account_states(&tuwunel_observed.account, ACCOUNT_ADMIN));
    assert_false(tuwunel_observed.account.admin);
}

/* Neither a registration nor a PUT asks for itself. */
TEST(a_name_that_is_taken_or_reserved_by_then_makes_nothing)
{
    static const struct {
        const char *body;
        enum error_kind kind;
    } table[] = {
        {REFUSED("M_USER_IN_USE", "Username is not available"), ERROR_NONE},
        {REFUSED("M_EXCLUSIVE", "Username is reserved by an appservice"), ERROR_POLICY},
        {REFUSED("M_INVALID_USERNAME", "Username is forbidden"), ERROR_INVALID},
    };

    for (size_t i = 0; i < 2 * COUNT(table); i++) {
        const struct recorded_reply replies[] = {TUWUNEL_OPENING,
            {"GET " NAME_AVAILABLE, 400, NULL, table[i / 2].body}, {0}};
        enum creation creation;
        struct error error = {0};

        if (i % 2 == 0)
            tuwunel_start_with_both(replies);
        else
            tuwunel_start_with_token(replies);
        tuwunel_open();
        tuwunel_want_password("x");
        create(&creation, &error);
        assert_kind(&error, table[i / 2].kind);
        assert_int_equal(creation, CREATION_NAME_TAKEN);
        synapse_assert_asked("GET " NAME_AVAILABLE "?username=alice syt_admin\n");
        tuwunel_end(NULL);
    }
}

/* Who has no password is deactivated, unless the request says otherwise; a PUT gives no
 * display name by itself. */
TEST(without_a_password_it_is_made_active_by_a_put_that_says_so)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": \"alice\"")}, {0}};

    tuwunel_start_with_both(replies);
    tuwunel_open();
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, false);
    assert_int_equal(create_well(), CREATION_DONE);
    synapse_assert_asked("GET " NAME_AVAILABLE "?username=alice syt_admin\n"
                         "PUT " ALICE " syt_admin "
                         "{\"displayname\":\"alice\",\"deactivated\":false}\n");
    assert_false(tuwunel_observed.account.deactivated);
}

/* "admin": false of who is none is 500 after all else was done. */
TEST(without_the_secret_an_administrator_makes_it_by_a_put)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"admin\": true, \"displayname\": null")}, {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "");
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(create_well(), CREATION_DONE);
    synapse_assert_asked("GET " NAME_AVAILABLE "?username=alice syt_admin\n"
                         "PUT " ALICE " syt_admin {\"admin\":true,\"displayname\":\"\","
                         "\"password\":\"x\",\"logout_devices\":false}\n");
    assert_true(tuwunel_observed.account.admin);
}

/* ---- Without ---- */

/* It is there with its name, which the server adds to, and sets it again by itself. */
TEST(alone_the_secret_registers_and_the_account_sets_its_name_again)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, REGISTERED_SESSION,
        NO_ADMINISTRATOR, NAMED_BY_SERVER, NAME_SET, LOGGED_OUT, {0}};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    assert_int_equal(create_well(), CREATION_DONE);
    synapse_assert_asked("POST " REGISTER " - {\"nonce\":\"abcd\",\"username\":\"alice\","
                         "\"password\":\"x\",\"admin\":false,\"mac\":\"" MAC_PLAIN "\","
                         "\"displayname\":\"Al\",\"device_id\":\"registrar\","
                         "\"initial_device_display_name\":\"Registrar\"}\n"
                         "GET " ALICE " tok_alice\n"
                         "GET " PROFILE "%40alice%3Ax tok_alice\n"
                         "PUT " PROFILE "%40alice%3Ax/displayname tok_alice "
                         "{\"displayname\":\"Al\"}\n"
                         "POST " LOGOUT " tok_alice\n");
    assert_string_equal(tuwunel_observed.account.displayname, "Al");
    assert_false(tuwunel_observed.account.admin);
}

TEST(alone_what_was_to_be_an_administrator_and_is_none_is_told)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, REGISTERED_SESSION,
        NO_ADMINISTRATOR, NAMED_BY_SERVER, NAME_SET, LOGGED_OUT, {0}};
    enum creation creation;
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(create(&creation, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("create_admin_room", error.text);
    assert_int_equal(creation, CREATION_DONE);
    assert_true(tuwunel_observed.password_is_set);
    assert_in("POST " LOGOUT " tok_alice", synapse_asked());
}

/* The device is that of the registration, so that none is left. */
TEST(alone_a_registration_whose_reply_was_lost_is_settled_by_a_login)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED,
        {"POST " REGISTER, RECORDED_LOST, NULL, NULL}, LOGGED_IN, NO_ADMINISTRATOR,
        NAMED_BY_SERVER, NAME_SET, LOGGED_OUT, {0}};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    assert_int_equal(create_well(), CREATION_PERHAPS);
    assert_string_equal(tuwunel_observed.account.displayname, "Al");
    assert_in("POST " LOGOUT " tok_again", synapse_asked());
}

TEST(alone_a_name_that_is_taken_is_an_answer)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, TAKEN, {0}};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    assert_int_equal(create_well(), CREATION_NAME_TAKEN);
}

TEST(alone_the_secret_makes_what_the_account_can_make_of_itself)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, {0}};
    enum creation creation;
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    assert_false(tuwunel.backend->type->creates(tuwunel.backend, &tuwunel_wanted));
    assert_int_equal(create(&creation, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    tuwunel_want_password("x");
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    tuwunel_want_text(ACCOUNT_AVATAR_URL, "mxc://x/y");
    account_state_bool(&tuwunel_wanted, ACCOUNT_ADMIN, true);
    assert_true(tuwunel.backend->type->creates(tuwunel.backend, &tuwunel_wanted));
    account_state_bool(&tuwunel_wanted, ACCOUNT_LOCKED, true);
    assert_false(tuwunel.backend->type->creates(tuwunel.backend, &tuwunel_wanted));
    memset(&error, 0, sizeof(error));
    assert_int_equal(create(&creation, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("locked", error.text);
    synapse_assert_asked("");
}

/* ---- The secret ---- */

/* Types are looked at first, so that a wrong one would prove nothing; the MAC before the
 * name. */
TEST(the_secret_is_proven_by_a_name_that_nobody_can_have)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {400, REFUSED("M_INVALID_USERNAME", "Username contains disallowed characters"),
            ERROR_NONE},
        {400, REFUSED("M_INVALID_PARAM", "Invalid user id"), ERROR_NONE},
        {400, REFUSED("M_INVALID_PARAM", "Unrecognised or expired nonce"), ERROR_SERVER},
        {403, REFUSED("M_FORBIDDEN", "HMAC check failed"), ERROR_UNAUTHORIZED},
        {400, REFUSED("M_UNKNOWN", "Shared-secret registration is not enabled"),
            ERROR_UNSUPPORTED},
        {400, REFUSED("M_BAD_JSON", "deserialization failed"), ERROR_INVALID},
        {200, "{\"user_id\": \"@!registrar:x\"}", ERROR_PROTOCOL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {TUWUNEL_SERVED,
            {"POST " REGISTER, table[i].status, NULL, table[i].body}, {0}};
        struct error error = {0};

        tuwunel_start_with_secret(replies);
        tuwunel_open();
        tuwunel_want_password("x");
        may_create(&error);
        assert_kind(&error, table[i].kind);
        if (table[i].kind == ERROR_NONE)
            synapse_assert_asked("POST " REGISTER
                                 " - {\"nonce\":\"abcd\",\"username\":\"!registrar\","
                                 "\"password\":\"unused\",\"admin\":false,\"mac\":\"" MAC_PROOF
                                 "\",\"inhibit_login\":true}\n");
        tuwunel_end(NULL);
    }
}

TEST(in_check_mode_an_administrators_creation_asks_for_the_name_and_the_secret)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE,
        {"POST " REGISTER, 400, NULL, REFUSED("M_INVALID_USERNAME", "disallowed")}, {0}};
    struct error error = {0};

    tuwunel_start_with_both(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    may_create(&error);
    assert_kind(&error, ERROR_NONE);
    assert_in("\"username\":\"!registrar\"", synapse_asked());
    account_unstate_password(&tuwunel_wanted);
    may_create(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("GET " NAME_AVAILABLE "?username=alice syt_admin\n");
}

TEST(a_nonce_that_the_server_forgot_is_renewed_once)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED,
        {"POST " REGISTER, RECORDED_ONCE + 400, NULL,
            REFUSED("M_INVALID_PARAM", "Unrecognised or expired nonce")},
        REGISTERED_SESSION, NO_ADMINISTRATOR, NAMED_BY_SERVER, LOGGED_OUT, {0}};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel_want_password("x");
    assert_int_equal(create_well(), CREATION_DONE);
    assert_in("GET " REGISTER " -\nPOST " REGISTER, synapse_asked());
}

/* ---- Memory ---- */

static int
create_once(void *context, struct error *error)
{
    enum creation creation;
    int result;

    (void)context;
    result = create(&creation, error);
    if (result == 0 && creation != CREATION_DONE)
        result = error_set(error, ERROR_INTERNAL, "it was not made");
    return synapse_or_no_memory(result, error);
}

TEST(an_account_is_put_or_memory_was_short)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING, FREE,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": \"Al\"")}, {0}};

    tuwunel_start_with_token(replies);
    tuwunel_open();
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    fail_each_allocation(create_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TUWUNEL_TRIAL(with_an_administrator_the_secret_registers_and_a_look_shows_what_became),
        TUWUNEL_TRIAL(an_administrator_that_was_not_made_one_is_seen_as_none),
        cmocka_unit_test(a_name_that_is_taken_or_reserved_by_then_makes_nothing),
        TUWUNEL_TRIAL(without_a_password_it_is_made_active_by_a_put_that_says_so),
        TUWUNEL_TRIAL(without_the_secret_an_administrator_makes_it_by_a_put),
        TUWUNEL_TRIAL(alone_the_secret_registers_and_the_account_sets_its_name_again),
        TUWUNEL_TRIAL(alone_what_was_to_be_an_administrator_and_is_none_is_told),
        TUWUNEL_TRIAL(alone_a_registration_whose_reply_was_lost_is_settled_by_a_login),
        TUWUNEL_TRIAL(alone_a_name_that_is_taken_is_an_answer),
        TUWUNEL_TRIAL(alone_the_secret_makes_what_the_account_can_make_of_itself),
        cmocka_unit_test(the_secret_is_proven_by_a_name_that_nobody_can_have),
        TUWUNEL_TRIAL(in_check_mode_an_administrators_creation_asks_for_the_name_and_the_secret),
        TUWUNEL_TRIAL(a_nonce_that_the_server_forgot_is_renewed_once),
        TUWUNEL_TRIAL(an_account_is_put_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("tuwunel, creations", tests, synapse_serve,
        synapse_serve_no_more);
}
