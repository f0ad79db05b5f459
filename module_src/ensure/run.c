/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ensure/run.h"

bool
run_has_administrator(const struct run *run)
{
    return connection_has_administrator(run->backend->connection);
}

const char *
run_name(const struct run *run)
{
    return run->wanted.user_id != NULL ? run->wanted.user_id : run->wanted.localpart;
}

int
run_needs_administrator(struct run *run, const char *what)
{
    return error_set(run->error, ERROR_UNAUTHORIZED, "%s of %s takes an administrator: give %s",
        what, run_name(run), run->type->administrator);
}

int
run_ask_password(struct run *run)
{
    if (run->password_asked)
        return 0;
    if (!run_has_administrator(run) && ++*run->logins > ENSURE_LOGINS_MOST)
        return error_set(run->error, ERROR_UNAUTHORIZED,
            "%s exists, and without an administrator it takes a login to see more of it; as "
            "servers limit logins, one task spends %d at most: give %s",
            run_name(run), ENSURE_LOGINS_MOST, run->type->administrator);
    if (run->type->ask_password(run->backend, &run->now, &run->wanted.password,
            &run->password_answer, run->why, run->error) != 0)
        return -1;
    run->password_asked = true;
    return 0;
}
