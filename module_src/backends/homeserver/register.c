/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/homeserver/register.h"

#include <stdio.h>
#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/homeserver/state.h"
#include "base/memory.h"
#include "base/stop.h"
#include "matrix/mac.h"
#include "matrix/user_id.h"

/* Synapse forgets a nonce after 60 s (NONCE_TIMEOUT). */
#define NONCE_FRESH_MS 45000

/* Where the secret was changed and the server is just being restarted, it is the
 * old one that still answers: so long, and in such steps, it is asked again. */
#define SECRET_WAIT_MS 15000
#define SECRET_POLL_MS 2000

static const char path[] = REGISTER_PATH;
static const char registering[] = "registering with the shared secret";

static const struct homeserver_dialect *
dialect_of(const struct backend *backend)
{
    return backend->type->dialect;
}

static int
take_nonce(struct backend *backend, const struct answer *answer, struct error *error)
{
    struct state *state = state_of(backend);
    const char *nonce = answer_string(answer, "nonce", "asking for a nonce", error);
    size_t length;

    if (nonce == NULL)
        return -1;
    length = strlen(nonce);
    if (length >= sizeof(state->nonce))
        return error_set(error, ERROR_PROTOCOL,
            "asking for a nonce: the server's is %zu bytes long, which no homeserver's is",
            length);
    memcpy(state->nonce, nonce, length + 1);
    state->nonce_taken_ms = stop_clock_ms();
    return 0;
}

int
register_probe(struct backend *backend, struct error *error)
{
    struct answer answer = {0};
    int result = call_get(&backend->matrix, path, NULL, &answer, error);

    if (result == 0 && answer_ok(&answer))
        result = take_nonce(backend, &answer, error);
    else if (result == 0 && (answer.status == 404 || answer.status == 405))
        result = dialect_of(backend)->explain_missing(backend, &answer, error);
    else if (result == 0)
        result = dialect_of(backend)->refuse(&answer, "asking for a nonce", error);
    answer_free(&answer);
    return result;
}

static int
have_nonce(struct backend *backend, struct error *error)
{
    const struct state *state = state_of(backend);

    if (state->nonce[0] != '\0' && stop_clock_ms() - state->nonce_taken_ms < NONCE_FRESH_MS)
        return 0;
    return register_probe(backend, error);
}

/* What a registration is for: an account, a proof of the secret, or an account
 * that is logged in at once. */
struct registration {
    const struct account *wanted;
    enum { FOR_ACCOUNT, FOR_PROOF, FOR_SESSION } purpose;
    const char *device_id; /* FOR_SESSION; NULL: one of the server's choice */
};

/* What the purpose adds to the body. */
static int
add_purpose(json_t *body, const struct homeserver_dialect *dialect,
    const struct registration *registration)
{
    if (registration->purpose != FOR_SESSION &&
        json_object_set_new(body, "inhibit_login", json_true()) != 0)
        return -1;
    if (registration->purpose == FOR_PROOF && !dialect->checks_types_first)
        return json_object_set_new(body, "refresh_token", json_string("prove"));
    if (registration->purpose != FOR_SESSION)
        return 0;
    if (registration->device_id != NULL &&
        json_object_set_new(body, "device_id", json_string(registration->device_id)) != 0)
        return -1;
    return json_object_set_new(body, "initial_device_display_name", json_string("Registrar"));
}

/* The body of a registration, its MAC included. NULL: error recorded. */
static json_t *
build_body(struct backend *backend, const struct registration *registration,
    struct error *error)
{
    const struct account *wanted = registration->wanted;
    struct mac_subject subject = {
        .nonce = state_of(backend)->nonce,
        .username = wanted->localpart,
        .password = &wanted->password,
        .admin = account_states(wanted, ACCOUNT_ADMIN) && wanted->admin,
        .user_type = dialect_of(backend)->has_user_types &&
                             account_states(wanted, ACCOUNT_USER_TYPE)
                         ? wanted->user_type
                         : NULL,
    };
    char mac[MAC_SIZE];
    json_t *body;
    int result;

