/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/dendrite: registrations with the shared secret, which make a session each. */
#include "dendrite_trial.h"

#include <stdio.h>
#include <string.h>

static struct synapse_trial trial;
static struct account wanted;
static struct observation observed;
static enum creation creation;

/* Opens with the shared secret "shared", and wants @alice:x with that password. */
static void
begin(const struct recorded_reply *replies, const char *password)
{
    const struct secret secret = secret_over(password);
    struct error error = {0};

    synapse_start_with_secret(&trial, replies);
    trial.connection.backend = "dendrite";
    trial.connection.service_account = NULL;
    synapse_open_well(&trial);
    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
    assert_int_equal(account_name(&observed.account, NULL, "alice", &error), 0);
    assert_int_equal(account_state_password(&wanted, &secret, &error), 0);
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_close(&trial);
    account_free(&wanted);
    account_free(&observed.account);
    memset(&observed, 0, sizeof(observed));
    memset(&wanted, 0, sizeof(wanted));
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
create(struct error *error)
{
    return trial.backend->type->create(trial.backend, &wanted, &creation, &observed, error);
}

static void
create_well(void)
{
    struct error error = {0};

    create(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, CREATION_DONE);
}

/* HMAC-SHA1 over nonce, name, password and "notadmin" or "admin", by Python's hmac. */
#define MAC "d6a96dc6fa07e91c0563cbb0b2a4a069ec82fb62"
#define MAC_OF_ADMIN "e9edba9ddd5393298f7bedb4b593a3573dc33a04"
#define MAC_OF_OTHER_NONCE "01c858c21bac49148c5ad59ef033ff9a208e56a9"
#define SENT_WITH(nonce, admin, mac, more)                                                 \
    "POST " REGISTER " - {\"nonce\":\"" nonce "\",\"username\":\"alice\",\"password\":"    \
    "\"Passw0rd\",\"admin\":" admin ",\"mac\":\"" mac "\"" more                            \
    ",\"initial_device_display_name\":\"Registrar\"}\n"
#define SENT SENT_WITH("abcd", "false", MAC, "")
#define STRAY_ENDED "POST " LOGOUT " stray\n"

/* ---- Creating --------------------------------------------------------------------------- */

TEST(a_new_account_is_logged_out_at_once)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED, LOGGED_OUT, {0}};

    begin(replies, "Passw0rd");
    create_well();
    synapse_assert_asked(SENT STRAY_ENDED);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_string_equal(observed.account.user_id, "@alice:x");
    assert_string_equal(observed.account.displayname, "alice");
    assert_true(account_states(&observed.account, ACCOUNT_ADMIN));
    assert_false(observed.account.admin);
    assert_true(account_states(&observed.account, ACCOUNT_DEACTIVATED));
    assert_int_equal(trial.warnings.count, 0);
}

TEST(an_administrator_is_made_by_the_registration_alone)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED, LOGGED_OUT, {0}};

    begin(replies, "Passw0rd");
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    create_well();
    synapse_assert_asked(SENT_WITH("abcd", "true", MAC_OF_ADMIN, "") STRAY_ENDED);
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
}

/* Only the account itself may set it, so it is done while it is logged in. */
TEST(the_profile_is_set_with_the_registrations_session)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED,
        {"PUT " PROFILE, 200, NULL, "{}"}, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    account_state_text(&wanted, ACCOUNT_DISPLAYNAME, "Al", &error);
    account_state_text(&wanted, ACCOUNT_AVATAR_URL, "mxc://x/1", &error);
    create_well();
    synapse_assert_asked(SENT_WITH("abcd", "false", MAC, ",\"displayname\":\"Al\"")
        "PUT " PROFILE ALICE "/displayname stray {\"displayname\":\"Al\"}\n"
        "PUT " PROFILE ALICE "/avatar_url stray {\"avatar_url\":\"mxc://x/1\"}\n" STRAY_ENDED);
    assert_string_equal(observed.account.displayname, "Al");
    assert_string_equal(observed.account.avatar_url, "mxc://x/1");
}

