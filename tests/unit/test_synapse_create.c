/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse: what is refused before anything is sent, and creations with
 * the shared secret (register.h). Limits are Synapse 1.163.2's:
 * synapse/rest/admin/users.py, synapse/handlers/profile.py. */
#include "support.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "synapse_trial.h"

static struct synapse_trial trial;
static struct observation observed;
static struct account wanted;

#define NONCE {"GET " REGISTER, 200, "Server: Synapse/1.163.2\r\n", "{\"nonce\": \"abcd\"}"}
#define REGISTERED {"POST " REGISTER, 200, NULL, "{\"user_id\": \"@alice:x\"}"}
#define PROVEN                                                                             \
    {"POST " REGISTER, 400, NULL,                                                          \
        "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid refresh_token\"}"}

/* From Python's hmac with the key "shared" over "abcd", "alice", "x", "notadmin",
 * and over "abcd", "alice", "x", "admin", "bot", with NULs in between. */
#define MAC_PLAIN "8d1261c2b9941bc60ada05ffa9967bf24f400f80"
#define MAC_ADMIN_BOT "8296f8089bad1986d65c31484ff2130bc669f627"

static const struct recorded_reply nonce[] = {NONCE, {0}};
static const struct recorded_reply registering[] = {NONCE, REGISTERED, {0}};

static void
prepare(void)
{
    struct error error = {0};

    synapse_observe_alice(&observed);
    memset(&wanted, 0, sizeof(wanted));
    assert_int_equal(account_name(&wanted, "@alice:x", "alice", &error), 0);
}

