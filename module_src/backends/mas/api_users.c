/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "backends/mas/api_users.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/mas/api.h"
#include "backends/mas/api_refusal.h"
#include "backends/mas/api_versions.h"
#include "backends/mas/pages.h"
#include "backends/mas/state.h"
#include "backends/mas/ulid.h"
#include "base/stop.h"
#include "base/text.h"

/* In such steps a homeserver behind MAS that is not up is asked for again. */
#define HOMESERVER_POLL_MS 1000

/* Between looks for a user whose creation somebody else is just completing: between
 * the homeserver's part of it and MAS's own are some milliseconds. */
static const long long look_again_ms[] = {50, 150, 300};

#define WHAT_SIZE 320

/* A point in time that may be null, or not be there at all on older servers. */
static int
read_moment(const json_t *attributes, const char *member, const char *what, bool *is_set,
    struct error *error)
{
    const json_t *moment = json_object_get(attributes, member);

    *is_set = json_is_string(moment);
    return moment == NULL || json_is_null(moment) || json_is_string(moment)
               ? 0
               : pages_no_sense(what, member, error);
}

/* The name, which lives as long as the attributes; NULL with an error. */
static const char *
read_attributes(struct mas_user *user, const json_t *attributes, const char *what,
    struct error *error)
{
    const char *name = json_string_value(json_object_get(attributes, "username"));
    const json_t *admin = json_object_get(attributes, "admin");

    if (name == NULL)
        pages_no_sense(what, "username", error);
    else if (!json_is_boolean(admin))
        pages_no_sense(what, "admin", error);
    else if (read_moment(attributes, "locked_at", what, &user->locked, error) == 0 &&
             read_moment(attributes, "deactivated_at", what, &user->deactivated, error) == 0) {
        user->admin = json_is_true(admin);
        return name;
    }
    return NULL;
}

/* The user of an answer, which has to have this name in any case, and this id where
 * user has one already. */
static int
read_user(struct mas_user *user, const struct answer *answer, const char *localpart,
    const char *what, struct error *error)
{
    const json_t *data = json_object_get(answer->body, "data");
    struct mas_user now = {0};
    const char *name;

    if (!ulid_read(now.id, json_string_value(json_object_get(data, "id"))) ||
        (user->id[0] != '\0' && strcmp(now.id, user->id) != 0))
        return pages_no_sense(what, "id", error);
    name = read_attributes(&now, json_object_get(data, "attributes"), what, error);
    if (name == NULL)
        return -1;
    if (strcasecmp(name, localpart) != 0 || strlen(name) >= sizeof(now.name))
        return error_set(error, ERROR_PROTOCOL, "%s: MAS answers with another user", what);
    snprintf(now.name, sizeof(now.name), "%s", name);
    now.knows_password = user->knows_password;
    now.has_password = user->has_password;
    *user = now;
    return 0;
}

int
api_users_find(struct backend *backend, const char *localpart, struct mas_user *user,
    bool *found, struct error *error)
{
    struct text path = {0};
    struct call call = {.method = "GET", .retry = RETRY_SAFE};
    struct answer answer = {0};
    char what[WHAT_SIZE];
    int result;

    snprintf(what, sizeof(what), "looking for %s in MAS", localpart);
    memset(user, 0, sizeof(*user));
    *found = false;
    text_append(&path, "/users/by-username/");
    text_append_percent(&path, localpart, strlen(localpart));
    call.path = path.failed ? NULL : path.bytes;
    result = api_call(backend, &call, &answer, error);
    if (result == 0 && answer_ok(&answer)) {
        result = read_user(user, &answer, localpart, what, error);
        *found = result == 0;
    } else if (result == 0 && !(answer.status == 404 && api_says(&answer, "not found"))) {
        result = api_refusal_record(&answer, what, error);
    }
    answer_free(&answer);
    text_free(&path);
    return result;
}

static int
take_administrator(void *context, const struct pages_item *item, struct error *error)
{
    struct list *localparts = context;
    struct mas_user user = {0};
    const char *name =
        read_attributes(&user, item->attributes, "listing MAS's administrators", error);

    if (name == NULL)
        return -1;
    if (user.admin && !user.locked && !user.deactivated)
        list_add(localparts, "%s", name);
    return localparts->failed ? error_no_memory(error) : 0;
}

int
api_users_list_administrators(struct backend *backend, struct list *localparts,
    struct error *error)
{
    struct text list = {0};
    int result;

    text_append(&list, "/users");
    pages_filter(&list, "admin", "true");
    pages_filter(&list, "status", "active");
    result = pages_visit(backend, &list, "listing MAS's administrators", take_administrator,
        localparts, error);
    text_free(&list);
    return result;
}

/* A display name that is stated as none is "", since the homeserver would take the
 * localpart otherwise. */
