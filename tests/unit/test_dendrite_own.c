/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * backends/dendrite without a database: what is seen of an account, how its password
 * is asked about, and what may be changed of it by whom.
 */
#include "dendrite_trial.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static struct synapse_trial trial;
static struct observation observed;
static struct account change;
static enum password_answer answer;
static char why[PASSWORD_WHY_SIZE];

static void
look(unsigned mask)
{
    struct error error = {0};

    synapse_observe_alice(&observed);
    trial.backend->type->lookup(trial.backend, mask, &observed, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(account_name(&change, "@alice:x", "alice", &error), 0);
}

/* Opens with the shared secret alone, and looks at Alice. */
static void
begin(const struct recorded_reply *replies, unsigned mask)
{
    synapse_start_with_secret(&trial, replies);
    trial.connection.backend = "dendrite";
    trial.connection.service_account = NULL;
    synapse_open_well(&trial);
    look(mask);
}

static void
begin_with_token(const struct recorded_reply *replies, unsigned mask)
{
    synapse_start_with_token(&trial, replies);
    trial.connection.backend = "dendrite";
    synapse_open_well(&trial);
    look(mask);
    synapse_asked();
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_close(&trial);
    account_free(&observed.account);
    account_free(&change);
    memset(&observed, 0, sizeof(observed));
    memset(&change, 0, sizeof(change));
    why[0] = '\0';
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
ask(struct error *error)
{
    const struct secret password = secret_over("Passw0rd");

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

/* ---- Looking ------------------------------------------------------------------------------ */

TEST(who_is_not_available_is_there_with_a_profile)
{
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, IS_ALICE, {0}};

    begin(replies, ~0u);
    synapse_assert_asked("GET " AVAILABLE " -\nGET " PROFILE ALICE " -\n");
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_int_equal(observed.account.stated,
        ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL));
    assert_string_equal(observed.account.displayname, "Al");
    assert_string_equal(observed.account.avatar_url, "mxc://x/1");
}

TEST(who_is_available_is_not_there)
{
    static const struct recorded_reply replies[] = {NONCE, IS_FREE, {0}};

    begin(replies, ~0u);
    synapse_assert_asked("GET " AVAILABLE " -\n");
    assert_int_equal(observed.presence, PRESENCE_ABSENT);
}

/* A virtual host with its registration off says 403; a name may be too long for it. */
TEST(what_is_neither_is_not_guessed)
{
    static const struct {
        int status;
        const char *body;
    } table[] = {{403, "{\"errcode\": \"M_FORBIDDEN\"}"}, {400, "{\"errcode\": \"M_BAD_JSON\"}"},
        {404, "{\"errcode\": \"M_UNRECOGNIZED\"}"}};

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {NONCE,
            {"GET " AVAILABLE, table[i].status, NULL, table[i].body}, {0}};

        begin(replies, ~0u);
        assert_int_equal(observed.presence, PRESENCE_UNKNOWN);
        assert_int_equal(observed.account.stated, 0);
        clean_up(NULL);
    }
}

TEST(a_name_is_asked_for_as_it_is)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"GET /_matrix/client/v3/register/available", 200, NULL, "{\"available\": true}"}, {0}};
    struct error error = {0};

    begin(replies, 0);
    account_free(&observed.account);
    memset(&observed, 0, sizeof(observed));
    assert_int_equal(account_name(&observed.account, NULL, "a/b=c+d", &error), 0);
    synapse_asked();
    assert_int_equal(trial.backend->type->lookup(trial.backend, 0, &observed, &error), 0);
    synapse_assert_asked("GET /_matrix/client/v3/register/available?username=a%2Fb%3Dc%2Bd -\n");
}

/* ---- One's own login ----------------------------------------------------------------------- */

#define LOGIN_SENT                                                                         \
    "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"            \
    "\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"Passw0rd\","                      \
    "\"initial_device_display_name\":\"Registrar\"}\n"
#define OWN_LOOK "GET " ADMINS_ONLY " own\nGET " PROFILE ALICE " own\n"

