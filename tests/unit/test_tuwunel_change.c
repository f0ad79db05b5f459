/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/tuwunel/change.h: the order of a change, and what is refused of it. Statuses are
 * tuwunel 1.9.0's: src/api/client/admin/users/create_or_modify.rs, src/service/admin/grant.rs,
 * src/service/rooms/timeline/build.rs. */
#include <stdbool.h>
#include <string.h>

#include "tuwunel_trial.h"

#define PUT_ALICE "PUT " ALICE " syt_admin "
#define ERASE "/_synapse/admin/v1/deactivate/%40alice%3Ax"

static int
update(struct error *error)
{
    return tuwunel.backend->type->update(tuwunel.backend, &tuwunel_observed, &tuwunel_wanted,
        true, error);
}

static void
update_well(void)
{
    struct error error = {0};

    update(&error);
    assert_kind(&error, ERROR_NONE);
}

static void
begin(const struct recorded_reply *replies, const char *seen)
{
    tuwunel_start_with_token(replies);
    tuwunel_open();
    tuwunel_see(seen);
}

static void
want(enum account_field field, bool value)
{
    account_state_bool(&tuwunel_wanted, field, value);
}

/* What the server does last in a request may fail when the rest is done. */
TEST(a_demotion_goes_first_and_by_itself)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, RECORDED_ONCE + 200, NULL, tuwunel_user("")},
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": \"Al\"")}, {0}};

    begin(replies, "\"admin\": true");
    want(ACCOUNT_ADMIN, false);
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    tuwunel_want_password("x");
    update_well();
    synapse_assert_asked(PUT_ALICE "{\"admin\":false}\n" PUT_ALICE
                                   "{\"displayname\":\"Al\",\"password\":\"x\","
                                   "\"logout_devices\":true}\n");
    assert_false(tuwunel_observed.account.admin);
}

/* 500 "was never an admin.", when the rest is done. */
TEST(who_is_no_administrator_is_not_demoted)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": \"Al\"")}, {0}};

    begin(replies, "\"admin\": false");
    want(ACCOUNT_ADMIN, false);
    tuwunel_want_text(ACCOUNT_DISPLAYNAME, "Al");
    update_well();
    synapse_assert_asked(PUT_ALICE "{\"displayname\":\"Al\"}\n");
}

/* The admin API leaves who is deactivated in the room that makes administrators. */
TEST(who_is_deactivated_is_demoted_before)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, RECORDED_ONCE + 200, NULL, tuwunel_user("")},
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"deactivated\": true")}, {0}};

    begin(replies, "\"admin\": true");
    want(ACCOUNT_DEACTIVATED, true);
    update_well();
    synapse_assert_asked(PUT_ALICE "{\"admin\":false}\n" PUT_ALICE "{\"deactivated\":true}\n");
    assert_true(tuwunel_observed.account.deactivated);
    assert_false(tuwunel_observed.account.admin);
}

TEST(the_last_administrator_is_told_what_to_do_and_nothing_else_is_done)
{
    static const enum account_field ends[] = {ACCOUNT_DEACTIVATED, ACCOUNT_ERASED,
        ACCOUNT_ADMIN};

    for (size_t i = 0; i < COUNT(ends); i++) {
        static const struct recorded_reply replies[] = {TUWUNEL_OPENING,
            {"PUT " ALICE, 403, NULL,
                REFUSED("M_FORBIDDEN", "Last admin cannot leave the admins room.")},
            {0}};
        struct error error = {0};

        begin(replies, "\"admin\": true");
        want(ends[i], ends[i] != ACCOUNT_ADMIN);
        tuwunel_want_password("x");
        assert_int_equal(update(&error), -1);
        assert_kind(&error, ERROR_POLICY);
        assert_in("make another account one first", error.text);
        synapse_assert_asked(PUT_ALICE "{\"admin\":false}\n");
        assert_true(tuwunel_observed.account.admin);
        tuwunel_end(NULL);
    }
}

/* By another's doing, or a request of ours that went out twice: 500 'Cannot revoke ... in
 * membership state "leave".' */
TEST(a_demotion_that_fails_is_one_where_the_account_is_none_by_then)
{
    static const char *const seen[] = {"\"admin\": false", "\"admin\": true"};

    for (size_t i = 0; i < COUNT(seen); i++) {
        const struct recorded_reply replies[] = {TUWUNEL_OPENING,
            {"PUT " ALICE, 500, NULL,
                "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Cannot revoke @alice:x\"}"},
            {"GET " ALICE, 200, NULL, tuwunel_user(seen[i])}, {0}};
        struct error error = {0};

        begin(replies, "\"admin\": true");
        want(ACCOUNT_ADMIN, false);
        update(&error);
        assert_kind(&error, i == 0 ? ERROR_NONE : ERROR_SERVER);
        assert_true(tuwunel_observed.account.admin == (i == 1));
        tuwunel_end(NULL);
    }
}

