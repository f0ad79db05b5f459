/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/joining.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/administrator.h"
#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
#include "backends/homeserver/states.h"
#include "matrix/admin_room.h"
#include "matrix/profile.h"
#include "matrix/registration.h"
#include "matrix/user_id.h"

/* One account in the making. */
struct joining_run {
    struct backend *backend;
    const struct account *wanted;
    struct observation *observed;
    enum creation *creation;
    struct session session;
    bool is_silent; /* it was asked to make no session */
    struct error *error;
};

/* ---- Whether anybody may ------------------------------------------------------------------ */

static const enum joining by_gate[] = {
    [REGISTRATION_CLOSED] = JOINING_CLOSED,
    [REGISTRATION_OPEN] = JOINING_OPENLY,
    [REGISTRATION_TOKEN] = JOINING_BY_TOKEN,
};

static int
ask_once(struct backend *backend, struct error *error)
{
    struct state *state = state_of(backend);
    enum registration_gate gate;

    if (state->joining != JOINING_NOT_ASKED)
        return 0;
    if (registration_ask(&backend->matrix, &gate, state->joining_why, error) != 0)
        return -1;
    state->joining = by_gate[gate];
    return 0;
}

int
joining_is_possible(struct backend *backend, bool *possible, char why[JOINING_WHY_SIZE],
    struct error *error)
{
    const struct state *state = state_of(backend);
    bool has_token = backend->connection->registration_token != NULL;

    if (ask_once(backend, error) != 0)
        return -1;
    *possible = state->joining == JOINING_OPENLY ||
                (state->joining == JOINING_BY_TOKEN && has_token);
    snprintf(why, JOINING_WHY_SIZE, "%s",
        state->joining == JOINING_BY_TOKEN && !has_token ? "registration takes a token"
                                                         : state->joining_why);
    return 0;
}

/* Whether the server makes an administrator of an account by itself, at times. */
static bool
promotes(const struct backend *backend)
{
    return backend->type->dialect->first_account != FIRST_IS_NOBODY;
}

/* What no registration makes, of what is wanted. */
static unsigned
beyond(const struct backend *backend, const struct account *wanted)
{
    unsigned fields = wanted->stated & ~JOINING_FIELDS;

    if (account_is(wanted, ACCOUNT_ADMIN) && !promotes(backend))
        fields |= ACCOUNT_BIT(ACCOUNT_ADMIN);
    return fields;
}

static int
refuse_closed(struct backend *backend, const struct account *wanted, const char *why,
    struct error *error)
{
    return error_set(error, ERROR_UNAUTHORIZED,
        "to create %s on %s, Registrar needs %s (registering as anybody may does not do: "
        "%s)",
        wanted->localpart, backend->type->product, backend->type->creator, why);
}

int
joining_may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    char why[JOINING_WHY_SIZE];
    unsigned fields = beyond(backend, wanted);
    bool possible;

    if (!account_states(wanted, ACCOUNT_PASSWORD))
        return error_set(error, ERROR_INVALID,
            "to create %s, a password is needed: %s makes no account without one that could "
            "be used",
            wanted->localpart, backend->type->product);
    for (int field = 0; field < ACCOUNT_FIELDS; field++)
        if ((fields & (1u << field)) != 0)
            return error_set(error, ERROR_UNAUTHORIZED,
                "to create %s with %s takes an administrator: give %s", wanted->localpart,
                account_field_option((enum account_field)field),
                backend->type->administrator);
    if (joining_is_possible(backend, &possible, why, error) != 0)
        return -1;
    if (possible && backend->predict && account_is(wanted, ACCOUNT_ADMIN))
        list_add(backend->warnings,
            "that %s becomes an administrator is a guess: %s makes one only of the first that "
            "registers, as long as it has none",
            wanted->localpart, backend->type->product);
    return possible ? 0 : refuse_closed(backend, wanted, why, error);
}

/* ---- The registration ---------------------------------------------------------------------- */

/* A login as the account, with what it was to be made with, shows that it is ours. The
 * device is that of the registration, whose session it takes the place of. */
static int
log_in(struct joining_run *run, enum states_login *login, struct error *error)
{
    return states_log_in(run->backend, run->wanted->localpart, &run->wanted->password,
        &run->session, login, error);
}

