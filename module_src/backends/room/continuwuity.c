/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/continuwuity.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/dialect.h"
#include "backends/homeserver/family_toml.h"
#include "backends/homeserver/joining.h"
#include "backends/homeserver/logins.h"
#include "backends/room/changing.h"
#include "backends/room/looking.h"
#include "backends/room/making.h"
#include "backends/room/seat.h"
#include "base/memory.h"
#include "matrix/user_id.h"

/*
 * What the client-server API tells its administrators, and what it is used for: to look.
 * 26.7.3 sets the suspension where it is told to set the lock, so that both are set in the
 * room (continuwuity: src/api/client/admin).
 */
static const struct {
    enum account_field field;
    const char *before; /* of the path */
    const char *key;
} restrictions[] = {
    {ACCOUNT_SUSPENDED, "/_matrix/client/v1/admin/suspend/", "suspended"},
    {ACCOUNT_LOCKED, "/_matrix/client/v1/admin/lock/", "locked"},
};

static int
ask(struct backend *backend, size_t which, const struct observation *observed,
    struct answer *answer, struct error *error)
{
    char *path = client_path(restrictions[which].before, observed->account.user_id, "");
    int result = call_get(&backend->matrix, path,
        &state_of(backend)->administrator.access_token, answer, error);

    memory_free(path);
    return result;
}

static int
refuse(const struct answer *answer, const struct observation *observed, struct error *error)
{
    char what[USER_ID_LONGEST + 60];

    snprintf(what, sizeof(what), "looking at %.255s as an administrator",
        observed->account.user_id);
    if (answer_is(answer, 404, "M_UNRECOGNIZED"))
        return answer_refused_as(answer, ERROR_UNSUPPORTED, what,
            "continuwuity 26.7 and newer have this", error);
    return answer_refused(answer, what, error);
}

static int
take_restriction(const struct answer *answer, size_t which, struct observation *observed,
    struct error *error)
{
    const json_t *value = json_object_get(answer->body, restrictions[which].key);

    if (!json_is_boolean(value))
        return error_set(error, ERROR_PROTOCOL,
            "looking at %.255s as an administrator: the server's answer has no usable \"%s\"",
            observed->account.user_id, restrictions[which].key);
    account_state_bool(&observed->account, restrictions[which].field, json_is_true(value));
    return 0;
}

/* A deactivated account has neither, as far as anybody can see. */
static void
observe_deactivated(unsigned mask, struct observation *observed)
{
    if (!account_is(&observed->account, ACCOUNT_DEACTIVATED))
        return;
    for (size_t i = 0; i < sizeof(restrictions) / sizeof(restrictions[0]); i++)
        if ((mask & ACCOUNT_BIT(restrictions[i].field)) != 0)
            account_state_bool(&observed->account, restrictions[i].field, false);
}

/* What the answer says; *hidden: nothing, as of an account that is not there. */
static int
read_suspension(const struct answer *answer, struct observation *observed, bool *hidden,
    struct error *error)
{
    bool deactivated = answer_is(answer, 403, "M_USER_DEACTIVATED");

    *hidden = answer_is(answer, 404, "M_NOT_FOUND");
    if (*hidden)
        return 0;
    if (!deactivated && !answer_ok(answer))
        return refuse(answer, observed, error);
    observed->presence = PRESENCE_PRESENT;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, deactivated);
    return deactivated ? 0 : take_restriction(answer, 0, observed, error);
}

static int
ask_suspension(struct backend *backend, struct observation *observed, bool *hidden,
    struct error *error)
{
    struct answer answer = {0};
    int result = ask(backend, 0, observed, &answer, error);

    if (result == 0)
        result = read_suspension(&answer, observed, hidden, error);
    answer_free(&answer);
    return result;
}

/* Versions after 26.7.3 say of a deactivated account, too, that it is not there. But its
 * name is taken, and not only since it was asked for first. */
static int
look_at_suspension(struct backend *backend, struct observation *observed,
    struct error *error)
{
    bool hidden;

    if (ask_suspension(backend, observed, &hidden, error) != 0)
        return -1;
    if (!hidden)
        return 0;
    if (states_ask_whether_taken(backend, observed, error) != 0)
        return -1;
    if (observed->presence != PRESENCE_PRESENT)
        return 0;
    if (ask_suspension(backend, observed, &hidden, error) != 0)
        return -1;
    if (hidden)
        account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, true);
    return 0;
}

static int
look_at_lock(struct backend *backend, struct observation *observed, struct error *error)
{
    struct answer answer = {0};
    int result = ask(backend, 1, observed, &answer, error);

    if (result == 0)
        result = answer_ok(&answer) ? take_restriction(&answer, 1, observed, error)
                                    : refuse(&answer, observed, error);
    answer_free(&answer);
    return result;
}

static int
look(struct backend *backend, unsigned mask, const struct secret *probe,
    struct observation *observed, struct error *error)
{
    enum states_login login;

    if (look_at_suspension(backend, observed, error) != 0)
        return -1;
    observe_deactivated(mask, observed);
    if (observed->presence != PRESENCE_PRESENT ||
        account_is(&observed->account, ACCOUNT_DEACTIVATED))
        return 0;
    if ((mask & ACCOUNT_BIT(ACCOUNT_LOCKED)) != 0 &&
        look_at_lock(backend, observed, error) != 0)
        return -1;
    return probe == NULL ? 0 : looking_probe(backend, probe, observed, &login, error);
}

static const struct room_server server = {
    .commands = &commands_continuwuity_table,
    .look = look,
    .carries_passwords = true,
    .may_refuse_logins = true,
};

static int
open_continuwuity(struct backend *backend, struct error *error)
{
    return seat_open(backend, &server, error);
}

static const struct homeserver_dialect dialect = {
    .first_account = FIRST_PROMOTED,
    .login_device = "registrar",
    .look_as_itself = looking_as_itself,
};

const struct backend_type continuwuity_backend = {
    .server = SERVER_CONTINUWUITY,
    .product = "continuwuity",
    .own_path = "/_continuwuity/server_version",
    .source = &family_toml_continuwuity,
    .administrator = "access_token, or admin_username and admin_password, or "
                     "emergency_password",
    .creator = "registration_token, or access_token, or admin_username and admin_password, or "
               "emergency_password",
    .dialect = &dialect,
    .open = open_continuwuity,
    .vet = making_vet,
    .check_credential = seat_check_credential,
    .list_administrators = seat_list_administrators,
    .become_administrator = administrator_become,
    .lookup = looking_lookup,
    .asks_by_login = looking_asks_by_login,
    .ask_password = looking_ask_password,
    .creates_openly = joining_is_possible,
    .creates = making_can,
    .may_create = making_may,
    .create = making_create,
    .updates = changing_can,
    .may_update = changing_may,
    .update = changing_make,
    .foresee = changing_foresee,
    .may_verify_login = logins_may_verify,
    .verify_login = logins_verify,
    .close = seat_close,
};
