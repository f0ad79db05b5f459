/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/companion.h, looking. MAS 1.22 and Synapse 1.163.2 as they answered:
 * a user's profile without a session, the rest by a personal session of MAS's. */
#include "support.h"

#include <signal.h>
#include <string.h>

#include "backends/mas/companion.h"
#include "base/stop.h"
#include "companion_trial.h"

#define BIT(field) ACCOUNT_BIT(ACCOUNT_##field)
#define UNKNOWN_TOKEN                                                                       \
    "{\"errcode\": \"M_UNKNOWN_TOKEN\", \"error\": \"Token is not active\", "                   \
    "\"soft_logout\": false}"

/* As Synapse shows her, with things that are MAS's business. */
static const char shown[] =
    "{\"name\": \"@alice:x\", \"displayname\": \"Alice\", \"avatar_url\": \"mxc://x/1\", "
    "\"user_type\": \"bot\", \"suspended\": true, \"shadow_banned\": false, \"admin\": true, "
    "\"deactivated\": false, \"locked\": true, \"erased\": false, \"threepids\": "
    "[{\"medium\": \"email\", \"address\": \"a@x\"}], \"external_ids\": []}";

static struct observation observed;

static int
begin(void **state)
{
    mas_pair_open(state);
    mas_pair_observe(&observed);
    return 0;
}

static int
finish(void **state)
{
    companion_close(&pair.backend);
    account_free(&observed.account);
    return mas_pair_close(state);
}

static void
look(const struct mas_user *user, unsigned mask)
{
    struct error error = {0};

    companion_look(&pair.backend, user, mask, &observed, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
assert_look_fails(const struct mas_user *user, unsigned mask, enum error_kind kind,
    const char *part)
{
    struct error error = {0};

    assert_int_equal(companion_look(&pair.backend, user, mask, &observed, &error), -1);
    assert_kind(&error, kind);
    assert_in(part, error.text);
    assert_not_in("mpt_", error.text);
    assert_not_in("mat_", error.text);
}

TEST(a_profile_that_everybody_sees_takes_no_session)
{
    static const struct recorded_reply homeserver[] = {
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Alice\"}"}, {0}};

    mas_pair_say(NULL, homeserver);
    look(&alice, BIT(DISPLAYNAME) | BIT(ADMIN));
    assert_string_equal(observed.account.displayname, "Alice");
    assert_true(account_states(&observed.account, ACCOUNT_DISPLAYNAME));
    assert_false(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_homeserver_asked("GET " PROFILE " -\n");
    assert_mas_asked("");
}

TEST(a_user_without_a_profile_has_no_name)
{
    static const struct recorded_reply homeserver[] = {
        {"GET " PROFILE, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}, {0}};

    mas_pair_say(NULL, homeserver);
    look(&alice, BIT(DISPLAYNAME) | BIT(AVATAR_URL));
    assert_true(account_states(&observed.account, ACCOUNT_DISPLAYNAME));
    assert_null(observed.account.displayname);
    assert_null(observed.account.avatar_url);
}

TEST(nothing_of_the_homeservers_is_nothing_to_ask)
{
    mas_pair_say(NULL, NULL);
    look(&alice, BIT(ADMIN) | BIT(EMAILS) | BIT(LOCKED));
    assert_homeserver_asked("");
    assert_mas_asked("");
}

/* require_auth_for_profile_requests: 401. */
TEST(a_profile_that_is_hidden_is_looked_at_as_the_user_itself)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_itself"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " PROFILE, 401 + RECORDED_ONCE, NULL, "{\"errcode\": \"M_MISSING_TOKEN\"}"},
        {"GET " PROFILE, 200, NULL, "{\"avatar_url\": \"mxc://x/1\"}"}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(AVATAR_URL));
    assert_string_equal(observed.account.avatar_url, "mxc://x/1");
    assert_homeserver_asked("GET " PROFILE " -\nGET " PROFILE " mpt_itself\n");
    assert_mas_asked(ASKED_SPEC ASKED_ITSELF(ALICE_ID));
    companion_close(&pair.backend);
    assert_mas_asked(ASKED_REVOKE);
    companion_close(&pair.backend);
    assert_mas_asked("");
}

