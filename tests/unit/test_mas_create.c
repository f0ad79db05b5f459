/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api_users.h: creations, and the races they can lose, by the answers of
 * MAS 1.22.0. */
#include "mas_api_trial.h"

#include <string.h>

#include "backends/mas/api.h"

#define CREATE "POST " API "/users"
#define CREATED {CREATE, 201, JSON, ALICE}
#define IS_THERE {"GET " BY_ALICE, 200, JSON, ALICE}
#define IS_NOT_THERE {"GET " BY_ALICE, NOBODY}
#define IS_NOT_THERE_ONCE                                                                  \
    {"GET " BY_ALICE, RECORDED_ONCE + 404, JSON, REFUSAL("User with username not found")}
#define ASKED CREATE " mpt_admin {\"username\":\"alice\"}\n"
#define LOOKED "GET " BY_ALICE " mpt_admin\n"

/* Its title comes first, as there: jansson 2.14 runs over its buffer where that cannot
 * grow for the quote at the end of a string of 14 or 30 bytes. */
#define NEW_SPEC                                                                           \
    {"GET " SPEC, 200, JSON,                                                               \
        "{\"info\":{\"title\":\"Matrix Authentication Service admin API\"},"             \
        "\"components\":{\"schemas\":{\"AddUserRequest\":{\"properties\":{"               \
        "\"displayname\":{}}}}}}"}
#define OLD_SPEC                                                                           \
    {"GET " SPEC, 200, JSON,                                                               \
        "{\"components\":{\"schemas\":{\"AddUserRequest\":{\"properties\":{}}}}}"}

#define AWAY                                                                               \
    ERRORS(TITLE("Failed to check localpart availability from Synapse") ","                \
        TITLE("error sending request for url (http://s:8008/)") ","                        \
        TITLE("Connection refused (os error 111)"))
#define RESERVED REFUSAL("Username is reserved by the homeserver")
#define NO_ROWS REFUSAL("Expected 1 rows to be affected, but 0 rows were affected")

static struct mas_api_trial trial;
static struct mas_user user;
static struct account wanted;
static enum creation creation;

static void
begin(const struct recorded_reply *replies)
{
    struct error error = {0};

    mas_api_start(&trial, replies);
    assert_int_equal(account_name(&wanted, NULL, "alice", &error), 0);
}

