/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pending_trial.h"

#include "support.h"

time_t clock_s;

int
pending_trial_begin(void **state)
{
    if (place_make(state) != 0)
        return -1;
    mas_pair_open(state);
    pair.connection.session_file = place_path("file");
    pair.connection.http.timeout_ms = 50; /* a wait for the lock is four of them */
    clock_s = NOON;
    return 0;
}

void
next_run(void)
{
    pending_close(&pair.backend);
}

int
pending_trial_finish(void **state)
{
    next_run();
    mas_pair_close(state);
    return place_remove(state);
}

void
begin_creation(void)
{
    struct error error = {0};

    pair.state.admin.server_date = clock_s;
    pending_begin(&pair.backend, "alice", &error);
    assert_kind(&error, ERROR_NONE);
}

void
make_creation(void)
{
    struct error error = {0};

    pending_made(&pair.backend, "alice", &alice, &error);
    assert_kind(&error, ERROR_NONE);
}

void
end_creation(void)
{
    struct error error = {0};

    pending_end(&pair.backend, "alice", &error);
    assert_kind(&error, ERROR_NONE);
}

bool
has_creation(const char *localpart, const struct mas_user *user)
{
    struct error error = {0};
    bool unfinished = true;

    pair.state.admin.server_date = clock_s;
    pending_has(&pair.backend, localpart, user, &unfinished, &error);
    assert_kind(&error, ERROR_NONE);
    return unfinished;
}

void
assert_has_fails(enum error_kind kind, const char *part)
{
    struct error error = {0};
    bool unfinished;

    pair.state.admin.server_date = clock_s;
    assert_int_equal(
        pending_has(&pair.backend, "alice", &alice, &unfinished, &error), -1);
    assert_kind(&error, kind);
    assert_in(part, error.text);
    assert_not_in("mat_admin", error.text);
}