TEST(the_rest_is_seen_as_an_administrator_and_nothing_else_of_it_is_believed)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown},
        {"GET " V1_USER "/override_ratelimit", 200, NULL,
            "{\"messages_per_second\": 5, \"burst_count\": 9}"}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, ~0u);
    assert_int_equal(observed.account.stated, COMPANION_FIELDS);
    assert_string_equal(observed.account.displayname, "Alice");
    assert_string_equal(observed.account.user_type, "bot");
    assert_true(observed.account.suspended);
    assert_false(observed.account.shadow_banned);
    assert_int_equal(observed.account.ratelimit.burst_count, 9);
    assert_homeserver_asked("GET " V2_USER " mpt_admin\n"
                            "GET " V1_USER "/override_ratelimit mpt_admin\n");
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID));
}

TEST(only_the_fields_that_are_asked_for_are_stated)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE) | BIT(SUSPENDED));
    assert_int_equal(observed.account.stated, BIT(USER_TYPE) | BIT(SUSPENDED));
}

TEST(one_session_of_an_administrator_does_for_all_users)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE));
    look(&bob, BIT(USER_TYPE));
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID));
}

TEST(a_session_as_a_user_itself_is_that_users_alone)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_itself"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " PROFILE, 401 + RECORDED_ONCE, NULL, "{}"},
        {"GET " PROFILE, 200 + RECORDED_ONCE, NULL, "{}"},
        {"GET " PROFILE, 401 + RECORDED_ONCE, NULL, "{}"}, {"GET " PROFILE, 200, NULL, "{}"},
        {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(DISPLAYNAME));
    look(&bob, BIT(DISPLAYNAME));
    assert_mas_asked(ASKED_SPEC ASKED_ITSELF(ALICE_ID) ASKED_REVOKE ASKED_ITSELF(BOB_ID));
}

/* ---- Whom to act as ------------------------------------------------------------- */

#define USER(id, admin, locked)                                                            \
    "{\"id\": \"" id "\", \"attributes\": {\"admin\": " admin ", \"locked_at\": " locked       \
    ", \"deactivated_at\": null}}"
#define ASKED_USERS                                                                        \
    "GET " ADMIN "/users?filter%5Badmin%5D=true&filter%5Bstatus%5D=active mat_admin\n"

/* Its token would be refused by Synapse. A MAS that does not know the filters lists
 * everybody. */
TEST(a_locked_user_is_looked_at_as_an_active_administrator_of_mas)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"),
        {"GET " ADMIN "/users?", 200, NULL,
            "{\"data\": [" USER(ALICE_ID, "false", "null") ", " USER("01KAPNTGDN0000000000000000",
                "true", "\"2026-01-01T00:00:00Z\"") ", {\"id\": 5}, " USER(BOB_ID, "true",
                "null") "]}"},
        {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    alice.locked = true;
    look(&alice, BIT(USER_TYPE));
    assert_mas_asked(ASKED_SPEC ASKED_USERS ASKED_ADMINISTRATOR(BOB_ID));
}

/* 410 "User is not active": deactivated since it was looked at. */
TEST(a_user_who_is_not_active_any_more_is_looked_at_as_an_administrator)
{
    static const struct recorded_reply mas[] = {DESCRIBED,
        {"POST " PERSONAL, 410 + RECORDED_ONCE, NULL,
            "{\"errors\": [{\"title\": \"User is not active\"}]}"},
        MAKES("mpt_admin"),
        {"GET " ADMIN "/users?", 200, NULL, "{\"data\": [" USER(BOB_ID, "true", "null") "]}"},
        {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE));
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID) ASKED_USERS
            ASKED_ADMINISTRATOR(BOB_ID));
}

TEST(without_anybody_to_act_as_a_locked_user_is_an_error_that_says_so)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"),
        {"GET " ADMIN "/users?", 200, NULL, "{\"data\": []}"}, {0}};

    mas_pair_say(mas, NULL);
    alice.locked = true;
    assert_look_fails(&alice, BIT(USER_TYPE), ERROR_UNAUTHORIZED,
        "takes an active administrator of MAS to act as, and there is none");
    assert_homeserver_asked("");
}

/* That it is deactivated is what the task will hear of. */
TEST(without_anybody_to_act_as_a_deactivated_user_is_not_seen_further)
{
    static const struct recorded_reply mas[] = {DESCRIBED,
        {"GET " ADMIN "/users?", 200, NULL, "{\"data\": []}"}, {0}};

    mas_pair_say(mas, NULL);
    alice.deactivated = true;
    look(&alice, BIT(USER_TYPE));
    assert_int_equal(observed.account.stated, 0);
    assert_warned("an active administrator of MAS");
}

/* ---- What is refused -------------------------------------------------------------- */

