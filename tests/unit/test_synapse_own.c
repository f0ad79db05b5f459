/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/own.h and verify_login: the account's own password, against
 * answers as Synapse 1.163.2 gives them. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "synapse_trial.h"

#define ALICE "%40alice%3Ax"
#define THREEPIDS "/_matrix/client/v3/account/3pid"

static struct synapse_trial trial;
static struct observation observed;
static enum password_answer answer;

#define NONCE {"GET " REGISTER, 200, "Server: Synapse/1.163.2\r\n", "{\"nonce\": \"abcd\"}"}
#define NO_PROFILE {"GET " PROFILE, RECORDED_ONCE + 404, NULL, "{\"errcode\": \"M_NOT_FOUND\"}"}
#define LOGGED_IN_AS(user_id)                                                              \
    {"POST " LOGIN, 200, NULL,                                                             \
        "{\"user_id\": \"" user_id "\", \"access_token\": \"syt_own\"}"}
#define NO_ADMIN {"GET " USERS, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}
#define IS_ALICE                                                                           \
    {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\", \"avatar_url\": \"mxc://x/1\"}"}
#define LOGGED_OUT {"POST " LOGOUT, 200, NULL, "{}"}
#define WORKS {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@alice:x\"}"}

/* Opens with the shared secret alone, and looks at Alice. */
static void
begin(const struct recorded_reply *replies, unsigned mask)
{
    struct error error = {0};

    synapse_start_with_secret(&trial, replies);
    trial.connection.service_account = NULL;
    synapse_open_well(&trial);
    synapse_observe_alice(&observed);
    trial.backend->type->lookup(trial.backend, mask, &observed, &error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("GET " PROFILE ALICE " -\n");
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_close(&trial);
    account_free(&observed.account);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
ask(struct error *error)
{
    const struct secret password = secret_over("x");
    char why[256] = "";

    return trial.backend->type->ask_password(trial.backend, &observed, &password, &answer, why,
        error);
}

static void
ask_well(enum password_answer expected)
{
    struct error error = {0};

    ask(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(answer, expected);
}

#define ASKED                                                                              \
    "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"            \
    "\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"x\","                             \
    "\"initial_device_display_name\":\"Registrar\"}\n"                                     \
    "GET " USERS ALICE " syt_own\n"

TEST(a_profile_that_everybody_sees_shows_name_and_avatar)
{
    static const struct recorded_reply replies[] = {NONCE, IS_ALICE, {0}};

    begin(replies, ~0u);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_int_equal(observed.account.stated,
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL));
    assert_string_equal(observed.account.displayname, "Al");
    assert_string_equal(observed.account.avatar_url, "mxc://x/1");
}

TEST(who_has_no_profile_may_be_there_all_the_same)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, {0}};

    begin(replies, ~0u);
    assert_int_equal(observed.presence, PRESENCE_UNKNOWN);
    assert_int_equal(observed.account.stated, 0);
}

/* Who can log in is neither deactivated nor locked; 403 says no administrator. */
TEST(ones_own_login_shows_what_it_may)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, IS_ALICE, LOGGED_OUT, {0}};

    begin(replies, 0);
    ask_well(PASSWORD_SAME);
    synapse_assert_asked(ASKED "GET " PROFILE ALICE " syt_own\n");
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_int_equal(observed.account.stated,
        ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_DEACTIVATED) |
            ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) |
            ACCOUNT_BIT(ACCOUNT_AVATAR_URL));
    assert_false(observed.account.admin);
    assert_string_equal(observed.account.displayname, "Al");
}

TEST(ones_own_addresses_are_asked_for_where_they_count)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, IS_ALICE,
        {"GET " THREEPIDS, 200, NULL,
            "{\"threepids\": [{\"medium\": \"msisdn\", \"address\": \"1\"},"
            " {\"medium\": \"email\", \"address\": \"a@x\"}]}"},
        LOGGED_OUT, {0}};

    begin(replies, ACCOUNT_BIT(ACCOUNT_EMAILS));
    ask_well(PASSWORD_SAME);
    synapse_assert_asked(
        ASKED "GET " PROFILE ALICE " syt_own\nGET " THREEPIDS " syt_own\n");
    assert_int_equal(observed.account.emails.count, 1);
    assert_true(pairs_have(&observed.account.emails, "email", "a@x"));
}

