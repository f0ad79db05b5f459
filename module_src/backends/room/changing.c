/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/changing.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/itself.h"
#include "backends/homeserver/own.h"
#include "backends/room/looking.h"
#include "backends/room/passing.h"
#include "backends/room/roles.h"
#include "backends/room/seat.h"
#include "backends/room/standin.h"

/* ---- What can be changed ------------------------------------------------------------- */

#define BY_ADMINISTRATOR                                                                   \
    (ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_ADMIN) |                       \
        ACCOUNT_BIT(ACCOUNT_LOCKED) | ACCOUNT_BIT(ACCOUNT_SUSPENDED) |                     \
        ACCOUNT_BIT(ACCOUNT_PASSWORD))

/* What an account has to do by itself. */
static unsigned
takes_itself(const struct backend *backend, const struct account *change)
{
    return OWN_FIELDS | (roles_take_itself(backend) && account_is(change, ACCOUNT_ADMIN)
                                ? ACCOUNT_BIT(ACCOUNT_ADMIN)
                                : 0);
}

static unsigned
changeable(const struct backend *backend, const struct account *change)
{
    bool has_administrator = state_has_administrator(backend);
    bool opens = looking_may_open_own(backend) ||
                 (has_administrator && account_states(change, ACCOUNT_PASSWORD));
    unsigned mask = has_administrator ? BY_ADMINISTRATOR | OWN_FIELDS : OWN_FIELDS;

    return opens ? mask : mask & ~takes_itself(backend, change);
}

/* On Conduit an administrator may have too little power to take another one out, who can
 * still go by itself. */
static bool
may_take_itself(const struct backend *backend, const struct account *change)
{
    return roles_take_itself(backend) && account_states(change, ACCOUNT_ADMIN) &&
           !change->admin && !looking_may_open_own(backend);
}

bool
changing_can(const struct backend *backend, const struct account *change)
{
    return (change->stated & ~changeable(backend, change)) == 0 &&
           !may_take_itself(backend, change);
}

/* ---- What is refused ----------------------------------------------------------------- */

static int
refuse_beyond(const struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    const char *name = observed->account.user_id != NULL ? observed->account.user_id
                                                         : observed->account.localpart;
    unsigned beyond = change->stated & ~changeable(backend, change);

    for (int field = 0; field < ACCOUNT_FIELDS; field++) {
        const char *option = account_field_option((enum account_field)field);

        if ((beyond & (1u << field)) == 0)
            continue;
        if (!state_has_administrator(backend) && (OWN_FIELDS & (1u << field)) == 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "%s exists, and changing its %s takes an administrator: give %s", name, option,
                backend->type->administrator);
        return error_set(error, ERROR_UNAUTHORIZED,
            "%s exists, and on %s only the account itself can change its %s: give its own "
            "password",
            name, backend->type->product, option);
    }
    return 0;
}

/* What would end the administrator this task works as. */
#define ENDINGS                                                                            \
    (ACCOUNT_BIT(ACCOUNT_DEACTIVATED) | ACCOUNT_BIT(ACCOUNT_LOCKED) |                      \
        ACCOUNT_BIT(ACCOUNT_SUSPENDED))

/* What no administrator is. */
static const struct {
    enum account_field field;
    const char *word;
} restrictions[] = {
    {ACCOUNT_LOCKED, "locked"},
    {ACCOUNT_SUSPENDED, "suspended"},
};

/* Continuwuity refuses it, and would let a locked account be made one. */
static int
spare_administrators(const struct account *seen, const struct account *change,
    struct error *error)
{
    bool admin = account_states(change, ACCOUNT_ADMIN) ? change->admin
                                                       : account_is(seen, ACCOUNT_ADMIN);

    for (size_t i = 0; admin && i < sizeof(restrictions) / sizeof(restrictions[0]); i++) {
        enum account_field field = restrictions[i].field;
        const struct account *says = account_states(change, field) ? change : seen;

        if (account_is(says, field))
            return error_set(error, ERROR_POLICY,
                "%s cannot be an administrator and %s at once: the server refuses that; say "
                "admin: false or %s: false",
                seen->user_id, restrictions[i].word, restrictions[i].word);
    }
    return 0;
}

