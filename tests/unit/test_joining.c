/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/homeserver/joining.h: accounts by registering as anybody may. What the servers
 * answer is as Conduit 0.10.12, continuwuity 26.7.3 and tuwunel 1.9.0 were seen to.
 */
#include "family_trial.h"

#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backends/homeserver/joining.h"
#include "backends/homeserver/state.h"

#define ASKED "POST " FAMILY_REGISTER " - {\"inhibit_login\":true}\n"
#define SENT(silent, auth, device)                                                         \
    "POST " FAMILY_REGISTER " - {\"username\":\"alice\",\"password\":\"Passw0rd\","        \
    "\"inhibit_login\":" silent ",\"auth\":{" auth "}" device "}\n"
#define ON_DEVICE ",\"device_id\":\"DEVICE\",\"initial_device_display_name\":\"Registrar\""
#define BY_DUMMY "\"type\":\"m.login.dummy\""
#define BY_TOKEN "\"type\":\"m.login.registration_token\",\"token\":\"first-run\""
#define LOOKED "GET " FAMILY_ROOM " new\nGET " FAMILY_MEMBERS " new\n"
#define LOGGED_OUT "POST " FAMILY_LOGOUT " new\n"

#define ONCE(status, body) {"POST " FAMILY_REGISTER " ", RECORDED_ONCE + (status), NULL, body}
#define STAGE(name) "{\"flows\": [{\"stages\": [\"m.login." name "\"]}], \"session\": \"s\"}"
#define OPEN ONCE(401, STAGE("dummy"))
#define TAKES_TOKEN ONCE(401, STAGE("registration_token"))
#define CLOSED                                                                             \
    {"POST " FAMILY_REGISTER " ", 403, NULL,                                               \
        "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Registration has been disabled.\"}"}
#define MADE                                                                               \
    ONCE(200, "{\"user_id\": \"@alice:x\", \"access_token\": \"new\", \"device_id\": \"D\"}")
#define MADE_SILENTLY ONCE(200, "{\"user_id\": \"@alice:x\", \"device_id\": null}")
#define IS_ROOM {"GET " FAMILY_ROOM, 200, NULL, "{\"room_id\": \"!r\"}"}
#define IS_MEMBER                                                                          \
    {"GET " FAMILY_MEMBERS, 200, NULL, "{\"joined\": {\"@alice:x\": {}, \"@conduit:x\": {}}}"}
#define IS_NO_MEMBER {"GET " FAMILY_MEMBERS, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define PROFILE_SET {"PUT " FAMILY_PROFILE, 200, NULL, "{}"}
#define IS_FREE {"GET " FAMILY_REGISTER "/available", 200, NULL, "{\"available\": true}"}
#define WRONG_LOGIN {"POST " FAMILY_LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}

static struct family_trial trial;
static struct observation observed;
static struct account wanted;
static enum creation creation;
static struct secret token;

static void
begin(const struct recorded_reply *replies)
{
    const struct secret password = secret_over("Passw0rd");
    struct error error = {0};

    family_start(&trial, replies);
    family_connect_well(&trial);
    memset(&wanted, 0, sizeof(wanted));
    memset(&observed, 0, sizeof(observed));
    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
    assert_int_equal(account_name(&observed.account, NULL, "alice", &error), 0);
    assert_int_equal(account_state_password(&wanted, &password, &error), 0);
}

static void
begin_with_token(const struct recorded_reply *replies)
{
    token = secret_over("first-run");
    begin(replies);
    trial.connection.registration_token = &token;
}

static int
clean_up(void **state)
{
    (void)state;
    family_close(&trial);
    account_free(&observed.account);
    account_free(&wanted);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
make(struct error *error)
{
    return joining_create(&trial.backend, &wanted, &creation, &observed, error);
}

static void
make_well(enum creation expected)
{
    struct error error = {0};

    make(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, expected);
}

/* Fails the test unless making ends in this error. */
static void
refuse_to_make(enum error_kind kind, const char *words)
{
    struct error error = {0};

    assert_int_equal(make(&error), -1);
    assert_kind(&error, kind);
    assert_in(words, error.text);
    assert_not_in("Passw0rd", error.text);
    assert_not_in("first-run", error.text);
}

static void
want_text(enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&wanted, field, value, &error), 0);
}

/* ---- Whether anybody may ------------------------------------------------------------------ */