/* "erase" erases neither the profile nor the addresses. */
TEST(who_is_erased_loses_its_profile_and_addresses_before)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": null")},
        {"POST " ERASE, 200, NULL, "{\"id_server_unbind_result\": \"success\"}"},
        {"GET " ALICE, 200, NULL,
            tuwunel_user("\"displayname\": null, \"deactivated\": true, \"erased\": true")},
        {0}};

    begin(replies, "\"avatar_url\": \"mxc://x/y\", \"threepids\": [{\"medium\": \"email\", "
                   "\"address\": \"a@b.example\"}]");
    want(ACCOUNT_DEACTIVATED, true);
    want(ACCOUNT_ERASED, true);
    update_well();
    synapse_assert_asked(PUT_ALICE
        "{\"displayname\":\"\",\"avatar_url\":\"\",\"threepids\":[]}\n"
        "POST " ERASE " syt_admin {\"erase\":true}\nGET " ALICE " syt_admin\n");
    assert_true(tuwunel_observed.account.erased);
}

TEST(who_has_no_profile_is_erased_at_once)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"POST " ERASE, 200, NULL, "{\"id_server_unbind_result\": \"success\"}"},
        {"GET " ALICE, 200, NULL, tuwunel_user("\"deactivated\": true, \"erased\": true")},
        {0}};

    begin(replies, "\"displayname\": null");
    want(ACCOUNT_ERASED, true);
    update_well();
    synapse_assert_asked("POST " ERASE " syt_admin {\"erase\":true}\nGET " ALICE
                         " syt_admin\n");
}

/* No threepids of other media can be. */
TEST(addresses_are_replaced_without_a_look_at_others)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL,
            tuwunel_user("\"threepids\": [{\"medium\": \"email\", \"address\": \"a@b.example\","
                         " \"validated_at\": 1, \"added_at\": 1}]")},
        {0}};
    struct pairs emails = {0};
    struct error error = {0};

    begin(replies, "");
    assert_int_equal(pairs_add(&emails, "email", "a@b.example", &error), 0);
    assert_int_equal(account_state_set(&tuwunel_wanted, ACCOUNT_EMAILS, &emails, &error), 0);
    update_well();
    synapse_assert_asked(PUT_ALICE
        "{\"threepids\":[{\"medium\":\"email\",\"address\":\"a@b.example\"}]}\n");
    pairs_free(&emails);
}

TEST(who_is_reactivated_gets_the_password_at_once)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL, tuwunel_user("")}, {0}};

    begin(replies, "\"deactivated\": true");
    want(ACCOUNT_DEACTIVATED, false);
    tuwunel_want_password("x");
    update_well();
    synapse_assert_asked(PUT_ALICE
        "{\"deactivated\":false,\"password\":\"x\",\"logout_devices\":false}\n");
}

/* src/api/client/admin/users/suspend.rs answers with one member that has the user id in
 * its name. */
TEST(a_lock_is_put_and_a_suspension_has_a_path_of_its_own)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"locked\": true")},
        {"PUT /_synapse/admin/v1/suspend/", 200, NULL, "{\"user_@alice:x_suspended\": true}"},
        {0}};

    begin(replies, "");
    want(ACCOUNT_LOCKED, true);
    want(ACCOUNT_SUSPENDED, true);
    update_well();
    synapse_assert_asked(PUT_ALICE "{\"locked\":true}\n"
                         "PUT /_synapse/admin/v1/suspend/%40alice%3Ax syt_admin "
                         "{\"suspend\":true}\n");
    assert_true(tuwunel_observed.account.suspended);
}

/* src/service/users/mod.rs, set_password. */
TEST(who_logs_in_by_other_means_takes_no_password)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 400, NULL,
            REFUSED("M_INVALID_PARAM", "Cannot change password of an \\\"ldap\\\" user.")},
        {0}};
    struct error error = {0};

    begin(replies, "");
    tuwunel_want_password("x");
    assert_int_equal(update(&error), -1);
    assert_kind(&error, ERROR_POLICY);
    assert_in("LDAP", error.text);
}

/* ---- Who it works as ---- */