static void
begin(const struct recorded_reply *replies)
{
    synapse_start_with_secret(&trial, replies);
    synapse_open_well(&trial);
    prepare();
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_close(&trial);
    account_free(&observed.account);
    account_free(&wanted);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static void
want_text(enum account_field field, const char *value)
{
    struct error error = {0};

    assert_int_equal(account_state_text(&wanted, field, value, &error), 0);
}

static void
want_password(const char *password)
{
    const struct secret secret = secret_over(password);
    struct error error = {0};

    assert_int_equal(account_state_password(&wanted, &secret, &error), 0);
}

/* A text of so many characters of two bytes each. */
static const char *
text_of(size_t characters)
{
    static char text[2400];

    for (size_t i = 0; i < characters; i++)
        memcpy(text + 2 * i, "\xc3\xa4", 2);
    text[2 * characters] = '\0';
    return text;
}

static enum error_kind
vet(void)
{
    struct error error = {0};
    int result = trial.backend->type->vet(trial.backend, &wanted, &error);

    assert_int_equal(result, error.kind == ERROR_NONE ? 0 : -1);
    return error.kind;
}

TEST(what_is_too_long_for_the_server_is_refused_before_anything_is_sent)
{
    begin(nonce);
    want_text(ACCOUNT_DISPLAYNAME, text_of(256));
    want_text(ACCOUNT_AVATAR_URL, text_of(1000));
    want_password(text_of(512));
    assert_int_equal(vet(), ERROR_NONE);
    want_text(ACCOUNT_DISPLAYNAME, text_of(257));
    assert_int_equal(vet(), ERROR_INVALID);
    want_text(ACCOUNT_DISPLAYNAME, NULL);
    want_text(ACCOUNT_AVATAR_URL, text_of(1001));
    assert_int_equal(vet(), ERROR_INVALID);
    want_text(ACCOUNT_AVATAR_URL, NULL);
    want_password(text_of(513));
    assert_int_equal(vet(), ERROR_INVALID);
    synapse_assert_asked("");
}

/* bcrypt looks at 72 bytes. */
TEST(a_password_of_which_only_a_part_counts_is_a_warning)
{
    begin(nonce);
    want_password("123456789 123456789 123456789 123456789 123456789 123456789 123456789 12");
    assert_int_equal(vet(), ERROR_NONE);
    assert_int_equal(trial.warnings.count, 0);
    want_password("123456789 123456789 123456789 123456789 123456789 123456789 123456789 123");
    assert_int_equal(vet(), ERROR_NONE);
    assert_int_equal(trial.warnings.count, 1);
    assert_in("72", trial.warnings.items[0]);
}

/* synapse/rest/admin/users.py has SuspendAccountRestServlet's stable form since
 * 1.122; nothing before can be asked for it. */
TEST(suspension_is_refused_by_the_versions_that_do_not_know_it)
{
    static const struct {
        const char *header;
        enum error_kind kind;
    } table[] = {
        {"Server: Synapse/1.121.1\r\n", ERROR_UNSUPPORTED},
        {"Server: Synapse/1.103.0\r\n", ERROR_UNSUPPORTED},
        {"Server: Synapse/1.99.0\r\n", ERROR_UNSUPPORTED},
        {"Server: Synapse/1.122.0\r\n", ERROR_NONE},
        {"Server: Synapse/1.163.2\r\n", ERROR_NONE},
        {"Server: Synapse/2.0.0\r\n", ERROR_NONE},
        {"Server: nginx\r\n", ERROR_NONE}, /* nobody knows yet */
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET " REGISTER, 200, table[i].header, "{\"nonce\": \"abcd\"}"}, {0}};

        begin(replies);
        assert_int_equal(vet(), ERROR_NONE);
        account_state_bool(&wanted, ACCOUNT_SUSPENDED, false);
        assert_int_equal(vet(), table[i].kind);
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

/* What its own administrator looks like shows what a server knows. */
TEST(a_server_that_hides_its_version_shows_what_it_knows_before_a_creation)
{
    static const char *const suspended[] = {"false", "\"(none)\""};

    for (size_t i = 0; i < COUNT(suspended); i++) {
        char changes[80];
        struct recorded_reply replies[] = {
            {"GET " REGISTER, 200, NULL, "{\"nonce\": \"abcd\"}"},
            {"GET " WHOAMI, 200, NULL, "{\"user_id\": \"@admin:x\"}"},
            {"GET " USERS "%40admin%3Ax", 200, NULL, NULL},
            {"PUT " USERS, 201, NULL, synapse_user("{}")}, {0}};
        enum creation creation;
        struct error error = {0};

        snprintf(changes, sizeof(changes), "{\"name\": \"@admin:x\", \"suspended\": %s}",
            suspended[i]);
        replies[2].body = synapse_user(changes);
        synapse_start_with_token(&trial, replies);
        synapse_open_well(&trial);
        prepare();
        account_state_bool(&wanted, ACCOUNT_SUSPENDED, true);
        trial.backend->type->create(trial.backend, &wanted, &creation, &observed, &error);
        assert_kind(&error, i == 0 ? ERROR_NONE : ERROR_UNSUPPORTED);
        assert_true((strstr(synapse_asked(), "PUT ") != NULL) == (i == 0));
        if (i + 1 < COUNT(suspended))
            clean_up(NULL);
    }
}

/* ---- What the shared secret alone can make ---- */

static bool
creates(void)
{
    return trial.backend->type->creates(trial.backend, &wanted);
}

TEST(the_shared_secret_makes_what_a_registration_carries)
{
    begin(nonce);
    assert_false(creates()); /* a password is needed */
    want_password("x");
    assert_true(creates());
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    want_text(ACCOUNT_USER_TYPE, "bot");
    account_state_bool(&wanted, ACCOUNT_DEACTIVATED, false);
    assert_true(creates());
}

TEST(whatever_else_is_stated_takes_an_administrator)
{
    static const enum account_field beyond[] = {ACCOUNT_AVATAR_URL, ACCOUNT_EMAILS,
        ACCOUNT_EXTERNAL_IDS, ACCOUNT_RATELIMIT, ACCOUNT_LOCKED, ACCOUNT_SUSPENDED,
        ACCOUNT_SHADOW_BANNED, ACCOUNT_ERASED};

    begin(nonce);
    want_password("x");
    for (size_t i = 0; i < COUNT(beyond); i++) {
        enum creation creation;
        struct error error = {0};

        wanted.stated = ACCOUNT_BIT(ACCOUNT_PASSWORD) | ACCOUNT_BIT(beyond[i]);
        assert_false(creates());
        assert_int_equal(trial.backend->type->create(trial.backend, &wanted, &creation,
                             &observed, &error),
            -1);
        assert_kind(&error, ERROR_UNAUTHORIZED);
        assert_in(account_field_option(beyond[i]), error.text);
    }
    synapse_assert_asked("");
}

/* user_types.default_user_type may give it one. */
TEST(an_ordinary_user_is_not_what_the_shared_secret_can_promise)
{
    begin(nonce);
    want_password("x");
    want_text(ACCOUNT_USER_TYPE, NULL);
    assert_false(creates());
}

static int
create(enum creation *creation, struct error *error)
{
    *creation = (enum creation)-1;
    return trial.backend->type->create(trial.backend, &wanted, creation, &observed, error);
}

TEST(a_registration_leaves_no_device_and_says_what_is_wanted)
{
    enum creation creation;
    struct error error = {0};

    begin(registering);
    want_password("x");
    create(&creation, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, CREATION_DONE);
    synapse_assert_asked(
        "POST " REGISTER " - {\"nonce\":\"abcd\",\"username\":\"alice\",\"password\":\"x\","
        "\"admin\":false,\"mac\":\"" MAC_PLAIN "\",\"inhibit_login\":true}\n");
    clean_up(NULL);
    begin(registering);
    want_password("x");
    account_state_bool(&wanted, ACCOUNT_ADMIN, true);
    want_text(ACCOUNT_USER_TYPE, "bot");
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    create(&creation, &error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(
        "POST " REGISTER " - {\"nonce\":\"abcd\",\"username\":\"alice\",\"password\":\"x\","
        "\"admin\":true,\"mac\":\"" MAC_ADMIN_BOT "\",\"user_type\":\"bot\","
        "\"displayname\":\"Al\",\"inhibit_login\":true}\n");
    assert_string_equal(observed.account.user_type, "bot");
    assert_true(account_is(&observed.account, ACCOUNT_ADMIN));
}

/* "" makes none; nothing makes it the localpart. */
TEST(a_registration_observes_what_it_made_and_no_more)
{
    enum creation creation;
    struct error error = {0};

    begin(registering);
    want_password("x");
    create(&creation, &error);
    assert_int_equal(observed.account.stated,
        ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_ADMIN) |
            ACCOUNT_BIT(ACCOUNT_DISPLAYNAME));
    assert_string_equal(observed.account.displayname, "alice");
    assert_string_equal(observed.account.user_id, "@alice:x");
    clean_up(NULL);
    begin(registering);
    want_password("x");
    want_text(ACCOUNT_DISPLAYNAME, "");
    create(&creation, &error);
    assert_kind(&error, ERROR_NONE);
    assert_in("\"displayname\":\"\"", synapse_asked());
    assert_null(observed.account.displayname);
}

TEST(a_registration_that_is_refused_says_why)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {403, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"HMAC incorrect\"}",
            ERROR_UNAUTHORIZED},
        {400, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Shared secret registration is not "
              "enabled\"}", ERROR_UNSUPPORTED},
        {400, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid user type\"}", ERROR_INVALID},
        {400, "{\"errcode\": \"M_INVALID_USERNAME\", \"error\": \"x\"}", ERROR_INVALID},
        {400, "{\"errcode\": \"M_EXCLUSIVE\", \"error\": \"x\"}", ERROR_POLICY},
        {429, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Rate limited\"}", ERROR_POLICY},
        {500, "{\"errcode\": \"M_UNKNOWN\"}", ERROR_SERVER},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            NONCE, {"POST " REGISTER, table[i].status, NULL, table[i].body}, {0}};
        enum creation creation;
        struct error error = {0};

        begin(replies);
        want_password("x");
        assert_int_equal(create(&creation, &error), -1);
        assert_kind(&error, table[i].kind);
        if (i + 1 < COUNT(table))
            clean_up(NULL);
    }
}

