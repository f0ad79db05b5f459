/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/companion.h, changing. Answers are Synapse 1.163.2's behind MAS 1.22. */
#include "support.h"

#include <string.h>

#include "backends/mas/companion.h"
#include "base/memory.h"
#include "companion_trial.h"

#define BIT(field) ACCOUNT_BIT(ACCOUNT_##field)

/* The admin API's account after a change; the members that a test is about first. */
#define SYNAPSE_USER(members)                                                              \
    "{\"name\": \"@alice:x\", " members "\"shadow_banned\": false, \"admin\": false, "         \
    "\"deactivated\": false, \"locked\": false, \"erased\": false, \"threepids\": [], "       \
    "\"external_ids\": []}"

static struct observation observed;
static struct account change;

static int
begin(void **state)
{
    struct error error = {0};

    mas_pair_open(state);
    mas_pair_observe(&observed);
    memset(&change, 0, sizeof(change));
    return account_name(&change, "@alice:x", "alice", &error);
}

static int
finish(void **state)
{
    companion_close(&pair.backend);
    account_free(&observed.account);
    account_free(&change);
    return mas_pair_close(state);
}

static void
want_name(const char *displayname)
{
    struct error error = {0};

    account_state_text(&change, ACCOUNT_DISPLAYNAME, displayname, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
want_type(const char *user_type)
{
    struct error error = {0};

    account_state_text(&change, ACCOUNT_USER_TYPE, user_type, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
update(const struct mas_user *user)
{
    struct error error = {0};

    companion_update(&pair.backend, user, &observed, &change, &error);
    assert_kind(&error, ERROR_NONE);
}

static void
assert_update_fails(enum error_kind kind, const char *part)
{
    struct error error = {0};

    assert_int_equal(
        companion_update(&pair.backend, &alice, &observed, &change, &error), -1);
    assert_kind(&error, kind);
    assert_in(part, error.text);
    assert_not_in("mpt_", error.text);
}

TEST(a_profile_is_set_as_the_user_itself)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_itself"), {0}};
    static const struct recorded_reply homeserver[] = {{"PUT " PROFILE, 200, NULL, "{}"}, {0}};
    struct error error = {0};

    mas_pair_say(mas, homeserver);
    want_name("Alice");
    account_state_text(&change, ACCOUNT_AVATAR_URL, "", &error);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    update(&alice);
    assert_homeserver_asked(
        "PUT " PROFILE "/displayname mpt_itself {\"displayname\":\"Alice\"}\n"
        "PUT " PROFILE "/avatar_url mpt_itself {\"avatar_url\":\"\"}\n");
    assert_mas_asked(ASKED_SPEC ASKED_ITSELF(ALICE_ID));
    assert_int_equal(observed.account.stated, BIT(DISPLAYNAME) | BIT(AVATAR_URL));
    assert_string_equal(observed.account.displayname, "Alice");
    companion_close(&pair.backend);
    assert_mas_asked(ASKED_REVOKE);
}

/* M_USER_SUSPENDED, and with enable_set_displayname: false 400 M_FORBIDDEN
 * (synapse/rest/client/profile.py, synapse/handlers/profile.py). */
TEST(a_profile_that_the_user_may_not_set_is_set_as_an_administrator)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {
        {403, "{\"errcode\": \"M_USER_SUSPENDED\", \"error\": \"Updating profile while "
              "account is suspended is not allowed.\"}"},
        {400, "{\"errcode\": \"M_FORBIDDEN\", \"error\": \"Changing display name is disabled "
              "on this server\"}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_any"), {0}};
        const struct recorded_reply homeserver[] = {
            {"PUT " PROFILE, table[i].status, NULL, table[i].body},
            {"PUT " V2_USER, 200, NULL, SYNAPSE_USER("\"displayname\": \"Alice\", ")}, {0}};

        mas_pair_say(mas, homeserver);
        want_name("Alice");
        update(&alice);
        assert_homeserver_asked(
            "PUT " PROFILE "/displayname mpt_any {\"displayname\":\"Alice\"}\n"
            "PUT " V2_USER " mpt_any {\"displayname\":\"Alice\"}\n");
        assert_string_equal(observed.account.displayname, "Alice");
        companion_close(&pair.backend);
    }
}

TEST(a_profile_of_a_locked_user_is_set_as_an_administrator_at_once)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"),
        {"GET " ADMIN "/users?", 200, NULL,
            "{\"data\": [{\"id\": \"" BOB_ID "\", \"attributes\": {\"admin\": true, "
            "\"locked_at\": null, \"deactivated_at\": null}}]}"},
        {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " V2_USER, 200, NULL, SYNAPSE_USER("\"displayname\": \"Alice\", ")}, {0}};

    mas_pair_say(mas, homeserver);
    alice.locked = true;
    want_name("Alice");
    update(&alice);
    assert_homeserver_asked("PUT " V2_USER " mpt_admin {\"displayname\":\"Alice\"}\n");
}

