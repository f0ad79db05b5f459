/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The service account on tuwunel (homeserver/service.h, tidy.h; tuwunel/change.h): an
 * administrator is who is joined to "#admins:x", which it must not leave but at its end. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "service_trial.h"
#include "tuwunel_trial.h"

#define SVC USERS "%40svc%3Ax"
#define ADMIN_ROOM                                                                         \
    {"GET /_matrix/client/v3/directory/room/%23admins%3Ax", 200, NULL,                     \
        "{\"room_id\": \"!admins:x\", \"servers\": [\"x\"]}"}
#define NO_ADMIN_ROOM                                                                      \
    {"GET /_matrix/client/v3/directory/room/", 404, NULL,                                  \
        REFUSED("M_NOT_FOUND", "Room with alias not found.")}
#define ROOMS                                                                              \
    {"GET /_matrix/client/v3/joined_rooms", 200, NULL,                                     \
        "{\"joined_rooms\": [\"!lobby:x\", \"!admins:x\", \"!news:x\"]}"}
#define LEFT {"POST /_matrix/client/v3/rooms/", 200, NULL, "{}"}
#define NAME_SET {"PUT " PROFILE, 200, NULL, "{}"}

static const char *
become_well(void)
{
    struct error error = {0};

    tuwunel_open();
    tuwunel.backend->type->become_administrator(tuwunel.backend, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(tuwunel.backend->authority, AUTHORITY_ADMINISTRATOR);
    return synapse_asked();
}

/* It has no types (user_type is not stored), and what is added to its name is taken off. */
TEST(it_is_made_an_administrator_with_its_own_name)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, NAME_SET, ADMIN_ROOM, ROOMS, LEFT, LOGGED_OUT, {0}};
    const char *asked;

    tuwunel_start_with_secret(replies);
    asked = become_well();
    assert_in("\"username\":\"svc\",\"password\":\"" SERVICE_PASSWORD "\",\"admin\":true,", asked);
    assert_not_in("user_type", asked);
    assert_in("PUT " PROFILE "%40svc%3Ax/displayname syt_svc "
              "{\"displayname\":\"Registrar service account\"}\n",
        asked);
    assert_string_equal(tuwunel.actions.items[0], "create service account");
}

TEST(that_its_name_cannot_be_set_costs_nothing_else)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, NO_PROFILE,
        REGISTERED, {"PUT " PROFILE, 500, NULL, "{\"errcode\": \"M_UNKNOWN\"}"}, ADMIN_ROOM,
        NO_ROOMS, LOGGED_OUT, {0}};

    tuwunel_start_with_secret(replies);
    become_well();
    assert_int_equal(tuwunel.warnings.count, 0);
}

TEST(it_leaves_all_rooms_but_the_one_of_the_administrators)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, ADMIN_ROOM, ROOMS, LEFT, LOGGED_OUT, {0}};
    const char *asked;

    tuwunel_start_with_secret(replies);
    asked = become_well();
    assert_in("/rooms/%21lobby%3Ax/leave", asked);
    assert_in("/rooms/%21news%3Ax/leave", asked);
    assert_not_in("/rooms/%21admins%3Ax/leave", asked);
    assert_int_equal(tuwunel.warnings.count, 0);
}

/* Which room it is nobody says, so that any of them may be. */
TEST(where_the_room_of_the_administrators_has_no_alias_it_leaves_none)
{
    static const struct recorded_reply without[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, NO_ADMIN_ROOM, ROOMS, LEFT, LOGGED_OUT, {0}};
    static const struct recorded_reply broken[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN,
        {"GET /_matrix/client/v3/directory/room/", 400, NULL, "{\"errcode\": \"M_UNKNOWN\"}"},
        ROOMS, LEFT, LOGGED_OUT, {0}};

    tuwunel_start_with_secret(without);
    assert_not_in("/leave", become_well());
    assert_int_equal(tuwunel.warnings.count, 0);
    tuwunel_end(NULL);
    tuwunel_start_with_secret(broken);
    assert_not_in("/leave", become_well());
    assert_int_equal(tuwunel.warnings.count, 1);
}

