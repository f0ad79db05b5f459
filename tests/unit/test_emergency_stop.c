/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/homeserver/administrator.h after a signal to stop, which cannot be undone, so
 * that this is a program of its own. */
#include "family_trial.h"

#include "support.h"

#include <signal.h>

#include "backends/homeserver/administrator.h"
#include "base/stop.h"

TEST(the_servers_own_user_is_logged_out_also_after_a_signal)
{
    static const struct recorded_reply replies[] = {
        {"POST " FAMILY_LOGIN, 200, NULL,
            "{\"user_id\": \"@conduit:x\", \"access_token\": \"bot\"}"},
        {"POST " FAMILY_LOGOUT "/all", 200, NULL, "{}"}, {0}};
    const struct secret emergency = secret_over("break-glass");
    struct family_trial trial;
    struct error error = {0};

    family_start(&trial, replies);
    trial.connection.emergency_password = &emergency;
    family_connect_well(&trial);
    administrator_open(&trial.backend, &error);
    assert_kind(&error, ERROR_NONE);
    family_asked();

    assert_int_equal(stop_watch(), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(stop_signal(), SIGTERM);
    administrator_close(&trial.backend);
    family_assert_asked("POST " FAMILY_LOGOUT "/all bot\n");
    assert_int_equal(trial.warnings.count, 1);
    family_close(&trial);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_servers_own_user_is_logged_out_also_after_a_signal),
    };

    return cmocka_run_group_tests(tests, family_serve, family_serve_no_more);
}
