/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/conduit.h"

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/dialect.h"
#include "backends/homeserver/family_toml.h"
#include "backends/homeserver/joining.h"
#include "backends/homeserver/logins.h"
#include "backends/room/changing.h"
#include "backends/room/looking.h"
#include "backends/room/making.h"
#include "backends/room/seat.h"

/*
 * There is no API for administrators, and the room's only list of accounts kills its bot
 * where it is too long. So what anybody can see has to do: whether the name is taken, and
 * what a login says (Conduit 0.10.12, seen running).
 */
static int
look(struct backend *backend, unsigned mask, const struct secret *probe,
    struct observation *observed, struct error *error)
{
    enum states_login login;

    (void)mask; /* it has nothing of its own */
    if (states_ask_whether_taken(backend, observed, error) != 0)
        return -1;
    if (observed->presence != PRESENCE_PRESENT)
        return 0;
    if (looking_probe(backend, probe, observed, &login, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_DEACTIVATED, login == STATES_DEACTIVATED);
    return 0;
}

/* Only its first administrator has the power to redact what the bot has said. */
static const struct room_server server = {
    .commands = &commands_conduit,
    .look = look,
    .promotes_next = true,
    .hides_namespaces = true,
};

static int
open_conduit(struct backend *backend, struct error *error)
{
    return seat_open(backend, &server, error);
}

static const struct homeserver_dialect dialect = {
    .first_account = FIRST_WITH_SESSION,
    .login_device = "registrar",
    .look_as_itself = looking_as_itself,
};

const struct backend_type conduit_backend = {
    .server = SERVER_CONDUIT,
    .product = "Conduit",
    .source = &family_toml_conduit,
    .administrator = "access_token, or admin_username and admin_password, or "
                     "emergency_password",
    .creator = "registration_token, or access_token, or admin_username and admin_password, or "
               "emergency_password",
    .dialect = &dialect,
    .open = open_conduit,
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