static int
add_profile(struct mas_state *state, json_t *body, const struct account *wanted)
{
    int result = 0;

    state->created_displayname = account_states(wanted, ACCOUNT_DISPLAYNAME);
    state->created_avatar_url = account_states(wanted, ACCOUNT_AVATAR_URL);
    if (state->created_displayname)
        result = json_object_set_new(body, "displayname",
            json_string(wanted->displayname == NULL ? "" : wanted->displayname));
    if (result == 0 && state->created_avatar_url && wanted->avatar_url != NULL)
        result = json_object_set_new(body, "avatar_url", json_string(wanted->avatar_url));
    return result;
}

/* Older servers would ignore a profile silently, so they are asked. NULL: error. */
static json_t *
creation_body(struct backend *backend, const struct account *wanted, struct error *error)
{
    bool has_profile = account_states(wanted, ACCOUNT_DISPLAYNAME) ||
                       account_states(wanted, ACCOUNT_AVATAR_URL);
    struct mas_state *state = mas_state_of(backend);
    json_t *body;
    int result;

    state->created_displayname = state->created_avatar_url = false;
    if (has_profile && api_describe(backend, error) != 0)
        return NULL;
    body = json_pack("{s:s}", "username", wanted->localpart);
    result = body == NULL ? -1 : 0;
    if (result == 0 && backend->leeway.skip_homeserver_check)
        result = json_object_set_new(body, "skip_homeserver_check", json_true());
    if (result == 0 && has_profile && state->has_displayname)
        result = add_profile(state, body, wanted);
    if (result != 0) {
        json_decref(body);
        error_no_memory(error);
        return NULL;
    }
    return body;
}

/* Sends a call, again while the homeserver behind MAS is not up. */
static int
send_patiently(struct backend *backend, struct call *call, struct answer *answer,
    struct error *error)
{
    for (;;) {
        if (api_call(backend, call, answer, error) != 0)
            return -1;
        if (!api_refusal_is_homeservers(answer) ||
            !retry_pause(mas_state_of(backend)->admin.retry, HOMESERVER_POLL_MS))
            return 0;
        answer_free(answer);
    }
}

/* What a refusal of a creation can mean where somebody else was at it, too. */
enum race {
    RACE_NONE,    /* it is a refusal */
    RACE_LOST,    /* the name is taken */
    RACE_PERHAPS, /* it is taken if somebody else's creation is just being completed */
    RACE_UNCLEAR, /* the server broke down, and may have made the user by then */
};

static enum race
judge(const struct answer *answer)
{
    if (answer->status == 409 && api_says(answer, "User already exists"))
        return RACE_LOST;
    if (api_refusal_is_homeservers(answer) && !answer->resent)
        return RACE_NONE; /* nothing is saved then */
    if ((answer->status == 409 && api_says(answer, "is reserved by the homeserver")) ||
        (answer->status == 500 && api_says(answer, "Expected 1 rows")))
        return RACE_PERHAPS;
    return answer->status >= 500 ? RACE_UNCLEAR : RACE_NONE;
}

/* Looks whether the user is there by now. */
static int
look_again(struct backend *backend, const char *localpart, enum race race,
    struct mas_user *user, bool *found, struct error *error)
{
    size_t pauses = race == RACE_PERHAPS ? sizeof(look_again_ms) / sizeof(look_again_ms[0]) : 0;

    for (size_t i = 0;; i++) {
        if (api_users_find(backend, localpart, user, found, error) != 0)
            return -1;
        /* What a signal interrupts is told by the next look. */
        if (*found || i == pauses)
            return 0;
        stop_sleep_ms(look_again_ms[i]);
    }
}

/* The refusal of a creation: lost, or for good. A request of ours may have made the
 * user where it went out twice, or the server broke down over it. */
static int
settle(struct backend *backend, const struct account *wanted, const struct answer *answer,
    enum creation *creation, struct mas_user *user, struct error *error)
{
    static const char what[] = "making the user in MAS";
    enum race race = judge(answer);
    struct error failure = {0};
    bool found = false;

    if (race == RACE_NONE)
        return api_refusal_record(answer, what, error);
    if (race == RACE_LOST && !answer->resent) {
        *creation = CREATION_NAME_TAKEN;
        return 0;
    }
    if (look_again(backend, wanted->localpart, race, user, &found, &failure) != 0) {
        if (race != RACE_LOST && failure.kind != ERROR_MEMORY)
            return api_refusal_record(answer, what, error);
        *error = failure;
        return -1;
    }
    if (!found)
        return api_refusal_record(answer, what, error);
    *creation = answer->resent || race == RACE_UNCLEAR ? CREATION_PERHAPS : CREATION_NAME_TAKEN;
    return 0;
}

int
api_users_create(struct backend *backend, const struct account *wanted,
    enum creation *creation, struct mas_user *user, struct error *error)
{
    struct call call = {
        .method = "POST",
        .path = "/users",
        .body = creation_body(backend, wanted, error),
        .retry = RETRY_UNSENT,
    };
    struct mas_state *state = mas_state_of(backend);
    struct answer answer = {0};
    int result;