TEST(whether_anybody_may_register_is_asked_once)
{
    static const struct {
        struct recorded_reply reply;
        bool has_token, possible;
        const char *why;
    } table[] = {
        {OPEN, false, true, ""},
        {OPEN, true, true, ""},
        {TAKES_TOKEN, false, false, "registration takes a token"},
        {TAKES_TOKEN, true, true, ""},
        {CLOSED, false, false, "Registration has been disabled."},
        {CLOSED, true, false, "Registration has been disabled."},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {table[i].reply, {0}};

        begin_with_token(replies);
        if (!table[i].has_token)
            trial.connection.registration_token = NULL;
        for (size_t time = 0; time < 2; time++) {
            char why[JOINING_WHY_SIZE] = "?";
            struct error error = {0};
            bool possible;

            assert_int_equal(joining_is_possible(&trial.backend, &possible, why, &error), 0);
            assert_int_equal(possible, table[i].possible);
            assert_string_equal(why, table[i].why);
        }
        family_assert_asked(ASKED);
        clean_up(NULL);
    }
}

TEST(what_no_registration_makes_is_refused_before_anything_is_sent)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, {0}};

    begin(replies);
    account_state_bool(&wanted, ACCOUNT_LOCKED, true);
    refuse_to_make(ERROR_UNAUTHORIZED, "with locked takes an administrator: give the family's");
    clean_up(NULL);

    begin(replies);
    trial.dialect.first_account = FIRST_IS_NOBODY;
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    refuse_to_make(ERROR_UNAUTHORIZED, "with admin takes an administrator");
    clean_up(NULL);

    begin(replies);
    account_unstate_password(&wanted);
    refuse_to_make(ERROR_INVALID, "a password is needed");
    family_assert_asked("");
}

TEST(where_nobody_may_register_the_error_says_what_would_do)
{
    static const struct recorded_reply replies[] = {CLOSED, {0}};
    struct error error = {0};

    begin(replies);
    refuse_to_make(ERROR_UNAUTHORIZED,
        "to create alice on Family, Registrar needs the family's creator (registering as anybody "
        "may does not do: Registration has been disabled.)");
    assert_int_equal(creation, CREATION_NAME_TAKEN);
    family_assert_asked(ASKED);
    assert_int_equal(joining_may_create(&trial.backend, &wanted, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    family_assert_asked("");
}

TEST(in_check_mode_it_is_asked_and_that_one_becomes_an_administrator_is_a_guess)
{
    static const struct recorded_reply replies[] = {OPEN, {0}};
    struct error error = {0};

    begin(replies);
    trial.backend.predict = true;
    assert_int_equal(joining_may_create(&trial.backend, &wanted, &error), 0);
    assert_int_equal(trial.warnings.count, 0);
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    assert_int_equal(joining_may_create(&trial.backend, &wanted, &error), 0);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("that alice becomes an administrator is a guess", trial.warnings.items[0]);
    family_assert_asked(ASKED);
}

/* ---- Creating ------------------------------------------------------------------------------ */

TEST(the_first_account_becomes_an_administrator_with_the_token)
{
    static const struct recorded_reply replies[] = {
        TAKES_TOKEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    begin_with_token(replies);
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_TOKEN, ON_DEVICE) LOOKED LOGGED_OUT);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_string_equal(observed.account.user_id, "@alice:x");
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
    assert_true(account_states(&observed.account, ACCOUNT_DEACTIVATED));
    assert_false(observed.account.deactivated);
    assert_int_equal(trial.warnings.count, 0);
}

/* Conduit takes a token that it did not ask for for a wrong one. */
TEST(a_token_that_nobody_asks_for_is_not_sent)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};

    begin_with_token(replies);
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED LOGGED_OUT);
    assert_true(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_false(observed.account.admin);
    assert_int_equal(trial.warnings.count, 0);
}

TEST(who_became_an_administrator_unasked_is_a_warning)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    for (int stated = 0; stated < 2; stated++) {
        begin(replies);
        if (stated)
            account_state_bool(&wanted, ACCOUNT_ADMIN, false);
        make_well(CREATION_DONE);
        assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
        assert_int_equal(trial.warnings.count, 1);
        assert_in("@alice:x is an administrator now, which nobody asked for",
            trial.warnings.items[0]);
        clean_up(NULL);
    }
}

TEST(who_was_to_be_an_administrator_and_is_none_is_made_and_an_error)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    refuse_to_make(ERROR_POLICY,
        "@alice:x was created, and is no administrator: Family makes one only of whoever "
        "registers while it has none; who is one already can promote it: give the family's "
        "administrator");
    assert_int_equal(creation, CREATION_DONE);
    assert_true(observed.password_is_set);
    assert_true(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_false(observed.account.admin);
    assert_string_equal(observed.account.displayname, "Al");
    assert_in(LOGGED_OUT, family_asked());
}

