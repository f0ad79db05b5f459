/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api_users.h: seeing users and setting passwords, by the answers
 * of MAS 1.22.0. */
#include "mas_api_trial.h"

#include <string.h>

#include "backends/mas/api.h"

#define OF_ALICE(endpoint) "POST " API "/users/" U "/" endpoint

static struct mas_api_trial trial;
static struct mas_user user;
static struct list names;

static int
clean_up(void **state)
{
    (void)state;
    list_free(&names);
    mas_api_end(&trial);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

/* A trial in which Alice was found. */
static void
begin(const struct recorded_reply *replies)
{
    mas_api_start(&trial, replies);
    user = (struct mas_user){.id = U};
}

static bool
find(const char *name, struct error *error)
{
    bool found = false;

    api_way.find(&trial.backend, name, &user, &found, error);
    return found;
}

/* ---- Looking ---------------------------------------------------------------------------- */

TEST(a_user_is_found_with_its_state)
{
    static const struct {
        const char *body;
        bool admin, locked, deactivated;
    } table[] = {
        {ALICE, false, false, false},
        {USER("alice", MOMENT, "null", "true"), true, true, false},
        {USER("alice", "null", MOMENT, "false"), false, false, true},
        /* Before 0.17.0 there is no deactivated_at. */
        {"{\"data\":{\"id\":\"" U "\",\"attributes\":{\"username\":\"alice\",\"locked_at\":null,"
         "\"admin\":true}}}",
            true, false, false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET " BY_ALICE, 200, JSON, table[i].body}, {0}};
        struct error error = {0};

        begin(replies);
        assert_true(find("alice", &error));
        assert_string_equal(user.id, U);
        assert_int_equal(user.admin, table[i].admin);
        assert_int_equal(user.locked, table[i].locked);
        assert_int_equal(user.deactivated, table[i].deactivated);
        assert_false(user.knows_password);
        mas_api_assert_asked("GET " BY_ALICE " mpt_admin\n");
        assert_int_equal(trial.warnings.count, 0);
        mas_api_end(&trial);
    }
}

TEST(a_name_is_percent_encoded)
{
    static const struct recorded_reply replies[] = {
        {"GET " API "/users/by-username/a%2Fb%2Bc%3Dd", 200, JSON,
            USER("a/b+c=d", "null", "null", "false")},
        {0}};
    struct error error = {0};

    begin(replies);
    assert_true(find("a/b+c=d", &error));
    assert_kind(&error, ERROR_NONE);
}

TEST(nobody_is_an_answer)
{
    static const struct recorded_reply replies[] = {{"GET " BY_ALICE, NOBODY}, {0}};
    struct error error = {0};

    begin(replies);
    assert_false(find("alice", &error));
    assert_kind(&error, ERROR_NONE);
    assert_string_equal(user.id, "");
}

TEST(what_is_not_mas_saying_that_there_is_nobody_is_no_such_answer)
{
    static const struct {
        int status;
        const char *headers, *body;
        enum error_kind kind;
    } table[] = {
        {404, JSON, "{\"error\":\"not found\"}", ERROR_NOT_FOUND},
        {404, HTML, "<html>not found", ERROR_UNSUPPORTED},
        {400, JSON, REFUSAL("x not found"), ERROR_INVALID},
        {500, JSON, REFUSAL("x not found"), ERROR_SERVER},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET ", table[i].status, table[i].headers, table[i].body}, {0}};
        struct error error = {0};

        begin(replies);
        assert_false(find("alice", &error));
        assert_kind(&error, table[i].kind);
        mas_api_end(&trial);
    }
}

TEST(a_name_in_another_case_is_the_same_user_as_mas_spells_it)
{
    static const struct recorded_reply replies[] = {
        {"GET " BY_ALICE, 200, JSON, USER("Alice", "null", "null", "false")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_true(find("alice", &error));
    assert_string_equal(user.name, "Alice");
}

TEST(a_user_that_makes_no_sense_is_an_error)
{
    static const char *const bodies[] = {
        "{}",
        "{\"data\":5}",
        "{\"data\":{\"id\":\"" U "\"}}",
        USER("bob", "null", "null", "false"),
        "{\"data\":" USER_DATA("01M84H4K0X", "alice", "null", "null", "false") "}",
        "{\"data\":" USER_DATA("81M84H4K0XFDGJFSFZ0ASDT0ZZ", "alice", "null", "null", "false") "}",
        "{\"data\":" USER_DATA("01M84H4K0XFDGJFSFZ0ASDT0U/", "alice", "null", "null", "false") "}",
        USER("alice", "5", "null", "false"),
        USER("alice", "null", "false", "false"),
        USER("alice", "null", "null", "\"true\""),
        USER("alice", "null", "null", "null"),
        "{\"data\":{\"id\":\"" U "\",\"attributes\":{\"username\":5,\"admin\":true}}}",
    };

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {{"GET " BY_ALICE, 200, JSON, bodies[i]}, {0}};
        struct error error = {0};

        begin(replies);
        assert_false(find("alice", &error));
        assert_kind(&error, ERROR_PROTOCOL);
        assert_string_equal(user.id, "");
        mas_api_end(&trial);
    }
}

TEST(a_ulid_in_lower_case_is_taken_in_upper_case)
{
    static const struct recorded_reply replies[] = {
        {"GET " BY_ALICE, 200, JSON,
            "{\"data\":" USER_DATA("01m84h4k0xfdgjfsfz0asdt0zz", "alice", "null", "null",
                "false") "}"},
        {0}};
    struct error error = {0};

    begin(replies);
    assert_true(find("alice", &error));
    assert_string_equal(user.id, U);
}

#define ADMINISTRATORS API "/users?" FILTER("admin") "true&" FILTER("status") "active&" FIRST

/* Servers ignore filters that they do not know. */
TEST(administrators_are_those_who_are_shown_to_be_active_ones)
{
    static const struct recorded_reply replies[] = {
        {"GET " ADMINISTRATORS AFTER U2, 200, JSON,
            LIST(USER_DATA(ID, "erin", "null", "null", "true") ","
                USER_DATA(ID2, "frank", "null", "null", "false"))},
        {"GET " ADMINISTRATORS, 200, JSON,
            LIST_GOES_ON(USER_DATA(U, "alice", "null", "null", "true") ","
                USER_DATA("01M84H4K0XFDGJFSFZ0ASDT0ZZ", "bob", MOMENT, "null", "true") ","
                USER_DATA(U2, "carol", "null", MOMENT, "true"))},
        {0}};
    struct error error = {0};

    begin(replies);
    api_way.list_administrators(&trial.backend, &names, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "alice");
    assert_string_equal(names.items[1], "erin");
    mas_api_assert_asked("GET " ADMINISTRATORS " mpt_admin\n"
                         "GET " ADMINISTRATORS AFTER U2 " mpt_admin\n");
}

TEST(a_list_that_makes_no_sense_or_does_not_go_on_is_an_error)
{
    static const char *const bodies[] = {
        "{}",
        "{\"data\":null}",
        "{\"data\":{}}",
        LIST("5"),
        LIST("{\"id\":\"" U "\"}"),
        LIST("{\"id\":\"x\",\"attributes\":{}}"),
        LIST(USER_DATA(U, "alice", "null", "null", "5")),
        LIST_GOES_ON(""),
        LIST_GOES_ON(USER_DATA(U, "alice", "null", "null", "true")), /* for ever */
    };

    for (size_t i = 0; i < COUNT(bodies); i++) {
        const struct recorded_reply replies[] = {{"GET " API, 200, JSON, bodies[i]}, {0}};
        struct error error = {0};

        begin(replies);
        assert_int_equal(api_way.list_administrators(&trial.backend, &names, &error), -1);
        assert_kind(&error, ERROR_PROTOCOL);
        clean_up(NULL);
    }
}

/* ---- Passwords -------------------------------------------------------------------------- */

static int
set_password(const char *password, struct error *error)
{
    const struct secret secret = secret_over(password);

    return api_way.set_password(&trial.backend, &user, "alice", &secret, error);
}

TEST(a_password_is_set_as_it_is)
{
    static const struct recorded_reply replies[] = {{OF_ALICE("set-password"), 204, NULL, ""}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(set_password("p%+: \"\xc3\xa9\\", &error), 0);
    mas_api_assert_asked(
        OF_ALICE("set-password") " mpt_admin {\"password\":\"p%+: \\\"\\u00E9\\\\\"}\n");
}

TEST(a_password_is_set_whatever_it_is_where_that_is_allowed)
{
    static const struct recorded_reply replies[] = {{OF_ALICE("set-password"), 204, NULL, ""}, {0}};
    struct error error = {0};

    begin(replies);
    trial.backend.leeway.skip_password_check = true;
    assert_int_equal(set_password("x", &error), 0);
    mas_api_assert_asked(OF_ALICE("set-password")
        " mpt_admin {\"password\":\"x\",\"skip_password_check\":true}\n");
}

TEST(a_password_that_is_refused_is_told_and_never_shown)
{
    static const struct {
        int status;
        const char *body;
        enum error_kind kind;
    } table[] = {
        {400, REFUSAL("Password is too weak"), ERROR_POLICY},
        {403, REFUSAL("Password auth is disabled"), ERROR_UNSUPPORTED},
        {404, REFUSAL("User ID " U " not found"), ERROR_NOT_FOUND},
        {400, REFUSAL("I do not like hunter2"), ERROR_INVALID},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {OF_ALICE("set-password"), table[i].status, JSON, table[i].body}, {0}};
        struct error error = {0};

        begin(replies);
        assert_int_equal(set_password("hunter2", &error), -1);
        assert_kind(&error, table[i].kind);
        assert_in("setting the password of alice in MAS", error.text);
        assert_not_in("hunter2", error.text);
        mas_api_end(&trial);
    }
}

TEST(a_password_that_is_no_text_is_not_sent)
{
    static const struct recorded_reply replies[] = {{0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(set_password("\xff", &error), -1);
    assert_kind(&error, ERROR_INVALID);
    mas_api_assert_asked("");
}

/* ---- Each failed allocation ------------------------------------------------------------- */

static int
see_and_set(void *context, struct error *error)
{
    bool found = false;
    int result = api_way.find(&trial.backend, "alice", &user, &found, error);

    (void)context;
    if (result == 0)
        result = api_way.list_administrators(&trial.backend, &names, error);
    if (result == 0)
        result = set_password("hunter2", error);
    list_free(&names);
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply replies[] = {{"GET " BY_ALICE, 200, JSON, ALICE},
        /* libcurl leaves out a query that it has no memory for. */
        {"GET " API "/users", 200, JSON, LIST(USER_DATA(U, "al", "null", "null", "true"))},
        {OF_ALICE("set-password"), 204, NULL, ""}, {0}};

    begin(replies);
    fail_each_allocation(see_and_set, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_user_is_found_with_its_state),
        TRIAL(a_name_is_percent_encoded),
        TRIAL(nobody_is_an_answer),
        TRIAL(what_is_not_mas_saying_that_there_is_nobody_is_no_such_answer),
        TRIAL(a_name_in_another_case_is_the_same_user_as_mas_spells_it),
        TRIAL(a_user_that_makes_no_sense_is_an_error),
        TRIAL(a_ulid_in_lower_case_is_taken_in_upper_case),
        TRIAL(administrators_are_those_who_are_shown_to_be_active_ones),
        TRIAL(a_list_that_makes_no_sense_or_does_not_go_on_is_an_error),
        TRIAL(a_password_is_set_as_it_is),
        TRIAL(a_password_is_set_whatever_it_is_where_that_is_allowed),
        TRIAL(a_password_that_is_refused_is_told_and_never_shown),
        TRIAL(a_password_that_is_no_text_is_not_sent),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