/* Whose name is taken for ever. */
TEST(one_that_was_forgotten_is_told_as_one_that_does_not_open)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, NO_PROFILE,
        {"POST " REGISTER, 400, NULL, REFUSED("M_USER_IN_USE", "User ID is not available")},
        {"POST " LOGIN, 403, NULL,
            REFUSED("M_USER_DEACTIVATED", "The user has been deactivated")},
        {0}};
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    tuwunel.backend->type->become_administrator(tuwunel.backend, &error);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("set service_account to another name", error.text);
}

TEST(one_that_the_server_made_no_administrator_is_told_as_that)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, NO_ADMIN_ROOM, LOGGED_OUT,
        {"GET " ALICE, 403, NULL, REFUSED("M_FORBIDDEN", "Only server administrators")}, {0}};
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    become_well();
    tuwunel.backend->type->lookup(tuwunel.backend, 0, &tuwunel_observed, &error);
    assert_kind(&error, ERROR_FORBIDDEN);
    assert_in("create_admin_room", error.text);
    assert_true(error_ends_list(&error));
}

/* Another run makes it just now: it is there before it is an administrator. */
TEST(one_that_is_made_an_administrator_a_moment_later_is_one)
{
    const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED, LOGGED_IN,
        NO_ADMIN_ROOM, LOGGED_OUT,
        {"GET " ALICE, RECORDED_ONCE + 403, NULL,
            REFUSED("M_FORBIDDEN", "Only server administrators")},
        {"GET " ALICE, 200, NULL, tuwunel_user("")}, {0}};
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    become_well();
    tuwunel.backend->type->lookup(tuwunel.backend, 0, &tuwunel_observed, &error);
    assert_kind(&error, ERROR_NONE);
    assert_int_equal(tuwunel_observed.presence, PRESENCE_PRESENT);
}

/* ---- Its end ---- */

#define SEEN                                                                               \
    {"GET " SVC, 200, NULL,                                                                \
        "{\"name\": \"@svc:x\", \"admin\": true, \"deactivated\": false, \"locked\": false,"   \
        " \"shadow_banned\": false, \"suspended\": false, \"erased\": false,"              \
        " \"displayname\": \"Registrar service account\"}"}

/* Tells it to be deactivated, and opens it for that. */
static void
open_to_end(const struct recorded_reply *replies)
{
    struct error error = {0};

    tuwunel_start_with_secret(replies);
    tuwunel_open();
    account_free(&tuwunel_observed.account);
    assert_int_equal(account_name(&tuwunel_observed.account, "@svc:x", "svc", &error), 0);
    assert_int_equal(account_name(&tuwunel_wanted, "@svc:x", "svc", &error), 0);
    account_state_bool(&tuwunel_wanted, ACCOUNT_DEACTIVATED, true);
    assert_int_equal(tuwunel.backend->type->vet(tuwunel.backend, &tuwunel_wanted, &error), 0);
    tuwunel.backend->type->become_administrator(tuwunel.backend, &error);
    tuwunel.backend->type->lookup(tuwunel.backend, 0, &tuwunel_observed, &error);
    tuwunel.backend->type->may_update(tuwunel.backend, &tuwunel_observed, &tuwunel_wanted,
        &error);
    assert_kind(&error, ERROR_NONE);
    synapse_asked();
}

static int
end_it(struct error *error)
{
    return tuwunel.backend->type->update(tuwunel.backend, &tuwunel_observed, &tuwunel_wanted,
        false, error);
}

#define AUTH(password)                                                                     \
    "POST " DEACTIVATE " syt_svc {\"auth\":{\"type\":\"m.login.password\",\"identifier\":{"    \
    "\"type\":\"m.id.user\",\"user\":\"@svc:x\"},\"password\":\"" password                 \
    "\"},\"erase\":true}\n"

/* The admin API leaves who is deactivated in its rooms (tuwunel 1.9.0: src/service/users,
 * deactivate_account; src/service/deactivate, full_deactivate). */
TEST(it_ends_itself_as_its_owner_would)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, SEEN,
        {"POST " DEACTIVATE, 200, NULL, "{\"id_server_unbind_result\": \"no-support\"}"},
        LOGGED_OUT, {0}};
    struct error error = {0};

    open_to_end(replies);
    end_it(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(AUTH(SERVICE_PASSWORD));
    assert_true(tuwunel_observed.account.deactivated);
    assert_false(tuwunel_observed.account.admin);
    assert_null(tuwunel_observed.account.displayname);
}