static int
clean_up(void **state)
{
    (void)state;
    mas_api_end(&trial);
    account_free(&wanted);
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
create(struct error *error)
{
    creation = CREATION_NAME_TAKEN;
    memset(&user, 0xff, sizeof(user));
    return api_way.create(&trial.backend, &wanted, &creation, &user, error);
}

static void
create_well(enum creation expected)
{
    struct error error = {0};

    create(&error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(creation, expected);
}

static void
want_profile(const char *displayname, const char *avatar_url)
{
    struct error error = {0};

    account_state_text(&wanted, ACCOUNT_DISPLAYNAME, displayname, &error);
    account_state_text(&wanted, ACCOUNT_AVATAR_URL, avatar_url, &error);
    assert_kind(&error, ERROR_NONE);
}

TEST(a_user_is_made_with_one_request)
{
    static const struct recorded_reply replies[] = {CREATED, {0}};

    begin(replies);
    create_well(CREATION_DONE);
    assert_string_equal(user.id, U);
    assert_false(user.admin);
    mas_api_assert_asked(ASKED);
    assert_false(api_way.sets_password_at_once);
    assert_false(trial.state.created_displayname);
}

TEST(the_homeserver_is_not_asked_where_that_is_wanted)
{
    static const struct recorded_reply replies[] = {CREATED, {0}};

    begin(replies);
    trial.backend.leeway.skip_homeserver_check = true;
    create_well(CREATION_DONE);
    mas_api_assert_asked(
        CREATE " mpt_admin {\"username\":\"alice\",\"skip_homeserver_check\":true}\n");
}

TEST(the_profile_goes_along_where_this_version_takes_it)
{
    static const struct recorded_reply replies[] = {NEW_SPEC, CREATED, {0}};

    begin(replies);
    want_profile("Al", "mxc://x/1");
    create_well(CREATION_DONE);
    mas_api_assert_asked("GET " SPEC " -\n" CREATE
        " mpt_admin {\"username\":\"alice\",\"displayname\":\"Al\","
        "\"avatar_url\":\"mxc://x/1\"}\n");
    assert_true(trial.state.created_displayname);
    assert_true(trial.state.created_avatar_url);
    create_well(CREATION_DONE);
    assert_not_in(SPEC, mas_api_asked());
}

/* Without one, the homeserver would take the localpart; "" is none. */
TEST(no_display_name_is_asked_for_as_an_empty_one)
{
    static const struct recorded_reply replies[] = {NEW_SPEC, CREATED, {0}};

    begin(replies);
    want_profile(NULL, NULL);
    create_well(CREATION_DONE);
    assert_in("{\"username\":\"alice\",\"displayname\":\"\"}\n", mas_api_asked());
}

TEST(an_older_version_would_ignore_the_profile_and_is_not_sent_it)
{
    static const struct recorded_reply replies[] = {OLD_SPEC, CREATED, {0}};

    begin(replies);
    want_profile("Al", "mxc://x/1");
    trial.state.created_displayname = trial.state.created_avatar_url = true; /* of another */
    create_well(CREATION_DONE);
    mas_api_assert_asked("GET " SPEC " -\n" ASKED);
    assert_false(trial.state.created_displayname);
    assert_false(trial.state.created_avatar_url);
}

TEST(who_is_there_already_has_taken_the_name)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 409, JSON, REFUSAL("User already exists")}, {0}};

    begin(replies);
    create_well(CREATION_NAME_TAKEN);
    mas_api_assert_asked(ASKED);
}

TEST(a_profile_that_went_along_with_a_lost_race_is_not_there)
{
    static const struct recorded_reply replies[] = {
        NEW_SPEC, {CREATE, 409, JSON, REFUSAL("User already exists")}, {0}};

    begin(replies);
    want_profile("Al", "mxc://x/1");
    create_well(CREATION_NAME_TAKEN);
    assert_false(trial.state.created_displayname);
    assert_false(trial.state.created_avatar_url);
}

/* The winner has told the homeserver already, and not yet saved it in MAS. */
TEST(a_name_that_was_just_reserved_by_the_winner_of_a_race_is_taken)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 409, JSON, RESERVED}, IS_NOT_THERE_ONCE, IS_NOT_THERE_ONCE, IS_THERE, {0}};

    begin(replies);
    create_well(CREATION_NAME_TAKEN);
    mas_api_assert_asked(ASKED LOOKED LOOKED LOOKED);
}

TEST(a_creation_that_broke_down_over_the_winner_of_a_race_is_taken)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 500, JSON, NO_ROWS}, IS_THERE, {0}};

    begin(replies);
    create_well(CREATION_NAME_TAKEN);
    mas_api_assert_asked(ASKED LOOKED);
}

TEST(a_name_that_the_homeserver_keeps_to_itself_is_a_conflict)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 409, JSON, RESERVED}, IS_NOT_THERE, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_int_equal(error.status, 409);
    assert_in("skip_homeserver_check", error.text);
    mas_api_assert_asked(ASKED LOOKED LOOKED LOOKED LOOKED);
}

TEST(a_breakdown_after_which_the_user_is_there_may_have_made_it)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 500, JSON, REFUSAL("pool timed out")}, IS_THERE, {0}};

    begin(replies);
    create_well(CREATION_PERHAPS);
    assert_string_equal(user.id, U);
}

TEST(a_breakdown_after_which_nobody_is_there_is_an_error)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 500, JSON, REFUSAL("pool timed out")}, IS_NOT_THERE, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("pool timed out", error.text);
    mas_api_assert_asked(ASKED LOOKED);
}

/* Whose look fails, too, is told the first of the two. */
TEST(a_breakdown_that_cannot_be_looked_into_is_told)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 500, JSON, REFUSAL("pool timed out")},
        {"GET " BY_ALICE, 403, JSON, REFUSAL("no")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("pool timed out", error.text);
}

