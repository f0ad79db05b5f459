/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room: what becomes of its operations when memory is short. The room is open,
 * and each command has the same event id, so that each can be done again. */
#include "bot_trial.h"
#include "quick_fingerprint.h"
#include "quick_pause.h"

#include <string.h>

#include "backends/room/seat.h"
#include "backends/room/standin.h"

#define SAME_EVENT {"PUT " AT_ROOM SENDING, 200, NULL, "{\"event_id\": \"$E0\"}"}
#define PROFILE_SET {"PUT " PROFILE, 200, NULL, "{}"}
#define IS_ALICE {"GET " PROFILE, 200, NULL, "{\"displayname\": \"Al\"}"}

/* libcurl leaves out a query that it has no memory for. */
#define NO_QUERY {"GET /_matrix/client/v3/register/available", 400, NULL,                  \
    "{\"errcode\": \"M_USER_IN_USE\"}"}

static const char *const silence[] = {NULL};

static void
take_seat(void)
{
    struct admin_room *room;
    struct error error = {0};

    assert_int_equal(seat_take(bot.backend, &room, &error), 0);
}

/* A fresh observation for each time. */
static int
begin(struct observation *observed, struct error *error)
{
    memset(observed, 0, sizeof(*observed));
    return account_name(&observed->account, "@alice:x", "alice", error);
}

static int
lookup(void *context, struct error *error)
{
    struct observation observed;
    int result = begin(&observed, error);

    (void)context;
    if (result == 0)
        result = bot.backend->type->lookup(bot.backend, ~0u, &observed, error);
    account_free(&observed.account);
    return synapse_or_no_memory(result, error);
}

TEST(each_failed_allocation_of_a_lookup_is_told)
{
    static const struct {
        const char *backend;
        struct recorded_reply rows[7];
    } table[] = {
        {"continuwuity",
            {IS_ACTIVE, {"GET " LOCK, 200, NULL, "{\"locked\": false}"}, LOGGED_IN, LOGGED_OUT,
                IS_ALICE, {0}}},
        {"conduit", {NO_QUERY, LOGGED_IN, LOGGED_OUT, IS_ALICE, {0}}},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        bot_start(table[i].backend, silence, table[i].rows);
        bot_want_password("two words");
        assert_int_equal(bot.backend->type->vet(bot.backend, &bot_change, &error), 0);
        take_seat();
        fail_each_allocation(lookup, NULL);
        bot_clean_up(NULL);
    }
}

static int
create(void *context, struct error *error)
{
    struct observation observed;
    enum creation creation;
    int result = begin(&observed, error);

    (void)context;
    if (result == 0)
        result = bot.backend->type->create(bot.backend, &bot_change, &creation, &observed, error);
    account_free(&observed.account);
    return synapse_or_no_memory(result, error);
}

TEST(each_failed_allocation_of_a_creation_is_told)
{
    static const struct recorded_reply rows[] = {SAME_EVENT, IS_ACTIVE, {0}};
    static const char *const answers[] = {"Created user @alice:x with password `Passw0rd`", NULL};

    bot_start("continuwuity", answers, rows);
    bot_want_password("Passw0rd");
    account_state_bool(&bot_change, ACCOUNT_SUSPENDED, false);
    take_seat();
    fail_each_allocation(create, NULL);
}

static int
update(void *context, struct error *error)
{
    struct observation observed;
    int result = begin(&observed, error);

    (void)context;
    if (result == 0)
        result = bot.backend->type->may_update(bot.backend, &observed, &bot_change, error);
    if (result == 0)
        result = bot.backend->type->update(bot.backend, &observed, &bot_change, false, error);
    account_free(&observed.account);
    return synapse_or_no_memory(result, error);
}

/* A password in two steps, a name as itself, and into the room as itself. */
TEST(each_failed_allocation_of_a_change_is_told)
{
    static const struct recorded_reply rows[] = {SAME_EVENT, LOGGED_IN, LOGGED_OUT,
        {"POST " PASSWORD, 200, NULL, "{}"}, IS_ALICE, PROFILE_SET,
        {"POST " AT_ROOM "/invite", 200, NULL, "{}"}, {"POST " AT_ROOM "/join", 200, NULL, "{}"},
        {0}};
    static const char *const answers[] = {
        "Successfully reset the password for user @alice:x: Gen3rated", NULL};
    struct error error = {0};

    bot_start("conduit", answers, rows);
    bot_want_password("two words");
    account_state_bool(&bot_change, ACCOUNT_ADMIN, true);
    assert_int_equal(account_state_text(&bot_change, ACCOUNT_DISPLAYNAME, "Al", &error), 0);
    take_seat();
    fail_each_allocation(update, NULL);
}

TEST(each_failed_allocation_of_a_promotion_is_told)
{
    static const struct recorded_reply rows[] = {SAME_EVENT, NO_QUERY, IS_ACTIVE, {0}};
    static const char *const answers[] = {"@alice:x has been granted admin privileges.", NULL};

    bot_start("continuwuity", answers, rows);
    account_state_bool(&bot_change, ACCOUNT_ADMIN, true);
    take_seat();
    fail_each_allocation(update, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BOT_TRIAL(each_failed_allocation_of_a_lookup_is_told),
        BOT_TRIAL(each_failed_allocation_of_a_creation_is_told),
        BOT_TRIAL(each_failed_allocation_of_a_change_is_told),
        BOT_TRIAL(each_failed_allocation_of_a_promotion_is_told),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
