/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/room/standin.h: the password that stands in for one that no command carries. */
#include "bot_trial.h"

#include "backends/room/standin.h"

static const char *const silence[] = {NULL};

/* PBKDF2-HMAC-SHA256 of the password with "registrar/v1 command\0@alice:x" as the salt and
 * 100,000 rounds, by Python's hashlib, in base64url. */
#define STANDIN "RObYVgzo95Wbd8MiA_Xa72KOBgwbbVzQ9VpJVIxpwis" /* of "two words" */

static int
stand_in(void *context, struct error *error)
{
    const struct secret wanted = secret_over("two words");
    struct secret password = {0};
    int result = standin_password(&password, &wanted, "@alice:x", error);

    (void)context;
    if (result == 0)
        assert_string_equal(password.bytes, STANDIN);
    secret_free(&password);
    return result;
}

TEST(what_stands_in_follows_from_the_password_and_the_account)
{
    fail_each_allocation(stand_in, NULL);
}

static int
keep(void *context, struct error *error)
{
    int result = bot.backend->type->vet(bot.backend, &bot_change, error);

    (void)context;
    standin_forget(bot.backend);
    return result;
}

TEST(each_failed_allocation_of_what_is_kept_is_told)
{
    static const struct recorded_reply rows[] = {{0}};

    bot_start("conduit", silence, rows);
    bot_want_password("Passw0rd");
    fail_each_allocation(keep, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_in_follows_from_the_password_and_the_account),
        BOT_TRIAL(each_failed_allocation_of_what_is_kept_is_told),
    };

    return cmocka_run_group_tests(tests, synapse_serve, synapse_serve_no_more);
}