/* Who may ask for registration tokens is an administrator; this one is not there. */
TEST(ones_own_login_shows_whether_one_is_an_administrator)
{
    static const struct {
        struct recorded_reply reply;
        bool admin;
    } table[] = {
        {IS_NO_ADMIN, false},
        {IS_ADMIN, true},
        {{"GET " ADMINS_ONLY, 200, NULL, "{\"token\": \"registrar-asks\"}"}, true},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {NONCE, IS_TAKEN, NO_PROFILE, LOGGED_IN,
            table[i].reply, LOGGED_OUT, {0}};

        begin(replies, ~0u);
        synapse_asked();
        ask_well(PASSWORD_SAME);
        synapse_assert_asked(LOGIN_SENT OWN_LOOK);
        assert_int_equal(observed.account.admin, table[i].admin);
        assert_int_equal(observed.account.stated & (ACCOUNT_BIT(ACCOUNT_ADMIN) |
                                                       ACCOUNT_BIT(ACCOUNT_DEACTIVATED)),
            ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_DEACTIVATED));
        assert_false(observed.account.deactivated);
        trial.backend->type->close(trial.backend);
        synapse_assert_asked("POST " LOGOUT " own\n");
        clean_up(NULL);
    }
}

TEST(a_server_that_does_not_answer_who_may_is_an_error_of_that_user)
{
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, NO_PROFILE, LOGGED_IN,
        {"GET " ADMINS_ONLY, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, ~0u);
    assert_int_equal(ask(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_true(error.is_of_one);
    assert_in("whether this is an administrator", error.text);
}

TEST(another_password_shows_nothing)
{
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, NO_PROFILE, WRONG_LOGIN, {0}};

    begin(replies, ~0u);
    synapse_asked();
    ask_well(PASSWORD_DIFFERENT);
    synapse_assert_asked(LOGIN_SENT);
    assert_false(account_states(&observed.account, ACCOUNT_ADMIN));
}

/* ---- By an administrator -------------------------------------------------------------------- */

static bool
asks_by_login(unsigned mask)
{
    look(mask);
    return trial.backend->type->asks_by_login(trial.backend);
}

/* One is told no more of others than anybody, and may not change their profile. */
TEST(an_administrator_asks_without_a_login_unless_the_account_has_more_to_tell)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        LOGGED_OUT, {0}};

    begin_with_token(replies, 0);
    assert_false(asks_by_login(0));
    assert_false(asks_by_login(ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(ACCOUNT_DEACTIVATED)));
    assert_true(asks_by_login(ACCOUNT_BIT(ACCOUNT_ADMIN)));
    assert_true(asks_by_login(ACCOUNT_BIT(ACCOUNT_DISPLAYNAME)));
    assert_true(asks_by_login(ACCOUNT_BIT(ACCOUNT_AVATAR_URL)));
}

TEST(without_an_administrator_it_takes_a_login)
{
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, NO_PROFILE, {0}};

    begin(replies, 0);
    assert_true(asks_by_login(0));
}

/*
 * 512 bytes are the most that a password may have (internal/validate.go), and one that
 * is empty would be set, as the administrator's own.
 */
TEST(the_question_is_a_change_that_cannot_be_made)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        {"POST " PASSWORD, 400, NULL,
            "{\"errcode\": \"M_BAD_JSON\", \"error\": \"password too long: max 512 characters\"}"},
        LOGGED_OUT, {0}};
    const char *asked, *start;

    begin_with_token(replies, 0);
    ask_well(PASSWORD_SAME);
    asked = synapse_asked();
    assert_in("POST " PASSWORD " syt_admin {\"new_password\":\"", asked);
    start = strstr(asked, "{\"new_password\":\"") + strlen("{\"new_password\":\"");
    assert_int_equal(strspn(start, "x"), 600);
    assert_in("xx\",\"logout_devices\":false,\"auth\":{\"type\":\"m.login.password\",\"identifier\":"
              "{\"type\":\"m.id.user\",\"user\":\"@alice:x\"},\"password\":\"Passw0rd\"}}\n",
        asked);
    /* The old one was looked at first: nothing is known of the account but that. */
    assert_false(account_states(&observed.account, ACCOUNT_ADMIN));
}

