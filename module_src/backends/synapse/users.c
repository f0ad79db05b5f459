/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/users.h"

#include <string.h>

#include "backends/homeserver/dialect.h"
#include "backends/synapse/refusal.h"
#include "backends/homeserver/own.h"
#include "backends/homeserver/state.h"
#include "backends/synapse/switches.h"
#include "backends/synapse/user_json.h"
#include "base/memory.h"

static const char prefix[] = "/_synapse/admin/v2/users/";
static const char creating[] = "creating the account";

static const struct users_manner of_synapse;

static const struct users_manner *
manner_of(const struct backend *backend)
{
    const struct backend_type *type = backend->type;

    /* Behind MAS, which has no dialect, is a Synapse. */
    return type == NULL || type->dialect == NULL || type->dialect->users == NULL
               ? &of_synapse
               : type->dialect->users;
}

static int
read_user(const struct backend *backend, struct observation *observed,
    const struct answer *answer, struct error *error)
{
    const struct users_manner *manner = manner_of(backend);

    if (manner->complete != NULL && manner->complete(answer->body) != 0)
        return error_no_memory(error);
    return user_json_read(observed, answer->body, error);
}

int
users_lookup(struct backend *backend, const struct secret *token, unsigned mask,
    struct observation *observed, struct error *error)
{
    struct matrix *matrix = &backend->matrix;
    char *path = client_path(prefix, observed->account.user_id, "");
    struct answer answer = {0};
    int result = call_get(matrix, path, token, &answer, error);

    if (result == 0 && answer_ok(&answer))
        result = read_user(backend, observed, &answer, error);
    else if (result == 0 && answer_is(&answer, 404, "M_NOT_FOUND"))
        observed->presence = PRESENCE_ABSENT;
    else if (result == 0)
        result = answer_refused(&answer, "looking at the account", error);
    if (result == 0 && observed->presence == PRESENCE_PRESENT &&
        (mask & ACCOUNT_BIT(ACCOUNT_RATELIMIT)) != 0)
        result = switches_look(matrix, token, observed, error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

/* The token of the administrator that is open. */
static const struct secret *
token_of(const struct backend *backend)
{
    return &state_of(backend)->administrator.access_token;
}

/* Sends one PUT. The caller frees the answer, and body stays the caller's. */
static int
put(struct backend *backend, const struct secret *token, const char *user_id, json_t *body,
    const struct secret *password, enum retry_class retry, struct answer *answer,
    struct error *error)
{
    char *path = client_path(prefix, user_id, "");
    struct call call = {
        .method = "PUT",
        .path = path,
        .bearer = token,
        .body = body,
        .secrets = {password},
        .retry = retry,
        .report_429 = true, /* it may come after the work was done */
    };
    int result = -1;

    if (path == NULL || body == NULL)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, answer, error);
    memory_free(path);
    return result;
}

int
users_may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    char *path = client_path("/_synapse/admin/v1/username_available?username=",
        wanted->localpart, "");
    struct answer answer = {0};
    int result = call_get(&backend->matrix, path, token_of(backend), &answer, error);