/* The reply was lost: whether the account was made all the same. Where that is not
 * certain, the caller looks. */
static bool
is_made(struct joining_run *run)
{
    struct error ignored = {0};
    enum states_login login;

    if (log_in(run, &login, &ignored) != 0 || login != STATES_OPENED)
        return false;
    *run->creation = CREATION_PERHAPS;
    return true;
}

/* Registration ended between the question and the request: by whoever came first, where
 * it was open for the first account alone (continuwuity). */
static int
refuse_registration(struct joining_run *run)
{
    char why[JOINING_WHY_SIZE];
    struct error ignored = {0};
    bool possible = true;

    state_of(run->backend)->joining = JOINING_NOT_ASKED;
    if (joining_is_possible(run->backend, &possible, why, &ignored) != 0 || possible)
        snprintf(why, sizeof(why), "the server has refused it");
    return refuse_closed(run->backend, run->wanted, why, run->error);
}

static int
refuse_token(struct joining_run *run)
{
    const struct backend_type *type = run->backend->type;

    run->error->status = 401;
    return error_set(run->error, ERROR_UNAUTHORIZED,
        "registering %s: %s does not take this registration_token; it is wrong, used up or "
        "over%s",
        run->wanted->localpart, type->product,
        type->server == SERVER_CONTINUWUITY
            ? ", or this is a server without accounts, which takes the one alone that it "
              "printed into its log when it was last started"
            : "");
}

/* Refused, though an earlier request of ours may have made it. 1: somebody else has the
 * name. */
static int
settle_resent(struct joining_run *run)
{
    struct observation observed = {0};
    int result;

    if (is_made(run))
        return 0;
    result = account_name(&observed.account, NULL, run->wanted->localpart, run->error);
    if (result == 0)
        result = states_ask_whether_taken(run->backend, &observed, run->error);
    account_free(&observed.account);
    if (result != 0)
        return -1;
    return observed.presence == PRESENCE_PRESENT ? 1 : refuse_registration(run);
}

/* The account is there then, and ours, with a session unless it is silent. 1: somebody
 * else has the name. */
static int
send_registration(struct joining_run *run)
{
    const struct backend *backend = run->backend;
    const struct registration registration = {
        .localpart = run->wanted->localpart,
        .password = &run->wanted->password,
        .token = state_of(backend)->joining == JOINING_BY_TOKEN
                     ? backend->connection->registration_token
                     : NULL,
        .without_session = run->is_silent,
        .device_id = backend->type->dialect->login_device,
    };
    enum registration_result result;
    struct error failure = {0};

    if (registration_make(&run->backend->matrix, &registration, &run->session, &result,
            &failure) != 0) {
        if (result == REGISTRATION_DONE)
            *run->creation = CREATION_DONE;
        else if (error_hides_outcome(&failure) && is_made(run))
            return 0;
        *run->error = failure;
        return -1;
    }
    switch (result) {
    case REGISTRATION_DONE:
        *run->creation = CREATION_DONE;
        return 0;
    case REGISTRATION_NAME_TAKEN:
        return 1;
    case REGISTRATION_PERHAPS:
        return settle_resent(run);
    case REGISTRATION_WRONG_TOKEN:
        return refuse_token(run);
    default:
        return refuse_registration(run);
    }
}

/* ---- What it became ------------------------------------------------------------------------ */

static int
observe_new(struct joining_run *run)
{
    struct account *account = &run->observed->account;

    run->observed->presence = PRESENCE_PRESENT;
    run->observed->password_is_set = true;
    if (account_name(account, run->session.user_id, run->wanted->localpart, run->error) != 0)
        return -1;
    if (run->wanted->user_id != NULL && strcmp(run->wanted->user_id, account->user_id) != 0)
        list_add(run->backend->warnings,
            "the server calls the new account %s, not %s: server_name is not its name",
            account->user_id, run->wanted->user_id);
    account_state_bool(account, ACCOUNT_DEACTIVATED, false);
    return 0;
}