TEST(the_password_of_the_secret_before_ends_it_too)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, SEEN,
        {"POST " DEACTIVATE, RECORDED_ONCE + 401, NULL,
            "{\"flows\": [{\"stages\": [\"m.login.password\"]}], \"completed\": [], "
            "\"session\": \"s\", \"errcode\": \"M_FORBIDDEN\", \"error\": \"Invalid "
            "username or password.\"}"},
        {"POST " DEACTIVATE, 200, NULL, "{\"id_server_unbind_result\": \"no-support\"}"},
        LOGGED_OUT, {0}};
    const struct secret previous = secret_over("old");
    struct error error = {0};

    open_to_end(replies);
    tuwunel.connection.shared_secret_previous = &previous;
    end_it(&error);
    assert_kind(&error, ERROR_NONE);
    synapse_assert_asked(AUTH(SERVICE_PASSWORD) AUTH(PREVIOUS_PASSWORD));
}

TEST(that_no_password_ends_it_is_a_conflict_that_says_what_to_give)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, SEEN,
        {"POST " DEACTIVATE, 401, NULL,
            "{\"flows\": [], \"completed\": [], \"session\": \"s\", \"errcode\": "
            "\"M_FORBIDDEN\", \"error\": \"Invalid username or password.\"}"},
        LOGGED_OUT, {0}};
    struct error error = {0};

    open_to_end(replies);
    assert_int_equal(end_it(&error), -1);
    assert_kind(&error, ERROR_CONFLICT);
    assert_in("registration_shared_secret_previous", error.text);
    assert_not_in(SERVICE_PASSWORD, error.text);
    assert_false(tuwunel_observed.account.deactivated);
}

/* Its own token went with it, and the answer was lost. */
TEST(an_end_whose_answer_was_lost_is_one)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, SEEN,
        {"POST " DEACTIVATE, 401, NULL, REFUSED("M_UNKNOWN_TOKEN", "Unknown access token.")},
        LOGGED_OUT, {0}};
    struct error error = {0};

    open_to_end(replies);
    end_it(&error);
    assert_kind(&error, ERROR_NONE);
    assert_true(tuwunel_observed.account.deactivated);
}

static int
end_once(void *context, struct error *error)
{
    (void)context;
    return synapse_or_no_memory(end_it(error), error);
}

TEST(it_is_ended_or_memory_was_short)
{
    static const struct recorded_reply replies[] = {TUWUNEL_SERVED, NAMED, FLOWS, PROFILED,
        LOGGED_IN, SEEN,
        {"POST " DEACTIVATE, 200, NULL, "{\"id_server_unbind_result\": \"no-support\"}"},
        LOGGED_OUT, {0}};

    open_to_end(replies);
    fail_each_allocation(end_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TUWUNEL_TRIAL(it_is_made_an_administrator_with_its_own_name),
        TUWUNEL_TRIAL(that_its_name_cannot_be_set_costs_nothing_else),
        TUWUNEL_TRIAL(it_leaves_all_rooms_but_the_one_of_the_administrators),
        TUWUNEL_TRIAL(where_the_room_of_the_administrators_has_no_alias_it_leaves_none),
        TUWUNEL_TRIAL(one_that_was_forgotten_is_told_as_one_that_does_not_open),
        TUWUNEL_TRIAL(one_that_the_server_made_no_administrator_is_told_as_that),
        TUWUNEL_TRIAL(one_that_is_made_an_administrator_a_moment_later_is_one),
        TUWUNEL_TRIAL(it_ends_itself_as_its_owner_would),
        TUWUNEL_TRIAL(the_password_of_the_secret_before_ends_it_too),
        TUWUNEL_TRIAL(that_no_password_ends_it_is_a_conflict_that_says_what_to_give),
        TUWUNEL_TRIAL(an_end_whose_answer_was_lost_is_one),
        TUWUNEL_TRIAL(it_is_ended_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("tuwunel, the service account", tests, synapse_serve,
        synapse_serve_no_more);
}