TEST(without_a_homeserver_there_is_nothing_to_look_at)
{
    mas_pair_say(NULL, NULL);
    pair.connection.http.url = NULL;
    assert_look_fails(&alice, BIT(DISPLAYNAME), ERROR_INVALID, "give url");
    look(&alice, ~0u);
    assert_int_equal(observed.account.stated, 0);
}

TEST(without_the_homeservers_name_there_is_nobody_to_look_at)
{
    struct error error = {0};

    mas_pair_say(NULL, NULL);
    account_free(&observed.account);
    account_name(&observed.account, NULL, "alice", &error);
    assert_look_fails(&alice, BIT(DISPLAYNAME), ERROR_INVALID, "give server_name");
}

TEST(an_older_mas_shows_profiles_and_no_more)
{
    static const struct recorded_reply mas[] = {DESCRIBED_OLD, {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Alice\"}"}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(DISPLAYNAME));
    assert_look_fails(&alice, BIT(USER_TYPE), ERROR_UNSUPPORTED, "1.5 and newer can");
    look(&alice, ~0u);
    assert_int_equal(observed.account.stated, BIT(DISPLAYNAME) | BIT(AVATAR_URL));
}

TEST(without_the_admin_api_there_is_no_way_in)
{
    static const struct mas_way other = {.lacks = "MAS's admin API can: see docs/mas.md"};

    mas_pair_say(NULL, NULL);
    pair.state.way = &other;
    assert_look_fails(&alice, BIT(SUSPENDED), ERROR_UNSUPPORTED, "see docs/mas.md");
    pair.state.way = NULL;
    assert_look_fails(&alice, BIT(SUSPENDED), ERROR_UNSUPPORTED, "admin API alone");
    assert_mas_asked("");
}

TEST(a_user_that_the_homeserver_does_not_have_is_an_error_that_says_so)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " V2_USER, 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}, {0}};

    mas_pair_say(mas, homeserver);
    assert_look_fails(&alice, BIT(USER_TYPE), ERROR_NOT_FOUND, "provision-all-users");
}

/* ---- Sessions that end, and hostile answers ------------------------------------------- */

TEST(a_session_that_the_homeserver_refuses_is_made_anew_once)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {
        {"GET " V2_USER, 401 + RECORDED_ONCE, NULL, UNKNOWN_TOKEN},
        {"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE));
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID) ASKED_REVOKE
            ASKED_ADMINISTRATOR(ALICE_ID));
}

TEST(a_session_that_the_homeserver_always_refuses_is_an_error)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " V2_USER, 401, NULL, UNKNOWN_TOKEN}, {0}};

    mas_pair_say(mas, homeserver);
    assert_look_fails(&alice, BIT(USER_TYPE), ERROR_UNAUTHORIZED, "Token is not active");
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID) ASKED_REVOKE
            ASKED_ADMINISTRATOR(ALICE_ID) ASKED_REVOKE);
}

#define SESSION(token, id)                                                                 \
    "{\"data\": {\"id\": \"" id "\", \"attributes\": {\"access_token\": \"" token "\"}}}"

TEST(an_answer_that_is_no_session_is_an_error)
{
    static const char *const answers[] = {"{}", "{\"data\": []}", "{\"data\": {\"id\": 5}}",
        "{\"data\": {\"id\": \"" SESSION_ID "\"}}",
        "{\"data\": {\"id\": \"" SESSION_ID "\", \"attributes\": {\"access_token\": 5}}}",
        "{\"data\": {\"id\": \"" SESSION_ID
        "\", \"attributes\": {\"access_token\": \"mpt_a b\"}}}",
        SESSION("mpt_a\\r\\nX: y", SESSION_ID), SESSION("mpt_a", "../../users/01KAPNTGDJYD2/"),
        SESSION("mpt_a", "01kapntgdm0fhwj7qqvx3vj2jn"),
        "{\"data\": {\"attributes\": {\"access_token\": \"mpt_a\"}}}"};

    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct recorded_reply mas[] = {DESCRIBED,
            {"POST " PERSONAL "/" SESSION_ID "/revoke", 200, NULL, "{}"},
            {"POST " PERSONAL, 201, NULL, answers[i]}, {0}};

        mas_pair_say(mas, NULL);
        assert_look_fails(&alice, BIT(USER_TYPE), ERROR_PROTOCOL, "personal session");
        assert_homeserver_asked("");
        companion_close(&pair.backend);
    }
    assert_int_equal(pair.warnings.count, 0);
}