    if (result == 0 && !answer_ok(&answer))
        result = refusal_record(&answer, creating, error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

/*
 * One PUT makes an account or, where it is there by then, changes it. So that it
 * only makes one, a profile field is null: to a creation that is as good as not
 * there, and a change stops at it (400) before `admin`, type and password. The
 * display name comes first of all; where it is wanted, the avatar has to do.
 * (Synapse 1.103.0 to 1.163.2: rest/admin/users.py, UserRestServletV2;
 * handlers/profile.py.)
 */
static json_t *
creation_body(const struct account *wanted)
{
    json_t *body = user_json_change(wanted, NULL, false);
    enum account_field guard = account_states(wanted, ACCOUNT_DISPLAYNAME)
                                   ? ACCOUNT_AVATAR_URL
                                   : ACCOUNT_DISPLAYNAME;

    if (body != NULL &&
        json_object_set_new(body, account_field_name(guard), json_null()) != 0) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

/* It was there by then: by somebody else, or by us, see send_registration. */
static int
meet_there(struct backend *backend, const struct answer *answer,
    struct observation *observed, enum creation *creation, struct error *error)
{
    if (users_lookup(backend, token_of(backend), state_of(backend)->mask, observed,
            error) != 0)
        return -1;
    if (observed->presence != PRESENCE_PRESENT)
        return refusal_record(answer, creating, error);
    *creation = CREATION_PERHAPS;
    return 0;
}

int
users_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    const struct users_manner *manner = manner_of(backend);
    struct account first = *wanted; /* borrowed, with fewer fields */
    struct answer answer = {0};
    json_t *body;
    int result = -1;

    first.stated &= USERS_CREATED_FIELDS;
    body = manner->creation_body(&first);
    if (put(backend, token_of(backend), wanted->user_id, body, &wanted->password, RETRY_UNSENT,
            &answer, error) != 0)
        goto out;
    if (answer_ok(&answer)) {
        /* 200 instead of 201: it was there by then. */
        *creation = answer.status == 201 || manner->never_says_created ? CREATION_DONE
                                                                       : CREATION_PERHAPS;
        result = account_name(&observed->account, wanted->user_id, wanted->localpart, error);
        if (result == 0)
            result = read_user(backend, observed, &answer, error);
    } else if (answer_is(&answer, 400, "M_USER_IN_USE")) {
        *creation = CREATION_NAME_TAKEN;
        result = 0;
    } else if (answer_is(&answer, 400, "M_INVALID_PARAM") &&
               answer_says(&answer, "must be a string")) {
        result = meet_there(backend, &answer, observed, creation, error);
    } else {
        refusal_record(&answer, creating, error);
    }
out:
    answer_free(&answer);
    json_decref(body);
    return result;
}

/* The fields that Synapse tells every room of the account about. */
#define TOLD_TO_ROOMS                                                                      \
    (ACCOUNT_BIT(ACCOUNT_DISPLAYNAME) | ACCOUNT_BIT(ACCOUNT_AVATAR_URL))

/*
 * Telling the rooms has a limit per account: the answer may be 429 although
 * the name or the avatar was stored. What is left of the change after a look
 * is left in `change`. Only where nothing became of it is it worth a wait.
 */
static int
after_rate_limit(struct backend *backend, const struct secret *token,
    struct observation *observed, struct account *change, const struct answer *answer,
    struct error *error)
{
    unsigned all = change->stated;
    struct account left = {0};
    int result;

    if (users_lookup(backend, token, 0, observed, error) != 0)
        return -1;
    result = account_difference(&left, change, &observed->account, error);
    /* A password cannot be looked at; it is set after the profile, so it is
     * still due. */
    change->stated = left.stated | (all & ACCOUNT_BIT(ACCOUNT_PASSWORD));
    account_free(&left);
    if (result != 0)
        return -1;
    if ((change->stated & TOLD_TO_ROOMS) != (all & TOLD_TO_ROOMS)) {
        own_warn_slow_rooms(backend, observed);
        return 0;
    }
    return retry_wait(&backend->retry, http_origin(backend->matrix.http),
        answer->retry_after_ms, error);
}

/* Where the server said yes but did something else. */
static int
check_done(struct observation *observed, const struct account *change, struct error *error)
{
    struct account left = {0};
    int result = account_difference(&left, change, &observed->account, error);

    for (int field = 0; result == 0 && field < ACCOUNT_FIELDS; field++)
        if (account_states(&left, (enum account_field)field))
            result = error_set(error, ERROR_SERVER,
                "the server accepted a change of %s's %s, but it did not happen",
                observed->account.user_id, account_field_name((enum account_field)field));
    account_free(&left);
    return result;
}

/* The threepids that a PUT must not take away. NULL with 0: none is sent. */
static int
find_other_threepids(struct backend *backend, const struct secret *token,
    const struct observation *observed, const struct account *change, json_t **others,
    struct error *error)
{
    struct observation seen = {0};
    struct answer answer = {0};
    char *path;
    int result;

    *others = NULL;
    if (!account_states(change, ACCOUNT_EMAILS) || manner_of(backend)->has_only_emails)
        return 0;
    path = client_path(prefix, observed->account.user_id, "");
    result = call_get(&backend->matrix, path, token, &answer, error);
    if (result == 0 && !answer_ok(&answer))
        result = answer_refused(&answer, "looking at the account", error);
    /* What cannot be read must not be taken for none. */
    if (result == 0)
        result = account_name(&seen.account, observed->account.user_id, "", error);
    if (result == 0)
        result = read_user(backend, &seen, &answer, error);
    if (result == 0) {
        *others = user_json_other_threepids(answer.body);
        result = *others == NULL ? error_no_memory(error) : 0;
    }
    account_free(&seen.account);
    answer_free(&answer);
    memory_free(path);
    return result;
}

static int
change_refused(const struct answer *answer, const struct account *change,
    struct error *error)
{
    static const char what[] = "changing the account";

    if (answer->status == 409 && account_states(change, ACCOUNT_EXTERNAL_IDS))
        return answer_refused_as(answer, ERROR_CONFLICT, what,
            "one of the external_ids belongs to another account", error);
    if (answer->status == 403 && account_states(change, ACCOUNT_AVATAR_URL))
        return answer_refused_as(answer, ERROR_POLICY, what,
            "does the avatar_url name media that this server has, of a size and type that "
            "it allows (max_avatar_size, allowed_avatar_mimetypes)?",
            error);
    return refusal_record(answer, what, error);
}

static const struct users_manner of_synapse = {
    .creation_body = creation_body,
    .refuse = change_refused,
};

int
users_put(struct backend *backend, const struct secret *token, struct observation *observed,
    struct account *change, bool logout_devices, struct error *error)
{
    json_t *others;
    int result = find_other_threepids(backend, token, observed, change, &others, error);

    while (result == 0 && change->stated != 0) {
        json_t *body = user_json_change(change, others, logout_devices);
        struct answer answer = {0};

        result = put(backend, token, observed->account.user_id, body, &change->password,
            RETRY_SAFE, &answer, error);
        if (result == 0 && answer_ok(&answer)) {
            result = read_user(backend, observed, &answer, error);
            if (result == 0)
                result = check_done(observed, change, error);
            change->stated = 0;
        } else if (result == 0 && answer_is(&answer, 429, "M_LIMIT_EXCEEDED")) {
            result = after_rate_limit(backend, token, observed, change, &answer, error);
        } else if (result == 0) {
            result = manner_of(backend)->refuse(&answer, change, error);
        }
        answer_free(&answer);
        json_decref(body);
    }
    json_decref(others);
    return result;
}

/* Who has deactivated and erased itself sees nothing any more. */
static int
note_own_end(struct account *account, struct error *error)
{
    account_state_bool(account, ACCOUNT_DEACTIVATED, true);
    account_state_bool(account, ACCOUNT_ERASED, true);
    return users_foresee(account, account, error);
}

/* Erasing takes an endpoint of its own, which deactivates as well. */
static int
erase(struct backend *backend, struct observation *observed, struct error *error)
{
    struct state *state = state_of(backend);
    char *path = client_path("/_synapse/admin/v1/deactivate/", observed->account.user_id, "");
    struct call call = {
        .method = "POST",
        .path = path,
        .bearer = &state->administrator.access_token,
        .body = json_pack("{s:b}", "erase", 1),
        .retry = RETRY_SAFE, /* it may be repeated */
    };
    struct answer answer = {0};
    bool itself = strcmp(observed->account.user_id, state->administrator.user_id) == 0;
    int result = -1;

    if (path == NULL || call.body == NULL)
        error_no_memory(error);
    else
        result = call_send(&backend->matrix, &call, &answer, error);
    /* Its own token went with it, should the first answer have been lost. */
    if (result == 0 && !answer_ok(&answer) &&
        !(itself && answer_is(&answer, 401, "M_UNKNOWN_TOKEN")))
        result = answer_refused(&answer, "deactivating and erasing the account", error);
    if (result == 0 && itself)
        result = note_own_end(&observed->account, error);
    else if (result == 0)
        result = users_lookup(backend, token_of(backend), 0, observed, error);
    answer_free(&answer);
    json_decref(call.body);
    memory_free(path);
    return result;
}

/*
 * Deactivating is a request of its own. So is reactivating, which goes first
 * and takes the password along: the deactivation took the old one away, and
 * older Synapses insist on one (up to 1.98).
 */
static int
update_deactivated(struct backend *backend, struct observation *observed,
    struct account *change, struct error *error)
{
    json_t *body = json_pack("{s:b}", "deactivated", (int)change->deactivated);
    struct answer answer = {0};
    int result = -1;

    if (body != NULL && !change->deactivated && account_states(change, ACCOUNT_PASSWORD) &&
        (json_object_set_new(body, "password",
             json_stringn(change->password.bytes, change->password.length)) != 0 ||
            json_object_set_new(body, "logout_devices", json_false()) != 0)) {
        error_no_memory(error);
        goto out;
    }
    if (put(backend, token_of(backend), observed->account.user_id, body, &change->password,
            RETRY_SAFE, &answer, error) != 0)
        goto out;
    if (!answer_ok(&answer)) {
        answer_refused(&answer,
            change->deactivated ? "deactivating the account" : "reactivating the account",
            error);
        goto out;
    }
    result = read_user(backend, observed, &answer, error);
    if (!change->deactivated)
        change->stated &= ~ACCOUNT_BIT(ACCOUNT_PASSWORD);
out:
    answer_free(&answer);
    json_decref(body);
    return result;
}

static int
update_existence(struct backend *backend, struct observation *observed,
    struct account *change, struct error *error)
{
    if (account_states(change, ACCOUNT_ERASED) && change->erased)
        return erase(backend, observed, error);
    if (account_states(change, ACCOUNT_DEACTIVATED))
        return update_deactivated(backend, observed, change, error);
    return 0;
}

int
users_update(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    struct account left = {0};
    int result = -1;

    if (account_name(&left, change->user_id, change->localpart, error) != 0)
        return -1;
    if (account_copy(&left, change, error) != 0 ||
        update_existence(backend, observed, &left, error) != 0)
        goto out;
    left.stated &= USER_JSON_PUT_FIELDS;
    if (users_put(backend, token_of(backend), observed, &left, logout_devices, error) != 0)
        goto out;
    result = switches_update(&backend->matrix, token_of(backend), observed, change, error);
out:
    account_free(&left);
    return result;
}

int
users_build_reset(struct call *call, char **path, const char *user_id,
    const struct secret *password)
{
    *path = client_path(prefix, user_id, "");
    call->method = "PUT";
    call->path = *path;
    call->body = json_pack("{s:s%, s:b}", "password", password->bytes, password->length,
        "logout_devices", 0);
    return *path == NULL || call->body == NULL ? -1 : 0;
}

int
users_foresee(struct account *after, const struct account *change, struct error *error)
{
    const struct pairs none = {0};

    if (account_states(change, ACCOUNT_DEACTIVATED) && !change->deactivated &&
        account_states(after, ACCOUNT_ERASED))
        account_state_bool(after, ACCOUNT_ERASED, false);
    if ((account_is(change, ACCOUNT_DEACTIVATED) || account_is(change, ACCOUNT_ERASED)) &&
        account_states(after, ACCOUNT_EMAILS) &&
        account_state_set(after, ACCOUNT_EMAILS, &none, error) != 0)
        return -1;
    if (!account_is(change, ACCOUNT_ERASED))
        return 0;
    if (account_states(after, ACCOUNT_DISPLAYNAME) &&
        account_state_text(after, ACCOUNT_DISPLAYNAME, NULL, error) != 0)
        return -1;
    return account_states(after, ACCOUNT_AVATAR_URL)
               ? account_state_text(after, ACCOUNT_AVATAR_URL, NULL, error)
               : 0;
}
