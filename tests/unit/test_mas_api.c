/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api.h and api_refusal.h: calls, and what a refusal means, by the answers
 * of MAS 1.22.0. */
#include "mas_api_trial.h"

#include <string.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"

#define X API "/x"

#define GIVES(token)                                                                       \
    {"POST " TOKEN, RECORDED_ONCE + 200, JSON,                                             \
        "{\"access_token\":\"" token "\",\"token_type\":\"Bearer\",\"expires_in\":300,"    \
        "\"scope\":\"urn:mas:admin\"}"}
#define REVOKED {"POST " REVOKE, 200, NULL, ""}
#define EXPIRED 401, JSON, REFUSAL("Access token expired")

static struct mas_api_trial trial;
static struct answer answer;

static int
clean_up(void **state)
{
    (void)state;
    answer_free(&answer);
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
ask(const char *path, struct error *error)
{
    struct call call = {.method = "GET", .path = path, .retry = RETRY_SAFE};

    answer_free(&answer);
    return api_call(&trial.backend, &call, &answer, error);
}

static void
ask_badly(const char *path, enum error_kind kind, struct error *error)
{
    assert_int_equal(ask(path, error), -1);
    assert_kind(error, kind);
    assert_not_in("mpt_admin", error->text);
    assert_not_in("mat_2", error->text);
}

/* ---- Calls ------------------------------------------------------------------------------ */

TEST(a_call_goes_behind_the_prefix_with_the_token)
{
    static const struct recorded_reply replies[] = {{"GET " X, 200, JSON, "{\"a\":1}"}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(ask("/x", &error), 0);
    assert_int_equal(json_integer_value(json_object_get(answer.body, "a")), 1);
    mas_api_assert_asked("GET " X " mpt_admin\n");
}

TEST(a_token_that_is_over_is_renewed_and_the_call_sent_again)
{
    static const char *const titles[] = {REFUSAL("Access token expired"),
        REFUSAL("Access token revoked"), REFUSAL("Unknown access token")};

    for (size_t i = 0; i < COUNT(titles); i++) {
        const struct recorded_reply replies[] = {GIVES("mat_1"), GIVES("mat_2"), REVOKED,
            {"GET " X, RECORDED_ONCE + 401, JSON, titles[i]}, {"GET " X, 200, JSON, "{}"}, {0}};
        struct error error = {0};

        mas_api_start_with_client(&trial, "s3cret", replies);
        assert_int_equal(ask("/x", &error), 0);
        assert_int_equal(answer.status, 200);
        mas_api_assert_asked(
            "POST " TOKEN " - grant_type=client_credentials&scope=urn%3Amas%3Aadmin\n"
            "GET " X " mat_1\n"
            "POST " TOKEN " - grant_type=client_credentials&scope=urn%3Amas%3Aadmin\n"
            "POST " REVOKE " - token=mat_1\n"
            "GET " X " mat_2\n");
        mas_api_end(&trial);
    }
}

TEST(a_token_is_renewed_once_a_call)
{
    static const struct recorded_reply replies[] = {
        GIVES("mat_1"), GIVES("mat_2"), GIVES("mat_3"), REVOKED, {"GET " X, EXPIRED}, {0}};
    struct error error = {0};

    mas_api_start_with_client(&trial, "s3cret", replies);
    ask_badly("/x", ERROR_UNAUTHORIZED, &error);
    assert_in("a token that it has just given", error.text);
    assert_in("GET " X " mat_2\n", mas_api_asked());
}

/* The further titles of a malformed one have a checksum of it in them. */
TEST(a_refused_token_says_what_is_wrong_with_it)
{
    static const struct {
        const char *body;
        enum error_kind kind;
        const char *words, *unsaid;
    } table[] = {
        {REFUSAL("Access token expired"), ERROR_UNAUTHORIZED, "mas_token is over", "just"},
        {REFUSAL("Access token revoked"), ERROR_UNAUTHORIZED, "revoked", "just"},
        {REFUSAL("Unknown access token"), ERROR_UNAUTHORIZED, "none of this MAS's", "just"},
        {ERRORS(TITLE("Invalid type of access token") ","
             TITLE("invalid crc \\\"000000\\\", expected \\\"9DsFA3\\\"")),
            ERROR_UNAUTHORIZED, "not a whole token", "9DsFA3"},
        {REFUSAL("User locked"), ERROR_FORBIDDEN, "is locked", "just"},
        {REFUSAL("Missing urn:mas:admin scope"), ERROR_FORBIDDEN, "policy.data.admin_clients",
            "just"},
        {REFUSAL("Something about mpt_admin"), ERROR_UNAUTHORIZED, "Something about ********",
            "proxy"},
        {"<html>", ERROR_UNAUTHORIZED, "reverse proxy", "<html>"},
        {"{\"errors\":5}", ERROR_UNAUTHORIZED, "401", "proxy"},
        {"{\"errors\":[{\"title\":5}]}", ERROR_UNAUTHORIZED, "401", "proxy"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {{"GET " X, 401, JSON, table[i].body}, {0}};
        struct error error = {0};

        mas_api_start(&trial, replies);
        ask_badly("/x", table[i].kind, &error);
        assert_int_equal(error.status, 401);
        assert_in(table[i].words, error.text);
        assert_not_in(table[i].unsaid, error.text);
        mas_api_assert_asked("GET " X " mpt_admin\n");
        mas_api_end(&trial);
    }
}

TEST(a_missing_object_is_an_answer)
{
    static const struct recorded_reply replies[] = {
        {"GET " X, 404, JSON, ERRORS(TITLE("User ID X not found") "," TITLE("why"))}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(ask("/x", &error), 0);
    assert_int_equal(answer.status, 404);
    assert_string_equal(api_title(&answer), "User ID X not found");
    assert_true(api_says(&answer, "why"));
    assert_false(api_says(&answer, "because"));
    mas_api_assert_asked("GET " X " mpt_admin\n");
}

TEST(an_api_that_is_switched_off_is_told_by_a_look_without_a_token)
{
    static const struct recorded_reply replies[] = {{"GET ", NO_ROUTE}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    ask_badly("/users/by-username/alice", ERROR_UNSUPPORTED, &error);
    mas_api_assert_asked("GET " BY_ALICE " mpt_admin\nGET " API "/users -\n");
    assert_true(error_ends_list(&error));
    assert_in("{name: adminapi}", error.text);
    assert_in("matrix_authentication_service_admin_api_enabled: true", error.text);
    assert_in("mas_admin_url", error.text);
}

/* The releases are those of MAS's tags. */
TEST(an_endpoint_that_this_version_lacks_is_told_with_the_version_that_has_it)
{
    static const struct {
        const char *method, *path, *since;
    } table[] = {
        {"GET", "/users?page%5Bfirst%5D=1", "0.10.0"},
        {"POST", "/users/" U "/set-password", "0.10.0"},
        {"GET", "/user-emails?filter%5Buser%5D=" U, "0.14.0"},
        {"POST", "/user-emails", "0.15.0"},
        {"DELETE", "/user-emails/" ID, "0.15.0"},
        {"GET", "/upstream-oauth-links", "0.14.0"},
        {"POST", "/upstream-oauth-links", "0.15.0"},
        {"GET", "/user-registration-tokens", "0.17.0"},
        {"POST", "/users/" U "/reactivate", "0.20.0"},
        {"GET", "/site-config", "1.3.0"},
        {"GET", "/upstream-oauth-providers?x", "1.3.0"},
        {"GET", "/version", "1.4.0"},
        {"GET", "/compat-sessions", "0.10.0"},
        {"POST", "/compat-sessions/" ID "/finish", "1.4.0"},
        {"POST", "/personal-sessions", "1.5.0"},
    };
    static const int statuses[] = {404, 405}; /* no path, and no method of it */

    for (size_t i = 0; i < COUNT(table) * COUNT(statuses); i++) {
        const char *path = table[i / 2].path;
        const struct recorded_reply replies[] = {
            {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")},
            {"/", statuses[i % 2], i % 2 == 0 ? HTML : "allow: GET\r\n", ""}, {0}};
        struct call call = {.method = table[i / 2].method, .path = path};
        struct error error = {0};

        mas_api_start(&trial, replies);
        strcpy(trial.backend.version, "0.9.0");
        assert_int_equal(api_call(&trial.backend, &call, &answer, &error), -1);
        assert_kind(&error, ERROR_UNSUPPORTED);
        assert_false(error_ends_list(&error));
        assert_in("this MAS 0.9.0 does not have", error.text);
        assert_in(table[i / 2].since, error.text);
        assert_not_in("?", error.text);
        clean_up(NULL);
    }
}

TEST(a_slash_that_a_proxy_refuses_is_thought_of)
{
    static const struct recorded_reply replies[] = {
        {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")},
        {"GET ", NO_ROUTE}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    ask_badly("/users/by-username/a%2Fb", ERROR_UNSUPPORTED, &error);
    assert_in("%2F", error.text);
    assert_in("proxy", error.text);
}

/* ---- Refusals --------------------------------------------------------------------------- */

#define AWAY(first)                                                                        \
    ERRORS(TITLE(first) "," TITLE("error sending request for url (http://s:8008/)") ","    \
        TITLE("Connection refused (os error 111)"))

TEST(a_refusal_is_of_its_kind_and_says_what_to_do)
{
    static const struct {
        int status;
        const char *headers, *body;
        enum error_kind kind;
        const char *words;
    } table[] = {
        {400, JSON, REFUSAL("Username is not valid"), ERROR_INVALID, "a-z 0-9 = _ - . / +"},
        {400, JSON, REFUSAL("Password is too weak"), ERROR_POLICY,
            "skip_password_check"},
        {400, JSON, REFUSAL("Password is too weak"), ERROR_POLICY,
            "matrix_authentication_service_config_passwords_minimum_complexity"},
        {403, JSON, REFUSAL("Password auth is disabled"), ERROR_UNSUPPORTED,
            "passwords.enabled: true"},
        {403, JSON, REFUSAL("Password auth is disabled"), ERROR_UNSUPPORTED,
            "matrix_authentication_service_config_passwords_enabled"},
        {409, JSON, REFUSAL("Username is reserved by the homeserver"), ERROR_CONFLICT,
            "skip_homeserver_check"},
        {409, JSON, REFUSAL("User already exists"), ERROR_CONFLICT, "User already exists"},
        {409, JSON, REFUSAL("User email \\\"a@x\\\" already in use"), ERROR_CONFLICT,
            "another user"},
        {400, JSON,
            ERRORS(TITLE("Email \\\"notmail\\\" is not valid") "," TITLE("Missing domain or user")),
            ERROR_INVALID, "no such address"},
        {404, JSON, REFUSAL("User ID " U " not found"), ERROR_NOT_FOUND, "a moment ago"},
        {404, JSON, REFUSAL("Upstream OAuth 2.0 Provider ID " ID " not found"),
            ERROR_NOT_FOUND, "upstream_oauth2.providers"},
        {409, JSON,
            REFUSAL("Upstream Oauth 2.0 Provider ID " ID " with subject s is already linked to a "
                    "user"),
            ERROR_CONFLICT, "another user"},
        {400, JSON, REFUSAL("Missing authorization header"), ERROR_PROTOCOL, "reverse proxy"},
        {400, JSON, REFUSAL("Invalid authorization header"), ERROR_PROTOCOL, "reverse proxy"},
        {422, PLAIN, "Failed to deserialize the JSON body into the target type: missing field",
            ERROR_PROTOCOL, "missing field"},
        {415, PLAIN, "Expected request with `Content-Type: application/json`", ERROR_PROTOCOL,
            "another form"},
        {413, HTML, "<html>too large", ERROR_PROTOCOL, "reverse proxy"},
        {418, JSON, REFUSAL("Teapot"), ERROR_INVALID, "418 (Teapot)"},
        {500, JSON, AWAY("Failed to check localpart availability from Synapse"),
            ERROR_NOT_READY, "matrix.endpoint"},
        {500, JSON, REFUSAL("Failed to reactivate user in Synapse"), ERROR_NOT_READY,
            "the homeserver behind it"},
        {500, JSON,
            ERRORS(TITLE("Unexpected HTTP response while provisioning user in Synapse") ","
                TITLE("M_INVALID_USERNAME: Numeric user IDs are reserved for guest users.") ","
                TITLE("HTTP status client error (400 Bad Request) for url (http://s/)")),
            ERROR_INVALID, "takes no such name"},
        {500, JSON,
            ERRORS(TITLE("Unexpected HTTP response while provisioning user in Synapse") ","
                TITLE("M_INVALID_PARAM: Displayname is too long (max 256)") ","
                TITLE("HTTP status client error (400 Bad Request) for url (http://s/)")),
            ERROR_INVALID, "Displayname is too long"},
        {500, JSON,
            ERRORS(TITLE("Failed to check localpart availability from Synapse") ","
                TITLE("HTTP status client error (403 Forbidden) for url (http://s/)")),
            ERROR_SERVER, "matrix.secret"},
        {500, JSON, REFUSAL("pool timed out while waiting for an open connection"),
            ERROR_SERVER, "MAS's log"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET " X, table[i].status, table[i].headers, table[i].body}, {0}};
        struct error error = {0};

        mas_api_start(&trial, replies);
        assert_int_equal(ask("/x", &error), 0);
        assert_int_equal(api_refusal_record(&answer, "making tea", &error), -1);
        assert_kind(&error, table[i].kind);
        assert_int_equal(error.status, table[i].status);
        assert_in("making tea: the server answers ", error.text);
        assert_in(table[i].words, error.text);
        assert_int_equal(api_refusal_is_homeservers(&answer),
            table[i].kind == ERROR_NOT_READY);
        clean_up(NULL);
    }
}

TEST(a_refusal_that_echoes_the_token_is_shown_without_it)
{
    static const struct recorded_reply replies[] = {
        {"GET " X, 400, PLAIN, "no: mpt_admin"}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    ask("/x", &error);
    api_refusal_record(&answer, "making tea", &error);
    assert_in("no: ********", error.text);
}

/* ---- What the server has ---------------------------------------------------------------- */

#define DESCRIPTION(properties)                                                            \
    "{\"paths\":{\"/api/admin/v1/users\":{},\"/api/admin/v1/users/{id}/reactivate\":{},"   \
    "\"/evil\\n/api/admin/v1/evil\\n\":{},\"none\":{}},\"components\":{\"schemas\":"       \
    "{\"AddUserRequest\":{\"properties\":{" properties "}}}}}"

static bool
has(const char *path)
{
    struct error error = {0};
    bool result = false;

    api_has(&trial.backend, path, &result, &error);
    assert_kind(&error, ERROR_NONE);
    return result;
}

TEST(the_server_says_once_which_endpoints_it_has)
{
    static const struct recorded_reply replies[] = {
        {"GET " SPEC, 200, JSON, DESCRIPTION("\"username\":{},\"displayname\":{}")}, {0}};

    mas_api_start(&trial, replies);
    assert_true(has("/api/admin/v1/users"));
    assert_true(has("/api/admin/v1/users/{id}/reactivate"));
    assert_false(has("/api/admin/v1/users/{id}"));
    assert_false(has("/api/admin/v1/use"));
    assert_false(has("/api/admin/v1/evil"));
    assert_false(has("none"));
    assert_true(trial.state.has_displayname);
    mas_api_assert_asked("GET " SPEC " -\n");
}

TEST(an_older_description_has_no_display_name)
{
    static const struct recorded_reply replies[] = {
        {"GET " SPEC, 200, JSON, DESCRIPTION("\"username\":{}")}, {0}};

    mas_api_start(&trial, replies);
    assert_true(has("/api/admin/v1/users"));
    assert_false(trial.state.has_displayname);
}

TEST(a_description_that_is_not_shown_has_nothing_and_warns)
{
    static const struct recorded_reply replies[] = {{"GET " SPEC, NO_ROUTE}, {0}};

    mas_api_start(&trial, replies);
    assert_false(has("/api/admin/v1/users"));
    assert_false(has("/api/admin/v1/users"));
    assert_int_equal(trial.warnings.count, 1);
    assert_in("/api/spec.json answers 404", trial.warnings.items[0]);
    mas_api_assert_asked("GET " SPEC " -\n");
}

TEST(a_description_that_makes_no_sense_has_nothing)
{
    static const char *const bodies[] = {"{}", "{\"paths\":5}",
        "{\"paths\":[\"/api/admin/v1/users\"],\"components\":[]}",
        "{\"components\":{\"schemas\":{\"AddUserRequest\":5}}}"};

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {{"GET " SPEC, 200, JSON, bodies[i]}, {0}};

        mas_api_start(&trial, replies);
        assert_false(has("/api/admin/v1/users"));
        assert_false(trial.state.has_displayname);
        mas_api_end(&trial);
    }
}

/* ---- Each failed allocation ------------------------------------------------------------- */

static int
describe_and_call(void *context, struct error *error)
{
    bool found;
    int result;

    (void)context;
    result = api_has(&trial.backend, "/api/admin/v1/users", &found, error);
    if (result == 0 && !found)
        result = error_set(error, ERROR_INTERNAL, "not found");
    if (result == 0)
        result = ask("/x", error);
    answer_free(&answer);
    text_free(&trial.state.paths);
    trial.state.paths_asked = false;
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {"GET " SPEC, 200, JSON, DESCRIPTION("\"displayname\":{}")},
        {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")},
        {"GET " X, NO_ROUTE}, {0}};

    mas_api_start(&trial, replies);
    fail_each_allocation(describe_and_call, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_call_goes_behind_the_prefix_with_the_token),
        TRIAL(a_token_that_is_over_is_renewed_and_the_call_sent_again),
        TRIAL(a_token_is_renewed_once_a_call),
        TRIAL(a_refused_token_says_what_is_wrong_with_it),
        TRIAL(a_missing_object_is_an_answer),
        TRIAL(an_api_that_is_switched_off_is_told_by_a_look_without_a_token),
        TRIAL(an_endpoint_that_this_version_lacks_is_told_with_the_version_that_has_it),
        TRIAL(a_slash_that_a_proxy_refuses_is_thought_of),
        TRIAL(a_refusal_is_of_its_kind_and_says_what_to_do),
        TRIAL(a_refusal_that_echoes_the_token_is_shown_without_it),
        TRIAL(the_server_says_once_which_endpoints_it_has),
        TRIAL(an_older_description_has_no_display_name),
        TRIAL(a_description_that_is_not_shown_has_nothing_and_warns),
        TRIAL(a_description_that_makes_no_sense_has_nothing),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
