/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/mas/api.h and token.h after a signal to stop, which cannot be undone: the
 * first test raises it. */
#include "mas_api_trial.h"

#include <signal.h>

#include "backends/mas/api.h"
#include "backends/mas/token.h"
#include "base/stop.h"

#define X API "/x"
#define ASKED "POST " TOKEN " - grant_type=client_credentials&scope=urn%3Amas%3Aadmin\n"
#define GIVES                                                                              \
    {"POST " TOKEN, 200, JSON, "{\"access_token\":\"mat_1\",\"token_type\":\"Bearer\"}"}
#define REVOKED {"POST " REVOKE, 200, NULL, ""}

static const struct recorded_reply replies[] = {
    GIVES, REVOKED, {"GET " X, 200, JSON, "{}"}, {0}};

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
ask(bool cleaning_up, struct error *error)
{
    struct call call = {
        .method = "GET", .path = "/x", .retry = RETRY_SAFE, .cleaning_up = cleaning_up};
    struct answer answer = {0};
    int result = api_call(&trial.backend, &call, &answer, error);

    answer_free(&answer);
    return result;
}

TEST(a_token_is_revoked)
{
    struct error error = {0};

    mas_api_start_with_client(&trial, "s3cret", replies);
    assert_int_equal(token_need(&trial.backend, &error), 0);
    assert_int_equal(stop_watch(), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(stop_signal(), SIGTERM);
    token_close(&trial.backend);
    mas_api_assert_asked(ASKED "POST " REVOKE " - token=mat_1\n");
    assert_int_equal(trial.warnings.count, 0);
}

TEST(nothing_new_is_begun)
{
    struct error error = {0};

    mas_api_start_with_client(&trial, "s3cret", replies);
    assert_int_equal(ask(false, &error), -1);
    assert_kind(&error, ERROR_INTERRUPTED);
    mas_api_assert_asked("");
}

TEST(a_user_under_way_is_finished)
{
    struct error error = {0};

    mas_api_start_with_client(&trial, "s3cret", replies);
    trial.state.finishing = true;
    assert_int_equal(ask(false, &error), 0);
    mas_api_assert_asked(ASKED "GET " X " mat_1\n");
}

TEST(what_cleans_up_is_sent)
{
    struct error error = {0};

    mas_api_start_with_client(&trial, "s3cret", replies);
    assert_int_equal(ask(true, &error), 0);
    mas_api_assert_asked(ASKED "GET " X " mat_1\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(a_token_is_revoked),
        TRIAL(nothing_new_is_begun),
        TRIAL(a_user_under_way_is_finished),
        TRIAL(what_cleans_up_is_sent),
    };

    return cmocka_run_group_tests(tests, mas_api_serve, mas_api_serve_no_more);
}