    memset(user, 0, sizeof(*user));
    if (call.body == NULL)
        return -1;
    result = send_patiently(backend, &call, &answer, error);
    if (result == 0 && answer_ok(&answer)) {
        *creation = CREATION_DONE;
        result = read_user(user, &answer, wanted->localpart, "making the user in MAS",
            error);
    } else {
        state->created_displayname = state->created_avatar_url = false;
        if (result == 0)
            result = settle(backend, wanted, &answer, creation, user, error);
    }
    answer_free(&answer);
    json_decref(call.body);
    return result;
}

/* POSTs body, which it takes over and may be NULL, to an endpoint of the user's. */
static int
post(struct backend *backend, const struct mas_user *user, const char *endpoint,
    json_t *body, const struct secret *secret, struct answer *answer, struct error *error)
{
    char path[MAS_ID_SIZE + 64];
    struct call call = {
        .method = "POST",
        .path = path,
        .body = body,
        .secrets = {secret},
        .may_be_empty = true, /* 204 of set-password; of others it is read */
        .retry = RETRY_SAFE, /* each answers the same when it is repeated */
    };
    int result;

    snprintf(path, sizeof(path), "/users/%s/%s", user->id, endpoint);
    result = send_patiently(backend, &call, answer, error);
    json_decref(body);
    return result;
}

int
api_users_set_password(struct backend *backend, const struct mas_user *user,
    const char *localpart, const struct secret *password, struct error *error)
{
    struct answer answer = {0};
    char what[WHAT_SIZE];
    json_t *body;
    int result;

    snprintf(what, sizeof(what), "setting the password of %s in MAS", localpart);
    if (!text_is_unicode(password->bytes, password->length) ||
        memchr(password->bytes, '\0', password->length) != NULL)
        return error_set(error, ERROR_INVALID,
            "%s: it is not Unicode text, which is all that MAS takes", what);
    body = json_pack("{s:s%}", "password", password->bytes, password->length);
    if (body == NULL)
        return error_no_memory(error);
    if (backend->leeway.skip_password_check &&
        json_object_set_new(body, "skip_password_check", json_true()) != 0) {
        json_decref(body);
        return error_no_memory(error);
    }
    result = post(backend, user, "set-password", body, password, &answer, error);
    if (result == 0 && !answer_ok(&answer))
        result = api_refusal_record(&answer, what, error);
    answer_free(&answer);
    return result;
}

/* A change of state, whose answer is the user as it now is. */
static int
change_state(struct backend *backend, struct mas_user *user, const char *localpart,
    const char *endpoint, json_t *body, const char *doing, struct error *error)
{
    struct answer answer = {0};
    char what[WHAT_SIZE];
    int result = post(backend, user, endpoint, body, NULL, &answer, error);

    snprintf(what, sizeof(what), "%s %s in MAS", doing, localpart);
    if (result == 0 && !answer_ok(&answer))
        result = api_refusal_record(&answer, what, error);
    else if (result == 0)
        result = read_user(user, &answer, localpart, what, error);
    answer_free(&answer);
    return result;
}

static int
check_done(bool is_done, const char *localpart, const char *what, struct error *error)
{
    return is_done ? 0
                   : error_set(error, ERROR_SERVER,
                         "MAS accepted a change of %s's %s, but it did not happen", localpart,
                         what);
}

int
api_users_set_admin(struct backend *backend, struct mas_user *user, const char *localpart,
    bool admin, struct error *error)
{
    json_t *body = json_pack("{s:b}", "admin", (int)admin);

    if (body == NULL)
        return error_no_memory(error);
    if (change_state(backend, user, localpart, "set-admin", body,
            admin ? "making an administrator of" : "taking the administrator's rights from",
            error) != 0)
        return -1;
    return check_done(user->admin == admin, localpart, "admin", error);
}

int
api_users_set_locked(struct backend *backend, struct mas_user *user, const char *localpart,
    bool locked, struct error *error)
{
    if (!locked && api_versions_check_unlock(backend, user, localpart, error) != 0)
        return -1;
    if (change_state(backend, user, localpart, locked ? "lock" : "unlock", NULL,
            locked ? "locking" : "unlocking", error) != 0)
        return -1;
    return check_done(user->locked == locked, localpart, "lock", error);
}

int
api_users_deactivate(struct backend *backend, struct mas_user *user, const char *localpart,
    bool erase, struct error *error)
{
    json_t *body;

    if (!erase && api_versions_check_keeping(backend, localpart, error) != 0)
        return -1;
    body = json_pack("{s:b}", "skip_erase", (int)!erase);
    if (body == NULL)
        return error_no_memory(error);
    if (change_state(backend, user, localpart, "deactivate", body, "deactivating", error) != 0)
        return -1;
    return check_done(user->deactivated, localpart, "deactivation", error);
}

int
api_users_reactivate(struct backend *backend, struct mas_user *user, const char *localpart,
    struct error *error)
{
    if (change_state(backend, user, localpart, "reactivate", NULL, "reactivating", error) != 0)
        return -1;
    return check_done(!user->deactivated, localpart, "deactivation", error);
}