/* A locked administrator is refused everywhere, and only another can undo it. */
TEST(the_administrator_does_not_end_itself)
{
    static const struct {
        enum account_field field;
        bool value;
        enum error_kind kind;
    } table[] = {
        {ACCOUNT_ADMIN, false, ERROR_POLICY},
        {ACCOUNT_DEACTIVATED, true, ERROR_POLICY},
        {ACCOUNT_LOCKED, true, ERROR_POLICY},
        {ACCOUNT_SUSPENDED, true, ERROR_POLICY},
        {ACCOUNT_SUSPENDED, false, ERROR_NONE},
    };
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, {0}};

    begin(replies, "");
    for (size_t i = 0; i < COUNT(table); i++) {
        struct error error = {0};

        tuwunel_wanted.stated = 0;
        assert_int_equal(account_name(&tuwunel_wanted, "@admin:x", "admin", &error), 0);
        want(table[i].field, table[i].value);
        tuwunel.backend->type->may_update(tuwunel.backend, &tuwunel_observed, &tuwunel_wanted,
            &error);
        assert_kind(&error, table[i].kind);
        if (table[i].kind != ERROR_NONE)
            assert_in("another administrator", error.text);
    }
    synapse_assert_asked("");
}

/* ---- What is foreseen ---- */

TEST(a_deactivation_is_foreseen_to_demote_and_an_erasure_to_clear)
{
    static const struct recorded_reply replies[] = {TUWUNEL_OPENING, {0}};
    struct account *after = &tuwunel_observed.account;
    struct error error = {0};

    begin(replies, "\"admin\": true, \"threepids\": [{\"medium\": \"email\", \"address\": "
                   "\"a@b.example\"}]");
    want(ACCOUNT_DEACTIVATED, true);
    assert_int_equal(tuwunel.backend->type->foresee(tuwunel.backend, after, &tuwunel_wanted,
                         &error),
        0);
    assert_false(after->admin);
    assert_string_equal(after->displayname, "Alice");
    assert_int_equal(after->emails.count, 1);
    want(ACCOUNT_ERASED, true);
    assert_int_equal(tuwunel.backend->type->foresee(tuwunel.backend, after, &tuwunel_wanted,
                         &error),
        0);
    assert_null(after->displayname);
    assert_int_equal(after->emails.count, 0);
}

/* ---- Memory ---- */

static int
update_once(void *context, struct error *error)
{
    (void)context;
    return synapse_or_no_memory(update(error), error);
}

TEST(an_account_is_erased_or_memory_was_short)
{
    const struct recorded_reply replies[] = {TUWUNEL_OPENING,
        {"PUT " ALICE, 200, NULL, tuwunel_user("\"displayname\": null, \"admin\": false")},
        {"POST " ERASE, 200, NULL, "{\"id_server_unbind_result\": \"success\"}"},
        {"GET " ALICE, 200, NULL,
            tuwunel_user("\"displayname\": null, \"deactivated\": true, \"erased\": true")},
        {0}};

    begin(replies, "\"admin\": true");
    want(ACCOUNT_DEACTIVATED, true);
    want(ACCOUNT_ERASED, true);
    fail_each_allocation(update_once, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TUWUNEL_TRIAL(a_demotion_goes_first_and_by_itself),
        TUWUNEL_TRIAL(who_is_no_administrator_is_not_demoted),
        TUWUNEL_TRIAL(who_is_deactivated_is_demoted_before),
        cmocka_unit_test(the_last_administrator_is_told_what_to_do_and_nothing_else_is_done),
        cmocka_unit_test(a_demotion_that_fails_is_one_where_the_account_is_none_by_then),
        TUWUNEL_TRIAL(who_is_erased_loses_its_profile_and_addresses_before),
        TUWUNEL_TRIAL(who_has_no_profile_is_erased_at_once),
        TUWUNEL_TRIAL(addresses_are_replaced_without_a_look_at_others),
        TUWUNEL_TRIAL(who_is_reactivated_gets_the_password_at_once),
        TUWUNEL_TRIAL(a_lock_is_put_and_a_suspension_has_a_path_of_its_own),
        TUWUNEL_TRIAL(who_logs_in_by_other_means_takes_no_password),
        TUWUNEL_TRIAL(the_administrator_does_not_end_itself),
        TUWUNEL_TRIAL(a_deactivation_is_foreseen_to_demote_and_an_erasure_to_clear),
        TUWUNEL_TRIAL(an_account_is_erased_or_memory_was_short),
    };

    return cmocka_run_group_tests_name("tuwunel, changes", tests, synapse_serve,
        synapse_serve_no_more);
}