/* A profile takes a session. */
static int
have_session(struct joining_run *run)
{
    enum states_login login;

    if (secret_given(&run->session.access_token))
        return 0;
    client_logout(&run->backend->matrix, &run->session, NULL);
    if (log_in(run, &login, run->error) != 0)
        return -1;
    if (login == STATES_OPENED)
        return 0;
    return error_set(run->error, ERROR_PROTOCOL,
        "the server has made %s, and does not let it in with the password that it was made "
        "with",
        run->wanted->localpart);
}

static int
set_text(struct joining_run *run, enum account_field field, const char *value)
{
    if (!account_states(run->wanted, field))
        return 0;
    if (have_session(run) != 0 ||
        profile_set(&run->backend->matrix, &run->session, account_field_name(field),
            value == NULL ? "" : value, run->error) != 0)
        return -1;
    return account_state_text(&run->observed->account, field, value, run->error);
}

/* Also where none is wanted, so that nobody is one unknown; the server has done it by the
 * time of its answer. */
static int
look_whether_administrator(struct joining_run *run)
{
    const char *user_id = run->observed->account.user_id;
    bool is_administrator = false;
    struct error failure = {0};

    /* Without a session nobody is promoted (Conduit 0.10.12, seen running). */
    if (promotes(run->backend) && !run->is_silent &&
        admin_room_has_me(&run->backend->matrix, &run->session, user_id_server_name(user_id),
            &is_administrator, &failure) != 0) {
        if (account_is(run->wanted, ACCOUNT_ADMIN) || error_ends_list(&failure)) {
            *run->error = failure;
            return -1;
        }
        list_add(run->backend->warnings,
            "whether the server has made %s an administrator cannot be told: %.900s", user_id,
            failure.text);
        return 0;
    }
    account_state_bool(&run->observed->account, ACCOUNT_ADMIN, is_administrator);
    return 0;
}

static int
judge_administrator(struct joining_run *run)
{
    const struct backend_type *type = run->backend->type;
    const struct account *account = &run->observed->account;

    if (account_is(account, ACCOUNT_ADMIN) && !account_is(run->wanted, ACCOUNT_ADMIN))
        list_add(run->backend->warnings,
            "%s is an administrator now, which nobody asked for: %s makes one of the first that "
            "registers, as long as it has none",
            account->user_id, type->product);
    if (!account_is(run->wanted, ACCOUNT_ADMIN) || account_is(account, ACCOUNT_ADMIN))
        return 0;
    return error_set(run->error, ERROR_POLICY,
        "%s was created, and is no administrator: %s makes one only of the first that registers, "
        "as long as it has none; whoever is one can promote it: give %s",
        account->user_id, type->product, type->administrator);
}

static int
finish(struct joining_run *run)
{
    if (observe_new(run) != 0 || look_whether_administrator(run) != 0 ||
        set_text(run, ACCOUNT_DISPLAYNAME, run->wanted->displayname) != 0 ||
        set_text(run, ACCOUNT_AVATAR_URL, run->wanted->avatar_url) != 0)
        return -1;
    return judge_administrator(run);
}

/* Registration may have ended with the first account, which can make the others. Where it
 * was perhaps made before, its password is asked about next, on the same device. */
static int
become_administrator(struct joining_run *run)
{
    if (run->backend->authority != AUTHORITY_NONE || *run->creation != CREATION_DONE ||
        !account_is(run->wanted, ACCOUNT_ADMIN))
        return 0;
    return administrator_take_over(run->backend, &run->session, run->error);
}

int
joining_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    struct joining_run run = {
        .backend = backend,
        .wanted = wanted,
        .observed = observed,
        .creation = creation,
        .is_silent = backend->type->dialect->first_account == FIRST_WITH_SESSION &&
                     !account_is(wanted, ACCOUNT_ADMIN),
        .error = error,
    };
    bool failed;
    int result;

    *creation = CREATION_NAME_TAKEN; /* until it is known better */
    if (joining_may_create(backend, wanted, error) != 0)
        return -1;
    result = send_registration(&run);
    if (result == 0)
        result = finish(&run) == 0 ? become_administrator(&run) : -1;
    else if (result > 0)
        result = 0;
    client_logout(&backend->matrix, &run.session, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out; a device called \"Registrar\" may be left",
            wanted->localpart);
    return result;
}