TEST(a_profile_that_is_refused_is_an_error_and_the_session_ends_all_the_same)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED,
        {"PUT " PROFILE, 403, NULL, "{\"errcode\": \"M_FORBIDDEN\"}"}, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    account_state_text(&wanted, ACCOUNT_AVATAR_URL, "mxc://x/1", &error);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_int_equal(creation, CREATION_DONE);
    assert_int_equal(observed.presence, PRESENCE_PRESENT);
    assert_in(STRAY_ENDED, synapse_asked());
}

TEST(a_session_that_does_not_end_is_told)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED,
        {"POST " LOGOUT, 500, NULL, "{}"}, {0}};

    begin(replies, "Passw0rd");
    create_well();
    assert_int_equal(trial.warnings.count, 1);
    assert_in("the device \"shared_secret_registration\" of alice is left",
        trial.warnings.items[0]);
}

/* ---- Nonces (they live for five minutes, and not over a restart) ------------------------- */

TEST(a_nonce_that_was_forgotten_is_renewed_once)
{
    static const struct recorded_reply replies[] = {NONCE_ONCE, NO_NONCE_ONCE, OTHER_NONCE,
        REGISTERED, LOGGED_OUT, {0}};

    begin(replies, "Passw0rd");
    create_well();
    synapse_assert_asked(SENT "GET " REGISTER " -\n" SENT_WITH("efgh", "false",
        MAC_OF_OTHER_NONCE, "") STRAY_ENDED);
}

TEST(a_server_that_forgets_each_nonce_is_an_error)
{
    static const struct recorded_reply replies[] = {NONCE, NO_NONCE, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_int_equal(error.status, 500);
    assert_in("is there more than one Dendrite behind this address?", error.text);
}

TEST(another_breakdown_is_not_taken_for_a_nonce)
{
    static const char *const bodies[] = {"{\"message\": \"out of memory\"}",
        "{\"errcode\": \"M_UNKNOWN\", \"error\": \"nonce\"}", "{\"message\": 5}", ""};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {NONCE,
            {"POST " REGISTER, 500, NULL, bodies[i]}, {0}};
        struct error error = {0};

        begin(replies, "Passw0rd");
        assert_int_equal(create(&error), -1);
        assert_kind(&error, ERROR_SERVER);
        assert_not_in("more than one Dendrite", error.text);
        assert_not_in("GET " REGISTER, synapse_asked());
        clean_up(NULL);
    }
}

/* ---- Replies that are lost ---------------------------------------------------------------- */

#define LOGIN_ON_ITS_DEVICE                                                                \
    "POST " LOGIN " - {\"type\":\"m.login.password\",\"identifier\":{\"type\":"            \
    "\"m.id.user\",\"user\":\"alice\"},\"password\":\"Passw0rd\","                          \
    "\"initial_device_display_name\":\"Registrar\","                                      \
    "\"device_id\":\"shared_secret_registration\"}\n"

/* The session that the reply had is on that device, and a login there replaces it. */
TEST(an_account_of_which_the_reply_was_lost_is_found_by_its_password)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, RECORDED_LOST, NULL, NULL}, LOGGED_IN,
        {"PUT " PROFILE, 200, NULL, "{}"}, LOGGED_OUT, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    account_state_text(&wanted, ACCOUNT_DISPLAYNAME, "Al", &error);
    assert_int_equal(create(&error), 0);
    assert_int_equal(creation, CREATION_PERHAPS);
    assert_in(LOGIN_ON_ITS_DEVICE "PUT " PROFILE ALICE
              "/displayname own {\"displayname\":\"Al\"}\nPOST " LOGOUT " own\n",
        synapse_asked());
    assert_string_equal(observed.account.displayname, "Al");
}

TEST(an_account_that_another_password_opens_was_not_made_by_what_was_lost)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, RECORDED_LOST, NULL, NULL}, WRONG_LOGIN, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_int_equal(creation, CREATION_NAME_TAKEN);
    assert_int_equal(observed.presence, PRESENCE_UNKNOWN);
}

/* ---- Refusals ---------------------------------------------------------------------------- */