/* A nonce lives for 60 s, and one is had with the first request of a task. */
TEST(a_nonce_that_the_server_forgot_is_renewed_once)
{
    static const struct recorded_reply forgotten[] = {NONCE,
        {"POST " REGISTER, RECORDED_ONCE + 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"unrecognised nonce\"}"},
        REGISTERED, {0}};
    static const struct recorded_reply never[] = {NONCE,
        {"POST " REGISTER, 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"unrecognised nonce\"}"}, {0}};
    static const struct recorded_reply taken[] = {NONCE,
        {"POST " REGISTER, RECORDED_ONCE + 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"unrecognised nonce\"}"},
        {"POST " REGISTER, 400, NULL, "{\"errcode\": \"M_USER_IN_USE\"}"}, {0}};
    enum creation creation;
    struct error error = {0};

    begin(forgotten);
    want_password("x");
    assert_int_equal(create(&creation, &error), 0);
    assert_int_equal(creation, CREATION_DONE);
    clean_up(NULL);
    begin(never);
    want_password("x");
    assert_int_equal(create(&creation, &error), -1);
    assert_kind(&error, ERROR_INVALID);
    error_clear(&error);
    clean_up(NULL);
    begin(taken); /* perhaps by the first one, which libcurl sent again */
    want_password("x");
    assert_int_equal(create(&creation, &error), 0);
    assert_int_equal(creation, CREATION_PERHAPS);
}