TEST(a_token_that_the_homeserver_echoes_is_not_shown)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_secret"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"GET " V2_USER, 403, NULL,
            "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"mpt_secret is none\"}"},
        {0}};

    mas_pair_say(mas, homeserver);
    assert_look_fails(&alice, BIT(USER_TYPE), ERROR_FORBIDDEN, "is none");
}

/* 409: it is revoked already. */
TEST(a_session_that_cannot_be_revoked_is_told_without_its_token)
{
    static const struct {
        int status;
        bool told;
    } table[] = {{200, false}, {409, false}, {404, false}, {500, true}, {RECORDED_LOST, true}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply mas[] = {DESCRIBED,
            {"POST " PERSONAL "/" SESSION_ID "/revoke", table[i].status,
                "Content-Type: application/json\r\n", "{\"errors\": []}"},
            {"POST " PERSONAL, 201, NULL, MADE("mpt_admin")}, {0}};
        const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

        mas_pair_say(mas, homeserver);
        look(&alice, BIT(USER_TYPE));
        companion_close(&pair.backend);
        assert_int_equal(pair.warnings.count, table[i].told ? 1 : 0);
        assert_not_warned("mpt_");
        list_free(&pair.warnings);
    }
}

static int
look_with_little(void *context, struct error *error)
{
    int result = companion_look(&pair.backend, &alice, ~0u, &observed, error);

    (void)context;
    if (result == 0 && observed.account.stated != COMPANION_FIELDS)
        result = error_set(error, ERROR_INTERNAL, "not all was seen");
    companion_close(&pair.backend);
    observed.account.stated = 0;
    return mas_pair_or_no_memory(result, error);
}

TEST(all_is_seen_or_memory_was_short)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown},
        {"GET " V1_USER "/override_ratelimit", 200, NULL, "{}"}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE)); /* what is asked once */
    fail_each_allocation(look_with_little, NULL);
}

/* The last of all: nobody takes the signal back. */
TEST(a_session_is_revoked_also_after_a_signal)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    const struct recorded_reply homeserver[] = {{"GET " V2_USER, 200, NULL, shown}, {0}};

    mas_pair_say(mas, homeserver);
    look(&alice, BIT(USER_TYPE));
    mas_pair_forget();
    assert_int_equal(stop_watch(), 0);
    raise(SIGTERM);
    companion_close(&pair.backend);
    assert_mas_asked(ASKED_REVOKE);
    assert_int_equal(pair.warnings.count, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        CASE(a_profile_that_everybody_sees_takes_no_session),
        CASE(a_user_without_a_profile_has_no_name),
        CASE(nothing_of_the_homeservers_is_nothing_to_ask),
        CASE(a_profile_that_is_hidden_is_looked_at_as_the_user_itself),
        CASE(the_rest_is_seen_as_an_administrator_and_nothing_else_of_it_is_believed),
        CASE(only_the_fields_that_are_asked_for_are_stated),
        CASE(one_session_of_an_administrator_does_for_all_users),
        CASE(a_session_as_a_user_itself_is_that_users_alone),
        CASE(a_locked_user_is_looked_at_as_an_active_administrator_of_mas),
        CASE(a_user_who_is_not_active_any_more_is_looked_at_as_an_administrator),
        CASE(without_anybody_to_act_as_a_locked_user_is_an_error_that_says_so),
        CASE(without_anybody_to_act_as_a_deactivated_user_is_not_seen_further),
        CASE(without_a_homeserver_there_is_nothing_to_look_at),
        CASE(without_the_homeservers_name_there_is_nobody_to_look_at),
        CASE(an_older_mas_shows_profiles_and_no_more),
        CASE(without_the_admin_api_there_is_no_way_in),
        CASE(a_user_that_the_homeserver_does_not_have_is_an_error_that_says_so),
        CASE(a_session_that_the_homeserver_refuses_is_made_anew_once),
        CASE(a_session_that_the_homeserver_always_refuses_is_an_error),
        CASE(an_answer_that_is_no_session_is_an_error),
        CASE(a_token_that_the_homeserver_echoes_is_not_shown),
        CASE(a_session_that_cannot_be_revoked_is_told_without_its_token),
        CASE(all_is_seen_or_memory_was_short),
        CASE(a_session_is_revoked_also_after_a_signal),
    };

    return cmocka_run_group_tests_name("MAS's companion, looking", tests, mas_pair_serve,
        mas_pair_serve_no_more);
}