TEST(a_name_that_is_taken_is_an_answer)
{
    static const struct recorded_reply replies[] = {NONCE, TAKEN, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), 0);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, CREATION_NAME_TAKEN);
    synapse_assert_asked(SENT);
}

/* The first registration may have arrived before the server forgot its nonce. */
TEST(a_name_that_is_taken_after_a_new_nonce_is_ours_if_our_password_opens_it)
{
    static const struct recorded_reply replies[] = {NONCE, NO_NONCE_ONCE, TAKEN, WRONG_LOGIN, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), 0);
    assert_int_equal(creation, CREATION_NAME_TAKEN);
    synapse_assert_asked(SENT "GET " REGISTER " -\n" SENT LOGIN_ON_ITS_DEVICE);
}

TEST(another_secret_than_the_servers_is_told_with_what_to_do)
{
    static const struct recorded_reply replies[] = {NONCE, BAD_MAC, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_string_equal(error.errcode, "M_FORBIDDEN");
    assert_in("another registration_shared_secret than the one given", error.text);
    assert_in("systemctl restart matrix-dendrite", error.text);
}

TEST(what_is_refused_otherwise_is_told_in_the_servers_words)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, 400, NULL,
            "{\"errcode\": \"M_INVALID_USERNAME\", \"error\": \"Username can only contain\"}"},
        {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(create(&error), -1);
    assert_in("M_INVALID_USERNAME (Username can only contain)", error.text);
}

/* clientapi/routing/routing.go: the route is there only with a secret. */
TEST(without_a_secret_in_its_configuration_there_is_no_registration)
{
    static const struct recorded_reply replies[] = {
        {"GET " REGISTER, 404, NULL, "{\"errcode\": \"M_UNRECOGNIZED\"}"}, {0}};
    struct error error = {0};

    synapse_start_with_secret(&trial, replies);
    trial.connection.backend = "dendrite";
    assert_int_equal(synapse_open(&trial, &error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_string_equal(error.errcode, "M_UNRECOGNIZED");
    assert_in("client_api.registration_shared_secret in dendrite.yaml", error.text);
}

/* ---- Before it ---------------------------------------------------------------------------- */

static int
may_create(struct error *error)
{
    return trial.backend->type->may_create(trial.backend, &wanted, error);
}

/* The MAC is checked before the name is, which nobody can have. */
TEST(the_secret_is_proven_by_a_name_that_nobody_can_have)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, 400, NULL, "{\"errcode\": \"M_INVALID_USERNAME\"}"}, {0}};
    struct error error = {0};
    const char *asked;

    begin(replies, "Passw0rd");
    assert_int_equal(may_create(&error), 0);
    asked = synapse_asked();
    assert_in("\"username\":\"!registrar\"", asked);
    assert_not_in("alice", asked);
    assert_int_equal(may_create(&error), 0);
    synapse_assert_asked("");
}