/* A lock is only looked at where it matters, and here it does. */
static int
look_before_promotion(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    const struct room_server *server = room_state_of(backend)->server;
    const struct account *known = &observed->account;
    struct observation seen = {0};
    int result;

    if (!account_is(change, ACCOUNT_ADMIN) || account_states(known, ACCOUNT_LOCKED) ||
        server->commands->forms[COMMAND_LOCK].words == NULL)
        return 0;
    result = account_name(&seen.account, known->user_id, known->localpart, error);
    if (result == 0)
        result = server->look(backend, ACCOUNT_BIT(ACCOUNT_LOCKED), NULL, &seen, error);
    if (result == 0)
        result = spare_administrators(&seen.account, change, error);
    account_free(&seen.account);
    return result;
}

int
changing_may_log_in(struct backend *backend, const struct account *change,
    struct error *error)
{
    bool takes_login = (change->stated & takes_itself(backend, change)) != 0 ||
                       (account_states(change, ACCOUNT_PASSWORD) &&
                           !standin_is_spared(backend, &change->password));
    struct room_state *state = room_state_of(backend);
    const char *user = change->user_id != NULL ? change->user_id : change->localpart;
    struct error failure = {0};
    enum states_login login;

    if (!takes_login || !state->server->may_refuse_logins || state->logins_work ||
        looking_may_open_own(backend))
        return 0;
    if (states_probe(backend, user, &login, &failure) == 0) {
        state->logins_work = true;
        return 0;
    }
    *error = failure;
    if (failure.kind != ERROR_UNSUPPORTED)
        return -1;
    error->kind = ERROR_NONE;
    return error_set(error, ERROR_UNSUPPORTED,
        "for what is wanted of %s it would have to log in as itself, and this server has "
        "password logins switched off in its configuration (oauth); leave out displayname, "
        "avatar_url, and a password with blanks or backticks",
        user);
}

static int
refuse_revival(const struct observation *observed, const struct account *change,
    struct error *error)
{
    if (!account_states(change, ACCOUNT_DEACTIVATED) || change->deactivated ||
        account_states(change, ACCOUNT_PASSWORD))
        return 0;
    return error_set(error, ERROR_INVALID,
        "to bring %s back, a password is needed: give password or generate_password",
        observed->account.user_id);
}

/* Whether it takes an administrator away, and the one who is left has to be another. */
static bool
takes_administrator(const struct account *change)
{
    return account_is(change, ACCOUNT_DEACTIVATED) ||
           (account_states(change, ACCOUNT_ADMIN) && !change->admin);
}

int
changing_may(struct backend *backend, const struct observation *observed,
    const struct account *change, struct error *error)
{
    if (refuse_beyond(backend, observed, change, error) != 0)
        return -1;
    if (!state_has_administrator(backend))
        return 0;
    if (itself_spare(backend, change, ENDINGS, error) != 0 ||
        spare_administrators(&observed->account, change, error) != 0 ||
        look_before_promotion(backend, observed, change, error) != 0 ||
        refuse_revival(observed, change, error) != 0 ||
        changing_may_log_in(backend, change, error) != 0)
        return -1;
    return takes_administrator(change) ? roles_spare_last(backend, observed, error) : 0;
}

/* ---- The steps ----------------------------------------------------------------------- */

struct job {
    struct backend *backend;
    struct observation *observed;
    const struct account *change;
    bool logout_devices;
};

/* A field that is a command each way. */
static int
turn(const struct job *job, enum account_field field, bool value, enum command command,
    struct error *error)
{
    if (!account_states(job->change, field) || account_is(job->change, field) != value)
        return 0;
    if (seat_command(job->backend, command, job->observed->account.user_id, error) != 0)
        return -1;
    account_state_bool(&job->observed->account, field, value);
    return 0;
}