TEST(what_the_question_is_answered_says_what_is_known)
{
    static const struct {
        int status;
        const char *errcode;
        enum password_answer answer;
    } table[] = {
        {400, "M_BAD_JSON", PASSWORD_SAME},
        {400, "M_WEAK_PASSWORD", PASSWORD_SAME},
        {403, "M_FORBIDDEN", PASSWORD_DIFFERENT},
        {400, "M_UNKNOWN", PASSWORD_CANNOT_TELL},
        {400, "M_MISSING_PARAM", PASSWORD_CANNOT_TELL},
        {401, "M_FORBIDDEN", PASSWORD_CANNOT_TELL},
        {403, "M_UNKNOWN", PASSWORD_CANNOT_TELL},
        {404, "M_UNRECOGNIZED", PASSWORD_CANNOT_TELL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char body[100];
        const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
            {"POST " PASSWORD, table[i].status, NULL, body}, LOGGED_OUT, {0}};

        snprintf(body, sizeof(body), "{\"errcode\": \"%s\"}", table[i].errcode);
        begin_with_token(replies, 0);
        ask_well(table[i].answer);
        assert_int_equal(why[0] != '\0', table[i].answer == PASSWORD_CANNOT_TELL);
        clean_up(NULL);
    }
}

TEST(a_token_that_is_no_administrators_does_not_do)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        IS_NO_ADMIN, LOGGED_OUT, {0}};
    struct error error = {0};

    begin_with_token(replies, 0);
    assert_int_equal(trial.backend->type->check_credential(trial.backend, &error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_in("@admin:x is not an administrator", error.text);
}

TEST(a_token_that_is_an_administrators_does)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE, IS_ADMIN,
        LOGGED_OUT, {0}};
    struct error error = {0};

    begin_with_token(replies, 0);
    assert_int_equal(trial.backend->type->check_credential(trial.backend, &error), 0);
}

TEST(administrators_are_listed_by_the_database_alone)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        LOGGED_OUT, {0}};
    struct list user_ids = {0};
    struct error error = {0};

    begin_with_token(replies, 0);
    assert_int_equal(
        trial.backend->type->list_administrators(trial.backend, &user_ids, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("with database they can be listed", error.text);
}

/* ---- Changing ------------------------------------------------------------------------------- */

static int
update(bool logout_devices, struct error *error)
{
    if (trial.backend->type->may_update(trial.backend, &observed, &change, error) != 0)
        return -1;
    return trial.backend->type->update(trial.backend, &observed, &change, logout_devices, error);
}

TEST(an_administrator_sets_a_password_and_ends_sessions_only_when_asked)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        {"POST " RESET, 200, NULL, "{\"password_updated\": true}"}, LOGGED_OUT, {0}};
    const struct secret password = secret_over("N3xt word");
    struct error error = {0};

    begin_with_token(replies, 0);
    assert_int_equal(account_state_password(&change, &password, &error), 0);
    assert_true(trial.backend->type->updates(trial.backend, &change));
    assert_int_equal(update(false, &error), 0);
    synapse_assert_asked("POST " RESET ALICE " syt_admin {\"password\":\"N3xt word\","
                         "\"logout_devices\":false}\n");
    assert_int_equal(update(true, &error), 0);
    synapse_assert_asked("POST " RESET ALICE " syt_admin {\"password\":\"N3xt word\","
                         "\"logout_devices\":true}\n");
}

TEST(a_password_that_the_server_refuses_is_told)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, IS_TAKEN, NO_PROFILE,
        {"POST " RESET, 404, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"User does not exist\"}"},
        LOGGED_OUT, {0}};
    const struct secret password = secret_over("N3xt word");
    struct error error = {0};

    begin_with_token(replies, 0);
    assert_int_equal(account_state_password(&change, &password, &error), 0);
    assert_int_equal(update(false, &error), -1);
    assert_in("setting the password", error.text);
    assert_not_in("N3xt word", error.text);
}

