/* SPDX-License-Identifier: GPL-3.0-or-later */
/* backends/synapse: what is waited for, and what is said of a server that is not
 * ready, or not there for this. Answers are Synapse 1.163.2's:
 * synapse/rest/admin/users.py, synapse/http/server.py. */
#include "support.h"

#include <stdbool.h>
#include <string.h>

#include "base/stop.h"
#include "synapse_trial.h"

static struct synapse_trial trial;
static struct observation observed;
static struct account wanted;

#define SYNAPSE "Server: Synapse/1.163.2\r\n"
#define NONCE {"GET " REGISTER, 200, SYNAPSE, "{\"nonce\": \"abcd\"}"}
#define REGISTERED {"POST " REGISTER, 200, NULL, "{\"user_id\": \"@alice:x\"}"}
#define OTHER_SECRET                                                                       \
    403, NULL, "{\"errcode\": \"M_UNKNOWN\", \"error\": \"HMAC incorrect\"}"
#define UNRECOGNIZED                                                                       \
    "{\"errcode\": \"M_UNRECOGNIZED\", \"error\": \"Unrecognized request\"}"

static const struct recorded_reply for_good[] = {
    NONCE, {"POST " REGISTER, OTHER_SECRET}, {0}};

static void
begin(const struct recorded_reply *replies, long long wait_timeout_ms)
{
    const struct secret password = secret_over("x");
    struct error error = {0};

    synapse_start_with_secret(&trial, replies);
    trial.connection.wait_timeout_ms = wait_timeout_ms;
    synapse_open_well(&trial);
    synapse_observe_alice(&observed);
    memset(&wanted, 0, sizeof(wanted));
    assert_int_equal(account_name(&wanted, "@alice:x", "alice", &error), 0);
    assert_int_equal(account_state_password(&wanted, &password, &error), 0);
}

static int
clean_up(void **state)
{
    (void)state;
    synapse_close(&trial);
    account_free(&observed.account);
    account_free(&wanted);
    memset(&observed, 0, sizeof(observed));
    memset(&wanted, 0, sizeof(wanted));
    return 0;
}

#define TRIAL(name) cmocka_unit_test_teardown(name, clean_up)

static int
create(struct error *error)
{
    enum creation creation;

    return trial.backend->type->create(trial.backend, &wanted, &creation, &observed, error);
}

/* How often this stands in what was asked since the last time. */
static size_t
asked_for(const char *text)
{
    size_t count = 0;

    for (const char *at = synapse_asked(); (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

TEST(without_wait_timeout_another_secret_is_told_at_once)
{
    struct error error = {0};

    begin(for_good, 0);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_int_equal(error.status, 403);
    assert_in("another registration_shared_secret", error.text);
    assert_in("only when it starts", error.text);
    assert_in("systemctl restart matrix-synapse", error.text);
    assert_in("--tags=restart-all", error.text);
    assert_not_in("waited", error.text);
    assert_int_equal(asked_for("POST " REGISTER), 1);
}

TEST(a_secret_that_the_server_takes_meanwhile_is_waited_for_with_fresh_nonces)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, RECORDED_ONCE + OTHER_SECRET}, REGISTERED, {0}};
    struct error error = {0};
    const char *asked;

    begin(replies, 10000);
    assert_int_equal(create(&error), 0);
    assert_kind(&error, ERROR_NONE);
    /* The first nonce came with the opening. */
    asked = strstr(synapse_asked(), "POST " REGISTER);
    assert_non_null(asked);
    asked = strstr(asked, "GET " REGISTER);
    assert_non_null(asked);
    assert_non_null(strstr(asked, "POST " REGISTER));
}

/* Whoever has waited once knows: the next account is refused at once. */
TEST(another_secret_is_waited_for_once_a_task_and_within_its_time)
{
    struct error error = {0};
    long long start = stop_clock_ms();

    begin(for_good, 2500);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_UNAUTHORIZED);
    assert_in("has waited 3 s", error.text);
    assert_true(stop_clock_ms() - start >= 2500);
    assert_int_equal(asked_for("POST " REGISTER), 3); /* at once, after 2 s, at the end */
    error_clear(&error);
    assert_int_equal(create(&error), -1);
    assert_int_equal(asked_for("POST " REGISTER), 1);
    assert_true(stop_clock_ms() - start < 10000);
}

