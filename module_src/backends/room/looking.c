/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/room/looking.h"

#include <string.h>

#include "backends/homeserver/logins.h"
#include "backends/homeserver/own.h"
#include "backends/room/seat.h"
#include "backends/room/standin.h"
#include "base/stop.h"
#include "matrix/profile.h"
#include "matrix/user_id.h"

/* Before the second of LOOKING_TRIES; twice as long before each one that follows. */
#define LOOKING_PAUSE_MS 50

static bool
has_capitals(const char *localpart)
{
    return strpbrk(localpart, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

/* As whom the token is of, or as anybody with NULL. */
static int
look_at_profile(struct backend *backend, const struct secret *token,
    struct observation *observed, struct error *error)
{
    struct account *account = &observed->account;
    struct profile profile = {0};
    bool is_anybody = token == NULL;
    int result;

    if (account->user_id == NULL)
        return 0;
    result = profile_get(&backend->matrix, account->user_id, token, &profile, error);
    if (result == 0 && (profile.result == PROFILE_FOUND ||
                           (profile.result == PROFILE_NONE && !is_anybody)))
        result = account_state_profile(account, profile.displayname, profile.avatar_url, error);
    profile_free(&profile);
    return result;
}

int
looking_at_room(struct backend *backend, struct observation *observed, struct error *error)
{
    struct admin_room *room;
    bool joined;

    if (seat_take(backend, &room, error) != 0 ||
        admin_room_has(room, observed->account.user_id, &joined, error) != 0)
        return -1;
    account_state_bool(&observed->account, ACCOUNT_ADMIN, joined);
    return 0;
}

int
looking_probe(struct backend *backend, const struct secret *probe,
    struct observation *observed, enum states_login *login, struct error *error)
{
    struct session session = {0};
    struct error failure = {0};
    bool failed;

    if (probe == NULL)
        return states_probe(backend, observed->account.user_id, login, error);
    *login = STATES_WRONG;
    if (states_log_in(backend, observed->account.user_id, probe, &session, login, &failure) !=
        0) {
        if (failure.kind == ERROR_UNSUPPORTED)
            return 0; /* without logins it is of no use (changing_may_log_in) */
        *error = failure;
        return -1;
    }
    if (*login != STATES_OPENED)
        return 0;
    client_logout(&backend->matrix, &session, &failed);
    if (failed)
        list_add(backend->warnings,
            "%s could not be logged out; a device called \"Registrar\" may be left",
            observed->account.user_id);
    observed->unfinished = true;
    return secret_copy(&state_of(backend)->own_password, probe) != 0 ? error_no_memory(error)
                                                                     : 0;
}

/* A password that the server made up, and that was to be changed at once, stands in the room
 * and nowhere else: where it still opens the account, that was not done. */
static int
take_up(struct backend *backend, struct observation *observed, const char *answer,
    struct error *error)
{
    struct secret told = {0};
    enum states_login login;
    int result = commands_read_password(backend, room_state_of(backend)->server->commands,
        observed->account.user_id, answer, &told, error);

    if (result == 0 && secret_given(&told))
        result = looking_probe(backend, &told, observed, &login, error);
    secret_free(&told);
    return result;
}

/* What a run that was cut off left in the room is taken away, unless it is needed still. */
static int
look_at_leavings(struct backend *backend, struct admin_room *room,
    struct observation *observed, struct error *error)
{
    const struct room_server *server = room_state_of(backend)->server;
    struct admin_reply reply = {0};
    int result = admin_room_leavings(room, observed->account.user_id, &reply, error);

    if (result == 0 && !server->commands->forms[COMMAND_RESET].takes_password &&
        secret_given(&reply.text) && !observed->unfinished &&
        !account_is(&observed->account, ACCOUNT_DEACTIVATED))
        result = take_up(backend, observed, reply.text.bytes, error);
    if (result == 0 && !observed->unfinished && !backend->predict)
        seat_clear(backend, !server->carries_passwords);
    admin_reply_free(&reply);
    return result;
}

/* What an administrator has to know of an account beside what is in the mask: no
 * administrator is locked or suspended. */
#define OF_THE_ROOM                                                                        \
    (ACCOUNT_BIT(ACCOUNT_ADMIN) | ACCOUNT_BIT(ACCOUNT_LOCKED) |                            \
        ACCOUNT_BIT(ACCOUNT_SUSPENDED))

static int
look_as_administrator(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    const struct room_server *server = room_state_of(backend)->server;
    struct admin_room *room;
    struct secret probe = {0};
    int result;

    /* Whoever cannot be there is no administrator, whatever else it may see. */
    if (seat_take(backend, &room, error) != 0)
        return -1;
    result = standin_kept(backend, &observed->account, &probe, error);
    if (result == 0 && secret_given(&probe))
        result = http_learn_secret(backend->matrix.http, &probe, error);
    if (result == 0)
        result = server->look(backend, mask, secret_given(&probe) ? &probe : NULL, observed,
            error);
    secret_free(&probe);
    if (result != 0 || observed->presence != PRESENCE_PRESENT)
        return result;
    if (standin_recall(backend, &observed->account, error) != 0)
        return -1;
    if ((mask & ACCOUNT_BIT(ACCOUNT_PASSWORD)) != 0 &&
        standin_wanted(backend, &observed->account) != NULL &&
        look_at_leavings(backend, room, observed, error) != 0)
        return -1;
    if ((mask & OF_THE_ROOM) != 0 && looking_at_room(backend, observed, error) != 0)
        return -1;
    return (mask & OWN_FIELDS) == 0
               ? 0
               : look_at_profile(backend, &state_of(backend)->administrator.access_token,
                     observed, error);
}

int
looking_lookup(struct backend *backend, unsigned mask, struct observation *observed,
    struct error *error)
{
    own_end(backend);
    state_of(backend)->mask = mask;
    observed->unfinished = false;
    if (has_capitals(observed->account.localpart)) {
        observed->presence = PRESENCE_ABSENT;
        return 0;
    }
    if (state_has_administrator(backend))
        return look_as_administrator(backend, mask, observed, error);
    if (states_ask_whether_taken(backend, observed, error) != 0)
        return -1;
    if (observed->presence != PRESENCE_PRESENT)
        return 0;
    return logins_look_whether_deactivated(backend, observed, error) != 0
               ? -1
               : look_at_profile(backend, NULL, observed, error);
}

bool
looking_asks_by_login(const struct backend *backend)
{
    return !state_has_administrator(backend);
}

/* What opened the account, if something did, so that it can be opened again. */
static int
keep_own(struct backend *backend, const struct secret *password, struct error *error)
{
    return own_is_open(backend) &&
                   secret_copy(&state_of(backend)->own_password, password) != 0
               ? error_no_memory(error)
               : 0;
}

int
looking_ask_password(struct backend *backend, struct observation *observed,
    const struct secret *password, enum password_answer *answer, char *why,
    struct error *error)
{
    struct error failure = {0};

    for (int i = 0; i < LOOKING_TRIES; i++) {
        error_clear(&failure);
        if (own_ask(backend, observed, password, answer, why, &failure) == 0)
            return keep_own(backend, password, error);
        if (!looking_lost_session(&failure, i))
            break;
    }
    *error = failure;
    error->is_of_one = true;
    return -1;
}

/* Who could log in is neither deactivated nor locked. */
int
looking_as_itself(struct backend *backend, struct observation *observed, struct error *error)
{
    const struct session *own = &state_of(backend)->own;
    const char *server_name = user_id_server_name(own->user_id);
    struct account *account = &observed->account;
    bool joined;

    observed->presence = PRESENCE_PRESENT;
    account_state_bool(account, ACCOUNT_DEACTIVATED, false);
    if (server_name == NULL)
        return error_set(error, ERROR_PROTOCOL,
            "the server says that the password belongs to something that is no user id");
    if (admin_room_has_me(&backend->matrix, own, server_name, &joined, error) != 0)
        return -1;
    account_state_bool(account, ACCOUNT_ADMIN, joined);
    return own_look_at_profile(backend, observed, error);
}

bool
looking_lost_session(const struct error *failure, int try)
{
    return strcmp(failure->errcode, "M_UNKNOWN_TOKEN") == 0 && try + 1 < LOOKING_TRIES &&
           stop_sleep_ms(LOOKING_PAUSE_MS << try) == 0;
}

bool
looking_may_open_own(const struct backend *backend)
{
    return own_is_open(backend) || secret_given(&state_of(backend)->own_password);
}

int
looking_log_in(struct backend *backend, const struct observation *observed,
    const struct secret *password, struct error *error)
{
    const char *user_id = observed->account.user_id;
    struct session *own = &state_of(backend)->own;
    enum states_login login;

    own_end(backend);
    if (states_log_in(backend, user_id, password, own, &login, error) != 0)
        return -1;
    if (login != STATES_OPENED)
        return error_set(error, ERROR_UNAUTHORIZED,
            "%s has to log in for this, and %s", user_id,
            login == STATES_LOCKED       ? "is locked"
            : login == STATES_DISABLED   ? "its logins are switched off"
            : login == STATES_DEACTIVATED ? "is deactivated"
                                         : "its password is another one");
    if (strcmp(own->user_id, user_id) == 0)
        return keep_own(backend, password, error);
    own_end(backend);
    return error_set(error, ERROR_PROTOCOL, "the server logs in another account than %s",
        user_id);
}

int
looking_open_own(struct backend *backend, const struct observation *observed,
    struct error *error)
{
    return own_is_open(backend) ? 0 : looking_open_again(backend, observed, error);
}

int
looking_open_again(struct backend *backend, const struct observation *observed,
    struct error *error)
{
    struct secret password = {0};
    int result = -1;

    /* Closing forgets it. */
    if (secret_copy(&password, &state_of(backend)->own_password) != 0)
        error_no_memory(error);
    else if (!secret_given(&password))
        error_set(error, ERROR_UNAUTHORIZED,
            "%s has to log in for this, and its password is not known",
            observed->account.user_id);
    else
        result = looking_log_in(backend, observed, &password, error);
    secret_free(&password);
    return result;
}
