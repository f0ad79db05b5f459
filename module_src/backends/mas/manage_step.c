/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/manage_step.h"

#include <stddef.h>
#include <string.h>

#include "backends/mas/mas_cli.h"
#include "backends/mas/rows.h"
#include "base/stop.h"

#define PAUSE_MS 100

#define FLAG(name) offsetof(struct mas_user, name)

int
manage_step_run(struct backend *backend, const char *command, const char *option,
    const char *localpart, const char *value, const struct secret *password,
    struct error *error)
{
    struct mas_cli cli = {0};

    mas_cli_add(&cli, command, NULL);
    if (option != NULL)
        mas_cli_add(&cli, option, NULL);
    mas_cli_add(&cli, "--", NULL);
    mas_cli_add(&cli, "", localpart);
    if (value != NULL)
        mas_cli_add(&cli, "", value);
    return mas_cli_run(backend, &cli, password, error);
}

void
manage_step_tell(struct backend *backend, const struct error *failure)
{
    list_add(backend->warnings, "MAS's database has what was asked for, although: %.900s",
        failure->text);
}

int
manage_step_not_there(const char *command, const char *what, const char *localpart,
    struct error *error)
{
    return error_set(error, ERROR_DATABASE,
        "mas-cli manage %s says that it is done, and the database has no %s of %s: is database "
        "the one that this MAS uses?",
        command, what, localpart);
}

static const struct step {
    const char *command;
    const char *option; /* or NULL */
    size_t flag;        /* of struct mas_user, that it changes */
    bool value;         /* to which */
    const char *what;
    bool by_worker;     /* that does it, after the command */
} steps[] = {
    [MANAGE_STEP_PROMOTE] = {"promote-admin", NULL, FLAG(admin), true, "admin flag", false},
    [MANAGE_STEP_DEMOTE] = {"demote-admin", NULL, FLAG(admin), false, "lost admin flag", false},
    [MANAGE_STEP_LOCK] = {"lock-user", NULL, FLAG(locked), true, "lock", false},
    /* Without its option it does not reactivate; with it, it does not unlock. */
    [MANAGE_STEP_UNLOCK] = {"unlock-user", NULL, FLAG(locked), false, "lost lock", false},
    [MANAGE_STEP_DEACTIVATE] = {"lock-user", "--deactivate", FLAG(deactivated), true,
        "deactivation", true},
    [MANAGE_STEP_REACTIVATE] = {"unlock-user", "--reactivate", FLAG(deactivated), false,
        "reactivation", true},
};

static bool *
flag_of(struct mas_user *user, const struct step *step)
{
    return (bool *)((char *)user + step->flag);
}

/* Looks until it is done, or its time is over. */
static int
look(struct backend *backend, const struct step *step, const char *localpart,
    struct mas_user *user, enum manage_sight *sight, struct error *error)
{
    long wait_ms = step->by_worker ? backend->connection->http.timeout_ms : 0;
    long long end_ms = stop_clock_ms() + wait_ms;
    struct error failure = {0};
    struct mas_user now;
    bool found = false;

    *sight = MANAGE_SIGHT_NOT_DONE;
    do {
        memset(&now, 0, sizeof(now));
        if (rows_find(backend, localpart, &now, &found, &failure) != 0)
            break;
        if (found && *flag_of(&now, step) == step->value) {
            *user = now;
            *sight = MANAGE_SIGHT_DONE;
            return 0;
        }
    } while (stop_clock_ms() < end_ms && stop_sleep_ms(PAUSE_MS) == 0);
    if (failure.kind == ERROR_INTERRUPTED || (step->by_worker && stop_signal() != 0))
        *sight = MANAGE_SIGHT_NONE;
    if (failure.kind == ERROR_NONE || failure.kind == ERROR_INTERRUPTED)
        return 0;
    *error = failure;
    return -1;
}

int
manage_step_begin(struct backend *backend, enum manage_step name, const char *localpart,
    struct mas_user *user, enum manage_sight *sight, struct error *error)
{
    const struct step *step = &steps[name];
    struct error failure = {0};
    int ran = manage_step_run(backend, step->command, step->option, localpart, NULL, NULL,
        &failure);

    if (ran != 0 && !failure.maybe_done) {
        *error = failure;
        return -1;
    }
    if (look(backend, step, localpart, user, sight, error) != 0)
        return -1;
    if (ran != 0 && *sight != MANAGE_SIGHT_DONE) {
        *error = failure;
        return -1;
    }
    if (ran != 0)
        manage_step_tell(backend, &failure);
    /* Its exit status is believed where nothing else can be had. */
    if (*sight == MANAGE_SIGHT_NONE)
        *flag_of(user, step) = step->value;
    return 0;
}

int
manage_step_do(struct backend *backend, enum manage_step name, const char *localpart,
    struct mas_user *user, struct error *error)
{
    enum manage_sight sight;

    if (manage_step_begin(backend, name, localpart, user, &sight, error) != 0)
        return -1;
    return sight == MANAGE_SIGHT_NOT_DONE
               ? manage_step_not_there(steps[name].command, steps[name].what, localpart, error)
               : 0;
}