TEST(ones_own_addresses_that_make_no_sense_stay_unseen)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {{200, "{\"threepids\": 5}"}, {200, "{}"}, {200, "{\"threepids\": [\"a@x\"]}"},
        {200, "{\"threepids\": [{\"medium\": \"email\"}]}"},
        {403, "{\"errcode\": \"M_FORBIDDEN\"}"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
            NO_ADMIN, IS_ALICE, {"GET " THREEPIDS, table[i].status, NULL, table[i].body},
            LOGGED_OUT, {0}};

        begin(replies, ACCOUNT_BIT(ACCOUNT_EMAILS));
        ask_well(PASSWORD_SAME);
        assert_false(account_states(&observed.account, ACCOUNT_EMAILS));
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

TEST(an_administrators_own_login_shows_everything)
{
    struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        {"GET " USERS ALICE, 200, NULL, synapse_user("{\"admin\": true}")}, LOGGED_OUT, {0}};

    begin(replies, ACCOUNT_BIT(ACCOUNT_EMAILS));
    ask_well(PASSWORD_SAME);
    synapse_assert_asked(ASKED);
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
    assert_true(account_states(&observed.account, ACCOUNT_EMAILS));
    assert_true(account_states(&observed.account, ACCOUNT_USER_TYPE));
}

TEST(another_password_shows_nothing)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE,
        {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, {0}};

    begin(replies, 0);
    ask_well(PASSWORD_DIFFERENT);
    assert_int_equal(observed.account.stated, 0);
    assert_int_equal(trial.backend->authority, AUTHORITY_NONE);
}

TEST(a_login_as_another_account_tells_nothing)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@bob:x"),
        LOGGED_OUT, {0}};

    begin(replies, 0);
    ask_well(PASSWORD_CANNOT_TELL);
    assert_int_equal(observed.account.stated, 0);
}

TEST(an_account_in_hand_is_logged_out_with_the_next_look_and_in_the_end)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, IS_ALICE, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, 0);
    ask_well(PASSWORD_SAME);
    synapse_asked();
    trial.backend->type->lookup(trial.backend, 0, &observed, &error);
    synapse_assert_asked("POST " LOGOUT " syt_own\nGET " PROFILE ALICE " -\n");
    ask_well(PASSWORD_SAME);
    synapse_asked();
    synapse_close(&trial);
    synapse_assert_asked("POST " LOGOUT " syt_own\n");
}

TEST(a_device_that_may_be_left_is_told)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, IS_ALICE, {"POST " LOGOUT, 500, NULL, "{}"}, {0}};
    struct error error = {0};

    begin(replies, 0);
    ask_well(PASSWORD_SAME);
    trial.backend->type->lookup(trial.backend, 0, &observed, &error);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("@alice:x", trial.warnings.items[0]);
    assert_in("device", trial.warnings.items[0]);
}

