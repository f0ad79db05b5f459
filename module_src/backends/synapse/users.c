/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/synapse/users.h"

#include <string.h>

#include "backends/synapse/state.h"
#include "base/memory.h"

static const char prefix[] = "/_synapse/admin/v2/users/";

/* Synapse has written these as 0 and 1, too. */
static bool
read_bool(const json_t *object, const char *key, bool *value)
{
    const json_t *member = json_object_get(object, key);

    if (json_is_integer(member))
        *value = json_integer_value(member) != 0;
    else if (json_is_boolean(member))
        *value = json_is_true(member);
    else
        return false;
    return true;
}

/* Fills observed from the body that GET and PUT answer alike. */
static int
read_user(struct observation *observed, const json_t *body, struct error *error)
{
    const json_t *displayname = json_object_get(body, "displayname");
    const char *name = json_string_value(json_object_get(body, "name"));
    bool admin, deactivated;

    if (name == NULL || strcmp(name, observed->account.user_id) != 0 ||
        !read_bool(body, "admin", &admin) ||
        !read_bool(body, "deactivated", &deactivated) ||
        (displayname != NULL && !json_is_null(displayname) && !json_is_string(displayname)))
        return error_set(error, ERROR_PROTOCOL,
            "looking at %s: the server's answer does not describe that account",
            observed->account.user_id);
    observed->presence = PRESENCE_PRESENT;
    account_state_admin(&observed->account, admin);
    account_state_deactivated(&observed->account, deactivated);
    return account_state_displayname(&observed->account, json_string_value(displayname),
        error);
}

int
users_lookup(struct matrix *matrix, const struct secret *token,
    struct observation *observed, struct error *error)
{
    char *path = client_path(prefix, observed->account.user_id, "");
    struct answer answer = {0};
    int result = call_get(matrix, path, token, &answer, error);