static int
set_password(const struct job *job, struct error *error)
{
    const struct passing passing = {
        .password = &job->change->password,
        .revives = account_states(job->change, ACCOUNT_DEACTIVATED) &&
                   !job->change->deactivated,
        .logout_devices = job->logout_devices,
    };

    return account_states(job->change, ACCOUNT_PASSWORD)
               ? passing_set(job->backend, job->observed, &passing, error)
               : 0;
}

static int
ease(const struct job *job, struct error *error)
{
    return turn(job, ACCOUNT_LOCKED, false, COMMAND_UNLOCK, error) != 0
               ? -1
               : turn(job, ACCOUNT_SUSPENDED, false, COMMAND_UNSUSPEND, error);
}

static int
set_profile(const struct job *job, struct error *error)
{
    if ((job->change->stated & OWN_FIELDS) == 0)
        return 0;
    return looking_open_own(job->backend, job->observed, error) != 0
               ? -1
               : own_update(job->backend, job->observed, job->change, error);
}

static int
set_role(const struct job *job, struct error *error)
{
    if (!account_states(job->change, ACCOUNT_ADMIN))
        return 0;
    return job->change->admin ? roles_grant(job->backend, job->observed, error)
                              : roles_withdraw(job->backend, job->observed, error);
}

static int
restrict_it(const struct job *job, struct error *error)
{
    return turn(job, ACCOUNT_SUSPENDED, true, COMMAND_SUSPEND, error) != 0
               ? -1
               : turn(job, ACCOUNT_LOCKED, true, COMMAND_LOCK, error);
}

/* It leaves its rooms by that, the admin room with them. */
static int
end(const struct job *job, struct error *error)
{
    struct account *account = &job->observed->account;

    own_end(job->backend);
    if (turn(job, ACCOUNT_DEACTIVATED, true, COMMAND_DEACTIVATE, error) != 0)
        return -1;
    if (account_is(account, ACCOUNT_DEACTIVATED) && account_states(account, ACCOUNT_ADMIN))
        account->admin = false;
    return 0;
}

/*
 * A locked account cannot log in, and a login may be what a password takes, and what is
 * behind it; an account is no administrator any more before it is suspended or locked;
 * deactivation comes last.
 */
static int (*const steps[])(const struct job *job, struct error *error) = {
    ease, set_password, set_profile, set_role, restrict_it, end};

/* Whether the step can be made again: as an account that has lost its session. */
static bool
may_again(const struct job *job, const struct error *failure, int try)
{
    struct error ignored = {0};

    return secret_given(&state_of(job->backend)->own_password) &&
           looking_lost_session(failure, try) &&
           looking_open_again(job->backend, job->observed, &ignored) == 0;
}

static int
make_step(const struct job *job, int (*step)(const struct job *job, struct error *error),
    struct error *error)
{
    struct error failure = {0};

    for (int i = 0; i < LOOKING_TRIES; i++) {
        error_clear(&failure);
        if (step(job, &failure) == 0)
            return 0;
        if (!may_again(job, &failure, i))
            break;
    }
    *error = failure;
    return -1;
}

int
changing_make(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    const struct job job = {backend, observed, change, logout_devices};

    if (!state_has_administrator(backend))
        return own_update(backend, observed, change, error);
    if (logout_devices && account_states(change, ACCOUNT_PASSWORD) &&
        itself_is(backend, change))
        return error_set(error, ERROR_POLICY,
            "%s is the administrator this task works as, so its sessions are not ended; leave "
            "logout_devices out, or use another administrator's credential",
            change->user_id);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        if (make_step(&job, steps[i], error) != 0)
            return -1;
    return 0;
}

int
changing_foresee(const struct backend *backend, struct account *after,
    const struct account *change, struct error *error)
{
    (void)backend;
    (void)error;
    if (account_is(change, ACCOUNT_DEACTIVATED) && account_states(after, ACCOUNT_ADMIN))
        after->admin = false;
    return 0;
}