    if (mac_compute(mac, backend->connection->shared_secret, &subject, error) != 0)
        return NULL;
    body = json_pack("{s:s, s:s, s:s%, s:b, s:s, s:s*}", "nonce", subject.nonce, "username",
        subject.username, "password", wanted->password.bytes, wanted->password.length,
        "admin", (int)subject.admin, "mac", mac, "user_type", subject.user_type);
    result = body == NULL ? -1 : 0;
    if (result == 0 && account_states(wanted, ACCOUNT_DISPLAYNAME))
        result = json_object_set_new(body, "displayname",
            json_string(wanted->displayname == NULL ? "" : wanted->displayname));
    if (result == 0)
        result = add_purpose(body, dialect_of(backend), registration);
    if (result != 0) {
        json_decref(body);
        error_no_memory(error);
        return NULL;
    }
    return body;
}

/*
 * Sends one registration; a nonce the server has forgotten is renewed once.
 * libcurl sends a request again when a kept connection breaks under it; where a
 * nonce is good for one request, it is forgotten then because the first one
 * arrived. So *renewed says that there may have been one before.
 */
static int
send_once(struct backend *backend, const struct registration *registration,
    struct answer *answer, bool *renewed, struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = path,
        .secrets = {&registration->wanted->password, backend->connection->shared_secret},
        /* A proof makes nothing, however often it arrives. */
        .retry = registration->purpose == FOR_PROOF ? RETRY_SAFE : RETRY_UNSENT,
    };

    for (int attempt = 0;; attempt++) {
        bool nonce_refused;
        int result;

        if (have_nonce(backend, error) != 0)
            return -1;
        call.body = build_body(backend, registration, error);
        if (call.body == NULL)
            return -1;
        state_of(backend)->nonce[0] = '\0'; /* the server deletes it at once, too */
        result = call_send(&backend->matrix, &call, answer, error);
        json_decref(call.body);
        if (result != 0)
            return -1;
        nonce_refused = dialect_of(backend)->read_refusal(answer) == REFUSAL_NONCE;
        *renewed = attempt > 0 || answer->resent;
        if (!nonce_refused || attempt > 0)
            return 0;
        answer_free(answer);
    }
}

/*
 * One wait a task, bounded by what is left of its start budget as well: while a
 * restart is under way, the running server has the secret of before. False when
 * it is over; a signal is told by the next call.
 */
static bool
wait_for_secret(struct backend *backend)
{
    struct state *state = state_of(backend);
    long long left_ms;

    if (state->secret_wait_ends_ms == 0)
        state->secret_wait_ends_ms = stop_clock_ms() + SECRET_WAIT_MS;
    left_ms = state->secret_wait_ends_ms - stop_clock_ms();
    return retry_pause(&backend->retry,
               left_ms < SECRET_POLL_MS ? left_ms : SECRET_POLL_MS) ||
           stop_signal() != 0;
}

/* send_once, and again while the secret may only be newer than the server. Who
 * was refused for the secret made nothing. */
static int
send_registration(struct backend *backend, const struct registration *registration,
    struct answer *answer, bool *renewed, struct error *error)
{
    for (;;) {
        if (send_once(backend, registration, answer, renewed, error) != 0)
            return -1;
        if (dialect_of(backend)->read_refusal(answer) != REFUSAL_SECRET ||
            !wait_for_secret(backend))
            return 0;
        answer_free(answer);
    }
}

static int
refuse_secret(struct backend *backend, const struct answer *answer, struct error *error)
{
    char wait[RETRY_WAIT_SIZE];
    char advice[500];

    retry_tell_wait(wait, answer->waited_ms);
    snprintf(advice, sizeof(advice),
        "the running server has another registration_shared_secret than the one given; it "
        "reads its configuration only when it starts: if the secret was changed there, restart "
        "it (%s), else give the one that it has%s",
        dialect_of(backend)->secret_advice, wait);
    return answer_refused_as(answer, ERROR_UNAUTHORIZED, registering, advice, error);
}

static int
refused(struct backend *backend, const struct answer *answer, struct error *error)
{
    return dialect_of(backend)->read_refusal(answer) == REFUSAL_SECRET
               ? refuse_secret(backend, answer, error)
               : dialect_of(backend)->refuse(answer, registering, error);
}

/* The user id of an answer, which lives as long as it; NULL with an error. */
static const char *
answered_user_id(const struct answer *answer, struct error *error)
{
    const char *user_id = answer_string(answer, "user_id", registering, error);
    const char *server_name = user_id == NULL ? NULL : user_id_server_name(user_id);

    if (server_name != NULL && user_id_server_name_is_valid(server_name) &&
        strlen(user_id) <= USER_ID_LONGEST)
        return user_id;
    error_set(error, ERROR_PROTOCOL, "%s: the server's answer names no user id", registering);
    return NULL;
}