TEST(the_proof_of_the_secret_in_check_mode_waits_as_well)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, RECORDED_ONCE + OTHER_SECRET},
        {"POST " REGISTER, 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid refresh_token\"}"},
        {0}};
    struct error error = {0};

    begin(replies, 10000);
    assert_int_equal(trial.backend->type->may_create(trial.backend, &wanted, &error), 0);
    assert_int_equal(asked_for("POST " REGISTER), 2);
}

/* It makes nothing, so that it may arrive twice; a registration may not. */
TEST(the_proof_is_sent_again_where_a_proxy_answered_for_the_server)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, RECORDED_ONCE + 502, NULL, "<html>nginx</html>"},
        {"POST " REGISTER, 400, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Invalid refresh_token\"}"},
        {0}};
    struct error error = {0};

    begin(replies, 10000);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_NOT_READY);
    assert_true(error.maybe_done);
    assert_int_equal(asked_for("POST " REGISTER), 1);
    error_clear(&error);
    synapse_say(replies);
    assert_int_equal(trial.backend->type->may_create(trial.backend, &wanted, &error), 0);
    assert_int_equal(asked_for("POST " REGISTER), 2);
}

TEST(a_breakdown_says_where_to_look)
{
    static const struct recorded_reply replies[] = {NONCE,
        {"POST " REGISTER, 500, NULL,
            "{\"errcode\": \"M_UNKNOWN\", \"error\": \"Internal server error\"}"},
        {0}};
    struct error error = {0};

    begin(replies, 10000);
    assert_int_equal(create(&error), -1);
    assert_kind(&error, ERROR_SERVER);
    assert_in("broke down over this: its database may be away", error.text);
    assert_in("journalctl -u", error.text);
    assert_int_equal(asked_for("POST " REGISTER), 1);
}

TEST(who_has_no_admin_api_is_a_worker_or_a_proxy)
{
    static const struct {
        int status;
        const char *headers;
        const char *body;
        bool is_worker;
    } table[] = {
        {404, SYNAPSE, UNRECOGNIZED, true},
        {404, "Server: nginx\r\n", "<html>404</html>", false},
        {404, NULL, "404 page not found\n", false}, /* Traefik's */
        {404, "Server: nginx\r\n", UNRECOGNIZED, false},
        {404, SYNAPSE, "<html>No Such Resource</html>", true}, /* Twisted's, of any path */
        {405, NULL, "", false},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct recorded_reply replies[] = {
            {"GET " REGISTER, table[i].status, table[i].headers, table[i].body}, {0}};
        struct error error = {0};

        synapse_start_with_secret(&trial, replies);
        assert_int_equal(synapse_open(&trial, &error), -1);
        assert_kind(&error, ERROR_UNSUPPORTED);
        assert_in("/_synapse/admin", error.text);
        if (table[i].is_worker) {
            assert_in("worker", error.text);
            assert_not_in("proxy", error.text);
        } else {
            assert_in("reverse proxy", error.text);
            assert_in("option container", error.text);
            assert_in("matrix_synapse_container_labels_public_client_synapse_admin_api_enabled",
                error.text);
            assert_not_in("worker", error.text);
        }
        synapse_close(&trial);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TRIAL(without_wait_timeout_another_secret_is_told_at_once),
        TRIAL(a_secret_that_the_server_takes_meanwhile_is_waited_for_with_fresh_nonces),
        TRIAL(another_secret_is_waited_for_once_a_task_and_within_its_time),
        TRIAL(the_proof_of_the_secret_in_check_mode_waits_as_well),
        TRIAL(the_proof_is_sent_again_where_a_proxy_answered_for_the_server),
        TRIAL(a_breakdown_says_where_to_look),
        TRIAL(who_has_no_admin_api_is_a_worker_or_a_proxy),
    };

    return cmocka_run_group_tests_name("synapse, not ready", tests, synapse_serve,
        synapse_serve_no_more);
}