    if (result == 0 && answer_ok(&answer))
        result = read_user(observed, answer.body, error);
    else if (result == 0 && answer_is(&answer, 404, "M_NOT_FOUND"))
        observed->presence = PRESENCE_ABSENT;
    else if (result == 0)
        result = answer_refused(&answer, "looking at the account", error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

static int
set_member(json_t *body, const char *key, json_t *value)
{
    return json_object_set_new(body, key, value);
}

/* The PUT body that sets what change states, leaving out deactivated. NULL: no
 * memory. */
static json_t *
build_body(const struct account *change, bool logout_devices)
{
    json_t *body = json_object();
    int result = body == NULL ? -1 : 0;

    if (result == 0 && account_states(change, ACCOUNT_ADMIN))
        result = set_member(body, "admin", json_boolean(change->admin));
    if (result == 0 && account_states(change, ACCOUNT_DISPLAYNAME))
        result = set_member(body, "displayname",
            json_string(change->displayname == NULL ? "" : change->displayname));
    if (result == 0 && account_states(change, ACCOUNT_PASSWORD)) {
        result = set_member(body, "password",
            json_stringn(change->password.bytes, change->password.length));
        if (result == 0)
            result = set_member(body, "logout_devices", json_boolean(logout_devices));
    }
    if (result != 0) {
        json_decref(body);
        body = NULL;
    }
    return body;
}

/* Sends one PUT. The caller frees the answer, and body stays the caller's. */
static int
put(struct backend *backend, const char *user_id, json_t *body,
    const struct secret *password, enum retry_class retry, struct answer *answer,
    struct error *error)
{
    char *path = client_path(prefix, user_id, "");
    struct call call = {
        .method = "PUT",
        .path = path,
        .bearer = &state_of(backend)->administrator.access_token,
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

static int
creation_refused(const struct answer *answer, struct error *error)
{
    static const char what[] = "creating the account";

    if (answer_is(answer, 400, "M_EXCLUSIVE"))
        return answer_refused_as(answer, ERROR_POLICY, what,
            "the name belongs to an application service or to the server itself", error);
    return answer_refused(answer, what, error);
}

int
users_may_create(struct backend *backend, const struct account *wanted, struct error *error)
{
    char *path = client_path("/_synapse/admin/v1/username_available?username=",
        wanted->localpart, "");
    struct answer answer = {0};
    int result = call_get(&backend->matrix, path,
        &state_of(backend)->administrator.access_token, &answer, error);

    if (result == 0 && !answer_ok(&answer))
        result = creation_refused(&answer, error);
    answer_free(&answer);
    memory_free(path);
    return result;
}

int
users_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct observation *observed, struct error *error)
{
    json_t *body = build_body(wanted, false);
    struct answer answer = {0};
    int result = -1;

    if (put(backend, wanted->user_id, body, &wanted->password, RETRY_UNSENT, &answer,
            error) != 0)
        goto out;
    if (answer_ok(&answer)) {
        /* 200 instead of 201: it was there by then, see send_registration. */
        *creation = answer.status == 201 ? CREATION_DONE : CREATION_PERHAPS;
        result = account_name(&observed->account, wanted->user_id, wanted->localpart, error);
        if (result == 0)
            result = read_user(observed, answer.body, error);
    } else if (answer_is(&answer, 400, "M_USER_IN_USE")) {
        *creation = CREATION_NAME_TAKEN;
        result = 0;
    } else {
        creation_refused(&answer, error);
    }
out:
    answer_free(&answer);
    json_decref(body);
    return result;
}

void
users_warn_slow_rooms(struct backend *backend, const struct observation *observed)
{
    list_add(backend->warnings,
        "the display name of %s is stored; the server limits how fast it tells the rooms, "
        "some may show the old one for a while",
        observed->account.user_id);
}

/*
 * Setting a display name sends an event to each room the account is in, and
 * that has a limit per account: the answer may be 429 although the name was
 * stored. What is left of the change after a look is left in `change`.
 */
static int
after_rate_limit(struct backend *backend, struct observation *observed,
    struct account *change, const struct answer *answer, struct error *error)
{
    unsigned all = change->stated;

    if (users_lookup(&backend->matrix, &state_of(backend)->administrator.access_token,
            observed, error) != 0)
        return -1;
    if (account_states(change, ACCOUNT_DISPLAYNAME)) {
        struct account left = {0};
        int result = account_difference(&left, change, &observed->account, error);

        /* A password cannot be looked at; it is set after the name, so it is
         * still due. */
        change->stated = left.stated | (all & ACCOUNT_BIT(ACCOUNT_PASSWORD));
        account_free(&left);
        if (result != 0)
            return -1;
        if (!account_states(change, ACCOUNT_DISPLAYNAME)) {
            users_warn_slow_rooms(backend, observed);
            return 0;
        }
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

/* Everything but deactivated, with as many requests as rate limits ask for. */
static int
update_fields(struct backend *backend, struct observation *observed,
    struct account *change, bool logout_devices, struct error *error)
{
    while (change->stated != 0) {
        json_t *body = build_body(change, logout_devices);
        struct answer answer = {0};
        int result = put(backend, observed->account.user_id, body, &change->password,
            RETRY_SAFE, &answer, error);

        if (result == 0 && answer_ok(&answer)) {
            result = read_user(observed, answer.body, error);
            if (result == 0)
                result = check_done(observed, change, error);
            change->stated = 0;
        } else if (result == 0 && answer_is(&answer, 429, "M_LIMIT_EXCEEDED")) {
            result = after_rate_limit(backend, observed, change, &answer, error);
        } else if (result == 0) {
            result = answer_refused(&answer, "changing the account", error);
        }
        answer_free(&answer);
        json_decref(body);
        if (result != 0)
            return -1;
    }
    return 0;
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
        (set_member(body, "password",
             json_stringn(change->password.bytes, change->password.length)) != 0 ||
            set_member(body, "logout_devices", json_false()) != 0)) {
        error_no_memory(error);
        goto out;
    }
    if (put(backend, observed->account.user_id, body, &change->password, RETRY_SAFE, &answer,
            error) != 0)
        goto out;
    if (!answer_ok(&answer)) {
        answer_refused(&answer,
            change->deactivated ? "deactivating the account" : "reactivating the account",
            error);
        goto out;
    }
    result = read_user(observed, answer.body, error);
    if (!change->deactivated)
        change->stated &= ~ACCOUNT_BIT(ACCOUNT_PASSWORD);
    change->stated &= ~ACCOUNT_BIT(ACCOUNT_DEACTIVATED);
out:
    answer_free(&answer);
    json_decref(body);
    return result;
}

int
users_update(struct backend *backend, struct observation *observed,
    const struct account *change, bool logout_devices, struct error *error)
{
    struct account left = {0};
    int result = -1;

    if (account_name(&left, change->user_id, change->localpart, error) != 0)
        return -1;
    if (account_copy(&left, change, error) != 0)
        goto out;
    if (account_states(&left, ACCOUNT_DEACTIVATED) &&
        update_deactivated(backend, observed, &left, error) != 0)
        goto out;
    result = update_fields(backend, observed, &left, logout_devices, error);
out:
    account_free(&left);
    return result;
}