/* After a registration: what the account now is, as far as that is certain. */
static int
observe(struct observation *observed, const struct answer *answer,
    const struct account *wanted, struct backend *backend, struct error *error)
{
    struct account *account = &observed->account;
    bool has_type = account_states(wanted, ACCOUNT_USER_TYPE) && wanted->user_type != NULL;
    const char *user_id = answered_user_id(answer, error);

    observed->presence = PRESENCE_PRESENT;
    if (user_id == NULL || account_name(account, user_id, wanted->localpart, error) != 0)
        return -1;
    if (wanted->user_id != NULL && strcmp(wanted->user_id, account->user_id) != 0)
        list_add(backend->warnings,
            "the server calls the new account %s, not %s: server_name is not its name",
            account->user_id, wanted->user_id);
    account_state_bool(account, ACCOUNT_DEACTIVATED, false);
    account_state_bool(account, ACCOUNT_ADMIN,
        account_states(wanted, ACCOUNT_ADMIN) && wanted->admin);
    /* Without a type, the server's configuration may have given it one. */
    if (has_type &&
        account_state_text(account, ACCOUNT_USER_TYPE, wanted->user_type, error) != 0)
        return -1;
    if (dialect_of(backend)->adds_to_names)
        return 0;
    /* Without a display name, Synapse takes the localpart. */
    return account_state_text(account, ACCOUNT_DISPLAYNAME,
        account_states(wanted, ACCOUNT_DISPLAYNAME) ? wanted->displayname
                                                    : wanted->localpart,
        error);
}

int
register_account(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    const struct registration registration = {.wanted = wanted, .purpose = FOR_ACCOUNT};
    struct answer answer = {0};
    bool renewed;
    int result = send_registration(backend, &registration, &answer, &renewed, error);

    if (result == 0 && answer_ok(&answer)) {
        *creation = CREATION_DONE;
        result = observe(observed, &answer, wanted, backend, error);
    } else if (result == 0 && dialect_of(backend)->read_refusal(&answer) == REFUSAL_TAKEN) {
        *creation = renewed ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
    } else if (result == 0) {
        result = refused(backend, &answer, error);
    }
    answer_free(&answer);
    return result;
}

int
register_session(struct backend *backend, const struct account *wanted,
    const char *device_id, struct session *session, enum creation *creation,
    struct error *error)
{
    const struct registration registration = {wanted, FOR_SESSION, device_id};
    struct answer answer = {0};
    const char *user_id;
    bool renewed;
    int result = send_registration(backend, &registration, &answer, &renewed, error);

    memset(session, 0, sizeof(*session));
    if (result != 0)
        goto out;
    if (!answer_ok(&answer)) {
        *creation = renewed ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
        if (dialect_of(backend)->read_refusal(&answer) != REFUSAL_TAKEN)
            result = refused(backend, &answer, error);
        goto out;
    }
    *creation = CREATION_DONE;
    result = client_take_token(session, &answer, registering, error);
    user_id = result == 0 ? answered_user_id(&answer, error) : NULL;
    if (user_id == NULL) {
        result = -1;
    } else {
        session->user_id = memory_copy_string(user_id);
        result = session->user_id == NULL ? error_no_memory(error) : 0;
    }
    if (result != 0)
        client_logout(&backend->matrix, session, NULL);
out:
    answer_free(&answer);
    return result;
}

int
register_prove_secret(struct backend *backend, struct error *error)
{
    struct account nobody = {0};
    const struct registration registration = {.wanted = &nobody, .purpose = FOR_PROOF};
    struct secret password = {0};
    struct answer answer = {0};
    bool renewed;
    int result = -1;

    if (state_of(backend)->secret_is_proven)
        return 0;
    if (secret_set(&password, "unused", strlen("unused")) != 0 ||
        account_name(&nobody, NULL, "!registrar", error) != 0 ||
        account_state_password(&nobody, &password, error) != 0) {
        error_no_memory(error);
        goto out;
    }
    result = send_registration(backend, &registration, &answer, &renewed, error);
    if (result != 0)
        goto out;
    if (dialect_of(backend)->proves_secret(&answer))
        state_of(backend)->secret_is_proven = true;
    else
        result = refused(backend, &answer, error);
out:
    answer_free(&answer);
    account_free(&nobody);
    secret_free(&password);
    return result;
}