static void
change_text(struct account *change, enum account_field field, const char *value)
{
    struct error error = {0};

    if (change->localpart == NULL)
        assert_int_equal(account_name(change, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_state_text(change, field, value, &error), 0);
}

TEST(an_account_changes_its_own_name_and_avatar_and_nothing_else)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"},
        {"PUT " PROFILE, 200, NULL, "{}"}, LOGGED_OUT, {0}};
    const struct backend_type *type;
    struct account change = {0}, more = {0};
    struct error error = {0};

    begin(replies, 0);
    type = trial.backend->type;
    change_text(&change, ACCOUNT_DISPLAYNAME, NULL);
    change_text(&change, ACCOUNT_AVATAR_URL, "mxc://x/2");
    change_text(&more, ACCOUNT_DISPLAYNAME, "Al");
    account_state_bool(&more, ACCOUNT_ADMIN, true);
    assert_false(type->updates(trial.backend, &change)); /* not before it is logged in */
    ask_well(PASSWORD_SAME);
    synapse_asked();
    assert_true(type->updates(trial.backend, &change));
    assert_false(type->updates(trial.backend, &more));
    assert_int_equal(type->may_update(trial.backend, &observed, &more, &error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("admin", error.text);
    error_clear(&error);
    assert_int_equal(type->may_update(trial.backend, &observed, &change, &error), 0);
    type->update(trial.backend, &observed, &change, false, &error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked("PUT " PROFILE ALICE "/displayname syt_own {\"displayname\":\"\"}\n"
                         "PUT " PROFILE ALICE
                         "/avatar_url syt_own {\"avatar_url\":\"mxc://x/2\"}\n");
    assert_null(observed.account.displayname);
    assert_string_equal(observed.account.avatar_url, "mxc://x/2");
    account_free(&change);
    account_free(&more);
}

/* Synapse stores it and then tells the rooms, which has a limit. */
TEST(a_name_that_is_stored_though_the_rooms_wait_is_a_warning)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, {"GET " PROFILE, 200, NULL, "{\"displayname\": \"New\"}"},
        {"PUT " PROFILE, 429, NULL,
            "{\"errcode\": \"M_LIMIT_EXCEEDED\", \"retry_after_ms\": 99000}"},
        LOGGED_OUT, {0}};
    struct account change = {0};
    struct error error = {0};

    begin(replies, 0);
    change_text(&change, ACCOUNT_DISPLAYNAME, "New");
    ask_well(PASSWORD_SAME);
    assert_int_equal(
        trial.backend->type->update(trial.backend, &observed, &change, false, &error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(trial.warnings.count, 1);
    account_free(&change);
    change_text(&change, ACCOUNT_DISPLAYNAME, "Newer"); /* and that one is not stored */
    assert_int_equal(
        trial.backend->type->update(trial.backend, &observed, &change, false, &error), -1);
    assert_kind(&error, ERROR_RATE_LIMITED);
    account_free(&change);
}

/* ---- verify_login ---- */

static int
verify(struct error *error)
{
    const struct secret password = secret_over("x");

    synapse_asked();
    return trial.backend->type->verify_login(trial.backend, &observed.account, &password,
        error);
}

TEST(a_login_that_works_is_used_and_logged_out_again)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        WORKS, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, 0);
    assert_int_equal(verify(&error), 0);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(
        "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"
        "\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"x\","
        "\"initial_device_display_name\":\"Registrar\"}\n"
        "GET " WHOAMI " syt_own\nPOST " LOGOUT " syt_own\n");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(a_login_with_another_password_is_unauthorized_and_that_accounts_error_alone)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE,
        {"POST " LOGIN, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, {0}};
    struct error error = {0};

    begin(replies, 0);
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("verify_login", error.text);
    assert_in("@alice:x", error.text);
    assert_false(error_ends_list(&error));
}