/* What Synapse would take, and MAS would not know of. */
TEST(nothing_that_is_mas_s_goes_to_the_homeserver)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " V2_USER, 200, NULL,
            SYNAPSE_USER("\"displayname\": \"Alice\", \"user_type\": \"bot\", ")},
        {0}};
    static const struct pairs none = {0};
    const struct secret password = secret_over("wonderland");
    struct error error = {0};

    mas_pair_say(mas, homeserver);
    want_name("Alice");
    want_type("bot");
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    account_state_bool(&change, ACCOUNT_LOCKED, true);
    account_state_bool(&change, ACCOUNT_DEACTIVATED, true);
    account_state_bool(&change, ACCOUNT_ERASED, true);
    account_state_set(&change, ACCOUNT_EMAILS, &none, &error);
    account_state_set(&change, ACCOUNT_EXTERNAL_IDS, &none, &error);
    account_state_password(&change, &password, &error);
    update(&alice);
    assert_homeserver_asked("PUT " V2_USER
                            " mpt_admin {\"user_type\":\"bot\",\"displayname\":\"Alice\"}\n");
    assert_int_equal(observed.account.stated, BIT(DISPLAYNAME) | BIT(USER_TYPE));
}

TEST(each_switch_is_a_request_of_its_own)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {{"PUT /_synapse/", 200, NULL, "{}"},
        {"POST /_synapse/", 200, NULL, "{}"}, {"DELETE /_synapse/", 200, NULL, "{}"}, {0}};

    mas_pair_say(mas, homeserver);
    account_state_bool(&change, ACCOUNT_SUSPENDED, true);
    account_state_bool(&change, ACCOUNT_SHADOW_BANNED, false);
    account_state_ratelimit(&change,
        (struct account_ratelimit){.overridden = true, .messages_per_second = 0});
    update(&alice);
    assert_homeserver_asked("POST " V1_USER "/override_ratelimit mpt_admin "
                            "{\"messages_per_second\":0,\"burst_count\":0}\n"
                            "PUT /_synapse/admin/v1/suspend/%40alice%3Ax mpt_admin "
                            "{\"suspend\":true}\n"
                            "DELETE " V1_USER "/shadow_ban mpt_admin\n");
    assert_mas_asked(ASKED_SPEC ASKED_ADMINISTRATOR(ALICE_ID));
    assert_int_equal(observed.account.stated,
        BIT(SUSPENDED) | BIT(SHADOW_BANNED) | BIT(RATELIMIT));
    assert_true(observed.account.suspended);
}

TEST(a_change_of_nothing_here_asks_nobody)
{
    mas_pair_say(NULL, NULL);
    account_state_bool(&change, ACCOUNT_ADMIN, true);
    update(&alice);
    assert_mas_asked("");
    assert_homeserver_asked("");
}

/* Telling the rooms has a limit: 429 comes after the name was stored. */
TEST(a_name_that_is_stored_and_not_told_to_all_rooms_is_a_warning)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_itself"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " PROFILE, 429, NULL,
            "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 60000}"},
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Alice\"}"}, {0}};

    mas_pair_say(mas, homeserver);
    want_name("Alice");
    update(&alice);
    assert_warned("the profile of @alice:x is stored");
}

TEST(a_name_that_a_limit_kept_from_being_stored_is_an_error)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_itself"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " PROFILE, 429, NULL,
            "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 60000}"},
        {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"}, {0}};

    mas_pair_say(mas, homeserver);
    want_name("Alice");
    assert_update_fails(ERROR_RATE_LIMITED, "60 s");
}

