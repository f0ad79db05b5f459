/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/states.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "backends/homeserver/dialect.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "matrix/call.h"
#include "matrix/user_id.h"

/* Of a password that nobody has. */
#define PROBE_BYTES 32

/* ---- Whether a name is taken ------------------------------------------------------------- */

/* "register/available" answers for taken names, also where nobody may register
 * (dendrite: clientapi/routing/register.go, RegisterAvailable). */
static int
ask_available(struct backend *backend, const char *localpart, struct answer *answer,
    struct error *error)
{
    struct text path = {0};
    int result;

    text_append(&path, "/_matrix/client/v3/register/available?username=");
    text_append_percent(&path, localpart, strlen(localpart));
    result = call_get(&backend->matrix, path.failed ? NULL : path.bytes, NULL, answer, error);
    text_free(&path);
    return result;
}

static enum presence
read_presence(const struct answer *answer)
{
    if (answer_ok(answer))
        return PRESENCE_ABSENT;
    return answer_is(answer, 400, "M_USER_IN_USE") ? PRESENCE_PRESENT : PRESENCE_UNKNOWN;
}

int
states_guess_whether_taken(struct backend *backend, struct observation *observed,
    struct error *error)
{
    struct answer answer = {0};
    int result = ask_available(backend, observed->account.localpart, &answer, error);

    if (result == 0)
        observed->presence = read_presence(&answer);
    answer_free(&answer);
    return result;
}

/* Neither free nor taken. */
static int
read_refusal(const struct answer *answer, struct observation *observed, struct error *error)
{
    char what[USER_ID_LONGEST + 50];

    snprintf(what, sizeof(what), "asking whether the name %s is taken",
        observed->account.localpart);
    if (answer_is(answer, 400, "M_INVALID_USERNAME")) {
        observed->presence = PRESENCE_ABSENT;
        return 0;
    }
    if (answer_is(answer, 400, "M_EXCLUSIVE"))
        return answer_refused_as(answer, ERROR_POLICY, what,
            "the name is in the namespace of an application service, which alone has its "
            "accounts; choose another username",
            error);
    if (answer_is(answer, 403, "M_FORBIDDEN"))
        return answer_refused_as(answer, ERROR_POLICY, what,
            "the server's configuration forbids this name (forbidden_usernames); choose another "
            "username, or change that there",
            error);
    return answer_refused(answer, what, error);
}

int
states_ask_whether_taken(struct backend *backend, struct observation *observed,
    struct error *error)
{
    struct answer answer = {0};
    int result = ask_available(backend, observed->account.localpart, &answer, error);

    if (result == 0)
        observed->presence = read_presence(&answer);
    if (result == 0 && observed->presence == PRESENCE_UNKNOWN)
        result = read_refusal(&answer, observed, error);
    answer_free(&answer);
    return result;
}

/* ---- What a login says ------------------------------------------------------------------- */

/* What a refusal of a login says of the account, beside that the password is wrong. */
static const struct {
    long status;
    const char *errcode;
    enum states_login login;
} refusals[] = {
    {404, "M_NOT_FOUND", STATES_ABSENT},
    {403, "M_USER_DEACTIVATED", STATES_DEACTIVATED},
    {401, "M_USER_LOCKED", STATES_LOCKED},
    {403, "M_FORBIDDEN", STATES_DISABLED}, /* that is not "wrong" (client.c) */
};

static int
read_failure(const struct error *failure, const char *user, enum states_login *login,
    struct error *error)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        if (failure->status == refusals[i].status &&
            strcmp(failure->errcode, refusals[i].errcode) == 0) {
            *login = refusals[i].login;
            return 0;
        }
    *error = *failure;
    if (strcmp(failure->errcode, "M_EXCLUSIVE") != 0)
        return -1;
    error->kind = ERROR_NONE;
    return error_set(error, ERROR_POLICY,
        "%s is in the namespace of an application service, and the server lets nobody else log "
        "in there (%ld M_EXCLUSIVE)",
        user, failure->status);
}

int
states_log_in(struct backend *backend, const char *user, const struct secret *password,
    struct session *session, enum states_login *login, struct error *error)
{
    struct error failure = {0};
    enum login_result answer;

    if (client_login(&backend->matrix, user, password, backend->type->dialect->login_device,
            session, &answer, &failure) != 0)
        return read_failure(&failure, user, login, error);
    *login = answer == LOGIN_DONE ? STATES_OPENED : STATES_WRONG;
    return 0;
}

static int
make_nobodys_password(struct secret *password, struct error *error)
{
    unsigned char bytes[PROBE_BYTES];
    unsigned char base64[4 * ((PROBE_BYTES + 2) / 3) + 1];

    if (random_bytes(bytes, sizeof(bytes), error) != 0)
        return -1;
    return secret_set(password, (const char *)base64,
               (size_t)EVP_EncodeBlock(base64, bytes, (int)sizeof(bytes))) == 0
               ? 0
               : error_no_memory(error);
}

int
states_probe(struct backend *backend, const char *user, enum states_login *login,
    struct error *error)
{
    struct secret password = {0};
    struct session session = {0};
    int result = make_nobodys_password(&password, error);

    if (result == 0)
        result = states_log_in(backend, user, &password, &session, login, error);
    client_logout(&backend->matrix, &session, NULL);
    secret_free(&password);
    if (result == 0 && *login == STATES_OPENED)
        return error_set(error, ERROR_PROTOCOL,
            "the server logs in %s with a password that nobody has: it does not look at "
            "passwords",
            user);
    return result;
}
