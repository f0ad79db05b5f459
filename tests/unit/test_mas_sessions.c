/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api_sessions.h, by the answers of MAS 1.22.0; and backends/mas/ulid.h. */
#include "mas_api_trial.h"

#include "backends/mas/api.h"
#include "backends/mas/ulid.h"

#define SESSION(id, owner, finished)                                                       \
    "{\"type\":\"session\",\"id\":\"" id "\",\"attributes\":{\"user_id\":" owner           \
    ",\"finished_at\":" finished "}}"
#define OURS "\"" U "\""
#define ACTIVE "?" FILTER("user") U "&" FILTER("status") "active&" FIRST
#define BROWSER API "/user-sessions"
#define OAUTH API "/oauth2-sessions"
#define COMPAT API "/compat-sessions"
#define NONE_OF(kind) {"GET " kind, 200, JSON, LIST("")}
#define FINISHED 200, JSON, "{\"data\":{}}"

static const struct mas_user alice = {.id = U};

static struct mas_api_trial trial;

static int
clean_up(void **state)
{
    (void)state;
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
end_sessions(struct error *error)
{
    return api_way.end_sessions(&trial.backend, &alice, "alice", error);
}

TEST(all_sessions_of_a_user_are_ended_and_no_others)
{
    static const struct recorded_reply replies[] = {
        {"GET " BROWSER, 200, JSON,
            LIST(SESSION(ID, OURS, "null") "," SESSION(ID2, "\"" U2 "\"", "null"))},
        {"GET " OAUTH, 200, JSON, LIST(SESSION(ID, "null", "null") "," SESSION(ID2, OURS, "null"))},
        {"GET " COMPAT, 200, JSON, LIST(SESSION(ID, OURS, MOMENT) "," SESSION(U2, OURS, "null"))},
        {"POST ", FINISHED}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    end_sessions(&error);
    assert_kind(&error, ERROR_NONE);
    mas_api_assert_asked("GET " BROWSER ACTIVE " mpt_admin\n"
                         "POST " BROWSER "/" ID "/finish mpt_admin\n"
                         "GET " OAUTH ACTIVE " mpt_admin\n"
                         "POST " OAUTH "/" ID2 "/finish mpt_admin\n"
                         "GET " COMPAT ACTIVE " mpt_admin\n"
                         "POST " COMPAT "/" U2 "/finish mpt_admin\n");
}

TEST(a_session_that_is_over_by_then_is_ended)
{
    static const struct recorded_reply replies[] = {
        {"GET " BROWSER, 200, JSON, LIST(SESSION(ID, OURS, "null"))},
        {"GET " OAUTH, 200, JSON, LIST(SESSION(ID, OURS, "null"))}, NONE_OF(COMPAT),
        {"POST " BROWSER, 400, JSON, REFUSAL("User session with ID " ID " is already finished")},
        {"POST " OAUTH, 404, JSON, REFUSAL("OAuth 2.0 session with ID " ID " not found")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(end_sessions(&error), 0);
}

TEST(a_session_that_cannot_be_ended_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {"GET " BROWSER, 200, JSON, LIST(SESSION(ID, OURS, "null"))},
        {"POST " BROWSER, 500, JSON, REFUSAL("database is away")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(end_sessions(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("ending the sessions of alice", error.text);
}

TEST(an_older_server_that_cannot_end_sessions_is_told)
{
    static const struct recorded_reply replies[] = {
        {"GET " BROWSER, 200, JSON, LIST(SESSION(ID, OURS, "null"))},
        {"POST ", NO_ROUTE},
        {"GET " API "/users HTTP", 400, JSON, REFUSAL("Missing authorization header")}, {0}};
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(end_sessions(&error), -1);
    assert_kind(&error, ERROR_UNSUPPORTED);
    assert_in("1.4.0", error.text);
}

static int
end_them(void *context, struct error *error)
{
    (void)context;
    return mas_api_or_no_memory(end_sessions(error), error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {"GET " BROWSER, 200, JSON, LIST(SESSION(ID, OURS, "null"))}, NONE_OF(OAUTH),
        NONE_OF(COMPAT), {"POST ", FINISHED}, {0}};

    mas_api_start(&trial, replies);
    fail_each_allocation(end_them, NULL);
}

/* github.com/ulid/spec: no I, L, O and U, and nothing above 7ZZZZZZZZZZZZZZZZZZZZZZZZZ. */
TEST(ulids_are_told_from_what_is_none)
{
    static const char *const others[] = {"", "01M84H4K0XFDGJFSFZ0ASDT0Z",
        "01M84H4K0XFDGJFSFZ0ASDT0ZZZ", "01M84H4K0XFDGJFSFZ0ASDT0ZI", "01M84H4K0XFDGJFSFZ0ASDT0ZL",
        "01M84H4K0XFDGJFSFZ0ASDT0ZO", "01M84H4K0XFDGJFSFZ0ASDT0ZU", "80000000000000000000000000",
        "01M84H4K0XFDGJFSFZ0ASDT0Z/", "01M84H4K0XFDGJFSFZ0ASDT0Z ", "../../../../../../../../..",
        "01M84H4K0XFDGJFSFZ0ASDT0\xc3\x89"};
    char id[MAS_ID_SIZE];

    assert_true(ulid_read(id, "7zzzzzzzzzzzzzzzzzzzzzzzzz"));
    assert_string_equal(id, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
    assert_true(ulid_read(id, U));
    assert_string_equal(id, U);
    assert_false(ulid_read(id, NULL));
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_false(ulid_read(id, others[i]));
        assert_string_equal(id, "");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(all_sessions_of_a_user_are_ended_and_no_others),
        TRIAL(a_session_that_is_over_by_then_is_ended),
        TRIAL(a_session_that_cannot_be_ended_is_an_error),
        TRIAL(an_older_server_that_cannot_end_sessions_is_told),
        TRIAL(each_failed_allocation_is_an_error),
        TRIAL(ulids_are_told_from_what_is_none),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