TEST(the_profile_is_set_with_the_session_of_the_registration)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    want_text(ACCOUNT_AVATAR_URL, "mxc://x/1");
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED
        "PUT " FAMILY_PROFILE "%40alice%3Ax/displayname new {\"displayname\":\"Al\"}\n"
        "PUT " FAMILY_PROFILE "%40alice%3Ax/avatar_url new {\"avatar_url\":\"mxc://x/1\"}\n"
        LOGGED_OUT);
    assert_string_equal(observed.account.displayname, "Al");
    assert_string_equal(observed.account.avatar_url, "mxc://x/1");
}

TEST(a_profile_that_is_refused_leaves_an_account_that_was_made)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, IS_ROOM, IS_NO_MEMBER,
        {"PUT " FAMILY_PROFILE, 400, NULL, "{\"errcode\": \"M_BAD_JSON\"}"},
        FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    want_text(ACCOUNT_AVATAR_URL, "mxc://x/1");
    refuse_to_make(ERROR_INVALID, "setting the avatar_url");
    assert_int_equal(creation, CREATION_DONE);
    assert_true(observed.password_is_set);
    assert_false(account_states(&observed.account, ACCOUNT_AVATAR_URL));
    assert_in(LOGGED_OUT, family_asked());
}

/* Conduit promotes with a session alone, whoever is first. */
TEST(where_a_session_promotes_none_is_asked_for_without_a_wish)
{
    static const struct recorded_reply replies[] = {OPEN, MADE_SILENTLY, {0}};

    begin(replies);
    trial.dialect.first_account = FIRST_WITH_SESSION;
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("true", BY_DUMMY, ""));
    assert_true(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_false(observed.account.admin);
}

TEST(where_a_session_promotes_one_is_asked_for_with_a_wish)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    trial.dialect.first_account = FIRST_WITH_SESSION;
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE) LOOKED LOGGED_OUT);
}

TEST(a_profile_takes_a_login_where_there_is_no_session)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE_SILENTLY, FAMILY_LOGGED_IN, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    trial.dialect.first_account = FIRST_WITH_SESSION;
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    make_well(CREATION_DONE);
    family_assert_asked(ASKED SENT("true", BY_DUMMY, "")
        "POST " FAMILY_LOGIN " - " FAMILY_LOGIN_BODY("alice", "Passw0rd") "\n"
        "PUT " FAMILY_PROFILE "%40alice%3Ax/displayname own {\"displayname\":\"Al\"}\n"
        "POST " FAMILY_LOGOUT " own\n");
}

TEST(an_account_that_was_made_and_lets_nobody_in_is_an_error)
{
    static const struct recorded_reply replies[] = {OPEN, MADE_SILENTLY, WRONG_LOGIN, {0}};

    begin(replies);
    trial.dialect.first_account = FIRST_WITH_SESSION;
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    refuse_to_make(ERROR_PROTOCOL, "does not let it in");
    assert_int_equal(creation, CREATION_DONE);
}