TEST(a_profile_is_changed_by_the_account_that_is_logged_in)
{
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, IS_ALICE, LOGGED_IN,
        IS_NO_ADMIN, {"PUT " PROFILE, 200, NULL, "{}"}, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, ~0u);
    assert_int_equal(account_state_text(&change, ACCOUNT_DISPLAYNAME, "Alice", &error), 0);
    assert_int_equal(account_state_text(&change, ACCOUNT_AVATAR_URL, NULL, &error), 0);
    assert_false(trial.backend->type->updates(trial.backend, &change));
    ask_well(PASSWORD_SAME);
    assert_true(trial.backend->type->updates(trial.backend, &change));
    synapse_asked();
    assert_int_equal(update(false, &error), 0);
    synapse_assert_asked(
        "PUT " PROFILE ALICE "/displayname own {\"displayname\":\"Alice\"}\n"
        "PUT " PROFILE ALICE "/avatar_url own {\"avatar_url\":\"\"}\n");
    assert_string_equal(observed.account.displayname, "Alice");
    assert_null(observed.account.avatar_url);
}

/* Refused before anything is sent, and with what it takes. */
TEST(what_cannot_be_changed_is_refused_with_what_it_takes)
{
    static const struct {
        enum account_field field;
        const char *option, *takes;
    } table[] = {
        {ACCOUNT_ADMIN, "change its admin, ", "give database"},
        {ACCOUNT_DEACTIVATED, "change its state, ", "give database"},
        {ACCOUNT_PASSWORD, "change its password, ", "registration_shared_secret with a service_account"},
        {ACCOUNT_DISPLAYNAME, "change its displayname, ", "give its own password"},
        {ACCOUNT_AVATAR_URL, "change its avatar_url, ", "give its own password"},
    };
    static const struct recorded_reply replies[] = {NONCE, IS_TAKEN, NO_PROFILE, {0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        begin(replies, 0);
        synapse_asked();
        change.stated = ACCOUNT_BIT(table[i].field);
        assert_false(trial.backend->type->updates(trial.backend, &change));
        assert_int_equal(
            trial.backend->type->may_update(trial.backend, &observed, &change, &error), -1);
        change.stated = 0;
        assert_kind(&error, ERROR_UNAUTHORIZED);
        assert_in("@alice:x exists, and to ", error.text);
        assert_in(table[i].option, error.text);
        assert_in(table[i].takes, error.text);
        synapse_assert_asked("");
        clean_up(NULL);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(who_is_not_available_is_there_with_a_profile),
        TRIAL(who_is_available_is_not_there),
        TRIAL(what_is_neither_is_not_guessed),
        TRIAL(a_name_is_asked_for_as_it_is),
        TRIAL(ones_own_login_shows_whether_one_is_an_administrator),
        TRIAL(a_server_that_does_not_answer_who_may_is_an_error_of_that_user),
        TRIAL(another_password_shows_nothing),
        TRIAL(an_administrator_asks_without_a_login_unless_the_account_has_more_to_tell),
        TRIAL(without_an_administrator_it_takes_a_login),
        TRIAL(the_question_is_a_change_that_cannot_be_made),
        TRIAL(what_the_question_is_answered_says_what_is_known),
        TRIAL(a_token_that_is_no_administrators_does_not_do),
        TRIAL(a_token_that_is_an_administrators_does),
        TRIAL(administrators_are_listed_by_the_database_alone),
        TRIAL(an_administrator_sets_a_password_and_ends_sessions_only_when_asked),
        TRIAL(a_password_that_the_server_refuses_is_told),
        TRIAL(a_profile_is_changed_by_the_account_that_is_logged_in),
        TRIAL(what_cannot_be_changed_is_refused_with_what_it_takes),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