/* Synapse before 1.134 logs a locked account in, and refuses its token. */
TEST(a_session_that_is_of_no_use_is_that_accounts_error_and_logged_out)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {{401, "{\"errcode\": \"M_USER_LOCKED\", \"soft_logout\": true}"},
        {401, "{\"errcode\": \"M_UNKNOWN_TOKEN\"}"},
        {403, "{\"errcode\": \"ORG_MATRIX_EXPIRED_ACCOUNT\"}"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
            {"GET " WHOAMI, table[i].status, NULL, table[i].body}, LOGGED_OUT, {0}};
        struct error error = {0};

        begin(replies, 0);
        assert_int_equal(verify(&error), -1);
        assert_int_equal(error.status, table[i].status);
        assert_false(error_ends_list(&error));
        assert_in("POST " LOGOUT " syt_own\n", synapse_asked());
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

TEST(verify_login_is_refused_by_a_server_without_password_logins)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE,
        {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.sso\"}]}"}, {0}};
    static const struct recorded_reply with[] = {NONCE, NO_PROFILE,
        {"GET " LOGIN, 200, NULL, "{\"flows\": [{\"type\": \"m.login.password\"}]}"}, {0}};
    struct error error = {0};

    begin(replies, 0);
    assert_int_equal(trial.backend->type->may_verify_login(trial.backend, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    error_clear(&error);
    clean_up(NULL);
    begin(with, 0);
    assert_int_equal(trial.backend->type->may_verify_login(trial.backend, &error), 0);
    assert_kind(&error, ERROR_NONE);
}

TEST(a_login_as_somebody_else_proves_nothing_and_is_logged_out)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@bob:x"),
        LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, 0);
    assert_int_equal(verify(&error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_in("POST " LOGOUT " syt_own\n", synapse_asked());
}

TEST(a_login_that_works_and_cannot_be_logged_out_works_with_a_warning)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        WORKS, {"POST " LOGOUT, 500, NULL, "{}"}, {0}};
    struct error error = {0};

    begin(replies, 0);
    assert_int_equal(verify(&error), 0);
    assert_int_equal(trial.warnings.count, 1);
}

/* ---- No memory ---- */

static int
ask_and_see(void *context, struct error *error)
{
    int result;

    (void)context;
    account_free(&observed.account);
    memset(&observed, 0, sizeof(observed));
    result = account_name(&observed.account, "@alice:x", "alice", error);
    if (result == 0)
        result = ask(error);
    if (result == 0 && (!account_states(&observed.account, ACCOUNT_EMAILS) ||
                           !account_states(&observed.account, ACCOUNT_AVATAR_URL)))
        result = error_set(error, ERROR_INTERNAL, "the account was not seen whole");
    return synapse_or_no_memory(result, error);
}

TEST(ones_own_account_is_seen_whole_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {NONCE, NO_PROFILE, LOGGED_IN_AS("@alice:x"),
        NO_ADMIN, IS_ALICE,
        {"GET " THREEPIDS, 200, NULL,
            "{\"threepids\": [{\"medium\": \"email\", \"address\": \"a@x\"}]}"},
        LOGGED_OUT, {0}};

    begin(replies, ACCOUNT_BIT(ACCOUNT_EMAILS));
    fail_each_allocation(ask_and_see, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_profile_that_everybody_sees_shows_name_and_avatar),
        TRIAL(who_has_no_profile_may_be_there_all_the_same),
        TRIAL(ones_own_login_shows_what_it_may),
        TRIAL(ones_own_addresses_are_asked_for_where_they_count),
        TRIAL(ones_own_addresses_that_make_no_sense_stay_unseen),
        TRIAL(an_administrators_own_login_shows_everything),
        TRIAL(another_password_shows_nothing),
        TRIAL(a_login_as_another_account_tells_nothing),
        TRIAL(an_account_in_hand_is_logged_out_with_the_next_look_and_in_the_end),
        TRIAL(a_device_that_may_be_left_is_told),
        TRIAL(an_account_changes_its_own_name_and_avatar_and_nothing_else),
        TRIAL(a_name_that_is_stored_though_the_rooms_wait_is_a_warning),
        TRIAL(a_login_that_works_is_used_and_logged_out_again),
        TRIAL(a_login_with_another_password_is_unauthorized_and_that_accounts_error_alone),
        TRIAL(a_session_that_is_of_no_use_is_that_accounts_error_and_logged_out),
        TRIAL(verify_login_is_refused_by_a_server_without_password_logins),
        TRIAL(a_login_as_somebody_else_proves_nothing_and_is_logged_out),
        TRIAL(a_login_that_works_and_cannot_be_logged_out_works_with_a_warning),
        TRIAL(ones_own_account_is_seen_whole_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("synapse, own password", tests, synapse_serve,
        synapse_serve_no_more);
}