TEST(in_check_mode_the_secret_is_proven_once_and_nobody_is_made)
{
    static const struct recorded_reply replies[] = {NONCE, PROVEN, {0}};
    struct error error = {0};
    const char *asked;

    begin(replies);
    want_password("x");
    assert_int_equal(trial.backend->type->may_create(trial.backend, &wanted, &error), 0);
    asked = synapse_asked();
    assert_in("\"refresh_token\":\"prove\"", asked);
    assert_in("\"inhibit_login\":true", asked);
    assert_not_in("alice", asked);
    assert_int_equal(trial.backend->type->may_create(trial.backend, &wanted, &error), 0);
    synapse_assert_asked("");
}

static int
create_once(void *context, struct error *error)
{
    enum creation creation;
    int result;

    (void)context;
    result = create(&creation, error);
    if (result == 0 && (creation != CREATION_DONE || observed.account.user_type == NULL))
        result = error_set(error, ERROR_INTERNAL, "the registration is not told whole");
    return synapse_or_no_memory(result, error);
}

TEST(an_account_is_registered_or_memory_was_short)
{
    begin(registering);
    want_password("x");
    want_text(ACCOUNT_USER_TYPE, "bot");
    want_text(ACCOUNT_DISPLAYNAME, "Al");
    fail_each_allocation(create_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(what_is_too_long_for_the_server_is_refused_before_anything_is_sent),
        TRIAL(a_password_of_which_only_a_part_counts_is_a_warning),
        TRIAL(suspension_is_refused_by_the_versions_that_do_not_know_it),
        TRIAL(a_server_that_hides_its_version_shows_what_it_knows_before_a_creation),
        TRIAL(the_shared_secret_makes_what_a_registration_carries),
        TRIAL(whatever_else_is_stated_takes_an_administrator),
        TRIAL(an_ordinary_user_is_not_what_the_shared_secret_can_promise),
        TRIAL(a_registration_leaves_no_device_and_says_what_is_wanted),
        TRIAL(a_registration_observes_what_it_made_and_no_more),
        TRIAL(a_registration_that_is_refused_says_why),
        TRIAL(a_nonce_that_the_server_forgot_is_renewed_once),
        TRIAL(in_check_mode_the_secret_is_proven_once_and_nobody_is_made),
        TRIAL(an_account_is_registered_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("synapse, creations", tests, synapse_serve,
        synapse_serve_no_more);
}