TEST(a_secret_that_is_not_the_servers_proves_nothing)
{
    static const struct recorded_reply replies[] = {NONCE, BAD_MAC, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    assert_int_equal(may_create(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
}

TEST(without_a_password_there_is_nothing_to_create)
{
    static const struct recorded_reply replies[] = {NONCE, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    account_free(&wanted);
    memset(&wanted, 0, sizeof(wanted));
    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
    assert_int_equal(may_create(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    assert_false(trial.backend->type->creates(trial.backend, &wanted));
    synapse_assert_asked("");
}

TEST(without_a_secret_there_is_no_way_to_create)
{
    static const struct recorded_reply replies[] = {ADMINISTRATOR, LOGGED_OUT, {0}};
    const struct secret password = secret_over("Passw0rd");
    struct error error = {0};

    synapse_start_with_token(&trial, replies);
    trial.connection.backend = "dendrite";
    synapse_open_well(&trial);
    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
    assert_int_equal(account_state_password(&wanted, &password, &error), 0);
    assert_int_equal(may_create(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("registration_shared_secret", error.text);
    assert_false(trial.backend->type->creates(trial.backend, &wanted));
}

/* internal/validate.go: from 8 bytes; bcrypt: up to 72, beyond which Dendrite says that
 * the account is made, and makes none. */
TEST(a_password_that_dendrite_would_not_store_is_refused)
{
    static const struct {
        size_t length;
        const char *word;
    } table[] = {{0, "less"}, {1, "less"}, {7, "less"}, {8, NULL}, {72, NULL}, {73, "more"},
        {512, "more"}};
    static const struct recorded_reply replies[] = {NONCE, {0}};

    for (size_t i = 0; i < COUNT(table); i++) {
        char password[600];
        struct error error = {0};
        int result;

        memset(password, 'p', sizeof(password));
        password[table[i].length] = '\0';
        begin(replies, password);
        result = trial.backend->type->vet(trial.backend, &wanted, &error);
        assert_int_equal(result, table[i].word == NULL ? 0 : -1);
        if (table[i].word != NULL) {
            assert_kind(&error, ERROR_POLICY);
            assert_in(table[i].word, error.text);
            assert_in("from 8 to 72 bytes", error.text);
            assert_not_in("ppp", error.text);
        }
        synapse_assert_asked("");
        clean_up(NULL);
    }
}

TEST(the_service_account_is_nobody_to_manage)
{
    static const struct recorded_reply replies[] = {NONCE, {0}};
    struct error error = {0};

    begin(replies, "Passw0rd");
    trial.connection.service_account = "alice";
    assert_int_equal(trial.backend->type->vet(trial.backend, &wanted, &error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("service_account", error.text);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static int
create_again(void *context, struct error *error)
{
    static const struct recorded_reply replies[] = {NONCE, REGISTERED,
        {"PUT " PROFILE, 200, NULL, "{}"}, LOGGED_OUT, {0}};
    const struct secret password = secret_over("Passw0rd");
    struct account account = {0};
    struct observation seen = {0};
    enum creation what;
    int result;

    (void)context;
    synapse_start_with_secret(&trial, replies);
    trial.connection.backend = "dendrite";
    trial.connection.service_account = NULL;
    result = account_name(&account, NULL, "alice", error);
    if (result == 0)
        result = account_state_password(&account, &password, error);
    if (result == 0)
        result = account_state_text(&account, ACCOUNT_DISPLAYNAME, "Al", error);
    if (result == 0)
        result = synapse_open(&trial, error);
    if (result == 0)
        result = trial.backend->type->create(trial.backend, &account, &what, &seen, error);
    synapse_close(&trial);
    account_free(&account);
    account_free(&seen.account);
    return synapse_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    fail_each_allocation(create_again, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_new_account_is_logged_out_at_once),
        TRIAL(an_administrator_is_made_by_the_registration_alone),
        TRIAL(the_profile_is_set_with_the_registrations_session),
        TRIAL(a_profile_that_is_refused_is_an_error_and_the_session_ends_all_the_same),
        TRIAL(a_session_that_does_not_end_is_told),
        TRIAL(a_nonce_that_was_forgotten_is_renewed_once),
        TRIAL(a_server_that_forgets_each_nonce_is_an_error),
        TRIAL(another_breakdown_is_not_taken_for_a_nonce),
        TRIAL(an_account_of_which_the_reply_was_lost_is_found_by_its_password),
        TRIAL(an_account_that_another_password_opens_was_not_made_by_what_was_lost),
        TRIAL(a_name_that_is_taken_is_an_answer),
        TRIAL(a_name_that_is_taken_after_a_new_nonce_is_ours_if_our_password_opens_it),
        TRIAL(another_secret_than_the_servers_is_told_with_what_to_do),
        TRIAL(what_is_refused_otherwise_is_told_in_the_servers_words),
        TRIAL(without_a_secret_in_its_configuration_there_is_no_registration),
        TRIAL(the_secret_is_proven_by_a_name_that_nobody_can_have),
        TRIAL(a_secret_that_is_not_the_servers_proves_nothing),
        TRIAL(without_a_password_there_is_nothing_to_create),
        TRIAL(without_a_secret_there_is_no_way_to_create),
        TRIAL(a_password_that_dendrite_would_not_store_is_refused),
        TRIAL(the_service_account_is_nobody_to_manage),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