TEST(whether_it_is_an_administrator_may_stay_unknown_unless_it_is_to_be)
{
    static const struct recorded_reply replies[] = {OPEN, MADE,
        {"GET " FAMILY_ROOM, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    make_well(CREATION_DONE);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("whether the server has made @alice:x an administrator cannot be told",
        trial.warnings.items[0]);
    assert_false(account_states(&observed.account, ACCOUNT_ADMIN));
    clean_up(NULL);

    begin(replies);
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    refuse_to_make(ERROR_SERVER, "500");
    assert_int_equal(creation, CREATION_DONE);
}

TEST(a_server_that_has_another_name_is_a_warning)
{
    static const struct recorded_reply replies[] = {
        OPEN, MADE, IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies);
    account_free(&wanted);
    memset(&wanted, 0, sizeof(wanted));
    assert_int_equal(account_name(&wanted, "@alice:y", "alice", &error), 0);
    assert_int_equal(
        account_state_password(&wanted, &(struct secret){(char[]){"Passw0rd"}, 8}, &error), 0);
    make_well(CREATION_DONE);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("calls the new account @alice:x, not @alice:y", trial.warnings.items[0]);
}

TEST(a_session_that_stays_is_a_warning)
{
    static const struct recorded_reply replies[] = {OPEN, MADE, IS_ROOM, IS_NO_MEMBER,
        {"POST " FAMILY_LOGOUT, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, {0}};

    begin(replies);
    make_well(CREATION_DONE);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("alice could not be logged out", trial.warnings.items[0]);
}

/* ---- Refusals ---------------------------------------------------------------------------- */

TEST(a_name_that_is_taken_is_an_answer)
{
    static const struct recorded_reply replies[] = {
        OPEN, ONCE(400, "{\"errcode\": \"M_USER_IN_USE\"}"), {0}};

    begin(replies);
    make_well(CREATION_NAME_TAKEN);
    family_assert_asked(ASKED SENT("false", BY_DUMMY, ON_DEVICE));
}

TEST(a_wrong_token_is_told_with_what_continuwuity_takes_at_first)
{
    static const struct recorded_reply replies[] = {TAKES_TOKEN,
        ONCE(401, "{\"flows\": [{\"stages\": [\"m.login.registration_token\"]}], "
                  "\"errcode\": \"M_FORBIDDEN\", \"error\": \"Invalid registration token.\"}"),
        {0}};
    struct error error = {0};

    begin_with_token(replies);
    assert_int_equal(make(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("does not take this registration_token", error.text);
    assert_not_in("printed into its log", error.text);
    assert_true(error_ends_list(&error));
    clean_up(NULL);

    begin_with_token(replies);
    trial.type.server = SERVER_CONTINUWUITY;
    refuse_to_make(ERROR_UNAUTHORIZED, "printed into its log when it was last started");
}

/* Two runs at once, of which the other one was the first (continuwuity 26.7.3). */
TEST(a_registration_that_was_closed_meanwhile_is_asked_about_again)
{
    static const struct recorded_reply replies[] = {TAKES_TOKEN, CLOSED, {0}};

    begin_with_token(replies);
    refuse_to_make(ERROR_UNAUTHORIZED, "may does not do: Registration has been disabled.");
    family_assert_asked(ASKED SENT("false", BY_TOKEN, ON_DEVICE) ASKED);
    assert_int_equal(creation, CREATION_NAME_TAKEN);
}

/* ---- Lost replies ---------------------------------------------------------------------- */

#define LOST {"POST " FAMILY_REGISTER " ", RECORDED_ONCE + RECORDED_LOST, NULL, ""}

TEST(a_lost_reply_is_settled_by_a_login_as_the_account)
{
    static const struct recorded_reply replies[] = {OPEN, LOST, FAMILY_LOGGED_IN, IS_ROOM,
        IS_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    make_well(CREATION_PERHAPS);
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
    assert_string_equal(observed.account.displayname, "Al");
    assert_in("POST " FAMILY_LOGOUT " own\n", family_asked());
}

TEST(a_lost_reply_that_no_login_settles_is_told_as_lost)
{
    static const struct recorded_reply replies[] = {OPEN, LOST, WRONG_LOGIN, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(make(&error), -1);
    assert_true(error_hides_outcome(&error));
    assert_int_not_equal(creation, CREATION_DONE);
    assert_int_equal(observed.presence, PRESENCE_UNKNOWN);
}

/* The connection breaks under the request, and libcurl sends it again. */
#define OPEN_ONCE_MORE                                                                     \
    {"POST " FAMILY_REGISTER " ", RECORDED_KEPT + RECORDED_ONCE + 401, NULL, STAGE("dummy")}
#define TAKEN ONCE(400, "{\"errcode\": \"M_USER_IN_USE\"}")

TEST(a_name_may_be_taken_by_a_request_that_went_out_twice)
{
    static const struct recorded_reply replies[] = {OPEN_ONCE_MORE, TAKEN, FAMILY_LOGGED_IN,
        IS_ROOM, IS_NO_MEMBER, FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    make_well(CREATION_PERHAPS);
    assert_in(SENT("false", BY_DUMMY, ON_DEVICE) SENT("false", BY_DUMMY, ON_DEVICE),
        family_asked());
    assert_string_equal(observed.account.user_id, "@alice:x");
}

TEST(a_name_that_is_somebody_elses_is_taken_also_after_two_requests)
{
    static const struct recorded_reply replies[] = {OPEN_ONCE_MORE, TAKEN, WRONG_LOGIN,
        {"GET " FAMILY_AVAILABLE "alice", 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}, {0}};

    begin(replies);
    make_well(CREATION_NAME_TAKEN);
}

TEST(two_requests_that_made_nothing_are_a_refusal)
{
    static const struct recorded_reply replies[] = {
        OPEN_ONCE_MORE, IS_FREE, CLOSED, WRONG_LOGIN, {0}};

    begin(replies);
    refuse_to_make(ERROR_UNAUTHORIZED, "Registration has been disabled.");
    assert_int_equal(creation, CREATION_NAME_TAKEN);
}

TEST(an_answer_that_names_another_account_is_of_one_that_was_made)
{
    static const struct recorded_reply replies[] = {
        OPEN, ONCE(200, "{\"user_id\": \"@bob:x\", \"access_token\": \"new\"}"),
        FAMILY_LOGGED_OUT, {0}};

    begin(replies);
    refuse_to_make(ERROR_PROTOCOL, "names another account");
    assert_int_equal(creation, CREATION_DONE);
    assert_in(LOGGED_OUT, family_asked());
}

/* ---- Memory -------------------------------------------------------------------------------- */

struct making {
    enum first_account first;
    const struct recorded_reply *replies;
};

static int
make_again(void *context, struct error *error)
{
    const struct making *making = context;
    const struct secret password = secret_over("Passw0rd");
    int result;

    memset(&wanted, 0, sizeof(wanted));
    memset(&observed, 0, sizeof(observed));
    family_start(&trial, making->replies);
    trial.dialect.first_account = making->first;
    result = family_connect(&trial, error);
    if (result == 0 && (account_name(&wanted, "@alice:y", "alice", error) != 0 ||
                           account_state_password(&wanted, &password, error) != 0 ||
                           account_state_text(&wanted, ACCOUNT_DISPLAYNAME, "Al", error) != 0))
        result = -1;
    if (result == 0)
        result = make(error);
    clean_up(NULL);
    return family_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply closed[] = {CLOSED, {0}};
    static const struct recorded_reply silent[] = {
        OPEN, MADE_SILENTLY, FAMILY_LOGGED_IN, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};
    static const struct recorded_reply loud[] = {
        OPEN, MADE, IS_ROOM, IS_MEMBER, PROFILE_SET, FAMILY_LOGGED_OUT, {0}};
    struct making makings[] = {
        {FIRST_WITH_SESSION, closed}, {FIRST_WITH_SESSION, silent}, {FIRST_PROMOTED, loud}};

    for (size_t i = 0; i < COUNT(makings); i++)
        fail_each_allocation(make_again, &makings[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(whether_anybody_may_register_is_asked_once),
        TRIAL(what_no_registration_makes_is_refused_before_anything_is_sent),
        TRIAL(where_nobody_may_register_the_error_says_what_would_do),
        TRIAL(in_check_mode_it_is_asked_and_that_one_becomes_an_administrator_is_a_guess),
        TRIAL(the_first_account_becomes_an_administrator_with_the_token),
        TRIAL(a_token_that_nobody_asks_for_is_not_sent),
        TRIAL(who_became_an_administrator_unasked_is_a_warning),
        TRIAL(who_was_to_be_an_administrator_and_is_none_is_made_and_an_error),
        TRIAL(the_profile_is_set_with_the_session_of_the_registration),
        TRIAL(a_profile_that_is_refused_leaves_an_account_that_was_made),
        TRIAL(where_a_session_promotes_none_is_asked_for_without_a_wish),
        TRIAL(where_a_session_promotes_one_is_asked_for_with_a_wish),
        TRIAL(a_profile_takes_a_login_where_there_is_no_session),
        TRIAL(an_account_that_was_made_and_lets_nobody_in_is_an_error),
        TRIAL(whether_it_is_an_administrator_may_stay_unknown_unless_it_is_to_be),
        TRIAL(a_server_that_has_another_name_is_a_warning),
        TRIAL(a_session_that_stays_is_a_warning),
        TRIAL(a_name_that_is_taken_is_an_answer),
        TRIAL(a_wrong_token_is_told_with_what_continuwuity_takes_at_first),
        TRIAL(a_registration_that_was_closed_meanwhile_is_asked_about_again),
        TRIAL(a_lost_reply_is_settled_by_a_login_as_the_account),
        TRIAL(a_lost_reply_that_no_login_settles_is_told_as_lost),
        TRIAL(a_name_may_be_taken_by_a_request_that_went_out_twice),
        TRIAL(a_name_that_is_somebody_elses_is_taken_also_after_two_requests),
        TRIAL(two_requests_that_made_nothing_are_a_refusal),
        TRIAL(an_answer_that_names_another_account_is_of_one_that_was_made),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