TEST(a_homeserver_that_is_not_up_yet_is_waited_for)
{
    static const struct recorded_reply replies[] = {
        {CREATE, RECORDED_ONCE + 500, JSON, AWAY}, CREATED, {0}};

    begin(replies);
    retry_init(&trial.backend.retry, 1500, 0);
    create_well(CREATION_DONE);
    mas_api_assert_asked(ASKED ASKED);
}

TEST(a_homeserver_that_is_away_is_told_apart_from_mas)
{
    static const struct recorded_reply replies[] = {{CREATE, 500, JSON, AWAY}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_NOT_READY);
    assert_true(error_ends_list(&error));
    assert_in("MAS is up", error.text);
    assert_in("Connection refused", error.text);
    mas_api_assert_asked(ASKED);
}

TEST(a_name_that_is_none_is_refused)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 400, JSON, REFUSAL("Username is not valid")}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_INVALID);
    mas_api_assert_asked(ASKED);
}

TEST(a_creation_whose_reply_was_lost_is_not_sent_again)
{
    static const struct recorded_reply replies[] = {
        {CREATE, RECORDED_LOST, NULL, ""}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_UNREACHABLE);
    assert_true(error_hides_outcome(&error));
    mas_api_assert_asked(ASKED);
}

TEST(a_user_that_was_made_and_makes_no_sense_is_made)
{
    static const struct recorded_reply replies[] = {
        {CREATE, 201, JSON, "{\"data\":{\"id\":\"x\"}}"}, {0}};
    struct error error = {0};

    begin(replies);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_PROTOCOL);
    assert_int_equal(creation, CREATION_DONE);
}

static int
create_all(void *context, struct error *error)
{
    const struct recorded_reply *replies = context;
    int result;

    mas_api_say(replies);
    result = create(error);
    text_free(&trial.state.paths);
    trial.state.paths_asked = false;
    return mas_api_or_no_memory(result, error);
}

TEST(each_failed_allocation_is_an_error)
{
    static const struct recorded_reply well[] = {NEW_SPEC, CREATED, {0}};
    static const struct recorded_reply raced[] = {
        NEW_SPEC, {CREATE, 500, JSON, NO_ROWS}, IS_THERE, {0}};

    begin(well);
    want_profile("Al", "mxc://x/1");
    fail_each_allocation(create_all, (void *)well);
    fail_each_allocation(create_all, (void *)raced);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_user_is_made_with_one_request),
        TRIAL(the_homeserver_is_not_asked_where_that_is_wanted),
        TRIAL(the_profile_goes_along_where_this_version_takes_it),
        TRIAL(no_display_name_is_asked_for_as_an_empty_one),
        TRIAL(an_older_version_would_ignore_the_profile_and_is_not_sent_it),
        TRIAL(who_is_there_already_has_taken_the_name),
        TRIAL(a_profile_that_went_along_with_a_lost_race_is_not_there),
        TRIAL(a_name_that_was_just_reserved_by_the_winner_of_a_race_is_taken),
        TRIAL(a_creation_that_broke_down_over_the_winner_of_a_race_is_taken),
        TRIAL(a_name_that_the_homeserver_keeps_to_itself_is_a_conflict),
        TRIAL(a_breakdown_after_which_the_user_is_there_may_have_made_it),
        TRIAL(a_breakdown_after_which_nobody_is_there_is_an_error),
        TRIAL(a_breakdown_that_cannot_be_looked_into_is_told),
        TRIAL(a_homeserver_that_is_not_up_yet_is_waited_for),
        TRIAL(a_homeserver_that_is_away_is_told_apart_from_mas),
        TRIAL(a_name_that_is_none_is_refused),
        TRIAL(a_creation_whose_reply_was_lost_is_not_sent_again),
        TRIAL(a_user_that_was_made_and_makes_no_sense_is_made),
        TRIAL(each_failed_allocation_is_an_error),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