TEST(what_the_homeserver_accepts_and_does_not_do_is_an_error)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " V2_USER, 200, NULL, SYNAPSE_USER("\"user_type\": null, ")}, {0}};

    mas_pair_say(mas, homeserver);
    want_type("bot");
    assert_update_fails(ERROR_SERVER, "user_type, but it did not happen");
    assert_null(observed.account.user_type);
}

TEST(a_type_that_synapse_does_not_know_is_an_error_that_says_what_it_knows)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " V2_USER, 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid user type\"}"},
        {0}};

    mas_pair_say(mas, homeserver);
    want_type("robot");
    assert_update_fails(ERROR_INVALID, "extra_user_types");
}

/* A lost answer about a session changes no account. */
TEST(a_session_whose_answer_is_lost_has_changed_nothing)
{
    static const struct recorded_reply mas[] = {
        DESCRIBED, {"POST " PERSONAL, RECORDED_LOST, NULL, ""}, {0}};
    struct error error = {0};

    mas_pair_say(mas, NULL);
    want_type("bot");
    assert_int_equal(
        companion_update(&pair.backend, &alice, &observed, &change, &error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_false(error.maybe_done);
    assert_homeserver_asked("");
}

TEST(what_cannot_be_changed_is_refused_before_anything_is_sent)
{
    static const struct recorded_reply mas[] = {DESCRIBED_OLD, {0}};
    struct error older = {0}, nowhere = {0}, nothing = {0};

    mas_pair_say(mas, NULL);
    want_type("bot");
    assert_int_equal(companion_may_update(&pair.backend, &change, &older), -1);
    assert_kind(&older, ERROR_UNSUPPORTED);
    assert_in("the user_type of an account", older.text);
    assert_in("1.5 and newer can", older.text);
    pair.connection.http.url = NULL;
    assert_int_equal(companion_may_update(&pair.backend, &change, &nowhere), -1);
    assert_kind(&nowhere, ERROR_INVALID);
    assert_in("give url", nowhere.text);
    assert_update_fails(ERROR_INVALID, "give url");
    change.stated = BIT(ADMIN);
    assert_int_equal(companion_may_update(&pair.backend, &change, &nothing), 0);
    assert_mas_asked(ASKED_SPEC);
    assert_homeserver_asked("");
}

static int
update_with_little(void *context, struct error *error)
{
    int result = companion_update(&pair.backend, &alice, &observed, &change, error);

    (void)context;
    companion_close(&pair.backend);
    observed.account.stated = 0;
    return mas_pair_or_no_memory(result, error);
}

TEST(all_is_changed_or_memory_was_short)
{
    static const struct recorded_reply mas[] = {DESCRIBED, MAKES("mpt_admin"), {0}};
    static const struct recorded_reply homeserver[] = {
        {"PUT " PROFILE, 200, NULL, "{}"},
        {"PUT " V2_USER, 200, NULL,
            SYNAPSE_USER("\"displayname\": \"Alice\", \"user_type\": \"bot\", ")},
        {"PUT /_synapse/admin/v1/suspend/", 200, NULL, "{}"}, {0}};

    mas_pair_say(mas, homeserver);
    want_name("Alice");
    update(&alice); /* what is asked once */
    fail_each_allocation(update_with_little, NULL);
    want_type("bot");
    account_state_bool(&change, ACCOUNT_SUSPENDED, true);
    fail_each_allocation(update_with_little, NULL);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        CASE(a_profile_is_set_as_the_user_itself),
        CASE(a_profile_that_the_user_may_not_set_is_set_as_an_administrator),
        CASE(a_profile_of_a_locked_user_is_set_as_an_administrator_at_once),
        CASE(nothing_that_is_mas_s_goes_to_the_homeserver),
        CASE(each_switch_is_a_request_of_its_own),
        CASE(a_change_of_nothing_here_asks_nobody),
        CASE(a_name_that_is_stored_and_not_told_to_all_rooms_is_a_warning),
        CASE(a_name_that_a_limit_kept_from_being_stored_is_an_error),
        CASE(what_the_homeserver_accepts_and_does_not_do_is_an_error),
        CASE(a_type_that_synapse_does_not_know_is_an_error_that_says_what_it_knows),
        CASE(a_session_whose_answer_is_lost_has_changed_nothing),
        CASE(what_cannot_be_changed_is_refused_before_anything_is_sent),
        CASE(all_is_changed_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("MAS's companion, changing", tests, mas_pair_serve,
        mas_pair_serve_no_more);
}
